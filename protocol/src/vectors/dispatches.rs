//! `dispatches.json`: dispatches with every step from content to signature and their verdicts, withdrawals, packing, LZ4.

use super::json::{Json, bytes, file, object};
use super::records::RECORDS;
use super::world::{WORLD, identity, identity_text};
use crate::cbor::Encode;
use crate::exchange::{
    Answer, Channel, Checked, Dispatch, DispatchHeader, Lane, Outcome, SealedError, Withdrawal, check_dispatch,
    check_withdrawal, pack, sealed_digest, unpack,
};
use crate::hash::{Digest, Domain};
use crate::keys::signed_bytes;
use crate::names::{NodeRef, Purpose};
use crate::record::{Content, DECLARATION, GroupView, RecordView, Value};
use crate::testing::{NOW, SHOWN, encode_views, record_of, set, small_record};

/// The file; the damaged dispatches take from it what they leave as it is.
pub(super) const FILE: &str = "dispatches.json";

/// A verdict in one line.
pub(super) fn verdict(checked: &Result<Checked<()>, Answer>) -> String {
    match checked {
        Ok(checked) => outcome(&checked.outcome),
        Err(Answer::Error { code, .. }) => format!("error {code}"),
        Err(Answer::Later { lacks, .. }) => format!("later {lacks}"),
        Err(other) => panic!("{other:?} is no verdict"),
    }
}

/// An outcome in one line.
pub(super) fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Withdrawn => "withdrawn".into(),
        Outcome::Refused(code) => format!("refused {code}"),
        Outcome::Taken(rejected) if rejected.is_empty() => "accepted".into(),
        Outcome::Taken(rejected) => {
            let each = rejected.iter().map(|r| format!("{} {} {}", r.record, r.fault, r.pointer));
            format!("rejected {}", each.collect::<Vec<_>>().join(", "))
        }
    }
}

/// What `me` says of a dispatch that `peer` brings.
pub(super) fn check(dispatch: &Dispatch, me: &NodeRef, peer: &NodeRef) -> Result<Checked<()>, Answer> {
    let directory = &WORLD.net.directory;
    let identity = identity(me.member().as_str());
    check_dispatch(
        directory,
        me,
        directory.node(peer).unwrap(),
        dispatch,
        NOW,
        |sealed| age::decrypt(&identity, sealed).ok(),
        |_| Ok(()),
    )
}

fn dispatch(name: &str, header: &DispatchHeader, content: &[u8]) -> Json {
    let net = &WORLD.net;
    let digest = DispatchHeader::digest(&header.to_cbor());
    let packed = pack(&digest, content).unwrap();
    let dispatch = WORLD.seal(FILE, name, header, &packed);
    let envelope = dispatch.envelope();
    let checked = check(&dispatch, &header.channel.recipient, &header.channel.sender);
    let stored = u32::from_be_bytes(packed[36..40].try_into().unwrap()) as usize;
    // What is stored as it is stands there twice otherwise.
    let stored = if stored == content.len() { Json::from("content") } else { bytes(&packed[40..40 + stored]) };
    let signed = signed_bytes(Domain::Dispatch, &net.id(), &net.post.sign.public().id(), &envelope.digest().0);
    object! {
        "name" => name, "kind" => "dispatch", "peer" => header.channel.sender.as_str(),
        "recipient" => header.channel.recipient.as_str(), "now" => NOW.0,
        "identity" => identity_text(header.channel.recipient.member().as_str()), "header" => bytes(&dispatch.header),
        "header_digest" => bytes(digest.0), "content" => bytes(content), "stored" => stored, "packed_length" => packed.len(),
        "sealed" => bytes(&dispatch.sealed), "sealed_digest" => bytes(sealed_digest(&dispatch.sealed).0),
        "digest" => bytes(envelope.digest().0), "signed" => bytes(signed), "signature" => bytes(dispatch.signature),
        "verdict" => verdict(&checked),
    }
}

