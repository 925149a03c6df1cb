//! What an account owes for a period: a sorted list of items under one root, totals, and corrections of earlier periods.
//!
//! The list is sorted by issuer and reference of the records of duty. Its tree has the shape of the log's trees with BLAKE3; a leaf commits
//! to one record's item and lines, so one item is shown to be in a summary without the others. A closed period never changes: what is
//! found later stands as a correction in an open one.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::duty::{RecordRef, StatedLine, Statement};
use super::fields::{Part, RecordError, amount, head, object, too_many};
use super::money::{Exact, Money, MoneyError};
use crate::cbor::{Encode, Writer};
use crate::hash::{Digest, Domain, hex};
use crate::life::ItemId;
use crate::limits::{MAX_ACCOUNT_PERIODS, MAX_OCCURRENCES, MAX_SUMMARY_ITEMS};
use crate::mtree::Shape;
use crate::names::{Currency, Territory};
use crate::recognition::Period;
use crate::record::{Content, SUMMARY, Value, content_from_json};

/// One record of duty in a summary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SummaryItem {
    /// The record.
    pub duty: RecordRef,
    /// The item.
    pub item: ItemId,
    /// Whose tax it is.
    pub territory: Territory,
    /// The lines.
    pub lines: Vec<StatedLine>,
}

/// The totals of a kind of tax.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Total {
    /// The tax.
    pub tax: String,
    /// Whose it is.
    pub territory: Territory,
    /// The sum.
    pub amount: Money,
    /// Of how many lines.
    pub lines: u64,
}

/// A correction of a closed period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correction {
    /// The period that it mends.
    pub period: Period,
    /// The tax.
    pub tax: String,
    /// Whose it is.
    pub territory: Territory,
    /// By how much; below zero where less is owed.
    pub amount: Money,
    /// The record that it is about.
    pub record: RecordRef,
    /// Why.
    pub reason: String,
}

/// A closed summary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The account.
    pub account: String,
    /// The period.
    pub period: Period,
    /// How many records are in its list.
    pub count: usize,
    /// The root over them; [`Digest::ZERO`] over none.
    pub root: Digest,
    /// Totals, by tax, territory and currency.
    pub totals: Vec<Total>,
    /// Corrections of earlier periods, in the order in which they were made.
    pub corrections: Vec<Correction>,
}

/// Proof that a record is in a summary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inclusion {
    /// Its place in the list, from 0.
    pub index: usize,
    /// Digests up to the root, the sibling first.
    pub path: Vec<Digest>,
}

/// Why a summary was not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SummaryError {
    /// The period is closed.
    #[error("{period} of account {account} is closed\nhint: correct it in an open period")]
    Closed {
        /// The account.
        account: String,
        /// The period.
        period: Period,
    },
    /// A correction of a period that is still open.
    #[error("{period} of account {account} is not closed: change it there")]
    NotClosed {
        /// The account.
        account: String,
        /// The period that would be corrected.
        period: Period,
    },
    /// A correction in an earlier period than the one that it mends.
    #[error("{mended} cannot be corrected in {period}, which is not later")]
    Backwards {
        /// The period in which it would stand.
        period: Period,
        /// The period that it would mend.
        mended: Period,
    },
    /// A period before an earlier one is closed.
    #[error("{period} cannot be closed before {earlier}")]
    Order {
        /// The period.
        period: Period,
        /// The earlier one that is open.
        earlier: Period,
    },
    /// A record that is in the list already.
    #[error("{record} is in {period} already")]
    Twice {
        /// The record.
        record: RecordRef,
        /// Where it is.
        period: Period,
    },
    /// Too many items, periods, totals or corrections.
    #[error(
        "an account has at most {MAX_ACCOUNT_PERIODS} periods, one of them {MAX_SUMMARY_ITEMS} records, {MAX_OCCURRENCES} totals and as many corrections"
    )]
    Full,
    /// A sum beyond all measure.
    #[error("{0}")]
    Money(#[from] MoneyError),
}

const SHAPE: Shape = Shape { leaf: Domain::SummaryItem, node: Domain::SummaryNode };

impl SummaryItem {
    /// Its leaf in the tree.
    pub fn leaf(&self) -> Digest {
        let mut writer = Writer::new();
        writer.array(7);
        self.duty.issuer.encode(&mut writer);
        writer.text(&self.duty.reference);
        writer.text(self.item.scheme.word());
        match &self.item.issuer {
            Some(issuer) => writer.text(issuer),
            None => writer.null(),
        }
        writer.text(&self.item.id);
        self.territory.encode(&mut writer);
        writer.array(self.lines.len());
        for line in &self.lines {
            writer.array(4);
            writer.uint(u64::from(line.number));
            writer.text(&line.tax);
            writer.text(&line.amount.amount.to_string());
            writer.text(line.amount.currency.as_str());
        }
        SHAPE.leaf(&writer.into_bytes())
    }

    /// A statement as an item.
    pub fn of(statement: &Statement, item: ItemId) -> Self {
        Self { duty: statement.record.clone(), item, territory: statement.territory, lines: statement.lines.clone() }
    }
}

