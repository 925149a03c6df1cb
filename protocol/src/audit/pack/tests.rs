//! Packs as they should be, and each way to lie in one with the finding that it gives.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::audit::Audit;
use crate::audit::population::{BatchViews, RecordValue, Values, value_groups};
use crate::document::Document;
use crate::exchange::{
    Dispatch, DispatchHeader, EntryKind, Outcome, ReceiptBody, Rejection, SentBody, Skeleton, log_key, witness_name,
};
use crate::record::{Content, DECLARATION, Decimal, Fault, GroupSet, SealedRecord, Value};
use crate::testing::{Log, NOW, Network, Party, Told, encode_views, record_of, set};
use crate::tlog::{ForkEvidence, Note, leaf_hash, root_of};

static NETWORK: LazyLock<Network> = LazyLock::new(Network::new);

/// A record whose goods have these values in hundredths.
fn valued(id: u8, goods: &[(i64, Option<&str>)]) -> SealedRecord {
    let mut content = Content::empty(&DECLARATION, goods.len());
    let at = |group| DECLARATION.group(group).unwrap().0;
    content.set(at("filing"), 0, vec![vec![(1, Value::Text(format!("PARCEL-{id}")))]]).unwrap();
    content.set(at("addressee"), 0, vec![vec![(1, Value::Text("Nobody's business".into()))]]).unwrap();
    content.set(at("route"), 0, vec![vec![(1, Value::Text("KR".into()))]]).unwrap();
    for (item, (amount, currency)) in goods.iter().enumerate() {
        let mut fields = vec![(1, Value::Decimal(Decimal { mantissa: *amount, scale: 2 }))];
        fields.extend(currency.map(|code| (2, Value::Text(code.into()))));
        content.set(at("value"), item, vec![fields]).unwrap();
    }
    record_of(content, [id; 16], [id; 32])
}

/// The batches of the exchange below.
fn batches() -> Vec<Vec<SealedRecord>> {
    vec![
        vec![valued(1, &[(10_000, Some("EUR"))]), valued(2, &[(500, Some("EUR")), (70, None)]), valued(3, &[])],
        vec![valued(4, &[(900_000, Some("JPY")), (100, Some("EUR"))])],
        vec![valued(5, &[(200, Some("EUR"))]), valued(6, &[(0, Some("EUR"))])],
    ]
}

/// The header under which a batch goes out, with its views.
fn dispatch(records: &[SealedRecord], shown: &[&str], number: u64, urgent: bool) -> (DispatchHeader, Dispatch) {
    let views: Vec<_> = records.iter().map(|record| record.view(set(shown))).collect();
    let mut header = NETWORK.header(&views, number);
    if urgent {
        header.channel.lane = crate::exchange::Lane::Urgent;
    }
    let dispatch = NETWORK.dispatch(&header, &encode_views(&views));
    (header, dispatch)
}

fn told(kind: EntryKind, header: &DispatchHeader, body: Vec<u8>, evidence: Vec<u8>) -> Told {
    let (channel, number, agreement) = (header.channel.clone(), header.number, header.agreement_digest);
    let skeleton = Skeleton { kind, agreement, channel, number, due: NOW.day().plus(30) };
    Told { skeleton, body, evidence: Some(evidence) }
}

/// A log with what its node gives of its records.
struct World {
    party: &'static Party,
    log: Log,
    views: HashMap<u64, BatchViews>,
}

fn views(records: &[SealedRecord]) -> BatchViews {
    let groups = value_groups(&DECLARATION);
    BatchViews { views: records.iter().map(|record| record.view(groups)).enumerate().collect() }
}

