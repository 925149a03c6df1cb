//! A sealed dispatch whose receipt is overdue lies with a third member, from whom its recipient fetches it though its sender is gone.

use luxor_protocol::cbor::Decode as _;
use luxor_protocol::document::Document;
use luxor_tests::{Daemon, Network, agreement, check, luxor, try_luxor, until};
use serde_json::{Value as Json, json};

const MEMBERS: [(&str, &str, &str); 4] =
    [("shop", "platform", "CN"), ("post", "post", "KR"), ("keeper", "customs", "KR"), ("auditor", "auditor", "KR")];

/// The agreement of shop and post, under which this member keeps what is overdue.
fn kept_by(member: &str) -> String {
    let flow = agreement("sp", "shop", "post", "declaration", "delivery", "[\"*\"]");
    let flow = flow.replace("parties = [\"shop\", \"post\"]", "parties = [\"shop\", \"post\", \"keeper\"]");
    format!("{flow}terms = {{ deposit = \"{member}\" }}\n")
}

fn found(name: &str) -> (Network, String) {
    let mandate = agreement("ak", "keeper", "auditor", "opening", "audit", "[\"body\", \"evidence\"]");
    let network = Network::found_named(name, &MEMBERS, &[kept_by("keeper"), mandate], None, &["shop"]);
    network.configure("shop", "[windows]\nclose_seconds = 0\nreceipt_due_seconds = 0\n");
    let charter = std::fs::read(network.root.path().join("charter.luxor")).unwrap();
    let founding = Document::from_cbor(&charter).unwrap().digest().hex();
    (network, founding)
}

fn start(network: &Network) -> [Daemon; 4] {
    MEMBERS.map(|(id, _, _)| network.start(id)).map(Daemon::awake)
}

fn node(daemon: &Daemon) -> &str {
    daemon.dir().to_str().unwrap()
}

/// Submits records as chunks from this one on, each in a dispatch of its own.
fn submit(shop: &Daemon, first: u64, references: &[&str]) {
    for (chunk, reference) in (first..).zip(references) {
        let record = json!({"type": "declaration", "filing": {"own_reference": reference},
            "route": {"destination": "KR"}, "item": {"id": format!("ITEM-{reference}")}});
        let told = shop.put("first", chunk, &[record]).unwrap();
        assert!(told["records"][0]["refused"].is_null(), "{told}");
    }
}

/// What of the channel from shop to post lies with others.
fn deposited(shop: &Daemon) -> Vec<(u64, String)> {
    let channels = shop.get("/v1/windows");
    let channels = channels.as_array().unwrap().iter();
    let of = channels.flat_map(|channel| channel["deposited"].as_array().cloned().unwrap_or_default());
    of.map(|line| (line["number"].as_u64().unwrap(), line["with"].as_str().unwrap().to_owned())).collect()
}

/// Every number of a dispute file with its verdict and facts, as the file is verified with nothing but the network's digest.
fn proven(network: &Network, shop: &Daemon, founding: &str) -> Vec<(u64, String, String)> {
    let file = network.root.path().join("dispute.luxor");
    let file = file.to_str().unwrap();
    luxor(&["dispute", "export", "-o", file, "--to", "post/n1", "--numbers", "1,2", "--node", node(shop)]);
    let (_, told, errors) = try_luxor(&["dispute", "verify", file, "--charter", founding, "--json"]);
    let told: Json = serde_json::from_str(&told).unwrap_or_else(|e| panic!("{e}: {told}{errors}"));
    let numbers = told["numbers"].as_array().unwrap().iter();
    let text = |json: &Json| json.as_str().unwrap().to_owned();
    numbers.map(|of| (of["number"].as_u64().unwrap(), text(&of["verdict"]), of["facts"].to_string())).collect()
}