type TotalKey = (String, Territory, Currency);

/// A period with what came so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Filling {
    leaves: BTreeMap<RecordRef, Digest>,
    totals: BTreeMap<TotalKey, (Exact, u64)>,
    corrections: Vec<Correction>,
}

/// The periods of an account: open ones that are filled, and closed ones that stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    name: String,
    open: BTreeMap<Period, Filling>,
    closed: BTreeMap<Period, (Summary, BTreeMap<RecordRef, Digest>)>,
}

impl Account {
    /// An account without periods.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), open: BTreeMap::new(), closed: BTreeMap::new() }
    }

    /// Adds a record of duty to an open period.
    ///
    /// # Errors
    /// [`SummaryError`]; nothing is changed then.
    pub fn add(&mut self, period: Period, item: &SummaryItem) -> Result<(), SummaryError> {
        let place = |filling: &Filling| filling.leaves.contains_key(&item.duty);
        let open = self.open.iter().find(|(_, filling)| place(filling)).map(|(period, _)| *period);
        let closed =
            || self.closed.iter().find(|(_, (_, leaves))| leaves.contains_key(&item.duty)).map(|(period, _)| *period);
        if let Some(period) = open.or_else(closed) {
            return Err(SummaryError::Twice { record: item.duty.clone(), period });
        }
        self.admit(period)?;
        let empty = Filling::default();
        let filling = self.open.get(&period).unwrap_or(&empty);
        let mut totals = filling.totals.clone();
        for line in &item.lines {
            let key = (line.tax.clone(), item.territory, line.amount.currency);
            let total = totals.entry(key).or_insert((Exact::ZERO, 0));
            *total = (total.0.plus(line.amount.amount)?, total.1 + 1);
        }
        if filling.leaves.len() >= MAX_SUMMARY_ITEMS || totals.len() > MAX_OCCURRENCES {
            return Err(SummaryError::Full);
        }
        let filling = self.open.entry(period).or_default();
        filling.totals = totals;
        filling.leaves.insert(item.duty.clone(), item.leaf());
        Ok(())
    }

    /// Corrects a closed period in an open, later one.
    ///
    /// # Errors
    /// [`SummaryError`]; nothing is changed then.
    pub fn correct(&mut self, period: Period, correction: Correction) -> Result<(), SummaryError> {
        let mended = correction.period;
        if !self.closed.contains_key(&mended) {
            return Err(SummaryError::NotClosed { account: self.name.clone(), period: mended });
        }
        if period <= mended {
            return Err(SummaryError::Backwards { period, mended });
        }
        self.admit(period)?;
        if self.open.get(&period).is_some_and(|filling| filling.corrections.len() >= MAX_OCCURRENCES) {
            return Err(SummaryError::Full);
        }
        self.open.entry(period).or_default().corrections.push(correction);
        Ok(())
    }

    /// Closes a period, also one into which nothing came. Earlier ones are closed before.
    ///
    /// # Errors
    /// [`SummaryError`]; nothing is changed then.
    pub fn close(&mut self, period: Period) -> Result<&Summary, SummaryError> {
        if let Some(earlier) = self.open.keys().next().filter(|earlier| **earlier < period) {
            return Err(SummaryError::Order { period, earlier: *earlier });
        }
        self.admit(period)?;
        let Filling { leaves, totals, corrections } = self.open.remove(&period).unwrap_or_default();
        let digests: Vec<Digest> = leaves.values().copied().collect();
        let total = |((tax, territory, currency), (amount, lines)): (TotalKey, (Exact, u64))| Total {
            tax,
            territory,
            amount: Money::new(amount, currency),
            lines,
        };
        let summary = Summary {
            account: self.name.clone(),
            period,
            count: digests.len(),
            root: SHAPE.root(&digests),
            totals: totals.into_iter().map(total).collect(),
            corrections,
        };
        Ok(&self.closed.entry(period).or_insert((summary, leaves)).0)
    }

    /// A closed period.
    pub fn summary(&self, period: Period) -> Option<&Summary> {
        self.closed.get(&period).map(|(summary, _)| summary)
    }

    /// Proof that a record is in a closed period; none where it is not, or as something else than this.
    pub fn prove(&self, period: Period, item: &SummaryItem) -> Option<Inclusion> {
        let (_, leaves) = self.closed.get(&period)?;
        if leaves.get(&item.duty) != Some(&item.leaf()) {
            return None;
        }
        let index = leaves.range(..&item.duty).count();
        let digests: Vec<Digest> = leaves.values().copied().collect();
        Some(Inclusion { index, path: SHAPE.path(&digests, index)? })
    }

    /// Whether something may come into a period.
    fn admit(&self, period: Period) -> Result<(), SummaryError> {
        if self.closed.contains_key(&period) {
            return Err(SummaryError::Closed { account: self.name.clone(), period });
        }
        match self.open.contains_key(&period) || self.open.len() + self.closed.len() < MAX_ACCOUNT_PERIODS {
            true => Ok(()),
            false => Err(SummaryError::Full),
        }
    }
}

