//! Dispatches of what was chosen, each with the proof of where its records come from, as its recipient will check it.

use std::collections::{BTreeMap, BTreeSet};

use luxor_protocol::cbor::{Encode, Writer};
use luxor_protocol::document::{Directory, DocumentKind, KnownNode};
use luxor_protocol::exchange::{Channel, DispatchHeader, Origin, Passed, Passing, Source};
use luxor_protocol::hash::Digest;
use luxor_protocol::limits::{
    MAX_BATCH_RECORDS, MAX_DISPATCH_OPENED_BYTES, MAX_ORIGINS, MAX_SOURCE_BYTES, MAX_SOURCE_DOCUMENTS,
};
use luxor_protocol::record::{Batch, BatchHeader, GroupSet, batch_root};
use luxor_protocol::time::Millis;

use super::choose::{Came, Choosing, Chosen, Wanted};
use super::decide::Sort;
use crate::engine::{Delivery, Kept, PreparedBatch};

/// Bytes around the parts of a source, of an origin, of a record and of a digest in it, at most.
const SOURCE_MORE: usize = 32;
const ORIGIN_MORE: usize = 128;
const RECORD_MORE: usize = 16;
const DIGEST_BYTES: usize = 34;

/// Where dispatches of one sort are packed.
pub(super) struct Packing<'a> {
    choosing: &'a Choosing<'a>,
    sort: &'a Sort,
    via: &'a KnownNode,
    documents: Vec<Vec<u8>>,
    /// Bytes that a dispatch has for its origins.
    room: usize,
    now: Millis,
}

/// Records of one dispatch, or of one that could not be made.
type Part = Vec<(Chosen, Wanted)>;

/// Dispatches with their records, and the records that are in none, with the reason.
type Packed = (Vec<(PreparedBatch, Vec<Chosen>)>, Vec<(Chosen, Wanted, String)>);

impl<'a> Packing<'a> {
    /// Gathers what goes with every dispatch, or says why none can be made.
    pub(super) fn new(choosing: &'a Choosing<'a>, sort: &'a Sort, now: Millis) -> Result<Self, String> {
        let me = &choosing.shared.me;
        let via = choosing.directory.node(me).ok_or_else(|| format!("no card names {me}"))?;
        let documents = documents(choosing.directory, sort)?;
        let (count, bytes) = (documents.len(), documents.iter().map(|document| document.len() + 5).sum::<usize>());
        let room = MAX_SOURCE_BYTES.checked_sub(bytes + SOURCE_MORE).ok_or_else(|| {
            let id = &sort.agreement.0;
            format!("the {count} versions of agreement {id} are {bytes} bytes, more than can come with records that are passed on")
        })?;
        Ok(Self { choosing, sort, via, documents, room, now })
    }

    /// Records that together fit one dispatch.
    pub(super) fn parts(&self, records: Part) -> Vec<Part> {
        let mut parts: Vec<Part> = Vec::new();
        let (mut bytes, mut source, mut origins) = (0, 0, BTreeSet::new());
        for record in records {
            let (chosen, _) = &record;
            let (entry, view) = (chosen.kept.came.0, chosen.view.len());
            let path = RECORD_MORE + chosen.path.len() * DIGEST_BYTES;
            let origin = self.choosing.origin(chosen).map_or(0, origin_bytes);
            let more = path + if origins.contains(&entry) { 0 } else { origin };
            match parts.last_mut() {
                Some(part)
                    if part.len() < MAX_BATCH_RECORDS
                        && bytes + view <= MAX_DISPATCH_OPENED_BYTES / 2
                        && source + more <= self.room
                        && (origins.len() < MAX_ORIGINS || origins.contains(&entry)) =>
                {
                    (bytes, source) = (bytes + view, source + more);
                    origins.insert(entry);
                    part.push(record);
                }
                _ => {
                    (bytes, source, origins) = (view, path + origin, [entry].into());
                    parts.push(vec![record]);
                }
            }
        }
        parts
    }

    /// Dispatches of these records. Where one of their origins does not hold, the others go without it.
    pub(super) fn pack_what_holds(&self, part: Part) -> Packed {
        let why = match self.pack(&part) {
            Ok(batch) => return (vec![(batch, part.into_iter().map(|(record, _)| record).collect())], Vec::new()),
            Err(why) => why,
        };
        let mut of_entry: BTreeMap<u64, Part> = BTreeMap::new();
        for (record, wanted) in part {
            of_entry.entry(record.kept.came.0).or_default().push((record, wanted));
        }
        let (mut packed, mut left) = (Vec::new(), Vec::new());
        let alone = of_entry.len() == 1;
        for part in of_entry.into_values() {
            if alone {
                left.extend(part.into_iter().map(|(record, wanted)| (record, wanted, why.clone())));
                continue;
            }
            let (more, rest) = self.pack_what_holds(part);
            packed.extend(more);
            left.extend(rest);
        }
        (packed, left)
    }

