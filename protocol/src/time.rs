//! Points in time and calendar days, never as floating point. No clock: whoever calls brings the time.

use std::fmt;

use crate::cbor::{CborError, Decode, Encode, Reader, Writer};

/// Milliseconds since 1970-01-01T00:00:00Z, without leap seconds.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct Millis(pub u64);

impl Millis {
    /// 9999-12-30T21:59:59.999Z, the last whole second that has a text form in every time zone; later ones are refused.
    pub const MAX: Millis = Millis(253_402_207_199_999);

    /// The day in UTC.
    pub fn day(self) -> Day {
        // A u64 of milliseconds divided by a day's fits an i32 up to year 9999, which MAX bounds.
        Day(i32::try_from(self.0 / 86_400_000).unwrap_or(i32::MAX))
    }

    /// Adds milliseconds, staying at the maximum.
    pub fn plus(self, millis: u64) -> Self {
        Millis(self.0.saturating_add(millis).min(Self::MAX.0))
    }

    /// Adds days, staying at the maximum.
    pub fn plus_days(self, days: u64) -> Self {
        self.plus(days.saturating_mul(86_400_000))
    }

    /// Takes days away, staying at 1970.
    pub fn minus_days(self, days: u64) -> Self {
        Millis(self.0.saturating_sub(days.saturating_mul(86_400_000)))
    }
}

impl fmt::Display for Millis {
    /// RFC 3339 in UTC with milliseconds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = i64::try_from(self.0).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
        match time {
            Some(time) => write!(f, "{time:.3}"),
            None => f.write_str("(beyond year 9999)"),
        }
    }
}

impl std::str::FromStr for Millis {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let time: jiff::Timestamp = text.parse().map_err(|_| TimeError::Time(text.chars().take(40).collect()))?;
        u64::try_from(time.as_millisecond()).map(Millis).map_err(|_| TimeError::Time(text.to_owned()))
    }
}

/// RFC 3339 in text forms.
impl serde::Serialize for Millis {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Millis {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <String as serde::Deserialize>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl Encode for Millis {
    fn encode(&self, writer: &mut Writer) {
        writer.uint(self.0);
    }
}

impl Decode for Millis {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.uint_max(Self::MAX.0).map(Millis)
    }
}

/// Microseconds since 1970-01-01T00:00:00Z, where milliseconds would not tell things apart.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct Micros(pub u64);

impl fmt::Display for Micros {
    /// RFC 3339 in UTC with microseconds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = i64::try_from(self.0).ok().and_then(|us| jiff::Timestamp::from_microsecond(us).ok());
        match time {
            Some(time) => write!(f, "{time:.6}"),
            None => f.write_str("(beyond year 9999)"),
        }
    }
}

impl std::str::FromStr for Micros {
    type Err = TimeError;

    /// Smaller parts of a second are cut off.
    fn from_str(text: &str) -> Result<Self, TimeError> {
        let time: jiff::Timestamp = text.parse().map_err(|_| TimeError::Time(text.chars().take(40).collect()))?;
        u64::try_from(time.as_microsecond()).map(Micros).map_err(|_| TimeError::Time(text.to_owned()))
    }
}

/// A calendar day, counted from 1970-01-01; written `YYYY-MM-DD`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Day(pub i32);

impl Day {
    const EARLIEST: i32 = -25_567; // 1900-01-01
    const LATEST: i32 = 2_932_896; // 9999-12-31

    /// The day `days` later.
    pub fn plus(self, days: u64) -> Self {
        Day(self.0.saturating_add(i32::try_from(days).unwrap_or(i32::MAX)).min(Self::LATEST))
    }

    /// The day `days` earlier.
    pub fn minus(self, days: u64) -> Self {
        Day(self.0.saturating_sub(i32::try_from(days).unwrap_or(i32::MAX)).max(Self::EARLIEST))
    }

    /// The same day of the calendar; none beyond the year 9999.
    pub(crate) fn date(self) -> Option<jiff::civil::Date> {
        jiff::civil::date(1970, 1, 1).checked_add(jiff::Span::new().days(i64::from(self.0))).ok()
    }
}

/// Why a date or time was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// Not a day of the calendar between 1900 and 9999.
    #[error("'{0}' is not a day: expected YYYY-MM-DD between 1900 and 9999")]
    Day(String),
    /// Not a point in time.
    #[error("'{0}' is not a time: expected RFC 3339, for example 2026-11-23T10:00:00Z")]
    Time(String),
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.date() {
            Some(date) => write!(f, "{date}"),
            None => f.write_str("(beyond year 9999)"),
        }
    }
}

impl std::str::FromStr for Day {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let error = || TimeError::Day(text.chars().take(40).collect());
        let shape = |text: &str| {
            text.len() == 10
                && text.bytes().enumerate().all(|(i, c)| if i == 4 || i == 7 { c == b'-' } else { c.is_ascii_digit() })
        };
        if !shape(text) {
            return Err(error());
        }
        let date: jiff::civil::Date = text.parse().map_err(|_| error())?;
        let span = date.since((jiff::Unit::Day, jiff::civil::date(1970, 1, 1))).map_err(|_| error())?;
        let day = span.get_days();
        if (Self::EARLIEST..=Self::LATEST).contains(&day) { Ok(Day(day)) } else { Err(error()) }
    }
}

impl Encode for Day {
    fn encode(&self, writer: &mut Writer) {
        writer.int(i64::from(self.0));
    }
}

impl Decode for Day {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        let start = reader.position();
        match i32::try_from(reader.int()?) {
            Ok(day) if (Self::EARLIEST..=Self::LATEST).contains(&day) => Ok(Day(day)),
            _ => Err(reader.refuse(start, "not a day between 1900 and 9999")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_times_are_bijections() {
        for text in ["1900-01-01", "1970-01-01", "2020-02-29", "9999-12-31"] {
            assert_eq!(text.parse::<Day>().unwrap().to_string(), text);
        }
        for bad in ["2021-02-29", "1899-12-31", "2021-1-01", "20210101", "2021-01-01T00", "+021-01-01"] {
            assert!(bad.parse::<Day>().is_err(), "{bad}");
        }
        let time: Millis = "2026-11-23T10:00:00.125Z".parse().unwrap();
        assert_eq!(time.to_string(), "2026-11-23T10:00:00.125Z");
        assert_eq!(time.day().to_string(), "2026-11-23");
        assert_eq!(Millis::MAX.to_string().parse(), Ok(Millis::MAX));
        assert_eq!(Millis(0).to_string().parse(), Ok(Millis(0)));
    }
}
