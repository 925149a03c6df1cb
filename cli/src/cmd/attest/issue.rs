//! `luxor attest issue` and `renew`: a credential under a number that no other has, in the register before anybody gets it.

use anyhow::Context as _;
use luxor_protocol::credential::{AttestPublic, Attestation, ClaimsError, StatusReference, Terms};
use serde_json::{Map, Value, json};

use super::args::{IssueArgs, LifeArgs, RenewArgs};
use super::claims;
use super::folder::Folder;
use super::life::text;
use super::outgoing::Outgoing;
use super::register::{Issued, Line, State, stands};
use super::{carry, hand_out, keys, send, with_hint};
use crate::exit::{Exit, RefusedError};
use crate::ui;

/// `luxor attest issue`
pub(super) fn issue(args: &IssueArgs, now: u64) -> anyhow::Result<Exit> {
    let (attestation, claims) = claims::read(args.type_name, args.claims.as_deref(), &args.claim)?;
    let holder = keys::public(&args.holder)?;
    let folder = Folder::open(&args.dir)?;
    let (of, subject) = (attestation.credential_type(), claims::subject(&attestation));
    let same = folder.register.credentials().filter(|one| one.of == of && one.subject == subject);
    let standing = same.map(|one| (one.index, folder.register.standing(one.attestation)));
    if let Some((index, standing)) = standing.into_iter().find(|(_, (state, _))| *state == State::Suspended) {
        let what = format!("{of} of {subject}: number {index} is {}", stands(standing));
        return Err(RefusedError(format!("{what}\nhint: `luxor attest reinstate` or `revoke` it first")).into());
    }
    attest(folder, &attestation, claims, holder, None, &args.life, now)
}

/// `luxor attest renew`
pub(super) fn renew(args: &RenewArgs, now: u64) -> anyhow::Result<Exit> {
    let folder = Folder::open(&args.dir)?;
    let before = folder.register.credential(args.index)?.clone();
    let standing = folder.register.standing(before.attestation);
    if standing.0 != State::Valid {
        let hint = match standing.0 {
            State::Suspended => "`luxor attest reinstate` it first",
            _ => "what is revoked stays so; `luxor attest issue` attests anew",
        };
        let what = format!("number {} is {} and is not renewed", args.index, stands(standing));
        return Err(RefusedError(format!("{what}\nhint: {hint}")).into());
    }
    let attestation = claims::attestation(before.of, &before.claims)?;
    let holder = AttestPublic::from_jwk(&before.holder).map_err(|error| {
        RefusedError(format!("register.ndjson: the holder's key of number {}: {error}", args.index))
    })?;
    attest(folder, &attestation, before.claims, holder, Some(before.attestation), &args.life, now)
}

/// The credential of an attestation under a free number, or of one that is renewed.
fn attest(
    mut folder: Folder,
    attestation: &Attestation,
    claims: Map<String, Value>,
    holder: AttestPublic,
    renews: Option<u64>,
    life: &LifeArgs,
    now: u64,
) -> anyhow::Result<Exit> {
    let node = send::reach(life.node.as_ref())?;
    let index = folder.register.free(|free| {
        let mut random = [0; 16];
        getrandom::fill(&mut random).context("no random bytes from the operating system")?;
        // Below `free`, since the remainder is.
        Ok((u128::from_le_bytes(random) % u128::from(free)) as u64)
    })?;
    let expires = now.saturating_add(life.life.0);
    let terms = Terms {
        issuer: folder.config.issuer.to_string(),
        subject: None,
        issued_at: now,
        expires,
        holder,
        status: StatusReference { index, uri: folder.config.status_list.to_string() },
    };
    let refuse = |error: ClaimsError| RefusedError(with_hint(error));
    let mut salts = vec![[0; 16]; attestation.salts(&terms).map_err(refuse)?];
    getrandom::fill(salts.as_flattened_mut()).context("no random bytes from the operating system")?;
    let credential = attestation.issue(&terms, &salts, &folder.key).map_err(refuse)?;
    // What cannot become a record is not issued.
    let record = node.is_some().then(|| carry::attestation(attestation, &credential, index, now)).transpose()?;
    let of = attestation.credential_type();
    let subject = claims::subject(attestation).to_owned();
    let line = Issued {
        index,
        attestation: renews.unwrap_or(index),
        of,
        subject: subject.clone(),
        issued: now,
        expires,
        holder: holder.jwk(),
        claims,
    };
    folder.register.append(Line::Issued(Box::new(line)))?;
    // From here on the number is used, whatever happens to what is handed out.
    let spent = || {
        format!("number {index} is in the register, but was not handed out\nhint: `luxor attest renew --index {index}`")
    };
    folder.settle(&[index]).with_context(spent)?;
    hand_out(life.out.as_deref(), &credential).with_context(spent)?;
    let verb = if renews.is_some() { "renewed" } else { "issued" };
    ui::say(&format!("{verb}: {of} of {subject}, number {index}, holds until {}", text(expires)));
    let sent = node.zip(record).map(|((client, node), record)| {
        let stands = format!("number {index} is in the register and was handed out");
        let kept = Outgoing::attestation(&folder.dir, &format!("{of}-{index}"), record);
        let sent = kept.with_context(|| format!("{stands}, but not sent"))?.send(&client, node, &stands)?;
        let again = format!("luxor attest renew --dir {} --index {index} --node {node}", folder.dir.display());
        let exit =
            sent.tell(node, &format!("{stands}; remove the cause, then `{again}` sends another under a new number"));
        Ok::<_, anyhow::Error>((sent, exit))
    });
    let sent = sent.transpose()?;
    if life.json {
        let mut facts = json!({
            "index": index, "attestation": renews.unwrap_or(index), "type": of, "subject": subject,
            "issued": text(now), "expires": text(expires), "status_list": folder.config.status_list.as_str(),
        });
        if let Some((sent, _)) = &sent {
            facts["record"] = serde_json::to_value(sent)?;
        }
        ui::json(&facts)?;
    }
    Ok(sent.map_or(Exit::Ok, |(_, exit)| exit))
}
