#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::hash::hex;
use crate::keys::{KeyUse, SecretKey};
use crate::names::NodeRef;
use crate::record::{Content, content_from_json};
use crate::threats::{MILLION, Reading};

const NOW: Millis = Millis(1_795_737_600_000);
const DAY: u64 = 86_400_000;

fn member(name: &str) -> MemberId {
    name.parse().unwrap()
}

fn node() -> NodeRef {
    "customs-b/n1".parse().unwrap()
}

fn id(number: u8) -> IndicatorId {
    IndicatorId::from_bytes([number; 16])
}

fn source(number: u8) -> Source {
    Source::Indicator(member("customs-a"), id(number))
}

const COORDINATOR: &str = "wco-cen";

fn is_coordinator(issuer: &MemberId) -> bool {
    issuer.as_str() == COORDINATOR
}

/// An indicator of goods that begin with two digits.
fn indicator(number: u8, hs: &str, advice: &str, confidence: u8) -> Indicator {
    indicator_of("customs-a", number, hs, advice, confidence, &[])
}

/// A coordinator's, which brings these together.
fn merging(number: u8, hs: &str, confidence: u8, merged: &[u8]) -> Indicator {
    indicator_of(COORDINATOR, number, hs, "inspect", confidence, merged)
}

fn indicator_of(issuer: &str, number: u8, hs: &str, advice: &str, confidence: u8, merged: &[u8]) -> Indicator {
    let mut record = json!({
        "type": "indicator",
        "reference": { "own_reference": format!("I-{number}"), "made_at": NOW.to_string() },
        "indicator": {
            "id": id(number), "valid_from": NOW.to_string(), "valid_until": NOW.plus(30 * DAY).to_string(),
            "threat": "weapons", "confidence": confidence, "tlp": "amber", "advice": advice,
        },
        "goods_sought": [{ "hs": hs }],
    });
    if !merged.is_empty() {
        let row = |number: &u8| json!({ "issuer": "customs-a", "indicator": id(*number) });
        record["merges"] = merged.iter().map(row).collect();
    }
    Indicator::read(&member(issuer), &content_from_json(&record).unwrap()).unwrap()
}

fn declaration(hs: &str) -> Content {
    let record = json!({
        "type": "declaration", "version": 3, "filing": { "own_reference": "D" }, "route": { "destination": "JP" },
        "goods": [{ "classification": { "hs": hs } }],
    });
    content_from_json(&record).unwrap()
}

fn root(number: u64) -> Digest {
    let mut root = Digest::ZERO;
    root.0[..8].copy_from_slice(&number.to_be_bytes());
    root
}

fn policy() -> Policy {
    Policy { two_for: vec![Advice::DoNotLoad], mass_from: 5 }
}

fn desk() -> Desk {
    Desk::new(ScreeningRules::sample().unwrap(), policy())
}

/// A desk, and everything that was kept of it.
struct Kept {
    desk: Desk,
    rows: Vec<DeskRow>,
}

impl Kept {
    fn new(indicators: &[Indicator]) -> Self {
        let mut kept = Self { desk: desk(), rows: Vec::new() };
        for indicator in indicators {
            kept.desk.take(indicator.clone(), is_coordinator(&indicator.issuer)).unwrap();
        }
        kept
    }

    fn keep(&mut self, rows: Vec<DeskRow>) {
        self.rows.extend(rows.iter().filter(|row| row.is_kept()).cloned());
        rows.into_iter().for_each(|row| self.desk.apply(row));
    }

    fn screen(&mut self, number: u64, hs: &str, departs: Option<u64>, supersedes: Option<u64>) {
        let content = declaration(hs);
        let reading = Reading::of(content.table());
        let about = About {
            root: root(number),
            came: (number, 0),
            supersedes: supersedes.map(root),
            departs: departs.map(|hours| NOW.plus(hours * 3_600_000)),
        };
        let rows = self.desk.screen(&reading.read(&content), about, Vec::new, NOW);
        self.keep(rows);
    }

