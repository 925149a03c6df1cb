//! `luxor duty`: duty and tax of declarations by a book of dated rules. Needs no node: what is written is for `luxor submit`.
//!
//! Not here: the rules and how lines are computed ([`luxor_protocol::revenue`]).

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;

use luxor_protocol::life::Shown;
use luxor_protocol::limits::{MAX_BOOK_BYTES, MAX_TEXT_CHARS};
use luxor_protocol::names::{CollectionModel, Currency};
use luxor_protocol::record::{Content, content_to_json};
use luxor_protocol::revenue::{Assessment, Declared, Exact, Money, Open, Quoted, RevenueBook, TaxLine};
use luxor_protocol::time::Day;
use serde_json::{Value as Json, json};

use super::submit::{Read, read_records};
use super::{some, today};
use crate::args::{DutyAssessArgs, DutyCommand, SubmitArgs};
use crate::exit::{Exit, RefusedError, UsageError};
use crate::files;
use crate::input::STDIN;
use crate::ui;

/// The word for the built-in samples.
const SAMPLE: &str = "sample";
/// Declarations of one run: their references are remembered, since two records of duty must not have one.
const MAX_DECLARATIONS: usize = 1 << 20;
/// Characters of a record's own reference.
const REFERENCE_CHARS: usize = 70;

pub(super) fn run(command: &DutyCommand) -> anyhow::Result<Exit> {
    match command {
        DutyCommand::Assess(args) => assess(args),
        DutyCommand::Template => {
            ui::raw(RevenueBook::template().as_bytes())?;
            Ok(Exit::Ok)
        }
    }
}

/// The samples, changed by each file.
pub(super) fn book(names: &[String]) -> anyhow::Result<RevenueBook> {
    let mut book = RevenueBook::sample()?;
    for name in names.iter().filter(|name| *name != SAMPLE) {
        let text = files::read_text(Path::new(name), MAX_BOOK_BYTES)?;
        book = book.with(&text).map_err(|error| RefusedError(format!("{name}: {error}")))?;
    }
    Ok(book)
}

/// What became of one declaration.
struct Told {
    line: u64,
    reference: String,
    item: String,
    to: String,
    day: Day,
    model: CollectionModel,
    outcome: Result<(Assessment, Option<String>), String>,
}

struct Work<'a> {
    args: &'a DutyAssessArgs,
    book: RevenueBook,
    /// References and revisions that stand in records already.
    taken: BTreeSet<(String, u64)>,
    /// By item and destination: the declaration of which a record is made.
    of_item: BTreeMap<(String, String), String>,
    all: Vec<Json>,
    records: Vec<u8>,
    seen: u64,
    written: u64,
    not: u64,
    rows_refused: u64,
    totals: BTreeMap<(String, Currency), Exact>,
}

fn assess(args: &DutyAssessArgs) -> anyhow::Result<Exit> {
    if args.json && writes_to_stdout(args) {
        return Err(UsageError(
            "records and --json cannot both go to stdout\nhint: name a file for the records".into(),
        )
        .into());
    }
    let input = SubmitArgs::reading(&args.file, args.format.as_deref(), args.mapping.as_deref());
    let mut work = Work {
        args,
        book: book(&args.book)?,
        taken: BTreeSet::new(),
        of_item: BTreeMap::new(),
        all: Vec::new(),
        records: Vec::new(),
        seen: 0,
        written: 0,
        not: 0,
        rows_refused: 0,
        totals: BTreeMap::new(),
    };
    read_records(&input, |read| match read {
        Read::Record(content, place) => work.record(&content, place.line),
        Read::Refused { rows, text } => {
            work.rows_refused += rows;
            ui::say(&text);
            Ok(())
        }
    })?;
    work.finish()
}

fn writes_to_stdout(args: &DutyAssessArgs) -> bool {
    args.output.as_deref() == Some(Path::new(STDIN))
}

