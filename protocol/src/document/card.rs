//! The card: what a member says of itself, its nodes with their keys and addresses. Signed with its identity key.

use super::{Document, DocumentError, DocumentKind, decode_list};
use crate::cbor::{CborError, Decode, Encode, Reader, Writer};
use crate::hash::Digest;
use crate::keys::{KeyUse, PublicKey, decode_key};
use crate::limits::{MAX_ADDRESSES, MAX_NODES};
use crate::names::{MemberId, Slug};

/// One node on a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardNode {
    /// Its name within the member.
    pub name: Slug,
    /// Signs batches and dispatches.
    pub sign: PublicKey,
    /// Signs checkpoints.
    pub log: PublicKey,
    /// Signs cosignatures.
    pub witness: PublicKey,
    /// Authenticates connections.
    pub transport: PublicKey,
    /// The age recipient that dispatches are sealed to.
    pub seal: String,
    /// The log's origin (C2SP tlog-checkpoint): a schema-less URL without spaces and plus signs.
    pub origin: String,
    /// Where it listens, as multiaddr.
    pub addresses: Vec<String>,
    /// The epoch of the channels that it sends in, from 1; one more after each loss of its data, when it cannot know any
    /// longer which numbers it gave.
    pub epoch: u64,
    /// Record types and versions that it reads.
    pub reads: Vec<(String, u64)>,
}

/// What a member says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// Whose card it is; also the document's id.
    pub member: MemberId,
    /// Ordered by name.
    pub nodes: Vec<CardNode>,
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
        let card = Self::from_cbor(&document.body)?;
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
            if !node.seal.starts_with("age1") || !plain(&node.seal) {
                return Err("a seal key is not an age recipient");
            }
            if node.epoch == 0 {
                return Err("epochs begin at 1");
            }
            if node.addresses.iter().any(|a| !a.starts_with('/') || !plain(a)) {
                return Err("an address is not a multiaddr such as /ip4/192.0.2.1/tcp/4700");
            }
        }
        let mut keys: Vec<_> =
            self.nodes.iter().flat_map(|n| [&n.sign, &n.log, &n.witness, &n.transport]).map(PublicKey::bytes).collect();
        keys.sort_unstable();
        if keys.windows(2).any(|w| w[0] == w[1]) {
            return Err("one key serves two uses or two nodes");
        }
        Ok(())
    }
}

impl Encode for Card {
    fn encode(&self, writer: &mut Writer) {
        writer.array(2);
        self.member.encode(writer);
        writer.array(self.nodes.len());
        for node in &self.nodes {
            writer.array(10);
            node.name.encode(writer);
            node.sign.encode(writer);
            node.log.encode(writer);
            node.witness.encode(writer);
            node.transport.encode(writer);
            writer.text(&node.seal);
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
    }
}

impl Decode for Card {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        let start = reader.position();
        reader.tuple(2)?;
        let member = MemberId::decode(reader)?;
        let nodes = decode_list(reader, MAX_NODES, |r| {
            r.tuple(10)?;
            let node = CardNode {
                name: Slug::decode(r)?,
                sign: decode_key(KeyUse::Sign, r)?,
                log: decode_key(KeyUse::Log, r)?,
                witness: decode_key(KeyUse::Witness, r)?,
                transport: decode_key(KeyUse::Transport, r)?,
                seal: r.text(4 * MAX_LINE)?.to_owned(),
                origin: r.text(MAX_LINE)?.to_owned(),
                addresses: decode_list(r, MAX_ADDRESSES, |r| r.text(MAX_LINE).map(str::to_owned))?,
                epoch: r.uint()?,
                reads: decode_list(r, 64, |r| {
                    r.tuple(2)?;
                    let read = (r.text(40)?.to_owned(), r.uint()?);
                    r.leave();
                    Ok(read)
                })?,
            };
            r.leave();
            Ok(node)
        })?;
        reader.leave();
        let card = Self { member, nodes };
        card.check().map_err(|what| reader.refuse(start, what))?;
        Ok(card)
    }
}
