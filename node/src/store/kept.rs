//! What is kept of an entry: its opening, or what erasing leaves of one.

use luxor_protocol::cbor::{CborError, Decode, Encode, Reader, Writer};
use luxor_protocol::exchange::{Entry, Opening, OpeningError, Skeleton, entry_of};
use luxor_protocol::hash::Digest;
use luxor_protocol::limits::{MAX_BODY_BYTES, MAX_SKELETON_BYTES};

/// What is kept of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptOpening {
    /// The salt.
    pub salt: [u8; 16],
    /// The encoded skeleton.
    pub skeleton: Vec<u8>,
    /// The commitment to the body.
    pub body_hash: Digest,
    /// Body salt and body; nothing once they are erased.
    pub body: Option<([u8; 16], Vec<u8>)>,
}

impl KeptOpening {
    /// The entry that commits to it.
    pub fn entry(&self) -> Entry {
        entry_of(&self.salt, &self.skeleton, &self.body_hash)
    }

    /// Reads the skeleton.
    ///
    /// # Errors
    /// [`OpeningError::Decode`].
    pub fn read_skeleton(&self) -> Result<Skeleton, OpeningError> {
        Ok(Skeleton::from_cbor(&self.skeleton)?)
    }

    /// The body's bytes, unless they are erased.
    pub fn body(&self) -> Option<&[u8]> {
        self.body.as_ref().map(|(_, body)| body.as_slice())
    }

    /// The whole opening, unless its body is erased.
    pub fn whole(self) -> Option<Opening> {
        let Self { salt, skeleton, body, .. } = self;
        body.map(|(body_salt, body)| Opening { salt, skeleton, body_salt, body })
    }

    /// What erasing leaves of it.
    #[must_use]
    pub fn erased(self) -> Self {
        Self { body: None, ..self }
    }
}

impl From<Opening> for KeptOpening {
    fn from(opening: Opening) -> Self {
        let body_hash = opening.body_hash();
        let Opening { salt, skeleton, body_salt, body } = opening;
        Self { salt, skeleton, body_hash, body: Some((body_salt, body)) }
    }
}

impl Encode for KeptOpening {
    fn encode(&self, writer: &mut Writer) {
        writer.array(if self.body.is_some() { 4 } else { 3 });
        writer.bytes(&self.salt);
        writer.bytes(&self.skeleton);
        match &self.body {
            Some((body_salt, body)) => {
                writer.bytes(body_salt);
                writer.bytes(body);
            }
            None => self.body_hash.encode(writer),
        }
    }
}

impl Decode for KeptOpening {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        let start = reader.position();
        let fields = reader.array(4)?;
        let (salt, skeleton) = (reader.fixed()?, reader.bytes(MAX_SKELETON_BYTES)?.to_vec());
        let kept = match fields {
            4 => {
                let (body_salt, body) = (reader.fixed()?, reader.bytes(MAX_BODY_BYTES)?.to_vec());
                Opening { salt, skeleton, body_salt, body }.into()
            }
            3 => Self { salt, skeleton, body_hash: Digest::decode(reader)?, body: None },
            _ => return Err(reader.refuse(start, "neither an opening nor what erasing leaves of one")),
        };
        reader.leave();
        Ok(kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_opening_is_read_back_whole_and_erased_and_its_entry_stays() {
        let opening = Opening { salt: [1; 16], skeleton: vec![2; 30], body_salt: [3; 16], body: vec![4; 50] };
        let kept = KeptOpening::from_cbor(&opening.to_cbor()).unwrap();
        assert_eq!((kept.entry(), kept.to_cbor()), (opening.entry(), opening.to_cbor()));
        let erased = kept.clone().erased();
        let read = KeptOpening::from_cbor(&erased.to_cbor()).unwrap();
        assert_eq!((read.entry(), read.body()), (opening.entry(), None));
        assert_eq!(read.whole(), None);
        assert_eq!(kept.whole(), Some(opening));
    }
}
