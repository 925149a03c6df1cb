//! The record `duty`: what is assessed, collected or remitted for an item, written from an assessment and read for the ledger.

use serde_json::{Value as Json, json};

use super::assess::{Assessment, TaxLine};
use super::book::{RevenueBook, TaxKind};
use super::fields::{Fields, Part, RecordError, amount, head, head_json, item_json, object, quantity, too_many};
use super::money::{Exact, Money, MoneyError, Rounding};
use crate::life::ItemId;
use crate::limits::MAX_OCCURRENCES;
use crate::names::{CollectionModel, MemberId, Territory, words};
use crate::recognition::Period;
use crate::record::{CUSTOMS_RESPONSE, Content, DUTY, content_from_json};
use crate::time::Day;

words!(
    /// How far a tax line has come.
    Stage, "stage of a tax line", {
        /// It is owed.
        Assessed = "assessed";
        /// It is paid to whoever collects.
        Collected = "collected";
        /// It is paid to the authority.
        Remitted = "remitted";
    }
);

/// A record by who issued it and the issuer's own reference.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordRef {
    /// The member that issued it.
    pub issuer: MemberId,
    /// Its own reference.
    pub reference: String,
}

impl std::fmt::Display for RecordRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {}", self.reference, self.issuer)
    }
}

/// A line as a record states it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatedLine {
    /// Its number in the record, which of a later stage is that of the assessment.
    pub number: u32,
    /// The tax.
    pub tax: String,
    /// How much.
    pub amount: Money,
}

/// What a `duty` record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Which record.
    pub record: RecordRef,
    /// Which revision of it.
    pub revision: u64,
    /// Whether it takes back the record.
    pub cancelled: bool,
    /// What it tells.
    pub stage: Stage,
    /// Who collects.
    pub model: CollectionModel,
    /// Whose tax it is.
    pub territory: Territory,
    /// On which day.
    pub day: Day,
    /// The assessment whose lines are collected or remitted; without one the lines stand for themselves.
    pub about: Option<RecordRef>,
    /// The account.
    pub account: Option<String>,
    /// The period for which it is summed up.
    pub period: Option<Period>,
    /// The reference of the payment.
    pub payment_reference: Option<String>,
    /// The lines.
    pub lines: Vec<StatedLine>,
}

/// What stands in a `duty` record beside the lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// The issuer's own reference.
    pub reference: String,
    /// The item.
    pub item: ItemId,
    /// When it was posted.
    pub posted_on: Option<Day>,
    /// Who collects.
    pub model: CollectionModel,
    /// Whose tax it is.
    pub territory: Territory,
    /// On which day it was assessed.
    pub day: Day,
    /// The number under which customs registered the declaration.
    pub registration: Option<String>,
    /// The account.
    pub account: Option<String>,
    /// The period.
    pub period: Option<Period>,
}

/// A `duty` record of what is assessed.
///
/// # Errors
/// [`RecordError`] of more than 99 lines, or an amount that no field holds.
pub fn assessed(heading: &Heading, assessment: &Assessment, book: &RevenueBook) -> Result<Content, RecordError> {
    if assessment.lines.len() > MAX_OCCURRENCES {
        return Err(too_many("lines", assessment.lines.len()));
    }
    let lines = assessment.lines.iter().map(|line| line_json(line, heading.day, book));
    let lines: Vec<Json> = lines.collect::<Result<_, _>>()?;
    let exchanges = assessment.exchanges.iter().map(|one| {
        let rate = quantity(one.rate)?;
        Ok(json!({
            "currency": one.currency, "into": one.into, "rate": rate, "per": one.per, "quoted": one.quoted,
            "day": one.day.to_string(), "source": shortened(&one.listed.source, 256),
        }))
    });
    let exchanges: Vec<Json> = exchanges.collect::<Result<_, RecordError>>()?;
    let item = &heading.item;
    let record = object(vec![
        ("type", Some("duty".into())),
        ("reference", Some(json!({ "own_reference": heading.reference }))),
        ("item", Some(item_json(item, heading.posted_on))),
        (
            "duty",
            Some(object(vec![
                ("stage", Some(Stage::Assessed.word().into())),
                ("model", Some(heading.model.word().into())),
                ("territory", Some(heading.territory.as_str().into())),
                ("day", Some(heading.day.to_string().into())),
                ("registration", heading.registration.clone().map(Json::from)),
                ("account", heading.account.clone().map(Json::from)),
                ("period", heading.period.map(|period| period.to_string().into())),
            ])),
        ),
        ("lines", (!lines.is_empty()).then_some(Json::Array(lines))),
        ("exchange", (!exchanges.is_empty()).then_some(Json::Array(exchanges))),
    ]);
    Ok(content_from_json(&record)?)
}

