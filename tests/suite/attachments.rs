//! Attached files: handed in, named by a record, fetched by whom the record's group was shown to and by nobody else, range by range, each
//! verified when it comes; broken off and gone on with by either side; gone, file and key, with the last record that names them.

use std::path::{Path, PathBuf};

use luxor_node::attached::{AttachedFiles, Named};
use luxor_node::seal::Recipient;
use luxor_node::store::{AttachedRow, FileState, Store, Under};
use luxor_protocol::cbor::{Decode as _, Encode as _};
use luxor_protocol::exchange::{Answer, AttachmentRange, range_value};
use luxor_protocol::hash::{Digest, Domain};
use luxor_protocol::limits::{
    ATTACHMENT_RANGE_BYTES, MAX_ATTACHMENT_BYTES, MAX_ATTACHMENT_RANGES, MAX_SEALED_RANGE_BYTES,
};
use luxor_tests::{Daemon, Network, agreement, check, copy, luxor, luxor_json, on_disk, peak_rss, try_luxor, until};
use serde_json::{Value as Json, json};

use crate::erasure::{AFTER, erasures_killed_at_each_write};
use crate::faults::strace::{self, Fault};

const RANGE: usize = ATTACHMENT_RANGE_BYTES as usize;
/// Bytes that a node may take while the largest file passes through it.
const MAX_NODE_RSS: u64 = 300_000_000;

/// An agreement for the version of declarations that names attached files.
pub(crate) fn flow(id: &str, from: &str, to: &str, purpose: &str, groups: &str) -> String {
    agreement(id, from, to, "declaration", purpose, groups).replace("\nversion = 1\n", "\nversion = 3\n")
}

/// A sender, a recipient that is shown all groups, and a carrier that is not shown which files there are.
fn found() -> Network {
    let groups = "[\"filing\", \"item\", \"route\", \"attachments\"]";
    let flows = [
        flow("ab", "sender", "recipient", "safety_security", groups),
        flow("ac", "sender", "carrier", "delivery", "[\"item\", \"route\"]"),
    ];
    let members = [("sender", "platform", "CN"), ("recipient", "customs", "KR"), ("carrier", "carrier", "CN")];
    Network::found(&members, &flows)
}

fn two() -> Network {
    let groups = "[\"filing\", \"item\", \"route\", \"attachments\"]";
    let flow = flow("ab", "sender", "recipient", "safety_security", groups);
    Network::found(&[("sender", "platform", "CN"), ("recipient", "customs", "KR")], &[flow])
}

/// Bytes that look like none of another seed's, and their digest.
pub(crate) fn content(seed: u8, length: usize) -> (Vec<u8>, Digest) {
    let mut bytes = vec![0; length];
    let mut hasher = [seed; 32];
    for piece in bytes.chunks_mut(32) {
        hasher = *Digest::of(Domain::Chunk, &[&hasher]).0.first_chunk().unwrap();
        piece.copy_from_slice(&hasher[..piece.len()]);
    }
    let digest = plain_digest(&bytes);
    (bytes, digest)
}

/// BLAKE3 without key or domain.
fn plain_digest(bytes: &[u8]) -> Digest {
    Digest(*blake3::hash(bytes).as_bytes())
}

fn record(name: &str, files: &[(Digest, usize)]) -> Json {
    let attachments: Vec<Json> = files
        .iter()
        .map(|(digest, size)| json!({"digest": digest.hex(), "size": size, "name": "photo.jpg", "media_type": "image/jpeg"}))
        .collect();
    json!({"type": "declaration", "version": 3, "filing": {"own_reference": format!("REF-{name}")},
        "item": {"id": format!("ITEM-{name}")}, "route": {"destination": "KR"}, "attachments": attachments})
}

/// Hands a file in; gives what `luxor attach` says of it.
fn attach(network: &Network, node: &Daemon, name: &str, bytes: &[u8]) -> Json {
    let file = network.root.path().join(name);
    std::fs::write(&file, bytes).unwrap();
    luxor_json(&["attach", "--node", node.dir().to_str().unwrap(), file.to_str().unwrap()])[0].clone()
}

fn submit(node: &Daemon, name: &str, files: &[(Digest, usize)]) {
    let result = node.put(name, 0, &[record(name, files)]).unwrap();
    assert!(result["records"][0]["accepted"].is_object(), "{result}");
    node.outbox("the receipt", |state| state["pending"] == 0);
}

