//! Trees over ranges of numbers.

use proptest::prelude::*;

use super::*;
use crate::cbor::{CborError, Decode, Encode};
use crate::limits::{MAX_QUESTION_BYTES, MAX_WINDOW_NUMBERS};
use crate::testing::one_form;
use crate::tlog::{MAX_TREE_SIZE, MemoryTree, root_of};

#[test]
fn a_window_has_a_first_and_a_last_number() {
    for (from, count) in [(0, 1), (1, 0), (1, MAX_WINDOW_NUMBERS + 1), (MAX_TREE_SIZE, 2), (u64::MAX, 1)] {
        assert_eq!(Window::new(channel(), from, count), Err(WindowError { from, count }));
    }
    let window = Window::new(channel(), MAX_TREE_SIZE, 1).unwrap();
    assert_eq!(
        (window.span().from(), window.span().last(), window.span().halves()),
        (MAX_TREE_SIZE, MAX_TREE_SIZE, None)
    );
    assert_eq!(Window::from_cbor(&window.to_cbor()), Ok(window));
}

#[test]
fn what_stands_at_a_number_makes_its_leaf() {
    let mut leaves: Vec<_> =
        (0..5).map(|kind| other(7, kind).leaf(7)).chain([alike(7).leaf(7), alike(7).leaf(8)]).collect();
    leaves.sort_unstable();
    leaves.dedup();
    assert_eq!(leaves.len(), 7);
    // A digest of zeros would be the leaf of what is not there.
    assert!(Stand::from_cbor(&Stand::Pending(Digest::ZERO).to_cbor()).is_err());
}

