//! Random bytes from the operating system: the only source of randomness of the node's own code (age and libp2p draw
//! theirs themselves).

use luxor_protocol::exchange::{Opening, Skeleton};

/// The operating system gave no random bytes.
#[derive(Debug, thiserror::Error)]
#[error("no entropy: {0}")]
pub struct EntropyError(getrandom::Error);

/// Random bytes into a buffer: one call of the system for many of them.
///
/// # Errors
/// [`EntropyError`]; the node cannot go on without.
pub fn fill(bytes: &mut [u8]) -> Result<(), EntropyError> {
    getrandom::fill(bytes).map_err(EntropyError)
}

/// An opening under fresh salts.
///
/// # Errors
/// [`EntropyError`]; the node cannot go on without.
pub fn opening(skeleton: &Skeleton, body: Vec<u8>) -> Result<Opening, EntropyError> {
    Ok(Opening::new(skeleton, body, random()?, random()?))
}

/// So many random bytes.
///
/// # Errors
/// [`EntropyError`]; the node cannot go on without.
pub fn random<const N: usize>() -> Result<[u8; N], EntropyError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(EntropyError)?;
    Ok(bytes)
}
