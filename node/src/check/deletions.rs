//! Words that something is erased: those owed belong to an `erased` entry, those given hold under the recipient's key.

use luxor_protocol::cbor::Decode as _;
use luxor_protocol::exchange::{EntryKind, read_deletion};

use super::Check;
use super::report::{KEEP, RESTORE, entry, numbered};
use crate::store::{DeletedRow, DeletionKey, Family};

impl Check<'_> {
    pub(super) fn deletions(&mut self) {
        self.notes.kinds(&["deletion receipts"]);
        let store = self.store.clone();
        let mut rows = store.scan::<DeletionKey>(Family::Deletions);
        for (key, value) in rows.by_ref() {
            let what = name(&key);
            let fault = match &key {
                DeletionKey::Owed(channel, index) => match self.opened(*index) {
                    _ if !value.is_empty() => Some("it holds bytes where there are none".to_owned()),
                    Some(opened)
                        if opened.skeleton.kind == EntryKind::Erased && opened.skeleton.channel == *channel =>
                    {
                        None
                    }
                    // A damaged opening was told where the log is checked.
                    None if *index < self.notes.report.entries => None,
                    _ => Some(format!("{} is no erased entry about it", entry(*index))),
                },
                DeletionKey::Word(channel, index) => self.card(&channel.recipient).and_then(|recipient| {
                    match read_deletion(&recipient, &self.me, &value) {
                        Ok(told) if told.index == *index && told.skeleton.channel == *channel => None,
                        Ok(_) => Some("it is about something else".to_owned()),
                        Err(error) => Some(error.to_string()),
                    }
                }),
                DeletionKey::Dispatch(of, index) => {
                    let word = store.look(Family::Deletions, &DeletionKey::Word(of.channel.clone(), *index));
                    let word = self.notes.read(&what, word);
                    let recipient = self.card(&of.channel.recipient);
                    let told = word.zip(recipient).map(|(word, node)| read_deletion(&node, &self.me, &word));
                    match (DeletedRow::from_cbor(&value), told) {
                        (Err(error), _) => Some(error.to_string()),
                        (Ok(_), None) => Some("no deletion receipt says so".to_owned()),
                        (Ok(row), Some(Ok(told))) => {
                            let said = |row: &DeletedRow| {
                                row.on == told.body.on
                                    && told.body.erased.iter().any(|named| named.places == row.places)
                            };
                            (!said(&row)).then(|| "the deletion receipt says something else".to_owned())
                        }
                        // The word itself has its finding.
                        (Ok(_), Some(Err(_))) => None,
                    }
                }
            };
            match fault {
                None => self.notes.checked("deletion receipts"),
                Some(why) => {
                    let hint = if matches!(key, DeletionKey::Word(..)) { RESTORE } else { KEEP };
                    self.notes.finding(what, why, hint);
                }
            }
        }
        self.notes.faults(Family::Deletions, &mut rows);
    }
}

fn name(key: &DeletionKey) -> String {
    match key {
        DeletionKey::Owed(channel, index) => format!("deletion receipt owed in {channel}, entry {index}"),
        DeletionKey::Word(channel, index) => format!("deletion receipt in {channel}, entry {index}"),
        DeletionKey::Dispatch(of, index) => {
            format!("what the deletion receipt of entry {index} says of {}", numbered(of))
        }
    }
}
