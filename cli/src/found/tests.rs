//! A network from nothing: init, charter, cards, agreement, directory.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use luxor_protocol::document::{Agreement, Charter, Document, DocumentError};
use luxor_protocol::names::{MemberId, MemberKind};

use super::documents::load_documents;
use super::*;

fn options(member: &str, kind: MemberKind, port: u16) -> InitOptions {
    InitOptions {
        member: member.parse().unwrap(),
        node: "n1".parse().unwrap(),
        name: format!("Member \"{member}\""),
        kind,
        territory: "KR".parse().unwrap(),
        exchange: vec![format!("/ip4/127.0.0.1/tcp/{port}")],
        api: format!("127.0.0.1:{}", port + 1),
        log: None,
        retry_min_ms: 500,
        retry_max_ms: 60_000,
        compression: true,
        further: false,
    }
}

struct Founded {
    _root: tempfile::TempDir,
    dirs: [PathBuf; 2],
    charter: Document,
}

fn founded() -> Founded {
    let root = tempfile::tempdir().unwrap();
    let dirs = ["customs-kr", "customs-my"].map(|name| root.path().join(name));
    let mut draft = String::from("name = \"Test\"\ngovernors = [\"customs-kr\", \"customs-my\"]\n");
    for (dir, port) in dirs.iter().zip([4700, 4710]) {
        let member = dir.file_name().unwrap().to_str().unwrap();
        draft += &init(dir, &options(member, MemberKind::Customs, port)).unwrap();
    }
    let mut charter = Charter::from_draft(&draft).unwrap().to_document();
    for dir in &dirs {
        sign(dir, &mut charter).unwrap();
    }
    Founded { _root: root, dirs, charter }
}

fn agreement(charter: &Document) -> Document {
    let charter_id = charter.digest();
    let text = r#"
        id = "kr-my"
        title = "Korea to Malaysia"
        instrument = "Memorandum"
        article = "Article 3"
        controller = "customs-kr"
        parties = ["customs-kr", "customs-my"]
        valid_from = "2026-01-01"
        valid_until = "2030-12-31"
        [[flow]]
        type = "declaration"
        version = 1
        from = ["customs-kr"]
        to = ["customs-my"]
        purpose = "revenue"
        groups = ["*"]
        retention_days = 365
    "#;
    Agreement::from_draft(text).unwrap().to_document(charter_id)
}

#[test]
fn a_network_from_nothing_reads_back() {
    let net = founded();
    let mut agreement = agreement(&net.charter);
    let mut cards = Vec::new();
    for dir in &net.dirs {
        sign(dir, &mut agreement).unwrap();
        let mut card = card(dir, net.charter.digest()).unwrap();
        sign(dir, &mut card).unwrap();
        cards.push(card);
    }
    for dir in &net.dirs {
        for document in cards.iter().chain([&net.charter, &agreement]) {
            install(dir, document).unwrap();
        }
        let directory = directory(dir).unwrap();
        assert_eq!(directory.network(), net.charter.digest());
        let member: MemberId = "customs-kr".parse().unwrap();
        let node = directory.node_of(&member).unwrap();
        assert_eq!(node.card.origin, format!("luxor.{}/customs-kr/n1", &net.charter.digest().hex()[..16]));
        assert_eq!(node.card.addresses, ["/ip4/127.0.0.1/tcp/4700"]);
        // Every record type and every edition, and no mandate.
        let reads =
            ["declaration 1", "declaration 3", "order 1", "customs_response 1", "notice 1", "hs 2022", "hs 2028"];
        let read: Vec<String> = node.card.reads.iter().map(|(name, number)| format!("{name} {number}")).collect();
        assert!(reads.iter().all(|wanted| read.iter().any(|read| read == wanted)), "{read:?}");
        assert_eq!((read.len(), read.iter().any(|read| read.starts_with("opening"))), (28, false), "{read:?}");
        assert_eq!(directory.agreements().count(), 1);
    }
}

