//! The course of events: found, start, entitle, hand in stage by stage, wait, compare, sign statements, audit.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use luxor_protocol::api::LifeReport;
use luxor_protocol::names::Purpose;
use luxor_protocol::time::Millis;

use super::audit::{self, Audited};
use super::compare::{Found, Reconciled, compare};
use super::fault::Fault;
use super::members::{AUDITOR, CARRIER, CUSTOMS_EU, GOVERNORS, NAME, PLATFORM, ROLES, drafts};
use super::parcel::Times;
use super::report::Outcome;
use super::retail::{self, Sales};
use super::stage::{Script, Stage};
use super::world::{LATE, UNCONFIRMED, World};
use super::{Args, number, rules, taxed, tool, windows};
use crate::chunks;
use crate::demo::run::Clock;
use crate::demo::running::Running;
use crate::demo::submission::Submission;
use crate::files;
use crate::local::{self, Network, Place, now};
use crate::ui::{self, Progress, count};

/// How long a node may take to follow its log, and witnesses to cosign it.
const FOLLOWED: Duration = Duration::from_secs(300);
const POLL: Duration = Duration::from_millis(100);
/// How long something else than what is expected is looked at again.
const PATIENCE: Duration = Duration::from_secs(60);
/// Items whose filings are held against their deadlines, beside those with a planted fault.
const HELD_AGAINST: usize = 200;
/// A little more than what lies between two proofs that are kept.
const MINUTE: u64 = 62_000;
/// Terms end at whole seconds.
const SECOND: u64 = 1_000;

/// Runs the demo up to its report. The nodes have ended then.
pub(super) fn run(args: &Args) -> Result<(Outcome, Option<std::path::PathBuf>)> {
    let luxord = local::luxord(args.run.luxord.as_deref())?;
    let (sales, retail) = sales(args)?;
    let place = Place::new("luxor-life-", args.run.keep.as_deref())?;
    let root = place.path().to_owned();
    let mut clock = Clock::new();

    ui::say(&format!("founding a network of {} members in {}", ROLES.len(), root.display()));
    let network = Network::found_with(&root, NAME, &ROLES, &GOVERNORS, &drafts())?;
    rules::write(&network)?;
    clock.lap("founding");
    let mut running = Running::start(network, &luxord, &ROLES, FOLLOWED, POLL)?;
    clock.lap("starting");

    let holder = {
        let Running { network, clients, children, .. } = &mut running;
        let platform = clients.get(PLATFORM).context("no client for the platform")?;
        number::entitle(&root, network, platform, children)?
    };
    let times = Times { begins: now() };
    let script = Script::new(World::plan(args.seed, args.parcels, &sales.sales, times))?;
    let planted = script.world.planted();
    files::write(&root.join("expected.json"), &serde_json::to_vec_pretty(&planted)?)?;
    clock.lap("planning");
    let parcels = script.world.parcels.len() as u64;
    ui::say(&format!("{} parcels, {} planted faults", count(parcels), count(planted.len() as u64)));

    let mut handed: BTreeMap<&'static str, u64> = BTreeMap::new();
    running.hand_in(script.before_loading()?, &mut handed)?;
    let confirmed = number::confirm(&holder, &root, &running.network, &script)?;
    running.settle()?;
    clock.lap("before loading");

    let mut wrong = Vec::new();
    let mut found = running.unconfirmed(&script, &mut wrong)?;
    // A node keeps one proof a minute for good, when something comes: so that what was filed is proven by one, a minute passes.
    ui::say("a minute passes, so that the times of filings are proven for good");
    let handed_in = now();
    running.until("a minute", |_| Ok((now().0 > handed_in.0 + MINUTE).then_some(())))?;
    running.hand_in(vec![script.planned()?], &mut handed)?;
    running.settle()?;
    running.wait_proven()?;
    clock.lap("proof");
    let loaded = now();
    running.hand_in(vec![script.flown(loaded)?], &mut handed)?;
    running.settle()?;
    running.a_second_after(loaded)?;
    running.hand_in(vec![script.back_dated()?], &mut handed)?;
    running.hand_in(script.after_arrival(loaded)?, &mut handed)?;
    running.settle()?;
    clock.lap("arrival");
    let months = taxed::months(&script.world, &script.owed, &script.book)?;
    running.hand_in(script.month_end(&months, loaded)?, &mut handed)?;
    running.settle()?;
    // Which of two claims is the first is told by the log.
    running.hand_in(vec![script.claimed_again()?], &mut handed)?;
    running.settle()?;
    clock.lap("month end");

    for member in [CUSTOMS_EU, PLATFORM] {
        running.followed(member)?;
    }
    running.give_bank_and_lists(&root, &months, times)?;
    let (of_customs, followed) = running.reconcile(CUSTOMS_EU)?;
    found.extend(of_customs);
    found.extend(running.reconcile(PLATFORM)?.0);
    clock.lap("reconciling");
    let (late, held_against) = running.late(&script)?;
    found.extend(late);
    clock.lap("deadlines");

    let closed = windows::close(&running.clients)?;
    clock.lap("statements");

    ui::say(&format!("the auditor reads {} logs", ROLES.len()));
    let audited = audit::audit(&running.network, running.client(AUDITOR)?, &root, args.seed)?;
    clock.lap("audit");

    let compared = compare(&planted, &found);
    let accounts = running.accounts(&audited, confirmed, &script)?;
    running.children.end()?;
    let outcome = Outcome {
        seed: args.seed,
        generated: args.parcels,
        retail_parcels: parcels - args.parcels,
        retail,
        left_out: sales.left_out,
        handed,
        confirmed,
        held_against,
        planted,
        found,
        compared,
        followed,
        dispatches: accounts.dispatches,
        deliveries: accounts.deliveries,
        audited,
        closed,
        wrong: wrong.into_iter().chain(accounts.wrong).collect(),
        times: clock.laps,
    };
    Ok((outcome, place.keep()))
}

