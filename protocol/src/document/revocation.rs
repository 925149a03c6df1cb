//! The revocation: keys of a member that sign nothing any more, and since when others may have had them. It has force for keys of its
//! own member only, whoever signs it.
//!
//! What such a key signed before keeps its force; between `compromised_since` and the revocation it is contested, never void: else a
//! member could disown last month by revoking a key. It holds under a stale charter too.

use super::{Document, DocumentError, DocumentKind};
use crate::cbor::{CborError, Decode, Encode, Reader, Writer};
use crate::hash::Digest;
use crate::keys::KeyId;
use crate::limits::MAX_REVOKED;
use crate::names::{MemberId, Slug};
use crate::time::Millis;

/// Keys that are revoked at once. Signed by their member, or by as many governors as a charter needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// Whose keys they are.
    pub member: MemberId,
    /// The keys. Ordered.
    pub keys: Vec<KeyId>,
    /// Why, for people.
    pub reason: String,
    /// When it was made, by the signer's clock; later signatures are refused, whatever they claim.
    pub revoked_at: Millis,
    /// Since when others may have had them.
    pub compromised_since: Option<Millis>,
}

const MAX_REASON: usize = 400;

impl Revocation {
    /// The document around it.
    ///
    /// # Errors
    /// [`DocumentError::Content`] when it contradicts itself.
    pub fn to_document(&self, network: Digest) -> Result<Document, DocumentError> {
        self.check().map_err(|what| DocumentError::Content(format!("revocation for {}: {what}", self.member)))?;
        Ok(Document::first(DocumentKind::Revocation, network, self.name(), self.to_cbor()))
    }

    /// Reads a revocation's body.
    ///
    /// # Errors
    /// [`DocumentError`] when it is none, or carries another name than that of its first key.
    pub fn open(document: &Document) -> Result<Self, DocumentError> {
        let revocation = document.content::<Self>()?;
        match revocation.name() == document.id && document.version == 1 {
            true => Ok(revocation),
            false => {
                Err(DocumentError::Content(format!("a revocation is called after its first key, not {}", document.id)))
            }
        }
    }

    /// The id of its document: its first key in hexadecimal.
    fn name(&self) -> Slug {
        let text = self.keys.first().map(ToString::to_string).unwrap_or_default();
        // 32 hexadecimal digits are a name; without a key it is refused before.
        text.parse().unwrap_or_else(|_| crate::names::fallback_slug())
    }

    fn check(&self) -> Result<(), &'static str> {
        if self.keys.is_empty() || self.keys.len() > MAX_REVOKED || self.keys.windows(2).any(|w| w[0] >= w[1]) {
            return Err("keys are missing, too many, or not ordered, each once");
        }
        if self.compromised_since.is_some_and(|since| since > self.revoked_at) {
            return Err("the keys were compromised after they were revoked");
        }
        super::check_line(&self.reason, MAX_REASON).map_err(|()| "the reason is no line of 1 to 400 bytes")
    }
}

impl Encode for Revocation {
    fn encode(&self, writer: &mut Writer) {
        writer.array(5);
        self.member.encode(writer);
        writer.list(&self.keys);
        writer.text(&self.reason);
        self.revoked_at.encode(writer);
        match &self.compromised_since {
            None => writer.null(),
            Some(since) => since.encode(writer),
        }
    }
}

impl Decode for Revocation {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        let start = reader.position();
        reader.tuple(5)?;
        let revocation = Self {
            member: MemberId::decode(reader)?,
            keys: reader.list(MAX_REVOKED, KeyId::decode)?,
            reason: reader.text(MAX_REASON)?.to_owned(),
            revoked_at: Millis::decode(reader)?,
            compromised_since: if reader.null()? { None } else { Some(Millis::decode(reader)?) },
        };
        reader.leave();
        revocation.check().map_err(|what| reader.refuse(start, what))?;
        Ok(revocation)
    }
}
