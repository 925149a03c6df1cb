//! CSV for every record type without a mapping: the canonical form, written and read back exactly.
//!
//! ```csv
//! record,type,version,items,goods,filing.own_reference,route.destination,declarant.1.role,goods.value.amount
//! 1,declaration,3,2,1,A-17,KR,importer,4.16
//! 1,declaration,3,2,2,,,,0.50
//! ```
//!
//! A row for each goods item, the rows of a record together and in order; a record without goods has one row, `items` 0 and `goods` empty.
//! `record` tells records apart, `items` is how many goods items the record has, so that none can be lost unseen. Other columns are the paths
//! of a mapping. What a record has once stands in its first row; below it is empty or the same. An empty cell is absent. Text that a
//! spreadsheet would take for a formula is guarded ([`super::guard`]). Types may be mixed: a cell whose type lacks the column is empty.
//! Reading is here; writing is [`super::flat_write`]'s.

use std::collections::HashMap;
use std::io::Read;

use ::csv::ByteRecord;

use super::csv::{Splitter, check_width, header, read_row, splitter};
use super::guard::unguarded;
use super::target::Target;
use super::{FormatError, Refusal, Row, Source, Trouble};
use crate::limits::{MAX_GOODS_ITEMS, MAX_TYPES_IN_FILE};
use crate::record::{Content, Fault, Occurrences, Scope, TypeTable, Value, table, tables};

/// The columns before those of fields.
pub(super) const FIXED: [&str; 5] = ["record", "type", "version", "items", "goods"];

/// Reads canonical CSV: commas, UTF-8, a header line. The order of the columns does not matter.
///
/// # Errors
/// [`FormatError`] when the header cannot be read or is not of this form.
pub fn flat<R: Read>(input: R) -> Result<Flat<R>, FormatError> {
    let mut reader = splitter(input, b',');
    let mut cells = ByteRecord::new();
    let wrong = |what: String| FormatError::Flat { what };
    let names = header(&mut reader, &mut cells)?.ok_or_else(|| wrong("the file is empty".into()))?;
    let mut places = HashMap::new();
    for (at, name) in names.iter().enumerate() {
        if places.insert(name.as_str(), at).is_some() {
            return Err(wrong(format!("column '{name}' stands twice")));
        }
    }
    let mut fixed = [0; FIXED.len()];
    for (name, place) in FIXED.iter().zip(&mut fixed) {
        *place = *places.get(name).ok_or_else(|| wrong(format!("column '{name}' is missing")))?;
    }
    let of_fields: Vec<_> = (0..names.len()).filter(|at| !fixed.contains(at)).collect();
    let known = |path: &str| tables().any(|table| Target::resolve(table, path).is_ok());
    if let Some(at) = of_fields.iter().find(|at| !known(&names[**at])) {
        return Err(wrong(format!("no record type has a field '{}'", names[*at])));
    }
    Ok(Flat { reader, cells, names, fixed, of_fields, types: Vec::new(), open: None, ended: false })
}

/// The rows of a canonical CSV file, see [`flat`]. Its only error is [`FormatError::Io`], after which it ends.
#[derive(Debug)]
pub struct Flat<R> {
    reader: Splitter<R>,
    cells: ByteRecord,
    names: Vec<String>,
    fixed: [usize; FIXED.len()],
    of_fields: Vec<usize>,
    /// Types met so far, with what each column of a field is to them.
    types: Vec<(&'static TypeTable, Vec<Option<Target>>)>,
    open: Option<Open>,
    ended: bool,
}

/// A record that the next row may belong to.
#[derive(Debug)]
struct Open {
    /// Cells of `record`, `type` and `version`.
    key: [Vec<u8>; 3],
    line: u64,
    rows: u64,
    state: Result<Draft, Refusal>,
}

#[derive(Debug)]
struct Draft {
    table: &'static TypeTable,
    /// How many goods items it is to have, and how many came.
    items: usize,
    come: usize,
    /// Group, goods item, occurrence, field, value.
    fields: Vec<(usize, usize, usize, u8, Value)>,
}

impl<R: Read> Iterator for Flat<R> {
    type Item = Result<Row, FormatError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            let row = match read_row(&mut self.reader, &mut self.cells) {
                Ok(Some((line, read))) => self.take(line, read),
                Ok(None) => {
                    self.ended = true;
                    self.open.take().map(Open::finish)
                }
                Err(error) => {
                    self.ended = true;
                    return Some(Err(error));
                }
            };
            if let Some(row) = row {
                return Some(Ok(row));
            }
        }
        None
    }
}

