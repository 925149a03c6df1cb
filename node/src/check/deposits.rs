//! Deposits: what lies here for others against its entries, and receipts for what others keep against own dispatches.

use luxor_protocol::cbor::Decode as _;
use luxor_protocol::exchange::{EntryKind, SentBody, read_deposit, sealed_digest};

use super::report::{KEEP, RESTORE, entry, numbered, opening, sent};
use super::{Check, Opened, key_of, own_channel};
use crate::store::{DepositKey, DispatchKey, Family, GivenRow, KeptRow, RowKey as _, SentRow};

impl Check<'_> {
    /// A `deposited` entry: its row, and what waits under it.
    pub(super) fn deposited_entry(&mut self, index: u64, opened: &Opened) {
        let key = key_of(&opened.skeleton);
        if key.channel.sender == self.me || key.channel.recipient == self.me {
            return self.notes.finding(opening(index), "it is about a channel of this node", KEEP);
        }
        let what = kept(&key);
        let row = self.store.look(Family::Deposits, &DepositKey::Kept(key.clone()));
        let Some(row) = self.leads_back::<KeptRow>(index, &what, row, |row| row.entry) else { return };
        if let Err(why) = self.arrived(&row.envelope, opened, &key) {
            return self.notes.finding(what, why, RESTORE);
        }
        match opened.opening.body().map(SentBody::from_cbor) {
            Some(Err(error)) => return self.notes.finding(opening(index), format!("body: {error}"), KEEP),
            Some(Ok(body)) if body.dispatch != row.envelope.digest() => {
                return self.notes.finding(what, "it is another dispatch than its entry names", RESTORE);
            }
            _ => self.notes.checked("deposits"),
        }
        self.waiting(index, &key, &row, opened.opening.body().is_none());
    }

    /// Sealed bytes, their size, and the row by which their recipient finds them: all or none of them, and none once they are erased.
    fn waiting(&mut self, index: u64, key: &DispatchKey, row: &KeptRow, erased: bool) {
        let rows = [
            DepositKey::Sealed(key.clone()),
            DepositKey::Waiting(key.clone()),
            DepositKey::For(key.channel.recipient.clone(), index),
        ];
        let found = rows.clone().map(|key| {
            let found = self.store.look(Family::Deposits, &key);
            let broken = found.is_err();
            (self.notes.read(&name(&key), found), broken)
        });
        if found.iter().any(|(_, broken)| *broken) {
            return;
        }
        let [sealed, size, place] = found.map(|(found, _)| found);
        let [of_sealed, of_size, of_place] = rows.map(|key| name(&key));
        let any = sealed.is_some() || size.is_some() || place.is_some();
        if !any {
            return;
        }
        if erased {
            return self.notes.finding(of_sealed, format!("it is there, though {} is erased", entry(index)), KEEP);
        }
        let length = sealed.as_ref().map(|sealed| (sealed.len() as u64).to_be_bytes());
        let right = |found: Option<Vec<u8>>, expected: Option<&[u8]>| match (found, expected) {
            (None, _) => Some("not there, though the deposit waits"),
            (Some(found), Some(expected)) if found != expected => Some("it says something else than the deposit"),
            _ => None,
        };
        if let Some(why) = right(size, length.as_ref().map(<[u8; 8]>::as_slice)) {
            self.notes.finding(of_size, why, KEEP);
        }
        if let Some(why) = right(place, Some(&key.bytes())) {
            self.notes.finding(of_place, why, KEEP);
        }
        match sealed {
            None => self.notes.finding(of_sealed, "not there, though the deposit waits", RESTORE),
            Some(sealed) if sealed_digest(&sealed) != row.envelope.sealed => {
                self.notes.finding(of_sealed, "they are not those that the sender signed", RESTORE);
            }
            Some(_) => {}
        }
    }

    /// Every row of deposits belongs to something; receipts of third members hold.
    pub(super) fn deposits(&mut self) {
        self.notes.kinds(&["deposits", "deposit receipts"]);
        let store = self.store.clone();
        let mut rows = store.scan::<DepositKey>(Family::Deposits);
        for (key, value) in rows.by_ref() {
            let why = match &key {
                DepositKey::Kept(of) => match KeptRow::from_cbor(&value) {
                    Err(error) => Some(error.to_string()),
                    Ok(row) => self.is_deposited(row.entry, of),
                },
                DepositKey::Sealed(of) | DepositKey::Waiting(of) => {
                    let row = store.look(Family::Deposits, &DepositKey::Kept(of.clone()));
                    matches!(row, Ok(None)).then(|| "no such dispatch was deposited".to_owned())
                }
                DepositKey::For(recipient, index) => match DispatchKey::read(&value) {
                    Some(of) if of.channel.recipient == *recipient => self.is_deposited(*index, &of),
                    _ => Some("it leads to no dispatch to this node".to_owned()),
                },
                DepositKey::Given(of) => match self.given(of, &value) {
                    Ok(()) => {
                        self.notes.checked("deposit receipts");
                        None
                    }
                    Err(why) => Some(why),
                },
            };
            if let Some(why) = why.filter(|_| !self.notes.has(&name(&key))) {
                let hint = if matches!(key, DepositKey::Given(_)) { RESTORE } else { KEEP };
                self.notes.finding(name(&key), why, hint);
            }
        }
        self.notes.faults(Family::Deposits, &mut rows);
    }

    /// Why an entry is no `deposited` entry about this dispatch. A damaged opening was told where the log is checked.
    fn is_deposited(&self, index: u64, of: &DispatchKey) -> Option<String> {
        match self.opened(index) {
            Some(opened) if opened.is(EntryKind::Deposited, of) => None,
            None if index < self.notes.report.entries => None,
            _ => Some(format!("{} is no deposited entry about it", entry(index))),
        }
    }

    /// A third member's receipt for a dispatch of this node.
    fn given(&mut self, of: &DispatchKey, value: &[u8]) -> Result<(), String> {
        let row = GivenRow::from_cbor(value).map_err(|error| error.to_string())?;
        if !own_channel(&of.channel, &self.me, true) {
            return Err("it is of a channel of others".into());
        }
        let found = self.store.look(Family::Sent, of).map_err(|error| error.to_string())?;
        let Some(bytes) = found else { return Err("nothing was sent under this number".into()) };
        if self.notes.has(&sent(of)) {
            return Ok(());
        }
        let dispatch = SentRow::from_cbor(&bytes).map_err(|error| error.to_string())?.envelope.digest();
        let Some(known) = self.card(&row.with) else { return Ok(()) };
        let deposit = read_deposit(&known, &dispatch, &row.proof).map_err(|error| error.to_string())?;
        let same = deposit.skeleton.channel == of.channel && deposit.skeleton.number == of.number;
        match same && deposit.index == row.index {
            true => Ok(()),
            false => Err("it is about something else".into()),
        }
    }
}

fn kept(key: &DispatchKey) -> String {
    format!("deposited dispatch {}", numbered(key))
}

fn name(key: &DepositKey) -> String {
    match key {
        DepositKey::Kept(of) => kept(of),
        DepositKey::Sealed(of) => format!("sealed bytes of the deposited {}", numbered(of)),
        DepositKey::Waiting(of) => format!("size of the deposited {}", numbered(of)),
        DepositKey::For(recipient, index) => format!("deposit for {recipient} of {}", entry(*index)),
        DepositKey::Given(of) => format!("deposit receipt of {}", numbered(of)),
    }
}
