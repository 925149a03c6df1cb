//! Each class by an example, with its evidence, and what must not be one.

use super::*;
use crate::names::Purpose;
use crate::revenue::Exact;

/// Declared by the platform, arrived, released, assessed, collected and remitted, all as it should be.
fn clean() -> Vec<Said> {
    vec![
        said(
            "platform",
            1,
            &[],
            declaration(
                "D-1",
                S10,
                "ens_preloading",
                json!({ "mass": { "gross_kg": "1.5", "packages": 1 }, "goods": goods(3, "20.00") }),
            ),
        ),
        said(
            "post",
            2,
            &[],
            json!({ "type": "consignment", "reference": { "own_reference": "W-1" }, "unit": { "level": "item", "id": S10, "scheme": "s10" }, "mass": { "gross_kg": "1.52", "packages": 1 } }),
        ),
        said("broker", 3, &[], declaration("I-1", S10, "import", json!({ "goods": goods(3, "20.00") }))),
        said("post", 4, &[], event("E-1", S10, "arrived", 4)),
        said("customs", 5, &[], response("R-1", S10, "released")),
        said("customs", 6, &[], duty("T-1", S10, "assessed", None, "3.80", json!({}))),
        said("platform", 7, &[], duty("C-1", S10, "collected", Some(("customs", "T-1")), "3.80", json!({}))),
        said("platform", 8, &[], duty("M-1", S10, "remitted", Some(("customs", "T-1")), "3.80", json!({}))),
    ]
}

fn only(books: &Books) -> &Finding {
    let all: Vec<&Finding> = books.findings().collect();
    assert_eq!(all.len(), 1, "{all:#?}");
    all[0]
}

#[test]
fn what_agrees_is_no_difference_however_long_it_takes() {
    for order in [false, true] {
        let mut records = clean();
        if order {
            records.reverse();
        }
        assert_eq!(classes(&kept(&records, 400 * DAY)), Vec::<&str>::new());
    }
}

#[test]
fn declared_and_never_arrived_after_the_term_and_not_before() {
    let declared = said("platform", 1, &[], declaration("D-1", S10, "ens_preloading", json!({})));
    assert_eq!(classes(&kept(std::slice::from_ref(&declared), 30 * DAY)), Vec::<&str>::new());
    let mut books = kept(std::slice::from_ref(&declared), 30 * DAY + 1);
    let finding = only(&books);
    assert_eq!((finding.key.class, finding.evidence()), (Class::NeverArrived, roots(&[&declared])));
    assert_eq!((finding.since, finding.period.to_string().as_str()), (hour(1), "2026-11"));
    // It came after all.
    books.take(&said("post", 31 * DAY, &[], event("E-1", S10, "delivered", 1))).unwrap();
    assert_eq!(classes(&books), Vec::<&str>::new());
    // What goes elsewhere is not expected here.
    let away = declaration("D-1", S10, "ens_preloading", json!({ "route": { "destination": "JP" } }));
    assert_eq!(classes(&kept(&[said("platform", 1, &[], away)], 99 * DAY)), Vec::<&str>::new());
    let leaves = said("platform", 1, &[], declaration("D-1", S10, "export", json!({})));
    assert_eq!(classes(&kept(&[leaves], 99 * DAY)), Vec::<&str>::new());
}

#[test]
fn arrived_and_never_declared() {
    let arrived = said("post", 1, &[], event("E-1", S10, "arrived", 1));
    let books = kept(std::slice::from_ref(&arrived), 1);
    assert_eq!((only(&books).key.class, only(&books).evidence()), (Class::NeverDeclared, roots(&[&arrived])));
}

