//! Receipts that prove nothing.

use super::super::json::{Json, bytes};
use super::super::log::{LOG, receipt_of};
use super::super::world::WORLD;
use super::{Cases, flip};
use crate::cbor::Decode;
use crate::exchange::{Channel, EntryKind, Lane, Opening, ReceiptError, log_key, read_receipt};
use crate::hash::Digest;
use crate::testing::{Log, Party};
use crate::tlog::{Checkpoint, Note, ProofFileError, TlogProof, leaf_hash};

/// Why a receipt of `customs-kr` for this dispatch, channel and number is refused.
fn judge_receipt(dispatch: &Digest, channel: &Channel, number: u64, file: &[u8]) -> String {
    let node = WORLD.net.known(&WORLD.net.customs);
    match read_receipt(node, dispatch, file) {
        Ok(receipt) if receipt.skeleton.channel != *channel => "channel".into(),
        Ok(receipt) if receipt.skeleton.number != number => "number".into(),
        Ok(_) => "taken".into(),
        Err(ReceiptError::Other("dispatch")) => "dispatch".into(),
        Err(ReceiptError::Other(_)) => "kind".into(),
        Err(ReceiptError::Opening(_)) => "opening".into(),
        Err(ReceiptError::Proof(_)) => {
            // The error is text; the same steps again tell which of them it was.
            let Ok(proof) = TlogProof::parse(file) else { return "file".into() };
            let opening = Opening::from_cbor(proof.extra.as_deref().unwrap_or_default()).unwrap();
            let key = log_key(node).unwrap();
            match proof.verify(&leaf_hash(&opening.entry()), &key) {
                Err(ProofFileError::Proof(_)) => "inclusion".into(),
                Err(_) => "checkpoint".into(),
                Ok(_) => panic!("the steps hold, the whole does not"),
            }
        }
    }
}

