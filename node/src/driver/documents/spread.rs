//! How documents travel between nodes: a node asks another for the list of those that it knows, takes what is new to it, and
//! gives what is new to the other. At the start, on a connection, whenever a document was admitted, and every few seconds.
//!
//! What the other side refused is not offered again, and what was refused here is not fetched again, as long as both know what
//! they knew: so nodes that disagree about a document come to rest.
//!
//! Limits: [`EVERY`] between two comparisons without a reason; [`MAX_FETCHES`] answers of at most
//! [`luxor_protocol::limits::MAX_DOCUMENTS_BYTES`] each in one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use luxor_protocol::cbor::{Decode, Encode};
use luxor_protocol::document::{Directory, Document, KnownNode};
use luxor_protocol::exchange::{Answer, ErrorCode, Lack, Request};
use luxor_protocol::hash::Digest;
use luxor_protocol::limits::MAX_DOCUMENTS_BYTES;
use luxor_protocol::names::{MemberId, NodeRef};
use tokio::sync::watch;

use super::super::Driver;
use super::AdmitError;
use crate::net::{Permit, Reply as NetReply, TransportKey};

/// Time between two comparisons with a node without a reason for one.
const EVERY: Duration = Duration::from_secs(5);
/// Answers with documents that are fetched in one comparison; the next goes on.
const MAX_FETCHES: usize = 64;
/// Bytes that one document adds to a list of them beside its own.
const FRAMING: usize = 8;

/// What is remembered of comparisons.
#[derive(Default)]
pub(in crate::driver) struct Spread {
    /// By node. Its lock is held for a whole comparison, which no request of that node waits for.
    nodes: Mutex<BTreeMap<NodeRef, Arc<tokio::sync::Mutex<Compared>>>>,
    changed: watch::Sender<u64>,
}

/// What came of the last comparison with a node.
#[derive(Default)]
struct Compared {
    /// Summaries of what was known here and there.
    between: Option<(Digest, Digest)>,
    /// What the other side did not take.
    unwanted: BTreeSet<Digest>,
    /// What was not taken from it.
    useless: BTreeSet<Digest>,
}

impl Spread {
    /// A document was admitted: all nodes are to have it now.
    pub(super) fn documents_changed(&self) {
        self.changed.send_modify(|count| *count += 1);
    }

    fn of(&self, node: &NodeRef) -> Arc<tokio::sync::Mutex<Compared>> {
        let mut nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        nodes.entry(node.clone()).or_default().clone()
    }
}

impl Driver {
    /// Compares documents with every other node again and again, until the node stops.
    pub(in crate::driver) async fn spread_documents(self) {
        self.beside_each(Self::others, Self::spread_to).await;
    }

    async fn spread_to(self, node: NodeRef) {
        let (mut changed, mut connected) = (self.spread.changed.subscribe(), self.shared.net.watch_connected());
        loop {
            changed.mark_unchanged();
            if let Err(why) = self.compare_documents(&node).await {
                tracing::debug!(%node, why, "documents not compared");
            }
            let Some(known) = self.shared.directory().node(&node).cloned() else { return };
            tokio::select! {
                told = changed.changed() => if told.is_err() { return },
                () = connects(&mut connected, self.shared.net.way_to(&known)) => {}
                () = tokio::time::sleep(EVERY) => {}
            }
        }
    }

    /// Compares documents with a node and moves what either lacks; gives what the node knows then, as far as it told.
    ///
    /// # Errors
    /// Why it was not done, in words.
    pub(in crate::driver) async fn compare_documents(&self, node: &NodeRef) -> Result<BTreeSet<Digest>, String> {
        let of = self.spread.of(node);
        let mut compared = of.lock().await;
        let directory = self.shared.directory();
        let known = directory.node(node).cloned().ok_or("no card names it")?;
        // Each knows what the other may see.
        let mine: Vec<_> = directory.documents_for(&known.member).map(|(digest, _)| *digest).collect();
        let summary = Directory::summary_of(&mine);
        let listed = match self.ask(&known, &Request::DocumentsKnown { summary }).await? {
            Answer::DocumentsKnown(listed) => listed,
            _ => return Err("it answered something else than which documents it knows".into()),
        };
        if listed.is_empty() {
            return Ok(mine.into_iter().collect());
        }
        let mut theirs: BTreeSet<Digest> = listed.into_iter().collect();
        let between = Some((summary, Directory::summary_of(&theirs)));
        if compared.between != between {
            *compared = Compared { between, ..Compared::default() };
        }
        self.fetch(&known, &directory, &theirs, &mut compared).await?;
        self.give(&known, &mut theirs, &mut compared).await?;
        Ok(theirs)
    }

