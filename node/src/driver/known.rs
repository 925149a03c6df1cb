//! What is known of the network at one moment: the documents, and everything in this node that follows from them.
//!
//! A snapshot never changes; an admitted document makes another. Whoever decides something takes one, and decides all of it
//! by that one.
//!
//! Not here: how a document is admitted (`documents`).

use std::collections::BTreeMap;
use std::sync::Arc;

use luxor_protocol::document::{Directory, KnownNode};
use luxor_protocol::exchange::WitnessesError;
use luxor_protocol::names::NodeRef;
use luxor_protocol::tlog::Policy;

use crate::net::{Peer, TransportKey};
use crate::seal::{Recipient, SealError};
use crate::witness::{LogWitness, Outside, whom};

/// Why documents that hold together cannot be used here.
#[derive(Debug, thiserror::Error)]
pub enum KnownError {
    /// A seal key on a card.
    #[error("card of {node}: {error}")]
    Seal {
        /// The node.
        node: NodeRef,
        /// What is wrong.
        error: SealError,
    },
    /// The cards do not give this node's log a policy.
    #[error("witnesses of this node's log: {0}")]
    Witnesses(#[from] WitnessesError),
}

/// A snapshot.
#[derive(Clone)]
pub struct Known {
    /// Charter, cards, agreements.
    pub directory: Arc<Directory>,
    /// Who is sealed to, by node; also nodes that are on no card any more, for what was numbered when they were.
    pub recipients: BTreeMap<NodeRef, Recipient>,
    /// Who is asked to cosign this node's checkpoints.
    pub witnesses: Vec<LogWitness>,
    /// When their cosignatures count.
    pub policy: Policy,
}

impl Known {
    /// What follows from a directory for the node `own`. `before` is the snapshot that it takes the place of.
    ///
    /// # Errors
    /// [`KnownError`] with the first reason.
    pub fn new(
        directory: Arc<Directory>,
        own: &KnownNode,
        outside: &[Outside],
        before: Option<&Known>,
    ) -> Result<Self, KnownError> {
        let mut recipients = before.map(|before| before.recipients.clone()).unwrap_or_default();
        for known in directory.nodes() {
            let recipient = Recipient::parse(known.card.seal_to());
            let recipient = recipient.map_err(|error| KnownError::Seal { node: known.node.clone(), error })?;
            recipients.insert(known.node.clone(), recipient);
        }
        let (policy, witnesses) = whom(&directory, own, outside)?;
        Ok(Self { directory, recipients, witnesses, policy })
    }

    /// The other nodes, as net knows them.
    pub fn peers(&self, me: &NodeRef) -> Vec<Peer> {
        peers(&self.directory, me)
    }

    /// Origins of all logs, by node.
    pub fn origins(&self) -> BTreeMap<NodeRef, String> {
        origins(&self.directory)
    }
}

/// The nodes other than `me`, as net knows them.
pub fn peers(directory: &Directory, me: &NodeRef) -> Vec<Peer> {
    let others = directory.nodes().filter(|n| n.node != *me);
    // While a node replaces its key, it is a peer by either.
    let keys = others.flat_map(|n| n.transport_keys().map(move |key| (key, n)));
    keys.map(|(key, n)| Peer { key: TransportKey(key.bytes()), addresses: n.card.addresses.clone() }).collect()
}

/// Origins of all logs, by node.
pub fn origins(directory: &Directory) -> BTreeMap<NodeRef, String> {
    directory.nodes().map(|node| (node.node.clone(), node.card.origin.clone())).collect()
}
