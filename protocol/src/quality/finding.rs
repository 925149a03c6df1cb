//! A finding: which rule, how bad, where, in words, and by which list.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::reference::{Listed, Rule, Severity};

/// Something that is wrong with a record, or worth a look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The rule.
    pub rule: Rule,
    /// How bad it is here.
    pub severity: Severity,
    /// The place, as `/goods/2/value/amount`: group and field by name, goods items and occurrences from 1.
    pub pointer: String,
    /// What is wrong, in a plain sentence.
    pub what: String,
    /// The list or dated rule that it rests on, with its version.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "list")]
    pub list: Option<Arc<Listed>>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, severity, pointer, what, list } = self;
        write!(f, "{severity} {rule} at {pointer}: {what}")?;
        match list {
            Some(list) => write!(f, " ({} {})", list.name, list.version),
            None => Ok(()),
        }
    }
}

/// The severity of the worst of them.
pub fn worst(findings: &[Finding]) -> Option<Severity> {
    findings.iter().map(|finding| finding.severity).max()
}

/// A shared list is written as if it were not shared.
mod list {
    use super::{Arc, Deserialize, Listed, Serialize};

    pub(super) fn serialize<S: serde::Serializer>(
        list: &Option<Arc<Listed>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        list.as_deref().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Arc<Listed>>, D::Error> {
        Ok(Option::<Listed>::deserialize(deserializer)?.map(Arc::new))
    }
}
