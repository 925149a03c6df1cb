//! The receipt: one file that proves offline that an entry is in a log (<https://c2sp.org/tlog-proof>).
//!
//! Not here: how an application makes its leaf hash, and how many witnesses must have cosigned (verify the note in
//! [`TlogProof::checkpoint`] for that).
//!
//! Limits: [`MAX_TLOG_PROOF_BYTES`], [`MAX_PROOF_HASHES`].

use super::checkpoint::{Checkpoint, CheckpointError};
use super::hash::Hash;
use super::note::Note;
use super::proof::{ProofError, verify_inclusion};
use super::text::{format_base64, parse_base64, parse_decimal, parse_hash};
use super::vkey::VerifierKey;

/// Largest receipt accepted; far above what proof and checkpoint need, because the extra data may be large.
pub const MAX_TLOG_PROOF_BYTES: usize = 8 * 1024 * 1024;

/// Most hashes in an inclusion proof: a tree of 2^63 - 1 leaves needs 63.
pub const MAX_PROOF_HASHES: usize = 63;

/// First line of every receipt.
const HEADER: &str = "c2sp.org/tlog-proof@v1\n";

/// Why a receipt was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofFileError {
    /// Larger than [`MAX_TLOG_PROOF_BYTES`].
    #[error("tlog-proof: {got} bytes, at most {MAX_TLOG_PROOF_BYTES} are accepted")]
    TooLarge {
        /// Bytes given.
        got: usize,
    },
    /// Not UTF-8.
    #[error("tlog-proof: not UTF-8 from byte {at}")]
    NotUtf8 {
        /// First byte that is not valid.
        at: usize,
    },
    /// A line before the checkpoint is wrong.
    #[error("tlog-proof, line {line}: {why}")]
    Malformed {
        /// Number of the line, from 1.
        line: usize,
        /// What is wrong.
        why: &'static str,
    },
    /// The checkpoint in it was refused.
    #[error("tlog-proof: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// The inclusion proof does not verify.
    #[error("tlog-proof: {0}")]
    Proof(#[from] ProofError),
}

/// A receipt, parsed but not verified. <https://c2sp.org/tlog-proof>.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlogProof {
    /// Opaque data of the application, not covered by any signature. `Some` of no bytes is written as `None`.
    pub extra: Option<Vec<u8>>,
    /// Zero-based index of the entry.
    pub index: u64,
    /// Inclusion proof, the leaf's sibling first; at most 63 hashes. RFC 6962 section 2.1.1.
    pub hashes: Vec<Hash>,
    /// The signed checkpoint with its cosignatures, verbatim.
    pub checkpoint: Vec<u8>,
}

