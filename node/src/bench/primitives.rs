//! The steps of an exchange, each timed by itself on one thread with the node's own functions.
//!
//! Every step runs over many different records or dispatches, so that caches are as warm as in a node and not warmer. The
//! cost is that of the fastest of many short rounds, which other work on the machine did not disturb: a ceiling must not be
//! too low. Writes are synced in groups of some MiB, as the sequencer does under load: their cost is the median group's time
//! divided by its dispatches, and covers the bytes only, without index rows and lock file.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use age::secrecy::ExposeSecret as _;
use luxor_protocol::bench::{COUNTS, CeilingTerm, Per, Primitive, PrimitivesReport, Records, ceiling};
use luxor_protocol::cbor::{Encode as _, Reader, Writer};
use luxor_protocol::exchange::{Channel, DispatchHeader, Lane, pack, sealed_digest, unpack};
use luxor_protocol::hash::{Digest, Domain};
use luxor_protocol::keys::{KeyUse, SecretKey};
use luxor_protocol::names::{MemberId, NodeRef, Purpose};
use luxor_protocol::record::{
    ArrivedView, Batch, BatchHeader, Content, DECLARATION, RecordId, RecordView, SealedRecord, Seed, batch_root,
    leaf_salt,
};
use luxor_protocol::time::Millis;
use zeroize::Zeroizing;

use super::BenchError;
use crate::driver::now;
use crate::entropy::random;
use crate::keyring::Sealed;
use crate::seal::{Recipient, SealKey};
use crate::store::{Store, StoreConfig, StoreError, Write};

/// Records that a step per record goes round.
const SAMPLE_RECORDS: usize = 512;
/// Rounds of which the fastest counts, and about how long each takes: less than a scheduler's time slice.
const ROUNDS: usize = 60;
const ROUND: Duration = Duration::from_millis(3);
/// Bytes of one synced write; the sequencer's groups hold up to 8 MiB.
const GROUP_BYTES: usize = 4 * 1024 * 1024;
/// Synced writes of which the median counts.
const GROUPS: usize = 7;
/// Synced writes before those that count: the first ones make files.
const WARM_UP_GROUPS: usize = 2;
const RECORD_SEED: u64 = 1;

/// Measures every primitive for records of `size` bytes in dispatches of `batch`.
pub(super) fn measure(folder: &Path, size: usize, batch: usize) -> Result<PrimitivesReport, BenchError> {
    let inputs = Inputs::new(size, batch)?;
    let mut primitives = BTreeMap::new();
    inputs.records(&mut primitives)?;
    inputs.dispatches(&mut primitives)?;
    inputs.writes(folder, &mut primitives)?;

    let term = |count: &luxor_protocol::bench::Count| {
        let cost_ns = primitives.get(count.name).map(|primitive: &Primitive| primitive.cost_ns);
        let cost_ns = cost_ns.ok_or(BenchError::Defect("the ceiling counts a primitive that is not measured"))?;
        Ok(CeilingTerm { name: count.name.to_owned(), at: count.at, count: count.count, per: count.per, cost_ns })
    };
    let ceiling_terms = COUNTS.iter().map(term).collect::<Result<Vec<_>, BenchError>>()?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    Ok(PrimitivesReport {
        cores,
        record_bytes: inputs.record_bytes as u64,
        batch: batch as u64,
        sealed_bytes: inputs.sealed.len() as u64,
        sent_bytes: inputs.sent_bytes() as u64,
        received_bytes: inputs.content.len() as u64,
        ceiling_records_per_second: ceiling(cores, batch as u64, &ceiling_terms),
        primitives,
        ceiling_terms,
    })
}

type Primitives = BTreeMap<String, Primitive>;

