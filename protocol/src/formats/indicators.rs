//! Indicators from a table: CSV of which each row is one record of type `indicator`, with a column for each field that it uses.
//!
//! ```csv
//! reference,threat,confidence,tlp,advice,hs,origin,party_name
//! A-17,counterfeit,60,amber,inspect,9503|950300,CN|,Example Maritime SA
//! ```
//!
//! What an indicator has once (its `text`, its mass) is the whole cell. Of what it may have several times, `|` divides the values: the columns
//! of one group pair up by their places, so all that are not empty have as many values, and a place may be empty. So nothing is paired by
//! guess, which could make an indicator broader than it is meant. Not here: other formats of indicators ([`crate::threats`]).

use std::collections::HashMap;
use std::io::Read;

use ::csv::ByteRecord;

use super::csv::{Splitter, check_width, header, read_row, splitter};
use super::guard::unguarded;
use super::{FormatError, Row, Source, Trouble};
use crate::limits::MAX_INDICATORS_OF_ISSUER;
use crate::names::MemberId;
use crate::record::{Content, Fault, Field, Group, INDICATOR, Kind, Occurrences, Value};
use crate::threats::{Indicator, IndicatorError, IndicatorId};
use crate::time::{Day, Millis};

/// The columns: name, group, field.
const COLUMNS: [(&str, &str, &str); 43] = [
    ("id", "indicator", "id"),
    ("reference", "reference", "own_reference"),
    ("revision", "reference", "revision"),
    ("action", "reference", "action"),
    ("valid_from", "indicator", "valid_from"),
    ("valid_until", "indicator", "valid_until"),
    ("threat", "indicator", "threat"),
    ("confidence", "indicator", "confidence"),
    ("tlp", "indicator", "tlp"),
    ("advice", "indicator", "advice"),
    ("name", "indicator", "name"),
    ("text", "indicator", "text"),
    ("list", "indicator", "list"),
    ("list_id", "indicator", "list_id"),
    ("supersedes", "indicator", "supersedes"),
    ("hs", "goods_sought", "hs"),
    ("words", "goods_sought", "words"),
    ("origin", "goods_sought", "origin"),
    ("value_from", "goods_sought", "value_from"),
    ("value_to", "goods_sought", "value_to"),
    ("currency", "goods_sought", "currency"),
    ("net_kg_from", "goods_sought", "net_kg_from"),
    ("net_kg_to", "goods_sought", "net_kg_to"),
    ("departure", "routes_sought", "departure"),
    ("destination", "routes_sought", "destination"),
    ("first_entry", "routes_sought", "first_entry"),
    ("transit", "routes_sought", "transit"),
    ("mode", "routes_sought", "mode"),
    ("office", "routes_sought", "office"),
    ("party_role", "parties_sought", "role"),
    ("party_id", "parties_sought", "id"),
    ("party_name", "parties_sought", "name"),
    ("party_country", "parties_sought", "country"),
    ("platform", "parties_sought", "platform"),
    ("prefix", "numbers_sought", "prefix"),
    ("operator", "numbers_sought", "operator"),
    ("mass_from_kg", "mass_sought", "from_kg"),
    ("mass_to_kg", "mass_sought", "to_kg"),
    ("site", "sites", "url"),
    ("merged_issuer", "merges", "issuer"),
    ("merged_id", "merges", "indicator"),
    ("merged_grade", "merges", "grade"),
    ("merged_text", "merges", "text"),
];

/// The columns, with two rows to begin from.
pub const INDICATORS_TEMPLATE: &str = include_str!("indicators.csv");

/// Reads a table of indicators: commas, UTF-8, a header line. Columns may come in any order, and those that are not used may be left out.
/// What has no `id` has the same one each time for the same `issuer` and `reference`; what has no `valid_from` holds from `made_at`, and what
/// has no `valid_until` for so many `days`. A day stands for its first moment.
///
/// # Errors
/// [`FormatError`] when the header cannot be read, or names a column that there is not, or one twice.
pub fn indicators<R: Read>(
    input: R,
    issuer: &MemberId,
    made_at: Millis,
    days: u64,
) -> Result<Indicators<'_, R>, FormatError> {
    let mut reader = splitter(input, b',');
    let mut cells = ByteRecord::new();
    let wrong = |what: String| FormatError::Indicators { what };
    let names = header(&mut reader, &mut cells)?.ok_or_else(|| wrong("the file is empty".into()))?;
    let mut columns: Vec<Column> = Vec::new();
    for name in names.iter().map(|name| name.trim()) {
        let column = Column::named(name).ok_or_else(|| wrong(format!("there is no column '{name}'")))?;
        if columns.iter().any(|before| before.name == column.name) {
            return Err(wrong(format!("column '{name}' stands twice")));
        }
        columns.push(column);
    }
    Ok(Indicators { reader, cells, columns, issuer, made_at, days, seen: HashMap::new(), ended: false })
}

