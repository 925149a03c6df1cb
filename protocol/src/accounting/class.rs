//! Classes of differences, what a finding tells, and what people decide of it.

use std::fmt;

use crate::hash::{Digest, Domain};
use crate::life::ItemKey;
use crate::names::{MemberId, words};
use crate::recognition::Period;
use crate::revenue::{Exact, Money};
use crate::time::Millis;

words!(
    /// Classes of differences.
    Class, "class of difference", {
        /// Declared, and no arrival within the term.
        NeverArrived = "never_arrived";
        /// Arrived, and not declared.
        NeverDeclared = "never_declared";
        /// Packages or pieces are accounted otherwise than declared.
        QuantityDiffers = "quantity_differs";
        /// The gross mass is.
        MassDiffers = "mass_differs";
        /// The value is.
        ValueDiffers = "value_differs";
        /// Duty is, or tax lines contradict each other.
        DutyDiffers = "duty_differs";
        /// One customs administration released it twice.
        ReleasedTwice = "released_twice";
        /// Assessed, and not all of it collected within the term.
        NotCollected = "not_collected";
        /// More is collected than assessed.
        CollectedOver = "collected_over";
        /// Collected, and not all of it remitted within the term.
        CollectedNotRemitted = "collected_not_remitted";
        /// More is remitted than collected.
        RemittedNotCollected = "remitted_not_collected";
        /// Collected or remitted for an assessment that is not known.
        NotAssessed = "not_assessed";
        /// Goods went back, and nothing of the tax was given back within the term.
        ReturnedNotRefunded = "returned_not_refunded";
        /// Something was given back, and nothing shows that the goods went back.
        RefundedNotReturned = "refunded_not_returned";
        /// A tax line is claimed a second time.
        GivenBackTwice = "given_back_twice";
        /// A claim of more than there is, of an unknown line, without mandate or too late.
        ClaimInvalid = "claim_invalid";
        /// Different records of one item went to different recipients.
        ToldDifferently = "told_differently";
        /// The list of a summary does not have a record that belongs into it.
        SummaryLacksItem = "summary_lacks_item";
        /// It has one that is not known here.
        SummaryUnknownItem = "summary_unknown_item";
        /// Count or totals of a summary are not those of the records known here.
        SummaryDiffers = "summary_differs";
        /// A summary that is due, and no payment names it.
        SummaryUnpaid = "summary_unpaid";
        /// Less was paid than owed.
        SummaryShort = "summary_short";
        /// More was paid than owed.
        SummaryOver = "summary_over";
        /// It was paid twice over, or more often.
        SummaryPaidTwice = "summary_paid_twice";
        /// A payment that names no summary.
        PaymentUnknown = "payment_unknown";
    }
);

words!(
    /// How a difference stands.
    FindingState, "state of a difference", {
        /// Nobody said anything about it, or something changed since.
        Open = "open";
        /// Somebody explained it.
        Explained = "explained";
        /// Somebody wrote it off.
        WrittenOff = "written_off";
    }
);

/// What a difference is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// An item: the first of its numbers.
    Item(ItemKey),
    /// A month of an account.
    Account(String, Period),
    /// An entry of a bank account: the day on which it was booked, and its references.
    Entry(String),
}

/// What tells one difference from every other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Its class.
    pub class: Class,
    /// What it is about.
    pub subject: Subject,
    /// What tells several of one class and subject apart: the record of duty, the issuer. Empty where there is one.
    pub about: String,
}

/// What one side said or did.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Side {
    /// What it is: `declared`, `arrived`, `assessed`, `paid` …
    pub what: &'static str,
    /// The value: `1.5 kg`.
    pub says: String,
    /// Who says so; nobody of a bank entry.
    pub by: Option<MemberId>,
    /// The record's type.
    pub table: &'static str,
    /// Its issuer's reference.
    pub reference: Option<String>,
    /// The record.
    pub root: Option<Digest>,
    /// When it was lodged.
    pub at: Option<Millis>,
}

/// By how much both sides differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// How much; below zero where the second side has less.
    pub amount: Exact,
    /// Of what: `kg`, `pieces`, `packages`, or a currency.
    pub unit: String,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What tells it from others.
    pub key: Key,
    /// The month in which its item was first spoken of; of a summary its own.
    pub period: Period,
    /// Since when the facts are there.
    pub since: Millis,
    /// In one sentence.
    pub text: String,
    /// What was said by whom.
    pub sides: Vec<Side>,
    /// By how much.
    pub difference: Option<Difference>,
}

/// What somebody decides of a difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Given {
    /// It is explained.
    Explained,
    /// It is written off, this much of it.
    WrittenOff(Option<Money>),
}

/// A decision of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What was decided.
    pub given: Given,
    /// By whom.
    pub by: String,
    /// When.
    pub at: Millis,
    /// Why.
    pub why: String,
    /// The record that shows it.
    pub record: Option<Digest>,
    /// The facts it was decided on ([`Finding::facts`]): when they change, the difference is open again.
    pub facts: Digest,
}

/// A difference with how it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<'a> {
    /// The difference.
    pub finding: &'a Finding,
    /// How it stands.
    pub state: FindingState,
    /// Whether it was decided once, and the facts changed since.
    pub reopened: bool,
    /// The last decision.
    pub decision: Option<&'a Decision>,
}

impl Key {
    /// Its short name: 32 hexadecimal digits.
    pub fn id(&self) -> String {
        let subject = self.subject.to_string();
        let parts: [&[u8]; 4] =
            [b"difference", self.class.word().as_bytes(), subject.as_bytes(), self.about.as_bytes()];
        let framed: Vec<[u8; 8]> = parts.iter().map(|part| (part.len() as u64).to_be_bytes()).collect();
        let all: Vec<&[u8]> = framed.iter().zip(parts).flat_map(|(length, part)| [length.as_slice(), part]).collect();
        Digest::of(Domain::Index, &all).hex()[..32].to_owned()
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Item(key) => key.fmt(f),
            Subject::Account(account, period) => write!(f, "account {account}, {period}"),
            Subject::Entry(entry) => write!(f, "bank entry {entry}"),
        }
    }
}

impl Finding {
    /// The records that show it, in order, each once.
    pub fn evidence(&self) -> Vec<Digest> {
        let mut roots: Vec<Digest> = self.sides.iter().filter_map(|side| side.root).collect();
        roots.sort_unstable();
        roots.dedup();
        roots
    }

    /// A digest of what it rests on: another record, or another value, gives another one.
    pub fn facts(&self) -> Digest {
        let mut writer = crate::cbor::Writer::new();
        writer.text(&self.key.id());
        writer.array(self.sides.len());
        for side in &self.sides {
            writer.text(side.what);
            writer.text(&side.says);
            match side.root {
                Some(root) => writer.bytes(&root.0),
                None => writer.null(),
            }
        }
        if let Some(difference) = &self.difference {
            writer.text(&difference.amount.to_string());
            writer.text(&difference.unit);
        }
        Digest::of(Domain::Index, &[b"facts", writer.as_bytes()])
    }
}

impl Given {
    /// The state that it brings.
    pub fn state(&self) -> FindingState {
        match self {
            Given::Explained => FindingState::Explained,
            Given::WrittenOff(_) => FindingState::WrittenOff,
        }
    }
}
