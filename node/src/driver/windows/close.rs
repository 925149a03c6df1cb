//! Windows that this side closes as their sender: compared, proposed, signed by both, in both logs.
//!
//! What is proposed is stored before it goes out, and goes out again with the same bytes until the recipient signs it or says that it has
//! something else by now; then the same window is compared anew. So neither side signs two statements where one answer was lost.

use std::collections::BTreeSet;
use std::time::Duration;

use luxor_protocol::cbor::{Decode as _, Encode as _};
use luxor_protocol::document::KnownNode;
use luxor_protocol::exchange::{Answer, Channel, ErrorCode, Request};
use luxor_protocol::hash::Domain;
use luxor_protocol::limits::{MAX_DIFFERENCES, MAX_WINDOW_NUMBERS};
use luxor_protocol::reconciliation::{
    Class, CosignedStatement, Proposal, Span, Stand, Statement, StatementError, Window, conclude,
};

use super::{WindowError, signed};
use crate::driver::{Driver, Message, Shared, now};
use crate::store::{StatementRow, StoreError, Write};

/// Comparisons until a window is given up that changes while it is closed.
const ATTEMPTS: usize = 4;
/// Statements about a channel that are looked at in one round for numbers that stand otherwise by now.
const LOOKED_AGAIN: usize = 64;
/// Of these, those that are made again in one round.
const MADE_AGAIN: usize = 4;

/// How a proposal was taken.
enum Taken {
    /// Signed.
    Signed(Box<StatementRow>),
    /// The recipient has something else, and says what.
    Otherwise(String),
}

impl Driver {
    /// Closes a window of an own channel: from the number after the last one that a statement covers, or from `from`, to the last one
    /// given, or to `to`. Gives the statement that both sides signed; it stands in both logs then.
    ///
    /// # Errors
    /// [`WindowError`].
    pub async fn close_window(
        &self,
        channel: Channel,
        from: Option<u64>,
        to: Option<u64>,
    ) -> Result<StatementRow, WindowError> {
        let _turn = self.windows.asking.lock().await;
        let known = self.shared.directory().node(&channel.recipient).cloned();
        let known = known.ok_or_else(|| WindowError::Own(format!("no card names {}", channel.recipient)))?;
        if let Some(proposal) = self.shared.store.proposed(&channel)? {
            let proposal = Proposal::from_cbor(&proposal);
            let proposal = proposal.map_err(|error| StoreError::damaged("a proposal", error))?;
            if let Taken::Signed(row) = self.propose(&known, &channel, proposal).await?
                && from.is_none()
                && to.is_none()
            {
                return Ok(*row);
            }
        }
        let window = self.next_window(&channel, from, to)?;
        let mut why = String::new();
        for _ in 0..ATTEMPTS {
            let compared = self.compare(&window).await?;
            let withheld = compared.outcome.differences.iter().filter(|of| of.class() == Class::Withheld);
            let withheld: BTreeSet<u64> = withheld.map(|of| of.number()).collect();
            let network = self.shared.directory().network();
            let concluded = conclude(
                network,
                &window,
                &compared.snapshot.tree,
                &compared.snapshot.tallies,
                &compared.outcome.found,
                |number| withheld.contains(&number),
                compared.outcome.as_of,
            )?;
            let proposal = concluded.propose(&self.shared.secrets().sign);
            let stored = Write::Proposed { channel: channel.clone(), proposal: Some(proposal.to_cbor()) };
            self.shared.sequencer.commit_and_wait(vec![stored], Vec::new()).await?;
            match self.propose(&known, &channel, proposal).await? {
                Taken::Signed(row) => return Ok(*row),
                Taken::Otherwise(what) => why = what,
            }
        }
        Err(WindowError::Refused { node: channel.recipient, why })
    }

    /// The window that is to be closed.
    fn next_window(&self, channel: &Channel, from: Option<u64>, to: Option<u64>) -> Result<Window, WindowError> {
        let store = &self.shared.store;
        let last = store.last_stand(channel)?;
        let from = from.map_or_else(|| store.covered(channel).map(|covered| covered + 1), Ok)?;
        let to = to.unwrap_or_else(|| last.min(from.saturating_add(MAX_WINDOW_NUMBERS - 1)));
        if to > last {
            return Err(WindowError::NotGiven { channel: channel.clone(), number: to, last });
        }
        if from > to {
            return Err(WindowError::Closed(channel.clone()));
        }
        Ok(Window::new(channel.clone(), from, to - from + 1)?)
    }

