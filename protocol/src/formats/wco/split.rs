//! A stream cut into documents, one after the other, none of them held beyond its bound.
//!
//! A document ends with its root element, so documents may follow one another without anything between. What is cut off in the middle
//! ends where the next one begins: at an XML declaration, or at a `MetaData` inside another element, which no document has.
//! Not in: whether a document is well-formed, that is [`super::parse`]'s.

use std::io::BufRead;
use std::ops::Range;

use crate::formats::FormatError;
use crate::limits::MAX_XML_BYTES;

/// Bytes that are asked of the input at a time, at least.
const STEP: usize = 128 * 1024;
/// Characters of text between documents that are shown.
const SHOWN: usize = 120;
/// Bytes that are kept of a token that is itself above the bound: more than the longest mark that is looked for.
const TAIL: usize = 16;

/// Cuts a stream.
#[derive(Debug)]
pub(super) struct Documents<R> {
    input: R,
    buffer: Vec<u8>,
    /// Where what is not yet dealt with begins.
    start: usize,
    /// The line there, from 1.
    line: u64,
    begun: bool,
    ended: bool,
    /// How many elements are open in a document that is above the bound and passed over.
    passing: Option<usize>,
    seen: bool,
}

/// A piece of the stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// A document, to be had by [`Documents::bytes`] until the next piece is asked for.
    Document { line: u64, at: Range<usize> },
    /// A document that is not whole, or not to be read at all.
    Refused { line: u64, why: Cut },
    /// Text behind a document, or the beginning of it.
    Text { line: u64, text: String },
}

/// Why there is no whole document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Cut {
    #[error(
        "the document is longer than {MAX_XML_BYTES} bytes\nhint: split it; several documents may stand in one file"
    )]
    TooLong,
    #[error("the document ends before its elements are closed")]
    Short,
    #[error("an end tag where a document should begin")]
    Stray,
    #[error("text where an XML document should begin")]
    NoXml,
    #[error("the input is {0}; UTF-8 is read\nhint: convert the file, and its XML declaration with it")]
    Encoding(&'static str),
}

/// What stands at a place of a document.
enum Token {
    /// Its end is not there yet.
    More,
    /// Text, comment, processing instruction and the like.
    Passive(usize),
    /// `<?xml`.
    Declaration(usize),
    Start {
        end: usize,
        closed: bool,
        wrapper: bool,
    },
    End(usize),
    /// A tag that is cut off: another begins inside it, which XML allows nowhere.
    Broken(usize),
}

