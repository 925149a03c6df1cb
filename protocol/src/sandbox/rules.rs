//! The file of rules: who reacts to what, and how. In TOML; the first rule whose partner, type and conditions fit is played, and no other.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::action::{Act, Action, Draft};
use super::condition::Condition;
use super::damage::Damage;
use super::fields::{newest, type_of};
use super::receipts::ReceiptRule;
use super::render::{Scene, render};
use super::stage::Player;
use crate::limits::{MAX_RULES_BYTES, MAX_SANDBOX_ACTIONS, MAX_SANDBOX_OPENINGS, MAX_SANDBOX_RULES};
use crate::names::{MemberId, MemberKind};
use crate::record::content_from_json;
use crate::time::Millis;

const BUILTIN: &str = include_str!("builtin.toml");
/// Seconds for which a receipt is wrong, where the rule does not say: long enough for several attempts.
const WRONG_SECONDS: u64 = 3;

/// Why a file of rules was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RulesError {
    /// It is too large.
    #[error("the rules have {0} bytes, more than {MAX_RULES_BYTES}")]
    Size(usize),
    /// It is not TOML of this form.
    #[error("the rules cannot be read: {0}")]
    Form(String),
    /// A rule is wrong.
    #[error("rule '{rule}': {what}\nhint: `luxor sandbox rules` prints the built-in file, which shows every reaction")]
    Rule {
        /// Its name.
        rule: String,
        /// What is wrong.
        what: String,
    },
}

/// Everything that practice partners play.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    /// Reactions, in the order in which they are tried.
    pub rules: Vec<Rule>,
    /// What partners do by themselves at the beginning.
    pub openings: Vec<Opening>,
    /// Wrong receipts that partners' nodes give.
    pub receipts: Vec<WrongReceipt>,
}

/// A wrong receipt, and who gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongReceipt {
    /// Whose node.
    pub by: Whose,
    /// For which dispatches, what is wrong, and for how long.
    pub rule: ReceiptRule,
}

/// A reaction.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Its name in reports.
    pub name: String,
    /// Who plays it.
    pub by: Whose,
    /// To which type of record; to any where there is none.
    pub type_name: Option<String>,
    /// What has to hold of the record, all of it.
    pub when: Vec<Condition>,
    /// Of those that fit, every so-manieth; others go on to the next rule.
    pub every: u64,
    /// Whether the rehearsal is not complete without it.
    pub required: bool,
    /// What is done, nothing for silence.
    pub actions: Vec<Action>,
}

/// What a partner does by itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Opening {
    /// Its name in reports.
    pub name: String,
    /// Who does it.
    pub by: Whose,
    /// How often.
    pub times: u64,
    /// What is done.
    pub actions: Vec<Action>,
}

