//! By what records are found: references, numbers of items, orders and units of transport, and the parties that they name.
//!
//! Which fields these are, the type tables say ([`Finds`]). Not here: the index, which is the node's.

use super::arrived::ArrivedView;
use super::commit::{GroupView, RecordView};
use super::content::Content;
use super::table::{Finds, TypeTable};
use super::visit::{Held, visit_leaf};

/// By what a record is found, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// Its own reference, items, orders, units of transport, referrals, filings, in the order of its groups.
    pub references: Vec<String>,
    /// Names and numbers of parties, ordered, as [`party_name`] spells them.
    pub parties: Vec<String>,
    /// Its type, where all records of that are looked through.
    pub listed: Option<&'static str>,
}

/// A party's name or number in the one spelling that is compared: lower case, one space between words.
pub fn party_name(text: &str) -> String {
    text.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}

/// A reference in the one spelling by which records are found: no spaces, ASCII letters in capitals, as people print S10 and S9 numbers with
/// spaces.
pub fn reference_name(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_uppercase()).collect()
}

impl Names {
    /// Whether a reference leads to the record.
    pub fn has_reference(&self, reference: &str) -> bool {
        let wanted = reference_name(reference);
        self.references.iter().any(|reference| reference_name(reference) == wanted)
    }

    /// Of whatever gives the leaf of a group of the record by its position.
    fn of<'l>(table: &'static TypeTable, leaf: impl Fn(usize) -> Option<&'l [u8]>) -> Self {
        let mut names = Self { listed: table.is_listed().then_some(table.name), ..Self::default() };
        let groups = table.groups.iter().enumerate().filter(|(at, _)| table.finding().has(*at));
        for (group, bytes) in groups.filter_map(|(at, group)| Some((group, leaf(at).filter(|leaf| !leaf.is_empty())?)))
        {
            visit_leaf(group, bytes, |_, at, held| match (group.fields[at].finds, held) {
                (Finds::Party, Held::Text(text)) => names.parties.push(party_name(text)),
                (Finds::Reference, Held::Text(text)) if names.references.iter().all(|known| known != text) => {
                    names.references.push(text.to_owned());
                }
                _ => {}
            });
        }
        names.parties.sort_unstable();
        names.parties.dedup();
        names
    }
}

impl Content {
    /// By what it is found.
    pub fn names(&self) -> Names {
        Names::of(self.table(), |at| self.leaves(at).get(0))
    }
}

impl RecordView {
    /// By what it is found, as far as it is shown.
    pub fn names(&self) -> Names {
        Names::of(self.header.table, |at| match self.groups.get(at)? {
            GroupView::Shown(leaves) => leaves.first().map(|leaf| leaf.bytes.as_slice()),
            GroupView::Hidden(_) => None,
        })
    }
}

impl ArrivedView<'_> {
    /// By what it is found, as far as it is shown.
    pub fn names(&self) -> Names {
        Names::of(self.header.table, |at| self.leaf(at))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cbor::{Decode as _, Encode as _, Reader};
    use crate::record::{Scope, Value, content_from_json};
    use crate::testing::{any_content, groups, record_of};

    /// The same by reading every value of every group.
    fn naively(content: &Content, shown: impl Fn(usize) -> bool) -> Names {
        let mut names =
            Names { listed: content.table().is_listed().then_some(content.table().name), ..Names::default() };
        for (at, group) in content.table().groups.iter().enumerate() {
            if group.scope == Scope::Item || !shown(at) {
                continue;
            }
            let leaf = content.leaves(at).get(0).unwrap();
            for (number, value) in crate::record::content::read_leaf(group, leaf).unwrap().into_iter().flatten() {
                match (group.field_number(number.into()).unwrap().finds, value) {
                    (Finds::Reference, Value::Text(text)) if !names.references.contains(&text) => {
                        names.references.push(text)
                    }
                    (Finds::Party, Value::Text(text)) => names.parties.push(party_name(&text)),
                    _ => {}
                }
            }
        }
        names.parties.sort();
        names.parties.dedup();
        names
    }

    proptest! {
        #[test]
        fn names_are_those_that_are_shown(content in any_content(), groups in groups()) {
            prop_assert_eq!(content.names(), naively(&content, |_| true));
            let record = record_of(content.clone(), [1; 16], [2; 32]);
            let view = record.view(groups);
            let wanted = naively(&content, |at| groups.has(at));
            prop_assert_eq!(RecordView::from_cbor(&view.to_cbor()).unwrap().names(), wanted.clone());
            let bytes = view.to_cbor();
            prop_assert_eq!(ArrivedView::read(&mut Reader::new(&bytes)).unwrap().names(), wanted);
        }
    }

    #[test]
    fn every_item_of_a_receptacle_finds_it() {
        let json = serde_json::json!({"type": "consignment", "reference": {"own_reference": "C-1"}, "unit": {"level": "receptacle", "id": "S9"},
            "within": {"level": "despatch", "id": "S8"}, "contains": [{"level": "item", "id": "A"}, {"level": "item", "id": "B"}],
            "principal": {"capacity": "agent", "name": "Ship  &  Co", "id": "X1"}});
        let names = content_from_json(&json).unwrap().names();
        assert_eq!(names.references, ["C-1", "S9", "S8", "A", "B"]);
        assert_eq!(names.parties, ["ship & co", "x1"]);
    }
}
