//! Dispute files, from documents up: a post that sends eight dispatches, and a recipient that answers some, withholds some and denies some.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::cbor::{Decode, Encode};
use crate::exchange::{
    Arrival, Dispatch, DispatchHeader, EntryKind, Envelope, ReceiptBody, Skeleton, Withdrawal, WithdrawalHeader,
    witness_name,
};
use crate::hash::Domain;
use crate::testing::{Log, NOW, SHOWN, Told, encode_views, set, small_record};
use crate::time::Millis;
use crate::tlog::{MemoryTree, Note, TlogProof, leaf_hash, root_of};

/// Numbers that the recipient received.
const RECEIVED: u64 = 6;

struct Channelled {
    sent: Vec<(DispatchHeader, Envelope)>,
    /// The recipient's log; entry n - 1 answers number n.
    log: Log,
    /// The channel's tree over dispatch digests, as the recipient counts it.
    tree: MemoryTree,
}

static CASE: LazyLock<Channelled> = LazyLock::new(|| {
    let sent: Vec<_> = (1..=8).map(|number| envelope(number, number)).collect();
    let (mut tree, mut told) = (MemoryTree::new(), Vec::new());
    let mut leaves = Vec::new();
    for (header, envelope) in &sent[..RECEIVED as usize] {
        leaves.push(leaf_hash(&envelope.digest().0));
        tree.push(leaves[leaves.len() - 1]);
        let outcome = Outcome::Taken(Vec::new());
        told.push(received(header, envelope.digest(), outcome, leaves.len() as u64, root_of(&leaves)));
    }
    Channelled { log: Log::of(&NETWORK.customs, &told), sent, tree }
});

fn envelope(number: u64, content: u64) -> (DispatchHeader, Envelope) {
    let views = vec![small_record(content).view(set(&SHOWN))];
    let header = NETWORK.header(&views, number);
    let dispatch: Dispatch = NETWORK.dispatch(&header, &encode_views(&views));
    (header, dispatch.envelope())
}

fn received(header: &DispatchHeader, dispatch: Digest, outcome: Outcome, contiguous: u64, root: [u8; 32]) -> Told {
    let skeleton = Skeleton {
        kind: EntryKind::Received,
        agreement: header.agreement_digest,
        channel: header.channel.clone(),
        number: header.number,
        due: NOW.day().plus(30),
    };
    let body = ReceiptBody { dispatch, outcome, contiguous, channel_root: root }.to_cbor();
    Told { skeleton, body, evidence: None }
}

fn documents() -> Vec<Vec<u8>> {
    let all = std::iter::once(&NETWORK.charter).chain(&NETWORK.cards).chain(&NETWORK.agreements);
    all.map(Encode::to_cbor).collect()
}

fn empty() -> DisputeFile {
    DisputeFile::new(channel(), documents())
}

/// What a side answers about some numbers, when the recipient's log had so many entries.
fn said(side: Side, entries: u64, stands: &[(u64, Stand)]) -> Said {
    let numbers = stands.iter().map(|(number, _)| *number).collect();
    let window = Window::new(channel(), 1, 8).unwrap();
    let question = Question { window, step: Step::Stands { root: [3; 32], numbers } }.to_cbor();
    let answer = Answer::Stands(stands.iter().map(|(_, stand)| *stand).collect());
    let party = if side == Side::Sender { &NETWORK.post } else { &NETWORK.customs };
    let log = (party.origin(), entries);
    let reply = Reply::sign(&NETWORK.id(), &question, side, (&log.0, log.1), &answer, &party.sign);
    Said { question, reply }
}

fn dispatch(number: u64) -> Digest {
    CASE.sent[number as usize - 1].1.digest()
}

fn sent(number: u64) -> Arrival {
    Arrival::Dispatch(CASE.sent[number as usize - 1].1.clone())
}

fn withdrawal(number: u64) -> Arrival {
    let header = &CASE.sent[number as usize - 1].0;
    let header = WithdrawalHeader {
        network: NETWORK.id(),
        channel: channel(),
        number,
        dispatch: dispatch(number),
        agreement: header.agreement_digest,
        withdrawn_at: NOW,
    };
    Arrival::Withdrawal(Withdrawal::sign(&header, &NETWORK.post.sign))
}

