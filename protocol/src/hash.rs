//! BLAKE3 digests with domain separation: documents, record roots, batches, dispatches.
//!
//! Not here: SHA-256 of the log and of channels, whose bytes RFC 6962 and C2SP fix; see [`crate::tlog`].

use std::fmt;

use crate::cbor::{CborError, Decode, Encode, Reader, Writer};

/// What a digest or signature is over. The text is part of the hashed or signed bytes, so bytes of one use can never be
/// taken for bytes of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Domain {
    /// A document's identity and the bytes that its signatures cover.
    Document,
    /// A key's short name.
    KeyId,
    /// A salt from a record's seed.
    Salt,
    /// One disclosed or hidden leaf of a record.
    Leaf,
    /// An inner node over the goods items of one group.
    ItemNode,
    /// A record's root.
    RecordRoot,
    /// A leaf of a batch tree.
    BatchLeaf,
    /// An inner node of a batch tree.
    BatchNode,
    /// A batch's signature.
    Batch,
    /// A dispatch's clear header, whose digest stands first inside the seal.
    Header,
    /// The sealed bytes of a dispatch.
    Sealed,
    /// A dispatch's identity and signature.
    Dispatch,
    /// A withdrawal's signature.
    Withdrawal,
    /// A log entry and its inner commitment to a body.
    Entry,
    /// The body inside an entry.
    Body,
    /// An index key over an identifier inside one node.
    Index,
    /// The words of an order to erase, or of the ground of a hold.
    Order,
    /// A submitted chunk, to tell a repeat from another with the same name.
    Chunk,
    /// What an auditor's sample is drawn with.
    Sample,
    /// The content of an audit pack.
    AuditPack,
    /// The set of documents that a node knows.
    Documents,
    /// An item in the list that a periodic summary commits to.
    SummaryItem,
    /// An inner node over these.
    SummaryNode,
    /// An outcome, in a leaf of a window.
    Outcome,
    /// What a node answers about a window, and its signature.
    WindowAnswer,
    /// The differences of one class in a window.
    Differences,
    /// A statement about a window, and its signatures.
    Statement,
    /// The content of a dispute file.
    Dispute,
    /// Published statistics, and their signature.
    Statistics,
    /// What officers order about proposals of screening, and their signatures.
    ScreeningOrder,
}

impl Domain {
    /// The text that stands in the hashed and signed bytes.
    pub const fn text(self) -> &'static str {
        match self {
            Domain::Document => "luxor/v1/document",
            Domain::KeyId => "luxor/v1/key-id",
            Domain::Salt => "luxor/v1/salt",
            Domain::Leaf => "luxor/v1/leaf",
            Domain::ItemNode => "luxor/v1/item-node",
            Domain::RecordRoot => "luxor/v1/record-root",
            Domain::BatchLeaf => "luxor/v1/batch-leaf",
            Domain::BatchNode => "luxor/v1/batch-node",
            Domain::Batch => "luxor/v1/batch",
            Domain::Header => "luxor/v1/header",
            Domain::Sealed => "luxor/v1/sealed",
            Domain::Dispatch => "luxor/v1/dispatch",
            Domain::Withdrawal => "luxor/v1/withdrawal",
            Domain::Entry => "luxor/v1/entry",
            Domain::Body => "luxor/v1/body",
            Domain::Index => "luxor/v1/index",
            Domain::Order => "luxor/v1/order",
            Domain::Chunk => "luxor/v1/chunk",
            Domain::Sample => "luxor/v1/sample",
            Domain::AuditPack => "luxor/v1/audit-pack",
            Domain::Documents => "luxor/v1/documents",
            Domain::SummaryItem => "luxor/v1/summary-item",
            Domain::SummaryNode => "luxor/v1/summary-node",
            Domain::Outcome => "luxor/v1/outcome",
            Domain::WindowAnswer => "luxor/v1/window-answer",
            Domain::Differences => "luxor/v1/differences",
            Domain::Statement => "luxor/v1/statement",
            Domain::Dispute => "luxor/v1/dispute",
            Domain::Statistics => "luxor/v1/statistics",
            Domain::ScreeningOrder => "luxor/v1/screening-order",
        }
    }
}

