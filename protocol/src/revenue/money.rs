//! Exact decimal amounts: no floating point, no wrapping, no rounding that nobody asked for.
//!
//! Not here: which rounding and which rate of exchange apply, which is data ([`super::RevenueBook`]).

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::names::{Currency, NameError, words};
use crate::record::Decimal;

/// Why a sum could not be computed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// More digits than there is room for.
    #[error(
        "{what}: the result has more digits than exact arithmetic here holds (38, of which {} behind the point)",
        Exact::MAX_SCALE
    )]
    Overflow {
        /// What was computed.
        what: &'static str,
    },
    /// Two currencies in one sum.
    #[error("{left} and {right} cannot be added\nhint: convert one of them first, at a rate with source and day")]
    Currencies {
        /// The one.
        left: Currency,
        /// The other.
        right: Currency,
    },
    /// Not a decimal.
    #[error("'{0}' is not a decimal number: digits, and a point with digits behind it")]
    Form(String),
    /// Not a currency.
    #[error(transparent)]
    Currency(#[from] NameError),
    /// A division that does not come out even, where no rounding is allowed.
    #[error("the quotient does not end, and nothing says how it is rounded\nhint: give a rounding to cent or unit")]
    Inexact,
    /// A division by zero.
    #[error("division by zero")]
    Zero,
    /// An amount that the field of a record cannot hold.
    #[error("{0} does not fit a record's amount: at most 18 digits, {1} of them behind the point")]
    Field(Exact, u8),
}

/// A decimal number, exact. Equal numbers are equal however they were written: `270` and `270.00`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Exact {
    mantissa: i128,
    scale: u8,
}

impl Exact {
    /// Digits behind the point at most: an amount of four times a rate of six, converted at a rate of six and once more.
    pub const MAX_SCALE: u8 = 24;
    /// Nothing.
    pub const ZERO: Self = Self { mantissa: 0, scale: 0 };

    /// The number `mantissa` without its point, which stands before the last `scale` digits.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] where it has more than [`Exact::MAX_SCALE`] digits behind the point.
    pub fn new(mut mantissa: i128, mut scale: u8) -> Result<Self, MoneyError> {
        while scale > 0 && mantissa % 10 == 0 {
            mantissa /= 10;
            scale -= 1;
        }
        match scale <= Self::MAX_SCALE {
            true => Ok(Self { mantissa, scale }),
            false => Err(MoneyError::Overflow { what: "a number" }),
        }
    }

    /// The number without its point, and the digits that stand behind it.
    pub(crate) const fn parts(self) -> (i128, u8) {
        (self.mantissa, self.scale)
    }

    /// A whole number.
    pub const fn whole(number: i64) -> Self {
        Self { mantissa: number as i128, scale: 0 }
    }

    /// Whether it is below zero.
    pub const fn is_negative(self) -> bool {
        self.mantissa < 0
    }

    /// Whether it is zero.
    pub const fn is_zero(self) -> bool {
        self.mantissa == 0
    }

