//! What a verifier sees of what is wrong.

use super::*;
use crate::log::testing::Server;

fn presented() -> Place {
    let place = Place::new(&[]);
    place.issue(NOW, "credential", &[]).unwrap();
    place.publish(NOW);
    place.present(NOW, "credential", "legal_name", "n-1", "presented").unwrap();
    place
}

#[test]
fn key_bindings_are_for_one_verifier_and_one_question() {
    let place = presented();
    let verify = |now, aud, nonce| place.verify(now, "presented", &["--aud", aud, "--nonce", nonce]);
    assert!(failed(&verify(NOW, "shop.example", "n-1")).is_empty());
    for (now, aud, nonce, words) in [
        (NOW, "other.example", "n-1", "it is meant for another audience"),
        (NOW, "shop.example", "n-2", "it answers another nonce"),
        (NOW + 301, "shop.example", "n-1", "it is too old"),
    ] {
        let found = verify(now, aud, nonce);
        assert_eq!(failed(&found), ["key binding"], "{found}");
        assert!(detail(&found, "key binding").contains(words), "{found}");
    }
    // The same nonce a second time cannot be seen here, and that is said.
    let again = verify(NOW + 1, "shop.example", "n-1");
    assert!(failed(&again).is_empty() && detail(&again, "key binding").contains("is yours to see to"), "{again}");
    assert_eq!(again["not_judged"][1], "whether the nonce was used before");
    // One that was not asked for, none where one is, and another holder's key.
    assert_eq!(failed(&place.verify(NOW, "presented", &[])), ["key binding"]);
    assert_eq!(failed(&place.verify(NOW, "credential", &["--aud", "shop.example", "--nonce", "n-1"])), ["key binding"]);
    at(NOW, &["keygen", "--holder", &place.text("other.key")]).unwrap();
    let present = |key: &str, more: &[&str]| {
        let (file, key) = (place.text("credential"), place.text(key));
        let args = [&["present", &file, "--key", &key, "--aud", "a", "--nonce"][..], more].concat();
        at(NOW, &args).unwrap_err()
    };
    assert!(present("other.key", &["n"]).1.contains("the credential names another holder's key"));
    assert!(present("other.key.jwk", &["n"]).1.contains("no secret key of attestations"));
    assert!(present("holder.key", &["n", "--disclose", "shoe_size"]).1.contains("there is no claim shoe_size"));
    assert_eq!(present("holder.key", &["n", "--disclose", "roles[2]"]).0, Exit::Refused);
    assert_eq!(present("holder.key", &["", "--disclose", "roles"]).0, Exit::Usage);
}

#[test]
fn every_changed_byte_is_seen() {
    let place = presented();
    let whole = fs::read(place.path("presented")).unwrap();
    let text = std::str::from_utf8(&whole).unwrap().trim_end().to_owned();
    let args = ["--aud", "shop.example", "--nonce", "n-1"];
    // One in seven, which meets every part.
    for at_byte in (0..text.len()).step_by(7) {
        let mut bytes = text.clone().into_bytes();
        bytes[at_byte] = if bytes[at_byte] == b'A' { b'B' } else { b'A' };
        fs::write(place.path("damaged"), &bytes).unwrap();
        let file = place.text("damaged");
        let issuer = place.text("issuer/issuer.jwk");
        let AttestCommand::Verify(of) =
            command(&[&["verify", &file, "--issuer", &issuer, "--no-status"][..], &args[..]].concat())
        else {
            panic!()
        };
        // Refused as no credential at all, or a check fails; never a panic and never ok.
        assert!(verify::verify(&of, NOW).map_or(true, |found| !found.holds()), "byte {at_byte}");
    }
    // Another issuer's signature, and another's name for it.
    let other = Place::new(&[]);
    other.publish(NOW);
    let metadata = other.text("www/.well-known/jwt-vc-issuer/aeo");
    let found = |issuer: &str| {
        let file = place.text("credential");
        let AttestCommand::Verify(of) = command(&["verify", &file, "--issuer", issuer, "--no-status"]) else {
            panic!()
        };
        verify::verify(&of, NOW).unwrap().object()
    };
    assert_eq!(failed(&found(&metadata)), ["signature"]);
    let own = fs::read_to_string(place.path("www/.well-known/jwt-vc-issuer/aeo")).unwrap();
    fs::write(place.path("renamed"), own.replace("customs.example", "elsewhere.example")).unwrap();
    assert_eq!(failed(&found(&place.text("renamed"))), ["issuer"]);
    // By a bare key the name is nobody's word, and without list nothing is said of revocation.
    let bare = found(&place.text("issuer/issuer.jwk"));
    let outcome = |check: &str| {
        bare["checks"].as_array().unwrap().iter().find(|of| of["check"] == check).unwrap()["outcome"].clone()
    };
    assert!(failed(&bare).is_empty() && outcome("issuer") == "not_done" && outcome("status") == "not_done", "{bare}");
    let own: Value = serde_json::from_str(&own).unwrap();
    let mut two = own.clone();
    let strange: Value = serde_json::from_str(&fs::read_to_string(&metadata).unwrap()).unwrap();
    two["jwks"]["keys"].as_array_mut().unwrap().insert(0, strange["jwks"]["keys"][0].clone());
    fs::write(place.path("two"), two.to_string()).unwrap();
    assert!(failed(&found(&place.text("two"))).is_empty());
}

