//! Wrong receipts: none of them verifies, each is given for its time only, and the judge tells who counted one.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::cbor::Encode as _;
use crate::exchange::{Channel, EntryKind, Lane, Outcome, ReceiptBody, Skeleton, read_receipt};
use crate::hash::Digest;
use crate::testing::{Log, Network, Told};
use crate::time::Day;

static NETWORK: LazyLock<Network> = LazyLock::new(Network::new);

fn dispatch(number: u64) -> Digest {
    Digest([u8::try_from(number).unwrap(); 32])
}

/// True receipts for the dispatches 1 to `count` of one channel.
fn receipts(count: u64) -> Vec<Vec<u8>> {
    let told = |number| {
        let (agreement, channel) = (NETWORK.agreement("parcels"), NETWORK.channel());
        let skeleton = Skeleton { kind: EntryKind::Received, agreement, channel, number, due: Day(20_000) };
        let outcome = Outcome::Taken(Vec::new());
        let body = ReceiptBody { dispatch: dispatch(number), outcome, contiguous: number, channel_root: [0; 32] };
        Told { skeleton, body: body.to_cbor(), evidence: None }
    };
    let log = Log::of(&NETWORK.customs, &(1..=count).map(told).collect::<Vec<_>>());
    (0..usize::try_from(count).unwrap()).map(|at| log.receipt(at)).collect()
}

fn holds(number: u64, receipt: &[u8]) -> bool {
    let read = read_receipt(NETWORK.known(&NETWORK.customs), &dispatch(number), receipt);
    read.is_ok_and(|read| read.skeleton.number == number)
}

fn playing(wrong: Damage, seconds: u64) -> Receipts {
    let rule = ReceiptRule { name: "wrong".into(), reference: "BAD".into(), wrong, seconds };
    Receipts::parse(&Receipts::text(vec![rule]).unwrap()).unwrap()
}

fn events(receipts: &Receipts) -> Vec<ReceiptEvent> {
    receipts.lines(0).iter().map(|line| line.event).collect()
}

#[test]
fn no_damaged_receipt_holds_and_the_true_one_does() {
    let all = receipts(3);
    assert!(holds(2, &all[1]));
    for damage in Damage::ALL {
        for other in [None, Some(all[0].as_slice()), Some(all[1].as_slice())] {
            match damaged(damage, &all[1], other) {
                Some(bytes) => assert_eq!(holds(2, &bytes), damage == Damage::Late, "{damage:?}"),
                None => assert_eq!(damage, Damage::Withheld),
            }
        }
        assert_eq!(damaged(damage, b"no receipt", None), None);
    }
}

proptest! {
    /// Wrong for its time, true afterwards and for ever; other dispatches are receipted as ever.
    #[test]
    fn a_receipt_is_wrong_for_its_time_only(
        kind in 0usize..5, seconds in 1u64..31, mut times in proptest::collection::vec(0u64..40_000, 1..20),
    ) {
        let (wrong, all, channel) = (Damage::ALL[kind], receipts(2), NETWORK.channel());
        times.sort_unstable();
        let mut receipts = playing(wrong, seconds);
        receipts.arrived(&channel, 1, 0, ["GOOD-1"], Millis(0));
        receipts.arrived(&channel, 2, 0, ["GOOD-2", "X-BAD-2"], Millis(0));
        for at in &times {
            prop_assert_eq!(receipts.answer(&all[0], Millis(*at)), Given::Now(all[0].clone()));
            let Given::Now(given) = receipts.answer(&all[1], Millis(*at)) else { panic!("withheld") };
            prop_assert_eq!(holds(2, &given), at - times[0] >= seconds * 1_000);
        }
        let given = events(&receipts).into_iter().filter(|event| *event == ReceiptEvent::True).count();
        prop_assert_eq!(given, usize::from(times.last().unwrap() - times[0] >= seconds * 1_000));
    }
}

