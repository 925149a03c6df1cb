//! Thresholds, worked out by hand.

use super::*;
use crate::statistics::facts::Sums;
use crate::statistics::{Cost, Side, ThresholdError, Thresholds};

fn worth(value: u64, duty: u64, model: CollectionModel) -> Fact {
    let mut fact = item("CN", "6109", "a", value);
    (fact.duty, fact.mass, fact.place.model) = (duty, 10, model);
    fact
}

/// Items of 10.00, 22.00, 22.01, 150.00 and 400.00 through the vendor, one of 100.00 on arrival; thresholds 0, 22, 50, 150.
fn sample() -> Thresholds {
    let costs = [
        (CollectionModel::Vendor, Cost { per_item: 10, per_mille: 5 }),
        (CollectionModel::Consumer, Cost { per_item: 500, per_mille: 0 }),
    ];
    let mut thresholds = Thresholds::new(&[0, 2200, 5000, 15000], costs.into()).unwrap();
    for (value, duty) in [(1000, 200), (2200, 440), (2201, 440), (15000, 3000), (40000, 8001)] {
        thresholds.add(&worth(value, duty, CollectionModel::Vendor));
    }
    thresholds.add(&worth(10000, 2000, CollectionModel::Consumer));
    thresholds
}

#[test]
fn what_lies_below_and_above() {
    let rows = sample().at();
    let row = |threshold: u64, model: Option<CollectionModel>| {
        *rows.iter().find(|row| row.threshold == threshold && row.model == model).unwrap()
    };
    let counts = |threshold, model| {
        let row = row(threshold, model);
        (row.below.sums.count, row.above.sums.count)
    };
    assert_eq!([0, 2200, 5000, 15000].map(|at| counts(at, None)), [(0, 6), (2, 4), (3, 3), (5, 1)]);
    assert_eq!(
        [0, 2200, 5000, 15000].map(|at| counts(at, Some(CollectionModel::Vendor))),
        [(0, 5), (2, 3), (3, 2), (4, 1)]
    );
    assert_eq!(
        [0, 2200, 5000, 15000].map(|at| counts(at, Some(CollectionModel::Consumer))),
        [(0, 1), (0, 1), (0, 1), (1, 0)]
    );
    assert_eq!(rows.len(), 4 * 3);
    // At 22.00 two items of 32.00 with duty 6.40: two times 0.10, and 5 thousandths of 6.40 are 0.032, rounded up to 0.04.
    let below = row(2200, Some(CollectionModel::Vendor)).below;
    assert_eq!(below.sums, Sums { count: 2, value: 3200, mass: 20, duty: 640 });
    assert_eq!((below.cost, below.net()), (24, 616));
    // Above: 22.01, 150.00 and 400.00, duty 114.41; 0.30 and 57.205 thousandths.
    let above = row(2200, Some(CollectionModel::Vendor)).above;
    assert_eq!((above.sums.value, above.sums.duty, above.cost), (57201, 11441, 30 + 58));
    // Together they cost what they cost apart.
    assert_eq!(row(2200, None).above.cost, 88 + 500);
}

#[test]
fn models_beside_one_another() {
    let models = sample().models();
    let vendor = Side { sums: Sums { count: 5, value: 60401, mass: 50, duty: 12081 }, cost: 50 + 61 };
    let consumer = Side { sums: Sums { count: 1, value: 10000, mass: 10, duty: 2000 }, cost: 500 };
    assert_eq!(models, [(CollectionModel::Vendor, vendor), (CollectionModel::Consumer, consumer)]);
    // Collecting 3.00 on arrival at 5.00 an item costs more than it brings.
    assert_eq!(Side { sums: Sums { count: 1, duty: 300, ..Sums::default() }, cost: 500 }.net(), -200);
}

#[test]
fn an_item_that_is_taken_away_leaves_nothing() {
    let mut thresholds = sample();
    let fact = worth(2200, 440, CollectionModel::Vendor);
    thresholds.take(&fact).unwrap();
    assert_eq!(thresholds.at().iter().find(|row| row.threshold == 2200).unwrap().below.sums.count, 1);
    for wrong in [fact, worth(2201, 441, CollectionModel::Vendor), worth(1, 1, CollectionModel::Intermediary)] {
        let error = ThresholdError::NotThere { model: wrong.place.model, value: wrong.value };
        let before = thresholds.at();
        let taken = thresholds.take(&wrong);
        assert!(taken == Err(error), "{wrong:?}");
        assert_eq!(thresholds.at(), before);
    }
}

#[test]
fn thresholds_are_in_order() {
    for at in [&[][..], &[5, 5], &[6, 5], &[0; 65]] {
        assert_eq!(Thresholds::new(at, BTreeMap::new()).err(), Some(ThresholdError::Order));
    }
}
