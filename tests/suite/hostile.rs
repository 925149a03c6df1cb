//! Peers that speak the protocol and mean no good: each gets its own answer, is counted, and changes the log only where a
//! verdict is due.
//!
//! The peer is a member's own node identity in the hands of the test: its transport and sign keys, without its daemon.

mod attached;
mod driver;
mod transport;
mod witness;

use std::sync::Arc;

use luxor_node::Folder;
use luxor_node::folder::NodeKeys;
use luxor_node::net::{Net, NetConfig, Peer, TransportKey, start};
use luxor_node::seal::Recipient;
use luxor_protocol::cbor::{Decode, Encode, Writer};
use luxor_protocol::document::Directory;
use luxor_protocol::exchange::{
    Answer, Channel, Dispatch, DispatchHeader, ErrorCode, Lack, Lane, Outcome, RefusalCode, Rejection, Request,
    Withdrawal, WithdrawalHeader, pack, read_receipt,
};
use luxor_protocol::hash::Digest;
use luxor_protocol::limits::MAX_REQUEST_BYTES;
use luxor_protocol::names::Purpose;
use luxor_protocol::record::{
    Batch, BatchHeader, DECLARATION, Fault, GroupSet, SealedRecord, batch_root, content_from_json,
};
use luxor_protocol::time::Millis;
use luxor_tests::{Daemon, Network, agreement, luxor, until};
use serde_json::json;

struct Hostile {
    net: Net,
    keys: NodeKeys,
    documents: Directory,
}

/// A good dispatch before it is sealed and signed; a test spoils it first.
struct Draft {
    header: DispatchHeader,
    /// The encoded views.
    content: Vec<u8>,
    /// Whose seal it gets.
    sealed_to: &'static str,
    /// What is sealed, where it is not the packed content.
    packed: Option<Vec<u8>>,
    /// Done to the encoded header before it is signed.
    patch: fn(&mut Vec<u8>),
    /// Done to the finished dispatch.
    spoil: fn(&mut Dispatch),
}

impl Hostile {
    async fn new(network: &Network, secret: Option<[u8; 32]>) -> Self {
        Self::of(network, "sender", secret).await
    }

    async fn of(network: &Network, member: &str, secret: Option<[u8; 32]>) -> Self {
        let folder = Folder::new(network.dir(member));
        let (keys, documents) = (folder.keys().unwrap(), folder.documents().unwrap());
        let target = documents.node(&"recipient/n1".parse().unwrap()).unwrap();
        let key = TransportKey(target.card.transport.current().bytes());
        let peer = Peer { key, addresses: target.card.addresses.clone() };
        let secret = secret.unwrap_or(*keys.transport.seed());
        let config = NetConfig { max_request_bytes: 2 * MAX_REQUEST_BYTES, ..NetConfig::default() };
        let (inbound, _requests) = tokio::sync::mpsc::channel(1);
        let net = start(config, &secret, vec![peer], inbound).await.unwrap();
        Self { net, keys, documents }
    }

    async fn ask(&self, request: Vec<u8>) -> Result<Answer, String> {
        let target = self.documents.node(&"recipient/n1".parse().unwrap()).unwrap();
        let key = TransportKey(target.card.transport.current().bytes());
        let answer = self.net.handle().request(key, Arc::from(request)).await.map_err(|e| e.to_string())?;
        Ok(Answer::from_cbor(&answer).unwrap())
    }

    fn network(&self) -> Digest {
        self.documents.network()
    }

    fn channel(&self) -> Channel {
        let (sender, recipient) = ("sender/n1".parse().unwrap(), "recipient/n1".parse().unwrap());
        Channel { sender, recipient, epoch: 1, lane: Lane::Ordinary }
    }

    fn record(&self) -> SealedRecord {
        let content = content_from_json(&json!({"type": "declaration", "filing": {"own_reference": "H"},
            "item": {"id": "RR473124829GB"}, "route": {"destination": "KR"}}))
        .unwrap();
        SealedRecord::new("sender".parse().unwrap(), content, None, [7; 16], [8; 32].into())
    }

