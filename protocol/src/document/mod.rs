//! The one signed-document type: charter, card, agreement, suspension, revocation, rejection.
//!
//! A document has a kind, an id, a version and the digest of its predecessor; its signatures cover its digest. Versions of one
//! document form a chain. Who must sign what is decided in `directory`, where keys and membership are known; how signatures
//! are counted is decided here ([`Document::check`]).
//!
//! Not here: what a node does with a document (node), what a row of an agreement gives (`policy`) and lets pass on (`onward`).

mod agreement;
mod attest;
mod card;
mod charter;
mod directory;
mod issuers;
mod onward;
mod policy;
mod prohibition;
mod recognition;
mod rejection;
mod revocation;
mod suspension;

pub use agreement::{Agreement, Flow, Onward, Recipients, Role, Term};
pub use attest::AttestCardKey;
pub use card::{Card, CardNode, Keys};
pub use charter::{Charter, CharterMember, MemberStatus};
pub use directory::{
    Conflict, Directory, DirectoryError, Equivocation, FormerLog, KnownNode, Loaded, Proposal, Revoked, Split, Standing,
};
pub use issuers::{Issuers, NoRight};
pub use onward::{OnwardAsk, OnwardDenial, OnwardGrant};
pub use policy::{Ask, Denial, Grant, Policy, Rule, Verdict};
pub use prohibition::{Prohibition, ProhibitionError, Prohibitions};
pub use recognition::{Benefit, IssuedBy, Recognition};
pub use rejection::Rejection;
pub use revocation::Revocation;
pub use suspension::Suspension;

use crate::cbor::{CborError, Decode, Encode, Reader, Writer};
use crate::hash::{Digest, Domain};
use crate::keys::{KeyError, KeyId, PublicKey, SecretKey};
use crate::limits::{MAX_DOCUMENT_BYTES, MAX_SIGNATURES};
use crate::names::{MemberId, Slug, word_enum};

word_enum!(
    /// What a document is.
    DocumentKind, "kind of document", {
        /// The membership.
        Charter = 1, "charter";
        /// What a member says of itself.
        Card = 2, "card";
        /// What may flow between parties.
        Agreement = 3, "agreement";
        /// Agreements whose rows from or to its signer give nothing for now.
        Suspension = 4, "suspension";
        /// Keys that sign nothing any more.
        Revocation = 5, "revocation";
        /// A governor's word that it accepts nothing in a round.
        Rejection = 6, "rejection";
    }
);

