//! Business reconciliation is kept up from the log: each dispatch that came or left is read once, from the first entry to the newest; and
//! what people ask and decide of it.
//!
//! Views are looked at only where they came for a purpose that the rules name. What was erased before a start is not known after it.
//! Limits: [`ENTRIES_AT_ONCE`], [`DUE_AT_ONCE`].

use std::sync::MutexGuard;

use luxor_protocol::accounting::{Class, CloseError, Closed, Decision, FindingState, Given, ListError, Said, Type};
use luxor_protocol::api::{
    BankLine, ClosedLine, CorrectionLine, FindingLine, MAX_CORRECTIONS_TOLD, MAX_DECISION_CHARS, MonthTotal,
    ReconciliationPage, StatementTaken, SummaryListTaken, totals,
};
use luxor_protocol::document::Directory;
use luxor_protocol::exchange::{EntryKind, Lane, Skeleton};
use luxor_protocol::hash::Digest;
use luxor_protocol::life::{Held, Lodged, LodgedWith, Shown};
use luxor_protocol::limits::{MAX_BANK_ENTRIES, MAX_BANK_REFERENCES};
use luxor_protocol::names::{MemberId, MemberKind, Territory};
use luxor_protocol::recognition::Period;
use luxor_protocol::revenue::{BankEntry, Exact, Money, SummaryItem};

use super::logs::mark;
use super::{Driver, Shared, now};
use crate::accounts::Kept;
use crate::store::{BooksRow, KeepError, StoreError};

/// Entries looked at in one go.
const ENTRIES_AT_ONCE: usize = 64;
/// Items looked at again in one go because a term ended.
const DUE_AT_ONCE: usize = 1_000;

