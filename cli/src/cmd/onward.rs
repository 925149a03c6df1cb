//! `luxor onward`

use std::path::Path;

use luxor_protocol::api::{OnwardOutcome, OnwardRequest, OnwardResult};
use luxor_protocol::cbor::Decode;
use luxor_protocol::document::Directory;
use luxor_protocol::exchange::{ProvenOrigin, Provenance};
use luxor_protocol::limits::MAX_REQUEST_BYTES;
use serde::Serialize;

use super::lane;
use crate::args::{OnwardCommand, PassArgs};
use crate::client::Client;
use crate::exit::Exit;
use crate::found::all_documents;
use crate::{files, ui};

#[derive(Serialize)]
struct Verified {
    issuer: String,
    through: String,
    to: String,
    agreement: String,
    purpose: String,
    groups: Vec<String>,
    /// A signature was made while others may have had the key.
    contested: bool,
    /// Quorum times of the receipts, in seconds since 1970.
    witnessed: Vec<Option<u64>>,
    roots: Vec<String>,
}

pub(super) fn run(command: &OnwardCommand) -> anyhow::Result<Exit> {
    match command {
        OnwardCommand::Pass(args) => pass(args),
        OnwardCommand::Source { index, output, node } => {
            let bytes = Client::open(&node.node)?.provenance(*index)?;
            files::write_private(output, &bytes)?;
            ui::say(&format!(
                "{}: verifies with `luxor onward verify`; as secret as the records in it",
                output.display()
            ));
            Ok(Exit::Ok)
        }
        OnwardCommand::Verify { file, documents, json } => verify(file, documents, *json),
    }
}

fn pass(args: &PassArgs) -> anyhow::Result<Exit> {
    let client = Client::open(&args.node.node)?;
    let request = OnwardRequest {
        reference: args.item.clone(),
        roots: args.root.clone(),
        to: args.to.clone(),
        purpose: args.purpose,
        groups: args.groups.clone(),
        lane: lane(args.urgent),
    };
    let result = client.pass_on(&request)?;
    if args.node.json {
        ui::json(&result)?;
    } else {
        tell(&result, args)?;
    }
    let fine =
        |outcome: &OnwardOutcome| matches!(outcome, OnwardOutcome::Passed { .. } | OnwardOutcome::Already { .. });
    let all = result.records.iter().all(|record| fine(&record.outcome));
    Ok(if all { Exit::Ok } else { Exit::Findings })
}

fn tell(result: &OnwardResult, args: &PassArgs) -> anyhow::Result<()> {
    for record in &result.records {
        let said = match &record.outcome {
            OnwardOutcome::Passed { from, agreement, row, groups } => format!(
                "{} of {from} on its way to {} for {} under agreement {agreement} row {row}",
                groups.join(", "),
                args.to,
                args.purpose
            ),
            OnwardOutcome::Already { recipient, number } => {
                format!("went to {recipient} before, as number {number}")
            }
            OnwardOutcome::Unwitnessed { reason } => format!("waits: {reason}"),
            OnwardOutcome::Refused { reason } => format!("refused: {reason}"),
        };
        ui::line(&format!("{} {said}", record.root))?;
    }
    Ok(())
}

fn verify(file: &Path, documents: &Path, json: bool) -> anyhow::Result<Exit> {
    let bytes = files::read(file, MAX_REQUEST_BYTES)?;
    let documents = all_documents(documents)?;
    let directory = Directory::gathered(documents)?;
    let proven = Provenance::from_cbor(&bytes).map_err(|e| e.to_string());
    let proven = proven.and_then(|provenance| provenance.verify(&directory).map_err(|e| e.to_string()));
    let ProvenOrigin { header, roots, proven } = match proven {
        Ok(proven) => proven,
        Err(why) => {
            ui::say(&format!("{}: {why}", file.display()));
            return Ok(Exit::Findings);
        }
    };
    let groups = header.view.names(header.batch.header.table);
    let verified = Verified {
        // Without a source it would not have been verified.
        issuer: header.source.map(|issuer| issuer.to_string()).unwrap_or_default(),
        through: header.channel.sender.to_string(),
        to: header.channel.recipient.to_string(),
        agreement: header.agreement.to_string(),
        purpose: header.purpose.to_string(),
        groups: groups.into_iter().map(str::to_owned).collect(),
        contested: proven.contested,
        witnessed: proven.origins.iter().map(|(_, time)| *time).collect(),
        roots: roots.iter().map(|root| root.hex()).collect(),
    };
    if json {
        ui::json(&verified)?;
        return Ok(Exit::Ok);
    }
    let Verified { issuer, through, to, agreement, purpose, groups, contested, .. } = &verified;
    ui::line(&format!("from {issuer} through {through} to {to} under agreement {agreement}, onward for {purpose}"))?;
    ui::line(&format!("  {} of {} records, each in a batch that {issuer} signed", groups.join(", "), roots.len()))?;
    if *contested {
        ui::line("  contested: a signature was made while others may have had the key")?;
    }
    Ok(Exit::Ok)
}
