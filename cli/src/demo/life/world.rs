//! The plan of a run: which parcels there are, in which receptacles and flights they travel, and which of them carry a fault. Pure and
//! seeded: nothing of it depends on how the network behaves.

use serde::Serialize;

use super::fault::{Fault, Finder};
use super::members::PLATFORM;
use super::parcel::{self, Parcel, Times};
use super::retail::Sale;
use crate::demo::rng::SplitMix64;

/// The platform's IOSS number, which is nobody's; its account too.
pub(super) const IOSS: &str = "IM2760000001";
/// The account under which the operator of destination collects what the platform does not.
pub(super) const DEFERMENT: &str = "DEF-2760001";

/// Flights on which the parcels travel.
const FLIGHTS: usize = 4;
/// Parcels of one receptacle.
const PER_RECEPTACLE: usize = 50;
/// The stream of the generator that chooses faulty parcels.
const CHOICE: u64 = u64::MAX - 1;

/// Everything that is planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct World {
    pub(super) seed: u64,
    pub(super) times: Times,
    pub(super) parcels: Vec<Parcel>,
    pub(super) receptacles: Vec<Receptacle>,
    pub(super) flights: Vec<Flight>,
    /// Items that stand in the platform's summary and nowhere else.
    pub(super) ghosts: Vec<Parcel>,
}

/// A receptacle with parcels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Receptacle {
    /// S9, 29 characters.
    pub(super) id: String,
    pub(super) flight: usize,
    /// Places of its parcels.
    pub(super) parcels: Vec<usize>,
}

/// A flight with its despatch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Flight {
    /// S8, the first 20 characters of its receptacles.
    pub(super) despatch: String,
    pub(super) voyage: String,
    /// As a unit of transport.
    pub(super) id: String,
}

/// A fault that is to be found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Planted {
    pub(super) fault: Fault,
    /// Which class of finding it is to be.
    pub(super) class: &'static str,
    /// At whose node.
    pub(super) at: &'static str,
    /// The item, or the account.
    pub(super) about: String,
}

/// Class of what the watch over uses finds.
pub(super) const UNCONFIRMED: &str = "unconfirmed_use";
/// Class of what deadlines find.
pub(super) const LATE: &str = "late_filing";

impl World {
    /// The plan of so many generated parcels and of these sales.
    pub(super) fn plan(seed: u64, count: u64, sales: &[Sale], times: Times) -> Self {
        let mut parcels: Vec<Parcel> = (0..count).map(|index| parcel::generated(seed, index, times)).collect();
        choose(&mut parcels, seed);
        let of_sale = |(at, sale)| parcel::of_sale(seed, count + at, sale, times);
        parcels.extend((0..).zip(sales).map(of_sale));
        let first = parcels.len() as u64;
        let ghosts = (0..Fault::SummaryUnknown.count(count)).map(|at| {
            let ghost = parcel::generated(seed, first + at, times);
            Parcel { fault: Some(Fault::SummaryUnknown), back: None, controlled: false, ioss: true, ..ghost }
        });
        let ghosts = ghosts.collect();
        let (receptacles, flights) = load(parcels.len(), times);
        Self { seed, times, parcels, receptacles, flights, ghosts }
    }

    /// What is to be found, and nothing else.
    pub(super) fn planted(&self) -> Vec<Planted> {
        let one = |fault: Fault, about: &str| {
            let class = match fault.finder() {
                Finder::Reconciliation(class) => class,
                Finder::Uses => UNCONFIRMED,
                Finder::Timeliness => LATE,
            };
            Planted { fault, class, at: fault.found_at(), about: about.to_owned() }
        };
        let of_items = self.parcels.iter().filter_map(|parcel| Some(one(parcel.fault?, &parcel.item)));
        let of_ghosts = self.ghosts.iter().map(|ghost| one(Fault::SummaryUnknown, &ghost.item));
        of_items.chain(of_ghosts).chain([one(Fault::SummaryShort, IOSS)]).collect()
    }

    /// In which receptacle a parcel travels.
    pub(super) fn receptacle(&self, parcel: &Parcel) -> &Receptacle {
        // Every parcel is in one: `load` deals them out.
        let at = place(usize::try_from(parcel.index).unwrap_or(0));
        &self.receptacles[at.min(self.receptacles.len() - 1)]
    }
}

impl Parcel {
    /// Whether it carries this fault.
    pub(super) fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    /// Who collects its duty and tax.
    pub(super) fn collector(&self) -> &'static str {
        if self.ioss { PLATFORM } else { super::members::POST_EU }
    }

    /// Under which account.
    pub(super) fn account_of_tax(&self) -> &'static str {
        if self.ioss { IOSS } else { DEFERMENT }
    }
}

