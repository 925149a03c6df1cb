//! `onward.json`: records passed on, with what comes with them, and what their last recipient says; honest and damaged.

use super::damaged::part;
use super::dispatches::outcome;
use super::json::{Json, all_bytes, bytes, file, object};
use super::world::WORLD;
use crate::cbor::Encode;
use crate::document::{Agreement, Directory, Document, Revocation, Suspension};
use crate::exchange::relay::{ONWARD, RELAY, Relay, batch, countersign};
use crate::exchange::{Answer, Dispatch, Outcome, RefusalCode, Rejection, Source};
use crate::hash::Digest;
use crate::keys::PublicKey;
use crate::names::Purpose;
use crate::record::Fault;
use crate::testing::{NOW, Party, encode_views, set, slug, small_record};
use crate::time::{Day, Millis};

const DAY: u64 = 86_400_000;

/// A case: the header and content of a dispatch that is signed and sealed rightly, and the verdict of whoever knows `more` documents
/// than those of the network. What is not given is as in the honest one.
fn case(name: &str, relay: &Relay<'_>, content: &[u8], more: &[Document], honest: Option<(&[u8], &[u8])>) -> Json {
    let (net, dispatch) = (&WORLD.net, relay.dispatch(content));
    let all = std::iter::once(&net.charter).chain(&net.cards).chain(&net.agreements).chain(more);
    let directory = Directory::strict(all.cloned()).unwrap();
    let said = match relay.judge(&directory, &dispatch) {
        Ok(checked) if checked.contested => format!("{}, contested", outcome(&checked.outcome)),
        Ok(checked) => outcome(&checked.outcome),
        Err(Answer::Later { lacks, .. }) => format!("later {}", lacks.word()),
        Err(other) => panic!("{name}: {other:?}"),
    };
    let Some((header, honest)) = honest else {
        return object! {
            "name" => name, "kind" => "onward", "peer" => relay.header.channel.sender.as_str(),
            "recipient" => relay.header.channel.recipient.as_str(), "now" => NOW.0, "header" => bytes(&dispatch.header),
            "content" => bytes(content), "source" => bytes(relay.source().to_cbor()), "verdict" => said,
        };
    };
    let mut case = object! { "name" => name, "kind" => "onward_changed", "verdict" => said };
    if !more.is_empty() {
        case = case.with("documents", all_bytes(more.iter().map(Encode::to_cbor)));
    }
    if relay.now != NOW {
        case = case.with("now", relay.now.0);
    }
    if dispatch.header != header {
        case = case.with("header", part(header, &dispatch.header));
    }
    if content != honest {
        case = case.with("content", part(honest, content));
    }
    case
}

