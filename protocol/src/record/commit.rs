//! The record root: a commitment from which any set of groups can be disclosed without helping to guess the others.
//!
//! One leaf per group (per goods item for groups of goods), `H(leaf, path, salt, bytes)`; salts are drawn by path from the
//! record's seed, so only salts of disclosed groups leave. The digest of a goods group is a binary tree over its leaves,
//! padded to a power of two with absent ones; hidden, it is one digest and does not even tell how many goods there are.

use zeroize::Zeroizing;

use super::content::{Content, ContentError, Fault, Occurrences, check_leaf, pointer, read_leaf};
use super::table::{Group, GroupSet, Scope, TypeTable};
use crate::cbor::{CborError, Decode, Encode, Reader, Writer};
use crate::hash::{Digest, Domain, keyed};
use crate::limits::{MAX_GOODS_ITEMS, MAX_GROUPS, MAX_RECORD_BYTES};
use crate::names::{MemberId, Territory};

/// 16 random bytes that name a record; they tell nothing.
pub type RecordId = [u8; 16];
/// The secret from which a record's salts are drawn. Never leaves the issuer.
pub type Seed = Zeroizing<[u8; 32]>;
/// 16 bytes that hide a leaf's content.
pub type Salt = [u8; 16];

/// What everybody who gets any part of a record sees of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordHeader {
    /// The record type.
    pub table: &'static TypeTable,
    /// Who issued it.
    pub issuer: MemberId,
    /// Its random name.
    pub id: RecordId,
    /// The root of the record that it corrects or cancels.
    pub supersedes: Option<Digest>,
}

/// One leaf as disclosed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// Its salt.
    pub salt: Salt,
    /// Its bytes; empty means absent.
    pub bytes: Vec<u8>,
}

/// A group as one recipient sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupView {
    /// Only its digest.
    Hidden(Digest),
    /// All its leaves.
    Shown(Vec<Leaf>),
}

/// A record as one recipient sees it: every group, shown or hidden.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordView {
    /// The record's header.
    pub header: RecordHeader,
    /// One for each group of the type.
    pub groups: Vec<GroupView>,
}

/// A view that does not fit its type or agreement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// The view shows other groups than it should.
    #[error("the view shows other groups than the agreement gives")]
    Groups,
    /// A disclosed leaf is not what the type table allows.
    #[error(transparent)]
    Content(#[from] ContentError),
}

/// A record at its issuer: content, header and seed, with its root.
#[derive(Clone)]
pub struct SealedRecord {
    header: RecordHeader,
    content: Content,
    seed: Seed,
    root: Digest,
    digests: Vec<Digest>,
    /// Salts of all leaves, drawn once, in the order of [`Content::slots`].
    salts: Vec<Salt>,
}

impl SealedRecord {
    /// Commits to content. `id` and `seed` are fresh random bytes, never derived from the content.
    pub fn new(issuer: MemberId, content: Content, supersedes: Option<Digest>, id: RecordId, seed: Seed) -> Self {
        let header = RecordHeader { table: content.table(), issuer, id, supersedes };
        let table = header.table;
        let mut salts = vec![Salt::default(); content.slot_count()];
        let mut digests = Vec::with_capacity(table.groups.len());
        for (at, leaves) in content.groups().enumerate() {
            let salts = &mut salts[content.slots(at)];
            for (item, salt) in salts.iter_mut().enumerate() {
                *salt = leaf_salt(&seed, table, at, item);
            }
            digests.push(group_digest(table, at, salts.iter().zip(leaves.iter())));
        }
        let root = record_root(&header.to_cbor(), &digests);
        Self { header, content, seed, root, digests, salts }
    }

    /// The record's root, its identity.
    pub fn root(&self) -> Digest {
        self.root
    }

    /// The record's header.
    pub fn header(&self) -> &RecordHeader {
        &self.header
    }

    /// The record's content.
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// The view that shows exactly these groups.
    pub fn view(&self, groups: GroupSet) -> RecordView {
        let view = |at: usize| {
            if !groups.has(at) {
                return GroupView::Hidden(self.digests[at]);
            }
            let leaf = |(salt, bytes): (&Salt, &[u8])| Leaf { salt: *salt, bytes: bytes.to_vec() };
            GroupView::Shown(self.leaves(at).map(leaf).collect())
        };
        RecordView { header: self.header.clone(), groups: (0..self.digests.len()).map(view).collect() }
    }

