//! What people are told: proposals, indicators, orders, how far screening is.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use luxor_protocol::api::{
    ActionLine, AnswerState, CarrierAnswer, DrawnReport, DryRunReport, DryRunRequest, GradeLine, IndicatorLine,
    IndicatorName, IndicatorPage, IndicatorState, MAX_ANSWERS_TOLD, MAX_PROPOSALS_TOLD, OrderLine, ProposalLine,
    ProposalPage, ScreeningStatus,
};
use luxor_protocol::hash::Digest;
use luxor_protocol::names::{MemberId, MemberKind};
use luxor_protocol::record::{RecordView, Value};
use luxor_protocol::threats::{
    Advice, Desk, Figures, Found, Graded, Indicator, IndicatorId, MILLION, Merged, Proposal, Resting, ScreeningRules,
    ScreeningRulesError, Source, State, Waiting,
};
use luxor_protocol::time::Millis;

use super::letters::referral_of;
use super::orders::DeskOrderError;
use super::records::{Readings, benefits};
use crate::driver::trust::first_since;
use crate::driver::{Shared, now};
use crate::store::StoreError;

/// Entries looked at in one go.
const ENTRIES_AT_ONCE: usize = 64;

/// Which proposals are asked for.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// In this state; without it open ones.
    pub state: Option<State>,
    /// That propose this.
    pub advice: Option<Advice>,
    /// That name these.
    pub sources: Vec<Source>,
    /// Behind so many.
    pub from: u64,
    /// At most so many.
    pub limit: usize,
}

/// How screening stands.
pub fn status(shared: &Shared) -> ScreeningStatus {
    let (screening, at) = (&shared.screening, now());
    let told = screening.told().clone();
    let size = shared.sequencer.latest().size;
    let desk = screening.desk();
    let policy = desk.policy();
    ScreeningStatus {
        on: screening.settings.on,
        behind: told.followed.map(|followed| size.saturating_sub(followed)),
        looking_back: told.looking_back,
        indicators: desk.screener().all().count() as u64,
        live: desk.screener().live(at).count() as u64,
        screened: told.screened,
        open: desk.queue(at).count() as u64,
        proposals: desk.proposals().count() as u64,
        left_out: desk.left_out(),
        refused: told.refused,
        refusal: told.refusal,
        unsent: told.unsent,
        officers: screening.settings.officers.iter().map(|officer| officer.name.clone()).collect(),
        two_officers_for: policy.two_for.clone(),
        mass_from: policy.mass_from,
        rules: desk.of_rules().into_iter().map(|(rule, figures)| (rule.to_owned(), figures)).collect(),
    }
}

/// A page of proposals.
///
/// # Errors
/// [`StoreError`].
pub fn queue(shared: &Shared, wanted: &Wanted) -> Result<ProposalPage, StoreError> {
    let as_of = now();
    let (page, total) = {
        let desk = shared.screening.desk();
        let state = wanted.state.unwrap_or(State::Open);
        let fits = |proposal: &&Proposal| {
            proposal.state() == state
                && wanted.advice.is_none_or(|advice| proposal.propose == advice)
                && wanted.sources.iter().all(|source| proposal.names(source))
        };
        let mut all: Vec<&Proposal> = match state {
            State::Open => desk.queue(as_of).filter(fits).collect(),
            _ => desk.proposals().filter(fits).collect(),
        };
        if state != State::Open {
            // What was decided last first.
            all.sort_by_key(|one| (std::cmp::Reverse(one.settled.as_ref().map(|settled| settled.at)), one.root));
        }
        let skip = usize::try_from(wanted.from).unwrap_or(usize::MAX);
        let page: Vec<Proposal> = all.iter().skip(skip).take(wanted.limit).map(|one| (*one).clone()).collect();
        (page, all.len() as u64)
    };
    let next = wanted.from.saturating_add(page.len() as u64);
    Ok(ProposalPage { as_of, total, proposals: lines(shared, page)?, next: (next < total).then_some(next) })
}

/// What is proposed about a record.
///
/// # Errors
/// [`StoreError`].
pub fn proposal(shared: &Shared, root: &Digest) -> Result<Option<ProposalLine>, StoreError> {
    let found = shared.screening.desk().proposal(root).cloned();
    Ok(lines(shared, found.into_iter().collect())?.pop())
}

