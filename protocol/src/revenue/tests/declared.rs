//! Declarations into assessments, and into records of duty.

use serde_json::{Value as Json, json};

use super::*;
use crate::life::Shown;
use crate::record::{Content, content_from_json, content_to_json};

fn declaration() -> Json {
    json!({"type": "declaration", "version": 3,
        "filing": {"own_reference": "D-1", "kind": "import", "registration": "26DE1", "category_of_item": "sale_of_goods"},
        "item": {"scheme": "s10", "id": "RB123456785GB", "posted_on": "2026-06-20"},
        "route": {"destination": "DE", "departure": "GB", "mode": "5"},
        "postage": {"amount": "10.00", "currency": "GBP"}, "mass": {"gross_kg": "2"},
        "fiscal": [{"id": "IM2760000001", "role": "FR5"}],
        "handling": {"platform": "market", "filer": "post-gb"},
        "goods": [
            {"content": {"description": "shirts", "units": 2}, "classification": {"hs": "610910", "national": "0010"},
             "value": {"amount": "200.00", "currency": "GBP"}, "origin": {"country": "TR", "net_kg": "0.5"}},
            {"content": {"description": "phone"}, "classification": {"hs": "851713"},
             "value": {"amount": "100.00", "currency": "GBP"}, "measure": {"quantity": "1", "unit": "NAR"}}]})
}

fn read(json: &Json) -> (Declared, Content) {
    let content = content_from_json(json).unwrap();
    (Declared::of(Shown::Own(&content)).unwrap(), content)
}

#[test]
fn a_declaration_is_assessed_as_by_hand_and_its_record_says_so() {
    let (declared, content) = read(&declaration());
    assert_eq!(declared.model(), Some(CollectionModel::Vendor));
    let consignment = declared.consignment(CollectionModel::Vendor).unwrap();
    assert_eq!((consignment.goods[0].tariff.as_str(), consignment.number), ("6109100010", true));
    assert_eq!(
        consignment.goods.iter().map(|one| one.quantities.clone()).collect::<Vec<_>>(),
        [vec![(exact("0.5"), "KGM".into()), (exact("2"), "NAR".into())], vec![(exact("1"), "NAR".into())]]
    );
    // In July at 1.1478: 229.56 and 114.78 EUR, freight 11.48 spread as 7.65 and 3.83. Turkish shirts have no duty, phones none.
    let assessment = declared.assess(CollectionModel::Vendor, &book(), day("2026-07-02")).unwrap();
    let lines: Vec<String> = assessment
        .lines
        .iter()
        .map(|one| format!("{} {} {} {}", one.tax, one.base.unwrap(), one.rate, one.amount))
        .collect();
    // 237.21 x 0.19 = 45.0699; 118.61 x 0.19 = 22.5359.
    assert_eq!(
        lines,
        [
            "A00 237.21 EUR 0 0.00 EUR",
            "A00 118.61 EUR 0 0.00 EUR",
            "B00 237.21 EUR 19 45.07 EUR",
            "B00 118.61 EUR 19 22.54 EUR"
        ]
    );
    let record = declared
        .duty_record(
            Shown::Own(&content),
            "DUTY-D-1".into(),
            CollectionModel::Vendor,
            &assessment,
            &book(),
            day("2026-07-02"),
        )
        .unwrap();
    let json = content_to_json(&record);
    assert_eq!(json["item"], declaration()["item"]);
    assert_eq!(json["handling"], declaration()["handling"]);
    assert_eq!(json["route"], json!({"destination": "DE", "departure": "GB"}));
    assert_eq!((&json["duty"]["stage"], &json["duty"]["registration"]), (&json!("assessed"), &json!("26DE1")));
    assert_eq!(json["exchange"][0]["source"], "test rates of July");
    assert!(json["reference"]["revision"].is_null());
    let stated = Statement::of(&record, &member("customs")).unwrap();
    assert_eq!(
        stated.lines.iter().map(|line| line.amount).collect::<Vec<_>>(),
        assessment.lines.iter().map(|line| line.amount).collect::<Vec<_>>()
    );

    // Of a correction the record of duty is one.
    let mut corrected = declaration();
    corrected["filing"]["revision"] = 2.into();
    corrected["filing"]["action"] = "correction".into();
    let (declared, content) = read(&corrected);
    let record = declared
        .duty_record(
            Shown::Own(&content),
            "DUTY-D-1".into(),
            CollectionModel::Vendor,
            &assessment,
            &book(),
            day("2026-07-02"),
        )
        .unwrap();
    assert_eq!(Statement::of(&record, &member("customs")).unwrap().revision, 2);
}

