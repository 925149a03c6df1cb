//! The desk of screening, as this node keeps it: in memory, from rows that are durable; and who its officers are.
//!
//! Not here: what is proposed and decided ([`luxor_protocol::threats::Desk`]), and reading records (driver).

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use luxor_protocol::keys::{KeyError, KeyUse, PublicKey};
use luxor_protocol::limits::{MAX_OFFICERS, MAX_ORDER_CHARS};
use luxor_protocol::names::Purpose;
use luxor_protocol::threats::{Desk, DeskRow, Policy, ScreeningRules, ScreeningRulesError};
use serde::Deserialize;

use crate::config::ScreeningSection;
use crate::folder::Folder;
use crate::rules::text;
use crate::store::{Store, StoreError};

/// Why the desk was not opened.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// A file cannot be read.
    #[error("[screening] {}: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// The rules.
    #[error("[screening] rules = {}: {error}", path.display())]
    Rules {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: ScreeningRulesError,
    },
    /// The officers.
    #[error("[screening] officers = {}: {what}", path.display())]
    Officers {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Somebody who decides about proposals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Officer {
    /// A name that orders and reports give.
    pub name: String,
    /// The key with which orders are signed.
    pub key: PublicKey,
}

/// What the operator set.
#[derive(Debug)]
pub struct Settings {
    /// Whether anything is screened.
    pub on: bool,
    /// Views that came for other purposes are not looked at.
    pub purposes: Vec<Purpose>,
    /// Types of records that are screened.
    pub types: Vec<String>,
    /// Days whose records a new indicator is held against.
    pub look_back_days: u64,
    /// Days after which what is over is forgotten.
    pub keep_days: u64,
    /// Days within which a platform answers an indicator of this member.
    pub answer_days: u64,
    /// Who decides.
    pub officers: Vec<Officer>,
}

/// The desk, guarded.
#[derive(Debug)]
pub struct Screening {
    /// What the operator set.
    pub settings: Settings,
    /// The next entry of the log when the process began; none where nothing was ever screened.
    pub begins: Option<u64>,
    desk: RwLock<Desk>,
    /// The number of the next row; held by whoever writes rows.
    next: Mutex<u64>,
    told: Mutex<Told>,
    /// Held by whoever carries an order out.
    pub carrying: tokio::sync::Mutex<()>,
}

/// How far screening is, for people.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// The next entry of the log; none while what is stored is being read.
    pub followed: Option<u64>,
    /// Entries behind, whose records new indicators are still held against.
    pub looking_back: u64,
    /// Records that were screened since the process began.
    pub screened: u64,
    /// Indicators that could not be taken, and the last reason.
    pub refused: u64,
    /// The last reason.
    pub refusal: Option<String>,
    /// Records that officers ordered to be sent and that nobody gets.
    pub unsent: u64,
}

