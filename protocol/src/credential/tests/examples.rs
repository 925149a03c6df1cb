//! RFC 9901, draft-ietf-oauth-sd-jwt-vc, RFC 7638, RFC 8037, RFC 6979.

use serde_json::{Value, json};

use super::{example, key};
use crate::cbor::{Decode as _, Encode as _};
use crate::credential::jws::Jws;
use crate::credential::{Algorithm, AttestKey, AttestPublic, ClaimPath, Demand, KeyBinding, SdJwt, Step, Vc, VcError};
use crate::limits::MAX_CREDENTIAL_DEPTH;

const ISSUER: [&str; 2] =
    ["b28d4MwZMjw8-00CG4xfnn9SLMVMM19SlqZpVb_uNtQ", "Xv5zWwuoaTgdS6hV43yI6gBwTnjukmFQQnJ_kCxzqk8"];
const EXAMPLE: [&str; 1] = ["example+sd-jwt"];

fn public(value: Value) -> AttestPublic {
    AttestPublic::from_jwk(value.as_object().unwrap()).unwrap()
}

fn issuer() -> AttestPublic {
    public(json!({ "kty": "EC", "crv": "P-256", "x": ISSUER[0], "y": ISSUER[1] }))
}

fn demand(now: u64) -> KeyBinding<'static> {
    KeyBinding::Demanded(Demand { audience: "https://verifier.example.org", nonce: "1234567890", now, max_age: 600 })
}

#[test]
fn the_structured_example_of_rfc_9901_opens_and_is_presented_as_there() {
    let issued = SdJwt::parse(example("structured_issued")).unwrap();
    let all = issued.verify(&EXAMPLE, &issuer(), KeyBinding::None).unwrap();
    assert_eq!(all.claims()["address"]["locality"], "Anytown");
    assert_eq!(all.claims()["nationalities"], json!(["US", "DE"]));
    assert_eq!((all.claims().len(), all.disclosed().count()), (14, 10));

    let presented = SdJwt::parse(example("structured_presented")).unwrap();
    let shown = presented.verify(&EXAMPLE, &issuer(), demand(1_748_537_300)).unwrap();
    let cnf = all.claims()["cnf"].clone();
    let expected = json!({
        "iss": "https://issuer.example.com", "iat": 1_683_000_000, "exp": 1_883_000_000, "sub": "user_42", "cnf": cnf,
        "given_name": "John", "family_name": "Doe", "nationalities": ["US"],
        "address": { "street_address": "123 Main St", "locality": "Anytown", "region": "Anystate", "country": "US" },
    });
    assert_eq!(Value::from(shown.into_claims()), expected);

    let paths = ["given_name", "family_name", "address"].map(|name| ClaimPath::names(&[name]));
    let us = ClaimPath::new(vec![Step::Name("nationalities".to_owned()), Step::At(0)]);
    let ours = issued.present(&[&paths[..], &[us]].concat()).unwrap();
    let texts = |of: &SdJwt| -> std::collections::BTreeSet<String> {
        of.disclosures().iter().map(|one| one.as_str().to_owned()).collect()
    };
    assert_eq!(texts(&ours), texts(&presented));
}

#[test]
fn a_key_binding_is_held_to_audience_nonce_time_and_disclosures() {
    let text = example("structured_presented");
    let presented = SdJwt::parse(text).unwrap();
    let (unbound, _) = text.rsplit_once('~').unwrap();
    assert_eq!(presented.without_binding(), SdJwt::parse(&format!("{unbound}~")).unwrap());
    let refused = |presented: &SdJwt, binding| presented.verify(&EXAMPLE, &issuer(), binding).unwrap_err().to_string();
    let with = |audience, nonce, now| KeyBinding::Demanded(Demand { audience, nonce, now, max_age: 600 });
    let (right, now) = ("https://verifier.example.org", 1_748_537_244);
    assert!(refused(&presented, with("https://other.example", "1234567890", now)).contains("another audience"));
    assert!(refused(&presented, with(right, "1", now)).contains("another nonce"));
    assert!(refused(&presented, demand(now + 601)).contains("too old"));
    assert!(refused(&presented, demand(now - 61)).contains("in the future"));
    assert!(refused(&presented, KeyBinding::None).contains("not asked for"));
    let issued = SdJwt::parse(example("structured_issued")).unwrap();
    assert!(refused(&issued, demand(now)).contains("there is none"));
    // One disclosure less.
    let mut parts: Vec<&str> = text.split('~').collect();
    parts.remove(1);
    let less = SdJwt::parse(&parts.join("~")).unwrap();
    assert!(refused(&less, demand(now)).contains("other disclosures"));
}

#[test]
fn decoys_are_passed_over_and_nested_claims_open() {
    let presented = SdJwt::parse(example("decoys_presented")).unwrap();
    let shown = presented.verify(&EXAMPLE, &issuer(), KeyBinding::None).unwrap();
    let expected = json!({
        "iss": "https://issuer.example.com", "iat": 1_683_000_000, "exp": 1_883_000_000,
        "address": { "region": "港区", "country": "JP" },
    });
    assert_eq!(Value::from(shown.into_claims()), expected);
}

