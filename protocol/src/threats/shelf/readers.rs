//! Who may read which collections: a file of users with digests of their secrets.
//!
//! ```toml
//! [[user]]
//! name = "opencti"
//! secret = "…"            # BLAKE3 of the secret, hexadecimal
//! agreements = ["a-b"]    # or ["*"]: all
//! ```
//!
//! Secrets are random, 256 bits, so a plain digest of one tells nothing. Not here: comparing them, files.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::hash::Digest;
use crate::limits::MAX_TAXII_USERS;
use crate::names::Slug;

/// Why a file of users was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadersError {
    /// No TOML of this form.
    #[error("{0}")]
    Form(String),
    /// A value.
    #[error("user '{user}': {what}")]
    Value {
        /// Whose.
        user: String,
        /// What is wrong.
        what: String,
    },
    /// Too many.
    #[error("{0} users; at most {MAX_TAXII_USERS}")]
    Limit(usize),
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reader {
    /// Its name.
    pub name: String,
    /// [`secret_digest`] of its secret.
    pub secret: Digest,
    /// Agreements whose collections it reads; all without.
    pub agreements: Option<BTreeSet<Slug>>,
}

/// All users.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Readers(Vec<Reader>);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    user: Vec<Row>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    secret: String,
    agreements: Vec<String>,
}

/// All agreements.
const ALL: &str = "*";

/// The digest of a secret: plain BLAKE3, as other programs compute it too.
pub fn secret_digest(secret: &str) -> Digest {
    Digest(*blake3::hash(secret.as_bytes()).as_bytes())
}

impl Reader {
    /// Whether it may read the collection of an agreement.
    pub fn may_read(&self, agreement: &Slug) -> bool {
        self.agreements.as_ref().is_none_or(|all| all.contains(agreement))
    }
}

impl Readers {
    /// Reads a file.
    ///
    /// # Errors
    /// [`ReadersError`].
    pub fn parse(text: &str) -> Result<Self, ReadersError> {
        let file: File = toml::from_str(text).map_err(|error| ReadersError::Form(error.to_string()))?;
        let mut readers = Self::default();
        for row in file.user {
            let wrong = |what: &str| ReadersError::Value { user: row.name.clone(), what: what.to_owned() };
            let secret = Digest::from_hex(&row.secret)
                .ok_or_else(|| wrong("secret is 64 hexadecimal digits, the BLAKE3 digest of the secret"))?;
            let agreements = match row.agreements.as_slice() {
                [] => return Err(wrong("agreements names none\nhint: [\"*\"] for all")),
                [one] if one == ALL => None,
                some => {
                    let some = some
                        .iter()
                        .map(|name| name.parse().map_err(|e: crate::names::NameError| wrong(&e.to_string())));
                    Some(some.collect::<Result<_, _>>()?)
                }
            };
            readers.add(Reader { name: row.name, secret, agreements })?;
        }
        Ok(readers)
    }

    /// Adds a user.
    ///
    /// # Errors
    /// [`ReadersError`]: its name is none or taken, or there are too many.
    pub fn add(&mut self, reader: Reader) -> Result<(), ReadersError> {
        let wrong = |what: &str| ReadersError::Value { user: reader.name.clone(), what: what.to_owned() };
        // A colon ends the name in Basic (RFC 7617).
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_.@".contains(c);
        if reader.name.is_empty() || reader.name.len() > 64 || !reader.name.chars().all(fits) {
            return Err(wrong("a name is 1 to 64 letters, digits and any of -_.@"));
        }
        if self.0.iter().any(|known| known.name == reader.name) {
            return Err(wrong("there is one of this name\nhint: take its lines out of the file first"));
        }
        if self.0.len() >= MAX_TAXII_USERS {
            return Err(ReadersError::Limit(self.0.len() + 1));
        }
        self.0.push(reader);
        Ok(())
    }

    /// They.
    pub fn all(&self) -> &[Reader] {
        &self.0
    }

    /// As a file.
    pub fn to_toml(&self) -> String {
        let user = self.0.iter().map(|reader| Row {
            name: reader.name.clone(),
            secret: reader.secret.hex(),
            agreements: match &reader.agreements {
                None => vec![ALL.to_owned()],
                Some(some) => some.iter().map(ToString::to_string).collect(),
            },
        });
        // Text and lists of text under text keys: nothing in it that TOML could not hold.
        toml::to_string(&File { user: user.collect() }).unwrap_or_default()
    }
}
