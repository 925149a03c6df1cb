//! `luxor log consistency`: whether a log extends a checkpoint that it showed earlier.

use luxor_protocol::tlog::MAX_NOTE_BYTES;

use super::args::ConsistencyArgs;
use super::compare::{Comparison, compare, fork_words};
use super::export::forked;
use super::open::Opened;
use super::report::Report;
use super::source::LogSource;
use crate::exit::{Exit, FindingError};
use crate::{files, ui};

pub(super) fn run(args: &ConsistencyArgs) -> anyhow::Result<Exit> {
    let mut report = Report::default();
    let outcome = consistency(args, &mut report);
    report.conclude(args.key.json, outcome)
}

pub(super) fn consistency(args: &ConsistencyArgs, report: &mut Report) -> anyhow::Result<()> {
    let source = LogSource::named(&args.log)?;
    let new = Opened::of(&source, None, args.key.vkey.as_deref(), None)?;
    let place = args.old_checkpoint.display().to_string();
    let old = Opened::new(files::read(&args.old_checkpoint, MAX_NOTE_BYTES)?, &new.key, &place)?;
    new.tell(report);
    report.fact("old_size", old.checkpoint.size);
    if old.checkpoint.size > new.checkpoint.size {
        let what = format!(
            "the log shows {} entries, {place} has {}: whether they contradict each other cannot be told from this log; \
             hint: it was set back, or an old copy is served; ask again later, or give the files that {place} is of",
            ui::count(new.checkpoint.size),
            ui::count(old.checkpoint.size)
        );
        return Err(FindingError(what).into());
    }
    match compare(&old, &new, &source)? {
        Comparison::Extends => {
            report.told("verdict", "the log extends the checkpoint", "the log extends the checkpoint");
            Ok(())
        }
        Comparison::Fork(evidence) => Err(match &args.evidence {
            Some(file) => forked(&evidence, file)?,
            None => {
                let words = fork_words(&evidence);
                FindingError(format!("the log forked: {words}; hint: write the evidence to a file with --evidence"))
            }
        }
        .into()),
    }
}
