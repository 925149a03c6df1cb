//! `luxor quality`: how good the records of each sender are, over everything that arrived.
//!
//! Not here: the rules and the score ([`luxor_protocol::quality`]); a file before it is sent (`check`).

use std::collections::BTreeMap;

use luxor_protocol::api::{QualityExample, QualityPage};
use luxor_protocol::formats::guarded_text;
use luxor_protocol::names::MemberId;
use luxor_protocol::quality::{Rule, Sender, Severity};
use serde::Serialize;

use super::some;
use crate::args::QualityArgs;
use crate::client::Client;
use crate::exit::Exit;
use crate::ui;

/// Rules that are shown of each sender, those with the most records first; CSV and JSON have all.
const SHOWN: usize = 5;
const HEADING: &str =
    "sender,records,with_error,score,rule,severity,findings,records_with_it,per_mille,pointer,example,list,version";

/// What a rule found in a sender's records.
#[derive(Debug, Serialize)]
struct OfRule {
    rule: Rule,
    findings: u64,
    records: u64,
    /// Of 1,000 records, those with a finding of it.
    per_mille: u64,
    title: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    example: Option<QualityExample>,
}

/// The figures of a sender.
#[derive(Debug, Serialize)]
struct OfSender {
    sender: String,
    records: u64,
    with_error: u64,
    /// Records without an error, of 1,000.
    score: u64,
    by_severity: BTreeMap<Severity, u64>,
    rules: Vec<OfRule>,
}

#[derive(Debug, Serialize)]
struct Told {
    of: Option<MemberId>,
    since: Option<String>,
    records: u64,
    with_error: u64,
    score: u64,
    senders: Vec<OfSender>,
}

pub(super) fn run(args: &QualityArgs) -> anyhow::Result<Exit> {
    let client = Client::open(&args.node.node)?;
    let ask = |after| client.quality(after, args.of.as_ref(), args.since);
    let mut page = ask(None)?;
    while let Some(next) = page.next {
        page.merge(ask(Some(next))?);
    }
    let told = told(args, page);
    match (args.node.json, args.csv) {
        (true, _) => ui::json(&told)?,
        (_, true) => csv(&told).iter().try_for_each(|line| ui::line(line))?,
        _ => print(&told)?,
    }
    Ok(if told.with_error > 0 { Exit::Findings } else { Exit::Ok })
}

/// The figures in order: who has the lowest score first, and of each the rules with the most records first.
fn told(args: &QualityArgs, page: QualityPage) -> Told {
    let QualityPage { report, mut examples, .. } = page;
    let mut senders: Vec<OfSender> = Vec::with_capacity(report.senders.len());
    for (name, figures) in report.senders {
        let known = examples.iter().find(|(member, _)| member.as_str() == name).map(|(member, _)| member.clone());
        let examples = known.and_then(|member| examples.remove(&member)).unwrap_or_default();
        senders.push(of_sender(name, figures, examples));
    }
    senders.sort_by(|a, b| (a.score, &a.sender).cmp(&(b.score, &b.sender)));
    Told {
        of: args.of.clone(),
        since: args.since.map(|day| day.to_string()),
        records: report.all.records,
        with_error: report.all.with_error,
        score: report.all.score(),
        senders,
    }
}

fn of_sender(sender: String, figures: Sender, mut examples: BTreeMap<Rule, QualityExample>) -> OfSender {
    let rules = figures.by_rule.iter().map(|(rule, count)| OfRule {
        rule: *rule,
        findings: count.findings,
        records: count.records,
        per_mille: figures.share(*rule),
        title: rule.title(),
        example: examples.remove(rule),
    });
    let mut rules: Vec<OfRule> = rules.collect();
    rules.sort_by_key(|of_rule| (std::cmp::Reverse(of_rule.records), of_rule.rule));
    OfSender {
        sender,
        records: figures.records,
        with_error: figures.with_error,
        score: figures.score(),
        by_severity: figures.by_severity,
        rules,
    }
}

fn print(told: &Told) -> anyhow::Result<()> {
    let mut table = ui::Table::new(&["sender", "records", "score", "errors", "warnings", "notices"], &[1, 2, 3, 4, 5]);
    for of in &told.senders {
        let found = |severity| ui::count(of.by_severity.get(&severity).copied().unwrap_or(0));
        let [errors, warnings, notices] = [Severity::Error, Severity::Warning, Severity::Notice].map(found);
        table.row([of.sender.clone(), ui::count(of.records), of.score.to_string(), errors, warnings, notices]);
    }
    table.print()?;
    for of in told.senders.iter().filter(|of| !of.rules.is_empty()) {
        ui::line("")?;
        ui::line(&of.sender)?;
        for of_rule in of.rules.iter().take(SHOWN) {
            let severity = of_rule.example.as_ref().map(|example| format!("{} ", example.finding.severity));
            let (findings, records) = (some(of_rule.findings, "finding"), some(of_rule.records, "record"));
            let (severity, rule) = (severity.unwrap_or_default(), of_rule.rule);
            ui::line(&format!(
                "  {severity}{rule}: {findings} in {records} ({} per mille): {}",
                of_rule.per_mille, of_rule.title
            ))?;
            let Some(QualityExample { root, finding }) = &of_rule.example else { continue };
            let list = finding.list.as_ref().map(|list| format!(" ({} {})", list.name, list.version));
            let (list, short) = (list.unwrap_or_default(), root.get(..16).unwrap_or(root));
            ui::line(&format!("    as in {short} {}: {}{list}", finding.pointer, finding.what))?;
        }
        if let Some(more) = of.rules.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            ui::line(&format!("  and {} more", some(more as u64, "rule")))?;
        }
    }
    let (records, faulty) = (some(told.records, "record"), some(told.with_error, "record"));
    ui::say(&format!("{records}, {faulty} with an error: score {} of 1,000", told.score));
    Ok(())
}

