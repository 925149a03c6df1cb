//! What is said of a parcel before it flies: order, payment, pre-advice, export and import declaration, entry summary.

use luxor_protocol::record::{Content, ContentError, content_from_json};
use luxor_protocol::revenue::Assessment;
use luxor_protocol::time::Millis;
use serde_json::{Value, json};

use super::fault::Fault;
use super::members::{AGENCY, CUSTOMS_EU, CUSTOMS_GB, PLATFORM, POST_EU, POST_GB};
use super::parcel::{Line, Parcel, Times};
use super::world::IOSS;
use crate::demo::generate::{hundredths, thousandths};

/// From the beginning to the planned departure.
const PLANNED: u64 = 30 * 60_000;

/// How a record differs from the truth.
#[derive(Debug, Clone, Copy, Default)]
struct Untrue {
    /// Per cent of every price.
    price: Option<u64>,
    /// One piece less of the first line that has several.
    piece: bool,
    /// One euro less of duty.
    duty: bool,
}

/// The order, as the platform knows it.
pub(super) fn order(parcel: &Parcel, times: Times) -> Result<Content, ContentError> {
    let model = if parcel.ioss { "vendor" } else { "consumer" };
    let mut record = json!({
        "type": "order",
        "reference": { "own_reference": parcel.order },
        "order": {
            "number": parcel.order, "platform": "Demo Platform", "sold_at": parcel.sold.to_string(),
            "price": hundredths(price(parcel)), "currency": parcel.currency,
        },
        "item": item(parcel, times),
        "route": route(parcel, None),
        "handling": { "destination_customs": CUSTOMS_EU },
        "seller": seller(parcel),
        "addressee": addressee(parcel),
        "tax": { "collected": parcel.ioss, "deemed_supplier": parcel.ioss, "model": model },
        "goods": goods(parcel, Untrue::default(), &["content", "classification", "value", "origin", "product"]),
    });
    if parcel.ioss {
        record["fiscal"] = json!([{ "id": IOSS, "role": "FR5" }]);
    }
    content_from_json(&record)
}

/// Its payment.
pub(super) fn payment(parcel: &Parcel, times: Times) -> Result<Content, ContentError> {
    settled(parcel, times, "paid", &format!("PAY-{}", parcel.order), None)
}

/// That the money went back to the buyer.
pub(super) fn refund(parcel: &Parcel, times: Times, at: Millis) -> Result<Content, ContentError> {
    settled(parcel, times, "refunded", &format!("REFUND-{}", parcel.order), Some(at))
}

fn settled(
    parcel: &Parcel,
    times: Times,
    state: &str,
    reference: &str,
    back: Option<Millis>,
) -> Result<Content, ContentError> {
    let amount = hundredths(price(parcel) + parcel.postage);
    let paid_at = parcel.sold.plus(60_000);
    let mut settlement = json!({ "state": state, "at": back.unwrap_or(paid_at).to_string() });
    if back.is_some() {
        settlement["refunded"] = json!(amount);
    }
    content_from_json(&json!({
        "type": "payment",
        "reference": { "own_reference": reference },
        "order": { "number": parcel.order, "platform": "Demo Platform" },
        "item": item(parcel, times),
        "route": route(parcel, None),
        "handling": { "destination_customs": CUSTOMS_EU },
        "payment": {
            "kind": "CARD", "reference": reference, "amount": amount, "currency": parcel.currency,
            "paid_at": paid_at.to_string(),
        },
        "settlement": settlement,
    }))
}