    /// Encodes [`SealedRecord::view`] of these groups without making it.
    pub fn encode_view(&self, groups: GroupSet, writer: &mut Writer) {
        writer.array(2);
        self.header.encode(writer);
        writer.array(self.digests.len());
        for (at, digest) in self.digests.iter().enumerate() {
            if !groups.has(at) {
                digest.encode(writer);
                continue;
            }
            let leaves = self.leaves(at);
            writer.array(leaves.len());
            for (salt, bytes) in leaves {
                writer.array(2);
                writer.bytes(salt);
                writer.bytes(bytes);
            }
        }
    }

    /// The leaves of a group with their salts.
    fn leaves(&self, group: usize) -> impl ExactSizeIterator<Item = (&Salt, &[u8])> {
        self.salts[self.content.slots(group)].iter().zip(self.content.leaves(group).iter())
    }

    /// Writes the form in which the issuer keeps it: `[header, seed, content]`.
    pub fn encode_stored(&self, writer: &mut Writer) {
        writer.array(3);
        self.header.encode(writer);
        writer.bytes(&*self.seed);
        self.content.encode(writer);
    }

    /// [`SealedRecord::encode_stored`] alone.
    pub fn to_stored(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        self.encode_stored(&mut writer);
        writer.into_bytes()
    }

    /// Reads what [`SealedRecord::encode_stored`] wrote and commits to it again.
    ///
    /// # Errors
    /// [`ContentError`] when the bytes are not that.
    pub fn from_stored(bytes: &[u8]) -> Result<Self, ContentError> {
        let encoding = |e: CborError| ContentError::new(Fault::Encoding, "", e.to_string());
        let mut reader = Reader::new(bytes);
        reader.tuple(3).map_err(encoding)?;
        let header = RecordHeader::decode(&mut reader).map_err(encoding)?;
        let seed = Zeroizing::new(reader.fixed().map_err(encoding)?);
        let content = Content::decode(&mut reader)?;
        reader.leave();
        reader.finish().map_err(encoding)?;
        Ok(Self::new(header.issuer, content, header.supersedes, header.id, seed))
    }
}

impl RecordView {
    /// The groups that are shown.
    pub fn shown(&self) -> GroupSet {
        let shown = self.groups.iter().enumerate().filter(|(_, g)| matches!(g, GroupView::Shown(_)));
        shown.fold(GroupSet::NONE, |set, (at, _)| set.with(at))
    }

    /// The root that this view leads to.
    pub fn root(&self) -> Digest {
        let table = self.header.table;
        let digest = |(at, group): (usize, &GroupView)| match group {
            GroupView::Hidden(digest) => *digest,
            GroupView::Shown(leaves) => {
                group_digest(table, at, leaves.iter().map(|leaf| (&leaf.salt, leaf.bytes.as_slice())))
            }
        };
        let digests: Vec<Digest> = self.groups.iter().enumerate().map(digest).collect();
        record_root(&self.header.to_cbor(), &digests)
    }

    /// The same view with only these groups still shown; it leads to the same root.
    #[must_use]
    pub fn cut(&self, groups: GroupSet) -> Self {
        let table = self.header.table;
        let cut = |(at, group): (usize, &GroupView)| match group {
            GroupView::Shown(leaves) if !groups.has(at) => {
                let leaves = leaves.iter().map(|leaf| (&leaf.salt, leaf.bytes.as_slice()));
                GroupView::Hidden(group_digest(table, at, leaves))
            }
            other => other.clone(),
        };
        Self { header: self.header.clone(), groups: self.groups.iter().enumerate().map(cut).collect() }
    }