/// Lines of CSV (RFC 4180), the heading first; a sender without findings has one line with empty fields.
fn csv(told: &Told) -> Vec<String> {
    let mut lines = vec![HEADING.to_owned()];
    for of in &told.senders {
        let own = [of.sender.clone(), of.records.to_string(), of.with_error.to_string(), of.score.to_string()];
        let rows = of.rules.iter().map(|of_rule| {
            let finding = of_rule.example.as_ref().map(|example| &example.finding);
            let list = finding.and_then(|finding| finding.list.as_ref());
            [
                of_rule.rule.to_string(),
                finding.map(|finding| finding.severity.to_string()).unwrap_or_default(),
                of_rule.findings.to_string(),
                of_rule.records.to_string(),
                of_rule.per_mille.to_string(),
                finding.map(|finding| finding.pointer.clone()).unwrap_or_default(),
                finding.map(|finding| finding.what.clone()).unwrap_or_default(),
                list.map(|list| list.name.clone()).unwrap_or_default(),
                list.map(|list| list.version.clone()).unwrap_or_default(),
            ]
        });
        let rows: Vec<_> = rows.collect();
        let none = rows.is_empty().then(|| std::array::from_fn(|_| String::new()));
        for row in rows.into_iter().chain(none) {
            let cells: Vec<String> = own.iter().chain(&row).map(|cell| quoted(cell)).collect();
            lines.push(cells.join(","));
        }
    }
    lines
}

/// A cell; one that a spreadsheet would take for a formula begins with an apostrophe.
fn quoted(cell: &str) -> String {
    let cell = guarded_text(cell);
    match cell.contains(['"', ',', '\n', '\r']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell.into_owned(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use luxor_protocol::quality::{Finding, Report};
    use luxor_protocol::reference::Listed;

    use super::*;
    use crate::args::NodeArgs;

    fn page(sender: &str, whats: &[&str], next: Option<u64>) -> QualityPage {
        let (mut report, mut examples) = (Report::default(), BTreeMap::new());
        for what in whats {
            let finding = Finding {
                rule: Rule::HsUnknown,
                severity: Severity::Error,
                pointer: "/goods/1/classification/hs".into(),
                what: (*what).to_owned(),
                list: Some(Listed::new("hs", "2022", "test")),
            };
            report.add(sender, std::slice::from_ref(&finding));
            let known: &mut BTreeMap<_, _> = examples.entry(sender.parse().unwrap()).or_default();
            known.entry(finding.rule).or_insert_with(|| QualityExample { root: "ab".repeat(32), finding });
        }
        report.add(sender, &[]);
        QualityPage { report, examples, next }
    }

    fn merged() -> Told {
        let mut all = page("post", &["first, \"code\""], Some(7));
        all.merge(page("post", &["second", "third"], Some(9)));
        all.merge(page("shop", &[], None));
        assert_eq!(all.next, None);
        let node = NodeArgs { node: String::new(), json: false };
        told(&QualityArgs { node, of: None, since: None, csv: true }, all)
    }

    #[test]
    fn pages_add_up_and_the_first_example_stays() {
        let told = merged();
        let scores: Vec<_> = told.senders.iter().map(|of| (of.sender.as_str(), of.records, of.score)).collect();
        assert_eq!(scores, [("post", 5, 400), ("shop", 1, 1000)]);
        let rule = &told.senders[0].rules[0];
        assert_eq!((rule.findings, rule.records, rule.per_mille), (3, 3, 600));
        assert_eq!(rule.example.as_ref().unwrap().finding.what, "first, \"code\"");
        assert_eq!((told.records, told.with_error, told.score), (6, 3, 500));
    }

    #[test]
    fn csv_has_a_line_for_each_sender_and_rule() {
        let lines = csv(&merged());
        assert_eq!(lines.len(), 3);
        let post = "post,5,3,400,hs.unknown,error,3,3,600,/goods/1/classification/hs,\"first, \"\"code\"\"\",hs,2022";
        assert_eq!((lines[1].as_str(), lines[2].as_str()), (post, "shop,1,0,1000,,,,,,,,,"));
        assert_eq!(quoted("=1+1"), "'=1+1");
    }

    #[test]
    fn what_a_sender_wrote_never_acts_in_a_spreadsheet() {
        let node = NodeArgs { node: String::new(), json: false };
        let args = QualityArgs { node, of: None, since: None, csv: true };
        for (what, cell) in [
            ("'0101' is no code", "''0101' is no code"),
            ("＝HYPERLINK(1)", "'＝HYPERLINK(1)"),
            ("@SUM(A1, \"x\")", "\"'@SUM(A1, \"\"x\"\")\""),
        ] {
            let lines = csv(&told(&args, page("post", &[what], None)));
            assert_eq!(
                lines[1],
                format!("post,2,1,500,hs.unknown,error,1,1,500,/goods/1/classification/hs,{cell},hs,2022")
            );
        }
    }
}
