//! When a log is to be closed by policy: it is told, and people do it (`deploy/OPERATIONS.md`, "Closing a log").
//!
//! The log's age counts from the quorum time of the smallest checkpoint that was kept with one: the log is at least that old. One
//! that never had a quorum has no known age.

use luxor_protocol::time::Millis;
use luxor_protocol::tlog::Note;

use crate::driver::{Shared, now};
use crate::store::StoreError;

/// Bytes of a timestamped Ed25519 cosignature: time and signature (C2SP tlog-cosignature).
const COSIGNATURE_BYTES: usize = 8 + 64;
/// Seconds of a day.
const DAY: u64 = 86_400;

/// The policy; 0 stands for never.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Closing {
    /// Entries from which on the log is to be closed.
    pub entries: u64,
    /// Days of age from which on it is.
    pub days: u64,
}

impl Closing {
    /// Why a log of so many entries, whose first quorum was at `first` (seconds since 1970), is to be closed at `now` (same unit).
    fn reason(self, entries: u64, first: Option<u64>, now: u64) -> Option<String> {
        let hint = "archive it and begin a new one: OPERATIONS, \"Closing a log\"";
        if self.entries > 0 && entries >= self.entries {
            return Some(format!("it has {entries} entries, log.close_entries is {}; {hint}", self.entries));
        }
        let first = first.filter(|_| self.days > 0)?;
        let days = now.saturating_sub(first) / DAY;
        let since = Millis(first.saturating_mul(1_000).min(Millis::MAX.0)).day();
        (days >= self.days).then(|| {
            format!("it was first witnessed on {since}, {days} days ago; log.close_days is {}; {hint}", self.days)
        })
    }
}

/// Why this node's log is to be closed, if it is.
pub(super) fn due(closing: Closing, shared: &Shared, entries: u64) -> Result<Option<String>, StoreError> {
    // Not looked for where nobody asks for it.
    let kept = if closing.days > 0 { shared.store.cosigned_from(0, 1)? } else { Vec::new() };
    let first = kept.first().and_then(|note| cosigned_at(note));
    Ok(closing.reason(entries, first, now().0 / 1_000))
}

/// The latest time in the cosignatures of a kept checkpoint, seconds since 1970. It had a quorum then; whether its witnesses have
/// these keys today does not matter.
fn cosigned_at(note: &[u8]) -> Option<u64> {
    let note = Note::parse(note).ok()?;
    let times = note.signatures.iter().filter(|line| line.signature.len() == COSIGNATURE_BYTES);
    times.filter_map(|line| line.signature.first_chunk::<8>().map(|time| u64::from_be_bytes(*time))).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000;

    #[test]
    fn the_age_is_that_of_the_cosignatures() {
        let log = luxor_protocol::keys::SecretKey::from_seed(luxor_protocol::keys::KeyUse::Log, &[1; 32]).unwrap();
        let checkpoint = luxor_protocol::tlog::Checkpoint::new("log.example", 1, [1; 32]);
        let mut note = checkpoint.sign(log.signing_key()).unwrap();
        assert_eq!(cosigned_at(&note.to_bytes()), None);
        for time in [NOW, NOW - 5] {
            note.cosign(&format!("w{time}"), log.signing_key(), time).unwrap();
        }
        assert_eq!(cosigned_at(&note.to_bytes()), Some(NOW));
    }

    #[test]
    fn a_log_is_to_be_closed_when_it_is_large_or_old_and_never_by_default() {
        let never = Closing::default();
        assert_eq!(never.reason(u64::MAX, Some(0), NOW), None);
        let large = Closing { entries: 1_000, days: 0 };
        assert_eq!(large.reason(999, Some(0), NOW), None);
        assert!(large.reason(1_000, None, NOW).is_some_and(|why| why.starts_with("it has 1000 entries")));
        let old = Closing { entries: 0, days: 365 };
        let first = NOW - 365 * DAY;
        assert_eq!(old.reason(1, Some(first + 1), NOW), None);
        let why = old.reason(1, Some(first), NOW).unwrap_or_default();
        assert!(why.starts_with("it was first witnessed on 2026-01-15, 365 days ago"), "{why}");
        // Of unknown age, or from the future by a clock that was set back.
        assert_eq!(old.reason(u64::MAX, None, NOW), None);
        assert_eq!(old.reason(u64::MAX, Some(NOW + DAY), NOW), None);
    }
}
