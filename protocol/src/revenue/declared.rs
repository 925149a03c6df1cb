//! From a declaration to what is assessed of it: goods, costs, who collects; what it lacks is said item by item.
//!
//! Declarations have no field for insurance, and `postage` is their freight (WCO 117). A quantity in `NAR` are the pieces that goods name,
//! one in `KGM` is their net mass; a supplementary quantity counts in its own unit. Nothing that is missing is guessed.
//!
//! Not here: rules and rates ([`super::RevenueBook`]), and which declaration of an item counts ([`crate::life`]).

use serde_json::{Value as Json, json};

use super::assess::{AssessError, Assessment, Consignment, Costs, Goods, assess};
use super::book::RevenueBook;
use super::duty::{Heading, assessed};
use super::fields::RecordError;
use super::money::{Exact, Money};
use crate::life::{Action, ItemId, Shown};
use crate::names::{CollectionModel, Currency, Territory};
use crate::record::{Content, Occurrences, TypeTable, Value, content_from_json, content_to_json};
use crate::time::Day;

/// The role of a number under which a vendor pays tax (IOSS).
const VENDOR_ROLE: &str = "FR5";
/// Kinds of filings of what leaves or passes: nothing is owed for it where it goes.
const LEAVES: [&str; 3] = ["export", "reexport", "transit"];

/// A declaration, as far as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// Its filer's reference.
    pub reference: Option<String>,
    /// Which kind of filing it is: `import`.
    pub filing: Option<String>,
    /// What it does to earlier versions.
    pub action: Action,
    /// Which revision it is.
    pub revision: u64,
    /// The item, and when that was posted.
    pub item: Option<(ItemId, Option<Day>)>,
    /// Where it goes.
    pub destination: Option<Territory>,
    /// Where it leaves.
    pub departure: Option<Territory>,
    /// The mode of transport at the border, else the mode (UNECE Recommendation 19).
    pub mode: Option<String>,
    /// The day on which it says that it was filed, else that of its message.
    pub filed_on: Option<Day>,
    /// The number under which customs registered it.
    pub registration: Option<String>,
    /// Its category (`gift`).
    pub category: Option<String>,
    /// Freight: amount, and currency where there is one.
    pub postage: Option<(Exact, Option<Currency>)>,
    /// Whether it names a number under which the vendor pays tax (IOSS).
    pub number: bool,
    /// The goods.
    pub goods: Vec<DeclaredGoods>,
}

/// A goods item of a declaration, as far as it is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeclaredGoods {
    /// Its number, from 1.
    pub number: u32,
    /// Its tariff code: six digits of the Harmonized System, and national ones behind them.
    pub tariff: Option<String>,
    /// Its origin.
    pub origin: Option<Territory>,
    /// Its value: amount, and currency where there is one.
    pub value: Option<(Exact, Option<Currency>)>,
    /// Net mass in kilograms.
    pub net_kg: Option<Exact>,
    /// Gross mass in kilograms; of the only goods item that of the whole.
    pub gross_kg: Option<Exact>,
    /// Pieces.
    pub pieces: Option<u64>,
    /// Supplementary quantity with its unit.
    pub quantity: Option<(Exact, String)>,
}

/// What a declaration lacks to be assessed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Lack {
    /// It is another record.
    #[error("a {0} is no declaration")]
    Type(&'static str),
    /// It takes a declaration back.
    #[error("it takes a declaration back\nhint: cancel the record of duty that was made of it")]
    Cancelled,
    /// It is of what leaves.
    #[error("a filing of kind '{0}': nothing is owed for it where it goes")]
    Leaves(String),
    /// No item.
    #[error("it names no item, so no record of duty can be made of it")]
    Item,
    /// No reference.
    #[error("its reference is not there")]
    Reference,
    /// Where it goes.
    #[error("its destination is not there")]
    Destination,
    /// The postage's currency.
    #[error("its postage has no currency")]
    Postage,
    /// No goods.
    #[error("it has no goods items")]
    NoGoods,
    /// A goods item without tariff code.
    #[error("goods item {0} has no tariff code")]
    Tariff(u32),
    /// A goods item without value.
    #[error("goods item {0} has no value")]
    Value(u32),
    /// A value without currency.
    #[error("the value of goods item {0} has no currency")]
    Currency(u32),
}

