//! Checkpoints between members: this node's newest one is offered to its witnesses once a second, others' newest ones are
//! asked for, and requests about checkpoints are answered.
//!
//! Not here: what a witness decides and keeps, and when cosignatures make a quorum ([`crate::witness`]).

use std::sync::Arc;
use std::time::{Duration, Instant};

use luxor_protocol::cbor::{Decode, Encode};
use luxor_protocol::document::KnownNode;
use luxor_protocol::exchange::{Answer, Channel, Lane, Request, log_key, witnesses_of};
use luxor_protocol::tlog::{
    AddCheckpoint, Answer as Witnessed, Checkpoint, Held, Note, ObserveError, Observed, TlogProof, consistency_proof,
    prefix_proof, read_answer,
};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{Driver, DriverError, Message, Shared, now};
use crate::net::{Permit, Reply as NetReply, TransportKey};
use crate::sequencer::Latest;
use crate::store::StoreError;
use crate::witness::{Concluded, Said};

/// How often a checkpoint is offered at most.
const TICK: Duration = Duration::from_secs(1);
/// How long a checkpoint waits for its quorum before a larger one is offered.
const HOLD: Duration = Duration::from_secs(10);
/// After so long the same checkpoint is offered again, so that its cosignatures say that it still holds.
const REFRESH: Duration = Duration::from_secs(600);
/// Wait before a witness that did not cosign is asked again.
const AGAIN: Duration = Duration::from_secs(5);
/// How often each other node is asked for its newest checkpoint.
const GOSSIP: Duration = Duration::from_secs(10);
/// Questions for one offer: a second one with the size that the witness named.
const TRIES: usize = 2;

