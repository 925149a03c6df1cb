//! Properties of onward use: an honest passing on is taken; whatever is changed, missing, foreign or wider is refused with its
//! reason, and nothing of it is stored.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::{Arc, LazyLock};

use proptest::prelude::*;
use proptest::sample::Index;

use super::relay::{ONWARD, PASSED, RELAY, Relay, batch, countersign, signed};
use super::*;
use crate::cbor::{Decode, Encode};
use crate::document::{Agreement, Directory, Document, Prohibitions, Revocation, Suspension};
use crate::hash::Digest;
use crate::names::Purpose;
use crate::record::Fault;
use crate::testing::{NOW, Network, Party, one_form, set, slug, small_record};
use crate::time::{Day, Millis};

static NETWORK: LazyLock<Network> = LazyLock::new(Network::new);
static RELAYED: LazyLock<Relay<'static>> = LazyLock::new(|| Relay::new(&NETWORK));

fn outcome(relay: &Relay<'_>, source: &Source) -> Outcome {
    outcome_by(&NETWORK.directory, relay, source)
}

fn outcome_by(directory: &Directory, relay: &Relay<'_>, source: &Source) -> Outcome {
    let checked = relay.judge(directory, &relay.dispatch(&relay.content(source))).unwrap();
    let taken = matches!(checked.outcome, Outcome::Taken(_));
    assert_eq!(checked.source.is_some(), !checked.payload.is_empty());
    assert!(taken || checked.payload.is_empty() && checked.accepted.is_empty());
    checked.outcome
}

