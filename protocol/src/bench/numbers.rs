//! Numbers that are the same each time, for what benchmarks make up. Not random enough for anything else.

/// splitmix64.
pub(super) struct Numbers(pub(super) u64);

impl Numbers {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut n = self.0;
        n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        n ^ (n >> 31)
    }

    /// A number below `count`; 0 of none.
    pub(super) fn below(&mut self, count: usize) -> usize {
        // Below a count that is an usize.
        self.next().checked_rem(count as u64).unwrap_or(0) as usize
    }

    /// A number from 0 to `max`.
    pub(super) fn up_to(&mut self, max: u64) -> u64 {
        self.next() % (max + 1)
    }

    /// Two different ones of `count`, which are at least two.
    pub(super) fn pair(&mut self, count: usize) -> (usize, usize) {
        let first = self.below(count);
        let second = (first + 1 + self.below(count - 1)) % count;
        (first, second)
    }
}
