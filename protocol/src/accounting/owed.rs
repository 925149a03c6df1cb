//! What accounts owe for months and whether it was paid: summaries against the records of duty known here, their lists, entries of banks.
//!
//! There are few summaries, so they are judged together when somebody looks. Not here: how payments are matched
//! ([`crate::revenue::match_payments`]).

use std::collections::{BTreeMap, BTreeSet};

use super::class::{Class, Difference, Finding, Key, Side, Subject};
use super::closure::reference_mark;
use super::judge::side;
use super::kept::Mark;
use super::period::Filled;
use super::rules::{Rules, TermKind};
use super::said::{Kind, Said, Sum, Type};
use crate::hash::Digest;
use crate::limits::MAX_SUMMARY_ITEMS;
use crate::names::{Currency, Territory};
use crate::recognition::Period;
use crate::revenue::{
    Account, BankEntry, Due, Exact, Match, Money, MoneyError, Outcome, RecordRef, SummaryError, SummaryItem,
    match_payments,
};
use crate::time::Millis;

/// What came of summaries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owed {
    /// Summaries that count.
    pub summaries: u64,
    /// Entries of banks.
    pub entries: u64,
    /// Entries that name a summary.
    pub matched: u64,
}

/// Why a list was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// It is none.
    #[error("the list of {period} of account {account}: {error}")]
    Form {
        /// The account.
        account: String,
        /// The month.
        period: Period,
        /// What is wrong.
        error: SummaryError,
    },
    /// No summary that counts commits to it.
    #[error(
        "no summary of account {account} for {period} commits to this list, whose root is {root}\nhint: the list has to be the one that its issuer closed, record by record"
    )]
    Root {
        /// The account.
        account: String,
        /// The month.
        period: Period,
        /// Its root.
        root: Digest,
    },
}

/// A month as records of duty make it.
#[derive(Debug, Clone, Default)]
pub(super) struct Month {
    pub(super) filled: Filled,
    /// The records, with the row in which each stands.
    pub(super) records: BTreeMap<Mark, u32>,
}

/// The list of a summary: its root, and the records in it.
#[derive(Debug, Clone)]
pub(super) struct List {
    pub(super) root: Digest,
    records: BTreeMap<Mark, RecordRef>,
}

impl List {
    pub(super) fn of(account: &str, period: Period, items: &[SummaryItem]) -> Result<Self, ListError> {
        let failed = |error| ListError::Form { account: account.to_owned(), period, error };
        if items.len() > MAX_SUMMARY_ITEMS {
            return Err(failed(SummaryError::Full));
        }
        let mut closed = Account::new(account);
        for item in items {
            closed.add(period, item).map_err(failed)?;
        }
        let root = closed.close(period).map_err(failed)?.root;
        let mark = |item: &SummaryItem| reference_mark(Type::Duty, item.duty.issuer.as_str(), &item.duty.reference);
        Ok(Self { root, records: items.iter().map(|item| (mark(item), item.duty.clone())).collect() })
    }
}

/// All that summaries are judged by.
pub(super) struct Look<'l> {
    pub(super) rules: &'l Rules,
    pub(super) now: Millis,
    pub(super) summaries: &'l BTreeMap<Mark, Said>,
    pub(super) months: &'l BTreeMap<(String, Period), Month>,
    pub(super) lists: &'l BTreeMap<(String, Period), List>,
    pub(super) entries: &'l [BankEntry],
}

/// What differs about summaries.
#[derive(Default)]
pub(super) struct Looked {
    pub(super) findings: Vec<Finding>,
    pub(super) owed: Owed,
    /// When a term ends first that runs: nothing of it changes by time alone before.
    pub(super) until: Option<Millis>,
}

/// A record of duty by its mark and row.
pub(super) type Find<'f> = &'f dyn Fn(&Mark, u32) -> Option<Said>;

