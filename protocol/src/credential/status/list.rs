//! The list itself: statuses side by side in bytes, the first in the lowest bits (section 4.1 of the draft).

use super::StatusError;
use super::pack::{self, Packed};
use crate::limits::MAX_STATUS_LIST_BYTES;

/// How many bits one status has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Bits {
    /// Valid or not.
    One,
    /// Suspended besides.
    Two,
    /// Sixteen statuses.
    Four,
    /// 256 statuses.
    Eight,
}

impl Bits {
    /// All.
    pub const ALL: [Bits; 4] = [Self::One, Self::Two, Self::Four, Self::Eight];

    /// The number.
    pub const fn count(self) -> u8 {
        match self {
            Self::One => 1,
            Self::Two => 2,
            Self::Four => 4,
            Self::Eight => 8,
        }
    }

    const fn mask(self) -> u8 {
        u8::MAX >> (8 - self.count())
    }
}

/// A status (section 7 of the draft).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Valid, 0.
    Valid,
    /// Revoked for good, 1.
    Invalid,
    /// Not valid for now, 2.
    Suspended,
    /// What an application makes of it. From [`Status::from_number`] never one of the above.
    Other(u8),
}

impl Status {
    /// The number in the list.
    pub const fn number(self) -> u8 {
        match self {
            Self::Valid => 0,
            Self::Invalid => 1,
            Self::Suspended => 2,
            Self::Other(number) => number,
        }
    }

    /// The status of a number.
    pub const fn from_number(number: u8) -> Self {
        match number {
            0 => Self::Valid,
            1 => Self::Invalid,
            2 => Self::Suspended,
            other => Self::Other(other),
        }
    }
}

/// A list, with its compressed form kept for the parts that did not change.
#[derive(Debug, Clone)]
pub struct StatusList {
    bits: Bits,
    entries: u64,
    bytes: Vec<u8>,
    packed: Packed,
}

impl PartialEq for StatusList {
    fn eq(&self, other: &Self) -> bool {
        (self.bits, self.entries, &self.bytes) == (other.bits, other.entries, &other.bytes)
    }
}

impl StatusList {
    /// A list of valid ones. Whole bytes are kept, so `entries` goes up to what fills the last one.
    ///
    /// # Errors
    /// [`StatusError::Size`].
    pub fn new(bits: Bits, entries: u64) -> Result<Self, StatusError> {
        let size = entries.div_ceil(u64::from(8 / bits.count()));
        let size = usize::try_from(size).ok().filter(|size| *size <= MAX_STATUS_LIST_BYTES);
        size.map(|size| Self::of(bits, vec![0; size])).ok_or(StatusError::Size(MAX_STATUS_LIST_BYTES))
    }

    /// Opens `lst`: zlib in base64url, at most [`MAX_STATUS_LIST_BYTES`] when opened.
    ///
    /// # Errors
    /// [`StatusError`].
    pub fn open(bits: Bits, lst: &str) -> Result<Self, StatusError> {
        Ok(Self::of(bits, pack::open(lst)?))
    }

    fn of(bits: Bits, bytes: Vec<u8>) -> Self {
        let entries = bytes.len() as u64 * u64::from(8 / bits.count());
        Self { bits, entries, packed: Packed::new(bytes.len()), bytes }
    }

    /// The bits of one status.
    pub fn bits(&self) -> Bits {
        self.bits
    }

    /// How many statuses there are.
    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// The bytes before compression.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The status of number `index`.
    ///
    /// # Errors
    /// [`StatusError::Index`].
    pub fn get(&self, index: u64) -> Result<Status, StatusError> {
        let (at, shift) = self.place(index)?;
        let byte = self.bytes.get(at).copied().unwrap_or_default();
        Ok(Status::from_number(byte >> shift & self.bits.mask()))
    }

    /// Sets the status of number `index`.
    ///
    /// # Errors
    /// [`StatusError::Index`], [`StatusError::Wide`].
    pub fn set(&mut self, index: u64, status: Status) -> Result<(), StatusError> {
        let (status, mask) = (status.number(), self.bits.mask());
        if status > mask {
            return Err(StatusError::Wide { status, bits: self.bits.count() });
        }
        let (at, shift) = self.place(index)?;
        if let Some(byte) = self.bytes.get_mut(at) {
            let changed = *byte & !(mask << shift) | status << shift;
            if changed != *byte {
                *byte = changed;
                self.packed.changed(at);
            }
        }
        Ok(())
    }

    /// The value of `lst`. Only what changed since the last time is compressed again.
    pub fn lst(&mut self) -> String {
        self.packed.write(&self.bytes)
    }

    fn place(&self, index: u64) -> Result<(usize, u8), StatusError> {
        let in_byte = u64::from(8 / self.bits.count());
        // Below 8 by the remainder.
        let shift = (index % in_byte) as u8 * self.bits.count();
        match usize::try_from(index / in_byte) {
            Ok(at) if index < self.entries => Ok((at, shift)),
            _ => Err(StatusError::Index { index, entries: self.entries }),
        }
    }
}
