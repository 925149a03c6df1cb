//! What a record meets: facet by facet, and the index beside comparing with each.

use proptest::prelude::*;

use super::*;
use crate::testing::Numbers;

/// Whether an indicator with this sought hits a declaration of these groups.
fn meets(sought: Json, groups: Json) -> bool {
    let screener = screener([indicator(1, sought)]);
    !hits(&screener, &declaration(groups), NOW).is_empty()
}

#[test]
fn each_facet_is_met_by_what_it_asks_and_by_nothing_else() {
    let goods = |sought: Json, told: Json| meets(json!({ "goods_sought": [sought] }), json!({ "goods": [{}, told] }));
    assert!(goods(json!({ "hs": "8517" }), json!({ "classification": { "hs": "851712" } })));
    assert!(!goods(json!({ "hs": "8517" }), json!({ "classification": { "hs": "841712" } })));
    let described =
        |words: &str, text: &str| goods(json!({ "words": words }), json!({ "content": { "description": text } }));
    assert!(described("Toy TRAIN", "wooden toy-train, painted"));
    assert!(!described("toy train", "train for a toy"));
    assert!(!described("train", "trainers"));
    let valued = |from: &str, amount: &str, currency: &str| {
        let sought = json!({ "hs": "95", "value_from": from, "value_to": "20", "currency": "EUR" });
        goods(
            sought,
            json!({ "classification": { "hs": "950300" }, "value": { "amount": amount, "currency": currency } }),
        )
    };
    assert!(valued("10.00", "10", "EUR") && valued("10", "20.00", "EUR"));
    assert!(!valued("10", "9.99", "EUR") && !valued("10", "20.01", "EUR") && !valued("10", "15", "USD"));

    let route = |sought: Json, told: Json| meets(json!({ "routes_sought": [sought] }), json!({ "route": told }));
    assert!(route(json!({ "departure": "EU" }), json!({ "destination": "JP", "departure": "DE" })));
    assert!(!route(json!({ "departure": "EU" }), json!({ "destination": "JP", "departure": "GB" })));
    assert!(!route(json!({ "departure": "GB" }), json!({ "destination": "JP" })));
    assert!(route(
        json!({ "departure": "GB", "mode": "4" }),
        json!({ "destination": "JP", "departure": "GB", "mode": "4" })
    ));

    let party = |sought: Json, groups: Json| meets(json!({ "parties_sought": [sought] }), groups);
    assert!(party(json!({ "id": "ab-12" }), json!({ "seller": { "account": "AB 12" } })));
    assert!(!party(json!({ "id": "ab-12", "role": "sender" }), json!({ "seller": { "account": "AB 12" } })));
    assert!(party(json!({ "name": "ACME Trading Ltd" }), json!({ "sender": { "name": "Trading Acme" } })));
    assert!(!party(
        json!({ "name": "ACME Trading Ltd", "country": "KP" }),
        json!({ "sender": { "name": "Acme Trading" } })
    ));
    assert!(party(
        json!({ "id": "IM2760000001", "role": "fiscal" }),
        json!({ "fiscal": [{ "id": "IM2760000002" }, { "id": "IM2760000001" }] })
    ));
    let importer = json!({ "declarant": [{ "role": "declarant", "id": "A" }, { "role": "importer", "id": "B" }] });
    assert!(party(json!({ "role": "importer", "id": "B" }), importer.clone()));
    assert!(!party(json!({ "role": "declarant", "id": "B" }), importer));

    let number = |sought: Json, id: &str| {
        meets(json!({ "numbers_sought": [sought] }), json!({ "item": { "scheme": "s10", "id": id } }))
    };
    assert!(number(json!({ "prefix": "RB1234" }), "RB123456785GB"));
    assert!(!number(json!({ "prefix": "RB1235" }), "RB123456785GB"));
    assert!(number(json!({ "operator": "GB" }), "RB123456785GB"));
    assert!(!number(json!({ "operator": "GB" }), "RB123456785XGB"));
    assert!(number(json!({ "prefix": "RB", "operator": "GB" }), "RB123456785GB"));

    let mass = |told: Json| meets(json!({ "mass_sought": { "from_kg": "1.5", "to_kg": "2" } }), told);
    assert!(mass(json!({ "mass": { "gross_kg": "1.50" } })) && !mass(json!({ "mass": { "gross_kg": "2.000001" } })));
    assert!(!mass(json!({})));
}

