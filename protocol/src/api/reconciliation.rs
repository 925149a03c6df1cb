//! Business reconciliation: what differs per item and account, what people decided of it, months of accounts, payments.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::accounting::{Class, Correction, FindingState, Given, Late, Listed, Side, Subject};
use crate::life::{ItemId, Scheme};
use crate::names::{Currency, MemberId, Territory};
use crate::revenue::{Exact, Money, MoneyError, RecordRef, StatedLine, SummaryItem};

/// Differences on a page at most.
pub const MAX_DIFFERENCES_TOLD: usize = 1_000;
/// Corrections that are told at most; of those beyond only the number.
pub const MAX_CORRECTIONS_TOLD: usize = 1_000;
/// Characters of a name, or of a reason.
pub const MAX_DECISION_CHARS: usize = 1_000;

/// One page of differences, with the totals of all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReconciliationPage {
    /// As of when.
    pub as_of: String,
    /// Everything that is stored was read.
    pub read: bool,
    /// The next entry of the log to be looked at.
    pub followed: u64,
    /// Records that were looked at.
    pub records: u64,
    /// Numbers of items.
    pub items: u64,
    /// Records for which there was no room, and items with more links than are followed.
    pub left_out: u64,
    /// By class, of all differences, whatever the page shows; classes without any are left out.
    pub totals: Vec<ClassTotals>,
    /// Differences that were asked for.
    pub findings: Vec<FindingLine>,
    /// Corrections of closed months.
    pub corrections: Vec<CorrectionLine>,
    /// How many corrections are not told.
    pub more_corrections: u64,
    /// Where the next page begins.
    pub next: Option<String>,
}

/// Differences of one class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassTotals {
    /// The class.
    pub class: Class,
    /// How many are open.
    pub open: u64,
    /// How many are explained.
    pub explained: u64,
    /// How many are written off.
    pub written_off: u64,
    /// Sums of what the open ones differ by, by unit.
    pub differences: Vec<AmountLine>,
}

/// How much of what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AmountLine {
    /// How much, a decimal.
    pub amount: String,
    /// Of what: `kg`, `pieces`, `packages`, or a currency.
    pub unit: String,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingLine {
    /// Its short name.
    pub id: String,
    /// Its class.
    pub class: Class,
    /// How it stands.
    pub state: FindingState,
    /// Whether it was decided, and facts changed since.
    pub reopened: bool,
    /// The item.
    pub item: Option<ItemLine>,
    /// The account.
    pub account: Option<String>,
    /// The month in which its item was first spoken of; of a summary its own.
    pub period: String,
    /// Since when the facts are there.
    pub since: String,
    /// In one sentence.
    pub text: String,
    /// What was said by whom.
    pub sides: Vec<SideLine>,
    /// By how much.
    pub difference: Option<AmountLine>,
    /// Roots of the records that show it.
    pub evidence: Vec<String>,
    /// What was decided last.
    pub decision: Option<DecisionLine>,
}

/// An item's number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemLine {
    /// Whose numbers.
    pub scheme: Scheme,
    /// Who gave it.
    pub issuer: Option<String>,
    /// The number.
    pub id: String,
    /// When it was posted.
    pub posted_on: Option<String>,
}

/// What one side said or did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SideLine {
    /// What it is.
    pub what: String,
    /// The value.
    pub says: String,
    /// Who says so.
    pub by: Option<MemberId>,
    /// The record's type.
    pub r#type: String,
    /// Its reference.
    pub reference: Option<String>,
    /// Its root.
    pub record: Option<String>,
    /// When it was lodged.
    pub at: Option<String>,
}

/// A decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionLine {
    /// What.
    pub state: FindingState,
    /// By whom.
    pub by: String,
    /// When.
    pub at: String,
    /// Why.
    pub why: String,
    /// The record that shows it.
    pub record: Option<String>,
    /// How much is written off.
    pub amount: Option<AmountLine>,
}

