//! Checkpoints that members tell each other: a node's newest one with proofs, what a node holds of others' logs, and the body
//! of entries that record it (`peers`, `succeeded`).
//!
//! Not here: what follows from them ([`crate::tlog`]: `observe`), when they are asked for (the node).
//!
//! Limits: [`MAX_SIZES_ASKED`], [`MAX_HELD_NOTES`], [`MAX_FORKS_TOLD`], [`MAX_BODY_BYTES`].

use crate::cbor::{CborError, Decode, Encode, Reader, Writer};
use crate::hash::Digest;
use crate::limits::{
    MAX_BODY_BYTES, MAX_FORK_TOLD_BYTES, MAX_FORKS_TOLD, MAX_HELD_NOTES, MAX_NOTE_TOLD_BYTES, MAX_SIZES_ASKED,
};
use crate::tlog::{Checkpoint, Hash, MAX_EVIDENCE_HASHES, MAX_NOTE_BYTES, Note};

/// A node's newest checkpoint, and for each size that was asked about what leads from there to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewestCheckpoint {
    /// The signed note, with cosignatures if it has a quorum of them.
    pub note_bytes: Vec<u8>,
    /// For each size asked about, in the same order, the prefix proof (`tlog::prefix_proof`) from it to the note's size; empty
    /// for a size of 0 or of at least the note's.
    pub proofs: Vec<Vec<Hash>>,
}

impl NewestCheckpoint {
    /// The proof for the size asked about in this place; none if it was not given.
    #[must_use]
    pub fn proof(&self, place: usize) -> &[Hash] {
        self.proofs.get(place).map(Vec::as_slice).unwrap_or_default()
    }
}

/// What a node holds: of every log the largest checkpoint that it verified, signed by the log alone, and which card of the asking
/// node's member is the newest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holdings {
    /// Signed notes; first those of the asking node's logs.
    pub notes: Vec<Vec<u8>>,
    /// Version and digest of the asking member's card.
    pub card: Option<(u64, Digest)>,
    /// Evidence of logs that showed two histories, as files ([`crate::tlog::ForkEvidence`]); each says itself whether it is any.
    pub forks: Vec<Vec<u8>>,
}

/// The body of an entry that records checkpoints of other logs, or of former logs of its node: the notes, each signed by its log,
/// ordered by origin, one of each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckpointsBody {
    notes: Vec<Vec<u8>>,
}

impl CheckpointsBody {
    /// Orders notes by their logs, and leaves out what cannot be in a body: what is no checkpoint, all but the largest of a log,
    /// and, beyond the limits, the last of them.
    #[must_use]
    pub fn new(notes: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let mut read: Vec<_> = notes
            .into_iter()
            .filter(|note| note.len() <= MAX_NOTE_TOLD_BYTES)
            .filter_map(|note| checkpoint_in(&note).map(|read| (read.origin, std::cmp::Reverse(read.size), note)))
            .collect();
        read.sort();
        read.dedup_by(|later, first| later.0 == first.0);
        let mut bytes = 0;
        let fits = |note: &Vec<u8>| {
            // Three bytes before each note are enough for its length.
            bytes += note.len() + 3;
            bytes <= MAX_BODY_BYTES - 8
        };
        Self { notes: read.into_iter().map(|(_, _, note)| note).take(MAX_HELD_NOTES).take_while(fits).collect() }
    }

    /// The notes, by origin.
    #[must_use]
    pub fn notes(&self) -> &[Vec<u8>] {
        &self.notes
    }

    /// Each with the checkpoint that it says it is; nothing about signatures is checked here.
    pub fn checkpoints(&self) -> impl Iterator<Item = (Checkpoint, &[u8])> {
        self.notes.iter().filter_map(|note| Some((checkpoint_in(note)?, note.as_slice())))
    }
}

/// The checkpoint that a note says it is.
fn checkpoint_in(note: &[u8]) -> Option<Checkpoint> {
    Checkpoint::parse(&Note::parse(note).ok()?.text).ok()
}

fn encode_notes(writer: &mut Writer, notes: &[Vec<u8>]) {
    writer.array(notes.len());
    notes.iter().for_each(|note| writer.bytes(note));
}

fn decode_notes(reader: &mut Reader<'_>) -> Result<Vec<Vec<u8>>, CborError> {
    let mut notes = Vec::new();
    for _ in 0..reader.array(MAX_HELD_NOTES)? {
        notes.push(reader.bytes(MAX_NOTE_TOLD_BYTES)?.to_vec());
    }
    reader.leave();
    Ok(notes)
}

impl Encode for NewestCheckpoint {
    fn encode(&self, writer: &mut Writer) {
        writer.array(2);
        writer.bytes(&self.note_bytes);
        writer.array(self.proofs.len());
        self.proofs.iter().for_each(|proof| writer.bytes(&proof.concat()));
    }
}

