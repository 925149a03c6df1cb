//! What people read of a document or a draft that is refused.

use super::*;

/// Each wrong document says what is wrong with it in words of its own.
#[test]
fn people_read_what_is_wrong_with_a_document() {
    let council = Council::new();
    let [post, customs, other, auditor] = council.parties();
    let network = council.founding.digest();
    let body = Agreement::open(&council.net.agreements[0]).unwrap();
    let agreement = |id: &str, by: &[&Party]| {
        let mut document = Agreement { id: slug(id), ..body.clone() }.to_document(network);
        by.iter().for_each(|party| document.sign(&party.id, &party.identity));
        document
    };
    let next = SecretKey::from_seed(KeyUse::Identity, &[91; 32]).unwrap();
    let before = council.directory.documents_of(&post.id, DocumentKind::Card).clone();
    let mut card = rotated(post, &before, &post.identity, |card| card.identity = *next.public());
    card.countersign(&post.id, &next);
    let until = NOW.day().minus(1);
    let expired = council.next(&council.founding, |c| c.valid_until = Some(until), &[post, customs, other]);
    let revoked = revocation(customs, &[customs.identity.public().id()], None, &customs.identity);
    let mut two = agreement("new", &[customs, post]);
    two.countersign(&post.id, &next);
    let mut far = agreement("parcels", &[customs, post]);
    (far.version, far.previous) = (3, Digest([1; 32]));
    let mut second = body.to_successor(council.directory.documents_of(&slug("parcels"), DocumentKind::Agreement));
    second.previous = Digest([1; 32]);
    let mut flipped = agreement("new", &[customs, post]);
    flipped.signatures[0].signature[9] ^= 1;
    let mut foreign = agreement("new", &[]);
    foreign.network = Digest([9; 32]);
    let weak = {
        let mut document = before.clone();
        let key = post.sign.public().bytes();
        let at = document.body.windows(32).position(|window| window == key).unwrap();
        document.body[at..at + 32].fill(0);
        (document.version, document.previous) = (2, before.digest());
        document.sign(&post.id, &post.identity);
        document
    };
    let stranger = Party::new("post-xx", 9);
    let mut unknown = stranger.card().to_document(network).unwrap();
    unknown.sign(&stranger.id, &stranger.identity);
    let late = council.next(
        &council.founding,
        |charter| {
            rename("B")(charter);
            charter.round = 2;
        },
        &[post],
    );
    type Case<'c> = (&'c str, Vec<Document>, Document, &'c str);
    let stale = format!(
        "agreement 'new' is new, and the charter expired on {until}: nothing new is admitted under it\nhint: governors adopt"
    );
    let cases: Vec<Case<'_>> = vec![
        (
            "a signature missing",
            vec![],
            agreement("new", &[customs]),
            "agreement 'new' lacks the signature of post-de\nhint: have post-de run `luxor agreement sign`",
        ),
        (
            "a stranger's",
            vec![],
            agreement("new", &[customs, other, post]),
            "agreement 'new' carries a signature of customs-jp, who is no party to it",
        ),
        (
            "two keys of one party",
            vec![card.clone()],
            two,
            "agreement 'new' carries two signatures of post-de; each party signs once, with one key",
        ),
        (
            "another key",
            vec![],
            rotated(post, &before, &next, |_| {}),
            "card 'post-de': signature of post-de: signed with identity key",
        ),
        (
            "a wrong signature",
            vec![],
            flipped,
            "agreement 'new': signature of customs-kr: the signature by the identity key does not match",
        ),
        (
            "a revoked key",
            vec![revoked],
            agreement("new", &[customs, post]),
            "of customs-kr is revoked\nhint: customs-kr signs with its key of today",
        ),
        (
            "a wrong version",
            vec![],
            far,
            "agreement 'parcels' has version 3; the version that holds is 1, so the next is 2",
        ),
        (
            "another predecessor",
            vec![],
            second,
            "agreement 'parcels' version 2 follows another agreement than version 1 given here\nhint: ask its signers",
        ),
        ("expired", vec![expired], agreement("new", &[customs, post]), &stale),
        ("a weak key", vec![], weak, ": not a valid Ed25519 key, or a weak one"),
        ("another network", vec![], foreign, "agreement 'new' belongs to network 0909"),
        ("an unknown member", vec![], unknown, "card 'post-xx' names post-xx, who is not in the charter"),
        (
            "no vote",
            vec![],
            council.next(&council.founding, rename("A"), &[]),
            "charter 'test-network' version 2 has 0 of the 3 votes that it needs\nhint: governors vote with `luxor charter vote`",
        ),
        (
            "a round too early",
            vec![],
            late,
            "charter 'test-network': its round has not begun: the one before it is not closed\nhint: governors close a round with `luxor charter reject`",
        ),
    ];
    let mut all = Vec::new();
    for (name, known, document, text) in cases {
        let error = council.with(&known).with(&document, NOW.day()).unwrap_err().to_string();
        assert!(error.contains(text), "{name}: {error}");
        all.push(error);
    }
    assert!(all.iter().any(|error| error.starts_with("card 'post-de': its content is refused at byte ")));
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 14, "no two say the same");
    // What is not given says why too.
    let said = |denial: Denial| denial.to_string();
    assert_eq!(said(Denial::Ended(until)), format!("the agreement ended on {until}"));
    assert_eq!(said(Denial::UnknownTerm("a = b".into())), "the row has the term 'a = b', which is not known here");
    let _ = auditor;
}

