//! A clean declaration has no findings, each fault has its own, and no record is too strange.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::{Arc, LazyLock};

use serde_json::{Value as Json, json};

use super::*;
use crate::record::{Content, Decimal, GroupSet, RecordView, Source, TypeTable, content_from_json, table};
use crate::reference::RuleBook;
use crate::testing::{any_content, record_of};
use crate::time::Day;
use proptest::prelude::*;

const DAY: &str = "2026-11-26";

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

/// Made once: it reads a tariff.
static BOOK: LazyLock<Arc<RuleBook>> = LazyLock::new(|| Arc::new(RuleBook::builtin().unwrap()));

/// A record that is filed.
fn handed(by: u64) -> Handed {
    Handed { by, filed: true }
}

fn book() -> Arc<RuleBook> {
    BOOK.clone()
}

/// A declaration to the EU after the change of November 2026 in which nothing is wrong.
fn clean() -> Json {
    json!({
        "type": "declaration", "version": 3,
        "filing": {
            "own_reference": "A-1", "kind": "import", "data_set": "H7", "filed_on": "2026-11-25", "message_time": "2026-11-25T10:00:00Z",
            "transaction_type": "b2c", "category_of_item": "sale_of_goods",
        },
        "item": {"scheme": "s10", "id": "RB123456785GB", "posted_on": "2026-11-24", "ucr": "U"},
        "route": {
            "destination": "FR", "departure": "GB", "first_entry": "FR", "mode": "4",
            "departs_at": "2026-11-27T10:00:00Z", "arrives_at": "2026-11-27T12:00:00Z",
        },
        "mass": {"gross_kg": "1.5", "packages": 1},
        "sender": {"name": "Shop", "city": "York", "country": "GB", "postcode": "YO1"},
        "addressee": {"name": "A. Dupont", "city": "Lyon", "country": "FR", "postcode": "69001"},
        "declarant": [{"role": "declarant", "id": "FR12345678901234"}],
        "order": {"reference": "O", "sold_at": "2026-11-20T10:00:00Z", "price": "40.00", "currency": "EUR"},
        "fiscal": [{"id": "IM3720000224", "role": "FR5"}],
        "goods": [
            {
                "content": {"description": "knitted cotton shirt for men", "units": 2},
                "classification": {"hs": "610910", "edition": 2022},
                "value": {"amount": "30.00", "currency": "EUR"},
                "origin": {"country": "CN", "net_kg": "0.9"},
                "product": {"merchant_id": "M-1", "gtin": "6291041500213"},
            },
            {
                "content": {"description": "leather belt with buckle", "units": 1},
                "classification": {"hs": "420330"},
                "value": {"amount": "10.00", "currency": "EUR"},
                "origin": {"country": "IT", "net_kg": "0.3"},
                "product": {"merchant_id": "M-2", "manufacturer_id": "B-2"},
            },
        ],
    })
}

fn content(json: &Json) -> Content {
    content_from_json(json).unwrap()
}

/// The clean declaration with changes: a pointer and what stands there instead; `null` takes it away.
fn changed(changes: &[(&str, Json)]) -> Json {
    let mut json = clean();
    for (pointer, value) in changes {
        let (parent, last) = pointer.rsplit_once('/').unwrap();
        match json.pointer_mut(parent).unwrap() {
            Json::Array(list) => list[last.parse::<usize>().unwrap()] = value.clone(),
            Json::Object(map) if value.is_null() => drop(map.remove(last)),
            parent => parent[last] = value.clone(),
        }
    }
    json
}

/// Rules and places of what is found, on the usual day.
fn found(json: &Json) -> Vec<(&'static str, String)> {
    let book = book();
    let findings = check(&content(json), &book, day(DAY));
    findings.into_iter().map(|finding| (finding.rule.id(), finding.pointer)).collect()
}

#[test]
fn a_clean_declaration_has_no_findings() {
    assert_eq!(found(&clean()), []);
}

