//! What a node gets, and what is told when it refuses or does not answer.

use luxor_protocol::api::{RecordResult, Waits};
use luxor_protocol::cbor::Reader;
use luxor_protocol::credential::{Credential, KeyBinding, SdJwt};
use luxor_protocol::credential::{CredentialType, StatusToken};
use luxor_protocol::recognition::{Attested, Confirmation, Tokens};
use luxor_protocol::record::{Content, Fault, Value as Field, content_from_json};

use super::*;
use crate::client::stub::{Stub, accept, each};
use crate::cmd::attest::keys;

/// The records of a chunk.
fn records(chunk: &[u8]) -> Vec<Content> {
    let mut reader = Reader::new(chunk);
    let count = reader.array(usize::MAX).unwrap();
    (0..count).map(|_| Content::decode(&mut reader).unwrap()).collect()
}

fn accepting() -> Stub {
    Stub::new(|_, chunk| (200, accept(chunk)))
}

fn refusing() -> Stub {
    let refused = || RecordResult::Refused {
        fault: Fault::Credential,
        pointer: "/credential/token#right_kind".into(),
        reason: "shop is a platform".into(),
        findings: Vec::new(),
        waits: Waits::Waits,
    };
    Stub::new(move |_, chunk| (200, each(chunk, refused)))
}

fn text(record: &Content, group: &str, field: &str) -> String {
    match record.field(group, field) {
        Some(Field::Text(text)) => text,
        other => panic!("{group}.{field}: {other:?}"),
    }
}

impl Place {
    fn key(&self) -> luxor_protocol::credential::AttestPublic {
        keys::public(&self.path("issuer/issuer.jwk")).unwrap()
    }

    fn outgoing(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.path("issuer/outgoing")) else { return Vec::new() };
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    /// The list that a stub got in its request `at`.
    fn list(&self, stub: &Stub, at: usize) -> StatusToken {
        let record = &records(&stub.seen()[at].1)[0];
        StatusToken::verify(&text(record, "list", "token"), &self.key(), NOW).unwrap()
    }
}

#[test]
fn a_credential_goes_out_with_its_number_and_keeps_the_rest_apart() {
    let (place, stub) = (Place::new(&[]), accepting());
    assert_eq!(place.issue(NOW, "aeo.jwt", &["--node", stub.dir(), "--json"]), Ok(Exit::Ok));
    let seen = stub.seen();
    assert!(seen[0].0.starts_with("PUT /v1/submissions/") && seen[0].0.contains("lane=ordinary"), "{}", seen[0].0);
    let [record] = &records(&seen[0].1)[..] else { panic!() };
    let index = place.indexes()[0];
    assert_eq!(text(record, "reference", "own_reference"), format!("aeo-{index}"));
    // The token alone is what a recogniser needs, and discloses nothing else.
    let tokens = Tokens::of(record.table(), |group, field| record.field(group, field)).unwrap().unwrap();
    let Tokens::Attestation { kind, token } = tokens else { panic!() };
    assert_eq!(kind, "aeo");
    let presented = SdJwt::parse(&token).unwrap();
    assert_eq!(presented.disclosures().len(), 1);
    let verified = Credential::verify(&presented, &place.key(), NOW, KeyBinding::None).unwrap();
    assert_eq!(verified.shown.credential_type(), CredentialType::Aeo);
    let member = "customs-de".parse().unwrap();
    Attested::new(luxor_protocol::hash::Digest::ZERO, &member, &place.key(), &verified).unwrap();
    assert!(!token.contains("Beispiel"));
    // With the details behind it, it is the credential as it was handed out.
    let details = record.table().groups.iter().position(|group| group.name == "details").unwrap();
    let mut whole: Vec<String> = token.split('~').filter(|part| !part.is_empty()).map(str::to_owned).collect();
    for occurrence in record.occurrences(details, 0) {
        for (_, field) in occurrence {
            let Field::Text(disclosure) = field else { panic!() };
            whole.push(disclosure);
        }
    }
    let issued = fs::read_to_string(place.path("aeo.jwt")).unwrap();
    let mut parts: Vec<String> = issued.trim().split('~').filter(|part| !part.is_empty()).map(str::to_owned).collect();
    whole.sort();
    parts.sort();
    assert_eq!(whole, parts);
    assert_eq!(place.outgoing(), Vec::<String>::new(), "the node has answered");
}

