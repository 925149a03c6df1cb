//! What one node asks of another.

use super::dispatch::Dispatch;
use super::withdrawal::Withdrawal;
use crate::cbor::{CborError, Decode, Encode, Reader, Writer};
use crate::limits::{MAX_AUDIT_PAGE_ENTRIES, MAX_HEADER_BYTES, MAX_SEALED_BYTES};

/// A request between nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Take this dispatch.
    Dispatch(Dispatch),
    /// Settle a number that will not be sent (again).
    Withdrawal(Withdrawal),
    /// Show a page of your log, under a mandate.
    AuditRead {
        /// Index of the first entry wanted.
        from: u64,
        /// At most so many entries.
        count: u64,
    },
}

impl Encode for Request {
    fn encode(&self, writer: &mut Writer) {
        match self {
            Request::Dispatch(dispatch) => {
                writer.array(4);
                writer.uint(1);
                writer.bytes(&dispatch.header);
                writer.bytes(&dispatch.signature);
                writer.bytes(&dispatch.sealed);
            }
            Request::Withdrawal(withdrawal) => {
                writer.array(3);
                writer.uint(3);
                writer.bytes(&withdrawal.header);
                writer.bytes(&withdrawal.signature);
            }
            Request::AuditRead { from, count } => {
                writer.array(3);
                writer.uint(2);
                writer.uint(*from);
                writer.uint(*count);
            }
        }
    }
}

impl Decode for Request {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        let start = reader.position();
        let length = reader.array(4)?;
        let request = match (reader.uint()?, length) {
            (1, 4) => Self::Dispatch(Dispatch {
                header: reader.bytes(MAX_HEADER_BYTES)?.to_vec(),
                signature: reader.fixed()?,
                sealed: reader.bytes(MAX_SEALED_BYTES)?.to_vec(),
            }),
            (2, 3) => Self::AuditRead { from: reader.uint()?, count: reader.uint_max(MAX_AUDIT_PAGE_ENTRIES as u64)? },
            (3, 3) => Self::Withdrawal(Withdrawal {
                header: reader.bytes(MAX_HEADER_BYTES)?.to_vec(),
                signature: reader.fixed()?,
            }),
            _ => return Err(reader.refuse(start, "not a request")),
        };
        reader.leave();
        Ok(request)
    }
}
