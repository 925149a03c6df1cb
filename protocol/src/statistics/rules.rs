//! When a cell is sensitive by itself (primary suppression), and how well it must be protected.
//!
//! Not here: which further cells are withheld for it ([`super::disclose`]).

use crate::cbor::{CborError, Decode, Encode, Reader, Writer};
use crate::limits::MAX_STATISTICS_DOMINANCES;
use crate::names::word_enum;

use super::fact::Role;

word_enum!(
    /// What is counted of items.
    Measure, "measure", {
        /// How many.
        Count = 1, "count";
        /// Their value, in minor units.
        Value = 2, "value";
        /// Their mass, in grams.
        Mass = 3, "mass";
        /// Their duty and tax, in minor units.
        Duty = 4, "duty";
    }
);

/// The (n, k) rule: sensitive where the `largest` contributors together have at least `percent` of the measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dominance {
    /// Of what.
    pub measure: Measure,
    /// n, at least 1.
    pub largest: u8,
    /// k, 1 to 100.
    pub percent: u8,
}

/// The p% rule: sensitive where the second largest contributor could compute the largest one to less than `percent` of it, that is
/// where all others together have less than that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closeness {
    /// Of what.
    pub measure: Measure,
    /// p, 1 to 100.
    pub percent: u8,
}

/// The rules of one publication; they are published with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// A cell of fewer items is sensitive; at least 1.
    pub min_count: u32,
    /// A cell of fewer parties is sensitive, in each role that counts; at least 1.
    pub min_contributors: u32,
    /// The roles that count, ascending; none is allowed, then nothing is asked of parties.
    pub roles: Vec<Role>,
    /// Rules of dominance.
    pub dominances: Vec<Dominance>,
    /// Rules of closeness.
    pub closenesses: Vec<Closeness>,
    /// So far from what it is, in percent of it, value, mass and duty of a sensitive cell must possibly lie on either side, for whoever
    /// knows everything that is published; at least one unit. A count must possibly be another one.
    pub protection_percent: u8,
}

impl Default for Rules {
    /// Three items, three parties in each role, the largest party below 75 %, the second largest to stay 10 % away from the largest, and
    /// a fifth of room on both sides. Thresholds of practice: fewer than three enterprises, or one with 75 % (Finnish Customs).
    fn default() -> Self {
        Self {
            min_count: 3,
            min_contributors: 3,
            roles: Role::ALL.to_vec(),
            dominances: vec![Dominance { measure: Measure::Value, largest: 1, percent: 75 }],
            closenesses: vec![Closeness { measure: Measure::Value, percent: 10 }],
            protection_percent: 20,
        }
    }
}

/// Why rules were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RulesError {
    /// A number outside of its range.
    #[error("rules of suppression: {what} is {found}; {expected}")]
    Range {
        /// Which.
        what: &'static str,
        /// What it is.
        found: u32,
        /// What it may be.
        expected: &'static str,
    },
    /// Too many, or not in order.
    #[error("rules of suppression: {0}")]
    List(&'static str),
}

/// Why a cell is sensitive by itself. Stays with whoever publishes: the class of a published cell only says that it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sensitive {
    /// Too few items.
    Count {
        /// How many.
        found: u128,
    },
    /// Too few parties.
    Contributors {
        /// In which role.
        role: Role,
        /// How many.
        found: usize,
    },
    /// The largest parties have too much.
    Dominance {
        /// In which role.
        role: Role,
        /// The rule's place in the list.
        rule: usize,
    },
    /// The second largest party could compute the largest one.
    Closeness {
        /// In which role.
        role: Role,
        /// The rule's place in the list.
        rule: usize,
    },
}

impl Rules {
    /// Items that a cell has at least which is not sensitive: each party of a role that counts has one.
    pub(crate) fn least_items(&self) -> u32 {
        let of_parties = if self.roles.is_empty() { 1 } else { self.min_contributors };
        self.min_count.max(of_parties)
    }

    /// Whether the numbers are such that rules can be.
    ///
    /// # Errors
    /// [`RulesError`] names the first that is not.
    pub fn check(&self) -> Result<(), RulesError> {
        let range = |what, found: u32, least: u32, most: u32, expected| match (least..=most).contains(&found) {
            true => Ok(()),
            false => Err(RulesError::Range { what, found, expected }),
        };
        range("the least number of items", self.min_count, 1, u32::MAX, "expected 1 or more")?;
        range("the least number of parties", self.min_contributors, 1, u32::MAX, "expected 1 or more")?;
        for rule in &self.dominances {
            range("n of a dominance rule", rule.largest.into(), 1, 255, "expected 1 to 255")?;
            range("k of a dominance rule", rule.percent.into(), 1, 100, "expected 1 to 100")?;
        }
        for rule in &self.closenesses {
            range("p of a p% rule", rule.percent.into(), 1, 100, "expected 1 to 100")?;
        }
        range("the protection", self.protection_percent.into(), 0, 100, "expected 0 to 100")?;
        if !self.roles.is_sorted_by(|one, next| one < next) {
            return Err(RulesError::List("its roles are not in order, or one stands twice"));
        }
        if self.dominances.len().max(self.closenesses.len()) > MAX_STATISTICS_DOMINANCES {
            return Err(RulesError::List("more rules of one kind than a publication takes"));
        }
        Ok(())
    }

