//! Names that are alike: how much, and how they are found among many.
//!
//! Two words are alike where one edit makes one of the other (optimal string alignment). Names are alike as far as their words are, in
//! any order, or where they are one edit apart when written without spaces. To find those that may be alike, each listed name stands
//! under its heaviest words: as many as make more than half of it, since no name is alike that shares none of these; and each word
//! under itself and under what remains when one letter is taken away, so that two words one edit apart meet.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::hash::{BuildHasher as _, BuildHasherDefault, Hasher, RandomState};

use super::plain::{PlainName, Word, one_edit};

/// Hundredths from which names count as alike.
pub const MIN_ALIKE: u32 = 80;
/// Letters of the longer of two words below which one edit makes another word.
const MIN_EDITED: usize = 4;
/// What one edit takes from a word, in hundredths, divided by its letters.
const EDIT: usize = 80;
/// What the initial of a word is worth, in hundredths.
const INITIAL: u32 = 60;

/// How much alike two names are, in hundredths, from [`MIN_ALIKE`] on.
pub(super) fn alike(listed: &PlainName, told: &PlainName) -> Option<u32> {
    let joined = edited(&listed.joined, &told.joined).unwrap_or(0);
    let best = if joined == 100 { joined } else { joined.max(by_words(listed, told)) };
    (best >= MIN_ALIKE).then_some(best)
}

/// Each word of the one with one of the other that is left, the heaviest first: equal ones, then those one edit apart, then initials.
fn by_words(listed: &PlainName, told: &PlainName) -> u32 {
    let (mut used, mut done) = (0u64, 0u64); // at most MAX_NAME_WORDS, fewer than 64
    let (mut sum, mut real) = (0u32, 0u32);
    let ways: [fn(&Word, &Word) -> Option<u32>; 3] = [equal, edited, |one, other| initial(&one.spelt, &other.spelt)];
    for (way, counts) in ways.into_iter().zip([true, true, false]) {
        // Initials alone are no name.
        if !counts && 2 * real < listed.weight {
            return 0;
        }
        for (place, word) in listed.by_weight().enumerate() {
            if done & (1 << place) != 0 {
                continue;
            }
            let left = told.words.iter().enumerate().filter(|(at, _)| used & (1 << at) == 0);
            // Of words that sound alike the one that is spelt alike: "Y" is not "I.".
            let rated =
                left.filter_map(|(at, other)| Some((way(word, other)?, word.spelt == other.spelt, Reverse(at))));
            if let Some((alike, _, Reverse(at))) = rated.max() {
                (used, done) = (used | 1 << at, done | 1 << place);
                sum += (word.weight + told.words[at].weight) * alike;
                real += if counts { word.weight } else { 0 };
            }
        }
    }
    sum / (listed.weight + told.weight)
}

fn equal(one: &Word, other: &Word) -> Option<u32> {
    (one.text == other.text).then_some(100)
}

/// How much alike two words are: equal by sound, or one edit apart by sound or as they are spelt.
fn edited(one: &Word, other: &Word) -> Option<u32> {
    if one.text == other.text {
        return Some(100);
    }
    let near = |one: &str, other: &str| {
        let long = one.len().max(other.len());
        // At least MIN_EDITED letters, so at most 20 hundredths are taken.
        (long >= MIN_EDITED && one_edit(one, other)).then(|| 100 - (EDIT / long) as u32)
    };
    near(&one.text, &other.text).max(near(&one.spelt, &other.spelt))
}

fn initial(one: &str, other: &str) -> Option<u32> {
    let is = |short: &str, long: &str| short.len() == 1 && long.starts_with(short);
    (is(one, other) || is(other, one)).then_some(INITIAL)
}

/// Names by what may be alike to them.
#[derive(Debug, Default)]
pub(super) struct NameIndex {
    names: Vec<PlainName>,
    known: HashMap<Box<str>, Vec<u32>>,
    words: Vec<Listed>,
    by_word: HashMap<Word, u32>,
    /// Words by what remains of them.
    near_words: Near,
    /// Names without spaces, by what remains of them.
    near_joined: Near,
}