/// The sales of the retail data, and what is to be said of them.
fn sales(args: &Args) -> Result<(Sales, Option<String>)> {
    let path = args.retail.clone().or_else(retail::usual);
    match path {
        Some(path) => Ok((retail::read(&path)?, Some(path.display().to_string()))),
        None => {
            ui::say("no retail data: left out\nhint: --retail FILE names a day of it");
            Ok((Sales::default(), None))
        }
    }
}

/// What does not add up beside findings, and what was sent.
struct Accounts {
    dispatches: u64,
    deliveries: u64,
    wrong: Vec<String>,
}

impl Running {
    /// Hands in stages. Every record is taken, or the demo cannot go on: nothing in it is meant to be refused.
    fn hand_in(&self, stages: Vec<Stage>, handed: &mut BTreeMap<&'static str, u64>) -> Result<()> {
        for stage in stages.iter().filter(|stage| !stage.records.is_empty()) {
            let mut submission = Submission::new(self.client(stage.member)?, stage.name);
            for (line, record) in (1..).zip(&stage.records) {
                submission.record(chunks::Place { line, rows: 1 }, record)?;
            }
            let submitted = submission.finish()?;
            if submitted.rows_refused > 0 {
                bail!(
                    "the node of {} refused {} records of {}: {}",
                    stage.member,
                    submitted.rows_refused,
                    stage.name,
                    submitted.first_refused.join("; ")
                );
            }
            *handed.entry(stage.member).or_default() += submitted.records;
        }
        Ok(())
    }

    /// Uses of the number that nobody confirmed. The node follows its log, so it is asked until it says what is expected, or long enough.
    fn unconfirmed(&mut self, script: &Script, wrong: &mut Vec<String>) -> Result<Vec<Found>> {
        let parcels = || script.world.parcels.iter().filter(|parcel| parcel.ioss && !parcel.has(Fault::NeverDeclared));
        let (declared, open) = (parcels().count(), parcels().filter(|parcel| parcel.has(Fault::Unconfirmed)).count());
        let began = Instant::now();
        let report = self.until("following the uses of the IOSS number", |running| {
            let report = running.client(CUSTOMS_EU)?.uses()?;
            let as_expected = report.watched == declared && report.unconfirmed.len() == open;
            Ok((as_expected || began.elapsed() > PATIENCE).then_some(report))
        })?;
        if report.watched != declared || report.not_watched > 0 || report.more > 0 {
            let (watched, not_watched, more) = (report.watched, report.not_watched, report.more);
            wrong.push(format!(
                "uses watched, and declared: {watched} against {declared}; {not_watched} not watched, {more} not told"
            ));
        }
        let one = |line: luxor_protocol::api::UseLine| Found {
            class: UNCONFIRMED.to_owned(),
            at: CUSTOMS_EU,
            about: line.item,
            text: format!("{} is not confirmed by its holder", line.number),
        };
        Ok(report.unconfirmed.into_iter().map(one).collect())
    }

    /// Waits until witnesses have proven that customs has everything that was handed in, so that what is loaded now is loaded after it.
    fn wait_proven(&mut self) -> Result<()> {
        let stands = self.client(CUSTOMS_EU)?.status()?.log_entries;
        self.until("proof of the entry summaries", |running| {
            let cosigned = running.client(CUSTOMS_EU)?.cosigned_checkpoint()?;
            let size = cosigned.and_then(|note| size_of(&note));
            Ok(size.filter(|size| *size >= stands))
        })?;
        self.a_second_after(now())
    }

    /// Waits until no proof can be of the second of a moment: cosignatures tell whole seconds, and what comes within one is proven for
    /// its beginning.
    fn a_second_after(&mut self, moment: Millis) -> Result<()> {
        self.until("a second", |_| Ok((now().0 > moment.0 + SECOND).then_some(())))
    }

    fn life(&self, item: &str) -> Result<LifeReport> {
        Ok(self.client(CUSTOMS_EU)?.item(item, &[], &[Purpose::SafetySecurity])?)
    }

