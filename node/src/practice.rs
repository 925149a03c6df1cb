//! A practice partner's wrong receipts: read from its folder, kept out of every real network, given at the edge.
//!
//! Three locks, each shut by itself, stand between this and a node that means what it signs: the section `[practice]` in `luxord.toml`
//! names the network, by the digest of its founding charter, so a copied configuration opens nothing; the charter, which its governors
//! signed, calls the network [`PRACTICE_NETWORK`]; and the node listens on loopback only. A section that opens no lock stops the node.
//! What is logged and stored is always true: only the answer on its way is touched, and no key signs it.
//!
//! Not here: what makes a receipt wrong, and for which dispatches ([`luxor_protocol::sandbox`]).

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use luxor_protocol::cbor::Encode as _;
use luxor_protocol::document::Directory;
use luxor_protocol::exchange::{Answer, Channel, ErrorCode};
use luxor_protocol::limits::MAX_RULES_BYTES;
use luxor_protocol::sandbox::{Given, PRACTICE_NETWORK, ReceiptLine, ReceiptRulesError, Receipts};
use luxor_protocol::time::Millis;

use crate::config::Config;
use crate::net::Reply;

/// The file of wrong receipts in the node's folder.
pub const RECEIPTS: &str = "receipts.toml";

/// Why a node does not practise.
#[derive(Debug, thiserror::Error)]
pub enum PracticeError {
    /// It is no practice partner.
    #[error(
        "[practice] in luxord.toml: {0}\nhint: the section is for partners of `luxor sandbox` only; take it out of a real node's file"
    )]
    Real(String),
    /// The file of wrong receipts cannot be read.
    #[error("{}: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// The file of wrong receipts is refused.
    #[error("{}: {error}", path.display())]
    Rules {
        /// The file.
        path: PathBuf,
        /// Why.
        error: ReceiptRulesError,
    },
}

/// A node that gives wrong receipts.
#[derive(Debug)]
pub struct Practice {
    receipts: Mutex<Receipts>,
}

impl Practice {
    /// What the configuration asks for; `None` for every node but a practice partner's.
    ///
    /// # Errors
    /// [`PracticeError`] where the section stands in another node's configuration, or its file is wrong.
    pub fn read(folder: &Path, config: &Config, directory: &Directory) -> Result<Option<Self>, PracticeError> {
        let Some(section) = &config.practice else { return Ok(None) };
        let listens: Vec<&str> = config.listen.exchange.iter().map(String::as_str).collect();
        permitted(&section.network, &directory.network().hex(), &directory.charter().name, &listens)
            .map_err(PracticeError::Real)?;
        let path = folder.join(RECEIPTS);
        let receipts = match std::fs::metadata(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Receipts::default(),
            Ok(found) if found.len() > MAX_RULES_BYTES as u64 => {
                let error = ReceiptRulesError::Form(format!("{} bytes, more than {MAX_RULES_BYTES}", found.len()));
                return Err(PracticeError::Rules { path, error });
            }
            _ => {
                let text = std::fs::read_to_string(&path)
                    .map_err(|error| PracticeError::Read { path: path.clone(), error })?;
                Receipts::parse(&text).map_err(|error| PracticeError::Rules { path, error })?
            }
        };
        tracing::warn!(
            rules = receipts.rules().len(),
            "THIS IS A PRACTICE PARTNER'S NODE: it gives wrong receipts by the rules in {RECEIPTS}; nothing real may be sent to it"
        );
        Ok(Some(Self { receipts: Mutex::new(receipts) }))
    }

    /// A dispatch was checked, see [`Receipts::arrived`].
    pub(crate) fn arrived(&self, channel: &Channel, number: u64, held: u64, references: &[String], now: Millis) {
        self.receipts().arrived(channel, number, held, references.iter().map(String::as_str), now);
    }

    /// Gives a receipt, or what takes its place.
    pub(crate) fn respond(&self, reply: Reply, receipt: &[u8], now: Millis) {
        let given = self.receipts().answer(receipt, now);
        match given {
            Given::Now(receipt) => reply.send(Answer::Receipt(receipt).to_cbor()),
            Given::After(millis, receipt) => {
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(millis)).await;
                    reply.send(Answer::Receipt(receipt).to_cbor());
                });
            }
            // The stream closes without an answer.
            Given::Nothing => drop(reply),
            Given::Refused => {
                reply.send(Answer::error(ErrorCode::NotThere, "there is no receipt for this number").to_cbor());
            }
        }
    }

    /// Numbers of a channel that this node denies when it is asked about a window.
    pub(crate) fn denied(&self, channel: &Channel) -> Vec<u64> {
        self.receipts().denied(channel).to_vec()
    }

    /// What happened, from a place on.
    pub fn lines(&self, from: usize) -> Vec<ReceiptLine> {
        self.receipts().lines(from).to_vec()
    }

    fn receipts(&self) -> MutexGuard<'_, Receipts> {
        // Whoever panicked left whole lines behind.
        self.receipts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a node may practise: all three locks open.
fn permitted(named: &str, network: &str, charter: &str, listens: &[&str]) -> Result<(), String> {
    if named != network {
        return Err(format!("network is {named}, and this node is in {network}"));
    }
    if charter != PRACTICE_NETWORK {
        return Err(format!("the charter calls this network '{charter}', not '{PRACTICE_NETWORK}': it is a real one"));
    }
    let loopback = |address: &&str| {
        let mut parts = address.split('/').skip(1);
        let (kind, host) = (parts.next(), parts.next().unwrap_or_default());
        matches!(kind, Some("ip4" | "ip6")) && host.parse::<std::net::IpAddr>().is_ok_and(|host| host.is_loopback())
    };
    match listens.iter().find(|address| !loopback(address)) {
        Some(address) => Err(format!("listen.exchange has {address}, which is not on loopback")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_lock_alone_keeps_a_real_node_from_it() {
        let here = ["/ip4/127.0.0.2/tcp/4700", "/ip6/::1/tcp/1"];
        assert_eq!(permitted("aa", "aa", PRACTICE_NETWORK, &here), Ok(()));
        for (named, charter, listens, says) in [
            ("ab", PRACTICE_NETWORK, &here[..], "network is ab"),
            ("aa", "Luxor practice 2", &here, "it is a real one"),
            ("aa", PRACTICE_NETWORK, &["/ip4/127.0.0.2/tcp/1", "/ip4/0.0.0.0/tcp/1"], "0.0.0.0/tcp/1, which is not"),
            ("aa", PRACTICE_NETWORK, &["/dns4/localhost/tcp/1"], "not on loopback"),
        ] {
            let refused = permitted(named, "aa", charter, listens).unwrap_err();
            assert!(refused.contains(says), "{refused}");
        }
    }
}
