//! What people decided of differences, which months they closed, and bank statements: small rows, one after another, synced before they are
//! answered. What follows from them and from the records is made anew at each start.

use luxor_protocol::accounting::{Class, Closed, Decision, Given, Key, Subject};
use luxor_protocol::cbor::{CborError, Decode, Encode, Reader, Writer};
use luxor_protocol::hash::Digest;
use luxor_protocol::life::{ItemId, ItemKey, Scheme};
use luxor_protocol::limits::{MAX_BANK_ENTRIES, MAX_BANK_REFERENCES, MAX_OCCURRENCES, MAX_SUMMARY_ITEMS};
use luxor_protocol::names::{Currency, MemberId, Territory};
use luxor_protocol::recognition::Period;
use luxor_protocol::revenue::{BankEntry, Money, RecordRef, StatedLine, SummaryItem};
use luxor_protocol::time::{Day, Millis};
use rocksdb::{IteratorMode, WriteBatch};

use super::columns::cf;
use super::journal::{self, number_of};
use super::open::{Store, StoreError};

/// What this journal is called in checksums.
const JOURNAL: &[u8] = b"books";

/// A key and its value.
type Row = (Box<[u8]>, Box<[u8]>);

/// Bytes of a text in a row: a reason, a name, what tells a bank entry from others.
const MAX_TEXT: usize = 64 * 1024;

/// Why a row was not written.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// It has something that is longer than what is read back.
    #[error("it cannot be kept: {0}")]
    Unreadable(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BooksRow {
    /// A decision on a difference.
    Decided(Key, Box<Decision>),
    /// A month that was closed, with how many entries the log had then.
    Closed(Closed, u64),
    /// A bank statement.
    Statement(Vec<BankEntry>),
    /// The list of a summary.
    List(String, Period, Vec<SummaryItem>),
}

impl Store {
    /// Every row, in the order in which they were written.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn books(&self) -> Result<Vec<BooksRow>, StoreError> {
        let rows = self.db.iterator_cf(self.cf(cf::BOOKS), IteratorMode::Start);
        let read = |row: Result<Row, rocksdb::Error>| {
            let (key, bytes) = row?;
            BooksRow::read(number_of("a row of the books", &key)?, &bytes)
                .map_err(|error| StoreError::damaged("a row of the books", error))
        };
        rows.map(read).collect()
    }

    /// Writes a row behind the others, synced. Rows are written by one at a time.
    ///
    /// # Errors
    /// [`KeepError`]; nothing is written that could not be read back at the next start.
    pub fn keep_in_books(&self, row: &BooksRow) -> Result<(), KeepError> {
        let last = self.db.iterator_cf(self.cf(cf::BOOKS), IteratorMode::End).next();
        let last = last.transpose().map_err(StoreError::from)?;
        let next = match last {
            None => 0,
            Some((key, _)) => number_of("a row of the books", &key)?.saturating_add(1),
        };
        let stored = row.stored(next);
        BooksRow::read(next, &stored).map_err(KeepError::Unreadable)?;
        let mut batch = WriteBatch::default();
        batch.put_cf(self.cf(cf::BOOKS), next.to_be_bytes(), stored);
        Ok(self.write_synced(batch)?)
    }
}

impl BooksRow {
    /// Its bytes at a number.
    fn stored(&self, number: u64) -> Vec<u8> {
        journal::stored(JOURNAL, number, &self.to_cbor())
    }

    /// What [`Store::keep_in_books`] wrote at a number.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(number: u64, bytes: &[u8]) -> Result<Self, String> {
        Self::from_cbor(journal::read(JOURNAL, number, bytes)?).map_err(|error| error.to_string())
    }
}

fn put<T>(writer: &mut Writer, value: Option<T>, write: impl FnOnce(&mut Writer, T)) {
    match value {
        Some(value) => write(writer, value),
        None => writer.null(),
    }
}

fn get<'r, T>(
    reader: &mut Reader<'r>,
    read: impl FnOnce(&mut Reader<'r>) -> Result<T, CborError>,
) -> Result<Option<T>, CborError> {
    if reader.null()? { Ok(None) } else { read(reader).map(Some) }
}

fn text(reader: &mut Reader<'_>) -> Result<String, CborError> {
    Ok(reader.text(MAX_TEXT)?.to_owned())
}

fn parsed<T: std::str::FromStr>(reader: &mut Reader<'_>, what: &'static str) -> Result<T, CborError> {
    let start = reader.position();
    reader.text(MAX_TEXT)?.parse().map_err(|_| reader.refuse(start, what))
}

fn put_money(writer: &mut Writer, money: &Money) {
    writer.text(&money.amount.to_string());
    money.currency.encode(writer);
}

