//! Earlier sales of a run, so that a cancellation can name the one that it takes back.
//!
//! The source says of a cancellation only who cancels which article, how much of it. It is matched to the latest earlier
//! sale of that customer and article of which so much is still uncancelled, whatever became of its parcel. Not in: which rows are sales or cancellations.

use std::collections::{HashMap, VecDeque};

use super::exact::Number;
use crate::hash::{Domain, Hasher};
use crate::limits::{MAX_SALES, MAX_SALES_OF_ARTICLE};

/// Sales that cancellations are matched to: the latest [`MAX_SALES`], and of one article to one customer the latest
/// [`MAX_SALES_OF_ARTICLE`].
#[derive(Debug, Default)]
pub struct Sales {
    /// By order of the rows; the first has the number `forgotten`.
    kept: VecDeque<Sale>,
    forgotten: u64,
    /// Files begun so far, this one too.
    file: u64,
    /// Numbers of the sales of a customer and article.
    of_article: HashMap<Key, VecDeque<u64>>,
}

/// What tells sales apart: a digest of the cells.
pub(super) type Key = [u8; 16];

#[derive(Debug)]
struct Sale {
    key: Key,
    reference: Box<str>,
    file: u64,
    line: u64,
    /// Millionths that are not cancelled.
    left: i128,
}

/// What a cancellation takes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Original {
    /// The reference of an earlier sale, how many files before this one it stands in, and its line there.
    Sale(String, u64, u64),
    /// No earlier sale in the run fits.
    Unknown,
    /// The same, but earlier sales were forgotten, and it may have been one of them.
    Forgotten,
}

impl Sales {
    /// Another file of the run begins.
    pub(super) fn begin(&mut self) {
        self.file += 1;
    }

    /// Remembers a sale; one without a positive quantity is none.
    pub(super) fn add(&mut self, key: Key, reference: &str, line: u64, quantity: Number) {
        let Some(left) = quantity.millionths().filter(|left| *left > 0) else { return };
        let number = self.forgotten + self.kept.len() as u64;
        self.kept.push_back(Sale { key, reference: reference.into(), file: self.file, line, left });
        let mine = self.of_article.entry(key).or_default();
        mine.push_back(number);
        if mine.len() > MAX_SALES_OF_ARTICLE {
            mine.pop_front();
        }
        if self.kept.len() > MAX_SALES {
            self.forget();
        }
    }

    /// Takes a quantity, below zero as in the source, back from the sale that it fits.
    pub(super) fn cancel(&mut self, key: Key, quantity: Number) -> Original {
        let unknown = if self.forgotten > 0 { Original::Forgotten } else { Original::Unknown };
        let Some(wanted) = quantity.millionths().map(i128::abs).filter(|wanted| *wanted > 0) else { return unknown };
        for number in self.of_article.get(&key).into_iter().flatten().rev() {
            let place = usize::try_from(number - self.forgotten).ok();
            if let Some(sale) = place.and_then(|at| self.kept.get_mut(at)).filter(|sale| sale.left >= wanted) {
                sale.left -= wanted;
                return Original::Sale(sale.reference.to_string(), self.file - sale.file, sale.line);
            }
        }
        unknown
    }

    fn forget(&mut self) {
        let Some(sale) = self.kept.pop_front() else { return };
        if let Some(mine) = self.of_article.get_mut(&sale.key) {
            if mine.front() == Some(&self.forgotten) {
                mine.pop_front();
            }
            if mine.is_empty() {
                self.of_article.remove(&sale.key);
            }
        }
        self.forgotten += 1;
    }
}

/// The key of these cells; none if one is empty, since nobody in particular bought then.
pub(super) fn key<'c>(cells: impl Iterator<Item = &'c [u8]>) -> Option<Key> {
    let mut hasher = Hasher::new(Domain::Index);
    for cell in cells {
        let cell = cell.trim_ascii();
        if cell.is_empty() {
            return None;
        }
        hasher.part(cell);
    }
    let mut key = Key::default();
    key.copy_from_slice(&hasher.finish().0[..16]);
    Some(key)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number(text: &str) -> Number {
        Number::parse(text).unwrap()
    }

    fn of(customer: &str, article: &str) -> Key {
        key([customer.as_bytes(), article.as_bytes()].into_iter()).unwrap()
    }

    #[test]
    fn the_latest_sale_that_is_large_enough_is_taken_back_and_only_once() {
        let mut sales = Sales::default();
        sales.add(of("A", "hat"), "1", 2, number("10"));
        sales.add(of("A", "hat"), "2", 3, number("4"));
        sales.add(of("A", "hat"), "3", 4, number("-4"));
        let sale = |reference: &str, line| Original::Sale(reference.into(), 0, line);
        assert_eq!(sales.cancel(of("A", "hat"), number("-3")), sale("2", 3));
        assert_eq!(sales.cancel(of("A", "hat"), number("-3")), sale("1", 2));
        assert_eq!(sales.cancel(of("A", "hat"), number("-8")), Original::Unknown);
        assert_eq!(sales.cancel(of("A", "hat"), number("-7")), sale("1", 2));
        assert_eq!(sales.cancel(of("A", "hat"), number("-2")), Original::Unknown);
        assert_eq!(sales.cancel(of("A", "hat"), number("0")), Original::Unknown);
        assert_eq!(sales.cancel(of("B", "hat"), number("-1")), Original::Unknown);
        // Cells are not run together.
        assert_ne!(of("A", "hat"), of("Ah", "at"));
        assert_eq!(key([&b"A"[..], b" "].into_iter()), None);
    }

    #[test]
    fn memory_is_bounded_and_what_was_forgotten_is_said() {
        let mut sales = Sales::default();
        for line in 0..MAX_SALES as u64 + 5 {
            sales.add(of("A", &(line / 3).to_string()), &line.to_string(), line, number("1"));
        }
        assert_eq!(sales.kept.len(), MAX_SALES);
        assert_eq!(sales.of_article.values().map(VecDeque::len).sum::<usize>(), MAX_SALES);
        assert_eq!(sales.cancel(of("A", "0"), number("-1")), Original::Forgotten);
        assert_eq!(sales.cancel(of("A", "1"), number("-1")), Original::Sale("5".into(), 0, 5));
        assert_eq!(sales.cancel(of("A", "1"), number("-1")), Original::Forgotten);
        let mut many = Sales::default();
        for line in 0..2 * MAX_SALES_OF_ARTICLE as u64 {
            many.add(of("A", "hat"), "x", line, number("1"));
        }
        assert_eq!(many.of_article[&of("A", "hat")].len(), MAX_SALES_OF_ARTICLE);
    }

    proptest! {
        /// Never more is taken back than was sold, nor from another article.
        #[test]
        fn no_more_is_cancelled_than_was_sold(steps in proptest::collection::vec((0u8..3, 1i64..6, any::<bool>()), 0..60)) {
            let mut sales = Sales::default();
            let mut left = [0i64; 3];
            for (line, (article, quantity, sold)) in steps.into_iter().enumerate() {
                let key = of("A", &article.to_string());
                let at = usize::from(article);
                if sold {
                    sales.add(key, &article.to_string(), line as u64, number(&quantity.to_string()));
                    left[at] += quantity;
                } else if let Original::Sale(reference, 0, before) = sales.cancel(key, number(&format!("-{quantity}"))) {
                    left[at] -= quantity;
                    prop_assert!(reference == article.to_string() && before < line as u64);
                }
                prop_assert!(left[at] >= 0);
            }
        }
    }
}
