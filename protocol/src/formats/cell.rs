//! From the text of a cell to a value: trim, default, value map, code table, date form, unit, product, rounding.
//!
//! Not in: which cell goes where, that is [`super::mapping`]'s; the way back, that is [`super::uncell`]'s.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;

use super::codes::System;
use super::date::DateForm;
use super::exact::{Inexact, Number, Ratio, exactly, rounded};
use crate::record::{Fault, Kind, Value};

/// The part of a `[[column]]` that treats the cell, as it stands in the mapping file.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Treatment {
    pub(super) trim: bool,
    pub(super) default: Option<String>,
    pub(super) map: Option<BTreeMap<String, String>>,
    pub(super) codes: Option<String>,
    pub(super) otherwise: Option<Otherwise>,
    pub(super) fallback: Option<String>,
    pub(super) date: Option<String>,
    pub(super) offset: Option<String>,
    pub(super) times: Option<String>,
    pub(super) multiply: Option<String>,
    pub(super) divide: Option<String>,
    pub(super) round: Option<u8>,
}

/// What becomes of a cell that the value map does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Otherwise {
    /// Its text is read as it is.
    Keep,
    /// Its row is refused.
    Refuse,
}

/// How a cell is read, with every word of the mapping checked.
#[derive(Debug)]
pub(super) struct Cell {
    pub(super) kind: Kind,
    pub(super) trim: bool,
    pub(super) default: Option<Value>,
    /// To a value, or to none for text that means "absent".
    pub(super) map: Option<HashMap<String, Option<Value>>>,
    pub(super) codes: Option<System>,
    pub(super) otherwise: Unlisted,
    pub(super) date: Option<DateForm>,
    pub(super) unit: Option<Unit>,
}

/// What becomes of text that neither map nor code table has.
#[derive(Debug)]
pub(super) enum Unlisted {
    Keep,
    Refuse,
    Means(Value),
}

#[derive(Debug)]
pub(super) struct Unit {
    pub(super) ratio: Ratio,
    scale: u8,
    round: bool,
    whole: bool,
}

impl Cell {
    /// Checks a treatment against the kind of field it is for; says in words what is wrong.
    pub(super) fn new(kind: Kind, treatment: Treatment) -> Result<Self, String> {
        let Treatment { trim, default, map, codes, otherwise, fallback, date, offset, times, multiply, divide, round } =
            treatment;
        let listed = map.is_some() || codes.is_some();
        if !listed && (otherwise.is_some() || fallback.is_some()) {
            return Err(
                "otherwise and fallback are for text that a map or a code table lacks, and there is none".into()
            );
        }
        if offset.is_some() && date.is_none() {
            return Err("offset stands without a date".into());
        }
        let numeric = times.is_some() || multiply.is_some() || divide.is_some() || round.is_some();
        if usize::from(listed) + usize::from(date.is_some()) + usize::from(numeric) > 1
            && (date.is_some() || times.is_some())
        {
            return Err(
                "date and times do not go with each other, nor with a map or another treatment of numbers".into()
            );
        }
        let value = |text: &str| kind.parse(text).map_err(|e| e.to_string());
        let default = default.as_deref().map(value).transpose().map_err(|e| format!("default: {e}"))?;
        let entry = |(from, to): (String, String)| -> Result<_, String> {
            let to = if to.is_empty() { None } else { Some(value(&to).map_err(|e| format!("map '{from}': {e}"))?) };
            Ok((from, to))
        };
        let map = map.map(|map| map.into_iter().map(entry).collect()).transpose()?;
        let codes = codes.map(|name| code_table(kind, &name)).transpose()?;
        let otherwise = match (otherwise, fallback) {
            (Some(_), Some(_)) => return Err("otherwise and fallback exclude each other".into()),
            (_, Some(text)) => Unlisted::Means(value(&text).map_err(|e| format!("fallback: {e}"))?),
            (Some(Otherwise::Keep), None) => Unlisted::Keep,
            (Some(Otherwise::Refuse) | None, None) => Unlisted::Refuse,
        };
        let date = date.map(|pattern| DateForm::new(kind, &pattern, offset.as_deref())).transpose()?;
        let unit = match numeric {
            false => None,
            true => Some(Unit::new(kind, multiply.as_deref(), divide.as_deref(), round)?),
        };
        Ok(Self { kind, trim, default, map, codes, otherwise, date, unit })
    }

