//! What came under a number: a dispatch or the withdrawal of one. It is the evidence behind a `received` entry.

use super::{Envelope, Withdrawal};
use crate::cbor::{CborError, Decode, Encode, Reader, Writer};
use crate::hash::Digest;
use crate::limits::MAX_HEADER_BYTES;

/// What came under a number, without any content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrival {
    /// A dispatch: its header and signature.
    Dispatch(Envelope),
    /// The withdrawal of a dispatch that never came.
    Withdrawal(Withdrawal),
}

impl Arrival {
    /// The digest of the dispatch that came or was withdrawn.
    ///
    /// # Errors
    /// [`CborError`] when a withdrawal is none.
    pub fn digest(&self) -> Result<Digest, CborError> {
        Ok(match self {
            Arrival::Dispatch(envelope) => envelope.digest(),
            Arrival::Withdrawal(withdrawal) => withdrawal.read()?.dispatch,
        })
    }
}

impl Encode for Arrival {
    fn encode(&self, writer: &mut Writer) {
        match self {
            Arrival::Dispatch(envelope) => envelope.encode(writer),
            Arrival::Withdrawal(withdrawal) => withdrawal.encode(writer),
        }
    }
}

impl Decode for Arrival {
    /// An envelope is an array of three, a withdrawal one of two.
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        let start = reader.position();
        let length = reader.array(3)?;
        let header = reader.bytes(MAX_HEADER_BYTES)?.to_vec();
        let arrival = match length {
            3 => {
                let sealed = Digest::decode(reader)?;
                Self::Dispatch(Envelope { header, sealed, signature: reader.fixed()? })
            }
            2 => Self::Withdrawal(Withdrawal { header, signature: reader.fixed()? }),
            _ => return Err(reader.refuse(start, "neither a dispatch's envelope nor a withdrawal")),
        };
        reader.leave();
        Ok(arrival)
    }
}
