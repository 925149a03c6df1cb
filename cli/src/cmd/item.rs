//! `luxor item` and `luxor referrals`: the life of an item, and what waits.

use luxor_protocol::api::{
    AlarmLine, FlagLine, ImmediateLine, LifeReport, QueuedReferral, RecordLine, ReferralLine, ReleaseLine, TimelyLine,
    UseLine, UseState,
};

use luxor_protocol::quality::Category;

use super::{listed, some};
use crate::args::{ItemArgs, ReferralsArgs};
use crate::client::Client;
use crate::exit::Exit;
use crate::ui;

pub(super) fn run(args: &ItemArgs) -> anyhow::Result<Exit> {
    let client = Client::open(&args.node.node)?;
    let further =
        [("scheme", args.scheme.clone()), ("issuer", args.issuer.clone()), ("posted_on", args.posted_on.clone())];
    let life = client.item(&args.id, &further, &args.joined.purposes)?;
    if args.node.json {
        ui::json(&life)?;
    } else {
        print(&life)?;
    }
    let settled = life.uses.iter().all(|line| line.state == UseState::Confirmed);
    Ok(if life.alarms.is_empty() && life.flags.is_empty() && settled { Exit::Ok } else { Exit::Findings })
}

pub(super) fn referrals(args: &ReferralsArgs) -> anyhow::Result<Exit> {
    let client = Client::open(&args.node.node)?;
    let queue = client.referrals(&args.joined.purposes)?;
    if args.node.json {
        ui::json(&queue)?;
    } else {
        let mut table = ui::Table::new(&["deadline", "kind", "reference", "item", "state", "asked"], &[]);
        for QueuedReferral { item, referral, .. } in &queue {
            let [deadline, kind, reference, state, asked] = cells(referral);
            table.row([deadline, kind, reference, item.clone(), state, asked]);
        }
        if !queue.is_empty() {
            table.print()?;
        }
        for alarm in queue.iter().flat_map(|queued| &queued.alarms) {
            print_alarm(alarm)?;
        }
        ui::say(&format!("{} to be settled", some(queue.len() as u64, "referral")));
    }
    let alarmed = queue.iter().any(|queued| !queued.alarms.is_empty());
    Ok(if alarmed { Exit::Findings } else { Exit::Ok })
}

/// A number under which duty and tax are collected.
fn print_use(line: &UseLine) -> anyhow::Result<()> {
    let departs = line.departs.as_ref().map(|at| format!(", departs {at}")).unwrap_or_default();
    let told = match line.state {
        UseState::Confirmed => format!("  {} is confirmed by its holder", line.number),
        UseState::Unconfirmed => format!(
            "UNCONFIRMED: the holder of {} has not confirmed that it is used for this item{departs}",
            line.number
        ),
        UseState::Departed => format!(
            "UNCONFIRMED: it departed, and the holder of {} did not confirm that it is used for this item{departs}",
            line.number
        ),
    };
    ui::line(&told)?;
    Ok(())
}

fn print(life: &LifeReport) -> anyhow::Result<()> {
    let issuer = life.issuer.as_ref().map(|issuer| format!(" of {issuer}")).unwrap_or_default();
    let posted = life.posted_on.as_ref().map(|day| format!(", posted on {day}")).unwrap_or_default();
    let purposes = life.purposes.iter().map(|purpose| purpose.word());
    ui::line(&format!(
        "item {} ({}{issuer}{posted}), as views for {} show it",
        life.id,
        life.scheme,
        listed(purposes)
    ))?;
    life.uses.iter().try_for_each(print_use)?;
    life.alarms.iter().try_for_each(print_alarm)?;
    print_release(&life.release)?;
    life.immediate.iter().try_for_each(print_immediate)?;
    for alias in &life.other_names {
        let by = listed(alias.by.iter().map(|word| &word.issuer));
        ui::line(&format!("  also known as {} ({}), by {by}", alias.id, alias.scheme))?;
    }
    for related in &life.related {
        ui::line(&format!("  {} {} ({})", related.relation, related.item.id, related.item.scheme))?;
    }
    for day in &life.other_items {
        ui::line(&format!("  another item with this number was posted on {day}"))?;
    }
    for nest in &life.transport {
        ui::line(&format!("  in {} {}, held by {}", nest.level, nest.id, listed(&nest.holders)))?;
    }
    for (field, values) in &life.route {
        let values = values.iter().map(|datum| format!("{} (by {})", datum.value, datum.issuer));
        ui::line(&format!("  {} {}", field.replace('_', " "), values.collect::<Vec<_>>().join(", ")))?;
    }
    if !life.referrals.is_empty() {
        ui::line("referrals")?;
        let mut table = ui::Table::new(&["  deadline", "kind", "reference", "state", "asked"], &[]);
        for referral in &life.referrals {
            let [deadline, kind, reference, state, asked] = cells(referral);
            table.row([format!("  {deadline}"), kind, reference, state, asked]);
        }
        table.print()?;
    }
    if !life.timeliness.is_empty() {
        ui::line("deadlines")?;
        life.timeliness.iter().try_for_each(print_timely)?;
    }
    if !life.steps.is_empty() {
        ui::line("steps")?;
        let mut table = ui::Table::new(&["  proven", "claimed", "what", "by"], &[]);
        for step in &life.steps {
            let time = |time: &Option<String>| time.clone().unwrap_or_else(|| "-".into());
            let what = if step.counts { step.what.clone() } else { format!("{} (does not count)", step.what) };
            table.row([format!("  {}", time(&step.proven)), time(&step.claimed), what, step.by.issuer.to_string()]);
        }
        table.print()?;
    }
    ui::line("records")?;
    let mut table = ui::Table::new(&["  type", "reference", "revision", "standing", "by", "shown for"], &[2]);
    for record in life.records.values().flatten().chain(&life.earlier) {
        table.row(record_cells(record));
    }
    table.print()?;
    for FlagLine { finding, text, .. } in &life.flags {
        ui::line(&format!("flag {finding}: {text}"))?;
    }
    life.cut.iter().try_for_each(|cut| ui::line(&format!("not looked at: {cut}")))?;
    Ok(())
}

