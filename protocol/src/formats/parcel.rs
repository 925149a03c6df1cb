//! From the values of rows to one record's content.
//!
//! A parcel is one row, or consecutive rows with the same key: each a goods item, agreeing on everything else. It
//! becomes a record whole or not at all, since a declaration that lacks one of its goods items is a false one.

use super::mapping::Mapping;
use super::plan::Column;
use super::target::Target;
use super::{Refusal, Row, Source, Trouble};
use crate::limits::{MAX_GOODS_ITEMS, MAX_ROWS_PER_RECORD};
use crate::record::{Content, Fault, Field, Group, Value};

/// The groups of a record, or those of each goods item.
#[derive(Debug, Default)]
pub(super) struct Side {
    pub(super) columns: Vec<Column>,
    /// By group and occurrence.
    pub(super) parts: Vec<Part>,
}

/// One occurrence of a group.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) position: usize,
    pub(super) group: &'static Group,
    pub(super) occurrence: usize,
    pub(super) constants: Vec<(u8, Value)>,
    /// Positions in the side's columns; a column is in one part only.
    pub(super) columns: Vec<usize>,
}

/// The values of one side in one row, by column; none is absent.
pub(super) type Values = Vec<Option<Value>>;

/// Both sides of a row.
#[derive(Debug)]
pub(super) struct RowValues {
    pub(super) record: Values,
    pub(super) goods: Values,
}

/// Rows that are to become a record.
#[derive(Debug)]
pub(super) struct Parcel {
    line: u64,
    rows: u64,
    state: Result<Filling, Refusal>,
}

#[derive(Debug)]
struct Filling {
    record: Values,
    /// Each with its line.
    items: Vec<(u64, Values)>,
    /// A line that could not be read and stands after the last row.
    gap: Option<u64>,
}

impl Parcel {
    /// A parcel that begins with this row.
    pub(super) fn new(mapping: &Mapping, line: u64, row: Result<RowValues, Trouble>) -> Self {
        let filling = |row: RowValues| {
            let items = if mapping.goods.parts.is_empty() { Vec::new() } else { vec![(line, row.goods)] };
            Filling { record: row.record, items, gap: None }
        };
        Self { line, rows: 1, state: row.map(filling).map_err(|trouble| trouble.at(line, 1)) }
    }

    /// How many goods items it has so far.
    pub(super) fn items(&self) -> usize {
        self.state.as_ref().map_or(0, |filling| filling.items.len())
    }

    /// Notes that a line could not be read: if the parcel goes on after it, the line was part of it.
    pub(super) fn note_gap(&mut self, line: u64) {
        if let Ok(filling) = &mut self.state {
            filling.gap.get_or_insert(line);
        }
    }

    /// Adds a row with the same key.
    pub(super) fn add(&mut self, mapping: &Mapping, line: u64, row: Result<RowValues, Trouble>) {
        self.rows += 1;
        if let Ok(filling) = &mut self.state {
            let added = filling.add(mapping, self.line, self.rows, line, row);
            // From here on rows are only counted.
            if let Err(trouble) = added {
                self.state = Err(trouble.at(line, 1));
            }
        }
    }

    /// The record, or why there is none.
    pub(super) fn finish(self, mapping: &Mapping) -> Row {
        let Self { line, rows, state } = self;
        match state.and_then(|filling| filling.content(mapping, line)) {
            Ok(content) => Row::Record { content, source: Source { line, rows } },
            Err(refusal) => Row::Refused(Refusal { rows, ..refusal }),
        }
    }
}

impl Filling {
    fn add(
        &mut self,
        mapping: &Mapping,
        first: u64,
        rows: u64,
        line: u64,
        row: Result<RowValues, Trouble>,
    ) -> Result<(), Trouble> {
        let row = row?;
        if let Some(gap) = self.gap {
            let what = format!("line {gap} lies within the parcel that begins at line {first} and cannot be read");
            return Err(Trouble::new(Fault::Mapping, format!("{what}, so a goods item would be missing")));
        }
        if rows > MAX_ROWS_PER_RECORD as u64 {
            let what = format!("more than {MAX_ROWS_PER_RECORD} rows in the parcel that begins at line {first}");
            return Err(Trouble::new(Fault::Limit, what));
        }
        let differing = self.record.iter().zip(&row.record).position(|(a, b)| a != b);
        if let Some((at, column)) = differing.and_then(|at| Some((at, mapping.record.columns.get(at)?))) {
            let show = |value: &Option<Value>| value.as_ref().map_or("empty".into(), |v| format!("'{v}'"));
            let (here, there) = (show(&row.record[at]), show(&self.record[at]));
            let what = format!("{here} here, but {there} at line {first} of the same parcel");
            return Err(column.trouble(Fault::Mapping, 0, what));
        }
        if !mapping.goods.parts.is_empty() {
            if self.items.len() >= MAX_GOODS_ITEMS {
                let what = format!("more than {MAX_GOODS_ITEMS} goods items in the parcel that begins at line {first}");
                return Err(Trouble { pointer: "/goods".into(), ..Trouble::new(Fault::Limit, what) });
            }
            self.items.push((line, row.goods));
        }
        Ok(())
    }

