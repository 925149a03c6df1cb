//! Who witnesses whose log among members, by which keys and under which policy.
//!
//! A node's witness key is named after its log: `<origin>/witness`. A log's witnesses are one node of each other member, and
//! [`Policy::flat`] with its default threshold makes the quorum. A charter with a policy of its own takes its place: only that
//! says what counts, and members cosign beside it.
//!
//! Not here: what a witness checks and answers ([`crate::tlog`]), when it is asked (the node).
//!
//! Limit: [`MAX_LOG_WITNESSES`].

use super::receipt::keys_of_log;
use crate::document::{Charter, Directory, KnownNode};
use crate::keys::PublicKey;
use crate::limits::MAX_LOG_WITNESSES;
use crate::names::MemberId;
use crate::tlog::{KeyError, KeyType, Policy, PolicyError, VerifierKey};

/// Why a log has no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WitnessesError {
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
    let key = node.witness_keys().next().unwrap_or(node.card.witness.current());
    VerifierKey::new(&name, KeyType::Cosignature, key.verifying_key())
}

/// The witnesses of a member's logs: the first node of each other member, by name, at most [`MAX_LOG_WITNESSES`].
pub fn witnesses_of<'d>(directory: &'d Directory, member: &MemberId) -> Vec<&'d KnownNode> {
    let others = others(directory.charter(), member);
    others.filter_map(|other| directory.node_of(other)).map(AsRef::as_ref).take(MAX_LOG_WITNESSES).collect()
}

fn others<'d>(charter: &'d Charter, member: &MemberId) -> impl Iterator<Item = &'d MemberId> {
    charter.members.iter().map(|other| &other.id).filter(move |other| *other != member)
}

/// How many of `count` witnesses must have said what they hold of a node's log before it signs anything: so many that among
/// those who cosigned its largest checkpoint at least one honest one is asked. With q of n making a quorum and f of them
/// dishonest that is n - q + 1 + f; below five, where f is 0 or 1, all but one.
#[must_use]
pub fn words_needed(count: usize) -> usize {
    if count < 5 {
        return count.saturating_sub(1).max(count.min(1));
    }
    let (quorum, dishonest) = (2 * count / 3 + 1, (count - 1) / 3);
    count - quorum + 1 + dishonest
}

/// The policy under which a checkpoint of this node's log counts as witnessed: the charter's, with this log if it does not name
/// it, or the flat one of the other members.
///
/// # Errors
/// [`WitnessesError`] when a key on a card cannot stand in a policy.
pub fn policy_of(directory: &Directory, node: &KnownNode) -> Result<Policy, WitnessesError> {
    policy_for(directory.charter(), node, &node.card.origin, &witnesses_of(directory, &node.member))
}

/// The same of a log of this origin, which the node keeps or kept; and, where it is `before`, under each charter that held, the
/// last one first: who joined or left since takes no quorum back.
///
/// # Errors
/// As [`policy_of`].
pub(crate) fn policies_of<'d>(
    directory: &'d Directory,
    node: &'d KnownNode,
    origin: &'d str,
    before: bool,
) -> impl Iterator<Item = Result<Policy, WitnessesError>> + 'd {
    let now = policy_for(directory.charter(), node, origin, &witnesses_of(directory, &node.member));
    let earlier = directory.charters().rev().skip(1).filter(move |_| before).map(move |charter| {
        let witnesses = others(charter, &node.member).filter_map(|other| directory.node_ever_of(other));
        let witnesses: Vec<_> = witnesses.map(AsRef::as_ref).take(MAX_LOG_WITNESSES).collect();
        policy_for(charter, node, origin, &witnesses)
    });
    std::iter::once(now).chain(earlier)
}

fn policy_for(
    charter: &Charter,
    node: &KnownNode,
    origin: &str,
    witnesses_of: &[&KnownNode],
) -> Result<Policy, WitnessesError> {
    let logs = keys_of_log(node, origin);
    if let Some(text) = &charter.policy {
        return Ok(with_logs(text, &logs)?);
    }
    let mut witnesses = Vec::new();
    for witness in witnesses_of {
        let name = witness_name(&witness.card.origin);
        let key = |key: &PublicKey| VerifierKey::new(&name, KeyType::Cosignature, key.verifying_key());
        // A witness that replaced its key counts once, by whichever it cosigned.
        witnesses.push(witness.witness_keys().map(key).collect::<Result<Vec<_>, _>>()?);
    }
    Ok(Policy::flat_of(&logs, &witnesses, None)?)
}

/// A charter's policy, which need not name every log.
fn with_logs(text: &str, logs: &[VerifierKey]) -> Result<Policy, PolicyError> {
    let policy = Policy::parse(text)?;
    let lacking = |key: &&VerifierKey| !policy.logs().iter().any(|party| party.key == **key);
    let lines: String = logs.iter().filter(lacking).map(|key| format!("log {key}\n")).collect();
    if lines.is_empty() { Ok(policy) } else { Policy::parse(&format!("{lines}{text}")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cbor::{Decode, Encode};
    use crate::exchange::log_key;
    use crate::keys::{KeyUse, SecretKey};
    use crate::testing::Network;

    #[test]
    fn among_the_words_needed_is_an_honest_one_of_every_quorum() {
        assert_eq!([0, 1, 2, 3, 4, 7, 10].map(words_needed), [0, 1, 1, 2, 3, 5, 7]);
        for count in 4..100 {
            let (quorum, dishonest) = (2 * count / 3 + 1, (count - 1) / 3);
            // Those asked and a quorum have this many in common at least.
            assert!(words_needed(count) + quorum > count + dishonest, "{count}");
            assert!(words_needed(count) <= count);
        }
    }

    #[test]
    fn a_charter_with_a_policy_decides_what_counts() {
        let net = Network::new();
        let outside = SecretKey::from_seed(KeyUse::Witness, &[77; 32]).unwrap();
        let key =
            VerifierKey::new("outside.example/w", KeyType::Cosignature, outside.public().verifying_key()).unwrap();
        let text = format!("witness out {key} https://outside.example/\nquorum out\n");
        for node in net.directory.nodes() {
            let log = log_key(node).unwrap();
            let policy = with_logs(&text, std::slice::from_ref(&log)).unwrap();
            assert!(policy.text().ends_with(&text));
            assert_eq!((&policy.logs()[0].key, policy.witnesses().len()), (&log, 1));
            let named = format!("log {log} https://log.example/\n{text}");
            assert_eq!(with_logs(&named, std::slice::from_ref(&log)).unwrap().text(), named);
        }
        let chartered = Charter { policy: Some(text), ..net.directory.charter().clone() };
        assert_eq!(Charter::from_cbor(&chartered.to_cbor()).as_ref(), Ok(&chartered));
        let wrong = Charter { policy: Some("witness out".into()), ..chartered };
        assert!(Charter::from_cbor(&wrong.to_cbor()).is_err());
    }

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
