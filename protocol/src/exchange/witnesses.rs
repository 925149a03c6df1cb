//! Who witnesses whose log among members, by which keys and under which policy.
//!
//! A node's witness key is named after its log: `<origin>/witness`. Until a charter says otherwise, a log's witnesses are one
//! node of each other member, and [`Policy::flat`] with its default threshold makes the quorum.
//!
//! Not here: what a witness checks and answers ([`crate::tlog`]), when it is asked (the node).
//!
//! Limit: [`MAX_LOG_WITNESSES`].

use super::receipt::{ReceiptError, log_key};
use crate::document::{Directory, KnownNode};
use crate::limits::MAX_LOG_WITNESSES;
use crate::names::MemberId;
use crate::tlog::{KeyError, KeyType, Policy, PolicyError, VerifierKey};

/// Why a log has no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WitnessesError {
    /// The log's key.
    #[error("{0}")]
    Log(#[from] ReceiptError),
    /// A witness's key.
    #[error("{0}")]
    Key(#[from] KeyError),
    /// The policy of these keys.
    #[error("{0}")]
    Policy(#[from] PolicyError),
}

/// The name under which the node that keeps the log of this origin cosigns.
pub fn witness_name(origin: &str) -> String {
    format!("{origin}/witness")
}

/// The verifier key (C2SP vkey, type 0x04) of a node as witness.
///
/// # Errors
/// [`KeyError`] when the card's origin makes no key name.
pub fn witness_key(node: &KnownNode) -> Result<VerifierKey, KeyError> {
    let name = witness_name(&node.card.origin);
    VerifierKey::new(&name, KeyType::Cosignature, node.card.witness.verifying_key())
}

/// The witnesses of a member's logs: the first node of each other member, by name, at most [`MAX_LOG_WITNESSES`].
pub fn witnesses_of<'d>(directory: &'d Directory, member: &MemberId) -> Vec<&'d KnownNode> {
    let members = directory.charter().members.iter().filter(|other| other.id != *member);
    members.filter_map(|other| directory.node_of(&other.id)).map(AsRef::as_ref).take(MAX_LOG_WITNESSES).collect()
}

/// The policy under which a checkpoint of this node's log counts as witnessed.
///
/// # Errors
/// [`WitnessesError`] when a key on a card cannot stand in a policy.
pub fn policy_of(directory: &Directory, node: &KnownNode) -> Result<Policy, WitnessesError> {
    let witnesses = witnesses_of(directory, &node.member).into_iter().map(witness_key);
    let witnesses = witnesses.collect::<Result<Vec<_>, _>>()?;
    Ok(Policy::flat(&[log_key(node)?], &witnesses, None)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Network;

    #[test]
    fn every_other_member_witnesses_once_and_nobody_its_own_log() {
        let net = Network::new();
        for node in net.directory.nodes() {
            let witnesses = witnesses_of(&net.directory, &node.member);
            let mut members: Vec<_> = witnesses.iter().map(|witness| witness.member.clone()).collect();
            members.dedup();
            assert_eq!(members.len(), witnesses.len());
            assert!(!members.contains(&node.member));
            let with_node = net.directory.charter().members.iter().filter(|m| net.directory.node_of(&m.id).is_some());
            assert_eq!(witnesses.len(), with_node.count() - 1);
            let policy = policy_of(&net.directory, node).unwrap();
            assert_eq!(policy.witnesses().len(), witnesses.len());
            assert_eq!(policy.logs()[0].key, log_key(node).unwrap());
        }
    }
}
