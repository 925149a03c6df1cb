//! Referrals: customs asks for information (RFI), for a screening (RFS), or forbids to load (DNL), and who was asked answers.
//!
//! States are those of ICS2: open until answered, perhaps called insufficient, closed by customs or by the assessment that follows. An
//! assessment that is complete while a referral of the same customs is open cannot be, so it is not counted.

use std::collections::{BTreeMap, BTreeSet};

use super::closure::{Closure, Through};
use super::flag::{Alarm, AlarmKind, Finding, Flag};
use super::names::{CARRIERS, CUSTOMS, handlers};
use super::paper::{Action, Paper, Standing};
use super::rules::Mark;
use super::timely::{MarkTold, marks};
use crate::hash::Digest;
use crate::names::{MemberId, MemberKind, Territory, words};
use crate::time::Millis;

words!(
    /// What a referral wants.
    ReferralKind, "kind of referral", {
        /// Request for information.
        Rfi = "rfi";
        /// Request for screening of high-risk cargo and mail.
        Rfs = "rfs";
        /// Do not load.
        Dnl = "dnl";
    }
);

words!(
    /// How a referral stands.
    ReferralState, "state of a referral", {
        /// Nobody who was asked has answered.
        Open = "open";
        /// Answered, and customs has not said more.
        Answered = "answered";
        /// Customs says that the answer does not do.
        Insufficient = "insufficient";
        /// Settled, or taken back.
        Closed = "closed";
    }
);

impl ReferralState {
    /// Whether somebody still has to answer.
    pub fn waits(self) -> bool {
        matches!(self, Self::Open | Self::Insufficient)
    }
}

words!(
    /// What was done about a referral.
    Outcome, "outcome", {
        /// The information is there.
        InformationGiven = "information_given";
        /// There is none.
        NoInformation = "no_information";
        /// The declaration was amended.
        Amended = "amended";
        /// Screened, and nothing found.
        ScreenedClear = "screened_clear";
        /// Screened, and not clear.
        ScreenedSuspicious = "screened_suspicious";
        /// Not screened.
        NotScreened = "not_screened";
        /// It was not loaded.
        NotLoaded = "not_loaded";
        /// It was taken out again.
        Removed = "removed";
        /// It had departed before.
        AlreadyDeparted = "already_departed";
    }
);

/// An answer to a referral.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The record.
    pub root: Digest,
    /// Who answers.
    pub by: MemberId,
    /// What was done; none where that is hidden.
    pub outcome: Option<Outcome>,
    /// When it was lodged.
    pub at: Millis,
    /// Whether it counts: it is from one who was asked, fits the kind and came before the referral was closed.
    pub counted: bool,
}

/// A referral with all that followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Referral {
    /// The record as it stands.
    pub root: Digest,
    /// The customs that issued it.
    pub by: MemberId,
    /// The reference that answers quote; none where that is hidden.
    pub reference: Option<String>,
    /// What it wants; none where that is hidden.
    pub kind: Option<ReferralKind>,
    /// How it stands.
    pub state: ReferralState,
    /// Whether its issuer took it back.
    pub withdrawn: bool,
    /// When it was lodged first.
    pub opened: Millis,
    /// By when an answer is wanted.
    pub deadline: Option<Millis>,
    /// Whether that has passed while no answer counts.
    pub overdue: bool,
    /// Who was asked, as far as that is shown.
    pub addressees: Vec<MemberId>,
    /// Who holds a unit that the item is in, and so has to hear of it.
    pub reaches: Vec<MemberId>,
    /// Answers as they came.
    pub answers: Vec<Answer>,
}

/// What is found of all referrals.
#[derive(Debug, Clone, Default)]
pub(super) struct Referrals {
    pub(super) all: Vec<Referral>,
    pub(super) alarms: Vec<Alarm>,
    /// Assessments that are not counted.
    pub(super) void: BTreeSet<Digest>,
}

/// Something that happens to a referral.
enum Turn<'p, 'a> {
    Said(&'p Paper<'a>),
    Answered(&'p Paper<'a>),
    Assessed(&'p Paper<'a>),
}

/// The fields of a kind of member that may be asked.
const ASKED: &[&str] =
    &["origin_operator", "transit_operator", "destination_operator", "carrier", "onward_carrier", "filer", "platform"];

