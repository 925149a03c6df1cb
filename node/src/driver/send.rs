//! Dispatches on their way: one request, its answer, the receipt verified.

use std::sync::Arc;

use luxor_protocol::cbor::Decode;
use luxor_protocol::exchange::{Answer, Channel, DispatchHeader, Outcome, read_receipt};

use super::{Driver, DriverError, Message, Shared};
use crate::engine::{Input, Reply, VerifiedReceipt};
use crate::entropy::random;
use crate::net::TransportKey;

impl Driver {
    /// Sends a dispatch and reports what came back.
    pub(super) fn send(&self, channel: Channel, number: u64) {
        let driver = self.clone();
        tokio::spawn(async move {
            match driver.exchange(&channel, number).await {
                Ok(reply) => driver.input(Input::Answered { channel, number, reply }),
                Err(error) => drop(driver.mailbox.send(Message::Failed(error))),
            }
        });
    }

    async fn exchange(&self, channel: &Channel, number: u64) -> Result<Reply, DriverError> {
        let shared = self.shared.clone();
        let Some(request) = shared.store.request(channel, number)? else {
            return Err(DriverError::Own(format!("number {number} of {channel} is in the outbox but not stored")));
        };
        let Some(recipient) = shared.directory.node(&channel.recipient).cloned() else {
            return Ok(Reply::Failed(format!("no card names {}", channel.recipient)));
        };
        let key = TransportKey(recipient.card.transport.bytes());
        let answer = match shared.net.request(key, Arc::from(request)).await {
            Ok(answer) => answer,
            Err(error) => return Ok(Reply::Failed(error.to_string())),
        };
        let (channel, worker) = (channel.clone(), shared.clone());
        let verified = self.work(move || verify(&worker, &channel, number, &answer)).await;
        verified.unwrap_or_else(|| Ok(Reply::Failed("the node is stopping".into())))
    }
}

fn verify(shared: &Shared, channel: &Channel, number: u64, answer: &[u8]) -> Result<Reply, DriverError> {
    let failed = |why: String| Ok(Reply::Failed(why));
    let proof = match Answer::from_cbor(answer) {
        Ok(Answer::Receipt(proof)) => proof,
        Ok(Answer::Error { code, detail }) => return failed(format!("{code}: {detail}")),
        Ok(Answer::Later { lacks, detail }) => return failed(format!("lacks {lacks}: {detail}")),
        Ok(Answer::Page(_)) => return failed("a page of a log instead of a receipt".into()),
        Err(error) => return failed(format!("undecodable answer: {error}")),
    };
    let own = |what: &str| DriverError::Own(format!("number {number} of {channel}: {what}"));
    let sent = shared.store.sent(channel, number)?.ok_or_else(|| own("not stored"))?;
    let header = DispatchHeader::from_cbor(&sent.envelope.header).map_err(|e| own(&e.to_string()))?;
    let recipient = shared.directory.node(&channel.recipient).ok_or_else(|| own("the recipient's card is gone"))?;
    let digest = sent.envelope.digest();
    let receipt = match read_receipt(recipient, &digest, &proof) {
        Ok(receipt) => receipt,
        Err(error) => return failed(format!("receipt: {error}")),
    };
    if receipt.skeleton.channel != *channel || receipt.skeleton.number != number {
        return failed("the receipt names another channel or number".into());
    }
    let (accepted, rejected) = receipt.body.outcome.counts(header.batch.header.count);
    Ok(Reply::Receipt(Box::new(VerifiedReceipt {
        recipient_entry: receipt.index,
        proof,
        dispatch: digest,
        agreement: header.agreement_digest,
        due: header.sent_at.day().plus(header.retention_days),
        counts: (accepted as u64, rejected as u64),
        refused: matches!(receipt.body.outcome, Outcome::Refused(_)),
        salts: [random()?, random()?],
    })))
}
