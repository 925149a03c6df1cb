//! Versions of records, and steps that are out of order.

use super::*;

fn version(revision: u64, action: &str, place: &str) -> Json {
    let mut json = declaration("D1", "import", revision);
    json["filing"]["revision"] = revision.into();
    json["filing"]["action"] = action.into();
    json["route"]["location"] = place.into();
    json
}

fn standings(lodgings: &[Lodging]) -> Vec<Standing> {
    let seen = closure(S10, lodgings);
    lodgings
        .iter()
        .map(|lodging| seen.entries.iter().find(|entry| entry.paper.root == lodging.root).unwrap().paper.standing)
        .collect()
}

#[test]
fn corrections_and_cancellations_never_overwrite() {
    let original = lodge("post-gb", 0, version(0, "original", "a"));
    let first = lodge("post-gb", 5, version(1, "correction", "b"));
    let second = lodge_after("post-gb", 3, version(2, "correction", "c"), Some(first.root));
    let end = lodge("post-gb", 9, version(3, "cancellation", "c"));
    use Standing::{Cancelled, Current, Superseded};
    assert_eq!(standings(&[original.clone(), first.clone()]), [Superseded, Current]);
    // The highest revision holds, whenever it came.
    let all = [original, first, second, end];
    assert_eq!(standings(&all[..3]), [Superseded, Superseded, Current]);
    assert_eq!(standings(&all), [Cancelled, Cancelled, Cancelled, Cancelled]);
    let ended = life(&all, 20);
    assert!(ended.flags.is_empty(), "{:?}", ended.flags);
    let report = ended.report();
    assert_eq!((report.records.len(), report.earlier.len()), (0, 4), "all stay listed");
    // Another issuer's correction of the same reference is another record.
    let other = lodge("broker-gb", 30, version(4, "correction", "z"));
    let told = life(&[all[0].clone(), other], 40).flags.iter().map(|flag| flag.finding).collect::<Vec<_>>();
    assert_eq!(told, [Finding::OriginalMissing]);
}

#[test]
fn two_contents_of_one_revision_contradict_and_one_told_twice_does_not() {
    let original = lodge("post-gb", 0, version(0, "original", "a"));
    let other = lodge("post-gb", 5, version(0, "original", "b"));
    let mut again = version(0, "original", "a");
    again["filing"]["message_time"] = clock(7).into();
    let again = lodge("post-gb", 7, again);
    assert_eq!(standings(&[original.clone(), other.clone()]), [Standing::Current, Standing::Contradicted]);
    assert_eq!(found(&life(&[original.clone(), other.clone()], 9)), [Finding::RevisionContradicts]);
    assert_eq!(standings(&[original.clone(), again.clone()]), [Standing::Current, Standing::Repeated]);
    assert!(found(&life(&[original.clone(), again], 9)).is_empty());
    // Where the difference is hidden nothing is claimed.
    let seen = |lodging: &Lodging| lodging.clone().seen(&["filing", "item"], Purpose::SafetySecurity);
    assert!(found(&life(&[seen(&original), seen(&other)], 9)).is_empty());
}

#[test]
fn a_correction_without_its_original_is_kept_and_told() {
    let alone = [lodge("post-gb", 5, version(1, "correction", "b"))];
    assert_eq!((standings(&alone), found(&life(&alone, 9))), (vec![Standing::Current], vec![Finding::OriginalMissing]));
    // A version of the type without revisions is corrected by its header.
    let old = |place: &str| {
        let mut json = declaration("D1", "import", 0);
        json["version"] = 2.into();
        json["filing"] = json!({"own_reference": "D1", "kind": "import"});
        json["route"]["location"] = place.into();
        json
    };
    let original = lodge("post-gb", 0, old("a"));
    let corrected = lodge_after("post-gb", 5, old("b"), Some(original.root));
    let both = [original.clone(), corrected];
    assert_eq!(standings(&both), [Standing::Superseded, Standing::Current]);
    assert!(found(&life(&both, 9)).is_empty());
    // And nobody takes the place of another's.
    let foreign = lodge_after("broker-gb", 5, old("b"), Some(original.root));
    assert_eq!(standings(&[original.clone(), foreign.clone()]), [Standing::Current, Standing::Current]);
    assert!(found(&life(&[original.clone(), foreign], 9)).contains(&Finding::SupersedesAnother));
    // Or under a key that is not shown to have been good.
    let stolen = lodge("post-gb", 5, version(1, "cancellation", "b")).marked(SignatureMark::Unproven);
    let told = [lodge("post-gb", 0, version(0, "original", "a")), stolen];
    assert_eq!(standings(&told)[0], Standing::Current);
    assert_eq!(found(&life(&told, 9)), [Finding::Signature]);
}

#[test]
fn what_is_out_of_order_stays_and_is_told() {
    let filed = |at| lodge("post-gb", at, declaration("D1", "import", at));
    let released = |at| lodge("customs-fr", at, response("C1", "released"));
    assert!(found(&life(&[filed(0), released(5)], 9)).is_empty());
    assert_eq!(found(&life(&[released(5)], 9)), [Finding::NothingBefore]);
    assert_eq!(found(&life(&[filed(6), released(5)], 9)), [Finding::OutOfOrder]);
    let early = lodge("post-gb", 6, declaration("D1", "import", 1));
    let late = life(&[early.clone(), released(5)], 9).flags;
    assert_eq!(late[0].finding, Finding::ToldLate, "{late:?}");
    assert_eq!(late[0].records.len(), 2);

    let told = |codes: &[(&str, u64, u64)]| {
        let mut all = vec![filed(0)];
        all.extend(codes.iter().map(|(code, happened, at)| lodge("post-gb", *at, event(code, *happened))));
        found(&life(&all, 99))
    };
    assert_eq!(told(&[("posted", 1, 1), ("departed", 5, 5), ("arrived", 6, 6), ("delivered", 8, 8)]), []);
    assert_eq!(told(&[("departed", 1, 1), ("posted", 5, 5)]), [Finding::OutOfOrder]);
    assert_eq!(told(&[("departed", 3, 3), ("posted", 2, 5)]), [Finding::ToldLate]);
    assert_eq!(told(&[("delivered", 3, 3), ("departed", 7, 7)]), [Finding::AfterTheEnd]);
    assert_eq!(told(&[("delivered", 3, 3), ("departed", 2, 7)]), [Finding::ToldLate]);

    let theirs = lodge("platform-gb", 5, response("C1", "released"));
    assert_eq!(found(&life(&[filed(0), theirs], 9)), [Finding::NotTheirs]);
    // A platform that orders for a customs without a node says so.
    let mut for_customs = response("C1", "released");
    for_customs["principal"] = json!({"capacity": "agent", "kind": "customs", "name": "Customs"});
    assert_eq!(found(&life(&[filed(0), lodge("post-fr", 5, for_customs)], 9)), []);
}

#[test]
fn a_response_to_what_was_cancelled_is_told() {
    let mut response = response("C1", "released");
    response["response"]["about"] = "D1".into();
    let all = [
        lodge("post-gb", 0, version(0, "original", "a")),
        lodge("post-gb", 5, version(1, "cancellation", "a")),
        lodge("customs-fr", 9, response),
    ];
    let ended = life(&all, 20);
    assert_eq!(found(&ended), [Finding::AfterCancellation]);
    assert_eq!(ended.flags[0].records, [all[1].root, all[2].root]);
}
