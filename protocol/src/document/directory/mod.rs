//! What a node knows of its network: charters, cards, agreements, suspensions and revocations, checked against each other, ready for
//! look-ups. Immutable; one more document makes another directory.
//!
//! A directory follows from the set of its documents alone, not from the order in which they came: [`build`] takes what holds and
//! names what does not. Rules for what is *new*, which depend on the day, are [`Directory::with`]'s.
//!
//! Not here: what a row gives ([`super::policy`]), where documents are kept and how they spread (node).

mod build;
mod charters;
mod look;
mod nodes;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

pub use charters::{Equivocation, Proposal, Split};
pub use nodes::{FormerLog, KnownNode};

use super::{
    Agreement, AttestCardKey, Charter, Document, DocumentError, DocumentKind, DocumentSignature, Policy, Prohibitions,
    Rejection, Revocation, Suspension,
};
use crate::hash::{Digest, Domain};
use crate::keys::{KeyId, PublicKey};
use crate::limits::MAX_DOCUMENTS;
use crate::names::{MemberId, NodeRef, Slug};
use crate::time::{Day, Millis};

/// Why documents do not make a network, or one is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryError {
    /// One document is refused.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// There is not exactly one founding charter.
    #[error("a network has one founding charter; here are {0}")]
    Founding(usize),
    /// A document of a member that the charter does not name.
    #[error("{kind} '{id}' names {member}, who is not in the charter")]
    NoMember {
        /// Its kind.
        kind: DocumentKind,
        /// Its id.
        id: Slug,
        /// Who is unknown.
        member: MemberId,
    },
    /// Two documents of one kind, id and version.
    #[error("two different documents of kind {kind} and id '{id}'; which one holds must be decided by people")]
    Twice {
        /// Their kind.
        kind: DocumentKind,
        /// Their id.
        id: Slug,
    },
    /// A document whose predecessor is another than the one before it.
    #[error("{kind} '{id}' version {version} follows another {kind} than version {} given here\nhint: ask its signers which one holds", version - 1)]
    Chain {
        /// Its kind.
        kind: DocumentKind,
        /// Its id.
        id: Slug,
        /// The later one's version.
        version: u64,
    },
    /// A change of what is frozen by two contradicting documents.
    #[error("{kind} '{id}' is frozen: there are two of version {version}, which people must settle first")]
    Frozen {
        /// Its kind.
        kind: DocumentKind,
        /// Its id.
        id: Slug,
        /// The version that is there twice.
        version: u64,
    },
    /// Two nodes share a key.
    #[error(
        "nodes {0} and {1} share a key\nhint: one of the two cards is not honest, or its keys were copied: leave it out"
    )]
    SharedKey(NodeRef, NodeRef),
    /// Two nodes name the same log, now or before.
    #[error(
        "nodes {0} and {1} both say that the log {2} is theirs\nhint: one of the two cards is not honest: leave it out"
    )]
    SharedOrigin(NodeRef, NodeRef, String),
    /// Something new under an expired charter.
    #[error(
        "{kind} '{id}' is new, and the charter expired on {until}: nothing new is admitted under it\nhint: governors adopt the next version (`luxor charter propose`); what was there before goes on, keys are rotated and revoked as before"
    )]
    Stale {
        /// Its kind.
        kind: DocumentKind,
        /// Its id.
        id: Slug,
        /// The charter's last day.
        until: Day,
    },
    /// A proposal or word that comes too early, or one too many of a governor.
    #[error("{kind} '{id}': {what}")]
    Round {
        /// Its kind.
        kind: DocumentKind,
        /// Its id.
        id: Slug,
        /// What is wrong with its round.
        what: &'static str,
    },
    /// More documents than a network may have.
    #[error("the network has {MAX_DOCUMENTS} documents already")]
    TooMany,
}

/// Proposals of one round that a member is heard on: one is its vote, one more the evidence that it broke its word.
const MAX_RIVAL_PROPOSALS: usize = 2;

/// Two documents of one kind, id and version, each rightly signed: evidence against its signers. Neither holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// Their kind.
    pub kind: DocumentKind,
    /// Their id.
    pub id: Slug,
    /// Their version.
    pub version: u64,
    /// Their digests. Ordered.
    pub digests: Vec<Digest>,
}

/// What is known of a revoked key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoked {
    /// Whose it is.
    pub member: MemberId,
    /// When it was revoked, by the signer's clock.
    pub at: Millis,
    /// Since when others may have had it.
    pub compromised_since: Option<Millis>,
    /// Why.
    pub reason: String,
}

