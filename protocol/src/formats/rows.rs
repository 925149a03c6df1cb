//! Rows of a CSV file (RFC 4180): where each begins and ends, so that a stray quote costs one line and not the file.
//!
//! The crate `csv` splits a row into cells; alone it would read on from an open quote to the next one or to the file's
//! end, holding all of it. Here a row has at most [`MAX_LINE_BYTES`]; one whose quote does not close, or closes in the
//! middle of a cell, is refused at its first line and reading goes on with the line after that.

use std::io::{self, BufRead, Read};

use super::FormatError;
use super::lines::{Lines, without_end};
use crate::limits::MAX_LINE_BYTES;

/// Why a row cannot be split into cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Broken {
    /// It is above the limit.
    Long,
    /// A quote is not closed.
    Open,
    /// A quote is closed and text follows.
    Stray,
}

/// A row's first line, and whether it can be read.
pub(super) type Found = (u64, Result<(), Broken>);

/// Finds rows; [`Read`] gives out the bytes of the row found last, with one `\n` at its end.
#[derive(Debug)]
pub(crate) struct Rows<R> {
    lines: Lines<R>,
    delimiter: u8,
    /// Lines that were read, each with its end; those before `start` are dealt with.
    window: Vec<u8>,
    start: usize,
    /// Number of the line before `start`.
    line: u64,
    row: Vec<u8>,
    given: usize,
}

impl<R: BufRead> Rows<R> {
    pub(super) fn new(input: R, delimiter: u8) -> Self {
        let lines = Lines::new(input);
        Self { lines, delimiter, window: Vec::new(), start: 0, line: 0, row: Vec::new(), given: 0 }
    }

    /// Goes to the next row, past empty lines.
    pub(super) fn advance(&mut self) -> Result<Option<Found>, FormatError> {
        loop {
            if self.start == self.window.len() {
                self.window.clear();
                self.start = 0;
            } else if self.start > MAX_LINE_BYTES {
                // Only after a broken row; seldom enough that each byte is moved once on average.
                self.window.drain(..self.start);
                self.start = 0;
            }
            let Some(first_end) = self.line_end(self.start)? else { return Ok(None) };
            let line = self.line + 1;
            let first = without_end(&self.window[self.start..first_end]);
            if first.is_empty() {
                (self.start, self.line) = (first_end, line);
                continue;
            }
            let found = if first.len() > MAX_LINE_BYTES { Err(Broken::Long) } else { self.row_end(first_end)? };
            let (end, lines) = found.unwrap_or((first_end, 1));
            self.row.clear();
            self.row.extend_from_slice(without_end(&self.window[self.start..end]));
            self.row.push(b'\n');
            self.given = 0;
            (self.start, self.line) = (end, self.line + lines);
            return Ok(Some((line, found.map(|_| ()))));
        }
    }

    /// Where the row ends whose first line ends at `first_end`, and how many lines it has.
    fn row_end(&mut self, first_end: usize) -> Result<Result<(usize, u64), Broken>, FormatError> {
        let (mut begin, mut end, mut lines, mut open) = (self.start, first_end, 1, false);
        loop {
            match ends_open(without_end(&self.window[begin..end]), self.delimiter, open) {
                Err(broken) => return Ok(Err(broken)),
                Ok(false) => return Ok(Ok((end, lines))),
                Ok(true) => open = true,
            }
            let Some(next) = self.line_end(end)? else { return Ok(Err(Broken::Open)) };
            if next - self.start > MAX_LINE_BYTES {
                return Ok(Err(Broken::Open));
            }
            (begin, end, lines) = (end, next, lines + 1);
        }
    }

    /// The end, in the window, of the line that begins at `from`; reads it if need be.
    fn line_end(&mut self, from: usize) -> Result<Option<usize>, FormatError> {
        if from == self.window.len() {
            return Ok(self.lines.next(&mut self.window)?.then_some(self.window.len()));
        }
        Ok(self.window[from..].iter().position(|b| *b == b'\n').map(|at| from + at + 1))
    }
}

impl<R> Read for Rows<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = (&self.row[self.given..]).read(buffer)?;
        self.given += read;
        Ok(read)
    }
}

