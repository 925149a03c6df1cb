//! The life of an attestation: issued, presented, suspended, reinstated, renewed, revoked.

use super::*;

const FOR_SHOP: [&str; 4] = ["--aud", "shop.example", "--nonce", "n-1"];

#[test]
fn a_whole_life() {
    for more in [&[][..], &["--eddsa"]] {
        let place = Place::new(more);
        place.issue(NOW, "credential", &[]).unwrap();
        place.publish(NOW);
        let index = place.indexes()[0];
        // As its issuer gave it, and with only what the holder names.
        let whole = place.verify(NOW, "credential", &[]);
        assert!(failed(&whole).is_empty(), "{whole}");
        assert_eq!(whole["credential"]["claims"]["legal_name"], "Beispiel Großhandel GmbH");
        place.present(NOW + 10, "credential", "eori,roles[1]", "n-1", "presented").unwrap();
        let shown = place.verify(NOW + 12, "presented", &FOR_SHOP);
        assert!(failed(&shown).is_empty(), "{shown}");
        let claims = shown["credential"]["claims"].as_object().unwrap();
        assert_eq!((&claims["eori"], &claims["roles"]), (&json!("DE1234567"), &json!(["importer"])));
        assert!(!claims.contains_key("legal_name") && !claims.contains_key("consent"));
        assert!(
            detail(&shown, "status")
                .contains(&format!("number {index} is valid; list of 2026-11-26T10:00:00Z, 12 s old"))
        );
        // Suspended, once it is published; nobody renews it then, and nothing is issued beside it.
        place.change(NOW + 20, "suspend").unwrap();
        assert!(failed(&place.verify(NOW + 21, "credential", &[])).is_empty());
        place.publish(NOW + 22);
        let found = place.verify(NOW + 23, "presented", &FOR_SHOP);
        assert_eq!(failed(&found), ["status"]);
        assert!(detail(&found, "status").contains("is suspended"));
        let (exit, said) = place.renew(NOW + 24, index, "renewed").unwrap_err();
        assert!(exit == Exit::Refused && said.contains("is suspended since 2026-11-26T10:00:20Z"), "{said}");
        let (exit, said) = place.issue(NOW + 24, "another", &[]).unwrap_err();
        assert!(exit == Exit::Refused && said.contains("`luxor attest reinstate` or `revoke` it first"), "{said}");
        assert!(!place.path("renewed").exists() && !place.path("another").exists());
        // Reinstated, and renewed under another number with the same claims.
        place.change(NOW + 30, "reinstate").unwrap();
        place.publish(NOW + 30);
        assert!(failed(&place.verify(NOW + 31, "presented", &FOR_SHOP)).is_empty());
        place.renew(NOW + 6 * DAY, index, "renewed").unwrap();
        place.publish(NOW + 6 * DAY);
        let renewed = place.verify(NOW + 6 * DAY + 60, "renewed", &[]);
        assert!(failed(&renewed).is_empty(), "{renewed}");
        assert_eq!(renewed["credential"]["claims"], whole["credential"]["claims"]);
        // Long after, as of then.
        let (file, issuer, list) =
            (place.text("renewed"), place.text("issuer/issuer.jwk"), place.text("www/aeo/status/1"));
        let late = ["verify", &file, "--issuer", &issuer, "--status", &list];
        assert_eq!(at(NOW + 30 * DAY, &late), Ok(Exit::Findings));
        assert_eq!(at(NOW + 30 * DAY, &[&late[..], &["--at", "2026-12-02T10:01:00Z"]].concat()), Ok(Exit::Ok));
        let indexes = place.indexes();
        assert!(indexes.len() == 2 && indexes[0] != indexes[1]);
        // The first is over after a week, the second is not.
        assert_eq!(failed(&place.verify(NOW + 7 * DAY + 61, "credential", &[])), ["time", "status"]);
        let (exit, said) = place.present(NOW + 7 * DAY, "credential", "", "n-2", "late").unwrap_err();
        assert!(exit == Exit::Refused && said.contains("it held until 2026-12-03T10:00:00Z"), "{said}");
        place.publish(NOW + 7 * DAY);
        assert!(failed(&place.verify(NOW + 7 * DAY, "renewed", &[])).is_empty());
        // Revoked by the number of the first: all that renew it with it, for good.
        let dir = place.text("issuer");
        let by_index = |what| at(NOW + 8 * DAY, &[what, "--dir", &dir, "--index", &index.to_string()]);
        by_index("revoke").unwrap();
        place.publish(NOW + 8 * DAY);
        let found = place.verify(NOW + 8 * DAY, "renewed", &[]);
        assert!(failed(&found) == ["status"] && detail(&found, "status").contains("is revoked"), "{found}");
        let lines = place.register().len();
        assert!(by_index("reinstate").unwrap_err().1.contains("is revoked since 2026-12-04T10:00:00Z, for good"));
        assert!(by_index("suspend").is_err() && place.renew(NOW + 8 * DAY, index, "again").is_err());
        assert_eq!(by_index("revoke"), Ok(Exit::Ok));
        assert_eq!(place.register().len(), lines);
        // Attested anew, the one before stays revoked.
        place.issue(NOW + 8 * DAY, "anew", &[]).unwrap();
        place.change(NOW + 8 * DAY, "reinstate").unwrap();
        place.publish(NOW + 8 * DAY);
        assert!(failed(&place.verify(NOW + 8 * DAY, "anew", &[])).is_empty());
        assert_eq!(failed(&place.verify(NOW + 8 * DAY, "renewed", &[])), ["status"]);
    }
}

