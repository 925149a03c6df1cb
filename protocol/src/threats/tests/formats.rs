//! STIX there and back, and what is not taken.

use super::*;

#[test]
fn an_indicator_goes_to_stix_and_back_whole() {
    let content = record(
        7,
        json!({
            "goods_sought": [{ "hs": "9503", "words": "toy 'train'", "origin": "CN", "value_from": "1.50", "currency": "EUR" }],
            "routes_sought": [{ "departure": "CN", "destination": "EU" }],
            "parties_sought": [{ "role": "seller", "name": "Example Trading", "id": "X-1" }],
            "numbers_sought": [{ "prefix": "RB" }],
            "mass_sought": { "from_kg": "1", "to_kg": "2.5" },
            "sites": [{ "url": "https://shop.example/a" }],
        }),
        json!({ "revision": 2, "own_reference": id(7) }),
        json!({ "name": "Toys", "text": "From a seizure", "list": "L", "list_id": "5", "supersedes": id(6) }),
    );
    let told = crate::record::content_to_json(&content);
    let [identity, marking, object] = to_stix(&issuer(), &told, NOW).unwrap();
    assert_eq!((&object["created_by_ref"], &object["object_marking_refs"][0]), (&identity["id"], &marking["id"]));
    assert_eq!(marking["extensions"].as_object().unwrap().values().next().unwrap()["tlp_2_0"], "amber");
    assert!(object["created"].as_str() <= object["modified"].as_str());
    assert!(object["pattern"].as_str().unwrap().starts_with("goods (currency='EUR' hs='9503'"), "{object}");
    let back = content_from_json(&from_stix(&object, 30).unwrap()).unwrap();
    assert_eq!(back, content);
    let withdrawn = record(7, json!({}), json!({ "action": "cancellation", "own_reference": id(7) }), json!({}));
    let [_, _, object] = to_stix(&issuer(), &crate::record::content_to_json(&withdrawn), NOW).unwrap();
    assert_eq!(object["revoked"], true);
    assert_eq!(content_from_json(&from_stix(&object, 30).unwrap()).unwrap(), withdrawn);
}

#[test]
fn others_indicators_are_taken_where_they_name_sites_and_refused_by_name_where_not() {
    let object = |pattern: &str| {
        json!({
            "type": "indicator", "spec_version": "2.1", "id": "indicator--33fe3b22-0201-47cf-85d0-97c02164528d",
            "created": "2026-05-08T09:00:00.000Z", "modified": "2026-05-08T09:00:00.000Z", "name": "shop",
            "pattern_type": "stix", "pattern": pattern, "valid_from": "2026-05-08T09:00:00.000000Z",
        })
    };
    let taken =
        from_stix(&object("[url:value = 'https://a.example/x'] OR [domain-name:value='b.example']"), 90).unwrap();
    assert_eq!(taken["sites"], json!([{ "url": "https://a.example/x" }, { "url": "b.example" }]));
    let read = Indicator::read(&issuer(), &content_from_json(&taken).unwrap()).unwrap();
    assert_eq!((read.tlp, read.confidence, read.advice), (Tlp::AmberStrict, 0, Advice::Watch));
    assert_eq!((read.valid_until.0 - read.valid_from.0) / DAY, 90);
    for pattern in
        ["[ipv4-addr:value = '10.0.0.0']", "[url:value = 'a' AND url:value = 'b']", "[url:value LIKE 'a%']", "", "["]
    {
        assert!(matches!(from_stix(&object(pattern), 90), Err(StixError::Pattern(_))), "{pattern}");
    }
    let mut old = object("[url:value = 'a']");
    old["spec_version"] = "2.0".into();
    assert_eq!(from_stix(&old, 90), Err(StixError::Version("2.0".into())));
    let mut marked = object("[url:value = 'a']");
    marked["object_marking_refs"] = json!([
        "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da",
        "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"
    ]);
    assert_eq!(from_stix(&marked, 90).unwrap()["indicator"]["tlp"], "red");
    for gone in ["id", "valid_from", "pattern", "type"] {
        let mut less = object("[url:value = 'a']");
        less.as_object_mut().unwrap().remove(gone);
        assert!(from_stix(&less, 90).is_err(), "{gone}");
    }
}

#[test]
fn bundles_of_other_hands_never_panic() {
    let Some(folder) = crate::testing::shared("bundles_of_other_hands_never_panic", "data/stix") else { return };
    let (mut taken, mut refused) = (0, 0);
    for file in std::fs::read_dir(folder).unwrap() {
        let Ok(text) = std::fs::read_to_string(file.unwrap().path()) else { continue };
        let Ok(bundle) = serde_json::from_str::<Json>(&text) else { continue };
        for object in bundle["objects"].as_array().into_iter().flatten().filter(|object| object["type"] == "indicator")
        {
            match from_stix(object, 90) {
                Ok(_) => taken += 1,
                Err(StixError::Pattern(_)) => refused += 1,
                Err(error) => panic!("{error}"),
            }
        }
    }
    // They are about computer networks: addresses of hosts, hashes of files.
    assert_eq!((taken, refused > 0), (0, true));
}
