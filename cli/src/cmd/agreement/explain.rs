//! `luxor agreement explain`: whether something may flow, and every row that was looked at.

use std::collections::BTreeSet;
use std::sync::Arc;

use luxor_protocol::document::{Ask, Denial, Directory, KnownNode, Prohibitions, Rule};
use luxor_protocol::record::{OfEdition, code_lists, table, tables};
use luxor_protocol::time::Day;
use serde::Serialize;

use super::changes;
use crate::args::ExplainArgs;
use crate::cmd::place::Place;
use crate::cmd::{listed, today};
use crate::exit::Exit;
use crate::{found, ui};

#[derive(Serialize)]
struct Explained {
    from: String,
    to: String,
    #[serde(rename = "type")]
    type_name: String,
    purpose: String,
    day: String,
    /// Whether something may flow, in some version asked for.
    permitted: bool,
    versions: Vec<OfVersion>,
    /// What stands in the way although an agreement gives it.
    notes: Vec<String>,
}

#[derive(Serialize)]
struct OfVersion {
    version: u64,
    permitted: bool,
    /// Rows that give something.
    grants: Vec<Given>,
    /// Every other row between the two, with the reason.
    rows: Vec<Row>,
    /// Why nothing is given.
    reason: Option<String>,
    /// What would be needed.
    needed: Option<String>,
}

#[derive(Serialize)]
struct Given {
    agreement: String,
    agreement_version: u64,
    digest: String,
    row: usize,
    groups: Vec<String>,
    retention_days: u64,
    /// Under which conditions, in words.
    conditions: String,
    onward: Vec<String>,
    /// Groups that the row gives, and local prohibitions take away.
    prohibited: Vec<Prohibited>,
}

#[derive(Serialize)]
struct Prohibited {
    id: String,
    ground: String,
    groups: Vec<String>,
}

#[derive(Serialize)]
struct Row {
    agreement: String,
    agreement_version: u64,
    row: usize,
    reason: String,
}

pub(super) fn run(args: &ExplainArgs) -> anyhow::Result<Exit> {
    let directory = directory(args)?;
    let explained = explain(&directory, args, args.day.unwrap_or_else(today));
    if args.json {
        ui::json(&explained)?;
    } else {
        print(&explained)?;
    }
    Ok(if explained.permitted { Exit::Ok } else { Exit::Findings })
}

fn directory(args: &ExplainArgs) -> anyhow::Result<Directory> {
    if let Some(node) = &args.node {
        return Ok(Place::open(node)?.directory);
    }
    let mut documents = Vec::new();
    for path in &args.documents {
        match path.is_dir() {
            true => documents.extend(found::documents_in(path)?),
            false => documents.push(found::read_document(path)?),
        }
    }
    let loaded = Directory::load(documents, Arc::new(Prohibitions::default()))?;
    for (document, error) in &loaded.refused {
        ui::say(&format!("warning: {} does not hold: {error}", document.file_name()));
    }
    Ok(loaded.directory)
}

fn explain(directory: &Directory, args: &ExplainArgs, day: Day) -> Explained {
    let between = |rule: &&Rule| rule.from == args.from && rule.to == args.to;
    let digests: Vec<_> = directory.agreement_versions().values().flatten().map(|(digest, _)| digest).collect();
    let rules: Vec<&Rule> =
        digests.iter().flat_map(|digest| directory.policy().rules_of(digest)).filter(between).collect();
    let versions: BTreeSet<u64> = match args.version {
        Some(version) => BTreeSet::from([version]),
        None => {
            rules.iter().filter(|rule| rule.flow.type_name == args.type_name).map(|rule| rule.type_version).collect()
        }
    };
    // Nobody speaks of the type: the newest that is known here, or the first of what is not known.
    let newest = || tables().filter(|table| table.name == args.type_name).map(|table| table.version).max();
    let versions = if versions.is_empty() { BTreeSet::from([newest().unwrap_or(1)]) } else { versions };
    let of_version = |version: &u64| of_version(directory, args, day, *version, &rules);
    let versions: Vec<_> = versions.iter().map(of_version).collect();
    Explained {
        from: args.from.to_string(),
        to: args.to.to_string(),
        type_name: args.type_name.clone(),
        purpose: args.purpose.to_string(),
        day: day.to_string(),
        permitted: versions.iter().any(|version| version.permitted),
        notes: notes(directory, args, &versions),
        versions,
    }
}

