//! Votes, rounds, splits, and what a charter does to its members.

use super::*;

#[test]
fn three_of_four_votes_adopt_the_next_version_and_fewer_do_not() {
    let council = Council::new();
    let [post, customs, other, auditor] = council.parties();
    let next = |voters: &[&Party]| council.next(&council.founding, rename("New"), voters);
    // A proposal grows by votes that come one by one, in any order, and in copies that know nothing of each other.
    let one = council.with(&[next(&[post])]);
    assert_eq!((one.charter_digest(), one.proposals().len()), (council.directory.charter_digest(), 1));
    assert_eq!((one.proposals()[0].votes.len(), one.proposals()[0].needed), (1, 3));
    let two = one.with(&next(&[customs]), NOW.day()).unwrap().unwrap();
    assert_eq!(two.proposals()[0].votes.len(), 2);
    assert_eq!(two.with(&next(&[post]), NOW.day()).unwrap().map(|_| ()), None, "nothing new");
    let three = two.with(&next(&[other, auditor]), NOW.day()).unwrap().unwrap();
    assert_eq!(three.charter().members[0].name, "New");
    assert_eq!((three.proposals().len(), three.charter_document().version), (0, 2));
    // No vote, a stranger's, a wrong one, one of the wrong network.
    let refused = |document: &Document| council.directory.with(document, NOW.day()).unwrap_err();
    assert!(matches!(refused(&next(&[])), DirectoryError::Document(DocumentError::Votes { found: 0, needed: 3, .. })));
    let stranger = Party::new("post-xx", 9);
    let by_stranger = refused(&next(&[post, &stranger]));
    assert!(matches!(by_stranger, DirectoryError::Document(DocumentError::Stranger { .. })));
    let mut wrong = next(&[post, customs, other]);
    wrong.signatures[0].signature[3] ^= 1;
    assert!(matches!(refused(&wrong), DirectoryError::Document(DocumentError::Signature { .. })));
    let mut foreign = next(&[post, customs, other]);
    foreign.network = Digest([9; 32]);
    assert!(matches!(refused(&foreign), DirectoryError::Document(DocumentError::Network { .. })));
    // A version that does not follow: too high, and, once three hold, an earlier one again.
    let mut far = next(&[post, customs, other]);
    far.version = 3;
    far.signatures.clear();
    [post, customs, other].iter().for_each(|party| far.sign(&party.id, &party.identity));
    let expected = |error| matches!(error, DirectoryError::Document(DocumentError::Version { holds: 1, found: 3, .. }));
    assert!(expected(refused(&far)));
    let back = council.next(&council.founding, rename("Back"), &[post]);
    let rolled = three.with(&back, NOW.day()).unwrap_err();
    assert!(matches!(rolled, DirectoryError::Document(DocumentError::Votes { .. })), "{rolled}");
    // Another founding charter is another network.
    let mut other_network = charter(&[post, customs], &["post-de"]).to_document();
    other_network.sign(&post.id, &post.identity);
    assert!(matches!(refused(&other_network), DirectoryError::Document(DocumentError::Network { .. })));
}

#[test]
fn three_quarters_of_the_members_do_where_governors_are_lost() {
    let net = Network::new();
    let parties = [&net.post, &net.customs, &net.other, &net.auditor];
    let mut founding = charter(&parties, &["post-de"]).to_document();
    founding.sign(&net.post.id, &net.post.identity);
    let directory = Directory::strict([founding.clone()]).unwrap();
    let mut charter = Charter::read(&founding).unwrap();
    charter.governors = vec![slug("customs-kr")];
    let mut next = charter.to_successor(founding.digest(), &founding).unwrap();
    [&net.customs, &net.other].iter().for_each(|party| next.sign(&party.id, &party.identity));
    let two = directory.with(&next, NOW.day()).unwrap().unwrap();
    assert_eq!(two.charter_document().version, 1);
    next.sign(&net.auditor.id, &net.auditor.identity);
    let three = two.with(&next, NOW.day()).unwrap().unwrap();
    assert_eq!(three.charter().governors, [slug("customs-kr")]);
}

