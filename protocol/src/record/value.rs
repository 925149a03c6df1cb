//! Field values: their kinds, the check of each, and their text, JSON and CBOR forms.

use std::fmt;
use std::str::FromStr;

use super::codelist::CodeList;
use crate::cbor::{CborError, Decode, Encode, Reader, Writer};
use crate::hash::{hex, unhex};
use crate::limits::MAX_TEXT_CHARS;
use crate::names::Territory;
use crate::time::{Day, Millis};

/// What a field may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text of 1 to this many characters, without control characters or white space at its ends.
    Text(u16),
    /// Capital letters, digits and `-/.` of 1 to this many characters: codes and identifiers.
    Code(u16),
    /// Digits, between the two numbers of them.
    Digits(u8, u8),
    /// One of these words.
    Words(&'static [&'static str]),
    /// A decimal of at most so many digits, at most so many of them after the point.
    Decimal(u8, u8),
    /// A whole number from 0 to this.
    Uint(u64),
    /// The year of an edition of this code list, one that is known.
    Edition(&'static CodeList),
    /// `true` or `false`.
    Bool,
    /// A calendar day.
    Day,
    /// A point in time.
    Time,
    /// A country or customs territory, two capital letters (ISO 3166-1 and EU, XI, XK).
    Territory,
    /// A currency, three capital letters (ISO 4217).
    Currency,
    /// Bytes, between the two numbers of them.
    Bytes(u32, u32),
    /// A signed token as it came, or a key: 1 to this many visible ASCII characters, without spaces.
    Token(u32),
}

/// A value of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Text, code, digits, word, territory or currency.
    Text(String),
    /// A decimal.
    Decimal(Decimal),
    /// A whole number.
    Uint(u64),
    /// A truth value.
    Bool(bool),
    /// A day.
    Day(Day),
    /// A time.
    Time(Millis),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl Value {
    /// Its text, where it is one.
    pub fn into_text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// Why a value was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// It does not have the form of its kind.
    #[error("'{found}' is not {expected}")]
    Form {
        /// What is needed.
        expected: String,
        /// What was given, shortened.
        found: String,
    },
}

/// A decimal number as integer and scale: `1250` at scale 2 is 12.50. The scale is kept, so text and bytes are a bijection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Decimal {
    /// The number without its point.
    pub mantissa: i64,
    /// Digits after the point, at most [`Decimal::MAX_SCALE`].
    pub scale: u8,
}

impl Decimal {
    /// WCO Data Model quantities are n..16,6.
    pub const MAX_SCALE: u8 = 6;

    fn digits(self) -> u8 {
        let digits = self.mantissa.unsigned_abs().checked_ilog10().map_or(1, |log| log + 1);
        // An i64 has at most 19 digits.
        (digits as u8).max(self.scale + 1)
    }
}

impl FromStr for Decimal {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let digits = |t: &str| t.bytes().all(|c| c.is_ascii_digit());
        let scale = u8::try_from(fraction.len()).map_err(|_| ())?;
        let plain = !whole.is_empty()
            && digits(whole)
            && digits(fraction)
            && (whole == "0" || !whole.starts_with('0'))
            && (unsigned.contains('.') != fraction.is_empty())
            && scale <= Self::MAX_SCALE;
        if !plain || whole.len() + fraction.len() > 18 {
            return Err(());
        }
        let magnitude: i64 = format!("{whole}{fraction}").parse().map_err(|_| ())?;
        let negative = unsigned.len() != text.len();
        if negative && magnitude == 0 {
            return Err(());
        }
        Ok(Self { mantissa: if negative { -magnitude } else { magnitude }, scale })
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.mantissa < 0 { "-" } else { "" };
        let scale = usize::from(self.scale);
        let digits = format!("{:0>width$}", self.mantissa.unsigned_abs(), width = scale + 1);
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        if scale == 0 { write!(f, "{sign}{whole}") } else { write!(f, "{sign}{whole}.{fraction}") }
    }
}

impl Kind {
    /// Reads a value from text, as it stands in a CSV cell or a JSON string.
    ///
    /// # Errors
    /// [`ValueError::Form`] that names the form expected.
    pub fn parse(self, text: &str) -> Result<Value, ValueError> {
        let value = match self {
            Kind::Decimal(..) => text.parse().ok().map(Value::Decimal),
            Kind::Uint(_) | Kind::Edition(_) => {
                text.parse().ok().filter(|n: &u64| n.to_string() == text).map(Value::Uint)
            }
            Kind::Bool => text.parse().ok().map(Value::Bool),
            Kind::Day => text.parse().ok().map(Value::Day),
            Kind::Time => text.parse().ok().map(Value::Time),
            Kind::Bytes(..) => unhex(text).map(Value::Bytes),
            _ => Some(Value::Text(text.to_owned())),
        };
        value.filter(|value| self.holds(value)).ok_or_else(|| self.error(text))
    }

