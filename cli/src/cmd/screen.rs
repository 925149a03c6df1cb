//! `luxor screen`: which records indicators hit, and what would be proposed: a dry run on files, before rules or indicators are put to
//! use. Needs no node.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use luxor_protocol::names::MemberId;
use luxor_protocol::record::{Content, TypeTable};
use luxor_protocol::threats::{Hit, MILLION, Reading, Screener, ScreeningRules};
use luxor_protocol::time::Millis;
use serde::Serialize;
use serde_json::{Value as Json, json};

use super::indicator::each;
use super::submit::{Read, read_records};
use super::{now, some};
use crate::args::{ScreenArgs, SubmitArgs};
use crate::exit::{Exit, RefusedError};
use crate::files::FileError;
use crate::input::{STDIN, once_stdin};
use crate::{files, ui};

/// The word for the built-in rules.
const SAMPLE: &str = "sample";
/// Bytes of a file of rules.
const MAX_RULES_BYTES: usize = 1024 * 1024;
/// Indicators that are told by how much they hit.
const SHOWN: usize = 20;
/// Hits of one record that are written.
const MAX_HITS: usize = 32;
/// Whose indicators they are where nothing is said.
const OWN: &str = "own";

/// What one indicator hit.
#[derive(Debug, Default, Serialize)]
struct Counted {
    issuer: String,
    id: String,
    name: Option<String>,
    records: u64,
}

/// What a dry run told.
#[derive(Debug, Serialize)]
struct Screened {
    files: Vec<String>,
    at: String,
    indicators: u64,
    live: u64,
    /// Those that coordinators mute.
    muted: u64,
    records: u64,
    refused: u64,
    hit: u64,
    /// Records by what is proposed, and by the rule that says so.
    proposals: BTreeMap<&'static str, u64>,
    by_rule: BTreeMap<String, u64>,
    /// Those that hit most, and how many hit at all.
    indicators_that_hit: u64,
    most: Vec<Counted>,
    /// Records a second that were screened, reading them not counted.
    per_second: u64,
}

pub(super) fn run(args: &ScreenArgs) -> anyhow::Result<Exit> {
    if args.template {
        ui::raw(ScreeningRules::template().as_bytes())?;
        return Ok(Exit::Ok);
    }
    once_stdin(args.files.iter().map(PathBuf::as_path))?;
    let at = args.at.unwrap_or_else(now);
    let rules = rules(&args.rules)?;
    let (mut screener, mut taken) = (Screener::default(), 0);
    for source in &args.indicators {
        taken += take(&mut screener, source, &args.coordinator)?;
    }
    let lines = args.output.as_deref().map(Lines::begin).transpose()?;
    let mut work = Work::new(at, &rules, &screener, lines);
    let mut names = Vec::new();
    for file in &args.files {
        let input = SubmitArgs::reading(file, args.format.as_deref(), args.mapping.as_deref());
        names.push(read_records(&input, |read| {
            match read {
                Read::Record(content, place) => work.record(&content, place.line)?,
                Read::Refused { rows, text } => {
                    work.refused += rows;
                    ui::say(&text);
                }
            }
            work.progress.show(|| format!("{} screened", ui::count(work.records)));
            Ok(())
        })?);
    }
    work.progress.clear();
    if let Some(lines) = work.lines.take() {
        lines.complete()?;
    }
    let told = work.finish(names, taken);
    match args.json {
        true => ui::json(&told)?,
        false => print(&told)?,
    }
    Ok(if told.refused > 0 { Exit::Findings } else { Exit::Ok })
}

fn rules(name: &str) -> anyhow::Result<ScreeningRules> {
    if name == SAMPLE {
        return Ok(ScreeningRules::sample()?);
    }
    let text = files::read_text(Path::new(name), MAX_RULES_BYTES)?;
    Ok(ScreeningRules::from_toml(&text).map_err(|error| RefusedError(format!("{name}: {error}")))?)
}

