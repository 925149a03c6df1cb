//! Who does what when. The same arrivals at the same times give the same deeds.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use super::action::{Act, Action, Question};
use super::fields::{answer_fits, group_text, quoted};
use super::render::{Scene, render};
use super::rules::Rules;
use crate::names::{MemberId, MemberKind};
use crate::time::Millis;

/// Everybody in a rehearsal.
#[derive(Debug, Clone)]
pub struct Cast {
    /// The integrator.
    pub me: MemberId,
    /// Its kind.
    pub kind: MemberKind,
    /// The practice partners.
    pub partners: Vec<Player>,
}

/// A practice partner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Player {
    /// Who it plays.
    pub member: MemberId,
    /// Of which kind.
    pub kind: MemberKind,
}

/// Something that a partner does now.
#[derive(Debug, Clone, PartialEq)]
pub struct Deed {
    /// By which partner, by its place in the cast.
    pub partner: usize,
    /// By which rule.
    pub rule: String,
    /// What.
    pub done: Done,
}

/// What is done.
#[derive(Debug, Clone, PartialEq)]
pub enum Done {
    /// A record in the native JSON form is sent.
    Send {
        /// The record.
        record: Json,
        /// In the urgent lane.
        urgent: bool,
        /// And sent again at once.
        twice: bool,
    },
    /// The partner's node goes down for so many milliseconds.
    Stop(u64),
    /// The rule gave no record that can be sent.
    Wrong(String),
}

/// A rehearsal under way.
#[derive(Debug)]
pub struct Stage {
    rules: Rules,
    cast: Cast,
    run: u64,
    number: u64,
    /// How many records fitted each rule.
    fitted: Vec<u64>,
    /// What is to be done, by its time.
    plan: BTreeMap<(Millis, u64), Planned>,
    planned: u64,
    /// Questions that wait, by partner and reference.
    cases: BTreeMap<(usize, String), Case>,
}

#[derive(Debug)]
struct Planned {
    partner: usize,
    rule: String,
    what: Step,
    about: Option<Arc<Json>>,
}

#[derive(Debug)]
enum Step {
    Act(Action),
    /// A question, told again in another state.
    Restate(Json),
}

#[derive(Debug)]
struct Case {
    rule: String,
    question: Question,
    /// The question as it was sent last.
    record: Json,
    about: Option<Arc<Json>>,
    deadline: Millis,
    /// Whether the deadline was acted on.
    over: bool,
    /// Answers that are still to be called insufficient.
    insufficient: u64,
}

impl Stage {
    /// Begins a rehearsal: what partners do by themselves is done now.
    pub fn new(rules: Rules, cast: Cast, run: u64, now: Millis) -> Self {
        let fitted = vec![0; rules.rules.len()];
        let (plan, cases) = (BTreeMap::new(), BTreeMap::new());
        let mut stage = Self { rules, cast, run, number: 0, fitted, plan, planned: 0, cases };
        for (partner, player) in stage.cast.partners.clone().iter().enumerate() {
            for opening in stage.rules.openings.clone() {
                for _ in 0..if opening.by.plays(player, stage.cast.kind) { opening.times } else { 0 } {
                    stage.schedule(partner, &opening.name, &opening.actions, None, now);
                }
            }
        }
        stage
    }

    /// A record of the integrator's reached a partner. Returns the name of the rule that is played, if one fits.
    pub fn arrived(&mut self, partner: usize, record: &Json, now: Millis) -> Option<String> {
        self.answered(partner, record, now);
        let player = self.cast.partners.get(partner)?.clone();
        for (rule, fitted) in self.rules.rules.iter().zip(&mut self.fitted) {
            if !rule.fits(&player, self.cast.kind, record) {
                continue;
            }
            *fitted += 1;
            if !fitted.is_multiple_of(rule.every) {
                continue;
            }
            let (name, actions) = (rule.name.clone(), rule.actions.clone());
            self.schedule(partner, &name, &actions, Some(Arc::new(record.clone())), now);
            return Some(name);
        }
        None
    }

    /// What is to be done by now, in order.
    pub fn due(&mut self, now: Millis) -> Vec<Deed> {
        self.overdue(now);
        let mut deeds = Vec::new();
        while let Some(first) = self.plan.first_entry().filter(|first| first.key().0 <= now) {
            let planned = first.remove();
            deeds.push(self.perform(planned, now));
        }
        deeds
    }

    /// Whether something is still to be done, or a question waits for its answer or deadline.
    pub fn is_waiting(&self) -> bool {
        !self.plan.is_empty() || self.cases.values().any(|case| !case.over)
    }

    /// Whether anything is [`pending`](Self::pending), without the words.
    pub fn has_pending(&self) -> bool {
        !self.plan.is_empty() || self.followed().next().is_some()
    }

    /// What is still to be done, in order of time: by whom, by which rule, what in words, and when.
    pub fn pending(&self) -> Vec<(usize, String, String, Millis)> {
        let planned = self.plan.iter().map(|((at, _), planned)| {
            let deed = match &planned.what {
                Step::Act(action) => action.act.words(),
                Step::Restate(_) => "a question's next state".to_owned(),
            };
            (planned.partner, planned.rule.clone(), deed, *at)
        });
        let unanswered = self.followed().map(|((partner, reference), case)| {
            let deed = format!("what follows where {reference} is not answered");
            (*partner, case.rule.clone(), deed, case.deadline)
        });
        let mut pending: Vec<_> = planned.chain(unanswered).collect();
        pending.sort_by_key(|(.., due)| *due);
        pending
    }

