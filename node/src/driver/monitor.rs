//! What is said and done in this node's name: its witnesses are asked what they hold of its log and of its member's card.
//!
//! A checkpoint of this log that is not in it was signed by a copy of this node, or by somebody who has its log key. Nothing may
//! be signed any more then, so the process ends with that reason, and the next start finds it again. A card that is not the one
//! here was signed with the member's identity key: the operator is told.
//!
//! Not here: how a word is judged ([`crate::waking`]).

use std::time::Duration;

use luxor_protocol::document::{Directory, KnownNode};
use luxor_protocol::exchange::{Answer, Holdings, Lane, Request, witnesses_of};
use luxor_protocol::names::NodeRef;
use luxor_protocol::tlog::root_at;

use super::{Driver, DriverError, Message, Shared};
use crate::waking::{OtherCard, OwnLog, keep_proof};

/// How often each witness is asked.
const ASK: Duration = Duration::from_secs(600);

impl Driver {
    /// Asks at once, for what came too late for the start, and then again and again until the node stops.
    pub(super) async fn monitor(self) {
        let of = |driver: &Driver, directory: &Directory| {
            let witnesses = witnesses_of(directory, &driver.shared.me.member());
            witnesses.into_iter().map(|node| node.node.clone()).collect()
        };
        self.beside_each(of, Self::monitor_one).await;
    }

    async fn monitor_one(self, witness: NodeRef) {
        loop {
            let Some(witness) = self.shared.directory().node(&witness).cloned() else { return };
            if let Ok(Answer::Holdings(holdings)) = self.ask(&witness, &Request::Holdings).await {
                let (shared, teller) = (self.shared.clone(), witness.clone());
                match self.work(Lane::Ordinary, move || judge(&shared, &teller, &holdings)).await {
                    Some(Ok(())) => {}
                    Some(Err(error)) => return drop(self.mailbox.send(Message::Failed(error))),
                    None => return,
                }
            }
            tokio::time::sleep(ASK).await;
        }
    }
}

fn judge(shared: &Shared, witness: &KnownNode, holdings: &Holdings) -> Result<(), DriverError> {
    let (directory, node) = (shared.directory(), &shared.own);
    let own = OwnLog::new(&directory, node)?;
    // Nothing signed leaves this node before it stands in here.
    let size = shared.sequencer.latest().size;
    let judged = own.judge(&witness.node, holdings, size, |size| {
        root_at(&shared.sequencer.nodes(), size).map_err(|e| e.to_string())
    });
    if let Err(error) = &judged {
        keep_proof(&shared.store, &node.card.origin, error)?;
    }
    judged?;
    shared.witness.learn(&witness.node, &holdings.notes)?;
    shared.witness.learn_forks(&holdings.forks)?;
    if let Some(card) = own.other_card(&witness.node, holdings) {
        tell_card(shared, &card);
    }
    Ok(())
}

/// Tells the operator of a card in the own name, as a witness says that it has one.
pub(super) fn tell_card(shared: &Shared, card: &OtherCard) {
    let what = format!(
        "{} says that it has version {} of this member's card (digest {}), which is not the one here: install it, or somebody else \
         signs with the identity key",
        card.witness, card.version, card.digest
    );
    shared.alarm(format!("witness {}", card.witness), what);
}
