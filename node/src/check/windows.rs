//! What stands at numbers of channels against the dispatches and receipts there, and statements against their entries.
//!
//! Where a dispatch, receipt or verdict is damaged or erased, what stands there is held only to what is left.

use luxor_protocol::cbor::Decode as _;
use luxor_protocol::exchange::{Arrival, Channel, DispatchHeader, EntryKind, Opening, Outcome, ReceiptBody};
use luxor_protocol::hash::Digest;
use luxor_protocol::reconciliation::{Proposal, StatementBody};
use luxor_protocol::tlog::TlogProof;

use super::report::{KEEP, RESTORE, entry, numbered, opening, receipt, received, sent};
use super::{Check, Opened, own_channel};
use crate::store::{
    ComparedRow, DispatchKey, Family, ReceiptKey, ReceiptRow, ReceivedRow, SentRow, StandRow, StatementRow, WindowKey,
};

/// What a row must say, as far as it follows from others.
enum Expected {
    /// This.
    Row(Box<StandRow>),
    /// This dispatch, whatever became of it.
    Dispatch(Digest),
    /// Nothing follows: what it would follow from is damaged, which is told there.
    Unknown,
}

impl Check<'_> {
    /// Checks what stands at numbers, and statements.
    pub(super) fn windows(&mut self) {
        self.notes.kinds(&["numbers", "statements"]);
        let store = self.store.clone();
        let mut rows = store.scan::<DispatchKey>(Family::Stands);
        for (key, value) in rows.by_ref() {
            let what = stands(&key);
            let judged = match StandRow::from_cbor(&value) {
                Ok(row) => self.stands_right(&key, &row),
                Err(error) => Err(error.to_string()),
            };
            match judged {
                Ok(()) => self.notes.checked("numbers"),
                Err(why) => self.notes.finding(what, why, RESTORE),
            }
        }
        self.notes.faults(Family::Stands, &mut rows);
        if !rows.broken() {
            for family in [Family::Sent, Family::Received] {
                for (key, _) in store.scan::<DispatchKey>(family) {
                    if matches!(store.look(Family::Stands, &key), Ok(None)) && !self.notes.has(&source(family, &key)) {
                        self.notes.finding(stands(&key), "not there, though there is a dispatch", RESTORE);
                    }
                }
            }
        }
        let mut rows = store.scan::<WindowKey>(Family::Windows);
        for (key, value) in rows.by_ref() {
            let (what, judged) = match &key {
                WindowKey::Statement(last, index) => {
                    (statement(last, *index), self.statement_row(last, *index, &value))
                }
                WindowKey::Proposed(channel) => (format!("proposal in {channel}"), self.proposed(channel, &value)),
                WindowKey::Compared(channel) => {
                    let read = ComparedRow::from_cbor(&value).map(|_| ()).map_err(|error| error.to_string());
                    (format!("comparison of {channel}"), read)
                }
            };
            match judged {
                Ok(()) => self.notes.checked("statements"),
                Err(why) => self.notes.finding(what, why, KEEP),
            }
        }
        self.notes.faults(Family::Windows, &mut rows);
    }

    /// A `statement` entry: it is about a channel of this node, and has its row.
    pub(super) fn statement_entry(&mut self, index: u64, opened: &Opened) {
        let channel = &opened.skeleton.channel;
        if channel.sender != self.me && channel.recipient != self.me {
            return self.notes.finding(opening(index), "it is about a channel of others", KEEP);
        }
        if let Some(Err(error)) = opened.opening.body().map(StatementBody::from_cbor) {
            return self.notes.finding(opening(index), format!("body: {error}"), KEEP);
        }
        let last = super::key_of(&opened.skeleton);
        let what = statement(&last, index);
        let row = self.store.look(Family::Windows, &WindowKey::Statement(last, index));
        if matches!(row, Ok(None)) {
            self.notes.finding(what, format!("not there, though {} is about it", entry(index)), RESTORE);
        }
    }

    fn stands_right(&mut self, key: &DispatchKey, row: &StandRow) -> Result<(), String> {
        let expected = if own_channel(&key.channel, &self.me, true) {
            self.sent_stands(key)?
        } else if own_channel(&key.channel, &self.me, false) {
            self.received_stands(key)?
        } else {
            return Err("it is of a channel of others".into());
        };
        match expected {
            Expected::Row(expected) if *expected != *row => {
                Err("it is not what the dispatch and its verdict make it".into())
            }
            Expected::Dispatch(dispatch) if row.stand.dispatch() != Some(dispatch) => {
                Err("it names another dispatch than the one there".into())
            }
            Expected::Row(_) | Expected::Dispatch(_) | Expected::Unknown => Ok(()),
        }
    }

    fn sent_stands(&self, key: &DispatchKey) -> Result<Expected, String> {
        let found = self.store.look(Family::Sent, key).map_err(|error| error.to_string())?;
        let Some(bytes) = found else { return Err("nothing was sent under this number".into()) };
        let row = SentRow::from_cbor(&bytes).ok().filter(|_| !self.notes.has(&sent(key)));
        let Some(row) = row else { return Ok(Expected::Unknown) };
        let (dispatch, header) = (row.envelope.digest(), DispatchHeader::from_cbor(&row.envelope.header));
        let (mut newest, mut readable) = (None, true);
        for (of, bytes) in self.store.scan_receipts(key) {
            readable &= !self.notes.has(&receipt(&ReceiptKey { dispatch: key.clone(), entry: of.entry }));
            newest = Some(bytes);
        }
        let Some(header) = header.ok().filter(|_| readable) else { return Ok(Expected::Dispatch(dispatch)) };
        let expected = match newest {
            None if row.withdrawal.is_some() => StandRow::withdrawn(dispatch),
            None => StandRow::pending(dispatch),
            Some(bytes) => match outcome_of(&bytes) {
                Some(outcome) => StandRow::settled(dispatch, &outcome, header.batch.header.count as u64),
                None => return Ok(Expected::Dispatch(dispatch)),
            },
        };
        Ok(Expected::Row(Box::new(expected)))
    }

    fn received_stands(&self, key: &DispatchKey) -> Result<Expected, String> {
        let found = self.store.look(Family::Received, key).map_err(|error| error.to_string())?;
        let Some(bytes) = found else { return Err("nothing arrived under this number".into()) };
        let row = ReceivedRow::from_cbor(&bytes).ok().filter(|_| !self.notes.has(&received(key)));
        let Some((row, dispatch)) = row.and_then(|row| row.arrival.digest().ok().map(|digest| (row, digest))) else {
            return Ok(Expected::Unknown);
        };
        let Ok(body) = ReceiptBody::from_cbor(&row.body) else { return Ok(Expected::Dispatch(dispatch)) };
        let records = match &row.arrival {
            Arrival::Withdrawal(_) => 0,
            Arrival::Dispatch(envelope) => match DispatchHeader::from_cbor(&envelope.header) {
                Ok(header) => header.batch.header.count as u64,
                Err(_) => return Ok(Expected::Dispatch(dispatch)),
            },
        };
        Ok(Expected::Row(Box::new(StandRow::settled(dispatch, &body.outcome, records))))
    }

    fn statement_row(&mut self, last: &DispatchKey, index: u64, value: &[u8]) -> Result<(), String> {
        let row = StatementRow::from_cbor(value).map_err(|error| error.to_string())?;
        let found = row.read().map_err(|error| error.to_string())?;
        if row.entry != index {
            return Err(format!("it names {}", entry(row.entry)));
        }
        if found.window().channel != last.channel || found.window().span().last() != last.number {
            return Err("its statement is about another window".into());
        }
        if let Some(directory) = &self.directory {
            row.cosigned.verify(directory).map_err(|error| error.to_string())?;
        }
        if let Some(opened) = self.opened(index) {
            let body = opened.opening.body().map(|body| StatementBody::from_cbor(body).ok());
            let other = body.is_some_and(|body| body.is_none_or(|body| body.statement != found.digest()));
            if !opened.is(EntryKind::Statement, last) || other {
                return Err(format!("{} is about something else", entry(index)));
            }
        }
        Ok(())
    }

    fn proposed(&self, channel: &Channel, value: &[u8]) -> Result<(), String> {
        let proposal = Proposal::from_cbor(value).map_err(|error| error.to_string())?;
        let statement = proposal.read().map_err(|error| error.to_string())?;
        match statement.window().channel == *channel && own_channel(channel, &self.me, true) {
            true => Ok(()),
            false => Err("it is about another channel".into()),
        }
    }
}

fn stands(key: &DispatchKey) -> String {
    format!("what stands at {}", numbered(key))
}

fn statement(last: &DispatchKey, index: u64) -> String {
    format!("statement up to {}, entry {index}", numbered(last))
}

fn source(family: Family, key: &DispatchKey) -> String {
    if family == Family::Sent { sent(key) } else { received(key) }
}

/// The verdict in a receipt's proof.
fn outcome_of(row: &[u8]) -> Option<Outcome> {
    let proof = TlogProof::parse(&ReceiptRow::from_cbor(row).ok()?.proof).ok()?;
    let opening = Opening::from_cbor(&proof.extra?).ok()?;
    Some(ReceiptBody::from_cbor(&opening.body).ok()?.outcome)
}
