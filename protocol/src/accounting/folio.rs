//! What is kept of a number, or of a name that leads to numbers: a sequence of CBOR items (RFC 8742), members by their place in a list.
//!
//! Some sixty bytes a record. Not here: where the bytes stand ([`super::Kept`]).

use std::collections::{BTreeSet, HashMap};

use super::said::{Claimed, Duty, Filing, Happening, Kind, Measured, Said, Sum, Type, What};
use super::standing::Head;
use crate::cbor::{CborError, Decode, Encode, Reader, Writer};
use crate::hash::Digest;
use crate::life::{Action, ItemId, LinkKind, NumberLife, Scheme, lives_of};
use crate::limits::{MAX_ACCOUNTED_ITEMS, MAX_OCCURRENCES, MAX_TEXT_CHARS};
use crate::names::{Currency, MemberId, Territory};
use crate::recognition::Period;
use crate::revenue::{
    Capacity, ClaimState, ClaimedLine, Exact, LineRef, Mandate, Money, Procedure, RecordRef, Stage, StatedLine,
};
use crate::time::{Day, Millis};

/// Members by their place.
#[derive(Debug, Clone, Default)]
pub(super) struct Members {
    ids: Vec<MemberId>,
    places: HashMap<MemberId, u64>,
}

impl Members {
    pub(super) fn place(&mut self, id: &MemberId) -> u64 {
        if let Some(place) = self.places.get(id) {
            return *place;
        }
        let place = self.ids.len() as u64;
        self.ids.push(id.clone());
        self.places.insert(id.clone(), place);
        place
    }

    fn at(&self, reader: &mut Reader<'_>) -> Result<MemberId, CborError> {
        let start = reader.position();
        let place = reader.uint()?;
        let id = usize::try_from(place).ok().and_then(|place| self.ids.get(place));
        id.cloned().ok_or_else(|| reader.refuse(start, "no member's place"))
    }
}

/// What is kept in one row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Folio {
    /// The number; nothing of a name that leads to numbers.
    pub(super) number: Option<ItemId>,
    /// Rows that it leads to.
    pub(super) leads: Vec<u32>,
    /// Versions of the record that has the name, wherever the whole of them stands.
    pub(super) heads: Vec<Head>,
    /// What was said.
    pub(super) said: Vec<Said>,
}

impl Folio {
    pub(super) fn number(number: ItemId) -> Self {
        Self { number: Some(number), ..Self::default() }
    }

    /// The lives of the number, by what was said of it.
    pub(super) fn lives(&self) -> Vec<NumberLife> {
        let (mut posted, mut lodged) = (BTreeSet::new(), BTreeSet::new());
        for said in &self.said {
            for day in self.days(said) {
                match day {
                    Some(day) => posted.insert(day),
                    None => lodged.insert(said.at.day()),
                };
            }
        }
        lives_of(posted, lodged)
    }

    /// The posting days, or that none is told, with which a record names this number.
    pub(super) fn days<'f>(&'f self, said: &'f Said) -> impl Iterator<Item = Option<Day>> + 'f {
        let others = match &said.what.0 {
            Kind::Links { others, .. } => others.as_slice(),
            _ => &[],
        };
        let named = said.item.iter().chain(others);
        named.filter(|(item, _)| Some(item) == self.number.as_ref()).map(|(_, day)| *day)
    }

    pub(super) fn encode(&self, members: &mut Members) -> Vec<u8> {
        let mut writer = Writer::with_capacity(64 + self.said.len() * 96);
        match &self.number {
            Some(number) => put_item(&mut writer, number),
            None => {
                writer.null();
                writer.array(self.leads.len());
                self.leads.iter().for_each(|row| writer.uint(u64::from(*row)));
                writer.array(self.heads.len());
                for head in &self.heads {
                    put_head(&mut writer, head);
                }
            }
        }
        for said in &self.said {
            Write { writer: &mut writer, members }.said(said, self.number.as_ref());
        }
        writer.into_bytes()
    }

