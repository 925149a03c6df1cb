//! Times on the command line and in the register, always whole seconds.

use std::fmt;
use std::str::FromStr;

use luxor_protocol::time::{Millis, TimeError};

/// A stretch of time such as `7d`, `12h`, `30m` or `90s`; at least a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seconds(pub(super) u64);

impl FromStr for Seconds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unit = |letter| match letter {
            'd' => Some(86_400),
            'h' => Some(3_600),
            'm' => Some(60),
            's' => Some(1),
            _ => None,
        };
        let parts = text.chars().last().and_then(unit).zip(text.get(..text.len().saturating_sub(1)));
        let number = parts.filter(|(_, digits)| digits.bytes().all(|digit| digit.is_ascii_digit()));
        let seconds = number.and_then(|(unit, digits)| digits.parse::<u64>().ok()?.checked_mul(unit));
        seconds.filter(|seconds| *seconds > 0).map(Self).ok_or_else(|| "expected as in 7d, 12h, 30m or 90s".to_owned())
    }
}

impl fmt::Display for Seconds {
    /// In the largest unit that leaves no rest.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            all if all.is_multiple_of(86_400) => write!(f, "{}d", all / 86_400),
            all if all.is_multiple_of(3_600) => write!(f, "{}h", all / 3_600),
            all if all.is_multiple_of(60) => write!(f, "{}m", all / 60),
            all => write!(f, "{all}s"),
        }
    }
}

/// Seconds since 1970 as RFC 3339 in UTC.
pub(super) fn text(seconds: u64) -> String {
    Millis(seconds.saturating_mul(1_000)).to_string().replace(".000Z", "Z")
}

/// The seconds of such a text.
pub(super) fn parse(text: &str) -> Result<u64, TimeError> {
    text.parse::<Millis>().map(seconds)
}

/// Whole seconds.
pub(super) fn seconds(time: Millis) -> u64 {
    time.0 / 1_000
}

/// For serde: seconds since 1970 as RFC 3339.
pub(super) mod rfc3339 {
    use serde::{Deserialize as _, Deserializer, Serializer, de};

    pub(in super::super) fn serialize<S: Serializer>(seconds: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::text(*seconds))
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        super::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn stretches_of_time_read_back() {
        for (text, seconds) in [("7d", 604_800), ("12h", 43_200), ("30m", 1_800), ("90s", 90)] {
            let read: Seconds = text.parse().unwrap();
            assert_eq!((read.0, read.to_string().parse()), (seconds, Ok(read)));
        }
        for wrong in [
            "",
            "d",
            "7",
            "7 d",
            "-1d",
            "+1d",
            "0s",
            "1.5h",
            "7w",
            "99999999999999999999d",
            "999999999999999999d",
            "7ä",
        ] {
            assert!(wrong.parse::<Seconds>().is_err(), "{wrong}");
        }
        assert_eq!(
            (text(1_764_150_000), parse("2025-11-26T09:40:00Z")),
            ("2025-11-26T09:40:00Z".to_owned(), Ok(1_764_150_000))
        );
    }
}
