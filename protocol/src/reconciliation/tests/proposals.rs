//! Both sides come to one statement, or to none.

use proptest::prelude::*;

use super::bisect::{reply_of, run};
use super::*;
use crate::cbor::{Decode, Encode};
use crate::exchange::{RefusalCode, Rejection};
use crate::limits::MAX_STATEMENT_AHEAD_MS;
use crate::record::Fault;
use crate::testing::{NOW, one_form};
use crate::time::Millis;

const COUNT: u64 = 40;

/// How a number ended where both know it.
fn outcome(number: u64, seed: u8) -> (Outcome, usize) {
    let rejection = Rejection { record: 1, fault: Fault::Value, pointer: "/x".into() };
    match (number as u8 ^ seed) % 4 {
        0 => (Outcome::Refused(RefusalCode::Malformed), 3),
        1 => (Outcome::Taken(vec![rejection]), 5),
        2 => (Outcome::Withdrawn, 2),
        _ => (Outcome::Taken(Vec::new()), 4),
    }
}

/// One side's tree of the window with what settled its numbers.
type Kept = (WindowTree, Vec<Option<Tally>>);

fn window() -> Window {
    Window::new(channel(), 9, COUNT).unwrap()
}

/// Both sides of a window, in which the numbers named differ as they say.
fn sides(seed: u8, differing: &[(u64, u8)]) -> (Kept, Kept) {
    let kind = |number| differing.iter().find(|(at, _)| *at == number).map(|(_, kind)| *kind % 5);
    let numbers = || window().span().from()..=window().span().last();
    let side = |sender: bool| {
        let one = |number| {
            let (outcome, records) = outcome(number, seed);
            let settled = (Stand::settled(digest(number), &outcome), Some(Tally::of(&outcome, records)));
            match (kind(number), sender) {
                (None, _) => settled,
                (Some(0), true) => (Stand::Pending(digest(number)), None),
                (Some(0 | 1), false) => (Stand::Absent, None),
                (Some(2), true) => (Stand::Pending(digest(number)), None),
                (Some(3), true) => (Stand::settled(digest(number ^ 1 << 50), &outcome), settled.1),
                (Some(4), true) if outcome != Outcome::Withdrawn => {
                    (Stand::withdrawn(digest(number)), Some(Tally::of(&Outcome::Withdrawn, 1)))
                }
                _ => settled,
            }
        };
        let (stands, tallies) = numbers().map(one).unzip();
        (WindowTree::new(window().span(), stands).unwrap(), tallies)
    };
    (side(true), side(false))
}

fn concluded((tree, tallies): &Kept, recipient: &Kept) -> Concluded {
    let mut bisection = Bisection::new(window(), Side::Recipient, DEFAULT_BITS);
    let found = run(&mut bisection, tree, |question| reply_of(&recipient.0, question));
    conclude(NETWORK.id(), &window(), tree, tallies, &found, |number| number % 2 == 0, NOW).unwrap()
}

fn judge(proposal: &Proposal, (tree, tallies): &Kept) -> Result<Statement, ProposalError> {
    proposal.judge(&NETWORK.id(), tree.clone(), tallies, NOW)
}

proptest! {
    #[test]
    fn both_make_one_statement_from_what_each_has(
        seed: u8, differing in prop::collection::vec((9u64..9 + COUNT, any::<u8>()), 0..8),
    ) {
        let (sender, recipient) = sides(seed, &differing);
        let concluded = concluded(&sender, &recipient);
        let numbers: Vec<u64> = concluded.differences.iter().map(Difference::number).collect();
        let pairs = sender.0.stands().zip(recipient.0.stands());
        let differ: Vec<u64> = pairs.filter(|(one, other)| one != other).map(|((number, _), _)| number).collect();
        prop_assert_eq!(&numbers, &differ);
        let statement = concluded.statement.clone();
        let proposal = concluded.propose(&NETWORK.post.sign);
        prop_assert_eq!(judge(&proposal, &recipient), Ok(statement.clone()));
        prop_assert_eq!(Proposal::from_cbor(&proposal.to_cbor()).unwrap(), proposal.clone());
        one_form::<Proposal>(&proposal.to_cbor());
        // What both sign is one thing, and verifies.
        let recipient = statement.sign(&NETWORK.customs.sign);
        let cosigned = CosignedStatement { statement: proposal.statement, sender: proposal.signature, recipient };
        prop_assert_eq!(cosigned.verify(&NETWORK.directory), Ok(statement));
    }

    #[test]
    fn what_the_recipient_has_otherwise_is_named(seed: u8, at in 9u64..9 + COUNT, kind in 0u8..5, listed: bool) {
        let (sender, mut recipient) = sides(seed, &[(at, 0)]);
        let proposal = concluded(&sender, &recipient).propose(&NETWORK.post.sign);
        // A dispatch came meanwhile where one was missing, or something changed elsewhere.
        let number = if listed { at } else { 9 + (at - 9 + 1) % COUNT };
        let before = recipient.0.set(number, other(number, kind));
        let changed = before != Some(other(number, kind));
        let refused = judge(&proposal, &recipient);
        match (changed, listed) {
            (false, _) => prop_assert!(refused.is_ok()),
            (true, true) => prop_assert_eq!(refused, Err(ProposalError::Moved(number))),
            (true, false) => prop_assert_eq!(refused, Err(ProposalError::Other("the recipient's root"))),
        }
    }
}

