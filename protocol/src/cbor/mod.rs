//! Deterministic CBOR (RFC 8949 section 4.2.1): the only encoder and the only decoder of everything that is signed,
//! hashed or sent.
//!
//! In it: unsigned integers, negative integers, byte strings, text strings, arrays, maps with ascending unsigned keys,
//! `false`, `true` and `null`. Not in it, and refused at their byte: indefinite lengths, tags, floating point, other
//! simple values, integers longer than needed, unsorted or repeated keys, bytes after the end.
//!
//! The reader refuses each non-canonical byte where it stands, so decoding is the inverse of encoding by construction;
//! a property test holds both against each other (`decode` then `encode` gives the same bytes for anything accepted).

mod read;
mod write;

pub use read::{CborError, Reader, Reason};
pub use write::Writer;

/// A value with exactly one byte form.
pub trait Encode {
    /// Appends the value's bytes.
    fn encode(&self, writer: &mut Writer);

    /// The value's bytes.
    fn to_cbor(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        self.encode(&mut writer);
        writer.into_bytes()
    }
}

/// A value that can be read back from its one byte form.
pub trait Decode: Sized {
    /// Reads the value at the reader's position.
    ///
    /// # Errors
    /// [`CborError`] with the offset and reason of the first byte that does not belong there.
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError>;

    /// Reads a value that fills `bytes` exactly.
    ///
    /// # Errors
    /// As [`Decode::decode`], and [`Reason::Trailing`] when bytes are left over.
    fn from_cbor(bytes: &[u8]) -> Result<Self, CborError> {
        let mut reader = Reader::new(bytes);
        let value = Self::decode(&mut reader)?;
        reader.finish()?;
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Any value of the subset, to hold reader and writer against each other.
    #[derive(Debug, Clone, PartialEq)]
    enum Any {
        Uint(u64),
        Int(i64),
        Bytes(Vec<u8>),
        Text(String),
        Bool(bool),
        Null,
        Array(Vec<Any>),
        Map(Vec<(u64, Any)>),
    }

    impl Encode for Any {
        fn encode(&self, w: &mut Writer) {
            match self {
                Any::Uint(n) => w.uint(*n),
                Any::Int(n) => w.int(*n),
                Any::Bytes(b) => w.bytes(b),
                Any::Text(t) => w.text(t),
                Any::Bool(b) => w.bool(*b),
                Any::Null => w.null(),
                Any::Array(items) => {
                    w.array(items.len());
                    items.iter().for_each(|i| i.encode(w));
                }
                Any::Map(items) => {
                    w.map(items.len());
                    for (key, value) in items {
                        w.uint(*key);
                        value.encode(w);
                    }
                }
            }
        }
    }

    impl Decode for Any {
        fn decode(r: &mut Reader<'_>) -> Result<Self, CborError> {
            Ok(match r.peek_major()? {
                0 => Any::Uint(r.uint()?),
                1 => Any::Int(r.int()?),
                2 => Any::Bytes(r.bytes(usize::MAX)?.to_vec()),
                3 => Any::Text(r.text(usize::MAX)?.to_owned()),
                4 => {
                    let n = r.array(64)?;
                    let mut items = Vec::new();
                    for _ in 0..n {
                        items.push(Any::decode(r)?);
                    }
                    r.leave();
                    Any::Array(items)
                }
                5 => {
                    let n = r.map(64)?;
                    let mut items = Vec::new();
                    let mut last = None;
                    for _ in 0..n {
                        let key = r.key(&mut last)?;
                        items.push((key, Any::decode(r)?));
                    }
                    r.leave();
                    Any::Map(items)
                }
                _ => {
                    if r.null()? {
                        Any::Null
                    } else {
                        Any::Bool(r.bool()?)
                    }
                }
            })
        }
    }

    fn item() -> impl Strategy<Value = Any> {
        let leaf = prop_oneof![
            any::<u64>().prop_map(Any::Uint),
            (i64::MIN..0).prop_map(Any::Int),
            proptest::collection::vec(any::<u8>(), 0..40).prop_map(Any::Bytes),
            "\\PC{0,12}".prop_map(Any::Text),
            any::<bool>().prop_map(Any::Bool),
            Just(Any::Null),
        ];
        leaf.prop_recursive(4, 48, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Any::Array),
                proptest::collection::btree_map(any::<u64>(), inner, 0..6)
                    .prop_map(|m| Any::Map(m.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn encoding_is_a_bijection(value in item()) {
            prop_assert_eq!(Any::from_cbor(&value.to_cbor()), Ok(value));
        }

        #[test]
        fn whatever_is_accepted_is_canonical(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(value) = Any::from_cbor(&bytes) {
                prop_assert_eq!(value.to_cbor(), bytes);
            }
        }

        #[test]
        fn a_changed_byte_is_refused_or_another_value(value in item(), at in any::<prop::sample::Index>(), bit in 0u8..8) {
            let bytes = value.to_cbor();
            let mut other = bytes.clone();
            let at = at.index(other.len());
            other[at] ^= 1 << bit;
            if let Ok(read) = Any::from_cbor(&other) {
                prop_assert_ne!(&read, &value);
                prop_assert_eq!(read.to_cbor(), other);
            }
        }
    }

    #[test]
    fn refusals_name_the_byte() {
        let refused = |bytes: &[u8]| Any::from_cbor(bytes).map_err(|e| (e.offset, e.reason));
        assert_eq!(refused(&[0x18, 0x17]), Err((0, Reason::NotShortest)));
        assert_eq!(refused(&[0x82, 0x01, 0x19, 0x00, 0xff]), Err((2, Reason::NotShortest)));
        assert_eq!(refused(&[0x5f, 0x41, 0x00, 0xff]), Err((0, Reason::Indefinite)));
        assert_eq!(refused(&[0xc0, 0x60]), Err((0, Reason::Unsupported)));
        assert_eq!(refused(&[0xf9, 0x00, 0x00]), Err((0, Reason::Unsupported)));
        assert_eq!(refused(&[0xa2, 0x02, 0x01, 0x01, 0x01]), Err((3, Reason::KeyOrder)));
        assert_eq!(refused(&[0xa2, 0x01, 0x01, 0x01, 0x01]), Err((3, Reason::KeyOrder)));
        assert_eq!(refused(&[0x01, 0x01]), Err((1, Reason::Trailing)));
        assert_eq!(refused(&[0x62, 0x61]), Err((0, Reason::Truncated)));
        assert_eq!(refused(&[0x61, 0xff]), Err((0, Reason::Utf8)));
        assert_eq!(refused(&[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), Err((0, Reason::TooMany)));
        assert_eq!(refused(&[0x81; 40]), Err((16, Reason::TooDeep)));
    }
}
