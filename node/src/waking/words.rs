//! What the words of witnesses mean for a node that has just started: whether it may sign. Pure.

use std::collections::{BTreeMap, BTreeSet};

use luxor_protocol::document::{Directory, KnownNode};
use luxor_protocol::exchange::{Holdings, former_keys, keys_of_log, log_key, words_needed};
use luxor_protocol::hash::Digest;
use luxor_protocol::names::NodeRef;
use luxor_protocol::tlog::{Checkpoint, Hash, Note, VerifierKey};

/// Why this node must not sign.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WordError {
    /// More was signed than is here.
    #[error(
        "the log on disk has {here} entries, but {witness} holds a checkpoint of it with {signed}, signed by this node's key: \
         this is an older copy of the data, or a second copy of the node has gone on from it\n\
         hint: signing from it would fork the log, so nothing is signed; put back the newest data/ and log.lock. Where they are \
         lost, `luxor card succeed` begins a new log, and peers send what they still hold"
    )]
    Behind {
        /// Who says so, with proof.
        witness: NodeRef,
        /// Entries that were signed.
        signed: u64,
        /// Entries that are here.
        here: u64,
        /// The checkpoint.
        note: Vec<u8>,
    },
    /// Something else was signed than is here.
    #[error(
        "the first {size} entries on disk are not those of the checkpoint that {witness} holds, signed by this node's key: a second \
         copy of the node went another way, or somebody else has its log key\n\
         hint: nothing is signed from here. Stop every copy, keep both folders, and begin a new log with `luxor card succeed`"
    )]
    Another {
        /// Who says so, with proof.
        witness: NodeRef,
        /// Entries that were signed.
        size: u64,
        /// The checkpoint.
        note: Vec<u8>,
    },
    /// The own log could not be read.
    #[error("the log on disk: {0}")]
    Log(String),
}

/// A card of this node's member that is not the one installed here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherCard {
    /// Who has it.
    pub witness: NodeRef,
    /// Its version.
    pub version: u64,
    /// Its digest.
    pub digest: Digest,
}

/// The own log as it is on disk.
pub struct OwnLog<'d> {
    node: &'d KnownNode,
    /// Keys of the log, now and before: what any of them signed, this node signed.
    keys: Vec<VerifierKey>,
    card: Option<(u64, Digest)>,
}

/// What was heard so far.
pub struct Words<'d> {
    own: OwnLog<'d>,
    needed: usize,
    heard: BTreeSet<NodeRef>,
    notes: Vec<(NodeRef, Vec<Vec<u8>>)>,
    former: BTreeMap<String, (u64, Vec<u8>)>,
    cards: Vec<OtherCard>,
}

/// What a node may start from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heard {
    /// What each holds of logs, this node's own among them.
    pub notes: Vec<(NodeRef, Vec<Vec<u8>>)>,
    /// Of each former log of this node the largest checkpoint that anybody holds.
    pub former: Vec<Vec<u8>>,
    /// Cards of this node's member that are not installed here.
    pub cards: Vec<OtherCard>,
}

impl<'d> OwnLog<'d> {
    /// The log of a node as its card has it.
    ///
    /// # Errors
    /// [`WordError::Log`] when the card's origin is no key name.
    pub fn new(directory: &'d Directory, node: &'d KnownNode) -> Result<Self, WordError> {
        // Without one, nothing that is told could be judged.
        log_key(node).map_err(|e| WordError::Log(e.to_string()))?;
        let keys = keys_of_log(node, &node.card.origin);
        Ok(Self { node, keys, card: directory.card_of(&node.member) })
    }

