//! From a set of documents to a directory. Every step takes its documents in an order of their own, so that the result does not depend
//! on how they came.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::nodes::{FormerLog, KnownNode};
use super::{Conflict, Directory, DirectoryError, Loaded, Revoked, charters};
use crate::document::{
    Agreement, AttestCardKey, Card, CardNode, Charter, Document, DocumentError, DocumentKind, Keys, Policy,
    Prohibitions, Revocation, Suspension,
};
use crate::hash::Digest;
use crate::keys::{KeyError, KeyId, PublicKey};
use crate::names::{MemberId, NodeRef, Slug};

/// Documents that do not hold, with the reason.
pub(super) type Refused = Vec<(Arc<Document>, DirectoryError)>;

/// What is known of documents before: those admitted keep their force after their key was retired, and of those their signatures are
/// not checked again whose bytes were checked in this process.
pub(super) struct Trust<'t> {
    before: Before<'t>,
    /// Those whose signatures were checked while this directory is made, by where they are: it holds all that came until it is made.
    checked: RefCell<HashSet<*const Document>>,
}

/// What was known before.
enum Before<'t> {
    /// All were admitted, none checked in this process.
    Admitted,
    /// All were admitted and checked, but this one, which is new.
    AllBut(&'t Document),
}

/// Identity keys that members have and had; the last is today's.
pub(super) struct Identities(BTreeMap<MemberId, Vec<PublicKey>>);

/// Cards that hold, by member and version.
pub(super) struct Cards {
    accepted: BTreeMap<MemberId, Vec<(Arc<Document>, Card)>>,
    origins: BTreeMap<String, NodeRef>,
    pub(super) identities: Identities,
    conflicts: Vec<(Conflict, Vec<Arc<Document>>)>,
    refused: Refused,
}

/// Makes a directory of documents, by [`Document::whole`].
pub(super) fn build(
    unique: BTreeMap<Digest, Arc<Document>>,
    trust: Trust<'_>,
    prohibitions: Arc<Prohibitions>,
) -> Result<Loaded, DirectoryError> {
    let mut of_kind: BTreeMap<DocumentKind, Vec<Arc<Document>>> = BTreeMap::new();
    for document in unique.values() {
        of_kind.entry(document.kind).or_default().push(document.clone());
    }
    let mut of = |kind| {
        let mut found = of_kind.remove(&kind).unwrap_or_default();
        // Digests are dear, and few documents need theirs for their place.
        found.sort_by(|a, b| (a.version, &a.id).cmp(&(b.version, &b.id)).then_with(|| a.digest().cmp(&b.digest())));
        found
    };
    let (founding, charter, later) = found(of(DocumentKind::Charter))?;
    let network = founding.digest();
    let card_documents = of(DocumentKind::Card);
    // Cards name the keys with which governors vote, charters pin those with which cards are signed: so they are taken in turn.
    let under = |chain: &[(Digest, Charter)]| cards(&card_documents, network, chain, &trust);
    let (resolved, cards) = charters::resolve(&founding, &charter, &later, under, &trust);
    let chain = &resolved.chain;
    let mut refused = Vec::new();
    let Cards { accepted, origins, identities, conflicts: frozen, refused: refused_cards } = cards;
    refused.extend(refused_cards);
    let (rounds, kept) =
        charters::rejections(&of(DocumentKind::Rejection), &resolved, &identities, &trust, &mut refused);
    let (proposals, equivocations) = charters::proposals(&resolved, &rounds, &kept);
    let mut holds = resolved.documents;
    holds.extend(proposals.iter().map(|proposal| proposal.document.clone()));
    holds.extend(kept);
    holds.extend(accepted.values().flatten().map(|(document, _)| document.clone()));
    let mut conflicts = Vec::new();
    for (conflict, both) in frozen {
        conflicts.push(conflict);
        holds.extend(both);
    }
    refused.extend(resolved.refused);

    let known = |member: &MemberId| chain.iter().any(|(_, charter)| charter.member(member).is_some());
    let revocations = of(DocumentKind::Revocation);
    let owned = owned(&identities, &accepted);
    let revoked = revoke(&revocations, network, chain, &known, &identities, &owned, &trust, &mut holds, &mut refused);
    let suspensions =
        suspend(&of(DocumentKind::Suspension), network, &known, &identities, &trust, &mut holds, &mut refused);
    let agreements = agree(
        &of(DocumentKind::Agreement),
        network,
        &known,
        &identities,
        &trust,
        &mut holds,
        &mut conflicts,
        &mut refused,
    );
    let newest = |member: &[(Arc<Document>, Card)]| member.last().map(|(d, _)| (d.version, d.digest()));
    let cards = accepted.iter().filter_map(|(id, of)| Some((id.clone(), newest(of)?))).collect();
    let documents = by_whole(holds, unique);
    let mut directory = Directory {
        network,
        summary: Directory::summary_of(documents.keys()),
        documents,
        charter: resolved.charter,
        chain: resolved.chain,
        split: resolved.split,
        proposals,
        rounds,
        equivocations,
        identities: identities.0,
        nodes: BTreeMap::new(),
        by_transport: BTreeMap::new(),
        origins,
        by_digest: placed(&agreements),
        agreements,
        suspensions,
        revoked,
        conflicts,
        cards,
        attest: attest(&accepted),
        policy: Arc::default(),
        prohibitions,
    };
    for (member, of) in &accepted {
        for node in nodes_of(member, of, &directory) {
            let node = Arc::new(node);
            if node.belongs {
                let keys = node.transport_keys().map(PublicKey::bytes);
                directory.by_transport.extend(keys.map(|key| (key, node.clone())));
            }
            directory.nodes.insert(node.node.clone(), node);
        }
    }
    directory.policy = Arc::new(Policy::of(&directory));
    Ok(Loaded { directory, refused })
}

