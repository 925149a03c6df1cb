//! `luxor check`: looks through files of records by lists and dated rules, before it is submitted. Needs no node.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use luxor_protocol::limits::MAX_RECENT_KEYS;
use luxor_protocol::quality::{Checker, Circumstances, Finding, Handed, Recent, Report, Rule, Severity};
use luxor_protocol::record::{Content, TypeTable};
use luxor_protocol::reference::{Listed, RuleBook};
use luxor_protocol::time::Day;
use serde::Serialize;

use super::submit::{Read, read_records};
use super::{some, today};
use crate::args::{CheckArgs, SubmitArgs};
use crate::chunks::Place;
use crate::exit::Exit;
use crate::input::once_stdin;
use crate::{rules, ui};

/// Places that are shown of a rule.
const SHOWN: usize = 3;
/// Refused rows that are shown.
const SHOWN_REFUSED: usize = 20;
/// Keys of earlier records that are remembered, of up to three for a record: duplicates farther apart pass.
const REMEMBERED: usize = MAX_RECENT_KEYS / 4;
/// Days within which the same reference is a duplicate; all of a file come on one.
const WINDOW_DAYS: u32 = 1;

/// Where a rule found something.
#[derive(Debug, Serialize)]
struct First {
    /// In which file, where several are checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    line: u64,
    #[serde(flatten)]
    finding: Finding,
}

/// What a rule found.
#[derive(Debug, Default, Serialize)]
struct Found {
    findings: u64,
    records: u64,
    /// The first of them.
    first: Vec<First>,
}

/// What a file has, or all files together: duplicates between them are found too.
#[derive(Debug, Serialize)]
struct Checked {
    file: String,
    day: String,
    records: u64,
    /// Rows that give no record.
    refused: u64,
    by_rule: BTreeMap<Rule, Found>,
    /// Records without an error, in per mille.
    score: u64,
    by_severity: BTreeMap<Severity, u64>,
    with_error: u64,
    /// Declarations by their category of immediate release.
    release: BTreeMap<&'static str, u64>,
    /// Keys of records that had to be forgotten, so that duplicates may have passed.
    forgotten: u64,
}

pub(super) fn run(args: &CheckArgs) -> anyhow::Result<Exit> {
    let book = rules::book(args.rules.as_deref())?;
    if args.list_rules || args.files.is_empty() {
        return list(&book, args.json);
    }
    once_stdin(args.files.iter().map(PathBuf::as_path))?;
    let day = args.day.unwrap_or_else(today);
    let (mut check, mut names) = (Check::new(&book, day), Vec::new());
    for file in &args.files {
        // Read as a submission is, so that what passes here is what would be sent.
        let input = SubmitArgs::reading(file, args.format.as_deref(), args.mapping.as_deref());
        check.file = (args.files.len() > 1).then(|| file.display().to_string());
        names.push(read_records(&input, |read| {
            match read {
                Read::Record(content, place) => check.record(&content, place),
                Read::Refused { rows, text } => check.refused(rows, &text),
            }
            check.progress.show(|| format!("{} checked", ui::count(check.report.all.records)));
            Ok(())
        })?);
    }
    check.progress.clear();
    let checked = check.finish(names.join(", "));
    match args.json {
        true => ui::json(&checked)?,
        false => print(&checked, args.report)?,
    }
    let errors = checked.by_severity.get(&Severity::Error).is_some_and(|errors| *errors > 0);
    Ok(if errors || checked.refused > 0 { Exit::Findings } else { Exit::Ok })
}

/// The files under way.
struct Check<'b> {
    /// The file under way, where there are several.
    file: Option<String>,
    book: &'b Arc<RuleBook>,
    day: Day,
    checkers: Vec<(&'static TypeTable, Checker)>,
    recent: Recent,
    handed: u64,
    report: Report,
    found: BTreeMap<Rule, Found>,
    release: BTreeMap<&'static str, u64>,
    refused: u64,
    progress: ui::Progress,
}

