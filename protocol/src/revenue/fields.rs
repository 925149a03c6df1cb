//! Fields of a record's group by name, and groups written by name.

use serde_json::{Map, Value as Json};

use super::duty::RecordRef;
use super::money::{Exact, Money, MoneyError};
use crate::life::{ItemId, Scheme};
use crate::names::Currency;
use crate::record::{Content, ContentError, Fault, Group, Occurrences, TypeTable, Value};
use crate::time::Day;

/// Why a record cannot be taken as what it says it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Another type.
    #[error("a {found} record where {wanted} belongs")]
    Type {
        /// What it is.
        found: &'static str,
        /// What is wanted.
        wanted: &'static str,
    },
    /// A group or field that is not there: hidden, or never given.
    #[error("/{0}: not there\nhint: it may be withheld from this recipient")]
    Missing(String),
    /// A value that means nothing here.
    #[error("/{place}: '{found}' is not {wanted}")]
    Value {
        /// The field.
        place: String,
        /// What was found.
        found: String,
        /// What is wanted.
        wanted: &'static str,
    },
    /// An amount that no field holds.
    #[error("{0}")]
    Money(#[from] MoneyError),
    /// The record would break its table.
    #[error("{0}")]
    Content(#[from] ContentError),
}

/// One occurrence of a group.
pub(super) struct Fields<'a> {
    group: &'static Group,
    values: &'a [(u8, Value)],
    /// Its name, and its number where it repeats.
    place: String,
}

/// A group of a record, read.
pub(super) struct Part {
    group: &'static Group,
    occurrences: Occurrences,
}

impl Part {
    /// The group of this name; without any occurrence where it is absent.
    pub(super) fn of(content: &Content, name: &str) -> Result<Self, RecordError> {
        let (at, group) = content.table().group(name).ok_or_else(|| RecordError::Missing(name.to_owned()))?;
        Ok(Self { group, occurrences: content.occurrences(at, 0) })
    }

    /// Its occurrences.
    pub(super) fn all(&self) -> impl Iterator<Item = Fields<'_>> {
        self.occurrences.iter().enumerate().map(|(at, values)| {
            let place = match self.group.repeats {
                true => format!("{}/{}", self.group.name, at + 1),
                false => self.group.name.to_owned(),
            };
            Fields { group: self.group, values, place }
        })
    }

    /// Its only occurrence.
    pub(super) fn one(&self) -> Result<Fields<'_>, RecordError> {
        self.all().next().ok_or_else(|| RecordError::Missing(self.group.name.to_owned()))
    }
}

impl Fields<'_> {
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        let number = self.group.field(name)?.number;
        self.values.iter().find(|(at, _)| *at == number).map(|(_, value)| value)
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        match self.get(name) {
            Some(Value::Text(text)) => Some(text.clone()),
            _ => None,
        }
    }

    pub(super) fn need(&self, name: &str) -> Result<String, RecordError> {
        self.text(name).ok_or_else(|| self.missing(name))
    }

    /// A text that stands for something.
    pub(super) fn parsed<T: std::str::FromStr>(
        &self,
        name: &str,
        wanted: &'static str,
    ) -> Result<Option<T>, RecordError> {
        let Some(found) = self.text(name) else { return Ok(None) };
        match found.parse() {
            Ok(value) => Ok(Some(value)),
            Err(_) => Err(RecordError::Value { place: format!("{}/{name}", self.place), found, wanted }),
        }
    }

    pub(super) fn need_parsed<T: std::str::FromStr>(&self, name: &str, wanted: &'static str) -> Result<T, RecordError> {
        self.parsed(name, wanted)?.ok_or_else(|| self.missing(name))
    }

    pub(super) fn uint(&self, name: &str) -> Option<u64> {
        match self.get(name) {
            Some(Value::Uint(number)) => Some(*number),
            _ => None,
        }
    }

    pub(super) fn need_uint(&self, name: &str) -> Result<u64, RecordError> {
        self.uint(name).ok_or_else(|| self.missing(name))
    }

    pub(super) fn day(&self, name: &str) -> Option<Day> {
        match self.get(name) {
            Some(Value::Day(day)) => Some(*day),
            _ => None,
        }
    }

    pub(super) fn exact(&self, name: &str) -> Option<Exact> {
        match self.get(name) {
            Some(Value::Decimal(decimal)) => Some((*decimal).into()),
            _ => None,
        }
    }

    /// An amount with its currency, which stands in `currency`.
    pub(super) fn money(&self, name: &str) -> Result<Money, RecordError> {
        let amount = self.exact(name).ok_or_else(|| self.missing(name))?;
        let currency: Currency = self.need_parsed("currency", "a currency")?;
        Ok(Money::new(amount, currency))
    }

    pub(super) fn missing(&self, name: &str) -> RecordError {
        RecordError::Missing(format!("{}/{name}", self.place))
    }
}

/// A record's head: own reference, revision, whether it is cancelled.
pub(super) fn head(content: &Content, table: &'static TypeTable) -> Result<(String, u64, bool), RecordError> {
    if content.table() != table {
        return Err(RecordError::Type { found: content.table().name, wanted: table.name });
    }
    let part = Part::of(content, "reference")?;
    let head = part.one()?;
    let action = head.text("action");
    let corrects = action.as_deref().is_some_and(|action| action != "original");
    let revision = head.uint("revision").unwrap_or(u64::from(corrects));
    Ok((head.need("own_reference")?, revision, action.as_deref() == Some("cancellation")))
}

/// A group in JSON, without what is not there.
pub(super) fn object(fields: Vec<(&str, Option<Json>)>) -> Json {
    Json::Object(fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect::<Map<_, _>>())
}

/// A record's head as [`head`] reads it.
pub(super) fn head_json(record: &RecordRef, revision: u64, cancelled: bool) -> Json {
    object(vec![
        ("own_reference", Some(record.reference.clone().into())),
        // Of a cancellation 1 goes without saying.
        ("revision", (revision > 0 || cancelled).then(|| revision.into())),
        ("action", cancelled.then(|| "cancellation".into())),
    ])
}

/// The group `item`.
pub(super) fn item_json(item: &ItemId, posted_on: Option<Day>) -> Json {
    object(vec![
        ("scheme", (item.scheme != Scheme::Unknown).then(|| item.scheme.word().into())),
        ("issuer", item.issuer.clone().map(Json::from)),
        ("id", Some(item.id.clone().into())),
        ("posted_on", day_json(posted_on)),
    ])
}

/// A day as the text of a record's field.
pub(super) fn day_json(day: Option<Day>) -> Option<Json> {
    day.map(|day| day.to_string().into())
}

/// An amount as the text of a record's field, with so many digits behind the point at least.
pub(super) fn amount(amount: Exact, least: u8) -> Result<Json, RecordError> {
    Ok(amount.to_decimal(least, 4)?.to_string().into())
}

/// A quantity or rate as the text of a record's field.
pub(super) fn quantity(quantity: Exact) -> Result<Json, RecordError> {
    Ok(quantity.to_decimal(0, 6)?.to_string().into())
}

/// Too much for one record.
pub(super) fn too_many(group: &str, found: usize) -> RecordError {
    let most = crate::limits::MAX_OCCURRENCES;
    ContentError::new(
        Fault::Limit,
        format!("/{group}"),
        format!("{found} of them; a record holds {most}\nhint: split it in several records"),
    )
    .into()
}
