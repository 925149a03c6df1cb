//! Lines of a file, none of them held beyond the limit.
//!
//! Not in: what a line means, that is [`super::ndjson`]'s and [`super::rows`]'s.

use std::io::{BufRead, Read};

use super::FormatError;
use crate::limits::MAX_LINE_BYTES;

/// Reads lines one by one and counts them.
#[derive(Debug)]
pub(super) struct Lines<R> {
    input: R,
    line: u64,
    ended: bool,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, line: 0, ended: false }
    }

    /// The number of the line read last, from 1.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// Appends the next line, always with a `\n` at its end. Of a line above [`MAX_LINE_BYTES`] a beginning is appended
    /// that is itself above it, the rest is skipped. `false` at the end of the file.
    pub(super) fn next(&mut self, text: &mut Vec<u8>) -> Result<bool, FormatError> {
        if self.ended {
            return Ok(false);
        }
        let start = text.len();
        let line = self.line;
        let failed = |error| FormatError::Io { line, error };
        // Two more for "\r\n", which is not part of the line.
        let limit = MAX_LINE_BYTES + 2;
        let read = (&mut self.input).take(limit as u64).read_until(b'\n', text).map_err(failed)?;
        if read == 0 {
            self.ended = true;
            return Ok(false);
        }
        if text.last() != Some(&b'\n') {
            if read == limit {
                self.input.skip_until(b'\n').map_err(failed)?;
            }
            text.push(b'\n');
        }
        if self.line == 0 && text[start..].starts_with(b"\xef\xbb\xbf") {
            // A byte order mark says "UTF-8" and is not data.
            text.drain(start..start + 3);
        }
        self.line += 1;
        Ok(true)
    }
}

/// A line without its end, `\n` or `\r\n`.
pub(super) fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    fn all(input: &[u8]) -> Vec<Vec<u8>> {
        let mut lines = Lines::new(input);
        let mut found = Vec::new();
        loop {
            let mut text = Vec::new();
            if !lines.next(&mut text).unwrap() {
                assert_eq!(lines.line(), found.len() as u64);
                return found;
            }
            found.push(without_end(&text).to_vec());
        }
    }

    #[test]
    fn ends_and_byte_order_mark_are_no_data() {
        assert_eq!(all(b"\xef\xbb\xbfa\r\nb\n\nc"), [&b"a"[..], b"b", b"", b"c"]);
        assert!(all(b"").is_empty());
    }

    #[test]
    fn a_long_line_is_cut_and_the_next_one_is_whole() {
        for (bytes, cut) in [(MAX_LINE_BYTES, false), (MAX_LINE_BYTES + 1, true), (3 * MAX_LINE_BYTES, true)] {
            for end in ["\n", "\r\n"] {
                let input = format!("{}{end}next", "x".repeat(bytes));
                let lines = all(input.as_bytes());
                assert_eq!(lines.len(), 2);
                assert_eq!(lines[0].len() > MAX_LINE_BYTES, cut);
                assert!(lines[0].len() <= MAX_LINE_BYTES + 2);
                assert_eq!(lines[1], b"next");
            }
        }
    }
}
