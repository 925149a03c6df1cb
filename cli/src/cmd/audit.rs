//! `luxor audit`: fetches documents and pages, and lets [`luxor_protocol::audit`] judge them here.
//!
//! | file | content |
//! |---|---|
//! | this | the audit of one or several logs |
//! | `forks` | what the logs hold of one another's checkpoints |
//! | `sample`, `pack`, `verify_pack`, `archive` | one command each |
//! | `anchors` | what packs and archives are compared with |
//! | `args` | their command line |

mod anchors;
mod archive;
mod args;
mod forks;
mod pack;
mod sample;
#[cfg(test)]
mod tests;
mod verify_pack;

pub(super) use anchors::network;
pub(crate) use args::AuditCommand;

use anyhow::Context as _;
use luxor_protocol::audit::{AuditReport, compare_channels};
use luxor_protocol::document::Directory;
use luxor_protocol::names::NodeRef;
use serde::Serialize;

use super::today;
use crate::args::AuditArgs;
use crate::auditing::read;
use crate::client::Client;
use crate::exit::{Exit, UsageError};
use crate::ui;
use forks::{Compare, Search};

/// What the audit of one or several logs found.
#[derive(Debug, Serialize)]
struct Findings {
    ok: bool,
    reports: Vec<AuditReport>,
    /// Channels that their two ends tell differently.
    differences: Vec<Difference>,
    /// What the logs hold of one another's checkpoints; absent where one log was read and nobody asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    checkpoints: Option<Compare>,
    /// Logs that could not be read.
    not_audited: Vec<NotAudited>,
}

#[derive(Debug, Serialize)]
struct Difference {
    channel: String,
    what: String,
}

#[derive(Debug, Serialize)]
struct NotAudited {
    node: NodeRef,
    why: String,
}

pub(super) fn run(args: &AuditArgs) -> anyhow::Result<Exit> {
    match &args.command {
        Some(AuditCommand::Sample(args)) => sample::run(args),
        Some(AuditCommand::Pack(args)) => pack::run(args),
        Some(AuditCommand::VerifyPack(args)) => verify_pack::run(args),
        Some(AuditCommand::Archive(args)) => archive::run(args),
        None => {
            let findings = findings(args)?;
            match args.json {
                true => ui::json(&findings)?,
                false => print(&findings)?,
            }
            Ok(if findings.ok { Exit::Ok } else { Exit::Findings })
        }
    }
}

fn findings(args: &AuditArgs) -> anyhow::Result<Findings> {
    // Without a command the parser asks for it.
    let node = args.node.as_deref().ok_or_else(|| UsageError("no node is named\nhint: give --node".into()))?;
    let client = Client::open(node)?;
    let directory = client.documents()?;
    let own: NodeRef = client.status()?.node.parse().context("the node's own name")?;
    let targets = targets(args, &directory, &own);
    let mut search = (targets.len() > 1 || args.evidence.is_some()).then(|| Search::new(&directory));
    let (mut reports, mut not_audited) = (Vec::new(), Vec::new());
    for node in &targets {
        let take = |index, entry: &_| search.iter_mut().for_each(|search| search.take(node, index, entry));
        match read(&client, &directory, node, None, take) {
            Ok((report, note)) => {
                reports.push(report);
                search.iter_mut().for_each(|search| search.read_up_to(node, note.clone()));
            }
            Err(error) if targets.len() == 1 => return Err(error),
            Err(error) => {
                let why = error.chain().map(ToString::to_string).collect::<Vec<_>>().join(": ");
                not_audited.push(NotAudited { node: node.clone(), why });
            }
        }
    }
    let differences: Vec<_> =
        compare_channels(&reports).into_iter().map(|(channel, what)| Difference { channel, what }).collect();
    let checkpoints = search.map(|search| search.finish(&client, args.evidence.as_deref())).transpose()?;
    let agree = checkpoints.as_ref().is_none_or(Compare::ok);
    let ok = reports.iter().all(AuditReport::ok) && differences.is_empty() && not_audited.is_empty() && agree;
    Ok(Findings { ok, reports, differences, checkpoints, not_audited })
}

/// The nodes to audit: those named, or the own, and with `--all` everyone whose member gives a mandate today.
fn targets(args: &AuditArgs, directory: &Directory, own: &NodeRef) -> Vec<NodeRef> {
    if !args.of.is_empty() {
        return args.of.clone();
    }
    let mut targets = vec![own.clone()];
    if args.all {
        let (member, today) = (own.member(), today());
        let gives = |audited| directory.mandate(audited, &member, today).is_some();
        targets.extend(directory.nodes().filter(|n| gives(&n.member)).map(|n| n.node.clone()));
    }
    targets
}

fn print(findings: &Findings) -> anyhow::Result<()> {
    for report in &findings.reports {
        print_report(report)?;
    }
    if findings.reports.len() > 1 {
        match findings.differences.is_empty() {
            true => ui::line("channels: both ends of each channel between audited nodes name the same dispatches")?,
            false => ui::line("channels: the two ends differ")?,
        }
    }
    for difference in &findings.differences {
        ui::line(&format!("  {}: {}", difference.channel, difference.what))?;
    }
    if !findings.differences.is_empty() {
        ui::say(
            "hint: what was on its way while the logs were read shows as a difference; audit again when it is there",
        );
    }
    if let Some(checkpoints) = &findings.checkpoints {
        checkpoints.print()?;
    }
    for missed in &findings.not_audited {
        ui::line(&format!("{}: not audited: {}", missed.node, missed.why))?;
    }
    Ok(())
}

fn print_report(report: &AuditReport) -> anyhow::Result<()> {
    let verdict = match report.findings_count {
        0 => "everything holds".to_owned(),
        1 => "1 finding".to_owned(),
        n => format!("{} findings", ui::count(n)),
    };
    ui::line(&format!("{}: {verdict}", report.node))?;
    let mut table = ui::Table::plain();
    table.row(["  entries", &format!("{}, root {}", ui::count(report.entries), report.root)]);
    for (name, number) in [
        ("  signed checkpoints", report.checkpoints),
        ("  skeletons opened", report.skeletons),
        ("  bodies opened", report.bodies),
        ("  bodies withheld or erased", report.withheld),
        ("  dispatch signatures", report.dispatch_signatures),
        ("  counterparty receipts", report.receipts),
        ("  sent without receipt", report.without_receipt),
    ] {
        table.row([name, &ui::count(number)]);
    }
    for channel in &report.channels {
        let epoch = if channel.epoch == 1 { String::new() } else { format!(", epoch {}", channel.epoch) };
        let told =
            format!("{} -> {}{epoch}: {} dispatches", channel.sender, channel.recipient, ui::count(channel.count));
        table.row(["  channel", &told]);
    }
    for erased in &report.erased {
        let part =
            if erased.in_part == 0 { String::new() } else { format!(", records of {}", ui::count(erased.in_part)) };
        let told = format!(
            "entry {}: {} entries{part}, on {} by {}, {} -> {}",
            erased.entry,
            ui::count(erased.whole),
            erased.on,
            erased.ground,
            erased.sender,
            erased.recipient
        );
        table.row(["  erased", &told]);
    }
    table.print()?;
    for finding in &report.findings {
        let place = finding.entry.map_or("log".to_owned(), |index| format!("entry {index}"));
        ui::line(&format!("  finding at {place}: {}", finding.what))?;
    }
    let untold = report.findings_count - report.findings.len() as u64;
    if untold > 0 {
        ui::line(&format!("  and {} more", ui::count(untold)))?;
    }
    Ok(())
}
