//! The agreement: an MoU or MRA as data. Signed by every party; what no row gives does not flow.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::recognition::DraftRecognition;
use super::{
    Charter, CharterMember, Document, DocumentError, DocumentKind, MAX_WORD, Recognition, decode_some, is_word,
};
use crate::cbor::{CborError, Decode, Encode, Reader, Writer};
use crate::hash::{Digest, unhex};
use crate::limits::{MAX_FLOWS, MAX_GROUPS, MAX_MEMBERS, MAX_ONWARD, MAX_RECOGNITIONS, MAX_RETENTION_DAYS, MAX_TERMS};
use crate::names::{MemberId, MemberKind, Purpose, Slug, Territory, word_enum};
use crate::record::{EXTRA_GROUP, Group, GroupSet, RecordView, TypeTable, table};
use crate::time::Day;

/// One row: records of a type may go from these members to those, for one purpose, showing these groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// The record type; `opening` makes the row an auditor's mandate.
    pub type_name: String,
    /// Its versions, each with all groups named. Ordered. The sender uses the highest that the recipient reads.
    pub type_versions: Vec<u64>,
    /// Who may send. Ordered.
    pub from: Vec<MemberId>,
    /// Who may receive. Ordered.
    pub to: Vec<MemberId>,
    /// What for.
    pub purpose: Purpose,
    /// Names of the groups shown. Ordered.
    pub groups: Vec<String>,
    /// Only records whose route has one of these in one of `roles`; empty means all. Ordered.
    pub territories: Vec<Territory>,
    /// Which places of the route count; not empty. Ordered.
    pub roles: Vec<Role>,
    /// Only to a recipient that the record names as one who handles the item.
    pub handling: bool,
    /// Days after which the recipient must have erased them.
    pub retention_days: u64,
    /// To whom the recipient may pass them on, and what of them.
    pub onward: Vec<Onward>,
    /// Further terms, by name. A node that does not know one of them gives and takes nothing under the row.
    pub terms: Vec<Term>,
}

word_enum!(
    /// A place on an item's route.
    Role, "role of a territory", {
        /// Where it goes.
        Destination = 1, "destination";
        /// Where it enters a customs territory first.
        FirstEntry = 2, "first_entry";
        /// Where it passes through.
        Transit = 3, "transit";
        /// Where it comes from.
        Departure = 4, "departure";
    }
);

/// A permission to pass records on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Onward {
    /// To whom.
    pub to: Recipients,
    /// What for.
    pub purpose: Purpose,
    /// Which groups of the row's. Ordered.
    pub groups: Vec<String>,
    /// Days after which the last recipient must have erased them.
    pub retention_days: u64,
}

/// Onward recipients: by name, or by kind with or without a territory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recipients {
    /// By name. Ordered.
    pub members: Vec<MemberId>,
    /// By kind and territory. Ordered.
    pub kinds: Vec<(MemberKind, Option<Territory>)>,
}

impl Recipients {
    /// Whether a member is one of them.
    pub fn include(&self, member: &CharterMember) -> bool {
        let of_kind = |(kind, place): &(MemberKind, Option<Territory>)| {
            *kind == member.kind && place.is_none_or(|place| place.contains(member.territory))
        };
        self.members.contains(&member.id) || self.kinds.iter().any(of_kind)
    }

    /// All of them in words; `name` tells a member's.
    pub fn in_words(&self, name: impl Fn(&MemberId) -> String) -> String {
        let kinds = self.kinds.iter().map(|(kind, place)| match place {
            Some(place) => format!("any {kind} of {place}"),
            None => format!("any {kind}"),
        });
        self.members.iter().map(name).chain(kinds).collect::<Vec<_>>().join(", ")
    }
}

/// A term of a row that has no place of its own: its name is a word, its value a word or a member's name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Term {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// Terms that this version of the protocol knows, with every value of them and what it says in words.
const TERMS: [(&str, &str, &str); 4] = [
    ("deletion_receipt", "yes", "the recipient proves that it erased them"),
    ("evidence", "yes", "may be used as evidence in court"),
    ("unlinkable", "yes", "recipients cannot tell that they hold the same record"),
    ("when_stale", "stop", "nothing flows under an expired charter"),
];
/// The term whose value is a member: the one with which a sealed dispatch is deposited.
const DEPOSIT: &str = "deposit";

