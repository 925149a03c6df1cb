//! A view as it arrives: decoded, hashed to its root and checked against its type in one pass over its bytes.
//!
//! It says the same as [`RecordView`](super::RecordView) does with `decode`, `root`, `shown` and `check`, without an allocation
//! for each leaf: views come in thousands, and of most nothing but the root and a few fields is wanted.

use super::commit::{Part, RecordHeader, check_shown, fold_items, leaf_digest, read_view, record_root};
use super::content::{ContentError, Occurrences, read_field, read_leaf};
use super::table::GroupSet;
use super::value::Value;
use crate::cbor::{CborError, Reader};
use crate::hash::Digest;
use crate::limits::MAX_GROUPS;

/// A view that was read, with what its bytes lead to.
#[derive(Debug, Clone)]
pub struct ArrivedView<'a> {
    /// The record's header.
    pub header: RecordHeader,
    /// The root that the view leads to.
    pub root: Digest,
    /// The groups that are shown.
    pub shown: GroupSet,
    /// The first disclosed leaf that the type does not allow, or mandatory group that is shown as absent.
    pub fault: Option<ContentError>,
    /// The view's bytes.
    pub encoded: &'a [u8],
    /// The first leaf of each group that is shown, in their order; empty where it is absent.
    leaves: Vec<&'a [u8]>,
}

impl<'a> ArrivedView<'a> {
    /// Reads the view at which `reader` stands.
    ///
    /// # Errors
    /// [`CborError`] when the bytes are no view; content that its type does not allow is no error but a
    /// [`ArrivedView::fault`].
    pub fn read(reader: &mut Reader<'a>) -> Result<Self, CborError> {
        let start = reader.position();
        let mut digests = Vec::with_capacity(MAX_GROUPS);
        // Most views show a few groups, and many views are held at a time.
        let mut leaves: Vec<&[u8]> = Vec::new();
        let mut of_items = Vec::new();
        let (mut shown, mut fault) = (GroupSet::NONE, None);
        let (header, header_bytes) = read_view(reader, |table, at, part| match part {
            Part::Hidden(digest) => digests.push(digest),
            Part::Leaf { item, of, salt, bytes } => {
                if item == 0 {
                    shown = shown.with(at);
                    leaves.push(bytes);
                }
                if fault.is_none() {
                    fault = check_shown(&table.groups[at], item, bytes).err();
                }
                let digest = leaf_digest(table, at, item, &salt, bytes);
                if of == 1 {
                    return digests.push(digest);
                }
                of_items.push(digest);
                if item + 1 == of {
                    digests.push(fold_items(std::mem::take(&mut of_items)));
                }
            }
        })?;
        let root = record_root(header_bytes, &digests);
        Ok(Self { header, root, shown, fault, encoded: reader.since(start), leaves })
    }

    /// The occurrences in the first leaf of the group at a position of the type; none where it is hidden or absent.
    ///
    /// # Errors
    /// [`ContentError`] when the leaf is not what the type allows.
    pub fn occurrences(&self, group: usize) -> Result<Occurrences, ContentError> {
        let found = self.header.table.groups.get(group).zip(self.leaf(group));
        found.map_or(Ok(Occurrences::new()), |(definition, leaf)| read_leaf(definition, leaf))
    }

    /// One field of the first occurrence of a shown group of the record.
    pub fn field(&self, group: &str, field: &str) -> Option<Value> {
        let (at, definition) = self.header.table.group(group)?;
        read_field(definition, self.leaf(at)?, definition.field(field)?.number)
    }

    /// The first leaf of the group at a position, if it is shown.
    pub(super) fn leaf(&self, group: usize) -> Option<&'a [u8]> {
        let before = self.shown.0 & !u32::MAX.checked_shl(u32::try_from(group).ok()?)?;
        self.shown.has(group).then(|| self.leaves.get(before.count_ones() as usize).copied())?
    }
}