/// Records, one dispatch of them, and keys.
struct Inputs {
    record_bytes: usize,
    batch: usize,
    submitted: Vec<Vec<u8>>,
    sealed_records: Vec<SealedRecord>,
    views: Vec<RecordView>,
    header: Vec<u8>,
    /// The dispatch's views, encoded.
    content: Vec<u8>,
    packed: Vec<u8>,
    sealed: Vec<u8>,
    sign: SecretKey,
    seal: SealKey,
    recipient: Recipient,
}

impl Inputs {
    fn new(size: usize, batch: usize) -> Result<Self, BenchError> {
        let issuer: MemberId = "sender".parse().map_err(|_| BenchError::Defect("a member's name"))?;
        let records = Records::new(size, RECORD_SEED)?;
        let submitted: Vec<Vec<u8>> = (0..).take(SAMPLE_RECORDS.max(batch)).map(|at| records.record(at)).collect();
        let commit = |bytes: &Vec<u8>| {
            let content = Content::decode(&mut Reader::new(bytes))?;
            let (id, seed) = (random()?, Zeroizing::new(random()?));
            Ok(SealedRecord::new(issuer.clone(), content, None, id, seed))
        };
        let sealed_records = submitted.iter().map(commit).collect::<Result<Vec<_>, BenchError>>()?;
        let views: Vec<RecordView> =
            sealed_records.iter().map(|record| record.view(DECLARATION.all_groups())).collect();
        let sign = SecretKey::from_seed(KeyUse::Sign, &random()?)?;
        let header = header(&sealed_records[..batch], &sign)?;
        let content = encode_views(&views[..batch]);
        let packed = pack(&DispatchHeader::digest(&header), &content)?;
        let identity = Zeroizing::new(age::x25519::Identity::generate().to_string().expose_secret().to_owned());
        let seal = SealKey::parse(&identity)?;
        let recipient = Recipient::parse(&seal.recipient())?;
        let sealed = recipient.seal(&packed)?;
        let record_bytes = records.record_bytes();
        Ok(Self {
            record_bytes,
            batch,
            submitted,
            sealed_records,
            views,
            header,
            content,
            packed,
            sealed,
            sign,
            seal,
            recipient,
        })
    }

    fn records(&self, to: &mut Primitives) -> Result<(), BenchError> {
        let mut add = |name: &str, what: &str, cost_ns| add(to, name, what, Per::Record, cost_ns);
        let ns = cost(|at| {
            let content = Content::decode(&mut Reader::new(of::<Vec<u8>>(&self.submitted, at)));
            content.is_ok_and(|content| content.check_complete().is_ok())
        });
        add("record_decode", "a submitted record from CBOR, checked against its type", ns);
        let ns = cost(|_| salts().is_ok());
        add("salts", "a record's id and seed from the operating system, and the salt of each leaf", ns);
        let ns = cost(|at| of(&self.views, at).root());
        add("record_root", "a record's root from its leaves and salts", ns);
        let ns = cost(|at| of(&self.sealed_records, at).to_stored());
        add("record_encode", "a record in the form in which its sender stores it", ns);
        let ns = cost(|at| of(&self.views, at).to_cbor());
        add("view_encode", "a view of all groups in CBOR", ns);
        let encoded: Vec<Vec<u8>> = self.views.iter().map(RecordView::to_cbor).collect();
        let ns = cost(|at| {
            let view = ArrivedView::read(&mut Reader::new(of::<Vec<u8>>(&encoded, at)));
            view.is_ok_and(|view| view.fault.is_none() && view.root != Digest::ZERO)
        });
        add("view_read", "a view from CBOR, with its record's root, its leaves checked against their type", ns);
        Ok(())
    }