/// The share of a base: so many per cent of it, rounded once in a currency with so many decimals.
///
/// # Errors
/// [`MoneyError::Overflow`].
pub fn percent_of(base: Exact, percent: Exact, rounding: Rounding, decimals: u8) -> Result<Exact, MoneyError> {
    Ok(rounding.apply(base.times(percent)?.times(Exact::new(1, 2)?)?, decimals))
}

impl Statement {
    /// What a `duty` record of this issuer says.
    ///
    /// # Errors
    /// [`RecordError`] of another type, or where a group is withheld.
    pub fn of(content: &Content, issuer: &MemberId) -> Result<Self, RecordError> {
        let (reference, revision, cancelled) = head(content, &DUTY)?;
        let part = Part::of(content, "duty")?;
        let duty = part.one()?;
        let about = duty.text("about").map(|reference| -> Result<RecordRef, RecordError> {
            let named: Option<MemberId> = duty.parsed("about_issuer", "a member")?;
            Ok(RecordRef { issuer: named.unwrap_or_else(|| issuer.clone()), reference })
        });
        Ok(Self {
            record: RecordRef { issuer: issuer.clone(), reference },
            revision,
            cancelled,
            stage: duty.need_parsed("stage", "a stage")?,
            model: duty.need_parsed("model", "a collection model")?,
            territory: duty.need_parsed("territory", "a territory")?,
            day: duty.day("day").ok_or_else(|| duty.missing("day"))?,
            about: about.transpose()?,
            account: duty.text("account"),
            period: duty.parsed("period", "a month")?,
            payment_reference: duty.text("payment_reference"),
            lines: Part::of(content, "lines")?.all().map(|line| stated(&line)).collect::<Result<_, _>>()?,
        })
    }

    /// The record of this issuer, of any stage: what is collected or remitted is told so. A statement does not say of which kind its
    /// lines are; the caller knows, from the assessment that they are about. Computation and rules stand in that assessment only
    /// ([`assessed`]).
    ///
    /// # Errors
    /// [`RecordError`] of more than 99 lines, or an amount that no field holds.
    pub fn content(
        &self,
        item: &ItemId,
        posted_on: Option<Day>,
        kind: impl Fn(&StatedLine) -> TaxKind,
    ) -> Result<Content, RecordError> {
        if self.lines.len() > MAX_OCCURRENCES {
            return Err(too_many("lines", self.lines.len()));
        }
        let lines = self.lines.iter().map(|line| {
            Ok(json!({
                "number": line.number, "tax": line.tax, "kind": kind(line).word(),
                "amount": amount(line.amount.amount, 2)?, "currency": line.amount.currency,
            }))
        });
        let lines: Vec<Json> = lines.collect::<Result<_, RecordError>>()?;
        let about = self.about.as_ref();
        let elsewhere = about.filter(|about| about.issuer != self.record.issuer);
        let record = object(vec![
            ("type", Some("duty".into())),
            ("reference", Some(head_json(&self.record, self.revision, self.cancelled))),
            ("item", Some(item_json(item, posted_on))),
            (
                "duty",
                Some(object(vec![
                    ("stage", Some(self.stage.word().into())),
                    ("model", Some(self.model.word().into())),
                    ("territory", Some(self.territory.as_str().into())),
                    ("day", Some(self.day.to_string().into())),
                    ("about", about.map(|about| about.reference.clone().into())),
                    ("about_issuer", elsewhere.map(|about| about.issuer.as_str().into())),
                    ("account", self.account.clone().map(Json::from)),
                    ("period", self.period.map(|period| period.to_string().into())),
                    ("payment_reference", self.payment_reference.clone().map(Json::from)),
                ])),
            ),
            ("lines", (!lines.is_empty()).then_some(Json::Array(lines))),
        ]);
        Ok(content_from_json(&record)?)
    }