    /// Reads a value from JSON: numbers only for whole numbers, `true`/`false` for truth values, strings otherwise.
    ///
    /// # Errors
    /// [`ValueError::Form`]; a JSON number for a decimal is refused, since JSON readers round it.
    pub fn from_json(self, json: &serde_json::Value) -> Result<Value, ValueError> {
        use serde_json::Value as Json;
        match (self, json) {
            (Kind::Uint(_) | Kind::Edition(_), Json::Number(n)) => {
                n.as_u64().map(Value::Uint).filter(|v| self.holds(v)).ok_or_else(|| self.error(&n.to_string()))
            }
            (Kind::Bool, Json::Bool(b)) => Ok(Value::Bool(*b)),
            (Kind::Uint(_) | Kind::Edition(_) | Kind::Bool, other) => Err(self.error(&other.to_string())),
            (_, Json::String(text)) => self.parse(text),
            (Kind::Decimal(..), Json::Number(n)) => Err(ValueError::Form {
                expected: "a decimal in quotes (JSON numbers are rounded by many readers)".into(),
                found: n.to_string(),
            }),
            (_, other) => Err(self.error(&other.to_string())),
        }
    }

    /// Whether a value is allowed here.
    pub fn holds(self, value: &Value) -> bool {
        match (self, value) {
            (_, Value::Text(text)) => self.holds_text(text),
            (Kind::Decimal(digits, scale), Value::Decimal(d)) => d.digits() <= digits && d.scale <= scale,
            (Kind::Uint(max), Value::Uint(n)) => *n <= max,
            (Kind::Edition(list), Value::Uint(n)) => list.knows(*n),
            (Kind::Bool, Value::Bool(_)) | (Kind::Day, Value::Day(_)) => true,
            (Kind::Time, Value::Time(t)) => *t <= Millis::MAX,
            (Kind::Bytes(min, max), Value::Bytes(bytes)) => (min as usize..=max as usize).contains(&bytes.len()),
            _ => false,
        }
    }

    fn holds_text(self, t: &str) -> bool {
        match self {
            Kind::Text(max) if t.is_ascii() => {
                // The same rule, byte by byte.
                let edge = |byte: Option<&u8>| byte.is_some_and(|b| *b == b' ');
                (1..=usize::from(max)).contains(&t.len())
                    && !t.bytes().any(|b| b.is_ascii_control())
                    && !edge(t.as_bytes().first())
                    && !edge(t.as_bytes().last())
            }
            Kind::Text(max) => {
                (1..=usize::from(max)).contains(&t.chars().count())
                    && !t.chars().any(char::is_control)
                    && t.trim().len() == t.len()
            }
            Kind::Code(max) => {
                (1..=usize::from(max)).contains(&t.len())
                    && t.bytes().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || b"-/._".contains(&c))
            }
            Kind::Digits(min, max) => {
                (usize::from(min)..=usize::from(max)).contains(&t.len()) && t.bytes().all(|c| c.is_ascii_digit())
            }
            Kind::Words(words) => words.contains(&t),
            Kind::Territory => t.len() == 2 && t.parse::<Territory>().is_ok(),
            Kind::Token(max) => (1..=max as usize).contains(&t.len()) && t.bytes().all(|c| c.is_ascii_graphic()),
            Kind::Currency => t.len() == 3 && t.bytes().all(|c| c.is_ascii_uppercase()),
            _ => false,
        }
    }

    /// Checks a value of this kind in CBOR without keeping it: [`Kind::decode`] gives the same verdict.
    ///
    /// # Errors
    /// As [`Kind::decode`].
    pub(super) fn check(self, reader: &mut Reader<'_>) -> Result<(), CborError> {
        match self {
            Kind::Text(_)
            | Kind::Code(_)
            | Kind::Digits(..)
            | Kind::Words(_)
            | Kind::Territory
            | Kind::Currency
            | Kind::Token(_) => {
                let start = reader.position();
                let text = reader.text(self.text_bytes())?;
                if self.holds_text(text) {
                    Ok(())
                } else {
                    Err(reader.refuse(start, "value not allowed in this field"))
                }
            }
            Kind::Bytes(min, max) => {
                let start = reader.position();
                match reader.bytes(max as usize)?.len() >= min as usize {
                    true => Ok(()),
                    false => Err(reader.refuse(start, "value not allowed in this field")),
                }
            }
            _ => self.decode(reader).map(drop),
        }
    }

    /// Bytes that a text of this kind has at most.
    pub(super) fn text_bytes(self) -> usize {
        match self {
            Kind::Token(max) => max as usize,
            _ => 4 * MAX_TEXT_CHARS,
        }
    }

    /// The form in words, for messages.
    pub fn expected(self) -> String {
        match self {
            Kind::Text(max) => format!("text of 1 to {max} characters"),
            Kind::Code(max) => format!("a code of 1 to {max} capital letters, digits or -/._"),
            Kind::Digits(min, max) if min == max => format!("{min} digits"),
            Kind::Digits(min, max) => format!("{min} to {max} digits"),
            Kind::Words(words) => format!("one of {}", words.join(", ")),
            Kind::Decimal(digits, scale) => format!("a decimal of at most {digits} digits, {scale} after the point"),
            Kind::Uint(max) => format!("a whole number from 0 to {max}"),
            Kind::Edition(list) => format!("an edition of {} ({})", list.name, list.years()),
            Kind::Bool => "true or false".into(),
            Kind::Day => "a day (YYYY-MM-DD)".into(),
            Kind::Time => "a time (RFC 3339)".into(),
            Kind::Territory => "a country or territory (two capital letters)".into(),
            Kind::Currency => "a currency (three capital letters, ISO 4217)".into(),
            Kind::Bytes(min, max) if min == max => format!("{min} bytes in hexadecimal"),
            Kind::Bytes(min, max) => format!("{min} to {max} bytes in hexadecimal"),
            Kind::Token(max) => format!("a token of 1 to {max} visible ASCII characters without spaces"),
        }
    }

    /// Reads a value of this kind from CBOR.
    ///
    /// # Errors
    /// [`CborError`] for another kind of item or a value not allowed here.
    pub fn decode(self, reader: &mut Reader<'_>) -> Result<Value, CborError> {
        let start = reader.position();
        let value = match self {
            Kind::Decimal(..) => {
                reader.tuple(2)?;
                let mantissa = reader.int()?;
                let scale = reader.uint_max(u64::from(Decimal::MAX_SCALE))? as u8; // at most 6
                reader.leave();
                Value::Decimal(Decimal { mantissa, scale })
            }
            Kind::Uint(_) | Kind::Edition(_) => Value::Uint(reader.uint()?),
            Kind::Bool => Value::Bool(reader.bool()?),
            Kind::Day => Value::Day(Day::decode(reader)?),
            Kind::Time => Value::Time(Millis::decode(reader)?),
            Kind::Bytes(_, max) => Value::Bytes(reader.bytes(max as usize)?.to_vec()),
            _ => Value::Text(reader.text(self.text_bytes())?.to_owned()),
        };
        if self.holds(&value) { Ok(value) } else { Err(reader.refuse(start, "value not allowed in this field")) }
    }

    fn error(self, found: &str) -> ValueError {
        let mut shortened: String = found.chars().take(60).collect();
        if shortened.len() < found.len() {
            shortened.push('…');
        }
        ValueError::Form { expected: self.expected(), found: shortened }
    }
}

