//! `luxor reconcile`: what differs per item and account, as a report; and what people do about it.
//!
//! Not here: what a difference is ([`luxor_protocol::accounting`]), which the node finds in what it holds.

use std::path::Path;

use luxor_protocol::api::{
    AmountLine, BankLine, ClassTotals, CloseRequest, ClosedLine, ExplainRequest, FindingLine, MAX_DIFFERENCES_TOLD,
    ReconciliationPage, StatementTaken, SummaryListRequest, WriteOffRequest,
};
use luxor_protocol::formats::{BankFile, BankMapping, bank_csv, camt053, guarded_text};
use luxor_protocol::limits::{MAX_BANK_FILE_BYTES, MAX_BOOK_BYTES, MAX_SUMMARY_LIST_BYTES};

use super::some;
use crate::args::{
    CloseArgs, PaymentsArgs, ReconcileArgs, ReconcileCommand, ReconcileExplainArgs, SummaryListArgs, WriteOffArgs,
};
use crate::client::Client;
use crate::exit::{Exit, RefusedError, UsageError};
use crate::{files, ui};

/// The CSV that is read without a mapping.
const PLAIN: &str = "name = \"plain\"\n[columns]\namount = \"amount\"\ncurrency = \"currency\"\nbooked = \"booked\"\nreferences = [\"reference\"]\ntexts = [\"text\"]\n";
const HEADING: &str =
    "id,class,state,reopened,item,account,period,since,amount,unit,text,evidence,decided_by,decided_why";

pub(super) fn run(args: &ReconcileArgs) -> anyhow::Result<Exit> {
    match &args.command {
        None => list(args),
        Some(ReconcileCommand::Explain(args)) => explain(args),
        Some(ReconcileCommand::WriteOff(args)) => write_off(args),
        Some(ReconcileCommand::Close(args)) => close(args),
        Some(ReconcileCommand::Payments(args)) => payments(args),
        Some(ReconcileCommand::List(args)) => summary_list(args),
    }
}

