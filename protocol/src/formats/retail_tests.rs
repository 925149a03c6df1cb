//! The mapping `retail` against the real files, where they are at hand, and against small ones.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs::File;

use proptest::prelude::*;

use super::*;
use crate::record::{Value, content_from_json, table};
use crate::testing::shared;

const HEADER: &str = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";

/// Day, then rows that are goods, charge, cancellation, domestic, no_member, refused; records, links. Counted once more by a
/// script of another language, from the words of the data's own columns.
const DAYS: [(&str, [u64; 8]); 7] = [
    ("2010-12-01", [54, 4, 14, 2_949, 87, 0, 5, 0]),
    ("2011-03-01", [295, 4, 0, 1_051, 11, 0, 7, 0]),
    ("2011-07-19", [317, 6, 5, 1_202, 137, 0, 11, 0]),
    ("2011-09-19", [326, 9, 2, 996, 103, 0, 14, 0]),
    ("2011-10-06", [453, 12, 11, 2_681, 32, 0, 16, 1]),
    ("2011-10-11", [470, 6, 3, 1_925, 63, 0, 12, 1]),
    ("2011-11-17", [508, 13, 7, 3_053, 40, 0, 21, 0]),
];

fn mapping() -> Mapping {
    Mapping::parse(Mapping::builtin("retail").unwrap()).unwrap()
}

fn read(mapping: &Mapping, body: &str) -> Vec<Row> {
    csv(format!("{HEADER}{body}").as_bytes(), mapping).unwrap().map(Result::unwrap).collect()
}

/// What became of some rows, in short.
fn shown(rows: &[Row]) -> Vec<String> {
    let show = |row: &Row| match row {
        Row::Record { content, source } => {
            format!("{} {}+{} of them {} charges", content.table().name, source.line, source.rows, source.charges)
        }
        Row::Refused(refusal) => format!("{} {}", refusal.class, refusal),
    };
    rows.iter().map(show).collect()
}

fn refusals(rows: &[Row], class: Class) -> Vec<&Refusal> {
    let of = |row: &'_ Row| matches!(row, Row::Refused(r) if r.class == class);
    let refused = rows.iter().filter(|row| of(row)).filter_map(|row| match row {
        Row::Refused(r) => Some(r),
        Row::Record { .. } => None,
    });
    refused.collect()
}

#[test]
fn every_row_of_seven_days_is_accounted_for() {
    let test = "every_row_of_seven_days_is_accounted_for";
    let mapping = mapping();
    let (mut sales, mut matched, mut cancelled) = (Sales::default(), 0, 0);
    for (day, expected) in DAYS {
        let Some(path) = shared(test, &format!("data/retail/{day}.csv")) else { return };
        let lines = std::fs::read_to_string(&path).unwrap().lines().count() as u64 - 1;
        let mut rows = csv_after(File::open(&path).unwrap(), &mapping, sales).unwrap();
        let all: Vec<_> = rows.by_ref().map(Result::unwrap).collect();
        sales = rows.into_sales();
        let mut tally = Tally::default();
        all.iter().for_each(|row| tally.add(row));
        let Tally { records, links, goods, charge, cancellation, domestic, no_member, refused } = tally;
        assert_eq!([goods, charge, cancellation, domestic, no_member, refused, records, links], expected, "{day}");
        assert_eq!((tally.rows(), all.iter().map(Row::rows).sum()), (lines, lines), "{day}");
        let of_this = refusals(&all, Class::Cancellation);
        assert!(of_this.iter().all(|r| r.rows == 1 && r.reason.starts_with("cancellation, ")));
        cancelled += of_this.len();
        matched += of_this.iter().filter(|r| r.reason.contains("matched to")).count();
    }
    assert_eq!((cancelled, matched), (42, 4));
}

