//! A mapping in reverse: CSV with the columns of a mapping, from records of its type.
//!
//! Exact or refused: what is written for a record is read again by the mapping before it is given out, and must be the same record. So
//! nothing is lost or changed unseen, whatever the mapping does. The rules:
//! - A constant is not written; a record that has something else there is refused. An occurrence of a repeated group goes into the columns
//!   whose constants it has (`declarant.2.role = "importer"`), in order.
//! - Of several texts that mean one value the first in alphabetical order is written ([`super::uncell`]).
//! - A group that the mapping lists under `leave_out` is left out, and nothing else.
//! - A mapping that multiplies columns or adds up charges cannot be reversed, nor one that groups rows by a column that is no field.
//! - Records that follow each other under one key would be read as one parcel; the second is refused.

use std::collections::HashMap;
use std::io::Write;

use super::Row;
use super::csv::Csv;
use super::flat_write::{each_field, io};
use super::guard::guarded;
use super::mapping::Mapping;
use super::parcel::{Part, Side};
use super::plan::Column;
use crate::record::{Content, Scope, Value};

/// Why CSV cannot be written by a mapping.
#[derive(Debug, thiserror::Error)]
pub enum BackError {
    /// The mapping gives no way back.
    #[error("mapping '{mapping}' reads but does not write: {what}\nhint: write canonical CSV, or use another mapping")]
    OneWay {
        /// Its name.
        mapping: String,
        /// What cannot be reversed.
        what: String,
    },
    /// The record is of another type.
    #[error("mapping '{mapping}' writes {wanted}, the record is a {found}")]
    Type {
        /// Its name.
        mapping: String,
        /// Type and version that it has.
        wanted: String,
        /// Type and version of the record.
        found: String,
    },
    /// The record would not come back the same.
    #[error("mapping '{mapping}' cannot write the record: {pointer}: {what}")]
    Record {
        /// Its name.
        mapping: String,
        /// The place in the record.
        pointer: String,
        /// Why.
        what: String,
    },
    /// Writing failed.
    #[error("cannot write CSV: {0}")]
    Io(#[from] std::io::Error),
}

/// Writes records of a mapping's type.
pub struct MappedWriter<'m, W: Write> {
    mapping: &'m Mapping,
    out: ::csv::Writer<W>,
    header: Vec<String>,
    /// Of each cell in a row, the fields that it holds.
    fields: Vec<Vec<&'m Column>>,
    /// Reads what is to be written.
    reader: Csv<'m, std::io::Empty>,
    /// Cells of the grouping columns of the record before.
    key: Option<Vec<String>>,
}

/// The cells of a row, in the order of the header.
type Cells = Vec<String>;

impl<'m, W: Write> MappedWriter<'m, W> {
    /// Checks that the mapping has a way back and writes the header.
    ///
    /// # Errors
    /// [`BackError::OneWay`] or [`BackError::Io`].
    pub fn new(out: W, mapping: &'m Mapping) -> Result<Self, BackError> {
        let one_way = |what: String| BackError::OneWay { mapping: mapping.name().to_owned(), what };
        let mut columns = mapping.record.columns.iter().chain(&mapping.goods.columns);
        if let Some(Column { name, factor: Some(factor), .. }) = columns.clone().find(|c| c.factor.is_some()) {
            return Err(one_way(format!("'{name}' times '{factor}' is one number")));
        }
        if let Some(charge) = mapping.charges.first() {
            return Err(one_way(format!("charges by '{}' are added up", charge.column)));
        }
        let is_field = |name: &String| mapping.record.columns.iter().any(|c| c.name == *name);
        if let Some(name) = mapping.group_by.iter().find(|name| !is_field(name)) {
            return Err(one_way(format!("rows are grouped by '{name}', which is no field of the record")));
        }
        let mut header: Vec<String> = Vec::new();
        let mut add = |name: &str| {
            if !header.iter().any(|known| known == name) {
                header.push(name.to_owned())
            }
        };
        columns.by_ref().for_each(|column| add(&column.name));
        mapping.columns().for_each(add);
        let of = |name: &String| {
            let columns = mapping.record.columns.iter().chain(&mapping.goods.columns);
            columns.filter(|column| column.name == *name).collect()
        };
        let fields = header.iter().map(of).collect();
        // The header has every column of the mapping, each once.
        let reader = Csv::of_cells(mapping, &header).map_err(|error| one_way(error.to_string()))?;
        let mut out = ::csv::WriterBuilder::new().delimiter(mapping.delimiter).from_writer(out);
        out.write_record(&header).map_err(io)?;
        Ok(Self { mapping, out, header, fields, reader, key: None })
    }

