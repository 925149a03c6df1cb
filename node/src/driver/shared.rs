//! What the rooms around the engine share: keys, documents, database, network, witnesses.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use luxor_protocol::cbor::Encode;
use luxor_protocol::document::Directory;
use luxor_protocol::exchange::{Answer, ErrorCode, WitnessesError};
use luxor_protocol::keys::SecretKey;
use luxor_protocol::names::NodeRef;
use luxor_protocol::tlog::{Checkpoint, Note};

use super::hot::Hot;
use crate::net::{NetHandle, Reply as NetReply};
use crate::seal::{Recipient, SealKey};
use crate::sequencer::{Latest, Sequencer};
use crate::store::{LogFact, Store, StoreError};
use crate::witness::{Cosigned, CosignedCheckpoint, LogWitness, Outside, Witness, whom};

/// Seconds between two cosigned checkpoints that are kept for good: they give the time of what is in the log, to the minute.
const REMEMBER_SECONDS: u64 = 60;
/// Alarms kept; each is about another node or card.
const MAX_ALARMS: usize = 100;

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
    /// Who is asked to cosign this node's checkpoints.
    pub witnesses: Vec<LogWitness>,
    cosigned: Mutex<Cosigned>,
    /// Quorum time of the newest checkpoint that was kept for good.
    remembered: Mutex<Option<u64>>,
    alarms: Mutex<BTreeSet<String>>,
    errors: Mutex<BTreeMap<ErrorCode, u64>>,
    pub(super) hot: Hot,
}

/// What [`Shared`] is made of.
pub struct Parts {
    /// This node.
    pub me: NodeRef,
    /// Charter, cards, agreements.
    pub directory: Arc<Directory>,
    /// Its keys.
    pub secrets: Secrets,
    /// Who is sealed to, by node.
    pub recipients: BTreeMap<NodeRef, Recipient>,
    /// The database.
    pub store: Arc<Store>,
    /// The commit thread.
    pub sequencer: Sequencer,
    /// The network.
    pub net: NetHandle,
    /// Witnesses outside the network.
    pub outside: Vec<Outside>,
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
    pub fn new(parts: Parts) -> Result<Self, SharedError> {
        let Parts { me, directory, secrets, recipients, store, sequencer, net, outside } = parts;
        let Secrets { sign, seal, witness } = secrets;
        let own = directory.node(&me).cloned().ok_or_else(|| SharedError::NoCard(me.clone()))?;
        let origin = &own.card.origin;
        let kept = store.checkpoint_of(LogFact::Cosigned, origin)?;
        let (policy, witnesses) = whom(&directory, &own, &outside)?;
        let keys = witnesses.iter().map(|witness| witness.key.clone()).collect();
        let cosigned = Cosigned::new(policy, keys, kept.map(|kept| (kept.size, kept.note_bytes)));
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
            witnesses,
            cosigned: Mutex::new(cosigned),
            remembered: Mutex::new(None),
            alarms: Mutex::default(),
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

    /// Keeps the newest cosigned checkpoint of this node's own log; one a minute for good.
    pub(super) fn keep_cosigned(&self, made: &CosignedCheckpoint) -> Result<(), StoreError> {
        let origin = self.directory.node(&self.me).map(|node| node.card.origin.clone()).unwrap_or_default();
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that was set back makes one more, which does no harm.
        let remember = remembered.is_none_or(|last| made.time.abs_diff(last) >= REMEMBER_SECONDS);
        self.store.keep_cosigned(&origin, made.size, &made.note, remember)?;
        if remember {
            *remembered = Some(made.time);
        }
        Ok(())
    }

    /// Tells the operator that something is done in this node's name that it did not do: once in the log, and in the status
    /// until the node stops.
    pub(crate) fn alarm(&self, what: String) {
        let mut alarms = self.alarms.lock().unwrap_or_else(PoisonError::into_inner);
        if alarms.len() < MAX_ALARMS && !alarms.contains(&what) {
            tracing::error!("{what}");
            alarms.insert(what);
        }
    }

    /// What the operator was told so.
    pub fn alarms(&self) -> Vec<String> {
        self.alarms.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
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
