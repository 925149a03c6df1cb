//! Archives of alice's log, whose node is played here: made, grown, broken off, damaged, forged.

use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;

use luxor_protocol::cbor::Decode as _;
use luxor_protocol::tlog::{Note, TilePath, encode_bundle};
use serde_json::{Value as Json, json};

use super::super::archive;
use super::*;
use crate::log::{self, LogCommand, MANIFEST, Manifest, Report, Settled, page_name};

/// Entries on a page of the node played here, unless a test says otherwise.
const PAGE: usize = 40;

/// A node that shows its log.
struct Played {
    world: World,
    shown: Arc<Mutex<Shown>>,
    _server: Server,
}

#[derive(Default)]
struct Shown {
    log: Log,
    size: usize,
    note: Vec<u8>,
    page: usize,
    /// Pages that are given before the node fails.
    pages_left: usize,
}

/// So many dispatches of alice to customs, each with its receipt.
fn sent(world: &World, count: u64) -> Log {
    let (mut alice, mut customs) = (Log::default(), Log::default());
    for number in 1..=count {
        customs.receive("alice", number);
        alice.send("alice", number, world.receipt("customs", &customs));
    }
    alice
}

/// A file of a log of this size; `None` where it has none such.
fn log_file(log: &Log, size: usize, path: &TilePath) -> Option<Vec<u8>> {
    path.smallest_size().filter(|smallest| *smallest <= size as u64)?;
    let leaves = |first: usize, count: usize| -> Vec<_> {
        log.entries[first..first + count].iter().map(|entry| leaf_hash(&entry.entry)).collect()
    };
    Some(match *path {
        TilePath::Checkpoint => return None,
        TilePath::Entries { index, width } => {
            let entries = log.entries.iter().skip(index as usize * 256).take(width.get());
            encode_bundle(entries.map(|entry| entry.entry)).unwrap()
        }
        TilePath::Tile { level, index, width } => {
            let below = 256usize.pow(u32::from(level.get()));
            let first = index as usize * 256 * below;
            (0..width.get()).flat_map(|at| root_of(&leaves(first + at * below, below))).collect()
        }
    })
}

impl Shown {
    fn answer(&mut self, path: &str) -> (u16, Vec<u8>) {
        if let Some(path) = path.strip_prefix("/v1/log/") {
            let path = TilePath::parse(path).unwrap();
            let file = match path {
                TilePath::Checkpoint => Some(self.note.clone()),
                path => log_file(&self.log, self.size, &path),
            };
            return file.map_or((404, Vec::new()), |bytes| (200, bytes));
        }
        let query = path.strip_prefix("/v1/audit?").unwrap();
        if self.pages_left == 0 {
            return (500, br#"{"error":"x","message":"broken off"}"#.to_vec());
        }
        self.pages_left -= 1;
        let value = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)).unwrap().parse().unwrap();
        let (from, count): (usize, usize) = (value("from="), value("count="));
        let entries = self.log.entries[..self.size].iter().skip(from).take(count.min(self.page)).cloned().collect();
        (200, Answer::Page(AuditPage { checkpoint: self.note.clone(), entries, checkpoints: Vec::new() }).to_cbor())
    }
}

impl Played {
    fn new() -> Self {
        let world = World::new();
        let shown = Arc::new(Mutex::new(Shown { page: PAGE, pages_left: usize::MAX, ..Shown::default() }));
        let documents = serde_json::to_vec(&world.documents).unwrap();
        let (status, state) = (Status { node: "alice/n1".into(), ..Status::default() }, shown.clone());
        let server = Server::new(Box::new(move |path, _| match path {
            "/v1/status" => (200, serde_json::to_vec(&status).unwrap()),
            "/v1/documents" => (200, documents.clone()),
            "/v1/checkpoint/cosigned" => (404, Vec::new()),
            path => state.lock().unwrap().answer(path),
        }));
        let dir = world.folder.path().join("alice/run");
        fs::create_dir_all(&dir).unwrap();
        let api = ApiFile { url: server.url.clone(), token: "secret".into() };
        fs::write(dir.join("api.json"), serde_json::to_vec(&api).unwrap()).unwrap();
        Self { world, shown, _server: server }
    }

