//! Receipts of counterparties, the days on which their dispatches' bytes are dropped, and the states of own channels.

use std::collections::{BTreeMap, BTreeSet};

use luxor_protocol::cbor::Decode;
use luxor_protocol::exchange::{Channel, DispatchHeader, EntryKind, Outcome, Receipt, SentBody, read_receipt};
use luxor_protocol::time::Day;

use super::Check;
use super::report::{KEEP, RESTORE, channel, entry, receipt, sealed, settled};
use crate::store::{DispatchKey, Family, MetaKey, OutRow, ReceiptKey, ReceiptRow, SentRow, SettledKey};

/// The receipts of one dispatch.
pub(super) struct Receipts {
    count: usize,
    /// The day of the newest; `None` when it is damaged.
    newest: Option<Day>,
}

impl Receipts {
    pub(super) fn none(&self) -> bool {
        self.count == 0
    }
}

/// What the receipts of an own channel say.
#[derive(Default)]
struct State {
    /// Entry of the newest receipt.
    newest: u64,
    origin: String,
    contiguous: u64,
}

/// What was read of own channels.
#[derive(Default)]
pub(super) struct Settled {
    states: BTreeMap<Channel, State>,
    damaged: BTreeSet<Channel>,
    /// Rows with a withdrawal.
    pub(super) withdrawn: u64,
}

impl Settled {
    /// A row or receipt of this channel is damaged.
    pub(super) fn damaged(&mut self, channel: &Channel) {
        self.damaged.insert(channel.clone());
    }

    pub(super) fn whole(&self) -> bool {
        self.damaged.is_empty()
    }
}