    pub(super) fn decode(bytes: &[u8], members: &Members) -> Result<Self, CborError> {
        let mut reader = Reader::new(bytes);
        let mut folio = Self::default();
        if bytes.is_empty() {
            return Ok(folio);
        }
        if reader.null()? {
            let count = reader.array(MAX_ACCOUNTED_ITEMS)?;
            for _ in 0..count {
                // Written from a u32.
                folio.leads.push(reader.uint_max(u64::from(u32::MAX))? as u32);
            }
            reader.leave();
            let count = reader.array(MAX_ACCOUNTED_ITEMS)?;
            for _ in 0..count {
                folio.heads.push(head(&mut reader)?);
            }
            reader.leave();
        } else {
            folio.number = Some(item(&mut reader)?);
        }
        while reader.position() < bytes.len() {
            let said = Read { reader: &mut reader, members }.said(folio.number.as_ref())?;
            folio.said.push(said);
        }
        Ok(folio)
    }
}

const TEXT: usize = MAX_TEXT_CHARS * 4;

fn put_word<T: Copy + PartialEq>(writer: &mut Writer, all: &[T], one: T) {
    writer.uint(all.iter().position(|known| *known == one).unwrap_or(0) as u64);
}

fn word<T: Copy>(reader: &mut Reader<'_>, all: &[T]) -> Result<T, CborError> {
    let start = reader.position();
    let place = reader.uint()?;
    let found = usize::try_from(place).ok().and_then(|place| all.get(place));
    found.copied().ok_or_else(|| reader.refuse(start, "no place of a word"))
}

fn put_opt<T>(writer: &mut Writer, value: Option<T>, put: impl FnOnce(&mut Writer, T)) {
    match value {
        Some(value) => put(writer, value),
        None => writer.null(),
    }
}

fn opt<'r, T>(
    reader: &mut Reader<'r>,
    read: impl FnOnce(&mut Reader<'r>) -> Result<T, CborError>,
) -> Result<Option<T>, CborError> {
    if reader.null()? { Ok(None) } else { read(reader).map(Some) }
}

fn text(reader: &mut Reader<'_>) -> Result<String, CborError> {
    Ok(reader.text(TEXT)?.to_owned())
}

fn parsed<T: std::str::FromStr>(reader: &mut Reader<'_>, what: &'static str) -> Result<T, CborError> {
    let start = reader.position();
    reader.text(TEXT)?.parse().map_err(|_| reader.refuse(start, what))
}

fn put_item(writer: &mut Writer, item: &ItemId) {
    put_word(writer, Scheme::ALL, item.scheme);
    put_opt(writer, item.issuer.as_deref(), Writer::text);
    writer.text(&item.id);
}

fn item(reader: &mut Reader<'_>) -> Result<ItemId, CborError> {
    Ok(ItemId { scheme: word(reader, Scheme::ALL)?, issuer: opt(reader, text)?, id: text(reader)? })
}

fn put_head(writer: &mut Writer, head: &Head) {
    writer.bytes(&head.root.0);
    writer.uint(head.revision);
    put_word(writer, Action::ALL, head.action);
    put_opt(writer, head.supersedes, |writer, root| writer.bytes(&root.0));
    head.at.encode(writer);
}

fn head(reader: &mut Reader<'_>) -> Result<Head, CborError> {
    Ok(Head {
        root: Digest(reader.fixed()?),
        revision: reader.uint()?,
        action: word(reader, Action::ALL)?,
        supersedes: opt(reader, |reader| reader.fixed().map(Digest))?,
        at: Millis::decode(reader)?,
    })
}

/// A number: its digits behind the point, then the number without it; in words where that is longer than 64 bits.
fn put_exact(writer: &mut Writer, number: Exact) {
    let (mantissa, scale) = number.parts();
    match i64::try_from(mantissa) {
        Ok(mantissa) => {
            writer.uint(u64::from(scale));
            writer.int(mantissa);
        }
        Err(_) => {
            writer.null();
            writer.text(&number.to_string());
        }
    }
}

