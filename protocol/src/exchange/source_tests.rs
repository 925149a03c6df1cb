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
use crate::testing::{NOW, Network, Party, SHOWN, groups, one_form, set, slug, small_record};
use crate::time::{Day, Millis};

static NETWORK: LazyLock<Network> = LazyLock::new(Network::new);
static RELAYED: LazyLock<Relay<'static>> = LazyLock::new(|| Relay::new(&NETWORK));

fn outcome(relay: &Relay<'_>, source: &Source) -> Outcome {
    outcome_by(&NETWORK.directory, relay, source)
}

fn outcome_by(directory: &Directory, relay: &Relay<'_>, source: &Source) -> Outcome {
    said(directory, relay, source).unwrap()
}

/// The outcome, or what is lacking; of nothing else is there an answer without a trace.
fn said(directory: &Directory, relay: &Relay<'_>, source: &Source) -> Result<Outcome, Lack> {
    let checked = match relay.judge(directory, &relay.dispatch(&relay.content(source))) {
        Ok(checked) => checked,
        Err(Answer::Later { lacks, .. }) => return Err(lacks),
        Err(other) => panic!("{other:?}"),
    };
    let taken = matches!(checked.outcome, Outcome::Taken(_));
    assert_eq!(checked.source.is_some(), !checked.payload.is_empty());
    assert!(taken || checked.payload.is_empty() && checked.accepted.is_empty());
    assert!(!checked.contested || checked.source.is_some());
    Ok(checked.outcome)
}

/// The documents of the network with more of them.
fn knowing<'d>(more: impl IntoIterator<Item = &'d Document>) -> Directory {
    let all = std::iter::once(&NETWORK.charter).chain(&NETWORK.cards).chain(&NETWORK.agreements).chain(more);
    Directory::strict(all.cloned()).unwrap()
}

fn suspension(party: &Party) -> Document {
    let word = Suspension { member: party.id.clone(), agreements: vec![slug("relay")], reason: "a breach".into() };
    let mut word = word.to_document(NETWORK.id(), None).unwrap();
    word.sign(&party.id, &party.identity);
    word
}

fn revocation(party: &Party, key: &crate::keys::PublicKey, at: u64, since: Option<u64>) -> Document {
    let word = Revocation {
        member: party.id.clone(),
        keys: vec![key.id()],
        revoked_at: Millis(at),
        compromised_since: since.map(Millis),
        reason: "lost".into(),
    };
    let mut word = word.to_document(NETWORK.id()).unwrap();
    word.sign(&party.id, &party.identity);
    word
}

