//! A practice partner's node: what arrived there, what is sent from it, and when it is down.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use luxor_protocol::api::{InboxDispatch, RecordResult};
use luxor_protocol::cbor::{Encode as _, Writer};
use luxor_protocol::exchange::Lane;
use luxor_protocol::record::content_from_json;
use luxor_protocol::sandbox::ReceiptLine;
use luxor_protocol::time::Millis;
use serde_json::Value as Json;

use super::state::Who;
use crate::client::Client;
use crate::local::Children;

/// Dispatches asked for at once.
const PAGE: u64 = 200;
/// For how long a partner waits for its witnesses, which may be down.
const GRACE_MS: u64 = 10_000;

/// A partner with its node.
pub(super) struct Actor {
    /// Who it plays.
    pub(super) who: Who,
    /// The node's folder.
    pub(super) dir: PathBuf,
    /// The last inbox index that was read.
    pub(super) read: Option<u64>,
    /// Its interface while the node is up.
    client: Option<Client>,
    /// When the node is to come back.
    back_at: Option<Millis>,
    /// The first dispatch that no quorum of witnesses has seen yet, and since when it is there.
    unwitnessed: Option<(u64, Millis)>,
    /// Submissions so far, which names them.
    submissions: u64,
    /// Whether its node plays with receipts, and how many lines it told since it started.
    practises: bool,
    practised: usize,
}

impl Actor {
    /// A partner whose node was started; `practises`: whether it was given wrong receipts to play.
    pub(super) fn new(who: Who, dir: PathBuf, read: Option<u64>, practises: bool) -> Self {
        Self { who, dir, read, client: None, back_at: None, unwitnessed: None, submissions: 0, practises, practised: 0 }
    }

    /// Its interface while the node is up.
    pub(super) fn client(&self) -> Option<&Client> {
        self.client.as_ref()
    }

    /// What its node did with receipts since the last look.
    pub(super) fn practised(&mut self) -> Result<Vec<ReceiptLine>> {
        let Some(client) = self.client.as_ref().filter(|_| self.practises) else { return Ok(Vec::new()) };
        let lines = client.practised(self.practised)?;
        self.practised += lines.len();
        Ok(lines)
    }

    /// Takes its node down until a time.
    pub(super) fn stop(&mut self, children: &mut Children, until: Millis) -> Result<()> {
        if self.client.take().is_some() {
            children.end_one(&self.dir)?;
        }
        self.back_at = Some(self.back_at.map_or(until, |before| before.max(until)));
        Ok(())
    }

    /// Starts its node again when it is time, and sees whether it is ready. Whether it is up.
    pub(super) fn wake(&mut self, children: &mut Children, luxord: &std::path::Path, now: Millis) -> Result<bool> {
        if self.client.is_some() {
            return Ok(true);
        }
        if let Some(back_at) = self.back_at {
            if now < back_at {
                return Ok(false);
            }
            children.start(luxord, &self.dir)?;
            // What it told before went with it.
            self.practised = 0;
            self.back_at = None;
        }
        if self.dir.join("run").join("ready.json").is_file() {
            self.client = Some(Client::open(&self.dir.to_string_lossy())?);
        }
        Ok(self.client.is_some())
    }

    /// What arrived since the last look, once a quorum of witnesses has seen it: so what the partner says of it is said after it was
    /// lodged, also by proven time.
    pub(super) fn arrivals(&mut self, now: Millis) -> Result<Vec<InboxDispatch>> {
        let Some(client) = &self.client else { return Ok(Vec::new()) };
        let page = client.inbox(self.read, PAGE)?;
        if page.items.is_empty() {
            self.unwitnessed = None;
            return Ok(Vec::new());
        }
        let witnessed = client.status()?.witnessed.size;
        let mut arrived = Vec::with_capacity(page.items.len());
        for item in page.items {
            let since = match self.unwitnessed {
                Some((index, since)) if index == item.index => since,
                _ => now,
            };
            if item.index >= witnessed && now.0.saturating_sub(since.0) < GRACE_MS {
                self.unwitnessed = Some((item.index, since));
                break;
            }
            arrived.push(client.inbox_dispatch(item.index)?);
            self.read = Some(item.index);
            self.unwitnessed = None;
        }
        Ok(arrived)
    }

    /// Whether something arrived that its witnesses have not seen yet, so that it is not played yet.
    pub(super) fn is_behind(&self) -> bool {
        self.unwitnessed.is_some()
    }

    /// Sends a record. Why not, where the rules made one that the node does not take.
    pub(super) fn send(&mut self, record: &Json, urgent: bool, run: u64) -> Result<Result<(), String>> {
        let client = self.client.as_ref().context("the partner's node is down")?;
        let content = match content_from_json(record) {
            Ok(content) => content,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let mut chunk = Writer::new();
        chunk.array(1);
        chunk.raw(&content.to_cbor());
        self.submissions += 1;
        let lane = if urgent { Lane::Urgent } else { Lane::Ordinary };
        let id = format!("rehearsal-{run}-{}", self.submissions);
        let mut answer = client.put_encoded(&id, 0, lane, &chunk.into_bytes())?;
        match answer.records.pop() {
            Some(RecordResult::Accepted { .. }) => Ok(Ok(())),
            Some(RecordResult::Refused { pointer, reason, .. }) => Ok(Err(format!("{pointer}: {reason}"))),
            None => bail!("{}: the node gave no answer for a record", self.who.member),
        }
    }
}
