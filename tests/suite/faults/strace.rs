//! `strace` as a broken disk: the n-th system call of a node's thread that touches some of the node's files fails, every one
//! from there on fails, or the node is killed as it makes it.
//!
//! Files are named one by one (`-P`), since `strace` knows no patterns: those that are there, and the numbers that RocksDB
//! will give next. So nothing is counted or failed but writes to disk: no socket, no pipe, no eventfd. Counts are each
//! thread's own.

use std::ffi::OsString;
use std::fmt;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Numbers of RocksDB's files beyond the largest one there; a start takes some twenty.
const NUMBERS_AHEAD: u64 = 150;

const WRITES: &str = "write,pwrite64,writev,pwritev,pwritev2";
const SYNCS: &str = "fdatasync,fsync";
/// Some platforms have not all of them.
const RENAMES: &str = "?rename,?renameat,?renameat2";

/// Calls that touch certain files.
pub(crate) struct Target {
    /// For people.
    pub(crate) name: &'static str,
    calls: &'static [&'static str],
    files: Files,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Files {
    /// RocksDB's write-ahead log: every commit.
    Journal,
    /// The lock file, which remembers what was signed.
    Lock,
    /// RocksDB's tables.
    Tables,
    /// RocksDB's list of its files.
    Manifest,
    /// The files of data keys.
    Keys,
    /// Files that are written beside and renamed: which list is current, the options.
    Beside,
    /// All of them, with RocksDB's own messages, its folder and the files that say how to reach the node.
    All,
}

pub(crate) const JOURNAL: Target = Target { name: "journal write", calls: &[WRITES], files: Files::Journal };
pub(crate) const JOURNAL_SYNC: Target = Target { name: "journal sync", calls: &[SYNCS], files: Files::Journal };
pub(crate) const LOCK: Target = Target { name: "lock file write", calls: &[WRITES], files: Files::Lock };
pub(crate) const LOCK_SYNC: Target = Target { name: "lock file sync", calls: &[SYNCS], files: Files::Lock };
pub(crate) const TABLE: Target = Target { name: "table write", calls: &[WRITES], files: Files::Tables };
pub(crate) const TABLE_SYNC: Target = Target { name: "table sync", calls: &[SYNCS], files: Files::Tables };
pub(crate) const MANIFEST: Target = Target { name: "manifest write", calls: &[WRITES], files: Files::Manifest };
pub(crate) const MANIFEST_SYNC: Target = Target { name: "manifest sync", calls: &[SYNCS], files: Files::Manifest };
pub(crate) const RENAME: Target = Target { name: "rename", calls: &[RENAMES], files: Files::Beside };
pub(crate) const KEYS: Target = Target {
    name: "any write, sync, rename of data keys",
    calls: &[WRITES, SYNCS, RENAMES, "?unlink,?unlinkat"],
    files: Files::Keys,
};
pub(crate) const ANY: Target = Target {
    name: "any write, sync, rename",
    calls: &[WRITES, SYNCS, RENAMES, "sync_file_range,ftruncate,?fallocate"],
    files: Files::All,
};

/// What happens to the call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It fails with this error.
    Once(&'static str),
    /// It and all after it fail with this error.
    From(&'static str),
    /// The node is killed before the call does anything.
    Kill,
}

/// When `strace` comes to the node.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It starts the node for the first time.
    Birth,
    /// It starts the node again.
    Start,
    /// It comes to a running node, before records are submitted.
    Append,
}

/// One fault.
pub(crate) struct Fault {
    pub(crate) target: &'static Target,
    pub(crate) failure: Failure,
    pub(crate) phase: Phase,
    /// Which call, from 1.
    pub(crate) at: u64,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phase = match self.phase {
            Phase::Birth => "from the first start",
            Phase::Start => "from the start",
            Phase::Append => "while appending",
        };
        let (at, name) = (self.at, self.target.name);
        match self.failure {
            Failure::Once(error) => write!(f, "{error} at {name} {at} {phase}"),
            Failure::From(error) => write!(f, "{error} from {name} {at} on {phase}"),
            Failure::Kill => write!(f, "killed at {name} {at} {phase}"),
        }
    }
}

/// Why `strace` cannot be used here, if it cannot.
pub(crate) fn missing() -> Option<String> {
    match Command::new("strace").args(["-f", "-o", "/dev/null", "-e", "trace=fdatasync", "true"]).output() {
        Err(error) => Some(format!("strace: {error}")),
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
    }
}