#[test]
fn each_fault_is_found_by_its_rule_at_its_place_and_by_no_other() {
    let at = "/goods/0";
    let goods = |field: &str| format!("{at}/{field}");
    /// Rule, changes, place.
    type Case = (&'static str, Vec<(String, Json)>, &'static str);
    let cases: Vec<Case> = vec![
        ("hs.unknown", vec![(goods("classification/hs"), json!("851700"))], "/goods/1/classification/hs"),
        ("territory.unknown", vec![(goods("origin/country"), json!("ZZ"))], "/goods/1/origin/country"),
        ("territory.unknown", vec![("/route/first_entry".into(), json!("EL"))], "/route/first_entry"),
        ("territory.unknown", vec![("/sender/country".into(), json!("UK"))], "/sender/country"),
        ("currency.unknown", vec![("/order/currency".into(), json!("ABC"))], "/order/currency"),
        ("currency.withdrawn", vec![("/order/currency".into(), json!("DEM"))], "/order/currency"),
        ("currency.no_money", vec![("/order/currency".into(), json!("XAU"))], "/order/currency"),
        ("currency.missing", vec![("/order/currency".into(), Json::Null)], "/order/price"),
        (
            "currency.minor_units",
            vec![("/order/currency".into(), json!("JPY")), ("/order/price".into(), json!("40.50"))],
            "/order/price",
        ),
        ("s10.form", vec![("/item/id".into(), json!("RB12345678GB"))], "/item/id"),
        ("s10.check_digit", vec![("/item/id".into(), json!("RB123456786GB"))], "/item/id"),
        ("s10.operator", vec![("/item/id".into(), json!("RB123456785XX"))], "/item/id"),
        ("s10.operator_unlisted", vec![("/item/id".into(), json!("RB123456785TW"))], "/item/id"),
        ("s10.service", vec![("/item/id".into(), json!("AA123456785GB"))], "/item/id"),
        (
            "sscc.check_digit",
            vec![("/item/scheme".into(), json!("sscc")), ("/item/id".into(), json!("106141412345678909"))],
            "/item/id",
        ),
        ("eori.form", vec![("/declarant/0/id".into(), json!("12345"))], "/declarant/1/id"),
        ("eori.issuer", vec![("/declarant/0/id".into(), json!("CN12345"))], "/declarant/1/id"),
        ("ioss.form", vec![("/fiscal/0/id".into(), json!("IM372000022"))], "/fiscal/1/id"),
        ("ioss.issuer", vec![("/fiscal/0/id".into(), json!("IM5532027340"))], "/fiscal/1/id"),
        (
            "ioss.several",
            vec![(
                "/fiscal".into(),
                json!([{"id": "IM3720000224", "role": "FR5"}, {"id": "IM0400000014", "role": "FR5"}]),
            )],
            "/fiscal/2/id",
        ),
        (
            "ioss.threshold",
            vec![(goods("value/amount"), json!("140.01")), ("/filing/data_set".into(), json!("H1"))],
            "/fiscal/1/id",
        ),
        (
            "simplified.threshold",
            vec![(goods("value/amount"), json!("140.01")), ("/fiscal".into(), Json::Null)],
            "/filing/data_set",
        ),
        ("vat.form", vec![("/fiscal/0".into(), json!({"id": "DE12345678", "role": "FR1"}))], "/fiscal/1/id"),
        ("vat.check_digit", vec![("/fiscal/0".into(), json!({"id": "DE364605195", "role": "FR1"}))], "/fiscal/1/id"),
        ("vat.issuer", vec![("/fiscal/0".into(), json!({"id": "US364605195", "role": "FR1"}))], "/fiscal/1/id"),
        ("mass.net.zero", vec![(goods("origin/net_kg"), json!("0"))], "/goods/1/origin/net_kg"),
        ("mass.net.negative", vec![(goods("origin/net_kg"), json!("-1"))], "/goods/1/origin/net_kg"),
        ("mass.net.above_gross", vec![(goods("origin/net_kg"), json!("1.500001"))], "/goods/1/origin/net_kg"),
        ("mass.net.sum", vec![(goods("origin/net_kg"), json!("1.3"))], "/mass/gross_kg"),
        ("mass.gross.zero", vec![("/mass/gross_kg".into(), json!("0.0"))], "/mass/gross_kg"),
        ("mass.gross.negative", vec![("/mass/gross_kg".into(), json!("-1.5"))], "/mass/gross_kg"),
        ("mass.net.above_gross", vec![(goods("measure"), json!({"gross_kg": "0.8"}))], "/goods/1/origin/net_kg"),
        ("mass.gross.zero", vec![(goods("measure"), json!({"gross_kg": "0"}))], "/goods/1/measure/gross_kg"),
        ("mass.postal", vec![("/mass/gross_kg".into(), json!("31.6"))], "/mass/gross_kg"),
        ("mass.piece", vec![(goods("content/units"), json!(9_001))], "/goods/1/origin/net_kg"),
        ("value.zero", vec![(goods("value/amount"), json!("0.00"))], "/goods/1/value/amount"),
        ("value.negative", vec![(goods("value/amount"), json!("-1.00"))], "/goods/1/value/amount"),
        ("description.vague", vec![(goods("content/description"), json!("Gift"))], "/goods/1/content/description"),
        (
            "description.stop_word",
            vec![(goods("content/description"), json!("gift, cotton shirt"))],
            "/goods/1/content/description",
        ),
        ("description.short", vec![(goods("content/description"), json!("x2"))], "/goods/1/content/description"),
        ("gtin.check_digit", vec![(goods("product/gtin"), json!("6291041500214"))], "/goods/1/product/gtin"),
        ("gtin.check_digit", vec![(goods("product/gtin"), json!("291041500213"))], "/goods/1/product/gtin"),
        ("obligation.required", vec![(goods("product/merchant_id"), Json::Null)], "/goods/1/product/merchant_id"),
        ("obligation.required", vec![(goods("product/gtin"), Json::Null)], "/goods/1/product/gtin"),
        ("obligation.required", vec![("/declarant".into(), Json::Null)], "/declarant/1/role"),
        ("obligation.required", vec![("/addressee/name".into(), Json::Null)], "/addressee/name"),
        ("date.future", vec![("/item/posted_on".into(), json!("2026-11-28"))], "/item/posted_on"),
        ("date.future", vec![("/filing/message_time".into(), json!("2027-01-01T00:00:00Z"))], "/filing/message_time"),
        ("date.filed_before_sale", vec![("/filing/filed_on".into(), json!("2026-11-18"))], "/filing/filed_on"),
        ("date.order", vec![("/route/arrives_at".into(), json!("2026-11-27T09:00:00Z"))], "/route/arrives_at"),
        ("goods.duplicate", vec![("/goods/1".into(), clean()["goods"][0].clone())], "/goods/2/content/description"),
    ];
    for (rule, changes, place) in cases {
        let changes: Vec<(&str, Json)> = changes.iter().map(|(at, value)| (at.as_str(), value.clone())).collect();
        let mut found = found(&changed(&changes));
        // Two goods items that are the same weigh as much as both.
        found.retain(|(found, _)| rule != "goods.duplicate" || *found != "mass.net.sum");
        assert_eq!(found, [(rule, place.to_owned())], "{rule}: {changes:?}");
    }
}

