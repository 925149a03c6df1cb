//! Provenance: one received dispatch of records that were passed on, with all that it takes to verify it offline: who issued them,
//! through whom they came, and that this was permitted.
//!
//! It holds the views, so it is as secret as they are.

use super::dispatch::{DispatchHeader, Envelope};
use super::source::{Passing, Proven, Source, SourceError};
use crate::cbor::{CborError, Decode, Encode, Reader, Writer};
use crate::document::{Directory, Standing};
use crate::hash::Digest;
use crate::limits::{MAX_BATCH_RECORDS, MAX_SOURCE_BYTES};
use crate::record::{RecordView, batch_root};

/// A received dispatch of records that were passed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provenance {
    /// Header and signature of the dispatch that passed them on.
    pub envelope: Envelope,
    /// Roots of the records that its recipient did not accept, in their order.
    pub rejected: Vec<Digest>,
    /// Place in the batch and view of each accepted record.
    pub views: Vec<(usize, RecordView)>,
    /// The [`Source`] as it came.
    pub source: Vec<u8>,
}

/// What a provenance proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvenOrigin {
    /// What the dispatch says.
    pub header: DispatchHeader,
    /// The roots of the records shown.
    pub roots: Vec<Digest>,
    /// What was proven of their source.
    pub proven: Proven,
}

/// Why a provenance proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProvenanceError {
    /// A part is not what it should be.
    #[error("the provenance cannot be read: {0}")]
    Decode(#[from] CborError),
    /// The dispatch says nothing of a source.
    #[error("its records were not passed on")]
    NoSource,
    /// No card names the node that passed them on.
    #[error("no card names {0}")]
    NoCard(crate::names::NodeRef),
    /// The dispatch or its batch is not signed by its sender, or by a key that is revoked.
    #[error("the sender's signature on its {0} does not hold")]
    Signature(&'static str),
    /// The views are not those of the batch.
    #[error("the views do not lead to the batch that was signed")]
    Batch,
    /// A view shows other groups than the header says, or is of another issuer.
    #[error("record {0} shows other groups than the header says, or is of another issuer or type")]
    View(usize),
    /// The source does not hold.
    #[error(transparent)]
    Source(#[from] SourceError),
}

impl Provenance {
    /// Verifies all of it by these documents, as it was to be judged on the day on which its sender signed that it sent it: every
    /// byte of a provenance is covered by a signature or a root. Nothing here proves when its sender signed, so its signatures count as
    /// made now.
    ///
    /// # Errors
    /// [`ProvenanceError`] with the first reason.
    pub fn verify(&self, directory: &Directory) -> Result<ProvenOrigin, ProvenanceError> {
        let header = DispatchHeader::from_cbor(&self.envelope.header)?;
        let Some(issuer) = &header.source else { return Err(ProvenanceError::NoSource) };
        let sender = &header.channel.sender;
        let via = directory.node(sender).ok_or_else(|| ProvenanceError::NoCard(sender.clone()))?;
        for (what, standing) in self.envelope.standing(&header.batch, directory, via, None) {
            if standing == Standing::Refused {
                return Err(ProvenanceError::Signature(what));
            }
        }
        let batch = &header.batch.header;
        let mut rejected = self.rejected.iter();
        let mut shown = self.views.iter().peekable();
        let mut roots = Vec::with_capacity(batch.count);
        for place in 0..batch.count {
            let root = match shown.next_if(|(at, _)| *at == place) {
                Some((_, view)) => {
                    let right = view.shown() == header.view && view.header.issuer == *issuer;
                    if !right || view.header.table != batch.table {
                        return Err(ProvenanceError::View(place));
                    }
                    view.root()
                }
                None => *rejected.next().ok_or(ProvenanceError::Batch)?,
            };
            roots.push(root);
        }
        if shown.next().is_some() || rejected.next().is_some() || batch_root(&roots) != batch.root {
            return Err(ProvenanceError::Batch);
        }
        let to = header.channel.recipient.member();
        let day = header.sent_at.day();
        let passing = Passing { directory, via, to: &to, header: &header, issuer, day, before: true };
        let proven = Source::from_cbor(&self.source)?.verify(&passing, &roots)?;
        let roots = self.views.iter().filter_map(|(place, _)| roots.get(*place).copied()).collect();
        Ok(ProvenOrigin { roots, proven, header })
    }
}

impl Encode for Provenance {
    fn encode(&self, writer: &mut Writer) {
        writer.array(4);
        self.envelope.encode(writer);
        writer.array(self.rejected.len());
        self.rejected.iter().for_each(|root| root.encode(writer));
        writer.array(self.views.len());
        for (place, view) in &self.views {
            writer.array(2);
            writer.uint(*place as u64);
            view.encode(writer);
        }
        writer.bytes(&self.source);
    }
}

impl Decode for Provenance {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.tuple(4)?;
        let envelope = Envelope::decode(reader)?;
        let mut rejected = Vec::new();
        for _ in 0..reader.array(MAX_BATCH_RECORDS)? {
            rejected.push(Digest::decode(reader)?);
        }
        reader.leave();
        let mut views = Vec::new();
        for _ in 0..reader.array(MAX_BATCH_RECORDS)? {
            reader.tuple(2)?;
            let place = reader.uint_max(MAX_BATCH_RECORDS as u64)? as usize; // at most 10,000
            views.push((place, RecordView::decode(reader)?));
            reader.leave();
        }
        reader.leave();
        let provenance = Self { envelope, rejected, views, source: reader.bytes(MAX_SOURCE_BYTES)?.to_vec() };
        reader.leave();
        Ok(provenance)
    }
}