impl Term {
    /// What it says in words; `None` where this version of the protocol does not know it.
    pub fn in_words(&self) -> Option<String> {
        if let Some(member) = self.depositary() {
            return Some(format!(
                "a dispatch whose receipt is overdue may be deposited, sealed, with {member}, where its recipient fetches it"
            ));
        }
        self.listed().map(str::to_owned)
    }

    fn is_known(&self) -> bool {
        self.listed().is_some() || self.depositary().is_some()
    }

    /// What a term of the list says in words.
    fn listed(&self) -> Option<&'static str> {
        TERMS.iter().find(|(name, value, _)| *name == self.name && *value == self.value).map(|(_, _, words)| *words)
    }

    /// The member with which a sealed dispatch is deposited, where it says that.
    fn depositary(&self) -> Option<MemberId> {
        if self.name == DEPOSIT { self.value.parse().ok() } else { None }
    }
}

impl Flow {
    /// Whether it has this term, and known.
    pub fn has_term(&self, name: &str) -> bool {
        self.terms.iter().any(|term| term.name == name && term.is_known())
    }

    /// The member with which a sealed dispatch under the row is deposited once its receipt is overdue.
    pub fn depositary(&self) -> Option<MemberId> {
        self.terms.iter().find_map(Term::depositary)
    }

    /// The first term that this version of the protocol does not know.
    pub fn unknown_term(&self) -> Option<&Term> {
        self.terms.iter().find(|term| !term.is_known())
    }

    /// Whether it is about a record with these places on its route, handled by these members, as far as `to` gets it.
    pub fn covers(
        &self,
        to: &MemberId,
        place: impl Fn(Role) -> Option<Territory>,
        handled_by: impl Fn(&MemberId) -> bool,
    ) -> bool {
        let within = |place: Territory| self.territories.iter().any(|territory| territory.contains(place));
        let there = self.territories.is_empty() || self.roles.iter().any(|role| place(*role).is_some_and(within));
        there && (!self.handling || handled_by(to))
    }

    /// The same of what is shown of a record to `to`: what a view hides covers nothing.
    pub fn covers_view(&self, to: &MemberId, view: &RecordView) -> bool {
        // The names of roles are those of the route's fields.
        self.covers(to, |role| view.place(role.word()), |member| view.is_handled_by(member))
    }

    /// The table of a version of its type, and the groups shown of it. Without a table the version is not known here; without a set,
    /// it has not all groups named.
    pub fn view(&self, version: u64) -> Option<(&'static TypeTable, Option<GroupSet>)> {
        let table = table(&self.type_name, version)?;
        Some((table, table.set(self.groups.iter().map(String::as_str)).ok()))
    }
}

/// What may flow between its parties.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreement {
    /// Short name; also the document's id.
    pub id: Slug,
    /// For people.
    pub title: String,
    /// The legal instrument.
    pub instrument: String,
    /// The article in it.
    pub article: String,
    /// Who answers for the data at law.
    pub controller: String,
    /// Digest of the instrument's text, where there is one.
    pub document: Option<Digest>,
    /// Who signs. Ordered.
    pub parties: Vec<MemberId>,
    /// First day in force.
    pub valid_from: Day,
    /// Last day in force.
    pub valid_until: Day,
    /// The rows.
    pub flows: Vec<Flow>,
    /// Whose attestations about traders are recognised, and what that gives them.
    pub recognises: Vec<Recognition>,
}

