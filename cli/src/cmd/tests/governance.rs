//! Charters by vote, renewed agreements, suspensions and revocations, on stopped nodes between which documents are carried.

use std::fs;
use std::path::Path;

use luxor_protocol::cbor::Encode as _;
use luxor_protocol::document::{Card, Charter, Directory, Document, DocumentKind};
use luxor_protocol::names::Slug;

use super::{Exit, luxor};
use crate::cmd::agreement;
use crate::cmd::charter;
use crate::cmd::place::Place;
use crate::found;

const GOVERNORS: [&str; 4] = ["jp", "kr", "my", "th"];

/// What is done to a draft.
type Change<'c> = &'c dyn Fn(String) -> String;

/// Four governors, of whom three are needed, and an auditor; every node has all documents.
pub(super) struct Council(tempfile::TempDir);

const AGREEMENT: &str = r#"
    id = "parcels"
    title = "Parcels"
    instrument = "Memorandum"
    article = "1"
    controller = "kr"
    parties = ["kr", "my"]
    valid_from = "2020-01-01"
    valid_until = "2099-12-31"
    [[flow]]
    type = "declaration"
    version = 1
    from = ["kr"]
    to = ["my"]
    purpose = "revenue"
    groups = ["filing", "item"]
    retention_days = 30
"#;

impl Council {
    pub(super) fn new() -> Self {
        let council = Self(tempfile::tempdir().unwrap());
        let path = |name: &str| council.path(name);
        let mut draft = vec!["charter".to_owned(), "draft".into()];
        for member in GOVERNORS.into_iter().chain(["watch"]) {
            let kind = if member == "watch" { "auditor" } else { "customs" };
            let name = format!("Member {member}");
            let args =
                ["init", &path(member), "--member", member, "--kind", kind, "--territory", "KR", "--name", &name];
            luxor(&args).unwrap();
            draft.push(path(&format!("{member}/member.toml")));
        }
        let (toml, charter) = (path("charter.toml"), path("charter.luxor"));
        draft.extend(["--name", "Test", "--governors", "jp,kr,my,th", "-o", &toml].map(str::to_owned));
        luxor(&draft.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
        let mut file = toml;
        for member in GOVERNORS {
            luxor(&["charter", "sign", &file, "--node", &path(member), "-o", &charter]).unwrap();
            file.clone_from(&charter);
        }
        let mut documents = vec![charter.clone()];
        for member in GOVERNORS {
            let card = path(&format!("card-{member}.luxor"));
            luxor(&["card", "sign", "--node", &path(member), "--charter", &charter, "-o", &card]).unwrap();
            documents.push(card);
        }
        documents.push(council.agree("parcels", AGREEMENT, &["kr", "my"], Some(&charter)).unwrap());
        for member in GOVERNORS.into_iter().chain(["watch"]) {
            council.install(member, &documents).unwrap();
        }
        council
    }

    pub(super) fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    fn install(&self, member: &str, files: &[String]) -> anyhow::Result<Exit> {
        let dir = self.path(member);
        let args = ["install", "--node", &dir].into_iter().chain(files.iter().map(String::as_str));
        luxor(&args.collect::<Vec<_>>())
    }

    /// An agreement signed by these, one after the other.
    fn agree(&self, name: &str, draft: &str, by: &[&str], charter: Option<&str>) -> anyhow::Result<String> {
        let (mut file, signed) = (self.path(&format!("{name}.toml")), self.path(&format!("{name}.luxor")));
        fs::write(&file, draft).unwrap();
        for member in by {
            let dir = self.path(member);
            let mut args = vec!["agreement", "sign", &file, "--node", &dir, "-o", &signed];
            args.extend(charter.into_iter().flat_map(|charter| ["--charter", charter]));
            luxor(&args)?;
            file.clone_from(&signed);
        }
        Ok(signed)
    }

    /// The draft of the charter that holds at a member's, changed.
    pub(super) fn draft(&self, member: &str, change: impl FnOnce(String) -> String) -> String {
        let file = self.path("next.toml");
        luxor(&["charter", "draft", "--current", "--node", &self.path(member), "-o", &file]).unwrap();
        fs::write(&file, change(fs::read_to_string(&file).unwrap())).unwrap();
        file
    }

    pub(super) fn propose(&self, member: &str, draft: &str, more: &[&str]) -> anyhow::Result<Exit> {
        luxor(&[&["charter", "propose", draft, "--node", &self.path(member)], more].concat())
    }

    pub(super) fn vote(&self, member: &str, which: &[&str]) -> anyhow::Result<Exit> {
        luxor(&[&["charter", "vote", "--node", &self.path(member)], which].concat())
    }

    fn refused(&self, result: anyhow::Result<Exit>, why: &str) {
        let error = result.unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
        assert_eq!(Exit::of(&error), Exit::Refused, "{error}");
    }

    pub(super) fn directory(&self, member: &str) -> Directory {
        Place::open(Path::new(&self.path(member))).unwrap().directory
    }

    /// Carries what one knows to another.
    pub(super) fn carry(&self, from: &str, to: &str) {
        let folder = self.path("carried");
        let _ = fs::remove_dir_all(&folder);
        luxor(&["documents", "--node", &self.path(from), "--to", &folder]).unwrap();
        let known = self.directory(to);
        for document in found::documents_in(Path::new(&folder)).unwrap() {
            if known.document(&document.digest()).is_none_or(|(whole, _)| *whole != document.whole()) {
                found::install(Path::new(&self.path(to)), &document).unwrap();
            }
        }
    }
}

fn rename(name: &str) -> impl Fn(String) -> String + '_ {
    move |draft| draft.replace("Member jp", name)
}

