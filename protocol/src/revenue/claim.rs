//! The record `return`: a claim that duty or tax is given back, by which procedure, for whom, with which proofs.

use serde_json::{Value as Json, json};

use super::duty::RecordRef;
use super::fields::{Part, RecordError, amount, day_json, head, head_json, item_json, object, too_many};
use super::money::Money;
use crate::life::ItemId;
use crate::limits::MAX_OCCURRENCES;
use crate::names::{MemberId, Territory, words};
use crate::record::{Content, RETURN, content_from_json};
use crate::time::Day;

words!(
    /// The six procedures.
    Procedure, "procedure of return", {
        /// Relief of returned goods at their import again, in the seller's country.
        Relief = "relief";
        /// Repayment or remission in the buyer's country.
        Repayment = "repayment";
        /// Of goods that were imported and leave again.
        Drawback = "drawback";
        /// The vendor's own correction in its next return; no customs money moves.
        VendorCorrection = "vendor_correction";
        /// Given up to the state.
        Abandonment = "abandonment";
        /// Destroyed under control.
        Destruction = "destruction";
    }
);

words!(
    /// How a claim stands.
    ClaimState, "state of a claim", {
        /// It is made.
        Claimed = "claimed";
        /// It is granted.
        Accepted = "accepted";
        /// The money is given back.
        Paid = "paid";
        /// It is refused.
        Refused = "refused";
        /// It is taken back.
        Withdrawn = "withdrawn";
    }
);

words!(
    /// In which capacity somebody claims.
    Capacity, "capacity", {
        /// Who declared.
        Declarant = "declarant";
        /// Who imported.
        Importer = "importer";
        /// Who exported.
        Exporter = "exporter";
        /// Who received.
        Consignee = "consignee";
        /// Who sold.
        Vendor = "vendor";
        /// On another's behalf, under a mandate.
        Intermediary = "intermediary";
        /// Who collected as a qualified party.
        QualifiedParty = "qualified_party";
    }
);

/// A line of a `duty` record.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LineRef {
    /// The record.
    pub duty: RecordRef,
    /// The line's number there.
    pub line: u32,
}

impl std::fmt::Display for LineRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {} of duty {}", self.line, self.duty)
    }
}

/// A tax line that is claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedLine {
    /// Which.
    pub line: LineRef,
    /// Its tax.
    pub tax: String,
    /// How much of it.
    pub amount: Money,
}

/// A proof that a claim needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// Of what: `export`, `exit`, `cancellation` …
    pub kind: String,
    /// Until when it has to be there.
    pub due: Option<Day>,
    /// When it was given.
    pub given_on: Option<Day>,
}

/// Under what an intermediary claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mandate {
    /// Its reference.
    pub reference: String,
    /// The first day.
    pub from: Option<Day>,
    /// The last one.
    pub until: Option<Day>,
}

/// What a `return` record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Which record.
    pub record: RecordRef,
    /// Which revision of it.
    pub revision: u64,
    /// Whether it takes back the record.
    pub cancelled: bool,
    /// By which procedure.
    pub procedure: Procedure,
    /// How it stands.
    pub state: ClaimState,
    /// Whose tax it is.
    pub territory: Territory,
    /// In which capacity it is claimed.
    pub capacity: Capacity,
    /// The mandate of an intermediary.
    pub mandate: Option<Mandate>,
    /// On which day it is claimed.
    pub claimed_on: Option<Day>,
    /// The last day on which it may be.
    pub until: Option<Day>,
    /// What is claimed.
    pub lines: Vec<ClaimedLine>,
    /// Proofs.
    pub proofs: Vec<Proof>,
}