impl Fault {
    /// The command that runs a node in `dir` with this fault; the program follows it. What it does goes to `trace`.
    pub(crate) fn command(&self, dir: &Path, trace: &Path) -> Vec<OsString> {
        let mut words: Vec<OsString> = vec!["strace".into()];
        if self.failure != Failure::Kill {
            // So that other calls cost nothing. The stops that it brings take no signal.
            words.push("--seccomp-bpf".into());
        }
        words.extend(self.arguments(dir, trace));
        words
    }

    /// Brings the fault to a running process, and returns once it is there. `strace` ends with that process.
    pub(crate) fn attach(&self, pid: u32, dir: &Path, trace: &Path) -> Child {
        let mut child = Command::new("strace")
            .args(self.arguments(dir, trace))
            .args(["-p", &pid.to_string()])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        assert!(line.contains("attached"), "{line}");
        // It says more of each thread, which nobody needs; a full pipe would hold it up.
        std::thread::spawn(move || said.read_to_end(&mut Vec::new()));
        child
    }

    fn arguments(&self, dir: &Path, trace: &Path) -> Vec<OsString> {
        let calls = self.target.calls.join(",");
        let what = match self.failure {
            Failure::Once(error) => format!("error={error}:when={}", self.at),
            Failure::From(error) => format!("error={error}:when={}+", self.at),
            Failure::Kill => format!("signal=SIGKILL:when={}", self.at),
        };
        let mut words: Vec<OsString> = vec!["-f".into(), "-y".into(), "-s".into(), "0".into(), "-o".into()];
        words.push(trace.into());
        for expression in [format!("trace={calls}"), format!("inject={calls}:{what}")] {
            words.extend(["-e".into(), expression.into()]);
        }
        words.extend(paths(self.target.files, dir).into_iter().flat_map(|path| ["-P".into(), path.into()]));
        words
    }
}

/// The call that the fault hit, as `strace` wrote it down; `None` if none was reached.
pub(crate) fn hit(trace: &Path) -> Option<String> {
    let text = std::fs::read_to_string(trace).unwrap();
    let injected = text.lines().find(|line| line.contains("(INJECTED)"));
    let killed = || text.lines().any(|line| line.contains("+++ killed by SIGKILL")).then(|| text.lines().last());
    injected.or_else(|| killed().flatten()).map(str::to_owned)
}

/// The files by name.
fn paths(files: Files, dir: &Path) -> Vec<PathBuf> {
    let data = dir.join("data");
    let names = std::fs::read_dir(&data).map(|all| all.map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>());
    // 000012.sst, MANIFEST-000012; of LOG.old.1700000000000000 none.
    let number = |name: &OsString| {
        let six = |part: &&str| part.len() == 6 && part.bytes().all(|byte| byte.is_ascii_digit());
        name.to_str()?.split(['-', '.']).find(six)?.parse().ok()
    };
    let mut numbers: Vec<u64> = names.unwrap_or_default().iter().filter_map(number).collect();
    let last = numbers.iter().max().copied().unwrap_or(0);
    numbers.extend((last + 1..=last + NUMBERS_AHEAD).chain([0]));
    numbers.sort_unstable();
    numbers.dedup();
    let mut paths = Vec::new();
    let mut add = |kind: Files, name: fn(u64) -> String| {
        if files == kind || files == Files::All {
            paths.extend(numbers.iter().map(|number| data.join(name(*number))));
        }
    };
    add(Files::Journal, |number| format!("{number:06}.log"));
    add(Files::Tables, |number| format!("{number:06}.sst"));
    add(Files::Manifest, |number| format!("MANIFEST-{number:06}"));
    add(Files::Beside, |number| format!("{number:06}.dbtmp"));
    add(Files::Beside, |number| format!("OPTIONS-{number:06}.dbtmp"));
    if matches!(files, Files::Lock | Files::All) {
        paths.push(dir.join("log.lock"));
    }
    if files == Files::Keys {
        let keys = dir.join("keys");
        let names = ["data.keys", "wrap.key", "wrap.key.next", ".data.keys.new", ".wrap.key.next.new"];
        paths.extend(names.map(|name| keys.join(name)));
        paths.push(keys);
    }
    if files == Files::All {
        let run = dir.join("run");
        paths.extend([data.join("LOG"), data, run.join(".api.json.new"), run.join(".ready.json.new")]);
    }
    paths
}