    /// From now on the node shows a log at this size, cosigned by everybody who witnesses it.
    fn show(&self, log: &Log, size: usize) {
        let mut note = Note::parse(&self.world.checkpoint("alice", log, size as u64)).unwrap();
        for member in ["bob", "customs", "watch"] {
            let file = self.world.folder.path().join(member).join("keys/witness.key");
            let key = SecretKey::parse(KeyUse::Witness, fs::read_to_string(file).unwrap().trim()).unwrap();
            let name = format!("{}/witness", self.world.origin(member));
            note.cosign(&name, key.signing_key(), 1_700_000_000).unwrap();
        }
        let mut shown = self.shown.lock().unwrap();
        (shown.log, shown.size, shown.note) = (log.clone(), size, note.to_bytes());
    }

    fn dir(&self, name: &str) -> PathBuf {
        self.world.folder.path().join(name)
    }

    /// `luxor log archive`
    fn archive(&self, name: &str) -> Result<Json, (Exit, String)> {
        let (dir, node) = (self.dir(name), self.dir("alice"));
        let args = ["luxor", "log", "archive", dir.to_str().unwrap(), "--node", node.to_str().unwrap()];
        let Command::Log(LogCommand::Archive(args)) = Cli::try_parse_from(args).unwrap().command else { panic!() };
        settled(|report| log::archive(&args, report))
    }

    #[track_caller]
    fn archived(&self, name: &str) -> Json {
        let report = self.archive(name).unwrap();
        assert_eq!(report["ok"], true, "{report}");
        report
    }

    /// `luxor audit archive`
    fn verify(&self, name: &str, more: &[&str]) -> Result<Json, (Exit, String)> {
        let dir = self.dir(name);
        let args = [&["luxor", "audit", "archive", dir.to_str().unwrap()], more].concat();
        let command = Cli::try_parse_from(args).unwrap().command;
        let Command::Audit(AuditArgs { command: Some(AuditCommand::Archive(args)), .. }) = command else { panic!() };
        settled(|report| archive::verify(&args, report))
    }

    #[track_caller]
    fn holds(&self, name: &str) -> Json {
        let report = self.verify(name, &[]).unwrap();
        assert_eq!(report["ok"], true, "{report}");
        report
    }

    #[track_caller]
    fn findings(&self, name: &str, more: &[&str]) -> String {
        let report = self.verify(name, more).unwrap();
        assert_eq!(report["ok"], false, "{report}");
        report["findings"].as_array().unwrap().iter().map(|f| f.as_str().unwrap()).collect::<Vec<_>>().join("\n")
    }

    fn manifest(&self, name: &str) -> Manifest {
        Manifest::read(&self.dir(name)).unwrap().unwrap()
    }

    /// Every file with its bytes, by its name in the archive.
    fn files(&self, name: &str) -> BTreeMap<String, Vec<u8>> {
        let (root, mut found, mut folders) = (self.dir(name), BTreeMap::new(), vec![self.dir(name)]);
        while let Some(folder) = folders.pop() {
            for item in fs::read_dir(folder).unwrap() {
                let path = item.unwrap().path();
                match path.is_dir() {
                    true => folders.push(path),
                    false => {
                        let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                        found.insert(name, fs::read(path).unwrap());
                    }
                }
            }
        }
        found
    }
}

fn settled(run: impl FnOnce(&mut Report) -> anyhow::Result<()>) -> Result<Json, (Exit, String)> {
    let mut report = Report::default();
    let outcome = run(&mut report);
    let outcome = report.settle(outcome).map(|()| report.object());
    outcome.map_err(|error| (Exit::of(&error), format!("{error:#}")))
}

