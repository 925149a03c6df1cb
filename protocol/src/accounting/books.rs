//! The books: what was said of every item, what differs, what people decided, months of accounts, payments; kept up record by record.
//!
//! A record costs what its item costs: its row is read, joined with what links lead to, judged and written. Nothing depends on how many items
//! there are but the depth of two maps.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::class::{Class, Decision, Finding, FindingState, Key, Listed};
use super::closure::{Shelf, number_mark, record_mark, reference_mark, registration_mark, root_mark};
use super::folio::Folio;
use super::judge::{Bench, judge};
use super::kept::{Kept, Mark, MemoryBooks};
use super::owed::{List, ListError, Look, Month, Owed, name_of};
use super::period::{Brought, CloseError, Closed, Closes, Correction, Filled};
use super::rules::Rules;
use super::said::{Kind, Said, Type};
use super::standing::{Head, Holding};
use crate::cbor::CborError;
use crate::life::ItemId;
use crate::limits::{MAX_ACCOUNTED_ITEMS, MAX_ACCOUNTED_RECORDS, MAX_BANK_ENTRIES};
use crate::names::Territory;
use crate::recognition::Period;
use crate::revenue::{BankEntry, Exact, SummaryItem};
use crate::time::Millis;

/// Why a record was not taken.
#[derive(Debug, thiserror::Error)]
pub enum BooksError<E> {
    /// What is kept cannot be read or written.
    #[error("what is kept of items: {0}")]
    Kept(E),
    /// What is kept is damaged.
    #[error("what is kept of an item cannot be read: {0}")]
    Damaged(CborError),
    /// No room.
    #[error("there is no room for more items\nhint: one set of books has four thousand million rows")]
    Full,
}

/// All versions of a record: their heads, and the whole of those that are here.
type Versions = (Vec<Head>, Vec<Said>);

/// What is in the books.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counted {
    /// Records.
    pub records: u64,
    /// Numbers of items.
    pub items: u64,
    /// Records for which there was no room at their item, and items with more links than are followed.
    pub left_out: u64,
    /// Summaries and payments.
    pub owed: Owed,
}

/// The books.
#[derive(Debug, Clone)]
pub struct Books<K = MemoryBooks> {
    shelf: Shelf<K>,
    rules: Rules,
    home: Option<Territory>,
    now: Millis,
    /// When the last record was lodged.
    last: Millis,
    findings: BTreeMap<Key, Finding>,
    /// Which findings are told of each row.
    of_row: HashMap<u32, Vec<Key>>,
    /// Seconds at which terms end, with the row to look at again. Rows whose term does not matter any more are looked at for nothing.
    queue: BTreeSet<(u32, u32)>,
    months: BTreeMap<(String, Period), Month>,
    corrections: BTreeSet<Correction>,
    closes: Closes,
    decisions: BTreeMap<Key, Decision>,
    summaries: BTreeMap<Mark, Said>,
    lists: BTreeMap<(String, Period), List>,
    entries: Vec<BankEntry>,
    /// Findings about summaries, and whether they have to be made again.
    of_summaries: Vec<Key>,
    unsettled: bool,
    /// When time alone changes them next.
    settled_until: Option<Millis>,
    counted: Counted,
}

impl Books<MemoryBooks> {
    /// Empty ones in memory.
    pub fn new(rules: Rules, home: Option<Territory>) -> Self {
        Self::open(MemoryBooks::default(), rules, home)
    }
}

impl<K: Kept> Books<K> {
    /// Empty ones; what is kept has to be empty as well. With `home`, arrivals are expected of what goes there only.
    pub fn open(kept: K, rules: Rules, home: Option<Territory>) -> Self {
        Self {
            shelf: Shelf { kept, members: Default::default() },
            rules,
            home,
            now: Millis(0),
            last: Millis(0),
            findings: BTreeMap::new(),
            of_row: HashMap::new(),
            queue: BTreeSet::new(),
            months: BTreeMap::new(),
            corrections: BTreeSet::new(),
            closes: Closes::default(),
            decisions: BTreeMap::new(),
            summaries: BTreeMap::new(),
            lists: BTreeMap::new(),
            entries: Vec::new(),
            of_summaries: Vec::new(),
            unsettled: true,
            settled_until: None,
            counted: Counted::default(),
        }
    }