/// The sender's log: the first batch goes out twice, the second has its receipt.
fn sender() -> World {
    let (batches, mut entries, mut given) = (batches(), Vec::new(), HashMap::new());
    let received = recipient();
    for (batch, number, urgent) in [(0, 1, false), (0, 1, true), (1, 2, false), (2, 3, false)] {
        let (header, dispatch) = dispatch(&batches[batch], &["filing", "route"], number, urgent);
        let (envelope, digest) = (dispatch.envelope(), dispatch.envelope().digest());
        let body = SentBody { dispatch: digest }.to_cbor();
        given.insert(entries.len() as u64, views(&batches[batch]));
        entries.push(told(EntryKind::Sent, &header, body.clone(), envelope.to_cbor()));
        if batch == 1 {
            entries.push(told(EntryKind::Receipt, &header, body, received.log.receipt(1)));
        }
    }
    World { party: &NETWORK.post, log: Log::of(&NETWORK.post, &entries), views: given }
}

/// The recipient's log: three dispatches, of which the third is accepted in part only.
fn recipient() -> World {
    let (batches, mut entries, mut given, mut digests) = (batches(), Vec::new(), HashMap::new(), Vec::new());
    for (at, shown) in [&["filing", "value"][..], &["filing", "route"], &["filing", "value"]].iter().enumerate() {
        let (header, dispatch) = dispatch(&batches[at], shown, at as u64 + 1, false);
        let (envelope, digest) = (dispatch.envelope(), dispatch.envelope().digest());
        digests.push(leaf_hash(&digest.0));
        let rejected = Rejection { record: 0, fault: Fault::Value, pointer: "/value".into() };
        let outcome = Outcome::Taken((at == 2).then_some(rejected).into_iter().collect());
        let (contiguous, channel_root) = (at as u64 + 1, root_of(&digests));
        let body = ReceiptBody { dispatch: digest, outcome, contiguous, channel_root }.to_cbor();
        given.insert(at as u64, views(&batches[at]));
        entries.push(told(EntryKind::Received, &header, body, envelope.to_cbor()));
    }
    World { party: &NETWORK.customs, log: Log::of(&NETWORK.customs, &entries), views: given }
}

impl PackSource for World {
    type Error = Infallible;

    fn entry(&self, index: u64) -> Result<AuditEntry, Infallible> {
        Ok(self.log.entries[index as usize].clone())
    }

    fn views(&self, entry: u64) -> Result<BatchViews, Infallible> {
        Ok(self.views[&entry].clone())
    }
}

impl World {
    fn checkpoint(&self) -> Checkpoint {
        Checkpoint::open(&self.note(), &log_key(NETWORK.known(self.party)).unwrap()).unwrap()
    }

    fn note(&self) -> Vec<u8> {
        self.log.notes.last().unwrap().1.clone()
    }

    fn read(&self, by_value: bool) -> LogCopy {
        let page = self.log.page(0, 1_000);
        let mut audit = Audit::begin(&NETWORK.directory, NETWORK.known(self.party), &page).unwrap();
        audit.page(&page);
        let mut copy = LogCopy::new(self.checkpoint());
        page.entries.iter().for_each(|entry| copy.take(entry, by_value));
        copy.report = audit.finish();
        copy
    }

    fn pack(&self, plan: Option<SamplePlan>) -> AuditPack {
        let mut copy = self.read(plan.is_some_and(|plan| plan.method == Method::Value));
        let sample = plan.map(|plan| copy.sample(plan, self).unwrap());
        let opened = copy.open(sample.as_ref(), self).unwrap();
        AuditPack {
            charter: NETWORK.charter.to_cbor(),
            cards: NETWORK.cards.iter().map(Document::to_cbor).collect(),
            agreements: NETWORK.agreements[..1].iter().map(Document::to_cbor).collect(),
            node: self.party.node.clone(),
            packed_by: NETWORK.auditor.node.clone(),
            checkpoint: self.note(),
            report: copy.report,
            entries: copy.entries,
            sample,
            opened,
            forks: Vec::new(),
        }
    }
}

fn plan(method: Method, seed: u64, count: u64) -> Option<SamplePlan> {
    Some(SamplePlan { method, seed, count })
}

/// What a pack comes to, as text: refused, or everything that is said of it.
fn verdict(bytes: &[u8]) -> Result<Verified, String> {
    AuditPack::read(bytes).and_then(|pack| pack.verify()).map_err(|error| error.to_string())
}