#[test]
fn the_recursive_example_opens_as_a_credential() {
    let presented = SdJwt::parse(example("pid_presented")).unwrap();
    let vc = Vc::verify(&presented, &issuer(), 1_748_537_300, demand(1_748_537_300)).unwrap();
    assert_eq!((&*vc.vct, vc.iss.as_deref()), ("urn:eudi:pid:de:1", Some("https://pid-issuer.bund.de.example")));
    let expected = json!({ "age_equal_or_over": { "18": true }, "nationalities": ["DE"] });
    assert_eq!(Value::from(vc.claims), expected);
    assert!(matches!(
        Vc::verify(&presented, &issuer(), 1_883_000_060, demand(1_748_537_300)),
        Err(VcError::Time { until: 1_883_000_000, .. })
    ));
    // What stands inside of what is disclosed comes with it; with what it stands in, when it is named itself.
    let issued = SdJwt::parse(example("pid_issued")).unwrap();
    let count = |path: &[&str]| issued.present(&[ClaimPath::names(path)]).unwrap().disclosures().len();
    assert_eq!((count(&["age_equal_or_over"]), count(&["age_equal_or_over", "18"]), count(&["sex"])), (7, 2, 1));
    assert!(issued.present(&[ClaimPath::names(&["age_equal_or_over", "19"])]).is_err());
}

#[test]
fn the_example_of_sd_jwt_vc_verifies() {
    let presented = SdJwt::parse(example("vc_presented")).unwrap();
    let demand =
        Demand { audience: "https://example.com/verifier", nonce: "1234567890", now: 1_733_230_200, max_age: 600 };
    let vc = Vc::verify(&presented, &issuer(), 1_733_230_200, KeyBinding::Demanded(demand)).unwrap();
    assert_eq!(vc.vct, "https://credentials.example.com/identity_credential");
    assert_eq!((vc.claims.len(), &vc.claims["is_over_65"]), (2, &json!(true)));
    assert_eq!(presented.header().unwrap().kid.as_deref(), Some("doc-signer-05-25-2022"));
}

#[test]
fn thumbprints_and_signatures_are_those_of_the_rfcs() {
    // RFC 8037 appendix A.1 to A.4.
    let okp = public(json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }));
    assert_eq!(okp.thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    let token = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWb\
        hijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let signature: [u8; 64] = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, signature)
        .unwrap()
        .try_into()
        .unwrap();
    assert_eq!(okp.verify(signed.as_bytes(), &signature), Ok(()));
    assert!(okp.verify(b"other", &signature).is_err());

    // RFC 6979 appendix A.2.5: P-256, SHA-256, "sample".
    let hex = |text: &str| -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    };
    let seed = hex("C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721").try_into().unwrap();
    let signature = AttestKey::from_seed(Algorithm::Es256, &seed).unwrap().sign(b"sample");
    let r = "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716";
    let s = "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8";
    assert_eq!(signature.to_vec(), [hex(r), hex(s)].concat());
}

#[test]
fn keys_that_are_none_are_refused() {
    let read = |value: Value| AttestPublic::from_jwk(value.as_object().unwrap());
    let [x, y] = ISSUER;
    assert!(read(json!({ "kty": "EC", "crv": "P-256", "x": x, "y": x })).is_err(), "not on the curve");
    assert!(read(json!({ "kty": "EC", "crv": "P-384", "x": x, "y": y })).is_err());
    assert!(read(json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y, "d": x })).is_err());
    assert!(read(json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y, "alg": "EdDSA" })).is_err());
    assert!(read(json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y, "use": "enc" })).is_err());
    // A point of small order.
    let weak = "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    assert!(read(json!({ "kty": "OKP", "crv": "Ed25519", "x": weak })).is_err());
    assert!(AttestKey::from_seed(Algorithm::Es256, &[0; 32]).is_err());
    for algorithm in Algorithm::ALL {
        let key = key(algorithm, 9);
        assert_eq!(AttestPublic::parse(&key.public().to_string()), Ok(*key.public()));
        assert_eq!(AttestPublic::from_jwk(&key.public().jwk()), Ok(*key.public()));
        assert_eq!(AttestKey::parse(&key.to_text()).unwrap().public(), key.public());
        assert_eq!(AttestPublic::from_cbor(&key.public().to_cbor()), Ok(*key.public()));
    }
}

#[test]
fn headers_that_are_not_taken_are_refused_by_name() {
    let encode = |text: &str| base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, text);
    let refused = |header: &str| {
        let signed = format!("{}.{}", encode(header), encode("{}"));
        let signature = key(Algorithm::Es256, 1).sign(signed.as_bytes());
        let signature = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, signature);
        let token = format!("{signed}.{signature}");
        let verified = Jws::parse(&token, 4096, MAX_CREDENTIAL_DEPTH)
            .and_then(|jws| jws.verify(&["a+jwt"], key(Algorithm::Es256, 1).public()));
        verified.err().map(|error| error.to_string())
    };
    assert_eq!(refused(r#"{"alg":"ES256","typ":"a+jwt","x5u":"https://a.example","jwk":{}}"#), None);
    for (header, why) in [
        (r#"{"alg":"none","typ":"a+jwt"}"#, "signed with 'none'"),
        (r#"{"alg":"HS256","typ":"a+jwt"}"#, "signed with 'HS256'"),
        (r#"{"alg":"EdDSA","typ":"a+jwt"}"#, "signed with 'EdDSA'"),
        (r#"{"alg":"ES256","typ":"b+jwt"}"#, "type is 'b+jwt'; expected a+jwt"),
        (r#"{"alg":"ES256"}"#, "type is ''"),
        (r#"{"typ":"a+jwt"}"#, "'alg' is refused: it is missing"),
        (r#"{"alg":"ES256","typ":"a+jwt","crit":["exp"]}"#, "'crit' is refused"),
        (r#"{"alg":"ES256","typ":"a+jwt","b64":false}"#, "'b64' is refused"),
        (r#"{"alg":"ES256","alg":"none","typ":"a+jwt"}"#, "'alg' stands there twice"),
        (r#"{"alg":"ES256","typ":1}"#, "'typ' is refused: it is no text"),
    ] {
        let found = refused(header).unwrap();
        assert!(found.contains(why), "{header}: {found}");
    }
}
