//! Code lists: which lists records carry codes of, and the editions of each that are known here. This is the one place for them.
//!
//! A new edition is added to its list here and nowhere else: cards then name it, and senders show goods of it only to nodes whose
//! cards do, so it needs no common day of change. An edition's codes mean something else in another edition, so where goods are of an
//! edition that a recipient does not read, nothing is sent rather than something else.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use super::commit::{GroupView, RecordView};
use super::content::{Content, check_leaf, encode_leaf, read_field, read_leaf};
use super::table::{Field, Group, TypeTable};
use super::value::{Kind, Value};
use crate::time::Day;

/// A list of codes with its editions.
#[derive(Debug, PartialEq, Eq)]
pub struct CodeList {
    /// Its name on cards and in tables; never that of a record type.
    pub name: &'static str,
    /// Its full name, for people.
    pub title: &'static str,
    /// Who publishes it.
    pub source: &'static str,
    /// The group whose codes are of it.
    pub group: &'static str,
    /// What is known of its editions, by year.
    pub editions: &'static [Edition],
}

/// An edition of a code list.
#[derive(Debug, PartialEq, Eq)]
pub struct Edition {
    /// The year that it is named by.
    pub year: u64,
    /// The day from which it is in force.
    pub from: Day,
}

/// The Harmonized System.
pub static HS: CodeList = CodeList {
    name: "hs",
    title: "Harmonized Commodity Description and Coding System",
    source: "World Customs Organization",
    group: "classification",
    editions: &[Edition { year: 2022, from: Day(18_993) }, Edition { year: 2028, from: Day(21_184) }],
};

/// Every list that is known.
pub fn code_lists() -> [&'static CodeList; 1] {
    [&HS]
}

impl CodeList {
    /// The edition that codes are of where nothing names another, whatever the day: a meaning that changed at midnight would change for
    /// records that are on their way, and for those that are kept.
    pub fn first(&self) -> u64 {
        self.editions.first().map_or(0, |edition| edition.year)
    }

    /// Whether this edition is known.
    pub fn knows(&self, year: u64) -> bool {
        self.editions.iter().any(|edition| edition.year == year)
    }

    /// Position and definition of its group in a record type.
    pub fn group(&self, table: &TypeTable) -> Option<(usize, &'static Group)> {
        table.group(self.group)
    }

    /// The field of a group that names the edition of its codes.
    pub fn field(&self, group: &Group) -> Option<&'static Field> {
        group.fields.iter().find(|field| matches!(field.kind, Kind::Edition(list) if list == self))
    }

    /// Whether a version of a record type can carry codes of this edition: one that cannot name an edition has those of the first.
    pub fn fits(&self, table: &TypeTable, year: u64) -> bool {
        year == self.first() || self.group(table).is_some_and(|(_, group)| self.field(group).is_some())
    }

    /// The edition of a leaf that is there.
    fn edition_of(&self, group: &Group, leaf: &[u8]) -> u64 {
        match self.field(group).and_then(|field| read_field(group, leaf, field.number)) {
            Some(Value::Uint(year)) => year,
            _ => self.first(),
        }
    }

    /// Its editions by year, for messages.
    pub(super) fn years(&self) -> String {
        let years: Vec<String> = self.editions.iter().map(|edition| edition.year.to_string()).collect();
        years.join(", ")
    }
}

/// An edition of a list, as it is used or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OfEdition {
    /// The list.
    pub list: &'static CodeList,
    /// The edition.
    pub year: u64,
}

impl fmt::Display for OfEdition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.list.name, self.year)
    }
}

impl Content {
    /// The editions that its codes are of, each once; at most as many as are known, since content holds no others.
    pub fn editions(&self) -> Vec<OfEdition> {
        editions(self.table(), |at| self.leaves(at).iter())
    }
}

impl RecordView {
    /// The editions that the codes it shows are of, each once.
    pub fn editions(&self) -> Vec<OfEdition> {
        editions(self.header.table, |at| {
            let leaves = match self.groups.get(at) {
                Some(GroupView::Shown(leaves)) => leaves.as_slice(),
                _ => &[],
            };
            leaves.iter().map(|leaf| leaf.bytes.as_slice())
        })
    }
}

