//! The suspension: agreements whose rows from or to its signer give nothing for now. Each member numbers its own, the highest version
//! holds, and only it resumes.

use super::{Document, DocumentError, DocumentKind};
use crate::cbor::{CborError, Decode, Encode, Reader, Writer};
use crate::hash::Digest;
use crate::limits::MAX_SUSPENDED;
use crate::names::{MemberId, Slug};

/// What a member has suspended. An empty list resumes everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspension {
    /// Who suspends; also the document's id.
    pub member: MemberId,
    /// The agreements. Ordered.
    pub agreements: Vec<Slug>,
    /// Why, for people.
    pub reason: String,
}

const MAX_REASON: usize = 400;

impl Suspension {
    /// The document around it, to be signed by its member; `previous` is that member's last one.
    ///
    /// # Errors
    /// [`DocumentError::Content`] when it contradicts itself.
    pub fn to_document(&self, network: Digest, previous: Option<&Document>) -> Result<Document, DocumentError> {
        self.check().map_err(|what| DocumentError::Content(format!("suspension of {}: {what}", self.member)))?;
        let first = Document::first(DocumentKind::Suspension, network, self.member.clone(), self.to_cbor());
        Ok(match previous {
            None => first,
            Some(before) => Document { version: before.version + 1, previous: before.digest(), ..first },
        })
    }

    /// Reads a suspension's body.
    ///
    /// # Errors
    /// [`DocumentError`] when it is none, or another member's.
    pub fn open(document: &Document) -> Result<Self, DocumentError> {
        let suspension = document.content::<Self>()?;
        match suspension.member == document.id {
            true => Ok(suspension),
            false => Err(DocumentError::Content(format!(
                "suspension of {} carries the name of {}",
                suspension.member, document.id
            ))),
        }
    }

    fn check(&self) -> Result<(), &'static str> {
        if self.agreements.len() > MAX_SUSPENDED || self.agreements.windows(2).any(|w| w[0] >= w[1]) {
            return Err("agreements are too many, or not ordered, each once");
        }
        super::check_line(&self.reason, MAX_REASON).map_err(|()| "the reason is no line of 1 to 400 bytes")
    }
}

impl Encode for Suspension {
    fn encode(&self, writer: &mut Writer) {
        writer.array(3);
        self.member.encode(writer);
        writer.list(&self.agreements);
        writer.text(&self.reason);
    }
}

impl Decode for Suspension {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        let start = reader.position();
        reader.tuple(3)?;
        let suspension = Self {
            member: MemberId::decode(reader)?,
            agreements: reader.list(MAX_SUSPENDED, Slug::decode)?,
            reason: reader.text(MAX_REASON)?.to_owned(),
        };
        reader.leave();
        suspension.check().map_err(|what| reader.refuse(start, what))?;
        Ok(suspension)
    }
}
