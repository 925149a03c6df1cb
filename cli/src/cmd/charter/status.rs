//! `luxor charter status`

use luxor_protocol::document::{Charter, Directory};
use luxor_protocol::hash::Digest;
use luxor_protocol::names::MemberId;
use serde::Serialize;

use super::changes::changes;
use crate::args::KnownArgs;
use crate::cmd::place::Place;
use crate::cmd::{listed, today};
use crate::exit::Exit;
use crate::ui;

#[derive(Serialize)]
struct Shown {
    network: String,
    name: String,
    version: u64,
    digest: String,
    members: usize,
    governors: Vec<MemberId>,
    threshold: u64,
    valid_until: Option<String>,
    /// Whether it is past its last day: nothing new is admitted then.
    stale: bool,
    split: Option<ShownSplit>,
    proposals: Vec<ShownProposal>,
    /// Rounds up to this one are closed.
    closed_rounds: u64,
    rejections: Vec<ShownRejections>,
    broken_words: Vec<BrokenWord>,
    frozen: Vec<Frozen>,
}

#[derive(Serialize)]
struct ShownSplit {
    version: u64,
    charters: Vec<Rival>,
    /// Members that one of them removes or suspends, which is honoured meanwhile.
    removed: Vec<MemberId>,
}

#[derive(Serialize)]
struct Rival {
    digest: String,
    votes: Vec<MemberId>,
    changes: Vec<String>,
}

#[derive(Serialize)]
struct ShownProposal {
    digest: String,
    version: u64,
    round: u64,
    /// Whether it ends a split.
    heals: bool,
    votes: Vec<MemberId>,
    needed: u64,
    rejections: Vec<MemberId>,
    closed: bool,
    changes: Vec<String>,
}

#[derive(Serialize)]
struct ShownRejections {
    round: u64,
    governors: Vec<MemberId>,
}

#[derive(Serialize)]
struct BrokenWord {
    governor: MemberId,
    round: u64,
    /// The two documents that it signed.
    documents: Vec<Named>,
}

#[derive(Serialize)]
struct Named {
    digest: String,
    what: String,
}

#[derive(Serialize)]
struct Frozen {
    kind: String,
    id: String,
    version: u64,
    digests: Vec<String>,
}

pub(super) fn run(args: &KnownArgs) -> anyhow::Result<Exit> {
    let place = Place::open(&args.node)?;
    let shown = shown(&place.directory);
    if args.json {
        ui::json(&shown)?;
    } else {
        print(&shown)?;
    }
    Ok(Exit::Ok)
}

fn shown(directory: &Directory) -> Shown {
    let (charter, document) = (directory.charter(), directory.charter_document());
    let against = |digest: &Digest| {
        let known = directory.document(digest).and_then(|(_, document)| {
            let signed = document.signatures.iter().map(|signed| signed.member.clone()).collect();
            Charter::read(document).ok().map(|rival| (signed, changes(charter, &rival)))
        });
        let (votes, changes) = known.unwrap_or_default();
        Rival { digest: digest.hex(), votes, changes }
    };
    let split = directory.split().map(|split| ShownSplit {
        version: split.version,
        charters: split.charters.iter().map(against).collect(),
        removed: split.removed.iter().cloned().collect(),
    });
    let proposals = directory.proposals().iter().map(|proposal| ShownProposal {
        digest: proposal.document.digest().hex(),
        version: proposal.document.version,
        round: proposal.charter.round,
        heals: proposal.charter.merges.is_some(),
        votes: proposal.votes.clone(),
        needed: proposal.needed,
        rejections: proposal.rejections.clone(),
        closed: proposal.closed,
        changes: changes(charter, &proposal.charter),
    });
    let named = |digest: &Digest| {
        let document = directory.document(digest).map(|(_, document)| document);
        let what = document.map(|d| format!("{} {} version {}", d.kind, d.id, d.version));
        Named { digest: digest.hex(), what: what.unwrap_or_default() }
    };
    let broken = directory.equivocations().iter().map(|broken| BrokenWord {
        governor: broken.governor.clone(),
        round: broken.round,
        documents: broken.documents.iter().map(named).collect(),
    });
    let frozen = directory.conflicts().iter().map(|conflict| Frozen {
        kind: conflict.kind.to_string(),
        id: conflict.id.to_string(),
        version: conflict.version,
        digests: conflict.digests.iter().map(Digest::hex).collect(),
    });
    let rejections = directory.rejections().iter();
    Shown {
        network: directory.network().hex(),
        name: charter.name.clone(),
        version: document.version,
        digest: directory.charter_digest().hex(),
        members: charter.members.len(),
        governors: charter.governors.clone(),
        threshold: charter.threshold,
        valid_until: charter.valid_until.map(|day| day.to_string()),
        stale: directory.stale(today()).is_some(),
        split,
        proposals: proposals.collect(),
        closed_rounds: directory.closed_rounds(),
        rejections: rejections.map(|(round, who)| ShownRejections { round: *round, governors: who.clone() }).collect(),
        broken_words: broken.collect(),
        frozen: frozen.collect(),
    }
}