#[test]
fn an_archive_verifies_by_itself_and_says_what_it_was_not_compared_with() {
    let played = Played::new();
    played.show(&sent(&played.world, 150), 300);
    let report = played.archived("out");
    assert_eq!((&report["size"], &report["pages"], &report["pages_written"]), (&json!(300), &json!(8), &json!(8)));
    let report = played.holds("out");
    assert_eq!((&report["network_compared"], &report["log_key_compared"]), (&json!(false), &json!(false)));
    let audit = &report["audit"];
    assert_eq!((&audit["entries"], &audit["skeletons"], &audit["receipts"]), (&json!(300), &json!(300), &json!(150)));
    assert_eq!((&report["quorum"], &report["documents"]), (&json!(true), &json!(5)), "{report}");
    assert_eq!((&report["node"], &report["tiles_checked"]), (&json!("alice/n1"), &json!(3)));
    // Compared with what is known from elsewhere.
    let (charter, manifest) = (played.dir("charter.luxor"), played.manifest("out"));
    let known = ["--charter", charter.to_str().unwrap(), "--vkey", &manifest.vkey];
    let compared = played.verify("out", &known).unwrap();
    assert_eq!((&compared["ok"], &compared["network_compared"]), (&json!(true), &json!(true)), "{compared}");
    assert_eq!(played.verify("out", &["--network", &manifest.network]).unwrap()["ok"], true);
    // The digest is of random keys, so its last digit may be any.
    let last = if manifest.network.ends_with('0') { '1' } else { '0' };
    let other = format!("{}{last}", &manifest.network[..63]);
    assert!(played.findings("out", &["--charter", &other]).contains("another network than the one given"));
    let bob =
        VerifierKey::new(&manifest.origin, KeyType::Ed25519, played.world.log_key("bob").public().verifying_key());
    assert!(played.findings("out", &["--vkey", &bob.unwrap().to_string()]).contains("another key than the one given"));
    // A policy of one's own takes the place of the archived one.
    let policy = played.dir("policy");
    fs::write(&policy, format!("log {}\nquorum none\n", manifest.vkey)).unwrap();
    assert_eq!(played.verify("out", &["--policy", policy.to_str().unwrap()]).unwrap()["witnesses"], json!([]));
    // The folder is what others' programs read, too.
    let dir = played.dir("out");
    let verify = ["luxor", "log", "verify", dir.to_str().unwrap(), "--policy", dir.join("policy").to_str().unwrap()]
        .map(str::to_owned);
    assert_eq!(crate::cmd::run(Cli::try_parse_from(verify).unwrap().command).unwrap(), Exit::Ok);
}

#[test]
fn an_archive_grows_with_its_log_and_what_stands_in_it_does_not_change() {
    let played = Played::new();
    let log = sent(&played.world, 320);
    let mut before: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for (size, page) in
        [(1, PAGE), (30, PAGE), (80, PAGE), (81, PAGE), (300, PAGE), (300, PAGE), (512, 512), (640, 512)]
    {
        played.shown.lock().unwrap().page = page;
        played.show(&log, size);
        let report = played.archived("out");
        let written = report["pages_written"].as_u64().unwrap() as usize;
        assert!(written <= (size / page) + 1 && (size, written) != (300, 8), "{size}: {report}");
        assert_eq!(played.holds("out")["audit"]["entries"], size);
        let files = played.files("out");
        for (name, bytes) in &before {
            let stays = files.get(name).is_some_and(|now| now == bytes);
            let replaced = [MANIFEST, "checkpoint"].contains(&name.as_str()) || name.contains(".p/");
            assert!(stays || replaced, "{size}: {name}");
        }
        // One last page, and of each tile that is not full one width.
        assert_eq!(files.keys().filter(|name| name.starts_with("audit/") && name.contains(".p/")).count(), 1, "{size}");
        let expected = luxor_protocol::tlog::paths_of(size as u64).count();
        let log_files = files.keys().filter(|name| name.starts_with("tile/") || *name == "checkpoint");
        assert_eq!(log_files.count(), expected, "{size}: {:?}", files.keys());
        before = files;
    }
}

