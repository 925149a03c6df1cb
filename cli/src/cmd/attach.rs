//! `luxor attach`, `luxor attachment`

use std::fs::File;
use std::io::{BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use luxor_protocol::api::{AttachmentInfo, AttachmentState};
use luxor_protocol::hash::Digest;
use luxor_protocol::limits::{ATTACHMENT_RANGE_BYTES, MAX_ATTACHMENT_BYTES};
use serde::Serialize;

use crate::args::{AttachArgs, AttachmentCommand};
use crate::client::Client;
use crate::exit::{Exit, RefusedError, UsageError};
use crate::files::FileError;
use crate::ui;

/// Pause between two looks at a file that is fetched.
const LOOK: Duration = Duration::from_millis(100);

/// What a record says of a file in its group `attachments`.
#[derive(Serialize)]
pub(super) struct Snippet {
    digest: String,
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

pub(super) fn attach(args: &AttachArgs) -> anyhow::Result<Exit> {
    let client = Client::open(&args.node.node)?;
    let mut snippets = Vec::with_capacity(args.files.len());
    for path in &args.files {
        let snippet = attach_one(&client, path)?;
        if !args.node.json {
            ui::line(&serde_json::to_string(&snippet)?)?;
        }
        snippets.push(snippet);
    }
    if args.node.json {
        ui::json(&snippets)?;
    }
    Ok(Exit::Ok)
}

pub(super) fn attach_one(client: &Client, path: &Path) -> anyhow::Result<Snippet> {
    let mut file = File::open(path).map_err(FileError::at(path))?;
    let (digest, size) = digest(&mut file, path)?;
    let mut have = client.attachment(&digest)?.have;
    let (mut progress, mut range) = (ui::Progress::new(), vec![0; ATTACHMENT_RANGE_BYTES as usize]);
    file.seek(SeekFrom::Start(have)).map_err(FileError::at(path))?;
    while have < size {
        let range = &mut range[..(size - have).min(ATTACHMENT_RANGE_BYTES) as usize];
        file.read_exact(range).map_err(FileError::at(path))?;
        have = client.attach(&digest, size, have, range)?.have;
        progress.show(|| format!("{}: {} of {} bytes", path.display(), ui::count(have), ui::count(size)));
    }
    progress.clear();
    let name = path.file_name().map(|name| name.to_string_lossy().chars().take(256).collect());
    Ok(Snippet { digest: digest.hex(), size, name })
}

/// Digest and size of a file, which may not have more bytes than any.
fn digest(file: &mut File, path: &Path) -> anyhow::Result<(Digest, u64)> {
    let (mut hasher, mut size) = (blake3::Hasher::new(), 0u64);
    let mut bytes = vec![0; ATTACHMENT_RANGE_BYTES as usize];
    loop {
        let count = file.read(&mut bytes).map_err(FileError::at(path))?;
        size += count as u64;
        if size > MAX_ATTACHMENT_BYTES || (count == 0 && size == 0) {
            let what = format!("{}: an attached file has 1 to {MAX_ATTACHMENT_BYTES} bytes", path.display());
            return Err(RefusedError(what).into());
        }
        if count == 0 {
            return Ok((Digest(*hasher.finalize().as_bytes()), size));
        }
        hasher.update(&bytes[..count]);
    }
}

pub(super) fn run(command: &AttachmentCommand) -> anyhow::Result<Exit> {
    match command {
        AttachmentCommand::Show { digest, node } => {
            let info = Client::open(&node.node)?.attachment(&read(digest)?)?;
            if node.json {
                ui::json(&info)?
            } else {
                ui::line(&in_words(&info))?
            }
            Ok(Exit::Ok)
        }
        AttachmentCommand::Get { digest, output, wait, node } => {
            let (client, digest) = (Client::open(&node.node)?, read(digest)?);
            let (info, came) = fetch(&client, &digest, Duration::from_secs(*wait))?;
            if came {
                write(&client, &digest, output)?;
            }
            if node.json {
                ui::json(&info)?;
            } else if came {
                ui::line(&format!("{}: {} bytes", output.display(), ui::count(info.have)))?;
            } else {
                ui::line(&in_words(&info))?;
            }
            Ok(if came { Exit::Ok } else { Exit::Findings })
        }
    }
}

/// Waits until a file is here; tells how far it is, and whether it came.
pub(super) fn fetch(client: &Client, digest: &Digest, wait: Duration) -> anyhow::Result<(AttachmentInfo, bool)> {
    let (began, mut progress) = (Instant::now(), ui::Progress::new());
    let mut info = client.fetch_attachment(digest)?;
    while info.state != AttachmentState::Here && began.elapsed() < wait {
        progress.show(|| in_words(&info));
        std::thread::sleep(LOOK);
        info = client.attachment(digest)?;
    }
    progress.clear();
    let came = info.state == AttachmentState::Here;
    Ok((info, came))
}

/// Writes a file that is here, readable by its owner only, whole or not at all.
fn write(client: &Client, digest: &Digest, output: &Path) -> anyhow::Result<()> {
    let mut name = output.as_os_str().to_owned();
    name.push(".part");
    let part = Path::new(&name);
    let mut options = File::options();
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(part).map_err(FileError::at(part))?;
    let mut to = BufWriter::new(file);
    let copied = client.attached(digest, &mut to);
    let written = copied.map_err(anyhow::Error::from).and_then(|_| {
        to.flush().map_err(FileError::at(part))?;
        std::fs::rename(part, output).map_err(FileError::at(output))?;
        Ok(())
    });
    if written.is_err() {
        // What is half written is of no use.
        let _ = std::fs::remove_file(part);
    }
    written
}

fn in_words(info: &AttachmentInfo) -> String {
    let far = match (info.state, info.size) {
        (AttachmentState::Here, _) => format!("here, {} bytes", ui::count(info.have)),
        (AttachmentState::Absent, _) | (_, None) => "not here".into(),
        (AttachmentState::Uploading, Some(size)) => {
            format!("handed in, {} of {} bytes", ui::count(info.have), ui::count(size))
        }
        (AttachmentState::Fetching, Some(size)) => {
            format!("fetching, {} of {} bytes", ui::count(info.have), ui::count(size))
        }
    };
    let from = if info.from.is_empty() { String::new() } else { format!("; from {}", super::listed(&info.from)) };
    let why = info.why.as_ref().map_or_else(String::new, |why| format!("; the last time: {why}"));
    format!("{}: {far}{from}{why}", info.digest)
}

fn read(digest: &str) -> anyhow::Result<Digest> {
    let what = format!("'{digest}' is no BLAKE3 digest: 64 digits 0 to 9, a to f");
    Ok(Digest::from_hex(digest).ok_or(UsageError(what))?)
}
