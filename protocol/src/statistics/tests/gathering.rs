//! Facts of records: each item once, by the version that holds; what lacks something is counted.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::hash::Digest;
use crate::names::{CollectionModel, MemberId};
use crate::record::read_json;
use crate::revenue::RevenueBook;
use crate::statistics::{Flow, Gather, Gathered, Seen, Wanted, facts_csv, read_facts};
use crate::time::Millis;

const BOOK: &str = r#"
name = "test"
version = "1"
[[exchange]]
currency = "USD"
into = "EUR"
rate = "0.9"
from = "2026-10-01"
source = "test"
"#;

fn wanted(flow: Flow) -> Wanted {
    let month = |text: &str| text.parse().unwrap();
    let (from, to) = (month("2026-11"), month("2026-12"));
    Wanted { flow, from, to, currency: "EUR".parse().unwrap(), model: None, departure_as_origin: false }
}

fn item(id: &str) -> Json {
    json!({"scheme": "platform", "issuer": "market", "id": id})
}

fn declaration(reference: &str, id: &str) -> Json {
    json!({"type": "declaration", "version": 3,
        "filing": {"own_reference": reference, "kind": "import", "filed_on": "2026-11-20"}, "item": item(id),
        "route": {"departure": "US", "destination": "DE", "mode": "5"}, "fiscal": [{"id": "IM2760000001", "role": "FR5"}],
        "addressee": {"name": format!("Buyer {id}"), "country": "DE"}, "seller": {"account": "s-1", "platform": "market"},
        "goods": [{"classification": {"hs": "610910"}, "value": {"amount": "20.00", "currency": "USD"},
            "origin": {"country": "CN", "net_kg": "0.2505"}}]})
}

fn duty(reference: &str, id: &str, stage: &str, lines: &[(&str, Option<u32>)]) -> Json {
    let line = |(at, (amount, goods)): (usize, &(&str, Option<u32>))| {
        let mut line = json!({"number": at + 1, "tax": "B00", "kind": "fee", "amount": amount, "currency": "EUR"});
        if let Some(goods) = goods {
            line["goods_item"] = (*goods).into();
        }
        line
    };
    let lines: Vec<Json> = lines.iter().enumerate().map(line).collect();
    json!({"type": "duty", "reference": {"own_reference": reference}, "item": item(id),
        "duty": {"stage": stage, "model": "vendor", "territory": "DE", "day": "2026-11-21"}, "lines": lines})
}

fn link(kind: &str, from: &str, to: &[&str]) -> Json {
    let others: Vec<Json> = to.iter().map(|id| item(id)).collect();
    json!({"type": "link", "reference": {"own_reference": format!("L-{kind}-{from}")}, "item": item(from),
        "relation": {"kind": kind}, "others": others})
}

/// Records of one member, lodged one after another from noon of 25 November 2026 on.
fn gathered_of(records: &[Json], wanted: Wanted, order: &[usize]) -> Gathered {
    let mut gather = Gather::new(wanted);
    let issuer: MemberId = "post-us".parse().unwrap();
    let noon: Millis = "2026-11-25T12:00:00Z".parse().unwrap();
    for at in order {
        let content = read_json(&records[*at]).unwrap();
        let mut root = [0; 32];
        root[0] = *at as u8 + 1;
        let at = Millis(noon.0 + *at as u64);
        gather.take(&Seen { root: Digest(root), issuer: &issuer, supersedes: None, at, content: &content }).unwrap();
    }
    gather.finish(&RevenueBook::sample().unwrap().with(BOOK).unwrap()).unwrap()
}

fn gathered(records: &[Json], flow: Flow) -> Gathered {
    gathered_of(records, wanted(flow), &(0..records.len()).collect::<Vec<_>>())
}

fn lines(gathered: &Gathered) -> Vec<String> {
    facts_csv(&gathered.rows).lines().skip(1).map(str::to_owned).collect()
}

fn reasons(gathered: &Gathered) -> Vec<(&str, u64)> {
    gathered.left_out.iter().map(|(why, of)| (why.as_str(), of.count)).collect()
}

#[test]
fn a_goods_item_is_a_row_with_its_duty_and_the_table_reads_it() {
    let mut two = declaration("D-1", "P-1");
    two["goods"].as_array_mut().unwrap().push(json!({"classification": {"hs": "851713"},
        "value": {"amount": "60.00", "currency": "EUR"}, "origin": {"country": "KR"}, "measure": {"gross_kg": "1"}}));
    // 4.00 for both, spread by value as 18 to 60: 0.923 and 3.077; 1.01 for the second.
    let found = gathered(&[two, duty("T-1", "P-1", "assessed", &[("4.00", None), ("1.01", Some(2))])], Flow::Import);
    assert_eq!(
        lines(&found),
        [
            "2026-11,import,6109,CN,DE,5,vendor,1800,251,92,i1,s1,f1",
            "2026-11,import,8517,KR,DE,5,vendor,6000,1000,409,i1,s1,f1"
        ]
    );
    assert_eq!((reasons(&found), found.notes.len(), found.records), (vec![], 1, 2));
    let read: Vec<_> = read_facts(facts_csv(&found.rows).as_bytes()).unwrap().map(Result::unwrap).collect();
    assert_eq!(read, found.rows);
}

