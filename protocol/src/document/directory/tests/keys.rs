//! Identity keys, cards with several keys, conflicts of cards, revocations.

use super::*;
use crate::names::NodeRef;

#[test]
fn identity_keys_follow_one_another_and_old_documents_still_verify() {
    let council = Council::new();
    let post = &council.net.post;
    let next = SecretKey::from_seed(KeyUse::Identity, &[91; 32]).unwrap();
    let before = council.directory.documents_of(&post.id, DocumentKind::Card).clone();
    let change = |card: &mut Card| card.identity = *next.public();
    // By the old key alone, by the new one alone, by both.
    let half = rotated(post, &before, &post.identity, change);
    let refused = council.directory.with(&half, NOW.day()).unwrap_err();
    assert!(matches!(refused, DirectoryError::Document(DocumentError::Missing { .. })), "{refused}");
    assert!(council.directory.with(&rotated(post, &before, &next, change), NOW.day()).is_err());
    let mut both = rotated(post, &before, &post.identity, change);
    both.countersign(&post.id, &next);
    let directory = council.with(std::slice::from_ref(&both));
    assert_eq!(directory.identities(&post.id), [*post.identity.public(), *next.public()]);
    assert_eq!(council.ask(&directory), Ok(()), "the agreement that the old key signed");
    // From the next card on only the new key signs; agreements that were signed while it was changed are taken.
    let stale = rotated(post, &both, &post.identity, |_| {});
    assert!(matches!(
        directory.with(&stale, NOW.day()),
        Err(DirectoryError::Document(DocumentError::Signature { .. }))
    ));
    assert!(directory.with(&rotated(post, &both, &next, |_| {}), NOW.day()).unwrap().is_some());
    for key in [&post.identity, &next] {
        let mut agreement = Agreement::open(&council.net.agreements[0]).unwrap();
        agreement.id = slug("signed-meanwhile");
        let mut document = agreement.to_document(council.founding.digest());
        document.sign(&council.net.customs.id, &council.net.customs.identity);
        document.sign(&post.id, key);
        assert!(directory.with(&document, NOW.day()).unwrap().is_some());
        // With two keys of one party it is refused, as if one party could sign for both.
        document.countersign(&post.id, if *key.public() == *next.public() { &post.identity } else { &next });
        document.signatures.retain(|signed| signed.member == post.id);
        let two = directory.with(&document, NOW.day()).unwrap_err();
        assert!(matches!(two, DirectoryError::Document(DocumentError::TwoKeys { .. })), "{two}");
    }
    // A retired key revokes nothing; and revoked, it signs nothing that is new.
    let by_old = revocation(post, &[post.sign.public().id()], None, &post.identity);
    assert!(directory.with(&by_old, NOW.day()).is_err());
    let revoked = revocation(post, &[post.identity.public().id()], None, &next);
    let directory = directory.with(&revoked, NOW.day()).unwrap().unwrap();
    let mut agreement = Agreement::open(&council.net.agreements[0]).unwrap();
    agreement.id = slug("too-late");
    let mut document = agreement.to_document(council.founding.digest());
    [&council.net.customs, post].iter().for_each(|party| document.sign(&party.id, &party.identity));
    let late = directory.with(&document, NOW.day()).unwrap_err();
    assert!(matches!(late, DirectoryError::Document(DocumentError::RevokedKey { .. })), "{late}");
    assert_eq!(council.ask(&directory), Ok(()), "what was signed before keeps its force");
}

/// Joined, its votes by two keys made a document that nobody could read back.
#[test]
fn a_governor_that_votes_again_with_its_next_key_has_one_vote() {
    let council = Council::new();
    let [post, customs, other, _] = council.parties();
    let next = SecretKey::from_seed(KeyUse::Identity, &[91; 32]).unwrap();
    let before = council.directory.documents_of(&post.id, DocumentKind::Card).clone();
    let mut card = rotated(post, &before, &post.identity, |card| card.identity = *next.public());
    card.countersign(&post.id, &next);
    let by = |key: &SecretKey, others: &[&Party]| {
        let mut document = council.next(&council.founding, rename("A"), others);
        document.sign(&post.id, key);
        document
    };
    let votes = [by(&post.identity, &[]), by(&next, &[]), by(&next, &[customs])];
    let mut all = Vec::new();
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let mut directory = council.with(std::slice::from_ref(&card));
        for at in order {
            directory = directory.with(&votes[at], NOW.day()).unwrap().unwrap_or(directory);
        }
        assert_eq!((directory.proposals()[0].votes.len(), directory.charter_document().version), (2, 1));
        let read = |d: &Arc<Document>| Document::from_cbor(&d.to_cbor()).unwrap();
        let again = Directory::load(directory.documents().map(|(_, d)| read(d)), Arc::default()).unwrap();
        assert!(again.refused.is_empty());
        let adopted = again.directory.with(&by(&post.identity, &[other]), NOW.day()).unwrap().unwrap();
        assert_eq!(adopted.charter_document().version, 2);
        all.push(adopted.summary());
    }
    assert!(all.windows(2).all(|w| w[0] == w[1]));
}