/// Documents that hold, by [`Document::whole`], which is known of those that came; votes may have been gathered in others.
fn by_whole(holds: Vec<Arc<Document>>, came: BTreeMap<Digest, Arc<Document>>) -> BTreeMap<Digest, Arc<Document>> {
    let mut holds: HashMap<*const Document, Arc<Document>> =
        holds.into_iter().map(|document| (Arc::as_ptr(&document), document)).collect();
    let mut documents: BTreeMap<_, _> =
        came.into_iter().filter(|(_, document)| holds.remove(&Arc::as_ptr(document)).is_some()).collect();
    documents.extend(holds.into_values().map(|document| (document.whole(), document)));
    documents
}

/// The keys that sign attestations: those of the newest card, whose number comes first, then those of earlier ones only.
fn attest(
    accepted: &BTreeMap<MemberId, Vec<(Arc<Document>, Card)>>,
) -> BTreeMap<MemberId, (usize, Vec<AttestCardKey>)> {
    let newest = |(member, of): (&MemberId, &Vec<(Arc<Document>, Card)>)| {
        let mut keys: Vec<AttestCardKey> = of.last().map(|(_, card)| card.attest.clone()).unwrap_or_default();
        let newest = keys.len();
        for row in of.iter().rev().skip(1).flat_map(|(_, card)| &card.attest) {
            if keys.iter().all(|known| known.key != row.key) {
                keys.push(row.clone());
            }
        }
        (!keys.is_empty()).then(|| (member.clone(), (newest, keys)))
    };
    accepted.iter().filter_map(newest).collect()
}

/// Where each version of an agreement stands among those of its name.
fn placed(agreements: &BTreeMap<Slug, Vec<(Digest, Agreement)>>) -> HashMap<Digest, (Slug, usize)> {
    let versions = |(id, versions): (&Slug, &Vec<(Digest, Agreement)>)| {
        let id = id.clone();
        let placed = versions.iter().enumerate().map(move |(at, (digest, _))| (*digest, (id.clone(), at)));
        placed.collect::<Vec<_>>()
    };
    agreements.iter().flat_map(versions).collect()
}

impl<'t> Trust<'t> {
    /// All were admitted before, none checked in this process.
    pub(super) fn admitted_all() -> Self {
        Self { before: Before::Admitted, checked: RefCell::default() }
    }

    /// All were admitted and checked, but this one, which is new.
    pub(super) fn all_but(new: &'t Document) -> Self {
        Self { before: Before::AllBut(new), checked: RefCell::default() }
    }