impl Referrals {
    /// Lives every referral to where it stands now.
    pub(super) fn of(closure: &Closure<'_>, now: Millis, flags: &mut Vec<Flag>) -> Self {
        let mut found = Self::default();
        let mut cases: BTreeMap<(&MemberId, String), Vec<&Paper<'_>>> = BTreeMap::new();
        for paper in closure.papers("referral").filter(|paper| paper.binds()) {
            let reference = paper.text("referral", "reference").or_else(|| paper.reference.clone());
            cases.entry((paper.issuer, reference.unwrap_or_else(|| paper.root.hex()))).or_default().push(paper);
        }
        let mut known = BTreeSet::new();
        for ((_, reference), papers) in cases {
            found.live(&reference, &papers, closure, now, flags);
            known.insert(reference);
        }
        for answer in closure.counting("referral_answer") {
            let Some(reference) = answer.text("answer", "reference").filter(|reference| !known.contains(reference))
            else {
                continue;
            };
            let text = format!("{} quotes referral {reference}, which is not held here", answer.called());
            flags.push(Flag::new(Finding::QuotesUnknown, [answer.root], text).at("/answer/reference"));
        }
        found
    }

    /// One referral.
    fn live(
        &mut self,
        reference: &str,
        papers: &[&Paper<'_>],
        closure: &Closure<'_>,
        now: Millis,
        flags: &mut Vec<Flag>,
    ) {
        let versions = in_force(papers);
        let Some((first, last)) = versions.first().copied().zip(versions.last().copied()) else { return };
        let holders = closure.holders();
        let addressees = handlers(last, ASKED);
        let kind: Option<ReferralKind> = last.word("referral", "kind");
        let mut case = Referral {
            root: last.root,
            by: last.issuer.clone(),
            reference: last.text("referral", "reference"),
            kind,
            state: ReferralState::Open,
            withdrawn: last.action == Action::Cancellation,
            opened: first.at(),
            deadline: last.time("referral", "deadline"),
            overdue: false,
            addressees: addressees.iter().cloned().collect(),
            reaches: holders.iter().cloned().collect(),
            answers: Vec::new(),
        };
        let asked = |paper: &Paper<'_>| match kind {
            // What carries it answers a do-not-load.
            Some(ReferralKind::Dnl) => {
                paper.kind == MemberKind::Carrier && (addressees.is_empty() || addressees.contains(paper.issuer))
                    || handlers(last, CARRIERS).contains(paper.issuer)
                    || holders.contains(paper.issuer)
            }
            _ if addressees.is_empty() => paper.kind != MemberKind::Customs,
            _ => addressees.contains(paper.issuer) || holders.contains(paper.issuer),
        };
        for turn in turns(reference, &versions, closure) {
            match turn {
                Turn::Said(paper) => case.said(paper, flags),
                Turn::Answered(paper) => case.answered(paper, asked(paper), flags),
                Turn::Assessed(paper) => {
                    if case.assessed(paper, flags) {
                        self.void.insert(paper.root);
                    }
                }
            }
        }
        case.overdue = case.state.waits() && case.deadline.is_some_and(|deadline| deadline < now);
        if case.overdue {
            let text = format!("{} was to be answered by {}", last.called(), case.deadline.unwrap_or_default());
            flags.push(Flag::on(Finding::Overdue, &case.name(), [case.root], text));
        }
        if kind == Some(ReferralKind::Dnl) && !case.withdrawn {
            self.alarms.extend(alarms(&case, last, closure));
        }
        self.all.push(case);
    }
}

/// Versions in the order of their revisions, without those that came after a later one.
fn in_force<'p, 'a>(papers: &[&'p Paper<'a>]) -> Vec<&'p Paper<'a>> {
    let stands = |paper: &&&Paper<'_>| !matches!(paper.standing, Standing::Contradicted | Standing::Repeated);
    let mut versions: Vec<&Paper<'_>> = papers.iter().filter(stands).copied().collect();
    versions.sort_by_key(|paper| (paper.revision, paper.order()));
    let all = versions.clone();
    versions.retain(|paper| !all.iter().any(|other| other.revision > paper.revision && other.at() < paper.at()));
    versions
}

