//! Dates as other systems write them: `2011-11-17 08:20:00`, `17.11.2011`.
//!
//! Not in: names of months, and local times whose distance from UTC changes over the year; a file that has them says in
//! its mapping which one holds.

use crate::record::{Kind, Value};
use crate::time::{Day, Millis};

/// How a date is written, and for a point in time how far from UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DateForm {
    parts: Vec<Part>,
    /// Minutes east of UTC; none for a day.
    offset: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// A number of so many digits; which one, as in [`NAMES`].
    Number(usize),
    Literal(char),
}

const NAMES: [&str; 6] = ["YYYY", "MM", "DD", "hh", "mm", "ss"];
const MINUTE: i64 = 60_000;
/// Minutes that a clock may be from UTC.
const MAX_OFFSET: i64 = 15 * 60;

impl DateForm {
    /// Reads a pattern such as `YYYY-MM-DD hh:mm:ss`, and the offset `Z` or `+01:00` that a point in time needs.
    pub(super) fn new(kind: Kind, pattern: &str, offset: Option<&str>) -> Result<Self, String> {
        let offset = match (kind, offset) {
            (Kind::Day, None) => None,
            (Kind::Day, Some(_)) => return Err("offset is for points in time, the field takes a day".into()),
            (Kind::Time, Some(text)) => Some(minutes(text).ok_or("offset is Z, or hours and minutes as in +01:00")?),
            (Kind::Time, None) => {
                return Err("a point in time needs offset\nhint: offset = \"Z\" if the file is in UTC".into());
            }
            _ => return Err(format!("date is for days and times, the field takes {}", kind.expected())),
        };
        let mut parts = Vec::new();
        let mut rest = pattern;
        while let Some(next) = rest.chars().next() {
            let (part, length) = match NAMES.iter().position(|name| rest.starts_with(name)) {
                Some(name) => (Part::Number(name), NAMES[name].len()),
                None => (Part::Literal(next), next.len_utf8()),
            };
            parts.push(part);
            rest = &rest[length..];
        }
        let count = |name| parts.iter().filter(|part| **part == Part::Number(name)).count();
        if (0..3).any(|name| count(name) != 1) || (3..6).any(|name| count(name) > 1) {
            return Err(format!(
                "'{pattern}' needs each of YYYY, MM and DD once, and each of hh, mm and ss at most once"
            ));
        }
        Ok(Self { parts, offset })
    }

    /// The day or time that the text means.
    pub(super) fn read(&self, text: &str) -> Option<Value> {
        let mut numbers = [0u32; 6];
        let mut rest = text;
        for part in &self.parts {
            match *part {
                Part::Literal(literal) => rest = rest.strip_prefix(literal)?,
                Part::Number(name) => {
                    let (digits, after) = rest.split_at_checked(NAMES[name].len())?;
                    if !digits.bytes().all(|b| b.is_ascii_digit()) {
                        return None;
                    }
                    (numbers[name], rest) = (digits.parse().ok()?, after);
                }
            }
        }
        let [year, month, day, hour, minute, second] = numbers;
        if !rest.is_empty() || hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let day: Day = format!("{year:04}-{month:02}-{day:02}").parse().ok()?;
        let Some(offset) = self.offset else { return Some(Value::Day(day)) };
        let minutes = (i64::from(day.0) * 24 + i64::from(hour)) * 60 + i64::from(minute) - offset;
        let millis = minutes * MINUTE + i64::from(second) * 1_000;
        u64::try_from(millis).ok().map(Millis).filter(|time| *time <= Millis::MAX).map(Value::Time)
    }

    /// The text for a value; what the pattern has no place for is left out of it.
    pub(super) fn write(&self, value: &Value) -> Option<String> {
        let (day, seconds) = match (value, self.offset) {
            (Value::Day(day), None) => (*day, 0),
            (Value::Time(time), Some(offset)) => {
                let local = i64::try_from(time.0).ok()? + offset * MINUTE;
                let day = i32::try_from(local.div_euclid(86_400_000)).ok()?;
                (Day(day), local.rem_euclid(86_400_000) / 1_000)
            }
            _ => return None,
        };
        let date = day.to_string();
        let mut numbers = date.split('-').map(str::to_owned).collect::<Vec<_>>();
        numbers.extend([seconds / 3_600, seconds / 60 % 60, seconds % 60].map(|n| format!("{n:02}")));
        let text = |part: &Part| match part {
            Part::Number(name) => numbers.get(*name).cloned(),
            Part::Literal(literal) => Some(literal.to_string()),
        };
        self.parts.iter().map(text).collect()
    }
}

