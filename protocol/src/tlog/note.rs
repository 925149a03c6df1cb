//! Signed notes: a text with signature lines below it (<https://c2sp.org/signed-note>).
//!
//! Not here: keys and the mathematics of single signatures (see `vkey`), what the text means (see `checkpoint`).
//!
//! Limits: [`MAX_NOTE_BYTES`], [`MAX_NOTE_SIGNATURES`].

use std::fmt;

use ed25519_dalek::SigningKey;

use super::text::{format_base64, parse_base64};
use super::vkey::{KeyError, KeyType, VerifierKey, cosign, is_valid_key_name, sign};

/// Largest note accepted or signed, signatures included.
pub const MAX_NOTE_BYTES: usize = 64 * 1024;

/// Most signature lines accepted or written; the specification asks for at least 16.
pub const MAX_NOTE_SIGNATURES: usize = 64;

/// What a signature line begins with: em dash, space.
const SIGNATURE_PREFIX: &str = "\u{2014} ";
/// Bytes of the key ID before a signature.
const KEY_ID_BYTES: usize = 4;

/// Why a note was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Larger than [`MAX_NOTE_BYTES`].
    #[error("note: {got} bytes, at most {MAX_NOTE_BYTES} are accepted")]
    TooLarge {
        /// Bytes given.
        got: usize,
    },
    /// More than [`MAX_NOTE_SIGNATURES`] lines.
    #[error("note: more than {MAX_NOTE_SIGNATURES} signatures")]
    TooManySignatures,
    /// Not UTF-8.
    #[error("note: not UTF-8 from byte {at}")]
    NotUtf8 {
        /// First byte that is not valid.
        at: usize,
    },
    /// A control character other than the line feed.
    #[error("note: control character 0x{byte:02x} at byte {at}")]
    ControlCharacter {
        /// The character.
        byte: u8,
        /// Where it stands.
        at: usize,
    },
    /// No text, no empty line before the signatures, no signatures, or an end within a line.
    #[error("note: {why}")]
    Malformed {
        /// What is wrong.
        why: &'static str,
    },
    /// A line below the text that is no signature line.
    #[error("note, signature line {line}: {why}")]
    SignatureLine {
        /// Number of the line among the signatures, from 1.
        line: usize,
        /// What is wrong.
        why: &'static str,
    },
    /// A key refused, or a signature of a known key that does not verify.
    #[error("note: {0}")]
    Key(#[from] KeyError),
    /// Two different known keys share name and key ID, so a signature cannot be assigned.
    #[error("note: two known keys share the name \"{name}\" and one key ID")]
    AmbiguousKey {
        /// The name.
        name: String,
    },
    /// Signed by none of the keys that count.
    #[error("note: no signature by any of the {keys} known keys")]
    NoKnownSignature {
        /// How many keys were known.
        keys: usize,
    },
}

/// One signature line: `— <name> <base64 of key ID and signature>`. <https://c2sp.org/signed-note>.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteSignature {
    /// Key name.
    pub name: String,
    /// Key ID.
    pub key_id: [u8; 4],
    /// The bytes after the key ID, at least one; their form depends on the key's type.
    pub signature: Vec<u8>,
}

/// The line without its line feed.
impl fmt::Display for NoteSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let payload = [&self.key_id[..], &self.signature].concat();
        write!(f, "{SIGNATURE_PREFIX}{} {}", self.name, format_base64(&payload))
    }
}

/// A note: text and signatures, not yet verified. <https://c2sp.org/signed-note>.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The text with its final line feed.
    pub text: String,
    /// The signatures in the order of their lines.
    pub signatures: Vec<NoteSignature>,
}

/// A signature that verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified<'k> {
    /// The known key that made it.
    pub key: &'k VerifierKey,
    /// The time of a cosignature in seconds since 1970; `None` for a plain signature.
    pub time: Option<u64>,
}

impl Note {
    /// A note without signatures, to be signed. It cannot be parsed back before it has one.
    ///
    /// # Errors
    /// [`NoteError`] if no note may hold this text.
    pub fn new(text: impl Into<String>) -> Result<Self, NoteError> {
        let note = Self { text: text.into(), signatures: Vec::new() };
        note.check()?;
        Ok(note)
    }

