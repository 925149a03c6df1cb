//! How parcels travel: units of transport, each told by who built it, events with their EMSEVT codes, answers of customs and agency.

use luxor_protocol::record::{Content, ContentError, content_from_json};
use luxor_protocol::time::Millis;
use serde_json::{Value, json};

use super::declared::{import_reference, item};
use super::fault::Fault;
use super::members::{CARRIER, CUSTOMS_EU, PLATFORM, POST_EU};
use super::parcel::{Parcel, Times};
use super::world::{Receptacle, World};
use crate::demo::generate::thousandths;

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;
/// From loading to departure, arrival, presentation, release, delivery and return, as the schedule has it.
const DEPARTS: u64 = 40 * MINUTE;
const ARRIVES: u64 = 3 * HOUR;
const PRESENTED: u64 = 4 * HOUR;
const RELEASED: u64 = 5 * HOUR;
const DELIVERED: u64 = 24 * HOUR;
const RETURNED: u64 = 3 * 24 * HOUR;

/// What happens to a parcel at its destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Happening {
    Arrived,
    Presented,
    Delivered,
    Returned,
}

impl Happening {
    /// The word, the code of EMSEVT where there is one, and how long after loading.
    fn told(self) -> (&'static str, Option<&'static str>, u64) {
        match self {
            Self::Arrived => ("arrived", Some("EMD"), ARRIVES),
            Self::Presented => ("presented_to_import_customs", Some("EDB"), PRESENTED),
            Self::Delivered => ("delivered", Some("EMI"), DELIVERED),
            Self::Returned => ("returned", None, RETURNED),
        }
    }
}

/// Whether this happens to a parcel.
pub(super) fn happens(parcel: &Parcel, what: Happening) -> bool {
    let arrives = !parcel.has(Fault::NeverArrives);
    match what {
        Happening::Arrived | Happening::Presented => arrives,
        // Nobody delivers what customs does not know.
        Happening::Delivered => arrives && !parcel.has(Fault::NeverDeclared),
        Happening::Returned => arrives && (parcel.back.is_some() || parcel.fault.is_some_and(Fault::goes_back)),
    }
}

/// The parcel as the operator of origin weighs it and puts it into a receptacle.
pub(super) fn built(parcel: &Parcel, world: &World) -> Result<Content, ContentError> {
    let grams = match parcel.has(Fault::Mass) {
        // Beyond every tolerance of scales.
        true => parcel.gross_grams + parcel.gross_grams / 3 + 250,
        false => parcel.gross_grams,
    };
    let packages = 1 + u64::from(parcel.has(Fault::Quantity) && super::declared::several(parcel).is_none());
    content_from_json(&json!({
        "type": "consignment",
        "reference": { "own_reference": format!("ITEM-{}", parcel.item) },
        "unit": {
            "level": "item", "id": parcel.item, "scheme": "s10", "built_at": world.times.begins.to_string(), "mode": "4",
        },
        "within": { "level": "receptacle", "id": world.receptacle(parcel).id, "scheme": "s9" },
        "route": { "destination": parcel.buyer.country, "departure": "GB", "mode": "4" },
        "handling": { "destination_operator": POST_EU, "destination_customs": CUSTOMS_EU },
        "mass": { "gross_kg": thousandths(grams), "packages": packages },
    }))
}

/// That the parcel was posted.
pub(super) fn posted(parcel: &Parcel, times: Times) -> Result<Content, ContentError> {
    let handling = json!({ "destination_operator": POST_EU, "destination_customs": CUSTOMS_EU });
    event(parcel, times, ("posted", Some("EMA")), times.begins, handling)
}

/// What happened to the parcel at its destination.
pub(super) fn happened(
    parcel: &Parcel,
    times: Times,
    what: Happening,
    loaded: Millis,
) -> Result<Content, ContentError> {
    let (word, code, after) = what.told();
    let handling = json!({ "destination_customs": CUSTOMS_EU, "platform": PLATFORM });
    event(parcel, times, (word, code), loaded.plus(after), handling)
}

fn event(
    parcel: &Parcel,
    times: Times,
    (word, code): (&str, Option<&str>),
    at: Millis,
    handling: Value,
) -> Result<Content, ContentError> {
    let mut event = json!({ "code": word, "at": at.to_string() });
    if let Some(code) = code {
        event["source_system"] = json!("EMSEVT");
        event["source_code"] = json!(code);
    }
    content_from_json(&json!({
        "type": "event",
        "reference": { "own_reference": format!("{}-{}", word.to_uppercase(), parcel.item) },
        "item": item(parcel, times),
        "event": event,
        "handling": handling,
    }))
}

/// A receptacle with its parcels.
pub(super) fn receptacle(receptacle: &Receptacle, world: &World) -> Result<Content, ContentError> {
    let parcels = || receptacle.parcels.iter().map(|at| &world.parcels[*at]);
    let grams: u64 = parcels().map(|parcel| parcel.gross_grams).sum();
    let contains: Value =
        parcels().map(|parcel| json!({ "level": "item", "id": parcel.item, "scheme": "s10" })).collect();
    content_from_json(&json!({
        "type": "consignment",
        "reference": { "own_reference": format!("S9-{}", receptacle.id) },
        "unit": { "level": "receptacle", "id": receptacle.id, "scheme": "s9", "mode": "4" },
        "within": { "level": "despatch", "id": world.flights[receptacle.flight].despatch, "scheme": "s8" },
        "contains": contains,
        "route": { "destination": "EU", "departure": "GB", "mode": "4" },
        "handling": { "carrier": CARRIER, "destination_operator": POST_EU, "destination_customs": CUSTOMS_EU },
        "mass": { "gross_kg": thousandths(grams + 200) },
    }))
}