#[test]
fn a_run_that_breaks_off_leaves_the_archive_before_it_and_is_made_good() {
    let played = Played::new();
    let log = sent(&played.world, 150);
    played.show(&log, 200);
    played.shown.lock().unwrap().pages_left = 3;
    let (exit, why) = played.archive("out").unwrap_err();
    assert!(exit != Exit::Ok && why.contains("broken off"), "{exit:?} {why}");
    let (exit, why) = played.verify("out", &[]).unwrap_err();
    assert!(exit == Exit::Refused && why.contains("no file ARCHIVE"), "{why}");
    // One of the pages was cut short by a power loss, and one is of something else.
    let pages = ["audit/001", "audit/002"].map(|name| played.dir("out").join(name));
    let good = pages.each_ref().map(|page| fs::read(page).unwrap());
    fs::write(&pages[0], &good[0][..100]).unwrap();
    fs::write(&pages[1], &good[0]).unwrap();
    played.shown.lock().unwrap().pages_left = usize::MAX;
    assert_eq!(played.archived("out")["pages_written"], 4);
    assert_eq!(pages.each_ref().map(|page| fs::read(page).unwrap()), good);
    played.holds("out");
    // The log grows, and the run breaks off within the pages: what was archived stays whole.
    played.show(&log, 300);
    played.shown.lock().unwrap().pages_left = 1;
    played.archive("out").unwrap_err();
    assert_eq!(played.holds("out")["audit"]["entries"], 200);
    played.shown.lock().unwrap().pages_left = usize::MAX;
    assert_eq!(played.archived("out")["pages_written"], 3);
    assert_eq!(played.holds("out")["audit"]["entries"], 300);
    // Between the checkpoint and the list: found, and made good.
    let list = fs::read(played.dir("out").join(MANIFEST)).unwrap();
    played.show(&log, 298);
    fs::remove_dir_all(played.dir("out")).unwrap();
    played.archived("out");
    let old = fs::read(played.dir("out").join(MANIFEST)).unwrap();
    played.show(&log, 300);
    played.archived("out");
    assert_eq!(fs::read(played.dir("out").join(MANIFEST)).unwrap(), list);
    fs::write(played.dir("out").join(MANIFEST), old).unwrap();
    assert!(played.findings("out", &[]).contains("an archive run was broken off"));
    played.archived("out");
    played.holds("out");
}

#[test]
fn every_changed_byte_of_every_file_is_found() {
    let played = Played::new();
    played.show(&sent(&played.world, 6), 12);
    played.shown.lock().unwrap().page = 5;
    played.archived("out");
    let files = played.files("out");
    let kinds = ["ARCHIVE", "audit/000", "audit/002.p/2", "checkpoint", "documents/card-bob.luxor", "policy"];
    assert!(kinds.iter().all(|kind| files.contains_key(*kind)), "{:?}", files.keys());
    // A prime step, so that every kind of field of every file is hit; with LUXOR_TEST_LONG every byte.
    let step = if std::env::var_os("LUXOR_TEST_LONG").is_some() { 1 } else { 7 };
    let mut tried = 0;
    for (name, bytes) in &files {
        let path = played.dir("out").join(name);
        for at in (0..bytes.len()).step_by(step) {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (at % 8);
            fs::write(&path, &changed).unwrap();
            refused(&played, &format!("{name} with another byte {at}"));
            tried += 1;
        }
        for (what, changed) in [
            ("cut", bytes[..bytes.len() - 1].to_vec()),
            ("emptied", Vec::new()),
            ("lengthened", [bytes, &b"\n"[..]].concat()),
            ("far too large", vec![b' '; 17 * 1024 * 1024]),
        ] {
            fs::write(&path, changed).unwrap();
            refused(&played, &format!("{name} {what}"));
        }
        fs::remove_file(&path).unwrap();
        refused(&played, &format!("{name} removed"));
        fs::create_dir(&path).unwrap();
        refused(&played, &format!("{name} a folder"));
        fs::remove_dir(&path).unwrap();
        fs::write(&path, bytes).unwrap();
    }
    assert!(tried > 1_000, "{tried}");
    played.holds("out");
}