/// Whether a quote is open at the end of a line, at whose beginning one is `open` or not.
fn ends_open(line: &[u8], delimiter: u8, open: bool) -> Result<bool, Broken> {
    if !line.contains(&b'"') {
        return Ok(open);
    }
    enum At {
        Start,
        Plain,
        Quoted,
        Closed,
    }
    let mut at = if open { At::Quoted } else { At::Start };
    for byte in line {
        at = match (at, *byte) {
            (At::Start | At::Closed, b'"') => At::Quoted,
            (At::Quoted, b'"') => At::Closed,
            (At::Quoted, _) => At::Quoted,
            (_, byte) if byte == delimiter => At::Start,
            (At::Closed, _) => return Err(Broken::Stray),
            (At::Start | At::Plain, _) => At::Plain,
        };
    }
    Ok(matches!(at, At::Quoted))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Read = Vec<(u64, Result<Vec<String>, Broken>)>;

    fn read(input: &[u8]) -> Read {
        let mut reader = ::csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .terminator(::csv::Terminator::Any(b'\n'))
            .from_reader(Rows::new(input, b','));
        let mut found = Vec::new();
        while let Some((line, row)) = reader.get_mut().advance().unwrap() {
            found.push((
                line,
                row.map(|()| {
                    let mut cells = ::csv::ByteRecord::new();
                    assert!(reader.read_byte_record(&mut cells).unwrap());
                    cells.iter().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect()
                }),
            ));
        }
        found
    }

    fn row(line: u64, cells: &[&str]) -> (u64, Result<Vec<String>, Broken>) {
        (line, Ok(cells.iter().map(ToString::to_string).collect()))
    }

    #[test]
    fn rows_may_span_lines_and_empty_lines_are_skipped() {
        let input = "a,b\r\n\r\n\"x\r\ny\",\"say \"\"z\"\"\"\n5\" pipe,\n\"\"\n";
        let expected =
            [row(1, &["a", "b"]), row(3, &["x\r\ny", "say \"z\""]), row(5, &["5\" pipe", ""]), row(6, &[""])];
        assert_eq!(read(input.as_bytes()), expected);
    }

    #[test]
    fn a_stray_quote_costs_its_line_only() {
        let input = "\"a,1\nb,\"2\"\n\"c\"x,3\nd,\"4\ne,5\n";
        let expected = [
            (1, Err(Broken::Stray)),
            row(2, &["b", "2"]),
            (3, Err(Broken::Stray)),
            (4, Err(Broken::Open)),
            row(5, &["e", "5"]),
        ];
        assert_eq!(read(input.as_bytes()), expected);
    }

    #[test]
    fn an_open_quote_does_not_swallow_the_file() {
        let plain = "x,1\n".repeat(MAX_LINE_BYTES);
        let long = "y".repeat(MAX_LINE_BYTES + 1);
        let found = read(format!("\"a,1\n{plain}{long}\nz,1").as_bytes());
        assert_eq!(found.len(), MAX_LINE_BYTES + 3);
        let broken: Vec<_> = found.iter().filter(|f| f.1.is_err()).map(|f| (f.0, f.1.clone())).collect();
        assert_eq!(broken, [(1, Err(Broken::Open)), (MAX_LINE_BYTES as u64 + 2, Err(Broken::Long))]);
        assert_eq!(found.last(), Some(&row(MAX_LINE_BYTES as u64 + 3, &["z", "1"])));
    }

    proptest! {
        /// Lines are not lost or read twice, and the splitter agrees with the crate `csv` on what it lets through.
        #[test]
        fn rows_follow_each_other(input in "[ab,\"\r\n]{0,80}") {
            let found = read(input.as_bytes());
            prop_assert!(found.windows(2).all(|w| w[0].0 < w[1].0));
            for (_, cells) in found.iter().filter(|f| f.1.is_ok()) {
                prop_assert!(!cells.as_ref().unwrap().is_empty());
            }
        }

        #[test]
        fn what_the_csv_crate_writes_is_read_back(
            table in proptest::collection::vec(proptest::collection::vec("[ab,\" \n]{0,6}", 2..4), 0..8)
        ) {
            let mut writer = ::csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
            for cells in &table {
                writer.write_record(cells).unwrap();
            }
            let rows: Vec<_> = read(&writer.into_inner().unwrap()).into_iter().map(|r| r.1.unwrap()).collect();
            prop_assert_eq!(rows, table);
        }
    }
}
