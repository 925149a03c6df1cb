//! What is told beside the data: flags, where records do not fit together, and alarms, which somebody has to hear now.
//!
//! Nothing is refused here. Both have ids that stay the same as long as the reason does, so that a console can tell new from known.

use crate::hash::Digest;
use crate::names::{MemberId, Territory, words};
use crate::time::Millis;

words!(
    /// What was found.
    Finding, "finding", {
        /// A step came before one that has to come first.
        OutOfOrder = "out_of_order";
        /// The same by when it was lodged, but its issuer says that it was made in time.
        ToldLate = "told_late";
        /// A step, and nothing that has to come first is held here.
        NothingBefore = "nothing_before";
        /// A step after one that ends what it belongs to.
        AfterTheEnd = "after_the_end";
        /// A step from a kind of member whose step it is not.
        NotTheirs = "not_theirs";
        /// Something said of a record that was cancelled before.
        AfterCancellation = "after_cancellation";
        /// Two versions of one revision that say different things.
        RevisionContradicts = "revision_contradicts";
        /// A correction or cancellation whose original is not held.
        OriginalMissing = "original_missing";
        /// A record that says it takes the place of another issuer's, or of another record.
        SupersedesAnother = "supersedes_another";
        /// A key that signed it is revoked since.
        Signature = "signature";
        /// A number used again within twelve months, with another posting day.
        UsedAgainEarly = "used_again_early";
        /// Links that lead back to where they began.
        LinkCycle = "link_cycle";
        /// Links that cannot both be true.
        LinkContradicts = "link_contradicts";
        /// A link of an item to itself.
        LinkToItself = "link_to_itself";
        /// A unit of transport within one that is not larger.
        Nesting = "nesting";
        /// An answer that quotes a referral not held here.
        QuotesUnknown = "quotes_unknown";
        /// An answer from somebody who was not asked.
        AnswerByOther = "answer_by_other";
        /// An answer after the referral was closed.
        AnswerAfterClosed = "answer_after_closed";
        /// An answer after the deadline.
        AnswerLate = "answer_late";
        /// An answer that is none to this kind of referral.
        AnswerUnfit = "answer_unfit";
        /// Called insufficient, and there was no answer.
        NothingAnswered = "nothing_answered";
        /// The deadline passed without an answer.
        Overdue = "overdue";
        /// Assessment complete while a referral is open: it is not counted.
        AssessmentWhileOpen = "assessment_while_open";
        /// Released again without anything held in between.
        ReleasedAgain = "released_again";
        /// Times of departure or arrival of several parties that differ.
        TimesDiffer = "times_differ";
        /// A notice of an outage that came after the outage.
        NoticeAfterwards = "notice_afterwards";
    }
);

words!(
    /// What somebody has to hear now.
    AlarmKind, "alarm", {
        /// The carrier answers that what should not be loaded has already departed.
        AlreadyDeparted = "already_departed";
        /// A do-not-load that came after the departure.
        LateDoNotLoad = "late_do_not_load";
        /// It was loaded or departed in spite of a do-not-load.
        LoadedInSpite = "loaded_in_spite";
        /// The deadline of a do-not-load passed without an answer.
        DoNotLoadUnanswered = "do_not_load_unanswered";
    }
);

/// Something that does not fit together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flag {
    /// What it is, and of which records: the same as long as they are.
    pub id: String,
    /// What was found.
    pub finding: Finding,
    /// The records concerned, the earlier first.
    pub records: Vec<Digest>,
    /// The field concerned, as `/route/destination`, where it is one.
    pub pointer: Option<String>,
    /// A plain sentence.
    pub text: String,
}

/// Something that somebody has to hear now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// What it is, and of which referral: the same through all its revisions.
    pub id: String,
    /// What it is.
    pub kind: AlarmKind,
    /// Since when there is reason for it.
    pub since: Millis,
    /// The customs administrations that have to hear it, as far as records name them.
    pub customs: Vec<MemberId>,
    /// The customs territories of departure and destination, as far as records name them.
    pub territories: Vec<Territory>,
    /// The records concerned, the referral first.
    pub records: Vec<Digest>,
    /// A plain sentence.
    pub text: String,
}

impl Flag {
    /// A flag on these records.
    pub(super) fn new(finding: Finding, records: impl IntoIterator<Item = Digest>, text: String) -> Self {
        let records: Vec<Digest> = records.into_iter().collect();
        let named: Vec<String> = records.iter().map(|root| root.hex()[..16].to_owned()).collect();
        Self { id: format!("{finding}/{}", named.join("/")), finding, records, pointer: None, text }
    }

    /// The same on what a word names and no record does.
    pub(super) fn on(finding: Finding, name: &str, records: impl IntoIterator<Item = Digest>, text: String) -> Self {
        Self { id: format!("{finding}/{name}"), ..Self::new(finding, records, text) }
    }

    /// With the field that it is about.
    pub(super) fn at(self, pointer: &str) -> Self {
        Self { pointer: Some(pointer.to_owned()), ..self }
    }
}

/// One of each, ordered.
pub(super) fn settle(flags: &mut Vec<Flag>) {
    flags.sort_by(|a, b| (a.finding, &a.id).cmp(&(b.finding, &b.id)));
    flags.dedup_by(|a, b| a.id == b.id);
}
