//! The text of `luxor agreement draft`: a draft that holds as it stands, with everything explained.

use luxor_protocol::document::{Benefit, Charter};
use luxor_protocol::names::{MemberKind, Purpose};
use luxor_protocol::record::{DECLARATION, OPENING, TypeTable};
use luxor_protocol::time::Day;

use crate::exit::RefusedError;

/// A draft between a charter's members, or between example members, in force for two years.
pub(super) fn agreement(charter: Option<&Charter>, today: Day) -> Result<String, RefusedError> {
    let (parties, auditors) = match charter {
        None => (vec!["customs-aa".to_owned(), "customs-bb".to_owned()], Vec::new()),
        Some(charter) => {
            let of = |audits: bool| {
                let members = charter.members.iter().filter(|m| (m.kind == MemberKind::Auditor) == audits);
                members.map(|m| m.id.to_string()).collect::<Vec<_>>()
            };
            (of(false), of(true))
        }
    };
    let (first, others) = match parties.split_first() {
        Some((first, others)) if !others.is_empty() => (first, others),
        _ => return Err(RefusedError("an agreement needs two members that are no auditors".into())),
    };
    let mut all: Vec<_> = parties.iter().chain(&auditors).cloned().collect();
    all.sort();
    let purposes: Vec<_> = Purpose::ALL.iter().filter(|p| **p != Purpose::Audit).map(|p| p.word()).collect();
    let mut text = format!(
        r#"# An agreement: what may flow between its parties. What no row gives does not flow.
# Edit this file, then every party signs it: luxor agreement sign FILE --node DIR --charter CHARTER -o SIGNED

# Short name, unique in the network: lower-case letters, digits, hyphens.
id = "exchange-1"
title = "Exchange of declarations"

# The legal ground: the instrument, the article in it, and who answers for the data at law.
instrument = "Name of the memorandum or treaty"
article = "Article 1"
controller = "The sending administration"
# BLAKE3 digest of the instrument's text, 64 hexadecimal digits. May be left out.
# document = "…"

# Everyone who appears in a row. All of them sign.
parties = {parties}

# First and last day in force.
valid_from = "{from}"
valid_until = "{until}"

# One row for each direction and purpose.
[[flow]]
type = "{type_name}"
version = {version}
from = {senders}
to = {recipients}
# One of: {purposes}
purpose = "safety_security"
# The groups that recipients see; every other group stays hidden. ["*"] stands for all but "extra". Groups of {type_name} {version}:
{groups}
groups = {shown}
# Only records with one of these destinations (two capital letters; EU stands for all its states). Empty means all.
destinations = []
# Days after which the recipient must have erased them: 1 to 3660.
retention_days = 365
# Further terms; a node that does not know one gives nothing under the row. Known: deletion_receipt = "yes", evidence = "yes",
# unlinkable = "yes", when_stale = "stop".
# terms = {{ evidence = "yes" }}
# Without this the recipient may not pass them on. Recipients by name (to) or by kind, with or without a territory.
# [[flow.onward]]
# kinds = ["agency KR"]
# purpose = "agency_control"
# groups = ["filing"]
# retention_days = 30
"#,
        parties = list(&all),
        from = today,
        until = today.plus(730),
        type_name = DECLARATION.name,
        version = DECLARATION.version,
        senders = list(std::slice::from_ref(first)),
        recipients = list(others),
        purposes = purposes.join(", "),
        groups = explained(&DECLARATION),
        shown = list(&mandatory(&DECLARATION)),
    );
    // A mandate is part of the draft when the charter has an auditor, else an example behind `#`.
    let (hash, to) = if auditors.is_empty() { ("# ", vec!["auditor-aa".to_owned()]) } else { ("", auditors) };
    text.push_str(&format!(
        r#"
# An auditor's mandate: these members show these parts of their nodes' logs. No record's content is among them.
{groups}
{hash}[[flow]]
{hash}type = "{type_name}"
{hash}version = {version}
{hash}from = {from}
{hash}to = {to}
{hash}purpose = "audit"
{hash}groups = ["*"]
{hash}retention_days = 3660
"#,
        groups = explained(&OPENING),
        type_name = OPENING.name,
        version = OPENING.version,
        from = list(&parties),
        to = list(&to),
    ));
    let benefits: Vec<_> = Benefit::ALL.iter().map(|benefit| benefit.word()).collect();
    text.push_str(&format!(
        r#"
# Mutual recognition: whose security status of traders (aeo) which parties recognise, for what, and what that gives. Take the # away
# from each line of the row. The attestations themselves travel by rows for the types attestation and status_list.
# [[recognises]]
# attestation = "aeo"
# A party as `member`, or every customs of a `territory` that a party is of.
# member = "{first}"
# The programme, exactly as attestations name it.
# programme = "EU AEO"
# by = {others}
# purposes = ["safety_security"]
# One or several of: {benefits}
# benefits = ["fewer_controls", "priority"]
# Not for goods whose tariff code begins so; and only where these groups are given besides what is owed. Both may be left out.
# except_hs = ["93"]
# needs = ["transport"]
"#,
        others = list(others),
        benefits = benefits.join(", "),
    ));
    Ok(text)
}

fn list(items: &[String]) -> String {
    // Names of members and groups hold nothing that TOML would need escaped.
    let quoted: Vec<_> = items.iter().map(|item| format!("\"{item}\"")).collect();
    format!("[{}]", quoted.join(", "))
}

fn explained(table: &TypeTable) -> String {
    let width = table.groups.iter().map(|g| g.name.len()).max().unwrap_or(0);
    let lines: Vec<_> = table.groups.iter().map(|g| format!("#   {:width$}  {}", g.name, g.title)).collect();
    lines.join("\n")
}

fn mandatory(table: &TypeTable) -> Vec<String> {
    table.groups.iter().filter(|g| g.mandatory).map(|g| g.name.to_owned()).collect()
}
