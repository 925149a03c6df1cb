//! Versions of agreements, suspensions, prohibitions, a stale charter, and who sees what.

use super::*;

#[test]
fn under_a_stale_charter_nothing_new_is_admitted_and_the_rest_goes_on() {
    let council = Council::new();
    let [post, customs, other, _] = council.parties();
    let until = NOW.day().minus(1);
    let expired = council.next(&council.founding, |c| c.valid_until = Some(until), &[post, customs, other]);
    let directory = council.with(&[expired]);
    assert_eq!(directory.stale(NOW.day()), Some(until));
    assert_eq!(council.ask(&directory), Ok(()), "what was there goes on");
    let mut agreement = Agreement::open(&council.net.agreements[0]).unwrap();
    agreement.id = slug("new");
    let mut new = agreement.to_document(council.founding.digest());
    [post, customs].iter().for_each(|party| new.sign(&party.id, &party.identity));
    assert!(matches!(directory.with(&new, NOW.day()), Err(DirectoryError::Stale { .. })));
    assert!(directory.with(&new, until).unwrap().is_some(), "on its last day it is not stale");
    // Known members rotate, suspend, revoke, and vote.
    let card = rotated(post, directory.documents_of(&post.id, DocumentKind::Card), &post.identity, |_| {});
    assert!(directory.with(&card, NOW.day()).unwrap().is_some());
    let mut word = Suspension { member: post.id.clone(), agreements: vec![slug("parcels")], reason: "x".into() }
        .to_document(council.founding.digest(), None)
        .unwrap();
    word.sign(&post.id, &post.identity);
    assert!(directory.with(&word, NOW.day()).unwrap().is_some());
    let revoked = directory.with(&revocation(post, &[post.sign.public().id()], None, &post.identity), NOW.day());
    assert!(revoked.unwrap().unwrap().revoked(&post.sign.public().id()).is_some());
    let next = council.next(directory.charter_document(), |c| c.valid_until = None, &[post, customs, other]);
    assert_eq!(directory.with(&next, NOW.day()).unwrap().unwrap().stale(NOW.day()), None);
}

#[test]
fn a_member_suspends_its_own_rows_and_only_it_resumes() {
    let council = Council::new();
    let [post, customs, ..] = council.parties();
    let word = |party: &Party, agreements: &[&str], before: Option<&Document>| {
        let agreements = agreements.iter().map(|id| slug(id)).collect();
        let body = Suspension { member: party.id.clone(), agreements, reason: "law".into() };
        let mut document = body.to_document(council.founding.digest(), before).unwrap();
        document.sign(&party.id, &party.identity);
        document
    };
    let stop = word(customs, &["parcels"], None);
    let directory = council.with(std::slice::from_ref(&stop));
    assert_eq!(council.ask(&directory), Err(Denial::Suspended(customs.id.clone())));
    let number = |directory: &Directory, of| directory.suspension(of).map(|(version, _)| *version);
    assert_eq!((number(&directory, &customs.id), number(&directory, &post.id)), (Some(1), None));
    // The mandate is another agreement, and goes on.
    assert!(directory.mandate(&post.id, &slug("auditor"), NOW.day()).is_some());
    let mut forged = word(customs, &[], Some(&stop));
    forged.signatures.clear();
    forged.sign(&post.id, &post.identity);
    assert!(directory.with(&forged, NOW.day()).is_err());
    let resumed = directory.with(&word(customs, &[], Some(&stop)), NOW.day()).unwrap().unwrap();
    assert_eq!((council.ask(&resumed), number(&resumed, &customs.id)), (Ok(()), Some(2)));
    // The first word again changes nothing: the highest number holds.
    assert!(resumed.with(&stop, NOW.day()).unwrap().is_none());
}

