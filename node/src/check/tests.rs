//! Flips of single bits in every kind of stored value: each is found and has the right name.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod fixture;

use luxor_protocol::cbor::Encode as _;
use luxor_protocol::exchange::witness_name;
use luxor_protocol::hash::{Digest, hex};
use luxor_protocol::keys::KeyUse;
use luxor_protocol::tlog::{Checkpoint, ForkEvidence, KeyType, Note, VerifierKey};
use rocksdb::{DB, IteratorMode, Options};

use super::*;
use crate::store::{
    Attempt, DueKey, IndexKey, LogFact, LogKey, MetaKey, ReceiptKey, RepairKey, RowKey, SettledKey, SubmissionKey,
    TileKey, Under, UnderKey, WitnessedKey, WitnessedRow, held_of, write_unplaced,
};
use crate::testing::{MEMBERS, key};
use fixture::{Fate, Pair};

/// splitmix64.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut n = self.0;
        n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((n ^ (n >> 31)) % count as u64) as usize
    }
}

/// Column family, key, value.
type Row = (String, Vec<u8>, Vec<u8>);

fn run(folder: &Folder) -> Report {
    check(folder, &mut |_| {}).unwrap()
}

fn names(report: &Report) -> Vec<&str> {
    report.findings.iter().map(|finding| finding.what.as_str()).collect()
}

fn whole(folder: &Folder) -> Report {
    let report = run(folder);
    assert!(report.whole() && report.not_checked.is_empty(), "{report:#?}");
    report
}

fn database(folder: &Folder) -> DB {
    let families = DB::list_cf(&Options::default(), folder.data()).unwrap();
    DB::open_cf(&Options::default(), folder.data(), families).unwrap()
}

fn put(folder: &Folder, (family, key, value): &Row) {
    let db = database(folder);
    db.put_cf(db.cf_handle(family).unwrap(), key, value).unwrap();
}

fn rows(folder: &Folder) -> Vec<Row> {
    let db = database(folder);
    let mut rows = Vec::new();
    for family in DB::list_cf(&Options::default(), folder.data()).unwrap() {
        for item in db.iterator_cf(db.cf_handle(&family).unwrap(), IteratorMode::Start) {
            let (key, value) = item.unwrap();
            rows.push((family.clone(), key.into_vec(), value.into_vec()));
        }
    }
    rows
}

