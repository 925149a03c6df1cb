//! Requests of other nodes: from bytes to a check on a worker, and receipts given before.

use luxor_protocol::exchange::{Answer, Channel, ErrorCode, Lack, Lane, Request, check_dispatch, check_withdrawal};
use luxor_protocol::hash::Digest;
use luxor_protocol::names::NodeRef;
use luxor_protocol::record::{ArrivedView, Names, Value};
use luxor_protocol::time::Millis;

use super::quality::{self, Judges};
use super::{Driver, DriverError, Message, Shared, trust};
use crate::engine::Verified;
use crate::entropy::random;
use crate::net::{Inbound, Reply as NetReply};
use crate::sequencer::SequencerError;
use crate::store::{NamedRecord, Under, seal_of};

impl Driver {
    /// Takes one request: parses its frame and hands it on.
    pub(super) fn arrive(&self, inbound: Inbound) {
        let Inbound { peer, body, oversized, permit, reply } = inbound;
        let shared = &self.shared;
        if let Some(length) = oversized {
            let answer = Answer::error(ErrorCode::Oversized, format!("a request of {length} bytes"));
            return shared.respond(reply, &answer);
        }
        let directory = shared.directory();
        let Some(known) = directory.node_by_transport(&peer.0) else {
            let answer = Answer::error(ErrorCode::NotAMember, "no card names this connection's key");
            return shared.respond(reply, &answer);
        };
        let peer = known.node.clone();
        match Request::from_vec(body) {
            Err(error) => shared.respond(reply, &Answer::error(ErrorCode::Undecodable, format!("request: {error}"))),
            Ok(request @ (Request::Dispatch(_) | Request::Withdrawal(_))) => {
                let request = Box::new(request);
                // The mailbox only closes when the node stops.
                let _ = self.mailbox.send(Message::Arrived { peer, request, permit: Some(permit), reply });
            }
            Ok(
                request @ (Request::AddCheckpoint(_)
                | Request::Checkpoint { .. }
                | Request::Holdings
                | Request::Proof { .. }),
            ) => self.about_checkpoints(peer, request, permit, reply),
            Ok(
                request @ (Request::DocumentsKnown { .. } | Request::DocumentsWanted(_) | Request::TakeDocuments(_)),
            ) => self.about_documents(peer, request, permit, reply),
            Ok(Request::Deletion { proof, numbers }) => self.deletion(peer, proof, numbers, permit, reply),
            Ok(Request::Attachment { digest, shown_in, offset }) => {
                self.attachment_read(peer, digest, shown_in, offset, permit, reply);
            }
            Ok(Request::Window(question)) => self.window_asked(peer, question, permit, reply),
            Ok(Request::Statement(proposal)) => self.statement_proposed(peer, proposal, permit, reply),
            Ok(Request::Deposit(dispatch)) => self.deposit_brought(peer, dispatch, permit, reply),
            Ok(Request::Deposits { done, from, offset }) => {
                self.deposits_asked(peer, done, (from, offset), permit, reply);
            }
            Ok(Request::AuditRead { from, count }) => self.audit_read(peer, from, count, permit, reply),
        }
    }

    /// Answers a dispatch that arrived before with the receipt given then.
    pub(super) fn replay(&self, reply: NetReply, channel: Channel, number: u64, digest: Digest) {
        let driver = self.clone();
        tokio::spawn(async move {
            let shared = driver.shared.clone();
            let answer = driver.work(channel.lane, move || stored_receipt(&shared, &channel, number, &digest)).await;
            match answer {
                Some(Ok(answer)) => driver.shared.respond(reply, &answer),
                Some(Err(error)) => drop(driver.mailbox.send(Message::Failed(error))),
                None => {}
            }
        });
    }
}

/// The lane in which a request is to be worked on. A withdrawal costs nothing, so it goes first.
pub(super) fn lane(request: &Request) -> Lane {
    match request {
        Request::Dispatch(dispatch) => dispatch.lane().unwrap_or(Lane::Ordinary),
        _ => Lane::Urgent,
    }
}

