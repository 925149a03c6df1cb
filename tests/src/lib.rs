//! Harness: a network of real `luxord` processes, founded with the command `luxor`, each on its own loopback address.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::missing_panics_doc)]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use luxor_node::store::Store;
use serde_json::Value as Json;

/// How long anything may take before a test fails.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// Pause between two looks at a process.
const LOOK: Duration = Duration::from_millis(5);

/// The folder of the workspace: as cargo says at run time, since clones that share a target folder share this program too.
pub fn root() -> PathBuf {
    let package =
        std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    package.parent().unwrap().to_owned()
}

/// A built program of this workspace; built once per test process, so that none is stale.
pub fn program(name: &str) -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let folder = BUILT.get_or_init(|| {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut build = Command::new(cargo);
        // What `cargo test` tells this package is not for others: ring would be built anew each time, and libp2p upon it.
        for (name, _) in std::env::vars_os() {
            let of_package =
                ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|p| name.as_encoded_bytes().starts_with(p.as_bytes()));
            if of_package {
                build.env_remove(name);
            }
        }
        let built = build
            // As deploy/test builds: another choice of packages has other features of what they rest on, and would be built anew.
            .args(["build", "--release", "--workspace", "--all-targets", "--message-format=json"])
            .current_dir(root())
            .stderr(Stdio::null())
            .output()
            .unwrap();
        assert!(built.status.success(), "the programs do not build");
        let messages = String::from_utf8(built.stdout).unwrap();
        let mut programs = messages.lines().filter_map(|line| serde_json::from_str::<Json>(line).ok());
        let executable = programs.find_map(|m| {
            let is_program = m["target"]["kind"][0] == "bin" && m["profile"]["test"] == false;
            m["executable"].as_str().filter(|_| is_program).map(PathBuf::from)
        });
        executable.expect("cargo names the programs").parent().unwrap().to_owned()
    });
    folder.join(name)
}

/// The folder with real data, or `None` (the test is then reported as skipped, by name).
pub fn shared(test: &str, path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("LUXOR_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    let found = root.join(path);
    if !found.exists() {
        println!("skipped: {test}: {} absent", found.display());
        return None;
    }
    Some(found)
}

/// Runs `luxor` and returns its standard output; panics with its messages when it fails.
pub fn luxor(arguments: &[&str]) -> String {
    let (code, output, errors) = try_luxor(arguments);
    assert_eq!(code, 0, "luxor {arguments:?}: {errors}");
    output
}

/// Runs `luxor` and returns its exit code, standard output and messages.
pub fn try_luxor(arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(program("luxor")).args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// Asks until there is an answer, a little while apart; fails with `what` after [`PATIENCE`].
pub fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(began.elapsed() < PATIENCE, "in vain waited for: {what}");
        std::thread::sleep(LOOK);
    }
}

/// The folder of a stopped node is whole: `luxord check` finds nothing.
pub fn check(dir: &Path) {
    let output = Command::new(program("luxord")).arg("--dir").arg(dir).arg("check").output().unwrap();
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}: {text}{errors}", dir.display());
}

/// What a command says with `--json`.
pub fn luxor_json(arguments: &[&str]) -> Json {
    serde_json::from_str(&luxor(&[arguments, &["--json"]].concat())).unwrap()
}

/// Sets a flag when it goes, however that comes: what waits for it in another thread ends with a test that fails.
pub struct Ending<'f>(pub &'f AtomicBool);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Copies a folder with everything in it.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to.join(entry.file_name())),
            false => drop(std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap()),
        }
    }
}

/// Documents in a node's folder: its log has an entry for each, a new one begins with them.
pub fn documents(dir: &Path) -> u64 {
    let files = std::fs::read_dir(dir.join("documents")).unwrap();
    files.filter(|file| file.as_ref().unwrap().file_name().to_string_lossy().ends_with(".luxor")).count() as u64
}

