//! `luxor queue`: what screening proposes, officers' orders, and indicators as a node holds them.
//!
//! Not here: what is proposed ([`luxor_protocol::threats`]). An officer's key never leaves this process: the order's digest is computed
//! here again from what the node says it is, and only that is signed.

use std::collections::BTreeSet;
use std::path::Path;

use luxor_protocol::api::{
    DrawRequest, DrawnReport, DryRunRequest, IndicatorLine, IndicatorName, MAX_INDICATORS_TOLD, MAX_PROPOSALS_TOLD,
    ProposalLine, RecordResult, SignRequest, SignedReport,
};
use luxor_protocol::exchange::Lane;
use luxor_protocol::hash::{Digest, Domain, hex, unhex};
use luxor_protocol::keys::{KeyUse, SecretKey};
use luxor_protocol::names::MemberId;
use luxor_protocol::record::content_from_json;
use luxor_protocol::threats::{Act, Ground, addressed};
use serde_json::json;
use zeroize::Zeroizing;

use super::{listed, now, short, some, today};
use crate::args::{
    DecideArgs, NodeArgs, OfficerArgs, QueueAnswerArgs, QueueCommand, QueueDryRunArgs, QueueIndicatorsArgs,
    QueueListArgs, QueueOrderArgs, QueueSignArgs, QueueUndoArgs,
};
use crate::chunks::of_one;
use crate::client::Client;
use crate::exit::{Exit, RefusedError};
use crate::{files, found, ui};

/// Bytes of a key file or a file of rules.
const MAX_TEXT_BYTES: usize = 1024 * 1024;

pub(super) fn run(command: &QueueCommand) -> anyhow::Result<Exit> {
    match command {
        QueueCommand::List(args) => list(args),
        QueueCommand::Status(args) => status(args),
        QueueCommand::Show(args) => {
            let line = Client::open(&args.node.node)?.proposal(&args.root)?;
            if args.node.json {
                ui::json(&line)?
            } else {
                show(&line)?
            }
            Ok(Exit::Ok)
        }
        QueueCommand::Confirm(args) => order(args, Act::Confirm),
        QueueCommand::Dismiss(args) => order(args, Act::Dismiss),
        QueueCommand::Seize(args) => order(args, Act::Seize),
        QueueCommand::Undo(args) => undo(args),
        QueueCommand::Orders(args) => orders(args),
        QueueCommand::Sign(args) => sign(args),
        QueueCommand::Indicators(args) => indicators(args),
        QueueCommand::DryRun(args) => dry_run(args),
        QueueCommand::Answer(args) => answer(args),
    }
}

/// `luxor officer`: a key, and the row for the node's file of officers.
pub(super) fn officer(args: &OfficerArgs) -> anyhow::Result<Exit> {
    let key = found::generate(KeyUse::Officer)?;
    files::write_secret(&args.output, &key.to_text())?;
    ui::line("[[officer]]")?;
    ui::line(&format!("name = {}", json!(args.name)))?;
    ui::line(&format!("key = \"{}\"", key.public()))?;
    ui::say("put these lines into the file that [screening] officers names in luxord.toml, and start the node again");
    Ok(Exit::Ok)
}

fn list(args: &QueueListArgs) -> anyhow::Result<Exit> {
    let client = Client::open(&args.node.node)?;
    let mut query = Vec::new();
    query.extend(args.state.map(|state| ("state", state.word().to_owned())));
    query.extend(args.advice.map(|advice| ("advice", advice.word().to_owned())));
    query.extend(args.rule.clone().map(|rule| ("rule", rule)));
    query.extend(args.indicator.as_ref().map(|id| ("indicator", id.to_string())));
    query.extend(args.issuer.as_ref().map(|issuer| ("issuer", issuer.to_string())));
    let mut from = 0;
    let mut all = Vec::new();
    let (as_of, total) = loop {
        let limit = (args.limit - all.len() as u64).min(MAX_PROPOSALS_TOLD as u64);
        let paged = [("from", from.to_string()), ("limit", limit.max(1).to_string())];
        let page = client.proposals(&query.iter().cloned().chain(paged).collect::<Vec<_>>())?;
        all.extend(page.proposals);
        match page.next {
            Some(next) if (all.len() as u64) < args.limit => from = next,
            _ => break (page.as_of, page.total),
        }
    };
    if args.node.json {
        ui::json(&json!({ "as_of": as_of, "total": total, "proposals": all }))?;
        return Ok(Exit::Ok);
    }
    ui::line(&format!("{} as of {as_of}", some(total, "proposal")))?;
    let mut table = ui::Table::new(&["leaves", "score", "propose", "item", "from", "rests on", "record"], &[1]);
    for one in &all {
        let leaves = one.departs.map_or_else(|| "unknown".into(), |at| at.to_string());
        let grounds = match one.grounds.as_slice() {
            [only] if one.more == 0 => {
                let merged: BTreeSet<&MemberId> = only.merged.iter().map(|ground| &ground.issuer).collect();
                let merged = if merged.is_empty() { String::new() } else { format!(", merges {}", listed(merged)) };
                format!("{} of {}{merged}", only.threat, only.issuer)
            }
            grounds => some((grounds.len() + one.more) as u64, "indicator"),
        };
        let item = one.item.clone().or_else(|| one.reference.clone()).unwrap_or_else(|| "erased".into());
        let from = one.issuer.as_ref().map(ToString::to_string).unwrap_or_default();
        table.row([leaves, one.score.to_string(), one.propose.to_string(), item, from, grounds, one.root.hex()]);
    }
    table.print()?;
    Ok(Exit::Ok)
}