impl<R: BufRead> Documents<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, buffer: Vec::new(), start: 0, line: 1, begun: false, ended: false, passing: None, seen: false }
    }

    /// The bytes of the document handed out last.
    pub(super) fn bytes(&self, at: &Range<usize>) -> &[u8] {
        self.buffer.get(at.clone()).unwrap_or_default()
    }

    /// Bytes of memory that are held.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.buffer.capacity()
    }

    /// The next piece; none at the end of the stream.
    pub(super) fn next(&mut self) -> Option<Result<Piece, FormatError>> {
        self.step().transpose()
    }

    fn step(&mut self) -> Result<Option<Piece>, FormatError> {
        if !self.begun {
            self.begun = true;
            if let Some(encoding) = self.encoding()? {
                self.ended = true;
                self.buffer.clear();
                return Ok(Some(Piece::Refused { line: 1, why: Cut::Encoding(encoding) }));
            }
        }
        if self.passing.is_some() {
            self.pass()?;
        }
        match self.between()? {
            Some(text) => Ok(Some(text)),
            None => self.document(),
        }
    }

    /// The encoding that the first bytes tell, where it is not UTF-8.
    fn encoding(&mut self) -> Result<Option<&'static str>, FormatError> {
        while self.buffer.len() < 4 && self.fill()? {}
        Ok(match self.buffer.get(..4).unwrap_or(&self.buffer) {
            [0, 0, 0xfe, 0xff] | [0xff, 0xfe, 0, 0] | [0, 0, 0, b'<'] | [b'<', 0, 0, 0] => Some("UTF-32"),
            [0xfe, 0xff, ..] | [0, b'<', ..] => Some("UTF-16, big end first"),
            [0xff, 0xfe, ..] | [b'<', 0, ..] => Some("UTF-16, little end first"),
            [0x4c, 0x6f, 0xa7, 0x94] => Some("EBCDIC"),
            _ => None,
        })
    }

    /// Passes over what stands between documents; text among it is a piece.
    fn between(&mut self) -> Result<Option<Piece>, FormatError> {
        let mut text: Option<(u64, Vec<u8>)> = None;
        loop {
            let rest = &self.buffer[self.start..];
            let end = memchr(b'<', rest).unwrap_or(rest.len());
            let gap = &rest[..end];
            if text.is_none() {
                let gap = gap.strip_prefix(b"\xef\xbb\xbf").unwrap_or(gap);
                if let Some(at) = gap.iter().position(|byte| !byte.is_ascii_whitespace()) {
                    let before = end - gap.len() + at;
                    text = Some((self.line + lines(&rest[..before]), Vec::new()));
                    self.skip(before);
                    continue;
                }
            }
            if let Some((_, text)) = &mut text {
                let room = (4 * SHOWN).saturating_sub(text.len());
                text.extend_from_slice(&gap[..gap.len().min(room)]);
            }
            let found = end < rest.len();
            self.skip(end);
            if found || !self.fill()? {
                break;
            }
        }
        let Some((line, text)) = text else { return Ok(None) };
        Ok(Some(match self.seen {
            true => {
                let text: String = String::from_utf8_lossy(&text).trim().chars().take(SHOWN).collect();
                Piece::Text { line, text }
            }
            false => {
                // It is told once; a document may yet follow.
                self.seen = true;
                Piece::Refused { line, why: Cut::NoXml }
            }
        }))
    }

    /// The document that begins here; none at the end of the stream.
    fn document(&mut self) -> Result<Option<Piece>, FormatError> {
        let line = self.line;
        let (mut at, mut depth, mut prolog, mut told) = (0, 0_usize, false, false);
        let mut broken = false;
        loop {
            if at > MAX_XML_BYTES {
                return Ok(Some(self.too_long(line, at, depth)));
            }
            let token = self.token(self.start + at);
            let end = match token {
                Token::More => {
                    if self.buffer.len() - self.start > MAX_XML_BYTES {
                        return Ok(Some(self.too_long(line, at, depth)));
                    }
                    if self.fill()? {
                        continue;
                    }
                    // The end: nothing, a comment behind the last document, or half a document.
                    let rest = self.buffer.len() - self.start;
                    let behind = &self.buffer[self.start + at..];
                    let nothing = depth == 0 && !told && behind.iter().all(u8::is_ascii_whitespace);
                    self.skip(rest);
                    return Ok((!nothing).then_some(Piece::Refused { line, why: Cut::Short }));
                }
                Token::Declaration(_) if at > 0 && (depth > 0 || told || broken) => {
                    return Ok(Some(self.cut(line, at)));
                }
                Token::Declaration(end) => {
                    told = true;
                    end
                }
                Token::Passive(end) => end,
                Token::Broken(end) => {
                    broken = true;
                    end
                }
                Token::Start { wrapper: true, .. } if depth > 0 || broken => return Ok(Some(self.cut(line, at))),
                Token::Start { end, closed, .. } => {
                    prolog = true;
                    depth += usize::from(!closed);
                    end
                }
                Token::End(end) if depth == 0 => {
                    self.skip(end - self.start);
                    self.seen = true;
                    return Ok(Some(Piece::Refused { line, why: Cut::Stray }));
                }
                Token::End(end) => {
                    depth -= 1;
                    end
                }
            };
            at = end - self.start;
            if prolog && depth == 0 {
                self.seen = true;
                let at = self.start..end;
                let line = std::mem::replace(&mut self.line, line + lines(&self.buffer[at.clone()]));
                self.start = end;
                return Ok(Some(match at.len() > MAX_XML_BYTES {
                    true => Piece::Refused { line, why: Cut::TooLong },
                    false => Piece::Document { line, at },
                }));
            }
        }
    }

    /// What is cut off where the next document begins.
    fn cut(&mut self, line: u64, at: usize) -> Piece {
        self.seen = true;
        self.skip(at);
        Piece::Refused { line, why: Cut::Short }
    }

    /// Drops what is there of a document above the bound; the rest is passed over.
    fn too_long(&mut self, line: u64, at: usize, depth: usize) -> Piece {
        self.seen = true;
        self.skip(at);
        self.passing = Some(depth);
        Piece::Refused { line, why: Cut::TooLong }
    }

    /// Passes over the rest of a document above the bound, to its end or to where another begins.
    fn pass(&mut self) -> Result<(), FormatError> {
        let mut depth = self.passing.take().unwrap_or_default();
        let mut moved = false;
        loop {
            let end = match self.token(self.start) {
                Token::More => {
                    if self.buffer.len() - self.start > MAX_XML_BYTES {
                        // A token above the bound: only another document ends it.
                        let rest = &self.buffer[self.start..];
                        let found = rest.windows(6).skip(1).position(|window| window == b"<?xml ");
                        self.skip(found.map_or(rest.len() - TAIL, |at| at + 1));
                        if found.is_some() {
                            return Ok(());
                        }
                        continue;
                    }
                    if self.fill()? {
                        continue;
                    }
                    let rest = self.buffer.len() - self.start;
                    self.skip(rest);
                    return Ok(());
                }
                Token::Declaration(_) if moved => return Ok(()),
                Token::Start { wrapper: true, .. } if moved && depth > 0 => return Ok(()),
                Token::Declaration(end) | Token::Passive(end) | Token::Broken(end) => end,
                Token::Start { end, closed, .. } => {
                    depth += usize::from(!closed);
                    end
                }
                Token::End(end) => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        self.skip(end - self.start);
                        return Ok(());
                    }
                    end
                }
            };
            moved = true;
            self.skip(end - self.start);
        }
    }

    /// What stands at a place of the buffer.
    fn token(&self, from: usize) -> Token {
        let rest = &self.buffer[from..];
        let passive = |end: Option<usize>| end.map_or(Token::More, |end| Token::Passive(from + end));
        let ended = |mark: &[u8], skip: usize| find(mark, rest, skip).map(|at| at + mark.len());
        match rest {
            [] | [b'<'] => Token::More,
            [b'<', b'?', ..] => match ended(b"?>", 2) {
                None => Token::More,
                Some(end) if rest.starts_with(b"<?xml") && rest.get(5).is_some_and(u8::is_ascii_whitespace) => {
                    Token::Declaration(from + end)
                }
                end => passive(end),
            },
            [b'<', b'!', ..] if rest.starts_with(b"<!--") => passive(ended(b"-->", 4)),
            [b'<', b'!', ..] if rest.starts_with(b"<![CDATA[") => passive(ended(b"]]>", 9)),
            [b'<', b'!', ..] if rest.len() < 9 => Token::More,
            [b'<', b'!', ..] => passive(doctype(rest)),
            [b'<', mark, ..] => match tag(rest) {
                None => Token::More,
                Some(end) if rest[end - 1] != b'>' => Token::Broken(from + end),
                Some(end) if *mark == b'/' => Token::End(from + end),
                Some(end) => {
                    let name = &rest[1..end];
                    let name = &name[..name.iter().position(|byte| b" \t\r\n/>".contains(byte)).unwrap_or(name.len())];
                    let local = name.rsplit(|byte| *byte == b':').next().unwrap_or(name);
                    let closed = rest[..end].ends_with(b"/>");
                    Token::Start { end: from + end, closed, wrapper: local == b"MetaData" }
                }
            },
            _ => memchr(b'<', rest).map_or(Token::More, |end| Token::Passive(from + end)),
        }
    }

    /// Leaves so many bytes behind.
    fn skip(&mut self, bytes: usize) {
        let end = self.start + bytes;
        self.line += lines(&self.buffer[self.start..end]);
        self.start = end;
    }

    /// Reads on; `false` at the end of the input.
    fn fill(&mut self) -> Result<bool, FormatError> {
        if self.ended {
            return Ok(false);
        }
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        let before = self.buffer.len();
        while self.buffer.len() < before + STEP {
            let line = self.line;
            let more = match self.input.fill_buf() {
                Ok(more) => more,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    self.ended = true;
                    return Err(FormatError::Io { line: line.saturating_sub(1), error });
                }
            };
            let count = more.len();
            self.buffer.extend_from_slice(more);
            self.input.consume(count);
            if count == 0 {
                self.ended = true;
                break;
            }
        }
        Ok(self.buffer.len() > before)
    }
}

