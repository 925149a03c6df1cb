//! The card: what a member says of itself, its nodes with their keys and addresses. Signed with its identity key.

use super::{AttestCardKey, Document, DocumentError, DocumentKind, decode_some};
use crate::cbor::{CborError, Decode, Encode, Reader, Writer};
use crate::credential::Algorithm;
use crate::hash::{Digest, Domain};
use crate::keys::{KeyError, KeyUse, PublicKey, decode_key};
use crate::limits::{MAX_ADDRESSES, MAX_ATTEST_KEYS, MAX_KEYS, MAX_NODES};
use crate::names::{MemberId, Slug};
use crate::record::OfEdition;

/// Keys of one use: the first is in use, the others count too. While a key is replaced, the next one stands behind it, then the
/// former one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys(Vec<PublicKey>);

impl Keys {
    /// These keys, the one in use first; `None` without any, or with more than [`MAX_KEYS`] or one twice.
    pub fn new(keys: Vec<PublicKey>) -> Option<Self> {
        let fresh = |(at, key): (usize, &PublicKey)| !keys[..at].contains(key);
        ((1..=MAX_KEYS).contains(&keys.len()) && keys.iter().enumerate().all(fresh)).then_some(Self(keys))
    }

    /// Keys of several cards together; not empty.
    pub(super) fn of_all(keys: Vec<PublicKey>) -> Self {
        Self(keys)
    }

    /// The key in use.
    pub fn current(&self) -> &PublicKey {
        // Never empty by construction.
        &self.0[0]
    }

    /// All of them, the one in use first.
    pub fn all(&self) -> &[PublicKey] {
        &self.0
    }

    /// Checks a signature by one of them, and tells which.
    ///
    /// # Errors
    /// [`KeyError::Signature`] when none of them made it.
    pub fn verify(
        &self,
        domain: Domain,
        network: &Digest,
        body: &[u8],
        signature: &[u8; 64],
    ) -> Result<&PublicKey, KeyError> {
        let by = |key: &&PublicKey| key.verify(domain, network, body, signature).is_ok();
        self.0.iter().find(by).ok_or(KeyError::Signature(self.current().purpose().name()))
    }

    /// Whether this key is one of them.
    pub fn contains(&self, key: &PublicKey) -> bool {
        self.0.contains(key)
    }
}

impl From<PublicKey> for Keys {
    fn from(key: PublicKey) -> Self {
        Self(vec![key])
    }
}

/// One node on a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardNode {
    /// Its name within the member.
    pub name: Slug,
    /// Signs batches and dispatches.
    pub sign: Keys,
    /// Signs checkpoints.
    pub log: Keys,
    /// Signs cosignatures.
    pub witness: Keys,
    /// Authenticates connections.
    pub transport: Keys,
    /// The age recipient that dispatches are sealed to, then others that its node opens too.
    pub seal: Vec<String>,
    /// The log's origin (C2SP tlog-checkpoint): a schema-less URL without spaces and plus signs.
    pub origin: String,
    /// Where it listens, as multiaddr.
    pub addresses: Vec<String>,
    /// The epoch of the channels that it sends in, from 1; one more after each loss of its data, when it cannot know any
    /// longer which numbers it gave.
    pub epoch: u64,
    /// Record types with their versions, and code lists with their editions, that it reads.
    pub reads: Vec<(String, u64)>,
}

impl CardNode {
    /// Its Ed25519 keys by use, in the order in which they are encoded; none is without one, which tells the use.
    pub fn uses(&self) -> [&Keys; 4] {
        [&self.sign, &self.log, &self.witness, &self.transport]
    }

    /// The same, to be changed.
    pub fn uses_mut(&mut self) -> [&mut Keys; 4] {
        [&mut self.sign, &mut self.log, &mut self.witness, &mut self.transport]
    }

    /// All its Ed25519 keys.
    pub fn keys(&self) -> impl Iterator<Item = &PublicKey> {
        self.uses().into_iter().flat_map(Keys::all)
    }

    /// The age recipient that dispatches are sealed to.
    pub fn seal_to(&self) -> &str {
        self.seal.first().map_or("", String::as_str)
    }

    /// Whether it reads codes of this edition of a list. A card that names no edition of a list is from before there was another than the
    /// first.
    pub fn reads_edition(&self, of: OfEdition) -> bool {
        let OfEdition { list, year } = of;
        let silent = !self.reads.iter().any(|(read, _)| read == list.name);
        self.reads(list.name, year) || (silent && year == list.first())
    }

    /// Whether it reads this version of a record type.
    pub fn reads(&self, name: &str, version: u64) -> bool {
        self.reads.iter().any(|(read, of)| read == name && *of == version)
    }
}

/// What a member says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// Whose card it is; also the document's id.
    pub member: MemberId,
    /// The identity key that signs from the next card on. Where it is another than the one that signs this card, both sign.
    pub identity: PublicKey,
    /// Ordered by name.
    pub nodes: Vec<CardNode>,
    /// The keys that sign its attestations about traders; none for most members. Ordered by their bytes.
    pub attest: Vec<AttestCardKey>,
}

const MAX_LINE: usize = 256;
/// Bytes of an origin: with what names the node as a witness behind it, it must still be a key's name.
const MAX_ORIGIN: usize = 247;

impl Card {
    /// The document around this card, to be signed by the member.
    ///
    /// # Errors
    /// [`DocumentError::Content`] when the card contradicts itself.
    pub fn to_document(&self, network: Digest) -> Result<Document, DocumentError> {
        self.check().map_err(|what| DocumentError::Content(format!("card of {}: {what}", self.member)))?;
        Ok(Document::first(DocumentKind::Card, network, self.member.clone(), self.to_cbor()))
    }