/// Whether anything in a stopped node's database, or a copy of it, holds these bytes once it is opened with the data keys in `keys`: every
/// row as it stands, and every row that any of the keys opens, whichever it names.
pub fn holds(data: &Path, keys: &Path, needle: &[u8]) -> bool {
    let holds = |bytes: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    let options = rocksdb::Options::default();
    let families = rocksdb::DB::list_cf(&options, data).unwrap();
    let database = rocksdb::DB::open_cf_for_read_only(&options, data, &families, false).unwrap();
    let (mut rows, mut found) = (0, false);
    for family in &families {
        let family = database.cf_handle(family).unwrap();
        for row in database.iterator_cf(family, rocksdb::IteratorMode::Start) {
            let (key, value) = row.unwrap();
            rows += 1;
            found |= holds(&key) || holds(&value);
        }
    }
    assert!(rows > 0, "{} holds no row at all", data.display());
    drop(database);
    let (store, unknown, fault) = Store::open_read_only(data, keys, None).unwrap();
    assert!(unknown.is_empty() && fault.is_none(), "{unknown:?}, {fault:?}");
    store.try_keys(&store.keyring().keys(), |_, opened| found |= holds(&opened)).unwrap();
    found
}

/// Whether any file below a folder holds these bytes as they are.
pub fn on_disk(dir: &Path, needle: &[u8]) -> bool {
    std::fs::read_dir(dir).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return on_disk(&path, needle);
        }
        std::fs::read(&path).unwrap().windows(needle.len()).any(|window| window == needle)
    })
}

/// A founded network; its nodes run only while a [`Daemon`] lives.
pub struct Network {
    /// Everything is in here.
    pub root: tempfile::TempDir,
}

impl Network {
    /// Founds a network of `members` (id, kind, territory) with agreements given as TOML drafts, signed by all parties.
    pub fn found(members: &[(&str, &str, &str)], agreements: &[String]) -> Self {
        Self::found_under(members, agreements, None)
    }

    /// The same with a charter that has a C2SP tlog-policy of its own.
    pub fn found_under(members: &[(&str, &str, &str)], agreements: &[String], policy: Option<&str>) -> Self {
        Self::found_governed(members, agreements, policy, &[members[0].0])
    }

    /// The same with these governors.
    pub fn found_governed(
        members: &[(&str, &str, &str)],
        agreements: &[String],
        policy: Option<&str>,
        governors: &[&str],
    ) -> Self {
        Self::found_named("Test", members, agreements, policy, governors)
    }

    /// The same with a charter of this name.
    pub fn found_named(
        name: &str,
        members: &[(&str, &str, &str)],
        agreements: &[String],
        policy: Option<&str>,
        governors: &[&str],
    ) -> Self {
        let network = Self { root: tempfile::tempdir().unwrap() };
        let path = |name: &str| network.root.path().join(name).to_str().unwrap().to_owned();
        let mut random = [0u8; 2];
        getrandom::fill(&mut random).unwrap();
        let mut draft = vec!["charter".to_owned(), "draft".into()];
        for (at, member) in members.iter().enumerate() {
            draft.push(network.init(*member, &format!("127.{}.{}.{}", random[0].clamp(1, 254), random[1], at + 1)));
        }
        let (charter_draft, charter) = (path("charter.toml"), path("charter.luxor"));
        draft.extend(["--name", name, "--governors", &governors.join(","), "-o", &charter_draft].map(str::to_owned));
        if let Some(policy) = policy {
            std::fs::write(path("policy"), policy).unwrap();
            draft.extend(["--policy".to_owned(), path("policy")]);
        }
        luxor(&draft.iter().map(String::as_str).collect::<Vec<_>>());
        let mut file = charter_draft;
        for governor in governors {
            luxor(&["charter", "sign", &file, "--node", &path(governor), "-o", &charter]);
            file.clone_from(&charter);
        }
        let mut documents = vec![charter.clone()];
        for (id, _, _) in members {
            let card = path(&format!("card-{id}.luxor"));
            luxor(&["card", "sign", "--node", &path(id), "--charter", &charter, "-o", &card]);
            documents.push(card);
        }
        for (at, agreement) in agreements.iter().enumerate() {
            let (draft, file) = (path(&format!("agreement-{at}.toml")), path(&format!("agreement-{at}.luxor")));
            std::fs::write(&draft, agreement).unwrap();
            let mut signed = draft;
            for (id, _, _) in members.iter().filter(|(id, _, _)| agreement.contains(&format!("\"{id}\""))) {
                luxor(&["agreement", "sign", &signed, "--node", &path(id), "--charter", &charter, "-o", &file]);
                signed.clone_from(&file);
            }
            documents.push(file);
        }
        for (id, _, _) in members {
            let dir = path(id);
            let mut install = vec!["install", "--node", &dir];
            install.extend(documents.iter().map(String::as_str));
            luxor(&install);
        }
        network
    }

