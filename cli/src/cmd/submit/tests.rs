//! Chunks, names of submissions, and a submission to a node that is played by a thread.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::{BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;

use luxor_protocol::api::{ChunkResult, Waits};
use luxor_protocol::limits::{MAX_CHUNK_BYTES, MAX_CHUNK_RECORDS};
use luxor_protocol::record::Fault;

use super::*;
use crate::args::NodeArgs;
use crate::chunks::Chunker;
use crate::client::stub::request;

fn args(dir: &Path, file: &Path) -> SubmitArgs {
    let node = NodeArgs { node: dir.to_str().unwrap().into(), json: true };
    SubmitArgs {
        node,
        file: file.to_owned(),
        urgent: false,
        format: None,
        mapping: None,
        refused: None,
        wait: None,
        submission: None,
    }
}

/// A record that reads; whether anybody may have it is the node's business.
fn record(reference: usize) -> String {
    format!(r#"{{"type":"declaration","filing":{{"own_reference":"R{reference}"}},"route":{{"destination":"KR"}}}}"#)
}

#[test]
fn chunks_keep_their_bounds_and_their_records() {
    for (size, per_chunk) in [(10, MAX_CHUNK_RECORDS), (200 * 1024, 5)] {
        let mut chunker = Chunker::default();
        let count = 2 * per_chunk + 1;
        let record = vec![0xf6; size]; // some CBOR items; only the bounds matter here
        let place = |line: usize| Place { line: line as u64, rows: 1 };
        let mut chunks: Vec<_> = (0..count).filter_map(|line| chunker.push(&record, place(line))).collect();
        chunks.extend(chunker.take());
        assert!(chunker.take().is_none());
        assert_eq!(chunks.iter().map(|c| c.number).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(chunks.iter().map(|c| c.places.len()).collect::<Vec<_>>(), [per_chunk, per_chunk, 1]);
        for chunk in &chunks {
            assert!(chunk.bytes.len() <= MAX_CHUNK_BYTES);
            assert_eq!(Reader::new(&chunk.bytes).array(usize::MAX), Ok(chunk.places.len()));
        }
        assert_eq!(chunks[2].places[0], place(count - 1));
    }
}

#[test]
fn the_content_names_the_submission() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (dir.path().join("a.ndjson"), dir.path().join("b.ndjson"));
    let id = |path: &Path| Input::open(&args(dir.path(), path)).unwrap().submission_id().unwrap();
    std::fs::write(&a, record(1)).unwrap();
    std::fs::write(&b, record(1)).unwrap();
    assert_eq!(id(&a), id(&b));
    std::fs::write(&b, record(2)).unwrap();
    assert_ne!(id(&a), id(&b));
    assert!(id(&a).parse::<luxor_protocol::names::Slug>().is_ok());
    assert_ne!(id(Path::new("-")), id(Path::new("-")));
}

#[test]
fn csv_without_mapping_is_canonical_or_refused() {
    let dir = tempfile::tempdir().unwrap();
    let read = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        let (sender, items) = sync_channel(8);
        let read = rows::read(&Input::open(&args(dir.path(), &path)).unwrap(), &sender);
        drop(sender);
        read.map(|()| items.iter().filter(|item| matches!(item, Item::Chunk(_))).count())
    };
    let head = "record,type,version,items,goods,filing.own_reference,route.destination\n";
    assert_eq!(read("a.csv", &format!("{head}1,declaration,3,0,,A,KR\n")).unwrap(), 1);
    let error = read("orders.CSV", "InvoiceNo,Price\n").unwrap_err();
    assert_eq!(Exit::of(&error), Exit::Refused);
    assert!(error.to_string().contains("another file needs a mapping"), "{error}");
}

#[test]
fn the_name_or_the_format_tells_what_a_file_is() {
    let dir = tempfile::tempdir().unwrap();
    let xml = dir.path().join("a.XML");
    std::fs::write(&xml, record(1)).unwrap();
    let id = |format: Option<&str>, mapping: Option<&str>| {
        let (format, mapping) = (format.map(str::to_owned), mapping.map(str::to_owned));
        let args = SubmitArgs { format, mapping, ..args(dir.path(), &xml) };
        Input::open(&args).unwrap().submission_id().unwrap()
    };
    assert_eq!(id(None, None), id(Some("wco"), None));
    assert_eq!(id(None, Some("bacuda")), id(Some("bacuda"), None));
    assert!(id(None, None) != id(Some("ndjson"), None) && id(None, None) != id(None, Some("bacuda")));
}