/// What the platform tells the operators (ITMATT). Of one that is told differently, each gets another record.
pub(super) fn pre_advice(parcel: &Parcel, times: Times) -> Result<Vec<Content>, ContentError> {
    let groups = ["content", "classification", "value", "origin"];
    let advice = |reference: String, handling: Value, untrue: Untrue| {
        let mut record = declaration(parcel, times, &reference, "pre_advice", "CN23", times.begins);
        record["handling"] = handling;
        record["sender"] = sender(parcel);
        record["addressee"] = addressee(parcel);
        record["postage"] = json!({ "amount": hundredths(parcel.postage), "currency": parcel.currency });
        record["goods"] = goods(parcel, untrue, &groups);
        content_from_json(&record)
    };
    let reference = format!("PRE-{}", parcel.item);
    if !parcel.has(Fault::ToldDifferently) {
        let both = json!({ "origin_operator": POST_GB, "destination_operator": POST_EU });
        return Ok(vec![advice(reference, both, Untrue::default())?]);
    }
    let half = Untrue { price: Some(50), ..Untrue::default() };
    Ok(vec![
        advice(format!("{reference}-1"), json!({ "origin_operator": POST_GB }), Untrue::default())?,
        advice(format!("{reference}-2"), json!({ "destination_operator": POST_EU }), half)?,
    ])
}

/// The export declaration.
pub(super) fn export(parcel: &Parcel, times: Times) -> Result<Content, ContentError> {
    let mut record = declaration(parcel, times, &format!("EXP-{}", parcel.item), "export", "GB-B1", times.begins);
    record["handling"] = json!({ "origin_customs": CUSTOMS_GB });
    record["declarant"] = declarant();
    record["seller"] = seller(parcel);
    record["goods"] = goods(parcel, Untrue::default(), &["content", "classification", "value", "origin"]);
    content_from_json(&record)
}

/// The import declaration, with the duty and tax that the platform computes.
pub(super) fn import(parcel: &Parcel, times: Times, assessment: &Assessment) -> Result<Content, ContentError> {
    let data_set = if parcel.ioss { "EU-H7" } else { "EU-H1" };
    let mut record = declaration(parcel, times, &import_reference(parcel), "import", data_set, times.begins);
    record["handling"] = json!({ "destination_customs": CUSTOMS_EU });
    if parcel.controlled {
        record["handling"]["agency"] = json!(AGENCY);
    }
    record["sender"] = sender(parcel);
    record["addressee"] = addressee(parcel);
    record["declarant"] = declarant();
    record["seller"] = seller(parcel);
    record["order"] = json!({
        "reference": parcel.order, "sold_at": parcel.sold.to_string(), "price": hundredths(price(parcel)),
        "currency": parcel.currency,
    });
    record["postage"] = json!({ "amount": hundredths(parcel.postage), "currency": parcel.currency });
    if parcel.ioss {
        record["fiscal"] = json!([{ "id": IOSS, "role": "FR5" }]);
    }
    record["documents"] = json!([{ "type": "N380", "reference": format!("INV-{}", parcel.order) }]);
    let untrue = Untrue {
        price: accounted_price(parcel),
        piece: parcel.has(Fault::Quantity) && several(parcel).is_some(),
        duty: parcel.has(Fault::Duty),
    };
    record["goods"] = goods(parcel, untrue, &["content", "classification", "value", "origin", "product"]);
    for (at, line) in assessment.lines.iter().enumerate() {
        // A line is for goods that are numbered from 1.
        let place = line.goods.first().map_or(0, |number| *number as usize - 1);
        let mut amount = line.amount.amount;
        if untrue.duty && at == 0 {
            amount = amount.minus(luxor_protocol::revenue::Exact::whole(1)).unwrap_or(amount);
        }
        let duty = json!({ "kind": line.tax, "amount": amount.with_places(2), "currency": line.amount.currency });
        match &mut record["goods"][place]["duty"] {
            Value::Array(all) => all.push(duty),
            none => *none = json!([duty]),
        }
    }
    content_from_json(&record)
}

/// The entry summary, filed by the operator of destination with what it was told (F43).
pub(super) fn entry(parcel: &Parcel, times: Times, at: Millis) -> Result<Content, ContentError> {
    let mut record = declaration(parcel, times, &format!("ENS-{}", parcel.item), "ens_preloading", "EU-F43", at);
    record["handling"] = json!({ "destination_customs": CUSTOMS_EU });
    record["filing"]["capacity"] = json!("operator");
    record["sender"] = sender(parcel);
    record["addressee"] = addressee(parcel);
    record["goods"] = goods(parcel, Untrue::default(), &["content", "classification", "value", "origin"]);
    content_from_json(&record)
}