impl<R> Flat<R> {
    /// Deals with the row in `cells`; gives what is finished by it.
    fn take(&mut self, line: u64, read: Result<(), Trouble>) -> Option<Row> {
        if let Err(trouble) = read.and_then(|()| check_width(self.cells.len(), self.names.len())) {
            return Some(Row::Refused(trouble.at(line, 1)));
        }
        let key = |at: usize| &self.cells[self.fixed[at]];
        let same = |open: &Open| open.key.iter().enumerate().all(|(at, cell)| cell == key(at));
        let finished = match self.open.as_ref().is_some_and(same) {
            true => None,
            false => {
                let key = [0, 1, 2].map(|at| key(at).to_vec());
                let state = self.draft().map_err(|trouble| trouble.at(line, 1));
                self.open.replace(Open { key, line, rows: 0, state }).map(Open::finish)
            }
        };
        if let Some(mut open) = self.open.take() {
            open.rows += 1;
            if let Ok(draft) = &mut open.state {
                // From here on rows are only counted.
                if let Err(trouble) = self.add(draft) {
                    open.state = Err(trouble.at(line, 1));
                }
            }
            self.open = Some(open);
        }
        finished
    }

    /// A record without content, as its first row describes it.
    fn draft(&mut self) -> Result<Draft, Trouble> {
        let [_, kind, version, items, _] =
            self.fixed.map(|at| std::str::from_utf8(&self.cells[at]).unwrap_or("\u{fffd}"));
        let trouble =
            |column: &str, fault, what: String| Trouble { column: Some(column.into()), ..Trouble::new(fault, what) };
        let usable = |t: &&'static TypeTable| t.groups.iter().any(|g| !g.fields.is_empty());
        let found = version.parse().ok().and_then(|version| table(kind, version)).filter(usable);
        let unknown = || trouble("type", Fault::Unknown, format!("no record type {kind} version {version}"));
        let found = found.ok_or_else(unknown)?;
        let count = items.parse().ok().filter(|n: &usize| *n <= MAX_GOODS_ITEMS && n.to_string() == items);
        let items = count.ok_or_else(|| {
            trouble("items", Fault::Limit, format!("'{items}' is not a number of goods items, 0 to {MAX_GOODS_ITEMS}"))
        })?;
        if !self.types.iter().any(|(known, _)| *known == found) {
            if self.types.len() >= MAX_TYPES_IN_FILE {
                self.types.clear();
            }
            let target = |at: &usize| Target::resolve(found, &self.names[*at]).ok();
            let targets = self.of_fields.iter().map(target).collect();
            self.types.push((found, targets));
        }
        Ok(Draft { table: found, items, come: 0, fields: Vec::new() })
    }

