//! Type tables: which groups and fields a record type has. A version, once published, never changes.

use std::fmt;

use super::types::TABLES;
use super::value::Kind;

/// Whether a group stands once in a record or once in each goods item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Once in the record.
    Record,
    /// Once in each goods item.
    Item,
}

/// One field of a group.
#[derive(Debug)]
pub struct Field {
    /// Its key in the encoded group; never used again for another.
    pub number: u8,
    /// Its name in JSON, mappings and messages.
    pub name: &'static str,
    /// Its WCO Data Model id, or empty where the model has none.
    pub wco: &'static str,
    /// What it may hold.
    pub kind: Kind,
    /// Whether a group that is there must hold it.
    pub mandatory: bool,
    /// Whether a record is found by it.
    pub finds: Finds,
}

/// Whether a record is found by a field's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finds {
    /// It is not.
    No,
    /// By a reference or number: of the record itself, of an item, order, unit of transport, referral or filing.
    Reference,
    /// By the name or number of a person or organisation, in the issuer's own node only.
    Party,
}

/// Fields that are disclosed together.
#[derive(Debug)]
pub struct Group {
    /// Its name in agreements, JSON and mappings.
    pub name: &'static str,
    /// What it tells, in plain words, for those who sign an agreement.
    pub title: &'static str,
    /// Once in the record, or once in each goods item.
    pub scope: Scope,
    /// Whether it may occur several times there.
    pub repeats: bool,
    /// Whether a complete record must have it.
    pub mandatory: bool,
    /// Its fields, by ascending number.
    pub fields: &'static [Field],
}

impl Group {
    /// The field of this name.
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|f| f.name == name)
    }

    /// Whether a record is found by one of its fields.
    const fn finds(&self) -> bool {
        let mut at = 0;
        while at < self.fields.len() {
            if !matches!(self.fields[at].finds, Finds::No) {
                return true;
            }
            at += 1;
        }
        false
    }

    /// The field of this number.
    pub fn field_number(&self, number: u64) -> Option<&'static Field> {
        // Numbers run from 1 without a gap, until a field is given up.
        let usual = usize::try_from(number).ok().and_then(|number| self.fields.get(number.wrapping_sub(1)));
        let is_it = |f: &&Field| u64::from(f.number) == number;
        usual.filter(is_it).or_else(|| self.fields.iter().find(is_it))
    }
}

/// A version of a record type. A group's number is its place in `groups`, from 1.
#[derive(Debug)]
pub struct TypeTable {
    /// The type's name.
    pub name: &'static str,
    /// The version.
    pub version: u64,
    /// At most [`crate::limits::MAX_GROUPS`].
    pub groups: &'static [Group],
    /// Those that stand once in each goods item.
    of_items: GroupSet,
    /// Those of the record with fields by which it is found.
    finding: GroupSet,
    /// Whether somebody has to look through all records of the type, as through a queue.
    listed: bool,
}

impl TypeTable {
    /// A version of a type.
    pub const fn new(name: &'static str, version: u64, groups: &'static [Group]) -> Self {
        let (mut of_items, mut finding, mut at) = (0, 0, 0);
        while at < groups.len() {
            match groups[at].scope {
                Scope::Item => of_items |= 1 << at,
                Scope::Record if groups[at].finds() => finding |= 1 << at,
                Scope::Record => {}
            }
            at += 1;
        }
        Self { name, version, groups, of_items: GroupSet(of_items), finding: GroupSet(finding), listed: false }
    }

    /// The same type, all records of which are found by its name.
    pub const fn listed(self) -> Self {
        Self { listed: true, ..self }
    }

    /// Whether all its records are found by its name.
    pub fn is_listed(&self) -> bool {
        self.listed
    }

    /// Groups of the record with fields by which it is found.
    pub(super) fn finding(&self) -> GroupSet {
        self.finding
    }

    /// How many groups of the same scope stand before the one at `position`, and how many groups of the record there are.
    pub(super) fn rank(&self, position: usize) -> (usize, usize) {
        let before = self.of_items.0 & !u32::MAX.checked_shl(position as u32).unwrap_or(0);
        let before = before.count_ones() as usize;
        let record_groups = self.groups.len() - self.of_items.0.count_ones() as usize;
        (if self.of_items.has(position) { before } else { position - before }, record_groups)
    }

    /// Position and group of this name.
    pub fn group(&self, name: &str) -> Option<(usize, &'static Group)> {
        self.groups.iter().enumerate().find(|(_, g)| g.name == name)
    }

    /// Position and group that names the record, with its reference, revision and action: `filing`, else `reference`. None of
    /// [`OPENING`], which is no record's type.
    pub fn head(&self) -> Option<(usize, &'static Group)> {
        self.group("filing").or_else(|| self.group("reference"))
    }

    /// Every group.
    pub fn all_groups(&self) -> GroupSet {
        GroupSet(((1u64 << self.groups.len()) - 1) as u32) // at most 32 groups
    }

