//! `luxor stats`: statistics of facts, published with what would tell of somebody withheld.
//!
//! | file | what |
//! |---|---|
//! | `facts` | records of a node into facts |
//! | `send` | publications to others, and of others |
//! | `table` | facts into a signed publication |
//! | `threshold` | what lies below and above de minimis thresholds |
//! | `shared` | signed publications verified, and several members' added up |
//!
//! What is withheld, why that is safe, and the files' bytes are [`luxor_protocol::statistics`]'s.

mod facts;
mod send;
mod shared;
mod table;
mod threshold;

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use luxor_protocol::statistics::{FactRow, Flow, Month, Publication, read_facts};

use crate::args::{FormArgs, StatsCommand};
use crate::exit::{Exit, RefusedError};
use crate::files::{self, FileError};
use crate::input::STDIN;
use crate::ui;

pub(super) fn run(command: &StatsCommand) -> anyhow::Result<Exit> {
    match command {
        StatsCommand::Facts(args) => facts::run(args),
        StatsCommand::Publish(args) => send::publish(args),
        StatsCommand::Fetch(args) => send::fetch(args),
        StatsCommand::Table(args) => table::run(args),
        StatsCommand::Threshold(args) => threshold::run(args),
        StatsCommand::Combine(args) => shared::combine(args),
        StatsCommand::Verify(args) => shared::verify(args),
    }
}

/// Gives each fact of a flow and some months to `take`; returns how many rows there were, and how many were taken.
fn each_fact(
    path: &Path,
    flow: Flow,
    months: impl Fn(Month) -> bool,
    mut take: impl FnMut(FactRow) -> anyhow::Result<()>,
) -> anyhow::Result<(u64, u64)> {
    let input: Box<dyn Read> = match path {
        path if path == Path::new(STDIN) => Box::new(std::io::stdin().lock()),
        path => Box::new(BufReader::new(File::open(path).map_err(FileError::at(path))?)),
    };
    let (mut seen, mut taken) = (0, 0);
    for row in read_facts(input).map_err(refused)? {
        let row = row.map_err(refused)?;
        seen += 1;
        if row.flow == flow && months(row.place.month) {
            take(row)?;
            taken += 1;
        }
    }
    Ok((seen, taken))
}

/// Writes a publication in the forms that are asked for.
fn write_forms(publication: &Publication, forms: &FormArgs) -> anyhow::Result<()> {
    let write = |path: &Path, text: String| match path == Path::new(STDIN) {
        true => ui::raw(text.as_bytes()).map_err(anyhow::Error::from),
        false => files::write(path, text.as_bytes()).map_err(anyhow::Error::from),
    };
    if let Some(path) = &forms.csv {
        write(path, publication.to_csv())?;
    }
    if let (Some(path), Some(structure)) = (&forms.sdmx, &forms.structure) {
        write(path, publication.to_sdmx_csv(&structure.0))?;
    }
    Ok(())
}

fn refused(error: impl std::fmt::Display) -> RefusedError {
    RefusedError(error.to_string())
}
