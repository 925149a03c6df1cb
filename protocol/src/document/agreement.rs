//! The agreement: an MoU or MRA as data. Signed by every party; what no row gives does not flow.

use serde::Deserialize;

use super::{Charter, Document, DocumentError, DocumentKind, decode_list, encode_list};
use crate::cbor::{CborError, Decode, Encode, Reader, Writer};
use crate::hash::{Digest, unhex};
use crate::limits::{MAX_FLOWS, MAX_GROUPS, MAX_MEMBERS, MAX_RETENTION_DAYS};
use crate::names::{MemberId, Purpose, Slug, Territory};
use crate::record::table;
use crate::time::Day;

/// One row: records of a type may go from these members to those, for one purpose, showing these groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// The record type; `opening` makes the row an auditor's mandate.
    pub type_name: String,
    /// Its version.
    pub type_version: u64,
    /// Who may send. Ordered.
    pub from: Vec<MemberId>,
    /// Who may receive. Ordered.
    pub to: Vec<MemberId>,
    /// What for.
    pub purpose: Purpose,
    /// Names of the groups shown. Ordered.
    pub groups: Vec<String>,
    /// Only records with one of these destinations; empty means all. Ordered.
    pub destinations: Vec<Territory>,
    /// Days after which the recipient must have erased them.
    pub retention_days: u64,
    /// Whether the recipient may pass them on.
    pub onward: bool,
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
}

#[derive(Deserialize)]
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
    #[serde(rename = "flow")]
    flows: Vec<DraftFlow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DraftFlow {
    #[serde(rename = "type")]
    type_name: String,
    version: u64,
    from: Vec<MemberId>,
    to: Vec<MemberId>,
    purpose: Purpose,
    groups: Vec<String>,
    #[serde(default)]
    destinations: Vec<Territory>,
    retention_days: u64,
    #[serde(default)]
    onward: bool,
}

const MAX_WORDS: usize = 400;

