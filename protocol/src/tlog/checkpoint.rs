//! Checkpoints: signed tree heads of a log (<https://c2sp.org/tlog-checkpoint>).
//!
//! Not here: witness quorums, and whether one checkpoint is consistent with another (see `proof`).
//!
//! Limits: [`MAX_CHECKPOINT_BYTES`]; tree sizes up to `MAX_TREE_SIZE` of `tree`; the size of the whole note is bounded by `note`.

use ed25519_dalek::SigningKey;

use super::hash::Hash;
use super::note::{Note, NoteError};
use super::text::{excerpt, format_base64, parse_decimal, parse_hash};
use super::tree::MAX_TREE_SIZE;
use super::vkey::{KeyType, VerifierKey};

/// Bytes of a checkpoint's text. Far below a note's, so that whoever adds a signature to one never finds it full.
pub const MAX_CHECKPOINT_BYTES: usize = 4 * 1024;

/// Why a checkpoint was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The note around it was refused.
    #[error("checkpoint: {0}")]
    Note(#[from] NoteError),
    /// The text is not a checkpoint.
    #[error("checkpoint, line {line}: {why}")]
    Malformed {
        /// Number of the line, from 1.
        line: usize,
        /// What is wrong.
        why: &'static str,
    },
    /// The text is longer than [`MAX_CHECKPOINT_BYTES`].
    #[error("checkpoint: a text of {got} bytes, at most {MAX_CHECKPOINT_BYTES} are accepted")]
    TooLong {
        /// Bytes given.
        got: usize,
    },
    /// The checkpoint speaks for another log than the key.
    #[error("checkpoint: origin is \"{origin}\", but the log's key is named \"{key}\"")]
    Origin {
        /// Origin line.
        origin: String,
        /// Name of the key.
        key: String,
    },
    /// A cosigner's key was given in place of the log's.
    #[error("checkpoint: key \"{key}\" is a cosigner's; a log signs with an Ed25519 key of type 0x01")]
    KeyType {
        /// Name of the key.
        key: String,
    },
}

/// A tree head: `<origin>\n<size>\n<base64 root>\n` and extension lines. <https://c2sp.org/tlog-checkpoint>.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's identity, not empty, one line; equal to the log's key name.
    pub origin: String,
    /// Number of leaves, at most `MAX_TREE_SIZE`.
    pub size: u64,
    /// Root of the tree of that size.
    pub root: Hash,
    /// Further lines, none empty; kept because they are signed, but without meaning here.
    pub extensions: Vec<String>,
}

impl Checkpoint {
    /// A checkpoint without extension lines.
    #[must_use]
    pub fn new(origin: impl Into<String>, size: u64, root: Hash) -> Self {
        Self { origin: origin.into(), size, root, extensions: Vec::new() }
    }