    fn content(self, mapping: &Mapping, first: u64) -> Result<Content, Refusal> {
        let mut content = Content::empty(mapping.table, self.items.len());
        mapping.record.fill(&mut content, 0, self.record).map_err(|trouble| trouble.at(first, 1))?;
        for (item, (line, values)) in self.items.into_iter().enumerate() {
            mapping.goods.fill(&mut content, item, values).map_err(|trouble| trouble.at(line, 1))?;
        }
        content.check_complete().map_err(|error| Trouble::from(error).at(first, 1))?;
        Ok(content)
    }
}

impl Side {
    /// The part of this group and occurrence, new if need be.
    pub(super) fn part(&mut self, target: Target) -> &mut Part {
        let Target { position, group, occurrence, .. } = target;
        let found = self.parts.iter().position(|p| (p.position, p.occurrence) == (position, occurrence));
        let at = found.unwrap_or(self.parts.len());
        if found.is_none() {
            self.parts.push(Part { position, group, occurrence, constants: Vec::new(), columns: Vec::new() });
        }
        &mut self.parts[at]
    }

    fn fill(&self, content: &mut Content, item: usize, mut values: Values) -> Result<(), Trouble> {
        for parts in self.parts.chunk_by(|a, b| a.position == b.position) {
            let mut occurrences = Vec::with_capacity(parts.len());
            for part in parts {
                occurrences.extend(part.fields(&self.columns, &mut values, item)?);
            }
            if let Some(part) = parts.first().filter(|_| !occurrences.is_empty()) {
                content.set(part.position, item, occurrences)?;
            }
        }
        Ok(())
    }
}

impl Part {
    /// The mandatory field that neither a constant nor a column fills, as its path.
    pub(super) fn never_complete(&self, columns: &[Column]) -> Option<String> {
        let filled = |field: &&Field| self.has_constant(field) || self.column(columns, field).is_some();
        let field = self.group.fields.iter().filter(|f| f.mandatory).find(|f| !filled(f))?;
        Some(Target { position: self.position, group: self.group, occurrence: self.occurrence, field }.path())
    }

    /// The fields of this occurrence, or none when no column has a value and the constants alone say nothing: in a
    /// repeated group, and where a mandatory field would be missing.
    fn fields(
        &self,
        columns: &[Column],
        values: &mut Values,
        item: usize,
    ) -> Result<Option<Vec<(u8, Value)>>, Trouble> {
        let mut fields = Vec::with_capacity(self.constants.len() + self.columns.len());
        for at in &self.columns {
            if let (Some(column), Some(value)) = (columns.get(*at), values.get_mut(*at).and_then(Option::take)) {
                fields.push((column.target.field.number, value));
            }
        }
        let without_column = fields.is_empty() && !self.columns.is_empty();
        fields.extend(self.constants.iter().cloned());
        let given = |field: &Field| fields.iter().any(|(number, _)| *number == field.number);
        let missing = self.group.fields.iter().find(|field| field.mandatory && !given(field));
        if without_column && !self.group.mandatory && (self.group.repeats || missing.is_some()) {
            return Ok(None);
        }
        match missing.map(|field| (field, self.column(columns, field))) {
            None => Ok(Some(fields)),
            Some((field, column)) => {
                let what = format!("the cell is empty, but {} must have '{}' here", self.group.name, field.name);
                // A mapping whose column and constants lack the field was refused when it was parsed.
                Err(column
                    .map_or_else(|| Trouble::new(Fault::Missing, &*what), |c| c.trouble(Fault::Missing, item, &*what)))
            }
        }
    }

    fn has_constant(&self, field: &Field) -> bool {
        self.constants.iter().any(|(number, _)| *number == field.number)
    }

    fn column<'a>(&self, columns: &'a [Column], field: &Field) -> Option<&'a Column> {
        let mine = self.columns.iter().filter_map(|at| columns.get(*at));
        mine.into_iter().find(|column| column.target.field.number == field.number)
    }
}

impl Column {
    /// A fault of this column's cell in a goods item, counted from 0.
    pub(super) fn trouble(&self, fault: Fault, item: usize, reason: impl Into<String>) -> Trouble {
        let column = Some(self.name.clone());
        Trouble { column, fault, pointer: self.target.pointer(item), reason: reason.into() }
    }
}
