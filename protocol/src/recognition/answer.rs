//! Question and answer.

use std::fmt;

use super::{Refusal, Scheme};
use crate::credential::claims::{Coverage, Levy};
use crate::credential::{CredentialType, Status};
use crate::document::Benefit;
use crate::hash::Digest;
use crate::keys::KeyId;
use crate::names::{MemberId, MemberKind, Purpose, Slug, Territory};
use crate::time::Millis;

/// Who is asked about, by whom, what for, and as of when.
#[derive(Debug, Clone, Copy)]
pub struct Question<'q> {
    /// The scheme of the number.
    pub scheme: Scheme,
    /// The trader's number.
    pub number: &'q str,
    /// What for.
    pub purpose: Purpose,
    /// Who is to recognise the trader.
    pub asking: &'q MemberId,
    /// Tariff codes of the goods, digits only; empty where they are not told.
    pub hs: &'q [&'q str],
    /// Data given besides what is owed, by name of their group.
    pub given: &'q [&'q str],
    /// As of when: what was known then, and held then.
    pub at: Millis,
}

/// Benefits, as a set.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Benefits(u8);

impl Benefits {
    /// Those of a list.
    pub fn of(list: &[Benefit]) -> Self {
        Self(list.iter().fold(0, |bits, benefit| bits | bit(*benefit)))
    }

    /// Whether one is among them.
    pub fn has(self, benefit: Benefit) -> bool {
        self.0 & bit(benefit) != 0
    }

    /// These and those.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Each of them, in order.
    pub fn iter(self) -> impl Iterator<Item = Benefit> {
        Benefit::ALL.iter().copied().filter(move |benefit| self.has(*benefit))
    }
}

impl fmt::Display for Benefits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, benefit) in self.iter().enumerate() {
            write!(f, "{}{benefit}", if at == 0 { "" } else { ", " })?;
        }
        if self.is_empty() { f.write_str("none") } else { Ok(()) }
    }
}

impl fmt::Debug for Benefits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

const fn bit(benefit: Benefit) -> u8 {
    match benefit {
        Benefit::FewerControls => 1,
        Benefit::Priority => 2,
        Benefit::SimplifiedData => 4,
        Benefit::DeferredPayment => 8,
        Benefit::ReducedGuarantee => 16,
        Benefit::Resumption => 32,
    }
}

/// What a row of an agreement gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given<'r> {
    /// The agreement.
    pub agreement: &'r Slug,
    /// Its version.
    pub version: u64,
    /// The digest of that version.
    pub digest: Digest,
    /// The row, from 1.
    pub row: usize,
    /// What it gives.
    pub benefits: Benefits,
}

/// By what a trader is recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grounds<'r> {
    /// Rows of agreements in force, at least one.
    Agreements(Vec<Given<'r>>),
    /// The programme is that of the asking member's own customs territory: what follows stands in its own law.
    Own,
    /// A mandate to collect in the asking member's territory.
    Mandate {
        /// For goods into which territory.
        territory: Territory,
        /// What is collected.
        levy: Levy,
    },
}

/// What the recognition rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence<'r> {
    /// Who issued the attestation.
    pub issuer: &'r MemberId,
    /// What the charter says that it is.
    pub kind: MemberKind,
    /// Its territory, by the charter.
    pub territory: Territory,
    /// The round of the charter that gives the right, and since when it was known.
    pub charter: (u64, Millis),
    /// Whether the charter lists it by name; else its kind gives the right.
    pub listed: bool,
    /// The key of its card that signed.
    pub key: KeyId,
    /// What names the credential.
    pub credential: Digest,
    /// Its type.
    pub attestation: CredentialType,
    /// The programme of an `aeo`.
    pub programme: Option<&'r str>,
    /// What an `aeo` covers.
    pub coverage: Option<Coverage>,
    /// When it was issued and until when it lives, in seconds since 1970.
    pub life: (u64, u64),
    /// Its status.
    pub status: Status,
    /// The list that it stands in.
    pub list: &'r str,
    /// The key of its issuer's card that signed the list.
    pub list_key: KeyId,
    /// When that list was issued, in seconds since 1970.
    pub list_issued_at: u64,
    /// How old it was at the moment asked about, in seconds.
    pub status_age: u64,
}

