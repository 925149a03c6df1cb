//! What every list and rule tells of itself: its name, its version, where it comes from, and the days on which it holds.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::time::Day;

/// Which list, in which version, a finding rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Its name, such as `territories` or `obligations`.
    pub name: String,
    /// The day or the edition that it is of.
    pub version: String,
    /// Where it comes from, in words.
    pub source: String,
}

impl Listed {
    /// A list of this name, version and source.
    pub fn new(name: &str, version: &str, source: &str) -> Arc<Self> {
        Arc::new(Self { name: name.into(), version: version.into(), source: source.into() })
    }
}

/// The days from the first to the last on which something holds, both among them; without one, without end on that side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Span {
    /// The first day.
    pub from: Option<Day>,
    /// The last day.
    pub until: Option<Day>,
}

impl Span {
    /// Whether it holds on a day.
    pub fn holds(self, day: Day) -> bool {
        self.from.is_none_or(|from| from <= day) && self.until.is_none_or(|until| day <= until)
    }

    /// Whether there is a day on which it holds.
    pub fn possible(self) -> bool {
        !matches!((self.from, self.until), (Some(from), Some(until)) if until < from)
    }
}
