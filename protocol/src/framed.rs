//! A file around a content: `[domain, digest of the content, content]`. The digest finds damage; who made the file it does not say.
//!
//! Not here: what the content is (audit packs, dispute files), and how large it may be.

use crate::cbor::{CborError, Decode, Encode, Reader, Writer};
use crate::hash::{Digest, Domain};

/// Bytes around the content.
pub(crate) const MAX_FRAME_BYTES: usize = 64;

/// The file around a content.
pub(crate) fn frame(domain: Domain, content: &[u8]) -> Vec<u8> {
    let mut writer = Writer::with_capacity(content.len().saturating_add(MAX_FRAME_BYTES));
    writer.array(3);
    writer.text(domain.text());
    Digest::of(domain, &[content]).encode(&mut writer);
    writer.bytes(content);
    writer.into_bytes()
}

/// The digest that a file names, and the content, of at most so many bytes. `other` says that it begins with another domain.
///
/// # Errors
/// [`CborError`].
pub(crate) fn unframe<'a>(
    domain: Domain,
    other: &'static str,
    bytes: &'a [u8],
    max: usize,
) -> Result<(Digest, &'a [u8]), CborError> {
    let mut reader = Reader::new(bytes);
    reader.tuple(3)?;
    let start = reader.position();
    if reader.text(MAX_FRAME_BYTES)? != domain.text() {
        return Err(reader.refuse(start, other));
    }
    let named = Digest::decode(&mut reader)?;
    let content = reader.bytes(max)?;
    reader.leave();
    reader.finish()?;
    Ok((named, content))
}
