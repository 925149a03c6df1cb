//! `batches.json`: trees over 1, 2, 3, 5 and 8 record roots with every path, and a signed batch header.

use super::json::{Json, all_bytes, bytes, file, object};
use super::records::RECORDS;
use super::world::WORLD;
use crate::cbor::Encode;
use crate::hash::{Digest, Domain};
use crate::keys::signed_bytes;
use crate::record::{Batch, BatchHeader, BatchTree, DECLARATION, batch_root};
use crate::testing::NOW;

fn tree(count: u8) -> Json {
    let roots: Vec<_> = (1..=count).map(|n| Digest([n; 32])).collect();
    let tree = BatchTree::new(&roots);
    let paths = (0..roots.len()).map(|index| all_bytes(tree.path(index).unwrap().iter().map(|digest| digest.0)));
    object! {
        "name" => format!("tree over {count}"), "kind" => "batch_tree", "records" => all_bytes(roots.iter().map(|r| r.0)),
        "root" => bytes(tree.root().0), "paths" => paths.collect::<Vec<_>>(),
    }
}

#[test]
fn batches() {
    let mut cases: Vec<_> = [1, 2, 3, 5, 8].into_iter().map(tree).collect();
    let net = &WORLD.net;
    let roots: Vec<_> = RECORDS.iter().map(|(_, record)| record.root()).collect();
    let header = BatchHeader {
        node: net.post.node.clone(),
        table: &DECLARATION,
        count: roots.len(),
        root: batch_root(&roots),
        signed_at: NOW,
    };
    let batch = Batch::sign(header, &net.id(), &net.post.sign);
    let encoded = batch.header.to_cbor();
    cases.push(object! {
        "name" => "the records of records.json, signed", "kind" => "batch", "network" => bytes(net.id().0),
        "records" => all_bytes(roots.iter().map(|root| root.0)), "node" => net.post.node.as_str(), "type" => "declaration",
        "version" => 1u64, "signed_at" => NOW.0, "public" => bytes(net.post.sign.public().bytes()),
        "header" => bytes(&encoded),
        "signed" => bytes(signed_bytes(Domain::Batch, &net.id(), &net.post.sign.public().id(), &encoded)),
        "signature" => bytes(batch.signature), "batch" => bytes(batch.to_cbor()),
    });
    let about = "SPEC.md section 10. 'batch_tree': the root over these record roots, and the path of each. 'batch': header, \
                 the bytes signed with the sign key, and the whole.";
    super::hold("batches.json", &file(about, cases));
}
