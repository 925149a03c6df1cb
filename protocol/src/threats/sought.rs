//! What an indicator looks for: rows of conditions, and whether a record meets them.
//!
//! Groups of conditions must all be met, each by one of its rows; a row is met as a whole by one goods item, party or number. What a
//! record does not tell meets nothing. Not here: how rows are found among many (`index`).

use super::names::alike;
use super::plain::{PlainName, plain_words};
use super::subject::{Goods, Party, Subject};
use crate::names::{Currency, Territory, words};
use crate::record::Decimal;
use crate::reference::millionths;

words!(
    /// In which role a party is sought or named.
    Role, "role of a party", {
        /// Who sends.
        Sender = "sender";
        /// Who receives.
        Addressee = "addressee";
        /// Who bought.
        Buyer = "buyer";
        /// Who sells.
        Seller = "seller";
        /// Who files.
        Declarant = "declarant";
        /// Who files for another.
        Representative = "representative";
        /// Who imports.
        Importer = "importer";
        /// Who exports.
        Exporter = "exporter";
        /// Who carries to the door.
        Courier = "courier";
        /// A further party with a trader's number.
        Actor = "actor";
        /// A number under which duty and tax are collected.
        Fiscal = "fiscal";
    }
);

words!(
    /// A group of conditions.
    Facet, "group of conditions", {
        /// The goods.
        Goods = "goods_sought";
        /// The way.
        Route = "routes_sought";
        /// Persons and organisations.
        Party = "parties_sought";
        /// The number of the item.
        Number = "numbers_sought";
        /// Its mass.
        Mass = "mass_sought";
    }
);

/// From and to, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Band {
    /// The least.
    pub from: Option<Decimal>,
    /// The most.
    pub to: Option<Decimal>,
}

/// Goods that are sought.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GoodsSought {
    /// How their tariff code begins.
    pub hs: Option<String>,
    /// Words that stand behind one another in their description, as [`plain_words`] leaves them.
    pub words: Option<String>,
    /// Where they are from.
    pub origin: Option<Territory>,
    /// Their declared value.
    pub value: Option<(Band, Currency)>,
    /// Their net mass in kg.
    pub net_kg: Band,
}

/// A way that is sought.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RouteSought {
    /// Where it begins.
    pub departure: Option<Territory>,
    /// Where it ends.
    pub destination: Option<Territory>,
    /// Where it enters.
    pub first_entry: Option<Territory>,
    /// Where it passes.
    pub transit: Option<Territory>,
    /// Mode of transport.
    pub mode: Option<String>,
    /// Customs office.
    pub office: Option<String>,
}

/// A party that is sought.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PartySought {
    /// In this role, or in any.
    pub role: Option<Role>,
    /// Its number or account, as [`plain_id`] leaves it.
    pub id: Option<String>,
    /// Its name: as it came, and as it is compared.
    pub name: Option<(String, PlainName)>,
    /// Where it is.
    pub country: Option<Territory>,
    /// The platform whose account it is, in small letters.
    pub platform: Option<String>,
}

/// A number that is sought.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NumberSought {
    /// How it begins, as [`plain_id`] leaves it.
    pub prefix: Option<String>,
    /// The letters at the end of an S10 number.
    pub operator: Option<Territory>,
}

/// All that an indicator looks for. A group without rows asks for nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sought {
    /// Goods.
    pub goods: Vec<GoodsSought>,
    /// Ways.
    pub routes: Vec<RouteSought>,
    /// Parties.
    pub parties: Vec<PartySought>,
    /// Numbers.
    pub numbers: Vec<NumberSought>,
    /// Gross mass in kg.
    pub gross_kg: Band,
}

/// Where and by what one group of conditions was met.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Reason {
    /// The group.
    pub facet: Facet,
    /// Which of its rows, from 1.
    pub row: usize,
    /// The place in the record: `/goods/1`, `/sender`.
    pub place: String,
    /// How much alike a name is, in hundredths; 100 for all else.
    pub alike: u32,
}