    /// The sum.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`].
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        let scale = self.scale.max(other.scale);
        let sum = || self.at(scale)?.checked_add(other.at(scale)?);
        Self::new(sum().ok_or(MoneyError::Overflow { what: "addition" })?, scale)
    }

    /// The difference.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`].
    pub fn minus(self, other: Self) -> Result<Self, MoneyError> {
        self.plus(other.negative()?)
    }

    /// The number with the other sign.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] of the one number that has no negative.
    pub fn negative(self) -> Result<Self, MoneyError> {
        let mantissa = self.mantissa.checked_neg().ok_or(MoneyError::Overflow { what: "negation" })?;
        Ok(Self { mantissa, ..self })
    }

    /// The product.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`].
    pub fn times(self, other: Self) -> Result<Self, MoneyError> {
        let overflow = MoneyError::Overflow { what: "multiplication" };
        let mantissa = self.mantissa.checked_mul(other.mantissa).ok_or(overflow)?;
        Self::new(mantissa, self.scale + other.scale) // each at most 24
    }

    /// The quotient, rounded once to so many digits behind the point.
    ///
    /// # Errors
    /// [`MoneyError::Zero`], [`MoneyError::Overflow`].
    pub fn over(self, divisor: Self, places: u8, mode: Mode) -> Result<Self, MoneyError> {
        let (above, below) = self.fraction(divisor, places)?;
        Self::new(mode.divide(above, below), places)
    }

    /// The quotient, where it ends.
    ///
    /// # Errors
    /// [`MoneyError::Inexact`] where it does not, [`MoneyError::Zero`], [`MoneyError::Overflow`].
    pub fn exactly_over(self, divisor: Self) -> Result<Self, MoneyError> {
        for places in 0..=Self::MAX_SCALE {
            let (above, below) = self.fraction(divisor, places)?;
            if above % below == 0 {
                return Self::new(above / below, places);
            }
        }
        Err(MoneyError::Inexact)
    }

    /// Rounded to so many digits behind the point; what has fewer stays as it is.
    pub fn rounded(self, places: u8, mode: Mode) -> Self {
        if self.scale <= places {
            return self;
        }
        // At most 10^24.
        let divisor = 10i128.pow(u32::from(self.scale - places));
        Self::new(mode.divide(self.mantissa, divisor), places).unwrap_or(self)
    }

    /// As a record holds it, with so many digits behind the point at least.
    ///
    /// # Errors
    /// [`MoneyError::Field`] for more than 18 digits, or more than `most` behind the point.
    pub fn to_decimal(self, least: u8, most: u8) -> Result<Decimal, MoneyError> {
        let scale = self.scale.max(least.min(most));
        let field = || MoneyError::Field(self, most);
        let mantissa = self.at(scale).and_then(|mantissa| i64::try_from(mantissa).ok()).ok_or_else(field)?;
        let digits = mantissa.unsigned_abs().checked_ilog10().map_or(1, |log| log + 1).max(u32::from(scale) + 1);
        if scale > most || digits > 18 {
            return Err(field());
        }
        Ok(Decimal { mantissa, scale })
    }

    /// The text with so many digits behind the point at least, for people.
    pub fn with_places(self, least: u8) -> String {
        let text = self.to_string();
        let behind = text.split_once('.').map_or(0, |(_, behind)| behind.len());
        let missing = usize::from(least).saturating_sub(behind);
        match (behind, missing) {
            (_, 0) => text,
            (0, _) => format!("{text}.{}", "0".repeat(missing)),
            _ => format!("{text}{}", "0".repeat(missing)),
        }
    }

    /// The mantissa with another, larger number of digits behind the point.
    fn at(self, scale: u8) -> Option<i128> {
        self.mantissa.checked_mul(10i128.checked_pow(u32::from(scale.checked_sub(self.scale)?))?)
    }

    /// Above and below the line of the quotient in units of the last of so many digits; below it is above zero.
    fn fraction(self, divisor: Self, places: u8) -> Result<(i128, i128), MoneyError> {
        if divisor.mantissa == 0 {
            return Err(MoneyError::Zero);
        }
        let overflow = MoneyError::Overflow { what: "division" };
        let shift = i32::from(divisor.scale) + i32::from(places) - i32::from(self.scale);
        let power = 10i128.checked_pow(shift.unsigned_abs());
        let (above, below) = match shift >= 0 {
            true => (power.and_then(|power| self.mantissa.checked_mul(power)), Some(divisor.mantissa)),
            false => (Some(self.mantissa), power.and_then(|power| divisor.mantissa.checked_mul(power))),
        };
        let (above, below) = above.zip(below).ok_or(overflow.clone())?;
        match below < 0 {
            true => above.checked_neg().zip(below.checked_neg()).ok_or(overflow),
            false => Ok((above, below)),
        }
    }
}

impl Ord for Exact {
    fn cmp(&self, other: &Self) -> Ordering {
        // Whole part first, then what is behind the point in units of the smallest digit: below 10^24, so nothing overflows.
        let parts = |number: &Self| {
            let one = 10i128.pow(u32::from(number.scale));
            let behind = number.mantissa.rem_euclid(one) * 10i128.pow(u32::from(Self::MAX_SCALE - number.scale));
            (number.mantissa.div_euclid(one), behind)
        };
        parts(self).cmp(&parts(other))
    }
}

impl PartialOrd for Exact {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl From<Decimal> for Exact {
    fn from(decimal: Decimal) -> Self {
        // A decimal has at most six digits behind the point.
        Self::new(i128::from(decimal.mantissa), decimal.scale).unwrap_or(Self::ZERO)
    }
}

impl FromStr for Exact {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let form = || MoneyError::Form(text.chars().take(40).collect());
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let (whole, behind) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let digits = |text: &str| text.bytes().all(|c| c.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(behind) || unsigned.contains('.') == behind.is_empty() {
            return Err(form());
        }
        let scale = u8::try_from(behind.len()).map_err(|_| form())?;
        let magnitude: i128 =
            format!("{whole}{behind}").parse().map_err(|_| MoneyError::Overflow { what: "a number" })?;
        Self::new(if unsigned.len() < text.len() { -magnitude } else { magnitude }, scale)
    }
}

impl fmt::Display for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scale = usize::from(self.scale);
        let sign = if self.mantissa < 0 { "-" } else { "" };
        let digits = format!("{:0>width$}", self.mantissa.unsigned_abs(), width = scale + 1);
        let (whole, behind) = digits.split_at(digits.len() - scale);
        if scale == 0 { write!(f, "{sign}{whole}") } else { write!(f, "{sign}{whole}.{behind}") }
    }
}