#[test]
fn lists_are_fresh_and_the_right_ones() {
    let place = presented();
    let stale = place.verify(NOW + 901, "credential", &[]);
    assert!(failed(&stale) == ["status"] && detail(&stale, "status").starts_with("stale"), "{stale}");
    assert!(failed(&place.verify(NOW + 900, "credential", &[])).is_empty());
    let over = place.verify(NOW + DAY + 60, "credential", &[]);
    assert!(
        failed(&over) == ["status"] && detail(&over, "status").contains("holds until 2026-11-27T10:00:00Z"),
        "{over}"
    );
    // As of before the list was made, it says nothing.
    assert_eq!(failed(&place.verify(NOW - 61, "credential", &[])), ["time", "status"]);
    // Over HTTP, from what was published.
    let server = Server::of(place.path("www"));
    let by_url = |path: &str| place.verify(NOW, "credential", &["--status", &format!("{}{path}", server.url)]);
    let found = by_url("/log/aeo/status/1");
    assert!(failed(&found).is_empty(), "{found}");
    let found = by_url("/log/aeo/status/2");
    assert!(failed(&found) == ["status"] && detail(&found, "status").contains("there is no list at"), "{found}");
    assert!(failed(&by_url("/log/.well-known/jwt-vc-issuer/aeo")) == ["status"]);
    let (file, issuer) = (place.text("credential"), place.text("issuer/issuer.jwk"));
    let verify = |status: &str| at(NOW, &["verify", &file, "--issuer", &issuer, "--status", status]);
    let (exit, said) = verify("https://customs.example/aeo/status/1").unwrap_err();
    assert!(exit == Exit::Usage && said.contains("TLS is not spoken here"), "{said}");
    drop(server);
    assert_eq!(verify("http://127.0.0.1:1/status/1").unwrap_err().0, Exit::Unreachable);
    assert_eq!(verify(&place.text("www/aeo/status/1")), Ok(Exit::Ok));
    // Of another issuer with the same URI.
    let other = Place::new(&[]);
    other.publish(NOW);
    assert_eq!(failed(&place.verify(NOW, "credential", &["--status", &other.text("www/aeo/status/1")])), ["status"]);
}

#[test]
fn what_is_shown_is_said_to_be_unverified() {
    let place = presented();
    for file in ["credential", "presented"] {
        assert_eq!(at(NOW + 8 * DAY, &["show", &place.text(file)]), Ok(Exit::Ok));
    }
    let credential = super::super::present::read(&place.path("presented")).unwrap();
    let processed = credential.unverified_claims().unwrap();
    let disclosed: Vec<String> = processed.disclosed().map(ToString::to_string).collect();
    assert_eq!(disclosed, ["legal_name"]);
    fs::write(place.path("none"), "no credential").unwrap();
    refused(NOW, &["show", &place.text("none")], Exit::Refused, "there is no '~'");
    fs::write(place.path("long"), vec![b'a'; 70_000]).unwrap();
    refused(NOW, &["show", &place.text("long")], Exit::Failed, "larger than");
}
