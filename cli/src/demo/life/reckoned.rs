//! The plan without any node: what customs of import would hold is reckoned up by the protocol's own accounts, and exactly what is planted
//! comes out. So the demo's generator is known to be right before a network runs it.

use std::collections::BTreeSet;

use luxor_protocol::accounting::{Books, Rules, Said, Subject};
use luxor_protocol::formats::camt053;
use luxor_protocol::hash::Digest;
use luxor_protocol::life::{Held, Lodged, LodgedWith, Shown};
use luxor_protocol::names::{MemberId, MemberKind, Territory};
use luxor_protocol::record::{Content, Value};
use luxor_protocol::time::Millis;

use super::compare::{Found, compare, item_in};
use super::members::{CUSTOMS_EU, DEALS, PLATFORM, ROLES};
use super::parcel::Times;
use super::stage::{Script, Stage};
use super::world::{Planted, World};
use super::{rules, taxed};

const PARCELS: u64 = 600;

fn script(seed: u64) -> Script {
    let times = Times { begins: "2026-11-26T10:00:00Z".parse().unwrap() };
    Script::new(World::plan(seed, PARCELS, &[], times)).unwrap()
}

/// Every stage, in its order.
fn stages(script: &Script) -> Vec<Stage> {
    let loaded = script.world.times.begins.plus(90_000);
    let months = taxed::months(&script.world, &script.owed, &script.book).unwrap();
    let mut stages = script.before_loading().unwrap();
    stages.extend([script.planned().unwrap(), script.flown(loaded).unwrap(), script.back_dated().unwrap()]);
    stages.extend(script.after_arrival(loaded).unwrap());
    stages.extend(script.month_end(&months, loaded).unwrap());
    stages.push(script.claimed_again().unwrap());
    stages
}

/// To whom a record of a member goes: rows of its type to whom it names.
fn recipients(by: &str, record: &Content) -> BTreeSet<&'static str> {
    let Some((_, group)) = record.table().group("handling") else { return BTreeSet::new() };
    let named: BTreeSet<String> = group
        .fields
        .iter()
        .filter_map(|field| match record.field("handling", field.name) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        })
        .collect();
    let of_type = |deal: &&super::members::Deal| {
        deal.from == by && deal.rows.iter().any(|row| row.type_name == record.table().name)
    };
    DEALS.iter().filter(of_type).map(|deal| deal.to).filter(|to| named.contains(*to)).collect()
}

/// What a member's node would find.
fn found_at(script: &Script, member: &'static str) -> Vec<Found> {
    let of = |id: &str| ROLES.iter().find(|role| role.id == id).unwrap();
    let home: Territory = of(member).territory.parse().unwrap();
    let home = (of(member).kind == "customs").then_some(home);
    let mut books = Books::new(Rules::from_toml(&rules::of(member).unwrap()).unwrap(), home);
    let mut at = script.world.times.begins;
    for stage in stages(script) {
        let issuer: MemberId = stage.member.parse().unwrap();
        let (kind, territory): (MemberKind, Territory) =
            (of(stage.member).kind.parse().unwrap(), of(stage.member).territory.parse().unwrap());
        for (number, record) in stage.records.iter().enumerate() {
            let to = recipients(stage.member, record);
            assert!(!to.is_empty(), "{}: a record of {} goes to nobody", stage.name, stage.member);
            if stage.member != member && !to.contains(member) {
                continue;
            }
            let with = |to: &&str| LodgedWith {
                member: to.parse().unwrap(),
                kind: of(to).kind.parse().unwrap(),
                territory: of(to).territory.parse().unwrap(),
                proven: None,
            };
            let lodged_with: Vec<LodgedWith> =
                if stage.member == member { to.iter().map(with).collect() } else { vec![] };
            at = at.plus(1);
            let held = Held {
                root: root(&stage, number),
                issuer: &issuer,
                kind,
                territory,
                lodged: Lodged { claimed: None, entered: at, proven: None },
                lodged_with: &lodged_with,
                terms: None,
                mark: None,
                supersedes: None,
                shown: Shown::Own(record),
            };
            if let Some(said) = Said::of(&held) {
                books.take(&said).unwrap();
            }
        }
    }
    let now = Millis(at.0 + 10 * 86_400_000);
    let months = taxed::months(&script.world, &script.owed, &script.book).unwrap();
    if member == CUSTOMS_EU {
        let bank = taxed::bank_statement(&months, script.world.times).unwrap();
        books.paid(&camt053(bank.as_bytes()).unwrap().entries);
        for month in &months {
            books.list(month.account, month.summary.period, &month.items).unwrap();
        }
    }
    while books.due(now, 10_000).unwrap() {}
    books.settle();
    let one = |finding: &luxor_protocol::accounting::Finding| {
        let about = match &finding.key.subject {
            Subject::Item(key) => key.item.id.clone(),
            Subject::Account(account, _) => item_in(&finding.text).unwrap_or_else(|| account.clone()),
            Subject::Entry(entry) => entry.clone(),
        };
        Found { class: finding.key.class.word().to_owned(), at: member, about, text: finding.text.clone() }
    };
    books.findings(None).map(one).collect()
}

fn root(stage: &Stage, number: usize) -> Digest {
    Digest::of(
        luxor_protocol::hash::Domain::Index,
        &[stage.member.as_bytes(), stage.name.as_bytes(), &number.to_be_bytes()],
    )
}

fn reconcilable(planted: Vec<Planted>) -> Vec<Planted> {
    let by_class = |one: &Planted| !matches!(one.class, super::world::UNCONFIRMED | super::world::LATE);
    planted.into_iter().filter(by_class).collect()
}

#[test]
fn exactly_what_is_planted_comes_out_of_the_accounts() {
    for seed in [1, 7] {
        let script = script(seed);
        let mut found = found_at(&script, CUSTOMS_EU);
        found.extend(found_at(&script, PLATFORM));
        let compared = compare(&reconcilable(script.world.planted()), &found);
        assert_eq!(compared.findings(), Vec::<String>::new(), "seed {seed}");
        assert!(compared.classes.len() > 12);
    }
}

#[test]
fn a_second_claim_is_told_with_the_first() {
    let script = script(7);
    let found = found_at(&script, CUSTOMS_EU);
    let twice: Vec<_> = found.iter().filter(|one| one.class == "given_back_twice").collect();
    assert!(!twice.is_empty());
    for one in twice {
        assert!(one.text.contains(&format!("CLAIM-{}", one.about)), "{}", one.text);
    }
    let short = found.iter().find(|one| one.class == "summary_short").unwrap();
    assert!(short.text.contains("30"), "{}", short.text);
}