/// Takes the indicators of a file, of a member where it is named.
fn take(screener: &mut Screener, source: &str, coordinators: &[MemberId]) -> anyhow::Result<u64> {
    let named = source.split_once('=').and_then(|(issuer, file)| Some((issuer.parse().ok()?, file)));
    let (issuer, file): (MemberId, &str) = match named {
        Some(named) => named,
        None => (OWN.parse()?, source),
    };
    let coordinates = coordinators.contains(&issuer);
    each(Path::new(file), &issuer, |indicator, _, line| {
        indicator.may_merge(coordinates).map_err(|error| RefusedError(format!("{file}, line {line}: {error}")))?;
        screener
            .take_from(indicator, coordinates)
            .map_err(|error| RefusedError(format!("{file}, line {line}: {error}")))?;
        Ok(())
    })
}

/// Where the lines of what is hit go, one by one, however many they are.
enum Lines {
    /// A file that stands in its place once it is complete.
    File(PathBuf, BufWriter<tempfile::NamedTempFile>),
    /// A pipe or a device, which is no file that could be replaced.
    Device(PathBuf, BufWriter<File>),
    Stdout(BufWriter<std::io::Stdout>),
}

impl Lines {
    fn begin(path: &Path) -> anyhow::Result<Self> {
        if path == Path::new(STDIN) {
            return Ok(Self::Stdout(BufWriter::new(std::io::stdout())));
        }
        Ok(match path.metadata().is_ok_and(|found| !found.is_file()) {
            true => {
                let file = File::options().write(true).open(path).map_err(FileError::at(path))?;
                Self::Device(path.to_owned(), BufWriter::new(file))
            }
            false => Self::File(path.to_owned(), BufWriter::new(files::begin(path)?)),
        })
    }

    fn add(&mut self, line: &Json) -> anyhow::Result<()> {
        match self {
            Self::File(path, file) => writeln!(file, "{line}").map_err(FileError::at(path))?,
            Self::Device(path, file) => writeln!(file, "{line}").map_err(FileError::at(path))?,
            Self::Stdout(out) => writeln!(out, "{line}")?,
        }
        Ok(())
    }

    fn complete(self) -> anyhow::Result<()> {
        match self {
            Self::File(path, file) => {
                let file = file.into_inner().map_err(|error| FileError::at(&path)(error.into_error()))?;
                files::complete(file, &path)?;
            }
            Self::Device(path, mut file) => file.flush().map_err(FileError::at(&path))?,
            Self::Stdout(mut out) => out.flush()?,
        }
        Ok(())
    }
}

struct Work<'a> {
    at: Millis,
    rules: &'a ScreeningRules,
    screener: &'a Screener,
    readings: Vec<(&'static TypeTable, Reading)>,
    records: u64,
    refused: u64,
    hit: u64,
    proposals: BTreeMap<&'static str, u64>,
    by_rule: BTreeMap<String, u64>,
    counted: BTreeMap<(String, String), Counted>,
    lines: Option<Lines>,
    busy: Duration,
    progress: ui::Progress,
}

impl<'a> Work<'a> {
    fn new(at: Millis, rules: &'a ScreeningRules, screener: &'a Screener, lines: Option<Lines>) -> Self {
        Self {
            at,
            rules,
            screener,
            readings: Vec::new(),
            records: 0,
            refused: 0,
            hit: 0,
            proposals: BTreeMap::new(),
            by_rule: BTreeMap::new(),
            counted: BTreeMap::new(),
            lines,
            busy: Duration::ZERO,
            progress: ui::Progress::new(),
        }
    }

