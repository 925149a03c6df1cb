//! Items to measure business reconciliation with: each declared, weighed, arrived, released and collected, but for those that were planted.

use super::numbers::Numbers;
use crate::accounting::{Books, Class, Duty, Filing, Happening, Kind, Measured, Rules, RulesError, Said, Type, What};
use crate::hash::{Digest, Domain};
use crate::life::{Action, ItemId, LinkKind, Scheme};
use crate::names::{MemberId, NameError, Territory};
use crate::recognition::Period;
use crate::record::Decimal;
use crate::revenue::{Money, Stage, StatedLine};
use crate::time::{Day, Millis};

/// Items of the measurement that the issue asks for.
pub const RECONCILED: u64 = 10_000_000;
/// Of so many items one has each of the planted differences.
const PLANTED: u64 = 100;
/// Records of an item.
const ROUNDS: u64 = 4;
/// 2026-11-01T00:00:00Z, in milliseconds.
const START: u64 = 1_793_491_200_000;
/// Milliseconds of a day.
const DAY: u64 = 86_400_000;
/// Accounts that collect.
const ACCOUNTS: u64 = 50;

/// How many differences there are to be, when every term has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// Declared and never arrived.
    pub never_arrived: u64,
    /// Arrived and never declared.
    pub never_declared: u64,
    /// Released twice.
    pub released_twice: u64,
}

/// Books full of items.
#[derive(Debug)]
pub struct SampleItems {
    /// The books.
    pub books: Books,
    count: u64,
    members: [MemberId; 3],
    territory: Territory,
}

impl SampleItems {
    /// Empty books for so many items.
    ///
    /// # Errors
    /// None that can happen.
    pub fn new(count: u64) -> Result<Self, Box<dyn std::error::Error>> {
        let parse = |id: &str| -> Result<MemberId, NameError> { id.parse() };
        let mut rules = sample()?;
        // What is collected is remitted after the measurement.
        rules.off.insert(Class::CollectedNotRemitted);
        Ok(Self {
            books: Books::new(rules, None),
            count,
            members: [parse("platform")?, parse("post")?, parse("customs")?],
            territory: "DE".parse()?,
        })
    }

    /// How many records there are.
    pub fn records(&self) -> u64 {
        self.count * ROUNDS
    }

    /// One of the records: in each round one of every item. None where the item is planted without it.
    pub fn record(&self, nth: u64) -> Option<Said> {
        let (round, n) = (nth / self.count, nth % self.count);
        let [platform, post, customs] = &self.members;
        let (by, table, kind) = match (round, n % PLANTED) {
            (0, 13) | (1, 7) => return None,
            (0, _) => (platform, Type::Declaration, self.declared()),
            (1, _) => (post, Type::Event, Kind::Happened(Happening::Arrived)),
            (2, _) => (customs, Type::CustomsResponse, released()),
            _ => (platform, Type::Duty, self.collected(n)?),
        };
        Some(self.said(by, table, round, n, kind))
    }

    /// A further record of an item: customs releases it once more where that is planted, else something happened to it.
    pub fn update(&self, n: u64) -> Said {
        let [_, post, customs] = &self.members;
        match n % PLANTED {
            29 => self.said(customs, Type::CustomsResponse, 4, n, released()),
            _ => self.said(post, Type::Event, 5, n, Kind::Happened(Happening::Other)),
        }
    }

    /// A link that makes one item of two.
    pub fn link(&self, n: u64, other: u64) -> Said {
        let others = vec![(number(other), None)];
        self.said(&self.members[1], Type::Link, 6, n, Kind::Links { kind: LinkKind::SameAs, others })
    }

    /// Takes a record; whether it was new.
    pub fn take(&mut self, said: &Said) -> bool {
        // Memory never fails, and what was written there is read.
        self.books.take(said).unwrap_or(false)
    }

    /// Every planted item of `update` among so many draws, each once, and others beside them.
    pub fn draws(&self, count: u64, seed: u64) -> Vec<u64> {
        let mut numbers = Numbers(seed);
        let mut drawn: Vec<u64> = (0..count).map(|_| numbers.up_to(self.count - 1)).collect();
        drawn.sort_unstable();
        drawn.dedup();
        // In random order again.
        for at in (1..drawn.len()).rev() {
            drawn.swap(at, numbers.below(at + 1));
        }
        drawn
    }