#[test]
fn goods_without_description_are_found_where_no_destination_asks_for_it() {
    let json = changed(&[("/goods/0/content/description", Json::Null), ("/route/destination", json!("KR"))]);
    assert_eq!(found(&json), [("description.missing", "/goods/1/content/description".to_owned())]);
    let rules: Vec<_> =
        found(&changed(&[("/goods/0/content", Json::Null)])).into_iter().map(|(rule, _)| rule).collect();
    assert_eq!(rules, ["description.missing", "obligation.required"]);
}

#[test]
fn editions_are_those_of_the_day() {
    let json = changed(&[("/goods/0/classification/edition", json!(2028))]);
    let of = |on: &str| {
        let findings = check(&content(&json), &book(), day(on));
        let of_edition = findings.into_iter().filter(|finding| finding.rule.id().starts_with("hs."));
        of_edition.map(|finding| (finding.rule.id(), finding.pointer)).collect::<Vec<_>>()
    };
    let place = "/goods/1/classification/edition".to_owned();
    assert_eq!(of(DAY), [("hs.edition_unlisted", place.clone()), ("hs.edition_day", place.clone())]);
    // From 2028 on the second item, which names none, is of an edition that is over.
    let over = ("hs.edition_day", "/goods/2/classification/hs".to_owned());
    assert_eq!(of("2028-01-01"), [("hs.edition_unlisted", place), over]);
}

#[test]
fn product_identifiers_are_asked_for_from_november_2026() {
    let json = changed(&[("/goods/0/product", Json::Null), ("/goods/1/product", Json::Null)]);
    let obligations = |on: &str| {
        check(&content(&json), &book(), day(on)).iter().filter(|f| f.rule == Rule::ObligationRequired).count()
    };
    // Two of each goods item.
    assert_eq!((obligations("2026-10-31"), obligations("2026-11-01")), (0, 4));
}

