//! Claims read and written one by one: texts of one line, words, days, numbers of traders.

use std::fmt;

use serde_json::{Map, Value};

use super::ClaimsError;
use crate::limits::MAX_TEXT_CHARS;
use crate::names::words;
use crate::reference::{Eori, eori};

/// A text of one line: 1 to 512 characters, none of them a control character, no blank at either end.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Line(String);

impl Line {
    /// Admits a text.
    ///
    /// # Errors
    /// [`ClaimsError::Text`].
    pub fn new(text: &str) -> Result<Self, ClaimsError> {
        let fits = !text.is_empty()
            && text.trim() == text
            && text.chars().count() <= MAX_TEXT_CHARS
            && !text.chars().any(char::is_control);
        if fits { Ok(Self(text.to_owned())) } else { Err(ClaimsError::Text(text.chars().take(80).collect())) }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

words!(
    /// What a trader is known by; the word is the claim's name.
    TraderScheme, "scheme of trader numbers", {
        /// Trader identification number (WCO).
        Tin = "tin";
        /// Economic operator registration and identification number (EU, UK).
        Eori = "eori";
    }
);

/// A trader's number, of its scheme's form (an..17).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TraderNumber {
    scheme: TraderScheme,
    number: String,
}

impl TraderNumber {
    /// Admits a number.
    ///
    /// # Errors
    /// [`ClaimsError::Number`].
    pub fn new(scheme: TraderScheme, number: &str) -> Result<Self, ClaimsError> {
        let character = |c: u8| c.is_ascii_uppercase() || c.is_ascii_digit() || c == b'-';
        let fits = match scheme {
            TraderScheme::Eori => eori(number) != Eori::Form,
            TraderScheme::Tin => (1..=17).contains(&number.len()) && number.bytes().all(character),
        };
        match fits {
            true => Ok(Self { scheme, number: number.to_owned() }),
            false => Err(ClaimsError::Number { scheme: scheme.word(), found: number.chars().take(40).collect() }),
        }
    }

    /// Its scheme.
    pub fn scheme(&self) -> TraderScheme {
        self.scheme
    }

    /// The number.
    pub fn as_str(&self) -> &str {
        &self.number
    }
}

/// Claims that are taken one by one; what is left at the end is unknown.
pub(super) struct Fields(pub(super) Map<String, Value>);

impl Fields {
    /// A text that parses.
    pub(super) fn optional<T, E>(
        &mut self,
        name: &'static str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Result<Option<T>, ClaimsError> {
        match self.0.remove(name) {
            None => Ok(None),
            Some(Value::String(text)) => parse(&text).map(Some).map_err(|_| refused(name)),
            Some(_) => Err(refused(name)),
        }
    }

    pub(super) fn required<T, E>(
        &mut self,
        name: &'static str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Result<T, ClaimsError> {
        self.optional(name, parse)?.ok_or(ClaimsError::Missing(name))
    }

    pub(super) fn flag(&mut self, name: &'static str) -> Result<bool, ClaimsError> {
        let value = self.0.remove(name).ok_or(ClaimsError::Missing(name))?;
        value.as_bool().ok_or_else(|| refused(name))
    }

    pub(super) fn count(&mut self, name: &'static str) -> Result<u32, ClaimsError> {
        let value = self.0.remove(name).ok_or(ClaimsError::Missing(name))?;
        value.as_u64().and_then(|count| u32::try_from(count).ok()).ok_or_else(|| refused(name))
    }

    /// A list of words, each once.
    pub(super) fn set<T: std::str::FromStr + Ord>(
        &mut self,
        name: &'static str,
    ) -> Result<std::collections::BTreeSet<T>, ClaimsError> {
        let Some(value) = self.0.remove(name) else { return Ok(Default::default()) };
        let words = value.as_array().ok_or_else(|| refused(name))?;
        let word = |word: &Value| word.as_str().and_then(|word| word.parse().ok());
        let set: std::collections::BTreeSet<T> =
            words.iter().map(word).collect::<Option<_>>().ok_or_else(|| refused(name))?;
        if set.len() == words.len() { Ok(set) } else { Err(refused(name)) }
    }

    /// A trader's number under the name of its scheme.
    pub(super) fn trader(&mut self) -> Result<Option<TraderNumber>, ClaimsError> {
        let mut found = None;
        for scheme in TraderScheme::ALL {
            let number = self.optional(scheme.word(), |text| TraderNumber::new(*scheme, text))?;
            if number.is_some() && found.is_some() {
                return Err(refused(scheme.word()));
            }
            found = found.or(number);
        }
        Ok(found)
    }

    pub(super) fn end(self) -> Result<(), ClaimsError> {
        match self.0.keys().next() {
            None => Ok(()),
            Some(name) => Err(ClaimsError::Unknown(name.chars().take(80).collect())),
        }
    }
}

pub(super) fn refused(name: &'static str) -> ClaimsError {
    ClaimsError::Value(name)
}
