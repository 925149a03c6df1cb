//! Issuing: which claims can be disclosed by themselves, their digests and decoys (RFC 9901 section 4.2).

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde_json::{Map, Value, json};

use super::path::{ClaimPath, Step};
use super::{Disclosure, SdJwt, SdJwtError, digest, is_reserved, process};
use crate::credential::jws;
use crate::credential::key::AttestKey;
use crate::limits::{MAX_CREDENTIAL_BYTES, MAX_CREDENTIAL_DEPTH, MAX_CREDENTIAL_DIGESTS, MAX_DISCLOSURES};

/// Claims with what of them can be disclosed by itself, checked: it can be issued.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    claims: Map<String, Value>,
    /// Deepest first, so that what a disclosure holds is digests already.
    work: Vec<Work>,
}

#[derive(Debug, Clone, PartialEq)]
enum Work {
    Hide(ClaimPath),
    Decoy(ClaimPath),
}

impl Plan {
    /// `selective` are the claims and elements that can be disclosed by themselves, also inside of one another; `decoys` are numbers
    /// of digests without meaning in an object or array, which hide how many claims there are. The empty path is the top.
    ///
    /// # Errors
    /// [`SdJwtError`] for names that are reserved, depth, a path to nothing or twice, and too many digests.
    pub fn new(
        claims: Map<String, Value>,
        selective: &[ClaimPath],
        decoys: &[(ClaimPath, usize)],
    ) -> Result<Self, SdJwtError> {
        let claims = Value::Object(claims);
        check(&claims, &ClaimPath::default())?;
        let mut hidden = BTreeSet::new();
        for path in selective {
            let places = process::expand(&claims, path);
            if places.is_empty() || path.steps().is_empty() {
                return Err(SdJwtError::Path(path.to_string()));
            }
            for place in places {
                if !hidden.insert(place.clone()) {
                    return Err(SdJwtError::Path(format!("{place}, which is named twice,")));
                }
            }
        }
        if hidden.len() > MAX_DISCLOSURES {
            return Err(SdJwtError::Size { what: "disclosures", found: hidden.len(), limit: MAX_DISCLOSURES });
        }
        let digests = decoys.iter().fold(hidden.len(), |sum, (_, count)| sum.saturating_add(*count));
        if digests > MAX_CREDENTIAL_DIGESTS {
            return Err(SdJwtError::Size { what: "digests", found: digests, limit: MAX_CREDENTIAL_DIGESTS });
        }
        let mut work: Vec<Work> = hidden.into_iter().map(Work::Hide).collect();
        for (path, count) in decoys {
            let places = process::expand(&claims, path);
            let [place] = places.as_slice() else { return Err(SdJwtError::Path(path.to_string())) };
            if !at(&claims, place).is_some_and(|value| value.is_object() || value.is_array()) {
                return Err(SdJwtError::Path(path.to_string()));
            }
            work.extend(std::iter::repeat_n(Work::Decoy(place.clone()), *count));
        }
        // Decoys are what stands in their place, so as deep as its claims.
        work.sort_by_key(|work| match work {
            Work::Hide(path) => (std::cmp::Reverse(path.steps().len()), 0),
            Work::Decoy(path) => (std::cmp::Reverse(path.steps().len() + 1), 1),
        });
        match claims {
            Value::Object(claims) => Ok(Self { claims, work }),
            _ => Err(SdJwtError::Form("the claims are no object")),
        }
    }

    /// How many salts [`Plan::issue`] needs.
    pub fn salts(&self) -> usize {
        self.work.len()
    }

