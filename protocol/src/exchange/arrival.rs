//! What came under a number: a dispatch or the withdrawal of one. It is the evidence behind a `received` entry.

use super::{DispatchHeader, Envelope, Withdrawal};
use crate::cbor::{CborError, Decode, Encode, Reader, Writer};
use crate::document::{Directory, KnownNode, Standing};
use crate::hash::{Digest, Domain};
use crate::limits::MAX_HEADER_BYTES;
use crate::record::Batch;
use crate::time::Millis;

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

    /// What its sender's signatures are worth, with what each is on: the dispatch and its batch, or the withdrawal. `made` is the quorum
    /// time of the first witnessed checkpoint that covers its `received` entry ([`Directory::standing`]).
    ///
    /// # Errors
    /// [`CborError`] when the header of a dispatch is none.
    pub fn standing(
        &self,
        directory: &Directory,
        sender: &KnownNode,
        made: Option<Millis>,
    ) -> Result<Vec<(&'static str, Standing)>, CborError> {
        Ok(match self {
            Arrival::Dispatch(envelope) => {
                let batch = DispatchHeader::from_cbor(&envelope.header)?.batch;
                envelope.standing(&batch, directory, sender, made).to_vec()
            }
            Arrival::Withdrawal(Withdrawal { header, signature }) => {
                vec![("withdrawal", standing(directory, sender, made, Domain::Withdrawal, header, signature))]
            }
        })
    }
}

impl Envelope {
    /// What the signatures on the dispatch and on this batch of it are worth, as [`Arrival::standing`] tells it.
    pub fn standing(
        &self,
        batch: &Batch,
        directory: &Directory,
        sender: &KnownNode,
        made: Option<Millis>,
    ) -> [(&'static str, Standing); 2] {
        let of = |domain, body: &[u8], signature| standing(directory, sender, made, domain, body, signature);
        [
            ("dispatch", of(Domain::Dispatch, &self.digest().0, &self.signature)),
            ("batch", of(Domain::Batch, &batch.header.to_cbor(), &batch.signature)),
        ]
    }
}

fn standing(
    directory: &Directory,
    sender: &KnownNode,
    made: Option<Millis>,
    domain: Domain,
    body: &[u8],
    signature: &[u8; 64],
) -> Standing {
    // A key that no card ever named binds nobody.
    let key = sender.signer(domain, &directory.network(), body, signature);
    key.map_or(Standing::Refused, |key| directory.standing(&key.id(), made))
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