fn exact(reader: &mut Reader<'_>) -> Result<Exact, CborError> {
    if reader.null()? {
        return parsed(reader, "not a number");
    }
    let start = reader.position();
    // Written from a u8.
    let scale = reader.uint_max(u64::from(Exact::MAX_SCALE))? as u8;
    Exact::new(reader.int()?.into(), scale).map_err(|_| reader.refuse(start, "not a number"))
}

fn put_period(writer: &mut Writer, period: Period) {
    writer.uint(period.ordinal());
}

fn period(reader: &mut Reader<'_>) -> Result<Period, CborError> {
    let start = reader.position();
    let ordinal = reader.uint()?;
    Period::at(ordinal).ok_or_else(|| reader.refuse(start, "not a month"))
}

fn put_money(writer: &mut Writer, money: &Money) {
    put_exact(writer, money.amount);
    money.currency.encode(writer);
}

fn money(reader: &mut Reader<'_>) -> Result<Money, CborError> {
    Ok(Money::new(exact(reader)?, Currency::decode(reader)?))
}

struct Write<'w> {
    writer: &'w mut Writer,
    members: &'w mut Members,
}

impl Write<'_> {
    fn said(&mut self, said: &Said, number: Option<&ItemId>) {
        put_word(self.writer, Type::ALL, said.table);
        put_head(self.writer, &Head::of(said));
        self.member(&said.by);
        put_opt(self.writer, said.reference.as_deref(), Writer::text);
        self.writer.array(said.told.len());
        for member in &said.told {
            self.member(member);
        }
        match &said.item {
            None => self.writer.uint(0),
            Some((item, day)) if Some(item) == number => {
                self.writer.uint(1);
                put_opt(self.writer, *day, |writer, day| day.encode(writer));
            }
            Some((item, day)) => {
                self.writer.uint(2);
                put_item(self.writer, item);
                put_opt(self.writer, *day, |writer, day| day.encode(writer));
            }
        }
        self.kind(&said.what.0);
    }

    fn member(&mut self, id: &MemberId) {
        let place = self.members.place(id);
        self.writer.uint(place);
    }

    fn named(&mut self, record: &RecordRef) {
        self.member(&record.issuer);
        self.writer.text(&record.reference);
    }

    fn measured(&mut self, measured: &Measured) {
        put_opt(self.writer, measured.packages, Writer::uint);
        put_opt(self.writer, measured.pieces, Writer::uint);
        put_opt(self.writer, measured.mass, put_exact);
        for all in [&measured.value, &measured.duty] {
            self.writer.array(all.len());
            all.iter().for_each(|money| put_money(self.writer, money));
        }
    }

    fn kind(&mut self, kind: &Kind) {
        match kind {
            Kind::Nothing => self.writer.uint(0),
            Kind::Declared { filing, destination, registration, measured } => {
                self.writer.uint(1);
                put_word(self.writer, Filing::ALL, *filing);
                put_opt(self.writer, *destination, |writer, to| to.encode(writer));
                put_opt(self.writer, registration.as_deref(), Writer::text);
                self.measured(measured);
            }
            Kind::Weighed(measured) => {
                self.writer.uint(2);
                self.measured(measured);
            }
            Kind::Happened(what) => {
                self.writer.uint(3);
                put_word(self.writer, HAPPENINGS, *what);
            }
            Kind::Answered { released, about, registration } => {
                self.writer.uint(4);
                self.writer.bool(*released);
                match about {
                    Some((filer, reference)) => {
                        self.member(filer);
                        self.writer.text(reference);
                    }
                    None => self.writer.null(),
                }
                put_opt(self.writer, registration.as_deref(), Writer::text);
            }
            Kind::Duty(duty) => self.duty(duty),
            Kind::Claim(claim) => self.claim(claim),
            Kind::Links { kind, others } => {
                self.writer.uint(7);
                put_word(self.writer, LinkKind::ALL, *kind);
                self.writer.array(others.len());
                for (item, day) in others {
                    put_item(self.writer, item);
                    put_opt(self.writer, *day, |writer, day| day.encode(writer));
                }
            }
            Kind::Sum(sum) => self.sum(sum),
            Kind::Settled { refunded } => {
                self.writer.uint(9);
                self.writer.bool(*refunded);
            }
        }
    }

    fn duty(&mut self, duty: &Duty) {
        self.writer.uint(5);
        put_word(self.writer, Stage::ALL, duty.stage);
        duty.territory.encode(self.writer);
        duty.day.encode(self.writer);
        match &duty.about {
            Some(about) => self.named(about),
            None => self.writer.null(),
        }
        put_opt(self.writer, duty.account.as_deref(), Writer::text);
        put_opt(self.writer, duty.period, put_period);
        self.writer.array(duty.lines.len());
        for line in &duty.lines {
            self.writer.uint(u64::from(line.number));
            self.writer.text(&line.tax);
            put_money(self.writer, &line.amount);
        }
    }

    fn claim(&mut self, claim: &Claimed) {
        self.writer.uint(6);
        put_word(self.writer, Procedure::ALL, claim.procedure);
        put_word(self.writer, ClaimState::ALL, claim.state);
        claim.territory.encode(self.writer);
        put_word(self.writer, Capacity::ALL, claim.capacity);
        put_opt(self.writer, claim.mandate.as_ref(), |writer, mandate| {
            writer.text(&mandate.reference);
            put_opt(writer, mandate.from, |writer, day| day.encode(writer));
            put_opt(writer, mandate.until, |writer, day| day.encode(writer));
        });
        put_opt(self.writer, claim.claimed_on, |writer, day| day.encode(writer));
        put_opt(self.writer, claim.until, |writer, day| day.encode(writer));
        self.writer.array(claim.lines.len());
        for line in &claim.lines {
            self.named(&line.line.duty);
            self.writer.uint(u64::from(line.line.line));
            self.writer.text(&line.tax);
            put_money(self.writer, &line.amount);
        }
        self.writer.bool(claim.proven);
    }

    fn sum(&mut self, sum: &Sum) {
        self.writer.uint(8);
        self.writer.text(&sum.account);
        put_period(self.writer, sum.period);
        self.writer.uint(sum.count);
        put_opt(self.writer, sum.root, |writer, root| writer.bytes(&root.0));
        put_opt(self.writer, sum.payable.as_ref(), put_money);
        put_opt(self.writer, sum.payment_reference.as_deref(), Writer::text);
        put_opt(self.writer, sum.due, |writer, day| day.encode(writer));
        put_opt(self.writer, sum.totals.as_ref(), |writer, totals| {
            writer.array(totals.len());
            for (tax, territory, money) in totals {
                writer.text(tax);
                territory.encode(writer);
                put_money(writer, money);
            }
        });
    }
}

