//! The comparison that this side asks for.

use std::sync::Arc;

use luxor_protocol::cbor::{Decode as _, Encode as _};
use luxor_protocol::document::KnownNode;
use luxor_protocol::exchange::{Answer, Request};
use luxor_protocol::names::NodeRef;
use luxor_protocol::reconciliation::{
    Bisection, Compared as At, DEFAULT_BITS, Difference, Effect, Found, Input, Lie, Question, Reply, Said, Side, Stand,
    Window,
};
use luxor_protocol::time::Millis;

use super::snapshot::Snapshot;
use super::{WindowError, own_side};
use crate::driver::{Driver, Shared, now};
use crate::store::{ComparedRow, StoreError, Write};

/// How a comparison ended.
pub struct Compared {
    /// What this side had.
    pub snapshot: Arc<Snapshot>,
    /// Which side was asked.
    pub peer: Side,
    /// What was found.
    pub outcome: Outcome,
    /// Questions asked.
    pub rounds: usize,
    /// Bytes of questions and answers.
    pub bytes: usize,
}

/// What a comparison found.
pub struct Outcome {
    /// As the comparison says it.
    pub found: Found,
    /// Each difference with its class.
    pub differences: Vec<Difference>,
    /// When it was decided what was overdue.
    pub as_of: Millis,
}

impl Driver {
    /// Compares a window of a channel to or from this node with what the other side has, and keeps what differs with what the other side
    /// signed about it.
    ///
    /// # Errors
    /// [`WindowError`].
    pub async fn compare_window(&self, window: Window) -> Result<Compared, WindowError> {
        let _turn = self.windows.asking.lock().await;
        self.compare(&window).await
    }

    pub(super) async fn compare(&self, window: &Window) -> Result<Compared, WindowError> {
        let shared = &self.shared;
        let peer = own_side(shared, &window.channel).map(Side::other);
        let peer = peer.ok_or_else(|| WindowError::Own(format!("{} neither begins nor ends here", window.channel)))?;
        let node = peer.of(&window.channel);
        let known = shared.directory().node(node).cloned();
        let known = known.ok_or_else(|| WindowError::Own(format!("no card names {node}")))?;
        let (read, of) = (shared.clone(), window.clone());
        let snapshot = self.window_beside(move || Snapshot::read(&read, &of)).await?;
        let snapshot = Arc::new(snapshot);
        let mut bisection = Bisection::new(window.clone(), peer, DEFAULT_BITS);
        let mut effects = bisection.input(&snapshot.tree, Input::Start(None))?;
        let found = loop {
            match effects.pop() {
                Some(Effect::Ask(question)) => {
                    let reply = self.ask_window(&known, &question).await?;
                    effects = bisection.input(&snapshot.tree, Input::Reply(reply))?;
                }
                Some(Effect::Done(found)) => break found,
                None => return Err(WindowError::Own("a comparison without an end".into())),
            }
        };
        let as_of = now();
        let (read, of, due) = (shared.clone(), window.clone(), self.receipt_due_ms);
        let found = Arc::new(found);
        let compared = found.clone();
        let differences = self.window_beside(move || classed(&read, &of, &compared, peer, as_of, due)).await?;
        let (said, lies) = match &*found {
            Found::Different { said, .. } => (said.clone(), Vec::new()),
            Found::Lied(lie) => (Vec::new(), vec![Lie::clone(lie)]),
            Found::Equal(_) | Found::Stopped { .. } | Found::Broken(_) => (Vec::new(), Vec::new()),
        };
        let row = (!said.is_empty() || !lies.is_empty()).then(|| {
            let row = ComparedRow { at: as_of, span: window.span(), differences: differences.clone(), said, lies };
            Box::new(row)
        });
        let write = Write::Compared { channel: window.channel.clone(), row };
        shared.sequencer.commit_and_wait(vec![write], Vec::new()).await?;
        let found = Arc::unwrap_or_clone(found);
        let outcome = Outcome { found, differences, as_of };
        Ok(Compared { snapshot, peer, outcome, rounds: bisection.rounds(), bytes: bisection.bytes() })
    }

    /// Asks the other side once, and verifies that it signed the answer.
    async fn ask_window(&self, node: &KnownNode, question: &Question) -> Result<Reply, WindowError> {
        let asked = |why: String| WindowError::Asked { node: node.node.clone(), why };
        let question = question.to_cbor();
        let answer = self.ask(node, &Request::Window(question.clone())).await.map_err(asked)?;
        let Answer::Window(reply) = answer else { return Err(asked("it answered something else".into())) };
        let reply = Reply::from_cbor(&reply).map_err(|error| asked(error.to_string()))?;
        let said = Said { question, reply };
        let network = self.shared.directory().network();
        said.verify(&network, &node.now()).map_err(|error| asked(error.to_string()))?;
        Ok(said.reply)
    }

    /// Reads on a thread beside the workers.
    pub(super) async fn window_beside<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, WindowError> {
        tokio::task::spawn_blocking(job).await.map_err(|_| WindowError::Stopping)?.map_err(WindowError::Store)
    }
}

/// The class of each number that differs.
fn classed(
    shared: &Shared,
    window: &Window,
    found: &Found,
    peer: Side,
    as_of: Millis,
    due_ms: u64,
) -> Result<Vec<Difference>, StoreError> {
    let compared: &[At] = match found {
        Found::Different { differences, .. } | Found::Stopped { differences, .. } => differences,
        Found::Equal(_) | Found::Lied(_) | Found::Broken(_) => &[],
    };
    let mut classed = Vec::with_capacity(compared.len());
    for at in compared {
        let overdue = overdue(shared, window, at, as_of, due_ms)?;
        classed.extend(Difference::compared(at, peer, overdue));
    }
    Ok(classed)
}

/// Whether the receipt of a number that waits for one was due: by the sender's word on when it was sent, as far as this side has that.
fn overdue(shared: &Shared, window: &Window, at: &At, as_of: Millis, due_ms: u64) -> Result<bool, StoreError> {
    if !matches!(at.own, Stand::Pending(_)) && !matches!(at.peer, Stand::Pending(_)) {
        return Ok(false);
    }
    let (channel, number) = (&window.channel, at.number);
    let header = match channel.sender == shared.me {
        true => shared.store.sent_header(channel, number)?,
        false => shared.store.received_header(channel, number)?,
    };
    Ok(header.is_some_and(|header| header.sent_at.plus(due_ms) <= as_of))
}

impl Compared {
    /// The node that was asked.
    pub fn node(&self) -> &NodeRef {
        self.peer.of(&self.snapshot.window.channel)
    }
}