fn of_version(directory: &Directory, args: &ExplainArgs, day: Day, version: u64, rules: &[&Rule]) -> OfVersion {
    let ExplainArgs { from, to, type_name, purpose, .. } = args;
    let ask = Ask { type_name, version, from, to, purpose: *purpose, day };
    let verdict = directory.policy().explain(directory, &ask);
    let row = |rule: &Rule, reason: String| {
        let (agreement, agreement_version) = (rule.agreement.to_string(), rule.agreement_version);
        Row { agreement, agreement_version, row: rule.row, reason }
    };
    let grants = verdict.grants.iter().map(|grant| {
        let (rule, table) = (grant.rule, grant.table);
        let names = |set: luxor_protocol::record::GroupSet| set.names(table).into_iter().map(str::to_owned).collect();
        let prohibited = rule.prohibitions(day).map(|(prohibition, taken)| Prohibited {
            id: prohibition.id.to_string(),
            ground: prohibition.ground.clone(),
            groups: names(taken),
        });
        Given {
            agreement: rule.agreement.to_string(),
            agreement_version: rule.agreement_version,
            digest: rule.digest.hex(),
            row: rule.row,
            groups: names(grant.groups),
            retention_days: rule.flow.retention_days,
            conditions: changes::conditions(&rule.flow),
            onward: changes::onward(&rule.flow),
            prohibited: prohibited.collect(),
        }
    });
    let mut rows: Vec<Row> = verdict.denials.iter().map(|(rule, denial)| row(rule, denial.to_string())).collect();
    let asked = |rule: &&&Rule| {
        rule.flow.type_name == *type_name && rule.type_version == version && rule.flow.purpose == *purpose
    };
    let mut seen = BTreeSet::new();
    for rule in rules.iter().filter(|rule| !asked(rule)) {
        let flow = &rule.flow;
        let other = match (flow.type_name == *type_name, flow.purpose == *purpose) {
            (false, _) => format!("it is for {}", flow.type_name),
            (true, false) => format!("it is for the purpose {}", flow.purpose),
            (true, true) => format!("it is for version {} of {type_name}", listed(&flow.type_versions)),
        };
        // A row is one rule for each version of its type.
        if seen.insert((rule.digest, rule.row)) {
            rows.push(row(rule, other));
        }
    }
    let needed = verdict.denial.as_ref().map(|denial| needed(denial, args));
    OfVersion {
        version,
        permitted: verdict.denial.is_none(),
        grants: grants.collect(),
        rows,
        reason: verdict.denial.map(|denial| denial.to_string()),
        needed,
    }
}

/// What would be needed for something to flow.
fn needed(denial: &Denial, args: &ExplainArgs) -> String {
    let ExplainArgs { from, to, purpose, .. } = args;
    match denial {
        Denial::NoMember(id) => format!("a charter that has {id} as a member (`luxor charter propose`)"),
        Denial::MemberSuspended(id) => format!("a charter in which {id} takes part again (`luxor charter propose`)"),
        Denial::NoAgreement | Denial::NoType(_) => {
            format!(
                "an agreement with such a row, signed by all its parties, {from} and {to} among them (`luxor agreement sign`)"
            )
        }
        Denial::NoVersion(version) => format!("a version of the agreement whose row names version {version} too"),
        Denial::NoPurpose(_) => {
            format!("a version of an agreement with a row for the purpose {purpose}, signed by all parties")
        }
        Denial::UnknownTerm(_) | Denial::UnknownType(..) => "a node that knows it: a newer Luxor".into(),
        Denial::UnknownGroup(..) => {
            "a version of the agreement that names only groups of that version of the type".into()
        }
        Denial::NotYet(day) => format!("to wait until {day}"),
        Denial::Ended(_) => {
            "the next version of the agreement, signed by all parties of both (`luxor agreement sign`)".into()
        }
        Denial::Superseded(_) => "a row in the version that holds".into(),
        Denial::Suspended(id) => format!("that {id} resumes it (`luxor agreement resume`)"),
        Denial::Stale(_) => "the next charter (`luxor charter propose`)".into(),
        Denial::Prohibited(_) => "another law: the prohibition stands in this node's prohibitions.toml".into(),
        Denial::OtherAgreement | Denial::TooMuch(_) | Denial::TooLong(_) => "what the row gives".into(),
    }
}

