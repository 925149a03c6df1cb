//! Nodes that talk over loopback. Each test takes a loopback address of its own, so that tests do not meet.

use std::collections::VecDeque;
use std::collections::hash_map::RandomState;
use std::error::Error;
use std::future::Future;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::*;

type Outcome = Result<(), Box<dyn Error>>;

/// Far above what any step takes: a test that hangs fails in this time.
const PATIENCE: Duration = Duration::from_secs(30);

async fn soon<T>(what: impl Future<Output = T>) -> Result<T, Box<dyn Error>> {
    Ok(tokio::time::timeout(PATIENCE, what).await?)
}

/// Runs the other tasks until a counter that no message tells of has arrived.
async fn until(condition: impl Fn() -> bool) -> Outcome {
    soon(async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    })
    .await
}

fn loopback() -> String {
    let [a, b, c, ..] = RandomState::new().hash_one(std::thread::current().id()).to_le_bytes();
    format!("/ip4/127.{}.{b}.{}/tcp/0", a.max(1), c.clamp(1, 254))
}

/// A node under test: its secret is one byte repeated.
struct Node {
    net: Net,
    handle: NetHandle,
    inbound: mpsc::Receiver<Inbound>,
    key: TransportKey,
}

impl Node {
    async fn start(secret: u8, config: NetConfig) -> Result<Self, Box<dyn Error>> {
        let (sender, inbound) = mpsc::channel(16);
        let secret = [secret; 32];
        let listen = if config.listen.is_empty() { vec![loopback()] } else { config.listen.clone() };
        let net = start(NetConfig { listen, ..config }, &secret, Vec::new(), sender).await?;
        Ok(Self { handle: net.handle(), net, inbound, key: TransportKey::from_secret(&secret)? })
    }

    fn peer(&self) -> Peer {
        Peer { key: self.key, addresses: self.handle.listen_addresses() }
    }

    async fn next(&mut self) -> Result<Inbound, Box<dyn Error>> {
        soon(self.inbound.recv()).await?.ok_or_else(|| "the queue of requests is closed".into())
    }

    /// Answers every request with its own bytes from now on.
    fn echo(mut self) -> Net {
        tokio::spawn(async move {
            while let Some(Inbound { body, reply, .. }) = self.inbound.recv().await {
                reply.send(body);
            }
        });
        self.net
    }
}

/// Two nodes that let each other in.
async fn pair(config: NetConfig, other: NetConfig) -> Result<(Node, Node), Box<dyn Error>> {
    let (a, b) = (Node::start(1, config).await?, Node::start(2, other).await?);
    a.handle.set_peers(vec![b.peer()]).await?;
    b.handle.set_peers(vec![a.peer()]).await?;
    Ok((a, b))
}

fn bytes(length: usize) -> Arc<Vec<u8>> {
    vec![b'x'; length].into()
}

#[tokio::test]
async fn a_request_comes_back_and_both_sides_count_it() -> Outcome {
    let (a, b) = pair(NetConfig::default(), NetConfig::default()).await?;
    let (key, counters) = (b.key, b.handle.clone());
    let net = b.echo();
    assert_eq!(a.handle.request(key, bytes(150_000)).await?, *bytes(150_000));
    assert_eq!(a.handle.request(key, bytes(0)).await?, b"");
    assert_eq!(a.handle.connected(), [key]);
    let expected =
        NetCounters { requests_in: 2, answers_out: 2, bytes_in: 150_000, bytes_out: 150_000, ..NetCounters::default() };
    until(|| counters.counters() == expected).await?;
    let unknown = TransportKey::from_secret(&[9; 32])?;
    assert_eq!(a.handle.request(unknown, bytes(1)).await, Err(RequestError::UnknownPeer { peer: unknown }));
    net.shutdown().await;
    let handle = a.handle.clone();
    a.net.shutdown().await;
    assert_eq!(handle.request(key, bytes(1)).await, Err(RequestError::Shutdown));
    assert!(handle.listen_addresses().is_empty());
    Ok(())
}