fn editions<'l, L: Iterator<Item = &'l [u8]>>(table: &TypeTable, leaves: impl Fn(usize) -> L) -> Vec<OfEdition> {
    let of = |list: &'static CodeList| {
        let years = list.group(table).map(|(at, group)| {
            let there = leaves(at).filter(|leaf| !leaf.is_empty());
            there.map(|leaf| list.edition_of(group, leaf)).collect::<BTreeSet<_>>()
        });
        years.unwrap_or_default().into_iter().map(move |year| OfEdition { list, year })
    };
    code_lists().into_iter().flat_map(of).collect()
}

/// A leaf as it stands in another version of its group, if that may hold it. The first edition is not named where there is no field for
/// it: its absence says the same.
pub(super) fn fitted<'l>(from: &Group, to: &Group, leaf: &'l [u8]) -> Option<Cow<'l, [u8]>> {
    let fits = |leaf: &[u8]| leaf.is_empty() || check_leaf(to, leaf, &String::new).is_ok();
    if fits(leaf) {
        return Some(Cow::Borrowed(leaf));
    }
    let named = |list: &CodeList| Some(list.field(from)?.number).filter(|_| list.field(to).is_none());
    let mut occurrences = read_leaf(from, leaf).ok()?;
    for list in code_lists() {
        let Some(number) = named(list) else { continue };
        for fields in &mut occurrences {
            fields.retain(|(at, value)| *at != number || *value != Value::Uint(list.first()));
        }
    }
    let without = encode_leaf(to, &occurrences);
    fits(&without).then_some(Cow::Owned(without))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cbor::{Encode, Reader};
    use crate::record::{
        ContentError, DECLARATION, DECLARATION_2, Fault, GroupSet, SealedRecord, content_from_json, tables,
    };
    use crate::testing::record_of;
    use proptest::prelude::*;

    /// A record of version 2 with one goods item for each of these: no classification, one without an edition, or one of it.
    fn goods(items: &[Option<Option<u64>>]) -> Content {
        let item = |item: &Option<Option<u64>>| match item {
            None => r#"{"value":{"amount":"1.00"}}"#.to_owned(),
            Some(None) => r#"{"classification":{"hs":"610910","cus":"0010"}}"#.to_owned(),
            Some(Some(year)) => format!(r#"{{"classification":{{"hs":"610910","cus":"0010","edition":{year}}}}}"#),
        };
        let items: Vec<_> = items.iter().map(item).collect();
        read(2, &items.join(",")).unwrap()
    }

    fn read(version: u64, goods: &str) -> Result<Content, ContentError> {
        let json = format!(
            r#"{{"type":"declaration","version":{version},"filing":{{"own_reference":"A"}},"route":{{"destination":"KR"}},"goods":[{goods}]}}"#
        );
        content_from_json(&serde_json::from_str(&json).unwrap())
    }

    fn any_goods() -> impl Strategy<Value = Vec<Option<Option<u64>>>> {
        let year = prop_oneof![Just(None), Just(Some(2022)), Just(Some(2028))];
        prop::collection::vec(prop_oneof![Just(None), year.prop_map(Some)], 0..9)
    }

    proptest! {
        #[test]
        fn a_record_uses_the_editions_of_its_goods_and_of_what_it_shows(items in any_goods(), shown: bool) {
            let content = goods(&items);
            let years: BTreeSet<u64> = items.iter().flatten().map(|year| year.unwrap_or(2022)).collect();
            let used = content.editions();
            prop_assert_eq!(used.iter().map(|used| used.year).collect::<Vec<_>>(), years.into_iter().collect::<Vec<_>>());
            let record = record_of(content, [1; 16], [2; 32]);
            let (at, _) = HS.group(&DECLARATION_2).unwrap();
            let groups = if shown { GroupSet::NONE.with(at) } else { GroupSet(DECLARATION_2.all_groups().0 & !(1 << at)) };
            let seen = record.view(groups).editions();
            prop_assert_eq!(seen, if shown { used } else { Vec::new() });
        }

        /// Whatever version 1 says of codes is said of the first edition.
        #[test]
        fn codes_of_another_edition_are_never_read_as_the_first(items in any_goods()) {
            let content = goods(&items);
            let (older, lost) = content.to_version(&DECLARATION);
            let foreign = items.iter().flatten().any(|year| *year == Some(2028));
            prop_assert_eq!(lost, if foreign { vec!["classification"] } else { Vec::new() });
            let (at, group) = HS.group(&DECLARATION).unwrap();
            for (item, leaf) in older.leaves(at).iter().enumerate() {
                let kept = !foreign && items.get(item).copied().flatten().is_some();
                prop_assert_eq!(!leaf.is_empty(), kept);
                if kept {
                    prop_assert_eq!(read_leaf(group, leaf).unwrap()[0].len(), 2);
                }
            }
            // It is a record like any other, and goes back to where nothing is named.
            let mut reader_of = older.to_cbor();
            prop_assert_eq!(&Content::decode(&mut Reader::new(&reader_of)).unwrap(), &older);
            let (newer, nothing) = older.to_version(&DECLARATION_2);
            prop_assert!(nothing.is_empty());
            reader_of = newer.to_cbor();
            prop_assert_eq!(&Content::decode(&mut Reader::new(&reader_of)).unwrap(), &newer);
            prop_assert_eq!(newer.editions().into_iter().map(|of| of.year).filter(|year| *year != 2022).count(), 0);
        }

        #[test]
        fn an_edition_that_is_not_known_is_a_fault_at_its_place(year: u64) {
            prop_assume!(!HS.knows(year));
            let error = read(2, &format!(r#"{{}},{{"classification":{{"hs":"610910","edition":{year}}}}}"#)).unwrap_err();
            prop_assert_eq!((error.fault, error.pointer.as_str()), (Fault::Value, "/goods/2/classification/edition"));
            prop_assert_eq!(error.what, format!("'{year}' is not an edition of hs (2022, 2028)"));
        }
    }

    #[test]
    fn an_unknown_edition_that_arrives_is_a_fault_of_that_record() {
        let record = record_of(goods(&[Some(Some(2022)), Some(Some(2028))]), [1; 16], [2; 32]);
        let mut view = record.view(DECLARATION_2.all_groups()).to_cbor();
        assert!(crate::record::ArrivedView::read(&mut Reader::new(&view)).unwrap().fault.is_none());
        // 2028 in CBOR, as an edition that comes after this program.
        let at = view.windows(3).position(|bytes| bytes == [0x19, 0x07, 0xec]).unwrap();
        view[at + 2] = 0xf2;
        let fault = crate::record::ArrivedView::read(&mut Reader::new(&view)).unwrap().fault.unwrap();
        assert_eq!((fault.fault, fault.pointer.as_str()), (Fault::Value, "/goods/2/classification/edition"));
        assert!(fault.what.ends_with("expected an edition of hs (2022, 2028)"), "{}", fault.what);
        let older = read(1, r#"{"classification":{"hs":"610910","edition":2028}}"#).unwrap_err();
        assert_eq!((older.fault, older.pointer.as_str()), (Fault::Unknown, "/goods/1/classification/edition"));
    }

    #[test]
    fn lists_are_well_formed() {
        for list in code_lists() {
            assert!(list.editions.windows(2).all(|two| two[0].year < two[1].year && two[0].from < two[1].from));
            assert!(!list.editions.is_empty() && list.knows(list.first()), "{}", list.name);
            assert!(tables().all(|table| table.name != list.name), "{} is a record type too", list.name);
            assert!(list.name.len() <= 40, "a card has no room for {}", list.name);
            // In the last version of a type the edition has a field of its own, and never one that a group must have.
            let field = list.group(&DECLARATION_2).and_then(|(_, group)| list.field(group)).unwrap();
            assert!(!field.mandatory && !list.fits(&DECLARATION, 2028) && list.fits(&DECLARATION, list.first()));
            for edition in list.editions {
                assert_eq!(edition.from.to_string(), format!("{}-01-01", edition.year));
            }
        }
    }

    #[test]
    fn the_specification_lists_them() {
        let spec = crate::record::tests::specification::text();
        for list in code_lists() {
            let editions: Vec<_> = list.editions.iter().map(|of| format!("{} ({})", of.year, of.from)).collect();
            let line = format!(
                "| `{}` | {} | {} | `{}` | {} |\n",
                list.name,
                list.title,
                list.source,
                list.group,
                editions.join(", ")
            );
            assert!(spec.contains(&line), "SPEC.md lacks: {line}");
        }
    }

    #[test]
    fn the_record_that_is_kept_is_the_one_that_was_given() {
        let record: SealedRecord = record_of(goods(&[Some(Some(2022))]), [1; 16], [2; 32]);
        let absent = record_of(goods(&[Some(None)]), [1; 16], [2; 32]);
        assert_eq!(record.content().editions(), absent.content().editions());
        assert_ne!(record.root(), absent.root(), "what the issuer wrote is what it commits to");
    }
}