impl fmt::Debug for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An amount in its currency.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    /// How much.
    pub amount: Exact,
    /// Of what.
    pub currency: Currency,
}

impl Money {
    /// An amount in a currency.
    pub const fn new(amount: Exact, currency: Currency) -> Self {
        Self { amount, currency }
    }

    /// Nothing in a currency.
    pub const fn zero(currency: Currency) -> Self {
        Self { amount: Exact::ZERO, currency }
    }

    /// The sum.
    ///
    /// # Errors
    /// [`MoneyError::Currencies`] of two currencies, [`MoneyError::Overflow`].
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        self.same(other)?;
        Ok(Self { amount: self.amount.plus(other.amount)?, ..self })
    }

    /// The difference.
    ///
    /// # Errors
    /// [`MoneyError::Currencies`] of two currencies, [`MoneyError::Overflow`].
    pub fn minus(self, other: Self) -> Result<Self, MoneyError> {
        self.same(other)?;
        Ok(Self { amount: self.amount.minus(other.amount)?, ..self })
    }

    /// The sum of all, in this currency; nothing of none.
    ///
    /// # Errors
    /// [`MoneyError::Currencies`], [`MoneyError::Overflow`].
    pub fn sum(currency: Currency, all: impl IntoIterator<Item = Self>) -> Result<Self, MoneyError> {
        all.into_iter().try_fold(Self::zero(currency), Self::plus)
    }

    fn same(self, other: Self) -> Result<(), MoneyError> {
        match self.currency == other.currency {
            true => Ok(()),
            false => Err(MoneyError::Currencies { left: self.currency, right: other.currency }),
        }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount.with_places(2), self.currency)
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

words!(
    /// What becomes of the digits that are cut off.
    Mode, "rounding mode", {
        /// To the nearest, a half away from zero.
        HalfUp = "half_up";
        /// To the nearest, a half to the even digit.
        HalfEven = "half_even";
        /// Towards zero.
        Down = "down";
    }
);

words!(
    /// To what an amount is rounded.
    Place, "place of rounding", {
        /// The smallest unit of the currency: 0.01 of EUR, 1 of JPY, 0.001 of KWD.
        Cent = "cent";
        /// A whole unit of the currency.
        Unit = "unit";
        /// Not at all.
        None = "none";
    }
);

impl Mode {
    /// The quotient as a whole number; the divisor is above zero.
    fn divide(self, above: i128, below: i128) -> i128 {
        let (quotient, rest) = (above / below, above % below);
        let twice =
            rest.unsigned_abs().checked_mul(2).map_or(Ordering::Greater, |twice| twice.cmp(&below.unsigned_abs()));
        let away = match (self, twice) {
            (Self::Down, _) | (_, Ordering::Less) => false,
            (Self::HalfUp, _) | (_, Ordering::Greater) => true,
            (Self::HalfEven, Ordering::Equal) => quotient % 2 != 0,
        };
        // A quotient with a rest is smaller than what was divided, so one more has room.
        if away { quotient + above.signum() } else { quotient }
    }
}

/// How an amount is rounded, as data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rounding {
    /// What becomes of the digits that are cut off.
    pub mode: Mode,
    /// To what.
    pub to: Place,
}

impl Rounding {
    /// To the nearest cent, a half up.
    pub const CENT: Self = Self { mode: Mode::HalfUp, to: Place::Cent };
    /// None.
    pub const NONE: Self = Self { mode: Mode::Down, to: Place::None };

    /// Digits behind the point in a currency with so many decimals; none where it does not round.
    pub const fn places(self, decimals: u8) -> Option<u8> {
        match self.to {
            Place::Cent => Some(decimals),
            Place::Unit => Some(0),
            Place::None => None,
        }
    }

