//! What the rooms around the engine share: keys, documents, database, network, witnesses.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use luxor_protocol::cbor::Encode;
use luxor_protocol::document::Directory;
use luxor_protocol::exchange::{Answer, ErrorCode, WitnessesError, policy_of};
use luxor_protocol::keys::SecretKey;
use luxor_protocol::names::NodeRef;
use luxor_protocol::tlog::{Checkpoint, Note};

use super::hot::Hot;
use crate::net::{NetHandle, Reply as NetReply};
use crate::seal::{Recipient, SealKey};
use crate::sequencer::{Latest, Sequencer};
use crate::store::{LogFact, Store, StoreError};
use crate::witness::{Cosigned, Witness};

/// What every room around the engine shares. Settings stay as they were at the start; what changes guards itself.
pub struct Shared {
    /// This node.
    pub me: NodeRef,
    /// Charter, cards, agreements.
    pub directory: Arc<Directory>,
    /// Signs batches and dispatches.
    pub sign: SecretKey,
    /// Opens what is sealed to this node.
    pub seal: SealKey,
    /// Who is sealed to, by node.
    pub recipients: BTreeMap<NodeRef, Recipient>,
    /// The database.
    pub store: Arc<Store>,
    /// The commit thread.
    pub sequencer: Sequencer,
    /// The network.
    pub net: NetHandle,
    /// This node as a witness of others.
    pub witness: Witness,
    cosigned: Mutex<Cosigned>,
    errors: Mutex<BTreeMap<ErrorCode, u64>>,
    pub(super) hot: Hot,
}

/// Secret keys that the rooms around the engine use.
pub struct Secrets {
    /// Signs batches and dispatches.
    pub sign: SecretKey,
    /// Opens what is sealed to this node.
    pub seal: SealKey,
    /// Cosigns others' checkpoints.
    pub witness: SecretKey,
}

/// Why what the rooms share could not be gathered.
#[derive(Debug, thiserror::Error)]
pub enum SharedError {
    /// No card names this node.
    #[error("no card names {0}")]
    NoCard(NodeRef),
    /// The cards do not give the log a policy.
    #[error("witnesses of this node's log: {0}")]
    Witnesses(#[from] WitnessesError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Shared {
    /// Gathers what the rooms share.
    ///
    /// # Errors
    /// [`SharedError`] when the cards do not say who witnesses this node's log, or the store does not what was cosigned.
    pub fn new(
        me: NodeRef,
        directory: Arc<Directory>,
        secrets: Secrets,
        recipients: BTreeMap<NodeRef, Recipient>,
        store: Arc<Store>,
        sequencer: Sequencer,
        net: NetHandle,
    ) -> Result<Self, SharedError> {
        let Secrets { sign, seal, witness } = secrets;
        let own = directory.node(&me).cloned().ok_or_else(|| SharedError::NoCard(me.clone()))?;
        let origin = &own.card.origin;
        let kept = store.checkpoint_of(LogFact::Cosigned, origin)?;
        let cosigned = Cosigned::new(policy_of(&directory, &own)?, kept.map(|kept| (kept.size, kept.note_bytes)));
        let witness = Witness::new(me.clone(), origin, witness, directory.clone(), store.clone());
        Ok(Self {
            me,
            directory,
            sign,
            seal,
            recipients,
            store,
            sequencer,
            net,
            witness,
            cosigned: Mutex::new(cosigned),
            errors: Mutex::default(),
            hot: Hot::default(),
        })
    }

    /// The epoch of this node's channels.
    pub fn epoch(&self) -> u64 {
        self.directory.node(&self.me).map_or(1, |node| node.card.epoch)
    }

    /// Cosignatures of this node's own checkpoints.
    pub fn cosigned(&self) -> MutexGuard<'_, Cosigned> {
        // Whoever panicked left whole cosignatures behind.
        self.cosigned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The newest signed checkpoint, with its cosignatures if it has a quorum of them already.
    pub fn newest_for_members(&self) -> Latest {
        self.newest(|best, latest| best == latest)
    }

    /// The checkpoint that everybody may see next, when one of this size is shown: the largest with a quorum if that is not
    /// shown yet, else the newest.
    pub fn newest_for_all(&self, shown: u64) -> Latest {
        self.newest(|best, latest| best > shown || best == latest)
    }

    /// The cosigned checkpoint if its size is wanted beside that of the newest one, else that one.
    fn newest(&self, is_wanted: impl FnOnce(u64, u64) -> bool) -> Latest {
        let latest = self.sequencer.latest();
        let best = self.cosigned().best().filter(|best| is_wanted(best.size, latest.size)).cloned();
        let Some(best) = best else { return latest };
        match Note::parse(&best.note).ok().and_then(|note| Checkpoint::parse(&note.text).ok()) {
            Some(checkpoint) => Latest { size: checkpoint.size, root: checkpoint.root, note: best.note },
            // It was judged before, so this does not happen.
            None => latest,
        }
    }

    /// Keeps the newest cosigned checkpoint of this node's own log.
    pub(super) fn keep_cosigned(&self, note: &[u8]) -> Result<(), StoreError> {
        let origin = self.directory.node(&self.me).map(|node| node.card.origin.clone()).unwrap_or_default();
        self.store.keep_log_facts(&origin, &[(LogFact::Cosigned, note)])
    }

    /// Requests refused without trace, by code.
    pub fn errors(&self) -> BTreeMap<ErrorCode, u64> {
        self.errors.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn respond(&self, reply: NetReply, answer: &Answer) {
        if let Answer::Error { code, detail } = answer {
            tracing::info!(%code, detail, "request refused");
            *self.errors.lock().unwrap_or_else(PoisonError::into_inner).entry(*code).or_default() += 1;
        }
        reply.send(answer.to_cbor());
    }
}