    fn dispatches(&self, to: &mut Primitives) -> Result<(), BenchError> {
        let mut add = |name: &str, what: &str, cost_ns| add(to, name, what, Per::Dispatch, cost_ns);
        let digest = DispatchHeader::digest(&self.header);
        if unpack(&digest, &self.seal.open(&self.sealed).unwrap_or_default())? != self.content {
            return Err(BenchError::Defect("what was sealed does not open"));
        }
        let ns = cost(|_| pack(&digest, black_box(&self.content)));
        add("compress", "a dispatch's views compressed and padded", ns);
        let ns = cost(|_| unpack(&digest, black_box(&self.packed)));
        add("decompress", "the same back", ns);
        let ns = cost(|_| self.recipient.seal(black_box(&self.packed)).is_ok());
        add("seal", "a dispatch's content sealed with age (X25519, ChaCha20-Poly1305)", ns);
        let ns = cost(|_| self.seal.open(black_box(&self.sealed)));
        add("open", "the same opened", ns);
        let ns = cost(|_| sealed_digest(black_box(&self.sealed)));
        add("sealed_digest", "BLAKE3 of a dispatch's sealed part", ns);
        let ns = cost(|_| self.sign.sign(Domain::Dispatch, &Digest::ZERO, black_box(&digest.0)));
        add("sign", "an Ed25519 signature over a digest", ns);
        let signature = self.sign.sign(Domain::Dispatch, &Digest::ZERO, &digest.0);
        let public = self.sign.public();
        let verify = || public.verify(Domain::Dispatch, &Digest::ZERO, black_box(&digest.0), &signature).is_ok();
        let ns = cost(|_| verify());
        add("verify", "such a signature checked strictly", ns);
        Ok(())
    }

    fn writes(&self, folder: &Path, to: &mut Primitives) -> Result<(), BenchError> {
        let node: NodeRef = "sender/n1".parse().map_err(|_| BenchError::Defect("a node's name"))?;
        let store = Store::open(&folder.join("data"), StoreConfig::default(), &Digest::ZERO, &node, folder)?;
        // As the node stores them: the records of a batch in one value, the sealed part in another.
        let records: Vec<Vec<u8>> = self.dispatch_records().map(SealedRecord::to_stored).collect();
        let cost = write_cost(&store, &[records.concat(), self.sealed.clone()])?;
        add(to, "write_sent", "a dispatch's records and its sealed part, synced", Per::Dispatch, cost);
        let cost = write_cost(&store, std::slice::from_ref(&self.content))?;
        add(to, "write_received", "a dispatch's opened views, synced", Per::Dispatch, cost);
        Ok(())
    }

    fn dispatch_records(&self) -> impl Iterator<Item = &SealedRecord> {
        self.sealed_records.iter().take(self.batch)
    }

    fn sent_bytes(&self) -> usize {
        self.dispatch_records().map(|record| record.to_stored().len()).sum::<usize>() + self.sealed.len()
    }
}

fn add(to: &mut Primitives, name: &str, what: &str, per: Per, cost_ns: u64) {
    to.insert(name.to_owned(), Primitive { what: what.to_owned(), per, cost_ns });
}

fn of<T>(items: &[T], at: usize) -> &T {
    &items[at % items.len()]
}

fn encode_views(views: &[RecordView]) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.array(views.len());
    views.iter().for_each(|view| view.encode(&mut writer));
    writer.into_bytes()
}

/// What a sender draws and derives for a record with one goods item.
fn salts() -> Result<u8, BenchError> {
    let id: RecordId = random()?;
    let seed: Seed = Zeroizing::new(random()?);
    let salts = (0..DECLARATION.groups.len()).map(|group| leaf_salt(&seed, &DECLARATION, group, 0)[0]);
    Ok(salts.fold(id[0], |all, byte| all ^ byte))
}

