//! Bytes, several members' publications, CSV and SDMX-CSV.

use super::*;
use crate::cbor::{CborError, Decode, Encode};
use crate::statistics::{PublicationError, Structure};

fn of(member: &str, counts: [usize; 4]) -> Publication {
    let mut facts = Facts::new();
    let cells = [("CN", "6109"), ("CN", "8517"), ("US", "6109"), ("US", "8517")];
    for ((origin, heading), count) in cells.into_iter().zip(counts) {
        safe(&mut facts, origin, heading, count, 100);
    }
    let table = Table::new("t".parse().unwrap()).only(Dimension::Origin, 1).only(Dimension::Product, 2);
    let mut edition = edition("2026-01", "2026-03", vec![table]);
    edition.publisher = member.parse().unwrap();
    disclose(&facts, &edition, &by_count(3, 20), &[]).unwrap().publication
}

/// A has 4, 1, none and 5; B has 6, 8, 7 and none: 10, withheld by one, 7 and 5.
#[test]
fn members_are_added_where_all_publish() {
    let (a, b) = (of("customs-kr", [4, 1, 0, 5]), of("customs-th", [6, 8, 7, 0]));
    let all = Publication::combine(&[b.clone(), a.clone()], NOW).unwrap();
    let expected = [("CN.6109", "10"), ("CN.8517", "member"), ("US.6109", "7"), ("US.8517", "5")];
    assert_eq!(read(&all), expected.map(|(name, what)| (name.to_owned(), what.to_owned())).into());
    assert_eq!(all.to_cbor(), Publication::combine(&[a.clone(), b.clone()], NOW).unwrap().to_cbor());
    assert_eq!(Publication::from_cbor(&all.to_cbor()).unwrap(), all);
    let members: Vec<_> = all.sources.iter().map(|source| source.member.as_str()).collect();
    assert_eq!(members, ["customs-kr", "customs-th"]);

    let refused = |one: &Publication, other: &Publication| {
        matches!(Publication::combine(&[one.clone(), other.clone()], NOW), Err(PublicationError::Differ(_)))
    };
    assert!(refused(&a, &a), "a member twice");
    let other_currency = Publication { currency: "THB".parse().unwrap(), ..b.clone() };
    let other_months = Publication { to: "2026-04".parse().unwrap(), ..b.clone() };
    let other_flow = Publication { flow: Flow::Export, ..b.clone() };
    let other_tables = Publication { tables: Vec::new(), ..b };
    assert!([other_flow, other_currency, other_months, other_tables].iter().all(|other| refused(&a, other)));
    assert!(Publication::combine(&[], NOW).is_err());
}

#[test]
fn bytes_are_canonical_and_others_are_refused() {
    let publication = of("customs-kr", [4, 1, 0, 5]);
    let bytes = publication.to_cbor();
    assert_eq!(Publication::from_cbor(&bytes).unwrap().to_cbor(), bytes);
    for end in 0..bytes.len() {
        assert!(Publication::from_cbor(&bytes[..end]).is_err());
    }
    // Whatever one changed byte makes of it is refused, or encodes to what was read.
    for place in 0..bytes.len() {
        for change in [1, 0x20, 0x80] {
            let mut changed = bytes.clone();
            changed[place] ^= change;
            let read: Result<Publication, CborError> = Publication::from_cbor(&changed);
            assert!(read.is_err() || read.unwrap().to_cbor() == changed);
        }
    }
    let mut unsorted = publication.clone();
    unsorted.sources.push(unsorted.sources[0].clone());
    assert!(Publication::from_cbor(&unsorted.to_cbor()).is_err());
    let backwards = Publication { from: publication.to, to: "2025-12".parse().unwrap(), ..publication };
    assert!(Publication::from_cbor(&backwards.to_cbor()).is_err());
}

#[test]
fn csv_for_people() {
    let text = of("customs-kr", [4, 1, 0, 5]).to_csv();
    let lines: Vec<_> = text.split("\r\n").collect();
    assert_eq!(
        lines,
        [
            "table,flow,time,origin,destination,product,mode,model,status,count,value,mass,duty,currency",
            "t,import,_T,CN,_T,6109,_T,_T,published,4,400,44,20,KRW",
            "t,import,_T,CN,_T,8517,_T,_T,primary,,,,,KRW",
            "t,import,_T,US,_T,8517,_T,_T,published,5,500,55,25,KRW",
            "",
        ]
    );
}

#[test]
fn sdmx_csv_for_statisticians() {
    let structure = Structure::new("KCS", "PARCELS", "1.0.0").unwrap();
    let text = of("customs-kr", [4, 1, 0, 5]).to_sdmx_csv(&structure);
    let lines: Vec<_> = text.split("\r\n").collect();
    assert_eq!(
        lines,
        [
            "STRUCTURE,STRUCTURE_ID,ACTION,TABLE,FLOW,FREQ,ORIGIN,DESTINATION,PRODUCT,MODE,MODEL,TIME_PERIOD,COUNT,VALUE,MASS,DUTY,CURRENCY,CONF_STATUS",
            "dataflow,KCS:PARCELS(1.0.0),I,t,M,_Z,CN,_T,6109,_T,_T,2026-01-01/P3M,4,400,44,20,KRW,F",
            "dataflow,KCS:PARCELS(1.0.0),I,t,M,_Z,CN,_T,8517,_T,_T,2026-01-01/P3M,,,,,KRW,C",
            "dataflow,KCS:PARCELS(1.0.0),I,t,M,_Z,US,_T,8517,_T,_T,2026-01-01/P3M,5,500,55,25,KRW,F",
            "",
        ]
    );
    for (agency, id, version) in
        [("", "A", "1.0"), ("A,B", "A", "1.0"), ("A", "1A", "1.0"), ("A", "A", "1."), ("A", "A", "1,0")]
    {
        assert!(Structure::new(agency, id, version).is_err());
    }
}

#[test]
fn years_that_are_not_whole_are_ranges() {
    let mut facts = Facts::new();
    for month in ["2025-11", "2025-12", "2026-01"] {
        for party in ["a", "b", "c", "d"] {
            facts.add(&in_month(item("CN", "6109", party, 100), month)).unwrap();
        }
    }
    let table = Table::new("t".parse().unwrap()).by(Dimension::Time);
    let structure = Structure::new("KCS", "PARCELS", "1.0").unwrap();
    let periods = |from: &str, to: &str| {
        let edition = edition(from, to, vec![table.clone()]);
        let text = disclose(&facts, &edition, &by_count(3, 0), &[]).unwrap().publication.to_sdmx_csv(&structure);
        let row = |line: &str| [5, 11].map(|place| line.split(',').nth(place).unwrap().to_owned());
        text.lines().skip(1).map(row).collect::<Vec<_>>()
    };
    let expected = [
        ["_Z", "2025-11-01/P3M"],
        ["A", "2025-11-01/P2M"],
        ["M", "2025-11"],
        ["M", "2025-12"],
        ["A", "2026-01-01/P1M"],
        ["M", "2026-01"],
    ];
    assert_eq!(periods("2025-11", "2026-01"), expected);
    assert_eq!(periods("2025-01", "2025-12")[1], ["A", "2025"]);
}
