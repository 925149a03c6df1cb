//! What each member hands in, stage by stage, in the order in which it becomes known: from the plan to records. Pure.

use anyhow::Result;
use luxor_protocol::record::Content;
use luxor_protocol::revenue::{Assessment, RevenueBook, Stage as Taxed};
use luxor_protocol::time::Millis;

use super::declared;
use super::fault::Fault;
use super::members::{AGENCY, CARRIER, CUSTOMS_EU, CUSTOMS_GB, PLATFORM, POST_EU, POST_GB};
use super::moved::{self, Happening};
use super::parcel::Parcel;
use super::taxed;
use super::world::World;

/// One stage of one member.
pub(super) struct Stage {
    pub(super) member: &'static str,
    /// The submission's name.
    pub(super) name: &'static str,
    pub(super) records: Vec<Content>,
}

/// The plan with what is owed for each parcel.
pub(super) struct Script {
    pub(super) world: World,
    pub(super) book: RevenueBook,
    /// One for each parcel.
    pub(super) owed: Vec<Assessment>,
}

/// Everything of one kind for the parcels that a condition names.
macro_rules! each {
    ($script:expr, $parcel:ident, $owed:ident, $when:expr, $record:expr) => {{
        let mut records = Vec::new();
        for ($parcel, $owed) in $script.parcels() {
            if $when {
                records.extend($record?);
            }
        }
        records
    }};
}

impl Script {
    /// The script of a plan.
    pub(super) fn new(world: World) -> Result<Self> {
        let book = taxed::book()?;
        let owed = world.parcels.iter().map(|parcel| taxed::owed(parcel, world.times, &book)).collect::<Result<_>>()?;
        Ok(Self { world, book, owed })
    }

    fn parcels(&self) -> impl Iterator<Item = (&Parcel, &Assessment)> {
        self.world.parcels.iter().zip(&self.owed)
    }

    /// Items whose use of the IOSS number its holder confirms.
    pub(super) fn confirmed(&self) -> impl Iterator<Item = &str> {
        let uses = |parcel: &&Parcel| parcel.ioss && is_declared(parcel) && !parcel.has(Fault::Unconfirmed);
        self.world.parcels.iter().filter(uses).map(|parcel| parcel.item.as_str())
    }

    /// What is known before anything is loaded.
    pub(super) fn before_loading(&self) -> Result<Vec<Stage>> {
        let times = self.world.times;
        let sold = each!(self, parcel, _owed, true, {
            declared::order(parcel, times).and_then(|order| Ok([order, declared::payment(parcel, times)?]))
        });
        let mut filed = each!(self, parcel, _owed, is_declared(parcel), declared::pre_advice(parcel, times));
        filed.extend(each!(self, parcel, _owed, is_declared(parcel), declared::export(parcel, times).map(Some)));
        filed.extend(each!(self, parcel, owed, is_declared(parcel), declared::import(parcel, times, owed).map(Some)));
        let mut built = each!(self, parcel, _owed, true, {
            moved::built(parcel, &self.world).and_then(|built| Ok([built, moved::posted(parcel, times)?]))
        });
        for one in &self.world.receptacles {
            built.push(moved::receptacle(one, &self.world)?);
        }
        for flight in 0..self.world.flights.len() {
            built.extend(moved::despatch(flight, &self.world)?);
        }
        let in_time = |parcel: &Parcel| is_declared(parcel) && !parcel.has(Fault::BackDated);
        let entered =
            each!(self, parcel, _owed, in_time(parcel), declared::entry(parcel, times, times.begins).map(Some));
        let exited = each!(self, parcel, _owed, is_declared(parcel), moved::exited(parcel, times).map(Some));
        Ok(vec![
            Stage { member: PLATFORM, name: "life-sold", records: sold },
            Stage { member: PLATFORM, name: "life-declared", records: filed },
            Stage { member: POST_GB, name: "life-built", records: built },
            Stage { member: POST_EU, name: "life-entered", records: entered },
            Stage { member: CUSTOMS_GB, name: "life-exited", records: exited },
        ])
    }

    /// The flights that the carrier plans.
    pub(super) fn planned(&self) -> Result<Stage> {
        let flights = 0..self.world.flights.len();
        let records = flights.map(|flight| Ok(moved::planned(flight, &self.world)?)).collect::<Result<_>>()?;
        Ok(Stage { member: CARRIER, name: "life-planned", records })
    }

    /// What becomes of the flights, told by the carrier.
    pub(super) fn flown(&self, loaded: Millis) -> Result<Stage> {
        let mut records = Vec::new();
        for flight in 0..self.world.flights.len() {
            records.extend(moved::flown(flight, &self.world, loaded)?);
        }
        Ok(Stage { member: CARRIER, name: "life-flown", records })
    }

    /// Entry summaries that are filed when the goods are loaded already, and say that it was before.
    pub(super) fn back_dated(&self) -> Result<Stage> {
        let times = self.world.times;
        let records = each!(self, parcel, _owed, parcel.has(Fault::BackDated), {
            declared::entry(parcel, times, times.begins).map(Some)
        });
        Ok(Stage { member: POST_EU, name: "life-back-dated", records })
    }

