//! A name as it is compared: without script, case, accents, punctuation, legal form and the choices of whoever romanised it.
//!
//! Not here: which names are alike, and how they are found among many (`names`).

use std::collections::HashSet;
use std::sync::LazyLock;

use any_ascii::any_ascii_char;

use crate::limits::{MAX_NAME_WORDS, MAX_PLAIN_NAME_CHARS, MAX_TEXT_CHARS};

/// Legal forms, in the spelling that is left of them here. They tell companies of one name apart badly, since filers leave them out.
const LEGAL_FORMS: &str = "\
    ab ag aps as asa bhd bv ca cjsc co company corp corporation cv doo dooel eood est eurl fzc fzco fze fzllc gesmbh \
    gmbh inc incorporated jsc kft kg kk limitada limited llc llp lp ltd ltda mbh nv oao ojsc ooo oy oyj pao pjsc plc \
    pllc psc pt pte pty pvt sa sab sac sae sal saog sapi sarl sas sasu sdn sl slu snc sp spa spol spzoo srl sro sti \
    tas ug zao zoo";

/// Words that join others.
const JOINING: &str = "\
    a al and at bin by da das de del der des di die do dos e el en et for in la las le les los of on or the to ul \
    und van von y";

/// Words that half of all companies have.
const COMMON: &str = "\
    agency air airlines asia aviation banco bank business center centre china commercial construction consulting \
    development distribution electronic electronics energy engineering enterprise enterprises europe exchange export \
    exports factory finance financial foundation general global group holding holdings import imports industrial \
    industries industry institute insurance international invest investment investments line lines logistics \
    management manufacturing marine maritime national navigation office oil organization petroleum products research \
    sea service services ship shipping solutions star store supply systems tanker technical technologies technology \
    telecom trade trading transport travel trust university world";

/// The lists, as they are compared: whoever romanises a name romanises its legal form too.
struct Lists {
    /// Forms letter by letter, as another script gives them back.
    forms: HashSet<String>,
    /// Those that are long enough to be told by sound and with an edit.
    long_forms: Vec<String>,
    joining: HashSet<String>,
    common: HashSet<String>,
}

static LISTS: LazyLock<Lists> = LazyLock::new(|| {
    let set = |words: &str| words.split_ascii_whitespace().map(folded).collect();
    let forms = || LEGAL_FORMS.split_ascii_whitespace();
    let long_forms = forms().map(folded).filter(|form| form.len() >= MIN_LONG_FORM).collect();
    let forms = forms().map(respelt).collect();
    Lists { forms, long_forms, joining: set(JOINING), common: set(COMMON) }
});

/// Letters from which a legal form is known with an edit.
const MIN_LONG_FORM: usize = 6;

/// A word of a name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Word {
    /// Its letters and digits, one letter for a sound.
    pub(super) text: Box<str>,
    /// The same as it is spelt, where one letter may be wrong.
    pub(super) spelt: Box<str>,
    /// How much of the name it is.
    pub(super) weight: u32,
}

/// A name as it is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainName {
    pub(super) words: Vec<Word>,
    /// Places of the words, the heaviest first.
    heaviest: Box<[u8]>,
    /// All words behind one another, without the spaces.
    pub(super) joined: Word,
    pub(super) weight: u32,
}

impl PlainName {
    /// Makes a name plain; `None` where no letter and no digit is left of it. What is beyond [`MAX_PLAIN_NAME_CHARS`] characters or
    /// [`MAX_NAME_WORDS`] words is not looked at.
    pub fn of(name: &str) -> Option<Self> {
        let spelt = spelt(name, MAX_PLAIN_NAME_CHARS);
        let part = |(joins, text): (bool, &str)| {
            let folded = folded(text);
            let is_form = !joins && is_form(text, &folded);
            let weight = weight(text, &folded);
            (is_form, Word { text: folded.into(), spelt: text.into(), weight })
        };
        let parts = spelt.split_ascii_whitespace().flat_map(|word| {
            // What a hyphen joins to the next word is no legal form: "co-operative".
            let word = word.trim_matches('-');
            let last = word.bytes().filter(|b| *b == b'-').count();
            word.split('-').enumerate().map(move |(at, part)| (at < last, part))
        });
        let mut all: Vec<(bool, Word)> =
            parts.filter(|(_, part)| !part.is_empty()).take(MAX_NAME_WORDS).map(part).collect();
        // A name that is nothing but a legal form is that name.
        let left: usize = all.iter().filter(|(is_form, _)| !is_form).map(|(_, word)| word.spelt.len()).sum();
        all.retain(|(is_form, _)| !is_form || left < 2);
        let words: Vec<Word> = all.into_iter().map(|(_, word)| word).collect();
        let weight = words.iter().map(|word| word.weight).sum();
        let joined: String = words.iter().map(|word| &*word.spelt).collect();
        let joined = Word { text: folded(&joined).into(), spelt: joined.into(), weight };
        let mut heaviest: Box<[u8]> = (0..words.len() as u8).collect(); // at most MAX_NAME_WORDS
        let word = |at: &u8| &words[usize::from(*at)];
        heaviest.sort_unstable_by(|a, b| {
            let (one, other) = (word(a), word(b));
            other.weight.cmp(&one.weight).then_with(|| one.cmp(other)).then(a.cmp(b))
        });
        (weight > 0).then_some(Self { words, heaviest, joined, weight })
    }

