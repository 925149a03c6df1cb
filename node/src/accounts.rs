//! Business reconciliation, as this node keeps it up: in memory, from the records that are stored; and what people decided, which is durable.
//!
//! It costs memory for every item and a second look at every record, so it begins where it is wanted: rules are configured, something was
//! decided before, or somebody asks.
//!
//! Not here: what differs ([`luxor_protocol::accounting`]), and reading records (driver).

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use luxor_protocol::accounting::{Books, Rules};
use luxor_protocol::names::Territory;
use luxor_protocol::time::Millis;
use tokio::sync::watch;

use crate::store::{BooksRow, Store, StoreError};

/// How long whoever asks first waits until what is stored is read; then it is to ask again.
const READ_WAIT: Duration = Duration::from_secs(10);

/// What is kept up, guarded.
#[derive(Debug)]
pub struct Accounts {
    kept: Mutex<Kept>,
    /// Held by whoever writes a row of the store.
    writing: Mutex<()>,
    wanted: watch::Sender<bool>,
    read: watch::Sender<bool>,
}

/// What is kept up.
#[derive(Debug)]
pub struct Kept {
    /// The books.
    pub books: Books,
    /// The next entry of the log.
    pub followed: u64,
    /// Closings of months, in order: how many entries the log had, and the latest moment of one until then.
    closings: Vec<(u64, Millis)>,
}

impl Kept {
    /// That a month was closed at a moment at which the log had so many entries.
    pub fn closed_with(&mut self, entries: u64, at: Millis) {
        let latest = self.closings.last().map_or(at, |(_, known)| at.max(*known));
        self.closings.push((entries, latest));
    }

    /// When the record of an entry was lodged, as it counts for months: behind every closing before which it was not in the log. It is
    /// stamped before it is logged, so its own time may be earlier.
    pub fn lodged(&self, entry: u64, at: Millis) -> Millis {
        let before = self.closings.partition_point(|(entries, _)| *entries <= entry);
        let latest = before.checked_sub(1).map(|last| self.closings[last].1);
        latest.map_or(at, |closed| at.max(closed.plus(1)))
    }
}

impl Accounts {
    /// What people decided before; no record is read yet. `wanted`: it is kept up whether or not anybody decided or asks.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open(store: &Store, rules: Rules, home: Option<Territory>, wanted: bool) -> Result<Self, StoreError> {
        let books = Books::new(rules, home);
        let mut kept = Kept { books, followed: 0, closings: Vec::new() };
        let rows = store.books()?;
        let wanted = wanted || !rows.is_empty();
        for row in rows {
            match row {
                BooksRow::Decided(key, decision) => kept.books.decide(key, *decision),
                BooksRow::Closed(closed, entries) => {
                    kept.closed_with(entries, closed.at);
                    kept.books.was_closed(closed);
                }
                BooksRow::Statement(entries) => drop(kept.books.paid(&entries)),
                // What was a list once is one.
                BooksRow::List(account, period, items) => drop(kept.books.was_listed(&account, period, &items)),
            }
        }
        Ok(Self {
            kept: Mutex::new(kept),
            writing: Mutex::default(),
            wanted: watch::Sender::new(wanted),
            read: watch::Sender::new(false),
        })
    }

    /// Comes back once it is to be kept up.
    pub async fn wanted(&self) {
        // The sender is here, so it is never gone.
        let _ = self.wanted.subscribe().wait_for(|wanted| *wanted).await;
    }

    /// Asks that it be kept up, and waits a while until everything that is stored is read.
    pub async fn want(&self) {
        self.wanted.send_replace(true);
        // Without an end in time whoever asked is told that it is still being read.
        let _ = tokio::time::timeout(READ_WAIT, self.read.subscribe().wait_for(|read| *read)).await;
    }

    /// Everything that was stored is read.
    pub fn was_read(&self) {
        self.read.send_if_modified(|read| !std::mem::replace(read, true));
    }

    /// Whether everything that was stored is read.
    pub fn is_read(&self) -> bool {
        *self.read.borrow()
    }

    /// What is kept up.
    pub fn kept(&self) -> MutexGuard<'_, Kept> {
        // What is changed under the lock is whole.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// To write a row of the store, one at a time.
    pub fn writing(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// A record counts before a closing exactly where it was in the log by then, whatever it was stamped with; and its time stays where
        /// nothing was closed before it.
        #[test]
        fn what_the_log_did_not_have_at_a_closing_comes_after_it(
            closings in prop::collection::btree_map(0u64..40, 0u64..100, 0..6),
            entry in 0u64..40,
            at in 0u64..100,
        ) {
            let books = Books::new(Rules::sample().unwrap(), None);
            let mut kept = Kept { books, followed: 0, closings: Vec::new() };
            for (entries, closed) in &closings {
                kept.closed_with(*entries, Millis(*closed));
            }
            let lodged = kept.lodged(entry, Millis(at));
            let behind: Vec<u64> = closings.range(..=entry).map(|(_, closed)| *closed).collect();
            prop_assert!(behind.iter().all(|closed| lodged > Millis(*closed)));
            let latest = behind.iter().max().map_or(at, |closed| at.max(closed + 1));
            prop_assert_eq!(lodged, Millis(latest));
        }
    }
}
