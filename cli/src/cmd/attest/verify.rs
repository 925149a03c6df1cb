//! `luxor attest verify`: every check by itself, so that a verifier sees which one failed.
//!
//! Not here: whether the issuer may attest this, which the network's charter says; whether a nonce was used before, which only
//! the verifier knows.

use luxor_protocol::credential::vc::VC_TYPES;
use luxor_protocol::credential::{
    AttestPublic, ClaimsError, Credential, Demand, KeyBinding, SdJwt, Shown, Vc, VcError,
};
use luxor_protocol::time::Millis;
use serde::Serialize;
use serde_json::{Value, json};

use super::args::VerifyArgs;
use super::keys::IssuerKeys;
use super::life::{Seconds, seconds, text};
use super::{present, refused, status, words};
use crate::exit::Exit;
use crate::ui;

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Ok,
    Failed,
    NotDone,
}

/// A check.
#[derive(Debug, Serialize)]
struct Check {
    check: &'static str,
    outcome: Outcome,
    detail: String,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    checks: Vec<Check>,
    credential: Value,
    said: Vec<(&'static str, Option<String>)>,
}

impl Found {
    pub(super) fn ok(&mut self, check: &'static str, detail: impl Into<String>) {
        self.checks.push(Check { check, outcome: Outcome::Ok, detail: detail.into() });
    }

    pub(super) fn failed(&mut self, check: &'static str, detail: impl Into<String>) {
        self.checks.push(Check { check, outcome: Outcome::Failed, detail: detail.into() });
    }

    pub(super) fn not_done(&mut self, check: &'static str, detail: impl Into<String>) {
        self.checks.push(Check { check, outcome: Outcome::NotDone, detail: detail.into() });
    }

    /// Whether nothing failed.
    pub(super) fn holds(&self) -> bool {
        self.checks.iter().all(|check| check.outcome != Outcome::Failed)
    }

    /// As JSON.
    pub(super) fn object(&self) -> Value {
        json!({
            "ok": self.holds(),
            "checks": self.checks,
            "credential": self.credential,
            "not_judged": ["whether the issuer may attest this", "whether the nonce was used before"],
        })
    }

