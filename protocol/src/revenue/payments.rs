//! Entries of bank accounts matched to what summaries owe, by reference.
//!
//! One payment may be for several summaries, and one summary may be paid in several parts: whatever is joined by references is compared as
//! a whole. Not here: reading files ([`crate::formats::camt053`], [`crate::formats::bank_csv`]).

use std::collections::{BTreeMap, BTreeSet};

use super::money::{Exact, Money, MoneyError};
use crate::recognition::Period;
use crate::sets::Sets;
use crate::time::Day;

/// An entry of a bank account, booked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BankEntry {
    /// Where it stands in its file: the line, or the entry's number from 1.
    pub place: u64,
    /// How much; above zero where it came in.
    pub amount: Money,
    /// When it was booked.
    pub booked: Day,
    /// References: the bank's own, end-to-end id, structured reference, words of the remittance text.
    pub references: Vec<String>,
}

/// What a summary owes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The account.
    pub account: String,
    /// The period.
    pub period: Period,
    /// The reference under which it is to be paid.
    pub reference: String,
    /// How much.
    pub amount: Money,
}

/// How payments stand against what they are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// To the cent.
    Exact,
    /// So much is missing.
    Short(Money),
    /// So much is too much.
    Over(Money),
    /// They are of several currencies, so nothing can be compared.
    Currencies,
}

/// Payments and what they are for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// Places of the dues in what was handed in.
    pub dues: Vec<usize>,
    /// Places of the entries in what was handed in.
    pub entries: Vec<usize>,
    /// What was owed and what came; nothing of several currencies.
    pub sums: Option<(Money, Money)>,
    /// How it stands.
    pub outcome: Outcome,
}

/// What came of matching.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Matched {
    /// What is joined by references, in the order of the first due.
    pub matches: Vec<Match>,
    /// Dues that no entry names.
    pub unpaid: Vec<usize>,
    /// Entries that name no due.
    pub unknown: Vec<usize>,
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exact => f.write_str("paid"),
            Self::Short(money) => write!(f, "short by {money}"),
            Self::Over(money) => write!(f, "over by {money}"),
            Self::Currencies => f.write_str("several currencies"),
        }
    }
}

/// Matches entries to dues. Order means nothing but for the places in the answer.
///
/// # Errors
/// [`MoneyError::Overflow`] of amounts beyond all measure.
pub fn match_payments(dues: &[Due], entries: &[BankEntry]) -> Result<Matched, MoneyError> {
    let mut named: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, due) in dues.iter().enumerate() {
        named.entry(compact(&due.reference)).or_default().push(at);
    }
    named.remove("");
    let mut joined = Sets::new(dues.len());
    let mut of_entries: Vec<(usize, usize)> = Vec::new();
    let mut result = Matched::default();
    for (at, entry) in entries.iter().enumerate() {
        let mut first = None;
        for due in entry.references.iter().filter_map(|one| named.get(&compact(one))).flatten() {
            match first {
                None => first = Some(*due),
                Some(first) => joined.join(first, *due),
            }
        }
        match first {
            Some(due) => of_entries.push((at, due)),
            None => result.unknown.push(at),
        }
    }
    let mut groups: BTreeMap<usize, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
    for at in 0..dues.len() {
        groups.entry(joined.root(at)).or_default().0.push(at);
    }
    for (entry, due) in of_entries {
        groups.entry(joined.root(due)).or_default().1.push(entry);
    }
    for (dues_of, entries_of) in groups.into_values() {
        if entries_of.is_empty() {
            result.unpaid.extend(dues_of);
            continue;
        }
        let (sums, outcome) =
            compare(dues_of.iter().map(|at| dues[*at].amount), entries_of.iter().map(|at| entries[*at].amount))?;
        result.matches.push(Match { dues: dues_of, entries: entries_of, sums, outcome });
    }
    result.matches.sort_by_key(|one| one.dues.first().copied());
    result.unpaid.sort_unstable();
    Ok(result)
}

/// The words of a remittance text that may be references: of letters, digits and `-/._`, each once.
pub fn words_of(text: &str) -> Vec<String> {
    let word = |c: char| c.is_alphanumeric() || "-/._".contains(c);
    let mut seen = BTreeSet::new();
    let words =
        text.split(|c: char| !word(c)).map(|one| one.trim_matches(['.', '/', '-', '_'])).filter(|one| !one.is_empty());
    words.filter(|one| seen.insert(*one)).map(str::to_owned).collect()
}

type Sums = Option<(Money, Money)>;

fn compare(
    owed: impl Iterator<Item = Money>,
    came: impl Iterator<Item = Money>,
) -> Result<(Sums, Outcome), MoneyError> {
    let (owed, came): (Vec<Money>, Vec<Money>) = (owed.collect(), came.collect());
    let Some(currency) = owed.first().map(|money| money.currency) else { return Ok((None, Outcome::Currencies)) };
    if owed.iter().chain(&came).any(|money| money.currency != currency) {
        return Ok((None, Outcome::Currencies));
    }
    let (owed, came) = (Money::sum(currency, owed)?, Money::sum(currency, came)?);
    let difference = came.minus(owed)?;
    let outcome = match difference.amount.cmp(&Exact::ZERO) {
        std::cmp::Ordering::Equal => Outcome::Exact,
        std::cmp::Ordering::Greater => Outcome::Over(difference),
        std::cmp::Ordering::Less => Outcome::Short(Money::new(difference.amount.negative()?, currency)),
    };
    Ok((Some((owed, came)), outcome))
}

/// As banks pass references on: in capitals, without spaces.
fn compact(reference: &str) -> String {
    reference.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_uppercase).collect()
}