    /// What happens at the destination, up to what is collected.
    pub(super) fn after_arrival(&self, loaded: Millis) -> Result<Vec<Stage>> {
        let times = self.world.times;
        let happened = |what: Happening| -> Result<Vec<Content>> {
            Ok(each!(self, parcel, _owed, moved::happens(parcel, what), {
                moved::happened(parcel, times, what, loaded).map(Some)
            }))
        };
        let mut arrived = happened(Happening::Arrived)?;
        arrived.extend(happened(Happening::Presented)?);
        let mut answered = each!(self, parcel, _owed, is_declared(parcel), moved::registered(parcel, times).map(Some));
        answered.extend(each!(self, parcel, owed, is_declared(parcel), {
            taxed::assessed_record(parcel, times, owed, &self.book).map(Some)
        }));
        let decided = each!(self, parcel, _owed, parcel.controlled, moved::decided(parcel, times, loaded).map(Some));
        let released = each!(self, parcel, _owed, moved::happens(parcel, Happening::Delivered), {
            moved::released(parcel, times, loaded)
        });
        let mut stages = vec![
            Stage { member: POST_EU, name: "life-arrived", records: arrived },
            Stage { member: CUSTOMS_EU, name: "life-assessed", records: answered },
            Stage { member: AGENCY, name: "life-controlled", records: decided },
            Stage { member: CUSTOMS_EU, name: "life-released", records: released },
        ];
        stages.extend(self.of_collectors("life-collected", Taxed::Collected, taxed::collects)?);
        let mut delivered = happened(Happening::Delivered)?;
        delivered.extend(happened(Happening::Returned)?);
        stages.push(Stage { member: POST_EU, name: "life-delivered", records: delivered });
        Ok(stages)
    }

    /// The end of the month: claims, refunds, what is remitted, the summaries.
    pub(super) fn month_end(&self, months: &[taxed::Month], loaded: Millis) -> Result<Vec<Stage>> {
        let times = self.world.times;
        let mut stages = self.of_collectors("life-remitted", Taxed::Remitted, taxed::remits)?;
        let (mut of_platform, mut of_post) = (Vec::new(), Vec::new());
        for (parcel, owed) in self.parcels() {
            let Some((by, claim)) = taxed::claim(parcel, times, owed)? else { continue };
            match by {
                PLATFORM => of_platform.push(claim),
                _ => of_post.push(claim),
            }
            of_platform.push(declared::refund(parcel, times, loaded)?);
        }
        for month in months {
            match month.by {
                PLATFORM => of_platform.push(month.record(times)?),
                _ => of_post.push(month.record(times)?),
            }
        }
        stages.push(Stage { member: PLATFORM, name: "life-month", records: of_platform });
        stages.push(Stage { member: POST_EU, name: "life-month", records: of_post });
        Ok(stages)
    }

    /// Claims of lines that are claimed already.
    pub(super) fn claimed_again(&self) -> Result<Stage> {
        let times = self.world.times;
        let records = each!(self, parcel, owed, parcel.has(Fault::ClaimedTwice), {
            taxed::second_claim(parcel, times, owed).map(Some)
        });
        Ok(Stage { member: POST_EU, name: "life-claimed-again", records })
    }

    /// What each of both collectors tells of a stage.
    fn of_collectors(&self, name: &'static str, stage: Taxed, when: fn(&Parcel) -> bool) -> Result<Vec<Stage>> {
        let times = self.world.times;
        let of = |member: &'static str| -> Result<Stage> {
            let records = each!(self, parcel, owed, when(parcel) && parcel.collector() == member, {
                taxed::later(parcel, times, stage, owed).map(Some)
            });
            Ok(Stage { member, name, records })
        };
        Ok(vec![of(PLATFORM)?, of(POST_EU)?])
    }
}

fn is_declared(parcel: &Parcel) -> bool {
    !parcel.fault.is_some_and(Fault::undeclared)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use luxor_protocol::cbor::Encode as _;

    use super::super::parcel::Times;
    use super::*;

    fn all(seed: u64) -> Vec<Stage> {
        let times = Times { begins: "2026-11-26T10:00:00Z".parse().unwrap() };
        let script = Script::new(World::plan(seed, 200, &[], times)).unwrap();
        let loaded = times.begins.plus(90_000);
        let months = taxed::months(&script.world, &script.owed, &script.book).unwrap();
        let mut stages = script.before_loading().unwrap();
        stages.extend([script.planned().unwrap(), script.flown(loaded).unwrap(), script.back_dated().unwrap()]);
        stages.extend(script.after_arrival(loaded).unwrap());
        stages.extend(script.month_end(&months, loaded).unwrap());
        stages.push(script.claimed_again().unwrap());
        stages
    }

    #[test]
    fn the_same_seed_and_times_give_the_same_records() {
        let bytes = |seed| -> Vec<(&str, Vec<u8>)> {
            let of = |stage: Stage| (stage.name, stage.records.iter().flat_map(|record| record.to_cbor()).collect());
            all(seed).into_iter().map(of).collect()
        };
        assert_eq!(bytes(7), bytes(7));
        assert_ne!(bytes(7), bytes(8));
    }

    #[test]
    fn records_are_complete_and_no_member_uses_a_reference_twice() {
        let mut seen = BTreeSet::new();
        for stage in all(7) {
            assert!(!stage.records.is_empty(), "{}", stage.name);
            for record in &stage.records {
                record.check_complete().unwrap();
                let group = if record.table().name == "declaration" { "filing" } else { "reference" };
                let reference = format!("{:?}", record.field(group, "own_reference").unwrap());
                assert!(seen.insert((stage.member, record.table().name, reference.clone())), "{reference}");
            }
        }
    }
}
