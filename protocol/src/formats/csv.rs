//! CSV files by a mapping: header, cells, and which rows belong together.
//!
//! Not in: where a row ends ([`super::rows`]), what a parcel becomes ([`super::parcel`]).

use std::io::{BufReader, Read};

use ::csv::{ByteRecord, Reader, ReaderBuilder, Terminator};

use super::header::Places;
use super::mapping::Mapping;
use super::parcel::{Parcel, RowValues, Values};
use super::plan::Column;
use super::rows::{Broken, Rows};
use super::{FormatError, Row, Trouble};
use crate::limits::MAX_LINE_BYTES;
use crate::record::Fault;

/// Reads a CSV file (UTF-8, RFC 4180 quoting, a header line) by a mapping. The order of the columns does not matter.
///
/// # Errors
/// [`FormatError`] when there is no usable header, or it lacks a column that the mapping uses, or has one that the
/// mapping neither uses nor ignores.
pub fn csv<R: Read>(input: R, mapping: &Mapping) -> Result<Csv<'_, R>, FormatError> {
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(mapping.delimiter)
        .terminator(Terminator::Any(b'\n'))
        .from_reader(Rows::new(BufReader::with_capacity(64 * 1024, input), mapping.delimiter));
    let mut cells = ByteRecord::new();
    let (line, header) = match read_row(&mut reader, &mut cells)? {
        None => return Err(FormatError::NoHeader { mapping: mapping.name().to_owned() }),
        Some(found) => found,
    };
    let unusable = |reason| FormatError::Header { line, reason };
    header.map_err(|trouble| unusable(trouble.reason))?;
    let names = cells.iter().map(|cell| std::str::from_utf8(cell).map(str::to_owned));
    let names: Vec<String> = names.collect::<Result<_, _>>().map_err(|_| unusable("it is not UTF-8".into()))?;
    let places = Places::find(mapping, &names)?;
    Ok(Csv { mapping, reader, cells, width: names.len(), places, open: None, ended: false })
}

/// The rows of a CSV file, see [`csv()`]. Its only error is [`FormatError::Io`], after which it ends.
///
/// A refused row comes before the parcel that it stands in; otherwise rows come in the order of the file.
#[derive(Debug)]
pub struct Csv<'m, R> {
    mapping: &'m Mapping,
    reader: Reader<Rows<BufReader<R>>>,
    cells: ByteRecord,
    width: usize,
    places: Places,
    /// The parcel that the next row may belong to, with its key.
    open: Option<(ByteRecord, Parcel)>,
    ended: bool,
}

