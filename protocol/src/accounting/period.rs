//! Months of accounts (UTC): what records of duty bring into them, and corrections of those that are closed.
//!
//! What stood in the log when a month was closed is in it. What comes later and would change it becomes a correction in the first month that
//! was still open then, and names the month that it mends. So the months follow from the records and from when each was closed, whatever
//! order they are looked at in.

use std::collections::BTreeMap;

use super::said::{Kind, Said};
use super::standing::{Head, Holding};
use crate::hash::Digest;
use crate::names::{Currency, MemberId, Territory, words};
use crate::recognition::Period;
use crate::revenue::{Exact, Stage};
use crate::time::Millis;

words!(
    /// Why a closed month is corrected.
    Late, "reason of a correction", {
        /// The record came late.
        Late = "late";
        /// It was corrected.
        Corrected = "corrected";
        /// It was taken back.
        Cancelled = "cancelled";
    }
);

/// That a month of an account was closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// The account.
    pub account: String,
    /// The month.
    pub period: Period,
    /// When.
    pub at: Millis,
    /// By whom.
    pub by: String,
}

/// Why a month was not closed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CloseError {
    /// It is.
    #[error("{period} of account {account} was closed at {at} by {by}")]
    Already {
        /// The account.
        account: String,
        /// The month.
        period: Period,
        /// When it was closed.
        at: Millis,
        /// By whom.
        by: String,
    },
    /// It is not over.
    #[error("{period} is not over\nhint: a month is closed when it has ended, in UTC")]
    NotOver {
        /// The month.
        period: Period,
    },
    /// An earlier one is open.
    #[error("{period} of account {account} cannot be closed before {earlier}, in which something stands")]
    Order {
        /// The account.
        account: String,
        /// The month.
        period: Period,
        /// The earlier one.
        earlier: Period,
    },
    /// Records are known that came later than the moment of closing.
    #[error("a record of {known} is known, later than the {at} at which the month would be closed\nhint: close it now")]
    Past {
        /// When it would be closed.
        at: Millis,
        /// When the last record came.
        known: Millis,
    },
}

/// A correction of a closed month.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Correction {
    /// The account.
    pub account: String,
    /// The month that it mends.
    pub mends: Period,
    /// The month in which it stands.
    pub period: Period,
    /// The record that brings it.
    pub record: Digest,
    /// Its tax.
    pub tax: String,
    /// Whose it is.
    pub territory: Territory,
    /// The currency.
    pub currency: Currency,
    /// By how much; below zero where less is owed.
    pub amount: Exact,
    /// The record's reference.
    pub reference: Option<String>,
    /// Who issued it.
    pub by: MemberId,
    /// Why.
    pub why: Late,
}

/// What stands in a month.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filled {
    /// Records of duty.
    pub records: u64,
    /// Sums and numbers of lines by tax, territory and currency; of corrections of earlier months not.
    pub totals: BTreeMap<(String, Territory, Currency), (Exact, u64)>,
}

/// Months that are closed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Closes(pub(super) BTreeMap<(String, Period), Closed>);

/// What the versions of one record of duty bring.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Brought {
    /// The month in which it stands, with its lines; nothing where it does not count, or only as corrections.
    pub(super) months: BTreeMap<(String, Period), Lines>,
    pub(super) corrections: Vec<Correction>,
}

pub(super) type Lines = BTreeMap<(String, Territory, Currency), (Exact, i64)>;

impl Closes {
    /// Whether a month was closed before what came then.
    fn before(&self, account: &str, period: Period, at: Millis) -> bool {
        self.0.get(&(account.to_owned(), period)).is_some_and(|closed| closed.at < at)
    }

    fn first_open(&self, account: &str, after: Period, at: Millis) -> Period {
        let mut period = after.next();
        while self.before(account, period, at) {
            period = period.next();
        }
        period
    }
}

impl Brought {
    /// By all versions of one record, those of which only the head is known among them.
    pub(super) fn of(heads: &[Head], whole: &[Said], stage: Stage, closes: &Closes) -> Self {
        let mut times: Vec<(Millis, Digest)> = heads.iter().map(|head| (head.at, head.root)).collect();
        times.sort_unstable();
        times.dedup_by_key(|(_, root)| *root);
        let mut brought = Self::default();
        let mut before = None;
        for (nth, (at, by)) in times.iter().enumerate() {
            // What came at one moment counts together.
            if times.get(nth + 1).is_some_and(|(next, _)| next == at) {
                continue;
            }
            let known = Holding::of(heads.iter().filter(|head| head.at <= *at));
            let now = known.holds().and_then(|root| whole.iter().find(|said| said.root == root));
            let now = now.and_then(|said| stand(said, stage));
            let root = now.as_ref().map_or(*by, |(_, _, said)| said.root);
            brought.step(&before, &now, *at, root, whole, closes);
            before = now;
        }
        brought.months.retain(|_, lines| !lines.is_empty());
        brought
    }

    fn step(
        &mut self,
        before: &Option<Standing<'_>>,
        now: &Option<Standing<'_>>,
        at: Millis,
        root: Digest,
        whole: &[Said],
        closes: &Closes,
    ) {
        let months: std::collections::BTreeSet<_> =
            [before, now].into_iter().flatten().map(|(month, ..)| month.clone()).collect();
        for month in months {
            let of = |standing: &Option<Standing<'_>>| match standing {
                Some((known, lines, _)) if *known == month => lines.clone(),
                _ => Lines::new(),
            };
            let (old, new) = (of(before), of(now));
            let (account, period) = &month;
            if !closes.before(account, *period, at) {
                self.months.insert(month.clone(), new);
                continue;
            }
            let stands = closes.first_open(account, *period, at);
            let keys: std::collections::BTreeSet<_> = old.keys().chain(new.keys()).cloned().collect();
            for key in keys {
                let amount = |lines: &Lines| lines.get(&key).map_or(Exact::ZERO, |(amount, _)| *amount);
                // Sums of one record's lines, which were added before.
                let amount = amount(&new).minus(amount(&old)).unwrap_or(Exact::ZERO);
                // Of what takes a record back perhaps only the head is known.
                let said = whole.iter().find(|said| said.root == root).or_else(|| whole.first());
                let Some(said) = said.filter(|_| !amount.is_zero()) else { continue };
                let (tax, territory, currency) = key;
                self.corrections.push(Correction {
                    account: account.clone(),
                    mends: *period,
                    period: stands,
                    record: root,
                    tax,
                    territory,
                    currency,
                    amount,
                    reference: said.reference.clone(),
                    by: said.by.clone(),
                    why: match (old.is_empty(), new.is_empty()) {
                        (true, _) => Late::Late,
                        (false, true) => Late::Cancelled,
                        (false, false) => Late::Corrected,
                    },
                });
            }
        }
    }
}

type Standing<'s> = ((String, Period), Lines, &'s Said);

fn stand(said: &Said, stage: Stage) -> Option<Standing<'_>> {
    let Kind::Duty(duty) = &said.what.0 else { return None };
    if duty.stage != stage {
        return None;
    }
    let month = (duty.account.clone()?, duty.period?);
    let mut lines = Lines::new();
    for line in &duty.lines {
        let key = (line.tax.clone(), duty.territory, line.amount.currency);
        let sum = lines.entry(key).or_insert((Exact::ZERO, 0));
        *sum = (sum.0.plus(line.amount.amount).unwrap_or(sum.0), sum.1 + 1);
    }
    Some((month, lines, said))
}
