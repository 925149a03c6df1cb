//! Builds a node from its folder and supervises it; decides nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use luxor_protocol::api::{ApiFile, ReadyFile};
use luxor_protocol::document::Directory;
use luxor_protocol::hash::hex;
use luxor_protocol::limits::{MAX_ANSWER_BYTES, MAX_REQUEST_BYTES};
use luxor_protocol::names::NodeRef;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::api::{Api, ApiError};
use crate::config::{Config, ConfigError};
use crate::driver::{Driver, DriverConfig, DriverError, Secrets, Shared, SharedError};
use crate::engine::{Engine, EngineConfig, Window};
use crate::entropy::{EntropyError, random};
use crate::folder::{Folder, FolderError, NodeKeys};
use crate::logfiles::{PublicLog, PublicSite};
use crate::net::{Net, NetConfig, NetError, Peer, TransportKey};
use crate::public::{Public, PublicError};
use crate::seal::{Recipient, SealError};
use crate::sequencer::{LockError, LockFile, Sequencer, SequencerError};
use crate::store::{Store, StoreError};

/// Requests that wait between net and driver; each holds a permit for its bytes.
const INBOUND_QUEUE: usize = 64;
/// What may be under way to one node in the urgent lane, beside the ordinary one.
const URGENT_WINDOW: Window = Window { dispatches: 32, bytes: 8 * 1024 * 1024 };
/// Urgent submissions in work at a time, beside the ordinary ones.
const URGENT_SUBMISSIONS: usize = 32;

