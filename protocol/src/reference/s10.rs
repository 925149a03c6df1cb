//! S10, the number of a postal item (UPU S10): two letters for the service, eight digits, a check digit, two letters for the operator.

use std::sync::Arc;

use super::listed::Listed;
use super::territories::Letters;
use crate::names::Territory;

/// Territories of which a designated operator is known to number items.
const OPERATORS: &str = "\
    AE AF AG AL AM AO AR AT AU AZ BA BB BD BE BF BG BH BI BJ BN BO BR BS BT BW BY BZ CA CD CF CG CH CI CL CM CN CO \
    CR CU CV CY CZ DE DJ DK DM DO DZ EC EE EG ER ES ET FI FJ FR GA GB GD GE GH GM GN GQ GR GT GW GY HK HN HR HT HU \
    ID IE IL IN IQ IR IS IT JM JO JP KE KG KH KI KM KN KP KR KW KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MG \
    MK ML MM MN MR MT MU MV MW MX MY MZ NA NE NG NI NL NO NP NR NZ OM PA PE PG PH PK PL PT PY QA RO RS RU RW SA SB \
    SC SD SE SG SI SK SL SM SN SO SR SS ST SV SY SZ TD TG TH TJ TL TM TN TO TR TT TV TZ UA UG US UY UZ VA VC VE VN \
    VU WS YE ZA ZM ZW";

/// Factors of the eight digits; their sum by eleven gives the check digit.
const WEIGHTS: [u32; 8] = [8, 6, 4, 2, 3, 5, 9, 7];

/// An S10 number that adds up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct S10 {
    /// The two letters of the service.
    pub service: [u8; 2],
    /// Whose operator gave the number.
    pub operator: Territory,
}

/// Why text is no S10 number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum S10Error {
    /// Not two capital letters, nine digits, two capital letters.
    #[error("an S10 number is two letters, nine digits and two letters")]
    Form,
    /// The ninth digit is not what the eight before it give.
    #[error("its check digit should be {expected}")]
    CheckDigit {
        /// The digit that would be right.
        expected: char,
    },
}

/// Reads an S10 number.
///
/// # Errors
/// [`S10Error`] with what does not fit.
pub fn s10(text: &str) -> Result<S10, S10Error> {
    let [a, b, digits @ .., y, z] = text.as_bytes() else { return Err(S10Error::Form) };
    let capitals = [a, b, y, z].iter().all(|letter| letter.is_ascii_uppercase());
    let (serial, check) = match digits.split_last() {
        Some((check, serial)) if serial.len() == 8 && capitals && digits.iter().all(u8::is_ascii_digit) => {
            (serial, *check)
        }
        _ => return Err(S10Error::Form),
    };
    let sum: u32 = serial.iter().zip(WEIGHTS).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    let expected = match 11 - sum % 11 {
        10 => b'0',
        11 => b'5',
        digit => b'0' + digit as u8, // 1 to 9
    };
    if check != expected {
        return Err(S10Error::CheckDigit { expected: char::from(expected) });
    }
    let operator = text.get(11..).and_then(|code| code.parse().ok()).ok_or(S10Error::Form)?;
    Ok(S10 { service: [*a, *b], operator })
}

impl S10 {
    /// Whether the letters of the service are ones that the standard gives a meaning, abroad or at home.
    pub fn service_is_known(&self) -> bool {
        match self.service {
            [b'B' | b'C' | b'D' | b'E' | b'H' | b'L' | b'M' | b'N' | b'P' | b'R' | b'U' | b'V' | b'Z', _] => true,
            [b'A', second] => (b'V'..=b'Z').contains(&second),
            [b'G', second] => matches!(second, b'A' | b'D'),
            [b'Q', second] => (b'A'..=b'M').contains(&second),
            _ => false,
        }
    }
}

/// Territories whose operators are known to number items.
#[derive(Debug, Clone)]
pub struct Operators {
    /// Name, version and source.
    pub listed: Arc<Listed>,
    known: Letters,
}

impl Operators {
    /// The built-in list.
    pub(super) fn builtin() -> Self {
        let source =
            "191 operators as compiled by the open data set tracking_number_data; overseas territories are missing";
        Self { listed: Listed::new("s10", "2026-11-23", source), known: Letters::of(OPERATORS) }
    }

    /// Adds one.
    pub(super) fn add(&mut self, territory: Territory) {
        self.known.add(territory.as_str());
    }

    /// Whether one of this territory is known.
    pub fn knows(&self, territory: Territory) -> bool {
        self.known.has(territory.as_str().as_bytes())
    }
}