impl<R: Read> Iterator for Csv<'_, R> {
    type Item = Result<Row, FormatError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            let row = match read_row(&mut self.reader, &mut self.cells) {
                Ok(Some((line, read))) => self.take(line, read),
                Ok(None) => {
                    self.ended = true;
                    self.open.take().map(|(_, parcel)| parcel.finish(self.mapping))
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

impl<R> Csv<'_, R> {
    /// Deals with the row in `cells`; gives what is finished by it.
    fn take(&mut self, line: u64, read: Result<(), Trouble>) -> Option<Row> {
        if let Err(trouble) = read.and_then(|()| self.check()) {
            if let Some((_, parcel)) = &mut self.open {
                parcel.note_gap(line);
            }
            return Some(Row::Refused(trouble.at(line, 1)));
        }
        if let Some(trouble) = self.filtered() {
            return Some(Row::Refused(trouble.at(line, 1)));
        }
        if !self.mapping.groups_rows() {
            return Some(Parcel::new(self.mapping, line, self.values(0)).finish(self.mapping));
        }
        let key = self.places.key.iter().map(|at| &self.cells[*at]);
        let same = self.open.as_ref().is_some_and(|(open, _)| open.iter().eq(key.clone()));
        if same {
            let values = self.values(self.open.as_ref().map_or(0, |(_, parcel)| parcel.items()));
            if let Some((_, parcel)) = &mut self.open {
                parcel.add(self.mapping, line, values);
            }
            return None;
        }
        let next = (key.collect(), Parcel::new(self.mapping, line, self.values(0)));
        self.open.replace(next).map(|(_, parcel)| parcel.finish(self.mapping))
    }

    /// Refuses a row of which not even the parcel is known.
    fn check(&self) -> Result<(), Trouble> {
        let (found, width) = (self.cells.len(), self.width);
        if found != width {
            let what = format!("the row has {found} cells, the header has {width}");
            return Err(Trouble::new(
                Fault::Mapping,
                format!("{what}\nhint: a cell with the delimiter in it is quoted"),
            ));
        }
        match self.mapping.group_by.iter().zip(&self.places.key).find(|(_, at)| self.cells[**at].is_empty()) {
            Some((column, _)) => {
                let what = "the cell is empty, but rows are grouped by this column";
                Err(Trouble { column: Some(column.clone()), ..Trouble::new(Fault::Mapping, what) })
            }
            None => Ok(()),
        }
    }

    fn filtered(&self) -> Option<Trouble> {
        let hit = self.mapping.refuse.iter().zip(&self.places.refuse).find(|(rule, at)| {
            let cell = std::str::from_utf8(&self.cells[**at]);
            cell.is_ok_and(|cell| rule.values.contains(cell.trim()))
        });
        let column = |name: &String| Some(name.clone());
        hit.map(|(rule, _)| Trouble { column: column(&rule.column), ..Trouble::new(Fault::Mapping, &*rule.reason) })
    }

    fn values(&self, item: usize) -> Result<RowValues, Trouble> {
        let side = |columns: &[Column], places: &[usize]| -> Result<Values, Trouble> {
            let read = |(column, at): (&Column, &usize)| {
                let value = column.cell.read(&self.cells[*at]);
                value.map_err(|(fault, reason)| column.trouble(fault, item, reason))
            };
            columns.iter().zip(places).map(read).collect()
        };
        Ok(RowValues {
            record: side(&self.mapping.record.columns, &self.places.record)?,
            goods: side(&self.mapping.goods.columns, &self.places.goods)?,
        })
    }
}

/// A row's first line, and why it cannot be read if so.
type Split = (u64, Result<(), Trouble>);

/// Reads the next row into `cells`.
fn read_row<R: Read>(
    reader: &mut Reader<Rows<BufReader<R>>>,
    cells: &mut ByteRecord,
) -> Result<Option<Split>, FormatError> {
    let Some((line, found)) = reader.get_mut().advance()? else { return Ok(None) };
    let unreadable = |what: &str| Err(Trouble::new(Fault::Mapping, what));
    let read = match found {
        Err(Broken::Long) => Err(Trouble::new(Fault::Limit, format!("the row is longer than {MAX_LINE_BYTES} bytes"))),
        Err(Broken::Open) => unreadable("a quote is opened and not closed\nhint: in a quoted cell a quote is doubled"),
        Err(Broken::Stray) => unreadable("text follows a closing quote\nhint: in a quoted cell a quote is doubled"),
        // The row lies in memory, so the crate has nothing to fail at.
        Ok(()) => match reader.read_byte_record(cells) {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => unreadable("the row cannot be split into cells"),
        },
    };
    Ok(Some((line, read)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SHOP: &str = r#"
        name = "shop"
        type = "declaration"
        version = 1
        ignore = ["Remark"]
        [constants]
        "route.destination" = "KR"
        "goods.value.currency" = "GBP"
        "declarant.1.role" = "importer"
        "fiscal.1.id" = "IM123"
        [[column]]
        from = "Invoice"
        to = "filing.own_reference"
        [[column]]
        from = "Buyer"
        to = "declarant.1.id"
        [[column]]
        from = "Text"
        to = "goods.content.description"
        trim = true
        [[column]]
        from = "Price"
        to = "goods.value.amount"
        [group]
        by = ["Invoice"]
        [[refuse]]
        column = "Text"
        values = ["POST", "C2"]
        reason = "charge line, not goods"
    "#;
    const HEADER: &str = "Invoice,Buyer,Text,Price,Remark\n";

    fn rows(mapping: &str, input: &[u8]) -> Vec<Row> {
        let mapping = Mapping::parse(mapping).unwrap();
        let rows = csv(input, &mapping).unwrap().collect::<Result<_, _>>();
        rows.unwrap()
    }

    /// A row in short: `line+rows items` of a record, or the refusal's text.
    fn shop(body: &str) -> Vec<String> {
        let show = |row| match row {
            Row::Record { content, source } => format!("{}+{} {}", source.line, source.rows, content.items()),
            Row::Refused(refusal) => refusal.to_string(),
        };
        rows(SHOP, format!("{HEADER}{body}").as_bytes()).into_iter().map(show).collect()
    }

    #[test]
    fn rows_with_the_same_key_are_one_parcel() {
        let body = "1,A,hat ,2.50,\n1,A,POST,3.00,\n1,A,cap,1.25,\n2,,scarf,,\n1,A,hat,2.50,x\n";
        let found = shop(body);
        assert_eq!(found, ["line 3, column 'Text': charge line, not goods", "2+2 2", "5+1 1", "6+1 1"]);
        let Row::Record { content, .. } = &rows(SHOP, format!("{HEADER}{body}").as_bytes())[2] else { panic!() };
        // An empty cell is absent, and constants that only go with it are left out.
        assert_eq!((content.field("declarant", "role"), content.field("value", "currency")), (None, None));
        assert_eq!(content.field("fiscal", "id").map(|v| v.to_string()).as_deref(), Some("IM123"));
        assert_eq!(content.field("content", "description").map(|v| v.to_string()).as_deref(), Some("scarf"));
    }

    #[test]
    fn a_parcel_is_refused_whole_and_alone() {
        assert_eq!(
            shop("1,A,hat,2.50,\n1,B,cap,1.25,\n1,A,cap,x,\n2,A,hat,1,"),
            ["line 3, column 'Buyer': 'B' here, but 'A' at line 2 of the same parcel (3 rows refused)", "5+1 1"]
        );
        let value = "'1,5' is not a decimal of at most 16 digits, 2 after the point";
        assert_eq!(
            shop("1,A,hat,2.50,\n1,A,cap,\"1,5\",\n2,A,hat,1,"),
            [format!("line 3, column 'Price': {value} (2 rows refused)"), "4+1 1".into()]
        );
        let refused = &rows(SHOP, format!("{HEADER}1,A,hat,1,\n1,A,cap,x,\n").as_bytes())[0];
        assert!(matches!(refused, Row::Refused(r) if r.pointer == "/goods/2/value/amount" && r.fault == Fault::Value));
    }

    #[test]
    fn an_unreadable_line_spoils_the_parcel_it_is_in() {
        let lines = shop("1,A,hat,1,\n1,A,cap\n1,A,cap,1,\n2,A,hat,1,\nx\n3,A,hat,1,\n,A,hat,1,\n");
        let gap = "line 3 lies within the parcel that begins at line 2 and cannot be read";
        let width = "the row has 3 cells, the header has 5\nhint: a cell with the delimiter in it is quoted";
        assert_eq!(lines[0], format!("line 3: {width}"));
        assert_eq!(lines[1], format!("line 4: {gap}, so a goods item would be missing (2 rows refused)"));
        assert!(lines[2].starts_with("line 6: the row has 1 cells"));
        assert_eq!(lines[3], "5+1 1");
        assert_eq!(lines[4], "line 8, column 'Invoice': the cell is empty, but rows are grouped by this column");
        assert_eq!(lines[5..], ["7+1 1"]);
    }

    #[test]
    fn the_size_of_a_parcel_is_bounded() {
        let item = "1,A,hat,1,\n";
        assert_eq!(shop(&item.repeat(99)), ["2+99 99"]);
        let refused = "more than 99 goods items in the parcel that begins at line 2";
        assert_eq!(shop(&item.repeat(2_000)), [format!("line 101: {refused} (2000 rows refused)")]);
        let itemless = SHOP.replace("goods.content.description", "order.reference").replace("goods.value", "postage");
        let body = |rows| format!("{HEADER}{}", item.repeat(rows));
        let bare = |row: &Row| matches!(row, Row::Record { content, .. } if content.items() == 0);
        assert!(rows(&itemless, body(1_000).as_bytes()).iter().all(bare));
        let long = rows(&itemless, body(1_001).as_bytes());
        assert!(matches!(&long[..], [Row::Refused(r)] if r.fault == Fault::Limit && r.rows == 1_001));
    }

    #[test]
    fn the_header_decides_whether_a_file_fits() {
        let mapping = Mapping::parse(SHOP).unwrap();
        let refused = |header: &[u8]| csv(header, &mapping).unwrap_err().to_string();
        assert!(refused(b"\n").starts_with("the CSV file is empty, mapping 'shop' needs"));
        let missing = refused(b"Invoice,Text,price\n");
        assert!(missing.contains("lacks: 'Buyer', 'Price'; the header has: 'Invoice', 'Text', 'price'"), "{missing}");
        assert!(refused(b"Invoice,Buyer,Text,Price,Extra\n").contains("does not use: 'Extra'"));
        assert!(refused(b"Invoice,Buyer,Text,Price,Price\n").contains("has column 'Price' twice"));
        assert!(refused(b"Invoice,\"Buyer\n").contains("line 1 of the CSV file is not a usable header: a quote is"));
        assert!(refused(b"Invoice,\xff\n").contains("it is not UTF-8"));
        // The order is free, a byte order mark is no data, and ignored columns may be absent or stand twice.
        for header in ["\u{feff}Price,Text,Buyer,Invoice", "Remark,Invoice,Buyer,Text,Price,Remark"] {
            assert!(csv(header.as_bytes(), &mapping).is_ok());
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_refused_where_they_matter() {
        let input = [HEADER.as_bytes(), b"1,A,caf\xe9,1,\n2,A,hat,1,\xe9\n3,A,\"h\nat\",1,\n"].concat();
        let found = rows(SHOP, &input).into_iter().map(|row| match row {
            Row::Record { source, .. } => (source.line, None),
            Row::Refused(r) => (r.line, Some((r.column, r.fault))),
        });
        let text = || Some("Text".to_owned());
        let expected = [(2, Some((text(), Fault::Mapping))), (3, None), (4, Some((text(), Fault::Value)))];
        assert_eq!(found.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn other_delimiters_split_too() {
        let mapping = SHOP.replace("version = 1", "version = 1\n        delimiter = \";\"");
        let input = "Invoice;Buyer;Text;Price\n1;A;a,b;2\n";
        assert!(matches!(&rows(&mapping, input.as_bytes())[..], [Row::Record { .. }]));
    }

    #[test]
    fn a_failing_reader_ends_the_file() {
        struct Failing;
        impl Read for Failing {
            fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
                Err(std::io::Error::other("gone"))
            }
        }
        let mapping = Mapping::parse(SHOP).unwrap();
        let input = format!("{HEADER}1,A,hat,1,\n2,A,hat,1,\n");
        let mut rows = csv(input.as_bytes().chain(Failing), &mapping).unwrap();
        assert!(matches!(rows.next(), Some(Ok(Row::Record { .. }))));
        // The parcel of line 3 might go on.
        assert!(matches!(rows.next(), Some(Err(FormatError::Io { line: 3, .. }))));
        assert!(rows.next().is_none());
    }

    proptest! {
        #[test]
        fn random_bytes_are_rows_or_refusals(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            rows(SHOP, &[HEADER.as_bytes(), &body].concat());
        }

        #[test]
        fn every_row_is_accounted_for(
            lines in proptest::collection::vec("[12]?,[AB]?,(hat|POST| ),[1x.]{0,3}(,|,\"a\")?", 0..40)
        ) {
            let input = format!("{HEADER}{}", lines.join("\n"));
            let rows = rows(SHOP, input.as_bytes());
            prop_assert_eq!(rows.iter().map(Row::rows).sum::<u64>(), lines.len() as u64);
            // Only the parcel that a refused row stands in may come after it.
            let records = rows.iter().filter_map(|row| match row {
                Row::Record { source, .. } => Some(source.line),
                Row::Refused(_) => None,
            });
            prop_assert!(records.is_sorted());
        }
    }
}
