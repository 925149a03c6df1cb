//! `luxor log check-proof`: whether a receipt proves that an entry is in a log, offline.

use luxor_protocol::cbor::Decode as _;
use luxor_protocol::exchange::{EntryKind, Opening, ReceiptBody};
use luxor_protocol::hash::{hex, unhex};
use luxor_protocol::tlog::{Hash, MAX_ENTRY_BYTES, MAX_TLOG_PROOF_BYTES, Note, TlogProof, leaf_hash};

use super::args::{CheckProofArgs, LeafArgs};
use super::open::{read_policy, read_vkey, tell_witnesses};
use super::report::{Report, base64};
use crate::exit::{Exit, FindingError, RefusedError, UsageError};
use crate::files;

pub(super) fn run(args: &CheckProofArgs) -> anyhow::Result<Exit> {
    let mut report = Report::default();
    let outcome = check(args, &mut report);
    report.conclude(args.json, outcome)
}

pub(super) fn check(args: &CheckProofArgs, report: &mut Report) -> anyhow::Result<()> {
    let policy = args.policy.as_deref().map(read_policy).transpose()?;
    let key = read_vkey(&args.vkey)?;
    let place = args.file.display();
    let proof = TlogProof::parse(&files::read(&args.file, MAX_TLOG_PROOF_BYTES)?).map_err(|error| {
        RefusedError(format!("{place}: {error}\nhint: the form is that of https://c2sp.org/tlog-proof"))
    })?;
    let leaf = match args.leaf.receipt {
        true => opened(&proof, report).map_err(|why| RefusedError(format!("{place}: {why}")))?,
        false => leaf(&args.leaf)?,
    };
    report.fact("index", proof.index);
    report.fact("leaf_hash", hex(&leaf));
    let checkpoint = proof.verify(&leaf, &key).map_err(|error| {
        FindingError(format!("{place}: {error}; hint: another entry, another log, or a damaged proof"))
    })?;
    report.fact("origin", checkpoint.origin);
    report.fact("size", checkpoint.size);
    report.fact("root", base64(&checkpoint.root));
    let note = Note::parse(&proof.checkpoint).map_err(|error| FindingError(format!("{place}: {error}")))?;
    tell_witnesses(report, &note, policy.as_ref());
    if report.ok() {
        report.told("verdict", "the entry is in the log", "the entry is in the log");
    }
    Ok(())
}

/// The leaf hash of the entry that a receipt opens; tells what it opens to.
fn opened(proof: &TlogProof, report: &mut Report) -> Result<Hash, String> {
    let extra = proof.extra.as_deref().ok_or("it has no extra line, so it is no receipt")?;
    let opening = Opening::from_cbor(extra).map_err(|e| format!("its extra line is no opening: {e}"))?;
    let skeleton = opening.read_skeleton().map_err(|e| e.to_string())?;
    report.fact("entry", skeleton.kind.to_string());
    report.fact("channel", skeleton.channel.to_string());
    report.fact("number", skeleton.number);
    if skeleton.kind == EntryKind::Received {
        let body = ReceiptBody::from_cbor(&opening.body).map_err(|e| format!("its body: {e}"))?;
        report.fact("dispatch", body.dispatch.hex());
        report.fact("outcome", body.outcome.to_string());
    }
    Ok(leaf_hash(&opening.entry()))
}

/// The leaf hash of what is said to be in the log.
fn leaf(args: &LeafArgs) -> anyhow::Result<Hash> {
    let hexadecimal = |text: &str, what| {
        unhex(text).ok_or_else(|| UsageError(format!("{what} is not hexadecimal\nhint: lower-case digits in pairs")))
    };
    if let Some(file) = &args.leaf {
        return Ok(leaf_hash(&files::read(file, MAX_ENTRY_BYTES)?));
    }
    if let Some(text) = &args.leaf_hex {
        return Ok(leaf_hash(&hexadecimal(text, "--leaf-hex")?));
    }
    let bytes = hexadecimal(args.leaf_hash.as_deref().unwrap_or_default(), "--leaf-hash")?;
    let wrong = |bytes: Vec<u8>| UsageError(format!("--leaf-hash has {} bytes\nhint: a leaf hash has 32", bytes.len()));
    Ok(bytes.try_into().map_err(wrong)?)
}