impl<'b> Check<'b> {
    fn new(book: &'b Arc<RuleBook>, day: Day) -> Self {
        Self {
            file: None,
            book,
            day,
            checkers: Vec::new(),
            recent: Recent::new(REMEMBERED, WINDOW_DAYS),
            handed: 0,
            report: Report::default(),
            found: BTreeMap::new(),
            release: BTreeMap::new(),
            refused: 0,
            progress: ui::Progress::new(),
        }
    }

    fn record(&mut self, content: &Content, place: Place) {
        let table = content.table();
        let at = match self.checkers.iter().position(|(known, _)| *known == table) {
            Some(at) => at,
            None => {
                self.checkers.push((table, Checker::new(table, self.book)));
                self.checkers.len() - 1
            }
        };
        let checker = &self.checkers[at].1;
        let mut findings = checker.check(content, self.day);
        if table.name == "declaration" {
            let category = checker.release(content, self.day, Circumstances::default()).category;
            *self.release.entry(category.word()).or_default() += 1;
        }
        self.handed += 1;
        findings.extend(self.recent.check("", content, self.book, self.day, Handed { by: self.handed, filed: true }));
        self.report.all.add(&findings);
        for finding in findings {
            let found = self.found.entry(finding.rule).or_default();
            found.findings += 1;
            if found.first.len() < SHOWN {
                found.first.push(First { file: self.file.clone(), line: place.line, finding });
            }
        }
    }

    fn refused(&mut self, rows: u64, text: &str) {
        if self.refused < SHOWN_REFUSED as u64 {
            self.progress.clear();
            ui::say(text);
        }
        self.refused += rows;
    }

    fn finish(self, file: String) -> Checked {
        let mut by_rule = self.found;
        for (rule, found) in &mut by_rule {
            found.records = self.report.all.by_rule.get(rule).map_or(0, |count| count.records);
        }
        Checked {
            file,
            day: self.day.to_string(),
            records: self.report.all.records,
            refused: self.refused,
            by_rule,
            score: self.report.all.score(),
            by_severity: self.report.all.by_severity,
            with_error: self.report.all.with_error,
            release: self.release,
            forgotten: self.recent.forgotten(),
        }
    }
}

fn print(checked: &Checked, report: bool) -> anyhow::Result<()> {
    for (rule, found) in &checked.by_rule {
        let Some(severity) = found.first.first().map(|first| first.finding.severity) else { continue };
        let (findings, records) = (some(found.findings, "finding"), some(found.records, "record"));
        ui::line(&format!("{severity} {rule}: {findings} in {records}: {}", rule.title()))?;
        for First { file, line, finding } in &found.first {
            let file = file.as_ref().map(|file| format!("{file} ")).unwrap_or_default();
            let list =
                finding.list.as_ref().map(|list| format!(" ({} {})", list.name, list.version)).unwrap_or_default();
            ui::line(&format!("  {file}line {line} {}: {}{list}", finding.pointer, finding.what))?;
        }
        let untold = found.findings - found.first.len() as u64;
        if untold > 0 {
            ui::line(&format!("  and {} more", ui::count(untold)))?;
        }
    }
    if report {
        if !checked.by_rule.is_empty() {
            ui::line("")?;
        }
        figures(checked)?;
    }
    let faulty = some(checked.with_error, "record");
    ui::say(&format!(
        "{} checked by the rules of {}, {faulty} with an error",
        some(checked.records, "record"),
        checked.day
    ));
    if checked.refused > 0 {
        ui::say(&format!("{} refused by reading", some(checked.refused, "row")));
    }
    if checked.forgotten > 0 {
        ui::say("duplicates that stand far apart were not looked for: the file is too long for that");
    }
    Ok(())
}

/// The figures, for `--report`.
fn figures(checked: &Checked) -> anyhow::Result<()> {
    let mut table = ui::Table::new(&["", "records", "per mille"], &[1, 2]);
    let mille = |part: u64| (u128::from(part) * 1000).checked_div(u128::from(checked.records)).unwrap_or(0).to_string();
    let mut row = |name: &str, records: u64| table.row([name, &ui::count(records), &mille(records)]);
    row("checked", checked.records);
    row("without an error: the score", checked.records - checked.with_error);
    for (rule, found) in &checked.by_rule {
        row(rule.id(), found.records);
    }
    for (category, records) in &checked.release {
        row(&format!("immediate release {category}"), *records);
    }
    Ok(table.print()?)
}