/// What a finding about a row must be called.
fn expected(family: &str, key: &[u8]) -> String {
    let number = || u64::read(key).unwrap();
    let dispatch = || {
        let DispatchKey { channel, number } = DispatchKey::read(key).unwrap();
        let urgent = if channel.lane == luxor_protocol::exchange::Lane::Urgent { ", urgent" } else { "" };
        format!("number {number} of {} -> {} (epoch {}{urgent})", channel.sender, channel.recipient, channel.epoch)
    };
    match family {
        "meta" => match MetaKey::read(key).unwrap() {
            MetaKey::Tree => "stored size and root".into(),
            MetaKey::Node => "owner of the folder".into(),
            MetaKey::Totals => "totals".into(),
            MetaKey::Erased => "totals of what was erased".into(),
            MetaKey::Attached => "how far files were fetched".into(),
            MetaKey::Peers => "place of the newest peers entry".into(),
            MetaKey::Document(document) => format!("place of the entry of document {document}"),
            MetaKey::Channel(channel) | MetaKey::Out(channel) => format!("state of channel {channel}"),
        },
        "entries" => format!("entry {}", number()),
        "openings" => format!("opening of entry {}", number()),
        "checkpoints" => format!("checkpoint of size {}", number()),
        "cosigned" => format!("cosigned checkpoint of size {}", number()),
        "logs" => {
            let LogKey { fact, origin } = LogKey::read(key).unwrap();
            let name = match fact {
                LogFact::Held => "checkpoint held",
                LogFact::Cosigned => "cosigned checkpoint",
                LogFact::Fork => "fork evidence",
                LogFact::Unplaced => "unplaced checkpoints",
            };
            format!("{name} of {origin}")
        }
        "witnessed" => match WitnessedKey::read(key).unwrap() {
            WitnessedKey::Checkpoint(origin, size) => format!("witnessed checkpoint of size {size} of {origin}"),
            WitnessedKey::Looked(channel) => format!("how far receipts of {channel} were looked through"),
        },
        "tiles" => TileKey::read(key).map(|TileKey(level, index)| format!("tile {level}/{index}")).unwrap(),
        "sent" => format!("sent row {}", dispatch()),
        "sealed" => format!("sealed bytes of {}", dispatch()),
        "outbox" => format!("outbox row {}", dispatch()),
        "receipts" => {
            let ReceiptKey { dispatch, entry } = ReceiptKey::read(key).unwrap();
            format!("receipt of number {} of {}, entry {entry}", dispatch.number, dispatch.channel)
        }
        "settled" => {
            let SettledKey(day, dispatch) = SettledKey::read(key).unwrap();
            format!("settled row number {} of {} on {day}", dispatch.number, dispatch.channel)
        }
        "received" => format!("received row {}", dispatch()),
        "stands" => format!("what stands at {}", dispatch()),
        "payloads" => format!("payload of entry {}", number()),
        "records" => format!("own records of the batch at entry {}", number()),
        "sources" => format!("source of the records of entry {}", number()),
        "passed-on" => format!("records passed on by the dispatch of entry {}", number()),
        "index" => match IndexKey::read(key).unwrap() {
            IndexKey::PassedOn(root, entry, at) => {
                format!("index row of record {root}, passed on, to entry {entry}, record {at}")
            }
            IndexKey::PassedReference(digest, entry, at) => {
                format!("index row of reference {digest}, passed on, to entry {entry}, record {at}")
            }
            IndexKey::Delivery(batch, DispatchKey { channel, number }) => {
                format!("index row of the batch at entry {batch} to number {number} of {channel}")
            }
            IndexKey::OwnReference(digest, entry, at) => {
                format!("index row of reference {digest} to the batch at entry {entry}, record {at}")
            }
            IndexKey::OwnRoot(digest, entry, at) => {
                format!("index row of record {digest} to the batch at entry {entry}, record {at}")
            }
            IndexKey::ReceivedReference(digest, entry, at) => {
                format!("index row of reference {digest} to entry {entry}, record {at}")
            }
            IndexKey::ReceivedRoot(digest, entry, at) => {
                format!("index row of record {digest} to entry {entry}, record {at}")
            }
        },
        "holds" => format!("hold {}", number()),
        "due" => {
            let DueKey(day, entry) = DueKey::read(key).unwrap();
            format!("due row of entry {entry} on {day}")
        }
        "under" => {
            let UnderKey(id, under, row) = UnderKey::read(key).unwrap();
            let family = match under {
                Under::Payload => "payloads",
                Under::Records => "records",
                Under::Answer => "submissions",
                Under::Hold => "holds",
                Under::PassedOn => "passed-on",
                Under::Attached => "attached",
                Under::Repair => "repairs",
            };
            format!("row of data key {id} to the {}", expected(family, &row))
        }
        "repairs" => {
            let key = RepairKey::read(key).unwrap();
            let (Attempt { submission, chunk, position }, state) =
                (key.attempt, if key.settled { "settled" } else { "waiting" });
            let by = key.dispatch.map(|(channel, number)| format!(", number {number} of {channel}"));
            format!("{state} record {position} of chunk {chunk} of submission {submission}{}", by.unwrap_or_default())
        }
        "submissions" => SubmissionKey::read(key)
            .map(|SubmissionKey(name, chunk)| format!("submission {name}, chunk {chunk}"))
            .unwrap(),
        other => panic!("{other}"),
    }
}

fn small() -> Pair {
    let mut pair = Pair::new();
    for from in [0, 1] {
        pair.send(from, 3, 3, Fate::Accepted);
        pair.send(from, 2, 4, Fate::Partly);
        pair.send(from, 2, 1, Fate::Partly);
        pair.send(from, 2, 2, Fate::Refused);
        pair.send(from, 3, 2, Fate::Accepted);
        pair.send(from, 2, 2, Fate::PassedOn);
        pair.send(from, 2, 2, Fate::Withdrawn);
    }
    // Of one side the sealed bytes are dropped, of what was settled so far.
    pair.purge(0);
    for from in [0, 1] {
        pair.send(from, 2, 3, Fate::Accepted);
        pair.send(from, 3, 2, Fate::Waiting);
        pair.send(from, 2, 2, Fate::PassingOn);
        pair.send(from, 2, 1, Fate::Withdrawing);
        pair.resend(from, true);
        pair.resend(from, false);
    }
    for side in [0, 1] {
        pair.peers(side, &[]);
        pair.peers(side, &[note(1 - side, 7, 7).to_bytes()]);
        pair.documents(side);
    }
    pair.stop();
    for side in [0, 1] {
        logs(&pair.sides[side].folder, side);
    }
    pair
}