    /// The value of a cell, times that of another column where one is given; none if it is absent.
    pub(super) fn read(&self, cell: &[u8], factor: Option<&[u8]>) -> Result<Option<Value>, (Fault, String)> {
        let (text, factor) = (self.text(cell)?, factor.map(|cell| self.text(cell)).transpose()?);
        if text.is_empty() || factor.is_some_and(str::is_empty) {
            return Ok(self.default.clone());
        }
        if let Some(value) = self.listed(text)? {
            return Ok(value);
        }
        let value = match (&self.unit, &self.date) {
            (Some(unit), _) => unit.apply(text, factor).and_then(|value| match self.kind.holds(&value) {
                true => Ok(value),
                false => Err(format!("{value} (from {}) is not {}", quoted(text, factor), self.kind.expected())),
            }),
            (None, Some(date)) => {
                date.read(text).ok_or_else(|| format!("'{}' is not a date in the column's form", shortened(text)))
            }
            (None, None) => self.kind.parse(text).map_err(|e| e.to_string()),
        };
        value.map(Some).map_err(|reason| {
            let hint = if text.trim().len() < text.len() { "\nhint: trim = true takes white space off" } else { "" };
            (Fault::Value, format!("{reason}{hint}"))
        })
    }

    fn text<'a>(&self, cell: &'a [u8]) -> Result<&'a str, (Fault, String)> {
        let text = std::str::from_utf8(cell)
            .map_err(|_| (Fault::Mapping, "the cell is not UTF-8\nhint: save the file as UTF-8".to_owned()))?;
        Ok(if self.trim { text.trim() } else { text })
    }

    /// What map, code table or fallback say of the text: nothing, absent, or a value.
    fn listed(&self, text: &str) -> Result<Option<Option<Value>>, (Fault, String)> {
        if self.map.is_none() && self.codes.is_none() {
            return Ok(None);
        }
        if let Some(value) = self.map.as_ref().and_then(|map| map.get(text)) {
            return Ok(Some(value.clone()));
        }
        if let Some(word) = self.codes.and_then(|codes| codes.word(text)) {
            return Ok(Some(Some(Value::Text(word.to_owned()))));
        }
        match &self.otherwise {
            Unlisted::Keep => Ok(None),
            Unlisted::Means(value) => Ok(Some(Some(value.clone()))),
            Unlisted::Refuse => {
                let list = if self.codes.is_some() { "code table" } else { "map" };
                Err((Fault::Mapping, format!("'{}' is not in the column's {list}", shortened(text))))
            }
        }
    }
}

/// The code table of this name, all words of which the field takes.
fn code_table(kind: Kind, name: &str) -> Result<System, String> {
    let known = || System::ALL.map(System::name).join(", ");
    let system = System::named(name).ok_or_else(|| format!("no code table '{name}'\nhint: known are {}", known()))?;
    match system.codes().iter().find(|(_, word)| kind.parse(word).is_err()) {
        None => Ok(system),
        Some((_, word)) => Err(format!("code table {name} has '{word}', the field takes {}", kind.expected())),
    }
}

/// One or two cells for a message.
fn quoted(text: &str, factor: Option<&str>) -> String {
    let times = factor.map(|factor| format!(" times '{}'", shortened(factor))).unwrap_or_default();
    format!("'{}'{times}", shortened(text))
}

impl Unit {
    fn new(kind: Kind, multiply: Option<&str>, divide: Option<&str>, round: Option<u8>) -> Result<Self, String> {
        let max = match kind {
            Kind::Decimal(_, scale) => scale,
            Kind::Uint(_) => 0,
            _ => {
                return Err(format!(
                    "times, multiply, divide and round are for numbers, the field takes {}",
                    kind.expected()
                ));
            }
        };
        let ratio = Ratio::new(multiply.unwrap_or("1"), divide.unwrap_or("1"));
        let ratio = ratio.ok_or("multiply and divide are positive decimals of at most 18 characters")?;
        match round {
            Some(scale) if scale > max => {
                Err(format!("round = {scale}, but the field takes at most {max} digits after the point"))
            }
            None if !ratio.is_exact() => {
                Err(format!("the factor gives endless decimals\nhint: add round = {max} or less"))
            }
            _ => {
                let whole = matches!(kind, Kind::Uint(_));
                Ok(Self { ratio, scale: round.unwrap_or(max), round: round.is_some(), whole })
            }
        }
    }

