//! From the values of rows to one record's content.
//!
//! A parcel is one row, or consecutive rows with the same key: each a goods item or a charge, agreeing on everything else.
//! It becomes a record whole or not at all, since a declaration that lacks one of its goods items is a false one; one with
//! more goods items than a record may have becomes several if the mapping says so ([`super::split`]).

use std::collections::VecDeque;

use super::mapping::Mapping;
use super::plan::Column;
use super::tally::Class;
use super::target::Target;
use super::{Refusal, Row, Source, Trouble, exact, split};
use crate::limits::{MAX_GOODS_ITEMS, MAX_ROWS_PER_RECORD};
use crate::record::{Content, Decimal, Fault, Field, Group, Value};

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

/// What a row brings to its parcel.
#[derive(Debug)]
pub(super) struct RowValues {
    pub(super) record: Values,
    pub(super) part: RowPart,
}

/// A goods item, or an amount for a column of the record's side.
#[derive(Debug)]
pub(super) enum RowPart {
    Goods(Values),
    Charge(usize, Decimal),
}

/// Rows that are to become a record, or several.
#[derive(Debug)]
pub(super) struct Parcel {
    line: u64,
    rows: u64,
    charges: u64,
    state: Result<Filling, Refusal>,
}

#[derive(Debug, Default)]
pub(super) struct Filling {
    /// Of the first row; none before it.
    record: Option<Values>,
    /// Each with its line.
    items: Vec<(u64, Values)>,
    /// Sums of charges, by column of the record's side.
    charged: Vec<(usize, Decimal)>,
    /// A line that could not be read and stands after the last row.
    gap: Option<u64>,
}

impl Parcel {
    /// A parcel whose first row is the one on this line.
    pub(super) fn new(line: u64) -> Self {
        Self { line, rows: 0, charges: 0, state: Ok(Filling::default()) }
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

    /// Adds a row, a charge or not.
    pub(super) fn add(&mut self, mapping: &Mapping, line: u64, charge: bool, row: Result<RowValues, Trouble>) {
        self.rows += 1;
        self.charges += u64::from(charge);
        if let Ok(filling) = &mut self.state {
            let added = filling.add(mapping, self.line, self.rows, line, row);
            // From here on rows are only counted.
            if let Err(trouble) = added {
                self.state = Err(trouble.at(line, 1));
            }
        }
    }

    /// The record, or records, or why there is none.
    pub(super) fn finish(self, mapping: &Mapping, out: &mut VecDeque<Row>) {
        let Self { line, rows, charges, state } = self;
        let made = state.and_then(|filling| match mapping.has_goods() && filling.items.is_empty() {
            true => Err(Trouble::of(Class::Charge, "a charge, and its parcel has no goods rows").at(line, rows)),
            false => filling.records(mapping, line),
        });
        match made {
            Err(refusal) => out.push_back(Row::Refused(Refusal { rows, ..refusal })),
            Ok(records) => {
                // Charges stand in the first part.
                let mut charges = charges;
                for (line, items, content) in records {
                    let goods = if mapping.has_goods() { items } else { rows };
                    let source = Source { line, rows: goods + charges, charges };
                    charges = 0;
                    out.push_back(Row::Record { content, source });
                }
            }
        }
    }
}

/// Content with its first line and how many goods rows are in it.
type Made = (u64, u64, Content);

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
        match &self.record {
            None => self.record = Some(row.record),
            Some(record) => agree(mapping, record, &row.record, first)?,
        }
        match row.part {
            RowPart::Charge(at, amount) => self.charge(at, amount)?,
            RowPart::Goods(_) if !mapping.has_goods() => {}
            RowPart::Goods(_) if self.items.len() >= MAX_GOODS_ITEMS && !mapping.split => {
                let what = format!("more than {MAX_GOODS_ITEMS} goods items in the parcel that begins at line {first}");
                return Err(Trouble { pointer: "/goods".into(), ..Trouble::new(Fault::Limit, what) });
            }
            RowPart::Goods(values) => self.items.push((line, values)),
        }
        Ok(())
    }

    fn charge(&mut self, at: usize, amount: Decimal) -> Result<(), Trouble> {
        match self.charged.iter_mut().find(|(there, _)| *there == at) {
            None => self.charged.push((at, amount)),
            Some((_, sum)) => {
                *sum = exact::sum(*sum, amount)
                    .ok_or_else(|| Trouble::new(Fault::Value, "the sum of the parcel's charges has too many digits"))?;
            }
        }
        Ok(())
    }

    /// The record, or its parts and the record that links them.
    fn records(self, mapping: &Mapping, first: u64) -> Result<Vec<Made>, Refusal> {
        let Self { record, items, charged, .. } = self;
        let mut record = record.unwrap_or_default();
        let whole = record.clone();
        let count = items.len();
        let mut items = items.into_iter().peekable();
        let parts = count.div_ceil(MAX_GOODS_ITEMS).max(1);
        let mut made = Vec::with_capacity(parts + 1);
        for part in 1..=parts {
            let mut values = if part == parts { std::mem::take(&mut record) } else { record.clone() };
            if part == 1 {
                for (at, sum) in &charged {
                    put_charge(mapping, &mut values, *at, *sum).map_err(|trouble| trouble.at(first, 1))?;
                }
            }
            if parts > 1 {
                split::number(mapping, &mut values, part).map_err(|trouble| trouble.at(first, 1))?;
            }
            let line = items.peek().map_or(first, |(line, _)| *line);
            let items: Vec<_> = items.by_ref().take(MAX_GOODS_ITEMS).collect();
            let (line, rows) = (if part == 1 { first } else { line }, items.len() as u64);
            made.push((line, rows, content(mapping, line, values, items)?));
        }
        if parts > 1 {
            let link = split::link(mapping, &whole, made.iter().map(|(_, _, content)| content));
            made.push((first, 0, link.map_err(|trouble| trouble.at(first, 1))?));
        }
        Ok(made)
    }
}

