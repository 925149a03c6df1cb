//! Exact decimal arithmetic for units and rounding: integers only, and a refusal where a result would not be exact.
//!
//! Not in: what a decimal field may hold, that is [`crate::record::Kind`]'s.

use crate::record::Decimal;

/// Digits of a number in a cell: data that went through floating point has up to seventeen after the point.
const MAX_DIGITS: usize = 30;

/// Characters of a factor: two of them and a cell of usual length stay within 128 bits.
const MAX_FACTOR_CHARS: usize = 18;

/// A number as `mantissa / 10^scale`, longer than a [`Decimal`] may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Number {
    mantissa: i128,
    scale: u32,
}

impl Number {
    /// Reads a plain decimal; like a field's, but longer, and zeros may lead.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let plain = !whole.is_empty()
            && (unsigned.contains('.') != fraction.is_empty())
            && whole.bytes().chain(fraction.bytes()).all(|c| c.is_ascii_digit())
            && whole.len() + fraction.len() <= MAX_DIGITS;
        if !plain {
            return None;
        }
        let digits = whole.bytes().chain(fraction.bytes());
        let magnitude = digits.fold(0i128, |sum, digit| sum * 10 + i128::from(digit - b'0'));
        let mantissa = if unsigned.len() < text.len() { -magnitude } else { magnitude };
        Some(Self { mantissa, scale: fraction.len() as u32 }) // at most 30
    }

    /// The product, exactly; nothing if it has too many digits.
    pub(super) fn times(self, other: Self) -> Option<Self> {
        Some(Self { mantissa: self.mantissa.checked_mul(other.mantissa)?, scale: self.scale + other.scale })
    }

    /// The number in millionths; nothing if it has smaller parts or too many digits.
    pub(super) fn millionths(self) -> Option<i128> {
        match 6u32.checked_sub(self.scale) {
            Some(more) => self.mantissa.checked_mul(ten_to(more)?),
            None => {
                let down = ten_to(self.scale - 6)?;
                (self.mantissa % down == 0).then_some(self.mantissa / down)
            }
        }
    }
}

/// A factor, as a fraction in lowest terms, both parts positive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ratio {
    numerator: i128,
    denominator: i128,
}

impl Ratio {
    /// The factor `multiply / divide`; nothing for a number that is not a positive decimal of at most 18 characters.
    pub(super) fn new(multiply: &str, divide: &str) -> Option<Self> {
        let factor = |text: &str| Number::parse(text).filter(|n| n.mantissa > 0 && text.len() <= MAX_FACTOR_CHARS);
        let (multiply, divide) = (factor(multiply)?, factor(divide)?);
        let numerator = multiply.mantissa.checked_mul(ten_to(divide.scale)?)?;
        let denominator = divide.mantissa.checked_mul(ten_to(multiply.scale)?)?;
        let common = common_divisor(numerator, denominator);
        Some(Self { numerator: numerator / common, denominator: denominator / common })
    }

    /// The factor that undoes it.
    pub(super) fn inverse(self) -> Self {
        Self { numerator: self.denominator, denominator: self.numerator }
    }

    /// Whether every decimal times it is a decimal again: the denominator divides a power of ten.
    pub(super) fn is_exact(self) -> bool {
        let mut rest = self.denominator;
        for prime in [2, 5] {
            while rest % prime == 0 {
                rest /= prime;
            }
        }
        rest == 1
    }
}

/// Why there is no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Inexact {
    /// It has more digits after the point than allowed, and rounding was not asked for.
    Scale,
    /// It has too many digits.
    Size,
}

/// `number * ratio` at the scale, half away from zero.
pub(super) fn rounded(number: Number, ratio: Ratio, scale: u8) -> Result<Decimal, Inexact> {
    let (quotient, remainder, denominator) = divided(number, ratio, scale)?;
    // The remainder is smaller than the denominator, and halving the latter cannot overflow.
    let up = remainder.unsigned_abs() >= denominator.unsigned_abs().div_ceil(2);
    let sign = if number.mantissa < 0 { -1 } else { 1 };
    fit(quotient + if up { sign } else { 0 }, scale)
}

/// `number * ratio` with as many digits after the point as it needs, at most `scale`.
pub(super) fn exactly(number: Number, ratio: Ratio, scale: u8) -> Result<Decimal, Inexact> {
    let (mut quotient, remainder, _) = divided(number, ratio, scale)?;
    if remainder != 0 {
        return Err(Inexact::Scale);
    }
    let mut scale = scale;
    while scale > 0 && quotient % 10 == 0 {
        (quotient, scale) = (quotient / 10, scale - 1);
    }
    fit(quotient, scale)
}

/// Quotient and remainder of `number * ratio * 10^scale`, and what was divided by.
fn divided(number: Number, ratio: Ratio, scale: u8) -> Result<(i128, i128, i128), Inexact> {
    let by_ten = |power: u32| ten_to(power).ok_or(Inexact::Size);
    let (up, down) = match u32::from(scale).checked_sub(number.scale) {
        Some(more) => (by_ten(more)?, 1),
        None => (1, by_ten(number.scale - u32::from(scale))?),
    };
    let dividend = number.mantissa.checked_mul(ratio.numerator).and_then(|n| n.checked_mul(up)).ok_or(Inexact::Size)?;
    let divisor = ratio.denominator.checked_mul(down).ok_or(Inexact::Size)?;
    Ok((dividend / divisor, dividend % divisor, divisor))
}

