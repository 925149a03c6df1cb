//! Proposals, votes, rejections, and what ends a split.
//!
//! A governor gives one word in a round; a second one is evidence against it. So what this node knows of its own words is looked at
//! before anything is signed. What was signed elsewhere and not brought here is not known here.

use std::path::Path;

use luxor_protocol::document::{Charter, Directory, Document, DocumentKind, MemberStatus, Proposal, Rejection, Split};
use luxor_protocol::limits::MAX_DOCUMENT_BYTES;
use luxor_protocol::names::MemberId;

use super::changes::changes;
use crate::args::WordArgs;
use crate::cmd::place::Place;
use crate::cmd::{listed, short, signatures, some, today};
use crate::exit::{Exit, RefusedError, UsageError};
use crate::{files, ui};

pub(super) fn propose(file: &Path, round: Option<u64>, word: &WordArgs) -> anyhow::Result<Exit> {
    let place = Place::open(&word.node)?;
    let directory = &place.directory;
    no_split(directory)?;
    let (current, document) = (directory.charter(), directory.charter_document());
    let mut charter = draft(directory, file)?;
    (charter.round, charter.merges) = (current.round, current.merges);
    if charter == *current {
        let what = format!("{} says what the charter that holds says already", file.display());
        return Err(RefusedError(format!("{what}\nhint: edit it first")).into());
    }
    (charter.round, charter.merges) = (round.unwrap_or(directory.closed_rounds() + 1), None);
    let proposal = charter.to_successor(directory.network(), document)?;
    first_vote(&place, proposal, &charter, word)
}

pub(super) fn heal(file: Option<&Path>, round: u64, word: &WordArgs) -> anyhow::Result<Exit> {
    let place = Place::open(&word.node)?;
    let directory = &place.directory;
    let Some(split) = directory.split() else {
        return Err(RefusedError("there is no split: one charter holds".into()).into());
    };
    let [one, other] = split.charters.as_slice() else {
        let what = format!("{} charters contradict one another, and a charter merges two", split.charters.len());
        return Err(RefusedError(what).into());
    };
    let Some((_, previous)) = directory.document(one) else {
        return Err(RefusedError(format!("the charter {one} is not known here")).into());
    };
    let mut charter = match file {
        Some(file) => draft(directory, file)?,
        None => without_removed(directory, split)?,
    };
    (charter.round, charter.merges) = (round, Some(*other));
    let proposal = charter.to_successor(directory.network(), previous)?;
    first_vote(&place, proposal, &charter, word)
}

pub(super) fn vote(which: Option<&str>, as_member: bool, word: &WordArgs) -> anyhow::Result<Exit> {
    let place = Place::open(&word.node)?;
    let (directory, member) = (&place.directory, &place.member);
    let mut document = choose(directory, which)?;
    let charter = Charter::read(&document)?;
    governs(directory, member, as_member)?;
    let lines = changes(directory.charter(), &charter);
    say(&document, &charter, &lines);
    let same = |proposal: &Proposal| proposal.document.digest() == document.digest() && proposal.votes.contains(member);
    if directory.proposals().iter().any(same) {
        ui::say(&format!("{member} has voted for it already"));
        return place.give(&document, lines, word);
    }
    check_word(directory, member, &document, &charter)?;
    place.sign(&mut document)?;
    directory.with(&document, today())?;
    place.give(&document, lines, word)
}

