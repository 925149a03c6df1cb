//! Everything that a stopped node holds, opened as far as its keys open it, and the search in it.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use luxor_node::seal::SealKey;
use luxor_node::store::{Store, Under};
use luxor_protocol::cbor::{Decode as _, Reader};
use luxor_protocol::exchange::{Dispatch, DispatchHeader, Request, unpack};
use luxor_protocol::limits::MAX_BATCH_RECORDS;
use luxor_protocol::record::{RecordView, SealedRecord, Seed};
use rocksdb::{DB, IteratorMode, Options};

/// Runs of hexadecimal or base64 digits of this length or more are decoded too.
const RUN: usize = 24;

/// What one node holds.
pub(super) struct Holdings {
    /// Every file, every row, everything that is opened, by what it is.
    pub(super) pieces: Vec<(String, Vec<u8>)>,
    /// Views of others' records.
    pub(super) views: Vec<RecordView>,
    /// Own records with their seeds.
    pub(super) records: Vec<(SealedRecord, Seed)>,
    /// Dispatches that it made.
    pub(super) sealed: Vec<Dispatch>,
    seal: SealKey,
}

impl Holdings {
    /// Of the node of this folder, with what it answered before it stopped.
    pub(super) fn of(dir: &Path, answers: Vec<String>) -> Self {
        let mut pieces = Vec::new();
        files(dir, &mut pieces);
        pieces.extend(answers.into_iter().map(|answer| ("an answer of its interface".to_owned(), answer.into_bytes())));
        let (data, keys) = (dir.join("data"), dir.join("keys"));
        let mut sealed = Vec::new();
        for (family, key, value) in rows(&data) {
            if family == "sealed"
                && let Ok(Request::Dispatch(dispatch)) = Request::from_vec(value.to_vec())
            {
                sealed.push(dispatch);
            }
            pieces.push((format!("a row of {family}"), [&*key, &*value].concat()));
        }
        let (store, unknown, fault) = Store::open_read_only(&data, &keys, None).unwrap();
        assert!(unknown.is_empty() && fault.is_none(), "{unknown:?}, {fault:?}");
        let mut opened = Vec::new();
        store.try_keys(&store.keyring().keys(), |under, bytes| opened.push((under, bytes))).unwrap();
        let (mut views, mut records) = (Vec::new(), Vec::new());
        for (under, bytes) in &opened {
            match under {
                Under::Payload => views.extend(read_views(bytes, |reader| {
                    reader.tuple(3).unwrap();
                    reader.uint().unwrap();
                    reader.fixed::<32>().unwrap();
                })),
                Under::Records => records.extend(read_records(bytes)),
                Under::Answer | Under::Hold | Under::PassedOn | Under::Attached | Under::Repair => {}
            }
        }
        pieces.extend(opened.into_iter().map(|(under, bytes)| (format!("an opened {under:?}"), bytes)));
        let seal = std::fs::read_to_string(keys.join("seal.key")).unwrap();
        Self { pieces, views, records, sealed, seal: SealKey::parse(&seal.into()).unwrap() }
    }

    /// Adds whatever this node's key opens of a dispatch that lies anywhere. Tells whether it is sealed to it.
    pub(super) fn open(&mut self, dispatch: &Dispatch) -> bool {
        let Some(packed) = self.seal.open(&dispatch.sealed) else { return false };
        let content = unpack(&DispatchHeader::digest(&dispatch.header), &packed).unwrap();
        self.pieces.push(("what is sealed to it".into(), content.into_owned()));
        true
    }

    /// How many bytes are searched.
    pub(super) fn bytes(&self) -> usize {
        self.pieces.iter().map(|(_, piece)| piece.len()).sum()
    }

    /// The needles that stand in it, as they are, in small letters, in hexadecimal or base64, each with what it stands in.
    pub(super) fn search(&self, needles: &Needles) -> BTreeMap<usize, String> {
        let mut found = BTreeMap::new();
        for (what, piece) in &self.pieces {
            needles.search(piece, what, &mut found);
            needles.search(&piece.to_ascii_lowercase(), what, &mut found);
            for run in piece.split(|byte| !byte.is_ascii_hexdigit()).filter(|run| run.len() >= RUN) {
                // A digit too many may stand on either side.
                [run, &run[1..]].iter().for_each(|run| needles.search(&unhex(run), what, &mut found));
            }
            let in_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'+' || *byte == b'/';
            for run in piece.split(|byte| !in_base64(byte)).filter(|run| run.len() >= RUN) {
                (0..4).for_each(|skip| needles.search(&unbase64(&run[skip..]), what, &mut found));
            }
        }
        found
    }
}

