//! The world around the engine: its mailbox, the pool for cryptography, timers; effects become commits and sends.
//!
//! One task owns the [`Engine`]. Everything that costs more than a microsecond runs elsewhere and reports back through the
//! mailbox. The mailbox has no bound of its own: each message belongs to a request, submission or dispatch whose number is
//! bounded before it starts (permits of net, submissions of the API, windows of the engine).
//!
//! Not here: decisions (engine), bytes of the protocol (luxor-protocol), libp2p (net), HTTP (api).

mod arrive;
mod attached;
mod audit;
mod beside;
mod books;
mod deletions;
mod deposits;
pub mod desk;
mod documents;
mod erase;
mod facts;
mod holds;
mod hot;
mod known;
mod life;
mod logs;
mod monitor;
mod onward;
mod outside;
mod peers;
mod permitted;
mod pool;
mod prepare;
mod quality;
mod receipts;
mod redirect;
mod repair;
mod route;
mod send;
mod settle;
mod shared;
mod shelf;
mod space;
mod trust;
mod turns;
mod windows;
mod witnesses;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use luxor_protocol::api::OutboxState;
use luxor_protocol::audit::population::BatchViews;
use luxor_protocol::exchange::{AuditPage, Channel, Lane, Request};
use luxor_protocol::hash::Digest;
use luxor_protocol::names::NodeRef;
use luxor_protocol::record::{Content, ContentError};
use luxor_protocol::time::Millis;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::task::JoinSet;

use crate::attached::AttachedFiles;
use crate::engine::{Effect, Engine, Input, PreparedChunk, PreparedWithdrawal, Ticket, Token};
use crate::entropy::EntropyError;
use crate::keyring::KeyringError;
use crate::net::{Inbound, Permit, Reply as NetReply};
use crate::sequencer::{Commit, SequencerError, bytes_of};
use crate::store::{StoreError, Totals, Write};
use crate::waking::{Heard, WordError};

use attached::Attached;
pub use attached::{AttachError, Ranges};
pub use audit::AuditReadError;
pub use books::{AccountsError, Asked, close, decide, listed, statement, summary_list};
use deposits::Deposits;
use documents::Spread;
pub use documents::{AdmitError, Admitted, RefusedDocument, record_documents};
pub use erase::{EraseError, ErasedNow};
pub use facts::gathered;
pub use known::{Known, KnownError, origins, peers};
pub use life::{LifeError, life, referrals};
pub use logs::{mark, standing};
pub use onward::Onward;
use pool::Pool;
pub use quality::report;
pub use receipts::{ReceiptWitnessError, ReceiptWitnesses};
pub use redirect::{RedirectError, Redirected};
use repair::Repairing;
pub use repair::{RepairError, RepairFilter, RepairLook, look_at_repairs, repair_groups};
pub use settle::WithdrawError;
pub use shared::{Parts, Secrets, Shared, SharedError};
pub use shelf::{KeptShelf, Told, page as shelf_page};
pub use trust::{TrustAskError, recognise, uses};
use windows::Windows;
pub use windows::{Compared, WindowError};

/// Refused numbers that the node's state names.
const MAX_REFUSALS: usize = 100;
/// How often sealed bytes that nobody can ask for any more are looked for.
const PURGE_EVERY: Duration = Duration::from_secs(3_600);

/// What the driver takes at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriverConfig {
    /// Submissions in work at a time in the ordinary lane; more are answered with "try again".
    pub submissions: usize,
    /// The same in the urgent lane.
    pub urgent_submissions: usize,
    /// The node's folder, whose disk is watched.
    pub folder: PathBuf,
    /// Bytes that must be left on that disk.
    pub min_free_bytes: u64,
    /// Time between two `peers` entries.
    pub peers_every: Duration,
    /// Whether every attached file that a received record names is fetched, not only those that are asked for.
    pub fetch_all_attached: bool,
    /// Time between two windows of each own channel; none are closed by themselves without it.
    pub close_windows_every: Option<Duration>,
    /// Milliseconds from sending on after which a receipt is due.
    pub receipt_due_ms: u64,
}

