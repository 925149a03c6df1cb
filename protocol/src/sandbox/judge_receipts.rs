//! What an integrator's node does with a wrong receipt: it does not count it, tells of it, and sends again until it has a true one.

use std::collections::BTreeMap;

use super::judge::{Check, Requirement, Verdict};
use super::receipts::{ReceiptEvent, ReceiptLine};
use super::trace::{Line, What};
use crate::exchange::Lane;
use crate::names::MemberId;
use crate::time::Millis;

/// For how long a node may wait before it sends again: the longest pause of a node by its defaults, twice.
const PATIENCE_MS: u64 = 120_000;

/// All that happened to one receipt.
struct Case<'t> {
    first: &'t ReceiptLine,
    wrong: u64,
    given: bool,
    counted: bool,
    told: Option<&'t str>,
}

/// Three requirements for each dispatch whose receipt was played with; the last one alone where it was true, and late.
pub(super) fn receipts(trace: &[Line], now: Millis) -> Vec<Check> {
    let mut cases: BTreeMap<(&MemberId, Lane, u64), Case<'_>> = BTreeMap::new();
    for line in trace {
        match &line.what {
            What::Receipt(of) => {
                let new = || Case { first: of, wrong: 0, given: false, counted: false, told: None };
                let case = cases.entry((&line.partner, of.lane, of.number)).or_insert_with(new);
                match of.event {
                    ReceiptEvent::Wrong => case.wrong += 1,
                    ReceiptEvent::True => case.given = true,
                    ReceiptEvent::Counted => case.counted = true,
                }
            }
            What::Waits { lane, number, reason } => {
                if let Some(case) = cases.get_mut(&(&line.partner, *lane, *number)) {
                    case.told = Some(reason);
                }
            }
            _ => {}
        }
    }
    let mut checks = Vec::new();
    for ((partner, _, number), case) in cases {
        let of = case.first;
        let what = format!("dispatch {number} got {}", of.wrong.words());
        let mut add = |requirement, verdict, text: String| {
            let (partner, record) = (Some(partner.clone()), Some(of.reference.clone()));
            checks.push(Check { requirement, verdict, partner, record, pointer: None, text });
        };
        if of.wrong.gives_wrong() {
            match case.counted {
                true => add(
                    Requirement::ReceiptNotCounted,
                    Verdict::Wrong,
                    format!("{what}, and a later dispatch says that a receipt for it is held"),
                ),
                false => add(Requirement::ReceiptNotCounted, Verdict::Met, format!("{what}, which was not counted")),
            }
        }
        if of.wrong != super::Damage::Late {
            match case.told {
                Some(reason) => {
                    add(Requirement::ReceiptTold, Verdict::Met, format!("{what}; the outbox says: {reason}"))
                }
                None => add(
                    Requirement::ReceiptTold,
                    Verdict::Missing,
                    format!("{what}, and the outbox gave no reason why it waits"),
                ),
            }
        }
        let over = now.0.saturating_sub(of.at) > PATIENCE_MS;
        let settled = match (case.given, over) {
            (true, _) => (Verdict::Met, format!("{what} ({} times), then a true one", case.wrong)),
            (false, true) => (Verdict::Missing, format!("{what} ({} times), and was not sent again", case.wrong)),
            (false, false) => (Verdict::Open, format!("{what} ({} times) before the rehearsal ended", case.wrong)),
        };
        add(Requirement::ReceiptSettled, settled.0, settled.1);
    }
    checks
}