pub(super) fn reject(round: u64, word: &WordArgs) -> anyhow::Result<Exit> {
    let place = Place::open(&word.node)?;
    let (directory, member) = (&place.directory, &place.member);
    governs(directory, member, false)?;
    no_split(directory)?;
    if let Some(voted) = directory.proposals().iter().find(|p| p.charter.round == round && p.votes.contains(member)) {
        let digest = short(&voted.document.digest());
        return Err(RefusedError(format!("{member} has voted for the proposal {digest} of round {round}")).into());
    }
    let rejection = Rejection { governor: member.clone(), previous: directory.charter_digest(), round };
    let mut document = rejection.to_document(directory.network());
    place.sign(&mut document)?;
    directory.with(&document, today())?;
    let rejected = directory.rejections().get(&round).map_or(0, Vec::len) as u64;
    let closes = directory.charter().governors.len() as u64 - directory.charter().threshold + 1;
    let lines = vec![format!(
        "{member} accepts nothing in round {round} of what would follow version {}; {closes} such words close it, {rejected} were here before",
        directory.charter_document().version
    )];
    lines.iter().for_each(|line| ui::say(line));
    place.give(&document, lines, word)
}

/// A draft as the next charter. Where it still has a former identity key of a member, today's takes its place.
fn draft(directory: &Directory, file: &Path) -> anyhow::Result<Charter> {
    let mut charter = Charter::from_draft(&files::read_text(file, MAX_DOCUMENT_BYTES)?)?;
    for member in &mut charter.members {
        let keys = directory.identities(&member.id);
        if let Some(today) = keys.last().filter(|today| **today != member.identity && keys.contains(&member.identity)) {
            member.identity = *today;
            ui::say(&format!("{}: the draft has a former identity key; today's takes its place, {today}", member.id));
        }
    }
    Ok(charter)
}

/// The charter that holds, as far as neither of two that contradict each other takes anything away.
fn without_removed(directory: &Directory, split: &Split) -> anyhow::Result<Charter> {
    let mut charter = directory.charter().clone();
    for digest in &split.charters {
        let Some((_, document)) = directory.document(digest) else { continue };
        let rival = Charter::read(document)?;
        charter.members.retain(|member| rival.member(&member.id).is_some());
        for member in &mut charter.members {
            let suspended = |m: &luxor_protocol::document::CharterMember| m.status == MemberStatus::Suspended;
            if rival.member(&member.id).is_some_and(suspended) {
                member.status = MemberStatus::Suspended;
            }
        }
    }
    let before = charter.governors.len();
    let active: Vec<_> = charter.active().map(|member| member.id.clone()).collect();
    charter.governors.retain(|id| active.contains(id));
    if charter.governors.len() != before {
        charter.threshold = charter.governors.len() as u64 * 2 / 3 + 1;
    }
    Ok(charter)
}

/// Says what a new proposal changes, signs it where the key is, and gives it away.
fn first_vote(place: &Place, mut proposal: Document, charter: &Charter, word: &WordArgs) -> anyhow::Result<Exit> {
    let (directory, member) = (&place.directory, &place.member);
    let lines = changes(directory.charter(), charter);
    say(&proposal, charter, &lines);
    if directory.charter().member(member).is_some() && place.has_identity() {
        check_word(directory, member, &proposal, charter)?;
        place.sign(&mut proposal)?;
        directory.with(&proposal, today())?;
    } else if word.output.is_none() {
        let what = "a proposal begins with a vote, and no identity key of a member is here";
        let hint = "write it with -o FILE, and where the key is: luxor charter vote FILE --node DIR -o VOTED";
        return Err(RefusedError(format!("{what}\nhint: {hint}")).into());
    }
    place.give(&proposal, lines, word)
}

/// The proposal that is meant.
fn choose(directory: &Directory, which: Option<&str>) -> anyhow::Result<Document> {
    if let Some(path) = which.map(Path::new).filter(|path| path.is_file()) {
        let mut document = signatures::read_document(path, DocumentKind::Charter)?;
        if let Some((_, known)) = directory.copy_of(&document) {
            document.join(known);
        }
        return Ok(document);
    }
    let wanted = |proposal: &&Proposal| match which {
        Some(prefix) => proposal.document.digest().hex().starts_with(prefix),
        None => !proposal.closed,
    };
    let found: Vec<_> = directory.proposals().iter().filter(wanted).collect();
    match (found.as_slice(), which) {
        ([one], _) => Ok(Document::clone(&one.document)),
        ([], Some(prefix)) => {
            let what = format!("no proposal has a digest that begins with '{prefix}', and there is no such file");
            Err(RefusedError(format!("{what}\nhint: `luxor charter status` lists them")).into())
        }
        ([], None) => Err(RefusedError("there is no open proposal to vote for".into()).into()),
        (several, _) => {
            let digests = listed(several.iter().map(|proposal| short(&proposal.document.digest())));
            Err(UsageError(format!("there are several: {digests}\nhint: give the beginning of one's digest")).into())
        }
    }
}