/// What is said after a change of the honest one.
fn changed(change: impl FnOnce(&mut Relay<'static>)) -> Outcome {
    let mut relay = RELAYED.clone();
    change(&mut relay);
    outcome(&relay, &relay.source())
}

fn refused(code: RefusalCode) -> Outcome {
    Outcome::Refused(code)
}

const ACCEPTED: Outcome = Outcome::Taken(Vec::new());

#[test]
fn an_honest_passing_on_is_taken_with_its_source() {
    let relay = &*RELAYED;
    let source = relay.source();
    let checked = relay.judge(&NETWORK.directory, &relay.dispatch(&relay.content(&source))).unwrap();
    assert_eq!((checked.outcome, checked.accepted.len()), (ACCEPTED, 3));
    assert_eq!(checked.source, Some(source.to_cbor()));
    assert_eq!(checked.due, NOW.day().plus(10));
    assert!(NETWORK.directory.agreement(&relay.header.agreement_digest).is_none(), "it came with the records");
    // Less, and for a shorter time.
    assert_eq!(
        changed(|relay| {
            relay.views = relay.views.iter().map(|view| view.cut(set(&["filing"]))).collect();
            (relay.header.view, relay.header.retention_days) = (set(&["filing"]), 1);
        }),
        ACCEPTED
    );
    // One of it alone, from its place in the batch.
    assert_eq!(
        changed(|relay| {
            relay.views.drain(..2);
            relay.records.drain(..2);
            relay.records[0].place = 0;
            relay.header.batch = batch(&NETWORK, &relay.views);
        }),
        ACCEPTED
    );
}

#[test]
fn what_is_wrong_with_a_record_alone_rejects_it_alone() {
    let outcome = changed(|relay| relay.views[1] = relay.views[1].cut(set(&["filing", "item"])));
    let Outcome::Taken(rejected) = outcome else { panic!("{outcome}") };
    assert_eq!((rejected.len(), rejected[0].record, rejected[0].fault), (1, 1, Fault::Missing));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    /// The sender signs and seals whatever it likes: not a bit of what comes with the records can be another.
    #[test]
    fn no_bit_of_the_source_can_be_changed(at: Index, bit in 0u8..8) {
        let relay = &*RELAYED;
        let honest = relay.source().to_cbor();
        let mut bytes = honest.clone();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let content = relay.content(&relay.source());
        let content = [&content[..content.len() - honest.len()], &bytes[..]].concat();
        let checked = relay.judge(&NETWORK.directory, &relay.dispatch(&content));
        // A cosignature or its name spoilt leaves too few; everything else has its own reason.
        let kept = matches!(&checked, Ok(Checked { outcome: Outcome::Taken(_), .. }));
        prop_assert!(!kept, "byte {at} of {}", bytes.len());
        prop_assert!(one_form::<Source>(&bytes));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(one_form::<Source>(&bytes));
        let relay = &*RELAYED;
        let said = relay.judge(&NETWORK.directory, &relay.dispatch(&bytes)).unwrap();
        prop_assert_eq!(said.outcome, refused(RefusalCode::Malformed));
    }
}

#[test]
fn what_is_missing_or_of_another_is_refused_with_its_reason() {
    use RefusalCode as Code;
    let relay = &*RELAYED;
    let source = relay.source();
    let with = |change: &dyn Fn(&mut Source)| {
        let mut source = source.clone();
        change(&mut source);
        outcome(relay, &source)
    };
    // Pieces missing.
    assert_eq!(with(&|s| s.agreement.clear()), refused(Code::SourceAgreement));
    assert_eq!(with(&|s| s.origins.clear()), refused(Code::SourcePath));
    assert_eq!(with(&|s| drop(s.origins[0].records.pop())), refused(Code::SourcePath));
    assert_eq!(with(&|s| s.origins[0].receipt.clear()), refused(Code::SourceReceipt));
    let missing = with(&|s| {
        let mut document = Document::from_cbor(&s.agreement[0]).unwrap();
        document.signatures.remove(0);
        s.agreement[0] = document.to_cbor();
    });
    assert_eq!(missing, refused(Code::SourceAgreement));
    // A source where none is named, and none where one is.
    let bare = crate::testing::encode_views(&relay.views);
    assert_eq!(relay.judge(&NETWORK.directory, &relay.dispatch(&bare)).unwrap().outcome, refused(Code::Malformed));
    assert_eq!(changed(|r| r.header.source = Some(r.net.customs.id.clone())), refused(Code::NotPermitted));
    assert!(matches!(relay_without_source(), Err(Answer::Later { lacks: Lack::Agreement, .. })));
    // Paths: of another record, in another order, twice, beyond the batch.
    assert_eq!(with(&|s| s.origins[0].records[1].index = 1), refused(Code::SourcePath));
    assert_eq!(
        with(&|s| {
            let path = s.origins[0].records[0].path.clone();
            s.origins[0].records[1].path = path;
        }),
        refused(Code::SourcePath)
    );
    assert_eq!(with(&|s| s.origins[0].records[2].path.clear()), refused(Code::SourcePath));
    assert_eq!(with(&|s| s.origins[0].records[2].place = 9), refused(Code::SourcePath));
    assert_eq!(with(&|s| s.origins.push(s.origins[0].clone())), refused(Code::SourcePath));
    // A record that the issuer never sent.
    assert_eq!(
        changed(|relay| {
            relay.views[1] = small_record(77).view(set(&ONWARD));
            relay.header.batch = batch(&NETWORK, &relay.views);
        }),
        refused(Code::SourcePath)
    );
    // A record issued by the sender itself under the issuer's name in the header.
    assert_eq!(
        changed(|relay| {
            relay.views[1].header.issuer = relay.net.customs.id.clone();
            relay.header.batch = batch(&NETWORK, &relay.views);
        }),
        refused(Code::Malformed)
    );
}

/// The same content under a header that says nothing of a source.
fn relay_without_source() -> Result<Checked<()>, Answer> {
    let mut relay = RELAYED.clone();
    let content = relay.content(&relay.source());
    relay.header.source = None;
    relay.judge(&NETWORK.directory, &relay.dispatch(&content))
}

#[test]
fn a_foreign_or_unwitnessed_receipt_is_refused() {
    use RefusalCode as Code;
    let foreign = changed(|relay| relay.envelope.sealed = Digest([1; 32]));
    assert_eq!(foreign, refused(Code::SourceSignature), "the receipt is for that one, the signature for the other");
    let relay = &*RELAYED;
    let mut source = relay.source();
    let mut other = RELAYED.clone();
    other.resend(|header| header.number = 2);
    source.origins[0].receipt = other.receipt();
    assert_eq!(outcome(relay, &source), refused(Code::SourceReceipt), "of another dispatch");
    source.origins[0].envelope = other.envelope.clone();
    assert_eq!(outcome(relay, &source), ACCEPTED, "of the same records under another number");
    for lacking in [&NETWORK.post, &NETWORK.other, &NETWORK.auditor] {
        assert_eq!(
            changed(|relay| relay.witnesses.retain(|party| party.id != lacking.id)),
            refused(Code::SourceUnwitnessed)
        );
    }
    assert_eq!(changed(|relay| relay.witnesses.clear()), refused(Code::SourceUnwitnessed));
    // What was not accepted, or is to be gone, is not passed on.
    assert_eq!(changed(|relay| relay.outcome = Outcome::Refused(Code::BatchRoot)), refused(Code::SourceReceipt));
    let rejection = |record| Rejection { record, fault: Fault::Value, pointer: "/item".into() };
    assert_eq!(changed(|relay| relay.outcome = Outcome::Taken(vec![rejection(2)])), refused(Code::SourceReceipt));
    assert_eq!(changed(|relay| relay.outcome = Outcome::Taken(vec![rejection(1)])), ACCEPTED, "another record's");
    assert_eq!(changed(|relay| relay.due = Day(NOW.day().0 - 1)), refused(Code::SourceReceipt));
}

#[test]
fn another_dispatch_than_the_records_came_in_is_refused() {
    use RefusalCode as Code;
    let resent = |change: fn(&mut DispatchHeader)| changed(|relay| relay.resend(change));
    assert_eq!(resent(|_| ()), ACCEPTED);
    assert_eq!(resent(|h| h.network = Digest([9; 32])), refused(Code::SourceDispatch));
    assert_eq!(resent(|h| h.channel.recipient = NETWORK.other.node.clone()), refused(Code::SourceDispatch));
    assert_eq!(resent(|h| h.channel.sender = NETWORK.other.node.clone()), refused(Code::SourceDispatch));
    assert_eq!(resent(|h| h.view = set(&["filing", "item"])), refused(Code::SourceDispatch));
    assert_eq!(resent(|h| h.agreement_digest = NETWORK.agreement("parcels")), refused(Code::SourceDispatch));
    assert_eq!(resent(|h| h.source = Some(NETWORK.auditor.id.clone())), refused(Code::SourceDispatch), "a second hop");
    assert_eq!(resent(|h| h.purpose = Purpose::Revenue), refused(Code::NotPermitted), "its row lets nothing pass on");
    assert_eq!(resent(|h| h.purpose = Purpose::Statistics), refused(Code::NotPermitted), "no row");
    // Signed by somebody else, or its batch spoilt before it was signed.
    let signed_by = |key: &Party| {
        changed(|relay| {
            let header = relay.sent.to_cbor();
            relay.envelope = Dispatch::sign(&NETWORK.id(), header, vec![7; 64], &key.sign).envelope();
        })
    };
    assert_eq!(signed_by(&NETWORK.post), ACCEPTED);
    assert_eq!(signed_by(&NETWORK.customs), refused(Code::SourceSignature));
    assert_eq!(
        changed(|relay| {
            relay.sent.batch.signature[9] ^= 1;
            let header = relay.sent.to_cbor();
            relay.envelope = Dispatch::sign(&NETWORK.id(), header, vec![7; 64], &NETWORK.post.sign).envelope();
        }),
        refused(Code::SourceSignature)
    );
}

#[test]
fn more_than_the_agreement_lets_pass_on_is_refused() {
    let wider = |groups: &'static [&'static str]| {
        changed(|relay| {
            relay.views = PASSED.iter().map(|at| small_record(*at as u64 + 1).view(set(groups))).collect();
            relay.header.view = set(groups);
        })
    };
    let denied = refused(RefusalCode::NotPermitted);
    assert_eq!(wider(&ONWARD), ACCEPTED);
    assert_eq!(wider(&["filing", "item", "mass", "route"]), denied, "the row has it, the permission has not");
    assert_eq!(changed(|relay| relay.header.retention_days = 11), denied);
    assert_eq!(changed(|relay| relay.header.purpose = Purpose::SafetySecurity), denied);
    assert_eq!(changed(|relay| relay.header.channel.recipient = NETWORK.auditor.node.clone()), denied);
    // Shown beyond what the header says, as in every dispatch.
    let more = changed(|relay| {
        relay.views[0] = small_record(1).view(set(&["filing", "item", "mass", "route"]));
    });
    assert_eq!(more, refused(RefusalCode::ShowsMore));
}

