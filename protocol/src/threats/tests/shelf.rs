//! What threat platforms read: dates, pages, versions, what is taken back and what is erased; parameters and users.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::shelf::*;
use super::*;
use crate::hash::Digest;
use crate::names::Slug;
use crate::record::content_to_json;
use crate::time::Micros;

fn agreement(name: &str) -> Slug {
    name.parse().unwrap()
}

fn fresh() -> Shelf {
    Shelf::new(Digest([7; 32]))
}

fn content(number: u64, revision: u64, action: &str, main: Json) -> Content {
    record(number, json!({}), json!({ "revision": revision, "action": action }), main)
}

fn version(number: u64, revision: u64, action: &str) -> Indicator {
    Indicator::read(&issuer(), &content(number, revision, action, json!({}))).unwrap()
}

fn place(entry: u64, at: usize) -> Place {
    Place { entry, at, own: None }
}

fn take(shelf: &mut Shelf, entry: u64, at: Millis, all: Vec<Indicator>) {
    let count = all.len();
    let records = all.into_iter().enumerate().map(|(at, indicator)| (place(entry, at), indicator)).collect();
    shelf.take(&Lot { agreement: &agreement("a-b"), at, count, records });
}

fn all(limit: usize) -> Query {
    Query { versions: vec![Which::All], limit, ..Query::default() }
}

/// Reads on behind what was found; whether there is more.
fn step(shelf: &Shelf, query: &Query, found: &mut Vec<Item>) -> bool {
    let mut asked = query.clone();
    if let Some(last) = found.last() {
        let token = Query::token(last.added);
        asked.next = Query::read([("next", token.as_str())], &["next"]).unwrap().next;
    }
    let page = shelf.page(&shelf.collection_id(&agreement("a-b")), &asked, asked.after(), asked.limit).unwrap();
    assert!(page.items.len() <= asked.limit && (!page.more || page.items.len() == asked.limit));
    found.extend(page.items);
    page.more
}

fn whole(shelf: &Shelf, query: &Query) -> Vec<Item> {
    let mut found = Vec::new();
    while step(shelf, query, &mut found) {}
    found
}

#[derive(Debug, Clone)]
struct Arrival {
    at: u64,
    records: Vec<(u64, u64, bool)>,
}

fn arrivals() -> impl Strategy<Value = Vec<Arrival>> {
    let records = prop::collection::vec((0u64..12, 0u64..4, any::<bool>()), 0..6);
    // A clock that goes back now and then, and many entries at one moment.
    let one = (0u64..30, records).prop_map(|(at, records)| Arrival { at, records });
    prop::collection::vec(one, 1..12)
}

fn give(shelf: &mut Shelf, entry: usize, arrival: &Arrival, erased: bool) {
    let records = arrival.records.iter().enumerate().filter(|_| !erased).map(|(at, (number, revision, withdrawn))| {
        let action = if *withdrawn { "cancellation" } else { "original" };
        (place(entry as u64, at), version(*number, *revision, action))
    });
    let at = NOW.plus(arrival.at);
    let lot = Lot { agreement: &agreement("a-b"), at, count: arrival.records.len(), records: records.collect() };
    shelf.take(&lot);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn pages_of_any_size_give_every_version_once_in_order_while_new_ones_come(
        before in arrivals(), after in arrivals(), limit in 1usize..9, newest in any::<bool>(),
    ) {
        let mut shelf = fresh();
        for (entry, arrival) in before.iter().enumerate() {
            give(&mut shelf, entry, arrival, false);
        }
        let query = if newest { Query { limit, ..Query::default() } } else { all(limit) };
        let mut rest = after.iter().enumerate().map(|(at, arrival)| (before.len() + at, arrival));
        let mut found = Vec::new();
        while step(&shelf, &query, &mut found) {
            if let Some((entry, arrival)) = rest.next() {
                give(&mut shelf, entry, arrival, false);
            }
        }
        prop_assert!(found.windows(2).all(|pair| pair[0].added < pair[1].added), "dates rise");
        // Whatever of it still stands at the end was told, and told once.
        let now: Vec<_> = whole(&shelf, &query);
        prop_assert!(now.iter().all(|item| found.iter().filter(|told| *told == item).count() == 1));
        if !newest {
            prop_assert_eq!(found, now);
        }
    }

    #[test]
    fn dates_are_those_of_the_log_whatever_of_it_is_erased_by_then(all_of_it in arrivals(), gone in any::<prop::sample::Index>()) {
        let (mut full, mut later) = (fresh(), fresh());
        let gone = gone.index(all_of_it.len());
        for (entry, arrival) in all_of_it.iter().enumerate() {
            give(&mut full, entry, arrival, false);
            give(&mut later, entry, arrival, entry == gone);
        }
        let dates = |shelf: &Shelf| -> BTreeMap<(u64, usize), Micros> {
            whole(shelf, &all(1_000)).into_iter().filter_map(|item| item.place().map(|place| ((place.entry, place.at), item.added))).collect()
        };
        let (full, later) = (dates(&full), dates(&later));
        for (place, added) in later.iter().filter(|(place, _)| full.contains_key(place)) {
            prop_assert_eq!(added, &full[place]);
        }
        prop_assert!(later.keys().all(|place| place.0 != gone as u64));
        for (place, added) in &full {
            prop_assert!(added.0 >= (NOW.0 + all_of_it[place.0 as usize].at) * 1_000);
        }
    }

    #[test]
    fn what_was_added_after_a_date_is_the_rest(arrived in arrivals(), at in any::<prop::sample::Index>()) {
        let mut shelf = fresh();
        for (entry, arrival) in arrived.iter().enumerate() {
            give(&mut shelf, entry, arrival, false);
        }
        let all_of_it = whole(&shelf, &all(1_000));
        if !all_of_it.is_empty() {
            let at = at.index(all_of_it.len());
            let after: Micros = all_of_it[at].added.to_string().parse().unwrap();
            let rest = whole(&shelf, &Query { added_after: Some(after), ..all(3) });
            prop_assert_eq!(&rest[..], &all_of_it[at + 1..]);
        }
    }

    #[test]
    fn microseconds_are_read_as_they_are_written(micros in 0u64..250_000_000_000_000_000) {
        let text = Micros(micros).to_string();
        prop_assert_eq!(text.len(), "2026-11-27T00:00:00.000000Z".len());
        prop_assert_eq!(text.parse::<Micros>(), Ok(Micros(micros)));
    }
}

