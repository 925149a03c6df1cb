//! The world around the engine: its mailbox, the pool for cryptography, timers; effects become commits and sends.
//!
//! One task owns the [`Engine`]. Everything that costs more than a microsecond runs elsewhere and reports back through the
//! mailbox. The mailbox has no bound of its own: each message belongs to a request, submission or dispatch whose number is
//! bounded before it starts (permits of net, submissions of the API, windows of the engine).
//!
//! Not here: decisions (engine), bytes of the protocol (luxor-protocol), libp2p (net), HTTP (api).

mod arrive;
mod audit;
mod prepare;
mod send;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use luxor_protocol::api::{ChunkResult, OutboxState};
use luxor_protocol::cbor::Encode;
use luxor_protocol::document::Directory;
use luxor_protocol::exchange::{Answer, AuditPage, Dispatch, ErrorCode};
use luxor_protocol::hash::Digest;
use luxor_protocol::keys::SecretKey;
use luxor_protocol::names::NodeRef;
use luxor_protocol::record::Content;
use luxor_protocol::time::Millis;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};

use crate::engine::{Effect, Engine, Input, Ticket, Token};
use crate::entropy::EntropyError;
use crate::net::{Inbound, NetHandle, Permit, Reply as NetReply};
use crate::seal::{Recipient, SealKey};
use crate::sequencer::{Commit, Sequencer, SequencerError};
use crate::store::{Store, StoreError, Totals};

pub use audit::AuditReadError;

/// Submissions in work at a time; more wait at the API.
const MAX_SUBMISSIONS: usize = 16;

/// What every room around the engine shares; nothing in it changes after the start.
pub struct Shared {
    /// This node.
    pub me: NodeRef,
    /// Charter, cards, agreements.
    pub directory: Arc<Directory>,
    /// Signs batches and dispatches.
    pub sign: SecretKey,
    /// Opens what is sealed to this node.
    pub seal: SealKey,
    /// Who is sealed to, by node.
    pub recipients: BTreeMap<NodeRef, Recipient>,
    /// The database.
    pub store: Arc<Store>,
    /// The commit thread.
    pub sequencer: Sequencer,
    /// The network.
    pub net: NetHandle,
    errors: Mutex<BTreeMap<ErrorCode, u64>>,
}

/// Why a submission was not taken.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// The outbox is full, or too many submissions are in work.
    #[error("the outbox is full or too many submissions are in work\nhint: submit the same chunk again later")]
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
    #[error("a worker failed: {0}")]
    Worker(String),
    /// Sealing or encoding of an own dispatch failed, which is a defect.
    #[error("own dispatch: {0}")]
    Own(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

enum Message {
    Input(Input),
    Arrived { peer: NodeRef, dispatch: Box<Dispatch>, permit: Permit, reply: NetReply },
    Prepared { answer: oneshot::Sender<Result<ChunkResult, SubmitError>>, chunk: Box<crate::engine::PreparedChunk> },
    Failed(DriverError),
}

/// The way into the driver for API and net.
#[derive(Clone)]
pub struct Driver {
    shared: Arc<Shared>,
    mailbox: mpsc::UnboundedSender<Message>,
    outbox: watch::Receiver<(OutboxState, Totals)>,
    submissions: Arc<Semaphore>,
    submitting: Arc<Mutex<HashSet<(String, u64)>>>,
    workers: Arc<Semaphore>,
}

/// A driver that has not begun: its loop is [`Run::run`].
pub struct Run {
    engine: Engine,
    driver: Driver,
    messages: mpsc::UnboundedReceiver<Message>,
    state: watch::Sender<(OutboxState, Totals)>,
    tokens: u64,
    arrived: HashMap<Token, Arrived>,
    submitted: HashMap<Token, Submitted>,
}

struct Arrived {
    peer: NodeRef,
    dispatch: Option<Box<Dispatch>>,
    _permit: Permit,
    reply: NetReply,
}

struct Submitted {
    answer: oneshot::Sender<Result<ChunkResult, SubmitError>>,
    result: ChunkResult,
}

impl Shared {
    /// Gathers what the rooms share.
    #[allow(clippy::too_many_arguments)]
    pub fn new(
        me: NodeRef,
        directory: Arc<Directory>,
        sign: SecretKey,
        seal: SealKey,
        recipients: BTreeMap<NodeRef, Recipient>,
        store: Arc<Store>,
        sequencer: Sequencer,
        net: NetHandle,
    ) -> Self {
        Self { me, directory, sign, seal, recipients, store, sequencer, net, errors: Mutex::default() }
    }

    /// Requests refused without trace, by code.
    pub fn errors(&self) -> BTreeMap<ErrorCode, u64> {
        self.errors.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn respond(&self, reply: NetReply, answer: &Answer) {
        if let Answer::Error { code, detail } = answer {
            tracing::info!(%code, detail, "request refused");
            *self.errors.lock().unwrap_or_else(PoisonError::into_inner).entry(*code).or_default() += 1;
        }
        reply.send(answer.to_cbor());
    }
}

/// The time now. The only clock of the node; everything below takes it as an argument.
pub fn now() -> Millis {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX).min(Millis::MAX.0))
}

