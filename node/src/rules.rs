//! Dated rules that records are judged by: what is built in, and what the operator's files add.
//!
//! Not here: the rules themselves ([`luxor_protocol::reference`], [`luxor_protocol::life::Rules`]), and what is done with a finding.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use luxor_protocol::accounting;
use luxor_protocol::life::{self, RulesError};
use luxor_protocol::limits::MAX_BOOK_BYTES;
use luxor_protocol::quality::{Checker, Finding, Handed, Recent};
use luxor_protocol::record::{Content, TypeTable};
use luxor_protocol::reference::{BookError, RuleBook};
use luxor_protocol::time::Day;

use crate::config::{OnError, RulesSection};
use crate::folder::Folder;

/// Why the rules were refused.
#[derive(Debug, thiserror::Error)]
pub enum NodeRulesError {
    /// A file cannot be read.
    #[error("[rules] {}: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// Deadlines and controls.
    #[error("[rules] life = {}: {error}", path.display())]
    Life {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: RulesError,
    },
    /// Terms and tolerances.
    #[error("[rules] accounting = {}: {error}", path.display())]
    Accounting {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: accounting::RulesError,
    },
    /// Lists and rules of quality.
    #[error("[rules] quality = {}: {error}", path.display())]
    Quality {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: BookError,
    },
}

/// Days within which the same reference, or the same item under another, is a repetition.
const WINDOW_DAYS: u32 = 30;

/// Everything that records are judged by.
#[derive(Debug)]
pub struct Rules {
    /// Deadlines of filings and controls of agencies.
    pub life: life::Rules,
    /// Terms and tolerances of business reconciliation.
    pub accounting: accounting::Rules,
    /// The operator named a file of them: books are kept from the start on.
    pub accounts_wanted: bool,
    /// Lists and rules of quality.
    book: Arc<RuleBook>,
    /// Made ready for the type tables that came so far; there are few.
    checkers: Mutex<BTreeMap<(&'static str, u64), Arc<Checker>>>,
    /// What becomes of own records with an error.
    pub own: OnError,
    /// What becomes of others' records with an error.
    pub others: OnError,
    /// Own records that were handed in since this process began, to find what is filed twice.
    recent: Mutex<Recent>,
}

impl Rules {
    /// Reads what the configuration names; paths are of the node's folder.
    ///
    /// # Errors
    /// [`NodeRulesError`].
    pub fn read(folder: &Folder, section: &RulesSection) -> Result<Self, NodeRulesError> {
        let built_in = |path: &str| PathBuf::from(format!("(built in: {path})"));
        let text = |folder: &Folder, path: &PathBuf| {
            text(folder, path).map_err(|error| NodeRulesError::Read { path: path.clone(), error })
        };
        let life = match &section.life {
            Some(path) => {
                let text = text(folder, path)?;
                life::Rules::from_toml(&text).map_err(|error| NodeRulesError::Life { path: path.clone(), error })?
            }
            None => {
                life::Rules::sample().map_err(|error| NodeRulesError::Life { path: built_in("deadlines"), error })?
            }
        };
        let failed = |path: &Path, error| NodeRulesError::Accounting { path: path.to_owned(), error };
        let accounting = match &section.accounting {
            Some(path) => {
                let text = text(folder, path)?;
                accounting::Rules::from_toml(&text).map_err(|error| failed(path, error))?
            }
            None => accounting::Rules::sample().map_err(|error| failed(&built_in("terms"), error))?,
        };
        let quality = |path: &Path, error| NodeRulesError::Quality { path: path.to_owned(), error };
        let book = RuleBook::builtin().map_err(|error| quality(&built_in("lists"), error))?;
        let book = match &section.quality {
            Some(path) => book.with(&text(folder, path)?).map_err(|error| quality(path, error))?,
            None => book,
        };
        let recent = Mutex::new(Recent::new(section.remembered.0, WINDOW_DAYS));
        let (book, checkers) = (Arc::new(book), Mutex::default());
        Ok(Self {
            life,
            accounting,
            accounts_wanted: section.accounting.is_some(),
            book,
            checkers,
            own: section.own,
            others: section.others,
            recent,
        })
    }

    /// What an own record repeats of those handed in shortly before.
    pub fn repeated(&self, content: &Content, day: Day, handed: Handed) -> Vec<Finding> {
        // What is remembered is whole, whoever panicked since.
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.check("", content, &self.book, day, handed)
    }

    /// The rules of quality for one type table, made when they are asked for first.
    pub fn checker(&self, table: &'static TypeTable) -> Arc<Checker> {
        // A checker that is in the map is whole, whoever panicked since.
        let mut checkers = self.checkers.lock().unwrap_or_else(PoisonError::into_inner);
        let made =
            checkers.entry((table.name, table.version)).or_insert_with(|| Arc::new(Checker::new(table, &self.book)));
        Arc::clone(made)
    }
}

/// The text of a file in the node's folder, at most [`MAX_BOOK_BYTES`] of it.
pub(crate) fn text(folder: &Folder, path: &Path) -> std::io::Result<String> {
    let file = folder.path().join(path);
    let length = std::fs::metadata(&file)?.len();
    if length > MAX_BOOK_BYTES as u64 {
        return Err(std::io::Error::other(format!("{length} bytes, more than {MAX_BOOK_BYTES}")));
    }
    std::fs::read_to_string(file)
}
