//! `luxor status`

use luxor_protocol::api::{Traffic, WitnessedLog};

use super::some;
use crate::args::StatusArgs;
use crate::client::Client;
use crate::exit::Exit;
use crate::ui;

pub(super) fn run(args: &StatusArgs) -> anyhow::Result<Exit> {
    let client = Client::open(&args.node.node)?;
    if args.checkpoint {
        ui::raw(client.checkpoint()?.as_bytes())?;
        return Ok(Exit::Ok);
    }
    let status = client.status()?;
    if args.node.json {
        ui::json(&status)?;
        return Ok(Exit::Ok);
    }
    let mut table = ui::Table::plain();
    table.row(["node", &status.node]);
    table.row(["network", &format!("{} ({})", status.network_name, status.network)]);
    let (members, agreements) = (some(status.members as u64, "member"), some(status.agreements as u64, "agreement"));
    let known = format!("{}, summary {:.16}", ui::count(status.documents as u64), status.documents_summary);
    table.row(["documents", &format!("{known}; {members}, {agreements}")]);
    for refused in &status.refused_documents {
        let from = refused.from.as_ref().map_or_else(|| "here".to_owned(), ToString::to_string);
        let times = if refused.times > 1 { format!(", {} times", ui::count(refused.times)) } else { String::new() };
        table.row(["refused document", &format!("{} from {from}{times}: {}", refused.document, refused.reason)]);
    }
    for what in &status.governance {
        table.row(["governance", what]);
    }
    table.row(["log", &format!("{}, root {}", some_entries(status.log_entries), status.log_root)]);
    table.row(["log key", &status.log_vkey]);
    table.row(["witnessed", &witnessed(&status.witnessed)]);
    for witness in &status.witnessed.witnesses {
        if let Some(reason) = &witness.reason {
            table.row(["not cosigned by", &format!("{}: {reason}", witness.witness)]);
        }
    }
    if let Some(why) = &status.close_due {
        table.row(["close due", why]);
    }
    for alarm in &status.alarms {
        table.row(["ALARM", alarm]);
    }
    for origin in &status.forked {
        table
            .row(["FORKED", &format!("{origin} has shown two histories; nothing goes there (`luxor evidence fetch`)")]);
    }
    if let Some(url) = &status.public_log {
        table.row(["public log", &format!("{url}, {}", some_entries(status.public_size.unwrap_or_default()))]);
    }
    table.row(["sent", &traffic(&status.sent)]);
    table.row(["received", &traffic(&status.received)]);
    let attached = &status.attachments;
    if attached.here + attached.incomplete > 0 {
        let here = format!("{} here, {} bytes", some(attached.here, "file"), ui::count(attached.bytes));
        table.row(["attachments", &format!("{here}; {} incomplete", ui::count(attached.incomplete))]);
    }
    let repairs = &status.repairs;
    if repairs.waiting + repairs.not_kept > 0 {
        let waiting = format!("{} waiting of at most {}", some(repairs.waiting, "record"), ui::count(repairs.limit));
        let lost = match repairs.not_kept {
            0 => String::new(),
            lost => format!("; {} refused since the start were NOT kept, there was no room", ui::count(lost)),
        };
        table.row(["repair", &format!("{waiting} (`luxor repair list`){lost}")]);
    }
    table.row(["outbox", &format!("{} without receipt", ui::count(status.outbox))]);
    for missing in &status.missing {
        let numbers = format!("numbers {} to {} of {} ({})", missing.first, missing.last, missing.sender, missing.lane);
        table.row(["lost here", &format!("{numbers}; their sender sends them again")]);
    }
    for refused in &status.refused_numbers {
        let number = format!("number {} to {} ({})", refused.number, refused.recipient, refused.lane);
        table.row(["refused there", &format!("{number}: {}", refused.reason)]);
    }
    let connected = if status.connected.is_empty() { "nobody".into() } else { status.connected.join(", ") };
    table.row(["connected", &connected]);
    for (code, count) in &status.errors {
        table.row(["refused requests", &format!("{code}: {}", ui::count(*count))]);
    }
    if status.strangers > 0 {
        table.row(["strangers", &some(status.strangers, "connection")]);
    }
    table.print()?;
    Ok(Exit::Ok)
}

fn witnessed(log: &WitnessedLog) -> String {
    let witnesses = some(log.witnesses.len() as u64, "witness").replace("witnesss", "witnesses");
    match log.size {
        0 if log.witnesses.is_empty() => "there is nobody to witness this log".into(),
        0 => format!("not yet; {witnesses} asked"),
        size => format!("{}, of {witnesses} asked", some_entries(size)),
    }
}

fn some_entries(count: u64) -> String {
    if count == 1 { "1 entry".into() } else { format!("{} entries", ui::count(count)) }
}

fn traffic(t: &Traffic) -> String {
    let dispatches = ui::count(t.dispatches);
    let (accepted, rejected) = (ui::count(t.accepted), ui::count(t.rejected));
    format!(
        "{dispatches} dispatches with receipt ({} refused, {} withdrawn); records: {accepted} accepted, {rejected} rejected",
        t.refused, t.withdrawn
    )
}
