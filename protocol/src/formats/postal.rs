//! Postal messages (ITMATT, CUSITM, CUSRSP, EMSEVT) by mapping tables, from whatever parser a member has.
//!
//! The messages' schemas are property of the UPU and its members, so no parser of them is here: a member plugs in its own as a
//! [`MessageSource`], which gives segments with named fields; a mapping with `[message]` says which field goes where. The same mappings read
//! CSV whose columns have these names. [`segment_lines`] is a plain text form of segments, for tests and for systems that can write it.
//!
//! What the mapping has no place for is an error, or with `keep = true` goes into the record's group `extra`, a line for each field:
//! `SEGMENT.1.FIELD=value`. Not in: CSV ([`mod@super::csv`]), what codes mean ([`super::codes`]).

use std::collections::{HashMap, VecDeque};
use std::io::BufRead;

use serde::Deserialize;

use super::lines::{Lines, without_end};
use super::mapping::Mapping;
use super::parcel::{Parcel, RowPart, RowValues, Values, content};
use super::plan::Column;
use super::{FormatError, Row, Source, Trouble};
use crate::limits::{MAX_LINE_BYTES, MAX_ROWS_PER_RECORD};
use crate::record::{Content, EXTRA_GROUP, Fault, Value};

/// One message: an item with its content pieces, or an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Line or number of the message in its input, from 1.
    pub line: u64,
    /// Its segments in order.
    pub segments: Vec<Segment>,
}

/// A segment with its fields by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Its name.
    pub name: String,
    /// Names and values; an empty value is absent.
    pub fields: Vec<(String, String)>,
}

/// A message that cannot be read; the next one can.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Line of the fault, from 1.
    pub line: u64,
    /// What is wrong, in words.
    pub reason: String,
}

/// A parser of messages. It bounds what it holds of one.
pub trait MessageSource {
    /// The next message, one that cannot be read, or nothing at the end.
    ///
    /// # Errors
    /// [`FormatError::Io`] when reading fails.
    fn next_message(&mut self) -> Result<Option<Result<Message, Unreadable>>, FormatError>;
}

/// A `[message]` as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MessageEntry {
    /// The segment that begins a message.
    pub(super) begins: String,
    /// The segment of which each is a goods item.
    goods: Option<String>,
    /// Whether fields without a place go into the group `extra`.
    #[serde(default)]
    pub(super) keep: bool,
}

/// Reads messages by a mapping.
///
/// # Errors
/// [`FormatError::NoMessages`] if the mapping is of CSV only.
pub fn messages<S: MessageSource>(source: S, mapping: &Mapping) -> Result<Messages<'_, S>, FormatError> {
    let Some(entry) = &mapping.message else {
        return Err(FormatError::NoMessages { mapping: mapping.name().to_owned() });
    };
    Ok(Messages { source, mapping, entry, ready: VecDeque::new(), ended: false })
}

/// The records of messages, see [`messages`]. A row is a goods segment, or a message without one. Its only error is [`FormatError::Io`],
/// after which it ends.
pub struct Messages<'m, S> {
    source: S,
    mapping: &'m Mapping,
    entry: &'m MessageEntry,
    ready: VecDeque<Row>,
    ended: bool,
}

impl<S: MessageSource> Iterator for Messages<'_, S> {
    type Item = Result<Row, FormatError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.ready.is_empty() && !self.ended {
            match self.source.next_message() {
                Ok(Some(Ok(message))) => self.take(&message),
                Ok(Some(Err(Unreadable { line, reason }))) => {
                    self.ready.push_back(Row::Refused(Trouble::new(Fault::Encoding, reason).at(line, 1)));
                }
                Ok(None) => self.ended = true,
                Err(error) => {
                    self.ended = true;
                    return Some(Err(error));
                }
            }
        }
        self.ready.pop_front().map(Ok)
    }
}

/// The fields of one segment, or of all that are not of goods.
type Fields<'a> = HashMap<&'a str, &'a str>;