#[tokio::test]
async fn a_stranger_is_refused_before_any_stream_and_counted() -> Outcome {
    let mut node = Node::start(1, NetConfig::default()).await?;
    let stranger =
        Node::start(3, NetConfig { dial_backoff_min: PATIENCE, dial_backoff_max: PATIENCE, ..NetConfig::default() })
            .await?;
    stranger.handle.set_peers(vec![node.peer()]).await?;
    let refused = stranger.handle.request(node.key, bytes(10)).await;
    assert!(matches!(refused, Err(RequestError::Closed { .. } | RequestError::Dial { .. })), "{refused:?}");
    until(|| node.handle.counters().connections_refused == 1).await?;
    // The next one is not dialled: a connection that was closed at once counts as a failed dial.
    let refused = stranger.handle.request(node.key, bytes(10)).await;
    assert!(matches!(refused, Err(RequestError::Dial { .. })), "{refused:?}");
    let expected = NetCounters { connections_refused: 1, ..NetCounters::default() };
    assert_eq!(node.handle.counters(), expected);
    assert!(node.inbound.try_recv().is_err());
    assert!(node.handle.connected().is_empty());
    Ok(())
}

#[tokio::test]
async fn an_oversized_request_is_passed_up_without_its_bytes_and_answered() -> Outcome {
    let small = NetConfig { max_request_bytes: 1000, inbound_bytes: 1024, ..NetConfig::default() };
    let (a, mut b) = pair(NetConfig::default(), small).await?;
    // More than Yamux's window, so that the asking side is stopped unless its bytes are read.
    let (asker, key) = (a.handle.clone(), b.key);
    let asked = tokio::spawn(async move { asker.request(key, bytes(1_000_000)).await });
    let inbound = b.next().await?;
    assert_eq!((inbound.peer, inbound.oversized, inbound.body.capacity()), (a.key, Some(1_000_000), 0));
    inbound.reply.send(b"too long".to_vec());
    assert_eq!(soon(asked).await???, b"too long");
    let counters = b.handle.counters();
    assert_eq!((counters.requests_oversized, counters.requests_in, counters.bytes_in), (1, 0, 0));
    // Above our own maximum nothing is sent.
    let refused = b.handle.request(a.key, bytes(1001)).await;
    assert!(matches!(refused, Err(RequestError::TooLarge { what: "request", length: 1001, .. })));
    Ok(())
}

