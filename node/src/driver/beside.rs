//! Tasks that run beside the engine: one for each of some nodes, as cards come and go, and such that follow the log step by step.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use luxor_protocol::document::Directory;
use luxor_protocol::exchange::Lane;
use luxor_protocol::names::NodeRef;
use tokio::task::{AbortHandle, JoinSet};

use super::{Driver, DriverError, Message, Shared};
use crate::store::StoreError;

/// How often whoever follows the log looks whether there is more.
pub(super) const LOOK: Duration = Duration::from_millis(200);

impl Driver {
    /// Keeps one task running for each node that `which` names, until the node stops. A task whose node is named no longer is
    /// ended; one that ended begins again when documents change and its node is named.
    pub(super) async fn beside_each<F: Future<Output = ()> + Send + 'static>(
        self,
        which: impl Fn(&Driver, &Directory) -> BTreeSet<NodeRef>,
        task: impl Fn(Driver, NodeRef) -> F,
    ) {
        let mut known = self.shared.watch_known();
        let mut tasks = JoinSet::new();
        let mut running: BTreeMap<NodeRef, AbortHandle> = BTreeMap::new();
        loop {
            let directory = known.borrow_and_update().directory.clone();
            let nodes = which(&self, &directory);
            running.retain(|node, task| {
                if !nodes.contains(node) {
                    task.abort();
                }
                nodes.contains(node) && !task.is_finished()
            });
            for node in nodes {
                running.entry(node.clone()).or_insert_with(|| tasks.spawn(task(self.clone(), node)));
            }
            while tasks.try_join_next().is_some() {}
            if known.changed().await.is_err() {
                return;
            }
        }
    }

    /// Takes step after step until the node stops; where a step says that there is no more, it waits a little.
    pub(super) async fn keep_on<S: Send + 'static>(
        self,
        lane: Lane,
        mut state: S,
        step: impl Fn(&mut S, &Shared) -> Result<bool, StoreError> + Clone + Send + 'static,
    ) {
        while let Some((went, more)) = self.step(lane, state, step.clone()).await {
            state = went;
            if !more {
                tokio::time::sleep(LOOK).await;
            }
        }
    }

    /// One step on a worker: how it stands then, and whether there is more. Nothing when the node stops; what fails ends it.
    pub(super) async fn step<S: Send + 'static>(
        &self,
        lane: Lane,
        mut state: S,
        step: impl FnOnce(&mut S, &Shared) -> Result<bool, StoreError> + Send + 'static,
    ) -> Option<(S, bool)> {
        let shared = self.shared.clone();
        let went = self.work(lane, move || step(&mut state, &shared).map(|more| (state, more))).await?;
        self.or_end(went.map_err(DriverError::from))
    }

    /// Reads at a length for which no worker may be kept. Nothing when that failed, which ends the node.
    pub(super) async fn read_at_length<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Shared) -> Result<T, StoreError> + Send + 'static,
    ) -> Option<T> {
        let shared = self.shared.clone();
        let read = tokio::task::spawn_blocking(move || read(&shared)).await;
        self.or_end(read.map_err(|_| DriverError::Worker).and_then(|read| read.map_err(DriverError::from)))
    }

    fn or_end<T>(&self, outcome: Result<T, DriverError>) -> Option<T> {
        // The mailbox only closes when the node stops.
        outcome.map_err(|error| drop(self.mailbox.send(Message::Failed(error)))).ok()
    }

    /// Every other node.
    pub(super) fn others(&self, directory: &Directory) -> BTreeSet<NodeRef> {
        directory.nodes().map(|node| node.node.clone()).filter(|node| *node != self.shared.me).collect()
    }
}
