//! What the node keeps one of: whose folder it is, the totals.

use luxor_protocol::api::Traffic;
use luxor_protocol::cbor::Decode;

use super::Check;
use super::report::{KEEP, RESTORE};
use crate::store::{Family, MetaKey, Totals};

impl Check<'_> {
    /// Whose folder it is, and that nothing unknown is kept.
    pub(super) fn state(&mut self) {
        self.notes.kinds(&["node state rows"]);
        let store = self.store.clone();
        let mut rows = store.scan::<MetaKey>(Family::Meta);
        for (key, value) in rows.by_ref() {
            match key {
                MetaKey::Node => {
                    if let Err(why) = self.owner(&value) {
                        self.notes.finding("owner of the folder", why, "give each node its own folder");
                        continue;
                    }
                }
                // The log, the channels and the totals are compared when what they count was read.
                MetaKey::Tree
                | MetaKey::Totals
                | MetaKey::Erased
                | MetaKey::Peers
                | MetaKey::Attached
                | MetaKey::Document(_)
                | MetaKey::Channel(_)
                | MetaKey::Out(_) => continue,
            }
            self.notes.checked("node state rows");
        }
        self.notes.faults(Family::Meta, &mut rows);
        let mut needed = |what: &str, key: MetaKey| {
            if let Ok(None) = store.look(Family::Meta, &key) {
                self.notes.finding(what, "not there", RESTORE);
            }
        };
        needed("owner of the folder", MetaKey::Node);
    }

    /// The totals are those of the rows.
    pub(super) fn totals(&mut self) {
        let what = "totals";
        let found = self.store.look(Family::Meta, &MetaKey::Totals);
        let unreadable = found.is_err();
        let stored = match self.notes.read(what, found) {
            Some(bytes) => match Totals::from_cbor(&bytes) {
                Ok(totals) => totals,
                Err(error) => return self.notes.finding(what, error, KEEP),
            },
            None if unreadable => return,
            None => Totals::default(),
        };
        let mut received = self.received_totals.clone();
        if let Some(received) = &mut received {
            received.add(&self.gone.totals.received);
        }
        let sides = [("sent", stored.sent, self.sent_totals.clone()), ("received", stored.received, received)];
        for (side, stored, counted) in sides {
            match counted {
                None => self.notes.not_checked(format!("totals of dispatches {side}: a row that counts is damaged")),
                Some(counted) if counted == stored => self.notes.checked("node state rows"),
                Some(counted) => {
                    let why = format!("dispatches {side}: {}; the rows give {}", told(&stored), told(&counted));
                    self.notes.finding(what, why, KEEP);
                }
            }
        }
    }

    fn owner(&self, value: &[u8]) -> Result<(), String> {
        let found = std::str::from_utf8(value).map_err(|e| e.to_string())?;
        let expected = match &self.directory {
            Some(directory) => format!("{} of network {}", self.me, directory.network()),
            // The network is named by the charter, which is not there.
            None => {
                return found.starts_with(&format!("{} of network ", self.me)).then_some(()).ok_or(found.to_owned());
            }
        };
        if found == expected { Ok(()) } else { Err(format!("it says {found}; this is {expected}")) }
    }
}

fn told(traffic: &Traffic) -> String {
    let Traffic { dispatches, refused, accepted, rejected, withdrawn } = traffic;
    format!("{dispatches} ({refused} refused, {withdrawn} withdrawn), {accepted} records accepted, {rejected} rejected")
}