#[test]
fn three_votes_by_their_own_nodes_adopt_what_was_proposed() {
    let council = Council::new();
    let unchanged = council.draft("kr", |draft| draft);
    council.refused(council.propose("kr", &unchanged, &[]), "says what the charter that holds says already");
    let draft = council.draft("kr", rename("Japan"));
    council.propose("kr", &draft, &[]).unwrap();
    assert!(Path::new(&council.path("kr/documents/charter-test-v2.luxor")).exists());
    for (from, to) in [("kr", "my"), ("my", "th")] {
        council.carry(from, to);
        assert_eq!(council.directory(to).charter_document().version, 1);
        council.vote(to, &[]).unwrap();
    }
    let adopted = council.directory("th");
    assert_eq!((adopted.charter_document().version, adopted.charter().members[0].name.as_str()), (2, "Japan"));
    council.refused(council.vote("th", &[]), "there is no open proposal");
    // What contradicts itself is refused: a governor that is no member any more, too low a threshold.
    for (from, to, why) in
        [("id = \"jp\"", "id = \"xx\"", "a governor is not a member"), ("threshold = 3", "threshold = 2", "two thirds")]
    {
        let bad = council.draft("th", |draft| draft.replace(from, to));
        council.refused(council.propose("th", &bad, &[]), why);
    }
}

#[test]
fn nobody_breaks_its_word_by_accident() {
    let council = Council::new();
    let digest = |member: &str, name: &str| {
        let directory = council.directory(member);
        let of = directory.proposals().iter().find(|p| p.charter.members[0].name == name).unwrap();
        of.document.digest().hex()[..12].to_owned()
    };
    council.propose("kr", &council.draft("kr", rename("A")), &[]).unwrap();
    council.refused(council.propose("kr", &council.draft("kr", rename("B")), &[]), "has voted for ");
    council.refused(council.propose("kr", &council.draft("kr", rename("B")), &["--round", "2"]), "which is not closed");
    council.propose("my", &council.draft("my", rename("B")), &[]).unwrap();
    ["my", "jp", "th", "watch"].iter().for_each(|to| council.carry("kr", to));
    let (a, b) = (digest("my", "A"), digest("my", "B"));
    council.refused(council.vote("my", &[&a]), "in round 1 already, and votes once in a round");
    assert_eq!(council.vote("my", &[&b]).unwrap(), Exit::Ok, "the same again is no other word");
    assert_eq!(Exit::of(&council.vote("my", &["--json", ""]).unwrap_err()), Exit::Usage, "which of the two?");
    council.refused(council.vote("my", &["ffff"]), "no proposal has a digest that begins with 'ffff'");
    council.refused(council.vote("watch", &[]), "watch is no governor: version 1 is governed by jp, kr, my and th");
    assert_eq!(council.vote("watch", &["--as-member"]).unwrap(), Exit::Ok);
    let reject =
        |member: &str, round: &str| luxor(&["charter", "reject", "--round", round, "--node", &council.path(member)]);
    council.refused(reject("kr", "1"), "kr has voted for the proposal");
    council.refused(reject("watch", "1"), "watch is no governor");
    council.refused(reject("jp", "2"), "its round has not begun");
    reject("jp", "1").unwrap();
    council.refused(council.vote("jp", &[]), "jp has rejected round 1");
    council.carry("jp", "th");
    reject("th", "1").unwrap();
    ["kr", "my"].iter().for_each(|to| council.carry("th", to));
    council.carry("th", "jp");
    assert_eq!(council.directory("jp").closed_rounds(), 1);
    // Round 1 is closed: who voted in it is free for the next.
    council.propose("kr", &council.draft("kr", rename("C")), &[]).unwrap();
    council.carry("kr", "my");
    council.vote("my", &[&digest("my", "C")]).unwrap();
    council.refused(council.vote("my", &[&a]), "in round 1 already, and votes once in a round");
    council.carry("my", "th");
    council.refused(council.vote("th", &[&a]), "th has rejected round 1");
    council.carry("my", "jp");
    council.refused(council.vote("jp", &[&digest("jp", "A")]), "jp has rejected round 1");
    council.vote("jp", &[]).unwrap();
    assert_eq!(council.directory("jp").charter().members[0].name, "C");
    assert!(council.directory("jp").equivocations().is_empty());
}

