//! The third member's part: a dispatch between two others is checked, logged and kept until its recipient has it or its day comes.

use luxor_protocol::cbor::Encode as _;
use luxor_protocol::exchange::{Answer, DepositPart, Dispatch, ErrorCode, Lack, Lane, Opening, check_deposit};
use luxor_protocol::limits::{DEPOSIT_RANGE_BYTES, MAX_DEPOSITED_BYTES, MAX_DEPOSITS};
use luxor_protocol::names::NodeRef;
use luxor_protocol::time::Millis;

use crate::driver::space::has_room;
use crate::driver::turns::Turn;
use crate::driver::{Driver, DriverError, Message, Shared, now};
use crate::entropy::opening;
use crate::net::{Permit, Reply};
use crate::sequencer::SequencerError;
use crate::store::{StoreError, WaitingDeposit, Write};

/// Deposits are taken while so many times the room is left below which nothing is.
const OWN_ROOM: u64 = 4;

/// What is made of a dispatch that is brought.
enum Judged {
    /// This.
    Answer(Answer),
    /// It is kept: to be committed with its entry first.
    Kept { write: Box<Write>, entry: Opening },
}

impl Driver {
    /// Takes a dispatch to another node that its sender brings to be kept for that.
    pub(in crate::driver) fn deposit_brought(&self, peer: NodeRef, dispatch: Dispatch, permit: Permit, reply: Reply) {
        let turn = self.deposits.bringing.take(&peer);
        self.deposit_turn(turn, permit, reply, move |driver| async move {
            let _one = driver.deposits.keeping.lock().await;
            driver.keep(peer, dispatch).await
        });
    }

    async fn keep(&self, peer: NodeRef, dispatch: Dispatch) -> Option<Result<Answer, DriverError>> {
        let shared = self.shared.clone();
        // Others' dispatches end long before own ones do.
        if !has_room(shared.folder.path(), self.attached.min_free_bytes().saturating_mul(OWN_ROOM)) {
            return Some(Ok(Answer::later(Lack::Capacity, "the disk is nearly full")));
        }
        let judged = self.work(Lane::Ordinary, move || judge(&shared, &peer, dispatch, now())).await?;
        let (write, entry) = match judged {
            Ok(Judged::Kept { write, entry }) => (*write, entry),
            Ok(Judged::Answer(answer)) => return Some(Ok(answer)),
            Err(error) => return Some(Err(error)),
        };
        let committed = match self.shared.sequencer.commit_and_wait(vec![write], vec![entry]).await {
            Ok(committed) => committed,
            Err(error) => return Some(Err(error.into())),
        };
        let shared = self.shared.clone();
        let proof = self.work(Lane::Ordinary, move || shared.sequencer.prove(committed.first)).await?;
        Some(match proof {
            Ok(proof) => Ok(Answer::Receipt(proof)),
            // Its day had come already.
            Err(SequencerError::Erased(entry)) => {
                Ok(Answer::error(ErrorCode::Erased, format!("deposited as entry {entry}, whose body was erased since")))
            }
            Err(error) => Err(error.into()),
        })
    }

    /// Shows a recipient what lies here for it, and lets go what it has.
    pub(in crate::driver) fn deposits_asked(
        &self,
        peer: NodeRef,
        done: u64,
        place: (u64, u64),
        permit: Permit,
        reply: Reply,
    ) {
        let turn = self.deposits.asking.take(&peer);
        self.deposit_turn(turn, permit, reply, move |driver| async move { driver.show(peer, done, place).await });
    }

    /// Does what a node asks for in its turn, and answers.
    fn deposit_turn<F>(
        &self,
        turn: Option<Turn>,
        permit: Permit,
        reply: Reply,
        work: impl FnOnce(Driver) -> F + Send + 'static,
    ) where
        F: Future<Output = Option<Result<Answer, DriverError>>> + Send,
    {
        let Some(turn) = turn else {
            let answer = Answer::later(Lack::Capacity, "one question about deposits at a time for each node");
            return self.shared.respond(reply, &answer);
        };
        let driver = self.clone();
        tokio::spawn(async move {
            let _permit = permit;
            let answer = work(driver.clone()).await;
            drop(turn);
            match answer {
                // A practice partner plays with receipts for what is its own.
                Some(Ok(answer @ Answer::Receipt(_))) => reply.send(answer.to_cbor()),
                Some(Ok(answer)) => driver.shared.respond(reply, &answer),
                Some(Err(error)) => drop(driver.mailbox.send(Message::Failed(error))),
                None => {}
            }
        });
    }