fn state(node: &Daemon, digest: &Digest) -> Json {
    node.get(&format!("/v1/attachments/{digest}"))
}

fn get(node: &Daemon, digest: &Digest, to: &Path) -> (i32, String) {
    let dir = node.dir().to_str().unwrap();
    let (code, text, errors) =
        try_luxor(&["attachment", "get", &digest.hex(), "--node", dir, "-o", to.to_str().unwrap(), "--wait", "60"]);
    (code, text + &errors)
}

/// A PUT of a part of a file; gives status and answer.
fn put(node: &Daemon, digest: &Digest, size: usize, offset: usize, bytes: &[u8]) -> (u16, Json) {
    let (url, token) = node.api();
    let request = ureq::put(format!("{url}/v1/attachments/{digest}?size={size}&offset={offset}"))
        .header("Authorization", format!("Bearer {token}"))
        .config()
        .http_status_as_error(false)
        .build();
    let mut response = request.send(bytes).unwrap();
    let text = response.body_mut().read_to_string().unwrap();
    (response.status().as_u16(), serde_json::from_str(&text).unwrap())
}

/// Bytes of the file that somebody reads who has this database with its files, and these keys.
fn opens(data: &Path, keys: &Path, digest: &Digest) -> Option<Vec<u8>> {
    let (store, unknown, fault) = Store::open_read_only(&data.join("data"), &keys.join("keys"), None).unwrap();
    assert!(unknown.is_empty() && fault.is_none(), "{unknown:?}, {fault:?}");
    let files = AttachedFiles::new(&data.join("data"));
    let mut found = None;
    store
        .try_keys(&store.keyring().keys(), |under, opened| {
            if under != Under::Attached {
                return;
            }
            // Whichever row it is: its key is tried on the file.
            let row = AttachedRow::from_cbor(&opened).unwrap();
            let file = Named { digest: *digest, size: row.size, key: &row.key };
            if row.state == FileState::Here
                && let Ok(bytes) = files.read(file, 0)
            {
                found = Some(bytes);
            }
        })
        .unwrap();
    found
}

fn file_of(dir: &Path, digest: &Digest) -> PathBuf {
    dir.join("data/attachments").join(digest.hex())
}

