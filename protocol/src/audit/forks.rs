//! Forks found by an auditor among members that never met: what each audited log holds of the others' checkpoints is compared
//! with the others' own trees and with what the rest holds.
//!
//! A log that shows one history to one member and another to the next is consistent for each of them. Both keep what they were
//! shown in their own logs, and who audits both sees the contradiction, with evidence that verifies by itself
//! ([`crate::tlog::evidence`]).
//!
//! Not here: reading the logs, and what a contradiction means for the log's owner.
//!
//! Limit: [`MAX_SIZES`].

use std::collections::BTreeMap;

use crate::cbor::Decode;
use crate::document::Directory;
use crate::exchange::{CheckpointsBody, EntryKind, log_keys};
use crate::names::NodeRef;
use crate::tlog::{Checkpoint, ForkEvidence, Hash, MemoryTree, Note, TlogProof, VerifierKey, prefix_proof};

/// Checkpoints of one log that are kept, one for each size; further ones are only counted.
pub const MAX_SIZES: usize = 1024 * 1024;

/// A log that signed two histories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundFork {
    /// The log.
    pub origin: String,
    /// What it signed, in words.
    pub what: String,
    /// Who holds the checkpoint that contradicts: the node and the entry of its log.
    pub held_by: (NodeRef, u64),
    /// The proof for anybody.
    pub evidence: ForkEvidence,
}

/// What a comparison came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compared {
    /// Checkpoints of others that lead to the same tree as their log shows.
    pub agree: u64,
    /// Checkpoints that could not be compared with a tree: their log was not read, or not so far.
    pub unread: u64,
    /// By origin, the largest checkpoint held that is beyond what its log was read up to, and who holds it.
    pub beyond: Vec<(String, u64, NodeRef)>,
    /// The contradictions, one for each log.
    pub forks: Vec<FoundFork>,
}

/// A log that was read from its first entry.
#[derive(Debug, Clone, Copy)]
pub struct ReadLog<'a> {
    /// The log's signed checkpoint, to whose root the tree leads.
    pub note: &'a [u8],
    /// Its entries.
    pub tree: &'a MemoryTree,
}

/// Checkpoints of other members' logs, by log and size.
pub struct Sightings<'d> {
    directory: &'d Directory,
    logs: BTreeMap<String, Seen>,
    /// Those beyond [`MAX_SIZES`].
    dropped: u64,
}

struct Seen {
    /// Those of its log: in use, announced and former ones.
    keys: Vec<VerifierKey>,
    sizes: BTreeMap<u64, Vec<Sighting>>,
}

/// One root that a log signed for a size, with who holds it.
struct Sighting {
    root: Hash,
    note: Vec<u8>,
    holder: (NodeRef, u64),
}

/// The checkpoints of other logs that an entry of a log holds: of a counterparty's receipt, the one that covers it; of a `peers`
/// entry, those in its body. [`Sightings::take`] takes any.
pub fn notes_of_others(kind: EntryKind, body: Option<&[u8]>, evidence: Option<&[u8]>) -> Vec<Vec<u8>> {
    match (kind, body, evidence) {
        (EntryKind::Receipt, _, Some(proof)) => {
            TlogProof::parse(proof).map(|proof| proof.checkpoint).into_iter().collect()
        }
        (EntryKind::Peers, Some(body), _) => {
            CheckpointsBody::from_cbor(body).map(|body| body.notes().to_vec()).unwrap_or_default()
        }
        _ => Vec::new(),
    }
}

impl<'d> Sightings<'d> {
    /// None yet.
    pub fn new(directory: &'d Directory) -> Self {
        Self { directory, logs: BTreeMap::new(), dropped: 0 }
    }