fn money(reader: &mut Reader<'_>) -> Result<Money, CborError> {
    Ok(Money::new(parsed(reader, "not a number")?, Currency::decode(reader)?))
}

fn put_subject(writer: &mut Writer, subject: &Subject) {
    match subject {
        Subject::Item(key) => {
            writer.uint(1);
            writer.text(key.item.scheme.word());
            put(writer, key.item.issuer.as_deref(), Writer::text);
            writer.text(&key.item.id);
            put(writer, key.posted_on, |writer, day| day.encode(writer));
        }
        Subject::Account(account, period) => {
            writer.uint(2);
            writer.text(account);
            writer.text(&period.to_string());
        }
        Subject::Entry(entry) => {
            writer.uint(3);
            writer.text(entry);
        }
    }
}

fn subject(reader: &mut Reader<'_>) -> Result<Subject, CborError> {
    let start = reader.position();
    Ok(match reader.uint()? {
        1 => {
            let scheme: Scheme = parsed(reader, "not a scheme")?;
            let item = ItemId { scheme, issuer: get(reader, text)?, id: text(reader)? };
            Subject::Item(ItemKey { item, posted_on: get(reader, Day::decode)? })
        }
        2 => Subject::Account(text(reader)?, parsed(reader, "not a month")?),
        3 => Subject::Entry(text(reader)?),
        _ => return Err(reader.refuse(start, "nothing that a difference is about")),
    })
}

fn put_listed(writer: &mut Writer, item: &SummaryItem) {
    writer.array(7);
    item.duty.issuer.encode(writer);
    writer.text(&item.duty.reference);
    writer.text(item.item.scheme.word());
    put(writer, item.item.issuer.as_deref(), Writer::text);
    writer.text(&item.item.id);
    item.territory.encode(writer);
    writer.array(item.lines.len());
    for line in &item.lines {
        writer.array(4);
        writer.uint(line.number.into());
        writer.text(&line.tax);
        put_money(writer, &line.amount);
    }
}

fn listed(reader: &mut Reader<'_>) -> Result<SummaryItem, CborError> {
    reader.tuple(7)?;
    let duty = RecordRef { issuer: MemberId::decode(reader)?, reference: text(reader)? };
    let scheme: Scheme = parsed(reader, "not a scheme")?;
    let item = ItemId { scheme, issuer: get(reader, text)?, id: text(reader)? };
    let territory = Territory::decode(reader)?;
    let lines = reader.list(MAX_OCCURRENCES, |reader| {
        reader.tuple(4)?;
        let start = reader.position();
        let number = u32::try_from(reader.uint()?).map_err(|_| reader.refuse(start, "not the number of a line"))?;
        let line = StatedLine { number, tax: text(reader)?, amount: money(reader)? };
        reader.leave();
        Ok(line)
    })?;
    reader.leave();
    Ok(SummaryItem { duty, item, territory, lines })
}

impl Encode for BooksRow {
    /// `[kind, …]`, of a list of values that each kind has.
    fn encode(&self, writer: &mut Writer) {
        match self {
            Self::Decided(key, decision) => {
                writer.array(2);
                writer.uint(1);
                writer.array(3);
                writer.text(key.class.word());
                let mut about = Writer::new();
                put_subject(&mut about, &key.subject);
                writer.bytes(about.as_bytes());
                let mut rest = Writer::new();
                rest.text(&key.about);
                match &decision.given {
                    Given::Explained => rest.uint(1),
                    Given::WrittenOff(amount) => {
                        rest.uint(2);
                        put(&mut rest, amount.as_ref(), put_money);
                    }
                }
                rest.text(&decision.by);
                decision.at.encode(&mut rest);
                rest.text(&decision.why);
                put(&mut rest, decision.record, |writer, root| writer.bytes(&root.0));
                rest.bytes(&decision.facts.0);
                writer.bytes(rest.as_bytes());
            }
            Self::Closed(closed, entries) => {
                writer.array(6);
                writer.uint(2);
                writer.text(&closed.account);
                writer.text(&closed.period.to_string());
                closed.at.encode(writer);
                writer.text(&closed.by);
                writer.uint(*entries);
            }
            Self::Statement(entries) => {
                writer.array(2);
                writer.uint(3);
                writer.array(entries.len());
                for entry in entries {
                    writer.array(5);
                    writer.uint(entry.place);
                    writer.text(&entry.amount.amount.to_string());
                    entry.amount.currency.encode(writer);
                    entry.booked.encode(writer);
                    writer.array(entry.references.len());
                    entry.references.iter().for_each(|one| writer.text(one));
                }
            }
            Self::List(account, period, items) => {
                writer.array(4);
                writer.uint(4);
                writer.text(account);
                writer.text(&period.to_string());
                writer.array(items.len());
                items.iter().for_each(|item| put_listed(writer, item));
            }
        }
    }
}