impl Work<'_> {
    fn record(&mut self, content: &Content, line: u64) -> anyhow::Result<()> {
        self.seen += 1;
        if self.seen > MAX_DECLARATIONS as u64 {
            return Err(RefusedError(format!("more than {MAX_DECLARATIONS} records\nhint: split the file")).into());
        }
        let shown = Shown::Own(content);
        let declared = match Declared::of(shown) {
            Ok(declared) => declared,
            Err(lack) => return self.tell(Told::none(line, self.args, lack.to_string())),
        };
        let day = self.args.on.or(declared.filed_on).unwrap_or_else(today);
        let model = declared.model().unwrap_or(self.args.model);
        let outcome = match declared.assess(model, &self.book, day) {
            Err(why) => Err(why.to_string()),
            Ok(assessment) if !assessment.open.is_empty() => Ok((assessment, None)),
            Ok(assessment) => self.duty(&declared, shown, model, &assessment, day).map(|name| (assessment, Some(name))),
        };
        let none = || "-".to_owned();
        self.tell(Told {
            line,
            reference: declared.reference.clone().unwrap_or_else(none),
            item: declared.item.as_ref().map_or_else(none, |(item, _)| item.to_string()),
            to: declared.destination.map_or_else(none, |to| to.to_string()),
            day,
            model,
            outcome,
        })
    }

    /// Writes the record of duty; its reference.
    fn duty(
        &mut self,
        declared: &Declared,
        shown: Shown<'_>,
        model: CollectionModel,
        assessment: &Assessment,
        day: Day,
    ) -> Result<String, String> {
        // Without one it is not assessed.
        let reference = format!("{}{}", self.args.prefix, declared.reference.as_deref().unwrap_or_default());
        if reference.chars().count() > REFERENCE_CHARS {
            return Err(format!(
                "the record's reference '{reference}' would have more than {REFERENCE_CHARS} characters\nhint: --prefix"
            ));
        }
        if let (Some((item, _)), Some(to)) = (&declared.item, declared.destination) {
            let own = declared.reference.clone().unwrap_or_default();
            let of = self.of_item.entry((item.to_string(), to.to_string())).or_insert_with(|| own.clone());
            if *of != own {
                return Err(format!(
                    "declaration {of} of this file has the record of duty of item {item} in {to}\nhint: an item is assessed once; leave one of them out"
                ));
            }
        }
        if !self.taken.insert((reference.clone(), declared.revision)) {
            return Err(format!(
                "revision {} of {reference} is made of another declaration already\nhint: of two filers with one reference assess each with a --prefix of its own",
                declared.revision
            ));
        }
        let record = declared
            .duty_record(shown, reference.clone(), model, assessment, &self.book, day)
            .map_err(|error| format!("no record of duty can be made of it: {error}"))?;
        // Writing to memory does not fail.
        let _ = writeln!(self.records, "{}", content_to_json(&record));
        Ok(reference)
    }

    fn tell(&mut self, told: Told) -> anyhow::Result<()> {
        match &told.outcome {
            Ok((assessment, record)) => {
                // Of what makes a record: lines beside open ones are not all that is owed.
                for line in assessment.lines.iter().filter(|_| record.is_some()) {
                    let sum = self.totals.entry((line.tax.clone(), line.amount.currency)).or_insert(Exact::ZERO);
                    *sum = sum.plus(line.amount.amount).map_err(|error| RefusedError(error.to_string()))?;
                }
                self.written += u64::from(record.is_some());
                self.not += u64::from(record.is_none());
            }
            Err(_) => self.not += 1,
        }
        if self.args.json {
            self.all.push(told.json(&self.book));
            return Ok(());
        }
        told.lines(&self.book).iter().try_for_each(|line| self.line(line))
    }

    /// A line for people: on stdout, unless records go there.
    fn line(&self, text: &str) -> anyhow::Result<()> {
        match writes_to_stdout(self.args) {
            true => ui::say(text),
            false => ui::line(text)?,
        }
        Ok(())
    }

    fn finish(self) -> anyhow::Result<Exit> {
        match self.args.output.as_deref() {
            Some(path) if path == Path::new(STDIN) => ui::raw(&self.records)?,
            Some(path) => files::write(path, &self.records)?,
            None => {}
        }
        let total = |(tax, currency): &(String, Currency), sum: &Exact, day: Day| {
            let places = self.book.decimals(*currency, day).unwrap_or(2);
            json!({ "tax": tax, "currency": currency, "amount": sum.with_places(places) })
        };
        if self.args.json {
            let totals: Vec<Json> = self.totals.iter().map(|(of, sum)| total(of, sum, today())).collect();
            ui::json(&json!({
                "declarations": self.all, "totals": totals, "records": self.seen, "assessed": self.written, "not_assessed": self.not,
                "rows_refused": self.rows_refused,
            }))?;
        } else {
            for ((tax, currency), sum) in &self.totals {
                self.line(&format!("total {tax}: {}", amount(&self.book, Money::new(*sum, *currency), today())))?;
            }
        }
        ui::say(&format!(
            "{}: {} assessed, {} not",
            some(self.seen, "record"),
            ui::count(self.written),
            ui::count(self.not)
        ));
        if self.rows_refused > 0 {
            ui::say(&format!("{} refused by reading", some(self.rows_refused, "row")));
        }
        Ok(if self.not > 0 || self.rows_refused > 0 { Exit::Findings } else { Exit::Ok })
    }
}

impl Told {
    fn none(line: u64, args: &DutyAssessArgs, why: String) -> Self {
        let none = || "-".to_owned();
        let (day, model) = (args.on.unwrap_or_else(today), args.model);
        Self { line, reference: none(), item: none(), to: none(), day, model, outcome: Err(why) }
    }

