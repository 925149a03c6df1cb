//! The sender's part: what is overdue goes to the third member that its row names, and that member's receipt is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use luxor_protocol::cbor::Decode as _;
use luxor_protocol::document::KnownNode;
use luxor_protocol::exchange::{
    Answer, Channel, DispatchHeader, ErrorCode, Lack, Lane, Request, depositary, read_deposit,
};
use luxor_protocol::names::{MemberId, NodeRef};

use super::depositaries;
use crate::driver::{Driver, DriverError, Message, Shared, now};
use crate::store::{GivenRow, StoreError, Write};

/// How often it is looked for what is overdue.
const EVERY: Duration = Duration::from_secs(5);
/// Dispatches in the outbox looked at in one round.
const LOOKED_AT: usize = 512;
/// Dispatches brought in one round.
const AT_ONCE: usize = 16;
/// The longest pause after which a node that does not take deposits is asked again.
const MAX_PAUSE: Duration = Duration::from_secs(600);
/// Dispatches that a depositary refused which are remembered; beyond them, and after a while, all are tried again: documents may say otherwise by then.
const MAX_REFUSED: usize = 4_096;
const REFUSED_FOR: Duration = Duration::from_secs(3_600);

/// What is remembered from round to round.
struct Bringing {
    /// Where the next round goes on in the outbox.
    after: Option<(Channel, u64)>,
    /// What was refused, and since when that is remembered.
    refused: BTreeSet<(Channel, u64)>,
    since: Instant,
    /// Nodes that are asked again later: when, and the pause before.
    paused: BTreeMap<NodeRef, (Instant, Duration)>,
}

/// An own dispatch whose receipt is overdue, and who may keep it.
struct Overdue {
    channel: Channel,
    number: u64,
    with: MemberId,
}

/// How a node took a dispatch.
enum Taken {
    /// It keeps it.
    Given(GivenRow),
    /// It refused it.
    Refused(String),
    /// It may take it later.
    Later(String),
}

impl Driver {
    /// Brings what is overdue to third members, until the node stops.
    pub(in crate::driver) async fn deposit_overdue(self) {
        let mut bringing =
            Bringing { after: None, refused: BTreeSet::new(), since: Instant::now(), paused: BTreeMap::new() };
        loop {
            tokio::time::sleep(EVERY).await;
            if let Err(error) = self.bring_some(&mut bringing).await {
                return drop(self.mailbox.send(Message::Failed(error)));
            }
        }
    }

    async fn bring_some(&self, bringing: &mut Bringing) -> Result<(), DriverError> {
        let mine = self.shared.me.member();
        if depositaries(&self.shared.directory(), &self.shared.me, |flow| flow.from.contains(&mine)).is_empty() {
            return Ok(());
        }
        if bringing.refused.len() > MAX_REFUSED || bringing.since.elapsed() > REFUSED_FOR {
            bringing.refused.clear();
            bringing.since = Instant::now();
        }
        let (shared, after, refused) = (self.shared.clone(), bringing.after.take(), bringing.refused.clone());
        let due_ms = self.receipt_due_ms;
        let looked = self.work(Lane::Ordinary, move || overdue(&shared, after, &refused, due_ms)).await;
        let Some(looked) = looked else { return Ok(()) };
        let (found, after) = looked?;
        bringing.after = after;
        // One that does not answer costs a round one wait, not one for each dispatch.
        let mut failed: BTreeSet<NodeRef> = BTreeSet::new();
        for Overdue { channel, number, with } in found {
            let nodes: Vec<Arc<KnownNode>> =
                self.shared.directory().nodes().filter(|node| node.member == with).cloned().collect();
            for node in nodes {
                let paused = bringing.paused.get(&node.node).copied();
                if paused.is_some_and(|(until, _)| until > Instant::now()) || failed.contains(&node.node) {
                    continue;
                }
                match self.bring(&node, &channel, number).await? {
                    None => break,
                    Some(Taken::Given(row)) => {
                        bringing.paused.remove(&node.node);
                        tracing::info!(%channel, number, with = %row.with, entry = row.index, "an overdue dispatch is deposited");
                        let write = Write::Given { channel: channel.clone(), number, row };
                        self.shared.sequencer.commit_and_wait(vec![write], Vec::new()).await?;
                        break;
                    }
                    Some(Taken::Refused(why)) => {
                        tracing::warn!(%channel, number, with = %node.node, why, "an overdue dispatch is not taken as a deposit");
                        bringing.refused.insert((channel.clone(), number));
                        break;
                    }
                    Some(Taken::Later(why)) => {
                        let pause = paused.map_or(EVERY, |(_, pause)| (pause * 2).min(MAX_PAUSE));
                        tracing::info!(with = %node.node, why, "deposits are not taken now");
                        bringing.paused.insert(node.node.clone(), (Instant::now() + pause, pause));
                        failed.insert(node.node.clone());
                    }
                }
            }
        }
        Ok(())
    }

