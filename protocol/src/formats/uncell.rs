//! From a value back to the text of a cell: the inverse of [`super::cell`], where there is one.
//!
//! Of several texts that mean one value the first in alphabetical order is written, of several codes the one that the table names
//! first. Every text is read again before it is given out, so a wrong one cannot be.

use super::cell::{Cell, Unlisted};
use super::exact::{Number, Ratio, exactly, rounded};
use crate::record::Value;

/// Digits after the point that are tried, few first.
const SCALES: [u8; 7] = [0, 2, 4, 6, 9, 12, 18];

impl Cell {
    /// A text that reads as this value, or as absent; says in words why there is none.
    pub(super) fn write(&self, value: Option<&Value>) -> Result<String, String> {
        self.candidates(value).into_iter().find(|text| self.reads_as(text, value)).ok_or_else(|| match value {
            Some(value) => format!("no cell reads as '{value}' here"),
            None => "it is absent, but no cell reads as absent here (an empty one has a default)".to_owned(),
        })
    }

    /// Whether the text means this value, or absent.
    pub(super) fn reads_as(&self, text: &str, value: Option<&Value>) -> bool {
        matches!(self.read(text.as_bytes(), None), Ok(read) if read.as_ref() == value)
    }

    /// Texts that may mean it, the one to prefer first.
    pub(super) fn candidates(&self, value: Option<&Value>) -> Vec<String> {
        let listed = |value: Option<&Value>| {
            let texts = self.map.iter().flatten().filter(|(_, to)| to.as_ref() == value);
            texts.map(|(from, _)| from.clone()).min()
        };
        let Some(value) = value else { return [Some(String::new()), listed(None)].into_iter().flatten().collect() };
        let text = value.to_string();
        let code = self.codes.and_then(|codes| codes.code(&text)).map(str::to_owned);
        let date = self.date.as_ref().and_then(|date| date.write(value));
        let in_unit = self.unit.as_ref().map(|unit| unapplied(&text, unit.ratio)).unwrap_or_default();
        let plain = matches!(self.otherwise, Unlisted::Keep) || (self.map.is_none() && self.codes.is_none());
        let plain = plain.then(|| text.clone());
        // An empty cell last: it stands for the default.
        let single = [listed(Some(value)), code, date, plain, Some(String::new())];
        in_unit.into_iter().chain(single.into_iter().flatten()).collect()
    }
}

/// Numbers that may become this one in the field's unit.
fn unapplied(text: &str, ratio: Ratio) -> Vec<String> {
    let Some(number) = Number::parse(text) else { return Vec::new() };
    let back = ratio.inverse();
    let exact = SCALES.iter().filter_map(|scale| exactly(number, back, *scale).ok());
    let near = SCALES.iter().rev().filter_map(|scale| rounded(number, back, *scale).ok());
    exact.chain(near).map(|decimal| decimal.to_string()).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::super::cell::Treatment;
    use super::*;
    use crate::record::Kind;
    use crate::testing::{Numbers, value_of};
    use proptest::prelude::*;

    fn cell(kind: Kind, change: impl FnOnce(&mut Treatment)) -> Cell {
        let mut treatment = Treatment::default();
        change(&mut treatment);
        Cell::new(kind, treatment).unwrap()
    }

    fn back(cell: &Cell, value: &str) -> String {
        let value = (!value.is_empty()).then(|| cell.kind.parse(value).unwrap());
        cell.write(value.as_ref()).unwrap_or_else(|error| format!("! {error}"))
    }

    #[test]
    fn maps_codes_and_defaults_go_back_by_the_rules() {
        let map = |t: &mut Treatment| {
            let entries = [("Eire", "IE"), ("Ireland", "IE"), ("?", ""), ("GB", "FR")];
            t.map = Some(entries.map(|(a, b)| (a.to_owned(), b.to_owned())).into());
        };
        let refuse = cell(Kind::Territory, map);
        assert_eq!(
            (back(&refuse, "IE"), back(&refuse, ""), back(&refuse, "DE")),
            ("Eire".into(), "".into(), "! no cell reads as 'DE' here".into())
        );
        let keep = cell(Kind::Territory, |t| {
            map(t);
            t.otherwise = Some(super::super::cell::Otherwise::Keep);
        });
        assert_eq!((back(&keep, "DE"), back(&keep, "GB")), ("DE".into(), "! no cell reads as 'GB' here".into()));
        let default = cell(Kind::Territory, |t| t.default = Some("GB".into()));
        assert!(back(&default, "").contains("an empty one has a default"));
        assert_eq!((back(&default, "GB"), back(&default, "FR")), ("GB".into(), "FR".into()));
        let absent = cell(Kind::Territory, |t| {
            map(t);
            t.default = Some("GB".into());
        });
        assert_eq!((back(&absent, ""), back(&absent, "GB")), ("?".into(), "".into()));
    }

    #[test]
    fn units_and_dates_go_back_exactly_or_not_at_all() {
        let grams = cell(Kind::Decimal(16, 6), |t| t.divide = Some("1000".into()));
        assert_eq!((back(&grams, "1.25"), back(&grams, "0.0005")), ("1250".into(), "0.5".into()));
        // The reader drops zeros at the end, so no cell means a decimal that has them.
        assert_eq!(back(&grams, "1.250"), "! no cell reads as '1.250' here");
        let pounds = cell(Kind::Decimal(16, 6), |t| (t.multiply, t.round) = (Some("0.45359237".into()), Some(3)));
        assert_eq!(pounds.read(back(&pounds, "1.000").as_bytes(), None).unwrap().unwrap().to_string(), "1.000");
        let day = cell(Kind::Day, |t| t.date = Some("DD/MM/YYYY".into()));
        assert_eq!(back(&day, "2026-11-26"), "26/11/2026");
        let minute =
            cell(Kind::Time, |t| (t.date, t.offset) = (Some("DD/MM/YYYY hh:mm".into()), Some("+01:00".into())));
        assert_eq!(back(&minute, "2026-11-26T23:30:00Z"), "27/11/2026 00:30");
        assert!(back(&minute, "2026-11-26T23:30:01Z").starts_with("! no cell"));
    }

    proptest! {
        /// Any value that was read from some cell can be written, and means itself.
        #[test]
        fn what_was_read_can_be_written(seed in any::<u64>(), divide in prop_oneof![Just(None), Just(Some("1000")), Just(Some("0.25"))], round in proptest::option::of(0u8..=2)) {
            let kind = Kind::Decimal(16, 2);
            let cell = cell(kind, |t| (t.divide, t.round) = (divide.map(str::to_owned), round));
            let text = value_of(Kind::Decimal(12, 2), &mut Numbers(seed)).to_string();
            if let Ok(Some(value)) = cell.read(text.as_bytes(), None) {
                let written = cell.write(Some(&value));
                prop_assert!(written.is_ok(), "{value} from {text}");
                prop_assert_eq!(cell.read(written.unwrap().as_bytes(), None), Ok(Some(value)));
            }
        }
    }
}
