//! An auditor's node, played here, that shows logs of members of which one told two histories.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod archived;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use clap::Parser as _;
use luxor_protocol::api::{ApiFile, Documents, Status};
use luxor_protocol::cbor::Encode as _;
use luxor_protocol::document::DocumentKind;
use luxor_protocol::exchange::{
    Answer, AuditEntry, AuditPage, Channel, EntryKind, Lane, Opening, Outcome, ReceiptBody, SentBody, Skeleton,
};
use luxor_protocol::hash::Digest;
use luxor_protocol::keys::{KeyUse, SecretKey};
use luxor_protocol::tlog::{
    Checkpoint, ForkEvidence, KeyType, MemoryTree, TlogProof, VerifierKey, inclusion_proof, leaf_hash, root_of,
};

use super::*;
use crate::args::{Cli, Command};
use crate::log::testing::Server;

/// Members that never meet, the one that deceives them, and the auditor.
const MEMBERS: [(&str, &str); 4] =
    [("alice", "post"), ("bob", "platform"), ("customs", "customs"), ("watch", "auditor")];

struct World {
    folder: tempfile::TempDir,
    documents: Documents,
}

/// A log as its node keeps it.
#[derive(Clone, Default)]
struct Log {
    entries: Vec<AuditEntry>,
    openings: Vec<Opening>,
    tree: MemoryTree,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let mut draft =
            ["charter", "draft", "--name", "Test", "--governors", "alice", "-o"].map(str::to_owned).to_vec();
        draft.push(path("charter.toml"));
        for (member, kind) in MEMBERS {
            run(&["init", &path(member), "--member", member, "--kind", kind, "--territory", "KR", "--name", member]);
            draft.push(path(&format!("{member}/member.toml")));
        }
        run(&draft.iter().map(String::as_str).collect::<Vec<_>>());
        let charter = path("charter.luxor");
        run(&["charter", "sign", &path("charter.toml"), "--node", &path("alice"), "-o", &charter]);
        let read = |file: &str| BASE64.encode(std::fs::read(file).unwrap());
        let cards = MEMBERS.map(|(member, _)| {
            let card = path(&format!("{member}.luxor"));
            run(&["card", "sign", "--node", &path(member), "--charter", &charter, "-o", &card]);
            read(&card)
        });
        let documents = Documents { charter: read(&charter), cards: cards.to_vec(), ..Documents::default() };
        Self { folder, documents }
    }

    fn log_key(&self, member: &str) -> SecretKey {
        let file = self.folder.path().join(member).join("keys/log.key");
        SecretKey::parse(KeyUse::Log, &std::fs::read_to_string(file).unwrap()).unwrap()
    }

    fn origin(&self, member: &str) -> String {
        let charter = Path::new(&self.folder.path().join("charter.luxor")).to_owned();
        let network = super::super::signatures::read_document(&charter, DocumentKind::Charter).unwrap().digest().hex();
        format!("luxor.{}/{member}/n1", &network[..16])
    }

    fn checkpoint(&self, member: &str, log: &Log, size: u64) -> Vec<u8> {
        let checkpoint = Checkpoint::new(self.origin(member), size, log.tree.root_at(size).unwrap());
        checkpoint.sign(self.log_key(member).signing_key()).unwrap().to_bytes()
    }

    /// The receipt of the last entry of a log.
    fn receipt(&self, member: &str, log: &Log) -> Vec<u8> {
        let (size, index) = (log.tree.size(), log.tree.size() - 1);
        let hashes = inclusion_proof(&log.tree, index, size).unwrap();
        let extra = Some(log.openings.last().unwrap().to_cbor());
        TlogProof { extra, index, hashes, checkpoint: self.checkpoint(member, log, size) }.to_bytes()
    }

    /// What the auditor finds in the logs of these members, of each the sizes that it shows one request after the other.
    fn audit(&self, logs: &[(&str, &Log, &[u64])], evidence: Option<&Path>) -> Findings {
        let mut pages = BTreeMap::new();
        for (member, log, sizes) in logs {
            let notes: Vec<_> = sizes.iter().map(|size| self.checkpoint(member, log, *size)).collect();
            pages.insert(format!("{member}/n1"), (log.entries.clone(), sizes.to_vec(), notes, AtomicUsize::new(0)));
        }
        let (pages, documents) = (Arc::new(pages), serde_json::to_vec(&self.documents).unwrap());
        let status = serde_json::to_vec(&Status { node: "watch/n1".into(), ..Status::default() }).unwrap();
        let server = Server::new(Box::new(move |path, _| {
            let path = path.replace("%2F", "/");
            let Some(query) = path.strip_prefix("/v1/audit?") else {
                return (200, if path == "/v1/status" { status.clone() } else { documents.clone() });
            };
            let value = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)).unwrap();
            let (entries, sizes, notes, asked) = &pages[value("node=")];
            let now = asked.fetch_add(1, Ordering::SeqCst).min(sizes.len() - 1);
            let from: usize = value("from=").parse().unwrap();
            let entries = entries[..sizes[now] as usize].iter().skip(from).cloned().collect();
            let page = AuditPage { checkpoint: notes[now].clone(), entries, checkpoints: Vec::new() };
            (200, Answer::Page(page).to_cbor())
        }));
        let dir = self.folder.path().join("watch");
        std::fs::create_dir_all(dir.join("run")).unwrap();
        let api = ApiFile { url: server.url.clone(), token: "secret".into() };
        std::fs::write(dir.join("run/api.json"), serde_json::to_vec(&api).unwrap()).unwrap();
        let mut args = vec!["luxor".to_owned(), "audit".into(), "--node".into(), dir.to_str().unwrap().into()];
        logs.iter().for_each(|(member, ..)| args.extend(["--of".into(), format!("{member}/n1")]));
        args.extend(evidence.iter().flat_map(|file| ["--evidence".to_owned(), file.to_str().unwrap().into()]));
        let Command::Audit(args) = Cli::try_parse_from(args).unwrap().command else { panic!() };
        findings(&args).unwrap()
    }
}