/// Why nothing is told or decided.
#[derive(Debug, thiserror::Error)]
pub enum AccountsError {
    /// What is stored is still being read.
    #[error("what this node has stored is still being read\nhint: ask again in a moment")]
    Reading,
    /// No difference has the name.
    #[error("no difference is called '{0}' now\nhint: it may have gone since; `luxor reconcile` lists those there are")]
    Unknown(String),
    /// A name, a reason, an entry that is none.
    #[error("{0}")]
    Words(String),
    /// The month cannot be closed.
    #[error(transparent)]
    Close(#[from] CloseError),
    /// No room for payments.
    #[error("{0} entries have no room: {MAX_BANK_ENTRIES} are kept")]
    Full(usize),
    /// No list, or one that no summary commits to.
    #[error(transparent)]
    List(#[from] ListError),
    /// What is to be kept is too long, or the store failed.
    #[error(transparent)]
    Keep(#[from] KeepError),
}

/// Which differences are asked for.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// Of these classes; of all without any.
    pub classes: Vec<Class>,
    /// In this state.
    pub state: Option<FindingState>,
    /// Of this month.
    pub period: Option<Period>,
    /// Behind what an answer gave as next.
    pub after: Option<String>,
    /// At most so many.
    pub limit: usize,
}

impl Driver {
    /// Once the books are wanted: reads what is stored, then follows the log until the node stops.
    pub(super) async fn follow_accounts(self) {
        self.shared.accounts.wanted().await;
        let whole = self.shared.sequencer.latest().size;
        self.keep_on(Lane::Ordinary, 0, move |next, shared| go(shared, next, whole)).await;
    }
}

/// A little further from an entry; whether there is more.
fn go(shared: &Shared, next: &mut u64, whole: u64) -> Result<bool, StoreError> {
    let size = shared.sequencer.latest().size;
    let (found, after) = shared.store.dispatches(*next, size, ENTRIES_AT_ONCE)?;
    for (entry, skeleton) in found {
        match skeleton.kind {
            EntryKind::Received => received(shared, entry, &skeleton)?,
            EntryKind::Sent => sent(shared, entry, &skeleton)?,
            _ => {}
        }
    }
    *next = after;
    let mut kept = shared.accounts.kept();
    kept.followed = after;
    if after >= whole {
        shared.accounts.was_read();
    }
    // Memory never fails, and what was written there is read.
    let due = kept.books.due(now(), DUE_AT_ONCE).unwrap_or(false);
    Ok(due || after < size)
}

fn received(shared: &Shared, entry: u64, skeleton: &Skeleton) -> Result<(), StoreError> {
    let Some(row) = shared.store.received(&skeleton.channel, skeleton.number)? else { return Ok(()) };
    let Some(header) = row.header()? else { return Ok(()) };
    let purposes = shared.rules.accounting.purposes.contains(&header.purpose);
    if !purposes || header.batch.header.table.name.parse::<Type>().is_err() {
        return Ok(());
    }
    let mark = mark(shared, entry, &skeleton.channel.sender, &row.arrival)?;
    let (directory, mut all) = (shared.directory(), Vec::new());
    for (_, root, view) in shared.store.payload(entry)? {
        let issuer = view.header.issuer.clone();
        let Some((kind, territory)) = member(shared, &directory, &issuer) else { continue };
        all.extend(Said::of(&Held {
            root,
            issuer: &issuer,
            kind,
            territory,
            lodged: Lodged { claimed: Some(header.sent_at), entered: row.at, proven: None },
            lodged_with: &[],
            terms: None,
            mark,
            supersedes: view.header.supersedes,
            shown: Shown::View(&view),
        }));
    }
    take(shared, entry, all);
    Ok(())
}

fn sent(shared: &Shared, entry: u64, skeleton: &Skeleton) -> Result<(), StoreError> {
    let header = shared.store.sent_header(&skeleton.channel, skeleton.number)?;
    let Some(header) = header.filter(|header| header.batch.header.table.name.parse::<Type>().is_ok()) else {
        return Ok(());
    };
    // A batch stands under its first dispatch only.
    let Some(records) = shared.store.batch_records(entry)? else { return Ok(()) };
    let (directory, mut all) = (shared.directory(), Vec::new());
    let deliveries = shared.store.deliveries(entry)?;
    let with: Vec<LodgedWith> = deliveries
        .iter()
        .filter_map(|delivery| {
            let id = delivery.header.channel.recipient.member();
            let (kind, territory) = member(shared, &directory, &id)?;
            Some(LodgedWith { member: id, kind, territory, proven: None })
        })
        .collect();
    for (_, record) in records {
        let issuer = record.header().issuer.clone();
        let Some((kind, territory)) = member(shared, &directory, &issuer) else { continue };
        all.extend(Said::of(&Held {
            root: record.root(),
            issuer: &issuer,
            kind,
            territory,
            lodged: Lodged { claimed: Some(header.sent_at), entered: header.sent_at, proven: None },
            lodged_with: &with,
            terms: None,
            mark: None,
            supersedes: record.header().supersedes,
            shown: Shown::Own(record.content()),
        }));
    }
    take(shared, entry, all);
    Ok(())
}

/// Kind and territory of a member; of one that left those of this node's member: they decide nothing here.
fn member(shared: &Shared, directory: &Directory, id: &MemberId) -> Option<(MemberKind, Territory)> {
    let charter = directory.charter();
    let member = charter.member(id).or_else(|| charter.member(&shared.me.member()))?;
    Some((member.kind, member.territory))
}

/// Takes what a dispatch says, at once.
fn take(shared: &Shared, entry: u64, all: Vec<Said>) {
    let mut kept = shared.accounts.kept();
    for mut said in all {
        said.at = kept.lodged(entry, said.at);
        if let Err(error) = kept.books.take(&said) {
            tracing::warn!(%error, entry, "a record is not accounted for");
        }
    }
}

/// The books, once everything that was stored is in them.
fn books(shared: &Shared) -> Result<MutexGuard<'_, Kept>, AccountsError> {
    match shared.accounts.is_read() {
        true => Ok(shared.accounts.kept()),
        false => Err(AccountsError::Reading),
    }
}

/// A page of differences.
///
/// # Errors
/// [`AccountsError`].
pub fn listed(shared: &Shared, asked: &Asked) -> Result<ReconciliationPage, AccountsError> {
    let mut kept = books(shared)?;
    let as_of = now();
    // Memory never fails. Terms end all the time, so few are left.
    while kept.books.due(as_of, DUE_AT_ONCE).unwrap_or(false) {}
    kept.books.settle();
    let books = &kept.books;
    let begins = match &asked.after {
        None => 0,
        Some(cursor) => after(books, cursor)?,
    };
    let fits = |line: &luxor_protocol::accounting::Listed<'_>| {
        (asked.classes.is_empty() || asked.classes.contains(&line.finding.key.class))
            && asked.state.is_none_or(|state| state == line.state)
            && asked.period.is_none_or(|period| period == line.finding.period)
    };
    let mut findings = Vec::new();
    let mut next = None;
    for (place, finding) in books.findings().enumerate().skip(begins) {
        let line = books.listed(finding);
        if !fits(&line) {
            continue;
        }
        findings.push(FindingLine::of(&line));
        if findings.len() >= asked.limit {
            next = Some(format!("{place}.{}", finding.key.id()));
            break;
        }
    }
    let corrections: Vec<CorrectionLine> =
        books.corrections().take(MAX_CORRECTIONS_TOLD).map(CorrectionLine::of).collect();
    let counted = books.counted();
    Ok(ReconciliationPage {
        as_of: as_of.to_string(),
        read: true,
        followed: kept.followed,
        records: counted.records,
        items: counted.items,
        left_out: counted.left_out,
        totals: totals(books.findings().map(|finding| books.listed(finding))),
        more_corrections: (books.corrections().count() - corrections.len()) as u64,
        corrections,
        findings,
        next,
    })
}

