//! What is said and done in this node's name: its witnesses are asked what they hold of its log and of its member's card.
//!
//! A checkpoint of this log that is not in it was signed by a copy of this node, or by somebody who has its log key. Nothing may
//! be signed any more then, so the process ends with that reason, and the next start finds it again. A card that is not the one
//! here was signed with the member's identity key: the operator is told.
//!
//! Not here: how a word is judged ([`crate::waking`]).

use std::sync::Arc;
use std::time::Duration;

use luxor_protocol::document::KnownNode;
use luxor_protocol::exchange::{Answer, Holdings, Lane, Request, witnesses_of};
use luxor_protocol::tlog::root_at;

use super::{Driver, DriverError, Message, Shared};
use crate::waking::{OtherCard, OwnLog, WordError};

/// How often each witness is asked.
const ASK: Duration = Duration::from_secs(600);

impl Driver {
    /// Asks until the node stops.
    pub(super) async fn monitor(self) {
        loop {
            tokio::time::sleep(ASK).await;
            let witnesses = witnesses_of(&self.shared.directory, &self.shared.me.member());
            for witness in witnesses.into_iter().cloned().map(Arc::new) {
                let Ok(Answer::Holdings(holdings)) = self.ask(&witness, &Request::Holdings).await else { continue };
                let shared = self.shared.clone();
                let judged = self.work(Lane::Ordinary, move || judge(&shared, &witness, &holdings)).await;
                match judged {
                    Some(Ok(())) => {}
                    Some(Err(error)) => return drop(self.mailbox.send(Message::Failed(DriverError::Word(error)))),
                    None => return,
                }
            }
        }
    }
}

fn judge(shared: &Shared, witness: &KnownNode, holdings: &Holdings) -> Result<(), WordError> {
    let Some(node) = shared.directory.node(&shared.me) else { return Ok(()) };
    let own = OwnLog::new(&shared.directory, node)?;
    // Nothing signed leaves this node before it stands in here.
    let size = shared.sequencer.latest().size;
    own.judge(&witness.node, holdings, size, |size| {
        root_at(&shared.store.log_reader(), size).map_err(|e| e.to_string())
    })?;
    if let Some(card) = own.other_card(&witness.node, holdings) {
        shared.alarm(card_alarm(&card));
    }
    Ok(())
}

/// What the operator is told of a card in the own name.
pub(super) fn card_alarm(card: &OtherCard) -> String {
    format!(
        "{} has version {} of this member's card (digest {}), which is not the one here: install it, or somebody else signs with \
         the identity key",
        card.witness, card.version, card.digest
    )
}
