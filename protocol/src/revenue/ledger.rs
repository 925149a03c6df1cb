//! The account of one item: which tax lines are assessed, collected, remitted and given back.
//!
//! Pure and incremental: records come one by one, in any order; of one record the highest revision holds. What is refused changes nothing.
//! Not here: which records belong to an item ([`crate::life`]), and whose word counts, which is the caller's to decide beforehand.

use std::collections::{BTreeMap, BTreeSet};

use super::claim::{Capacity, Claim, ClaimState, LineRef, Procedure};
use super::duty::{RecordRef, Stage, Statement};
use super::money::{Exact, Money, MoneyError};
use crate::limits::{MAX_LEDGER_CLAIMS, MAX_LEDGER_STATEMENTS};
use crate::names::Currency;
use crate::time::Day;

/// What became of a record that was handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It is new.
    New,
    /// It takes the place of an earlier revision.
    Replaced,
    /// It is here already, or a higher revision is.
    Known,
}

/// Why a record was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// Two contents under one revision.
    #[error("{0}: revision {1} is here with another content\nhint: a correction has a higher revision")]
    Conflict(RecordRef, u64),
    /// Two lines of one number, or one line claimed twice in one record.
    #[error("{0}: line {1} stands in it twice")]
    Twice(RecordRef, u32),
    /// A tax or currency other than the line's.
    #[error("{record}: {line} is {known}, not {found}")]
    Other {
        /// The record that was refused.
        record: RecordRef,
        /// The line.
        line: LineRef,
        /// Its tax or currency.
        known: String,
        /// What the record says.
        found: String,
    },
    /// A claim of a line that is not here.
    #[error("{claim}: {line} is not known here\nhint: hand in the record of duty first")]
    NoSuchLine {
        /// The claim.
        claim: RecordRef,
        /// The line.
        line: LineRef,
    },
    /// A claim of a line that is claimed already.
    #[error(
        "{claim}: {line} is claimed already, by {procedure} {first} ({state})\nhint: a tax line is given back once across all procedures and parties"
    )]
    GivenBack {
        /// The claim that was refused.
        claim: RecordRef,
        /// The line.
        line: LineRef,
        /// The first claim.
        first: RecordRef,
        /// Its procedure.
        procedure: Procedure,
        /// How it stands.
        state: ClaimState,
    },
    /// A claim of more than there is.
    #[error("{claim}: {claimed} of {line} are claimed; {there} are {what}")]
    TooMuch {
        /// The claim.
        claim: RecordRef,
        /// The line.
        line: LineRef,
        /// What is claimed.
        claimed: Money,
        /// What there is.
        there: Money,
        /// Of which stage that is.
        what: Stage,
    },
    /// A claim of nothing, or less.
    #[error("{0}: {1} claims nothing, or less than nothing")]
    Nothing(RecordRef, LineRef),
    /// An intermediary without a mandate that holds.
    #[error("{claim}: an intermediary claims {why}\nhint: name the mandate, with the days between which it holds")]
    Mandate {
        /// The claim.
        claim: RecordRef,
        /// What is wrong.
        why: String,
    },
    /// A claim after its last day.
    #[error("{claim}: claimed on {claimed}; the last day was {until}")]
    Late {
        /// The claim.
        claim: RecordRef,
        /// The day of the claim.
        claimed: Day,
        /// The last day.
        until: Day,
    },
    /// Too many records of one item.
    #[error("one item has more than {MAX_LEDGER_STATEMENTS} records of duty or {MAX_LEDGER_CLAIMS} claims")]
    Full,
    /// Amounts beyond all measure.
    #[error("{0}: {1}")]
    Money(RecordRef, MoneyError),
}

/// By which claim a line is given back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenBack {
    /// The claim.
    pub claim: RecordRef,
    /// Its procedure.
    pub procedure: Procedure,
    /// How it stands.
    pub state: ClaimState,
    /// How much.
    pub amount: Money,
}

/// How a tax line stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Which.
    pub line: LineRef,
    /// The tax.
    pub tax: String,
    /// What is owed; nothing where no assessment of it is known.
    pub assessed: Option<Money>,
    /// What is collected.
    pub collected: Money,
    /// What is remitted.
    pub remitted: Money,
    /// By what it is given back.
    pub given_back: Option<GivenBack>,
}

impl Standing {
    /// How far it has come: as far as the whole of the stage before.
    pub fn stage(&self) -> Stage {
        let owed = self.assessed.map_or(self.collected.amount, |owed| owed.amount);
        match (self.collected.amount >= owed, self.remitted.amount >= self.collected.amount) {
            (true, true) => Stage::Remitted,
            (true, false) => Stage::Collected,
            _ => Stage::Assessed,
        }
    }
}