    /// Adds the row in `cells` to its record.
    fn add(&self, draft: &mut Draft) -> Result<(), Trouble> {
        let cell = |name: usize| &self.cells[self.fixed[name]];
        let trouble =
            |column: &str, what: String| Trouble { column: Some(column.into()), ..Trouble::new(Fault::Mapping, what) };
        let Draft { table, items, come, fields } = draft;
        let expected = if *items == 0 { String::new() } else { (*come + 1).to_string() };
        if cell(3) != items.to_string().as_bytes() {
            return Err(trouble("items", format!("the record has {items} goods items by its first row")));
        }
        if cell(4) != expected.as_bytes()
            || *come > *items
            || (*items == 0 && *come > 0)
            || (*items > 0 && *come >= *items)
        {
            let wanted = match (*items, *come >= (*items).max(1)) {
                (_, true) => "no further row of this record".to_owned(),
                (0, false) => "an empty cell, the record has no goods items".to_owned(),
                (_, false) => format!("goods item {expected} of {items}"),
            };
            return Err(trouble("goods", format!("'{}' here, but expected {wanted}", shown(cell(4)))));
        }
        let item = *come;
        *come += 1;
        let targets = self.types.iter().find(|(known, _)| known == table).map(|(_, targets)| targets.as_slice());
        for (at, target) in self.of_fields.iter().zip(targets.unwrap_or_default()) {
            let text = &self.cells[*at];
            if text.is_empty() {
                continue;
            }
            let column = Some(self.names[*at].clone());
            let wrong =
                |fault, pointer, reason| Trouble { column: column.clone(), pointer, ..Trouble::new(fault, reason) };
            let Some(target) = target else {
                let what = format!("{} version {} has no such field", table.name, table.version);
                return Err(wrong(Fault::Unknown, String::new(), what));
            };
            let of_goods = target.group.scope == Scope::Item;
            if of_goods && *items == 0 {
                return Err(wrong(Fault::Mapping, String::new(), "the record has no goods items".to_owned()));
            }
            let pointer = || target.pointer(item);
            let text = std::str::from_utf8(unguarded(text));
            let text = text.map_err(|_| wrong(Fault::Encoding, pointer(), "the cell is not UTF-8".to_owned()))?;
            let value = target.field.kind.parse(text).map_err(|e| wrong(Fault::Value, pointer(), e.to_string()))?;
            let place = if of_goods { item } else { 0 };
            let same = |f: &(usize, usize, usize, u8, Value)| {
                (f.0, f.1, f.2, f.3) == (target.position, place, target.occurrence, target.field.number)
            };
            let again = !of_goods && item > 0;
            match if again { fields.iter().find(|f| same(f)) } else { None } {
                None if again => {
                    return Err(wrong(Fault::Mapping, pointer(), "the record's first row does not have it".to_owned()));
                }
                Some(first) if first.4 != value => {
                    return Err(wrong(Fault::Mapping, pointer(), "it differs from the record's first row".to_owned()));
                }
                Some(_) => {}
                None => fields.push((target.position, place, target.occurrence, target.field.number, value)),
            }
        }
        Ok(())
    }
}

impl Open {
    fn finish(self) -> Row {
        let Self { line, rows, state, .. } = self;
        match state.and_then(|draft| draft.content().map_err(|trouble| trouble.at(line, 1))) {
            Ok(content) => Row::Record { content, source: Source { line, rows, charges: 0 } },
            Err(refusal) => Row::Refused(Refusal { rows, ..refusal }),
        }
    }
}

impl Draft {
    fn content(self) -> Result<Content, Trouble> {
        let Self { table, items, come, mut fields } = self;
        if come < items {
            let what = format!("goods item {} of {items} is missing", come + 1);
            return Err(Trouble { pointer: "/goods".into(), ..Trouble::new(Fault::Missing, what) });
        }
        fields.sort_by_key(|(group, item, occurrence, field, _)| (*group, *item, *occurrence, *field));
        let mut content = Content::empty(table, items);
        for of_group in fields.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
            let mut occurrences = Occurrences::new();
            for of_occurrence in of_group.chunk_by(|a, b| a.2 == b.2) {
                let (group, item, occurrence, ..) = of_occurrence[0];
                occurrences.push(of_occurrence.iter().map(|f| (f.3, f.4.clone())).collect());
                if occurrence != occurrences.len() {
                    let name = table.groups.get(group).map_or("", |group| group.name);
                    let what = format!("{name}.{occurrence} is there, but {name}.{} is not", occurrences.len());
                    let goods = if item > 0 { format!(" of goods item {}", item + 1) } else { String::new() };
                    return Err(Trouble::new(Fault::Mapping, format!("{what}{goods}")));
                }
            }
            let (group, item, ..) = of_group[0];
            content.set(group, item, occurrences)?;
        }
        content.check_complete()?;
        Ok(content)
    }
}

fn shown(cell: &[u8]) -> String {
    super::cell::shortened(&String::from_utf8_lossy(cell))
}
