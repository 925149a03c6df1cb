//! What holds of a population of values and of the records opened from it.
//!
//! The signed header of each dispatch tells how many records it has and by which batch; so no dispatch and no record can be left
//! out, or hidden behind another's batch. The values themselves are proven for what is opened.

use std::collections::BTreeMap;

use super::verify::{ProvenRecord, ProvenValue};
use super::{OpenedRecord, PackedEntry};
use crate::audit::population::{DispatchValues, RecordValue, Values, value_groups, values_of};
use crate::audit::sample::hundredths;
use crate::cbor::Decode;
use crate::document::Directory;
use crate::exchange::{Arrival, DispatchHeader, EntryKind, Envelope, Outcome, ReceiptBody, Skeleton};
use crate::names::MemberId;
use crate::record::{Batch, BatchTree};

/// What the log shows of a dispatch.
pub(super) struct Dispatch {
    /// Its batch; none where it was withdrawn before it came.
    pub(super) batch: Option<Batch>,
    /// Who issued its records, where they were passed on.
    pub(super) source: Option<MemberId>,
    /// Why none of its values can be proven, where that is so.
    pub(super) excluded: bool,
}

/// Reads a dispatch from its entry. Signature and digest were verified with the rest of the log.
///
/// # Errors
/// What is missing, in words.
pub(super) fn dispatch_of(entry: &PackedEntry, skeleton: &Skeleton) -> Result<Dispatch, String> {
    let hidden = || "its body and evidence are not in the pack, so its values cannot be checked".to_owned();
    let (Some((_, body)), Some(evidence)) = (&entry.body, &entry.evidence) else { return Err(hidden()) };
    if skeleton.kind == EntryKind::Sent {
        let envelope = Envelope::from_cbor(evidence).map_err(|error| format!("envelope: {error}"))?;
        let header = header(&envelope)?;
        let groups = value_groups(header.batch.header.table);
        // Of own records the sender has everything; of others' that it passed on, what it showed.
        let hidden = header.source.is_some() && !groups.within(header.view);
        let excluded = groups.0 == 0 || hidden;
        return Ok(Dispatch { batch: Some(header.batch), source: header.source, excluded });
    }
    let body = ReceiptBody::from_cbor(body).map_err(|error| format!("body: {error}"))?;
    match Arrival::from_cbor(evidence).map_err(|error| format!("evidence: {error}"))? {
        Arrival::Withdrawal(_) => Ok(Dispatch { batch: None, source: None, excluded: true }),
        Arrival::Dispatch(envelope) => {
            let header = header(&envelope)?;
            let groups = value_groups(header.batch.header.table);
            let shown = groups.0 != 0 && groups.within(header.view);
            let whole = matches!(&body.outcome, Outcome::Taken(rejected) if rejected.is_empty());
            Ok(Dispatch { batch: Some(header.batch), source: header.source, excluded: !(shown && whole) })
        }
    }
}

/// Checks the row of a dispatch against what the log shows of all of them.
///
/// # Errors
/// What does not hold, in words.
pub(super) fn check_values(row: &DispatchValues, shown: &BTreeMap<u64, Option<Dispatch>>) -> Result<(), String> {
    // What is missing altogether is a finding already.
    let Some(Some(dispatch)) = shown.get(&row.entry) else { return Ok(()) };
    let records = dispatch.batch.as_ref().map_or(0, |batch| batch.header.count);
    if row.records != records {
        return Err(format!("{} records in the population, {records} in the signed header", row.records));
    }
    match &row.values {
        Values::Repeats(earlier) => match shown.get(earlier) {
            Some(Some(first)) if dispatch.batch.is_some() && first.batch == dispatch.batch && !first.excluded => Ok(()),
            _ => Err(format!("said to carry the same batch as entry {earlier}, which it does not")),
        },
        Values::Unknown if !dispatch.excluded => {
            Err("the values of its records are left out, and the log shows no reason for it".to_owned())
        }
        Values::Listed(_) if dispatch.excluded => Err("values are listed of records that cannot be shown".to_owned()),
        Values::Unknown | Values::Listed(_) => Ok(()),
    }
}

/// Checks an opened record: it shows its value only, that is the value listed, and it stands in the batch that was signed. Gives
/// what is proven of it.
///
/// # Errors
/// What does not hold, in words.
pub(super) fn check_record(
    directory: &Directory,
    dispatch: &Dispatch,
    row: &DispatchValues,
    record: &OpenedRecord,
) -> Result<ProvenRecord, String> {
    let batch = dispatch.batch.as_ref().ok_or("its dispatch has no batch")?;
    let (header, view) = (&batch.header, &record.view);
    let signer = directory.node(&header.node).ok_or_else(|| format!("no card names the node {}", header.node))?;
    batch.verify(&directory.network(), &signer.ever()).map_err(|error| format!("batch: {error}"))?;
    if view.header.table != header.table || view.header.issuer != *dispatch.source.as_ref().unwrap_or(&signer.member) {
        return Err("it is of another type or issuer than the batch".into());
    }
    if view.shown() != value_groups(header.table) {
        return Err("it does not show its value and nothing else".into());
    }
    view.check().map_err(|error| error.to_string())?;
    if !BatchTree::verify(&header.root, header.count, record.place, &view.root(), &record.path) {
        return Err("it is not in the batch that was signed".into());
    }
    let Values::Listed(listed) = &row.values else { return Err("its value is not listed".into()) };
    let listed: Vec<_> = listed.iter().filter(|value| value.place == record.place).copied().collect();
    if values_of(record.place, view).as_ref() != Some(&listed) {
        return Err("it has another value than the population says".into());
    }
    let value =
        |value: &RecordValue| ProvenValue { currency: value.currency, amount: hundredths(i128::from(value.amount)) };
    let (place, root, values) = (record.place, view.root().hex(), listed.iter().map(value).collect());
    Ok(ProvenRecord { entry: row.entry, place, root, values })
}

fn header(envelope: &Envelope) -> Result<DispatchHeader, String> {
    DispatchHeader::from_cbor(&envelope.header).map_err(|error| format!("dispatch header: {error}"))
}
