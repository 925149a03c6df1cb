//! Charters: how votes are counted, which version holds, what a split is and how it heals.
//!
//! A vote is a governor's signature on a proposal. Version N + 1 holds with the votes of N's threshold of N's governors, or, when
//! governors are lost, with signatures of three quarters of N's members. Two of them: N goes on, without whoever either removes, until
//! one version N + 2 names both (of three, any two).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::build::{Cards, Identities, Refused, Trust, in_network};
use super::{DirectoryError, Document, DocumentError, DocumentKind};
use crate::document::{Charter, MemberStatus, Rejection};
use crate::hash::Digest;
use crate::names::MemberId;

/// A charter that is voted on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// It, with the votes so far.
    pub document: Arc<Document>,
    /// What it says.
    pub charter: Charter,
    /// Who voted for it.
    pub votes: Vec<MemberId>,
    /// Governors who accept nothing in its round.
    pub rejections: Vec<MemberId>,
    /// Votes that it needs.
    pub needed: u64,
    /// Whether its round is closed: it cannot be adopted any more without somebody breaking its word.
    pub closed: bool,
}

/// Charters that contradict each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// Their version.
    pub version: u64,
    /// Their digests. Ordered.
    pub charters: Vec<Digest>,
    /// Members that one of them removes or suspends: nothing flows from or to them meanwhile.
    pub removed: BTreeSet<MemberId>,
}

/// A governor that voted twice in a round, or voted in one that it rejected. The documents are the evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Equivocation {
    /// Who.
    pub governor: MemberId,
    /// The charter that would have been followed.
    pub previous: Digest,
    /// The round.
    pub round: u64,
    /// What it signed.
    pub documents: [Digest; 2],
}

/// What charters say together.
pub(super) struct Resolved {
    /// From the founding one to the one that holds.
    pub(super) chain: Vec<(Digest, Charter)>,
    /// The document of the one that holds.
    pub(super) charter: Arc<Document>,
    /// Every charter that holds or held, or contradicts one, with its votes.
    pub(super) documents: Vec<Arc<Document>>,
    pub(super) split: Option<Split>,
    /// Children of the one that holds without enough votes.
    pub(super) open: Vec<Voted>,
    /// Those with enough votes that contradict each other.
    rivals: Vec<Voted>,
    pub(super) refused: Refused,
}

/// A charter, what it says, and who voted for it.
type Voted = (Arc<Document>, Charter, Vec<MemberId>);