#[test]
fn a_node_that_a_later_card_leaves_out_connects_no_more_and_what_it_signed_verifies() {
    let council = Council::new();
    let [post, ..] = council.parties();
    let before = council.directory.documents_of(&post.id, DocumentKind::Card).clone();
    let key = |use_of, n| *SecretKey::from_seed(use_of, &[n; 32]).unwrap().public();
    let mut further = None;
    let both = rotated(post, &before, &post.identity, |card| {
        let mut node = card.nodes[0].clone();
        (node.name, node.origin) = ("zz".parse().unwrap(), "log.example/zz".into());
        (node.sign, node.log) = (key(KeyUse::Sign, 110).into(), key(KeyUse::Log, 111).into());
        (node.witness, node.transport) = (key(KeyUse::Witness, 112).into(), key(KeyUse::Transport, 113).into());
        further = Some(node.clone());
        card.nodes.push(node);
    });
    let (further, name) = (further.unwrap(), NodeRef::new(&post.id, &"zz".parse().unwrap()));
    let transport = further.transport.current().bytes();
    let directory = council.directory.with(&both, NOW.day()).unwrap().unwrap();
    assert!(directory.node_by_transport(&transport).is_some() && directory.node(&name).unwrap().belongs());
    let one = rotated(post, &both, &post.identity, |card| card.nodes.retain(|node| node.name != further.name));
    let directory = directory.with(&one, NOW.day()).unwrap().unwrap();
    assert!(directory.node_by_transport(&transport).is_none());
    assert!(directory.nodes().all(|node| node.node != name) && directory.nodes().any(|node| node.member == post.id));
    let left_out = directory.node(&name).unwrap();
    assert_eq!((left_out.belongs(), &left_out.card), (false, &further));
    assert_eq!(crate::exchange::log_keys(&directory, &further.origin).len(), 1);
}

#[test]
fn a_vote_gives_a_member_another_identity_key() {
    let council = Council::new();
    let [post, customs, other, auditor] = council.parties();
    let next = SecretKey::from_seed(KeyUse::Identity, &[92; 32]).unwrap();
    let change = |charter: &mut Charter| {
        charter.members.iter_mut().find(|m| m.id == post.id).unwrap().identity = *next.public();
    };
    let charter = council.next(&council.founding, change, &[customs, other, auditor]);
    let directory = council.with(&[charter]);
    assert_eq!(directory.identities(&post.id).last(), Some(next.public()));
    let before = directory.documents_of(&post.id, DocumentKind::Card).clone();
    let change = |card: &mut Card| card.identity = *next.public();
    let second = rotated(post, &before, &next, change);
    let directory = directory.with(&second, NOW.day()).unwrap().unwrap();
    // It is retired by a card as any other.
    let own = SecretKey::from_seed(KeyUse::Identity, &[98; 32]).unwrap();
    let mut third = rotated(post, &second, &next, |card| card.identity = *own.public());
    third.countersign(&post.id, &own);
    let directory = directory.with(&third, NOW.day()).unwrap().unwrap();
    assert!(directory.with(&rotated(post, &third, &next, |card| card.identity = *next.public()), NOW.day()).is_err());
    assert!(directory.with(&rotated(post, &third, &own, |_| {}), NOW.day()).unwrap().is_some());
}