    /// A dispatch of so many records that is right in everything.
    fn draft_of(&self, number: u64, records: usize) -> Draft {
        let records: Vec<SealedRecord> = (0..records).map(|_| self.record()).collect();
        let roots: Vec<Digest> = records.iter().map(SealedRecord::root).collect();
        let batch = BatchHeader {
            node: "sender/n1".parse().unwrap(),
            table: &DECLARATION,
            count: roots.len(),
            root: batch_root(&roots),
            signed_at: Millis(1),
        };
        let agreement = self.documents.agreements().find(|(_, a)| a.id.as_str() == "ab").unwrap();
        let view = groups(&["item", "route"]);
        let header = DispatchHeader {
            network: self.network(),
            channel: self.channel(),
            number,
            batch: Batch::sign(batch, &self.network(), &self.keys.sign),
            agreement: agreement.1.id.clone(),
            agreement_digest: agreement.0,
            purpose: Purpose::Delivery,
            view,
            retention_days: 30,
            source: None,
            sent_at: Millis(1),
            receipts_held_up_to: 0,
        };
        let mut draft = Draft {
            header,
            content: Vec::new(),
            sealed_to: "recipient/n1",
            packed: None,
            patch: |_| {},
            spoil: |_| {},
        };
        draft.show(&records, view);
        draft
    }

    fn draft(&self, number: u64) -> Draft {
        self.draft_of(number, 1)
    }

    fn finish(&self, draft: Draft) -> Dispatch {
        let mut header = draft.header.to_cbor();
        (draft.patch)(&mut header);
        let packed = draft.packed.unwrap_or_else(|| pack(&DispatchHeader::digest(&header), &draft.content).unwrap());
        let target = self.documents.node(&draft.sealed_to.parse().unwrap()).unwrap();
        let sealed = Recipient::parse(target.card.seal_to()).unwrap().seal(&packed).unwrap();
        let mut dispatch = Dispatch::sign(&draft.header.network, header, sealed, &self.keys.sign);
        (draft.spoil)(&mut dispatch);
        dispatch
    }

    async fn send(&self, dispatch: &Dispatch) -> Answer {
        self.ask(Request::Dispatch(dispatch.clone()).to_cbor()).await.unwrap()
    }

    fn withdrawal(&self, number: u64, dispatch: Digest) -> WithdrawalHeader {
        let (network, channel) = (self.network(), self.channel());
        WithdrawalHeader { network, channel, number, dispatch, agreement: Digest([5; 32]), withdrawn_at: Millis(1) }
    }

    async fn withdraw(&self, withdrawal: &Withdrawal) -> Answer {
        self.ask(Request::Withdrawal(withdrawal.clone()).to_cbor()).await.unwrap()
    }

    /// Index and verdict of a receipt for this dispatch.
    fn receipt(&self, dispatch: &Digest, answer: &Answer) -> (u64, Outcome) {
        let Answer::Receipt(proof) = answer else { panic!("{answer:?}") };
        let recipient = self.documents.node(&"recipient/n1".parse().unwrap()).unwrap();
        let receipt = read_receipt(recipient, dispatch, proof).unwrap();
        (receipt.index, receipt.body.outcome)
    }

    fn outcome(&self, dispatch: &Dispatch, answer: &Answer) -> (u64, Outcome) {
        self.receipt(&dispatch.envelope().digest(), answer)
    }
}

impl Draft {
    /// Shows these groups of the records, whatever the header says.
    fn show(&mut self, records: &[SealedRecord], view: GroupSet) {
        let mut views = Writer::new();
        views.array(records.len());
        records.iter().for_each(|record| record.encode_view(view, &mut views));
        self.content = views.into_bytes();
    }