impl Value {
    /// The JSON form that [`Kind::from_json`] reads back.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Value::Uint(n) => (*n).into(),
            Value::Bool(b) => (*b).into(),
            other => other.to_string().into(),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Text(t) => f.write_str(t),
            Value::Decimal(d) => d.fmt(f),
            Value::Uint(n) => n.fmt(f),
            Value::Bool(b) => b.fmt(f),
            Value::Day(d) => d.fmt(f),
            Value::Time(t) => t.fmt(f),
            Value::Bytes(bytes) => f.write_str(&hex(bytes)),
        }
    }
}

impl Encode for Value {
    fn encode(&self, writer: &mut Writer) {
        match self {
            Value::Text(t) => writer.text(t),
            Value::Decimal(d) => {
                writer.array(2);
                writer.int(d.mantissa);
                writer.uint(u64::from(d.scale));
            }
            Value::Uint(n) => writer.uint(*n),
            Value::Bool(b) => writer.bool(*b),
            Value::Day(d) => d.encode(writer),
            Value::Time(t) => t.encode(writer),
            Value::Bytes(bytes) => writer.bytes(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn decimals_are_a_bijection(mantissa in -999_999_999_999i64..999_999_999_999, scale in 0u8..=6) {
            let decimal = Decimal { mantissa, scale };
            prop_assert_eq!(decimal.to_string().parse::<Decimal>(), Ok(decimal));
        }

        #[test]
        fn accepted_decimal_text_is_reproduced(text in "-?[0-9]{0,5}(\\.[0-9]{0,7})?") {
            if let Ok(decimal) = text.parse::<Decimal>() {
                prop_assert_eq!(decimal.to_string(), text);
            }
        }
    }

    #[test]
    fn forms_are_strict() {
        assert!(Kind::Decimal(16, 2).parse("12.345").is_err());
        assert!(Kind::Decimal(4, 2).parse("123.45").is_err());
        for bad in ["", ".", "1.", ".5", "01", "-0", "-0.0", "1e3", "+1", "1,5", " 1"] {
            assert!(Kind::Decimal(16, 6).parse(bad).is_err(), "{bad}");
        }
        assert!(Kind::Decimal(16, 6).from_json(&serde_json::json!(1.5)).is_err());
        assert!(Kind::Text(5).parse(" a").is_err() && Kind::Text(5).parse("a\u{7}").is_err());
        assert!(Kind::Digits(6, 6).parse("85171").is_err());
        assert!(Kind::Uint(9).parse("07").is_err() && Kind::Uint(9).parse("10").is_err());
    }
}