/// A word, and the names that stand under it.
#[derive(Debug)]
struct Listed {
    word: Word,
    names: Vec<u32>,
}

#[derive(Debug, Default)]
struct Near {
    point: Point,
    found: HashMap<u64, Vec<u32>, BuildHasherDefault<Hashed>>,
}

impl NameIndex {
    /// The place of a name; names that are compared alike in every case have one.
    pub(super) fn add(&mut self, name: &PlainName) -> u32 {
        let same = self.known.entry(name.joined.text.clone()).or_default();
        if let Some(at) = same.iter().find(|at| self.names[**at as usize] == *name) {
            return *at;
        }
        let at = self.names.len() as u32; // bounded by the indicators, see MAX_LIVE_INDICATORS
        same.push(at);
        self.near_joined.add(&name.joined, at);
        let (mut weight, mut before) = (0, None);
        for word in name.by_weight() {
            // Equal words stand beside one another.
            if before != Some(word) {
                let listed = match self.by_word.get(word) {
                    Some(listed) => *listed,
                    None => {
                        let listed = self.words.len() as u32; // as above
                        self.words.push(Listed { word: word.clone(), names: Vec::new() });
                        self.by_word.insert(word.clone(), listed);
                        self.near_words.add(word, listed);
                        listed
                    }
                };
                self.words[listed as usize].names.push(at);
            }
            before = Some(word);
            weight += word.weight;
            if 2 * weight > name.weight {
                break;
            }
        }
        self.names.push(name.clone());
        at
    }

