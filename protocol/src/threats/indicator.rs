//! An indicator as it is read from a record, or from what of it is shown.
//!
//! Not here: files of other formats (`stix`, `lists`), and which version of an indicator holds (`screener`).

use std::fmt;
use std::str::FromStr;

use super::plain::{PlainName, plain_words};
use super::sought::{Band, GoodsSought, NumberSought, PartySought, RouteSought, Sought, plain_id};
use crate::hash::{Domain, Hasher};
use crate::limits::MAX_INDICATOR_DAYS;
use crate::names::{MemberId, NameError, words};
use crate::record::{Decimal, Held, INDICATOR, Source, visit_leaf};
use crate::time::Millis;

words!(
    /// What an indicator warns of.
    Threat, "threat", {
        /// Narcotics.
        Narcotics = "narcotics";
        /// What narcotics are made of.
        Precursors = "precursors";
        /// Weapons and their parts.
        Weapons = "weapons";
        /// Explosives.
        Explosives = "explosives";
        /// Goods of civil and military use.
        DualUse = "dual_use";
        /// Parties or goods under sanctions.
        Sanctions = "sanctions";
        /// Infringed marks and rights.
        Counterfeit = "counterfeit";
        /// Goods that are not safe.
        UnsafeProduct = "unsafe_product";
        /// Protected animals and plants.
        Wildlife = "wildlife";
        /// Cultural goods.
        CulturalGoods = "cultural_goods";
        /// Waste.
        Waste = "waste";
        /// Tobacco.
        Tobacco = "tobacco";
        /// Medicines.
        Medicines = "medicines";
        /// What brings pests and diseases.
        FoodPlantAnimal = "food_plant_animal";
        /// Cash.
        Cash = "cash";
        /// Declared below its value.
        Undervaluation = "undervaluation";
        /// Declared under another code.
        Misclassification = "misclassification";
        /// Declared as something else.
        Misdescription = "misdescription";
        /// Split to stay below a threshold.
        Splitting = "splitting";
        /// Somebody else's number for duty and tax.
        TaxNumberMisuse = "tax_number_misuse";
        /// Another fraud.
        OtherFraud = "other_fraud";
        /// Anything else.
        Other = "other";
    }
);

words!(
    /// Who may see an indicator (Traffic Light Protocol 2.0).
    Tlp, "TLP label", {
        /// Everybody.
        Clear = "clear";
        /// The community.
        Green = "green";
        /// The recipient and its clients.
        Amber = "amber";
        /// The recipient only.
        AmberStrict = "amber+strict";
        /// Those who are named only.
        Red = "red";
    }
);

words!(
    /// What an indicator's issuer advises, the weakest first.
    Advice, "advice", {
        /// Watch.
        Watch = "watch";
        /// Screen by means such as X-ray.
        Screen = "screen";
        /// Ask for information.
        Inform = "inform";
        /// Inspect.
        Inspect = "inspect";
        /// Do not load.
        DoNotLoad = "do_not_load";
    }
);

/// The identifier of an indicator: `indicator--` and a UUID (STIX 2.1, 2.9).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IndicatorId(Box<str>);

/// Why a record is no indicator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IndicatorError {
    /// A record of another type.
    #[error("a record of type {0}, not an indicator")]
    Type(&'static str),
    /// A field that has to be there is hidden or absent.
    #[error(
        "/indicator/{0} is not there\nhint: an agreement that gives indicators gives the groups 'reference' and 'indicator'"
    )]
    Missing(&'static str),
    /// A value that is not what it has to be.
    #[error("/{place}: {what}")]
    Value {
        /// Where.
        place: String,
        /// What is wrong.
        what: String,
    },
    /// It would hold for ever.
    #[error(
        "/indicator/valid_until: {days} days after valid_from; at most {MAX_INDICATOR_DAYS}\nhint: renew it by a correction while it holds"
    )]
    Long {
        /// Its days.
        days: u64,
    },
    /// It says something of others' indicators.
    #[error(
        "{issuer} merges indicators of others, and the charter in force does not name it as coordinator\nhint: without the group 'merges' it is an indicator as any other"
    )]
    NoCoordinator {
        /// Who.
        issuer: MemberId,
    },
    /// It ends before it begins.
    #[error("/indicator/valid_until: not after valid_from")]
    Ends,
}