/// Why a declaration was not assessed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAssessed {
    /// It lacks something.
    #[error("{}", told(.0))]
    Lacks(Vec<Lack>),
    /// The book has no rule for where it goes.
    #[error("no rule of duty or tax for {destination} on {day}\nhint: add a [[tax]] entry to the rules of revenue")]
    NoRules {
        /// Where it goes.
        destination: Territory,
        /// On which day.
        day: Day,
    },
    /// The book has rules, and none is for this.
    #[error(
        "none of the {rules} rules of duty or tax for {destination} on {day} is for such a consignment: its value, category, collection model or goods"
    )]
    NoneFits {
        /// How many there are.
        rules: usize,
        /// Where it goes.
        destination: Territory,
        /// On which day.
        day: Day,
    },
    /// The rules cannot be applied.
    #[error(transparent)]
    Assess(#[from] AssessError),
}

fn told(lacks: &[Lack]) -> String {
    let all: Vec<String> = lacks.iter().map(ToString::to_string).collect();
    all.join("; ")
}

impl Declared {
    /// What a declaration says.
    ///
    /// # Errors
    /// [`Lack::Type`] of another record.
    pub fn of(shown: Shown<'_>) -> Result<Self, Lack> {
        let table = shown.table();
        if table.name != "declaration" {
            return Err(Lack::Type(table.name));
        }
        let read = Read { shown, table };
        let amount =
            |group: &str| Some((exact(&shown.field(group, "amount")?)?, read.word::<Currency>(group, "currency")));
        let number =
            |fields: &Vec<(u8, Value)>| text_of(table, "fiscal", fields, "role").as_deref() == Some(VENDOR_ROLE);
        let fiscal = shown.occurrences("fiscal").unwrap_or_default();
        let revision = match shown.field("filing", "revision") {
            Some(Value::Uint(revision)) => Some(revision),
            _ => None,
        };
        let action = read.word("filing", "action").unwrap_or(Action::Original);
        let message = match shown.field("filing", "message_time") {
            Some(Value::Time(time)) => Some(time.day()),
            _ => None,
        };
        let item = read.text("item", "id").map(|id| {
            let (scheme, issuer) = (read.text("item", "scheme"), read.text("item", "issuer"));
            (ItemId::new(scheme.as_deref(), issuer.as_deref(), &id), read.day("item", "posted_on"))
        });
        let mut goods = read.goods();
        if let [only] = goods.as_mut_slice() {
            only.gross_kg = only.gross_kg.or_else(|| exact(&shown.field("mass", "gross_kg")?));
        }
        Ok(Self {
            reference: read.text("filing", "own_reference"),
            filing: read.text("filing", "kind"),
            action,
            revision: revision.unwrap_or(u64::from(action != Action::Original)),
            item,
            destination: read.word("route", "destination"),
            departure: read.word("route", "departure"),
            mode: read.text("route", "border_mode").or_else(|| read.text("route", "mode")),
            filed_on: read.day("filing", "filed_on").or(message),
            registration: read.text("filing", "registration"),
            category: read.text("filing", "category_of_item"),
            postage: amount("postage"),
            number: fiscal.iter().flatten().any(number),
            goods,
        })
    }

    /// Who collects, as far as it says so: the vendor, where it names the vendor's number.
    pub fn model(&self) -> Option<CollectionModel> {
        self.number.then_some(CollectionModel::Vendor)
    }

