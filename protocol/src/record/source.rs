//! What is read of a record: all of it, or what a view shows.

use super::commit::{GroupView, RecordView};
use super::content::Content;
use super::table::{Scope, TypeTable};

/// A record, as far as it is shown.
pub trait Source {
    /// Its type.
    fn table(&self) -> &'static TypeTable;

    /// How many goods items it has; of a view, up to the last one of which anything is shown.
    fn goods(&self) -> usize;

    /// Whether the group at a position is shown; one that is shown may be absent.
    fn shows(&self, group: usize) -> bool;

    /// An encoded leaf of a group that is shown: of the record, or of the goods item from 0. Empty where it is absent.
    fn leaf(&self, group: usize, item: usize) -> &[u8];
}

impl Source for Content {
    fn table(&self) -> &'static TypeTable {
        self.table()
    }

    fn goods(&self) -> usize {
        self.items()
    }

    fn shows(&self, _: usize) -> bool {
        true
    }

    fn leaf(&self, group: usize, item: usize) -> &[u8] {
        self.leaves(group).get(item).unwrap_or_default()
    }
}

impl Source for RecordView {
    fn table(&self) -> &'static TypeTable {
        self.header.table
    }

    fn goods(&self) -> usize {
        let of_goods =
            self.header.table.groups.iter().zip(&self.groups).filter(|(group, _)| group.scope == Scope::Item);
        let last = of_goods.filter_map(|(_, view)| match view {
            GroupView::Shown(leaves) => leaves.iter().rposition(|leaf| !leaf.bytes.is_empty()).map(|last| last + 1),
            GroupView::Hidden(_) => None,
        });
        last.max().unwrap_or(0).min(crate::limits::MAX_GOODS_ITEMS)
    }

    fn shows(&self, group: usize) -> bool {
        matches!(self.groups.get(group), Some(GroupView::Shown(_)))
    }

    fn leaf(&self, group: usize, item: usize) -> &[u8] {
        match self.groups.get(group) {
            Some(GroupView::Shown(leaves)) => leaves.get(item).map_or(&[], |leaf| &leaf.bytes),
            _ => &[],
        }
    }
}