    /// What customs says is owed in a `customs_response`: the lines of its debt, numbered in their order.
    ///
    /// # Errors
    /// [`RecordError`] of another type, or a debt without kind, amount or currency.
    pub fn of_debt(
        content: &Content,
        issuer: &MemberId,
        territory: Territory,
        model: CollectionModel,
        day: Day,
    ) -> Result<Self, RecordError> {
        let (reference, revision, cancelled) = head(content, &CUSTOMS_RESPONSE)?;
        let debt = Part::of(content, "debt")?;
        let line = |(at, fields): (usize, Fields<'_>)| {
            let amount = fields.money("assessed")?;
            // At most 99.
            Ok(StatedLine { number: at as u32 + 1, tax: fields.need("kind")?, amount })
        };
        Ok(Self {
            record: RecordRef { issuer: issuer.clone(), reference },
            revision,
            cancelled,
            stage: Stage::Assessed,
            model,
            territory,
            day,
            about: None,
            account: None,
            period: None,
            payment_reference: None,
            lines: debt.all().enumerate().map(line).collect::<Result<_, RecordError>>()?,
        })
    }
}

fn stated(line: &Fields<'_>) -> Result<StatedLine, RecordError> {
    // A line's number is at most 99.
    Ok(StatedLine { number: line.need_uint("number")? as u32, tax: line.need("tax")?, amount: line.money("amount")? })
}

fn line_json(line: &TaxLine, day: Day, book: &RevenueBook) -> Result<Json, RecordError> {
    let least = book.decimals(line.amount.currency, day).unwrap_or(0);
    let includes: Vec<String> = line.includes.iter().map(u32::to_string).collect();
    let goods_item = match line.goods.as_slice() {
        [one] => Some(*one),
        _ => None,
    };
    let (quantity_of, unit) = line.quantity.as_ref().map(|(quantity, unit)| (*quantity, unit.clone())).unzip();
    Ok(object(vec![
        ("number", Some(line.number.into())),
        ("tax", Some(line.tax.clone().into())),
        ("goods_item", goods_item.map(Json::from)),
        ("kind", Some(line.kind.word().into())),
        ("basis", line.basis.map(|basis| basis.word().into())),
        ("base", line.base.map(|base| amount(base.amount, least)).transpose()?),
        ("includes", (!includes.is_empty()).then(|| includes.join(",").into())),
        ("rate", Some(quantity(line.rate)?)),
        ("count", line.count.map(Json::from)),
        ("quantity", quantity_of.map(quantity).transpose()?),
        ("unit", unit.map(Json::from)),
        ("amount", Some(amount(line.amount.amount, least)?)),
        ("currency", Some(line.amount.currency.as_str().into())),
        ("rounding", Some(line.rounding.mode.word().into())),
        ("rounded_to", Some(line.rounding.to.word().into())),
        ("rule", Some(line.rule.clone().into())),
        ("edition", Some(shortened(&format!("{} {}", line.edition.name, line.edition.version), 70).into())),
        ("reason", Some(shortened(&line.reason, 512).into())),
        ("tariff", line.tariff.clone().map(Json::from)),
    ]))
}

/// As much of a text as a field holds.
fn shortened(text: &str, most: usize) -> String {
    let text: String = text.trim().chars().filter(|c| !c.is_control()).take(most).collect();
    text.trim_end().to_owned()
}