/// The receipt of a number with the cosignatures of all other members.
fn witnessed(number: u64) -> Vec<u8> {
    let mut proof = TlogProof::parse(&CASE.log.receipt(number as usize - 1)).unwrap();
    let mut note = Note::parse(&proof.checkpoint).unwrap();
    for party in [&NETWORK.post, &NETWORK.other, &NETWORK.auditor] {
        note.cosign(&witness_name(&party.origin()), party.witness_key(), NOW.0 / 1_000 + 5).unwrap();
    }
    proof.checkpoint = note.to_bytes();
    proof.to_bytes()
}

/// A post that says it sent eight; of the recipient's receipts it has two. The recipient withholds three, and denies two of them.
fn dispute() -> DisputeFile {
    let mut file = empty();
    file.arrivals = (1..=8).map(sent).chain([withdrawal(8)]).collect();
    file.receipts = vec![witnessed(1), CASE.log.receipt(5)];
    let counted = |number| Counted::prove(&CASE.tree, 1, RECEIVED, number, dispatch(number)).unwrap();
    file.counted = vec![counted(2), counted(3), counted(4)];
    let denied = [(3, Stand::Absent), (4, Stand::Absent), (5, Stand::Absent), (7, Stand::Absent)];
    file.said = vec![said(Side::Recipient, RECEIVED, &denied)];
    file
}

fn verify(file: &DisputeFile) -> Result<Findings, DisputeError> {
    DisputeFile::verify(&file.to_bytes().unwrap(), &NETWORK.id(), None)
}

#[test]
fn what_is_withheld_and_denied_is_located_with_its_class() {
    let bytes = dispute().to_bytes().unwrap();
    let found = DisputeFile::verify(&bytes, &NETWORK.id(), Some(NOW)).unwrap();
    let verdicts: Vec<_> = found.numbers.iter().map(|of| (of.number, of.verdict, of.class)).collect();
    let expected = [
        (1, Verdict::Settled, None),
        (2, Verdict::Received, Some(Class::Withheld)),
        (3, Verdict::RecipientDenies, Some(Class::SentNotReceived)),
        (4, Verdict::RecipientDenies, Some(Class::SentNotReceived)),
        // Denied, and nothing in the file says that the log had it.
        (5, Verdict::Unanswered, Some(Class::Withheld)),
        (6, Verdict::Settled, None),
        (7, Verdict::Unanswered, Some(Class::Withheld)),
        (8, Verdict::Withdrawn, Some(Class::Withdrawn)),
    ];
    assert_eq!(verdicts, expected);
    assert_eq!((found.contiguous, found.network_name.as_str()), (Some(RECEIVED), "Test network"));
    let times = found.numbers.iter().flat_map(|of| &of.facts).filter_map(|fact| match fact {
        Fact::Answered { witnessed, .. } => Some(*witnessed),
        _ => None,
    });
    assert_eq!(times.collect::<Vec<_>>(), [Some(Millis(NOW.0 + 5_000)), None]);
    // Before the deadline the same is pending.
    let early = verify(&dispute()).unwrap();
    assert_eq!(early.numbers[6].class, Some(Class::Pending));
}

#[test]
fn a_denial_before_the_log_had_it_is_honest() {
    let mut file = empty();
    file.arrivals = vec![sent(3)];
    file.receipts = vec![CASE.log.receipt(2)];
    // Entry 2 of the log is the third.
    for (entries, verdict) in [(2, Verdict::Settled), (3, Verdict::RecipientDenies)] {
        file.said = vec![said(Side::Recipient, entries, &[(3, Stand::Absent)])];
        assert_eq!(verify(&file).unwrap().numbers[0].verdict, verdict);
    }
    let other = Stand::settled(dispatch(3), &Outcome::Withdrawn);
    file.said = vec![said(Side::Recipient, 3, &[(3, other)])];
    let finding = verify(&file).unwrap().numbers.remove(0);
    assert_eq!((finding.verdict, finding.class), (Verdict::RecipientDenies, Some(Class::OutcomeDiffers)));
    file.said = vec![said(Side::Recipient, 3, &[(3, Stand::settled(dispatch(3), &Outcome::Taken(vec![])))])];
    assert_eq!(verify(&file).unwrap().numbers[0].verdict, Verdict::Settled);
}