fn print(shown: &Shown) -> std::io::Result<()> {
    ui::line(&format!("{}: version {} of the charter holds, digest {}", shown.name, shown.version, shown.digest))?;
    let governors = format!("{} of its governors {}", shown.threshold, listed(&shown.governors));
    ui::line(&format!("  {} members; the next version needs {governors}", shown.members))?;
    match (&shown.valid_until, shown.stale) {
        (None, _) => ui::line("  it holds without end")?,
        (Some(day), false) => ui::line(&format!("  it holds until {day}"))?,
        (Some(day), true) => {
            ui::line(&format!("  STALE: it held until {day}; no new agreement or member's first card is admitted"))?;
        }
    }
    if let Some(split) = &shown.split {
        ui::line(&format!("SPLIT: two charters of version {} have enough votes; neither holds", split.version))?;
        for rival in &split.charters {
            ui::line(&format!("  {}, signed by {}:", rival.digest, listed(&rival.votes)))?;
            rival.changes.iter().try_for_each(|line| ui::line(&format!("    {line}")))?;
        }
        match split.removed.as_slice() {
            [] => ui::line("  neither removes anybody, so exchange goes on as before")?,
            out => ui::line(&format!("  honoured meanwhile: nothing flows from or to {}", listed(out)))?,
        }
        ui::line("  it ends with a charter that takes the place of both: `luxor charter heal`")?;
    }
    for proposal in &shown.proposals {
        let what = if proposal.heals { "proposal to end the split" } else { "proposal" };
        let state = if proposal.closed { ", closed" } else { "" };
        let (version, round) = (proposal.version, proposal.round);
        ui::line(&format!("{what}: version {version}, round {round}{state}, digest {}", proposal.digest))?;
        let votes = format!("{} of {} votes", proposal.votes.len(), proposal.needed);
        ui::line(&format!("  {votes}: {}", listed(&proposal.votes)))?;
        if !proposal.rejections.is_empty() {
            ui::line(&format!("  its round is rejected by {}", listed(&proposal.rejections)))?;
        }
        proposal.changes.iter().try_for_each(|line| ui::line(&format!("    {line}")))?;
    }
    for rejected in &shown.rejections {
        let closed = if rejected.round <= shown.closed_rounds { ", and closed" } else { "" };
        ui::line(&format!("round {} is rejected by {}{closed}", rejected.round, listed(&rejected.governors)))?;
    }
    for broken in &shown.broken_words {
        ui::line(&format!("BROKEN WORD: {} signed two things in round {}:", broken.governor, broken.round))?;
        for named in &broken.documents {
            ui::line(&format!("  {}, digest {}", named.what, named.digest))?;
        }
    }
    for frozen in &shown.frozen {
        let Frozen { kind, id, version, digests } = frozen;
        ui::line(&format!("FROZEN: {kind} {id}: {} of version {version}: {}", digests.len(), digests.join(", ")))?;
        ui::line(&format!("  version {} holds; its signers must settle which one was meant", version - 1))?;
    }
    Ok(())
}
