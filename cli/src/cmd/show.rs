//! `luxor show`

use luxor_protocol::api::{Delivery, ReceiptStanding, RecordInfo};
use luxor_protocol::exchange::Lane;
use luxor_protocol::time::Millis;
use serde::Serialize;

use crate::args::ShowArgs;
use crate::client::Client;
use crate::exit::Exit;
use crate::ui;

#[derive(Serialize)]
struct Shown {
    records: Vec<RecordInfo>,
    /// Receipts of the deliveries, where asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    receipts: Vec<ShownReceipt>,
}

#[derive(Serialize)]
struct ShownReceipt {
    recipient: String,
    epoch: u64,
    lane: Lane,
    number: u64,
    receipt: String,
    /// How it stands with the recipient's witnesses; absent when the recipient does not say now.
    #[serde(skip_serializing_if = "Option::is_none")]
    standing: Option<ReceiptStanding>,
}

pub(super) fn run(args: &ShowArgs) -> anyhow::Result<Exit> {
    let client = Client::open(&args.node.node)?;
    let records = client.records(&args.reference)?;
    let mut receipts = Vec::new();
    if args.receipt {
        for delivery in settled(&records) {
            let (recipient, epoch, number) = (delivery.recipient.to_string(), delivery.epoch, delivery.number);
            let lane = delivery.lane;
            let receipt = client.receipt(&delivery.recipient, epoch, lane, number)?;
            // A recipient that is away keeps nobody from seeing the receipt itself.
            let standing = client.receipt_standing(&delivery.recipient, epoch, lane, number);
            let standing = standing.map_err(|error| ui::say(&error.to_string())).ok();
            receipts.push(ShownReceipt { recipient, epoch, lane, number, receipt, standing });
        }
    }
    let found = !records.is_empty();
    if args.node.json {
        ui::json(&Shown { records, receipts })?;
    } else {
        for record in &records {
            print(record)?;
        }
        for receipt in &receipts {
            let standing = receipt.standing.as_ref().map_or("signed".into(), standing);
            ui::line(&format!("receipt of {} for number {} ({standing}):", receipt.recipient, receipt.number))?;
            // The one under a cosigned checkpoint says more.
            let file = match &receipt.standing {
                Some(ReceiptStanding::Witnessed { receipt, .. }) => receipt,
                _ => &receipt.receipt,
            };
            file.lines().try_for_each(ui::line)?;
        }
    }
    if !found {
        ui::say(&format!("this node neither sent nor received a record '{}'", args.reference));
    }
    Ok(if found { Exit::Ok } else { Exit::Findings })
}

fn standing(standing: &ReceiptStanding) -> String {
    match standing {
        ReceiptStanding::Signed => "signed, not witnessed yet".into(),
        ReceiptStanding::Witnessed { time, .. } => {
            let time = Millis(time.saturating_mul(1_000).min(Millis::MAX.0));
            format!("signed and witnessed at {time}")
        }
    }
}

/// Deliveries with a receipt, each dispatch once.
fn settled(records: &[RecordInfo]) -> Vec<&Delivery> {
    let mut settled: Vec<_> =
        records.iter().flat_map(|r| &r.deliveries).filter(|d| d.receipt_index.is_some()).collect();
    let key = |d: &&Delivery| (d.recipient.clone(), d.epoch, d.lane, d.number);
    settled.sort_by_key(key);
    settled.dedup_by_key(|d| key(&&**d));
    settled
}

fn print(info: &RecordInfo) -> anyhow::Result<()> {
    ui::line(&format!("record {} of {}", info.root, info.issuer))?;
    for line in serde_json::to_string_pretty(&info.record)?.lines() {
        ui::line(&format!("  {line}"))?;
    }
    if let Some(item) = &info.received {
        ui::line(&format!(
            "  received from {} as number {} under {}, for {}; to be erased by {}; entry {} of this node's log",
            super::inbox::sender(item),
            item.number,
            item.agreement,
            super::inbox::purpose(item),
            item.due,
            item.index
        ))?;
        if let Some(words) = super::inbox::signature(item) {
            ui::line(&format!("  {words}"))?;
        }
    }
    for (deliveries, to) in [(&info.deliveries, "  to"), (&info.passed_on, "  passed on to")] {
        if deliveries.is_empty() {
            continue;
        }
        let mut table = ui::Table::new(&[to, "number", "agreement", "purpose", "groups", "state", "receipt"], &[1]);
        for d in deliveries {
            let receipt = d.receipt_index.map_or("none yet".into(), |index| format!("entry {index} of its log"));
            let (to, number) = (format!("  {}", d.recipient), d.number.to_string());
            table.row([
                to,
                number,
                d.agreement.clone(),
                d.purpose.to_string(),
                groups(&d.groups),
                d.state.clone(),
                receipt,
            ]);
        }
        table.print()?;
    }
    Ok(())
}

/// The groups' names, or how many when a line would not hold them; `--json` has them all.
fn groups(names: &[String]) -> String {
    if names.len() > 4 { format!("{} groups", names.len()) } else { names.join(", ") }
}