    /// Takes what a node knows and this one does not.
    async fn fetch(
        &self,
        node: &KnownNode,
        directory: &Directory,
        theirs: &BTreeSet<Digest>,
        compared: &mut Compared,
    ) -> Result<(), String> {
        let mine: BTreeSet<&Digest> = directory.documents().map(|(digest, _)| digest).collect();
        let mut wanted: BTreeSet<Digest> = theirs
            .iter()
            .filter(|digest| !mine.contains(digest) && !compared.useless.contains(digest))
            .copied()
            .collect();
        for _ in 0..MAX_FETCHES {
            if wanted.is_empty() {
                return Ok(());
            }
            let request = Request::DocumentsWanted(wanted.iter().copied().collect());
            let Answer::Documents(documents) = self.ask(node, &request).await? else {
                return Err("it answered something else than documents".into());
            };
            let before = wanted.len();
            for (digest, bytes) in in_order(documents) {
                if !wanted.remove(&digest) {
                    continue;
                }
                if self.shared.refused.too_many_of(&node.node) {
                    return Err("too many of its documents were refused; the rest is put off".into());
                }
                match self.admit(bytes, Some(node.node.clone())).await {
                    Ok(_) => {}
                    Err(error) if error.is_refusal() => drop(compared.useless.insert(digest)),
                    Err(error) => return Err(error.to_string()),
                }
            }
            if wanted.len() == before {
                // It does not show what it lists.
                compared.useless.extend(wanted);
                return Ok(());
            }
        }
        Ok(())
    }

    /// Gives a node what this one knows and it does not, as far as it takes it.
    async fn give(
        &self,
        node: &KnownNode,
        theirs: &mut BTreeSet<Digest>,
        compared: &mut Compared,
    ) -> Result<(), String> {
        let directory = self.shared.directory();
        let lacking = directory
            .documents_for(&node.member)
            .filter(|(digest, _)| !theirs.contains(digest) && !compared.unwanted.contains(digest));
        let lacking: Vec<_> = lacking.map(|(digest, document)| (*digest, document.to_cbor())).collect();
        let mut rest = lacking.as_slice();
        while !rest.is_empty() {
            let count = fitting(rest.iter().map(|(_, bytes)| bytes.len()));
            let (now, later) = rest.split_at(count.max(1));
            rest = later;
            let request = Request::TakeDocuments(now.iter().map(|(_, bytes)| bytes.clone()).collect());
            let Answer::DocumentsTaken(taken) = self.ask(node, &request).await? else {
                return Err("it answered something else than which documents it took".into());
            };
            for (digest, _) in now {
                match taken.contains(digest) {
                    true => theirs.insert(*digest),
                    false => compared.unwanted.insert(*digest),
                };
            }
        }
        Ok(())
    }

    /// Answers a request about documents.
    pub(in crate::driver) fn about_documents(&self, peer: NodeRef, request: Request, permit: Permit, reply: NetReply) {
        let driver = self.clone();
        tokio::spawn(async move {
            let _permit = permit;
            let answer = match request {
                Request::DocumentsKnown { summary } => known(&driver.shared.directory(), &peer.member(), &summary),
                Request::DocumentsWanted(wanted) => {
                    // The semaphore is never closed.
                    let _turn = driver.proving.clone().acquire_owned().await.ok();
                    shown(&driver.shared.directory(), &peer.member(), &wanted)
                }
                Request::TakeDocuments(documents) => driver.take(&peer, documents).await,
                _ => Answer::error(ErrorCode::Undecodable, "not a request about documents"),
            };
            driver.shared.respond(reply, &answer);
        });
    }

    async fn take(&self, peer: &NodeRef, documents: Vec<Vec<u8>>) -> Answer {
        let mut taken = Vec::new();
        for bytes in in_order(documents).into_iter().map(|(_, bytes)| bytes) {
            if self.shared.refused.too_many_of(peer) {
                return Answer::later(Lack::Capacity, format!("too many documents of {peer} were refused"));
            }
            match self.admit(bytes, Some(peer.clone())).await {
                Ok(admitted) => taken.push(admitted.digest),
                Err(error) if error.is_refusal() => {}
                Err(error @ (AdmitError::Full | AdmitError::Folder(_))) => {
                    tracing::warn!(%error, "a document could not be kept");
                    return Answer::later(Lack::Capacity, "a document could not be kept");
                }
                Err(error) => return Answer::later(Lack::Capacity, error),
            }
        }
        Answer::DocumentsTaken(taken)
    }
}