/// An indicator of another member that a coordinator brings together with others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// Who issued it.
    pub issuer: MemberId,
    /// Its identifier.
    pub id: IndicatorId,
    /// How sure the coordinator is of it, in hundredths, in place of its issuer's own confidence; 0 mutes it.
    pub grade: Option<u8>,
    /// Why, in words.
    pub text: Option<String>,
}

/// A threat, and what a declaration of it would look like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Indicator {
    /// Who issued it.
    pub issuer: MemberId,
    /// Its identifier.
    pub id: IndicatorId,
    /// The issuer's own reference.
    pub reference: String,
    /// Which revision of it this is.
    pub revision: u64,
    /// When this revision was made, as its issuer says.
    pub made_at: Option<Millis>,
    /// Whether its issuer takes it back.
    pub withdrawn: bool,
    /// The first moment at which it holds.
    pub valid_from: Millis,
    /// The first at which it does not.
    pub valid_until: Millis,
    /// What it warns of.
    pub threat: Threat,
    /// How sure its issuer is, in hundredths.
    pub confidence: u8,
    /// Who may see it.
    pub tlp: Tlp,
    /// What its issuer advises.
    pub advice: Advice,
    /// Its title.
    pub name: Option<String>,
    /// What it is about, in words.
    pub text: Option<String>,
    /// The public list that it is from, and its number there.
    pub list: Option<(String, Option<String>)>,
    /// The indicator whose place it takes.
    pub supersedes: Option<IndicatorId>,
    /// What it looks for.
    pub sought: Sought,
    /// Sites on which it is offered.
    pub sites: Vec<String>,
    /// Indicators of others that it brings together; only a coordinator's may.
    pub merged: Vec<Merged>,
    /// Groups of conditions that are not shown. What hides one could hit what its issuer did not mean, so nothing is screened by it.
    pub hidden: Vec<&'static str>,
}

const PREFIX: &str = "indicator--";

impl IndicatorId {
    /// The identifier as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The UUID in it.
    pub fn uuid(&self) -> &str {
        // Every identifier begins so.
        self.0.strip_prefix(PREFIX).unwrap_or_default()
    }

    /// The same identifier for the same parts.
    pub(crate) fn derived(parts: &[&str]) -> Self {
        let mut hasher = Hasher::new(Domain::Index);
        parts.iter().for_each(|part| hasher.part(part.as_bytes()));
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hasher.finish().0[..16]);
        Self::from_bytes(bytes)
    }

    /// An identifier of these bytes, which are those of a UUID of version 8 (RFC 9562, 5.8) but for six bits.
    pub fn from_bytes(mut bytes: [u8; 16]) -> Self {
        bytes[6] = bytes[6] & 0x0f | 0x80;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let hex = crate::hash::hex(&bytes);
        Self(format!("{PREFIX}{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]).into())
    }
}

impl FromStr for IndicatorId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let uuid = text.strip_prefix(PREFIX).unwrap_or_default();
        let fits = |(at, c): (usize, u8)| match at {
            8 | 13 | 18 | 23 => c == b'-',
            _ => c.is_ascii_digit() || (b'a'..=b'f').contains(&c),
        };
        match uuid.len() == 36 && uuid.bytes().enumerate().all(fits) {
            true => Ok(Self(text.into())),
            false => Err(NameError {
                what: "STIX indicator id",
                rule: "'indicator--' and a UUID in small letters (STIX 2.1)",
                found: text.chars().take(80).collect(),
            }),
        }
    }
}

