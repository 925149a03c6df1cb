//! What a member holds never exceeds the views that were given to it, and a coalition opens no more than its members do.
//!
//! Random agreements among six members (rows with types and versions, places, roles, who handles, unlinkable, prohibitions, onward
//! permissions, agreements that have ended or not begun) and random records, every value of which is found again wherever it
//! stands. [`model`] says who may hold what, and does not ask the code under test; [`holdings`] reads everything that a node has;
//! [`checks`] compares them, [`beside`] two platforms that deal with one customs.
//! Sought are texts, codes and amounts of every group, and for every group, absent ones included, its salt: without it nothing can
//! be guessed of what a digest hides, so neither of values that are too short to be sought (words, days, territories, booleans).
//! Both ways: what is not given is nowhere, what is given is found.
//!
//! Not here: a later version of an agreement, suspensions (`governance`), erasure (`erasure`), what an auditor is shown
//! (`audit_pack`), and what traffic tells somebody on the wire. `LUXOR_SEED` repeats one round; `LUXOR_TEST_LONG` makes more.

mod beside;
mod checks;
mod holdings;
mod model;

use std::collections::{BTreeMap, BTreeSet};

use luxor_tests::{Daemon, Network};
use serde_json::{Value as Json, json};

use checks::{forms, needles, no_coalition_opens_more, salts_are_those_given, values_are_those_given};
use holdings::Holdings;
use model::{Groups, MEMBERS, PURPOSES, Random, Record, Way, World};

/// Records that each member submits in a round.
const RECORDS: usize = 8;
/// Paths of the local interface that tell what a node knows.
const PATHS: [&str; 8] = [
    "/v1/status",
    "/v1/outbox",
    "/v1/documents",
    "/v1/holds",
    "/v1/forks",
    "/v1/checkpoint",
    "/v1/checkpoint/cosigned",
    "/v1/outbox/dispatches?limit=1000",
];

/// By root: the groups that were passed on to each member.
type PassedOn = BTreeMap<String, BTreeMap<&'static str, Groups>>;

#[test]
fn what_anybody_holds_is_the_union_of_the_views_given_to_it_and_a_coalition_opens_no_more() {
    let fixed = std::env::var("LUXOR_SEED").ok().map(|seed| seed.parse().unwrap());
    let rounds = match (fixed, std::env::var_os("LUXOR_TEST_LONG")) {
        (Some(_), _) => 1,
        (None, Some(_)) => 25,
        (None, None) => 3,
    };
    for _ in 0..rounds {
        let mut seed = [0; 8];
        getrandom::fill(&mut seed).unwrap();
        round(fixed.unwrap_or(u64::from_be_bytes(seed)));
    }
}

fn round(seed: u64) {
    // Shown where it fails.
    println!("views: LUXOR_SEED={seed}");
    let mut random = Random(seed);
    let world = World::new(&mut random);
    let network = found(&world);
    let nodes = MEMBERS.map(|(id, _, _)| network.start(id)).map(Daemon::awake);
    let records: Vec<Record> = MEMBERS
        .iter()
        .flat_map(|(id, _, _)| (0..RECORDS).map(|_| *id))
        .map(|id| Record::new(&mut random, id))
        .collect();
    let roots = submit(&world, &nodes, &records);
    let passed = pass_on(&mut random, &world, &nodes, &records, &roots);
    let answers: Vec<Vec<String>> = nodes.iter().map(|node| answers(node, &records)).collect();
    drop(nodes);

    let all = MEMBERS.iter().zip(answers).map(|((id, _, _), answers)| Holdings::of(&network.dir(id), answers));
    let mut all: Vec<Holdings> = all.collect();
    // As if each had every disk before it: of what is sealed, it opens what is sealed to it.
    let sealed: Vec<_> = all.iter_mut().flat_map(|holdings| std::mem::take(&mut holdings.sealed)).collect();
    for dispatch in &sealed {
        assert_eq!(all.iter_mut().map(|holdings| usize::from(holdings.open(dispatch))).sum::<usize>(), 1);
    }
    let forms = forms(&all, &roots);
    let (needles, sought) = needles(&records, &forms);
    let found: Vec<BTreeMap<usize, String>> = all.iter().map(|holdings| holdings.search(&needles)).collect();
    for ((id, _, _), found) in MEMBERS.iter().zip(&found) {
        values_are_those_given(id, &world, &records, &roots, &passed, &sought, found);
    }
    salts_are_those_given(&world, &records, &forms, &passed, &sought, &found);
    let guesses = no_coalition_opens_more(&records, &forms, &all);
    let (bytes, count) =
        (all.iter().map(Holdings::bytes).sum::<usize>(), found.iter().map(BTreeMap::len).sum::<usize>());
    let passed: usize = passed.values().map(BTreeMap::len).sum();
    println!(
        "views: {} records in {} forms, {} dispatches, {passed} passed on, {} needles, found {count} times in {bytes} bytes, \
         {guesses} guesses",
        roots.values().collect::<BTreeSet<_>>().len(),
        forms.len(),
        sealed.len(),
        sought.len()
    );
    assert!(guesses > 0 && count > 0);
}

/// A network of these agreements and laws.
fn found(world: &World) -> Network {
    let network = Network::found(&MEMBERS, &[]);
    for draft in &world.drafts {
        let document = network.sign(&draft.to_toml(), &draft.parties);
        draft.parties.iter().for_each(|party| network.install(party, &document));
    }
    for law in &world.laws {
        std::fs::write(network.dir(law.of).join("prohibitions.toml"), law.to_toml()).unwrap();
    }
    network
}

