//! Founding a practice network: every type that an integrator of its kind exchanges with a partner flows under one agreement.

use std::collections::BTreeSet;
use std::str::FromStr;

use luxor_protocol::names::{MemberId, MemberKind, Purpose, Territory};
use luxor_protocol::record::{OPENING, tables};
use luxor_protocol::sandbox::{PRACTICE_NETWORK, Rules};
use serde::Serialize;

use super::NewArgs;
use super::state::{RULES, State, Who};
use crate::exit::{Exit, UsageError};
use crate::files;
use crate::local::{Draft, Network, Place, Role, term};
use crate::ui;

/// Partners of one practice network; each is a node process here.
const MAX_PARTNERS: usize = 8;
const RETENTION_DAYS: u64 = 30;
/// Bytes of a node's `luxord.toml`.
pub(super) const MAX_CONFIG_BYTES: usize = 64 * 1024;
/// What makes a node refuse records with an error of quality.
const STRICT: &str = "\n[rules]\nothers = \"refuse\"\n";

/// Types that only customs and agencies issue.
const OF_AUTHORITIES: [&str; 3] = ["referral", "customs_response", "agency_decision"];

/// `--me`
#[derive(Debug, Clone)]
pub(crate) struct Me(Who);

/// `--partner`
#[derive(Debug, Clone, Copy)]
pub(crate) struct Partner {
    kind: MemberKind,
    territory: Territory,
}

impl FromStr for Me {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split(':');
        let (Some(member), Some(kind), Some(territory), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err("expected MEMBER:KIND:TERRITORY, such as swift-post:post:GB".into());
        };
        let Partner { kind, territory } = format!("{kind}:{territory}").parse()?;
        Ok(Self(Who { member: member.parse().map_err(|e| format!("{e}"))?, kind, territory }))
    }
}

impl FromStr for Partner {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, territory) = text.split_once(':').ok_or("expected KIND:TERRITORY, such as customs:KR")?;
        let kind: MemberKind = kind.parse().map_err(|e| format!("{e}"))?;
        if kind == MemberKind::Auditor {
            return Err("an auditor exchanges no records: see `luxor audit`".into());
        }
        Ok(Self { kind, territory: territory.parse().map_err(|e| format!("{e}"))? })
    }
}

/// What was founded, for people and programs.
#[derive(Serialize)]
struct Founded<'f> {
    dir: String,
    me: &'f Who,
    node: String,
    partners: &'f [Who],
    rules: String,
}

pub(super) fn run(args: &NewArgs) -> anyhow::Result<Exit> {
    let Me(me) = &args.me;
    let partners = name(me, &args.partners)?;
    let place = Place::new("", Some(&args.dir))?;
    let root = place.path();
    let titles: Vec<String> =
        partners.iter().map(|who| format!("Practice {} of {}", who.kind, who.territory)).collect();
    let all = std::iter::once((me, "Integrator")).chain(partners.iter().zip(titles.iter().map(String::as_str)));
    let texts: Vec<_> =
        all.map(|(who, title)| (who.member.as_str(), title, who.territory.to_string(), who.kind)).collect();
    let roles: Vec<Role<'_>> =
        texts.iter().map(|(id, name, territory, kind)| Role { id, name, kind: kind.word(), territory }).collect();
    // Partners govern: whoever integrates needs no key of theirs, and a real network founds itself otherwise.
    let governors: Vec<&str> = partners.iter().map(|who| who.member.as_str()).collect();
    let drafts: Vec<Draft> = partners.iter().map(|partner| draft(me, partner)).collect();
    let network = Network::found_with(root, PRACTICE_NETWORK, &roles, &governors, &drafts)?;
    for partner in &partners {
        let path = network.dir(partner.member.as_str()).join("luxord.toml");
        let text = files::read_text(&path, MAX_CONFIG_BYTES)?;
        let strict = if args.strict { STRICT } else { "" };
        let practice = format!("\n[practice]\nnetwork = \"{}\"\n", network.digest().hex());
        files::write(&path, format!("{text}{strict}{practice}").as_bytes())?;
    }
    files::write(&root.join(RULES), Rules::builtin_text().as_bytes())?;
    State::new(me.clone(), partners.clone()).write(root)?;

    let node = network.dir(me.member.as_str()).display().to_string();
    let founded = Founded {
        dir: root.display().to_string(),
        me,
        node: node.clone(),
        partners: &partners,
        rules: root.join(RULES).display().to_string(),
    };
    if args.json {
        ui::json(&founded)?;
    } else {
        ui::line(&format!("a practice network of {} is founded in {}", partners.len() + 1, founded.dir))?;
        ui::line(&format!("  your node        {node}"))?;
        for partner in &partners {
            ui::line(&format!("  plays against    {}", partner.member))?;
        }
        ui::line(&format!("  rules            {}", founded.rules))?;
        ui::say(&format!("hint: `luxor sandbox run {}` starts everything and reports", founded.dir));
    }
    Ok(Exit::Ok)
}

