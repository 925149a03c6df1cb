//! Records that are passed on: what comes with them, and how their last recipient verifies it without their issuer.
//!
//! Whoever passes on makes its own batch and dispatch, so numbers, receipts, retries and audits are as ever. What binds the records
//! to their issuer comes beside them inside the seal: the agreement that lets them be passed on, and for each dispatch in which
//! they came its envelope (in its header stands the issuer's batch with its signature), the witnessed receipt for it, and the path
//! of each record in the issuer's batch, so that nothing of the rest of that batch is needed or told.
//!
//! Not here: what an agreement lets pass on ([`Directory::onward`]), the order among the other steps of a dispatch ([`super::check_dispatch`]).

use super::answer::{Lack, RefusalCode};
use super::dispatch::{DispatchHeader, Envelope};
use super::receipt::{Outcome, read_receipt};
use super::witnesses::policies_of;
use crate::cbor::{CborError, Decode, Encode, Reader, Writer};
use crate::document::{
    Agreement, Denial, Directory, Document, DocumentKind, DocumentSignature, KnownNode, OnwardAsk, OnwardDenial,
    Standing,
};
use crate::hash::{Digest, Domain};
use crate::keys::PublicKey;
use crate::limits::{
    MAX_BATCH_PATH, MAX_BATCH_RECORDS, MAX_ORIGINS, MAX_SIGNED_DOCUMENT_BYTES, MAX_SOURCE_BYTES, MAX_SOURCE_DOCUMENTS,
    MAX_TRAVEL_DAYS,
};
use crate::names::{MemberId, NodeRef, Purpose};
use crate::record::BatchTree;
use crate::time::{Day, Millis};
use crate::tlog::{Note, TlogProof};

/// What comes with records that are passed on. It names no person and no goods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The agreement between issuer and sender, signed: every version from the first to the one that the header names.
    pub agreement: Vec<Vec<u8>>,
    /// The dispatches in which the records came to the sender.
    pub origins: Vec<Origin>,
}

/// A dispatch of the issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Its header and signature.
    pub envelope: Envelope,
    /// Its receipt: a C2SP tlog-proof with the opening as extra line, under a checkpoint with a quorum.
    pub receipt: Vec<u8>,
    /// The records of it that are passed on, ordered by place.
    pub records: Vec<Passed>,
}

/// Where a record that is passed on stands in both batches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    /// Its place in the batch that passes it on.
    pub place: usize,
    /// Its place in the issuer's batch.
    pub index: usize,
    /// Its path there, its sibling first.
    pub path: Vec<Digest>,
}

/// What was proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// A signature stands among those that were made while others may have had the key.
    pub contested: bool,
    /// What the sender received the records for, by origin, and when at the latest: quorum time in seconds since 1970; none where
    /// the policy asks for no cosignatures.
    pub origins: Vec<(Purpose, Option<u64>)>,
}

/// Who passes what on to whom.
#[derive(Debug, Clone, Copy)]
pub struct Passing<'a> {
    /// The documents of whoever checks.
    pub directory: &'a Directory,
    /// The node that passes on.
    pub via: &'a KnownNode,
    /// The last recipient.
    pub to: &'a MemberId,
    /// The header of the dispatch that passes on; its `source` is the issuer.
    pub header: &'a DispatchHeader,
    /// The issuer.
    pub issuer: &'a MemberId,
    /// The day on which it arrives.
    pub day: Day,
    /// It arrived before, and is looked at again: who takes part now, what is suspended now and who witnesses now is no matter.
    pub before: bool,
}

