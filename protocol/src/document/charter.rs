//! The charter: who belongs to the network, with pinned identity keys. Its first version's digest names the network.
//!
//! Later versions follow by vote: a vote is a governor's signature on a proposal, whose digest covers the version before it and the
//! round. Not here: how votes are counted, splits and their healing ([`super::directory`]); words against a round
//! ([`super::Rejection`]).

use serde::Deserialize;

use super::issuers::{DraftIssuers, Issuers};
use super::{Document, DocumentError, DocumentKind, decode_some};
use crate::cbor::{CborError, Decode, Encode, Reader, Writer};
use crate::hash::Digest;
use crate::keys::{KeyUse, PublicKey, decode_key};
use crate::limits::{MAX_COORDINATORS, MAX_ISSUER_ROWS, MAX_LOG_WITNESSES, MAX_MEMBERS};
use crate::names::{MemberId, MemberKind, Slug, Territory, word_enum};
use crate::time::Day;
use crate::tlog::{MAX_POLICY_BYTES, Policy};

word_enum!(
    /// Whether a member takes part.
    MemberStatus, "status of a member", {
        /// It takes part.
        Active = 1, "active";
        /// It stays a member, but nothing flows from it or to it, and it governs nothing.
        Suspended = 2, "suspended";
    }
);

/// A member as the charter pins it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CharterMember {
    /// Short name, unique in the network.
    pub id: MemberId,
    /// Full name, for people.
    pub name: String,
    /// What kind of organisation it is.
    pub kind: MemberKind,
    /// Its customs territory.
    pub territory: Territory,
    /// The key that signs its documents.
    pub identity: PublicKey,
    /// Whether it takes part.
    pub status: MemberStatus,
}

/// The membership of a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charter {
    /// The network's name, for people.
    pub name: String,
    /// Ordered by id.
    pub members: Vec<CharterMember>,
    /// Members that decide on later versions; all of them sign the first. Ordered.
    pub governors: Vec<MemberId>,
    /// Signatures of governors that a later version needs: more than two thirds of them.
    pub threshold: u64,
    /// Which witnesses make a log's checkpoint count: a C2SP tlog-policy, verbatim. Without it the members' own witnesses do, see
    /// [`crate::exchange::policy_of`].
    pub policy: Option<String>,
    /// The last day on which new things may rest on it. Later the network goes on, with warnings, but admits nothing new.
    pub valid_until: Option<Day>,
    /// The round in which it was proposed, from 1: governors vote once in a round.
    pub round: u64,
    /// The other of two contradicting versions that this one takes the place of.
    pub merges: Option<Digest>,
    /// Who alone may issue a type of attestations, by type; of a type that is not listed every member of its kinds. Ordered by type.
    pub issuers: Vec<Issuers>,
    /// Members that merge and grade others' indicators of threats; usually none or one. Ordered.
    pub coordinators: Vec<MemberId>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    name: String,
    policy: Option<String>,
    governors: Vec<MemberId>,
    threshold: Option<u64>,
    valid_until: Option<String>,
    #[serde(rename = "member")]
    members: Vec<DraftMember>,
    #[serde(default)]
    issuers: Vec<DraftIssuers>,
    #[serde(default)]
    coordinators: Vec<MemberId>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DraftMember {
    id: MemberId,
    name: String,
    kind: MemberKind,
    territory: Territory,
    identity: String,
    #[serde(default = "active")]
    status: MemberStatus,
}

fn active() -> MemberStatus {
    MemberStatus::Active
}

const MAX_NAME_BYTES: usize = 200;

