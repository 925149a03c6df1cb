//! The document commands, as a person would run them.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod duty;
mod governance;
mod stats;
mod threats;
mod traders;

use std::path::{Path, PathBuf};

use clap::{CommandFactory as _, Parser as _};
use luxor_protocol::document::{Agreement, Charter, DocumentKind};
use luxor_protocol::hash::Digest;

use super::{run, signatures, template, today};
use crate::args::Cli;
use crate::exit::Exit;

fn luxor(args: &[&str]) -> anyhow::Result<Exit> {
    run(Cli::try_parse_from([&["luxor"], args].concat()).unwrap().command)
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    /// Two customs and an auditor, each with a node, and a charter that all signed.
    fn founded() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for (member, kind, territory) in [("kr", "customs", "KR"), ("my", "customs", "MY"), ("watch", "auditor", "CH")]
        {
            let dir = folder.path(member);
            let name = format!("Member {member}");
            let args = ["init", &dir, "--member", member, "--kind", kind, "--territory", territory, "--name", &name];
            assert_eq!(luxor(&args).unwrap(), Exit::Ok);
        }
        let [kr, my, watch] = ["kr", "my", "watch"].map(|m| folder.path(&format!("{m}/member.toml")));
        let (draft, charter) = (folder.path("charter.toml"), folder.path("charter.luxor"));
        luxor(&["charter", "draft", &kr, &my, &watch, "--name", "Test", "--governors", "kr,my", "-o", &draft]).unwrap();
        luxor(&["charter", "sign", &draft, "--node", &folder.path("kr"), "-o", &charter]).unwrap();
        assert_eq!(luxor(&["charter", "check", &charter]).unwrap(), Exit::Findings);
        luxor(&["charter", "sign", &charter, "--node", &folder.path("my"), "-o", &charter]).unwrap();
        assert_eq!(luxor(&["charter", "check", &charter]).unwrap(), Exit::Ok);
        folder
    }
}

fn states(file: &str, charter: &str) -> Vec<(String, &'static str)> {
    let network = signatures::read_network(Path::new(charter)).unwrap();
    let document = signatures::read_document(Path::new(file), DocumentKind::Agreement).unwrap();
    let agreement = Agreement::open(&document).unwrap();
    let required = signatures::signers(&network, &agreement.parties).unwrap();
    let states = signatures::states(&document, &required);
    states.into_iter().map(|s| (s.member.to_string(), s.state)).collect()
}

#[test]
fn stdin_is_read_once_by_whoever_reads_several_files() {
    let folder = Folder(tempfile::tempdir().unwrap());
    let file = folder.path("one.ndjson");
    std::fs::write(&file, "").unwrap();
    for command in
        [&["check", "-", &file, "-"][..], &["convert", "-", &file, "-", "--from", "ndjson", "--to", "ndjson"]]
    {
        let refused = luxor(command).unwrap_err();
        assert!(refused.is::<crate::exit::UsageError>(), "{command:?}: {refused:#}");
        assert_eq!(refused.to_string(), "stdin is named twice, and can be read but once", "{command:?}");
    }
    assert_eq!(luxor(&["check", &file, &file]).unwrap(), Exit::Ok);
}

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn documents_travel_until_everybody_signed() {
    let folder = Folder::founded();
    let (charter, kr, my) = (folder.path("charter.luxor"), folder.path("kr"), folder.path("my"));
    let (card, draft, agreement) = (folder.path("kr.luxor"), folder.path("a.toml"), folder.path("a.luxor"));
    luxor(&["card", "sign", "--node", &kr, "--charter", &charter, "-o", &card]).unwrap();
    assert_eq!(luxor(&["card", "check", &card, "--charter", &charter]).unwrap(), Exit::Ok);
    luxor(&["agreement", "draft", "--charter", &charter, "-o", &draft]).unwrap();
    luxor(&["agreement", "sign", &draft, "--node", &kr, "--charter", &charter, "-o", &agreement]).unwrap();
    let expected = [("kr", "valid"), ("my", "missing"), ("watch", "missing")].map(|(m, s)| (m.to_owned(), s));
    assert_eq!(states(&agreement, &charter), expected);
    // Nothing of a refused set of documents is installed.
    let refused = luxor(&["install", "--node", &kr, &charter, &card, &agreement]).unwrap_err();
    assert!(refused.to_string().contains("lacks the signature of my"), "{refused}");
    assert_eq!(Exit::of(&refused), Exit::Refused);
    assert!(!PathBuf::from(&kr).join("documents/card-kr.luxor").exists());
    for node in [&my, &folder.path("watch")] {
        luxor(&["agreement", "sign", &agreement, "--node", node, "--charter", &charter, "-o", &agreement]).unwrap();
    }
    assert_eq!(luxor(&["agreement", "check", &agreement, "--charter", &charter]).unwrap(), Exit::Ok);
    assert_eq!(luxor(&["install", "--node", &kr, &charter, &card, &agreement]).unwrap(), Exit::Ok);
    assert!(PathBuf::from(&kr).join("documents/card-kr.luxor").exists());
}

#[test]
fn only_who_is_party_signs_and_only_with_the_pinned_key() {
    let folder = Folder::founded();
    let charter = folder.path("charter.luxor");
    let error = luxor(&["charter", "sign", &charter, "--node", &folder.path("watch"), "-o", &charter]).unwrap_err();
    assert!(error.to_string().starts_with("watch is no party to charter 'test'"), "{error}");
    let imposter = folder.path("imposter");
    let args = ["init", &imposter, "--member", "kr", "--kind", "customs", "--territory", "KR", "--name", "K"];
    luxor(&args).unwrap();
    let error = luxor(&["charter", "sign", &charter, "--node", &imposter, "-o", &charter]).unwrap_err();
    assert!(error.to_string().contains("another identity key for kr"), "{error}");
}

#[test]
fn a_document_of_another_network_is_refused() {
    let (folder, other) = (Folder::founded(), Folder::founded());
    let card = folder.path("kr.luxor");
    let charter = folder.path("charter.luxor");
    luxor(&["card", "sign", "--node", &folder.path("kr"), "--charter", &charter, "-o", &card]).unwrap();
    let error = luxor(&["card", "check", &card, "--charter", &other.path("charter.luxor")]).unwrap_err();
    assert!(error.to_string().contains("belongs to network"), "{error}");
    assert_eq!(Exit::of(&error), Exit::Refused);
}

#[test]
fn the_printed_agreement_holds_as_it_stands() {
    let text = template::agreement(None, today()).unwrap();
    let agreement = Agreement::from_draft(&text).unwrap();
    assert_eq!(agreement.flows.len(), 1);
    assert!(agreement.in_force(today()));
    agreement.to_document(Digest::ZERO);
    let folder = Folder::founded();
    let network = signatures::read_network(Path::new(&folder.path("charter.luxor"))).unwrap();
    let charter: &Charter = network.charter();
    let agreement = Agreement::from_draft(&template::agreement(Some(charter), today()).unwrap()).unwrap();
    assert_eq!(agreement.parties.len(), 3);
    assert_eq!(agreement.flows.len(), 2, "a row, and the auditor's mandate");
}
