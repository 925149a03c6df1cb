//! Dispatches and what the recipient says of them.

use super::super::dispatches::{FILE as DISPATCHES, check, verdict, views};
use super::super::json::{Json, object};
use super::super::world::WORLD;
use super::{FILE, flip, part};
use crate::cbor::Encode;
use crate::exchange::{Channel, Dispatch, DispatchHeader, pack};
use crate::hash::Digest;
use crate::names::Purpose;
use crate::record::{Batch, DECLARATION, GroupView};
use crate::testing::{Party, SHOWN, encode_views, set, small_record};

/// A dispatch case: what is not given is as in the case "one record" of dispatches.json.
struct Parts {
    header: Vec<u8>,
    signature: [u8; 64],
    sealed: Vec<u8>,
}

fn base() -> Dispatch {
    let net = &WORLD.net;
    let views = views(&[1]);
    let header = net.header(&views, 1);
    let packed = pack(&DispatchHeader::digest(&header.to_cbor()), &encode_views(&views)).unwrap();
    WORLD.seal(DISPATCHES, "one record", &header, &packed)
}

fn dispatch_case(name: &str, dispatch: &Dispatch, peer: &Party) -> Json {
    let (me, base) = (&WORLD.net.customs.node, base());
    let said = verdict(&check(dispatch, me, &peer.node));
    assert_ne!(said, "accepted", "{name}");
    let mut case = object! {
        "name" => format!("dispatch: {name}"), "kind" => "bad_dispatch", "peer" => peer.node.as_str(), "verdict" => said,
    };
    let parts = [
        ("header", &dispatch.header[..], &base.header[..]),
        ("signature", &dispatch.signature, &base.signature),
        ("sealed", &dispatch.sealed, &base.sealed),
    ];
    for (key, found, honest) in parts {
        if found != honest {
            case = case.with(key, part(honest, found));
        }
    }
    case
}

/// A dispatch signed by its sender, with any header and the packed bytes given, sealed.
fn sealed_case(name: &str, header: &DispatchHeader, packed: &[u8]) -> Json {
    let dispatch = WORLD.seal(FILE, &format!("dispatch: {name}"), header, packed);
    dispatch_case(name, &dispatch, &WORLD.net.post)
}

fn with_content(name: &str, header: &DispatchHeader, content: &[u8]) -> Json {
    sealed_case(name, header, &pack(&DispatchHeader::digest(&header.to_cbor()), content).unwrap())
}

