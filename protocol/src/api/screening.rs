//! Screening: proposals, orders of officers, indicators and how often they were right.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::document::Benefit;
use crate::hash::Digest;
use crate::names::MemberId;
use crate::threats::{
    Act, Advice, Figures, Found, Ground, IndicatorId, Order, Settled, Sighted, Signature, State, Threat, Tlp,
};
use crate::time::Millis;

/// Proposals on one page.
pub const MAX_PROPOSALS_TOLD: usize = 1_000;
/// Indicators on one page.
pub const MAX_INDICATORS_TOLD: usize = 1_000;
/// Answers of carriers and platforms told of one thing.
pub const MAX_ANSWERS_TOLD: usize = 16;

/// How screening stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScreeningStatus {
    /// Whether anything is screened.
    pub on: bool,
    /// Entries of the log that are not screened yet; none while what is stored is being read.
    pub behind: Option<u64>,
    /// Entries that new indicators are still held against.
    pub looking_back: u64,
    /// Indicators that are held, withdrawn ones among them.
    pub indicators: u64,
    /// Those that hold now.
    pub live: u64,
    /// Records screened since the node started.
    pub screened: u64,
    /// Proposals that nobody decided on.
    pub open: u64,
    /// Proposals in all.
    pub proposals: u64,
    /// Records for which there was no room.
    pub left_out: u64,
    /// Indicators that could not be taken since the node started.
    pub refused: u64,
    /// The last reason.
    pub refusal: Option<String>,
    /// Records that were ordered to be sent since the node started, and that nobody gets.
    pub unsent: u64,
    /// Officers.
    pub officers: Vec<String>,
    /// What two officers must confirm.
    pub two_officers_for: Vec<Advice>,
    /// From how many records on an order needs two.
    pub mass_from: usize,
    /// What became of the proposals of each rule.
    pub rules: BTreeMap<String, Figures>,
}

/// What a carrier or filer answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarrierAnswer {
    /// Who.
    pub by: MemberId,
    /// What: `not_loaded`, `removed`, `already_departed` …
    pub outcome: String,
}

/// What is proposed about one record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProposalLine {
    /// The record.
    pub root: Digest,
    /// What became of the proposal.
    pub state: State,
    /// What is proposed.
    pub propose: Advice,
    /// The rule that says so.
    pub rule: String,
    /// How likely there is something, in thousandths.
    pub score: u64,
    /// When the goods leave.
    pub departs: Option<Millis>,
    /// Since when it is proposed.
    pub at: Millis,
    /// Who filed the record; nothing here and in the next two where it is erased.
    pub issuer: Option<MemberId>,
    /// The filer's own reference.
    pub reference: Option<String>,
    /// The number of the item.
    pub item: Option<String>,
    /// Benefits that made the score less.
    pub eased_by: Vec<Benefit>,
    /// The indicators that hit, with the places that met them; their scores in parts of a million.
    pub grounds: Vec<Ground>,
    /// How many more hit.
    pub more: usize,
    /// How it was settled.
    pub settled: Option<Settled>,
    /// What an inspection found.
    pub found: Option<Found>,
    /// The reference of the referral that was sent.
    pub referral: Option<String>,
    /// What was answered to it.
    pub answers: Vec<CarrierAnswer>,
}

/// A page of proposals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProposalPage {
    /// As of when.
    pub as_of: Millis,
    /// How many there are in all, as asked for.
    pub total: u64,
    /// Some of them, the least time left first.
    pub proposals: Vec<ProposalLine>,
    /// Where to go on.
    pub next: Option<u64>,
}

/// How an answer of a platform stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerState {
    /// Not there, and not due yet.
    Open,
    /// Not there, though due.
    Late,
    /// It came.
    Answered,
}

/// What a platform did about an indicator, or that it did not answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionLine {
    /// Who.
    pub by: MemberId,
    /// Whether it answered.
    pub state: AnswerState,
    /// When it was told.
    pub told_at: Millis,
    /// By when an answer is due.
    pub due: Millis,
    /// `removed`, `restricted` or `kept`.
    pub outcome: Option<String>,
    /// On which day.
    pub on: Option<String>,
    /// How many listings.
    pub listings: Option<u64>,
    /// On which ground.
    pub ground: Option<String>,
    /// How an appeal stands.
    pub appeal: Option<String>,
}

/// How an indicator stands here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IndicatorState {
    /// It is screened by.
    Live,
    /// It begins later.
    Coming,
    /// Its time is over.
    Expired,
    /// Its issuer took it back.
    Withdrawn,
    /// Another took its place.
    Superseded,
    /// Conditions of it are not shown, so nothing is screened by it.
    Hidden,
    /// It was undone here.
    Undone,
    /// Coordinators grade it 0, so nothing is screened by it.
    Muted,
}