#[test]
fn conditions_are_decided_where_the_record_can() {
    let ens = [("/filing/kind", json!("ens_preloading")), ("/filing/data_set", json!("F43"))];
    let with = |more: &[(&str, Json)]| found(&changed(&[&ens[..], more].concat()));
    assert_eq!(with(&[]), []);
    let no_value = [("/goods/0/value", Json::Null)];
    assert_eq!(with(&no_value), [("obligation.conditional", "/goods/1/value/amount".to_owned())]);
    let private = [no_value[0].clone(), ("/filing/transaction_type", json!("non_commercial"))];
    assert_eq!(with(&private), []);
    let no_postcode = with(&[("/addressee/postcode", Json::Null)]);
    assert_eq!(no_postcode, [("obligation.condition", "/addressee/postcode".to_owned())]);
    assert_eq!(with(&[("/sender/city", Json::Null)]), [("obligation.required", "/sender/city".to_owned())]);
    // A cancellation needs nothing but its reference.
    let cancelled =
        [("/filing/action", json!("cancellation")), ("/sender", Json::Null), ("/goods/0/content", Json::Null)];
    assert_eq!(with(&cancelled), []);
}

#[test]
fn thresholds_use_the_rates_of_their_day() {
    let json = changed(&[("/goods/0/value", json!({"amount": "120.00", "currency": "GBP"}))]);
    let rates = |rate: &str| {
        let rate = format!(
            "name = 'r'\nversion = '1'\n[[rate]]\ncurrency = 'GBP'\ninto = 'EUR'\nrate = '{rate}'\nfrom = '2026-11-01'\nsource = ''"
        );
        let book = Arc::new(RuleBook::clone(&book()).with(&rate).unwrap());
        check(&content(&json), &book, day(DAY)).iter().map(|finding| finding.rule.id()).collect::<Vec<_>>()
    };
    // With the other item's 10 EUR.
    assert_eq!(rates("1.166666"), Vec::<&str>::new());
    assert_eq!(rates("1.166667"), ["ioss.threshold", "simplified.threshold"]);
    assert_eq!(found(&json), [], "without a rate nothing is compared");
}

#[test]
fn every_type_is_checked_for_what_it_shares() {
    let event = json!({
        "type": "event", "version": 1, "reference": {"own_reference": "E"}, "event": {"code": "posted", "at": "2026-12-24T10:00:00Z"},
        "item": {"id": "RB123456786GB"}, "route": {"destination": "ZZ"},
    });
    let expected =
        [("s10.check_digit", "/item/id"), ("date.future", "/event/at"), ("territory.unknown", "/route/destination")];
    assert_eq!(found(&event), expected.map(|(rule, at)| (rule, at.to_owned())));
    let link = json!({
        "type": "link", "version": 1, "reference": {"own_reference": "L"}, "item": {"scheme": "s10", "id": "RB123456785GB"},
        "relation": {"kind": "split_into"}, "others": [{"scheme": "platform", "id": "p"}, {"scheme": "s10", "id": "x"}],
    });
    assert_eq!(found(&link), [("s10.form", "/others/2/id".to_owned())]);
    let response = json!({
        "type": "customs_response", "version": 1, "reference": {"own_reference": "C"}, "response": {"status": "duty_due"},
        "debt": [{"kind": "A00", "base": "10.55", "assessed": "2.00", "currency": "KRW"}],
    });
    assert_eq!(found(&response), [("currency.minor_units", "/debt/1/base".to_owned())]);
}

#[test]
fn findings_can_be_turned_off_and_made_worse() {
    let json = changed(&[
        ("/goods/0/content/description", json!("gift, cotton shirt")),
        ("/goods/0/value/amount", json!("0")),
    ]);
    let file = "name = 'own'\nversion = '7'\n[severity]\n'description.stop_word' = 'off'\n'value.zero' = 'error'";
    let findings = check(&content(&json), &Arc::new(RuleBook::clone(&book()).with(file).unwrap()), day(DAY));
    assert_eq!(findings.iter().map(|f| (f.rule, f.severity)).collect::<Vec<_>>(), [(Rule::ValueZero, Severity::Error)]);
    assert_eq!(worst(&findings), Some(Severity::Error));
    assert_eq!(worst(&[]), None);
}

#[test]
fn a_finding_reads_and_comes_back() {
    let findings = check(&content(&changed(&[("/goods/0/classification/hs", json!("851700"))])), &book(), day(DAY));
    let text = findings[0].to_string();
    assert_eq!(
        text,
        "error hs.unknown at /goods/1/classification/hs: 851700 is no code of the Harmonized System 2022 (hs 2022)"
    );
    let json = serde_json::to_string(&findings).unwrap();
    assert_eq!(serde_json::from_str::<Vec<Finding>>(&json).unwrap(), findings);
}