impl Inclusion {
    /// Whether an item is in a summary, at the place that this proof says.
    pub fn verify(&self, summary: &Summary, item: &SummaryItem) -> bool {
        let within = summary.count <= MAX_SUMMARY_ITEMS;
        within && SHAPE.climb(summary.count, self.index, item.leaf(), &self.path) == Some(summary.root)
    }
}

impl Summary {
    /// What is to be paid: totals and corrections, by currency.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`].
    pub fn payable(&self) -> Result<Vec<Money>, MoneyError> {
        let mut sums: BTreeMap<Currency, Exact> = BTreeMap::new();
        let amounts = self.totals.iter().map(|total| total.amount).chain(self.corrections.iter().map(|one| one.amount));
        for money in amounts {
            let sum = sums.entry(money.currency).or_insert(Exact::ZERO);
            *sum = sum.plus(money.amount)?;
        }
        Ok(sums.into_iter().map(|(currency, amount)| Money::new(amount, currency)).collect())
    }

    /// The record, under this own reference and reference of payment.
    ///
    /// # Errors
    /// [`RecordError`] where it does not fit one.
    pub fn content(&self, reference: &str, payment_reference: Option<&str>) -> Result<Content, RecordError> {
        for (group, count) in [("totals", self.totals.len()), ("corrections", self.corrections.len())] {
            if count > MAX_OCCURRENCES {
                return Err(too_many(group, count));
            }
        }
        let payable = self.payable()?;
        let payable = match payable.as_slice() {
            [one] => Some(*one),
            _ => None,
        };
        let totals = self.totals.iter().map(|total| {
            Ok(json!({
                "tax": total.tax, "territory": total.territory, "amount": amount(total.amount.amount, 2)?,
                "currency": total.amount.currency, "lines": total.lines,
            }))
        });
        let totals: Vec<Json> = totals.collect::<Result<_, RecordError>>()?;
        let corrections = self.corrections.iter().map(|one| {
            Ok(json!({
                "period": one.period.to_string(), "tax": one.tax, "territory": one.territory,
                "amount": amount(one.amount.amount, 2)?, "currency": one.amount.currency,
                "issuer": one.record.issuer, "reference": one.record.reference, "reason": one.reason,
            }))
        });
        let corrections: Vec<Json> = corrections.collect::<Result<_, RecordError>>()?;
        let record = object(vec![
            ("type", Some("summary".into())),
            ("reference", Some(json!({ "own_reference": reference }))),
            (
                "summary",
                Some(object(vec![
                    ("account", Some(self.account.clone().into())),
                    ("period", Some(self.period.to_string().into())),
                    ("count", Some(self.count.into())),
                    ("root", Some(hex(&self.root.0).into())),
                    ("payable", payable.map(|money| amount(money.amount, 2)).transpose()?),
                    ("currency", payable.map(|money| money.currency.as_str().into())),
                    ("payment_reference", payment_reference.map(Json::from)),
                ])),
            ),
            ("totals", (!totals.is_empty()).then_some(Json::Array(totals))),
            ("corrections", (!corrections.is_empty()).then_some(Json::Array(corrections))),
        ]);
        Ok(content_from_json(&record)?)
    }

    /// What a `summary` record says.
    ///
    /// # Errors
    /// [`RecordError`] of another type, or where a group is withheld.
    pub fn of(content: &Content) -> Result<Self, RecordError> {
        head(content, &SUMMARY)?;
        let part = Part::of(content, "summary")?;
        let about = part.one()?;
        let root = match about.get("root") {
            Some(Value::Bytes(bytes)) => bytes.as_slice().try_into().map(Digest).map_err(|_| about.missing("root"))?,
            _ => return Err(about.missing("root")),
        };
        let totals = Part::of(content, "totals")?;
        let totals = totals.all().map(|fields| {
            Ok(Total {
                tax: fields.need("tax")?,
                territory: fields.need_parsed("territory", "a territory")?,
                amount: fields.money("amount")?,
                lines: fields.need_uint("lines")?,
            })
        });
        let totals = totals.collect::<Result<_, RecordError>>()?;
        let corrections = Part::of(content, "corrections")?;
        let corrections = corrections.all().map(|fields| {
            Ok(Correction {
                period: fields.need_parsed("period", "a month")?,
                tax: fields.need("tax")?,
                territory: fields.need_parsed("territory", "a territory")?,
                amount: fields.money("amount")?,
                record: RecordRef {
                    issuer: fields.need_parsed("issuer", "a member")?,
                    reference: fields.need("reference")?,
                },
                reason: fields.need("reason")?,
            })
        });
        Ok(Self {
            account: about.need("account")?,
            period: about.need_parsed("period", "a month")?,
            count: usize::try_from(about.need_uint("count")?).unwrap_or(usize::MAX),
            root,
            totals,
            corrections: corrections.collect::<Result<_, RecordError>>()?,
        })
    }
}
