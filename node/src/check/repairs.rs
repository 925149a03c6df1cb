//! The repair queue: each row opens, says of itself what its key says, and has the content that it must have.

use super::Check;
use super::report::KEEP;
use crate::store::{Family, RepairKey, RepairRow, Under};

impl Check<'_> {
    /// Reads every row.
    pub(super) fn repairs(&mut self) {
        self.notes.kinds(&["refused records"]);
        let store = self.store.clone();
        let mut rows = store.scan::<RepairKey>(Family::Repairs);
        for (key, bytes) in rows.by_ref() {
            let what = refused(&key);
            let opened = store.open_repair(&key, &bytes);
            let row = opened.as_ref().ok().map(|(_, row)| row.clone());
            let opened = opened.map(|(key, _)| (key, Vec::new()));
            if self.take_unsealed(&what, Under::Repair, &key.bytes(), &bytes, opened).is_none() {
                continue;
            }
            let Some(row) = row else { continue };
            match wrong(&key, &row) {
                None => self.notes.checked("refused records"),
                Some(why) => self.notes.finding(what, why, KEEP),
            }
        }
        self.notes.faults(Family::Repairs, &mut rows);
    }
}

/// What a row says against itself.
fn wrong(key: &RepairKey, row: &RepairRow) -> Option<String> {
    let content = match row.content() {
        Ok(content) => content,
        Err(error) => return Some(error.to_string()),
    };
    if key.settled != row.settled.is_some() {
        return Some("its key and it do not agree on whether it waits".into());
    }
    if key.dispatch.is_some() != row.root.is_some() {
        return Some("its key and it do not agree on whether it was sent".into());
    }
    if !key.settled && content.is_none() && row.root.is_none() {
        return Some("it has no content".into());
    }
    let table = content.as_ref().map(|content| (content.table().name, content.table().version));
    let other = table.is_some_and(|table| table != (row.type_name.as_str(), row.version));
    other.then(|| format!("it is no {} version {}", row.type_name, row.version))
}

/// A refused record in words.
pub(super) fn refused(key: &RepairKey) -> String {
    let attempt = &key.attempt;
    let state = if key.settled { "settled" } else { "waiting" };
    let by =
        key.dispatch.as_ref().map(|(channel, number)| format!(", number {number} of {channel}")).unwrap_or_default();
    format!("{state} record {} of chunk {} of submission {}{by}", attempt.position, attempt.chunk, attempt.submission)
}