/// A view of a record that shows these groups.
fn view(content: &Content, groups: GroupSet) -> RecordView {
    record_of(content.clone(), [1; 16], [2; 32]).view(groups)
}

#[test]
fn a_view_is_held_to_what_it_shows() {
    let faulty = content(&changed(&[
        ("/goods/0/classification/hs", json!("851700")),
        ("/addressee/name", Json::Null),
        ("/goods/1/product", Json::Null),
        ("/mass/gross_kg", json!("0.5")),
    ]));
    let book = book();
    let checker = Checker::new(faulty.table(), &book);
    let shown = |names: &[&str]| {
        let groups = faulty.table().set(names.iter().copied()).unwrap();
        let findings = checker.check(&view(&faulty, groups), day(DAY));
        findings.into_iter().map(|finding| (finding.rule.id(), finding.pointer)).collect::<Vec<_>>()
    };
    assert_eq!(shown(&["filing", "route"]), []);
    assert_eq!(shown(&["filing", "route", "addressee"]), [("obligation.required", "/addressee/name".to_owned())]);
    assert_eq!(shown(&["classification"]), [("hs.unknown", "/goods/1/classification/hs".to_owned())]);
    assert_eq!(shown(&["origin"]), []);
    assert_eq!(shown(&["origin", "mass"])[0], ("mass.net.above_gross", "/goods/1/origin/net_kg".to_owned()));
    // Of two items the second has no product: a view that shows products alone ends with the first.
    assert_eq!(shown(&["product", "content"]), []);
    let product = shown(&["filing", "route", "product", "content"]);
    assert_eq!(
        product.iter().map(|(_, at)| at.as_str()).collect::<Vec<_>>(),
        ["/goods/2/product/merchant_id", "/goods/2/product/gtin"]
    );
}

/// The group and field that a pointer names, and whether it has the numbers that its group wants.
fn names_a_field(table: &TypeTable, pointer: &str) -> bool {
    let mut parts: Vec<&str> = pointer.split('/').skip(1).collect();
    let of_goods = parts.first() == Some(&"goods") && table.group("goods").is_none();
    if of_goods {
        let number: usize = parts[1].parse().unwrap();
        assert!((1..=99).contains(&number), "{pointer}");
        parts.drain(..2);
    }
    let Some((_, group)) = table.group(parts[0]) else { return false };
    let field = if group.repeats { parts.get(2) } else { parts.get(1) };
    let scope = matches!(group.scope, crate::record::Scope::Item) == of_goods;
    scope && field.is_some_and(|field| group.field(field).is_some()) && parts.len() == if group.repeats { 3 } else { 2 }
}

