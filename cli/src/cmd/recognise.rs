//! `luxor recognise`: a trader's number and a purpose in, an answer for an officer out.
//!
//! Not here: the decision ([`luxor_protocol::recognition`]), which the node makes from what it holds.

use luxor_protocol::api::{RecognitionEvidence, RecognitionReport};
use luxor_protocol::recognition::Scheme;
use luxor_protocol::reference::{Ioss, ioss};

use super::listed;
use crate::args::RecogniseArgs;
use crate::client::Client;
use crate::exit::{Exit, UsageError};
use crate::ui;

/// Characters of a TIN at most (WCO, trader identification number).
const MAX_TIN: usize = 35;
/// Characters of an EORI at most (Commission Delegated Regulation 2015/2446, Annex B).
const MAX_EORI: usize = 17;

pub(super) fn run(args: &RecogniseArgs) -> anyhow::Result<Exit> {
    let scheme = match args.scheme {
        Some(scheme) => scheme,
        None => plain(&args.number)?,
    };
    let client = Client::open(&args.node.node)?;
    let report = client.recognition(&query(args, scheme))?;
    if args.node.json {
        ui::json(&report)?;
    } else {
        answer(&report).iter().try_for_each(|line| ui::line(line))?;
    }
    if args.scheme.is_none() {
        let other = match (report.recognised, scheme) {
            (false, Scheme::Eori) => "; --scheme tin asks for a TIN",
            (false, Scheme::Tin) => "; --scheme registration or seller asks otherwise",
            _ => "",
        };
        ui::say(&format!("{} was taken for a number of the scheme {scheme}{other}", args.number));
    }
    Ok(if report.recognised { Exit::Ok } else { Exit::Findings })
}

/// The scheme that a number's form tells.
fn plain(number: &str) -> Result<Scheme, UsageError> {
    let letters = number.len() > 2 && number.bytes().take(2).all(|c| c.is_ascii_uppercase());
    let plain = number.bytes().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    match number.len() {
        _ if ioss(number, &[]) != Ioss::Form => Ok(Scheme::Ioss),
        ..=MAX_EORI if letters && plain => Ok(Scheme::Eori),
        ..=MAX_TIN if letters && plain => Ok(Scheme::Tin),
        _ => {
            let found: String = number.chars().take(80).collect();
            let what = format!("the form of '{found}' does not tell its scheme");
            Err(UsageError(format!("{what}\nhint: --scheme tin, eori, ioss, registration or seller")))
        }
    }
}

fn query(args: &RecogniseArgs, scheme: Scheme) -> Vec<(&'static str, String)> {
    let mut query = vec![
        ("number", args.number.clone()),
        ("scheme", scheme.word().to_owned()),
        ("purpose", args.purpose.word().to_owned()),
    ];
    for (name, all) in [("hs", &args.hs), ("given", &args.given)] {
        query.extend((!all.is_empty()).then(|| (name, all.join(","))));
    }
    query.extend(args.at.map(|at| ("at", at.to_string())));
    query
}

/// The answer, the verdict first.
fn answer(report: &RecognitionReport) -> Vec<String> {
    let RecognitionReport { scheme, number, purpose, at, recognised, ground, benefits, rows, evidence, sentences } =
        report;
    let verdict = if *recognised { "RECOGNISED" } else { "NOT RECOGNISED" };
    let mut lines = vec![format!("{number} ({scheme}): {verdict} for {purpose}, as of {at}")];
    for row in rows {
        let digest: String = row.digest.chars().take(16).collect();
        let (agreement, version) = (&row.agreement, row.version);
        lines.push(format!("  arrangement  {agreement}, version {version} (digest {digest}), row {}", row.row));
        lines.push(format!("               gives {}", listed(&row.benefits)));
    }
    match ground.as_deref() {
        Some("own") => lines.push("  ground       an own trader: its own administration attests it".into()),
        Some("mandate") => lines.push("  ground       its mandate to collect".into()),
        _ => {}
    }
    if *recognised {
        let all = if benefits.is_empty() { "none".to_owned() } else { listed(benefits) };
        lines.push(format!("  benefits     {all}"));
    }
    lines.extend(evidence.iter().flat_map(rests_on));
    for (at, sentence) in sentences.iter().enumerate() {
        let heading = if at == 0 { "reasons" } else { "" };
        lines.push(format!("  {heading:<12} {sentence}"));
    }
    lines
}

