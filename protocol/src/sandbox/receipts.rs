//! A practice partner's node that answers some dispatches with wrong receipts, late, or not at all: which ones, for how long, and what
//! its counterpart does.
//!
//! ```text
//! receipts = Receipts::parse(text)?                          // the node's receipts.toml
//! receipts.arrived(&channel, number, held, references, now)  // a dispatch was checked: is it one of them?
//! receipts.answer(&proof, now)                               // what goes out in place of a true receipt
//! receipts.lines(after)                                      // what happened
//! ```
//!
//! Pure. Not here: what makes a receipt wrong (`damage`), and who may do this at all (the node, which refuses it anywhere but in a
//! practice network).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::damage::{Damage, damaged};
use crate::cbor::Decode as _;
use crate::exchange::{Channel, Lane, Opening};
use crate::limits::{MAX_PRACTICE_RECEIPTS, MAX_PRACTICE_SECONDS, MAX_RULES_BYTES};
use crate::names::NodeRef;
use crate::time::Millis;
use crate::tlog::TlogProof;

/// Wrong answers to one dispatch that are told, each in a line: the first ones. That one was counted, and that the true receipt
/// was given, are lines beside them.
const MAX_WRONG_LINES: u64 = 31;

/// A kind of wrong receipt, and for which dispatches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptRule {
    /// Its name in reports.
    pub name: String,
    /// Dispatches with a record whose own reference contains this.
    pub reference: String,
    /// What is wrong.
    pub wrong: Damage,
    /// Seconds from the first answer on for which it is wrong, or after which it comes; then it is true.
    pub seconds: u64,
}

/// As it stands in the node's file.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default, rename = "receipt")]
    rules: Vec<ReceiptRule>,
    #[serde(default, rename = "withholding", skip_serializing_if = "Vec::is_empty")]
    withheld: Vec<Numbers>,
    #[serde(default, rename = "denial", skip_serializing_if = "Vec::is_empty")]
    denied: Vec<Numbers>,
}

/// Numbers of a channel whose receipts the node never gives, or of which it says that it has nothing, whatever its log has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Numbers {
    /// Who sent them.
    sender: NodeRef,
    /// In which lane.
    lane: Lane,
    /// Which.
    numbers: Vec<u64>,
}

/// Why a file of wrong receipts was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptRulesError {
    /// It is not TOML of this form, or too large.
    #[error("the wrong receipts cannot be read: {0}")]
    Form(String),
    /// A rule is wrong.
    #[error("wrong receipt '{rule}': {what}")]
    Rule {
        /// Its name.
        rule: String,
        /// What is wrong.
        what: String,
    },
}

/// Something that happened with a receipt at the node that plays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptLine {
    /// When, in milliseconds since 1970.
    pub at: u64,
    /// By which rule.
    pub rule: String,
    /// What is wrong by it.
    pub wrong: Damage,
    /// Who sent the dispatch.
    pub sender: NodeRef,
    /// In which lane.
    pub lane: Lane,
    /// Its number.
    pub number: u64,
    /// The own reference by which it was chosen.
    pub reference: String,
    /// What.
    pub event: ReceiptEvent,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptEvent {
    /// A wrong receipt was given, or none.
    Wrong,
    /// The true one was given.
    True,
    /// A later dispatch says that its sender holds a receipt which was not given yet: a wrong one was counted.
    Counted,
}

/// What goes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Given {
    /// This, now.
    Now(Vec<u8>),
    /// This, after so many milliseconds.
    After(u64, Vec<u8>),
    /// Nothing: the request is not answered, and its sender takes that for a broken connection.
    Nothing,
    /// An error in place of the receipt, so that its sender goes on with other numbers.
    Refused,
}

/// A dispatch: its channel, and its number there.
type About = (Channel, u64);

/// The receipts that a node plays with.
#[derive(Debug, Default)]
pub struct Receipts {
    rules: Vec<ReceiptRule>,
    withheld: Vec<Numbers>,
    denied: Vec<Numbers>,
    chosen: BTreeMap<About, Chosen>,
    /// The last receipt that was given truly, by channel.
    last: BTreeMap<Channel, Vec<u8>>,
    lines: Vec<ReceiptLine>,
}

#[derive(Debug)]
struct Chosen {
    rule: usize,
    reference: String,
    /// When it was answered first.
    first: Option<Millis>,
    wrong: u64,
    given: bool,
    counted: bool,
}

impl ReceiptRule {
    /// Checks what is no matter of form.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.reference.is_empty() {
            return Err("reference is empty; it names what an own reference contains".into());
        }
        match self.seconds {
            1..=MAX_PRACTICE_SECONDS => Ok(()),
            other => Err(format!("seconds is {other}; it is between 1 and {MAX_PRACTICE_SECONDS}")),
        }
    }
}

impl Receipts {
    /// Reads a node's file.
    ///
    /// # Errors
    /// [`ReceiptRulesError`] that names the rule.
    pub fn parse(text: &str) -> Result<Self, ReceiptRulesError> {
        if text.len() > MAX_RULES_BYTES {
            return Err(ReceiptRulesError::Form(format!("{} bytes, more than {MAX_RULES_BYTES}", text.len())));
        }
        let file: File = toml::from_str(text).map_err(|error| ReceiptRulesError::Form(error.to_string()))?;
        if file.rules.len() > MAX_PRACTICE_RECEIPTS {
            return Err(ReceiptRulesError::Form(format!("more than {MAX_PRACTICE_RECEIPTS} rules")));
        }
        for rule in &file.rules {
            rule.check()
                .map_err(|what| ReceiptRulesError::Rule { rule: rule.name.chars().take(80).collect(), what })?;
        }
        let named = file.withheld.iter().chain(&file.denied).map(|of| of.numbers.len() + 1).sum::<usize>();
        if named > MAX_PRACTICE_RECEIPTS {
            let why = format!("more than {MAX_PRACTICE_RECEIPTS} withheld and denied numbers");
            return Err(ReceiptRulesError::Form(why));
        }
        Ok(Self { rules: file.rules, withheld: file.withheld, denied: file.denied, ..Self::default() })
    }

