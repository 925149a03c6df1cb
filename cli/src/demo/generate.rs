//! Seeded parcels: the same seed and place give the same record on every machine, byte for byte. No clock, no entropy.

use luxor_protocol::record::{Content, ContentError, content_from_json};
use luxor_protocol::time::Millis;
use serde_json::{Map, Value, json};

use super::goods::{ARTICLES, BUYER_FORMS, HEADS, MIDDLES, PLACES, Place, SELLER_FORMS, SHIPPERS, STREETS, TAILS};
use super::rng::SplitMix64;

/// The first day of postings: 2026-11-02. A constant, since a clock would make the records differ from run to run.
const FIRST_DAY: i32 = 20_759;
const DAYS: u64 = 20;
const DAY_MS: u64 = 86_400_000;
/// Threshold of the import one-stop shop, in euro cents.
const IOSS_CENTS: u64 = 15_000;

/// The declaration number `index` of `seed`: a parcel from a seller on the platform to a buyer in Korea or the European
/// Union; about three in a hundred go where no agreement of the demo reaches.
///
/// # Errors
/// [`ContentError`] never, as long as the tables agree with the record type; a test draws many.
pub(crate) fn declaration(seed: u64, index: u64) -> Result<Content, ContentError> {
    let mut rng = SplitMix64::new(seed, index);
    let rng = &mut rng;
    let place = destination(rng);
    let sold = u64::try_from(FIRST_DAY).unwrap_or(0) * DAY_MS + rng.below(DAYS * DAY_MS);
    let posted = sold + DAY_MS + rng.below(DAY_MS);
    let departs = posted + DAY_MS + rng.below(DAY_MS);
    let seller = company(rng, &SELLER_FORMS);
    let eu = !matches!(place.country, "KR" | "JP" | "US");
    let currency = if eu { "EUR" } else { "USD" };

    let basket = basket(rng);
    let price: u64 = basket.iter().map(|line| line.cents).sum();
    let net: u64 = basket.iter().map(|line| line.grams).sum();
    let postage = 350 + net / 4;
    let packing = 40 + net / 20;
    let un = basket.iter().find_map(|line| line.un);

    let reference = format!("DEMO-{seed}-{index:08}");
    let order = format!("ORD{:010}", rng.below(10_000_000_000));
    let mut top = Map::new();
    let mut group = |name: &str, value: Value| {
        top.insert(name.to_owned(), value);
    };
    group("type", json!("declaration"));
    group("version", json!(1));
    group(
        "filing",
        json!({
            "own_reference": reference, "kind": "pre_advice", "capacity": "declarant",
            "data_set": if eu { "EU-H7" } else { "CN23" }, "filed_on": day(posted), "message_time": time(posted),
            "transaction_type": "b2c", "category_of_item": "sale_of_goods",
        }),
    );
    group(
        "item",
        json!({
            "scheme": "s10", "issuer": "post", "id": s10(rng, seed, index), "posted_on": day(posted),
            "receptacle": format!("CNSZX{:024}", rng.below(400)),
        }),
    );
    group(
        "route",
        json!({
            "destination": place.country, "departure": "CN", "mode": "4", "location": place.city,
            "departs_at": time(departs), "arrives_at": time(departs + 36_000_000 + rng.below(DAY_MS)),
        }),
    );
    group("mass", json!({ "gross_kg": thousandths(net + packing), "packages": 1 }));
    group("dangerous_goods", dangerous_goods(un));
    group("sender", sender(rng, &seller));
    group("addressee", addressee(rng, place));
    group(
        "declarant",
        json!([{ "role": "declarant", "id": "DEMO-PLATFORM", "name": "Demo Platform", "country": "CN" }]),
    );
    group(
        "seller",
        json!({
            "account": format!("shop-{:06}", rng.below(1_000_000)), "name": seller, "country": "CN",
            "platform": "Demo Platform",
        }),
    );
    group(
        "order",
        json!({
            "reference": order, "platform_reference": format!("P{index:09}"), "sold_at": time(sold),
            "price": hundredths(price), "currency": currency,
        }),
    );
    group(
        "payment",
        json!({
            "kind": rng.pick(&["CARD", "WALLET", "BANK"]), "reference": format!("PAY{:012}", rng.below(1_000_000_000_000)),
            "amount": hundredths(price + postage), "currency": currency, "paid_at": time(sold + 60_000),
        }),
    );
    if eu && price <= IOSS_CENTS {
        // IOSS numbers are IM and ten digits; this one is nobody's.
        group("fiscal", json!([{ "id": "IM0000000000", "role": "FR5" }]));
    }
    if rng.chance(5) {
        group("actors", json!([{ "id": format!("CNDEMO{:09}", rng.below(1_000_000_000)), "role": "MF" }]));
    }
    group("documents", json!([{ "type": "N380", "reference": format!("INV-{order}") }]));
    group("postage", json!({ "amount": hundredths(postage), "currency": currency }));
    group("goods", basket.iter().map(|line| line.to_json(currency, eu)).collect());
    content_from_json(&Value::Object(top))
}