impl Charter {
    /// Reads a draft in TOML.
    ///
    /// # Errors
    /// [`DocumentError::Content`] that names what is wrong in it.
    pub fn from_draft(text: &str) -> Result<Self, DocumentError> {
        let draft: Draft = toml::from_str(text).map_err(|e| DocumentError::Content(format!("charter draft: {e}")))?;
        let mut members = Vec::with_capacity(draft.members.len());
        for m in draft.members {
            let identity = PublicKey::parse(KeyUse::Identity, &m.identity)
                .map_err(|e| DocumentError::Content(format!("charter draft: member {}: {e}", m.id)))?;
            let DraftMember { id, name, kind, territory, status, .. } = m;
            members.push(CharterMember { id, name, kind, territory, identity, status });
        }
        members.sort_by(|a, b| a.id.cmp(&b.id));
        let mut governors = draft.governors;
        governors.sort();
        let threshold = draft.threshold.unwrap_or_else(|| default_threshold(governors.len()));
        let valid_until = draft.valid_until.map(|text| text.parse::<Day>()).transpose();
        let valid_until =
            valid_until.map_err(|e| DocumentError::Content(format!("charter draft: valid_until: {e}")))?;
        let (name, policy) = (draft.name, draft.policy);
        let issuers = DraftIssuers::spell_out(draft.issuers);
        let mut coordinators = draft.coordinators;
        coordinators.sort();
        let (round, merges) = (1, None);
        let charter =
            Self { name, members, governors, threshold, policy, valid_until, round, merges, issuers, coordinators };
        charter.check().map_err(|what| DocumentError::Content(format!("charter draft: {what}")))?;
        Ok(charter)
    }

    /// The member of this name.
    pub fn member(&self, id: &MemberId) -> Option<&CharterMember> {
        self.members.binary_search_by(|m| m.id.cmp(id)).ok().map(|at| &self.members[at])
    }

    /// The founding document around this charter, to be signed by every governor.
    pub fn to_document(&self) -> Document {
        let id = network_slug(&self.name);
        Document::first(DocumentKind::Charter, Digest::ZERO, id, self.to_cbor())
    }

    /// The document that is to take the place of `current`, to be signed by so many of its governors as it says. Where it merges two,
    /// `current` is one of them, and the governors are those of the version before both. `network` is the founding charter's digest.
    ///
    /// # Errors
    /// [`DocumentError::Content`] when the charter contradicts itself.
    pub fn to_successor(&self, network: Digest, current: &Document) -> Result<Document, DocumentError> {
        self.check().map_err(|what| DocumentError::Content(format!("charter: {what}")))?;
        Ok(Document {
            kind: DocumentKind::Charter,
            network,
            id: current.id.clone(),
            version: current.version + 1,
            previous: current.digest(),
            body: self.to_cbor(),
            signatures: Vec::new(),
        })
    }

    /// The charter as the draft from which [`Charter::from_draft`] makes it again, round and merged version aside: what a change is
    /// written into.
    pub fn to_draft(&self) -> String {
        let quote = |text: &str| toml::Value::String(text.to_owned()).to_string();
        let mut lines = vec![format!("name = {}", quote(&self.name))];
        if let Some(policy) = &self.policy {
            lines.push(format!("policy = {}", quote(policy)));
        }
        let list = |ids: &[MemberId]| ids.iter().map(|id| quote(id.as_str())).collect::<Vec<_>>().join(", ");
        lines.push(format!("governors = [{}]", list(&self.governors)));
        lines.push(format!("threshold = {}", self.threshold));
        lines.extend(self.valid_until.map(|day| format!("valid_until = \"{day}\"")));
        if !self.coordinators.is_empty() {
            lines.push(format!("coordinators = [{}]", list(&self.coordinators)));
        }
        for m in &self.members {
            lines.push(format!("\n[[member]]\nid = \"{}\"\nname = {}", m.id, quote(&m.name)));
            lines.push(format!("kind = \"{}\"\nterritory = \"{}\"", m.kind, m.territory));
            lines.push(format!("identity = \"{}\"\nstatus = \"{}\"", m.identity, m.status));
        }
        for row in &self.issuers {
            let members = list(&row.members);
            lines.push(format!("\n[[issuers]]\ntype = \"{}\"\nmembers = [{members}]", row.attestation));
        }
        lines.join("\n") + "\n"
    }