/// What is lacking after a change of the honest one.
fn lacking(change: impl FnOnce(&mut Relay<'static>)) -> Lack {
    let mut relay = RELAYED.clone();
    change(&mut relay);
    said(&NETWORK.directory, &relay, &relay.source()).unwrap_err()
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

    /// What came can only have come under a row that gives all of it, for as long; no other row lets it go on.
    #[test]
    fn a_row_counts_only_where_it_could_have_given_what_came(
        (row, came) in (groups(), groups()),
        (row_days, came_days) in (1u64..40, 1u64..40),
    ) {
        let onward = set(&ONWARD);
        let (row, came) = (row.union(onward), came.union(onward));
        let (from, to) = (RELAY.find("groups = [\"addressee").unwrap(), RELAY.find("    [[flow.onward]]").unwrap());
        let groups = row.names(&crate::record::DECLARATION);
        let text = [&RELAY[..from], &format!("groups = {groups:?}\nretention_days = {row_days}\n"), &RELAY[to..]].concat();
        let mut relay = under(&[&text]);
        relay.resend(|header| (header.view, header.retention_days) = (came, came_days));
        let expected = match came.within(row) && came_days <= row_days {
            true => ACCEPTED,
            false => refused(RefusalCode::NotPermitted),
        };
        prop_assert_eq!(outcome(&relay, &relay.source()), expected);
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
    let foreign = lacking(|relay| relay.envelope.sealed = Digest([1; 32]));
    assert_eq!(foreign, Lack::Membership, "the receipt is for that one, the signature for the other");
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
fn the_sender_cannot_write_itself_a_later_last_day() {
    const DAY: u64 = 86_400_000;
    let late = refused(RefusalCode::SourceReceipt);
    // It logs another day than the issuer's word gives: thirty days and seven of travel, and not one more.
    let logged = |days: u64| {
        changed(|relay| {
            relay.due = NOW.day().plus(3_000);
            relay.resend(|header| header.sent_at = Millis(NOW.0 - days * DAY));
        })
    };
    assert_eq!(logged(37), ACCEPTED);
    assert_eq!(logged(38), late);
    // It says that it sent before it had the receipt, or on the last day, and brings it much later.
    assert_eq!(changed(|relay| relay.header.sent_at = Millis(NOW.0 - DAY)), late);
    let arrives = |days: u64| changed(|relay| relay.now = Millis(NOW.0 + days * DAY));
    assert_eq!(arrives(37), ACCEPTED);
    assert_eq!(arrives(38), late);
}

#[test]
fn what_may_be_lacking_here_is_asked_for_again() {
    // A member that no charter here names, or no longer.
    assert_eq!(lacking(|relay| relay.header.source = Some(slug("post-fr"))), Lack::Membership);
    // A node that no card here names, and a key of it.
    let (node, key) = ("post-de/n2".parse().unwrap(), &NETWORK.customs.sign);
    let other_node = |relay: &mut Relay<'_>| {
        relay.sent.batch.header.node = node;
        let sender = relay.sent.batch.header.node.clone();
        relay.resend(|header| header.channel.sender = sender);
    };
    assert_eq!(lacking(other_node), Lack::Membership);
    let signed_by_another = |relay: &mut Relay<'_>| {
        relay.envelope = Dispatch::sign(&NETWORK.id(), relay.sent.to_cbor(), vec![7; 64], key).envelope();
    };
    assert_eq!(lacking(signed_by_another), Lack::Membership);
    // An identity key that no card here names.
    let rotated = |relay: &mut Relay<'_>| {
        let document = &mut relay.agreement[0];
        document.signatures.retain(|signed| signed.member != NETWORK.post.id);
        document.sign(&NETWORK.post.id, &NETWORK.other.identity);
    };
    assert_eq!(lacking(rotated), Lack::Membership);
    // One that is known and did not sign this is refused.
    let spoilt = changed(|relay| relay.agreement[0].signatures[1].signature[3] ^= 1);
    assert_eq!(spoilt, refused(RefusalCode::SourceAgreement));
    // A suspension, which may have been taken back.
    for party in [&NETWORK.post, &NETWORK.customs] {
        let directory = knowing([&suspension(party)]);
        assert_eq!(said(&directory, &RELAYED, &RELAYED.source()), Err(Lack::Suspended));
    }
}