fn object(item: &Item, content: &Content) -> Json {
    item.object(Some(&content_to_json(content))).unwrap()
}

#[test]
fn an_indicator_comes_with_its_issuer_and_its_label_and_later_versions_in_place_of_it() {
    let mut shelf = fresh();
    take(&mut shelf, 0, NOW, vec![version(1, 0, "original"), version(2, 0, "original")]);
    let kinds =
        |items: &[Item]| items.iter().map(|item| item.id.split_once("--").unwrap().0.to_owned()).collect::<Vec<_>>();
    let items = whole(&shelf, &Query::default());
    assert_eq!(kinds(&items), ["identity", "marking-definition", "indicator", "indicator"]);
    assert_eq!(items[0].added, Micros(NOW.0 * 1_000));
    let first = object(&items[2], &content(1, 0, "original", json!({})));
    assert_eq!((&first["id"], &first["revoked"]), (&json!(id(1)), &Json::Null));
    assert_eq!(first["created_by_ref"], items[0].id);
    assert_eq!(first["object_marking_refs"], json!([items[1].id]));

    // Of the same moment as its issuer says, and still a later version.
    take(&mut shelf, 1, NOW, vec![version(1, 1, "cancellation")]);
    let newest = whole(&shelf, &Query { ids: Some(vec![id(1).to_string()]), ..Query::default() });
    let taken_back = object(&newest[0], &content(1, 1, "cancellation", json!({})));
    assert_eq!((newest.len(), &taken_back["revoked"], &taken_back["created"]), (1, &json!(true), &first["created"]));
    assert!(taken_back["modified"].as_str() > first["modified"].as_str());
    let which = |shelf: &Shelf, which: Which| {
        let query = Query { versions: vec![which], ids: Some(vec![id(1).to_string()]), ..Query::default() };
        whole(shelf, &query).iter().map(|item| item.version).collect::<Vec<_>>()
    };
    assert_eq!(which(&shelf, Which::First), [NOW]);
    assert_eq!(which(&shelf, Which::Last), [NOW.plus(1)]);
    assert_eq!(which(&shelf, Which::All), [NOW, NOW.plus(1)]);
    assert_eq!(which(&shelf, Which::Exact(NOW)), [NOW]);
    assert_eq!(which(&shelf, Which::Exact(NOW.plus(2))), []);
    // What comes late is not newer.
    take(&mut shelf, 2, NOW.plus(9), vec![version(1, 1, "original"), version(1, 0, "original")]);
    assert_eq!((which(&shelf, Which::All).len(), shelf.left_out().old), (2, 2));
}

#[test]
fn what_its_issuer_supersedes_is_revoked_and_nobody_else_ends_or_renames_it() {
    let mut shelf = fresh();
    let replacing = |number: u64, replaced: u64, by: &str| {
        let content = content(number, 0, "original", json!({ "supersedes": id(replaced) }));
        Indicator::read(&by.parse().unwrap(), &content).unwrap()
    };
    take(&mut shelf, 0, NOW, vec![version(1, 0, "original")]);
    // Another member's: neither does it end the indicator, nor is it a version of it.
    take(&mut shelf, 1, NOW, vec![replacing(8, 1, "customs-z"), replacing(1, 8, "customs-z")]);
    let revoked = |shelf: &Shelf, number: u64| {
        let items = whole(shelf, &Query { ids: Some(vec![id(number).to_string()]), ..Query::default() });
        assert_eq!(items.len(), 1);
        matches!(&items[0].from, From::Record { revoked: true, .. })
    };
    assert!(!revoked(&shelf, 1) && shelf.left_out().others == 1);
    take(&mut shelf, 2, NOW, vec![replacing(2, 1, "customs-a"), replacing(3, 4, "customs-a")]);
    assert!(revoked(&shelf, 1) && !revoked(&shelf, 2));
    // What is superseded before it comes is revoked when it does.
    take(&mut shelf, 3, NOW, vec![version(4, 0, "original")]);
    assert!(revoked(&shelf, 4));
    let issuers: Vec<_> = shelf.issuers().map(|of| (of.issuer.as_str(), of.indicators)).collect();
    assert_eq!(issuers, [("customs-a", 4), ("customs-z", 1)]);
}

