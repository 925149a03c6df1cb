//! What a node knows of its network: charter, cards and agreements, checked against each other, ready for look-ups.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Agreement, Card, CardNode, Charter, Document, DocumentError, DocumentKind};
use crate::hash::Digest;
use crate::keys::PublicKey;
use crate::names::{MemberId, NodeRef, Purpose, Slug, Territory};
use crate::record::{GroupSet, TypeTable, table};
use crate::time::Day;

/// Why documents do not make a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryError {
    /// One document is refused.
    #[error(transparent)]
    Document(#[from] DocumentError),
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
    /// Two documents of one kind and id.
    #[error("two different documents of kind {kind} and id '{id}'; which one holds must be decided by people")]
    Twice {
        /// Their kind.
        kind: DocumentKind,
        /// Their id.
        id: Slug,
    },
    /// A card whose predecessor is another than the one before it.
    #[error("card '{id}' version {version} follows another card than version {} given here\nhint: ask {id} which one holds", version - 1)]
    Chain {
        /// The member.
        id: Slug,
        /// The later card's version.
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
}

/// A node with the member that runs it.
#[derive(Debug, Clone)]
pub struct KnownNode {
    /// Its full name.
    pub node: NodeRef,
    /// Who runs it.
    pub member: MemberId,
    /// Its keys and addresses.
    pub card: CardNode,
    /// Logs that it kept before, newest first; receipts under them still hold.
    pub former_logs: Vec<FormerLog>,
}

/// A log that a node kept before the one on its card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormerLog {
    /// Its origin.
    pub origin: String,
    /// Its key.
    pub log: PublicKey,
}

/// A row of an agreement that gives something to somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowMatch {
    /// The agreement's id.
    pub agreement: Slug,
    /// Digest of its version.
    pub digest: Digest,
    /// The recipient.
    pub to: MemberId,
    /// What for.
    pub purpose: Purpose,
    /// What it shows.
    pub groups: GroupSet,
    /// How long it may be kept.
    pub retention_days: u64,
    destinations: Vec<Territory>,
}

impl FlowMatch {
    /// Whether records with this destination are in the row.
    pub fn covers(&self, destination: Option<Territory>) -> bool {
        self.destinations.is_empty()
            || destination.is_some_and(|place| self.destinations.iter().any(|territory| territory.contains(place)))
    }
}

/// A network as its documents describe it. Immutable; a new document makes a new one.
#[derive(Debug, Clone)]
pub struct Directory {
    network: Digest,
    charter: Charter,
    nodes: BTreeMap<NodeRef, Arc<KnownNode>>,
    by_transport: BTreeMap<[u8; 32], Arc<KnownNode>>,
    /// Whose each key is or was.
    keys: BTreeMap<[u8; 32], NodeRef>,
    /// Whose each log is or was, by its origin.
    origins: BTreeMap<String, NodeRef>,
    agreements: BTreeMap<Slug, (Digest, Agreement)>,
    /// Version and digest of each member's newest card.
    cards: BTreeMap<MemberId, (u64, Digest)>,
}

impl Directory {
    /// Checks a founding charter, cards and agreements against each other. A document given twice counts once; of a member's
    /// cards the one with the highest version holds, and those before it tell of former logs.
    ///
    /// # Errors
    /// [`DirectoryError`] with the first reason.
    pub fn new(charter: &Document, cards: &[Document], agreements: &[Document]) -> Result<Self, DirectoryError> {
        let opened = Charter::open(charter)?;
        let mut directory = Self {
            network: charter.digest(),
            charter: opened,
            nodes: BTreeMap::new(),
            by_transport: BTreeMap::new(),
            keys: BTreeMap::new(),
            origins: BTreeMap::new(),
            agreements: BTreeMap::new(),
            cards: BTreeMap::new(),
        };
        let mut seen = BTreeMap::new();
        let mut ordered: Vec<&Document> = cards.iter().chain(agreements).collect();
        ordered.sort_by_key(|document| document.version);
        for document in ordered {
            let (kind, id, version) = (document.kind, document.id.clone(), document.version);
            if let Some(before) = seen.get(&(kind, id.clone(), version - 1))
                && *before != document.previous
            {
                return Err(DirectoryError::Chain { id, version });
            }
            match seen.insert((kind, id.clone(), version), document.digest()) {
                Some(before) if before == document.digest() => continue,
                Some(_) => return Err(DirectoryError::Twice { kind, id }),
                None => directory.add(document)?,
            }
        }
        Ok(directory)
    }

