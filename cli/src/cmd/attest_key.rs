//! `luxor card attest-key`: the keys on a member's card with which it signs attestations and status lists, and from when to when.
//!
//! A former key stays on the card with its last day, since what it signed until then counts. Not here: the keys of nodes
//! (`luxor card rotate`), and a key that others may have (`luxor revoke`).

use luxor_protocol::credential::{AttestPublic, CredentialType};
use luxor_protocol::document::{AttestCardKey, Card, Directory};
use luxor_protocol::names::MemberId;
use luxor_protocol::time::Day;
use serde::Serialize;

use super::place::Place;
use super::{attest, today};
use crate::args::{AttestKeyAddArgs, AttestKeyCommand, AttestKeyEndArgs, AttestKeyListArgs, WordArgs};
use crate::exit::{Exit, RefusedError, UsageError};
use crate::ui;

/// The shortest beginning of a key's name that names it.
const MIN_PREFIX: usize = 8;

/// A key as its card has it.
#[derive(Debug, Serialize)]
pub(super) struct OnCard {
    /// Its thumbprint (RFC 7638), as tokens name it.
    kid: String,
    /// Its id, as `luxor revoke` takes it.
    pub(super) id: String,
    algorithm: &'static str,
    from: String,
    until: Option<String>,
}

/// A key, and how it stands.
#[derive(Debug, Serialize)]
pub(super) struct Told {
    #[serde(flatten)]
    pub(super) key: OnCard,
    pub(super) state: State,
}

/// How a key stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// It signs.
    InUse,
    /// It will.
    Later,
    /// It did.
    Former,
    /// It is revoked.
    Revoked,
}

impl State {
    /// In words.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::InUse => "in use",
            Self::Later => "later",
            Self::Former => "former",
            Self::Revoked => "revoked",
        }
    }
}

pub(super) fn run(command: &AttestKeyCommand) -> anyhow::Result<Exit> {
    match command {
        AttestKeyCommand::Add(args) => add(args),
        AttestKeyCommand::End(args) => end(args),
        AttestKeyCommand::List(args) => list(args),
    }
}

/// The keys of a member, with how they stand on a day.
pub(super) fn told(directory: &Directory, member: &MemberId, day: Day) -> Vec<Told> {
    let one = |row: &AttestCardKey| {
        let state = match row.until {
            _ if directory.revoked(&row.key.id()).is_some() => State::Revoked,
            _ if row.covers(day) => State::InUse,
            Some(until) if until < day => State::Former,
            _ => State::Later,
        };
        Told { key: of_card(row), state }
    };
    directory.attest_keys(member).iter().map(one).collect()
}

/// A key as its card has it.
pub(super) fn of_card(row: &AttestCardKey) -> OnCard {
    OnCard {
        kid: row.key.thumbprint(),
        id: row.key.id().to_string(),
        algorithm: row.key.algorithm().name(),
        from: row.from.to_string(),
        until: row.until.map(|day| day.to_string()),
    }
}

impl OnCard {
    /// `ES256 kid …, from 2026-11-26 to 2027-11-25`
    pub(super) fn line(&self) -> String {
        let until = self.until.as_ref().map(|day| format!(" to {day}")).unwrap_or_default();
        format!("{} kid {}, from {}{until}", self.algorithm, self.kid, self.from)
    }
}

fn add(args: &AttestKeyAddArgs) -> anyhow::Result<Exit> {
    let key = match (&args.which.dir, &args.which.jwk) {
        (Some(dir), _) => attest::public_key(&dir.join("issuer.jwk"))?,
        (None, Some(jwk)) => attest::public_key(jwk)?,
        // The command line's group leaves no such case.
        (None, None) => return Err(UsageError("either --dir or --jwk".into()).into()),
    };
    let row = AttestCardKey { key, from: args.from.unwrap_or_else(today), until: None };
    let place = Place::open(&args.word.node)?;
    let mut card = Card::open(place.own_card()?)?;
    if let Some(there) = card.attest.iter().find(|there| there.key == key) {
        let what = format!("the card of {} has the key already: {}", place.member, of_card(there).line());
        let hint = "`luxor attest keygen` makes another; `luxor card attest-key end` says until when this one signs";
        return Err(RefusedError(format!("{what}\nhint: {hint}")).into());
    }
    warn(&place);
    let told = of_card(&row);
    let change = format!("{} signs attestations and status lists with {}", place.member, told.line());
    card.attest.push(row);
    give(&place, card, change, &args.word)
}