#[test]
fn each_type_discloses_its_number() {
    let (place, stub) = (Place::new(&[]), accepting());
    let (dir, holder) = (place.text("issuer"), place.text("holder.key.jwk"));
    for (index, claims) in [
        "checks=identity level=declared since=2026-01-01 incidents=0 seller=shop-1 legal_name=Shop",
        "territory=EU collects=tax from=2026-01-01 ioss=IM0401234567 legal_name=Shop",
        "territory=EU collects=tax from=2026-01-01 registration=R-17 legal_name=Shop",
    ]
    .into_iter()
    .enumerate()
    {
        let kind = if index == 0 { "vetted_seller" } else { "collect" };
        let out = place.text(&format!("{index}.jwt"));
        let mut args =
            vec!["issue", "--dir", &dir, "--type", kind, "--holder", &holder, "-o", &out, "--node", stub.dir()];
        args.extend(claims.split(' ').flat_map(|claim| ["--claim", claim]));
        assert_eq!(at(NOW, &args), Ok(Exit::Ok));
        let record = &records(&stub.seen()[index].1)[0];
        let presented = SdJwt::parse(&text(record, "credential", "token")).unwrap();
        let verified = Credential::verify(&presented, &place.key(), NOW, KeyBinding::None).unwrap();
        let member = "shop".parse().unwrap();
        assert!(
            Attested::new(luxor_protocol::hash::Digest::ZERO, &member, &place.key(), &verified).is_ok(),
            "{claims}"
        );
    }
}

#[test]
fn one_command_takes_the_benefits_away() {
    let (place, stub) = (Place::new(&[]), accepting());
    place.issue(NOW, "aeo.jwt", &[]).unwrap();
    let index = place.indexes()[0];
    let (dir, node) = (place.text("issuer"), stub.dir());
    for (at_request, (what, status)) in
        [("suspend", "suspended"), ("suspend", "suspended"), ("reinstate", "valid"), ("revoke", "invalid")]
            .into_iter()
            .enumerate()
    {
        assert_eq!(at(NOW, &[what, "--dir", &dir, "--subject", "DE1234567", "--node", node]), Ok(Exit::Ok));
        assert!(stub.seen()[at_request].0.contains("lane=urgent"));
        let token = place.list(&stub, at_request);
        assert_eq!(token.claims.uri, "https://customs.example/aeo/status/1");
        assert_eq!(format!("{:?}", token.list.get(index).unwrap()).to_lowercase(), status);
        // Each is newer than the one before, whatever the clock says.
        assert_eq!(token.claims.issued_at, NOW + at_request as u64);
        assert_eq!((token.claims.ttl, token.claims.expires), (Some(900), Some(NOW + at_request as u64 + DAY)));
    }
    // The same list by publish, at the node alone or beside the files.
    assert_eq!(at(NOW, &["publish", "--dir", &dir, "--node", node]), Ok(Exit::Ok));
    assert!(!place.path("www").exists());
    assert_eq!(at(NOW, &["publish", "--dir", &dir, "--node", node, "--to", &place.text("www")]), Ok(Exit::Ok));
    assert!(place.path("www/aeo/status/1").exists());
    assert_eq!(stub.seen().len(), 6);
}

#[test]
fn a_lost_answer_sends_nothing_twice() {
    let place = Place::new(&[]);
    place.issue(NOW, "aeo.jwt", &[]).unwrap();
    let mut lost = 0;
    let stub = Stub::new(move |_, chunk| {
        lost += 1;
        if lost == 1 { (0, String::new()) } else { (200, accept(chunk)) }
    });
    let suspend = ["suspend", "--dir", &place.text("issuer"), "--subject", "DE1234567", "--node", stub.dir()];
    let (exit, said) = at(NOW, &suspend).unwrap_err();
    assert_eq!(exit, Exit::Unreachable, "{said}");
    for part in [
        "1 credential is suspended",
        "not known",
        "luxor submit --node",
        "--urgent --submission",
        "no answer from the node",
    ] {
        assert!(said.contains(part), "{said}: {part}");
    }
    assert_eq!(place.outgoing(), ["status_list.ndjson"]);
    // A while later it is the same submission with the same bytes.
    assert_eq!(at(NOW + 60, &suspend), Ok(Exit::Ok));
    let seen = stub.seen();
    assert_eq!((seen.len(), &seen[0]), (2, &seen[1]));
    assert_eq!(place.outgoing(), Vec::<String>::new());
    // Answered, it is a list of its own the next time; and so is one that says something else.
    at(NOW + 60, &suspend).unwrap();
    assert_ne!(stub.seen()[2], seen[1]);
}

#[test]
fn a_kept_list_that_says_something_else_is_not_sent() {
    let place = Place::new(&[]);
    place.issue(NOW, "aeo.jwt", &[]).unwrap();
    let mut lost = 0;
    let stub = Stub::new(move |_, chunk| {
        lost += 1;
        if lost == 1 { (500, "{}".into()) } else { (200, accept(chunk)) }
    });
    let change =
        |now, what| at(now, &[what, "--dir", &place.text("issuer"), "--subject", "DE1234567", "--node", stub.dir()]);
    change(NOW, "suspend").unwrap_err();
    change(NOW + 1, "reinstate").unwrap();
    assert_eq!(
        place.list(&stub, 1).list,
        luxor_protocol::credential::StatusList::new(luxor_protocol::credential::Bits::Two, 1024).unwrap()
    );
    assert_ne!(stub.seen()[0].0, stub.seen()[1].0);
}

#[test]
fn a_refusal_is_told_and_what_stands() {
    let (place, stub) = (Place::new(&[]), refusing());
    assert_eq!(place.issue(NOW, "aeo.jwt", &["--node", stub.dir()]), Ok(Exit::Findings));
    assert_eq!((place.indexes().len(), place.path("aeo.jwt").exists()), (1, true));
    assert_eq!(at(NOW, &["publish", "--dir", &place.text("issuer"), "--node", stub.dir()]), Ok(Exit::Findings));
    assert_eq!(place.outgoing(), Vec::<String>::new());
}