/// Why a node did not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The node's card is missing or names other keys.
    #[error("{0}")]
    Card(String),
    /// A seal key on a card.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The lock file.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The sequencer.
    #[error(transparent)]
    Sequencer(#[from] SequencerError),
    /// The network.
    #[error(transparent)]
    Net(#[from] NetError),
    /// The local interface.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The public log.
    #[error(transparent)]
    Public(#[from] PublicError),
    /// The driver.
    #[error(transparent)]
    Driver(#[from] DriverError),
    /// What the driver is made of.
    #[error(transparent)]
    Shared(#[from] SharedError),
    /// No random bytes.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// A task that failed, or a file that could not be encoded.
    #[error("{0}")]
    System(String),
}

/// A running node.
pub struct Node {
    net: Net,
    stop: watch::Sender<bool>,
    driver: JoinHandle<Result<(), DriverError>>,
    api: JoinHandle<Result<(), ApiError>>,
    public: Option<JoinHandle<()>>,
    failures: mpsc::Receiver<SequencerError>,
    thread: std::thread::JoinHandle<()>,
}

impl Node {
    /// Starts the node in `folder`. When it returns, the node listens and its `run/ready.json` is there.
    ///
    /// # Errors
    /// [`NodeError`].
    pub async fn start(folder: Folder) -> Result<Self, NodeError> {
        let config = Config::read(folder.path())?;
        let me = config.node();
        let keys = folder.keys()?;
        let documents = folder.documents()?;
        let directory = Arc::new(documents.directory.clone());
        check_card(&directory, &me, &keys)?;
        let origin = own_card(&directory, &me)?.card.origin.clone();

        let index_key = random()?;
        let store = Arc::new(Store::open(&folder.data(), config.store, &directory.network(), &me, index_key)?);
        // Only now: until the database is this process's, these files may be a running node's.
        folder.clear_run_files()?;
        let loaded = store.load(&me)?;
        let (failed, failures) = mpsc::channel(1);
        let report = move |error| drop(failed.try_send(error));
        let lock = LockFile::open(&folder.lock())?;
        let (size, root) = (loaded.size, loaded.root);
        let (sequencer, thread) = Sequencer::start(store.clone(), lock, &origin, keys.log, size, root, report)?;

        let (inbound, requests) = mpsc::channel(INBOUND_QUEUE);
        let transport = keys.transport.seed();
        let net = crate::net::start(net_config(&config), &transport, peers(&directory, &me), inbound).await?;

        let engine = engine_config(&config, &directory);
        let engine = Engine::new(engine, loaded.totals, loaded.received, loaded.sent, loaded.pending);
        let recipients = recipients(&directory)?;
        let secrets = Secrets { sign: keys.sign, seal: keys.seal, witness: keys.witness };
        let shared = Shared::new(me.clone(), directory, secrets, recipients, store, sequencer, net.handle())?;
        let driver = driver_config(&config, &folder);
        let threads = |e: std::io::Error| NodeError::System(format!("no worker threads: {e}"));
        let (driver, run) = Driver::new(engine, Arc::new(shared), driver).map_err(threads)?;
        let (stop, stopped) = watch::channel(false);
        let running = tokio::spawn(run.run(stopped.clone()));
        tokio::spawn(driver.clone().serve(requests));

        let (site, public) = publish(&config, &driver, &stopped).await?.unzip();
        let public_log = site.as_ref().map(|site: &PublicSite| site.url.clone());
        let token = hex(&random::<32>()?);
        let api = Api::bind(config.listen.api, token.clone(), driver, &documents, site).await?;
        let url = format!("http://{}", api.address());
        let api = tokio::spawn(api.serve(stopped));

        let json = |value: serde_json::Result<Vec<u8>>| value.map_err(|e| NodeError::System(e.to_string()));
        folder.put_run_file("api.json", &json(serde_json::to_vec(&ApiFile { url: url.clone(), token }))?)?;
        let exchange = net.handle().listen_addresses();
        let ready = ReadyFile { node: me.clone(), pid: std::process::id(), exchange: exchange.clone(), public_log };
        folder.put_run_file("ready.json", &json(serde_json::to_vec(&ready))?)?;
        tracing::info!(node = %me, api = url, ?exchange, public_log = ready.public_log, entries = size, "ready");
        Ok(Self { net, stop, driver: running, api, public, failures, thread })
    }

    /// Runs until `stop` completes or something fails, and tells what ended it. The process must end then: drop the
    /// runtime, join the thread given, which closes the database, and exit.
    pub async fn run(mut self, stop: impl Future<Output = ()>) -> (Result<(), NodeError>, std::thread::JoinHandle<()>) {
        let failed = |error: tokio::task::JoinError| NodeError::System(format!("a task failed: {error}"));
        let outcome = tokio::select! {
            () = stop => Ok(()),
            Some(error) = self.failures.recv() => Err(NodeError::from(error)),
            ended = &mut self.driver => ended.map_err(failed).and_then(|ended| ended.map_err(NodeError::from)),
            ended = &mut self.api => ended.map_err(failed).and_then(|ended| ended.map_err(NodeError::from)),
            ended = ended(self.public.as_mut()) => ended.map_err(failed),
        };
        // Receivers may be gone with a failed task.
        let _ = self.stop.send(true);
        self.net.shutdown().await;
        (outcome, self.thread)
    }
}

/// Begins to serve the public log, if there is to be one: what is signed by now is public at once.
async fn publish(
    config: &Config,
    driver: &Driver,
    stopped: &watch::Receiver<bool>,
) -> Result<Option<(PublicSite, JoinHandle<()>)>, NodeError> {
    let Some(address) = config.listen.log else { return Ok(None) };
    let shared = driver.shared().clone();
    let log = PublicLog::new(shared.newest_for_members());
    let public =
        Public::bind(address, shared.store.clone(), log.clone(), config.log.witness.then(|| driver.clone())).await?;
    let url = format!("http://{}", public.address());
    let every = Duration::from_secs(config.log.public_seconds);
    let shown = log.clone();
    let newest = move || shared.newest_for_all(shown.latest().size);
    let serving = tokio::spawn(public.serve(newest, every, stopped.clone()));
    Ok(Some((PublicSite { url, log }, serving)))
}

/// Waits for the end of a task that there may be.
async fn ended<T>(task: Option<&mut JoinHandle<T>>) -> Result<T, tokio::task::JoinError> {
    match task {
        Some(task) => task.await,
        None => std::future::pending().await,
    }
}

fn own_card<'d>(directory: &'d Directory, me: &NodeRef) -> Result<&'d luxor_protocol::document::KnownNode, NodeError> {
    let own = directory.node(me).map(AsRef::as_ref);
    own.ok_or_else(|| {
        NodeError::Card(format!("no card names {me}\nhint: `luxor card sign`, then `luxor install` here and elsewhere"))
    })
}

/// Whether the keys of a folder are those on its node's card.
///
/// # Errors
/// [`NodeError::Card`] with the first that is not.
pub(crate) fn check_card(directory: &Directory, me: &NodeRef, keys: &NodeKeys) -> Result<(), NodeError> {
    let card = &own_card(directory, me)?.card;
    let differs = |name: &str| {
        Err(NodeError::Card(format!(
            "the {name} key in keys/ is not the one on the card of {me}\nhint: sign a card with the keys of this folder"
        )))
    };
    if card.sign != *keys.sign.public() {
        return differs("sign");
    }
    if card.log != *keys.log.public() {
        return differs("log");
    }
    if card.witness != *keys.witness.public() {
        return differs("witness");
    }
    if card.transport != *keys.transport.public() {
        return differs("transport");
    }
    if card.seal != keys.seal.recipient() {
        return differs("seal");
    }
    Ok(())
}

fn recipients(directory: &Directory) -> Result<BTreeMap<NodeRef, Recipient>, NodeError> {
    directory.nodes().map(|n| Ok((n.node.clone(), Recipient::parse(&n.card.seal)?))).collect()
}

fn peers(directory: &Directory, me: &NodeRef) -> Vec<Peer> {
    let others = directory.nodes().filter(|n| n.node != *me);
    let peer = |n: &Arc<luxor_protocol::document::KnownNode>| Peer {
        key: TransportKey(n.card.transport.bytes()),
        addresses: n.card.addresses.clone(),
    };
    others.map(peer).collect()
}

fn net_config(config: &Config) -> NetConfig {
    NetConfig {
        listen: config.listen.exchange.clone(),
        max_request_bytes: MAX_REQUEST_BYTES,
        max_answer_bytes: MAX_ANSWER_BYTES,
        inbound_bytes: config.limits.inbound_mib * 1024 * 1024,
        dial_backoff_min: Duration::from_millis(config.retry.min_ms),
        dial_backoff_max: Duration::from_millis(config.retry.max_ms),
        ..NetConfig::default()
    }
}

fn driver_config(config: &Config, folder: &Folder) -> DriverConfig {
    DriverConfig {
        submissions: config.limits.submissions,
        urgent_submissions: URGENT_SUBMISSIONS,
        folder: folder.path().to_owned(),
        min_free_bytes: config.limits.min_free_mib * 1024 * 1024,
    }
}

fn engine_config(config: &Config, directory: &Directory) -> EngineConfig {
    let me = config.node();
    EngineConfig {
        retry_min_ms: config.retry.min_ms,
        retry_max_ms: config.retry.max_ms,
        epoch: directory.node(&me).map_or(1, |node| node.card.epoch),
        me,
        origins: directory.nodes().map(|node| (node.node.clone(), node.card.origin.clone())).collect(),
        ordinary: Window { dispatches: config.limits.window_dispatches, bytes: config.limits.window_mib * 1024 * 1024 },
        urgent: URGENT_WINDOW,
        in_flight_per_peer: config.limits.checks_per_node,
        max_outbox: config.limits.outbox_dispatches,
    }
}
