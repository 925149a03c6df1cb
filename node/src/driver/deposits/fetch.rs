//! The recipient's part: what lies with third members is fetched and decided as if its sender had brought it.

use std::collections::BTreeSet;
use std::time::Duration;

use luxor_protocol::cbor::Decode as _;
use luxor_protocol::document::{Directory, KnownNode};
use luxor_protocol::exchange::{Answer, DepositPart, Dispatch, DispatchHeader, ErrorCode, Lane, Request};
use luxor_protocol::limits::{DEPOSIT_RANGE_BYTES, MAX_DEPOSITS};
use luxor_protocol::names::NodeRef;

use super::depositaries;
use crate::driver::{Driver, Message};
use crate::net::Reply;
use crate::store::StoreError;

/// How often what lies with a third member is asked for while something does.
const FETCH_EVERY: Duration = Duration::from_secs(5);
/// The longest pause where nothing does, or where it cannot be had.
const FETCH_AGAIN: Duration = Duration::from_secs(60);

/// Why a round ended early.
enum Stopped {
    /// The other node did not answer, or not rightly.
    Asked(String),
    /// This node failed.
    Store(StoreError),
    /// This node is stopping.
    Stopping,
}

impl From<StoreError> for Stopped {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// What a round did.
#[derive(Default)]
struct Round {
    /// What was decided in it.
    decided: usize,
    /// What may be decided later.
    undecided: usize,
    /// Where the next round goes on; from the first entry where nothing was left behind it.
    from: u64,
}

/// What became of a dispatch.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Became {
    /// It was decided now.
    Decided,
    /// Its number was decided before.
    Known,
    /// It may be decided later.
    Undecided,
}

impl Driver {
    /// Nodes with which others may deposit what is for this one.
    pub(in crate::driver) fn keepers(&self, directory: &Directory) -> BTreeSet<NodeRef> {
        let mine = self.shared.me.member();
        depositaries(directory, &self.shared.me, |flow| flow.to.contains(&mine))
    }

    /// Fetches again and again what lies with a node for this one, until the node stops.
    pub(in crate::driver) async fn fetch_deposits(self, node: NodeRef) {
        let (mut pause, mut from) = (FETCH_EVERY, 0);
        loop {
            let Some(known) = self.shared.directory().node(&node).cloned() else { return };
            let round = self.fetch_round(&known, from).await;
            // Behind so many that cannot be decided yet there may be others' that can.
            from = round.as_ref().map_or(0, |round| round.from);
            pause = match round {
                Ok(Round { decided, undecided, .. }) if decided > 0 => {
                    tracing::info!(from = %node, decided, undecided, "fetched what was deposited for this node");
                    FETCH_EVERY
                }
                Ok(_) => (pause * 2).min(FETCH_AGAIN),
                Err(Stopped::Asked(why)) => {
                    tracing::debug!(from = %node, why, "what was deposited for this node is not known");
                    (pause * 2).min(FETCH_AGAIN)
                }
                Err(Stopped::Store(error)) => return drop(self.mailbox.send(Message::Failed(error.into()))),
                Err(Stopped::Stopping) => return,
            };
            // A node that has just come back may have had something for long.
            let _ = tokio::time::timeout(pause, self.comes_back(&known)).await;
        }
    }

    /// Until a node is connected that was not.
    async fn comes_back(&self, node: &KnownNode) {
        let mut connected = self.shared.net.watch_connected();
        let key = self.shared.net.way_to(node);
        let mut was = connected.borrow_and_update().contains(&key);
        while connected.changed().await.is_ok() {
            let is = connected.borrow_and_update().contains(&key);
            if is && !was {
                return;
            }
            was = is;
        }
        std::future::pending::<()>().await;
    }

