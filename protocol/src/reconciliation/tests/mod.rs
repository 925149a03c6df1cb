//! A channel with evidence for everything: what several tests share.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod bisect;
mod disputes;
mod proposals;
mod statements;
mod windows;

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::exchange::{Channel, Lane, Outcome};
use crate::hash::{Digest, Domain};
use crate::testing::Network;

static NETWORK: LazyLock<Network> = LazyLock::new(Network::new);

/// A digest that nothing else has.
fn digest(of: u64) -> Digest {
    Digest::of(Domain::Dispatch, &[&of.to_be_bytes()])
}

fn channel() -> Channel {
    NETWORK.channel()
}

fn other_channel() -> Channel {
    Channel { lane: Lane::Urgent, ..channel() }
}

/// What both sides have at a number where they have the same.
fn alike(number: u64) -> Stand {
    Stand::settled(digest(number), &Outcome::Taken(Vec::new()))
}

/// Some other thing at a number.
fn other(number: u64, kind: u8) -> Stand {
    match kind % 5 {
        0 => Stand::Absent,
        1 => Stand::Pending(digest(number)),
        2 => Stand::withdrawn(digest(number)),
        3 => Stand::settled(digest(number), &Outcome::Refused(crate::exchange::RefusalCode::Malformed)),
        _ => Stand::settled(digest(number ^ 1 << 60), &Outcome::Taken(Vec::new())),
    }
}

fn tree(numbers: u64, stand: impl Fn(u64) -> Stand) -> WindowTree {
    WindowTree::new(Span::new(1, numbers).unwrap(), (1..=numbers).map(stand).collect()).unwrap()
}

/// Any stand.
fn stand() -> impl Strategy<Value = Stand> {
    (1u64..1_000, 0u8..=5).prop_map(|(number, kind)| if kind == 5 { alike(number) } else { other(number, kind) })
}