    async fn show(&self, peer: NodeRef, done: u64, place: (u64, u64)) -> Option<Result<Answer, DriverError>> {
        let (shared, of) = (self.shared.clone(), peer.clone());
        let taken = self.work(Lane::Ordinary, move || taken(&shared, &of, done)).await?;
        match taken {
            Ok(taken) if taken.is_empty() => {}
            Ok(taken) => {
                let gone = self.shared.sequencer.commit_and_wait(vec![Write::KeptTaken(taken)], Vec::new()).await;
                if let Err(error) = gone {
                    return Some(Err(error.into()));
                }
            }
            Err(error) => return Some(Err(error.into())),
        }
        let shared = self.shared.clone();
        let shown = self.work(Lane::Ordinary, move || part(&shared, &peer, place)).await?;
        Some(shown.map_err(DriverError::from))
    }
}

fn judge(shared: &Shared, peer: &NodeRef, dispatch: Dispatch, now: Millis) -> Result<Judged, DriverError> {
    let answer = |answer| Ok(Judged::Answer(answer));
    let directory = shared.directory();
    let Some(known) = directory.node(peer) else {
        return answer(Answer::later(Lack::Card, format!("card of {peer}")));
    };
    if shared.witness.is_forked(&known.card.origin)? {
        return answer(Answer::error(ErrorCode::Forked, format!("the log of {peer} has shown two histories")));
    }
    let kept = match check_deposit(&directory, &shared.me, known, &dispatch, now) {
        Ok(kept) => kept,
        Err(refused) => return answer(refused),
    };
    let (channel, number) = (kept.header.channel.clone(), kept.header.number);
    if let Some(row) = shared.store.kept(&channel, number)? {
        if row.envelope.digest() != kept.digest {
            let detail = format!("another dispatch with number {number} was deposited here before");
            return answer(Answer::error(ErrorCode::NumberUsed, detail));
        }
        return match shared.sequencer.prove(row.entry) {
            Err(SequencerError::Erased(entry)) => {
                let detail = format!("number {number} was deposited as entry {entry}, whose body was erased since");
                answer(Answer::error(ErrorCode::Erased, detail))
            }
            proof => answer(Answer::Receipt(proof?)),
        };
    }
    let (count, bytes) = shared.store.deposits_of(peer)?;
    if let Some(why) = full(count, bytes, dispatch.sealed.len() as u64) {
        return answer(Answer::later(Lack::Capacity, format!("deposits of {peer}: {why}")));
    }
    let entry = opening(&kept.skeleton(), kept.body())?;
    let write = Write::Kept { channel, number, entry: 0, envelope: kept.envelope, sealed: dispatch.sealed };
    Ok(Judged::Kept { write: Box::new(write), entry })
}

/// Why a sender of which so much waits here may not deposit so many bytes more.
fn full(count: usize, bytes: u64, more: u64) -> Option<String> {
    if count >= MAX_DEPOSITS {
        return Some(format!("{count} wait for their recipients, at most {MAX_DEPOSITS} may"));
    }
    let all = bytes.saturating_add(more);
    (all > MAX_DEPOSITED_BYTES)
        .then(|| format!("{bytes} bytes wait for their recipients, with {more} more than {MAX_DEPOSITED_BYTES}"))
}

/// What lies here for a recipient below an entry: it has decided these.
fn taken(shared: &Shared, recipient: &NodeRef, done: u64) -> Result<Vec<WaitingDeposit>, StoreError> {
    let mut waiting = match done {
        0 => Vec::new(),
        _ => shared.store.deposits_for(recipient, 0, MAX_DEPOSITS)?,
    };
    waiting.retain(|waiting| waiting.entry < done);
    Ok(waiting)
}

/// The first deposit for a recipient from an entry on, its sealed bytes from an offset on.
fn part(shared: &Shared, recipient: &NodeRef, (from, offset): (u64, u64)) -> Result<Answer, StoreError> {
    let store = &shared.store;
    let Some(WaitingDeposit { entry, channel, number }) = store.deposits_for(recipient, from, 1)?.pop() else {
        return Ok(Answer::Deposit(None));
    };
    let damaged = |what: &str| StoreError::damaged(format!("the deposited number {number} of {channel}"), what);
    let row = store.kept(&channel, number)?.ok_or_else(|| damaged("not there"))?;
    // It may have gone just now, since its day came or another question let it go.
    let Some(range) = store.deposit_range(&channel, number, offset, DEPOSIT_RANGE_BYTES)? else {
        return Ok(Answer::later(Lack::Capacity, "what lay there has just gone"));
    };
    let (header, signature) = (row.envelope.header, row.envelope.signature);
    let part = DepositPart { entry, header, signature, length: range.length, sealed: range.bytes };
    Ok(Answer::Deposit(Some(part)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_has_so_much_room_and_no_more() {
        assert_eq!(full(0, 0, MAX_DEPOSITED_BYTES), None);
        assert_eq!(full(MAX_DEPOSITS - 1, MAX_DEPOSITED_BYTES - 1, 1), None);
        assert!(full(MAX_DEPOSITS, 0, 1).is_some_and(|why| why.contains("at most 1024")));
        assert!(full(0, MAX_DEPOSITED_BYTES, 1).is_some_and(|why| why.contains("more than 134217728")));
        assert!(full(0, u64::MAX, u64::MAX).is_some());
    }
}