/// A correction of a closed month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CorrectionLine {
    /// The account.
    pub account: String,
    /// The month that it mends.
    pub mends: String,
    /// The month in which it stands.
    pub period: String,
    /// Its tax.
    pub tax: String,
    /// Whose it is.
    pub territory: Territory,
    /// By how much.
    pub amount: String,
    /// Of which currency.
    pub currency: Currency,
    /// The record that brings it.
    pub record: String,
    /// Its reference.
    pub reference: Option<String>,
    /// Who issued it.
    pub by: MemberId,
    /// Why.
    pub why: Late,
}

/// Explains a difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExplainRequest {
    /// The difference's short name.
    pub id: String,
    /// Who explains it.
    pub by: String,
    /// Why it is none.
    pub why: String,
    /// The root of a record that shows it.
    #[serde(default)]
    pub record: Option<String>,
}

/// Writes a difference off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WriteOffRequest {
    /// The difference's short name.
    pub id: String,
    /// Who writes it off.
    pub by: String,
    /// Why.
    pub why: String,
    /// How much, with its currency as unit.
    #[serde(default)]
    pub amount: Option<AmountLine>,
}

/// Closes a month of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CloseRequest {
    /// The account.
    pub account: String,
    /// The month, `YYYY-MM`.
    pub period: String,
    /// Who closes it.
    pub by: String,
}

/// A month as it was closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosedLine {
    /// The account.
    pub account: String,
    /// The month.
    pub period: String,
    /// When it was closed.
    pub at: String,
    /// By whom.
    pub by: String,
    /// Records of duty in it.
    pub records: u64,
    /// Totals, by tax, territory and currency.
    pub totals: Vec<MonthTotal>,
}

/// A total of a month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MonthTotal {
    /// The tax.
    pub tax: String,
    /// Whose it is.
    pub territory: Territory,
    /// How much.
    pub amount: String,
    /// Of which currency.
    pub currency: Currency,
    /// Of how many lines.
    pub lines: u64,
}

/// An entry of a bank account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BankLine {
    /// Where it stands in its file.
    pub place: u64,
    /// How much; above zero where it came in.
    pub amount: String,
    /// Of which currency.
    pub currency: Currency,
    /// When it was booked, `YYYY-MM-DD`.
    pub booked: String,
    /// Its references.
    pub references: Vec<String>,
}

/// What became of a bank statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementTaken {
    /// Entries that are new.
    pub new: u64,
    /// Entries that another statement had already.
    pub known: u64,
    /// Entries of all statements that name a summary.
    pub matched: u64,
    /// Entries of all statements.
    pub entries: u64,
    /// Summaries that count.
    pub summaries: u64,
}

impl FindingLine {
    /// A difference as it is told.
    pub fn of(listed: &Listed<'_>) -> Self {
        let finding = listed.finding;
        let (item, account) = match &finding.key.subject {
            Subject::Item(key) => {
                let (id, posted_on) = (key.item.clone(), key.posted_on.map(|day| day.to_string()));
                (Some(ItemLine { scheme: id.scheme, issuer: id.issuer, id: id.id, posted_on }), None)
            }
            Subject::Account(account, _) => (None, Some(account.clone())),
            Subject::Entry(_) => (None, None),
        };
        let difference = finding.difference.as_ref();
        Self {
            id: finding.key.id(),
            class: finding.key.class,
            state: listed.state,
            reopened: listed.reopened,
            item,
            account,
            period: finding.period.to_string(),
            since: finding.since.to_string(),
            text: finding.text.clone(),
            sides: finding.sides.iter().map(SideLine::of).collect(),
            difference: difference.map(|one| AmountLine::of(one.amount, one.unit.clone())),
            evidence: finding.evidence().iter().map(|root| root.hex()).collect(),
            decision: listed.decision.map(|decision| DecisionLine {
                state: decision.given.state(),
                by: decision.by.clone(),
                at: decision.at.to_string(),
                why: decision.why.clone(),
                record: decision.record.map(|root| root.hex()),
                amount: match decision.given {
                    Given::WrittenOff(Some(money)) => Some(AmountLine::of(money.amount, money.currency.to_string())),
                    _ => None,
                },
            }),
        }
    }
}