/// Why it is not known whether a receipt is witnessed.
#[derive(Debug, thiserror::Error)]
pub enum ReceiptWitnessError {
    /// There is no receipt under this number.
    #[error("number {number} of {channel} has no receipt")]
    NoReceipt {
        /// The channel.
        channel: Channel,
        /// The number.
        number: u64,
    },
    /// The recipient did not say.
    #[error(
        "{node} does not show its newest checkpoint: {why}\nhint: ask again later; the receipt is signed whatever it says"
    )]
    Asked {
        /// The recipient.
        node: String,
        /// Why not.
        why: String,
    },
    /// The answer does not lead from the receipt's checkpoint to the one shown.
    #[error("the newest checkpoint of {node} is not shown to go on from the receipt's: {error}")]
    Unproven {
        /// The recipient.
        node: String,
        /// What does not fit.
        error: ObserveError,
    },
    /// The log forked between receipt and newest checkpoint; the evidence is kept.
    #[error("the log of {node} has shown two histories\nhint: `luxor evidence fetch` gives the proof")]
    Forked {
        /// The recipient.
        node: String,
    },
    /// This node failed.
    #[error("{0}")]
    Own(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How a receipt stands with witnesses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReceiptWitnesses {
    /// Only signed so far: no cosigned checkpoint covers it yet.
    Signed,
    /// A checkpoint that goes on from the receipt's own has a quorum.
    Witnessed {
        /// Entries that it covers.
        size: u64,
        /// The quorum time: seconds since 1970.
        time: u64,
        /// The note with its cosignatures.
        note: Vec<u8>,
    },
}

impl Driver {
    /// Offers this node's checkpoints to its witnesses and asks others for theirs, until the node stops.
    pub(super) async fn checkpoints(self) {
        let shared = self.shared.clone();
        let (offer, offered) = watch::channel(None);
        let mut beside = JoinSet::new();
        for (place, witness) in witnesses_of(&shared.directory, &shared.me.member()).into_iter().enumerate() {
            beside.spawn(self.clone().ask_witness(place, witness.clone(), offered.clone()));
        }
        for node in shared.directory.nodes().filter(|node| node.node != shared.me) {
            beside.spawn(self.clone().follow(node.clone()));
        }
        let (mut size, mut since) = (0, Instant::now());
        loop {
            let latest = shared.sequencer.latest();
            // All witnesses are asked for one size until it has its quorum: each a size of its own would never make one.
            let settled = shared.cosigned().best().is_some_and(|best| best.size >= size) || since.elapsed() >= HOLD;
            let grown = latest.size != size && (size == 0 || settled);
            if latest.size > 0 && (grown || since.elapsed() >= REFRESH) {
                (size, since) = (latest.size, Instant::now());
                shared.cosigned().offer(latest.size, &latest.note);
                // Without witnesses nobody listens.
                let _ = offer.send(Some(latest));
            }
            tokio::time::sleep(TICK).await;
        }
    }

    /// Offers each checkpoint, or the newest of several, to one witness.
    async fn ask_witness(self, place: usize, witness: KnownNode, mut offered: watch::Receiver<Option<Latest>>) {
        // What it cosigned last, as far as is known.
        let mut known = 0;
        let (mut done, mut told) = (true, String::new());
        loop {
            let changed = async {
                match done {
                    true => offered.changed().await,
                    false => tokio::time::timeout(AGAIN, offered.changed()).await.unwrap_or(Ok(())),
                }
            };
            if changed.await.is_err() {
                return;
            }
            let latest = offered.borrow_and_update().clone();
            let Some(latest) = latest else { continue };
            done = match self.offer(place, &witness, &latest, &mut known).await {
                Ok(()) => true,
                Err(OfferError::Node(error)) => return drop(self.mailbox.send(Message::Failed(error))),
                Err(OfferError::Witness(why)) => {
                    // Once, not every few seconds: a witness may say what it likes.
                    if told != why {
                        tracing::warn!(witness = %witness.node, why, "a witness does not cosign");
                    }
                    self.shared.cosigned().failed(place, why.clone());
                    told = why;
                    false
                }
            };
            if done {
                told.clear();
            }
        }
    }

    async fn offer(
        &self,
        place: usize,
        witness: &KnownNode,
        latest: &Latest,
        known: &mut u64,
    ) -> Result<(), OfferError> {
        for _ in 0..TRIES {
            let (shared, old, size) = (self.shared.clone(), *known, latest.size);
            let proof = self.work(Lane::Urgent, move || consistency_proof(&shared.store.log_reader(), old, size)).await;
            let proof = proof.ok_or(OfferError::Witness("the node is stopping".into()))?;
            let proof = proof.map_err(|e| OfferError::Node(DriverError::Own(e.to_string())))?;
            let body = AddCheckpoint { old, proof, note_bytes: latest.note.clone() }.to_bytes();
            let answer = self.ask(witness, &Request::AddCheckpoint(body)).await.map_err(OfferError::Witness)?;
            let Answer::Witness { status, body } = answer else {
                return Err(OfferError::Witness("it answered something else".into()));
            };
            let said = read_answer(status, &body, old, size).map_err(|e| OfferError::Witness(e.to_string()))?;
            match said {
                Witnessed::Cosigned => {
                    *known = size;
                    let made = self.shared.cosigned().add(place, size, &body);
                    let made = made.map_err(|e| OfferError::Witness(e.to_string()))?;
                    if let Some(made) = made {
                        let shared = self.shared.clone();
                        let kept = self.work(Lane::Urgent, move || shared.keep_cosigned(&made.note)).await;
                        kept.unwrap_or(Ok(())).map_err(|e| OfferError::Node(e.into()))?;
                    }
                    return Ok(());
                }
                Witnessed::AskAgain { size } => *known = size,
                Witnessed::WitnessAhead { size: ahead } if ahead <= self.shared.sequencer.latest().size => {
                    *known = ahead;
                    return Err(OfferError::Witness(format!("it has {ahead} entries already; a later one is offered")));
                }
                // Neither of these is proven: the operator is told once, beside what the other witnesses say.
                Witnessed::WitnessAhead { size: ahead } => {
                    let here = self.shared.sequencer.latest().size;
                    let why = format!("it says that it cosigned {ahead} entries of this log, which has {here} here");
                    return Err(OfferError::Witness(why));
                }
                Witnessed::ForkSuspected => {
                    return Err(OfferError::Witness("it says that it holds another history of this log".into()));
                }
                Witnessed::NotTaken { status } => {
                    let words = String::from_utf8_lossy(&body).trim_end().chars().take(200).collect::<String>();
                    return Err(OfferError::Witness(format!("{status}: {words}")));
                }
            }
        }
        Err(OfferError::Witness("it named another size twice".into()))
    }

    /// Asks one node for its newest checkpoint again and again.
    async fn follow(self, node: Arc<KnownNode>) {
        loop {
            tokio::time::sleep(GOSSIP).await;
            let shared = self.shared.clone();
            let origin = node.card.origin.clone();
            let have = match shared.witness.size_held(&origin) {
                Ok(have) => have,
                Err(error) => return drop(self.mailbox.send(Message::Failed(error.into()))),
            };
            let told = match self.ask(&node, &Request::Checkpoint { have }).await {
                Ok(Answer::Checkpoint(body)) => AddCheckpoint::parse(&body).map_err(|e| e.to_string()),
                Ok(_) => Err("it answered something else".to_owned()),
                Err(why) => Err(why),
            };
            let told = match told {
                Ok(told) => told,
                Err(why) => {
                    tracing::debug!(node = %node.node, why, "no newest checkpoint");
                    continue;
                }
            };
            let concluded = self.work(Lane::Urgent, move || shared.witness.told(&origin, &told)).await;
            match concluded {
                Some(Ok(Concluded::Older { size, held })) => {
                    tracing::warn!(node = %node.node, size, held, "a log shows less than it did: an older copy of its data?");
                }
                Some(Ok(Concluded::Unproven(error))) => {
                    tracing::warn!(node = %node.node, %error, "a log's newest checkpoint is unproven");
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return drop(self.mailbox.send(Message::Failed(error.into()))),
                None => return,
            }
        }
    }

    /// Whether a receipt is covered by a checkpoint with a quorum, as its recipient shows it now.
    ///
    /// # Errors
    /// [`ReceiptWitnessError`].
    pub async fn receipt_witnesses(
        &self,
        channel: &Channel,
        number: u64,
    ) -> Result<ReceiptWitnesses, ReceiptWitnessError> {
        let shared = &self.shared;
        let missing = || ReceiptWitnessError::NoReceipt { channel: channel.clone(), number };
        let row = shared.store.receipt(channel, number)?.ok_or_else(missing)?;
        let own = |what: String| ReceiptWitnessError::Own(format!("number {number} of {channel}: {what}"));
        let node = shared.directory.node(&channel.recipient).cloned();
        let node = node.ok_or_else(|| own("no card names its recipient".into()))?;
        let note_bytes = TlogProof::parse(&row.proof).map_err(|e| own(e.to_string()))?.checkpoint;
        let note = Note::parse(&note_bytes).map_err(|e| own(e.to_string()))?;
        let of_receipt = Checkpoint::parse(&note.text).map_err(|e| own(e.to_string()))?;
        if of_receipt.origin != node.card.origin {
            // Given under a log that the recipient keeps no longer: nobody cosigns that any more.
            return Ok(ReceiptWitnesses::Signed);
        }
        let name = node.node.to_string();
        let asked = |why: String| ReceiptWitnessError::Asked { node: name.clone(), why };
        let answer = self.ask(&node, &Request::Checkpoint { have: of_receipt.size }).await.map_err(asked)?;
        let Answer::Checkpoint(body) = answer else { return Err(asked("it answered something else".into())) };
        let told = AddCheckpoint::parse(&body).map_err(|e| asked(e.to_string()))?;
        let held = Held { size: of_receipt.size, root: of_receipt.root, note_bytes };
        let key = log_key(&node).map_err(|e| own(e.to_string()))?;
        match shared.witness.compare(&key, &held, &told)? {
            Ok(Observed::Newer(new) | Observed::Same(new)) => {
                let time = shared.witness.quorum_time(&node.card.origin, &new.note_bytes);
                Ok(match time {
                    Some(time) => ReceiptWitnesses::Witnessed { size: new.size, time, note: new.note_bytes },
                    None => ReceiptWitnesses::Signed,
                })
            }
            Ok(Observed::Older { .. }) => Ok(ReceiptWitnesses::Signed),
            Ok(Observed::Fork(_)) => Err(ReceiptWitnessError::Forked { node: name }),
            Err(error) => Err(ReceiptWitnessError::Unproven { node: name, error }),
        }
    }

    /// Answers an `add-checkpoint` that came over HTTP, behind what members ask; `None` when the node is stopping. `permit` is
    /// held until the work is done, also when nobody waits for it any more.
    pub async fn add_checkpoint(&self, body: Vec<u8>, permit: impl Send + 'static) -> Option<Said> {
        let shared = self.shared.clone();
        let job = move || {
            let _permit = permit;
            shared.witness.add_checkpoint(&body, now())
        };
        let said = self.work(Lane::Ordinary, job).await;
        self.unless_failed(said?)
    }

    /// The newest checkpoint held of the log with this id, cosigned; `None` when there is none. `permit` as above.
    pub async fn monitored(&self, id: String, permit: impl Send + 'static) -> Option<Vec<u8>> {
        let shared = self.shared.clone();
        let job = move || {
            let _permit = permit;
            shared.witness.held_by_id(&id, now())
        };
        let held = self.work(Lane::Ordinary, job).await;
        self.unless_failed(held?)?
    }

    fn unless_failed<T>(&self, result: Result<T, StoreError>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                let _ = self.mailbox.send(Message::Failed(error.into()));
                None
            }
        }
    }

    /// Answers a request about checkpoints on a worker.
    pub(super) fn about_checkpoints(&self, request: Request, permit: Permit, reply: NetReply) {
        let driver = self.clone();
        tokio::spawn(async move {
            let _permit = permit;
            let shared = driver.shared.clone();
            let answer = driver.work(Lane::Urgent, move || match request {
                Request::AddCheckpoint(body) => {
                    let said = shared.witness.add_checkpoint(&body, now())?;
                    Ok(Answer::Witness { status: said.status, body: said.body })
                }
                Request::Checkpoint { have } => newest(&shared, have).map(Answer::Checkpoint),
                _ => Err(DriverError::Own("not a request about checkpoints".into())),
            });
            match answer.await {
                Some(Ok(answer)) => driver.shared.respond(reply, &answer),
                Some(Err(error)) => drop(driver.mailbox.send(Message::Failed(error))),
                None => {}
            }
        });
    }

    /// One question to another node.
    async fn ask(&self, node: &KnownNode, request: &Request) -> Result<Answer, String> {
        let key = TransportKey(node.card.transport.bytes());
        let answer = self.shared.net.request(key, Arc::new(request.to_cbor())).await.map_err(|e| e.to_string())?;
        match Answer::from_cbor(&answer) {
            Ok(Answer::Error { code, detail }) => Err(format!("{code}: {detail}")),
            Ok(Answer::Later { lacks, detail }) => Err(format!("lacks {lacks}: {detail}")),
            Ok(answer) => Ok(answer),
            Err(error) => Err(format!("undecodable answer: {error}")),
        }
    }
}

/// Why an offer was not cosigned.
enum OfferError {
    /// The witness, for people.
    Witness(String),
    /// This node, which must stop.
    Node(DriverError),
}

/// This node's newest checkpoint, cosigned if that is not smaller than what is had, with a prefix proof from there.
fn newest(shared: &Shared, have: u64) -> Result<Vec<u8>, DriverError> {
    let latest = shared.sequencer.latest();
    let cosigned = shared.cosigned().best().filter(|best| best.size >= have).cloned();
    let (size, note_bytes) = cosigned.map_or((latest.size, latest.note), |best| (best.size, best.note));
    let proven = have > 0 && have < size;
    let proof = match proven {
        true => prefix_proof(&shared.store.log_reader(), have, size).map_err(|e| DriverError::Own(e.to_string()))?,
        false => Vec::new(),
    };
    let old = if proven || have == size { have } else { 0 };
    Ok(AddCheckpoint { old, proof, note_bytes }.to_bytes())
}