/// A trader that is recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recognised<'r> {
    /// By what.
    pub grounds: Grounds<'r>,
    /// What that rests on.
    pub evidence: Evidence<'r>,
}

impl Recognised<'_> {
    /// All benefits that agreements give together.
    pub fn benefits(&self) -> Benefits {
        match &self.grounds {
            Grounds::Agreements(rows) => rows.iter().fold(Benefits::default(), |all, row| all.and(row.benefits)),
            Grounds::Own | Grounds::Mandate { .. } => Benefits::default(),
        }
    }
}

/// Recognised or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict<'r> {
    /// It is.
    Recognised(Recognised<'r>),
    /// It is not; the reason furthest on.
    Refused(Refusal),
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer<'r> {
    /// Recognised or not.
    pub verdict: Verdict<'r>,
    /// Every reason why an attestation or a row gave nothing, at most [`crate::limits::MAX_REASONS`].
    pub refusals: Vec<Refusal>,
    /// How many more there were.
    pub more: usize,
}

impl Answer<'_> {
    /// Whether the trader is recognised.
    pub fn is_recognised(&self) -> bool {
        matches!(self.verdict, Verdict::Recognised(_))
    }

    /// What agreements give; nothing where the trader is not recognised.
    pub fn benefits(&self) -> Benefits {
        match &self.verdict {
            Verdict::Recognised(of) => of.benefits(),
            Verdict::Refused(_) => Benefits::default(),
        }
    }

    /// The reason, where the trader is not recognised.
    pub fn refusal(&self) -> Option<&Refusal> {
        match &self.verdict {
            Verdict::Recognised(_) => None,
            Verdict::Refused(refusal) => Some(refusal),
        }
    }

    /// The answer and its reasons, one sentence each.
    pub fn sentences(&self) -> Vec<String> {
        let mut lines = Vec::new();
        match &self.verdict {
            Verdict::Refused(refusal) => lines.push(format!("not recognised: {refusal}")),
            Verdict::Recognised(Recognised { grounds, evidence }) => {
                match grounds {
                    Grounds::Own => {
                        lines.push("recognised: the programme is that of the customs territory of who asks".to_owned())
                    }
                    Grounds::Mandate { territory, levy } => {
                        lines.push(format!("recognised: may collect {levy} for {territory}"));
                    }
                    Grounds::Agreements(rows) => lines.extend(rows.iter().map(|row| {
                        let Given { agreement, version, row, benefits, .. } = row;
                        format!("recognised under {agreement} version {version}, recognition {row}: {benefits}")
                    })),
                }
                lines.extend(evidence.sentences());
            }
        }
        let first = self.refusal();
        let others = self.refusals.iter().filter(|refusal| Some(*refusal) != first);
        lines.extend(others.map(|refusal| format!("not by this: {refusal}")));
        if self.more > 0 {
            lines.push(format!("and {} more reasons", self.more));
        }
        lines
    }
}

impl Evidence<'_> {
    fn sentences(&self) -> [String; 3] {
        let Self { issuer, kind, territory, charter: (round, since), attestation, credential, life, list, .. } = self;
        let right = if self.listed { "lists it by name" } else { "gives it the right by kind" };
        let programme = self.programme.map(|name| format!(" of {name}")).unwrap_or_default();
        let status = match self.status {
            Status::Valid => "valid".to_owned(),
            other => format!("number {}", other.number()),
        };
        let (from, to) = (Millis(life.0.saturating_mul(1000)), Millis(life.1.saturating_mul(1000)));
        [
            format!(
                "issuer: {issuer}, {kind} of {territory}; the charter of round {round}, known since {since}, {right} to issue '{attestation}'"
            ),
            format!("credential{programme}: {}, key {}, from {from} to {to}", credential.hex(), self.key),
            format!("status: {status}, by {list}, {} s old", self.status_age),
        ]
    }
}