/// The sum at the larger scale of the two.
pub(super) fn sum(a: Decimal, b: Decimal) -> Option<Decimal> {
    let scale = a.scale.max(b.scale);
    let lifted = |d: Decimal| Some(i128::from(d.mantissa) * ten_to(u32::from(scale - d.scale))?);
    fit(lifted(a)?.checked_add(lifted(b)?)?, scale).ok()
}

fn fit(mantissa: i128, scale: u8) -> Result<Decimal, Inexact> {
    i64::try_from(mantissa).map(|mantissa| Decimal { mantissa, scale }).map_err(|_| Inexact::Size)
}

fn ten_to(power: u32) -> Option<i128> {
    10i128.checked_pow(power)
}

fn common_divisor(mut a: i128, mut b: i128) -> i128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ONE: Ratio = Ratio { numerator: 1, denominator: 1 };

    fn round(text: &str, multiply: &str, divide: &str, scale: u8) -> String {
        let ratio = Ratio::new(multiply, divide).unwrap();
        rounded(Number::parse(text).unwrap(), ratio, scale).unwrap().to_string()
    }

    #[test]
    fn units_and_rounding_are_exact() {
        assert_eq!(round("86125.20000000001", "1", "1", 2), "86125.20");
        assert_eq!(round("4915.6799999999985", "1", "1", 2), "4915.68");
        assert_eq!(round("0.125", "1", "1", 2), "0.13");
        assert_eq!(round("0.1249999999999999999999999999", "1", "1", 2), "0.12");
        assert_eq!(round("-0.125", "1", "1", 2), "-0.13");
        assert_eq!(round("-0.004", "1", "1", 2), "0.00");
        assert_eq!(round("1", "1", "3", 6), "0.333333");
        assert_eq!(round("1", "0.45359237", "1", 6), "0.453592");
        assert_eq!(round("7", "1", "2.5", 0), "3");
        let grams = Ratio::new("0.001", "1").unwrap();
        assert_eq!(grams, Ratio::new("1", "1000").unwrap());
        assert_eq!(exactly(Number::parse("1250").unwrap(), grams, 6).unwrap().to_string(), "1.25");
        assert_eq!(exactly(Number::parse("0.0001").unwrap(), grams, 6), Err(Inexact::Scale));
        assert!(
            grams.is_exact() && !Ratio::new("1", "3").unwrap().is_exact() && Ratio::new("3", "3").unwrap().is_exact()
        );
        assert!(Ratio::new("0", "1").is_none() && Ratio::new("-1", "1").is_none() && Ratio::new("1", "1e3").is_none());
    }

    #[test]
    fn products_and_sums_are_exact() {
        let product = |a: &str, b: &str| {
            let product = Number::parse(a).unwrap().times(Number::parse(b).unwrap()).unwrap();
            exactly(product, ONE, 6).unwrap().to_string()
        };
        assert_eq!(
            (product("12", "0.1"), product("-3", "1.10"), product("0.125", "0.0080")),
            ("1.2".into(), "-3.3".into(), "0.001".into())
        );
        let long = Number::parse(&"9".repeat(30)).unwrap();
        assert_eq!(long.times(long), None);
        let decimal = |text: &str| text.parse::<Decimal>().unwrap();
        assert_eq!(sum(decimal("1.5"), decimal("-0.25")), Some(decimal("1.25")));
        assert_eq!(sum(decimal("1.5"), decimal("0.50")), Some(decimal("2.00")));
        let most = Decimal { mantissa: i64::MAX, scale: 0 };
        assert_eq!(sum(most, decimal("1")), None);
        let millionths = |text: &str| Number::parse(text).unwrap().millionths();
        assert_eq!(
            (millionths("-1.5"), millionths("0.0000010"), millionths("0.0000001")),
            (Some(-1_500_000), Some(1), None)
        );
    }

    #[test]
    fn what_is_no_number_or_too_long_is_refused() {
        for bad in ["", "-", ".", "1.", ".5", "1e3", "1,5", "+1", " 1", "--1", "٣", &"1".repeat(31)] {
            assert_eq!(Number::parse(bad), None, "{bad}");
        }
        let long = Number::parse(&"9".repeat(30)).unwrap();
        assert_eq!(rounded(long, ONE, 2), Err(Inexact::Size));
        assert_eq!(exactly(long, Ratio::new("1000000000000", "1").unwrap(), 6), Err(Inexact::Size));
    }

    proptest! {
        #[test]
        fn without_a_factor_a_number_stays_itself(mantissa in -999_999_999_999i64..999_999_999_999, scale in 0u8..=6) {
            let decimal = Decimal { mantissa, scale };
            let number = Number::parse(&decimal.to_string()).unwrap();
            prop_assert_eq!(rounded(number, ONE, scale), Ok(decimal));
        }

        #[test]
        fn rounding_is_off_by_half_at_most(text in "-?[0-9]{1,12}\\.[0-9]{1,17}", scale in 0u8..=6) {
            let number = Number::parse(&text).unwrap();
            let result = rounded(number, ONE, scale).unwrap();
            let (down, up) = (10i128.pow(number.scale), 10i128.pow(scale.into()));
            let off = i128::from(result.mantissa) * down - number.mantissa * up;
            prop_assert!(2 * off.abs() <= down);
        }

        #[test]
        fn nothing_panics(
            text in "\\PC{0,40}|[0-9]{1,30}", multiply in "[0-9.]{0,20}", divide in "[0-9.]{0,20}", scale in 0u8..=6
        ) {
            if let (Some(number), Some(ratio)) = (Number::parse(&text), Ratio::new(&multiply, &divide)) {
                let _ = (rounded(number, ratio, scale), exactly(number, ratio, scale));
            }
        }
    }
}