/// Finds the charter that holds, with the cards `under` it. One version after another: votes on a version are made with keys that are
/// known under the one before it, so that nothing which it brings (a card, a conflict of cards) undoes its own adoption.
pub(super) fn resolve(
    founding: &Arc<Document>,
    charter: &Charter,
    later: &[Arc<Document>],
    under: impl Fn(&[(Digest, Charter)]) -> Cards,
    trust: &Trust<'_>,
) -> (Resolved, Cards) {
    let network = founding.digest();
    let mut resolved = Resolved {
        chain: vec![(network, charter.clone())],
        charter: founding.clone(),
        documents: vec![founding.clone()],
        split: None,
        open: Vec::new(),
        rivals: Vec::new(),
        refused: Vec::new(),
    };
    let mut waiting: Vec<Arc<Document>> = later.to_vec();
    let mut cards = under(&resolved.chain);
    let mut of = 1;
    loop {
        if resolved.chain.len() > of && brings_keys(&resolved.chain) {
            (cards, of) = (under(&resolved.chain), resolved.chain.len());
        }
        let identities = &cards.identities;
        let (digest, current) = resolved.chain[resolved.chain.len() - 1].clone();
        let version = resolved.charter.version;
        let follows = |d: &Document| d.version == version + 1 && d.previous == digest;
        let mut children = take(&mut waiting, |d| follows(d) && !merges(d));
        let counted = count(&mut children, founding, &current, identities, trust, &mut resolved.refused);
        let (adopted, open): (Vec<_>, Vec<_>) = counted.into_iter().partition(|(_, _, votes)| enough(&current, votes));
        let lost = |(document, _, votes): Voted| {
            let error = short(&document, &current, votes.len());
            (document, error)
        };
        if let [(document, charter, _)] = adopted.as_slice() {
            resolved.chain.push((document.digest(), charter.clone()));
            resolved.charter = document.clone();
            resolved.documents.push(document.clone());
            resolved.refused.extend(open.into_iter().map(lost));
            continue;
        }
        if adopted.is_empty() {
            resolved.open = open;
            break;
        }
        let mut digests: Vec<_> = adopted.iter().map(|(document, _, _)| document.digest()).collect();
        digests.sort();
        let heals = |d: &Document| {
            // Any two of them: a third that comes later must not undo what healed.
            let other = Charter::read(d).ok().and_then(|charter| charter.merges);
            let named = |digest: &Digest| digests.contains(digest);
            d.version == version + 2
                && other.is_some_and(|other| other != d.previous && named(&other) && named(&d.previous))
        };
        let mut healers = take(&mut waiting, heals);
        let counted = count(&mut healers, founding, &current, identities, trust, &mut resolved.refused);
        let (healed, unhealed): (Vec<_>, Vec<_>) =
            counted.into_iter().partition(|(_, _, votes)| enough(&current, votes));
        resolved.documents.extend(adopted.iter().map(|(document, _, _)| document.clone()));
        resolved.rivals.extend(adopted.iter().cloned());
        if let [(document, charter, _)] = healed.as_slice() {
            resolved.chain.push((document.digest(), charter.clone()));
            resolved.charter = document.clone();
            resolved.documents.push(document.clone());
            resolved.refused.extend(open.into_iter().chain(unhealed).map(lost));
            continue;
        }
        let out = |id: &MemberId| {
            adopted.iter().any(|(_, next, _)| next.member(id).is_none_or(|m| m.status != MemberStatus::Active))
        };
        let removed = current.members.iter().map(|m| m.id.clone()).filter(out).collect();
        resolved.split = Some(Split { version: version + 1, charters: digests, removed });
        resolved.documents.extend(healed.iter().map(|(document, _, _)| document.clone()));
        resolved.open = unhealed;
        resolved.open.extend(open);
        break;
    }
    if resolved.chain.len() > of {
        cards = under(&resolved.chain);
    }
    let holds = resolved.charter.version;
    for document in waiting {
        let (kind, id, found) = (document.kind, document.id.clone(), document.version);
        let error = match Charter::read(&document) {
            Err(error) => error.into(),
            Ok(_) if found == holds + 1 => DirectoryError::Chain { kind, id, version: found },
            Ok(_) => DocumentError::Version { kind, id, holds, found }.into(),
        };
        resolved.refused.push((document, error));
    }
    (resolved, cards)
}

/// Whether the last charter pins a key that none before it does.
fn brings_keys(chain: &[(Digest, Charter)]) -> bool {
    let Some(((_, last), before)) = chain.split_last() else { return false };
    let pinned = |id: &MemberId, key| before.iter().any(|(_, c)| c.member(id).is_some_and(|m| m.identity == key));
    last.members.iter().any(|m| !pinned(&m.id, m.identity))
}

/// Words against rounds of the charter that holds: by round, who. Others are refused.
pub(super) fn rejections(
    documents: &[Arc<Document>],
    resolved: &Resolved,
    identities: &Identities,
    trust: &Trust<'_>,
    refused: &mut Refused,
) -> (BTreeMap<u64, Vec<MemberId>>, Vec<Arc<Document>>) {
    let (digest, charter) = &resolved.chain[resolved.chain.len() - 1];
    let mut rounds: BTreeMap<u64, Vec<MemberId>> = BTreeMap::new();
    let mut kept = Vec::new();
    for document in documents {
        let judged = in_network(document, resolved.chain[0].0).and_then(|()| Rejection::open(document));
        let judged = judged.map_err(DirectoryError::from).and_then(|rejection| {
            let (kind, id) = (DocumentKind::Rejection, document.id.clone());
            if rejection.previous != *digest {
                return Err(DirectoryError::Round {
                    kind,
                    id,
                    what: "its round is of another charter than the one that holds",
                });
            }
            if !charter.governors.contains(&rejection.governor) {
                return Err(DirectoryError::Round { kind, id, what: "only governors reject" });
            }
            trust.check(document, &[(&rejection.governor, identities.of(&rejection.governor))])?;
            Ok(rejection)
        });
        match judged {
            Ok(rejection) => {
                let who = rounds.entry(rejection.round).or_default();
                if !who.contains(&rejection.governor) {
                    who.push(rejection.governor);
                    kept.push(document.clone());
                }
            }
            Err(error) => refused.push((document.clone(), error)),
        }
    }
    (rounds, kept)
}

