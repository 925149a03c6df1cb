//! Tokens as records: what a node sends to whom an agreement gives it. What the tokens must be, the protocol says
//! ([`luxor_protocol::recognition::Tokens`]).

use luxor_protocol::credential::{Attestation, ClaimPath, SdJwt};
use luxor_protocol::hash::{Digest, Domain};
use luxor_protocol::limits::MAX_CARRIED_STATUS_BYTES;
use luxor_protocol::recognition::Confirmation;
use luxor_protocol::record::{Content, ContentError, content_from_json};
use serde_json::{Value, json};

use super::life::text;
use super::with_hint;
use crate::exit::RefusedError;

/// A credential: by its token only the number that it is about is disclosed; every other disclosure stands in `details`, which an agreement
/// may keep back.
pub(super) fn attestation(
    attestation: &Attestation,
    credential: &SdJwt,
    index: u64,
    now: u64,
) -> Result<Content, RefusedError> {
    let of = attestation.credential_type();
    let number = match attestation {
        Attestation::Aeo(of) => of.number.scheme().word(),
        Attestation::VettedSeller(_) => "seller",
        Attestation::Collect(of) => of.registration.claim(),
    };
    let presented =
        credential.present(&[ClaimPath::names(&[number])]).map_err(|error| RefusedError(with_hint(error)))?;
    let (all, token) = (credential.to_string(), presented.to_string());
    let shown: Vec<&str> = disclosures(&token).collect();
    let kept_back = disclosures(&all).filter(|one| !shown.contains(one));
    let details: Vec<Value> = kept_back.map(|one| json!({ "disclosure": one })).collect();
    let mut record = json!({
        "type": "attestation",
        "reference": reference(&format!("{of}-{index}"), now),
        "credential": { "type": of, "token": token },
    });
    if !details.is_empty() {
        record["details"] = Value::Array(details);
    }
    content(&record)
}

/// A signed status list.
pub(super) fn status_list(uri: &str, token: &str, now: u64) -> Result<Content, RefusedError> {
    if token.len() > MAX_CARRIED_STATUS_BYTES {
        let what =
            format!("the signed list has {} bytes; a record carries {MAX_CARRIED_STATUS_BYTES} at most", token.len());
        let hint = "`luxor attest publish --to` serves it; issue what comes from another folder with a list of its own";
        return Err(RefusedError(format!("{what}\nhint: {hint}")));
    }
    content(&json!({
        "type": "status_list",
        "reference": reference(&format!("status_list-{now}"), now),
        "list": { "uri": uri, "token": token },
    }))
}

/// The confirmed use of a number for a consignment. The same use has the same reference, whenever it is confirmed.
pub(super) fn collect_use(
    of: &Confirmation,
    scheme: Option<&str>,
    key: &str,
    token: &str,
) -> Result<Content, RefusedError> {
    let period = of.period.to_string();
    let parts = ["use", &of.number, &period, &of.item].map(str::as_bytes);
    let name: String = Digest::of(Domain::Index, &parts).hex().chars().take(32).collect();
    let mut item = json!({ "id": of.item });
    if let Some(scheme) = scheme {
        item["scheme"] = scheme.into();
    }
    content(&json!({
        "type": "collect_use",
        "reference": reference(&format!("use-{name}"), of.signed_at),
        "item": item,
        "use": { "number": of.number, "period": period, "key": key, "token": token },
    }))
}

fn reference(own: &str, now: u64) -> Value {
    json!({ "own_reference": own, "made_at": text(now) })
}

/// What stands behind the signed part, piece by piece.
fn disclosures(token: &str) -> impl Iterator<Item = &str> {
    token.split('~').skip(1).filter(|one| !one.is_empty())
}

fn content(record: &Value) -> Result<Content, RefusedError> {
    content_from_json(record).map_err(|error: ContentError| {
        let kind = record["type"].as_str().unwrap_or_default();
        RefusedError(format!("it makes no record of type {kind}: {error}"))
    })
}