    /// Questions that wait, and whose silence is followed by something.
    fn followed(&self) -> impl Iterator<Item = (&(usize, String), &Case)> {
        self.cases.iter().filter(|(_, case)| !case.over && !case.question.unanswered.is_empty())
    }

    fn schedule(&mut self, partner: usize, rule: &str, actions: &[Action], about: Option<Arc<Json>>, now: Millis) {
        for action in actions {
            let what = Step::Act(action.clone());
            let planned = Planned { partner, rule: rule.to_owned(), what, about: about.clone() };
            self.plan(now.plus(action.after), planned);
        }
    }

    fn plan(&mut self, at: Millis, planned: Planned) {
        self.planned += 1;
        self.plan.insert((at, self.planned), planned);
    }

    fn perform(&mut self, planned: Planned, now: Millis) -> Deed {
        let Planned { partner, rule, what, about } = planned;
        let done = match what {
            Step::Restate(record) => Done::Send { record, urgent: false, twice: false },
            Step::Act(Action { act: Act::Stop(millis), .. }) => Done::Stop(millis),
            Step::Act(action) => self.send(partner, &rule, &action, about, now),
        };
        Deed { partner, rule, done }
    }

    fn send(&mut self, partner: usize, rule: &str, action: &Action, about: Option<Arc<Json>>, now: Millis) -> Done {
        self.number += 1;
        let Some(player) = self.cast.partners.get(partner) else { return Done::Wrong("nobody plays this".into()) };
        let scene = Scene {
            me: &self.cast.me,
            partner: &player.member,
            kind: player.kind,
            about: about.as_deref(),
            number: self.number,
            run: self.run,
            now,
        };
        let record = match render(action, &scene) {
            Ok(Some(record)) => record,
            Ok(None) => return Done::Wrong("it sends nothing".into()),
            Err(what) => return Done::Wrong(what),
        };
        let urgent = matches!(&action.act, Act::Refer(kind, _) if kind == "dnl");
        if let Act::Refer(_, question) | Act::Ask(_, question) = &action.act {
            let case = Case {
                rule: rule.to_owned(),
                question: question.clone(),
                record: record.clone(),
                about,
                deadline: now.plus(question.within),
                over: false,
                insufficient: question.insufficient,
            };
            let reference = asked(&record).unwrap_or_default();
            self.cases.insert((partner, reference), case);
        }
        Done::Send { record, urgent, twice: action.twice }
    }

    /// An answer moves its question on.
    fn answered(&mut self, partner: usize, record: &Json, now: Millis) {
        let Some((reference, outcome)) = quoted(record) else { return };
        let key = (partner, reference);
        let Some(mut case) = self.cases.remove(&key) else { return };
        let kind = group_text(&case.record, "referral", "kind").unwrap_or_default();
        let fits = answer_fits(&kind, &outcome);
        // What is no answer to this kind of question does not do either, however often it comes.
        let again = case.insufficient > 0 || !fits;
        let state = if again { "insufficient" } else { "closed" };
        let until = now.plus(case.question.within);
        case.record = restated(&case.record, state, now, again.then_some(until));
        let (rule, about) = (case.rule.clone(), case.about.clone());
        let what = Step::Restate(case.record.clone());
        self.plan(now, Planned { partner, rule: rule.clone(), what, about: about.clone() });
        if again {
            case.insufficient = case.insufficient.saturating_sub(u64::from(fits));
            case.deadline = until;
            case.over = false;
            self.cases.insert(key, case);
        } else {
            self.schedule(partner, &rule, &case.question.then, about, now);
        }
    }

    /// Questions whose time is over without an answer. They stay: a late answer closes them.
    fn overdue(&mut self, now: Millis) {
        let over: Vec<_> = self
            .cases
            .iter()
            .filter(|(_, case)| !case.over && case.deadline < now)
            .map(|(key, _)| key.clone())
            .collect();
        for key in over {
            let Some(case) = self.cases.get_mut(&key) else { continue };
            case.over = true;
            let (rule, actions, about) = (case.rule.clone(), case.question.unanswered.clone(), case.about.clone());
            self.schedule(key.0, &rule, &actions, about, now);
        }
    }
}

/// The reference that an answer has to quote.
pub(super) fn asked(record: &Json) -> Option<String> {
    group_text(record, "referral", "reference").or_else(|| group_text(record, "request", "reference"))
}

/// A question in another state, as the next revision of it.
fn restated(record: &Json, state: &str, now: Millis, deadline: Option<Millis>) -> Json {
    let mut record = record.clone();
    let revision = super::fields::revision_of(&record) + 1;
    let mut set = |group: &str, fields: Json| {
        if let (Some(Json::Object(there)), Json::Object(fields)) = (record.get_mut(group), fields) {
            there.extend(fields);
        }
    };
    set("reference", json!({"revision": revision, "action": "correction", "made_at": now.to_string()}));
    let mut said = Map::new();
    said.insert("state".into(), state.into());
    said.extend(deadline.map(|deadline| ("deadline".to_owned(), deadline.to_string().into())));
    set("referral", Json::Object(said.clone()));
    set("request", Json::Object(said));
    record
}