/// Proposals with what their records tell; those of one dispatch are read together.
fn lines(shared: &Shared, proposals: Vec<Proposal>) -> Result<Vec<ProposalLine>, StoreError> {
    let mut by_entry: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for (nth, proposal) in proposals.iter().enumerate() {
        by_entry.entry(proposal.entry).or_default().push(nth);
    }
    let mut lines: Vec<Option<ProposalLine>> = Vec::new();
    lines.resize_with(proposals.len(), || None);
    for (entry, nths) in by_entry {
        let last = nths.iter().map(|nth| proposals[*nth].place).max().unwrap_or(0);
        let views = shared.store.views(entry, last)?;
        for nth in nths {
            let proposal = &proposals[nth];
            let at = views.binary_search_by_key(&proposal.place, |(place, ..)| *place).ok();
            lines[nth] = Some(line(shared, proposal, at.map(|at| &views[at].2))?);
        }
    }
    Ok(lines.into_iter().flatten().collect())
}

fn line(shared: &Shared, proposal: &Proposal, view: Option<&RecordView>) -> Result<ProposalLine, StoreError> {
    let text = |group: &str, field: &str| text_of(view?, group, field);
    let reference = ["filing", "reference"].iter().find_map(|group| text(group, "own_reference"));
    Ok(ProposalLine {
        root: proposal.root,
        state: proposal.state(),
        propose: proposal.propose,
        rule: proposal.rule.clone(),
        score: proposal.score / (MILLION / 1_000),
        departs: proposal.departs,
        at: proposal.at,
        issuer: view.map(|view| view.header.issuer.clone()),
        reference,
        item: text("item", "id"),
        eased_by: proposal.eased_by.clone(),
        grounds: proposal.grounds.clone(),
        more: proposal.more,
        settled: proposal.settled.clone(),
        found: proposal.found,
        referral: referral_of(proposal),
        answers: answers(shared, proposal)?,
    })
}

/// What was answered to the referral about a record.
///
/// # Errors
/// [`StoreError`].
pub(super) fn answers(shared: &Shared, proposal: &Proposal) -> Result<Vec<CarrierAnswer>, StoreError> {
    let Some(reference) = referral_of(proposal) else { return Ok(Vec::new()) };
    let mut all = Vec::new();
    for (entry, place) in shared.store.find(&reference)?.received {
        let Some((_, view)) = shared.store.view(entry, place)? else { continue };
        let is_answer = view.header.table.name == "referral_answer"
            && text_of(&view, "answer", "reference").as_deref() == Some(&reference);
        if let Some(outcome) = text_of(&view, "answer", "outcome").filter(|_| is_answer)
            && all.len() < MAX_ANSWERS_TOLD
        {
            all.push(CarrierAnswer { by: view.header.issuer.clone(), outcome });
        }
    }
    Ok(all)
}

/// A page of indicators: of one issuer, or of all.
///
/// # Errors
/// [`StoreError`].
pub fn indicators(
    shared: &Shared,
    issuer: Option<&MemberId>,
    from: u64,
    limit: usize,
) -> Result<IndicatorPage, StoreError> {
    let (at, me) = (now(), shared.me.member());
    let (mut page, total) = {
        let desk = shared.screening.desk();
        let mut all: Vec<&Indicator> =
            desk.screener().all().filter(|one| issuer.is_none_or(|issuer| one.issuer == *issuer)).collect();
        all.sort_by(|a, b| (&a.issuer, &a.id).cmp(&(&b.issuer, &b.id)));
        let total = all.len() as u64;
        let figures = desk.of_indicators();
        let skip = usize::try_from(from).unwrap_or(usize::MAX);
        let lines = all.into_iter().skip(skip).take(limit).map(|one| indicator(&desk, &figures, one, at));
        (lines.collect::<Vec<_>>(), total)
    };
    if page.iter().any(|line| line.issuer == me) {
        let mut actions = actions(shared, at)?;
        for line in page.iter_mut().filter(|line| line.issuer == me) {
            line.actions = actions.remove(&line.id).unwrap_or_default();
        }
    }
    let next = from.saturating_add(page.len() as u64);
    Ok(IndicatorPage { total, indicators: page, next: (next < total).then_some(next) })
}