    /// Reads a note; every accepted note has exactly one spelling, the one [`Self::to_bytes`] writes.
    ///
    /// # Errors
    /// [`NoteError`] saying what is wrong. Signatures are not verified here.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > MAX_NOTE_BYTES {
            return Err(NoteError::TooLarge { got: bytes.len() });
        }
        let note = std::str::from_utf8(bytes).map_err(|e| NoteError::NotUtf8 { at: e.valid_up_to() })?;
        check_characters(note)?;
        // The text may hold empty lines itself; the last one is the separator.
        let split = note.rfind("\n\n").ok_or(NoteError::Malformed { why: "no empty line before the signatures" })?;
        let text = note[..=split].to_owned();
        let lines = match note[split + 2..].strip_suffix('\n') {
            Some(lines) => lines,
            None if note.ends_with("\n\n") => return Err(NoteError::Malformed { why: "no signatures" }),
            None => return Err(NoteError::Malformed { why: "no line feed at the end" }),
        };
        let mut signatures = Vec::new();
        for (at, line) in lines.split('\n').enumerate() {
            if at == MAX_NOTE_SIGNATURES {
                return Err(NoteError::TooManySignatures);
            }
            let signature = parse_signature(line).map_err(|why| NoteError::SignatureLine { line: at + 1, why })?;
            signatures.push(signature);
        }
        Ok(Self { text, signatures })
    }

    /// Writes the note: text, empty line, signature lines.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = self.text.clone();
        out.push('\n');
        for signature in &self.signatures {
            out.push_str(&signature.to_string());
            out.push('\n');
        }
        out.into_bytes()
    }

    /// Adds a plain Ed25519 signature (type 0x01) over the text.
    ///
    /// # Errors
    /// [`NoteError`] if the name is refused or the note would no longer be accepted; the note is then unchanged.
    pub fn sign_ed25519(&mut self, name: &str, key: &SigningKey) -> Result<(), NoteError> {
        let verifier = VerifierKey::new(name, KeyType::Ed25519, &key.verifying_key())?;
        self.add(&verifier, sign(key, &self.text))
    }

    /// Adds a cosignature (type 0x04, <https://c2sp.org/tlog-cosignature>) over the text and the time given.
    ///
    /// The text should be a checkpoint that the caller has found consistent; this is not checked here.
    ///
    /// # Errors
    /// [`NoteError`] if name or time is refused or the note would no longer be accepted; the note is then unchanged.
    pub fn cosign(&mut self, name: &str, key: &SigningKey, time_seconds: u64) -> Result<(), NoteError> {
        let verifier = VerifierKey::new(name, KeyType::Cosignature, &key.verifying_key())?;
        self.add(&verifier, cosign(key, name, time_seconds, &self.text)?)
    }

    /// Leaves the signature lines by these keys, one for each: of several cosignatures the latest. Nothing is verified.
    pub fn keep_signatures_by(&mut self, keys: &[VerifierKey]) {
        let by = |key: &VerifierKey, line: &NoteSignature| line.name == key.name() && line.key_id == key.key_id();
        // A cosignature begins with its time, so the largest one is the latest.
        let one =
            |key| self.signatures.iter().filter(|line| by(key, line)).max_by(|a, b| a.signature.cmp(&b.signature));
        self.signatures = keys.iter().filter_map(one).cloned().collect();
    }

    /// Verifies every signature by a known key; others are ignored.
    ///
    /// Each key is reported once, in the order of first appearance, so that the result may be counted against a
    /// quorum; of several cosignatures by one key the latest time counts. The result may be empty: use
    /// [`Self::verify_any`] where at least one key must have signed.
    ///
    /// # Errors
    /// [`NoteError::Key`] if any signature by a known key does not verify; [`NoteError::AmbiguousKey`].
    pub fn verify<'k>(&self, keys: &'k [VerifierKey]) -> Result<Vec<Verified<'k>>, NoteError> {
        let mut verified: Vec<Verified<'k>> = Vec::new();
        for signature in &self.signatures {
            let mut known = keys.iter().filter(|k| k.name() == signature.name && k.key_id() == signature.key_id);
            let Some(key) = known.next() else { continue };
            if known.any(|other| other != key) {
                return Err(NoteError::AmbiguousKey { name: signature.name.clone() });
            }
            let time = key.verify(&self.text, &signature.signature)?;
            match verified.iter_mut().find(|v| v.key == key) {
                Some(earlier) => earlier.time = earlier.time.max(time),
                None => verified.push(Verified { key, time }),
            }
        }
        Ok(verified)
    }

    /// As [`Self::verify`], but refuses a note that none of the keys has signed.
    ///
    /// # Errors
    /// As [`Self::verify`], and [`NoteError::NoKnownSignature`].
    pub fn verify_any<'k>(&self, keys: &'k [VerifierKey]) -> Result<Vec<Verified<'k>>, NoteError> {
        let verified = self.verify(keys)?;
        if verified.is_empty() { Err(NoteError::NoKnownSignature { keys: keys.len() }) } else { Ok(verified) }
    }

    fn add(&mut self, key: &VerifierKey, signature: Vec<u8>) -> Result<(), NoteError> {
        let name = key.name().to_owned();
        self.signatures.push(NoteSignature { name, key_id: key.key_id(), signature });
        self.check().inspect_err(|_| {
            self.signatures.pop();
        })
    }

    /// What [`Self::parse`] would refuse in a note built in memory.
    fn check(&self) -> Result<(), NoteError> {
        check_characters(&self.text)?;
        if !self.text.ends_with('\n') {
            return Err(NoteError::Malformed { why: "the text does not end in a line feed" });
        }
        if self.signatures.len() > MAX_NOTE_SIGNATURES {
            return Err(NoteError::TooManySignatures);
        }
        let got = self.to_bytes().len();
        if got > MAX_NOTE_BYTES { Err(NoteError::TooLarge { got }) } else { Ok(()) }
    }
}

