//! Dispatches that arrived: their rows and payloads against their entries, and the state of each channel.

use std::collections::{BTreeMap, BTreeSet};

use luxor_protocol::cbor::{Decode, Reader};
use luxor_protocol::exchange::{
    Arrival, Channel, DispatchHeader, EntryKind, Envelope, Outcome, ReceiptBody, Withdrawal,
};
use luxor_protocol::hash::Digest;
use luxor_protocol::limits::MAX_BATCH_RECORDS;
use luxor_protocol::record::{RecordView, batch_root};
use luxor_protocol::tlog::{Frontier, leaf_hash};

use super::report::{KEEP, RESTORE, channel, entry, opening, payload, received};
use super::{Check, Opened, key_of, own_channel};
use crate::store::{ChannelRow, DispatchKey, Family, IndexKey, MetaKey, ReceivedRow, Scan, Under, identifiers};

/// A channel while its rows are read.
struct State {
    channel: Channel,
    tree: Frontier,
    /// The sender signed that it holds receipts up to this.
    held: u64,
    damaged: bool,
}

impl Check<'_> {
    /// A `received` entry: its row, its payload, and what finds the records in it.
    pub(super) fn received_entry(&mut self, index: u64, opened: &Opened, payloads: &mut Scan<'_, u64>) {
        let key = key_of(&opened.skeleton);
        let payload_row = self.take(&payload(index), payloads, &index);
        if opened.opening.body().is_none() {
            return self.received_erased(index, opened, &key, payload_row.flatten());
        }
        let checked = self.received_row(index, opened, &key);
        let Some((header, outcome, row)) = checked else {
            self.received_totals = None;
            self.damaged_channels.insert(key.channel);
            return self.references.received_damaged();
        };
        self.notes.checked("received rows");
        let (accepted, rejected) = outcome.counts(header.as_ref().map_or(0, |header| header.batch.header.count));
        if let Some(totals) = &mut self.received_totals {
            totals.dispatches += 1;
            totals.refused += u64::from(matches!(outcome, Outcome::Refused(_)));
            totals.withdrawn += u64::from(outcome == Outcome::Withdrawn);
            totals.accepted += accepted as u64;
            totals.rejected += rejected as u64;
        }
        match (payload_row, header, outcome) {
            (None, ..) => self.references.received_damaged(),
            (Some(Some(bytes)), Some(header), Outcome::Taken(rejected)) if accepted > 0 => {
                let rejected: BTreeSet<usize> = rejected.iter().map(|rejection| rejection.record).collect();
                self.payload(index, opened, &header, &rejected, &row, &bytes);
            }
            (Some(Some(_)), ..) => self.notes.finding(payload(index), "no record of the dispatch was accepted", KEEP),
            (Some(None), ..) if accepted > 0 => {
                self.references.received_damaged();
                let why = format!("not there, though {accepted} records were accepted");
                self.notes.finding(payload(index), why, RESTORE);
            }
            (Some(None), ..) => {}
        }
    }

    /// The same once it is erased: its row has the dispatch's header and signature, and no verdict.
    fn received_erased(&mut self, index: u64, opened: &Opened, key: &DispatchKey, payload_row: Option<Vec<u8>>) {
        let what = received(key);
        let row = self.store.look(Family::Received, key);
        let Some(row) = self.leads_back::<ReceivedRow>(index, &what, row, |row| row.entry) else {
            self.damaged_channels.insert(key.channel.clone());
            return;
        };
        let arrived = match &row.arrival {
            Arrival::Dispatch(envelope) => self.arrived(envelope, opened, key).map(|_| ()),
            Arrival::Withdrawal(withdrawal) => match row.arrival.digest() {
                Ok(digest) => self.withdrawal(withdrawal, &digest, opened.skeleton.agreement, key),
                Err(error) => Err(error.to_string()),
            },
        };
        match arrived {
            Err(why) => self.notes.finding(what, why, RESTORE),
            Ok(()) if !row.body.is_empty() || !row.rejected.is_empty() || !row.erased.is_empty() => {
                self.notes.finding(what, "its verdict is there, though it is erased", KEEP)
            }
            Ok(()) => self.notes.checked("received rows"),
        }
        self.source(index, false);
        if payload_row.is_some() {
            self.references.received_damaged();
            self.notes.finding(payload(index), "it is there, though its entry is erased", KEEP);
        }
    }

    /// Payloads below `index` that no `received` entry claimed.
    pub(super) fn stray_payloads(&mut self, index: u64, payloads: &mut Scan<'_, u64>) {
        while payloads.peek().is_some_and(|next| *next < index) {
            let Some((stray, _)) = payloads.next() else { break };
            self.notes.finding(payload(stray), format!("entry {stray} is no received dispatch"), KEEP);
        }
    }

    /// Checks the state of every received channel, and that every row belongs to an entry.
    pub(super) fn incoming(&mut self) {
        self.notes.kinds(&["received rows", "payloads", "views", "channel states"]);
        let store = self.store.clone();
        let mut rows = store.scan::<DispatchKey>(Family::Received);
        let mut seen = BTreeSet::new();
        let mut state: Option<State> = None;
        for (key, bytes) in rows.by_ref() {
            if state.as_ref().is_none_or(|state| state.channel != key.channel) {
                if let Some(done) = state.take() {
                    self.channel_state(&done);
                }
                seen.insert(key.channel.clone());
                state = Some(State { channel: key.channel.clone(), tree: Frontier::new(), held: 0, damaged: false });
            }
            let told = self.belongs(&key, &bytes);
            if let Some(state) = &mut state {
                match told {
                    None => state.damaged = true,
                    Some((digest, held)) => {
                        state.held = state.held.max(held);
                        // Else it was taken out of order, behind a number that is still on its way.
                        if key.number == state.tree.size() + 1 {
                            state.tree.push(leaf_hash(&digest.0));
                        }
                    }
                }
            }
        }
        if let Some(mut done) = state {
            done.damaged |= rows.broken();
            self.channel_state(&done);
        }
        self.notes.faults(Family::Received, &mut rows);
        let states = store.scan::<MetaKey>(Family::Meta);
        for (key, _) in states {
            let MetaKey::Channel(of) = key else { continue };
            if !seen.contains(&of) && !rows.broken() {
                self.notes.finding(channel(&of), "nothing arrived in it", KEEP);
            }
        }
    }

    /// The digest of a row that is whole, and up to which number its sender holds receipts.
    fn belongs(&mut self, key: &DispatchKey, bytes: &[u8]) -> Option<(Digest, u64)> {
        let what = received(key);
        let row = ReceivedRow::from_cbor(bytes).map_err(|e| self.notes.finding(what.clone(), e, RESTORE)).ok()?;
        if row.entry >= self.notes.report.entries {
            self.notes.finding(what.clone(), format!("it names {}, which is not there", entry(row.entry)), RESTORE);
        } else if let Some(opened) = self.opened(row.entry)
            && !opened.is(EntryKind::Received, key)
        {
            let why = format!("it names {}, which is about something else", entry(row.entry));
            self.notes.finding(what.clone(), why, RESTORE);
        }
        if self.notes.has(&what) {
            return None;
        }
        let held = match &row.arrival {
            Arrival::Dispatch(envelope) => DispatchHeader::from_cbor(&envelope.header).ok()?.receipts_held_up_to,
            Arrival::Withdrawal(_) => 0,
        };
        Some((row.arrival.digest().ok()?, held))
    }

    fn channel_state(&mut self, state: &State) {
        let what = channel(&state.channel);
        let row = self.store.look(Family::Meta, &MetaKey::Channel(state.channel.clone()));
        let unreadable = row.is_err();
        let Some(bytes) = self.notes.read(&what, row) else {
            if !unreadable {
                self.notes.finding(what, "not there, though dispatches arrived in it", RESTORE);
            }
            return;
        };
        let row = match ChannelRow::from_cbor(&bytes) {
            Ok(row) => row,
            Err(error) => return self.notes.finding(what, error, RESTORE),
        };
        if state.damaged || self.damaged_channels.contains(&state.channel) {
            return self.notes.not_checked(format!("{what}: one of its received rows is damaged"));
        }
        if row.contiguous != state.tree.size() {
            let why = format!("it says {} numbers without gap; {} are there", row.contiguous, state.tree.size());
            return self.notes.finding(what, why, RESTORE);
        }
        if row.hashes != state.tree.hashes() {
            return self.notes.finding(what, "its tree is not that of the dispatches that arrived", RESTORE);
        }
        // A dispatch too far ahead to be taken says it too, and leaves no row.
        if row.held < state.held {
            let why = format!("it says that its sender holds receipts up to {}, which signed {}", row.held, state.held);
            return self.notes.finding(what, why, RESTORE);
        }
        self.notes.checked("channel states");
    }

    fn received_row(
        &mut self,
        index: u64,
        opened: &Opened,
        key: &DispatchKey,
    ) -> Option<(Option<DispatchHeader>, Outcome, ReceivedRow)> {
        if !own_channel(&key.channel, &self.me, false) {
            let what = format!("a received entry about {}, which does not end here", key.channel);
            self.notes.finding(opening(index), what, KEEP);
            return None;
        }
        let body = ReceiptBody::from_cbor(opened.opening.body().unwrap_or_default());
        let body = body.map_err(|e| self.notes.finding(opening(index), format!("body: {e}"), KEEP)).ok()?;
        let what = received(key);
        let row = self.store.look(Family::Received, key);
        let row = self.leads_back::<ReceivedRow>(index, &what, row, |row| row.entry)?;
        let header = self.compare(&row, opened, &body, key);
        let header = header.map_err(|why| self.notes.finding(what, why, RESTORE)).ok()?;
        let passed_on = header.as_ref().filter(|header| header.source.is_some());
        self.source(index, passed_on.is_some_and(|header| body.outcome.counts(header.batch.header.count).0 > 0));
        Some((header, body.outcome, row))
    }

    /// The header of a dispatch; none where its withdrawal came.
    fn compare(
        &mut self,
        row: &ReceivedRow,
        opened: &Opened,
        body: &ReceiptBody,
        key: &DispatchKey,
    ) -> Result<Option<DispatchHeader>, String> {
        if Some(row.body.as_slice()) != opened.opening.body() {
            return Err(format!("its body is not that of {}", entry(row.entry)));
        }
        if row.arrival.digest().ok() != Some(body.dispatch) {
            return Err(format!("it is not the dispatch that {} records", entry(row.entry)));
        }
        let withdrawn = body.outcome == Outcome::Withdrawn;
        let rejected = match &body.outcome {
            Outcome::Taken(rejected) => rejected.len(),
            Outcome::Refused(_) | Outcome::Withdrawn => 0,
        };
        if row.rejected.len() != rejected {
            return Err(format!("it has {} roots of rejected records; {rejected} were rejected", row.rejected.len()));
        }
        match &row.arrival {
            Arrival::Dispatch(envelope) if !withdrawn => {
                let header = self.arrived(envelope, opened, key)?;
                Ok(Some(header))
            }
            Arrival::Withdrawal(withdrawal) if withdrawn => {
                self.withdrawal(withdrawal, &body.dispatch, opened.skeleton.agreement, key).map(|()| None)
            }
            _ => Err("it and its verdict disagree on whether the dispatch was withdrawn".into()),
        }
    }

    pub(super) fn arrived(
        &mut self,
        envelope: &Envelope,
        opened: &Opened,
        key: &DispatchKey,
    ) -> Result<DispatchHeader, String> {
        let header = DispatchHeader::from_cbor(&envelope.header).map_err(|e| format!("dispatch header: {e}"))?;
        if header.channel != key.channel || header.number != key.number {
            return Err(format!("its header is number {} of {}", header.number, header.channel));
        }
        if header.agreement_digest != opened.skeleton.agreement {
            return Err("it rests on another agreement than its entry".into());
        }
        if let (Some(sender), Some(directory)) = (self.card(&key.channel.sender), &self.directory) {
            let verified = envelope.verify(&directory.network(), &sender.ever());
            verified.map_err(|e| format!("the sender's signature: {e}"))?;
        }
        Ok(header)
    }

    /// A withdrawal is of this dispatch and signed by its sender.
    pub(super) fn withdrawal(
        &mut self,
        withdrawal: &Withdrawal,
        dispatch: &Digest,
        agreement: Digest,
        key: &DispatchKey,
    ) -> Result<(), String> {
        let header = withdrawal.read().map_err(|e| format!("withdrawal: {e}"))?;
        if header.channel != key.channel || header.number != key.number {
            return Err(format!("its withdrawal is of number {} of {}", header.number, header.channel));
        }
        if header.dispatch != *dispatch || header.agreement != agreement {
            return Err("its withdrawal is of another dispatch".into());
        }
        if let (Some(sender), Some(directory)) = (self.card(&key.channel.sender), &self.directory) {
            let verified = withdrawal.verify(&directory.network(), &sender.ever());
            verified.map_err(|e| format!("the signature of its withdrawal: {e}"))?;
        }
        Ok(())
    }

    /// The payload of an entry: the records not in `rejected`. `row` has the roots of those and of erased ones.
    #[allow(clippy::too_many_arguments)]
    fn payload(
        &mut self,
        index: u64,
        opened: &Opened,
        header: &DispatchHeader,
        rejected: &BTreeSet<usize>,
        row: &ReceivedRow,
        bytes: &[u8],
    ) {
        let unsealed = self.unsealed(&payload(index), Under::Payload, index, &opened.skeleton, bytes);
        let Some((key, bytes)) = unsealed else { return self.references.received_damaged() };
        let batch = &header.batch.header;
        let accepted: BTreeSet<usize> = (0..batch.count).filter(|record| !rejected.contains(record)).collect();
        let before = self.notes.report.findings_count;
        let mut roots: BTreeMap<usize, Digest> = rejected.iter().copied().zip(row.rejected.iter().copied()).collect();
        let outcome = read_views(&bytes, &accepted, |place, root, view| {
            let what = format!("{}, record {place}", payload(index));
            match check_view(header, &root, &view) {
                Err(why) => self.notes.finding(what, why, RESTORE),
                Ok(()) => {
                    self.notes.checked("views");
                    self.expect(IndexKey::ReceivedRoot(root, index, place));
                    for found in identifiers(false, &key, &view.names(), &view.attachments()) {
                        self.expect(IndexKey::ReceivedReference(found, index, place));
                    }
                }
            }
            roots.insert(place, root);
        });
        if let Err((place, why)) = outcome {
            let what = place.map_or_else(|| payload(index), |place| format!("{}, record {place}", payload(index)));
            self.notes.finding(what, why, RESTORE);
        }
        let missing: BTreeSet<usize> = accepted.iter().copied().filter(|place| !roots.contains_key(place)).collect();
        if self.notes.report.findings_count == before {
            if !row.erased.iter().map(|(place, _)| place).eq(&missing) {
                let why = "it has the roots of other erased records than are missing from the payload";
                self.notes.finding(received(&key_of(&opened.skeleton)), why, RESTORE);
            } else if !missing.is_empty() {
                // Whether they were erased, an entry further on tells.
                self.missing(index, missing);
            }
        }
        roots.extend(row.erased.iter().copied());
        let roots: Vec<Digest> = roots.into_values().collect();
        if self.notes.report.findings_count == before && batch_root(&roots) != batch.root {
            self.notes.finding(payload(index), "its records do not give the root that the sender signed", RESTORE);
        }
        if self.notes.report.findings_count == before {
            self.notes.checked("payloads");
        } else {
            self.references.received_damaged();
        }
    }
}

