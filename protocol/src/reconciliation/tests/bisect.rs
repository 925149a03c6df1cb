//! Comparisons: everything that differs is found, and a side that lies is named.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::cbor::{Decode, Encode};
use crate::limits::{MAX_DIFFERENCES, MAX_WINDOW_BYTES};
use crate::tlog::Hash;

/// What an honest recipient replies.
pub(super) fn reply_of(tree: &WindowTree, question: &Question) -> Reply {
    sign(question, &answer(tree, question).unwrap())
}

fn sign(question: &Question, answer: &Answer) -> Reply {
    let key = &NETWORK.customs.sign;
    let log = ("log.example/customs-kr", 9);
    Reply::sign(&NETWORK.id(), &question.to_cbor(), Side::Recipient, log, answer, key)
}

/// Runs a comparison to its end.
pub(super) fn run(bisection: &mut Bisection, own: &WindowTree, mut peer: impl FnMut(&Question) -> Reply) -> Found {
    let mut effects = bisection.input(own, Input::Start(None)).unwrap();
    loop {
        match effects.pop().expect("every input has an effect until the end") {
            Effect::Done(found) => {
                assert!(effects.is_empty());
                return found;
            }
            Effect::Ask(question) => {
                let question = Question::from_cbor(&question.to_cbor()).unwrap();
                let reply = peer(&question);
                effects = bisection.input(own, Input::Reply(reply)).unwrap();
            }
        }
    }
}

