//! Tasks that run beside the engine, one for each of some nodes, as cards come and go.

use std::collections::{BTreeMap, BTreeSet};

use luxor_protocol::document::Directory;
use luxor_protocol::names::NodeRef;
use tokio::task::{AbortHandle, JoinSet};

use super::Driver;

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

    /// Every other node.
    pub(super) fn others(&self, directory: &Directory) -> BTreeSet<NodeRef> {
        directory.nodes().map(|node| node.node.clone()).filter(|node| *node != self.shared.me).collect()
    }
}
