//! For tests: a node's interface played by a thread, and the folder in which a command finds it.

#![allow(clippy::unwrap_used)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use luxor_protocol::api::{ChunkResult, RecordResult};
use luxor_protocol::cbor::Reader;

/// Requests: first line and body, in their order.
type Seen = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// A node that answers health itself and everything else as it is told.
pub(crate) struct Stub {
    dir: tempfile::TempDir,
    seen: Seen,
}

impl Stub {
    /// Plays a node that answers a request, by its first line and body, with a status and a text; status 0 hangs up without an answer.
    pub(crate) fn new(answer: impl FnMut(&str, &[u8]) -> (u16, String) + Send + 'static) -> Self {
        let (dir, seen) = (tempfile::tempdir().unwrap(), Seen::default());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let api = format!(r#"{{"url":"http://{}","token":"t"}}"#, listener.local_addr().unwrap());
        std::fs::create_dir(dir.path().join("run")).unwrap();
        std::fs::write(dir.path().join("run/api.json"), api).unwrap();
        let kept = Arc::clone(&seen);
        std::thread::spawn(move || play(&listener, &kept, answer));
        Self { dir, seen }
    }

    /// The node's folder.
    pub(crate) fn dir(&self) -> &str {
        self.dir.path().to_str().unwrap()
    }

    /// What was asked, health left out.
    pub(crate) fn seen(&self) -> Vec<(String, Vec<u8>)> {
        self.seen.lock().unwrap().clone()
    }
}

/// The answer to a chunk: each record accepted for two recipients.
pub(crate) fn accept(chunk: &[u8]) -> String {
    each(chunk, || RecordResult::Accepted {
        root: "00".into(),
        recipients: 2,
        lost: Vec::new(),
        others: Vec::new(),
        left_out: Vec::new(),
        left_out_more: 0,
        findings: Vec::new(),
    })
}

/// The answer to a chunk with this for each record.
pub(crate) fn each(chunk: &[u8], result: impl Fn() -> RecordResult) -> String {
    let count = Reader::new(chunk).array(usize::MAX).unwrap();
    serde_json::to_string(&ChunkResult { records: (0..count).map(|_| result()).collect(), dispatches: 1 }).unwrap()
}

/// Reads one request; returns its first line and its body.
pub(crate) fn request(stream: &mut BufReader<TcpStream>) -> Option<(String, Vec<u8>)> {
    let (mut first, mut length) = (String::new(), 0);
    if stream.read_line(&mut first).ok()? == 0 {
        return None;
    }
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).ok()?;
        let line = line.trim().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if line.is_empty() {
            let mut body = vec![0; length];
            stream.read_exact(&mut body).ok()?;
            return Some((first, body));
        }
    }
}

fn play(listener: &TcpListener, seen: &Seen, mut answer: impl FnMut(&str, &[u8]) -> (u16, String)) {
    // The thread ends with the test's process; commands open one connection after the other.
    for stream in listener.incoming() {
        let mut stream = BufReader::new(stream.unwrap());
        while let Some((first, body)) = request(&mut stream) {
            let first = first.trim().to_owned();
            let health = first.starts_with("GET /v1/health");
            let (status, text) = if health { (200, "ok".to_owned()) } else { answer(&first, &body) };
            if !health {
                seen.lock().unwrap().push((first, body));
            }
            if status == 0 {
                break;
            }
            let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n", text.len());
            if stream.get_mut().write_all(format!("{head}{text}").as_bytes()).is_err() {
                break;
            }
        }
    }
}
