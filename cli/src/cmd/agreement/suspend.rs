//! `luxor agreement suspend` and `resume`: the next version of this member's suspension.

use std::collections::BTreeSet;

use luxor_protocol::document::{DocumentKind, Suspension};
use luxor_protocol::names::Slug;

use crate::args::WordArgs;
use crate::cmd::listed;
use crate::cmd::place::Place;
use crate::exit::{Exit, RefusedError};
use crate::ui;

pub(super) fn suspend(ids: &[Slug], reason: &str, word: &WordArgs) -> anyhow::Result<Exit> {
    let place = Place::open(&word.node)?;
    for id in ids {
        let versions = place.directory.agreement_versions().get(id).map(Vec::as_slice).unwrap_or_default();
        if !versions.iter().any(|(_, version)| version.parties.contains(&place.member)) {
            let what = match versions {
                [] => format!("no agreement '{id}' is known here"),
                _ => format!("{} is no party to agreement '{id}'", place.member),
            };
            return Err(RefusedError(format!("{what}\nhint: `luxor agreement list` lists them")).into());
        }
    }
    let mut agreements = suspended(&place);
    if ids.iter().all(|id| agreements.contains(id)) {
        return Err(RefusedError(format!("{} is suspended by {} already", listed(ids), place.member)).into());
    }
    agreements.extend(ids.iter().cloned());
    let lines = rows(&place, ids, "stops");
    publish(&place, agreements, reason.to_owned(), lines, word)
}

pub(super) fn resume(ids: &[Slug], reason: Option<&str>, word: &WordArgs) -> anyhow::Result<Exit> {
    let place = Place::open(&word.node)?;
    let mut agreements = suspended(&place);
    if let Some(id) = ids.iter().find(|id| !agreements.contains(*id)) {
        let has = if agreements.is_empty() { "nothing".to_owned() } else { listed(&agreements) };
        return Err(RefusedError(format!("{} has not suspended '{id}'; it has suspended {has}", place.member)).into());
    }
    agreements.retain(|id| !ids.contains(id));
    // What stays suspended stays so for its reason.
    let before = place.directory.suspension(&place.member).map(|(_, word)| word.reason.clone());
    let before = before.filter(|_| !agreements.is_empty());
    let reason = reason.map(str::to_owned).or(before).unwrap_or_else(|| "resumed".to_owned());
    let lines = rows(&place, ids, "goes on");
    publish(&place, agreements, reason, lines, word)
}

fn suspended(place: &Place) -> BTreeSet<Slug> {
    let word = place.directory.suspension(&place.member);
    word.map(|(_, word)| word.agreements.iter().cloned().collect()).unwrap_or_default()
}

fn publish(
    place: &Place,
    agreements: BTreeSet<Slug>,
    reason: String,
    lines: Vec<String>,
    word: &WordArgs,
) -> anyhow::Result<Exit> {
    let member = place.member.clone();
    let before = place.newest(DocumentKind::Suspension, &member);
    let body = Suspension { member, agreements: agreements.into_iter().collect(), reason };
    let mut document = body.to_document(place.directory.network(), before)?;
    place.sign(&mut document)?;
    lines.iter().for_each(|line| ui::say(line));
    place.give(&document, lines, word)
}

/// Rows of the versions that hold from or to this member, in words.
fn rows(place: &Place, ids: &[Slug], what: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for (_, agreement) in place.directory.agreements().filter(|(_, agreement)| ids.contains(&agreement.id)) {
        for (at, flow) in agreement.flows.iter().enumerate() {
            if flow.from.contains(&place.member) || flow.to.contains(&place.member) {
                let from =
                    if flow.from.contains(&place.member) { vec![place.member.clone()] } else { flow.from.clone() };
                let to = if flow.to.contains(&place.member) { vec![place.member.clone()] } else { flow.to.clone() };
                let (from, to) = (listed(from), listed(to));
                let (id, row, purpose) = (&agreement.id, at + 1, flow.purpose);
                lines.push(format!("{what}: {} from {from} to {to}, for {purpose} ({id} row {row})", flow.type_name));
            }
        }
    }
    lines
}