    /// Sends a proposal, and stores the statement that comes of it.
    async fn propose(&self, known: &KnownNode, channel: &Channel, proposal: Proposal) -> Result<Taken, WindowError> {
        let shared = &self.shared;
        let asked = |why: String| WindowError::Asked { node: known.node.clone(), why };
        let answer = self.ask_whole(known, &Request::Statement(proposal.to_cbor())).await.map_err(asked)?;
        let signature = match answer {
            Answer::Statement(signature) => signature,
            // It will not sign these bytes: whatever it has now is compared again.
            Answer::Error { code: ErrorCode::OtherStatement | ErrorCode::BadSignature, detail } => {
                let given_up = Write::Proposed { channel: channel.clone(), proposal: None };
                shared.sequencer.commit_and_wait(vec![given_up], Vec::new()).await?;
                return Ok(Taken::Otherwise(detail));
            }
            Answer::Error { code, detail } => return Err(asked(format!("{code}: {detail}"))),
            Answer::Later { lacks, detail } => return Err(asked(format!("lacks {lacks}: {detail}"))),
            _ => return Err(asked("it answered something else".into())),
        };
        let statement = Statement::from_cbor(&proposal.statement).map_err(StatementError::Decode)?;
        let (network, digest) = (statement.network(), statement.digest());
        let signer = known.signer(Domain::Statement, network, &digest.0, &signature);
        if signer.is_none() {
            return Err(asked(format!("its signature on the statement {digest} does not hold")));
        }
        let cosigned =
            CosignedStatement { statement: proposal.statement, sender: proposal.signature, recipient: signature };
        let (write, entry) = signed(&statement, cosigned.clone(), proposal.differences.clone(), now())?;
        let committed = shared.sequencer.commit_and_wait(vec![write], vec![entry]).await?;
        tracing::info!(window = %statement.window(), equal = statement.is_equal(), "a statement is signed by both sides");
        let row = StatementRow { entry: committed.first, cosigned, differences: proposal.differences };
        Ok(Taken::Signed(Box::new(row)))
    }

    /// Closes windows of every own channel again and again, until the node stops.
    pub(in crate::driver) async fn close_windows(self, every: Option<Duration>) {
        let Some(every) = every else { return };
        loop {
            tokio::time::sleep(every).await;
            match self.close_due().await {
                Ok(()) => {}
                Err(WindowError::Store(error)) => return drop(self.mailbox.send(Message::Failed(error.into()))),
                Err(_) => return,
            }
        }
    }

    /// Closes what can be closed now; what the other side does not answer about waits for the next time.
    async fn close_due(&self) -> Result<(), WindowError> {
        let shared = self.shared.clone();
        let channels = self.window_beside(move || shared.store.channels()).await?;
        let own = channels.into_iter().filter(|channel| channel.sender == self.shared.me);
        for channel in own.filter(|channel| channel.epoch == self.shared.epoch()) {
            let (shared, of) = (self.shared.clone(), channel.clone());
            for span in self.window_beside(move || settled_since(&shared, &of)).await? {
                self.close_one(&channel, Some(span.from()), span.last()).await?;
            }
            let (shared, of, due) = (self.shared.clone(), channel.clone(), self.receipt_due_ms);
            let end = self.window_beside(move || settled_to(&shared, &of, due)).await?;
            let Some(end) = end else { continue };
            self.close_one(&channel, None, end).await?;
        }
        Ok(())
    }

    /// Closes one window; what the other side does not answer about is no error.
    async fn close_one(&self, channel: &Channel, from: Option<u64>, to: u64) -> Result<(), WindowError> {
        match self.close_window(channel.clone(), from, Some(to)).await {
            Err(error @ (WindowError::Store(_) | WindowError::Sequencer(_) | WindowError::Stopping)) => Err(error),
            Err(error) => {
                tracing::info!(%channel, %error, "a window is not closed yet");
                Ok(())
            }
            Ok(_) => Ok(()),
        }
    }
}

/// Windows whose newest statement has a difference at a number that stands otherwise here by now; the last ones first, some at a time. A
/// statement that is made again has what stands then, so it is not made a third time for the same reason.
fn settled_since(shared: &Shared, channel: &Channel) -> Result<Vec<Span>, StoreError> {
    let store = &shared.store;
    let (mut found, mut left) = (Vec::new(), MAX_DIFFERENCES);
    for row in store.newest_statements(channel, LOOKED_AGAIN)? {
        for difference in row.differences.iter().take(left) {
            let stand = store.stand(channel, difference.number())?.map_or(Stand::Absent, |row| row.stand);
            if stand != difference.sender() {
                let statement = row.read().map_err(|error| StoreError::damaged("a statement", error))?;
                found.push(statement.window().span());
                break;
            }
        }
        left = left.saturating_sub(row.differences.len());
        if found.len() == MADE_AGAIN || left == 0 {
            break;
        }
    }
    Ok(found)
}

/// The last number that a window may be closed with: those behind it wait for receipts that are not due yet. Nothing where there is none
/// behind the last statement.
fn settled_to(shared: &Shared, channel: &Channel, due_ms: u64) -> Result<Option<u64>, StoreError> {
    let store = &shared.store;
    let covered = store.covered(channel)?;
    let last = store.last_stand(channel)?.min(covered.saturating_add(MAX_WINDOW_NUMBERS));
    let Some(span) = last.checked_sub(covered).and_then(|count| Span::new(covered + 1, count)) else { return Ok(None) };
    let stands = store.stands(channel, span)?.stands;
    let mut end = last;
    for stand in stands.iter().rev() {
        let waits = match stand {
            Stand::Pending(_) => {
                let header = store.sent_header(channel, end)?;
                header.is_none_or(|header| header.sent_at.plus(due_ms) > now())
            }
            Stand::Absent | Stand::Settled { .. } => false,
        };
        if !waits {
            break;
        }
        end -= 1;
    }
    Ok((end > covered).then_some(end))
}
