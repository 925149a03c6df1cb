//! Peers that speak the protocol and mean no good: each gets its own answer, is counted, and changes nothing.
//!
//! The peer is the sender's own node identity in the hands of the test: its transport and sign keys, without its daemon.

use std::sync::Arc;

use luxor_node::Folder;
use luxor_node::folder::{LoadedDocuments, NodeKeys};
use luxor_node::net::{Net, NetConfig, Peer, TransportKey, start};
use luxor_node::seal::Recipient;
use luxor_protocol::cbor::{Decode, Encode, Writer};
use luxor_protocol::exchange::{
    Answer, Channel, Dispatch, DispatchHeader, ErrorCode, Lane, Outcome, RefusalCode, Request, pack, read_receipt,
};
use luxor_protocol::hash::Digest;
use luxor_protocol::limits::MAX_REQUEST_BYTES;
use luxor_protocol::names::Purpose;
use luxor_protocol::record::{Batch, BatchHeader, DECLARATION, GroupSet, SealedRecord, batch_root, content_from_json};
use luxor_protocol::time::Millis;
use luxor_tests::{Daemon, Network, agreement};
use serde_json::json;

struct Hostile {
    net: Net,
    keys: NodeKeys,
    documents: LoadedDocuments,
}

/// Everything that a test may want to be wrong.
struct Make {
    network: Digest,
    recipient: &'static str,
    number: u64,
    view: GroupSet,
}

impl Hostile {
    async fn new(network: &Network, secret: Option<[u8; 32]>) -> Self {
        let folder = Folder::new(network.dir("sender"));
        let (keys, documents) = (folder.keys().unwrap(), folder.documents().unwrap());
        let target = documents.directory.node(&"recipient/n1".parse().unwrap()).unwrap();
        let key = TransportKey(target.card.transport.bytes());
        let peer = Peer { key, addresses: target.card.addresses.clone() };
        let secret = secret.unwrap_or(*keys.transport.seed());
        let config = NetConfig { max_request_bytes: 2 * MAX_REQUEST_BYTES, ..NetConfig::default() };
        let (inbound, _requests) = tokio::sync::mpsc::channel(1);
        let net = start(config, &secret, vec![peer], inbound).await.unwrap();
        Self { net, keys, documents }
    }

    async fn ask(&self, request: Vec<u8>) -> Result<Answer, String> {
        let target = self.documents.directory.node(&"recipient/n1".parse().unwrap()).unwrap();
        let key = TransportKey(target.card.transport.bytes());
        let answer = self.net.handle().request(key, Arc::from(request)).await.map_err(|e| e.to_string())?;
        Ok(Answer::from_cbor(&answer).unwrap())
    }

    fn make(&self) -> Make {
        let permitted = DECLARATION.set(["item", "route"]).unwrap();
        Make { network: self.documents.directory.network(), recipient: "recipient/n1", number: 1, view: permitted }
    }

    fn dispatch(&self, make: &Make) -> Dispatch {
        let content = content_from_json(&json!({"type": "declaration", "filing": {"own_reference": "H"},
            "route": {"destination": "KR"}}))
        .unwrap();
        let record = SealedRecord::new("sender".parse().unwrap(), content, None, [7; 16], zeroize_seed([8; 32]));
        let node = "sender/n1".parse().unwrap();
        let root = batch_root(&[record.root()]);
        let batch = BatchHeader { node, table: &DECLARATION, count: 1, root, signed_at: Millis(1) };
        let agreement = self.documents.directory.agreements().next().unwrap();
        let header = DispatchHeader {
            network: make.network,
            channel: Channel {
                sender: "sender/n1".parse().unwrap(),
                recipient: make.recipient.parse().unwrap(),
                epoch: 1,
                lane: Lane::Ordinary,
            },
            number: make.number,
            batch: Batch::sign(batch, &make.network, &self.keys.sign),
            agreement: agreement.1.id.clone(),
            agreement_digest: agreement.0,
            purpose: Purpose::Delivery,
            view: make.view,
            retention_days: 30,
            sent_at: Millis(1),
            receipts_held_up_to: 0,
        }
        .to_cbor();
        let mut views = Writer::new();
        views.array(1);
        record.view(make.view).encode(&mut views);
        let packed = pack(&DispatchHeader::digest(&header), &views.into_bytes()).unwrap();
        let target = self.documents.directory.node(&"recipient/n1".parse().unwrap()).unwrap();
        let sealed = Recipient::parse(&target.card.seal).unwrap().seal(&packed).unwrap();
        Dispatch::sign(&make.network, header, sealed, &self.keys.sign)
    }

