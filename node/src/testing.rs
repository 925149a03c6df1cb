//! What tests of several rooms need: a network of two members with one node each, and an agreement both ways.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use luxor_protocol::document::{Agreement, Card, CardNode, Charter, Directory, Document};
use luxor_protocol::keys::{KeyUse, SecretKey};

/// The members; the node of each is `n1`.
pub(crate) const MEMBERS: [&str; 2] = ["a", "b"];
/// What each may send to the other.
pub(crate) const GROUPS: [&str; 3] = ["filing", "item", "route"];

/// A network as its documents have it.
pub(crate) struct TwoMembers {
    pub(crate) directory: Directory,
    pub(crate) charter: Document,
    pub(crate) cards: Vec<Document>,
    pub(crate) agreement: Document,
    /// Texts of the seal keys.
    pub(crate) seals: Vec<String>,
}

/// The key of the first or second member for a use; `nth` counts from 1.
pub(crate) fn key(purpose: KeyUse, nth: u8) -> SecretKey {
    SecretKey::from_seed(purpose, &[nth * 8 + purpose as u8; 32]).unwrap()
}

impl TwoMembers {
    pub(crate) fn new() -> Self {
        let members = MEMBERS;
        let identity = |at: usize| key(KeyUse::Identity, at as u8 + 1);
        let mut draft = "name = \"Test\"\ngovernors = [\"a\"]\n".to_owned();
        for (at, id) in members.iter().enumerate() {
            draft += &format!("[[member]]\nid = \"{id}\"\nname = \"{id}\"\nkind = \"customs\"\nterritory = \"KR\"\n");
            draft += &format!("identity = \"{}\"\n", identity(at).public());
        }
        let mut charter = Charter::from_draft(&draft).unwrap().to_document();
        charter.sign(&"a".parse().unwrap(), &identity(0));
        let network = charter.digest();
        let seals: Vec<String> = members.iter().map(|_| age_key()).collect();
        let mut cards = Vec::new();
        for (at, id) in members.iter().enumerate() {
            let nth = at as u8 + 1;
            let seal = crate::seal::SealKey::parse(&seals[at].clone().into()).unwrap();
            let node = CardNode {
                name: "n1".parse().unwrap(),
                sign: *key(KeyUse::Sign, nth).public(),
                log: *key(KeyUse::Log, nth).public(),
                witness: *key(KeyUse::Witness, nth).public(),
                transport: *key(KeyUse::Transport, nth).public(),
                seal: seal.recipient(),
                origin: format!("luxor.test/{id}/n1"),
                epoch: 1,
                addresses: vec![format!("/ip4/127.0.0.{nth}/tcp/4700")],
                reads: vec![("declaration".into(), 1)],
            };
            let card = Card { member: id.parse().unwrap(), nodes: vec![node] };
            let mut card = card.to_document(network).unwrap();
            card.sign(&id.parse().unwrap(), &identity(at));
            cards.push(card);
        }
        let flow = |from: &str, to: &str| {
            format!(
                "[[flow]]\ntype = \"declaration\"\nversion = 1\nfrom = [\"{from}\"]\nto = [\"{to}\"]\n\
                 purpose = \"delivery\"\ngroups = {GROUPS:?}\nretention_days = 30\n"
            )
        };
        let draft = format!(
            "id = \"ab\"\ntitle = \"T\"\ninstrument = \"I\"\narticle = \"1\"\ncontroller = \"a\"\nparties = [\"a\", \"b\"]\n\
             valid_from = \"2020-01-01\"\nvalid_until = \"2099-12-31\"\n{}{}",
            flow("a", "b"),
            flow("b", "a")
        );
        let mut agreement = Agreement::from_draft(&draft).unwrap().to_document(network);
        (0..2).for_each(|at| agreement.sign(&members[at].parse().unwrap(), &identity(at)));
        let directory = Directory::new(&charter, &cards, std::slice::from_ref(&agreement)).unwrap();
        Self { directory, charter, cards, agreement, seals }
    }
}

fn age_key() -> String {
    use age::secrecy::ExposeSecret as _;
    format!("{}\n", age::x25519::Identity::generate().to_string().expose_secret())
}