fn show(line: &ProposalLine) -> anyhow::Result<()> {
    let item = line.item.clone().or_else(|| line.reference.clone()).unwrap_or_else(|| "(erased)".into());
    ui::line(&format!("{item}: {}, {} of 1000 by rule '{}' ({})", line.propose, line.score, line.rule, line.state))?;
    let leaves = line.departs.map_or_else(|| "it is not known when it leaves".into(), |at| format!("leaves {at}"));
    ui::line(&format!("  since {}, {leaves}", line.at))?;
    for ground in &line.grounds {
        show_ground(ground, "  ")?;
        for merged in &ground.merged {
            show_ground(merged, "    merges ")?;
        }
    }
    if line.more > 0 {
        ui::line(&format!("  and {} more", some(line.more as u64, "indicator")))?;
    }
    if !line.eased_by.is_empty() {
        let benefits: Vec<&str> = line.eased_by.iter().map(|benefit| benefit.word()).collect();
        ui::line(&format!("  less by the trader's benefits: {}", benefits.join(", ")))?;
    }
    if let Some(settled) = &line.settled {
        let order = settled.order.map(|order| format!(" by order {}", short(&order))).unwrap_or_default();
        ui::line(&format!("  {} on {}{order}", settled.state, settled.at))?;
    }
    if let Some(found) = line.found {
        ui::line(&format!("  inspection: {found}"))?;
    }
    if let Some(referral) = &line.referral {
        ui::line(&format!("  referral {referral}"))?;
    }
    for answer in &line.answers {
        ui::line(&format!("    {}: {}", answer.by, answer.outcome))?;
    }
    Ok(())
}

fn show_ground(ground: &Ground, indent: &str) -> anyhow::Result<()> {
    ui::line(&format!("{indent}{} of {}: {}, {} advised", ground.id, ground.issuer, ground.threat, ground.advice))?;
    let indent = " ".repeat(indent.len());
    for reason in &ground.reasons {
        let alike = if reason.alike < 100 { format!(", alike {} of 100", reason.alike) } else { String::new() };
        ui::line(&format!("{indent}  {} row {} met by {}{alike}", reason.facet, reason.row, reason.place))?;
    }
    Ok(())
}

fn status(args: &NodeArgs) -> anyhow::Result<Exit> {
    let status = Client::open(&args.node)?.screening()?;
    if args.json {
        ui::json(&status)?;
        return Ok(Exit::Ok);
    }
    let far = match status.behind {
        None => "what is stored is being read".to_owned(),
        Some(0) if status.looking_back == 0 => "up to the newest entry".to_owned(),
        Some(behind) => format!("{} behind, {} to look back on", some(behind, "entry"), ui::count(status.looking_back)),
    };
    ui::line(&format!("screened {far}; {} since the node started", some(status.screened, "record")))?;
    ui::line(&format!("{} held, {} of them live", some(status.indicators, "indicator"), ui::count(status.live)))?;
    ui::line(&format!("{}, {} of them open", some(status.proposals, "proposal"), ui::count(status.open)))?;
    let mut table = ui::Table::new(
        &["rule", "proposed", "open", "confirmed", "dismissed", "reversed", "inspected", "found"],
        &[1, 2, 3, 4, 5, 6, 7],
    );
    for (rule, figures) in &status.rules {
        let figures = [
            figures.proposed,
            figures.open,
            figures.confirmed + figures.seized,
            figures.dismissed,
            figures.reversed,
            figures.inspected,
            figures.found,
        ];
        table.row(std::iter::once(rule.clone()).chain(figures.map(ui::count)));
    }
    table.print()?;
    let two: Vec<&str> = status.two_officers_for.iter().map(|advice| advice.word()).collect();
    let mass = ui::count(status.mass_from as u64);
    ui::line(&format!("officers: {}", listed(&status.officers)))?;
    ui::line(&format!("two of them for {}, seizures, and orders about {mass} records or more", two.join(", ")))?;
    let mut bad = false;
    if let Some(refusal) = &status.refusal {
        ui::say(&format!("{} not taken, the last: {refusal}", some(status.refused, "indicator")));
        bad = true;
    }
    if status.left_out + status.unsent > 0 {
        ui::say(&format!(
            "{} had no room; {} that officers ordered went to nobody",
            some(status.left_out, "proposal"),
            some(status.unsent, "record")
        ));
        bad = true;
    }
    Ok(if bad { Exit::Findings } else { Exit::Ok })
}