fn origin(side: usize) -> String {
    format!("luxor.test/{}/n1", MEMBERS[side])
}

fn note(side: usize, size: u64, byte: u8) -> Note {
    let key = key(KeyUse::Log, side as u8 + 1);
    Checkpoint::new(origin(side), size, [byte; 32]).sign(key.signing_key()).unwrap()
}

/// Checkpoints and evidence of the other's log, and a cosigned checkpoint of the own one.
fn logs(folder: &Folder, side: usize) {
    let other = 1 - side;
    let held = note(other, 7, 7).to_bytes();
    let cosign = |mut note: Note| {
        let witness = key(KeyUse::Witness, other as u8 + 1);
        note.cosign(&witness_name(&origin(other)), witness.signing_key(), 1_800_000_000).unwrap();
        note.to_bytes()
    };
    // One that the log signed, kept for good.
    let (_, size, signed) = rows(folder).into_iter().find(|(family, _, _)| family == "checkpoints").unwrap();
    put(folder, &("cosigned".into(), size, cosign(Note::parse(&signed).unwrap())));
    let unplaced = [note(other, 3, 1), note(other, 11, 2)].map(|note| held_of(note.to_bytes()).unwrap());
    let vkey =
        VerifierKey::new(&origin(other), KeyType::Ed25519, key(KeyUse::Log, other as u8 + 1).public().verifying_key());
    let fork = ForkEvidence::same_size(&vkey.unwrap(), &held, &note(other, 7, 8).to_bytes()).unwrap();
    for (fact, of, value) in [
        (LogFact::Held, other, held),
        (LogFact::Cosigned, side, cosign(note(side, 9, 9))),
        (LogFact::Unplaced, other, write_unplaced(&unplaced)),
        (LogFact::Fork, other, fork.to_bytes()),
    ] {
        put(folder, &("logs".into(), LogKey::new(fact, &origin(of)).bytes(), value));
    }
    // The witness of the other's log is this node.
    let mut proving = note(other, 5, 5);
    let witness = key(KeyUse::Witness, side as u8 + 1);
    proving.cosign(&witness_name(&origin(side)), witness.signing_key(), 1_800_000_000).unwrap();
    let row = WitnessedRow { from: 2, time: 1_800_000_000, note: proving.to_bytes() };
    put(folder, &("witnessed".into(), WitnessedKey::Checkpoint(origin(other), 5).bytes(), row.to_cbor()));
}

/// Flips one bit; gives what was wrong with the finding, if anything.
fn flip(folder: &Folder, row: &Row, bit: usize) -> Option<String> {
    let (family, key, value) = row;
    let mut damaged = value.clone();
    damaged[bit / 8] ^= 1 << (bit % 8);
    put(folder, &(family.clone(), key.clone(), damaged));
    let report = run(folder);
    put(folder, row);
    let expected = expected(family, key);
    let told = names(&report);
    // Within a payload or batch the record is named too.
    let right = told.len() == 1 && (told[0] == expected || told[0].starts_with(&format!("{expected}, record ")));
    (!right)
        .then(|| format!("{family} {}, bit {bit} of {}: expected {expected}, told {told:?}", hex(key), value.len() * 8))
}