/// A line of the order: so many pieces of one article.
struct Line {
    at: usize,
    units: u64,
    cents: u64,
    grams: u64,
    un: Option<&'static str>,
}

impl Line {
    fn to_json(&self, currency: &str, eu: bool) -> Value {
        let article = &ARTICLES[self.at];
        let mut goods = json!({
            "content": { "description": article.description, "units": self.units },
            "classification": { "hs": article.hs },
            "value": { "amount": hundredths(self.cents), "currency": currency },
            "origin": { "country": "CN", "net_kg": thousandths(self.grams) },
            "product": { "merchant_id": format!("SKU-{:05}", 10_000 + self.at * 7) },
        });
        if eu {
            // Reg. (EU) 2026/382: three euro for each item of a parcel, whatever it is worth.
            goods["duty"] = json!([{ "kind": "ITEM", "amount": "3.00", "currency": "EUR" }]);
        }
        goods
    }
}

/// One to five lines, mostly few, of different articles.
fn basket(rng: &mut SplitMix64) -> Vec<Line> {
    let count = *rng.pick(&[1, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5]);
    let first = rng.below(ARTICLES.len() as u64);
    let lines = (0..count).map(|line: u64| {
        // 13 and 44 have no common divisor, so no article comes twice.
        let at = usize::try_from(first + 13 * line).unwrap_or(0) % ARTICLES.len();
        let units = *rng.pick(&[1u64, 1, 1, 1, 2, 2, 3]);
        let article = &ARTICLES[at];
        // Prices differ by shop: four fifths to six fifths of the usual one.
        let cents = u64::from(article.cents) * (80 + rng.below(41)) / 100;
        Line { at, units, cents: cents * units, grams: u64::from(article.grams) * units, un: article.un }
    });
    lines.collect()
}

fn destination(rng: &mut SplitMix64) -> &'static Place {
    let mut at = rng.below(PLACES.iter().map(|place| place.share).sum());
    for place in &PLACES {
        match at.checked_sub(place.share) {
            Some(rest) => at = rest,
            None => return place,
        }
    }
    &PLACES[0]
}

fn dangerous_goods(un: Option<&str>) -> Value {
    match un {
        Some(un) => json!({ "flag": true, "un_number": un }),
        None => json!({ "flag": false }),
    }
}

fn sender(rng: &mut SplitMix64, name: &str) -> Value {
    let (city, postcode) = *rng.pick(&SHIPPERS);
    json!({
        "name": name, "person": "legal", "street": *rng.pick(&STREETS), "number": number(rng), "city": city,
        "postcode": postcode, "country": "CN", "email": "shipping@seller.example",
    })
}

fn addressee(rng: &mut SplitMix64, place: &Place) -> Value {
    let name = company(rng, &BUYER_FORMS);
    // Names end in .example, which RFC 2606 keeps free.
    let mailbox: String = name.chars().take_while(char::is_ascii_alphabetic).collect::<String>().to_lowercase();
    json!({
        "name": name, "person": "legal", "street": *rng.pick(&STREETS), "number": number(rng), "city": place.city,
        "postcode": place.postcode, "country": place.country, "email": format!("orders@{mailbox}.example"),
    })
}