#[test]
fn where_the_identity_key_is_elsewhere_the_proposal_is_carried_there() {
    let council = Council::new();
    let draft = council.draft("kr", rename("Japan"));
    let (kept, offline) = (council.path("kr/keys/identity.key"), council.path("identity.key"));
    fs::rename(&kept, &offline).unwrap();
    council.refused(council.propose("kr", &draft, &[]), "a proposal begins with a vote");
    let (unsigned, voted) = (council.path("unsigned.luxor"), council.path("voted.luxor"));
    council.propose("kr", &draft, &["-o", &unsigned]).unwrap();
    council.refused(council.vote("kr", &[&unsigned, "-o", &voted]), "the identity key of kr is not here");
    assert!(!Path::new(&council.path("kr/documents/charter-test-v2.luxor")).exists());
    fs::rename(&offline, &kept).unwrap();
    council.vote("kr", &[&unsigned, "-o", &voted]).unwrap();
    assert_eq!(council.directory("kr").proposals().len(), 0, "only the file was written");
    council.install("kr", &[voted]).unwrap();
    assert_eq!(council.directory("kr").proposals()[0].votes, ["kr".parse::<Slug>().unwrap()]);
}

#[test]
fn a_split_heals_by_a_charter_that_names_both() {
    let council = Council::new();
    // Two majorities of the same three, who sign where their own nodes do not see it.
    let adopted = |name: &str, change: &dyn Fn(String) -> String| {
        let (draft, file) = (council.draft("kr", change), council.path(name));
        council.propose("kr", &draft, &["-o", &file]).unwrap();
        for member in ["my", "th"] {
            council.vote(member, &[&file, "-o", &file]).unwrap();
        }
        file
    };
    let suspend = |draft: String| {
        let draft =
            draft.replace("governors = [\"jp\", \"kr\", \"my\", \"th\"]", "governors = [\"kr\", \"my\", \"th\"]");
        draft.replacen("status = \"active\"", "status = \"suspended\"", 1)
    };
    let files = [adopted("a.luxor", &rename("A")), adopted("b.luxor", &suspend)];
    let heal =
        |member: &str, more: &[&str]| luxor(&[&["charter", "heal", "--node", &council.path(member)], more].concat());
    council.refused(heal("kr", &[]), "there is no split");
    for member in ["kr", "my", "th"] {
        files
            .iter()
            .for_each(|file| assert_eq!(council.install(member, std::slice::from_ref(file)).unwrap(), Exit::Ok));
    }
    let split = council.directory("kr");
    assert_eq!((split.charter_document().version, split.equivocations().len()), (1, 3));
    luxor(&["charter", "status", "--node", &council.path("kr")]).unwrap();
    council
        .refused(council.propose("kr", &council.draft("kr", rename("C")), &[]), "two charters of version 2 contradict");
    heal("kr", &[]).unwrap();
    let proposed = council.directory("kr").proposals()[0].clone();
    let jp = proposed.charter.member(&"jp".parse().unwrap()).unwrap().clone();
    assert_eq!(jp.status, luxor_protocol::document::MemberStatus::Suspended, "what one takes away stays away");
    council.refused(heal("kr", &[&council.draft("kr", rename("D"))]), "kr has voted for ");
    for (from, to) in [("kr", "my"), ("my", "th")] {
        council.carry(from, to);
        council.vote(to, &[]).unwrap();
    }
    let healed = council.directory("th");
    assert_eq!((healed.charter_document().version, healed.split()), (3, None));
    let words = charter::changes(
        &Charter::read(&found::read_document(Path::new(&files[0])).unwrap()).unwrap(),
        healed.charter(),
    );
    assert!(words.contains(&"jp is suspended: nothing flows from or to it".to_owned()), "{words:?}");
}

