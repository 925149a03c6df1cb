//! Attestations about traders that any library verifies: JOSE keys and tokens, SD-JWT (RFC 9901), SD-JWT VC
//! (draft-ietf-oauth-sd-jwt-vc), token status lists (draft-ietf-oauth-status-list), and the claims of our own types.
//!
//! Not here: who may issue what (the charter), where keys, lists and credentials are kept, fetching, clocks and randomness.

pub mod claims;
pub mod json;
pub mod jws;
pub mod key;
pub mod sdjwt;
pub mod status;
pub mod vc;

pub use claims::{Attestation, ClaimsError, Credential, CredentialType, Shown, Terms};
pub use key::{Algorithm, AttestKey, AttestKeyError, AttestPublic};
pub use sdjwt::{ClaimPath, Demand, KeyBinding, SdJwt, SdJwtError, Step};
pub use status::{Bits, Status, StatusClaims, StatusError, StatusList, StatusReference, StatusToken};
pub use vc::{Vc, VcError};

#[cfg(test)]
mod tests;
