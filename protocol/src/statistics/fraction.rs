//! Exact fractions of 128-bit integers. Whatever does not fit is nothing: who asks treats it as not proven.

use std::cmp::Ordering;

/// A fraction in lowest terms, its denominator above zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fraction {
    above: i128,
    below: i128,
}

impl Fraction {
    pub(crate) const ZERO: Self = Self { above: 0, below: 1 };
    pub(crate) const ONE: Self = Self { above: 1, below: 1 };

    pub(crate) const fn whole(above: i128) -> Self {
        Self { above, below: 1 }
    }

    fn new(above: i128, below: i128) -> Option<Self> {
        let common = gcd(above, below)?;
        let sign = below.signum();
        Some(Self {
            above: above.checked_div(common)?.checked_mul(sign)?,
            below: below.checked_div(common)?.checked_mul(sign)?,
        })
    }

    pub(crate) const fn above(self) -> i128 {
        self.above
    }

    pub(crate) const fn below(self) -> i128 {
        self.below
    }

    pub(crate) const fn is_zero(self) -> bool {
        self.above == 0
    }

    pub(crate) const fn is_negative(self) -> bool {
        self.above < 0
    }

    pub(crate) fn negative(self) -> Option<Self> {
        Some(Self { above: self.above.checked_neg()?, below: self.below })
    }

    pub(crate) fn plus(self, other: Self) -> Option<Self> {
        if self.below == 1 && other.below == 1 {
            return Some(Self::whole(self.above.checked_add(other.above)?));
        }
        let one = self.above.checked_mul(other.below)?;
        Self::new(one.checked_add(other.above.checked_mul(self.below)?)?, self.below.checked_mul(other.below)?)
    }

    pub(crate) fn times(self, other: Self) -> Option<Self> {
        if self.below == 1 && other.below == 1 {
            return Some(Self::whole(self.above.checked_mul(other.above)?));
        }
        Self::new(self.above.checked_mul(other.above)?, self.below.checked_mul(other.below)?)
    }

    pub(crate) fn over(self, other: Self) -> Option<Self> {
        if other.is_zero() {
            return None;
        }
        Self::new(self.above.checked_mul(other.below)?, self.below.checked_mul(other.above)?)
    }

    /// The least whole number that is not below it.
    pub(crate) fn ceiling(self) -> Option<i128> {
        let floor = self.above.checked_div_euclid(self.below)?;
        floor.checked_add(i128::from(self.above.checked_rem_euclid(self.below)? != 0))
    }

    pub(crate) fn compare(self, other: Self) -> Option<Ordering> {
        Some(self.above.checked_mul(other.below)?.cmp(&other.above.checked_mul(self.below)?))
    }
}

/// The greatest common divisor, at least 1 unless both are zero; nothing where a number has no positive counterpart.
pub(crate) fn gcd(one: i128, other: i128) -> Option<i128> {
    let (mut a, mut b) = (one.checked_abs()?, other.checked_abs()?);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    (a != 0).then_some(a)
}
