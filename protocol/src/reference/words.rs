//! Stop words: descriptions that do not say what the goods are.
//!
//! Text is compared without case, in words of letters and digits, whatever stands between them.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::listed::Listed;

/// Terms from A to G of the list of the EU's Import Control System 2, which has over two hundred; one that it does not apply at present
/// (fish) is left out.
const ICS2: &str = "accessories|adapter|agricultural products|aid consignment|alcohol|all kind of cargo|all kind of goods|animals|\
apparel|appliances|arms|articles|artwork|as ordered|as per attached invoice|attached manifest|auto|auto parts|automobiles|baggage|\
bags|battery|bazaar goods|biological substances|birthday gifts|bits|boards|boxes|cables|caps|cards|cartons|case|charity|chemicals|\
chemicals flammable|chemicals hazardous|chemicals non hazardous|cleaning products|clothes|clothing|collected items|commodity|\
company names|component|consol|consolidated|consolidated cargo|consolidated goods|consolidation|consumer|courier|courier bags|\
courier goods|courier material|cnsl|dangerous goods|decorations|decorative crafts|decorative items|didactic articles|docs|\
documents|documentations|dox|drugs|drums|e commerce|electronic equipment|electronic goods|electronic items|electronics|equipment|\
exhibition goods|express|firearm|food|foodstuff|footwear|freight all kinds|fresh fruit|fresh herbs|fresh plants|fresh vegetable|\
from upu postal|fruit|fruit products|fruit pulp|fuel|garments|general cargo";

/// Terms that say as little, for the rest of the alphabet, until the whole list is at hand.
const OWN: &str = "general merchandise|gift|gift items|gifts|goods|household goods|items|merchandise|misc|miscellaneous|n a|\
no commercial value|none|others|parcel|parts|personal effects|personal items|present|presents|product|products|sample|samples|\
spare parts|stuff|test|things|unknown|various|various goods|various items";

/// Bits of the filter of first words; the list has a hundred of them.
const FILTER: usize = 4096;
/// Words of a term at most.
const MAX_WORDS: usize = 8;

/// Terms that do not describe goods.
#[derive(Debug, Clone)]
pub struct StopWords {
    /// Name, version and source.
    pub listed: Arc<Listed>,
    /// In their compared form.
    terms: BTreeSet<Box<str>>,
    /// A bit for the first word of each term, by a digest of the word: hardly any other word has it.
    first: [u64; FILTER / 64],
}

/// How far a description is vague.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Vague {
    /// It is nothing but this term.
    Alone(String),
    /// It has this term among other words.
    Inside(String),
}

impl StopWords {
    /// The built-in list.
    pub(super) fn builtin() -> Self {
        let source = "partial: terms A to G of the ICS2 list, and terms of our own";
        let listed = Listed::new("stop-words", "2026-11-23", source);
        let terms = ICS2.split('|').chain(OWN.split('|')).map(Into::into).collect();
        let mut list = Self { listed, terms, first: [0; FILTER / 64] };
        list.index();
        list
    }

    /// Adds and takes away terms; `listed` is the list that results.
    pub(super) fn change(&mut self, add: &[String], remove: &[String], listed: Arc<Listed>) {
        let form = |term: &String| compared(term).0.into_boxed_str();
        for term in remove.iter().map(form) {
            self.terms.remove(&term);
        }
        self.terms.extend(add.iter().map(form).filter(|term| !term.is_empty()));
        self.listed = listed;
        self.index();
    }

    fn index(&mut self) {
        self.first = [0; FILTER / 64];
        for term in &self.terms {
            let (at, bit) = digest(term.split(' ').next().unwrap_or_default());
            self.first[at] |= bit;
        }
    }

    /// Whether a term may begin with this word.
    fn may_begin(&self, word: &str) -> bool {
        let (at, bit) = digest(word);
        self.first[at] & bit != 0
    }

    /// Whether a term may begin with any word of a text, which need not be in its compared form.
    fn may_hold(&self, text: &str) -> bool {
        let known = |hash: u32| {
            let (at, bit) = bit(hash);
            hash != BASIS && self.first[at] & bit != 0
        };
        let mut hash = BASIS;
        for c in text.chars() {
            if !c.is_alphanumeric() {
                if known(hash) {
                    return true;
                }
                hash = BASIS;
            } else if c.is_ascii() {
                hash = mix(hash, c.to_ascii_lowercase() as u8);
            } else {
                let mut utf8 = [0; 4];
                hash = c.to_lowercase().fold(hash, |hash, c| c.encode_utf8(&mut utf8).bytes().fold(hash, mix));
            }
        }
        known(hash)
    }

    /// Whether terms of it stand in a description; of several the first is told.
    pub fn find(&self, description: &str) -> Option<Vague> {
        // Most descriptions have no word that begins a term: for those nothing is built.
        if !self.may_hold(description) {
            return None;
        }
        let (text, words) = compared(description);
        let end = |nth: usize| words.get(nth + 1).map_or(text.len(), |next| next - 1);
        for (at, start) in words.iter().enumerate() {
            if !self.may_begin(text.get(*start..end(at)).unwrap_or_default()) {
                continue;
            }
            if at == 0 && self.terms.contains(text.as_str()) {
                return Some(Vague::Alone(text));
            }
            // The longest term that begins here.
            let ends = (at..words.len().min(at + MAX_WORDS)).rev().map(end);
            let found = ends.filter_map(|end| text.get(*start..end)).find(|part| self.terms.contains(*part));
            if let Some(term) = found {
                return Some(Vague::Inside(term.to_owned()));
            }
        }
        None
    }
}

/// What the digest of a word begins with (FNV-1a, 32 bits).
const BASIS: u32 = 0x811c_9dc5;

/// The digest with one more byte of the word.
fn mix(hash: u32, byte: u8) -> u32 {
    (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
}

/// The place of a word's bit in the filter.
fn digest(word: &str) -> (usize, u64) {
    bit(word.bytes().fold(BASIS, mix))
}

fn bit(hash: u32) -> (usize, u64) {
    let bit = (hash ^ hash >> 16) as usize % FILTER;
    (bit / 64, 1 << (bit % 64))
}

/// The form in which texts are compared, and where its words begin.
fn compared(text: &str) -> (String, Vec<usize>) {
    let (mut form, mut words) = (String::with_capacity(text.len()), Vec::with_capacity(16));
    let mut inside = false;
    for c in text.chars() {
        if !c.is_alphanumeric() {
            inside = false;
            continue;
        }
        if !inside {
            if !form.is_empty() {
                form.push(' ');
            }
            words.push(form.len());
            inside = true;
        }
        match c.is_ascii() {
            true => form.push(c.to_ascii_lowercase()),
            false => form.extend(c.to_lowercase()),
        }
    }
    (form, words)
}

/// Whether text is too short to describe anything: fewer than three letters, of which one beyond ASCII counts for a word.
pub(crate) fn too_short(text: &str) -> bool {
    let mut letters = 0;
    for c in text.chars().filter(|c| c.is_alphabetic()) {
        letters += if c.is_ascii() { 1 } else { 3 };
        if letters >= 3 {
            return false;
        }
    }
    true
}
