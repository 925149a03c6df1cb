//! CSV files by a mapping: header, cells, what each row is, and which rows belong together.
//!
//! Not in: where a row ends ([`super::rows`]), what a parcel becomes ([`super::parcel`]), CSV without a mapping
//! ([`super::flat`]).

use std::collections::VecDeque;
use std::io::{BufReader, Read};

use ::csv::{ByteRecord, Reader, ReaderBuilder, Terminator};

use super::exact::Number;
use super::guard::unguarded;
use super::header::{Place, Places};
use super::mapping::Mapping;
use super::parcel::{Parcel, RowPart, RowValues, Values};
use super::plan::Column;
use super::rows::{Broken, Rows};
use super::rules::{Rule, Test, has};
use super::sales::{Original, Sales, key};
use super::tally::Class;
use super::{FormatError, Row, Trouble};
use crate::limits::MAX_LINE_BYTES;
use crate::record::{Fault, Value};

/// Reads a CSV file (UTF-8, RFC 4180 quoting, a header line) by a mapping. The order of the columns does not matter.
///
/// # Errors
/// [`FormatError`] when there is no usable header, or it lacks a column that the mapping uses, or has one that the
/// mapping neither uses nor ignores.
pub fn csv<R: Read>(input: R, mapping: &Mapping) -> Result<Csv<'_, R>, FormatError> {
    csv_after(input, mapping, Sales::default())
}

/// The same for a file after others of one run, whose sales its cancellations may take back.
///
/// # Errors
/// As [`csv()`].
pub fn csv_after<R: Read>(input: R, mapping: &Mapping, mut sales: Sales) -> Result<Csv<'_, R>, FormatError> {
    sales.begin();
    let mut reader = splitter(input, mapping.delimiter);
    let mut cells = ByteRecord::new();
    let Some(names) = header(&mut reader, &mut cells)? else {
        return Err(FormatError::NoHeader { mapping: mapping.name().to_owned() });
    };
    let places = Places::find(mapping, &names)?;
    let (width, ready) = (names.len(), VecDeque::new());
    Ok(Csv { mapping, reader, cells, width, places, open: None, ready, sales, ended: false })
}

/// The rows of a CSV file, see [`csv()`]. Its only error is [`FormatError::Io`], after which it ends.
///
/// A refused row comes before the parcel that it stands in; otherwise rows come in the order of the file.
#[derive(Debug)]
pub struct Csv<'m, R> {
    mapping: &'m Mapping,
    reader: Splitter<R>,
    cells: ByteRecord,
    width: usize,
    places: Places,
    /// The parcel that the next row may belong to, with its key.
    open: Option<(ByteRecord, Parcel)>,
    /// What is finished and not given out: a refused row, or the parts of a parcel.
    ready: VecDeque<Row>,
    sales: Sales,
    ended: bool,
}

impl<R> Csv<'_, R> {
    /// The sales that were read, for [`csv_after`].
    pub fn into_sales(self) -> Sales {
        self.sales
    }
}

impl<'m> Csv<'m, std::io::Empty> {
    /// A reader of rows whose cells are at hand, of a file with this header.
    pub(super) fn of_cells(mapping: &'m Mapping, names: &[String]) -> Result<Self, FormatError> {
        let (reader, places) = (splitter(std::io::empty(), mapping.delimiter), Places::find(mapping, names)?);
        let (cells, ready, sales, ended) = (ByteRecord::new(), VecDeque::new(), Sales::default(), false);
        Ok(Self { mapping, reader, cells, width: names.len(), places, open: None, ready, sales, ended })
    }

    /// What becomes of these rows, with nothing before and behind them.
    pub(super) fn read_cells(&mut self, rows: &[Vec<String>]) -> VecDeque<Row> {
        for (line, row) in (2..).zip(rows) {
            self.cells = ByteRecord::from(row.as_slice());
            self.take(line, Ok(()));
        }
        self.finish_open();
        std::mem::take(&mut self.ready)
    }
}

impl<R: Read> Iterator for Csv<'_, R> {
    type Item = Result<Row, FormatError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.ready.is_empty() && !self.ended {
            match read_row(&mut self.reader, &mut self.cells) {
                Ok(Some((line, read))) => self.take(line, read),
                Ok(None) => {
                    self.ended = true;
                    self.finish_open();
                }
                Err(error) => {
                    self.ended = true;
                    return Some(Err(error));
                }
            }
        }
        self.ready.pop_front().map(Ok)
    }
}

