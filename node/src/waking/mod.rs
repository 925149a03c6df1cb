//! What a node does before it signs anything: it asks its witnesses for the largest checkpoint of its log that they hold.
//!
//! A database that was set back, with its lock file or without, looks whole from inside; only others know how far the log had
//! come. Until enough of them were heard nothing is signed: no checkpoint, dispatch, cosignature. Meanwhile the same question of
//! others is answered, which needs no signature, so that a whole network can start at once; everything else is put off.
//!
//! Not here: what the words mean (`words`), what a witness holds ([`crate::witness`]).

mod words;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use luxor_protocol::cbor::{Decode, Encode};
use luxor_protocol::document::{Directory, KnownNode};
use luxor_protocol::exchange::{Answer, ErrorCode, Holdings, Lack, Request, witnesses_of};
use luxor_protocol::names::NodeRef;
use luxor_protocol::tlog::{Hash, root_at};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

pub use words::{Heard, OtherCard, OwnLog, WordError, Words};

use crate::net::{Inbound, NetHandle};
use crate::store::{LogFact, Store, StoreError};
use crate::witness::holdings;

/// First wait before a witness that did not answer is asked again; doubled each time.
const AGAIN_MIN: Duration = Duration::from_millis(50);
/// Longest such wait.
const AGAIN_MAX: Duration = Duration::from_secs(2);
/// How long the others are waited for once enough were heard: what one of them alone saw is in its word alone.
const GRACE: Duration = Duration::from_secs(2);
/// After so long the operator is told who is missing, and again after each such time.
const TELL: Duration = Duration::from_secs(10);

/// Why a node did not wake up.
#[derive(Debug, thiserror::Error)]
pub enum WakingError {
    /// It must not sign.
    #[error(transparent)]
    Word(#[from] WordError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The network ended.
    #[error("the network ended while witnesses were asked")]
    Net,
}

/// What a node asks with and about.
pub struct Waking<'n> {
    /// The cards.
    pub directory: &'n Directory,
    /// This node.
    pub own: &'n KnownNode,
    /// Entries on disk.
    pub size: u64,
    /// The database.
    pub store: &'n Store,
    /// The network.
    pub net: NetHandle,
}

impl Waking<'_> {
    /// Asks until enough witnesses were heard. `waits` is told what is missing, for people.
    ///
    /// # Errors
    /// [`WakingError`], which must end the process.
    pub async fn ask(
        &self,
        requests: &mut mpsc::Receiver<Inbound>,
        waits: &watch::Sender<String>,
    ) -> Result<Heard, WakingError> {
        let witnesses = witnesses_of(self.directory, &self.own.member);
        let mut words = Words::new(OwnLog::new(self.directory, self.own)?, witnesses.len());
        let mut missing: BTreeMap<NodeRef, String> =
            witnesses.iter().map(|node| (node.node.clone(), "not asked yet".to_owned())).collect();
        let (say, mut said) = mpsc::channel(witnesses.len().max(1));
        let mut asking = JoinSet::new();
        for witness in witnesses {
            asking.spawn(ask(self.net.clone(), Arc::new(witness.clone()), say.clone()));
        }
        let mut tell = tokio::time::interval_at(tokio::time::Instant::now() + TELL, TELL);
        // What a witness proved before still holds, whoever is heard this time.
        if let Some(note) = self.store.log_fact(LogFact::Held, &self.own.card.origin)? {
            self.hear(&mut words, &self.own.node, Holdings { notes: vec![note], ..Holdings::default() })?;
        }
        let mut grace = Box::pin(tokio::time::sleep(GRACE));
        while !missing.is_empty() {
            let enough = words.are_enough();
            if !enough {
                grace.as_mut().reset(tokio::time::Instant::now() + GRACE);
            }
            waits.send_replace(in_words(&words, &missing));
            tokio::select! {
                Some((witness, word)) = said.recv() => match word {
                    Ok(holdings) => {
                        missing.remove(&witness);
                        self.hear(&mut words, &witness, holdings)?;
                        words.count_in(&witness);
                    }
                    Err(why) => drop(missing.insert(witness, why)),
                },
                () = &mut grace, if enough => break,
                inbound = requests.recv() => self.answer(inbound.ok_or(WakingError::Net)?)?,
                _ = tell.tick() => tracing::warn!("{}", in_words(&words, &missing)),
            }
        }
        Ok(words.finish())
    }

    /// Takes a word.
    fn hear(&self, words: &mut Words<'_>, witness: &NodeRef, holdings: Holdings) -> Result<(), WakingError> {
        let heard = words.hear(witness, holdings, self.size, |size| self.root_at(size));
        if let Err(error) = &heard {
            keep_proof(self.store, &self.own.card.origin, error)?;
        }
        Ok(heard?)
    }

    fn root_at(&self, size: u64) -> Result<Hash, String> {
        root_at(&self.store.log_reader(), size).map_err(|e| e.to_string())
    }

    /// Answers the same question, and puts off all others.
    fn answer(&self, inbound: Inbound) -> Result<(), StoreError> {
        let answer = match self.directory.node_by_transport(&inbound.peer.0) {
            None => Answer::error(ErrorCode::NotAMember, "no card names this connection's key"),
            Some(peer) => match Request::from_cbor(&inbound.body) {
                Ok(Request::Holdings) => Answer::Holdings(holdings(self.directory, self.store, &peer.node, None)?),
                _ => Answer::later(Lack::Witnesses, format!("{} has just started", self.own.node)),
            },
        };
        inbound.reply.send(answer.to_cbor());
        Ok(())
    }
}

