//! NDJSON: one record in the native JSON form a line.
//!
//! Not in: what a record may hold, that is [`crate::record::content_from_json`]'s.

use std::collections::btree_map::Entry;
use std::fmt;
use std::io::BufRead;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value as Json};

use super::lines::{Lines, without_end};
use super::{FormatError, Row, Source, Trouble};
use crate::limits::MAX_LINE_BYTES;
use crate::record::{Content, Fault, content_from_json};

/// Reads one record a line; lines of white space are skipped.
pub fn ndjson<R: BufRead>(input: R) -> Ndjson<R> {
    Ndjson { lines: Lines::new(input), text: Vec::new(), ended: false }
}

/// The rows of an NDJSON file, see [`ndjson`]. Its only error is [`FormatError::Io`], after which it ends.
#[derive(Debug)]
pub struct Ndjson<R> {
    lines: Lines<R>,
    text: Vec<u8>,
    ended: bool,
}

impl<R: BufRead> Iterator for Ndjson<R> {
    type Item = Result<Row, FormatError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            self.text.clear();
            match self.lines.next(&mut self.text) {
                Ok(true) => {}
                Ok(false) => self.ended = true,
                Err(error) => {
                    self.ended = true;
                    return Some(Err(error));
                }
            }
            let text = without_end(&self.text);
            if text.trim_ascii().is_empty() {
                continue;
            }
            let line = self.lines.line();
            return Some(Ok(match record(text) {
                Ok(content) => Row::Record { content, source: Source { line, rows: 1, charges: 0 } },
                Err(trouble) => Row::Refused(trouble.at(line, 1)),
            }));
        }
        None
    }
}

/// The record of a line.
fn record(text: &[u8]) -> Result<Content, Trouble> {
    let unreadable =
        |at: usize, reason| Trouble { column: Some(at.to_string()), ..Trouble::new(Fault::Encoding, reason) };
    if text.len() > MAX_LINE_BYTES {
        return Err(Trouble::new(Fault::Limit, format!("the line is longer than {MAX_LINE_BYTES} bytes")));
    }
    let text = std::str::from_utf8(text).map_err(|e| unreadable(e.valid_up_to() + 1, "not UTF-8".to_owned()))?;
    let Strict(json) = serde_json::from_str(text).map_err(|e| {
        // serde_json ends its message with a position in the text that it was given, which is always line 1.
        let message = e.to_string();
        let message = message.rsplit_once(" at line ").map_or(&*message, |(what, _)| what);
        unreadable(e.column(), format!("not valid JSON: {message}"))
    })?;
    Ok(content_from_json(&json)?)
}

/// JSON in which a name stands at most once in an object. `serde_json::Value` keeps the last of several, so that two
/// readers could see two different declarations in one line.
struct Strict(Json);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Strict)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Json, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Json, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Json, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Json, E> {
        // No field takes it; it is kept only so that the refusal names the field.
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Json, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json, A::Error> {
        let mut values = Vec::new();
        while let Some(Strict(value)) = list.next_element()? {
            values.push(value);
        }
        Ok(values.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Json, A::Error> {
        let mut values = std::collections::BTreeMap::new();
        while let Some(name) = object.next_key::<String>()? {
            match values.entry(name) {
                Entry::Vacant(slot) => _ = slot.insert(object.next_value::<Strict>()?.0),
                Entry::Occupied(slot) => return Err(A::Error::custom(format!("'{}' stands twice", slot.key()))),
            }
        }
        Ok(Map::from_iter(values).into())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GOOD: &str = r#"{"type":"declaration","filing":{"own_reference":"A1"},"route":{"destination":"KR"}}"#;

    fn rows(input: &[u8]) -> Vec<Row> {
        ndjson(input).collect::<Result<_, _>>().unwrap()
    }

    fn refusals(input: &[u8]) -> Vec<(u64, Option<String>, Fault, String, String)> {
        let refused = |row| match row {
            Row::Refused(r) => Some((r.line, r.column, r.fault, r.pointer, r.reason)),
            Row::Record { .. } => None,
        };
        rows(input).into_iter().filter_map(refused).collect()
    }

    #[test]
    fn each_line_is_judged_alone() {
        let long = "x".repeat(MAX_LINE_BYTES + 1);
        let mut input = format!("{GOOD}\n\n{{\"type\": \n{GOOD}\r\n  \n{long}\n").into_bytes();
        input.extend_from_slice(b"{\"a\":\"\xff\"}\n");
        input.extend_from_slice(
            br#"{"type":"declaration","filing":{"own_reference":"A1"},"route":{"destination":"kr"}}"#,
        );
        input.extend_from_slice(format!("\n{{\"type\":\"declaration\",\"type\":\"x\"}}\n{GOOD}").as_bytes());
        let rows = rows(&input);
        let records = rows.iter().filter_map(|row| match row {
            Row::Record { source, .. } => Some((source.line, source.rows)),
            Row::Refused(_) => None,
        });
        assert_eq!(records.collect::<Vec<_>>(), [(1, 1), (4, 1), (10, 1)]);
        let refused = refusals(&input);
        let places: Vec<_> = refused.iter().map(|r| (r.0, r.1.as_deref(), r.2, r.3.as_str())).collect();
        let expected = [
            (3, Some("9"), Fault::Encoding, ""),
            (6, None, Fault::Limit, ""),
            (7, Some("7"), Fault::Encoding, ""),
            (8, None, Fault::Value, "/route/destination"),
            (9, Some("28"), Fault::Encoding, ""),
        ];
        assert_eq!(places, expected);
        assert_eq!(refused[0].4, "not valid JSON: EOF while parsing a value");
        assert!(refused[4].4.contains("'type' stands twice"), "{}", refused[4].4);
    }

    proptest! {
        #[test]
        fn every_line_is_accounted_for(lines in proptest::collection::vec(
            prop_oneof![Just(GOOD.as_bytes().to_vec()), proptest::collection::vec(any::<u8>(), 0..40)], 0..20,
        )) {
            let input = lines.join(&b'\n');
            let body = input.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&input);
            let filled = body.split(|b| *b == b'\n').filter(|line| !line.trim_ascii().is_empty()).count();
            prop_assert_eq!(rows(&input).iter().map(Row::rows).sum::<u64>(), filled as u64);
        }
    }
}