const HAPPENINGS: &[Happening] = &[Happening::Arrived, Happening::Returned, Happening::Other];

struct Read<'r, 'b> {
    reader: &'r mut Reader<'b>,
    members: &'r Members,
}

impl Read<'_, '_> {
    fn said(&mut self, number: Option<&ItemId>) -> Result<Said, CborError> {
        let table = word(self.reader, Type::ALL)?;
        let head = head(self.reader)?;
        let by = self.member()?;
        let reference = opt(self.reader, text)?;
        let count = self.reader.array(crate::limits::MAX_MEMBERS)?;
        let told = (0..count).map(|_| self.member()).collect::<Result<_, _>>()?;
        self.reader.leave();
        let start = self.reader.position();
        let item = match (self.reader.uint()?, number) {
            (0, _) => None,
            (1, Some(number)) => Some((number.clone(), self.day()?)),
            (2, _) => Some((item(self.reader)?, self.day()?)),
            _ => return Err(self.reader.refuse(start, "no way to name an item")),
        };
        let Head { root, revision, action, supersedes, at } = head;
        let what = What(self.kind()?);
        Ok(Said { root, by, table, reference, revision, action, supersedes, at, told, item, what })
    }

    fn member(&mut self) -> Result<MemberId, CborError> {
        self.members.at(self.reader)
    }

    fn day(&mut self) -> Result<Option<Day>, CborError> {
        opt(self.reader, Day::decode)
    }