    /// Takes a record; whether anything is new. The same again, or another view of it, is no second effect.
    ///
    /// # Errors
    /// [`BooksError`].
    pub fn take(&mut self, said: &Said) -> Result<bool, BooksError<K::Error>> {
        let (lodged, joined) = (said.at, self.joined(said)?);
        let said = joined.as_ref().unwrap_or(said);
        let mark = record_mark(said);
        let is_duty = said.table == Type::Duty;
        // Another view of it may have hidden the reference: what was brought then stands under its root.
        let unnamed = said.reference.is_some().then(|| root_mark(said)).filter(|_| is_duty);
        let before = if is_duty { self.brought(&mark)? } else { Brought::default() };
        let unnamed = unnamed.map(|mark| self.brought(&mark).map(|before| (mark, before))).transpose()?;
        let mut numbers: BTreeSet<u32> = BTreeSet::new();
        for (item, _) in said.item.iter().chain(others(said)) {
            numbers.insert(self.number(item)?);
        }
        // Where all of it stands: at its numbers, or at the names that it quotes.
        let mut places = numbers.clone();
        for row in &numbers {
            self.point(mark, *row)?;
        }
        if let Kind::Declared { registration: Some(registration), .. } = &said.what.0 {
            for row in &numbers {
                self.point(registration_mark(registration), *row)?;
            }
        }
        if numbers.is_empty() {
            let own = self.name(mark)?;
            let mut quoted = BTreeSet::new();
            if let Kind::Answered { about, registration, .. } = &said.what.0 {
                let declaration =
                    about.iter().map(|(filer, reference)| reference_mark(Type::Declaration, filer.as_str(), reference));
                let registered = registration.iter().map(|registration| registration_mark(registration));
                for mark in declaration.chain(registered) {
                    quoted.insert(self.name(mark)?);
                }
            }
            self.leads(own, &quoted)?;
            places = if said.table == Type::Summary { BTreeSet::from([own]) } else { quoted };
        }
        let mut changed = self.head(&mark, said, &numbers)?;
        let mut new = changed;
        let mut read = BTreeMap::new();
        for row in &places {
            let (wrote, added, folio) = self.write(*row, said)?;
            changed |= wrote;
            new |= added;
            read.insert(*row, folio);
        }
        if !changed {
            return Ok(false);
        }
        self.counted.records += u64::from(new);
        self.last = self.last.max(lodged);
        let freed = self.named(said)?;
        if is_duty {
            if let Some((mark, before)) = unnamed {
                let after = self.brought(&mark)?;
                self.account(&mark, before, after)?;
            }
            let after = self.brought(&mark)?;
            self.account(&mark, before, after)?;
        }
        if said.table == Type::Summary {
            self.summary(mark)?;
        }
        let own = self.shelf.place(&mark)?;
        let mut seeds = numbers;
        for row in places.into_iter().chain(own).chain(freed) {
            if !seeds.contains(&row) {
                seeds.extend(self.shelf.numbers(row)?);
            }
        }
        self.look(&seeds, read)?;
        Ok(true)
    }

    /// What a view says together with what others said of the same record, where one of them hid its reference: by it all are one record,
    /// whichever came first.
    fn joined(&self, said: &Said) -> Result<Option<Said>, BooksError<K::Error>> {
        if said.reference.is_some() && self.shelf.place(&root_mark(said))?.is_none() {
            return Ok(None);
        }
        for (item, _) in said.item.iter().chain(others(said)) {
            let Some(row) = self.shelf.place(&number_mark(item))? else { continue };
            if let Some(mut known) = self.shelf.load(row)?.said.into_iter().find(|known| known.root == said.root) {
                known.join(said);
                return Ok(Some(known));
            }
        }
        Ok(None)
    }

    /// A record whose reference is seen is no version any more of what is known by a root alone; the row of that name, where it was one.
    fn named(&mut self, said: &Said) -> Result<Option<u32>, BooksError<K::Error>> {
        if said.reference.is_none() {
            return Ok(None);
        }
        let Some(row) = self.shelf.place(&root_mark(said))? else { return Ok(None) };
        let mut folio = self.shelf.load(row)?;
        let known = folio.heads.len();
        folio.heads.retain(|head| head.root != said.root);
        if folio.heads.len() == known {
            return Ok(None);
        }
        self.shelf.save(row, &folio)?;
        Ok(Some(row))
    }

