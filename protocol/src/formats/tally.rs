//! What rows of an input are, and how many there are of each.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Row;

/// What a row of the input is. It is decided in this order: rules of the mapping (as they stand in it), cancellation, charge, goods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// It is in a record, a goods item of it where the mapping has them.
    Goods,
    /// What was paid beside the goods; it went into a field of the record, or into none where there are no goods.
    Charge,
    /// It takes back an earlier sale.
    Cancellation,
    /// It stays in the country.
    Domestic,
    /// Nobody in the network receives at its destination.
    NoMember,
    /// It gives no record for another reason.
    Refused,
}

impl Class {
    /// Every class.
    pub const ALL: [Class; 6] =
        [Class::Goods, Class::Charge, Class::Cancellation, Class::Domestic, Class::NoMember, Class::Refused];

    /// The word in mappings, reports and messages.
    pub const fn word(self) -> &'static str {
        match self {
            Class::Goods => "goods",
            Class::Charge => "charge",
            Class::Cancellation => "cancellation",
            Class::Domestic => "domestic",
            Class::NoMember => "no_member",
            Class::Refused => "refused",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// An account of an input: every row of it in one class.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Records, those that link others counted.
    pub records: u64,
    /// Records that say how others belong together; no row is in them.
    pub links: u64,
    /// Rows in records.
    pub goods: u64,
    /// Rows that are charges.
    pub charge: u64,
    /// Rows that cancel.
    pub cancellation: u64,
    /// Rows that stay in the country.
    pub domestic: u64,
    /// Rows whose destination has no member.
    pub no_member: u64,
    /// Rows refused for another reason.
    pub refused: u64,
}

impl Tally {
    /// Counts what became of some rows.
    pub fn add(&mut self, row: &Row) {
        match row {
            Row::Record { source, .. } => {
                self.records += 1;
                self.links += u64::from(source.rows == 0);
                self.charge += source.charges;
                self.goods += source.rows - source.charges;
            }
            Row::Refused(refusal) => *self.of(refusal.class) += refusal.rows,
        }
    }

    /// All rows of the input.
    pub fn rows(&self) -> u64 {
        let Self { goods, charge, cancellation, domestic, no_member, refused, .. } = self;
        goods + charge + cancellation + domestic + no_member + refused
    }

    fn of(&mut self, class: Class) -> &mut u64 {
        match class {
            Class::Goods => &mut self.goods,
            Class::Charge => &mut self.charge,
            Class::Cancellation => &mut self.cancellation,
            Class::Domestic => &mut self.domestic,
            Class::NoMember => &mut self.no_member,
            Class::Refused => &mut self.refused,
        }
    }
}