proptest! {
    #[test]
    fn a_window_from_the_first_number_has_the_root_of_rfc_6962(numbers in 1u64..300, seed: u8) {
        let leaves: Vec<_> = (1..=numbers).map(|n| other(n, seed ^ n as u8).leaf(n)).collect();
        let tree = tree(numbers, |n| other(n, seed ^ n as u8));
        let mut log = MemoryTree::new();
        leaves.iter().for_each(|leaf| log.push(*leaf));
        let span = Span::new(1, numbers).unwrap();
        prop_assert_eq!(span.root(&tree), Ok(root_of(&leaves)));
        prop_assert_eq!(span.root(&log), Ok(root_of(&leaves)));
    }

    #[test]
    fn parts_cover_their_range_and_fold_to_its_root(from in 1u64..200, count in 1u64..200, bits in 1u32..=6) {
        let tree = tree(400, alike);
        let span = Span::new(from, count).unwrap();
        let parts = span.parts(bits);
        prop_assert!(parts.len() <= 1 << bits);
        prop_assert_eq!(parts[0].from(), from);
        prop_assert_eq!(parts[parts.len() - 1].last(), span.last());
        prop_assert!(parts.windows(2).all(|pair| pair[0].last() + 1 == pair[1].from()));
        let roots: Vec<_> = parts.iter().map(|part| part.root(&tree).unwrap()).collect();
        prop_assert_eq!(span.fold(bits, &roots), Some(span.root(&tree).unwrap()));
        prop_assert_eq!(span.fold(bits, &roots[1..]), None);
        prop_assert_eq!(span.fold(bits, &[&roots[..], &roots[..1]].concat()), None);
    }

    #[test]
    fn equal_ranges_of_unequal_channels_have_equal_roots(from in 1u64..100, count in 1u64..100, at in 1u64..300) {
        let (one, mut two) = (tree(300, alike), tree(300, alike));
        prop_assert_eq!(two.set(at, other(at, 1)), Some(alike(at)));
        let span = Span::new(from, count).unwrap();
        let inside = (span.from()..=span.last()).contains(&at);
        prop_assert_eq!(span.root(&one).unwrap() != span.root(&two).unwrap(), inside);
    }

    #[test]
    fn a_changed_tree_is_the_tree_of_what_is_there_now(
        numbers in 1u64..100, changes in prop::collection::vec((1u64..100, 0u8..5), 0..10),
    ) {
        let mut changed = tree(numbers, alike);
        let mut stands: Vec<_> = (1..=numbers).map(alike).collect();
        for (number, kind) in changes {
            let before = changed.set(number, other(number, kind));
            prop_assert_eq!(before, stands.get(number as usize - 1).copied());
            if before.is_some() {
                stands[number as usize - 1] = other(number, kind);
            }
        }
        prop_assert_eq!(changed.set(0, Stand::Absent), None);
        let whole = Span::new(1, numbers).unwrap();
        let fresh = tree(numbers, |number| stands[number as usize - 1]);
        prop_assert_eq!(whole.root(&changed), whole.root(&fresh));
        prop_assert!((1..=numbers).all(|number| changed.stand(number) == Ok(stands[number as usize - 1])));
    }

    #[test]
    fn the_tree_of_a_window_has_what_the_tree_of_the_channel_has(
        from in 1u64..200, count in 1u64..200, changes in prop::collection::vec((1u64..400, 0u8..5), 0..10),
    ) {
        let span = Span::new(from, count).unwrap();
        let (mut whole, mut window) = (tree(400, alike), WindowTree::new(span, (from..=span.last()).map(alike).collect()).unwrap());
        prop_assert!(WindowTree::new(span, vec![Stand::Absent; count as usize + 1]).is_none());
        for (number, kind) in changes {
            whole.set(number, other(number, kind));
            let inside = (from..=span.last()).contains(&number);
            prop_assert_eq!(window.set(number, other(number, kind)).is_some(), inside);
        }
        prop_assert_eq!(span.root(&window), span.root(&whole));
        for bits in 1..=6 {
            for part in span.parts(bits) {
                prop_assert_eq!(part.root(&window), part.root(&whole));
            }
        }
        prop_assert!(window.stands().all(|(number, stand)| whole.stand(number) == Ok(stand)));
        prop_assert!(window.stand(from - 1).is_err() && window.stand(span.last() + 1).is_err());
    }

    #[test]
    fn extreme_ranges_are_split_without_panic(from in any::<u64>(), count in any::<u64>()) {
        if let Some(span) = Span::new(from, count) {
            let parts = span.parts(6);
            let sum: u64 = parts.iter().map(Span::count).sum();
            prop_assert_eq!(sum, count);
        }
    }

    #[test]
    fn questions_and_answers_have_one_form(
        from in 1u64..1_000, count in 1u64..1_000, bits in 1u32..=6, stands in prop::collection::vec(stand(), 0..5),
        roots in prop::collection::vec(prop::collection::vec(any::<[u8; 32]>(), 0..4), 0..4), root: [u8; 32],
        at: prop::sample::Index, put: u8,
    ) {
        let window = Window::new(channel(), from, count).unwrap();
        let spans = window.span().parts(2);
        let numbers: Vec<u64> = spans.iter().map(Span::from).collect();
        let steps = [Step::Root, Step::Parts { root, bits, spans }, Step::Stands { root, numbers }];
        for step in steps {
            let question = Question { window: window.clone(), step };
            let mut bytes = question.to_cbor();
            prop_assert!(bytes.len() <= MAX_QUESTION_BYTES);
            prop_assert_eq!(Question::from_cbor(&bytes), Ok(question));
            let at = at.index(bytes.len());
            bytes[at] = put;
            prop_assert!(one_form::<Question>(&bytes));
        }
        for answer in [Answer::Root(root), Answer::Parts(roots), Answer::Stands(stands)] {
            let mut bytes = answer.to_cbor();
            prop_assert_eq!(Answer::from_cbor(&bytes), Ok(answer));
            let at = at.index(bytes.len());
            bytes[at] = put;
            prop_assert!(one_form::<Answer>(&bytes));
        }
    }
}

#[test]
fn questions_beyond_their_window_or_bounds_are_refused() {
    let window = Window::new(channel(), 11, 10).unwrap();
    let span = |from, count| Span::new(from, count).unwrap();
    let parts = |bits, spans: &[Span]| {
        let step = Step::Parts { root: [1; 32], bits, spans: spans.to_vec() };
        Question::from_cbor(&Question { window: window.clone(), step }.to_cbor())
    };
    let refused = |found: Result<Question, CborError>| found.unwrap_err().to_string();
    assert!(parts(4, &[span(11, 4), span(15, 6)]).is_ok());
    assert!(refused(parts(0, &[])).contains("no level further down"));
    assert!(refused(parts(7, &[])).contains("above its limit"));
    assert!(refused(parts(4, &[span(10, 2)])).contains("not in the window"));
    assert!(refused(parts(4, &[span(20, 2)])).contains("not in the window"));
    assert!(refused(parts(4, &[span(11, 4), span(14, 1)])).contains("not ascending"));
    let stands = |numbers: &[u64]| {
        let step = Step::Stands { root: [1; 32], numbers: numbers.to_vec() };
        Question::from_cbor(&Question { window: window.clone(), step }.to_cbor())
    };
    assert!(stands(&[11, 20]).is_ok());
    assert!(refused(stands(&[0])).contains("not in the window"));
    assert!(refused(stands(&[21])).contains("not in the window"));
    assert!(stands(&[12, 12]).is_err());
}