#[test]
fn what_is_erased_is_told_no_more_and_nothing_comes_back_for_it() {
    let mut shelf = fresh();
    take(&mut shelf, 0, NOW, vec![version(1, 0, "original")]);
    take(&mut shelf, 1, NOW, vec![version(1, 1, "cancellation")]);
    let collection = shelf.collection_id(&agreement("a-b"));
    let newest = whole(&shelf, &Query::default()).pop().unwrap();
    assert!(newest.object(None).is_none());
    shelf.gone(&collection, &[newest.added]);
    assert!(whole(&shelf, &Query::default()).iter().all(|item| item.place().is_none()), "no older version holds again");
    assert_eq!(whole(&shelf, &all(9)).iter().filter(|item| item.place().is_some()).count(), 1);
    assert!(shelf.page("00000000-0000-8000-8000-000000000000", &all(1), None, 1).is_none());
}

#[test]
fn collections_differ_by_agreement_and_network() {
    let (mut one, two) = (fresh(), Shelf::new(Digest([8; 32])));
    take(&mut one, 0, NOW, vec![version(1, 0, "original")]);
    let ids = [
        one.collection_id(&agreement("a-b")),
        one.collection_id(&agreement("a-c")),
        two.collection_id(&agreement("a-b")),
    ];
    assert!(ids[0] != ids[1] && ids[0] != ids[2]);
    assert!(one.collection(&ids[0]).is_some() && one.collection(&ids[1]).is_none());
}

#[test]
fn parameters_are_read_once_each_and_wrong_ones_named() {
    const KNOWN: [&str; 7] =
        ["added_after", "limit", "next", "match[id]", "match[type]", "match[version]", "match[spec_version]"];
    let read = |pairs: &[(&str, &str)]| Query::read(pairs.iter().copied(), &KNOWN);
    let query =
        read(&[("limit", "7"), ("match[version]", "first, 2026-11-27T00:00:00Z"), ("match[spec_version]", "2.0,2.1")]);
    let query = query.unwrap();
    assert_eq!((query.limit, query.versions, query.spec), (7, vec![Which::First, Which::Exact(NOW)], true));
    assert!(!read(&[("match[spec_version]", "2.0")]).unwrap().spec);
    // A client without a wish of its own says 0, one that wants too much gets what there is.
    assert_eq!(read(&[("limit", "0")]).unwrap().limit, crate::limits::TAXII_PAGE);
    assert_eq!(read(&[("limit", "100000")]).unwrap().limit, crate::limits::MAX_TAXII_PAGE);
    for wrong in [
        ("limit", "-1"),
        ("limit", "x"),
        ("next", "g"),
        ("next", "00"),
        ("added_after", "yesterday"),
        ("match[version]", "newest"),
        ("match[name]", "x"),
    ] {
        let error = read(&[wrong]).unwrap_err().to_string();
        assert!(error.contains(wrong.0), "{error}");
    }
    assert!(matches!(read(&[("limit", "1"), ("limit", "2")]), Err(QueryError::Twice(_))));
    let many = vec!["indicator"; 257].join(",");
    assert_eq!(read(&[("match[type]", &many)]), Err(QueryError::Many("match[type]")));
}

#[test]
fn users_are_read_as_they_are_written_and_wrong_ones_named() {
    let mut readers = Readers::default();
    let secret = secret_digest("s");
    let some = Some([agreement("a-b")].into());
    readers.add(Reader { name: "opencti".into(), secret, agreements: some }).unwrap();
    readers.add(Reader { name: "all".into(), secret, agreements: None }).unwrap();
    assert_eq!(Readers::parse(&readers.to_toml()), Ok(readers.clone()));
    let may = |at: usize, name: &str| readers.all()[at].may_read(&agreement(name));
    assert_eq!((may(0, "a-b"), may(0, "a-c"), may(1, "a-c")), (true, false, true));
    // As `b3sum` says.
    assert_eq!(secret_digest("").hex(), "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262");
    let row = |name: &str, secret: &str, agreements: &str| {
        Readers::parse(&format!("[[user]]\nname = \"{name}\"\nsecret = \"{secret}\"\nagreements = {agreements}\n"))
    };
    assert!(row("a", &secret.hex(), "[\"*\"]").is_ok());
    for (wrong, why) in [
        (row("a:b", &secret.hex(), "[\"*\"]"), "a name is"),
        (row("a", "plain", "[\"*\"]"), "64 hexadecimal digits"),
        (row("a", &secret.hex(), "[]"), "names none"),
        (row("a", &secret.hex(), "[\"*\", \"b\"]"), "'*'"),
    ] {
        let error = wrong.unwrap_err().to_string();
        assert!(error.contains("user 'a") && error.contains(why), "{error}");
    }
}