    /// Those of `allowed` who signed.
    pub(super) fn signers<'m>(
        &self,
        document: &Document,
        allowed: &[(&'m MemberId, &[PublicKey])],
    ) -> Result<Vec<&'m MemberId>, DocumentError> {
        let signers = document.signers(allowed, self.verified(document))?;
        self.checked.borrow_mut().insert(document);
        Ok(signers)
    }

    /// Checks that exactly those required signed.
    pub(super) fn check(
        &self,
        document: &Document,
        required: &[(&MemberId, &[PublicKey])],
    ) -> Result<(), DocumentError> {
        document.check_unless(required, self.verified(document))?;
        self.checked.borrow_mut().insert(document);
        Ok(())
    }

    fn admitted(&self, document: &Document) -> bool {
        !matches!(self.before, Before::AllBut(new) if new == document)
    }

    /// Whether all its signatures were computed before; whose keys they name is looked at all the same.
    fn verified(&self, document: &Document) -> bool {
        match self.before {
            Before::AllBut(new) if new != document => true,
            _ => self.checked.borrow().contains(&std::ptr::from_ref(document)),
        }
    }
}

impl Identities {
    /// Keys of a member; none where it has none.
    pub(super) fn of(&self, member: &MemberId) -> &[PublicKey] {
        self.0.get(member).map(Vec::as_slice).unwrap_or_default()
    }
}

/// The founding charter with what it says, and the later ones.
type Charters = (Arc<Document>, Charter, Vec<Arc<Document>>);

fn found(charters: Vec<Arc<Document>>) -> Result<Charters, DirectoryError> {
    let (first, later): (Vec<_>, Vec<_>) = charters.into_iter().partition(|document| document.version == 1);
    let mut founding: BTreeMap<Digest, Arc<Document>> = BTreeMap::new();
    for document in first {
        founding.entry(document.digest()).or_insert(document);
    }
    let count = founding.len();
    match founding.into_values().next() {
        Some(document) if count == 1 => {
            let charter = Charter::open(&document)?;
            Ok((document, charter, later))
        }
        _ => Err(DirectoryError::Founding(count)),
    }
}

pub(super) fn in_network(document: &Document, network: Digest) -> Result<(), DocumentError> {
    match document.network == network {
        true => Ok(()),
        false => {
            let (kind, id) = (document.kind, document.id.clone());
            Err(DocumentError::Network { kind, id, expected: network, found: document.network })
        }
    }
}

/// Cards in the order of their versions, each signed with the key that the one before it names, or with one that a later charter pins.
fn cards(documents: &[Arc<Document>], network: Digest, chain: &[(Digest, Charter)], trust: &Trust<'_>) -> Cards {
    let pin = |charter: &Charter, member: &MemberId| charter.member(member).map(|m| m.identity);
    let mut found = Cards {
        accepted: BTreeMap::new(),
        origins: BTreeMap::new(),
        identities: Identities(BTreeMap::new()),
        conflicts: Vec::new(),
        refused: Vec::new(),
    };
    // By member: the first pin, and those that votes put in its place.
    let mut voted: BTreeMap<MemberId, Vec<PublicKey>> = BTreeMap::new();
    for (_, charter) in chain {
        for member in &charter.members {
            let keys = found.identities.0.entry(member.id.clone()).or_insert_with(|| vec![member.identity]);
            let others = voted.entry(member.id.clone()).or_default();
            if !keys.contains(&member.identity) && !others.contains(&member.identity) {
                others.push(member.identity);
            }
        }
    }
    let mut keys: BTreeMap<[u8; 32], NodeRef> = BTreeMap::new();
    let mut frozen: BTreeMap<Slug, u64> = BTreeMap::new();
    for group in documents.chunk_by(|a, b| (a.version, &a.id) == (b.version, &b.id)) {
        let mut valid: Vec<(Arc<Document>, Card)> = Vec::new();
        for document in group {
            let before = found.accepted.get(&document.id).and_then(|cards| cards.last());
            let today =
                before.map(|(_, card)| card.identity).or_else(|| found.identities.of(&document.id).first().copied());
            // Those that a card named since are today's or retired.
            let named = found.identities.of(&document.id);
            let others = voted.get(&document.id).map(Vec::as_slice).unwrap_or_default();
            let others: Vec<_> = others.iter().filter(|key| !named.contains(key)).copied().collect();
            let mut judged = judge_card(document, network, before.map(|(d, _)| &**d), today, &others, trust);
            if let Some(version) = frozen.get(&document.id) {
                let (kind, id) = (DocumentKind::Card, document.id.clone());
                judged = Err(DirectoryError::Frozen { kind, id, version: *version });
            }
            sort(document, judged, &mut valid, &mut found.refused);
        }
        let (document, card) = match only(valid, &mut frozen) {
            Ok(Some(one)) => one,
            Ok(None) => continue,
            Err((conflict, both)) => {
                found.conflicts.push((conflict, both));
                continue;
            }
        };
        if let Err(error) = claim(&card, &mut keys, &mut found.origins) {
            found.refused.push((document, error));
            continue;
        }
        let of = found.identities.0.entry(card.member.clone()).or_default();
        of.retain(|key| *key != card.identity);
        of.push(card.identity);
        found.accepted.entry(card.member.clone()).or_default().push((document, card));
    }
    // A key that was voted in is today's until a card names it.
    if let Some((_, charter)) = chain.last().filter(|_| chain.len() > 1) {
        for (member, others) in &voted {
            let of = found.identities.0.entry(member.clone()).or_default();
            let unused = others.iter().filter(|key| !of.contains(key)).copied().collect::<Vec<_>>();
            let last = pin(charter, member).filter(|key| unused.contains(key));
            of.splice(0..0, unused.into_iter().filter(|key| Some(*key) != last));
            of.extend(last);
        }
    }
    found
}