    fn sign(&mut self, digest: &Digest, officer: u8) -> Result<bool, OrderError> {
        let key = SecretKey::from_seed(KeyUse::Officer, &[officer; 32]).unwrap();
        let network = Digest([9; 32]);
        let signature = hex(&self.desk.order(digest)?.order.sign(&key, &network));
        let name = format!("officer {officer}");
        let row = self.desk.sign(digest, (&name, key.public()), &network, &signature, NOW)?;
        self.keep(vec![row]);
        let is_signed = self.desk.order(digest)?.is_signed();
        if is_signed {
            let rows = self.desk.carry_out(digest, NOW);
            self.keep(rows);
        }
        Ok(is_signed)
    }

    fn states(&self) -> Vec<(u64, State)> {
        let mut all: Vec<_> = self
            .desk
            .proposals()
            .map(|one| (u64::from_be_bytes(one.root.0[..8].try_into().unwrap()), one.state()))
            .collect();
        all.sort_unstable();
        all
    }
}

#[test]
fn what_leaves_soonest_comes_first_and_what_has_left_last() {
    let mut kept = Kept::new(&[indicator(1, "93", "inspect", 85), indicator(2, "9301", "inspect", 50)]);
    for (number, hs, departs) in
        [(1, "930100", None), (2, "930200", Some(5)), (3, "930200", Some(2)), (4, "930100", None)]
    {
        kept.screen(number, hs, departs, None);
    }
    kept.screen(5, "840100", Some(1), None);
    let order = |now: Millis| -> Vec<u64> {
        kept.desk.queue(now).map(|one| u64::from_be_bytes(one.root.0[..8].try_into().unwrap())).collect()
    };
    assert_eq!(order(NOW), [3, 2, 1, 4]);
    assert_eq!(order(NOW.plus(3 * 3_600_000)), [2, 1, 4, 3]);
    let both = kept.desk.proposal(&root(1)).unwrap();
    assert_eq!((both.grounds.len(), both.propose, both.rule.as_str()), (2, Advice::Inspect, "inspect"));
}

#[test]
fn grave_and_mass_orders_take_two_officers_and_nobody_signs_twice() {
    let mut kept = Kept::new(&[indicator(1, "93", "do_not_load", 90), indicator(2, "84", "inspect", 90)]);
    (0..6).for_each(|number| kept.screen(number, "840100", None, None));
    (6..8).for_each(|number| kept.screen(number, "930100", None, None));
    let drawn = |kept: &mut Kept, act, roots: &[u64]| {
        let drawn = kept.desk.draw(&node(), act, roots.iter().copied().map(root).collect(), "why".into(), NOW)?;
        kept.keep(vec![drawn.row]);
        Ok::<_, OrderError>(drawn.digest)
    };
    let one = drawn(&mut kept, Act::Confirm, &[0]).unwrap();
    assert!(kept.sign(&one, 1).unwrap());
    assert_eq!(kept.desk.proposal(&root(0)).unwrap().state(), State::Confirmed);
    assert!(matches!(drawn(&mut kept, Act::Confirm, &[0]), Err(OrderError::Settled { state: State::Confirmed, .. })));
    for (act, roots) in [(Act::Confirm, vec![6]), (Act::Seize, vec![0]), (Act::Dismiss, vec![1, 2, 3, 4, 5])] {
        let before = kept.states();
        let order = drawn(&mut kept, act, &roots).unwrap();
        assert!(!kept.sign(&order, 1).unwrap());
        assert_eq!(
            kept.sign(&order, 1).unwrap_err(),
            OrderError::Twice { officer: "officer 1".into(), order: order.hex() }
        );
        assert_eq!(kept.states(), before, "{act} with one officer");
        assert!(kept.sign(&order, 2).unwrap());
        assert_ne!(kept.states(), before);
        assert!(matches!(kept.sign(&order, 3), Err(OrderError::Done { .. })));
    }
    assert!(matches!(drawn(&mut kept, Act::Confirm, &[99]), Err(OrderError::Unknown(_))));
    assert!(matches!(drawn(&mut kept, Act::Confirm, &[]), Err(OrderError::Empty)));
}

