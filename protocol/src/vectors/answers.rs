//! `answers.json`: requests with their framing, every answer, receipt bodies and skeletons.

use super::dispatches::outcome;
use super::json::{Json, bytes, file, object};
use super::log::LOG;
use super::world::WORLD;
use crate::cbor::{Decode, Encode, Writer};
use crate::exchange::{
    Answer, CheckpointsBody, DepositPart, Dispatch, DocumentBody, EntryKind, ErrorCode, Holdings, Lack, Lane,
    NewestCheckpoint, Outcome, ReceiptBody, RefusalCode, Rejection, Request, SentBody, ShownIn, Skeleton, Withdrawal,
};
use crate::hash::Digest;
use crate::limits::{ATTACHMENT_RANGE_BYTES, DEPOSIT_RANGE_BYTES};
use crate::record::Fault;
use crate::time::Day;
use crate::tlog::AddCheckpoint;

fn request(name: &str, what: &str, request: &Request) -> Json {
    let encoded = request.to_cbor();
    assert_eq!(Request::from_cbor(&encoded).as_ref(), Ok(request));
    let case = object! { "name" => format!("request: {name}"), "kind" => "request", "request" => what };
    let case = match request {
        Request::Dispatch(d) => {
            case.with("header", bytes(&d.header)).with("signature", bytes(d.signature)).with("sealed", bytes(&d.sealed))
        }
        Request::Withdrawal(w) => case.with("header", bytes(&w.header)).with("signature", bytes(w.signature)),
        Request::AddCheckpoint(body) => case.with("body", bytes(body)),
        Request::Checkpoint { have } => {
            case.with("have", have.iter().map(|size| Json::from(*size)).collect::<Vec<_>>())
        }
        Request::Holdings => case,
        Request::Proof { index } => case.with("index", *index),
        Request::Deletion { proof, numbers } => {
            case.with("file", bytes(proof)).with("numbers", numbers.iter().map(|n| Json::from(*n)).collect::<Vec<_>>())
        }
        Request::DocumentsKnown { summary } => case.with("summary", bytes(summary.0)),
        Request::DocumentsWanted(digests) => case.with("digests", digests_of(digests)),
        Request::TakeDocuments(documents) => case.with("documents", super::json::all_bytes(documents)),
        Request::Attachment { digest, shown_in, offset } => case
            .with("digest", bytes(digest.0))
            .with("epoch", shown_in.epoch)
            .with("lane", shown_in.lane.to_string())
            .with("number", shown_in.number)
            .with("offset", *offset),
        Request::Window(question) => case.with("question", bytes(question)),
        Request::Statement(proposal) => case.with("proposal", bytes(proposal)),
        Request::Deposit(d) => {
            case.with("header", bytes(&d.header)).with("signature", bytes(d.signature)).with("sealed", bytes(&d.sealed))
        }
        Request::Deposits { done, from, offset } => {
            case.with("done", *done).with("from", *from).with("offset", *offset)
        }
        Request::AuditRead { from, count } => case.with("from", *from).with("count", *count),
    };
    let framed = [&(encoded.len() as u32).to_be_bytes()[..], &encoded].concat();
    case.with("bytes", bytes(&encoded)).with("framed", bytes(framed))
}

fn requests() -> Vec<Json> {
    let net = &WORLD.net;
    let header = WORLD.withdrawal();
    let dispatch = Dispatch { header: vec![1, 2, 3], signature: [4; 64], sealed: vec![5; 30] };
    let kept = Dispatch { sealed: vec![6; 31], ..dispatch.clone() };
    vec![
        request("a dispatch (its parts are any bytes here)", "dispatch", &Request::Dispatch(dispatch)),
        request("a withdrawal", "withdrawal", &Request::Withdrawal(Withdrawal::sign(&header, &net.post.sign))),
        request("a page of the log", "audit_read", &Request::AuditRead { from: 512, count: 512 }),
        request("a checkpoint to be cosigned", "add_checkpoint", &Request::AddCheckpoint(offered())),
        request("the newest checkpoint", "checkpoint", &Request::Checkpoint { have: vec![3, 300] }),
        request("what is held of logs", "holdings", &Request::Holdings),
        request("an entry under a witnessed checkpoint", "proof", &Request::Proof { index: 70_000 }),
        request(
            "the word that something is erased",
            "deletion",
            &Request::Deletion { proof: vec![7; 9], numbers: vec![3, 1] },
        ),
        request("documents known", "documents_known", &Request::DocumentsKnown { summary: Digest([0xd5; 32]) }),
        request(
            "documents wanted",
            "documents_wanted",
            &Request::DocumentsWanted(vec![Digest([0xd6; 32]), Digest([0xd7; 32])]),
        ),
        request(
            "documents to be taken (any bytes here)",
            "take_documents",
            &Request::TakeDocuments(vec![vec![1, 2], Vec::new()]),
        ),
        request(
            "a range of an attached file",
            "attachment",
            &Request::Attachment {
                digest: Digest([0xd8; 32]),
                shown_in: ShownIn { epoch: 1, lane: Lane::Urgent, number: 300 },
                offset: 255 * ATTACHMENT_RANGE_BYTES,
            },
        ),
        request("what stands in a window (any bytes here)", "window", &Request::Window(vec![8; 5])),
        request("a statement to be signed (any bytes here)", "statement", &Request::Statement(vec![9; 6])),
        request("a dispatch to be kept (its parts are any bytes here)", "deposit", &Request::Deposit(kept)),
        request(
            "what was deposited",
            "deposits",
            &Request::Deposits { done: 7, from: 300, offset: DEPOSIT_RANGE_BYTES as u64 },
        ),
        request("no entries of the log", "audit_read", &Request::AuditRead { from: u64::MAX, count: 0 }),
    ]
}

