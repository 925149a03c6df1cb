//! `luxor inbox`

use luxor_protocol::api::{InboxDispatch, InboxItem, InboxPage, SignatureMark};
use serde::Serialize;

use crate::args::InboxArgs;
use crate::client::Client;
use crate::exit::Exit;
use crate::ui;

/// Dispatches asked for at once.
const PAGE: u64 = 200;

#[derive(Serialize)]
struct Dispatches {
    dispatches: Vec<InboxDispatch>,
    next: Option<u64>,
}

pub(super) fn run(args: &InboxArgs) -> anyhow::Result<Exit> {
    let client = Client::open(&args.node.node)?;
    let page = items(&client, args)?;
    if args.records {
        records(&client, args, page)?;
    } else if args.node.json {
        ui::json(&page)?;
    } else {
        list(&page)?;
    }
    Ok(Exit::Ok)
}

/// As many items as wanted, over as many pages as it takes.
fn items(client: &Client, args: &InboxArgs) -> anyhow::Result<InboxPage> {
    let mut all = InboxPage { items: Vec::new(), next: args.after };
    loop {
        let missing = args.limit.saturating_sub(all.items.len() as u64);
        if missing == 0 {
            return Ok(all);
        }
        let page = client.inbox(all.next, missing.min(PAGE))?;
        let empty = page.items.is_empty();
        all.items.extend(page.items);
        all.next = page.next;
        if empty || all.next.is_none() {
            return Ok(all);
        }
    }
}

fn list(page: &InboxPage) -> anyhow::Result<()> {
    let heading = ["index", "from", "number", "agreement", "purpose", "accepted", "rejected", "due", "outcome"];
    let mut table = ui::Table::new(&heading, &[0, 2, 5, 6]);
    for item in &page.items {
        table.row(cells(item));
    }
    table.print()?;
    if let Some(next) = page.next {
        ui::say(&format!("hint: go on with --after {next}"));
    }
    Ok(())
}

/// What the records may be used for; a withdrawal has none.
pub(super) fn purpose(item: &InboxItem) -> String {
    item.purpose.map_or_else(|| "nothing".to_owned(), |purpose| purpose.to_string())
}

/// Who sent it, and whose records they are where they were passed on: the issuer first.
pub(super) fn sender(item: &InboxItem) -> String {
    match &item.source {
        Some(issuer) => format!("{issuer} through {}", item.sender),
        None => item.sender.to_string(),
    }
}

/// What is to be known of its signature, where the key is revoked.
pub(super) fn signature(item: &InboxItem) -> Option<&'static str> {
    item.signature.map(|mark| match mark {
        SignatureMark::Contested => {
            "contested: it was signed while others may have had the key, which is revoked; ask the sender"
        }
        SignatureMark::Unproven => {
            "unproven: its key is revoked, and nothing here shows that it was signed before; ask the sender"
        }
    })
}

fn cells(item: &InboxItem) -> [String; 9] {
    [
        item.index.to_string(),
        sender(item),
        item.number.to_string(),
        item.agreement.clone(),
        purpose(item),
        item.accepted.to_string(),
        item.rejected.to_string(),
        item.due.clone(),
        match item.signature {
            None => item.outcome.clone(),
            Some(SignatureMark::Contested) => format!("{}, contested", item.outcome),
            Some(SignatureMark::Unproven) => format!("{}, unproven", item.outcome),
        },
    ]
}

fn records(client: &Client, args: &InboxArgs, page: InboxPage) -> anyhow::Result<()> {
    let mut dispatches = Vec::new();
    for item in page.items {
        let dispatch = client.inbox_dispatch(item.index)?;
        if args.node.json {
            dispatches.push(dispatch);
            continue;
        }
        let item = &dispatch.item;
        let (index, sender, number) = (item.index, sender(item), item.number);
        ui::line(&format!(
            "{index}: number {number} of {sender} under {}, for {}, {}",
            item.agreement,
            purpose(item),
            item.outcome
        ))?;
        ui::line(&format!("  shown: {}; to be erased by {}", item.groups.join(", "), item.due))?;
        if let Some(words) = signature(item) {
            ui::line(&format!("  {words}"))?;
        }
        for record in &dispatch.records {
            ui::line(&format!("  {} {}", record.root, record.record))?;
        }
    }
    if args.node.json {
        ui::json(&Dispatches { dispatches, next: page.next })?;
    } else if let Some(next) = page.next {
        ui::say(&format!("hint: go on with --after {next}"));
    }
    Ok(())
}