#[test]
fn a_signature_counts_for_its_order_its_key_and_its_network_only() {
    let mut kept = Kept::new(&[indicator(1, "93", "inspect", 90)]);
    (0..2).for_each(|number| kept.screen(number, "930100", None, None));
    let drawn: Vec<Digest> = (0..2)
        .map(|number| {
            let drawn = kept.desk.draw(&node(), Act::Confirm, vec![root(number)], "why".into(), NOW).unwrap();
            kept.keep(vec![drawn.row]);
            drawn.digest
        })
        .collect();
    let (key, other) = ([1, 2].map(|seed| SecretKey::from_seed(KeyUse::Officer, &[seed; 32]).unwrap())).into();
    let network = Digest([9; 32]);
    let signature = hex(&kept.desk.order(&drawn[0]).unwrap().order.sign(&key, &network));
    let sign = |order: &Digest, key: &SecretKey, network: &Digest| {
        kept.desk.sign(order, ("A", key.public()), network, &signature, NOW)
    };
    assert!(sign(&drawn[0], &key, &network).is_ok());
    for wrong in
        [sign(&drawn[1], &key, &network), sign(&drawn[0], &other, &network), sign(&drawn[0], &key, &Digest([8; 32]))]
    {
        assert!(matches!(wrong, Err(OrderError::Signature { .. })), "{wrong:?}");
    }
}

#[test]
fn undoing_reverses_what_rests_on_it_alone_lowers_the_rest_and_lists_what_was_carried_out() {
    let mut kept = Kept::new(&[indicator(1, "93", "inspect", 90), indicator(2, "9302", "inspect", 45)]);
    (0..3).for_each(|number| kept.screen(number, "930100", None, None));
    kept.screen(3, "930200", None, None);
    let drawn = kept.desk.draw(&node(), Act::Confirm, vec![root(0)], "why".into(), NOW).unwrap();
    kept.keep(vec![drawn.row]);
    kept.sign(&drawn.digest, 1).unwrap();
    let undo = kept.desk.draw_undo(&node(), source(1), "wrong".into(), NOW).unwrap();
    let resting = kept.desk.resting(&source(1));
    let roots = |all: &[&Proposal]| all.iter().map(|one| one.root).collect::<Vec<_>>();
    assert_eq!(resting.lowered.iter().map(|one| one.root).collect::<Vec<_>>(), [root(3)]);
    assert_eq!((roots(&resting.alone), roots(&resting.carried_out)), (vec![root(1), root(2)], vec![root(0)]));
    kept.keep(vec![undo.row]);
    kept.sign(&undo.digest, 1).unwrap();
    let states = [(0, State::Confirmed), (1, State::Reversed), (2, State::Reversed), (3, State::Open)];
    assert_eq!(kept.states(), states);
    let lowered = kept.desk.proposal(&root(3)).unwrap();
    assert_eq!((lowered.grounds.len(), lowered.score), (1, 450_000));
    // Nothing is proposed by it any more, although it is still held; what it did stays in its figures.
    kept.screen(9, "930100", None, None);
    assert_eq!(kept.desk.proposal(&root(9)), None);
    assert_eq!(kept.desk.of_indicators()[&(&member("customs-a"), &id(1))].reversed, 2);
    assert!(matches!(kept.desk.draw_undo(&node(), source(1), "again".into(), NOW), Err(OrderError::Undone(_))));
    assert!(matches!(kept.desk.draw_undo(&node(), source(7), "x".into(), NOW), Err(OrderError::Source(_))));
    // A rule is undone likewise: then the next weaker one proposes.
    let undo = kept.desk.draw_undo(&node(), Source::Rule("inspect".into()), "wrong".into(), NOW).unwrap();
    kept.keep(vec![undo.row]);
    kept.sign(&undo.digest, 2).unwrap();
    assert_eq!(kept.desk.proposal(&root(3)).unwrap().propose, Advice::Inform);
}

