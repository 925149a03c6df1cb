//! How a log reads a witness's answer to `add-checkpoint`, and takes its cosignatures (<https://c2sp.org/tlog-witness>).
//!
//! Not here: HTTP, when to ask which witness, and whether the cosignatures are enough (see `policy`).
//!
//! Limits: those of `note`.

use super::note::{Note, NoteError, NoteSignature};
use super::text::{excerpt, parse_decimal};
use super::vkey::{KeyType, VerifierKey};

/// Why an answer could not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// The note with the answer's signatures was refused.
    #[error("answer of a witness: {0}")]
    Note(#[from] NoteError),
    /// A witness's cosignature must have a time.
    #[error("answer of a witness: the cosignature of \"{name}\" has time 0; a witness must say when it cosigned")]
    NoTime {
        /// Name of the witness's key.
        name: String,
    },
    /// The answer holds more than signature lines: it would change the checkpoint's text.
    #[error("answer of a witness: holds more than signature lines")]
    NotSignatureLines,
    /// The answer holds no cosignature by a witness that counts.
    #[error("answer of a witness: no cosignature by any of the {keys} known witness keys")]
    NoKnownCosignature {
        /// How many keys were known.
        keys: usize,
    },
    /// A 409 must say the witness's size.
    #[error("answer 409 of a witness: \"{body}\" is not a tree size (a decimal and a line feed)")]
    Size {
        /// The start of the body.
        body: String,
    },
}

/// What an answer to `add-checkpoint` means to the log. <https://c2sp.org/tlog-witness>.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// 200: the body holds signature lines for [`add_cosignatures`].
    Cosigned,
    /// 409: the witness cosigned this size last, not above ours: ask again with a proof from it.
    AskAgain {
        /// The size to prove from.
        size: u64,
    },
    /// 409: the witness cosigned a larger checkpoint than the one sent. Either it was sent a newer one meanwhile, or the
    /// log was set back: compare with the largest checkpoint the log has signed before signing anything else.
    WitnessAhead {
        /// The size the witness cosigned.
        size: u64,
    },
    /// 422, or 409 with the very size that was named (as tlog-witness v1.0.0 has it): the witness holds another history
    /// than ours, or was sent a wrong proof. Fork suspected.
    ForkSuspected,
    /// Any other status: the witness does not take this checkpoint, or not now.
    NotTaken {
        /// HTTP status code.
        status: u16,
    },
}

/// Reads an answer. `new_size` is the size of the checkpoint that was sent, `old` the old size named with it.
///
/// # Errors
/// [`AnswerError::Size`] if a 409 does not tell a size.
pub fn read_answer(status: u16, body: &[u8], old: u64, new_size: u64) -> Result<Answer, AnswerError> {
    match status {
        200 => Ok(Answer::Cosigned),
        409 => {
            let size = std::str::from_utf8(body).ok().and_then(|text| parse_decimal(text.strip_suffix('\n')?));
            let refused = || AnswerError::Size { body: excerpt(&String::from_utf8_lossy(body)) };
            match size.ok_or_else(refused)? {
                size if size == old => Ok(Answer::ForkSuspected),
                size if size > new_size => Ok(Answer::WitnessAhead { size }),
                size => Ok(Answer::AskAgain { size }),
            }
        }
        422 => Ok(Answer::ForkSuspected),
        status => Ok(Answer::NotTaken { status }),
    }
}

