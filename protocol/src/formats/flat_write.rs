//! Writes the canonical CSV form, see [`super::flat`].
//!
//! Its header names every column, so whoever writes a stream of records knows the columns before: [`Columns`] takes them from the records
//! in a first pass, and holds no record.

use std::collections::{BTreeMap, HashMap};
use std::io::Write;

use super::flat::FIXED;
use super::guard::guarded;
use super::target::path_of;
use crate::record::{Content, Scope, TypeTable};

/// Columns that records need.
#[derive(Debug, Clone, Default)]
pub struct Columns {
    /// By type, group, occurrence and field.
    seen: HashMap<Place, usize>,
    /// By their order in the header: goods behind the rest, then as in the type that had them first.
    paths: Vec<(Order, String)>,
    by_path: BTreeMap<String, usize>,
}

type Place = (&'static str, u64, usize, usize, u8);
type Order = (bool, usize, usize, u8);

impl Columns {
    /// Adds those of a record.
    pub fn add(&mut self, content: &Content) {
        let table = content.table();
        each_field(content, |group, _, occurrence, field, _| {
            let place = (table.name, table.version, group, occurrence, field);
            if !self.seen.contains_key(&place) {
                self.meet(table, place);
            }
        });
    }

    /// How many there are beside `record`, `type`, `version`, `items` and `goods`.
    pub fn count(&self) -> usize {
        self.paths.len()
    }

    fn meet(&mut self, table: &'static TypeTable, place: Place) {
        let (_, _, position, occurrence, number) = place;
        let Some(group) = table.groups.get(position) else { return };
        let Some(field) = group.field_number(u64::from(number)) else { return };
        let path = path_of(group, occurrence, field.name);
        let next = self.paths.len();
        let at = *self.by_path.entry(path.clone()).or_insert(next);
        if at == next {
            self.paths.push(((group.scope == Scope::Item, position, occurrence, number), path));
        }
        self.seen.insert(place, at);
    }
}

/// Why a record cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum FlatError {
    /// The header does not have a column that it needs.
    #[error(
        "record {record}: {path} has no column\nhint: every record that is written must be given to Columns::add before"
    )]
    NoColumn {
        /// Its number in the file.
        record: u64,
        /// What is not in the header.
        path: String,
    },
    /// Writing failed.
    #[error("cannot write CSV: {0}")]
    Io(#[from] std::io::Error),
}

/// Writes records of any types.
pub struct FlatWriter<W: Write> {
    out: ::csv::Writer<W>,
    columns: Columns,
    /// Where in a row each of them stands.
    places: Vec<usize>,
    records: u64,
    /// Rows of one record, used again.
    rows: Vec<Vec<String>>,
}

impl<W: Write> FlatWriter<W> {
    /// Writes the header.
    ///
    /// # Errors
    /// [`FlatError::Io`].
    pub fn new(out: W, columns: Columns) -> Result<Self, FlatError> {
        let mut out = ::csv::WriterBuilder::new().from_writer(out);
        let mut order: Vec<_> = (0..columns.paths.len()).collect();
        order.sort_by_key(|at| &columns.paths[*at]);
        let mut places = vec![0; order.len()];
        for (place, at) in order.iter().enumerate() {
            places[*at] = FIXED.len() + place;
        }
        let paths = order.iter().map(|at| columns.paths[*at].1.as_str());
        out.write_record(FIXED.iter().copied().chain(paths)).map_err(io)?;
        Ok(Self { out, columns, places, records: 0, rows: Vec::new() })
    }