fn digests_of(digests: &[Digest]) -> Vec<Json> {
    digests.iter().map(|digest| bytes(digest.0)).collect()
}

/// A checkpoint as it is offered to a witness that has seen none.
fn offered() -> Vec<u8> {
    AddCheckpoint { old: 0, proof: Vec::new(), note_bytes: LOG.log.page(0, 1).checkpoint }.to_bytes()
}

fn answer(name: String, what: &str, fields: Json, answer: &Answer) -> Json {
    let encoded = answer.to_cbor();
    assert_eq!(Answer::from_cbor(&encoded).as_ref(), Ok(answer));
    object! {
        "name" => format!("answer: {name}"), "kind" => "answer", "answer" => what, "fields" => fields,
        "bytes" => bytes(encoded),
    }
}

/// Every number of a list of words, with the word.
fn each<T: Decode + ToString>() -> Vec<(u64, T)> {
    let read = |number: u64| {
        let mut writer = Writer::new();
        writer.uint(number);
        T::from_cbor(writer.as_bytes()).ok().map(|word| (number, word))
    };
    (1..100).filter_map(read).collect()
}

fn answers() -> Vec<Json> {
    let mut cases = Vec::new();
    for (code, error) in each::<ErrorCode>() {
        let fields = object! { "code" => code, "word" => error.to_string(), "detail" => "why" };
        cases.push(answer(format!("error {error}"), "error", fields, &Answer::error(error, "why")));
    }
    for (code, lack) in each::<Lack>() {
        let fields = object! { "code" => code, "word" => lack.to_string(), "detail" => "which" };
        cases.push(answer(format!("later {lack}"), "later", fields, &Answer::later(lack, "which")));
    }
    let proof = LOG.log.receipt(0);
    let fields = object! { "file" => String::from_utf8(proof.clone()).unwrap() };
    cases.push(answer("a receipt".into(), "receipt", fields, &Answer::Receipt(proof)));
    let after = Answer::Resend { after: 17 };
    cases.push(answer("send again".into(), "resend", object! { "after" => 17u64 }, &after));
    let size = Answer::Witness { status: 409, body: b"17\n".to_vec() };
    let fields = object! { "status" => 409u64, "body" => bytes(b"17\n") };
    cases.push(answer("a witness that holds another size".into(), "witness", fields, &size));
    let note = LOG.log.page(0, 1).checkpoint;
    let proofs = vec![vec![[0xa1; 32], [0xa2; 32]], Vec::new()];
    let fields = object! {
        "note" => bytes(&note),
        "proofs" => proofs.iter().map(|proof| bytes(proof.concat())).collect::<Vec<_>>(),
    };
    let newest = NewestCheckpoint { note_bytes: note.clone(), proofs };
    cases.push(answer("the newest checkpoint".into(), "checkpoint", fields, &Answer::Checkpoint(newest)));
    let fields = object! { "notes" => vec![bytes(&note)], "card_version" => 3u64, "card" => bytes([0xca; 32]),
        "forks" => vec![bytes(b"any bytes here")],
    };
    let forks = vec![b"any bytes here".to_vec()];
    let held = Holdings { notes: vec![note.clone()], card: Some((3, Digest([0xca; 32]))), forks };
    cases.push(answer("what is held of logs".into(), "holdings", fields, &Answer::Holdings(held)));
    let fields = object! { "notes" => Vec::<Json>::new(), "forks" => Vec::<Json>::new() };
    cases.push(answer("nothing is held of logs".into(), "holdings", fields, &Answer::Holdings(Holdings::default())));
    cases.push(answer("the word is taken".into(), "deletion_noted", Json::Object(Vec::new()), &Answer::DeletionNoted));
    let fields = object! { "file" => bytes(b"any bytes here") };
    cases.push(answer("a proof".into(), "proof", fields, &Answer::Proof(b"any bytes here".to_vec())));
    let digests = vec![Digest([0xd6; 32]), Digest([0xd7; 32])];
    let fields = object! { "digests" => digests_of(&digests) };
    cases.push(answer("documents known".into(), "documents_known", fields, &Answer::DocumentsKnown(digests.clone())));
    let fields = object! { "digests" => Vec::<Json>::new() };
    cases.push(answer("the same documents".into(), "documents_known", fields, &Answer::DocumentsKnown(Vec::new())));
    let documents = vec![vec![1u8, 2], Vec::new()];
    let fields = object! { "documents" => super::json::all_bytes(&documents) };
    cases.push(answer("documents (any bytes here)".into(), "documents", fields, &Answer::Documents(documents)));
    let fields = object! { "digests" => digests_of(&digests) };
    cases.push(answer("documents taken".into(), "documents_taken", fields, &Answer::DocumentsTaken(digests)));
    let fields = object! { "sealed" => bytes(b"any bytes here") };
    let sealed = Answer::Attachment(b"any bytes here".to_vec());
    cases.push(answer("a range of an attached file".into(), "attachment", fields, &sealed));
    let fields = object! { "reply" => bytes(b"any bytes here") };
    let window = Answer::Window(b"any bytes here".to_vec());
    cases.push(answer("what stands in a window".into(), "window", fields, &window));
    let fields = object! { "signature" => bytes([0x5b; 64]) };
    cases.push(answer("a statement that is signed".into(), "statement", fields, &Answer::Statement([0x5b; 64])));
    let none = Answer::Deposit(None);
    cases.push(answer("nothing was deposited".into(), "deposit", object! { "part" => Json::Null }, &none));
    let part =
        DepositPart { entry: 300, header: vec![1, 2, 3], signature: [4; 64], length: 2_097_160, sealed: vec![6; 8] };
    let told = object! {
        "entry" => part.entry, "header" => bytes(&part.header), "signature" => bytes(part.signature),
        "length" => part.length, "sealed" => bytes(&part.sealed),
    };
    let name = "a range of what was deposited (its parts are any bytes here)".to_owned();
    cases.push(answer(name, "deposit", object! { "part" => told }, &Answer::Deposit(Some(part))));
    let page = LOG.log.page(2, 1);
    let fields = object! {
        "entries" => page.entries.len(), "checkpoint" => bytes(&page.checkpoint),
        "checkpoints" => super::json::all_bytes(&page.checkpoints),
    };
    cases.push(answer("a page".into(), "page", fields, &Answer::Page(page)));
    cases
}

