//! Which records are of one item: relabelled, split, merged, returned, its number used again.

use super::*;

fn posted(id: &str, on: &str, at: u64, reference: &str) -> Lodging {
    let mut json = declaration(reference, "pre_advice", at);
    json["item"] = json!({"scheme": "s10", "id": id, "posted_on": on});
    lodge("post-gb", at, json)
}

fn about(id: &str, code: &str, at: u64) -> Lodging {
    let mut json = event(code, at);
    json["item"] = item(id);
    json["reference"]["own_reference"] = format!("{id}{code}").into();
    lodge("carrier-gb", at, json)
}

fn names(closure: &Closure<'_>) -> BTreeSet<String> {
    closure.aliases.iter().map(|alias| alias.key.item.id.clone()).collect()
}

fn flagged(closure: &Closure<'_>) -> Vec<Finding> {
    closure.flags.iter().map(|flag| flag.finding).collect()
}

const DAYS: u64 = 24 * 60;

#[test]
fn a_relabelled_item_is_one_under_all_its_numbers() {
    let (a, b, c) = (s10(1), s10(2), s10(3));
    let all = [
        posted(&a, "2026-11-23", 0, "D"),
        about(&b, "departed", 10),
        about(&c, "delivered", 20),
        lodge("carrier-gb", 5, link("L1", "relabelled", &a, &[&b])),
        lodge("post-fr", 15, link("L2", "same_as", &c, &[&b])),
        posted(&s10(9), "2026-11-23", 0, "other"),
    ];
    let whole = closure(&a, &all);
    assert_eq!(names(&whole), BTreeSet::from([a.clone(), b.clone(), c.clone()]));
    assert_eq!(whole.aliases[0].key.item.id, a, "the number asked for comes first");
    assert_eq!(roots(&whole).len(), 5);
    assert!(whole.flags.is_empty() && whole.relations.is_empty());
    for other in [&b, &c] {
        assert_eq!(roots(&closure(other, &all)), roots(&whole));
    }
    let word = |id: &str| whole.aliases.iter().find(|alias| alias.key.item.id == id).unwrap().by[0].1.to_string();
    assert_eq!((word(&b), word(&c)), ("carrier-gb".into(), "post-fr".into()));
}

#[test]
fn parts_and_returns_are_items_of_their_own() {
    let (whole, one, two, sum, back) = (s10(1), s10(2), s10(3), s10(4), s10(5));
    let all = [
        posted(&whole, "2026-11-23", 0, "D"),
        lodge("post-gb", 5, link("L1", "split_into", &whole, &[&whole, &one, &two])),
        lodge("carrier-gb", 6, link("L2", "merged_from", &sum, &[&one, &s10(6)])),
        lodge("post-fr", 9, link("L3", "returned_as", &two, &[&back])),
        about(&one, "departed", 10),
        about(&back, "posted", 20),
    ];
    let seen = closure(&whole, &all);
    assert_eq!(names(&seen), BTreeSet::from([whole.clone()]));
    let related: BTreeSet<(String, RelationKind, usize)> =
        seen.relations.iter().map(|r| (r.key.item.id.clone(), r.kind, r.steps)).collect();
    let expected = [
        (one.clone(), RelationKind::Part, 1),
        (two.clone(), RelationKind::Part, 1),
        (sum.clone(), RelationKind::Whole, 2),
        (back.clone(), RelationKind::ReturnedAs, 2),
        (s10(6), RelationKind::Part, 3),
    ];
    assert_eq!(related, BTreeSet::from(expected));
    assert!(seen.flags.is_empty(), "{:?}", seen.flags);
    // Their records are not its records; the links that lead to them are told.
    assert_eq!(roots(&seen), all[..4].iter().map(|lodging| lodging.root).collect());
    let returned = closure(&back, &all);
    assert!(
        returned.relations.iter().any(|r| r.kind == RelationKind::ReturnOf && r.key.item.id == two && r.steps == 1)
    );
    let part = closure(&one, &all);
    assert!(part.relations.iter().any(|r| r.kind == RelationKind::Whole && r.key.item.id == whole));
}