/// Reads a payload; the error names the place of the record in which reading ended, if in one.
fn read_views(
    bytes: &[u8],
    accepted: &BTreeSet<usize>,
    mut each: impl FnMut(usize, Digest, RecordView),
) -> Result<(), (Option<usize>, String)> {
    let mut reader = Reader::new(bytes);
    let count = reader.array(MAX_BATCH_RECORDS).map_err(|e| (None, e.to_string()))?;
    let mut last = None;
    for _ in 0..count {
        // In the order of their places; some may be erased.
        let next = accepted.range(last.map_or(0, |last: usize| last + 1)..).next().copied();
        let Some(expected) = next else {
            return Err((None, format!("{count} records; {} were accepted", accepted.len())));
        };
        let (place, root, view) = read_view(&mut reader).map_err(|e| (Some(expected), e.to_string()))?;
        let place = accepted.range(expected..).copied().find(|at| *at as u64 == place);
        let place = place.ok_or((Some(expected), "its place is not that of an accepted record".to_owned()))?;
        last = Some(place);
        each(place, root, view);
    }
    reader.leave();
    reader.finish().map_err(|e| (None, e.to_string()))
}

fn read_view(reader: &mut Reader<'_>) -> Result<(u64, Digest, RecordView), luxor_protocol::cbor::CborError> {
    reader.tuple(3)?;
    let place = reader.uint()?;
    let root = Digest::decode(reader)?;
    let view = RecordView::decode(reader)?;
    reader.leave();
    Ok((place, root, view))
}

fn check_view(header: &DispatchHeader, root: &Digest, view: &RecordView) -> Result<(), String> {
    let batch = &header.batch.header;
    if view.root() != *root {
        return Err("what it shows does not lead to its root".into());
    }
    let issuer = header.source.clone().unwrap_or_else(|| batch.node.member());
    if view.header.table != batch.table || view.header.issuer != issuer {
        return Err("it is of another type or issuer than its batch".into());
    }
    if view.shown() != header.view {
        return Err("it shows other groups than the dispatch says".into());
    }
    view.check().map_err(|error| error.to_string())
}