/// Keeps the checkpoint that proves that this node must not sign, so that the next start finds it, whoever is heard then.
///
/// # Errors
/// [`StoreError`].
pub fn keep_proof(store: &Store, origin: &str, error: &WordError) -> Result<(), StoreError> {
    match error {
        WordError::Behind { note, .. } | WordError::Another { note, .. } => {
            store.keep_log_facts(origin, &[(LogFact::Held, note)])
        }
        WordError::Log(_) => Ok(()),
    }
}

/// Asks one witness until it says what it holds; tells each failure.
async fn ask(net: NetHandle, witness: Arc<KnownNode>, say: mpsc::Sender<(NodeRef, Result<Holdings, String>)>) {
    let request = Arc::new(Request::Holdings.to_cbor());
    let mut wait = AGAIN_MIN;
    loop {
        let answer = net.request(net.way_to(&witness), request.clone()).await;
        let word = match answer.map_err(|e| e.to_string()).map(|answer| Answer::from_cbor(&answer)) {
            Ok(Ok(Answer::Holdings(holdings))) => Ok(holdings),
            Ok(Ok(Answer::Error { code, detail })) => Err(format!("{code}: {detail}")),
            Ok(Ok(Answer::Later { lacks, detail })) => Err(format!("lacks {lacks}: {detail}")),
            Ok(Ok(_)) => Err("it answered something else".into()),
            Ok(Err(error)) => Err(format!("undecodable answer: {error}")),
            Err(why) => Err(why),
        };
        let done = word.is_ok();
        // Nobody listens any more once enough were heard.
        if say.send((witness.node.clone(), word)).await.is_err() || done {
            return;
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(AGAIN_MAX);
    }
}

fn in_words(words: &Words<'_>, missing: &BTreeMap<NodeRef, String>) -> String {
    let (heard, needed) = words.count();
    let missing: Vec<_> = missing.iter().map(|(node, why)| format!("{node}: {why}")).collect();
    format!(
        "nothing is signed until {needed} witnesses have said what they hold of this log; heard {heard}. Missing: {}\n\
         hint: start them; only if this data folder is surely the newest, and they cannot be had: `luxord --without-witnesses`",
        missing.join("; ")
    )
}