/// Everything that happens to a referral, in order: what customs says, answers that quote it, assessments of the same customs.
fn turns<'p, 'a>(reference: &str, versions: &[&'p Paper<'a>], closure: &'p Closure<'a>) -> Vec<Turn<'p, 'a>> {
    let by = versions.first().map(|paper| paper.issuer);
    let quotes = |paper: &&Paper<'_>| paper.text("answer", "reference").as_deref() == Some(reference);
    let complete = |paper: &&Paper<'_>| {
        Some(paper.issuer) == by && paper.text("response", "status").as_deref() == Some("assessment_complete")
    };
    let mut turns: Vec<(Millis, u8, Digest, Turn<'p, 'a>)> = Vec::new();
    turns.extend(versions.iter().map(|paper| (paper.at(), 0, paper.root, Turn::Said(paper))));
    let answers = closure.counting("referral_answer").filter(quotes);
    turns.extend(answers.map(|paper| (paper.at(), 1, paper.root, Turn::Answered(paper))));
    // An amendment names the referral that it answers.
    let amends = |paper: &&Paper<'_>| {
        let stands = !matches!(paper.standing, Standing::Contradicted | Standing::Repeated);
        stands && paper.binds() && paper.text("filing", "referral").as_deref() == Some(reference)
    };
    let amendments = closure.papers("declaration").filter(amends);
    turns.extend(amendments.map(|paper| (paper.at(), 1, paper.root, Turn::Answered(paper))));
    let assessments = closure.counting("customs_response").filter(complete);
    turns.extend(assessments.map(|paper| (paper.at(), 2, paper.root, Turn::Assessed(paper))));
    turns.sort_by_key(|(at, order, root, _)| (*at, *order, *root));
    // An answer that came before the question answers it; the rules of steps tell that it was out of order.
    let opened = turns.iter().position(|(.., turn)| matches!(turn, Turn::Said(_)));
    let mut turns: Vec<Turn<'p, 'a>> = turns.into_iter().map(|(.., turn)| turn).collect();
    if let Some(opened) = opened {
        turns[..=opened].rotate_right(1);
    }
    turns
}

impl Referral {
    /// What ids are made with: the same for all revisions.
    fn name(&self) -> String {
        format!("{}/{}", self.by, self.reference.clone().unwrap_or_else(|| self.root.hex()[..16].to_owned()))
    }

    fn said(&mut self, paper: &Paper<'_>, flags: &mut Vec<Flag>) {
        let state = match paper.action {
            Action::Cancellation => ReferralState::Closed,
            _ => paper.word("referral", "state").unwrap_or(self.state),
        };
        if state == ReferralState::Insufficient && !self.answers.iter().any(|answer| answer.counted) {
            let text = format!("{} is called insufficient, and no answer to it is held here", paper.called());
            flags.push(Flag::new(Finding::NothingAnswered, [paper.root], text).at("/referral/state"));
        }
        self.state = state;
    }

    fn answered(&mut self, paper: &Paper<'_>, asked: bool, flags: &mut Vec<Flag>) {
        let outcome = match paper.is("declaration") {
            true => Some(Outcome::Amended),
            false => paper.word("answer", "outcome"),
        };
        let fits = |outcome: Outcome| match self.kind {
            Some(ReferralKind::Rfi) => {
                matches!(outcome, Outcome::InformationGiven | Outcome::NoInformation | Outcome::Amended)
            }
            Some(ReferralKind::Rfs) => {
                matches!(outcome, Outcome::ScreenedClear | Outcome::ScreenedSuspicious | Outcome::NotScreened)
            }
            Some(ReferralKind::Dnl) => {
                matches!(outcome, Outcome::NotLoaded | Outcome::Removed | Outcome::AlreadyDeparted)
            }
            None => true,
        };
        let unfit = !outcome.is_none_or(fits);
        let closed = self.state == ReferralState::Closed;
        let late = self.deadline.is_some_and(|deadline| deadline < paper.at());
        let both = [self.root, paper.root];
        let mut tell = |finding, what: &str| {
            flags.push(Flag::new(finding, both, format!("{} {what}", paper.called())));
        };
        match () {
            () if !asked => tell(Finding::AnswerByOther, "is from a member who was not asked"),
            () if unfit => tell(Finding::AnswerUnfit, "is no answer to this kind of referral"),
            () if closed => tell(Finding::AnswerAfterClosed, "came after the referral was closed"),
            () if late => tell(Finding::AnswerLate, "came after the deadline"),
            () => {}
        }
        let counted = asked && !unfit && !closed;
        if counted {
            self.state = ReferralState::Answered;
        }
        self.answers.push(Answer { root: paper.root, by: paper.issuer.clone(), outcome, at: paper.at(), counted });
    }