impl Driver {
    /// Joins an engine with the world. Nothing happens until [`Run::run`].
    pub fn new(engine: Engine, shared: Arc<Shared>) -> (Driver, Run) {
        let (mailbox, messages) = mpsc::unbounded_channel();
        let (state, outbox) = watch::channel((engine.outbox(), engine.totals().clone()));
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let driver = Driver {
            shared,
            mailbox,
            outbox,
            submissions: Arc::new(Semaphore::new(MAX_SUBMISSIONS)),
            submitting: Arc::default(),
            workers: Arc::new(Semaphore::new(cores)),
        };
        let run = Run {
            engine,
            driver: driver.clone(),
            messages,
            state,
            tokens: 0,
            arrived: HashMap::new(),
            submitted: HashMap::new(),
        };
        (driver, run)
    }

    /// What the rooms share.
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// What waits for receipts.
    pub fn outbox(&self) -> OutboxState {
        self.outbox.borrow().0.clone()
    }

    /// Verdicts so far.
    pub fn totals(&self) -> Totals {
        self.outbox.borrow().1.clone()
    }

    /// Waits until nothing waits for receipts, at most `wait`.
    pub async fn outbox_empty(&self, wait: Duration) -> OutboxState {
        let mut outbox = self.outbox.clone();
        // A time-out is no failure: the answer then says what still waits.
        let _ = tokio::time::timeout(wait, outbox.wait_for(|(state, _)| state.pending == 0)).await;
        self.outbox()
    }

