//! Conditions of a rule over the fields of a record.

use serde::Deserialize;
use serde_json::Value as Json;

use super::fields::Place;
use crate::record::TypeTable;

/// Something that has to hold of a field. Where a field stands several times, one of its values is enough; a hidden or absent field has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    place: Place,
    test: Test,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Test {
    is: Option<String>,
    begins: Option<String>,
    contains: Option<String>,
    #[serde(rename = "in")]
    one_of: Option<Vec<String>>,
    present: Option<bool>,
}

impl Condition {
    /// Reads what stands under `when`: a value for equality, or a table of `is`, `begins`, `contains`, `in` and `present`.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub(super) fn parse(table: &'static TypeTable, path: &str, test: &toml::Value) -> Result<Self, String> {
        let place = Place::parse(table, path)?;
        let test = match test {
            toml::Value::Table(table) => {
                let test: Test = table.clone().try_into().map_err(|error| format!("{path}: {error}"))?;
                if test == Test::default() {
                    return Err(format!("{path}: an empty condition"));
                }
                test
            }
            toml::Value::String(text) => Test { is: Some(text.clone()), ..Test::default() },
            toml::Value::Integer(number) => Test { is: Some(number.to_string()), ..Test::default() },
            toml::Value::Boolean(truth) => Test { is: Some(truth.to_string()), ..Test::default() },
            other => return Err(format!("{path}: neither a value nor a table of tests, but {}", other.type_str())),
        };
        Ok(Self { place, test })
    }

    /// Whether it holds of a record.
    pub fn holds(&self, record: &Json) -> bool {
        let values = self.place.values(record);
        let Test { is, begins, contains, one_of, present } = &self.test;
        let fits = |value: &String| {
            is.as_ref().is_none_or(|is| value == is)
                && begins.as_ref().is_none_or(|begins| value.starts_with(begins))
                && contains.as_ref().is_none_or(|contains| value.contains(contains))
                && one_of.as_ref().is_none_or(|one_of| one_of.contains(value))
        };
        let only_presence = is.is_none() && begins.is_none() && contains.is_none() && one_of.is_none();
        present.is_none_or(|present| present != values.is_empty()) && (only_presence || values.iter().any(fits))
    }
}