    /// Whether the assessment cannot be.
    fn assessed(&mut self, paper: &Paper<'_>, flags: &mut Vec<Flag>) -> bool {
        match self.state {
            ReferralState::Closed => false,
            ReferralState::Answered => {
                self.state = ReferralState::Closed;
                false
            }
            ReferralState::Open | ReferralState::Insufficient => {
                let text = format!(
                    "{} says that the assessment is complete, while referral {} is {} as far as is held here; it is not counted",
                    paper.called(),
                    self.reference.as_deref().unwrap_or("without reference"),
                    self.state
                );
                flags.push(
                    Flag::new(Finding::AssessmentWhileOpen, [self.root, paper.root], text).at("/response/status"),
                );
                true
            }
        }
    }
}

/// What has to be heard of a do-not-load.
fn alarms(case: &Referral, paper: &Paper<'_>, closure: &Closure<'_>) -> Vec<Alarm> {
    let mut found = Vec::new();
    let (customs, territories) = concerned(closure);
    let mut raise = |kind: AlarmKind, since: Millis, record: Option<Digest>, text: String| {
        found.push(Alarm {
            id: format!("{kind}/{}", case.name()),
            kind,
            since,
            customs: customs.clone(),
            territories: territories.clone(),
            records: std::iter::once(case.root).chain(record).collect(),
            text,
        });
    };
    let counted = || case.answers.iter().filter(|answer| answer.counted);
    if let Some(gone) = counted().find(|answer| answer.outcome == Some(Outcome::AlreadyDeparted)) {
        let text = format!("{} answers to {} that the item has already departed", gone.by, paper.called());
        raise(AlarmKind::AlreadyDeparted, gone.at, Some(gone.root), text);
    }
    let departed = marks(closure, Mark::Departure, Some(&case.by));
    if let Some(mark) = departed.iter().find(|mark| mark.at <= case.opened) {
        let text = format!(
            "{} came at {}, after the departure at {} that {} tells",
            paper.called(),
            case.opened,
            mark.at,
            mark.by
        );
        raise(AlarmKind::LateDoNotLoad, case.opened, Some(mark.root), text);
    }
    // What was taken out of a bag does not leave with it, so after such an answer only what is said of the item itself counts.
    let stopped = counted().any(|answer| matches!(answer.outcome, Some(Outcome::NotLoaded | Outcome::Removed)));
    let left = |mark: &&MarkTold| mark.at > case.opened && !mark.planned && (!stopped || mark.through == Through::Item);
    let loaded = marks(closure, Mark::Loading, Some(&case.by));
    if let Some(mark) = departed.iter().chain(&loaded).filter(left).min_by_key(|mark| (mark.at, mark.root)) {
        let text = format!("{} tells of {} at {}, in spite of {}", mark.by, mark.mark, mark.at, paper.called());
        raise(AlarmKind::LoadedInSpite, mark.at, Some(mark.root), text);
    }
    if case.overdue {
        let text = format!("{} is not answered by its deadline", paper.called());
        raise(AlarmKind::DoNotLoadUnanswered, case.deadline.unwrap_or(case.opened), None, text);
    }
    found
}

/// The customs administrations of both ends, as far as records tell: those that issued something on the item or are named in it, and the
/// territories.
pub(super) fn concerned(closure: &Closure<'_>) -> (Vec<MemberId>, Vec<Territory>) {
    let (mut customs, mut territories) = (BTreeSet::new(), BTreeSet::new());
    for entry in closure.entries.iter().filter(|entry| entry.through != Through::Notice && entry.paper.binds()) {
        let paper = &entry.paper;
        if paper.kind == MemberKind::Customs {
            customs.insert(paper.issuer.clone());
        }
        customs.extend(handlers(paper, CUSTOMS));
        territories.extend(["departure", "destination"].iter().filter_map(|f| paper.word::<Territory>("route", f)));
    }
    (customs.into_iter().collect(), territories.into_iter().collect())
}