fn check_characters(text: &str) -> Result<(), NoteError> {
    match text.bytes().enumerate().find(|&(_, byte)| byte < b' ' && byte != b'\n') {
        Some((at, byte)) => Err(NoteError::ControlCharacter { byte, at }),
        None => Ok(()),
    }
}

fn parse_signature(line: &str) -> Result<NoteSignature, &'static str> {
    let line = line.strip_prefix(SIGNATURE_PREFIX).ok_or("does not begin with an em dash and a space")?;
    let (name, payload) = line.split_once(' ').ok_or("no space between name and signature")?;
    if !is_valid_key_name(name) {
        return Err("the key name is empty or holds a space or a plus sign");
    }
    let payload = parse_base64(payload).ok_or("the signature is not canonical base64")?;
    match payload.split_first_chunk::<KEY_ID_BYTES>() {
        Some((key_id, signature)) if !signature.is_empty() => {
            Ok(NoteSignature { name: name.to_owned(), key_id: *key_id, signature: signature.to_vec() })
        }
        _ => Err("the signature is shorter than five bytes"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn secret(seed: u8) -> SigningKey {
        SigningKey::from_bytes(&[seed; 32])
    }

    fn verifier(name: &str, key_type: KeyType, seed: u8) -> VerifierKey {
        VerifierKey::new(name, key_type, &secret(seed).verifying_key()).unwrap()
    }

    fn signed() -> Note {
        let mut note = Note::new("first\n\nthird, after an empty line\n").unwrap();
        note.sign_ed25519("log.example/1", &secret(1)).unwrap();
        note.cosign("witness.example/w", &secret(2), 1_700_000_000).unwrap();
        note
    }

    #[test]
    fn known_keys_are_verified_and_unknown_ones_ignored() {
        let note = Note::parse(&signed().to_bytes()).unwrap();
        let keys =
            [verifier("witness.example/w", KeyType::Cosignature, 2), verifier("log.example/1", KeyType::Ed25519, 1)];
        let verified = note.verify(&keys).unwrap();
        assert_eq!(
            verified,
            [Verified { key: &keys[1], time: None }, Verified { key: &keys[0], time: Some(1_700_000_000) }]
        );
        assert_eq!(note.verify_any(&keys[..1]).unwrap().len(), 1);
        // The same key under another name, and the same name with another key, are unknown.
        let strangers =
            [verifier("log.example/2", KeyType::Ed25519, 1), verifier("log.example/1", KeyType::Ed25519, 3)];
        assert_eq!(note.verify(&strangers).unwrap(), []);
        assert_eq!(note.verify_any(&strangers), Err(NoteError::NoKnownSignature { keys: 2 }));
    }

    #[test]
    fn one_wrong_signature_of_a_known_key_refuses_the_whole_note() {
        let keys =
            [verifier("log.example/1", KeyType::Ed25519, 1), verifier("witness.example/w", KeyType::Cosignature, 2)];
        let mut note = signed();
        note.signatures[1].signature[70] ^= 1;
        assert!(matches!(note.verify(&keys), Err(NoteError::Key(KeyError::SignatureWrong { .. }))));
        assert_eq!(note.verify(&keys[..1]).unwrap().len(), 1);
        let mut note = signed();
        note.signatures[0].signature.push(0);
        assert!(matches!(note.verify(&keys), Err(NoteError::Key(KeyError::SignatureLength { .. }))));
    }

    #[test]
    fn a_key_counts_once() {
        let mut note = signed();
        note.cosign("witness.example/w", &secret(2), 1_700_000_060).unwrap();
        note.cosign("witness.example/w", &secret(2), 1_600_000_000).unwrap();
        let keys = [verifier("witness.example/w", KeyType::Cosignature, 2)];
        // Listed twice is still one key.
        let twice = [keys[0].clone(), keys[0].clone()];
        for keys in [&keys[..], &twice] {
            let verified = note.verify(keys).unwrap();
            assert_eq!(verified, [Verified { key: &keys[0], time: Some(1_700_000_060) }]);
        }
    }

    #[test]
    fn malformed_notes_are_refused() {
        let line = "\u{2014} a AAAAAAE=\n";
        assert!(Note::parse(format!("t\n\n{line}").as_bytes()).is_ok());
        assert!(Note::parse(format!("\n\n{line}").as_bytes()).is_ok());
        for bad in [
            String::new(),
            "t\n".into(),
            "t\n\n".into(),
            "t\n\n\n".into(),
            format!("t\n{line}"),
            format!("\n{line}"),
            format!("t\n\n{}", line.trim_end()),
            format!("t\n\n{line}\n"),
            format!("t\n\n{line}x\n"),
            format!("t\r\n\n{line}"),
            format!("t\t\n\n{line}"),
            "t\n\n- a AAAAAAE=\n".into(),
            "t\n\n\u{2014} a  AAAAAAE=\n".into(),
            "t\n\n\u{2014}  AAAAAAE=\n".into(),
            "t\n\n\u{2014} a+b AAAAAAE=\n".into(),
            "t\n\n\u{2014} a\u{a0}b AAAAAAE=\n".into(),
            "t\n\n\u{2014} a AAAAAA==\n".into(),
            "t\n\n\u{2014} a AAAAAAE\n".into(),
            "t\n\n\u{2014} a AAAAAAF=\n".into(),
            "t\n\n\u{2014} a \n".into(),
            "t\n\n\u{2014} a\n".into(),
        ] {
            assert!(Note::parse(bad.as_bytes()).is_err(), "{bad:?}");
        }
        assert_eq!(Note::parse(b"t\xff\n\n"), Err(NoteError::NotUtf8 { at: 1 }));
    }

    #[test]
    fn limits_hold_for_reading_and_for_signing() {
        let line = "\u{2014} a AAAAAAE=\n";
        assert!(Note::parse(format!("t\n\n{}", line.repeat(MAX_NOTE_SIGNATURES)).as_bytes()).is_ok());
        let many = format!("t\n\n{}", line.repeat(MAX_NOTE_SIGNATURES + 1));
        assert_eq!(Note::parse(many.as_bytes()), Err(NoteError::TooManySignatures));
        let fill = MAX_NOTE_BYTES - line.len() - 2;
        assert!(Note::parse(format!("{}\n\n{line}", "t".repeat(fill)).as_bytes()).is_ok());
        let large = format!("{}\n\n{line}", "t".repeat(fill + 1));
        assert_eq!(Note::parse(large.as_bytes()), Err(NoteError::TooLarge { got: MAX_NOTE_BYTES + 1 }));
        let mut note = Note::new("t\n").unwrap();
        for _ in 0..MAX_NOTE_SIGNATURES {
            note.sign_ed25519("a", &secret(1)).unwrap();
        }
        let full = note.clone();
        assert_eq!(note.sign_ed25519("a", &secret(1)), Err(NoteError::TooManySignatures));
        assert_eq!(note, full);
        assert!(Note::new("no line feed").is_err());
        assert!(Note::new("tab\t\n").is_err());
        assert!(note.sign_ed25519("a b", &secret(1)).is_err());
    }

    proptest! {
        #[test]
        fn written_notes_are_read_back(
            lines in prop::collection::vec("[ -~é—]{0,30}", 1..6),
            signers in prop::collection::vec(("[!-*,-~é]{1,12}", any::<[u8; 4]>(), prop::collection::vec(any::<u8>(), 1..80)), 1..20),
        ) {
            let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
            let signatures = signers
                .into_iter()
                .map(|(name, key_id, signature)| NoteSignature { name, key_id, signature })
                .collect();
            let note = Note { text, signatures };
            prop_assert_eq!(Note::parse(&note.to_bytes()).unwrap(), note);
        }

        #[test]
        fn any_bytes_are_refused_or_written_back(
            random in prop::collection::vec(any::<u8>(), 0..200),
            at: prop::sample::Index, put: u8, kind in 0..3,
        ) {
            let mut changed = signed().to_bytes();
            let at = at.index(changed.len());
            match kind {
                0 => changed[at] = put,
                1 => changed.insert(at, put),
                _ => { changed.remove(at); }
            }
            for bytes in [random, changed] {
                if let Ok(note) = Note::parse(&bytes) {
                    prop_assert_eq!(note.to_bytes(), bytes);
                    let _ = note.verify(&[verifier("log.example/1", KeyType::Ed25519, 1)]);
                }
            }
        }
    }
}