#[test]
fn the_version_that_holds_counts() {
    let mut corrected = declaration("D-1", "P-1");
    corrected["filing"]["revision"] = 1.into();
    corrected["filing"]["action"] = "correction".into();
    corrected["goods"][0]["value"] = json!({"amount": "7.00", "currency": "EUR"});
    let records = [declaration("D-1", "P-1"), corrected, declaration("D-2", "P-2")];
    assert_eq!(
        lines(&gathered(&records, Flow::Import)),
        [
            "2026-11,import,6109,CN,DE,5,vendor,700,251,0,i1,s1,f1",
            "2026-11,import,6109,CN,DE,5,vendor,1800,251,0,i2,s1,f1"
        ]
    );
    let mut cancelled = declaration("D-1", "P-1");
    cancelled["filing"]["revision"] = 2.into();
    cancelled["filing"]["action"] = "cancellation".into();
    let found = gathered(&[records.to_vec(), vec![cancelled]].concat(), Flow::Import);
    assert_eq!((found.rows.len(), reasons(&found)), (1, vec![]));
    // Of duty too: 9.00 is corrected to 2.00.
    let mut less = duty("T-1", "P-2", "assessed", &[("2.00", None)]);
    less["reference"]["revision"] = 1.into();
    less["reference"]["action"] = "correction".into();
    let found =
        gathered(&[declaration("D-2", "P-2"), duty("T-1", "P-2", "assessed", &[("9.00", None)]), less], Flow::Import);
    assert_eq!(found.rows[0].sums.duty, 200);
}

#[test]
fn an_item_counts_once_whatever_numbers_it_has() {
    let again = declaration("D-2", "P-1");
    let other = declaration("D-3", "X-1");
    let found = gathered(&[declaration("D-1", "P-1"), again, other, link("same_as", "P-1", &["X-1"])], Flow::Import);
    assert_eq!(found.rows.len(), 1);
    assert_eq!(reasons(&found), [("declarations of an item that another one declared before", 2)]);
    // Duty under another number of it is its own.
    let taxed = duty("T-1", "X-1", "assessed", &[("3.00", None)]);
    let found = gathered(&[declaration("D-1", "P-1"), link("relabelled", "P-1", &["X-1"]), taxed], Flow::Import);
    assert_eq!(found.rows[0].sums.duty, 300);
    // All parts are declared: they count. One is not: the whole counts, with the duty of its parts.
    let (whole, split) = (declaration("D-W", "W"), link("split_into", "W", &["W/1", "W/2"]));
    let parts = [declaration("D-1", "W/1"), declaration("D-2", "W/2")];
    let found = gathered(&[whole.clone(), split.clone(), parts[0].clone(), parts[1].clone()], Flow::Import);
    assert_eq!((found.rows.len(), reasons(&found)), (2, vec![("declarations of a whole whose parts are declared", 1)]));
    let taxed = duty("T-1", "W/1", "assessed", &[("3.00", None)]);
    let found = gathered(&[whole, split, parts[0].clone(), taxed], Flow::Import);
    assert_eq!((found.rows.len(), found.rows[0].sums.duty), (1, 300));
    assert_eq!(reasons(&found), [("declarations of parts of a declared whole", 1)]);
}