    fn apply(&self, text: &str, factor: Option<&str>) -> Result<Value, String> {
        let parse = |text: &str| {
            let no_number = || format!("'{}' is not a plain decimal of at most 30 digits", shortened(text));
            Number::parse(text).ok_or_else(no_number)
        };
        let too_long = || format!("{} in the field's unit has too many digits", quoted(text, factor));
        let number = match factor {
            None => parse(text)?,
            Some(factor) => parse(text)?.times(parse(factor)?).ok_or_else(too_long)?,
        };
        let result = if self.round { rounded } else { exactly }(number, self.ratio, self.scale);
        let decimal = result.map_err(|inexact| match inexact {
            Inexact::Size => too_long(),
            Inexact::Scale => format!(
                "{} in the field's unit has more than {} digits after the point\nhint: round = {} rounds it",
                quoted(text, factor),
                self.scale,
                self.scale
            ),
        })?;
        match u64::try_from(decimal.mantissa) {
            Ok(number) if self.whole => Ok(Value::Uint(number)),
            _ => Ok(Value::Decimal(decimal)), // a negative one is no whole number: the kind refuses it
        }
    }
}

/// Enough of a cell to recognise it in a message.
pub(super) fn shortened(text: &str) -> String {
    let mut cut: String = text.chars().take(60).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    cut
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    fn cell(kind: Kind, change: impl FnOnce(&mut Treatment)) -> Result<Cell, String> {
        let mut treatment = Treatment::default();
        change(&mut treatment);
        Cell::new(kind, treatment)
    }

    fn text(cell: &Cell, input: &str) -> String {
        cell.read(input.as_bytes(), None).unwrap().map_or("absent".into(), |v| v.to_string())
    }

    fn fault(cell: &Cell, input: &[u8]) -> String {
        let (fault, reason) = cell.read(input, None).unwrap_err();
        format!("{fault}: {reason}")
    }

    #[test]
    fn a_cell_is_taken_as_it_is_unless_told_otherwise() {
        let plain = cell(Kind::Text(9), |_| {}).unwrap();
        assert_eq!(text(&plain, "a b"), "a b");
        assert_eq!(text(&plain, ""), "absent");
        assert!(fault(&plain, b" a").starts_with("value: ' a' is not text of 1 to 9 characters\nhint: trim = true"));
        assert_eq!(fault(&plain, b"\xff"), "mapping: the cell is not UTF-8\nhint: save the file as UTF-8");
        let trimmed = cell(Kind::Text(9), |t| t.trim = true).unwrap();
        assert_eq!((text(&trimmed, " a\t"), text(&trimmed, "  ")), ("a".into(), "absent".into()));
        let default = cell(Kind::Territory, |t| t.default = Some("GB".into())).unwrap();
        assert_eq!((text(&default, ""), text(&default, "FR")), ("GB".into(), "FR".into()));
    }

    #[test]
    fn a_map_names_each_word_or_keeps_the_others() {
        let map = |t: &mut Treatment| {
            t.map = Some([("EIRE", "IE"), ("Unspecified", "")].map(|(a, b)| (a.to_owned(), b.to_owned())).into());
        };
        let refuse = cell(Kind::Territory, map).unwrap();
        assert_eq!((text(&refuse, "EIRE"), text(&refuse, "Unspecified")), ("IE".into(), "absent".into()));
        assert_eq!(fault(&refuse, b"FR"), "mapping: 'FR' is not in the column's map");
        let keep = cell(Kind::Territory, |t| {
            map(t);
            t.otherwise = Some(Otherwise::Keep);
        });
        assert_eq!(text(&keep.unwrap(), "FR"), "FR");
    }

    #[test]
    fn units_are_converted_without_loss() {
        let grams = cell(Kind::Decimal(16, 6), |t| t.divide = Some("1000".into())).unwrap();
        assert_eq!((text(&grams, "1250"), text(&grams, "0.5")), ("1.25".into(), "0.0005".into()));
        assert!(fault(&grams, b"0.0001").contains("more than 6 digits after the point\nhint: round = 6"));
        assert!(fault(&grams, b"1234567890123456789012345").contains("too many digits"));
        assert!(fault(&grams, b"1,5").contains("'1,5' is not a plain decimal"));
        let price = cell(Kind::Decimal(16, 2), |t| t.round = Some(2)).unwrap();
        assert_eq!(text(&price, "86125.20000000001"), "86125.20");
        assert!(fault(&price, b"123456789012345").contains("is not a decimal of at most 16 digits"));
        let pieces = cell(Kind::Uint(99), |t| t.multiply = Some("12".into())).unwrap();
        assert_eq!((text(&pieces, "2"), text(&pieces, "1.5")), ("24".into(), "18".into()));
        assert!(fault(&pieces, b"-1").contains("-12 (from '-1') is not a whole number"));
        assert!(fault(&pieces, b"9").contains("is not a whole number from 0 to 99"));
    }

    #[test]
    fn a_treatment_that_cannot_work_is_refused_at_once() {
        let refused = |kind, change: fn(&mut Treatment)| cell(kind, change).unwrap_err();
        let decimal = Kind::Decimal(16, 2);
        assert!(refused(Kind::Day, |t| t.round = Some(2)).contains("are for numbers"));
        assert!(refused(decimal, |t| t.round = Some(3)).contains("at most 2 digits"));
        assert!(refused(decimal, |t| t.divide = Some("3".into())).contains("endless decimals"));
        assert!(refused(decimal, |t| t.multiply = Some("0".into())).contains("positive decimals"));
        assert!(refused(decimal, |t| t.default = Some("x".into())).starts_with("default: 'x' is not"));
        assert!(refused(decimal, |t| t.otherwise = Some(Otherwise::Keep)).contains("and there is none"));
        let map = |t: &mut Treatment| t.map = Some([("a".to_owned(), "b".to_owned())].into());
        assert!(refused(decimal, map).starts_with("map 'a': 'b' is not"));
    }

    #[test]
    fn two_columns_are_multiplied_exactly() {
        let product = cell(Kind::Decimal(16, 2), |t| t.times = Some("UnitPrice".into())).unwrap();
        let read = |a: &str, b: &str| product.read(a.as_bytes(), Some(b.as_bytes()));
        let text = |a: &str, b: &str| read(a, b).unwrap().map_or("absent".into(), |v| v.to_string());
        assert_eq!(
            (text("10", "2.08"), text("-3", "1.10"), text("", "1"), text("1", "")),
            ("20.8".into(), "-3.3".into(), "absent".into(), "absent".into())
        );
        assert!(read("3", "0.001").unwrap_err().1.starts_with("'3' times '0.001' in the field's unit has more than 2"));
        assert!(read("3", "x").unwrap_err().1.starts_with("'x' is not a plain decimal"));
        let long = "9".repeat(30);
        assert!(read(&long, &long).unwrap_err().1.ends_with("too many digits"));
        assert!(read("999999999", "999999999").unwrap_err().1.contains("is not a decimal of at most 16 digits"));
        let rounded = cell(Kind::Decimal(16, 2), |t| (t.times, t.round) = (Some("p".into()), Some(2))).unwrap();
        assert_eq!(rounded.read(b"3", Some(b"0.335")).unwrap().unwrap().to_string(), "1.01");
    }

    #[test]
    fn code_tables_and_dates_read_what_they_know() {
        let (_, group) = crate::record::table("event", 1).unwrap().group("event").unwrap();
        let kind = group.field("code").unwrap().kind;
        let codes = cell(kind, |t| t.codes = Some("EMSEVT".into())).unwrap();
        assert_eq!(text(&codes, "EMC"), "departed");
        assert_eq!(fault(&codes, b"EMZ"), "mapping: 'EMZ' is not in the column's code table");
        let other = cell(kind, |t| (t.codes, t.fallback) = (Some("EMSEVT".into()), Some("other".into()))).unwrap();
        assert_eq!(text(&other, "EMZ"), "other");
        assert!(cell(kind, |t| t.codes = Some("HMRC".into())).unwrap_err().contains("code table HMRC has 'accepted'"));
        assert!(cell(kind, |t| t.codes = Some("x".into())).unwrap_err().contains("known are HMRC"));
        let date = cell(Kind::Day, |t| t.date = Some("DD.MM.YYYY".into())).unwrap();
        assert_eq!(text(&date, "17.11.2011"), "2011-11-17");
        assert_eq!(fault(&date, b"2011-11-17"), "value: '2011-11-17' is not a date in the column's form");
        let both = cell(Kind::Decimal(16, 2), |t| (t.times, t.map) = (Some("p".into()), Some(BTreeMap::new())));
        assert!(both.unwrap_err().contains("do not go with each other"));
        assert!(cell(Kind::Day, |t| t.offset = Some("Z".into())).unwrap_err().contains("without a date"));
    }
}