impl Claim {
    /// What a `return` record of this issuer says.
    ///
    /// # Errors
    /// [`RecordError`] of another type, or where a group is withheld.
    pub fn of(content: &Content, issuer: &MemberId) -> Result<Self, RecordError> {
        let (reference, revision, cancelled) = head(content, &RETURN)?;
        let part = Part::of(content, "return")?;
        let about = part.one()?;
        let part = Part::of(content, "claimant")?;
        let claimant = part.one()?;
        let claimed = Part::of(content, "claimed")?;
        let lines = claimed.all().map(|fields| {
            let duty =
                RecordRef { issuer: fields.need_parsed("issuer", "a member")?, reference: fields.need("reference")? };
            // A line's number is at most 99.
            let line = LineRef { duty, line: fields.need_uint("line")? as u32 };
            Ok(ClaimedLine { line, tax: fields.need("tax")?, amount: fields.money("amount")? })
        });
        let lines = lines.collect::<Result<_, RecordError>>()?;
        let proofs = Part::of(content, "proofs")?;
        let proofs = proofs.all().map(|fields| {
            Ok(Proof { kind: fields.need("kind")?, due: fields.day("due"), given_on: fields.day("given_on") })
        });
        let (from, until) = (claimant.day("mandate_from"), claimant.day("mandate_until"));
        Ok(Self {
            record: RecordRef { issuer: issuer.clone(), reference },
            revision,
            cancelled,
            procedure: about.need_parsed("procedure", "a procedure")?,
            state: about.need_parsed("state", "a state of a claim")?,
            territory: about.need_parsed("territory", "a territory")?,
            capacity: claimant.need_parsed("capacity", "a capacity")?,
            mandate: claimant.text("mandate").map(|reference| Mandate { reference, from, until }),
            claimed_on: about.day("claimed_on"),
            until: about.day("until"),
            lines,
            proofs: proofs.collect::<Result<_, RecordError>>()?,
        })
    }

    /// The record of this issuer.
    ///
    /// # Errors
    /// [`RecordError`] of more lines or proofs than a record holds, of a proof that is none of those that the type lists, or an amount
    /// that no field holds.
    pub fn content(&self, item: &ItemId, posted_on: Option<Day>) -> Result<Content, RecordError> {
        for (group, count) in [("claimed", self.lines.len()), ("proofs", self.proofs.len())] {
            if count > MAX_OCCURRENCES {
                return Err(too_many(group, count));
            }
        }
        let claimed = self.lines.iter().map(|one| {
            Ok(json!({
                "issuer": one.line.duty.issuer, "reference": one.line.duty.reference, "line": one.line.line, "tax": one.tax,
                "amount": amount(one.amount.amount, 2)?, "currency": one.amount.currency,
            }))
        });
        let claimed: Vec<Json> = claimed.collect::<Result<_, RecordError>>()?;
        let proof = |proof: &Proof| {
            object(vec![
                ("kind", Some(proof.kind.clone().into())),
                ("due", day_json(proof.due)),
                ("given_on", day_json(proof.given_on)),
            ])
        };
        let proofs: Vec<Json> = self.proofs.iter().map(proof).collect();
        let mandate = self.mandate.as_ref();
        let record = object(vec![
            ("type", Some("return".into())),
            ("reference", Some(head_json(&self.record, self.revision, self.cancelled))),
            ("item", Some(item_json(item, posted_on))),
            (
                "return",
                Some(object(vec![
                    ("procedure", Some(self.procedure.word().into())),
                    ("state", Some(self.state.word().into())),
                    ("territory", Some(self.territory.as_str().into())),
                    ("claimed_on", day_json(self.claimed_on)),
                    ("until", day_json(self.until)),
                ])),
            ),
            (
                "claimant",
                Some(object(vec![
                    ("capacity", Some(self.capacity.word().into())),
                    ("mandate", mandate.map(|mandate| mandate.reference.clone().into())),
                    ("mandate_from", day_json(mandate.and_then(|mandate| mandate.from))),
                    ("mandate_until", day_json(mandate.and_then(|mandate| mandate.until))),
                ])),
            ),
            ("claimed", (!claimed.is_empty()).then_some(Json::Array(claimed))),
            ("proofs", (!proofs.is_empty()).then_some(Json::Array(proofs))),
        ]);
        Ok(content_from_json(&record)?)
    }

    /// Whether its lines are taken by it: not when it is refused or taken back.
    pub fn stands(&self) -> bool {
        !self.cancelled && !matches!(self.state, ClaimState::Refused | ClaimState::Withdrawn)
    }

    /// Proofs that are not there and were due before a day.
    pub fn overdue(&self, day: Day) -> impl Iterator<Item = &Proof> {
        self.proofs.iter().filter(move |proof| proof.given_on.is_none() && proof.due.is_some_and(|due| due < day))
    }
}