impl fmt::Display for IndicatorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for IndicatorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl serde::Serialize for IndicatorId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for IndicatorId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <String as serde::Deserialize>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Indicator {
    /// Reads a record of type `indicator`, as far as it is shown.
    ///
    /// # Errors
    /// [`IndicatorError`]: the first thing that is wrong.
    pub fn read(issuer: &MemberId, source: &dyn Source) -> Result<Self, IndicatorError> {
        let table = source.table();
        if *table != INDICATOR {
            return Err(IndicatorError::Type(table.name));
        }
        let reference = Fields::of(source, "reference");
        let main = Fields::of(source, "indicator");
        let revision = reference.uint(0, "revision").unwrap_or(0);
        let indicator = Self {
            issuer: issuer.clone(),
            id: main.word("id")?,
            reference: reference.text(0, "own_reference").unwrap_or_default().to_owned(),
            revision,
            made_at: reference.time("made_at"),
            withdrawn: reference.text(0, "action") == Some("cancellation"),
            valid_from: main.time("valid_from").ok_or(IndicatorError::Missing("valid_from"))?,
            valid_until: main.time("valid_until").ok_or(IndicatorError::Missing("valid_until"))?,
            threat: main.word("threat")?,
            // A field of at most 100.
            confidence: main.uint(0, "confidence").ok_or(IndicatorError::Missing("confidence"))?.min(100) as u8,
            tlp: main.word("tlp")?,
            advice: main.word("advice")?,
            name: main.owned(0, "name"),
            text: main.owned(0, "text"),
            list: main.owned(0, "list").map(|list| (list, main.owned(0, "list_id"))),
            supersedes: main.text(0, "supersedes").map(|id| value("indicator/supersedes", id)).transpose()?,
            sought: sought(source)?,
            sites: {
                let sites = Fields::of(source, "sites");
                sites.rows().filter_map(|row| sites.owned(row, "url")).collect()
            },
            merged: merged(issuer, source)?,
            hidden: hidden(source),
        };
        if indicator.valid_until <= indicator.valid_from {
            return Err(IndicatorError::Ends);
        }
        let days = (indicator.valid_until.0 - indicator.valid_from.0) / 86_400_000;
        if days > MAX_INDICATOR_DAYS {
            return Err(IndicatorError::Long { days });
        }
        Ok(indicator)
    }

    /// Whether its issuer may issue it, who is a coordinator by the charter in force or not. Whoever coordinates no more may still take its
    /// own back.
    ///
    /// # Errors
    /// [`IndicatorError::NoCoordinator`] where it says something of indicators of others that counts nowhere.
    pub fn may_merge(&self, is_coordinator: bool) -> Result<(), IndicatorError> {
        if is_coordinator || self.merged.is_empty() || self.withdrawn {
            return Ok(());
        }
        Err(IndicatorError::NoCoordinator { issuer: self.issuer.clone() })
    }

    /// Whether it holds at a moment.
    pub fn holds(&self, at: Millis) -> bool {
        !self.withdrawn && self.valid_from <= at && at < self.valid_until
    }
}

/// Groups that say what is sought.
const SOUGHT: [&str; 5] = ["goods_sought", "routes_sought", "parties_sought", "numbers_sought", "mass_sought"];

fn hidden(source: &dyn Source) -> Vec<&'static str> {
    let shown = |name: &&str| INDICATOR.group(name).is_some_and(|(at, _)| !source.shows(at));
    SOUGHT.iter().copied().filter(shown).collect()
}