/// What a charter brings must not undo it: then no set of charters and cards would follow from the documents, and a node that looked
/// for one would never end.
#[test]
fn a_charter_is_not_undone_by_keys_that_it_brings() {
    let council = Council::new();
    let [post, customs, other, auditor] = council.parties();
    let [on_card, voted] = [96, 97].map(|n| SecretKey::from_seed(KeyUse::Identity, &[n; 32]).unwrap());
    let pin = |charter: &mut Charter| {
        charter.members.iter_mut().find(|m| m.id == post.id).unwrap().identity = *voted.public();
    };
    // The vote that decides is made with a key on a card, and the key voted in signs another card of that version.
    let before = council.directory.documents_of(&post.id, DocumentKind::Card).clone();
    let mut card = rotated(post, &before, &post.identity, |card| card.identity = *on_card.public());
    card.countersign(&post.id, &on_card);
    let mut charter = council.next(&council.founding, pin, &[customs, other]);
    charter.sign(&post.id, &on_card);
    let rival = rotated(post, &before, &voted, |card| card.identity = *voted.public());
    let directory = council.with(&[card, charter, rival]);
    assert_eq!((directory.charter_document().version, directory.conflicts().len()), (2, 1));
    // A rival charter whose vote is made with the key that only the other one pins.
    let adopted = council.next(&council.founding, pin, &[customs, other, auditor]);
    let mut rival = council.next(&council.founding, rename("B"), &[customs, other]);
    rival.sign(&post.id, &voted);
    let directory = council.with(std::slice::from_ref(&adopted));
    assert!(directory.with(&rival, NOW.day()).is_err());
    let all = council.directory.documents().map(|(_, d)| Document::clone(d)).chain([adopted.clone(), rival]);
    let loaded = Directory::load(all, Arc::default()).unwrap();
    assert_eq!((loaded.directory.charter_digest(), loaded.refused.len()), (adopted.digest(), 1));
}

#[test]
fn two_cards_of_one_version_freeze_a_member_and_stop_nothing() {
    let council = Council::new();
    let post = &council.net.post;
    let before = council.directory.documents_of(&post.id, DocumentKind::Card).clone();
    let cards = ["/ip4/192.0.2.8/tcp/1", "/ip4/192.0.2.9/tcp/1"]
        .map(|address| rotated(post, &before, &post.identity, |card| card.nodes[0].addresses = vec![address.into()]));
    let directory = council.with(&cards);
    let [conflict] = directory.conflicts() else { panic!("one conflict") };
    assert_eq!((conflict.kind, conflict.version), (DocumentKind::Card, 2));
    assert_eq!(directory.card_of(&post.id), council.directory.card_of(&post.id));
    assert_eq!(council.ask(&directory), Ok(()));
    let third = rotated(post, &cards[0], &post.identity, |_| {});
    assert!(matches!(directory.with(&third, NOW.day()), Err(DirectoryError::Frozen { version: 2, .. })));
    assert_eq!(council.with(&[cards[1].clone(), cards[0].clone()]).summary(), directory.summary());
}

/// Cards are taken in the order of versions and names, and public keys are public: a member early in that order could name the keys
/// on another's newest card and push it out.
#[test]
fn a_card_with_anothers_keys_does_not_push_that_one_out() {
    let council = Council::new();
    let [post, _, other, _] = council.parties();
    let sign = *SecretKey::from_seed(KeyUse::Sign, &[93; 32]).unwrap().public();
    let second = |directory: &Directory| directory.documents_of(&post.id, DocumentKind::Card).clone();
    let second = rotated(post, &second(&council.directory), &post.identity, |card| card.nodes[0].sign = sign.into());
    let third = rotated(post, &second, &post.identity, |card| card.nodes[0].origin = "log.example/new".into());
    let directory = council.with(&[second, third.clone()]);
    let before = directory.documents_of(&other.id, DocumentKind::Card).clone();
    for thief in [
        rotated(other, &before, &other.identity, |card| card.nodes[0].sign = sign.into()),
        rotated(other, &before, &other.identity, |card| card.nodes[0].origin = "log.example/new".into()),
    ] {
        let error = directory.with(&thief, NOW.day()).unwrap_err();
        assert!(matches!(error, DirectoryError::SharedKey(..) | DirectoryError::SharedOrigin(..)), "{error}");
    }
    assert_eq!(directory.card_of(&post.id), Some((3, third.digest())));
}