impl TlogProof {
    /// Writes the file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = String::from(HEADER);
        // "If no extra data is present, this line is omitted."
        if let Some(extra) = self.extra.as_deref().filter(|extra| !extra.is_empty()) {
            out.push_str("extra ");
            out.push_str(&format_base64(extra));
            out.push('\n');
        }
        out.push_str(&format!("index {}\n", self.index));
        for hash in &self.hashes {
            out.push_str(&format_base64(hash));
            out.push('\n');
        }
        out.push('\n');
        let mut out = out.into_bytes();
        out.extend_from_slice(&self.checkpoint);
        out
    }

    /// Reads the file; every accepted file has exactly one spelling, the one [`Self::to_bytes`] writes.
    ///
    /// The checkpoint must be a well-formed note with a well-formed checkpoint text; no signature is verified here.
    ///
    /// # Errors
    /// [`ProofFileError`] saying what is wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self, ProofFileError> {
        if bytes.len() > MAX_TLOG_PROOF_BYTES {
            return Err(ProofFileError::TooLarge { got: bytes.len() });
        }
        let text = std::str::from_utf8(bytes).map_err(|e| ProofFileError::NotUtf8 { at: e.valid_up_to() })?;
        let rest = text
            .strip_prefix(HEADER)
            .ok_or(ProofFileError::Malformed { line: 1, why: "is not \"c2sp.org/tlog-proof@v1\"" })?;
        let mut lines = Lines { rest, line: 1 };
        let mut line = lines.next()?;
        let mut extra = None;
        if let Some(data) = line.strip_prefix("extra ") {
            let data = parse_base64(data).filter(|data| !data.is_empty());
            extra = Some(data.ok_or_else(|| lines.refuse("the extra data is empty or not canonical base64"))?);
            line = lines.next()?;
        }
        let index = line.strip_prefix("index ").and_then(parse_decimal);
        let index = index.ok_or_else(|| lines.refuse("is not \"index\" with a decimal without leading zeroes"))?;
        let mut hashes = Vec::new();
        loop {
            line = lines.next()?;
            if line.is_empty() {
                break;
            }
            if hashes.len() == MAX_PROOF_HASHES {
                return Err(lines.refuse("is one more than the 63 hashes an inclusion proof can have"));
            }
            let hash = parse_hash(line).ok_or_else(|| lines.refuse("is not a hash (32 bytes in canonical base64)"))?;
            hashes.push(hash);
        }
        let checkpoint = lines.rest.as_bytes().to_vec();
        Checkpoint::parse(&Note::parse(&checkpoint).map_err(CheckpointError::from)?.text)?;
        Ok(Self { extra, index, hashes, checkpoint })
    }

    /// Verifies the log's signature on the checkpoint and that the leaf is in its tree; gives the checkpoint.
    ///
    /// Cosignatures are not looked at, and the extra data is not covered by anything.
    ///
    /// # Errors
    /// [`ProofFileError::Checkpoint`] or [`ProofFileError::Proof`].
    pub fn verify(&self, leaf_hash: &Hash, log_key: &VerifierKey) -> Result<Checkpoint, ProofFileError> {
        let checkpoint = Checkpoint::open(&self.checkpoint, log_key)?;
        verify_inclusion(leaf_hash, self.index, checkpoint.size, &self.hashes, &checkpoint.root)?;
        Ok(checkpoint)
    }
}