    /// Brings one dispatch to one node; nothing where it is settled or gone meanwhile.
    async fn bring(&self, node: &KnownNode, channel: &Channel, number: u64) -> Result<Option<Taken>, DriverError> {
        if self.shared.witness.is_forked(&node.card.origin)? {
            let why = format!("the log of {} has shown two histories; nothing goes to it", node.node);
            return Ok(Some(Taken::Later(why)));
        }
        let (shared, of) = (self.shared.clone(), channel.clone());
        let read = move || match shared.store.request(&of, number)?.map(Request::from_vec) {
            Some(Ok(Request::Dispatch(dispatch))) => Ok(Some(dispatch)),
            Some(Err(error)) => Err(StoreError::damaged("the sealed bytes of a dispatch", error)),
            // Its withdrawal took its place.
            Some(Ok(_)) | None => Ok(None),
        };
        let Some(dispatch) = self.work(Lane::Ordinary, read).await.unwrap_or(Ok(None))? else { return Ok(None) };
        let digest = dispatch.envelope().digest();
        let request = Request::Deposit(dispatch);
        let mut answer = self.ask_whole(node, &request).await;
        if let Ok(Answer::Later { lacks: Lack::Agreement | Lack::Card | Lack::Suspended | Lack::Membership, .. }) =
            answer
            && self.compare_documents(&node.node).await.is_ok()
        {
            answer = self.ask_whole(node, &request).await;
        }
        let proof = match answer {
            Ok(Answer::Receipt(proof)) => proof,
            Ok(Answer::Error {
                code: code @ (ErrorCode::NotAMember | ErrorCode::Forked | ErrorCode::Undecodable),
                detail,
            }) => return Ok(Some(Taken::Later(format!("{code}: {detail}")))),
            Ok(Answer::Error { code, detail }) => return Ok(Some(Taken::Refused(format!("{code}: {detail}")))),
            Ok(Answer::Later { lacks, detail }) => {
                return Ok(Some(Taken::Later(format!("lacks {lacks}: {detail}"))));
            }
            Ok(_) => return Ok(Some(Taken::Later("it answered something else".into()))),
            Err(why) => return Ok(Some(Taken::Later(why))),
        };
        let receipt = match read_deposit(node, &digest, &proof) {
            Ok(receipt) if receipt.skeleton.channel == *channel && receipt.skeleton.number == number => receipt,
            Ok(_) => return Ok(Some(Taken::Later("its receipt names another channel or number".into()))),
            Err(error) => return Ok(Some(Taken::Later(format!("receipt: {error}")))),
        };
        self.shared.witness.glimpse(&receipt.checkpoint.origin, receipt.checkpoint.size, &proof);
        Ok(Some(Taken::Given(GivenRow { with: node.node.clone(), index: receipt.index, at: now(), proof })))
    }
}

/// Where a round ended in the outbox; nothing at its end.
type Place = Option<(Channel, u64)>;

/// The next own dispatches that are overdue, in no third member's hands, and may be put there; and where to go on.
fn overdue(
    shared: &Shared,
    mut after: Place,
    refused: &BTreeSet<(Channel, u64)>,
    due_ms: u64,
) -> Result<(Vec<Overdue>, Place), DriverError> {
    let (store, directory, now) = (&shared.store, shared.directory(), now());
    let (mut found, mut looked) = (Vec::new(), 0);
    while looked < LOOKED_AT && found.len() < AT_ONCE {
        // Few at a time: behind one that is not overdue the rest of its channel is not either.
        let rows = store.outbox(after.as_ref().map(|(channel, number)| (channel, *number)), AT_ONCE)?;
        if rows.is_empty() {
            return Ok((found, None));
        }
        for row in rows {
            looked += 1;
            let (channel, number) = (row.channel, row.number);
            after = Some((channel.clone(), number));
            let header = DispatchHeader::from_cbor(&row.sent.envelope.header);
            let header = header.map_err(|error| StoreError::damaged("a dispatch header", error))?;
            if channel.epoch != shared.epoch() || header.sent_at.plus(due_ms) > now {
                after = Some((channel, u64::MAX));
                break;
            }
            let with = match row.sent.withdrawal {
                None => depositary(&directory, &header, now).ok().flatten(),
                Some(_) => None,
            };
            let Some(with) = with.filter(|_| !refused.contains(&(channel.clone(), number))) else { continue };
            // What is sent again, since its recipient lost its data, had its receipt.
            if store.given(&channel, number)?.is_none() && store.receipt(&channel, number)?.is_none() {
                found.push(Overdue { channel, number, with });
                if found.len() == AT_ONCE {
                    break;
                }
            }
        }
    }
    Ok((found, after))
}