#[test]
fn duty_is_that_of_the_place_each_tax_once() {
    let of = |records: &[Json], flow| gathered(records, flow).rows.iter().map(|row| row.sums.duty).collect::<Vec<_>>();
    let mut tax = duty("C-1", "P-1", "collected", &[("3.80", None)]);
    let mut customs = duty("A-1", "P-1", "assessed", &[("3.00", None)]);
    // Tax that a platform collected, beside a fee that customs assessed.
    customs["lines"][0]["tax"] = "A00".into();
    assert_eq!(of(&[declaration("D-1", "P-1"), tax.clone(), customs.clone()], Flow::Import), [680]);
    // The same tax assessed: it is not owed twice; nor is what says which assessment it pays.
    customs["lines"][0]["tax"] = "B00".into();
    assert_eq!(of(&[declaration("D-1", "P-1"), tax.clone(), customs.clone()], Flow::Import), [300]);
    customs["lines"][0]["tax"] = "A00".into();
    tax["duty"]["about"] = "A-1".into();
    assert_eq!(of(&[declaration("D-1", "P-1"), tax, customs.clone()], Flow::Import), [300]);
    // What is owed where it arrives is no duty of the export.
    let mut export = declaration("D-2", "P-1");
    export["filing"]["kind"] = "export".into();
    assert_eq!(of(&[export.clone(), customs.clone()], Flow::Export), [0]);
    customs["duty"]["territory"] = "US".into();
    assert_eq!(of(&[export, customs.clone()], Flow::Export), [300]);
    assert_eq!(of(&[declaration("D-1", "P-1"), customs], Flow::Import), [0]);
    // A whole with duty of its own does not take that of its parts.
    let whole = [declaration("D-W", "W"), link("split_into", "W", &["W/1", "W/2"]), declaration("D-1", "W/1")];
    let taxed = [duty("T-W", "W", "assessed", &[("10.00", None)]), duty("T-1", "W/1", "assessed", &[("3.00", None)])];
    assert_eq!(of(&[&whole[..], &taxed].concat(), Flow::Import), [1_000]);
    // Links of one whole count together: one part of two is declared.
    let mut second = link("split_into", "W", &["W/2"]);
    second["reference"]["own_reference"] = "L-2".into();
    let links = [link("split_into", "W", &["W/1"]), second];
    let found = gathered(&[&whole[..1], &links, &whole[2..]].concat(), Flow::Import);
    assert_eq!(reasons(&found), [("declarations of parts of a declared whole", 1)]);
}

#[test]
fn of_several_views_the_one_that_shows_most_counts_in_any_order() {
    let noon: Millis = "2026-11-25T12:00:00Z".parse().unwrap();
    let issuer: MemberId = "post-us".parse().unwrap();
    let mut less = declaration("D-1", "P-1");
    less.as_object_mut().unwrap().remove("goods");
    let mut least = less.clone();
    least.as_object_mut().unwrap().remove("fiscal");
    let views = [declaration("D-1", "P-1"), less, least].map(|json| read_json(&json).unwrap());
    let all = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]].map(|order| {
        let mut gather = Gather::new(wanted(Flow::Import));
        for at in order {
            // Another declaration of the item lies between them in time.
            let seen =
                |root, at, content| Seen { root: Digest([root; 32]), issuer: &issuer, supersedes: None, at, content };
            gather.take(&seen(1, Millis(noon.0 + at as u64 * 2), &views[at])).unwrap();
            let other = read_json(&declaration("D-2", "P-1")).unwrap();
            gather.take(&seen(2, Millis(noon.0 + 1), &other)).unwrap();
        }
        let found = gather.finish(&RevenueBook::sample().unwrap().with(BOOK).unwrap()).unwrap();
        assert_eq!((found.rows.len(), reasons(&found).len()), (1, 1));
        (found.rows, found.left_out)
    });
    assert!(all.windows(2).all(|two| two[0] == two[1]), "{all:?}");
}

#[test]
fn what_is_told_as_left_out_lies_in_the_months_that_are_asked_for() {
    let mut old = declaration("D-0", "P-0");
    old["filing"]["filed_on"] = "2026-10-31".into();
    old["filing"].as_object_mut().unwrap().remove("kind");
    let found = gathered(&[old, declaration("D-1", "P-1")], Flow::Import);
    assert_eq!((found.rows.len(), reasons(&found)), (1, vec![]));
}

