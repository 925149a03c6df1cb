//! What one charter changes against another, in words.

use std::collections::BTreeSet;

use luxor_protocol::document::{Charter, CharterMember, MemberStatus};

use crate::cmd::listed;

/// One line for each change; never empty.
pub(in crate::cmd) fn changes(old: &Charter, new: &Charter) -> Vec<String> {
    let mut lines = Vec::new();
    if old.name != new.name {
        lines.push(format!("the network is called '{}' instead of '{}'", new.name, old.name));
    }
    for member in old.members.iter().filter(|member| new.member(&member.id).is_none()) {
        lines.push(format!("{} ({}) is removed: nothing flows from or to it any more", member.id, member.name));
    }
    for member in &new.members {
        match old.member(&member.id) {
            Some(before) => lines.extend(of_member(before, member)),
            None => {
                let CharterMember { id, name, kind, territory, identity, .. } = member;
                lines.push(format!("{id} ({name}), {kind} of {territory}, is added, with the identity key {identity}"));
                if member.status == MemberStatus::Suspended {
                    lines.push(format!("{id} is added suspended: nothing flows from or to it"));
                }
            }
        }
    }
    let lost: Vec<_> = old.governors.iter().filter(|id| !new.governors.contains(id)).collect();
    let won: Vec<_> = new.governors.iter().filter(|id| !old.governors.contains(id)).collect();
    lines.extend((!lost.is_empty()).then(|| format!("{} no longer governs", listed(lost))));
    lines.extend((!won.is_empty()).then(|| format!("{} governs from now on", listed(won))));
    let needed = |charter: &Charter| (charter.threshold, charter.governors.len());
    if needed(old) != needed(new) {
        let ((votes, of), (before, before_of)) = (needed(new), needed(old));
        lines.push(format!("a later charter needs {votes} of {of} governors instead of {before} of {before_of}"));
    }
    match (&old.policy, &new.policy) {
        (old, new) if old == new => {}
        (_, None) => lines.push("its own policy of witnesses falls away: the members' own witnesses count".into()),
        (None, Some(_)) => lines.push("a policy of its own says which witnesses make a checkpoint count".into()),
        (Some(_), Some(_)) => lines.push("its policy of witnesses is another one".into()),
    }
    match (old.valid_until, new.valid_until) {
        (old, new) if old == new => {}
        (_, None) => lines.push("it holds without end".into()),
        (None, Some(day)) => lines.push(format!("it holds until {day}")),
        (Some(before), Some(day)) => lines.push(format!("it holds until {day} instead of {before}")),
    }
    lines.extend(of_issuers(old, new));
    let lost: Vec<_> = old.coordinators.iter().filter(|id| !new.coordinates(id)).collect();
    let won: Vec<_> = new.coordinators.iter().filter(|id| !old.coordinates(id)).collect();
    lines.extend((!lost.is_empty()).then(|| format!("{} no longer coordinates indicators of threats", listed(lost))));
    lines.extend((!won.is_empty()).then(|| format!("{} coordinates indicators of threats from now on", listed(won))));
    if lines.is_empty() {
        lines.push("nothing but its number".into());
    }
    lines
}

/// Who may issue attestations about traders: those whom the charter lists for a type, else every member of a kind that issues it.
fn of_issuers(old: &Charter, new: &Charter) -> Vec<String> {
    let types: BTreeSet<&str> = old.issuers.iter().chain(&new.issuers).map(|row| row.attestation.as_str()).collect();
    let of = |charter: &Charter, attestation: &str| {
        let row = charter.issuers.iter().find(|row| row.attestation == attestation);
        row.map_or_else(
            || "every member of a kind that issues it".to_owned(),
            |row| format!("{} only", listed(&row.members)),
        )
    };
    let changed = types.into_iter().map(|name| (name, of(old, name), of(new, name))).filter(|(_, was, is)| was != is);
    changed.map(|(name, was, is)| format!("{name} is issued by {is}, instead of by {was}")).collect()
}

fn of_member(old: &CharterMember, new: &CharterMember) -> Vec<String> {
    let id = &new.id;
    let mut lines = Vec::new();
    if old.name != new.name {
        lines.push(format!("{id} is called '{}' instead of '{}'", new.name, old.name));
    }
    if (old.kind, old.territory) != (new.kind, new.territory) {
        let (kind, place, before, before_place) = (new.kind, new.territory, old.kind, old.territory);
        lines.push(format!("{id} is {kind} of {place} instead of {before} of {before_place}"));
    }
    if old.identity != new.identity {
        lines.push(format!("{id} signs with the identity key {} instead of {}", new.identity, old.identity));
    }
    match (old.status, new.status) {
        (MemberStatus::Active, MemberStatus::Suspended) => {
            lines.push(format!("{id} is suspended: nothing flows from or to it"));
        }
        (MemberStatus::Suspended, MemberStatus::Active) => lines.push(format!("{id} takes part again")),
        _ => {}
    }
    lines
}
