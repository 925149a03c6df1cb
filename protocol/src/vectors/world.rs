//! The network of the vectors: that of the other tests, with real age recipients on its cards, and its records.

use std::str::FromStr;
use std::sync::LazyLock;

use crate::cbor::Encode;
use crate::document::{Card, Directory};
use crate::exchange::{Dispatch, DispatchHeader, WithdrawalHeader};
use crate::hash::{Digest, hex, unhex};
use crate::keys::{KeyUse, SecretKey};
use crate::record::{SealedRecord, content_from_json};
use crate::testing::{NOW, Network, Party, record_of};

pub(super) static WORLD: LazyLock<World> = LazyLock::new(World::new);

/// Age identities of 32 equal bytes, in the order of the members below.
const IDENTITIES: [&str; 4] = [
    "AGE-SECRET-KEY-1P5XS6RGDP5XS6RGDP5XS6RGDP5XS6RGDP5XS6RGDP5XS6RGDP5XSHN9AHP",
    "AGE-SECRET-KEY-1Z52329G4Z52329G4Z52329G4Z52329G4Z52329G4Z52329G4Z52SQC2M4S",
    "AGE-SECRET-KEY-1R5W368GAR5W368GAR5W368GAR5W368GAR5W368GAR5W368GAR5WSF5S2TD",
    "AGE-SECRET-KEY-1Y5JJ2FF9Y5JJ2FF9Y5JJ2FF9Y5JJ2FF9Y5JJ2FF9Y5JJ2FF9Y5JS76NFE5",
];

/// A network whose sealed parts are sealed.
pub(super) struct World {
    pub(super) net: Network,
}

impl World {
    fn new() -> Self {
        let mut net = Network::new();
        net.cards = [&net.post, &net.customs, &net.other, &net.auditor]
            .into_iter()
            .map(|party| {
                let mut document = card(party).to_document(net.id()).unwrap();
                document.sign(&party.id, &party.identity);
                document
            })
            .collect();
        // A node that lost its data: a new log and a new epoch, on a second card. Receipts of the first log still hold.
        let mut second = card(&net.other);
        second.nodes[0].epoch = 2;
        second.nodes[0].log = (*SecretKey::from_seed(KeyUse::Log, &[99; 32]).unwrap().public()).into();
        second.nodes[0].origin = format!("{}/2", net.other.origin());
        let mut second = second.to_successor(&net.cards[2]).unwrap();
        second.sign(&net.other.id, &net.other.identity);
        net.cards.push(second);
        net.directory = Directory::new(&net.charter, &net.cards, &net.agreements).unwrap();
        Self { net }
    }

    /// What `post-de` says when it withdraws number 4.
    pub(super) fn withdrawal(&self) -> WithdrawalHeader {
        WithdrawalHeader {
            network: self.net.id(),
            channel: self.net.channel(),
            number: 4,
            dispatch: Digest([0xd4; 32]),
            agreement: self.net.agreement("parcels"),
            withdrawn_at: NOW,
        }
    }

    /// A dispatch of `post-de` to `customs-kr` whose sealed part holds `packed`; the sealed bytes are those that the file
    /// has for this case, if they still open to that.
    pub(super) fn seal(&self, file: &str, case: &str, header: &DispatchHeader, packed: &[u8]) -> Dispatch {
        let recipient = header.channel.recipient.member();
        let sealed = sealed(file, case, recipient.as_str(), packed);
        Dispatch::sign(&self.net.id(), header.to_cbor(), sealed, &self.net.post.sign)
    }
}

/// The age identity of a member's node.
pub(super) fn identity(member: &str) -> age::x25519::Identity {
    age::x25519::Identity::from_str(identity_text(member)).unwrap()
}

/// The text of [`identity`].
pub(super) fn identity_text(member: &str) -> &'static str {
    let at = ["post-de", "customs-kr", "customs-jp", "auditor"].iter().position(|id| *id == member);
    IDENTITIES[at.unwrap()]
}

/// The card of a party with its real seal key.
pub(super) fn card(party: &Party) -> Card {
    let mut card = party.card();
    card.nodes[0].seal = vec![identity(party.id.as_str()).to_public().to_string()];
    card
}

/// Sealed bytes for a case: those in the file if they open to `packed`, otherwise (only when writing) new ones.
fn sealed(file: &str, case: &str, member: &str, packed: &[u8]) -> Vec<u8> {
    let identity = identity(member);
    let kept = committed(file, case).filter(|sealed| age::decrypt(&identity, sealed).is_ok_and(|p| p == packed));
    match kept {
        Some(sealed) => sealed,
        None if super::writing() => age::encrypt(&identity.to_public(), packed).unwrap(),
        None => panic!(
            "protocol/vectors/{file}, case '{case}': the sealed bytes do not open to {}\n\
             hint: LUXOR_WRITE_VECTORS=1 seals anew",
            hex(packed)
        ),
    }
}

fn committed(file: &str, case: &str) -> Option<Vec<u8>> {
    let text = std::fs::read_to_string(super::path(file)).ok()?;
    let json: serde_json::Value = serde_json::from_str(&text).ok()?;
    let case = json["cases"].as_array()?.iter().find(|c| c["name"] == case)?;
    unhex(case["sealed"].as_str()?)
}

/// A record of `post-de` from the JSON form, with id and seed of equal bytes.
pub(super) fn record(json: &str, number: u8) -> SealedRecord {
    let json: serde_json::Value = serde_json::from_str(json).unwrap();
    record_of(content_from_json(&json).unwrap(), [number; 16], [number ^ 0xff; 32])
}