    /// Makes the folder of a member (id, kind, territory) with a node on this loopback address. Returns its `member.toml`.
    pub fn init(&self, (id, kind, territory): (&str, &str, &str), host: &str) -> String {
        let (exchange, api) = (format!("/ip4/{host}/tcp/4700"), format!("{host}:4780"));
        let dir = self.root.path().join(id).to_str().unwrap().to_owned();
        let mut init = vec!["init", &dir, "--member", id, "--kind", kind, "--territory", territory, "--name", id];
        init.extend(["--exchange", &exchange, "--api", &api]);
        luxor(&init);
        let file = format!("{dir}/luxord.toml");
        let mut text = std::fs::read_to_string(&file).unwrap();
        text = text.replace("min_ms = 500", "min_ms = 20").replace("max_ms = 60000", "max_ms = 200");
        // Values are searched for on disk, so they must stand there as they are.
        text = text.replace("compression = true", "compression = false");
        std::fs::write(&file, text).unwrap();
        format!("{dir}/member.toml")
    }

    /// Signs an agreement draft by all parties and installs it nowhere. Returns its file.
    pub fn sign(&self, draft: &str, parties: &[&str]) -> PathBuf {
        let path = |name: &str| self.root.path().join(name).to_str().unwrap().to_owned();
        let (name, charter) = (draft.lines().next().unwrap().replace(['"', ' ', '='], "-"), path("charter.luxor"));
        let (file, mut signed) = (path(&format!("{name}.luxor")), path(&format!("{name}.toml")));
        std::fs::write(&signed, draft).unwrap();
        for party in parties {
            luxor(&["agreement", "sign", &signed, "--node", &path(party), "--charter", &charter, "-o", &file]);
            signed.clone_from(&file);
        }
        file.into()
    }

    /// Installs a document in a member's folder.
    pub fn install(&self, member: &str, document: &Path) {
        luxor(&["install", "--node", self.dir(member).to_str().unwrap(), document.to_str().unwrap()]);
    }