/// The card in a document, if it is rightly signed. `today` is its member's identity key before it, `voted` those that votes put in its
/// place.
fn judge_card(
    document: &Document,
    network: Digest,
    before: Option<&Document>,
    today: Option<PublicKey>,
    voted: &[PublicKey],
    trust: &Trust<'_>,
) -> Result<Card, DirectoryError> {
    in_network(document, network)?;
    let card = Card::open(document)?;
    let (kind, id, version) = (document.kind, document.id.clone(), document.version);
    let Some(today) = today else {
        return Err(DirectoryError::NoMember { kind, id, member: card.member });
    };
    let allowed: Vec<_> = voted.iter().copied().chain([today]).collect();
    if let Some(other) = document.signatures.iter().find(|signed| signed.member != card.member) {
        return Err(DocumentError::Stranger { kind, id, member: other.member.clone() }.into());
    }
    // The key that may sign, and the one that is to sign from now on: each once.
    let signed = |key: &PublicKey| document.signatures.iter().find(|signed| signed.key == key.id());
    let verified = trust.verified(document);
    let digest = if verified { Digest::ZERO } else { document.digest() };
    let with = |key: &PublicKey| {
        let (id, member) = (id.clone(), card.member.clone());
        let Some(signature) = signed(key) else { return Err(DocumentError::Missing { kind, id, member }) };
        let made = document.verify(&digest, signature, std::slice::from_ref(key), verified);
        made.map_err(|error| DocumentError::Signature { kind, id, member, error })
    };
    let Some(old) = allowed.iter().rev().find(|key| signed(key).is_some()) else {
        return Err(match document.signatures.first() {
            None => DocumentError::Missing { kind, id, member: card.member }.into(),
            Some(found) => {
                let error =
                    KeyError::OtherKey { use_name: today.purpose().name(), expected: today.id(), found: found.key };
                DocumentError::Signature { kind, id, member: card.member, error }.into()
            }
        });
    };
    with(old)?;
    with(&card.identity)?;
    let needed = if card.identity == *old { 1 } else { 2 };
    if document.signatures.len() > needed {
        return Err(DocumentError::TwoKeys { kind, id, member: card.member }.into());
    }
    trust.checked.borrow_mut().insert(document);
    match before {
        Some(before) if before.version + 1 == version && before.digest() != document.previous => {
            Err(DirectoryError::Chain { kind, id, version })
        }
        _ => Ok(card),
    }
}