fn governs(directory: &Directory, member: &MemberId, as_member: bool) -> Result<(), RefusedError> {
    let charter = directory.charter();
    if charter.governors.contains(member) || (as_member && charter.member(member).is_some()) {
        return Ok(());
    }
    let what = format!("{member} is no governor: version {} is", directory.charter_document().version);
    let hint = "where governors are lost, three quarters of the members adopt a charter: --as-member";
    Err(RefusedError(format!("{what} governed by {}\nhint: {hint}", listed(&charter.governors))))
}

fn no_split(directory: &Directory) -> Result<(), RefusedError> {
    match directory.split() {
        None => Ok(()),
        Some(split) => {
            let both = listed(split.charters.iter().map(short));
            let what = format!("two charters of version {} contradict each other: {both}", split.version);
            Err(RefusedError(format!("{what}\nhint: end that first, with `luxor charter heal`")))
        }
    }
}

/// Refuses a vote that would break the member's word, as far as it is known here.
fn check_word(
    directory: &Directory,
    member: &MemberId,
    document: &Document,
    charter: &Charter,
) -> Result<(), RefusedError> {
    let (round, heals) = (charter.round, charter.merges.is_some());
    if !heals {
        no_split(directory)?;
    }
    let refused = |what: String, hint: &str| Err(RefusedError(format!("{what}\nhint: {hint}")));
    let own = |p: &&Proposal| p.votes.contains(member) && p.charter.merges.is_some() == heals;
    let mut others: Vec<_> =
        directory.proposals().iter().filter(own).filter(|p| p.document.digest() != document.digest()).collect();
    // Of several reasons the one about this very round.
    others.sort_by_key(|other| other.charter.round != round);
    for other in others {
        let (digest, of) = (short(&other.document.digest()), other.charter.round);
        if of == round {
            let what = format!("{member} has voted for {digest} in round {round} already, and votes once in a round");
            return refused(what, "once the round is closed by rejections, vote in the next");
        }
        if of < round && !other.closed {
            let what =
                format!("{member} has voted for {digest} in round {of}, which is not closed: it may still be adopted");
            return refused(what, "other governors close it with `luxor charter reject`");
        }
        if of > round {
            let what = format!("{member} has voted for {digest} in round {of}, so round {round} is over for it");
            return refused(what, "vote in that round or a later one");
        }
    }
    let rejected = directory.rejections().get(&round).is_some_and(|who| who.contains(member));
    if rejected && !heals {
        return refused(format!("{member} has rejected round {round}"), "vote in a later round");
    }
    if round <= directory.closed_rounds() && !heals {
        return refused(format!("round {round} is closed by rejections"), "propose it again in the next round");
    }
    Ok(())
}

fn say(document: &Document, charter: &Charter, lines: &[String]) {
    let digest = document.digest();
    let merges =
        charter.merges.map(|other| format!(", in the place of {} and {}", short(&document.previous), short(&other)));
    ui::say(&format!(
        "version {} of the charter, round {}, digest {digest}{}; {} so far. What it changes:",
        document.version,
        charter.round,
        merges.unwrap_or_default(),
        some(document.signatures.len() as u64, "vote")
    ));
    lines.iter().for_each(|line| ui::say(&format!("  {line}")));
}