#[test]
fn a_number_used_again_after_a_year_is_another_item_and_earlier_a_finding() {
    let year = 366 * DAYS;
    let all = [
        posted(S10, "2026-11-23", 0, "D1"),
        about(S10, "arrived", 3 * DAYS),
        posted(S10, "2027-11-24", year, "D2"),
        // Without a posting day: the order comes before the posting it belongs to.
        about(S10, "presented_to_import_customs", year - DAYS),
        about(S10, "delivered", year + 3 * DAYS),
    ];
    let first = ItemKey { posted_on: Some("2026-11-23".parse().unwrap()), ..key(S10) };
    let held: Vec<Held<'_>> = all.iter().map(Lodging::held).collect();
    let purposes = Purpose::ALL.iter().copied().collect();
    let former = Closure::of(&first, &held, &purposes);
    assert_eq!(roots(&former), BTreeSet::from([all[0].root, all[1].root]));
    assert_eq!(former.other_lives.len(), 1);
    let latter = Closure::of(&key(S10), &held, &purposes);
    assert_eq!(roots(&latter), BTreeSet::from([all[2].root, all[3].root, all[4].root]));
    assert!(former.flags.is_empty() && latter.flags.is_empty());
    // A day that no life has.
    let never = ItemKey { posted_on: Some("2020-01-01".parse().unwrap()), ..key(S10) };
    assert!(Closure::of(&never, &held, &purposes).entries.is_empty());

    let early = [posted(S10, "2026-11-23", 0, "D1"), posted(S10, "2027-11-23", year - DAYS, "D2")];
    let one = closure(S10, &early);
    assert_eq!((roots(&one).len(), flagged(&one)), (2, vec![Finding::UsedAgainEarly]));
}

#[test]
fn scheme_and_issuer_matter() {
    let id = |scheme: Option<&str>, issuer: Option<&str>, id: &str| ItemId::new(scheme, issuer, id);
    assert_eq!(id(Some("s10"), None, "rb 123 456 785 gb"), id(None, Some("post"), S10));
    assert_ne!(id(Some("carrier"), Some("a"), "1"), id(Some("carrier"), Some("b"), "1"));
    assert_ne!(id(Some("carrier"), Some("a"), "1"), id(Some("platform"), Some("a"), "1"));
    assert_ne!(id(Some("carrier"), None, "1"), id(Some("carrier"), Some("a"), "1"));
    assert_eq!(id(None, None, "RB123456786GB").scheme, Scheme::Unknown, "the check digit is wrong");
    for good in ["RB123456785GB", "EB000717595HK", "RR473124829GB", "EE471108151FR"] {
        assert!(crate::reference::s10(good).is_ok(), "{good}");
    }
    for bad in [
        "rb123456785GB",
        "RB12345678AGB",
        "RB12345678GB",
        "RB123456786US",
        "EB000717594HK",
        "CP001020301BR",
        "RB12345678５GB",
        "",
        "RB123456785G",
    ] {
        assert!(crate::reference::s10(bad).is_err(), "{bad}");
    }
}

#[test]
fn links_that_contradict_run_in_a_circle_or_bind_nobody_are_told() {
    let (a, b, c) = (s10(1), s10(2), s10(3));
    let told = |links: &[Lodging]| {
        let mut all = vec![posted(&a, "2026-11-23", 0, "D")];
        all.extend(links.iter().cloned());
        let seen = closure(&a, &all);
        (flagged(&seen), names(&seen))
    };
    let to =
        |reference: &str, kind: &str, from: &str, to: &str| lodge("carrier-gb", 5, link(reference, kind, from, &[to]));
    let twice = told(&[to("1", "relabelled", &a, &b), to("2", "relabelled", &a, &c)]);
    assert_eq!(twice, (vec![Finding::LinkContradicts], BTreeSet::from([a.clone(), b.clone(), c.clone()])));
    let chain = told(&[to("1", "relabelled", &a, &b), to("2", "relabelled", &a, &c), to("3", "relabelled", &b, &c)]);
    assert_eq!(chain.0, []);
    let onto = told(&[to("1", "relabelled", &a, &c), to("2", "relabelled", &b, &c)]);
    assert_eq!(onto.0, [Finding::LinkContradicts]);
    let circle = told(&[to("1", "relabelled", &a, &b), to("2", "relabelled", &b, &c), to("3", "relabelled", &c, &a)]);
    assert_eq!(circle.0, [Finding::LinkCycle]);
    let parts = told(&[to("1", "split_into", &a, &b), to("2", "split_into", &b, &a)]);
    assert_eq!(parts.0, [Finding::LinkCycle]);
    let both = told(&[to("1", "same_as", &a, &b), to("2", "split_into", &a, &b)]);
    assert_eq!(both.0, [Finding::LinkContradicts]);
    let itself = told(&[to("1", "same_as", &a, &a)]);
    assert_eq!(itself.0, [Finding::LinkToItself]);

    let unproven = told(&[to("1", "same_as", &a, &b).marked(SignatureMark::Unproven)]);
    assert_eq!(unproven.1, BTreeSet::from([a.clone()]), "nobody is bound by it");
    let contested = told(&[to("1", "same_as", &a, &b).marked(SignatureMark::Contested)]);
    assert_eq!(contested.1, BTreeSet::from([a.clone(), b.clone()]));
    let mut taken_back = link("1", "same_as", &a, &[&b]);
    taken_back["reference"]["action"] = "cancellation".into();
    taken_back["reference"]["revision"] = 1.into();
    let back = told(&[to("1", "same_as", &a, &b), lodge("carrier-gb", 9, taken_back)]);
    assert_eq!(back.1, BTreeSet::from([a]));
}