/// Writes or compares the file.
#[test]
fn records_passed_on() {
    let net = &WORLD.net;
    let relay = Relay::new(net);
    let (header, content) = (relay.header.to_cbor(), relay.content(&relay.source()));
    let honest = Some((&header[..], &content[..]));
    let mut cases = vec![case("three of five records", &relay, &content, &[], None)];
    let mut known = |name: &str, more: &[Document], change: &dyn Fn(&mut Relay<'_>)| {
        let mut relay = relay.clone();
        change(&mut relay);
        let content = relay.content(&relay.source());
        cases.push(case(name, &relay, &content, more, honest));
    };
    // What comes later: other versions, other dispatches, what became of keys.
    let renewed = RELAY.replace("2027-12-31", "2028-12-31");
    let mut two = relay.clone();
    two.rest_on(&[RELAY, &renewed]);
    let versions = &two.agreement;
    let old = |r: &mut Relay<'_>| r.header.agreement_digest = versions[0].digest();
    let revoked = |party: &Party, key: &PublicKey, at: u64, since: Option<u64>| {
        let (keys, since) = (vec![key.id()], since.map(Millis));
        let (member, reason) = (party.id.clone(), "lost".to_owned());
        let word = Revocation { member, keys, revoked_at: Millis(at), compromised_since: since, reason };
        let mut word = word.to_document(net.id()).unwrap();
        word.sign(&party.id, &party.identity);
        [word]
    };
    let suspension = Suspension { member: net.post.id.clone(), agreements: vec![slug("relay")], reason: "law".into() };
    let mut suspension = suspension.to_document(net.id(), None).unwrap();
    suspension.sign(&net.post.id, &net.post.identity);
    let (before, after) = (NOW.0 - DAY, NOW.0 + DAY);
    let (sign, identity) = (net.post.sign.public(), net.customs.identity.public());
    let same = |_: &mut Relay<'_>| ();
    known("records of two dispatches", &[], &|r| r.with_second_origin());
    known("under a later version", &[], &|r| r.rest_on(&[RELAY, &renewed]));
    known("two dispatches, one under each version", versions, &|r| {
        r.rest_on(&[RELAY, &renewed]);
        r.with_second_origin();
    });
    known("a version that another took the place of", versions, &old);
    known("the issuer's key revoked later", &revoked(&net.post, sign, after, None), &same);
    known("the issuer's key revoked later, and stolen before", &revoked(&net.post, sign, after, Some(before)), &same);
    known("the issuer's key revoked before", &revoked(&net.post, sign, before, None), &same);
    known("the sender's identity key revoked later", &revoked(&net.customs, identity, after, None), &same);
    known("the sender's identity key revoked before", &revoked(&net.customs, identity, before, None), &same);
    known("an agreement that the issuer suspended", &[suspension], &same);
    let mut changed = |name: &str, change: &dyn Fn(&mut Relay<'_>)| known(name, &[], change);
    changed("an issuer that no charter names", &|r| r.header.source = Some(slug("post-fr")));
    changed("a node of the issuer that no card names", &|r| {
        r.sent.batch.header.node = "post-de/n2".parse().unwrap();
        r.resend(|header| header.channel.sender = "post-de/n2".parse().unwrap());
    });
    changed("an identity key that no card names", &|r| {
        r.agreement[0].signatures.retain(|signed| signed.member != net.post.id);
        r.agreement[0].sign(&net.post.id, &net.other.identity);
    });
    changed("more came than the row gives", &|r| {
        r.resend(|header| header.view = header.view.union(set(&["payment"])));
    });
    changed("it came for longer than the row gives", &|r| r.resend(|header| header.retention_days = 31));
    changed("back to the issuer", &|r| {
        r.rest_on(&[&RELAY.replace(r#"["customs-jp"]"#, r#"["customs-jp", "post-de"]"#)]);
        r.header.channel.recipient = net.post.node.clone();
    });
    let travels = |days: u64| move |r: &mut Relay<'_>| r.now = Millis(NOW.0 + days * DAY);
    changed("on the last day of travel", &travels(37));
    changed("a day later", &travels(38));
    changed("a last day that the issuer's word does not give", &|r| {
        r.due = NOW.day().plus(3_000);
        r.resend(|header| header.sent_at = Millis(NOW.0 - 38 * DAY));
    });
    changed("sent the day before its receipt was witnessed", &|r| r.header.sent_at = Millis(before));
    changed("another purpose", &|r| r.header.purpose = Purpose::Revenue);
    changed("a longer retention", &|r| r.header.retention_days = 11);
    changed("wider groups", &|r| {
        let groups = ["filing", "item", "mass", "route"];
        r.views = crate::exchange::relay::PASSED.map(|at| small_record(at as u64 + 1).view(set(&groups))).to_vec();
        r.header.view = set(&groups);
    });
    changed("another recipient", &|r| r.header.channel.recipient = net.auditor.node.clone());
    changed("another issuer", &|r| r.header.source = Some(net.auditor.id.clone()));
    changed("an agreement that one party did not sign", &|r| drop(r.agreement[0].signatures.pop()));
    let under = |r: &mut Relay<'_>, text: &str| {
        r.rest_on(&[text]);
    };
    changed("an agreement that has ended", &|r| under(r, &RELAY.replace("2027-12-31", "2026-11-22")));
    changed("an agreement without an onward row", &|r| {
        let (from, to) = (RELAY.find("    [[flow.onward]]").unwrap(), RELAY.rfind("    [[flow]]").unwrap());
        under(r, &[&RELAY[..from], &RELAY[to..]].concat());
    });
    changed("a term that is not known", &|r| {
        let mut agreement = Agreement::from_draft(RELAY).unwrap();
        agreement.flows[0].terms = vec![crate::document::Term { name: "escrow".into(), value: "yes".into() }];
        let mut document = agreement.to_document(net.id());
        countersign(net, &mut document, &agreement);
        r.header.agreement_digest = document.digest();
        r.agreement = vec![document];
        let digest = r.header.agreement_digest;
        r.resend(|header| header.agreement_digest = digest);
    });
    changed("a second hop", &|r| r.resend(|header| header.source = Some(net.auditor.id.clone())));
    changed("the issuer's dispatch to another node", &|r| {
        r.resend(|header| header.channel.recipient = net.other.node.clone());
    });
    changed("a dispatch that showed less", &|r| r.resend(|header| header.view = set(&["filing", "item"])));
    changed("the issuer's signature spoilt", &|r| r.envelope.signature[40] ^= 1);
    changed("the issuer's batch signed by another", &|r| {
        r.sent.batch.signature = batch(net, &r.views).signature;
        r.envelope = Dispatch::sign(&net.id(), r.sent.to_cbor(), vec![7; 64], &net.post.sign).envelope();
    });
    changed("a receipt of a refusal", &|r| r.outcome = Outcome::Refused(RefusalCode::BatchRoot));
    changed("a record that was rejected", &|r| {
        r.outcome = Outcome::Taken(vec![Rejection { record: 2, fault: Fault::Value, pointer: "/item".into() }]);
    });
    changed("what was to be erased", &|r| r.due = Day(NOW.day().0 - 1));
    changed("one cosignature too few", &|r| r.witnesses.truncate(2));
    changed("a record that the issuer never sent", &|r| {
        r.views[1] = small_record(77).view(set(&ONWARD));
        r.header.batch = batch(net, &r.views);
    });
    let mut source = |name: &str, change: &dyn Fn(&mut Source)| {
        let mut source = relay.source();
        change(&mut source);
        cases.push(case(name, &relay, &relay.content(&source), &[], honest));
    };
    source("no agreement", &|s| s.agreement.clear());
    source("no origin", &|s| s.origins.clear());
    source("one record not accounted for", &|s| drop(s.origins[0].records.pop()));
    source("another record's place", &|s| s.origins[0].records[1].index = 1);
    source("another record's path", &|s| s.origins[0].records[1].path = s.origins[0].records[0].path.clone());
    source("a receipt of another dispatch", &|s| {
        let mut other = relay.clone();
        other.resend(|header| header.number = 2);
        s.origins[0].receipt = other.receipt();
    });
    source("a digest of a path changed", &|s| s.origins[0].records[2].path[0] = Digest([7; 32]));
    cases.push(case("no source", &relay, &encode_views(&relay.views), &[], honest));
    let about = "SPEC.md section 11, records passed on, in the network of documents.json: 'customs-kr' passes on to 'customs-jp' what \
                 'post-de' sent it, under an agreement that comes with them. The dispatches are signed and sealed rightly: \
                 header and content are given. 'source' is the second part of the content. 'onward_changed' changes the honest case: \
                 what it says, what documents 'customs-jp' knows besides, when it arrives.";
    super::hold("onward.json", &file(about, cases));
}
