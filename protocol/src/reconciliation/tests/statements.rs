//! Statements, and their entries in a log.

use proptest::prelude::*;

use super::*;
use crate::audit::Audit;
use crate::cbor::{Decode, Encode};
use crate::exchange::{Rejection, Skeleton};
use crate::record::Fault;
use crate::testing::{Log, NOW, Party, Told, one_form};

fn totals(accepted: usize) -> Totals {
    let mut totals = Totals::default();
    (0..accepted).for_each(|_| totals.add(Tally::of(&Outcome::Taken(Vec::new()), 3)));
    totals
}

fn statement(count: u64, differences: &[Difference]) -> Result<Statement, StatementError> {
    let window = Window::new(channel(), 11, count).unwrap();
    let roots = if differences.is_empty() { [[1; 32]; 2] } else { [[1; 32], [2; 32]] };
    let totals = totals(count as usize - differences.len());
    Statement::new(NETWORK.id(), window, roots, totals, differences, NOW)
}

fn difference(number: u64, kind: u8) -> Difference {
    Difference::new(number, alike(number), other(number, kind), false).unwrap()
}

fn cosigned(statement: &Statement) -> CosignedStatement {
    let [sender, recipient] = [&NETWORK.post, &NETWORK.customs].map(|party| statement.sign(&party.sign));
    CosignedStatement { statement: statement.to_cbor(), sender, recipient }
}

#[test]
fn totals_count_dispatches_and_records() {
    let mut totals = totals(2);
    let rejection = Rejection { record: 1, fault: Fault::Value, pointer: "/x".into() };
    totals.add(Tally::of(&Outcome::Taken(vec![rejection]), 5));
    totals.add(Tally::of(&Outcome::Refused(crate::exchange::RefusalCode::Malformed), 7));
    totals.add(Tally::of(&Outcome::Withdrawn, 9));
    let expected =
        Totals { accepted: 2, partly: 1, refused: 1, withdrawn: 1, records_accepted: 10, records_rejected: 8 };
    assert_eq!((totals, totals.dispatches()), (expected, 5));
}

#[test]
fn a_statement_is_what_both_counted() {
    let equal = statement(5, &[]).unwrap();
    assert!(equal.is_equal());
    let other = statement(5, &[difference(12, 0), difference(13, 3), difference(14, 0)]).unwrap();
    let classes: Vec<_> = other.differences().iter().map(|of| (of.class, of.count)).collect();
    assert_eq!(classes, [(Class::SentNotReceived, 2), (Class::OutcomeDiffers, 1)]);
    assert_ne!(other.digest(), equal.digest());
    // The same numbers with other content are another statement.
    let content = statement(5, &[difference(12, 0), difference(13, 3), difference(15, 0)]).unwrap();
    assert_ne!(content.digest(), other.digest());
    for bad in [vec![difference(10, 0)], vec![difference(16, 0)], vec![difference(13, 0), difference(13, 0)]] {
        assert!(matches!(statement(5, &bad), Err(StatementError::Difference(_))));
    }
    let window = Window::new(channel(), 1, 5).unwrap();
    let make = |roots, totals, differences: &[Difference]| {
        Statement::new(NETWORK.id(), window.clone(), roots, totals, differences, NOW).unwrap_err()
    };
    assert!(matches!(make([[1; 32]; 2], totals(4), &[]), StatementError::Count { verdicts: 4, count: 5, .. }));
    assert!(matches!(make([[1; 32], [2; 32]], totals(5), &[]), StatementError::Roots { equal: false, .. }));
    assert!(matches!(make([[1; 32]; 2], totals(4), &[difference(1, 0)]), StatementError::Roots { equal: true, .. }));
    let none = Totals { records_accepted: 4, ..totals(5) };
    assert_eq!(make([[1; 32]; 2], none, &[]), StatementError::Records(4));
    let many = Totals { records_accepted: 50_001, ..totals(5) };
    assert_eq!(make([[1; 32]; 2], many, &[]), StatementError::Records(50_001));
}