    /// Looks whether what a witness holds of this log is in it. `size` is that of the log on disk, `root_at` gives the root of its
    /// first entries. What the log's key did not sign says nothing.
    ///
    /// # Errors
    /// [`WordError`].
    pub fn judge(
        &self,
        witness: &NodeRef,
        holdings: &Holdings,
        size: u64,
        root_at: impl Fn(u64) -> Result<Hash, String>,
    ) -> Result<(), WordError> {
        for note in &holdings.notes {
            let Ok(signed) = Checkpoint::open_any(note, &self.keys) else { continue };
            if signed.size > size {
                let (witness, note) = (witness.clone(), note.clone());
                return Err(WordError::Behind { witness, signed: signed.size, here: size, note });
            }
            if root_at(signed.size).map_err(WordError::Log)? != signed.root {
                return Err(WordError::Another { witness: witness.clone(), size: signed.size, note: note.clone() });
            }
        }
        Ok(())
    }

    /// The card that a witness has of this node's member, if it is later than the one here, or another of the same version.
    #[must_use]
    pub fn other_card(&self, witness: &NodeRef, holdings: &Holdings) -> Option<OtherCard> {
        let ((version, digest), (own, own_digest)) = (holdings.card?, self.card?);
        let other = version > own || (version == own && digest != own_digest);
        other.then(|| OtherCard { witness: witness.clone(), version, digest })
    }
}

impl<'d> Words<'d> {
    /// Nothing heard yet of so many witnesses.
    #[must_use]
    pub fn new(own: OwnLog<'d>, witnesses: usize) -> Self {
        Self {
            own,
            needed: words_needed(witnesses),
            heard: BTreeSet::new(),
            notes: Vec::new(),
            former: BTreeMap::new(),
            cards: Vec::new(),
        }
    }

    /// Takes a witness's word. See [`OwnLog::judge`].
    ///
    /// # Errors
    /// [`WordError`] when it proves that this node must not sign, however many others say nothing of it.
    pub fn hear(
        &mut self,
        witness: &NodeRef,
        holdings: Holdings,
        size: u64,
        root_at: impl Fn(u64) -> Result<Hash, String>,
    ) -> Result<(), WordError> {
        self.own.judge(witness, &holdings, size, root_at)?;
        self.cards.extend(self.own.other_card(witness, &holdings));
        for note in &holdings.notes {
            let Some(claimed) = Note::parse(note).ok().and_then(|note| Checkpoint::parse(&note.text).ok()) else {
                continue;
            };
            let signed =
                former_keys(self.own.node, &claimed.origin).iter().any(|key| Checkpoint::open(note, key).is_ok());
            let larger = self.former.get(&claimed.origin).is_none_or(|(size, _)| *size < claimed.size);
            if signed && larger {
                self.former.insert(claimed.origin, (claimed.size, note.clone()));
            }
        }
        self.notes.push((witness.clone(), holdings.notes));
        Ok(())
    }

    /// Counts a witness among those heard.
    pub fn count_in(&mut self, witness: &NodeRef) {
        self.heard.insert(witness.clone());
    }

    /// How many witnesses were heard, and how many must be.
    #[must_use]
    pub fn count(&self) -> (usize, usize) {
        (self.heard.len(), self.needed)
    }

    /// Whether enough were heard.
    #[must_use]
    pub fn are_enough(&self) -> bool {
        self.heard.len() >= self.needed
    }

    /// What was heard.
    #[must_use]
    pub fn finish(self) -> Heard {
        let former = self.former.into_values().map(|(_, note)| note).collect();
        Heard { notes: self.notes, former, cards: self.cards }
    }
}

#[cfg(test)]
mod tests {
    use luxor_protocol::keys::KeyUse;
    use luxor_protocol::tlog::{Edge, leaf_hash};

    use super::*;
    use crate::testing::{TwoMembers, key};

    /// A log of this size; from entry `changed` on it goes another way.
    fn edge(size: u64, changed: u64) -> Edge {
        let mut edge = Edge::new();
        for index in 0..size {
            edge.push(leaf_hash(&[index as u8, u8::from(index >= changed)]), &mut Vec::new());
        }
        edge
    }

