//! `--watch`: waits for the end and tells meanwhile what changes at the nodes.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use luxor_protocol::api::{Status, Traffic};
use serde::Serialize;

use super::members::ROLES;
use super::report::print_json;
use super::run::Course;
use crate::local::Stop;
use crate::ui::{self, count};

/// Pause between two looks at the nodes; each look shows one line a node at most.
const LOOK: Duration = Duration::from_secs(1);

/// Shows a line for each node whose counts change, until it is time to stop.
pub(super) fn follow(course: &mut Course, stop: &Stop, json: bool) -> Result<()> {
    // The report told the state at its time; the audit has added nothing since.
    let statuses = &course.outcome.statuses;
    let mut known: BTreeMap<_, _> =
        statuses.iter().map(|(member, status)| (*member, Some(Counts::of(status)))).collect();
    while !stop.within(LOOK) {
        for role in &ROLES {
            let Some(client) = course.clients.get(role.id) else { continue };
            let now = match client.status() {
                Ok(status) => Some(Counts::of(&status)),
                Err(error) => {
                    // One that has ended is told with the end of its log.
                    course.children.check()?;
                    if known.get(role.id).is_some_and(Option::is_some) {
                        ui::error(&anyhow::Error::new(error).context(format!("status of {}", role.id)));
                    }
                    None
                }
            };
            let before = known.insert(role.id, now.clone()).flatten();
            let Some(now) = now.filter(|now| Some(now) != before.as_ref()) else { continue };
            match json {
                true => print_json(&now)?,
                false => ui::line(&format!("{}: {}", role.id, now.since(&before.unwrap_or_default())))?,
            }
        }
        course.children.check()?;
    }
    Ok(())
}

/// What is watched of a node, and a line of `--watch --json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
struct Counts {
    node: String,
    log_entries: u64,
    outbox: u64,
    sent: Traffic,
    received: Traffic,
    requests_refused: u64,
    strangers: u64,
}

impl Counts {
    fn of(status: &Status) -> Self {
        Self {
            node: status.node.clone(),
            log_entries: status.log_entries,
            outbox: status.outbox,
            sent: status.sent.clone(),
            received: status.received.clone(),
            requests_refused: status.errors.values().sum(),
            strangers: status.strangers,
        }
    }

    /// What is new, in words.
    fn since(&self, before: &Self) -> String {
        let mut parts = Vec::new();
        parts.extend(traffic("received", &self.received, &before.received));
        parts.extend(traffic("got receipts for", &self.sent, &before.sent));
        if self.outbox != before.outbox {
            parts.push(format!("{} without receipt", count(self.outbox)));
        }
        let more =
            |what: &str, now: u64, before: u64| (now > before).then(|| format!("{} {what}", count(now - before)));
        parts.extend(more("requests refused", self.requests_refused, before.requests_refused));
        parts.extend(more("connections of strangers closed", self.strangers, before.strangers));
        parts.push(format!("{} entries in its log", count(self.log_entries)));
        parts.join("; ")
    }
}

fn traffic(what: &str, now: &Traffic, before: &Traffic) -> Option<String> {
    let more = |count: fn(&Traffic) -> u64| count(now).saturating_sub(count(before));
    let dispatches = more(|t| t.dispatches);
    let plural = if dispatches == 1 { "dispatch" } else { "dispatches" };
    let (accepted, rejected) = (count(more(|t| t.accepted)), count(more(|t| t.rejected)));
    (now != before)
        .then(|| format!("{what} {} {plural} (records: {accepted} accepted, {rejected} rejected)", count(dispatches)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_as_what_is_new() {
        let received = |dispatches, accepted| Traffic { dispatches, accepted, ..Traffic::default() };
        let before = Counts { received: received(9, 4_000), log_entries: 9, ..Counts::default() };
        let now = Counts { received: received(10, 4_001), log_entries: 10, ..Counts::default() };
        let told = now.since(&before);
        assert_eq!(told, "received 1 dispatch (records: 1 accepted, 0 rejected); 10 entries in its log");
        let waiting = Counts { outbox: 3, strangers: 2, ..before.clone() };
        let told = waiting.since(&before);
        assert_eq!(told, "3 without receipt; 2 connections of strangers closed; 9 entries in its log");
    }
}