impl<R> Csv<'_, R> {
    /// Deals with the row in `cells`.
    fn take(&mut self, line: u64, read: Result<(), Trouble>) {
        if let Err(trouble) = read.and_then(|()| self.check()) {
            if let Some((_, parcel)) = &mut self.open {
                parcel.note_gap(line);
            }
            return self.ready.push_back(Row::Refused(trouble.at(line, 1)));
        }
        if let Some(trouble) = self.ruled_out().or_else(|| self.cancelled()) {
            return self.ready.push_back(Row::Refused(trouble.at(line, 1)));
        }
        let charge = self.charge();
        if charge.is_none() {
            self.remember(line);
        }
        if !self.same_parcel() {
            self.finish_open();
            let key = self.places.key.iter().map(|at| &self.cells[*at]).collect();
            self.open = Some((key, Parcel::new(line)));
        }
        let item = self.open.as_ref().map_or(0, |(_, parcel)| parcel.items());
        let values = self.values(charge, item);
        if let Some((_, parcel)) = &mut self.open {
            parcel.add(self.mapping, line, charge.is_some(), values);
        }
        if !self.mapping.groups_rows() {
            self.finish_open();
        }
    }

    fn same_parcel(&self) -> bool {
        let key = self.places.key.iter().map(|at| &self.cells[*at]);
        self.open.as_ref().is_some_and(|(open, _)| open.iter().eq(key))
    }

    fn finish_open(&mut self) {
        if let Some((_, parcel)) = self.open.take() {
            parcel.finish(self.mapping, &mut self.ready);
        }
    }

    /// Refuses a row of which not even the parcel is known.
    fn check(&self) -> Result<(), Trouble> {
        check_width(self.cells.len(), self.width)?;
        match self.mapping.group_by.iter().zip(&self.places.key).find(|(_, at)| self.cells[**at].is_empty()) {
            Some((column, _)) => {
                let what = "the cell is empty, but rows are grouped by this column";
                Err(Trouble { column: Some(column.clone()), ..Trouble::new(Fault::Mapping, what) })
            }
            None => Ok(()),
        }
    }

    /// What the first rule says that fits the row.
    fn ruled_out(&self) -> Option<Trouble> {
        self.mapping.refuse.iter().zip(&self.places.rules).find_map(|(rule, at)| self.fits(rule, *at))
    }

    fn fits(&self, rule: &Rule, at: usize) -> Option<Trouble> {
        let record = &self.mapping.record;
        // A cell that cannot be read fits no rule; its parcel is refused for it.
        let value = |operand: &super::rules::Operand| {
            let cells = |at: usize| self.places.record.get(at).map_or((&b""[..], None), |place| self.cell(*place));
            operand.value(record, cells)
        };
        let (operand, more) = match &rule.test {
            Test::Cell { column, values } => {
                let cell = std::str::from_utf8(&self.cells[at]).ok()?;
                let column = Some(column.clone());
                return values
                    .contains(cell.trim())
                    .then(|| Trouble { column, ..Trouble::of(rule.class, &*rule.reason) });
            }
            Test::Same(a, b) => {
                let same = value(a)? == value(b)?;
                same.then_some((a, String::new()))?
            }
            Test::Listed { operand, list, inside } => {
                let value = value(operand)?;
                let fits = has(list, operand.target.field.kind, &value) == *inside;
                fits.then(|| (operand, format!(": {value}")))?
            }
        };
        let trouble = Trouble::of(rule.class, format!("{}{more}", rule.reason));
        let column = operand.column(record).map(|column| column.name.clone());
        Some(Trouble { column, pointer: operand.target.pointer(0), ..trouble })
    }

    /// Whether the row is a cancellation, and of what.
    fn cancelled(&mut self) -> Option<Trouble> {
        let (rule, places) = (self.mapping.cancellation.as_ref()?, self.places.cancellation.as_ref()?);
        self.cells[places.reference].trim_ascii().strip_prefix(rule.prefix.as_bytes())?;
        let (key, quantity) =
            (key(places.same.iter().map(|at| &self.cells[*at])), number(&self.cells[places.quantity]));
        let original = match (key, quantity) {
            (Some(key), Some(quantity)) => self.sales.cancel(key, quantity),
            _ => Original::Unknown,
        };
        let what = match original {
            Original::Sale(reference, files, line) => {
                let before = match files {
                    0 => String::new(),
                    1 => ", one file before".to_owned(),
                    more => format!(", {more} files before"),
                };
                format!("cancellation, matched to '{reference}' of line {line}{before}")
            }
            Original::Unknown => "cancellation, original unknown".to_owned(),
            Original::Forgotten => "cancellation, original unknown or too long ago".to_owned(),
        };
        Some(Trouble { column: Some(rule.column.clone()), ..Trouble::of(Class::Cancellation, what) })
    }

    /// Remembers a sale for the cancellations that may follow.
    fn remember(&mut self, line: u64) {
        let Some(places) = &self.places.cancellation else { return };
        let key = key(places.same.iter().map(|at| &self.cells[*at]));
        let reference = String::from_utf8_lossy(&self.cells[places.reference]);
        if let (Some(key), Some(quantity)) = (key, number(&self.cells[places.quantity])) {
            self.sales.add(key, reference.trim(), line, quantity);
        }
    }

    /// Which charge the row is.
    fn charge(&self) -> Option<usize> {
        let told = |at: usize| std::str::from_utf8(&self.cells[at]).ok().map(str::trim);
        let fits = |(charge, (at, _)): (&super::rules::Charge, &(usize, Place))| {
            told(*at).is_some_and(|cell| charge.values.contains(cell))
        };
        self.mapping.charges.iter().zip(&self.places.charges).position(fits)
    }

    fn cell(&self, place: Place) -> (&[u8], Option<&[u8]>) {
        let cell = |at: usize| {
            // An optional column that the file lacks is at no place.
            let cell = self.cells.get(at).unwrap_or_default();
            if self.mapping.apostrophe { unguarded(cell) } else { cell }
        };
        (cell(place.at), place.factor.map(cell))
    }

    fn values(&self, charge: Option<usize>, item: usize) -> Result<RowValues, Trouble> {
        let side = |columns: &[Column], places: &[Place]| -> Result<Values, Trouble> {
            let read = |(column, place): (&Column, &Place)| {
                if column.charged {
                    return Ok(None);
                }
                let (cell, factor) = self.cell(*place);
                column.cell.read(cell, factor).map_err(|(fault, reason)| column.trouble(fault, item, reason))
            };
            columns.iter().zip(places).map(read).collect()
        };
        let record = side(&self.mapping.record.columns, &self.places.record)?;
        let part = match charge {
            None => RowPart::Goods(side(&self.mapping.goods.columns, &self.places.goods)?),
            Some(at) => self.amount(at)?,
        };
        Ok(RowValues { record, part })
    }

    fn amount(&self, charge: usize) -> Result<RowPart, Trouble> {
        let trouble = |fault, what: String| Trouble::new(fault, what);
        let found = self.mapping.charges.get(charge).zip(self.places.charges.get(charge));
        let Some((charge, (_, place))) = found else { return Err(trouble(Fault::Mapping, "no such charge".into())) };
        let column = Some(charge.from.clone());
        let (cell, factor) = self.cell(*place);
        match charge.cell.read(cell, factor) {
            Ok(Some(Value::Decimal(amount))) => Ok(RowPart::Charge(charge.at, amount)),
            Ok(_) => Err(Trouble { column, ..trouble(Fault::Missing, "the amount of the charge is empty".into()) }),
            Err((fault, reason)) => Err(Trouble { column, ..trouble(fault, reason) }),
        }
    }
}