fn lie_holds(lie: &Lie) -> Result<(Window, Side), SaidError> {
    let signer = |window: &Window, side: Side| NETWORK.directory.node(side.of(&window.channel)).map(|node| node.ever());
    lie.verify(&NETWORK.id(), signer)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn random_sets_of_differences_are_found_exactly(
        from in 1u64..300, count in 1u64..1_500, bits in 0u32..=7,
        at in prop::collection::btree_map(1u64..1_800, 0u8..5, 0..40),
    ) {
        let window = Window::new(channel(), from, count).unwrap();
        let own = tree(1_800, alike);
        let peer = tree(1_800, |number| at.get(&number).map_or(alike(number), |kind| other(number, *kind)));
        let expected: Vec<Compared> = at.iter().map(|(number, kind)| {
            Compared { number: *number, own: alike(*number), peer: other(*number, *kind) }
        }).filter(|compared| (from..from + count).contains(&compared.number)).collect();
        let mut bisection = Bisection::new(window.clone(), Side::Recipient, bits);
        match run(&mut bisection, &own, |question| reply_of(&peer, question)) {
            Found::Equal(root) => {
                prop_assert!(expected.is_empty());
                prop_assert_eq!((root, bisection.rounds()), (window.span().root(&own).unwrap(), 1));
            }
            Found::Different { differences, own: own_root, peer: peer_root, said } => {
                prop_assert_eq!(differences, expected);
                prop_assert_eq!([own_root, peer_root], [&own, &peer].map(|tree| window.span().root(tree).unwrap()));
                prop_assert_eq!(said.len(), bisection.rounds());
            }
            other => prop_assert!(false, "{other:?}"),
        }
    }

    /// A peer that changes one hash or stand of one answer is named with evidence that holds, or what it says is consistent.
    #[test]
    fn a_lying_peer_is_named(
        count in 2u64..600, bits in 1u32..=6, at in prop::collection::btree_map(1u64..600, 0u8..5, 1..20),
        when in 1usize..6, place: prop::sample::Index, part: prop::sample::Index,
    ) {
        let window = Window::new(channel(), 1, count).unwrap();
        let own = tree(600, alike);
        let peer = tree(600, |number| at.get(&number).map_or(alike(number), |kind| other(number, *kind)));
        let mut bisection = Bisection::new(window.clone(), Side::Recipient, bits);
        let (mut round, mut lied) = (0, false);
        let found = run(&mut bisection, &own, |question| {
            let mut said = answer(&peer, question).unwrap();
            if round == when {
                match &mut said {
                    Answer::Parts(parts) => {
                        let count = parts.len();
                        let roots = &mut parts[place.index(count)];
                        let root = part.index(roots.len());
                        roots[root][0] ^= 1;
                    }
                    Answer::Stands(stands) => {
                        let at = place.index(stands.len());
                        stands[at] = Stand::Pending(digest(u64::MAX));
                    }
                    Answer::Root(_) => unreachable!("the tree does not change"),
                }
                lied = true;
            }
            round += 1;
            sign(question, &said)
        });
        match found {
            Found::Lied(lie) => {
                prop_assert!(lied);
                prop_assert_eq!(lie_holds(&lie), Ok((window, Side::Recipient)));
                let read = Lie::from_cbor(&lie.to_cbor()).unwrap();
                prop_assert_eq!(&read, &*lie);
                // A changed answer is no evidence.
                let mut forged = read;
                forged.later.reply.entries += 1;
                prop_assert!(matches!(lie_holds(&forged), Err(SaidError::Signature(_))));
            }
            _ => prop_assert!(!lied, "a lie was not found"),
        }
    }

    /// Nothing that a peer sends makes it panic, or go on for ever.
    #[test]
    fn any_answer_is_taken_or_refused(seed: u64, count in 1u64..3_000, bits in 1u32..=6) {
        let window = Window::new(channel(), 1, count).unwrap();
        let own = tree(3_000, alike);
        let mut numbers = crate::testing::Numbers(seed);
        let mut bisection = Bisection::new(window, Side::Recipient, bits);
        let found = run(&mut bisection, &own, |question| {
            let hash = [numbers.up_to(3) as u8; 32];
            let roots = |count: usize| -> Vec<Hash> { vec![hash; count] };
            let said = match (numbers.up_to(9), &question.step) {
                (0, _) => Answer::Stands(vec![Stand::Absent; numbers.up_to(4) as usize]),
                (1, _) => Answer::Parts(vec![roots(3); numbers.up_to(4) as usize]),
                (2..=8, Step::Parts { bits, spans, .. }) => {
                    Answer::Parts(spans.iter().map(|span| roots(span.parts(*bits).len())).collect())
                }
                (2..=8, Step::Stands { numbers, .. }) => Answer::Stands(vec![Stand::Absent; numbers.len()]),
                _ => Answer::Root(hash),
            };
            sign(question, &said)
        });
        let different = matches!(found, Found::Different { .. });
        prop_assert!(!different);
    }

    #[test]
    fn differences_have_the_class_of_what_stands(sender in stand(), recipient in stand(), overdue: bool) {
        let found = Difference::new(7, sender, recipient, overdue);
        prop_assert_eq!(found.is_none(), sender == recipient);
        let compared = Compared { number: 7, own: sender, peer: recipient };
        prop_assert_eq!(Difference::compared(&compared, Side::Recipient, overdue), found);
        let compared = Compared { number: 7, own: recipient, peer: sender };
        prop_assert_eq!(Difference::compared(&compared, Side::Sender, overdue), found);
        if let Some(difference) = found {
            let mut bytes = difference.to_cbor();
            prop_assert_eq!(Difference::from_cbor(&bytes), Ok(difference));
            // [number, class, …]: another class is refused, but for whether its receipt was due.
            for class in 1..=7u8 {
                bytes[2] = class;
                let same = |class: Class| Difference::new(7, sender, recipient, true).unwrap().class() == class
                    || Difference::new(7, sender, recipient, false).unwrap().class() == class;
                let read = Difference::from_cbor(&bytes);
                prop_assert_eq!(read.is_ok(), same(Class::ALL[usize::from(class) - 1]));
            }
        }
    }
}

#[test]
fn a_peer_that_changes_meanwhile_is_no_liar() {
    let window = Window::new(channel(), 1, 1_000).unwrap();
    let own = tree(1_000, alike);
    let mut peer = tree(1_000, alike);
    for number in [3, 500, 900] {
        assert!(peer.set(number, Stand::Absent).is_some());
    }
    let (mut round, mut bisection) = (0, Bisection::new(window, Side::Recipient, 4));
    let found = run(&mut bisection, &own, |question| {
        round += 1;
        if round == 3 {
            // The dispatch came.
            peer.set(500, alike(500));
        }
        reply_of(&peer, question)
    });
    let Found::Different { differences, .. } = found else { panic!("{found:?}") };
    assert_eq!(differences.iter().map(|compared| compared.number).collect::<Vec<_>>(), [3, 900]);
}

