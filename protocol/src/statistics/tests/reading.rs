//! Facts from CSV.

use super::*;
use crate::statistics::facts::Sums;
use crate::statistics::{FactRow, FactsFileError, Flow, read_facts};

const HEADER: &str = "month,flow,hs,origin,destination,mode,model,value,count,mass,duty,seller";

fn rows(text: &str) -> Result<Vec<FactRow>, FactsFileError> {
    read_facts(text.as_bytes())?.collect()
}

#[test]
fn a_row_is_a_fact_with_its_figures() {
    let text = format!(
        "{HEADER}\n2026-01,import,61091000,CN,KR,5,vendor,1200,,250,96,s-1\n2026-02,export,61,KR,CN,4,consumer,7,3,,,\n"
    );
    let rows = rows(&text).unwrap();
    let seller = [None, Some("s-1".into()), None];
    let mut place = item("CN", "6109", "", 0).place;
    assert_eq!(
        rows[0],
        FactRow {
            line: 2,
            flow: Flow::Import,
            place,
            parties: seller,
            sums: Sums { count: 1, value: 1200, mass: 250, duty: 96 }
        }
    );
    let one = rows[0].item().unwrap();
    assert_eq!((one.value, one.mass, one.duty), (1200, 250, 96));
    place = Place {
        month: "2026-02".parse().unwrap(),
        origin: "KR".parse().unwrap(),
        destination: "CN".parse().unwrap(),
        heading: "61".parse().unwrap(),
        mode: "4".parse().unwrap(),
        model: CollectionModel::Consumer,
    };
    assert_eq!(
        rows[1],
        FactRow {
            line: 3,
            flow: Flow::Export,
            place,
            parties: [None, None, None],
            sums: Sums { count: 3, value: 7, mass: 0, duty: 0 }
        }
    );
    assert_eq!(rows[1].item(), None);
}

#[test]
fn rows_that_are_added_up_count_as_their_items() {
    let (mut one_by_one, mut added_up) = (Facts::new(), Facts::new());
    let fact = item("CN", "6109", "a", 100);
    for _ in 0..5 {
        one_by_one.add(&fact).unwrap();
    }
    let sums = Sums { count: 5, value: 500, mass: 55, duty: 25 };
    added_up.add_sums(&fact.place, &fact.parties, sums).unwrap();
    let tables = || vec![table("t", &[Dimension::Origin])];
    let rules = by_count(3, 20);
    assert_eq!(january(&one_by_one, tables(), &rules).publication, january(&added_up, tables(), &rules).publication);
    added_up.take(&fact).unwrap();
    assert_eq!(read(&january(&added_up, tables(), &rules).publication)["CN._T"], "4");
}

#[test]
fn what_is_wrong_is_said_with_line_and_column() {
    let field = |row: &str| match rows(&format!("{HEADER}\n{row}\n")) {
        Err(FactsFileError::Field { line, column, .. }) => (line, column),
        other => panic!("{row}: {other:?}"),
    };
    let good = "2026-01,import,6109,CN,KR,5,vendor,1,1,1,1,s";
    for (from, to, column) in [
        ("2026-01", "2026-13", "month"),
        ("import", "transit", "flow"),
        ("6109", "610", "hs"),
        ("6109", "0009", "hs"),
        ("CN", "cn", "origin"),
        ("KR", "KOR", "destination"),
        (",5,", ",0,", "mode"),
        ("vendor", "nobody", "model"),
        (",1,1,1,1,", ",-1,1,1,1,", "value"),
        // An empty value is no zero.
        (",1,1,1,1,", ",,1,1,1,", "value"),
        (",1,1,1,1,", ",1,0,1,1,", "count"),
        (",1,1,1,1,", ",1,1,1.5,1,", "mass"),
        (",1,1,1,1,", ",1,1,1,18446744073709551616,", "duty"),
    ] {
        assert_eq!(field(&good.replacen(from, to, 1)), (2, column), "{to}");
    }
    assert!(matches!(rows("month,flow\n"), Err(FactsFileError::Column("hs"))));
    for header in [format!("{HEADER},month"), format!("{HEADER},colour")] {
        assert!(matches!(rows(&format!("{header}\n")), Err(FactsFileError::Unknown(_))));
    }
    for row in
        ["2026-01,import", &format!("{good},more"), "\"2026-01,import", &"x".repeat(crate::limits::MAX_LINE_BYTES + 1)]
    {
        assert!(matches!(rows(&format!("{HEADER}\n{row}\n")), Err(FactsFileError::Row { line: 2, .. })), "{:.40}", row);
    }
    assert!(matches!(rows(""), Err(FactsFileError::Empty)));
    // A row that is refused costs itself only.
    let three: Vec<bool> =
        read_facts(format!("{HEADER}\n{good}\n\"x\n{good}\n").as_bytes()).unwrap().map(|row| row.is_ok()).collect();
    assert_eq!(three, [true, false, true]);
}
