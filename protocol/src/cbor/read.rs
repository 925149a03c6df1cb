//! The decoder: a cursor that refuses the first byte that is not canonical.

use std::ops::Range;

use crate::limits::MAX_DEPTH;

/// Items of a list for which room is made before the first of them was read.
const RESERVED_ITEMS: usize = 64;

/// Why bytes were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// The input ends inside an item.
    #[error("the input ends inside this item")]
    Truncated,
    /// An integer or length is written longer than needed.
    #[error("a number is written longer than needed")]
    NotShortest,
    /// An indefinite-length item.
    #[error("indefinite lengths are not canonical")]
    Indefinite,
    /// A tag, floating point number or simple value.
    #[error("tags, floating point and simple values are not used")]
    Unsupported,
    /// Map keys are not strictly ascending.
    #[error("map keys are not strictly ascending")]
    KeyOrder,
    /// Another kind of item is expected here.
    #[error("expected {0}")]
    Expected(&'static str),
    /// A count or length is above its limit.
    #[error("a count or length is above its limit")]
    TooMany,
    /// Nested deeper than [`MAX_DEPTH`].
    #[error("nested too deeply")]
    TooDeep,
    /// A text string is not UTF-8.
    #[error("text is not UTF-8")]
    Utf8,
    /// Bytes follow the value.
    #[error("bytes follow the value")]
    Trailing,
    /// A record type or version that this software does not know.
    #[error("unknown record type or version")]
    UnknownType,
    /// The item is well-formed but its value is not allowed.
    #[error("{0}")]
    Value(&'static str),
}

/// Bytes that are not the canonical form of what is expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("byte {offset}: {reason}")]
pub struct CborError {
    /// Offset of the first byte of the refused item.
    pub offset: usize,
    /// Why it was refused.
    pub reason: Reason,
}

/// A position in canonical CBOR.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    /// Starts at the first byte.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, depth: 0 }
    }

    /// Offset of the next item.
    pub fn position(&self) -> usize {
        self.at
    }

    /// The bytes from `start` (an earlier [`Reader::position`]) to here.
    pub fn since(&self, start: usize) -> &'a [u8] {
        self.between(start..self.at)
    }

    /// The bytes between two positions.
    pub fn between(&self, place: Range<usize>) -> &'a [u8] {
        self.bytes.get(place).unwrap_or_default()
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// [`Reason::Trailing`] when bytes are left.
    pub fn finish(&self) -> Result<(), CborError> {
        #[cfg(test)]
        assert_eq!(self.depth, 0, "a decoder entered an array or map that it did not leave");
        if self.at == self.bytes.len() { Ok(()) } else { Err(self.error_at(self.at, Reason::Trailing)) }
    }

    /// An error that names the current position, for values that are well-formed but not allowed.
    pub fn refuse(&self, start: usize, what: &'static str) -> CborError {
        self.error_at(start, Reason::Value(what))
    }

    /// The major type (0 to 7) of the next item.
    ///
    /// # Errors
    /// [`Reason::Truncated`] at the end.
    pub fn peek_major(&self) -> Result<u8, CborError> {
        self.bytes.get(self.at).map(|b| b >> 5).ok_or_else(|| self.error_at(self.at, Reason::Truncated))
    }

    /// An unsigned integer.
    ///
    /// # Errors
    /// [`CborError`] when something else stands here.
    #[inline]
    pub fn uint(&mut self) -> Result<u64, CborError> {
        self.head(0, "an unsigned integer").map(|(value, _)| value)
    }

    /// An unsigned integer of at most `max`.
    ///
    /// # Errors
    /// [`CborError`] when something else stands here, [`Reason::TooMany`] above `max`.
    #[inline]
    pub fn uint_max(&mut self, max: u64) -> Result<u64, CborError> {
        let (value, start) = self.head(0, "an unsigned integer")?;
        if value > max { Err(self.error_at(start, Reason::TooMany)) } else { Ok(value) }
    }

    /// A signed integer.
    ///
    /// # Errors
    /// [`CborError`] when something else stands here or it does not fit 64 bits.
    #[inline]
    pub fn int(&mut self) -> Result<i64, CborError> {
        let negative = self.peek_major()? == 1;
        let (value, start) = self.head(u8::from(negative), "an integer")?;
        let value = i64::try_from(value).map_err(|_| self.error_at(start, Reason::Value("integer beyond 64 bits")))?;
        Ok(if negative { !value } else { value })
    }

    /// A byte string of at most `max` bytes.
    ///
    /// # Errors
    /// [`CborError`] when something else stands here or it is longer.
    pub fn bytes(&mut self, max: usize) -> Result<&'a [u8], CborError> {
        let (length, start) = self.head(2, "a byte string")?;
        self.take(length, max, start)
    }

    /// A byte string of exactly `N` bytes.
    ///
    /// # Errors
    /// [`CborError`] when something else stands here.
    pub fn fixed<const N: usize>(&mut self) -> Result<[u8; N], CborError> {
        let start = self.at;
        // Digests, of which a view has some twenty, at once.
        if let Some(found) = self.fixed_here() {
            return Ok(found);
        }
        let bytes = self.bytes(N)?;
        bytes.try_into().map_err(|_| self.error_at(start, Reason::Value("byte string of the wrong length")))
    }

    /// A text string of at most `max` bytes.
    ///
    /// # Errors
    /// [`CborError`] when something else stands here, it is longer, or not UTF-8.
    #[inline]
    pub fn text(&mut self, max: usize) -> Result<&'a str, CborError> {
        let (length, start) = self.head(3, "a text string")?;
        let bytes = self.take(length, max, start)?;
        std::str::from_utf8(bytes).map_err(|_| self.error_at(start, Reason::Utf8))
    }

    /// `false` or `true`.
    ///
    /// # Errors
    /// [`CborError`] when something else stands here.
    pub fn bool(&mut self) -> Result<bool, CborError> {
        match self.bytes.get(self.at) {
            Some(0xf4) => {
                self.at += 1;
                Ok(false)
            }
            Some(0xf5) => {
                self.at += 1;
                Ok(true)
            }
            Some(b) if b >> 5 >= 6 => Err(self.error_at(self.at, Reason::Unsupported)),
            Some(_) => Err(self.error_at(self.at, Reason::Expected("true or false"))),
            None => Err(self.error_at(self.at, Reason::Truncated)),
        }
    }

    /// Takes a `null` if it stands here and tells whether it did.
    ///
    /// # Errors
    /// [`Reason::Truncated`] at the end.
    pub fn null(&mut self) -> Result<bool, CborError> {
        match self.bytes.get(self.at) {
            Some(0xf6) => {
                self.at += 1;
                Ok(true)
            }
            Some(_) => Ok(false),
            None => Err(self.error_at(self.at, Reason::Truncated)),
        }
    }

    /// Enters an array of at most `max` items and returns their number. Pair with [`Reader::leave`].
    ///
    /// # Errors
    /// [`CborError`] when something else stands here, there are more, or it is nested too deeply.
    #[inline]
    pub fn array(&mut self, max: usize) -> Result<usize, CborError> {
        self.enter(4, "an array", max)
    }

    /// Enters an array of exactly `count` items. Pair with [`Reader::leave`].
    ///
    /// # Errors
    /// [`CborError`] when something else stands here.
    pub fn tuple(&mut self, count: usize) -> Result<(), CborError> {
        let start = self.at;
        let found = self.array(count)?;
        if found == count { Ok(()) } else { Err(self.error_at(start, Reason::Value("array of the wrong length"))) }
    }

    /// Enters an array of `count` items, or of one more, and tells whether it has that one. Pair with [`Reader::leave`].
    ///
    /// # Errors
    /// [`CborError`] when something else stands here.
    pub fn tuple_or_longer(&mut self, count: usize) -> Result<bool, CborError> {
        let start = self.at;
        match self.array(count.saturating_add(1))?.checked_sub(count) {
            Some(more) => Ok(more == 1),
            None => Err(self.error_at(start, Reason::Value("array of the wrong length"))),
        }
    }

    /// Enters a map of at most `max` pairs. Read each key with [`Reader::key`]; pair with [`Reader::leave`].
    ///
    /// # Errors
    /// As [`Reader::array`].
    #[inline]
    pub fn map(&mut self, max: usize) -> Result<usize, CborError> {
        self.enter(5, "a map", max)
    }

    /// A map key, which must be above the `last` one.
    ///
    /// # Errors
    /// [`Reason::KeyOrder`] when it is not.
    #[inline]
    pub fn key(&mut self, last: &mut Option<u64>) -> Result<u64, CborError> {
        let start = self.at;
        let key = self.uint()?;
        if last.is_some_and(|last| key <= last) {
            return Err(self.error_at(start, Reason::KeyOrder));
        }
        *last = Some(key);
        Ok(key)
    }

    /// A list of at most `max` items, each as `item` reads it.
    ///
    /// # Errors
    /// [`CborError`] for another kind of item, too many of them, or those of `item`.
    pub fn list<T>(
        &mut self,
        max: usize,
        mut item: impl FnMut(&mut Self) -> Result<T, CborError>,
    ) -> Result<Vec<T>, CborError> {
        let count = self.array(max)?;
        let mut items = Vec::with_capacity(count.min(RESERVED_ITEMS));
        for _ in 0..count {
            items.push(item(self)?);
        }
        self.leave();
        Ok(items)
    }

    /// Leaves an array or map after its last item.
    #[inline]
    pub fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    #[inline]
    fn enter(&mut self, major: u8, expected: &'static str, max: usize) -> Result<usize, CborError> {
        let (count, start) = self.head(major, expected)?;
        if self.depth >= MAX_DEPTH {
            return Err(self.error_at(start, Reason::TooDeep));
        }
        self.depth += 1;
        match usize::try_from(count) {
            Ok(count) if count <= max => Ok(count),
            _ => Err(self.error_at(start, Reason::TooMany)),
        }
    }

    #[inline]
    fn take(&mut self, length: u64, max: usize, start: usize) -> Result<&'a [u8], CborError> {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > max {
            return Err(self.error_at(start, Reason::TooMany));
        }
        let end = self.at.checked_add(length).filter(|end| *end <= self.bytes.len());
        let Some(end) = end else { return Err(self.error_at(start, Reason::Truncated)) };
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    #[inline]
    fn head(&mut self, major: u8, expected: &'static str) -> Result<(u64, usize), CborError> {
        let start = self.at;
        let initial = *self.bytes.get(start).ok_or_else(|| self.error_at(start, Reason::Truncated))?;
        let info = initial & 0x1f;
        match (initial >> 5, info) {
            (6 | 7, _) => return Err(self.error_at(start, Reason::Unsupported)),
            (2..=5, 31) => return Err(self.error_at(start, Reason::Indefinite)),
            (_, 28..=31) => return Err(self.error_at(start, Reason::Unsupported)),
            (found, _) if found != major => return Err(self.error_at(start, Reason::Expected(expected))),
            _ => {}
        }
        self.at += 1;
        if info < 24 {
            return Ok((u64::from(info), start));
        }
        let width = 1usize << (info - 24);
        let Some(digits) = self.bytes.get(self.at..self.at + width) else {
            return Err(self.error_at(start, Reason::Truncated));
        };
        let value = digits.iter().fold(0u64, |value, digit| value << 8 | u64::from(*digit));
        let smallest = if width == 1 { 24 } else { 1u64 << (4 * width) };
        if value < smallest {
            return Err(self.error_at(start, Reason::NotShortest));
        }
        self.at += width;
        Ok((value, start))
    }

    /// A byte string of `N` bytes whose length takes a byte of its own, if that stands here.
    fn fixed_here<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.bytes.get(self.at..)?.split_first_chunk::<2>()?;
        let found = rest.first_chunk::<N>().filter(|_| *head == [0x58, N as u8] && (24..256).contains(&N))?;
        self.at += 2 + N;
        Some(*found)
    }

    fn error_at(&self, offset: usize, reason: Reason) -> CborError {
        CborError { offset, reason }
    }
}
