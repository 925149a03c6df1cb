//! Seeds, and single cases that seeds would meet too rarely.

use std::collections::BTreeMap;

use luxor_protocol::exchange::Lane;

use super::Numbers;
use super::node::{Hindrance, Profile};
use super::run::simulate;
use super::world::World;
use crate::engine::Window;

/// Seeds in every run; with `LUXOR_TEST_LONG` the full number.
fn seeds() -> u64 {
    if std::env::var_os("LUXOR_TEST_LONG").is_some() { 20_000 } else { 300 }
}

#[test]
fn whatever_happens_each_dispatch_comes_once_and_is_settled() {
    if let Some(seed) = std::env::var("LUXOR_SEED").ok().and_then(|seed| seed.parse().ok()) {
        println!("{:?}", simulate(seed, true));
        return;
    }
    let (mut steps, mut receipts, mut met) = (0, 0, BTreeMap::new());
    for seed in 0..seeds() {
        let told = simulate(seed, false);
        if seed % 20 == 0 {
            assert_eq!(simulate(seed, false), told, "seed {seed} does not give the same run twice");
        }
        steps += told.steps;
        receipts += told.receipts;
        told.met.into_iter().for_each(|(what, count)| *met.entry(what).or_insert(0) += count);
    }
    println!("{steps} steps, {receipts} receipts, {met:?}");
    assert!(receipts > seeds() * 50);
    let expected = [
        "lost disk",
        "reload",
        "resend",
        "gone",
        "withdrawn",
        "replay",
        "busy",
        "capacity",
        "card",
        "agreement",
        "too_many_in_flight",
        "number_out_of_window",
        "a receipt under an unknown log",
    ];
    for what in expected {
        assert!(met.contains_key(what), "never met: {what}");
    }
}

/// Two nodes between which nothing goes wrong.
fn calm() -> Profile {
    let window = Window { dispatches: 4, bytes: 1_000 };
    Profile {
        nodes: 2,
        ordinary: window,
        urgent: window,
        in_flight_per_peer: 16,
        max_outbox: 60,
        network: 5,
        work: 1,
        disk: 1,
        lost: 0,
        doubled: 0,
        refused: 0,
        most: 5,
        poisoned: None,
        hindrance: None,
    }
}

/// Numbers without receipt in a lane of the first node.
fn waiting(world: &World, lane: Lane) -> usize {
    let channels = world.nodes[0].disk.out.iter().filter(|(channel, _)| channel.lane == lane);
    channels.map(|(_, out)| out.outbox.len()).sum()
}

/// Fills the ordinary lane, and sees that the urgent one goes on and the ordinary one after it.
fn urgent_goes_on(hindrance: Hindrance, max_outbox: u64) {
    for seed in 0..20 {
        let profile = Profile { hindrance: Some(hindrance), max_outbox, ..calm() };
        let mut world = World::new(seed, profile, Numbers(seed), false);
        world.submit(0, Lane::Ordinary, 60);
        let end = world.now + 2_000;
        world.run_until(end);
        assert_eq!(waiting(&world, Lane::Ordinary), 60);
        let chunk = world.submit(0, Lane::Urgent, 20);
        world.run_until(end + 1_000);
        assert!(world.accepted.contains(&chunk), "the urgent chunk is not taken");
        assert_eq!((waiting(&world, Lane::Ordinary), waiting(&world, Lane::Urgent)), (60, 0), "{hindrance:?}");
        world.heal();
        world.finish();
        assert_eq!(waiting(&world, Lane::Ordinary), 0);
    }
}

#[test]
fn the_urgent_lane_goes_on_whatever_holds_up_the_ordinary_one() {
    for hindrance in [Hindrance::Silence, Hindrance::Refusal, Hindrance::Lack, Hindrance::Capacity] {
        urgent_goes_on(hindrance, 1_000);
    }
}

#[test]
fn the_urgent_lane_goes_on_while_the_ordinary_one_fills_the_outbox() {
    urgent_goes_on(Hindrance::Silence, 60);
}