#[test]
fn order_and_payment_join_by_platform_and_number_alone() {
    let mut declared = declaration("D", "import", 0);
    declared["order"] = json!({"reference": "1001"});
    declared["seller"] = json!({"platform": "platform-gb"});
    declared["payment"] = json!({"reference": "PAY-77", "amount": "12.50", "currency": "EUR"});
    let order = |issuer: &str, number: &str| {
        lodge(issuer, 1, json!({"type": "order", "reference": {"own_reference": number}, "order": {"number": number}}))
    };
    let paid = |own: &str, platform: Option<&str>, reference: &str, amount: &str| {
        let mut json = json!({"type": "payment", "reference": {"own_reference": own}, "order": {"number": "1001"},
            "payment": {"reference": reference, "amount": amount, "currency": "EUR"}});
        if let Some(platform) = platform {
            json["order"]["platform"] = platform.into();
        }
        lodge("payment-gb", 2, json)
    };
    let all = [
        lodge("post-gb", 0, declared),
        order("platform-gb", "1001"),
        paid("P1", Some("platform-gb"), "X", "1.00"),
        paid("P2", None, "PAY-77", "12.50"),
        order("platform-us", "1001"),
        order("platform-gb", "1002"),
        paid("P3", None, "PAY-77", "99.00"),
        paid("P4", None, "PAY-78", "12.50"),
    ];
    let seen = closure(S10, &all);
    assert_eq!(roots(&seen), all[..4].iter().map(|lodging| lodging.root).collect());
    let asked = seen.missing(&BTreeSet::new());
    assert!(asked.contains(&Name::Order("platform-gb".into(), "1001".into())));
    for lodging in &all[1..4] {
        assert!(
            names_of(&lodging.held()).intersection(&asked).count() > 0,
            "it is found by one of the names asked for"
        );
    }
}

#[test]
fn a_node_that_follows_the_names_asked_for_finds_all() {
    let (a, b) = (s10(1), s10(2));
    let bag = |item: &str, id: &str| {
        json!({"type": "consignment", "reference": {"own_reference": id}, "unit": {"level": "receptacle", "id": id, "issuer": "x"},
            "within": {"level": "transport", "id": "W1", "issuer": "x"},
            "contains": [{"level": "item", "scheme": "s10", "id": item}]})
    };
    let arrived = json!({"type": "event", "reference": {"own_reference": "E"}, "unit": {"level": "transport", "id": "W1", "issuer": "x"},
        "event": {"code": "arrived", "at": clock(50)}});
    let all = [
        posted(&a, "2026-11-23", 0, "D"),
        lodge("carrier-gb", 5, link("L", "relabelled", &a, &[&b])),
        lodge("carrier-gb", 6, bag(&b, "BAG1")),
        lodge("carrier-gb", 60, arrived),
        lodge("carrier-gb", 6, bag(&s10(7), "BAG2")),
        posted(&s10(7), "2026-11-23", 0, "D7"),
    ];
    let mut looked_up = BTreeSet::from([Name::Item(key(&a).item)]);
    loop {
        let reachable = |lodging: &&Lodging| names_of(&lodging.held()).intersection(&looked_up).count() > 0;
        let found: Vec<Lodging> = all.iter().filter(reachable).cloned().collect();
        let seen = closure(&a, &found);
        let more = seen.missing(&looked_up);
        if more.is_empty() {
            assert_eq!(roots(&seen), all[..4].iter().map(|lodging| lodging.root).collect());
            break;
        }
        looked_up.extend(more);
    }
    assert_eq!(roots(&closure(&a, &all)).len(), 4, "all at once give the same");
}