    /// Reads the charter in a document of any version; signatures are not looked at.
    ///
    /// # Errors
    /// [`DocumentError`] when the body is none, or the document's name or network cannot be its.
    pub fn read(document: &Document) -> Result<Self, DocumentError> {
        if document.kind != DocumentKind::Charter {
            return Err(DocumentError::Kind { expected: DocumentKind::Charter, found: document.kind });
        }
        let charter = document.content::<Self>()?;
        let founding = document.version == 1;
        if founding && (document.network != Digest::ZERO || document.id != network_slug(&charter.name)) {
            return Err(DocumentError::Content(
                "a founding charter names no other network and has its own name".into(),
            ));
        }
        if founding && (charter.round != 1 || charter.merges.is_some()) {
            return Err(DocumentError::Content("a founding charter is of round 1 and merges nothing".into()));
        }
        Ok(charter)
    }

    /// Members that take part.
    pub fn active(&self) -> impl Iterator<Item = &CharterMember> {
        self.members.iter().filter(|m| m.status == MemberStatus::Active)
    }

    /// Whether a member merges and grades others' indicators.
    pub fn coordinates(&self, member: &MemberId) -> bool {
        self.coordinators.binary_search(member).is_ok()
    }

    /// Checks a founding charter and its signatures.
    ///
    /// # Errors
    /// [`DocumentError`] with the first reason.
    pub fn open(document: &Document) -> Result<Self, DocumentError> {
        let charter = Self::read(document)?;
        if document.version != 1 {
            let what = "this is a later version of a charter, which proves nothing without those before it";
            return Err(DocumentError::Content(what.into()));
        }
        let signers: Vec<_> = charter
            .governors
            .iter()
            .filter_map(|g| charter.member(g))
            .map(|member| (&member.id, &member.identity))
            .collect();
        document.check(&signers)?;
        Ok(charter)
    }

    fn check(&self) -> Result<(), &'static str> {
        let ordered = |ids: &mut dyn Iterator<Item = &MemberId>| {
            let ids: Vec<_> = ids.collect();
            ids.windows(2).all(|pair| pair[0] < pair[1])
        };
        if self.name.is_empty() || self.name.len() > MAX_NAME_BYTES {
            return Err("the network's name is empty or longer than 200 bytes");
        }
        if self.members.iter().any(|m| m.name.is_empty() || m.name.len() > MAX_NAME_BYTES) {
            return Err("a member's name is empty or longer than 200 bytes");
        }
        if self.members.is_empty() || !ordered(&mut self.members.iter().map(|m| &m.id)) {
            return Err("members are missing, repeated or not ordered by id");
        }
        if self.governors.is_empty() || !ordered(&mut self.governors.iter()) {
            return Err("governors are missing, repeated or not ordered");
        }
        let inactive = |id: &MemberId| self.member(id).is_none_or(|m| m.status != MemberStatus::Active);
        if self.governors.iter().any(inactive) {
            return Err("a governor is not a member, or suspended");
        }
        if self.coordinators.len() > MAX_COORDINATORS || !ordered(&mut self.coordinators.iter()) {
            return Err("coordinators are more than eight, repeated or not ordered");
        }
        if self.coordinators.iter().any(inactive) {
            return Err("a coordinator is not a member, or suspended");
        }
        if self.round == 0 {
            return Err("rounds begin at 1");
        }
        let mut keys: Vec<_> = self.members.iter().map(|m| m.identity.bytes()).collect();
        keys.sort_unstable();
        if keys.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err("two members share an identity key");
        }
        let governors = self.governors.len() as u64;
        if self.threshold > governors || self.threshold * 3 <= governors * 2 {
            return Err("the threshold is not above two thirds of the governors");
        }
        self.check_issuers()?;
        match self.policy.as_deref().map(Policy::parse) {
            None => Ok(()),
            Some(Ok(policy)) if policy.witnesses().len() <= MAX_LOG_WITNESSES => Ok(()),
            Some(Ok(_)) => Err("the policy has more than 60 witnesses, which no note has room for"),
            Some(Err(_)) => Err("the policy is no C2SP tlog-policy; `luxor policy lint` says where"),
        }
    }
}