#[test]
fn records_of_several_dispatches_go_on_together() {
    let mut relay = RELAYED.clone();
    relay.with_second_origin();
    let source = relay.source();
    assert_eq!((source.origins.len(), relay.views.len()), (2, 5));
    assert_eq!(outcome(&relay, &source), ACCEPTED);
    // Each has its place in its own dispatch, and each dispatch its own receipt.
    for at in 0..2 {
        let with = |change: &dyn Fn(&mut Origin, Origin)| {
            let mut source = source.clone();
            let other = source.origins[1 - at].clone();
            change(&mut source.origins[at], other);
            outcome(&relay, &source)
        };
        assert_eq!(with(&|origin, other| origin.receipt = other.receipt), refused(RefusalCode::SourceReceipt));
        assert_eq!(with(&|origin, _| drop(origin.records.pop())), refused(RefusalCode::SourcePath));
        assert_eq!(
            with(&|origin, other| origin.records[0].place = other.records[0].place),
            refused(RefusalCode::SourcePath)
        );
    }
    // Of two versions: one came under the first, one under the second.
    let renewed = RELAY.replace("2027-12-31", "2028-12-31");
    let mut relay = under(&[RELAY, &renewed]);
    relay.with_second_origin();
    assert_eq!(outcome(&relay, &relay.source()), ACCEPTED);
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
    let signed = |relay: &mut Relay<'_>, key: &Party| {
        relay.envelope = Dispatch::sign(&NETWORK.id(), relay.sent.to_cbor(), vec![7; 64], &key.sign).envelope();
    };
    assert_eq!(changed(|relay| signed(relay, &NETWORK.post)), ACCEPTED);
    assert_eq!(lacking(|relay| signed(relay, &NETWORK.customs)), Lack::Membership);
    assert_eq!(
        lacking(|relay| {
            relay.sent.batch.signature[9] ^= 1;
            signed(relay, &NETWORK.post);
        }),
        Lack::Membership
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
    for back in [&NETWORK.post, &NETWORK.customs] {
        let named = RELAY.replace(r#"to = ["customs-jp"]"#, r#"to = ["customs-jp", "customs-kr", "post-de"]"#);
        let mut relay = under(&[&named]);
        relay.header.channel.recipient = back.node.clone();
        assert_eq!(outcome(&relay, &relay.source()), denied, "back to {}", back.id);
    }
    // Shown beyond what the header says, as in every dispatch.
    let more = changed(|relay| {
        relay.views[0] = small_record(1).view(set(&["filing", "item", "mass", "route"]));
    });
    assert_eq!(more, refused(RefusalCode::ShowsMore));
}

/// An honest passing on under other versions of the agreement.
fn under(texts: &[&str]) -> Relay<'static> {
    let mut relay = RELAYED.clone();
    relay.rest_on(texts);
    relay
}

