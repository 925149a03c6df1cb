//! The encoder: appends canonical items to a byte vector.

use super::Encode;

/// Writes canonical CBOR. The caller announces how many items follow an array or map header.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// An empty writer.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty writer with room for `bytes`.
    pub fn with_capacity(bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes) }
    }

    /// What was written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// The `count` items that were written, as one array.
    pub fn into_array(mut self, count: usize) -> Vec<u8> {
        let mut head = Self::new();
        head.array(count);
        self.bytes.splice(0..0, head.bytes);
        self.bytes
    }

    /// What was written so far.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Forgets what was written and keeps the room for it.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// An unsigned integer.
    pub fn uint(&mut self, value: u64) {
        self.head(0, value);
    }

    /// A signed integer.
    pub fn int(&mut self, value: i64) {
        match u64::try_from(value) {
            Ok(value) => self.head(0, value),
            // -1 - value without overflow: the bitwise complement.
            Err(_) => self.head(1, (!value).cast_unsigned()),
        }
    }

    /// A byte string.
    pub fn bytes(&mut self, value: &[u8]) {
        self.head(2, value.len() as u64);
        self.bytes.extend_from_slice(value);
    }

    /// The head of a byte string of `length` bytes, which follow.
    pub fn bytes_head(&mut self, length: usize) {
        self.head(2, length as u64);
    }

    /// A text string.
    pub fn text(&mut self, value: &str) {
        self.head(3, value.len() as u64);
        self.bytes.extend_from_slice(value.as_bytes());
    }

    /// The head of an array of `count` items, which follow.
    pub fn array(&mut self, count: usize) {
        self.head(4, count as u64);
    }

    /// A list of values.
    pub fn list<T: Encode>(&mut self, items: &[T]) {
        self.array(items.len());
        items.iter().for_each(|item| item.encode(self));
    }

    /// A list of byte strings.
    pub fn bytes_list(&mut self, items: &[Vec<u8>]) {
        self.array(items.len());
        items.iter().for_each(|item| self.bytes(item));
    }

    /// The head of a map of `count` pairs, which follow with ascending unsigned keys.
    pub fn map(&mut self, count: usize) {
        self.head(5, count as u64);
    }

    /// `false` or `true`.
    pub fn bool(&mut self, value: bool) {
        self.bytes.push(if value { 0xf5 } else { 0xf4 });
    }

    /// `null`: an optional value that is not there.
    pub fn null(&mut self) {
        self.bytes.push(0xf6);
    }

    /// Items that were encoded before, verbatim.
    pub fn raw(&mut self, encoded: &[u8]) {
        self.bytes.extend_from_slice(encoded);
    }

    fn head(&mut self, major: u8, value: u64) {
        let major = major << 5;
        if value < 24 {
            self.bytes.push(major | value as u8);
        } else if let Ok(value) = u8::try_from(value) {
            self.bytes.extend_from_slice(&[major | 24, value]);
        } else if let Ok(value) = u16::try_from(value) {
            self.bytes.push(major | 25);
            self.bytes.extend_from_slice(&value.to_be_bytes());
        } else if let Ok(value) = u32::try_from(value) {
            self.bytes.push(major | 26);
            self.bytes.extend_from_slice(&value.to_be_bytes());
        } else {
            self.bytes.push(major | 27);
            self.bytes.extend_from_slice(&value.to_be_bytes());
        }
    }
}