/// The place behind a difference that was told last: where it stood, or wherever it stands now.
fn after(books: &luxor_protocol::accounting::Books, cursor: &str) -> Result<usize, AccountsError> {
    let words = || AccountsError::Words("after: what an answer gave as next".into());
    let (place, id) = cursor.split_once('.').ok_or_else(words)?;
    let place: usize = place.parse().map_err(|_| words())?;
    let same = |finding: &&luxor_protocol::accounting::Finding| finding.key.id() == id;
    if books.findings().nth(place).as_ref().is_some_and(same) {
        return Ok(place + 1);
    }
    // It moved, or went: then those that came behind it begin at about its place.
    Ok(books.findings().position(|finding| same(&finding)).map_or(place, |place| place + 1))
}

/// Decides on a difference.
///
/// # Errors
/// [`AccountsError`]; nothing is changed then, unless the difference goes at this moment, which it then says.
pub fn decide(
    shared: &Shared,
    id: &str,
    by: String,
    why: String,
    given: Given,
    record: Option<Digest>,
) -> Result<FindingLine, AccountsError> {
    words("by", &by)?;
    words("why", &why)?;
    let _one = shared.accounts.writing();
    let (key, facts) = {
        let mut kept = books(shared)?;
        kept.books.settle();
        let finding = kept.books.finding(id).ok_or_else(|| AccountsError::Unknown(id.chars().take(64).collect()))?;
        (finding.key.clone(), finding.facts())
    };
    let decision = Decision { given, by, at: now(), why, record, facts };
    shared.store.keep_in_books(&BooksRow::Decided(key.clone(), Box::new(decision.clone())))?;
    let mut kept = shared.accounts.kept();
    kept.books.decide(key.clone(), decision);
    kept.books.settle();
    // It may have gone since: then what was decided waits for it to come again.
    let finding = kept.books.at(&key).ok_or_else(|| AccountsError::Unknown(id.to_owned()))?;
    Ok(FindingLine::of(&kept.books.listed(finding)))
}

