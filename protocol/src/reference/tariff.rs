//! Editions of the Harmonized System: which six-digit codes exist.

use std::sync::Arc;

use super::listed::Listed;

/// The codes of the edition 2022: a line for each chapter, for each of its headings the last two digits of its codes.
const CODES_2022: &str = include_str!("hs2022.txt");

/// Which six-digit codes an edition has.
#[derive(Debug, Clone)]
pub struct Tariff {
    /// Name, version and source.
    pub listed: Arc<Listed>,
    /// The year that the edition is named by.
    pub year: u64,
    /// A bit for each number of six digits.
    codes: Vec<u64>,
    count: usize,
}

impl Tariff {
    /// An edition without any code yet.
    pub(super) fn new(year: u64, source: &str) -> Self {
        let listed = Listed::new("hs", &year.to_string(), source);
        Self { listed, year, codes: vec![0; 1_000_000usize.div_ceil(64)], count: 0 }
    }

    /// The edition that is built in.
    pub(super) fn builtin() -> Self {
        let mut tariff = Self::new(
            2022,
            "Harmonized System 2022, all subheadings, as compiled by the open data set harmonized-system",
        );
        for line in CODES_2022.lines() {
            let mut words = line.split(' ');
            let chapter = words.next().unwrap_or_default();
            for (heading, endings) in words.filter_map(|word| word.split_once(':')) {
                for ending in endings.as_bytes().chunks(2).filter_map(|two| std::str::from_utf8(two).ok()) {
                    tariff.add(&format!("{chapter}{heading}{ending}"));
                }
            }
        }
        tariff
    }

    /// Adds a code; `false` where it has not six digits.
    pub(super) fn add(&mut self, code: &str) -> bool {
        let Some(at) = place(code) else { return false };
        self.count += usize::from(!self.has(code));
        self.codes[at / 64] |= 1 << (at % 64);
        true
    }

    /// Whether a code of six digits is in it.
    pub fn has(&self, code: &str) -> bool {
        place(code).is_some_and(|at| self.codes[at / 64] & 1 << (at % 64) != 0)
    }

    /// How many codes it has.
    pub fn count(&self) -> usize {
        self.count
    }
}

/// The number of six digits, below a million.
fn place(code: &str) -> Option<usize> {
    let digit = |sum: usize, byte: u8| byte.is_ascii_digit().then(|| sum * 10 + usize::from(byte - b'0'));
    if code.len() == 6 { code.bytes().try_fold(0, digit) } else { None }
}