impl SideLine {
    fn of(side: &Side) -> Self {
        Self {
            what: side.what.to_owned(),
            says: side.says.clone(),
            by: side.by.clone(),
            r#type: side.table.to_owned(),
            reference: side.reference.clone(),
            record: side.root.map(|root| root.hex()),
            at: side.at.map(|at| at.to_string()),
        }
    }
}

/// The list of a summary: the records of duty that its root commits to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SummaryListRequest {
    /// The account.
    pub account: String,
    /// The month, `YYYY-MM`.
    pub period: String,
    /// The records, in any order.
    pub items: Vec<SummaryRecord>,
}

/// One record of duty in such a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SummaryRecord {
    /// Who issued it.
    pub issuer: MemberId,
    /// Its issuer's reference.
    pub reference: String,
    /// The item.
    pub item: ItemId,
    /// Whose tax it is.
    pub territory: Territory,
    /// Its lines.
    pub lines: Vec<SummaryLine>,
}

/// One line of such a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SummaryLine {
    /// Its number.
    pub number: u32,
    /// The tax.
    pub tax: String,
    /// How much, as decimal text.
    pub amount: String,
    /// Of which currency.
    pub currency: Currency,
}

/// What was taken of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SummaryListTaken {
    /// How many records are in it.
    pub records: u64,
}

impl SummaryListRequest {
    /// Its records.
    ///
    /// # Errors
    /// [`MoneyError`] of an amount that is none.
    pub fn items(&self) -> Result<Vec<SummaryItem>, MoneyError> {
        let line = |line: &SummaryLine| {
            let amount = Money::new(line.amount.parse()?, line.currency);
            Ok(StatedLine { number: line.number, tax: line.tax.clone(), amount })
        };
        let item = |record: &SummaryRecord| {
            Ok(SummaryItem {
                duty: RecordRef { issuer: record.issuer.clone(), reference: record.reference.clone() },
                item: record.item.clone(),
                territory: record.territory,
                lines: record.lines.iter().map(line).collect::<Result<_, MoneyError>>()?,
            })
        };
        self.items.iter().map(item).collect()
    }
}

impl AmountLine {
    /// An amount of a unit; of money with two digits behind the point at least.
    pub fn of(amount: Exact, unit: String) -> Self {
        let places = if unit.parse::<Currency>().is_ok() { 2 } else { 0 };
        Self { amount: amount.with_places(places), unit }
    }
}

impl CorrectionLine {
    /// A correction as it is told.
    pub fn of(correction: &Correction) -> Self {
        Self {
            account: correction.account.clone(),
            mends: correction.mends.to_string(),
            period: correction.period.to_string(),
            tax: correction.tax.clone(),
            territory: correction.territory,
            amount: correction.amount.with_places(2),
            currency: correction.currency,
            record: correction.record.hex(),
            reference: correction.reference.clone(),
            by: correction.by.clone(),
            why: correction.why,
        }
    }
}

/// Sums by class.
pub fn totals<'l>(all: impl Iterator<Item = Listed<'l>>) -> Vec<ClassTotals> {
    let mut by_class: BTreeMap<Class, (u64, u64, u64, BTreeMap<String, Exact>)> = BTreeMap::new();
    for listed in all {
        let (open, explained, written_off, sums) = by_class.entry(listed.finding.key.class).or_default();
        match listed.state {
            FindingState::Explained => *explained += 1,
            FindingState::WrittenOff => *written_off += 1,
            FindingState::Open => {
                *open += 1;
                if let Some(one) = &listed.finding.difference {
                    let sum = sums.entry(one.unit.clone()).or_insert(Exact::ZERO);
                    *sum = sum.plus(one.amount).unwrap_or(*sum);
                }
            }
        }
    }
    let line = |(class, (open, explained, written_off, sums)): (Class, (u64, u64, u64, BTreeMap<String, Exact>))| {
        ClassTotals {
            class,
            open,
            explained,
            written_off,
            differences: sums.into_iter().map(|(unit, amount)| AmountLine::of(amount, unit)).collect(),
        }
    };
    by_class.into_iter().map(line).collect()
}
