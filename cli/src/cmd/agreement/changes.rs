//! What one version of an agreement changes against the one before it, in words.

use std::collections::{BTreeMap, BTreeSet};

use luxor_protocol::document::{Agreement, Flow, IssuedBy, Recognition};
use luxor_protocol::names::{MemberId, Purpose};

use crate::cmd::listed;

/// Who sees what: recipient, sender, record type, purpose.
type Sight = (MemberId, MemberId, String, Purpose);

/// What is seen, and under which conditions.
#[derive(Default, PartialEq, Eq)]
struct Seen {
    groups: BTreeSet<String>,
    conditions: BTreeSet<String>,
}

/// One line for each change; none where the two say the same.
pub(in crate::cmd) fn changes(old: &Agreement, new: &Agreement) -> Vec<String> {
    let mut lines = Vec::new();
    let (before, after) = (sights(old), sights(new));
    let all: BTreeSet<&Sight> = before.keys().chain(after.keys()).collect();
    let nothing = Seen::default();
    for sight in all {
        let (to, from, type_name, purpose) = sight;
        let of = format!("of {type_name} from {from}, for {purpose}");
        let (was, is) = (before.get(sight).unwrap_or(&nothing), after.get(sight).unwrap_or(&nothing));
        let new: Vec<_> = is.groups.difference(&was.groups).collect();
        let gone: Vec<_> = was.groups.difference(&is.groups).collect();
        if !new.is_empty() {
            let under = if was.groups.is_empty() { format!(" ({})", words(&is.conditions)) } else { String::new() };
            lines.push(format!("{to} will newly see {} {of}{under}", listed(new)));
        }
        if !gone.is_empty() {
            lines.push(format!("{to} will no longer see {} {of}", listed(gone)));
        }
        if was.conditions != is.conditions && !was.groups.is_empty() && !is.groups.is_empty() {
            let (now, before) = (words(&is.conditions), words(&was.conditions));
            lines.push(format!("what {to} sees {of}, is now: {now}; before: {before}"));
        }
    }
    lines.extend(of_recognition(old, new));
    let lost: Vec<_> = old.parties.iter().filter(|id| !new.parties.contains(id)).collect();
    let won: Vec<_> = new.parties.iter().filter(|id| !old.parties.contains(id)).collect();
    lines.extend((!lost.is_empty()).then(|| format!("no longer a party: {}", listed(lost))));
    lines.extend((!won.is_empty()).then(|| format!("a party from now on: {}", listed(won))));
    let days = |agreement: &Agreement| format!("{} to {}", agreement.valid_from, agreement.valid_until);
    let document = |agreement: &Agreement| agreement.document.map_or("none".to_owned(), |digest| digest.hex());
    let texts = |agreement: &Agreement| {
        [
            ("in force", days(agreement)),
            ("title", agreement.title.clone()),
            ("instrument", agreement.instrument.clone()),
            ("article", agreement.article.clone()),
            ("controller", agreement.controller.clone()),
            ("digest of the instrument", document(agreement)),
        ]
    };
    for ((name, was), (_, is)) in texts(old).into_iter().zip(texts(new)) {
        if was != is {
            lines.push(format!("{name}: {is} instead of {was}"));
        }
    }
    lines
}

/// Rows that recognise attestations: each as a whole, since one that says something else is another one.
fn of_recognition(old: &Agreement, new: &Agreement) -> Vec<String> {
    let only = |of: &Agreement, other: &Agreement| -> Vec<String> {
        of.recognises.iter().filter(|row| !other.recognises.contains(row)).map(recognition).collect()
    };
    let (gone, added) = (only(old, new), only(new, old));
    let gone = gone.into_iter().map(|row| format!("no longer: {row}"));
    gone.chain(added.into_iter().map(|row| format!("from now on: {row}"))).collect()
}

/// What a row that recognises says, on one line.
fn recognition(row: &Recognition) -> String {
    let whose = match &row.issued_by {
        IssuedBy::Member(member) => member.to_string(),
        IssuedBy::Territory(territory) => format!("customs of {territory}"),
    };
    let except = if row.except_hs.is_empty() {
        String::new()
    } else {
        format!(", not for goods under {}", listed(&row.except_hs))
    };
    let needs =
        if row.needs.is_empty() { String::new() } else { format!(", only where {} is given", listed(&row.needs)) };
    let (by, gives, purposes) = (listed(&row.by), listed(&row.benefits), listed(&row.purposes));
    format!("{} by {whose} is recognised by {by} for {purposes} and gives {gives}{except}{needs}", row.programme)
}

fn sights(agreement: &Agreement) -> BTreeMap<Sight, Seen> {
    let mut sights: BTreeMap<Sight, Seen> = BTreeMap::new();
    for flow in &agreement.flows {
        for (from, to) in flow.from.iter().flat_map(|from| flow.to.iter().map(move |to| (from, to))) {
            let seen = sights.entry((to.clone(), from.clone(), flow.type_name.clone(), flow.purpose)).or_default();
            seen.groups.extend(flow.groups.iter().cloned());
            seen.conditions.insert(conditions(flow));
        }
    }
    sights
}

/// Under which conditions a row gives something, in words.
pub(super) fn conditions(flow: &Flow) -> String {
    let mut words = vec![format!("version {}", listed(&flow.type_versions))];
    let places = flow.whereabouts();
    words.extend((!places.is_empty()).then(|| format!("only{places}")));
    words.extend(flow.handling.then(|| "only what it handles".to_owned()));
    words.push(format!("kept at most {} days", flow.retention_days));
    words.extend(onward(flow));
    words.extend(flow.terms.iter().map(|term| format!("{} = {}", term.name, term.value)));
    words.join(", ")
}

/// To whom the recipient of a row may pass what on, in words.
pub(super) fn onward(flow: &Flow) -> Vec<String> {
    let words = |onward: &luxor_protocol::document::Onward| {
        let members = onward.to.members.iter().map(ToString::to_string);
        let kinds = onward.to.kinds.iter().map(|(kind, place)| match place {
            Some(place) => format!("every {kind} of {place}"),
            None => format!("every {kind}"),
        });
        let (groups, days) = (listed(&onward.groups), onward.retention_days);
        format!(
            "may pass {groups} on to {} for {}, kept at most {days} days",
            listed(members.chain(kinds)),
            onward.purpose
        )
    };
    flow.onward.iter().map(words).collect()
}

fn words(conditions: &BTreeSet<String>) -> String {
    conditions.iter().map(String::as_str).collect::<Vec<_>>().join("; or ")
}
