//! What happened at the desk of screening, row by row, and how far the log is screened.
//!
//! Not here: what rows mean ([`luxor_protocol::threats::Desk`]).

use luxor_protocol::threats::DeskRow;
use rocksdb::{IteratorMode, WriteBatch};

use super::columns::cf;
use super::journal::{self, number_of};
use super::open::{Store, StoreError};

/// What this journal is called in checksums.
const JOURNAL: &[u8] = b"desk";
/// For messages.
const WHAT: &str = "a row of the desk";
/// Where it stands how far the log is screened.
const FOLLOWED: u64 = u64::MAX;

/// A row of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeskKept {
    /// What happened.
    Row(Box<DeskRow>),
    /// The next entry of the log that is to be screened.
    Followed(u64),
}

/// Everything that is kept of a desk.
#[derive(Debug, Default)]
pub struct DeskRows {
    /// What happened, in order.
    pub rows: Vec<DeskRow>,
    /// The number of the next row.
    pub next: u64,
    /// The next entry of the log; none where nothing was screened yet.
    pub followed: Option<u64>,
}

impl Store {
    /// Everything that is kept.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn desk(&self) -> Result<DeskRows, StoreError> {
        let mut all = DeskRows::default();
        for row in self.db.iterator_cf(self.cf(cf::DESK), IteratorMode::Start) {
            let (key, bytes) = row?;
            let number = number_of(WHAT, &key)?;
            match DeskKept::read(number, &bytes).map_err(|error| StoreError::damaged(WHAT, error))? {
                DeskKept::Row(row) => {
                    all.next = number.saturating_add(1);
                    all.rows.push(*row);
                }
                DeskKept::Followed(entry) => all.followed = Some(entry),
            }
        }
        Ok(all)
    }

    /// Keeps rows from a number on, and how far the log is screened, at once and synced. Gives the number behind them.
    ///
    /// # Errors
    /// [`StoreError`]; nothing is kept then.
    pub fn keep_on_desk(&self, from: u64, rows: &[DeskRow], followed: Option<u64>) -> Result<u64, StoreError> {
        let (mut batch, mut number) = (WriteBatch::default(), from);
        for row in rows.iter().filter(|row| row.is_kept()) {
            let encoded = serde_json::to_vec(row).map_err(|error| StoreError::damaged(WHAT, error))?;
            batch.put_cf(self.cf(cf::DESK), number.to_be_bytes(), journal::stored(JOURNAL, number, &encoded));
            number += 1;
        }
        if let Some(entry) = followed {
            let stored = journal::stored(JOURNAL, FOLLOWED, &entry.to_be_bytes());
            batch.put_cf(self.cf(cf::DESK), FOLLOWED.to_be_bytes(), stored);
        }
        // How far the log is screened alone may be lost: it is screened again then, and comes to the same.
        match number == from {
            true => self.db.write(batch)?,
            false => self.write_synced(batch)?,
        }
        Ok(number)
    }

    /// Takes rows away that tell of nothing any more, all at once: what is left of a proposal or an order must not look like another. Gives
    /// how many went.
    ///
    /// # Errors
    /// [`StoreError`]; nothing is gone then.
    pub fn thin_desk(&self, tells: impl Fn(&DeskRow) -> bool) -> Result<usize, StoreError> {
        let mut batch = WriteBatch::default();
        for row in self.db.iterator_cf(self.cf(cf::DESK), IteratorMode::Start) {
            let (key, bytes) = row?;
            let read = DeskKept::read(number_of(WHAT, &key)?, &bytes);
            match read.map_err(|error| StoreError::damaged(WHAT, error))? {
                DeskKept::Row(row) if !tells(&row) => batch.delete_cf(self.cf(cf::DESK), key),
                _ => {}
            }
        }
        let gone = batch.len();
        self.db.write(batch)?;
        Ok(gone)
    }
}

impl DeskKept {
    /// What stands at a number.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(number: u64, bytes: &[u8]) -> Result<Self, String> {
        let encoded = journal::read(JOURNAL, number, bytes)?;
        match number {
            FOLLOWED => {
                let entry = encoded.try_into().map_err(|_| "not the number of an entry")?;
                Ok(Self::Followed(u64::from_be_bytes(entry)))
            }
            _ => Ok(Self::Row(serde_json::from_slice(encoded).map_err(|error| error.to_string())?)),
        }
    }
}

#[cfg(test)]
mod tests {
    use luxor_protocol::hash::Digest;
    use luxor_protocol::threats::{Found, Source};

    use super::*;
    use crate::store::StoreConfig;

    #[test]
    fn what_tells_of_nothing_goes_and_the_rest_stays_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let open = || {
            let me = "a/n1".parse().unwrap();
            Store::open(folder.path(), StoreConfig::default(), &Digest::ZERO, &me, folder.path()).unwrap()
        };
        let inspected = |of: u8| DeskRow::Inspected { root: Digest([of; 32]), found: Found::Nothing };
        let aside = DeskRow::Aside(Source::Rule("inspect".into()));
        let store = open();
        let next = store.keep_on_desk(0, &[inspected(1), aside.clone(), inspected(2)], Some(7)).unwrap();
        assert_eq!(store.thin_desk(|row| *row != inspected(1)).unwrap(), 1);
        assert_eq!(store.thin_desk(|row| *row != inspected(1)).unwrap(), 0);
        drop(store);
        let kept = open().desk().unwrap();
        assert_eq!((kept.rows, kept.next, kept.followed), (vec![aside, inspected(2)], next, Some(7)));
    }
}