/// A 32-byte BLAKE3 digest.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest that stands where there is no predecessor.
    pub const ZERO: Digest = Digest([0; 32]);

    /// Hashes `parts` under `domain`. Each part is preceded by its length as a 64-bit big-endian number, so the
    /// boundaries between parts are part of what is hashed.
    pub fn of(domain: Domain, parts: &[&[u8]]) -> Self {
        let length = framed_length(domain, parts);
        if length > SMALL {
            let mut hasher = blake3::Hasher::new();
            frame(domain, parts, |bytes| {
                hasher.update(bytes);
            });
            return Digest(*hasher.finalize().as_bytes());
        }
        small(length, domain, parts, |bytes| Digest(*blake3::hash(bytes).as_bytes()))
    }

    /// [`Digest::of`] of a part followed by digests, each a part of its own: the same bytes, gathered with less ado. Every record's root
    /// is one.
    pub fn of_list(domain: Domain, first: &[u8], digests: &[Digest]) -> Self {
        let head = framed_length(domain, &[first]);
        match digests.len().checked_mul(FRAMED_DIGEST).and_then(|length| length.checked_add(head)) {
            Some(length) if length <= LIST => gathered_list::<LIST>(domain, first, head, digests, length),
            Some(length) if length <= SMALL => gathered_list::<SMALL>(domain, first, head, digests, length),
            _ => {
                let parts = std::iter::once(first).chain(digests.iter().map(|digest| digest.0.as_slice()));
                Self::of(domain, &parts.collect::<Vec<_>>())
            }
        }
    }

    /// Reads what [`Digest::hex`] gives; `None` of any other text.
    pub fn from_hex(text: &str) -> Option<Self> {
        unhex(text).and_then(|bytes| bytes.try_into().ok()).map(Digest)
    }

    /// Lower-case hexadecimal.
    pub fn hex(&self) -> String {
        hex(&self.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hex())
    }
}

/// Hexadecimal digits in text forms.
impl serde::Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.hex())
    }
}

impl<'de> serde::Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <String as serde::Deserialize>::deserialize(deserializer)?;
        let bytes = unhex(&text).and_then(|bytes| bytes.try_into().ok());
        bytes.map(Digest).ok_or_else(|| serde::de::Error::custom("a digest: 64 hexadecimal digits"))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hex())
    }
}

impl Encode for Digest {
    fn encode(&self, writer: &mut Writer) {
        writer.bytes(&self.0);
    }
}

impl Decode for Digest {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.fixed().map(Digest)
    }
}

/// Keyed BLAKE3 (a pseudo-random function) over `parts`, each preceded by its length.
pub fn keyed(key: &[u8; 32], domain: Domain, parts: &[&[u8]]) -> Digest {
    let length = framed_length(domain, parts);
    if length > SMALL {
        let mut hasher = blake3::Hasher::new_keyed(key);
        frame(domain, parts, |bytes| {
            hasher.update(bytes);
        });
        return Digest(*hasher.finalize().as_bytes());
    }
    small(length, domain, parts, |bytes| Digest(*blake3::keyed_hash(key, bytes).as_bytes()))
}

/// A digest in the making, part by part, for what is not in memory at once.
pub struct Hasher(blake3::Hasher);

impl Hasher {
    /// Starts with the domain as first part.
    pub fn new(domain: Domain) -> Self {
        let mut hasher = Self(blake3::Hasher::new());
        hasher.part(domain.text().as_bytes());
        hasher
    }

    /// Adds a part with its length before it.
    pub fn part(&mut self, part: &[u8]) {
        self.0.update(&(part.len() as u64).to_be_bytes());
        self.0.update(part);
    }

    /// The digest of all parts.
    pub fn finish(&self) -> Digest {
        Digest(*self.0.finalize().as_bytes())
    }
}

/// Up to so many bytes are gathered and hashed at once, which is several times faster than part by part: nearly every digest
/// of a record is over a few hundred bytes.
const SMALL: usize = 2 * 1024;
/// A salt, an absent leaf.
const SHORT: usize = 128;
/// A leaf of a few fields.
const MIDDLE: usize = 512;
/// The digests of a record's groups.
const LIST: usize = 1024;
/// A digest with its length before it.
const FRAMED_DIGEST: usize = 8 + 32;

fn framed_length(domain: Domain, parts: &[&[u8]]) -> usize {
    parts.iter().fold(8 + domain.text().len(), |sum, part| sum.saturating_add(8).saturating_add(part.len()))
}

/// The bytes that are hashed, piece by piece.
fn frame(domain: Domain, parts: &[&[u8]], mut piece: impl FnMut(&[u8])) {
    for part in std::iter::once(domain.text().as_bytes()).chain(parts.iter().copied()) {
        piece(&(part.len() as u64).to_be_bytes());
        piece(part);
    }
}

