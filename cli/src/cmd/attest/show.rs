//! `luxor attest show`: what a credential says, before anybody has verified anything.

use luxor_protocol::credential::sdjwt::Processed;
use luxor_protocol::credential::{Credential, SdJwt, Vc};
use serde_json::{Value, json};

use super::args::ShowArgs;
use super::life::text;
use super::{present, refused, words};
use crate::exit::Exit;
use crate::ui;

/// `luxor attest show`
pub(super) fn show(args: &ShowArgs, now: u64) -> anyhow::Result<Exit> {
    let credential = present::read(&args.file)?;
    let processed = credential.unverified_claims().map_err(|error| refused(&args.file, error))?;
    let vc = Vc::read(processed.claims().clone()).map_err(|error| refused(&args.file, error))?;
    match args.json {
        true => ui::json(&facts(&credential, &processed, &vc))?,
        false => print(&credential, &processed, &vc, now)?,
    }
    Ok(Exit::Ok)
}

fn facts(credential: &SdJwt, processed: &Processed, vc: &Vc) -> Value {
    let places: Vec<String> = processed.disclosed().map(ToString::to_string).collect();
    json!({
        "verified": false,
        "type": vc.vct,
        "issuer": vc.iss,
        "issued": vc.iat.map(text),
        "not_before": vc.nbf.map(text),
        "expires": vc.exp.map(text),
        "holder_key": vc.holder.as_ref().map(|key| key.thumbprint()),
        "status": vc.status.as_ref().map(|status| json!({ "index": status.index, "uri": status.uri })),
        "key_binding": credential.is_bound(),
        "claims": vc.claims,
        "disclosed": places,
    })
}

fn print(credential: &SdJwt, processed: &Processed, vc: &Vc, now: u64) -> anyhow::Result<()> {
    ui::line(
        "NOT VERIFIED: anybody could have written this; `luxor attest verify` looks at signature, time and status",
    )?;
    let ours = Credential::read(vc.clone());
    let mut table = ui::Table::plain();
    let mut row = |name: &str, value: String| table.row([name.to_owned(), value]);
    row("type", vc.vct.clone());
    match &ours {
        Ok(ours) => row("says", words::summary(&ours.shown)),
        Err(why) => row("says", format!("no credential of Luxor's own types: {why}")),
    }
    if let Ok(limits) = ours.as_ref().map(|ours| words::limits(&ours.shown)) {
        limits.into_iter().for_each(|text| row("", text.to_owned()));
    }
    let or_none = |value: Option<String>| value.unwrap_or_else(|| "(not said)".to_owned());
    row("issuer", or_none(vc.iss.clone()));
    row("issued", or_none(vc.iat.map(text)));
    let ended = |exp: u64| if exp <= now { ", which is over" } else { "" };
    row("holds until", or_none(vc.exp.map(|exp| format!("{}{}", text(exp), ended(exp)))));
    row("holder's key", or_none(vc.holder.as_ref().map(|key| key.thumbprint())));
    row("status", or_none(vc.status.as_ref().map(|status| format!("number {} of {}", status.index, status.uri))));
    row(
        "key binding",
        if credential.is_bound() { "there is one" } else { "none: not presented to anybody" }.to_owned(),
    );
    row("", String::new());
    let places: Vec<String> = processed.disclosed().map(ToString::to_string).collect();
    let sub = vc.sub.as_ref().and_then(|_| processed.claims().get_key_value("sub"));
    for (name, value) in vc.claims.iter().chain(sub) {
        let inside = |place: &&String| {
            place.strip_prefix(name.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(['[', '.']))
        };
        let open: Vec<&str> = places.iter().filter(inside).map(String::as_str).collect();
        match (open.is_empty(), value) {
            (true, Value::Array(all)) if all.is_empty() => row(name, "(no element disclosed)".to_owned()),
            (true, value) => row(name, format!("{}  (in clear)", plain(value))),
            (false, value) => row(name, format!("{}  (disclosed: {})", plain(value), open.join(", "))),
        }
    }
    if let Ok(ours) = &ours {
        let hidden = words::disclosed(&ours.shown).into_iter().filter(|(_, value)| value.is_none());
        hidden
            .filter(|(name, _)| !vc.claims.contains_key(*name))
            .for_each(|(name, _)| row(name, "(not disclosed)".to_owned()));
    }
    Ok(table.print()?)
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(all) => all.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}
