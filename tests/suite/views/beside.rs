//! Two platforms that deal with one customs learn nothing of each other, volumes included.

use std::collections::{BTreeMap, BTreeSet};

use luxor_protocol::cbor::Decode as _;
use luxor_protocol::exchange::{DispatchHeader, Envelope, sealed_digest};
use luxor_protocol::hash::unhex;
use luxor_tests::{Daemon, Network, agreement};
use serde_json::json;

use super::PATHS;
use super::holdings::{Holdings, Needles, rows};
use super::model::Random;

/// Families of rows whose sizes differ from run to run.
const CHANCE: [&str; 3] = ["sealed", "logs", "cosigned"];

/// What stays visible, and is the same here: that the logs of customs and of the other platform grew, by how many entries and when.
/// A log hides content and names; it does not hide activity. One entry is one dispatch, of one record or of thousands.
#[test]
fn two_platforms_with_one_customs_learn_nothing_of_each_other_not_even_how_many_records_went() {
    let few = beside(1, 1);
    assert_eq!(few, beside(1, 400), "what one platform holds tells how many records the other one sent");
    assert_ne!(few, beside(2, 1), "one record more of its own is not seen either");
}

/// Two platforms deal with one customs; one sends a parcel, then the other so many in one dispatch, then the first one again. Gives
/// what the first one holds: by kind, the sizes of its rows.
fn beside(mine: usize, count: usize) -> BTreeMap<String, Vec<(usize, usize)>> {
    let flows = ["market", "bazaar"].map(|from| agreement(from, from, "douane", "declaration", "revenue", "[\"*\"]"));
    let members = [("market", "platform", "CN"), ("bazaar", "platform", "US"), ("douane", "customs", "FR")];
    let network = Network::found(&members, &flows);
    let nodes = members.map(|(id, _, _)| network.start(id)).map(Daemon::awake);
    let [market, bazaar, douane] = &nodes;
    let mut random = Random(count as u64);
    let mut needles = Needles::new();
    let mut own = BTreeSet::new();
    let mut send = |node: &Daemon, submission: &str, count: usize, is_own: bool| {
        let markers: Vec<[String; 2]> = (0..count).map(|_| [random.marker(), random.marker()]).collect();
        for text in markers.iter().flatten() {
            let number = needles.add(text.as_bytes().chunks_exact(8));
            own.extend(is_own.then_some(number));
        }
        let parcel = |[reference, name]: &[String; 2]| {
            json!({"type": "declaration", "filing": {"own_reference": reference}, "route": {"destination": "FR"},
                "sender": {"name": name}})
        };
        let answer = node.put(submission, 0, &markers.iter().map(parcel).collect::<Vec<_>>()).unwrap();
        assert_eq!(answer["dispatches"], 1, "{answer}");
        node.outbox("the receipt", |state| state["pending"] == 0);
        nodes.iter().for_each(Daemon::witnessed);
        let roots =
            answer["records"].as_array().unwrap().iter().map(|result| result["accepted"]["root"].as_str().unwrap());
        for root in roots.map(|root| unhex(root).unwrap()) {
            let number = needles.add(root.chunks_exact(8));
            own.extend(is_own.then_some(number));
        }
    };
    send(market, "first", mine, true);
    send(bazaar, "beside", count, false);
    send(market, "last", 1, true);
    let entries = [market, bazaar, douane].map(|node| node.get("/v1/status")["log_entries"].clone());
    let paths = PATHS.iter().map(|path| (*path).to_owned());
    let paths = paths.chain(market.inbox().into_iter().map(|item| format!("/v1/inbox/{}", item["index"])));
    let answers: Vec<String> = paths.map(|path| market.get_early(&path).1).collect();
    drop(nodes);
    let market = Holdings::of(&network.dir("market"), answers);
    let [bazaar, douane] = ["bazaar", "douane"].map(|id| Holdings::of(&network.dir(id), Vec::new()));

    // What names the dispatch beside: its digest, its batch's root, its sealed part; names and salts of its records.
    let dispatch = bazaar.sealed.iter().find(|dispatch| DispatchHeader::from_cbor(&dispatch.header).is_ok()).unwrap();
    let header = DispatchHeader::from_cbor(&dispatch.header).unwrap();
    let sealed = sealed_digest(&dispatch.sealed);
    let envelope = Envelope { header: dispatch.header.clone(), sealed, signature: dispatch.signature };
    let digests = [envelope.digest(), header.batch.header.root, sealed];
    for digest in &digests {
        needles.add(digest.0.chunks_exact(8));
    }
    needles.add(header.batch.signature.chunks_exact(8));
    for (sealed, seed) in &bazaar.records {
        needles.add([&sealed.header().id[..8], &sealed.header().id[8..]]);
        needles.add(seed.chunks_exact(8));
    }
    let [at_market, at_bazaar, at_douane] = [&market, &bazaar, &douane].map(|holdings| holdings.search(&needles));
    assert_eq!(at_market.keys().copied().collect::<BTreeSet<_>>(), own, "{at_market:?}");
    // The search finds them where they are.
    let total = needles.len();
    assert_eq!(at_bazaar.len() + own.len(), total);
    assert_eq!(at_douane.len() + count, total, "all but the seeds");
    let mut sizes: BTreeMap<String, Vec<(usize, usize)>> = BTreeMap::new();
    for (family, key, value) in rows(&network.dir("market").join("data")) {
        sizes.entry(family).or_default().push((key.len(), value.len()));
    }
    // By chance: age pads its files at random; of others' checkpoints, and cosignatures of its own, what had come so far. These name
    // sizes of logs, and those are compared instead.
    CHANCE.iter().for_each(|family| assert!(sizes.remove(*family).is_some()));
    // And whether the last receipt is proven by then.
    sizes.remove("witnessed");
    sizes.insert("logs".into(), entries.iter().map(|size| (0, size.as_u64().unwrap() as usize)).collect());
    sizes.values_mut().for_each(|sizes| sizes.sort_unstable());
    sizes
}