/// What is damaged is a finding, but for a list that is not there at all.
#[track_caller]
fn refused(played: &Played, what: &str) {
    match played.verify("out", &[]) {
        Ok(report) => assert_eq!(report["ok"], false, "{what}: {report}"),
        Err((exit, why)) => {
            assert!(exit == Exit::Refused && why.contains("no file ARCHIVE"), "{what}: {exit:?} {why}");
            assert_eq!(what, "ARCHIVE removed");
        }
    }
}

/// Puts another page in place of one, and names and a list that agree with it.
fn forge(played: &Played, page: u64, forge: impl FnOnce(&mut AuditPage)) {
    let (dir, mut manifest) = (played.dir("out"), played.manifest("out"));
    let (mut all, mut before, last) = (Settled::default(), 0, manifest.pages - 1);
    let mut forge = Some(forge);
    for at in 0..manifest.pages {
        let name = |entries, size: u64| page_name(at, (at == last).then(|| size - entries));
        let mut bytes = fs::read(dir.join(name(before, manifest.size))).unwrap();
        let Answer::Page(mut found) = Answer::from_cbor(&bytes).unwrap() else { panic!() };
        before += found.entries.len() as u64;
        if at == page {
            forge.take().unwrap()(&mut found);
        }
        let entries = found.entries.len();
        bytes = Answer::Page(found).to_cbor();
        fs::write(dir.join(name(all.entries, manifest.size)), &bytes).unwrap();
        if at == last {
            manifest.settled = all.clone();
        }
        all.push(&bytes, entries);
    }
    manifest.pages_hash = all.hash;
    fs::write(dir.join(MANIFEST), manifest.to_bytes().unwrap()).unwrap();
}

#[test]
fn a_forged_page_is_found_also_where_the_list_agrees_with_it() {
    let played = Played::new();
    let log = sent(&played.world, 6);
    played.show(&log, 12);
    played.shown.lock().unwrap().page = 5;
    for (says, change) in [
        (
            "entry 6: the body is not the one committed to",
            (|page| page.entries[1].body = Some(([1; 16], vec![1]))) as fn(&mut AuditPage),
        ),
        ("does not commit to its skeleton", |page| page.entries[1].salt[0] ^= 1),
        ("has another root than the tree", |page| page.entries.swap(0, 2)),
        ("entries from 11 to 12 are withheld", |page| page.entries.truncate(4)),
        ("a signed checkpoint does not verify", |page| page.checkpoints.push(b"none".to_vec())),
        ("entry 7: receipt of", |page| page.entries[2].evidence = Some(b"none".to_vec())),
        ("a newest checkpoint of its own", |page| page.checkpoint = b"none".to_vec()),
        ("a page without entries", |page| page.entries.clear()),
    ] {
        played.archived("out");
        forge(&played, 1, change);
        let found = played.findings("out", &[]);
        assert!(found.contains(says), "{says}: {found}");
        // Another run does not look at pages that are settled; a new folder does.
        fs::remove_dir_all(played.dir("out")).unwrap();
    }
    // More than the checkpoint covers.
    played.archived("out");
    let more = log.entries[0].clone();
    forge(&played, 2, |page| page.entries.push(more));
    assert!(played.findings("out", &[]).contains("entries that the checkpoint does not cover"));
}

