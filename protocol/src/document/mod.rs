//! The one signed-document type: charter, card, agreement.
//!
//! A document has a kind, an id, a version and the digest of its predecessor; its signatures cover its digest. One rule
//! says who must sign what ([`Document::check`]). Cards have later versions, each naming the one before. Not here yet: later
//! versions of charter and agreements, votes, suspension (they chain on the same type).

mod agreement;
mod card;
mod charter;
mod directory;

pub use agreement::{Agreement, Flow};
pub use card::{Card, CardNode};
pub use charter::{Charter, CharterMember};
pub use directory::{Directory, DirectoryError, FlowMatch, FormerLog, KnownNode};

use crate::cbor::{CborError, Decode, Encode, Reader, Writer};
use crate::hash::{Digest, Domain};
use crate::keys::{KeyError, KeyId, PublicKey, SecretKey};
use crate::limits::{MAX_DOCUMENT_BYTES, MAX_SIGNATURES};
use crate::names::{MemberId, NameError, Slug, word_enum};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

word_enum!(
    /// What a document is.
    DocumentKind, "kind of document", {
        /// The membership.
        Charter = 1, "charter";
        /// What a member says of itself.
        Card = 2, "card";
        /// What may flow between parties.
        Agreement = 3, "agreement";
    }
);

/// Why a document was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// The bytes are not a document.
    #[error("not a signed document: {0}")]
    Decode(#[from] CborError),
    /// A document of another kind is needed.
    #[error("this is a {found}, not a {expected}")]
    Kind {
        /// What is needed.
        expected: DocumentKind,
        /// What was given.
        found: DocumentKind,
    },
    /// The document belongs to another network.
    #[error("{kind} '{id}' belongs to network {found}, this is network {expected}")]
    Network {
        /// Its kind.
        kind: DocumentKind,
        /// Its id.
        id: Slug,
        /// This network.
        expected: Digest,
        /// The document's network.
        found: Digest,
    },
    /// A required signature is not there.
    #[error("{kind} '{id}' lacks the signature of {member}\nhint: have {member} run `luxor {kind} sign`")]
    Missing {
        /// Its kind.
        kind: DocumentKind,
        /// Its id.
        id: Slug,
        /// Who has not signed.
        member: MemberId,
    },
    /// A signature does not hold.
    #[error("{kind} '{id}': signature of {member}: {error}")]
    Signature {
        /// Its kind.
        kind: DocumentKind,
        /// Its id.
        id: Slug,
        /// Whose it is said to be.
        member: MemberId,
        /// What is wrong with it.
        error: KeyError,
    },
    /// Someone signed whom the charter does not know or who need not.
    #[error("{kind} '{id}' carries a signature of {member}, who is no party to it")]
    Stranger {
        /// Its kind.
        kind: DocumentKind,
        /// Its id.
        id: Slug,
        /// The signer.
        member: MemberId,
    },
    /// The content contradicts itself.
    #[error("{0}")]
    Content(String),
}

/// One signature on a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentSignature {
    /// Who signs.
    pub member: MemberId,
    /// The identity key used.
    pub key: KeyId,
    /// Ed25519 over the document's digest.
    pub signature: [u8; 64],
}

/// A document with its signatures. The body is kept as bytes, so its digest never depends on re-encoding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// What it is.
    pub kind: DocumentKind,
    /// The founding charter's digest; zero in that charter itself.
    pub network: Digest,
    /// Its name; versions of one document share it.
    pub id: Slug,
    /// 1 for the first.
    pub version: u64,
    /// Digest of the version before; zero for the first.
    pub previous: Digest,
    /// The encoded charter, card or agreement.
    pub body: Vec<u8>,
    /// Ordered by member, one each.
    pub signatures: Vec<DocumentSignature>,
}

impl Document {
    /// The first version of a document, without signatures.
    pub fn first(kind: DocumentKind, network: Digest, id: Slug, body: Vec<u8>) -> Self {
        Self { kind, network, id, version: 1, previous: Digest::ZERO, body, signatures: Vec::new() }
    }

    /// The digest that names this version and that its signatures cover.
    pub fn digest(&self) -> Digest {
        let mut writer = Writer::with_capacity(self.body.len() + 160);
        writer.array(6);
        self.encode_content(&mut writer);
        Digest::of(Domain::Document, &[&writer.into_bytes()])
    }