/// Keys and log of a node are its own, also those on its earlier cards: with another's, a member could answer for that one's
/// log, or have its own lies held against it.
fn claim(
    card: &Card,
    keys: &mut BTreeMap<[u8; 32], NodeRef>,
    origins: &mut BTreeMap<String, NodeRef>,
) -> Result<(), DirectoryError> {
    let names = || card.nodes.iter().map(|node| (NodeRef::new(&card.member, &node.name), node));
    for (name, node) in names() {
        for key in node.keys() {
            if let Some(owner) = keys.get(&key.bytes()).filter(|owner| **owner != name) {
                return Err(DirectoryError::SharedKey(owner.clone(), name));
            }
        }
        let here = names().find(|(other, of)| *other != name && of.origin == node.origin).map(|(other, _)| other);
        let owner = origins.get(&node.origin).filter(|owner| **owner != name).cloned();
        if let Some(owner) = owner.or(here) {
            return Err(DirectoryError::SharedOrigin(owner, name, node.origin.clone()));
        }
    }
    for (name, node) in names() {
        keys.extend(node.keys().map(|key| (key.bytes(), name.clone())));
        origins.insert(node.origin.clone(), name);
    }
    Ok(())
}

/// Every node of a member, also those that its newest card leaves out.
fn nodes_of(member: &MemberId, cards: &[(Arc<Document>, Card)], directory: &Directory) -> Vec<KnownNode> {
    let mut newest: BTreeMap<&Slug, (usize, &CardNode)> = BTreeMap::new();
    for (at, (_, card)) in cards.iter().enumerate() {
        newest.extend(card.nodes.iter().map(|node| (&node.name, (at, node))));
    }
    let mut nodes = Vec::with_capacity(newest.len());
    for (at, card) in newest.into_values() {
        let (mut former_logs, mut former_sign, mut former_witness) = (Vec::new(), Vec::new(), Vec::new());
        // Keys of the log of one origin, from the newest card back; a card without the node ends what is known of it.
        let (mut origin, mut of_log) = (&card.origin, card.log.all().to_vec());
        let mut former_log_keys: Vec<PublicKey> = Vec::new();
        let mut note = |origin: &String, keys: Vec<PublicKey>| {
            if *origin == card.origin {
                add(&mut former_log_keys, &keys, card.log.all());
            } else {
                former_logs.push(FormerLog { origin: origin.clone(), log: Keys::of_all(keys) });
            }
        };
        for (_, earlier) in cards[..at].iter().rev() {
            let Some(node) = earlier.nodes.iter().find(|node| node.name == card.name) else { break };
            if node.origin != *origin {
                note(origin, std::mem::take(&mut of_log));
                origin = &node.origin;
            }
            add(&mut of_log, node.log.all(), &[]);
            add(&mut former_sign, node.sign.all(), card.sign.all());
            add(&mut former_witness, node.witness.all(), card.witness.all());
        }
        note(origin, of_log);
        let mut known = KnownNode {
            node: NodeRef::new(member, &card.name),
            member: member.clone(),
            card: card.clone(),
            former_logs,
            former_sign,
            former_log_keys,
            former_witness,
            revoked: Vec::new(),
            belongs: directory.belongs(member) && at + 1 == cards.len(),
        };
        let all = card.keys().chain(&known.former_sign).chain(&known.former_log_keys).chain(&known.former_witness);
        known.revoked = all.map(PublicKey::id).filter(|key| directory.revoked.contains_key(key)).collect();
        nodes.push(known);
    }
    nodes
}

/// Adds keys that are in neither list.
fn add(list: &mut Vec<PublicKey>, keys: &[PublicKey], but: &[PublicKey]) {
    for key in keys {
        if !list.contains(key) && !but.contains(key) {
            list.push(*key);
        }
    }
}

/// Puts a document of one id and version where it belongs by its verdict. One that differs in signatures alone is no other.
fn sort<T>(
    document: &Arc<Document>,
    judged: Result<T, DirectoryError>,
    valid: &mut Vec<(Arc<Document>, T)>,
    refused: &mut Refused,
) {
    match judged {
        Err(error) => refused.push((document.clone(), error)),
        Ok(_) if valid.iter().any(|(other, _)| other.digest() == document.digest()) => {}
        Ok(content) => valid.push((document.clone(), content)),
    }
}

/// What contradicts each other, with the documents.
type Evidence = (Conflict, Vec<Arc<Document>>);

