//! Whether receipts of own dispatches are witnessed, and since when.
//!
//! What is learnt is kept as the cosigned checkpoint, which covers every receipt below its size; in the background ([`Driver::prove_receipts`])
//! one is asked for once a minute at most of each recipient while receipts wait for it, a few more where older ones do.
//!
//! Not here: how a receipt is verified when it comes (`send`).

use std::collections::BTreeMap;
use std::time::Duration;

use luxor_protocol::cbor::Decode;
use luxor_protocol::document::KnownNode;
use luxor_protocol::exchange::{Answer, Channel, ErrorCode, Lane, Opening, Request, log_key, policy_of};
use luxor_protocol::names::NodeRef;
use luxor_protocol::tlog::{Checkpoint, Held, Note, ObserveError, Observed, TlogProof, leaf_hash};

use super::{Driver, Message, now};
use crate::store::{StoreError, WitnessedRow};

/// How often receipts of a recipient are looked through.
const PROVE_EVERY: Duration = Duration::from_secs(5);
/// The longest wait between two looks where nothing more is known.
const PROVE_AGAIN: Duration = Duration::from_secs(300);
/// Seconds that lie at least between two checkpoints of one log that are asked for: recipients keep one a minute too.
const PROVE_APART_SECONDS: u64 = 60;
/// Questions to one recipient at a time.
const PROVE_ASKED: usize = 4;
/// Receipts of one channel that are looked at at a time; more than numbers that may be open behind a gap.
const PROVE_LOOKED_AT: usize = 2_048;

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
    /// A checkpoint that covers its entry has a quorum; the first one that the recipient still has.
    Witnessed {
        /// Entries that it covers.
        size: u64,
        /// The quorum time: seconds since 1970. At the latest then the recipient had the dispatch.
        time: u64,
        /// The note with its cosignatures.
        note: Vec<u8>,
        /// The receipt under that note, a C2SP tlog-proof: it verifies offline with the log's policy.
        file: Vec<u8>,
    },
}

