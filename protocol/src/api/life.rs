//! The life of one item, for officers and programs: `luxor item`.
//!
//! Times are RFC 3339, days `YYYY-MM-DD`, roots hexadecimal. A datum names the record, issuer and purpose that it came from; nothing is in
//! here that the views joined do not show.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{SignatureMark, UseLine};
use crate::life::{
    Action, AlarmKind, Finding, Mark, Outcome, ReferralKind, ReferralState, RelationKind, ReleaseState, Scheme,
    Standing, Through,
};
use crate::names::{MemberId, MemberKind, Purpose, Territory};
use crate::quality::Category;
use crate::reference::Listed;

/// What is known of one item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LifeReport {
    /// Whose numbers its number is one of.
    pub scheme: Scheme,
    /// Who gave the number, where the number does not say it.
    pub issuer: Option<String>,
    /// Its number.
    pub id: String,
    /// The day of posting.
    pub posted_on: Option<String>,
    /// The purposes whose views are joined here.
    pub purposes: Vec<Purpose>,
    /// Whether it is released, and who is waited for.
    pub release: ReleaseLine,
    /// The category of immediate release of each declaration that holds.
    #[serde(default)]
    pub immediate: Vec<ImmediateLine>,
    /// Numbers under which duty and tax are collected that received declarations name, and whether their use is confirmed.
    #[serde(default)]
    pub uses: Vec<UseLine>,
    /// What somebody has to hear now.
    pub alarms: Vec<AlarmLine>,
    /// What customs asked or forbade.
    pub referrals: Vec<ReferralLine>,
    /// Filings against their deadlines, the first deadline first.
    pub timeliness: Vec<TimelyLine>,
    /// What does not fit together.
    pub flags: Vec<FlagLine>,
    /// Its other numbers.
    pub other_names: Vec<AliasLine>,
    /// Items that share goods with it.
    pub related: Vec<RelationLine>,
    /// Posting days of other items that had or have its number.
    pub other_items: Vec<String>,
    /// Who spoke of it.
    pub parties: Vec<PartyLine>,
    /// Where it goes and how: every value that somebody gives, by field.
    pub route: BTreeMap<String, Vec<Datum>>,
    /// What it travels in, from the inside out.
    pub transport: Vec<NestLine>,
    /// Records that hold, by type, each as far as it is shown.
    pub records: BTreeMap<String, Vec<RecordLine>>,
    /// Versions that hold no longer, or never did.
    pub earlier: Vec<RecordLine>,
    /// What happened, by when it was lodged.
    pub steps: Vec<StepLine>,
    /// Limits that were reached: beyond them nothing was looked at.
    pub cut: Vec<String>,
}

/// A value with where it is from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Datum {
    /// The value as text.
    pub value: String,
    /// The record's root.
    pub root: String,
    /// Who issued it.
    pub issuer: MemberId,
    /// The purpose of the view that shows it; none for own records.
    pub purpose: Option<Purpose>,
}

/// Whose word something is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WordLine {
    /// The record's root.
    pub root: String,
    /// Who issued it.
    pub issuer: MemberId,
}

/// Another number of the item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AliasLine {
    /// Whose numbers.
    pub scheme: Scheme,
    /// Who gave it.
    pub issuer: Option<String>,
    /// The number.
    pub id: String,
    /// The day of posting under it.
    pub posted_on: Option<String>,
    /// Whose word it is.
    pub by: Vec<WordLine>,
}

/// An item that shares goods with this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelationLine {
    /// What it is to the item that leads to it.
    pub relation: RelationKind,
    /// The number.
    #[serde(flatten)]
    pub item: AliasLine,
    /// How many links lead to it.
    pub steps: usize,
}

/// Somebody who spoke of the item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartyLine {
    /// The member.
    pub member: MemberId,
    /// What kind of member it is.
    pub kind: MemberKind,
    /// Its customs territory.
    pub territory: Territory,
    /// How many of its records belong to the item.
    pub records: usize,
    /// For whom without a node it spoke.
    pub principals: Vec<Datum>,
}

/// A unit that the item travels in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NestLine {
    /// `receptacle`, `despatch` or `transport`.
    pub level: String,
    /// Its number.
    pub id: String,
    /// Who gave the number, where it does not say it.
    pub issuer: Option<String>,
    /// Who built or carries it.
    pub holders: Vec<MemberId>,
    /// Whose word it is.
    pub by: Vec<WordLine>,
}

/// A record as far as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordLine {
    /// Its root.
    pub root: String,
    /// Its type.
    pub r#type: String,
    /// Who issued it.
    pub issuer: MemberId,
    /// The issuer's reference, where it is shown.
    pub reference: Option<String>,
    /// Which revision it is.
    pub revision: u64,
    /// What it does to earlier ones.
    pub action: Action,
    /// How it stands among its versions.
    pub standing: Standing,
    /// Through what it belongs to the item.
    pub through: Through,
    /// When its issuer says that it was made or sent.
    pub claimed: Option<String>,
    /// When it was entered here.
    pub entered: String,
    /// When it is proven to have been lodged.
    pub proven: Option<String>,
    /// To whom an own record went, by member; none for received ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lodged_with: Vec<LodgedLine>,
    /// Set where a key that signed it is revoked since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<SignatureMark>,
    /// What is shown of it, view by view.
    pub views: Vec<ViewLine>,
}

/// A member to whom an own record went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LodgedLine {
    /// The member.
    pub member: MemberId,
    /// What kind of member it is.
    pub kind: MemberKind,
    /// When its log is proven to have had the record.
    pub proven: Option<String>,
}