#[test]
fn the_day_that_must_show() {
    let Some(path) = shared("the_day_that_must_show", "data/retail/2011-11-17.csv") else { return };
    let mapping = mapping();
    let rows: Vec<_> = csv(File::open(path).unwrap(), &mapping).unwrap().map(Result::unwrap).collect();
    assert_eq!(rows.iter().map(Row::rows).sum::<u64>(), 3_621);
    let (mut parcels, mut postage, mut values) = (0, 0, 0);
    for row in &rows {
        let Row::Record { content, .. } = row else { continue };
        parcels += 1;
        let cents = |value: Value| match value {
            Value::Decimal(d) => d.mantissa * 10i64.pow(2 - u32::from(d.scale)),
            other => panic!("{other}"),
        };
        postage += content.field("postage", "amount").map_or(0, cents);
        let (at, _) = content.table().group("value").unwrap();
        values += content.leaves(at).iter().take(content.items()).filter(|leaf| !leaf.is_empty()).count();
        assert!(content.field("order", "reference") == content.field("filing", "own_reference"));
    }
    // In pence: quantity times price of the 13 charges.
    assert_eq!((parcels, values, postage), (21, 508, 134_500));
}

#[test]
fn rows_become_a_parcel_with_its_postage() {
    let body = "1,10002,HAT ,2,2011-11-17 08:20:00,2.08,7.0,EIRE\n1,POST,POSTAGE,3,2011-11-17 08:20:00,18.00,7.0,EIRE\n\
                1,10003,CAP,1,2011-11-17 08:20:00,0.5,7.0,EIRE\n1,C2,CARRIAGE,1,2011-11-17 08:20:00,0.5,7.0,EIRE\n";
    let rows = read(&mapping(), body);
    let expected = serde_json::json!({
        "type": "declaration", "version": 3,
        "filing": {
            "own_reference": "1", "kind": "pre_advice", "category_of_item": "sale_of_goods", "filed_on": "2011-11-17",
        },
        "item": {"scheme": "platform", "issuer": "retail", "id": "1"},
        "order": {"reference": "1"},
        "route": {"departure": "GB", "destination": "IE"},
        "addressee": {"id": "7.0"},
        "postage": {"amount": "54.5", "currency": "GBP"},
        "goods": [
            {
                "content": {"description": "HAT", "units": 2}, "value": {"amount": "4.16", "currency": "GBP"},
                "product": {"merchant_id": "10002"},
            },
            {
                "content": {"description": "CAP", "units": 1}, "value": {"amount": "0.5", "currency": "GBP"},
                "product": {"merchant_id": "10003"},
            },
        ],
    });
    let content = content_from_json(&expected).unwrap();
    assert_eq!(rows, [Row::Record { content, source: Source { line: 2, rows: 4, charges: 2 } }]);
}

#[test]
fn what_a_row_is_is_decided_in_order() {
    let row = |invoice: &str, code: &str, quantity: &str, customer: &str, country: &str| {
        format!("{invoice},{code},X,{quantity},2011-11-17 08:20:00,1.5,{customer},{country}\n")
    };
    let body = [
        row("1", "POST", "1", "7", "United Kingdom"),
        row("C2", "a", "-1", "7", "Japan"),
        row("C3", "POST", "-1", "7", "France"),
        row("4", "a", "5", "7", "France"),
        row("C5", "a", "-2", "7", "France"),
        row("C6", "a", "-4", "7", "France"),
        row("C7", "a", "-3", "7", "France"),
        row("C8", "a", "-1", "", "France"),
        row("9", "POST", "1", "7", "France"),
        row("10", "a", "1", "7", "Channel Islands"),
        row("11", "a", "1", "7", "Unspecified"),
        row("12", "a", "1", "7", "Atlantis"),
        row("13", "a", "-1", "7", "France"),
    ];
    let rows = read(&mapping(), &body.concat());
    let units = "line 14, column 'Quantity': '-1' is not a whole number from 0 to 99999999";
    assert_eq!(
        shown(&rows),
        [
            "domestic line 2, column 'Country': stays in the country",
            "no_member line 3, column 'Country': no member of the network receives there: JP",
            "cancellation line 4, column 'InvoiceNo': cancellation, original unknown",
            "cancellation line 6, column 'InvoiceNo': cancellation, matched to '4' of line 5",
            "cancellation line 7, column 'InvoiceNo': cancellation, original unknown",
            "cancellation line 8, column 'InvoiceNo': cancellation, matched to '4' of line 5",
            "cancellation line 9, column 'InvoiceNo': cancellation, original unknown",
            "declaration 5+1 of them 0 charges",
            "no_member line 11, column 'Country': no member of the network receives there: Channel Islands",
            "refused line 12, column 'Country': no country of destination",
            "charge line 10: a charge, and its parcel has no goods rows",
            "refused line 13, column 'Country': 'Atlantis' is not in the column's map",
            &format!("refused {units}"),
        ]
    );
    assert_eq!(rows.iter().map(Row::rows).sum::<u64>(), 13);
}