/// An honest passing on under other versions of the agreement.
fn under(texts: &[String]) -> Relay<'static> {
    let mut relay = RELAYED.clone();
    relay.agreement.clear();
    for text in texts {
        let document = match relay.agreement.last() {
            None => signed(&NETWORK, text),
            Some(before) => {
                let agreement = Agreement::from_draft(text).unwrap();
                let mut document = agreement.to_successor(before);
                countersign(&NETWORK, &mut document, &agreement);
                document
            }
        };
        relay.agreement.push(document);
    }
    let (first, last) = (relay.agreement[0].digest(), relay.agreement.last().unwrap().digest());
    relay.resend(|header| header.agreement_digest = first);
    relay.header.agreement_digest = last;
    relay
}

#[test]
fn the_agreement_must_hold_and_its_versions_be_a_chain() {
    use RefusalCode as Code;
    let now = |relay: &Relay<'_>| outcome(relay, &relay.source());
    let text = |from: &str, to: &str| RELAY.replace(from, to);
    assert_eq!(now(&under(&[text("2027-12-31", "2026-11-23")])), ACCEPTED, "its last day is today");
    assert_eq!(now(&under(&[text("2027-12-31", "2026-11-22")])), refused(Code::NotPermitted), "ended");
    assert_eq!(now(&under(&[text("2026-01-01", "2026-11-24")])), refused(Code::NotPermitted), "not yet");
    let renewed = text("2027-12-31", "2028-12-31");
    let two = under(&[RELAY.into(), renewed.clone()]);
    assert_eq!(now(&two), ACCEPTED, "came under the first, passed on under the second");
    let narrowed = under(&[
        RELAY.into(),
        text(
            r#"groups = ["filing", "item", "route"]
    retention_days = 10"#,
            r#"groups = ["filing"]
    retention_days = 10"#,
        ),
    ]);
    assert_eq!(now(&narrowed), refused(Code::NotPermitted), "what was received under more goes on under less");
    let mut first_alone = two.clone();
    first_alone.agreement.pop();
    assert_eq!(now(&first_alone), refused(Code::SourceAgreement), "the header names the second");
    let mut second_alone = two.clone();
    second_alone.agreement.remove(0);
    assert_eq!(now(&second_alone), refused(Code::SourceAgreement), "who had to consent to it is not shown");
    // The old version under a header that names it, where the recipient knows of the new one.
    let mut superseded = two.clone();
    superseded.agreement.pop();
    superseded.header.agreement_digest = superseded.agreement[0].digest();
    assert_eq!(now(&superseded), ACCEPTED, "nobody there knows better");
    let all = NETWORK.agreements.iter().chain(&two.agreement).cloned().collect::<Vec<_>>();
    let knowing = Directory::new(&NETWORK.charter, &NETWORK.cards, &all).unwrap();
    assert_eq!(outcome_by(&knowing, &superseded, &superseded.source()), refused(Code::NotPermitted));
    assert_eq!(outcome_by(&knowing, &two, &two.source()), ACCEPTED);
    // Another id in the header, a version signed by one party only.
    let mut named = RELAYED.clone();
    named.header.agreement = slug("parcels");
    assert_eq!(now(&named), refused(Code::SourceAgreement));
    let mut alone = two;
    alone.agreement[1].signatures.pop();
    assert_eq!(now(&alone), refused(Code::SourceAgreement));
}