    fn print(&self) -> std::io::Result<()> {
        let mut table = ui::Table::plain();
        for check in &self.checks {
            let outcome = match check.outcome {
                Outcome::Ok => "ok",
                Outcome::Failed => "FAILED",
                Outcome::NotDone => "not done",
            };
            table.row([outcome, check.check, &check.detail]);
        }
        for (name, value) in &self.said {
            table.row(["", name, value.as_deref().unwrap_or("(not disclosed)")]);
        }
        table.print()
    }
}

/// `luxor attest verify`
pub(super) fn run(args: &VerifyArgs, now: u64) -> anyhow::Result<Exit> {
    let found = verify(args, args.at.map_or(now, seconds))?;
    match args.json {
        true => ui::json(&found.object())?,
        false => found.print()?,
    }
    ui::say(
        "not judged here: whether the issuer may attest this (the charter says), whether a nonce was used before (you know)",
    );
    Ok(if found.holds() { Exit::Ok } else { Exit::Findings })
}

/// Every check, as of `now`.
pub(super) fn verify(args: &VerifyArgs, now: u64) -> anyhow::Result<Found> {
    let demand = match (&args.aud, &args.nonce) {
        (Some(audience), Some(nonce)) => {
            present::bounded("aud", audience)?;
            present::bounded("nonce", nonce)?;
            Some(Demand { audience, nonce, now, max_age: args.max_age.0 })
        }
        _ => None,
    };
    let presented = present::read(&args.file)?;
    let keys = IssuerKeys::read(&args.issuer)?;
    let mut found = Found::default();
    let key = match keys.of(&presented.header().map_err(|error| refused(&args.file, error))?) {
        Ok(key) => *key,
        Err(why) => {
            found.failed("signature", why);
            return Ok(found);
        }
    };
    // What its issuer signed is looked at by itself first.
    let processed = match presented.without_binding().verify(&VC_TYPES, &key, KeyBinding::None) {
        Ok(processed) => processed,
        Err(error) => {
            // Nothing that it says counts.
            found.failed("signature", error.to_string());
            return Ok(found);
        }
    };
    found.ok("signature", format!("{} by key {}", key.algorithm().name(), key.thumbprint()));
    let vc = match Vc::of(processed) {
        Ok(vc) => vc,
        Err(error) => {
            found.failed("form", error.to_string());
            return Ok(found);
        }
    };
    issuer(&mut found, &keys, &vc);
    time(&mut found, &vc, now);
    binding(&mut found, &presented, &key, demand.as_ref());
    status::check(&mut found, &args.list, &keys, &key, vc.status.as_ref(), now)?;
    meaning(&mut found, &vc, now);
    Ok(found)
}

fn issuer(found: &mut Found, keys: &IssuerKeys, vc: &Vc) {
    let named = vc.iss.as_deref().unwrap_or("nobody");
    match keys.issuer.as_deref() {
        None => found.not_done("issuer", format!("it names {named}; the key given is under no name")),
        Some(issuer) if Some(issuer) == vc.iss.as_deref() => found.ok("issuer", issuer),
        Some(issuer) => found.failed("issuer", format!("it names {named}; the keys given are those of {issuer}")),
    }
}

fn time(found: &mut Found, vc: &Vc, now: u64) {
    let until = vc.exp.map_or_else(|| "for ever".to_owned(), |exp| format!("until {}", text(exp)));
    let issued = vc.iat.map(|iat| format!("issued {}, ", text(iat))).unwrap_or_default();
    let life = format!("{issued}holds {until}; looked at as of {}", text(now));
    match vc.holds_at(now) {
        Ok(()) => found.ok("time", life),
        Err(VcError::Time { until, .. }) if now >= until => found.failed("time", format!("over: {life}")),
        Err(_) => found.failed("time", format!("not yet: {life}")),
    }
}

fn binding(found: &mut Found, presented: &SdJwt, key: &AttestPublic, demand: Option<&Demand<'_>>) {
    match (demand, presented.is_bound()) {
        (None, false) => found.not_done("key binding", "none, and none was asked for: whoever has it may show it"),
        (None, true) => {
            let why = "there is one for somebody; hint: --aud and --nonce tell for whom it must be";
            found.failed("key binding", why);
        }
        (Some(demand), _) => match presented.verify(&VC_TYPES, key, KeyBinding::Demanded(*demand)) {
            Ok(_) => {
                let age = Seconds(demand.max_age);
                let once = "that this nonce was asked with once is yours to see to";
                found.ok(
                    "key binding",
                    format!("by the holder for {}, not more than {age} ago; {once}", demand.audience),
                );
            }
            Err(error) => found.failed("key binding", error.to_string()),
        },
    }
}

fn meaning(found: &mut Found, vc: &Vc, now: u64) {
    match Credential::read(vc.clone()) {
        Ok(Credential { terms, shown }) => {
            judge(found, &shown, now);
            found.said = words::disclosed(&shown);
            found.credential = json!({
                "type": shown.credential_type(), "issuer": terms.issuer, "issued": text(terms.issued_at),
                "expires": text(terms.expires), "holder_key": terms.holder.thumbprint(),
                "status": { "index": terms.status.index, "uri": terms.status.uri }, "claims": vc.claims,
            });
        }
        Err(ClaimsError::Type(of)) => found.failed("type", format!("'{of}' is none of Luxor's types")),
        Err(error) => found.failed("type", error.to_string()),
    }
}

fn judge(found: &mut Found, shown: &Shown, now: u64) {
    let (of, summary) = (shown.credential_type(), words::summary(shown));
    let limits = words::limits(shown).map(|limits| format!("; {limits}")).unwrap_or_default();
    match words::objection(shown, Millis(now.saturating_mul(1_000)).day()) {
        None => found.ok("type", format!("{of}: {summary}{limits}")),
        Some(why) => found.failed("type", format!("{of}: {why}; {summary}{limits}")),
    }
}