#[test]
fn mass_pieces_packages_and_value_beyond_the_tolerance() {
    let declared = said(
        "platform",
        1,
        &[],
        declaration(
            "D-1",
            S10,
            "ens_preloading",
            json!({ "mass": { "gross_kg": "1.5", "packages": 1 }, "goods": goods(3, "20.00") }),
        ),
    );
    let weigh = |mass: &str, packages: u64, by: &str| {
        said(
            by,
            2,
            &[],
            json!({ "type": "consignment", "reference": { "own_reference": "W-1" }, "unit": { "level": "item", "id": S10, "scheme": "s10" }, "mass": { "gross_kg": mass, "packages": packages } }),
        )
    };
    let heavy = weigh("2.25", 1, "post");
    let books = kept(&[declared.clone(), heavy.clone()], 3);
    let finding = only(&books);
    assert_eq!((finding.key.class, finding.evidence()), (Class::MassDiffers, roots(&[&declared, &heavy])));
    assert_eq!(finding.difference, Some(Difference { amount: "0.75".parse().unwrap(), unit: "kg".into() }));
    assert_eq!(finding.text, "declared by platform as 1.5 kg, weighed by post as 2.25 kg");
    // Within 50 g, and by whoever declared it.
    assert_eq!(classes(&kept(&[declared.clone(), weigh("1.55", 1, "post")], 3)), Vec::<&str>::new());
    assert_eq!(classes(&kept(&[declared.clone(), weigh("1.551", 1, "post")], 3)), ["mass_differs"]);
    assert_eq!(classes(&kept(&[declared.clone(), weigh("9", 1, "platform")], 3)), Vec::<&str>::new());
    let books = kept(&[declared.clone(), weigh("1.5", 2, "post")], 3);
    assert_eq!((only(&books).key.class, only(&books).key.about.as_str()), (Class::QuantityDiffers, "packages"));
    let import = said("broker", 4, &[], declaration("I-1", S10, "import", json!({ "goods": goods(4, "25.00") })));
    let books = kept(&[import.clone(), declared.clone()], 5);
    assert_eq!(classes(&books), ["quantity_differs", "value_differs"]);
    let value = books.of_class(Class::ValueDiffers).next().unwrap();
    assert_eq!(value.difference, Some(Difference { amount: Exact::whole(5), unit: "EUR".into() }));
    assert_eq!(value.evidence(), roots(&[&declared, &import]));
    // A correction takes the difference back, and so does a cancellation.
    let corrected = declaration("I-1", S10, "import", json!({ "goods": goods(3, "20.00") }));
    let corrected = said("broker", 6, &[], version(corrected, 1, "correction"));
    let cancelled = said("broker", 6, &[], version(declaration("I-1", S10, "import", json!({})), 1, "cancellation"));
    for last in [corrected, cancelled] {
        for records in [[&declared, &import, &last], [&last, &import, &declared]] {
            let records: Vec<Said> = records.into_iter().cloned().collect();
            assert_eq!(classes(&kept(&records, 7)), Vec::<&str>::new());
        }
    }
}

#[test]
fn duty_assessed_otherwise_than_declared() {
    let goods = json!([{ "duty": [{ "kind": "B00", "amount": "3.00", "currency": "EUR" }] }]);
    let declared = said("platform", 1, &[], declaration("D-1", S10, "import", json!({ "goods": goods })));
    let assessed = said("customs", 2, &[], duty("T-1", S10, "assessed", None, "3.80", json!({})));
    let books = kept(&[declared.clone(), assessed.clone()], 3);
    assert_eq!((only(&books).key.class, only(&books).evidence()), (Class::DutyDiffers, roots(&[&declared, &assessed])));
}

#[test]
fn released_twice_by_one_customs_also_under_two_numbers() {
    let one = said("customs", 1, &[], response("R-1", S10, "released"));
    let two = said("customs", 2, &[], response("R-2", S10, "released"));
    let books = kept(&[one.clone(), two.clone()], 3);
    assert_eq!((only(&books).key.class, only(&books).evidence()), (Class::ReleasedTwice, roots(&[&one, &two])));
    // Two administrations, a version of one response, and cleared after released are none.
    let other = said("customs-fr", 2, &[], response("R-2", S10, "released"));
    let again = said("customs", 2, &[], version(response("R-1", S10, "released"), 1, "correction"));
    let cleared = said("customs", 2, &[], response("R-2", S10, "cleared"));
    for second in [other, again, cleared] {
        assert_eq!(classes(&kept(&[one.clone(), second], 3)), Vec::<&str>::new());
    }
    // A link that comes late joins two items; taken back, it parts them.
    let elsewhere = said("customs", 2, &[], response("R-2", "RR000000015DE", "released"));
    let mut books = kept(&[one.clone(), elsewhere.clone()], 3);
    assert_eq!(classes(&books), Vec::<&str>::new());
    let linked = link("L-1", "RR000000015DE", "relabelled", &[S10]);
    books.take(&said("post", 4, &[], linked.clone())).unwrap();
    assert_eq!(only(&books).evidence(), roots(&[&one, &elsewhere]));
    books.take(&said("post", 5, &[], version(linked, 1, "cancellation"))).unwrap();
    assert_eq!(classes(&books), Vec::<&str>::new());
}