/// What a signature is worth whose key may be revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// It binds.
    Good,
    /// It was made while others may have had the key: marked, not void.
    Contested,
    /// Nothing proves that it was made before the key was revoked.
    Refused,
}

/// What came of a set of documents.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What holds.
    pub directory: Directory,
    /// What does not, with the reason.
    pub refused: Vec<(Arc<Document>, DirectoryError)>,
}

/// A network as its documents describe it. Immutable; a new document makes a new one.
#[derive(Debug, Clone)]
pub struct Directory {
    network: Digest,
    /// All that hold or that prove something, by [`Document::whole`].
    documents: BTreeMap<Digest, Arc<Document>>,
    summary: Digest,
    /// Charters from the founding one to the one that holds, with their digests.
    chain: Vec<(Digest, Charter)>,
    charter: Arc<Document>,
    split: Option<Split>,
    proposals: Vec<Proposal>,
    /// Governors who accept nothing in a round of the charter that holds.
    rounds: BTreeMap<u64, Vec<MemberId>>,
    equivocations: Vec<Equivocation>,
    /// Identity keys that a member has and had, in their order; the last is today's.
    identities: BTreeMap<MemberId, Vec<PublicKey>>,
    nodes: BTreeMap<NodeRef, Arc<KnownNode>>,
    by_transport: BTreeMap<[u8; 32], Arc<KnownNode>>,
    /// Whose each log is or was, by its origin.
    origins: BTreeMap<String, NodeRef>,
    /// Versions of each agreement, in their order.
    agreements: BTreeMap<Slug, Vec<(Digest, Agreement)>>,
    /// Where each version stands there: asked once per dispatch.
    by_digest: HashMap<Digest, (Slug, usize)>,
    /// The newest of each member, with its version.
    suspensions: BTreeMap<MemberId, (u64, Suspension)>,
    revoked: BTreeMap<KeyId, Revoked>,
    conflicts: Vec<Conflict>,
    /// Version and digest of each member's newest card.
    cards: BTreeMap<MemberId, (u64, Digest)>,
    /// The keys that sign attestations, where there are any: how many the newest card has, which come first, then those of earlier cards.
    attest: BTreeMap<MemberId, (usize, Vec<AttestCardKey>)>,
    policy: Arc<Policy>,
    prohibitions: Arc<Prohibitions>,
}

impl Directory {
    /// Checks a founding charter, cards and agreements against each other. A document given twice counts once; of a member's
    /// cards the one with the highest version holds, and those before it tell of former logs.
    ///
    /// # Errors
    /// [`DirectoryError`] with the first reason; also when two contradict each other.
    pub fn new(charter: &Document, cards: &[Document], agreements: &[Document]) -> Result<Self, DirectoryError> {
        let all = std::iter::once(charter).chain(cards).chain(agreements);
        Self::strict(all.cloned())
    }

    /// The same of documents of any kind.
    ///
    /// # Errors
    /// As [`Directory::new`].
    pub fn strict(documents: impl IntoIterator<Item = Document>) -> Result<Self, DirectoryError> {
        let directory = Self::gathered(documents)?;
        match directory.conflicts.first() {
            Some(Conflict { kind, id, .. }) => Err(DirectoryError::Twice { kind: *kind, id: id.clone() }),
            None => Ok(directory),
        }
    }

    /// The same, but documents that contradict each other are no error: they are what they are evidence of.
    ///
    /// # Errors
    /// [`DirectoryError`] with the first reason.
    pub fn gathered(documents: impl IntoIterator<Item = Document>) -> Result<Self, DirectoryError> {
        let loaded = Self::load(documents, Arc::default())?;
        match loaded.refused.into_iter().next() {
            Some((_, error)) => Err(error),
            None => Ok(loaded.directory),
        }
    }

    /// What holds of documents that were admitted before, under a node's prohibitions.
    ///
    /// # Errors
    /// [`DirectoryError::Founding`] when they found no network; every other document may be refused without harm to the rest.
    pub fn load(
        documents: impl IntoIterator<Item = Document>,
        prohibitions: Arc<Prohibitions>,
    ) -> Result<Loaded, DirectoryError> {
        let documents = documents.into_iter().map(|document| (document.whole(), Arc::new(document))).collect();
        build::build(documents, build::Trust::admitted_all(), prohibitions)
    }