#[test]
fn a_log_that_forked_meanwhile_is_refused_and_the_archive_stays() {
    let played = Played::new();
    let log = sent(&played.world, 20);
    played.show(&log, 30);
    played.archived("out");
    let before = played.files("out");
    // Another history from entry 10 on.
    let mut other = Log::default();
    for (index, entry) in log.entries.iter().enumerate() {
        let mut entry = entry.clone();
        entry.entry[32] ^= u8::from(index >= 10);
        other.tree.push(leaf_hash(&entry.entry));
        other.entries.push(entry);
    }
    played.show(&other, 40);
    let report = played.archive("out").unwrap();
    assert!(report["findings"][0].as_str().unwrap().starts_with("the log forked: "), "{report}");
    let mut after = played.files("out");
    let evidence = ForkEvidence::parse(&after.remove("fork-evidence").unwrap()).unwrap();
    assert_eq!(evidence.verify().unwrap().origin, played.world.origin("alice"));
    assert_eq!(after, before);
    played.holds("out");
    // Set back.
    played.show(&log, 20);
    let report = played.archive("out").unwrap();
    assert!(report["findings"][0].as_str().unwrap().contains("nothing was changed"), "{report}");
    // The same history goes on; the node opens other entries than it signed.
    let mut wrong = log.clone();
    wrong.entries[35] = log.entries[34].clone();
    played.show(&wrong, 40);
    let report = played.archive("new").unwrap();
    assert_eq!(report["ok"], false, "{report}");
    assert!(!played.dir("new").join("checkpoint").exists() && !played.dir("new").join(MANIFEST).exists());
}

#[test]
fn a_folder_of_something_else_is_refused_and_a_lacking_quorum_is_told() {
    let played = Played::new();
    let log = sent(&played.world, 3);
    played.show(&log, 6);
    let (exit, why) = played.archive("alice").unwrap_err();
    assert!(exit == Exit::Usage && why.contains("is a node's folder"), "{why}");
    played.archived("out");
    let mut other = played.manifest("out");
    other.origin = format!("{}/2", other.origin);
    let key = other.files.remove(&played.manifest("out").key_name()).unwrap();
    other.files.insert(other.key_name(), key);
    fs::write(played.dir("out").join(MANIFEST), other.to_bytes().unwrap()).unwrap();
    let (exit, why) = played.archive("out").unwrap_err();
    assert!(exit == Exit::Refused && why.contains("each log has a folder of its own"), "{why}");
    // Without cosignatures everything is archived, and both say what lacks.
    let note = played.world.checkpoint("alice", &log, 6);
    played.shown.lock().unwrap().note = note;
    let report = played.archive("bare").unwrap();
    assert_eq!((&report["ok"], &report["quorum"], &report["pages"]), (&json!(false), &json!(false), &json!(1)));
    assert!(played.findings("bare", &[]).contains("do not make up the policy's quorum"));
    // Cosigned since: the same archive, with the cosignatures.
    played.show(&log, 6);
    assert_eq!(played.archived("bare")["pages_written"], 0);
    played.holds("bare");
    // What another run writes anew it mends: here a cosignature, a document, the policy.
    for name in ["checkpoint", "documents/card-bob.luxor", "policy"] {
        let file = played.dir("bare").join(name);
        let mut bytes = fs::read(&file).unwrap();
        let at = bytes.len() - 10;
        // Another letter, so that a cosignature stays one by its form: keys, and so these bytes, are random.
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        fs::write(&file, bytes).unwrap();
        assert!(played.findings("bare", &[]).contains(&format!("{name} is not the file that was archived")));
        played.archived("bare");
        played.holds("bare");
    }
    // Cosignatures that the node has no more stay.
    played.shown.lock().unwrap().note = played.world.checkpoint("alice", &log, 6);
    assert_eq!(played.archived("bare")["quorum"], true);
    played.holds("bare");
}