    /// Takes a chunk of records: stored, signed, sealed and on its way when this returns. The same chunk again gets the
    /// same answer.
    ///
    /// # Errors
    /// [`SubmitError`].
    pub async fn submit(
        &self,
        submission: String,
        chunk: u64,
        digest: Digest,
        records: Vec<Result<Content, luxor_protocol::record::ContentError>>,
    ) -> Result<ChunkResult, SubmitError> {
        let name = (submission.clone(), chunk);
        let _permit = self.submissions.clone().try_acquire_owned().map_err(|_| SubmitError::Busy)?;
        if !self.submitting.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone()) {
            return Err(SubmitError::Busy);
        }
        let result = self.submit_once(submission, chunk, digest, records).await;
        self.submitting.lock().unwrap_or_else(PoisonError::into_inner).remove(&name);
        result
    }

    async fn submit_once(
        &self,
        submission: String,
        chunk: u64,
        digest: Digest,
        records: Vec<Result<Content, luxor_protocol::record::ContentError>>,
    ) -> Result<ChunkResult, SubmitError> {
        if let Some(row) = self.shared.store.submission(&submission, chunk)? {
            if row.digest != digest {
                return Err(SubmitError::NameUsed { submission, chunk });
            }
            return serde_json::from_slice(&row.result).map_err(|e| {
                SubmitError::Store(StoreError::Damaged { what: "a submission's answer".into(), error: e.to_string() })
            });
        }
        let shared = self.shared.clone();
        let prepared = self
            .work(move || prepare::prepare(&shared, submission, chunk, digest, records, now()))
            .await
            .ok_or(SubmitError::Stopping)?;
        let chunk = match prepared {
            Ok(chunk) => Box::new(chunk),
            Err(error) => {
                let _ = self.mailbox.send(Message::Failed(error));
                return Err(SubmitError::Stopping);
            }
        };
        let (answer, answered) = oneshot::channel();
        self.mailbox.send(Message::Prepared { answer, chunk }).map_err(|_| SubmitError::Stopping)?;
        answered.await.unwrap_or(Err(SubmitError::Stopping))
    }

    /// Takes requests of other nodes until net ends.
    pub async fn serve(self, mut requests: mpsc::Receiver<Inbound>) {
        while let Some(inbound) = requests.recv().await {
            self.arrive(inbound);
        }
    }

    /// One page of this or another node's log.
    ///
    /// # Errors
    /// [`AuditReadError`].
    pub async fn audit_page(&self, node: &NodeRef, from: u64, count: u64) -> Result<AuditPage, AuditReadError> {
        audit::page(self, node, from, count).await
    }

    /// Runs a job on a worker thread; `None` when it panicked, which also ends the driver.
    async fn work<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        // The semaphore is never closed.
        let permit = self.workers.clone().acquire_owned().await.ok()?;
        let outcome = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            job()
        });
        match outcome.await {
            Ok(value) => Some(value),
            Err(error) => {
                let _ = self.mailbox.send(Message::Failed(DriverError::Worker(error.to_string())));
                None
            }
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
        self.step(Input::Tick)?;
        loop {
            let wakeup = self.engine.next_wakeup().map(|at| Duration::from_millis(at.0.saturating_sub(now().0)));
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
            Message::Arrived { peer, dispatch, permit, reply } => {
                let token = self.token();
                let arrived = Arrived { peer: peer.clone(), dispatch: Some(dispatch), _permit: permit, reply };
                self.arrived.insert(token, arrived);
                self.step(Input::Arrived { token, peer })
            }
            Message::Prepared { answer, chunk } => {
                let token = self.token();
                self.submitted.insert(token, Submitted { answer, result: chunk.result.clone() });
                self.step(Input::Submitted { token, chunk })
            }
        }
    }

    fn step(&mut self, input: Input) -> Result<(), DriverError> {
        let effects = self.engine.step(now(), input);
        // Before the effects: whoever gets an answer must find the outbox as the answer left it.
        self.state.send_if_modified(|state| {
            let new = (self.engine.outbox(), self.engine.totals().clone());
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
                let bytes = entries.iter().map(|e| e.body.len() + 300).sum::<usize>()
                    + writes.iter().map(prepare::bytes_of).sum::<usize>();
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
        }
        Ok(())
    }

    fn check(&mut self, token: Token) {
        let Some(arrived) = self.arrived.get_mut(&token) else { return };
        let (Some(dispatch), peer) = (arrived.dispatch.take(), arrived.peer.clone()) else { return };
        let driver = self.driver.clone();
        tokio::spawn(async move {
            let shared = driver.shared.clone();
            let checked = driver.work(move || arrive::check(&shared, &peer, &dispatch, now())).await;
            match checked {
                Some(Ok(result)) => driver.input(Input::Checked { token, result }),
                Some(Err(error)) => drop(driver.mailbox.send(Message::Failed(error))),
                None => {}
            }
        });
    }

    fn seal(
        &mut self,
        ticket: Ticket,
        token: Token,
        chunk: Box<crate::engine::PreparedChunk>,
        numbers: Vec<(luxor_protocol::exchange::Channel, u64, u64)>,
    ) {
        let driver = self.driver.clone();
        tokio::spawn(async move {
            let shared = driver.shared.clone();
            let sealed = driver.work(move || prepare::seal(&shared, token, *chunk, numbers, now())).await;
            match sealed {
                Some(Ok(chunk)) => driver.input(Input::Sealed { ticket, chunk: Box::new(chunk) }),
                Some(Err(error)) => drop(driver.mailbox.send(Message::Failed(error))),
                None => {}
            }
        });
    }

    fn token(&mut self) -> Token {
        self.tokens += 1;
        Token(self.tokens)
    }
}