fn indicator(
    desk: &Desk,
    figures: &HashMap<(&MemberId, &IndicatorId), Figures>,
    one: &Indicator,
    at: Millis,
) -> IndicatorLine {
    let source = Source::Indicator(one.issuer.clone(), one.id.clone());
    let state = if one.withdrawn {
        IndicatorState::Withdrawn
    } else if desk.was_undone(&source) {
        IndicatorState::Undone
    } else if desk.screener().is_superseded(one) {
        IndicatorState::Superseded
    } else if at >= one.valid_until {
        IndicatorState::Expired
    } else if !one.hidden.is_empty() {
        IndicatorState::Hidden
    } else if at < one.valid_from {
        IndicatorState::Coming
    } else {
        IndicatorState::Live
    };
    let graded: Vec<_> = desk.screener().grades(&one.issuer, &one.id, at).take(MAX_ANSWERS_TOLD).collect();
    let is_muted = graded.first().is_some_and(|graded| graded.muted);
    let state = if is_muted { IndicatorState::Muted } else { state };
    let grade = |graded: Graded<'_>| GradeLine {
        by: graded.by.issuer.clone(),
        id: graded.by.id.clone(),
        grade: graded.merged.grade,
        text: graded.merged.text.clone(),
    };
    let merged = |merged: &Merged| IndicatorName { issuer: merged.issuer.clone(), id: merged.id.clone() };
    let measured = desk.how_often(&one.issuer, &one.id);
    IndicatorLine {
        issuer: one.issuer.clone(),
        id: one.id.clone(),
        reference: one.reference.clone(),
        name: one.name.clone(),
        state,
        threat: one.threat,
        advice: one.advice,
        tlp: one.tlp,
        confidence: one.confidence,
        valid_from: one.valid_from,
        valid_until: one.valid_until,
        grades: graded.into_iter().map(grade).collect(),
        merges: one.merged.iter().map(merged).collect(),
        figures: figures.get(&(&one.issuer, &one.id)).copied().unwrap_or_default(),
        inspected: measured.inspected,
        confirmed: measured.confirmed,
        sightings: desk.sightings(&one.issuer, &one.id).map(|(by, seen)| (by.clone(), *seen)).collect(),
        actions: Vec::new(),
    }
}

/// What platforms did about own indicators that they got, and which of them did not answer yet.
fn actions(shared: &Shared, at: Millis) -> Result<BTreeMap<IndicatorId, Vec<ActionLine>>, StoreError> {
    let directory = shared.directory();
    let is_platform = |id: &MemberId| directory.charter().member(id).is_some_and(|m| m.kind == MemberKind::Platform);
    let mut all: BTreeMap<IndicatorId, BTreeMap<MemberId, ActionLine>> = BTreeMap::new();
    let own: BTreeSet<u64> = shared.store.listed("indicator")?.own.into_iter().map(|(entry, _)| entry).collect();
    for entry in own {
        let told: BTreeMap<MemberId, Millis> = shared
            .store
            .deliveries(entry)?
            .iter()
            .map(|delivery| (delivery.header.channel.recipient.member(), delivery.header.sent_at))
            .filter(|(member, _)| is_platform(member))
            .collect();
        if told.is_empty() {
            continue;
        }
        for (_, record) in shared.store.batch_records(entry)?.unwrap_or_default() {
            let Some(id) = id_in(record.content().field("indicator", "id")) else { continue };
            let of = all.entry(id).or_default();
            for (by, told_at) in &told {
                // A later version does not put the answer off.
                of.entry(by.clone()).or_insert_with(|| waiting(shared, by.clone(), *told_at, at));
            }
        }
    }
    for (entry, place) in shared.store.listed("action")?.received {
        let Some((_, view)) = shared.store.view(entry, place)? else { continue };
        let line =
            id_in(view.field("action", "indicator")).and_then(|id| all.get_mut(&id)?.get_mut(&view.header.issuer));
        // In the order of the log, so the last word counts.
        if let Some(line) = line {
            answered(line, &view);
        }
    }
    Ok(all.into_iter().map(|(id, of)| (id, of.into_values().take(MAX_ANSWERS_TOLD).collect())).collect())
}

fn waiting(shared: &Shared, by: MemberId, told_at: Millis, at: Millis) -> ActionLine {
    let due = told_at.plus_days(shared.screening.settings.answer_days);
    let state = if due <= at { AnswerState::Late } else { AnswerState::Open };
    ActionLine { by, state, told_at, due, outcome: None, on: None, listings: None, ground: None, appeal: None }
}

fn answered(line: &mut ActionLine, view: &RecordView) {
    line.state = AnswerState::Answered;
    let text = |field| text_of(view, "action", field);
    (line.outcome, line.ground, line.appeal) = (text("outcome"), text("ground"), text("appeal"));
    line.on = match view.field("action", "on") {
        Some(Value::Day(day)) => Some(day.to_string()),
        _ => None,
    };
    line.listings = match view.field("action", "listings") {
        Some(Value::Uint(count)) => Some(count),
        _ => None,
    };
}