    /// The node's file with these rules.
    ///
    /// # Errors
    /// [`ReceiptRulesError::Form`] when they cannot be written.
    pub fn text(rules: Vec<ReceiptRule>) -> Result<String, ReceiptRulesError> {
        toml::to_string(&File { rules, ..File::default() }).map_err(|error| ReceiptRulesError::Form(error.to_string()))
    }

    /// Rules by which it plays.
    pub fn rules(&self) -> &[ReceiptRule] {
        &self.rules
    }

    /// Numbers of a channel that are denied.
    pub fn denied(&self, channel: &Channel) -> &[u64] {
        of(&self.denied, channel)
    }

    /// A dispatch was checked and will be answered. `held`: up to which number its sender says that it holds receipts; `references`: the
    /// own references of its records.
    pub fn arrived<'r>(
        &mut self,
        channel: &Channel,
        number: u64,
        held: u64,
        references: impl IntoIterator<Item = &'r str>,
        now: Millis,
    ) {
        for (about, chosen) in &mut self.chosen {
            let (of, given) = about;
            if of == channel && *given <= held && *given != number && !chosen.given && !chosen.counted {
                chosen.counted = true;
                let rule = self.rules.get(chosen.rule);
                self.lines.extend(rule.map(|rule| chosen.line(rule, about, ReceiptEvent::Counted, now)));
            }
        }
        let (full, about) = (self.chosen.len() >= MAX_PRACTICE_RECEIPTS, (channel.clone(), number));
        if full || self.chosen.contains_key(&about) {
            return;
        }
        let chosen = references.into_iter().find_map(|reference| {
            let rule = self.rules.iter().position(|rule| reference.contains(&rule.reference))?;
            Some((rule, reference.to_owned()))
        });
        if let Some((rule, reference)) = chosen {
            let chosen = Chosen { rule, reference, first: None, wrong: 0, given: false, counted: false };
            self.chosen.insert(about, chosen);
        }
    }

    /// What goes out in place of a true receipt; the same one where it is to be played with no more, or never was.
    pub fn answer(&mut self, receipt: &[u8], now: Millis) -> Given {
        let truly = || Given::Now(receipt.to_vec());
        let Some(about) = about(receipt) else { return truly() };
        if of(&self.withheld, &about.0).contains(&about.1) {
            return Given::Refused;
        }
        let chosen = self.chosen.get_mut(&about);
        let Some((rule, chosen)) = chosen.and_then(|chosen| Some((self.rules.get(chosen.rule)?, chosen))) else {
            self.last.insert(about.0, receipt.to_vec());
            return truly();
        };
        let millis = rule.seconds.saturating_mul(1_000);
        let first = chosen.first.is_none();
        let since = now.0.saturating_sub(chosen.first.get_or_insert(now).0);
        let plays = if rule.wrong == Damage::Late { first } else { since < millis };
        if !plays {
            let again = std::mem::replace(&mut chosen.given, true);
            if !again {
                self.lines.push(chosen.line(rule, &about, ReceiptEvent::True, now));
            }
            self.last.insert(about.0, receipt.to_vec());
            return truly();
        }
        chosen.wrong += 1;
        if chosen.wrong <= MAX_WRONG_LINES {
            self.lines.push(chosen.line(rule, &about, ReceiptEvent::Wrong, now));
        }
        if rule.wrong == Damage::Late {
            chosen.given = true;
            self.lines.push(chosen.line(rule, &about, ReceiptEvent::True, now.plus(millis)));
            return Given::After(millis, receipt.to_vec());
        }
        match damaged(rule.wrong, receipt, self.last.get(&about.0).map(Vec::as_slice)) {
            Some(wrong) => Given::Now(wrong),
            None => Given::Nothing,
        }
    }

    /// What happened, from a place on.
    pub fn lines(&self, from: usize) -> &[ReceiptLine] {
        self.lines.get(from..).unwrap_or_default()
    }
}

impl Chosen {
    /// Something that happened with it.
    fn line(&self, rule: &ReceiptRule, (channel, number): &About, event: ReceiptEvent, at: Millis) -> ReceiptLine {
        ReceiptLine {
            at: at.0,
            rule: rule.name.clone(),
            wrong: rule.wrong,
            sender: channel.sender.clone(),
            lane: channel.lane,
            number: *number,
            reference: self.reference.clone(),
            event,
        }
    }
}

/// The numbers of a channel.
fn of<'n>(named: &'n [Numbers], channel: &Channel) -> &'n [u64] {
    let of = |numbers: &&Numbers| numbers.sender == channel.sender && numbers.lane == channel.lane;
    named.iter().find(of).map_or(&[], |numbers| &numbers.numbers)
}

/// Which number of which channel a receipt is about.
fn about(receipt: &[u8]) -> Option<About> {
    let opening = Opening::from_cbor(TlogProof::parse(receipt).ok()?.extra.as_deref()?).ok()?;
    let skeleton = opening.read_skeleton().ok()?;
    Some((skeleton.channel, skeleton.number))
}