#[test]
fn every_change_of_a_charter_is_said() {
    let council = Council::new();
    let old = council.directory("kr").charter().clone();
    let of = |change: &dyn Fn(String) -> String| {
        let draft = council.draft("kr", change);
        charter::changes(&old, &Charter::from_draft(&fs::read_to_string(draft).unwrap()).unwrap())
    };
    let cases: [(Change<'_>, &[&str]); 6] = [
        (&|d| d, &["nothing but its number"]),
        (&|d| d.replace("name = \"Test\"", "name = \"Ours\""), &["the network is called 'Ours' instead of 'Test'"]),
        (
            &|d| d.replace("threshold = 3", "threshold = 4"),
            &["a later charter needs 4 of 4 governors instead of 3 of 4"],
        ),
        (
            &|d| d.replace("threshold = 3", "threshold = 3\nvalid_until = \"2030-01-01\""),
            &["it holds until 2030-01-01"],
        ),
        (&|d| d.replace("kind = \"auditor\"", "kind = \"post\""), &["watch is post of KR instead of auditor of KR"]),
        (
            &|d| d.replace("\"jp\", \"kr\"", "\"kr\"").replacen("\"active\"", "\"suspended\"", 1),
            &[
                "jp is suspended: nothing flows from or to it",
                "jp no longer governs",
                "a later charter needs 3 of 3 governors instead of 3 of 4",
            ],
        ),
    ];
    for (change, words) in cases {
        assert_eq!(of(change), words);
    }
    let without = of(&|d| d.split("\n[[member]]\nid = \"watch\"").next().unwrap().to_owned());
    assert_eq!(without, ["watch (Member watch) is removed: nothing flows from or to it any more"]);
    let back = charter::changes(
        &Charter { members: old.members[..4].to_vec(), ..old.clone() },
        &Charter { policy: None, ..old.clone() },
    );
    assert!(
        back[0].starts_with("watch (Member watch), auditor of KR, is added, with the identity key identity:"),
        "{back:?}"
    );
}

#[test]
fn an_agreement_is_renewed_by_the_parties_of_both_versions() {
    let council = Council::new();
    let renewed = AGREEMENT
        .replace("[\"kr\", \"my\"]", "[\"kr\", \"my\", \"th\"]")
        .replace("to = [\"my\"]", "to = [\"my\", \"th\"]")
        .replace("\"filing\", \"item\"", "\"filing\", \"value\"")
        .replace("retention_days = 30", "retention_days = 60");
    let half = council.agree("second", &renewed, &["kr", "my"], None).unwrap();
    let document = found::read_document(Path::new(&half)).unwrap();
    assert_eq!(document.version, 2);
    let check = |more: &[&str]| luxor(&[&["agreement", "check", &half], more].concat());
    let (kr, charter) = (council.path("kr"), council.path("charter.luxor"));
    council.refused(check(&["--charter", &charter]), "the version before it is not known here");
    assert_eq!(check(&["--node", &kr]).unwrap(), Exit::Findings);
    council.refused(council.install("kr", std::slice::from_ref(&half)), "lacks the signature of th");
    luxor(&["agreement", "show", &half, "--node", &kr]).unwrap();
    luxor(&["agreement", "sign", &half, "--node", &council.path("th"), "-o", &half]).unwrap();
    assert_eq!(check(&["--node", &kr]).unwrap(), Exit::Ok);
    council.install("kr", std::slice::from_ref(&half)).unwrap();
    luxor(&["agreement", "list", "--node", &kr, "--json"]).unwrap();
    let directory = council.directory("kr");
    let versions = &directory.agreement_versions()[&"parcels".parse::<Slug>().unwrap()];
    let words = agreement::changes(&versions[0].1, &versions[1].1);
    let expected = [
        "my will newly see value of declaration from kr, for revenue",
        "my will no longer see item of declaration from kr, for revenue",
        "what my sees of declaration from kr, for revenue, is now: version 1, kept at most 60 days; before: version 1, kept at most 30 days",
        "th will newly see filing and value of declaration from kr, for revenue (version 1, kept at most 60 days)",
        "a party from now on: th",
    ];
    assert_eq!(words, expected);
    // Left out by the next one, a party of the one before signs it still.
    let third = council.agree("third", AGREEMENT, &["kr"], None).unwrap();
    assert_eq!(luxor(&["agreement", "check", &third, "--node", &kr]).unwrap(), Exit::Findings);
    council.install("th", &[half]).unwrap();
    luxor(&["agreement", "sign", &third, "--node", &council.path("th"), "-o", &third]).unwrap();
}

#[test]
fn what_may_flow_is_explained_and_stops_with_a_suspension() {
    let council = Council::new();
    let kr = council.path("kr");
    let ask = |more: &[&str]| {
        let fixed = ["agreement", "explain", "--from", "kr", "--type", "declaration"];
        let mut args = fixed.to_vec();
        args.extend(more);
        luxor(&args)
    };
    let question = ["--to", "my", "--purpose", "revenue"];
    let at_node = [&["--node", kr.as_str()], &question[..]].concat();
    assert_eq!(ask(&at_node).unwrap(), Exit::Ok);
    assert_eq!(ask(&[&at_node[..], &["--json", "--day", "2019-01-01"]].concat()).unwrap(), Exit::Findings);
    assert_eq!(ask(&[&at_node[..], &["--version", "2"]].concat()).unwrap(), Exit::Findings);
    assert_eq!(ask(&["--node", &kr, "--to", "my", "--purpose", "statistics"]).unwrap(), Exit::Findings);
    assert_eq!(ask(&["--node", &kr, "--to", "jp", "--purpose", "revenue"]).unwrap(), Exit::Findings);
    assert_eq!(
        ask(&["--documents", &format!("{kr}/documents"), "--to", "my", "--purpose", "revenue"]).unwrap(),
        Exit::Ok
    );
    let say = |verb: &str, ids: &[&str], more: &[&str]| {
        let head = ["agreement", verb];
        luxor(&[&head, ids, &["--node", &kr], more].concat())
    };
    council.refused(say("suspend", &["other"], &["--reason", "law"]), "no agreement 'other' is known here");
    let th = council.path("th");
    let stranger = luxor(&["agreement", "suspend", "parcels", "--node", &th, "--reason", "law"]);
    council.refused(stranger, "th is no party to agreement 'parcels'");
    council.refused(say("resume", &["parcels"], &[]), "kr has not suspended 'parcels'; it has suspended nothing");
    say("suspend", &["parcels"], &["--reason", "law"]).unwrap();
    council.refused(say("suspend", &["parcels"], &["--reason", "law"]), "parcels is suspended by kr already");
    assert_eq!(ask(&at_node).unwrap(), Exit::Findings);
    say("resume", &["parcels"], &[]).unwrap();
    assert_eq!(ask(&at_node).unwrap(), Exit::Ok);
    assert_eq!(council.directory("kr").suspension(&"kr".parse().unwrap()).map(|(version, _)| *version), Some(2));
    // A law at home counts where it stands, and one that nobody can read stops the command.
    let law = "[[forbid]]\nid = \"no-revenue\"\nground = \"Act 1\"\npurposes = [\"revenue\"]\n";
    fs::write(council.path("kr/prohibitions.toml"), law).unwrap();
    assert_eq!(ask(&at_node).unwrap(), Exit::Findings);
    fs::write(council.path("kr/prohibitions.toml"), "[[allow]]\n").unwrap();
    council.refused(ask(&at_node), "prohibitions.toml");
}

#[test]
fn two_contradicting_cards_keep_nobody_from_revoking_what_is_in_use() {
    let council = Council::new();
    let before = found::read_document(Path::new(&council.path("card-kr.luxor"))).unwrap();
    let identity = found::identity(Path::new(&council.path("kr"))).unwrap();
    for address in ["/ip4/192.0.2.1/tcp/1", "/ip4/192.0.2.2/tcp/1"] {
        let mut card = Card::open(&before).unwrap();
        card.nodes[0].addresses = vec![address.to_owned()];
        let mut next = card.to_successor(&before).unwrap();
        next.sign(&card.member, &identity);
        let file = council.path("next.luxor");
        fs::write(&file, next.to_cbor()).unwrap();
        // The node itself would keep both; of its stopped folder the second is put beside the first.
        let folder = Path::new(&council.path("kr")).join("documents");
        let name = if folder.join(next.file_name()).exists() { next.other_file_name() } else { next.file_name() };
        fs::copy(&file, folder.join(name)).unwrap();
    }
    assert_eq!(council.directory("kr").conflicts().len(), 1);
    luxor(&["revoke", "--node", &council.path("kr"), "--use", "sign", "--reason", "stolen"]).unwrap();
    assert_eq!(council.directory("kr").all_revoked().count(), 1);
}

#[test]
fn a_member_revokes_its_keys_and_governors_those_of_another() {
    let council = Council::new();
    let (kr, file) = (council.path("kr"), council.path("revocation.luxor"));
    let card = found::read_document(Path::new(&council.path("card-kr.luxor"))).unwrap();
    let card = Card::open(&card).unwrap();
    let sign = card.nodes[0].sign.current().id();
    let revoke = |member: &str, more: &[&str]| luxor(&[&["revoke", "--node", &council.path(member)], more].concat());
    assert_eq!(Exit::of(&revoke("kr", &["--reason", "lost"]).unwrap_err()), Exit::Usage);
    council.refused(revoke("kr", &["--reason", "lost", "--key", "0123"]), "no key whose id begins with '0123'");
    council.refused(revoke("kr", &["--reason", "lost", "--keys-of", "n9"]), "has no such key");
    revoke("kr", &["--reason", "lost", "--key", &sign.to_string()[..12], "--since", "2026-01-01T00:00:00Z"]).unwrap();
    let directory = council.directory("kr");
    assert_eq!(directory.revoked(&sign).unwrap().compromised_since.unwrap().to_string(), "2026-01-01T00:00:00.000Z");
    assert_eq!(directory.all_revoked().count(), 1);
    luxor(&["keys", "--node", &kr]).unwrap();
    luxor(&["keys", "--node", &kr, "--member", "my", "--json"]).unwrap();
    revoke("my", &["--reason", "stolen", "--keys-of", "n1"]).unwrap();
    assert_eq!(council.directory("my").all_revoked().count(), 4);
    revoke("jp", &["--reason", "old", "--use", "transport"]).unwrap();
    // Three governors for another's.
    let all = ["--member", "kr", "--reason", "lost", "--use", "log"];
    council.refused(revoke("watch", &all), "watch is no governor");
    assert_eq!(Exit::of(&revoke("my", &all).unwrap_err()), Exit::Usage, "it is to be passed on");
    revoke("my", &[&all[..], &["-o", &file]].concat()).unwrap();
    council.refused(council.install("th", std::slice::from_ref(&file)), "lacks the signature of kr");
    revoke("jp", &["--sign", &file, "-o", &file]).unwrap();
    revoke("th", &["--sign", &file]).unwrap();
    assert!(council.directory("th").revoked(&card.nodes[0].log.current().id()).is_some());
}

#[test]
fn words_that_differ_stand_beside_each_other_in_a_stopped_nodes_folder() {
    let council = Council::new();
    let draft = council.draft("kr", rename("A"));
    let (one, other) = (council.path("one.luxor"), council.path("other.luxor"));
    council.propose("kr", &draft, &["-o", &one]).unwrap();
    council.propose("my", &draft, &["-o", &other]).unwrap();
    council.install("jp", &[one, other]).unwrap();
    let votes = |member: &str| council.directory(member).proposals().iter().map(|p| p.votes.len()).collect::<Vec<_>>();
    assert_eq!(votes("jp"), [2], "votes for the same come together");
    council.propose("th", &council.draft("th", rename("B")), &[]).unwrap();
    council.carry("jp", "th");
    assert_eq!(votes("th").iter().sum::<usize>(), 3);
    let files = found::all_documents(Path::new(&council.path("th"))).unwrap();
    let later = |document: &&Document| document.kind == DocumentKind::Charter && document.version == 2;
    assert_eq!(files.iter().filter(later).count(), 2);
}