/// A view of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewLine {
    /// The agreement under which it came; none for own records.
    pub agreement: Option<String>,
    /// What it may be used for; none for own records.
    pub purpose: Option<Purpose>,
    /// The native JSON form, with `withheld`.
    pub record: serde_json::Value,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepLine {
    /// Type and kind: `event/departed`.
    pub what: String,
    /// When it happened or was made, as its issuer says.
    pub claimed: Option<String>,
    /// When it is proven to have been lodged.
    pub proven: Option<String>,
    /// Whether it is counted.
    pub counts: bool,
    /// Whose word it is.
    #[serde(flatten)]
    pub by: WordLine,
}

/// A referral.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReferralLine {
    /// What it wants; none where that is hidden.
    pub kind: Option<ReferralKind>,
    /// The reference that answers quote.
    pub reference: Option<String>,
    /// How it stands.
    pub state: ReferralState,
    /// Whether its issuer took it back.
    pub withdrawn: bool,
    /// When it was lodged first.
    pub opened: String,
    /// By when an answer is wanted.
    pub deadline: Option<String>,
    /// Whether that has passed while no answer counts.
    pub overdue: bool,
    /// Who was asked.
    pub addressees: Vec<MemberId>,
    /// Who holds what the item is in.
    pub reaches: Vec<MemberId>,
    /// Answers as they came.
    pub answers: Vec<AnswerLine>,
    /// Whose word it is.
    #[serde(flatten)]
    pub by: WordLine,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerLine {
    /// What was done; none where that is hidden.
    pub outcome: Option<Outcome>,
    /// When it was lodged.
    pub at: String,
    /// Whether it counts.
    pub counted: bool,
    /// Whose word it is.
    #[serde(flatten)]
    pub by: WordLine,
}

/// The decision on release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseLine {
    /// The answer.
    pub state: ReleaseState,
    /// Everybody who has a say, customs first.
    pub says: Vec<SayLine>,
    /// Controls of which it cannot be told whether they apply.
    pub not_shown: Vec<String>,
}

/// The category of immediate release of a declaration (WCO Immediate Release Guidelines).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImmediateLine {
    /// The declaration's root.
    pub root: String,
    /// Who issued it.
    pub issuer: MemberId,
    /// The issuer's reference, where it is shown.
    pub reference: Option<String>,
    /// `one` to `four`, `excluded`, or `not_shown` where the views hide what decides.
    pub category: Category,
    /// Why, in words.
    pub reason: String,
    /// What this path requires, as group or group.field.
    pub required: Vec<String>,
    /// What of it is shown not to be there.
    pub missing: Vec<String>,
    /// What of it is hidden; of `not_shown`, the groups that decide.
    pub hidden: Vec<String>,
    /// The dated rule, with its edition and source; none where no rule decided.
    pub list: Option<Listed>,
}

/// Somebody who has a say in the release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SayLine {
    /// `customs`, or the control's code.
    pub control: String,
    /// Who speaks, or is to speak.
    pub member: Option<MemberId>,
    /// What was said last; `waiting` where nothing was.
    pub word: String,
    /// Whether it is waited for.
    pub waited_for: bool,
    /// Since when it is so.
    pub since: Option<String>,
    /// The record that says so.
    pub root: Option<String>,
    /// Why this control applies.
    pub why: String,
}

/// A filing against a deadline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelyLine {
    /// `in_time`, `late`, `fallback`, `unproven` or `no_departure`: by proven time, which counts.
    pub verdict: String,
    /// By how much, in milliseconds: early or late.
    pub by_millis: Option<u64>,
    /// The same by what the filer claims.
    pub claimed_verdict: Option<String>,
    /// And by how much.
    pub claimed_by_millis: Option<u64>,
    /// The kind of filing.
    pub filing: String,
    /// Who filed.
    pub filer: MemberId,
    /// The filing's root.
    pub root: String,
    /// The deadline's name.
    pub rule: String,
    /// The law behind it.
    pub source: String,
    /// The deadline.
    pub deadline: Option<String>,
    /// When the filer says that it was made or sent.
    pub claimed: Option<String>,
    /// When it is proven to have been lodged.
    pub proven: Option<String>,
    /// By whose log, where it is an own filing: that of the customs administration whose deadline it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lodged_with: Option<MemberId>,
    /// What it was counted from.
    pub mark: Option<MarkLine>,
    /// The notice of an outage that marks it.
    pub notice: Option<String>,
}

/// A loading, departure or arrival.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarkLine {
    /// Which.
    pub mark: Mark,
    /// When.
    pub at: String,
    /// Whether it may be a plan.
    pub planned: bool,
    /// Whose word it is.
    #[serde(flatten)]
    pub by: WordLine,
}

/// Something that does not fit together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlagLine {
    /// The same as long as the reason is.
    pub id: String,
    /// What was found.
    pub finding: Finding,
    /// The field concerned.
    pub pointer: Option<String>,
    /// The records concerned.
    pub records: Vec<String>,
    /// A plain sentence.
    pub text: String,
}

/// Something that somebody has to hear now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmLine {
    /// The same as long as the reason is.
    pub id: String,
    /// What it is.
    pub kind: AlarmKind,
    /// Since when.
    pub since: String,
    /// The customs administrations that have to hear it.
    pub customs: Vec<MemberId>,
    /// The customs territories of both ends.
    pub territories: Vec<Territory>,
    /// The records concerned, the referral first.
    pub records: Vec<String>,
    /// A plain sentence.
    pub text: String,
}
