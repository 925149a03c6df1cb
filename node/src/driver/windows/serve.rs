//! Answers to the other side of a channel: what stands in a window, and whether a statement about it is signed.

use luxor_protocol::cbor::{Decode as _, Encode as _};
use luxor_protocol::exchange::{Answer, ErrorCode, Lack, Opening};
use luxor_protocol::hash::Domain;
use luxor_protocol::names::NodeRef;
use luxor_protocol::reconciliation::{
    CosignedStatement, Proposal, Question, Reply as WindowReply, Side, Step, Window, answer as window_answer,
};
use luxor_protocol::time::Millis;
use luxor_protocol::tlog::MissingNode;

use super::{Windows, own_side, signed};
use crate::driver::{Driver, DriverError, Message, Shared, now};
use crate::net::{Permit, Reply};
use crate::store::Write;

/// What the recipient makes of a proposal.
enum Judged {
    /// It signed this before.
    Again([u8; 64]),
    /// It signs it: to be committed with its entry first.
    Signs { write: Box<Write>, entry: Opening, signature: [u8; 64] },
    /// It does not.
    Answer(Answer),
}

impl Driver {
    /// Answers another node's question about a window.
    pub(in crate::driver) fn window_asked(&self, peer: NodeRef, question: Vec<u8>, permit: Permit, reply: Reply) {
        self.window_turn(peer, permit, reply, move |driver, peer| async move {
            let (shared, windows) = (driver.shared.clone(), driver.windows.clone());
            blocking(move || answer(&shared, &windows, &peer, &question)).await
        });
    }

    /// Judges another node's proposal of a statement about its channel to this node.
    pub(in crate::driver) fn statement_proposed(&self, peer: NodeRef, proposal: Vec<u8>, permit: Permit, reply: Reply) {
        self.window_turn(peer, permit, reply, move |driver, peer| async move {
            let (shared, windows) = (driver.shared.clone(), driver.windows.clone());
            match blocking(move || judge(&shared, &windows, &peer, &proposal, now())).await? {
                Judged::Answer(answer) => Ok(answer),
                Judged::Again(signature) => Ok(Answer::Statement(signature)),
                Judged::Signs { write, entry, signature } => {
                    driver.shared.sequencer.commit_and_wait(vec![*write], vec![entry]).await?;
                    Ok(Answer::Statement(signature))
                }
            }
        });
    }

    /// One turn for each node, and one window read at a time.
    fn window_turn<F>(
        &self,
        peer: NodeRef,
        permit: Permit,
        reply: Reply,
        turn: impl FnOnce(Driver, NodeRef) -> F + Send + 'static,
    ) where
        F: Future<Output = Result<Answer, DriverError>> + Send,
    {
        let Some(taken) = self.windows.serving.take(&peer) else {
            let answer = Answer::later(Lack::Capacity, "one question about a window at a time for each node");
            return self.shared.respond(reply, &answer);
        };
        let driver = self.clone();
        tokio::spawn(async move {
            let _permit = permit;
            let windows = driver.windows.clone();
            // It is closed by nobody.
            let _turn = windows.reading.acquire().await.ok();
            let answer = turn(driver.clone(), peer).await;
            drop(taken);
            match answer {
                Ok(answer) => driver.shared.respond(reply, &answer),
                Err(error) => drop(driver.mailbox.send(Message::Failed(error))),
            }
        });
    }
}

/// Reads on a thread beside the workers: a window may have a million numbers.
async fn blocking<T: Send + 'static>(
    job: impl FnOnce() -> Result<T, DriverError> + Send + 'static,
) -> Result<T, DriverError> {
    tokio::task::spawn_blocking(job).await.map_err(|_| DriverError::Worker)?
}

fn answer(shared: &Shared, windows: &Windows, peer: &NodeRef, bytes: &[u8]) -> Result<Answer, DriverError> {
    let question = match Question::from_cbor(bytes) {
        Ok(question) => question,
        Err(error) => return Ok(Answer::error(ErrorCode::Undecodable, format!("question: {error}"))),
    };
    let Some(side) = side_against(shared, &question.window, peer) else { return Ok(not_between(&question.window)) };
    if side == Side::Sender && question.window.channel.epoch != shared.epoch() {
        return Ok(former(&question.window));
    }
    let root = match &question.step {
        Step::Root => None,
        Step::Parts { root, .. } | Step::Stands { root, .. } => Some(root),
    };
    let snapshot = windows.snapshot(shared, &question.window, root)?;
    let own = |error: MissingNode| DriverError::Own(format!("{}: {error:?}", question.window));
    let answer = window_answer(&snapshot.tree, &question).map_err(own)?;
    let network = shared.directory().network();
    let log = (shared.own.card.origin.as_str(), snapshot.entries);
    let reply = WindowReply::sign(&network, bytes, side, log, &answer, &shared.secrets().sign);
    Ok(Answer::Window(reply.to_cbor()))
}

fn judge(shared: &Shared, windows: &Windows, peer: &NodeRef, bytes: &[u8], now: Millis) -> Result<Judged, DriverError> {
    let refuse = |code, why: String| Ok(Judged::Answer(Answer::error(code, why)));
    let read = Proposal::from_cbor(bytes).map_err(|error| error.to_string());
    let read = read.and_then(|proposal| Ok((proposal.read().map_err(|error| error.to_string())?, proposal)));
    let (proposed, proposal) = match read {
        Ok(read) => read,
        Err(error) => return refuse(ErrorCode::Undecodable, error),
    };
    let window = proposed.window();
    if side_against(shared, window, peer) != Some(Side::Recipient) {
        return Ok(Judged::Answer(not_between(window)));
    }
    let directory = shared.directory();
    let (network, digest) = (directory.network(), proposed.digest());
    let signer = directory.node(peer).map(|known| {
        known.signer(Domain::Statement, &network, &digest.0, &proposal.signature).filter(|key| !known.is_revoked(key))
    });
    if signer.flatten().is_none() {
        return refuse(ErrorCode::BadSignature, format!("no key of {peer} signed the statement"));
    }
    let (channel, last) = (&window.channel, window.span().last());
    let before = shared.store.statements(channel, last..=last, usize::MAX)?;
    if let Some(row) = before.into_iter().find(|row| row.cosigned.statement == proposal.statement) {
        return Ok(Judged::Again(row.cosigned.recipient));
    }
    let snapshot = windows.snapshot(shared, window, Some(proposed.root(Side::Recipient)))?;
    match proposal.judge(&network, snapshot.tree.clone(), &snapshot.tallies, now) {
        Ok(statement) => {
            windows.forget(window);
            let signature = statement.sign(&shared.secrets().sign);
            let cosigned =
                CosignedStatement { statement: proposal.statement, sender: proposal.signature, recipient: signature };
            let (write, entry) = signed(&statement, cosigned, proposal.differences, now)?;
            Ok(Judged::Signs { write: Box::new(write), entry, signature })
        }
        Err(error) => refuse(ErrorCode::OtherStatement, error.to_string()),
    }
}

/// Which side of a window's channel this node has against another; nothing where it is not between them.
fn side_against(shared: &Shared, window: &Window, peer: &NodeRef) -> Option<Side> {
    own_side(shared, &window.channel).filter(|side| side.other().of(&window.channel) == peer)
}

fn not_between(window: &Window) -> Answer {
    Answer::error(ErrorCode::NotThere, format!("{} is no channel between us", window.channel))
}

fn former(window: &Window) -> Answer {
    Answer::error(
        ErrorCode::NotThere,
        format!("{} is a channel of a log that this node keeps no longer", window.channel),
    )
}