/// Proposals with what is said against their rounds, and who broke its word.
pub(super) fn proposals(
    resolved: &Resolved,
    rounds: &BTreeMap<u64, Vec<MemberId>>,
    kept: &[Arc<Document>],
) -> (Vec<Proposal>, Vec<Equivocation>) {
    let (digest, charter) = &resolved.chain[resolved.chain.len() - 1];
    let proposal = |(document, proposed, votes): &Voted| {
        let rejections = rounds.get(&proposed.round).cloned().unwrap_or_default();
        let closed = is_closed(charter, rejections.len());
        let (document, charter_of, votes) = (document.clone(), proposed.clone(), votes.clone());
        Proposal { document, charter: charter_of, votes, rejections, needed: charter.threshold, closed }
    };
    let proposals: Vec<_> = resolved.open.iter().map(proposal).collect();
    // What each governor said in each round.
    let mut said: BTreeMap<(MemberId, u64), Vec<Digest>> = BTreeMap::new();
    let rivals = resolved.rivals.iter().map(|(document, proposed, votes)| (document, proposed, votes));
    let voted = proposals.iter().map(|p| (&p.document, &p.charter, &p.votes)).chain(rivals);
    for (document, proposed, votes) in voted.filter(|(document, _, _)| document.previous == *digest) {
        for governor in votes.iter().filter(|voter| charter.governors.contains(voter)) {
            said.entry((governor.clone(), proposed.round)).or_default().push(document.digest());
        }
    }
    for document in kept {
        if let Ok(rejection) = Rejection::open(document) {
            said.entry((rejection.governor, rejection.round)).or_default().push(document.digest());
        }
    }
    let twice = said.into_iter().filter_map(|((governor, round), documents)| match documents.as_slice() {
        [first, second, ..] => Some(Equivocation { governor, previous: *digest, round, documents: [*first, *second] }),
        _ => None,
    });
    (proposals, twice.collect())
}

/// Whether so many rejections make every proposal of a round impossible.
pub(super) fn is_closed(charter: &Charter, rejections: usize) -> bool {
    rejections as u64 > (charter.governors.len() as u64).saturating_sub(charter.threshold)
}

fn merges(document: &Document) -> bool {
    Charter::read(document).is_ok_and(|charter| charter.merges.is_some())
}

fn take(waiting: &mut Vec<Arc<Document>>, wanted: impl Fn(&Document) -> bool) -> Vec<Arc<Document>> {
    let (taken, left) = std::mem::take(waiting).into_iter().partition(|document| wanted(document));
    *waiting = left;
    taken
}

/// Each charter once, with all valid votes of its copies, and who gave them. A copy with a wrong signature is refused.
fn count(
    copies: &mut Vec<Arc<Document>>,
    founding: &Document,
    current: &Charter,
    identities: &Identities,
    trust: &Trust<'_>,
    refused: &mut Refused,
) -> Vec<Voted> {
    let network = founding.digest();
    let allowed: Vec<_> = current.members.iter().map(|m| (&m.id, identities.of(&m.id))).collect();
    let mut counted: BTreeMap<Digest, (Document, Charter, BTreeSet<MemberId>)> = BTreeMap::new();
    for copy in copies.drain(..) {
        let judged = (|| {
            let charter = Charter::read(&copy)?;
            in_network(&copy, network)?;
            if copy.id != founding.id {
                return Err(DocumentError::Content(
                    "every version of a charter has the name of the founding one".into(),
                ));
            }
            let signers: BTreeSet<_> = trust.signers(&copy, &allowed)?.into_iter().cloned().collect();
            Ok((charter, signers))
        })();
        match judged {
            Err(error) => refused.push((copy, error.into())),
            Ok((_, signers)) if signers.is_empty() => {
                let error = short(&copy, current, 0);
                refused.push((copy, error));
            }
            Ok((charter, signers)) => {
                let known = counted.entry(copy.digest());
                let (document, _, voters) = known.or_insert_with(|| (Document::clone(&copy), charter, BTreeSet::new()));
                document.join(&copy);
                voters.extend(signers);
            }
        }
    }
    let each = counted.into_values();
    each.map(|(document, charter, voters)| (Arc::new(document), charter, voters.into_iter().collect())).collect()
}

/// Whether these votes adopt a charter after `current`.
fn enough(current: &Charter, votes: &[MemberId]) -> bool {
    let governors = votes.iter().filter(|voter| current.governors.contains(voter)).count() as u64;
    let members = current.active().filter(|member| votes.contains(&member.id)).count();
    governors >= current.threshold || members * 4 >= current.active().count() * 3
}

fn short(document: &Document, current: &Charter, found: usize) -> DirectoryError {
    let (kind, id, version) = (document.kind, document.id.clone(), document.version);
    let needed = usize::try_from(current.threshold).unwrap_or(usize::MAX);
    DocumentError::Votes { kind, id, version, found, needed }.into()
}