/// Closes a month of an account.
///
/// # Errors
/// [`AccountsError`]; nothing is changed then.
pub fn close(shared: &Shared, account: String, period: Period, by: String) -> Result<ClosedLine, AccountsError> {
    words("by", &by)?;
    words("account", &account)?;
    let _one = shared.accounts.writing();
    let mut kept = books(shared)?;
    // What is in the log stands in the month that it names; what comes into it from now on does not.
    let entries = shared.sequencer.latest().size;
    if kept.followed < entries {
        return Err(AccountsError::Reading);
    }
    let closed = Closed { account, period, at: now(), by };
    kept.books.may_close(&closed)?;
    shared.store.keep_in_books(&BooksRow::Closed(closed.clone(), entries))?;
    kept.closed_with(entries, closed.at);
    kept.books.was_closed(closed.clone());
    let filled = kept.books.month(&closed.account, period).cloned().unwrap_or_default();
    let totals = filled.totals.into_iter().map(|((tax, territory, currency), (amount, lines))| MonthTotal {
        tax,
        territory,
        amount: amount.with_places(2),
        currency,
        lines,
    });
    Ok(ClosedLine {
        account: closed.account,
        period: period.to_string(),
        at: closed.at.to_string(),
        by: closed.by,
        records: filled.records,
        totals: totals.collect(),
    })
}

/// Takes the list of a summary.
///
/// # Errors
/// [`AccountsError`].
pub fn summary_list(
    shared: &Shared,
    account: String,
    period: Period,
    items: Vec<SummaryItem>,
) -> Result<SummaryListTaken, AccountsError> {
    let records = items.len() as u64;
    let _one = shared.accounts.writing();
    let mut kept = books(shared)?;
    if kept.books.may_list(&account, period, &items)? {
        let row = BooksRow::List(account, period, items);
        shared.store.keep_in_books(&row)?;
        if let BooksRow::List(account, period, items) = &row {
            kept.books.was_listed(account, *period, items)?;
        }
    }
    Ok(SummaryListTaken { records })
}

/// Takes a bank statement.
///
/// # Errors
/// [`AccountsError`].
pub fn statement(shared: &Shared, lines: Vec<BankLine>) -> Result<StatementTaken, AccountsError> {
    let count = lines.len();
    let entries: Vec<BankEntry> = lines.into_iter().map(entry).collect::<Result<_, _>>()?;
    let _one = shared.accounts.writing();
    let mut kept = books(shared)?;
    let (new, no_room) = kept.books.would_pay(&entries);
    if no_room > 0 {
        return Err(AccountsError::Full(no_room));
    }
    if new > 0 {
        let row = BooksRow::Statement(entries);
        shared.store.keep_in_books(&row)?;
        if let BooksRow::Statement(entries) = &row {
            kept.books.paid(entries);
        }
    }
    kept.books.settle();
    let owed = &kept.books.counted().owed;
    let (matched, entries, summaries) = (owed.matched, owed.entries, owed.summaries);
    Ok(StatementTaken { new: new as u64, known: (count - new) as u64, matched, entries, summaries })
}

fn entry(line: BankLine) -> Result<BankEntry, AccountsError> {
    let failed = |error: &dyn std::fmt::Display| AccountsError::Words(format!("entry {}: {error}", line.place));
    if line.references.len() > MAX_BANK_REFERENCES {
        return Err(failed(&format!("more than {MAX_BANK_REFERENCES} references")));
    }
    if let Some(long) = line.references.iter().find(|reference| reference.chars().count() > MAX_DECISION_CHARS) {
        return Err(failed(&format!(
            "a reference of {} characters, at most {MAX_DECISION_CHARS}",
            long.chars().count()
        )));
    }
    let amount: Exact = line.amount.parse().map_err(|error| failed(&error))?;
    // As a record holds it: sums of a million of them stay exact.
    amount.to_decimal(0, 18).map_err(|error| failed(&error))?;
    let booked = line.booked.parse().map_err(|error| failed(&error))?;
    Ok(BankEntry { place: line.place, amount: Money::new(amount, line.currency), booked, references: line.references })
}

fn words(name: &str, text: &str) -> Result<(), AccountsError> {
    match text.trim().is_empty() || text.chars().count() > MAX_DECISION_CHARS {
        true => Err(AccountsError::Words(format!("{name}: 1 to {MAX_DECISION_CHARS} characters"))),
        false => Ok(()),
    }
}