/// Whether a row says of the record what the first row said.
fn agree(mapping: &Mapping, there: &Values, here: &Values, first: u64) -> Result<(), Trouble> {
    let differing = there.iter().zip(here).position(|(a, b)| a != b);
    match differing.and_then(|at| Some((at, mapping.record.columns.get(at)?))) {
        None => Ok(()),
        Some((at, column)) => {
            let show = |value: &Option<Value>| value.as_ref().map_or("empty".into(), |v| format!("'{v}'"));
            let what = format!("{} here, but {} at line {first} of the same parcel", show(&here[at]), show(&there[at]));
            Err(column.trouble(Fault::Mapping, 0, what))
        }
    }
}

fn put_charge(mapping: &Mapping, values: &mut Values, at: usize, sum: Decimal) -> Result<(), Trouble> {
    let (Some(column), Some(value)) = (mapping.record.columns.get(at), values.get_mut(at)) else { return Ok(()) };
    let sum = Value::Decimal(sum);
    if !column.target.field.kind.holds(&sum) {
        let what = format!("{sum}, the sum of the parcel's charges, is not {}", column.target.field.kind.expected());
        return Err(column.trouble(Fault::Value, 0, what));
    }
    *value = Some(sum);
    Ok(())
}

/// The record of these values, complete and checked.
pub(super) fn content(
    mapping: &Mapping,
    first: u64,
    record: Values,
    items: Vec<(u64, Values)>,
) -> Result<Content, Refusal> {
    let mut content = Content::empty(mapping.table, items.len());
    mapping.record.fill(&mut content, 0, record).map_err(|trouble| trouble.at(first, 1))?;
    for (item, (line, values)) in items.into_iter().enumerate() {
        mapping.goods.fill(&mut content, item, values).map_err(|trouble| trouble.at(line, 1))?;
    }
    content.check_complete().map_err(|error| Trouble::from(error).at(first, 1))?;
    Ok(content)
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

    /// Adds a column to its part; returns its position.
    pub(super) fn add(&mut self, column: Column) -> usize {
        let at = self.columns.len();
        self.part(column.target).columns.push(at);
        self.columns.push(column);
        at
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
        Trouble { column, pointer: self.target.pointer(item), ..Trouble::new(fault, reason) }
    }
}
