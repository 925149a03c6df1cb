//! Nodes in a simulated world: engines as they are, around them models of disk, sequencer, workers and network.
//!
//! One number, the seed, decides everything: what is submitted, which messages are lost, doubled or late, which node crashes
//! before or after a commit is durable, fills its disk or loses it. Time is virtual. What must hold is checked at each step
//! ([`disk`], [`world`], [`sending`], [`receiving`]) and once the faults are over ([`run`]). A seed that fails is run again,
//! and told step by step, with `LUXOR_SEED=<seed>`; `LUXOR_TEST_LONG` runs more of them.
//!
//! Not here: bytes and signatures (luxor-protocol), the real database and log (store, sequencer), threads (driver); a
//! mistake in how these models follow them is not found.

mod chaos;
mod disk;
mod node;
mod receiving;
mod run;
mod sending;
mod tests;
mod world;

use std::fmt;

/// splitmix64: everything random comes from here.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut n = self.0;
        n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        n ^ (n >> 31)
    }

    /// A number below `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// A number from `first` to `last`.
    fn between(&mut self, first: u64, last: u64) -> u64 {
        first + self.below(last - first + 1)
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    fn one_of<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.below(items.len() as u64) as usize)
    }
}

/// What happened, as one number (FNV-1a over the told lines); printed too where a single seed is looked at.
struct Trace {
    digest: u64,
    printed: bool,
}

impl Trace {
    fn tell(&mut self, line: fmt::Arguments<'_>) {
        if self.printed {
            println!("{line}");
        }
        // Writing into a number never fails.
        let _ = fmt::write(self, line);
    }
}

impl fmt::Write for Trace {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.digest = (self.digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Ok(())
    }
}
