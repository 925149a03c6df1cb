//! What is screened of a record, borrowed from it: goods, parties, numbers, route, mass. Groups mean the same in every type, so one
//! reading fits declarations, orders and all others.
//!
//! Not here: what is sought (`sought`).

use std::cell::OnceCell;

use super::plain::PlainName;
use super::sought::Role;
use crate::record::{Decimal, Held, Scope, Source, TypeTable, visit_leaf};

/// A goods item.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Goods<'s> {
    pub(super) hs: Option<&'s str>,
    pub(super) description: Option<&'s str>,
    pub(super) origin: Option<&'s str>,
    pub(super) value: Option<Decimal>,
    pub(super) currency: Option<&'s str>,
    pub(super) net_kg: Option<Decimal>,
}

/// A party.
#[derive(Debug, Clone)]
pub(super) struct Party<'s> {
    pub(super) role: Role,
    group: &'static str,
    /// From 0, in a group that repeats.
    occurrence: Option<usize>,
    pub(super) id: Option<&'s str>,
    pub(super) name: Option<&'s str>,
    pub(super) country: Option<&'s str>,
    pub(super) platform: Option<&'s str>,
    plain: OnceCell<Option<PlainName>>,
}

/// A number of the item.
#[derive(Debug, Clone, Copy)]
pub(super) struct Number<'s> {
    pub(super) number: &'s str,
    pub(super) place: &'static str,
}

/// The way.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Route<'s> {
    pub(super) departure: Option<&'s str>,
    pub(super) destination: Option<&'s str>,
    pub(super) first_entry: Option<&'s str>,
    pub(super) transit: Option<&'s str>,
    pub(super) mode: Option<&'s str>,
    pub(super) office: Option<&'s str>,
}

/// What a record tells that indicators may be about.
#[derive(Debug, Clone, Default)]
pub struct Subject<'s> {
    pub(super) goods: Vec<Goods<'s>>,
    pub(super) parties: Vec<Party<'s>>,
    pub(super) numbers: Vec<Number<'s>>,
    pub(super) route: Route<'s>,
    pub(super) gross_kg: Option<Decimal>,
}

/// What a field means here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Nothing,
    Hs,
    Description,
    Origin,
    Value,
    Currency,
    Net,
    Departure,
    Destination,
    FirstEntry,
    Transit,
    Mode,
    Office,
    Number(&'static str),
    Gross,
    PartyRole,
    PartyId,
    PartyName,
    PartyCountry,
    Platform,
}

/// A group that is read.
#[derive(Debug)]
struct Read {
    at: usize,
    /// The role of those it names, where it names parties.
    party: Option<Role>,
    /// Of each of its fields.
    parts: Vec<Part>,
}

/// How records of one type are read; fields are looked up once, here.
#[derive(Debug)]
pub struct Reading {
    table: &'static TypeTable,
    groups: Vec<Read>,
}

impl Reading {
    /// How records of a type are read.
    pub fn of(table: &'static TypeTable) -> Self {
        let read = |(at, group): (usize, &crate::record::Group)| {
            let party = party_of(group.name);
            let parts: Vec<Part> = group.fields.iter().map(|field| part(group.name, party, field.name)).collect();
            parts.iter().any(|part| *part != Part::Nothing).then_some(Read { at, party, parts })
        };
        Self { table, groups: table.groups.iter().enumerate().filter_map(read).collect() }
    }

    /// The type.
    pub fn table(&self) -> &'static TypeTable {
        self.table
    }

    /// Reads a record of this type, as far as it is shown.
    pub fn read<'s>(&self, source: &'s dyn Source) -> Subject<'s> {
        let mut subject = Subject { goods: vec![Goods::default(); source.goods()], ..Subject::default() };
        for read in self.groups.iter().filter(|read| source.shows(read.at)) {
            let group = &self.table.groups[read.at];
            let items = match group.scope {
                Scope::Record => 1,
                Scope::Item => subject.goods.len(),
            };
            for item in 0..items {
                let first = subject.parties.len();
                visit_leaf(group, source.leaf(read.at, item), |occurrence, field, held| {
                    let part = read.parts[field];
                    match read.party {
                        Some(role) => {
                            // Fields come by occurrence, so a new one begins at its first.
                            if subject.parties.len() <= first + occurrence {
                                let occurrence = group.repeats.then_some(occurrence);
                                subject.parties.push(Party::new(role, group.name, occurrence));
                            }
                            subject.parties[first + occurrence].take(part, held);
                        }
                        None => subject.take(item, part, held),
                    }
                });
            }
        }
        subject
    }
}