    /// Adds or replaces `member`'s signature.
    pub fn sign(&mut self, member: &MemberId, identity: &SecretKey) {
        let signature = identity.sign(Domain::Document, &self.network, &self.digest().0);
        let signed = DocumentSignature { member: member.clone(), key: identity.public().id(), signature };
        match self.signatures.binary_search_by(|s| s.member.cmp(member)) {
            Ok(at) => self.signatures[at] = signed,
            Err(at) => self.signatures.insert(at, signed),
        }
    }

    /// Checks that exactly the `required` members signed, each with the key given.
    ///
    /// # Errors
    /// The first signature that is missing, wrong or superfluous.
    pub fn check(&self, required: &[(&MemberId, &PublicKey)]) -> Result<(), DocumentError> {
        let (kind, id) = (self.kind, self.id.clone());
        let digest = self.digest();
        for signed in &self.signatures {
            let member = signed.member.clone();
            let Some((_, key)) = required.iter().find(|(name, _)| **name == member) else {
                return Err(DocumentError::Stranger { kind, id, member });
            };
            let outcome = if signed.key == key.id() {
                key.verify(Domain::Document, &self.network, &digest.0, &signed.signature)
            } else {
                Err(KeyError::OtherKey { use_name: key.purpose().name(), expected: key.id(), found: signed.key })
            };
            outcome.map_err(|error| DocumentError::Signature { kind, id: id.clone(), member, error })?;
        }
        match required.iter().find(|(name, _)| !self.signatures.iter().any(|s| s.member == **name)) {
            Some((member, _)) => Err(DocumentError::Missing { kind, id, member: (*member).clone() }),
            None => Ok(()),
        }
    }

    /// Reads a document of a known kind.
    ///
    /// # Errors
    /// [`DocumentError::Decode`] and [`DocumentError::Kind`].
    pub fn read(expected: DocumentKind, bytes: &[u8]) -> Result<Self, DocumentError> {
        let document = Self::from_cbor(bytes)?;
        if document.kind == expected {
            Ok(document)
        } else {
            Err(DocumentError::Kind { expected, found: document.kind })
        }
    }

    fn encode_content(&self, writer: &mut Writer) {
        self.kind.encode(writer);
        self.network.encode(writer);
        self.id.encode(writer);
        writer.uint(self.version);
        self.previous.encode(writer);
        writer.bytes(&self.body);
    }
}

impl Encode for Document {
    fn encode(&self, writer: &mut Writer) {
        writer.array(7);
        self.encode_content(writer);
        writer.array(self.signatures.len());
        for signed in &self.signatures {
            writer.array(3);
            signed.member.encode(writer);
            signed.key.encode(writer);
            writer.bytes(&signed.signature);
        }
    }
}

impl Decode for Document {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.tuple(7)?;
        let kind = DocumentKind::decode(reader)?;
        let network = Digest::decode(reader)?;
        let id = Slug::decode(reader)?;
        let start = reader.position();
        let version = reader.uint()?;
        let previous = Digest::decode(reader)?;
        let first = version == 1 && previous == Digest::ZERO;
        let later = kind == DocumentKind::Card && version > 1 && previous != Digest::ZERO;
        if !first && !later {
            return Err(reader.refuse(start, "version 1 has no predecessor, and only cards have later versions so far"));
        }
        let body = reader.bytes(MAX_DOCUMENT_BYTES)?.to_vec();
        let mut signatures: Vec<DocumentSignature> = Vec::new();
        for _ in 0..reader.array(MAX_SIGNATURES)? {
            let start = reader.position();
            reader.tuple(3)?;
            let signed = DocumentSignature {
                member: Slug::decode(reader)?,
                key: KeyId::decode(reader)?,
                signature: reader.fixed()?,
            };
            reader.leave();
            if signatures.last().is_some_and(|last| last.member >= signed.member) {
                return Err(reader.refuse(start, "signatures are not ordered by member"));
            }
            signatures.push(signed);
        }
        reader.leave();
        reader.leave();
        Ok(Self { kind, network, id, version, previous, body, signatures })
    }
}

/// Reads a bounded list whose items follow their own rule.
fn decode_list<T>(
    reader: &mut Reader<'_>,
    max: usize,
    mut item: impl FnMut(&mut Reader<'_>) -> Result<T, CborError>,
) -> Result<Vec<T>, CborError> {
    let count = reader.array(max)?;
    let mut items = Vec::with_capacity(count.min(64));
    for _ in 0..count {
        items.push(item(reader)?);
    }
    reader.leave();
    Ok(items)
}

/// Writes a list of encodable items.
fn encode_list<T: Encode>(writer: &mut Writer, items: &[T]) {
    writer.array(items.len());
    items.iter().for_each(|item| item.encode(writer));
}

#[cfg(test)]
mod tests;