/// The rows of a table, see [`indicators()`]. Its only error is [`FormatError::Io`], after which it ends.
#[derive(Debug)]
pub struct Indicators<'a, R> {
    reader: Splitter<R>,
    cells: ByteRecord,
    columns: Vec<Column>,
    issuer: &'a MemberId,
    made_at: Millis,
    days: u64,
    /// Indicators and their revisions, by the lines that they stand on.
    seen: HashMap<(IndicatorId, u64), u64>,
    ended: bool,
}

/// What a column fills.
#[derive(Debug, Clone, Copy)]
struct Column {
    name: &'static str,
    position: usize,
    group: &'static Group,
    field: &'static Field,
}

impl Column {
    fn named(name: &str) -> Option<Self> {
        let (name, group, field) = *COLUMNS.iter().find(|(column, ..)| *column == name)?;
        Self::of(name, group, field)
    }

    fn of(name: &'static str, group: &str, field: &str) -> Option<Self> {
        let (position, group) = INDICATOR.group(group)?;
        Some(Self { name, position, group, field: group.field(field)? })
    }

    fn value(&self, text: &str) -> Result<Value, Trouble> {
        if let (Kind::Time, Ok(day)) = (self.field.kind, text.parse::<Day>()) {
            return self.value(&format!("{day}T00:00:00Z"));
        }
        self.field.kind.parse(text).map_err(|error| trouble(self.name, Fault::Value, error.to_string()))
    }
}

fn trouble(column: &str, fault: Fault, reason: impl Into<String>) -> Trouble {
    Trouble { column: Some(column.to_owned()), ..Trouble::new(fault, reason) }
}

impl<R: Read> Iterator for Indicators<'_, R> {
    type Item = Result<Row, FormatError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        match read_row(&mut self.reader, &mut self.cells) {
            Ok(Some((line, read))) => Some(Ok(match read.and_then(|()| self.record(line)) {
                Ok(content) => Row::Record { content, source: Source { line, rows: 1, charges: 0 } },
                Err(trouble) => Row::Refused(trouble.at(line, 1)),
            })),
            Ok(None) => {
                self.ended = true;
                None
            }
            Err(error) => {
                self.ended = true;
                Some(Err(error))
            }
        }
    }
}