    /// The document that puts this card in the place of an earlier one, to be signed by the member.
    ///
    /// # Errors
    /// [`DocumentError::Content`] when the card contradicts itself.
    pub fn to_successor(&self, previous: &Document) -> Result<Document, DocumentError> {
        let first = self.to_document(previous.network)?;
        Ok(Document { version: previous.version + 1, previous: previous.digest(), ..first })
    }

    /// Reads a card's body; whoever knows the charter checks its signature, see [`super::Directory`].
    ///
    /// # Errors
    /// [`DocumentError`] when the body is no card or names another member than the document.
    pub fn open(document: &Document) -> Result<Self, DocumentError> {
        let card = document.content::<Self>()?;
        if card.member == document.id {
            Ok(card)
        } else {
            Err(DocumentError::Content(format!("card of {} carries the name of {}", card.member, document.id)))
        }
    }

    fn check(&self) -> Result<(), &'static str> {
        if self.nodes.is_empty() || !self.nodes.windows(2).all(|w| w[0].name < w[1].name) {
            return Err("nodes are missing, repeated or not ordered by name");
        }
        let plain = |text: &str| {
            !text.is_empty() && text.len() <= MAX_LINE && !text.contains(|c: char| c.is_whitespace() || c.is_control())
        };
        for node in &self.nodes {
            if !plain(&node.origin) || node.origin.len() > MAX_ORIGIN || node.origin.contains('+') {
                return Err("a log's origin is empty, longer than 247 bytes, or holds white space or a plus sign");
            }
            if !(1..=MAX_KEYS).contains(&node.seal.len()) {
                return Err("a node has one seal key, or up to four while they are replaced");
            }
            if node.seal.iter().any(|seal| !seal.starts_with("age1") || !plain(seal)) {
                return Err("a seal key is not an age recipient");
            }
            if node.epoch == 0 {
                return Err("epochs begin at 1");
            }
            if node.addresses.iter().any(|a| !a.starts_with('/') || !plain(a)) {
                return Err("an address is not a multiaddr such as /ip4/192.0.2.1/tcp/4700");
            }
        }
        self.check_attest()?;
        let mut keys = vec![self.identity.bytes().to_vec()];
        keys.extend(self.nodes.iter().flat_map(CardNode::keys).map(|key| key.bytes().to_vec()));
        keys.extend(
            self.attest.iter().filter(|row| row.key.algorithm() == Algorithm::EdDsa).map(|row| row.key.bytes()),
        );
        keys.sort_unstable();
        if keys.windows(2).any(|w| w[0] == w[1]) {
            return Err("one key serves two uses or two nodes");
        }
        Ok(())
    }
}

impl Encode for Card {
    fn encode(&self, writer: &mut Writer) {
        writer.array(if self.attest.is_empty() { 3 } else { 4 });
        self.member.encode(writer);
        self.identity.encode(writer);
        writer.array(self.nodes.len());
        for node in &self.nodes {
            writer.array(10);
            node.name.encode(writer);
            for keys in node.uses() {
                writer.list(keys.all());
            }
            writer.array(node.seal.len());
            node.seal.iter().for_each(|seal| writer.text(seal));
            writer.text(&node.origin);
            writer.array(node.addresses.len());
            node.addresses.iter().for_each(|a| writer.text(a));
            writer.uint(node.epoch);
            writer.array(node.reads.len());
            for (name, version) in &node.reads {
                writer.array(2);
                writer.text(name);
                writer.uint(*version);
            }
        }
        if !self.attest.is_empty() {
            writer.list(&self.attest);
        }
    }
}

impl Decode for Card {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        let start = reader.position();
        let longer = reader.tuple_or_longer(3)?;
        let member = MemberId::decode(reader)?;
        let identity = decode_key(KeyUse::Identity, reader)?;
        let nodes = reader.list(MAX_NODES, |r| {
            r.tuple(10)?;
            let node = CardNode {
                name: Slug::decode(r)?,
                sign: decode_keys(KeyUse::Sign, r)?,
                log: decode_keys(KeyUse::Log, r)?,
                witness: decode_keys(KeyUse::Witness, r)?,
                transport: decode_keys(KeyUse::Transport, r)?,
                seal: r.list(MAX_KEYS, |r| r.text(MAX_LINE).map(str::to_owned))?,
                origin: r.text(MAX_LINE)?.to_owned(),
                addresses: r.list(MAX_ADDRESSES, |r| r.text(MAX_LINE).map(str::to_owned))?,
                epoch: r.uint()?,
                reads: r.list(64, |r| {
                    r.tuple(2)?;
                    let read = (r.text(40)?.to_owned(), r.uint()?);
                    r.leave();
                    Ok(read)
                })?,
            };
            r.leave();
            Ok(node)
        })?;
        let attest = if longer { decode_some(reader, MAX_ATTEST_KEYS, AttestCardKey::decode)? } else { Vec::new() };
        reader.leave();
        let card = Self { member, identity, nodes, attest };
        card.check().map_err(|what| reader.refuse(start, what))?;
        Ok(card)
    }
}

fn decode_keys(purpose: KeyUse, reader: &mut Reader<'_>) -> Result<Keys, CborError> {
    let start = reader.position();
    let keys = reader.list(MAX_KEYS, |r| decode_key(purpose, r))?;
    Keys::new(keys).ok_or_else(|| reader.refuse(start, "no key, or one twice"))
}
