//! Dispatches on their way: one request, its answer, the receipt verified.

use std::sync::Arc;

use luxor_protocol::cbor::Decode;
use luxor_protocol::exchange::{Answer, Channel, DispatchHeader, ErrorCode, Lack, Outcome, read_receipt};

use super::{Driver, DriverError, Message, Shared, now};
use crate::engine::{Input, Reply, VerifiedReceipt};
use crate::entropy::random;

/// Bytes of the longest answer that says what is lacking.
const MAX_LATER_BYTES: usize = 1_024;

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
        let request = match shared.hot.take(channel, number) {
            Some(request) => request,
            None => match shared.store.request(channel, number)? {
                Some(request) => Arc::new(request),
                None => return Ok(Reply::Gone("its bytes are no longer stored".into())),
            },
        };
        match self.may_go(channel, number).await? {
            Some(Ok(())) => {}
            Some(Err(why)) => return Ok(Reply::Gone(why)),
            None => return Ok(Reply::Stopped("the node is stopping".into())),
        }
        let Some(recipient) = shared.directory().node(&channel.recipient).cloned() else {
            return Ok(no_card(channel));
        };
        if !recipient.belongs() {
            let why = format!(
                "{} is a node of {} no more\nhint: `luxor redirect` sends it to another",
                recipient.node, recipient.member
            );
            return Ok(Reply::Stopped(why));
        }
        if shared.witness.is_forked(&recipient.card.origin)? {
            let why = format!("the log of {} has shown two histories; nothing goes to it", channel.recipient);
            return Ok(Reply::Stopped(why));
        }
        let key = shared.net.way_to(&recipient);
        let mut answer = match shared.net.request(key, request.clone()).await {
            Ok(answer) => answer,
            Err(error) => return Ok(Reply::Stopped(error.to_string())),
        };
        if let Some(lack) = lack_of(&answer)
            && self.give_what_is_lacking(channel, number, lack).await?
        {
            answer = match shared.net.request(key, request).await {
                Ok(answer) => answer,
                Err(error) => return Ok(Reply::Stopped(error.to_string())),
            };
        }
        let (channel, worker) = (channel.clone(), shared.clone());
        let verified = self.work(channel.lane, move || verify(&worker, &channel, number, &answer)).await;
        verified.unwrap_or_else(|| Ok(Reply::Stopped("the node is stopping".into())))
    }

    /// Gives a recipient the document that it lacks for a dispatch, with all others that it does not know. Tells whether it
    /// knows it then.
    async fn give_what_is_lacking(&self, channel: &Channel, number: u64, lack: Lack) -> Result<bool, DriverError> {
        let shared = &self.shared;
        let document = match lack {
            Lack::Agreement => {
                let Some(sent) = shared.store.sent(channel, number)? else { return Ok(false) };
                DispatchHeader::from_cbor(&sent.envelope.header).ok().map(|header| header.agreement_digest)
            }
            Lack::Card => shared.directory().card_of(&shared.me.member()).map(|(_, digest)| digest),
            // Whoever of the two knows less learns; then it goes, or is withdrawn.
            Lack::Suspended | Lack::Membership => return Ok(self.compare_documents(&channel.recipient).await.is_ok()),
            Lack::Capacity | Lack::Version | Lack::Witnesses => None,
        };
        let directory = shared.directory();
        // Nodes list copies, by the digest of all that is in them.
        let Some((copy, _)) = document.and_then(|document| directory.document(&document)) else { return Ok(false) };
        Ok(self.compare_documents(&channel.recipient).await.is_ok_and(|theirs| theirs.contains(copy)))
    }
}

fn no_card(channel: &Channel) -> Reply {
    Reply::Stopped(format!("no card names {}", channel.recipient))
}

/// What the recipient lacks, if that is what it says. Such an answer is short; others are read by a worker.
fn lack_of(answer: &[u8]) -> Option<Lack> {
    match Answer::from_cbor(Some(answer).filter(|answer| answer.len() <= MAX_LATER_BYTES)?) {
        Ok(Answer::Later { lacks, .. }) => Some(lacks),
        _ => None,
    }
}

fn verify(shared: &Shared, channel: &Channel, number: u64, answer: &[u8]) -> Result<Reply, DriverError> {
    let failed = |why: String| Ok(Reply::Refused(why));
    let own = |what: &str| DriverError::Own(format!("number {number} of {channel}: {what}"));
    let proof = match Answer::from_cbor(answer) {
        Ok(Answer::Receipt(proof)) => proof,
        Ok(Answer::Error {
            code: code @ (ErrorCode::TooManyInFlight | ErrorCode::NotAMember | ErrorCode::Forked),
            detail,
        }) => {
            return Ok(Reply::Stopped(format!("{code}: {detail}")));
        }
        Ok(Answer::Error { code, detail }) => return failed(format!("{code}: {detail}")),
        Ok(Answer::Later { lacks, detail }) => {
            let why = format!("lacks {lacks}: {detail}");
            return Ok(match lacks {
                Lack::Capacity | Lack::Card | Lack::Witnesses => Reply::Stopped(why),
                Lack::Agreement | Lack::Version | Lack::Suspended | Lack::Membership => Reply::Lacks(why),
            });
        }
        Ok(Answer::Resend { after }) => {
            let directory = shared.directory();
            let Some(recipient) = directory.node(&channel.recipient) else { return Ok(no_card(channel)) };
            return Ok(Reply::Resend { origin: recipient.card.origin.clone(), after });
        }
        Ok(_) => {
            return failed("something about a log instead of a receipt".into());
        }
        Err(error) => return failed(format!("undecodable answer: {error}")),
    };
    let sent = shared.store.sent(channel, number)?.ok_or_else(|| own("not stored"))?;
    let header = DispatchHeader::from_cbor(&sent.envelope.header).map_err(|e| own(&e.to_string()))?;
    let directory = shared.directory();
    let Some(recipient) = directory.node(&channel.recipient) else { return Ok(no_card(channel)) };
    let digest = sent.envelope.digest();
    let receipt = match read_receipt(recipient, &digest, &proof) {
        Ok(receipt) => receipt,
        Err(error) => return failed(format!("receipt: {error}")),
    };
    if receipt.skeleton.channel != *channel || receipt.skeleton.number != number {
        return failed("the receipt names another channel or number".into());
    }
    shared.witness.glimpse(&receipt.checkpoint.origin, receipt.checkpoint.size, &proof);
    let withdrawn = receipt.body.outcome == Outcome::Withdrawn;
    if withdrawn && sent.withdrawal.is_none() {
        return failed("a receipt for a withdrawal that this node did not make".into());
    }
    let (accepted, rejected) = receipt.body.outcome.counts(header.batch.header.count);
    Ok(Reply::Receipt(Box::new(VerifiedReceipt {
        origin: receipt.checkpoint.origin.clone(),
        recipient_entry: receipt.index,
        contiguous: receipt.body.contiguous,
        proof,
        dispatch: digest,
        agreement: header.agreement_digest,
        due: header.sent_at.day().plus(header.retention_days),
        counts: (accepted as u64, rejected as u64),
        repairs: super::repair::rejected(shared, channel, number, &sent, &header, &receipt.body.outcome, now())?,
        outcome: receipt.body.outcome,
        settled_on: now().day(),
        salts: [random()?, random()?],
    })))
}