#[tokio::test]
async fn an_oversized_answer_is_told_from_a_lost_one() -> Outcome {
    let (a, mut b) = pair(NetConfig { max_answer_bytes: 10, ..NetConfig::default() }, NetConfig::default()).await?;
    let key = b.key;
    for length in [Some(11), None] {
        let asker = a.handle.clone();
        let asked = tokio::spawn(async move { asker.request(key, bytes(1)).await });
        let inbound = b.next().await?;
        if let Some(length) = length {
            inbound.reply.send(vec![0; length]);
            assert!(matches!(soon(asked).await??, Err(RequestError::TooLarge { what: "answer", length: 11, .. })));
        } else {
            drop(inbound);
            let lost = soon(asked).await??;
            assert!(matches!(lost, Err(RequestError::Closed { .. })), "{lost:?}");
            until(|| b.handle.counters().dropped_streams == 1).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_restarted_peer_is_reached_by_the_next_request() -> Outcome {
    let (a, b) =
        pair(NetConfig { dial_backoff_min: Duration::from_millis(1), ..NetConfig::default() }, NetConfig::default())
            .await?;
    let (key, peer, own) = (b.key, b.peer(), a.peer());
    let mut connected = a.handle.watch_connected();
    let net = b.echo();
    assert_eq!(a.handle.request(key, bytes(5)).await?, *bytes(5));
    net.shutdown().await;
    soon(connected.wait_for(|peers| peers.is_empty())).await??;
    let refused = a.handle.request(key, bytes(5)).await;
    assert!(matches!(refused, Err(RequestError::Dial { .. })), "{refused:?}");

    let again = Node::start(2, NetConfig { listen: peer.addresses, ..NetConfig::default() }).await?;
    again.handle.set_peers(vec![own]).await?;
    let _net = again.echo();
    let reached = soon(async {
        loop {
            match a.handle.request(key, bytes(6)).await {
                Err(RequestError::Dial { .. }) => tokio::task::yield_now().await,
                other => return other,
            }
        }
    });
    assert_eq!(reached.await??, *bytes(6));
    Ok(())
}

#[tokio::test]
async fn a_peer_back_from_a_power_cut_is_not_shut_out_by_its_old_connections() -> Outcome {
    let (a, b) = pair(NetConfig::default(), NetConfig::default()).await?;
    let (key, own) = (b.key, a.peer());
    let (asker, counters) = (a.handle.clone(), a.handle.clone());
    let mut connected = b.handle.watch_connected();
    let _nets = (a.echo(), b.echo());
    assert_eq!(asker.request(key, bytes(1)).await?, *bytes(1));
    // Nodes of the same key stand for the peer after its cut: its old connections are open still, and it knows of none.
    let quick = NetConfig { dial_backoff_min: Duration::from_millis(1), ..NetConfig::default() };
    let (second, third) = (Node::start(2, quick.clone()).await?, Node::start(2, quick).await?);
    second.handle.set_peers(vec![own.clone()]).await?;
    assert_eq!(second.handle.request(own.key, bytes(2)).await?, *bytes(2));
    third.handle.set_peers(vec![own.clone()]).await?;
    let reached = soon(async {
        loop {
            match third.handle.request(own.key, bytes(3)).await {
                Err(RequestError::Dial { .. } | RequestError::Closed { .. }) => tokio::task::yield_now().await,
                other => return other,
            }
        }
    });
    assert_eq!(reached.await??, *bytes(3));
    assert!(counters.counters().connections_refused >= 1);
    soon(connected.wait_for(|peers| peers.is_empty())).await??;
    Ok(())
}

#[tokio::test]
async fn a_second_dial_of_a_peer_takes_the_place_of_its_first() -> Outcome {
    let (a, b) = pair(NetConfig::default(), NetConfig::default()).await?;
    let own = a.peer();
    let _net = a.echo();
    assert_eq!(b.handle.request(own.key, bytes(1)).await?, *bytes(1));
    let mut connected = b.handle.watch_connected();
    let again = Node::start(2, NetConfig::default()).await?;
    again.handle.set_peers(vec![own.clone()]).await?;
    assert_eq!(again.handle.request(own.key, bytes(2)).await?, *bytes(2));
    soon(connected.wait_for(|peers| peers.is_empty())).await??;
    assert_eq!(again.handle.connected(), [own.key]);
    Ok(())
}

#[tokio::test]
async fn inside_the_backoff_a_request_fails_at_once() -> Outcome {
    let patient = NetConfig { dial_backoff_min: PATIENCE, dial_backoff_max: PATIENCE, ..NetConfig::default() };
    let (a, b) = pair(patient, NetConfig::default()).await?;
    let (key, addresses, own) = (b.key, b.handle.listen_addresses(), a.peer());
    b.net.shutdown().await;
    for _ in 0..2 {
        let refused = soon(a.handle.request(key, bytes(1))).await?;
        let Err(RequestError::Dial { why, .. }) = refused else { return Err("not refused".into()) };
        assert!(why.contains("refused"), "{why}");
    }
    // The peer is up again and asks first: that ends the back-off, and its connection serves both ways.
    let again = Node::start(2, NetConfig { listen: addresses, ..NetConfig::default() }).await?;
    again.handle.set_peers(vec![own.clone()]).await?;
    let (asker, handle) = (again.handle.clone(), a.handle.clone());
    let _nets = (again.echo(), a.echo());
    assert_eq!(asker.request(own.key, bytes(3)).await?, *bytes(3));
    assert_eq!(handle.request(key, bytes(4)).await?, *bytes(4));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_may_dial_at_once() -> Outcome {
    for _ in 0..10 {
        let (a, b) = pair(NetConfig::default(), NetConfig::default()).await?;
        let (to_a, to_b) = (a.key, b.key);
        let (from_a, from_b) = (a.handle.clone(), b.handle.clone());
        let nets = (a.echo(), b.echo());
        let (left, right) = tokio::join!(from_a.request(to_b, bytes(7)), from_b.request(to_a, bytes(8)));
        assert_eq!((left?, right?), (bytes(7).to_vec(), bytes(8).to_vec()));
        let counters = (from_a.counters().connections_refused, from_b.counters().connections_refused);
        assert_eq!(counters, (0, 0));
        nets.0.shutdown().await;
        nets.1.shutdown().await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_requests_both_ways_at_once_are_all_answered() -> Outcome {
    let (a, b) = pair(NetConfig::default(), NetConfig::default()).await?;
    let (ends, keys) = ([a.handle.clone(), b.handle.clone()], [b.key, a.key]);
    let _nets = (a.echo(), b.echo());
    let mut all = JoinSet::new();
    for number in 0..256_u32 {
        for (handle, key) in ends.iter().zip(keys) {
            let (handle, mut body) = (handle.clone(), vec![0; 10_000]);
            body[..4].copy_from_slice(&number.to_le_bytes());
            all.spawn(async move { handle.request(key, body.clone().into()).await.map(|answer| answer == body) });
        }
    }
    while let Some(answered) = soon(all.join_next()).await? {
        assert!(answered??);
    }
    for handle in ends {
        assert_eq!(handle.counters().dropped_streams, 0);
    }
    Ok(())
}

#[tokio::test]
async fn requests_beyond_the_pool_wait_for_a_permit() -> Outcome {
    // Room for two bodies of one KiB in the share of a connection; the queue of the layer above would hold more.
    let tight = NetConfig { max_request_bytes: 1024, inbound_bytes: 6144, ..NetConfig::default() };
    let (a, mut b) = pair(NetConfig::default(), tight).await?;
    let (mut all, key) = (JoinSet::new(), b.key);
    for _ in 0..5 {
        let handle = a.handle.clone();
        all.spawn(async move { handle.request(key, bytes(1024)).await });
    }
    let (first, second) = (b.next().await?, b.next().await?);
    // An empty request needs no bytes and gets past those that wait: when it is here, they would be too.
    let handle = a.handle.clone();
    all.spawn(async move { handle.request(key, bytes(0)).await });
    let empty = b.next().await?;
    assert!(empty.body.is_empty() && b.inbound.try_recv().is_err());
    let mut held = VecDeque::from([empty, first, second]);
    while let Some(Inbound { body, reply, permit, .. }) = held.pop_front() {
        reply.send(b"done".to_vec());
        assert_eq!(soon(all.join_next()).await?.ok_or("no request left")???, b"done");
        drop(permit);
        // Each body that goes lets one in that waits; the last two follow no other.
        if !body.is_empty() && all.len() >= 2 {
            held.push_back(b.next().await?);
        }
    }
    assert!(all.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_full_queue_above_holds_requests_and_loses_none() -> Outcome {
    let few = NetConfig { inbound_requests: 40, ..NetConfig::default() };
    let (a, b) = pair(NetConfig::default(), few).await?;
    let (mut all, key) = (JoinSet::new(), b.key);
    for _ in 0..90 {
        let handle = a.handle.clone();
        all.spawn(async move { handle.request(key, bytes(100)).await });
    }
    // The queue has 16 places: 24 wait in the task, the rest on their streams with no permit.
    until(|| b.inbound.len() == 16 && b.handle.counters().requests_in == 40).await?;
    let _net = b.echo();
    while let Some(answered) = soon(all.join_next()).await? {
        assert_eq!(answered??, *bytes(100));
    }
    Ok(())
}

#[tokio::test]
async fn without_an_answer_a_request_times_out_on_both_sides() -> Outcome {
    let short = NetConfig { request_timeout: Duration::from_secs(1), ..NetConfig::default() };
    let (a, mut b) = pair(short.clone(), short).await?;
    let asked = soon(a.handle.request(b.key, bytes(1))).await?;
    assert!(matches!(asked, Err(RequestError::Timeout { .. })), "{asked:?}");
    let inbound = b.next().await?;
    until(|| inbound.reply.is_closed()).await?;
    until(|| b.handle.counters().dropped_streams == 1).await?;
    inbound.reply.send(Vec::new());
    Ok(())
}

#[tokio::test]
async fn a_removed_peer_is_cut_off_and_may_come_back() -> Outcome {
    let (a, b) = pair(NetConfig::default(), NetConfig::default()).await?;
    let (key, peer, own) = (b.key, b.peer(), a.peer());
    let handle = b.handle.clone();
    let _net = b.echo();
    a.handle.request(key, bytes(1)).await?;
    let mut connected = a.handle.watch_connected();
    handle.set_peers(Vec::new()).await?;
    soon(connected.wait_for(|peers| peers.is_empty())).await??;
    assert!(a.handle.request(key, bytes(1)).await.is_err());
    handle.set_peers(vec![own]).await?;
    // New addresses end the back-off; the same address twice is as good as any.
    let addresses = [peer.addresses.clone(), peer.addresses].concat();
    a.handle.set_peers(vec![Peer { key, addresses }]).await?;
    assert_eq!(a.handle.request(key, bytes(2)).await?, *bytes(2));
    Ok(())
}

#[tokio::test]
async fn an_address_in_use_or_of_no_use_is_an_error() -> Outcome {
    let node = Node::start(1, NetConfig::default()).await?;
    let listen = |addresses: Vec<String>| Node::start(2, NetConfig { listen: addresses, ..NetConfig::default() });
    let taken = listen(node.handle.listen_addresses()).await.err().ok_or("a taken address was bound")?;
    assert!(taken.to_string().contains("in use"), "{taken}");
    let odd = listen(vec!["/dns4/example.org/tcp/1".into()]).await.err().ok_or("a name was bound")?;
    assert!(matches!(odd.downcast_ref(), Some(NetError::Address { .. })), "{odd}");
    Ok(())
}
