//! For the tests: logs made with the protocol's encoders, commands as a person types them, a small web server.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;

use clap::Parser as _;
use ed25519_dalek::SigningKey;
use luxor_protocol::tlog::{
    Checkpoint, Edge, Hash, KeyType, Note, TilePath, TileWidth, VerifierKey, encode_bundle, leaf_hash, paths_of,
};
use serde_json::Value as Json;

use super::report::Report;
use super::{EvidenceCommand, LogCommand, check_proof, consistency, evidence, export, prove, verify, witness};
use crate::args::{Cli, Command};
use crate::exit::Exit;

pub(super) const ORIGIN: &str = "log.example/1";

pub(super) fn secret(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

pub(super) fn log_key() -> VerifierKey {
    VerifierKey::new(ORIGIN, KeyType::Ed25519, &secret(5).verifying_key()).unwrap()
}

pub(super) fn entry(index: u64, fork_at: u64) -> Vec<u8> {
    format!("{}entry-{index}", if index >= fork_at { "other-" } else { "" }).into_bytes()
}

/// A log's files in a folder of this size; entries from `fork_at` on are other ones. Gives the signed checkpoint.
pub(super) fn make(dir: &Path, size: u64, fork_at: u64) -> Note {
    let (mut edge, mut completed) = (Edge::new(), Vec::new());
    (0..size).for_each(|index| edge.push(leaf_hash(&entry(index, fork_at)), &mut completed));
    let full: HashMap<_, Vec<Hash>> =
        completed.into_iter().map(|tile| ((tile.level, tile.index), tile.hashes)).collect();
    let note = Checkpoint::new(ORIGIN, size, edge.root()).sign(&secret(5)).unwrap();
    for path in paths_of(size) {
        let bytes = match path {
            TilePath::Checkpoint => note.to_bytes(),
            TilePath::Entries { index, width } => {
                encode_bundle((0..width.get() as u64).map(|at| entry(index * 256 + at, fork_at))).unwrap()
            }
            TilePath::Tile { level, index, width } if width == TileWidth::FULL => full[&(level.get(), index)].concat(),
            TilePath::Tile { level, .. } => edge.partial_tile(level.get()).concat(),
        };
        let file = dir.join(path.to_string());
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, bytes).unwrap();
    }
    note
}

/// A folder for one test.
pub(super) struct Place(tempfile::TempDir);

impl Place {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(super) fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// Makes a log under a name.
    pub(super) fn log(&self, name: &str, size: u64, fork_at: u64) -> String {
        make(&self.path(name), size, fork_at);
        self.text(name)
    }

    pub(super) fn files(&self, name: &str) -> Vec<String> {
        let (mut found, mut folders) = (Vec::new(), vec![self.path(name)]);
        while let Some(folder) = folders.pop() {
            for item in fs::read_dir(folder).unwrap() {
                let path = item.unwrap().path();
                match path.is_dir() {
                    true => folders.push(path),
                    false => found.push(path.strip_prefix(self.path(name)).unwrap().to_str().unwrap().to_owned()),
                }
            }
        }
        found.sort();
        found
    }
}

/// Flips a bit in a file.
pub(super) fn damage(file: &Path, at: usize) {
    let mut bytes = fs::read(file).unwrap();
    bytes[at] ^= 1;
    fs::write(file, bytes).unwrap();
}

/// Runs a command; gives its JSON, or its error and exit code.
pub(super) fn luxor(args: &[&str]) -> Result<Json, (Exit, String)> {
    let command = Cli::try_parse_from([&["luxor"], args].concat()).map_err(|e| (Exit::Usage, e.to_string()))?.command;
    let mut report = Report::default();
    let outcome = match &command {
        Command::Log(LogCommand::Export(args)) => export::export(args, &mut report),
        Command::Log(LogCommand::Verify(args)) => verify::verify(args, &mut report),
        Command::Log(LogCommand::Prove(args)) => prove::prove(args, &mut report).map(|_| ()),
        Command::Log(LogCommand::CheckProof(args)) => check_proof::check(args, &mut report),
        Command::Log(LogCommand::Consistency(args)) => consistency::consistency(args, &mut report),
        Command::Log(LogCommand::Witness(args)) => witness::witness(args, &mut report),
        Command::Evidence(EvidenceCommand::Verify(args)) => evidence::proves(args, &mut report),
        Command::Evidence(EvidenceCommand::Make(args)) => evidence::contradiction(args, &mut report),
        other => panic!("{other:?}"),
    };
    let settled = report.settle(outcome).map(|()| report.object());
    settled.map_err(|error| (Exit::of(&error), format!("{error:#}")))
}

/// The findings, of which there must be some.
pub(super) fn findings(args: &[&str]) -> String {
    let report = luxor(args).unwrap();
    assert_eq!(report["ok"], false, "{report}");
    report["findings"].as_array().unwrap().iter().map(|f| f.as_str().unwrap()).collect::<Vec<_>>().join("\n")
}

/// What must hold.
pub(super) fn holds(args: &[&str]) -> Json {
    let report = luxor(args).unwrap();
    assert_eq!(report["ok"], true, "{report}");
    report
}

type Answer = Box<dyn Fn(&str, &[u8]) -> (u16, Vec<u8>) + Send>;

/// Answers `path` and body with status and body, one connection for each request. Dropping it ends it.
pub(crate) struct Server {
    pub(crate) url: String,
    pub(super) asked: Arc<AtomicUsize>,
    /// Requests with the token `secret`.
    pub(super) authorized: Arc<AtomicUsize>,
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn new(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let ends = Arc::new(AtomicBool::new(false));
        let (asked, authorized) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (ended, all, with_token) = (ends.clone(), asked.clone(), authorized.clone());
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if ended.load(Ordering::SeqCst) {
                    break;
                }
                all.fetch_add(1, Ordering::SeqCst);
                serve(stream.unwrap(), &answer, &with_token);
            }
        });
        Self { url, asked, authorized, ends, thread: Some(thread) }
    }

    /// Serves a folder's files below `/log/`.
    pub(crate) fn of(folder: PathBuf) -> Self {
        Self::new(Box::new(move |path, _| {
            let file = path.strip_prefix("/log/").map(|path| folder.join(path));
            file.and_then(|file| fs::read(file).ok()).map_or((404, b"none".to_vec()), |bytes| (200, bytes))
        }))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.url.trim_start_matches("http://"));
        self.thread.take().unwrap().join().unwrap();
    }
}

/// Answers one request, and counts it first if it has the token: who has the answer may look at the count.
fn serve(stream: TcpStream, answer: &Answer, with_token: &AtomicUsize) {
    let mut reader = BufReader::new(&stream);
    let (mut path, mut length, mut line, mut token) = (String::new(), 0, String::new(), false);
    loop {
        line.clear();
        reader.read_line(&mut line).unwrap();
        let text = line.trim_end().to_ascii_lowercase();
        if text.is_empty() {
            break;
        }
        if path.is_empty() {
            path = line.split(' ').nth(1).unwrap().to_owned();
        }
        token |= text == "authorization: bearer secret";
        if let Some(bytes) = text.strip_prefix("content-length:") {
            length = bytes.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    with_token.fetch_add(usize::from(token), Ordering::SeqCst);
    let (status, bytes) = answer(&path, &body);
    let head = format!("HTTP/1.1 {status} Word\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", bytes.len());
    let _ = (&stream).write_all(&[head.as_bytes(), &bytes].concat());
}