    /// Words by falling weight; equal ones stand beside one another.
    pub(super) fn by_weight(&self) -> impl Iterator<Item = &Word> {
        // Places of its own words.
        self.heaviest.iter().map(|at| &self.words[usize::from(*at)])
    }
}

fn is_form(spelt: &str, folded: &str) -> bool {
    let long = |form: &String| form == folded || one_edit(form, folded);
    LISTS.forms.contains(&respelt(spelt)) || LISTS.long_forms.iter().any(long)
}

/// Letters that Cyrillic and Greek have no other for.
fn respelt(word: &str) -> String {
    let (mut rest, mut plain) = (word.as_bytes(), String::with_capacity(word.len()));
    while let [first, ..] = rest {
        let (letter, length) = match rest {
            [b'd', b'z', b'h', ..] => (b'j', 3),
            [b'k', b'h', ..] => (b'h', 2),
            [b'c', ..] => (b'k', 1),
            _ => (*first, 1),
        };
        plain.push(char::from(letter));
        rest = &rest[length..];
    }
    plain
}

/// Whether exactly one edit makes one word of another: a letter more, less or another, or two neighbours exchanged (optimal string
/// alignment). Plain text is ASCII.
pub(super) fn one_edit(one: &str, other: &str) -> bool {
    let (short, long) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    let (short, long) = (short.as_bytes(), long.as_bytes());
    if long.len() - short.len() > 1 {
        return false;
    }
    let differs = |(one, other): (&u8, &u8)| one != other;
    let Some(at) = short.iter().zip(long).position(differs) else { return long.len() > short.len() };
    let (short, long) = (&short[at..], &long[at..]);
    if long.len() > short.len() {
        return *short == long[1..];
    }
    match (short, long) {
        ([a, b, rest @ ..], [c, d, other @ ..]) if a == d && b == c => rest == other,
        _ => short[1..] == long[1..],
    }
}

/// Words of a text in small letters and digits of ASCII, as goods are described, without what is only punctuation.
pub(super) fn plain_words(text: &str) -> String {
    spelt(text, MAX_TEXT_CHARS).replace('-', " ")
}

/// Small ASCII letters and digits with spaces or hyphens between words. An apostrophe joins, a point joins single letters, all else parts.
fn spelt(name: &str, chars: usize) -> String {
    let mut plain = String::with_capacity(name.len());
    // Letters since the last space.
    let mut run = 0usize;
    for c in name.chars().take(chars) {
        let ascii = if c.is_ascii() { None } else { Some(any_ascii_char(c)) };
        let mut one = [0u8; 4];
        let text: &str = ascii.unwrap_or_else(|| c.encode_utf8(&mut one));
        let is_letter = !c.is_ascii() && c.is_alphanumeric();
        for b in text.bytes() {
            match b {
                b'a'..=b'z' | b'0'..=b'9' => {
                    plain.push(char::from(b));
                    run += 1;
                }
                b'A'..=b'Z' => {
                    plain.push(char::from(b.to_ascii_lowercase()));
                    run += 1;
                }
                // Soft and hard signs and the like come as quotation marks.
                b'"' if is_letter => {}
                b'\'' | b'`' => {}
                // "S.A." is one word, "ST.JOHN" are two.
                b'.' if run <= 1 => run = 0,
                b'-' if run > 0 => {
                    plain.push('-');
                    run = 0;
                }
                _ => {
                    plain.push(' ');
                    run = 0;
                }
            }
        }
    }
    plain
}

/// The same for spellings that differ only by who romanised them: one letter for a sound, none twice.
fn folded(word: &str) -> String {
    let (mut rest, mut plain) = (word.as_bytes(), String::with_capacity(word.len() + 2));
    let mut last = 0;
    while let [first, ..] = rest {
        let (sound, length) = match sound(rest) {
            Some(sound) => sound,
            None => (letter(first), 1),
        };
        for c in sound {
            // A digit stays: "77" is not "7".
            if c.is_ascii_digit() || last != *c {
                plain.push(char::from(*c));
                last = *c;
            }
        }
        rest = &rest[length..];
    }
    plain
}

