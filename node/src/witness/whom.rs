//! Whom a node asks to cosign its checkpoints: the witnesses of its policy, the other members beside them, and those outside that
//! its operator names. Pure.

use std::sync::Arc;

use luxor_protocol::document::{Directory, KnownNode};
use luxor_protocol::exchange::{WitnessesError, policy_of, witness_key, witnesses_of};
use luxor_protocol::limits::MAX_LOG_WITNESSES;
use luxor_protocol::tlog::{KeyType, Policy, VerifierKey};

/// How a witness is reached.
#[derive(Debug, Clone)]
pub enum Way {
    /// A member's node.
    Member(Arc<KnownNode>),
    /// C2SP tlog-witness over HTTP: the submission prefix.
    Url(String),
    /// Its policy names neither; it may only be asked by hand.
    Nowhere,
}

/// A witness of this node's log.
#[derive(Debug, Clone)]
pub struct LogWitness {
    /// The node, or the name of the key.
    pub name: String,
    /// The key that it cosigns with.
    pub key: VerifierKey,
    /// How it is reached.
    pub way: Way,
}

/// A witness outside the network, as the operator names it: a C2SP vkey of type 0x04 and the URL to which `/add-checkpoint` is added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outside {
    /// Its key.
    pub key: VerifierKey,
    /// Its submission prefix.
    pub url: String,
}

impl Outside {
    /// Reads `VKEY URL`.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (key, url) = text.split_once(' ').ok_or("it is not 'VKEY URL'")?;
        let key = VerifierKey::parse(key).map_err(|e| e.to_string())?;
        if key.key_type() != KeyType::Cosignature {
            return Err("its key is not one for cosignatures (type 0x04)".into());
        }
        if !url.starts_with("http://") || url.contains(char::is_whitespace) {
            return Err("its URL does not begin with http://; TLS is a proxy's matter".into());
        }
        Ok(Self { key, url: url.trim_end_matches('/').to_owned() })
    }
}

/// The policy of the own log, and whom to ask: first the policy's witnesses in its order, then those beside it, no key twice.
///
/// # Errors
/// [`WitnessesError`] when the cards give the log no policy.
pub fn whom(
    directory: &Directory,
    own: &KnownNode,
    outside: &[Outside],
) -> Result<(Policy, Vec<LogWitness>), WitnessesError> {
    let policy = policy_of(directory, own)?;
    let members: Vec<_> = directory
        .nodes()
        .filter(|node| node.member != own.member)
        .flat_map(|node| node.witness_keys().map(move |key| (*key, node.clone())))
        .collect();
    let of_member = |key: &VerifierKey| {
        members.iter().find(|(member, _)| member.verifying_key() == key.public_key()).map(|(_, node)| node.clone())
    };
    let mut asked: Vec<LogWitness> = Vec::new();
    for party in policy.witnesses() {
        let (name, way) = match (of_member(&party.key), &party.url) {
            (Some(node), _) => (node.node.to_string(), Way::Member(node)),
            (None, Some(url)) => (party.name.clone(), Way::Url(url.trim_end_matches('/').to_owned())),
            (None, None) => (party.name.clone(), Way::Nowhere),
        };
        // A witness that replaces its key is asked once, and cosigns with the one in use.
        let key = match &way {
            Way::Member(node) => witness_key(node).unwrap_or_else(|_| party.key.clone()),
            _ => party.key.clone(),
        };
        if !asked.iter().any(|other| other.key == key) {
            asked.push(LogWitness { name, key, way });
        }
    }
    let beside = witnesses_of(directory, &own.member).into_iter().filter_map(|node| {
        let node = directory.node(&node.node)?.clone();
        Some(LogWitness { name: node.node.to_string(), key: witness_key(&node).ok()?, way: Way::Member(node) })
    });
    let outside = outside.iter().map(|outside| LogWitness {
        name: outside.key.name().to_owned(),
        key: outside.key.clone(),
        way: Way::Url(outside.url.clone()),
    });
    for witness in beside.chain(outside) {
        let known = asked.iter().any(|other| other.key.public_key() == witness.key.public_key());
        if !known && asked.len() < MAX_LOG_WITNESSES {
            asked.push(witness);
        }
    }
    Ok((policy, asked))
}

#[cfg(test)]
mod tests {
    use luxor_protocol::keys::{KeyUse, SecretKey};

    use super::*;
    use crate::testing::TwoMembers;

    fn vkey(name: &str) -> VerifierKey {
        let key = SecretKey::from_seed(KeyUse::Witness, &[200; 32]).unwrap();
        VerifierKey::new(name, KeyType::Cosignature, key.public().verifying_key()).unwrap()
    }

    #[test]
    fn members_are_asked_and_those_that_the_operator_names() {
        let directory = TwoMembers::new().directory;
        let own = directory.node(&"a/n1".parse().unwrap()).unwrap();
        let outside = Outside::parse(&format!("{} http://127.0.0.1:9/w/", vkey("w.example/1"))).unwrap();
        let (policy, asked) = whom(&directory, own, &[outside.clone(), outside]).unwrap();
        assert_eq!(policy.witnesses().len(), 1);
        let names: Vec<_> = asked.iter().map(|witness| witness.name.as_str()).collect();
        assert_eq!(names, ["b/n1", "w.example/1"]);
        assert!(matches!(&asked[0].way, Way::Member(node) if node.node.as_str() == "b/n1"));
        assert!(matches!(&asked[1].way, Way::Url(url) if url == "http://127.0.0.1:9/w"));
    }

    #[test]
    fn what_an_operator_writes_is_read_or_refused() {
        let key = vkey("w.example/1");
        for bad in [
            String::new(),
            key.to_string(),
            format!("{key}  http://a"),
            format!("{key} https://a"),
            format!("{key} http://a b"),
            format!("{}x http://a", key),
        ] {
            assert!(Outside::parse(&bad).is_err(), "{bad}");
        }
        let log = SecretKey::from_seed(KeyUse::Log, &[1; 32]).unwrap();
        let log = VerifierKey::new("log.example", KeyType::Ed25519, log.public().verifying_key()).unwrap();
        assert!(Outside::parse(&format!("{log} http://a")).unwrap_err().contains("0x04"));
    }
}