fn bodies() -> Vec<Json> {
    let rejected = |record, fault, pointer: &str| Rejection { record, fault, pointer: pointer.into() };
    let mut outcomes = vec![
        ("accepted", Outcome::Taken(Vec::new())),
        (
            "two records rejected",
            Outcome::Taken(vec![
                rejected(0, Fault::Missing, "/route"),
                rejected(9999, Fault::Value, "/goods/1/value/amount"),
            ]),
        ),
        ("withdrawn", Outcome::Withdrawn),
    ];
    outcomes.extend(each::<RefusalCode>().into_iter().map(|(_, code)| ("refused", Outcome::Refused(code))));
    let cases = outcomes.into_iter().map(|(name, verdict)| {
        let text = outcome(&verdict);
        let body = ReceiptBody { dispatch: Digest([0xd1; 32]), outcome: verdict, contiguous: 7, channel_root: [0xc7; 32] };
        object! {
            "name" => format!("receipt body: {name} ({text})"), "kind" => "receipt_body", "dispatch" => bytes([0xd1; 32]),
            "outcome" => text, "contiguous" => 7u64, "channel_root" => bytes([0xc7; 32]), "bytes" => bytes(body.to_cbor()),
        }
    });
    let mut cases: Vec<_> = cases.collect();
    let body = SentBody { dispatch: Digest([0xd1; 32]) }.to_cbor();
    let note = LOG.log.page(0, 1).checkpoint;
    cases.push(object! {
        "name" => "body of an entry about checkpoints", "kind" => "checkpoints_body", "notes" => vec![bytes(&note)],
        "bytes" => bytes(CheckpointsBody::new([note]).to_cbor()),
    });
    cases.push(object! {
        "name" => "body of an entry about a document", "kind" => "document_body", "document" => bytes([0xd0; 32]),
        "bytes" => bytes(DocumentBody { document: Digest([0xd0; 32]) }.to_cbor()),
    });
    cases.push(object! {
        "name" => "body of the other entries", "kind" => "other_body", "dispatch" => bytes([0xd1; 32]), "bytes" => bytes(body),
    });
    cases
}

fn skeletons() -> Vec<Json> {
    let cases = each::<EntryKind>().into_iter().map(|(_, kind)| {
        let channel = WORLD.net.channel();
        let skeleton = Skeleton { kind, agreement: Digest([0xa6; 32]), channel, number: 300, due: Day(-1) };
        object! {
            "name" => format!("skeleton: {kind}"), "kind" => "skeleton", "entry_kind" => kind.to_string(),
            "agreement" => bytes([0xa6; 32]), "sender" => "post-de/n1", "recipient" => "customs-kr/n1", "epoch" => 1u64,
            "lane" => "ordinary", "number" => 300u64, "due" => "1969-12-31", "bytes" => bytes(skeleton.to_cbor()),
        }
    });
    cases.collect()
}

#[test]
fn answers_and_bodies() {
    let cases = [requests(), answers(), bodies(), skeletons()].concat();
    let about = "SPEC.md sections 12 and 13: requests with their framing, every answer, and what log entries hold.";
    super::hold("answers.json", &file(about, cases));
}
