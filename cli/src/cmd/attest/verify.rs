//! `luxor attest verify`: every check by itself, so that a verifier sees which one failed.
//!
//! Not here: whether the issuer may attest this, which the network's charter says; whether a nonce was used before, which only
//! the verifier knows.

use luxor_protocol::credential::jws::Jws;
use luxor_protocol::credential::vc::VC_TYPES;
use luxor_protocol::credential::{
    AttestPublic, ClaimsError, Credential, Demand, KeyBinding, SdJwt, SdJwtError, Shown, Status, StatusError,
    StatusReference, StatusToken, Vc, VcError,
};
use luxor_protocol::limits::MAX_STATUS_TOKEN_BYTES;
use luxor_protocol::time::Millis;
use serde::Serialize;
use serde_json::{Value, json};

use super::args::VerifyArgs;
use super::keys::IssuerKeys;
use super::life::{Seconds, seconds, text};
use super::uri::WebUri;
use super::{present, words};
use crate::client::{ClientError, Web};
use crate::exit::{Exit, RefusedError, UsageError};
use crate::files;
use crate::ui;

/// The last second that has a text.
const MAX_SECONDS: u64 = Millis::MAX.0 / 1_000;

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
    fn ok(&mut self, check: &'static str, detail: impl Into<String>) {
        self.checks.push(Check { check, outcome: Outcome::Ok, detail: detail.into() });
    }

    fn failed(&mut self, check: &'static str, detail: impl Into<String>) {
        self.checks.push(Check { check, outcome: Outcome::Failed, detail: detail.into() });
    }

    fn not_done(&mut self, check: &'static str, detail: impl Into<String>) {
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
    let refuse = |error: SdJwtError| RefusedError(format!("{}: {error}", args.file.display()));
    let mut found = Found::default();
    let key = match keys.of(&presented.header().map_err(refuse)?) {
        Ok(key) => *key,
        Err(why) => {
            found.failed("signature", why);
            return Ok(found);
        }
    };
    let bare = unbound(&presented).map_err(refuse)?;
    let claims = match bare.verify(&VC_TYPES, &key, KeyBinding::None) {
        Ok(processed) => processed.into_claims(),
        Err(error) => {
            // Nothing that it says counts.
            found.failed("signature", error.to_string());
            return Ok(found);
        }
    };
    found.ok("signature", format!("{} by key {}", key.algorithm().name(), key.thumbprint()));
    let vc = match Vc::read(claims) {
        Ok(vc) => vc,
        Err(error) => {
            found.failed("form", error.to_string());
            return Ok(found);
        }
    };
    issuer(&mut found, &keys, &vc);
    time(&mut found, &bare, &key, &vc, now);
    binding(&mut found, &presented, &key, demand.as_ref());
    status(&mut found, args, &keys, &key, vc.status.as_ref(), now)?;
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

fn time(found: &mut Found, bare: &SdJwt, key: &AttestPublic, vc: &Vc, now: u64) {
    let life = |vc: &Vc| {
        let until = vc.exp.map_or_else(|| "for ever".to_owned(), |exp| format!("until {}", text(exp)));
        let issued = vc.iat.map(|iat| format!("issued {}, ", text(iat))).unwrap_or_default();
        format!("{issued}holds {until}; looked at as of {}", text(now))
    };
    match Vc::verify(bare, key, now, KeyBinding::None) {
        Ok(_) => found.ok("time", life(vc)),
        Err(VcError::Time { until, .. }) if now >= until => found.failed("time", format!("over: {}", life(vc))),
        Err(VcError::Time { .. }) => found.failed("time", format!("not yet: {}", life(vc))),
        Err(error) => found.failed("form", error.to_string()),
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

fn status(
    found: &mut Found,
    args: &VerifyArgs,
    keys: &IssuerKeys,
    key: &AttestPublic,
    reference: Option<&StatusReference>,
    now: u64,
) -> anyhow::Result<()> {
    let Some(place) = &args.list.status else {
        let uri = reference.map_or("no list is named", |reference| &reference.uri);
        found.not_done("status", format!("not looked at, though it may be revoked: {uri}"));
        return Ok(());
    };
    let Some(reference) = reference else {
        found.failed("status", "the credential names no status list");
        return Ok(());
    };
    let Some(token) = fetch(place)? else {
        found.failed("status", format!("there is no list at {place}"));
        return Ok(());
    };
    // A list may be signed with another key of the issuer's than the credential.
    let header =
        luxor_protocol::credential::jws::Jws::parse(&token, MAX_STATUS_TOKEN_BYTES, 6).map(|jws| jws.header().clone());
    let signer = header.ok().and_then(|header| keys.of(&header).ok()).unwrap_or(key);
    let outcome = StatusToken::verify(&token, signer, now).and_then(|list| Ok((list.status(reference)?, list)));
    let (status, list) = match outcome {
        Ok(outcome) => outcome,
        Err(StatusError::Time { issued_at, expires, .. }) => {
            let (from, until) = (text(issued_at), text(expires.min(MAX_SECONDS)));
            found.failed("status", format!("the list is of {from} and holds until {until}; hint: fetch it again"));
            return Ok(());
        }
        Err(error) => {
            found.failed("status", error.to_string());
            return Ok(());
        }
    };
    let (issued, fresh) = (list.claims.issued_at, list.fresh_until());
    let age = format!(
        "list of {}, {} s old, fresh until {}",
        text(issued),
        ui::count(now.saturating_sub(issued)),
        text(fresh)
    );
    let number = reference.index;
    match status {
        Status::Valid if now > fresh => {
            found.failed("status", format!("stale: number {number} was valid; {age}; hint: fetch it again"))
        }
        Status::Valid => found.ok("status", format!("number {number} is valid; {age}")),
        Status::Invalid => found.failed("status", format!("number {number} is revoked; {age}")),
        Status::Suspended => found.failed("status", format!("number {number} is suspended; {age}")),
        Status::Other(other) => {
            found.failed("status", format!("number {number} has the unknown status {other}; {age}"))
        }
    }
    Ok(())
}

fn meaning(found: &mut Found, vc: &Vc, now: u64) {
    match Credential::read(vc.clone()) {
        Ok(Credential { terms, shown }) => {
            judge(found, &shown, now);
            found.said = words::disclosed(&shown);
            found.credential = json!({
                "type": words::type_of(&shown), "issuer": terms.issuer, "issued": text(terms.issued_at),
                "expires": text(terms.expires), "holder_key": terms.holder.thumbprint(),
                "status": { "index": terms.status.index, "uri": terms.status.uri }, "claims": vc.claims,
            });
        }
        Err(ClaimsError::Type(of)) => found.failed("type", format!("'{of}' is none of Luxor's types")),
        Err(error) => found.failed("type", error.to_string()),
    }
}

fn judge(found: &mut Found, shown: &Shown, now: u64) {
    let (of, summary) = (words::type_of(shown), words::summary(shown));
    let limits = words::limits(shown).map(|limits| format!("; {limits}")).unwrap_or_default();
    match words::objection(shown, Millis(now.saturating_mul(1_000)).day()) {
        None => found.ok("type", format!("{of}: {summary}{limits}")),
        Some(why) => found.failed("type", format!("{of}: {why}; {summary}{limits}")),
    }
}

/// The same without key binding: what its issuer signed is looked at by itself first.
fn unbound(presented: &SdJwt) -> Result<SdJwt, SdJwtError> {
    let written = presented.to_string();
    SdJwt::parse(written.rfind('~').and_then(|end| written.get(..=end)).unwrap_or_default())
}

/// The signed list, in a file or where it is served; none if it is not there.
fn fetch(place: &str) -> anyhow::Result<Option<String>> {
    if place.starts_with("https://") {
        let hint = "TLS is not spoken here: fetch it with another program and give the file, or use a tunnel";
        return Err(UsageError(format!("--status {place}\nhint: {hint}")).into());
    }
    let bytes = if place.starts_with("http://") {
        let uri = WebUri::parse("--status", place)?;
        match Web::new(uri.origin())?.file(uri.path(), MAX_STATUS_TOKEN_BYTES) {
            Err(ClientError::Status { url, status: status @ ..500 }) => {
                let hint = "redirects are not followed; fetch it with another program and give the file";
                return Err(
                    RefusedError(format!("{url}: the server answers with HTTP status {status}\nhint: {hint}")).into()
                );
            }
            bytes => bytes?,
        }
    } else {
        match files::read(place.as_ref(), MAX_STATUS_TOKEN_BYTES) {
            Err(error) if error.is_not_found() => None,
            bytes => Some(bytes?),
        }
    };
    // What is no text is no token, which the check says.
    Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).trim_end().to_owned()))
}
