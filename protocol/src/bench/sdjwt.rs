//! SD-JWT (RFC 9901) with EdDSA, to be measured beside our own disclosure: flat claims, each of them a disclosure, SHA-256, compact
//! form.
//!
//! It is written to be fast rather than general, so that a comparison flatters nobody: JSON is read in place, digests are looked up
//! in their order. The checks are those of section 7.1. Not here: key binding, decoys, disclosures inside of others and of array
//! elements; what contains them is refused.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use serde::Deserialize;
use serde::de::{self, MapAccess, Visitor};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// Why an SD-JWT was not made, or not taken.
#[derive(Debug, thiserror::Error)]
pub enum SdJwtError {
    /// Parts are missing, or no base64url.
    #[error("not an SD-JWT in compact form without key binding")]
    Form,
    /// JSON that is not what stands in that place.
    #[error("JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// Another algorithm than EdDSA and SHA-256, or another issuer.
    #[error("another signature algorithm, hash or issuer than expected")]
    Header,
    /// The signature does not hold.
    #[error("the signature does not match")]
    Signature,
    /// A digest that stands there twice.
    #[error("a digest stands there twice")]
    Twice,
    /// A disclosure that the signed part does not name, or that is given twice.
    #[error("a disclosure is not among the signed digests, or given twice")]
    Unknown,
    /// A claim that is there already, or whose name is reserved.
    #[error("a disclosed claim is there already, or has a reserved name")]
    Name,
    /// Digests inside a claim.
    #[error("disclosures inside of claims are not read here")]
    Nested,
    /// Fewer salts than claims.
    #[error("fewer salts than claims")]
    Salts,
}

/// An issued SD-JWT at its holder.
#[derive(Debug, Clone)]
pub struct Issued {
    /// The signed part.
    pub jwt: String,
    /// Its disclosures, in the order of the claims.
    pub disclosures: Vec<String>,
}

/// Characters of a digest in base64url.
const DIGEST: usize = 43;
const HEADER: &str = r#"{"alg":"EdDSA","typ":"luxor+sd-jwt"}"#;

/// Signs claims, each of which can be disclosed by itself. Each takes one fresh salt.
///
/// # Errors
/// [`SdJwtError::Salts`]; JSON fails for nothing that can be made.
pub fn issue(
    issuer: &str,
    claims: &[(&str, Value)],
    salts: &[[u8; 16]],
    key: &SigningKey,
) -> Result<Issued, SdJwtError> {
    if salts.len() < claims.len() {
        return Err(SdJwtError::Salts);
    }
    let mut disclosures = Vec::with_capacity(claims.len());
    let mut digests = Vec::with_capacity(claims.len());
    let mut json = Vec::with_capacity(256);
    for ((name, value), salt) in claims.iter().zip(salts) {
        let mut encoded = [0; 22];
        let length = BASE64.encode_slice(salt, &mut encoded).map_err(|_| SdJwtError::Form)?;
        let salt = std::str::from_utf8(&encoded[..length]).map_err(|_| SdJwtError::Form)?;
        json.clear();
        serde_json::to_writer(&mut json, &(salt, name, value))?;
        let disclosure = BASE64.encode(&json);
        digests.push(digest(&disclosure));
        disclosures.push(disclosure);
    }
    // Their order must not tell which claim is which.
    digests.sort_unstable();
    json.clear();
    json.extend_from_slice(b"{\"iss\":");
    serde_json::to_writer(&mut json, issuer)?;
    json.extend_from_slice(b",\"_sd_alg\":\"sha-256\",\"_sd\":[");
    for (at, digest) in digests.iter().enumerate() {
        json.extend_from_slice(if at == 0 { b"\"" } else { b",\"" });
        json.extend_from_slice(digest);
        json.push(b'"');
    }
    json.extend_from_slice(b"]}");
    let mut jwt = String::with_capacity((HEADER.len() + json.len() + 64) * 4 / 3 + 8);
    BASE64.encode_string(HEADER, &mut jwt);
    jwt.push('.');
    BASE64.encode_string(&json, &mut jwt);
    let signature = key.sign(jwt.as_bytes());
    jwt.push('.');
    BASE64.encode_string(signature.to_bytes(), &mut jwt);
    Ok(Issued { jwt, disclosures })
}