    /// Takes a note that `holder` has in the entry `entry` of its log. What no log on a card signed says nothing about any and
    /// is passed over; the audit of the holder's log tells of it.
    pub fn take(&mut self, note: &[u8], holder: &NodeRef, entry: u64) {
        let Some(claimed) = Note::parse(note).ok().and_then(|note| Checkpoint::parse(&note.text).ok()) else { return };
        if !self.logs.contains_key(&claimed.origin) {
            let keys = log_keys(self.directory, &claimed.origin);
            if keys.is_empty() {
                return;
            }
            self.logs.insert(claimed.origin.clone(), Seen { keys, sizes: BTreeMap::new() });
        }
        let Some(seen) = self.logs.get_mut(&claimed.origin) else { return };
        let known = seen.sizes.get(&claimed.size);
        // Most are seen before; two roots of a size are as good as more.
        if known.is_some_and(|roots| roots.len() > 1 || roots.iter().any(|known| known.root == claimed.root)) {
            return;
        }
        if known.is_none() && seen.sizes.len() >= MAX_SIZES {
            self.dropped += 1;
            return;
        }
        if Checkpoint::open_any(note, &seen.keys).is_ok() {
            let sighting = Sighting { root: claimed.root, note: note.to_vec(), holder: (holder.clone(), entry) };
            seen.sizes.entry(claimed.size).or_default().push(sighting);
        }
    }

    /// Compares all of them with one another and with the logs that were read, given by origin.
    pub fn compare<'a>(&self, read: impl Fn(&str) -> Option<ReadLog<'a>>) -> Compared {
        let mut compared = Compared { unread: self.dropped, ..Compared::default() };
        for (origin, seen) in &self.logs {
            let log = read(origin).and_then(|log| {
                let newest = Checkpoint::open_any(log.note, &seen.keys).ok()?;
                (log.tree.root_at(newest.size)? == newest.root).then_some((log, newest))
            });
            let (mut fork, mut beyond) = (None, None);
            for (size, roots) in &seen.sizes {
                for sighting in roots {
                    match &log {
                        Some((log, newest)) if *size <= newest.size => match log.tree.root_at(*size) {
                            Some(root) if root == sighting.root => compared.agree += 1,
                            _ => fork = fork.or_else(|| against_tree(&seen.keys, *size, sighting, log, newest)),
                        },
                        Some(_) => {
                            compared.unread += 1;
                            beyond = Some((origin.clone(), *size, sighting.holder.0.clone()));
                        }
                        None => compared.unread += 1,
                    }
                }
                if let [first, second, ..] = roots.as_slice() {
                    let made = |key| ForkEvidence::same_size(key, &first.note, &second.note).ok();
                    fork = fork.or_else(|| found(seen.keys.iter().find_map(made)?, second));
                }
            }
            compared.forks.extend(fork);
            compared.beyond.extend(beyond);
        }
        compared
    }
}

/// Evidence of a checkpoint that is not of the tree that its log shows, under one key that signed both.
fn against_tree(
    keys: &[VerifierKey],
    size: u64,
    sighting: &Sighting,
    log: &ReadLog<'_>,
    newest: &Checkpoint,
) -> Option<FoundFork> {
    let evidence = if size == newest.size {
        keys.iter().find_map(|key| ForkEvidence::same_size(key, &sighting.note, log.note).ok())
    } else {
        // Of size 0 there is no evidence: every tree begins with the empty one.
        let proof = prefix_proof(log.tree, size, newest.size).ok()?;
        keys.iter().find_map(|key| ForkEvidence::different_sizes(key, &sighting.note, log.note, &proof).ok())
    };
    evidence.and_then(|evidence| found(evidence, sighting))
}

