//! `luxor duty` from declarations to records of duty.

use luxor_protocol::record::content_from_json;
use luxor_protocol::revenue::Statement;

use super::{Folder, luxor};
use crate::exit::Exit;

const RATES: &str = r#"
name = "operator"
version = "7"
[[rate]]
table = "vat"
destinations = ["DE"]
percent = "19"
source = "test"
[[exchange]]
currency = "USD"
into = "EUR"
rate = "0.9"
from = "2026-06-01"
source = "rates of June"
"#;

fn declaration(reference: &str, hs: &str, currency: &str) -> String {
    format!(
        r#"{{"type":"declaration","version":3,"filing":{{"own_reference":"{reference}","kind":"import","filed_on":"2026-07-02"}},"item":{{"scheme":"platform","id":"P-{reference}"}},"route":{{"destination":"DE"}},"goods":[{{"classification":{{"hs":"{hs}"}},"value":{{"amount":"20.00","currency":"{currency}"}}}}]}}"#
    )
}

fn written(path: &str) -> Vec<Statement> {
    let text = std::fs::read_to_string(path).unwrap();
    let read = |line: &str| {
        let content = content_from_json(&serde_json::from_str(line).unwrap()).unwrap();
        Statement::of(&content, &"customs".parse().unwrap()).unwrap()
    };
    text.lines().map(read).collect()
}

#[test]
fn declarations_become_records_of_duty_that_pass_the_check() {
    let folder = Folder(tempfile::tempdir().unwrap());
    let (file, book, out) = (folder.path("d.ndjson"), folder.path("book.toml"), folder.path("duty.ndjson"));
    std::fs::write(&book, RATES).unwrap();
    std::fs::write(&file, [declaration("D-1", "610910", "EUR"), declaration("D-2", "610910", "USD")].join("\n"))
        .unwrap();
    let assess =
        |more: &[&str]| luxor(&[&["duty", "assess", "--book", &book, "--file", &file, "-o", &out], more].concat());
    // The day of filing is after the change of rules: EUR 3 for each tariff line, and tax on both.
    assert_eq!(assess(&[]).unwrap(), Exit::Ok);
    let amounts = || -> Vec<String> {
        written(&out).iter().flat_map(|of| of.lines.iter().map(|line| line.amount.to_string())).collect()
    };
    assert_eq!(amounts(), ["3.00 EUR", "4.37 EUR", "3.00 EUR", "3.99 EUR"]);
    assert_eq!(written(&out)[1].record.reference, "DUTY-D-2");
    assert_eq!(luxor(&["check", &out]).unwrap(), Exit::Ok);
    // Before it, the same consignments are relieved of duty.
    assert_eq!(assess(&["--on", "2026-06-30", "--json"]).unwrap(), Exit::Ok);
    assert_eq!(amounts(), ["0.00 EUR", "3.80 EUR", "0.00 EUR", "3.42 EUR"]);
}

#[test]
fn what_cannot_be_assessed_makes_no_record() {
    let folder = Folder(tempfile::tempdir().unwrap());
    let (file, book, out) = (folder.path("d.ndjson"), folder.path("book.toml"), folder.path("duty.ndjson"));
    std::fs::write(&book, RATES).unwrap();
    let lines = [
        declaration("D-1", "610910", "EUR"),
        // Again, without a rate of exchange, without a code; what is no declaration; what does not read.
        declaration("D-1", "610910", "EUR"),
        declaration("D-2", "610910", "CHF"),
        declaration("D-3", "610910", "EUR").replace(r#""classification":{"hs":"610910"},"#, ""),
        r#"{"type":"order","reference":{"own_reference":"O"},"order":{"number":"1"}}"#.to_owned(),
        "{".to_owned(),
    ];
    std::fs::write(&file, lines.join("\n")).unwrap();
    let assess = |book: &str| luxor(&["duty", "assess", "--book", book, "--file", &file, "-o", &out, "--json"]);
    assert_eq!(assess(&book).unwrap(), Exit::Findings);
    assert_eq!(written(&out).len(), 1);
    // The samples have no rates of value added tax: what is open makes no record.
    assert_eq!(assess("sample").unwrap(), Exit::Findings);
    assert_eq!(written(&out).len(), 0);
    std::fs::write(&book, "name = 'x'\nversion = '1'\n[[rate]]\ntable = 'vat'\n").unwrap();
    assert_eq!(Exit::of(&assess(&book).unwrap_err()), Exit::Refused);
    assert_eq!(luxor(&["duty", "template"]).unwrap(), Exit::Ok);
}