#[test]
fn groups_are_met_together_rows_alone_and_a_row_by_one_goods_item() {
    let sought = json!({ "goods_sought": [{ "hs": "95", "origin": "CN" }, { "hs": "96" }], "routes_sought": [{ "departure": "CN" }] });
    let met = |goods: Json, departure: &str| {
        meets(sought.clone(), json!({ "route": { "destination": "JP", "departure": departure }, "goods": goods }))
    };
    let item = |hs: &str, origin: &str| json!({ "classification": { "hs": hs }, "origin": { "country": origin } });
    assert!(met(json!([item("950300", "CN")]), "CN"));
    assert!(met(json!([item("960300", "VN")]), "CN"));
    assert!(!met(json!([item("950300", "VN"), item("850300", "CN")]), "CN"));
    assert!(!met(json!([item("950300", "CN")]), "VN"));
}

#[test]
fn reasons_tell_which_row_was_met_where_and_how_well() {
    let sought = json!({ "goods_sought": [{ "hs": "01" }, { "hs": "95" }], "parties_sought": [{ "name": "Example Maritime SA" }] });
    let screener = screener([indicator(1, sought)]);
    let content = declaration(json!({
        "declarant": [{ "role": "declarant", "name": "Somebody" }, { "role": "importer", "name": "Exemple Maritime" }],
        "goods": [{ "classification": { "hs": "850300" } }, { "classification": { "hs": "950300" } }],
    }));
    let reading = Reading::of(content.table());
    let found = screener.screen(&reading.read(&content), NOW);
    let reason = |facet, row, place: &str, alike| Reason { facet, row, place: place.into(), alike };
    let alike = found[0].reasons[1].alike;
    assert!((80..100).contains(&alike), "{alike}");
    assert_eq!(
        found[0].reasons,
        [reason(Facet::Goods, 2, "/goods/2", 100), reason(Facet::Party, 1, "/declarant/2", alike)]
    );
    assert_eq!(found[0].score, 600_000 * u64::from(alike) / 100);
}

#[test]
fn what_a_view_hides_is_not_screened_by_and_not_screened() {
    use crate::record::{GroupSet, SealedRecord, Seed};
    let content = record(
        1,
        json!({ "goods_sought": [{ "hs": "95" }], "parties_sought": [{ "id": "X1" }] }),
        json!({}),
        json!({}),
    );
    let sealed = SealedRecord::new(issuer(), content, None, [1; 16], Seed::new([2; 32]));
    let mut shown = GroupSet::NONE;
    for group in ["reference", "indicator", "goods_sought"] {
        shown = shown.with(crate::record::INDICATOR.group(group).unwrap().0);
    }
    let partly = Indicator::read(&issuer(), &sealed.view(shown)).unwrap();
    assert_eq!(partly.hidden, ["routes_sought", "parties_sought", "numbers_sought", "mass_sought"]);
    assert_eq!(Screener::default().take(partly), Ok(Taken::Gone));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// The index leads to exactly those that comparing with each finds.
    #[test]
    fn the_index_finds_what_comparing_with_each_finds(seed in any::<u64>()) {
        let mut numbers = Numbers(seed);
        let mut screener = Screener::default();
        for number in 0..60 {
            let content = record(number, any_sought(&mut numbers), json!({}), json!({}));
            if let Ok(indicator) = Indicator::read(&issuer(), &content) {
                screener.take(indicator).unwrap();
            }
        }
        for _ in 0..40 {
            let content = declaration(any_groups(&mut numbers));
            let reading = Reading::of(content.table());
            let subject = reading.read(&content);
            let all = screener.screen_all(&subject, NOW);
            prop_assert_eq!(screener.screen(&subject, NOW), all);
        }
    }
}