fn found(evidence: ForkEvidence, sighting: &Sighting) -> Option<FoundFork> {
    let fork = evidence.verify().ok()?;
    let (origin, what) = (fork.origin.clone(), fork.to_string());
    Some(FoundFork { origin, what, held_by: sighting.holder.clone(), evidence })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;
    use crate::cbor::Encode;
    use crate::document::{Card, Keys};
    use crate::exchange::{Channel, Lane, Skeleton, log_key};
    use crate::hash::Digest;
    use crate::keys::{KeyUse, SecretKey};
    use crate::testing::{Log, NOW, Network, Told};
    use crate::tlog::leaf_hash;

    static NETWORK: LazyLock<Network> = LazyLock::new(Network::new);

    /// A history of customs-kr's log: from entry `from` on it goes another way.
    fn history(size: u64, from: u64) -> (Log, MemoryTree) {
        let (mut log, mut tree) = (Log::new(&NETWORK.customs), MemoryTree::new());
        for number in 1..=size {
            let channel = Channel { lane: Lane::Ordinary, ..NETWORK.channel() };
            let (kind, due) = (EntryKind::Received, NOW.day());
            let body = vec![u8::from(number > from)];
            let skeleton = Skeleton { kind, agreement: Digest::ZERO, channel, number, due };
            log.append(&Told { skeleton, body, evidence: None });
            tree.push(leaf_hash(&log.entries[number as usize - 1].entry));
        }
        log.sign();
        (log, tree)
    }

    /// The receipt of the last entry of a history, as its sender keeps it.
    fn last_receipt(size: u64, from: u64) -> Vec<u8> {
        let (log, _) = history(size, from);
        log.receipt(size as usize - 1)
    }

    fn sightings<'d>(held: &[(&NodeRef, Vec<u8>)]) -> Sightings<'d> {
        let mut sightings = Sightings::new(&NETWORK.directory);
        for (at, (holder, proof)) in held.iter().enumerate() {
            // Of every other one the holder recorded what it was shown, and kept no receipt.
            let note = TlogProof::parse(proof).unwrap().checkpoint;
            let notes = match at % 2 {
                0 => notes_of_others(EntryKind::Receipt, None, Some(proof)),
                _ => notes_of_others(EntryKind::Peers, Some(&CheckpointsBody::new([note]).to_cbor()), None),
            };
            assert_eq!(notes.len(), 1);
            sightings.take(&notes[0], holder, at as u64);
        }
        sightings
    }

    proptest! {
        /// Two members that never meet, each with a receipt of its own history, and the auditor is shown one of the two.
        #[test]
        fn two_histories_are_found_exactly_where_they_differ(
            common in 0u64..12, a in 1u64..20, b in 1u64..20, shown in 1u64..20,
        ) {
            let (post, other) = (&NETWORK.post.node, &NETWORK.other.node);
            let held = [(post, last_receipt(a, u64::MAX)), (other, last_receipt(b, common))];
            let (log, tree) = history(shown, common);
            let note = log.notes.last().unwrap().1.clone();
            let sightings = sightings(&held);
            let read = |origin: &str| (origin == NETWORK.customs.origin()).then_some(ReadLog { note: &note, tree: &tree });
            let compared = sightings.compare(read);
            // The honest history beside the shown one, and beside the other member's at one size.
            let contradicts = a > common && (a <= shown || a == b);
            prop_assert_eq!(compared.forks.len(), usize::from(contradicts));
            for fork in &compared.forks {
                let read = ForkEvidence::parse(&fork.evidence.to_bytes()).unwrap();
                prop_assert_eq!(read.verify().unwrap().origin, NETWORK.customs.origin());
                prop_assert_eq!(&read.log_key, &log_key(NETWORK.known(&NETWORK.customs)).unwrap());
            }
            let beyond = a.max(b);
            let expected: Vec<_> = (beyond > shown).then_some(beyond).into_iter().collect();
            prop_assert_eq!(compared.beyond.iter().map(|(_, size, _)| *size).collect::<Vec<_>>(), expected);
            // Nobody read the log: only one size with two roots is left to see.
            let unread = sightings.compare(|_| None);
            prop_assert_eq!(unread.forks.len(), usize::from(a == b && a > common));
            prop_assert_eq!(unread.agree, 0);
        }

        #[test]
        fn a_log_that_only_grew_is_never_blamed(sizes in prop::collection::vec(1u64..30, 1..6), shown in 1u64..30) {
            let post = &NETWORK.post.node;
            let held: Vec<_> = sizes.iter().map(|size| (post, last_receipt(*size, u64::MAX))).collect();
            let (log, tree) = history(shown, u64::MAX);
            let note = &log.notes.last().unwrap().1;
            let compared = sightings(&held).compare(|_| Some(ReadLog { note, tree: &tree }));
            let sizes: std::collections::BTreeSet<_> = sizes.into_iter().collect();
            prop_assert_eq!(compared.forks, vec![]);
            prop_assert_eq!(compared.agree as usize, sizes.iter().filter(|size| **size <= shown).count());
            prop_assert_eq!(compared.agree + compared.unread, sizes.len() as u64);
        }
    }

    #[test]
    fn what_a_log_signed_before_it_replaced_its_key_is_compared_too() {
        let (customs, post) = (&NETWORK.customs, &NETWORK.post.node);
        let next = SecretKey::from_seed(KeyUse::Log, &[88; 32]).unwrap();
        let (_, digest) = NETWORK.directory.card_of(&customs.id).unwrap();
        let (_, before) = NETWORK.directory.document(&digest).unwrap();
        let mut card = Card::open(before).unwrap();
        card.nodes[0].log = Keys::new(vec![*next.public(), *customs.log.public()]).unwrap();
        let mut rotated = card.to_successor(before).unwrap();
        rotated.sign(&customs.id, &customs.identity);
        let directory = NETWORK.directory.with(&rotated, NOW.day()).unwrap().unwrap();
        let (log, tree) = history(5, u64::MAX);
        // The log was read under its next key; what members hold of it is by the former one.
        let newest = Checkpoint::new(customs.origin(), 5, tree.root_at(5).unwrap());
        let note = newest.sign(next.signing_key()).unwrap().to_bytes();
        let compare = |held: &[Vec<u8>]| {
            let mut sightings = Sightings::new(&directory);
            held.iter().for_each(|note| sightings.take(note, post, 0));
            sightings.compare(|_| Some(ReadLog { note: &note, tree: &tree }))
        };
        assert_eq!(compare(&[log.notes.last().unwrap().1.clone()]).agree, 1);
        // A fork needs two checkpoints by one key: those of the former one against each other.
        let fork = compare(&[log.checkpoint(3, [1; 32]), log.checkpoint(3, [2; 32])]).forks;
        assert_eq!(fork[0].evidence.verify().unwrap().origin, customs.origin());
    }

    #[test]
    fn what_a_log_did_not_sign_blames_nobody() {
        let post = &NETWORK.post.node;
        let (log, tree) = history(5, u64::MAX);
        let note = &log.notes.last().unwrap().1;
        let mut sightings = Sightings::new(&NETWORK.directory);
        // By another's key under this origin, by a log that is on no card, and no note at all.
        let forged = Checkpoint::new(NETWORK.customs.origin(), 5, [1; 32]);
        sightings.take(&forged.sign(NETWORK.other.log.signing_key()).unwrap().to_bytes(), post, 0);
        let unknown = Checkpoint::new("log.example/nobody", 5, [1; 32]);
        sightings.take(&unknown.sign(NETWORK.other.log.signing_key()).unwrap().to_bytes(), post, 1);
        sightings.take(b"none", post, 2);
        let compared = sightings.compare(|_| Some(ReadLog { note, tree: &tree }));
        assert_eq!(compared, Compared::default());
        // A tree that does not lead to the log's own checkpoint shows nothing about others.
        sightings.take(&log.checkpoint(3, [1; 32]), post, 3);
        let short = MemoryTree::new();
        let compared = sightings.compare(|_| Some(ReadLog { note, tree: &short }));
        assert_eq!((compared.forks.len(), compared.unread), (0, 1));
        assert_eq!(notes_of_others(EntryKind::Received, None, Some(&log.receipt(0))), Vec::<Vec<u8>>::new());
        assert_eq!(notes_of_others(EntryKind::Receipt, None, Some(b"none")), Vec::<Vec<u8>>::new());
    }
}