    /// Adds lines to a stopped member's configuration.
    pub fn configure(&self, member: &str, lines: &str) {
        let file = self.dir(member).join("luxord.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, format!("{text}\n{lines}\n")).unwrap();
    }

    /// Gives a stopped member's node a public log on its address, which advances once in so many seconds.
    pub fn publish(&self, member: &str, seconds: u64) {
        let file = self.dir(member).join("luxord.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        let api = text.lines().find(|line| line.starts_with("api = ")).unwrap();
        let log = api.replace("api = ", "log = ").replace(":4780", ":4790");
        std::fs::write(&file, text.replace(api, &format!("{api}\n{log}"))).unwrap();
        self.configure(member, &format!("[log]\npublic_seconds = {seconds}\nwitness = true"));
    }

    /// Lets threat platforms read a stopped member's node by TAXII, on its address.
    pub fn taxii(&self, member: &str) {
        let file = self.dir(member).join("luxord.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        let api = text.lines().find(|line| line.starts_with("api = ")).unwrap();
        let taxii = api.replace("api = ", "taxii = ").replace(":4780", ":0");
        std::fs::write(&file, text.replace(api, &format!("{api}\n{taxii}"))).unwrap();
    }

    /// A member's folder.
    pub fn dir(&self, member: &str) -> PathBuf {
        self.root.path().join(member)
    }

    /// Starts a member's node. It is ready once enough others run; whatever is asked of it waits for that.
    pub fn start(&self, member: &str) -> Daemon {
        self.start_with(member, &[])
    }

    /// Starts a member's node that asks nobody before it signs, and waits until it is ready.
    pub fn start_alone(&self, member: &str) -> Daemon {
        self.start_with(member, &["--without-witnesses"]).awake()
    }

    /// Starts a member's node with more arguments.
    pub fn start_with(&self, member: &str, arguments: &[&str]) -> Daemon {
        self.launch(member, &[], arguments)
    }

    /// The same by way of another program: `through` names it, and its own arguments.
    pub fn launch(&self, member: &str, through: &[OsString], arguments: &[&str]) -> Daemon {
        Self::launch_in(self.dir(member), through, arguments)
    }

    /// Starts the node of a folder, such as a copy.
    pub fn start_in(dir: PathBuf, arguments: &[&str]) -> Daemon {
        Self::launch_in(dir, &[], arguments)
    }

    /// The same by way of another program.
    pub fn launch_in_folder(&self, dir: PathBuf, through: &[OsString], arguments: &[&str]) -> Daemon {
        Self::launch_in(dir, through, arguments)
    }

    fn launch_in(dir: PathBuf, through: &[OsString], arguments: &[&str]) -> Daemon {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(dir.join("log.txt")).unwrap();
        for name in ["ready.json", "api.json"] {
            let _ = std::fs::remove_file(dir.join("run").join(name));
        }
        let words = through.iter().cloned().chain([program("luxord").into()]).collect::<Vec<_>>();
        let child = Command::new(&words[0])
            .args(&words[1..])
            .args(["--dir", dir.to_str().unwrap(), "--with-stdin"])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        Daemon { child: Mutex::new(child), dir }
    }
}

/// An agreement draft with one row.
pub fn agreement(id: &str, from: &str, to: &str, kind: &str, purpose: &str, groups: &str) -> String {
    format!(
        "id = \"{id}\"\ntitle = \"{id}\"\ninstrument = \"Test\"\narticle = \"1\"\ncontroller = \"Test\"\n\
         parties = [\"{from}\", \"{to}\"]\nvalid_from = \"2020-01-01\"\nvalid_until = \"2099-12-31\"\n[[flow]]\n\
         type = \"{kind}\"\nversion = 1\nfrom = [\"{from}\"]\nto = [\"{to}\"]\npurpose = \"{purpose}\"\n\
         groups = {groups}\nretention_days = 30\n"
    )
}

/// A running node. Dropping it ends it by closing its standard input.
pub struct Daemon {
    child: Mutex<Child>,
    dir: PathBuf,
}

impl Daemon {
    /// Waits until it is ready.
    pub fn awake(self) -> Self {
        self.wait_for("ready.json");
        self
    }

    /// Ends it as a power loss of the process would.
    pub fn kill(self) {
        let mut child = self.child.lock().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Waits until it ends by itself; gives its exit code and what it logged since `from`, a length of its log.
    pub fn ended(self, from: usize) -> (i32, String) {
        let began = Instant::now();
        let ended = loop {
            let ended = self.child.lock().unwrap().try_wait().unwrap();
            if let Some(ended) = ended {
                break ended;
            }
            assert!(began.elapsed() < PATIENCE, "{} does not end: {}", self.dir.display(), &self.log()[from..]);
            std::thread::sleep(LOOK);
        };
        (ended.code().unwrap(), self.log()[from..].to_owned())
    }

    /// Documents in its folder, see [`documents`].
    pub fn documents(&self) -> u64 {
        documents(&self.dir)
    }

    /// What it logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.join("log.txt")).unwrap()
    }

    /// Waits for a file in its `run/`.
    fn wait_for(&self, name: &str) {
        let (file, began) = (self.dir.join("run").join(name), Instant::now());
        while !file.is_file() {
            let ended = self.child.lock().unwrap().try_wait().unwrap();
            assert!(ended.is_none(), "{} ended: {}", self.dir.display(), self.log());
            assert!(began.elapsed() < PATIENCE, "{} has no {name}: {}", self.dir.display(), self.log());
            std::thread::sleep(LOOK);
        }
    }

    /// A GET of its local interface whether it is ready or not; gives status and answer.
    pub fn get_early(&self, path: &str) -> (u16, String) {
        self.wait_for("api.json");
        let (url, token) = api(&self.dir).unwrap();
        let request = ureq::get(format!("{url}{path}")).header("Authorization", format!("Bearer {token}"));
        let mut response = request.config().http_status_as_error(false).build().call().unwrap();
        (response.status().as_u16(), response.body_mut().read_to_string().unwrap())
    }

    /// Waits until it is ready; gives how it ended, if it did so before.
    pub fn ready(&self) -> Option<ExitStatus> {
        let began = Instant::now();
        while !self.dir.join("run/ready.json").is_file() {
            if let Some(status) = self.exited() {
                return Some(status);
            }
            assert!(began.elapsed() < PATIENCE, "{} is not ready: {}", self.dir.display(), self.log());
            std::thread::sleep(LOOK);
        }
        None
    }

    /// How it ended, if it has.
    pub fn exited(&self) -> Option<ExitStatus> {
        self.child.lock().unwrap().try_wait().unwrap()
    }

    /// Ends it in order and tells how it ended.
    pub fn end(mut self) -> ExitStatus {
        self.close();
        self.exited().unwrap()
    }

    /// A GET of its local interface.
    pub fn get(&self, path: &str) -> Json {
        self.try_get(path).unwrap_or_else(|e| panic!("GET {path}: {e}"))
    }

    /// Asks for its state until it is as wanted.
    pub fn status(&self, what: &str, is: impl Fn(&Json) -> bool) -> Json {
        until(what, || Some(self.get("/v1/status")).filter(|status| is(status)))
    }

    /// Waits until a quorum has cosigned all of its log.
    pub fn witnessed(&self) {
        self.status("a quorum", |status| status["witnessed"]["size"] == status["log_entries"]);
    }

    /// A GET that may fail.
    pub fn try_get(&self, path: &str) -> Result<Json, String> {
        let (url, token) = self.api();
        let mut response = ureq::get(format!("{url}{path}"))
            .header("Authorization", format!("Bearer {token}"))
            .call()
            .map_err(|e| e.to_string())?;
        let text = response.body_mut().with_config().limit(1 << 30).read_to_string().map_err(|e| e.to_string())?;
        serde_json::from_str(&text).map_err(|e| e.to_string())
    }

    /// A GET whose answer is text.
    pub fn text(&self, path: &str) -> String {
        let (url, token) = self.api();
        let response = ureq::get(format!("{url}{path}")).header("Authorization", format!("Bearer {token}")).call();
        let mut response = response.unwrap_or_else(|e| panic!("GET {path}: {e}"));
        response.body_mut().with_config().limit(1 << 30).read_to_string().unwrap()
    }

    /// A POST; gives status and answer, whatever they are.
    pub fn post(&self, path: &str, body: &Json) -> (u16, Json) {
        let (url, token) = self.api();
        let request = ureq::post(format!("{url}{path}")).header("Authorization", format!("Bearer {token}"));
        send(request.header("Content-Type", "application/json"), body)
    }

    /// A POST to a node that may end before it answers.
    pub fn try_post(&self, path: &str, body: &Json) -> Result<u16, String> {
        let (url, token) = api(&self.dir)?;
        let request = ureq::post(format!("{url}{path}")).header("Authorization", format!("Bearer {token}"));
        let request = request.header("Content-Type", "application/json").config().http_status_as_error(false).build();
        request.send(serde_json::to_vec(body).unwrap()).map(|sent| sent.status().as_u16()).map_err(|e| e.to_string())
    }

    /// Submits a chunk in the urgent lane; gives status and answer, whatever they are.
    pub fn put_urgent(&self, submission: &str, chunk: u64, records: &[Json]) -> (u16, Json) {
        let (url, token) = self.api();
        let path = format!("{url}/v1/submissions/{submission}/chunks/{chunk}?lane=urgent");
        let request = ureq::put(path).header("Authorization", format!("Bearer {token}"));
        send(request.header("Content-Type", "application/json"), &Json::from(records))
    }

    /// Waits until its outbox is in a state, which is asked for again and again.
    pub fn outbox(&self, what: &str, is: impl Fn(&Json) -> bool) -> Json {
        let began = Instant::now();
        loop {
            // The answer comes when the outbox is empty, or after this wait.
            let state = self.get("/v1/outbox?wait_ms=20");
            if is(&state) {
                return state;
            }
            assert!(began.elapsed() < PATIENCE, "in vain waited for {what}: {state}, {:?}", self.waiting());
        }
    }

    /// What waits in its outbox, at most 1,000 dispatches.
    pub fn waiting(&self) -> Vec<Json> {
        self.get("/v1/outbox/dispatches?limit=1000")["items"].as_array().unwrap().clone()
    }

    /// Every dispatch in its inbox.
    pub fn inbox(&self) -> Vec<Json> {
        let (mut items, mut after) = (Vec::new(), String::new());
        loop {
            let page = self.get(&format!("/v1/inbox?limit=1000{after}"));
            items.extend(page["items"].as_array().unwrap().iter().cloned());
            let Some(next) = page["next"].as_u64() else { return items };
            after = format!("&after={next}");
        }
    }

    /// How often each own reference is in its inbox.
    pub fn arrived(&self) -> BTreeMap<String, u64> {
        let mut arrived = BTreeMap::new();
        for item in self.inbox() {
            for shown in self.get(&format!("/v1/inbox/{}", item["index"]))["records"].as_array().unwrap() {
                let record = &shown["record"];
                let reference =
                    record["filing"]["own_reference"].as_str().or(record["reference"]["own_reference"].as_str());
                let reference = reference.unwrap();
                *arrived.entry(reference.to_owned()).or_default() += 1;
            }
        }
        arrived
    }

    /// Submits a chunk of native records.
    pub fn put(&self, submission: &str, chunk: u64, records: &[Json]) -> Result<Json, String> {
        put(self.dir(), submission, chunk, records)
    }

    /// Its folder, once it is ready.
    pub fn dir(&self) -> &Path {
        self.wait_for("ready.json");
        &self.dir
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.lock().unwrap().id()
    }

    /// URL of its public log, as its `run/ready.json` says, if it has one.
    pub fn public_log(&self) -> Option<String> {
        let ready = std::fs::read_to_string(self.dir().join("run/ready.json")).unwrap();
        serde_json::from_str::<Json>(&ready).unwrap()["public_log"].as_str().map(str::to_owned)
    }

    /// Where threat platforms ask what there is, as its `run/ready.json` says, if they may.
    pub fn taxii(&self) -> Option<String> {
        let ready = std::fs::read_to_string(self.dir().join("run/ready.json")).unwrap();
        serde_json::from_str::<Json>(&ready).unwrap()["taxii"].as_str().map(str::to_owned)
    }

    /// URL and token of its local interface.
    pub fn api(&self) -> (String, String) {
        api(self.dir()).unwrap()
    }

    fn close(&mut self) {
        // A test that failed while it held the process must not leave it running.
        let child = self.child.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        drop(child.stdin.take());
        let began = Instant::now();
        while matches!(child.try_wait(), Ok(None)) {
            if began.elapsed() > PATIENCE {
                let _ = child.kill();
            }
            std::thread::sleep(LOOK);
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.close();
    }
}

/// The largest resident set that a running process ever had, in bytes; `None` when it has ended.
pub fn peak_rss(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let kib = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().strip_suffix(" kB")?;
    Some(kib.trim().parse::<u64>().ok()? * 1_024)
}

/// Submits to whatever node runs in `dir` now.
pub fn put(dir: &Path, submission: &str, chunk: u64, records: &[Json]) -> Result<Json, String> {
    let (url, token) = api(dir)?;
    let mut response = ureq::put(format!("{url}/v1/submissions/{submission}/chunks/{chunk}"))
        .header("Authorization", format!("Bearer {token}"))
        .header("Content-Type", "application/json")
        .send(serde_json::to_vec(records).unwrap())
        .map_err(|e| e.to_string())?;
    let text = response.body_mut().read_to_string().map_err(|e| e.to_string())?;
    serde_json::from_str(&text).map_err(|e| e.to_string())
}

fn send(request: ureq::RequestBuilder<ureq::typestate::WithBody>, body: &Json) -> (u16, Json) {
    let request = request.config().http_status_as_error(false).build();
    let mut response = request.send(serde_json::to_vec(body).unwrap()).unwrap();
    let text = response.body_mut().read_to_string().unwrap();
    (response.status().as_u16(), serde_json::from_str(&text).unwrap())
}

/// URL and token of the local interface of whatever node runs in `dir` now.
pub fn api(dir: &Path) -> Result<(String, String), String> {
    let text = std::fs::read_to_string(dir.join("run/api.json")).map_err(|e| e.to_string())?;
    let json: Json = serde_json::from_str(&text).map_err(|e| e.to_string())?;
    let field = |name: &str| json[name].as_str().map(str::to_owned).ok_or_else(|| format!("no {name}"));
    Ok((field("url")?, field("token")?))
}
