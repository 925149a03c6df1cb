//! A value that changes: each one with the time at which it became known, the newest last, the oldest dropped beyond a bound.

use std::collections::VecDeque;

use super::Refusal;
use crate::time::Millis;

#[derive(Debug, Clone)]
pub(super) struct History<T> {
    items: VecDeque<(Millis, T)>,
    cut: bool,
}

impl<T> Default for History<T> {
    fn default() -> Self {
        Self { items: VecDeque::new(), cut: false }
    }
}

impl<T> History<T> {
    /// Adds what became known; times never run back.
    pub(super) fn push(&mut self, known_at: Millis, value: T, max: usize) {
        if self.items.len() >= max {
            self.items.pop_front();
            self.cut = true;
        }
        self.items.push_back((known_at, value));
    }

    /// What was known at a time, and since when.
    ///
    /// # Errors
    /// [`Refusal::HistoryCut`] where that was dropped.
    pub(super) fn at(&self, at: Millis) -> Result<Option<&(Millis, T)>, Refusal> {
        let after = self.items.partition_point(|(known_at, _)| *known_at <= at);
        match (after.checked_sub(1), self.items.front()) {
            (Some(last), _) => Ok(self.items.get(last)),
            (None, Some((first, _))) if self.cut => Err(Refusal::HistoryCut { before: *first }),
            _ => Ok(None),
        }
    }

    pub(super) fn newest(&self) -> Option<&T> {
        self.items.back().map(|(_, value)| value)
    }
}
