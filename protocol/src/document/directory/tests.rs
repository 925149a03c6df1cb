//! The life of governance documents: votes, splits, rotation, suspension, revocation, and that nothing depends on their order.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod agreements;
mod charters;
mod keys;
mod order;
mod words;

use std::sync::Arc;

use super::*;
use crate::cbor::{Decode, Encode};
use crate::document::{Ask, Card, Charter, Denial, MemberStatus, Prohibitions, Rejection, Revocation, Suspension};
use crate::keys::{KeyUse, SecretKey};
use crate::names::Purpose;
use crate::testing::{NOW, Network, Party, charter, set, slug};

const GOVERNORS: [&str; 4] = ["customs-jp", "customs-kr", "post-de", "auditor"];

/// A network of four governors, all members, which needs three votes.
struct Council {
    net: Network,
    founding: Document,
    directory: Directory,
}

impl Council {
    fn new() -> Self {
        let net = Network::new();
        let mut founding = charter(&[&net.post, &net.customs, &net.other, &net.auditor], &GOVERNORS).to_document();
        for party in [&net.post, &net.customs, &net.other, &net.auditor] {
            founding.sign(&party.id, &party.identity);
        }
        let network = founding.digest();
        let mut documents = vec![founding.clone()];
        for party in [&net.post, &net.customs, &net.other, &net.auditor] {
            let mut card = party.card().to_document(network).unwrap();
            card.sign(&party.id, &party.identity);
            documents.push(card);
        }
        for agreement in &net.agreements {
            let mut document = Agreement::open(agreement).unwrap().to_document(network);
            let parties = Agreement::open(agreement).unwrap().parties;
            for party in [&net.post, &net.customs, &net.other, &net.auditor] {
                if parties.contains(&party.id) {
                    document.sign(&party.id, &party.identity);
                }
            }
            documents.push(document);
        }
        let directory = Directory::strict(documents).unwrap();
        Self { net, founding, directory }
    }

    fn parties(&self) -> [&Party; 4] {
        [&self.net.post, &self.net.customs, &self.net.other, &self.net.auditor]
    }

    /// The next charter, changed, with the votes of so many.
    fn next(&self, current: &Document, change: impl FnOnce(&mut Charter), voters: &[&Party]) -> Document {
        let mut charter = Charter::read(current).unwrap();
        (charter.round, charter.merges) = (1, None);
        change(&mut charter);
        let mut document = charter.to_successor(self.founding.digest(), current).unwrap();
        voters.iter().for_each(|party| document.sign(&party.id, &party.identity));
        document
    }

    fn with(&self, documents: &[Document]) -> Directory {
        documents.iter().fold(self.directory.clone(), |directory, document| {
            directory.with(document, NOW.day()).unwrap().expect("it is new")
        })
    }

    fn reject(&self, party: &Party, previous: Digest, round: u64) -> Document {
        let mut document =
            Rejection { governor: party.id.clone(), previous, round }.to_document(self.founding.digest());
        document.sign(&party.id, &party.identity);
        document
    }

    fn ask(&self, directory: &Directory) -> Result<(), Denial> {
        let (from, to) = (slug("post-de"), slug("customs-kr"));
        let ask = Ask {
            type_name: "declaration",
            version: 1,
            from: &from,
            to: &to,
            purpose: Purpose::SafetySecurity,
            day: NOW.day(),
        };
        directory.policy().decide(directory, &ask).map(drop)
    }
}

fn rename(name: &'static str) -> impl Fn(&mut Charter) {
    move |charter| name.clone_into(&mut charter.members[0].name)
}

impl Directory {
    /// The newest document of a kind and id.
    fn documents_of(&self, id: &MemberId, kind: DocumentKind) -> &Document {
        let all = self.documents.values().filter(|d| d.kind == kind && d.id == *id);
        all.max_by_key(|d| d.version).unwrap()
    }
}

/// The card after `before`, changed and signed.
fn rotated(party: &Party, before: &Document, identity: &SecretKey, change: impl FnOnce(&mut Card)) -> Document {
    let mut card = Card::open(before).unwrap();
    card.nodes[0].addresses.push(format!("/ip4/192.0.2.{}/tcp/1", before.version));
    change(&mut card);
    let mut document = card.to_successor(before).unwrap();
    document.sign(&party.id, identity);
    document
}

fn revocation(party: &Party, keys: &[KeyId], since: Option<Millis>, identity: &SecretKey) -> Document {
    let mut keys = keys.to_vec();
    keys.sort();
    let body = Revocation {
        member: party.id.clone(),
        keys,
        reason: "stolen".into(),
        revoked_at: NOW,
        compromised_since: since,
    };
    let mut document = body.to_document(NETWORK_OF.with(|network| *network)).unwrap();
    document.sign(&party.id, identity);
    document
}

thread_local! {
    /// The network of every council: its keys come from small numbers.
    static NETWORK_OF: Digest = Council::new().founding.digest();
}
