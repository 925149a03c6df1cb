//! Dispatches that arrive: numbers, duplicates, verdict into log entry.

use std::collections::BTreeMap;

use luxor_protocol::cbor::Encode;
use luxor_protocol::exchange::{Answer, EntryKind, ErrorCode, Opening, Outcome, ReceiptBody, Skeleton};
use luxor_protocol::hash::Digest;
use luxor_protocol::limits::CHANNEL_WINDOW;
use luxor_protocol::tlog::{Frontier, leaf_hash};

use super::{Effect, Engine, Pending, Token, Verified};
use crate::store::{StandRow, Write};

/// A channel to this node.
#[derive(Default)]
pub(super) struct InChannel {
    /// Tree over the contiguous numbers' digests; its size is the highest of them.
    tree: Frontier,
    /// Numbers above, with their digests.
    ahead: BTreeMap<u64, Digest>,
    /// Numbers whose commit is under way, with who waits for the receipt.
    committing: BTreeMap<u64, (Digest, Vec<Token>)>,
    /// The sender signed that it holds receipts up to this.
    held: u64,
}

impl InChannel {
    pub(super) fn loaded(tree: Frontier, ahead: Vec<(u64, Digest)>, held: u64) -> Self {
        Self { tree, ahead: ahead.into_iter().collect(), committing: BTreeMap::new(), held }
    }

    /// Numbers for which the sender holds receipts that this node does not have: it lost them.
    pub(super) fn missing(&self) -> Option<(u64, u64)> {
        let contiguous = self.tree.size();
        (self.held > contiguous).then_some((contiguous + 1, self.held))
    }

    /// A number's commit is durable: returns who waits for its receipt.
    pub(super) fn released(&mut self, number: u64) -> Vec<Token> {
        self.committing.remove(&number).map(|(_, tokens)| tokens).unwrap_or_default()
    }

    fn take(&mut self, number: u64, digest: Digest) {
        self.ahead.insert(number, digest);
        while let Some(digest) = self.ahead.remove(&(self.tree.size() + 1)) {
            self.tree.push(leaf_hash(&digest.0));
        }
    }
}

impl Engine {
    pub(super) fn checked(&mut self, token: Token, result: Result<Box<Verified>, Answer>, effects: &mut Vec<Effect>) {
        self.forget(token);
        let verified = match result {
            Ok(verified) => *verified,
            Err(answer) => return effects.push(Effect::Respond { token, answer }),
        };
        let (number, digest) = (verified.number, verified.digest);
        let channel = verified.channel;
        let respond = |code, detail: String| Effect::Respond { token, answer: Answer::error(code, detail) };
        let state = self.received.entry(channel.clone()).or_default();
        if let Some((committing, waiting)) = state.committing.get_mut(&number) {
            if *committing == digest {
                waiting.push(token);
            } else {
                effects.push(respond(ErrorCode::NumberUsed, format!("number {number} was used for another dispatch")));
            }
            return;
        }
        let contiguous = state.tree.size();
        if number <= contiguous || state.ahead.contains_key(&number) {
            return effects.push(Effect::Replay { token, channel, number, digest });
        }
        state.held = state.held.max(verified.receipts_held_up_to);
        if number - contiguous > CHANNEL_WINDOW {
            if verified.receipts_held_up_to > contiguous {
                return effects.push(Effect::Respond { token, answer: Answer::Resend { after: contiguous } });
            }
            let detail = format!("number {number} is more than {CHANNEL_WINDOW} above {contiguous}");
            return effects.push(respond(ErrorCode::NumberOutOfWindow, detail));
        }
        state.take(number, digest);
        state.committing.insert(number, (digest, vec![token]));
        let (tree, held) = (state.tree.clone(), state.held);
        let received = &mut self.totals.received;
        received.dispatches += 1;
        received.refused += u64::from(matches!(verified.outcome, Outcome::Refused(_)));
        received.withdrawn += u64::from(verified.outcome == Outcome::Withdrawn);
        received.accepted += verified.counts.0;
        received.rejected += verified.counts.1;

        let skeleton = Skeleton {
            kind: EntryKind::Received,
            agreement: verified.agreement,
            channel: channel.clone(),
            number,
            due: verified.due,
        };
        let stand = StandRow::settled(digest, &verified.outcome, verified.counts.0 + verified.counts.1);
        let body = ReceiptBody {
            dispatch: digest,
            outcome: verified.outcome,
            contiguous: tree.size(),
            channel_root: tree.root(),
        }
        .to_cbor();
        let [salt, body_salt] = verified.salts;
        let entry = Opening::new(&skeleton, body.clone(), salt, body_salt);
        let received = Write::Received {
            channel: channel.clone(),
            number,
            entry: 0,
            at: verified.at,
            arrival: verified.arrival,
            body,
            payload: verified.payload,
            records: verified.records,
            rejected: verified.rejected,
            source: verified.source,
            tree,
            held,
            stand,
        };
        let ticket = self.ticket();
        self.pending.insert(ticket, Pending::Received { channel, number });
        let writes = vec![received, Write::Totals(self.totals.clone())];
        effects.push(Effect::Commit { ticket, writes, entries: vec![entry], prove: true });
    }
}