impl<S> Messages<'_, S> {
    fn take(&mut self, message: &Message) {
        let goods = message.segments.iter().filter(|s| Some(&s.name) == self.entry.goods.as_ref()).count();
        let rows = goods.max(1) as u64;
        let made = self.fields(message).and_then(|(shared, goods, extra)| {
            let mut made = self.rows(message.line, &shared, &goods)?;
            if let (false, Some(Row::Record { content, .. })) = (extra.is_empty(), made.front_mut()) {
                put_extra(self.mapping, content, extra)?;
            }
            Ok(made)
        });
        match made {
            Ok(made) => self.ready.extend(made),
            Err(trouble) => self.ready.push_back(Row::Refused(trouble.at(message.line, rows))),
        }
    }

    fn rows(&self, line: u64, shared: &Fields<'_>, goods: &[Fields<'_>]) -> Result<VecDeque<Row>, Trouble> {
        let mut made = VecDeque::new();
        let record = values(&self.mapping.record.columns, shared, 0)?;
        if goods.is_empty() {
            let row = match content(self.mapping, line, record, Vec::new()) {
                Ok(content) => Row::Record { content, source: Source { line, rows: 1, charges: 0 } },
                Err(refusal) => Row::Refused(refusal),
            };
            made.push_back(row);
            return Ok(made);
        }
        let mut parcel = Parcel::new(line);
        for (item, piece) in goods.iter().enumerate() {
            let part = values(&self.mapping.goods.columns, piece, item).map(RowPart::Goods);
            parcel.add(self.mapping, line, false, part.map(|part| RowValues { record: record.clone(), part }));
        }
        parcel.finish(self.mapping, &mut made);
        Ok(made)
    }

    /// Fields that the message has once, those of each goods segment, and those without a place.
    fn fields<'a>(&self, message: &'a Message) -> Result<(Fields<'a>, Vec<Fields<'a>>, String), Trouble> {
        if message.segments.len() > MAX_ROWS_PER_RECORD {
            return Err(Trouble::new(Fault::Limit, format!("a message of more than {MAX_ROWS_PER_RECORD} segments")));
        }
        let (mut shared, mut goods, mut extra) = (Fields::new(), Vec::new(), String::new());
        let mut numbers: HashMap<&str, usize> = HashMap::new();
        for segment in &message.segments {
            let number = numbers.entry(&segment.name).and_modify(|number| *number += 1).or_insert(1);
            let of_goods = Some(&segment.name) == self.entry.goods.as_ref();
            if of_goods {
                goods.push(Fields::new());
            }
            let columns = if of_goods { &self.mapping.goods.columns } else { &self.mapping.record.columns };
            for (name, value) in segment.fields.iter().filter(|(_, value)| !value.is_empty()) {
                let used = columns.iter().any(|c| c.name == *name || c.factor.as_ref() == Some(name));
                let into = if of_goods { goods.last_mut() } else { Some(&mut shared) };
                let place = || Some(format!("{}.{name}", segment.name));
                if used {
                    if into.is_some_and(|into| into.insert(name, value).is_some()) {
                        let what = "the field stands twice in the message";
                        return Err(Trouble { column: place(), ..Trouble::new(Fault::Mapping, what) });
                    }
                } else if self.entry.keep {
                    extra.push_str(&format!("{}.{number}.{name}={}\n", segment.name, value.replace(['\r', '\n'], " ")));
                } else if !self.mapping.ignore.contains(name) {
                    let what = format!("mapping '{}' has no place for this field", self.mapping.name());
                    let hint = "hint: map it, list it under ignore, or keep = true under [message]";
                    return Err(Trouble { column: place(), ..Trouble::new(Fault::Mapping, format!("{what}\n{hint}")) });
                }
            }
        }
        Ok((shared, goods, extra))
    }
}

fn values(columns: &[Column], fields: &Fields<'_>, item: usize) -> Result<Values, Trouble> {
    let text = |name: &str| fields.get(name).copied().unwrap_or_default().as_bytes();
    let read = |column: &Column| {
        let value = column.cell.read(text(&column.name), column.factor.as_deref().map(text));
        value.map_err(|(fault, reason)| column.trouble(fault, item, reason))
    };
    columns.iter().map(read).collect()
}

/// Puts what has no place into the record, under the mapping's name.
fn put_extra(mapping: &Mapping, content: &mut Content, extra: String) -> Result<(), Trouble> {
    let no_room = || Trouble::new(Fault::Mapping, "the record type keeps no fields without a place");
    let (at, group) = mapping.table().group(EXTRA_GROUP).ok_or_else(no_room)?;
    let number = |name: &str| group.field(name).map(|field| field.number).ok_or_else(no_room);
    let scheme = Value::Text(mapping.name().to_uppercase());
    let fields = vec![(number("scheme")?, scheme), (number("content")?, Value::Bytes(extra.into_bytes()))];
    content.set(at, 0, vec![fields])?;
    content.check_complete()?;
    Ok(())
}

