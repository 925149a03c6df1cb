//! Who gets a record, in which version, and who is left out.

use std::sync::LazyLock;

use luxor_protocol::record::{DECLARATION, DECLARATION_2, content_from_json};
use proptest::prelude::*;

use super::*;
use crate::testing::{network_of, network_reading};

const DAY: Day = Day(20_780);

fn content(version: u64, rest: &str) -> Content {
    let json = format!(r#"{{"type":"declaration","version":{version},"filing":{{"own_reference":"A"}},{rest}}}"#);
    content_from_json(&serde_json::from_str(&json).unwrap()).unwrap()
}

/// A row from `a` with these lines.
fn flow(to: &str, lines: &str) -> String {
    format!(
        "[[flow]]\ntype = \"declaration\"\nfrom = [\"a\"]\nto = [{to}]\npurpose = \"delivery\"\ngroups = [\"filing\"]\n\
         retention_days = 30\n{lines}\n"
    )
}

fn agreement(flows: &[String]) -> String {
    format!(
        "id = \"m\"\ntitle = \"T\"\ninstrument = \"I\"\narticle = \"1\"\ncontroller = \"a\"\n\
         parties = [\"a\", \"b\", \"c\", \"d\"]\nvalid_from = \"2020-01-01\"\nvalid_until = \"2099-12-31\"\n{}",
        flows.concat()
    )
}

/// To whom, in which version.
fn routed(ways: &Ways<'_>, content: &Content) -> Vec<(u64, Vec<String>)> {
    let cuts = ways.of(content).unwrap().cuts;
    let names = |cut: &Cut| cut.ways.iter().map(|at| ways.way(*at).grant.rule.to.to_string()).collect();
    cuts.iter().map(|cut| (cut.table.version, names(cut))).collect()
}

#[test]
fn a_record_goes_where_a_row_says_by_destination_first_entry_transit_and_who_handles_it() {
    let rows = [
        flow("\"b\"", "version = 2\ndestinations = [\"KR\"]"),
        flow("\"c\"", "version = 2\nterritories = [\"EU\"]\nroles = [\"destination\", \"first_entry\", \"transit\"]"),
        flow("\"b\", \"d\"", "version = 2\nhandling = true"),
    ];
    let directory = network_of(&["a", "b", "c", "d"], &[agreement(&rows)], &[2, 2, 2, 2]);
    let ways = Ways::new(&directory, &"a".parse().unwrap(), &DECLARATION_2, DAY, &|_| true);
    let to = |rest: &str| match ways.of(&content(2, rest)) {
        Ok(_) => {
            let mut all: Vec<_> = routed(&ways, &content(2, rest)).into_iter().flat_map(|(_, to)| to).collect();
            all.sort();
            all
        }
        Err(error) => vec![format!("{}", error.fault)],
    };
    assert_eq!(to(r#""route":{"destination":"KR"}"#), ["b"]);
    assert_eq!(to(r#""route":{"destination":"FR"}"#), ["c"]);
    assert_eq!(to(r#""route":{"destination":"KR","transit":"DE"}"#), ["b", "c"]);
    assert_eq!(to(r#""route":{"destination":"US","first_entry":"NL"}"#), ["c"]);
    assert_eq!(to(r#""route":{"destination":"US","departure":"NL"}"#), ["no_recipient"]);
    assert_eq!(to(r#""route":{"destination":"US"},"handling":{"destination_operator":"d"}"#), ["d"]);
    assert_eq!(to(r#""route":{"destination":"KR"},"handling":{"carrier":"b"}"#), ["b", "b"]);
    assert_eq!(to(r#""route":{"destination":"US"},"handling":{"carrier":"c"}"#), ["no_recipient"]);
}

#[test]
fn each_recipient_gets_the_highest_version_that_it_reads() {
    let rows = [flow("\"b\", \"c\", \"d\"", "versions = [1, 2]")];
    // b reads both versions, c only the first, d none.
    let directory = network_of(&["a", "b", "c", "d"], &[agreement(&rows)], &[2, 2, 1, 0]);
    let a: MemberId = "a".parse().unwrap();
    let ways = Ways::new(&directory, &a, &DECLARATION_2, DAY, &|_| true);
    let newer = content(2, r#""route":{"destination":"KR"}"#);
    assert_eq!(routed(&ways, &newer), [(2, vec!["b".into()]), (1, vec!["c".into()])]);
    // What was submitted in the first version goes in it, since nothing can be made up for the second.
    let ways = Ways::new(&directory, &a, &DECLARATION, DAY, &|_| true);
    let older = content(1, r#""route":{"destination":"KR"}"#);
    assert_eq!(routed(&ways, &older), [(1, vec!["b".into(), "c".into()])]);
    let rows = [flow("\"d\"", "versions = [1, 2]")];
    let directory = network_of(&["a", "b", "c", "d"], &[agreement(&rows)], &[2, 2, 1, 0]);
    let refused = Ways::new(&directory, &a, &DECLARATION_2, DAY, &|_| true).of(&newer).unwrap_err();
    assert!(refused.what.ends_with("to anybody; m row 1: no node of d reads declaration version 1 or 2"), "{refused}");
    let rows = [flow("\"b\"", "version = 2")];
    let directory = network_of(&["a", "b", "c", "d"], &[agreement(&rows)], &[2, 2, 1, 0]);
    let refused = Ways::new(&directory, &a, &DECLARATION, DAY, &|_| true).of(&older).unwrap_err();
    let why = "m row 1: it is for version 2 of declaration, and the record is of version 1";
    assert!(refused.what.ends_with(why), "{refused}");
}

/// Three recipients: `b` has a card from before code lists, `c` reads both editions but has a row of version 1 only, `d` reads them.
fn of_editions(groups: &str) -> Directory {
    let classified = |row: String| row.replace("[\"filing\"]", groups);
    let rows = [
        classified(flow("\"b\", \"d\"", "versions = [1, 2]")),
        classified(flow("\"c\"", "version = 1")),
        flow("\"c\"", "versions = [1, 2]").replace("delivery", "statistics"),
    ];
    let new = [("declaration", 1), ("declaration", 2), ("hs", 2022), ("hs", 2028)];
    network_reading(&["a", "b", "c", "d"], &[agreement(&rows)], &[&new[..2], &new[..2], &new, &new])
}

fn goods(version: u64, items: &[Option<u64>]) -> Content {
    let item = |year: &Option<u64>| {
        let edition = year.map(|year| format!(r#","edition":{year}"#)).unwrap_or_default();
        format!(r#"{{"classification":{{"hs":"610910"{edition}}}}}"#)
    };
    let items: Vec<_> = items.iter().map(item).collect();
    content(version, &format!(r#""route":{{"destination":"KR"}},"goods":[{}]"#, items.join(",")))
}

fn left_out(routed: &Routed) -> Vec<(&str, &str)> {
    routed.left_out.iter().map(|left| (left.to.as_str(), left.reason.as_str())).collect()
}

#[test]
fn goods_of_an_edition_go_only_to_those_who_read_it_and_the_others_are_named() {
    let directory = of_editions("[\"filing\", \"classification\"]");
    let ways = Ways::new(&directory, &"a".parse().unwrap(), &DECLARATION_2, DAY, &|_| true);
    let newer = goods(2, &[None, Some(2028), Some(2022)]);
    // c gets the row for statistics, which shows no codes.
    assert_eq!(routed(&ways, &newer), [(2, vec!["d".into(), "c".into()])]);
    let told = ways.of(&newer).unwrap();
    let (b, c) = (
        "m row 1: no node of b reads hs 2028",
        "m row 2: declaration version 1, the last that c gets by it, cannot name hs 2028",
    );
    assert_eq!((left_out(&told), told.left_out_more), (vec![("b", b), ("c", c)], 0));
    // The first edition goes to all, named or not; in version 1 it is not named, and nothing is lost.
    for items in [[None, None], [Some(2022), None]] {
        let all = goods(2, &items);
        assert_eq!(routed(&ways, &all), [(2, vec!["b".into(), "d".into(), "c".into()]), (1, vec!["c".into()])]);
        assert!(ways.of(&all).unwrap().left_out.is_empty());
        assert!(all.to_version(&DECLARATION).1.is_empty());
    }
    let ways = Ways::new(&directory, &"a".parse().unwrap(), &DECLARATION, DAY, &|_| true);
    assert!(ways.of(&goods(1, &[None])).unwrap().left_out.is_empty());
}

#[test]
fn who_sees_no_codes_gets_the_record_whatever_their_edition() {
    let directory = of_editions("[\"filing\", \"value\"]");
    let ways = Ways::new(&directory, &"a".parse().unwrap(), &DECLARATION_2, DAY, &|_| true);
    let newer = goods(2, &[Some(2028)]);
    assert_eq!(routed(&ways, &newer), [(2, vec!["b".into(), "d".into(), "c".into()]), (1, vec!["c".into()])]);
    assert!(ways.of(&newer).unwrap().left_out.is_empty());
}

#[test]
fn a_record_that_nobody_reads_is_refused_and_many_left_out_are_counted() {
    let names: Vec<String> = ('a'..='n').map(|name| name.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let to: Vec<_> = names[1..].iter().map(|name| format!("\"{name}\"")).collect();
    let row = flow(&to.join(", "), "version = 2").replace("[\"filing\"]", "[\"*\"]");
    let parties = format!("parties = [{}]", names.iter().map(|n| format!("\"{n}\"")).collect::<Vec<_>>().join(", "));
    let draft = agreement(&[row]).replace("parties = [\"a\", \"b\", \"c\", \"d\"]", &parties);
    let old = [("declaration", 2), ("hs", 2022)];
    let new = [("declaration", 2), ("hs", 2028)];
    let mut reads = vec![&old[..]; names.len()];
    let network = |reads: &[&[(&str, u64)]]| network_reading(&names, std::slice::from_ref(&draft), reads);
    let (a, record) = ("a".parse().unwrap(), goods(2, &[Some(2028)]));
    let nobody = Ways::new(&network(&reads), &a, &DECLARATION_2, DAY, &|_| true).of(&record).unwrap_err();
    let why = "; m row 1: no node of b reads hs 2028; m row 1: no node of c reads hs 2028; m row 1: no node of d reads hs 2028";
    assert!(nobody.fault == Fault::NoRecipient && nobody.what.ends_with(why), "{nobody}");
    reads[13] = &new;
    let directory = network(&reads);
    let ways = Ways::new(&directory, &a, &DECLARATION_2, DAY, &|_| true);
    let told = ways.of(&record).unwrap();
    assert_eq!((routed(&ways, &record), told.left_out.len(), told.left_out_more), (vec![(2, vec!["n".into()])], 8, 4));
    // Who names editions and not the first does not read it.
    assert_eq!(left_out(&ways.of(&goods(2, &[None])).unwrap()), [("n", "m row 1: no node of n reads hs 2022")]);
}

#[test]
fn who_gets_as_much_by_another_row_is_not_left_out_and_who_gets_less_is() {
    let told = |first: &str, second: &str| {
        let row = |groups: &str| flow("\"d\"", "version = 2").replace("\"filing\"", groups);
        // The first row is for a version that the node does not read.
        let rows = [row(first), row(second).replace("version = 2", "version = 1")];
        let reads = [("declaration", 1)];
        let directory = network_reading(&["a", "b", "c", "d"], &[agreement(&rows)], &[&reads[..]; 4]);
        let ways = Ways::new(&directory, &"a".parse().unwrap(), &DECLARATION_2, DAY, &|_| true);
        ways.of(&goods(2, &[None])).unwrap().left_out.len()
    };
    assert_eq!(told("\"*\"", "\"*\""), 0);
    assert_eq!(told("\"filing\"", "\"filing\", \"classification\""), 0);
    assert_eq!(told("\"filing\", \"classification\"", "\"filing\""), 1);
}

proptest! {
    /// Whatever goods there are, whoever is shown codes reads their editions, and nobody is left out without a word.
    #[test]
    fn codes_are_shown_to_those_only_who_read_their_edition(
        items in proptest::collection::vec(prop_oneof![Just(None), Just(Some(2022)), Just(Some(2028))], 0..6), version in 1u64..=2,
    ) {
        static DIRECTORY: LazyLock<Directory> = LazyLock::new(|| of_editions("[\"filing\", \"classification\"]"));
        let items: Vec<Option<u64>> = if version == 1 { vec![None; items.len()] } else { items };
        let record = goods(version, &items);
        let ways = Ways::new(&DIRECTORY, &"a".parse().unwrap(), record.table(), DAY, &|_| true);
        let told = ways.of(&record).unwrap();
        let mut served = Vec::new();
        for cut in &told.cuts {
            let (form, _) = record.to_version(cut.table);
            for way in cut.ways.iter().map(|at| ways.way(*at)) {
                served.push((way.grant.rule.row, way.grant.rule.to.clone()));
                let (at, _) = cut.table.group("classification").unwrap();
                let shows = way.grant.groups.has(at);
                prop_assert!(!shows || form.editions().into_iter().all(|of| way.card.reads_edition(of)));
                // What is shown is what was given: the same editions, none lost.
                prop_assert!(!shows || form.editions() == record.editions());
            }
        }
        served.extend(told.left_out.iter().map(|left| (left.reason[6..7].parse().unwrap(), left.to.clone())));
        served.sort();
        let all = [(1, "b"), (1, "d"), (2, "c"), (3, "c")].map(|(row, to)| (row, to.parse().unwrap()));
        prop_assert_eq!(served, all);
    }
}

#[test]
fn an_unlinkable_row_has_a_record_of_its_own() {
    let rows = [
        flow("\"b\"", "version = 1\nterms = { unlinkable = \"yes\" }"),
        flow("\"c\"", "version = 1"),
        flow("\"d\"", "version = 1"),
        flow("\"d\"", "version = 1\nterms = { unlinkable = \"yes\" }"),
    ];
    let directory = network_of(&["a", "b", "c", "d"], &[agreement(&rows)], &[1, 1, 1, 1]);
    let ways = Ways::new(&directory, &"a".parse().unwrap(), &DECLARATION, DAY, &|_| true);
    let mut cuts = routed(&ways, &content(1, r#""route":{"destination":"KR"}"#));
    cuts.sort();
    let words = |list: &[&str]| (1, list.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
    assert_eq!(cuts, [words(&["b"]), words(&["c", "d"]), words(&["d"])]);
}