/// Orders, the oldest first.
pub fn orders(shared: &Shared) -> Vec<OrderLine> {
    let desk = shared.screening.desk();
    desk.orders().into_iter().map(|(digest, waiting)| order_line(digest, waiting)).collect()
}

/// An order as it was drawn up, with what it leaves and what was carried out before.
///
/// # Errors
/// [`DeskOrderError`].
pub fn drawn(shared: &Shared, digest: &Digest) -> Result<DrawnReport, DeskOrderError> {
    let (waiting, lowered, all, carried_out) = {
        let desk = shared.screening.desk();
        let waiting = desk.order(digest)?.clone();
        let Resting { lowered, carried_out, .. } =
            waiting.order.source.as_ref().map(|source| desk.resting(source)).unwrap_or_default();
        let told: Vec<Proposal> = carried_out.iter().take(MAX_PROPOSALS_TOLD).map(|one| (*one).clone()).collect();
        (waiting, lowered.len() as u64, carried_out.len(), told)
    };
    let carried_out_more = (all - carried_out.len()) as u64;
    Ok(DrawnReport {
        digest: *digest,
        needs: waiting.needs,
        order: waiting.order,
        lowered,
        carried_out: lines(shared, carried_out)?,
        carried_out_more,
    })
}

pub(super) fn order_line(digest: &Digest, waiting: &Waiting) -> OrderLine {
    let order = &waiting.order;
    OrderLine {
        digest: *digest,
        act: order.act,
        undone: order.source.as_ref().map(ToString::to_string),
        records: order.roots.len() as u64,
        why: order.why.clone(),
        at: order.at,
        needs: waiting.needs,
        signatures: waiting.signatures.clone(),
        done: waiting.done,
    }
}

/// Why there is no dry run.
#[derive(Debug, thiserror::Error)]
pub enum DryRunError {
    /// The rules.
    #[error("rules: {0}")]
    Rules(#[from] ScreeningRulesError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What rules would propose about records that were received, by the indicators that hold now.
///
/// # Errors
/// [`DryRunError`].
pub fn dry_run(shared: &Shared, request: &DryRunRequest) -> Result<DryRunReport, DryRunError> {
    let at = now();
    let since = at.minus_days(request.days);
    let rules = match &request.rules {
        Some(text) => ScreeningRules::from_toml(text)?,
        None => shared.screening.desk().rules().clone(),
    };
    let mut report = DryRunReport {
        since,
        records: 0,
        hit: 0,
        proposals: BTreeMap::new(),
        rules: BTreeMap::new(),
        inspected: 0,
        found: 0,
    };
    let size = shared.sequencer.latest().size;
    let (mut readings, mut next) = (Readings::default(), first_since(shared, size, since)?);
    while next < size {
        let (entries, after) = shared.store.dispatches(next, size, ENTRIES_AT_ONCE)?;
        for (entry, skeleton) in entries {
            let Some((header, came)) = shared.store.arrived(&skeleton.channel, skeleton.number)? else { continue };
            if came < since || !readings.wants(shared, &header) {
                continue;
            }
            let reading = readings.of(header.batch.header.table);
            let views = shared.store.payload(entry)?;
            let desk = shared.screening.desk();
            for (_, root, view) in &views {
                report.records += 1;
                let subject = reading.read(view);
                let hits = desk.hits(&subject, at);
                if hits.is_empty() {
                    continue;
                }
                report.hit += 1;
                let benefits = benefits(shared, &subject, header.purpose, at);
                let assessed = rules.assess(&hits, &benefits, at.day());
                let Some((advice, rule)) = assessed.proposal else { continue };
                *report.proposals.entry(advice).or_default() += 1;
                *report.rules.entry(rule.id.clone()).or_default() += 1;
                let found = desk.proposal(root).and_then(|proposal| proposal.found);
                report.inspected += u64::from(found.is_some());
                report.found += u64::from(found == Some(Found::Something));
            }
        }
        if after == next {
            break;
        }
        next = after;
    }
    Ok(report)
}

fn id_in(value: Option<Value>) -> Option<IndicatorId> {
    value.and_then(Value::into_text)?.parse().ok()
}

fn text_of(view: &RecordView, group: &str, field: &str) -> Option<String> {
    view.field(group, field).and_then(Value::into_text)
}