#[test]
fn what_lacks_something_is_counted_by_reason() {
    let why = |change: &dyn Fn(&mut Json)| {
        let mut json = declaration("D-1", "P-1");
        change(&mut json);
        let found = gathered(&[json], Flow::Import);
        assert_eq!(found.rows.len(), 0);
        let (why, of) = found.left_out.into_iter().next().unwrap();
        assert_eq!((of.count, of.examples), (1, vec!["D-1 of post-us".to_owned()]));
        why
    };
    let without = |group: &'static str| why(&|json| drop(json["goods"][0].as_object_mut().unwrap().remove(group)));
    assert_eq!(without("classification"), "goods without tariff code");
    assert_eq!(without("value"), "goods without value");
    assert_eq!(without("origin"), "goods without origin");
    assert_eq!(why(&|json| json["goods"][0]["value"] = json!({"amount": "1.00"})), "goods whose value has no currency");
    assert_eq!(
        why(&|json| json["goods"][0]["value"]["currency"] = "CHF".into()),
        "goods without a rate of exchange from CHF into EUR in 2026-11"
    );
    assert_eq!(
        why(&|json| json["goods"][0]["classification"]["hs"] = "000000".into()),
        "goods whose tariff code is none of the Harmonized System"
    );
    assert_eq!(why(&|json| json["route"] = json!({"destination": "DE"})), "goods without mode of transport");
    assert_eq!(
        why(&|json| json["route"]["mode"] = "AIR".into()),
        "goods whose mode of transport is none of UNECE Recommendation 19"
    );
    assert_eq!(
        why(&|json| drop(json.as_object_mut().unwrap().remove("fiscal"))),
        "goods of which nothing says who collects"
    );
    assert_eq!(
        why(&|json| drop(json["filing"].as_object_mut().unwrap().remove("kind"))),
        "declarations that do not say which kind of filing they are"
    );
    assert_eq!(why(&|json| json["goods"] = json!([])), "declarations without goods items");
    // What whoever asks says of all of them.
    let mut bare = declaration("D-1", "P-1");
    bare.as_object_mut().unwrap().remove("fiscal");
    bare["goods"][0].as_object_mut().unwrap().remove("origin");
    let all = Wanted { model: Some(CollectionModel::Consumer), departure_as_origin: true, ..wanted(Flow::Import) };
    let found = gathered_of(&[bare], all, &[0]);
    assert_eq!(lines(&found), ["2026-11,import,6109,US,DE,5,consumer,1800,0,0,i1,s1,f1"]);
    assert_eq!(found.notes.keys().collect::<Vec<_>>(), ["goods without a record of duty", "goods without mass"]);
}

#[test]
fn flows_and_months_are_kept_apart() {
    let mut export = declaration("D-1", "P-1");
    export["filing"]["kind"] = "export".into();
    let mut advance = declaration("D-2", "P-1");
    advance["filing"]["kind"] = "pre_advice".into();
    let mut early = declaration("D-4", "P-4");
    early["filing"]["filed_on"] = "2026-10-31".into();
    // Without a day of its own it lies in the month in which it was lodged.
    let mut undated = declaration("D-5", "P-5");
    undated["filing"].as_object_mut().unwrap().remove("filed_on");
    let records = [export, advance, declaration("D-3", "P-1"), early, undated];
    let imports = gathered(&records, Flow::Import);
    assert_eq!((imports.rows.len(), reasons(&imports)), (2, vec![]));
    assert_eq!(
        imports.notes["goods in the month in which their declaration was lodged here"].examples,
        ["D-5 of post-us"]
    );
    // The origin of an export is where it leaves.
    assert_eq!(lines(&gathered(&records, Flow::Export)), ["2026-11,export,6109,US,DE,5,vendor,1800,251,0,i1,s1,f1"]);
}

#[test]
fn whoever_has_one_name_or_number_is_one_party() {
    let parties = |of: [Json; 3]| -> Vec<String> {
        let records: Vec<Json> = (0..3)
            .zip(of)
            .map(|(at, addressee)| {
                let mut json = declaration(&format!("D-{at}"), &format!("P-{at}"));
                json["addressee"] = addressee;
                json
            })
            .collect();
        gathered(&records, Flow::Import)
            .rows
            .iter()
            .map(|row| row.parties[0].clone().unwrap_or_default().to_string())
            .collect()
    };
    assert_eq!(
        parties([
            json!({"name": "ACME  Ltd", "country": "DE"}),
            json!({"name": "acme ltd", "country": "DE", "id": "DE1"}),
            json!({"id": "de1"})
        ]),
        ["i1", "i1", "i1"]
    );
    assert_eq!(
        parties([
            json!({"name": "A", "country": "DE"}),
            json!({"name": "A", "country": "FR"}),
            json!({"country": "FR"})
        ]),
        ["i1", "i2", ""]
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The order in which pages come does not matter, and what comes twice counts once.
    #[test]
    fn the_order_of_records_means_nothing(mut order in Just((0..8).collect::<Vec<usize>>()).prop_shuffle(), twice in 0_usize..8) {
        let mut corrected = declaration("D-1", "P-1");
        corrected["filing"]["revision"] = 1.into();
        corrected["goods"][0]["value"]["amount"] = "5.00".into();
        let records = [
            declaration("D-1", "P-1"), corrected, declaration("D-2", "X-1"), link("same_as", "P-1", &["X-1"]),
            declaration("D-3", "P-3"), duty("T-1", "X-1", "assessed", &[("1.23", None)]), link("split_into", "P-3", &["P-4", "P-5"]),
            declaration("D-4", "P-4"),
        ];
        let expected = gathered(&records, Flow::Import);
        prop_assert_eq!(expected.rows.len(), 2);
        order.push(twice);
        let found = gathered_of(&records, wanted(Flow::Import), &order);
        prop_assert_eq!(found.rows, expected.rows);
        prop_assert_eq!(found.left_out, expected.left_out);
    }
}