/// Who plays a rule, and before whom.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Whose {
    /// The kind of partner, or one partner by name; any partner where there is neither.
    partner: Option<Partner>,
    /// Kinds of integrator; any where there is none.
    before: Vec<MemberKind>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Partner {
    Kind(MemberKind),
    Member(MemberId),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default, rename = "rule")]
    rules: Vec<RuleDraft>,
    #[serde(default, rename = "open")]
    openings: Vec<OpeningDraft>,
    #[serde(default, rename = "receipt")]
    receipts: Vec<ReceiptDraft>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReceiptDraft {
    name: String,
    partner: Option<String>,
    #[serde(default)]
    before: Vec<MemberKind>,
    reference: String,
    wrong: Damage,
    seconds: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleDraft {
    name: String,
    partner: Option<String>,
    #[serde(default)]
    before: Vec<MemberKind>,
    #[serde(rename = "type")]
    type_name: Option<String>,
    #[serde(default)]
    when: BTreeMap<String, toml::Value>,
    every: Option<u64>,
    #[serde(default)]
    required: bool,
    #[serde(rename = "do")]
    actions: Vec<Draft>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OpeningDraft {
    name: String,
    partner: Option<String>,
    #[serde(default)]
    before: Vec<MemberKind>,
    times: Option<u64>,
    #[serde(rename = "do")]
    actions: Vec<Draft>,
}

impl Rules {
    /// Reads a file of rules, and makes every record that they send once, so that nothing wrong in it waits for a rehearsal to show.
    ///
    /// # Errors
    /// [`RulesError`] that names the rule.
    pub fn parse(text: &str) -> Result<Self, RulesError> {
        if text.len() > MAX_RULES_BYTES {
            return Err(RulesError::Size(text.len()));
        }
        let file: File = toml::from_str(text).map_err(|error| RulesError::Form(error.to_string()))?;
        let wrong = |rule: &str, what: String| RulesError::Rule { rule: rule.chars().take(80).collect(), what };
        if file.rules.len() + file.openings.len() + file.receipts.len() > MAX_SANDBOX_RULES {
            let what = format!("more than {MAX_SANDBOX_RULES} rules in the file");
            return Err(wrong("", what));
        }
        let mut left = MAX_SANDBOX_ACTIONS;
        let mut names = BTreeSet::new();
        let mut rules = Vec::new();
        for draft in file.rules {
            let name = draft.name.clone();
            let rule = Rule::read(draft, &mut left).map_err(|what| wrong(&name, what))?;
            rules.push(rule);
            if !names.insert(name.clone()) {
                return Err(wrong(&name, "two rules have this name".into()));
            }
        }
        let mut openings = Vec::new();
        for draft in file.openings {
            let name = draft.name.clone();
            let opening = Opening::read(draft, &mut left).map_err(|what| wrong(&name, what))?;
            openings.push(opening);
            if !names.insert(name.clone()) {
                return Err(wrong(&name, "two rules have this name".into()));
            }
        }
        let mut receipts = Vec::new();
        for draft in file.receipts {
            let name = draft.name.clone();
            receipts.push(WrongReceipt::read(draft).map_err(|what| wrong(&name, what))?);
            if !names.insert(name.clone()) {
                return Err(wrong(&name, "two rules have this name".into()));
            }
        }
        Ok(Self { rules, openings, receipts })
    }

    /// Rules for every kind of partner, which show every reaction.
    ///
    /// # Errors
    /// None: a test reads them.
    pub fn builtin() -> Result<Self, RulesError> {
        Self::parse(BUILTIN)
    }

    /// Wrong receipts that this partner's node gives.
    pub fn receipts_of(&self, player: &Player, me: MemberKind) -> Vec<ReceiptRule> {
        let theirs = self.receipts.iter().filter(|receipt| receipt.by.plays(player, me));
        theirs.map(|receipt| receipt.rule.clone()).collect()
    }

    /// The text of the built-in file.
    pub fn builtin_text() -> &'static str {
        BUILTIN
    }
}

impl Rule {
    fn read(draft: RuleDraft, left: &mut usize) -> Result<Self, String> {
        let by = Whose::read(draft.partner, draft.before)?;
        let table = draft
            .type_name
            .as_deref()
            .map(|name| newest(name).ok_or_else(|| format!("there is no record type '{name}'")));
        let table = table.transpose()?;
        let conditions = draft.when.iter().map(|(path, test)| match table {
            Some(table) => Condition::parse(table, path, test),
            None => Err("a rule with conditions names its type".to_owned()),
        });
        let when = conditions.collect::<Result<_, _>>()?;
        let every = draft.every.unwrap_or(1);
        if every == 0 {
            return Err("every is 0; it counts from 1".into());
        }
        let actions = Action::all(draft.actions, by.kind(), left)?;
        let about = draft.type_name.as_deref().map(sample);
        try_all(&actions, &by, about.as_ref())?;
        Ok(Self { name: draft.name, by, type_name: draft.type_name, when, every, required: draft.required, actions })
    }

    /// Whether it is about a record that came to this partner.
    pub fn fits(&self, player: &Player, me: MemberKind, record: &Json) -> bool {
        let of_type = self.type_name.as_ref().is_none_or(|name| name == type_of(record));
        of_type && self.by.plays(player, me) && self.when.iter().all(|condition| condition.holds(record))
    }
}

impl Opening {
    fn read(draft: OpeningDraft, left: &mut usize) -> Result<Self, String> {
        let by = Whose::read(draft.partner, draft.before)?;
        let times = draft.times.unwrap_or(1);
        if !(1..=MAX_SANDBOX_OPENINGS).contains(&times) {
            return Err(format!("times is {times}; it is between 1 and {MAX_SANDBOX_OPENINGS}"));
        }
        let actions = Action::all(draft.actions, by.kind(), left)?;
        try_all(&actions, &by, None)?;
        Ok(Self { name: draft.name, by, times, actions })
    }
}

impl WrongReceipt {
    fn read(draft: ReceiptDraft) -> Result<Self, String> {
        let by = Whose::read(draft.partner, draft.before)?;
        let seconds = draft.seconds.unwrap_or(WRONG_SECONDS);
        let rule = ReceiptRule { name: draft.name, reference: draft.reference, wrong: draft.wrong, seconds };
        rule.check()?;
        Ok(Self { by, rule })
    }
}

impl Whose {
    fn read(partner: Option<String>, before: Vec<MemberKind>) -> Result<Self, String> {
        let partner = partner.map(|text| match text.parse() {
            Ok(kind) => Ok(Partner::Kind(kind)),
            Err(_) => text.parse().map(Partner::Member).map_err(|error: crate::names::NameError| error.to_string()),
        });
        Ok(Self { partner: partner.transpose()?, before })
    }

    fn kind(&self) -> Option<MemberKind> {
        match self.partner {
            Some(Partner::Kind(kind)) => Some(kind),
            _ => None,
        }
    }

    /// Whether this partner plays it before an integrator of this kind.
    pub fn plays(&self, player: &Player, me: MemberKind) -> bool {
        let theirs = match &self.partner {
            None => true,
            Some(Partner::Kind(kind)) => *kind == player.kind,
            Some(Partner::Member(member)) => *member == player.member,
        };
        theirs && (self.before.is_empty() || self.before.contains(&me))
    }
}

/// A record of a type with what rules quote of it.
fn sample(type_name: &str) -> Json {
    let head = if type_name == "declaration" { "filing" } else { "reference" };
    let mut record = json!({
        "type": type_name,
        head: {"own_reference": "SAMPLE-1"},
        "item": {"scheme": "s10", "id": "RB123456785GB"},
        "route": {"destination": "KR"},
    });
    if let Some(top) = record.as_object_mut() {
        match type_name {
            "referral" => _ = top.insert(type_name.into(), json!({"kind": "rfi", "reference": "R-1", "state": "open"})),
            "order" => _ = top.insert("order".into(), json!({"number": "O-1"})),
            "data_request" => _ = top.insert("request".into(), json!({"reference": "R-1", "ground": "law"})),
            _ => {}
        }
    }
    record
}

/// Makes every record once.
fn try_all(actions: &[Action], by: &Whose, about: Option<&Json>) -> Result<(), String> {
    let (me, partner) = (member("integrator")?, member("partner")?);
    for action in actions {
        let scene = Scene {
            me: &me,
            partner: &partner,
            kind: by.kind().unwrap_or(MemberKind::Customs),
            about,
            number: 1,
            run: 1,
            now: Millis(0),
        };
        if let Act::Refer(_, question) | Act::Ask(_, question) = &action.act {
            try_all(&question.then, by, about)?;
            try_all(&question.unanswered, by, about)?;
        }
        if let Some(record) = render(action, &scene)? {
            content_from_json(&record).map_err(|error| error.to_string())?;
        }
    }
    Ok(())
}

fn member(text: &str) -> Result<MemberId, String> {
    text.parse().map_err(|error: crate::names::NameError| error.to_string())
}