    /// The set of the groups named.
    ///
    /// # Errors
    /// The first name that is no group of this type.
    pub fn set<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Result<GroupSet, String> {
        names.into_iter().try_fold(GroupSet::NONE, |set, name| match self.group(name) {
            Some((at, _)) => Ok(set.with(at)),
            None => Err(name.to_owned()),
        })
    }
}

impl Eq for TypeTable {}

impl PartialEq for TypeTable {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.version == other.version
    }
}

/// Groups of one type, by position.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct GroupSet(pub u32);

impl GroupSet {
    /// No group.
    pub const NONE: GroupSet = GroupSet(0);

    /// With the group at `position` added.
    #[must_use]
    pub fn with(self, position: usize) -> Self {
        GroupSet(self.0 | 1u32.checked_shl(position as u32).unwrap_or(0))
    }

    /// Whether the group at `position` is in it.
    pub fn has(self, position: usize) -> bool {
        self.0 & 1u32.checked_shl(position as u32).unwrap_or(0) != 0
    }

    /// Whether every group of this set is in `other`.
    pub fn within(self, other: GroupSet) -> bool {
        self.0 & !other.0 == 0
    }

    /// The groups of both.
    #[must_use]
    pub fn union(self, other: GroupSet) -> Self {
        GroupSet(self.0 | other.0)
    }

    /// Names of the groups in it, in table order.
    pub fn names(self, table: &TypeTable) -> Vec<&'static str> {
        table.groups.iter().enumerate().filter(|(at, _)| self.has(*at)).map(|(_, g)| g.name).collect()
    }
}

impl fmt::Debug for GroupSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GroupSet({:#b})", self.0)
    }
}

/// What an auditor's mandate discloses of a log. No record has this type: an agreement for it is a mandate.
pub static OPENING: TypeTable = TypeTable::new(
    "opening",
    1,
    &[
        Group {
            name: "skeleton",
            title: "that an entry exists, its kind, its agreement, its channel and number, its due date",
            scope: Scope::Record,
            repeats: false,
            mandatory: true,
            fields: &[],
        },
        Group {
            name: "body",
            title: "digests and verdicts that an entry commits to",
            scope: Scope::Record,
            repeats: false,
            mandatory: false,
            fields: &[],
        },
        Group {
            name: "evidence",
            title: "signed headers of dispatches and receipts of counterparties, without any sealed content",
            scope: Scope::Record,
            repeats: false,
            mandatory: false,
            fields: &[],
        },
    ],
);

/// Every type that agreements may name: those of records, and [`OPENING`].
pub fn tables() -> impl Iterator<Item = &'static TypeTable> {
    TABLES.into_iter().chain([&OPENING])
}

/// The table of this type and version.
pub fn table(name: &str, version: u64) -> Option<&'static TypeTable> {
    tables().find(|t| t.name == name && t.version == version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::MAX_GROUPS;

    #[test]
    fn one_group_names_a_record_of_every_type() {
        for table in tables() {
            let wanted = match table.name {
                name if name == OPENING.name => None,
                "declaration" => Some("filing"),
                _ => Some("reference"),
            };
            let head = table.head();
            let named = format!("{} {}", table.name, table.version);
            assert_eq!(head.map(|(_, group)| group.name), wanted, "{named}");
            // No type has both, so which is looked for first decides nothing.
            let both = ["filing", "reference"].map(|name| usize::from(table.group(name).is_some()));
            assert_eq!(both.iter().sum::<usize>(), usize::from(head.is_some()), "{named}");
            if let Some((at, group)) = head {
                assert!(std::ptr::eq(group, &table.groups[at]), "{named}");
                assert_eq!((group.scope, group.repeats), (Scope::Record, false), "{named}");
                assert!(group.field("own_reference").is_some(), "{named}");
            }
        }
    }

    #[test]
    fn tables_are_well_formed() {
        for table in tables() {
            assert!(table.groups.len() <= MAX_GROUPS);
            for (at, group) in table.groups.iter().enumerate() {
                assert_eq!(table.group(group.name).map(|(i, _)| i), Some(at), "{} twice", group.name);
                assert!(group.fields.windows(2).all(|w| w[0].number < w[1].number), "{} order", group.name);
                assert!(group.fields.iter().all(|field| field.number < 64), "{}", group.name);
                // The place of a mandatory group that is missing is its first mandatory field.
                let named = group.fields.is_empty() || group.fields.iter().any(|field| field.mandatory);
                assert!(!group.mandatory || (named && group.scope == Scope::Record), "{} {}", table.name, group.name);
                for field in group.fields {
                    assert!(std::ptr::eq(group.field(field.name).unwrap(), field), "{}.{}", group.name, field.name);
                }
            }
            assert_eq!(table.all_groups().names(table).len(), table.groups.len());
            for (at, group) in table.groups.iter().enumerate() {
                let of = |scope, groups: &[Group]| groups.iter().filter(|group| group.scope == scope).count();
                let counted = (of(group.scope, &table.groups[..at]), of(Scope::Record, table.groups));
                assert_eq!(table.rank(at), counted, "{}", group.name);
            }
        }
    }
}