    /// What is assessed of it.
    ///
    /// # Errors
    /// Everything that it lacks.
    pub fn consignment(&self, model: CollectionModel) -> Result<Consignment, Vec<Lack>> {
        let mut lacks = Vec::new();
        if self.action == Action::Cancellation {
            return Err(vec![Lack::Cancelled]);
        }
        if let Some(kind) = self.filing.as_deref().filter(|kind| LEAVES.contains(kind)) {
            return Err(vec![Lack::Leaves(kind.to_owned())]);
        }
        for (there, lack) in [
            (self.reference.is_some(), Lack::Reference),
            (self.item.is_some(), Lack::Item),
            (!self.goods.is_empty(), Lack::NoGoods),
            (self.postage.is_none_or(|(_, currency)| currency.is_some()), Lack::Postage),
        ] {
            if !there {
                lacks.push(lack);
            }
        }
        let goods: Vec<Goods> = self.goods.iter().filter_map(|one| one.assessed(&mut lacks)).collect();
        let Some(destination) = self.destination else {
            lacks.push(Lack::Destination);
            return Err(lacks);
        };
        if !lacks.is_empty() {
            return Err(lacks);
        }
        let freight = self.postage.and_then(|(amount, currency)| Some(Money::new(amount, currency?)));
        let costs = Costs { freight, ..Costs::default() };
        let category = self.category.clone();
        Ok(Consignment { destination, goods, costs, model, number: self.number, category })
    }

    /// What is owed for it by the rules of a day. An assessment has lines, or says what is open.
    ///
    /// # Errors
    /// [`NotAssessed`].
    pub fn assess(&self, model: CollectionModel, book: &RevenueBook, day: Day) -> Result<Assessment, NotAssessed> {
        let consignment = self.consignment(model).map_err(NotAssessed::Lacks)?;
        let assessment = assess(&consignment, book, day)?;
        if !assessment.lines.is_empty() || !assessment.open.is_empty() {
            return Ok(assessment);
        }
        let destination = consignment.destination;
        Err(match book.rules(destination, day).len() {
            0 => NotAssessed::NoRules { destination, day },
            rules => NotAssessed::NoneFits { rules, destination, day },
        })
    }

    /// The record `duty` of an assessment of it, for the same item, destination and members who handle it: of a corrected declaration
    /// the same revision.
    ///
    /// # Errors
    /// [`RecordError`]; [`RecordError::Missing`] where it names no item or destination.
    pub fn duty_record(
        &self,
        shown: Shown<'_>,
        reference: String,
        model: CollectionModel,
        assessment: &Assessment,
        book: &RevenueBook,
        day: Day,
    ) -> Result<Content, RecordError> {
        let missing = |what: &str| RecordError::Missing(what.to_owned());
        let (item, posted_on) = self.item.clone().ok_or_else(|| missing("item"))?;
        let territory = self.destination.ok_or_else(|| missing("route/destination"))?;
        let registration = self.registration.clone();
        let heading =
            Heading { reference, item, posted_on, model, territory, day, registration, account: None, period: None };
        let mut record = content_to_json(&assessed(&heading, assessment, book)?);
        if self.revision > 0 {
            record["reference"]["revision"] = self.revision.into();
            record["reference"]["action"] = Action::Correction.word().into();
        }
        record["route"] = json!({ "destination": territory.as_str() });
        if let Some(departure) = self.departure {
            record["route"]["departure"] = departure.as_str().into();
        }
        let handling = group_json(shown, "handling");
        if handling.as_object().is_some_and(|fields| !fields.is_empty()) {
            record["handling"] = handling;
        }
        Ok(content_from_json(&record)?)
    }
}

impl DeclaredGoods {
    /// The goods as they are assessed; nothing where something is missing, which is told.
    fn assessed(&self, lacks: &mut Vec<Lack>) -> Option<Goods> {
        let before = lacks.len();
        if self.tariff.is_none() {
            lacks.push(Lack::Tariff(self.number));
        }
        match self.value {
            None => lacks.push(Lack::Value(self.number)),
            Some((_, None)) => lacks.push(Lack::Currency(self.number)),
            Some(_) => {}
        }
        let (amount, currency) = self.value?;
        let value = Money::new(amount, currency?);
        let mut quantities: Vec<(Exact, String)> = self.quantity.clone().into_iter().collect();
        let pieces = self.pieces.and_then(|pieces| Exact::new(pieces.into(), 0).ok());
        for (quantity, unit) in [(self.net_kg, "KGM"), (pieces, "NAR")] {
            let known = quantities.iter().any(|(_, known)| known == unit);
            quantities.extend(quantity.filter(|_| !known).map(|quantity| (quantity, unit.to_owned())));
        }
        let tariff = self.tariff.clone()?;
        (lacks.len() == before).then_some(Goods { number: self.number, tariff, origin: self.origin, value, quantities })
    }
}

