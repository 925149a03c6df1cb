//! Rates of exchange, each with its source and day, and converting by them with one rounding.

use std::sync::Arc;

use super::money::{Exact, Money, MoneyError, Rounding};
use crate::names::{Currency, words};
use crate::reference::Listed;
use crate::time::Day;

words!(
    /// Which way a rate is quoted.
    Quoted, "way of quoting", {
        /// So many units of the currency are so much of the other: converting multiplies.
        Into = "into";
        /// So many units of the other are so much of the currency: converting divides.
        Currency = "currency";
    }
);

/// A rate of exchange, from a day on until the next one of the pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// What is converted.
    pub currency: Currency,
    /// Into what.
    pub into: Currency,
    /// The rate, above zero.
    pub rate: Exact,
    /// For so many units: a power of ten, so that it moves the point only.
    pub per: u32,
    /// Which way.
    pub quoted: Quoted,
    /// The first day on which it holds.
    pub day: Day,
    /// Where it comes from.
    pub listed: Arc<Listed>,
}

/// Why a rate was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExchangeError {
    /// Not above zero.
    #[error("a rate of exchange is above zero")]
    Rate,
    /// Not a power of ten.
    #[error("'per' is {0}; it is 1, 10, 100 … 1000000")]
    Per(u32),
    /// One currency only.
    #[error("{0} into itself has no rate")]
    Same(Currency),
}

impl Exchange {
    /// A rate.
    ///
    /// # Errors
    /// [`ExchangeError`].
    pub fn new(
        currency: Currency,
        into: Currency,
        rate: Exact,
        per: u32,
        quoted: Quoted,
        day: Day,
        listed: Arc<Listed>,
    ) -> Result<Self, ExchangeError> {
        if rate.is_negative() || rate.is_zero() {
            return Err(ExchangeError::Rate);
        }
        if !(0..=6).any(|power| per == 10u32.pow(power)) {
            return Err(ExchangeError::Per(per));
        }
        if currency == into {
            return Err(ExchangeError::Same(currency));
        }
        Ok(Self { currency, into, rate, per, quoted, day, listed })
    }

    /// An amount converted and rounded once; `decimals` are those of the currency it is converted into.
    ///
    /// # Errors
    /// [`MoneyError::Currencies`] of an amount in another currency, [`MoneyError::Inexact`] where it divides without rounding and does
    /// not end, [`MoneyError::Overflow`].
    pub fn convert(&self, money: Money, rounding: Rounding, decimals: u8) -> Result<Money, MoneyError> {
        if money.currency != self.currency {
            return Err(MoneyError::Currencies { left: money.currency, right: self.currency });
        }
        let per = Exact::whole(i64::from(self.per));
        let (above, below) = match self.quoted {
            Quoted::Into => (money.amount.times(self.rate)?, per),
            Quoted::Currency => (money.amount.times(per)?, self.rate),
        };
        let amount = match rounding.places(decimals) {
            Some(places) => above.over(below, places, rounding.mode)?,
            None => above.exactly_over(below)?,
        };
        Ok(Money::new(amount, self.into))
    }
}