#[test]
fn the_agreement_must_hold_and_its_versions_be_a_chain() {
    use RefusalCode as Code;
    let now = |relay: &Relay<'_>| outcome(relay, &relay.source());
    let text = |from: &str, to: &str| RELAY.replace(from, to);
    assert_eq!(now(&under(&[&text("2027-12-31", "2026-11-23")])), ACCEPTED, "its last day is today");
    assert_eq!(now(&under(&[&text("2027-12-31", "2026-11-22")])), refused(Code::NotPermitted), "ended");
    assert_eq!(now(&under(&[&text("2026-01-01", "2026-11-24")])), refused(Code::NotPermitted), "not yet");
    let renewed = text("2027-12-31", "2028-12-31");
    let two = under(&[RELAY, &renewed]);
    assert_eq!(now(&two), ACCEPTED, "came under the first, passed on under the second");
    let narrowed = under(&[
        RELAY,
        &text(
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
    let knows = knowing(&two.agreement);
    assert_eq!(outcome_by(&knows, &superseded, &superseded.source()), refused(Code::NotPermitted));
    assert_eq!(outcome_by(&knows, &two, &two.source()), ACCEPTED);
    // A version that says again what an earlier one said is none the less another, and holds.
    let back = under(&[RELAY, &renewed, RELAY]);
    let knows = knowing(&back.agreement);
    assert_eq!(outcome_by(&knows, &back, &back.source()), ACCEPTED);
    assert_eq!(outcome_by(&knows, &superseded, &superseded.source()), refused(Code::NotPermitted));
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
    let revoked = |party, key, at, since| knowing([&revocation(party, key, at, since)]);
    let (post, customs) = (&NETWORK.post, &NETWORK.customs);
    let said = |relay: &Relay<'_>, directory: &Directory| {
        let checked = relay.judge(directory, &relay.dispatch(&relay.content(&relay.source()))).unwrap();
        (checked.outcome, checked.contested)
    };
    let (before, after) = (NOW.0 - 86_400_000, NOW.0 + 86_400_000);
    // The sender's signature on the agreement too: the issuer named the version in what was witnessed.
    for (party, key, code) in [
        (post, post.sign.public(), RefusalCode::SourceSignature),
        (post, post.identity.public(), RefusalCode::SourceAgreement),
        (customs, customs.identity.public(), RefusalCode::SourceAgreement),
    ] {
        let said = |directory: &Directory| said(&RELAYED, directory);
        assert_eq!(said(&revoked(party, key, after, None)), (ACCEPTED, false), "the receipt was witnessed before");
        assert_eq!(said(&revoked(party, key, before, None)), (refused(code), false));
        assert_eq!(said(&revoked(party, key, after, Some(before))), (ACCEPTED, true), "contested, not void, and told");
    }
    // Nothing was sent under the later version, so nothing proves when it was signed.
    let renewed = RELAY.replace("2027-12-31", "2028-12-31");
    let mut relay = under(&[RELAY, &renewed]);
    let gone = revoked(post, post.identity.public(), after, None);
    assert_eq!(said(&relay, &gone), (refused(RefusalCode::SourceAgreement), false));
    relay.with_second_origin();
    assert_eq!(said(&relay, &gone), (ACCEPTED, false));
}

#[test]
fn a_row_for_some_records_lets_go_on_what_is_shown_to_be_among_them() {
    let only = |lines: &str| RELAY.replacen("retention_days = 30", &format!("retention_days = 30\n    {lines}"), 1);
    let view = small_record(1).view(set(&SHOWN));
    let asked = |text: &str, view: &crate::record::RecordView| {
        let document = signed(&NETWORK, text);
        let agreement = Agreement::open(&document).unwrap();
        let ask = crate::document::OnwardAsk {
            table: &crate::record::DECLARATION,
            source: &NETWORK.post.id,
            via: &NETWORK.customs.id,
            received_for: Purpose::SafetySecurity,
            received_view: view.shown(),
            received_days: 30,
            to: &NETWORK.other.id,
            purpose: Purpose::AgencyControl,
            day: NOW.day(),
            before: false,
        };
        let covers = |flow: &crate::document::Flow| flow.covers_view(ask.via, view);
        let given = NETWORK.directory.onward((&document.digest(), &agreement), &ask, covers);
        given.map(|grants| grants.len()).map_err(|denial| denial.to_string())
    };
    let elsewhere =
        Err("agreement relay row 1 is for some records only, and what came does not show that it is for these".into());
    assert_eq!(asked(RELAY, &view), Ok(1));
    assert_eq!(asked(&only("destinations = [\"KR\"]"), &view), Ok(1));
    assert_eq!(asked(&only("destinations = [\"JP\"]"), &view), elsewhere);
    assert_eq!(asked(&only("handling = true"), &view), elsewhere);
    // What is hidden shows nothing.
    let hidden = view.cut(set(&["filing", "item"]));
    assert_eq!(asked(RELAY, &hidden), Ok(1));
    assert_eq!(asked(&only("destinations = [\"KR\"]"), &hidden), elsewhere);
    // Superseded is told before ended, as of every row.
    let mut two = under(&[&RELAY.replace("2027-12-31", "2026-06-30"), RELAY]);
    let knows = knowing(&two.agreement);
    two.agreement.pop();
    two.header.agreement_digest = two.agreement[0].digest();
    let via = knows.node(&NETWORK.customs.node).unwrap();
    let passing = Passing {
        directory: &knows,
        via,
        to: &NETWORK.other.id,
        header: &two.header,
        issuer: &NETWORK.post.id,
        day: NOW.day(),
        before: false,
    };
    let roots: Vec<_> = two.views.iter().map(crate::record::RecordView::root).collect();
    let error = two.source().verify(&passing, &roots).unwrap_err();
    assert_eq!(error.to_string(), "agreement relay row 1: another version of the agreement holds since 2026-01-01");
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

/// What `customs-jp` keeps of the honest one, its second record rejected.
fn provenance() -> Provenance {
    let relay = &*RELAYED;
    let rejected = relay.views[1].root();
    let dispatch = relay.dispatch(&relay.content(&relay.source()));
    let views = [0, 2].map(|at| (at, relay.views[at].clone())).to_vec();
    let source = relay.source().to_cbor();
    Provenance { envelope: dispatch.envelope(), rejected: vec![rejected], views, source }
}

#[test]
fn a_provenance_holds_whatever_became_of_those_in_it() {
    let provenance = provenance();
    let (post, customs) = (&NETWORK.post, &NETWORK.customs);
    let holds = |directory: &Directory| provenance.verify(directory).map(|proven| proven.roots.len());
    assert_eq!(holds(&knowing([&suspension(post), &suspension(customs)])), Ok(2));
    // A charter without the issuer, one in which the sender is suspended, one with many more who witness.
    let charter = |change: &dyn Fn(&mut crate::document::Charter), more: &[Document]| {
        let mut next = NETWORK.directory.charter().clone();
        change(&mut next);
        let mut next = next.to_successor(NETWORK.id(), &NETWORK.charter).unwrap();
        [post, customs].iter().for_each(|party| next.sign(&party.id, &party.identity));
        knowing(more.iter().chain([&next]))
    };
    let without = charter(&|next| next.members.retain(|member| member.id != NETWORK.auditor.id), &[]);
    assert_eq!(holds(&without), Ok(2));
    let suspended = charter(
        &|next| {
            let of = |member: &&mut crate::document::CharterMember| member.id == customs.id;
            next.members.iter_mut().find(of).unwrap().status = crate::document::MemberStatus::Suspended;
            (next.governors, next.threshold) = (vec![post.id.clone()], 1);
        },
        &[],
    );
    assert_eq!(holds(&suspended), Ok(2));
    assert_eq!(said(&suspended, &RELAYED, &RELAYED.source()), Err(Lack::Membership), "which now goes nowhere");
    let joining = [("zz-1", 21), ("zz-2", 22), ("zz-3", 23)].map(|(id, number)| Party::new(id, number));
    let cards = joining.iter().map(|party| {
        let mut card = party.card().to_document(NETWORK.id()).unwrap();
        card.sign(&party.id, &party.identity);
        card
    });
    let grown = charter(
        &|next| {
            let like = next.members[0].clone();
            let join = |party: &Party| crate::document::CharterMember {
                id: party.id.clone(),
                identity: *party.identity.public(),
                ..like.clone()
            };
            next.members.extend(joining.iter().map(join));
        },
        &cards.collect::<Vec<_>>(),
    );
    assert_eq!(holds(&grown), Ok(2));
    assert_eq!(outcome_by(&grown, &RELAYED, &RELAYED.source()), refused(RefusalCode::SourceUnwitnessed), "now");
    // Its sender lost its data and keeps another log.
    let mut card = customs.card();
    (card.nodes[0].origin, card.nodes[0].epoch) = ("log.example/second".into(), 2);
    let key = crate::keys::SecretKey::from_seed(crate::keys::KeyUse::Log, &[99; 32]).unwrap();
    card.nodes[0].log = (*key.public()).into();
    let before = NETWORK.cards.iter().find(|card| card.id == customs.id).unwrap();
    let mut card = card.to_successor(before).unwrap();
    card.sign(&customs.id, &customs.identity);
    assert_eq!(holds(&knowing([&card])), Ok(2));
    // Keys of the issuer that were revoked later leave it as it was; nothing proves when its sender signed.
    let after = NOW.0 + 86_400_000;
    assert_eq!(holds(&knowing([&revocation(post, post.sign.public(), after, None)])), Ok(2));
    let revoked = holds(&knowing([&revocation(customs, customs.sign.public(), after, None)]));
    assert_eq!(revoked, Err(ProvenanceError::Signature("dispatch")));
}

#[test]
fn a_provenance_verifies_alone_and_not_a_bit_of_it_can_be_changed() {
    let relay = &*RELAYED;
    let provenance = provenance();
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