/// What a holder presents: the signed part and these disclosures, by the claims' positions.
pub fn present(issued: &Issued, claims: &[usize]) -> String {
    let shown = || claims.iter().filter_map(|at| issued.disclosures.get(*at));
    let mut text = String::with_capacity(issued.jwt.len() + 1 + shown().map(|one| one.len() + 1).sum::<usize>());
    text.push_str(&issued.jwt);
    text.push('~');
    for disclosure in shown() {
        text.push_str(disclosure);
        text.push('~');
    }
    text
}

/// Checks what was presented and gives its claims: those in clear, then those disclosed.
///
/// # Errors
/// [`SdJwtError`].
pub fn verify(presented: &str, issuer: &str, key: &VerifyingKey) -> Result<Vec<(String, Value)>, SdJwtError> {
    let (jwt, rest) = presented.split_once('~').ok_or(SdJwtError::Form)?;
    let (signed, signature) = jwt.rsplit_once('.').ok_or(SdJwtError::Form)?;
    let (header, payload) = signed.split_once('.').ok_or(SdJwtError::Form)?;
    let decode = |text: &str| BASE64.decode(text).map_err(|_| SdJwtError::Form);
    let header = decode(header)?;
    let header: Header<'_> = serde_json::from_slice(&header)?;
    if header.alg != "EdDSA" {
        return Err(SdJwtError::Header);
    }
    let signature: [u8; 64] = decode(signature)?.try_into().map_err(|_| SdJwtError::Form)?;
    key.verify_strict(signed.as_bytes(), &Signature::from_bytes(&signature)).map_err(|_| SdJwtError::Signature)?;
    let claims = open(&decode(payload)?, rest)?;
    match claims.iter().any(|(name, value)| name == "iss" && value.as_str() == Some(issuer)) {
        true => Ok(claims),
        false => Err(SdJwtError::Header),
    }
}

/// The claims of a signed payload and of disclosures, each followed by `~`.
fn open(payload: &[u8], disclosures: &str) -> Result<Vec<(String, Value)>, SdJwtError> {
    let Payload { mut digests, algorithm, mut claims } = serde_json::from_slice(payload)?;
    if algorithm.is_some_and(|name| name != "sha-256") {
        return Err(SdJwtError::Header);
    }
    // They mostly are in order already.
    digests.sort_unstable();
    if digests.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(SdJwtError::Twice);
    }
    let mut used = vec![false; digests.len()];
    let mut disclosures = disclosures.split('~');
    // What stands behind the last '~' would be a key binding.
    if disclosures.next_back() != Some("") {
        return Err(SdJwtError::Form);
    }
    for disclosure in disclosures {
        let digest = digest(disclosure);
        let at = digests.binary_search_by(|other| other.as_bytes().cmp(&digest)).map_err(|_| SdJwtError::Unknown)?;
        if std::mem::replace(&mut used[at], true) {
            return Err(SdJwtError::Unknown);
        }
        let json = BASE64.decode(disclosure).map_err(|_| SdJwtError::Form)?;
        let Disclosure(_, name, value) = serde_json::from_slice(&json)?;
        if matches!(&*name, "_sd" | "...") || claims.iter().any(|(other, _)| *other == name) {
            return Err(SdJwtError::Name);
        }
        if nested(&value) {
            return Err(SdJwtError::Nested);
        }
        claims.push((name.into_owned(), value));
    }
    Ok(claims)
}

/// SHA-256 of the disclosure's text, in base64url.
fn digest(disclosure: &str) -> [u8; DIGEST] {
    let mut encoded = [0; DIGEST];
    // 32 bytes make 43 characters.
    let _ = BASE64.encode_slice(Sha256::digest(disclosure.as_bytes()), &mut encoded);
    encoded
}

/// Whether a claim holds digests of its own.
fn nested(value: &Value) -> bool {
    match value {
        Value::Object(of) => of.iter().any(|(name, value)| name == "_sd" || name == "..." || nested(value)),
        Value::Array(of) => of.iter().any(nested),
        _ => false,
    }
}

