//! The mapping `bacuda` against the real files, where they are at hand.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs::File;

use super::*;
use crate::record::content_from_json;

const HEADER: &str = "Declaration ID,Date,Office ID,Process Type,Import Type,Import Use,Payment Type,Mode of Transport,\
Declarant ID,Importer ID,Seller ID,Courier ID,HS6 Code,Country of Departure,Country of Origin,Tax Rate,Tax Type,\
Country of Origin Indicator,Net Mass,Item Price,Fraud,Critical Fraud";

fn mapping() -> Mapping {
    Mapping::parse(Mapping::builtin("bacuda").unwrap()).unwrap()
}

fn shared(test: &str, file: &str) -> Option<File> {
    crate::testing::shared(test, &format!("data/bacuda/{file}")).map(|path| File::open(path).unwrap())
}

/// Records, refusals, and the rows that both account for.
fn counted(file: File) -> (u64, Vec<Refusal>, u64) {
    let (mut records, mut refusals, mut rows) = (0, Vec::new(), 0);
    for row in csv(file, &mapping()).unwrap() {
        let row = row.unwrap();
        rows += row.rows();
        match row {
            Row::Record { content, source } => {
                records += 1;
                assert_eq!((content.items(), source.rows, source.line), (1, 1, rows + 1));
            }
            Row::Refused(refusal) => refusals.push(refusal),
        }
    }
    (records, refusals, rows)
}

#[test]
fn every_row_of_the_validation_file_is_accounted_for() {
    let test = "every_row_of_the_validation_file_is_accounted_for";
    let Some(file) = shared(test, "df_syn_valid_eng.csv") else { return };
    let (records, refusals, rows) = counted(file);
    assert!(refusals.iter().all(|r| r.line > 1 && !r.reason.is_empty()));
    assert_eq!((records, refusals.len(), rows), (8_134, 0, 8_134), "{:?}", refusals.first());
}

#[test]
fn every_row_of_the_training_file_is_accounted_for() {
    let test = "every_row_of_the_training_file_is_accounted_for";
    let Some(file) = shared(test, "df_syn_train_eng.csv") else { return };
    let (records, refusals, rows) = counted(file);
    assert!(refusals.iter().all(|r| r.line > 1 && !r.reason.is_empty()));
    assert_eq!((records, refusals.len(), rows), (37_385, 0, 37_385), "{:?}", refusals.first());
}

#[test]
fn a_row_becomes_a_declaration() {
    let row = "5,2021-01-01,40,B,11,21,13,10,DEC,IMP,SEL,,760711,CN,HK,7.2,FCN1,E,901.2,86125.20000000001,1,2";
    let mapping = mapping();
    let input = format!("{HEADER}\n{row}\n");
    let rows: Vec<_> = csv(input.as_bytes(), &mapping).unwrap().map(Result::unwrap).collect();
    let expected = serde_json::json!({
        "type": "declaration",
        "filing": {
            "own_reference": "5", "kind": "import", "data_set": "BACUDA", "filed_on": "2021-01-01", "office": "40",
            "procedure": "11", "process_type": "B", "use_code": "21",
        },
        "route": {"destination": "KR", "departure": "CN", "mode": "10"},
        "declarant": [{"role": "declarant", "id": "DEC"}, {"role": "importer", "id": "IMP"}],
        "seller": {"account": "SEL"},
        "payment": {"kind": "13"},
        "goods": [{
            "classification": {"hs": "760711"},
            "value": {"amount": "86125.20", "currency": "KRW"},
            "origin": {"country": "HK", "indicator": "E", "net_kg": "901.2"},
            "duty": [{"kind": "FCN1", "rate_percent": "7.2"}],
        }],
    });
    let content = content_from_json(&expected).unwrap();
    assert_eq!(rows, [Row::Record { content, source: Source { line: 2, rows: 1, charges: 0 } }]);
}

#[test]
fn faults_name_line_and_column() {
    let good = "5,2021-01-01,40,B,11,11,11,40,A,B,C,D,760711,CN,HK,7.2,FCN1,E,901.2,1.5,0,0";
    let changed = |from, to| good.replacen(from, to, 1);
    let input = [
        HEADER.to_owned(),
        changed("2021-01-01", "01.01.2021"),
        good.into(),
        changed("760711", "76071"),
        changed("901.2", ""),
        changed("901.2,1.5", "901.2,"),
        changed("CN", "China"),
        changed("5,", ","),
    ];
    let input = input.join("\n");
    let mapping = mapping();
    let rows = csv(input.as_bytes(), &mapping).unwrap().map(Result::unwrap);
    let refusals = rows.filter_map(|row| match row {
        Row::Refused(r) => Some((r.line, r.column.unwrap(), r.fault, r.pointer)),
        Row::Record { .. } => None,
    });
    let expected = [
        (2, "Date", Fault::Value, "/filing/filed_on"),
        (4, "HS6 Code", Fault::Value, "/goods/1/classification/hs"),
        (7, "Country of Departure", Fault::Value, "/route/departure"),
        (8, "Declaration ID", Fault::Missing, "/filing/own_reference"),
    ];
    let expected = expected.map(|(line, column, fault, at)| (line, column.to_owned(), fault, at.to_owned()));
    assert_eq!(refusals.collect::<Vec<_>>(), expected);
}