    /// Signs the batch with another root.
    fn set_root(&mut self, root: Digest, peer: &Hostile) {
        let header = BatchHeader { root, ..self.header.batch.header.clone() };
        self.header.batch = Batch::sign(header, &peer.network(), &peer.keys.sign);
    }
}

fn groups(names: &[&str]) -> GroupSet {
    DECLARATION.set(names.iter().copied()).unwrap()
}

fn found() -> Network {
    let flow = |from: &str| {
        agreement(&format!("{from}b"), from, "recipient", "declaration", "delivery", "[\"item\", \"route\"]")
    };
    let flows = [flow("sender").replace("\"senderb\"", "\"ab\""), flow("other")];
    let members = [("sender", "platform", "CN"), ("recipient", "customs", "KR"), ("other", "post", "CN")];
    Network::found(&members, &flows)
}

/// Entries behind those about documents, with which the log begins.
fn entries(node: &Daemon) -> u64 {
    node.get("/v1/status")["log_entries"].as_u64().unwrap() - node.documents()
}

/// Errors counted, all codes together and this one.
fn counted(node: &Daemon, code: Option<ErrorCode>) -> (u64, u64) {
    let errors = node.get("/v1/status")["errors"].as_object().unwrap().clone();
    let of = code.and_then(|code| errors.get(code.word())?.as_u64());
    (errors.values().map(|n| n.as_u64().unwrap()).sum(), of.unwrap_or(0))
}

fn code(answer: &Answer) -> ErrorCode {
    match answer {
        Answer::Error { code, .. } => *code,
        other => panic!("{other:?}"),
    }
}

/// What must come back.
enum Expected {
    Error(ErrorCode),
    Later(Lack),
    Resend(u64),
    Verdict(Outcome),
}