proptest! {
    #[test]
    fn no_record_is_too_strange_and_every_pointer_leads_to_a_field(content in any_content(), on in -30_000i32..2_000_000, bits: u32) {
        let book = book();
        let (checker, on) = (Checker::new(content.table(), &book), Day(on));
        let findings = checker.check(&content, on);
        let groups = GroupSet(bits & content.table().all_groups().0);
        let view = view(&content, groups);
        let of_view = checker.check(&view, on);
        for finding in findings.iter().chain(&of_view) {
            prop_assert!(names_a_field(content.table(), &finding.pointer), "{finding}");
            prop_assert!(!finding.what.is_empty());
        }
        let at = |finding: &Finding| content.table().group(finding.pointer.split('/').find(|part| content.table().group(part).is_some()).unwrap()).unwrap().0;
        prop_assert!(of_view.iter().all(|finding| groups.has(at(finding))), "a finding in a hidden group");
        for source in [checker.release(&content, on, Circumstances::default()), checker.release(&view, on, Circumstances::default())] {
            prop_assert!(source.missing.iter().all(|one| source.required.contains(one) && !source.hidden.contains(one)));
        }
        let mut recent = Recent::new(8, 30);
        recent.check("a", &content, &book, on, handed(1));
        recent.check("a", &view, &book, on, handed(2));
        // Handed in once more nothing is a repetition, but of what came between; what is only asked is not remembered.
        let mut empty = Recent::new(8, 30);
        let asked = Handed { by: 3, filed: false };
        prop_assert!(empty.check("a", &content, &book, on, asked).is_empty() && empty.is_empty());
        prop_assert!(Recent::new(8, 30).check("a", &content, &book, on, handed(1)).is_empty());
        prop_assert!(recent.len() <= 8);
    }

    /// What a view with every group shows is the record.
    #[test]
    fn a_view_of_everything_is_checked_as_the_record(content in any_content()) {
        let book = book();
        let checker = Checker::new(content.table(), &book);
        let all = view(&content, content.table().all_groups());
        let (of_view, of_record) = (checker.check(&all, day(DAY)), checker.check(&content, day(DAY)));
        // Goods items at the end that hold nothing are not told apart from those that only pad.
        if Source::goods(&all) == content.items() {
            prop_assert_eq!(of_view, of_record);
        }
    }

    #[test]
    fn leaves_that_were_never_checked_are_borne(content in any_content(), junk in prop::collection::vec(any::<u8>(), 0..60), at: usize) {
        let book = book();
        let mut view = view(&content, content.table().all_groups());
        let at = at % view.groups.len();
        if let crate::record::GroupView::Shown(leaves) = &mut view.groups[at] {
            leaves[0].bytes = junk;
        }
        let checker = Checker::new(content.table(), &book);
        checker.check(&view, day(DAY));
        checker.release(&view, day(DAY), Circumstances::default());
    }

    #[test]
    fn reports_of_parts_add_up(of in prop::collection::vec((0usize..3, prop::collection::vec(0usize..Rule::ALL.len(), 0..5)), 0..30), cut in 0usize..30) {
        let finding = |at: &usize| Finding { rule: Rule::ALL[*at], severity: Rule::ALL[*at].severity(), pointer: "/route".into(), what: "x".into(), list: None };
        let report = |part: &[(usize, Vec<usize>)]| {
            let mut report = Report::default();
            part.iter().for_each(|(sender, rules)| report.add(["a", "b", "c"][*sender], &rules.iter().map(finding).collect::<Vec<_>>()));
            report
        };
        let (first, second) = of.split_at(cut.min(of.len()));
        let mut merged = report(first);
        merged.merge(&report(second));
        let whole = report(&of);
        prop_assert_eq!(&merged, &whole);
        let with_error = of.iter().filter(|(_, rules)| rules.iter().any(|at| Rule::ALL[*at].severity() == Severity::Error)).count() as u64;
        let records = of.len() as u64;
        let score = ((records - with_error) * 1000).checked_div(records).unwrap_or(1000);
        prop_assert_eq!((whole.all.records, whole.all.with_error, whole.all.score()), (records, with_error, score));
        prop_assert_eq!(whole.senders.values().map(|sender| sender.records).sum::<u64>(), records);
        let count = |rule: Rule| of.iter().filter(|(_, rules)| rules.iter().any(|at| Rule::ALL[*at] == rule)).count() as u64;
        prop_assert!(Rule::ALL.iter().all(|rule| whole.all.by_rule.get(rule).map_or(0, |of_rule| of_rule.records) == count(*rule)));
        let back: Report = serde_json::from_str(&serde_json::to_string(&whole).unwrap()).unwrap();
        prop_assert_eq!(back, whole);
    }

    #[test]
    fn millionths_read_as_decimals(mantissa in -1_000_000_000_000i64..1_000_000_000_000, scale in 0u8..=6) {
        let text = masses::in_words(crate::reference::millionths(Decimal { mantissa, scale }));
        let back: Decimal = text.parse().unwrap();
        prop_assert_eq!(crate::reference::millionths(back), crate::reference::millionths(Decimal { mantissa, scale }));
    }
}

#[test]
fn the_findings_of_one_record_are_bounded() {
    let duty = vec![json!({"kind": "A", "amount": "1.55", "currency": "KRW"}); 99];
    let goods: Vec<Json> = (0..99).map(|_| json!({"duty": duty})).collect();
    let json = json!({"type": "declaration", "version": 1, "filing": {"own_reference": "A"}, "route": {"destination": "KR"}, "goods": goods});
    assert_eq!(check(&content(&json), &book(), day(DAY)).len(), crate::limits::MAX_RECORD_FINDINGS);
}

mod release_tests {
    use super::*;

    fn release(json: &Json, on: &str, now: Circumstances) -> Release {
        let (book, content) = (book(), content(json));
        Checker::new(content.table(), &book).release(&content, day(on), now)
    }

    fn category(changes: &[(&str, Json)], on: &str) -> Category {
        release(&changed(changes), on, Circumstances::default()).category
    }

