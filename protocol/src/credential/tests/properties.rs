//! Any claims, any choice of what is disclosed, any damage.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Map, Value, json};

use super::{key, salts};
use crate::credential::sdjwt::Plan;
use crate::credential::{Algorithm, ClaimPath, Demand, KeyBinding, SdJwt, SdJwtError, Step, jws};

const TYPE: &str = "example+sd-jwt";

fn tree() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[ -~äß道]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-c.~\"]{1,2}", inner, 0..4)
                .prop_filter("reserved", |map| !map.contains_key("..."))
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn claims() -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::btree_map("[a-h]{1,3}", tree(), 1..5).prop_map(|map| map.into_iter().collect())
}

/// Every place below the top.
fn places(value: &Value, path: &[Step], found: &mut Vec<ClaimPath>) {
    let children: Vec<(Step, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(name, value)| (Step::Name(name.clone()), value)).collect(),
        Value::Array(array) => array.iter().enumerate().map(|(at, value)| (Step::At(at), value)).collect(),
        _ => Vec::new(),
    };
    for (step, value) in children {
        let place = [path, &[step]].concat();
        found.push(ClaimPath::new(place.clone()));
        places(value, &place, found);
    }
}

/// What is seen when of the hidden places only those in `open` are disclosed: written apart from how it is done.
fn seen(value: &Value, path: &[Step], hidden: &BTreeSet<ClaimPath>, open: &BTreeSet<ClaimPath>) -> Value {
    let shown = |step: Step| {
        let place = ClaimPath::new([path, &[step]].concat());
        (!hidden.contains(&place) || open.contains(&place)).then_some(place)
    };
    match value {
        Value::Object(map) => map
            .iter()
            .filter_map(|(name, value)| {
                let place = shown(Step::Name(name.clone()))?;
                Some((name.clone(), seen(value, place.steps(), hidden, open)))
            })
            .collect(),
        Value::Array(array) => array
            .iter()
            .enumerate()
            .filter_map(|(at, value)| Some(seen(value, shown(Step::At(at))?.steps(), hidden, open)))
            .collect(),
        scalar => scalar.clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn what_is_presented_is_seen_and_nothing_else(
        claims in claims(), hide in any::<u64>(), show in any::<u64>(), decoys in 0usize..3, ed in any::<bool>(),
    ) {
        let key = key(if ed { Algorithm::EdDsa } else { Algorithm::Es256 }, 3);
        let whole = Value::Object(claims.clone());
        let mut all = Vec::new();
        places(&whole, &[], &mut all);
        let hidden: BTreeSet<ClaimPath> =
            all.iter().enumerate().filter(|(at, _)| hide >> (at % 64) & 1 == 1).map(|(_, place)| place.clone()).collect();
        let selective: Vec<ClaimPath> = hidden.iter().cloned().collect();
        let first = ClaimPath::names(&[claims.keys().next().unwrap()]);
        let nested = whole[claims.keys().next().unwrap()].is_object() || whole[claims.keys().next().unwrap()].is_array();
        let mut spots = vec![(ClaimPath::default(), decoys)];
        if nested {
            spots.push((first, decoys));
        }
        let plan = Plan::new(claims, &selective, &spots).unwrap();
        prop_assert_eq!(plan.salts(), hidden.len() + spots.len() * decoys);
        let issued = plan.issue(TYPE, &salts(plan.salts()), &key).unwrap();
        let issued = SdJwt::parse(&issued.to_string()).unwrap();
        let found = issued.verify(&[TYPE], key.public(), KeyBinding::None).unwrap();
        prop_assert_eq!(Value::from(found.claims().clone()), whole.clone());
        prop_assert_eq!(found.disclosed().cloned().collect::<BTreeSet<_>>(), hidden.clone());

        let wanted: Vec<ClaimPath> =
            all.iter().enumerate().filter(|(at, _)| show >> (at % 64) & 1 == 1).map(|(_, place)| place.clone()).collect();
        // What they stand in, and what stands in them.
        let open: BTreeSet<ClaimPath> = hidden.iter().filter(|place| {
            wanted.iter().any(|path| path.steps().starts_with(place.steps()) || place.steps().starts_with(path.steps()))
        }).cloned().collect();
        let presented = issued.present(&wanted).unwrap();
        let found = presented.verify(&[TYPE], key.public(), KeyBinding::None).unwrap();
        prop_assert_eq!(Value::from(found.claims().clone()), seen(&whole, &[], &hidden, &open));
        prop_assert_eq!(presented.disclosures().len(), open.len());
    }

    #[test]
    fn any_text_is_no_panic(text in "[A-Za-z0-9_.~-]{0,300}", bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        let encoded = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, &bytes);
        for text in [text.clone(), format!("{encoded}.{encoded}.{text}~{encoded}~"), format!("{text}~{encoded}~{text}")] {
            if let Ok(parsed) = SdJwt::parse(&text) {
                prop_assert!(parsed.verify(&[TYPE], key(Algorithm::Es256, 3).public(), KeyBinding::None).is_err());
                prop_assert!(parsed.header().is_err() || parsed.present(&[]).is_ok() || parsed.present(&[]).is_err());
            }
        }
    }

    #[test]
    fn any_signed_payload_and_disclosures_are_no_panic(payload in tree(), digests in any::<u8>(), disclosure in tree()) {
        let key = key(Algorithm::EdDsa, 3);
        let text = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, disclosure.to_string());
        let digest = super::super::sdjwt::Disclosure::new("salt", None, Value::Null).digest();
        let payload = json!({ "_sd": [digest, digests.to_string()], "a": payload, "b": [{ "...": digests.to_string() }] });
        let jwt = jws::sign(TYPE, payload.as_object().unwrap(), &key);
        if let Ok(parsed) = SdJwt::parse(&format!("{jwt}~{text}~")) {
            prop_assert!(parsed.verify(&[TYPE], key.public(), KeyBinding::None).is_err());
        }
    }

    #[test]
    fn each_damaged_byte_is_refused(at: Index, bit in 0u8..7, ed in any::<bool>()) {
        let algorithm = if ed { Algorithm::EdDsa } else { Algorithm::Es256 };
        let (issuer, holder) = (key(algorithm, 3), key(algorithm, 4));
        let claims = json!({ "a": "x", "b": ["y", "z"], "cnf": { "jwk": holder.public().jwk() } });
        let selective = [ClaimPath::names(&["a"]), ClaimPath::new(vec![Step::Name("b".to_owned()), Step::Every])];
        let plan = Plan::new(claims.as_object().unwrap().clone(), &selective, &[]).unwrap();
        let bound = plan.issue(TYPE, &salts(3), &issuer).unwrap().bind("v", "n", 100, &holder).unwrap().to_string();
        let demand = KeyBinding::Demanded(Demand { audience: "v", nonce: "n", now: 110, max_age: 60 });
        let verify = |text: &str| SdJwt::parse(text).and_then(|it| it.verify(&[TYPE], issuer.public(), demand));
        prop_assert!(verify(&bound).is_ok());
        let mut bytes = bound.into_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        if let Ok(damaged) = String::from_utf8(bytes) {
            prop_assert!(verify(&damaged).is_err(), "byte {at}");
        }
    }
}