impl Decode for NewestCheckpoint {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.tuple(2)?;
        let note_bytes = reader.bytes(MAX_NOTE_BYTES)?.to_vec();
        let mut proofs = Vec::new();
        for _ in 0..reader.array(MAX_SIZES_ASKED)? {
            let start = reader.position();
            let (hashes, rest) = reader.bytes(MAX_EVIDENCE_HASHES * 32)?.as_chunks::<32>();
            if !rest.is_empty() {
                return Err(reader.refuse(start, "a proof is not made of hashes of 32 bytes"));
            }
            proofs.push(hashes.to_vec());
        }
        reader.leave();
        reader.leave();
        Ok(Self { note_bytes, proofs })
    }
}

impl Encode for Holdings {
    fn encode(&self, writer: &mut Writer) {
        writer.array(3);
        encode_notes(writer, &self.notes);
        match &self.card {
            None => writer.null(),
            Some((version, digest)) => {
                writer.array(2);
                writer.uint(*version);
                digest.encode(writer);
            }
        }
        encode_notes(writer, &self.forks);
    }
}

impl Decode for Holdings {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.tuple(3)?;
        let notes = decode_notes(reader)?;
        let card = if reader.null()? {
            None
        } else {
            reader.tuple(2)?;
            let card = (reader.uint()?, Digest::decode(reader)?);
            reader.leave();
            Some(card)
        };
        let forks = reader.list(MAX_FORKS_TOLD, |reader| Ok(reader.bytes(MAX_FORK_TOLD_BYTES)?.to_vec()))?;
        reader.leave();
        Ok(Self { notes, card, forks })
    }
}

impl Encode for CheckpointsBody {
    fn encode(&self, writer: &mut Writer) {
        encode_notes(writer, &self.notes);
    }
}

impl Decode for CheckpointsBody {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        let start = reader.position();
        let notes = decode_notes(reader)?;
        let mut last: Option<String> = None;
        for note in &notes {
            let Some(read) = checkpoint_in(note) else {
                return Err(reader.refuse(start, "one of the notes is no checkpoint"));
            };
            if last.is_some_and(|last| last >= read.origin) {
                return Err(reader.refuse(start, "checkpoints are not ordered by origin, or a log has two"));
            }
            last = Some(read.origin);
        }
        Ok(Self { notes })
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;
    use proptest::prelude::*;

    use super::*;

    fn note(log: u8, size: u64) -> Vec<u8> {
        let root = if size == 0 { crate::tlog::EMPTY_ROOT } else { [log; 32] };
        let key = SigningKey::from_bytes(&[log + 1; 32]);
        Checkpoint::new(format!("log.example/{log}"), size, root).sign(&key).unwrap().to_bytes()
    }

    proptest! {
        #[test]
        fn a_body_holds_the_largest_of_each_log_in_order(told in prop::collection::vec((0u8..6, 0u64..9), 0..20)) {
            let body = CheckpointsBody::new(told.iter().map(|(log, size)| note(*log, *size)));
            prop_assert_eq!(CheckpointsBody::from_cbor(&body.to_cbor()), Ok(body.clone()));
            let mut largest = std::collections::BTreeMap::new();
            for (log, size) in told {
                let held = largest.entry(format!("log.example/{log}")).or_insert(size);
                *held = size.max(*held);
            }
            let said: Vec<_> = body.checkpoints().map(|(read, _)| (read.origin, read.size)).collect();
            prop_assert_eq!(said, largest.into_iter().collect::<Vec<_>>());
        }

        #[test]
        fn what_is_told_is_read_back(
            proofs in prop::collection::vec(prop::collection::vec(any::<[u8; 32]>(), 0..=MAX_EVIDENCE_HASHES), 0..MAX_SIZES_ASKED),
            card in prop::option::of((any::<u64>(), any::<[u8; 32]>())),
            forks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..9), 0..=MAX_FORKS_TOLD),
        ) {
            let newest = NewestCheckpoint { note_bytes: note(1, 7), proofs };
            prop_assert_eq!(NewestCheckpoint::from_cbor(&newest.to_cbor()), Ok(newest));
            let holdings = Holdings { notes: vec![note(2, 1), note(1, 1)], card: card.map(|(v, d)| (v, Digest(d))), forks };
            prop_assert_eq!(Holdings::from_cbor(&holdings.to_cbor()), Ok(holdings));
        }
    }

    #[test]
    fn a_body_out_of_order_or_of_something_else_is_refused() {
        for notes in [vec![note(2, 1), note(1, 1)], vec![note(1, 1), note(1, 2)], vec![b"rubbish".to_vec()]] {
            assert!(CheckpointsBody::from_cbor(&CheckpointsBody { notes }.to_cbor()).is_err());
        }
        assert_eq!(CheckpointsBody::new([b"rubbish".to_vec()]), CheckpointsBody::default());
        // What does not fit is left out, and the rest is a body.
        let many = CheckpointsBody::new((0..=255u8).flat_map(|log| {
            let key = SigningKey::from_bytes(&[log; 32]);
            (0..40).map(move |at| {
                let mut long = Checkpoint::new(format!("log.example/{log}/{at}"), 1, [1; 32]);
                long.extensions = vec!["x".repeat(3_000)];
                long.sign(&key).unwrap().to_bytes()
            })
        }));
        assert!(!many.notes.is_empty() && many.to_cbor().len() <= MAX_BODY_BYTES);
        assert_eq!(CheckpointsBody::from_cbor(&many.to_cbor()), Ok(many));
    }
}