impl Log {
    fn push(&mut self, kind: EntryKind, sender: &str, number: u64, body: Vec<u8>, evidence: Option<Vec<u8>>) {
        let node = |member: &str| format!("{member}/n1").parse().unwrap();
        let channel = Channel { sender: node(sender), recipient: node("customs"), epoch: 1, lane: Lane::Ordinary };
        let skeleton = Skeleton { kind, agreement: Digest::ZERO, channel, number, due: today() };
        let salt = [self.entries.len() as u8; 16];
        let opening = Opening::new(&skeleton, body, salt, salt);
        self.tree.push(leaf_hash(&opening.entry()));
        self.entries.push(AuditEntry {
            entry: opening.entry(),
            salt,
            skeleton: opening.skeleton.clone(),
            body_hash: opening.body_hash(),
            body: Some((salt, opening.body.clone())),
            evidence,
        });
        self.openings.push(opening);
    }

    /// The next dispatch of a sender, with everything that came before it.
    fn receive(&mut self, sender: &str, number: u64) {
        let leaves: Vec<_> = (1..=number).map(|number| leaf_hash(&dispatch(sender, number).0)).collect();
        let (outcome, channel_root) = (Outcome::Taken(Vec::new()), root_of(&leaves));
        let body = ReceiptBody { dispatch: dispatch(sender, number), outcome, contiguous: number, channel_root };
        self.push(EntryKind::Received, sender, number, body.to_cbor(), None);
    }

    /// A sender's entries for a dispatch and its receipt.
    fn send(&mut self, sender: &str, number: u64, receipt: Vec<u8>) {
        let body = SentBody { dispatch: dispatch(sender, number) }.to_cbor();
        self.push(EntryKind::Sent, sender, number, body.clone(), None);
        self.push(EntryKind::Receipt, sender, number, body, Some(receipt));
    }
}

fn dispatch(sender: &str, number: u64) -> Digest {
    let mut digest = [0; 32];
    digest[..sender.len()].copy_from_slice(sender.as_bytes());
    digest[31] = number as u8;
    Digest(digest)
}

fn run(args: &[&str]) {
    let command = Cli::try_parse_from([&["luxor"], args].concat()).unwrap().command;
    assert_eq!(crate::cmd::run(command).unwrap(), Exit::Ok, "{args:?}");
}

/// Customs took two dispatches of alice, and told bob another history from the second entry on.
struct Told {
    honest: Log,
    other: Log,
    alice: Log,
    bob: Log,
}

fn two_histories(world: &World) -> Told {
    let (mut honest, mut alice, mut bob) = (Log::default(), Log::default(), Log::default());
    honest.receive("alice", 1);
    alice.send("alice", 1, world.receipt("customs", &honest));
    let mut other = honest.clone();
    honest.receive("alice", 2);
    alice.send("alice", 2, world.receipt("customs", &honest));
    other.receive("bob", 1);
    bob.send("bob", 1, world.receipt("customs", &other));
    other.receive("bob", 2);
    Told { honest, other, alice, bob }
}

#[track_caller]
fn forked(world: &World, findings: &Findings, file: &Path) {
    assert!(!findings.ok && findings.reports.iter().all(AuditReport::ok), "{findings:?}");
    let checkpoints = findings.checkpoints.as_ref().unwrap();
    assert_eq!(checkpoints.forks.len(), 1, "{checkpoints:?}");
    assert_eq!(checkpoints.forks[0].evidence.as_deref(), file.to_str());
    let evidence = ForkEvidence::parse(&std::fs::read(file).unwrap()).unwrap();
    let key = world.log_key("customs");
    let key = VerifierKey::new(&world.origin("customs"), KeyType::Ed25519, key.public().verifying_key()).unwrap();
    assert_eq!(evidence.log_key, key);
    assert_eq!(evidence.verify().unwrap().origin, world.origin("customs"));
}

