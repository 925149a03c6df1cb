//! `luxor log prove`: the receipt that an entry is in a log (<https://c2sp.org/tlog-proof>).

use luxor_protocol::hash::hex;
use luxor_protocol::tlog::{
    Hash, NodeReader as _, ProveError, TILE_WIDTH, TilePath, TileWidth, TiledLog, TlogProof, decode_bundle,
    inclusion_proof, leaf_hash,
};

use super::args::ProveArgs;
use super::compare::not_its_tree;
use super::open::Opened;
use super::report::Report;
use super::source::{LogSource, read_failed};
use crate::exit::{Exit, FindingError, RefusedError};
use crate::{files, ui};

pub(super) fn run(args: &ProveArgs) -> anyhow::Result<Exit> {
    let mut report = Report::default();
    let outcome = prove(args, &mut report);
    // The proof itself is the data on stdout; what else there is to say then is for people.
    if let (Ok(proof), None, false) = (&outcome, &args.output, args.key.json) {
        ui::raw(&proof.to_bytes())?;
        return Ok(Exit::Ok);
    }
    report.conclude(args.key.json, outcome.map(|_| ()))
}

pub(super) fn prove(args: &ProveArgs, report: &mut Report) -> anyhow::Result<TlogProof> {
    let source = LogSource::named(&args.log)?;
    let opened = Opened::of(&source, args.checkpoint.as_deref(), args.key.vkey.as_deref(), None)?;
    let (index, size) = (args.index, opened.checkpoint.size);
    if index >= size {
        let last = size.checked_sub(1).map_or("there are none".to_owned(), |last| format!("the last is {last}"));
        return Err(RefusedError(format!("the log has no entry {index}\nhint: entries count from 0; {last}")).into());
    }
    let tree = TiledLog::new(&source, size);
    let hashes = inclusion_proof(&tree, index, size).map_err(read_failed)?;
    let leaf = tree.node(0, index).map_err(|source| read_failed(ProveError::Node { level: 0, index, source }))?;
    let proof = TlogProof { extra: None, index, hashes, checkpoint: opened.bytes.clone() };
    proof.verify(&leaf, &opened.key).map_err(|_| not_its_tree(&source, size))?;
    match entry_hash(&source, index, size)? {
        Some(entry) if entry == leaf => {}
        Some(_) => {
            let what = format!("entry {index} in its bundle is not the one in the tree; hint: the bundle is damaged");
            return Err(FindingError(what).into());
        }
        None => ui::say("the entry itself is not in the log's files; the proof is for its leaf hash"),
    }
    if let Some(output) = &args.output {
        files::write(output, &proof.to_bytes())?;
    }
    opened.tell(report);
    report.fact("index", index);
    report.fact("leaf_hash", hex(&leaf));
    let text = String::from_utf8(proof.to_bytes()).unwrap_or_default();
    report.told("proof", text, args.output.as_ref().map_or_else(String::new, |file| file.display().to_string()));
    Ok(proof)
}

/// The leaf hash of the entry as its bundle has it; `None` if the bundle is not there.
fn entry_hash(source: &LogSource, index: u64, size: u64) -> anyhow::Result<Option<Hash>> {
    let (bundle, place) = (index / TILE_WIDTH as u64, (index % TILE_WIDTH as u64) as usize);
    // The index is below the size, so the bundle is not empty.
    let width = (size - bundle * TILE_WIDTH as u64).min(TILE_WIDTH as u64) as usize;
    let Some(width) = TileWidth::new(width) else { return Ok(None) };
    let Some((path, bytes)) = source.read_or_full(&TilePath::Entries { index: bundle, width })? else {
        return Ok(None);
    };
    let width = if path.full().is_none() { TileWidth::FULL } else { width };
    let entries = decode_bundle(&bytes, width).map_err(|error| FindingError(format!("{path}: {error}")))?;
    Ok(entries.get(place).map(|entry| leaf_hash(entry)))
}