    /// The founding charter's digest.
    pub fn network(&self) -> Digest {
        self.network
    }

    /// The membership.
    pub fn charter(&self) -> &Charter {
        &self.charter
    }

    /// Every node, by name.
    pub fn nodes(&self) -> impl Iterator<Item = &Arc<KnownNode>> {
        self.nodes.values()
    }

    /// The node of this name.
    pub fn node(&self, node: &NodeRef) -> Option<&Arc<KnownNode>> {
        self.nodes.get(node)
    }

    /// The node with this transport key.
    pub fn node_by_transport(&self, key: &[u8; 32]) -> Option<&Arc<KnownNode>> {
        self.by_transport.get(key)
    }

    /// The node whose card names this origin of its log.
    pub fn node_by_origin(&self, origin: &str) -> Option<&Arc<KnownNode>> {
        self.nodes.get(self.origins.get(origin)?).filter(|node| node.card.origin == origin)
    }

    /// The first node of a member.
    pub fn node_of(&self, member: &MemberId) -> Option<&Arc<KnownNode>> {
        self.nodes.values().find(|n| n.member == *member)
    }

    /// Version and digest of a member's newest card.
    pub fn card_of(&self, member: &MemberId) -> Option<(u64, Digest)> {
        self.cards.get(member).copied()
    }

    /// Members of the charter that no card names: they witness nothing here.
    pub fn without_card(&self) -> Vec<&MemberId> {
        self.charter.members.iter().map(|member| &member.id).filter(|id| !self.cards.contains_key(*id)).collect()
    }

    /// Agreements by id, with their digests.
    pub fn agreements(&self) -> impl Iterator<Item = &(Digest, Agreement)> {
        self.agreements.values()
    }

    /// Every row in force on `day` under which `from` may send records of this type.
    pub fn flows_from(&self, from: &MemberId, table: &TypeTable, day: Day) -> Vec<FlowMatch> {
        let mut found = Vec::new();
        for (digest, agreement) in self.agreements.values().filter(|(_, a)| a.in_force(day)) {
            for flow in &agreement.flows {
                if flow.type_name != table.name || flow.type_version != table.version || !flow.from.contains(from) {
                    continue;
                }
                // Names were checked when the agreement was read.
                let groups = table.set(flow.groups.iter().map(String::as_str)).unwrap_or(GroupSet::NONE);
                found.extend(flow.to.iter().map(|to| FlowMatch {
                    agreement: agreement.id.clone(),
                    digest: *digest,
                    to: to.clone(),
                    purpose: flow.purpose,
                    groups,
                    retention_days: flow.retention_days,
                    destinations: flow.destinations.clone(),
                }));
            }
        }
        found
    }

    /// Whether some row of the agreement `digest`, in force on `day`, gives `to` these groups of `from` for `purpose`,
    /// kept no longer than `retention_days`. Deny by default.
    #[allow(clippy::too_many_arguments)]
    pub fn permits(
        &self,
        digest: &Digest,
        from: &MemberId,
        to: &MemberId,
        table: &TypeTable,
        purpose: Purpose,
        groups: GroupSet,
        retention_days: u64,
        day: Day,
    ) -> bool {
        self.flows_from(from, table, day).iter().any(|flow| {
            flow.digest == *digest
                && flow.to == *to
                && flow.purpose == purpose
                && groups.within(flow.groups)
                && retention_days <= flow.retention_days
        })
    }