#[test]
fn one_is_late_once_and_one_is_withheld_for_its_time() {
    let (all, channel) = (receipts(1), NETWORK.channel());
    let mut late = playing(Damage::Late, 4);
    late.arrived(&channel, 1, 0, ["BAD"], Millis(0));
    assert_eq!(late.answer(&all[0], Millis(0)), Given::After(4_000, all[0].clone()));
    assert_eq!(late.answer(&all[0], Millis(1)), Given::Now(all[0].clone()));
    assert_eq!(events(&late), [ReceiptEvent::Wrong, ReceiptEvent::True]);
    let mut withheld = playing(Damage::Withheld, 4);
    withheld.arrived(&channel, 1, 0, ["BAD"], Millis(0));
    assert_eq!(withheld.answer(&all[0], Millis(0)), Given::Nothing);
    assert_eq!(withheld.answer(&all[0], Millis(3_999)), Given::Nothing);
    assert_eq!(withheld.answer(&all[0], Millis(4_000)), Given::Now(all[0].clone()));
}

#[test]
fn the_first_wrong_answers_are_told_and_what_ended_them() {
    let (all, channel) = (receipts(1), NETWORK.channel());
    let mut receipts = playing(Damage::Number, 4);
    receipts.arrived(&channel, 1, 0, ["BAD"], Millis(0));
    (0..40).for_each(|at| assert_ne!(receipts.answer(&all[0], Millis(at)), Given::Now(all[0].clone())));
    assert_eq!(events(&receipts), [ReceiptEvent::Wrong; 31]);
    receipts.arrived(&channel, 2, 1, ["x"], Millis(40));
    (4_000..4_040).for_each(|at| assert_eq!(receipts.answer(&all[0], Millis(at)), Given::Now(all[0].clone())));
    assert_eq!(events(&receipts)[31..], [ReceiptEvent::Counted, ReceiptEvent::True]);
}

#[test]
fn who_counts_a_wrong_receipt_is_told_by_the_next_dispatch() {
    let (all, channel) = (receipts(3), NETWORK.channel());
    let mut receipts = playing(Damage::Checkpoint, 4);
    receipts.arrived(&channel, 1, 0, ["BAD"], Millis(0));
    receipts.answer(&all[0], Millis(0));
    // The same again, another channel, and one that claims nothing.
    receipts.arrived(&channel, 1, 1, ["BAD"], Millis(1));
    receipts.arrived(&Channel { lane: Lane::Urgent, ..channel.clone() }, 1, 9, ["x"], Millis(1));
    receipts.arrived(&channel, 2, 0, ["x"], Millis(1));
    assert_eq!(events(&receipts), [ReceiptEvent::Wrong]);
    receipts.arrived(&channel, 3, 1, ["x"], Millis(2));
    assert_eq!(events(&receipts), [ReceiptEvent::Wrong, ReceiptEvent::Counted]);
    receipts.answer(&all[0], Millis(4_000));
    receipts.arrived(&channel, 4, 1, ["x"], Millis(4_001));
    assert_eq!(events(&receipts), [ReceiptEvent::Wrong, ReceiptEvent::Counted, ReceiptEvent::True]);
}

#[test]
fn rules_of_wrong_receipts_have_bounds_and_names() {
    let rule = |more: &str| format!("[[receipt]]\nname = \"r\"\nreference = \"X\"\nwrong = \"number\"\n{more}");
    let of = |text: &str| Rules::parse(text).map(|rules| rules.receipts_of(&cast().partners[0], MemberKind::Carrier));
    let read = of(&rule("")).unwrap();
    assert_eq!((read.len(), read[0].seconds, read[0].wrong), (1, 3, Damage::Number));
    assert_eq!(of(&rule("partner = \"post\"")).unwrap(), []);
    assert_eq!(of(&rule("before = [\"post\"]")).unwrap(), []);
    for (text, says) in [
        (rule("seconds = 31"), "seconds is 31; it is between 1 and 30"),
        (rule("seconds = 0"), "seconds is 0"),
        (rule("").replace("\"X\"", "\"\""), "reference is empty"),
        (rule("").replace("number", "torn"), "unknown variant"),
        (format!("{0}{0}", rule("")), "two rules have this name"),
    ] {
        let refused = of(&text).unwrap_err().to_string();
        assert!(refused.contains(says), "{refused}");
        let refused = Receipts::parse(&text).map(|_| ());
        assert!(refused.is_err() || says.contains("two rules"), "{text}");
    }
}