fn end(args: &AttestKeyEndArgs) -> anyhow::Result<Exit> {
    let place = Place::open(&args.word.node)?;
    let mut card = Card::open(place.own_card()?)?;
    let key = *named(&card, &args.kid)?;
    let Some(row) = card.attest.iter_mut().find(|row| row.key == key) else {
        return Err(no_key(&card.member, &args.kid).into());
    };
    if args.until < row.from {
        let what = format!("--until {}: the key signs from {} on only", args.until, row.from);
        return Err(UsageError(format!("{what}\nhint: `luxor revoke --key {}` takes it back whole", key.id())).into());
    }
    if args.until < today() {
        ui::say(&format!("what was signed with it after {} counts no longer", args.until));
    }
    row.until = Some(args.until);
    let change = format!("{} signs attestations with {}", card.member, of_card(row).line());
    give(&place, card, change, &args.word)
}

fn list(args: &AttestKeyListArgs) -> anyhow::Result<Exit> {
    let place = Place::open(&args.known.node)?;
    let member = args.member.as_ref().unwrap_or(&place.member);
    let keys = told(&place.directory, member, today());
    if args.known.json {
        ui::json(&keys)?;
        return Ok(Exit::Ok);
    }
    if keys.is_empty() {
        ui::say(&format!("no key on the card of {member} signs attestations\nhint: `luxor card attest-key add`"));
        return Ok(Exit::Ok);
    }
    let mut table = ui::Table::new(&["kid", "algorithm", "from", "until", "state", "id"], &[]);
    for Told { key, state } in keys {
        let until = key.until.unwrap_or_default();
        table.row([key.kid, key.algorithm.to_owned(), key.from, until, state.words().to_owned(), key.id]);
    }
    table.print()?;
    Ok(Exit::Ok)
}

/// Makes, signs and gives the next card.
fn give(place: &Place, mut card: Card, change: String, word: &WordArgs) -> anyhow::Result<Exit> {
    card.attest.sort_by_key(|row| row.key.bytes());
    ui::say(&change);
    let mut next = card.to_successor(place.own_card()?)?;
    place.sign(&mut next)?;
    place.give(&next, vec![change], word)
}

fn named<'c>(card: &'c Card, kid: &str) -> Result<&'c AttestPublic, RefusedError> {
    let fits = |row: &&AttestCardKey| {
        kid.len() >= MIN_PREFIX && (row.key.thumbprint().starts_with(kid) || row.key.id().to_string().starts_with(kid))
    };
    let found: Vec<_> = card.attest.iter().filter(fits).collect();
    match found.as_slice() {
        [one] => Ok(&one.key),
        [] => Err(no_key(&card.member, kid)),
        _ => Err(RefusedError(format!("several keys of {} begin with '{kid}'", card.member))),
    }
}

fn no_key(member: &MemberId, kid: &str) -> RefusedError {
    let what = format!(
        "the card of {member} has no key for attestations that begins with '{kid}' (at least {MIN_PREFIX} letters)"
    );
    RefusedError(format!("{what}\nhint: `luxor card attest-key list`"))
}

/// A key that signs what nobody takes is worth a word.
fn warn(place: &Place) {
    let may = |of: &CredentialType| place.directory.charter().may_issue(&place.member, *of);
    if CredentialType::ALL.iter().all(|of| may(of).is_err()) {
        for error in CredentialType::ALL.iter().filter_map(|of| may(of).err()) {
            ui::say(&format!("warning: {error}"));
        }
    }
}