/// An agreement as people write it, in TOML.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    id: Slug,
    title: String,
    instrument: String,
    article: String,
    controller: String,
    document: Option<String>,
    parties: Vec<MemberId>,
    valid_from: String,
    valid_until: String,
    #[serde(default, rename = "flow")]
    flows: Vec<DraftFlow>,
    #[serde(default)]
    recognises: Vec<DraftRecognition>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct DraftFlow {
    #[serde(rename = "type")]
    type_name: String,
    version: Option<u64>,
    #[serde(default)]
    versions: Vec<u64>,
    from: Vec<MemberId>,
    to: Vec<MemberId>,
    purpose: Purpose,
    groups: Vec<String>,
    #[serde(default)]
    destinations: Vec<Territory>,
    #[serde(default)]
    territories: Vec<Territory>,
    #[serde(default)]
    roles: Vec<Role>,
    #[serde(default)]
    handling: bool,
    retention_days: u64,
    #[serde(default)]
    onward: Vec<DraftOnward>,
    #[serde(default)]
    terms: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct DraftOnward {
    #[serde(default)]
    to: Vec<MemberId>,
    #[serde(default)]
    kinds: Vec<String>,
    purpose: Purpose,
    groups: Vec<String>,
    retention_days: u64,
}

pub(super) const MAX_WORDS: usize = 400;
/// Versions of a type that one row names.
const MAX_TYPE_VERSIONS: usize = 16;
/// Territories of one row.
const MAX_TERRITORIES: usize = 300;

impl Agreement {
    /// Reads a draft in TOML. `groups = ["*"]` stands for every group of the type but `extra`, which the signed form
    /// spells out.
    ///
    /// # Errors
    /// [`DocumentError::Content`] that names what is wrong in it.
    pub fn from_draft(text: &str) -> Result<Self, DocumentError> {
        let wrong = |what: String| DocumentError::Content(format!("agreement draft: {what}"));
        let draft: Draft = toml::from_str(text).map_err(|e| wrong(e.to_string()))?;
        let day = |name: &str, text: &str| text.parse::<Day>().map_err(|e| wrong(format!("{name}: {e}")));
        let document = match &draft.document {
            None => None,
            Some(text) => {
                let bytes = unhex(text).and_then(|bytes| bytes.try_into().ok());
                Some(Digest(bytes.ok_or_else(|| wrong("document: expected 64 hexadecimal digits".into()))?))
            }
        };
        let flows = draft.flows.into_iter().map(|flow| flow.spell_out().map_err(&wrong)).collect::<Result<_, _>>()?;
        let recognises =
            draft.recognises.into_iter().map(|row| row.spell_out().map_err(&wrong)).collect::<Result<_, _>>()?;
        let agreement = Self {
            id: draft.id,
            title: draft.title,
            instrument: draft.instrument,
            article: draft.article,
            controller: draft.controller,
            document,
            parties: sorted(draft.parties),
            valid_from: day("valid_from", &draft.valid_from)?,
            valid_until: day("valid_until", &draft.valid_until)?,
            flows,
            recognises,
        };
        agreement.check().map_err(|what| wrong(what.to_owned()))?;
        Ok(agreement)
    }

    /// The document around this agreement, to be signed by every party.
    pub fn to_document(&self, network: Digest) -> Document {
        Document::first(DocumentKind::Agreement, network, self.id.clone(), self.to_cbor())
    }

    /// The document that puts it in the place of an earlier version, to be signed by every party of both.
    pub fn to_successor(&self, previous: &Document) -> Document {
        let first = self.to_document(previous.network);
        Document { version: previous.version + 1, previous: previous.digest(), ..first }
    }

    /// Reads an agreement's body; signatures are checked against a charter, see [`super::Directory`].
    ///
    /// # Errors
    /// [`DocumentError`] when the body is no agreement or carries another id than the document.
    pub fn open(document: &Document) -> Result<Self, DocumentError> {
        let agreement = document.content::<Self>()?;
        if agreement.id == document.id {
            Ok(agreement)
        } else {
            Err(DocumentError::Content(format!("agreement {} carries the name {}", agreement.id, document.id)))
        }
    }

    /// Whether it is in force on a day.
    pub fn in_force(&self, day: Day) -> bool {
        (self.valid_from..=self.valid_until).contains(&day)
    }

    /// What it says, in plain words, one line each.
    pub fn in_words(&self, charter: Option<&Charter>) -> Vec<String> {
        let name = |id: &MemberId| match charter.and_then(|c| c.member(id)) {
            Some(member) => format!("{} ({id})", member.name),
            None => id.to_string(),
        };
        let names = |ids: &[MemberId]| ids.iter().map(name).collect::<Vec<_>>().join(", ");
        let mut lines = vec![
            format!("{} ({})", self.title, self.id),
            format!("  ground      {}, {}; controller: {}", self.instrument, self.article, self.controller),
            format!("  in force    {} to {}", self.valid_from, self.valid_until),
            format!("  parties     {}", names(&self.parties)),
        ];
        for (at, flow) in self.flows.iter().enumerate() {
            let what = &flow.type_name;
            let only = flow.whereabouts();
            lines.push(format!("  row {}: each {what} of {}{only}, for {}", at + 1, names(&flow.from), flow.purpose));
            let to = names(&flow.to);
            if flow.handling {
                lines.push(format!("    only whoever of {to} the {what} names as handling the item"));
            }
            lines.extend(flow.unknown_words());
            let known = flow.type_versions.iter().rev().find_map(|version| flow.view(*version));
            let Some((table, _)) = known else { continue };
            lines.push(format!("    {to} will see:"));
            let is_shown = |g: &&Group| flow.groups.iter().any(|name| name == g.name);
            lines.extend(table.groups.iter().filter(is_shown).map(|g| format!("      {:<15} {}", g.name, g.title)));
            let hidden: Vec<_> = table.groups.iter().filter(|g| !is_shown(g)).collect();
            if !hidden.is_empty() {
                lines.push(format!("    {to} will not see:"));
                lines.extend(hidden.iter().map(|g| format!("      {:<15} {}", g.name, g.title)));
            }
            let onward = if flow.onward.is_empty() { "; may not pass them on" } else { "" };
            lines.push(format!("    kept at most {} days{onward}", flow.retention_days));
            for onward in &flow.onward {
                let (whom, groups) = (onward.to.in_words(name), onward.groups.join(", "));
                let (purpose, days) = (onward.purpose, onward.retention_days);
                lines.push(format!("    may pass {groups} on to {whom}, for {purpose}, kept at most {days} days"));
            }
            lines.extend(flow.terms.iter().filter_map(Term::in_words).map(|words| format!("    {words}")));
        }
        for (at, row) in self.recognises.iter().enumerate() {
            lines.extend(row.in_words(at + 1, name));
        }
        lines
    }

    fn check(&self) -> Result<(), &'static str> {
        let words = [&self.title, &self.instrument, &self.article, &self.controller];
        if words.iter().any(|w| super::check_line(w, MAX_WORDS).is_err()) {
            return Err("title, instrument, article and controller are lines of 1 to 400 bytes");
        }
        if self.parties.len() < 2 || !ascending(&self.parties) {
            return Err("an agreement has at least two parties, ordered, each once");
        }
        if self.valid_until < self.valid_from {
            return Err("it ends before it begins");
        }
        if self.flows.is_empty() && self.recognises.is_empty() {
            return Err("it has no row, so nothing would flow");
        }
        if self.recognises.len() > MAX_RECOGNITIONS {
            return Err("more than 256 rows recognise attestations");
        }
        for row in &self.recognises {
            row.check(&self.parties)?;
        }
        for flow in &self.flows {
            let known = |ids: &[MemberId]| ids.iter().all(|id| self.parties.binary_search(id).is_ok());
            if flow.from.is_empty() || flow.to.is_empty() || !ascending(&flow.from) || !ascending(&flow.to) {
                return Err("a row names its senders and recipients, ordered, each once");
            }
            if !known(&flow.from) || !known(&flow.to) {
                return Err("a row names a member that is no party");
            }
            if flow.from.iter().any(|id| flow.to.contains(id)) {
                return Err("a row has a member on both sides");
            }
            if !is_word(&flow.type_name) || flow.type_versions.is_empty() || !ascending(&flow.type_versions) {
                return Err("a row names a record type and its versions, ordered, each once");
            }
            if flow.groups.is_empty() || !ascending(&flow.groups) || !flow.groups.iter().all(|name| is_word(name)) {
                return Err("a row shows at least one group, ordered, each once");
            }
            if !ascending(&flow.territories) {
                return Err("territories are not ordered, each once");
            }
            if flow.roles.is_empty() || !ascending(&flow.roles) {
                return Err("roles of territories are missing or not ordered, each once");
            }
            if !flow.terms.windows(2).all(|w| w[0].name < w[1].name) {
                return Err("terms are not ordered by name, each once");
            }
            let value = |value: &str| is_word(value) || value.parse::<MemberId>().is_ok();
            if !flow.terms.iter().all(|term| is_word(&term.name) && value(&term.value)) {
                return Err(
                    "terms are words of a to z, 0 to 9 and underscores, or have a member's name for their value",
                );
            }
            flow.check_deposit(&self.parties)?;
            for onward in &flow.onward {
                onward.check(flow)?;
            }
            // Whoever gets it onward gets the same record as its first recipient, with the same root.
            if !flow.onward.is_empty() && flow.has_term("unlinkable") {
                return Err("a row whose records are unlinkable lets nothing be passed on");
            }
            if !(1..=MAX_RETENTION_DAYS).contains(&flow.retention_days) {
                return Err("retention is 1 to 3660 days");
            }
            if (flow.type_name == "opening") != (flow.purpose == Purpose::Audit) {
                return Err("the purpose audit belongs to the type opening, and only to it");
            }
        }
        Ok(())
    }
}