#[test]
fn a_side_that_changes_while_it_asks_begins_again() {
    let window = Window::new(channel(), 1, 1_000).unwrap();
    let (mut own, mut peer) = (tree(1_000, alike), tree(1_000, alike));
    peer.set(3, Stand::Absent);
    let mut bisection = Bisection::new(window, Side::Recipient, 4);
    let mut effects = bisection.input(&own, Input::Start(None)).unwrap();
    let mut round = 0;
    let differences = loop {
        match effects.pop().unwrap() {
            Effect::Ask(question) => {
                round += 1;
                if round == 4 {
                    // In a part that was found equal.
                    own.set(900, Stand::Pending(digest(900)));
                }
                effects = bisection.input(&own, Input::Reply(reply_of(&peer, &question))).unwrap();
            }
            Effect::Done(Found::Different { differences, .. }) => break differences,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(differences.iter().map(|compared| compared.number).collect::<Vec<_>>(), [3, 900]);
    // What comes after the end changes nothing.
    let question = Question { window: Window::new(channel(), 1, 5).unwrap(), step: Step::Root };
    assert_eq!(bisection.input(&own, Input::Reply(reply_of(&peer, &question))), Ok(vec![]));
    assert_eq!(bisection.input(&own, Input::Start(None)), Ok(vec![]));
}

#[test]
fn what_is_no_answer_ends_the_comparison() {
    let window = Window::new(channel(), 1, 100).unwrap();
    let (own, peer) = (tree(100, alike), tree(100, |number| other(number, 0)));
    let broken = |bad: &dyn Fn(&Question) -> Option<Answer>| {
        let mut bisection = Bisection::new(window.clone(), Side::Recipient, 4);
        match run(&mut bisection, &own, |question| match bad(question) {
            Some(answer) => sign(question, &answer),
            None => reply_of(&peer, question),
        }) {
            Found::Broken(error) => error.to_string(),
            other => panic!("{other:?}"),
        }
    };
    let only = |root: bool, answer: &Answer| {
        let answer = answer.clone();
        broken(&move |question| (matches!(question.step, Step::Root) == root).then(|| answer.clone()))
    };
    assert!(only(true, &Answer::Stands(vec![])).ends_with("no root"));
    assert!(only(false, &Answer::Stands(vec![])).ends_with("no roots"));
    assert!(only(false, &Answer::Parts(vec![vec![[0; 32]; 16], vec![]])).ends_with("another number of roots"));
    let own_root = window.span().root(&peer).unwrap();
    assert!(only(false, &Answer::Root(own_root)).ends_with("the root that the question names"));
    let stands = |question: &Question| matches!(question.step, Step::Stands { .. }).then(|| Answer::Stands(vec![]));
    assert!(broken(&stands).ends_with("another number of entries"));
    // An answer in the other side's name.
    let mut bisection = Bisection::new(window.clone(), Side::Sender, 4);
    assert!(matches!(
        run(&mut bisection, &own, |question| reply_of(&peer, question)),
        Found::Broken(SaidError::Form(_))
    ));
}

#[test]
fn too_many_differences_stop_it_and_what_is_complete_is_told() {
    let count = 3 * MAX_DIFFERENCES as u64;
    let (own, peer) = (tree(count, alike), tree(count, |number| other(number, 0)));
    let mut bisection = Bisection::new(Window::new(channel(), 1, count).unwrap(), Side::Recipient, 4);
    let found = run(&mut bisection, &own, |question| reply_of(&peer, question));
    let Found::Stopped { bound: Bound::Differences, complete_to, differences } = found else { panic!("{found:?}") };
    assert!(differences.len() > MAX_DIFFERENCES && bisection.bytes() < MAX_WINDOW_BYTES, "{}", bisection.bytes());
    let numbers: BTreeSet<u64> = differences.iter().map(|compared| compared.number).collect();
    assert!(complete_to > 0 && (1..=complete_to).all(|number| numbers.contains(&number)), "{complete_to}");
}

#[test]
fn honest_answers_are_no_lie() {
    let window = Window::new(channel(), 1, 100).unwrap();
    let (one, two) = (tree(100, alike), tree(100, |number| other(number, 0)));
    let said = |tree: &WindowTree, window: &Window| {
        let question = Question { window: window.clone(), step: Step::Root };
        Said { question: question.to_cbor(), reply: reply_of(tree, &question) }
    };
    let lie = |earlier: &Said, later: &Said| {
        lie_holds(&Lie { earlier: earlier.clone(), later: later.clone(), span: window.span() }).unwrap_err().to_string()
    };
    let first = said(&one, &window);
    assert!(lie(&first, &first).ends_with("one root"));
    assert!(lie(&first, &said(&two, &window)).ends_with("what is there changed between them"));
    let elsewhere = Window::new(other_channel(), 1, 100).unwrap();
    assert!(lie(&first, &said(&one, &elsewhere)).ends_with("two windows or sides"));
}
