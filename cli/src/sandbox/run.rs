//! A rehearsal: the nodes run, what arrives at partners is played, everything is written down, and the report follows.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use luxor_protocol::api::InboxDispatch;
use luxor_protocol::exchange::Lane;
use luxor_protocol::limits::{MAX_RULES_BYTES, MAX_SANDBOX_ITEMS, MAX_SANDBOX_LINES};
use luxor_protocol::names::MemberKind;
use luxor_protocol::quality::{self, Finding};
use luxor_protocol::record::content_from_json;
use luxor_protocol::reference::RuleBook;
use luxor_protocol::sandbox::{
    Cast, Conformance, Deed, Done, Line, Player, ReceiptEvent, ReceiptLine, Receipts, Rules, Stage, Told, What,
    group_text, own_reference, without_withheld,
};
use luxor_protocol::time::Millis;
use serde_json::Value as Json;

use super::RunArgs;
use super::actor::Actor;
use super::found::MAX_CONFIG_BYTES;
use super::report;
use super::state::{RULES, State, Who};
use crate::client::Client;
use crate::exit::{Exit, RefusedError};
use crate::files;
use crate::local::{Children, Stop, luxord, now};
use crate::ui;

/// Pause between two looks at the partners' inboxes.
const LOOK: Duration = Duration::from_millis(50);
/// For how long nothing has happened when a rehearsal is idle.
const IDLE_MS: u64 = 5_000;
/// Dispatches in the own outbox that are looked at for what it tells of wrong receipts.
const OUTBOX_PAGE: u64 = 1_000;

pub(super) fn run(args: &RunArgs) -> Result<Exit> {
    let dir =
        std::path::absolute(&args.dir).with_context(|| format!("{}: has no absolute path", args.dir.display()))?;
    let mut state = State::read(&dir)?;
    let rules = rules(args.rules.clone().unwrap_or_else(|| dir.join(RULES)))?;
    let luxord = luxord(args.luxord.as_deref())?;
    let stop = if args.seconds.is_some() || args.until_idle { Stop::by_signal()? } else { Stop::install()? };
    state.runs += 1;
    state.write(&dir)?;

    let player = |who: &Who| Player { member: who.member.clone(), kind: who.kind };
    let mut practises = Vec::new();
    for who in &state.partners {
        practises.push(give_receipts(&dir.join(who.member.as_str()), &rules, &player(who), state.me.kind)?);
    }

    let mut children = Children::default();
    let own = dir.join(state.me.member.as_str());
    let runs_already = Client::open(&own.to_string_lossy()).is_ok_and(|client| client.health().is_ok());
    if !runs_already {
        children.start(&luxord, &own)?;
    }
    let mut actors = Vec::new();
    for (who, practises) in state.partners.iter().zip(practises) {
        let folder = dir.join(who.member.as_str());
        children.start(&luxord, &folder)?;
        actors.push(Actor::new(who.clone(), folder, state.read.get(&who.member).copied(), practises));
    }
    children.wait_ready()?;
    let me = Client::open(&own.to_string_lossy())?;
    ui::say(&format!(
        "rehearsal {}: your node answers at {}, its token stands in {}",
        state.runs,
        me.url(),
        own.join("run").join("api.json").display()
    ));

    let begun = now();
    let partners = state.partners.iter().map(player).collect();
    let cast = Cast { me: state.me.member.clone(), kind: state.me.kind, partners };
    let stage = Stage::new(rules.clone(), cast.clone(), state.runs, begun);
    let trace = Trace::create(&dir.join(format!("rehearsal-{}.ndjson", state.runs)))?;
    let book = Arc::new(RuleBook::builtin().context("the built-in lists")?);
    let mut rehearsal = Rehearsal {
        dir: &dir,
        luxord: &luxord,
        rules: &rules,
        state,
        actors,
        children,
        stage,
        trace,
        book,
        backlog: Vec::new(),
        told: Vec::new(),
        items: BTreeSet::new(),
        alarms: BTreeSet::new(),
        playing: BTreeMap::new(),
        moved: begun,
        arrived: false,
    };
    rehearsal.play(args, &stop, &me, begun)?;

    rehearsal.last_alarms();
    rehearsal.not_played()?;
    let ended = now();
    let mut conformance = Conformance::of(&rehearsal.trace.lines, &rehearsal.told, &rules, &cast, begun, ended);
    conformance.notes.extend(rehearsal.trace.note());
    if let Ok(outbox) = me.outbox(0)
        && outbox.pending > 0
    {
        conformance.notes.push(format!("dispatches that wait at your node: {}", outbox.pending));
    }
    let Rehearsal { state, mut children, .. } = rehearsal;
    children.end()?;
    let path = dir.join(format!("rehearsal-{}.json", state.runs));
    files::write(&path, &serde_json::to_vec_pretty(&conformance).context("the report")?)?;
    if args.json {
        ui::json(&conformance)?;
    } else {
        report::print(&conformance, state.runs, ended.0.saturating_sub(begun.0))?;
    }
    Ok(if conformance.conforms { Exit::Ok } else { Exit::Findings })
}

