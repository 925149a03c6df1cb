//! `luxor revoke`: own keys by this member's signature; another member's by as many governors as a charter needs, passed on as a file.

use std::collections::BTreeSet;
use std::path::Path;

use luxor_protocol::document::{Document, DocumentKind, Revocation};
use luxor_protocol::keys::KeyId;
use luxor_protocol::names::MemberId;

use super::keys::{self, MemberKey, State};
use super::place::Place;
use super::{listed, now, signatures, today};
use crate::args::{RevokeArgs, WordArgs};
use crate::exit::{Exit, RefusedError, UsageError};
use crate::ui;

/// The shortest beginning of a key's id that names it.
const MIN_PREFIX: usize = 8;

pub(super) fn run(args: &RevokeArgs) -> anyhow::Result<Exit> {
    let place = Place::open(&args.word.node)?;
    let (document, revocation) = match &args.sign {
        Some(file) => {
            let document = signatures::read_document(file, DocumentKind::Revocation)?;
            let revocation = Revocation::open(&document)?;
            (document, revocation)
        }
        None => make(&place, args)?,
    };
    let lines = words(&place, &revocation)?;
    lines.iter().for_each(|line| ui::say(line));
    sign(&place, document, &revocation.member, lines, &args.word)
}

fn make(place: &Place, args: &RevokeArgs) -> anyhow::Result<(Document, Revocation)> {
    let member = args.member.clone().unwrap_or_else(|| place.member.clone());
    let known = keys::all(place, &member)?;
    let mut chosen = BTreeSet::new();
    for wanted in &args.key {
        chosen.insert(named(place, &known, wanted, &member)?);
    }
    if args.keys_of.is_some() || args.use_of.is_some() {
        let node = args.keys_of.as_ref().map(ToString::to_string);
        let fits = |known: &&MemberKey| {
            known.state != State::Former
                && node.as_ref().is_none_or(|node| known.node.as_ref() == Some(node))
                && args.use_of.as_deref().is_none_or(|wanted| known.key.purpose().name() == wanted)
        };
        let before = chosen.len();
        chosen.extend(known.iter().filter(fits).map(|known| known.key.id()));
        if chosen.len() == before {
            return Err(
                RefusedError(format!("the card of {member} has no such key\nhint: `luxor keys` lists them")).into()
            );
        }
    }
    if chosen.is_empty() {
        let what = "no key is named: give --key KEYID, --keys-of NODE or --use USE";
        return Err(UsageError(format!("{what}\nhint: `luxor keys --node DIR` lists them")).into());
    }
    let revocation = Revocation {
        member,
        keys: chosen.into_iter().collect(),
        reason: args.reason.clone().unwrap_or_default(),
        revoked_at: now(),
        compromised_since: args.since,
    };
    Ok((revocation.to_document(place.directory.network())?, revocation))
}

fn named(place: &Place, known: &[MemberKey], wanted: &str, member: &MemberId) -> anyhow::Result<KeyId> {
    // A key for attestations by its kid too, as its tokens have it.
    let attest = place.directory.attest_keys(member).iter();
    let attest = attest.map(|row| (row.key.id(), Some(row.key.thumbprint())));
    let all = known.iter().map(|known| (known.key.id(), None)).chain(attest);
    let fits = |(id, kid): &(KeyId, Option<String>)| {
        let begins = |name: &str| name.starts_with(wanted);
        wanted.len() >= MIN_PREFIX && (begins(&id.to_string()) || kid.as_deref().is_some_and(begins))
    };
    let found: Vec<_> = all.filter(fits).map(|(id, _)| id).collect();
    match found.as_slice() {
        [one] => Ok(*one),
        [] => {
            let what = format!("{member} has no key whose id begins with '{wanted}' (at least {MIN_PREFIX} digits)");
            Err(RefusedError(format!("{what}\nhint: `luxor keys` lists them")).into())
        }
        _ => Err(RefusedError(format!("several keys of {member} begin with '{wanted}': {}", listed(found))).into()),
    }
}

/// What is revoked, in words.
fn words(place: &Place, revocation: &Revocation) -> anyhow::Result<Vec<String>> {
    let known = keys::all(place, &revocation.member)?;
    let mut lines = Vec::new();
    for id in &revocation.keys {
        let key = known.iter().find(|known| known.key.id() == *id);
        let attests = place.directory.attest_keys(&revocation.member).iter().any(|row| row.key.id() == *id);
        let what = key.map_or_else(
            || if attests { "a key that signs attestations" } else { "a key that is not known here" }.to_owned(),
            |known| {
                let of = known.node.as_ref().map(|node| format!(" of {}/{node}", revocation.member));
                let now = match known.state {
                    State::InUse => ", in use until now",
                    State::Beside => "",
                    State::Former => ", a former one",
                };
                format!("the {} key{}{now}", known.key.purpose().name(), of.unwrap_or_default())
            },
        );
        lines.push(format!("{id}: {what}, signs nothing any more"));
    }
    lines.push(match revocation.compromised_since {
        Some(since) => format!("what they signed from {since} on is contested; what they signed before stays good"),
        None => "what they signed before stays good".to_owned(),
    });
    lines.push(format!("because: {}", revocation.reason));
    Ok(lines)
}

/// Signs, and gives it to the node once it holds; else it is passed on.
fn sign(
    place: &Place,
    mut document: Document,
    of: &MemberId,
    lines: Vec<String>,
    word: &WordArgs,
) -> anyhow::Result<Exit> {
    let (directory, member) = (&place.directory, &place.member);
    if member == of {
        place.sign(&mut document)?;
        directory.with(&document, today())?;
        return place.give(&document, lines, word);
    }
    let charter = directory.charter();
    if !charter.governors.contains(member) {
        let what = format!("{member} is no governor, and only governors revoke the keys of {of} beside {of} itself");
        return Err(RefusedError(format!("{what}\nhint: governors are {}", listed(&charter.governors))).into());
    }
    place.sign(&mut document)?;
    let signed: Vec<_> =
        document.signatures.iter().map(|s| &s.member).filter(|id| charter.governors.contains(id)).collect();
    let needed = usize::try_from(charter.threshold).unwrap_or(usize::MAX);
    if signed.len() >= needed {
        directory.with(&document, today())?;
        return place.give(&document, lines, word);
    }
    let path = word.output.as_deref().map(Path::display).map(|path| path.to_string());
    let Some(path) = path else {
        let what = format!("{} of the {needed} governors that it takes have signed", signed.len());
        return Err(UsageError(format!("{what}\nhint: write it with -o FILE, and pass it on")).into());
    };
    let missing = charter.governors.iter().filter(|id| !signed.contains(id));
    let from = format!("{} more of {}", needed - signed.len(), listed(missing));
    ui::say(&format!("hint: pass {path} on to {from}: luxor revoke --sign FILE --node DIR -o FILE"));
    place.give(&document, lines, word)
}
