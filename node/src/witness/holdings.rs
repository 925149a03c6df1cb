//! What a node says that it holds of logs, to whoever asks before it signs anything.

use luxor_protocol::document::Directory;
use luxor_protocol::exchange::Holdings;
use luxor_protocol::limits::{MAX_ANSWER_BYTES, MAX_HELD_NOTES};
use luxor_protocol::names::NodeRef;

use crate::store::{Store, StoreError};

/// Bytes of notes in one answer; some of an answer is left for the rest.
const MAX_HOLDINGS_BYTES: usize = MAX_ANSWER_BYTES / 2;

/// What a node holds of all logs, first those of the node that asks, and which card of its member it has.
///
/// # Errors
/// [`StoreError`].
pub fn holdings(directory: &Directory, store: &Store, peer: &NodeRef) -> Result<Holdings, StoreError> {
    let known = directory.node(peer);
    let is_theirs = |origin: &str| {
        known.is_some_and(|node| {
            node.card.origin == origin || node.former_logs.iter().any(|former| former.origin == origin)
        })
    };
    let (theirs, others): (Vec<_>, Vec<_>) =
        store.all_held(MAX_HELD_NOTES)?.into_iter().partition(|(origin, _)| is_theirs(origin));
    let mut bytes = 0;
    let fits = |note: &Vec<u8>| {
        bytes += note.len();
        bytes <= MAX_HOLDINGS_BYTES
    };
    let notes = theirs.into_iter().chain(others).map(|(_, note)| note).take_while(fits).collect();
    Ok(Holdings { notes, card: directory.card_of(&peer.member()) })
}