    /// What `auditor` may open of `audited`'s log on `day`: the union of its mandates, or nothing.
    pub fn mandate(&self, audited: &MemberId, auditor: &MemberId, day: Day) -> Option<GroupSet> {
        let opening = table("opening", 1)?;
        let mandates = self.flows_from(audited, opening, day).into_iter().filter(|flow| flow.to == *auditor);
        mandates.map(|flow| flow.groups).reduce(GroupSet::union)
    }

    fn add(&mut self, document: &Document) -> Result<(), DirectoryError> {
        if document.network != self.network {
            return Err(DirectoryError::Document(DocumentError::Network {
                kind: document.kind,
                id: document.id.clone(),
                expected: self.network,
                found: document.network,
            }));
        }
        match document.kind {
            DocumentKind::Card => self.add_card(document),
            DocumentKind::Agreement => self.add_agreement(document),
            DocumentKind::Charter => Err(DirectoryError::Document(DocumentError::Kind {
                expected: DocumentKind::Card,
                found: DocumentKind::Charter,
            })),
        }
    }

    fn identity(&self, document: &Document, member: &MemberId) -> Result<&PublicKey, DirectoryError> {
        let (kind, id) = (document.kind, document.id.clone());
        let unknown = DirectoryError::NoMember { kind, id, member: member.clone() };
        self.charter.member(member).map(|m| &m.identity).ok_or(unknown)
    }

    fn add_card(&mut self, document: &Document) -> Result<(), DirectoryError> {
        let card = Card::open(document)?;
        document.check(&[(&card.member, self.identity(document, &card.member)?)])?;
        // Cards come in the order of their versions: this one takes the place of those before it.
        self.cards.insert(card.member.clone(), (document.version, document.digest()));
        let earlier: Vec<_> = self.nodes.values().filter(|n| n.member == card.member).cloned().collect();
        for known in &earlier {
            self.nodes.remove(&known.node);
            self.by_transport.remove(&known.card.transport.bytes());
        }
        for node in card.nodes {
            let name = NodeRef::new(&card.member, &node.name);
            let mut former_logs = Vec::new();
            if let Some(before) = earlier.iter().find(|known| known.node == name) {
                let last = FormerLog { origin: before.card.origin.clone(), log: before.card.log };
                former_logs.extend((last.log != node.log).then_some(last));
                former_logs.extend(before.former_logs.iter().cloned());
            }
            let known =
                Arc::new(KnownNode { node: name.clone(), member: card.member.clone(), card: node, former_logs });
            self.claim(&known)?;
            self.by_transport.insert(known.card.transport.bytes(), known.clone());
            self.nodes.insert(name, known);
        }
        Ok(())
    }

    /// Keys and log of a node are its own, also those on its earlier cards: with another's, a member could answer for that one's
    /// log, or have its own lies held against it.
    fn claim(&mut self, known: &KnownNode) -> Result<(), DirectoryError> {
        let card = &known.card;
        for key in [&card.sign, &card.log, &card.witness, &card.transport] {
            let owner = self.keys.entry(key.bytes()).or_insert_with(|| known.node.clone());
            if *owner != known.node {
                return Err(DirectoryError::SharedKey(owner.clone(), known.node.clone()));
            }
        }
        let owner = self.origins.entry(card.origin.clone()).or_insert_with(|| known.node.clone());
        if *owner != known.node {
            return Err(DirectoryError::SharedOrigin(owner.clone(), known.node.clone(), card.origin.clone()));
        }
        Ok(())
    }

    fn add_agreement(&mut self, document: &Document) -> Result<(), DirectoryError> {
        let agreement = Agreement::open(document)?;
        let mut signers = Vec::with_capacity(agreement.parties.len());
        for party in &agreement.parties {
            signers.push((party, self.identity(document, party)?));
        }
        document.check(&signers)?;
        self.agreements.insert(agreement.id.clone(), (document.digest(), agreement));
        Ok(())
    }
}