    /// One look at what lies there from an entry on. What is decided from the first entry of all on is told with the next question, so that
    /// it need not be kept.
    async fn fetch_round(&self, node: &KnownNode, first: u64) -> Result<Round, Stopped> {
        let (mut round, mut done, mut from) = (Round::default(), 0, first);
        for _ in 0..MAX_DEPOSITS {
            let _turn = self.deposits.fetching.lock().await;
            let Some(part) = self.ask_deposit(node, done, from, 0).await? else { return Ok(round) };
            let entry = part.entry;
            match self.decide_deposit(node, done, part).await? {
                Became::Decided => round.decided += 1,
                Became::Known => {}
                Became::Undecided => round.undecided += 1,
            }
            from = entry.saturating_add(1);
            if first == 0 && round.undecided == 0 {
                done = from;
            }
        }
        round.from = from;
        Ok(round)
    }

    async fn ask_deposit(
        &self,
        node: &KnownNode,
        done: u64,
        from: u64,
        offset: u64,
    ) -> Result<Option<DepositPart>, Stopped> {
        match self.ask(node, &Request::Deposits { done, from, offset }).await {
            Ok(Answer::Deposit(Some(part))) if part.entry < from => {
                Err(Stopped::Asked("it showed an entry before the one asked for".into()))
            }
            // Whole ranges only: in shorter ones a dispatch would take as long as its keeper likes.
            Ok(Answer::Deposit(Some(part)))
                if part.sealed.len() as u64 != part.length.saturating_sub(offset).min(DEPOSIT_RANGE_BYTES as u64) =>
            {
                Err(Stopped::Asked("it showed another range than the one asked for".into()))
            }
            Ok(Answer::Deposit(part)) => Ok(part),
            Ok(_) => Err(Stopped::Asked("it answered something else".into())),
            Err(why) => Err(Stopped::Asked(why)),
        }
    }

    /// Gathers a dispatch of which the first range came, and hands it in as its sender would.
    async fn decide_deposit(&self, node: &KnownNode, done: u64, first: DepositPart) -> Result<Became, Stopped> {
        let header = match DispatchHeader::from_cbor(&first.header) {
            Ok(header) if header.channel.recipient == self.shared.me => header,
            // Whoever keeps it reads every type that it names; this node may one day.
            Err(_) => return Ok(Became::Undecided),
            Ok(_) => return Err(Stopped::Asked("it showed what is for another node".into())),
        };
        let (shared, channel, number) = (self.shared.clone(), header.channel.clone(), header.number);
        let there = self.work(Lane::Ordinary, move || shared.store.received(&channel, number)).await;
        if there.ok_or(Stopped::Stopping)??.is_some() {
            // It came from its sender meanwhile, or other bytes did under its number: the sender is told directly.
            return Ok(Became::Known);
        }
        let DepositPart { entry, header: bytes, signature, length, mut sealed } = first;
        while (sealed.len() as u64) < length {
            let next = self.ask_deposit(node, done, entry, sealed.len() as u64).await?;
            let next = next.filter(|next| next.entry == entry && next.header == bytes && next.length == length);
            let Some(next) = next else { return Err(Stopped::Asked("the rest of a dispatch is not there".into())) };
            sealed.extend_from_slice(&next.sealed);
        }
        let request = Box::new(Request::Dispatch(Dispatch { header: bytes, signature, sealed }));
        let (reply, answered) = Reply::inside();
        let arrived = Message::Arrived { peer: header.channel.sender, request, permit: None, reply };
        self.mailbox.send(arrived).map_err(|_| Stopped::Stopping)?;
        // Nothing comes where this node is stopping, or where a practice partner gives no answer.
        let Ok(answer) = answered.await else { return Ok(Became::Undecided) };
        Ok(match Answer::from_cbor(&answer) {
            Ok(Answer::Receipt(_)) => Became::Decided,
            Ok(Answer::Error { code, .. }) if is_final(code) => Became::Decided,
            _ => Became::Undecided,
        })
    }
}

/// Whether no later try gives another answer. A signature may hold once a new card is known, so it is not among them; what is out of the
/// window is, since its sender deposits the numbers before it first, and still sends it directly.
fn is_final(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::NumberUsed
            | ErrorCode::NumberOutOfWindow
            | ErrorCode::ForeignSeal
            | ErrorCode::WrongEpoch
            | ErrorCode::Erased
    )
}
