//! What a node says that it holds of logs, to whoever asks before it signs anything.

use luxor_protocol::document::Directory;
use luxor_protocol::exchange::Holdings;
use luxor_protocol::limits::{MAX_ANSWER_BYTES, MAX_FORK_TOLD_BYTES, MAX_FORKS_TOLD, MAX_HELD_NOTES};
use luxor_protocol::names::NodeRef;

use crate::store::{LogFact, Store, StoreError};

/// Bytes of notes in one answer; some of an answer is left for the rest.
const MAX_HOLDINGS_BYTES: usize = MAX_ANSWER_BYTES / 2;

/// What a node holds of all logs, and which card of the asking node's member it has. First what concerns the asking node: of its
/// present and former logs the largest that was verified, those that nothing places, and `seen`, checkpoints of it that came
/// otherwise. And the evidence of forked logs.
///
/// # Errors
/// [`StoreError`].
pub fn holdings(
    directory: &Directory,
    store: &Store,
    peer: &NodeRef,
    seen: Option<Vec<u8>>,
) -> Result<Holdings, StoreError> {
    let mut notes: Vec<Vec<u8>> = seen.into_iter().collect();
    let known = directory.node(peer);
    let theirs: Vec<&str> = known
        .iter()
        .flat_map(|node| std::iter::once(&node.card.origin).chain(node.former_logs.iter().map(|former| &former.origin)))
        .map(String::as_str)
        .collect();
    for origin in &theirs {
        notes.extend(store.log_fact(LogFact::Held, origin)?);
        notes.extend(store.unplaced(origin)?.into_iter().map(|held| held.note_bytes));
    }
    let others = store.all_held(MAX_HELD_NOTES)?.into_iter().filter(|(origin, _)| !theirs.contains(&origin.as_str()));
    notes.extend(others.map(|(_, note)| note));
    notes.truncate(MAX_HELD_NOTES);
    let mut bytes = 0;
    let fits = |note: &Vec<u8>| {
        bytes += note.len();
        bytes <= MAX_HOLDINGS_BYTES
    };
    let notes = notes.into_iter().take_while(fits).collect();
    let forks = store.forks(MAX_FORKS_TOLD)?.into_iter().map(|(_, evidence)| evidence);
    let forks = forks.filter(|evidence| evidence.len() <= MAX_FORK_TOLD_BYTES).collect();
    Ok(Holdings { notes, card: directory.card_of(&peer.member()), forks })
}