#[test]
fn responses_that_name_only_the_declaration_or_its_registration_are_joined_in_any_order() {
    let filing = json!({ "own_reference": "D-1", "kind": "import", "registration": "26DE1" });
    let declared = said("platform", 1, &[], declaration("D-1", S10, "import", json!({ "filing": filing })));
    let bare = |reference: &str, more: Json| {
        let mut record = json!({ "type": "customs_response", "reference": { "own_reference": reference }, "response": { "status": "released" } });
        for (group, fields) in more.as_object().unwrap() {
            if record[group].is_null() {
                record[group] = json!({});
            }
            merge(&mut record[group], fields.clone());
        }
        said("customs", 2, &[], record)
    };
    let registered = bare("R-1", json!({ "response": { "registration": "26DE1" } }));
    let about = bare("R-2", json!({ "response": { "about": "D-1" }, "handling": { "filer": "platform" } }));
    for records in
        [[&declared, &registered, &about], [&about, &registered, &declared], [&registered, &declared, &about]]
    {
        let records: Vec<Said> = records.into_iter().cloned().collect();
        assert_eq!(only(&kept(&records, 3)).evidence(), roots(&[&registered, &about]));
    }
}

#[test]
fn from_assessment_to_collection_to_remittance() {
    let assessed = said("customs", 1, &[], duty("T-1", S10, "assessed", None, "3.80", json!({})));
    let about = || Some(("customs", "T-1"));
    let collect = |amount: &str| said("platform", 2, &[], duty("C-1", S10, "collected", about(), amount, json!({})));
    let remit = |amount: &str| said("platform", 3, &[], duty("M-1", S10, "remitted", about(), amount, json!({})));
    assert_eq!(classes(&kept(std::slice::from_ref(&assessed), 30 * DAY)), Vec::<&str>::new());
    for (records, class, difference) in [
        (vec![assessed.clone()], "not_collected", "-3.80"),
        (vec![assessed.clone(), collect("3.00"), remit("3.00")], "not_collected", "-0.80"),
        (vec![assessed.clone(), collect("4.00"), remit("4.00")], "collected_over", "0.20"),
        (vec![assessed.clone(), collect("3.80")], "collected_not_remitted", "-3.80"),
        (vec![assessed.clone(), collect("3.80"), remit("4.00")], "remitted_not_collected", "0.20"),
    ] {
        let books = kept(&records, 99 * DAY);
        let finding = only(&books);
        assert_eq!((finding.key.class.word(), finding.key.about.as_str()), (class, "T-1 of customs"));
        assert_eq!(finding.difference.as_ref().unwrap().amount, difference.parse().unwrap());
        assert_eq!(finding.evidence(), roots(&records.iter().collect::<Vec<_>>()));
    }
    let books = kept(&[collect("3.80"), remit("3.80")], 99 * DAY);
    assert_eq!(only(&books).key.class, Class::NotAssessed);
    // Without an assessment that they name, the lines stand for themselves.
    let alone =
        |reference: &str, stage: &str| said("platform", 2, &[], duty(reference, S10, stage, None, "3.80", json!({})));
    assert_eq!(classes(&kept(&[alone("C-1", "collected")], 9)), Vec::<&str>::new());
    assert_eq!(classes(&kept(&[alone("C-1", "collected")], 99 * DAY)), ["collected_not_remitted"]);
}