fn number(cell: &[u8]) -> Option<Number> {
    std::str::from_utf8(cell).ok().and_then(|cell| Number::parse(cell.trim()))
}

/// Splits the rows of an input into cells.
pub(crate) type Splitter<R> = Reader<Rows<BufReader<R>>>;

/// A splitter for this delimiter.
pub(crate) fn splitter<R: Read>(input: R, delimiter: u8) -> Splitter<R> {
    ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .terminator(Terminator::Any(b'\n'))
        .from_reader(Rows::new(BufReader::with_capacity(64 * 1024, input), delimiter))
}

/// The names in the header line; none if there is no line.
pub(crate) fn header<R: Read>(
    reader: &mut Splitter<R>,
    cells: &mut ByteRecord,
) -> Result<Option<Vec<String>>, FormatError> {
    let Some((line, header)) = read_row(reader, cells)? else { return Ok(None) };
    let unusable = |reason| FormatError::Header { line, reason };
    header.map_err(|trouble| unusable(trouble.reason))?;
    let names = cells.iter().map(|cell| std::str::from_utf8(cell).map(str::to_owned));
    names.collect::<Result<_, _>>().map(Some).map_err(|_| unusable("it is not UTF-8".into()))
}

/// Refuses a row that is not as wide as the header.
pub(crate) fn check_width(found: usize, width: usize) -> Result<(), Trouble> {
    if found == width {
        return Ok(());
    }
    let what = format!("the row has {found} cells, the header has {width}");
    Err(Trouble::new(Fault::Mapping, format!("{what}\nhint: a cell with the delimiter in it is quoted")))
}

/// A row's first line, and why it cannot be read if so.
pub(crate) type Split = (u64, Result<(), Trouble>);

/// Reads the next row into `cells`.
pub(crate) fn read_row<R: Read>(
    reader: &mut Splitter<R>,
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
    fn an_optional_column_that_is_not_there_is_empty() {
        let mapping = SHOP.replace("version = 1", "version = 1\n        optional = [\"Buyer\"]");
        let there = rows(&mapping, b"Invoice,Buyer,Text,Price\n1,,hat,2\n");
        assert_eq!(rows(&mapping, b"Invoice,Text,Price\n1,hat,2\n"), there);
        assert!(matches!(&there[..], [Row::Record { .. }]));
        let lacking = csv(b"Invoice,Text\n".as_slice(), &Mapping::parse(&mapping).unwrap()).unwrap_err().to_string();
        assert!(lacking.contains("lacks: 'Price'; the header has"), "{lacking}");
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