fn merged(own: &MemberId, source: &dyn Source) -> Result<Vec<Merged>, IndicatorError> {
    let merges = Fields::of(source, "merges");
    let mut merged: Vec<Merged> = Vec::new();
    for row in merges.rows() {
        let place = |field: &str| format!("merges/{}/{field}", row + 1);
        let missing = || wrong(place("indicator"), "an issuer and an identifier name an indicator");
        let issuer: MemberId = merges.parsed(row, "issuer")?.ok_or_else(missing)?;
        let id: IndicatorId = merges.parsed(row, "indicator")?.ok_or_else(missing)?;
        if issuer == *own {
            return Err(wrong(place("issuer"), "its own indicator\nhint: 'supersedes' names the one that it replaces"));
        }
        if merged.iter().any(|before| (&before.issuer, &before.id) == (&issuer, &id)) {
            return Err(wrong(place("indicator"), "it stands twice"));
        }
        // A field of at most 100.
        let grade = merges.uint(row, "grade").map(|grade| grade.min(100) as u8);
        merged.push(Merged { issuer, id, grade, text: merges.owned(row, "text") });
    }
    Ok(merged)
}

fn sought(source: &dyn Source) -> Result<Sought, IndicatorError> {
    let goods = Fields::of(source, "goods_sought");
    let goods = goods.rows().map(|row| {
        let band = |from, to| Band { from: goods.decimal(row, from), to: goods.decimal(row, to) };
        let place = |field: &str| format!("goods_sought/{}/{field}", row + 1);
        let value_band = band("value_from", "value_to");
        let sought = GoodsSought {
            hs: goods.owned(row, "hs"),
            words: goods.text(row, "words").map(|words| some_plain(joined(words), || place("words"))).transpose()?,
            origin: goods.parsed(row, "origin")?,
            value: match goods.parsed(row, "currency")? {
                Some(currency) if !value_band.is_open() => Some((value_band, currency)),
                None if !value_band.is_open() => {
                    return Err(wrong(place("currency"), "a value is sought without its currency"));
                }
                _ => None,
            },
            net_kg: band("net_kg_from", "net_kg_to"),
        };
        some_row(sought, &GoodsSought::default(), "goods_sought", row)
    });
    let routes = Fields::of(source, "routes_sought");
    let routes_sought = routes.rows().map(|row| {
        let sought = RouteSought {
            departure: routes.parsed(row, "departure")?,
            destination: routes.parsed(row, "destination")?,
            first_entry: routes.parsed(row, "first_entry")?,
            transit: routes.parsed(row, "transit")?,
            mode: routes.owned(row, "mode"),
            office: routes.owned(row, "office"),
        };
        some_row(sought, &RouteSought::default(), "routes_sought", row)
    });
    let parties = Fields::of(source, "parties_sought");
    let parties_sought = parties.rows().map(|row| {
        let place = |field: &str| format!("parties_sought/{}/{field}", row + 1);
        let name = parties.text(row, "name").map(|name| match PlainName::of(name) {
            Some(plain) => Ok((name.to_owned(), plain)),
            None => Err(wrong(place("name"), "no letter and no digit")),
        });
        let id = parties.text(row, "id").map(|id| some_plain(plain_id(id), || place("id")));
        let sought = PartySought {
            role: parties.parsed(row, "role")?,
            id: id.transpose()?,
            name: name.transpose()?,
            country: parties.parsed(row, "country")?,
            platform: parties.text(row, "platform").map(str::to_ascii_lowercase),
        };
        if (PartySought { role: None, ..sought.clone() }) == PartySought::default() {
            return Err(wrong(place(""), "a party is sought by nothing but its role"));
        }
        Ok(sought)
    });
    let numbers = Fields::of(source, "numbers_sought");
    let numbers_sought = numbers.rows().map(|row| {
        let place = || format!("numbers_sought/{}/prefix", row + 1);
        // Left out it would leave the operator alone, which asks for less.
        let prefix = numbers.text(row, "prefix").map(|prefix| some_plain(plain_id(prefix), place));
        let sought = NumberSought { prefix: prefix.transpose()?, operator: numbers.parsed(row, "operator")? };
        some_row(sought, &NumberSought::default(), "numbers_sought", row)
    });
    let mass = Fields::of(source, "mass_sought");
    Ok(Sought {
        goods: goods.collect::<Result<_, _>>()?,
        routes: routes_sought.collect::<Result<_, _>>()?,
        parties: parties_sought.collect::<Result<_, _>>()?,
        numbers: numbers_sought.collect::<Result<_, _>>()?,
        gross_kg: Band { from: mass.decimal(0, "from_kg"), to: mass.decimal(0, "to_kg") },
    })
}