#[test]
fn two_members_that_never_met_prove_together_that_a_log_forked() {
    let world = World::new();
    let told = two_histories(&world);
    let (alice, bob) = (("alice", &told.alice, &[4][..]), ("bob", &told.bob, &[2][..]));
    let file = world.folder.path().join("fork");
    // Each of them alone, and with the history that it was told, sees nothing.
    for logs in [vec![alice], vec![bob], vec![alice, ("customs", &told.honest, &[2])]] {
        let findings = world.audit(&logs, Some(&file));
        assert!(findings.checkpoints.as_ref().is_some_and(Compare::ok) && !file.exists(), "{findings:?}");
    }
    // Both together, without the log itself: two roots of one size.
    forked(&world, &world.audit(&[alice, bob], Some(&file)), &file);
    // One of them and the log, which shows the history of the other: hashes of its tree prove it.
    std::fs::remove_file(&file).unwrap();
    let customs = ("customs", &told.other, &[3][..]);
    let findings = world.audit(&[customs, alice], Some(&file));
    let evidence = ForkEvidence::parse(&std::fs::read(&file).unwrap()).unwrap();
    assert!(!evidence.hashes.is_empty());
    assert_eq!(findings.checkpoints.as_ref().unwrap().forks[0].held_by.as_str(), "alice/n1");
    let differs = findings.differences.len();
    assert_eq!(differs, 1, "alice sent two, customs tells of one: {findings:?}");
    // Without a place for it the fork is found all the same.
    std::fs::remove_file(&file).unwrap();
    let findings = world.audit(&[customs, alice, bob], None);
    assert!(!findings.ok && findings.checkpoints.unwrap().forks[0].evidence.is_none() && !file.exists());
}

#[test]
fn a_log_that_grew_meanwhile_is_read_on_and_one_that_was_set_back_is_named() {
    let world = World::new();
    let told = two_histories(&world);
    let alice = ("alice", &told.alice, &[4][..]);
    // Read at one entry, then there are two.
    let findings = world.audit(&[("customs", &told.honest, &[1, 2]), alice], None);
    let compared = findings.checkpoints.unwrap();
    assert!(compared.ok() && (compared.agree, compared.not_compared) == (2, 0), "{compared:?}");
    // It never shows what it signed for alice.
    let findings = world.audit(&[("customs", &told.honest, &[1]), alice], None);
    let compared = findings.checkpoints.unwrap();
    assert!(!findings.ok && !compared.ok() && compared.forks.is_empty(), "{compared:?}");
    assert!(compared.set_back[0].ends_with("which alice/n1 holds, and shows 1 only"), "{compared:?}");
    // The entries that it shows then are not those of what it signs.
    let changed = Log { tree: told.honest.tree.clone(), ..told.other.clone() };
    let findings = world.audit(&[("customs", &changed, &[1, 2]), alice], None);
    let compared = findings.checkpoints.unwrap();
    assert!(!findings.ok && compared.set_back[0].contains("do not lead to the checkpoint of 2"), "{compared:?}");
}

#[test]
fn a_pack_comes_from_a_file_or_the_web_and_what_is_none_is_a_finding() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rubbish.pack");
    std::fs::write(&file, b"\x83rubbish").unwrap();
    let server = Server::of(folder.path().to_owned());
    let (file, url) = (file.to_str().unwrap(), format!("{}/log/rubbish.pack", server.url));
    let outcome = |place: &str| {
        let command = Cli::try_parse_from(["luxor", "audit", "verify-pack", place]).unwrap().command;
        crate::cmd::run(command).map_err(|error| Exit::of(&error))
    };
    let words = |place: &str| {
        let command = Cli::try_parse_from(["luxor", "audit", "verify-pack", place]).unwrap().command;
        let Command::Audit(AuditArgs { command: Some(AuditCommand::VerifyPack(args)), .. }) = command else { panic!() };
        verify_pack::verify(&args, &mut crate::log::Report::default()).unwrap_err().to_string()
    };
    for place in [file, url.as_str()] {
        assert_eq!(outcome(place), Ok(Exit::Findings));
        assert!(words(place).starts_with(&format!("{place}: not an audit pack: byte 1: ")), "{}", words(place));
    }
    assert_eq!(outcome(&format!("{}/log/none.pack", server.url)), Err(Exit::Refused));
    assert_eq!(outcome("https://127.0.0.1/a.pack"), Err(Exit::Usage));
    assert_eq!(outcome("/none/at/all.pack"), Err(Exit::Failed));
}