impl Onward {
    fn check(&self, flow: &Flow) -> Result<(), &'static str> {
        let Recipients { members, kinds } = &self.to;
        if (members.is_empty() && kinds.is_empty()) || !ascending(members) || !ascending(kinds) {
            return Err("a permission to pass on names its recipients, ordered, each once");
        }
        let given = |name: &String| flow.groups.binary_search(name).is_ok();
        if self.groups.is_empty() || !ascending(&self.groups) || !self.groups.iter().all(given) {
            return Err("a permission to pass on names groups of its row, ordered, each once");
        }
        if !(1..=MAX_RETENTION_DAYS).contains(&self.retention_days) {
            return Err("retention is 1 to 3660 days");
        }
        if flow.type_name == "opening" || self.purpose == Purpose::Audit {
            return Err("openings are not passed on");
        }
        Ok(())
    }
}

impl Flow {
    /// A depositary signs the agreement and stands on neither side of the row.
    fn check_deposit(&self, parties: &[MemberId]) -> Result<(), &'static str> {
        let Some(term) = self.terms.iter().find(|term| term.name == DEPOSIT) else { return Ok(()) };
        let Some(member) = term.depositary() else {
            return Err("the term deposit names no member\nhint: its value is the name of a party, as in the charter");
        };
        if parties.binary_search(&member).is_err() {
            return Err(
                "the term deposit names a member that is no party\nhint: who keeps sealed dispatches for others signs the agreement, so list it under parties",
            );
        }
        if self.from.contains(&member) || self.to.contains(&member) {
            return Err(
                "the term deposit names a sender or recipient of its own row\nhint: sealed dispatches are deposited with a third member",
            );
        }
        if self.type_name == "opening" {
            return Err("the term deposit stands on a mandate\nhint: nothing is dispatched under a mandate");
        }
        Ok(())
    }

    /// Which records of the type, in words that go on from its name; nothing where all.
    pub fn whereabouts(&self) -> String {
        if self.territories.is_empty() {
            return String::new();
        }
        let join = |words: Vec<String>, last: &str| match words.split_last() {
            Some((one, rest)) if !rest.is_empty() => format!("{} {last} {one}", rest.join(", ")),
            _ => words.concat(),
        };
        let roles = join(self.roles.iter().map(|role| role.word().replace('_', " ")).collect(), "or");
        format!(" with {roles} {}", join(self.territories.iter().map(ToString::to_string).collect(), "or"))
    }

    /// What this node does not understand of the row, in words.
    fn unknown_words(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for version in &self.type_versions {
            match self.view(*version) {
                None => lines.push(format!("    version {version} is not known here and gives nothing")),
                Some((_, None)) => lines.push(format!("    version {version} lacks a group named and gives nothing")),
                Some(_) => {}
            }
        }
        if let Some(term) = self.unknown_term() {
            let Term { name, value } = term;
            lines.push(format!("    the term '{name} = {value}' is not known here: the row gives nothing"));
        }
        lines
    }
}