/// Gives faults to parcels: no parcel has two, so that each is found by itself.
fn choose(parcels: &mut [Parcel], seed: u64) {
    let mut rng = SplitMix64::new(seed, CHOICE);
    let mut pool: Vec<usize> = (0..parcels.len()).collect();
    for at in (1..pool.len()).rev() {
        let other = usize::try_from(rng.below(at as u64 + 1)).unwrap_or(0);
        pool.swap(at, other);
    }
    let count = parcels.len() as u64;
    for (fault, _) in Fault::SHARES.iter().filter(|(fault, _)| fault.of_parcel()) {
        let fits = |parcel: &Parcel| match fault {
            // Of the platform's account, and its number.
            Fault::SummaryLacks | Fault::Unconfirmed => parcel.ioss,
            _ => true,
        };
        for _ in 0..fault.count(count) {
            let Some(at) = pool.iter().position(|place| fits(&parcels[*place])) else { break };
            let parcel = &mut parcels[pool.swap_remove(at)];
            (parcel.fault, parcel.back, parcel.controlled) = (Some(*fault), None, false);
        }
    }
}

/// The receptacle of a parcel: parcels that follow one another travel together.
fn place(parcel: usize) -> usize {
    parcel / PER_RECEPTACLE
}

fn load(parcels: usize, times: Times) -> (Vec<Receptacle>, Vec<Flight>) {
    let day = times.day().to_string();
    let year = day.as_bytes().get(3).map_or('0', |digit| char::from(*digit));
    let despatch = |flight: usize| format!("GBLONADEFRAAACUN{year}{:03}", flight + 1);
    let receptacle = |at: usize| {
        let (flight, first) = (at % FLIGHTS, at * PER_RECEPTACLE);
        let id = format!("{}{:03}{}{}{:04}", despatch(flight), at / FLIGHTS + 1, 9, 0, 200);
        Receptacle { id, flight, parcels: (first..(first + PER_RECEPTACLE).min(parcels)).collect() }
    };
    let flight = |at: usize| {
        let voyage = format!("DA{:03}", 100 + at);
        Flight { despatch: despatch(at), id: format!("{voyage}-{day}"), voyage }
    };
    let receptacles = (0..parcels.div_ceil(PER_RECEPTACLE)).map(receptacle).collect();
    (receptacles, (0..FLIGHTS).map(flight).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use luxor_protocol::reference::s10;

    use super::*;

    pub(in crate::demo::life) fn times() -> Times {
        Times { begins: "2026-11-26T10:00:00Z".parse().unwrap() }
    }

    #[test]
    fn the_same_seed_plans_the_same_and_another_something_else() {
        assert_eq!(World::plan(7, 500, &[], times()), World::plan(7, 500, &[], times()));
        assert_ne!(World::plan(7, 500, &[], times()), World::plan(8, 500, &[], times()));
    }

    #[test]
    fn as_many_faults_of_each_kind_as_intended_each_alone() {
        for (seed, count) in [(1, 10_000), (7, 200), (3, 1_000)] {
            let world = World::plan(seed, count, &[], times());
            let mut by_kind: BTreeMap<Fault, u64> = BTreeMap::new();
            let planted = world.planted();
            for one in &planted {
                *by_kind.entry(one.fault).or_default() += 1;
            }
            for (fault, _) in Fault::SHARES {
                assert_eq!(by_kind.get(&fault).copied().unwrap_or(0), fault.count(count), "{fault:?} of {count}");
            }
            let about: BTreeSet<_> = planted.iter().map(|one| &one.about).collect();
            assert_eq!(about.len(), planted.len());
        }
        assert_eq!(World::plan(1, 10_000, &[], times()).planted().len(), 200);
    }

    #[test]
    fn items_are_valid_s10_numbers_each_once_and_each_in_one_receptacle() {
        let world = World::plan(7, 1_234, &[], times());
        let items: BTreeSet<_> = world.parcels.iter().chain(&world.ghosts).map(|parcel| &parcel.item).collect();
        assert_eq!(items.len(), world.parcels.len() + world.ghosts.len());
        assert!(items.iter().all(|item| s10(item).is_ok()));
        let mut seen = BTreeSet::new();
        for receptacle in &world.receptacles {
            assert_eq!(receptacle.id.len(), 29);
            assert!(receptacle.id.starts_with(&world.flights[receptacle.flight].despatch));
            assert!(receptacle.parcels.iter().all(|at| seen.insert(*at)));
            for at in &receptacle.parcels {
                assert_eq!(world.receptacle(&world.parcels[*at]), receptacle);
            }
        }
        assert_eq!(seen.len(), world.parcels.len());
    }

    #[test]
    fn sales_lie_in_the_month_of_the_accounts_and_before_the_posting() {
        for begins in ["2026-11-26T10:00:00Z", "2026-11-01T00:00:00Z", "2026-11-02T23:59:59.999Z"] {
            let times = Times { begins: begins.parse().unwrap() };
            for parcel in World::plan(1, 300, &[], times).parcels {
                assert!(parcel.sold <= times.begins, "{begins}");
                assert!(parcel.sold.to_string().starts_with(&times.period()), "{begins}: {}", parcel.sold);
            }
        }
    }
}
