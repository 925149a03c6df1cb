//! Below the requests: frames that end early, never end or announce too much, and more streams than a connection has.
//!
//! Another member's node sends good dispatches meanwhile, and each of them must be answered.

use std::io;
use std::time::Duration;

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, StreamExt};
use libp2p::request_response::{self, Codec, Event, Message, ProtocolSupport};
use libp2p::swarm::SwarmEvent;
use libp2p::{Multiaddr, PeerId, StreamProtocol, Swarm, SwarmBuilder, identity, noise, tcp, yamux};

use super::*;

/// Bytes on a stream, as they are.
#[derive(Debug, Clone)]
struct Raw {
    bytes: Vec<u8>,
    /// Whether our half of the stream is left open for ever.
    stalls: bool,
}

#[derive(Clone)]
struct RawCodec;

impl Codec for RawCodec {
    type Protocol = StreamProtocol;
    type Request = Raw;
    type Response = Vec<u8>;

    async fn read_request<T: AsyncRead + Unpin + Send>(&mut self, _: &StreamProtocol, _: &mut T) -> io::Result<Raw> {
        Err(io::Error::other("nobody asks this peer"))
    }

    async fn read_response<T: AsyncRead + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
    ) -> io::Result<Vec<u8>> {
        let mut answer = Vec::new();
        io.read_to_end(&mut answer).await?;
        Ok(answer)
    }

    async fn write_request<T: AsyncWrite + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        request: Raw,
    ) -> io::Result<()> {
        io.write_all(&request.bytes).await?;
        io.flush().await?;
        if request.stalls {
            std::future::pending::<()>().await;
        }
        Ok(())
    }

    async fn write_response<T: AsyncWrite + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        _: &mut T,
        _: Vec<u8>,
    ) -> io::Result<()> {
        Ok(())
    }
}

/// A member's node whose streams the test writes byte by byte.
struct RawPeer {
    swarm: Swarm<request_response::Behaviour<RawCodec>>,
    target: PeerId,
}

impl RawPeer {
    async fn new(network: &Network) -> Self {
        let folder = Folder::new(network.dir("sender"));
        let keypair = identity::Keypair::ed25519_from_bytes(*folder.keys().unwrap().transport.seed()).unwrap();
        let directory = folder.documents().unwrap();
        let card = &directory.node(&"recipient/n1".parse().unwrap()).unwrap().card;
        let key = identity::ed25519::PublicKey::try_from_bytes(&card.transport.current().bytes()).unwrap();
        let target = PeerId::from_public_key(&key.into());
        let address: Multiaddr = card.addresses[0].parse().unwrap();
        let config = request_response::Config::default()
            .with_request_timeout(Duration::from_secs(600))
            .with_max_concurrent_streams(100_000);
        let protocol = (StreamProtocol::new("/luxor/exchange/1"), ProtocolSupport::Outbound);
        let multiplexer = || {
            let mut yamux = yamux::Config::default();
            yamux.set_max_num_streams(4_096);
            yamux
        };
        let mut swarm = SwarmBuilder::with_existing_identity(keypair)
            .with_tokio()
            .with_tcp(tcp::Config::default(), noise::Config::new, multiplexer)
            .unwrap()
            .with_behaviour(|_| request_response::Behaviour::with_codec(RawCodec, [protocol], config))
            .unwrap()
            .with_swarm_config(|c| c.with_idle_connection_timeout(Duration::from_secs(600)))
            .build();
        swarm.add_peer_address(target, address.clone());
        swarm.dial(address).unwrap();
        while !matches!(swarm.select_next_some().await, SwarmEvent::ConnectionEstablished { .. }) {}
        Self { swarm, target }
    }

    fn write(&mut self, bytes: &[u8], stalls: bool) {
        self.swarm.behaviour_mut().send_request(&self.target, Raw { bytes: bytes.to_vec(), stalls });
    }

    /// The next answer, empty where the stream was closed without one; `None` where it failed.
    async fn next(&mut self) -> Option<Vec<u8>> {
        let next = async {
            loop {
                match self.swarm.select_next_some().await {
                    SwarmEvent::Behaviour(Event::Message { message: Message::Response { response, .. }, .. }) => {
                        return Some(response);
                    }
                    SwarmEvent::Behaviour(Event::OutboundFailure { .. }) => return None,
                    _ => {}
                }
            }
        };
        tokio::time::timeout(luxor_tests::PATIENCE, next).await.expect("an answer or a closed stream")
    }

    /// Keeps the connection going, and what is open on it, until the honest work is done.
    async fn beside<T>(&mut self, work: impl Future<Output = T>) -> T {
        tokio::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                _ = self.swarm.select_next_some() => {}
            }
        }
    }
}