impl DraftFlow {
    fn spell_out(self) -> Result<Flow, String> {
        let type_versions = match self.version {
            Some(version) if self.versions.is_empty() => vec![version],
            None if !self.versions.is_empty() => sorted(self.versions),
            _ => return Err("a flow names its 'version', or its 'versions', and not both".into()),
        };
        let mut known = Vec::with_capacity(type_versions.len());
        for version in &type_versions {
            let table = table(&self.type_name, *version);
            known.push(table.ok_or_else(|| format!("no record type {} version {version}", self.type_name))?);
        }
        let groups = if self.groups == ["*"] {
            // What every version has; nobody knows what `extra` holds, so whoever gives it names it.
            let first = known.first().map_or(&[][..], |table| table.groups);
            let common = |g: &&Group| g.name != EXTRA_GROUP && known.iter().all(|table| table.group(g.name).is_some());
            first.iter().filter(common).map(|g| g.name.to_owned()).collect()
        } else {
            self.groups
        };
        for table in known {
            if let Err(name) = table.set(groups.iter().map(String::as_str)) {
                let known: Vec<_> = table.groups.iter().map(|g| g.name).collect();
                let (of, version) = (table.name, table.version);
                return Err(format!("{of} version {version} has no group '{name}'\nhint: it has {}", known.join(", ")));
            }
        }
        let (territories, roles) = match (self.destinations.is_empty(), self.territories.is_empty()) {
            (false, false) => return Err("'destinations' is short for 'territories' with the role destination".into()),
            (false, true) if !self.roles.is_empty() => return Err("'roles' go with 'territories'".into()),
            (false, true) => (self.destinations, vec![Role::Destination]),
            (true, _) if self.roles.is_empty() => (self.territories, vec![Role::Destination]),
            (true, _) => (self.territories, self.roles),
        };
        let terms = self.terms.into_iter().map(|(name, value)| Term { name, value });
        let terms: Vec<Term> = terms.collect();
        if let Some(Term { name, value }) = terms.iter().find(|term| !term.is_known()) {
            let mut known: Vec<_> = TERMS.iter().map(|(name, value, _)| format!("{name} = \"{value}\"")).collect();
            known.push(format!("{DEPOSIT} = a party's name"));
            return Err(format!("the term '{name} = {value}' is not known\nhint: known are {}", known.join(", ")));
        }
        Ok(Flow {
            type_name: self.type_name,
            type_versions,
            from: sorted(self.from),
            to: sorted(self.to),
            purpose: self.purpose,
            groups: sorted(groups),
            territories: sorted(territories),
            roles: sorted(roles),
            handling: self.handling,
            retention_days: self.retention_days,
            onward: self.onward.into_iter().map(DraftOnward::spell_out).collect::<Result<_, _>>()?,
            terms,
        })
    }
}