    pub(super) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The names that are alike.
    pub(super) fn find(&self, told: &PlainName) -> Vec<u32> {
        let (mut found, mut near) = (Vec::new(), Vec::new());
        self.near_joined.find(&told.joined, &mut found);
        for word in &told.words {
            near.clear();
            // One word is found by many of its parts.
            self.near_words.find(word, &mut near);
            near.sort_unstable();
            near.dedup();
            for listed in near.iter().map(|listed| &self.words[*listed as usize]) {
                if edited(&listed.word, word).is_some() {
                    found.extend(&listed.names);
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        found.retain(|name| alike(&self.names[*name as usize], told).is_some());
        found
    }
}

impl Near {
    fn add(&mut self, word: &Word, at: u32) {
        let found = &mut self.found;
        self.point.each_remains(word, |key| {
            let there = found.entry(key).or_default();
            if there.last() != Some(&at) {
                there.push(at);
            }
        });
    }

    fn find(&self, word: &Word, found: &mut Vec<u32>) {
        self.point.each_remains(word, |key| {
            if let Some(there) = self.found.get(&key) {
                found.extend(there);
            }
        });
    }
}

/// Where polynomials are evaluated whose coefficients are a text's letters: the fingerprint of a text (Karp, Rabin 1987), from which that
/// of the same text without a letter follows in one step. Nobody who writes names knows the point, so nobody can make them meet.
#[derive(Debug)]
struct Point(u64);

/// Of the field: a Mersenne prime.
const PRIME: u64 = (1 << 61) - 1;

impl Default for Point {
    fn default() -> Self {
        Self(RandomState::new().hash_one(PRIME) % PRIME)
    }
}

impl Point {
    /// Those of both spellings.
    fn each_remains(&self, word: &Word, mut key: impl FnMut(u64)) {
        self.remains(&word.text, &mut key);
        if word.spelt != word.text {
            self.remains(&word.spelt, &mut key);
        }
    }

    /// Of a text and, where it is long enough, of all that it is without one of its letters. Plain text is ASCII.
    fn remains(&self, text: &str, mut key: impl FnMut(u64)) {
        // Bits beyond those of the field, for a table that looks at the first ones.
        let mut key = |number: u64| key(number ^ number << 3);
        let [first, rest @ ..] = text.as_bytes() else { return };
        let mut without = rest.iter().rev().fold(0, |sum, letter| plus(times(sum, self.0), u64::from(*letter)));
        key(plus(times(without, self.0), u64::from(*first)));
        if text.len() < MIN_EDITED {
            return;
        }
        key(without);
        let (mut before, mut power) = (*first, 1);
        for letter in rest.iter().copied() {
            // Without the next letter instead of this one: this one stands in that one's place.
            if letter != before {
                let change = plus(u64::from(before), PRIME - u64::from(letter));
                without = plus(without, times(change, power));
                key(without);
            }
            (before, power) = (letter, times(power, self.0));
        }
    }
}

/// The sum of two numbers of the field.
fn plus(one: u64, other: u64) -> u64 {
    let sum = one + other; // below 2^62
    if sum >= PRIME { sum - PRIME } else { sum }
}

/// Their product.
fn times(one: u64, other: u64) -> u64 {
    let product = u128::from(one) * u128::from(other); // below 2^122
    // 2^61 is 1 in this field, so the upper half counts as much as the lower.
    plus(product as u64 & PRIME, (product >> 61) as u64)
}

/// Keys that are hashes already.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        // Only `write_u64` is used by keys that are `u64`; this keeps any other correct.
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(text: &str) -> PlainName {
        PlainName::of(text).unwrap()
    }

    #[test]
    fn the_same_name_is_found_however_it_is_written() {
        let listed = name("BANCO NACIONAL DE CUBA S.A.");
        for told in [
            "Cuba Nacional Banco",
            "Banco Nacional de Cuba",
            "BANKO NACIONAL CUBA",
            "B. Nacional de Cuba",
            "BancoNacional de Cuba",
        ] {
            assert!(alike(&listed, &name(told)).is_some(), "{told}");
        }
        for told in ["Cuba", "Banco de Cuba", "Banco Nacional de Mexico", "Nacional"] {
            assert_eq!(alike(&listed, &name(told)), None, "{told}");
        }
        assert_eq!(alike(&name("HERMANN"), &name("Hermann Müller GmbH")), None);
        assert_eq!(alike(&name("MAR AZUL"), &name("Mar Azul")), Some(100));
    }

    proptest! {
        /// What remains of a text without a letter has the fingerprint of that remainder.
        #[test]
        fn what_remains_is_found_as_it_is_itself(text in "[a-c0-9]{1,12}") {
            let point = Point::default();
            let keys = |text: &str| {
                let mut keys = Vec::new();
                point.remains(text, |key| keys.push(key));
                keys
            };
            let mut meant = vec![text.clone()];
            if text.len() >= MIN_EDITED {
                meant.extend((0..text.len()).map(|at| text[..at].to_owned() + &text[at + 1..]));
                meant[1..].sort();
                meant.dedup();
            }
            let mut meant: Vec<u64> = meant.iter().map(|text| keys(text)[0]).collect();
            meant.sort_unstable();
            let mut told = keys(&text);
            told.sort_unstable();
            told.dedup();
            prop_assert_eq!(told, meant);
        }

        /// The index finds exactly those that comparing with each finds.
        #[test]
        fn it_finds_what_comparing_with_all_finds(
            listed in prop::collection::vec(any_name(), 1..30), told in prop::collection::vec(any_name(), 1..30),
        ) {
            let mut index = NameIndex::default();
            let at: Vec<u32> = listed.iter().map(|name| index.add(name)).collect();
            for told in told.iter().chain(&listed) {
                let mut all: Vec<u32> =
                    at.iter().zip(&listed).filter(|(_, name)| alike(name, told).is_some()).map(|(at, _)| *at).collect();
                all.sort_unstable();
                all.dedup();
                prop_assert_eq!(index.find(told), all);
            }
        }
    }

    fn any_name() -> impl Strategy<Value = PlainName> {
        let word = prop_oneof![
            "[ab]{1,6}",
            "[a-c]{3,5}",
            prop::sample::select(vec!["trading", "de", "marazul", "azul", "mar", "company", "banco"])
                .prop_map(String::from)
        ];
        prop::collection::vec(word, 1..5).prop_filter_map("nothing is left", |words| PlainName::of(&words.join(" ")))
    }
}