/// A row that asks for nothing would be met by everything.
fn some_row<R: PartialEq>(row: R, nothing: &R, group: &str, at: usize) -> Result<R, IndicatorError> {
    match row == *nothing {
        false => Ok(row),
        true => Err(wrong(format!("{group}/{}", at + 1), "a row that asks for nothing")),
    }
}

/// Words with one space between them.
fn joined(words: &str) -> String {
    plain_words(words).split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

/// What is compared, where something is left of what was sought.
fn some_plain(plain: String, place: impl Fn() -> String) -> Result<String, IndicatorError> {
    match plain.is_empty() {
        false => Ok(plain),
        true => Err(wrong(place(), "no letter and no digit")),
    }
}

fn wrong(place: String, what: &str) -> IndicatorError {
    IndicatorError::Value { place, what: what.to_owned() }
}

fn value<T: FromStr<Err: fmt::Display>>(place: &str, text: &str) -> Result<T, IndicatorError> {
    text.parse().map_err(|error: T::Err| IndicatorError::Value { place: place.to_owned(), what: error.to_string() })
}

/// What is shown of a group: row, field, value.
struct Fields<'s> {
    group: &'static str,
    held: Vec<(usize, &'static str, Held<'s>)>,
}

impl<'s> Fields<'s> {
    fn of(source: &'s dyn Source, name: &'static str) -> Self {
        let mut held = Vec::new();
        if let Some((at, group)) = source.table().group(name).filter(|(at, _)| source.shows(*at)) {
            visit_leaf(group, source.leaf(at, 0), |row, field, value| {
                held.push((row, group.fields[field].name, value))
            });
        }
        Self { group: name, held }
    }

    fn rows(&self) -> std::ops::Range<usize> {
        0..self.held.last().map_or(0, |(row, _, _)| row + 1)
    }

    fn find(&self, row: usize, field: &str) -> Option<Held<'s>> {
        self.held.iter().find(|(at, name, _)| *at == row && *name == field).map(|(_, _, held)| *held)
    }

    fn text(&self, row: usize, field: &str) -> Option<&'s str> {
        match self.find(row, field)? {
            Held::Text(text) => Some(text),
            _ => None,
        }
    }

    fn owned(&self, row: usize, field: &str) -> Option<String> {
        self.text(row, field).map(str::to_owned)
    }

    fn decimal(&self, row: usize, field: &str) -> Option<Decimal> {
        match self.find(row, field)? {
            Held::Decimal(number) => Some(number),
            _ => None,
        }
    }

    fn uint(&self, row: usize, field: &str) -> Option<u64> {
        match self.find(row, field)? {
            Held::Uint(number) => Some(number),
            _ => None,
        }
    }

    fn time(&self, field: &str) -> Option<Millis> {
        match self.find(0, field)? {
            Held::Time(time) => Some(time),
            _ => None,
        }
    }

    /// A field of the main group, which has to be there.
    fn word<T: FromStr<Err: fmt::Display>>(&self, field: &'static str) -> Result<T, IndicatorError> {
        let text = self.text(0, field).ok_or(IndicatorError::Missing(field))?;
        value(&format!("{}/{field}", self.group), text)
    }

    fn parsed<T: FromStr<Err: fmt::Display>>(&self, row: usize, field: &str) -> Result<Option<T>, IndicatorError> {
        self.text(row, field).map(|text| value(&format!("{}/{}/{field}", self.group, row + 1), text)).transpose()
    }
}
