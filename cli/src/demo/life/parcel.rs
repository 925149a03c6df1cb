//! Seeded parcels of the demo: the same seed, index and times give the same parcel on every machine. No clock, no entropy.
//!
//! Not here: which of them carry a fault (`world`), and what is said of them (`records`).

use luxor_protocol::time::{Day, Millis};

use super::fault::Fault;
use super::retail::Sale;
use crate::demo::generate::{company, number, s10_check_digit};
use crate::demo::goods::{ARTICLES, BUYER_FORMS, PLACES, Place, SELLER_FORMS, STREETS};
use crate::demo::rng::SplitMix64;

/// Value up to which tax may be collected under an IOSS number, in euro cents.
const IOSS_CENTS: u64 = 15_000;
/// Euro cents for a hundred pence, as the demo's rates have it.
const EURO_CENTS: u64 = 115;
/// Parcels in a hundred that go back.
const BACK: u64 = 1;
/// Parcels in a hundred whose goods an agency controls.
const CONTROLLED: u64 = 1;
/// Streams of the generator that belong to no parcel.
const SERIALS: u64 = u64::MAX;
const RETAIL: u64 = u64::MAX / 2;

/// When the demo's month takes place. Sales lie in the month of `begins`, at most three days before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Times {
    /// When it begins: parcels are posted and declared then.
    pub(super) begins: Millis,
}

/// One line of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) description: String,
    /// HS 2022 subheading.
    pub(super) hs: String,
    pub(super) sku: String,
    pub(super) units: u64,
    /// Price of all of them, in hundredths.
    pub(super) cents: u64,
    /// Net mass of all of them.
    pub(super) grams: u64,
    /// UN number of dangerous goods.
    pub(super) un: Option<&'static str>,
}

/// Who receives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Buyer {
    pub(super) name: String,
    pub(super) street: String,
    pub(super) number: String,
    pub(super) city: String,
    pub(super) postcode: String,
    pub(super) country: String,
}

/// By which procedure tax is given back for what goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Back {
    /// The vendor corrects its own return.
    VendorCorrection,
    /// An intermediary claims repayment under a mandate.
    Repayment,
}

/// A parcel, with everything that is true of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parcel {
    /// Its place among the parcels.
    pub(super) index: u64,
    /// Its S10 number.
    pub(super) item: String,
    pub(super) order: String,
    /// The invoice of the retail data, where it is of that.
    pub(super) invoice: Option<String>,
    pub(super) seller: String,
    pub(super) account: String,
    pub(super) buyer: Buyer,
    pub(super) sold: Millis,
    pub(super) currency: &'static str,
    pub(super) lines: Vec<Line>,
    /// In hundredths.
    pub(super) postage: u64,
    pub(super) gross_grams: u64,
    /// Whether tax is collected under the platform's IOSS number.
    pub(super) ioss: bool,
    /// Whether an agency controls its goods.
    pub(super) controlled: bool,
    /// How tax is given back, where it goes back.
    pub(super) back: Option<Back>,
    /// What is wrong with it.
    pub(super) fault: Option<Fault>,
}

impl Times {
    /// The day on which parcels are posted, assessed and accounted for.
    pub(super) fn day(self) -> Day {
        self.begins.day()
    }

    /// The month of the sales, `YYYY-MM`.
    pub(super) fn period(self) -> String {
        self.day().to_string().chars().take(7).collect()
    }

    /// The first moment of sales: three days before, and in the same month.
    fn sales(self) -> Millis {
        let earliest = self.day().minus(3).to_string();
        let month = format!("{}-01", self.period());
        let first = std::cmp::max(earliest, month);
        // Both are days of the calendar.
        first.parse::<Day>().map_or(self.begins, start)
    }

    fn sold(self, rng: &mut SplitMix64) -> Millis {
        let first = self.sales();
        // Within whole seconds, and an hour before parcels are posted where there is so much time.
        let span = self.begins.0.saturating_sub(first.0).saturating_sub(3_600_000) / 1_000;
        Millis(first.0 / 1_000 * 1_000 + rng.below(span) * 1_000)
    }
}

fn start(day: Day) -> Millis {
    format!("{day}T00:00:00Z").parse().unwrap_or_default()
}