impl<R> Indicators<'_, R> {
    /// The record of the row in `cells`.
    fn record(&mut self, line: u64) -> Result<Content, Trouble> {
        check_width(self.cells.len(), self.columns.len())?;
        let mut filled = Filled::default();
        for (column, cell) in self.columns.iter().zip(&self.cells) {
            let cell = std::str::from_utf8(unguarded(cell));
            let cell = cell.map_err(|_| trouble(column.name, Fault::Encoding, "the cell is not UTF-8"))?.trim();
            if !cell.is_empty() {
                filled.add(column, cell)?;
            }
        }
        self.fill(&mut filled)?;
        let content = filled.content()?;
        let indicator = Indicator::read(self.issuer, &content).map_err(refused)?;
        if self.seen.len() >= MAX_INDICATORS_OF_ISSUER {
            return Err(Trouble::new(
                Fault::Limit,
                format!("more than {MAX_INDICATORS_OF_ISSUER} indicators of one issuer"),
            ));
        }
        let (id, revision) = (indicator.id, indicator.revision);
        match self.seen.get(&(id.clone(), revision)) {
            Some(before) => {
                let what = format!(
                    "{id} stands on line {before} already\nhint: a later revision has a higher number in column 'revision'"
                );
                Err(Trouble::new(Fault::Mapping, what))
            }
            None => {
                self.seen.insert((id, revision), line);
                Ok(content)
            }
        }
    }

    /// What a row need not say.
    fn fill(&self, filled: &mut Filled) -> Result<(), Trouble> {
        let reference = filled.get("reference", "own_reference").map(ToString::to_string);
        let id = filled.get("indicator", "id").map(ToString::to_string);
        match (&reference, id) {
            (Some(reference), None) => {
                let id = IndicatorId::derived(&["indicator", self.issuer.as_str(), reference]);
                filled.set("indicator", "id", Value::Text(id.as_str().to_owned()));
            }
            (None, Some(id)) => filled.set("reference", "own_reference", Value::Text(id)),
            (None, None) => return Err(trouble("reference", Fault::Missing, "neither a reference nor an id")),
            (Some(_), Some(_)) => {}
        }
        filled.set("reference", "made_at", Value::Time(self.made_at));
        let from = match filled.get("indicator", "valid_from") {
            Some(Value::Time(from)) => *from,
            _ => self.made_at,
        };
        filled.set("indicator", "valid_from", Value::Time(from));
        if filled.get("indicator", "valid_until").is_none() {
            filled.set("indicator", "valid_until", Value::Time(from.plus_days(self.days)));
        }
        let missing = COLUMNS.iter().find(|(name, group, field)| {
            let mandatory = Column::of(name, group, field).is_some_and(|column| column.field.mandatory);
            mandatory && *group == "indicator" && filled.get(group, field).is_none()
        });
        match missing {
            Some((name, ..)) => Err(trouble(name, Fault::Missing, "it is empty, and every indicator has it")),
            None => Ok(()),
        }
    }
}