    /// Writes a record. One that is refused leaves no trace.
    ///
    /// # Errors
    /// [`FlatError`].
    pub fn write(&mut self, content: &Content) -> Result<(), FlatError> {
        let table = content.table();
        let (number, items) = (self.records + 1, content.items());
        let (width, count) = (FIXED.len() + self.places.len(), items.max(1));
        self.rows.resize_with(count.max(self.rows.len()), Vec::new);
        for (item, row) in self.rows.iter_mut().take(count).enumerate() {
            row.resize(width, String::new());
            row.iter_mut().for_each(String::clear);
            let goods = if items == 0 { String::new() } else { (item + 1).to_string() };
            let fixed =
                [number.to_string(), table.name.to_owned(), table.version.to_string(), items.to_string(), goods];
            row.iter_mut().zip(fixed).for_each(|(cell, text)| *cell = text);
        }
        let mut missing = None;
        let (rows, columns, places) = (&mut self.rows, &self.columns, &self.places);
        each_field(content, |group, item, occurrence, field, value| {
            let column = columns.seen.get(&(table.name, table.version, group, occurrence, field));
            let cell = column.and_then(|at| rows.get_mut(item)?.get_mut(*places.get(*at)?));
            match cell {
                Some(cell) => cell.push_str(&guarded(value, &value.to_string())),
                None => missing = missing.or(Some((group, occurrence, field))),
            }
        });
        if let Some((group, occurrence, field)) = missing {
            let group = &table.groups[group];
            let name = group.field_number(u64::from(field)).map_or("", |field| field.name);
            return Err(FlatError::NoColumn { record: number, path: path_of(group, occurrence, name) });
        }
        for row in self.rows.iter().take(count) {
            self.out.write_record(row).map_err(io)?;
        }
        self.records = number;
        Ok(())
    }

    /// Writes what is buffered and gives back the writer.
    ///
    /// # Errors
    /// [`FlatError::Io`].
    pub fn finish(self) -> Result<W, FlatError> {
        self.out.into_inner().map_err(|error| FlatError::Io(std::io::Error::other(error.to_string())))
    }
}

/// Gives each field: group, goods item, occurrence from 1, field, value.
pub(super) fn each_field(content: &Content, mut give: impl FnMut(usize, usize, usize, u8, &crate::record::Value)) {
    for (group, leaves) in content.groups().enumerate() {
        for item in (0..leaves.count()).filter(|item| leaves.get(*item).is_some_and(|leaf| !leaf.is_empty())) {
            for (occurrence, fields) in content.occurrences(group, item).iter().enumerate() {
                for (field, value) in fields {
                    give(group, item, occurrence + 1, *field, value);
                }
            }
        }
    }
}

