//! What libp2p keeps from the driver of a node: a connection whose key no card names.
//!
//! Net lets in the keys of the directory only, and both change together. So the rooms are put together here by
//! hand, with a net that knows one key more.

use std::collections::BTreeMap;
use std::path::Path;

use luxor_node::config::{RulesSection, ScreeningSection};
use luxor_node::desk::Screening;
use luxor_node::driver::{Driver, DriverConfig, Parts, Secrets, Shared};
use luxor_node::engine::{Engine, EngineConfig, Window};
use luxor_node::rules::Rules;
use luxor_node::sequencer::{LockFile, Sequencer};
use luxor_node::store::{Store, StoreConfig};
use tokio::sync::{mpsc, watch};

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_no_card_names_is_no_member() {
    let network = found();
    let dir = network.dir("recipient");
    let folder = Folder::new(&dir);
    let (keys, documents) = (folder.keys().unwrap(), folder.documents().unwrap());
    let directory = Arc::new(documents);
    let me = "recipient/n1".parse().unwrap();
    let card = directory.node(&me).unwrap().card.clone();
    let store =
        Store::open(&folder.data(), StoreConfig::default(), &directory.network(), &me, &folder.key_folder()).unwrap();
    let store = Arc::new(store);
    let loaded = store.load(&me).unwrap();
    let lock = LockFile::open(&folder.lock()).unwrap();
    let (sequencer, thread) =
        Sequencer::start(store.clone(), lock, &card.origin, keys.log, loaded.size, loaded.root, |e| panic!("{e}"))
            .unwrap();

    let stranger = [9; 32];
    let (inbound, requests) = mpsc::channel(16);
    let allowed = Peer { key: TransportKey::from_secret(&stranger).unwrap(), addresses: Vec::new() };
    let config = NetConfig { listen: card.addresses, ..NetConfig::default() };
    let net = start(config, &keys.transport.seed(), vec![allowed], inbound).await.unwrap();
    let window = Window { dispatches: 8, bytes: 1 << 20 };
    let engine = EngineConfig {
        me: "recipient/n1".parse().unwrap(),
        retry_min_ms: 20,
        retry_max_ms: 200,
        epoch: 1,
        origins: BTreeMap::new(),
        ordinary: window,
        urgent: window,
        in_flight_per_peer: 8,
        max_outbox: 100,
    };
    let engine = Engine::new(engine, loaded.totals, loaded.received, loaded.sent, loaded.pending);
    let transport = *keys.transport.public();
    let secrets = Secrets { sign: keys.sign, seal: keys.seal, witness: keys.witness, transport };
    let (net_handle, outside) = (net.handle(), Vec::new());
    let rules = Rules::read(&folder, &RulesSection::default()).unwrap();
    let screening = Screening::open(&store, &folder, &ScreeningSection::default()).unwrap();
    let parts = Parts {
        me,
        directory,
        secrets,
        store,
        sequencer,
        net: net_handle,
        outside,
        folder,
        rules,
        screening,
        practice: None,
    };
    let shared = Arc::new(Shared::new(parts).unwrap());
    let config = DriverConfig {
        close_windows_every: None,
        receipt_due_ms: 0,
        submissions: 8,
        urgent_submissions: 8,
        folder: Path::new(&dir).to_owned(),
        min_free_bytes: 0,
        fetch_all_attached: false,
        peers_every: std::time::Duration::from_secs(3_600),
    };
    let (driver, run) = Driver::new(engine, shared.clone(), config).unwrap();
    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn(run.run(stopped));
    let serving = tokio::spawn(driver.serve(requests));

    let peer = Hostile::new(&network, Some(stranger)).await;
    let good = peer.finish(peer.draft(1));
    for request in [Request::Dispatch(good).to_cbor(), Request::AuditRead { from: 0, count: 1 }.to_cbor(), Vec::new()] {
        assert_eq!(code(&peer.ask(request).await.unwrap()), ErrorCode::NotAMember);
    }
    assert_eq!(shared.errors(), BTreeMap::from([(ErrorCode::NotAMember, 3)]));
    assert_eq!(shared.sequencer.latest().size, 0);

    peer.net.shutdown().await;
    net.shutdown().await;
    stop.send(true).unwrap();
    running.await.unwrap().unwrap();
    serving.await.unwrap();
    drop(shared);
    thread.join().unwrap();
}