pub(super) fn dispatches() -> Vec<Json> {
    let net = &WORLD.net;
    let base = base();
    let one = views(&[1]);
    let header = |change: &dyn Fn(&mut DispatchHeader)| {
        let mut header = net.header(&one, 1);
        change(&mut header);
        header
    };
    // Another header, signed by the sender, around the same sealed part: refused before the seal is opened.
    let headed = |name: &str, change: &dyn Fn(&mut DispatchHeader)| {
        let dispatch = Dispatch::sign(&net.id(), header(change).to_cbor(), base.sealed.clone(), &net.post.sign);
        dispatch_case(name, &dispatch, &net.post)
    };
    let raw = |name: &str, header: Vec<u8>| {
        let dispatch = Dispatch::sign(&net.id(), header, base.sealed.clone(), &net.post.sign);
        dispatch_case(name, &dispatch, &net.post)
    };
    let parts = |name: &str, parts: Parts| {
        let dispatch = Dispatch { header: parts.header, signature: parts.signature, sealed: parts.sealed };
        dispatch_case(name, &dispatch, &net.post)
    };
    let mut flipped = base.signature;
    flipped[40] ^= 1;
    let resign = |h: &mut DispatchHeader| h.batch = Batch::sign(h.batch.header.clone(), &net.id(), &net.post.sign);
    let encoded = net.header(&one, 1).to_cbor();
    // The header ends with 'receipts held up to', here zero.
    let longer = [&encoded[..encoded.len() - 1], &[0x18, 0]].concat();
    let next_version = {
        let name = b"declaration";
        let at = encoded.windows(name.len()).position(|window| window == name).unwrap() + name.len();
        let mut header = encoded.clone();
        header[at] = 9;
        header
    };
    let mut cases = vec![
        parts(
            "a bit of the signature",
            Parts { signature: flipped, header: base.header.clone(), sealed: base.sealed.clone() },
        ),
        parts(
            "a bit of the header",
            Parts { header: flip(&base.header, 5), signature: base.signature, sealed: base.sealed.clone() },
        ),
        parts(
            "a bit of the sealed part",
            Parts { sealed: flip(&base.sealed, 300), header: base.header.clone(), signature: base.signature },
        ),
        dispatch_case(
            "signed by another node",
            &Dispatch::sign(&net.id(), base.header.clone(), base.sealed.clone(), &net.other.sign),
            &net.post,
        ),
        dispatch_case(
            "signed in another network",
            &Dispatch::sign(&Digest([9; 32]), base.header.clone(), base.sealed.clone(), &net.post.sign),
            &net.post,
        ),
        dispatch_case("brought by another node than its sender", &base, &net.other),
        headed("another network", &|h| h.network = Digest([9; 32])),
        headed("for another node", &|h| h.channel.recipient = net.other.node.clone()),
        headed("an earlier epoch", &|h| h.channel = Channel { epoch: 0, ..h.channel.clone() }),
        headed("an epoch that no card begins", &|h| h.channel.epoch = 2),
        headed("number zero", &|h| h.number = 0),
        raw("a number in the header longer than needed", longer),
        raw("a version of the type that is not known", next_version),
        raw("a byte after the header", [&encoded[..], &[0]].concat()),
        headed("an unknown agreement", &|h| h.agreement_digest = Digest([9; 32])),
        headed("another agreement that has ended", &|h| {
            (h.agreement, h.agreement_digest) = ("ended".parse().unwrap(), net.agreement("ended"))
        }),
        headed("the name of another agreement", &|h| h.agreement = "ended".parse().unwrap()),
        headed("another purpose", &|h| h.purpose = Purpose::Statistics),
        headed("a longer retention", &|h| h.retention_days = 31),
        headed("a view that the agreement does not give", &|h| h.view = h.view.union(set(&["payment"]))),
        headed("a batch of another node", &|h| {
            h.batch.header.node = net.customs.node.clone();
            resign(h)
        }),
        headed("a bit of the batch's signature", &|h| h.batch.signature[9] ^= 1),
        headed("another count than the batch was signed with", &|h| h.batch.header.count = 2),
        headed("a sealed part of another header", &|h| h.number = 2),
        parts("sealed bytes that are no age file", {
            let dispatch = Dispatch::sign(&net.id(), base.header.clone(), vec![7; 40], &net.post.sign);
            Parts { header: dispatch.header, signature: dispatch.signature, sealed: dispatch.sealed }
        }),
        parts("the last chunk of the seal changed", {
            let sealed = flip(&base.sealed, base.sealed.len() - 1);
            let dispatch = Dispatch::sign(&net.id(), base.header.clone(), sealed, &net.post.sign);
            Parts { header: dispatch.header, signature: dispatch.signature, sealed: dispatch.sealed }
        }),
    ];
    let honest = net.header(&one, 1);
    let mut two = net.header(&views(&[1, 2]), 1);
    cases.push(with_content("fewer views than the batch counts", &two, &encode_views(&one)));
    two.batch.header.count = 1;
    resign(&mut two);
    cases.push(with_content("a record dropped and the count adapted", &two, &encode_views(&one)));
    let more = [small_record(1).view(set(&SHOWN).union(set(&["value"])))];
    let mut less = net.header(&more, 1);
    less.view = set(&SHOWN);
    cases.push(with_content("a view that shows more than the header", &less, &encode_views(&more)));
    let change = |group: &str, change: &dyn Fn(&mut GroupView)| {
        let mut views = one.clone();
        change(&mut views[0].groups[DECLARATION.group(group).unwrap().0]);
        encode_views(&views)
    };
    let hidden = change("value", &|group| *group = GroupView::Hidden(Digest([7; 32])));
    cases.push(with_content("a hidden digest changed", &honest, &hidden));
    let salted = change("item", &|group| {
        let GroupView::Shown(leaves) = group else { panic!("shown") };
        leaves[0].salt[0] ^= 1;
    });
    cases.push(with_content("a salt changed", &honest, &salted));
    cases.push(with_content(
        "content that is not canonical",
        &honest,
        &[&[0x98, 1], &encode_views(&one)[1..]].concat(),
    ));
    cases
}