#[test]
fn the_sample_changes_on_the_first_of_july() {
    let mut small = declaration();
    small["goods"] = json!([{"classification": {"hs": "610910"}, "value": {"amount": "20.00", "currency": "EUR"}}]);
    small.as_object_mut().unwrap().remove("postage");
    let (declared, _) = read(&small);
    let duty = |on: &str| {
        let assessment = declared.assess(CollectionModel::Consumer, &book(), day(on)).unwrap();
        let first = &assessment.lines[0];
        format!("{} {} {}", first.rule, first.kind, first.amount)
    };
    assert_eq!(duty("2026-06-30"), "eu-duty-relief ad_valorem 0.00 EUR");
    assert_eq!(duty("2026-07-01"), "eu-duty-per-item per_item 3.00 EUR");
}

#[test]
fn what_is_missing_is_said_item_by_item() {
    let why = |change: &dyn Fn(&mut Json)| {
        let mut json = declaration();
        change(&mut json);
        let (declared, _) = read(&json);
        declared.assess(CollectionModel::Consumer, &book(), day("2026-07-02")).unwrap_err().to_string()
    };
    let without =
        |group: &'static str| why(&|json: &mut Json| drop(json["goods"][1].as_object_mut().unwrap().remove(group)));
    assert_eq!(without("classification"), "goods item 2 has no tariff code");
    assert_eq!(without("value"), "goods item 2 has no value");
    let both = why(&|json: &mut Json| {
        json["goods"] = json!([{"value": {"amount": "1.00"}}, {"classification": {"hs": "610910"}}]);
        json.as_object_mut().unwrap().remove("item");
    });
    for part in [
        "goods item 1 has no tariff code",
        "the value of goods item 1 has no currency",
        "goods item 2 has no value",
        "names no item",
    ] {
        assert!(both.contains(part), "{part}: {both}");
    }
    assert!(why(&|json| json["postage"] = json!({"amount": "1.00"})).contains("postage has no currency"));
    assert!(why(&|json| json["goods"] = json!([])).contains("no goods items"));
    assert!(why(&|json| json["filing"]["kind"] = "export".into()).contains("kind 'export'"));
    assert!(why(&|json| json["filing"]["action"] = "cancellation".into()).contains("takes a declaration back"));
    assert!(
        why(&|json| json["route"]["destination"] = "BR".into()).contains("no rule of duty or tax for BR on 2026-07-02")
    );
    let exchange = why(&|json| json["goods"][0]["value"]["currency"] = "CHF".into());
    assert!(exchange.contains("no rate of exchange from CHF into EUR on 2026-07-02"), "{exchange}");
    let australia = why(&|json| json["route"]["destination"] = "AU".into());
    assert!(australia.contains("none of the 1 rules of duty or tax for AU"), "{australia}");
    // A rate that is not there leaves the line open, and the assessment says for which goods.
    let mut json = declaration();
    json["goods"][0]["classification"] = json!({"hs": "420221"});
    let (declared, _) = read(&json);
    let open = declared.assess(CollectionModel::Consumer, &book(), day("2026-07-02")).unwrap().open;
    assert_eq!(open[0].goods, [1]);
    assert!(open[0].missing.contains("no rate of 'duty' for 420221 to DE on 2026-07-02"), "{open:?}");
    let event =
        content_from_json(&json!({"type": "order", "reference": {"own_reference": "O"}, "order": {"number": "1"}}))
            .unwrap();
    assert_eq!(Declared::of(Shown::Own(&event)), Err(Lack::Type("order")));
}

#[test]
fn the_template_takes_the_place_of_the_samples() {
    let (book, sample) =
        (RevenueBook::sample().unwrap().with(&RevenueBook::template()).unwrap(), RevenueBook::sample().unwrap());
    let names = |book: &RevenueBook| book.rules.iter().map(|rule| rule.id.clone()).collect::<Vec<_>>();
    assert_eq!(names(&book), names(&sample));
    assert!(book.rules.iter().all(|rule| rule.listed.name == "own"));
    // What is commented out is right, too.
    let examples: String = RevenueBook::template()
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(entry) if entry.starts_with("[[") || entry.contains(" = ") => format!("{entry}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    let book = RevenueBook::empty().with(&examples).unwrap();
    assert_eq!((book.rates.len(), book.exchanges.len()), (1, 1));
}
