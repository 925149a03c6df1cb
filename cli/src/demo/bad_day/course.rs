//! The course of events: found, start, declare, warn, screen, err, undo, answer, fork.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use luxor_protocol::api::{
    AnswerState, DrawRequest, DrawnReport, IndicatorLine, IndicatorName, OnwardOutcome, OnwardRequest, ProposalLine,
    RecordResult, SignRequest, SignedReport,
};
use luxor_protocol::exchange::Lane;
use luxor_protocol::hash::{Digest, hex};
use luxor_protocol::keys::{KeyUse, SecretKey};
use luxor_protocol::names::Purpose;
use luxor_protocol::record::content_from_json;
use luxor_protocol::threats::{Act, Advice, State};
use serde_json::{Value, json};

use super::Args;
use super::fork::{self, Forked};
use super::members::{CARRIER, CUSTOMS_A, CUSTOMS_B, CUSTOMS_C, GOVERNORS, NAME, PLATFORM, ROLES, drafts};
use super::plan::{Plan, Planned};
use super::report::{Mistake, Outcome};
use crate::chunks::{Place as At, of_one};
use crate::client::Client;
use crate::demo::run::Clock;
use crate::demo::running::Running;
use crate::demo::submission::Submission;
use crate::files;
use crate::found;
use crate::local::{self, Network, Place, now};
use crate::ui::{self, count};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(20);
/// What the carrier answers to those that are not to be loaded, in order.
const ANSWERS: [&str; 3] = ["removed", "removed", "already_departed"];
const OFFICERS: [&str; 2] = ["Officer One", "Officer Two"];
/// Bytes of a node's configuration.
const MAX_CONFIG_BYTES: usize = 64 * 1024;