    /// Writes a record. One that is refused leaves no trace.
    ///
    /// # Errors
    /// [`BackError`].
    pub fn write(&mut self, content: &Content) -> Result<(), BackError> {
        let mapping = self.mapping;
        let (table, wanted) = (content.table(), mapping.table());
        if table != wanted {
            let named = |t: &crate::record::TypeTable| format!("{} version {}", t.name, t.version);
            let (wanted, found) = (named(wanted), named(table));
            return Err(BackError::Type { mapping: mapping.name().to_owned(), wanted, found });
        }
        let content = mapping.left(content)?;
        let rows = self.rows(&content)?;
        let key_of = |row: &Cells| -> Vec<String> {
            let cell = |name: &String| self.header.iter().position(|known| known == name).and_then(|at| row.get(at));
            mapping.group_by.iter().filter_map(cell).cloned().collect()
        };
        let key = rows.first().map(key_of).filter(|key| !key.is_empty());
        if key.is_some() && key == self.key {
            let columns = mapping.group_by.join("', '");
            let what = format!("the record before has the same '{columns}', so both would be read as one parcel");
            return Err(self.refused("", what));
        }
        self.check(&content, &rows)?;
        for row in rows {
            self.out.write_record(row).map_err(io)?;
        }
        self.key = key;
        Ok(())
    }

    /// Writes what is buffered and gives back the writer.
    ///
    /// # Errors
    /// [`BackError::Io`].
    pub fn finish(self) -> Result<W, BackError> {
        self.out.into_inner().map_err(|error| BackError::Io(std::io::Error::other(error.to_string())))
    }

    fn rows(&self, content: &Content) -> Result<Vec<Cells>, BackError> {
        let count = content.items().max(1);
        if count > 1 && !self.mapping.groups_rows() {
            return Err(self.refused("/goods", format!("it has {count} goods items, a row of the mapping has one")));
        }
        (0..count).map(|item| self.row(content, item)).collect()
    }

    fn row(&self, content: &Content, item: usize) -> Result<Cells, BackError> {
        let mut parts = HashMap::new();
        for side in [&self.mapping.record, &self.mapping.goods] {
            for of_group in side.parts.chunk_by(|a, b| a.position == b.position) {
                assign(side, of_group, content, item, &mut parts);
            }
        }
        let goods = content.items() > 0;
        self.fields.iter().map(|columns| self.cell(columns, goods, item, &parts)).collect()
    }

    /// The text that every field of the column reads as its own value.
    fn cell(&self, columns: &[&'m Column], goods: bool, item: usize, parts: &Parts) -> Result<String, BackError> {
        let there = |column: &&&Column| goods || column.target.group.scope == Scope::Record;
        let value = |column: &'m Column| {
            let target = column.target;
            let fields = parts.get(&(target.position, target.occurrence)).into_iter().flatten();
            let value = fields.clone().find(|(number, _)| *number == target.field.number);
            (column, value.map(|(_, value)| value.clone()))
        };
        let fields: Vec<_> = columns.iter().filter(there).map(|column| value(column)).collect();
        let mut candidates = fields.iter().flat_map(|(column, value)| column.cell.candidates(value.as_ref()));
        let fits = |text: &String| fields.iter().all(|(column, value)| column.cell.reads_as(text, value.as_ref()));
        match candidates.find(fits) {
            Some(text) if self.mapping.apostrophe => {
                let told = fields.iter().find_map(|(_, value)| value.as_ref().filter(|v| matches!(v, Value::Text(_))));
                Ok(told.map_or(text.clone(), |value| guarded(value, &text).into_owned()))
            }
            Some(text) => Ok(text),
            None if fields.is_empty() => Ok(String::new()),
            None => {
                // The field that has no text at all; if each has one, they differ.
                let alone =
                    fields.iter().find_map(|(column, value)| Some((column, column.cell.write(value.as_ref()).err()?)));
                let differ = || "no cell gives it and the other field of the column too".to_owned();
                let (column, what) = alone.or_else(|| Some((&fields.last()?.0, differ()))).unzip();
                let pointer = column.map(|column| column.target.pointer(item)).unwrap_or_default();
                let name = column.map(|column| column.name.as_str()).unwrap_or_default();
                Err(self.refused(&pointer, format!("column '{name}': {}", what.unwrap_or_default())))
            }
        }
    }

