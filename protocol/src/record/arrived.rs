//! A view as it arrives: decoded, hashed to its root and checked against its type in one pass over its bytes.
//!
//! It says the same as [`RecordView`](super::RecordView) does with `decode`, `root`, `shown` and `check`, without an allocation
//! for each leaf: views come in thousands, and of most nothing but the root and a few fields is wanted.

use super::commit::{Part, RecordHeader, check_shown, fold_items, leaf_digest, read_view, record_root};
use super::content::{ContentError, read_field};
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
    /// The first leaf of each group; empty where it is hidden or absent.
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
        let mut leaves: Vec<&[u8]> = Vec::with_capacity(MAX_GROUPS);
        let mut of_items = Vec::new();
        let (mut shown, mut fault) = (GroupSet::NONE, None);
        let header = read_view(reader, |table, at, part| match part {
            Part::Hidden(digest) => {
                digests.push(digest);
                leaves.push(&[]);
            }
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
        let root = record_root(&header, &digests);
        Ok(Self { header, root, shown, fault, encoded: reader.since(start), leaves })
    }

    /// One field of the first occurrence of a shown group of the record.
    pub fn field(&self, group: &str, field: &str) -> Option<Value> {
        let (at, definition) = self.header.table.group(group)?;
        read_field(definition, self.leaves.get(at)?, definition.field(field)?.number)
    }
}
