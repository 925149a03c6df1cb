//! The life of an item: which records speak of it, what happened in which order, who asks what, who has to release it, and whether filings
//! were in time.
//!
//! Everything here is computed from records as they are held at one member, each as far as it is shown there. Nothing is stored and nothing
//! refused: what does not fit together is flagged. Hidden groups give less, never something else. Not here: how a node finds the records
//! (it looks up the names that [`Closure::missing`] asks for until none is left), and what is wrong inside one record.
//!
//! | file | what |
//! |---|---|
//! | `held` | what is handed in |
//! | `key`, `names` | identity of an item, names under which records are found |
//! | `paper` | views joined into records, versions |
//! | `links`, `closure` | which records belong to one item |
//! | `steps` | what may follow what, from whom |
//! | `referral`, `release`, `timely` | open questions, the decision, deadlines |
//! | `rules` | deadlines and controls as dated data |
//! | `report` | the summary for people and programs |

mod closure;
mod flag;
mod held;
mod immediate;
mod key;
mod links;
mod names;
mod paper;
mod referral;
mod release;
mod report;
mod rules;
mod steps;
mod timely;

#[cfg(test)]
mod tests;

pub use closure::{Closure, Entry, Nest, Through};
pub use flag::{Alarm, AlarmKind, Finding, Flag};
pub use held::{Held, Lodged, LodgedWith, Shown, Terms, for_purposes};
pub use key::{ItemId, ItemKey, Scheme};
pub(crate) use key::{NumberLife, lives_of, place_in};
pub use links::{Alias, LinkKind, Relation, RelationKind};
pub use names::{Level, Name, UnitKey, names_of};
pub(crate) use names::{item_of, others};
pub(crate) use paper::Row;
pub use paper::{Action, Paper, Standing};
pub use referral::{Answer, Outcome, Referral, ReferralKind, ReferralState};
pub use release::{Release, ReleaseState, Say};
pub use rules::{Control, Deadline, Mark, Rules, RulesError, Voyage};
pub use steps::{STEP_RULES, Step, StepRule};
pub use timely::{MarkTold, Timeliness, Verdict};

use crate::api::SignatureMark;
use crate::limits::MAX_LIFE_FLAGS;
use crate::time::Millis;

/// The life of one item, as far as it is known here.
#[derive(Debug, Clone)]
pub struct Life<'a> {
    /// The records.
    pub closure: Closure<'a>,
    /// What happened, by when it was lodged.
    pub steps: Vec<Step>,
    /// What customs asked or forbade.
    pub referrals: Vec<Referral>,
    /// Whether it is released.
    pub release: Release,
    /// How filings stand against their deadlines.
    pub timeliness: Vec<Timeliness>,
    /// What does not fit together.
    pub flags: Vec<Flag>,
    /// What somebody has to hear now.
    pub alarms: Vec<Alarm>,
}

impl<'a> Life<'a> {
    /// Lives the life of an item to now.
    pub fn of(mut closure: Closure<'a>, now: Millis, rules: &Rules) -> Self {
        let mut flags = closure.flags.clone();
        for entry in closure.entries.iter().filter(|entry| entry.paper.mark.is_some()) {
            let paper = &entry.paper;
            let text = match paper.mark {
                Some(SignatureMark::Unproven) => {
                    "is signed with a key that is revoked; nothing proves that it was before: it is not counted"
                }
                _ => {
                    "is signed with a key that others may have had; it binds, and its issuer may say that it is not theirs"
                }
            };
            flags.push(Flag::new(Finding::Signature, [paper.root], format!("{} {text}", paper.called())));
        }
        let mut steps = steps::steps(&closure);
        let referrals = referral::Referrals::of(&closure, now, &mut flags);
        for step in steps.iter_mut().filter(|step| referrals.void.contains(&step.root)) {
            step.counts = false;
        }
        steps::check(&closure, &steps, STEP_RULES, &mut flags);
        let release = Release::of(&closure, now, rules, &referrals.void, &mut flags);
        let timeliness = timely::timeliness(&closure, now, rules, &mut flags);
        flag::settle(&mut flags);
        if flags.len() > MAX_LIFE_FLAGS {
            closure.cut.push(format!("{} flags, of which {MAX_LIFE_FLAGS} are told", flags.len()));
            flags.truncate(MAX_LIFE_FLAGS);
        }
        let mut alarms = referrals.alarms;
        alarms.sort_by(|a, b| (a.since, &a.id).cmp(&(b.since, &b.id)));
        Self { steps, referrals: referrals.all, release, timeliness, flags, alarms, closure }
    }
}