#[test]
fn terms_not_known_suspensions_and_prohibitions_take_away() {
    let relay = &*RELAYED;
    let denied = refused(RefusalCode::NotPermitted);
    // Drafts know their terms; another implementation may not.
    let mut strange = RELAYED.clone();
    let mut agreement = Agreement::from_draft(RELAY).unwrap();
    agreement.flows[0].terms = vec![crate::document::Term { name: "escrow".into(), value: "yes".into() }];
    let mut document = agreement.to_document(NETWORK.id());
    countersign(&NETWORK, &mut document, &agreement);
    (strange.header.agreement_digest, strange.agreement) = (document.digest(), vec![document.clone()]);
    strange.resend(|header| header.agreement_digest = document.digest());
    assert_eq!(outcome(&strange, &strange.source()), denied);
    // A suspension that is known where the records arrive.
    for party in [&NETWORK.post, &NETWORK.customs] {
        let word = Suspension { member: party.id.clone(), agreements: vec![slug("relay")], reason: "a breach".into() };
        let mut word = word.to_document(NETWORK.id(), None).unwrap();
        word.sign(&party.id, &party.identity);
        let all = [&NETWORK.charter]
            .into_iter()
            .chain(&NETWORK.cards)
            .chain(&NETWORK.agreements)
            .chain([&relay.agreement[0], &word]);
        let suspended = Directory::strict(all.cloned()).unwrap();
        assert_eq!(outcome_by(&suspended, relay, &relay.source()), denied);
    }
    let under = |text: &str| NETWORK.directory.under(Arc::new(Prohibitions::parse(text).unwrap()));
    let forbid = |rest: &str| under(&format!("[[forbid]]\nid = \"law\"\nground = \"Act 1\"\n{rest}\n"));
    for (rest, expected) in [
        ("groups = [\"item\"]", &denied),
        ("from = [\"post-de\"]", &denied),
        ("from = [\"customs-kr\"]\ngroups = [\"route\"]", &denied),
        ("groups = [\"sender\"]", &ACCEPTED),
        ("from = [\"auditor\"]", &ACCEPTED),
        ("until = \"2026-11-22\"", &ACCEPTED),
    ] {
        assert_eq!(outcome_by(&forbid(rest), relay, &relay.source()), *expected, "{rest}");
    }
}

