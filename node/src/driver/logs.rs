//! Others' logs: their nodes are asked for their newest checkpoints, and requests about checkpoints are answered.
//!
//! Not here: what follows from a checkpoint ([`crate::witness`]); whether receipts are witnessed (`receipts`).

use std::collections::BTreeMap;
use std::time::Duration;

use luxor_protocol::api::SignatureMark;
use luxor_protocol::cbor::CborError;
use luxor_protocol::document::Standing;
use luxor_protocol::exchange::{Answer, Arrival, ErrorCode, Lack, Lane, NewestCheckpoint, Request};
use luxor_protocol::names::NodeRef;
use luxor_protocol::time::Millis;
use luxor_protocol::tlog::{TlogProof, prefix_proof};

use super::{Driver, DriverError, Message, Shared, now};
use crate::net::{Permit, Reply as NetReply};
use crate::store::{KEPT_LOOKED_AT, StoreError, held_of};
use crate::witness::{Concluded, Said, Told, holdings};

/// How often each other node is asked for its newest checkpoint.
const GOSSIP: Duration = Duration::from_secs(10);

impl Driver {
    /// Asks every other node for its newest checkpoint again and again, until the node stops.
    pub(super) async fn follow_logs(self) {
        self.beside_each(Self::others, Self::follow).await;
    }

    async fn follow(self, node: NodeRef) {
        let mut turn = 0;
        loop {
            tokio::time::sleep(GOSSIP).await;
            let Some(node) = self.shared.directory().node(&node).cloned() else { return };
            let (shared, origin) = (self.shared.clone(), node.card.origin.clone());
            let asked = match shared.witness.asked(&origin) {
                Ok(asked) => asked,
                Err(error) => return drop(self.mailbox.send(Message::Failed(error.into()))),
            };
            let newest = match self.ask(&node, &Request::Checkpoint { have: asked.sizes() }).await {
                Ok(Answer::Checkpoint(newest)) => newest,
                Ok(_) => {
                    tracing::debug!(node = %node.node, "it answered something else than its newest checkpoint");
                    continue;
                }
                Err(why) => {
                    tracing::debug!(node = %node.node, why, "no newest checkpoint");
                    continue;
                }
            };
            let told = self.work(Lane::Urgent, move || shared.witness.told(&origin, &asked, &newest)).await;
            match told {
                Some(Ok(told)) => {
                    tell(&node.node, &told);
                    if told.unplaced > 0 {
                        self.ask_for_proof(&node.node, turn).await;
                        turn += 1;
                    }
                }
                Some(Err(error)) => return drop(self.mailbox.send(Message::Failed(error.into()))),
                None => return,
            }
        }
    }

    /// A log leaves checkpoints unplaced: another node may hold what proves that it forked. They are asked in turn.
    async fn ask_for_proof(&self, log: &NodeRef, turn: usize) {
        let directory = self.shared.directory();
        let mut others = self.others(&directory);
        others.remove(log);
        let Some(other) = turn.checked_rem(others.len()).and_then(|turn| others.iter().nth(turn)) else { return };
        let Some(other) = directory.node(other).cloned() else { return };
        if let Ok(Answer::Holdings(holdings)) = self.ask(&other, &Request::Holdings).await {
            let shared = self.shared.clone();
            let learned = self.work(Lane::Urgent, move || shared.witness.learn_forks(&holdings.forks)).await;
            if let Some(Err(error)) = learned {
                drop(self.mailbox.send(Message::Failed(error.into())));
            }
        }
    }