    /// The directory that knows this document too; `None` when this one does already. `today` decides whether the charter is stale.
    ///
    /// # Errors
    /// [`DirectoryError`] when it is not taken.
    pub fn with(&self, document: &Document, today: Day) -> Result<Option<Self>, DirectoryError> {
        let document = &*self.without_void_votes(document);
        if self.knows(document) {
            return Ok(None);
        }
        self.check_new(document, today)?;
        let mut all = self.documents.clone();
        all.insert(document.whole(), Arc::new(document.clone()));
        let loaded = build::build(all, build::Trust::all_but(document), self.prohibitions.clone())?;
        // A card with another's key or log must not push that one's out, whichever comes first in the order of cards.
        let shares =
            |error: &DirectoryError| matches!(error, DirectoryError::SharedKey(..) | DirectoryError::SharedOrigin(..));
        if let Some((_, error)) = loaded.refused.iter().find(|(of, error)| **of != *document && shares(error)) {
            return Err(error.clone());
        }
        match loaded.refused.into_iter().find(|(refused, _)| **refused == *document) {
            Some((_, error)) => Err(error),
            // Only signatures that were there before.
            None if loaded.directory.summary == self.summary => Ok(None),
            None => Ok(Some(loaded.directory)),
        }
    }

    /// The same documents under other prohibitions.
    #[must_use]
    pub fn under(&self, prohibitions: Arc<Prohibitions>) -> Self {
        let mut directory = Self { prohibitions, ..self.clone() };
        directory.policy = Arc::new(Policy::of(&directory));
        directory
    }

    /// Every document that holds or proves something, by [`Document::whole`].
    pub fn documents(&self) -> impl Iterator<Item = (&Digest, &Arc<Document>)> {
        self.documents.iter()
    }

    /// A digest over all of them.
    pub fn summary(&self) -> Digest {
        self.summary
    }

