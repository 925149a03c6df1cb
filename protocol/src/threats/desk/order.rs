//! An order: what officers decide about proposals, and what each of them signs.
//!
//! An officer signs the digest of the whole order, in which every record stands by its root: nothing can be added afterwards, and who
//! decided is proven without the node. Not here: how many officers an order needs ([`super::Policy`]).

use serde::{Deserialize, Serialize};

use crate::cbor::{Encode as _, Writer};
use crate::hash::{Digest, Domain};
use crate::keys::{KeyError, PublicKey, SecretKey};
use crate::names::{MemberId, NodeRef, words};
use crate::threats::IndicatorId;
use crate::time::Millis;

words!(
    /// What is ordered.
    Act, "order", {
        /// To follow the proposals.
        Confirm = "confirm";
        /// To seize the goods.
        Seize = "seize";
        /// Not to follow them.
        Dismiss = "dismiss";
        /// To undo what rests on an indicator or a rule.
        Undo = "undo";
    }
);

/// What proposals rest on.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// An indicator of a member.
    Indicator(MemberId, IndicatorId),
    /// A rule of this node.
    Rule(String),
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Indicator(issuer, id) => write!(f, "{id} of {issuer}"),
            Self::Rule(rule) => write!(f, "the rule '{rule}'"),
        }
    }
}

/// What officers sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// At which node.
    pub node: NodeRef,
    /// What.
    pub act: Act,
    /// What is undone; nothing where something else is ordered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// The records whose proposals are meant, in order.
    pub roots: Vec<Digest>,
    /// Why, for people.
    pub why: String,
    /// When it was drawn up.
    pub at: Millis,
}

impl Order {
    /// Its digest, over a CBOR array of all that is in it.
    pub fn digest(&self) -> Digest {
        let mut writer = Writer::with_capacity(256 + 34 * self.roots.len());
        writer.array(6);
        self.node.encode(&mut writer);
        writer.text(self.act.word());
        match &self.source {
            None => writer.null(),
            Some(Source::Indicator(issuer, id)) => {
                writer.array(2);
                issuer.encode(&mut writer);
                writer.text(id.as_str());
            }
            Some(Source::Rule(rule)) => writer.text(rule),
        }
        writer.array(self.roots.len());
        self.roots.iter().for_each(|root| root.encode(&mut writer));
        writer.text(&self.why);
        self.at.encode(&mut writer);
        Digest::of(Domain::ScreeningOrder, &[writer.as_bytes()])
    }

    /// Signs it as an officer.
    pub fn sign(&self, key: &SecretKey, network: &Digest) -> [u8; 64] {
        key.sign(Domain::ScreeningOrder, network, &self.digest().0)
    }

    /// Checks an officer's signature.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn verify(&self, key: &PublicKey, network: &Digest, signature: &[u8; 64]) -> Result<(), KeyError> {
        key.verify(Domain::ScreeningOrder, network, &self.digest().0, signature)
    }
}