/// The only one of an id and version; several contradict each other: none of them holds, all are evidence, and the id is frozen.
fn only<T>(
    mut valid: Vec<(Arc<Document>, T)>,
    frozen: &mut BTreeMap<Slug, u64>,
) -> Result<Option<(Arc<Document>, T)>, Evidence> {
    if valid.len() < 2 {
        return Ok(valid.pop());
    }
    let both: Vec<_> = valid.into_iter().map(|(document, _)| document).collect();
    let (kind, id, version) = (both[0].kind, both[0].id.clone(), both[0].version);
    frozen.insert(id.clone(), version);
    let mut digests: Vec<_> = both.iter().map(|document| document.digest()).collect();
    digests.sort();
    Err((Conflict { kind, id, version, digests }, both))
}

/// Keys with those whose they are: identity keys, and those of nodes and for attestations on cards that hold or held.
fn owned(
    identities: &Identities,
    cards: &BTreeMap<MemberId, Vec<(Arc<Document>, Card)>>,
) -> BTreeSet<(MemberId, KeyId)> {
    let mut owned = BTreeSet::new();
    for (member, keys) in &identities.0 {
        owned.extend(keys.iter().map(|key| (member.clone(), key.id())));
    }
    for (member, cards) in cards {
        let nodes = cards.iter().flat_map(|(_, card)| &card.nodes);
        owned.extend(nodes.flat_map(CardNode::keys).map(|key| (member.clone(), key.id())));
        let attest = cards.iter().flat_map(|(_, card)| &card.attest);
        owned.extend(attest.map(|row| (member.clone(), row.key.id())));
    }
    owned
}

#[allow(clippy::too_many_arguments)]
fn revoke(
    documents: &[Arc<Document>],
    network: Digest,
    chain: &[(Digest, Charter)],
    known: &dyn Fn(&MemberId) -> bool,
    identities: &Identities,
    owned: &BTreeSet<(MemberId, KeyId)>,
    trust: &Trust<'_>,
    holds: &mut Vec<Arc<Document>>,
    refused: &mut Refused,
) -> BTreeMap<KeyId, Revoked> {
    let mut revoked: BTreeMap<KeyId, Revoked> = BTreeMap::new();
    for document in documents {
        let judged = (|| {
            in_network(document, network)?;
            let revocation = Revocation::open(document)?;
            let (kind, id, member) = (document.kind, document.id.clone(), revocation.member.clone());
            if !known(&member) {
                return Err(DirectoryError::NoMember { kind, id, member });
            }
            // A key that was retired long ago revokes nothing new.
            let own = match trust.admitted(document) {
                true => identities.of(&member),
                false => identities.of(&member).last().map(std::slice::from_ref).unwrap_or_default(),
            };
            // Those of today; of what was admitted before, those of any charter: a revocation outlives its governors' office.
            let charters = match trust.admitted(document) {
                true => chain,
                false => &chain[chain.len() - 1..],
            };
            let governors: BTreeSet<_> =
                charters.iter().flat_map(|(_, c)| &c.governors).filter(|id| **id != member).collect();
            let mut allowed: Vec<_> = governors.into_iter().map(|id| (id, identities.of(id))).collect();
            allowed.push((&member, own));
            let signers = trust.signers(document, &allowed)?;
            let decided = charters.iter().any(|(_, charter)| {
                signers.iter().filter(|id| charter.governors.contains(id)).count() as u64 >= charter.threshold
            });
            if !signers.contains(&&member) && !decided {
                return Err(DocumentError::Missing { kind, id, member }.into());
            }
            Ok(revocation)
        })();
        match judged {
            Err(error) => refused.push((document.clone(), error)),
            Ok(Revocation { member, keys, reason, revoked_at, compromised_since }) => {
                holds.push(document.clone());
                // Nobody's key but its own; one that no card has yet is revoked as soon as one has it.
                for key in keys.into_iter().filter(|key| owned.contains(&(member.clone(), *key))) {
                    let new =
                        Revoked { member: member.clone(), at: revoked_at, compromised_since, reason: reason.clone() };
                    let kept = revoked.entry(key).or_insert_with(|| new.clone());
                    // Of several words on one key, what is said against it first.
                    kept.at = kept.at.min(new.at);
                    kept.compromised_since = match (kept.compromised_since, new.compromised_since) {
                        (Some(one), Some(other)) => Some(one.min(other)),
                        (one, other) => one.or(other),
                    };
                }
            }
        }
    }
    revoked
}

