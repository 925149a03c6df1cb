//! Where a claim stands: names and positions, from the top.

use std::fmt;

use serde_json::Value;

use super::SdJwtError;
use crate::limits::MAX_CLAIM_PATH;

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// The member of an object with this name.
    Name(String),
    /// The element of an array at this position, counted as issued: elements that are left out have a position too.
    At(usize),
    /// Every element of an array.
    Every,
}

/// A path to a claim, as draft-ietf-oauth-sd-jwt-vc writes it: an array of texts, non-negative numbers and `null`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct ClaimPath(pub(super) Vec<Step>);

impl ClaimPath {
    /// A path of these steps.
    pub fn new(steps: Vec<Step>) -> Self {
        Self(steps)
    }

    /// A path of names only.
    pub fn names(names: &[&str]) -> Self {
        Self(names.iter().map(|name| Step::Name((*name).to_owned())).collect())
    }

    /// Reads the JSON form.
    ///
    /// # Errors
    /// [`SdJwtError::Path`] for another form, no step or too many.
    pub fn from_json(value: &Value) -> Result<Self, SdJwtError> {
        let error = || SdJwtError::Path(value.to_string().chars().take(200).collect());
        let steps = value.as_array().filter(|of| (1..=MAX_CLAIM_PATH).contains(&of.len())).ok_or_else(error)?;
        let step = |step: &Value| match step {
            Value::String(name) => Some(Step::Name(name.clone())),
            Value::Number(at) => at.as_u64().and_then(|at| usize::try_from(at).ok()).map(Step::At),
            Value::Null => Some(Step::Every),
            _ => None,
        };
        steps.iter().map(step).collect::<Option<_>>().map(Self).ok_or_else(error)
    }

    /// Its steps.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    pub(super) fn child(&self, step: Step) -> Self {
        Self(self.0.iter().cloned().chain([step]).collect())
    }

    /// Whether one of the two leads to the other or inside of it.
    pub(super) fn meets(&self, place: &ClaimPath) -> bool {
        self.0.iter().zip(&place.0).all(|steps| match steps {
            (Step::Every, Step::At(_)) => true,
            (a, b) => a == b,
        })
    }
}

impl fmt::Display for ClaimPath {
    /// As in `roles[0]` or `address.country`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            match step {
                Step::Name(name) if at == 0 => f.write_str(name)?,
                Step::Name(name) => write!(f, ".{name}")?,
                Step::At(position) => write!(f, "[{position}]")?,
                Step::Every => f.write_str("[]")?,
            }
        }
        Ok(())
    }
}
