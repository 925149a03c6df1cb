//! `luxor indicator from-csv` and `luxor screen`: from a table to what is hit.

use serde_json::Value as Json;

use super::{Folder, luxor};
use crate::exit::Exit;

const TABLE: &str = "reference,valid_from,threat,confidence,tlp,advice,hs,party_name\n\
    A-1,2026-11-01,counterfeit,60,amber,inspect,9503|950300,\n\
    A-2,2026-11-01,narcotics,80,amber,inspect,,Example Maritime SA\n";

fn lines(path: &str) -> Vec<Json> {
    std::fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A folder with indicators of the table, and so many declarations of which every second one is hit.
fn screened(folder: &Folder, declarations: usize) -> (String, String) {
    let (table, made, file) = (folder.path("t.csv"), folder.path("i.ndjson"), folder.path("d.ndjson"));
    std::fs::write(&table, TABLE).unwrap();
    let args = ["indicator", "from-csv", &table, "--issuer", "customs-a", "-o", &made];
    assert_eq!(luxor(&args).unwrap(), Exit::Ok);
    let declaration = |at: usize| {
        let hs = if at.is_multiple_of(2) { "950300" } else { "610910" };
        format!(
            r#"{{"type":"declaration","version":3,"filing":{{"own_reference":"D-{at}","kind":"import"}},"route":{{"destination":"DE"}},"goods":[{{"classification":{{"hs":"{hs}"}}}}]}}"#
        )
    };
    std::fs::write(&file, (0..declarations).map(declaration).collect::<Vec<_>>().join("\n")).unwrap();
    (made, file)
}

#[test]
fn a_table_becomes_records_or_none_of_it_does() {
    let folder = Folder(tempfile::tempdir().unwrap());
    let (made, _) = screened(&folder, 1);
    let records = lines(&made);
    assert_eq!(records.len(), 2);
    assert_eq!(records[0]["goods_sought"], serde_json::json!([{ "hs": "9503" }, { "hs": "950300" }]));
    assert_eq!(luxor(&["indicator", "check", &made]).unwrap(), Exit::Ok);
    let (table, out) = (folder.path("wrong.csv"), folder.path("wrong.ndjson"));
    std::fs::write(&table, format!("{TABLE}A-3,2026-11-01,bees,80,amber,inspect,95,\n")).unwrap();
    let args = ["indicator", "from-csv", &table, "--issuer", "customs-a", "-o", &out];
    assert_eq!(luxor(&args).unwrap(), Exit::Findings);
    assert!(!std::path::Path::new(&out).exists());
    std::fs::write(&table, "reference,colour\n").unwrap();
    assert!(luxor(&args).unwrap_err().to_string().contains("there is no column 'colour'"));
}

#[test]
fn what_is_hit_stands_in_its_file_once_it_is_complete() {
    let folder = Folder(tempfile::tempdir().unwrap());
    let (made, file) = screened(&folder, 7);
    let (indicators, out) = (format!("customs-a={made}"), folder.path("hits.ndjson"));
    let screen = |file: &str| {
        let args = ["screen", file, "--indicators", &indicators, "--at", "2026-11-27T00:00:00Z", "-o", &out];
        luxor(&args)
    };
    assert_eq!(screen(&file).unwrap(), Exit::Ok);
    let told = lines(&out);
    assert_eq!(told.iter().map(|line| line["reference"].clone()).collect::<Vec<_>>(), ["D-0", "D-2", "D-4", "D-6"]);
    assert_eq!(told[0]["hits"][0]["issuer"], "customs-a");
    // What fails leaves the file that was there, and nothing beside it.
    let there = || std::fs::read_dir(folder.0.path()).unwrap().count();
    let before = there();
    assert!(screen(&folder.path("nowhere.ndjson")).is_err());
    assert_eq!((lines(&out).len(), there()), (4, before));
}

#[test]
fn a_coordinator_merges_and_mutes_and_nobody_else_does() {
    let folder = Folder(tempfile::tempdir().unwrap());
    let (made, file) = screened(&folder, 3);
    let (table, merging, out) = (folder.path("m.csv"), folder.path("m.ndjson"), folder.path("hits.ndjson"));
    let ids: Vec<String> =
        lines(&made).iter().map(|record| record["indicator"]["id"].as_str().unwrap().to_owned()).collect();
    let header = "reference,valid_from,threat,confidence,tlp,advice,hs,merged_issuer,merged_id,merged_grade";
    let row = format!("C-1,2026-11-01,counterfeit,90,amber,inspect,95,customs-a|customs-a,{}|{},|0", ids[0], ids[1]);
    std::fs::write(&table, format!("{header}\n{row}\n")).unwrap();
    let args = ["indicator", "from-csv", &table, "--issuer", "wco-cen", "-o", &merging];
    assert_eq!(luxor(&args).unwrap(), Exit::Ok);
    let (own, its) = (format!("customs-a={made}"), format!("wco-cen={merging}"));
    let args =
        ["screen", &file, "--indicators", &own, "--indicators", &its, "--at", "2026-11-27T00:00:00Z", "-o", &out];
    let refused = luxor(&args).unwrap_err().to_string();
    assert!(refused.contains("wco-cen merges indicators of others, and the charter in force does not"), "{refused}");
    assert_eq!(luxor(&[&args[..], &["--coordinator", "wco-cen"]].concat()).unwrap(), Exit::Ok);
    let told = lines(&out);
    assert_eq!(told.len(), 2);
    assert_eq!(told[0]["hits"].as_array().unwrap().len(), 1);
    assert_eq!(told[0]["hits"][0]["issuer"], "wco-cen");
    let merged = told[0]["hits"][0]["merged"].as_array().unwrap();
    assert_eq!((merged.len(), merged[0]["issuer"].as_str()), (1, Some("customs-a")));
    assert_eq!(merged[0]["indicator"].as_str(), Some(ids[0].as_str()));
}
