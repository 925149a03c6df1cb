//! The rejection: a governor's word that it accepts no proposal of a round. As many as make every proposal of the round impossible
//! close it; only then may one who voted in it vote in the next.

use super::{Document, DocumentError, DocumentKind};
use crate::cbor::{CborError, Decode, Encode, Reader, Writer};
use crate::hash::Digest;
use crate::names::MemberId;

/// What a governor rejects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// Who rejects; also the document's id.
    pub governor: MemberId,
    /// The charter that a proposal of the round would follow.
    pub previous: Digest,
    /// The round.
    pub round: u64,
}

impl Rejection {
    /// The document around it, to be signed by its governor.
    pub fn to_document(&self, network: Digest) -> Document {
        Document::first(DocumentKind::Rejection, network, self.governor.clone(), self.to_cbor())
    }

    /// Reads a rejection's body.
    ///
    /// # Errors
    /// [`DocumentError`] when it is none, or another governor's.
    pub fn open(document: &Document) -> Result<Self, DocumentError> {
        let rejection = document.content::<Self>()?;
        match rejection.governor == document.id {
            true => Ok(rejection),
            false => Err(DocumentError::Content(format!(
                "rejection of {} carries the name of {}",
                rejection.governor, document.id
            ))),
        }
    }
}

impl Encode for Rejection {
    fn encode(&self, writer: &mut Writer) {
        writer.array(3);
        self.governor.encode(writer);
        self.previous.encode(writer);
        writer.uint(self.round);
    }
}

impl Decode for Rejection {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        let start = reader.position();
        reader.tuple(3)?;
        let rejection =
            Self { governor: MemberId::decode(reader)?, previous: Digest::decode(reader)?, round: reader.uint()? };
        reader.leave();
        match rejection.round {
            0 => Err(reader.refuse(start, "rounds begin at 1")),
            _ => Ok(rejection),
        }
    }
}