pub(super) fn company(rng: &mut SplitMix64, forms: &[&str]) -> String {
    format!("{}{}{} {}", rng.pick(&HEADS), rng.pick(&MIDDLES), rng.pick(&TAILS), rng.pick(forms))
}

pub(super) fn number(rng: &mut SplitMix64) -> String {
    (1 + rng.below(240)).to_string()
}

/// An S10 item identifier (UPU S10): service indicator, serial with check digit, country. Serials follow the index, so no
/// two of one run are equal.
fn s10(rng: &mut SplitMix64, seed: u64, index: u64) -> String {
    let service = rng.pick(&["LX", "LZ", "UA", "RR", "CX", "EE"]);
    let serial = SplitMix64::new(seed, u64::MAX).below(100_000_000).wrapping_add(index) % 100_000_000;
    format!("{service}{serial:08}{}CN", s10_check_digit(serial))
}

/// The check digit over eight digits: weights 8 6 4 2 3 5 9 7, then 11 minus the remainder by 11, 10 written 0, 11 written 5.
pub(crate) fn s10_check_digit(serial: u64) -> u64 {
    let mut rest = serial;
    let sum: u64 = [7, 9, 5, 3, 2, 4, 6, 8]
        .into_iter()
        .map(|weight| {
            let digit = rest % 10;
            rest /= 10;
            digit * weight
        })
        .sum();
    match 11 - sum % 11 {
        10 => 0,
        11 => 5,
        digit => digit,
    }
}

pub(super) fn hundredths(cents: u64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

pub(super) fn thousandths(grams: u64) -> String {
    format!("{}.{:03}", grams / 1_000, grams % 1_000)
}

fn day(millis: u64) -> String {
    Millis(millis).day().to_string()
}

fn time(millis: u64) -> String {
    Millis(millis).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use luxor_protocol::cbor::Encode as _;
    use luxor_protocol::record::Value as Field;
    use luxor_protocol::time::Day;

    fn many() -> impl Iterator<Item = Content> {
        (0..2_000).map(|index| declaration(7, index).unwrap())
    }

    #[test]
    fn records_are_complete_and_small() {
        for content in many() {
            content.check_complete().unwrap();
            assert!((1..=5).contains(&content.items()));
            assert!(content.to_cbor().len() < 4_096);
        }
    }

    #[test]
    fn a_record_depends_on_seed_and_index_only() {
        assert_eq!(declaration(1, 5).unwrap(), declaration(1, 5).unwrap());
        assert_ne!(declaration(1, 5).unwrap(), declaration(2, 5).unwrap());
        assert_ne!(declaration(1, 5).unwrap(), declaration(1, 6).unwrap());
    }

    #[test]
    fn item_numbers_are_valid_and_unique() {
        // The worked example of UPU S10.
        assert_eq!(s10_check_digit(47_312_482), 9);
        let mut seen = std::collections::BTreeSet::new();
        for content in many() {
            let Some(Field::Text(id)) = content.field("item", "id") else { panic!("no item id") };
            let serial: u64 = id[2..10].parse().unwrap();
            assert_eq!(id.len(), 13);
            assert!(id.ends_with("CN") && id[..2].bytes().all(|c| c.is_ascii_uppercase()));
            assert_eq!(id[10..11], s10_check_digit(serial).to_string());
            assert!(seen.insert(serial));
        }
    }

    #[test]
    fn destinations_are_as_intended() {
        assert_eq!(PLACES.iter().map(|place| place.share).sum::<u64>(), 100);
        let (kr, eu) = ("KR".parse().unwrap(), "EU".parse::<luxor_protocol::names::Territory>().unwrap());
        let places: Vec<_> = many().map(|content| content.destination().unwrap()).collect();
        let to_eu = places.iter().filter(|place| eu.contains(**place)).count();
        let to_kr = places.iter().filter(|place| **place == kr).count();
        let other = places.len() - to_eu - to_kr;
        assert!(to_kr > 600 && to_eu > 800, "{to_kr} {to_eu}");
        assert!((20..=120).contains(&other), "{other}");
    }

    #[test]
    fn times_are_in_november_2026() {
        assert_eq!(Day(FIRST_DAY).to_string(), "2026-11-02");
    }
}