#[test]
fn a_key_that_was_revoked_binds_as_long_as_it_was_proven_before() {
    let relay = &*RELAYED;
    let revoked = |party: &Party, key: &crate::keys::PublicKey, at: u64, since: Option<u64>| {
        let word = Revocation {
            member: party.id.clone(),
            keys: vec![key.id()],
            revoked_at: Millis(at),
            compromised_since: since.map(Millis),
            reason: "lost".into(),
        };
        let mut word = word.to_document(NETWORK.id()).unwrap();
        word.sign(&party.id, &party.identity);
        let all = [&NETWORK.charter].into_iter().chain(&NETWORK.cards).chain(&NETWORK.agreements).chain([&word]);
        Directory::strict(all.cloned()).unwrap()
    };
    let (post, customs) = (&NETWORK.post, &NETWORK.customs);
    let said = |directory: &Directory| outcome_by(directory, relay, &relay.source());
    let (before, after) = (NOW.0 - 86_400_000, NOW.0 + 86_400_000);
    for key in [post.sign.public(), post.identity.public()] {
        let code = match key == post.sign.public() {
            true => RefusalCode::SourceSignature,
            false => RefusalCode::SourceAgreement,
        };
        assert_eq!(said(&revoked(post, key, after, None)), ACCEPTED, "the receipt was witnessed before");
        assert_eq!(said(&revoked(post, key, before, None)), refused(code));
        let contested = revoked(post, key, after, Some(before));
        assert_eq!(said(&contested), ACCEPTED, "contested, not void");
        let via = contested.node(&customs.node).unwrap();
        let passing = Passing {
            directory: &contested,
            via,
            to: &NETWORK.other.id,
            header: &relay.header,
            issuer: &post.id,
            day: NOW.day(),
        };
        let roots: Vec<_> = relay.views.iter().map(crate::record::RecordView::root).collect();
        assert!(relay.source().verify(&passing, &roots).unwrap().contested);
    }
    // The sender's own log proves nothing for the sender's own signature.
    assert_eq!(said(&revoked(customs, customs.identity.public(), after, None)), refused(RefusalCode::SourceAgreement));
}

#[test]
fn what_is_unlinkable_is_not_passed_on() {
    let unlinkable =
        RELAY.replacen("retention_days = 30", "retention_days = 30\n    terms = { unlinkable = \"yes\" }", 1);
    let error = Agreement::from_draft(&unlinkable).unwrap_err();
    let said = "agreement draft: a row whose records are unlinkable lets nothing be passed on";
    assert_eq!(error.to_string(), said);
    // Nor is it read from a document that another made.
    let mut agreement = Agreement::from_draft(RELAY).unwrap();
    agreement.flows[0].terms = vec![crate::document::Term { name: "unlinkable".into(), value: "yes".into() }];
    assert!(Agreement::from_cbor(&agreement.to_cbor()).is_err());
    agreement.flows[0].onward.clear();
    assert_eq!(Agreement::from_cbor(&agreement.to_cbor()), Ok(agreement));
}

#[test]
fn a_provenance_verifies_alone_and_not_a_bit_of_it_can_be_changed() {
    let relay = &*RELAYED;
    let rejected = relay.views[1].root();
    let dispatch = relay.dispatch(&relay.content(&relay.source()));
    let views = [0, 2].map(|at| (at, relay.views[at].clone())).to_vec();
    let source = relay.source().to_cbor();
    let provenance = Provenance { envelope: dispatch.envelope(), rejected: vec![rejected], views, source };
    let proven = provenance.verify(&NETWORK.directory).unwrap();
    assert_eq!(proven.roots, [relay.views[0].root(), relay.views[2].root()]);
    assert!(!proven.proven.contested);
    let honest = provenance.to_cbor();
    assert_eq!(Provenance::from_cbor(&honest), Ok(provenance));
    for at in 0..honest.len() {
        let mut spoilt = honest.clone();
        spoilt[at] ^= 1 << (at % 8);
        let read = Provenance::from_cbor(&spoilt);
        assert!(read.is_err() || read.unwrap().verify(&NETWORK.directory).is_err(), "byte {at}");
    }
}
