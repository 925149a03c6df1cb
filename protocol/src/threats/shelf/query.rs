//! What a request for objects, a manifest or versions asks for (TAXII 2.1, sections 3.4, 3.5, 5.3 to 5.7).

use crate::limits::{MAX_TAXII_MATCHES, MAX_TAXII_PAGE, TAXII_PAGE};
use crate::time::{Micros, Millis};

/// A parameter that was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// No such parameter.
    #[error("there is no parameter '{0}' here")]
    Unknown(String),
    /// It may stand once.
    #[error("{0} stands more than once")]
    Twice(String),
    /// Its value is none.
    #[error("{name}: '{found}' is not {expected}")]
    Value {
        /// The parameter.
        name: &'static str,
        /// What stands there.
        found: String,
        /// What may stand there.
        expected: &'static str,
    },
    /// Too many values.
    #[error("{0}: more than {MAX_TAXII_MATCHES} values")]
    Many(&'static str),
}

/// Which versions of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The first that was added.
    First,
    /// The newest.
    Last,
    /// All.
    All,
    /// The one of this moment.
    Exact(Millis),
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// Added strictly later.
    pub added_after: Option<Micros>,
    /// Behind the item with this date, as an answer gave it as next.
    pub next: Option<Micros>,
    /// At most so many.
    pub limit: usize,
    /// Of these identifiers.
    pub ids: Option<Vec<String>>,
    /// Of these types.
    pub types: Option<Vec<String>>,
    /// These versions.
    pub versions: Vec<Which>,
    /// Whether objects of STIX 2.1 are asked for.
    pub spec: bool,
}

impl Default for Query {
    fn default() -> Self {
        Self {
            added_after: None,
            next: None,
            limit: TAXII_PAGE,
            ids: None,
            types: None,
            versions: vec![Which::Last],
            spec: true,
        }
    }
}

impl Query {
    /// Reads parameters, of which those in `known` may stand, each once.
    ///
    /// # Errors
    /// [`QueryError`].
    pub fn read<'a>(
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
        known: &[&'static str],
    ) -> Result<Self, QueryError> {
        let (mut query, mut seen) = (Self::default(), Vec::new());
        for (name, value) in pairs {
            let Some(name) = known.iter().copied().find(|known| *known == name) else {
                return Err(QueryError::Unknown(name.chars().take(40).collect()));
            };
            if seen.contains(&name) {
                return Err(QueryError::Twice(name.to_owned()));
            }
            seen.push(name);
            query.set(name, value)?;
        }
        Ok(query)
    }

    /// The item behind which a page begins.
    pub fn after(&self) -> Option<Micros> {
        self.next.max(self.added_after)
    }

    /// How a page that ends with an item of this date is gone on from.
    pub fn token(last: Micros) -> String {
        format!("{:x}", last.0)
    }

    fn set(&mut self, name: &'static str, value: &str) -> Result<(), QueryError> {
        let wrong = |expected| QueryError::Value { name, found: value.chars().take(80).collect(), expected };
        match name {
            "limit" => {
                let limit: usize = value.parse().map_err(|_| wrong("a number"))?;
                // A client that has no wish of its own says 0.
                self.limit = if limit == 0 { TAXII_PAGE } else { limit.min(MAX_TAXII_PAGE) };
            }
            "next" => {
                let date = u64::from_str_radix(value, 16).ok().map(Micros);
                // In one spelling: what an answer gave.
                let date = date.filter(|date| Self::token(*date) == value);
                self.next = Some(date.ok_or_else(|| wrong("what an answer gave as next"))?);
            }
            "added_after" => {
                self.added_after = Some(value.parse().map_err(|_| wrong("a time (RFC 3339)"))?);
            }
            "match[id]" => self.ids = Some(list(name, value)?.map(str::to_owned).collect()),
            "match[type]" => self.types = Some(list(name, value)?.map(str::to_owned).collect()),
            "match[spec_version]" => self.spec = list(name, value)?.any(|version| version == "2.1"),
            _ => {
                let which = |word: &str| match word {
                    "first" => Ok(Which::First),
                    "last" => Ok(Which::Last),
                    "all" => Ok(Which::All),
                    time => time.parse().map(Which::Exact).map_err(|_| wrong("first, last, all or a time (RFC 3339)")),
                };
                self.versions = list("match[version]", value)?.map(which).collect::<Result<_, _>>()?;
            }
        }
        Ok(())
    }

    pub(super) fn takes_type(&self, name: &str) -> bool {
        self.types.as_ref().is_none_or(|types| types.iter().any(|wanted| wanted == name))
    }

    pub(super) fn takes_version(&self, modified: Millis, first: bool, last: bool) -> bool {
        self.versions.iter().any(|which| match which {
            Which::First => first,
            Which::Last => last,
            Which::All => true,
            Which::Exact(wanted) => *wanted == modified,
        })
    }
}

/// Values with commas between them.
fn list<'v>(name: &'static str, value: &'v str) -> Result<impl Iterator<Item = &'v str>, QueryError> {
    match value.split(',').count() > MAX_TAXII_MATCHES {
        true => Err(QueryError::Many(name)),
        false => Ok(value.split(',').map(str::trim)),
    }
}