fn list(args: &ReconcileArgs) -> anyhow::Result<Exit> {
    let node = args.node.as_deref().ok_or_else(|| UsageError("--node names the node".into()))?;
    let client = Client::open(node)?;
    let mut query = vec![("limit", MAX_DIFFERENCES_TOLD.to_string())];
    if !args.class.is_empty() {
        let words: Vec<&str> = args.class.iter().map(|class| class.word()).collect();
        query.push(("class", words.join(",")));
    }
    query.extend(args.state.map(|state| ("state", state.word().to_owned())));
    query.extend(args.period.map(|period| ("period", period.to_string())));
    let mut page = client.reconciliation(&query)?;
    while let Some(next) = page.next.take() {
        let asked: Vec<(&'static str, String)> = query.iter().cloned().chain([("after", next)]).collect();
        let more = client.reconciliation(&asked)?;
        page.findings.extend(more.findings);
        page.next = more.next;
    }
    match (args.json, args.csv) {
        (true, _) => ui::json(&page)?,
        (_, true) => csv(&page).iter().try_for_each(|line| ui::line(line))?,
        _ => report(&page)?,
    }
    let open = page.totals.iter().any(|totals| totals.open > 0);
    Ok(if open { Exit::Findings } else { Exit::Ok })
}

/// Totals by class, then each difference: item, class, what was said by whom, amounts, evidence.
fn report(page: &ReconciliationPage) -> anyhow::Result<()> {
    let (records, items) = (some(page.records, "record"), some(page.items, "number"));
    ui::line(&format!("{records} of {items} of items, as of {}", page.as_of))?;
    if page.totals.is_empty() {
        ui::line("nothing differs")?;
    } else {
        let mut table =
            ui::Table::new(&["class", "open", "explained", "written off", "open ones differ by"], &[1, 2, 3]);
        for ClassTotals { class, open, explained, written_off, differences } in &page.totals {
            let by: Vec<String> = differences.iter().map(amount).collect();
            let [open, explained, written_off] = [*open, *explained, *written_off].map(ui::count);
            table.row([class.word().to_owned(), open, explained, written_off, by.join(", ")]);
        }
        table.print()?;
    }
    for finding in &page.findings {
        ui::line("")?;
        lines(finding).iter().try_for_each(|line| ui::line(line))?;
    }
    if !page.corrections.is_empty() {
        ui::line("")?;
        ui::line("corrections of closed months")?;
    }
    for one in &page.corrections {
        let reference = one.reference.clone().unwrap_or_else(|| short(&one.record).to_owned());
        ui::line(&format!(
            "  {}: {} {} {} of {} in {}, mends {}: duty {reference} of {} ({})",
            one.account, one.amount, one.currency, one.tax, one.territory, one.period, one.mends, one.by, one.why
        ))?;
    }
    if page.more_corrections > 0 {
        ui::line(&format!("  and {} more", ui::count(page.more_corrections)))?;
    }
    if page.left_out > 0 {
        ui::say(&format!("{} had no room and are not accounted for", some(page.left_out, "record")));
    }
    Ok(())
}

/// One difference, for people.
fn lines(finding: &FindingLine) -> Vec<String> {
    let about = match (&finding.item, &finding.account) {
        (Some(item), _) => {
            let posted = item.posted_on.as_ref().map(|day| format!(" posted on {day}")).unwrap_or_default();
            format!("{} {}{posted}", item.scheme, item.id)
        }
        (None, Some(account)) => format!("account {account}, {}", finding.period),
        (None, None) => "bank entry".to_owned(),
    };
    let reopened = if finding.reopened { ", facts changed since it was decided" } else { "" };
    let state = finding.state.word().replace('_', " ").to_uppercase();
    let mut lines = vec![format!("{about}: {} ({state}{reopened})", finding.class), format!("  {}", finding.text)];
    for side in &finding.sides {
        let who = side.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
        let reference = side.reference.as_ref().map(|reference| format!(" {reference}")).unwrap_or_default();
        let at = side.at.as_ref().map(|at| format!(", {at}")).unwrap_or_default();
        let root = side.record.as_ref().map(|root| format!(", record {}", short(root))).unwrap_or_default();
        let kind = side.r#type.replace('_', " ");
        lines.push(format!("    {}: {}{who} ({kind}{reference}{at}{root})", side.what, side.says));
    }
    if let Some(difference) = &finding.difference {
        lines.push(format!("    difference {}", amount(difference)));
    }
    if let Some(decision) = &finding.decision {
        let state = decision.state.word().replace('_', " ");
        let off = decision.amount.as_ref().map(|of| format!(" {}", amount(of))).unwrap_or_default();
        let record = decision.record.as_ref().map(|root| format!(", record {}", short(root))).unwrap_or_default();
        lines.push(format!("    {state}{off} by {} on {}: {}{record}", decision.by, decision.at, decision.why));
    }
    lines.push(format!("    name {}", finding.id));
    lines
}

fn amount(line: &AmountLine) -> String {
    format!("{} {}", line.amount, line.unit)
}

fn short(root: &str) -> &str {
    root.get(..16).unwrap_or(root)
}

fn csv(page: &ReconciliationPage) -> Vec<String> {
    let mut lines = vec![HEADING.to_owned()];
    for finding in &page.findings {
        let item = finding.item.as_ref().map(|item| item.id.clone()).unwrap_or_default();
        let (amount, unit) = match &finding.difference {
            Some(difference) => (difference.amount.clone(), difference.unit.clone()),
            None => Default::default(),
        };
        let (by, why) = match &finding.decision {
            Some(decision) => (decision.by.clone(), decision.why.clone()),
            None => Default::default(),
        };
        let cells = [
            finding.id.clone(),
            finding.class.to_string(),
            finding.state.to_string(),
            finding.reopened.to_string(),
            item,
            finding.account.clone().unwrap_or_default(),
            finding.period.clone(),
            finding.since.clone(),
            amount,
            unit,
            finding.text.clone(),
            finding.evidence.join(" "),
            by,
            why,
        ];
        lines.push(cells.map(|cell| cell_of(&cell)).join(","));
    }
    lines
}

/// A cell that no spreadsheet takes for a formula; a number stays one.
fn cell_of(text: &str) -> String {
    let number = text.parse::<luxor_protocol::revenue::Exact>().is_ok();
    let text = if number { text.to_owned() } else { guarded_text(text).into_owned() };
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text,
    }
}

fn explain(args: &ReconcileExplainArgs) -> anyhow::Result<Exit> {
    let ReconcileExplainArgs { id, by, why, record, node } = args;
    let request = ExplainRequest { id: id.clone(), by: by.clone(), why: why.clone(), record: record.clone() };
    decided(node.json, &Client::open(&node.node)?.explain(&request)?)
}

fn write_off(args: &WriteOffArgs) -> anyhow::Result<Exit> {
    let WriteOffArgs { id, by, why, amount, currency, node } = args;
    let amount = amount.zip(*currency).map(|(amount, currency)| AmountLine::of(amount, currency.to_string()));
    let request = WriteOffRequest { id: id.clone(), by: by.clone(), why: why.clone(), amount };
    decided(node.json, &Client::open(&node.node)?.write_off(&request)?)
}

fn decided(json: bool, finding: &FindingLine) -> anyhow::Result<Exit> {
    match json {
        true => ui::json(finding)?,
        false => lines(finding).iter().try_for_each(|line| ui::line(line))?,
    }
    Ok(Exit::Ok)
}