impl Check<'_> {
    pub(super) fn receipts(
        &mut self,
        key: &DispatchKey,
        sent: &SentRow,
        header: &DispatchHeader,
        found: &[(u64, Vec<u8>)],
        settled: &mut Settled,
    ) -> Receipts {
        let mut newest = None;
        for (entry, bytes) in found {
            let what = receipt(&ReceiptKey { dispatch: key.clone(), entry: *entry });
            newest = None;
            match self.receipt(key, *entry, sent, header, bytes) {
                Ok((day, proven)) => {
                    newest = Some(day);
                    match proven {
                        Some(proven) => settled.take(&key.channel, *entry, &proven),
                        None => settled.damaged(&key.channel),
                    }
                    self.notes.checked("receipts");
                }
                Err(why) => {
                    self.sent_totals = None;
                    settled.damaged(&key.channel);
                    self.notes.finding(what, why, RESTORE);
                }
            }
        }
        Receipts { count: found.len(), newest }
    }

    /// Sealed bytes are kept exactly as long as the row that has them dropped.
    pub(super) fn kept(&mut self, key: &DispatchKey, receipts: &Receipts, kept: bool) {
        let Some(day) = receipts.newest else { return };
        let row = SettledKey(day, key.clone());
        let found = self.store.look(Family::Settled, &row);
        let unreadable = found.is_err();
        let found = self.notes.read(&settled(&row), found).is_some();
        if unreadable || found == kept {
            return;
        }
        match kept {
            true => self.notes.finding(settled(&row), "not there: the sealed bytes would never be dropped", KEEP),
            false => self.notes.finding(sealed(key), "not there, though they were not dropped yet", RESTORE),
        }
    }

    /// Checks the rows by which sealed bytes are dropped, and the states of own channels. `broken` says that not all receipts
    /// could be read.
    pub(super) fn settled(&mut self, known: &Settled, broken: bool) {
        self.notes.kinds(&["settled rows"]);
        let store = self.store.clone();
        let mut rows = store.scan::<SettledKey>(Family::Settled);
        for (key, value) in rows.by_ref() {
            let what = settled(&key);
            let (mut right, mut readable) = (false, !broken);
            for (of, bytes) in store.scan_receipts(&key.1) {
                readable &= !self.notes.has(&receipt(&of));
                right |= ReceiptRow::from_cbor(&bytes).is_ok_and(|row| row.settled_on == key.0);
            }
            if !right && readable {
                self.notes.finding(what, "no receipt came on that day", KEEP);
            } else if !value.is_empty() {
                self.notes.finding(what, "it holds bytes where there are none", KEEP);
            } else {
                self.notes.checked("settled rows");
            }
        }
        self.notes.faults(Family::Settled, &mut rows);
        for (of, state) in &known.states {
            self.own_channel(of, state, known.damaged.contains(of) || broken);
        }
        for (key, _) in store.scan::<MetaKey>(Family::Meta) {
            let MetaKey::Out(of) = key else { continue };
            if !known.states.contains_key(&of) && !known.damaged.contains(&of) && !broken {
                self.notes.finding(channel(&of), "no receipt came in it", KEEP);
            }
        }
    }

    fn own_channel(&mut self, of: &Channel, state: &State, damaged: bool) {
        let what = channel(of);
        let row = self.store.look(Family::Meta, &MetaKey::Out(of.clone()));
        let unreadable = row.is_err();
        let Some(bytes) = self.notes.read(&what, row) else {
            if !unreadable {
                self.notes.finding(what, "not there, though receipts came in it", RESTORE);
            }
            return;
        };
        let row = match OutRow::from_cbor(&bytes) {
            Ok(row) => row,
            Err(error) => return self.notes.finding(what, error, RESTORE),
        };
        if damaged {
            return self.notes.not_checked(format!("{what}: one of its receipts is damaged"));
        }
        // The recipient may have confirmed more in an answer that is no receipt, so this is only the least.
        if row.origin != state.origin || row.confirmed < state.contiguous {
            let why = format!(
                "it says numbers up to {} under {}; the newest receipt says {} under {}",
                row.confirmed, row.origin, state.contiguous, state.origin
            );
            return self.notes.finding(what, why, RESTORE);
        }
        self.notes.checked("channel states");
    }

    /// The day of a receipt, and what it proves; the latter not where the recipient's card is missing.
    fn receipt(
        &mut self,
        key: &DispatchKey,
        index: u64,
        sent: &SentRow,
        header: &DispatchHeader,
        bytes: &[u8],
    ) -> Result<(Day, Option<Receipt>), String> {
        let row = ReceiptRow::from_cbor(bytes).map_err(|e| e.to_string())?;
        let digest = sent.envelope.digest();
        if row.entry != index {
            return Err(format!("it names {}", entry(row.entry)));
        }
        if row.entry >= self.notes.report.entries {
            return Err(format!("it names {}, which is not there", entry(row.entry)));
        }
        if let Some(opened) = self.opened(row.entry) {
            let body = opened.opening.body().map(|body| SentBody::from_cbor(body).ok());
            let other = body.is_some_and(|body| body.is_none_or(|body| body.dispatch != digest));
            if !opened.is(EntryKind::Receipt, key) || other {
                return Err(format!("it names {}, which is about something else", entry(row.entry)));
            }
        }
        let Some(recipient) = self.card(&key.channel.recipient) else {
            self.sent_totals = None;
            return Ok((row.settled_on, None));
        };
        let found = read_receipt(&recipient, &digest, &row.proof).map_err(|e| e.to_string())?;
        if found.skeleton.channel != key.channel || found.skeleton.number != key.number {
            return Err(format!("it is about number {} of {}", found.skeleton.number, found.skeleton.channel));
        }
        if found.index != row.recipient_entry {
            return Err(format!("it says entry {} at the recipient; its proof {}", row.recipient_entry, found.index));
        }
        if found.body.outcome == Outcome::Withdrawn && sent.withdrawal.is_none() {
            return Err("it is for a withdrawal that was not made".into());
        }
        if let Some(totals) = &mut self.sent_totals {
            let (accepted, rejected) = found.body.outcome.counts(header.batch.header.count);
            totals.dispatches += 1;
            totals.refused += u64::from(matches!(found.body.outcome, Outcome::Refused(_)));
            totals.withdrawn += u64::from(found.body.outcome == Outcome::Withdrawn);
            totals.accepted += accepted as u64;
            totals.rejected += rejected as u64;
        }
        Ok((row.settled_on, Some(found)))
    }
}

impl Settled {
    fn take(&mut self, channel: &Channel, entry: u64, receipt: &Receipt) {
        let state = self.states.entry(channel.clone()).or_default();
        if entry >= state.newest {
            state.newest = entry;
            state.origin.clone_from(&receipt.checkpoint.origin);
            state.contiguous = receipt.body.contiguous;
        }
    }
}