fn order(args: &QueueOrderArgs, act: Act) -> anyhow::Result<Exit> {
    draw(&args.decide, act, args.roots.clone(), None, None)
}

fn undo(args: &QueueUndoArgs) -> anyhow::Result<Exit> {
    let indicator = args.issuer.clone().zip(args.indicator.clone()).map(|(issuer, id)| IndicatorName { issuer, id });
    draw(&args.decide, Act::Undo, Vec::new(), indicator, args.rule.clone())
}

fn draw(
    decide: &DecideArgs,
    act: Act,
    roots: Vec<Digest>,
    indicator: Option<IndicatorName>,
    rule: Option<String>,
) -> anyhow::Result<Exit> {
    let client = Client::open(&decide.node.node)?;
    // A key that cannot be read leaves no order behind.
    let key = decide.key.as_deref().map(secret).transpose()?;
    let drawn = client.draw_order(&DrawRequest { act, roots, indicator, rule, why: decide.why.clone() })?;
    let signed = match decide.officer.as_ref().zip(key) {
        Some((officer, key)) => Some(signed(&client, &drawn, officer, &key)?),
        None => None,
    };
    if decide.node.json {
        ui::json(&json!({ "drawn": drawn, "signed": signed }))?;
    } else {
        tell(&drawn)?;
        match &signed {
            Some(signed) => report(signed)?,
            None => ui::say(&format!("nobody signed it; `luxor queue sign {}` does", drawn.digest.hex())),
        }
    }
    Ok(outcome(signed.as_ref()))
}

/// What is ordered, and what of it was carried out before.
fn tell(drawn: &DrawnReport) -> anyhow::Result<()> {
    let order = &drawn.order;
    let about = some(order.roots.len() as u64, "record");
    let undone = order.source.as_ref().map(|source| format!(": {source}")).unwrap_or_default();
    ui::line(&format!(
        "order {}: {}{undone}, {about}, {}",
        drawn.digest.hex(),
        order.act,
        some(drawn.needs as u64, "officer")
    ))?;
    if drawn.lowered > 0 {
        ui::line(&format!("  {} rest on more and stay with less", some(drawn.lowered, "proposal")))?;
    }
    if !drawn.carried_out.is_empty() {
        let all = drawn.carried_out.len() as u64 + drawn.carried_out_more;
        ui::line(&format!("  carried out already: {}", ui::count(all)))?;
        let mut table = ui::Table::new(&["item", "what", "referral", "answer"], &[]);
        for one in &drawn.carried_out {
            let item = one.item.clone().unwrap_or_else(|| one.root.hex());
            let answers: Vec<String> = one.answers.iter().map(|a| format!("{} ({})", a.outcome, a.by)).collect();
            let answers = if answers.is_empty() { "none".into() } else { answers.join(", ") };
            table.row([item, one.propose.to_string(), one.referral.clone().unwrap_or_default(), answers]);
        }
        table.print()?;
    }
    Ok(())
}

fn sign(args: &QueueSignArgs) -> anyhow::Result<Exit> {
    let client = Client::open(&args.node.node)?;
    let key = secret(&args.key)?;
    let drawn = client.order(&args.order)?;
    let signed = signed(&client, &drawn, &args.officer, &key)?;
    if args.node.json {
        ui::json(&json!({ "drawn": drawn, "signed": signed }))?;
    } else {
        tell(&drawn)?;
        report(&signed)?;
    }
    Ok(outcome(Some(&signed)))
}

