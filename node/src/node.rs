//! Builds a node from its folder and supervises it; decides nothing else.

use std::sync::Arc;
use std::time::Duration;

use luxor_protocol::api::{ApiFile, ReadyFile};
use luxor_protocol::cbor::Encode as _;
use luxor_protocol::document::{Directory, KnownNode};
use luxor_protocol::exchange::{CheckpointsBody, EntryKind, Skeleton};
use luxor_protocol::hash::hex;
use luxor_protocol::limits::{MAX_ANSWER_BYTES, MAX_REQUEST_BYTES, MAX_RETENTION_DAYS};
use luxor_protocol::names::NodeRef;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::api::{Api, ApiError, Closing, Door};
use crate::config::{Config, ConfigError, Fetch};
use crate::desk::{DeskError, Screening};
use crate::driver::{
    AttachError, Driver, DriverConfig, DriverError, Parts, Secrets, Shared, SharedError, origins, peers,
    record_documents,
};
use crate::engine::{Engine, EngineConfig, Window};
use crate::entropy::{EntropyError, opening, random};
use crate::folder::{Folder, FolderError};
use crate::logfiles::{PublicLog, PublicSite};
use crate::net::{Net, NetConfig, NetError};
use crate::practice::{Practice, PracticeError};
use crate::public::{Public, PublicError};
use crate::rules::{NodeRulesError, Rules};
use crate::sequencer::{LockError, LockFile, Sequencer, SequencerError};
use crate::store::{Store, StoreError};
use crate::taxii::{Taxii, TaxiiError};
use crate::waking::{Heard, Waking, WakingError};

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
    /// The dated rules.
    #[error(transparent)]
    Rules(#[from] NodeRulesError),
    /// What is screened, and who decides.
    #[error(transparent)]
    Desk(#[from] DeskError),
    /// Practice.
    #[error(transparent)]
    Practice(#[from] PracticeError),
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
    /// TAXII.
    #[error(transparent)]
    Taxii(#[from] TaxiiError),
    /// What witnesses said before it signed anything.
    #[error(transparent)]
    Waking(#[from] WakingError),
    /// The driver.
    #[error(transparent)]
    Driver(#[from] DriverError),
    /// Attached files.
    #[error(transparent)]
    Attached(#[from] AttachError),
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

/// How a node starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StartOptions {
    /// Whether it asks its witnesses what they hold of its log before it signs anything. Without that, an older copy of its data
    /// forks the log.
    pub ask_witnesses: bool,
}

/// A running node.
pub struct Node {
    net: Net,
    stop: watch::Sender<bool>,
    driver: JoinHandle<Result<(), DriverError>>,
    api: JoinHandle<Result<(), ApiError>>,
    public: Option<JoinHandle<()>>,
    taxii: Option<JoinHandle<()>>,
    failures: mpsc::Receiver<SequencerError>,
    thread: std::thread::JoinHandle<()>,
}

impl Node {
    /// Starts the node in `folder`. When it returns, the node listens and its `run/ready.json` is there. That may take until
    /// enough of its witnesses are there; meanwhile the local interface says so, and nothing is signed. `None` when `stop` completed
    /// before.
    ///
    /// # Errors
    /// [`NodeError`].
    pub async fn start(
        folder: Folder,
        options: StartOptions,
        stop: impl Future<Output = ()>,
    ) -> Result<Option<Self>, NodeError> {
        let config = Config::read(folder.path())?;
        let me = config.node();
        let directory = Arc::new(folder.documents()?);
        let own = own_card(&directory, &me)?;
        let practice = Practice::read(folder.path(), &config, &directory)?;
        let keys = folder.keys_for(&own.card)?;
        let origin = own.card.origin.clone();

        let (network, keys_in) = (directory.network(), folder.key_folder());
        let store = Arc::new(Store::open(&folder.data(), config.store, &network, &me, &keys_in)?);
        // Only now: until the database is this process's, these files may be a running node's.
        folder.clear_run_files()?;
        let loaded = store.load(&me)?;
        let (size, root) = (loaded.size, loaded.root);
        let lock = LockFile::open(&folder.lock())?;
        crate::sequencer::check_lock(&store, &lock, size, root)?;

        let (inbound, mut requests) = mpsc::channel(INBOUND_QUEUE);
        let transport = keys.transport.seed();
        let net = crate::net::start(net_config(&config), &transport, peers(&directory, &me), inbound).await?;
        let json = |value: serde_json::Result<Vec<u8>>| value.map_err(|e| NodeError::System(e.to_string()));
        let token = hex(&random::<32>()?);
        let door = Door::bind(config.listen.api).await?;
        let url = format!("http://{}", door.address());
        let api_file = ApiFile { url: url.clone(), token: token.clone() };
        folder.put_run_file("api.json", &json(serde_json::to_vec(&api_file))?)?;
        let heard = match options.ask_witnesses {
            false => Heard::default(),
            true => {
                let waking = Waking { directory: &directory, own, size, store: &store, net: net.handle() };
                let (waits, waited_for) =
                    watch::channel("nothing is signed yet: witnesses are about to be asked".to_owned());
                let asking = async {
                    tokio::select! {
                        heard = waking.ask(&mut requests, &waits) => heard.map(Some),
                        () = stop => Ok(None),
                    }
                };
                let Some(heard) = door.wait(&token, waited_for, asking).await?? else { return Ok(None) };
                heard
            }
        };

        let (failed, failures) = mpsc::channel(1);
        let report = move |error| drop(failed.try_send(error));
        let (sequencer, thread) = Sequencer::start(store.clone(), lock, &origin, keys.log, size, root, report)?;
        if size == 0 && !own.former_logs.is_empty() {
            begin_after(&sequencer, own, &heard.former).await?;
        }
        record_documents(&sequencer, &store, &directory, own).await?;

        let engine = engine_config(&config, &directory);
        let engine = Engine::new(engine, loaded.totals, loaded.received, loaded.sent, loaded.pending);
        let transport = *keys.transport.public();
        let secrets = Secrets { sign: keys.sign, seal: keys.seal, witness: keys.witness, transport };
        let screening = Screening::open(&store, &folder, &config.screening)?;
        let shared = Shared::new(Parts {
            me: me.clone(),
            directory,
            secrets,
            store,
            sequencer,
            net: net.handle(),
            outside: config.outside(),
            folder: folder.clone(),
            rules: Rules::read(&folder, &config.rules)?,
            screening,
            practice,
        })?;
        let driver = driver_config(&config, &folder);
        let threads = |e: std::io::Error| NodeError::System(format!("no worker threads: {e}"));
        let (driver, run) = Driver::new(engine, Arc::new(shared), driver).map_err(threads)?;
        driver.heard(&heard)?;
        driver.find_attached().await?;
        let (end, stopped) = watch::channel(false);
        let running = tokio::spawn(run.run(stopped.clone()));
        tokio::spawn(driver.clone().serve(requests));

        let (site, public) = publish(&config, &driver, &stopped).await?.unzip();
        let public_log = site.as_ref().map(|site: &PublicSite| site.url.clone());
        let taxii = match config.listen.taxii {
            Some(address) => {
                let users = folder.path().join(&config.taxii.users);
                Some(Taxii::bind(address, users, config.taxii.url.as_deref(), driver.clone()).await?)
            }
            None => None,
        };
        let taxii_url = taxii.as_ref().map(Taxii::url);
        let taxii = taxii.map(|taxii| tokio::spawn(taxii.serve(stopped.clone())));
        let closing = Closing { entries: config.log.close_entries, days: config.log.close_days };
        let api = tokio::spawn(Api::new(door, &token, driver, site, closing).serve(stopped));
        let exchange = net.handle().listen_addresses();
        let ready = ReadyFile {
            node: me.clone(),
            pid: std::process::id(),
            exchange: exchange.clone(),
            public_log,
            taxii: taxii_url,
        };
        folder.put_run_file("ready.json", &json(serde_json::to_vec(&ready))?)?;
        tracing::info!(node = %me, api = url, ?exchange, public_log = ready.public_log, taxii = ready.taxii, entries = size, "ready");
        Ok(Some(Self { net, stop: end, driver: running, api, public, taxii, failures, thread }))
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
            ended = ended(self.taxii.as_mut()) => ended.map_err(failed),
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
    let public = Public::bind(
        address,
        shared.store.clone(),
        log.clone(),
        shared.trust.clone(),
        config.log.witness.then(|| driver.clone()),
    )
    .await?;
    let url = format!("http://{}", public.address());
    let every = Duration::from_secs(config.log.public_seconds);
    let shown = log.clone();
    let newest = move || shared.newest_for_all(shown.latest().size);
    let serving = tokio::spawn(public.serve(newest, every, stopped.clone()));
    Ok(Some((PublicSite { url, log }, serving)))
}

/// The first entry of a log that follows another: what others hold of the former ones.
async fn begin_after(sequencer: &Sequencer, own: &KnownNode, former: &[Vec<u8>]) -> Result<(), NodeError> {
    let (body, now) = (CheckpointsBody::new(former.iter().cloned()), crate::driver::now());
    let due = now.day().plus(MAX_RETENTION_DAYS);
    let skeleton = Skeleton::of_node(EntryKind::Succeeded, &own.node, own.card.epoch, now.0 / 1_000, due);
    sequencer.commit_and_wait(Vec::new(), vec![opening(&skeleton, body.to_cbor())?]).await?;
    Ok(())
}

/// Waits for the end of a task that there may be.
async fn ended<T>(task: Option<&mut JoinHandle<T>>) -> Result<T, tokio::task::JoinError> {
    match task {
        Some(task) => task.await,
        None => std::future::pending().await,
    }
}

fn own_card<'d>(directory: &'d Directory, me: &NodeRef) -> Result<&'d KnownNode, NodeError> {
    let own = directory.node(me).map(AsRef::as_ref);
    own.ok_or_else(|| {
        NodeError::Card(format!("no card names {me}\nhint: `luxor card sign`, then `luxor install` here and elsewhere"))
    })
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
        peers_every: Duration::from_secs(config.log.peers_seconds),
        fetch_all_attached: config.attachments.fetch == Fetch::All,
        close_windows_every: Some(config.windows.close_seconds).filter(|every| *every > 0).map(Duration::from_secs),
        receipt_due_ms: config.windows.receipt_due_seconds.saturating_mul(1_000),
    }
}

fn engine_config(config: &Config, directory: &Directory) -> EngineConfig {
    let me = config.node();
    EngineConfig {
        retry_min_ms: config.retry.min_ms,
        retry_max_ms: config.retry.max_ms,
        epoch: directory.node(&me).map_or(1, |node| node.card.epoch),
        me,
        origins: origins(directory),
        ordinary: Window { dispatches: config.limits.window_dispatches, bytes: config.limits.window_mib * 1024 * 1024 },
        urgent: URGENT_WINDOW,
        in_flight_per_peer: config.limits.checks_per_node,
        max_outbox: config.limits.outbox_dispatches,
    }
}