#[test]
fn a_run_says_where_it_starts_and_whom_it_reaches() {
    let body = "1,a,X,1,2011-11-17 08:20:00,1.5,7,Japan\n2,a,X,1,2011-11-17 08:20:00,1.5,7,France\n";
    let arguments = Arguments {
        constants: [("route.departure".to_owned(), "FR".to_owned())].into(),
        lists: [("destinations".to_owned(), ["JP".to_owned()].into())].into(),
    };
    let mapping = Mapping::parse_with(Mapping::builtin("retail").unwrap(), &arguments).unwrap();
    let found = shown(&read(&mapping, body));
    assert_eq!(found, ["domestic line 3, column 'Country': stays in the country", "declaration 2+1 of them 0 charges"]);
    let unknown = Arguments { lists: [("places".to_owned(), Default::default())].into(), ..Arguments::default() };
    let error = Mapping::parse_with(Mapping::builtin("retail").unwrap(), &unknown).unwrap_err().to_string();
    assert!(error.contains("list 'places': the mapping does not have it\nhint: it has destinations"), "{error}");
}

#[test]
fn a_large_parcel_becomes_parts_with_a_link() {
    let row = |code: &str| format!("7,{code},X,1,2011-11-17 08:20:00,1.5,9,France\n");
    let body: String = (0..200).map(|n| row(&n.to_string())).chain([row("POST")]).collect();
    let rows = read(&mapping(), &body);
    let shapes = [
        "declaration 2+100 of them 1 charges",
        "declaration 101+99 of them 0 charges",
        "declaration 200+2 of them 0 charges",
        "link 2+0 of them 0 charges",
    ];
    assert_eq!(shown(&rows), shapes);
    let text = |row: &Row, group: &str, field: &str| match row {
        Row::Record { content, .. } => content.field(group, field).map(|v| v.to_string()),
        Row::Refused(_) => None,
    };
    for (part, row) in rows[..3].iter().enumerate() {
        assert_eq!(text(row, "filing", "own_reference"), Some(format!("7/{}", part + 1)));
        assert_eq!(text(row, "item", "id"), Some(format!("7/{}", part + 1)));
        assert_eq!(text(row, "order", "reference").as_deref(), Some("7"));
        assert_eq!(text(row, "postage", "amount"), (part == 0).then(|| "1.5".to_owned()));
    }
    let item = |id: &str| serde_json::json!({"scheme": "platform", "issuer": "retail", "id": id});
    let expected = serde_json::json!({
        "type": "link",
        "reference": {"own_reference": "7/parts", "action": "original"},
        "item": item("7"),
        "relation": {"kind": "split_into"},
        "others": [item("7/1"), item("7/2"), item("7/3")],
        "route": {"departure": "GB", "destination": "FR"},
    });
    assert!(matches!(&rows[3], Row::Record { content, .. } if *content == content_from_json(&expected).unwrap()));
    assert_eq!(rows[3].rows(), 0);
    assert_eq!(table("link", 1).map(|t| t.name), Some("link"));
    // A part that cannot be made takes all of them down.
    let bad = body.replacen("7,150,X,1,", "7,150,X,one,", 1);
    assert_eq!(
        shown(&read(&mapping(), &bad)),
        ["refused line 152, column 'Quantity': 'one' is not a whole number from 0 to 99999999 (201 rows refused)"]
    );
}