/// The own reference of its import declaration.
pub(super) fn import_reference(parcel: &Parcel) -> String {
    format!("IMP-{}", parcel.item)
}

/// Per cent of the price that the import declaration has, where that is not the whole.
pub(super) fn accounted_price(parcel: &Parcel) -> Option<u64> {
    parcel.has(Fault::Value).then_some(70)
}

/// The first line of several pieces.
pub(super) fn several(parcel: &Parcel) -> Option<usize> {
    parcel.lines.iter().position(|line| line.units > 1)
}

/// The group `item`.
pub(super) fn item(parcel: &Parcel, times: Times) -> Value {
    json!({ "scheme": "s10", "id": parcel.item, "posted_on": times.day().to_string() })
}

/// A price as declared, in hundredths.
pub(super) fn declared(line: &Line, percent: Option<u64>) -> u64 {
    percent.map_or(line.cents, |percent| line.cents * percent / 100)
}

fn price(parcel: &Parcel) -> u64 {
    parcel.lines.iter().map(|line| line.cents).sum()
}

fn route(parcel: &Parcel, times: Option<Times>) -> Value {
    let mut route = json!({ "destination": parcel.buyer.country, "departure": "GB", "mode": "4" });
    if let Some(times) = times {
        route["departs_at"] = json!(times.begins.plus(PLANNED).to_string());
    }
    route
}

fn declaration(parcel: &Parcel, times: Times, reference: &str, kind: &str, data_set: &str, made_at: Millis) -> Value {
    let un = parcel.lines.iter().find_map(|line| line.un);
    let mut dangerous = json!({ "flag": un.is_some() });
    if let Some(un) = un {
        dangerous["un_number"] = json!(un);
    }
    json!({
        "type": "declaration", "version": 3,
        "filing": {
            "own_reference": reference, "kind": kind, "data_set": data_set, "capacity": "declarant",
            "filed_on": made_at.day().to_string(), "message_time": made_at.to_string(), "transaction_type": "b2c",
            "category_of_item": "sale_of_goods",
        },
        "item": item(parcel, times),
        "route": route(parcel, Some(times)),
        "mass": { "gross_kg": thousandths(parcel.gross_grams), "packages": 1 },
        "dangerous_goods": dangerous,
    })
}

fn goods(parcel: &Parcel, untrue: Untrue, groups: &[&str]) -> Value {
    let less = several(parcel).filter(|_| untrue.piece);
    let one = |(at, line): (usize, &Line)| {
        let mut goods = json!({});
        for group in groups {
            goods[*group] = match *group {
                "content" => {
                    let units = line.units - u64::from(less == Some(at));
                    json!({ "description": line.description, "units": units })
                }
                "classification" => json!({ "hs": line.hs }),
                "value" => {
                    json!({ "amount": hundredths(declared(line, untrue.price)), "currency": parcel.currency })
                }
                "origin" => json!({ "country": "GB", "net_kg": thousandths(line.grams) }),
                _ => json!({ "merchant_id": line.sku }),
            };
        }
        goods
    };
    parcel.lines.iter().enumerate().map(one).collect()
}

fn declarant() -> Value {
    json!([{ "role": "declarant", "id": PLATFORM, "name": "Demo Platform", "country": "GB" }])
}

fn seller(parcel: &Parcel) -> Value {
    json!({ "account": parcel.account, "name": parcel.seller, "country": "GB", "platform": "Demo Platform" })
}

fn sender(parcel: &Parcel) -> Value {
    json!({
        "name": parcel.seller, "person": "legal", "street": "Demo Street", "number": "1", "city": "London",
        "postcode": "EC1A 1AA", "country": "GB", "email": "shipping@seller.example",
    })
}

fn addressee(parcel: &Parcel) -> Value {
    let buyer = &parcel.buyer;
    json!({
        "name": buyer.name, "person": "legal", "street": buyer.street, "number": buyer.number, "city": buyer.city,
        "postcode": buyer.postcode, "country": buyer.country, "email": "orders@buyer.example",
    })
}
