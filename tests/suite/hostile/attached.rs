//! Attached files between a node and a peer that means no good: it gets nothing that it was not shown, and nothing wrong that it gives is
//! kept.

use std::sync::Arc;
use std::time::Duration;

use luxor_node::net::{Inbound, NetConfig, Peer, TransportKey, start};
use luxor_node::seal::Recipient;
use luxor_protocol::cbor::{Decode as _, Encode as _};
use luxor_protocol::exchange::{Answer, AttachmentRange, ErrorCode, Lack, Lane, Request, ShownIn, range_value};
use luxor_protocol::hash::Digest;
use luxor_protocol::limits::{ATTACHMENT_RANGE_BYTES, MAX_ANSWER_BYTES};
use luxor_protocol::record::{BatchHeader, DECLARATION_3, SealedRecord, batch_root, content_from_json};
use luxor_protocol::time::Millis;
use luxor_tests::{Daemon, Network, luxor_json, until};
use serde_json::json;
use tokio::sync::mpsc::Receiver;

use super::{Batch, Draft, Hostile, Outcome, Purpose};
use crate::attachments::{content, flow};

const RANGE: usize = ATTACHMENT_RANGE_BYTES as usize;

/// A member in the hands of the test, connected to `target`, with what is asked of it.
async fn listening(network: &Network, member: &str, target: &str) -> (Hostile, Receiver<Inbound>) {
    let folder = luxor_node::Folder::new(network.dir(member));
    let (keys, documents) = (folder.keys().unwrap(), folder.documents().unwrap());
    let node = documents.node(&format!("{target}/n1").parse().unwrap()).unwrap();
    let key = TransportKey(node.card.transport.current().bytes());
    let peer = Peer { key, addresses: node.card.addresses.clone() };
    let config = NetConfig { max_answer_bytes: MAX_ANSWER_BYTES, ..NetConfig::default() };
    let (inbound, requests) = tokio::sync::mpsc::channel(8);
    let net = start(config, &keys.transport.seed(), vec![peer], inbound).await.unwrap();
    (Hostile { net, keys, documents }, requests)
}

impl Hostile {
    async fn ask_of(&self, target: &str, request: &Request) -> Answer {
        let node = self.documents.node(&format!("{target}/n1").parse().unwrap()).unwrap();
        let key = TransportKey(node.card.transport.current().bytes());
        let answer = self.net.handle().request(key, Arc::new(request.to_cbor())).await.unwrap();
        Answer::from_cbor(&answer).unwrap()
    }

    async fn range(&self, digest: Digest, number: u64, offset: u64) -> Answer {
        let shown_in = ShownIn { epoch: 1, lane: Lane::Ordinary, number };
        self.ask_of("sender", &Request::Attachment { digest, shown_in, offset }).await
    }
}

fn two() -> Network {
    let groups = "[\"filing\", \"item\", \"route\", \"attachments\"]";
    let flows = [
        flow("ab", "sender", "recipient", "delivery", groups),
        flow("ac", "sender", "other", "delivery", "[\"filing\", \"item\", \"route\"]"),
    ];
    let members = [("sender", "platform", "CN"), ("recipient", "customs", "KR"), ("other", "post", "CN")];
    Network::found(&members, &flows)
}

