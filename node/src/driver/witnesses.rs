//! This node's newest checkpoint is offered to its witnesses, once a second at most: to members over the network, to others over
//! HTTP.
//!
//! Not here: who they are, and when cosignatures make a quorum ([`crate::witness`]); others' checkpoints (`logs`).

use std::sync::Arc;
use std::time::{Duration, Instant};

use luxor_protocol::cbor::{Decode, Encode};
use luxor_protocol::document::KnownNode;
use luxor_protocol::exchange::{Answer, Lack, Lane, Request};
use luxor_protocol::tlog::{AddCheckpoint, Answer as Witnessed, consistency_proof, read_answer};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

use super::{Driver, DriverError, Message, outside};
use crate::sequencer::Latest;
use crate::witness::{LogWitness, Way};

/// How often a checkpoint is offered at most.
const TICK: Duration = Duration::from_secs(1);
/// How long a checkpoint waits for its quorum before a larger one is offered.
const HOLD: Duration = Duration::from_secs(10);
/// After so long the same checkpoint is offered again, so that its cosignatures say that it still holds.
const REFRESH: Duration = Duration::from_secs(600);
/// Wait before a witness that did not cosign is asked again, at first and at most: one that starts beside this node is there soon.
const AGAIN: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(5)];
/// Questions for one offer: a second one with the size that the witness named.
const TRIES: usize = 2;