#[test]
fn a_sender_that_denies_or_uses_a_number_twice_is_found() {
    let mut file = empty();
    file.arrivals = vec![sent(2)];
    file.said = vec![said(Side::Sender, 1, &[(2, Stand::Absent)])];
    let finding = |file: &DisputeFile| verify(file).map(|mut found| found.numbers.remove(0)).unwrap();
    let found = finding(&file);
    assert_eq!((found.verdict, found.class), (Verdict::SenderDenies, Some(Class::ReceivedNotSent)));
    file.said = vec![said(Side::Sender, 1, &[(2, Stand::Pending(dispatch(2)))])];
    assert_eq!(finding(&file).verdict, Verdict::Unanswered);
    let again = envelope(2, 99).1;
    file.arrivals = vec![Arrival::Dispatch(again.clone())];
    file.receipts = vec![CASE.log.receipt(1)];
    file.said = Vec::new();
    let found = finding(&file);
    assert_eq!((found.verdict, found.class), (Verdict::OtherDispatch, Some(Class::ContentDiffers)));
    file.arrivals = vec![sent(2), Arrival::Dispatch(again)];
    let found = finding(&file);
    assert_eq!((found.verdict, found.class), (Verdict::SenderReused, Some(Class::ContentDiffers)));
    file.arrivals = Vec::new();
    let found = finding(&file);
    assert_eq!((found.verdict, found.class), (Verdict::NotSigned, Some(Class::ReceivedNotSent)));
    file.receipts = Vec::new();
    file.said = vec![said(Side::Sender, 1, &[(2, Stand::Absent)]), said(Side::Recipient, 1, &[(2, alike(2))])];
    let found = finding(&file);
    assert_eq!((found.verdict, found.class), (Verdict::Words, Some(Class::ReceivedNotSent)));
}

#[test]
fn a_log_with_two_verdicts_on_one_number_contradicts_itself() {
    let (header, envelope) = &CASE.sent[0];
    let told = |outcome| received(header, envelope.digest(), outcome, 1, [1; 32]);
    let told = [told(Outcome::Taken(Vec::new())), told(Outcome::Withdrawn)];
    let log = Log::of(&NETWORK.customs, &told);
    let mut file = empty();
    file.receipts = vec![log.receipt(0), log.receipt(1)];
    let found = verify(&file).unwrap().numbers.remove(0);
    assert_eq!((found.verdict, found.class), (Verdict::RecipientContradicts, Some(Class::OutcomeDiffers)));
}

#[test]
fn statements_and_contradictions_are_verified() {
    let window = Window::new(channel(), 1, 2).unwrap();
    let mut totals = Totals::default();
    (0..2).for_each(|_| totals.add(Tally::of(&Outcome::Taken(Vec::new()), 1)));
    let statement = Statement::new(NETWORK.id(), window, [[1; 32]; 2], totals, &[], NOW).unwrap();
    let [sender, recipient] = [&NETWORK.post, &NETWORK.customs].map(|party| statement.sign(&party.sign));
    let mut file = empty();
    file.statements = vec![CosignedStatement { statement: statement.to_cbor(), sender, recipient }];
    let two = [said(Side::Recipient, 1, &[(2, alike(2))]), said(Side::Recipient, 1, &[(2, Stand::Absent)])];
    let [earlier, later] = two.clone();
    file.lies = vec![Lie { earlier, later, span: Span::new(2, 1).unwrap() }];
    let found = verify(&file).unwrap();
    assert_eq!(found.statements, [statement]);
    assert_eq!(found.lies, [(Side::Recipient, Window::new(channel(), 1, 8).unwrap(), Span::new(2, 1).unwrap())]);
    file.lies[0].span = Span::new(3, 1).unwrap();
    let error = verify(&file).unwrap_err().to_string();
    assert!(error.starts_with("contradiction 0 of the dispute file: the two answers do not contradict"), "{error}");
}