fn close(args: &CloseArgs) -> anyhow::Result<Exit> {
    let CloseArgs { account, period, by, node } = args;
    let request = CloseRequest { account: account.clone(), period: period.to_string(), by: by.clone() };
    let closed = Client::open(&node.node)?.close_period(&request)?;
    if node.json {
        ui::json(&closed)?;
        return Ok(Exit::Ok);
    }
    let ClosedLine { account, period, at, by, records, totals } = closed;
    ui::line(&format!("{period} of account {account} closed by {by} at {at}: {}", some(records, "record")))?;
    for total in totals {
        let (lines, tax) = (some(total.lines, "line"), total.tax);
        ui::line(&format!("  {tax} of {} {} {}, {lines}", total.territory, total.amount, total.currency))?;
    }
    Ok(Exit::Ok)
}

fn payments(args: &PaymentsArgs) -> anyhow::Result<Exit> {
    let file = read(&args.file, args.mapping.as_deref())?;
    let lines: Vec<BankLine> = file
        .entries
        .iter()
        .map(|entry| BankLine {
            place: entry.place,
            amount: entry.amount.amount.to_string(),
            currency: entry.amount.currency,
            booked: entry.booked.to_string(),
            references: entry.references.clone(),
        })
        .collect();
    for refused in &file.refused {
        ui::say(&format!("{}: entry {}: {}", args.file.display(), refused.place, refused.reason));
    }
    let taken = Client::open(&args.node.node)?.payments(&lines)?;
    if args.node.json {
        ui::json(&taken)?;
    } else {
        let StatementTaken { new, known, matched, entries, summaries } = taken;
        let (new, known) = (some(new, "payment"), ui::count(known));
        ui::line(&format!("{new} taken, {known} known before"))?;
        let (entries, matched, summaries) = (ui::count(entries), ui::count(matched), some(summaries, "summary record"));
        ui::line(&format!(
            "{matched} of {entries} entries name one of {summaries}; `luxor reconcile` shows what differs"
        ))?;
    }
    Ok(if file.refused.is_empty() { Exit::Ok } else { Exit::Findings })
}

fn summary_list(args: &SummaryListArgs) -> anyhow::Result<Exit> {
    let text = files::read_text(&args.file, MAX_SUMMARY_LIST_BYTES)?;
    let list: SummaryListRequest =
        serde_json::from_str(&text).map_err(|error| RefusedError(format!("{}: {error}", args.file.display())))?;
    let taken = Client::open(&args.node.node)?.summary_list(&list)?;
    if args.node.json {
        ui::json(&taken)?;
    } else {
        let records = some(taken.records, "record");
        ui::line(&format!(
            "{records} in the list of {} for {}, to which a summary commits",
            list.account, list.period
        ))?;
    }
    Ok(Exit::Ok)
}

