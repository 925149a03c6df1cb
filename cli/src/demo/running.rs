//! The nodes of a demo while they run: asked, waited for, ended together.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::client::Client;
use crate::local::{self, Children, Network, Role};

/// The nodes while they run.
pub(super) struct Running {
    pub(super) network: Network,
    pub(super) clients: BTreeMap<&'static str, Client>,
    pub(super) children: Children,
    patience: Duration,
    poll: Duration,
}

impl Running {
    /// Starts a node for each member. Nothing that is waited for may take longer than `patience`; it is looked for each `poll`.
    pub(super) fn start(
        network: Network,
        luxord: &Path,
        roles: &[Role<'static>],
        patience: Duration,
        poll: Duration,
    ) -> Result<Self> {
        let (children, clients) = local::start(&network, luxord, roles)?;
        Ok(Self { network, clients, children, patience, poll })
    }

    /// The client of a member's node.
    pub(super) fn client(&self, member: &str) -> Result<&Client> {
        self.clients.get(member).with_context(|| format!("no client for {member}"))
    }

    /// Waits until every dispatch of every member has its receipt.
    pub(super) fn settle(&mut self) -> Result<()> {
        for client in self.clients.values() {
            local::settle(client, &mut self.children)?;
        }
        Ok(())
    }

    /// Waits until something is there.
    pub(super) fn until<T>(&mut self, what: &str, mut look: impl FnMut(&Self) -> Result<Option<T>>) -> Result<T> {
        let began = Instant::now();
        loop {
            if let Some(found) = look(self)? {
                return Ok(found);
            }
            if began.elapsed() > self.patience {
                bail!("{what} took more than {} s", self.patience.as_secs());
            }
            self.children.check()?;
            std::thread::sleep(self.poll);
        }
    }
}
