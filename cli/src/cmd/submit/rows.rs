//! The input of a submission: which format it has, its name, its rows.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc::SyncSender;

use luxor_protocol::cbor::Encode as _;
use luxor_protocol::formats::{FormatError, Row};
use luxor_protocol::hash::{Domain, Hasher, hex};

use crate::args::SubmitArgs;
use crate::chunks::{Chunk, Chunker, Place};
use crate::exit::RefusedError;
use crate::files::FileError;
use crate::input::{Format, Rows};
use crate::refusals::Refusal;

/// Part of every submission's name; another way to cut chunks gets another.
const CUT: &[u8] = b"chunks 1";
/// Part of the name of a submission of XML, where that of CSV has its mapping.
const WCO: &str = "format wco";
const BUFFER: usize = 256 * 1024;

/// What the reader hands on.
pub(super) enum Item {
    /// A row, or rows, that make no record.
    Refused(Refusal),
    /// A full chunk, or the last.
    Chunk(Chunk),
}

/// Where rows come from.
pub(super) struct Input {
    path: Option<PathBuf>,
    format: Format,
}

impl Input {
    /// Looks at the arguments; reads the mapping, nothing of the input.
    pub(super) fn open(args: &SubmitArgs) -> anyhow::Result<Self> {
        let path = (args.file != Path::new("-")).then(|| args.file.clone());
        let format = Format::of(&args.file, args.format.as_deref(), args.mapping.as_deref())?;
        Ok(Self { path, format })
    }

    /// For messages.
    pub(super) fn name(&self) -> String {
        self.path.as_ref().map_or("stdin".into(), |path| path.display().to_string())
    }

    /// The name that the content gives to its submission; a random one for stdin, which can be read but once.
    pub(super) fn submission_id(&self) -> anyhow::Result<String> {
        let mut id = [0; 16];
        let Some(path) = &self.path else {
            getrandom::fill(&mut id)?;
            return Ok(hex(&id));
        };
        let mut hasher = Hasher::new(Domain::Chunk);
        hasher.part(CUT);
        let of_format = match &self.format {
            Format::Wco => WCO,
            format => format.mapping().map_or("", |mapping| &mapping.text),
        };
        hasher.part(of_format.as_bytes());
        let mut file = File::open(path).map_err(FileError::at(path))?;
        let mut buffer = vec![0; BUFFER];
        loop {
            // Whole buffers but for the last, so the same bytes always make the same parts.
            let read = fill(&mut file, &mut buffer).map_err(FileError::at(path))?;
            hasher.part(&buffer[..read]);
            if read < buffer.len() {
                break;
            }
        }
        id.copy_from_slice(&hasher.finish().0[..16]);
        Ok(hex(&id))
    }

    fn reader(&self) -> Result<Box<dyn BufRead>, FileError> {
        Ok(match &self.path {
            Some(path) => Box::new(BufReader::with_capacity(BUFFER, File::open(path).map_err(FileError::at(path))?)),
            None => Box::new(BufReader::with_capacity(BUFFER, std::io::stdin())),
        })
    }
}

/// Reads every row and hands on refused ones and chunks, in order, until the other end has enough.
pub(super) fn read(input: &Input, sender: &SyncSender<Item>) -> anyhow::Result<()> {
    let rows = input.format.rows(input.reader()?).map_err(|e| refused(input, e))?;
    hand_on(input, rows, sender)
}

fn hand_on(input: &Input, rows: Rows<'_>, sender: &SyncSender<Item>) -> anyhow::Result<()> {
    let mut chunker = Chunker::default();
    let file = input.name();
    for row in rows {
        let item = match row.map_err(|error| refused(input, error))? {
            Row::Record { content, source } => {
                let place = Place { line: source.line, rows: source.rows };
                chunker.push(&content.to_cbor(), place).map(Item::Chunk)
            }
            Row::Refused(refusal) => Some(Item::Refused(Refusal::by_reading(&file, refusal))),
        };
        if item.is_some_and(|item| sender.send(item).is_err()) {
            return Ok(());
        }
    }
    if let Some(chunk) = chunker.take() {
        let _ = sender.send(Item::Chunk(chunk)); // the other end says why it stopped
    }
    Ok(())
}

fn refused(input: &Input, error: FormatError) -> anyhow::Error {
    match error {
        FormatError::Io { error, .. } => FileError::at(Path::new(&input.name()))(error).into(),
        other => RefusedError(format!("{}: {other}", input.name())).into(),
    }
}

fn fill(file: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
