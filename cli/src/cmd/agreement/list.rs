//! `luxor agreement list`

use luxor_protocol::document::{Agreement, Directory, DocumentKind};
use luxor_protocol::hash::Digest;
use luxor_protocol::names::MemberId;
use serde::Serialize;

use crate::args::KnownArgs;
use crate::cmd::place::Place;
use crate::cmd::{listed, today};
use crate::exit::Exit;
use crate::ui;

#[derive(Serialize)]
struct Listed {
    id: String,
    title: String,
    parties: Vec<MemberId>,
    /// Members that have suspended it, with their reasons.
    suspended: Vec<Suspended>,
    /// Whether two versions contradict each other: then no later one is admitted.
    frozen: bool,
    /// From the first on.
    versions: Vec<Version>,
}

#[derive(Serialize)]
struct Suspended {
    member: MemberId,
    reason: String,
}

#[derive(Serialize)]
struct Version {
    version: u64,
    digest: String,
    valid_from: String,
    valid_until: String,
    rows: usize,
    /// Whether this version is the one that holds today.
    holds: bool,
}

pub(super) fn run(args: &KnownArgs) -> anyhow::Result<Exit> {
    let place = Place::open(&args.node)?;
    let directory = &place.directory;
    let all: Vec<_> = directory.agreement_versions().values().filter_map(|of| one(directory, of)).collect();
    if args.json {
        ui::json(&all)?;
        return Ok(Exit::Ok);
    }
    let mut table = ui::Table::new(&["agreement", "version", "in force", "digest", "state", "parties"], &[1]);
    for agreement in &all {
        for version in &agreement.versions {
            let mut state: Vec<String> = Vec::new();
            state.extend(version.holds.then(|| "holds".to_owned()));
            if version.holds && !agreement.suspended.is_empty() {
                state.push(format!("suspended by {}", listed(agreement.suspended.iter().map(|s| &s.member))));
            }
            state.extend((version.holds && agreement.frozen).then(|| "frozen".to_owned()));
            let days = format!("{} to {}", version.valid_from, version.valid_until);
            let number = version.version.to_string();
            let digest: String = version.digest.chars().take(16).collect();
            let parties = listed(&agreement.parties);
            table.row([agreement.id.as_str(), &number, &days, &digest, &state.join(", "), &parties]);
        }
    }
    table.print()?;
    Ok(Exit::Ok)
}

fn one(directory: &Directory, versions: &[(Digest, Agreement)]) -> Option<Listed> {
    let (_, newest) = versions.last()?;
    let today = today();
    let begun = |(_, version): &&(Digest, Agreement)| version.valid_from <= today;
    let holds =
        versions.iter().rev().find(begun).filter(|(_, version)| version.in_force(today)).map(|(digest, _)| *digest);
    let mut parties: Vec<_> = versions.iter().flat_map(|(_, version)| version.parties.clone()).collect();
    parties.sort();
    parties.dedup();
    let suspended = parties.iter().filter_map(|member| {
        let (_, word) = directory.suspension(member).filter(|(_, word)| word.agreements.contains(&newest.id))?;
        Some(Suspended { member: member.clone(), reason: word.reason.clone() })
    });
    let frozen = directory.conflicts().iter().any(|c| c.kind == DocumentKind::Agreement && c.id == newest.id);
    let version = |(at, (digest, version)): (usize, &(Digest, Agreement))| Version {
        version: at as u64 + 1,
        digest: digest.hex(),
        valid_from: version.valid_from.to_string(),
        valid_until: version.valid_until.to_string(),
        rows: version.flows.len(),
        holds: holds == Some(*digest),
    };
    Some(Listed {
        id: newest.id.to_string(),
        title: newest.title.clone(),
        parties: newest.parties.clone(),
        suspended: suspended.collect(),
        frozen,
        versions: versions.iter().enumerate().map(version).collect(),
    })
}