    /// The amount rounded, of a currency with so many decimals.
    pub fn apply(self, amount: Exact, decimals: u8) -> Exact {
        self.places(decimals).map_or(amount, |places| amount.rounded(places, self.mode))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn exact(text: &str) -> Exact {
        text.parse().unwrap()
    }

    fn any_exact() -> impl Strategy<Value = Exact> {
        (-1_000_000_000_000i128..1_000_000_000_000, 0u8..8)
            .prop_map(|(mantissa, scale)| Exact::new(mantissa, scale).unwrap())
    }

    proptest! {
        #[test]
        fn text_is_a_bijection_of_numbers(number in any_exact()) {
            prop_assert_eq!(exact(&number.to_string()), number);
        }

        #[test]
        fn sums_and_products_are_those_of_whole_numbers(a in any_exact(), b in any_exact(), c in any_exact()) {
            prop_assert_eq!(a.plus(b).unwrap(), b.plus(a).unwrap());
            prop_assert_eq!(a.plus(b).unwrap().plus(c).unwrap(), a.plus(b.plus(c).unwrap()).unwrap());
            prop_assert_eq!(a.times(b).unwrap(), b.times(a).unwrap());
            prop_assert_eq!(a.plus(b).unwrap().minus(b).unwrap(), a);
            let distributed = a.times(c).unwrap().plus(b.times(c).unwrap()).unwrap();
            prop_assert_eq!(a.plus(b).unwrap().times(c).unwrap(), distributed);
            prop_assert_eq!(a.cmp(&b), a.minus(b).unwrap().mantissa.cmp(&0));
        }

        #[test]
        fn rounding_moves_less_than_one_digit_and_halves_as_said(number in any_exact(), places in 0u8..6) {
            let half = Exact::new(5, places + 1).unwrap();
            for mode in Mode::ALL {
                let rounded = number.rounded(places, *mode);
                prop_assert!(rounded.scale <= places);
                let moved = rounded.minus(number).unwrap();
                let moved = if moved.is_negative() { moved.negative().unwrap() } else { moved };
                match mode {
                    Mode::Down => prop_assert!(moved < half.plus(half).unwrap() && rounded.mantissa.signum() * number.mantissa.signum() >= 0),
                    _ => prop_assert!(moved <= half),
                }
                // Mirrored at zero.
                prop_assert_eq!(number.negative().unwrap().rounded(places, *mode), rounded.negative().unwrap());
                // A quotient by one is the number.
                prop_assert_eq!(number.over(Exact::whole(1), places, *mode).unwrap(), rounded);
            }
        }

        #[test]
        fn a_quotient_times_its_divisor_is_what_was_divided(a in any_exact(), b in any_exact()) {
            prop_assume!(!b.is_zero());
            if let Ok(quotient) = a.exactly_over(b) {
                prop_assert_eq!(quotient.times(b).unwrap(), a);
            }
            prop_assert_eq!(a.times(b).unwrap().exactly_over(b).unwrap(), a);
        }
    }

    #[test]
    fn what_does_not_fit_is_told() {
        let most = Exact::new(i128::MAX, 0).unwrap();
        assert_eq!(most.plus(Exact::whole(1)), Err(MoneyError::Overflow { what: "addition" }));
        assert_eq!(most.times(Exact::whole(10)), Err(MoneyError::Overflow { what: "multiplication" }));
        assert_eq!(Exact::new(i128::MIN, 0).unwrap().negative(), Err(MoneyError::Overflow { what: "negation" }));
        assert!(most.over(exact("0.1"), 0, Mode::Down).is_err() && most > exact("0.1"));
        assert_eq!(Exact::whole(1).exactly_over(Exact::whole(3)), Err(MoneyError::Inexact));
        assert_eq!(Exact::whole(1).over(Exact::ZERO, 2, Mode::Down), Err(MoneyError::Zero));
        let [eur, gbp] = ["EUR", "GBP"].map(|code| Money::zero(code.parse().unwrap()));
        let error = eur.plus(gbp).unwrap_err();
        assert_eq!(error, MoneyError::Currencies { left: eur.currency, right: gbp.currency });
        for bad in ["", ".", "1.", ".5", "+1", "1e3", "1,5", " 1", "--1", "1.2.3"] {
            assert!(bad.parse::<Exact>().is_err(), "{bad}");
        }
        assert!("0.0000000000000000000000001".parse::<Exact>().is_err());
        assert!("EU".parse::<Currency>().is_err() && "eur".parse::<Currency>().is_err());
        assert!(exact("12345678901234567.89").to_decimal(2, 4).is_err() && exact("0.00001").to_decimal(2, 4).is_err());
        assert_eq!(exact("270").to_decimal(2, 4).unwrap().to_string(), "270.00");
        assert_eq!((exact("270").with_places(2), exact("0.5").with_places(2)), ("270.00".into(), "0.50".into()));
    }
}