#[track_caller]
fn found(pack: &AuditPack, expected: &str) {
    let verified = pack.verify().unwrap();
    let what = |finding: &crate::audit::Finding| finding.what.contains(expected);
    assert!(!verified.ok() && verified.findings.iter().any(what), "'{expected}' not in {:#?}", verified.findings);
}

#[track_caller]
fn holds(pack: &AuditPack) -> Verified {
    let verified = pack.verify().unwrap();
    assert!(verified.ok(), "{:#?}", verified.findings);
    verified
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_pack_is_read_back_holds_and_is_the_same_again(seed: u64, count in 1u64..9, value: bool, received: bool) {
        let world = if received { recipient() } else { sender() };
        let method = if value { Method::Value } else { Method::Random };
        let pack = world.pack(plan(method, seed, count));
        let bytes = pack.to_bytes().unwrap();
        prop_assert_eq!(AuditPack::read(&bytes), Ok(pack.clone()));
        prop_assert_eq!(&world.pack(plan(method, seed, count)).to_bytes().unwrap(), &bytes);
        let verified = holds(&pack);
        let sample = verified.sample.unwrap();
        prop_assert_eq!((sample.plan, sample.dispatches), (plan(method, seed, count).unwrap(), pack.entries.len() as u64 - u64::from(!received)));
        prop_assert_eq!(&sample.chosen, &verified.opened);
        prop_assert_eq!(sample.chosen_records, verified.records.len() as u64);
        if value {
            let expected = if received { (0, 2, 3, 3) } else { (1, 0, 6, 7) };
            prop_assert_eq!((sample.repeats, sample.excluded, sample.records, sample.values), expected);
        } else {
            prop_assert_eq!(sample.chosen.len() as u64, count.min(sample.dispatches));
        }
    }
}

#[test]
fn a_pack_without_sample_holds_and_opens_nothing() {
    let verified = holds(&sender().pack(None));
    assert_eq!((verified.opened, verified.sample, verified.entries), (vec![], None, 5));
    assert_eq!((verified.shown.receipts, verified.report.receipts, verified.report.dispatch_signatures), (0, 1, 4));
}

#[test]
fn nothing_but_header_and_value_of_a_record_is_in_a_pack() {
    // So many that every value is chosen.
    let pack = sender().pack(plan(Method::Value, 1, 10_000));
    let all = GroupSet::NONE.with(DECLARATION.group("value").unwrap().0);
    let records: Vec<_> = pack.opened.iter().flat_map(|opened| &opened.records).collect();
    assert!(records.len() == 4 && records.iter().all(|record| record.view.shown() == all));
    let proven = holds(&pack).records;
    let values = proven[1].values.iter().map(|value| (value.currency.map(|c| c.to_string()), value.amount.as_str()));
    assert_eq!(values.collect::<Vec<_>>(), [(None, "0.70"), (Some("EUR".into()), "5.00")]);
    assert_eq!(proven[1].root, batches()[0][1].root().hex());
    let bytes = pack.to_bytes().unwrap();
    for text in ["Nobody's business", "PARCEL-"] {
        assert!(!bytes.windows(text.len()).any(|window| window == text.as_bytes()), "{text}");
    }
}

#[test]
fn every_changed_byte_is_refused() {
    let bytes = sender().pack(plan(Method::Value, 1, 2)).to_bytes().unwrap();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        assert!(AuditPack::read(&changed).is_err(), "byte {at}");
    }
    for end in [0, 1, 30, bytes.len() - 1] {
        assert!(AuditPack::read(&bytes[..end]).is_err());
    }
    assert!(AuditPack::read(&[bytes.as_slice(), &[0]].concat()).is_err());
}

