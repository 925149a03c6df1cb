//! A credential's status, by the signed list that it names: in a file, or where it is served.

use luxor_protocol::credential::jws::Jws;
use luxor_protocol::credential::{AttestPublic, Status, StatusError, StatusReference, StatusToken};
use luxor_protocol::limits::MAX_STATUS_TOKEN_BYTES;

use super::args::ListArgs;
use super::keys::IssuerKeys;
use super::life::text;
use super::uri::WebUri;
use super::verify::Found;
use crate::client::{ClientError, Web};
use crate::exit::{RefusedError, UsageError};
use crate::files;
use crate::ui;

/// Objects and arrays inside one another in a signed list.
const DEPTH: usize = 6;

/// Looks a credential up in its list.
pub(super) fn check(
    found: &mut Found,
    args: &ListArgs,
    keys: &IssuerKeys,
    key: &AttestPublic,
    reference: Option<&StatusReference>,
    now: u64,
) -> anyhow::Result<()> {
    let Some(place) = &args.status else {
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
    let header = Jws::parse(&token, MAX_STATUS_TOKEN_BYTES, DEPTH).map(|jws| jws.header().clone());
    let signer = header.ok().and_then(|header| keys.of(&header).ok()).unwrap_or(key);
    let outcome = StatusToken::verify(&token, signer, now).and_then(|list| Ok((list.status(reference)?, list)));
    let (status, list) = match outcome {
        Ok(outcome) => outcome,
        Err(StatusError::Time { issued_at, expires, .. }) => {
            let (from, until) = (text(issued_at), text(expires));
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
