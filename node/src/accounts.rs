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
}

impl Accounts {
    /// What people decided before; no record is read yet. `wanted`: it is kept up whether or not anybody decided or asks.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open(store: &Store, rules: Rules, home: Option<Territory>, wanted: bool) -> Result<Self, StoreError> {
        let mut books = Books::new(rules, home);
        let rows = store.books()?;
        let wanted = wanted || !rows.is_empty();
        for row in rows {
            match row {
                BooksRow::Decided(key, decision) => books.decide(key, *decision),
                BooksRow::Closed(closed) => books.was_closed(closed),
                BooksRow::Statement(entries) => drop(books.paid(&entries)),
                // What was a list once is one.
                BooksRow::List(account, period, items) => drop(books.was_listed(&account, period, &items)),
            }
        }
        Ok(Self {
            kept: Mutex::new(Kept { books, followed: 0 }),
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
