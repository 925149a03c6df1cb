//! What people read: messages, tables, numbers, durations, progress.
//!
//! Names and reasons come from other members, so nothing reaches a terminal with control characters in it.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use luxor_protocol::bench::decimal;
use serde::Serialize;

/// Text without characters that steer a terminal or turn the direction of writing; line breaks become spaces.
pub(crate) fn clean(text: &str) -> String {
    let steers = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars()
        .map(|c| match c {
            '\n' | '\t' => ' ',
            c if c.is_control() || steers(c) => '\u{fffd}',
            c => c,
        })
        .collect()
}

/// A message on stderr.
pub(crate) fn say(text: &str) {
    // Nobody is left to tell when stderr is gone.
    let _ = writeln!(io::stderr(), "{}", clean(text));
}

/// A line of data on stdout.
pub(crate) fn line(text: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{}", clean(text))
}

/// Text on stdout as it is: files that this command made, with their line breaks.
pub(crate) fn raw(text: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text)?;
    out.flush()
}

/// One JSON document on stdout.
pub(crate) fn json(value: &impl Serialize) -> io::Result<()> {
    let mut out = io::stdout().lock();
    // Writing fails as I/O only: nothing here serialises to anything but JSON.
    serde_json::to_writer_pretty(&mut out, value).map_err(io::Error::from)?;
    writeln!(out)?;
    out.flush()
}

/// An error with its causes on one line, then its hints.
pub(crate) fn error(error: &anyhow::Error) {
    let (what, hints) = error_text(error);
    // Some causes point at a place in several lines.
    format!("luxor: {what}").lines().for_each(say);
    hints.iter().for_each(|hint| say(&format!("hint: {hint}")));
}

fn error_text(error: &anyhow::Error) -> (String, Vec<String>) {
    let mut causes: Vec<String> = Vec::new();
    let mut hints = Vec::new();
    for cause in error.chain() {
        let text = cause.to_string();
        let mut parts = text.split("\nhint:");
        let what = parts.next().unwrap_or_default().trim().to_owned();
        if !what.is_empty() && causes.last() != Some(&what) {
            causes.push(what);
        }
        hints.extend(parts.map(|hint| hint.trim().to_owned()));
    }
    (causes.join(": "), hints)
}

/// Columns of text, aligned, on stdout.
#[derive(Default)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
    right: Vec<usize>,
}

impl Table {
    /// A table with a heading; columns whose numbers are in `right` are aligned right.
    pub(crate) fn new(heading: &[&str], right: &[usize]) -> Self {
        Self { rows: vec![heading.iter().map(|&h| h.to_owned()).collect()], right: right.to_vec() }
    }

    /// Names and values, without heading.
    pub(crate) fn plain() -> Self {
        Self::default()
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = impl Into<String>>) {
        self.rows.push(cells.into_iter().map(|cell| clean(&cell.into())).collect());
    }

    /// Prints it.
    pub(crate) fn print(&self) -> io::Result<()> {
        raw(self.text().as_bytes())
    }

    fn text(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width =
            |at: usize| self.rows.iter().filter_map(|r| r.get(at)).map(|c| c.chars().count()).max().unwrap_or(0);
        let widths: Vec<_> = (0..columns).map(width).collect();
        let mut text = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for (at, cell) in row.iter().enumerate() {
                let width = widths[at];
                // Writing into a String never fails.
                let _ = match self.right.contains(&at) {
                    true => write!(line, "{cell:>width$}  "),
                    false => write!(line, "{cell:<width$}  "),
                };
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

/// A number with its thousands apart: `1,234,567`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `850 ms`, `12.3 s` or `3 min 4 s`.
pub(crate) fn duration(time: Duration) -> String {
    let (millis, seconds) = (time.as_millis(), time.as_secs());
    match seconds {
        0 => format!("{millis} ms"),
        1..60 => format!("{seconds}.{} s", millis % 1000 / 100),
        _ => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

/// Seconds with milliseconds, as a JSON number.
pub(crate) fn seconds(time: Duration) -> serde_json::Number {
    decimal(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

/// How far long work is, on stderr: in place on a terminal, a line now and then elsewhere.
pub(crate) struct Progress {
    terminal: bool,
    every: Duration,
    last: Instant,
    shown: bool,
}

impl Progress {
    /// Starts; nothing is shown before a while has passed.
    pub(crate) fn new() -> Self {
        let terminal = io::stderr().is_terminal();
        let every = if terminal { Duration::from_millis(250) } else { Duration::from_secs(10) };
        Self { terminal, every, last: Instant::now(), shown: false }
    }

    /// Shows how far it is, unless that was shown just now.
    pub(crate) fn show(&mut self, text: impl FnOnce() -> String) {
        if self.last.elapsed() < self.every {
            return;
        }
        self.last = Instant::now();
        self.shown = true;
        match self.terminal {
            true => {
                let _ = write!(io::stderr(), "\r\x1b[K{}", clean(&text()));
            }
            false => say(&text()),
        }
    }

    /// Takes what is shown in place away, before something else is said.
    pub(crate) fn clear(&mut self) {
        if self.terminal && self.shown {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
        self.shown = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_durations_read_well() {
        assert_eq!(["0", "999", "1,000", "1,234,567"], [0, 999, 1000, 1_234_567].map(count).map(String::leak));
        assert_eq!(duration(Duration::from_millis(850)), "850 ms");
        assert_eq!(duration(Duration::from_millis(12_345)), "12.3 s");
        assert_eq!(duration(Duration::from_secs(184)), "3 min 4 s");
    }

    #[test]
    fn columns_align_and_nothing_steers_the_terminal() {
        let mut table = Table::new(&["name", "n"], &[1]);
        table.row(["a\x1b[2Jb", "12"]);
        assert_eq!(table.text(), "name     n\na\u{fffd}[2Jb  12\n");
    }

    #[test]
    fn hints_come_last() {
        let inner = anyhow::anyhow!("inner\nhint: do this");
        let (what, hints) = error_text(&inner.context("outer"));
        assert_eq!((what.as_str(), hints), ("outer: inner", vec!["do this".to_owned()]));
    }
}