impl Decode for BooksRow {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        let count = reader.array(6)?;
        let start = reader.position();
        let row = match (reader.uint()?, count) {
            (1, 2) => {
                reader.tuple(3)?;
                let class: Class = parsed(reader, "not a class")?;
                let about = reader.bytes(MAX_TEXT)?;
                let mut inner = Reader::new(about);
                let subject = subject(&mut inner)?;
                inner.finish()?;
                let rest = reader.bytes(3 * MAX_TEXT)?;
                let mut inner = Reader::new(rest);
                let key = Key { class, subject, about: text(&mut inner)? };
                let place = inner.position();
                let given = match inner.uint()? {
                    1 => Given::Explained,
                    2 => Given::WrittenOff(get(&mut inner, money)?),
                    _ => return Err(inner.refuse(place, "nothing that is decided")),
                };
                let decision = Decision {
                    given,
                    by: text(&mut inner)?,
                    at: Millis::decode(&mut inner)?,
                    why: text(&mut inner)?,
                    record: get(&mut inner, |reader| reader.fixed().map(Digest))?,
                    facts: Digest(inner.fixed()?),
                };
                inner.finish()?;
                reader.leave();
                Self::Decided(key, Box::new(decision))
            }
            (2, 6) => {
                let closed = Closed {
                    account: text(reader)?,
                    period: parsed(reader, "not a month")?,
                    at: Millis::decode(reader)?,
                    by: text(reader)?,
                };
                Self::Closed(closed, reader.uint()?)
            }
            (3, 2) => Self::Statement(reader.list(MAX_BANK_ENTRIES, |reader| {
                reader.tuple(5)?;
                let place = reader.uint()?;
                let amount = money(reader)?;
                let booked = Day::decode(reader)?;
                let references = reader.list(MAX_BANK_REFERENCES, text)?;
                reader.leave();
                Ok(BankEntry { place, amount, booked, references })
            })?),
            (4, 4) => {
                let (account, period) = (text(reader)?, parsed(reader, "not a month")?);
                Self::List(account, period, reader.list(MAX_SUMMARY_ITEMS, listed)?)
            }
            _ => return Err(reader.refuse(start, "not a row of the books")),
        };
        reader.leave();
        Ok(row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_back() {
        let item = ItemId { scheme: Scheme::Platform, issuer: Some("shop".into()), id: "P-1".into() };
        let subjects = [
            Subject::Item(ItemKey { item, posted_on: Some(Day(20_000)) }),
            Subject::Account("IM1".into(), "2026-10".parse().unwrap()),
            Subject::Entry("2026-10-01 1.00 EUR x".into()),
        ];
        let amount = Money::new("3.50".parse().unwrap(), "EUR".parse().unwrap());
        let mut rows: Vec<BooksRow> = subjects
            .into_iter()
            .zip([Given::Explained, Given::WrittenOff(None), Given::WrittenOff(Some(amount))])
            .map(|(subject, given)| {
                let key = Key { class: Class::SummaryShort, subject, about: "S-1 of platform".into() };
                let (record, facts) = (Some(Digest([1; 32])), Digest([2; 32]));
                let decision = Decision { given, by: "J".into(), at: Millis(7), why: "w".into(), record, facts };
                BooksRow::Decided(key, Box::new(decision))
            })
            .collect();
        let period = "2026-10".parse().unwrap();
        rows.push(BooksRow::Closed(Closed { account: "IM1".into(), period, at: Millis(9), by: "J".into() }, 5));
        let references = vec!["A".into(), "B".into()];
        rows.push(BooksRow::Statement(vec![BankEntry { place: 3, amount, booked: Day(20_000), references }]));
        rows.push(BooksRow::List(
            "IM1".into(),
            "2026-10".parse().unwrap(),
            vec![SummaryItem {
                duty: RecordRef { issuer: "shop".parse().unwrap(), reference: "C-1".into() },
                item: ItemId { scheme: Scheme::S10, issuer: None, id: "RR473124829GB".into() },
                territory: "DE".parse().unwrap(),
                lines: vec![StatedLine { number: 1, tax: "B00".into(), amount }],
            }],
        ));
        for row in rows {
            let stored = row.stored(5);
            assert_eq!(BooksRow::read(5, &stored).unwrap(), row);
            assert!(BooksRow::read(6, &stored).is_err(), "a row in another's place");
            for bit in 0..stored.len() * 8 {
                let mut flipped = stored.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                assert!(BooksRow::read(5, &flipped).is_err(), "bit {bit} of {row:?}");
            }
        }
    }
}