fn attach(network: &Network, node: &Daemon, name: &str, bytes: &[u8]) {
    let file = network.root.path().join(name);
    std::fs::write(&file, bytes).unwrap();
    luxor_json(&["attach", "--node", node.dir().to_str().unwrap(), file.to_str().unwrap()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_gives_a_file_to_whom_it_was_shown_while_it_may_and_to_nobody_else() {
    let network = two();
    let sender = network.start_alone("sender");
    let (bytes, digest) = content(21, 2 * RANGE + 7);
    let (_, unnamed) = content(22, 100);
    attach(&network, &sender, "one.bin", &bytes);
    attach(&network, &sender, "two.bin", &content(22, 100).0);
    let record = json!({"type": "declaration", "version": 3, "filing": {"own_reference": "A"}, "item": {"id": "ITEM-A"},
        "route": {"destination": "KR"}, "attachments": [{"digest": digest.hex(), "size": bytes.len()}]});
    let result = sender.put("one", 0, &[record]).unwrap();
    assert_eq!(result["dispatches"], 2, "{result}");

    let (recipient, _requests) = listening(&network, "recipient", "sender").await;
    let (other, _requests_too) = listening(&network, "other", "sender").await;
    let not_there =
        |answer: Answer| assert!(matches!(answer, Answer::Error { code: ErrorCode::NotThere, .. }), "{answer:?}");
    for (at, range) in bytes.chunks(RANGE).enumerate() {
        let offset = (at * RANGE) as u64;
        let Answer::Attachment(sealed) = recipient.range(digest, 1, offset).await else {
            panic!("no range at {offset}")
        };
        assert!(!sealed.windows(64).any(|window| window == &range[..64.min(range.len())]) || range.len() < 64);
        let opened = AttachmentRange::from_cbor(&recipient.keys.seal.open(&sealed).unwrap()).unwrap();
        assert_eq!(opened.verify(&digest, bytes.len() as u64, offset), Ok(()));
        assert!(opened.bytes == range);
        // Who is not shown the group, by its own dispatch or by another's.
        for number in [1, 2] {
            not_there(other.range(digest, number, offset).await);
        }
    }
    not_there(recipient.range(digest, 2, 0).await);
    not_there(recipient.range(digest, 1, 3 * RANGE as u64).await);
    not_there(recipient.range(unnamed, 1, 0).await);
    not_there(recipient.range(Digest([9; 32]), 1, 0).await);
    // Many at once get one after the other, or are told to come again.
    let (first, second) = tokio::join!(recipient.range(digest, 1, 0), recipient.range(digest, 1, 0));
    let given = [&first, &second].into_iter().filter(|answer| matches!(answer, Answer::Attachment(_))).count();
    let later = |answer: &Answer| matches!(answer, Answer::Later { lacks: Lack::Capacity, .. });
    assert!(given == 2 || (given == 1 && (later(&first) || later(&second))), "{first:?} {second:?}");
    // What is withdrawn gives nothing any more.
    let withdrawn =
        sender.post("/v1/outbox/withdrawals", &json!({"recipient": "recipient/n1", "lane": "ordinary", "number": 1}));
    assert_eq!(withdrawn.0, 200, "{}", withdrawn.1);
    not_there(recipient.range(digest, 1, 0).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_bytes_are_told_with_their_place_and_peer_and_none_of_them_is_kept() {
    let network = two();
    let node = network.start_alone("recipient");
    let (bytes, digest) = content(23, 3 * RANGE);
    let (peer, mut requests) = listening(&network, "sender", "recipient").await;
    let content = content_from_json(&json!({"type": "declaration", "version": 3, "filing": {"own_reference": "H"},
        "item": {"id": "ITEM-H"}, "route": {"destination": "KR"},
        "attachments": [{"digest": digest.hex(), "size": bytes.len()}]}))
    .unwrap();
    let record = SealedRecord::new("sender".parse().unwrap(), content, None, [7; 16], [8; 32].into());
    let mut draft: Draft = peer.draft(1);
    let view = DECLARATION_3.set(["filing", "item", "route", "attachments"]).unwrap();
    let header = BatchHeader {
        node: "sender/n1".parse().unwrap(),
        table: &DECLARATION_3,
        count: 1,
        root: batch_root(&[record.root()]),
        signed_at: Millis(1),
    };
    draft.header.batch = Batch::sign(header, &peer.network(), &peer.keys.sign);
    (draft.header.view, draft.header.purpose) = (view, Purpose::Delivery);
    draft.show(&[record], view);
    let dispatch = peer.finish(draft);
    let answer = peer.send(&dispatch).await;
    assert_eq!(peer.outcome(&dispatch, &answer).1, Outcome::Taken(Vec::new()));

    let (pieces, outline): (Vec<_>, Vec<_>) = bytes
        .chunks(RANGE)
        .enumerate()
        .map(|(at, range)| (range.to_vec(), range_value((at * RANGE) as u64, range)))
        .unzip();
    let right = |offset: u64| AttachmentRange {
        size: bytes.len() as u64,
        outline: outline.clone(),
        bytes: pieces[offset as usize / RANGE].clone(),
    };
    let to = |member: &str| {
        let node = peer.documents.node(&format!("{member}/n1").parse().unwrap()).unwrap();
        Recipient::parse(node.card.seal_to()).unwrap()
    };
    let seal = |range: &AttachmentRange| Answer::Attachment(to("recipient").seal(&range.to_cbor()).unwrap());
    let fetch = || node.post(&format!("/v1/attachments/{digest}/fetch"), &json!(null));
    let state = || node.get(&format!("/v1/attachments/{digest}"));
    // What comes back for each range asked for: right ones up to the second, then everything that may be wrong.
    let mut flipped = right(RANGE as u64);
    flipped.bytes[77] ^= 4;
    let mut outline = right(RANGE as u64);
    outline.outline[2][0] ^= 1;
    let mut size = right(RANGE as u64);
    size.size -= 1;
    let short = AttachmentRange { bytes: pieces[1][..RANGE - 1].to_vec(), ..right(RANGE as u64) };
    let wrong = [
        (seal(&flipped), "sender/n1: a byte from 1048576 to 2097152 is wrong"),
        (seal(&right(0)), "sender/n1: a byte from 1048576 to 2097152 is wrong"),
        (seal(&short), "sender/n1: a byte from 1048576 to 2097152 is wrong"),
        (seal(&outline), "sender/n1: what came as the outline of the file does not lead to its digest"),
        (seal(&size), "sender/n1: it is one of a file of 3145727 bytes; the record says 3145728"),
        (Answer::Attachment(to("other").seal(&right(RANGE as u64).to_cbor()).unwrap()), "is not sealed to this node"),
        (Answer::Attachment(to("recipient").seal(b"no range").unwrap()), "is no range"),
        (Answer::DeletionNoted, "answered something else than a range"),
        (Answer::error(ErrorCode::NotThere, "nothing"), "sender/n1: not_there: nothing"),
    ];
    assert_eq!(fetch().0, 200);
    for (at, (answer, why)) in wrong.into_iter().enumerate() {
        let asked = next(&mut requests).await;
        let (offset, inbound) = if at == 0 {
            // The first range is right, and kept.
            let (offset, inbound) = asked;
            assert_eq!(offset, 0);
            inbound.reply.send(seal(&right(0)).to_cbor());
            next(&mut requests).await
        } else {
            asked
        };
        assert_eq!(offset, RANGE as u64, "{why}");
        inbound.reply.send(answer.to_cbor());
        let told = until(why, || state()["why"].as_str().filter(|told| told.contains(why)).map(str::to_owned));
        assert!(told.contains(why), "{told}");
        assert_eq!(state()["have"], RANGE, "{why}");
        assert_eq!(fetch().0, 200);
    }
    for expected in [RANGE, 2 * RANGE] {
        let (offset, inbound) = next(&mut requests).await;
        assert_eq!(offset, expected as u64);
        inbound.reply.send(seal(&right(offset)).to_cbor());
    }
    until("the file", || (state()["state"] == "here").then_some(()));
    drop(node);
    luxor_tests::check(&network.dir("recipient"));
}

/// The next range that is asked for; whatever else is asked is not answered.
async fn next(requests: &mut Receiver<Inbound>) -> (u64, Inbound) {
    loop {
        let inbound = tokio::time::timeout(Duration::from_secs(60), requests.recv()).await.unwrap().unwrap();
        if let Ok(Request::Attachment { offset, .. }) = Request::from_cbor(&inbound.body) {
            return (offset, inbound);
        }
    }
}
