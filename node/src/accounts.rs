//! Business reconciliation, as this node keeps it up: in memory, from the records that are stored; and what people decided, which is durable.
//!
//! Not here: what differs ([`luxor_protocol::accounting`]), and reading records (driver).

use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use luxor_protocol::accounting::{Books, Rules};
use luxor_protocol::names::Territory;

use crate::store::{BooksRow, Store, StoreError};

/// What is kept up, guarded.
#[derive(Debug)]
pub struct Accounts {
    kept: RwLock<Kept>,
    /// Held by whoever writes a row of the store.
    writing: Mutex<()>,
}

/// What is kept up.
#[derive(Debug)]
pub struct Kept {
    /// The books.
    pub books: Books,
    /// Everything that was stored at the start was read.
    pub read: bool,
    /// The next entry of the log.
    pub followed: u64,
}

impl Accounts {
    /// What people decided before; no record is read yet.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open(store: &Store, rules: Rules, home: Option<Territory>) -> Result<Self, StoreError> {
        let mut books = Books::new(rules, home);
        for row in store.books()? {
            match row {
                BooksRow::Decided(key, decision) => books.decide(key, *decision),
                BooksRow::Closed(closed) => books.was_closed(closed),
                BooksRow::Statement(entries) => drop(books.paid(&entries)),
                // What was a list once is one.
                BooksRow::List(account, period, items) => drop(books.was_listed(&account, period, &items)),
            }
        }
        Ok(Self { kept: RwLock::new(Kept { books, read: false, followed: 0 }), writing: Mutex::default() })
    }

    /// To look at.
    pub fn read(&self) -> RwLockReadGuard<'_, Kept> {
        // What is changed under the lock is whole.
        self.kept.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// To change.
    pub fn write(&self) -> RwLockWriteGuard<'_, Kept> {
        self.kept.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// To write a row of the store, one at a time.
    pub fn writing(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
