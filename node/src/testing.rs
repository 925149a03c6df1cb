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
        let Made { charter, cards, mut agreements, seals } = make(&MEMBERS, &[draft], &[&[("declaration", 1)][..]; 2]);
        let agreement = agreements.remove(0);
        let directory = Directory::new(&charter, &cards, std::slice::from_ref(&agreement)).unwrap();
        Self { directory, charter, cards, agreement, seals }
    }
}

/// A network of these members, whose nodes read versions of a declaration up to those given, with these agreements.
pub(crate) fn network_of(members: &[&str], agreements: &[String], reads: &[u64]) -> Directory {
    let versions = |up_to: &u64| (1..=*up_to).map(|version| ("declaration", version)).collect();
    let reads: Vec<Vec<_>> = reads.iter().map(versions).collect();
    network_reading(members, agreements, &reads.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

/// The same with nodes that read these types and code lists.
pub(crate) fn network_reading(members: &[&str], agreements: &[String], reads: &[&[(&str, u64)]]) -> Directory {
    let Made { charter, cards, agreements, .. } = make(members, agreements, reads);
    Directory::new(&charter, &cards, &agreements).unwrap()
}

struct Made {
    charter: Document,
    cards: Vec<Document>,
    agreements: Vec<Document>,
    seals: Vec<String>,
}

fn make(members: &[&str], agreements: &[String], reads: &[&[(&str, u64)]]) -> Made {
    let identity = |at: usize| key(KeyUse::Identity, at as u8 + 1);
    let id = |at: usize| members[at].parse().unwrap();
    let mut draft = format!("name = \"Test\"\ngovernors = [\"{}\"]\n", members[0]);
    for (at, id) in members.iter().enumerate() {
        draft += &format!("[[member]]\nid = \"{id}\"\nname = \"{id}\"\nkind = \"customs\"\nterritory = \"KR\"\n");
        draft += &format!("identity = \"{}\"\n", identity(at).public());
    }
    let mut charter = Charter::from_draft(&draft).unwrap().to_document();
    charter.sign(&id(0), &identity(0));
    let network = charter.digest();
    let seals: Vec<String> = members.iter().map(|_| age_key()).collect();
    let mut cards = Vec::new();
    for (at, member) in members.iter().enumerate() {
        let nth = at as u8 + 1;
        let seal = crate::seal::SealKey::parse(&seals[at].clone().into()).unwrap();
        let node = CardNode {
            name: "n1".parse().unwrap(),
            sign: (*key(KeyUse::Sign, nth).public()).into(),
            log: (*key(KeyUse::Log, nth).public()).into(),
            witness: (*key(KeyUse::Witness, nth).public()).into(),
            transport: (*key(KeyUse::Transport, nth).public()).into(),
            seal: vec![seal.recipient()],
            origin: format!("luxor.test/{member}/n1"),
            epoch: 1,
            addresses: vec![format!("/ip4/127.0.0.{nth}/tcp/4700")],
            reads: reads[at].iter().map(|(name, number)| ((*name).to_owned(), *number)).collect(),
        };
        let card = Card { member: id(at), identity: *identity(at).public(), nodes: vec![node], attest: Vec::new() };
        let mut card = card.to_document(network).unwrap();
        card.sign(&id(at), &identity(at));
        cards.push(card);
    }
    let sign = |draft: &String| {
        let agreement = Agreement::from_draft(draft).unwrap();
        let mut document = agreement.to_document(network);
        let parties = (0..members.len()).filter(|at| agreement.parties.contains(&id(*at)));
        parties.for_each(|at| document.sign(&id(at), &identity(at)));
        document
    };
    let agreements = agreements.iter().map(sign).collect();
    Made { charter, cards, agreements, seals }
}

fn age_key() -> String {
    use age::secrecy::ExposeSecret as _;
    format!("{}\n", age::x25519::Identity::generate().to_string().expose_secret())
}