/// Signs what no issuer of ours would.
fn forged(payload: Value, disclosures: &[Value]) -> Result<Map<String, Value>, SdJwtError> {
    let key = key(Algorithm::EdDsa, 3);
    let encode =
        |value: &Value| base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, value.to_string());
    let texts: Vec<String> = disclosures.iter().map(encode).collect();
    let mut payload = payload.to_string();
    for (at, text) in texts.iter().enumerate() {
        payload = payload.replace(&format!("#{at}"), &super::super::sdjwt::digest(text));
    }
    let payload: Value = serde_json::from_str(&payload).unwrap();
    let jwt = jws::sign(TYPE, payload.as_object().unwrap(), &key);
    let parsed = SdJwt::parse(&format!("{jwt}~{}", texts.iter().map(|text| format!("{text}~")).collect::<String>()))?;
    Ok(parsed.verify(&[TYPE], key.public(), KeyBinding::None)?.into_claims())
}

#[test]
fn each_rule_of_section_7_refuses_by_name() {
    assert!(forged(json!({ "_sd": ["#0"], "b": [{ "...": "#1" }] }), &[json!(["s", "a", 1]), json!(["s", 2])]).is_ok());
    let deep = (0..12).fold(json!(1), |inner, _| json!([inner]));
    for (payload, disclosures, why) in [
        (json!({ "_sd": ["#0"] }), vec![json!(["s", "a", 1]), json!(["s", "b", 1])], "disclosure 2 is not referred to"),
        (json!({ "_sd": ["#0", "#0"] }), vec![json!(["s", "a", 1])], "stands there twice"),
        (json!({ "_sd": ["x"], "a": { "_sd": ["x"] } }), vec![], "the digest x stands there twice"),
        (
            json!({ "_sd": ["#0"], "b": [{ "...": "#0" }] }),
            vec![json!(["s", "a", 1])],
            "a claim is disclosed as an element",
        ),
        (
            json!({ "_sd": ["#0"] }),
            vec![json!(["s", "a", 1]), json!(["s", "a", 1])],
            "disclosure 2 is refused: it is there twice",
        ),
        (json!({ "_sd": ["#0"] }), vec![json!(["s", "_sd", 1])], "'_sd' is no name"),
        (json!({ "_sd": ["#0"] }), vec![json!(["s", "...", 1])], "'...' is no name"),
        (json!({ "_sd": ["#0"], "a": 2 }), vec![json!(["s", "a", 1])], "at 'a': the claim is there already"),
        (
            json!({ "_sd": ["#0", "#1"] }),
            vec![json!(["s", "a", 1]), json!(["t", "a", 1])],
            "at 'a': the claim is there already",
        ),
        (json!({ "_sd": ["#0"] }), vec![json!(["s", 1])], "an element of an array is disclosed as a claim"),
        (json!({ "b": [{ "...": "#0" }] }), vec![json!(["s", "a", 1])], "a claim is disclosed as an element"),
        (json!({ "_sd": "#0" }), vec![json!(["s", "a", 1])], "'_sd' is no array"),
        (json!({ "_sd": [1] }), vec![], "a digest is no text"),
        (json!({ "b": [{ "...": 1 }] }), vec![], "a digest is no text"),
        (json!({ "b": [{ "...": "x", "c": 1 }] }), vec![], "at 'b[0]': '...' stands beside"),
        (json!({ "b": { "...": "x" } }), vec![], "at 'b': '...' stands"),
        (json!({ "_sd_alg": "sha-512" }), vec![], "only sha-256"),
        (json!({ "a": { "_sd_alg": "sha-256" } }), vec![], "at 'a': '_sd_alg'"),
        (json!({}), vec![json!(["s", "a", 1, 2])], "it is not salt, name and value"),
        (json!({}), vec![json!([1, "a", 1])], "it is not salt, name and value"),
        (json!({}), vec![json!("a")], "it is no array"),
        (json!({ "_sd": ["#0"] }), vec![json!(["s", "a", deep])], "too many values inside one another"),
        (json!({ "a": deep }), vec![], "too many values inside one another"),
    ] {
        let error = forged(payload.clone(), &disclosures).unwrap_err().to_string();
        assert!(error.contains(why), "{payload}: {error}");
    }
    let many: Vec<String> = (0..1_025).map(|n| n.to_string()).collect();
    assert!(matches!(forged(json!({ "_sd": many }), &[]), Err(SdJwtError::Size { what: "digests", .. })));
    let many: Vec<Value> = (0..257).map(|n| json!(["s", n])).collect();
    assert!(matches!(forged(json!({}), &many), Err(SdJwtError::Size { what: "disclosures", .. })));
}