#[test]
fn every_flipped_bit_is_found_and_named() {
    let pair = small();
    let folder = &pair.sides[0].folder;
    let checked = whole(folder).checked;
    for kind in [
        "payloads",
        "views",
        "receipts",
        "withdrawals",
        "outbox rows",
        "received rows",
        "submissions",
        "channel states",
        "settled rows",
        "own batches",
        "refused records",
        "dispatches passing on",
        "sources",
        "checkpoints of logs",
        "fork evidence",
        "witnessed checkpoints",
        "numbers",
    ] {
        assert!(checked[kind] > 0, "{kind}: {checked:?}");
    }
    let rows = rows(folder);
    let mut numbers = Numbers(7);
    let (mut flips, mut wrong) = (0, Vec::new());
    let each = if std::env::var_os("LUXOR_TEST_LONG").is_some() { 150 } else { 14 };
    for family in cf_names() {
        let rows: Vec<&Row> = rows.iter().filter(|(name, _, value)| name == family && !value.is_empty()).collect();
        if rows.is_empty() {
            // Tiles, books and windows have their own tests; all that the others hold stands in their keys.
            assert!(
                ["tiles", "index", "settled", "under", "due", "holds", "deletions", "books", "windows"]
                    .contains(&family),
                "no rows of {family}"
            );
            continue;
        }
        for at in 0..each {
            let row = if family == "meta" { rows[at % rows.len()] } else { rows[numbers.below(rows.len())] };
            let bit = numbers.below(row.2.len() * 8);
            flips += 1;
            wrong.extend(flip(folder, row, bit));
        }
    }
    println!("{flips} flips");
    assert!(flips >= 100);
    assert!(wrong.is_empty(), "{} of {flips}:\n{}", wrong.len(), wrong.join("\n"));
    whole(folder);
}

fn cf_names() -> [&'static str; 27] {
    [
        "meta",
        "entries",
        "openings",
        "checkpoints",
        "tiles",
        "sent",
        "sealed",
        "outbox",
        "receipts",
        "settled",
        "received",
        "payloads",
        "sources",
        "records",
        "passed-on",
        "index",
        "submissions",
        "cosigned",
        "logs",
        "under",
        "due",
        "holds",
        "deletions",
        "witnessed",
        "repairs",
        "stands",
        "windows",
    ]
}

/// Flips one bit of a file; gives what was wrong with the findings, if anything.
fn flip_file(folder: &Folder, path: &std::path::Path, bit: usize, expected: &str) -> Option<String> {
    let whole = std::fs::read(path).unwrap();
    let mut damaged = whole.clone();
    damaged[bit / 8] ^= 1 << (bit % 8);
    std::fs::write(path, damaged).unwrap();
    let report = run(folder);
    std::fs::write(path, whole).unwrap();
    let told = names(&report);
    (told != [expected]).then(|| format!("{}, bit {bit}: expected {expected}, told {told:?}", path.display()))
}