fn rules(path: PathBuf) -> Result<Rules> {
    let text = files::read_text(&path, MAX_RULES_BYTES)?;
    Rules::parse(&text).map_err(|error| RefusedError(format!("{}: {error}", path.display())).into())
}

/// Gives a partner's node the wrong receipts that it is to play. Whether it plays with receipts at all.
fn give_receipts(folder: &Path, rules: &Rules, player: &Player, me: MemberKind) -> Result<bool> {
    let config: toml::Table = toml::from_str(&files::read_text(&folder.join("luxord.toml"), MAX_CONFIG_BYTES)?)
        .with_context(|| format!("{}: luxord.toml", folder.display()))?;
    let receipts = rules.receipts_of(player, me);
    if !config.contains_key("practice") {
        return match receipts.first() {
            None => Ok(false),
            Some(first) => Err(RefusedError(format!(
                "rule '{}': the node of {} was founded without wrong receipts\nhint: found the practice network anew with `luxor sandbox new`",
                first.name, player.member
            ))
            .into()),
        };
    }
    files::write(&folder.join("receipts.toml"), Receipts::text(receipts)?.as_bytes())?;
    Ok(true)
}

/// A rehearsal under way.
struct Rehearsal<'r> {
    dir: &'r Path,
    luxord: &'r Path,
    rules: &'r Rules,
    state: State,
    actors: Vec<Actor>,
    // Behind the actors' connections, which end with it.
    children: Children,
    stage: Stage,
    trace: Trace,
    book: Arc<RuleBook>,
    /// What partners could not do yet, since their nodes are down.
    backlog: Vec<Deed>,
    /// What lives told.
    told: Vec<Told>,
    /// Items that were looked at, and alarms that were told.
    items: BTreeSet<(usize, String)>,
    alarms: BTreeSet<(usize, String)>,
    /// Dispatches that have a wrong receipt, or none, until they have a true one.
    playing: BTreeMap<(usize, Lane, u64), Playing>,
    /// When something happened last.
    moved: Millis,
    /// Whether anything of the integrator's arrived.
    arrived: bool,
}

/// A receipt that is played with.
struct Playing {
    /// What its partner's node told of it first.
    first: ReceiptLine,
    /// Whether the own node told of it.
    told: bool,
}

impl Playing {
    /// That the true one was not given.
    fn not_played(self, rules: &Rules) -> What {
        let ReceiptLine { at, rule, number, reference, .. } = self.first;
        let receipt = rules.receipts.iter().find(|receipt| receipt.rule.name == rule);
        let wrong_for = receipt.map_or(0, |receipt| receipt.rule.seconds.saturating_mul(1_000));
        let deed = format!("the true receipt for dispatch {number} with {reference}");
        What::NotPlayed { rule, deed, due: Millis(at).plus(wrong_for).to_string() }
    }
}