/// Takes line after line from a text and knows the number of the last one.
struct Lines<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Lines<'a> {
    fn next(&mut self) -> Result<&'a str, ProofFileError> {
        self.line += 1;
        let (line, rest) = self.rest.split_once('\n').ok_or_else(|| self.refuse("the file ends here"))?;
        self.rest = rest;
        Ok(line)
    }

    fn refuse(&self, why: &'static str) -> ProofFileError {
        ProofFileError::Malformed { line: self.line, why }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use ed25519_dalek::SigningKey;
    use proptest::prelude::*;

    use super::super::edge::Edge;
    use super::super::hash::leaf_hash;
    use super::super::proof::inclusion_proof;
    use super::super::vkey::KeyType;
    use super::*;

    const ORIGIN: &str = "log.example/1";

    fn secret() -> SigningKey {
        SigningKey::from_bytes(&[5; 32])
    }

    fn log_key() -> VerifierKey {
        VerifierKey::new(ORIGIN, KeyType::Ed25519, &secret().verifying_key()).unwrap()
    }

    /// A receipt for entry 9 of 13, with a cosignature.
    fn receipt(extra: Option<Vec<u8>>) -> TlogProof {
        let mut edge = Edge::new();
        for entry in 0..13u8 {
            edge.push(leaf_hash(&[entry]), &mut Vec::new());
        }
        let mut note = Checkpoint::new(ORIGIN, 13, edge.root()).sign(&secret()).unwrap();
        note.cosign("witness.example/w", &SigningKey::from_bytes(&[6; 32]), 1_700_000_000).unwrap();
        let hashes = inclusion_proof(&edge, 9, 13).unwrap();
        TlogProof { extra, index: 9, hashes, checkpoint: note.to_bytes() }
    }

    #[test]
    fn a_receipt_proves_its_entry_only() {
        let proof = TlogProof::parse(&receipt(Some(b"extra".to_vec())).to_bytes()).unwrap();
        assert_eq!(proof.verify(&leaf_hash(&[9]), &log_key()).unwrap().size, 13);
        assert!(matches!(proof.verify(&leaf_hash(&[8]), &log_key()), Err(ProofFileError::Proof(_))));
        let other = VerifierKey::new("log.example/2", KeyType::Ed25519, &secret().verifying_key()).unwrap();
        assert!(matches!(proof.verify(&leaf_hash(&[9]), &other), Err(ProofFileError::Checkpoint(_))));
        let moved = TlogProof { index: 8, ..proof };
        assert!(moved.verify(&leaf_hash(&[9]), &log_key()).is_err());
    }

    #[test]
    fn malformed_receipts_are_refused() {
        let good = String::from_utf8(receipt(Some(vec![1])).to_bytes()).unwrap();
        assert!(TlogProof::parse(good.as_bytes()).is_ok());
        let swap = |from: &str, to: &str| {
            assert!(good.contains(from));
            good.replacen(from, to, 1)
        };
        let hash = format!("{}\n", format_base64(&[1; 32]));
        assert!(TlogProof::parse(swap("index 9\n", &format!("index 9\n{}", hash.repeat(59))).as_bytes()).is_ok());
        for bad in [
            String::new(),
            HEADER.into(),
            swap("@v1", "@v2"),
            swap("@v1\n", "@v1\r\n"),
            swap("extra AQ==", "extra "),
            swap("extra AQ==", "extra AQ"),
            swap("extra AQ==\n", "extra AQ==\nextra AQ==\n"),
            swap("index 9", "index 09"),
            swap("index 9", "index +9"),
            swap("index 9\n", ""),
            swap("index 9\n", &format!("index 9\n{}", hash.repeat(60))),
            swap("index 9\n", "index 9\nAQ==\n"),
            swap("index 9\n", "index 9\n\n"),
            swap("\n\nlog", "\nlog"),
            format!("{good}\n"),
            good.trim_end().into(),
        ] {
            assert!(TlogProof::parse(bad.as_bytes()).is_err(), "{bad:?}");
        }
        let large = vec![b'a'; MAX_TLOG_PROOF_BYTES + 1];
        assert!(matches!(TlogProof::parse(&large), Err(ProofFileError::TooLarge { .. })));
    }

    #[test]
    fn large_extra_data_is_carried_and_empty_data_left_out() {
        let large = receipt(Some(vec![7; MAX_TLOG_PROOF_BYTES / 4 * 3 - 4096]));
        assert_eq!(TlogProof::parse(&large.to_bytes()).unwrap(), large);
        assert_eq!(receipt(Some(Vec::new())).to_bytes(), receipt(None).to_bytes());
    }

    proptest! {
        #[test]
        fn written_receipts_are_read_back(
            extra in prop::option::of(prop::collection::vec(any::<u8>(), 1..100)),
            index: u64,
            hashes in prop::collection::vec(any::<[u8; 32]>(), 0..=MAX_PROOF_HASHES),
        ) {
            let proof = TlogProof { extra, index, hashes, ..receipt(None) };
            prop_assert_eq!(TlogProof::parse(&proof.to_bytes()).unwrap(), proof);
        }

        #[test]
        fn any_bytes_are_refused_or_written_back(
            random in prop::collection::vec(any::<u8>(), 0..200),
            at: prop::sample::Index, put: u8, kind in 0..3,
        ) {
            let mut changed = receipt(Some(vec![1, 2, 3])).to_bytes();
            let at = at.index(changed.len());
            match kind {
                0 => changed[at] = put,
                1 => changed.insert(at, put),
                _ => { changed.remove(at); }
            }
            let headed = [HEADER.as_bytes(), &random].concat();
            for bytes in [random, headed, changed] {
                if let Ok(proof) = TlogProof::parse(&bytes) {
                    prop_assert_eq!(proof.to_bytes(), bytes);
                    let _ = proof.verify(&leaf_hash(&[9]), &log_key());
                }
            }
        }
    }
}
