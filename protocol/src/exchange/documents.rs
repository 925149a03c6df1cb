//! Lists of documents as they travel between nodes: by digest, and as signed bytes.
//!
//! Not here: what a document is, and whether it holds ([`crate::document`]).

use crate::cbor::{CborError, Decode, Encode, Reader, Writer};
use crate::hash::Digest;
use crate::limits::{MAX_DOCUMENTS, MAX_DOCUMENTS_BYTES, MAX_SIGNED_DOCUMENT_BYTES};

/// Writes digests of documents.
pub(super) fn encode_digests(writer: &mut Writer, digests: &[Digest]) {
    writer.array(digests.len());
    digests.iter().for_each(|digest| digest.encode(writer));
}

/// Reads digests of documents.
pub(super) fn decode_digests(reader: &mut Reader<'_>) -> Result<Vec<Digest>, CborError> {
    let mut digests = Vec::new();
    for _ in 0..reader.array(MAX_DOCUMENTS)? {
        digests.push(Digest::decode(reader)?);
    }
    reader.leave();
    Ok(digests)
}

/// Writes signed documents.
pub(super) fn encode_documents(writer: &mut Writer, documents: &[Vec<u8>]) {
    writer.array(documents.len());
    documents.iter().for_each(|document| writer.bytes(document));
}

/// Reads signed documents, as bytes: whoever takes them reads each, so that a damaged one spoils no other.
pub(super) fn decode_documents(reader: &mut Reader<'_>) -> Result<Vec<Vec<u8>>, CborError> {
    let start = reader.position();
    let mut documents = Vec::new();
    let mut bytes = 0;
    for _ in 0..reader.array(MAX_DOCUMENTS)? {
        let document = reader.bytes(MAX_SIGNED_DOCUMENT_BYTES)?.to_vec();
        bytes += document.len();
        documents.push(document);
    }
    reader.leave();
    match bytes > MAX_DOCUMENTS_BYTES {
        true => Err(reader.refuse(start, "more bytes of documents than may travel together")),
        false => Ok(documents),
    }
}
