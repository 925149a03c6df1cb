//! What an agreement withholds never reaches the recipient's disk.

use std::path::Path;

use luxor_tests::{Network, PATIENCE, agreement, copy, holds, on_disk};
use serde_json::json;

/// Values of one parcel: what the recipient may see, and what not.
const PERMITTED: &str = "RR473124829GB-permitted";
const WITHHELD: [&str; 4] =
    ["Withheld Sender Works", "Withheld description of goods", "withheld-account-77", "98765.43"];

#[test]
fn withheld_values_are_absent_from_the_recipients_disk() {
    let groups = "[\"item\", \"route\", \"mass\", \"dangerous_goods\"]";
    // What CN 23 and ITMATT carry: parties, content and value, not the seller's account.
    let cn23 = "[\"item\", \"route\", \"mass\", \"sender\", \"addressee\", \"content\", \"value\"]";
    let flows = [
        agreement("ship", "platform", "carrier", "declaration", "delivery", groups),
        agreement("mail", "platform", "post", "declaration", "delivery", cn23),
        agreement("full", "platform", "customs", "declaration", "safety_security", "[\"*\"]"),
    ];
    let members = [
        ("platform", "platform", "CN"),
        ("carrier", "carrier", "CN"),
        ("customs", "customs", "KR"),
        ("post", "post", "CN"),
    ];
    let network = Network::found(&members, &flows);
    let nodes = members.map(|(id, _, _)| network.start(id));
    let record = json!({"type": "declaration", "filing": {"own_reference": "X1"}, "route": {"destination": "KR"},
        "item": {"id": PERMITTED}, "sender": {"name": WITHHELD[0]}, "seller": {"account": WITHHELD[2]},
        "goods": [{"content": {"description": WITHHELD[1]}, "value": {"amount": WITHHELD[3]}}]});
    nodes[0].put("one", 0, &[record]).unwrap();
    let waited = nodes[0].get(&format!("/v1/outbox?wait_ms={}", PATIENCE.as_millis()));
    assert_eq!(waited["pending"], 0, "{waited}");
    assert_eq!(waited["sent"]["accepted"], 3, "{waited}");

    // Through the store: everything the carrier's interface shows.
    let shown = nodes[1].get(&format!("/v1/records?reference={PERMITTED}")).to_string();
    assert!(shown.contains(PERMITTED) && WITHHELD.iter().all(|value| !shown.contains(value)), "{shown}");
    let shown = nodes[2].get(&format!("/v1/records?reference={PERMITTED}")).to_string();
    assert!(WITHHELD.iter().all(|value| shown.contains(value)), "{shown}");
    let shown = nodes[3].get(&format!("/v1/records?reference={PERMITTED}")).to_string();
    assert!(shown.contains(WITHHELD[1]) && !shown.contains(WITHHELD[2]), "{shown}");
    drop(nodes);

    // Value by value with the node's own keys. The amount is stored as a number: its CBOR is searched for.
    let amount = [0x82, 0x1a, 0x00, 0x96, 0xb4, 0x3f, 0x02];
    let needles = || WITHHELD[..3].iter().map(|text| text.as_bytes()).chain([amount.as_slice()]);
    let (carrier, customs) = (network.dir("carrier"), network.dir("customs"));
    assert!(found(&carrier, PERMITTED.as_bytes()), "the search does not find what must be there");
    for needle in needles() {
        assert!(found(&customs, needle), "the search does not find {needle:?} at customs");
        assert!(!found(&carrier, needle), "{needle:?} is on the carrier's disk");
    }
    let post = network.dir("post");
    for permitted in [PERMITTED, WITHHELD[0], WITHHELD[1]] {
        assert!(found(&post, permitted.as_bytes()), "the search does not find {permitted} at the post");
    }
    assert!(!found(&post, WITHHELD[2].as_bytes()), "the seller's account is on the post's disk");

    // Without the keys no disk tells anything, not even what its node may see: its key files are what opens the database.
    for (id, _, _) in members {
        let dir = network.dir(id);
        assert!(on_disk(&dir, format!("{id}/n1").as_bytes()), "the search finds nothing in files");
        for needle in needles().chain([PERMITTED.as_bytes()]) {
            assert!(!on_disk(&dir, needle), "{needle:?} stands on the disk of {id} as it is");
        }
    }
    let strange = network.root.path().join("strange-keys");
    copy(&customs.join("keys"), &strange);
    for name in ["data.keys", "wrap.key"] {
        std::fs::remove_file(strange.join(name)).unwrap();
    }
    for needle in needles() {
        assert!(!holds(&customs.join("data"), &strange, needle), "{needle:?} is read without the data keys");
    }
}

/// Whether a node that has its keys can read these bytes in its database.
fn found(dir: &Path, needle: &[u8]) -> bool {
    holds(&dir.join("data"), &dir.join("keys"), needle)
}
