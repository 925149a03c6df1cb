//! The real BACUDA files through the checker, where they are at hand. The figures were counted apart from this code: codes that the HS
//! 2022 does not have (they are of the edition before), prices in KRW with a fraction, country codes ZZ, masses and prices of zero.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use super::*;
use crate::formats::{Mapping, Row, csv};
use crate::record::DECLARATION;
use crate::reference::RuleBook;
use crate::time::Day;

/// The file, or nothing and a note where the shared folder is absent.
fn shared(test: &str, file: &str) -> Option<File> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared");
    let folder = std::env::var_os("LUXOR_SHARED").map_or_else(|| default.into(), PathBuf::from);
    let folder = folder.join("data/bacuda");
    match folder.is_dir() {
        true => Some(File::open(folder.join(file)).unwrap()),
        false => {
            println!("skipped: {test}: {} absent", folder.display());
            None
        }
    }
}

/// Every record with findings, by rule, lodged on the same day.
fn counted(file: File) -> Report {
    let book = Arc::new(RuleBook::builtin().unwrap());
    let checker = Checker::new(&DECLARATION, &book);
    let mapping = Mapping::parse(Mapping::builtin("bacuda").unwrap()).unwrap();
    let day: Day = "2026-11-26".parse().unwrap();
    let mut report = Report::default();
    for row in csv(file, &mapping).unwrap() {
        let Row::Record { content, .. } = row.unwrap() else { panic!("a row that gives no record") };
        report.add("customs-kr", &checker.check(&content, day));
    }
    report
}

fn findings(report: &Report) -> Vec<(&'static str, u64)> {
    report.all.by_rule.iter().map(|(rule, count)| (rule.id(), count.findings)).collect()
}

#[test]
fn the_training_file_has_exactly_these_findings() {
    let Some(file) = shared("the_training_file_has_exactly_these_findings", "df_syn_train_eng.csv") else { return };
    let report = counted(file);
    let expected = [
        ("currency.minor_units", 22_245),
        ("description.missing", 37_385),
        ("hs.unknown", 1_555),
        ("mass.net.zero", 285),
        ("territory.unknown", 37),
        ("value.zero", 358),
    ];
    assert_eq!(findings(&report), expected);
    let all = &report.all;
    assert_eq!((all.records, all.with_error, all.score(), all.share(Rule::HsUnknown)), (37_385, 1_830, 951, 41));
}

#[test]
fn the_validation_file_has_exactly_these_findings() {
    let Some(file) = shared("the_validation_file_has_exactly_these_findings", "df_syn_valid_eng.csv") else { return };
    let report = counted(file);
    let expected = [
        ("currency.minor_units", 4_770),
        ("description.missing", 8_134),
        ("hs.unknown", 349),
        ("mass.net.zero", 55),
        ("territory.unknown", 16),
        ("value.zero", 79),
    ];
    assert_eq!(findings(&report), expected);
    assert_eq!((report.all.records, report.all.with_error, report.senders.len()), (8_134, 407, 1));
}