/// What the letters at the beginning sound like together, and how many they are; the longest first.
fn sound(letters: &[u8]) -> Option<(&'static [u8], usize)> {
    Some(match letters {
        [b'q' | b'k', b'u', b'e', ..] => (b"ke", 3),
        [b'q' | b'k', b'u', b'i', ..] => (b"ki", 3),
        [b's', b'h', b'c', b'h', ..] => (b"s", 4),
        [b's', b'c', b'h', ..] => (b"s", 3),
        [b't', b'c', b'h', ..] => (b"c", 3),
        [b't', b's', b'c', b'h', ..] => (b"c", 4),
        [b'd', b'z', b'h', ..] => (b"i", 3),
        [b'd', b's', b'c', b'h', ..] => (b"i", 4),
        [b'c', b'h', ..] => (b"c", 2),
        [b's', b'h', ..] => (b"s", 2),
        [b'z', b'h', ..] => (b"i", 2),
        [b'k', b'h', ..] => (b"h", 2),
        [b'g', b'h', ..] => (b"g", 2),
        [b'd', b'h', ..] => (b"d", 2),
        [b't', b'h', ..] => (b"t", 2),
        [b'p', b'h', ..] => (b"f", 2),
        [b'd', b'j', ..] => (b"i", 2),
        [b't', b's' | b'z', ..] => (b"c", 2),
        [b'c', b'k', ..] => (b"k", 2),
        [b'q', b'u', ..] => (b"kv", 2),
        [b'o', b'u' | b'o', ..] => (b"u", 2),
        [b'e', b'e', ..] => (b"i", 2),
        [b'a', b'e', ..] => (b"e", 2),
        [b'o', b'e', ..] => (b"o", 2),
        [b'u', b'e', ..] => (b"u", 2),
        [b'a', b'a', ..] => (b"a", 2),
        [b'y', b'i', ..] | [b'i', b'y', ..] => (b"i", 2),
        [b'y', b'u', ..] => (b"iu", 2),
        [b'y', b'a', ..] => (b"ia", 2),
        _ => return None,
    })
}

/// What a letter sounds like alone; those that have no other spelling stand for themselves.
fn letter(c: &u8) -> &[u8] {
    match c {
        b'c' | b'q' | b'k' => b"k",
        b'w' | b'v' => b"v",
        b'y' | b'j' | b'i' => b"i",
        b'z' | b's' => b"s",
        b'x' => b"ks",
        other => std::slice::from_ref(other),
    }
}

/// How much of a name a word is: its length, less for words that many have and for initials.
fn weight(spelt: &str, folded: &str) -> u32 {
    if spelt.len() == 1 {
        return LETTER;
    }
    let length = spelt.len().min(10) as u32 * LETTER; // at most 40
    if LISTS.joining.contains(folded) {
        1
    } else if LISTS.common.contains(folded) {
        length / 4
    } else {
        length
    }
}

/// What a letter weighs.
const LETTER: u32 = 4;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;
    use strsim::osa_distance;

    use super::*;

    proptest! {
        /// An edit is told as the whole distance would tell it.
        #[test]
        fn one_edit_is_a_distance_of_one(one in "[ab]{0,6}", other in "[ab]{0,6}", long in "[a-z]{0,12}") {
            for (one, other) in [(&one, &other), (&(long.clone() + &one), &(long + &other))] {
                prop_assert_eq!(one_edit(one, other), osa_distance(one, other) == 1);
            }
        }
    }

    #[test]
    fn sounds_that_are_written_in_several_ways_are_one() {
        for (one, other) in [
            ("quebec", "kebek"),
            ("shchukin", "schukin"),
            ("tchaika", "tschaika"),
            ("dzhamal", "dschamal"),
            ("djamal", "jamal"),
            ("tsentr", "tzentr"),
            ("khan", "han"),
            ("quill", "kill"),
            ("mueller", "muller"),
            ("yusuf", "iusuf"),
            ("maxim", "maksim"),
            ("ghandi", "gandhi"),
        ] {
            assert_eq!(folded(one), folded(other), "{one} {other}");
        }
        assert_ne!(folded("77"), folded("7"));
        assert_eq!(respelt("dzhkhck"), "jhkk");
    }

    fn plain(name: &str) -> String {
        PlainName::of(name).unwrap().words.iter().map(|word| &*word.text).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn lists_are_sorted_and_without_doubles() {
        for list in [LEGAL_FORMS, JOINING, COMMON] {
            let words: Vec<&str> = list.split_ascii_whitespace().collect();
            assert_eq!(words.windows(2).find(|pair| pair[0] >= pair[1]), None);
        }
    }

    #[test]
    fn scripts_cases_and_legal_forms_make_no_difference() {
        assert_eq!(plain("Compañía Marítima S.A. de C.V."), plain("COMPANIA MARITIMA SA DE CV"));
        assert_eq!(plain("O'Brien & Söhne GmbH"), plain("OBRIEN SOHNE"));
        assert_eq!(plain("Москва Трейдинг ООО"), plain("Moskva Treyding"));
        assert_eq!(plain("Μορφή"), plain("Morfi"));
        assert_eq!(plain("A.B.C. 77 Ltd"), "abk 77");
        assert_eq!(plain("ST.JOHN"), plain("St John"));
        assert_eq!(plain("Mohammed Khalid"), plain("MOHAMED HALID"));
    }

    #[test]
    fn what_is_only_a_legal_form_stays_and_what_is_nothing_is_no_name() {
        assert_eq!(plain("Company"), "kompani");
        assert_eq!(plain("S.A."), "sa");
        assert_eq!(PlainName::of(" -- . "), None);
        assert_eq!(PlainName::of(""), None);
    }
}