/// The end of a tag, which is behind its `>`, one in a value of an attribute not counted; or where another tag begins inside it.
fn tag(rest: &[u8]) -> Option<usize> {
    let first = 1 + memchr::memchr2(b'<', b'>', rest.get(1..)?)?;
    if memchr::memchr2(b'"', b'\'', &rest[..first]).is_none() {
        return Some(first + usize::from(rest[first] == b'>'));
    }
    let mut quote = None;
    for (at, byte) in rest.iter().enumerate().skip(1) {
        match (quote, *byte) {
            (_, b'<') => return Some(at),
            (None, b'>') => return Some(at + 1),
            (None, mark @ (b'"' | b'\'')) => quote = Some(mark),
            (Some(open), byte) if open == byte => quote = None,
            _ => {}
        }
    }
    None
}

/// The end of a DOCTYPE; what is declared inside it stands in brackets.
fn doctype(rest: &[u8]) -> Option<usize> {
    let mut brackets = 0_usize;
    let end = rest.iter().position(|byte| {
        match byte {
            b'[' => brackets += 1,
            b']' => brackets = brackets.saturating_sub(1),
            _ => {}
        }
        *byte == b'>' && brackets == 0
    });
    end.map(|end| end + 1)
}

/// Where a mark of some bytes stands, the first `skip` bytes passed over.
fn find(mark: &[u8], rest: &[u8], skip: usize) -> Option<usize> {
    let first = *mark.first()?;
    let mut at = skip;
    loop {
        at += memchr(first, rest.get(at..)?)?;
        if rest[at..].starts_with(mark) {
            return Some(at);
        }
        at += 1;
    }
}

fn memchr(byte: u8, rest: &[u8]) -> Option<usize> {
    memchr::memchr(byte, rest)
}

fn lines(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}