#[test]
fn a_piece_that_does_not_hold_is_named() {
    let refused = |change: &dyn Fn(&mut DisputeFile), expected: &str| {
        let mut file = dispute();
        change(&mut file);
        let error = verify(&file).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}\nwanted: {expected}");
    };
    refused(&|file| file.channel = other_channel(), "receipt 0 of the dispute file: it is about the channel");
    refused(&|file| file.documents.truncate(1), "no card in the dispute file names post-de/n1");
    refused(&|file| file.documents.truncate(5), "dispatch or withdrawal 0 of the dispute file: the agreement");
    refused(&|file| drop(file.documents.remove(0)), "one founding charter");
    refused(
        &|file| file.counted[0].receipt = 2,
        "counted dispatch 0 of the dispute file: the file has no such receipt",
    );
    refused(&|file| file.counted[1].number = 2, "counted dispatch 1 of the dispute file: inclusion proof");
    refused(&|file| file.counted[1].number = 0, "counted dispatch 1 of the dispute file: inclusion proof");
    refused(&|file| file.counted[0].receipt = 0, "is not below the tree size 1");
    refused(&|file| file.said[0].reply.entries = 7, "answer 0 of the dispute file: the signature");
    refused(&|file| file.said[0].reply.side = Side::Sender, "answer 0 of the dispute file: the signature");
    let unsigned = |file: &mut DisputeFile| match &mut file.arrivals[2] {
        Arrival::Dispatch(envelope) => envelope.signature[0] ^= 1,
        Arrival::Withdrawal(_) => unreachable!("a dispatch"),
    };
    refused(
        &unsigned,
        "dispatch or withdrawal 2 of the dispute file: the sender's signature on the dispatch of number 3",
    );
    // A cosignature that is spoiled, or made by nobody here, is not left out quietly.
    let spoilt = |file: &mut DisputeFile| {
        let text = String::from_utf8(file.receipts[0].clone()).unwrap();
        file.receipts[0] = text.replace("log.example/auditor/witness", "log.example/auditor/witnesz").into_bytes();
    };
    refused(&spoilt, "receipt 0 of the dispute file: its checkpoint has a signature by log.example/auditor/witnesz");
    let bytes = dispute().to_bytes().unwrap();
    let elsewhere = DisputeFile::verify(&bytes, &digest(1), None);
    assert_eq!(elsewhere, Err(DisputeError::Network { expected: digest(1), found: NETWORK.id() }));
}

/// The file's bytes around its content.
fn content(bytes: &[u8]) -> &[u8] {
    let mut reader = crate::cbor::Reader::new(bytes);
    reader.tuple(3).unwrap();
    assert_eq!(reader.text(40).unwrap(), Domain::Dispute.text());
    Digest::decode(&mut reader).unwrap();
    reader.bytes(usize::MAX).unwrap()
}

#[test]
fn any_damaged_byte_is_refused() {
    let bytes = dispute().to_bytes().unwrap();
    assert_eq!(DisputeFile::read(&bytes).unwrap(), dispute());
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << (at % 8);
        DisputeFile::verify(&damaged, &NETWORK.id(), None).unwrap_err();
    }
    for end in [0, 1, 40, bytes.len() - 1] {
        DisputeFile::verify(&bytes[..end], &NETWORK.id(), None).unwrap_err();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Also where whoever changes a byte writes the digest anew.
    #[test]
    fn a_changed_byte_under_a_right_digest_is_refused_or_changes_nothing(at: prop::sample::Index, bit in 0u8..8) {
        let bytes = dispute().to_bytes().unwrap();
        let mut content = content(&bytes).to_vec();
        let at = at.index(content.len());
        content[at] ^= 1 << bit;
        let found = DisputeFile::verify(&crate::framed::frame(crate::hash::Domain::Dispute, &content), &NETWORK.id(), None);
        if let Ok(found) = found {
            prop_assert_eq!(found, verify(&dispute()).unwrap());
        }
    }
}