    /// One dispatch of these records; or why it would not be taken.
    fn pack(&self, records: &[(Chosen, Wanted)]) -> Result<PreparedBatch, String> {
        let (shared, directory) = (self.choosing.shared, self.choosing.directory);
        let (wish, sort) = (self.choosing.wish, self.sort);
        let (first, _) = records.first().ok_or("nothing is left of it")?;
        let source = self.source(records)?;
        let roots: Vec<Digest> = records.iter().map(|(record, _)| record.root).collect();
        let header = BatchHeader {
            node: shared.me.clone(),
            table: first.table,
            count: roots.len(),
            root: batch_root(&roots),
            signed_at: self.now,
        };
        let batch = Batch::sign(header, &directory.network(), &shared.secrets().sign);
        // As the recipient will check it. Epoch and number are not looked at.
        let (sender, recipient) = (shared.me.clone(), sort.recipient.clone());
        let as_sent = DispatchHeader {
            network: directory.network(),
            channel: Channel { sender, recipient, epoch: 1, lane: wish.lane },
            number: 1,
            batch: batch.clone(),
            agreement: sort.agreement.0.clone(),
            agreement_digest: sort.agreement.1,
            purpose: wish.purpose,
            view: GroupSet(sort.view),
            retention_days: sort.retention_days,
            source: Some(sort.issuer.clone()),
            sent_at: self.now,
            receipts_held_up_to: 0,
        };
        let (header, issuer) = (&as_sent, &sort.issuer);
        let passing =
            Passing { directory, via: self.via, to: &wish.to, header, issuer, day: self.now.day(), before: false };
        source.verify(&passing, &roots).map_err(|error| error.to_string())?;
        let source = source.to_cbor();
        if source.len() > MAX_SOURCE_BYTES {
            let (bytes, count) = (source.len(), records.len());
            return Err(format!(
                "what shows where {count} records came from is {bytes} bytes; no more than {MAX_SOURCE_BYTES} can come with them"
            ));
        }
        let mut writer = Writer::new();
        writer.array(2);
        writer.array(records.len());
        records.iter().for_each(|(record, _)| writer.raw(&record.view));
        writer.raw(&source);
        let delivery = Delivery {
            recipient: sort.recipient.clone(),
            agreement: sort.agreement.clone(),
            purpose: wish.purpose,
            view: GroupSet(sort.view),
            retention_days: sort.retention_days,
            source: Some(sort.issuer.clone()),
            content: writer.into_bytes(),
        };
        let kept = records.iter().map(|(record, _)| record.kept.clone()).collect();
        Ok(PreparedBatch { batch, kept: Kept::PassedOn(kept), deliveries: vec![delivery] })
    }

    /// What comes with these records.
    fn source(&self, records: &[(Chosen, Wanted)]) -> Result<Source, String> {
        let mut of_entry: BTreeMap<u64, Vec<(usize, &Chosen)>> = BTreeMap::new();
        for (place, (record, _)) in records.iter().enumerate() {
            of_entry.entry(record.kept.came.0).or_default().push((place, record));
        }
        let origin = |records: Vec<(usize, &Chosen)>| {
            let (_, first) = records.first()?;
            let came = self.choosing.origin(first)?;
            let passed = |(place, record): &(usize, &Chosen)| {
                let (index, path) = (record.kept.came.1, record.path.clone());
                Passed { place: *place, index, path }
            };
            let records = records.iter().map(passed).collect();
            Some(Origin { envelope: came.envelope.clone(), receipt: came.receipt.clone()?, records })
        };
        let origins = of_entry.into_values().map(origin).collect::<Option<Vec<_>>>();
        let origins = origins.ok_or("the dispatch in which it came is not here")?;
        Ok(Source { agreement: self.documents.clone(), origins })
    }
}

/// Bytes of an origin without its records.
fn origin_bytes(came: &Came) -> usize {
    came.envelope.header.len() + came.receipt.as_ref().map_or(0, Vec::len) + ORIGIN_MORE
}

/// The versions of an agreement up to the one under which records go, as they come with them.
fn documents(directory: &Directory, sort: &Sort) -> Result<Vec<Vec<u8>>, String> {
    let (id, digest) = &sort.agreement;
    let versions = directory.agreement_versions().get(id).map(Vec::as_slice).unwrap_or_default();
    let through = versions.iter().position(|(version, _)| version == digest).map_or(0, |at| at + 1);
    if through > MAX_SOURCE_DOCUMENTS {
        return Err(format!(
            "{through} versions of agreement {id} lead to the one that holds; no more than {MAX_SOURCE_DOCUMENTS} can come with records that are passed on\n\
             hint: an agreement with another name begins with its first version again"
        ));
    }
    let of_agreement = directory
        .documents()
        .filter(|(_, document)| document.kind == DocumentKind::Agreement && document.id == *id)
        .map(|(_, document)| (document.digest(), document))
        .collect::<BTreeMap<_, _>>();
    let documents = versions[..through].iter().map(|(version, _)| of_agreement.get(version));
    let documents = documents.map(|document| document.map(|document| document.to_cbor())).collect::<Option<_>>();
    documents.ok_or_else(|| format!("not every version of agreement {id} is here"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_of_a_source_are_no_more_than_is_reckoned() {
        let digests = |count: usize| vec![Digest([255; 32]); count];
        let passed = |place: usize| Passed { place, index: 9_999 - place, path: digests(14) };
        let records: Vec<Passed> = (0..1_000).map(passed).collect();
        let envelope =
            luxor_protocol::exchange::Envelope { header: vec![7; 70_000], sealed: Digest([8; 32]), signature: [9; 64] };
        let origin = Origin { envelope, receipt: vec![1; 70_000], records };
        let reckoned = 140_000 + ORIGIN_MORE + 1_000 * (RECORD_MORE + 14 * DIGEST_BYTES);
        let source = Source { agreement: vec![vec![5; 70_000]], origins: vec![origin.clone(), origin] };
        let bytes = source.to_cbor().len();
        assert!(bytes <= SOURCE_MORE + 70_005 + 2 * reckoned, "{bytes}");
        assert!(bytes * 100 > (SOURCE_MORE + 70_005 + 2 * reckoned) * 95, "{bytes}");
    }
}