#[test]
fn what_is_overdue_lies_with_a_third_until_its_recipient_fetches_it_there() {
    let (network, founding) = found("Test");
    let [shop, post, keeper, auditor] = start(&network);
    drop(post);
    submit(&shop, 0, &["A", "B"]);
    let with = |number| (number, "keeper/n1".to_owned());
    until("both lie with the third", || Some(deposited(&shop)).filter(|lies| *lies == [with(1), with(2)]));
    let listed = luxor(&["window", "list", "--node", node(&shop)]);
    assert!(listed.contains("deposited"), "{listed}");
    for (_, verdict, facts) in proven(&network, &shop, &founding) {
        // The recipient is a witness too, so nobody's log has a quorum now: the third's word counts once it is witnessed.
        assert_eq!(verdict, "signed by the sender; no word of the recipient's log on it is shown");
        assert!(facts.contains("lay sealed with keeper/n1 for the recipient"), "{facts}");
    }
    // Nobody but the third has them now.
    drop(shop);
    let post = network.start("post").awake();
    let once = |post: &Daemon| {
        let arrived = post.arrived();
        arrived.iter().all(|(_, times)| *times == 1).then_some(arrived.into_keys().collect::<Vec<_>>())
    };
    until("both are fetched", || once(&post).filter(|all| *all == ["A", "B"]));
    // It is the usual receipt that the sender gets when it sends again, and nothing came twice.
    let shop = network.start("shop").awake();
    shop.outbox("both have their receipts", |outbox| outbox["pending"] == 0);
    assert_eq!(deposited(&shop), []);
    assert_eq!(once(&post).unwrap(), ["A", "B"]);
    let (code, _, _) = try_luxor(&["window", "close", "--to", "post/n1", "--node", node(&shop)]);
    assert_eq!(code, 0);
    // All witnesses run again, and are asked a moment later.
    [&post, &keeper].into_iter().for_each(Daemon::witnessed);
    until("the third's word is witnessed", || {
        let proven = proven(&network, &shop, &founding);
        let all = proven.iter().all(|(_, verdict, facts)| {
            verdict == "received, and the verdict is proven"
                && facts.contains("lay sealed with keeper/n1")
                && facts.matches("; witnessed at ").count() == 2
        });
        all.then_some(())
    });
    luxor(&["audit", "--of", "keeper/n1", "--node", node(&auditor)]);
    drop([shop, post, keeper, auditor]);
    for (member, ..) in MEMBERS {
        check(&network.dir(member));
    }
}

#[test]
fn what_a_recipient_withholds_is_deposited_and_not_taken_twice() {
    let (network, founding) = found("Luxor practice");
    network.configure("post", &format!("[practice]\nnetwork = \"{founding}\""));
    let rules = "[[withholding]]\nsender = \"shop/n1\"\nlane = \"ordinary\"\nnumbers = [1]\n";
    std::fs::write(network.dir("post").join("receipts.toml"), rules).unwrap();
    let [shop, post, keeper, auditor] = start(&network);
    submit(&shop, 0, &["A"]);
    until("it is there", || Some(post.arrived()).filter(|arrived| arrived.contains_key("A")));
    // So the receipt of the next one counts it.
    submit(&shop, 1, &["B"]);
    shop.outbox("the other has its receipt", |outbox| outbox["pending"] == 1);
    let lies = until("one lies with the third", || Some(deposited(&shop)).filter(|lies| !lies.is_empty()));
    assert_eq!(lies, [(1, "keeper/n1".to_owned())]);
    let first = &proven(&network, &shop, &founding)[0];
    assert_eq!(first.1, "received, and no receipt for it is shown");
    assert!(first.2.contains("lay sealed with keeper/n1"), "{}", first.2);
    until("it is withheld still, and there once", || {
        let arrived = post.arrived();
        (arrived.len() == 2 && arrived.values().all(|times| *times == 1)).then_some(())
    });
    drop([shop, post, keeper, auditor]);
    for (member, ..) in MEMBERS {
        check(&network.dir(member));
    }
}

#[test]
fn what_nobody_fetches_goes_on_its_day() {
    let (network, _) = found("Test");
    let [shop, post, keeper, auditor] = start(&network);
    drop(post);
    submit(&shop, 0, &["A"]);
    until("it lies with the third", || Some(deposited(&shop)).filter(|lies| lies.len() == 1));
    drop([shop, keeper, auditor]);
    let later = ["shop", "keeper", "auditor"].map(|id| network.start_with(id, &["--clock-ahead-days", "31"]));
    let [shop, keeper, auditor] = later.map(Daemon::awake);
    until("the entry is erased", || {
        let (_, told, _) = try_luxor(&["audit", "--of", "keeper/n1", "--json", "--node", node(&auditor)]);
        let told: Json = serde_json::from_str(&told).ok()?;
        let report = &told["reports"][0];
        assert_eq!(report["findings_count"], json!(0), "{report}");
        let erased = report["erased"].as_array()?.iter();
        erased.filter(|erased| erased["sender"] == "shop/n1").map(|erased| erased["whole"].as_u64()).next()?
    });
    drop([shop, keeper, auditor]);
    // The check finds sealed bytes whose entry is erased.
    for (member, ..) in MEMBERS {
        check(&network.dir(member));
    }
}

#[test]
fn a_depositary_that_is_no_third_party_is_refused_when_the_agreement_is_signed() {
    let network = Network::found(&MEMBERS[..2], &[]);
    let charter = network.root.path().join("charter.luxor");
    let (charter, dir) = (charter.to_str().unwrap(), network.dir("shop"));
    for (member, why) in [
        ("auditor", "names a member that is no party"),
        ("post", "names a sender or recipient of its own row"),
        ("Keeper", "is not known"),
    ] {
        let draft = network.root.path().join("draft.toml");
        std::fs::write(&draft, kept_by(member)).unwrap();
        let draft = draft.to_str().unwrap();
        let line = ["agreement", "sign", draft, "--node", dir.to_str().unwrap(), "--charter", charter, "-o", "-"];
        let (code, _, errors) = try_luxor(&line);
        assert!(code != 0 && errors.contains(why) && errors.contains("hint: "), "{code} {errors}");
    }
}