    /// Answers an `add-checkpoint` that came over HTTP, behind what members ask; `None` when the node is stopping. `permit` is
    /// held until the work is done, also when nobody waits for it any more.
    pub async fn add_checkpoint(&self, body: Vec<u8>, permit: impl Send + 'static) -> Option<Said> {
        let shared = self.shared.clone();
        let job = move || {
            let _permit = permit;
            shared.witness.add_checkpoint(&body, None, now())
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
    pub(super) fn about_checkpoints(&self, peer: NodeRef, request: Request, permit: Permit, reply: NetReply) {
        let driver = self.clone();
        tokio::spawn(async move {
            let _permit = permit;
            let _turn = match &request {
                // The semaphore is never closed.
                Request::Checkpoint { .. } | Request::Proof { .. } => driver.proving.clone().acquire_owned().await.ok(),
                _ => None,
            };
            let shared = driver.shared.clone();
            let answer = driver.work(Lane::Urgent, move || match request {
                Request::AddCheckpoint(body) => {
                    // Its card may have gone since it asked.
                    let Some(from) = shared.directory().node(&peer).cloned() else {
                        return Ok(Answer::later(Lack::Card, format!("card of {peer}")));
                    };
                    let said = shared.witness.add_checkpoint(&body, Some(&from), now())?;
                    Ok(Answer::Witness { status: said.status, body: said.body })
                }
                Request::Checkpoint { have } => newest(&shared, &have).map(Answer::Checkpoint),
                Request::Holdings => {
                    let directory = shared.directory();
                    let origin = directory.node(&peer).map(|node| node.card.origin.as_str());
                    let seen = origin.and_then(|origin| shared.witness.glimpsed_of(origin));
                    let seen = seen.map(|seen| seen.note_bytes);
                    Ok(Answer::Holdings(holdings(&directory, &shared.store, &peer, seen)?))
                }
                Request::Proof { index } => proof(&shared, index),
                _ => Err(DriverError::Own("not a request about checkpoints".into())),
            });
            match answer.await {
                Some(Ok(answer)) => driver.shared.respond(reply, &answer),
                Some(Err(error)) => drop(driver.mailbox.send(Message::Failed(error))),
                None => {}
            }
        });
    }
}

/// Tells the operator what is out of order.
fn tell(node: &NodeRef, told: &Told) {
    match &told.newest {
        Concluded::Older { size, held } => {
            tracing::warn!(%node, size, held, "a log shows less than it did: an older copy of its data?");
        }
        Concluded::Unproven(error) => tracing::warn!(%node, %error, "a log's newest checkpoint is unproven"),
        Concluded::Newer { .. } | Concluded::Known | Concluded::Fork => {}
    }
    if told.unplaced > 0 {
        tracing::warn!(%node, checkpoints = told.unplaced, "a log does not place checkpoints that it signed");
    }
}

/// This node's newest checkpoint, cosigned if that covers the sizes asked about, with a prefix proof from each of them.
fn newest(shared: &Shared, have: &[u64]) -> Result<NewestCheckpoint, DriverError> {
    let latest = shared.sequencer.latest();
    // A smaller one than is asked about would hide what was signed since.
    let most = have.iter().copied().max().unwrap_or(0);
    let cosigned = shared.cosigned().best().filter(|best| best.size >= most).cloned();
    let (size, note_bytes) = cosigned.map_or((latest.size, latest.note), |best| (best.size, best.note));
    let (reader, mut made) = (shared.sequencer.nodes(), BTreeMap::new());
    let mut proofs = Vec::with_capacity(have.len());
    for have in have {
        if !made.contains_key(have) {
            let proof = match *have > 0 && *have < size {
                true => prefix_proof(&reader, *have, size).map_err(|e| DriverError::Own(e.to_string()))?,
                false => Vec::new(),
            };
            made.insert(*have, proof);
        }
        proofs.push(made[have].clone());
    }
    Ok(NewestCheckpoint { note_bytes, proofs })
}

/// A proof of an entry under the first checkpoint with a quorum that covers it.
fn proof(shared: &Shared, index: u64) -> Result<Answer, DriverError> {
    let not_there = |why: &str| Ok(Answer::error(ErrorCode::NotThere, format!("entry {index}: {why}")));
    if index >= shared.sequencer.latest().size {
        return not_there("the log does not have it");
    }
    match witnessed_proof(shared, index)? {
        Some(proof) => Ok(Answer::Proof(proof.to_bytes())),
        None => not_there("no checkpoint with a quorum covers it yet"),
    }
}

/// The same for this node itself; `None` where there is none yet.
pub(super) fn witnessed_proof(shared: &Shared, index: u64) -> Result<Option<TlogProof>, DriverError> {
    let Some(size) = index.checked_add(1).filter(|size| *size <= shared.sequencer.latest().size) else {
        return Ok(None);
    };
    let Some((checkpoint, _)) = first_witnessed(shared, size)? else { return Ok(None) };
    let size = held_of(checkpoint.clone()).map_err(|e| DriverError::Own(e.to_string()))?.size;
    let hashes = shared.sequencer.path(index, size)?;
    Ok(Some(TlogProof { extra: None, index, hashes, checkpoint }))
}

/// Whether there is one.
pub(super) fn is_witnessed(shared: &Shared, index: u64) -> Result<bool, StoreError> {
    Ok(first_witnessed(shared, index.saturating_add(1))?.is_some())
}

/// The quorum time of the first checkpoint with a quorum, of those that are kept, that covers an entry: at the latest then it was here.
///
/// # Errors
/// [`StoreError`].
pub(super) fn witnessed_at(shared: &Shared, entry: u64) -> Result<Option<Millis>, StoreError> {
    let made = first_witnessed(shared, entry.saturating_add(1))?;
    Ok(made.map(|(_, seconds)| Millis(seconds.saturating_mul(1_000))))
}

/// The first checkpoint with a quorum that has so many entries, of those that are kept, with its quorum time in seconds since 1970.
fn first_witnessed(shared: &Shared, size: u64) -> Result<Option<(Vec<u8>, u64)>, StoreError> {
    // Witnesses that began new logs since are in no quorum of today, but later checkpoints have others'.
    let kept = shared.store.cosigned_from(size, KEPT_LOOKED_AT)?;
    let timed = |note: Vec<u8>| shared.cosigned().time_of(&note).map(|time| (note, time));
    let newest = || {
        let cosigned = shared.cosigned();
        cosigned.best().filter(|best| best.size >= size).map(|best| (best.note.clone(), best.time))
    };
    Ok(kept.into_iter().find_map(timed).or_else(newest))
}

/// What is told of them where a key is revoked; nothing where they are good.
///
/// # Errors
/// [`StoreError`].
pub fn mark(
    shared: &Shared,
    entry: u64,
    sender: &NodeRef,
    arrival: &Arrival,
) -> Result<Option<SignatureMark>, StoreError> {
    Ok(match standing(shared, entry, sender, arrival)? {
        Standing::Good => None,
        Standing::Contested => Some(SignatureMark::Contested),
        Standing::Refused => Some(SignatureMark::Unproven),
    })
}

/// What the signatures of what arrived are worth today: the worst of them. `entry` is its `received` entry.
///
/// # Errors
/// [`StoreError`].
pub fn standing(shared: &Shared, entry: u64, sender: &NodeRef, arrival: &Arrival) -> Result<Standing, StoreError> {
    let directory = shared.directory();
    // Nearly always none is revoked, and the signatures were verified when it came.
    let Some(sender) = directory.node(sender).filter(|sender| directory.has_revoked(&sender.member)) else {
        return Ok(Standing::Good);
    };
    let made = witnessed_at(shared, entry)?;
    let what = || format!("the received row of entry {entry}");
    let damaged = |error: CborError| StoreError::Damaged { what: what(), error: error.to_string() };
    let all = arrival.standing(&directory, sender, made).map_err(damaged)?;
    Ok(all.into_iter().map(|(_, standing)| standing).max().unwrap_or(Standing::Good))
}