/// A dispatch's header as a node makes it.
fn header(records: &[SealedRecord], sign: &SecretKey) -> Result<Vec<u8>, BenchError> {
    let name = |_| BenchError::Defect("a name of the measurement is not valid");
    let node: NodeRef = "sender/n1".parse().map_err(name)?;
    let roots: Vec<Digest> = records.iter().map(SealedRecord::root).collect();
    let signed_at: Millis = now();
    let (table, root) = (&DECLARATION, batch_root(&roots));
    let batch = BatchHeader { node: node.clone(), table, count: roots.len(), root, signed_at };
    let header = DispatchHeader {
        network: Digest::ZERO,
        channel: Channel {
            sender: node,
            recipient: "recipient/n1".parse().map_err(name)?,
            epoch: 1,
            lane: Lane::Ordinary,
        },
        number: 1,
        batch: Batch::sign(batch, &Digest::ZERO, sign),
        agreement: "measurement".parse().map_err(name)?,
        agreement_digest: Digest::ZERO,
        purpose: Purpose::SafetySecurity,
        view: DECLARATION.all_groups(),
        retention_days: 30,
        source: None,
        sent_at: signed_at,
        receipts_held_up_to: 0,
    };
    Ok(header.to_cbor())
}

/// Nanoseconds of one step in the fastest of many rounds, each long enough for the clock.
fn cost<T>(mut step: impl FnMut(usize) -> T) -> u64 {
    let mut at = 0;
    let mut round = |steps: usize| {
        let began = Instant::now();
        for _ in 0..steps {
            black_box(step(at));
            at = at.wrapping_add(1);
        }
        began.elapsed()
    };
    let mut steps = 1;
    while round(steps) < ROUND / 2 {
        steps *= 2;
    }
    let fastest = (0..ROUNDS).map(|_| round(steps).as_nanos()).min().unwrap_or(0);
    u64::try_from(fastest / steps as u128).unwrap_or(u64::MAX)
}

/// Nanoseconds of writing one dispatch's rows, in synced groups of many dispatches.
fn write_cost(store: &Store, rows: &[Vec<u8>]) -> Result<u64, BenchError> {
    let bytes: usize = rows.iter().map(Vec::len).sum();
    let key = store.own_key(now().day()).map_err(StoreError::from)?;
    let sealed = |row: &Vec<u8>| Sealed { key: key.clone(), bytes: row.clone() };
    let dispatches = (GROUP_BYTES / bytes.max(1)).max(1);
    let mut costs = Vec::with_capacity(GROUPS);
    for round in 0..WARM_UP_GROUPS + GROUPS {
        let mut writes = Vec::with_capacity(dispatches * rows.len());
        for (entry, row) in std::iter::repeat_n(rows, dispatches).flatten().enumerate() {
            let (records, dispatches) = (Vec::new(), Vec::new());
            writes.push(Write::Records {
                entry,
                records,
                stored: sealed(row),
                dispatches,
                submitted: Vec::new(),
                again: false,
            });
        }
        let first = (round * writes.len()) as u64;
        let began = Instant::now();
        let mut group = Store::batch(bytes * dispatches);
        store.stage(&mut group, writes, first);
        store.write(group, &[], 0, &Digest::ZERO.0, None)?;
        if round >= WARM_UP_GROUPS {
            costs.push(began.elapsed().as_nanos() / dispatches as u128);
        }
    }
    Ok(median(&mut costs))
}

fn median(costs: &mut [u128]) -> u64 {
    costs.sort_unstable();
    let middle = costs.get(costs.len() / 2).copied().unwrap_or(0);
    u64::try_from(middle).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_term_of_the_ceiling_is_measured() {
        let folder = tempfile::tempdir().unwrap();
        let report = measure(folder.path(), 300, 3).unwrap();
        assert_eq!(report.ceiling_terms.len(), COUNTS.len());
        assert!(report.primitives.values().all(|primitive| primitive.cost_ns > 0), "{report:?}");
        for term in &report.ceiling_terms {
            let primitive = &report.primitives[&term.name];
            assert_eq!((primitive.cost_ns, primitive.per), (term.cost_ns, term.per), "{}", term.name);
        }
        let used = |name: &String| report.ceiling_terms.iter().any(|term| term.name == *name);
        assert!(report.primitives.keys().all(used));
        assert_eq!(report.ceiling_records_per_second, ceiling(report.cores, 3, &report.ceiling_terms));
        assert!(report.sealed_bytes > 3 * report.record_bytes);
    }
}