/// A number or account as it is compared: letters and digits, large ones.
pub fn plain_id(id: &str) -> String {
    plain_chars(id).collect()
}

pub(super) fn plain_chars(id: &str) -> impl Iterator<Item = char> + '_ {
    id.chars().filter(|c| c.is_alphanumeric()).map(|c| c.to_ascii_uppercase())
}

impl Band {
    /// Whether it asks for anything.
    pub fn is_open(&self) -> bool {
        self.from.is_none() && self.to.is_none()
    }

    fn holds(&self, number: Option<Decimal>) -> bool {
        self.is_open()
            || number.is_some_and(|number| {
                self.from.is_none_or(|from| at_most(from, number)) && self.to.is_none_or(|to| at_most(number, to))
            })
    }
}

impl Sought {
    /// Whether it asks for nothing that a declaration tells.
    pub fn is_empty(&self) -> bool {
        let rows = self.goods.len() + self.routes.len() + self.parties.len() + self.numbers.len();
        rows == 0 && self.gross_kg.is_open()
    }

    /// Why a record meets all of it; `None` where it does not.
    pub(super) fn met_by(&self, subject: &Subject<'_>) -> Option<Vec<Reason>> {
        let mut reasons = Vec::new();
        let mut met = |facet, found: Option<(usize, String, u32)>| {
            let (row, place, alike) = found?;
            reasons.push(Reason { facet, row: row + 1, place, alike });
            Some(())
        };
        // What most records fail comes first.
        if !self.routes.is_empty() {
            met(
                Facet::Route,
                self.routes.iter().position(|row| row.met_by(subject)).map(|row| (row, "/route".into(), 100)),
            )?;
        }
        if !self.gross_kg.is_open() {
            met(Facet::Mass, self.gross_kg.holds(subject.gross_kg).then(|| (0, "/mass/gross_kg".into(), 100)))?;
        }
        if !self.numbers.is_empty() {
            met(
                Facet::Number,
                first(&self.numbers, &subject.numbers, |row, number| row.met_by(number.number).then_some(100))
                    .map(|(row, at, alike)| (row, subject.numbers[at].place.to_owned(), alike)),
            )?;
        }
        if !self.goods.is_empty() {
            met(
                Facet::Goods,
                first(&self.goods, &subject.goods, |row, goods| row.met_by(goods).then_some(100))
                    .map(|(row, at, alike)| (row, format!("/goods/{}", at + 1), alike)),
            )?;
        }
        if !self.parties.is_empty() {
            met(
                Facet::Party,
                best(&self.parties, &subject.parties, PartySought::met_by)
                    .map(|(row, at, alike)| (row, subject.parties[at].place(), alike)),
            )?;
        }
        Some(reasons)
    }
}

/// The first row that something meets, and what.
fn first<R, S>(rows: &[R], subjects: &[S], met: impl Fn(&R, &S) -> Option<u32>) -> Option<(usize, usize, u32)> {
    rows.iter().enumerate().find_map(|(row, sought)| {
        subjects.iter().enumerate().find_map(|(at, subject)| met(sought, subject).map(|alike| (row, at, alike)))
    })
}

/// The row that is met best, the first of these.
fn best<R, S>(rows: &[R], subjects: &[S], met: impl Fn(&R, &S) -> Option<u32>) -> Option<(usize, usize, u32)> {
    let mut best: Option<(usize, usize, u32)> = None;
    for (row, sought) in rows.iter().enumerate() {
        for (at, subject) in subjects.iter().enumerate() {
            match met(sought, subject) {
                Some(alike) if best.is_none_or(|(_, _, before)| alike > before) => best = Some((row, at, alike)),
                _ => {}
            }
        }
    }
    best
}