    /// Waits until a member's node has taken everything in its log into account.
    fn followed(&mut self, member: &'static str) -> Result<()> {
        let stands = self.client(member)?.status()?.log_entries;
        self.until("following the log", |running| {
            let page = running.client(member)?.reconciliation(&[("limit", "1".to_owned())])?;
            Ok((page.followed >= stands).then_some(()))
        })
    }

    /// Gives customs the statement of its bank, and the lists of the summaries.
    fn give_bank_and_lists(&self, root: &Path, months: &[taxed::Month], times: Times) -> Result<()> {
        let bank = root.join("bank.xml");
        files::write(&bank, taxed::bank_statement(months, times)?.as_bytes())?;
        let node = self.network.dir(CUSTOMS_EU).display().to_string();
        tool::luxor(&["reconcile", "payments", &bank.display().to_string(), "--node", &node])?;
        for month in months {
            let list = root.join(format!("{}.json", month.payment));
            files::write(&list, month.list().to_string().as_bytes())?;
            tool::luxor(&["reconcile", "list", &list.display().to_string(), "--node", &node])?;
        }
        Ok(())
    }

    /// What a member's node finds by business reconciliation, once it has looked at everything and the last term is over, and how much
    /// that was.
    fn reconcile(&mut self, member: &'static str) -> Result<(Vec<Found>, [u64; 3])> {
        let node = self.network.dir(member).display().to_string();
        let terms_over = Millis(now().0.div_ceil(SECOND) * SECOND);
        let told: Reconciled = self.until("reconciling", |_| {
            let told: Reconciled = tool::json(&["reconcile", "--node", &node, "--json"])?;
            Ok((told.read && told.as_of()? >= terms_over).then_some(told))
        })?;
        let looked_at = [told.followed, told.records, told.items];
        Ok((told.found(member), looked_at))
    }

    /// Filings that were late by proven time: of every item that was filed back-dated, and of so many others at even distances, since the
    /// whole life of each is asked for. And how many items that were.
    fn late(&mut self, script: &Script) -> Result<(Vec<Found>, u64)> {
        let (mut found, mut progress, parcels) = (Vec::new(), Progress::new(), &script.world.parcels);
        let distance = (parcels.len() / HELD_AGAINST).max(1);
        let looked_at = parcels.iter().enumerate().filter(|(at, one)| one.has(Fault::BackDated) || at % distance == 0);
        let mut total = 0;
        for (done, parcel) in (0..).zip(looked_at.map(|(_, parcel)| parcel)) {
            total = done + 1;
            progress.show(|| format!("held {} filings against their deadlines", count(done)));
            let back_dated = parcel.has(Fault::BackDated);
            // What was filed last may not be proven yet.
            let life = match back_dated {
                true => self.until("proof of a late filing", |running| {
                    let life = running.life(&parcel.item)?;
                    Ok(life.timeliness.iter().all(|line| line.verdict != "unproven").then_some(life))
                })?,
                false => self.life(&parcel.item)?,
            };
            for line in life.timeliness.iter().filter(|line| line.verdict != "in_time") {
                let claims = line.claimed_verdict.as_deref().unwrap_or("nothing");
                let text = format!("{} of {} is {}, by its claim {claims}", line.filing, line.filer, line.verdict);
                found.push(Found { class: LATE.to_owned(), at: CUSTOMS_EU, about: parcel.item.clone(), text });
            }
        }
        progress.clear();
        Ok((found, total))
    }

    /// Compares what senders, recipients and the auditor count.
    fn accounts(&self, audited: &Audited, confirmed: u64, script: &Script) -> Result<Accounts> {
        let (mut sent, mut received) = ((0, 0, 0), (0, 0, 0));
        for (member, client) in &self.clients {
            let status = client.status().with_context(|| format!("status of {member}"))?;
            let add = |sum: &mut (u64, u64, u64), of: &luxor_protocol::api::Traffic| {
                *sum = (sum.0 + of.dispatches, sum.1 + of.accepted, sum.2 + of.rejected);
            };
            add(&mut sent, &status.sent);
            add(&mut received, &status.received);
        }
        let receipts: u64 = audited.reports.iter().map(|report| report.receipts).sum();
        let uses = script.confirmed().count() as u64;
        let mut wrong = Vec::new();
        for (what, left, right) in [
            ("dispatches sent and received", sent.0, received.0),
            ("records accepted by receipts and by recipients", sent.1, received.1),
            ("records rejected, and none", sent.2 + received.2, 0),
            ("dispatches sent and receipts verified", sent.0, receipts),
            ("uses confirmed, and to be confirmed", confirmed, uses),
        ] {
            if left != right {
                wrong.push(format!("{what}: {left} against {right}"));
            }
        }
        let carrier = self.client(CARRIER)?.status()?.received;
        if carrier.accepted == 0 {
            wrong.push("the carrier received nothing".to_owned());
        }
        Ok(Accounts { dispatches: sent.0, deliveries: sent.1, wrong })
    }
}

/// The size in a checkpoint, whose signatures the own node checked: the second line of its text (C2SP tlog-checkpoint).
fn size_of(note: &[u8]) -> Option<u64> {
    std::str::from_utf8(note).ok()?.lines().nth(1)?.parse().ok()
}