    /// For people.
    fn lines(&self, book: &RevenueBook) -> Vec<String> {
        let Self { line, reference, item, to, day, model, outcome } = self;
        let mut lines = vec![format!("line {line}: {reference}, item {item}, to {to} on {day}, collected by {model}")];
        match outcome {
            Err(why) => lines.push(format!("  not assessed: {why}")),
            Ok((assessment, _)) => {
                lines.extend(assessment.lines.iter().map(|line| of_line(line, book, *day)));
                lines.extend(assessment.exchanges.iter().map(|one| {
                    let (from, into) = match one.quoted {
                        Quoted::Into => (one.currency, one.into),
                        Quoted::Currency => (one.into, one.currency),
                    };
                    format!(
                        "  exchange: {} {from} is {} {into} from {} ({})",
                        one.per, one.rate, one.day, one.listed.source
                    )
                }));
                lines.extend(assessment.open.iter().map(of_open));
                if !assessment.open.is_empty() {
                    lines.push("  no record of duty is made of it: these lines are not all that is owed".to_owned());
                }
            }
        }
        lines
    }

    fn json(&self, book: &RevenueBook) -> Json {
        let Self { line, reference, item, to, day, model, outcome } = self;
        let mut told = json!({
            "line": line, "reference": reference, "item": item, "destination": to, "day": day.to_string(), "model": model,
        });
        match outcome {
            Err(why) => told["not_assessed"] = why.clone().into(),
            Ok((assessment, record)) => {
                let lines: Vec<Json> = assessment.lines.iter().map(|line| json_line(line, book, *day)).collect();
                let open: Vec<Json> = assessment
                    .open
                    .iter()
                    .map(|open| json!({ "tax": open.tax, "rule": open.rule, "goods": open.goods, "missing": open.missing }))
                    .collect();
                let exchanges: Vec<Json> = assessment
                    .exchanges
                    .iter()
                    .map(|one| {
                        json!({
                            "currency": one.currency, "into": one.into, "rate": one.rate.to_string(), "per": one.per, "quoted": one.quoted,
                            "day": one.day.to_string(), "source": one.listed.source,
                        })
                    })
                    .collect();
                told["lines"] = lines.into();
                told["open"] = open.into();
                told["exchange"] = exchanges.into();
                told["record"] = record.clone().into();
            }
        }
        told
    }
}

fn amount(book: &RevenueBook, money: Money, day: Day) -> String {
    let places = book.decimals(money.currency, day).unwrap_or(2);
    format!("{} {}", money.amount.with_places(places), money.currency)
}

fn of_line(line: &TaxLine, book: &RevenueBook, day: Day) -> String {
    let base = line.base.map(|base| {
        let includes = match line.includes.as_slice() {
            [] => String::new(),
            lines => format!(", with line {}", super::listed(lines)),
        };
        let basis = line.basis.map_or("base", |basis| basis.word());
        format!("{}% of {basis} {}{includes}", line.rate, amount(book, base, day))
    });
    let of_units = line.quantity.as_ref().map(|(quantity, unit)| format!("{} for {quantity} {unit}", line.rate));
    let of_items = line.count.map(|count| format!("{} for each of {}", line.rate, some(count.into(), "tariff line")));
    let how = base.or(of_units).or(of_items).unwrap_or_else(|| "once".to_owned());
    format!(
        "  {} {} {} = {} (goods {}; {} to {}; {} of {} {}): {}",
        line.number,
        line.tax,
        how,
        amount(book, line.amount, day),
        super::listed(&line.goods),
        line.rounding.mode,
        line.rounding.to,
        line.rule,
        line.edition.name,
        line.edition.version,
        line.reason
    )
}

fn of_open(open: &Open) -> String {
    let missing: String = open.missing.chars().take(MAX_TEXT_CHARS).collect();
    format!("  {} open (goods {}; {}): {missing}", open.tax, super::listed(&open.goods), open.rule)
}

fn json_line(line: &TaxLine, book: &RevenueBook, day: Day) -> Json {
    let places = |money: Money| money.amount.with_places(book.decimals(money.currency, day).unwrap_or(2));
    json!({
        "number": line.number, "tax": line.tax, "kind": line.kind, "goods": line.goods, "tariff": line.tariff,
        "basis": line.basis, "base": line.base.map(places), "includes": line.includes, "rate": line.rate.to_string(),
        "count": line.count, "quantity": line.quantity.as_ref().map(|(quantity, _)| quantity.to_string()),
        "unit": line.quantity.as_ref().map(|(_, unit)| unit), "amount": places(line.amount), "currency": line.amount.currency,
        "rounding": line.rounding.mode, "rounded_to": line.rounding.to, "rule": line.rule,
        "edition": { "name": line.edition.name, "version": line.edition.version, "source": line.edition.source }, "reason": line.reason,
    })
}