#[test]
fn returns_and_refunds() {
    let paid = [
        said("customs", 1, &[], duty("T-1", S10, "assessed", None, "3.80", json!({}))),
        said("platform", 2, &[], duty("C-1", S10, "collected", Some(("customs", "T-1")), "3.80", json!({}))),
        said("platform", 3, &[], duty("M-1", S10, "remitted", Some(("customs", "T-1")), "3.80", json!({}))),
    ];
    let with = |more: &[Said]| [&paid[..], more].concat();
    let back = said("post", 4, &[], event("E-1", S10, "returned", 4));
    let other = said("post", 4, &[], link("L-1", S10, "returned_as", &["RR000000015DE"]));
    for returned in [&back, &other] {
        assert_eq!(classes(&kept(&with(std::slice::from_ref(returned)), 90 * DAY)), Vec::<&str>::new());
        let books = kept(&with(std::slice::from_ref(returned)), 91 * DAY);
        let finding = only(&books);
        assert_eq!((finding.key.class, finding.evidence()), (Class::ReturnedNotRefunded, roots(&[returned, &paid[1]])));
        // A claim on the way back as on the item, once it is paid.
        for id in [S10, "RR000000015DE"] {
            if id == S10 || returned.root == other.root {
                let given = said("importer", 5, &[], claim("K-1", id, "repayment", "paid", ("customs", "T-1"), "3.80"));
                assert_eq!(classes(&kept(&with(&[returned.clone(), given]), 99 * DAY)), Vec::<&str>::new());
                let asked =
                    said("importer", 5, &[], claim("K-1", id, "repayment", "claimed", ("customs", "T-1"), "3.80"));
                assert_eq!(classes(&kept(&with(&[returned.clone(), asked]), 99 * DAY)), ["returned_not_refunded"]);
            }
        }
    }
    let given = claim("K-1", S10, "repayment", "paid", ("customs", "T-1"), "3.80");
    let first = said("importer", 5, &[], given.clone());
    let books = kept(&with(std::slice::from_ref(&first)), 99 * DAY);
    assert_eq!((only(&books).key.class, only(&books).evidence()), (Class::RefundedNotReturned, roots(&[&first])));
    let mut proven = given;
    proven["proofs"] = json!([{ "kind": "export", "given_on": "2026-11-09" }]);
    assert_eq!(classes(&kept(&with(&[said("importer", 5, &[], proven)]), 99 * DAY)), Vec::<&str>::new());
    let refunded = said(
        "payer",
        5,
        &[],
        json!({ "type": "payment", "reference": { "own_reference": "P-1" }, "order": { "number": "O-1" }, "item": item(S10), "settlement": { "state": "refunded" } }),
    );
    assert_eq!(classes(&kept(&with(&[refunded]), 9)), ["refunded_not_returned"]);
    // The second claim names the first, whichever was looked at first.
    let second = said("customs-gb", 6, &[], claim("K-2", S10, "relief", "claimed", ("customs", "T-1"), "3.80"));
    let books = kept(&with(&[second.clone(), first.clone(), back.clone()]), 7);
    let finding = only(&books);
    assert_eq!((finding.key.class, finding.evidence()), (Class::GivenBackTwice, roots(&[&first, &second])));
    assert!(finding.text.contains("claimed already, by repayment K-1 of importer"), "{}", finding.text);
    let greedy = said("importer", 5, &[], claim("K-1", S10, "repayment", "claimed", ("customs", "T-1"), "9.00"));
    assert_eq!(classes(&kept(&with(&[greedy, back]), 7)), ["claim_invalid"]);
}

#[test]
fn different_records_of_one_item_to_different_recipients() {
    let one =
        said("platform", 1, &["customs-de"], declaration("D-1", S10, "import", json!({ "goods": goods(1, "20.00") })));
    let two = said("platform", 2, &["post"], declaration("D-2", S10, "import", json!({ "goods": goods(1, "90.00") })));
    let books = kept(&[one.clone(), two.clone()], 3);
    assert_eq!((only(&books).key.class, only(&books).evidence()), (Class::ToldDifferently, roots(&[&one, &two])));
    assert_eq!(only(&books).text, "platform told customs-de of one declaration and post of another");
    // One record to both, another filing, and a correction are none.
    let both = said("platform", 1, &["customs-de", "post"], declaration("D-1", S10, "import", json!({})));
    let other = said("platform", 2, &["post"], declaration("D-2", S10, "pre_advice", json!({})));
    let corrected =
        said("platform", 2, &["post"], version(declaration("D-1", S10, "import", json!({})), 1, "correction"));
    assert_eq!(classes(&kept(&[both.clone(), other], 3)), Vec::<&str>::new());
    assert_eq!(classes(&kept(&[both, corrected], 3)), Vec::<&str>::new());
}