/// A name, and the key of whoever has it.
type Officer = (&'static str, SecretKey);

/// Runs the demo up to its report. The nodes have ended then.
pub(super) fn run(args: &Args) -> Result<(Outcome, Option<PathBuf>)> {
    let luxord = local::luxord(args.run.luxord.as_deref())?;
    let plan = Plan::new(args, now())?;
    let place = Place::new("luxor-bad-day-", args.run.keep.as_deref())?;
    let root = place.path().to_owned();
    let (mut clock, mut findings) = (Clock::new(), Vec::new());
    let mut expect = |holds: bool, what: String| {
        if !holds {
            findings.push(what);
        }
    };

    ui::say(&format!("founding a network of {} members in {}", ROLES.len(), root.display()));
    let network = Network::found_with(&root, NAME, &ROLES, &GOVERNORS, &drafts())?;
    let officers = officers(&network.dir(CUSTOMS_B))?;
    let mut running = Running::start(network, &luxord, &ROLES, PATIENCE, POLL)?;
    clock.lap("founding and starting");

    ui::say(&format!("{} declarations go to customs B", count(plan.declarations.len() as u64)));
    running.declare(&plan)?;
    running.settle()?;
    clock.lap("declarations");

    // The control for the search at C comes first, so that all that comes later had the time to arrive there too.
    let control = plan.of_outsider();
    running.warn("control", &control)?;
    running.settle()?;
    let right = plan.right()?;
    ui::say(&format!("customs A warns: {} declarations are meant", count(right.hits as u64)));
    let began = Instant::now();
    running.warn("right", &right)?;
    let arrived = running.until("the indicator's arrival", |running| {
        let known = running.indicator(CUSTOMS_B, &right)?;
        Ok(known.map(|_| began.elapsed()))
    })?;
    let proposals = running.screened(&right)?;
    let screened = began.elapsed();
    let found = proposals.len() as u64;
    expect(found == right.hits as u64, format!("{found} proposals, {} are meant", right.hits));
    let reasoned = |line: &&ProposalLine| line.grounds.iter().all(|ground| ground.reasons.len() == 3);
    let with = proposals.iter().filter(reasoned).count();
    expect(with == proposals.len(), format!("{with} of {found} proposals say why"));
    let sorted = proposals.is_sorted_by_key(|line| line.departs);
    expect(sorted, "the queue is not in the order in which goods leave".into());
    clock.lap("screening");

    let (at_outsider, control_at_outsider) = running.at_outsider(&right, &control)?;
    expect(at_outsider == 0, format!("C holds {at_outsider} records of what it was not given"));
    expect(control_at_outsider == 1, format!("the search finds {control_at_outsider} of what C was given"));
    let onward = running.pass_on(&right)?;
    expect(onward.contains("risk-a-b"), format!("passing on: {onward}"));
    clock.lap("outside the agreement");

    let mistake = running.mistake(&plan, &right, &officers, &mut expect)?;
    clock.lap("the mistake");
    let status = running.client(CUSTOMS_B)?.screening()?;
    let rule_reversed = status.rules.values().map(|figures| figures.reversed).sum();
    expect(rule_reversed == mistake.reversed, format!("the rules count {rule_reversed} reversed"));
    expect(status.open == found, format!("{} proposals are open, {found} should be", status.open));

    let answer = running.seller(&plan, &mut expect)?;
    clock.lap("the platform's answer");

    let Forked { evidence, by, refused, revoked } = fork::run(&mut running, &luxord, &root)?;
    expect(!evidence.is_empty(), "no evidence of the forked log".into());
    expect(refused.contains("two histories"), format!("the forked member: {refused}"));
    expect(revoked, "the forked member's revocation does not pass".into());
    clock.lap("the forked log");
    running.children.end()?;
    let outcome = Outcome {
        source: plan.title.clone(),
        declarations: plan.declarations.len() as u64,
        expected: right.hits as u64,
        found,
        screened,
        since_arrival: screened.saturating_sub(arrived),
        at_outsider,
        control_at_outsider,
        onward,
        mistake,
        rule_reversed,
        answer,
        fork: evidence,
        forked_known_to: by,
        forked_refused: refused,
        revocation_passed: revoked,
        findings,
        times: clock.laps,
    };
    Ok((outcome, place.keep()))
}

/// Two officers of customs B: keys that stay here, and the file that its node reads.
fn officers(dir: &Path) -> Result<Vec<Officer>> {
    let mut rows = String::new();
    let mut all = Vec::new();
    for name in OFFICERS {
        let key = found::generate(KeyUse::Officer)?;
        rows += &format!("[[officer]]\nname = \"{name}\"\nkey = \"{}\"\n", key.public());
        all.push((name, key));
    }
    files::write(&dir.join("officers.toml"), rows.as_bytes())?;
    let path = dir.join("luxord.toml");
    let config = files::read_text(&path, MAX_CONFIG_BYTES)? + "\n[screening]\nofficers = \"officers.toml\"\n";
    files::write(&path, config.as_bytes())?;
    Ok(all)
}

/// Hands in one record, which has to be taken.
pub(super) fn hand_in(node: &Client, name: &str, record: &Value) -> Result<()> {
    let content = content_from_json(record).with_context(|| format!("{name}: {record}"))?;
    let result = node.put_encoded(name, 0, Lane::Urgent, &of_one(&content))?;
    match result.records.into_iter().next() {
        Some(RecordResult::Accepted { .. }) => Ok(()),
        Some(RecordResult::Refused { reason, pointer, .. }) => bail!("{name}: {pointer}: {reason}"),
        None => bail!("{name}: no answer"),
    }
}

impl Running {
    fn declare(&self, plan: &Plan) -> Result<()> {
        let mut submission = Submission::new(self.client(PLATFORM)?, "declarations");
        for (line, record) in (1..).zip(&plan.declarations) {
            submission.record(At { line, rows: 1 }, record)?;
        }
        let done = submission.finish()?;
        match done.rows_refused {
            0 => Ok(()),
            refused => bail!("{refused} declarations were refused: {}", done.first_refused.join("; ")),
        }
    }

    /// A hands in an indicator.
    fn warn(&self, name: &str, planned: &Planned) -> Result<()> {
        self.send(CUSTOMS_A, name, &planned.record)
    }

    /// Hands in one record of a member.
    fn send(&self, member: &str, name: &str, record: &Value) -> Result<()> {
        hand_in(self.client(member)?, name, record)
    }

    /// An indicator as a member's node holds it.
    fn indicator(&self, member: &str, planned: &Planned) -> Result<Option<IndicatorLine>> {
        let page = self.client(member)?.indicators(&[("limit", "1000".into())])?;
        Ok(page.indicators.into_iter().find(|line| line.id.as_str() == planned.id))
    }

    /// All open proposals at B that name an indicator, once it was held against everything.
    fn screened(&mut self, planned: &Planned) -> Result<Vec<ProposalLine>> {
        self.until("screening", |running| {
            let status = running.client(CUSTOMS_B)?.screening()?;
            Ok((status.behind == Some(0) && status.looking_back == 0).then_some(()))
        })?;
        self.open(planned)
    }

    fn open(&self, planned: &Planned) -> Result<Vec<ProposalLine>> {
        let (mut all, mut from) = (Vec::new(), 0u64);
        loop {
            let page = self.client(CUSTOMS_B)?.proposals(&[
                ("issuer", CUSTOMS_A.into()),
                ("indicator", planned.id.clone()),
                ("from", from.to_string()),
                ("limit", "1000".into()),
            ])?;
            all.extend(page.proposals);
            match page.next {
                Some(next) => from = next,
                None => return Ok(all),
            }
        }
    }

    /// How much of an indicator C holds, and of the one that it was given.
    fn at_outsider(&self, right: &Planned, control: &Planned) -> Result<(u64, u64)> {
        let held = |planned: &Planned| -> Result<u64> {
            let records = self.client(CUSTOMS_C)?.records(&planned.id)?.len() as u64;
            let indicators = u64::from(self.indicator(CUSTOMS_C, planned)?.is_some());
            Ok(records.max(indicators))
        };
        Ok((held(right)?, held(control)?))
    }

    /// B tries to pass A's indicator on to C; what it is told.
    fn pass_on(&self, right: &Planned) -> Result<String> {
        let result = self.client(CUSTOMS_B)?.pass_on(&OnwardRequest {
            reference: Some(right.id.clone()),
            roots: Vec::new(),
            to: CUSTOMS_C.parse()?,
            purpose: Purpose::SafetySecurity,
            groups: Vec::new(),
            lane: Lane::Ordinary,
        })?;
        match result.records.into_iter().next().map(|record| record.outcome) {
            Some(OnwardOutcome::Refused { reason, .. }) => Ok(reason.lines().collect::<Vec<_>>().join("; ")),
            Some(_) => Ok("PASSED ON".into()),
            None => Ok("nothing to pass on".into()),
        }
    }

    /// The indicator that was wrong: what was carried out because of it, and how it is undone.
    fn mistake(
        &mut self,
        plan: &Plan,
        right: &Planned,
        officers: &[Officer],
        expect: &mut dyn FnMut(bool, String),
    ) -> Result<Mistake> {
        let wrong = plan.mistake(right, ANSWERS.len())?;
        ui::say(&format!("a mistake of customs A: {} declarations", count(wrong.hits as u64)));
        self.warn("wrong", &wrong)?;
        self.until("its arrival", |running| running.indicator(CUSTOMS_B, &wrong))?;
        let proposals = self.screened(&wrong)?;
        let hits = proposals.len() as u64;
        expect(hits == wrong.hits as u64, format!("the mistake hits {hits}, {} are meant", wrong.hits));
        let grave = proposals.iter().all(|line| line.propose == Advice::DoNotLoad);
        expect(grave, "not all of the mistake's proposals are do-not-load".into());
        // Goods that the right indicator is about as well stay proposed for that.
        let alone = proposals.iter().filter(|line| line.grounds.len() == 1 && line.more == 0);
        let first: Vec<Digest> = alone.take(ANSWERS.len()).map(|line| line.root).collect();
        let carried_out = self.not_loaded(&first, officers, expect)?;

        self.send(CUSTOMS_A, "wrong-withdrawn", &wrong.withdrawn())?;
        self.until("the withdrawal's arrival", |running| {
            let line = running.indicator(CUSTOMS_B, &wrong)?;
            Ok(line.filter(|line| line.state == luxor_protocol::api::IndicatorState::Withdrawn).map(drop))
        })?;
        let began = Instant::now();
        let name = IndicatorName { issuer: CUSTOMS_A.parse()?, id: wrong.id.parse()? };
        let drawn = self.draw(Act::Undo, Vec::new(), Some(name), "customs A took it back")?;
        let one = self.sign(&drawn, &officers[0])?;
        expect(one.order.done.is_none(), "one officer alone undid a mass of proposals".into());
        let done = self.sign(&drawn, &officers[1])?;
        let elapsed = began.elapsed();
        expect(done.order.done.is_some(), "two officers did not undo it".into());
        let both = proposals.iter().filter(|line| line.grounds.len() > 1).count() as u64;
        expect(
            done.settled == hits - carried_out - both,
            format!("{} of {hits} proposals were reversed, {both} rest on more", done.settled),
        );
        expect(done.lowered == both, format!("{} proposals stay with less, not {both}", done.lowered));
        let answers: Vec<String> =
            drawn.carried_out.iter().flat_map(|line| &line.answers).map(|answer| answer.outcome.clone()).collect();
        let mut told = answers.clone();
        told.sort_unstable();
        let mut meant = ANSWERS.map(str::to_owned);
        meant.sort_unstable();
        expect(told == meant, format!("the carrier's answers are listed as {told:?}"));
        let left = self.open(&wrong)?.len() as u64;
        expect(left == 0, format!("{left} proposals of the mistake are still open"));
        // Each has its own record of how it was settled.
        let reversed =
            self.client(CUSTOMS_B)?.proposals(&[("state", State::Reversed.word().into()), ("limit", "1000".into())])?;
        let by = |line: &ProposalLine| line.settled.as_ref().and_then(|settled| settled.order) == Some(drawn.digest);
        expect(
            reversed.total == done.settled && reversed.proposals.iter().all(by),
            "a reversed proposal names no order".into(),
        );
        let issuer = CUSTOMS_B.parse()?;
        let told_issuer = self.until("the sightings at A", |running| {
            let line = running.indicator(CUSTOMS_A, &wrong)?;
            Ok(line.and_then(|line| line.sightings.get(&issuer).map(|seen| seen.false_positive)))
        })?;
        let false_ones = hits - both;
        expect(told_issuer == false_ones, format!("A knows of {told_issuer} false positives, not {false_ones}"));
        Ok(Mistake {
            hits,
            reversed: done.settled,
            carried_out,
            answers,
            officers: done.order.signatures.iter().map(|signature| signature.officer.clone()).collect(),
            seconds: ui::seconds(elapsed),
            told_issuer,
        })
    }

    /// Some goods are not to be loaded: one officer is not enough, nor the same one twice; the carrier answers. How many it was told of.
    fn not_loaded(
        &mut self,
        roots: &[Digest],
        officers: &[Officer],
        expect: &mut dyn FnMut(bool, String),
    ) -> Result<u64> {
        let drawn = self.draw(Act::Confirm, roots.to_vec(), None, "weapons: do not load")?;
        let one = self.sign(&drawn, &officers[0])?;
        expect(one.order.done.is_none() && one.sent == 0, "one officer alone stopped the loading".into());
        let twice = self.sign(&drawn, &officers[0]).map(|_| String::new()).unwrap_or_else(|error| error.to_string());
        expect(twice.contains("signed order"), format!("the same officer twice: {twice}"));
        let done = self.sign(&drawn, &officers[1])?;
        let sent = done.sent;
        expect(sent == roots.len() as u64, format!("{sent} of {} referrals were sent", roots.len()));
        let lines: Vec<ProposalLine> =
            roots.iter().map(|root| Ok(self.client(CUSTOMS_B)?.proposal(root)?)).collect::<Result<_>>()?;
        for (nth, (line, outcome)) in lines.iter().zip(ANSWERS).enumerate() {
            let reference = line.referral.clone().context("no referral for what is not to be loaded")?;
            self.until("the referral at the carrier", |running| {
                Ok((!running.client(CARRIER)?.records(&reference)?.is_empty()).then_some(()))
            })?;
            let answer = json!({
                "type": "referral_answer",
                "reference": { "own_reference": format!("L-{nth}"), "made_at": now().to_string() },
                "answer": { "kind": "dnl", "reference": reference, "outcome": outcome },
                "handling": { "destination_customs": CUSTOMS_B },
            });
            self.send(CARRIER, &format!("answer-{nth}"), &answer)?;
        }
        self.settle()?;
        Ok(sent)
    }

    fn draw(&self, act: Act, roots: Vec<Digest>, indicator: Option<IndicatorName>, why: &str) -> Result<DrawnReport> {
        let request = DrawRequest { act, roots, indicator, rule: None, why: why.into() };
        Ok(self.client(CUSTOMS_B)?.draw_order(&request)?)
    }

    fn sign(&self, drawn: &DrawnReport, (name, key): &Officer) -> Result<SignedReport> {
        if drawn.order.digest() != drawn.digest {
            bail!("the node shows another order than {}", drawn.digest.hex());
        }
        let signature = hex(&drawn.order.sign(key, &self.network.digest()));
        Ok(self
            .client(CUSTOMS_B)?
            .sign_order(&drawn.digest, &SignRequest { officer: (*name).to_owned(), signature })?)
    }

    /// The platform is told of a seller, and answers; what A reads of it.
    fn seller(&mut self, plan: &Plan, expect: &mut dyn FnMut(bool, String)) -> Result<String> {
        let planned = plan.of_seller();
        self.warn("seller", &planned)?;
        self.until("the indicator at the platform", |running| running.indicator(PLATFORM, &planned))?;
        let waits = self.until("what A waits for", |running| {
            let line = running.indicator(CUSTOMS_A, &planned)?;
            Ok(line.and_then(|line| line.actions.first().map(|action| action.state)))
        })?;
        expect(waits == AnswerState::Open, format!("before its answer the platform is {waits:?}"));
        let answer = json!({
            "type": "action",
            "reference": { "own_reference": "P-1", "made_at": now().to_string() },
            "action": {
                "indicator": planned.id, "issuer": CUSTOMS_A, "outcome": "removed", "on": now().day().to_string(),
                "listings": 12, "ground": "terms of use, section 4", "appeal": "open",
            },
            "accounts": [{ "account": "S-UNKNOWN-ELSEWHERE" }],
            "handling": { "destination_customs": CUSTOMS_A },
        });
        self.send(PLATFORM, "answer", &answer)?;
        let action = self.until("the platform's answer", |running| {
            let line = running.indicator(CUSTOMS_A, &planned)?;
            let actions = line.into_iter().flat_map(|line| line.actions);
            Ok(actions.into_iter().find(|action| action.state == AnswerState::Answered))
        })?;
        expect(action.listings == Some(12), "the platform's answer lost its listings".into());
        Ok(format!(
            "{} by {}, {} listings, {}",
            action.outcome.unwrap_or_default(),
            action.by,
            action.listings.unwrap_or_default(),
            action.ground.unwrap_or_default(),
        ))
    }
}