/// Partners with their names: kind and territory, and a number where that is taken.
fn name(me: &Who, asked: &[Partner]) -> Result<Vec<Who>, UsageError> {
    let usual = [MemberKind::Customs, MemberKind::Post, MemberKind::Carrier];
    let abroad = if me.territory.as_str() == "EU" { "KR" } else { "EU" };
    let abroad: Territory = abroad.parse().map_err(|e| UsageError(format!("{e}")))?;
    let asked: Vec<Partner> = match asked {
        [] => usual.into_iter().filter(|k| *k != me.kind).map(|kind| Partner { kind, territory: abroad }).collect(),
        some => some.to_vec(),
    };
    if asked.len() > MAX_PARTNERS {
        return Err(UsageError(format!("{} partners; a practice network has at most {MAX_PARTNERS}", asked.len())));
    }
    let mut taken = BTreeSet::from([me.member.to_string()]);
    let mut partners = Vec::new();
    for Partner { kind, territory } in asked {
        let base = format!("{kind}-{}", territory.as_str().to_lowercase());
        let mut names = std::iter::once(base.clone()).chain((2..).map(|n| format!("{base}-{n}")));
        // There are fewer names taken than numbers.
        let name = names.find(|name| taken.insert(name.clone())).unwrap_or(base);
        let member: MemberId = name.parse().map_err(|e| UsageError(format!("{e}")))?;
        partners.push(Who { member, kind, territory });
    }
    Ok(partners)
}

/// What a partner's and the integrator's records flow under.
fn draft(me: &Who, partner: &Who) -> Draft {
    let (from, until) = term();
    let mut lines = vec![
        format!("id = \"practice-{}\"", partner.member),
        format!("title = \"Practice between {} and {}\"", me.member, partner.member),
        "instrument = \"Practice agreement (no legal effect)\"".to_owned(),
        "article = \"1\"".to_owned(),
        format!("controller = \"{}\"", me.member),
        format!("parties = [\"{}\", \"{}\"]", me.member, partner.member),
        format!("valid_from = \"{from}\""),
        format!("valid_until = \"{until}\""),
    ];
    for (sender, recipient) in [(me, partner), (partner, me)] {
        for (type_name, version) in types(sender.kind) {
            lines.extend([
                "[[flow]]".to_owned(),
                format!("type = \"{type_name}\""),
                format!("version = {version}"),
                format!("from = [\"{}\"]", sender.member),
                format!("to = [\"{}\"]", recipient.member),
                format!("purpose = \"{}\"", purpose(recipient.kind)),
                "groups = [\"*\"]".to_owned(),
                format!("retention_days = {RETENTION_DAYS}"),
            ]);
        }
    }
    Draft { parties: vec![me.member.to_string(), partner.member.to_string()], text: lines.join("\n") + "\n" }
}

/// Types that a member of a kind issues, in their newest versions.
fn types(kind: MemberKind) -> impl Iterator<Item = (&'static str, u64)> {
    let authority = matches!(kind, MemberKind::Customs | MemberKind::Agency);
    let issues = move |name: &str| name != OPENING.name && (authority || !OF_AUTHORITIES.contains(&name));
    let newest = |name: &str, version| !tables().any(|other| other.name == name && other.version > version);
    tables().filter(move |t| issues(t.name) && newest(t.name, t.version)).map(|table| (table.name, table.version))
}

/// What a member of a kind gets records for.
fn purpose(kind: MemberKind) -> Purpose {
    match kind {
        MemberKind::Customs => Purpose::SafetySecurity,
        MemberKind::Agency => Purpose::AgencyControl,
        MemberKind::Post | MemberKind::Carrier => Purpose::Delivery,
        MemberKind::Platform | MemberKind::Payment | MemberKind::Broker => Purpose::Facilitation,
        MemberKind::Auditor => Purpose::Audit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use luxor_protocol::document::Agreement;

    #[test]
    fn every_kind_gets_an_agreement_that_holds() {
        for kind in MemberKind::ALL.iter().filter(|kind| **kind != MemberKind::Auditor) {
            let me: Me = format!("me:{kind}:GB").parse().unwrap();
            for partner in name(&me.0, &[]).unwrap() {
                assert_ne!(partner.kind, *kind);
                let agreement = Agreement::from_draft(&draft(&me.0, &partner).text).unwrap();
                let referral = agreement.flows.iter().filter(|flow| flow.type_name == "referral");
                let authorities = [*kind, partner.kind]
                    .iter()
                    .filter(|kind| matches!(kind, MemberKind::Customs | MemberKind::Agency))
                    .count();
                assert_eq!(referral.count(), authorities, "{kind} and {}", partner.kind);
                assert!(
                    agreement.flows.iter().any(|flow| flow.type_name == "declaration" && flow.type_versions == [3])
                );
            }
        }
    }

    #[test]
    fn arguments_parse_and_names_differ() {
        for wrong in ["a", "a:post", "a:post:GB:x", "A:post:GB", "a:pst:GB", "a:post:gb", "a:auditor:GB"] {
            assert!(wrong.parse::<Me>().is_err(), "{wrong}");
        }
        let me: Me = "customs-kr:post:GB".parse().unwrap();
        let partner: Partner = "customs:KR".parse().unwrap();
        let names: Vec<_> =
            name(&me.0, &[partner, partner]).unwrap().iter().map(|who| who.member.to_string()).collect();
        assert_eq!(names, ["customs-kr-2", "customs-kr-3"]);
        assert!(name(&me.0, &[partner; MAX_PARTNERS + 1]).is_err());
    }
}