/// Only writing can fail: rows have the width of the header.
pub(super) fn io(error: ::csv::Error) -> std::io::Error {
    match error.into_kind() {
        ::csv::ErrorKind::Io(error) => error,
        other => std::io::Error::other(format!("{other:?}")),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Row, flat, ndjson};
    use super::*;
    use crate::record::{Fault, content_from_json, content_to_json};
    use crate::testing::{any_content, content_of};

    fn written(contents: &[Content]) -> Vec<u8> {
        let mut columns = Columns::default();
        contents.iter().for_each(|content| columns.add(content));
        let mut writer = FlatWriter::new(Vec::new(), columns).unwrap();
        contents.iter().for_each(|content| writer.write(content).unwrap());
        writer.finish().unwrap()
    }

    fn read(input: &[u8]) -> Vec<Row> {
        flat(input).unwrap().map(Result::unwrap).collect()
    }

    fn refusals(input: &str) -> Vec<String> {
        let shown = |row| match row {
            Row::Record { source, .. } => format!("{}+{}", source.line, source.rows),
            Row::Refused(refusal) => refusal.to_string(),
        };
        read(input.as_bytes()).into_iter().map(shown).collect()
    }

    proptest! {
        #[test]
        fn csv_of_any_records_comes_back(contents in proptest::collection::vec(any_content(), 0..6)) {
            let csv = written(&contents);
            let mut line = 2;
            let expected = contents.iter().map(|content| {
                let rows = content.items().max(1) as u64;
                let source = super::super::Source { line, rows, charges: 0 };
                line += rows;
                Row::Record { content: content.clone(), source }
            });
            prop_assert_eq!(read(&csv), expected.collect::<Vec<_>>());
            // And what was read is written the same.
            prop_assert_eq!(written(&contents), csv);
        }

        #[test]
        fn ndjson_of_any_record_comes_back(content in any_content()) {
            let line = content_to_json(&content).to_string();
            prop_assert_eq!(content_from_json(&content_to_json(&content)), Ok(content.clone()));
            let rows: Vec<_> = ndjson(line.as_bytes()).map(Result::unwrap).collect();
            let same = matches!(&rows[..], [Row::Record { content: read, .. }] if *read == content);
            prop_assert!(same);
        }

        /// No cell of text begins with what a spreadsheet calculates.
        #[test]
        fn no_cell_is_a_formula(content in any_content()) {
            let csv = written(std::slice::from_ref(&content));
            let mut reader = ::csv::Reader::from_reader(csv.as_slice());
            for row in reader.records() {
                for cell in row.unwrap().iter() {
                    prop_assert!(!cell.starts_with(['=', '+', '@']) && (!cell.starts_with('-') || cell.parse::<f64>().is_ok()), "{cell}");
                }
            }
        }

        #[test]
        fn every_row_of_anything_is_accounted_for(content in any_content(), from in any::<usize>(), byte in any::<u8>()) {
            let mut csv = written(&[content.clone(), content.clone(), content]);
            let header = csv.iter().position(|b| *b == b'\n').unwrap() + 1;
            let at = header + from % (csv.len() - header);
            csv[at] = byte;
            // One byte is wrong: nothing panics, and the record that it is not in is read.
            let read_one = read(&csv).iter().any(|row| matches!(row, Row::Record { .. }));
            prop_assert!(read_one);
        }

        #[test]
        fn random_bytes_are_rows_or_refusals(body in proptest::collection::vec(any::<u8>(), 0..300), text in "[12,\n\"'a=.]{0,200}") {
            let header = b"record,type,version,items,goods,filing.own_reference,goods.value.amount\n";
            read(&[header, body.as_slice()].concat());
            let input = [header, text.as_bytes()].concat();
            let filled = input[header.len()..].split(|b| *b == b'\n').filter(|line| !line.is_empty()).count() as u64;
            prop_assert!(read(&input).iter().map(Row::rows).sum::<u64>() <= filled);
            let _ = flat(body.as_slice()).map(Iterator::count);
        }
    }

    const HEADER: &str = "record,type,version,items,goods,filing.own_reference,route.destination,declarant.1.role,\
declarant.2.role,goods.value.amount,order.number\n";

    #[test]
    fn a_record_is_read_whole_or_refused_with_its_place() {
        let rows = [
            "1,declaration,3,2,1,A,KR,importer,,1.5,",
            "1,declaration,3,2,2,A,,,,,",
            "2,declaration,3,0,,B,KR,,,,",
            "3,declaration,3,2,1,C,KR,,,1,",
            "4,declaration,3,1,1,D,KR,,importer,1,",
            "5,declaration,3,1,1,E,KR,,,x,",
            "6,declaration,9,1,1,F,KR,,,1,",
            "7,declaration,3,100,1,G,KR,,,1,",
            "8,declaration,3,0,,H,KR,,,1,",
            "9,declaration,3,0,1,I,KR,,,,",
            "10,declaration,3,2,1,J,KR,,,1,",
            "10,declaration,3,2,3,J,KR,,,1,",
            "11,declaration,3,2,1,K,KR,,,1,",
            "11,declaration,3,2,2,L,KR,,,1,",
            "12,declaration,3,0,,M,KR,,,,N",
            "13,declaration,3,0,,\"O,KR,,,,",
            "14,declaration,3,0,,'=P,KR,,,,",
            "15,declaration,3,1,1,Q,KR,,,1,",
            "15,declaration,3,1,2,Q,KR,,,1,",
            "16,declaration,3,0,,R,,,,,",
            "17,declaration,3,0,,S,KR",
        ];
        let expected = [
            "2+2",
            "4+1",
            "line 5: goods item 2 of 2 is missing",
            "line 6: declarant.2 is there, but declarant.1 is not",
            "line 7, column 'goods.value.amount': 'x' is not a decimal of at most 16 digits, 2 after the point",
            "line 8, column 'type': no record type declaration version 9",
            "line 9, column 'items': '100' is not a number of goods items, 0 to 99",
            "line 10, column 'goods.value.amount': the record has no goods items",
            "line 11, column 'goods': '1' here, but expected an empty cell, the record has no goods items",
            "line 13, column 'goods': '3' here, but expected goods item 2 of 2 (2 rows refused)",
            "line 15, column 'filing.own_reference': it differs from the record's first row (2 rows refused)",
            "line 17: a quote is opened and not closed\nhint: in a quoted cell a quote is doubled",
            "line 16, column 'order.number': declaration version 3 has no such field",
            "18+1",
            "line 20, column 'goods': '2' here, but expected no further row of this record (2 rows refused)",
            "line 22: the row has 7 cells, the header has 11\nhint: a cell with the delimiter in it is quoted",
            "line 21: /route/destination: a record of this type must have it",
        ];
        let mut found = refusals(&format!("{HEADER}{}\n", rows.join("\n")));
        found[15..].iter_mut().for_each(|text| *text = text.replace("declaration must", "record of this type must"));
        assert_eq!(found, expected);
    }

    #[test]
    fn headers_are_checked() {
        let refused = |header: &str| flat(header.as_bytes()).unwrap_err().to_string();
        assert!(refused("").contains("the file is empty"));
        assert!(refused("record,type,version,goods\n").contains("column 'items' is missing"));
        assert!(refused("record,type,version,items,goods,record\n").contains("column 'record' stands twice"));
        assert!(
            refused("record,type,version,items,goods,route.speed\n")
                .contains("no record type has a field 'route.speed'")
        );
        assert!(flat("order.number,goods,items,version,type,record,\u{e9}\n".as_bytes()).is_err());
    }

    #[test]
    fn a_column_that_was_not_announced_is_named() {
        let content = content_of(&crate::record::DECLARATION, 1, u32::MAX, 1);
        let mut writer = FlatWriter::new(Vec::new(), Columns::default()).unwrap();
        let error = writer.write(&content).unwrap_err().to_string();
        assert!(error.starts_with("record 1: filing.own_reference has no column"), "{error}");
        assert_eq!(writer.finish().unwrap(), format!("{}\n", FIXED.join(",")).as_bytes());
    }

    #[test]
    fn what_is_not_text_is_refused_where_it_stands() {
        let body = b"1,declaration,3,0,,\xff,KR,,,,\n2,declaration,3,0,,B,KR,,,,\n";
        let rows = read(&[HEADER.as_bytes(), body].concat());
        assert!(
            matches!(&rows[0], Row::Refused(r) if r.fault == Fault::Encoding && r.pointer == "/filing/own_reference")
        );
        assert!(matches!(&rows[1], Row::Record { .. }));
    }

    #[test]
    fn an_endless_line_or_quote_costs_its_row_only() {
        let good = "1,declaration,3,0,,A,KR,,,,\n";
        let long = format!("2,declaration,3,0,,{},KR,,,,\n", "x".repeat(crate::limits::MAX_LINE_BYTES));
        let open = format!("3,declaration,3,0,,\"B,KR,,,,\n{}", good.replacen("1,", "4,", 1).repeat(3));
        let rows = read(format!("{HEADER}{good}{long}{open}").as_bytes());
        let told = rows.iter().map(|row| match row {
            Row::Record { source, .. } => (source.line, source.rows, None),
            Row::Refused(refusal) => (refusal.line, refusal.rows, Some(refusal.fault)),
        });
        let told: Vec<_> = told.collect();
        // The rows under one number are one record, and one without goods has one row.
        let expected =
            [(3, 1, Some(Fault::Limit)), (4, 1, Some(Fault::Mapping)), (2, 1, None), (6, 3, Some(Fault::Mapping))];
        assert_eq!(told, expected);
    }
}