struct Read<'a> {
    shown: Shown<'a>,
    table: &'static TypeTable,
}

impl Read<'_> {
    fn text(&self, group: &str, field: &str) -> Option<String> {
        match self.shown.field(group, field)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    fn word<T: std::str::FromStr>(&self, group: &str, field: &str) -> Option<T> {
        self.text(group, field)?.parse().ok()
    }

    fn day(&self, group: &str, field: &str) -> Option<Day> {
        match self.shown.field(group, field)? {
            Value::Day(day) => Some(day),
            _ => None,
        }
    }

    fn goods(&self) -> Vec<DeclaredGoods> {
        let groups = ["content", "classification", "value", "origin", "measure"];
        let all: Vec<Vec<Occurrences>> =
            groups.iter().map(|group| self.shown.occurrences(group).unwrap_or_default()).collect();
        let count = all.iter().map(Vec::len).max().unwrap_or(0);
        let one = |at: usize| {
            let get = |group: &str, field: &str| {
                let place = groups.iter().position(|known| *known == group)?;
                let fields = all.get(place)?.get(at)?.first()?;
                value_of(self.table, group, fields, field).cloned()
            };
            let text = |group: &str, field: &str| match get(group, field)? {
                Value::Text(text) => Some(text),
                _ => None,
            };
            let number = |group: &str, field: &str| exact(&get(group, field)?);
            let parsed = |group: &str, field: &str| text(group, field)?.parse().ok();
            let pieces = match get("content", "units") {
                Some(Value::Uint(pieces)) => Some(pieces),
                _ => None,
            };
            DeclaredGoods {
                // A record has at most 999 goods items.
                number: at as u32 + 1,
                tariff: text("classification", "hs")
                    .map(|hs| hs + &text("classification", "national").unwrap_or_default()),
                origin: parsed("origin", "country"),
                value: number("value", "amount")
                    .map(|amount| (amount, text("value", "currency").and_then(|code| code.parse().ok()))),
                net_kg: number("origin", "net_kg"),
                gross_kg: number("measure", "gross_kg"),
                pieces,
                quantity: number("measure", "quantity").zip(text("measure", "unit")),
            }
        };
        // Of a record without goods items each of their groups still has a leaf, which is empty.
        let empty = || all.iter().flatten().all(Vec::is_empty);
        if count <= 1 && empty() { Vec::new() } else { (0..count).map(one).collect() }
    }
}

fn exact(value: &Value) -> Option<Exact> {
    match value {
        Value::Decimal(decimal) => Some((*decimal).into()),
        _ => None,
    }
}

fn value_of<'v>(table: &'static TypeTable, group: &str, fields: &'v [(u8, Value)], field: &str) -> Option<&'v Value> {
    let number = table.group(group)?.1.field(field)?.number;
    fields.iter().find(|(at, _)| *at == number).map(|(_, value)| value)
}

fn text_of(table: &'static TypeTable, group: &str, fields: &[(u8, Value)], field: &str) -> Option<String> {
    match value_of(table, group, fields, field)? {
        Value::Text(text) => Some(text.clone()),
        _ => None,
    }
}

/// A group of texts that a record has once, as JSON.
fn group_json(shown: Shown<'_>, group: &str) -> Json {
    let fields = shown.table().group(group).map_or(&[][..], |(_, group)| group.fields);
    let texts = fields.iter().filter_map(|field| match shown.field(group, field.name)? {
        Value::Text(text) => Some((field.name.to_owned(), Json::from(text))),
        _ => None,
    });
    Json::Object(texts.collect())
}