#[derive(Deserialize)]
struct Header<'a> {
    #[serde(borrow)]
    alg: Cow<'a, str>,
}

/// Salt, name, value.
#[derive(Deserialize)]
struct Disclosure<'a>(
    #[serde(borrow)]
    #[allow(dead_code)]
    Cow<'a, str>,
    #[serde(borrow)] Cow<'a, str>,
    Value,
);

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

struct Payload<'a> {
    digests: Vec<&'a str>,
    algorithm: Option<&'a str>,
    claims: Vec<(String, Value)>,
}

impl<'de> Deserialize<'de> for Payload<'de> {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Claims;
        impl<'de> Visitor<'de> for Claims {
            type Value = Payload<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the claims of an SD-JWT")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Payload<'de>, A::Error> {
                let mut payload = Payload { digests: Vec::with_capacity(64), algorithm: None, claims: Vec::new() };
                while let Some(Text(name)) = map.next_key()? {
                    match &*name {
                        "_sd" => payload.digests = map.next_value()?,
                        "_sd_alg" => payload.algorithm = Some(map.next_value()?),
                        "..." => return Err(de::Error::custom("a reserved name")),
                        name if payload.claims.iter().any(|(other, _)| other == name) => {
                            return Err(de::Error::custom("a claim stands there twice"));
                        }
                        name => payload.claims.push((name.to_owned(), map.next_value()?)),
                    }
                }
                Ok(payload)
            }
        }
        deserializer.deserialize_map(Claims)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::sample::Index;
    use serde_json::json;

    /// Section 4.2.1 and 4.2.3.
    #[test]
    fn a_disclosure_has_the_digest_that_the_rfc_gives_it() {
        let text = "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0";
        assert_eq!(&digest(text), b"X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0");
        let json = BASE64.decode(text).unwrap();
        let Disclosure(salt, name, value) = serde_json::from_slice(&json).unwrap();
        assert_eq!((&*salt, &*name, value), ("_26bc4LT-ac6q2KI6cBW5es", "family_name", json!("Möbius")));
    }

    /// Digests of the example in section 5, signed there with ES256, and its disclosures of claims.
    const SIGNED: [&str; 8] = [
        "CrQe7S5kqBAHt-nMYXgc6bdt2SH5aTY1sU_M-PgkjPI",
        "JzYjH4svliH0R3PyEMfeZu6Jt69u5qehZo7F7EPYlSE",
        "PorFbpKuVu6xymJagvkFsFXAbRoc2JGlAUA2BA4o7cI",
        "TGf4oLbgwd5JQaHyKVQZU9UdGE0w5rtDsrZzfUaomLo",
        "XQ_3kPKt1XyX7KANkqVR6yZ2Va5NrPIvPYbyMvRKBMM",
        "XzFrzwscM6Gn6CJDc6vVK8BkMnfG8vOSKfpPIZdAfdE",
        "gbOsI4Edq2x2Kw-w5wPEzakob9hV1cRD0ATN3oQL9JM",
        "jsu9yVulwQQlhFlM_3JlzMaSFzglhQG0DpfayQwLUK4",
    ];
    const DISCLOSURES: &str = "WyIyR0xDNDJzS1F2ZUNmR2ZyeU5STjl3IiwgImdpdmVuX25hbWUiLCAiSm9obiJd~\
        WyJlbHVWNU9nM2dTTklJOEVZbnN4QV9BIiwgImZhbWlseV9uYW1lIiwgIkRvZSJd~\
        WyI2SWo3dE0tYTVpVlBHYm9TNXRtdlZBIiwgImVtYWlsIiwgImpvaG5kb2VAZXhhbXBsZS5jb20iXQ~\
        WyJlSThaV205UW5LUHBOUGVOZW5IZGhRIiwgInBob25lX251bWJlciIsICIrMS0yMDItNTU1LTAxMDEiXQ~\
        WyJRZ19PNjR6cUF4ZTQxMmExMDhpcm9BIiwgInBob25lX251bWJlcl92ZXJpZmllZCIsIHRydWVd~\
        WyJBSngtMDk1VlBycFR0TjRRTU9xUk9BIiwgImFkZHJlc3MiLCB7InN0cmVldF9hZGRyZXNzIjogIjEyMyBNYWluIFN0IiwgImxvY2FsaXR5\
        IjogIkFueXRvd24iLCAicmVnaW9uIjogIkFueXN0YXRlIiwgImNvdW50cnkiOiAiVVMifV0~\
        WyJQYzMzSk0yTGNoY1VfbEhnZ3ZfdWZRIiwgImJpcnRoZGF0ZSIsICIxOTQwLTAxLTAxIl0~\
        WyJHMDJOU3JRZmpGWFE3SW8wOXN5YWpBIiwgInVwZGF0ZWRfYXQiLCAxNTcwMDAwMDAwXQ~";

    #[test]
    fn the_example_of_the_rfc_opens() {
        let payload = json!({ "_sd": SIGNED, "iss": "https://issuer.example.com", "_sd_alg": "sha-256" }).to_string();
        let claims = open(payload.as_bytes(), DISCLOSURES).unwrap();
        let value = |name: &str| claims.iter().find(|(other, _)| other == name).map(|(_, value)| value.clone());
        assert_eq!(claims.len(), 9);
        assert_eq!(value("family_name"), Some(json!("Doe")));
        assert_eq!(value("phone_number_verified"), Some(json!(true)));
        assert_eq!(value("updated_at"), Some(json!(1_570_000_000)));
        assert_eq!(value("address").unwrap()["locality"], "Anytown");
        // Twice, of an array element, in front of a key binding.
        let twice = format!("{DISCLOSURES}{DISCLOSURES}");
        assert!(matches!(open(payload.as_bytes(), &twice), Err(SdJwtError::Unknown)));
        let element = format!("{DISCLOSURES}WyJsa2x4RjVqTVlsR1RQVW92TU5JdkNBIiwgIlVTIl0~");
        assert!(matches!(open(payload.as_bytes(), &element), Err(SdJwtError::Unknown)));
        assert!(matches!(open(payload.as_bytes(), "a~b"), Err(SdJwtError::Form)));
        // A claim that is there in clear, a digest twice, another hash.
        let open = |payload: Value| open(payload.to_string().as_bytes(), DISCLOSURES);
        assert!(matches!(open(json!({ "_sd": SIGNED, "email": "x" })), Err(SdJwtError::Name)));
        assert!(matches!(open(json!({ "_sd": [SIGNED[0], SIGNED[0]] })), Err(SdJwtError::Twice)));
        assert!(matches!(open(json!({ "_sd": SIGNED, "_sd_alg": "md5" })), Err(SdJwtError::Header)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_is_presented_verifies_and_nothing_else_does(
            values in prop::collection::vec("[ -~]{0,20}", 1..12), picks: u16, at: Index, bit in 0u8..7, salt: [u8; 16],
        ) {
            let names: Vec<String> = (0..values.len()).map(|n| format!("claim_{n}")).collect();
            let claims: Vec<(&str, Value)> =
                names.iter().zip(&values).map(|(name, value)| (name.as_str(), json!(value))).collect();
            let salts: Vec<[u8; 16]> = (0..12).map(|n| { let mut salt = salt; salt[0] ^= n; salt }).collect();
            let key = SigningKey::from_bytes(&[5; 32]);
            let issued = issue("issuer", &claims, &salts, &key).unwrap();
            let shown: Vec<usize> = (0..claims.len()).filter(|at| picks >> at & 1 == 1).collect();
            let presented = present(&issued, &shown);
            let found = verify(&presented, "issuer", &key.verifying_key()).unwrap();
            let expected = shown.iter().map(|at| (names[*at].clone(), json!(values[*at])));
            prop_assert_eq!(&found[1..], expected.collect::<Vec<_>>());
            prop_assert!(verify(&presented, "other", &key.verifying_key()).is_err());
            let mut bytes = presented.into_bytes();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            if let Ok(changed) = String::from_utf8(bytes) {
                prop_assert!(verify(&changed, "issuer", &key.verifying_key()).is_err());
            }
        }
    }
}