/// A dispatch of the third member, which means well.
fn honest(peer: &Hostile, number: u64) -> Dispatch {
    let mut draft = peer.draft(number);
    let other: luxor_protocol::names::NodeRef = "other/n1".parse().unwrap();
    let content = content_from_json(&json!({"type": "declaration", "filing": {"own_reference": "O"},
        "item": {"id": format!("honest-{number}")}, "route": {"destination": "KR"}}))
    .unwrap();
    let record = SealedRecord::new("other".parse().unwrap(), content, None, [number as u8; 16], [8; 32].into());
    draft.header.channel.sender = other.clone();
    let agreement = peer.documents.agreements().find(|(_, a)| a.id.as_str() == "otherb").unwrap();
    (draft.header.agreement, draft.header.agreement_digest) = (agreement.1.id.clone(), agreement.0);
    let header = BatchHeader { node: other, root: batch_root(&[record.root()]), ..draft.header.batch.header.clone() };
    draft.header.batch = Batch::sign(header, &peer.network(), &peer.keys.sign);
    draft.show(&[record], draft.header.view);
    peer.finish(draft)
}

/// Sends an honest dispatch and sees that it is accepted.
async fn is_served(peer: &Hostile, number: u64) {
    let dispatch = honest(peer, number);
    let answer = peer.send(&dispatch).await;
    assert_eq!(peer.outcome(&dispatch, &answer).1, Outcome::Taken(Vec::new()));
}

fn decoded(answer: &[u8]) -> Answer {
    let (length, body) = answer.split_at(4);
    assert_eq!(u32::from_be_bytes(length.try_into().unwrap()) as usize, body.len());
    Answer::from_cbor(body).unwrap()
}

fn frame(body: &[u8]) -> Vec<u8> {
    [&u32::try_from(body.len()).unwrap().to_be_bytes(), body].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_that_end_early_or_announce_too_much_leave_the_node_usable() {
    let network = found();
    let node = network.start_alone("recipient");
    let other = Hostile::of(&network, "other", None).await;
    let mut raw = RawPeer::new(&network).await;
    // No length, half a length, a length without its body, half a body: the stream is closed without an answer.
    for bytes in [&b""[..], &[0, 0], &[0, 0, 0, 9], &[0, 0, 0, 9, 1, 2]] {
        raw.write(bytes, false);
        assert!(raw.next().await.is_none_or(|answer| answer.is_empty()), "{bytes:?}");
    }
    // The longest length, with nothing behind it: refused with its own code, and nothing allocated for it.
    raw.write(&[0xff; 4], false);
    assert_eq!(code(&decoded(&raw.next().await.unwrap())), ErrorCode::Oversized);
    raw.write(&[&u32::try_from(MAX_REQUEST_BYTES + 1).unwrap().to_be_bytes()[..], b"begin"].concat(), false);
    assert_eq!(code(&decoded(&raw.next().await.unwrap())), ErrorCode::Oversized);
    // Whole frames of rubbish: bytes behind the frame are not looked at.
    for bytes in [frame(b""), frame(b"rubbish"), [frame(&[0x84]), vec![7; 1_000]].concat()] {
        raw.write(&bytes, false);
        assert_eq!(code(&decoded(&raw.next().await.unwrap())), ErrorCode::Undecodable);
    }
    let errors = node.get("/v1/status")["errors"].clone();
    assert_eq!(errors, json!({"oversized": 2, "undecodable": 3}));
    raw.beside(is_served(&other, 1)).await;
    assert_eq!(entries(&node), 1);
    other.net.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_that_stall_do_not_hold_up_others() {
    let network = found();
    let node = network.start_alone("recipient");
    let other = Hostile::of(&network, "other", None).await;
    let mut raw = RawPeer::new(&network).await;
    // Streams that never send a length, and streams that announce the largest request and never send it.
    for _ in 0..40 {
        raw.write(&[0, 0], true);
    }
    let largest = [&u32::try_from(MAX_REQUEST_BYTES).unwrap().to_be_bytes()[..], &[0x84; 100]].concat();
    for _ in 0..40 {
        raw.write(&largest, true);
    }
    // An answer shows that what was written before on this connection is there. Nothing of what is too long is held, so this
    // one need not wait behind them.
    raw.write(&[0xff; 4], false);
    assert_eq!(code(&decoded(&raw.next().await.unwrap())), ErrorCode::Oversized);
    let began = std::time::Instant::now();
    for number in 1..=5 {
        raw.beside(is_served(&other, number)).await;
    }
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    assert_eq!(entries(&node), 5);
    other.net.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_streams_leaves_the_node_usable() {
    let network = found();
    let node = network.start_alone("recipient");
    let other = Hostile::of(&network, "other", None).await;
    let mut raw = RawPeer::new(&network).await;
    const STREAMS: usize = 2_000;
    let rubbish = frame(b"rubbish");
    for _ in 0..STREAMS {
        raw.write(&rubbish, false);
    }
    for number in 1..=5 {
        raw.beside(is_served(&other, number)).await;
    }
    let refused = until("what the flood was answered with", || {
        Some(counted(&node, Some(ErrorCode::Undecodable)).1).filter(|refused| *refused > 0)
    });
    println!("{refused} of {STREAMS} streams were answered when the honest dispatches were through");
    assert_eq!(entries(&node), 5);
    // The peer itself can go on as well, on a connection of its own.
    drop(raw);
    let peer = Hostile::new(&network, None).await;
    let good = peer.finish(peer.draft(1));
    let answer = peer.send(&good).await;
    assert_eq!(peer.outcome(&good, &answer), (node.documents() + 5, Outcome::Taken(Vec::new())));
    peer.net.shutdown().await;
    other.net.shutdown().await;
}