/// With the digest made anew, as somebody would who forges: refused, found, or at least another thing is said.
#[test]
fn every_byte_counts_also_under_a_new_digest() {
    // All of them take some seconds.
    let long = std::env::var_os("LUXOR_TEST_LONG").is_some();
    for (world, method) in [(sender(), Method::Value), (recipient(), Method::Random)] {
        let mut pack = world.pack(plan(method, 1, 2));
        let mut note = Note::parse(&pack.checkpoint).unwrap();
        note.cosign(&witness_name(&NETWORK.other.origin()), NETWORK.other.witness_key(), 1_795_428_000).unwrap();
        pack.checkpoint = note.to_bytes();
        pack.forks = vec![fork(&NETWORK.customs).to_bytes()];
        pack.report.findings = vec![crate::audit::Finding { entry: None, what: "for the test".into() }];
        pack.report.findings_count = 1;
        let content = pack.to_cbor();
        let good = verdict(&frame(Domain::AuditPack, &content)).unwrap();
        assert_eq!((good.cosigned.witnesses.len(), good.forks.len(), good.findings_count), (1, 1, 0));
        for at in (0..content.len()).step_by(if long { 1 } else { 23 }) {
            let mut changed = content.clone();
            changed[at] ^= 1 << (at / 23 % 8);
            assert!(
                verdict(&frame(Domain::AuditPack, &changed)).as_ref() != Ok(&good),
                "byte {at} of {}",
                content.len()
            );
        }
    }
}

#[test]
fn rubbish_in_a_frame_is_refused_with_its_place() {
    assert!(matches!(AuditPack::read(b""), Err(PackError::Frame(_))));
    assert!(matches!(
        AuditPack::read(&frame(Domain::AuditPack, b"")),
        Err(PackError::Content(CborError { offset: 0, .. }))
    ));
    // A count beyond its limit is refused before anything is made room for.
    let mut writer = Writer::new();
    writer.array(11);
    writer.bytes(b"charter");
    writer.array(usize::MAX);
    let refused = AuditPack::read(&frame(Domain::AuditPack, writer.as_bytes()));
    assert!(
        matches!(&refused, Err(PackError::Content(CborError { offset: 9, reason: crate::cbor::Reason::TooMany }))),
        "{refused:?}"
    );
}

#[test]
fn a_population_that_is_not_the_logs_is_found() {
    let world = sender();
    let by_value = |change: fn(&mut Vec<DispatchValues>)| {
        let mut pack = world.pack(plan(Method::Value, 1, 2));
        let Some(PackedSample { population: Population::Values(values), .. }) = &mut pack.sample else { panic!() };
        change(values);
        pack
    };
    found(&by_value(|values| drop(values.remove(2))), "a dispatch of the log that is not in the population");
    found(&by_value(|values| values[2].entry = 3), "in the population, but no dispatch of the log");
    found(&by_value(|values| values[2].records = 2), "2 records in the population, 1 in the signed header");
    found(&by_value(|values| values[2].values = Values::Unknown), "left out, and the log shows no reason");
    found(&by_value(|values| values[2].values = Values::Repeats(0)), "the same batch as entry 0, which it does not");
    found(&by_value(|values| values[1].values = Values::Repeats(7)), "the same batch as entry 7");
    let mut pack = world.pack(plan(Method::Random, 1, 2));
    let Some(PackedSample { population: Population::Dispatches(entries), .. }) = &mut pack.sample else { panic!() };
    entries.pop();
    found(&pack, "a dispatch of the log that is not in the population");
    // What cannot be proven is excluded only for a reason that the log shows, and not listed.
    let world = recipient();
    let mut pack = world.pack(plan(Method::Value, 1, 2));
    let Some(PackedSample { population: Population::Values(values), .. }) = &mut pack.sample else { panic!() };
    assert_eq!(values[1].values, Values::Unknown);
    values[1].values = Values::Listed(Vec::new());
    found(&pack, "values are listed of records that cannot be shown");
}