impl<'s> Subject<'s> {
    /// Tariff codes of its goods, as far as they are told.
    pub fn hs(&self) -> impl Iterator<Item = &'s str> {
        self.goods.iter().filter_map(|goods| goods.hs)
    }

    /// Numbers of those who file, sell, send, or stand beside them with a trader's number.
    pub fn traders(&self) -> impl Iterator<Item = &'s str> {
        let trades = |role: Role| {
            matches!(
                role,
                Role::Sender | Role::Seller | Role::Declarant | Role::Representative | Role::Exporter | Role::Actor
            )
        };
        self.parties.iter().filter(move |party| trades(party.role)).filter_map(|party| party.id)
    }

    fn take(&mut self, item: usize, part: Part, held: Held<'s>) {
        match (part, held) {
            (Part::Hs, Held::Text(text)) => self.goods[item].hs = Some(text),
            (Part::Description, Held::Text(text)) => self.goods[item].description = Some(text),
            (Part::Origin, Held::Text(text)) => self.goods[item].origin = Some(text),
            (Part::Value, Held::Decimal(number)) => self.goods[item].value = Some(number),
            (Part::Currency, Held::Text(text)) => self.goods[item].currency = Some(text),
            (Part::Net, Held::Decimal(number)) => self.goods[item].net_kg = Some(number),
            (Part::Departure, Held::Text(text)) => self.route.departure = Some(text),
            (Part::Destination, Held::Text(text)) => self.route.destination = Some(text),
            (Part::FirstEntry, Held::Text(text)) => self.route.first_entry = Some(text),
            (Part::Transit, Held::Text(text)) => self.route.transit = Some(text),
            (Part::Mode, Held::Text(text)) => self.route.mode = Some(text),
            (Part::Office, Held::Text(text)) => self.route.office = Some(text),
            (Part::Number(place), Held::Text(number)) => self.numbers.push(Number { number, place }),
            (Part::Gross, Held::Decimal(number)) => self.gross_kg = Some(number),
            _ => {}
        }
    }
}

impl<'s> Party<'s> {
    fn new(role: Role, group: &'static str, occurrence: Option<usize>) -> Self {
        let (id, name, country, platform) = (None, None, None, None);
        Self { role, group, occurrence, id, name, country, platform, plain: OnceCell::new() }
    }

    fn take(&mut self, part: Part, held: Held<'s>) {
        let Held::Text(text) = held else { return };
        match part {
            Part::PartyId => self.id = Some(text),
            Part::PartyName => self.name = Some(text),
            Part::PartyCountry => self.country = Some(text),
            Part::Platform => self.platform = Some(text),
            // The words of a declarant's role are roles here.
            Part::PartyRole => self.role = text.parse().unwrap_or(self.role),
            _ => {}
        }
    }

    /// Its name as it is compared.
    pub(super) fn plain(&self) -> Option<&PlainName> {
        self.plain.get_or_init(|| self.name.and_then(PlainName::of)).as_ref()
    }

    /// Its place in the record.
    pub(super) fn place(&self) -> String {
        match self.occurrence {
            None => format!("/{}", self.group),
            Some(occurrence) => format!("/{}/{}", self.group, occurrence + 1),
        }
    }
}

fn party_of(group: &str) -> Option<Role> {
    Some(match group {
        "sender" => Role::Sender,
        "addressee" => Role::Addressee,
        "buyer" => Role::Buyer,
        "seller" => Role::Seller,
        "declarant" => Role::Declarant,
        "actors" => Role::Actor,
        "fiscal" => Role::Fiscal,
        "principal" => Role::Representative,
        _ => return None,
    })
}

fn part(group: &str, party: Option<Role>, field: &str) -> Part {
    match (group, field) {
        // A code of another list there.
        ("actors" | "fiscal", "role") => Part::Nothing,
        (_, "role") if party.is_some() => Part::PartyRole,
        (_, "id" | "account") if party.is_some() => Part::PartyId,
        (_, "name") if party.is_some() => Part::PartyName,
        (_, "country") if party.is_some() => Part::PartyCountry,
        (_, "platform") if party.is_some() => Part::Platform,
        ("content", "description") => Part::Description,
        ("classification", "hs") => Part::Hs,
        ("value", "amount") => Part::Value,
        ("value", "currency") => Part::Currency,
        ("origin", "country") => Part::Origin,
        ("origin", "net_kg") => Part::Net,
        ("route", "departure") => Part::Departure,
        ("route", "destination") => Part::Destination,
        ("route", "first_entry") => Part::FirstEntry,
        ("route", "transit") => Part::Transit,
        ("route", "mode") => Part::Mode,
        ("filing", "office") => Part::Office,
        ("item", "id") => Part::Number("/item/id"),
        ("item", "ucr") => Part::Number("/item/ucr"),
        ("item", "receptacle") => Part::Number("/item/receptacle"),
        ("mass", "gross_kg") => Part::Gross,
        _ => Part::Nothing,
    }
}