impl Rehearsal<'_> {
    /// Plays until it is time to end.
    fn play(&mut self, args: &RunArgs, stop: &Stop, me: &Client, begun: Millis) -> Result<()> {
        while !stop.within(LOOK) {
            self.children.check()?;
            let up = self.look()?;
            self.look_at_receipts(me)?;
            let now = now();
            let mut deeds = std::mem::take(&mut self.backlog);
            deeds.extend(self.stage.due(now));
            for deed in deeds {
                self.perform(deed)?;
            }
            let over = |seconds: u64| now.0.saturating_sub(begun.0) >= seconds.saturating_mul(1_000);
            let behind = self.actors.iter().any(Actor::is_behind);
            let quiet = !behind && self.backlog.is_empty() && self.playing.is_empty();
            let nothing_left = quiet && !self.stage.has_pending();
            let finish = args.finish.unwrap_or_default();
            if args
                .seconds
                .is_some_and(|seconds| over(seconds) && (nothing_left || over(seconds.saturating_add(finish))))
            {
                return Ok(());
            }
            let still = quiet && self.arrived && up && !self.stage.is_waiting();
            if args.until_idle && still && now.0.saturating_sub(self.moved.0) >= IDLE_MS && self.settled(me) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Looks at what partners' nodes did with receipts, and at what the own node tells of it.
    fn look_at_receipts(&mut self, me: &Client) -> Result<()> {
        for at in 0..self.actors.len() {
            let Some(actor) = self.actors.get_mut(at) else { continue };
            let (member, lines) = (actor.who.member.clone(), actor.practised()?);
            for line in lines.into_iter().filter(|line| line.sender.member() == self.state.me.member) {
                let key = (at, line.lane, line.number);
                match line.event {
                    ReceiptEvent::Wrong => {
                        self.playing.entry(key).or_insert_with(|| Playing { first: line.clone(), told: false });
                    }
                    ReceiptEvent::True => _ = self.playing.remove(&key),
                    ReceiptEvent::Counted => {}
                }
                self.moved = now();
                let at = Millis(line.at);
                self.trace.write(Line { at, partner: member.clone(), what: What::Receipt(line) })?;
            }
        }
        if self.playing.values().all(|playing| playing.told) {
            return Ok(());
        }
        // The first page does: what is played with is not much.
        let waiting = me.outbox_page(None, OUTBOX_PAGE)?.items;
        for ((at, lane, number), playing) in self.playing.iter_mut().filter(|(_, playing)| !playing.told) {
            let Some(partner) = self.actors.get(*at).map(|actor| actor.who.member.clone()) else { continue };
            let item = waiting
                .iter()
                .find(|item| item.recipient.member() == partner && item.lane == *lane && item.number == *number);
            if let Some(reason) = item.and_then(|item| item.reason.clone()) {
                playing.told = true;
                let what = What::Waits { lane: *lane, number: *number, reason };
                self.trace.write(Line { at: now(), partner, what })?;
            }
        }
        Ok(())
    }

    /// Writes down what rules still had to do, the true receipts among it that have not come yet.
    fn not_played(&mut self) -> Result<()> {
        let mut lines = Vec::new();
        let ended = now();
        for (at, rule, deed, due) in self.stage.pending() {
            let what = What::NotPlayed { rule, deed, due: due.to_string() };
            lines.extend(self.actors.get(at).map(|actor| (actor.who.member.clone(), what)));
        }
        for Deed { partner, rule, .. } in self.backlog.drain(..) {
            let deed = "what waits for its node, which is down".to_owned();
            let what = What::NotPlayed { rule, deed, due: ended.to_string() };
            lines.extend(self.actors.get(partner).map(|actor| (actor.who.member.clone(), what)));
        }
        for ((at, ..), playing) in std::mem::take(&mut self.playing) {
            let what = playing.not_played(self.rules);
            lines.extend(self.actors.get(at).map(|actor| (actor.who.member.clone(), what)));
        }
        lines.into_iter().try_for_each(|(partner, what)| self.trace.write(Line { at: ended, partner, what }))
    }

    /// Looks at every partner's inbox. Whether all nodes are up.
    fn look(&mut self) -> Result<bool> {
        let (mut up, mut read) = (true, false);
        for at in 0..self.actors.len() {
            let Some(actor) = self.actors.get_mut(at) else { continue };
            up &= actor.wake(&mut self.children, self.luxord, now())?;
            for InboxDispatch { item, records } in actor.arrivals(now())? {
                let member = self.actors.get(at).map(|actor| actor.who.member.clone());
                let Some(member) = member else { continue };
                read = true;
                self.state.read.insert(member.clone(), item.index);
                if item.sender.member() != self.state.me.member {
                    continue;
                }
                self.arrived = true;
                self.moved = now();
                if item.rejected > 0 {
                    let what = What::Refused { records: item.rejected, outcome: item.outcome };
                    self.trace.write(Line { at: self.moved, partner: member.clone(), what })?;
                }
                for viewed in records {
                    let findings = self.findings(&viewed.record);
                    let rule = match self.trace.is_full() {
                        false => self.stage.arrived(at, &viewed.record, self.moved),
                        true => None,
                    };
                    self.live(at, Some(&viewed.root), &viewed.record);
                    let what = What::Received { root: viewed.root, record: viewed.record, findings, rule };
                    self.trace.write(Line { at: self.moved, partner: member.clone(), what })?;
                }
            }
        }
        if read {
            self.state.write(self.dir)?;
        }
        Ok(up)
    }

    /// What the rules of quality find in a record, as far as it is shown.
    fn findings(&self, record: &Json) -> Vec<Finding> {
        match content_from_json(&without_withheld(record)) {
            Ok(content) => quality::check(&content, &self.book, now().day()),
            Err(_) => Vec::new(),
        }
    }

    /// Does something, or puts it off until the partner's node is up.
    fn perform(&mut self, deed: Deed) -> Result<()> {
        let Some(actor) = self.actors.get_mut(deed.partner) else { return Ok(()) };
        let partner = actor.who.member.clone();
        let rule = deed.rule.clone();
        let what = match &deed.done {
            Done::Stop(millis) => {
                actor.stop(&mut self.children, now().plus(*millis))?;
                What::Stopped { rule, millis: *millis }
            }
            Done::Wrong(reason) => What::NotSent { rule, reason: reason.clone() },
            Done::Send { .. } if actor.client().is_none() => {
                self.backlog.push(deed);
                return Ok(());
            }
            Done::Send { record, urgent, twice } => {
                let run = self.state.runs;
                let mut sent = actor.send(record, *urgent, run)?;
                if *twice && sent.is_ok() {
                    sent = actor.send(record, *urgent, run)?;
                }
                match sent {
                    Ok(()) => What::Sent { rule, record: record.clone() },
                    Err(reason) => What::NotSent { rule, reason },
                }
            }
        };
        self.moved = now();
        self.trace.write(Line { at: self.moved, partner, what })
    }

    /// Whether nothing waits for a receipt anywhere.
    fn settled(&self, me: &Client) -> bool {
        let empty = |client: &Client| client.outbox(0).is_ok_and(|state| state.pending == 0);
        empty(me) && self.actors.iter().all(|actor| actor.client().is_some_and(empty))
    }

    /// What the life of a record's item tells at a partner's node: flags that name the record, as they stand when it comes, and alarms.
    /// Later the node orders it by a proven time that is that of a checkpoint after it, and own records by when they were sent.
    fn live(&mut self, at: usize, root: Option<&str>, record: &Json) {
        let Some(actor) = self.actors.get(at) else { return };
        let (Some(client), Some(id)) = (actor.client(), group_text(record, "item", "id")) else { return };
        let partner = actor.who.member.clone();
        if !self.items.contains(&(at, id.clone())) && self.items.len() >= MAX_SANDBOX_ITEMS {
            return;
        }
        self.items.insert((at, id.clone()));
        let further = ["scheme", "issuer", "posted_on"].map(|name| (name, group_text(record, "item", name)));
        // Where the number is that of several items, or its record was not taken, nothing is told.
        let Ok(mut life) = client.item(&id, &further, &[]) else { return };
        life.flags.retain(|flag| root.is_some_and(|root| flag.records.iter().any(|named| named == root)));
        life.alarms.retain(|alarm| self.alarms.insert((at, alarm.id.clone())));
        if !life.flags.is_empty() || !life.alarms.is_empty() {
            self.told.push(Told { partner, item: id, flags: life.flags, alarms: life.alarms });
        }
    }

    /// Alarms that were raised since by the passing of time.
    fn last_alarms(&mut self) {
        let mut seen = BTreeSet::new();
        let records: Vec<(usize, Json)> = (self.trace.lines.iter())
            .filter_map(|line| {
                let (What::Received { record, .. } | What::Sent { record, .. }) = &line.what else { return None };
                let at = self.actors.iter().position(|actor| actor.who.member == line.partner)?;
                let id = group_text(record, "item", "id")?;
                seen.insert((at, id)).then(|| (at, record.clone()))
            })
            .collect();
        records.iter().for_each(|(at, record)| self.live(*at, None, record));
    }
}

/// What happened: in memory for the report, in a file for people.
struct Trace {
    lines: Vec<Line>,
    file: File,
    path: PathBuf,
    cut: u64,
}

impl Trace {
    fn create(path: &Path) -> Result<Self> {
        let file = File::create(path).with_context(|| format!("{}: cannot be written", path.display()))?;
        Ok(Self { lines: Vec::new(), file, path: path.to_owned(), cut: 0 })
    }

    fn is_full(&self) -> bool {
        self.lines.len() >= MAX_SANDBOX_LINES
    }

    fn write(&mut self, line: Line) -> Result<()> {
        if self.is_full() {
            self.cut += 1;
            return Ok(());
        }
        let mut text = serde_json::to_vec(&line).context("a line of what happened")?;
        text.push(b'\n');
        self.file.write_all(&text).with_context(|| format!("{}: cannot be written", self.path.display()))?;
        ui::say(&told(&line));
        self.lines.push(line);
        Ok(())
    }

    fn note(&self) -> Option<String> {
        (self.cut > 0).then(|| format!("more than {MAX_SANDBOX_LINES} lines happened; {} are not judged", self.cut))
    }
}

/// A line in words.
fn told(line: &Line) -> String {
    let named = |record: &Json| {
        let type_name = record.get("type").and_then(Json::as_str).unwrap_or_default();
        let word = [
            ("response", "status"),
            ("referral", "kind"),
            ("answer", "outcome"),
            ("decision", "state"),
            ("event", "code"),
        ]
        .iter()
        .find_map(|(group, field)| group_text(record, group, field));
        let word = word.map(|word| format!("/{word}")).unwrap_or_default();
        format!("{type_name}{word} {}", own_reference(record).unwrap_or_default())
    };
    let partner = &line.partner;
    match &line.what {
        What::Received { record, rule, .. } => {
            let rule = rule.as_ref().map_or_else(|| "no rule".to_owned(), |rule| format!("rule '{rule}'"));
            format!("{partner} got {}: {rule}", named(record))
        }
        What::Refused { records, outcome } => format!("{partner} refused records: {records} ({outcome})"),
        What::Sent { rule, record } => format!("{partner} sends {} by rule '{rule}'", named(record)),
        What::NotSent { rule, reason } => format!("{partner} cannot play rule '{rule}': {reason}"),
        What::Receipt(ReceiptLine { rule, wrong, number, reference, event, .. }) => {
            let gave = match event {
                ReceiptEvent::Wrong => wrong.words(),
                ReceiptEvent::True => "the true receipt",
                ReceiptEvent::Counted => "no true receipt yet, and its sender says that it holds one,",
            };
            format!("{partner} gave {gave} for dispatch {number} with {reference} by rule '{rule}'")
        }
        What::Waits { number, reason, .. } => format!("your node tells of dispatch {number} to {partner}: {reason}"),
        What::NotPlayed { rule, deed, due } => {
            format!("{partner} does not play {deed} of rule '{rule}' any more, due {due}")
        }
        What::Stopped { rule, millis } => format!("{partner} is down for {millis} ms by rule '{rule}'"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use luxor_protocol::sandbox::Damage;

    #[test]
    fn a_true_receipt_that_did_not_come_is_told_with_when_it_was_due() {
        let text = "[[receipt]]\nname = \"slow\"\nreference = \"BAD\"\nwrong = \"number\"\nseconds = 7\n";
        let rules = Rules::parse(text).unwrap();
        let first = ReceiptLine {
            at: 1_000,
            rule: "slow".into(),
            wrong: Damage::Number,
            sender: "flyer/n1".parse().unwrap(),
            lane: Lane::Ordinary,
            number: 4,
            reference: "X-BAD".into(),
            event: ReceiptEvent::Wrong,
        };
        let what = Playing { first, told: true }.not_played(&rules);
        let deed = "the true receipt for dispatch 4 with X-BAD".to_owned();
        assert_eq!(what, What::NotPlayed { rule: "slow".into(), deed, due: Millis(8_000).to_string() });
    }
}
