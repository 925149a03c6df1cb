//! At the end of the month both nodes of every channel sign one statement about every number of it.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use luxor_protocol::api::{StatementLine, WindowCloseRequest};

use crate::client::Client;

/// What was signed.
#[derive(Debug, Default)]
pub(super) struct Closed {
    /// Channels with one statement of the same digest at both sides, which differ nowhere.
    pub(super) channels: u64,
    /// Their numbers, all of which the statements cover.
    pub(super) numbers: u64,
    /// What does not agree.
    pub(super) findings: Vec<String>,
}

/// Closes every channel of every member, and compares what both sides then have.
pub(super) fn close(clients: &BTreeMap<&'static str, Client>) -> Result<Closed> {
    let mut closed = Closed::default();
    for (member, client) in clients {
        for line in client.channels().with_context(|| format!("channels of {member}"))? {
            let channel = &line.channel;
            if channel.sender.member().as_str() != *member {
                continue;
            }
            let request =
                WindowCloseRequest { recipient: channel.recipient.clone(), lane: channel.lane, from: None, to: None };
            let signed = client.close_window(&request).with_context(|| format!("closing {member}'s channel"))?;
            let name = luxor_protocol::exchange::Channel::from(channel.clone()).to_string();
            let differ = signed.differences.len() + signed.more;
            let recipient = channel.recipient.member();
            let other = clients.get(recipient.as_str()).with_context(|| format!("no client for {recipient}"))?;
            let theirs = other.statements(channel, signed.to)?;
            let finding = match () {
                () if !signed.equal => format!("the two sides differ at {differ} numbers"),
                () if (signed.from, signed.to) != (1, line.last) => {
                    format!("the statement covers {} to {} of {} numbers", signed.from, signed.to, line.last)
                }
                () if !theirs.iter().any(|statement| same(statement, &signed)) => {
                    format!("the recipient has no statement {}", signed.digest)
                }
                () => {
                    closed.channels += 1;
                    closed.numbers += line.last;
                    continue;
                }
            };
            closed.findings.push(format!("{name}: {finding}"));
        }
    }
    Ok(closed)
}

fn same(one: &StatementLine, other: &StatementLine) -> bool {
    one.digest == other.digest && one.from == other.from && one.to == other.to
}