/// Why a document was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// The bytes are not a document.
    #[error("not a signed document: {0}")]
    Decode(#[from] CborError),
    /// What it says is not what a document of its kind says.
    #[error("{kind} '{id}': its content is refused at {error}")]
    Body {
        /// Its kind.
        kind: DocumentKind,
        /// Its id.
        id: Slug,
        /// Where and why.
        error: CborError,
    },
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
    /// A member signed with two keys, where each party signs once.
    #[error("{kind} '{id}' carries two signatures of {member}; each party signs once, with one key")]
    TwoKeys {
        /// Its kind.
        kind: DocumentKind,
        /// Its id.
        id: Slug,
        /// Who signed twice.
        member: MemberId,
    },
    /// A signature by a key that is revoked.
    #[error("{kind} '{id}': the key {key} of {member} is revoked\nhint: {member} signs with its key of today")]
    RevokedKey {
        /// Its kind.
        kind: DocumentKind,
        /// Its id.
        id: Slug,
        /// Whose it is.
        member: MemberId,
        /// Which.
        key: KeyId,
    },
    /// Too few signatures for a later charter.
    #[error(
        "{kind} '{id}' version {version} has {found} of the {needed} votes that it needs\nhint: governors vote with `luxor charter vote`"
    )]
    Votes {
        /// Its kind.
        kind: DocumentKind,
        /// Its id.
        id: Slug,
        /// Its version.
        version: u64,
        /// Valid votes.
        found: usize,
        /// Votes needed.
        needed: usize,
    },
    /// A version that does not follow the one that holds.
    #[error("{kind} '{id}' has version {found}; the version that holds is {holds}, so the next is {}", holds + 1)]
    Version {
        /// Its kind.
        kind: DocumentKind,
        /// Its id.
        id: Slug,
        /// The one that holds; 0 where there is none.
        holds: u64,
        /// Its version.
        found: u64,
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
    /// Ordered by member and key.
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

    /// The digest over all of it, signatures included: what tells two copies with different signatures apart.
    pub fn whole(&self) -> Digest {
        Digest::of(Domain::Document, &[b"whole", &self.to_cbor()])
    }

    /// The name of its file in a node's `documents/`: `<kind>-<id>.luxor`, for later versions `<kind>-<id>-v<n>.luxor`.
    pub fn file_name(&self) -> String {
        let version = if self.version == 1 { String::new() } else { format!("-v{}", self.version) };
        format!("{}-{}{version}.luxor", self.kind, self.id)
    }

    /// Its name beside another document of the same kind, id and version: the same with the beginning of its digest.
    pub fn other_file_name(&self) -> String {
        let name = self.file_name();
        let stem = name.strip_suffix(".luxor").unwrap_or(&name);
        format!("{stem}-{}.luxor", &self.digest().hex()[..16])
    }

    /// Adds or replaces `member`'s signature.
    pub fn sign(&mut self, member: &MemberId, identity: &SecretKey) {
        self.signatures.retain(|s| s.member != *member);
        self.countersign(member, identity);
    }

    /// Adds or replaces `member`'s signature by this key and leaves those by its other keys: a card that changes the identity key
    /// is signed by both.
    pub fn countersign(&mut self, member: &MemberId, identity: &SecretKey) {
        let signature = identity.sign(Domain::Document, &self.network, &self.digest().0);
        self.put(DocumentSignature { member: member.clone(), key: identity.public().id(), signature });
    }

    /// Whether the other is the same document, whoever signed it: their digests are equal then, which are dearer.
    fn has_content_of(&self, other: &Document) -> bool {
        let of = |document: &Document| (document.kind, document.network, document.version, document.previous);
        of(self) == of(other) && self.id == other.id && self.body == other.body
    }

    /// Takes over signatures of the same document that are not here yet. Of a member that signed copies with two keys the one with the
    /// lower id stays, whichever came first; only on cards both count.
    pub fn join(&mut self, other: &Document) {
        if !self.has_content_of(other) {
            return;
        }
        let with_both = self.kind == DocumentKind::Card;
        for signed in &other.signatures {
            let same = |s: &DocumentSignature| s.member == signed.member && (!with_both || s.key == signed.key);
            match self.signatures.iter().position(same) {
                None => self.put(signed.clone()),
                Some(at) if signed.key < self.signatures[at].key => self.signatures[at] = signed.clone(),
                Some(_) => {}
            }
        }
    }

    fn put(&mut self, signed: DocumentSignature) {
        match self.signatures.binary_search_by(|s| (&s.member, s.key).cmp(&(&signed.member, signed.key))) {
            Ok(at) => self.signatures[at] = signed,
            Err(at) => self.signatures.insert(at, signed),
        }
    }

    /// Checks that exactly the `required` members signed, each once, with the key given.
    ///
    /// # Errors
    /// The first signature that is missing, wrong or superfluous.
    pub fn check(&self, required: &[(&MemberId, &PublicKey)]) -> Result<(), DocumentError> {
        let any: Vec<_> = required.iter().map(|(member, key)| (*member, std::slice::from_ref(*key))).collect();
        self.check_any(&any)
    }

    /// Checks that exactly the `required` members signed, each once, with one of the keys given.
    ///
    /// # Errors
    /// The first signature that is missing, wrong or superfluous.
    pub fn check_any(&self, required: &[(&MemberId, &[PublicKey])]) -> Result<(), DocumentError> {
        self.check_unless(required, false)
    }

    /// The same; where these bytes were `verified` before, signatures are not computed again.
    fn check_unless(&self, required: &[(&MemberId, &[PublicKey])], verified: bool) -> Result<(), DocumentError> {
        let (kind, id) = (self.kind, self.id.clone());
        let signed = self.signers(required, verified)?;
        match required.iter().find(|(name, _)| !signed.contains(name)) {
            Some((member, _)) => Err(DocumentError::Missing { kind, id, member: (*member).clone() }),
            None => Ok(()),
        }
    }

    /// Those of `allowed` who signed, each once, with one of its keys; the first signature that is wrong or superfluous is the error. Where
    /// these bytes were `verified` before, only whose keys they name is looked at.
    fn signers<'m>(
        &self,
        allowed: &[(&'m MemberId, &[PublicKey])],
        verified: bool,
    ) -> Result<Vec<&'m MemberId>, DocumentError> {
        let (kind, id) = (self.kind, || self.id.clone());
        let digest = if verified { Digest::ZERO } else { self.digest() };
        let mut found: Vec<&MemberId> = Vec::with_capacity(self.signatures.len());
        for signed in &self.signatures {
            let member = signed.member.clone();
            let Some((name, keys)) = allowed.iter().find(|(name, _)| **name == member) else {
                return Err(DocumentError::Stranger { kind, id: id(), member });
            };
            if found.last() == Some(name) {
                return Err(DocumentError::TwoKeys { kind, id: id(), member });
            }
            self.verify(&digest, signed, keys, verified).map_err(|error| DocumentError::Signature {
                kind,
                id: id(),
                member,
                error,
            })?;
            found.push(name);
        }
        Ok(found)
    }

    /// Checks one signature over the document's digest against the keys that may have made it; `verified` needs no digest.
    fn verify(
        &self,
        digest: &Digest,
        signed: &DocumentSignature,
        keys: &[PublicKey],
        verified: bool,
    ) -> Result<(), KeyError> {
        match keys.iter().find(|key| key.id() == signed.key) {
            Some(_) if verified => Ok(()),
            Some(key) => key.verify(Domain::Document, &self.network, &digest.0, &signed.signature),
            None => Err(match keys.last() {
                Some(key) => {
                    KeyError::OtherKey { use_name: key.purpose().name(), expected: key.id(), found: signed.key }
                }
                None => KeyError::Signature(crate::keys::KeyUse::Identity.name()),
            }),
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

    /// What its body says.
    fn content<T: Decode>(&self) -> Result<T, DocumentError> {
        let (kind, id) = (self.kind, &self.id);
        T::from_cbor(&self.body).map_err(|error| DocumentError::Body { kind, id: id.clone(), error })
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
        let later = version > 1 && previous != Digest::ZERO && kind != DocumentKind::Rejection;
        if !first && !later {
            return Err(
                reader.refuse(start, "version 1 has no predecessor, every later one has; rejections have no later one")
            );
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
            if signatures.last().is_some_and(|last| (&last.member, last.key) >= (&signed.member, signed.key)) {
                return Err(reader.refuse(start, "signatures are not ordered by member and key"));
            }
            signatures.push(signed);
        }
        reader.leave();
        reader.leave();
        Ok(Self { kind, network, id, version, previous, body, signatures })
    }
}

/// Whether text is a line of 1 to `max` bytes for people.
fn check_line(text: &str, max: usize) -> Result<(), ()> {
    match !text.is_empty() && text.len() <= max && !text.chars().any(char::is_control) {
        true => Ok(()),
        false => Err(()),
    }
}

/// Reads a list of a longer form, which is not empty: without items the shorter form is the canonical one.
pub(crate) fn decode_some<T>(
    reader: &mut Reader<'_>,
    max: usize,
    item: impl FnMut(&mut Reader<'_>) -> Result<T, CborError>,
) -> Result<Vec<T>, CborError> {
    let start = reader.position();
    let items = reader.list(max, item)?;
    if items.is_empty() { Err(reader.refuse(start, "an empty list at the end is left out")) } else { Ok(items) }
}

/// Bytes of a name of a type, group, term or its value.
const MAX_WORD: usize = 40;

/// Whether text is a word of a to z, 0 to 9 and underscores, of 1 to 40.
fn is_word(text: &str) -> bool {
    let inner = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_';
    (1..=MAX_WORD).contains(&text.len()) && text.bytes().all(inner)
}

#[cfg(test)]
mod tests;