    #[test]
    fn categories_follow_dated_rules() {
        let documents = [("/filing/category_of_item", json!("documents"))];
        assert_eq!(category(&documents, DAY), Category::One);
        // With IOSS, until the relief from duty ended.
        assert_eq!((category(&[], "2026-06-30"), category(&[], "2026-07-01")), (Category::Two, Category::Three));
        assert_eq!(category(&[("/fiscal", Json::Null)], "2026-06-30"), Category::Three);
        let dear = [("/goods/0/value/amount", json!("140.01"))];
        assert_eq!((category(&dear, "2026-06-30"), category(&dear, DAY)), (Category::Four, Category::Four));
        let exactly = [("/goods/0/value/amount", json!("140.00"))];
        assert_eq!(category(&exactly, DAY), Category::Three);
        let gift = [
            ("/filing/category_of_item", json!("gift")),
            ("/filing/transaction_type", json!("c2c")),
            ("/goods/0/value/amount", json!("35.00")),
        ];
        assert_eq!(category(&gift, DAY), Category::Two);
        let us = [
            ("/route/destination", json!("US")),
            ("/goods/0/value/currency", json!("USD")),
            ("/goods/1/value/currency", json!("USD")),
        ];
        assert_eq!((category(&us, "2025-08-28"), category(&us, "2025-08-29")), (Category::Two, Category::Three));
    }

    #[test]
    fn what_is_kept_out_says_why() {
        let rum = release(&changed(&[("/goods/1/classification/hs", json!("220840"))]), DAY, Circumstances::default());
        assert_eq!(rum.category, Category::Excluded);
        assert!(rum.reason.starts_with("220840: alcohol") && rum.list.is_some(), "{}", rum.reason);
        let dangerous = changed(&[("/dangerous_goods", json!({"flag": true}))]);
        assert_eq!(release(&dangerous, DAY, Circumstances::default()).category, Category::Excluded);
        for now in [
            Circumstances { referral_open: true, agency_control: false },
            Circumstances { referral_open: false, agency_control: true },
        ] {
            let kept = release(&clean(), DAY, now);
            assert_eq!((kept.category, kept.reason.is_empty()), (Category::Excluded, false));
        }
    }

    #[test]
    fn what_is_missing_and_what_cannot_be_compared_is_told() {
        let json = changed(&[("/goods/1/classification", Json::Null), ("/sender/name", Json::Null)]);
        let missing = release(&json, DAY, Circumstances::default());
        assert_eq!(
            (missing.category, missing.missing),
            (Category::Three, vec!["sender.name".to_owned(), "classification.hs".to_owned()])
        );
        let pounds = release(&changed(&[("/goods/0/value/currency", json!("GBP"))]), DAY, Circumstances::default());
        assert_eq!(pounds.category, Category::Four);
        assert!(pounds.reason.contains("not known in EUR"), "{}", pounds.reason);
        let nowhere = release(&changed(&[("/route/destination", json!("KR"))]), DAY, Circumstances::default());
        assert!(
            nowhere.category == Category::Four
                && nowhere.reason.contains("no rule of immediate release is known for KR")
        );
    }

    #[test]
    fn a_view_that_hides_the_value_does_not_pass_as_low() {
        let (book, content) = (book(), content(&clean()));
        let checker = Checker::new(content.table(), &book);
        let all = GroupSet(content.table().all_groups().0 & !content.table().set(["value"]).unwrap().0);
        let hidden = checker.release(&view(&content, all), day(DAY), Circumstances::default());
        assert_eq!((hidden.category, hidden.hidden), (Category::NotShown, vec!["value".to_owned()]));
        assert!(hidden.reason.contains("cannot be told") && hidden.missing.is_empty(), "{}", hidden.reason);
        // What is shown excludes it whatever the rest says; what no rule asks for decides nothing.
        let seen = |json: &Json, hidden: &[&str]| {
            let content = super::content(json);
            let groups = content.table().set(hidden.iter().copied()).unwrap();
            let view = view(&content, GroupSet(content.table().all_groups().0 & !groups.0));
            Checker::new(content.table(), &book).release(&view, day(DAY), Circumstances::default()).category
        };
        let rum = changed(&[("/goods/1/classification/hs", json!("220840"))]);
        assert_eq!(seen(&rum, &["value"]), Category::Excluded);
        assert_eq!(seen(&clean(), &["classification"]), Category::NotShown);
        assert_eq!(seen(&clean(), &["route"]), Category::NotShown);
        assert_eq!(seen(&clean(), &["sender"]), Category::Three);
    }
}