impl GoodsSought {
    fn met_by(&self, goods: &Goods<'_>) -> bool {
        self.hs.as_ref().is_none_or(|hs| goods.hs.is_some_and(|code| code.starts_with(&**hs)))
            && place(self.origin, goods.origin)
            && self
                .value
                .as_ref()
                .is_none_or(|(band, currency)| goods.currency == Some(currency.as_str()) && band.holds(goods.value))
            && self.net_kg.holds(goods.net_kg)
            && self.words.as_ref().is_none_or(|words| goods.description.is_some_and(|text| holds_words(text, words)))
    }
}

impl RouteSought {
    pub(super) fn met_by(&self, subject: &Subject<'_>) -> bool {
        let route = &subject.route;
        let code =
            |sought: &Option<String>, told: Option<&str>| sought.as_deref().is_none_or(|code| told == Some(code));
        place(self.departure, route.departure)
            && place(self.destination, route.destination)
            && place(self.first_entry, route.first_entry)
            && place(self.transit, route.transit)
            && code(&self.mode, route.mode)
            && code(&self.office, route.office)
    }
}

impl NumberSought {
    fn met_by(&self, number: &str) -> bool {
        self.prefix.as_ref().is_none_or(|prefix| begins(number, prefix))
            && self.operator.is_none_or(|operator| operator_of(number) == Some(operator.as_str()))
    }
}

impl PartySought {
    /// How much alike it is, where all the rest is met.
    fn met_by(&self, party: &Party<'_>) -> Option<u32> {
        let role = self.role.is_none_or(|role| party.role == role);
        let country = self.country.is_none_or(|country| place(Some(country), party.country));
        let platform = self
            .platform
            .as_ref()
            .is_none_or(|platform| party.platform.is_some_and(|told| told.eq_ignore_ascii_case(platform)));
        let id = self.id.as_ref().is_none_or(|id| party.id.is_some_and(|told| plain_chars(told).eq(id.chars())));
        (role && country && platform && id).then_some(())?;
        match &self.name {
            None => Some(100),
            Some((_, name)) => alike(name, party.plain()?),
        }
    }
}

/// Whether a place is the one sought, or in it.
fn place(sought: Option<Territory>, told: Option<&str>) -> bool {
    let Some(sought) = sought else { return true };
    told.is_some_and(|told| {
        told == sought.as_str() || is_union(sought) && told.parse().is_ok_and(|told| sought.contains(told))
    })
}

/// Whether other territories are in it, so that a place may meet it that is not called so.
pub(super) fn is_union(territory: Territory) -> bool {
    territory.as_str() == "EU"
}

/// Whether a number begins so.
fn begins(number: &str, prefix: &str) -> bool {
    let mut told = plain_chars(number);
    prefix.chars().all(|c| told.next() == Some(c))
}

/// The two letters at the end of an S10 number (UPU S10: two letters, nine digits, two letters). A wrong check digit hides nothing, so this is
/// not [`crate::reference::s10`].
pub(super) fn operator_of(number: &str) -> Option<&str> {
    let bytes = number.as_bytes();
    let letters = |range: std::ops::Range<usize>| bytes[range].iter().all(u8::is_ascii_uppercase);
    let s10 = bytes.len() == 13 && letters(0..2) && bytes[2..11].iter().all(u8::is_ascii_digit) && letters(11..13);
    // All bytes are ASCII then.
    s10.then(|| &number[11..])
}

/// Whether words stand behind one another in a text.
pub(super) fn holds_words(text: &str, words: &str) -> bool {
    let text = plain_words(text);
    let text: Vec<&str> = text.split_ascii_whitespace().collect();
    let words: Vec<&str> = words.split_ascii_whitespace().collect();
    !words.is_empty() && text.windows(words.len()).any(|part| part == words)
}

/// Compares decimals of any scale.
fn at_most(one: Decimal, other: Decimal) -> bool {
    millionths(one) <= millionths(other)
}