/// A dispute about what the sender deposited with `customs-jp`: number 5, which the recipient leaves without an answer.
fn deposited() -> (DisputeFile, Vec<u8>) {
    use crate::exchange::deposit_tests::{KEEPING, kept, log_of};
    let all = std::iter::once(&NETWORK.charter).chain(&NETWORK.cards).chain(&KEEPING.1);
    let mut file = DisputeFile::new(channel(), all.map(Encode::to_cbor).collect());
    let dispatch = kept(5, |_| ());
    file.arrivals = vec![Arrival::Dispatch(dispatch.envelope())];
    let mut proof = TlogProof::parse(&log_of(&dispatch).receipt(0)).unwrap();
    let mut note = Note::parse(&proof.checkpoint).unwrap();
    for party in [&NETWORK.post, &NETWORK.customs, &NETWORK.auditor] {
        note.cosign(&witness_name(&party.origin()), party.witness_key(), NOW.0 / 1_000 + 9).unwrap();
    }
    proof.checkpoint = note.to_bytes();
    (file, proof.to_bytes())
}

#[test]
fn a_deposit_proves_that_what_is_withheld_lay_with_a_third_from_a_time_on() {
    let (mut file, receipt) = deposited();
    let verdict = |file: &DisputeFile| {
        let found = DisputeFile::verify(&file.to_bytes().unwrap(), &NETWORK.id(), Some(NOW)).unwrap();
        let [number] = &found.numbers[..] else { panic!("{found:?}") };
        (number.verdict, number.class, number.facts.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    let (without, class, _) = verdict(&file);
    assert_eq!((without, class), (Verdict::Unanswered, Some(Class::Withheld)));
    file.deposits = vec![Deposited { with: NETWORK.other.node.clone(), receipt: receipt.clone() }];
    let (with, class, facts) = verdict(&file);
    assert_eq!((with, class), (Verdict::Deposited, Some(Class::Withheld)));
    let time = Millis(NOW.0 / 1_000 * 1_000 + 9_000);
    let lay = format!("lay sealed with customs-jp/n1 for the recipient; witnessed at {time}");
    assert!(facts.iter().any(|fact| fact.contains(&lay)), "{facts:?}");
    // Without its cosignatures it is signed only.
    let mut signed = TlogProof::parse(&receipt).unwrap();
    let mut note = Note::parse(&signed.checkpoint).unwrap();
    note.signatures.truncate(1);
    signed.checkpoint = note.to_bytes();
    file.deposits[0].receipt = signed.to_bytes();
    let (with, _, facts) = verdict(&file);
    assert_eq!(with, Verdict::Unanswered);
    assert!(facts.iter().any(|fact| fact.ends_with("not witnessed in this file")), "{facts:?}");
}

#[test]
fn a_deposit_that_no_agreement_of_the_file_names_refuses_it() {
    let (mut file, receipt) = deposited();
    let refused = |file: &DisputeFile| {
        DisputeFile::verify(&file.to_bytes().unwrap(), &NETWORK.id(), None).unwrap_err().to_string()
    };
    // The log of another node; a receipt of another kind; another channel.
    file.deposits = vec![Deposited { with: NETWORK.auditor.node.clone(), receipt: receipt.clone() }];
    assert!(refused(&file).starts_with("deposit receipt 0 of the dispute file"), "{}", refused(&file));
    file.deposits = vec![Deposited { with: NETWORK.customs.node.clone(), receipt: CASE.log.receipt(0) }];
    assert!(refused(&file).contains("another kind of entry"), "{}", refused(&file));
    file.deposits = vec![Deposited { with: NETWORK.other.node.clone(), receipt }];
    file.channel.lane = Lane::Urgent;
    assert!(refused(&file).contains("about the channel"), "{}", refused(&file));
    // The depositary wrote it under an agreement that names nobody.
    let mut file = empty();
    let (header, envelope) = envelope(5, 5);
    let skeleton = Skeleton {
        kind: EntryKind::Deposited,
        agreement: header.agreement_digest,
        channel: header.channel,
        number: 5,
        due: NOW.day(),
    };
    let body = crate::exchange::SentBody { dispatch: envelope.digest() }.to_cbor();
    let receipt = Log::of(&NETWORK.other, &[Told { skeleton, body, evidence: None }]).receipt(0);
    file.deposits = vec![Deposited { with: NETWORK.other.node.clone(), receipt }];
    assert!(refused(&file).contains("no row of the agreement"), "{}", refused(&file));
}
