//! Local prohibitions: what national law forbids whatever agreements say. A file of its own at each node; it only takes away.
//!
//! Not here: where the file stands (node), how it is applied to rows ([`super::policy`]).

use serde::Deserialize;

use crate::limits::MAX_PROHIBITIONS;
use crate::names::{MemberId, Purpose, Slug};
use crate::record::{GroupSet, TypeTable};
use crate::time::Day;

/// Why a prohibition file was refused. A node does not start with one that it cannot read: it would give too much.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("prohibitions: {0}\nhint: nothing is given under a file that cannot be read; mend it and try again")]
pub struct ProhibitionError(String);

/// One prohibition. What it does not name, it forbids for all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prohibition {
    /// Its name in messages.
    pub id: Slug,
    /// The law, for people.
    pub ground: String,
    /// The record type; none means every type.
    pub type_name: Option<String>,
    /// Senders; none means all.
    pub from: Vec<MemberId>,
    /// Recipients; none means all.
    pub to: Vec<MemberId>,
    /// Purposes; none means all.
    pub purposes: Vec<Purpose>,
    /// Names of groups; none means the whole record.
    pub groups: Vec<String>,
    /// The first day of it.
    pub since: Option<Day>,
    /// The last day of it.
    pub until: Option<Day>,
}

/// All prohibitions of a node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prohibitions(Vec<Prohibition>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    forbid: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: Slug,
    ground: String,
    #[serde(rename = "type")]
    type_name: Option<String>,
    #[serde(default)]
    from: Vec<MemberId>,
    #[serde(default)]
    to: Vec<MemberId>,
    #[serde(default)]
    purposes: Vec<Purpose>,
    #[serde(default)]
    groups: Vec<String>,
    since: Option<String>,
    until: Option<String>,
}

impl Prohibitions {
    /// Reads the file's TOML. Groups are checked against the newest version of each type that is known here.
    ///
    /// # Errors
    /// [`ProhibitionError`] for everything that it does not understand, since what is not understood would be allowed.
    pub fn parse(text: &str) -> Result<Self, ProhibitionError> {
        let wrong = |what: String| ProhibitionError(what);
        let file: File = toml::from_str(text).map_err(|e| wrong(e.to_string()))?;
        if file.forbid.len() > MAX_PROHIBITIONS {
            return Err(wrong(format!("more than {MAX_PROHIBITIONS}")));
        }
        let mut all: Vec<Prohibition> = Vec::with_capacity(file.forbid.len());
        for entry in file.forbid {
            let id = entry.id;
            let wrong = |what: &str| ProhibitionError(format!("'{id}': {what}"));
            if all.iter().any(|other| other.id == id) {
                return Err(wrong("its name stands there twice"));
            }
            super::check_line(&entry.ground, 400).map_err(|()| wrong("its ground is no line of 1 to 400 bytes"))?;
            let tables = || {
                let of_type = |name: &str| entry.type_name.as_deref().is_none_or(|wanted| wanted == name);
                crate::record::tables().filter(move |table| of_type(table.name))
            };
            if tables().next().is_none() {
                return Err(wrong("no record type of this name is known here"));
            }
            if let Some(group) = entry.groups.iter().find(|name| tables().all(|table| table.group(name).is_none())) {
                return Err(wrong(&format!("no version of the type has a group '{group}'")));
            }
            let day = |text: Option<String>| text.map(|text| text.parse::<Day>()).transpose();
            let (since, until) = match (day(entry.since), day(entry.until)) {
                (Ok(since), Ok(until)) => (since, until),
                (Err(error), _) | (_, Err(error)) => return Err(wrong(&error.to_string())),
            };
            if since.zip(until).is_some_and(|(since, until)| since > until) {
                return Err(wrong("it ends before it begins"));
            }
            let (ground, type_name, from, to) = (entry.ground, entry.type_name, entry.from, entry.to);
            let (purposes, groups) = (entry.purposes, entry.groups);
            all.push(Prohibition { id, ground, type_name, from, to, purposes, groups, since, until });
        }
        Ok(Self(all))
    }

    /// Every prohibition.
    pub fn all(&self) -> &[Prohibition] {
        &self.0
    }
}

impl Prohibition {
    /// Whether it is about this flow at some time.
    pub(super) fn concerns(&self, type_name: &str, from: &MemberId, to: &MemberId, purpose: Purpose) -> bool {
        let among = |list: &[MemberId], id: &MemberId| list.is_empty() || list.contains(id);
        self.type_name.as_deref().is_none_or(|name| name == type_name)
            && among(&self.from, from)
            && among(&self.to, to)
            && (self.purposes.is_empty() || self.purposes.contains(&purpose))
    }

    /// The groups of a type that it takes away.
    pub(super) fn takes(&self, table: &TypeTable) -> GroupSet {
        if self.groups.is_empty() {
            return table.all_groups();
        }
        let known = self.groups.iter().filter_map(|name| table.group(name));
        known.fold(GroupSet::NONE, |set, (at, _)| set.with(at))
    }

    /// Whether it holds on a day.
    pub(super) fn holds(&self, day: Day) -> bool {
        self.since.is_none_or(|since| since <= day) && self.until.is_none_or(|until| day <= until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_understood_is_refused() {
        let good = "[[forbid]]\nid = \"a\"\nground = \"Act 1\"\ntype = \"declaration\"\ngroups = [\"sender\"]\n";
        assert_eq!(Prohibitions::parse(good).unwrap().all().len(), 1);
        assert_eq!(Prohibitions::parse("").unwrap(), Prohibitions::default());
        for (bad, why) in [
            (format!("{good}reason = 1\n"), "unknown field"),
            (good.replace("forbid", "allow"), "unknown field"),
            (good.replace("sender", "senders"), "no version of the type has a group 'senders'"),
            (good.replace("declaration", "parcel"), "no record type of this name"),
            (good.replace("Act 1", ""), "its ground"),
            (format!("{good}since = \"2026-02-30\"\n"), "is not a day"),
            (format!("{good}since = \"2026-02-02\"\nuntil = \"2026-02-01\"\n"), "ends before"),
            (format!("{good}purposes = [\"profit\"]\n"), "unknown variant"),
            (format!("{good}{good}"), "twice"),
        ] {
            let error = Prohibitions::parse(&bad).unwrap_err().to_string();
            assert!(error.contains(why), "{bad}: {error}");
        }
    }
}