impl Look<'_> {
    /// Everything that differs about summaries.
    pub(super) fn look(&self, find: Find<'_>) -> Result<Looked, MoneyError> {
        let mut looked = Looked::default();
        let sums: Vec<(&Said, &Sum)> = self.summaries.values().filter_map(|said| Some((said, sum_of(said)?))).collect();
        let accounts: BTreeSet<&str> = self.months.keys().map(|(account, _)| account.as_str()).collect();
        // Of an account of which nothing is seen here nothing can be compared.
        for (said, sum) in sums.iter().filter(|(_, sum)| accounts.contains(sum.account.as_str())) {
            self.compare(said, sum, find, &mut looked.findings);
        }
        self.payments(&sums, &mut looked)?;
        looked.findings.retain(|finding| !self.rules.off.contains(&finding.key.class));
        Ok(looked)
    }

    fn compare(&self, said: &Said, sum: &Sum, find: Find<'_>, findings: &mut Vec<Finding>) {
        let month = (sum.account.clone(), sum.period);
        let empty = Month::default();
        let known = self.months.get(&month).unwrap_or(&empty);
        let make = |class, about: String, text: String, sides, difference| Finding {
            key: Key { class, subject: Subject::Account(sum.account.clone(), sum.period), about },
            period: sum.period,
            since: said.at,
            text,
            sides,
            difference,
        };
        if let Some(list) = self.lists.get(&month).filter(|list| Some(list.root) == sum.root) {
            let told = || side("summed up", format!("{} records", sum.count), said);
            for (_, record) in list.records.iter().filter(|(mark, _)| !known.records.contains_key(*mark)) {
                let text = format!("the summary of {} has duty {record}, which is not known here", said.by);
                findings.push(make(Class::SummaryUnknownItem, record.to_string(), text, vec![told()], None));
            }
            for (mark, row) in known.records.iter().filter(|(mark, _)| !list.records.contains_key(*mark)) {
                let Some(duty) = find(mark, *row) else { continue };
                let record = duty.named().to_string();
                let text = format!("the summary of {} does not have duty {record}", said.by);
                let sides = vec![side("known", "not in the list", &duty), told()];
                findings.push(make(Class::SummaryLacksItem, record, text, sides, None));
            }
            return;
        }
        let mine: BTreeMap<_, _> =
            known.filled.totals.iter().map(|(key, (amount, _))| (key.clone(), *amount)).collect();
        let theirs = sum.totals.as_ref().map(|totals| {
            let mut all: BTreeMap<(String, Territory, Currency), Exact> = BTreeMap::new();
            for (tax, territory, money) in totals {
                let total = all.entry((tax.clone(), *territory, money.currency)).or_insert(Exact::ZERO);
                *total = total.plus(money.amount).unwrap_or(*total);
            }
            all
        });
        let nonzero = |all: &BTreeMap<(String, Territory, Currency), Exact>| -> BTreeMap<_, _> {
            all.iter().filter(|(_, amount)| !amount.is_zero()).map(|(key, amount)| (key.clone(), *amount)).collect()
        };
        let same = theirs.as_ref().is_none_or(|theirs| nonzero(theirs) == nonzero(&mine));
        if same && sum.count == known.filled.records {
            return;
        }
        let text = format!(
            "the summary of {} has {} records, {} are known here{}",
            said.by,
            sum.count,
            known.filled.records,
            if same { "" } else { "; the totals differ" }
        );
        let tell = |count: u64, totals: &BTreeMap<(String, Territory, Currency), Exact>| {
            let mut says = vec![format!("{count} records")];
            says.extend(totals.iter().map(|((tax, territory, currency), amount)| {
                format!("{tax} of {territory} {}", Money::new(*amount, *currency))
            }));
            says.join("; ")
        };
        let empty = BTreeMap::new();
        let known_side = Side {
            what: "known",
            says: tell(known.filled.records, &mine),
            by: None,
            table: Type::Duty.word(),
            reference: None,
            root: None,
            at: None,
        };
        let sides = vec![side("summed up", tell(sum.count, theirs.as_ref().unwrap_or(&empty)), said), known_side];
        let currencies: BTreeSet<Currency> =
            mine.keys().chain(theirs.iter().flat_map(BTreeMap::keys)).map(|(_, _, currency)| *currency).collect();
        let total = |all: &BTreeMap<(String, Territory, Currency), Exact>| {
            all.values().try_fold(Exact::ZERO, |sum, amount| sum.plus(*amount))
        };
        let difference = match (currencies.len(), &theirs) {
            (1, Some(theirs)) => total(theirs).and_then(|theirs| theirs.minus(total(&mine)?)).ok(),
            _ => None,
        };
        let unit = currencies.first().map(ToString::to_string).unwrap_or_default();
        let difference = difference.filter(|amount| !amount.is_zero()).map(|amount| Difference { amount, unit });
        findings.push(make(Class::SummaryDiffers, said.named().to_string(), text, sides, difference));
    }

    fn payments(&self, sums: &[(&Said, &Sum)], looked: &mut Looked) -> Result<(), MoneyError> {
        let Looked { findings, until, .. } = looked;
        let owed: Vec<(&Said, &Sum, Due)> = sums
            .iter()
            .filter_map(|(said, sum)| {
                let (amount, reference) = (sum.payable?, sum.payment_reference.clone()?);
                let due = Due { account: sum.account.clone(), period: sum.period, reference, amount };
                Some((*said, *sum, due))
            })
            .collect();
        let dues: Vec<Due> = owed.iter().map(|(_, _, due)| due.clone()).collect();
        let matched = match_payments(&dues, self.entries)?;
        for one in &matched.matches {
            self.paid(one, &owed, findings);
        }
        for (said, sum, due) in matched.unpaid.iter().filter_map(|at| owed.get(*at)) {
            let begins =
                sum.due.map_or(said.at, |day| Millis(u64::try_from(day.0).unwrap_or(0).saturating_mul(86_400_000)));
            let Some(end) = self.rules.ends(TermKind::Payment, begins).filter(|_| due.amount.amount > Exact::ZERO)
            else {
                continue;
            };
            if end > self.now {
                *until = Some(until.map_or(end, |until| until.min(end)));
                continue;
            }
            let when = sum.due.map(|day| format!(", due on {day}")).unwrap_or_default();
            findings.push(Finding {
                key: key(Class::SummaryUnpaid, said, sum),
                period: sum.period,
                since: begins,
                text: format!(
                    "{} is owed under reference {}{when}, and no payment names it",
                    due.amount, due.reference
                ),
                sides: vec![side("owed", due.amount.to_string(), said)],
                difference: Some(lacks(due.amount)),
            });
        }
        let mut equal: BTreeMap<String, u64> = BTreeMap::new();
        for entry in matched.unknown.iter().filter_map(|at| self.entries.get(*at)) {
            let name = name_of(entry);
            let nth = equal.entry(name.clone()).or_default();
            *nth += 1;
            let about = if *nth == 1 { String::new() } else { nth.to_string() };
            findings.push(Finding {
                key: Key { class: Class::PaymentUnknown, subject: Subject::Entry(name), about },
                period: Period::of(entry.booked),
                since: Millis(u64::try_from(entry.booked.0).unwrap_or(0).saturating_mul(86_400_000)),
                text: format!("{} was booked on {} and names no summary", entry.amount, entry.booked),
                sides: vec![paid_side(entry)],
                difference: Some(Difference { amount: entry.amount.amount, unit: entry.amount.currency.to_string() }),
            });
        }
        looked.owed = Owed {
            summaries: sums.len() as u64,
            entries: self.entries.len() as u64,
            matched: (self.entries.len() - matched.unknown.len()) as u64,
        };
        Ok(())
    }

    fn paid(&self, one: &Match, owed: &[(&Said, &Sum, Due)], findings: &mut Vec<Finding>) {
        let mut of: Vec<&(&Said, &Sum, Due)> = one.dues.iter().filter_map(|at| owed.get(*at)).collect();
        of.sort_by_key(|(said, sum, _)| (&sum.account, sum.period, said.root));
        let Some((first, sum, _)) = of.first() else { return };
        let (class, difference) = match (&one.outcome, &one.sums) {
            (Outcome::Exact, _) => return,
            (Outcome::Short(money), _) => (Class::SummaryShort, Some(lacks(*money))),
            (Outcome::Over(money), Some((owed, came))) => {
                let twice = owed.amount > Exact::ZERO
                    && owed.amount.times(Exact::whole(2)).is_ok_and(|twice| came.amount >= twice);
                let class = if twice { Class::SummaryPaidTwice } else { Class::SummaryOver };
                (class, Some(Difference { amount: money.amount, unit: money.currency.to_string() }))
            }
            // In another currency nothing of what is owed came.
            _ => (Class::SummaryShort, None),
        };
        let months: Vec<String> = of.iter().map(|(_, sum, _)| format!("{} of {}", sum.period, sum.account)).collect();
        let sums = one.sums.map(|(owed, came)| format!(": {owed} owed, {came} paid")).unwrap_or_default();
        let text = format!("{}, {}{sums}", months.join(", "), one.outcome);
        let mut sides: Vec<Side> = of.iter().map(|(said, _, due)| side("owed", due.amount.to_string(), said)).collect();
        let mut entries: Vec<&BankEntry> = one.entries.iter().filter_map(|at| self.entries.get(*at)).collect();
        entries.sort_by_key(|entry| (entry.booked, name_of(entry)));
        sides.extend(entries.into_iter().map(paid_side));
        let since = of.iter().map(|(said, ..)| said.at).max().unwrap_or(first.at);
        findings.push(Finding { key: key(class, first, sum), period: sum.period, since, text, sides, difference });
    }
}

fn key(class: Class, said: &Said, sum: &Sum) -> Key {
    Key { class, subject: Subject::Account(sum.account.clone(), sum.period), about: said.named().to_string() }
}

fn lacks(money: Money) -> Difference {
    Difference { amount: money.amount.negative().unwrap_or(money.amount), unit: money.currency.to_string() }
}

pub(super) fn sum_of(said: &Said) -> Option<&Sum> {
    match &said.what.0 {
        Kind::Sum(sum) => Some(sum),
        _ => None,
    }
}

pub(super) fn name_of(entry: &BankEntry) -> String {
    format!("{} {} {}", entry.booked, entry.amount, entry.references.join(" "))
}

fn paid_side(entry: &BankEntry) -> Side {
    Side {
        what: "paid",
        says: format!("{} on {}", entry.amount, entry.booked),
        by: None,
        table: "bank entry",
        reference: entry.references.first().cloned(),
        root: None,
        at: None,
    }
}
