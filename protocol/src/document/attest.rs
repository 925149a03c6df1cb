//! The keys on a card with which its member signs attestations about traders, with the days on which it signs with each.

use super::Card;
use crate::cbor::{CborError, Decode, Encode, Reader, Writer};
use crate::credential::AttestPublic;
use crate::limits::{CREDENTIAL_LEEWAY_SECONDS, MAX_ATTEST_KEYS};
use crate::time::{Day, Millis};

/// A key that signs attestations and status lists (ES256 or EdDSA; its `kid` is its thumbprint, RFC 7638).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttestCardKey {
    /// The key.
    pub key: AttestPublic,
    /// The first day on which the member signs with it.
    pub from: Day,
    /// The last one, once it is known.
    pub until: Option<Day>,
}

impl AttestCardKey {
    /// Whether what is signed with it on a day counts.
    pub fn covers(&self, day: Day) -> bool {
        self.from <= day && self.until.is_none_or(|until| day <= until)
    }

    /// Whether what is signed with it in a second (since 1970) counts; a key that begins today signs for clocks that differ.
    pub fn signs_at(&self, seconds: u64) -> bool {
        let near = [seconds, seconds.saturating_add(CREDENTIAL_LEEWAY_SECONDS)];
        near.into_iter().any(|at| self.covers(Millis(at.saturating_mul(1_000)).day()))
    }
}

impl Card {
    /// The key of this thumbprint, as a token's `kid` names it.
    pub fn attest_key(&self, thumbprint: &str) -> Option<&AttestCardKey> {
        self.attest.iter().find(|row| row.key.thumbprint() == thumbprint)
    }

    pub(super) fn check_attest(&self) -> Result<(), &'static str> {
        if self.attest.len() > MAX_ATTEST_KEYS {
            return Err("more than 16 keys sign attestations");
        }
        if !self.attest.windows(2).all(|w| w[0].key.bytes() < w[1].key.bytes()) {
            return Err("keys that sign attestations are not ordered by their bytes, each once");
        }
        if self.attest.iter().any(|row| row.until.is_some_and(|until| until < row.from)) {
            return Err("a key that signs attestations ends before it begins");
        }
        Ok(())
    }
}

impl Encode for AttestCardKey {
    fn encode(&self, writer: &mut Writer) {
        writer.array(3);
        self.key.encode(writer);
        self.from.encode(writer);
        match &self.until {
            None => writer.null(),
            Some(day) => day.encode(writer),
        }
    }
}

impl Decode for AttestCardKey {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.tuple(3)?;
        let key = AttestPublic::decode(reader)?;
        let from = Day::decode(reader)?;
        let until = if reader.null()? { None } else { Some(Day::decode(reader)?) };
        reader.leave();
        Ok(Self { key, from, until })
    }
}