impl Screening {
    /// The desk as it was left.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn open(store: &Store, folder: &Folder, section: &ScreeningSection) -> Result<Self, DeskError> {
        let read = |path: &Path| text(folder, path).map_err(|error| DeskError::Read { path: path.to_owned(), error });
        let rules = match &section.rules {
            Some(path) => (path.clone(), ScreeningRules::from_toml(&read(path)?)),
            None => (PathBuf::from("(built in)"), ScreeningRules::sample()),
        };
        let (path, rules) = rules;
        let rules = rules.map_err(|error| DeskError::Rules { path, error })?;
        let officers = match &section.officers {
            Some(path) => officers(&read(path)?).map_err(|what| DeskError::Officers { path: path.clone(), what })?,
            None => Vec::new(),
        };
        let policy = Policy { two_for: section.two_officers_for.clone(), mass_from: section.mass_from };
        let mut desk = Desk::new(rules, policy);
        let kept = store.desk()?;
        kept.rows.into_iter().for_each(|row| desk.apply(row));
        let settings = Settings {
            on: section.on,
            purposes: section.purposes.clone(),
            types: section.types.clone(),
            look_back_days: section.look_back_days,
            keep_days: section.keep_days,
            answer_days: section.answer_days,
            officers,
        };
        Ok(Self {
            settings,
            begins: kept.followed,
            desk: RwLock::new(desk),
            next: Mutex::new(kept.next),
            told: Mutex::default(),
            carrying: tokio::sync::Mutex::default(),
        })
    }

    /// To look at.
    pub fn desk(&self) -> RwLockReadGuard<'_, Desk> {
        // What is changed under the lock is whole.
        self.desk.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// To change what is not kept: indicators and what others saw.
    pub fn desk_mut(&self) -> RwLockWriteGuard<'_, Desk> {
        self.desk.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// To decide by what is there, and to write: one at a time.
    pub fn writing(&self) -> Writing<'_> {
        Writing { screening: self, next: self.next.lock().unwrap_or_else(PoisonError::into_inner) }
    }

    /// How far screening is.
    pub fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The officer of this name.
    pub fn officer(&self, name: &str) -> Option<&Officer> {
        self.settings.officers.iter().find(|officer| officer.name == name)
    }
}

/// Whoever holds it is the only one to write rows.
pub struct Writing<'s> {
    screening: &'s Screening,
    next: MutexGuard<'s, u64>,
}

impl Writing<'_> {
    /// Keeps rows, and how far the log is screened; then they count.
    ///
    /// # Errors
    /// [`StoreError`]; nothing is changed then.
    pub fn keep(&mut self, store: &Store, rows: Vec<DeskRow>, followed: Option<u64>) -> Result<(), StoreError> {
        *self.next = store.keep_on_desk(*self.next, &rows, followed)?;
        if !rows.is_empty() {
            let mut desk = self.screening.desk_mut();
            rows.into_iter().for_each(|row| desk.apply(row));
        }
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfficersFile {
    #[serde(default)]
    officer: Vec<OfficerRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfficerRow {
    name: String,
    key: String,
}

/// Reads the file of officers: each name once, each key once.
fn officers(text: &str) -> Result<Vec<Officer>, String> {
    let file: OfficersFile = toml::from_str(text).map_err(|error| error.to_string())?;
    if file.officer.len() > MAX_OFFICERS {
        return Err(format!("{} officers; at most {MAX_OFFICERS}", file.officer.len()));
    }
    let mut all: Vec<Officer> = Vec::new();
    for OfficerRow { name, key } in file.officer {
        if name.trim().is_empty() || name.chars().count() > MAX_ORDER_CHARS {
            return Err("an officer without a name, or with one that is too long".into());
        }
        let key =
            PublicKey::parse(KeyUse::Officer, &key).map_err(|error: KeyError| format!("officer '{name}': {error}"))?;
        if let Some(known) = all.iter().find(|known| known.name == name || known.key == key) {
            return Err(format!("officer '{name}': the name or the key is that of '{}'", known.name));
        }
        all.push(Officer { name, key });
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_officers_share_a_name_or_a_key() {
        let key = |seed| *luxor_protocol::keys::SecretKey::from_seed(KeyUse::Officer, &[seed; 32]).unwrap().public();
        let row =
            |name: &str, key: &dyn std::fmt::Display| format!("[[officer]]\nname = \"{name}\"\nkey = \"{key}\"\n");
        let two = officers(&[row("A", &key(1)), row("B", &key(2))].concat()).unwrap();
        assert_eq!(two.iter().map(|officer| officer.name.as_str()).collect::<Vec<_>>(), ["A", "B"]);
        for wrong in [
            [row("A", &key(1)), row("A", &key(2))].concat(),
            [row("A", &key(1)), row("B", &key(1))].concat(),
            row(" ", &key(1)),
            row("A", &"sign:AAAA"),
            "[[officer]]\nname = \"A\"\n".into(),
        ] {
            assert!(officers(&wrong).is_err(), "{wrong}");
        }
    }
}