mod recent_tests {
    use super::*;

    fn filed(reference: &str, revision: u64, id: &str, posted: Option<&str>) -> Content {
        let mut json = changed(&[
            ("/filing/own_reference", json!(reference)),
            ("/filing/revision", json!(revision)),
            ("/item/id", json!(id)),
        ]);
        json["item"].as_object_mut().unwrap().remove("posted_on");
        if let Some(posted) = posted {
            json["item"]["posted_on"] = json!(posted);
        }
        content(&json)
    }

    /// Sender, reference, revision, number, posted, came.
    type Filed<'a> = (&'a str, &'a str, u64, &'a str, Option<&'a str>, &'a str);

    /// Rules of what each record repeats of those before it.
    fn repeated(records: &[Filed<'_>]) -> Vec<Vec<&'static str>> {
        let (book, mut recent) = (book(), Recent::new(1_000, 90));
        let one = |(nth, (sender, reference, revision, id, posted, came)): (usize, &Filed<'_>)| {
            let record = filed(reference, *revision, id, *posted);
            let mut rules = || -> Vec<&'static str> {
                let findings = recent.check(sender, &record, &book, day(came), handed(nth as u64));
                findings.iter().map(|finding| finding.rule.id()).collect()
            };
            // Handed in again after a lost answer it is told the same: neither a repetition of itself nor an original.
            let told = rules();
            assert_eq!(rules(), told);
            told
        };
        records.iter().enumerate().map(one).collect()
    }

    const ID: &str = "RB123456785GB";
    const OTHER: &str = "EB000717595HK";

    #[test]
    fn the_same_reference_twice_is_a_finding_and_a_correction_is_not() {
        let first = ("a", "R", 1, ID, None, "2026-11-01");
        let found =
            repeated(&[first, first, ("a", "R", 2, ID, None, "2026-11-02"), ("b", "R", 1, OTHER, None, "2026-11-02")]);
        assert_eq!(found, [vec![], vec!["duplicate.reference"], vec![], vec![]]);
        let later = ("a", "R", 1, ID, None, "2027-01-31");
        assert_eq!(repeated(&[first, later]), [vec![], Vec::<&str>::new()]);
    }

    #[test]
    fn an_item_under_two_references_is_a_finding() {
        let posted = Some("2026-11-01");
        let found = repeated(&[("a", "R", 1, ID, posted, "2026-11-01"), ("a", "S", 1, ID, posted, "2026-11-02")]);
        assert_eq!(found, [vec![], vec!["duplicate.item"]]);
        let found = repeated(&[("a", "R", 1, ID, posted, "2026-11-01"), ("b", "S", 1, ID, posted, "2026-11-02")]);
        assert_eq!(found, [vec![], Vec::<&str>::new()], "another sender may file about the same item");
    }

    #[test]
    fn a_number_used_again_within_twelve_months_is_a_finding_later_it_is_another_item() {
        let used = |second: &str| {
            repeated(&[("a", "R", 1, ID, Some("2025-11-01"), "2025-11-01"), ("b", "S", 1, ID, Some(second), second)])
        };
        assert_eq!(used("2026-10-31"), [vec![], vec!["s10.reused"]]);
        assert_eq!(used("2026-11-01"), [vec![], Vec::<&str>::new()]);
        assert_eq!(used("2025-11-01"), [vec![], Vec::<&str>::new()]);
    }

    #[test]
    fn memory_is_bounded_and_says_what_it_forgot() {
        let (book, mut recent) = (book(), Recent::new(10, 90));
        let mut count = 0;
        let mut again = |recent: &mut Recent, at: usize| {
            count += 1;
            recent.check("a", &filed(&format!("R{at}"), 1, ID, None), &book, day(DAY), handed(count)).len()
        };
        for at in 0..20 {
            again(&mut recent, at);
            assert!(recent.len() <= 10);
        }
        assert!(recent.forgotten() > 0 && again(&mut recent, 19) == 1 && again(&mut recent, 0) <= 1);
        assert!(Recent::new(usize::MAX, 1).is_empty());
    }
}

#[test]
fn a_record_of_another_type_has_no_findings() {
    let book = book();
    let checker = Checker::new(table("event", 1).unwrap(), &book);
    assert_eq!(checker.check(&content(&changed(&[("/item/id", json!("x"))])), day(DAY)), []);
}