impl DraftOnward {
    fn spell_out(self) -> Result<Onward, String> {
        let kind = |text: &String| {
            let (kind, place) = text.split_once(' ').map_or((text.as_str(), None), |(kind, place)| (kind, Some(place)));
            let kind = kind.parse::<MemberKind>().map_err(|e| e.to_string())?;
            Ok((kind, place.map(|place| place.parse::<Territory>().map_err(|e| e.to_string())).transpose()?))
        };
        let kinds = self.kinds.iter().map(kind).collect::<Result<Vec<_>, String>>()?;
        Ok(Onward {
            to: Recipients { members: sorted(self.to), kinds: sorted(kinds) },
            purpose: self.purpose,
            groups: sorted(self.groups),
            retention_days: self.retention_days,
        })
    }
}

pub(super) fn sorted<T: Ord>(mut items: Vec<T>) -> Vec<T> {
    items.sort();
    items.dedup();
    items
}

pub(super) fn ascending<T: Ord>(items: &[T]) -> bool {
    items.windows(2).all(|w| w[0] < w[1])
}

impl Encode for Agreement {
    fn encode(&self, writer: &mut Writer) {
        writer.array(if self.recognises.is_empty() { 10 } else { 11 });
        self.id.encode(writer);
        writer.text(&self.title);
        writer.text(&self.instrument);
        writer.text(&self.article);
        writer.text(&self.controller);
        match &self.document {
            Some(digest) => digest.encode(writer),
            None => writer.null(),
        }
        writer.list(&self.parties);
        self.valid_from.encode(writer);
        self.valid_until.encode(writer);
        writer.array(self.flows.len());
        self.flows.iter().for_each(|flow| flow.encode(writer));
        if !self.recognises.is_empty() {
            writer.list(&self.recognises);
        }
    }
}

