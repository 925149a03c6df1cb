//! Nothing depends on the order in which documents come.

use proptest::prelude::*;
use proptest::sample::subsequence;

use super::*;

/// Documents of a network's life, each of which may be there or not.
fn history() -> (Council, Vec<Document>) {
    let council = Council::new();
    let [post, customs, other, auditor] = council.parties();
    let a = council.next(&council.founding, rename("A"), &[post, customs, other]);
    let b = council.next(&council.founding, rename("B"), &[post, customs, auditor]);
    let c = council.next(&a, rename("C"), &[post, customs, other]);
    let before = council.directory.documents_of(&post.id, DocumentKind::Card).clone();
    let next = SecretKey::from_seed(KeyUse::Identity, &[95; 32]).unwrap();
    let mut second = rotated(post, &before, &post.identity, |card| card.identity = *next.public());
    second.countersign(&post.id, &next);
    let third = rotated(post, &second, &next, |_| {});
    let rival = rotated(post, &second, &next, |card| card.nodes[0].epoch = 2);
    // A vote with a key that only a card tells of.
    let mut d = council.next(&c, rename("D"), &[customs, other]);
    d.sign(&post.id, &next);
    let partial = council.next(&d, rename("E"), &[auditor]);
    let revoked = revocation(customs, &[customs.sign.public().id()], None, &customs.identity);
    let word = council.reject(auditor, council.founding.digest(), 1);
    let mut stop = Suspension { member: post.id.clone(), agreements: vec![slug("parcels")], reason: "x".into() }
        .to_document(council.founding.digest(), None)
        .unwrap();
    stop.sign(&post.id, &post.identity);
    let all = vec![a, b, c, second, third, rival, d, partial, revoked, word, stop];
    (council, all)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A node that gets documents in any order, trying again what it could not take, ends with what all at once give.
    #[test]
    fn the_order_of_documents_does_not_matter(chosen in subsequence((0..11usize).collect::<Vec<_>>(), 0..=11).prop_shuffle()) {
        let (council, all) = history();
        let chosen: Vec<_> = chosen.into_iter().map(|at| all[at].clone()).collect();
        let mut directory = council.directory.clone();
        loop {
            let before = directory.summary();
            for document in &chosen {
                if let Ok(Some(next)) = directory.with(document, NOW.day()) {
                    directory = next;
                }
            }
            if directory.summary() == before {
                break;
            }
        }
        let founding = council.directory.documents().map(|(_, d)| Document::clone(d));
        let at_once = Directory::load(founding.chain(chosen), Arc::default()).unwrap().directory;
        // Words that came to nothing, such as votes for what lost, may or may not have been seen.
        prop_assert_eq!(directory.charter_digest(), at_once.charter_digest());
        prop_assert_eq!(directory.split(), at_once.split());
        prop_assert_eq!(directory.conflicts(), at_once.conflicts());
        prop_assert_eq!(&directory.cards, &at_once.cards);
        prop_assert_eq!(&directory.identities, &at_once.identities);
        prop_assert_eq!(&directory.revoked, &at_once.revoked);
        prop_assert_eq!(&directory.suspensions, &at_once.suspensions);
        // And it is read back from its own documents.
        let own = directory.documents().map(|(_, d)| Document::clone(d));
        let again = Directory::load(own, Arc::default()).unwrap();
        prop_assert!(again.refused.is_empty(), "{:?}", again.refused.iter().map(|(_, e)| e.to_string()).collect::<Vec<_>>());
        prop_assert_eq!(again.directory.summary(), directory.summary());
    }
}