    /// The occurrences in each leaf of a shown group; `None` where it is hidden or the type has no such group.
    ///
    /// # Errors
    /// [`ContentError`] when a leaf is not what the type allows.
    pub fn occurrences(&self, group: &str) -> Result<Option<Vec<Occurrences>>, ContentError> {
        let Some((at, definition)) = self.header.table.group(group) else { return Ok(None) };
        match self.groups.get(at) {
            Some(GroupView::Shown(leaves)) => {
                leaves.iter().map(|leaf| read_leaf(definition, &leaf.bytes)).collect::<Result<_, _>>().map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Checks every disclosed leaf against the type table, and mandatory groups where they are shown.
    ///
    /// # Errors
    /// [`ContentError`] with the place of the first fault.
    pub fn check(&self) -> Result<(), ContentError> {
        for (group, view) in self.header.table.groups.iter().zip(&self.groups) {
            let GroupView::Shown(leaves) = view else { continue };
            for (item, leaf) in leaves.iter().enumerate() {
                check_shown(group, item, &leaf.bytes)?;
            }
        }
        Ok(())
    }

    /// The bytes of a shown leaf of a record's group.
    pub fn leaf(&self, group: &str) -> Option<(&'static Group, &[u8])> {
        let (at, definition) = self.header.table.group(group)?;
        match self.groups.get(at)? {
            GroupView::Shown(leaves) => leaves.first().map(|leaf| (definition, leaf.bytes.as_slice())),
            GroupView::Hidden(_) => None,
        }
    }

    /// One field of the first occurrence of a shown group of the record.
    pub fn field(&self, group: &str, field: &str) -> Option<super::Value> {
        let (definition, bytes) = self.leaf(group)?;
        let number = definition.field(field)?.number;
        super::content::read_field(definition, bytes, number)
    }

    /// A territory on the route, by the name of its field; `None` where the route is hidden.
    pub fn place(&self, field: &str) -> Option<Territory> {
        super::content::territory(self.field("route", field)?)
    }

    /// Whether it is shown that the record names this member as one who handles the item.
    pub fn is_handled_by(&self, member: &MemberId) -> bool {
        super::content::handled_by(self.header.table, member, |field| self.field("handling", field))
    }
}

/// The salt of a leaf: keyed BLAKE3 of its path under the record's seed, its first 16 bytes.
pub fn leaf_salt(seed: &Seed, table: &TypeTable, group: usize, item: usize) -> Salt {
    let digest = keyed(seed, Domain::Salt, &[&leaf_path(table, group, item)]);
    let mut salt = [0; 16];
    salt.copy_from_slice(&digest.0[..16]);
    salt
}

/// Type version, group number and goods item (from 0), each as 64-bit big-endian number.
fn leaf_path(table: &TypeTable, group: usize, item: usize) -> [u8; 24] {
    let mut path = [0; 24];
    path[..8].copy_from_slice(&table.version.to_be_bytes());
    path[8..16].copy_from_slice(&(group as u64 + 1).to_be_bytes());
    path[16..].copy_from_slice(&(item as u64).to_be_bytes());
    path
}

/// Checks a disclosed leaf against its group; an absent one where the record must have it is a fault.
pub(super) fn check_shown(group: &Group, item: usize, leaf: &[u8]) -> Result<(), ContentError> {
    if !leaf.is_empty() {
        return check_leaf(group, leaf, &|| pointer(group, item));
    }
    if group.mandatory && group.scope == Scope::Record {
        let what = "a record of this type must have it";
        return Err(ContentError::new(Fault::Missing, pointer(group, item), what));
    }
    Ok(())
}

/// The digest of a group from its leaves.
fn group_digest<'l>(
    table: &TypeTable,
    group: usize,
    leaves: impl ExactSizeIterator<Item = (&'l Salt, &'l [u8])>,
) -> Digest {
    let one = leaves.len() == 1;
    let mut digests = leaves.enumerate().map(|(item, (salt, bytes))| leaf_digest(table, group, item, salt, bytes));
    // Nearly every group has one leaf, which needs no list.
    if one { digests.next().unwrap_or(Digest::ZERO) } else { fold_items(digests.collect()) }
}

pub(super) fn leaf_digest(table: &TypeTable, group: usize, item: usize, salt: &Salt, bytes: &[u8]) -> Digest {
    Digest::of(Domain::Leaf, &[&leaf_path(table, group, item), salt, bytes])
}

pub(super) fn fold_items(mut level: Vec<Digest>) -> Digest {
    while level.len() > 1 {
        level =
            level.chunks(2).map(|pair| Digest::of(Domain::ItemNode, &[&pair[0].0, &pair[pair.len() - 1].0])).collect();
    }
    level.first().copied().unwrap_or(Digest::ZERO)
}

/// The root from the header's bytes and the digest of each group.
pub(super) fn record_root(header: &[u8], digests: &[Digest]) -> Digest {
    Digest::of_list(Domain::RecordRoot, header, digests)
}

impl Encode for RecordHeader {
    fn encode(&self, writer: &mut Writer) {
        writer.array(5);
        writer.text(self.table.name);
        writer.uint(self.table.version);
        self.issuer.encode(writer);
        writer.bytes(&self.id);
        match &self.supersedes {
            Some(root) => root.encode(writer),
            None => writer.null(),
        }
    }
}

impl Decode for RecordHeader {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        let start = reader.position();
        reader.tuple(5)?;
        let name = reader.text(40)?;
        let version = reader.uint()?;
        let table =
            super::table(name, version).ok_or_else(|| reader.refuse(start, "unknown record type or version"))?;
        let issuer = MemberId::decode(reader)?;
        let id = reader.fixed()?;
        let supersedes = if reader.null()? { None } else { Some(Digest::decode(reader)?) };
        reader.leave();
        Ok(Self { table, issuer, id, supersedes })
    }
}

impl Encode for RecordView {
    fn encode(&self, writer: &mut Writer) {
        writer.array(2);
        self.header.encode(writer);
        writer.array(self.groups.len());
        for group in &self.groups {
            match group {
                GroupView::Hidden(digest) => digest.encode(writer),
                GroupView::Shown(leaves) => {
                    writer.array(leaves.len());
                    for leaf in leaves {
                        writer.array(2);
                        writer.bytes(&leaf.salt);
                        writer.bytes(&leaf.bytes);
                    }
                }
            }
        }
    }
}

impl Decode for RecordView {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        let mut groups: Vec<GroupView> = Vec::with_capacity(MAX_GROUPS);
        let (header, _) = read_view(reader, |_, _, part| match part {
            Part::Hidden(digest) => groups.push(GroupView::Hidden(digest)),
            Part::Leaf { item, of, salt, bytes } => {
                if item == 0 {
                    groups.push(GroupView::Shown(Vec::with_capacity(of.min(8))));
                }
                if let Some(GroupView::Shown(leaves)) = groups.last_mut() {
                    leaves.push(Leaf { salt, bytes: bytes.to_vec() });
                }
            }
        })?;
        Ok(Self { header, groups })
    }
}