#[test]
fn keys_overlap_and_a_revoked_one_is_refused() {
    let council = Council::new();
    let post = &council.net.post;
    let key = |purpose, n: u8| *SecretKey::from_seed(purpose, &[n; 32]).unwrap().public();
    let (sign, transport) = (key(KeyUse::Sign, 93), key(KeyUse::Transport, 94));
    let before = council.directory.documents_of(&post.id, DocumentKind::Card).clone();
    // The next keys stand behind those in use, then before them, then alone.
    let both = |first: PublicKey, second: PublicKey| crate::document::Keys::new(vec![first, second]).unwrap();
    let step = |before: &Document, change: &dyn Fn(&mut CardNode)| {
        rotated(post, before, &post.identity, |card| change(&mut card.nodes[0]))
    };
    use crate::document::CardNode;
    let announced = step(&before, &|node| {
        node.sign = both(*node.sign.current(), sign);
        node.transport = both(*node.transport.current(), transport);
    });
    let switched = step(&announced, &|node| {
        node.sign = both(sign, node.sign.all()[0]);
        node.transport = both(transport, node.transport.all()[0]);
    });
    let done = step(&switched, &|node| (node.sign, node.transport) = (sign.into(), transport.into()));
    let (body, network) = (b"x".as_slice(), council.founding.digest());
    let old = post.sign.sign(Domain::Batch, &network, body);
    let check = |directory: &Directory| {
        use crate::keys::SignatureCheck as _;
        let node = directory.node(&post.node).unwrap();
        let (now, ever) = (node.now(), node.ever());
        let domain = Domain::Batch;
        (now.check(domain, &network, body, &old), ever.check(domain, &network, body, &old))
    };
    let mut directory = council.directory.clone();
    for (card, connects, accepted) in [(&announced, true, true), (&switched, true, true), (&done, false, false)] {
        directory = directory.with(card, NOW.day()).unwrap().unwrap();
        let known = directory.node_by_transport(&post.transport().bytes()).is_some();
        assert_eq!((known, directory.node_by_transport(&transport.bytes()).is_some()), (connects, true));
        let (now, ever) = check(&directory);
        assert_eq!((now.is_ok(), ever.is_ok()), (accepted, true));
    }
    // Revoked while it is on the card: refused at once, its old signatures still verify.
    let revoked = revocation(post, &[post.sign.public().id(), post.transport().id()], None, &post.identity);
    let directory = council.with(&[revoked]);
    let (now, ever) = check(&directory);
    assert_eq!((now, ever), (Err(crate::keys::KeyError::Revoked(post.sign.public().id())), Ok(())));
    assert!(directory.node_by_transport(&post.transport().bytes()).is_none());
}

#[test]
fn what_a_revoked_key_signed_before_is_contested_or_good_and_never_void() {
    let council = Council::new();
    let post = &council.net.post;
    let key = post.sign.public().id();
    let since = Millis(NOW.0 - 1_000);
    let directory = council.with(&[revocation(post, &[key], Some(since), &post.identity)]);
    let standing = |made: Option<u64>| directory.standing(&key, made.map(Millis));
    assert_eq!(standing(Some(since.0 - 1)), Standing::Good);
    assert_eq!(standing(Some(since.0)), Standing::Contested);
    assert_eq!(standing(Some(NOW.0)), Standing::Contested);
    assert_eq!(standing(Some(NOW.0 + 1)), Standing::Refused);
    assert_eq!(standing(None), Standing::Refused, "without a proven time it counts as made now");
    assert_eq!(council.directory.standing(&key, None), Standing::Good);
    // Governors revoke for a member that lost its identity key; one of them alone does not.
    let [_, customs, other, auditor] = council.parties();
    let mut by_governors = revocation(post, &[key], None, &post.identity);
    by_governors.signatures.clear();
    by_governors.sign(&customs.id, &customs.identity);
    assert!(council.directory.with(&by_governors, NOW.day()).is_err());
    [other, auditor].iter().for_each(|party| by_governors.sign(&party.id, &party.identity));
    assert!(council.with(&[by_governors]).revoked(&key).is_some());
    // Two words on one key: what is said against it first.
    let both = council.with(&[
        revocation(post, &[key], Some(since), &post.identity),
        revocation(post, &[key], Some(Millis(since.0 - 5)), &post.identity),
    ]);
    assert_eq!(both.revoked(&key).unwrap().compromised_since, Some(Millis(since.0 - 5)));
}

/// A member that could revoke the keys of others would stop them all with one document.
#[test]
fn nobody_revokes_the_keys_of_another_member() {
    let council = Council::new();
    let [post, customs, ..] = council.parties();
    let theirs = [customs.sign.public().id(), customs.identity.public().id(), customs.transport().id()];
    let directory = council.with(&[revocation(post, &theirs, None, &post.identity)]);
    assert!(theirs.iter().all(|key| directory.revoked(key).is_none()) && directory.all_revoked().next().is_none());
    assert!(directory.node_by_transport(&customs.transport().bytes()).is_some());
    let mut word = Suspension { member: customs.id.clone(), agreements: Vec::new(), reason: "x".into() }
        .to_document(council.founding.digest(), None)
        .unwrap();
    word.sign(&customs.id, &customs.identity);
    assert!(directory.with(&word, NOW.day()).unwrap().is_some());
    // Its owner's word on the same key holds, whichever came first.
    let own = revocation(customs, &theirs[..1], None, &customs.identity);
    let directory = directory.with(&own, NOW.day()).unwrap().unwrap();
    assert_eq!(directory.revoked(&theirs[0]).unwrap().member, customs.id);
    // A key that stands on no card yet is revoked as soon as it does.
    let next = *SecretKey::from_seed(KeyUse::Sign, &[93; 32]).unwrap().public();
    let directory = council.with(&[revocation(post, &[next.id()], None, &post.identity)]);
    assert!(directory.revoked(&next.id()).is_none());
    let before = directory.documents_of(&post.id, DocumentKind::Card).clone();
    let card = rotated(post, &before, &post.identity, |card| card.nodes[0].sign = next.into());
    assert!(directory.with(&card, NOW.day()).unwrap().unwrap().revoked(&next.id()).is_some());
}