#[test]
fn a_value_that_was_told_lower_is_found_where_it_is_opened() {
    let world = sender();
    let mut pack = world.pack(plan(Method::Value, 1, 1));
    let lie = |pack: &mut AuditPack, entry: u64| {
        let Some(PackedSample { population: Population::Values(values), .. }) = &mut pack.sample else { panic!() };
        let row = values.iter_mut().find(|row| row.entry == entry).unwrap();
        let Values::Listed(values) = &mut row.values else { panic!() };
        values.iter_mut().for_each(|value| value.amount -= i64::from(value.amount > 1));
    };
    // JPY has one value, which is certain.
    lie(&mut pack, 2);
    let opened = pack.opened.iter().find(|opened| opened.index == 2).unwrap();
    assert_eq!(opened.records.len(), 1);
    found(&pack, "record 0: it has another value than the population says");
    // Of what nobody opens the value is the node's word: nothing but the draw depends on it.
    let mut pack = world.pack(plan(Method::Value, 1, 1));
    let listed = RecordValue { place: 1, currency: Some("EUR".parse().unwrap()), amount: 0 };
    let Some(PackedSample { population: Population::Values(values), .. }) = &mut pack.sample else { panic!() };
    let Values::Listed(last) = &mut values[3].values else { panic!() };
    assert_eq!(last[1], listed);
    last[1].amount = -5;
    holds(&pack);
}

#[test]
fn what_is_opened_is_what_was_chosen() {
    let world = sender();
    let changed = |method, change: &dyn Fn(&mut AuditPack)| {
        let mut pack = world.pack(plan(method, 1, 2));
        change(&mut pack);
        pack
    };
    // Another seed chooses others, sooner or later: of four dispatches two are chosen.
    let reseeded = |seed| changed(Method::Random, &|pack| pack.sample.as_mut().unwrap().plan.seed = seed);
    let other = (2..40).map(reseeded).find(|pack| !pack.verify().unwrap().ok()).expect("another choice");
    found(&other, "chosen by the sample, but not opened");
    found(&other, "opened, but neither chosen by the sample nor named by a finding");
    found(&changed(Method::Random, &|pack| drop(pack.opened.pop())), "chosen by the sample, but not opened");
    found(&changed(Method::Random, &|pack| pack.sample = None), "neither chosen");
    found(&changed(Method::Value, &|pack| pack.opened[0].records.clear()), "other records are opened");
    found(&changed(Method::Random, &|pack| pack.opened[0].hashes[0][0] ^= 1), "lead to another root");
    found(&changed(Method::Random, &|pack| pack.opened[1].index = 77), "beyond the entries of the pack");
    // More than was chosen: a body, the evidence, a group of a record.
    let closed = |pack: &AuditPack| pack.entries.iter().position(|entry| entry.body.is_none()).unwrap();
    let more = |pack: &mut AuditPack| {
        let at = closed(pack);
        pack.entries[at].body = world.log.entries[at].body.clone();
        pack.report.bodies += 1;
    };
    found(&changed(Method::Random, &more), "but it is not opened");
    let group = |pack: &mut AuditPack| {
        let record = pack.opened.iter_mut().find_map(|opened| opened.records.first_mut()).unwrap();
        let all = batches().into_iter().flatten().find(|full| full.root() == record.view.root()).unwrap();
        record.view = all.view(set(&["value", "addressee"]));
    };
    found(&changed(Method::Value, &group), "it does not show its value and nothing else");
    let place = |pack: &mut AuditPack| pack.opened[0].records[0].path = vec![Digest::ZERO; 2];
    found(&changed(Method::Value, &place), "it is not in the batch that was signed");
    let hidden = |pack: &mut AuditPack| pack.entries[4].evidence = None;
    found(&changed(Method::Value, &hidden), "its values cannot be checked");
}