/// Bytes that are looked for, each by a number.
pub(super) struct Needles {
    by_start: HashMap<[u8; 8], Vec<(Vec<u8>, usize)>>,
    /// By two bytes, whether a needle begins with them: nearly every place in a haystack is passed over by these.
    starts: Vec<bool>,
    numbers: usize,
}

impl Needles {
    pub(super) fn new() -> Self {
        Self { by_start: HashMap::new(), starts: vec![false; 1 << 16], numbers: 0 }
    }

    /// Some parts of one thing, each of at least eight bytes: any of them found tells that it is there. Gives its number.
    pub(super) fn add<'n>(&mut self, parts: impl IntoIterator<Item = &'n [u8]>) -> usize {
        for part in parts {
            let (start, rest) = part.split_first_chunk::<8>().unwrap();
            self.by_start.entry(*start).or_default().push((rest.to_vec(), self.numbers));
            self.starts[usize::from(start[0]) << 8 | usize::from(start[1])] = true;
        }
        self.numbers += 1;
        self.numbers - 1
    }

    pub(super) fn len(&self) -> usize {
        self.numbers
    }

    fn search(&self, hay: &[u8], what: &str, found: &mut BTreeMap<usize, String>) {
        for at in 0..hay.len().saturating_sub(7) {
            if !self.starts[usize::from(hay[at]) << 8 | usize::from(hay[at + 1])] {
                continue;
            }
            let (start, rest) = hay[at..].split_first_chunk::<8>().unwrap();
            for (more, number) in self.by_start.get(start).into_iter().flatten() {
                if rest.starts_with(more) {
                    found.entry(*number).or_insert_with(|| what.to_owned());
                }
            }
        }
    }
}

/// Family, key, value.
type Row = (String, Box<[u8]>, Box<[u8]>);

/// Every row of a stopped node's database as it stands.
pub(super) fn rows(data: &Path) -> Vec<Row> {
    let options = Options::default();
    let families = DB::list_cf(&options, data).unwrap();
    let database = DB::open_cf_for_read_only(&options, data, &families, false).unwrap();
    let mut rows = Vec::new();
    for family in &families {
        let handle = database.cf_handle(family).unwrap();
        rows.extend(database.iterator_cf(handle, IteratorMode::Start).map(|row| {
            let (key, value) = row.unwrap();
            (family.clone(), key, value)
        }));
    }
    assert!(!rows.is_empty(), "{} holds no row at all", data.display());
    rows
}

fn files(dir: &Path, pieces: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files(&path, pieces),
            false => pieces.push((path.display().to_string(), std::fs::read(&path).unwrap())),
        }
    }
}

fn read_views(bytes: &[u8], before_each: impl Fn(&mut Reader<'_>)) -> Vec<RecordView> {
    let mut reader = Reader::new(bytes);
    let count = reader.array(MAX_BATCH_RECORDS).unwrap();
    let views = (0..count).map(|_| {
        before_each(&mut reader);
        let view = RecordView::decode(&mut reader).unwrap();
        reader.leave();
        view
    });
    views.collect()
}

fn read_records(bytes: &[u8]) -> Vec<(SealedRecord, Seed)> {
    let mut reader = Reader::new(bytes);
    let count = reader.array(MAX_BATCH_RECORDS).unwrap();
    let records = (0..count).map(|_| {
        let stored = reader.bytes(bytes.len()).unwrap();
        let mut parts = Reader::new(stored);
        parts.tuple(3).unwrap();
        luxor_protocol::record::RecordHeader::decode(&mut parts).unwrap();
        (SealedRecord::from_stored(stored).unwrap(), Seed::new(parts.fixed().unwrap()))
    });
    records.collect()
}

fn unhex(run: &[u8]) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap() as u8;
    run.chunks_exact(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

fn unbase64(run: &[u8]) -> Vec<u8> {
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let bits = |four: &[u8]| four.iter().fold(0u32, |bits, byte| bits << 6 | u32::from(digit(*byte)));
    run.chunks_exact(4).flat_map(|four| bits(four).to_be_bytes()[1..].to_vec()).collect()
}