#[test]
fn members_are_added_suspended_and_removed() {
    let council = Council::new();
    let [post, customs, other, auditor] = council.parties();
    let voters = [post, customs, other];
    assert_eq!(council.ask(&council.directory), Ok(()));
    let status = |id: &'static str, status| {
        move |charter: &mut Charter| {
            let governs = status == MemberStatus::Active;
            charter.governors.retain(|governor| governs || governor.as_str() != id);
            charter.threshold = charter.governors.len() as u64 * 2 / 3 + 1;
            charter.members.iter_mut().find(|m| m.id.as_str() == id).unwrap().status = status;
        }
    };
    let suspended = council.next(&council.founding, status("customs-kr", MemberStatus::Suspended), &voters);
    let directory = council.with(std::slice::from_ref(&suspended));
    assert_eq!(council.ask(&directory), Err(Denial::MemberSuspended(slug("customs-kr"))));
    // It stays connected, its log stays to be read, and it comes back.
    assert!(directory.node_by_transport(&customs.transport().bytes()).is_some());
    let back = council.next(&suspended, status("customs-kr", MemberStatus::Active), &[post, other, auditor]);
    let directory = directory.with(&back, NOW.day()).unwrap().unwrap();
    assert_eq!(council.ask(&directory), Ok(()));
    // Removed, it is a stranger; what it signed can still be verified.
    let remove = |charter: &mut Charter| {
        charter.governors.retain(|id| id.as_str() != "customs-kr");
        charter.members.retain(|m| m.id.as_str() != "customs-kr");
    };
    let removed = council.next(&back, remove, &[post, other, auditor]);
    let directory = directory.with(&removed, NOW.day()).unwrap().unwrap();
    assert_eq!(council.ask(&directory), Err(Denial::NoMember(slug("customs-kr"))));
    assert!(directory.node_by_transport(&customs.transport().bytes()).is_none());
    assert!(directory.nodes().all(|node| node.member != customs.id));
    assert!(directory.node(&customs.node).is_some_and(|node| !node.belongs()));
    // Added: only then its card is taken.
    let newcomer = Party::new("post-fr", 9);
    let mut card = newcomer.card().to_document(council.founding.digest()).unwrap();
    card.sign(&newcomer.id, &newcomer.identity);
    let early = directory.with(&card, NOW.day()).unwrap_err();
    assert!(matches!(early, DirectoryError::NoMember { .. }), "{early}");
    let add = |charter: &mut Charter| {
        let mut member = charter.members[0].clone();
        (member.id, member.identity) = (newcomer.id.clone(), *newcomer.identity.public());
        charter.members.push(member);
        charter.members.sort_by(|a, b| a.id.cmp(&b.id));
    };
    let added = council.next(&removed, add, &[post, other, auditor]);
    let directory = directory.with(&added, NOW.day()).unwrap().unwrap();
    let directory = directory.with(&card, NOW.day()).unwrap().unwrap();
    assert!(directory.node_of(&newcomer.id).is_some());
}

#[test]
fn a_round_is_closed_by_rejections_before_the_next_begins() {
    let council = Council::new();
    let [post, customs, other, auditor] = council.parties();
    let first = council.next(&council.founding, rename("A"), &[post]);
    let second = |charter: &mut Charter| {
        rename("B")(charter);
        charter.round = 2;
    };
    let later = council.next(&council.founding, second, &[post]);
    let directory = council.with(std::slice::from_ref(&first));
    let early = directory.with(&later, NOW.day()).unwrap_err();
    assert!(matches!(early, DirectoryError::Round { .. }), "{early}");
    let previous = council.founding.digest();
    let one = council.reject(customs, previous, 1);
    let directory = directory.with(&one, NOW.day()).unwrap().unwrap();
    assert!((!directory.proposals()[0].closed) && directory.closed_rounds() == 0);
    let directory = directory.with(&council.reject(other, previous, 1), NOW.day()).unwrap().unwrap();
    assert!(directory.proposals()[0].closed && directory.closed_rounds() == 1);
    let directory = directory.with(&later, NOW.day()).unwrap().unwrap();
    assert_eq!(directory.proposals().len(), 2);
    assert!(directory.equivocations().is_empty(), "a vote in each round breaks no word");
    // Who rejected the round and votes in it all the same is found out.
    let broken = council.next(&council.founding, rename("A"), &[customs]);
    let directory = directory.with(&broken, NOW.day()).unwrap().unwrap();
    let [found] = directory.equivocations() else { panic!("one broke its word") };
    assert_eq!((&found.governor, found.round), (&customs.id, 1));
    // So is who votes twice, and a third time is one too many.
    let names = ["C", "D"].map(|name| council.next(&council.founding, rename(name), &[auditor]));
    let directory = council.with(&names);
    assert_eq!(directory.equivocations().len(), 1);
    let third = council.next(&council.founding, rename("E"), &[auditor]);
    assert!(matches!(directory.with(&third, NOW.day()), Err(DirectoryError::Round { .. })));
    // Words that are nobody's business: of another charter, of no governor, of a round that has not begun.
    for word in [council.reject(post, Digest([1; 32]), 1), council.reject(post, previous, 3)] {
        assert!(matches!(council.directory.with(&word, NOW.day()), Err(DirectoryError::Round { .. })));
    }
    assert!(directory.with(&council.next(&council.founding, rename("C"), &[post, customs, other]), NOW.day()).is_ok());
}

/// Votes travel in one document, so its vote stands beside those of the others.
#[test]
fn who_votes_for_everything_keeps_nobody_from_being_heard() {
    let council = Council::new();
    let [post, customs, other, auditor] = council.parties();
    let rivals = ["B", "C"].map(|name| council.next(&council.founding, rename(name), &[auditor]));
    let directory = council.with(&rivals);
    let adopted = council.next(&council.founding, rename("A"), &[post, customs, other, auditor]);
    let directory = directory.with(&adopted, NOW.day()).unwrap().unwrap();
    assert_eq!(directory.charter_digest(), adopted.digest());
}