#[test]
fn the_log_and_its_report_are_checked() {
    let world = sender();
    let changed = |change: fn(&mut AuditPack)| {
        let mut pack = world.pack(plan(Method::Random, 1, 2));
        change(&mut pack);
        pack
    };
    found(&changed(|pack| drop(pack.entries.pop())), "withheld");
    found(&changed(|pack| pack.entries.push(pack.entries[0].clone())), "6 entries under a checkpoint of 5");
    found(&changed(|pack| pack.entries[0].salt[0] ^= 1), "another root");
    found(&changed(|pack| pack.report.channels[0].count += 1), "another channels than the pack shows");
    found(&changed(|pack| pack.report.entries += 1), "another tree than the pack shows");
    found(&changed(|pack| pack.report.bodies = 0), "another number of bodies");
    found(&changed(|pack| pack.report.withheld = u64::MAX), "another number of bodies");
    // The maker's own findings are told, and what they are about is opened.
    let told = |pack: &mut AuditPack| {
        pack.report.findings.push(crate::audit::Finding { entry: Some(0), what: "for the test".into() });
        pack.report.findings_count = 1;
    };
    let verified = changed(told).verify().unwrap();
    assert!(!verified.ok() && verified.findings_count == 0);
    // Refused as a whole.
    let refused = |change: fn(&mut AuditPack)| changed(change).verify().unwrap_err().to_string();
    assert!(refused(|pack| pack.checkpoint = recipient().note()).contains("checkpoint"));
    assert!(refused(|pack| pack.node = "post-de/n2".parse().unwrap()).contains("no card in the audit pack"));
    assert!(refused(|pack| drop(pack.cards.drain(..))).contains("no card"));
    assert!(refused(|pack| pack.agreements[0][40] ^= 1).contains("documents"));
}

#[test]
fn a_log_with_a_finding_opens_what_it_is_about() {
    let mut world = sender();
    world.log.entries[3].evidence = Some(b"none".to_vec());
    let pack = world.pack(None);
    assert_eq!(pack.opened.iter().map(|opened| opened.index).collect::<Vec<_>>(), [3]);
    let verified = pack.verify().unwrap();
    assert!(!verified.ok() && verified.findings_count == 0 && verified.report.findings_count == 1);
    assert_eq!(verified.shown.findings, verified.report.findings);
    // Of a log that does not lead to its checkpoint nothing is drawn.
    world.log.entries.pop();
    let mut copy = world.read(false);
    assert_eq!(copy.sample(plan(Method::Random, 1, 1).unwrap(), &world), Err(BuildError::Tree));
    assert_eq!(copy.open(None, &world), Err(BuildError::Tree));
}

#[test]
fn other_records_than_the_log_commits_to_are_not_packed() {
    let mut world = sender();
    let views = world.views.get_mut(&2).unwrap();
    views.views[0].1 = valued(9, &[(1, None)]).view(value_groups(&DECLARATION));
    let refused = world.read(true).sample(plan(Method::Value, 1, 1).unwrap(), &world);
    assert_eq!(refused, Err(BuildError::Other { entry: 2, what: "other records" }));
    let hidden = world.read(false).sample(plan(Method::Value, 1, 1).unwrap(), &world);
    assert!(matches!(hidden, Err(BuildError::Hidden { entry: 0, .. })));
}

/// Two roots of one size, signed by a party's log.
fn fork(party: &Party) -> ForkEvidence {
    let log = Log::new(party);
    let key = log_key(NETWORK.known(party)).unwrap();
    ForkEvidence::same_size(&key, &log.checkpoint(7, [1; 32]), &log.checkpoint(7, [2; 32])).unwrap()
}

#[test]
fn fork_evidence_is_verified_and_counts() {
    let mut pack = sender().pack(None);
    pack.forks = vec![fork(&NETWORK.customs).to_bytes()];
    let verified = pack.verify().unwrap();
    assert!(!verified.ok() && verified.findings_count == 0 && verified.forks[0].contains("signed two histories"));
    pack.forks = vec![fork(&NETWORK.customs).to_bytes()[1..].to_vec()];
    found(&pack, "fork evidence 1: ");
    pack.forks = vec![fork(&NETWORK.auditor).to_bytes()];
    pack.cards.retain(|card| !card.windows(19).any(|window| window == b"log.example/auditor"));
    found(&pack, "fork evidence 1: no card has this log's key");
}