fn of(numbers: &mut Numbers, all: &[&str]) -> Json {
    all[numbers.up_to(all.len() as u64 - 1) as usize].into()
}

fn maybe(numbers: &mut Numbers, row: &mut Json, field: &str, all: &[&str]) {
    if numbers.up_to(2) == 0 {
        row[field] = of(numbers, all);
    }
}

const HS: &[&str] = &["95", "9503", "950300", "850300", "85", "8503", "961"];
const PLACES: &[&str] = &["DE", "CN", "EU", "GB"];
const NAMES: &[&str] =
    &["Acme Trading Ltd", "ACME", "Banco de Cuba", "Mar Azul", "Marazul", "Kuba Banko", "B. de Cuba", "Azule Mar"];
const WORDS: &[&str] = &["toy train", "wooden", "train set", "toy"];

pub(super) fn any_sought(numbers: &mut Numbers) -> Json {
    let mut sought = json!({});
    let mut rows = |group: &str, numbers: &mut Numbers, fill: &dyn Fn(&mut Json, &mut Numbers)| {
        if numbers.up_to(2) > 0 {
            return;
        }
        let rows: Vec<Json> = (0..=numbers.up_to(2))
            .map(|_| {
                let mut row = json!({});
                fill(&mut row, numbers);
                row
            })
            .filter(|row| *row != json!({}))
            .collect();
        if !rows.is_empty() {
            sought[group] = rows.into();
        }
    };
    rows("goods_sought", numbers, &|row, numbers| {
        maybe(numbers, row, "hs", HS);
        maybe(numbers, row, "origin", PLACES);
        maybe(numbers, row, "words", WORDS);
    });
    rows("routes_sought", numbers, &|row, numbers| {
        maybe(numbers, row, "departure", PLACES);
        maybe(numbers, row, "destination", PLACES);
    });
    rows("parties_sought", numbers, &|row, numbers| {
        maybe(numbers, row, "id", &["A1", "B2"]);
        maybe(numbers, row, "name", NAMES);
        maybe(numbers, row, "role", &["sender", "seller"]);
        maybe(numbers, row, "country", PLACES);
    });
    rows("numbers_sought", numbers, &|row, numbers| {
        maybe(numbers, row, "prefix", &["RB", "RB1", "RR1234", "C"]);
        maybe(numbers, row, "operator", &["GB", "DE"]);
    });
    if numbers.up_to(4) == 0 {
        sought["mass_sought"] = json!({ "from_kg": "1" });
    }
    sought
}

pub(super) fn any_groups(numbers: &mut Numbers) -> Json {
    let mut groups = json!({ "route": { "destination": "DE" } });
    maybe(numbers, &mut groups["route"], "departure", &["DE", "CN", "GB"]);
    let goods: Vec<Json> = (0..numbers.up_to(3))
        .map(|_| {
            let mut goods =
                json!({ "classification": { "hs": of(numbers, &["950300", "850300", "850310", "961000"]) } });
            if numbers.up_to(1) == 0 {
                goods["origin"] = json!({ "country": of(numbers, &["DE", "CN"]) });
            }
            if numbers.up_to(1) == 0 {
                goods["content"] = json!({ "description": of(numbers, &["wooden toy train set", "a set", "Toy"]) });
            }
            goods
        })
        .collect();
    groups["goods"] = goods.into();
    for group in ["sender", "addressee"] {
        if numbers.up_to(1) == 0 {
            groups[group] = json!({ "name": of(numbers, NAMES), "id": of(numbers, &["a-1", "B2", "C"]), "country": of(numbers, &["DE", "CN"]) });
        }
    }
    if numbers.up_to(1) == 0 {
        groups["seller"] = json!({ "account": of(numbers, &["a1", "b 2"]) });
    }
    if numbers.up_to(1) == 0 {
        groups["item"] = json!({ "scheme": "carrier", "id": of(numbers, &["RB123456785GB", "RR123456785DE", "C-77"]) });
    }
    if numbers.up_to(2) == 0 {
        groups["mass"] = json!({ "gross_kg": of(numbers, &["0.5", "1", "3.25"]) });
    }
    groups
}