/// Signs what the node says the order is, if that is what its digest says.
fn signed(client: &Client, drawn: &DrawnReport, officer: &str, key: &SecretKey) -> anyhow::Result<SignedReport> {
    if drawn.order.digest() != drawn.digest {
        let what = format!("the node shows another order than {}; nothing was signed", drawn.digest.hex());
        return Err(RefusedError(what).into());
    }
    let network = unhex(&client.status()?.network).and_then(|bytes| bytes.try_into().ok()).map(Digest);
    let network = network.ok_or_else(|| RefusedError("the node names no network".into()))?;
    let signature = hex(&drawn.order.sign(key, &network));
    Ok(client.sign_order(&drawn.digest, &SignRequest { officer: officer.to_owned(), signature })?)
}

fn report(signed: &SignedReport) -> anyhow::Result<()> {
    let order = &signed.order;
    let by: Vec<&str> = order.signatures.iter().map(|signature| signature.officer.as_str()).collect();
    if order.done.is_none() {
        ui::line(&format!("signed by {}; it needs {}", listed(by), some(order.needs as u64, "officer")))?;
        ui::say(&format!("another officer: `luxor queue sign {}`", order.digest.hex()));
        return Ok(());
    }
    ui::line(&format!(
        "carried out, signed by {}: {} settled, {} stay with less, {} sent",
        listed(by),
        some(signed.settled, "proposal"),
        ui::count(signed.lowered),
        some(signed.sent, "record"),
    ))?;
    if let Some(why) = &signed.unsent_why {
        ui::say(&format!("{} went to nobody, the first: {why}", some(signed.unsent, "record")));
    }
    Ok(())
}

fn outcome(signed: Option<&SignedReport>) -> Exit {
    match signed.is_some_and(|signed| signed.unsent > 0) {
        true => Exit::Findings,
        false => Exit::Ok,
    }
}

fn secret(path: &Path) -> anyhow::Result<SecretKey> {
    let text = Zeroizing::new(files::read_text(path, MAX_TEXT_BYTES)?);
    let key = SecretKey::parse(KeyUse::Officer, &text);
    Ok(key.map_err(|error| RefusedError(format!("{}: {error}", path.display())))?)
}

fn orders(args: &NodeArgs) -> anyhow::Result<Exit> {
    let all = Client::open(&args.node)?.orders()?;
    if args.json {
        ui::json(&all)?;
        return Ok(Exit::Ok);
    }
    let mut table = ui::Table::new(&["drawn up", "what", "records", "signed by", "state", "why", "order"], &[2]);
    for one in &all {
        let signed: Vec<&str> = one.signatures.iter().map(|signature| signature.officer.as_str()).collect();
        let state = match one.done {
            Some(at) => format!("carried out {at}"),
            None => format!("{} of {} signed", signed.len(), one.needs),
        };
        let what = one.undone.as_ref().map_or_else(|| one.act.to_string(), |undone| format!("{} {undone}", one.act));
        let row = [
            one.at.to_string(),
            what,
            ui::count(one.records),
            signed.join(", "),
            state,
            one.why.clone(),
            one.digest.hex(),
        ];
        table.row(row);
    }
    table.print()?;
    Ok(Exit::Ok)
}

