//! From the signed payload and the disclosures to the claims (RFC 9901 section 7.1, steps 3 to 5).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::path::{ClaimPath, Step};
use super::{Disclosure, SdJwtError};
use crate::limits::{MAX_CREDENTIAL_DEPTH, MAX_CREDENTIAL_DIGESTS};

/// The claims of an SD-JWT, with those disclosed and without any digests.
#[derive(Debug, Clone, PartialEq)]
pub struct Processed {
    claims: Map<String, Value>,
    /// As `claims`, with elements that are not disclosed at their places.
    positions: Value,
    places: Vec<(usize, ClaimPath)>,
}

impl Processed {
    /// The claims.
    pub fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }

    /// The same, given away.
    pub fn into_claims(self) -> Map<String, Value> {
        self.claims
    }

    /// Where the disclosures stand, with positions as issued.
    pub fn disclosed(&self) -> impl Iterator<Item = &ClaimPath> {
        self.places.iter().map(|(_, path)| path)
    }

    pub(super) fn places(&self) -> &[(usize, ClaimPath)] {
        &self.places
    }

    pub(super) fn leads(&self, path: &ClaimPath) -> bool {
        !expand(&self.positions, path).is_empty()
    }
}

pub(super) fn process(mut payload: Map<String, Value>, disclosures: &[Disclosure]) -> Result<Processed, SdJwtError> {
    match payload.remove("_sd_alg") {
        None => {}
        Some(Value::String(name)) if name == "sha-256" => {}
        Some(other) => return Err(SdJwtError::Hash(other.to_string().chars().take(80).collect())),
    }
    let mut by_digest = BTreeMap::new();
    for (at, disclosure) in disclosures.iter().enumerate() {
        if by_digest.insert(disclosure.digest(), at).is_some() {
            return Err(SdJwtError::Disclosure { number: at + 1, why: "it is there twice".to_owned() });
        }
    }
    let mut walk = Walk { disclosures, by_digest, seen: BTreeSet::new(), places: Vec::new() };
    let positions = walk.object(payload, &ClaimPath::default())?;
    if walk.places.len() < disclosures.len() {
        let used: BTreeSet<usize> = walk.places.iter().map(|(at, _)| *at).collect();
        let unused = (0..disclosures.len()).find(|at| !used.contains(at)).unwrap_or_default();
        return Err(SdJwtError::Unreferenced(unused + 1));
    }
    let places = walk.places;
    let positions = Value::Object(positions);
    let claims = match without_gaps(positions.clone()) {
        Value::Object(claims) => claims,
        _ => Map::new(),
    };
    Ok(Processed { claims, positions, places })
}

/// The places that a path leads to, [`Step::Every`] written out.
pub(super) fn expand(value: &Value, path: &ClaimPath) -> Vec<ClaimPath> {
    let mut found = vec![(ClaimPath::default(), value)];
    for step in path.steps() {
        let mut next = Vec::new();
        for (place, value) in found {
            match (step, value) {
                (Step::Name(name), Value::Object(map)) if !is_gap(value) => {
                    next.extend(map.get(name).map(|value| (place.child(step.clone()), value)));
                }
                (Step::At(at), Value::Array(array)) => {
                    let element = array.get(*at).filter(|element| !is_gap(element));
                    next.extend(element.map(|value| (place.child(step.clone()), value)));
                }
                (Step::Every, Value::Array(array)) => {
                    let whole = array.iter().enumerate().filter(|(_, element)| !is_gap(element));
                    next.extend(whole.map(|(at, value)| (place.child(Step::At(at)), value)));
                }
                _ => {}
            }
        }
        found = next;
    }
    found.into_iter().map(|(place, _)| place).collect()
}

struct Walk<'a> {
    disclosures: &'a [Disclosure],
    by_digest: BTreeMap<String, usize>,
    seen: BTreeSet<String>,
    places: Vec<(usize, ClaimPath)>,
}

impl<'a> Walk<'a> {
    fn value(&mut self, value: Value, path: &ClaimPath) -> Result<Value, SdJwtError> {
        match value {
            Value::Object(map) => self.object(map, path).map(Value::Object),
            Value::Array(array) => self.array(array, path),
            scalar => Ok(scalar),
        }
    }

