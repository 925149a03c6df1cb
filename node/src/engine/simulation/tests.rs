//! Seeds, and single cases that seeds would meet too rarely.

use super::run::simulate;

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
    let (mut receipts, mut lost_disks, mut steps) = (0, 0, 0);
    for seed in 0..seeds() {
        let told = simulate(seed, false);
        if seed % 20 == 0 {
            assert_eq!(simulate(seed, false), told, "seed {seed} does not give the same run twice");
        }
        receipts += told.receipts;
        lost_disks += told.lost_disks;
        steps += told.steps;
    }
    println!("{steps} steps, {receipts} receipts, {lost_disks} lost disks");
    assert!(receipts > seeds() * 10 && lost_disks > seeds() / 4, "{receipts} receipts, {lost_disks} lost disks");
}
