//! Holds: what may not be erased, neither by its date nor by order, and on what ground. Each is under a data key of its own, which goes when
//! the hold ends.

use luxor_protocol::cbor::{CborError, Decode, Encode, Reader, Writer};
use luxor_protocol::hash::Digest;
use luxor_protocol::names::Slug;
use luxor_protocol::record::{Names, party_name};
use luxor_protocol::time::Day;
use rocksdb::IteratorMode;

use super::columns::{Under, cf, sealed_for};
use super::erase::Item;
use super::open::{Store, StoreError, decode};
use crate::keyring::{Bucket, KeyringError, Kind, Opened, Sealed};

/// Bytes of what is held, and of a ground.
const MAX_WORDS: usize = 2_000;

/// What a hold is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// Records with this reference: its own, or of an item, order, unit of transport, referral or filing.
    Item(String),
    /// Everything under this agreement.
    Agreement(Slug, Digest),
    /// Records that name this party.
    Party(String),
}

/// A hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldRow {
    /// What it is on.
    pub held: Held,
    /// Why, in words.
    pub ground: String,
    /// Since when.
    pub since: Day,
}

impl HoldRow {
    /// Whether it keeps a record.
    pub fn keeps(&self, item: &Item<'_>) -> bool {
        !matches!(self.held, Held::Agreement(..)) && self.keeps_names(&item.names())
    }

    /// Whether it keeps a record that is found by these names.
    pub fn keeps_names(&self, names: &Names) -> bool {
        match &self.held {
            Held::Item(id) => names.has_reference(id),
            Held::Party(party) => names.parties.contains(&party_name(party)),
            Held::Agreement(..) => false,
        }
    }

    /// Whether it keeps everything under an agreement.
    pub fn keeps_agreement(&self, agreement: &Digest) -> bool {
        matches!(&self.held, Held::Agreement(_, of) if of == agreement)
    }
}

impl Store {
    /// Every hold in force, by its number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn holds(&self) -> Result<Vec<(u64, HoldRow)>, StoreError> {
        let mut holds = Vec::new();
        for item in self.db.iterator_cf(self.cf(cf::HOLDS), IteratorMode::Start) {
            let (key, bytes) = item?;
            let damaged = || StoreError::damaged("a hold", "unreadable key");
            let hold = u64::from_be_bytes(key.as_ref().try_into().map_err(|_| damaged())?);
            let (_, row) = self.unseal_hold(hold, &bytes)?;
            holds.push((hold, decode("a hold", &row)?));
        }
        Ok(holds)
    }

    /// Opens the bytes of a hold.
    ///
    /// # Errors
    /// As [`Store::unseal_of`].
    pub fn unseal_hold(&self, hold: u64, bytes: &[u8]) -> Result<Opened, StoreError> {
        self.unseal(Under::Hold, &hold.to_be_bytes(), bytes, || format!("hold {hold}"))
    }

    /// Encrypts a hold under a key of its own.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub fn seal_hold(&self, hold: u64, row: &HoldRow) -> Result<Sealed, KeyringError> {
        let mut agreement = Digest::ZERO;
        agreement.0[..8].copy_from_slice(&hold.to_be_bytes());
        let key = self.keyring.current(&Bucket { kind: Kind::Holds, agreement, day: row.since })?;
        key.seal(&sealed_for(Under::Hold, &hold.to_be_bytes()), &row.to_cbor())
    }

    /// The number of the data key that a hold is under.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn key_of_hold(&self, hold: u64) -> Result<Option<u64>, StoreError> {
        Ok(self.get(cf::HOLDS, &hold.to_be_bytes())?.and_then(|bytes| crate::keyring::key_of(&bytes)))
    }
}

impl Encode for HoldRow {
    fn encode(&self, writer: &mut Writer) {
        writer.array(5);
        let (kind, text, digest) = match &self.held {
            Held::Item(id) => (1, id.as_str(), None),
            Held::Agreement(id, digest) => (2, id.as_str(), Some(digest)),
            Held::Party(name) => (3, name.as_str(), None),
        };
        writer.uint(kind);
        writer.text(text);
        match digest {
            Some(digest) => digest.encode(writer),
            None => writer.null(),
        }
        writer.text(&self.ground);
        self.since.encode(writer);
    }
}

impl Decode for HoldRow {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        let start = reader.position();
        reader.tuple(5)?;
        let (kind, text) = (reader.uint()?, reader.text(MAX_WORDS)?.to_owned());
        let digest = if reader.null()? { None } else { Some(Digest::decode(reader)?) };
        let held = match (kind, digest) {
            (1, None) => Held::Item(text),
            (2, Some(digest)) => {
                Held::Agreement(text.parse().map_err(|_| reader.refuse(start, "no agreement's name"))?, digest)
            }
            (3, None) => Held::Party(text),
            _ => return Err(reader.refuse(start, "no hold")),
        };
        let row = Self { held, ground: reader.text(MAX_WORDS)?.to_owned(), since: Day::decode(reader)? };
        reader.leave();
        Ok(row)
    }
}