#[test]
fn a_list_that_no_record_carries_is_refused_with_what_stands() {
    let long = "a".repeat(luxor_protocol::limits::MAX_CARRIED_STATUS_BYTES + 1);
    let error = crate::cmd::attest::carry::status_list("https://customs.example/1", &long, NOW).unwrap_err();
    assert!(error.to_string().contains("publish --to"), "{error}");
}

#[test]
fn without_a_node_nothing_is_done() {
    let place = Place::new(&[]);
    let nobody = place.text("nobody");
    let (exit, said) = place.issue(NOW, "aeo.jwt", &["--node", &nobody]).unwrap_err();
    assert!(exit == Exit::Unreachable && said.contains("nothing was done"), "{said}");
    assert_eq!(place.indexes(), Vec::<u64>::new());
    let publish = ["luxor", "attest", "publish", "--dir", "issuer"];
    assert!(Cli::try_parse_from(publish).is_err(), "neither --to nor --node");
}

#[test]
fn ten_thousand_uses_are_confirmed_by_their_holder() {
    let place = Place::new(&[]);
    let items: Vec<String> = (0..10_000).map(|at| format!("P{at:08}")).collect();
    fs::write(place.path("items.txt"), format!("{}\n\n  LX000000005DE \nP00000007\n", items.join("\n"))).unwrap();
    let (key, file, out) = (place.text("holder.key"), place.text("items.txt"), place.text("uses.ndjson"));
    let what = ["confirm", "--key", &key, "--number", "IM0401234567", "--period", "2026-11"];
    let begun = std::time::Instant::now();
    assert_eq!(at(NOW, &[&what[..], &["--items", &file, "--out", &out]].concat()), Ok(Exit::Ok));
    println!("10,001 uses in {:?}", begun.elapsed());
    let written = fs::read_to_string(&out).unwrap();
    let records: Vec<Content> =
        written.lines().map(|line| content_from_json(&serde_json::from_str(line).unwrap()).unwrap()).collect();
    assert_eq!(records.len(), 10_001);
    let holder = keys::public(&place.path("holder.key.jwk")).unwrap();
    let jwk = serde_json::to_string(&holder.jwk()).unwrap();
    for record in records.iter().step_by(997).chain(records.last()) {
        let tokens = Tokens::of(record.table(), |group, field| record.field(group, field)).unwrap().unwrap();
        let Tokens::Use { item, number, period, key, token } = tokens else { panic!() };
        assert_eq!((number.as_str(), period.as_str(), &key), ("IM0401234567", "2026-11", &jwk));
        let of = Confirmation::verify(&token, &holder, NOW).unwrap();
        assert_eq!((of.item, of.number, of.period.to_string(), of.signed_at), (item, number, period, NOW));
    }
    assert_eq!(text(&records[10_000], "item", "scheme"), "s10");
    assert_eq!(records[0].field("item", "scheme"), None);
    let references: std::collections::BTreeSet<String> =
        records.iter().map(|record| text(record, "reference", "own_reference")).collect();
    assert_eq!(references.len(), records.len());
}

#[test]
fn confirmations_go_on_where_they_were_broken_off() {
    let place = Place::new(&[]);
    let items: Vec<String> = (0..2_500).map(|at| format!("P{at:08}")).collect();
    fs::write(place.path("items.txt"), items.join("\n")).unwrap();
    let mut asked = 0;
    let stub = Stub::new(move |_, chunk| {
        asked += 1;
        if asked == 2 { (500, r#"{"error":"disk","message":"the disk is full"}"#.into()) } else { (200, accept(chunk)) }
    });
    let (key, file) = (place.text("holder.key"), place.text("items.txt"));
    let what = [
        "confirm",
        "--key",
        &key,
        "--number",
        "IM0401234567",
        "--period",
        "2026-11",
        "--items",
        &file,
        "--node",
        stub.dir(),
    ];
    let (exit, said) = at(NOW, &what).unwrap_err();
    assert!(exit == Exit::Failed && said.contains("--signed-at 2026-11-26T10:00:00Z goes on"), "{said}");
    let again = [&what[..], &["--signed-at", "2026-11-26T10:00:00Z"]].concat();
    assert_eq!(at(NOW + 300, &again), Ok(Exit::Ok));
    let seen = stub.seen();
    assert_eq!((&seen[0], &seen[1]), (&seen[2], &seen[3]));
    assert_eq!(seen.len(), 5);
    refused(NOW - 1, &again, Exit::Usage, "not yet");
    let refusing = refusing();
    let one = [
        "confirm",
        "--key",
        &key,
        "--number",
        "IM0401234567",
        "--period",
        "2026-11",
        "--item",
        "A",
        "--node",
        refusing.dir(),
    ];
    assert_eq!(at(NOW, &one), Ok(Exit::Findings));
}
