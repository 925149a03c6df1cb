//! Keys for attestations on cards, who may issue in charters, and rows that recognise in agreements: from command line to command line.

use std::fs;
use std::path::Path;

use clap::Parser as _;
use luxor_protocol::cbor::Reader;
use luxor_protocol::document::Agreement;
use luxor_protocol::names::MemberId;
use luxor_protocol::recognition::{Carried, CarriedError, Proof, Tokens};
use luxor_protocol::record::Content;

use super::governance::Council;
use super::{Exit, luxor, template};
use crate::args::Cli;
use crate::client::stub::{Stub, accept};
use crate::cmd::agreement;
use crate::cmd::charter;
use crate::cmd::place::Place;
use crate::cmd::{now, today};

/// What a node got: the tokens of the only record of its request `at`.
fn tokens(stub: &Stub, at: usize) -> Tokens {
    let seen = stub.seen();
    let mut reader = Reader::new(&seen[at].1);
    assert_eq!(reader.array(usize::MAX), Ok(1));
    let record = Content::decode(&mut reader).unwrap();
    Tokens::of(record.table(), |group, field| record.field(group, field)).unwrap().unwrap()
}

#[test]
fn what_a_key_on_the_card_signs_is_taken_and_nothing_else() {
    let (council, stub) = (Council::new(), Stub::new(|_, chunk| (200, accept(chunk))));
    let (node, dir, holder) = (council.path("kr"), council.path("issuer"), council.path("holder.key"));
    luxor(&["attest", "keygen", "--dir", &dir, "--issuer", "https://kr.example", "--statuses", "1024"]).unwrap();
    luxor(&["attest", "keygen", "--holder", &holder]).unwrap();
    let (jwk, out) = (format!("{holder}.jwk"), council.path("aeo.jwt"));
    let claims = "programme=KR-AEO country=KR national_type=AEOF standing=active standing_since=2026-01-01 tin=KR1 legal_name=A consent=c";
    let mut issue =
        vec!["attest", "issue", "--dir", &dir, "--type", "aeo", "--holder", &jwk, "-o", &out, "--node", stub.dir()];
    issue.extend(claims.split(' ').flat_map(|claim| ["--claim", claim]));
    assert_eq!(luxor(&issue).unwrap(), Exit::Ok);
    luxor(&["attest", "publish", "--dir", &dir, "--node", stub.dir()]).unwrap();
    let member: MemberId = "kr".parse().unwrap();
    let read = |at| {
        let directory = Place::open(Path::new(&node)).unwrap().directory;
        tokens(&stub, at).read(&directory, &member, now(), Proof::Needed)
    };
    assert!(matches!(read(0), Err(CarriedError::NoKey { .. })));

    let card = ["card", "attest-key"];
    let on_card = |args: &[&str]| luxor(&[&card[..], args, &["--node", &node]].concat());
    on_card(&["add", "--dir", &dir]).unwrap();
    assert!(matches!(read(0).unwrap(), Carried::Attestation { .. }));
    assert!(matches!(read(1).unwrap(), Carried::Statuses { .. }));
    let twice = on_card(&["add", "--jwk", &format!("{dir}/issuer.jwk")]).unwrap_err();
    assert_eq!(Exit::of(&twice), Exit::Refused);
    assert!(twice.to_string().contains("has the key already"), "{twice}");

    // A second one, ordered by its bytes whichever they are, with a first and a last day.
    luxor(&["attest", "keygen", "--holder", &council.path("second.key"), "--eddsa"]).unwrap();
    on_card(&["add", "--jwk", &council.path("second.key.jwk"), "--from", "2026-01-01"]).unwrap();
    let keys = || Place::open(Path::new(&node)).unwrap().directory.attest_keys(&member).to_vec();
    let second = keys().into_iter().find(|row| row.from.to_string() == "2026-01-01").unwrap().key.thumbprint();
    assert_eq!(keys().len(), 2);
    let early = on_card(&["end", "--kid", &second, "--until", "2025-12-31"]).unwrap_err();
    assert_eq!(Exit::of(&early), Exit::Usage, "{early}");
    on_card(&["end", "--kid", &second[..10], "--until", "2026-02-01"]).unwrap();
    let ended = keys().into_iter().find(|row| row.key.thumbprint() == second).unwrap();
    assert_eq!(ended.until.map(|day| day.to_string()), Some("2026-02-01".to_owned()));
    assert!(on_card(&["end", "--kid", "nonesuch", "--until", "2099-01-01"]).is_err());
    for listing in [&["card", "attest-key", "list", "--node", &node][..], &["keys", "--node", &node]] {
        assert_eq!(luxor(listing).unwrap(), Exit::Ok);
    }

    // Other changes of the card leave the keys where they are.
    luxor(&["card", "rotate", "--node", &node, "--use", "log"]).unwrap();
    assert_eq!(keys().len(), 2);
    let kid = keys().into_iter().find(|row| row.key.thumbprint() != second).unwrap().key.thumbprint();
    luxor(&["revoke", "--node", &node, "--key", &kid, "--reason", "stolen"]).unwrap();
    assert!(matches!(read(0), Err(CarriedError::KeyRevoked { .. })));
}

