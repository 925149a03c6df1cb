//! The bytes of an audit's report.
//!
//! Not here: what they mean ([`crate::audit`]).

use crate::audit::{AuditReport, ChannelSummary, Finding, MAX_FINDINGS};
use crate::cbor::{CborError, Decode, Encode, Reader, Writer};
use crate::exchange::Lane;
use crate::limits::{MAX_MEMBERS, MAX_NODES};
use crate::names::NodeRef;

/// Bytes of a finding's words; longer ones are cut.
const MAX_WORDS: usize = 2_000;
/// Bytes of a root in hexadecimal.
const MAX_ROOT: usize = 64;
/// Bytes of a node's name: two names and a slash.
const MAX_NODE_NAME: usize = 81;
/// Channels of one node: both directions and lanes with each other node, in 16 epochs.
const MAX_CHANNELS: usize = MAX_MEMBERS * MAX_NODES * 64;
/// Numbers of a report, in the order of [`numbers`].
const NUMBERS: usize = 13;

/// The numbers of a report.
fn numbers(report: &AuditReport) -> [u64; NUMBERS] {
    [
        report.epoch,
        report.entries,
        report.checkpoints,
        report.skeletons,
        report.bodies,
        report.withheld,
        report.dispatch_signatures,
        report.receipts,
        report.withdrawals,
        report.without_receipt,
        report.without_evidence,
        report.peer_checkpoints,
        report.findings_count,
    ]
}

impl Encode for AuditReport {
    fn encode(&self, writer: &mut Writer) {
        writer.array(5);
        writer.text(&self.node);
        writer.text(&self.root);
        writer.array(NUMBERS);
        numbers(self).into_iter().for_each(|number| writer.uint(number));
        writer.array(self.channels.len());
        for channel in &self.channels {
            writer.array(6);
            channel.sender.encode(writer);
            channel.recipient.encode(writer);
            writer.uint(channel.epoch);
            channel.lane.encode(writer);
            writer.uint(channel.count);
            writer.text(&channel.root);
        }
        writer.array(self.findings.len());
        for finding in &self.findings {
            writer.array(2);
            match finding.entry {
                Some(entry) => writer.uint(entry),
                None => writer.null(),
            }
            writer.text(cut(&finding.what));
        }
    }
}

impl Decode for AuditReport {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.tuple(5)?;
        let (node, root) = (reader.text(MAX_NODE_NAME)?.to_owned(), reader.text(MAX_ROOT)?.to_owned());
        reader.tuple(NUMBERS)?;
        let mut report = Self {
            node,
            root,
            epoch: reader.uint()?,
            entries: reader.uint()?,
            checkpoints: reader.uint()?,
            skeletons: reader.uint()?,
            bodies: reader.uint()?,
            withheld: reader.uint()?,
            dispatch_signatures: reader.uint()?,
            receipts: reader.uint()?,
            withdrawals: reader.uint()?,
            without_receipt: reader.uint()?,
            without_evidence: reader.uint()?,
            peer_checkpoints: reader.uint()?,
            findings_count: reader.uint()?,
            ..Self::default()
        };
        reader.leave();
        for _ in 0..reader.array(MAX_CHANNELS)? {
            reader.tuple(6)?;
            report.channels.push(ChannelSummary {
                sender: NodeRef::decode(reader)?,
                recipient: NodeRef::decode(reader)?,
                epoch: reader.uint()?,
                lane: Lane::decode(reader)?,
                count: reader.uint()?,
                root: reader.text(MAX_ROOT)?.to_owned(),
            });
            reader.leave();
        }
        reader.leave();
        let start = reader.position();
        for _ in 0..reader.array(MAX_FINDINGS)? {
            reader.tuple(2)?;
            let entry = if reader.null()? { None } else { Some(reader.uint()?) };
            report.findings.push(Finding { entry, what: reader.text(MAX_WORDS)?.to_owned() });
            reader.leave();
        }
        reader.leave();
        if report.findings_count < report.findings.len() as u64 {
            return Err(reader.refuse(start, "more findings than were counted"));
        }
        reader.leave();
        Ok(report)
    }
}

/// At most [`MAX_WORDS`] bytes, whole characters.
fn cut(words: &str) -> &str {
    let mut end = words.len().min(MAX_WORDS);
    while !words.is_char_boundary(end) {
        end -= 1;
    }
    &words[..end]
}
