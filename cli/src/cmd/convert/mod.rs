//! `luxor convert`: records from one format into another, every row accounted for. Needs no node.
//!
//! A row is held until it is written, and no more, beside a bounded number of sales that later files may cancel; canonical
//! CSV, whose header names every column, is written in a second pass over the input. A file is in its place whole or not at
//! all.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use luxor_protocol::formats::{
    Arguments, BackError, Class, Columns, FlatError, FlatWriter, FormatError, MappedWriter, Row, Sales, Source, Tally,
    wco,
};
use luxor_protocol::record::{Content, Fault, content_to_json};
use serde::Serialize;

use crate::args::ConvertArgs;
use crate::exit::{Exit, RefusedError, UsageError};
use crate::files::{self, FileError};
use crate::input::{Format, STDIN, once_stdin};
use crate::refusals::{Refusal, Refusals};
use crate::ui;

const BUFFER: usize = 256 * 1024;

/// What became of the rows, of one file or of all.
#[derive(Debug, Default, Clone, Serialize)]
struct Report {
    /// By reading.
    #[serde(flatten)]
    tally: Tally,
    /// All rows of the input.
    rows: u64,
    /// Records that the output has.
    written: u64,
    /// Records that it cannot hold.
    not_written: u64,
    /// The first rows and records that are not in it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    refusals: Vec<Refusal>,
    /// The same of each file, in their order, where there are several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<OfFile>,
}

/// What became of the rows of one file of several.
#[derive(Debug, Clone, Serialize)]
struct OfFile {
    file: String,
    #[serde(flatten)]
    report: Report,
}

pub(super) fn run(args: &ConvertArgs) -> anyhow::Result<Exit> {
    if args.json && args.output.is_none() {
        return Err(UsageError("--json is for the account, so the records need --output FILE".into()).into());
    }
    let arguments = arguments(args)?;
    let from: Vec<(&Path, Format)> = args
        .files
        .iter()
        .map(|file| Ok((file.as_path(), Format::named(&args.from, file, &arguments)?)))
        .collect::<anyhow::Result<_>>()?;
    once_stdin(from.iter().map(|(file, _)| *file))?;
    let to = Format::named(&args.to, args.output.as_deref().unwrap_or(Path::new("")), &Arguments::default())?;
    let columns = match to {
        Format::Csv => Some(columns(&from)?),
        _ => None,
    };
    let refusals = Refusals::new(args.refused.as_deref())?;
    let report = match &args.output {
        None => convert(&from, Output::new(std::io::stdout().lock(), &to, columns)?, refusals)?,
        // A pipe or a device is written to; it is no file that could be replaced.
        Some(path) if path.metadata().is_ok_and(|found| !found.is_file()) => {
            let file = File::options().write(true).open(path).map_err(FileError::at(path))?;
            convert(&from, Output::new(file, &to, columns)?, refusals)?
        }
        Some(path) => {
            let mut file = files::begin(path)?;
            let report = convert(&from, Output::new(file.as_file_mut(), &to, columns)?, refusals)?;
            files::complete(file, path)?;
            report
        }
    };
    print(args, &report)?;
    Ok(if report.tally.rows() > report.tally.goods + report.tally.charge || report.not_written > 0 {
        Exit::Findings
    } else {
        Exit::Ok
    })
}

/// What the command line says in place of the mapping.
fn arguments(args: &ConvertArgs) -> Result<Arguments, UsageError> {
    let pair = |text: &str, form: &str| match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(UsageError(format!("'{text}' is not {form}"))),
    };
    let constants = args.set.iter().map(|text| pair(text, "PATH=VALUE, such as route.departure=GB"));
    let lists = args.list.iter().map(|text| {
        let (name, list) = pair(text, "NAME=A,B, such as destinations=KR,EU")?;
        let list: BTreeSet<_> = list.split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect();
        Ok((name, list))
    });
    Ok(Arguments { constants: constants.collect::<Result<_, _>>()?, lists: lists.collect::<Result<_, _>>()? })
}