/// The generated parcel of this place.
pub(super) fn generated(seed: u64, index: u64, times: Times) -> Parcel {
    let mut rng = SplitMix64::new(seed, index);
    let rng = &mut rng;
    let place = destination(rng);
    let lines = basket(rng);
    let price: u64 = lines.iter().map(|line| line.cents).sum();
    let net: u64 = lines.iter().map(|line| line.grams).sum();
    let (controlled, back) = (rng.chance(CONTROLLED), way_back(rng));
    Parcel {
        index,
        item: s10(rng, seed, index),
        order: format!("ORD-{seed}-{index:07}"),
        invoice: None,
        seller: company(rng, &SELLER_FORMS),
        account: format!("shop-{:06}", rng.below(1_000_000)),
        buyer: Buyer {
            name: company(rng, &BUYER_FORMS),
            street: (*rng.pick(&STREETS)).to_owned(),
            number: number(rng),
            city: place.city.to_owned(),
            postcode: place.postcode.to_owned(),
            country: place.country.to_owned(),
        },
        sold: times.sold(rng),
        currency: "EUR",
        postage: 350 + net / 4,
        gross_grams: net + 40 + net / 20,
        ioss: price <= IOSS_CENTS,
        lines,
        controlled,
        back,
        fault: None,
    }
}

/// A parcel of the retail data. Its day is moved to that of the demo; it is posted as the others are.
pub(super) fn of_sale(seed: u64, index: u64, sale: &Sale, times: Times) -> Parcel {
    let mut rng = SplitMix64::new(seed, RETAIL ^ index);
    let rng = &mut rng;
    let pence: u64 = sale.lines.iter().map(|line| line.cents).sum();
    let net: u64 = sale.lines.iter().map(|line| line.grams).sum();
    Parcel {
        index,
        item: s10(rng, seed, index),
        order: format!("INV-{}", sale.invoice),
        invoice: Some(sale.invoice.clone()),
        seller: "Demo Wholesale Ltd.".to_owned(),
        account: "wholesale".to_owned(),
        buyer: Buyer {
            // Customers have numbers in the data, and no names.
            name: format!("Customer {}", sale.customer.as_deref().unwrap_or("unknown")),
            street: (*rng.pick(&STREETS)).to_owned(),
            number: number(rng),
            city: "Demo Town".to_owned(),
            postcode: "0000".to_owned(),
            country: sale.country.clone(),
        },
        sold: times.sold(rng),
        currency: "GBP",
        lines: sale.lines.clone(),
        postage: sale.postage,
        gross_grams: net + 200 + net / 20,
        ioss: pence * EURO_CENTS <= IOSS_CENTS * 100,
        controlled: false,
        back: None,
        fault: None,
    }
}

fn way_back(rng: &mut SplitMix64) -> Option<Back> {
    let how = *rng.pick(&[Back::VendorCorrection, Back::Repayment]);
    rng.chance(BACK).then_some(how)
}

/// Somewhere in the European Union, by the shares of the present demo.
fn destination(rng: &mut SplitMix64) -> &'static Place {
    let of_union = || PLACES.iter().filter(|place| !matches!(place.country, "KR" | "JP" | "US"));
    let mut at = rng.below(of_union().map(|place| place.share).sum());
    for place in of_union() {
        match at.checked_sub(place.share) {
            Some(rest) => at = rest,
            None => return place,
        }
    }
    &PLACES[4]
}

/// One to four lines, mostly few, of different articles.
fn basket(rng: &mut SplitMix64) -> Vec<Line> {
    let count = *rng.pick(&[1, 1, 1, 1, 2, 2, 3, 4]);
    let first = rng.below(ARTICLES.len() as u64);
    let line = |line: u64, rng: &mut SplitMix64| {
        // 13 and 44 have no common divisor, so no article comes twice.
        let at = usize::try_from(first + 13 * line).unwrap_or(0) % ARTICLES.len();
        let units = *rng.pick(&[1u64, 1, 2, 2, 3]);
        let article = &ARTICLES[at];
        let cents = u64::from(article.cents) * (80 + rng.below(41)) / 100;
        Line {
            description: article.description.to_owned(),
            hs: article.hs.to_owned(),
            sku: format!("SKU-{:05}", 10_000 + at * 7),
            units,
            cents: cents * units,
            grams: u64::from(article.grams) * units,
            un: article.un,
        }
    };
    (0..count).map(|at| line(at, rng)).collect()
}

/// An S10 number of the operator of origin. Serials follow the index, so no two of one run are equal.
fn s10(rng: &mut SplitMix64, seed: u64, index: u64) -> String {
    let service = rng.pick(&["LX", "LZ", "UA", "RR", "CX"]);
    let serial = SplitMix64::new(seed, SERIALS).below(100_000_000).wrapping_add(index) % 100_000_000;
    format!("{service}{serial:08}{}GB", s10_check_digit(serial))
}