impl Driver {
    /// Offers this node's checkpoints to its witnesses, until the node stops.
    pub(super) async fn offer_checkpoints(self) {
        let shared = self.shared.clone();
        let (offer, offered) = watch::channel(None);
        let mut asking = Asking::default();
        let (mut size, mut since) = (0, Instant::now());
        loop {
            asking.ask(&self, &shared.known().witnesses, &offered);
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
    async fn ask_witness(self, witness: LogWitness, mut offered: watch::Receiver<Option<Latest>>) {
        // What it cosigned last, as far as is known.
        let mut known = 0;
        let (mut done, mut told, mut pause) = (true, String::new(), AGAIN[0]);
        loop {
            let changed = async {
                match done {
                    true => offered.changed().await,
                    false => tokio::time::timeout(pause, offered.changed()).await.unwrap_or(Ok(())),
                }
            };
            if changed.await.is_err() {
                return;
            }
            let latest = offered.borrow_and_update().clone();
            let Some(latest) = latest else { continue };
            done = match self.offer(&witness, &latest, &mut known).await {
                Ok(()) => true,
                Err(OfferError::Node(error)) => return drop(self.mailbox.send(Message::Failed(error))),
                Err(OfferError::Starting) => {
                    // It cosigns nothing before its own witnesses were heard, which is no news.
                    tracing::debug!(witness = witness.name, "a witness has just started");
                    false
                }
                Err(OfferError::Witness(why)) => {
                    // Once, not every few seconds: a witness may say what it likes.
                    if told != why {
                        tracing::warn!(witness = witness.name, why, "a witness does not cosign");
                    }
                    let mut cosigned = self.shared.cosigned();
                    if let Some(place) = cosigned.place(&witness.key) {
                        cosigned.failed(place, why.clone());
                    }
                    drop(cosigned);
                    told = why;
                    false
                }
            };
            if done {
                told.clear();
                pause = AGAIN[0];
            } else {
                pause = (pause * 2).min(AGAIN[1]);
            }
        }
    }

    async fn offer(&self, witness: &LogWitness, latest: &Latest, known: &mut u64) -> Result<(), OfferError> {
        for _ in 0..TRIES {
            // What is offered again and again until it has its quorum may be older than what this one cosigned meanwhile.
            if *known > latest.size {
                return Err(OfferError::Witness(format!("it has {known} entries already; a later one is offered")));
            }
            let (shared, old, size) = (self.shared.clone(), *known, latest.size);
            let proof = self.work(Lane::Urgent, move || consistency_proof(&shared.sequencer.nodes(), old, size)).await;
            let proof = proof.ok_or(OfferError::Witness("the node is stopping".into()))?;
            let proof = proof.map_err(|e| OfferError::Node(DriverError::Own(e.to_string())))?;
            let body = AddCheckpoint { old, proof, note_bytes: latest.note.clone() }.to_bytes();
            let (status, body) = self.put_to(witness, body).await?;
            let said = read_answer(status, &body, old, size).map_err(|e| OfferError::Witness(e.to_string()))?;
            match said {
                Witnessed::Cosigned => {
                    *known = size;
                    let made = {
                        let mut cosigned = self.shared.cosigned();
                        // A witness that is asked no longer counts for nothing.
                        cosigned.place(&witness.key).map_or(Ok(None), |place| cosigned.add(place, size, &body))
                    };
                    let made = made.map_err(|e| OfferError::Witness(e.to_string()))?;
                    if let Some(made) = made {
                        let shared = self.shared.clone();
                        let kept = self.work(Lane::Urgent, move || shared.keep_cosigned(&made)).await;
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

    /// Puts the body of an `add-checkpoint` to a witness; gives status and body of its answer.
    async fn put_to(&self, witness: &LogWitness, body: Vec<u8>) -> Result<(u16, Vec<u8>), OfferError> {
        let said = match &witness.way {
            Way::Member(node) => match self.ask_whole(node, &Request::AddCheckpoint(body)).await {
                Ok(Answer::Witness { status, body }) => Ok((status, body)),
                Ok(Answer::Later { lacks: Lack::Witnesses, .. }) => return Err(OfferError::Starting),
                Ok(Answer::Later { lacks, detail }) => Err(format!("lacks {lacks}: {detail}")),
                Ok(Answer::Error { code, detail }) => Err(format!("{code}: {detail}")),
                Ok(_) => Err("it answered something else".into()),
                Err(why) => Err(why),
            },
            Way::Url(url) => outside::add_checkpoint(url, body).await,
            Way::Nowhere => Err("the policy names no URL of it, and no card has its key".into()),
        };
        said.map_err(OfferError::Witness)
    }

    /// One question to another node.
    pub(super) async fn ask(&self, node: &KnownNode, request: &Request) -> Result<Answer, String> {
        match self.ask_whole(node, request).await? {
            Answer::Error { code, detail } => Err(format!("{code}: {detail}")),
            Answer::Later { lacks, detail } => Err(format!("lacks {lacks}: {detail}")),
            answer => Ok(answer),
        }
    }

    /// The same, with refusals as answers.
    pub(super) async fn ask_whole(&self, node: &KnownNode, request: &Request) -> Result<Answer, String> {
        let key = self.shared.net.way_to(node);
        let answer = self.shared.net.request(key, Arc::new(request.to_cbor())).await.map_err(|e| e.to_string())?;
        Answer::from_cbor(&answer).map_err(|error| format!("undecodable answer: {error}"))
    }
}

/// The witnesses that are asked, each by a task of its own.
#[derive(Default)]
struct Asking {
    tasks: JoinSet<()>,
    running: Vec<(LogWitness, AbortHandle)>,
}

impl Asking {
    /// Goes on with these witnesses: who stays as it was is not asked anew.
    fn ask(&mut self, driver: &Driver, witnesses: &[LogWitness], offered: &watch::Receiver<Option<Latest>>) {
        self.running.retain(|(running, task)| {
            let stays = witnesses.iter().any(|witness| same(witness, running));
            if !stays {
                task.abort();
            }
            stays
        });
        for witness in witnesses {
            if !self.running.iter().any(|(running, _)| same(witness, running)) {
                let task = self.tasks.spawn(driver.clone().ask_witness(witness.clone(), offered.clone()));
                self.running.push((witness.clone(), task));
            }
        }
        while self.tasks.try_join_next().is_some() {}
    }
}

/// Whether it is the same witness, reached the same way; where it listens is net's matter.
fn same(a: &LogWitness, b: &LogWitness) -> bool {
    let way = match (&a.way, &b.way) {
        (Way::Member(a), Way::Member(b)) => a.card.transport == b.card.transport,
        (Way::Url(a), Way::Url(b)) => a == b,
        (Way::Nowhere, Way::Nowhere) => true,
        _ => false,
    };
    way && a.key == b.key && a.name == b.name
}

/// Why an offer was not cosigned.
enum OfferError {
    /// The witness waits for its own ones.
    Starting,
    /// The witness, for people.
    Witness(String),
    /// This node, which must stop.
    Node(DriverError),
}