/// The columns that canonical CSV of the whole input has.
fn columns(from: &[(&Path, Format)]) -> anyhow::Result<Columns> {
    if from.iter().any(|(file, _)| *file == Path::new(STDIN)) {
        let what = "canonical CSV is written in a second pass, stdin has one\nhint: read a file, or write --to ndjson";
        return Err(UsageError(what.into()).into());
    }
    let mut columns = Columns::default();
    for (file, from) in from {
        for row in from.rows(reader(file)?).map_err(|e| refused(file, e))? {
            if let Row::Record { content, .. } = row.map_err(|e| refused(file, e))? {
                columns.add(&content);
            }
        }
    }
    Ok(columns)
}

fn convert<W: Write>(
    from: &[(&Path, Format)],
    mut output: Output<'_, W>,
    mut refusals: Refusals,
) -> anyhow::Result<Report> {
    let (mut all, mut progress, mut sales) = (Report::default(), ui::Progress::new(), Sales::default());
    for (path, from) in from {
        let (file, mut of_file) = (name(path), Report::default());
        for row in from.rows_after(reader(path)?, &mut sales).map_err(|e| refused(path, e))? {
            let row = row.map_err(|e| refused(path, e))?;
            of_file.tally.add(&row);
            all.tally.add(&row);
            match row {
                Row::Record { content, source } => match output.write(&content)? {
                    None => of_file.written += 1,
                    Some((pointer, reason)) => {
                        of_file.not_written += 1;
                        refusals.add(not_written(&file, source, pointer, reason), &mut progress)?;
                    }
                },
                Row::Refused(refusal) => refusals.add(Refusal::by_reading(&file, refusal), &mut progress)?,
            }
            progress.show(|| format!("{} records", ui::count(all.tally.records)));
        }
        of_file.rows = of_file.tally.rows();
        all.rows += of_file.rows;
        all.written += of_file.written;
        all.not_written += of_file.not_written;
        all.files.push(OfFile { file, report: of_file });
    }
    output.finish()?;
    progress.clear();
    if all.files.len() == 1 {
        all.files.clear();
    }
    all.refusals = refusals.finish()?;
    Ok(all)
}

fn not_written(file: &str, source: Source, pointer: String, reason: String) -> Refusal {
    let (line, rows) = (source.line, source.rows);
    let (class, fault) = (Class::Refused, Fault::Mapping);
    Refusal { file: file.to_owned(), line, rows, class, column: None, fault, pointer, reason, by: "writing" }
}

/// Where records go.
enum Output<'m, W: Write> {
    Ndjson(BufWriter<W>),
    Csv(Box<FlatWriter<W>>),
    Mapped(Box<MappedWriter<'m, W>>),
    /// Documents, and how many records have what they do not hold, by its place.
    Wco(BufWriter<W>, BTreeMap<String, u64>),
}

impl<'m, W: Write> Output<'m, W> {
    fn new(out: W, to: &'m Format, columns: Option<Columns>) -> anyhow::Result<Self> {
        Ok(match to {
            Format::Ndjson => Self::Ndjson(BufWriter::with_capacity(BUFFER, out)),
            Format::Csv => Self::Csv(Box::new(FlatWriter::new(out, columns.unwrap_or_default())?)),
            Format::Mapped(named) => {
                let writer = MappedWriter::new(out, &named.mapping).map_err(|error| match error {
                    BackError::Io(error) => anyhow::Error::from(error),
                    other => RefusedError(other.to_string()).into(),
                })?;
                Self::Mapped(Box::new(writer))
            }
            Format::Wco => Self::Wco(BufWriter::with_capacity(BUFFER, out), BTreeMap::new()),
            Format::Segments(_) => {
                return Err(UsageError("postal segments are read, not written\nhint: --to ndjson".into()).into());
            }
        })
    }

