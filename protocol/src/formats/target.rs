//! Paths of a mapping: `route.mode`, `goods.origin.net_kg`, and with a number where a group repeats, `declarant.1.id`.
//!
//! Not in: what may stand there, that is [`crate::record::Kind`]'s.

use crate::limits::MAX_OCCURRENCES;
use crate::record::{Field, Group, Scope, TypeTable};

/// A field of a record type, found by its path.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target {
    /// The group's position in the type table.
    pub(super) position: usize,
    pub(super) group: &'static Group,
    /// From 1; 1 as well in a group that does not repeat.
    pub(super) occurrence: usize,
    pub(super) field: &'static Field,
}

impl Target {
    /// Finds a path in a type table, or says in words why there is no such field and which there are.
    pub(super) fn resolve(table: &'static TypeTable, path: &str) -> Result<Self, String> {
        let (scope, rest) = match path.strip_prefix("goods.") {
            Some(rest) => (Scope::Item, rest),
            None => (Scope::Record, path),
        };
        let parts: Vec<&str> = rest.split('.').collect();
        let (name, number, field) = match *parts.as_slice() {
            [name, field] => (name, None, field),
            [name, number, field] => (name, Some(number), field),
            _ => return Err("a path is group.field, group.1.field or goods.group.field".into()),
        };
        let Some((position, group)) = table.group(name).filter(|(_, g)| g.scope == scope) else {
            return Err(no_group(table, scope, name));
        };
        let occurrence = match number {
            None if group.repeats => {
                return Err(format!("{name} may occur several times\nhint: write {}", path_of(group, 1, field)));
            }
            None => 1,
            Some(_) if !group.repeats => {
                return Err(format!("{name} occurs once\nhint: write {}", path_of(group, 1, field)));
            }
            Some(number) => match number.parse() {
                Ok(n) if (1..=MAX_OCCURRENCES).contains(&n) => n,
                _ => return Err(format!("'{number}' is not a number of an occurrence, 1 to {MAX_OCCURRENCES}")),
            },
        };
        let Some(field) = group.field(field) else {
            let known: Vec<_> = group.fields.iter().map(|f| path_of(group, occurrence, f.name)).collect();
            return Err(format!("{name} has no field '{field}'\nhint: known are {}", known.join(", ")));
        };
        Ok(Self { position, group, occurrence, field })
    }

    /// The place in a record, as in [`crate::record::ContentError`]; goods items are counted from 0.
    pub(super) fn pointer(self, item: usize) -> String {
        let goods = if self.group.scope == Scope::Item { format!("/goods/{}", item + 1) } else { String::new() };
        let occurrence = if self.group.repeats { format!("/{}", self.occurrence) } else { String::new() };
        format!("{goods}/{}{occurrence}/{}", self.group.name, self.field.name)
    }

    /// The path that leads here.
    pub(super) fn path(self) -> String {
        path_of(self.group, self.occurrence, self.field.name)
    }
}

/// The path of a field, which need not exist.
pub(super) fn path_of(group: &Group, occurrence: usize, field: &str) -> String {
    let goods = if group.scope == Scope::Item { "goods." } else { "" };
    match group.repeats {
        true => format!("{goods}{}.{occurrence}.{field}", group.name),
        false => format!("{goods}{}.{field}", group.name),
    }
}

fn no_group(table: &TypeTable, scope: Scope, name: &str) -> String {
    let known = |scope| -> Vec<_> { table.groups.iter().filter(|g| g.scope == scope).map(|g| g.name).collect() };
    let (place, other) = match scope {
        Scope::Record => ("", Scope::Item),
        Scope::Item => (" in its goods items", Scope::Record),
    };
    let there = match (known(other).contains(&name), scope) {
        (true, Scope::Record) => format!(" (goods.{name} there is)"),
        (true, Scope::Item) => format!(" ({name} there is, without 'goods.')"),
        (false, _) => String::new(),
    };
    format!("{} has no group '{name}'{place}{there}\nhint: known are {}", table.name, known(scope).join(", "))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use crate::record::DECLARATION;

    #[test]
    fn every_field_is_reached_by_its_path() {
        for group in DECLARATION.groups {
            for field in group.fields {
                let path = path_of(group, 1, field.name);
                let target = Target::resolve(&DECLARATION, &path).unwrap();
                assert!(std::ptr::eq(target.field, field) && target.path() == path, "{path}");
            }
        }
        let pointer = |path| Target::resolve(&DECLARATION, path).unwrap().pointer(1);
        assert_eq!(pointer("goods.origin.net_kg"), "/goods/2/origin/net_kg");
        assert_eq!(pointer("goods.duty.3.kind"), "/goods/2/duty/3/kind");
        assert_eq!(pointer("declarant.2.id"), "/declarant/2/id");
    }

    #[test]
    fn wrong_paths_are_answered_with_what_there_is() {
        for (path, message) in [
            ("route", "a path is"),
            ("goods.value", "a path is"),
            ("a.b.c.d", "a path is"),
            ("rout.mode", "known are filing, item, route"),
            ("value.amount", "goods.value there is"),
            ("goods.route.mode", "without 'goods.'"),
            ("route.speed", "known are route.destination"),
            ("route.1.mode", "write route.mode"),
            ("declarant.id", "write declarant.1.id"),
            ("declarant.0.id", "1 to 99"),
            ("declarant.100.id", "1 to 99"),
        ] {
            let error = Target::resolve(&DECLARATION, path).unwrap_err();
            assert!(error.contains(message), "{path}: {error}");
        }
    }
}