/// Records whose goods are told at length, so that LZ4 makes them smaller.
fn wordy(number: u64) -> RecordView {
    let mut content: Content = small_record(number).content().clone();
    let words = "cotton t-shirt, short sleeves, printed on the front; ".repeat(9);
    content.set(DECLARATION.group("content").unwrap().0, 0, vec![vec![(1, Value::Text(words.trim().into()))]]).unwrap();
    record_of(content, [number as u8; 16], [number as u8; 32]).view(set(&SHOWN))
}

/// Views of small records as the agreement gives them.
pub(super) fn views(numbers: &[u64]) -> Vec<RecordView> {
    numbers.iter().map(|number| small_record(*number).view(set(&SHOWN))).collect()
}

fn honest() -> Vec<Json> {
    let net = &WORLD.net;
    let one = views(&[1]);
    let wordy: Vec<_> = [1, 2].map(wordy).to_vec();
    let goods = vec![RECORDS[1].1.view(set(&["filing", "route", "value"]))];
    let mut for_revenue = net.header(&goods, 7);
    (for_revenue.purpose, for_revenue.retention_days) = (Purpose::Revenue, 365);
    let mut urgent = net.header(&one, 1);
    urgent.channel = Channel { lane: Lane::Urgent, ..urgent.channel };
    // The first record has a value that its field may not hold, the second hides a group that the header promises.
    let mut partly = views(&[1]);
    partly.push(small_record(2).view(set(&SHOWN[..7])));
    let at = DECLARATION.group("classification").unwrap().0;
    let GroupView::Shown(leaves) = &mut partly[0].groups[at] else { panic!("shown") };
    leaves[0].bytes = vec![0xa1, 0x01, 0x62, b'8', b'5'];
    vec![
        dispatch("one record", &net.header(&one, 1), &encode_views(&one)),
        dispatch("two records, stored as LZ4", &net.header(&wordy, 2), &encode_views(&wordy)),
        dispatch("goods for another purpose", &for_revenue, &encode_views(&goods)),
        dispatch("the urgent lane has numbers of its own", &urgent, &encode_views(&one)),
        dispatch("both records rejected", &net.header(&partly, 3), &encode_views(&partly)),
    ]
}

fn withdrawal() -> Json {
    let net = &WORLD.net;
    let header = WORLD.withdrawal();
    let withdrawal = Withdrawal::sign(&header, &net.post.sign);
    let (me, peer) = (&net.customs.node, net.known(&net.post));
    let checked = check_withdrawal::<()>(&net.directory, me, peer, &withdrawal, NOW);
    object! {
        "name" => "a withdrawal", "kind" => "withdrawal", "peer" => peer.node.as_str(), "recipient" => me.as_str(),
        "number" => header.number, "dispatch" => bytes(header.dispatch.0), "agreement" => bytes(header.agreement.0),
        "withdrawn_at" => NOW.0, "header" => bytes(&withdrawal.header),
        "signed" => bytes(signed_bytes(
            Domain::Withdrawal, &net.id(), &net.post.sign.public().id(), &withdrawal.header
        )),
        "signature" => bytes(withdrawal.signature), "withdrawal" => bytes(withdrawal.to_cbor()),
        "verdict" => verdict(&checked),
    }
}

fn packing() -> Vec<Json> {
    let header = Digest([0x4d; 32]);
    let contents: [(&str, Vec<u8>); 4] = [
        ("nothing", Vec::new()),
        ("23 bytes, padded with one", b"twenty-three bytes long".to_vec()),
        ("repeated text", b"parcel ".repeat(20)),
        ("zeros that LZ4 would expand beyond the limit", vec![0; 300]),
    ];
    let mut cases: Vec<_> = contents
        .iter()
        .map(|(name, content)| {
            let packed = pack(&header, content).unwrap();
            assert_eq!(unpack(&header, &packed).as_deref(), Ok(content.as_slice()));
            object! {
                "name" => format!("packed: {name}"), "kind" => "packed", "header_digest" => bytes(header.0),
                "content" => bytes(content), "packed" => bytes(packed),
            }
        })
        .collect();
    // The padded lengths are seen in what pack() gives: raw bytes that LZ4 cannot make smaller.
    let lengths = [40usize, 41, 48, 49, 63, 64, 65, 100, 127, 129, 1000, 1024, 1025, 4095, 4097, 65_537, 1_000_000];
    let padded = lengths.iter().map(|length| {
        let mut numbers = crate::testing::Numbers(*length as u64);
        let content: Vec<u8> = (40..*length).map(|_| numbers.next() as u8).collect();
        Json::List(vec![Json::from(*length), Json::from(pack(&header, &content).unwrap().len())])
    });
    let padded: Vec<_> = padded.collect();
    cases.push(object! { "name" => "padded lengths", "kind" => "padded", "lengths" => padded });
    cases.extend(bad_packing(&header));
    cases
}

