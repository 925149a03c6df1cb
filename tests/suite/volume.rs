//! Volume: more data than the memory that it may take. CI runs a part; `LUXOR_TEST_LONG` sets the full amounts.
//!
//! Each test prints one line with what it measured; `cargo test … -- --show-output` shows it.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use luxor_protocol::cbor::{Encode as _, Writer};
use luxor_protocol::limits::MAX_CHUNK_RECORDS;
use luxor_protocol::record::content_from_json;
use luxor_tests::{Daemon, Network, PATIENCE, agreement, peak_rss, program};
use serde_json::{Value as Json, json};

/// Bytes that `luxor submit` may take, whatever the size of its file.
const MAX_SUBMIT_RSS: u64 = 64 * 1024 * 1024;
/// Bytes that a node may take, however much passes through it.
const MAX_NODE_RSS: u64 = 300_000_000;
/// Pause between two looks at a process.
const LOOK: Duration = Duration::from_millis(10);
/// One row in so many has a date that does not exist.
const BAD_ROW_EVERY: u64 = 1_000;
/// The first declaration id; those of a file follow each other.
const FIRST_ID: u64 = 10_000_000;

fn long() -> bool {
    std::env::var_os("LUXOR_TEST_LONG").is_some()
}

fn found() -> (Network, Daemon, Daemon) {
    let flow = agreement("ab", "sender", "recipient", "declaration", "safety_security", "[\"*\"]");
    let network = Network::found(&[("sender", "platform", "CN"), ("recipient", "customs", "KR")], &[flow]);
    for member in ["sender", "recipient"] {
        // As in operation; the harness turns compression off for tests that search the disk.
        let file = network.dir(member).join("luxord.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains("compression = false"), "{text}");
        std::fs::write(&file, text.replace("compression = false", "compression = true")).unwrap();
    }
    let (sender, recipient) = (network.start("sender"), network.start("recipient"));
    (network, sender, recipient)
}

#[test]
fn a_csv_file_goes_in_without_being_held() {
    let size = if long() { 100_000_000 } else { 10_000_000 };
    let (network, sender, recipient) = found();
    let file = network.root.path().join("declarations.csv");
    let (rows, bad) = write_csv(&file, size);

    let began = Instant::now();
    let (output, submit_rss) = submit(&file, sender.dir());
    let millis = began.elapsed().as_millis();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "refused rows are told by exit code 1: {errors}");
    let report: Json = serde_json::from_slice(&output.stdout).unwrap();
    let rss = [("luxor", submit_rss), ("sender", rss(&sender)), ("recipient", rss(&recipient))];
    println!("volume: CSV of {} in {rows} rows: {}", megabytes(size), figures(rows, millis, &rss));

    // Every row is refused or accepted, every accepted one has a receipt and is there once.
    assert_eq!((&report["refused_by_mapping"], &report["refused_by_node"]), (&json!(bad), &json!(0)), "{report}");
    assert_eq!(report["accepted"], rows - bad);
    assert_eq!(report["pending"], 0);
    let sent = &sender.get("/v1/status")["sent"];
    assert_eq!((&sent["accepted"], &sent["rejected"]), (&json!(rows - bad), &json!(0)), "{sent}");
    let times = times_arrived(&recipient, rows, |reference| reference.parse::<u64>().unwrap() - FIRST_ID);
    assert!((0..rows).zip(times).all(|(row, times)| times == u8::from(!is_bad(row))));

    assert!(submit_rss < MAX_SUBMIT_RSS, "luxor submit took {submit_rss} bytes");
    assert_small([&sender, &recipient]);
}

#[test]
fn many_records_pass_through_small_nodes() {
    let records = if long() { 1_000_000 } else { 20_000 };
    let (_network, sender, recipient) = found();
    let began = Instant::now();
    for (chunk, first) in (0..records).step_by(MAX_CHUNK_RECORDS).enumerate() {
        let last = records.min(first + MAX_CHUNK_RECORDS as u64);
        let mut writer = Writer::new();
        writer.array(usize::try_from(last - first).unwrap());
        for index in first..last {
            writer.raw(&content_from_json(&parcel(index)).unwrap().to_cbor());
        }
        put(&sender, chunk, &writer.into_bytes());
    }
    settle(&sender);
    let millis = began.elapsed().as_millis();
    let peaks = [("sender", rss(&sender)), ("recipient", rss(&recipient))];
    println!("volume: {records} records from node to node: {}", figures(records, millis, &peaks));

    let received = &recipient.get("/v1/status")["received"];
    assert_eq!((&received["accepted"], &received["rejected"]), (&json!(records), &json!(0)), "{received}");
    let times = times_arrived(&recipient, records, |reference| reference[2..].parse().unwrap());
    assert!(times.iter().all(|times| *times == 1));
    assert_small([&sender, &recipient]);
}

fn is_bad(row: u64) -> bool {
    row.is_multiple_of(BAD_ROW_EVERY)
}

/// Writes declarations in the form of the BACUDA data set; returns how many rows there are, and how many are wrong.
fn write_csv(path: &Path, size: u64) -> (u64, u64) {
    let mut file = BufWriter::new(File::create(path).unwrap());
    let heading = "Declaration ID,Date,Office ID,Process Type,Import Type,Import Use,Payment Type,Mode of Transport,\
                   Declarant ID,Importer ID,Seller ID,Courier ID,HS6 Code,Country of Departure,Country of Origin,\
                   Tax Rate,Tax Type,Country of Origin Indicator,Net Mass,Item Price,Fraud,Critical Fraud\n";
    file.write_all(heading.as_bytes()).unwrap();
    let (mut written, mut rows, mut bad) = (heading.len(), 0, 0);
    while (written as u64) < size {
        let date = if is_bad(rows) { "2020-02-30" } else { "2020-02-29" };
        bad += u64::from(is_bad(rows));
        let row = format!(
            "{},{date},30,B,11,21,11,10,Z{:06},Q{:06},V{:06},,440890,BE,CN,8.0,FEU1,G,{}.5,{}.25,0,0\n",
            FIRST_ID + rows,
            rows % 977,
            rows % 99_991,
            rows % 7_919,
            1 + rows % 5_000,
            1 + rows % 1_000_000,
        );
        file.write_all(row.as_bytes()).unwrap();
        written += row.len();
        rows += 1;
    }
    file.flush().unwrap();
    (rows, bad)
}

