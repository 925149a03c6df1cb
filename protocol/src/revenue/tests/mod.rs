//! What is owed, computed by hand and by the rules; the account of an item; months and payments.

mod cases;
mod declared;
mod guarantee;
mod ledger;
mod payments;
mod properties;
mod summary;

use super::*;
use crate::names::{CollectionModel, MemberId};
use crate::time::Day;

pub(super) fn exact(text: &str) -> Exact {
    text.parse().unwrap()
}

/// `12.50 EUR`.
pub(super) fn money(text: &str) -> Money {
    let (amount, currency) = text.split_once(' ').unwrap();
    Money::new(exact(amount), currency.parse().unwrap())
}

pub(super) fn day(text: &str) -> Day {
    text.parse().unwrap()
}

pub(super) fn member(text: &str) -> MemberId {
    text.parse().unwrap()
}

pub(super) fn record(issuer: &str, reference: &str) -> RecordRef {
    RecordRef { issuer: member(issuer), reference: reference.into() }
}

/// Goods of a tariff code and price, numbered from 1.
pub(super) fn goods(list: &[(&str, &str)]) -> Vec<Goods> {
    let one = |(at, (tariff, value)): (usize, &(&str, &str))| Goods {
        number: at as u32 + 1,
        tariff: (*tariff).into(),
        origin: None,
        value: money(value),
        quantities: Vec::new(),
    };
    list.iter().enumerate().map(one).collect()
}

pub(super) fn consignment(destination: &str, list: &[(&str, &str)]) -> Consignment {
    Consignment {
        destination: destination.parse().unwrap(),
        goods: goods(list),
        costs: Costs::default(),
        model: CollectionModel::Consumer,
        number: false,
        category: None,
    }
}

/// The samples with rates that an operator would add.
pub(super) fn book() -> RevenueBook {
    RevenueBook::sample().unwrap().with(OPERATOR).unwrap()
}

pub(super) const OPERATOR: &str = r#"
name = "operator"
version = "test"

[[rate]]
table = "vat"
destinations = ["DE"]
percent = "19"
source = "test"

[[rate]]
table = "vat"
destinations = ["DE"]
tariff = "4901"
percent = "7"
source = "test"

[[rate]]
table = "duty"
destinations = ["EU"]
tariff = "8517"
percent = "0"
source = "test"

[[rate]]
table = "duty"
destinations = ["EU"]
tariff = "6109"
percent = "12"
source = "test"

[[rate]]
table = "duty"
destinations = ["EU"]
tariff = "6109"
origin = "TR"
percent = "0"
source = "test"

[[rate]]
table = "duty"
destinations = ["EU"]
tariff = "2402"
percent = "57.6"
until = "2026-12-31"
source = "test"

[[rate]]
table = "duty"
destinations = ["GB"]
tariff = "9503"
percent = "2.70"
source = "test"

[[rate]]
table = "duty"
destinations = ["US"]
tariff = "6109"
percent = "16.5"
source = "test"

[[exchange]]
currency = "GBP"
into = "EUR"
rate = "1.15"
from = "2026-06-01"
source = "test rates of June"

[[exchange]]
currency = "GBP"
into = "EUR"
rate = "1.1478"
from = "2026-07-01"
source = "test rates of July"

[[exchange]]
currency = "JPY"
into = "EUR"
rate = "0.6113"
per = 100
from = "2026-06-01"
source = "test"

[[exchange]]
currency = "USD"
into = "GBP"
rate = "1.3"
quoted = "currency"
from = "2021-01-01"
source = "test: 1 GBP is 1.3 USD"
"#;
