//! What was found against what was planted: as often as planted, and nothing else.

use std::collections::BTreeMap;

use luxor_protocol::reference::s10;
use luxor_protocol::time::{Millis, TimeError};
use serde::{Deserialize, Serialize};

use super::world::Planted;

/// Something that a member's node found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Found {
    pub(super) class: String,
    /// At whose node.
    pub(super) at: &'static str,
    /// The item, or the account.
    pub(super) about: String,
    /// In a sentence.
    pub(super) text: String,
}

/// What `luxor reconcile --json` tells, as far as it is needed here.
#[derive(Debug, Deserialize)]
pub(super) struct Reconciled {
    as_of: String,
    /// Whether everything stored was looked at.
    pub(super) read: bool,
    pub(super) followed: u64,
    pub(super) records: u64,
    pub(super) items: u64,
    findings: Vec<Finding>,
}

#[derive(Debug, Deserialize)]
struct Finding {
    class: String,
    item: Option<FoundItem>,
    account: Option<String>,
    text: String,
}

#[derive(Debug, Deserialize)]
struct FoundItem {
    id: String,
}

/// How findings and faults go together.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Compared {
    /// Planted, and not found.
    pub(super) missing: Vec<Planted>,
    /// Found, and not planted.
    pub(super) surplus: Vec<Found>,
    /// By class: planted and found.
    pub(super) classes: BTreeMap<String, (u64, u64)>,
}

impl Reconciled {
    /// As of when.
    pub(super) fn as_of(&self) -> Result<Millis, TimeError> {
        self.as_of.parse()
    }

    /// Its findings. What is about one record in an account is told of the item that this record is of.
    pub(super) fn found(self, at: &'static str) -> Vec<Found> {
        let one = |finding: Finding| {
            let of_item = finding.item.map(|item| item.id).or_else(|| item_in(&finding.text));
            let about = of_item.or(finding.account).unwrap_or_default();
            Found { class: finding.class, at, about, text: finding.text }
        };
        self.findings.into_iter().map(one).collect()
    }
}

/// The S10 number in a sentence, if there is one. References of the demo end with the number of their item.
pub(super) fn item_in(text: &str) -> Option<String> {
    text.split(|c: char| !c.is_ascii_alphanumeric()).find(|word| s10(word).is_ok()).map(str::to_owned)
}

/// Compares.
pub(super) fn compare(planted: &[Planted], found: &[Found]) -> Compared {
    let mut compared = Compared::default();
    let mut open: BTreeMap<(&str, &str, &str), Vec<&Planted>> = BTreeMap::new();
    for one in planted {
        open.entry((one.at, one.class, &one.about)).or_default().push(one);
        compared.classes.entry(one.class.to_owned()).or_default().0 += 1;
    }
    for one in found {
        compared.classes.entry(one.class.clone()).or_default().1 += 1;
        let expected = open.get_mut(&(one.at, one.class.as_str(), one.about.as_str())).and_then(Vec::pop);
        if expected.is_none() {
            compared.surplus.push(one.clone());
        }
    }
    compared.missing = open.into_values().flatten().cloned().collect();
    compared
}

impl Compared {
    /// What deviates, in words.
    pub(super) fn findings(&self) -> Vec<String> {
        let missing = self.missing.iter().map(|one| {
            format!("planted and not found: {} of {} at {} ({})", one.class, one.about, one.at, one.fault.words())
        });
        let surplus = self
            .surplus
            .iter()
            .map(|one| format!("found and not planted: {} of {} at {}: {}", one.class, one.about, one.at, one.text));
        missing.chain(surplus).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::fault::Fault;
    use super::*;

    fn planted(class: &'static str, about: &str) -> Planted {
        Planted { fault: Fault::Mass, class, at: "customs-eu", about: about.to_owned() }
    }

    fn found(class: &str, about: &str) -> Found {
        Found { class: class.to_owned(), at: "customs-eu", about: about.to_owned(), text: String::new() }
    }

    #[test]
    fn what_is_missing_and_what_is_too_much_is_told() {
        let expected = [planted("mass_differs", "A"), planted("mass_differs", "B"), planted("never_arrived", "A")];
        let all = [found("mass_differs", "A"), found("never_arrived", "A"), found("mass_differs", "B")];
        assert_eq!(compare(&expected, &all).findings(), Vec::<String>::new());
        let less = compare(&expected, &all[..2]);
        assert_eq!((less.missing.len(), less.surplus.len()), (1, 0));
        let twice = [all[0].clone(), all[0].clone(), all[1].clone(), all[2].clone()];
        let more = compare(&expected, &twice);
        assert_eq!((more.missing.len(), more.surplus.len()), (0, 1));
        let other = [Found { at: "platform", ..all[0].clone() }, all[1].clone(), all[2].clone()];
        assert_eq!(compare(&expected, &other).findings().len(), 2);
        assert_eq!(compare(&expected, &all).classes["mass_differs"], (2, 2));
    }

    #[test]
    fn a_finding_in_an_account_is_about_the_item_of_its_record() {
        let text = "the summary of platform does not have duty COLLECTED-RR473124829GB of platform";
        let json = format!(
            r#"{{"as_of": "2026-11-26T17:00:00.000Z", "read": true, "followed": 1, "records": 2, "items": 3, "findings": [
                {{"class": "summary_lacks_item", "item": null, "account": "A", "text": "{text}"}},
                {{"class": "summary_short", "item": null, "account": "A", "text": "short by 30.00 EUR"}},
                {{"class": "mass_differs", "item": {{"id": "X"}}, "account": null, "text": ""}}]}}"#
        );
        let reconciled: Reconciled = serde_json::from_str(&json).unwrap();
        let about: Vec<_> = reconciled.found("customs-eu").into_iter().map(|one| one.about).collect();
        assert_eq!(about, ["RR473124829GB", "A", "X"]);
    }
}