fn read(path: &Path, mapping: Option<&Path>) -> anyhow::Result<BankFile> {
    let bytes = files::read(path, MAX_BANK_FILE_BYTES)?;
    let refused = |error: &dyn std::fmt::Display, of: &Path| RefusedError(format!("{}: {error}", of.display()));
    let xml = path.extension().is_some_and(|end| end.eq_ignore_ascii_case("xml"));
    if xml && mapping.is_none() {
        return Ok(camt053(&bytes).map_err(|error| refused(&error, path))?);
    }
    let text = match mapping {
        Some(mapping) => files::read_text(mapping, MAX_BOOK_BYTES)?,
        None => PLAIN.to_owned(),
    };
    let mapping = BankMapping::parse(&text).map_err(|error| refused(&error, mapping.unwrap_or(path)))?;
    Ok(bank_csv(bytes.as_slice(), &mapping).map_err(|error| refused(&error, path))?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use clap::Parser as _;
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::args::{Cli, Command};
    use crate::client::stub::Stub;

    fn finding(id: &str, state: &str) -> Json {
        json!({
            "id": id, "class": "mass_differs", "state": state, "reopened": false,
            "item": { "scheme": "s10", "issuer": null, "id": "RB123456785GB", "posted_on": null }, "account": null,
            "period": "2026-11", "since": "2026-11-20T10:00:00.000Z", "text": "=declared, \"weighed\"",
            "sides": [{ "what": "declared", "says": "1.5 kg", "by": "platform", "type": "declaration",
                "reference": "D-1", "record": "ab".repeat(32), "at": "2026-11-20T10:00:00.000Z" }],
            "difference": { "amount": "-0.75", "unit": "kg" }, "evidence": ["ab".repeat(32)],
            "decision": null
        })
    }

    fn page(findings: Vec<Json>, open: u64, next: Option<&str>) -> String {
        json!({
            "as_of": "2026-11-26T10:00:00.000Z", "read": true, "followed": 9, "records": 3, "items": 1, "left_out": 0,
            "totals": [{ "class": "mass_differs", "open": open, "explained": 0, "written_off": 1,
                "differences": [{ "amount": "-0.75", "unit": "kg" }] }],
            "findings": findings, "corrections": [], "more_corrections": 0, "next": next
        })
        .to_string()
    }

    fn ran(line: &str, stub: &Stub) -> anyhow::Result<Exit> {
        let line = format!("{line} --node {}", stub.dir());
        let Command::Reconcile(args) = Cli::try_parse_from(line.split(' ')).unwrap().command else { panic!() };
        run(&args)
    }

    #[test]
    fn every_page_is_asked_for_and_open_ones_are_to_be_looked_at() {
        let stub = Stub::new(|line, _| {
            let second = line.contains("after=0.a");
            let next = if second { None } else { Some("0.a") };
            (200, page(vec![finding(if second { "b" } else { "a" }, "open")], 2, next))
        });
        let line = "luxor reconcile --class mass_differs --class released_twice --state open --period 2026-11";
        assert_eq!(ran(line, &stub).unwrap(), Exit::Findings);
        let asked = stub.seen();
        assert_eq!(asked.len(), 2);
        for part in ["class=mass_differs%2Creleased_twice", "state=open", "period=2026-11", "limit=1000"] {
            assert!(asked.iter().all(|(line, _)| line.contains(part)), "{part}: {asked:?}");
        }
        let stub = Stub::new(|_, _| (200, page(Vec::new(), 0, None)));
        assert_eq!(ran("luxor reconcile --json", &stub).unwrap(), Exit::Ok);
        assert_eq!(ran("luxor reconcile --csv", &stub).unwrap(), Exit::Ok);
    }

    #[test]
    fn a_person_reads_item_class_sides_and_evidence() {
        let told = lines(&serde_json::from_value(finding("a1", "written_off")).unwrap()).join("\n");
        for part in [
            "s10 RB123456785GB: mass_differs (WRITTEN OFF)",
            "declared: 1.5 kg by platform (declaration D-1, 2026-11-20T10:00:00.000Z, record abababababababab)",
            "difference -0.75 kg",
            "name a1",
        ] {
            assert!(told.contains(part), "{told}");
        }
        let page: ReconciliationPage = serde_json::from_str(&page(vec![finding("a1", "open")], 1, None)).unwrap();
        let lines = csv(&page);
        assert!(lines[1].starts_with("a1,mass_differs,open,false,RB123456785GB,,2026-11,"), "{}", lines[1]);
        assert!(lines[1].contains(",-0.75,kg,\"'=declared, \"\"weighed\"\"\","), "{}", lines[1]);
    }

    #[test]
    fn decisions_and_payments_are_handed_in() {
        let stub = Stub::new(|line, _| match line {
            line if line.contains("/payments") => {
                (200, json!({ "new": 2, "known": 0, "matched": 1, "entries": 2, "summaries": 1 }).to_string())
            }
            line if line.contains("/close") => {
                let total = json!({ "tax": "B00", "territory": "DE", "amount": "3.80", "currency": "EUR", "lines": 1 });
                (200, json!({ "account": "IM1", "period": "2026-10", "at": "t", "by": "J", "records": 1, "totals": [total] }).to_string())
            }
            _ => (200, finding("a1", "explained").to_string()),
        });
        assert_eq!(ran("luxor reconcile explain a1 --by J --why paper", &stub).unwrap(), Exit::Ok);
        let line = "luxor reconcile write-off a1 --by J --why small --amount 0.30 --currency EUR";
        assert_eq!(ran(line, &stub).unwrap(), Exit::Ok);
        assert_eq!(ran("luxor reconcile close --account IM1 --period 2026-10 --by J", &stub).unwrap(), Exit::Ok);
        let file = Path::new(stub.dir()).join("bank.csv");
        std::fs::write(&file, "amount,currency,booked,reference,text\n30.00,EUR,2026-11-04,REF-1,\nx,EUR,2026-11-04,,\n-2,EUR,2026-11-05,,for REF-2\n").unwrap();
        let line = format!("luxor reconcile payments {}", file.display());
        assert_eq!(ran(&line, &stub).unwrap(), Exit::Findings);
        let seen: Vec<Json> = stub.seen().iter().map(|(_, body)| serde_json::from_slice(body).unwrap()).collect();
        assert_eq!(seen[0], json!({ "id": "a1", "by": "J", "why": "paper", "record": null }));
        assert_eq!(seen[1]["amount"], json!({ "amount": "0.30", "unit": "EUR" }));
        assert_eq!(seen[2], json!({ "account": "IM1", "period": "2026-10", "by": "J" }));
        assert_eq!((seen[3].as_array().unwrap().len(), &seen[3][0]["amount"]), (2, &json!("30")));
        assert_eq!(seen[3][1]["references"], json!(["for", "REF-2"]));
    }
}
