//! `luxor dispute`: one file that shows what became of numbers that two sides differ about; written by a node, verified anywhere.

use luxor_protocol::limits::MAX_DISPUTE_BYTES;
use luxor_protocol::reconciliation::{DisputeFile, Finding, Findings};
use serde::Serialize;

use super::{audit, window};
use crate::args::{DisputeCommand, DisputeExportArgs, DisputeVerifyArgs};
use crate::client::Client;
use crate::exit::{Exit, FindingError};
use crate::{files, ui};

/// What a file proves.
#[derive(Serialize)]
struct Proven {
    network: String,
    channel: String,
    contiguous: Option<u64>,
    numbers: Vec<ProvenNumber>,
    contradictions: Vec<String>,
    statements: Vec<ProvenStatement>,
}

#[derive(Serialize)]
struct ProvenNumber {
    number: u64,
    verdict: String,
    class: Option<String>,
    facts: Vec<String>,
}

#[derive(Serialize)]
struct ProvenStatement {
    digest: String,
    from: u64,
    to: u64,
    equal: bool,
}

pub(super) fn run(command: &DisputeCommand) -> anyhow::Result<Exit> {
    match command {
        DisputeCommand::Export(args) => export(args),
        DisputeCommand::Verify(args) => verify(args),
    }
}

fn export(args: &DisputeExportArgs) -> anyhow::Result<Exit> {
    let client = Client::open(&args.node.node)?;
    let channel = window::channel(&client, &args.channel)?.channel;
    let bytes = client.dispute(&channel, &args.numbers)?;
    let file = DisputeFile::read(&bytes).map_err(|error| FindingError(error.to_string()))?;
    files::write(&args.output, &bytes)?;
    let (arrivals, receipts) = (file.arrivals.len(), file.receipts.len());
    if args.node.json {
        let written = serde_json::json!({
            "file": args.output.display().to_string(), "bytes": bytes.len(), "dispatches": arrivals, "receipts": receipts,
            "counted": file.counted.len(), "answers": file.said.len(), "statements": file.statements.len(),
            "deposits": file.deposits.len(),
        });
        ui::json(&written)?;
    } else {
        let (bytes, counted, said) = (ui::count(bytes.len() as u64), file.counted.len(), file.said.len());
        let deposits = file.deposits.len();
        ui::line(&format!(
            "{}: {bytes} bytes, {arrivals} signed dispatches, {receipts} receipts, {counted} counted, {said} answers, {deposits} deposits",
            args.output.display()
        ))?;
    }
    ui::say(
        "verify it anywhere: luxor dispute verify FILE --charter NETWORK, with the network's digest from elsewhere",
    );
    Ok(Exit::Ok)
}

fn verify(args: &DisputeVerifyArgs) -> anyhow::Result<Exit> {
    let bytes = files::read(&args.file, MAX_DISPUTE_BYTES)?;
    let network = audit::network(&args.charter)?;
    let found = DisputeFile::verify(&bytes, &network, args.due);
    let found = found.map_err(|error| FindingError(format!("{}: {error}", args.file.display())))?;
    match args.json {
        true => ui::json(&proven(&found))?,
        false => print(&found)?,
    }
    let differs = found.numbers.iter().any(|finding| finding.class.is_some()) || !found.lies.is_empty();
    Ok(if differs { Exit::Findings } else { Exit::Ok })
}

fn print(found: &Findings) -> anyhow::Result<()> {
    ui::line(&format!("network {}, channel {}", found.network_name, found.channel))?;
    if let Some(contiguous) = found.contiguous {
        ui::line(&format!("the recipient's receipts say that it has everything up to number {contiguous}"))?;
    }
    for Finding { number, verdict, class, facts } in &found.numbers {
        let class = class.map_or_else(|| "no difference".into(), |class| class.to_string());
        ui::line(&format!("number {number}: {class}: {verdict}"))?;
        facts.iter().try_for_each(|fact| ui::line(&format!("    {fact}")))?;
    }
    for (side, window, span) in &found.lies {
        ui::line(&format!("the {side} gave {span} of the {window} two roots, and signed both"))?;
    }
    for statement in &found.statements {
        let verdict = if statement.is_equal() { "the same" } else { "differences" };
        let digest = statement.digest();
        ui::line(&format!("both sides signed of {}: {verdict}; statement {digest}", statement.window()))?;
    }
    Ok(())
}

fn proven(found: &Findings) -> Proven {
    Proven {
        network: found.network_name.clone(),
        channel: found.channel.to_string(),
        contiguous: found.contiguous,
        numbers: found.numbers.iter().map(number).collect(),
        contradictions: found.lies.iter().map(|(side, window, span)| format!("{side}: {span} of {window}")).collect(),
        statements: found
            .statements
            .iter()
            .map(|statement| ProvenStatement {
                digest: statement.digest().to_string(),
                from: statement.window().span().from(),
                to: statement.window().span().last(),
                equal: statement.is_equal(),
            })
            .collect(),
    }
}

fn number(finding: &Finding) -> ProvenNumber {
    ProvenNumber {
        number: finding.number,
        verdict: finding.verdict.to_string(),
        class: finding.class.map(|class| class.to_string()),
        facts: finding.facts.iter().map(ToString::to_string).collect(),
    }
}