fn default_threshold(governors: usize) -> u64 {
    governors as u64 * 2 / 3 + 1
}

/// The document id of a charter: its name's letters and digits.
fn network_slug(name: &str) -> Slug {
    let slug: String = name
        .to_ascii_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .take(40)
        .collect::<String>()
        .split('-')
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("-");
    slug.parse().unwrap_or_else(|_| crate::names::fallback_slug())
}

/// Items of an encoded charter before the lists that most have not.
const PLACES: usize = 8;

impl Encode for Charter {
    fn encode(&self, writer: &mut Writer) {
        let (issuers, coordinators) = (!self.issuers.is_empty(), !self.coordinators.is_empty());
        // Empty lists at the end are left out.
        let lists = if coordinators { 2 } else { usize::from(issuers) };
        writer.array(PLACES + lists);
        writer.text(&self.name);
        writer.array(self.members.len());
        for m in &self.members {
            writer.array(6);
            m.id.encode(writer);
            writer.text(&m.name);
            m.kind.encode(writer);
            m.territory.encode(writer);
            m.identity.encode(writer);
            m.status.encode(writer);
        }
        writer.list(&self.governors);
        writer.uint(self.threshold);
        match &self.policy {
            None => writer.null(),
            Some(policy) => writer.text(policy),
        }
        match &self.valid_until {
            None => writer.null(),
            Some(day) => day.encode(writer),
        }
        writer.uint(self.round);
        match &self.merges {
            None => writer.null(),
            Some(other) => other.encode(writer),
        }
        if lists > 0 {
            writer.list(&self.issuers);
        }
        if coordinators {
            writer.list(&self.coordinators);
        }
    }
}

impl Decode for Charter {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        let start = reader.position();
        let Some(lists) = reader.array(PLACES + 2)?.checked_sub(PLACES) else {
            return Err(reader.refuse(start, "array of the wrong length"));
        };
        let name = reader.text(MAX_NAME_BYTES)?.to_owned();
        let members = reader.list(MAX_MEMBERS, |r| {
            r.tuple(6)?;
            let member = CharterMember {
                id: MemberId::decode(r)?,
                name: r.text(MAX_NAME_BYTES)?.to_owned(),
                kind: MemberKind::decode(r)?,
                territory: Territory::decode(r)?,
                identity: decode_key(KeyUse::Identity, r)?,
                status: MemberStatus::decode(r)?,
            };
            r.leave();
            Ok(member)
        })?;
        let governors = reader.list(MAX_MEMBERS, MemberId::decode)?;
        let threshold = reader.uint()?;
        let policy = if reader.null()? { None } else { Some(reader.text(MAX_POLICY_BYTES)?.to_owned()) };
        let valid_until = if reader.null()? { None } else { Some(Day::decode(reader)?) };
        let round = reader.uint()?;
        let merges = if reader.null()? { None } else { Some(Digest::decode(reader)?) };
        let issuers = match lists {
            0 => Vec::new(),
            1 => decode_some(reader, MAX_ISSUER_ROWS, Issuers::decode)?,
            _ => reader.list(MAX_ISSUER_ROWS, Issuers::decode)?,
        };
        let coordinators =
            if lists > 1 { decode_some(reader, MAX_COORDINATORS, MemberId::decode)? } else { Vec::new() };
        reader.leave();
        let charter =
            Self { name, members, governors, threshold, policy, valid_until, round, merges, issuers, coordinators };
        charter.check().map_err(|what| reader.refuse(start, what))?;
        Ok(charter)
    }
}