fn small(length: usize, domain: Domain, parts: &[&[u8]], hash: impl FnOnce(&[u8]) -> Digest) -> Digest {
    // The buffer is zeroed first, so most digests take a short one.
    if length <= SHORT {
        gathered::<SHORT>(length, domain, parts, hash)
    } else if length <= MIDDLE {
        gathered::<MIDDLE>(length, domain, parts, hash)
    } else {
        gathered::<SMALL>(length, domain, parts, hash)
    }
}

fn gathered<const N: usize>(
    length: usize,
    domain: Domain,
    parts: &[&[u8]],
    hash: impl FnOnce(&[u8]) -> Digest,
) -> Digest {
    let mut buffer = [0u8; N];
    fill(&mut buffer[..length], domain, parts);
    hash(&buffer[..length])
}

/// [`frame`] into a buffer that is as long as [`framed_length`] says. Lengths are written as one word each.
fn fill(mut buffer: &mut [u8], domain: Domain, parts: &[&[u8]]) {
    for part in std::iter::once(domain.text().as_bytes()).chain(parts.iter().copied()) {
        // Never without room: the buffer was measured.
        let Some((length, behind)) = buffer.split_first_chunk_mut::<8>() else { return };
        *length = (part.len() as u64).to_be_bytes();
        let (here, behind) = behind.split_at_mut(part.len());
        here.copy_from_slice(part);
        buffer = behind;
    }
}

/// Hashes `length` framed bytes: domain and `first`, which take `head` of them, then the digests.
fn gathered_list<const N: usize>(
    domain: Domain,
    first: &[u8],
    head: usize,
    digests: &[Digest],
    length: usize,
) -> Digest {
    let mut buffer = [0u8; N];
    let (before, list) = buffer[..length].split_at_mut(head);
    fill(before, domain, &[first]);
    for (place, digest) in list.as_chunks_mut::<FRAMED_DIGEST>().0.iter_mut().zip(digests) {
        place[..8].copy_from_slice(&32u64.to_be_bytes());
        place[8..].copy_from_slice(&digest.0);
    }
    Digest(*blake3::hash(&buffer[..length]).as_bytes())
}

/// Lower-case hexadecimal of any bytes.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]]).map(char::from).collect()
}

/// Reads what [`hex`] wrote, `None` for anything else.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |c: u8| match c {
        b'0'..=b'9' => Some(c - b'0'),
        b'a'..=b'f' => Some(c - b'a' + 10),
        _ => None,
    };
    if !text.len().is_multiple_of(2) {
        return None;
    }
    text.as_bytes().chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boundaries_between_parts_count() {
        assert_ne!(Digest::of(Domain::Leaf, &[b"ab", b"c"]), Digest::of(Domain::Leaf, &[b"a", b"bc"]));
        assert_ne!(Digest::of(Domain::Leaf, &[b"a"]), Digest::of(Domain::Batch, &[b"a"]));
    }

    #[test]
    fn small_and_large_inputs_are_framed_alike() {
        for length in [0, 1, 500, SMALL - 40, SMALL - 30, SMALL, SMALL + 1, 3 * SMALL] {
            let part = vec![7u8; length];
            let mut framed = Vec::new();
            frame(Domain::Leaf, &[&part, b"x"], |bytes| framed.extend_from_slice(bytes));
            assert_eq!(framed.len(), framed_length(Domain::Leaf, &[&part, b"x"]));
            assert_eq!(Digest::of(Domain::Leaf, &[&part, b"x"]).0, *blake3::hash(&framed).as_bytes());
            let expected = blake3::keyed_hash(&[9; 32], &framed);
            assert_eq!(keyed(&[9; 32], Domain::Leaf, &[&part, b"x"]).0, *expected.as_bytes());
        }
    }

    #[test]
    fn a_list_of_digests_is_so_many_parts() {
        for (first, count) in [(0, 0), (60, 1), (60, 21), (60, 32), (900, 4), (10, 60), (5_000, 2), (60, 500)] {
            let (first, digests) = (vec![3; first], vec![Digest([5; 32]); count]);
            let mut parts: Vec<&[u8]> = vec![&first];
            parts.extend(digests.iter().map(|digest| digest.0.as_slice()));
            let listed = Digest::of_list(Domain::RecordRoot, &first, &digests);
            assert_eq!(listed, Digest::of(Domain::RecordRoot, &parts), "{count} after {}", first.len());
        }
    }

    #[test]
    fn hexadecimal_is_a_bijection() {
        assert_eq!(unhex(&hex(&[0, 1, 254, 255])), Some(vec![0, 1, 254, 255]));
        assert_eq!(unhex("0G"), None);
        assert_eq!(unhex("0"), None);
    }
}