/// A rule with what a book makes of it.
#[derive(Serialize)]
struct Listing {
    rule: &'static str,
    severity: &'static str,
    title: &'static str,
}

#[derive(Serialize)]
struct Lists {
    rules: Vec<Listing>,
    lists: Vec<Listed>,
}

fn list(book: &RuleBook, json: bool) -> anyhow::Result<Exit> {
    let of = |rule: &Rule| Listing {
        rule: rule.id(),
        severity: book.severity(*rule).map_or("off", Severity::word),
        title: rule.title(),
    };
    let rules: Vec<Listing> = Rule::ALL.iter().map(of).collect();
    let lists: Vec<Listed> = book.lists().iter().map(|list| Listed::clone(list)).collect();
    if json {
        ui::json(&Lists { rules, lists })?;
        return Ok(Exit::Ok);
    }
    let mut table = ui::Table::new(&["rule", "severity", "finds"], &[]);
    rules.iter().for_each(|one| table.row([one.rule, one.severity, one.title]));
    table.print()?;
    ui::line("")?;
    let mut table = ui::Table::new(&["list", "version", "source"], &[]);
    lists.into_iter().for_each(|list| table.row([list.name, list.version, list.source]));
    table.print()?;
    Ok(Exit::Ok)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"type":"declaration","version":3,"filing":{"own_reference":"A"},"route":{"destination":"KR"},"item":{"id":"RB123456785GB"},"goods":[{"content":{"description":"cotton shirt"},"value":{"amount":"1","currency":"KRW"}}]}"#;

    fn checked(lines: &[String], rules: Option<&str>) -> (Exit, PathBuf, tempfile::TempDir) {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("rows.ndjson");
        std::fs::write(&file, lines.join("\n")).unwrap();
        let rules = rules.map(|text| {
            let path = dir.path().join("rules.toml");
            std::fs::write(&path, text).unwrap();
            path
        });
        let day = "2026-11-26".parse().ok();
        let args = CheckArgs {
            files: vec![file.clone()],
            format: None,
            mapping: None,
            rules,
            day,
            json: true,
            report: false,
            list_rules: false,
        };
        (run(&args).unwrap(), file, dir)
    }

    #[test]
    fn the_exit_code_tells_whether_there_is_an_error() {
        let good = GOOD.to_owned();
        assert_eq!(checked(std::slice::from_ref(&good), None).0, Exit::Ok);
        let bad = good.replace("RB123456785GB", "RB123456786GB");
        assert_eq!(checked(std::slice::from_ref(&bad), None).0, Exit::Findings);
        assert_eq!(checked(&["not json".into(), good.clone()], None).0, Exit::Findings);
        // The same reference twice in a file, and a rule that an operator turned off.
        assert_eq!(checked(&[good.clone(), good.clone()], None).0, Exit::Findings);
        let off = "name = 'own'\nversion = '1'\n[severity]\n's10.check_digit' = 'off'";
        assert_eq!(checked(&[bad], Some(off)).0, Exit::Ok);
    }

    #[test]
    fn lines_and_places_are_told() {
        let book = Arc::new(RuleBook::builtin().unwrap());
        let mut check = Check::new(&book, "2026-11-26".parse().unwrap());
        let content =
            |text: &str| luxor_protocol::record::content_from_json(&serde_json::from_str(text).unwrap()).unwrap();
        for line in 1..=5 {
            let reference = format!(r#""own_reference":"{line}""#);
            let text = GOOD
                .replace(r#""own_reference":"A""#, &reference)
                .replace("cotton shirt", "gift")
                .replace("RB123456785GB", "x");
            check.record(&content(&text), Place { line, rows: 1 });
        }
        let checked = check.finish("f".into());
        let found = &checked.by_rule[&Rule::DescriptionVague];
        assert_eq!((found.findings, found.records, found.first.len()), (5, 5, SHOWN));
        assert_eq!((found.first[0].line, found.first[0].finding.pointer.as_str()), (1, "/goods/1/content/description"));
        assert_eq!((checked.score, checked.with_error, checked.release["4"]), (0, 5, 5));
    }
}