type Case = (&'static str, fn(&mut Draft, &Hostile), Expected);

/// Everything that may be wrong with a dispatch, in the order of the checks, each answered in its own way.
const DISPATCHES: [Case; 30] = [
    ("a header with a byte too many", |d, _| d.patch = |header| header.push(0), error(ErrorCode::Undecodable)),
    ("number 0", |d, _| d.header.number = 0, error(ErrorCode::Undecodable)),
    ("a type version of tomorrow", |d, _| d.patch = next_version, Expected::Later(Lack::Version)),
    (
        "a type version of tomorrow, not signed",
        |d, _| (d.patch, d.spoil) = (next_version, |dispatch: &mut Dispatch| dispatch.signature[9] ^= 1),
        error(ErrorCode::BadSignature),
    ),
    ("another network", |d, _| d.header.network = Digest([1; 32]), error(ErrorCode::WrongNetwork)),
    ("another recipient", |d, _| d.header.channel.recipient = "other/n1".parse().unwrap(), error(ErrorCode::NotForMe)),
    ("another sender", |d, _| d.header.channel.sender = "other/n1".parse().unwrap(), error(ErrorCode::WrongSender)),
    ("a flipped signature bit", |d, _| d.spoil = |dispatch| dispatch.signature[5] ^= 1, error(ErrorCode::BadSignature)),
    ("a flipped sealed bit", |d, _| d.spoil = |dispatch| dispatch.sealed[50] ^= 1, error(ErrorCode::BadSignature)),
    ("an epoch that is over", |d, _| d.header.channel.epoch = 0, error(ErrorCode::WrongEpoch)),
    ("an epoch to come", |d, _| d.header.channel.epoch = 2, Expected::Later(Lack::Card)),
    ("an unknown agreement", |d, _| d.header.agreement_digest = Digest([2; 32]), Expected::Later(Lack::Agreement)),
    (
        "a view that no agreement gives",
        |d, p| {
            d.header.view = groups(&["item", "route", "filing"]);
            d.show(&[p.record()], d.header.view);
        },
        refused(RefusalCode::NotPermitted),
    ),
    ("another purpose", |d, _| d.header.purpose = Purpose::Revenue, refused(RefusalCode::NotPermitted)),
    ("too long a retention", |d, _| d.header.retention_days = 31, refused(RefusalCode::NotPermitted)),
    (
        "the agreement under another name",
        |d, _| d.header.agreement = "other".parse().unwrap(),
        refused(RefusalCode::NotPermitted),
    ),
    (
        "a batch of another node",
        |d, p| {
            let header = BatchHeader { node: "other/n1".parse().unwrap(), ..d.header.batch.header.clone() };
            d.header.batch = Batch::sign(header, &p.network(), &p.keys.sign);
        },
        refused(RefusalCode::NotPermitted),
    ),
    ("an unsigned batch", |d, _| d.header.batch.signature[7] ^= 1, refused(RefusalCode::BatchSignature)),
    ("a seal to somebody else", |d, _| d.sealed_to = "other/n1", refused(RefusalCode::Unsealable)),
    (
        "the sealed part of another header",
        |d, _| d.packed = Some(pack(&Digest([3; 32]), &d.content).unwrap()),
        error(ErrorCode::ForeignSeal),
    ),
    ("a bomb", |d, _| d.packed = Some(packed(d, 21_000, 1_000)), refused(RefusalCode::Expansion)),
    (
        "more than any dispatch",
        |d, _| d.packed = Some(packed(d, 8 << 20 | 1, 8 << 20)),
        refused(RefusalCode::Expansion),
    ),
    ("a wrong padding", |d, _| d.packed = Some(packed(d, 10, 10)), refused(RefusalCode::Malformed)),
    ("no list of views", |d, _| d.content = b"rubbish".to_vec(), refused(RefusalCode::Malformed)),
    ("a view too many", |d, p| d.show(&[p.record(), p.record()], d.header.view), refused(RefusalCode::Malformed)),
    (
        "more than the header says",
        |d, p| d.show(&[p.record()], groups(&["item", "route", "filing"])),
        refused(RefusalCode::ShowsMore),
    ),
    ("another root", |d, p| d.set_root(Digest([4; 32]), p), refused(RefusalCode::BatchRoot)),
    (
        "a promised group that is hidden",
        |d, p| d.show(&[p.record()], groups(&["item"])),
        // As [`rejected`] says.
        Expected::Verdict(Outcome::Taken(Vec::new())),
    ),
    ("a number beyond the window", |d, _| d.header.number += 1_024, error(ErrorCode::NumberOutOfWindow)),
    (
        "the same, of a sender that holds more receipts than this node gave",
        |d, _| (d.header.receipts_held_up_to, d.header.number) = (d.header.number + 500, d.header.number + 1_024),
        Expected::Resend(15),
    ),
];

/// The only verdict above that takes something.
fn rejected() -> Outcome {
    Outcome::Taken(vec![Rejection { record: 0, fault: Fault::Missing, pointer: "/route".into() }])
}

const fn error(code: ErrorCode) -> Expected {
    Expected::Error(code)
}

const fn refused(code: RefusalCode) -> Expected {
    Expected::Verdict(Outcome::Refused(code))
}

// A vector because [`Draft::patch`] may also make it longer.
#[allow(clippy::ptr_arg)]
fn next_version(header: &mut Vec<u8>) {
    let name = b"declaration";
    let at = header.windows(name.len()).position(|window| window == name).unwrap() + name.len();
    assert_eq!(std::mem::replace(&mut header[at], 9), 1);
}

/// The right header digest, these lengths, and nothing of what they say.
fn packed(draft: &Draft, opened: u32, stored: u32) -> Vec<u8> {
    let digest = DispatchHeader::digest(&draft.header.to_cbor());
    [&digest.0, opened.to_be_bytes().as_slice(), stored.to_be_bytes().as_slice(), &[0; 11]].concat()
}

/// Sees that an answer is the expected one, that it alone was counted, and that the log grew by a verdict only.
struct Ledger {
    entries: u64,
    errors: u64,
}

impl Ledger {
    fn check(
        &mut self,
        node: &Daemon,
        what: &str,
        expected: &Expected,
        answer: &Answer,
        verdict: Option<(u64, Outcome)>,
    ) {
        let status = node.get("/v1/status");
        match (expected, answer) {
            (Expected::Error(code), Answer::Error { code: got, .. }) => {
                assert_eq!(got, code, "{what}: {answer:?}");
                self.errors += 1;
                assert!(status["errors"][code.word()].as_u64() > Some(0), "{what}: {status}");
            }
            (Expected::Later(lack), Answer::Later { lacks, .. }) => assert_eq!(lacks, lack, "{what}: {answer:?}"),
            (Expected::Resend(expected), Answer::Resend { after }) => assert_eq!(after, expected, "{what}"),
            (Expected::Verdict(outcome), Answer::Receipt(_)) => {
                assert_eq!(verdict, Some((self.entries, outcome.clone())), "{what}");
                self.entries += 1;
            }
            _ => panic!("{what}: {answer:?}"),
        }
        assert_eq!(status["log_entries"], self.entries, "{what}");
        assert_eq!(counted(node, None).0, self.errors, "{what}: {status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_hostile_dispatch_gets_its_own_answer() {
    let network = found();
    let node = network.start_alone("recipient");
    let peer = Hostile::new(&network, None).await;
    let mut ledger = Ledger { entries: node.documents(), errors: 0 };
    let (mut next, mut refusals) = (1, 0);
    let mut seen = std::collections::BTreeSet::new();
    for (what, spoil, expected) in DISPATCHES {
        let mut draft = peer.draft(next);
        spoil(&mut draft, &peer);
        let expected = match expected {
            Expected::Verdict(Outcome::Taken(_)) => Expected::Verdict(rejected()),
            other => other,
        };
        let dispatch = peer.finish(draft);
        let answer = peer.send(&dispatch).await;
        let verdict = matches!(answer, Answer::Receipt(_)).then(|| peer.outcome(&dispatch, &answer));
        ledger.check(&node, what, &expected, &answer, verdict);
        match expected {
            Expected::Verdict(outcome) => {
                // Final: the same again gets the same receipt, and nothing of it can be read.
                let index = node.documents() + next - 1;
                assert_eq!(peer.outcome(&dispatch, &peer.send(&dispatch).await), (index, outcome.clone()), "{what}");
                assert_eq!(node.get(&format!("/v1/inbox/{index}"))["records"], json!([]), "{what}");
                if let Outcome::Refused(code) = outcome {
                    refusals += 1;
                    seen.insert(code.word());
                }
                next += 1;
            }
            Expected::Error(code) => drop(seen.insert(code.word())),
            Expected::Later(lack) => drop(seen.insert(lack.word())),
            Expected::Resend(_) => {
                let missing = &node.get("/v1/status")["missing"][0];
                assert_eq!((&missing["first"], &missing["last"]), (&json!(next), &json!(next + 500)), "{missing}");
            }
        }
    }
    // What cannot be read off a dispatch's header: see the other tests of this file, of deposits those of the protocol, of a forked log those of witnesses, of
    // suspensions those of governance, and of sources the vectors.
    let everything =
        ErrorCode::ALL.iter().map(|code| code.word()).chain(RefusalCode::ALL.iter().map(|code| code.word()));
    let everything = everything.chain(Lack::ALL.iter().map(|lack| lack.word()));
    let elsewhere: Vec<&str> = everything.filter(|word| !seen.contains(word)).collect();
    let expected = "not_a_member oversized number_used no_mandate too_many_in_flight forked not_there erased bad_deletion other_statement no_deposit source_agreement source_dispatch source_signature source_receipt source_unwitnessed source_path capacity witnesses suspended membership";
    assert_eq!(elsewhere.join(" "), expected);

    // Rubbish and oversized.
    let asked = peer.ask(b"rubbish".to_vec()).await.unwrap();
    ledger.check(&node, "rubbish", &error(ErrorCode::Undecodable), &asked, None);
    let asked = peer.ask(vec![0; MAX_REQUEST_BYTES + 1]).await.unwrap();
    ledger.check(&node, "oversized", &error(ErrorCode::Oversized), &asked, None);
    // Nobody gave this member a mandate.
    let asked = peer.ask(Request::AuditRead { from: 0, count: 1 }.to_cbor()).await.unwrap();
    ledger.check(&node, "no mandate", &error(ErrorCode::NoMandate), &asked, None);
    for index in [0, u64::MAX] {
        let asked = peer.ask(Request::Proof { index }.to_cbor()).await.unwrap();
        ledger.check(&node, "nothing witnessed", &error(ErrorCode::NotThere), &asked, None);
    }

    // A good one, its replay, and other bytes under its number.
    let good = peer.finish(peer.draft(next));
    let answer = peer.send(&good).await;
    let taken = Expected::Verdict(Outcome::Taken(Vec::new()));
    ledger.check(&node, "a good one", &taken, &answer, Some(peer.outcome(&good, &answer)));
    assert_eq!(peer.outcome(&good, &peer.send(&good).await), peer.outcome(&good, &answer));
    let other = peer.send(&peer.finish(peer.draft(next))).await;
    ledger.check(&node, "a used number", &error(ErrorCode::NumberUsed), &other, None);

    let received = node.get("/v1/status")["received"].clone();
    let all = json!({"dispatches": next, "refused": refusals, "accepted": 1, "rejected": refusals + 1, "withdrawn": 0});
    assert_eq!(received, all);
    peer.net.shutdown().await;
    // None of it harms the log, nor a start from it.
    drop(node);
    let node = network.start_alone("recipient");
    assert_eq!((entries(&node), &node.get("/v1/status")["received"]), (next, &received));
    luxor(&["audit", "--node", node.dir().to_str().unwrap()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_hostile_withdrawal_gets_its_own_answer() {
    let network = found();
    let node = network.start_alone("recipient");
    let peer = Hostile::new(&network, None).await;
    let mut ledger = Ledger { entries: node.documents(), errors: 0 };
    let sign = |header: &WithdrawalHeader| Withdrawal::sign(header, &peer.keys.sign);
    let (first, second) = (peer.finish(peer.draft(1)), peer.finish(peer.draft(2)));
    let [digest, later] = [&first, &second].map(|dispatch| dispatch.envelope().digest());
    let good = peer.withdrawal(2, later);
    let with = |change: fn(&mut WithdrawalHeader)| {
        let mut header = good.clone();
        change(&mut header);
        sign(&header)
    };
    let mut unsigned = sign(&good);
    unsigned.signature[3] ^= 1;
    let mut long = sign(&good);
    long.header.push(0);
    let cases = [
        ("another signature", unsigned, error(ErrorCode::BadSignature)),
        ("a header with a byte too many", long, error(ErrorCode::Undecodable)),
        ("another network", with(|h| h.network = Digest([1; 32])), error(ErrorCode::WrongNetwork)),
        ("another recipient", with(|h| h.channel.recipient = "other/n1".parse().unwrap()), error(ErrorCode::NotForMe)),
        ("another sender", with(|h| h.channel.sender = "other/n1".parse().unwrap()), error(ErrorCode::WrongSender)),
        ("an epoch that is over", with(|h| h.channel.epoch = 0), error(ErrorCode::WrongEpoch)),
        ("an epoch to come", with(|h| h.channel.epoch = 2), Expected::Later(Lack::Card)),
        ("a number beyond the window", with(|h| h.number = 1_025), error(ErrorCode::NumberOutOfWindow)),
    ];
    for (what, withdrawal, expected) in cases {
        let answer = peer.withdraw(&withdrawal).await;
        ledger.check(&node, what, &expected, &answer, None);
    }

    // Of what came: the receipt given then. Of other bytes under its number: nothing.
    let answer = peer.send(&first).await;
    let taken = Expected::Verdict(Outcome::Taken(Vec::new()));
    ledger.check(&node, "a dispatch", &taken, &answer, Some(peer.outcome(&first, &answer)));
    let answer = peer.withdraw(&sign(&peer.withdrawal(1, digest))).await;
    assert_eq!(peer.receipt(&digest, &answer), (node.documents(), Outcome::Taken(Vec::new())));
    let answer = peer.withdraw(&sign(&peer.withdrawal(1, later))).await;
    ledger.check(&node, "another digest", &error(ErrorCode::NumberUsed), &answer, None);

    // Of what never came: logged, receipted, and final, whatever comes later.
    let answer = peer.withdraw(&sign(&good)).await;
    let verdict = Some(peer.receipt(&later, &answer));
    ledger.check(&node, "a withdrawal", &Expected::Verdict(Outcome::Withdrawn), &answer, verdict);
    assert_eq!(peer.outcome(&second, &peer.send(&second).await), (node.documents() + 1, Outcome::Withdrawn));
    let answer = peer.withdraw(&sign(&good)).await;
    assert_eq!(peer.receipt(&later, &answer), (node.documents() + 1, Outcome::Withdrawn));
    let answer = peer.send(&peer.finish(peer.draft(2))).await;
    ledger.check(&node, "other bytes under it", &error(ErrorCode::NumberUsed), &answer, None);
    let received = json!({"dispatches": 2, "refused": 0, "accepted": 1, "rejected": 0, "withdrawn": 1});
    assert_eq!(node.get("/v1/status")["received"], received);
    assert_eq!(node.get(&format!("/v1/inbox/{}", node.documents() + 1))["records"], json!([]));
    peer.net.shutdown().await;
    luxor(&["audit", "--node", node.dir().to_str().unwrap()]);
}

/// A stranger's connection is closed before any application stream: `not_a_member` needs a peer that net still knows and
/// the directory does not, see [`driver`].
#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_gets_no_answer_at_all() {
    let network = found();
    let node = network.start_alone("recipient");
    let stranger = Hostile::new(&network, Some([9; 32])).await;
    assert!(stranger.ask(vec![0]).await.is_err());
    assert!(node.get("/v1/status")["strangers"].as_u64().unwrap() > 0);
    assert_eq!((entries(&node), counted(&node, None).0), (0, 0));
    stranger.net.shutdown().await;
}

/// One check at a time and many dispatches at once: what is too much is refused without trace and taken when it comes again.
#[tokio::test(flavor = "multi_thread")]
async fn too_many_at_once_are_refused_and_taken_later() {
    let network = found();
    network.configure("recipient", "[limits]\nchecks_per_node = 1");
    let node = network.start_alone("recipient");
    let peer = Arc::new(Hostile::new(&network, None).await);
    let mut waiting: Vec<Dispatch> = (1..=64).map(|number| peer.finish(peer.draft_of(number, 50))).collect();
    let mut refused = 0;
    let mut indices = std::collections::BTreeSet::new();
    let mut rounds = 0;
    while !waiting.is_empty() {
        rounds += 1;
        assert!(rounds <= 64, "at least one of each round is taken");
        let asked: Vec<_> = waiting
            .drain(..)
            .map(|dispatch| {
                let peer = peer.clone();
                tokio::spawn(async move { (peer.send(&dispatch).await, dispatch) })
            })
            .collect();
        for answer in asked {
            let (answer, dispatch) = answer.await.unwrap();
            if matches!(answer, Answer::Receipt(_)) {
                assert!(indices.insert(peer.outcome(&dispatch, &answer).0));
            } else {
                assert_eq!(code(&answer), ErrorCode::TooManyInFlight);
                refused += 1;
                waiting.push(dispatch);
            }
        }
    }
    assert!(refused > 0);
    assert_eq!(counted(&node, Some(ErrorCode::TooManyInFlight)), (refused, refused));
    assert_eq!((entries(&node), indices.len()), (64, 64));
    assert_eq!(node.get("/v1/status")["received"]["accepted"], 64 * 50);
}