#[test]
fn a_later_version_of_an_agreement_takes_its_place_on_its_day() {
    let council = Council::new();
    let [post, customs, other, auditor] = council.parties();
    let first = council.directory.documents_of(&slug("parcels"), DocumentKind::Agreement).clone();
    let mut body = Agreement::open(&first).unwrap();
    body.valid_from = NOW.day().plus(10);
    body.flows.truncate(1);
    body.flows[0].groups = vec!["filing".into()];
    body.parties.push(other.id.clone());
    body.parties.sort();
    let mut second = body.to_successor(&first);
    [post, customs].iter().for_each(|party| second.sign(&party.id, &party.identity));
    let widened = council.directory.with(&second, NOW.day()).unwrap_err();
    assert!(matches!(widened, DirectoryError::Document(DocumentError::Missing { .. })), "{widened}");
    second.sign(&other.id, &other.identity);
    let directory = council.with(std::slice::from_ref(&second));
    let grant = |day: Day| {
        let ask = Ask {
            type_name: "declaration",
            version: 1,
            from: &post.id,
            to: &customs.id,
            purpose: Purpose::SafetySecurity,
            day,
        };
        let policy = directory.policy();
        let permits = |digest, view| policy.permits(&directory, &ask, &digest, view, 1).is_ok();
        let groups = policy.decide(&directory, &ask).map(|grant| grant.groups).unwrap();
        (
            groups,
            permits(first.digest(), set(&["filing"])),
            permits(first.digest(), set(&["item"])),
            permits(second.digest(), set(&["filing"])),
        )
    };
    assert_eq!(grant(NOW.day()), (set(&crate::testing::SHOWN), true, true, false));
    // What is under way by the first version still arrives, as far as both give it.
    assert_eq!(grant(NOW.day().plus(10)), (set(&["filing"]), true, false, true));
    // To be left out, a party must agree too.
    let mut third =
        Agreement { parties: vec![customs.id.clone(), post.id.clone()], ..body.clone() }.to_successor(&second);
    [post, customs].iter().for_each(|party| third.sign(&party.id, &party.identity));
    assert!(directory.with(&third, NOW.day()).is_err());
    third.sign(&other.id, &other.identity);
    assert!(directory.with(&third, NOW.day()).unwrap().is_some());
    // Without the version before it, it has to wait; two of one version freeze the agreement at the one before.
    assert!(matches!(
        council.directory.with(&third, NOW.day()),
        Err(DirectoryError::Document(DocumentError::Version { holds: 1, found: 3, .. }))
    ));
    let mut rival = Agreement { title: "Rival".into(), ..body }.to_successor(&first);
    [post, customs, other].iter().for_each(|party| rival.sign(&party.id, &party.identity));
    let frozen = directory.with(&rival, NOW.day()).unwrap().unwrap();
    assert_eq!((frozen.conflicts().len(), frozen.agreement(&second.digest())), (1, None));
    assert_eq!(council.ask(&frozen), Ok(()));
    assert!(frozen.with(&third, NOW.day()).is_err());
    let _ = auditor;
}

#[test]
fn agreements_are_seen_by_their_parties_and_auditors_only() {
    let council = Council::new();
    let [post, customs, other, auditor] = council.parties();
    let sees = |party: &Party, id: &str| {
        let mut all = council.directory.documents_for(&party.id);
        all.any(|(_, d)| d.kind == DocumentKind::Agreement && d.id.as_str() == id)
    };
    for (party, parcels, mandate) in
        [(post, true, true), (customs, true, true), (other, false, false), (auditor, true, true)]
    {
        assert_eq!((sees(party, "parcels"), sees(party, "mandate")), (parcels, mandate), "{}", party.id);
    }
    let cards = council.directory.documents_for(&other.id).filter(|(_, d)| d.kind == DocumentKind::Card).count();
    assert_eq!(cards, 4);
    // Two first versions that contradict each other are evidence for their parties.
    let two = ["One", "Other"].map(|title| {
        let body = Agreement::open(&council.net.agreements[0]).unwrap();
        let body = Agreement { id: slug("twice"), title: title.into(), ..body };
        let mut document = body.to_document(council.founding.digest());
        [post, customs].iter().for_each(|party| document.sign(&party.id, &party.identity));
        document
    });
    let directory = council.with(&two);
    let seen = |party: &Party| directory.documents_for(&party.id).filter(|(_, d)| d.id.as_str() == "twice").count();
    assert_eq!((seen(post), seen(customs), seen(other)), (2, 2, 0));
}

#[test]
fn prohibitions_take_away_and_give_nothing() {
    let council = Council::new();
    let text = "[[forbid]]\nid = \"names\"\nground = \"Act\"\nto = [\"customs-kr\"]\ngroups = [\"sender\"]\n\
                [[forbid]]\nid = \"revenue\"\nground = \"Act\"\npurposes = [\"revenue\"]\n";
    let directory = council.directory.under(Arc::new(Prohibitions::parse(text).unwrap()));
    let (from, to) = (slug("post-de"), slug("customs-kr"));
    let ask = |purpose| Ask { type_name: "declaration", version: 1, from: &from, to: &to, purpose, day: NOW.day() };
    let given = directory.policy().decide(&directory, &ask(Purpose::SafetySecurity)).unwrap();
    let left: Vec<_> = crate::testing::SHOWN.into_iter().filter(|name| *name != "sender").collect();
    assert_eq!(given.groups, set(&left));
    let revenue = directory.policy().decide(&directory, &ask(Purpose::Revenue));
    assert_eq!(revenue.map(drop), Err(Denial::Prohibited(slug("revenue"))));
    // They stay when documents come.
    let post = &council.net.post;
    let before = directory.documents_of(&post.id, DocumentKind::Card).clone();
    let directory = directory.with(&rotated(post, &before, &post.identity, |_| {}), NOW.day()).unwrap().unwrap();
    assert_eq!(directory.prohibitions().all().len(), 2);
}
