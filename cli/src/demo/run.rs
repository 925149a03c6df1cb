//! The course of events: found, start, submit, wait, read, verify. The nodes run on until told to end.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::Args;
use super::members::{AUDITOR, CUSTOMS, DEALS, PARTIAL, PLAN, PLATFORM, ROLES};
use super::report::Outcome;
use super::source::Source;
use super::submission::Submission;
use super::{sights, verify};
use crate::client::Client;
use crate::local::{self, Children, Network, Place};
use crate::ui;

/// The network after the course of events, its nodes still running. No process outlives it, whatever happens.
pub(super) struct Course {
    /// What happened.
    pub(super) outcome: Outcome,
    /// Every member's interface.
    pub(super) clients: BTreeMap<&'static str, Client>,
    /// The folders.
    pub(super) network: Network,
    /// The nodes.
    pub(super) children: Children,
    // Behind the nodes, so that they are gone before their folder goes.
    place: Place,
}

impl Course {
    /// Whether the folder stays.
    pub(super) fn is_kept(&self) -> bool {
        matches!(self.place, Place::Kept(_))
    }

    /// Ends the nodes. Returns their folder if it stays, and removes it if not.
    pub(super) fn end(mut self) -> Result<(Outcome, Option<PathBuf>)> {
        self.children.end()?;
        Ok((self.outcome, self.place.keep()))
    }
}

/// Runs the demo up to its report.
pub(super) fn run(args: &Args) -> Result<Course> {
    let luxord = local::luxord(args.luxord.as_deref())?;
    let source = Source::open(args)?;
    let place = Place::new("luxor-demo-", args.keep.as_deref())?;
    let mut clock = Clock::new();

    ui::say(&format!("founding a network of {} members in {}", ROLES.len(), place.path().display()));
    let network = Network::found(place.path(), &PLAN)?;
    clock.lap("founding");

    let (mut children, clients) = local::start(&network, &luxord, &ROLES)?;
    clock.lap("starting");
    ui::say(&format!("{} nodes are ready; submitting {}", ROLES.len(), source.title()));

    let client = |member: &str| clients.get(member).with_context(|| format!("no client for {member}"));
    let platform = client(PLATFORM)?;
    let title = source.title();
    let mut submission = Submission::new(platform, "demo");
    source.submit(&mut submission)?;
    let submitted = submission.finish()?;
    clock.lap("submitting");

    let outbox = local::settle(platform, &mut children)?;
    clock.lap("receipts");

    let mut statuses = BTreeMap::new();
    for (member, client) in &clients {
        statuses.insert(*member, client.status().with_context(|| format!("status of {member}"))?);
    }
    let some = |members: &[&'static str]| {
        members.iter().map(|member| Ok((*member, client(member)?.clone()))).collect::<Result<Vec<_>>>()
    };
    let sights = sights::look(&some(&CUSTOMS)?, &some(&PARTIAL)?)?;
    clock.lap("reading");

    ui::say(&format!("the auditor reads {} logs", ROLES.len()));
    let verified = verify::verify(&network, client(AUDITOR)?)?;
    clock.lap("audit");

    let mut outcome = Outcome {
        source: title,
        submitted,
        outbox,
        statuses,
        verified,
        sights,
        accounts: Vec::new(),
        times: clock.laps,
    };
    outcome.accounts = accounts(&outcome);
    Ok(Course { outcome, clients, network, children, place })
}

/// Compares what the platform's node, its recipients and the audit count.
fn accounts(outcome: &Outcome) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut equal = |what: &str, left: u64, right: u64| {
        if left != right {
            wrong.push(format!("{what}: {left} against {right}"));
        }
    };
    let submitted = &outcome.submitted;
    equal("rows read, and rows refused or submitted", submitted.rows, submitted.rows_refused + submitted.rows_taken);
    let (accepted, rejected) = outcome.verdicts();
    equal("records submitted, and records judged by customs", submitted.records, accepted + rejected);
    let sent = &outcome.outbox.sent;
    let flows = || DEALS.iter().filter(|deal| deal.from == [PLATFORM]);
    let received = || flows().filter_map(|deal| outcome.statuses.get(deal.to)).map(|status| &status.received);
    equal("dispatches sent and received", sent.dispatches, received().map(|r| r.dispatches).sum());
    equal("records accepted by receipts and by recipients", sent.accepted, received().map(|r| r.accepted).sum());
    equal("records rejected by receipts and by recipients", sent.rejected, received().map(|r| r.rejected).sum());
    equal("dispatches sent and receipts verified", sent.dispatches, outcome.verified.receipts());
    for member in PARTIAL {
        let judged = outcome.statuses.get(member).map_or(0, |s| s.received.accepted + s.received.rejected);
        equal(&format!("records submitted, and records judged by {member}"), submitted.records, judged);
    }
    wrong
}

/// What took how long.
pub(super) struct Clock {
    last: Instant,
    pub(super) laps: Vec<(&'static str, Duration)>,
}

impl Clock {
    pub(super) fn new() -> Self {
        Self { last: Instant::now(), laps: Vec::new() }
    }

    pub(super) fn lap(&mut self, what: &'static str) {
        self.laps.push((what, self.last.elapsed()));
        self.last = Instant::now();
    }
}

#[cfg(test)]
mod tests {
    use super::super::{sights::Sights, submission::Submitted, verify::Verified};
    use super::*;
    use luxor_protocol::api::{OutboxState, Status, Traffic};
    use luxor_protocol::audit::AuditReport;

    fn outcome(customs_accepted: u64, receipts: u64) -> Outcome {
        let traffic = |dispatches, accepted| Traffic { dispatches, accepted, ..Traffic::default() };
        let status = |received| Status { received, ..Status::default() };
        let statuses = [("customs-kr", customs_accepted), ("customs-eu", 0), ("post", 7), ("carrier", 7)];
        Outcome {
            source: String::new(),
            submitted: Submitted { rows: 9, rows_refused: 2, rows_taken: 7, records: 7, ..Submitted::default() },
            outbox: OutboxState { sent: traffic(4, 14 + customs_accepted), ..OutboxState::default() },
            statuses: statuses.into_iter().map(|(member, n)| (member, status(traffic(1, n)))).collect(),
            verified: Verified {
                reports: vec![AuditReport { receipts, ..AuditReport::default() }],
                findings: Vec::new(),
            },
            sights: Sights::default(),
            accounts: Vec::new(),
            times: Vec::new(),
        }
    }

    #[test]
    fn what_does_not_add_up_is_found() {
        assert_eq!(accounts(&outcome(7, 4)), Vec::<String>::new());
        assert_eq!(accounts(&outcome(6, 4)), ["records submitted, and records judged by customs: 7 against 6"]);
        assert_eq!(accounts(&outcome(7, 3)), ["dispatches sent and receipts verified: 4 against 3"]);
        let mut lost = outcome(7, 4);
        lost.submitted.rows += 1;
        assert_eq!(accounts(&lost), ["rows read, and rows refused or submitted: 10 against 9"]);
    }
}