#[test]
fn what_cannot_be_issued_is_refused_before() {
    let plan = |claims: Value, selective: &[&[&str]]| {
        let paths: Vec<ClaimPath> = selective.iter().map(|names| ClaimPath::names(names)).collect();
        Plan::new(claims.as_object().unwrap().clone(), &paths, &[])
    };
    assert!(plan(json!({ "a": { "_sd": 1 } }), &[]).is_err());
    assert!(plan(json!({ "a": 1 }), &[&["b"]]).is_err());
    assert!(plan(json!({ "a": 1 }), &[&["a"], &["a"]]).is_err());
    assert!(plan(json!({ "a": 1 }), &[&[]]).is_err());
    let plan = plan(json!({ "a": 1, "b": 2 }), &[&["a"], &["b"]]).unwrap();
    let key = key(Algorithm::Es256, 1);
    let few = plan.issue(TYPE, &[[1; 16], [1; 16]], &key);
    assert_eq!(few, Err(SdJwtError::Salts { needed: 2, found: 1 }));
    let other = plan.issue(TYPE, &salts(2), &key).unwrap().bind("v", "n", 1, &key);
    assert!(other.unwrap_err().to_string().contains("names another holder's key, or none"));
    let path = |value: Value| ClaimPath::from_json(&value);
    assert_eq!(path(json!(["a", 0, null])).unwrap().to_string(), "a[0][]");
    assert!(
        [json!([]), json!(["a", -1]), json!([1.5]), json!("a"), json!([true])].into_iter().all(|it| path(it).is_err())
    );
}