fn indicators(args: &QueueIndicatorsArgs) -> anyhow::Result<Exit> {
    let client = Client::open(&args.node.node)?;
    let (mut all, mut from): (Vec<IndicatorLine>, u64) = (Vec::new(), 0);
    let total = loop {
        let limit = (args.limit - all.len() as u64).min(MAX_INDICATORS_TOLD as u64).max(1);
        let mut query = vec![("from", from.to_string()), ("limit", limit.to_string())];
        query.extend(args.issuer.as_ref().map(|issuer| ("issuer", issuer.to_string())));
        let page = client.indicators(&query)?;
        all.extend(page.indicators);
        match page.next {
            Some(next) if (all.len() as u64) < args.limit => from = next,
            _ => break page.total,
        }
    };
    if args.node.json {
        ui::json(&json!({ "total": total, "indicators": all }))?;
        return Ok(Exit::Ok);
    }
    ui::line(&some(total, "indicator"))?;
    let mut table =
        ui::Table::new(&["issuer", "indicator", "state", "until", "hits", "open", "right", "name"], &[4, 5, 6]);
    for one in &all {
        let state = serde_json::to_value(one.state).ok().and_then(|state| state.as_str().map(str::to_owned));
        let right = format!("{} of {}", one.confirmed, one.inspected);
        table.row([
            one.issuer.to_string(),
            one.id.to_string(),
            state.unwrap_or_default(),
            one.valid_until.day().to_string(),
            ui::count(one.figures.proposed),
            ui::count(one.figures.open),
            right,
            one.name.clone().unwrap_or_default(),
        ]);
    }
    table.print()?;
    for one in &all {
        for graded in &one.grades {
            let grade = match graded.grade {
                Some(0) => "mutes it".to_owned(),
                Some(grade) => format!("grades it {grade} of 100"),
                None => "brings it together with others".to_owned(),
            };
            let why = graded.text.as_ref().map(|text| format!(": {text}")).unwrap_or_default();
            ui::line(&format!("{}: {} {grade} by {}{why}", one.id, graded.by, graded.id))?;
        }
        for (by, seen) in &one.sightings {
            ui::line(&format!(
                "{}: {by} saw it right {}, wrong {}, with nothing found {}",
                one.id, seen.confirmed, seen.false_positive, seen.nothing_found
            ))?;
        }
        for action in &one.actions {
            let state = match (&action.outcome, &action.on) {
                (Some(outcome), Some(on)) => {
                    let listings = action.listings.map(|n| format!(", {}", some(n, "listing"))).unwrap_or_default();
                    let ground = action.ground.as_ref().map(|ground| format!(": {ground}")).unwrap_or_default();
                    format!("{outcome} on {on}{listings}{ground}")
                }
                _ if action.state == luxor_protocol::api::AnswerState::Late => format!("LATE, due {}", action.due),
                _ => format!("open, due {}", action.due),
            };
            ui::line(&format!("{}: {} {state}", one.id, action.by))?;
        }
    }
    Ok(Exit::Ok)
}

fn dry_run(args: &QueueDryRunArgs) -> anyhow::Result<Exit> {
    let rules = args.rules.as_deref().map(|path| files::read_text(path, MAX_TEXT_BYTES)).transpose()?;
    let report = Client::open(&args.node.node)?.screening_dry_run(&DryRunRequest { rules, days: args.days })?;
    if args.node.json {
        ui::json(&report)?;
        return Ok(Exit::Ok);
    }
    ui::line(&format!("{} since {}, {} hit", some(report.records, "record"), report.since, ui::count(report.hit)))?;
    for (advice, count) in &report.proposals {
        ui::line(&format!("  {:<12} {}", advice.word(), ui::count(*count)))?;
    }
    for (rule, count) in &report.rules {
        ui::line(&format!("  by '{rule}': {}", ui::count(*count)))?;
    }
    if report.inspected > 0 {
        let (found, inspected) = (ui::count(report.found), ui::count(report.inspected));
        ui::line(&format!("of those {inspected} were inspected, and {found} of them right"))?;
    }
    Ok(Exit::Ok)
}

fn answer(args: &QueueAnswerArgs) -> anyhow::Result<Exit> {
    let client = Client::open(&args.node.node)?;
    let kind = client.documents()?.charter().member(&args.issuer).map(|member| member.kind);
    let mut action = json!({
        "indicator": args.indicator,
        "issuer": args.issuer,
        "outcome": args.outcome,
        "on": args.on.unwrap_or_else(today).to_string(),
    });
    if let Some(listings) = args.listings {
        action["listings"] = listings.into();
    }
    for (name, value) in [("ground", &args.ground), ("appeal", &args.appeal)] {
        if let Some(value) = value {
            action[name] = value.as_str().into();
        }
    }
    let record = content_from_json(&json!({
        "type": "action",
        "reference": { "own_reference": args.reference, "made_at": now().to_string() },
        "action": action,
        "handling": { addressed(kind): args.issuer },
    }));
    let record = record.map_err(|error| RefusedError(error.to_string()))?;
    let reference = Digest::of(Domain::Chunk, &[args.reference.as_bytes()]);
    let result = client.put_encoded(&format!("answer-{}", short(&reference)), 0, Lane::Ordinary, &of_one(&record))?;
    for record in &result.records {
        match record {
            RecordResult::Accepted { root, recipients, .. } if !args.node.json => {
                ui::line(&format!("sent to {}, record {root}", some(*recipients as u64, "member")))?;
            }
            RecordResult::Accepted { .. } => {}
            RecordResult::Refused { pointer, reason, .. } => {
                return Err(RefusedError(format!("{pointer}: {reason}")).into());
            }
        }
    }
    if args.node.json {
        ui::json(&result)?;
    }
    Ok(Exit::Ok)
}