pub(super) fn receipts() -> Vec<Json> {
    let net = &WORLD.net;
    let log = &LOG.log;
    let honest = String::from_utf8(log.receipt(0)).unwrap();
    let dispatch = receipt_of(&LOG.told[0]);
    let proof = TlogProof::parse(honest.as_bytes()).unwrap();
    let changed = |change: &dyn Fn(&mut TlogProof)| {
        let mut proof = proof.clone();
        change(&mut proof);
        String::from_utf8(proof.to_bytes()).unwrap()
    };
    let opening = proof.extra.clone().unwrap();
    let extra = |extra: Vec<u8>| changed(&|p| p.extra = Some(extra.clone()));
    let root = log.edge().root();
    let by = |origin: &str, party: &Party| {
        Checkpoint::new(origin, 7, root).sign(party.log.signing_key()).unwrap().to_bytes()
    };
    // A checkpoint text of another origin with a signature under the right name and key.
    let renamed = {
        let mut note = Note::new(Checkpoint::new("log.example/other", 7, root).to_text()).unwrap();
        note.sign_ed25519(&net.customs.origin(), net.customs.log.signing_key()).unwrap();
        note.to_bytes()
    };
    let own = net.customs.origin();
    let sent_proof = String::from_utf8(log.receipt(4)).unwrap();
    // A log whose entry says less than its kind: the body of a sending under the kind of a receipt.
    let odd = {
        let mut told = LOG.told[0].clone();
        told.body = LOG.told[4].body.clone();
        String::from_utf8(Log::of(&net.customs, &[told]).receipt(0)).unwrap()
    };
    // A receipt's body under the kind `sent`.
    let other_kind = {
        let mut told = LOG.told[0].clone();
        let mut skeleton = told.skeleton.clone();
        skeleton.kind = EntryKind::Sent;
        told.skeleton = skeleton;
        String::from_utf8(Log::of(&net.customs, &[told]).receipt(0)).unwrap()
    };
    let urgent = Channel { lane: Lane::Urgent, ..net.channel() };
    let channel = net.channel();
    let cases: Vec<(&str, Digest, Channel, u64, String)> = vec![
        ("not a proof file", dispatch, channel.clone(), 1, honest.replace("@v1", "@v2")),
        ("an index with a leading zero", dispatch, channel.clone(), 1, honest.replace("index 0", "index 00")),
        ("base64 with a bit too many", dispatch, channel.clone(), 1, honest.replacen("=\n", "+\n", 1)),
        ("no opening", dispatch, channel.clone(), 1, changed(&|p| p.extra = None)),
        ("an opening with a byte more", dispatch, channel.clone(), 1, extra([&opening[..], &[0]].concat())),
        ("a salt changed", dispatch, channel.clone(), 1, extra(flip(&opening, 2))),
        ("the verdict changed", dispatch, channel.clone(), 1, extra(flip(&opening, opening.len() - 36))),
        ("another index", dispatch, channel.clone(), 1, changed(&|p| p.index = 1)),
        ("an index beyond the tree", dispatch, channel.clone(), 1, changed(&|p| p.index = 7)),
        (
            "a proof cut off",
            dispatch,
            channel.clone(),
            1,
            changed(&|p| {
                p.hashes.pop();
            }),
        ),
        ("a proof too long", dispatch, channel.clone(), 1, changed(&|p| p.hashes.push([0; 32]))),
        ("a hash changed", dispatch, channel.clone(), 1, changed(&|p| p.hashes[1][0] ^= 1)),
        (
            "a checkpoint of another root",
            dispatch,
            channel.clone(),
            1,
            changed(&|p| p.checkpoint = log.checkpoint(7, [1; 32])),
        ),
        (
            "a checkpoint of another size",
            dispatch,
            channel.clone(),
            1,
            changed(&|p| p.checkpoint = log.checkpoint(9, root)),
        ),
        (
            "a checkpoint of another log",
            dispatch,
            channel.clone(),
            1,
            changed(&|p| p.checkpoint = by(&net.post.origin(), &net.post)),
        ),
        (
            "a checkpoint signed with another key",
            dispatch,
            channel.clone(),
            1,
            changed(&|p| p.checkpoint = by(&own, &net.post)),
        ),
        ("a checkpoint of another origin", dispatch, channel.clone(), 1, changed(&|p| p.checkpoint = renamed.clone())),
        ("a checkpoint whose size was changed", dispatch, channel.clone(), 1, honest.replace("\n7\n", "\n8\n")),
        (
            "a checkpoint without its signature",
            dispatch,
            channel.clone(),
            1,
            honest[..honest.rfind('\u{2014}').unwrap()].to_owned(),
        ),
        ("the entry of a sending", dispatch, channel.clone(), 1, sent_proof),
        ("a body of another kind", dispatch, channel.clone(), 1, odd),
        ("another kind of entry", dispatch, channel.clone(), 1, other_kind),
        ("for another dispatch", Digest([9; 32]), channel.clone(), 1, honest.clone()),
        ("for another channel", dispatch, urgent, 1, honest.clone()),
        ("for another number", dispatch, channel, 2, honest),
    ];
    let mut made = Cases::new("bad_receipt");
    let about = |dispatch: Digest, channel: Channel, number: u64| {
        move |case: Json| {
            case.with("recipient", channel.recipient.as_str())
                .with("dispatch", bytes(dispatch.0))
                .with("sender", channel.sender.as_str())
                .with("epoch", channel.epoch)
                .with("lane", channel.lane.to_string())
                .with("number", number)
        }
    };
    assert_eq!(judge_receipt(&dispatch, &net.channel(), 1, &log.receipt(0)), "taken");
    made.honest("receipt: of number 1", &log.receipt(0), about(dispatch, net.channel(), 1));
    for (name, dispatch, channel, number, file) in cases {
        let refused = judge_receipt(&dispatch, &channel, number, file.as_bytes());
        assert_ne!(refused, "taken", "{name}");
        made.damaged(&format!("receipt: {name}"), file.as_bytes(), refused, about(dispatch, channel, number));
    }
    made.cases
}
