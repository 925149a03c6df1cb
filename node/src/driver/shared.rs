//! What the rooms around the engine share: keys, documents, database, network, witnesses.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use luxor_protocol::cbor::Encode;
use luxor_protocol::document::{CharterMember, Directory, KnownNode};
use luxor_protocol::exchange::{Answer, ErrorCode};
use luxor_protocol::keys::{PublicKey, SecretKey};
use luxor_protocol::names::{MemberKind, NodeRef, Territory};
use luxor_protocol::tlog::{Checkpoint, Note};
use tokio::sync::watch;

use super::documents::{RefusedDocument, RefusedDocuments};
use super::hot::Hot;
use super::known::{Known, KnownError};
use super::shelf::KeptShelf;
use crate::accounts::Accounts;
use crate::desk::Screening;
use crate::folder::{Folder, FolderError, NodeKeys};
use crate::net::{NetHandle, Reply as NetReply};
use crate::practice::Practice;
use crate::rules::Rules;
use crate::seal::SealKeys;
use crate::sequencer::{Latest, Sequencer};
use crate::store::{LogFact, Store, StoreError};
use crate::taxii::TaxiiCounters;
use crate::trust::Trust;
use crate::witness::{Cosigned, CosignedCheckpoint, Outside, Witness};

/// Seconds between two cosigned checkpoints that are kept for good: they give the time of what is in the log, to the minute.
const REMEMBER_SECONDS: u64 = 60;

/// What every room around the engine shares. Settings and keys stay as they were at the start; what changes guards itself.
pub struct Shared {
    /// This node.
    pub me: NodeRef,
    /// This node as its card had it at the start, with the keys that it has: a later card of its own counts from its next
    /// start.
    pub own: Arc<KnownNode>,
    /// Documents and what follows from them, see [`Shared::known`].
    known: watch::Sender<Arc<Known>>,
    secrets: RwLock<Arc<Secrets>>,
    /// The database.
    pub store: Arc<Store>,
    /// The commit thread.
    pub sequencer: Sequencer,
    /// The network.
    pub net: NetHandle,
    /// This node as a witness of others.
    pub witness: Witness,
    /// Dated rules that records are judged by.
    pub rules: Rules,
    /// Trusted traders.
    pub trust: Arc<Trust>,
    /// Business reconciliation.
    pub accounts: Accounts,
    /// Proposals of screening, and officers.
    pub screening: Screening,
    /// What threat platforms may read.
    pub shelf: KeptShelf,
    /// How often they asked.
    pub taxii: TaxiiCounters,
    /// Wrong receipts, at a practice partner's node only.
    pub practice: Option<Practice>,
    /// Witnesses outside the network.
    pub(super) outside: Vec<Outside>,
    /// The node's folder, which keeps documents.
    pub(super) folder: Folder,
    /// Documents that were not admitted.
    pub(super) refused: RefusedDocuments,
    cosigned: Mutex<Cosigned>,
    kept: Mutex<Kept>,
    /// By what each is about.
    alarms: Mutex<BTreeMap<String, String>>,
    errors: Mutex<BTreeMap<ErrorCode, u64>>,
    pub(super) hot: Hot,
}

/// What was kept of own cosigned checkpoints by this process.
#[derive(Default)]
struct Kept {
    size: u64,
    /// Its quorum time.
    time: u64,
    /// Quorum time of the last one that was kept for good.
    remembered: Option<u64>,
}

/// What [`Shared`] is made of.
pub struct Parts {
    /// This node.
    pub me: NodeRef,
    /// Charter, cards, agreements.
    pub directory: Arc<Directory>,
    /// Its keys.
    pub secrets: Secrets,
    /// The database.
    pub store: Arc<Store>,
    /// The commit thread.
    pub sequencer: Sequencer,
    /// The network.
    pub net: NetHandle,
    /// Witnesses outside the network.
    pub outside: Vec<Outside>,
    /// The node's folder.
    pub folder: Folder,
    /// Dated rules.
    pub rules: Rules,
    /// Proposals of screening, and officers.
    pub screening: Screening,
    /// Wrong receipts, at a practice partner's node only.
    pub practice: Option<Practice>,
}

/// Secret keys that the rooms around the engine use.
pub struct Secrets {
    /// Signs batches and dispatches.
    pub sign: SecretKey,
    /// Open what is sealed to this node.
    pub seal: SealKeys,
    /// Cosign others' checkpoints: the key in use, then those beside it.
    pub witness: Vec<SecretKey>,
    /// With which this node connects until it stops.
    pub transport: PublicKey,
}