/// What does not add up in the account of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Discrepancy {
    /// Collected or remitted, and no assessment is known.
    NotAssessed(LineRef),
    /// Less, or more, is collected than assessed: collected minus assessed.
    Collected(LineRef, Money),
    /// Less, or more, is remitted than collected: remitted minus collected.
    Remitted(LineRef, Money),
    /// A claim stands on a line that is not here any more, since its record was corrected or taken back.
    ClaimWithoutLine(LineRef, RecordRef),
    /// A claim is for more than is still there after a correction.
    ClaimTooMuch(LineRef, RecordRef),
}

/// The account of one item.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    statements: BTreeMap<RecordRef, Statement>,
    claims: BTreeMap<RecordRef, Claim>,
}

impl Ledger {
    /// Takes a record of duty.
    ///
    /// # Errors
    /// [`LedgerError`]; nothing is changed then.
    pub fn state(&mut self, statement: Statement) -> Result<Taken, LedgerError> {
        let record = statement.record.clone();
        let taken = match self.statements.get(&record) {
            Some(known) if known.revision > statement.revision || *known == statement => return Ok(Taken::Known),
            Some(known) if known.revision == statement.revision => {
                return Err(LedgerError::Conflict(record, statement.revision));
            }
            Some(_) => Taken::Replaced,
            None if self.statements.len() >= MAX_LEDGER_STATEMENTS => return Err(LedgerError::Full),
            None => Taken::New,
        };
        let mut numbers = BTreeSet::new();
        if let Some(line) = statement.lines.iter().find(|line| !numbers.insert(line.number)) {
            return Err(LedgerError::Twice(record, line.number));
        }
        let before = self.statements.insert(record.clone(), statement);
        match self.sums(&record) {
            Ok(_) => Ok(taken),
            Err(error) => {
                match before {
                    Some(before) => self.statements.insert(record, before),
                    None => self.statements.remove(&record),
                };
                Err(error)
            }
        }
    }

    /// Takes a claim. A line is given back once: a second claim of it is refused as long as the first one stands.
    ///
    /// # Errors
    /// [`LedgerError`]; nothing is changed then.
    pub fn claim(&mut self, claim: Claim) -> Result<Taken, LedgerError> {
        let record = claim.record.clone();
        let taken = match self.claims.get(&record) {
            Some(known) if known.revision > claim.revision || *known == claim => return Ok(Taken::Known),
            Some(known) if known.revision == claim.revision => {
                return Err(LedgerError::Conflict(record, claim.revision));
            }
            Some(_) => Taken::Replaced,
            None if self.claims.len() >= MAX_LEDGER_CLAIMS => return Err(LedgerError::Full),
            None => Taken::New,
        };
        if claim.stands() {
            self.check(&claim)?;
        }
        self.claims.insert(record, claim);
        Ok(taken)
    }

    /// How every tax line stands, in the order of their records and numbers.
    pub fn lines(&self) -> Vec<Standing> {
        // What is in here was summed when it came.
        let mut lines = self.sums_of(self.statements.values()).unwrap_or_default();
        for claim in self.claims.values().filter(|claim| claim.stands()) {
            for claimed in &claim.lines {
                if let Some(standing) = lines.get_mut(&claimed.line) {
                    standing.given_back = Some(GivenBack {
                        claim: claim.record.clone(),
                        procedure: claim.procedure,
                        state: claim.state,
                        amount: claimed.amount,
                    });
                }
            }
        }
        lines.into_values().collect()
    }

    /// The claims.
    pub fn claims(&self) -> impl Iterator<Item = &Claim> {
        self.claims.values()
    }

    /// What does not add up.
    pub fn discrepancies(&self) -> Vec<Discrepancy> {
        let mut found = Vec::new();
        let lines = self.sums_of(self.statements.values()).unwrap_or_default();
        for standing in lines.values() {
            let line = || standing.line.clone();
            match standing.assessed {
                None => found.push(Discrepancy::NotAssessed(line())),
                Some(owed) => match standing.collected.minus(owed) {
                    Ok(difference) if !difference.amount.is_zero() => {
                        found.push(Discrepancy::Collected(line(), difference))
                    }
                    _ => {}
                },
            }
            match standing.remitted.minus(standing.collected) {
                Ok(difference) if !difference.amount.is_zero() => found.push(Discrepancy::Remitted(line(), difference)),
                _ => {}
            }
        }
        for claim in self.claims.values().filter(|claim| claim.stands()) {
            for claimed in &claim.lines {
                let (line, record) = (claimed.line.clone(), claim.record.clone());
                match lines.get(&line) {
                    None => found.push(Discrepancy::ClaimWithoutLine(line, record)),
                    Some(standing) if claimed.amount.amount > there(claim, standing).0.amount => {
                        found.push(Discrepancy::ClaimTooMuch(line, record));
                    }
                    Some(_) => {}
                }
            }
        }
        found
    }