impl Encode for Flow {
    fn encode(&self, writer: &mut Writer) {
        writer.array(12);
        writer.text(&self.type_name);
        writer.array(self.type_versions.len());
        self.type_versions.iter().for_each(|version| writer.uint(*version));
        writer.list(&self.from);
        writer.list(&self.to);
        self.purpose.encode(writer);
        encode_words(writer, &self.groups);
        writer.list(&self.territories);
        writer.list(&self.roles);
        writer.bool(self.handling);
        writer.uint(self.retention_days);
        writer.array(self.onward.len());
        for onward in &self.onward {
            writer.array(5);
            writer.list(&onward.to.members);
            writer.array(onward.to.kinds.len());
            for (kind, place) in &onward.to.kinds {
                writer.array(2);
                kind.encode(writer);
                match place {
                    None => writer.null(),
                    Some(place) => place.encode(writer),
                }
            }
            onward.purpose.encode(writer);
            encode_words(writer, &onward.groups);
            writer.uint(onward.retention_days);
        }
        writer.array(self.terms.len());
        for term in &self.terms {
            writer.array(2);
            writer.text(&term.name);
            writer.text(&term.value);
        }
    }
}

fn encode_words(writer: &mut Writer, words: &[String]) {
    writer.array(words.len());
    words.iter().for_each(|word| writer.text(word));
}

fn decode_words(reader: &mut Reader<'_>) -> Result<Vec<String>, CborError> {
    reader.list(MAX_GROUPS, |r| r.text(MAX_WORD).map(str::to_owned))
}

impl Decode for Flow {
    fn decode(r: &mut Reader<'_>) -> Result<Self, CborError> {
        r.tuple(12)?;
        let flow = Self {
            type_name: r.text(MAX_WORD)?.to_owned(),
            type_versions: r.list(MAX_TYPE_VERSIONS, |r| r.uint())?,
            from: r.list(MAX_MEMBERS, MemberId::decode)?,
            to: r.list(MAX_MEMBERS, MemberId::decode)?,
            purpose: Purpose::decode(r)?,
            groups: decode_words(r)?,
            territories: r.list(MAX_TERRITORIES, Territory::decode)?,
            roles: r.list(Role::ALL.len(), Role::decode)?,
            handling: r.bool()?,
            retention_days: r.uint()?,
            onward: r.list(MAX_ONWARD, |r| {
                r.tuple(5)?;
                let members = r.list(MAX_MEMBERS, MemberId::decode)?;
                let kinds = r.list(MAX_MEMBERS, |r| {
                    r.tuple(2)?;
                    let kind = MemberKind::decode(r)?;
                    let place = if r.null()? { None } else { Some(Territory::decode(r)?) };
                    r.leave();
                    Ok((kind, place))
                })?;
                let (purpose, groups) = (Purpose::decode(r)?, decode_words(r)?);
                let onward = Onward { to: Recipients { members, kinds }, purpose, groups, retention_days: r.uint()? };
                r.leave();
                Ok(onward)
            })?,
            terms: r.list(MAX_TERMS, |r| {
                r.tuple(2)?;
                let term = Term { name: r.text(MAX_WORD)?.to_owned(), value: r.text(MAX_WORD)?.to_owned() };
                r.leave();
                Ok(term)
            })?,
        };
        r.leave();
        Ok(flow)
    }
}

impl Decode for Agreement {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        let start = reader.position();
        let words = |r: &mut Reader<'_>| r.text(MAX_WORDS).map(str::to_owned);
        let longer = reader.tuple_or_longer(10)?;
        let agreement = Self {
            id: Slug::decode(reader)?,
            title: words(reader)?,
            instrument: words(reader)?,
            article: words(reader)?,
            controller: words(reader)?,
            document: if reader.null()? { None } else { Some(Digest::decode(reader)?) },
            parties: reader.list(MAX_MEMBERS, MemberId::decode)?,
            valid_from: Day::decode(reader)?,
            valid_until: Day::decode(reader)?,
            flows: reader.list(MAX_FLOWS, Flow::decode)?,
            recognises: if longer { decode_some(reader, MAX_RECOGNITIONS, Recognition::decode)? } else { Vec::new() },
        };
        reader.leave();
        agreement.check().map_err(|what| reader.refuse(start, what))?;
        Ok(agreement)
    }
}