#[test]
fn documents_of_an_xml_file_are_records() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("declarations.xml");
    let good = luxor_protocol::bench::xml::declarations(2, 1);
    let bad = good.replacen("<FunctionalReferenceID>", "<FunctionalReferenceId>", 1);
    std::fs::write(&file, format!("{good}headers=List(a)\n{bad}")).unwrap();
    let (sender, items) = sync_channel(9);
    rows::read(&Input::open(&args(dir.path(), &file)).unwrap(), &sender).unwrap();
    drop(sender);
    let [Item::Refused(refusal), Item::Chunk(chunk)] = &items.into_iter().collect::<Vec<_>>()[..] else { panic!() };
    assert!(refusal.text().contains("declarations.xml:"), "{}", refusal.text());
    assert!(
        refusal.text().contains(": /MetaData/Declaration/FunctionalReferenceId: not well-formed"),
        "{}",
        refusal.text()
    );
    let lines: Vec<u64> = chunk.places.iter().map(|place| place.line).collect();
    assert!(lines.len() == 3 && lines[0] == 7 && lines.is_sorted(), "{lines:?}");
}

/// A node that is full at first, then refuses every second record.
fn play_node(listener: TcpListener) -> Vec<String> {
    let mut seen = Vec::new();
    let mut stream = BufReader::new(listener.accept().unwrap().0);
    while let Some((first, body)) = request(&mut stream) {
        let count = Reader::new(&body).array(usize::MAX).unwrap();
        let answer = if seen.is_empty() {
            "HTTP/1.1 503 Full\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n".to_owned()
        } else {
            let refused = |at| RecordResult::Refused {
                fault: Fault::NoRecipient,
                pointer: String::new(),
                reason: format!("{at}"),
                findings: Vec::new(),
                waits: Waits::Waits,
            };
            let records = (0..count).map(|at| match at % 2 {
                0 => RecordResult::Accepted {
                    root: "00".into(),
                    recipients: 1,
                    lost: Vec::new(),
                    others: Vec::new(),
                    left_out: Vec::new(),
                    left_out_more: 0,
                    findings: Vec::new(),
                },
                _ => refused(at),
            });
            let json = serde_json::to_string(&ChunkResult { records: records.collect(), dispatches: 1 }).unwrap();
            format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{json}", json.len())
        };
        seen.push(first);
        stream.get_mut().write_all(answer.as_bytes()).unwrap();
    }
    seen
}

#[test]
fn every_row_is_accounted_for() {
    let dir = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let api = format!(r#"{{"url":"http://{}","token":"t"}}"#, listener.local_addr().unwrap());
    std::fs::create_dir(dir.path().join("run")).unwrap();
    std::fs::write(dir.path().join("run/api.json"), api).unwrap();
    let (file, refused) = (dir.path().join("rows.ndjson"), dir.path().join("refused.ndjson"));
    let mut lines: Vec<_> = (0..4).map(record).collect();
    lines.insert(1, "not json".into());
    std::fs::write(&file, lines.join("\n")).unwrap();
    let node = std::thread::spawn(move || play_node(listener));
    let exit = run(&SubmitArgs { refused: Some(refused.clone()), ..args(dir.path(), &file) }).unwrap();
    assert_eq!(exit, Exit::Findings);
    let listed: Vec<serde_json::Value> =
        std::fs::read_to_string(refused).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let lines: Vec<_> = listed.iter().map(|r| (r["line"].as_u64().unwrap(), r["by"].as_str().unwrap())).collect();
    assert_eq!(lines, [(2, "reading"), (3, "node"), (5, "node")]);
    let seen = node.join().unwrap();
    assert_eq!(seen.len(), 2, "refused once with 503, then taken: {seen:?}");
    assert_eq!(seen[0], seen[1]);
}