/// A despatch with its receptacles, in as many records as it takes.
pub(super) fn despatch(flight: usize, world: &World) -> Result<Vec<Content>, ContentError> {
    let of_flight: Vec<&Receptacle> = world.receptacles.iter().filter(|one| one.flight == flight).collect();
    let despatch = &world.flights[flight].despatch;
    let part = |(at, some): (usize, &[&Receptacle])| {
        let contains: Value =
            some.iter().map(|one| json!({ "level": "receptacle", "id": one.id, "scheme": "s9" })).collect();
        content_from_json(&json!({
            "type": "consignment",
            "reference": { "own_reference": format!("S8-{despatch}-{}", at + 1) },
            "unit": { "level": "despatch", "id": despatch, "scheme": "s8", "mode": "4" },
            "contains": contains,
            "route": { "destination": "EU", "departure": "GB", "mode": "4" },
            "handling": { "carrier": CARRIER, "destination_operator": POST_EU, "destination_customs": CUSTOMS_EU },
        }))
    };
    of_flight.chunks(PER_RECORD).enumerate().map(part).collect()
}

/// Receptacles in one record of a despatch; the type has room for 99.
const PER_RECORD: usize = 90;

/// The flight that the carrier plans for a despatch.
pub(super) fn planned(flight: usize, world: &World) -> Result<Content, ContentError> {
    let of = &world.flights[flight];
    content_from_json(&json!({
        "type": "consignment",
        "reference": { "own_reference": format!("FLIGHT-{}", of.id) },
        "unit": { "level": "transport", "id": of.id, "scheme": "voyage", "mode": "4" },
        "contains": [{ "level": "despatch", "id": of.despatch, "scheme": "s8" }],
        "route": { "destination": "EU", "departure": "GB", "mode": "4" },
        "handling": { "destination_customs": CUSTOMS_EU },
        "transport": {
            "carrier": "Demo Air Cargo", "voyage": of.voyage, "from": "GBLON", "to": "DEFRA", "mode": "4",
        },
    }))
}

/// That a flight's despatch was loaded, departed and arrived, as the carrier tells it.
pub(super) fn flown(flight: usize, world: &World, loaded: Millis) -> Result<Vec<Content>, ContentError> {
    let of = &world.flights[flight];
    let handling = json!({ "destination_customs": CUSTOMS_EU });
    let (departs, arrives) = (loaded.plus(DEPARTS), loaded.plus(ARRIVES));
    let event = |(word, at): (&str, Millis)| {
        json!({
            "type": "event",
            "reference": { "own_reference": format!("{}-{}", word.to_uppercase(), of.id) },
            "unit": { "level": "despatch", "id": of.despatch, "scheme": "s8" },
            "event": { "code": word, "at": at.to_string(), "voyage": of.voyage },
            "handling": handling,
        })
    };
    let events = [("loaded", loaded), ("departed", departs), ("arrived", arrives)].map(event);
    events.iter().map(content_from_json).collect()
}

/// What customs of export answers: it has left.
pub(super) fn exited(parcel: &Parcel, times: Times) -> Result<Content, ContentError> {
    let about = format!("EXP-{}", parcel.item);
    let number = registration("GB", parcel);
    let response = json!({
        "status": "exited", "about": about, "registration": number, "at": times.begins.to_string(),
    });
    answer(parcel, times, &format!("EXITED-{}", parcel.item), response)
}

/// What customs of import answers first: the declaration is registered.
pub(super) fn registered(parcel: &Parcel, times: Times) -> Result<Content, ContentError> {
    let response = json!({
        "status": "registered", "about": import_reference(parcel), "registration": registration("DE", parcel),
        "at": times.begins.to_string(),
    });
    answer(parcel, times, &format!("REG-{}", parcel.item), response)
}

/// The release of a parcel that arrived; of one that is released twice, both.
pub(super) fn released(parcel: &Parcel, times: Times, loaded: Millis) -> Result<Vec<Content>, ContentError> {
    let times_released = 1 + u64::from(parcel.has(Fault::ReleasedTwice));
    let one = |nth: u64| {
        let response = json!({
            "status": "released", "about": import_reference(parcel), "registration": registration("DE", parcel),
            "at": loaded.plus(RELEASED + nth * HOUR).to_string(),
        });
        answer(parcel, times, &format!("REL-{}-{}", parcel.item, nth + 1), response)
    };
    (0..times_released).map(one).collect()
}

/// What the agency decides of goods under its control.
pub(super) fn decided(parcel: &Parcel, times: Times, loaded: Millis) -> Result<Content, ContentError> {
    content_from_json(&json!({
        "type": "agency_decision",
        "reference": { "own_reference": format!("CONTROL-{}", parcel.item) },
        "item": item(parcel, times),
        "decision": {
            "control": "PRODUCT-SAFETY", "state": "released", "at": loaded.plus(PRESENTED).to_string(),
            "agency": "Demo Agency for the Safety of Products",
        },
        "handling": { "destination_customs": CUSTOMS_EU },
    }))
}

/// The number under which customs registers its declaration: two digits of the year, the country, the index.
pub(super) fn registration(country: &str, parcel: &Parcel) -> String {
    format!("26{country}{:014}", parcel.index)
}

fn answer(parcel: &Parcel, times: Times, reference: &str, response: Value) -> Result<Content, ContentError> {
    content_from_json(&json!({
        "type": "customs_response",
        "reference": { "own_reference": reference },
        "item": item(parcel, times),
        "response": response,
        "handling": { "filer": PLATFORM, "destination_operator": POST_EU },
    }))
}