    fn check(&self, claim: &Claim) -> Result<(), LedgerError> {
        let record = || claim.record.clone();
        if claim.capacity == Capacity::Intermediary {
            let why = match (&claim.mandate, claim.claimed_on) {
                (None, _) => Some("without a mandate".to_owned()),
                (Some(mandate), Some(day))
                    if mandate.from.is_some_and(|from| day < from)
                        || mandate.until.is_some_and(|until| until < day) =>
                {
                    Some(format!("on {day}, when mandate {} does not hold", mandate.reference))
                }
                _ => None,
            };
            if let Some(why) = why {
                return Err(LedgerError::Mandate { claim: record(), why });
            }
        }
        if let (Some(claimed), Some(until)) = (claim.claimed_on, claim.until)
            && until < claimed
        {
            return Err(LedgerError::Late { claim: record(), claimed, until });
        }
        let lines = self.sums_of(self.statements.values())?;
        let mut seen = BTreeSet::new();
        for claimed in &claim.lines {
            let line = || claimed.line.clone();
            if !seen.insert(&claimed.line) {
                return Err(LedgerError::Twice(record(), claimed.line.line));
            }
            let others = self.claims.values().filter(|other| other.record != claim.record && other.stands());
            let holds = |other: &&Claim| other.lines.iter().any(|theirs| theirs.line == claimed.line);
            if let Some(first) = others.into_iter().find(holds) {
                let (procedure, state) = (first.procedure, first.state);
                return Err(LedgerError::GivenBack {
                    claim: record(),
                    line: line(),
                    first: first.record.clone(),
                    procedure,
                    state,
                });
            }
            let standing =
                lines.get(&claimed.line).ok_or_else(|| LedgerError::NoSuchLine { claim: record(), line: line() })?;
            same(&claim.record, standing, &claimed.tax, claimed.amount.currency)?;
            if claimed.amount.amount <= Exact::ZERO {
                return Err(LedgerError::Nothing(record(), line()));
            }
            let (there, what) = there(claim, standing);
            if claimed.amount.amount > there.amount {
                return Err(LedgerError::TooMuch {
                    claim: record(),
                    line: line(),
                    claimed: claimed.amount,
                    there,
                    what,
                });
            }
        }
        Ok(())
    }

    /// Sums of the lines that a record speaks of: so whether it fits the others.
    fn sums(&self, record: &RecordRef) -> Result<BTreeMap<LineRef, Standing>, LedgerError> {
        let of = |statement: &Statement| statement.about.clone().unwrap_or_else(|| statement.record.clone());
        let duty = self.statements.get(record).map(of);
        // The record itself last, so that it is the one that is refused.
        let others = self.statements.values().filter(|other| other.record != *record && Some(of(other)) == duty);
        self.sums_of(others.chain(self.statements.get(record)))
    }

    fn sums_of<'s>(
        &self,
        statements: impl Iterator<Item = &'s Statement>,
    ) -> Result<BTreeMap<LineRef, Standing>, LedgerError> {
        let mut lines: BTreeMap<LineRef, Standing> = BTreeMap::new();
        for statement in statements.filter(|statement| !statement.cancelled) {
            let duty = statement.about.as_ref().unwrap_or(&statement.record);
            for stated in &statement.lines {
                let line = LineRef { duty: duty.clone(), line: stated.number };
                let nothing = Money::zero(stated.amount.currency);
                let standing = lines.entry(line.clone()).or_insert_with(|| Standing {
                    line,
                    tax: stated.tax.clone(),
                    assessed: None,
                    collected: nothing,
                    remitted: nothing,
                    given_back: None,
                });
                same(&statement.record, standing, &stated.tax, stated.amount.currency)?;
                let sum = |money: Money| {
                    money.plus(stated.amount).map_err(|error| LedgerError::Money(statement.record.clone(), error))
                };
                match statement.stage {
                    Stage::Assessed => standing.assessed = Some(sum(standing.assessed.unwrap_or(nothing))?),
                    Stage::Collected => standing.collected = sum(standing.collected)?,
                    Stage::Remitted => standing.remitted = sum(standing.remitted)?,
                }
            }
        }
        Ok(lines)
    }
}

/// How much may be claimed: what was collected; for relief, and where nothing is paid yet, what is owed.
fn there(claim: &Claim, standing: &Standing) -> (Money, Stage) {
    match (claim.procedure, standing.assessed) {
        (Procedure::Relief | Procedure::Abandonment | Procedure::Destruction, Some(owed)) => (owed, Stage::Assessed),
        _ => (standing.collected, Stage::Collected),
    }
}

fn same(record: &RecordRef, standing: &Standing, tax: &str, currency: Currency) -> Result<(), LedgerError> {
    let (known, found) = if standing.tax != tax {
        (standing.tax.clone(), tax.to_owned())
    } else if standing.collected.currency != currency {
        (standing.collected.currency.to_string(), currency.to_string())
    } else {
        return Ok(());
    };
    Err(LedgerError::Other { record: record.clone(), line: standing.line.clone(), known, found })
}