#[test]
fn a_rejection_of_another_network_is_refused_where_it_is_read_back() {
    let council = Council::new();
    let post = &council.net.post;
    let mut word = Rejection { governor: post.id.clone(), previous: council.founding.digest(), round: 1 }
        .to_document(Digest([9; 32]));
    word.sign(&post.id, &post.identity);
    let all = council.directory.documents().map(|(_, d)| Document::clone(d)).chain([word]);
    let loaded = Directory::load(all, Arc::default()).unwrap();
    let [(_, error)] = loaded.refused.as_slice() else { panic!("one is refused") };
    assert!(matches!(error, DirectoryError::Document(DocumentError::Network { .. })), "{error}");
}

#[test]
fn two_adopted_charters_stop_neither_and_one_that_names_both_heals() {
    let council = Council::new();
    let [post, customs, other, auditor] = council.parties();
    let remove = |charter: &mut Charter| {
        charter.governors.retain(|id| id.as_str() != "customs-kr");
        charter.members.retain(|m| m.id.as_str() != "customs-kr");
    };
    let (a, b) = (
        council.next(&council.founding, rename("A"), &[post, customs, other]),
        council.next(&council.founding, remove, &[post, other, auditor]),
    );
    let directory = council.with(std::slice::from_ref(&a));
    assert_eq!(directory.charter_document().version, 2);
    let directory = directory.with(&b, NOW.day()).unwrap().unwrap();
    assert_eq!(directory.charter_document().version, 1, "neither holds");
    let split = directory.split().unwrap();
    assert_eq!((split.version, split.charters.len()), (2, 2));
    assert_eq!(council.ask(&directory), Err(Denial::NoMember(customs.id.clone())), "the removal is honoured");
    assert!(directory.equivocations().iter().any(|e| e.governor == post.id));
    // In whatever order they came.
    let reversed = council.with(&[b.clone(), a.clone()]);
    assert_eq!(reversed.summary(), directory.summary());
    // What follows only one of them is not adopted.
    let lone = council.next(&a, rename("A again"), &[post, customs, other]);
    assert!(directory.with(&lone, NOW.day()).is_err());
    let heal = |voters: &[&Party]| {
        let mut charter = Charter::read(&council.founding).unwrap();
        charter.merges = Some(b.digest());
        rename("Healed")(&mut charter);
        let mut document = charter.to_successor(council.founding.digest(), &a).unwrap();
        voters.iter().for_each(|party| document.sign(&party.id, &party.identity));
        document
    };
    let partial = directory.with(&heal(&[post, customs]), NOW.day()).unwrap().unwrap();
    assert_eq!((partial.charter_document().version, partial.proposals().len()), (1, 1));
    let healed = directory.with(&heal(&[post, customs, auditor]), NOW.day()).unwrap().unwrap();
    assert_eq!((healed.charter_document().version, healed.split()), (3, None));
    assert_eq!(council.ask(&healed), Ok(()));
    // One that lost meanwhile is refused, which is another word than that it is known.
    let lost = council.next(&council.founding, rename("C"), &[post]);
    assert!(matches!(
        healed.with(&lost, NOW.day()),
        Err(DirectoryError::Document(DocumentError::Votes { found: 1, needed: 3, .. }))
    ));
    let on = council.next(healed.charter_document(), rename("On"), &[post, customs, other]);
    assert_eq!(healed.with(&on, NOW.day()).unwrap().unwrap().charter_document().version, 4);
}

#[test]
fn a_third_adopted_charter_neither_undoes_what_healed_nor_prevents_it() {
    let council = Council::new();
    let [post, customs, other, _] = council.parties();
    let voters = [post, customs, other];
    let [a, b, c] = ["A", "B", "C"].map(|name| council.next(&council.founding, rename(name), &voters));
    let heal = |first: &Document, second: &Document| {
        let mut charter = Charter::read(&council.founding).unwrap();
        charter.merges = Some(second.digest());
        let mut document = charter.to_successor(council.founding.digest(), first).unwrap();
        voters.iter().for_each(|party| document.sign(&party.id, &party.identity));
        document
    };
    let healed = council.with(&[a.clone(), b.clone(), heal(&a, &b), c.clone()]);
    assert_eq!((healed.charter_document().version, healed.split()), (3, None));
    let split = council.with(&[a.clone(), b.clone(), c.clone()]);
    assert_eq!(split.split().unwrap().charters.len(), 3);
    // Naming one of them twice heals nothing.
    assert!(split.with(&heal(&a, &a), NOW.day()).is_err());
    assert_eq!(split.with(&heal(&c, &a), NOW.day()).unwrap().unwrap().charter_document().version, 3);
}
