//! Stand-in until `luxor_protocol::formats` is there: NDJSON only.

use std::io::{BufRead, Read};

use luxor_protocol::record::{Content, Fault, content_from_json};

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct FormatError(String);
pub(super) struct Source {
    pub(super) line: u64,
    pub(super) rows: u64,
}
pub(super) struct Refusal {
    pub(super) line: u64,
    pub(super) rows: u64,
    pub(super) column: Option<String>,
    pub(super) fault: Fault,
    pub(super) pointer: String,
    pub(super) reason: String,
}
#[allow(clippy::large_enum_variant)]
pub(super) enum Row {
    Record { content: Content, source: Source },
    Refused(Refusal),
}
pub(super) struct Mapping;
impl Mapping {
    pub(super) fn parse(_: &str) -> Result<Self, FormatError> {
        Ok(Self)
    }
    pub(super) fn builtin(name: &str) -> Option<&'static str> {
        (name == "bacuda").then_some("")
    }
}
pub(super) fn csv(_: impl Read, _: &Mapping) -> Result<std::vec::IntoIter<Result<Row, FormatError>>, FormatError> {
    Err(FormatError("CSV is not there yet".into()))
}
pub(super) fn ndjson(reader: impl BufRead) -> impl Iterator<Item = Result<Row, FormatError>> {
    reader.lines().enumerate().map(|(at, line)| {
        let at = at as u64 + 1;
        let line = line.map_err(|e| FormatError(e.to_string()))?;
        let refuse = |fault, pointer: String, reason: String| {
            Row::Refused(Refusal { line: at, rows: 1, column: None, fault, pointer, reason })
        };
        Ok(match serde_json::from_str(&line) {
            Err(e) => refuse(Fault::Encoding, String::new(), e.to_string()),
            Ok(json) => match content_from_json(&json) {
                Ok(content) => Row::Record { content, source: Source { line: at, rows: 1 } },
                Err(e) => refuse(e.fault, e.pointer, e.what),
            },
        })
    })
}