/// The documents known here that a member may see, unless the summary says that they are known there.
fn known(directory: &Directory, member: &MemberId, summary: &Digest) -> Answer {
    let digests: Vec<_> = directory.documents_for(member).map(|(digest, _)| *digest).collect();
    match Directory::summary_of(&digests) == *summary {
        true => Answer::DocumentsKnown(Vec::new()),
        false => Answer::DocumentsKnown(digests),
    }
}

/// Those of the documents wanted that are known here and that the member may see, as many as fit.
fn shown(directory: &Directory, member: &MemberId, wanted: &[Digest]) -> Answer {
    let wanted: BTreeSet<&Digest> = wanted.iter().collect();
    let found = directory.documents_for(member).filter(|(digest, _)| wanted.contains(digest));
    let mut bytes = 0;
    let documents = found.map(|(_, document)| document.to_cbor()).take_while(|document| {
        bytes += document.len() + FRAMING;
        bytes <= MAX_DOCUMENTS_BYTES
    });
    Answer::Documents(documents.collect())
}

/// How many of these fit into one request.
fn fitting(lengths: impl Iterator<Item = usize>) -> usize {
    let mut bytes = 0;
    let fits = |length: &usize| {
        bytes += length + FRAMING;
        bytes <= MAX_DOCUMENTS_BYTES
    };
    lengths.take_while(fits).count()
}

/// Documents in the order in which they can be judged, with their digests: what rests on others after them. What is no document
/// comes last, with the digest of nothing.
fn in_order(documents: Vec<Vec<u8>>) -> Vec<(Digest, Vec<u8>)> {
    let read = |bytes: Vec<u8>| match Document::from_cbor(&bytes) {
        Ok(document) => ((false, Some((document.kind, document.version))), document.whole(), bytes),
        Err(_) => ((true, None), Digest::ZERO, bytes),
    };
    let mut documents: Vec<_> = documents.into_iter().map(read).collect();
    documents.sort_by_key(|(order, _, _)| *order);
    documents.into_iter().map(|(_, digest, bytes)| (digest, bytes)).collect()
}

/// Waits until this node is connected anew.
async fn connects(connected: &mut watch::Receiver<BTreeSet<TransportKey>>, key: TransportKey) {
    let ended = async {
        connected.wait_for(|connected| !connected.contains(&key)).await.map(drop)?;
        connected.wait_for(|connected| connected.contains(&key)).await.map(drop)
    };
    if ended.await.is_err() {
        // The network ends with the node.
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TwoMembers;

    #[test]
    fn what_is_known_is_listed_unless_both_know_the_same() {
        let directory = TwoMembers::new().directory;
        let member: MemberId = "a".parse().unwrap();
        assert_eq!(known(&directory, &member, &directory.summary()), Answer::DocumentsKnown(Vec::new()));
        let Answer::DocumentsKnown(listed) = known(&directory, &member, &Digest::ZERO) else { panic!() };
        assert_eq!(listed.len(), 4);
        assert_eq!(Directory::summary_of(&listed), directory.summary());
        // By the copy: what a dispatch or a card names is looked up to be found among them.
        let (agreement, _) = directory.agreements().next().unwrap();
        let (copy, _) = directory.document(agreement).unwrap();
        assert!(listed.contains(copy) && !listed.contains(agreement));
        let Answer::Documents(shown) = shown(&directory, &member, &[listed[0], Digest::ZERO, listed[3]]) else {
            panic!()
        };
        assert_eq!(
            shown.iter().map(|bytes| Document::from_cbor(bytes).unwrap().whole()).collect::<Vec<_>>(),
            [listed[0], listed[3]]
        );
    }

    #[test]
    fn what_rests_on_others_is_judged_after_them() {
        let TwoMembers { charter, cards, agreement, .. } = TwoMembers::new();
        let documents = [&agreement, &cards[1], &charter].map(Encode::to_cbor);
        let ordered = in_order([vec![vec![0u8]], documents.to_vec()].concat());
        let digests: Vec<_> = ordered.iter().map(|(digest, _)| *digest).collect();
        assert_eq!(digests, [charter.whole(), cards[1].whole(), agreement.whole(), Digest::ZERO]);
    }

    #[test]
    fn no_more_goes_together_than_may() {
        assert_eq!(fitting([10, MAX_DOCUMENTS_BYTES, 10].into_iter()), 1);
        assert_eq!(fitting([MAX_DOCUMENTS_BYTES / 2 - FRAMING; 3].into_iter()), 2);
        assert_eq!(fitting(std::iter::empty()), 0);
    }
}