#[test]
fn a_proposal_that_says_something_else_is_refused() {
    let (sender, recipient) = sides(7, &[(12, 0), (20, 3)]);
    let good = concluded(&sender, &recipient);
    let remade = |differences: Vec<Difference>, root: Option<crate::tlog::Hash>, totals: Totals, as_of| {
        let roots = [root.unwrap_or(*good.statement.root(Side::Sender)), *good.statement.root(Side::Recipient)];
        let statement = Statement::new(NETWORK.id(), window(), roots, totals, &differences, as_of).unwrap();
        judge(&Concluded { statement, differences }.propose(&NETWORK.post.sign), &recipient)
    };
    let (differences, totals) = (good.differences.clone(), *good.statement.totals());
    assert_eq!(remade(differences.clone(), None, totals, NOW), Ok(good.statement.clone()));
    let other_root = remade(differences.clone(), Some([9; 32]), totals, NOW);
    assert_eq!(other_root, Err(ProposalError::Other("the sender's root")));
    let more = Totals { records_accepted: totals.records_accepted + 1, ..totals };
    assert_eq!(remade(differences.clone(), None, more, NOW), Err(ProposalError::Other("the totals")));
    let later = Millis(NOW.0 + MAX_STATEMENT_AHEAD_MS + 1);
    assert_eq!(remade(differences.clone(), None, totals, later), Err(ProposalError::Ahead(later)));
    // A class that follows from other stands.
    let mut wrong = differences.clone();
    wrong[0] =
        Difference::new(12, wrong[0].sender(), wrong[0].recipient(), wrong[0].class() == Class::Pending).unwrap();
    assert!(remade(wrong, None, totals, NOW).is_ok(), "what was due is the sender's word");
    // A difference that there is none of, and one that is left out.
    let mut more = differences.clone();
    more.push(Difference::new(30, Stand::Pending(digest(30)), Stand::Absent, false).unwrap());
    let fewer = Totals { refused: totals.refused - 1, records_rejected: totals.records_rejected - 3, ..totals };
    let refused = remade(more, None, fewer, NOW);
    assert!(matches!(refused, Err(ProposalError::Moved(30))), "{refused:?}");
    let proposal = Proposal { differences: differences[1..].to_vec(), ..good.clone().propose(&NETWORK.post.sign) };
    assert_eq!(judge(&proposal, &recipient), Err(ProposalError::Unsettled(12)));
    let other = Window::new(channel(), 9, COUNT + 1).unwrap();
    let tree = WindowTree::new(other.span(), vec![Stand::Absent; COUNT as usize + 1]).unwrap();
    let proposal = good.propose(&NETWORK.post.sign);
    assert_eq!(proposal.judge(&NETWORK.id(), tree, &recipient.1, NOW), Err(ProposalError::Window));
    let network = digest(1);
    assert_eq!(proposal.judge(&network, recipient.0, &recipient.1, NOW), Err(ProposalError::Network(NETWORK.id())));
}

#[test]
fn a_comparison_without_an_end_leads_to_no_statement() {
    let (sender, recipient) = sides(1, &[]);
    let conclude = |found| conclude(NETWORK.id(), &window(), &sender.0, &sender.1, &found, |_| false, NOW);
    let stopped = Found::Stopped { bound: Bound::Bytes, complete_to: 0, differences: Vec::new() };
    assert_eq!(conclude(stopped), Err(ProposalError::Stopped(Bound::Bytes)));
    let broken = Found::Broken(SaidError::Form("it is of the other side"));
    assert!(matches!(conclude(broken), Err(ProposalError::Broken(_))));
    let root = window().span().root(&recipient.0).unwrap();
    assert!(conclude(Found::Equal(root)).unwrap().statement.is_equal());
    // Roots that are equal while nothing is settled are none of a closed window.
    let nothing = vec![None; COUNT as usize];
    let empty = super::conclude(NETWORK.id(), &window(), &sender.0, &nothing, &Found::Equal(root), |_| false, NOW);
    assert_eq!(empty, Err(ProposalError::Unsettled(9)));
}