    /// Time goes on: looks again at items whose terms ended, at most so many; whether there are more.
    ///
    /// # Errors
    /// [`BooksError`].
    pub fn due(&mut self, now: Millis, most: usize) -> Result<bool, BooksError<K::Error>> {
        if now > self.now {
            self.now = now;
            self.unsettled |= self.settled_until.is_some_and(|until| until <= now);
        }
        let second = u32::try_from(self.now.0 / 1_000).unwrap_or(u32::MAX);
        for _ in 0..most {
            match self.queue.first() {
                Some((end, row)) if *end <= second => {
                    let row = *row;
                    self.queue.pop_first();
                    self.look(&BTreeSet::from([row]), BTreeMap::new())?;
                }
                _ => return Ok(false),
            }
        }
        Ok(self.queue.first().is_some_and(|(end, _)| *end <= second))
    }

    /// Brings what is told of summaries up to date, before it is looked at.
    pub fn settle(&mut self) {
        if !std::mem::take(&mut self.unsettled) {
            return;
        }
        for key in std::mem::take(&mut self.of_summaries) {
            self.findings.remove(&key);
        }
        let look = Look {
            rules: &self.rules,
            now: self.now,
            summaries: &self.summaries,
            months: &self.months,
            lists: &self.lists,
            entries: &self.entries,
        };
        let find = |mark: &Mark, row: u32| {
            let folio = self.shelf.load(row).ok()?;
            folio.said.into_iter().find(|said| record_mark(said) == *mark)
        };
        // Amounts beyond all measure cannot be compared.
        let looked = look.look(&find).unwrap_or_default();
        self.counted.owed = looked.owed;
        self.settled_until = looked.until;
        for finding in looked.findings {
            self.of_summaries.push(finding.key.clone());
            self.findings.insert(finding.key.clone(), finding);
        }
    }

    /// Takes the entries of one bank statement. An entry that another statement had already changes nothing: of equal ones as many count as
    /// the statement with the most of them has. How many are new, and for how many there was no room.
    pub fn paid(&mut self, statement: &[BankEntry]) -> (usize, usize) {
        let new = self.new_of(statement);
        let room = new.len().min(MAX_BANK_ENTRIES.saturating_sub(self.entries.len()));
        self.unsettled |= room > 0;
        let no_room = new.len() - room;
        self.entries.extend(new.into_iter().take(room));
        (room, no_room)
    }

    /// What [`Books::paid`] would answer.
    pub fn would_pay(&self, statement: &[BankEntry]) -> (usize, usize) {
        let new = self.new_of(statement).len();
        let room = new.min(MAX_BANK_ENTRIES.saturating_sub(self.entries.len()));
        (room, new - room)
    }

    /// The entries of a statement that no other had.
    fn new_of(&self, statement: &[BankEntry]) -> Vec<BankEntry> {
        let mut known: BTreeMap<String, usize> = BTreeMap::new();
        for entry in &self.entries {
            *known.entry(name_of(entry)).or_default() += 1;
        }
        let mut is_new = |entry: &BankEntry| match known.get_mut(&name_of(entry)) {
            Some(count) if *count > 0 => {
                *count -= 1;
                false
            }
            _ => true,
        };
        statement.iter().filter(|entry| is_new(entry)).cloned().collect()
    }

    /// Whether this is a list that a summary commits to, and not the one that is known.
    ///
    /// # Errors
    /// [`ListError`] of one that no summary commits to, or that is none.
    pub fn may_list(&self, account: &str, period: Period, items: &[SummaryItem]) -> Result<bool, ListError> {
        let root = List::of(account, period, items)?.root;
        let commits = self
            .summaries
            .values()
            .filter_map(super::owed::sum_of)
            .any(|sum| sum.account == account && sum.period == period && sum.root == Some(root));
        if !commits {
            return Err(ListError::Root { account: account.to_owned(), period, root });
        }
        Ok(self.lists.get(&(account.to_owned(), period)).is_none_or(|known| known.root != root))
    }