/// What an agreement does not say.
fn notes(directory: &Directory, args: &ExplainArgs, versions: &[OfVersion]) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(until) = directory.stale(today()) {
        notes.push(format!("the charter expired on {until}: what was agreed goes on, no new agreement is admitted"));
    }
    let nodes: Vec<&KnownNode> = directory.nodes().map(|node| &**node).filter(|node| node.member == args.to).collect();
    if nodes.is_empty() {
        notes.push(format!("{} has no card here, so nothing can be sent to it yet", args.to));
        return notes;
    }
    let mut readable = false;
    for version in versions.iter().filter(|version| version.permitted) {
        let (name, number) = (&args.type_name, version.version);
        match nodes.iter().any(|node| node.card.reads(name, number)) {
            true => readable = true,
            false => notes.push(format!("no node of {} reads {name} version {number}", args.to)),
        }
    }
    if readable {
        notes.extend(unread_editions(args, versions, &nodes));
    }
    notes
}

/// Editions of code lists of which the recipient gets nothing, though the agreement gives it the group with the codes.
fn unread_editions(args: &ExplainArgs, versions: &[OfVersion], nodes: &[&KnownNode]) -> Vec<String> {
    let (name, to) = (&args.type_name, &args.to);
    let mut notes = Vec::new();
    for list in code_lists() {
        let shows =
            |version: &&OfVersion| version.grants.iter().any(|given| given.groups.iter().any(|g| g == list.group));
        let showing: Vec<u64> = versions.iter().filter(shows).map(|version| version.version).collect();
        for edition in list.editions.iter().filter(|_| !showing.is_empty()) {
            let of = OfEdition { list, year: edition.year };
            let mut carrying =
                showing.iter().filter(|version| table(name, **version).is_some_and(|table| list.fits(table, of.year)));
            // Version and edition at one node, as a record needs them.
            let gets = |node: &&KnownNode, version: u64| node.card.reads(name, version) && node.card.reads_edition(of);
            if carrying.any(|version| nodes.iter().any(|node| gets(node, *version))) {
                continue;
            }
            let why = match nodes.iter().any(|node| node.card.reads_edition(of)) {
                false => format!("no node of {to} reads {of}"),
                true => format!("no version of {name} that {to} gets can name {of}"),
            };
            notes.push(format!("{why}, in force from {}: records with goods of it do not go there", edition.from));
        }
    }
    notes
}

fn print(explained: &Explained) -> std::io::Result<()> {
    let Explained { from, to, type_name, purpose, day, .. } = explained;
    for of in &explained.versions {
        let answer = if of.permitted { "yes" } else { "no" };
        ui::line(&format!(
            "{answer}: {type_name} version {} from {from} to {to}, for {purpose}, on {day}",
            of.version
        ))?;
        if let Some(reason) = &of.reason {
            ui::line(&format!("  because {reason}"))?;
        }
        for given in &of.grants {
            let Given { agreement, agreement_version, row, .. } = given;
            ui::line(&format!(
                "  agreement {agreement} version {agreement_version}, row {row}, gives {}",
                listed(&given.groups)
            ))?;
            ui::line(&format!("    {}", given.conditions))?;
            for Prohibited { id, ground, groups } in &given.prohibited {
                ui::line(&format!(
                    "    the local prohibition '{id}' ({ground}) takes away {}",
                    listed_or_nothing(groups)
                ))?;
            }
        }
        for Row { agreement, agreement_version, row, reason } in &of.rows {
            ui::line(&format!("  agreement {agreement} version {agreement_version}, row {row}: {reason}"))?;
        }
        if let Some(needed) = &of.needed {
            ui::line(&format!("  needed: {needed}"))?;
        }
    }
    explained.notes.iter().try_for_each(|note| ui::line(&format!("  note: {note}")))
}

fn listed_or_nothing(groups: &[String]) -> String {
    if groups.is_empty() { "nothing of this row".into() } else { listed(groups) }
}