    fn object(&mut self, mut map: Map<String, Value>, path: &ClaimPath) -> Result<Map<String, Value>, SdJwtError> {
        let refuse = |why| Err(SdJwtError::Place { path: path.clone(), why });
        if path.steps().len() >= MAX_CREDENTIAL_DEPTH {
            return refuse("too many values inside one another");
        }
        if map.contains_key("...") {
            return refuse("'...' stands beside other names, or not in an array");
        }
        if map.contains_key("_sd_alg") {
            return refuse("'_sd_alg' stands elsewhere than at the top");
        }
        let digests = match map.remove("_sd") {
            None => Vec::new(),
            Some(Value::Array(digests)) => digests,
            Some(_) => return refuse("'_sd' is no array"),
        };
        let mut whole = Map::new();
        for (name, value) in map {
            let value = self.value(value, &path.child(Step::Name(name.clone())))?;
            whole.insert(name, value);
        }
        for digest in digests {
            let Value::String(digest) = digest else { return refuse("a digest is no text") };
            let Some((at, disclosure)) = self.find(digest, path)? else { continue };
            let Some(name) = disclosure.name() else {
                return refuse("an element of an array is disclosed as a claim");
            };
            if whole.contains_key(name) {
                return Err(SdJwtError::Place {
                    path: path.child(Step::Name(name.to_owned())),
                    why: "the claim is there already",
                });
            }
            let place = path.child(Step::Name(name.to_owned()));
            let value = self.open(at, disclosure, &place)?;
            whole.insert(name.to_owned(), value);
        }
        Ok(whole)
    }

    fn array(&mut self, array: Vec<Value>, path: &ClaimPath) -> Result<Value, SdJwtError> {
        let refuse = |why| Err(SdJwtError::Place { path: path.clone(), why });
        if path.steps().len() >= MAX_CREDENTIAL_DEPTH {
            return refuse("too many values inside one another");
        }
        let mut whole = Vec::with_capacity(array.len());
        for (at, element) in array.into_iter().enumerate() {
            let place = path.child(Step::At(at));
            let digest = match &element {
                Value::Object(map) if map.len() == 1 => map.get("...").cloned(),
                _ => None,
            };
            whole.push(match digest {
                None => self.value(element, &place)?,
                Some(Value::String(digest)) => match self.find(digest, &place)? {
                    None => element,
                    Some((at, disclosure)) if disclosure.name().is_none() => self.open(at, disclosure, &place)?,
                    Some(_) => return refuse("a claim is disclosed as an element of an array"),
                },
                Some(_) => return refuse("a digest is no text"),
            });
        }
        Ok(Value::Array(whole))
    }

    fn open(&mut self, at: usize, disclosure: &'a Disclosure, place: &ClaimPath) -> Result<Value, SdJwtError> {
        self.places.push((at, place.clone()));
        self.value(disclosure.value().clone(), place)
    }

    fn find(&mut self, digest: String, path: &ClaimPath) -> Result<Option<(usize, &'a Disclosure)>, SdJwtError> {
        let at = self.by_digest.get(&digest).copied();
        if self.seen.contains(&digest) {
            return Err(SdJwtError::Twice { digest: digest.chars().take(64).collect(), path: path.clone() });
        }
        self.seen.insert(digest);
        if self.seen.len() > MAX_CREDENTIAL_DIGESTS {
            let (what, limit) = ("digests", MAX_CREDENTIAL_DIGESTS);
            return Err(SdJwtError::Size { what, found: self.seen.len(), limit });
        }
        Ok(at.and_then(|at| self.disclosures.get(at).map(|disclosure| (at, disclosure))))
    }
}

/// Whether it is an element that was not disclosed. No claim has that name.
fn is_gap(value: &Value) -> bool {
    value.as_object().is_some_and(|map| map.contains_key("..."))
}

fn without_gaps(value: Value) -> Value {
    match value {
        Value::Object(map) => map.into_iter().map(|(name, value)| (name, without_gaps(value))).collect(),
        Value::Array(array) => array.into_iter().filter(|value| !is_gap(value)).map(without_gaps).collect(),
        scalar => scalar,
    }
}