/// A piece of a view.
pub(super) enum Part<'a> {
    /// A group that is not shown.
    Hidden(Digest),
    /// A leaf of a group that is.
    Leaf {
        /// Its place in the group, from 0.
        item: usize,
        /// How many leaves the group has.
        of: usize,
        salt: Salt,
        bytes: &'a [u8],
    },
}

/// Reads a view and gives each part, in order, with the type and the group's position; then its header, with the header's bytes.
pub(super) fn read_view<'a>(
    reader: &mut Reader<'a>,
    mut give: impl FnMut(&'static TypeTable, usize, Part<'a>),
) -> Result<(RecordHeader, &'a [u8]), CborError> {
    reader.tuple(2)?;
    let start = reader.position();
    let header = RecordHeader::decode(reader)?;
    // There is one encoding only, so these are the bytes that its encoder would write.
    let encoded = reader.since(start);
    let table = header.table;
    let start = reader.position();
    let count = reader.array(MAX_GROUPS)?;
    if count != table.groups.len() {
        return Err(reader.refuse(start, "another number of groups than the type has"));
    }
    for (at, definition) in table.groups.iter().enumerate() {
        let start = reader.position();
        if reader.peek_major()? == 2 {
            give(table, at, Part::Hidden(Digest::decode(reader)?));
            continue;
        }
        let of = reader.array(MAX_GOODS_ITEMS.next_power_of_two())?;
        if !of.is_power_of_two() || (definition.scope == Scope::Record && of != 1) {
            return Err(reader.refuse(start, "leaves are not a power of two, or more than one for the record"));
        }
        for item in 0..of {
            reader.tuple(2)?;
            let (salt, bytes) = (reader.fixed()?, reader.bytes(MAX_RECORD_BYTES)?);
            reader.leave();
            give(table, at, Part::Leaf { item, of, salt, bytes });
        }
        reader.leave();
    }
    reader.leave();
    reader.leave();
    Ok((header, encoded))
}
