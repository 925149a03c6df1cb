//! From the text of a cell to a value: trim, default, value map, unit, rounding.
//!
//! Not in: which cell goes where, that is [`super::mapping`]'s.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;

use super::exact::{Inexact, Number, Ratio, exactly, rounded};
use crate::record::{Fault, Kind, Value};

/// The part of a `[[column]]` that treats the cell, as it stands in the mapping file.
#[derive(Debug, Default)]
pub(super) struct Treatment {
    pub(super) trim: bool,
    pub(super) default: Option<String>,
    pub(super) map: Option<BTreeMap<String, String>>,
    pub(super) otherwise: Option<Otherwise>,
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
    kind: Kind,
    trim: bool,
    default: Option<Value>,
    /// To a value, or to none for text that means "absent".
    map: Option<HashMap<String, Option<Value>>>,
    otherwise: Otherwise,
    unit: Option<Unit>,
}

#[derive(Debug)]
struct Unit {
    ratio: Ratio,
    scale: u8,
    round: bool,
    whole: bool,
}

impl Cell {
    /// Checks a treatment against the kind of field it is for; says in words what is wrong.
    pub(super) fn new(kind: Kind, treatment: Treatment) -> Result<Self, String> {
        let Treatment { trim, default, map, otherwise, multiply, divide, round } = treatment;
        if otherwise.is_some() && map.is_none() {
            return Err("otherwise stands without a map".into());
        }
        let value = |text: &str| kind.parse(text).map_err(|e| e.to_string());
        let default = default.as_deref().map(value).transpose().map_err(|e| format!("default: {e}"))?;
        let entry = |(from, to): (String, String)| -> Result<_, String> {
            let to = if to.is_empty() { None } else { Some(value(&to).map_err(|e| format!("map '{from}': {e}"))?) };
            Ok((from, to))
        };
        let map = map.map(|map| map.into_iter().map(entry).collect()).transpose()?;
        let unit = match (&multiply, &divide, round) {
            (None, None, None) => None,
            _ => Some(Unit::new(kind, multiply.as_deref(), divide.as_deref(), round)?),
        };
        Ok(Self { kind, trim, default, map, otherwise: otherwise.unwrap_or(Otherwise::Refuse), unit })
    }

    /// The value of a cell; none if it is absent.
    pub(super) fn read(&self, cell: &[u8]) -> Result<Option<Value>, (Fault, String)> {
        let text = std::str::from_utf8(cell)
            .map_err(|_| (Fault::Mapping, "the cell is not UTF-8\nhint: save the file as UTF-8".to_owned()))?;
        let text = if self.trim { text.trim() } else { text };
        if text.is_empty() {
            return Ok(self.default.clone());
        }
        if let Some(map) = &self.map {
            match (map.get(text), self.otherwise) {
                (Some(value), _) => return Ok(value.clone()),
                (None, Otherwise::Keep) => {}
                (None, Otherwise::Refuse) => {
                    return Err((Fault::Mapping, format!("'{}' is not in the column's map", shortened(text))));
                }
            }
        }
        let value = match &self.unit {
            None => self.kind.parse(text).map_err(|e| e.to_string()),
            Some(unit) => unit.apply(text).and_then(|value| match self.kind.holds(&value) {
                true => Ok(value),
                false => Err(format!("{value} (from '{}') is not {}", shortened(text), self.kind.expected())),
            }),
        };
        value.map(Some).map_err(|reason| {
            let hint = if text.trim().len() < text.len() { "\nhint: trim = true takes white space off" } else { "" };
            (Fault::Value, format!("{reason}{hint}"))
        })
    }
}

impl Unit {
    fn new(kind: Kind, multiply: Option<&str>, divide: Option<&str>, round: Option<u8>) -> Result<Self, String> {
        let max = match kind {
            Kind::Decimal(_, scale) => scale,
            Kind::Uint(_) => 0,
            _ => {
                return Err(format!("multiply, divide and round are for numbers, the field takes {}", kind.expected()));
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

    fn apply(&self, text: &str) -> Result<Value, String> {
        let number = Number::parse(text)
            .ok_or_else(|| format!("'{}' is not a plain decimal of at most 30 digits", shortened(text)))?;
        let result = if self.round { rounded } else { exactly }(number, self.ratio, self.scale);
        let decimal = result.map_err(|inexact| match inexact {
            Inexact::Size => format!("'{}' in the field's unit has too many digits", shortened(text)),
            Inexact::Scale => format!(
                "'{}' in the field's unit has more than {} digits after the point\nhint: round = {} rounds it",
                shortened(text),
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
        cell.read(input.as_bytes()).unwrap().map_or("absent".into(), |v| v.to_string())
    }

    fn fault(cell: &Cell, input: &[u8]) -> String {
        let (fault, reason) = cell.read(input).unwrap_err();
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
        assert!(refused(decimal, |t| t.otherwise = Some(Otherwise::Keep)).contains("without a map"));
        let map = |t: &mut Treatment| t.map = Some([("a".to_owned(), "b".to_owned())].into());
        assert!(refused(decimal, map).starts_with("map 'a': 'b' is not"));
    }
}
