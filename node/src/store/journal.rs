//! Rows that stand one after another under numbers, each with a checksum, since nothing else protects them.
//!
//! Not here: what is in them.

use luxor_protocol::hash::{Digest, Domain};

use super::open::StoreError;

/// Bytes of a checksum.
const CHECKSUM: usize = 16;

/// The bytes of a row of a journal at a number.
pub(super) fn stored(journal: &[u8], number: u64, encoded: &[u8]) -> Vec<u8> {
    [&checksum(journal, number, encoded)[..], encoded].concat()
}

/// The encoding in what stands at a number.
///
/// # Errors
/// What is wrong with it.
pub(super) fn read<'b>(journal: &[u8], number: u64, bytes: &'b [u8]) -> Result<&'b [u8], String> {
    let (sum, encoded) = bytes.split_at_checked(CHECKSUM).ok_or("too short")?;
    match sum == checksum(journal, number, encoded) {
        true => Ok(encoded),
        false => Err("it is not what was written there".into()),
    }
}

/// The number in a key.
pub(super) fn number_of(what: &str, key: &[u8]) -> Result<u64, StoreError> {
    let key = key.try_into().map_err(|_| StoreError::damaged(what, "its key"))?;
    Ok(u64::from_be_bytes(key))
}

fn checksum(journal: &[u8], number: u64, encoded: &[u8]) -> [u8; CHECKSUM] {
    let digest = Digest::of(Domain::Index, &[journal, &number.to_be_bytes(), encoded]);
    let mut sum = [0; CHECKSUM];
    sum.copy_from_slice(&digest.0[..CHECKSUM]);
    sum
}