/// Adds the cosignatures in the body of an answer 200 to the checkpoint it is for; gives how many were added.
///
/// Only cosignatures by the given witness keys are taken, one for each key; others are ignored. A key that has already
/// cosigned the note keeps the line it has. On an error the note is unchanged.
///
/// # Errors
/// [`AnswerError::Note`] if the lines are malformed, a known key's signature is wrong or the note would be too large;
/// [`AnswerError::NotSignatureLines`], [`AnswerError::NoTime`], [`AnswerError::NoKnownCosignature`].
pub fn add_cosignatures(note: &mut Note, body: &[u8], witness_keys: &[VerifierKey]) -> Result<usize, AnswerError> {
    let keys: Vec<VerifierKey> =
        witness_keys.iter().filter(|key| key.key_type() == KeyType::Cosignature).cloned().collect();
    // The specification's way: below the note, then read as a note. A body with an empty line in it would move the end of
    // the text, so the text is compared; the lines of other signers are left out, so that they do not use up the limits.
    let bare = Note { text: note.text.clone(), signatures: Vec::new() };
    let answered = Note::parse(&[&bare.to_bytes(), body].concat())?;
    if answered.text != note.text {
        return Err(AnswerError::NotSignatureLines);
    }
    let verified = answered.verify(&keys)?;
    if verified.is_empty() {
        return Err(AnswerError::NoKnownCosignature { keys: keys.len() });
    }
    let mut added = note.clone();
    for cosigned in verified {
        let key = cosigned.key;
        if cosigned.time == Some(0) {
            return Err(AnswerError::NoTime { name: key.name().to_owned() });
        }
        let is_of_key = |line: &&NoteSignature| line.name == key.name() && line.key_id == key.key_id();
        if note.signatures.iter().any(|line| is_of_key(&line)) {
            continue;
        }
        // Of several lines by one key, the one whose time counts.
        let counts = |line: &&NoteSignature| key.verify(&note.text, &line.signature) == Ok(cosigned.time);
        added.signatures.extend(answered.signatures.iter().filter(is_of_key).find(counts).cloned());
    }
    // Written and read once more, so that the limits of a note hold for what is kept.
    let added = Note::parse(&added.to_bytes())?;
    let count = added.signatures.len() - note.signatures.len();
    *note = added;
    Ok(count)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use ed25519_dalek::SigningKey;
    use proptest::prelude::*;

    use super::super::checkpoint::Checkpoint;
    use super::super::witness::cosign_line;
    use super::*;

    const ORIGIN: &str = "log.example/1";
    const WITNESS: &str = "witness.example/w";
    const TIME: u64 = 1_700_000_000;

    fn secret(seed: u8) -> SigningKey {
        SigningKey::from_bytes(&[seed; 32])
    }

    fn witness_key(name: &str, seed: u8) -> VerifierKey {
        VerifierKey::new(name, KeyType::Cosignature, &secret(seed).verifying_key()).unwrap()
    }

    fn signed() -> Note {
        Checkpoint::new(ORIGIN, 7, [3; 32]).sign(&secret(5)).unwrap()
    }

    proptest! {
        #[test]
        fn any_answer_is_used_or_refused_and_never_changes_the_text(
            random in prop::collection::vec(any::<u8>(), 0..100), at: prop::sample::Index, put: u8, status: u16,
        ) {
            let original = signed();
            let mut changed = cosign_line(&original.text, WITNESS, &secret(6), TIME).unwrap().into_bytes();
            *at.get_mut(&mut changed) = put;
            for body in [random, changed] {
                let mut note = original.clone();
                match add_cosignatures(&mut note, &body, &[witness_key(WITNESS, 6)]) {
                    Ok(added) => prop_assert!(added == 1 && note.text == original.text),
                    Err(_) => prop_assert_eq!(&note, &original),
                }
                let _ = read_answer(status, &body, 3, 7);
                let _ = read_answer(409, &body, 3, 7);
            }
        }
    }

    #[test]
    fn answers_are_read() {
        let read = |status, body: &str| read_answer(status, body.as_bytes(), 13, 21);
        assert_eq!(read(200, ""), Ok(Answer::Cosigned));
        assert_eq!(read(409, "9\n"), Ok(Answer::AskAgain { size: 9 }));
        assert_eq!(read(409, "21\n"), Ok(Answer::AskAgain { size: 21 }));
        assert_eq!(read(409, "22\n"), Ok(Answer::WitnessAhead { size: 22 }));
        assert_eq!(read(409, "13\n"), Ok(Answer::ForkSuspected));
        assert_eq!(read(422, "words"), Ok(Answer::ForkSuspected));
        for status in [400, 403, 404, 500, 0] {
            assert_eq!(read(status, ""), Ok(Answer::NotTaken { status }));
        }
        for bad in ["", "9", "09\n", "9\n\n", "-9\n", " 9\n", "9\r\n", "size 9\n"] {
            assert!(matches!(read(409, bad), Err(AnswerError::Size { .. })), "{bad:?}");
        }
    }

    #[test]
    fn cosignatures_of_known_witnesses_are_added_once() {
        let mut note = signed();
        let line = |name: &str, seed, time| cosign_line(&note.text, name, &secret(seed), time).unwrap();
        let keys = [
            witness_key(WITNESS, 6),
            witness_key("witness.example/v", 7),
            VerifierKey::new(ORIGIN, KeyType::Ed25519, &secret(5).verifying_key()).unwrap(),
        ];
        let body = [line("stranger", 8, TIME), line(WITNESS, 6, TIME), line(WITNESS, 6, TIME + 5)].concat();
        let other = line("witness.example/v", 7, TIME + 1);
        let again = line(WITNESS, 6, TIME + 9);
        let of_another_text = cosign_line("x\n1\n", "witness.example/v", &secret(7), TIME).unwrap();
        let strangers = line("stranger", 8, TIME);
        assert_eq!(add_cosignatures(&mut note, body.as_bytes(), &keys), Ok(1));
        assert_eq!(add_cosignatures(&mut note, again.as_bytes(), &keys), Ok(0));
        assert_eq!(add_cosignatures(&mut note, other.as_bytes(), &keys), Ok(1));
        let times: Vec<Option<u64>> = note.verify(&keys).unwrap().iter().map(|signed| signed.time).collect();
        assert_eq!(times, [None, Some(TIME + 5), Some(TIME + 1)]);
        assert_eq!(Note::parse(&note.to_bytes()).unwrap(), note);

        let before = note.clone();
        for (body, want) in [
            (strangers.clone(), AnswerError::NoKnownCosignature { keys: 2 }),
            (format!("more\n\n{strangers}"), AnswerError::NotSignatureLines),
            (format!("\n{again}"), AnswerError::NotSignatureLines),
        ] {
            assert_eq!(add_cosignatures(&mut note, body.as_bytes(), &keys), Err(want), "{body:?}");
        }
        for body in [String::new(), "\n".into(), "words\n".into(), again.trim_end().into(), of_another_text] {
            let refused = add_cosignatures(&mut note, body.as_bytes(), &keys);
            assert!(matches!(refused, Err(AnswerError::Note(_))), "{body:?}: {refused:?}");
        }
        let flood = strangers.repeat(65);
        assert!(add_cosignatures(&mut note, flood.as_bytes(), &keys).is_err());
        let mut timeless = note.clone();
        timeless.signatures.clear();
        timeless.cosign(WITNESS, &secret(6), 0).unwrap();
        let body = format!("{}\n", timeless.signatures[0]);
        let refused = add_cosignatures(&mut note, body.as_bytes(), &keys);
        assert_eq!(refused, Err(AnswerError::NoTime { name: WITNESS.into() }));
        assert_eq!(note, before);
    }
}