#[test]
fn secrets_are_for_their_owner_only() {
    let net = founded();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let keys = net.dirs[0].join("keys");
    assert_eq!(mode(&keys), 0o700);
    for name in ["identity", "sign", "log", "witness", "transport", "seal"] {
        assert_eq!(mode(&keys.join(format!("{name}.key"))), 0o600, "{name}");
    }
    assert!(fs::read_to_string(keys.join("seal.key")).unwrap().starts_with("AGE-SECRET-KEY-1"));
}

#[test]
fn init_never_touches_what_is_there() {
    let net = founded();
    let before = fs::read(net.dirs[0].join("keys/identity.key")).unwrap();
    let again = init(&net.dirs[0], &options("customs-kr", MemberKind::Customs, 4700));
    assert!(matches!(again, Err(FoundError::NotEmpty(_))));
    assert_eq!(fs::read(net.dirs[0].join("keys/identity.key")).unwrap(), before);
    let mut wrong = options("customs-kr", MemberKind::Customs, 4700);
    wrong.api = "localhost".into();
    let fresh = net.dirs[0].with_file_name("fresh");
    assert!(matches!(init(&fresh, &wrong), Err(FoundError::Option(_))));
    assert!(!fresh.exists());
}

#[test]
fn a_log_is_public_only_where_it_is_asked_for() {
    let net = founded();
    let config = |dir: &Path| fs::read_to_string(dir.join("luxord.toml")).unwrap();
    assert!(!config(&net.dirs[0]).contains("log ="));
    let mut public = options("customs-kr", MemberKind::Customs, 4700);
    let fresh = net.dirs[0].with_file_name("fresh");
    public.log = Some("localhost:4790".into());
    let error = init(&fresh, &public).unwrap_err().to_string();
    assert!(error.contains("'localhost:4790'") && error.contains("127.0.0.1:4790"), "{error}");
    public.log = Some("127.0.0.1:4790".into());
    init(&fresh, &public).unwrap();
    assert!(config(&fresh).contains("log = \"127.0.0.1:4790\""));
    assert_eq!(member(&fresh).unwrap().as_str(), "customs-kr", "it is read back");
}

#[test]
fn who_has_not_signed_is_named() {
    let net = founded();
    let mut agreement = agreement(&net.charter);
    sign(&net.dirs[0], &mut agreement).unwrap();
    install(&net.dirs[0], &net.charter).unwrap();
    install(&net.dirs[0], &agreement).unwrap();
    let error = directory(&net.dirs[0]).unwrap_err();
    let FoundError::Directory(DirectoryError::Document(DocumentError::Missing { member, .. })) = &error else {
        panic!("{error}")
    };
    assert_eq!(member.as_str(), "customs-my");
}

#[test]
fn a_card_of_another_network_is_refused_with_both_networks() {
    let (net, other) = (founded(), founded());
    let mut foreign = card(&other.dirs[0], other.charter.digest()).unwrap();
    sign(&other.dirs[0], &mut foreign).unwrap();
    install(&net.dirs[0], &net.charter).unwrap();
    install(&net.dirs[0], &foreign).unwrap();
    let text = directory(&net.dirs[0]).unwrap_err().to_string();
    assert!(text.contains(&net.charter.digest().hex()) && text.contains(&other.charter.digest().hex()), "{text}");
}

#[test]
fn there_is_exactly_one_charter() {
    let (net, other) = (founded(), founded());
    assert!(matches!(load_documents(&net.dirs[0]), Err(FoundError::Charters { count: 0, .. })));
    install(&net.dirs[0], &net.charter).unwrap();
    fs::write(net.dirs[0].join("documents/other.luxor"), luxor_protocol::cbor::Encode::to_cbor(&other.charter))
        .unwrap();
    assert!(matches!(load_documents(&net.dirs[0]), Err(FoundError::Charters { count: 2, .. })));
}