/// A draft is refused with what is wrong in it, and what would be right.
#[test]
fn people_read_what_is_wrong_with_a_draft() {
    let draft = r#"
        id = "a"
        title = "T"
        instrument = "I"
        article = "1"
        controller = "C"
        parties = ["post-de", "customs-kr"]
        valid_from = "2026-01-01"
        valid_until = "2026-12-31"
        [[flow]]
        type = "declaration"
        version = 1
        from = ["post-de"]
        to = ["customs-kr"]
        purpose = "revenue"
        groups = ["value"]
        retention_days = 30
        terms = { evidence = "yes" }
    "#;
    assert!(Agreement::from_draft(draft).is_ok());
    for (from, to, text) in [
        (
            "evidence = \"yes\"",
            "watermark = \"yes\"",
            "agreement draft: the term 'watermark = yes' is not known\nhint: known are deletion_receipt = \"yes\", evidence",
        ),
        ("evidence = \"yes\"", "evidence = \"no\"", "the term 'evidence = no' is not known"),
        ("version = 1", "version = 9", "agreement draft: no record type declaration version 9"),
        (
            "groups = [\"value\"]",
            "groups = [\"values\"]",
            "declaration version 1 has no group 'values'\nhint: it has filing, item",
        ),
        ("version = 1", "", "a flow names its 'version', or its 'versions', and not both"),
        ("valid_until = \"2026-12-31\"", "valid_until = \"2025-12-31\"", "agreement draft: it ends before it begins"),
        ("to = [\"customs-kr\"]", "to = [\"customs-jp\"]", "agreement draft: a row names a member that is no party"),
        ("retention_days = 30", "retention_days = 3661", "agreement draft: retention is 1 to 3660 days"),
    ] {
        let error = Agreement::from_draft(&draft.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error.contains(text), "{error}");
    }
    let charter = "name = \"N\"\ngovernors = [\"a\"]\n[[member]]\nid = \"a\"\nname = \"A\"\nkind = \"post\"\nterritory = \"DE\"\n\
                   identity = \"identity:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"\n";
    let error = Charter::from_draft(charter).unwrap_err().to_string();
    assert_eq!(error, "charter draft: member a: the identity key is not a valid Ed25519 key, or a weak one");
}