/// Minutes east of UTC.
fn minutes(text: &str) -> Option<i64> {
    if text == "Z" {
        return Some(0);
    }
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    let two = |t: &str| (t.len() == 2 && t.bytes().all(|b| b.is_ascii_digit())).then(|| t.parse::<i64>().ok())?;
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    let sum = hours * 60 + minutes;
    (minutes < 60 && sum <= MAX_OFFSET).then_some(sign * sum)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(kind: Kind, pattern: &str, offset: Option<&str>, text: &str) -> Option<String> {
        DateForm::new(kind, pattern, offset).unwrap().read(text).map(|v| v.to_string())
    }

    #[test]
    fn days_and_times_are_read_by_their_pattern() {
        let retail = "YYYY-MM-DD hh:mm:ss";
        assert_eq!(read(Kind::Day, retail, None, "2011-11-17 08:20:00").as_deref(), Some("2011-11-17"));
        let time = read(Kind::Time, retail, Some("+01:00"), "2011-07-01 00:20:05");
        assert_eq!(time.as_deref(), Some("2011-06-30T23:20:05.000Z"));
        assert_eq!(read(Kind::Day, "DD.MM.YYYY", None, "17.11.2011").as_deref(), Some("2011-11-17"));
        assert_eq!(read(Kind::Day, "YYYYMMDD", None, "20111117").as_deref(), Some("2011-11-17"));
        for bad in [
            "2011-11-17",
            "2011-11-31 08:20:00",
            "2011-11-17 24:00:00",
            "2011-11-17 08:20:00 ",
            "+011-11-17 08:20:00",
            "é",
        ] {
            assert_eq!(read(Kind::Day, retail, None, bad), None, "{bad}");
        }
        assert_eq!(read(Kind::Time, retail, Some("Z"), "1950-01-01 00:00:00"), None);
    }

    #[test]
    fn a_form_that_cannot_work_is_refused() {
        let refused = |kind, pattern: &str, offset: Option<&str>| DateForm::new(kind, pattern, offset).unwrap_err();
        assert!(refused(Kind::Text(9), "YYYY-MM-DD", None).contains("is for days and times"));
        assert!(refused(Kind::Time, "YYYY-MM-DD", None).contains("needs offset"));
        assert!(refused(Kind::Day, "YYYY-MM-DD", Some("Z")).contains("is for points in time"));
        for offset in ["", "1", "+1:00", "+01:60", "+16:00", "01:00"] {
            assert!(refused(Kind::Time, "YYYY-MM-DD", Some(offset)).contains("offset is Z"), "{offset}");
        }
        for pattern in ["", "YYYY-MM", "YYYY-MM-DD DD", "YYYY-MM-DD hh hh"] {
            assert!(refused(Kind::Day, pattern, None).contains("needs each of"), "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(seconds in 86_400u64..250_000_000_000, offset in -900i64..=900, day in -25_567i32..2_900_000) {
            let sign = if offset < 0 { '-' } else { '+' };
            let text = format!("{sign}{:02}:{:02}", offset.abs() / 60, offset.abs() % 60);
            let form = DateForm::new(Kind::Time, "DD/MM/YYYY hh.mm.ss", Some(&text)).unwrap();
            let time = Value::Time(Millis(seconds * 1_000));
            prop_assert_eq!(form.read(&form.write(&time).unwrap()), Some(time));
            let form = DateForm::new(Kind::Day, "YYYYMMDD", None).unwrap();
            let day = Value::Day(Day(day));
            prop_assert_eq!(form.read(&form.write(&day).unwrap()), Some(day));
        }

        #[test]
        fn nothing_panics(text in "\\PC{0,24}|[0-9: é-]{0,24}", pattern in "\\PC{0,12}|(YYYY|MM|DD|hh|mm|ss|é){0,7}", offset in "\\PC{0,6}") {
            for (kind, offset) in [(Kind::Day, None), (Kind::Time, Some(&*offset)), (Kind::Time, Some("Z"))] {
                if let Ok(form) = DateForm::new(kind, &pattern, offset) {
                    let _ = form.read(&text).and_then(|value| form.write(&value));
                }
            }
        }
    }
}
