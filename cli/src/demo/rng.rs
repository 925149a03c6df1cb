//! Repeatable choices, for things that must look random and be the same in every run.

/// SplitMix64 (Steele, Lea, Flood 2014): small, fast, and good enough to make things look different.
pub(crate) struct SplitMix64(u64);

impl SplitMix64 {
    /// A stream of its own for the record `index` of `seed`, so that a record does not depend on how many there are.
    pub(crate) fn new(seed: u64, index: u64) -> Self {
        let mut outer = Self(seed);
        let start = outer.next();
        Self(start ^ index.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 to `bound` - 1; the tiny bias of the remainder does not matter here. 0 for a bound of 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next().checked_rem(bound).unwrap_or(0)
    }

    /// One of a list that is not empty.
    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        // The remainder is below the length, and no list here is empty.
        let at = usize::try_from(self.below(items.len() as u64)).unwrap_or(0);
        &items[at]
    }

    /// True so many times in a hundred.
    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}