fn bad_packing(header: &Digest) -> Vec<Json> {
    let packed = |opened: u32, stored: &[u8], length: u32, padding: &[u8]| {
        [&header.0[..], &opened.to_be_bytes(), &length.to_be_bytes(), stored, padding].concat()
    };
    let zeros = lz4_flex::block::compress(&[0; 5000]);
    let text = lz4_flex::block::compress(&b"parcel ".repeat(20));
    let mut other = packed(24, &[7; 24], 24, &[]);
    other[0] ^= 1;
    let stored = |bytes: &[u8], opened: u32| {
        let padding = vec![0; padme(40 + bytes.len()) - 40 - bytes.len()];
        packed(opened, bytes, bytes.len() as u32, &padding)
    };
    let cases = [
        ("another header", other),
        ("shorter than 40 bytes", packed(0, &[], 0, &[])[..39].to_vec()),
        ("an expansion bomb", stored(&zeros, 5000)),
        ("an opened length above 8 MiB", packed(8 * 1024 * 1024 + 1, &[], u32::MAX, &[])),
        ("lengths of 4 GiB", packed(u32::MAX, &[], u32::MAX, &[])),
        ("21 bytes from one", packed(21, &[0], 1, &[])),
        ("a stored length beyond the end", packed(8, &[0; 8], 9, &[])),
        ("padding that is not zero", packed(23, &[7; 23], 23, &[1])),
        ("padding that is missing", packed(23, &[7; 23], 23, &[])),
        ("padding that is too long", packed(24, &[7; 24], 24, &[0; 8])),
        ("an LZ4 block cut off", stored(&text[..text.len() - 1], 140)),
        ("an LZ4 block that gives less than named", stored(&text, 141)),
        ("an LZ4 block that gives more than named", stored(&text, 139)),
        ("a match before the beginning", stored(&[0x12, b'a', 2, 0, 0x50, 1, 2, 3, 4, 5], 12)),
        ("a match at offset zero", stored(&[0x12, b'a', 0, 0, 0x50, 1, 2, 3, 4, 5], 12)),
        ("a block that ends with a match", stored(&[0x12, b'a', 1, 0], 7)),
    ];
    let cases = cases.into_iter().map(|(name, packed)| {
        let refused = match unpack(header, &packed) {
            Err(SealedError::ForeignHeader) => "foreign_seal",
            Err(SealedError::Expansion) => "expansion",
            Err(SealedError::Malformed) => "malformed",
            Ok(content) => panic!("{name}: taken as {content:?}"),
        };
        object! {
            "name" => format!("refused packing: {name}"), "kind" => "bad_packed", "header_digest" => bytes(header.0),
            "packed" => bytes(packed), "refused" => refused,
        }
    });
    cases.collect()
}

/// The padded length of so many bytes, as the text says it (the code has its own).
fn padme(length: usize) -> usize {
    let exponent = length.ilog2();
    let kept = exponent.ilog2() + 1;
    let mask = (1 << (exponent - kept)) - 1;
    (length + mask) & !mask
}

/// Writes or compares the file.
pub(super) fn hold() {
    let cases = [honest(), vec![withdrawal()], packing()].concat();
    let about = "SPEC.md section 11, in the network of documents.json. 'dispatch': header and content, what is packed and \
                 sealed (age draws its own randomness: these bytes were made once), digests, the bytes signed, and the \
                 verdict of the recipient. 'packed': content and what is sealed of it; 'bad_packed' is refused.";
    super::hold(FILE, &file(about, cases));
}