/// The verdicts on a dispatch whose receipt was wrong.
fn judged(wrong: Damage, events: &[ReceiptEvent], told: bool, now: u64) -> Vec<(Requirement, Verdict)> {
    let partner: crate::names::MemberId = "customs-kr".parse().unwrap();
    let line = |what| Line { at: Millis(0), partner: partner.clone(), what };
    let mut trace: Vec<Line> = events
        .iter()
        .map(|event| {
            line(What::Receipt(ReceiptLine {
                at: 0,
                rule: "wrong".into(),
                wrong,
                sender: "flyer/n1".parse().unwrap(),
                lane: Lane::Ordinary,
                number: 7,
                reference: "BAD".into(),
                event: *event,
            }))
        })
        .collect();
    if told {
        trace.push(line(What::Waits { lane: Lane::Ordinary, number: 7, reason: "receipt: no".into() }));
    }
    let rules = Rules::parse("").unwrap();
    let report = Conformance::of(&trace, &[], &rules, &cast(), Millis(0), Millis(now));
    report.checks.iter().map(|check| (check.requirement, check.verdict)).collect()
}

#[test]
fn the_judge_wants_it_not_counted_told_and_sent_again() {
    use ReceiptEvent as E;
    use Requirement::{ReceiptNotCounted as Not, ReceiptSettled as Settled, ReceiptTold as Told};
    use Verdict::{Met, Missing, Open, Wrong};
    let number = |events: &[E], told, now| judged(Damage::Number, events, told, now);
    assert_eq!(number(&[E::Wrong, E::Wrong, E::True], true, 1), [(Not, Met), (Told, Met), (Settled, Met)]);
    assert_eq!(number(&[E::Wrong], true, 1), [(Settled, Open), (Not, Met), (Told, Met)]);
    assert_eq!(number(&[E::Wrong], true, 120_001), [(Settled, Missing), (Not, Met), (Told, Met)]);
    assert_eq!(number(&[E::Wrong, E::Counted], false, 1), [(Not, Wrong), (Told, Missing), (Settled, Open)]);
    assert_eq!(judged(Damage::Withheld, &[E::Wrong, E::True], true, 1), [(Told, Met), (Settled, Met)]);
    assert_eq!(judged(Damage::Late, &[E::Wrong, E::True], false, 1), [(Settled, Met)]);
}

#[test]
fn what_is_still_planned_is_told() {
    let rules = "[[rule]]\nname = \"slow\"\ntype = \"declaration\"\ndo = [{ respond = \"registered\" }, { respond = \"released\", after = 9 }, \
                 { refer = \"rfi\", within = 5, unanswered = [{ respond = \"held_docs\" }] }]\n";
    let mut stage = Stage::new(Rules::parse(rules).unwrap(), cast(), 1, Millis(0));
    stage.arrived(0, &declaration("A"), Millis(0));
    assert_eq!(sent(&mut stage, 1).len(), 2);
    let pending: Vec<_> = stage.pending().into_iter().map(|(at, rule, deed, due)| (at, rule, deed, due.0)).collect();
    let slow = |deed: &str, due| (0, "slow".to_owned(), deed.to_owned(), due);
    let unanswered = slow("what follows where RFI-1-2 is not answered", 5_001);
    assert_eq!(pending, [unanswered, slow("customs_response released", 9_000)]);
    assert!(stage.has_pending());
    stage.due(Millis(6_000));
    assert!(stage.has_pending());
    stage.due(Millis(9_000));
    assert_eq!((stage.pending(), stage.has_pending()), (vec![], false));
}

#[test]
fn a_question_pends_while_something_follows_its_silence() {
    for (unanswered, pends) in [("", false), (", unanswered = [{ respond = \"held_docs\" }]", true)] {
        let rules = format!(
            "[[rule]]\nname = \"ask\"\ntype = \"declaration\"\ndo = [{{ refer = \"rfi\", within = 5{unanswered} }}]\n"
        );
        let mut stage = Stage::new(Rules::parse(&rules).unwrap(), cast(), 1, Millis(0));
        stage.arrived(0, &declaration("A"), Millis(0));
        assert_eq!(sent(&mut stage, 1).len(), 1);
        assert_eq!((stage.has_pending(), !stage.pending().is_empty()), (pends, pends));
        assert!(stage.is_waiting());
    }
}
