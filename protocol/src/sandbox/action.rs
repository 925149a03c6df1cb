//! What a practice partner may do.

use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::fields::newest;
use crate::limits::{MAX_SANDBOX_ACTIONS, MAX_SANDBOX_SECONDS};
use crate::names::MemberKind;
use crate::record::Kind;

/// One thing that is done, some time after what it reacts to.
#[derive(Debug, Clone, PartialEq)]
pub struct Action {
    /// What.
    pub act: Act,
    /// How long after, in milliseconds.
    pub after: u64,
    /// Whether it is sent again at once, as a faulty system does.
    pub twice: bool,
    /// Groups and fields that are set in the record, over what it has by itself.
    pub set: Map<String, Json>,
}

/// What is done.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// A `customs_response` of this status.
    Respond(String),
    /// A `referral` of this kind, and what follows.
    Refer(String, Question),
    /// A `data_request` on this ground, and what follows.
    Ask(String, Question),
    /// An `agency_decision` of this state.
    Decide(String),
    /// A `notice` of this kind.
    Notify(String),
    /// The answer to a referral or data request, with this outcome.
    Answer(String),
    /// A record of this type, which `set` fills.
    Send(String),
    /// The partner's node goes down for so many milliseconds: dispatches wait.
    Stop(u64),
}

/// What is waited for after a referral or data request.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// By when an answer is wanted, in milliseconds from the question.
    pub within: u64,
    /// How many answers are called insufficient before one does.
    pub insufficient: u64,
    /// What is done once the answer does.
    pub then: Vec<Action>,
    /// What is done once the time is over without one.
    pub unanswered: Vec<Action>,
}

/// As it stands in the file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Draft {
    respond: Option<String>,
    refer: Option<String>,
    ask: Option<String>,
    decide: Option<String>,
    notify: Option<String>,
    answer: Option<String>,
    send: Option<String>,
    stop: Option<u64>,
    after: u64,
    twice: bool,
    within: Option<u64>,
    insufficient: u64,
    then: Vec<Draft>,
    unanswered: Vec<Draft>,
    set: toml::Table,
}

/// Seconds that a question leaves, where the rule does not say.
const WITHIN: u64 = 60;

impl Action {
    /// Reads actions; `left` counts down over the whole file, `kind` is the kind of partner that does them where the rule names one.
    pub(super) fn all(drafts: Vec<Draft>, kind: Option<MemberKind>, left: &mut usize) -> Result<Vec<Self>, String> {
        drafts.into_iter().map(|draft| Self::read(draft, kind, left)).collect()
    }

    fn read(draft: Draft, kind: Option<MemberKind>, left: &mut usize) -> Result<Self, String> {
        *left = left.checked_sub(1).ok_or(format!("more than {MAX_SANDBOX_ACTIONS} actions in the file"))?;
        let named = [
            draft.respond.is_some(),
            draft.refer.is_some(),
            draft.ask.is_some(),
            draft.decide.is_some(),
            draft.notify.is_some(),
            draft.answer.is_some(),
            draft.send.is_some(),
            draft.stop.is_some(),
        ];
        if named.iter().filter(|named| **named).count() != 1 {
            return Err("an action is exactly one of respond, refer, ask, decide, notify, answer, send and stop".into());
        }
        let asks = draft.refer.is_some() || draft.ask.is_some();
        let extra =
            draft.within.is_some() || draft.insufficient > 0 || !draft.then.is_empty() || !draft.unanswered.is_empty();
        if extra && !asks {
            return Err("within, insufficient, then and unanswered belong to refer and ask only".into());
        }
        let after = millis("after", draft.after)?;
        let question = Question {
            within: millis("within", draft.within.unwrap_or(WITHIN))?,
            insufficient: draft.insufficient,
            then: Self::all(draft.then, kind, left)?,
            unanswered: Self::all(draft.unanswered, kind, left)?,
        };
        let act = match draft {
            Draft { respond: Some(status), .. } => {
                Act::Respond(word("customs_response", "response", "status", status)?)
            }
            Draft { refer: Some(of), .. } => Act::Refer(word("referral", "referral", "kind", of)?, question),
            Draft { ask: Some(ground), .. } => Act::Ask(ground, question),
            Draft { decide: Some(state), .. } => Act::Decide(word("agency_decision", "decision", "state", state)?),
            Draft { notify: Some(of), .. } => Act::Notify(word("notice", "notice", "kind", of)?),
            Draft { answer: Some(outcome), .. } => Act::Answer(outcome),
            Draft { send: Some(type_name), .. } => {
                newest(&type_name).ok_or_else(|| format!("send: there is no record type '{type_name}'"))?;
                Act::Send(type_name)
            }
            Draft { stop, .. } => Act::Stop(millis("stop", stop.unwrap_or_default())?),
        };
        let theirs = match act {
            Act::Respond(_) | Act::Refer(..) => kind.is_none_or(|kind| kind == MemberKind::Customs),
            Act::Decide(_) => kind.is_none_or(|kind| matches!(kind, MemberKind::Agency | MemberKind::Customs)),
            _ => true,
        };
        if !theirs {
            return Err(format!("a partner of kind {} does no such thing", kind.map_or("any", MemberKind::word)));
        }
        Ok(Self { act, after, twice: draft.twice, set: table(&draft.set) })
    }
}

impl Act {
    /// What it is, in words.
    pub(super) fn words(&self) -> String {
        match self {
            Act::Respond(status) => format!("customs_response {status}"),
            Act::Refer(kind, _) => format!("referral {kind}"),
            Act::Ask(..) => "data_request".to_owned(),
            Act::Decide(state) => format!("agency_decision {state}"),
            Act::Notify(kind) => format!("notice {kind}"),
            Act::Answer(outcome) => format!("answer {outcome}"),
            Act::Send(type_name) => type_name.clone(),
            Act::Stop(millis) => format!("an outage of {millis} ms"),
        }
    }
}

/// Seconds of the file as milliseconds.
fn millis(name: &str, seconds: u64) -> Result<u64, String> {
    match seconds {
        0..=MAX_SANDBOX_SECONDS => Ok(seconds * 1_000),
        _ => Err(format!("{name} is {seconds} seconds; at most {MAX_SANDBOX_SECONDS}")),
    }
}

/// A word that a field may hold.
fn word(type_name: &str, group: &str, field: &str, found: String) -> Result<String, String> {
    let kind = newest(type_name)
        .and_then(|table| table.group(group))
        .and_then(|(_, group)| group.field(field))
        .map(|f| f.kind);
    match kind {
        Some(Kind::Words(words)) if !words.contains(&&*found) => {
            Err(format!("'{found}' is no {field} of a {type_name}; one of {}", words.join(", ")))
        }
        _ => Ok(found),
    }
}

fn table(table: &toml::Table) -> Map<String, Json> {
    table.iter().map(|(name, value)| (name.clone(), json(value))).collect()
}

/// What TOML says, as the JSON form of records says it: days and times are text, decimals stand in quotes in both.
fn json(value: &toml::Value) -> Json {
    match value {
        toml::Value::String(text) => text.clone().into(),
        toml::Value::Integer(number) => (*number).into(),
        // A record holds no floating-point numbers: this one is refused when the record is made.
        toml::Value::Float(number) => (*number).into(),
        toml::Value::Boolean(truth) => (*truth).into(),
        toml::Value::Datetime(time) => time.to_string().into(),
        toml::Value::Array(list) => list.iter().map(json).collect(),
        toml::Value::Table(inner) => Json::Object(table(inner)),
    }
}