    /// Writes a record, or gives the place and the reason why the format cannot hold it.
    fn write(&mut self, content: &Content) -> anyhow::Result<Option<(String, String)>> {
        match self {
            Self::Ndjson(out) => {
                serde_json::to_writer(&mut *out, &content_to_json(content)).map_err(std::io::Error::from)?;
                out.write_all(b"\n")?;
            }
            Self::Csv(writer) => match writer.write(content) {
                Ok(()) => {}
                Err(FlatError::Io(error)) => return Err(error.into()),
                // The input has changed since its columns were read.
                Err(error @ FlatError::NoColumn { .. }) => return Ok(Some((String::new(), error.to_string()))),
            },
            Self::Mapped(writer) => match writer.write(content) {
                Ok(()) => {}
                Err(BackError::Io(error)) => return Err(error.into()),
                Err(BackError::Record { pointer, what, .. }) => return Ok(Some((pointer, what))),
                Err(error) => return Ok(Some((String::new(), error.to_string()))),
            },
            Self::Wco(out, inexact) => match wco::export(content) {
                Ok(exported) => {
                    out.write_all(&exported.xml)?;
                    let places = exported.inexact.iter().map(|place| kind_of(place));
                    places
                        .collect::<BTreeSet<_>>()
                        .into_iter()
                        .for_each(|place| *inexact.entry(place).or_default() += 1);
                }
                Err(error) => return Ok(Some((String::new(), error.to_string()))),
            },
        }
        Ok(None)
    }

    fn finish(self) -> anyhow::Result<()> {
        match self {
            Self::Ndjson(mut out) => out.flush()?,
            Self::Csv(writer) => writer.finish()?.flush()?,
            Self::Mapped(writer) => writer.finish()?.flush()?,
            Self::Wco(mut out, inexact) => {
                out.flush()?;
                for (place, records) in inexact {
                    let records = ui::count(records);
                    ui::say(&format!(
                        "note: {place} is not in the XML, or not as it is in the record ({records} records)"
                    ));
                }
            }
        }
        Ok(())
    }
}

/// A place without the number of its goods item.
fn kind_of(place: &str) -> String {
    place
        .split('/')
        .filter(|part| !part.bytes().all(|byte| byte.is_ascii_digit()) || part.is_empty())
        .collect::<Vec<_>>()
        .join("/")
}

fn reader(file: &Path) -> Result<Box<dyn BufRead>, FileError> {
    Ok(match file == Path::new(STDIN) {
        true => Box::new(BufReader::with_capacity(BUFFER, std::io::stdin())),
        false => Box::new(BufReader::with_capacity(BUFFER, File::open(file).map_err(FileError::at(file))?)),
    })
}

fn name(file: &Path) -> String {
    if file == Path::new(STDIN) { "stdin".into() } else { file.display().to_string() }
}

fn refused(file: &Path, error: FormatError) -> anyhow::Error {
    match error {
        FormatError::Io { error, .. } => FileError::at(Path::new(&name(file)))(error).into(),
        other => RefusedError(format!("{}: {other}", name(file))).into(),
    }
}

/// The account: to stdout, or to stderr where stdout has the records.
fn print(args: &ConvertArgs, report: &Report) -> anyhow::Result<()> {
    if args.json {
        return Ok(ui::json(report)?);
    }
    let several = report.files.iter().map(|of| (of.file.as_str(), &of.report)).chain([("all files", report)]);
    for (file, report) in several {
        if args.files.len() > 1 {
            match args.output.is_none() {
                true => ui::say(&format!("{file}:")),
                false => ui::line(&format!("{file}:"))?,
            }
        }
        print_one(args, report)?;
    }
    Ok(())
}

fn print_one(args: &ConvertArgs, report: &Report) -> anyhow::Result<()> {
    let Tally { records, links, goods, charge, cancellation, domestic, no_member, refused } = &report.tally;
    let of_links = if *links > 0 { format!(" ({} of them link parts)", ui::count(*links)) } else { String::new() };
    let mut rows = vec![
        ("rows", ui::count(report.rows)),
        ("goods", ui::count(*goods)),
        ("charges", ui::count(*charge)),
        ("cancellations", ui::count(*cancellation)),
        ("domestic", ui::count(*domestic)),
        ("without member", ui::count(*no_member)),
        ("refused", ui::count(*refused)),
        ("records", format!("{}{of_links}", ui::count(*records))),
        ("written", ui::count(report.written)),
    ];
    if report.not_written > 0 {
        rows.push(("not written", ui::count(report.not_written)));
    }
    if args.output.is_none() {
        rows.iter().for_each(|(what, count)| ui::say(&format!("{what}: {count}")));
        return Ok(());
    }
    let mut table = ui::Table::plain();
    rows.iter().for_each(|(what, count)| table.row([*what, count]));
    Ok(table.print()?)
}
