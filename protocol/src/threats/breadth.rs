//! What would hit half the world: told before an indicator is published, so that its issuer thinks twice.
//!
//! Not here: how many of past declarations an indicator hits, which is counted by screening them.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::index::is_broad;
use super::indicator::Indicator;
use super::plain::{PlainName, plain_words};
use super::sought::plain_id;
use crate::limits::MAX_WARNING_ROWS;

/// Letters below which a word is in every second description.
const MIN_WORD: usize = 4;
/// Characters below which the beginning of a number is that of a whole series.
const MIN_PREFIX: usize = 4;
/// Weight below which a name is made of words that many have.
const MIN_NAME_WEIGHT: u32 = 12;

/// Why an indicator is too broad.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Breadth {
    /// It looks for nothing that a declaration tells.
    #[error("it looks for nothing that a declaration tells: nothing is screened by it")]
    Nothing,
    /// It names no goods, party, number or way, or only a union of countries.
    #[error(
        "it names neither goods by code or words, nor a party, a number or a way: every declaration is compared with it"
    )]
    Everything,
    /// A chapter of the tariff, without anything else.
    #[error("goods_sought/{row}: a whole chapter ({hs}), from everybody\nhint: add a route, a party, or more digits")]
    Chapter {
        /// The row.
        row: usize,
        /// Its code.
        hs: String,
    },
    /// Words that are in every second description.
    #[error("goods_sought/{row}: '{words}' is in too many descriptions")]
    Words {
        /// The row.
        row: usize,
        /// The words.
        words: String,
    },
    /// A way, without anything else.
    #[error("routes_sought/{row}: all that takes a way\nhint: add goods or a party")]
    Way {
        /// The row.
        row: usize,
    },
    /// The beginning of a number that a whole series has.
    #[error(
        "numbers_sought/{row}: a whole series of numbers\nhint: at least {MIN_PREFIX} characters, or a route beside it"
    )]
    Series {
        /// The row.
        row: usize,
    },
    /// A name of words that many have.
    #[error("parties_sought/{row}: '{name}' is made of words that many names have")]
    Name {
        /// The row.
        row: usize,
        /// The name.
        name: String,
    },
    /// Somebody who is never meant.
    #[error("{place}: '{what}' stands on the warning list '{list}'")]
    Listed {
        /// Where.
        place: String,
        /// Who.
        what: String,
        /// On which list.
        list: String,
    },
}

/// Why warning lists were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WarningListsError {
    /// No TOML of this form.
    #[error("{0}")]
    Form(String),
    /// Too many rows.
    #[error("{0} rows; at most {MAX_WARNING_ROWS}")]
    Limit(usize),
}

/// Names, numbers and words that are never meant: large carriers and marketplaces, a member's own, common goods.
#[derive(Debug, Clone, Default)]
pub struct WarningLists {
    lists: Vec<WarningList>,
}

#[derive(Debug, Clone)]
struct WarningList {
    name: String,
    names: Vec<PlainName>,
    ids: BTreeSet<String>,
    words: BTreeSet<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListsFile {
    #[serde(default)]
    list: Vec<ListRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListRow {
    name: String,
    #[serde(default)]
    names: Vec<String>,
    #[serde(default)]
    ids: Vec<String>,
    #[serde(default)]
    words: Vec<String>,
}

impl WarningLists {
    /// Reads lists: `[[list]]` with `name` and any of `names`, `ids`, `words`.
    ///
    /// # Errors
    /// [`WarningListsError`].
    pub fn from_toml(text: &str) -> Result<Self, WarningListsError> {
        let file: ListsFile = toml::from_str(text).map_err(|error| WarningListsError::Form(error.to_string()))?;
        let rows = file.list.iter().map(|list| list.names.len() + list.ids.len() + list.words.len()).sum();
        if rows > MAX_WARNING_ROWS {
            return Err(WarningListsError::Limit(rows));
        }
        let list = |row: ListRow| WarningList {
            name: row.name,
            names: row.names.iter().filter_map(|name| PlainName::of(name)).collect(),
            ids: row.ids.iter().map(|id| plain_id(id)).collect(),
            words: row.words.iter().map(|words| plain_words(words).trim().to_owned()).collect(),
        };
        Ok(Self { lists: file.list.into_iter().map(list).collect() })
    }

    /// Why an indicator would hit what it is not meant for; nothing where it is narrow enough.
    pub fn breadth(&self, indicator: &Indicator) -> Vec<Breadth> {
        let sought = &indicator.sought;
        if sought.is_empty() {
            let other = !indicator.sites.is_empty() || !indicator.merged.is_empty();
            return if other { Vec::new() } else { vec![Breadth::Nothing] };
        }
        let mut found = Vec::new();
        if is_broad(sought) {
            found.push(Breadth::Everything);
        }
        let (party, number) = (!sought.parties.is_empty(), !sought.numbers.is_empty());
        let (route, goods) = (!sought.routes.is_empty(), !sought.goods.is_empty());
        for (row, goods) in (1..).zip(&sought.goods) {
            let alone = !party && !number && !route && goods.origin.is_none() && goods.words.is_none();
            if let Some(hs) = goods.hs.as_ref().filter(|hs| alone && hs.len() < 4) {
                found.push(Breadth::Chapter { row, hs: hs.clone() });
            }
            let short = |words: &&String| words.split_ascii_whitespace().all(|word| word.len() < MIN_WORD);
            if let Some(words) = goods.words.as_ref().filter(short).filter(|_| goods.hs.is_none() && !party && !number)
            {
                found.push(Breadth::Words { row, words: words.clone() });
            }
        }
        if route && !goods && !party && !number {
            found.push(Breadth::Way { row: 1 });
        }
        for (row, number) in (1..).zip(&sought.numbers).filter(|_| !party && !goods && !route) {
            if number.prefix.as_ref().is_none_or(|prefix| prefix.chars().count() < MIN_PREFIX) {
                found.push(Breadth::Series { row });
            }
        }
        for (row, party) in (1..).zip(&sought.parties) {
            let many_have = |(_, plain): &&(String, PlainName)| party.id.is_none() && plain.weight < MIN_NAME_WEIGHT;
            if let Some((name, _)) = party.name.as_ref().filter(many_have) {
                found.push(Breadth::Name { row, name: name.clone() });
            }
        }
        self.lists.iter().for_each(|list| list.told(indicator, &mut found));
        found
    }
}

impl WarningList {
    fn told(&self, indicator: &Indicator, found: &mut Vec<Breadth>) {
        let mut listed = |place: String, what: &str| {
            found.push(Breadth::Listed { place, what: what.to_owned(), list: self.name.clone() });
        };
        for (row, party) in (1..).zip(&indicator.sought.parties) {
            if let Some(id) = party.id.as_ref().filter(|id| self.ids.contains(*id)) {
                listed(format!("parties_sought/{row}/id"), id);
            }
            let is = |plain: &PlainName| self.names.iter().any(|name| super::names::alike(plain, name).is_some());
            if let Some((name, _)) = party.name.as_ref().filter(|(_, plain)| is(plain)) {
                listed(format!("parties_sought/{row}/name"), name);
            }
        }
        for (row, goods) in (1..).zip(&indicator.sought.goods) {
            if let Some(words) = goods.words.as_ref().filter(|words| self.words.contains(*words)) {
                listed(format!("goods_sought/{row}/words"), words);
            }
        }
    }
}
