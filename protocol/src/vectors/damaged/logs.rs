//! Pages of a log, and what an auditor finds in them.

use super::super::json::{Json, texts};
use super::super::log::{LOG, audit, erased, hold};
use super::super::world::WORLD;
use super::Cases;
use crate::cbor::Encode;
use crate::exchange::{Answer, AuditPage, EntryKind, Named};
use crate::testing::{Log, Told};

/// The class of an auditor's finding.
fn class(what: &str) -> &'static str {
    let classes = [
        ("does not commit to its skeleton", "opening"),
        ("the body is not the one committed to", "body"),
        ("has another root than the tree", "root"),
        ("does not verify", "checkpoint"),
        ("names another channel root", "channel_root"),
        ("received twice", "number"),
        ("sent in", "number"),
        ("not this node's", "channel"),
        ("the evidence is another dispatch", "evidence"),
        ("no erased entry says why", "unexplained"),
        ("which hold", "held"),
        ("whose body is there", "erased"),
        ("withheld", "withheld"),
        ("disagree on whether the dispatch was withdrawn", "evidence"),
    ];
    let found = classes.iter().find(|(part, _)| what.contains(part));
    found.map_or_else(|| panic!("no class for the finding '{what}'"), |(_, class)| class)
}

pub(super) fn logs() -> Vec<Json> {
    let customs = &WORLD.net.customs;
    // Four entries with checkpoints of size 3 and 4; evidence only where it matters.
    let told = |entries: &[usize]| -> Vec<Told> {
        entries.iter().map(|at| Told { evidence: None, ..LOG.told[*at].clone() }).collect()
    };
    let honest = Log::of(customs, &told(&[0, 1, 2, 6]));
    assert!(audit(customs, &[honest.page(0, 4)]).ok());
    type Change<'c> = &'c dyn Fn(&mut AuditPage);
    let changes: [(&str, Change<'_>); 8] = [
        ("an entry changed", &|p| p.entries[1].entry[5] ^= 1),
        ("a skeleton changed", &|p| *p.entries[1].skeleton.last_mut().unwrap() ^= 1),
        ("a body changed", &|p| p.entries[1].body.as_mut().unwrap().1[10] ^= 1),
        ("entries swapped", &|p| p.entries.swap(0, 1)),
        ("entries withheld", &|p| p.entries.truncate(2)),
        ("evidence of another entry", &|p| p.entries[0].evidence.clone_from(&LOG.told[1].evidence)),
        ("an earlier checkpoint changed", &|p| p.checkpoints[0][20] ^= 1),
        ("an earlier checkpoint of another root", &|p| p.checkpoints[0] = LOG.log.checkpoint(3, [1; 32])),
    ];
    let mut cases: Vec<_> = changes
        .into_iter()
        .map(|(name, change)| {
            let mut page = honest.page(0, 4);
            change(&mut page);
            (name, page)
        })
        .collect();
    let mut gap = told(&[4]);
    gap[0].skeleton.number = 2;
    let mut foreign = told(&[0]);
    foreign[0].skeleton.kind = EntryKind::Sent;
    foreign[0].body.clone_from(&LOG.told[4].body);
    let named = |places: &[usize]| vec![Named { entry: 0, places: places.to_vec() }];
    let mut gone = Log::of(customs, &told(&[0, 1])).page(0, 4);
    gone.entries[1].body = None;
    cases.push(("a body gone without a word", gone));
    let dishonest = [
        ("erased under a hold", [told(&[0]), vec![hold(), erased(named(&[0]))]].concat()),
        ("said to be erased, and it is there", [told(&[0]), vec![erased(named(&[]))]].concat()),
        ("a number twice", told(&[0, 0])),
        ("a channel root that does not follow", told(&[0, 2])),
        ("a sending left out", gap),
        ("a channel of another node", foreign),
    ];
    cases.extend(dishonest.map(|(name, told)| (name, Log::of(customs, &told).page(0, 4))));
    let mut made = Cases::new("bad_log");
    let node = |case: Json| case.with("node", customs.node.as_str());
    made.honest("log: four entries", &Answer::Page(honest.page(0, 4)).to_cbor(), node);
    for (name, page) in cases {
        let report = audit(customs, std::slice::from_ref(&page));
        assert!(!report.ok(), "{name}");
        let mut findings: Vec<_> = report.findings.iter().map(|finding| class(&finding.what)).collect();
        findings.sort_unstable();
        findings.dedup();
        let refused = texts(findings);
        made.damaged(&format!("log: {name}"), &Answer::Page(page).to_cbor(), refused, node);
    }
    made.cases
}