fn rests_on(evidence: &RecognitionEvidence) -> Vec<String> {
    let RecognitionEvidence { issuer, attestation, programme, credential, key, .. } = evidence;
    let programme = programme.as_ref().map(|programme| format!(" of {programme}")).unwrap_or_default();
    let credential: String = credential.chars().take(16).collect();
    vec![
        format!("  attested by  {issuer}: {attestation}{programme}, credential {credential}, key {key}"),
        format!("               issued {}, holds until {}", evidence.issued_at, evidence.expires),
        format!("  status       {} s old, by {} of {}", evidence.status_age, evidence.list, evidence.list_issued_at),
    ]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use luxor_protocol::document::Benefit;
    use proptest::prelude::*;

    use super::*;
    use crate::args::{Cli, Command};
    use crate::client::stub::Stub;
    use clap::Parser as _;

    fn report(recognised: bool) -> RecognitionReport {
        serde_json::from_value(serde_json::json!({
            "scheme": "eori", "number": "DE1", "purpose": "safety_security", "at": "2026-11-26T10:00:00.000Z",
            "recognised": recognised, "ground": recognised.then_some("agreements"),
            "benefits": if recognised { vec![Benefit::Priority] } else { Vec::new() },
            "rows": if recognised {
                serde_json::json!([{ "agreement": "mra", "version": 2, "digest": "ab".repeat(32), "row": 1, "benefits": ["priority"] }])
            } else { serde_json::json!([]) },
            "evidence": null,
            "sentences": ["the first reason", "the second"],
        }))
        .unwrap()
    }

    #[test]
    fn the_form_tells_the_scheme_where_it_is_plain() {
        for (number, scheme) in [
            ("IM0401234567", Scheme::Ioss),
            ("IM040123456", Scheme::Eori),
            ("DE1234567", Scheme::Eori),
            ("US1234567890ABCDEFG", Scheme::Tin),
        ] {
            assert_eq!(plain(number).unwrap(), scheme, "{number}");
        }
        for wrong in ["", "DE", "12345", "shop of A", "de1234567", "DEÄ", "US1234567890123456789012345678901234"] {
            assert!(plain(wrong).unwrap_err().to_string().contains("--scheme"), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_number_is_too_strange(number in ".*") {
            let _ = plain(&number);
        }
    }

    #[test]
    fn an_officer_reads_the_verdict_first() {
        let yes = answer(&report(true)).join("\n");
        assert!(
            yes.starts_with("DE1 (eori): RECOGNISED for safety_security, as of 2026-11-26T10:00:00.000Z\n"),
            "{yes}"
        );
        assert!(yes.contains("arrangement  mra, version 2 (digest abababababababab), row 1"), "{yes}");
        assert!(yes.contains("benefits     priority") && yes.contains("reasons      the first reason"), "{yes}");
        let no = answer(&report(false)).join("\n");
        assert!(no.starts_with("DE1 (eori): NOT RECOGNISED") && !no.contains("benefits"), "{no}");
    }

    #[test]
    fn what_is_asked_and_how_it_ends() {
        for (recognised, exit) in [(true, Exit::Ok), (false, Exit::Findings)] {
            let stub = Stub::new(move |_, _| (200, serde_json::to_string(&report(recognised)).unwrap()));
            let line = format!(
                "luxor recognise DE1 --purpose safety_security --hs 01,02 --given a --given b --at 2026-11-26T10:00:00Z --json --node {}",
                stub.dir()
            );
            let Command::Recognise(args) = Cli::try_parse_from(line.split(' ')).unwrap().command else { panic!() };
            assert_eq!(run(&args).unwrap(), exit);
            let asked = &stub.seen()[0].0;
            for part in [
                "/v1/recognition?",
                "number=DE1&",
                "scheme=eori&",
                "purpose=safety_security",
                "hs=01%2C02",
                "given=a%2Cb",
                "at=2026-11-26T10",
            ] {
                assert!(asked.contains(part), "{asked}: {part}");
            }
        }
    }

    #[test]
    fn a_node_that_still_reads_is_not_there_yet() {
        let stub =
            Stub::new(|_, _| (503, r#"{"error":"reading","message":"attestations are still being read"}"#.to_owned()));
        let line = format!("luxor recognise DE1 --purpose safety_security --node {}", stub.dir());
        let Command::Recognise(args) = Cli::try_parse_from(line.split(' ')).unwrap().command else { panic!() };
        let error = run(&args).unwrap_err();
        assert_eq!(Exit::of(&error), Exit::Unreachable, "{error:#}");
    }
}