    /// Signs it. Each disclosure and decoy takes one salt, which must be fresh randomness.
    ///
    /// # Errors
    /// [`SdJwtError::Salts`], and [`SdJwtError::Size`] when what comes out is longer than what is read here.
    pub fn issue(&self, typ: &str, salts: &[[u8; 16]], key: &AttestKey) -> Result<SdJwt, SdJwtError> {
        let different = salts.iter().take(self.work.len()).collect::<BTreeSet<_>>().len();
        if different < self.work.len() {
            return Err(SdJwtError::Salts { needed: self.work.len(), found: different });
        }
        let mut payload = Value::Object(self.claims.clone());
        let mut disclosures = Vec::with_capacity(self.work.len());
        for (work, salt) in self.work.iter().zip(salts) {
            let salt = BASE64.encode(salt);
            match work {
                Work::Hide(path) => disclosures.extend(hide(&mut payload, path, &salt)),
                Work::Decoy(path) => decoy(&mut payload, path, &salt),
            }
        }
        if let (false, Value::Object(map)) = (self.work.is_empty(), &mut payload) {
            map.insert("_sd_alg".to_owned(), Value::from("sha-256"));
        }
        // Their order must not tell which claim is which.
        disclosures.sort_by(|a: &Disclosure, b| a.text.cmp(&b.text));
        let jwt = jws::sign_text(typ, &payload.to_string(), Some(&key.public().thumbprint()), key);
        let issued = SdJwt { jwt, disclosures, binding: None };
        match issued.write_unbound().len() {
            found if found > MAX_CREDENTIAL_BYTES => {
                Err(SdJwtError::Size { what: "bytes", found, limit: MAX_CREDENTIAL_BYTES })
            }
            _ => Ok(issued),
        }
    }
}

fn check(value: &Value, path: &ClaimPath) -> Result<(), SdJwtError> {
    let refuse = |why| Err(SdJwtError::Place { path: path.clone(), why });
    if path.steps().len() >= MAX_CREDENTIAL_DEPTH && (value.is_object() || value.is_array()) {
        return refuse("too many values inside one another");
    }
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                if is_reserved(name) {
                    return refuse("'_sd', '...' and '_sd_alg' are no names of claims");
                }
                check(value, &path.child(Step::Name(name.clone())))?;
            }
        }
        Value::Array(array) => {
            for (at, value) in array.iter().enumerate() {
                check(value, &path.child(Step::At(at)))?;
            }
        }
        _ => {}
    }
    Ok(())
}

fn at<'a>(value: &'a Value, path: &ClaimPath) -> Option<&'a Value> {
    path.steps().iter().try_fold(value, |value, step| match step {
        Step::Name(name) => value.get(name),
        Step::At(at) => value.get(at),
        Step::Every => None,
    })
}

fn at_mut<'a>(value: &'a mut Value, steps: &[Step]) -> Option<&'a mut Value> {
    steps.iter().try_fold(value, |value, step| match step {
        Step::Name(name) => value.get_mut(name),
        Step::At(at) => value.get_mut(at),
        Step::Every => None,
    })
}

/// Takes the claim out of the payload and leaves its digest. The path is one that [`Plan::new`] found.
fn hide(payload: &mut Value, path: &ClaimPath, salt: &str) -> Option<Disclosure> {
    let (last, above) = path.steps().split_last()?;
    match (at_mut(payload, above)?, last) {
        (Value::Object(map), Step::Name(name)) => {
            let disclosure = Disclosure::new(salt, Some(name), map.remove(name)?);
            insert(map, disclosure.digest());
            Some(disclosure)
        }
        (Value::Array(array), Step::At(at)) => {
            let element = array.get_mut(*at)?;
            let disclosure = Disclosure::new(salt, None, element.take());
            *element = json!({ "...": disclosure.digest() });
            Some(disclosure)
        }
        _ => None,
    }
}

fn decoy(payload: &mut Value, path: &ClaimPath, salt: &str) {
    match at_mut(payload, path.steps()) {
        Some(Value::Object(map)) => insert(map, digest(salt)),
        // Behind the elements, whose positions stay.
        Some(Value::Array(array)) => array.push(json!({ "...": digest(salt) })),
        _ => {}
    }
}

/// In order of the digests, which tells nothing of the claims.
fn insert(map: &mut Map<String, Value>, digest: String) {
    let digests = map.entry("_sd").or_insert_with(|| Value::Array(Vec::new()));
    if let Value::Array(digests) = digests {
        let at = digests.partition_point(|other| other.as_str() < Some(&digest));
        digests.insert(at, Value::String(digest));
    }
}