    /// Differences to be found, when these items were updated and every term has ended.
    pub fn expected(&self, updated: &[u64]) -> Expected {
        let planted = |rest: u64| (self.count + PLANTED - 1 - rest) / PLANTED;
        Expected {
            never_arrived: planted(7),
            never_declared: planted(13),
            released_twice: updated.iter().filter(|n| **n % PLANTED == 29).count() as u64,
        }
    }

    /// When every term has ended.
    pub fn end(&self) -> Millis {
        Millis(START + 365 * DAY)
    }

    /// Differences that were found.
    pub fn found(&self) -> Expected {
        let mut found = Expected { never_arrived: 0, never_declared: 0, released_twice: 0 };
        for finding in self.books.findings() {
            match finding.key.class {
                Class::NeverArrived => found.never_arrived += 1,
                Class::NeverDeclared => found.never_declared += 1,
                Class::ReleasedTwice => found.released_twice += 1,
                _ => {}
            }
        }
        found
    }

    fn said(&self, by: &MemberId, table: Type, round: u64, n: u64, kind: Kind) -> Said {
        Said {
            root: Digest::of(Domain::Index, &[&round.to_be_bytes(), &n.to_be_bytes()]),
            by: by.clone(),
            table,
            reference: Some(format!("{round}-{n:09}")),
            revision: 0,
            action: Action::Original,
            supersedes: None,
            at: Millis(START + round * DAY + n % DAY),
            told: Default::default(),
            item: Some((number(n), None)),
            what: What(kind),
        }
    }

    fn declared(&self) -> Kind {
        let measured = Measured {
            packages: Some(1),
            pieces: Some(2),
            mass: Some(decimal(1_250, 3)),
            value: self.money(1_999).into_iter().collect(),
            duty: Vec::new(),
        };
        Kind::Declared {
            filing: Filing::EnsPreloading,
            destination: Some(self.territory),
            registration: None,
            measured,
        }
    }

    fn collected(&self, n: u64) -> Option<Kind> {
        Some(Kind::Duty(Duty {
            stage: Stage::Collected,
            territory: self.territory,
            day: Day(20_758),
            about: None,
            account: Some(format!("IM27600000{:02}", n % ACCOUNTS)),
            period: Some(Period::of(Day(20_758))),
            lines: vec![StatedLine { number: 1, tax: "B00".to_owned(), amount: self.money(380)? }],
        }))
    }

    fn money(&self, cents: i64) -> Option<Money> {
        Some(Money::new(decimal(cents, 2), "EUR".parse().ok()?))
    }
}

fn sample() -> Result<Rules, RulesError> {
    Rules::sample()
}

fn decimal(mantissa: i64, scale: u8) -> crate::revenue::Exact {
    Decimal { mantissa, scale }.into()
}

fn released() -> Kind {
    Kind::Answered { released: true, about: None, registration: None }
}

fn number(n: u64) -> ItemId {
    ItemId { scheme: Scheme::S10, issuer: None, id: format!("RB{n:09}GB") }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_was_planted_is_found_and_nothing_else() {
        let mut sample = SampleItems::new(1_000).unwrap();
        for nth in 0..sample.records() {
            let Some(said) = sample.record(nth) else { continue };
            assert!(sample.take(&said) && !sample.take(&said));
        }
        let drawn = sample.draws(400, 1);
        for n in &drawn {
            let said = sample.update(*n);
            assert!(sample.take(&said));
        }
        let end = sample.end();
        while sample.books.due(end, 100).unwrap() {}
        let expected = sample.expected(&drawn);
        assert_eq!((expected.never_arrived, expected.never_declared), (10, 10));
        assert_eq!(sample.found(), expected);
        assert!(expected.released_twice > 0);
        assert_eq!(sample.books.findings().count() as u64, 20 + expected.released_twice);
        // Late links of items that are released each: released twice.
        let said = sample.link(0, 1);
        assert!(sample.take(&said));
        assert_eq!(sample.found().released_twice, expected.released_twice + 1);
    }
}