#[test]
fn flipped_bits_of_lock_file_documents_and_keys_are_found() {
    let pair = small();
    let folder = &pair.sides[0].folder;
    let mut numbers = Numbers(8);
    let mut wrong = Vec::new();
    for slot in [0, 1] {
        let used = (0..16).map(|_| numbers.below(88 * 8));
        let unused = [88 * 8, 512 * 8 - 1];
        for bit in used.chain(unused).collect::<Vec<_>>() {
            let expected = format!("lock file slot {slot}");
            wrong.extend(flip_file(folder, &folder.lock(), slot * 512 * 8 + bit, &expected));
        }
    }
    for file in folder.document_files().unwrap() {
        let expected = format!("document {}", file.file_name().unwrap().to_str().unwrap());
        let length = std::fs::metadata(&file).unwrap().len() as usize;
        for _ in 0..12 {
            wrong.extend(flip_file(folder, &file, numbers.below(length * 8), &expected));
        }
    }
    for name in ["sign", "log", "witness", "transport", "seal"] {
        let file = folder.path().join(format!("keys/{name}.key"));
        // The line feed at the end is not part of the key.
        let length = std::fs::read_to_string(&file).unwrap().trim_end().len();
        for _ in 0..6 {
            wrong.extend(flip_file(folder, &file, numbers.below(length * 8), "keys/"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    whole(folder);
}

#[test]
fn rows_that_are_gone_are_found() {
    let pair = small();
    let folder = &pair.sides[0].folder;
    let rows = rows(folder);
    let mut numbers = Numbers(9);
    let mut wrong = Vec::new();
    for family in cf_names() {
        // A dispatch that is sent again gets another settled row with its next receipt; the one it has counts no more.
        let counts = |key: &[u8]| family != "settled" || !waits(&rows, &key[4..]);
        let rows: Vec<&Row> = rows.iter().filter(|(name, key, _)| name == family && counts(key)).collect();
        // An earlier checkpoint that is gone leaves a log that is whole without it, and nothing tells what others showed.
        if rows.is_empty() || ["checkpoints", "cosigned", "logs", "witnessed"].contains(&family) {
            continue;
        }
        for at in 0..6 {
            let row = if family == "meta" { rows[at % rows.len()] } else { rows[numbers.below(rows.len())] };
            let db = database(folder);
            db.delete_cf(db.cf_handle(family).unwrap(), &row.1).unwrap();
            drop(db);
            let report = run(folder);
            put(folder, row);
            let expected = match family {
                "submissions" => "own records".into(),
                // Found by the row that says under which key it is.
                "repairs" => "row of data key ".into(),
                _ => expected(family, &row.1),
            };
            let told = names(&report);
            if !told.iter().any(|name| name.starts_with(&expected)) {
                wrong.push(format!("{family} {}: expected {expected}, told {told:?}", hex(&row.1)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    whole(folder);
}

fn waits(rows: &[Row], dispatch: &[u8]) -> bool {
    rows.iter().any(|(family, key, _)| family == "outbox" && key == dispatch)
}

#[test]
fn rows_beside_an_entry_that_is_something_else_are_strays() {
    let pair = small();
    let folder = &pair.sides[0].folder;
    let rows = rows(folder);
    for family in ["passed-on", "sources"] {
        let (_, _, value) = rows.iter().find(|(name, _, _)| name == family).unwrap();
        // Own entries, and those of what arrived, of receipts and of nothing.
        let others =
            ["records", "payloads", "openings"].map(|other| rows.iter().filter(move |(name, ..)| name == other));
        let mut keys: Vec<&[u8]> = others.into_iter().flat_map(|rows| rows.map(|(_, key, _)| key.as_slice())).collect();
        keys.retain(|key| !rows.iter().any(|(name, of, _)| name == family && of == key));
        let beyond = 1_000_000u64.to_be_bytes();
        for key in [keys[0], keys[keys.len() / 2], keys[keys.len() - 1], &beyond] {
            put(folder, &(family.into(), key.into(), value.clone()));
            let told = run(folder);
            assert_eq!(names(&told), [expected(family, key)], "{family} {}", hex(key));
            let db = database(folder);
            db.delete_cf(db.cf_handle(family).unwrap(), key).unwrap();
        }
    }
    whole(folder);
}

#[test]
fn keys_that_nothing_writes_are_found() {
    let pair = small();
    let folder = &pair.sides[0].folder;
    for family in cf_names() {
        let db = database(folder);
        db.put_cf(db.cf_handle(family).unwrap(), b"\xffst", b"stray").unwrap();
        drop(db);
        let told = run(folder);
        assert_eq!(names(&told), [format!("a row of column family {family} with key ff7374")], "{family}");
        let db = database(folder);
        db.delete_cf(db.cf_handle(family).unwrap(), b"\xffst").unwrap();
    }
    whole(folder);
}

/// A bit of a table file: RocksDB's own checksum finds it, and the other families are still checked.
#[test]
fn damage_that_rocksdb_finds_is_told_and_the_rest_is_checked() {
    let pair = small();
    let folder = &pair.sides[0].folder;
    let before = whole(folder).checked;
    let db = database(folder);
    for family in cf_names() {
        db.flush_cf(db.cf_handle(family).unwrap()).unwrap();
    }
    let files = db.live_files().unwrap();
    drop(db);
    whole(folder);
    for (family, expected) in
        [("entries", "entry 0"), ("records", "column family records after its start"), ("sealed", "sealed bytes of")]
    {
        let file = files.iter().find(|file| file.column_family_name == family).unwrap();
        let path = folder.data().join(file.name.trim_start_matches('/'));
        let good = std::fs::read(&path).unwrap();
        let mut bytes = good.clone();
        bytes[40] ^= 4;
        std::fs::write(&path, bytes).unwrap();
        let report = run(folder);
        std::fs::write(&path, good).unwrap();
        let told = names(&report);
        assert!(told.iter().any(|name| name.starts_with(expected)), "{family}: {told:?}");
        let corrupt = report.findings.iter().any(|finding| finding.why.contains("Corruption"));
        assert!(corrupt, "{family}: {:?}", report.findings);
        for kind in ["openings", "checkpoints", "received rows", "payloads", "receipts", "channel states"] {
            assert_eq!(report.checked[kind], before[kind], "{family}: {kind}");
        }
    }
    whole(folder);
}

#[test]
fn nothing_is_written() {
    let pair = small();
    let folder = &pair.sides[0].folder;
    let before = snapshot(folder.path());
    whole(folder);
    assert!(snapshot(folder.path()) == before, "the check wrote something");
}

type Files = BTreeMap<std::path::PathBuf, (std::time::SystemTime, Vec<u8>)>;

fn snapshot(folder: &std::path::Path) -> Files {
    let mut files = Files::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(snapshot(&path));
        } else {
            let changed = std::fs::metadata(&path).unwrap().modified().unwrap();
            files.insert(path.clone(), (changed, std::fs::read(path).unwrap()));
        }
    }
    files
}

/// An older database beside the newest lock file, and the other way round.
#[test]
fn an_older_copy_of_either_is_found() {
    let mut pair = Pair::new();
    let folder = pair.sides[0].folder.clone();
    pair.send(0, 1, 1, Fate::Accepted);
    pair.stop();
    let kept = tempfile::tempdir().unwrap();
    let data = kept.path().join("data");
    copy(&folder.data(), &data);
    let lock = std::fs::read(folder.lock()).unwrap();
    pair.start();
    pair.send(0, 3, 1, Fate::Accepted);
    pair.send(0, 3, 1, Fate::Accepted);
    pair.stop();
    whole(&folder);
    let newest = std::fs::read(folder.lock()).unwrap();
    std::fs::write(folder.lock(), lock).unwrap();
    assert_eq!(names(&run(&folder)), ["lock file"]);
    std::fs::write(folder.lock(), newest).unwrap();
    std::fs::remove_dir_all(folder.data()).unwrap();
    copy(&data, &folder.data());
    assert_eq!(names(&run(&folder)), ["the log"]);
    std::fs::remove_file(folder.lock()).unwrap();
    assert_eq!(names(&run(&folder)), ["lock file"]);
}

/// What a first start leaves when it fails: a folder without database, then a database without rows. Where the key has
/// signed, or tables are left, either is damage.
#[test]
fn a_first_start_that_failed_is_no_damage() {
    let pair = small();
    let folder = &pair.sides[0].folder;
    let current = folder.data().join("CURRENT");
    std::fs::remove_file(&current).unwrap();
    assert_eq!(names(&run(folder)), ["data/"]);
    let lock = std::fs::read(folder.lock()).unwrap();
    std::fs::remove_file(folder.lock()).unwrap();
    assert_eq!(names(&run(folder)), ["data/"], "its journal is there");
    std::fs::remove_dir_all(folder.data()).unwrap();
    std::fs::create_dir(folder.data()).unwrap();
    std::fs::write(folder.data().join("LOCK"), "").unwrap();
    whole(folder);
    let mut options = Options::default();
    options.create_if_missing(true);
    drop(DB::open(&options, folder.data()).unwrap());
    assert!(current.exists());
    whole(folder);
    std::fs::write(folder.lock(), &lock).unwrap();
    assert!(names(&run(folder)).contains(&"the log"));
    std::fs::remove_dir_all(folder.data()).unwrap();
    assert_eq!(names(&run(folder)), ["data/"]);
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// Entries that make the first stored tile, which is of level 1.
#[test]
fn tiles_are_recomputed() {
    let mut pair = Pair::new();
    for _ in 0..33 {
        pair.send(0, 2_048, 1, Fate::Waiting);
    }
    pair.stop();
    let folder = &pair.sides[0].folder;
    let report = whole(folder);
    assert_eq!((report.checked["tiles"], report.entries), (1, 33 * 2_048));
    let tile = ("tiles".to_owned(), TileKey(1, 0).bytes());
    let numbered = |family: &str, index: u64| (family.to_owned(), index.bytes());
    let mut numbers = Numbers(10);
    let mut wrong = Vec::new();
    let db = database(folder);
    let rows = [tile.clone(), numbered("entries", 65_535), numbered("openings", 40_000)].map(|(f, key)| {
        let value = db.get_cf(db.cf_handle(&f).unwrap(), &key).unwrap().unwrap();
        (f, key, value)
    });
    drop(db);
    for row in &rows {
        wrong.extend(flip(folder, row, numbers.below(row.2.len() * 8)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let db = database(folder);
    db.delete_cf(db.cf_handle("tiles").unwrap(), &tile.1).unwrap();
    drop(db);
    assert_eq!(names(&run(folder)), ["tile 1/0"]);
}

/// Makes a log of so many entries in a folder that stays, to measure the check of it.
#[test]
#[ignore = "makes a large folder: LUXOR_CHECK_DIR=… cargo test … -- --ignored large_log"]
fn a_large_log() {
    let path = std::path::PathBuf::from(std::env::var_os("LUXOR_CHECK_DIR").expect("LUXOR_CHECK_DIR names a folder"));
    let mut pair = Pair::in_folder(&path);
    for _ in 0..34 {
        pair.send(0, 1_000, 5, Fate::Accepted);
        pair.send(1, 2_000, 1, Fate::Accepted);
        pair.send(0, 1_000, 1, Fate::Accepted);
    }
    pair.stop();
    let began = std::time::Instant::now();
    println!("{} in {:?}", whole(&pair.sides[0].folder).summary(), began.elapsed());
}

#[test]
fn what_the_log_says_of_documents_is_held_against_rows_and_folder() {
    let mut pair = Pair::new();
    pair.documents(0);
    pair.stop();
    let agreement = pair.directory.agreements().next().unwrap().0;
    let (folder, agreement) = (&pair.sides[0].folder, *pair.directory.document(&agreement).unwrap().0);
    whole(folder);
    let key = MetaKey::Document(agreement).bytes();
    let what = format!("place of the entry of document {agreement}");
    let entry = rows(folder).into_iter().find(|(family, found, _)| family == "meta" && *found == key).unwrap();
    let findings = |change: &dyn Fn(&DB)| {
        change(&database(folder));
        let told = names(&run(folder)).into_iter().map(str::to_owned).collect::<Vec<_>>();
        put(folder, &entry);
        told
    };
    let meta = |db: &DB, value: Option<u64>| match value {
        Some(value) => db.put_cf(db.cf_handle("meta").unwrap(), &key, value.to_be_bytes()).unwrap(),
        None => db.delete_cf(db.cf_handle("meta").unwrap(), &key).unwrap(),
    };
    assert_eq!(findings(&|db| meta(db, None)), [what.as_str()], "no row");
    assert_eq!(findings(&|db| meta(db, Some(99))), [what.as_str()], "a row to nothing");
    let strange = MetaKey::Document(Digest([7; 32])).bytes();
    let stray = ("meta".to_owned(), strange.clone(), 0u64.to_be_bytes().to_vec());
    put(folder, &stray);
    assert_eq!(names(&run(folder)), [format!("place of the entry of document {}", Digest([7; 32]))], "a stray row");
    let db = database(folder);
    db.delete_cf(db.cf_handle("meta").unwrap(), &strange).unwrap();
    drop(db);
    whole(folder);
    std::fs::remove_file(folder.path().join("documents/ab.luxor")).unwrap();
    assert_eq!(names(&run(folder)), [format!("document {agreement}")]);
}

#[test]
fn what_is_kept_for_others_is_held_to_its_entries() {
    let mut pair = Pair::new();
    for from in [0, 1] {
        pair.send(from, 2, 1, Fate::Accepted);
    }
    pair.deposits(0);
    pair.stop();
    let folder = &pair.sides[0].folder;
    let checked = whole(folder).checked;
    assert_eq!((checked["deposits"], checked["deposit receipts"]), (2, 1), "{checked:?}");
    let all: Vec<Row> = rows(folder).into_iter().filter(|(family, ..)| family == "deposits").collect();
    // What was signed twice; sealed bytes, size and place of one; a receipt.
    assert_eq!(all.len(), 6);
    let about = |report: &Report| names(report).iter().all(|name| name.contains("deposit"));
    let mut numbers = Numbers(11);
    for row in &all {
        for _ in 0..12 {
            let (mut damaged, bit) = (row.clone(), numbers.below(row.2.len() * 8));
            damaged.2[bit / 8] ^= 1 << (bit % 8);
            put(folder, &damaged);
            let report = run(folder);
            put(folder, row);
            assert!(!report.whole() && about(&report), "{} bit {bit}: {report:#?}", hex(&row.1));
        }
        let (family, key, _) = row;
        {
            let db = database(folder);
            db.delete_cf(db.cf_handle(family).unwrap(), key).unwrap();
        }
        let report = run(folder);
        put(folder, row);
        // A third member's receipt that is gone leaves nothing that tells of it.
        assert!(!report.whole() && about(&report) || key[0] == 5, "{} gone: {report:#?}", hex(key));
    }
    whole(folder);
}