    /// Reads a note text; every accepted text has exactly one spelling, the one [`Self::to_text`] writes.
    ///
    /// # Errors
    /// [`CheckpointError::Malformed`] saying which line is wrong.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let malformed = |line, why| CheckpointError::Malformed { line, why };
        if text.len() > MAX_CHECKPOINT_BYTES {
            return Err(CheckpointError::TooLong { got: text.len() });
        }
        let body =
            text.strip_suffix('\n').ok_or_else(|| malformed(text.split('\n').count(), "no line feed at the end"))?;
        for (at, line) in body.split('\n').enumerate() {
            if line.is_empty() {
                return Err(malformed(at + 1, "is empty"));
            }
            if line.bytes().any(|byte| byte < b' ') {
                return Err(malformed(at + 1, "holds a control character"));
            }
        }
        let mut lines = body.split('\n');
        // The first line always exists; see `str::split`.
        let origin = lines.next().unwrap_or_default().to_owned();
        let size = lines
            .next()
            .and_then(parse_decimal)
            .filter(|size| *size <= MAX_TREE_SIZE)
            .ok_or_else(|| malformed(2, "is not a tree size (a decimal up to 2^63 - 1 without leading zeroes)"))?;
        let root = lines
            .next()
            .and_then(parse_hash)
            .ok_or_else(|| malformed(3, "is not a root hash (32 bytes in canonical base64)"))?;
        Ok(Self { origin, size, root, extensions: lines.map(str::to_owned).collect() })
    }

    /// Writes the note text that is signed.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = format!("{}\n{}\n{}\n", self.origin, self.size, format_base64(&self.root));
        for line in &self.extensions {
            text.push_str(line);
            text.push('\n');
        }
        text
    }

    /// Signs as the log: an Ed25519 signature (type 0x01) under the origin as key name.
    ///
    /// That no other root was ever signed for this size is the caller's duty.
    ///
    /// # Errors
    /// [`CheckpointError`] if the text would not be read back as this checkpoint, or the origin is no key name.
    pub fn sign(&self, key: &SigningKey) -> Result<Note, CheckpointError> {
        self.sign_all(&[key])
    }

    /// Signs with several keys of the log: while one is replaced, whoever knows either can verify it.
    ///
    /// # Errors
    /// As [`Self::sign`].
    pub fn sign_all(&self, keys: &[&SigningKey]) -> Result<Note, CheckpointError> {
        let text = self.to_text();
        // A line feed smuggled into the origin or an extension would sign another statement than the fields say.
        if Self::parse(&text)? != *self {
            return Err(CheckpointError::Malformed { line: 1, why: "origin or extension lines hold a line feed" });
        }
        let mut note = Note::new(text)?;
        for key in keys {
            note.sign_ed25519(&self.origin, key)?;
        }
        Ok(note)
    }

    /// Reads a signed checkpoint of the log with this key and verifies the log's signature; others are ignored.
    ///
    /// # Errors
    /// [`CheckpointError`] if the note or text is malformed, the log's signature is missing or wrong, or the origin is
    /// not the key's name.
    pub fn open(note_bytes: &[u8], log_key: &VerifierKey) -> Result<Self, CheckpointError> {
        Self::from_note(&Note::parse(note_bytes)?, log_key)
    }

    /// As [`Self::open`], by any key of the log: those that it has and had.
    ///
    /// # Errors
    /// As [`Self::open`], of the first key.
    pub fn open_any(note_bytes: &[u8], log_keys: &[VerifierKey]) -> Result<Self, CheckpointError> {
        let note = Note::parse(note_bytes)?;
        let mut refused = None;
        for key in log_keys {
            match Self::from_note(&note, key) {
                Ok(checkpoint) => return Ok(checkpoint),
                Err(error) => refused = refused.or(Some(error)),
            }
        }
        Err(refused.unwrap_or(CheckpointError::Malformed { line: 1, why: "no key of its log is known" }))
    }

    /// As [`Self::open`], for a note already parsed.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn from_note(note: &Note, log_key: &VerifierKey) -> Result<Self, CheckpointError> {
        if log_key.key_type() != KeyType::Ed25519 {
            return Err(CheckpointError::KeyType { key: log_key.name().to_owned() });
        }
        note.verify_any(std::slice::from_ref(log_key))?;
        let checkpoint = Self::parse(&note.text)?;
        if checkpoint.origin != log_key.name() {
            let (origin, key) = (excerpt(&checkpoint.origin), log_key.name().to_owned());
            return Err(CheckpointError::Origin { origin, key });
        }
        Ok(checkpoint)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use proptest::prelude::*;

    use super::super::hash::EMPTY_ROOT;
    use super::*;

    const ORIGIN: &str = "log.example/1";

    fn secret() -> SigningKey {
        SigningKey::from_bytes(&[5; 32])
    }

    fn log_key() -> VerifierKey {
        VerifierKey::new(ORIGIN, KeyType::Ed25519, &secret().verifying_key()).unwrap()
    }

    #[test]
    fn a_signed_checkpoint_opens_with_its_key_only() {
        let checkpoint = Checkpoint::new(ORIGIN, 7, [3; 32]);
        let note = checkpoint.sign(&secret()).unwrap();
        assert_eq!(Checkpoint::open(&note.to_bytes(), &log_key()).unwrap(), checkpoint);
        let other = SigningKey::from_bytes(&[6; 32]).verifying_key();
        let other = VerifierKey::new(ORIGIN, KeyType::Ed25519, &other).unwrap();
        assert!(matches!(
            Checkpoint::open(&note.to_bytes(), &other),
            Err(CheckpointError::Note(NoteError::NoKnownSignature { .. }))
        ));
        let cosigner = VerifierKey::new(ORIGIN, KeyType::Cosignature, &secret().verifying_key()).unwrap();
        assert!(matches!(Checkpoint::open(&note.to_bytes(), &cosigner), Err(CheckpointError::KeyType { .. })));
    }

    #[test]
    fn the_origin_must_be_the_name_of_the_key() {
        let mut note = Note::new(Checkpoint::new("log.example/2", 7, [3; 32]).to_text()).unwrap();
        note.sign_ed25519(ORIGIN, &secret()).unwrap();
        assert!(matches!(Checkpoint::from_note(&note, &log_key()), Err(CheckpointError::Origin { .. })));
    }

    #[test]
    fn nothing_is_signed_that_reads_otherwise() {
        let with = |change: fn(&mut Checkpoint)| {
            let mut checkpoint = Checkpoint::new(ORIGIN, 0, EMPTY_ROOT);
            change(&mut checkpoint);
            checkpoint.sign(&secret())
        };
        assert!(with(|_| ()).is_ok());
        assert!(with(|c| c.extensions.push("one".into())).is_ok());
        assert!(with(|c| c.extensions.push("one\ntwo".into())).is_err());
        assert!(with(|c| c.extensions.push(String::new())).is_err());
        assert!(matches!(with(|c| c.extensions.push("x".repeat(5_000))), Err(CheckpointError::TooLong { .. })));
        assert!(with(|c| c.origin = format!("{ORIGIN}\n9")).is_err());
        assert!(with(|c| c.origin.clear()).is_err());
        assert!(with(|c| c.origin = "two words".into()).is_err());
        assert!(with(|c| c.size = u64::MAX).is_err());
    }

    #[test]
    fn malformed_texts_are_refused() {
        let root = format_base64(&[1; 32]);
        assert!(Checkpoint::parse(&format!("two words\n0\n{root}\nmore\n")).is_ok());
        for bad in [
            String::new(),
            "\n".into(),
            "o\n".into(),
            "o\n1\n".into(),
            format!("o\n1\n{root}"),
            format!("\n1\n{root}\n"),
            format!("o\n01\n{root}\n"),
            format!("o\n+1\n{root}\n"),
            format!("o\n\n{root}\n"),
            format!("o\n9223372036854775808\n{root}\n"),
            format!("o\n1\n{root}\n\n"),
            format!("o\n1\n{root}\n\nmore\n"),
            format!("o\r\n1\n{root}\n"),
            format!("o\n1\n{}\n", &root[..43]),
            format!("o\n1\n{}\n", format_base64(&[1; 33])),
        ] {
            assert!(Checkpoint::parse(&bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn written_checkpoints_are_read_back(
            origin in "[ -~é]{1,40}", size in 0..=MAX_TREE_SIZE, root: [u8; 32],
            extensions in prop::collection::vec("[ -~é]{1,20}", 0..3),
        ) {
            let checkpoint = Checkpoint { origin, size, root, extensions };
            prop_assert_eq!(Checkpoint::parse(&checkpoint.to_text()).unwrap(), checkpoint);
        }

        #[test]
        fn any_text_is_refused_or_written_back(
            random in "[\u{0}-é]{0,80}", size: u64, at: prop::sample::Index, put: char,
        ) {
            let mut changed: Vec<char> = Checkpoint::new(ORIGIN, size, [8; 32]).to_text().chars().collect();
            *at.get_mut(&mut changed) = put;
            for text in [random, changed.into_iter().collect()] {
                if let Ok(checkpoint) = Checkpoint::parse(&text) {
                    prop_assert_eq!(checkpoint.to_text(), text);
                }
            }
        }

        #[test]
        fn any_bytes_are_opened_or_refused(at: prop::sample::Index, put: u8) {
            let original = Checkpoint::new(ORIGIN, 7, [3; 32]).sign(&secret()).unwrap().to_bytes();
            let mut changed = original.clone();
            *at.get_mut(&mut changed) = put;
            prop_assert_eq!(Checkpoint::open(&changed, &log_key()).is_ok(), changed == original);
        }
    }
}
