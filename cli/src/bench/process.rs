//! What a process used, from /proc, and what a folder takes on disk.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use luxor_protocol::bench::peak_memory;

/// Processor time in /proc is counted in hundredths of a second (USER_HZ), on every platform that Linux and Rust share but
/// Alpha.
const MICROS_PER_TICK: u64 = 10_000;

/// The most memory that a process held so far, in bytes.
pub(super) fn peak(pid: u32) -> Result<u64> {
    let path = format!("/proc/{pid}/status");
    let text = fs::read_to_string(&path).with_context(|| path.clone())?;
    peak_memory(&text).with_context(|| format!("{path}: no peak of memory (VmHWM)"))
}

/// Processor time that a process used so far, in microseconds, rounded to hundredths of a second.
pub(super) fn cpu_micros(pid: u32) -> Result<u64> {
    let path = format!("/proc/{pid}/stat");
    let text = fs::read_to_string(&path).with_context(|| path.clone())?;
    let ticks = ticks(&text).with_context(|| format!("{path}: no processor time"))?;
    Ok(ticks.saturating_mul(MICROS_PER_TICK))
}

/// What the files of a folder take on disk, in bytes.
pub(super) fn disk_use(folder: &Path) -> Result<u64> {
    let context = || folder.display().to_string();
    let mut bytes = 0;
    for entry in fs::read_dir(folder).with_context(context)? {
        let entry = entry.with_context(context)?;
        let metadata = match entry.metadata() {
            // A running node removes files while others are counted.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            other => other.with_context(context)?,
        };
        bytes += if metadata.is_dir() { disk_use(&entry.path())? } else { metadata.blocks() * 512 };
    }
    Ok(bytes)
}

/// User and system time: fields 14 and 15, counted from the name in brackets, which may hold anything.
fn ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ').skip(11);
    let mut next = || fields.next()?.parse::<u64>().ok();
    next()?.checked_add(next()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_found_behind_any_name() {
        let stat = "12 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 70 30 0 0 20 0 1 0";
        assert_eq!(ticks(stat), Some(100));
        assert!(cpu_micros(std::process::id()).is_ok() && peak(std::process::id()).unwrap() > 0);
    }
}