impl Driver {
    /// Whether a receipt is covered by a checkpoint with a quorum, and by which one first, as its recipient shows it now.
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
        let node = shared.directory().node(&channel.recipient).cloned();
        let node = node.ok_or_else(|| own("no card names its recipient".into()))?;
        let receipt = TlogProof::parse(&row.proof).map_err(|e| own(e.to_string()))?;
        let Some((size, time, mut proof)) = self.first_proof(&node, &receipt).await? else {
            return Ok(ReceiptWitnesses::Signed);
        };
        // The receipt itself again, under that checkpoint: one file that anybody verifies.
        proof.extra = receipt.extra;
        let note = proof.checkpoint.clone();
        Ok(ReceiptWitnesses::Witnessed { size, time, note, file: proof.to_bytes() })
    }

    /// The first checkpoint with a quorum that the recipient has of those that cover a receipt's entry, verified by its log's policy and
    /// kept: its size, its quorum time, and the entry's proof under it. `None` where there is none yet.
    pub(super) async fn first_proof(
        &self,
        node: &KnownNode,
        receipt: &TlogProof,
    ) -> Result<Option<(u64, u64, TlogProof)>, ReceiptWitnessError> {
        let (shared, name) = (&self.shared, node.node.to_string());
        let own = |what: String| ReceiptWitnessError::Own(format!("a receipt of {name}: {what}"));
        let asked = |why: String| ReceiptWitnessError::Asked { node: name.clone(), why };
        let note = Note::parse(&receipt.checkpoint).map_err(|e| own(e.to_string()))?;
        let of_receipt = Checkpoint::parse(&note.text).map_err(|e| own(e.to_string()))?;
        if of_receipt.origin != node.card.origin {
            // Given under a log that the recipient keeps no longer: nobody cosigns that any more.
            return Ok(None);
        }
        let key = log_key(node).map_err(|e| own(e.to_string()))?;
        // First whether the log still goes on from the receipt's checkpoint: if not, that is a fork, and this is its proof.
        let answer = self.ask(node, &Request::Checkpoint { have: vec![of_receipt.size] }).await.map_err(asked)?;
        let Answer::Checkpoint(told) = answer else { return Err(asked("it answered something else".into())) };
        let held = Held { size: of_receipt.size, root: of_receipt.root, note_bytes: receipt.checkpoint.clone() };
        match shared.witness.compare(&key, &held, &told)? {
            Ok(Observed::Newer(_) | Observed::Same(_)) => {}
            Ok(Observed::Older { .. }) => return Ok(None),
            Ok(Observed::Fork(_)) => return Err(ReceiptWitnessError::Forked { node: name }),
            Err(error) => return Err(ReceiptWitnessError::Unproven { node: name, error }),
        }
        // It shows one with a quorum if it has one that covers this; for another nothing is asked.
        if shared.witness.quorum_time(&node.card.origin, &told.note_bytes).is_none() {
            return Ok(None);
        }
        let answer = self.ask_whole(node, &Request::Proof { index: receipt.index }).await.map_err(asked)?;
        let proof = match answer {
            Answer::Proof(proof) => proof,
            Answer::Error { code: ErrorCode::NotThere, .. } => return Ok(None),
            _ => return Err(asked("it answered something else".into())),
        };
        let opening = Opening::from_cbor(receipt.extra.as_deref().unwrap_or_default());
        let leaf = leaf_hash(&opening.map_err(|e| own(e.to_string()))?.entry());
        let proof = TlogProof::parse(&proof).map_err(|e| asked(e.to_string()))?;
        if proof.index != receipt.index {
            return Err(asked("it proves another entry".into()));
        }
        let covered = proof.verify(&leaf, &key).map_err(|e| asked(e.to_string()))?;
        let time = shared.witness.quorum_time(&node.card.origin, &proof.checkpoint);
        let Some(time) = time else { return Err(asked("what it shows as witnessed has no quorum".into())) };
        let (shared, origin) = (self.shared.clone(), node.card.origin.clone());
        let row = WitnessedRow { from: receipt.index, time, note: proof.checkpoint.clone() };
        let kept = self.work(Lane::Ordinary, move || shared.store.keep_witnessed(&origin, covered.size, row)).await;
        kept.unwrap_or(Ok(()))?;
        Ok(Some((covered.size, time, proof)))
    }

    /// Learns again and again since when a recipient is proven to have what it gave receipts for, until the node stops.
    pub(super) async fn prove_receipts(self, node: NodeRef) {
        let mut pause = PROVE_EVERY;
        loop {
            tokio::time::sleep(pause).await;
            let Some(node) = self.shared.directory().node(&node).cloned() else { return };
            pause = match self.prove_some(&node).await {
                Ok(true) => PROVE_EVERY,
                Ok(false) => (pause * 2).min(PROVE_AGAIN),
                Err(ReceiptWitnessError::Store(error)) => {
                    return drop(self.mailbox.send(Message::Failed(error.into())));
                }
                Err(error) => {
                    tracing::debug!(node = %node.node, %error, "a receipt's witnesses are not known");
                    (pause * 2).min(PROVE_AGAIN)
                }
            };
        }
    }

    /// One round: `false` where the recipient has no cosigned checkpoint for a receipt that waits.
    async fn prove_some(&self, node: &KnownNode) -> Result<bool, ReceiptWitnessError> {
        let witnesses = policy_of(&self.shared.directory(), node).is_ok_and(|policy| !policy.witnesses().is_empty());
        let (shared, to, origin) = (self.shared.clone(), node.node.clone(), node.card.origin.clone());
        let look = move || -> Result<_, StoreError> {
            let newest = shared.store.witnessed_newest(&origin)?;
            let recent = newest.is_some_and(|newest| now().0 / 1_000 < newest.saturating_add(PROVE_APART_SECONDS));
            if recent || !witnesses {
                return Ok(BTreeMap::new());
            }
            shared.store.unproven(&shared.me, &to, &origin, PROVE_LOOKED_AT)
        };
        let mut waiting = self.work(Lane::Ordinary, look).await.unwrap_or_else(|| Ok(BTreeMap::new()))?;
        for _ in 0..PROVE_ASKED {
            let Some((entry, (channel, number))) = waiting.pop_first() else { break };
            let shared = self.shared.clone();
            let read = move || shared.store.receipt(&channel, number);
            let Some(row) = self.work(Lane::Ordinary, read).await.unwrap_or(Ok(None))? else { continue };
            let receipt = TlogProof::parse(&row.proof).map_err(|e| ReceiptWitnessError::Own(e.to_string()))?;
            if receipt.index != entry {
                // It has a newer receipt since, which the next round looks at.
                continue;
            }
            let Some((size, ..)) = self.first_proof(node, &receipt).await? else { return Ok(false) };
            waiting.retain(|entry, _| *entry >= size);
        }
        Ok(true)
    }
}