    fn record(&mut self, content: &Content, line: u64) -> anyhow::Result<()> {
        self.records += 1;
        let table = content.table();
        let at = match self.readings.iter().position(|(known, _)| *known == table) {
            Some(at) => at,
            None => {
                self.readings.push((table, Reading::of(table)));
                self.readings.len() - 1
            }
        };
        let began = Instant::now();
        let hits = self.screener.screen(&self.readings[at].1.read(content), self.at);
        self.busy += began.elapsed();
        if hits.is_empty() {
            return Ok(());
        }
        self.hit += 1;
        let assessed = self.rules.assess(&hits, &[], self.at.day());
        if let Some((advice, rule)) = assessed.proposal {
            *self.proposals.entry(advice.word()).or_default() += 1;
            *self.by_rule.entry(rule.id.clone()).or_default() += 1;
        }
        for hit in &hits {
            let (issuer, id) = (hit.indicator.issuer.to_string(), hit.indicator.id.to_string());
            let counted = self.counted.entry((issuer.clone(), id.clone())).or_default();
            counted.records += 1;
            if counted.records == 1 {
                *counted = Counted { issuer, id, name: hit.indicator.name.clone(), records: 1 };
            }
        }
        if let Some(lines) = &mut self.lines {
            let reference = ["filing", "reference"].iter().find_map(|group| content.field(group, "own_reference"));
            let told = json!({
                "line": line,
                "reference": reference.map(|reference| reference.to_json()),
                "score": thousandths(assessed.score),
                "score_millionths": assessed.score,
                "propose": assessed.proposal.map(|(advice, _)| advice.word()),
                "rule": assessed.proposal.map(|(_, rule)| rule.id.as_str()),
                "hits": hits.iter().take(MAX_HITS).map(told).collect::<Vec<_>>(),
                "more_hits": hits.len().saturating_sub(MAX_HITS),
            });
            lines.add(&told)?;
        }
        Ok(())
    }

    fn finish(self, files: Vec<String>, indicators: u64) -> Screened {
        let indicators_that_hit = self.counted.len() as u64;
        let mut most: Vec<Counted> = self.counted.into_values().collect();
        most.sort_by(|a, b| b.records.cmp(&a.records).then_with(|| (&a.issuer, &a.id).cmp(&(&b.issuer, &b.id))));
        most.truncate(SHOWN);
        let muted = self.screener.graded(self.at).filter(|graded| graded.muted);
        // Each once, whoever mutes it too.
        let muted: BTreeSet<_> = muted.map(|graded| (&graded.indicator.issuer, &graded.indicator.id)).collect();
        let nanos = self.busy.as_nanos().max(1);
        let per_second = u128::from(self.records) * 1_000_000_000 / nanos;
        Screened {
            files,
            at: self.at.to_string(),
            indicators,
            live: self.screener.live(self.at).count() as u64,
            muted: muted.len() as u64,
            records: self.records,
            refused: self.refused,
            hit: self.hit,
            proposals: self.proposals,
            by_rule: self.by_rule,
            indicators_that_hit,
            most,
            per_second: u64::try_from(per_second).unwrap_or(u64::MAX),
        }
    }
}

fn thousandths(score: u64) -> u64 {
    score / (MILLION / 1_000)
}

fn told(hit: &Hit<'_>) -> Json {
    let reasons: Vec<Json> = hit
        .reasons
        .iter()
        .map(|reason| {
            json!({ "facet": reason.facet.word(), "row": reason.row, "place": reason.place, "alike": reason.alike })
        })
        .collect();
    json!({
        "issuer": hit.indicator.issuer.as_str(),
        "indicator": hit.indicator.id,
        "threat": hit.indicator.threat.word(),
        "advice": hit.indicator.advice.word(),
        "score": thousandths(hit.score),
        "reasons": reasons,
        "merged": hit.merged.iter().map(told).collect::<Vec<_>>(),
    })
}

fn print(told: &Screened) -> anyhow::Result<()> {
    ui::line(&format!(
        "{} by {} that hold at {}, of {}: {} hit, by {}",
        some(told.records, "record"),
        some(told.live, "indicator"),
        told.at,
        ui::count(told.indicators),
        ui::count(told.hit),
        some(told.indicators_that_hit, "indicator"),
    ))?;
    if told.muted > 0 {
        ui::line(&format!("{} muted by coordinators", some(told.muted, "indicator")))?;
    }
    for (advice, count) in &told.proposals {
        ui::line(&format!("  {advice:<12} {}", ui::count(*count)))?;
    }
    if !told.most.is_empty() {
        ui::line("what hits most")?;
    }
    let mut table = ui::Table::new(&["records", "issuer", "indicator", "name"], &[0]);
    for one in &told.most {
        table.row([ui::count(one.records), one.issuer.clone(), one.id.clone(), one.name.clone().unwrap_or_default()]);
    }
    table.print()?;
    if told.refused > 0 {
        ui::line(&format!("{} gave no record", some(told.refused, "row")))?;
    }
    ui::say(&format!("{} records a second, reading them not counted", ui::count(told.per_second)));
    Ok(())
}