    /// Reads the rows by the mapping and compares.
    fn check(&mut self, content: &Content, rows: &[Cells]) -> Result<(), BackError> {
        let mut read = self.reader.read_cells(rows);
        match (read.pop_front(), read.pop_front()) {
            (Some(Row::Record { content: found, .. }), None) => match difference(content, &found) {
                None => Ok(()),
                Some((pointer, what)) => Err(self.refused(&pointer, what)),
            },
            (Some(Row::Refused(refusal)), _) => {
                Err(self.refused(&refusal.pointer, format!("it would be refused when read back: {}", refusal.reason)))
            }
            _ => Err(self.refused("", "it would not be read back as one record".to_owned())),
        }
    }

    fn refused(&self, pointer: &str, what: String) -> BackError {
        BackError::Record { mapping: self.mapping.name().to_owned(), pointer: pointer.to_owned(), what }
    }
}

/// The fields of each occurrence of a group in the mapping, by group and occurrence.
type Parts = HashMap<(usize, usize), Vec<(u8, Value)>>;

/// Gives each occurrence of a group to a part of the mapping, in order: to the next one whose constants it has and whose columns have room
/// for it. Reading leaves out parts whose cells are empty, so the second part may be the first occurrence.
fn assign(side: &Side, of_group: &[Part], content: &Content, item: usize, parts: &mut Parts) {
    let Some(Part { position, group, .. }) = of_group.first() else { return };
    let item = if group.scope == Scope::Item { item } else { 0 };
    let mut rest = of_group.iter();
    for fields in content.occurrences(*position, item) {
        let in_column = |part: &Part, number: u8| {
            part.columns.iter().filter_map(|at| side.columns.get(*at)).any(|c| c.target.field.number == number)
        };
        let fits = |part: &&Part| {
            !group.repeats
                || part.constants.iter().all(|constant| fields.contains(constant))
                    && fields.iter().all(|f| part.constants.contains(f) || in_column(part, f.0))
        };
        let Some(part) = rest.find(fits) else { return };
        parts.insert((*position, part.occurrence), fields);
    }
}

impl Mapping {
    /// The content without the groups that the mapping leaves out.
    fn left(&self, content: &Content) -> Result<Content, BackError> {
        if self.leave_out.is_empty() {
            return Ok(content.clone());
        }
        let table = content.table();
        let mut left = Content::empty(table, content.items());
        for (at, group) in table.groups.iter().enumerate().filter(|(_, group)| !self.leave_out.contains(group.name)) {
            for item in 0..if group.scope == Scope::Item { content.items() } else { 1 } {
                left.set(at, item, content.occurrences(at, item)).map_err(|error| BackError::Record {
                    mapping: self.name().to_owned(),
                    pointer: error.pointer,
                    what: error.what,
                })?;
            }
        }
        Ok(left)
    }
}

/// The first place where content that was read back is not what was written, and what is wrong there.
fn difference(wanted: &Content, found: &Content) -> Option<(String, String)> {
    if wanted == found {
        return None;
    }
    if wanted.items() != found.items() {
        let what = format!("it has {} goods items, read back it would have {}", wanted.items(), found.items());
        return Some(("/goods".into(), what));
    }
    let table = wanted.table();
    let fields = |content: &Content| {
        let mut fields = Vec::new();
        each_field(content, |group, item, occurrence, field, value| {
            fields.push(((group, item, occurrence, field), value.to_string()));
        });
        fields
    };
    let (wanted, found) = (fields(wanted), fields(found));
    let (place, what) = match wanted.iter().find(|field| !found.contains(field)) {
        Some((place, value)) => match found.iter().find(|(there, _)| there == place) {
            Some((_, other)) => (*place, format!("it is '{value}', read back it would be '{other}'")),
            None => (*place, "no column has it, or not this occurrence of it".to_owned()),
        },
        None => {
            let (place, value) = found.iter().find(|field| !wanted.contains(field))?;
            (*place, format!("it is absent, read back it would be '{value}'"))
        }
    };
    let (group, item, occurrence, number) = place;
    let group = table.groups.get(group)?;
    let goods = if group.scope == Scope::Item { format!("/goods/{}", item + 1) } else { String::new() };
    let occurrence = if group.repeats { format!("/{occurrence}") } else { String::new() };
    let field = group.field_number(u64::from(number)).map_or("", |field| field.name);
    Some((format!("{goods}/{}{occurrence}/{field}", group.name), what))
}