#[test]
fn a_file_reaches_whom_its_group_is_shown_to_and_nobody_else() {
    let network = found();
    let nodes = ["sender", "recipient", "carrier"].map(|member| network.start(member));
    let [sender, recipient, carrier] = &nodes;
    let (bytes, digest) = content(1, 3 * RANGE + 77);
    let (small, small_digest) = content(2, 1_000);

    // What is not here cannot be named, nor under another size.
    let refused = sender.put("early", 0, &[record("early", &[(small_digest, 1_000)])]).unwrap();
    let said = &refused["records"][0]["refused"];
    assert_eq!((&said["fault"], &said["pointer"]), (&json!("missing"), &json!("/attachments/1/digest")), "{refused}");
    let said = attach(&network, sender, "photo.jpg", &bytes);
    assert_eq!(said, json!({"digest": digest.hex(), "size": bytes.len(), "name": "photo.jpg"}));
    attach(&network, sender, "small.bin", &small);
    let refused = sender.put("wrong", 0, &[record("wrong", &[(digest, bytes.len()), (small_digest, 999)])]).unwrap();
    let said = &refused["records"][0]["refused"];
    assert_eq!((&said["fault"], &said["pointer"]), (&json!("value"), &json!("/attachments/2/size")), "{refused}");
    assert_eq!(
        sender.get("/v1/status")["attachments"],
        json!({"here": 2, "bytes": bytes.len() + 1_000, "incomplete": 0})
    );

    submit(sender, "one", &[(digest, bytes.len()), (small_digest, 1_000)]);
    assert_eq!(state(recipient, &digest)["state"], "absent");
    assert_eq!(state(recipient, &digest)["from"], json!(["sender/n1"]));
    let out = network.root.path().join("out");
    for (file, digest) in [(&bytes, digest), (&small, small_digest)] {
        let (code, text) = get(recipient, &digest, &out);
        assert_eq!(code, 0, "{text}");
        assert!(std::fs::read(&out).unwrap() == *file, "other bytes came");
        let info = state(recipient, &digest);
        assert_eq!((&info["state"], &info["have"]), (&json!("here"), &json!(file.len())));
    }
    // The carrier has the record, but does not know of the file; and it gets nothing when it does.
    until("the record", || (carrier.inbox().len() == 1).then_some(()));
    let (code, text) = get(carrier, &digest, &out);
    assert!(code == 4 && text.contains("no record here names one"), "{code} {text}");
    // What nobody named is nobody's either.
    let (other, other_digest) = content(3, 5_000);
    attach(&network, sender, "other.bin", &other);
    let (code, text) = get(recipient, &other_digest, &out);
    assert!(code == 4 && text.contains("no record here names one"), "{code} {text}");
    drop(nodes);
    for member in ["sender", "recipient", "carrier"] {
        check(&network.dir(member));
        assert!(!on_disk(&network.dir(member).join("data"), &bytes[..64]), "{member} keeps it as it is");
    }
    // A file that changed is found.
    let file = file_of(&network.dir("recipient"), &digest);
    let mut stored = std::fs::read(&file).unwrap();
    stored[2 * RANGE] ^= 1;
    std::fs::write(&file, &stored).unwrap();
    let dir = network.dir("recipient");
    let output = std::process::Command::new(luxor_tests::program("luxord"))
        .args(["--dir", dir.to_str().unwrap(), "check"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!output.status.success() && text.contains(&format!("attached file {digest}: ")), "{text}");
}

#[test]
fn what_is_handed_in_goes_on_where_it_was_broken_off_and_other_bytes_are_refused() {
    let network = two();
    let sender = network.start_alone("sender");
    let (bytes, digest) = content(4, 2 * RANGE + 500);
    let size = bytes.len();
    for (size, offset, word) in [(0, 0, "bad_request"), (268_435_457, 0, "bad_request"), (size, RANGE, "offset")] {
        let (status, answer) = put(&sender, &digest, size, offset, b"x");
        assert!(status >= 400 && answer["error"] == word, "{status} {answer}");
    }
    // Whole ranges stay, the rest of a broken stream does not.
    let (status, answer) = put(&sender, &digest, size, 0, &bytes[..RANGE + 300]);
    assert_eq!((status, &answer["have"]), (200, &json!(RANGE)), "{answer}");
    let (status, answer) = put(&sender, &digest, size + 1, RANGE, &bytes[RANGE..]);
    assert_eq!((status, &answer["error"]), (409, &json!("other_size")), "{answer}");
    sender.kill();
    let sender = network.start_alone("sender");
    assert_eq!(
        state(&sender, &digest),
        json!({"digest": digest.hex(), "state": "uploading", "size": size, "have": RANGE, "from": []})
    );
    let mut wrong = bytes[RANGE..].to_vec();
    wrong[RANGE + 3] ^= 1;
    let (status, answer) = put(&sender, &digest, size, RANGE, &wrong);
    assert_eq!((status, &answer["error"]), (422, &json!("digest")), "{answer}");
    assert_eq!(state(&sender, &digest)["have"], 0);
    let refused = sender.put("early", 0, &[record("early", &[(digest, size)])]).unwrap();
    assert_eq!(refused["records"][0]["refused"]["fault"], "missing", "{refused}");
    let (status, answer) = put(&sender, &digest, size, 0, &[&bytes[..], b"more"].concat());
    assert_eq!((status, &answer["error"]), (400, &json!("bad_request")), "{answer}");
    assert_eq!(state(&sender, &digest)["state"], "here");
    assert_eq!(put(&sender, &digest, size, 0, &bytes).0, 200);
    drop(sender);
    check(&network.dir("sender"));

    // Nobody named it, so it goes; and what no row names goes at the start.
    let stray = file_of(&network.dir("sender"), &Digest([7; 32]));
    std::fs::write(&stray, b"left behind").unwrap();
    check(&network.dir("sender"));
    let sender = network.start_with("sender", &["--clock-ahead-days", "3", "--without-witnesses"]).awake();
    assert!(!stray.exists());
    luxor(&["erase", "--node", sender.dir().to_str().unwrap(), "--due"]);
    assert_eq!(state(&sender, &digest)["state"], "absent");
    drop(sender);
    assert!(!file_of(&network.dir("sender"), &digest).exists());
    check(&network.dir("sender"));
}

#[test]
fn a_fetch_goes_on_after_a_kill_of_either_side() {
    let network = two();
    let [sender, recipient] = ["sender", "recipient"].map(|member| network.start(member));
    let (bytes, digest) = content(5, 48 * RANGE + 9);
    attach(&network, &sender, "large.bin", &bytes);
    submit(&sender, "large", &[(digest, bytes.len())]);
    let fetch = |node: &Daemon| node.post(&format!("/v1/attachments/{digest}/fetch"), &json!(null));
    let have = |node: &Daemon| state(node, &digest)["have"].as_u64().unwrap();
    assert_eq!(fetch(&recipient).0, 200);
    let before = until("a part", || Some(have(&recipient)).filter(|have| *have >= 2 * RANGE as u64));
    assert!(before < bytes.len() as u64, "it was faster than the test");
    recipient.kill();
    // Nobody asks for it again: it was being fetched.
    let recipient = network.start("recipient").awake();
    let after = have(&recipient);
    assert!(after >= before, "{after} of {before} are left");
    let before = until("more", || Some(have(&recipient)).filter(|have| *have > after));
    if before < bytes.len() as u64 {
        sender.kill();
        until("no answer", || state(&recipient, &digest)["why"].as_str().map(str::to_owned));
        assert!(have(&recipient) >= before);
        let sender = network.start("sender").awake();
        until("the rest", || (state(&recipient, &digest)["state"] == "here").then_some(()));
        drop(sender);
    }
    until("the file", || (state(&recipient, &digest)["state"] == "here").then_some(()));
    let out = network.root.path().join("out");
    assert_eq!(get(&recipient, &digest, &out).0, 0);
    assert!(std::fs::read(&out).unwrap() == bytes, "other bytes came");
    drop(recipient);
    check(&network.dir("recipient"));
}

#[test]
fn files_come_by_themselves_where_that_is_wanted_and_not_while_an_agreement_is_suspended() {
    let network = two();
    network.configure("recipient", "[attachments]\nfetch = \"all\"");
    let [sender, recipient] = ["sender", "recipient"].map(|member| network.start(member));
    let (bytes, digest) = content(6, RANGE + 1);
    attach(&network, &sender, "one.bin", &bytes);
    submit(&sender, "one", &[(digest, bytes.len())]);
    until("the file", || (state(&recipient, &digest)["state"] == "here").then_some(()));
    let (later, later_digest) = content(7, 3 * RANGE);
    attach(&network, &sender, "later.bin", &later);
    // The record is there, its file not yet, when the sender suspends.
    let recipient_dir = network.dir("recipient");
    drop(recipient);
    let text = std::fs::read_to_string(recipient_dir.join("luxord.toml")).unwrap();
    std::fs::write(recipient_dir.join("luxord.toml"), text.replace("fetch = \"all\"", "fetch = \"on_demand\""))
        .unwrap();
    let recipient = network.start("recipient").awake();
    submit(&sender, "later", &[(later_digest, later.len())]);
    let dir = sender.dir().to_str().unwrap();
    luxor(&["agreement", "suspend", "ab", "--reason", "a new law", "--node", dir]);
    recipient.post(&format!("/v1/attachments/{later_digest}/fetch"), &json!(null));
    let why = until("a refusal", || state(&recipient, &later_digest)["why"].as_str().map(str::to_owned));
    assert!(why.contains("sender/n1: lacks suspended") && why.contains("has suspended the agreement"), "{why}");
    assert_eq!(state(&recipient, &later_digest)["have"], 0);
    luxor(&["agreement", "resume", "ab", "--reason", "withdrawn", "--node", dir]);
    recipient.post(&format!("/v1/attachments/{later_digest}/fetch"), &json!(null));
    until("the file", || (state(&recipient, &later_digest)["state"] == "here").then_some(()));
}

#[test]
fn file_and_key_go_with_the_last_record_that_names_them_by_order_and_by_date() {
    let network = two();
    let members = ["sender", "recipient"];
    let nodes = members.map(|member| network.start(member));
    let [sender, recipient] = &nodes;
    let (bytes, digest) = content(8, RANGE + 40_000);
    let (dated, dated_digest) = content(9, 70_000);
    let all = [(digest, &bytes), (dated_digest, &dated)];
    for (at, (_, bytes)) in all.iter().enumerate() {
        attach(&network, sender, &format!("{at}.bin"), bytes);
    }
    // Two records name the first, in one bucket; one the second.
    submit(sender, "first", &[(digest, bytes.len())]);
    submit(sender, "second", &[(digest, bytes.len())]);
    submit(sender, "dated", &[(dated_digest, dated.len())]);
    for (digest, _) in &all {
        assert_eq!(get(recipient, digest, &network.root.path().join("out")).0, 0);
    }
    drop(nodes);
    let kept = members.map(|member| {
        let kept = network.root.path().join(format!("kept-{member}"));
        copy(&network.dir(member), &kept);
        kept
    });
    let dirs = members.map(|member| network.dir(member));
    for (kept, dir) in kept.iter().zip(&dirs) {
        for (digest, bytes) in &all {
            let range = &bytes[..bytes.len().min(RANGE)];
            assert!(opens(kept, kept, digest).as_deref() == Some(range), "the search finds nothing");
            assert!(opens(dir, dir, digest).is_some());
        }
    }

    let nodes = members.map(|member| network.start(member)).map(Daemon::awake);
    for node in &nodes {
        let dir = node.dir().to_str().unwrap();
        let order = |item: &str| luxor_json(&["erase", "--node", dir, "--item", item, "--ground", "order 7"]);
        let erased = order("ITEM-first");
        assert_eq!((&erased["records"], &erased["attachments"]), (&json!(1), &json!(0)), "{erased}");
        assert_eq!(state(node, &digest)["state"], "here", "another record names it");
        let erased = order("ITEM-second");
        assert_eq!((&erased["records"], &erased["attachments"]), (&json!(1), &json!(1)), "{erased}");
        assert_eq!(state(node, &digest)["state"], "absent");
        assert_eq!(node.get("/v1/status")["attachments"]["here"], 1);
    }
    // Who had it cannot have it again.
    let (code, text) = get(&nodes[1], &digest, &network.root.path().join("out"));
    assert!(code == 4 && text.contains("no record here names one"), "{code} {text}");
    drop(nodes);
    for (kept, dir) in kept.iter().zip(&dirs) {
        check(dir);
        assert!(!file_of(dir, &digest).exists() && file_of(kept, &digest).exists());
        assert_eq!(opens(kept, dir, &digest), None, "an old copy with the keys that are left opens it");
        assert!(opens(kept, kept, &digest).is_some(), "the search finds nothing any more");
        assert!(opens(dir, dir, &dated_digest).is_some(), "it went with another");
    }

    let nodes = members.map(|member| network.start_with(member, &AFTER)).map(Daemon::awake);
    for node in &nodes {
        luxor(&["erase", "--node", node.dir().to_str().unwrap(), "--due"]);
        assert_eq!(state(node, &dated_digest)["state"], "absent");
        assert_eq!(node.get("/v1/status")["attachments"], json!({"here": 0, "bytes": 0, "incomplete": 0}));
    }
    drop(nodes);
    for (kept, dir) in kept.iter().zip(&dirs) {
        check(dir);
        assert!(!file_of(dir, &dated_digest).exists());
        assert_eq!(opens(kept, dir, &dated_digest), None, "an old copy with the keys that are left opens it");
    }
}

#[test]
fn a_kill_at_any_write_of_an_erasure_leaves_no_file_that_opens() {
    let name = "a_kill_at_any_write_of_an_erasure_leaves_no_file_that_opens";
    if let Some(why) = strace::missing() {
        println!("skipped: {name}: {why}");
        return;
    }
    let network = two();
    let nodes = ["sender", "recipient"].map(|member| network.start(member));
    let (bytes, digest) = content(14, 5_000);
    let (other, other_digest) = content(15, 6_000);
    for (name, file, digest) in [("gone", &bytes, digest), ("stays", &other, other_digest)] {
        attach(&network, &nodes[0], name, file);
        submit(&nodes[0], name, &[(digest, file.len())]);
        assert_eq!(get(&nodes[1], &digest, &network.root.path().join("out")).0, 0);
    }
    let dir = nodes[1].dir().to_str().unwrap().to_owned();
    luxor(&["hold", "add", "--node", &dir, "--item", "ITEM-stays", "--ground", "case 9"]);
    drop(nodes);
    let kept = network.root.path().join("kept");
    copy(&network.dir("recipient"), &kept);
    let only_one = |fault: &Fault, node: &Daemon| {
        assert_eq!(node.get("/v1/status")["attachments"]["here"], 1, "{fault}");
    };
    let reached = erasures_killed_at_each_write(&network, &kept, only_one, |fault, place| {
        assert!(!file_of(place, &digest).exists(), "{fault}: the file is still there");
        assert_eq!(opens(&kept, place, &digest), None, "{fault}: an old copy opens it");
        assert!(opens(place, place, &other_digest).is_some(), "{fault}: what is held went");
    });
    println!("{name}: {reached} kills");
    assert!(reached >= 6, "kills are seldom reached: {reached}");
}

#[test]
fn a_file_named_again_in_a_later_bucket_outlives_the_first_and_what_is_held_stays() {
    let network = two();
    let members = ["sender", "recipient"];
    let (bytes, digest) = content(10, 90_000);
    let nodes = members.map(|member| network.start(member));
    attach(&network, &nodes[0], "one.bin", &bytes);
    submit(&nodes[0], "early", &[(digest, bytes.len())]);
    assert_eq!(get(&nodes[1], &digest, &network.root.path().join("out")).0, 0);
    drop(nodes);
    // Ten days later another record names it: here it need not be handed in again.
    let nodes = members.map(|member| network.start_with(member, &["--clock-ahead-days", "10"])).map(Daemon::awake);
    for node in &nodes {
        // The file stands no more under the key of what was handed in.
        luxor(&["erase", "--node", node.dir().to_str().unwrap(), "--due"]);
        assert_eq!(state(node, &digest)["state"], "here");
    }
    submit(&nodes[0], "late", &[(digest, bytes.len())]);
    drop(nodes);
    let nodes = members.map(|member| network.start_with(member, &AFTER)).map(Daemon::awake);
    for node in &nodes {
        let dir = node.dir().to_str().unwrap();
        luxor(&["erase", "--node", dir, "--due"]);
        assert_eq!(node.get("/v1/records?reference=ITEM-early"), json!([]));
        assert_eq!(state(node, &digest)["state"], "here", "the later record names it");
        luxor(&["hold", "add", "--node", dir, "--item", "ITEM-late", "--ground", "case 9"]);
    }
    drop(nodes);
    let later = ["--clock-ahead-days", "50"];
    let nodes = members.map(|member| network.start_with(member, &later)).map(Daemon::awake);
    for node in &nodes {
        let dir = node.dir().to_str().unwrap();
        luxor(&["erase", "--node", dir, "--due"]);
        luxor(&["erase", "--node", dir, "--due"]);
        assert_eq!(state(node, &digest)["state"], "here", "it is held");
        for hold in luxor_json(&["hold", "list", "--node", dir]).as_array().unwrap() {
            luxor(&["hold", "release", "--node", dir, &hold["hold"].to_string()]);
        }
        luxor(&["erase", "--node", dir, "--due"]);
        assert_eq!(state(node, &digest)["state"], "absent");
    }
    drop(nodes);
    for member in members {
        check(&network.dir(member));
        assert!(!file_of(&network.dir(member), &digest).exists());
    }
}

#[test]
fn a_file_of_a_record_passed_on_is_given_by_who_passed_it_on_once_it_is_there() {
    let groups = "[\"filing\", \"item\", \"route\", \"attachments\"]";
    let row = flow("parcels", "platform", "customs", "safety_security", groups);
    let row = format!(
        "{row}[[flow.onward]]\nkinds = [\"agency KR\"]\npurpose = \"agency_control\"\ngroups = {groups}\nretention_days = 7\n"
    );
    let members = [("platform", "platform", "CN"), ("customs", "customs", "KR"), ("agency", "agency", "KR")];
    let network = Network::found(&members, &[row]);
    let nodes = members.map(|(id, _, _)| network.start(id));
    let [platform, customs, agency] = &nodes;
    let (bytes, digest) = content(13, RANGE + 5);
    attach(&network, platform, "one.bin", &bytes);
    submit(platform, "one", &[(digest, bytes.len())]);
    customs.witnessed();
    let dir = customs.dir().to_str().unwrap();
    let wish = ["--item", "ITEM-one", "--to", "agency", "--purpose", "agency_control"];
    luxor_json(&[&["onward", "pass", "--node", dir], &wish[..]].concat());
    customs.outbox("the receipt", |state| state["pending"] == 0);
    assert_eq!(state(agency, &digest)["from"], json!(["customs/n1"]));
    agency.post(&format!("/v1/attachments/{digest}/fetch"), &json!(null));
    let why = until("a refusal", || state(agency, &digest)["why"].as_str().map(str::to_owned));
    assert!(why.contains("customs/n1: lacks capacity: the file is not here yet"), "{why}");
    let out = network.root.path().join("out");
    for node in [customs, agency] {
        let (code, text) = get(node, &digest, &out);
        assert_eq!(code, 0, "{text}");
        assert!(std::fs::read(&out).unwrap() == bytes, "other bytes came");
    }
    drop(nodes);
    members.iter().for_each(|(id, _, _)| check(&network.dir(id)));
}

#[test]
fn the_largest_sealed_range_fits_its_answer_and_costs_little() {
    let (bytes, digest) = content(12, RANGE);
    let range = AttachmentRange {
        size: MAX_ATTACHMENT_BYTES,
        outline: vec![[7; 32]; MAX_ATTACHMENT_RANGES],
        bytes: bytes.clone(),
    };
    let network = two();
    let folder = luxor_node::Folder::new(network.dir("sender"));
    let keys = folder.keys().unwrap().seal;
    let recipient = Recipient::parse(&keys.recipients().next().unwrap()).unwrap();
    let sealed = recipient.seal(&range.to_cbor()).unwrap();
    assert!(sealed.len() <= MAX_SEALED_RANGE_BYTES, "{}", sealed.len());
    let answer = Answer::Attachment(sealed.clone()).to_cbor();
    assert_eq!(Answer::from_cbor(&answer), Ok(Answer::Attachment(sealed.clone())));
    assert_eq!(AttachmentRange::from_cbor(&keys.open(&sealed).unwrap()).unwrap(), range);

    let files = AttachedFiles::new(&network.root.path().join("files"));
    std::fs::create_dir(network.root.path().join("files")).unwrap();
    let file = Named { digest, size: RANGE as u64, key: &[9; 32] };
    files.create(&digest).unwrap();
    let times = 32;
    let micros = |each: &mut dyn FnMut()| {
        let began = std::time::Instant::now();
        (0..times).for_each(|_| each());
        began.elapsed().as_micros() / times
    };
    let encoded = range.to_cbor();
    let figures = [
        ("encrypted and written", micros(&mut || files.append(file, 0, bytes.clone()).unwrap())),
        ("read and opened", micros(&mut || drop(files.read(file, 0).unwrap()))),
        ("sealed (age)", micros(&mut || drop(recipient.seal(&encoded).unwrap()))),
        ("unsealed (age)", micros(&mut || drop(keys.open(&sealed).unwrap()))),
        ("hashed (BLAKE3)", micros(&mut || assert_ne!(range_value(0, &bytes), [0; 32]))),
    ];
    let figures = figures.map(|(what, micros)| format!("{what} in {micros} us"));
    println!("attachments: a range of 1 MiB is {}", figures.join(", "));
}

/// 256 MiB with `LUXOR_TEST_LONG`, else an eighth of it.
#[test]
fn the_largest_file_passes_in_flat_memory() {
    let long = std::env::var_os("LUXOR_TEST_LONG").is_some();
    let length = if long { 256 * RANGE } else { 32 * RANGE };
    let network = two();
    let [sender, recipient] = ["sender", "recipient"].map(|member| network.start(member));
    let (bytes, digest) = content(11, length);
    let began = std::time::Instant::now();
    attach(&network, &sender, "largest.bin", &bytes);
    let attached = began.elapsed();
    submit(&sender, "largest", &[(digest, length)]);
    let (out, began) = (network.root.path().join("out"), std::time::Instant::now());
    let (code, text) = get(&recipient, &digest, &out);
    let fetched = began.elapsed();
    assert_eq!(code, 0, "{text}");
    assert!(std::fs::read(&out).unwrap() == bytes, "other bytes came");
    let peaks = [&sender, &recipient].map(|node| peak_rss(node.pid()).unwrap());
    println!(
        "attachments: {} MiB handed in in {} ms, fetched in {} ms; peak memory sender {} MB, recipient {} MB",
        length / RANGE,
        attached.as_millis(),
        fetched.as_millis(),
        peaks[0] / 1_000_000,
        peaks[1] / 1_000_000
    );
    assert!(peaks.iter().all(|peak| *peak < MAX_NODE_RSS), "{peaks:?}");
    if long {
        let larger = network.root.path().join("larger.bin");
        std::fs::write(&larger, [&bytes[..], b"x"].concat()).unwrap();
        let dir = sender.dir().to_str().unwrap();
        let (code, _, errors) = try_luxor(&["attach", "--node", dir, larger.to_str().unwrap()]);
        assert!(code == 4 && errors.contains("1 to 268435456 bytes"), "{code} {errors}");
    }
}
