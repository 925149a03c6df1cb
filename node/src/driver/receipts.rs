//! Whether receipts of own dispatches are witnessed, and since when.
//!
//! Not here: how a receipt is verified when it comes (`send`).

use luxor_protocol::cbor::Decode;
use luxor_protocol::exchange::{Answer, Channel, ErrorCode, Opening, Request, log_key};
use luxor_protocol::tlog::{Checkpoint, Held, Note, ObserveError, Observed, TlogProof, leaf_hash};

use super::Driver;
use crate::store::StoreError;

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
        let note = Note::parse(&receipt.checkpoint).map_err(|e| own(e.to_string()))?;
        let of_receipt = Checkpoint::parse(&note.text).map_err(|e| own(e.to_string()))?;
        if of_receipt.origin != node.card.origin {
            // Given under a log that the recipient keeps no longer: nobody cosigns that any more.
            return Ok(ReceiptWitnesses::Signed);
        }
        let name = node.node.to_string();
        let asked = |why: String| ReceiptWitnessError::Asked { node: name.clone(), why };
        let key = log_key(&node).map_err(|e| own(e.to_string()))?;
        // First whether the log still goes on from the receipt's checkpoint: if not, that is a fork, and this is its proof.
        let answer = self.ask(&node, &Request::Checkpoint { have: vec![of_receipt.size] }).await.map_err(asked)?;
        let Answer::Checkpoint(told) = answer else { return Err(asked("it answered something else".into())) };
        let held = Held { size: of_receipt.size, root: of_receipt.root, note_bytes: receipt.checkpoint.clone() };
        match shared.witness.compare(&key, &held, &told)? {
            Ok(Observed::Newer(_) | Observed::Same(_)) => {}
            Ok(Observed::Older { .. }) => return Ok(ReceiptWitnesses::Signed),
            Ok(Observed::Fork(_)) => return Err(ReceiptWitnessError::Forked { node: name }),
            Err(error) => return Err(ReceiptWitnessError::Unproven { node: name, error }),
        }
        let answer = self.ask_whole(&node, &Request::Proof { index: receipt.index }).await.map_err(asked)?;
        let proof = match answer {
            Answer::Proof(proof) => proof,
            Answer::Error { code: ErrorCode::NotThere, .. } => return Ok(ReceiptWitnesses::Signed),
            _ => return Err(asked("it answered something else".into())),
        };
        let opening = Opening::from_cbor(receipt.extra.as_deref().unwrap_or_default());
        let leaf = leaf_hash(&opening.map_err(|e| own(e.to_string()))?.entry());
        let mut proof = TlogProof::parse(&proof).map_err(|e| asked(e.to_string()))?;
        let covered = proof.verify(&leaf, &key).map_err(|e| asked(e.to_string()))?;
        let time = shared.witness.quorum_time(&node.card.origin, &proof.checkpoint);
        let Some(time) = time else { return Err(asked("what it shows as witnessed has no quorum".into())) };
        // The receipt itself again, under that checkpoint: one file that anybody verifies.
        proof.extra = receipt.extra;
        let note = proof.checkpoint.clone();
        Ok(ReceiptWitnesses::Witnessed { size: covered.size, time, note, file: proof.to_bytes() })
    }
}
