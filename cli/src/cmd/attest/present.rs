//! `luxor attest present`: the holder's side, which shows only what it names and signs for whom.

use std::path::Path;

use luxor_protocol::credential::{ClaimPath, SdJwt, SdJwtError, Step};
use luxor_protocol::limits::{MAX_CLAIM_PATH, MAX_CREDENTIAL_BYTES, MAX_URI_BYTES};
use serde_json::Value;

use super::args::PresentArgs;
use super::keys;
use super::life::text;
use super::{hand_out, refused};
use crate::exit::{Exit, UsageError};
use crate::files;
use crate::ui;

/// `luxor attest present`
pub(super) fn present(args: &PresentArgs, now: u64) -> anyhow::Result<Exit> {
    bounded("aud", &args.aud)?;
    bounded("nonce", &args.nonce)?;
    let paths = args.disclose.iter().map(|text| path(text)).collect::<Result<Vec<_>, _>>()?;
    let credential = read(&args.file)?;
    let key = keys::secret(&args.key)?;
    let refuse = |error: SdJwtError| refused(&args.file, error);
    let expires = credential.unverified("exp").map_err(refuse)?.as_ref().and_then(Value::as_u64);
    if let Some(expires) = expires.filter(|expires| *expires <= now) {
        let what = format!("it held until {}, so no verifier takes it", text(expires));
        return Err(refused(&args.file, format!("{what}\nhint: ask the issuer to renew it")).into());
    }
    let presented = match credential.present(&paths) {
        Err(SdJwtError::Path(path)) => {
            let hint = "`luxor attest show` lists the claims that can be disclosed";
            return Err(refused(&args.file, format!("there is no claim {path}\nhint: {hint}")).into());
        }
        presented => presented.map_err(refuse)?,
    };
    let shown = presented.disclosures().len();
    let hidden = credential.disclosures().len() - shown;
    let presented = presented.bind(&args.aud, &args.nonce, now, &key).map_err(refuse)?;
    hand_out(args.out.as_deref(), &presented)?;
    ui::say(&format!("for {}: {shown} disclosed, {hidden} kept back", args.aud));
    Ok(Exit::Ok)
}

/// Reads a credential or a presentation; `-` is stdin.
pub(super) fn read(file: &Path) -> anyhow::Result<SdJwt> {
    let path = if file == Path::new("-") { Path::new("/dev/stdin") } else { file };
    // One more for the end of the line.
    let written = files::read_text(path, MAX_CREDENTIAL_BYTES + 2)?;
    Ok(SdJwt::parse(written.trim_end()).map_err(|error| refused(file, error))?)
}

/// A text that a verifier chooses: one line, within what is read of it.
pub(super) fn bounded(option: &str, text: &str) -> Result<(), UsageError> {
    match (1..=MAX_URI_BYTES).contains(&text.len()) && !text.chars().any(char::is_control) {
        true => Ok(()),
        false => Err(UsageError(format!("--{option}: not one line of 1 to {MAX_URI_BYTES} bytes"))),
    }
}

/// `legal_name`, `roles`, `roles[0]`, `address.country`: as claims are listed.
fn path(text: &str) -> Result<ClaimPath, UsageError> {
    let refuse = || UsageError(format!("--disclose {text}: not a claim such as legal_name, roles or roles[0]"));
    let mut steps = Vec::new();
    for part in text.split('.') {
        let (name, mut rest) = part.split_at(part.find('[').unwrap_or(part.len()));
        if name.is_empty() {
            return Err(refuse());
        }
        steps.push(Step::Name(name.to_owned()));
        while let Some((at, behind)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            steps.push(Step::At(at.parse().map_err(|_| refuse())?));
            rest = behind;
        }
        if !rest.is_empty() {
            return Err(refuse());
        }
    }
    if steps.len() > MAX_CLAIM_PATH { Err(refuse()) } else { Ok(ClaimPath::new(steps)) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn claims_are_named_as_they_are_listed() {
        for text in ["legal_name", "roles[0]", "a.b[2][3].c"] {
            assert_eq!(path(text).unwrap().to_string(), text);
        }
        for wrong in ["", "[0]", "a[", "a[x]", "a[0]b", "a..b", "a[-1]", "a.b.c.d.e.f.g.h.i.j.k.l.m"] {
            assert!(path(wrong).is_err(), "{wrong}");
        }
    }
}