fn print_release(release: &ReleaseLine) -> std::io::Result<()> {
    ui::line(&format!("  release     {}", release.state))?;
    for say in &release.says {
        let who = say.member.as_ref().map(|member| format!(" ({member})")).unwrap_or_default();
        let since = say.since.as_ref().map(|since| format!(" since {since}")).unwrap_or_default();
        let waits = if say.waited_for { ", waited for" } else { "" };
        ui::line(&format!("    {}{who}: {}{since}{waits}", say.control, say.word))?;
    }
    for control in &release.not_shown {
        ui::line(&format!("    {control}: what is shown does not tell whether it applies"))?;
    }
    Ok(())
}

fn print_immediate(line: &ImmediateLine) -> std::io::Result<()> {
    let of = line.reference.as_deref().unwrap_or("(hidden)");
    let rule = line.list.as_ref().map(|list| format!(" ({} {}: {})", list.name, list.version, list.source));
    ui::line(&format!(
        "  immediate release of {of} by {}: {}{}: {}{}",
        line.issuer,
        if matches!(line.category, Category::Excluded | Category::NotShown) { "" } else { "category " },
        line.category.word(),
        line.reason,
        rule.unwrap_or_default()
    ))?;
    let lists = [("requires", &line.required), ("missing", &line.missing), ("not shown", &line.hidden)];
    for (word, fields) in lists.into_iter().filter(|(_, fields)| !fields.is_empty()) {
        ui::line(&format!("    {word}: {}", fields.join(", ")))?;
    }
    Ok(())
}

fn print_timely(line: &TimelyLine) -> std::io::Result<()> {
    let by = line.by_millis.map(|millis| format!(" by {} min", millis / 60_000)).unwrap_or_default();
    let claimed = line.claimed_verdict.as_ref().filter(|claimed| **claimed != line.verdict);
    let claimed = claimed.map(|claimed| format!(", {claimed} by its own word")).unwrap_or_default();
    let deadline = line.deadline.as_ref().map(|at| format!(", due {at}")).unwrap_or_default();
    let verdict = line.verdict.replace('_', " ");
    let proven = match (&line.proven, &line.lodged_with) {
        (Some(at), Some(with)) => format!(", proven {at} by {with}"),
        (Some(at), None) => format!(", proven {at}"),
        (None, _) => String::new(),
    };
    let own = line.claimed.as_ref().map(|at| format!(", claimed {at}")).unwrap_or_default();
    ui::line(&format!(
        "  {} of {}: {verdict}{by}{claimed}{deadline}{proven}{own} ({})",
        line.filing, line.filer, line.rule
    ))
}

fn print_alarm(alarm: &AlarmLine) -> std::io::Result<()> {
    ui::line(&format!("ALARM {} since {}: {} (for {})", alarm.kind, alarm.since, alarm.text, listed(&alarm.customs)))
}

/// Deadline, kind, reference, state and who was asked.
fn cells(referral: &ReferralLine) -> [String; 5] {
    let hidden = || "(hidden)".to_owned();
    let overdue = if referral.overdue { " (passed)" } else { "" };
    let state = if referral.withdrawn { "taken back".to_owned() } else { referral.state.to_string() };
    [
        referral.deadline.as_ref().map_or_else(|| "-".into(), |at| format!("{at}{overdue}")),
        referral.kind.as_ref().map_or_else(hidden, ToString::to_string),
        referral.reference.clone().unwrap_or_else(hidden),
        state,
        listed(referral.addressees.iter().chain(&referral.reaches)),
    ]
}

fn record_cells(record: &RecordLine) -> [String; 6] {
    let views = record.views.iter().map(|view| match view.purpose {
        Some(purpose) => purpose.to_string(),
        None => "own".to_owned(),
    });
    [
        format!("  {}", record.r#type),
        record.reference.clone().unwrap_or_else(|| "(hidden)".into()),
        record.revision.to_string(),
        record.standing.to_string(),
        record.issuer.to_string(),
        listed(views),
    ]
}