/// Submits every record and waits until all is settled. Gives the record of each root.
fn submit(world: &World, nodes: &[Daemon], records: &[Record]) -> BTreeMap<String, usize> {
    let mut roots = BTreeMap::new();
    for (at, node) in nodes.iter().enumerate() {
        let own = at * RECORDS..(at + 1) * RECORDS;
        let bodies: Vec<Json> = records[own.clone()].iter().map(|record| record.json.clone()).collect();
        let answer = node.put("all", 0, &bodies).unwrap();
        for (record, result) in own.zip(answer["records"].as_array().unwrap()) {
            let given = !world.ways(&records[record]).is_empty();
            let accepted = &result["accepted"];
            assert_eq!(accepted.is_object(), given, "{result}: {}", records[record].json);
            let others = accepted["others"].as_array().into_iter().flatten();
            let all = std::iter::once(accepted).chain(others).filter_map(|form| form["root"].as_str());
            roots.extend(all.map(|root| (root.to_owned(), record)));
        }
    }
    settle(nodes);
    roots
}

/// Waits until everything that was sent has its receipt; nothing of it was refused.
fn settle(nodes: &[Daemon]) {
    for node in nodes {
        let state = node.outbox("every receipt", |state| state["pending"] == 0);
        assert_eq!((&state["sent"]["rejected"], &state["sent"]["refused"]), (&json!(0), &json!(0)), "{state}");
    }
}

/// Everybody wants to pass on everything that it received, to everybody, for every purpose.
fn pass_on(
    random: &mut Random,
    world: &World,
    nodes: &[Daemon],
    records: &[Record],
    roots: &BTreeMap<String, usize>,
) -> PassedOn {
    let mut passed = PassedOn::new();
    for ((via, _, _), node) in MEMBERS.iter().zip(nodes) {
        // By root: each view that came, as the interface tells it.
        let mut came: BTreeMap<String, Vec<Way>> = BTreeMap::new();
        for item in node.inbox().iter().filter(|item| item["source"].is_null()) {
            let dispatch = node.get(&format!("/v1/inbox/{}", item["index"]));
            for shown in dispatch["records"].as_array().unwrap() {
                let root = shown["root"].as_str().unwrap();
                let ways = world.ways(&records[roots[root]]).into_iter().filter(|way| {
                    let groups: Groups = way.groups.iter().copied().collect();
                    let told: BTreeSet<_> =
                        item["groups"].as_array().unwrap().iter().map(|g| g.as_str().unwrap()).collect();
                    let of = item["agreement"] == way.agreement && item["purpose"] == way.purpose && way.to == *via;
                    of && told == groups && shown["record"]["version"].as_u64().unwrap_or(1) == way.version
                });
                came.entry(root.to_owned()).or_default().extend(ways);
            }
        }
        node.witnessed();
        for (to, purpose) in MEMBERS.iter().flat_map(|(to, _, _)| PURPOSES.map(|purpose| (*to, purpose))) {
            let wanted = came.iter().filter(|(root, _)| to != *via && records[roots[*root]].issuer != to);
            let wanted: Vec<&String> = wanted.map(|(root, _)| root).collect();
            if wanted.is_empty() {
                continue;
            }
            let narrow = random.percent(30).then(|| random.pick(&["filing", "item", "route", "sender", "value"]));
            let groups: Vec<&str> = narrow.into_iter().collect();
            let wish = json!({"roots": wanted, "to": to, "purpose": purpose, "groups": groups, "lane": "ordinary"});
            let (status, result) = node.post("/v1/onward", &wish);
            assert_eq!(status, 200, "{result}");
            for (root, outcome) in wanted.into_iter().zip(result["records"].as_array().unwrap()) {
                let may: Vec<Groups> =
                    came[root].iter().flat_map(|way| world.onward(&records[roots[root]], way, to, purpose)).collect();
                let shown: Groups = outcome["groups"].as_array().into_iter().flatten().map(|name| word(name)).collect();
                let right = match (outcome["state"].as_str().unwrap(), narrow) {
                    ("passed", None) => may.contains(&shown),
                    ("passed", Some(group)) => {
                        shown.iter().eq([&group]) && may.iter().any(|groups| groups.contains(group))
                    }
                    ("refused", None) => may.is_empty(),
                    ("refused", Some(group)) => may.iter().all(|groups| !groups.contains(group)),
                    _ => false,
                };
                assert!(right, "{via} passes {root} on to {to} for {purpose}: {outcome}; it may: {may:?}");
                passed.entry(root.clone()).or_default().entry(to).or_default().extend(shown);
            }
        }
    }
    settle(nodes);
    passed
}

/// A group's name that lives as long as the tables.
fn word(name: &Json) -> &'static str {
    let (_, group) = model::declaration(2).group(name.as_str().unwrap()).unwrap();
    group.name
}

/// All that a node's interface tells, of every record too.
fn answers(node: &Daemon, records: &[Record]) -> Vec<String> {
    let mut paths: Vec<String> = PATHS.iter().map(|path| (*path).to_owned()).collect();
    paths.extend(node.inbox().iter().map(|item| format!("/v1/inbox/{}", item["index"])));
    let references = records.iter().map(Record::reference);
    paths.extend(references.map(|reference| format!("/v1/records?reference={reference}")));
    paths.iter().map(|path| node.get_early(path).1).collect()
}
