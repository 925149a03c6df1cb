//! The next card of a node whose program reads other versions of record types, or other editions of code lists, than its card says.

use std::path::Path;

use luxor_protocol::document::Document;

use super::rotation::card_of;
use super::{FoundError, reads};

/// The card that says what this program reads, not yet signed, with what it changes in words; `None` where the newest, `present`, says
/// the same.
///
/// # Errors
/// [`FoundError`] when `present` is no card of this folder's node.
pub(crate) fn renew(dir: &Path, present: &Document) -> Result<Option<(Document, Vec<String>)>, FoundError> {
    let (mut card, at) = card_of(dir, present)?;
    let (node, new) = (&mut card.nodes[at], reads());
    let added = new.iter().filter(|read| !node.reads.contains(read)).map(|(name, of)| format!("it reads {name} {of}"));
    let gone = node.reads.iter().filter(|read| !new.contains(read));
    let gone = gone.map(|(name, of)| format!("it reads {name} {of} no longer"));
    let changes: Vec<String> = added.chain(gone).collect();
    if changes.is_empty() {
        return Ok(None);
    }
    node.reads = new;
    let next = card.to_successor(present).map_err(FoundError::Card)?;
    Ok(Some((next, changes)))
}