/// Runs `luxor submit` to its end and watches the largest resident set it ever had.
fn submit(file: &Path, node: &Path) -> (Output, u64) {
    let mut child = Command::new(program("luxor"))
        .args(["submit", "--json", "--mapping", "bacuda", "--wait", "600", "--node"])
        .args([node, file])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut peak = 0;
    // What it writes fits the pipes: one report and a bounded number of refused rows.
    while child.try_wait().unwrap().is_none() {
        // Gone between the two looks: the last figure stands.
        peak = peak_rss(child.id()).unwrap_or(peak);
        std::thread::sleep(LOOK);
    }
    (child.wait_with_output().unwrap(), peak)
}

/// A declaration with the groups that a platform fills, about a kilobyte.
fn parcel(index: u64) -> Json {
    let name = format!("Sender {} Works", index % 977);
    json!({
        "type": "declaration", "version": 1,
        "filing": {"own_reference": format!("P-{index}"), "kind": "pre_advice", "filed_on": "2026-11-02"},
        "item": {"scheme": "s10", "issuer": "post", "id": format!("LX{index:08}0CN"), "posted_on": "2026-11-02"},
        "route": {"destination": "KR", "departure": "CN", "mode": "4"},
        "mass": {"gross_kg": "0.845", "packages": 1},
        "sender": {"name": name, "street": "Harbour Road", "number": "12", "city": "Shenzhen", "country": "CN"},
        "addressee": {"name": format!("Buyer {index}"), "street": "Garden Street", "number": "7", "city": "Seoul",
            "postcode": "04524", "country": "KR", "email": format!("buyer{index}@orders.example")},
        "seller": {"account": format!("shop-{:06}", index % 7_919), "name": name, "country": "CN"},
        "order": {"reference": format!("ORD{index:010}"), "price": "42.50", "currency": "USD"},
        "goods": [{
            "content": {"description": "Cotton shirt, knitted, blue", "units": 2},
            "classification": {"hs": "610910"},
            "value": {"amount": "42.50", "currency": "USD"},
            "origin": {"country": "CN", "net_kg": "0.700"},
        }],
    })
}

/// Puts a chunk, again while the node is busy.
fn put(node: &Daemon, chunk: usize, bytes: &[u8]) {
    let (url, token) = node.api();
    let began = Instant::now();
    loop {
        let request = ureq::put(format!("{url}/v1/submissions/volume/chunks/{chunk}"))
            .header("Authorization", format!("Bearer {token}"))
            .content_type("application/cbor");
        match request.send(bytes) {
            Ok(_) => return,
            Err(error) => assert!(
                matches!(error, ureq::Error::StatusCode(503)) && began.elapsed() < PATIENCE,
                "chunk {chunk}: {error}"
            ),
        }
        std::thread::sleep(LOOK);
    }
}

/// Waits until everything has its receipt, as long as it goes on.
fn settle(sender: &Daemon) {
    let (mut moved, mut settled) = (Instant::now(), Json::Null);
    loop {
        let state = sender.get("/v1/outbox?wait_ms=1000");
        if state["pending"] == 0 {
            return;
        }
        if state["sent"] != settled {
            (moved, settled) = (Instant::now(), state["sent"].clone());
        }
        assert!(moved.elapsed() < PATIENCE, "{state}");
    }
}

/// How often each of `count` records is in a node's inbox.
fn times_arrived(node: &Daemon, count: u64, index: impl Fn(&str) -> u64) -> Vec<u8> {
    let mut times = vec![0u8; usize::try_from(count).unwrap()];
    let mut after = String::new();
    loop {
        let page = node.get(&format!("/v1/inbox?limit=100{after}"));
        for item in page["items"].as_array().unwrap() {
            for shown in node.get(&format!("/v1/inbox/{}", item["index"]))["records"].as_array().unwrap() {
                let reference = shown["record"]["filing"]["own_reference"].as_str().unwrap();
                times[usize::try_from(index(reference)).unwrap()] += 1;
            }
        }
        let Some(next) = page["next"].as_u64() else { return times };
        after = format!("&after={next}");
    }
}

fn rss(node: &Daemon) -> u64 {
    peak_rss(node.pid()).expect("the node runs")
}

/// Sees that nodes stayed below their bound, all of this test's reading included.
fn assert_small(nodes: [&Daemon; 2]) {
    for node in nodes {
        let peak = rss(node);
        assert!(peak < MAX_NODE_RSS, "the node in {} took {peak} bytes", node.dir().display());
    }
}

fn figures(records: u64, millis: u128, peaks: &[(&str, u64)]) -> String {
    let rate = u128::from(records) * 1_000 / millis.max(1);
    let peaks: Vec<_> = peaks.iter().map(|(name, bytes)| format!("{name} {}", megabytes(*bytes))).collect();
    format!("{}.{} s, {rate} records/s, peak RSS {}", millis / 1_000, millis % 1_000 / 100, peaks.join(", "))
}

fn megabytes(bytes: u64) -> String {
    format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000)
}