#[test]
fn parts_and_wholes_stand_for_one_another() {
    let declared = said("platform", 1, &[], declaration("D-1", S10, "import", json!({})));
    let split = said("post", 2, &[], link("L-1", S10, "split_into", &["RR000000015DE", "RR000000029DE"]));
    let came = said("post", 3, &[], event("E-1", "RR000000029DE", "arrived", 3));
    let records = [came, declared, split];
    assert_eq!(classes(&kept(&records, 99 * DAY)), Vec::<&str>::new());
    assert_eq!(classes(&kept(&records[..2], 99 * DAY)), ["never_arrived", "never_declared"]);
}

#[test]
fn a_number_that_is_used_again_is_another_item() {
    let posted = |id: &str, day: &str, mut record: Json| {
        record["item"] = json!({ "scheme": "s10", "id": id, "posted_on": day });
        record
    };
    let old = said("customs", 1, &[], posted(S10, "2024-01-10", response("R-1", S10, "released")));
    let new = said("customs", 2, &[], posted(S10, "2026-10-20", response("R-2", S10, "released")));
    assert_eq!(classes(&kept(&[old.clone(), new], 3)), Vec::<&str>::new());
    let same = said("customs", 2, &[], posted(S10, "2024-01-10", response("R-2", S10, "released")));
    assert_eq!(classes(&kept(&[old, same], 3)), ["released_twice"]);
}

#[test]
fn a_difference_is_explained_or_written_off_and_open_again_when_its_facts_change() {
    let arrived = said("post", 1, &[], event("E-1", S10, "arrived", 1));
    let mut books = kept(&[arrived], 2);
    let finding = only(&books).clone();
    assert_eq!(books.finding(&finding.key.id()), Some(&finding));
    let given = |given: Given, finding: &Finding| Decision {
        given,
        by: "J. Doe".into(),
        at: hour(3),
        why: "paper".into(),
        record: None,
        facts: finding.facts(),
    };
    let state = |books: &Books| {
        let listed = books.listed(only(books));
        (listed.state, listed.reopened)
    };
    assert_eq!(state(&books), (FindingState::Open, false));
    books.decide(finding.key.clone(), given(Given::Explained, &finding));
    assert_eq!(state(&books), (FindingState::Explained, false));
    books.decide(finding.key.clone(), given(Given::WrittenOff(None), &finding));
    assert_eq!(state(&books), (FindingState::WrittenOff, false));
    // The same once more changes nothing; another arrival does.
    books.take(&said("post", 1, &[], event("E-1", S10, "arrived", 1))).unwrap();
    assert_eq!(state(&books), (FindingState::WrittenOff, false));
    books.take(&said("post", 4, &[], event("E-2", S10, "delivered", 4))).unwrap();
    assert_eq!(state(&books), (FindingState::Open, true));
}

#[test]
fn rules_are_read_and_what_is_wrong_is_named() {
    let sample = Rules::sample().unwrap();
    assert_eq!(sample.purposes, BTreeSet::from([Purpose::Revenue]));
    let rules = "off = ['never_declared']\n[[term]]\nwhat = 'arrival'\ndays = 0\nfrom = '2020-01-01'\nsource = 's'\n";
    let rules = Rules::from_toml(rules).unwrap();
    let mut books = Books::new(rules, None);
    books.take(&said("platform", 1, &[], declaration("D-1", S10, "import", json!({})))).unwrap();
    books.take(&said("post", 1, &[], event("E-1", "RR000000015DE", "arrived", 1))).unwrap();
    go_on(&mut books, hour(1));
    assert_eq!(classes(&books), ["never_arrived"]);
    let term = |what: &str, days: &str, from: &str| {
        format!("[[term]]\nwhat='{what}'\ndays={days}\nfrom='{from}'\nsource='s'\n")
    };
    for (bad, told) in [
        (term("luck", "1", "2026-01-01"), "luck"),
        (term("arrival", "4000", "2026-01-01"), "3660 days"),
        (term("arrival", "1", "2026-02-30"), "2026-02-30"),
        (term("arrival", "1", "2026-01-01").repeat(2), "two rules for arrival"),
        ("[[tolerance]]\nwhat='mass'\nmost='-1'\nfrom='2026-01-01'\nsource='s'".to_owned(), "'-1'"),
        ("[[tolerance]]\nwhat='mass'\nmost=0.5\nfrom='2026-01-01'\nsource='s'".to_owned(), "0.5"),
        ("colour = 1".to_owned(), "colour"),
    ] {
        let error = Rules::from_toml(&bad).unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    }
}
