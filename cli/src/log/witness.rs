//! `luxor log witness`: offers a checkpoint to a witness, and adds its cosignature to the file
//! (<https://c2sp.org/tlog-witness>).
//!
//! Not here: whether the cosignatures suffice (see `verify --policy`), and how the witness decides.

use luxor_protocol::tlog::{AddCheckpoint, Answer, MAX_NOTE_BYTES, Note, VerifierKey, add_cosignatures, read_answer};

use super::args::WitnessArgs;
use super::compare::proof_from;
use super::open::{Opened, read_witness_key};
use super::report::Report;
use super::source::LogSource;
use crate::client::Web;
use crate::exit::{Exit, FindingError, RefusedError};
use crate::{files, ui};

/// Where a witness takes checkpoints, below its address.
const ADD_CHECKPOINT: &str = "add-checkpoint";
/// Characters of an answer in words that are repeated.
const MAX_WORDS: usize = 200;

pub(super) fn run(args: &WitnessArgs) -> anyhow::Result<Exit> {
    let mut report = Report::default();
    let outcome = witness(args, &mut report);
    report.conclude(args.key.json, outcome)
}

pub(super) fn witness(args: &WitnessArgs, report: &mut Report) -> anyhow::Result<()> {
    let keys: Vec<VerifierKey> = args.witness_key.iter().map(|key| read_witness_key(key)).collect::<Result<_, _>>()?;
    let source = LogSource::named(&args.log)?;
    let opened = Opened::of(&source, Some(&args.checkpoint), args.key.vkey.as_deref(), None)?;
    let web = Web::new(&args.to)?;
    opened.tell(report);
    let size = opened.checkpoint.size;
    if args.old > size {
        return Err(RefusedError(format!(
            "--old {} is above the checkpoint's size {size}\nhint: leave it out",
            args.old
        ))
        .into());
    }
    let (mut old, mut answer) = (args.old, ask(&web, &opened, &source, args.old)?);
    if let Answer::AskAgain { size: held } = answer.0 {
        (old, answer) = (held, ask(&web, &opened, &source, held)?);
    }
    let (answer, body) = answer;
    match answer {
        Answer::Cosigned => {
            // As it is now: asking may have taken minutes, and an export or another witness come between.
            let now = files::read(&args.checkpoint, MAX_NOTE_BYTES)?;
            let note = Note::parse(&now).ok().filter(|note| note.text == opened.note.text);
            let mut note = note.ok_or_else(|| {
                let file = args.checkpoint.display();
                RefusedError(format!(
                    "{file}: has another checkpoint now than the witness was asked for\nhint: run it again"
                ))
            })?;
            let added = add_cosignatures(&mut note, &body, &keys)
                .map_err(|error| FindingError(format!("{error}; hint: is --witness-key that of {}?", web.url())))?;
            if added > 0 {
                files::write(&args.checkpoint, &note.to_bytes())?;
            }
            report.fact("witness", web.url());
            report.fact("old_size", old);
            report.told(
                "cosignatures_added",
                added,
                match added {
                    0 => "none, the file has them already".to_owned(),
                    added => added.to_string(),
                },
            );
            Ok(())
        }
        other => Err(FindingError(not_cosigned(other, &web, &body, old, size)).into()),
    }
}

/// One question, from a size the witness is thought to hold.
fn ask(web: &Web, opened: &Opened, source: &LogSource, old: u64) -> anyhow::Result<(Answer, Vec<u8>)> {
    let proof = proof_from(old, opened, source)?;
    let request = AddCheckpoint { old, proof, note_bytes: opened.bytes.clone() };
    let (status, body) = web.post(ADD_CHECKPOINT, &request.to_bytes(), MAX_NOTE_BYTES)?;
    let answer = read_answer(status, &body, old, opened.checkpoint.size)
        .map_err(|error| FindingError(format!("{}: {error}; hint: is it a C2SP witness?", web.url())))?;
    Ok((answer, body))
}

fn not_cosigned(answer: Answer, web: &Web, body: &[u8], old: u64, size: u64) -> String {
    let url = web.url();
    let words = String::from_utf8_lossy(body).trim().chars().take(MAX_WORDS).collect::<String>();
    match answer {
        Answer::WitnessAhead { size: held } => format!(
            "{url} has cosigned {} entries already, this checkpoint has {}; hint: offer the newest checkpoint; if there is no \
             larger one, the log was set back",
            ui::count(held),
            ui::count(size)
        ),
        Answer::AskAgain { size: held } => format!(
            "{url} now names {} entries as what it cosigned, and named {} before; hint: others offer it checkpoints too, try \
             again",
            ui::count(held),
            ui::count(old)
        ),
        Answer::ForkSuspected => format!(
            "{url} does not accept that this checkpoint extends the one of {} entries it cosigned: {words}; hint: fork \
             suspected: get the checkpoint that it holds, and compare with `luxor log consistency`",
            ui::count(old)
        ),
        Answer::NotTaken { status } => {
            let hint = match status {
                403 => "it has another key of this log",
                404 => "it does not follow this log, or --to is not its address",
                429 | 500.. => "try again later",
                _ => "is --to the address of a C2SP witness?",
            };
            format!("{url} does not take the checkpoint, HTTP status {status}: {words}; hint: {hint}")
        }
        // Not asked for here.
        Answer::Cosigned => format!("{url} cosigned"),
    }
}