/// Thumbprints are base64url, so one of 64 begins as an option does.
#[test]
fn a_key_may_begin_with_a_hyphen() {
    let end = ["luxor", "card", "attest-key", "end", "--kid", "-Hx0", "--until", "2026-01-01", "--node", "n"];
    let revoke = ["luxor", "revoke", "--key", "-Hx0", "--key", "--x", "--reason", "stolen", "--node", "n"];
    for words in [&end[..], &revoke] {
        let read = Cli::try_parse_from(words);
        assert!(read.is_ok(), "{words:?}: {:?}", read.err().map(|error| error.to_string()));
    }
}

#[test]
fn the_example_of_a_row_that_recognises_holds() {
    let text = template::agreement(None, today()).unwrap();
    let (before, example) = text.split_once("# [[recognises]]").unwrap();
    let is_row =
        |line: &&str| line.trim_start_matches("# ").split_once(" = ").is_some_and(|(name, _)| !name.contains(' '));
    let rows: Vec<&str> = example.lines().filter(is_row).map(|line| line.trim_start_matches("# ")).collect();
    let draft = format!("{before}[[recognises]]\n{}\n", rows.join("\n"));
    let with = Agreement::from_draft(&draft).unwrap();
    let without = Agreement::from_draft(&text).unwrap();
    assert_eq!((with.recognises.len(), without.recognises.len()), (1, 0));
    let row = &with.recognises[0];
    assert_eq!((row.except_hs.len(), row.needs.len(), row.benefits.len()), (1, 1, 2));
    // What a version begins or ends to recognise is told.
    let changes = agreement::changes(&without, &with);
    assert!(
        changes.len() == 1 && changes[0].starts_with("from now on: EU AEO by customs-aa is recognised by customs-bb"),
        "{changes:?}"
    );
    assert!(agreement::changes(&with, &without)[0].starts_with("no longer: EU AEO"));
    assert_eq!(agreement::changes(&with, &with), Vec::<String>::new());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mra.toml");
    fs::write(&file, draft).unwrap();
    for json in [&[][..], &["--json"]] {
        assert_eq!(luxor(&[&["agreement", "show", file.to_str().unwrap()], json].concat()).unwrap(), Exit::Ok);
    }
}

#[test]
fn who_may_issue_is_drafted_and_its_change_told() {
    let council = Council::new();
    let old = council.directory("kr").charter().clone();
    let issuers = "\n[[issuers]]\ntype = \"aeo\"\nmembers = [\"kr\"]\n";
    let draft = council.draft("kr", |text| format!("coordinators = [\"th\"]\n{text}{issuers}"));
    council.propose("kr", &draft, &[]).unwrap();
    for (from, to) in [("kr", "my"), ("my", "th")] {
        council.carry(from, to);
        council.vote(to, &[]).unwrap();
    }
    let new = council.directory("th").charter().clone();
    assert_eq!(new.issuers.len(), 1);
    let changes = charter::changes(&old, &new);
    assert_eq!(
        changes,
        [
            "aeo is issued by kr only, instead of by every member of a kind that issues it",
            "th coordinates indicators of threats from now on"
        ]
    );
    assert_eq!(charter::changes(&new, &old)[1], "th no longer coordinates indicators of threats");
    // The draft of the next one has them again.
    let next = fs::read_to_string(council.draft("th", |text| text)).unwrap();
    assert!(next.contains("[[issuers]]") && next.contains("coordinators = [\"th\"]"), "{next}");
}