/// With the governors that signed it, a revocation would have left too, and a stolen key would have been good again.
#[test]
fn a_revocation_outlives_the_office_of_its_governors() {
    let council = Council::new();
    let [post, customs, other, auditor] = council.parties();
    let key = post.sign.public().id();
    let mut word = revocation(post, &[key], None, &post.identity);
    word.signatures.clear();
    [customs, other, auditor].iter().for_each(|party| word.sign(&party.id, &party.identity));
    let directory = council.with(std::slice::from_ref(&word));
    let change = |charter: &mut Charter| (charter.governors, charter.threshold) = (vec![post.id.clone()], 1);
    let charter = council.next(&council.founding, change, &[customs, other, auditor]);
    let later = directory.with(&charter, NOW.day()).unwrap().unwrap();
    assert!(later.revoked(&key).is_some());
    // Who governs no more revokes nothing new.
    let directory = council.with(&[charter]);
    assert!(directory.with(&word, NOW.day()).is_err());
}

/// A node that was away gets the revocation perhaps before the charter.
#[test]
fn a_governor_that_revokes_its_key_after_voting_keeps_the_charter_from_nobody() {
    let council = Council::new();
    let [post, customs, other, auditor] = council.parties();
    let charter = council.next(&council.founding, rename("A"), &[post, customs, other, auditor]);
    let word = revocation(auditor, &[auditor.identity.public().id()], None, &auditor.identity);
    let directory = council.with(&[word.clone(), charter.clone()]);
    assert_eq!(directory.charter_digest(), charter.digest());
    // Where only void votes are left, or too few others, it is not adopted.
    let directory = council.with(std::slice::from_ref(&word));
    let alone = directory.with(&council.next(&council.founding, rename("A"), &[auditor]), NOW.day()).unwrap_err();
    assert!(matches!(alone, DirectoryError::Document(DocumentError::RevokedKey { .. })), "{alone}");
    let few = council.next(&council.founding, rename("A"), &[post, customs, auditor]);
    let few = directory.with(&few, NOW.day()).unwrap().unwrap();
    assert_eq!((few.charter_document().version, few.proposals()[0].votes.len()), (1, 2));
    // A revoked key signs no revocation of another member's keys either.
    let mut by_governors = revocation(post, &[post.sign.public().id()], None, &post.identity);
    by_governors.signatures.clear();
    [customs, other, auditor].iter().for_each(|party| by_governors.sign(&party.id, &party.identity));
    let void = directory.with(&by_governors, NOW.day()).unwrap_err();
    assert!(matches!(void, DirectoryError::Document(DocumentError::RevokedKey { .. })), "{void}");
}

/// One node that comes back to an origin has every key that signed under it.
#[test]
fn a_log_that_a_node_comes_back_to_keeps_all_its_keys() {
    let council = Council::new();
    let post = &council.net.post;
    let key = |n: u8| *SecretKey::from_seed(KeyUse::Log, &[n; 32]).unwrap().public();
    let mut cards = vec![council.directory.documents_of(&post.id, DocumentKind::Card).clone()];
    for (n, origin) in [(93, post.origin()), (94, "log.example/other".into()), (95, post.origin()), (96, post.origin())]
    {
        let change = |card: &mut Card| (card.nodes[0].log, card.nodes[0].origin) = (key(n).into(), origin);
        cards.push(rotated(post, &cards[cards.len() - 1], &post.identity, change));
    }
    let directory = council.with(&cards[1..]);
    let node = directory.node(&post.node).unwrap();
    let keys: Vec<_> = node.log_keys().copied().collect();
    assert_eq!(keys, [key(96), key(95), key(93), *post.log.public()]);
    assert_eq!(node.former_logs.len(), 1);
    assert_eq!((&*node.former_logs[0].origin, node.former_logs[0].log.all()), ("log.example/other", &[key(94)][..]));
}
