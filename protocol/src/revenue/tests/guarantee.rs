//! Guarantees: what is left of them.

use proptest::prelude::*;

use super::*;
use crate::record::content_from_json;

fn step(reference: &str, revision: u64, state: GuaranteeState, amount: Option<&str>) -> GuaranteeStep {
    GuaranteeStep {
        record: record("customs-de", reference),
        revision,
        cancelled: false,
        number: "G-1".into(),
        state,
        amount: amount.map(money),
        covers: Vec::new(),
    }
}

fn left(guarantee: &Guarantee) -> (String, bool) {
    let standing = guarantee.standing().unwrap();
    (standing.left.to_string(), standing.blocked)
}

#[test]
fn what_is_drawn_and_not_released_is_not_left() {
    use GuaranteeState::*;
    let mut guarantee = Guarantee::new("G-1");
    assert_eq!(guarantee.standing(), None);
    guarantee.take(step("1", 0, Registered, Some("1000 EUR"))).unwrap();
    guarantee.take(step("2", 0, Drawn, Some("11.37 EUR"))).unwrap();
    assert_eq!(left(&guarantee), ("988.63 EUR".into(), false));
    guarantee.take(step("3", 0, Released, Some("8.37 EUR"))).unwrap();
    assert_eq!(left(&guarantee), ("997.00 EUR".into(), false));
    // The draw is corrected, then taken back; then it is blocked.
    assert_eq!(guarantee.take(step("2", 1, Drawn, Some("1100 EUR"))), Ok(Taken::Replaced));
    assert_eq!(left(&guarantee), ("-91.63 EUR".into(), false));
    let gone = GuaranteeStep { cancelled: true, ..step("2", 2, Drawn, Some("1100 EUR")) };
    guarantee.take(gone).unwrap();
    guarantee.take(step("4", 0, Blocked, None)).unwrap();
    assert_eq!(left(&guarantee), ("1008.37 EUR".into(), true));
    let before = guarantee.clone();
    let other = GuaranteeStep { number: "G-2".into(), ..step("5", 0, Drawn, Some("1 EUR")) };
    assert!(matches!(guarantee.take(other), Err(GuaranteeError::Other(..))));
    assert!(matches!(guarantee.take(step("5", 0, Drawn, None)), Err(GuaranteeError::Amount(..))));
    assert!(matches!(guarantee.take(step("5", 0, Drawn, Some("-1 EUR"))), Err(GuaranteeError::Amount(..))));
    assert!(matches!(guarantee.take(step("5", 0, Drawn, Some("1 GBP"))), Err(GuaranteeError::Money(..))));
    assert!(matches!(guarantee.take(step("1", 0, Registered, Some("1 EUR"))), Err(GuaranteeError::Conflict(..))));
    assert_eq!(guarantee.take(step("2", 0, Drawn, Some("5 EUR"))), Ok(Taken::Known));
    assert_eq!(guarantee, before);
}

#[test]
fn its_records_are_read() {
    let json = r#"{"type": "guarantee", "reference": {"own_reference": "G-1-2"},
        "guarantee": {"number": "G-1", "state": "drawn", "amount": "11.37", "currency": "EUR"},
        "covers": [{"issuer": "customs-de", "reference": "D-1"}]}"#;
    let content = content_from_json(&serde_json::from_str(json).unwrap()).unwrap();
    let read = GuaranteeStep::of(&content, &member("customs-de")).unwrap();
    let covers = vec![record("customs-de", "D-1")];
    assert_eq!(read, GuaranteeStep { covers, ..step("G-1-2", 0, GuaranteeState::Drawn, Some("11.37 EUR")) });
}

proptest! {
    #[test]
    fn the_order_of_records_means_nothing(
        steps in prop::collection::vec((0usize..4, 0u64..4), 1..12),
        swaps in prop::collection::vec((0usize..12, 0usize..12), 0..20),
    ) {
        let one = |(kind, revision): (usize, u64)| {
            let one = step(&format!("{kind}-{}", revision / 2), revision, GuaranteeState::ALL[kind], Some("1 EUR"));
            GuaranteeStep { amount: Some(money(&format!("{} EUR", revision + 1))), cancelled: revision == 3, ..one }
        };
        let steps: Vec<GuaranteeStep> = steps.into_iter().map(one).collect();
        let mut shuffled = steps.clone();
        for (one, other) in swaps {
            let count = shuffled.len();
            shuffled.swap(one % count, other % count);
        }
        let (mut first, mut second) = (Guarantee::new("G-1"), Guarantee::new("G-1"));
        steps.into_iter().for_each(|one| _ = first.take(one).unwrap());
        shuffled.into_iter().for_each(|one| _ = second.take(one).unwrap());
        prop_assert_eq!(first, second);
    }
}
