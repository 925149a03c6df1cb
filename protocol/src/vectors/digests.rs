//! `digests.json`: a digest of every domain, and the keyed digest.

use super::json::{Json, all_bytes, bytes, file, object};
use crate::hash::{Digest, Domain, keyed};

/// Every domain; the match makes the compiler ask for a new one.
fn domains() -> Vec<Domain> {
    use Domain::*;
    let after = |domain| match domain {
        Document => Some(KeyId),
        KeyId => Some(Salt),
        Salt => Some(Leaf),
        Leaf => Some(ItemNode),
        ItemNode => Some(RecordRoot),
        RecordRoot => Some(BatchLeaf),
        BatchLeaf => Some(BatchNode),
        BatchNode => Some(Batch),
        Batch => Some(Header),
        Header => Some(Sealed),
        Sealed => Some(Dispatch),
        Dispatch => Some(Withdrawal),
        Withdrawal => Some(Entry),
        Entry => Some(Body),
        Body => Some(Index),
        Index => Some(Chunk),
        Chunk => Some(Sample),
        Sample => Some(AuditPack),
        AuditPack => Some(Documents),
        Documents => Some(Order),
        Order => Some(SummaryItem),
        SummaryItem => Some(SummaryNode),
        SummaryNode => Some(Outcome),
        Outcome => Some(WindowAnswer),
        WindowAnswer => Some(Differences),
        Differences => Some(Statement),
        Statement => Some(Dispute),
        Dispute => Some(Statistics),
        Statistics => Some(ScreeningOrder),
        ScreeningOrder => None,
    };
    std::iter::successors(Some(Document), |domain| after(*domain)).collect()
}

#[test]
fn digests() {
    let plain = |name: String, domain: Domain, parts: &[&[u8]]| -> Json {
        let digest = Digest::of(domain, parts);
        object! {
            "name" => name, "kind" => "digest", "domain" => domain.text(), "parts" => all_bytes(parts),
            "digest" => bytes(digest.0),
        }
    };
    let mut cases: Vec<_> =
        domains().into_iter().map(|d| plain(format!("one part under {}", d.text()), d, &[b"part"])).collect();
    cases.push(plain("no part".into(), Domain::Leaf, &[]));
    cases.push(plain("an empty part".into(), Domain::Leaf, &[b""]));
    cases.push(plain("two parts, the boundary after two bytes".into(), Domain::Leaf, &[b"ab", b"c"]));
    cases.push(plain("two parts, the boundary after one byte".into(), Domain::Leaf, &[b"a", b"bc"]));
    cases.push(plain("a part longer than a chunk of BLAKE3".into(), Domain::Sealed, &[&[7; 2000]]));
    let key: [u8; 32] = std::array::from_fn(|at| at as u8);
    let parts: [&[u8]; 1] = [&[0, 1, 2, 3, 4, 5, 6, 7]];
    let secret = keyed(&key, Domain::Salt, &parts);
    cases.push(object! {
        "name" => "keyed", "kind" => "digest", "key" => bytes(key), "domain" => Domain::Salt.text(),
        "parts" => all_bytes(parts), "digest" => bytes(secret.0),
    });
    let about = "SPEC.md section 2: H(domain, parts), with a key K(key, domain, parts).";
    super::hold("digests.json", &file(about, cases));
}
