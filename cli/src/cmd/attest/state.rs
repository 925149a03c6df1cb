//! `luxor attest revoke`, `suspend` and `reinstate`: into the register, then into the list, and with a node to partners at once.

use std::collections::BTreeSet;

use anyhow::Context as _;
use luxor_protocol::limits::MAX_TEXT_CHARS;
use serde_json::json;

use super::args::StateArgs;
use super::folder::Folder;
use super::life::text;
use super::register::{Changed, Line, State, stands};
use super::{publish, send};
use crate::cmd::some;
use crate::exit::{Exit, RefusedError, UsageError};
use crate::ui;

/// Changes how attestations stand. What stands so already is told and left.
pub(super) fn change(args: &StateArgs, to: State, now: u64) -> anyhow::Result<Exit> {
    if args.reason.as_ref().is_some_and(|reason| reason.chars().count() > MAX_TEXT_CHARS) {
        return Err(UsageError(format!("--reason: longer than {MAX_TEXT_CHARS} characters")).into());
    }
    let node = send::reach(args.node.as_ref())?;
    let mut folder = Folder::open(&args.dir)?;
    let register = &folder.register;
    let all: BTreeSet<u64> = match (args.which.index, &args.which.subject) {
        (Some(index), _) => [register.credential(index)?.attestation].into(),
        (None, Some(subject)) => {
            register.credentials().filter(|one| one.subject == *subject).map(|one| one.attestation).collect()
        }
        // The command line's group leaves no such case.
        (None, None) => return Err(UsageError("either --index or --subject".into()).into()),
    };
    if let (true, Some(subject)) = (all.is_empty(), &args.which.subject) {
        let hint = "as the credential has it: TIN or EORI, IOSS number or registration, seller's name with the issuer";
        return Err(RefusedError(format!("no credential is about {subject}\nhint: {hint}")).into());
    }
    // Of a subject, those taken back before stay so, and nothing more is wanted of them.
    let named = args.which.index.is_some();
    let mut attestations = Vec::new();
    for of in all {
        match register.standing(of).0 {
            State::Revoked if to != State::Revoked && named => {
                let what = format!("number {of} is {}, for good", stands(register.standing(of)));
                return Err(RefusedError(format!("{what}\nhint: `luxor attest issue` attests anew")).into());
            }
            State::Revoked => {}
            state if state == to => {}
            _ => attestations.push(of),
        }
    }
    // They are in order, as the set was.
    let changed = register.credentials().filter(|one| attestations.binary_search(&one.attestation).is_ok());
    let numbers: Vec<u64> = changed.map(|one| one.index).collect();
    if !attestations.is_empty() {
        let change = Changed { attestations, state: to, since: now, reason: args.reason.clone() };
        folder.register.append(Line::Changed(change))?;
        folder.settle(&numbers)?;
    }
    let done = match numbers.is_empty() {
        true => format!("nothing changed in {}: none stands otherwise", args.dir.display()),
        false => format!("{} of {} in its register and list", counted(numbers.len(), to), args.dir.display()),
    };
    if !args.json {
        numbers.iter().try_for_each(|index| ui::line(&format!("number {index}: {}", stands((to, now)))))?;
    }
    let sent = node.map(|(client, node)| {
        let (claims, token) = publish::sign(&mut folder, publish::TTL, publish::LIFE, now).context(done.clone())?;
        publish::submit(&mut folder, &claims, &token, &client, node, &done)
    });
    let sent = sent.transpose()?;
    if args.json {
        let mut facts = json!({ "state": to, "since": text(now), "changed": numbers });
        if let Some((sent, _)) = &sent {
            facts["record"] = serde_json::to_value(sent)?;
        }
        ui::json(&facts)?;
    }
    if numbers.is_empty() {
        ui::say(&done);
    } else if sent.is_none() {
        ui::say("hint: `luxor attest publish` shows it; until then verifiers see the list before");
    }
    Ok(sent.map_or(Exit::Ok, |(_, exit)| exit))
}

fn counted(number: usize, state: State) -> String {
    let (what, are) = (some(number as u64, "credential"), if number == 1 { "is" } else { "are" });
    format!("{what} {are} {}", state.word())
}