    /// Takes the list of a summary, which the summary commits to.
    ///
    /// # Errors
    /// As [`Books::may_list`]; nothing is changed then.
    pub fn list(&mut self, account: &str, period: Period, items: &[SummaryItem]) -> Result<(), ListError> {
        match self.may_list(account, period, items)? {
            true => self.was_listed(account, period, items),
            false => Ok(()),
        }
    }

    /// Takes one that was judged before, or at a start, when no summary was handed in yet. It counts once a summary commits to it.
    ///
    /// # Errors
    /// [`ListError`] of one that is none.
    pub fn was_listed(&mut self, account: &str, period: Period, items: &[SummaryItem]) -> Result<(), ListError> {
        let list = List::of(account, period, items)?;
        self.lists.insert((account.to_owned(), period), list);
        self.unsettled = true;
        Ok(())
    }

    /// Closes a month of an account. What is lodged later than that corrects it in an open one.
    ///
    /// # Errors
    /// [`CloseError`]; nothing is changed then.
    pub fn close(&mut self, closed: Closed) -> Result<(), CloseError> {
        self.may_close(&closed)?;
        self.was_closed(closed);
        Ok(())
    }

    /// Whether a month may be closed.
    ///
    /// # Errors
    /// [`CloseError`] where it may not.
    pub fn may_close(&self, closed: &Closed) -> Result<(), CloseError> {
        let Closed { account, period, at, .. } = closed;
        if let Some(known) = self.closes.0.get(&(account.clone(), *period)) {
            let (account, period, at, by) = (account.clone(), *period, known.at, known.by.clone());
            return Err(CloseError::Already { account, period, at, by });
        }
        if Period::of(at.day()) <= *period {
            return Err(CloseError::NotOver { period: *period });
        }
        if self.last > *at {
            return Err(CloseError::Past { at: *at, known: self.last });
        }
        let stands = |month: &&(String, Period)| month.0 == *account && month.1 < *period;
        let open = self.months.keys().filter(stands).find(|month| !self.closes.0.contains_key(*month));
        match open {
            Some((_, earlier)) => {
                Err(CloseError::Order { account: account.clone(), period: *period, earlier: *earlier })
            }
            None => Ok(()),
        }
    }

    /// The same of one that was closed before, at a start, when nothing was handed in yet.
    pub fn was_closed(&mut self, closed: Closed) {
        self.closes.0.insert((closed.account.clone(), closed.period), closed);
    }

    /// Takes a decision on a difference.
    pub fn decide(&mut self, key: Key, decision: Decision) {
        self.decisions.insert(key, decision);
    }

    /// The difference of this short name. Call [`Books::settle`] before.
    pub fn finding(&self, id: &str) -> Option<&Finding> {
        self.findings.values().find(|finding| finding.key.id() == id)
    }

    /// How a difference stands.
    pub fn listed<'b>(&'b self, finding: &'b Finding) -> Listed<'b> {
        let decision = self.decisions.get(&finding.key);
        let holds = decision.filter(|decision| decision.facts == finding.facts());
        Listed {
            finding,
            state: holds.map_or(FindingState::Open, |decision| decision.given.state()),
            reopened: decision.is_some() && holds.is_none(),
            decision,
        }
    }

    /// The difference of this key. Call [`Books::settle`] before.
    pub fn at(&self, key: &Key) -> Option<&Finding> {
        self.findings.get(key)
    }