    fn roots(size: u64) -> Result<Hash, String> {
        Ok(edge(size, u64::MAX).root())
    }

    fn hear(witnesses: usize, here: u64, said: &[(u64, u64)]) -> Result<(usize, bool), WordError> {
        let directory = TwoMembers::new().directory;
        let node = directory.node(&"a/n1".parse().unwrap()).unwrap();
        let mut words = Words::new(OwnLog::new(&directory, node).unwrap(), witnesses);
        for (at, (size, changed)) in said.iter().enumerate() {
            let witness = format!("w{at}/n1").parse().unwrap();
            let root = edge(*size, *changed).root();
            let note = Checkpoint::new(node.card.origin.clone(), *size, root).sign(key(KeyUse::Log, 1).signing_key());
            let notes = if *changed == 0 { Vec::new() } else { vec![note.unwrap().to_bytes()] };
            words.hear(&witness, Holdings { notes, ..Holdings::default() }, here, roots)?;
            words.count_in(&witness);
        }
        Ok((words.count().0, words.are_enough()))
    }

    const SAME: u64 = u64::MAX;

    #[test]
    fn a_node_signs_when_enough_have_said_nothing_against_it() {
        assert_eq!(hear(0, 5, &[]), Ok((0, true)), "nobody to ask");
        assert_eq!(hear(1, 5, &[]), Ok((0, false)));
        assert_eq!(hear(1, 5, &[(5, SAME)]), Ok((1, true)));
        assert_eq!(hear(3, 5, &[(3, SAME)]), Ok((1, false)));
        assert_eq!(hear(3, 5, &[(3, SAME), (0, 0)]), Ok((2, true)), "who holds none has said so");
        assert_eq!(hear(7, 5, &[(0, 0); 4]), Ok((4, false)));
        assert_eq!(hear(7, 5, &[(0, 0); 5]), Ok((5, true)));
        assert_eq!(hear(1, 0, &[(0, SAME)]), Ok((1, true)), "the checkpoint of an empty log");
    }

    #[test]
    fn one_word_that_proves_more_or_another_is_enough_to_sign_nothing() {
        let behind = |said: &[(u64, u64)], here: u64| match hear(7, here, said) {
            Err(WordError::Behind { witness, signed, here, .. }) => (witness.to_string(), signed, here),
            other => panic!("{other:?}"),
        };
        assert_eq!(behind(&[(5, SAME), (6, SAME)], 5), ("w1/n1".into(), 6, 5));
        assert_eq!(behind(&[(1, SAME)], 0), ("w0/n1".into(), 1, 0));
        let another = hear(7, 5, &[(4, 2)]);
        assert!(matches!(another, Err(WordError::Another { size: 4, .. })), "{another:?}");
    }

    #[test]
    fn what_the_log_key_did_not_sign_says_nothing_and_other_cards_are_told() {
        let directory = TwoMembers::new().directory;
        let node = directory.node(&"a/n1".parse().unwrap()).unwrap();
        let mut words = Words::new(OwnLog::new(&directory, node).unwrap(), 1);
        let forged = Checkpoint::new(node.card.origin.clone(), 9, [9; 32]).sign(key(KeyUse::Log, 2).signing_key());
        let (version, digest) = directory.card_of(&node.member).unwrap();
        let notes = vec![forged.unwrap().to_bytes(), b"rubbish".to_vec()];
        let said = |card| Holdings { notes: notes.clone(), card, ..Holdings::default() };
        let witness: NodeRef = "b/n1".parse().unwrap();
        for card in [None, Some((version, digest)), Some((version + 1, Digest::ZERO)), Some((version, Digest::ZERO))] {
            words.hear(&witness, said(card), 5, roots).unwrap();
        }
        let cards: Vec<_> = words.finish().cards.iter().map(|card| card.version).collect();
        assert_eq!(cards, [version + 1, version]);
    }
}