    /// How far from it a sensitive cell's figure must possibly lie on either side: not at all where it is zero.
    pub(crate) fn width(&self, figure: i128) -> i128 {
        match figure {
            0 => 0,
            _ => figure.saturating_mul(self.protection_percent.into()).saturating_add(99).div_euclid(100).max(1),
        }
    }

    /// Whether a cell is sensitive by its count, and by the shares of its parties: for each role that counts, each measure's shares in
    /// descending order come from `shares`.
    pub(crate) fn sensitive(
        &self,
        count: u128,
        mut shares: impl FnMut(Role, Measure) -> Vec<u128>,
    ) -> Option<Sensitive> {
        if count < u128::from(self.min_count) {
            return Some(Sensitive::Count { found: count });
        }
        for role in self.roles.iter().copied() {
            let found = shares(role, Measure::Count).len();
            if (found as u64) < u64::from(self.min_contributors) {
                return Some(Sensitive::Contributors { role, found });
            }
            for (rule, dominance) in self.dominances.iter().enumerate() {
                let shares = shares(role, dominance.measure);
                let total: u128 = shares.iter().sum();
                let largest: u128 = shares.iter().take(dominance.largest.into()).sum();
                if total > 0 && largest.saturating_mul(100) >= total.saturating_mul(dominance.percent.into()) {
                    return Some(Sensitive::Dominance { role, rule });
                }
            }
            for (rule, closeness) in self.closenesses.iter().enumerate() {
                let shares = shares(role, closeness.measure);
                let (first, others) = (shares.first().copied().unwrap_or(0), shares.iter().skip(2).sum::<u128>());
                if first > 0 && others.saturating_mul(100) < first.saturating_mul(closeness.percent.into()) {
                    return Some(Sensitive::Closeness { role, rule });
                }
            }
        }
        None
    }
}

impl Encode for Rules {
    fn encode(&self, w: &mut Writer) {
        w.array(6);
        w.uint(self.min_count.into());
        w.uint(self.min_contributors.into());
        w.array(self.roles.len());
        self.roles.iter().for_each(|role| w.uint(role_number(*role)));
        w.array(self.dominances.len());
        for rule in &self.dominances {
            w.array(3);
            rule.measure.encode(w);
            w.uint(rule.largest.into());
            w.uint(rule.percent.into());
        }
        w.array(self.closenesses.len());
        for rule in &self.closenesses {
            w.array(2);
            rule.measure.encode(w);
            w.uint(rule.percent.into());
        }
        w.uint(self.protection_percent.into());
    }
}

impl Decode for Rules {
    fn decode(r: &mut Reader<'_>) -> Result<Self, CborError> {
        let start = r.position();
        r.tuple(6)?;
        let (min_count, min_contributors) = (number(r)?, number(r)?);
        let mut roles = Vec::new();
        for _ in 0..r.array(Role::ALL.len())? {
            let start = r.position();
            let found = r.uint()?;
            let role = Role::ALL.iter().find(|role| role_number(**role) == found);
            roles.push(*role.ok_or_else(|| r.refuse(start, "not a role"))?);
        }
        r.leave();
        let mut dominances = Vec::new();
        for _ in 0..r.array(MAX_STATISTICS_DOMINANCES)? {
            r.tuple(3)?;
            dominances.push(Dominance { measure: Measure::decode(r)?, largest: small(r)?, percent: small(r)? });
            r.leave();
        }
        r.leave();
        let mut closenesses = Vec::new();
        for _ in 0..r.array(MAX_STATISTICS_DOMINANCES)? {
            r.tuple(2)?;
            closenesses.push(Closeness { measure: Measure::decode(r)?, percent: small(r)? });
            r.leave();
        }
        r.leave();
        let protection_percent = small(r)?;
        r.leave();
        let rules = Self { min_count, min_contributors, roles, dominances, closenesses, protection_percent };
        rules.check().map_err(|_| r.refuse(start, "rules outside of their ranges"))?;
        Ok(rules)
    }
}

fn role_number(role: Role) -> u64 {
    match role {
        Role::Importer => 1,
        Role::Seller => 2,
        Role::Filer => 3,
    }
}

fn number(r: &mut Reader<'_>) -> Result<u32, CborError> {
    Ok(u32::try_from(r.uint_max(u32::MAX.into())?).unwrap_or(u32::MAX))
}

fn small(r: &mut Reader<'_>) -> Result<u8, CborError> {
    Ok(u8::try_from(r.uint_max(u8::MAX.into())?).unwrap_or(u8::MAX))
}