/// Why what the rooms share could not be gathered.
#[derive(Debug, thiserror::Error)]
pub enum SharedError {
    /// No card names this node.
    #[error("no card names {0}")]
    NoCard(NodeRef),
    /// The documents cannot be used here.
    #[error(transparent)]
    Known(#[from] KnownError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Where arrivals are expected: at customs, posts and agencies of a territory; elsewhere wherever goods go.
fn home(member: &CharterMember) -> Option<Territory> {
    let stays = matches!(member.kind, MemberKind::Customs | MemberKind::Post | MemberKind::Agency);
    stays.then_some(member.territory)
}

impl Shared {
    /// Gathers what the rooms share.
    ///
    /// # Errors
    /// [`SharedError`] when the cards do not say whom to seal to or who witnesses this node's log, or the store does not what was cosigned.
    pub fn new(parts: Parts) -> Result<Self, SharedError> {
        let Parts { me, directory, secrets, store, sequencer, net, outside, folder, rules, screening, practice } =
            parts;
        let own = directory.node(&me).cloned().ok_or_else(|| SharedError::NoCard(me.clone()))?;
        let origin = &own.card.origin;
        let kept = store.checkpoint_of(LogFact::Cosigned, origin)?;
        let known = Known::new(directory.clone(), &own, &outside, None)?;
        let keys = known.witnesses.iter().map(|witness| witness.key.clone()).collect();
        let cosigned = Cosigned::new(known.policy.clone(), keys, kept.map(|kept| (kept.size, kept.note_bytes)));
        let home = directory.charter().member(&me.member()).and_then(home);
        let accounts = Accounts::open(&store, rules.accounting.clone(), home, rules.accounts_wanted)?;
        let shelf = KeptShelf::new(directory.network());
        let witness = Witness::new(me.clone(), origin, secrets.witness.clone(), directory, store.clone());
        Ok(Self {
            me,
            own,
            known: watch::Sender::new(Arc::new(known)),
            secrets: RwLock::new(Arc::new(secrets)),
            store,
            sequencer,
            net,
            witness,
            outside,
            folder,
            rules,
            trust: Arc::default(),
            accounts,
            screening,
            shelf,
            taxii: TaxiiCounters::default(),
            practice,
            refused: RefusedDocuments::default(),
            cosigned: Mutex::new(cosigned),
            kept: Mutex::default(),
            alarms: Mutex::default(),
            errors: Mutex::default(),
            hot: Hot::default(),
        })
    }

    /// The keys in use.
    pub fn secrets(&self) -> Arc<Secrets> {
        self.secrets.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keys in use, as text.
    pub fn keys_in_use(&self) -> Vec<String> {
        let secrets = self.secrets();
        let mut keys = vec![secrets.sign.public().to_string()];
        keys.extend(self.sequencer.key_in_use().map(|key| key.to_string()));
        keys.extend(secrets.witness.first().map(|key| key.public().to_string()));
        keys.push(secrets.transport.to_string());
        keys.extend(secrets.seal.recipients().next());
        keys
    }

    /// Goes on with the keys that this node's newest card has, as far as it may without a new start: that needs one for the key with
    /// which it connects.
    ///
    /// # Errors
    /// [`FolderError`] when one is not in the folder; then it goes on with those that it has.
    pub(super) fn use_keys_of(&self, directory: &Directory) -> Result<(), FolderError> {
        let Some(own) = directory.node(&self.me) else { return Ok(()) };
        let NodeKeys { sign, log, witness, seal, .. } = self.folder.keys_for(&own.card)?;
        let transport = self.secrets().transport;
        self.sequencer.use_keys(log);
        self.witness.use_keys(witness.clone());
        let secrets = Arc::new(Secrets { sign, seal, witness, transport });
        *self.secrets.write().unwrap_or_else(PoisonError::into_inner) = secrets;
        Ok(())
    }

    /// What is known now. One decision takes one snapshot.
    pub fn known(&self) -> Arc<Known> {
        self.known.borrow().clone()
    }

    /// Charter, cards and agreements as they are now. One decision takes one snapshot.
    pub fn directory(&self) -> Arc<Directory> {
        self.known.borrow().directory.clone()
    }

    /// Tells of every snapshot that takes the place of another.
    pub(super) fn watch_known(&self) -> watch::Receiver<Arc<Known>> {
        self.known.subscribe()
    }

    /// Goes on with another snapshot.
    pub(super) fn follow(&self, known: Known) {
        let keys = known.witnesses.iter().map(|witness| witness.key.clone()).collect();
        self.witness.follow(known.directory.clone());
        self.cosigned().follow(known.policy.clone(), keys);
        self.known.send_replace(Arc::new(known));
    }

    /// The epoch of this node's channels.
    pub fn epoch(&self) -> u64 {
        self.own.card.epoch
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
        self.keep(made, false)
    }

    /// Keeps the newest cosigned checkpoint for good: it proves of all that came until now that it was there before what comes now, as
    /// a revocation.
    pub(super) fn keep_newest_cosigned(&self) -> Result<(), StoreError> {
        let best = self.cosigned().best().cloned();
        best.map_or(Ok(()), |best| self.keep(&best, true))
    }

    fn keep(&self, made: &CosignedCheckpoint, for_good: bool) -> Result<(), StoreError> {
        let origin = &self.own.card.origin;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if (made.size, made.time) < (kept.size, kept.time) {
            // Two workers may come in another order than the quorums did.
            return Ok(());
        }
        // A clock that was set back makes one more, which does no harm.
        let remember = for_good || kept.remembered.is_none_or(|last| made.time.abs_diff(last) >= REMEMBER_SECONDS);
        self.store.keep_cosigned(origin, made.size, &made.note, remember)?;
        (kept.size, kept.time) = (made.size, made.time);
        if remember {
            kept.remembered = Some(made.time);
        }
        Ok(())
    }

    /// Tells the operator that something is done in this node's name that it did not do: once in the log, and in the status
    /// until the node stops or there is another word about the same. What it is about is a card, a document or a witness, of all of
    /// which there are few.
    pub(crate) fn alarm(&self, about: String, what: String) {
        let mut alarms = self.alarms.lock().unwrap_or_else(PoisonError::into_inner);
        if alarms.get(&about) != Some(&what) {
            tracing::error!("{what}");
            alarms.insert(about, what);
        }
    }

    /// What the operator was told so.
    pub fn alarms(&self) -> Vec<String> {
        self.alarms.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Documents that were not admitted lately.
    pub fn refused_documents(&self) -> Vec<RefusedDocument> {
        self.refused.told()
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
        if let (Some(practice), Answer::Receipt(receipt)) = (&self.practice, answer) {
            return practice.respond(reply, receipt, super::now());
        }
        reply.send(answer.to_cbor());
    }
}