fn suspend(
    documents: &[Arc<Document>],
    network: Digest,
    known: &dyn Fn(&MemberId) -> bool,
    identities: &Identities,
    trust: &Trust<'_>,
    holds: &mut Vec<Arc<Document>>,
    refused: &mut Refused,
) -> BTreeMap<MemberId, (u64, Suspension)> {
    let mut suspensions: BTreeMap<MemberId, (u64, Suspension)> = BTreeMap::new();
    for document in documents {
        let judged = (|| {
            in_network(document, network)?;
            let suspension = Suspension::open(document)?;
            let (kind, id, member) = (document.kind, document.id.clone(), &suspension.member);
            if !known(member) {
                return Err(DirectoryError::NoMember { kind, id, member: member.clone() });
            }
            trust.check(document, &[(member, identities.of(member))])?;
            Ok(suspension)
        })();
        match judged {
            Err(error) => refused.push((document.clone(), error)),
            Ok(mut suspension) => {
                holds.push(document.clone());
                let member = suspension.member.clone();
                // They come in the order of their versions. Two of one version: what either suspends.
                if let Some((_, other)) = suspensions.get(&member).filter(|(version, _)| *version == document.version) {
                    suspension.agreements.extend(other.agreements.iter().cloned());
                    suspension.agreements.sort();
                    suspension.agreements.dedup();
                }
                suspensions.insert(member, (document.version, suspension));
            }
        }
    }
    suspensions
}

#[allow(clippy::too_many_arguments)]
fn agree(
    documents: &[Arc<Document>],
    network: Digest,
    known: &dyn Fn(&MemberId) -> bool,
    identities: &Identities,
    trust: &Trust<'_>,
    holds: &mut Vec<Arc<Document>>,
    conflicts: &mut Vec<Conflict>,
    refused: &mut Refused,
) -> BTreeMap<Slug, Vec<(Digest, Agreement)>> {
    let mut agreements: BTreeMap<Slug, Vec<(Digest, Agreement)>> = BTreeMap::new();
    let mut frozen: BTreeMap<Slug, u64> = BTreeMap::new();
    for group in documents.chunk_by(|a, b| (a.version, &a.id) == (b.version, &b.id)) {
        let mut valid: Vec<(Arc<Document>, Agreement)> = Vec::new();
        for document in group {
            let (kind, id, version) = (document.kind, document.id.clone(), document.version);
            let versions = agreements.get(&id).map(Vec::as_slice).unwrap_or_default();
            let judged = (|| {
                in_network(document, network)?;
                let agreement = Agreement::open(document)?;
                if let Some(version) = frozen.get(&id) {
                    return Err(DirectoryError::Frozen { kind, id: id.clone(), version: *version });
                }
                let holds = versions.len() as u64;
                if version != holds + 1 {
                    return Err(DocumentError::Version { kind, id: id.clone(), holds, found: version }.into());
                }
                let mut parties: BTreeSet<&MemberId> = agreement.parties.iter().collect();
                if let Some((digest, before)) = versions.last() {
                    if *digest != document.previous {
                        return Err(DirectoryError::Chain { kind, id: id.clone(), version });
                    }
                    parties.extend(&before.parties);
                }
                if let Some(member) = parties.iter().find(|member| !known(member)) {
                    return Err(DirectoryError::NoMember { kind, id: id.clone(), member: (*member).clone() });
                }
                let required: Vec<_> = parties.into_iter().map(|party| (party, identities.of(party))).collect();
                trust.check(document, &required)?;
                Ok(agreement)
            })();
            sort(document, judged, &mut valid, refused);
        }
        match only(valid, &mut frozen) {
            Ok(Some((document, agreement))) => {
                agreements.entry(document.id.clone()).or_default().push((document.digest(), agreement));
                holds.push(document);
            }
            Ok(None) => {}
            Err((conflict, both)) => {
                conflicts.push(conflict);
                holds.extend(both);
            }
        }
    }
    agreements
}