    async fn send(&self, dispatch: &Dispatch) -> Answer {
        self.ask(Request::Dispatch(dispatch.clone()).to_cbor()).await.unwrap()
    }

    fn outcome(&self, dispatch: &Dispatch, answer: &Answer) -> (u64, Outcome) {
        let Answer::Receipt(proof) = answer else { panic!("{answer:?}") };
        let recipient = self.documents.directory.node(&"recipient/n1".parse().unwrap()).unwrap();
        let receipt = read_receipt(recipient, &dispatch.envelope().digest(), proof).unwrap();
        (receipt.index, receipt.body.outcome)
    }
}

fn zeroize_seed(seed: [u8; 32]) -> luxor_protocol::record::Seed {
    seed.into()
}

fn found() -> Network {
    let flow = agreement("ab", "sender", "recipient", "declaration", "delivery", "[\"item\", \"route\"]");
    Network::found(&[("sender", "platform", "CN"), ("recipient", "customs", "KR")], &[flow])
}

fn entries(node: &Daemon) -> u64 {
    node.get("/v1/status")["log_entries"].as_u64().unwrap()
}

fn counted(node: &Daemon, code: &str) -> u64 {
    node.get("/v1/status")["errors"][code].as_u64().unwrap_or(0)
}

fn code(answer: &Answer) -> ErrorCode {
    match answer {
        Answer::Error { code, .. } => *code,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_hostile_peer_gets_its_own_answer_and_changes_nothing() {
    let network = found();
    let node = network.start("recipient");

    // Not a member: closed before any application stream.
    let stranger = Hostile::new(&network, Some([9; 32])).await;
    assert!(stranger.ask(vec![0]).await.is_err());
    assert!(node.get("/v1/status")["strangers"].as_u64().unwrap() > 0);
    stranger.net.shutdown().await;

    let peer = Hostile::new(&network, None).await;
    let good = peer.dispatch(&peer.make());
    let wrong_network = peer.dispatch(&Make { network: Digest([1; 32]), ..peer.make() });
    let not_for_me = peer.dispatch(&Make { recipient: "sender/n2", ..peer.make() });
    let mut bad_signature = good.clone();
    bad_signature.signature[5] ^= 1;
    let far = peer.dispatch(&Make { number: 5_000, ..peer.make() });
    for (dispatch, expected) in [
        (&wrong_network, ErrorCode::WrongNetwork),
        (&not_for_me, ErrorCode::NotForMe),
        (&bad_signature, ErrorCode::BadSignature),
        (&far, ErrorCode::NumberOutOfWindow),
    ] {
        assert_eq!(code(&peer.send(dispatch).await), expected);
        assert_eq!(counted(&node, expected.word()), 1);
    }
    // Rubbish and oversized.
    assert_eq!(code(&peer.ask(b"rubbish".to_vec()).await.unwrap()), ErrorCode::Undecodable);
    assert_eq!(counted(&node, "undecodable"), 1);
    assert_eq!(code(&peer.ask(vec![0; MAX_REQUEST_BYTES + 1]).await.unwrap()), ErrorCode::Oversized);
    assert_eq!(counted(&node, "oversized"), 1);
    // Nobody gave this member a mandate.
    let read = Request::AuditRead { from: 0, count: 1 }.to_cbor();
    assert_eq!(code(&peer.ask(read).await.unwrap()), ErrorCode::NoMandate);
    assert_eq!(entries(&node), 0);

    // A replay gets the same receipt; other bytes under the same number are refused.
    let first = peer.outcome(&good, &peer.send(&good).await);
    assert_eq!(first, (0, Outcome::Taken(Vec::new())));
    assert_eq!(peer.outcome(&good, &peer.send(&good).await), first);
    let other = peer.dispatch(&peer.make());
    assert_eq!(code(&peer.send(&other).await), ErrorCode::NumberUsed);
    assert_eq!((counted(&node, "number_used"), entries(&node)), (1, 1));

    // A view that no agreement gives: refused for good, logged and receipted, nothing of it stored.
    let more = DECLARATION.set(["item", "route", "filing"]).unwrap();
    let unpermitted = peer.dispatch(&Make { number: 2, view: more, ..peer.make() });
    let refused = peer.outcome(&unpermitted, &peer.send(&unpermitted).await);
    assert_eq!(refused, (1, Outcome::Refused(RefusalCode::NotPermitted)));
    let status = node.get("/v1/status");
    assert_eq!((&status["received"]["accepted"], &status["received"]["refused"]), (&json!(1), &json!(1)));
    assert_eq!(node.get("/v1/inbox/1")["records"], json!([]));
    peer.net.shutdown().await;
}
