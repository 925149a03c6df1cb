//! Room on the disk: below the configured minimum nothing is taken any more, before a write fails and ends the process.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Driver, Message};
use crate::engine::Input;

/// How often the disk is asked.
const EVERY: Duration = Duration::from_secs(5);

/// Whether the file system of `path` has at least `minimum` bytes left for this user; a system that does not say has.
pub(super) fn has_room(path: &Path, minimum: u64) -> bool {
    match rustix::fs::statvfs(path) {
        Ok(stat) => stat.f_bavail.saturating_mul(stat.f_frsize) >= minimum,
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "the file system does not say how much room is left");
            true
        }
    }
}

impl Driver {
    /// Watches the room left beside `path` until the node stops.
    pub(super) async fn watch_space(self, path: PathBuf, minimum: u64) {
        let mut had = true;
        loop {
            let has = has_room(&path, minimum);
            if has != had {
                let minimum_mib = minimum / (1024 * 1024);
                match has {
                    true => tracing::info!(minimum_mib, "there is room on the disk again"),
                    false => {
                        tracing::error!(minimum_mib, "the disk is nearly full: nothing is taken until there is room")
                    }
                }
                had = has;
                if self.mailbox.send(Message::Input(Input::Space(has))).is_err() {
                    return;
                }
            }
            tokio::time::sleep(EVERY).await;
        }
    }
}