    /// Differences in order. Call [`Books::settle`] before.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.findings.values()
    }

    /// Differences of one class, in order.
    pub fn of_class(&self, class: Class) -> impl Iterator<Item = &Finding> {
        self.findings().filter(move |finding| finding.key.class == class)
    }

    /// Corrections of closed months, in order.
    pub fn corrections(&self) -> impl Iterator<Item = &Correction> {
        self.corrections.iter()
    }

    /// What stands in a month of an account; of a closed one what stood in it then.
    pub fn month(&self, account: &str, period: Period) -> Option<&Filled> {
        self.months.get(&(account.to_owned(), period)).map(|month| &month.filled)
    }

    /// What is in the books.
    pub fn counted(&self) -> &Counted {
        &self.counted
    }

    /// The rules.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The row of a number.
    fn number(&mut self, item: &ItemId) -> Result<u32, BooksError<K::Error>> {
        let mark = number_mark(item);
        if let Some(row) = self.shelf.place(&mark)? {
            return Ok(row);
        }
        let row = self.shelf.add(&Folio::number(item.clone()))?;
        self.shelf.lead(mark, row)?;
        self.counted.items += 1;
        Ok(row)
    }

    /// The row of a name: one of its own, which leads to the number where all of it stood so far.
    fn name(&mut self, mark: Mark) -> Result<u32, BooksError<K::Error>> {
        let mut folio = Folio::default();
        if let Some(row) = self.shelf.place(&mark)? {
            let known = self.shelf.load(row)?;
            if known.number.is_none() {
                return Ok(row);
            }
            folio.leads.push(row);
            folio.heads = known.said.iter().filter(|said| record_mark(said) == mark).map(Head::of).collect();
        }
        let row = self.shelf.add(&folio)?;
        self.shelf.lead(mark, row)?;
        Ok(row)
    }

    /// Lets a name lead to a number: directly while it is the only one.
    fn point(&mut self, mark: Mark, number: u32) -> Result<(), BooksError<K::Error>> {
        match self.shelf.place(&mark)? {
            None => self.shelf.lead(mark, number),
            Some(row) if row == number => Ok(()),
            Some(_) => {
                let row = self.name(mark)?;
                self.leads(row, &BTreeSet::from([number]))
            }
        }
    }

    fn leads(&mut self, row: u32, to: &BTreeSet<u32>) -> Result<(), BooksError<K::Error>> {
        let mut folio = self.shelf.load(row)?;
        let missing: Vec<u32> = to.iter().copied().filter(|to| *to != row && !folio.leads.contains(to)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        for to in missing {
            match folio.leads.len() < MAX_ACCOUNTED_ITEMS {
                true => folio.leads.push(to),
                false => self.counted.left_out += 1,
            }
        }
        self.shelf.save(row, &folio)
    }

    /// Keeps the head of a version where its name has a row of its own; whether that is new.
    fn head(&mut self, mark: &Mark, said: &Said, numbers: &BTreeSet<u32>) -> Result<bool, BooksError<K::Error>> {
        let Some(row) = self.shelf.place(mark)?.filter(|row| !numbers.contains(row)) else { return Ok(false) };
        let mut folio = self.shelf.load(row)?;
        let room = folio.heads.len() < MAX_ACCOUNTED_ITEMS;
        match folio.heads.iter_mut().find(|head| head.root == said.root) {
            Some(head) if head.at <= said.at => return Ok(false),
            Some(head) => head.at = said.at,
            None if !room => {
                self.counted.left_out += 1;
                return Ok(false);
            }
            None => folio.heads.push(Head::of(said)),
        }
        self.shelf.save(row, &folio)?;
        Ok(true)
    }

    /// Writes what is said into a row; whether that changed it, whether the record is new there, and what is kept of it now.
    fn write(&mut self, row: u32, said: &Said) -> Result<(bool, bool, Folio), BooksError<K::Error>> {
        let mut folio = self.shelf.load(row)?;
        let room = folio.said.len() < MAX_ACCOUNTED_RECORDS;
        let new = match folio.said.iter_mut().find(|known| known.root == said.root) {
            Some(known) => {
                let before = known.clone();
                known.join(said);
                if *known == before {
                    return Ok((false, false, folio));
                }
                false
            }
            None if !room => {
                self.counted.left_out += 1;
                return Ok((false, false, folio));
            }
            None => {
                folio.said.push(said.clone());
                true
            }
        };
        self.shelf.save(row, &folio)?;
        Ok((true, new, folio))
    }

    /// All versions of a record: their heads, and the whole of those that are here.
    fn versions(&self, mark: &Mark) -> Result<Versions, BooksError<K::Error>> {
        let Some(row) = self.shelf.place(mark)? else { return Ok(Default::default()) };
        let folio = self.shelf.load(row)?;
        let mut whole: Vec<Said> = Vec::new();
        let mut heads = folio.heads.clone();
        let mut add = |all: Vec<Said>| {
            for said in all.into_iter().filter(|said| record_mark(said) == *mark) {
                match whole.iter_mut().find(|known| known.root == said.root) {
                    Some(known) => known.join(&said),
                    None => whole.push(said),
                }
            }
        };
        for number in &folio.leads {
            add(self.shelf.load(*number)?.said);
        }
        let is_number = folio.number.is_some();
        add(folio.said);
        whole.sort_by_key(|said| (said.at, said.root));
        if is_number {
            heads = whole.iter().map(Head::of).collect();
        }
        Ok((heads, whole))
    }

    fn brought(&self, mark: &Mark) -> Result<Brought, BooksError<K::Error>> {
        let (heads, whole) = self.versions(mark)?;
        Ok(Brought::of(&heads, &whole, self.rules.summary_stage, &self.closes))
    }

    /// Takes what a record brought before out of its months, and puts in what it brings now.
    fn account(&mut self, mark: &Mark, before: Brought, after: Brought) -> Result<(), BooksError<K::Error>> {
        if before == after {
            return Ok(());
        }
        self.unsettled = true;
        let row = self.shelf.place(mark)?.unwrap_or_default();
        let row = self.shelf.numbers(row)?.first().copied().unwrap_or(row);
        for (brought, adds) in [(before, false), (after, true)] {
            for (key, lines) in brought.months {
                let month = self.months.entry(key.clone()).or_default();
                match adds {
                    true => drop(month.records.insert(*mark, row)),
                    false => drop(month.records.remove(mark)),
                }
                month.filled.records = month.records.len() as u64;
                for (total, (amount, count)) in lines {
                    let sum = month.filled.totals.entry(total.clone()).or_insert((Exact::ZERO, 0));
                    // Sums of amounts of at most eighteen digits: ten thousand million million of them fit.
                    let amount = if adds { sum.0.plus(amount) } else { sum.0.minus(amount) };
                    sum.0 = amount.unwrap_or(sum.0);
                    let count = u64::try_from(count).unwrap_or(0);
                    sum.1 = if adds { sum.1.saturating_add(count) } else { sum.1.saturating_sub(count) };
                    if sum.1 == 0 {
                        month.filled.totals.remove(&total);
                    }
                }
                if month.records.is_empty() {
                    self.months.remove(&key);
                }
            }
            for correction in brought.corrections {
                match adds {
                    true => self.corrections.insert(correction),
                    false => self.corrections.remove(&correction),
                };
            }
        }
        Ok(())
    }

    /// Which version of a summary counts.
    fn summary(&mut self, mark: Mark) -> Result<(), BooksError<K::Error>> {
        let (heads, whole) = self.versions(&mark)?;
        let holds = Holding::of(heads.iter()).holds();
        let counts = whole.into_iter().find(|said| Some(said.root) == holds);
        self.summaries.remove(&mark);
        if let Some(said) = counts {
            // Two views of one record, of which one hides the reference, are one summary.
            let named = self.summaries.values().any(|known| known.root == said.root && known.reference.is_some());
            if said.reference.is_some() || !named {
                self.summaries.retain(|_, known| known.root != said.root);
                self.summaries.insert(mark, said);
            }
        }
        self.unsettled = true;
        Ok(())
    }

    /// Judges everything that is joined with these rows.
    fn look(&mut self, rows: &BTreeSet<u32>, read: BTreeMap<u32, Folio>) -> Result<(), BooksError<K::Error>> {
        let closure = self.shelf.closure(rows, read)?;
        self.counted.left_out += u64::from(closure.cut);
        for row in &closure.rows {
            for key in self.of_row.remove(row).unwrap_or_default() {
                self.findings.remove(&key);
            }
        }
        let bench = Bench { rules: &self.rules, home: self.home, now: self.now };
        for place in 0..closure.items.len() {
            let Some(row) = closure.items[place].rows.first() else { continue };
            let judged = judge(&closure, place, bench);
            if let Some(end) = judged.due {
                // Terms end at whole seconds.
                let second = u32::try_from(end.0 / 1_000).unwrap_or(u32::MAX);
                self.queue.insert((second, *row));
            }
            for finding in judged.findings {
                self.of_row.entry(*row).or_default().push(finding.key.clone());
                self.findings.insert(finding.key.clone(), finding);
            }
        }
        Ok(())
    }
}

fn others(said: &Said) -> &[(ItemId, Option<crate::time::Day>)] {
    match &said.what.0 {
        Kind::Links { others, .. } => others,
        _ => &[],
    }
}