/// Reads segments as lines `SEGMENT|FIELD=value|FIELD=value`, UTF-8, by the segment that begins each message of the mapping. In a value `\|`
/// stands for `|`, `\\` for `\`. A line that cannot be read takes its message with it, no other.
pub fn segment_lines<R: BufRead>(input: R, mapping: &Mapping) -> SegmentLines<R> {
    let begins = mapping.message.as_ref().map(|entry| entry.begins.clone()).unwrap_or_default();
    SegmentLines { lines: Lines::new(input), text: Vec::new(), begins, pending: None }
}

/// See [`segment_lines`].
#[derive(Debug)]
pub struct SegmentLines<R> {
    lines: Lines<R>,
    text: Vec<u8>,
    begins: String,
    /// The first segment of the next message.
    pending: Option<Result<(u64, Segment), Unreadable>>,
}

impl<R: BufRead> MessageSource for SegmentLines<R> {
    fn next_message(&mut self) -> Result<Option<Result<Message, Unreadable>>, FormatError> {
        let (mut message, mut trouble, mut bytes) = (None, None, 0);
        match self.pending.take() {
            Some(Ok((line, first))) => message = Some(Message { line, segments: vec![first] }),
            Some(Err(broken)) => trouble = Some(broken),
            None => {}
        }
        loop {
            self.text.clear();
            if !self.lines.next(&mut self.text)? {
                break;
            }
            let (line, text) = (self.lines.line(), without_end(&self.text));
            if text.trim_ascii().is_empty() {
                continue;
            }
            let begins = text.split(|b| *b == b'|').next() == Some(self.begins.as_bytes());
            let segment = segment(text).map_err(|reason| Unreadable { line, reason });
            if begins {
                let first = segment.map(|segment| (line, segment));
                if message.is_some() || trouble.is_some() {
                    self.pending = Some(first);
                    break;
                }
                match first {
                    Ok((line, first)) => message = Some(Message { line, segments: vec![first] }),
                    Err(broken) => trouble = Some(broken),
                }
                continue;
            }
            bytes += text.len();
            match (segment, &mut message) {
                _ if trouble.is_some() => {}
                (Err(broken), _) => trouble = Some(broken),
                (Ok(_), None) => {
                    let reason = format!("a segment before any '{}', which begins a message", self.begins);
                    trouble = Some(Unreadable { line, reason });
                }
                (Ok(_), Some(m)) if bytes > MAX_LINE_BYTES || m.segments.len() > MAX_ROWS_PER_RECORD => {
                    let reason =
                        format!("a message of more than {MAX_LINE_BYTES} bytes or {MAX_ROWS_PER_RECORD} segments");
                    trouble = Some(Unreadable { line, reason });
                }
                (Ok(segment), Some(m)) => m.segments.push(segment),
            }
        }
        Ok(trouble.map(Err).or(message.map(Ok)))
    }
}

fn put(parts: &mut [String], c: char) {
    if let Some(part) = parts.last_mut() {
        part.push(c);
    }
}

/// The segment of a line.
fn segment(line: &[u8]) -> Result<Segment, String> {
    if line.len() > MAX_LINE_BYTES {
        return Err(format!("the line is longer than {MAX_LINE_BYTES} bytes"));
    }
    let line = std::str::from_utf8(line).map_err(|e| format!("not UTF-8 at byte {}", e.valid_up_to() + 1))?;
    let mut parts = vec![String::new()];
    let mut escaped = false;
    for c in line.chars() {
        match c {
            '\\' if !escaped => {
                escaped = true;
                continue;
            }
            '|' if !escaped => parts.push(String::new()),
            '|' | '\\' => put(&mut parts, c),
            _ if escaped => return Err(format!("'\\{c}' means nothing\nhint: \\| and \\\\ stand for | and \\")),
            _ => put(&mut parts, c),
        }
        escaped = false;
    }
    if escaped {
        return Err("the line ends within '\\'".into());
    }
    let mut parts = parts.into_iter();
    let name = parts.next().filter(|name| !name.is_empty()).ok_or("the line names no segment")?;
    let field = |part: String| match part.split_once('=') {
        Some((field, value)) if !field.is_empty() => Ok((field.to_owned(), value.to_owned())),
        _ => Err(format!("'{}' is not FIELD=value", super::cell::shortened(&part))),
    };
    Ok(Segment { name, fields: parts.map(field).collect::<Result<_, _>>()? })
}