#[test]
fn the_sum_of_charges_is_exact_or_refused() {
    let row = |code: &str, quantity: &str, price: &str| {
        format!("7,{code},X,{quantity},2011-11-17 08:20:00,{price},9,France\n")
    };
    let goods = row("a", "1", "1");
    for (charges, expected) in [
        (vec![row("POST", "3", "0.1"), row("M", "-1", "0.05")], Ok("0.25")),
        (vec![row("POST", "1", "0.001")], Err("'1' times '0.001' in the field's unit has more than 2 digits")),
        (vec![row("POST", "", "1")], Err("the amount of the charge is empty")),
        (
            vec![row("POST", "9999999999", "999999"), row("M", "9999999999", "999999")],
            Err("is not a decimal of at most 16"),
        ),
    ] {
        let rows = read(&mapping(), &format!("{goods}{}", charges.concat()));
        match (&rows[..], expected) {
            ([Row::Record { content, .. }], Ok(sum)) => {
                assert_eq!(content.field("postage", "amount").unwrap().to_string(), sum);
            }
            ([Row::Refused(r)], Err(reason)) => {
                assert!(r.reason.contains(reason), "{}", r.reason);
                assert_eq!((r.rows, r.class), (1 + charges.len() as u64, Class::Refused));
            }
            other => panic!("{other:?}"),
        }
    }
}

/// Invoice, whether it cancels, article or charge, quantity, country.
type Sold = (u8, bool, &'static str, i8, &'static str);

fn any_row() -> impl Strategy<Value = Sold> {
    let code = prop_oneof![4 => Just("a"), 2 => Just("b"), 2 => Just("POST"), 1 => Just("C2")];
    let country =
        prop_oneof![6 => Just("France"), 1 => Just("United Kingdom"), 1 => Just("Japan"), 1 => Just("Atlantis")];
    (0u8..3, proptest::bool::weighted(0.2), code, -1i8..4, country)
}

proptest! {
    /// Against a naive account: what is decided by a row alone is exactly that, and no row is lost or counted twice.
    #[test]
    fn every_row_is_in_one_class(rows in proptest::collection::vec(any_row(), 0..120)) {
        let line = |(invoice, cancels, code, quantity, country): &Sold| {
            let prefix = if *cancels { "C" } else { "" };
            let quantity = if *cancels { -quantity } else { *quantity };
            format!("{prefix}{invoice},{code},X,{quantity},2011-11-17 08:20:00,1.5,7,{country}\n")
        };
        let body: String = rows.iter().map(line).collect();
        let read = read(&mapping(), &body);
        let mut tally = Tally::default();
        read.iter().for_each(|row| tally.add(row));
        prop_assert_eq!(tally.rows(), rows.len() as u64);
        let count = |test: fn(&&Sold) -> bool| rows.iter().filter(test).count() as u64;
        prop_assert_eq!(tally.domestic, count(|row| row.4 == "United Kingdom"));
        prop_assert_eq!(tally.no_member, count(|row| row.4 == "Japan"));
        prop_assert_eq!(tally.cancellation, count(|row| row.1 && (row.4 == "France" || row.4 == "Atlantis")));
        // Postage is in the records of the charges that are, each once: 1.50 times a quantity from -1 to 3.
        let charged: i64 = read.iter().map(|row| match row {
            Row::Record { content, .. } => match content.field("postage", "amount") {
                Some(Value::Decimal(d)) => d.mantissa * 10i64.pow(2 - u32::from(d.scale)),
                _ => 0,
            },
            Row::Refused(_) => 0,
        }).sum();
        let most = tally.charge as i64 * 450;
        prop_assert!((-(tally.charge as i64) * 150..=most).contains(&charged));
        let items: u64 = read.iter().map(|row| match row {
            Row::Record { content, .. } => content.items() as u64,
            Row::Refused(_) => 0,
        }).sum();
        prop_assert_eq!(items, tally.goods);
    }
}