#[test]
fn what_a_coordinator_brought_together_stands_for_itself_once_that_is_undone() {
    let numbers = |grounds: &[Ground]| grounds.iter().map(|ground| ground.id.clone()).collect::<Vec<_>>();
    let rows = [indicator(1, "93", "watch", 90), indicator(2, "9301", "inspect", 45), merging(7, "93", 60, &[1, 2, 3])];
    let mut kept = Kept::new(&rows);
    kept.screen(0, "930100", None, None);
    let one = kept.desk.proposal(&root(0)).unwrap().clone();
    assert_eq!((numbers(&one.grounds), numbers(&one.grounds[0].merged)), (vec![id(7)], vec![id(1), id(2)]));
    assert_eq!((one.score, one.more), (600_000, 0));
    assert_eq!(numbers(&one.indicators().into_iter().cloned().collect::<Vec<_>>()), [id(7), id(1), id(2)]);
    // An inspection tells of all of them.
    kept.keep(vec![DeskRow::Inspected { root: root(0), found: Found::Something }]);
    let right = Measured { inspected: 1, confirmed: 1 };
    assert_eq!(kept.desk.how_often(&member("customs-a"), &id(2)), right);
    assert_eq!(kept.desk.how_often(&member(COORDINATOR), &id(7)), right);
    // What is merged is undone: the coordinator's holds without it.
    let undo = |kept: &mut Kept, source: Source| {
        let undo = kept.desk.draw_undo(&node(), source, "wrong".into(), NOW).unwrap();
        kept.keep(vec![undo.row]);
        kept.sign(&undo.digest, 1).unwrap();
        kept.desk.proposal(&root(0)).unwrap().clone()
    };
    let left = undo(&mut kept, source(1));
    assert_eq!((numbers(&left.grounds), numbers(&left.grounds[0].merged)), (vec![id(7)], vec![id(2)]));
    assert!(left.is_open() && left.score == one.score);
    // The coordinator's is undone: what it brought together proposes by itself, and reverses with the last of them.
    let left = undo(&mut kept, Source::Indicator(member(COORDINATOR), id(7)));
    assert_eq!((numbers(&left.grounds), left.propose, left.score), (vec![id(2)], Advice::Inspect, 450_000));
    assert!(left.grounds[0].merged.is_empty());
    kept.screen(1, "930100", None, None);
    let later = kept.desk.proposal(&root(1)).unwrap();
    assert_eq!((numbers(&later.grounds), &later.grounds[0].merged), (vec![id(2)], &Vec::new()));
    assert_eq!(undo(&mut kept, source(2)).state(), State::Reversed);
    // A newer version of what was undone does not bring it back.
    kept.desk.take(Indicator { revision: 1, ..merging(7, "93", 60, &[1]) }, true).unwrap();
    kept.screen(2, "930100", None, None);
    assert_eq!(kept.desk.proposal(&root(2)), None);
}

#[test]
fn inspections_and_what_others_saw_say_how_often_an_indicator_is_right() {
    let mut kept = Kept::new(&[indicator(1, "93", "inspect", 90)]);
    (0..3).for_each(|number| kept.screen(number, "930100", None, None));
    let inspected = |root, found| DeskRow::Inspected { root, found };
    kept.keep(vec![inspected(root(0), Found::Nothing), inspected(root(1), Found::Something)]);
    // A later word about the same goods takes the place of the earlier one.
    kept.keep(vec![inspected(root(1), Found::Nothing), inspected(root(1), Found::Nothing)]);
    assert_eq!(kept.desk.how_often(&member("customs-a"), &id(1)), Measured { inspected: 2, confirmed: 0 });
    kept.desk.sight(&member("customs-c"), &member("customs-a"), &id(1), Outcome::FalsePositive, 30);
    kept.desk.sight(&member("customs-c"), &member("customs-a"), &id(1), Outcome::Confirmed, 8);
    assert_eq!(kept.desk.how_often(&member("customs-a"), &id(1)), Measured { inspected: 40, confirmed: 8 });
    // Ten inspections' worth of its issuer's word, and forty of what was found.
    kept.screen(4, "930100", None, None);
    assert_eq!(kept.desk.proposal(&root(4)).map(|one| one.score), Some((9 + 8) * MILLION / 50));
}

#[test]
fn what_is_over_is_forgotten_and_what_waits_is_not() {
    let mut kept = Kept::new(&[indicator(1, "93", "inspect", 90)]);
    (0..2).for_each(|number| kept.screen(number, "930100", None, None));
    kept.screen(2, "930100", Some(48), None);
    let drawn = kept.desk.draw(&node(), Act::Confirm, vec![root(0)], "why".into(), NOW).unwrap();
    kept.keep(vec![drawn.row]);
    kept.sign(&drawn.digest, 1).unwrap();
    kept.keep(vec![DeskRow::Inspected { root: root(0), found: Found::Nothing }]);
    let score = |kept: &mut Kept, number| {
        kept.screen(number, "930100", None, None);
        kept.desk.proposal(&root(number)).unwrap().score
    };
    assert_eq!(score(&mut kept, 8), 9 * MILLION / 11);
    assert_eq!(kept.desk.forget(NOW), 0);
    // The settled one with its order, and those that nobody decided on; not that whose goods are still there.
    assert_eq!(kept.desk.forget(NOW.plus(1)), 4);
    assert_eq!(kept.states(), [(2, State::Open)]);
    assert!(kept.desk.orders().is_empty() && kept.desk.at_place(0, 0).is_none() && kept.desk.at_place(2, 0).is_some());
    assert_eq!(kept.rows.iter().filter(|row| kept.desk.tells(row)).count(), 1);
    // What its inspection told is forgotten with it.
    assert_eq!(score(&mut kept, 9), 9 * MILLION / 10);
}