/// Checks a dispatch or withdrawal and prepares what is stored of it.
pub(super) fn check(
    shared: &Shared,
    peer: &NodeRef,
    request: &Request,
    now: Millis,
) -> Result<Result<Box<Verified>, Answer>, DriverError> {
    let directory = shared.directory();
    let Some(known) = directory.node(peer) else {
        return Ok(Err(Answer::later(Lack::Card, format!("card of {peer}"))));
    };
    if matches!(request, Request::Dispatch(_)) && shared.witness.is_forked(&known.card.origin)? {
        return Ok(Err(Answer::error(ErrorCode::Forked, format!("the log of {peer} has shown two histories"))));
    }
    let me = &shared.me;
    // Looked at by a practice partner only.
    let mut references = Vec::new();
    let checked = match request {
        Request::Dispatch(dispatch) => {
            let mut judges = Judges::new(&shared.rules, now.day());
            // Parties are looked for among own records only.
            let found_by = |view: &ArrivedView<'_>| {
                if shared.practice.is_some() {
                    references.extend(own_reference_of(view));
                }
                quality::verdict(shared, &mut judges, view)?;
                trust::verdict(&directory, view, now)?;
                Ok((Names { parties: Vec::new(), ..view.names() }, view.attachments()))
            };
            check_dispatch(&directory, me, known, dispatch, now, |sealed| shared.secrets().seal.open(sealed), found_by)
        }
        Request::Withdrawal(withdrawal) => check_withdrawal(&directory, me, known, withdrawal, now),
        _ => {
            return Err(DriverError::Own("what asks about a log is no dispatch to be checked".into()));
        }
    };
    let checked = match checked {
        Ok(checked) => checked,
        Err(answer) => return Ok(Err(answer)),
    };
    if let Some(practice) = &shared.practice {
        let (number, held) = (checked.number, checked.receipts_held_up_to);
        practice.arrived(&checked.channel, number, held, &references, now);
    }
    if checked.contested {
        let (channel, number) = (&checked.channel, checked.number);
        tracing::warn!(%channel, number, "what was passed on was signed, by its issuer, while others may have had the key");
    }
    let (accepted, rejected) = checked.outcome.counts(checked.count);
    let (mut payload, mut records) = (None, Vec::new());
    if !checked.payload.is_empty() {
        let key = shared.store.received_key(checked.agreement, checked.due)?;
        payload = Some(seal_of(Under::Payload, &key, &checked.channel, checked.number, &checked.payload)?);
        let indexed =
            |(place, root, (names, attachments))| NamedRecord { root, place, names, attachments }.indexed(&key);
        records = checked.accepted.into_iter().map(indexed).collect();
    }
    Ok(Ok(Box::new(Verified {
        digest: checked.digest,
        channel: checked.channel,
        number: checked.number,
        receipts_held_up_to: checked.receipts_held_up_to,
        agreement: checked.agreement,
        at: now,
        arrival: checked.arrival,
        counts: (accepted as u64, rejected as u64),
        outcome: checked.outcome,
        due: checked.due,
        payload,
        records,
        rejected: checked.rejected,
        source: checked.source,
        salts: [random()?, random()?],
    })))
}

/// The own reference of a record, where it is shown.
fn own_reference_of(view: &ArrivedView<'_>) -> Option<String> {
    let (_, head) = view.header.table.head()?;
    view.field(head.name, "own_reference").and_then(Value::into_text)
}

fn stored_receipt(shared: &Shared, channel: &Channel, number: u64, digest: &Digest) -> Result<Answer, DriverError> {
    let row = shared.store.received(channel, number)?;
    match row {
        Some(row) if row.arrival.digest() == Ok(*digest) => match shared.sequencer.prove(row.entry) {
            Err(SequencerError::Erased(entry)) => {
                let detail = format!("number {number} has its receipt, entry {entry}, whose body was erased since");
                Ok(Answer::error(ErrorCode::Erased, detail))
            }
            proof => Ok(Answer::Receipt(proof?)),
        },
        _ => Ok(Answer::error(ErrorCode::NumberUsed, format!("number {number} was used for another dispatch"))),
    }
}