impl Agreement {
    /// Reads a draft in TOML. `groups = ["*"]` stands for every group of the type, which the signed form spells out.
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
        };
        agreement.check().map_err(|what| wrong(what.to_owned()))?;
        Ok(agreement)
    }

    /// The document around this agreement, to be signed by every party.
    pub fn to_document(&self, network: Digest) -> Document {
        Document::first(DocumentKind::Agreement, network, self.id.clone(), self.to_cbor())
    }

    /// Reads an agreement's body; signatures are checked against a charter, see [`super::Directory`].
    ///
    /// # Errors
    /// [`DocumentError`] when the body is no agreement or carries another id than the document.
    pub fn open(document: &Document) -> Result<Self, DocumentError> {
        let agreement = Self::from_cbor(&document.body)?;
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
            let places = flow.destinations.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let only = if places.is_empty() { String::new() } else { format!(" with destination {places}") };
            let what = &flow.type_name;
            lines.push(format!("  row {}: each {what} of {}{only}, for {}", at + 1, names(&flow.from), flow.purpose));
            let Some(table) = table(&flow.type_name, flow.type_version) else { continue };
            let to = names(&flow.to);
            lines.push(format!("    {to} will see:"));
            let is_shown = |g: &&crate::record::Group| flow.groups.iter().any(|name| name == g.name);
            lines.extend(table.groups.iter().filter(is_shown).map(|g| format!("      {:<15} {}", g.name, g.title)));
            let hidden: Vec<_> = table.groups.iter().filter(|g| !is_shown(g)).collect();
            if !hidden.is_empty() {
                lines.push(format!("    {to} will not see:"));
                lines.extend(hidden.iter().map(|g| format!("      {:<15} {}", g.name, g.title)));
            }
            let onward = if flow.onward { "may pass them on" } else { "may not pass them on" };
            lines.push(format!("    kept at most {} days; {onward}", flow.retention_days));
        }
        lines
    }

    fn check(&self) -> Result<(), &'static str> {
        let words = [&self.title, &self.instrument, &self.article, &self.controller];
        if words.iter().any(|w| w.is_empty() || w.len() > MAX_WORDS || w.chars().any(char::is_control)) {
            return Err("title, instrument, article and controller are lines of 1 to 400 bytes");
        }
        if self.parties.len() < 2 || !ascending(&self.parties) {
            return Err("an agreement has at least two parties, ordered, each once");
        }
        if self.valid_until < self.valid_from {
            return Err("it ends before it begins");
        }
        if self.flows.is_empty() {
            return Err("it has no row, so nothing would flow");
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
            let Some(table) = table(&flow.type_name, flow.type_version) else {
                return Err("a row names an unknown record type or version");
            };
            if flow.groups.is_empty() || !ascending(&flow.groups) {
                return Err("a row shows at least one group, ordered, each once");
            }
            if table.set(flow.groups.iter().map(String::as_str)).is_err() {
                return Err("a row names a group that its record type does not have");
            }
            if !ascending(&flow.destinations) {
                return Err("destinations are not ordered, each once");
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

impl DraftFlow {
    fn spell_out(self) -> Result<Flow, String> {
        let table = table(&self.type_name, self.version)
            .ok_or_else(|| format!("no record type {} version {}", self.type_name, self.version))?;
        let groups = if self.groups == ["*"] {
            table.groups.iter().map(|g| g.name.to_owned()).collect()
        } else {
            if let Err(name) = table.set(self.groups.iter().map(String::as_str)) {
                let known: Vec<_> = table.groups.iter().map(|g| g.name).collect();
                return Err(format!("{} has no group '{name}'\nhint: it has {}", table.name, known.join(", ")));
            }
            self.groups
        };
        Ok(Flow {
            type_name: self.type_name,
            type_version: self.version,
            from: sorted(self.from),
            to: sorted(self.to),
            purpose: self.purpose,
            groups: sorted(groups),
            destinations: sorted(self.destinations),
            retention_days: self.retention_days,
            onward: self.onward,
        })
    }
}

fn sorted<T: Ord>(mut items: Vec<T>) -> Vec<T> {
    items.sort();
    items.dedup();
    items
}

fn ascending<T: Ord>(items: &[T]) -> bool {
    items.windows(2).all(|w| w[0] < w[1])
}

impl Encode for Agreement {
    fn encode(&self, writer: &mut Writer) {
        writer.array(10);
        self.id.encode(writer);
        writer.text(&self.title);
        writer.text(&self.instrument);
        writer.text(&self.article);
        writer.text(&self.controller);
        match &self.document {
            Some(digest) => digest.encode(writer),
            None => writer.null(),
        }
        encode_list(writer, &self.parties);
        self.valid_from.encode(writer);
        self.valid_until.encode(writer);
        writer.array(self.flows.len());
        for flow in &self.flows {
            writer.array(9);
            writer.text(&flow.type_name);
            writer.uint(flow.type_version);
            encode_list(writer, &flow.from);
            encode_list(writer, &flow.to);
            flow.purpose.encode(writer);
            writer.array(flow.groups.len());
            flow.groups.iter().for_each(|g| writer.text(g));
            encode_list(writer, &flow.destinations);
            writer.uint(flow.retention_days);
            writer.bool(flow.onward);
        }
    }
}

impl Decode for Agreement {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        let start = reader.position();
        let words = |r: &mut Reader<'_>| r.text(MAX_WORDS).map(str::to_owned);
        reader.tuple(10)?;
        let agreement = Self {
            id: Slug::decode(reader)?,
            title: words(reader)?,
            instrument: words(reader)?,
            article: words(reader)?,
            controller: words(reader)?,
            document: if reader.null()? { None } else { Some(Digest::decode(reader)?) },
            parties: decode_list(reader, MAX_MEMBERS, MemberId::decode)?,
            valid_from: Day::decode(reader)?,
            valid_until: Day::decode(reader)?,
            flows: decode_list(reader, MAX_FLOWS, |r| {
                r.tuple(9)?;
                let flow = Flow {
                    type_name: r.text(40)?.to_owned(),
                    type_version: r.uint()?,
                    from: decode_list(r, MAX_MEMBERS, MemberId::decode)?,
                    to: decode_list(r, MAX_MEMBERS, MemberId::decode)?,
                    purpose: Purpose::decode(r)?,
                    groups: decode_list(r, MAX_GROUPS, |r| r.text(40).map(str::to_owned))?,
                    destinations: decode_list(r, 300, Territory::decode)?,
                    retention_days: r.uint()?,
                    onward: r.bool()?,
                };
                r.leave();
                Ok(flow)
            })?,
        };
        reader.leave();
        agreement.check().map_err(|what| reader.refuse(start, what))?;
        Ok(agreement)
    }
}
