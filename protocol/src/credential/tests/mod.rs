//! What others published, what may be any, and damage.

#![allow(clippy::unwrap_used)]

mod attested;
mod examples;
mod properties;
mod statuses;

use super::{Algorithm, AttestKey};

fn key(algorithm: Algorithm, seed: u8) -> AttestKey {
    AttestKey::from_seed(algorithm, &[seed; 32]).unwrap()
}

fn salts(count: usize) -> Vec<[u8; 16]> {
    (0..count).map(|n| (n as u128 + 1).to_be_bytes()).collect()
}

/// An example by its name.
fn example(name: &str) -> &'static str {
    let line = include_str!("examples.txt").lines().find(|line| line.split(' ').next() == Some(name)).unwrap();
    line.split_once(' ').unwrap().1
}