#[test]
fn all_types_by_flags_and_what_they_mean() {
    let place = Place::new(&[]);
    let (dir, holder, out) = (place.text("issuer"), place.text("holder.key.jwk"), place.text("c"));
    let issue = |of: &str, claims: &[&str]| {
        let mut args = vec!["issue", "--dir", &dir, "--type", of, "--holder", &holder, "-o", &out];
        claims.iter().for_each(|claim| args.extend(["--claim", claim]));
        at(NOW, &args)
    };
    let seller = ["checks=identity,address", "level=documented", "since=2026-01-05", "incidents=2", "seller=4711"];
    issue("vetted_seller", &[&seller[..], &["legal_name=Example Ltd"]].concat()).unwrap();
    place.publish(NOW);
    let found = place.verify(NOW, "c", &[]);
    assert!(failed(&found).is_empty(), "{found}");
    let says =
        "vetted_seller: a seller, documented on identity, address since 2026-01-05; incidents since: 2; no arrangement";
    assert!(detail(&found, "type").starts_with(says), "{found}");
    let collect = ["territory=EU", "collects=tax", "from=2026-01-01", "until=2026-11-27", "legal_name=Example Ltd"];
    issue("collect", &[&collect[..], &["ioss=IM2760000001"]].concat()).unwrap();
    place.publish(NOW + DAY);
    assert!(failed(&place.verify(NOW + DAY, "c", &[])).is_empty());
    place.publish(NOW + 2 * DAY);
    let found = place.verify(NOW + 2 * DAY, "c", &[]);
    assert!(
        failed(&found) == ["type"] && detail(&found, "type").contains("the mandate ended on 2026-11-27"),
        "{found}"
    );
    // Files of claims are overridden; AEOC gives nothing abroad.
    place.issue(NOW, "c", &["--claim", "national_type=AEOC", "--claim", "standing=suspended"]).unwrap();
    place.publish(NOW);
    let found = place.verify(NOW, "c", &[]);
    let says = detail(&found, "type");
    assert!(says.contains("is suspended since 2025-11-26") && says.contains("covers no security"), "{says}");
    // Wrong claims, each by its name; the register has nothing of them.
    let lines = place.register().len();
    let more = |claim: &'static str| place.issue(NOW, "wrong", &["--claim", claim]).unwrap_err();
    for (claim, words) in [
        ("eori=x", "the claim 'eori': 'x' has not the form"),
        ("tin=1", "one of tin and eori is needed, and not both"),
        ("country=Germany", "the claim 'country'"),
        ("standing=fine", "unknown variant `fine`"),
        ("standing_since=yesterday", "the claim 'standing_since': 'yesterday' is not a day"),
        ("roles=exporter,exporter", "the claim 'roles': a word stands there twice"),
        ("colour=red", "unknown field `colour`"),
        ("national_type=Gold", "the claim 'covers_security'"),
        ("covers_security=maybe", "invalid type: string \"maybe\""),
        ("legal_name= ", "the claim 'legal_name': ' ' is no text of one line"),
    ] {
        let (exit, said) = more(claim);
        assert!(exit == Exit::Refused && said.contains(words), "{claim}: {said}");
    }
    assert_eq!(more("type=collect").0, Exit::Refused);
    assert_eq!(more("noequals").0, Exit::Usage);
    assert!(
        issue("collect", &[&["until=2025-01-01"][..], &collect[..3], &collect[4..], &["ioss=IM2760000001"]].concat())
            .is_err()
    );
    assert!(
        place.issue(NOW, "wrong", &["--type", "collect"]).unwrap_err().1.contains("the file's claims are of type aeo")
    );
    assert!(place.issue(NOW, "wrong", &["--life", "8d"]).unwrap_err().1.contains("would live 691200 seconds"));
    assert!(place.register().len() == lines && !place.path("wrong").exists());
}