/// The groups of a record, by their positions: occurrences, and the column that came first.
#[derive(Debug, Default)]
struct Filled(Vec<(usize, &'static str, Occurrences)>);

impl Filled {
    fn add(&mut self, column: &Column, cell: &str) -> Result<(), Trouble> {
        let values: Vec<&str> = match column.group.repeats {
            true => cell.split('|').map(str::trim).collect(),
            false => vec![cell],
        };
        let at = match self.0.iter().position(|(position, ..)| *position == column.position) {
            Some(at) => at,
            None => {
                self.0.push((column.position, column.name, vec![Vec::new(); values.len()]));
                self.0.len() - 1
            }
        };
        let (_, first, occurrences) = &mut self.0[at];
        if occurrences.len() != values.len() {
            let (told, before) = (values.len(), occurrences.len());
            let what = format!(
                "{told} values, but {before} in column '{first}'\nhint: they pair up by their places; a place may be empty: 'CN|'"
            );
            return Err(trouble(column.name, Fault::Mapping, what));
        }
        for (value, occurrence) in values.into_iter().zip(occurrences) {
            if !value.is_empty() {
                occurrence.push((column.field.number, column.value(value)?));
            }
        }
        Ok(())
    }

    fn field(group: &str, field: &str) -> Option<(usize, &'static Group, u8)> {
        let (position, group) = INDICATOR.group(group)?;
        Some((position, group, group.field(field)?.number))
    }

    fn get(&self, group: &str, field: &str) -> Option<&Value> {
        let (position, _, number) = Self::field(group, field)?;
        let (.., occurrences) = self.0.iter().find(|(at, ..)| *at == position)?;
        occurrences.first()?.iter().find(|(at, _)| *at == number).map(|(_, value)| value)
    }

    /// Sets a field of a group that stands once.
    fn set(&mut self, group: &str, field: &str, value: Value) {
        let Some((position, group, number)) = Self::field(group, field) else { return };
        match self.0.iter_mut().find(|(at, ..)| *at == position) {
            None => self.0.push((position, group.name, vec![vec![(number, value)]])),
            Some((.., occurrences)) => {
                for occurrence in occurrences.iter_mut().take(1) {
                    occurrence.retain(|(at, _)| *at != number);
                    occurrence.push((number, value.clone()));
                }
            }
        }
    }

    fn content(self) -> Result<Content, Trouble> {
        let mut content = Content::empty(&INDICATOR, 0);
        for (position, first, occurrences) in self.0 {
            if let Some(at) = occurrences.iter().position(Vec::is_empty) {
                let what = format!("nothing stands at place {} of its columns", at + 1);
                return Err(trouble(first, Fault::Mapping, what));
            }
            content.set(position, 0, occurrences)?;
        }
        content.check_complete()?;
        Ok(content)
    }
}

/// Why the record of a row is no indicator, with the column.
fn refused(error: IndicatorError) -> Trouble {
    let column = match &error {
        IndicatorError::Value { place, .. } => {
            let parts: Vec<&str> = place.split('/').collect();
            let (group, field) = (parts.first(), parts.last());
            let of = |(_, of, name): &&(&str, &str, &str)| Some(of) == group && Some(name) == field;
            // A place without a field is a row of the group.
            COLUMNS.iter().find(of).or_else(|| COLUMNS.iter().find(|(_, of, _)| Some(of) == group))
        }
        IndicatorError::Missing(field) => {
            COLUMNS.iter().find(|(_, group, name)| (*group, name) == ("indicator", field))
        }
        IndicatorError::Long { .. } | IndicatorError::Ends => COLUMNS.iter().find(|(name, ..)| *name == "valid_until"),
        IndicatorError::Type(_) | IndicatorError::NoCoordinator { .. } => None,
    };
    Trouble { column: column.map(|(name, ..)| (*name).to_owned()), ..Trouble::new(Fault::Value, error.to_string()) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::record::content_to_json;
    use proptest::prelude::*;
    use serde_json::json;

    const MADE: Millis = Millis(1_795_737_600_000); // 2026-11-27
    const MAIN: &str = "reference,threat,confidence,tlp,advice";
    const ROW: &str = "A-1,counterfeit,60,amber,inspect";

    fn issuer() -> MemberId {
        "customs-a".parse().unwrap()
    }

    fn rows(text: &str) -> Vec<Row> {
        let issuer = issuer();
        indicators(text.as_bytes(), &issuer, MADE, 30).unwrap().collect::<Result<_, _>>().unwrap()
    }

    /// The first row of a table with more columns, in JSON or as it is refused.
    fn first(columns: &str, cells: &str) -> serde_json::Value {
        match rows(&format!("{MAIN}{columns}\n{ROW}{cells}\n")).remove(0) {
            Row::Record { content, .. } => content_to_json(&content),
            Row::Refused(refusal) => refusal.to_string().into(),
        }
    }

    #[test]
    fn columns_of_a_group_pair_up_by_their_places() {
        let told =
            first(",hs,origin,party_name,mass_to_kg,site", ",9503| 950300,CN|,Example SA|Acme,2.5,https://a.example");
        assert_eq!(told["goods_sought"], json!([{ "hs": "9503", "origin": "CN" }, { "hs": "950300" }]));
        assert_eq!(told["parties_sought"], json!([{ "name": "Example SA" }, { "name": "Acme" }]));
        assert_eq!(told["mass_sought"], json!({ "to_kg": "2.5" }));
        assert_eq!(told["sites"], json!([{ "url": "https://a.example" }]));
        let refused = first(",hs,origin", ",9503|950300,CN");
        assert_eq!(
            refused,
            "line 2, column 'origin': 1 values, but 2 in column 'hs'\nhint: they pair up by their places; a place may be empty: 'CN|'"
        );
        let refused = first(",hs,origin", ",9503||95,CN||CN");
        assert_eq!(refused, "line 2, column 'hs': nothing stands at place 2 of its columns");
        // What stands once is the whole cell.
        assert_eq!(first(",text", ",this | that")["indicator"]["text"], "this | that");
    }

    #[test]
    fn what_is_not_said_is_the_same_each_time() {
        let (one, other) = (first("", ""), first(",name", ",Toys"));
        assert_eq!(one["indicator"]["id"], other["indicator"]["id"]);
        assert_eq!(one["indicator"]["valid_from"], MADE.to_string());
        assert_eq!(one["indicator"]["valid_until"], MADE.plus_days(30).to_string());
        assert_eq!(one["reference"], json!({ "own_reference": "A-1", "made_at": MADE.to_string() }));
        let days = first(",valid_from,valid_until", ",2026-12-01,2026-12-02T12:00:00Z");
        assert_eq!(days["indicator"]["valid_from"], "2026-12-01T00:00:00.000Z");
        assert_eq!(days["indicator"]["valid_until"], "2026-12-02T12:00:00.000Z");
        let id = one["indicator"]["id"].as_str().unwrap();
        let own = rows(&format!("id,threat,confidence,tlp,advice\n{id},counterfeit,60,amber,inspect\n")).remove(0);
        let Row::Record { content, .. } = own else { panic!("{own:?}") };
        assert_eq!(content_to_json(&content)["reference"]["own_reference"], id);
    }

    #[test]
    fn each_refused_row_is_named_by_line_column_and_reason() {
        let of = |text: &str| -> Vec<String> {
            rows(text)
                .into_iter()
                .map(|row| match row {
                    Row::Record { source, .. } => format!("line {}: a record", source.line),
                    Row::Refused(refusal) => refusal.to_string().lines().next().unwrap().to_owned(),
                })
                .collect()
        };
        let table = format!(
            "{MAIN},revision,party_id,valid_until,currency,value_to\n{ROW},,,,,\n{ROW},,,,,\n{ROW},1,--,,,\n\
             ,counterfeit,60,amber,inspect,,,,,\nA-2,bees,60,amber,inspect,,,,,\nA-3,,60,amber,inspect,,,,,\n\
             A-4,other,60,amber,inspect,,,2026-11-27,,\nA-5,other,60,amber,inspect,,,2036-11-27,,\n\
             A-6,other,60,amber,inspect,,,,,5\nA-7,other,101,amber,inspect,,,,,\nA-8,other\n{ROW},1,,,,\n"
        );
        let told = of(&table);
        let expected = [
            "line 2: a record",
            "line 3: indicator--",
            "line 4, column 'party_id': /parties_sought/1/id: no letter and no digit",
            "line 5, column 'reference': neither a reference nor an id",
            "line 6, column 'threat': 'bees' is not",
            "line 7, column 'threat': it is empty, and every indicator has it",
            "line 8, column 'valid_until': /indicator/valid_until: not after valid_from",
            "line 9, column 'valid_until': /indicator/valid_until: 3653 days after valid_from",
            "line 10, column 'currency': /goods_sought/1/currency: a value is sought without its currency",
            "line 11, column 'confidence': '101' is not",
            "line 12: the row has 2 cells, the header has 10",
            "line 13: a record",
        ];
        assert_eq!(told.len(), expected.len(), "{told:#?}");
        for (told, expected) in told.iter().zip(expected) {
            assert!(told.starts_with(expected), "{told}\n{expected}");
        }
        assert!(told[1].contains("stands on line 2 already"), "{}", told[1]);
        let issuer = issuer();
        let header = |text: &str| indicators(text.as_bytes(), &issuer, MADE, 30).unwrap_err().to_string();
        assert!(header("reference,colour\n").contains("there is no column 'colour'"));
        assert!(header("hs,reference,hs\n").contains("column 'hs' stands twice"));
        assert!(header("").contains("the file is empty"));
    }

    #[test]
    fn the_template_has_every_column_and_is_read() {
        let header: Vec<&str> = INDICATORS_TEMPLATE.lines().next().unwrap().split(',').collect();
        assert_eq!(header, COLUMNS.map(|(name, ..)| name));
        assert!(COLUMNS.iter().all(|(name, group, field)| Column::of(name, group, field).is_some()));
        let read = rows(INDICATORS_TEMPLATE);
        assert_eq!(read.len(), 2);
        assert!(read.iter().all(|row| matches!(row, Row::Record { .. })), "{read:#?}");
    }

    proptest! {
        /// Whatever is in a table, each of its rows gives a record that is an indicator, or says why not.
        #[test]
        fn any_table_is_read_to_its_end(cells in prop::collection::vec("[|,\"A-Z0-9a-z'-]{0,12}", 1..12)) {
            let columns: Vec<&str> = COLUMNS.iter().map(|(name, ..)| *name).take(cells.len()).collect();
            let issuer = issuer();
            let text = format!("{}\n{}\n{ROW}\n", columns.join(","), cells.join(","));
            for row in indicators(text.as_bytes(), &issuer, MADE, 30).unwrap() {
                if let Row::Record { content, .. } = row.unwrap() {
                    prop_assert!(Indicator::read(&issuer, &content).is_ok());
                }
            }
        }
    }
}