/// Why records are not shown to be rightly passed on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// The documents are not the agreement, rightly signed.
    #[error("the agreement that comes with the records: {0}")]
    Agreement(String),
    /// The agreement does not let them be passed on so.
    #[error("{0}")]
    Denied(#[from] OnwardDenial),
    /// It does, but less of them or for a shorter time.
    #[error("agreement {0} lets less of them be passed on, or kept for a shorter time")]
    Wider(crate::names::Slug),
    /// The dispatch in which they came is another than it should be.
    #[error("the dispatch in which records came: {0}")]
    Dispatch(&'static str),
    /// No card of the issuer names its node. It may come.
    #[error("no card names {0}, which sent them first")]
    NoCard(NodeRef),
    /// No charter or card names the key of a signature. It may come.
    #[error("no key that is known here of {0} made its signature on the {1}")]
    NoKey(MemberId, &'static str),
    /// A signature of the issuer does not hold.
    #[error("the issuer's signature on its {0} does not hold")]
    Signature(&'static str),
    /// The receipt proves nothing about that dispatch or record.
    #[error("the receipt for the dispatch in which records came: {0}")]
    Receipt(String),
    /// No quorum cosigned the receipt's checkpoint.
    #[error("the receipt for the dispatch in which records came is not witnessed")]
    Unwitnessed,
    /// A record does not stand in the issuer's batch, or is not accounted for.
    #[error("record {0} is not shown to stand in its issuer's batch")]
    Path(usize),
}

impl SourceError {
    /// What is answered for good.
    ///
    /// # Errors
    /// What may be lacking here, where it is that: documents go first, then the dispatch comes again. For a card of another than the
    /// sender it is not [`Lack::Card`], after which a sender keeps everything back until its own one is known.
    pub fn refusal(&self) -> Result<RefusalCode, Lack> {
        Ok(match self {
            SourceError::Agreement(_) => RefusalCode::SourceAgreement,
            SourceError::Denied(OnwardDenial::Row { why: Denial::Suspended(_), .. }) => return Err(Lack::Suspended),
            SourceError::Denied(OnwardDenial::Row {
                why: Denial::NoMember(_) | Denial::MemberSuspended(_), ..
            })
            | SourceError::NoCard(_)
            | SourceError::NoKey(..) => return Err(Lack::Membership),
            SourceError::Denied(_) | SourceError::Wider(_) => RefusalCode::NotPermitted,
            SourceError::Dispatch(_) => RefusalCode::SourceDispatch,
            SourceError::Signature(_) => RefusalCode::SourceSignature,
            SourceError::Receipt(_) => RefusalCode::SourceReceipt,
            SourceError::Unwitnessed => RefusalCode::SourceUnwitnessed,
            SourceError::Path(_) => RefusalCode::SourcePath,
        })
    }
}

impl Source {
    /// Reads what came with records.
    ///
    /// # Errors
    /// [`CborError`].
    pub fn read(bytes: &[u8]) -> Result<Self, CborError> {
        Self::from_cbor(bytes)
    }

    /// Verifies that the records with these roots, in the order of the header's batch, were issued by the header's `source`, reached
    /// the sender, and may be passed on to this recipient as the header says.
    ///
    /// # Errors
    /// [`SourceError`] with the first reason.
    pub fn verify(&self, passing: &Passing<'_>, roots: &[Digest]) -> Result<Proven, SourceError> {
        let versions = self.versions(passing)?;
        // One that versions() left is there.
        let Some((_, agreement)) = versions.last() else {
            return Err(SourceError::Agreement("it is not there".into()));
        };
        let mut proven = Proven { contested: false, origins: Vec::with_capacity(self.origins.len()) };
        let mut shown = vec![false; roots.len()];
        // Since when each version is proven to have been there.
        let mut named: Vec<Option<u64>> = vec![None; versions.len()];
        for origin in &self.origins {
            let header = origin.header(passing)?;
            let Some(at) = versions.iter().position(|(document, _)| document.digest() == header.agreement_digest)
            else {
                return Err(SourceError::Dispatch("it rests on another agreement"));
            };
            permitted(passing, (&passing.header.agreement_digest, agreement), &header)?;
            let time = origin.receipted(passing, &header)?;
            proven.contested |= origin.signed(passing, &header, time)?;
            let batch = &header.batch.header;
            for record in &origin.records {
                let wrong = SourceError::Path(record.place);
                let Some(root) = roots.get(record.place) else { return Err(wrong) };
                let stands = BatchTree::verify(&batch.root, batch.count, record.index, root, &record.path);
                if !stands || std::mem::replace(&mut shown[record.place], true) {
                    return Err(wrong);
                }
            }
            for named in &mut named[..=at] {
                *named = match (*named, time) {
                    (Some(before), Some(time)) => Some(before.min(time)),
                    (before, time) => before.or(time),
                };
            }
            proven.origins.push((header.purpose, time));
        }
        if let Some(place) = shown.iter().position(|shown| !shown) {
            return Err(SourceError::Path(place));
        }
        for ((document, _), named) in versions.iter().zip(named) {
            for signed in &document.signatures {
                // Also the sender's: the issuer named the version in what it signed, and others saw when that was there.
                match passing.directory.standing(&signed.key, named.map(millis)) {
                    Standing::Good => {}
                    Standing::Contested => proven.contested = true,
                    Standing::Refused => {
                        let (member, version) = (&signed.member, document.version);
                        return Err(SourceError::Agreement(format!(
                            "version {version}: the key of {member} is revoked"
                        )));
                    }
                }
            }
        }
        Ok(proven)
    }

    /// The versions of the agreement that came, each signed by everybody who had to.
    fn versions(&self, passing: &Passing<'_>) -> Result<Vec<(Document, Agreement)>, SourceError> {
        let wrong = |what: &dyn std::fmt::Display| SourceError::Agreement(what.to_string());
        let (directory, header) = (passing.directory, passing.header);
        let mut versions: Vec<(Document, Agreement)> = Vec::with_capacity(self.agreement.len());
        for bytes in &self.agreement {
            let document = Document::read(DocumentKind::Agreement, bytes).map_err(|e| wrong(&e))?;
            let agreement = Agreement::open(&document).map_err(|e| wrong(&e))?;
            if document.network != directory.network() || document.id != header.agreement {
                return Err(wrong(&"it is another one, or of another network"));
            }
            let before = versions.last();
            let previous = before.map_or(Digest::ZERO, |(before, _)| before.digest());
            if document.version != versions.len() as u64 + 1 || document.previous != previous {
                return Err(wrong(&"its versions are no chain from the first one"));
            }
            let mut parties: Vec<&MemberId> = agreement.parties.iter().collect();
            parties.extend(before.iter().flat_map(|(_, before)| &before.parties));
            parties.sort();
            parties.dedup();
            let required: Vec<(&MemberId, &[PublicKey])> =
                parties.into_iter().map(|party| (party, directory.identities(party))).collect();
            let unknown = |signed: &&DocumentSignature| {
                let of = required.iter().find(|(member, _)| **member == signed.member);
                of.is_some_and(|(_, keys)| keys.iter().all(|key| key.id() != signed.key))
            };
            if let Some(signed) = document.signatures.iter().find(unknown) {
                return Err(SourceError::NoKey(signed.member.clone(), "agreement"));
            }
            document.check_any(&required).map_err(|e| wrong(&e))?;
            versions.push((document, agreement));
        }
        match versions.last() {
            Some((last, _)) if last.digest() == header.agreement_digest => Ok(versions),
            _ => Err(wrong(&"it is not the version that the header names")),
        }
    }
}

impl Origin {
    /// The header of the issuer's dispatch, about records that these may be.
    fn header(&self, passing: &Passing<'_>) -> Result<DispatchHeader, SourceError> {
        let other = |what| Err(SourceError::Dispatch(what));
        let Ok(header) = DispatchHeader::from_cbor(&self.envelope.header) else {
            return other("its header is none");
        };
        let (passed_on, batch) = (passing.header, &header.batch.header);
        if header.network != passing.directory.network() {
            return other("it belongs to another network");
        }
        if header.source.is_some() {
            return other("it passed them on itself; what came so is not passed on again");
        }
        if header.channel.sender.member() != *passing.issuer || batch.node != header.channel.sender {
            return other("it is of another member");
        }
        if header.channel.recipient != passing.via.node {
            return other("it went to another node");
        }
        if batch.table != passed_on.batch.header.table {
            return other("its records are of another type");
        }
        if !passed_on.view.within(header.view) {
            return other("it showed less");
        }
        Ok(header)
    }

    /// The quorum time of the receipt by which the sender accepted these records.
    fn receipted(&self, passing: &Passing<'_>, header: &DispatchHeader) -> Result<Option<u64>, SourceError> {
        let wrong = |what: &dyn std::fmt::Display| SourceError::Receipt(what.to_string());
        let receipt = read_receipt(passing.via, &self.envelope.digest(), &self.receipt).map_err(|e| wrong(&e))?;
        let skeleton = &receipt.skeleton;
        let same = skeleton.channel == header.channel
            && skeleton.number == header.number
            && skeleton.agreement == header.agreement_digest;
        if !same {
            return Err(wrong(&"it is about another channel, number or agreement"));
        }
        let Outcome::Taken(rejected) = &receipt.body.outcome else {
            return Err(wrong(&receipt.body.outcome));
        };
        if self.records.iter().any(|record| rejected.iter().any(|rejection| rejection.record == record.index)) {
            return Err(wrong(&"a record was rejected"));
        }
        // The sender writes its own log and clock. So the issuer's word bounds the one, and the day of arrival the other.
        let due = skeleton.due.min(header.sent_at.day().plus(header.retention_days + MAX_TRAVEL_DAYS));
        let sent = passing.header.sent_at.day();
        if sent > due || passing.day > due.plus(MAX_TRAVEL_DAYS) {
            return Err(wrong(&format!("what came so was to be erased by {due}")));
        }
        // It was parsed when it was read.
        let proof = TlogProof::parse(&self.receipt).map_err(|e| wrong(&e))?;
        let note = Note::parse(&proof.checkpoint).map_err(|e| wrong(&e))?;
        for policy in policies_of(passing.directory, passing.via, &receipt.checkpoint.origin, passing.before) {
            match policy.map_err(|e| wrong(&e))?.satisfied_by(&note) {
                Ok(satisfied) if satisfied.quorum && satisfied.log.is_some() => {
                    return match satisfied.time.is_some_and(|time| sent < millis(time).day()) {
                        true => Err(wrong(&"it was witnessed after they were passed on")),
                        false => Ok(satisfied.time),
                    };
                }
                _ => {}
            }
        }
        Err(SourceError::Unwitnessed)
    }

    /// Checks the issuer's signatures on dispatch and batch. Tells whether one is contested.
    fn signed(&self, passing: &Passing<'_>, header: &DispatchHeader, time: Option<u64>) -> Result<bool, SourceError> {
        let (directory, node) = (passing.directory, &header.channel.sender);
        let Some(issuer) = directory.node(node) else { return Err(SourceError::NoCard(node.clone())) };
        let (digest, batch) = (self.envelope.digest(), header.batch.header.to_cbor());
        let mut contested = false;
        for (what, domain, body, signature) in [
            ("dispatch", Domain::Dispatch, digest.0.as_slice(), &self.envelope.signature),
            ("batch", Domain::Batch, &batch, &header.batch.signature),
        ] {
            let Some(key) = issuer.signer(domain, &directory.network(), body, signature) else {
                return Err(SourceError::NoKey(issuer.member.clone(), what));
            };
            match directory.standing(&key.id(), time.map(millis)) {
                Standing::Good => {}
                Standing::Contested => contested = true,
                Standing::Refused => return Err(SourceError::Signature(what)),
            }
        }
        Ok(contested)
    }
}

/// Whether the agreement lets what came by this dispatch be passed on as the other header says.
fn permitted(
    passing: &Passing<'_>,
    agreement: (&Digest, &Agreement),
    origin: &DispatchHeader,
) -> Result<(), SourceError> {
    let header = passing.header;
    let ask = OnwardAsk {
        table: header.batch.header.table,
        source: passing.issuer,
        via: &passing.via.member,
        received_for: origin.purpose,
        received_view: origin.view,
        received_days: origin.retention_days,
        to: passing.to,
        purpose: header.purpose,
        day: passing.day,
        before: passing.before,
    };
    // Which records a row is about is for the sender to heed: a recipient need not see the route.
    let grants = passing.directory.onward(agreement, &ask, |_| true)?;
    match grants.iter().any(|grant| grant.covers(header.view, header.retention_days)) {
        true => Ok(()),
        false => Err(SourceError::Wider(agreement.1.id.clone())),
    }
}

fn millis(seconds: u64) -> Millis {
    Millis(seconds.saturating_mul(1_000).min(Millis::MAX.0))
}

impl Encode for Source {
    fn encode(&self, writer: &mut Writer) {
        writer.array(2);
        writer.array(self.agreement.len());
        self.agreement.iter().for_each(|document| writer.bytes(document));
        writer.array(self.origins.len());
        for origin in &self.origins {
            writer.array(3);
            origin.envelope.encode(writer);
            writer.bytes(&origin.receipt);
            writer.array(origin.records.len());
            for record in &origin.records {
                writer.array(3);
                writer.uint(record.place as u64);
                writer.uint(record.index as u64);
                writer.array(record.path.len());
                record.path.iter().for_each(|digest| digest.encode(writer));
            }
        }
    }
}

impl Decode for Source {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        let start = reader.position();
        reader.tuple(2)?;
        let count = reader.array(MAX_SOURCE_DOCUMENTS)?;
        let mut agreement = Vec::with_capacity(count);
        for _ in 0..count {
            agreement.push(reader.bytes(MAX_SIGNED_DOCUMENT_BYTES)?.to_vec());
        }
        reader.leave();
        let count = reader.array(MAX_ORIGINS)?;
        let mut origins = Vec::with_capacity(count);
        for _ in 0..count {
            origins.push(Origin::decode(reader)?);
        }
        reader.leave();
        reader.leave();
        match reader.since(start).len() <= MAX_SOURCE_BYTES {
            true => Ok(Self { agreement, origins }),
            false => Err(reader.refuse(start, "more bytes than a source may have")),
        }
    }
}

impl Decode for Origin {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.tuple(3)?;
        let envelope = Envelope::decode(reader)?;
        let receipt = reader.bytes(MAX_SOURCE_BYTES)?.to_vec();
        let start = reader.position();
        let count = reader.array(MAX_BATCH_RECORDS)?;
        let mut records: Vec<Passed> = Vec::with_capacity(count.min(64));
        for _ in 0..count {
            reader.tuple(3)?;
            // Both at most 10,000.
            let place = reader.uint_max(MAX_BATCH_RECORDS as u64)? as usize;
            let index = reader.uint_max(MAX_BATCH_RECORDS as u64)? as usize;
            let mut path = Vec::new();
            for _ in 0..reader.array(MAX_BATCH_PATH)? {
                path.push(Digest::decode(reader)?);
            }
            reader.leave();
            reader.leave();
            if records.last().is_some_and(|last| last.place >= place) {
                return Err(reader.refuse(start, "records passed on are not ordered by place"));
            }
            records.push(Passed { place, index, path });
        }
        reader.leave();
        reader.leave();
        if records.is_empty() {
            return Err(reader.refuse(start, "a dispatch of which nothing is passed on"));
        }
        Ok(Self { envelope, receipt, records })
    }
}
