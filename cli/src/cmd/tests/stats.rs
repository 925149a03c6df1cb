//! `luxor stats` from facts in CSV to what anybody verifies.

use super::{Folder, luxor};
use crate::exit::Exit;

const HEADER: &str = "month,flow,hs,origin,destination,mode,model,value,mass,duty,importer,seller,filer";

/// Two customs whose nodes know the charter.
fn founded() -> Folder {
    let folder = Folder::founded();
    for member in ["kr", "my"] {
        assert_eq!(
            luxor(&["install", "--node", &folder.path(member), &folder.path("charter.luxor")]).unwrap(),
            Exit::Ok
        );
    }
    folder
}

/// So many items of each origin under each of two chapters, of as many parties.
fn written(folder: &Folder, name: &str, counts: [(&str, &str, usize); 6]) -> String {
    let mut text = format!("{HEADER}\n");
    for (origin, hs, count) in counts {
        for party in 0..count {
            let name = format!("{origin}{hs}{party}");
            text += &format!("2026-01,import,{hs},{origin},KR,5,vendor,1000,100,50,{name},{name},{name}\n");
        }
    }
    text += "2026-01,export,6109,KR,CN,5,vendor,1,1,1,x,x,x\n2025-12,import,6109,CN,KR,5,vendor,1,1,1,x,x,x\n";
    let path = folder.path(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn table(folder: &Folder, member: &str, facts: &str, output: &str, more: &[&str]) -> anyhow::Result<Exit> {
    let node = folder.path(member);
    let args = [
        "stats",
        "table",
        facts,
        "--table",
        "t=origin,product:chapter",
        "--from",
        "2026-01",
        "--to",
        "2026-01",
        "--currency",
        "KRW",
    ];
    let out = ["--node", &node, "-o", output];
    luxor(&[&args[..], &out[..], more].concat())
}

const COUNTS: [(&str, &str, usize); 6] = [
    ("CN", "6109", 1),
    ("CN", "8517", 5),
    ("US", "6109", 6),
    ("US", "8517", 9),
    ("JP", "6109", 30),
    ("JP", "8517", 40),
];

#[test]
fn facts_become_tables_that_anybody_verifies() {
    let folder = founded();
    let (facts, file, csv, record) =
        (written(&folder, "facts.csv", COUNTS), folder.path("s.luxor"), folder.path("s.csv"), folder.path("s.ndjson"));
    assert_eq!(table(&folder, "kr", &facts, &file, &["--csv", &csv, "--record", &record]).unwrap(), Exit::Ok);
    let text = std::fs::read_to_string(&csv).unwrap();
    // The small cell, and the rectangle that hides it; the totals stay, and what is of another flow or month is not counted.
    for row in [
        "t,import,_T,CN,_T,61,_T,_T,primary,,,,,KRW",
        "t,import,_T,CN,_T,85,_T,_T,secondary,,,,,KRW",
        "t,import,_T,US,_T,61,_T,_T,secondary,,,,,KRW",
        "t,import,_T,US,_T,85,_T,_T,secondary,,,,,KRW",
        "t,import,_T,CN,_T,_T,_T,_T,published,6,6000,600,300,KRW",
        "t,import,_T,_T,_T,_T,_T,_T,published,91,91000,9100,4550,KRW",
    ] {
        assert!(text.lines().any(|line| line == row), "{row}\n{text}");
    }
    assert_eq!(luxor(&["check", &record]).unwrap(), Exit::Ok);
    let documents = folder.path("kr/documents");
    let verify =
        |file: &str| luxor(&["stats", "verify", file, "--documents", &documents, "--csv", &folder.path("again.csv")]);
    assert_eq!(verify(&file).unwrap(), Exit::Ok);
    assert_eq!(std::fs::read_to_string(folder.path("again.csv")).unwrap(), text);
    let mut bytes = std::fs::read(&file).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(folder.path("changed.luxor"), &bytes).unwrap();
    assert_eq!(verify(&folder.path("changed.luxor")).unwrap(), Exit::Findings);

    // A later edition knows the first: the same again publishes the same; facts that changed since are refused.
    let again = folder.path("again.luxor");
    assert_eq!(table(&folder, "kr", &facts, &again, &["--earlier", &file]).unwrap(), Exit::Ok);
    let changed =
        written(&folder, "changed.csv", [COUNTS[0], COUNTS[1], COUNTS[2], COUNTS[3], COUNTS[4], ("JP", "8517", 41)]);
    let refused = table(&folder, "kr", &changed, &again, &["--earlier", &file]).unwrap_err();
    assert!(refused.to_string().contains("was published with other figures"), "{refused}");
    assert_eq!(Exit::of(&refused), Exit::Refused);
}

#[test]
fn members_are_added_up_where_each_signed_its_own() {
    let folder = founded();
    let (kr, my, all) = (folder.path("kr.stats"), folder.path("my.stats"), folder.path("all.csv"));
    let small = written(&folder, "kr.csv", COUNTS);
    let large = written(
        &folder,
        "my.csv",
        [
            ("CN", "6109", 7),
            ("CN", "8517", 7),
            ("US", "6109", 7),
            ("US", "8517", 7),
            ("JP", "6109", 7),
            ("JP", "8517", 7),
        ],
    );
    table(&folder, "kr", &small, &kr, &[]).unwrap();
    table(&folder, "my", &large, &my, &[]).unwrap();
    let documents = folder.path("kr/documents");
    let combine =
        |files: &[&str]| luxor(&[&["stats", "combine"], files, &["--documents", &documents, "--csv", &all]].concat());
    assert_eq!(combine(&[&my, &kr]).unwrap(), Exit::Ok);
    let text = std::fs::read_to_string(&all).unwrap();
    for row in
        ["t,import,_T,CN,_T,61,_T,_T,member,,,,,KRW", "t,import,_T,JP,_T,61,_T,_T,published,37,37000,3700,1850,KRW"]
    {
        assert!(text.lines().any(|line| line == row), "{row}\n{text}");
    }
    let twice = combine(&[&kr, &kr]).unwrap_err();
    assert_eq!(Exit::of(&twice), Exit::Refused);
    let nothing = luxor(&["stats", "combine", &kr, "--documents", &documents]).unwrap_err();
    assert_eq!(Exit::of(&nothing), Exit::Usage);
}

#[test]
fn thresholds_are_amounts_of_the_currency() {
    let folder = Folder(tempfile::tempdir().unwrap());
    let rows = [("vendor", 2200), ("vendor", 2201), ("consumer", 15000)];
    let rows = rows.map(|(model, value)| format!("2026-01,import,6109,CN,DE,5,{model},{value},1,{},,,", value / 10));
    let path = folder.path("facts.csv");
    std::fs::write(&path, format!("{HEADER}\n{}\n", rows.join("\n"))).unwrap();
    let run = |more: &[&str]| luxor(&[&["stats", "threshold", &path, "--currency", "EUR"], more].concat());
    assert_eq!(run(&["--at", "0,22,50,150", "--cost", "vendor=0.10:5"]).unwrap(), Exit::Ok);
    assert_eq!(run(&["--at", "22.00", "--json"]).unwrap(), Exit::Ok);
    for wrong in
        [&["--at", "22.001"][..], &["--at", "50,22"], &["--at", "1", "--cost", "vendor=1", "--cost", "vendor=2"]]
    {
        assert_eq!(Exit::of(&run(wrong).unwrap_err()), Exit::Usage, "{wrong:?}");
    }
    // A row of several items tells nothing of each.
    std::fs::write(&path, format!("{HEADER},count\n{},2\n", rows[0])).unwrap();
    let several = run(&["--at", "22"]).unwrap_err();
    assert!(several.to_string().contains("line 2"), "{several}");
}