/// How a coordinator grades an indicator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GradeLine {
    /// Who.
    pub by: MemberId,
    /// By which indicator.
    pub id: IndicatorId,
    /// How sure it is, in hundredths; nothing where it only brings it together with others.
    pub grade: Option<u8>,
    /// Why, in words.
    pub text: Option<String>,
}

/// An indicator that is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndicatorLine {
    /// Who issued it.
    pub issuer: MemberId,
    /// Its identifier.
    pub id: IndicatorId,
    /// The issuer's own reference.
    pub reference: String,
    /// Its title.
    pub name: Option<String>,
    /// How it stands.
    pub state: IndicatorState,
    /// What it warns of.
    pub threat: Threat,
    /// What its issuer advises.
    pub advice: Advice,
    /// Who may see it.
    pub tlp: Tlp,
    /// How sure its issuer is, in hundredths.
    pub confidence: u8,
    /// From when on it holds.
    pub valid_from: Millis,
    /// Until when.
    pub valid_until: Millis,
    /// How coordinators grade it, the first [`MAX_ANSWERS_TOLD`].
    pub grades: Vec<GradeLine>,
    /// Which indicators of others it brings together; a coordinator's only.
    pub merges: Vec<IndicatorName>,
    /// What became of the proposals that name it.
    pub figures: Figures,
    /// Inspections of what it hit, here and as others told.
    pub inspected: u64,
    /// Those that found something.
    pub confirmed: u64,
    /// What others saw.
    pub sightings: BTreeMap<MemberId, Sighted>,
    /// What platforms that got it did; of own indicators only.
    pub actions: Vec<ActionLine>,
}

/// A page of indicators.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndicatorPage {
    /// How many there are in all, as asked for.
    pub total: u64,
    /// Some of them, by issuer and identifier.
    pub indicators: Vec<IndicatorLine>,
    /// Where to go on.
    pub next: Option<u64>,
}

/// An indicator, by who issued it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IndicatorName {
    /// Who issued it.
    pub issuer: MemberId,
    /// Its identifier.
    pub id: IndicatorId,
}

/// An order is to be drawn up: about records, or to undo an indicator or a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DrawRequest {
    /// What is ordered.
    pub act: Act,
    /// About these records.
    #[serde(default)]
    pub roots: Vec<Digest>,
    /// What is undone.
    pub indicator: Option<IndicatorName>,
    /// What is undone.
    pub rule: Option<String>,
    /// Why.
    pub why: String,
}

/// An order that was drawn up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrawnReport {
    /// The digest that officers sign.
    pub digest: Digest,
    /// The order itself.
    pub order: Order,
    /// How many officers it needs.
    pub needs: usize,
    /// Where something is undone: how many open proposals rest on more, and stay with less.
    pub lowered: u64,
    /// Such that were carried out and rest on it alone, with what was answered.
    pub carried_out: Vec<ProposalLine>,
    /// How many more were carried out.
    pub carried_out_more: u64,
}

/// An officer signs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignRequest {
    /// Who.
    pub officer: String,
    /// The signature of the order's digest, hexadecimal.
    pub signature: String,
}

/// How an order stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderLine {
    /// The digest that officers sign.
    pub digest: Digest,
    /// What is ordered.
    pub act: Act,
    /// What is undone.
    pub undone: Option<String>,
    /// About how many records.
    pub records: u64,
    /// Why.
    pub why: String,
    /// When it was drawn up.
    pub at: Millis,
    /// How many officers it needs.
    pub needs: usize,
    /// Who signed.
    pub signatures: Vec<Signature>,
    /// When it was carried out.
    pub done: Option<Millis>,
}

/// What came of a signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedReport {
    /// The order.
    pub order: OrderLine,
    /// Proposals that were settled by it; nothing before it was carried out.
    pub settled: u64,
    /// Proposals that stay with less.
    pub lowered: u64,
    /// Records that were sent: referrals, seizures, sightings.
    pub sent: u64,
    /// Records that nobody gets, and the first reason.
    pub unsent: u64,
    /// The first reason.
    pub unsent_why: Option<String>,
}

/// A dry run over records that were received.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DryRunRequest {
    /// Rules in TOML; without them those in use.
    pub rules: Option<String>,
    /// Days to look back.
    pub days: u64,
}

/// What a dry run told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DryRunReport {
    /// Since when.
    pub since: Millis,
    /// Records that were looked at.
    pub records: u64,
    /// Those that an indicator hits.
    pub hit: u64,
    /// Records by what would be proposed.
    pub proposals: BTreeMap<Advice, u64>,
    /// By the rule that says so.
    pub rules: BTreeMap<String, u64>,
    /// Inspected ones among those about which something would be proposed, and those in which something was found.
    pub inspected: u64,
    /// See above.
    pub found: u64,
}