#[test]
fn claims_are_read_from_json_and_toml_alike() {
    let place = Place::new(&[]);
    let (dir, holder, out) = (place.text("issuer"), place.text("holder.key.jwk"), place.text("c"));
    let issue = |name: &str, claims: &str| {
        fs::write(place.path(name), claims).unwrap();
        let file = place.text(name);
        at(NOW, &["issue", "--dir", &dir, "--claims", &file, "--holder", &holder, "-o", &out])
    };
    let json = r#"{"type":"vetted_seller","checks":["identity"],"level":"verified","since":"2026-01-05","incidents":0,"seller":"4711","legal_name":"A"}"#;
    issue("s.json", json).unwrap();
    let toml = "type='vetted_seller'\nchecks=['identity']\nlevel='verified'\nsince=2026-01-05\nincidents=0\nseller='4711'\nlegal_name='A'";
    issue("s.toml", toml).unwrap();
    let lines = place.register();
    assert_eq!(lines[0]["issued"]["claims"], lines[1]["issued"]["claims"]);
    for (name, claims, words) in [
        ("s.json", json.replace("0,", "0.5,"), "invalid type: floating point"),
        ("s.json", json.replace("0,", "-1,"), "invalid value: integer `-1`"),
        (
            "s.json",
            json.replace("\"level\"", "\"since\":\"2026-01-05\",\"level\""),
            "the name 'since' stands there twice",
        ),
        ("s.json", json.replace("vetted_seller", "vetted"), "the claim 'type': "),
        (
            "s.toml",
            toml.replace("incidents=0", "incidents=0.5"),
            "the claim 'incidents' is no text, number, flag or list",
        ),
        ("s.toml", toml.replace("incidents=0\n", ""), "missing field `incidents`"),
        ("s.toml", toml.replace("['identity']", "[]"), "the claim 'checks'"),
    ] {
        let (exit, said) = issue(name, &claims).unwrap_err();
        assert!(exit == Exit::Refused && said.contains(words), "{claims}: {said}");
    }
    assert_eq!(place.register().len(), 2);
}

#[test]
fn what_is_published_is_what_standards_name() {
    let place = Place::new(&[]);
    place.publish(NOW);
    let metadata = fs::read_to_string(place.path("www/.well-known/jwt-vc-issuer/aeo")).unwrap();
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    let key: Value = serde_json::from_str(&fs::read_to_string(place.path("issuer/issuer.jwk")).unwrap()).unwrap();
    assert_eq!(metadata, json!({ "issuer": "https://customs.example/aeo", "jwks": { "keys": [key] } }));
    assert!(key.get("d").is_none() && key["kid"].is_string());
    let dir = place.text("issuer");
    let publish = ["publish", "--dir", &dir, "--to", &place.text("www")];
    let with = |more: &[&'static str]| [&publish[..], more].concat();
    refused(NOW, &with(&["--ttl", "2d"]), Exit::Usage, "a list is kept for 1d");
    refused(NOW, &with(&["--life", "8d"]), Exit::Usage, "holds for 7d at most");
    refused(NOW, &with(&["--life", "1m"]), Exit::Usage, "not kept longer than it holds");
    // Secrets and the register are their owner's only.
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |name: &str| fs::metadata(place.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(
        ["issuer", "issuer/attest.key", "issuer/register.ndjson", "holder.key"].map(mode),
        [0o700, 0o600, 0o600, 0o600]
    );
    assert_eq!(["issuer/lock", "issuer/statuses.json"].map(mode), [0o600, 0o600]);
    // What is there stays.
    refused(NOW, &["keygen", "--dir", &dir, "--issuer", "https://a.example"], Exit::Usage, "is not empty");
    refused(NOW, &["keygen", "--holder", &place.text("holder.key")], Exit::Failed, "holder.key");
    for (issuer, list) in [
        ("https://a.example/", "https://a.example/s"),
        ("https://a.example", "https://a.example"),
        ("https://a.example", "https://a.example/.well-known/s"),
    ] {
        let new = place.text("new");
        let (exit, said) = at(NOW, &["keygen", "--dir", &new, "--issuer", issuer, "--status-list", list]).unwrap_err();
        assert!(exit == Exit::Usage && !place.path("new").exists(), "{said}");
    }
}