#[test]
fn both_nodes_sign_and_nobody_else() {
    let statement = statement(5, &[difference(12, 0)]).unwrap();
    let good = cosigned(&statement);
    assert_eq!(good.verify(&NETWORK.directory), Ok(statement.clone()));
    assert!(good.to_cbor().len() <= MAX_STATEMENT_BYTES + 200);
    let by = |sender: &Party, recipient: &Party| CosignedStatement {
        sender: statement.sign(&sender.sign),
        recipient: statement.sign(&recipient.sign),
        ..good.clone()
    };
    let side = |cosigned: CosignedStatement| match cosigned.verify(&NETWORK.directory) {
        Err(StatementError::Signature { side, .. }) => side,
        other => panic!("{other:?}"),
    };
    assert_eq!(side(by(&NETWORK.customs, &NETWORK.customs)), Side::Sender);
    assert_eq!(side(by(&NETWORK.post, &NETWORK.post)), Side::Recipient);
    assert_eq!(side(by(&NETWORK.post, &NETWORK.other)), Side::Recipient);
}

proptest! {
    #[test]
    fn a_changed_statement_is_not_the_one_that_was_signed(at: prop::sample::Index, put: u8) {
        let mut good = cosigned(&statement(5, &[difference(12, 0)]).unwrap());
        let at = at.index(good.statement.len());
        prop_assume!(good.statement[at] != put);
        good.statement[at] = put;
        prop_assert!(one_form::<Statement>(&good.statement));
        prop_assert!(good.verify(&NETWORK.directory).is_err());
    }
}

/// What an audit finds of a log with one statement entry.
fn audited(party: &Party, skeleton: Skeleton, body: Vec<u8>, evidence: Option<Vec<u8>>) -> Vec<String> {
    let log = Log::of(party, &[Told { skeleton, body, evidence }]);
    let page = log.page(0, 10);
    let mut audit = Audit::begin(&NETWORK.directory, NETWORK.known(party), &page).unwrap();
    audit.page(&page);
    audit.finish().findings.into_iter().map(|finding| finding.what).collect()
}

#[test]
fn a_statement_stands_in_both_logs() {
    let statement = statement(5, &[difference(12, 0)]).unwrap();
    let body = StatementBody { statement: statement.digest() }.to_cbor();
    assert_eq!(StatementBody::from_cbor(&body).unwrap().statement, statement.digest());
    let skeleton = statement.skeleton(NOW.day().plus(3_660));
    let evidence = Some(cosigned(&statement).to_cbor());
    for party in [&NETWORK.post, &NETWORK.customs] {
        assert_eq!(audited(party, skeleton.clone(), body.clone(), evidence.clone()), Vec::<String>::new());
    }
    let found = |party: &Party, skeleton: Skeleton, body: &[u8], evidence: Option<Vec<u8>>, what: &str| {
        let findings = audited(party, skeleton, body.to_vec(), evidence);
        assert!(findings.len() == 1 && findings[0].contains(what), "{findings:?}");
    };
    let post = &NETWORK.post;
    found(&NETWORK.other, skeleton.clone(), &body, evidence.clone(), "not this node's");
    let named = Skeleton { agreement: digest(1), ..skeleton.clone() };
    found(post, named, &body, evidence.clone(), "names an agreement");
    let number = Skeleton { number: 16, ..skeleton.clone() };
    found(post, number, &body, evidence.clone(), "another channel or window");
    let other = StatementBody { statement: digest(1) }.to_cbor();
    found(post, skeleton.clone(), &other, evidence, "another statement");
    let unsigned = CosignedStatement { recipient: [1; 64], ..cosigned(&statement) };
    found(post, skeleton.clone(), &body, Some(unsigned.to_cbor()), "the recipient's signature");
    assert_eq!(audited(post, skeleton, body, None), Vec::<String>::new());
}
