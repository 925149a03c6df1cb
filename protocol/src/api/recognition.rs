//! Whether a trader is recognised, and which uses of numbers under which duty and tax are collected are not confirmed.

use serde::{Deserialize, Serialize};

use crate::document::Benefit;
use crate::names::{MemberId, Purpose, Slug};
use crate::recognition::{Answer, Deadline, Grounds, Recognised, Scheme, Verdict};
use crate::time::Millis;

/// Whether a trader is recognised by this node's member, and why; as of a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecognitionReport {
    /// The scheme of the number.
    pub scheme: Scheme,
    /// The number.
    pub number: String,
    /// What for.
    pub purpose: Purpose,
    /// As of when.
    pub at: String,
    /// Whether the trader is recognised.
    pub recognised: bool,
    /// By what: `agreements`, `own` or `mandate`; absent where it is not.
    pub ground: Option<String>,
    /// What agreements give together.
    pub benefits: Vec<Benefit>,
    /// Row by row.
    pub rows: Vec<RecognisingRow>,
    /// What it rests on.
    pub evidence: Option<RecognitionEvidence>,
    /// The answer with every reason, one sentence each.
    pub sentences: Vec<String>,
}

/// A row of an agreement that gives something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecognisingRow {
    /// The agreement.
    pub agreement: Slug,
    /// Its version.
    pub version: u64,
    /// The digest of that version.
    pub digest: String,
    /// The row, from 1.
    pub row: usize,
    /// What it gives.
    pub benefits: Vec<Benefit>,
}

/// What a recognition rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecognitionEvidence {
    /// Who issued the attestation.
    pub issuer: MemberId,
    /// The type.
    pub attestation: String,
    /// The programme of an `aeo`.
    pub programme: Option<String>,
    /// What names the credential.
    pub credential: String,
    /// The key that signed it.
    pub key: String,
    /// When it was issued and until when it lives.
    pub issued_at: String,
    /// Until when it lives.
    pub expires: String,
    /// The list that its status stands in.
    pub list: String,
    /// When that list was issued.
    pub list_issued_at: String,
    /// How old it was, in seconds.
    pub status_age: u64,
}

/// Uses of numbers that declarations told of and that their holders did not confirm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsesReport {
    /// Uses that are watched: declared, or confirmed before they are declared.
    pub watched: usize,
    /// Declared uses for which there was no room, so that nothing is said of them.
    #[serde(default)]
    pub not_watched: u64,
    /// Those that are not confirmed, the nearest departure first; at most [`MAX_USES_TOLD`].
    pub unconfirmed: Vec<UseLine>,
    /// How many more there are.
    pub more: usize,
    /// From when on declarations were looked through.
    pub since: Option<String>,
}

/// Unconfirmed uses that are told one by one.
pub const MAX_USES_TOLD: usize = 10_000;

/// One declared use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UseLine {
    /// The number.
    pub number: String,
    /// What the consignment is called.
    pub item: String,
    /// Root of the declaration.
    pub root: String,
    /// Who issued it.
    pub issuer: MemberId,
    /// Its `received` entry; absent of an own declaration.
    pub entry: Option<u64>,
    /// When it became known here.
    pub declared_at: String,
    /// When the consignment departs, where that is known.
    pub departs: Option<String>,
    /// How it stands.
    pub state: UseState,
    /// Whose credential names the number's holder, where one is known.
    pub mandated_by: Option<MemberId>,
}

/// How a declared use stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UseState {
    /// It is confirmed.
    Confirmed,
    /// To be confirmed before departure.
    Unconfirmed,
    /// It departed unconfirmed.
    Departed,
}

impl RecognitionReport {
    /// The report of an answer to a question about a number.
    pub fn of(scheme: Scheme, number: &str, purpose: Purpose, at: Millis, answer: &Answer<'_>) -> Self {
        let mut report = Self {
            scheme,
            number: number.to_owned(),
            purpose,
            at: at.to_string(),
            recognised: answer.is_recognised(),
            ground: None,
            benefits: answer.benefits().iter().collect(),
            rows: Vec::new(),
            evidence: None,
            sentences: answer.sentences(),
        };
        if let Verdict::Recognised(recognised) = &answer.verdict {
            report.take(recognised);
        }
        report
    }

    fn take(&mut self, recognised: &Recognised<'_>) {
        let Recognised { grounds, evidence } = recognised;
        let ground = match grounds {
            Grounds::Agreements(rows) => {
                self.rows.extend(rows.iter().map(|row| RecognisingRow {
                    agreement: row.agreement.clone(),
                    version: row.version,
                    digest: row.digest.hex(),
                    row: row.row,
                    benefits: row.benefits.iter().collect(),
                }));
                "agreements"
            }
            Grounds::Own => "own",
            Grounds::Mandate { .. } => "mandate",
        };
        self.ground = Some(ground.to_owned());
        let time = |seconds: u64| Millis(seconds.saturating_mul(1_000)).to_string();
        self.evidence = Some(RecognitionEvidence {
            issuer: evidence.issuer.clone(),
            attestation: evidence.attestation.word().to_owned(),
            programme: evidence.programme.map(str::to_owned),
            credential: evidence.credential.hex(),
            key: evidence.key.to_string(),
            issued_at: time(evidence.life.0),
            expires: time(evidence.life.1),
            list: evidence.list.to_owned(),
            list_issued_at: time(evidence.list_issued_at),
            status_age: evidence.status_age,
        });
    }
}

impl From<Deadline> for UseState {
    fn from(deadline: Deadline) -> Self {
        match deadline {
            Deadline::BeforeDeparture | Deadline::Before(_) => Self::Unconfirmed,
            Deadline::Missed(_) => Self::Departed,
        }
    }
}