    fn list<T>(&mut self, read: impl Fn(&mut Self) -> Result<T, CborError>) -> Result<Vec<T>, CborError> {
        let count = self.reader.array(MAX_OCCURRENCES)?;
        let all = (0..count).map(|_| read(self)).collect::<Result<_, _>>()?;
        self.reader.leave();
        Ok(all)
    }

    fn named(&mut self) -> Result<RecordRef, CborError> {
        Ok(RecordRef { issuer: self.member()?, reference: text(self.reader)? })
    }

    fn measured(&mut self) -> Result<Measured, CborError> {
        Ok(Measured {
            packages: opt(self.reader, Reader::uint)?,
            pieces: opt(self.reader, Reader::uint)?,
            mass: opt(self.reader, exact)?,
            value: self.list(|read| money(read.reader))?,
            duty: self.list(|read| money(read.reader))?,
        })
    }

    fn kind(&mut self) -> Result<Kind, CborError> {
        let start = self.reader.position();
        Ok(match self.reader.uint()? {
            0 => Kind::Nothing,
            1 => Kind::Declared {
                filing: word(self.reader, Filing::ALL)?,
                destination: opt(self.reader, Territory::decode)?,
                registration: opt(self.reader, text)?,
                measured: self.measured()?,
            },
            2 => Kind::Weighed(self.measured()?),
            3 => Kind::Happened(word(self.reader, HAPPENINGS)?),
            4 => Kind::Answered {
                released: self.reader.bool()?,
                about: match self.reader.null()? {
                    true => None,
                    false => Some((self.member()?, text(self.reader)?)),
                },
                registration: opt(self.reader, text)?,
            },
            5 => Kind::Duty(Duty {
                stage: word(self.reader, Stage::ALL)?,
                territory: Territory::decode(self.reader)?,
                day: Day::decode(self.reader)?,
                about: if self.reader.null()? { None } else { Some(self.named()?) },
                account: opt(self.reader, text)?,
                period: opt(self.reader, period)?,
                lines: self.list(|read| {
                    // Written from a u32.
                    let number = read.reader.uint_max(u64::from(u32::MAX))? as u32;
                    Ok(StatedLine { number, tax: text(read.reader)?, amount: money(read.reader)? })
                })?,
            }),
            6 => Kind::Claim(Claimed {
                procedure: word(self.reader, Procedure::ALL)?,
                state: word(self.reader, ClaimState::ALL)?,
                territory: Territory::decode(self.reader)?,
                capacity: word(self.reader, Capacity::ALL)?,
                mandate: match self.reader.null()? {
                    true => None,
                    false => Some(Mandate { reference: text(self.reader)?, from: self.day()?, until: self.day()? }),
                },
                claimed_on: self.day()?,
                until: self.day()?,
                lines: self.list(|read| {
                    let duty = read.named()?;
                    // Written from a u32.
                    let line = LineRef { duty, line: read.reader.uint_max(u64::from(u32::MAX))? as u32 };
                    Ok(ClaimedLine { line, tax: text(read.reader)?, amount: money(read.reader)? })
                })?,
                proven: self.reader.bool()?,
            }),
            7 => Kind::Links {
                kind: word(self.reader, LinkKind::ALL)?,
                others: self.list(|read| Ok((item(read.reader)?, read.day()?)))?,
            },
            8 => {
                Kind::Sum(Box::new(Sum {
                    account: text(self.reader)?,
                    period: period(self.reader)?,
                    count: self.reader.uint()?,
                    root: opt(self.reader, |reader| reader.fixed().map(Digest))?,
                    payable: opt(self.reader, money)?,
                    payment_reference: opt(self.reader, text)?,
                    due: self.day()?,
                    totals: match self.reader.null()? {
                        true => None,
                        false => Some(self.list(|read| {
                            Ok((text(read.reader)?, Territory::decode(read.reader)?, money(read.reader)?))
                        })?),
                    },
                }))
            }
            9 => Kind::Settled { refunded: self.reader.bool()? },
            _ => return Err(self.reader.refuse(start, "nothing that a record says")),
        })
    }
}
