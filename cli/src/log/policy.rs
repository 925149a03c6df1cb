//! `luxor policy`: what a trust policy amounts to, and a plain one made (<https://c2sp.org/tlog-policy>).
//!
//! Not here: which members the witnesses are of, so nothing is said about kinds and jurisdictions.

use luxor_protocol::exchange::policy_of;
use luxor_protocol::tlog::policy_lint::Finding;
use luxor_protocol::tlog::{Policy, VerifierKey};
use serde_json::json;

use super::args::{PolicyFlatArgs, PolicyLintArgs, PolicyOfArgs};
use super::open::{read_policy, read_vkey, read_witness_key};
use super::report::Report;
use crate::client::Client;
use crate::exit::{Exit, RefusedError};
use crate::ui;

/// `luxor policy lint`
pub(super) fn lint(args: &PolicyLintArgs) -> anyhow::Result<Exit> {
    let policy = read_policy(&args.file)?;
    let mut report = Report::default();
    report.fact("logs", policy.logs().len());
    report.fact("witnesses", policy.witnesses().len());
    for finding in policy.lint(|_| None) {
        let words = finding.to_string();
        match finding {
            // Always told; they are what a policy is.
            Finding::Least { least, .. } => report.told("least", least, words),
            Finding::Forks { dishonest, .. } if dishonest > 0 => report.told("forks", dishonest, words),
            // Nobody was asked.
            Finding::NotKnown { .. } => {}
            _ => report.finding(words),
        }
    }
    report.conclude(args.json, Ok(()))
}

/// `luxor policy flat`
pub(super) fn flat(args: &PolicyFlatArgs) -> anyhow::Result<Exit> {
    let keys = |texts: &[String], read: fn(&str) -> anyhow::Result<VerifierKey>| {
        texts.iter().map(|text| read(text)).collect::<anyhow::Result<Vec<_>>>()
    };
    let (logs, witnesses) = (keys(&args.log, read_vkey)?, keys(&args.witness, read_witness_key)?);
    let policy = Policy::flat(&logs, &witnesses, args.threshold).map_err(|error| {
        RefusedError(format!("{error}\nhint: each key once; at least one and at most all witnesses can be asked for"))
    })?;
    print(&policy, args.json)
}

/// `luxor policy of`
pub(super) fn of(args: &PolicyOfArgs) -> anyhow::Result<Exit> {
    let directory = Client::open(&args.node.node)?.documents()?;
    let log = directory.node(&args.log);
    let log = log.ok_or_else(|| RefusedError(format!("no card names the node {}\nhint: `luxor status`", args.log)))?;
    let policy = policy_of(&directory, log).map_err(|error| RefusedError(error.to_string()))?;
    print(&policy, args.node.json)
}

fn print(policy: &Policy, json: bool) -> anyhow::Result<Exit> {
    match json {
        true => ui::json(&json!({ "ok": true, "policy": policy.text() }))?,
        false => ui::raw(policy.text().as_bytes())?,
    }
    Ok(Exit::Ok)
}
