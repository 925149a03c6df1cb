//! `luxor outbox`, `luxor withdraw` and `luxor redirect`

use luxor_protocol::api::{OutboxItem, RedirectRequest, Redirected, WithdrawRequest};

use super::lane;
use crate::args::{OutboxArgs, RedirectArgs, WithdrawArgs};
use crate::client::Client;
use crate::exit::Exit;
use crate::ui;

pub(super) fn list(args: &OutboxArgs) -> anyhow::Result<Exit> {
    let client = Client::open(&args.node.node)?;
    let page = client.outbox_page(args.after.as_deref(), args.limit)?;
    if args.node.json {
        ui::json(&page)?;
        return Ok(Exit::Ok);
    }
    if page.items.is_empty() {
        ui::say("every dispatch has its receipt");
        return Ok(Exit::Ok);
    }
    let columns = ["to", "lane", "number", "agreement", "records", "bytes", "made", "state"];
    let mut table = ui::Table::new(&columns, &[2, 4, 5]);
    for item in &page.items {
        table.row(cells(item));
    }
    table.print()?;
    if let Some(next) = page.next {
        ui::say(&format!("hint: go on with --after {next}"));
    }
    Ok(Exit::Ok)
}

pub(super) fn withdraw(args: &WithdrawArgs) -> anyhow::Result<Exit> {
    let client = Client::open(&args.node.node)?;
    let lane = lane(args.urgent);
    let request = WithdrawRequest { recipient: args.recipient.clone(), lane, number: args.number };
    let withdrawn = client.withdraw(&request)?;
    if args.node.json {
        ui::json(&withdrawn)?;
    } else {
        ui::line(&format!(
            "number {} to {} is withdrawn, dispatch {}",
            args.number, args.recipient, withdrawn.dispatch
        ))?;
        ui::say("the withdrawal waits for its receipt now; if the dispatch had arrived already, that receipt says so");
    }
    Ok(Exit::Ok)
}

pub(super) fn redirect(args: &RedirectArgs) -> anyhow::Result<Exit> {
    let client = Client::open(&args.node.node)?;
    let mut done = Redirected { dispatches: 0, records: 0, left: Vec::new(), next: None };
    let mut request = RedirectRequest { from: args.from.clone(), to: args.to.clone(), after: None };
    loop {
        let page = client.redirect(&request)?;
        done.dispatches += page.dispatches;
        done.records += page.records;
        done.left.extend(page.left);
        request.after = page.next;
        if request.after.is_none() {
            break;
        }
    }
    if args.node.json {
        ui::json(&done)?;
    } else {
        ui::line(&format!(
            "{} dispatches with {} records go to {} and are withdrawn at {}",
            done.dispatches, done.records, args.to, args.from
        ))?;
        for left in &done.left {
            ui::line(&format!(
                "{} number {} to {} waits as before: {}",
                left.lane, left.number, left.recipient, left.reason
            ))?;
        }
    }
    Ok(if done.left.is_empty() { Exit::Ok } else { Exit::Findings })
}

fn cells(item: &OutboxItem) -> [String; 8] {
    let state = if item.withdrawn { "withdrawn" } else { "waiting" };
    let reason = item.reason.as_ref().map_or(String::new(), |reason| format!(": {reason}"));
    [
        item.recipient.to_string(),
        item.lane.to_string(),
        item.number.to_string(),
        match &item.source {
            Some(issuer) => format!("{}, passing on what {issuer} issued", item.agreement),
            None => item.agreement.clone(),
        },
        item.records.to_string(),
        ui::count(item.bytes),
        item.made_at.clone(),
        format!("{state}{reason}"),
    ]
}