    /// The same of any ordered set of documents, by [`Document::whole`].
    pub fn summary_of<'d>(documents: impl IntoIterator<Item = &'d Digest>) -> Digest {
        let parts: Vec<&[u8]> = documents.into_iter().map(|digest| digest.0.as_slice()).collect();
        Digest::of(Domain::Documents, &parts)
    }

    /// The document with this [`Document::digest`], with all signatures that are known of it.
    pub fn document(&self, digest: &Digest) -> Option<(&Digest, &Arc<Document>)> {
        self.documents.iter().find(|(_, document)| document.digest() == *digest)
    }

    /// The documents that `member` may see: the membership is everybody's, agreements and their suspensions are their parties' and
    /// those parties' auditors'.
    pub fn documents_for<'d>(&'d self, member: &'d MemberId) -> impl Iterator<Item = (&'d Digest, &'d Arc<Document>)> {
        self.documents.iter().filter(move |(_, document)| self.may_see(document, member))
    }

    /// A later charter without votes by keys that are revoked. The others count: else a governor that votes and then revokes its key
    /// would keep a charter from everybody who hears of the revocation first.
    fn without_void_votes<'d>(&self, document: &'d Document) -> Cow<'d, Document> {
        let is_void = |signed: &&DocumentSignature| self.revoked.contains_key(&signed.key);
        let void = document.signatures.iter().filter(is_void).count();
        if document.kind != DocumentKind::Charter
            || document.version == 1
            || void == document.signatures.len()
            || void == 0
        {
            return Cow::Borrowed(document);
        }
        let mut rest = document.clone();
        rest.signatures.retain(|signed| !is_void(&signed));
        Cow::Owned(rest)
    }

    /// The copy of a document that is known, with all signatures that are known of it.
    pub fn copy_of(&self, document: &Document) -> Option<(&Digest, &Arc<Document>)> {
        self.documents.iter().find(|(_, known)| known.has_content_of(document))
    }

    fn knows(&self, document: &Document) -> bool {
        let signs = |known: &Document| document.signatures.iter().all(|signed| known.signatures.contains(signed));
        self.documents.contains_key(&document.whole())
            || self.documents.values().any(|known| known.has_content_of(document) && signs(known))
    }

    /// What is only asked of a document that comes now.
    fn check_new(&self, document: &Document, today: Day) -> Result<(), DirectoryError> {
        let (kind, id) = (document.kind, document.id.clone());
        if self.documents.len() >= MAX_DOCUMENTS {
            return Err(DirectoryError::TooMany);
        }
        let network = if kind == DocumentKind::Charter && document.version == 1 { Digest::ZERO } else { self.network };
        if document.network != network {
            let (expected, found) = (network, document.network);
            return Err(DocumentError::Network { kind, id, expected, found }.into());
        }
        if kind == DocumentKind::Charter && document.version == 1 {
            // Another founding charter founds another network.
            let (expected, found) = (self.network, document.digest());
            return Err(DocumentError::Network { kind, id, expected, found }.into());
        }
        // A key may revoke itself.
        let of = match kind {
            DocumentKind::Revocation => Some(Revocation::open(document)?.member),
            _ => None,
        };
        for signed in document.signatures.iter().filter(|signed| of.as_ref() != Some(&signed.member)) {
            if self.revoked.contains_key(&signed.key) {
                let (member, key) = (signed.member.clone(), signed.key);
                return Err(DocumentError::RevokedKey { kind, id, member, key }.into());
            }
        }
        self.check_round(document)?;
        let is_new = match kind {
            DocumentKind::Agreement => true,
            DocumentKind::Card => !self.cards.contains_key(&document.id),
            _ => false,
        };
        match self.charter().valid_until.filter(|until| is_new && today > *until) {
            Some(until) => Err(DirectoryError::Stale { kind, id, until }),
            None => Ok(()),
        }
    }

    /// Proposals and words against rounds come one round after another, and of each governor few.
    fn check_round(&self, document: &Document) -> Result<(), DirectoryError> {
        let round = match document.kind {
            DocumentKind::Charter if document.previous == self.charter_digest() => Charter::read(document)?.round,
            DocumentKind::Rejection => Rejection::open(document)?.round,
            _ => return Ok(()),
        };
        let (kind, id) = (document.kind, document.id.clone());
        let refused = |what| Err(DirectoryError::Round { kind, id, what });
        if round > self.closed_rounds() + 1 {
            return refused(
                "its round has not begun: the one before it is not closed\nhint: governors close a round with `luxor charter reject`",
            );
        }
        let digest = document.digest();
        let others: Vec<_> =
            self.proposals.iter().filter(|p| p.charter.round == round && p.document.digest() != digest).collect();
        let signs = |member: &MemberId, of: &Document| of.signatures.iter().any(|signed| signed.member == *member);
        let heard = |member| others.iter().filter(|p| signs(member, &p.document)).count() >= MAX_RIVAL_PROPOSALS;
        // One that carries anybody else's vote is taken: who breaks its word must not make others unheard.
        let mut signers = document.signatures.iter().map(|signed| &signed.member).peekable();
        match kind == DocumentKind::Charter && signers.peek().is_some() && signers.all(heard) {
            true => refused("its signers have signed others of this round, which are evidence enough"),
            false => Ok(()),
        }
    }

    /// The highest round that is closed; 0 before the first is.
    pub fn closed_rounds(&self) -> u64 {
        let closed = |(_, who): &(&u64, &Vec<MemberId>)| charters::is_closed(self.charter(), who.len());
        self.rounds.iter().filter(closed).map(|(round, _)| *round).max().unwrap_or(0)
    }

    fn may_see(&self, document: &Document, member: &MemberId) -> bool {
        let concerns = |agreement: &Slug| {
            let versions = self.agreements.get(agreement).map(Vec::as_slice).unwrap_or_default();
            let mut parties = versions.iter().flat_map(|(_, version)| &version.parties);
            parties.any(|party| party == member || self.policy.audits(member, party))
        };
        match document.kind {
            DocumentKind::Agreement => {
                // Of two that contradict each other none holds, and their parties are to know.
                let named =
                    |c: &Conflict| (c.kind, &c.id, c.version) == (document.kind, &document.id, document.version);
                let is_party = || Agreement::open(document).is_ok_and(|agreement| agreement.parties.contains(member));
                concerns(&document.id) || (self.conflicts.iter().any(named) && is_party())
            }
            DocumentKind::Suspension => {
                let listed = Suspension::open(document).map(|suspension| suspension.agreements).unwrap_or_default();
                // What it resumes is known only from those before it: whoever shares an agreement with its signer may know.
                document.id == *member
                    || listed.iter().any(concerns)
                    || self.agreements.iter().any(|(id, versions)| {
                        versions.iter().any(|(_, version)| version.parties.contains(&document.id)) && concerns(id)
                    })
            }
            _ => true,
        }
    }
}