/// Why a submission was not taken.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// The outbox or the disk is full, or too many submissions are in work.
    #[error(
        "the outbox or the disk is full, or too many submissions are in work\nhint: submit the same chunk again later"
    )]
    Busy,
    /// The name was used for other records.
    #[error(
        "chunk {chunk} of submission {submission} was submitted before with other records\nhint: give each submission its own name"
    )]
    NameUsed {
        /// The submission.
        submission: String,
        /// The chunk.
        chunk: u64,
    },
    /// The node is stopping.
    #[error("the node is stopping")]
    Stopping,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why the driver ended.
#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    /// The sequencer stopped; nothing can be committed any more.
    #[error(transparent)]
    Sequencer(#[from] SequencerError),
    /// No random bytes.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// A worker panicked, which is a defect.
    #[error("a worker panicked; its message stands above in the log")]
    Worker,
    /// Sealing or encoding of an own dispatch failed, which is a defect.
    #[error("own dispatch: {0}")]
    Own(String),
    /// Somebody else signed with this log's key.
    #[error(transparent)]
    Word(#[from] WordError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A data key.
    #[error(transparent)]
    Keys(#[from] KeyringError),
}

enum Message {
    Input(Input),
    /// What a peer brought; without a permit what this node fetched itself.
    Arrived {
        peer: NodeRef,
        request: Box<Request>,
        permit: Option<Permit>,
        reply: NetReply,
    },
    Prepared {
        answer: oneshot::Sender<Result<Vec<u8>, SubmitError>>,
        chunk: Box<PreparedChunk>,
    },
    Withdraw {
        answer: oneshot::Sender<bool>,
        channel: Channel,
        number: u64,
        withdrawal: Box<PreparedWithdrawal>,
    },
    Failed(DriverError),
}

/// The way into the driver for API and net.
#[derive(Clone)]
pub struct Driver {
    shared: Arc<Shared>,
    mailbox: mpsc::UnboundedSender<Message>,
    state: watch::Receiver<State>,
    submissions: Arc<Semaphore>,
    urgent_submissions: Arc<Semaphore>,
    submitting: Arc<Mutex<HashSet<(String, u64)>>>,
    /// One answer that takes many reads of the log at a time, so that asking for them does not keep workers from dispatches.
    proving: Arc<Semaphore>,
    /// One document is admitted at a time.
    admitting: Arc<tokio::sync::Mutex<()>>,
    /// One wish to pass records on is worked on at a time, so that the same one twice passes nothing on twice.
    passing: Arc<tokio::sync::Mutex<()>>,
    spread: Arc<Spread>,
    /// One erasure, or one hold placed or released, at a time.
    erasing: Arc<tokio::sync::Mutex<()>>,
    attached: Arc<Attached>,
    windows: Arc<Windows>,
    deposits: Arc<Deposits>,
    receipt_due_ms: u64,
    pool: Arc<Pool>,
}

/// What the driver tells of its engine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// What waits for receipts.
    pub outbox: OutboxState,
    /// Verdicts so far.
    pub totals: Totals,
    /// Received channels with numbers that this node lost: first and last.
    pub missing: Vec<(Channel, u64, u64)>,
    /// Numbers that a recipient refuses without consuming them, with the reasons; the first few.
    pub refusals: Vec<(Channel, u64, String)>,
}

/// A driver that has not begun: its loop is [`Run::run`].
pub struct Run {
    engine: Engine,
    driver: Driver,
    messages: mpsc::UnboundedReceiver<Message>,
    state: watch::Sender<State>,
    tokens: u64,
    arrived: HashMap<Token, Arrived>,
    submitted: HashMap<Token, Submitted>,
    withdrawing: HashMap<Token, oneshot::Sender<bool>>,
    config: DriverConfig,
    began: Instant,
}

struct Arrived {
    peer: NodeRef,
    request: Option<Box<Request>>,
    _permit: Option<Permit>,
    reply: NetReply,
}

struct Submitted {
    answer: oneshot::Sender<Result<Vec<u8>, SubmitError>>,
    result: Vec<u8>,
}

/// A chunk of records as it was handed in.
pub struct Submission {
    /// The lane of its dispatches.
    pub lane: Lane,
    /// Its name.
    pub name: String,
    /// The number of the chunk.
    pub chunk: u64,
    /// Digest of the chunk's bytes, to tell a repeat from other records under its name.
    pub digest: Digest,
    /// Its records, or why one is none.
    pub records: Vec<Result<Content, ContentError>>,
    /// What else is wrong with records, by their place.
    pub faults: BTreeMap<usize, ContentError>,
    /// The waiting records that these are, fixed; nothing where they are new.
    pub(crate) repairing: Vec<Repairing>,
}

fn state_of(engine: &Engine) -> State {
    State {
        outbox: engine.outbox(),
        totals: engine.totals().clone(),
        missing: engine.missing(),
        refusals: engine.refusals(MAX_REFUSALS),
    }
}

/// The time now, for what is dated. The only clock of the node but for the engine's waits; everything below takes it as an
/// argument.
pub fn now() -> Millis {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let millis = u64::try_from(since.as_millis()).unwrap_or(u64::MAX).min(Millis::MAX.0);
    Millis(millis).plus(AHEAD.load(Ordering::Relaxed))
}

/// Milliseconds that [`now`] is ahead of the machine's clock.
static AHEAD: AtomicU64 = AtomicU64::new(0);

/// Sets the node's clock ahead by so many days, for rehearsals of what happens on a later day.
pub fn set_clock_ahead(days: u64) {
    AHEAD.store(days.saturating_mul(86_400_000), Ordering::Relaxed);
}

impl Driver {
    /// Joins an engine with the world. Nothing happens until [`Run::run`].
    ///
    /// # Errors
    /// When the system gives no worker threads.
    pub fn new(engine: Engine, shared: Arc<Shared>, config: DriverConfig) -> std::io::Result<(Driver, Run)> {
        let (mailbox, messages) = mpsc::unbounded_channel();
        let (state, told) = watch::channel(state_of(&engine));
        let files = AttachedFiles::new(&shared.folder.data());
        let attached = Arc::new(Attached::new(files, config.min_free_bytes, config.fetch_all_attached));
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let driver = Driver {
            shared,
            mailbox,
            state: told,
            submissions: Arc::new(Semaphore::new(config.submissions)),
            urgent_submissions: Arc::new(Semaphore::new(config.urgent_submissions)),
            submitting: Arc::default(),
            proving: Arc::new(Semaphore::new(1)),
            admitting: Arc::default(),
            passing: Arc::default(),
            spread: Arc::default(),
            erasing: Arc::default(),
            attached,
            windows: Arc::default(),
            deposits: Arc::default(),
            receipt_due_ms: config.receipt_due_ms,
            pool: Arc::new(Pool::new(cores)?),
        };
        let run = Run {
            engine,
            driver: driver.clone(),
            messages,
            state,
            tokens: 0,
            arrived: HashMap::new(),
            submitted: HashMap::new(),
            withdrawing: HashMap::new(),
            config,
            began: Instant::now(),
        };
        Ok((driver, run))
    }

    /// What the rooms share.
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// What the engine says now.
    pub fn state(&self) -> State {
        self.state.borrow().clone()
    }

    /// Waits until nothing waits for receipts, at most `wait`.
    pub async fn outbox_empty(&self, wait: Duration) -> OutboxState {
        let mut state = self.state.clone();
        // A time-out is no failure: the answer then says what still waits.
        let _ = tokio::time::timeout(wait, state.wait_for(|state| state.outbox.pending == 0)).await;
        self.state().outbox
    }

    /// Takes a chunk of records: stored, signed, sealed and on its way when this returns. Gives the answer, a
    /// [`luxor_protocol::api::ChunkResult`] in JSON; the same chunk again gets the same.
    ///
    /// # Errors
    /// [`SubmitError`].
    pub async fn submit(&self, submission: Submission) -> Result<Vec<u8>, SubmitError> {
        let name = (submission.name.clone(), submission.chunk);
        let permits = match submission.lane {
            Lane::Ordinary => &self.submissions,
            Lane::Urgent => &self.urgent_submissions,
        };
        let _permit = permits.clone().try_acquire_owned().map_err(|_| SubmitError::Busy)?;
        if !self.submitting.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone()) {
            return Err(SubmitError::Busy);
        }
        let result = self.submit_once(submission).await;
        self.submitting.lock().unwrap_or_else(PoisonError::into_inner).remove(&name);
        result
    }

    async fn submit_once(&self, mut submission: Submission) -> Result<Vec<u8>, SubmitError> {
        if let Some(row) = self.shared.store.submission(&submission.name, submission.chunk)? {
            if row.digest != submission.digest {
                return Err(SubmitError::NameUsed { submission: submission.name, chunk: submission.chunk });
            }
            return Ok(row.result);
        }
        // Until the records are stored, no file that they name goes.
        let _held = self.hold_attached(&mut submission).await?;
        let shared = self.shared.clone();
        let chunk = self.on_lane(submission.lane, move || prepare::prepare(&shared, submission, now(), true)).await?;
        self.send_out(chunk).await
    }

    /// The answer that a submission would get; nothing comes of it.
    async fn rehearse(&self, mut submission: Submission) -> Result<Vec<u8>, SubmitError> {
        let _held = self.hold_attached(&mut submission).await?;
        let shared = self.shared.clone();
        let chunk = self.on_lane(Lane::Ordinary, move || prepare::prepare(&shared, submission, now(), false)).await?;
        Ok(chunk.result)
    }

    /// Gives a prepared chunk its numbers, seals and stores it; on its way when this returns. Gives its answer.
    async fn send_out(&self, chunk: PreparedChunk) -> Result<Vec<u8>, SubmitError> {
        let (answer, answered) = oneshot::channel();
        let message = Message::Prepared { answer, chunk: Box::new(chunk) };
        self.mailbox.send(message).map_err(|_| SubmitError::Stopping)?;
        answered.await.unwrap_or(Err(SubmitError::Stopping))
    }

    /// Takes requests of other nodes until net ends.
    pub async fn serve(self, mut requests: mpsc::Receiver<Inbound>) {
        while let Some(inbound) = requests.recv().await {
            self.arrive(inbound);
        }
    }

    /// Begins with what witnesses said before this node signed anything.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn heard(&self, heard: &Heard) -> Result<(), StoreError> {
        heard.notes.iter().try_for_each(|(teller, notes)| self.shared.witness.learn(teller, notes))?;
        heard.cards.iter().for_each(|card| monitor::tell_card(&self.shared, card));
        Ok(())
    }

    /// One page of this or another node's log.
    ///
    /// # Errors
    /// [`AuditReadError`].
    pub async fn audit_page(&self, node: &NodeRef, from: u64, count: u64) -> Result<AuditPage, AuditReadError> {
        audit::page(self, node, from, count).await
    }

    /// The records in the dispatch of an entry of this node's log, showing their value only; `None` where it has none.
    ///
    /// # Errors
    /// [`AuditReadError::Own`].
    pub async fn audit_values(&self, entry: u64) -> Result<Option<BatchViews>, AuditReadError> {
        audit::values(self, entry).await
    }

    /// Runs a job on a worker thread; `None` when it panicked, which also ends the driver.
    async fn work<T: Send + 'static>(&self, lane: Lane, job: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        match self.pool.run(lane, job).await {
            Ok(value) => Some(value),
            Err(pool::Panicked) => {
                let _ = self.mailbox.send(Message::Failed(DriverError::Worker));
                None
            }
        }
    }

    /// The same of a job whose failure ends the driver.
    async fn on_lane<T: Send + 'static>(
        &self,
        lane: Lane,
        job: impl FnOnce() -> Result<T, DriverError> + Send + 'static,
    ) -> Result<T, SubmitError> {
        match self.work(lane, job).await {
            Some(Ok(done)) => Ok(done),
            Some(Err(error)) => {
                // The mailbox only closes when the node stops.
                let _ = self.mailbox.send(Message::Failed(error));
                Err(SubmitError::Stopping)
            }
            None => Err(SubmitError::Stopping),
        }
    }

    async fn purge_regularly(self) {
        loop {
            self.purge().await;
            tokio::time::sleep(PURGE_EVERY).await;
        }
    }

    fn input(&self, input: Input) {
        // The mailbox only closes when the node stops.
        let _ = self.mailbox.send(Message::Input(input));
    }
}