proptest! {
    /// Whoever applies the same rows again, as they are kept, has the same desk; and no more than one proposal stands about a record.
    #[test]
    fn rows_applied_again_come_to_the_same(
        steps in prop::collection::vec((0u64..8, 0usize..3, 0u64..5, any::<bool>(), 0u8..6), 1..40),
        forget in prop::option::of(0u64..5),
    ) {
        let indicators = [
            indicator(1, "93", "do_not_load", 90), indicator(2, "84", "inspect", 60), merging(7, "84", 80, &[1, 2]),
        ];
        let mut kept = Kept::new(&indicators);
        for (number, hs, departs, corrects, what) in steps {
            match what {
                0..=2 => {
                    let supersedes = (corrects && number > 0).then(|| number - 1);
                    kept.screen(number, ["930100", "840100", "100100"][hs], Some(departs).filter(|at| *at > 0), supersedes);
                }
                3 => {
                    let found = if corrects { Found::Something } else { Found::Nothing };
                    kept.keep(vec![DeskRow::Inspected { root: root(number), found }]);
                }
                4 => {
                    let acts = [Act::Confirm, Act::Dismiss, Act::Seize];
                    if let Ok(drawn) = kept.desk.draw(&node(), acts[hs], vec![root(number)], "w".into(), NOW.plus(number)) {
                        kept.keep(vec![drawn.row]);
                        kept.sign(&drawn.digest, 1).unwrap();
                        if corrects {
                            // Enough officers may have signed already.
                            let _ = kept.sign(&drawn.digest, 2);
                        }
                    }
                }
                _ => {
                    let merging = Source::Indicator(member(COORDINATOR), id(7));
                    let undone = [source(1), source(2), merging][hs].clone();
                    if let Ok(drawn) = kept.desk.draw_undo(&node(), undone, "w".into(), NOW.plus(number)) {
                        kept.keep(vec![drawn.row]);
                        kept.sign(&drawn.digest, 3).unwrap();
                    }
                }
            }
        }
        // Whether something is forgotten or not: what tells of nothing is not needed.
        if let Some(hours) = forget {
            let before = NOW.plus(hours * 3_600_000 + 1);
            kept.desk.forget(before);
            kept.rows.retain(|row| kept.desk.tells(row));
            let over = |one: &Proposal| one.settled.as_ref().map_or(one.departs.unwrap_or(one.at), |settled| settled.at) < before;
            prop_assert!(kept.desk.proposals().all(|one| !over(one)));
        }
        let mut again = Kept::new(&indicators);
        for row in &kept.rows {
            let read: DeskRow = serde_json::from_slice(&serde_json::to_vec(row).unwrap()).unwrap();
            prop_assert_eq!(&read, row);
            again.desk.apply(read);
        }
        prop_assert_eq!(again.states(), kept.states());
        let queue = |desk: &Desk| desk.queue(NOW).cloned().collect::<Vec<_>>();
        prop_assert_eq!(queue(&again.desk), queue(&kept.desk));
        prop_assert_eq!(again.desk.of_rules(), kept.desk.of_rules());
        prop_assert_eq!(again.desk.of_indicators(), kept.desk.of_indicators());
        prop_assert_eq!(again.desk.orders(), kept.desk.orders());
        for number in [1, 2] {
            let of = (member("customs-a"), id(number));
            prop_assert_eq!(again.desk.how_often(&of.0, &of.1), kept.desk.how_often(&of.0, &of.1));
        }
        let open = kept.desk.proposals().filter(|one| one.is_open()).count();
        prop_assert_eq!(queue(&kept.desk).len(), open);
    }
}