impl Run {
    /// The loop: one message, one step, its effects. Ends with an error that must end the process, or when `stop` says so.
    ///
    /// # Errors
    /// [`DriverError`].
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) -> Result<(), DriverError> {
        let has_room = space::has_room(&self.config.folder, self.config.min_free_bytes);
        self.step(Input::Space(has_room))?;
        self.step(Input::Tick)?;
        let watch = self.driver.clone().watch_space(self.config.folder.clone(), self.config.min_free_bytes);
        let mut beside = JoinSet::new();
        beside.spawn(watch);
        beside.spawn(self.driver.clone().purge_regularly());
        beside.spawn(self.driver.clone().withdraw_forbidden());
        beside.spawn(self.driver.clone().erase_regularly());
        beside.spawn(self.driver.clone().tell_deletions());
        beside.spawn(self.driver.clone().offer_checkpoints());
        beside.spawn(self.driver.clone().follow_logs());
        beside.spawn(self.driver.clone().monitor());
        beside.spawn(self.driver.clone().spread_documents());
        beside.spawn(self.driver.clone().record_peers(self.config.peers_every));
        beside.spawn(self.driver.clone().beside_each(Driver::others, Driver::fetch_from));
        beside.spawn(self.driver.clone().beside_each(Driver::others, Driver::prove_receipts));
        beside.spawn(self.driver.clone().fetch_all_attached());
        beside.spawn(self.driver.clone().follow_trust());
        beside.spawn(self.driver.clone().close_windows(self.config.close_windows_every));
        beside.spawn(self.driver.clone().deposit_overdue());
        beside.spawn(self.driver.clone().beside_each(Driver::keepers, Driver::fetch_deposits));
        beside.spawn(self.driver.clone().follow_accounts());
        beside.spawn(self.driver.clone().follow_desk());
        beside.spawn(self.driver.clone().follow_shelf());
        loop {
            let wakeup =
                self.engine.next_wakeup().map(|at| Duration::from_millis(at.0.saturating_sub(self.elapsed().0)));
            let sleep = async {
                match wakeup {
                    Some(wait) => tokio::time::sleep(wait).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return Ok(()),
                () = sleep => self.step(Input::Tick)?,
                message = self.messages.recv() => match message {
                    Some(message) => self.message(message)?,
                    None => return Ok(()),
                },
            }
        }
    }

    fn message(&mut self, message: Message) -> Result<(), DriverError> {
        match message {
            Message::Input(input) => self.step(input),
            Message::Failed(error) => Err(error),
            Message::Arrived { peer, request, permit, reply } => {
                let token = self.token();
                let arrived = Arrived { peer: peer.clone(), request: Some(request), _permit: permit, reply };
                self.arrived.insert(token, arrived);
                self.step(Input::Arrived { token, peer })
            }
            Message::Prepared { answer, chunk } => {
                let token = self.token();
                self.submitted.insert(token, Submitted { answer, result: chunk.result.clone() });
                self.step(Input::Submitted { token, chunk })
            }
            Message::Withdraw { answer, channel, number, withdrawal } => {
                let token = self.token();
                self.withdrawing.insert(token, answer);
                self.step(Input::Withdraw { token: Some(token), channel, number, withdrawal })
            }
        }
    }

    fn step(&mut self, input: Input) -> Result<(), DriverError> {
        let effects = self.engine.step(self.elapsed(), input);
        // Before the effects: whoever gets an answer must find the outbox as the answer left it.
        self.state.send_if_modified(|state| {
            let new = state_of(&self.engine);
            let changed = *state != new;
            *state = new;
            changed
        });
        for effect in effects {
            self.effect(effect)?;
        }
        Ok(())
    }

    fn effect(&mut self, effect: Effect) -> Result<(), DriverError> {
        match effect {
            Effect::Check { token } => self.check(token),
            Effect::Respond { token, answer } => {
                if let Some(arrived) = self.arrived.remove(&token) {
                    self.driver.shared.respond(arrived.reply, &answer);
                }
            }
            Effect::Replay { token, channel, number, digest } => {
                if let Some(arrived) = self.arrived.remove(&token) {
                    self.driver.replay(arrived.reply, channel, number, digest);
                }
            }
            Effect::Commit { ticket, writes, entries, prove } => {
                for write in &writes {
                    self.keep_hot(write);
                }
                let bytes = bytes_of(&writes, &entries);
                let driver = self.driver.clone();
                let done = Box::new(move |committed: crate::sequencer::Committed| {
                    driver.input(Input::Committed { ticket, proof: committed.proofs.into_iter().next() });
                });
                self.driver.shared.sequencer.commit(Commit { writes, entries, prove, bytes, done })?;
            }
            Effect::Seal { ticket, token, chunk, numbers } => self.seal(ticket, token, chunk, numbers),
            Effect::Accepted { token } => {
                if let Some(submitted) = self.submitted.remove(&token) {
                    // Whoever asked may have gone; the same chunk again gets the same answer.
                    let _ = submitted.answer.send(Ok(submitted.result));
                }
            }
            Effect::Busy { token } => {
                if let Some(submitted) = self.submitted.remove(&token) {
                    let _ = submitted.answer.send(Err(SubmitError::Busy));
                }
            }
            Effect::Send { channel, number } => self.driver.send(channel, number),
            Effect::Withdrawn { token, taken } => {
                if let Some(answer) = self.withdrawing.remove(&token) {
                    // Whoever asked may have gone.
                    let _ = answer.send(taken);
                }
            }
            Effect::PrepareWithdrawal { channel, number } => self.driver.withdraw_gone(channel, number),
            Effect::Reload { channel, after, count } => self.driver.reload(channel, after, count),
        }
        Ok(())
    }

    fn keep_hot(&self, write: &Write) {
        match write {
            Write::Sent { channel, number, request, .. } => self.driver.shared.hot.keep(channel, *number, request),
            // Its withdrawal goes out in its place.
            Write::Withdrawn { channel, number, .. } => drop(self.driver.shared.hot.take(channel, *number)),
            _ => {}
        }
    }

    fn check(&mut self, token: Token) {
        let Some(arrived) = self.arrived.get_mut(&token) else { return };
        let (Some(request), peer) = (arrived.request.take(), arrived.peer.clone()) else { return };
        let driver = self.driver.clone();
        tokio::spawn(async move {
            let shared = driver.shared.clone();
            let lane = arrive::lane(&request);
            let checked = driver.work(lane, move || arrive::check(&shared, &peer, &request, now())).await;
            match checked {
                Some(Ok(result)) => driver.input(Input::Checked { token, result }),
                Some(Err(error)) => drop(driver.mailbox.send(Message::Failed(error))),
                None => {}
            }
        });
    }

    fn seal(&mut self, ticket: Ticket, token: Token, chunk: Box<PreparedChunk>, numbers: Vec<(Channel, u64, u64)>) {
        let driver = self.driver.clone();
        tokio::spawn(async move {
            let shared = driver.shared.clone();
            let lane = chunk.lane;
            let sealed = driver.work(lane, move || prepare::seal(&shared, token, *chunk, numbers, now())).await;
            match sealed {
                Some(Ok(chunk)) => driver.input(Input::Sealed { ticket, chunk: Box::new(chunk) }),
                Some(Err(error)) => drop(driver.mailbox.send(Message::Failed(error))),
                None => {}
            }
        });
    }

    /// Time for the engine, which only waits: counted from the start, so that whoever sets the machine's clock back does not
    /// make it sleep until the clock has caught up, or for ever.
    fn elapsed(&self) -> Millis {
        Millis(u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX).min(Millis::MAX.0))
    }

    fn token(&mut self) -> Token {
        self.tokens += 1;
        Token(self.tokens)
    }
}
