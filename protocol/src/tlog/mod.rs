//! The verifiable log on the wire: hashing, trees, notes, checkpoints and proofs as the C2SP specifications and
//! RFC 6962 define them, byte for byte, so that verifiers other people wrote can check a Luxor log unchanged.
//!
//! What is here: pure functions and values.
//! What is not: no I/O, no clock, no randomness, no storage. Where tiles are kept, when a checkpoint is
//! signed and which witnesses count is decided by the caller.
//!
//! | file | content | source |
//! |---|---|---|
//! | [`hash`] | leaf and node hash | RFC 6962 section 2.1 |
//! | [`tree`] | compact range and roots | RFC 6962 section 2.1 |
//! | [`proof`] | inclusion and consistency proofs, built and verified | RFC 6962 sections 2.1.1 and 2.1.2 |
//! | [`tile`] | tile arithmetic | <https://c2sp.org/tlog-tiles> |
//! | [`path`] | paths of a log's files, what an export holds | <https://c2sp.org/tlog-tiles> |
//! | [`bundle`] | entry bundles | <https://c2sp.org/tlog-tiles> |
//! | [`tiled`] | a log read from its tiles | <https://c2sp.org/tlog-tiles> |
//! | [`verify_log`] | a whole log checked in one pass | <https://c2sp.org/tlog-tiles> |
//! | [`edge`] | right edge of a growing log in memory | <https://c2sp.org/tlog-tiles> |
//! | [`memory`] | a whole tree in memory | RFC 6962 section 2.1 |
//! | [`vkey`] | verifier keys, single signatures | <https://c2sp.org/signed-note>, <https://c2sp.org/tlog-cosignature> |
//! | [`note`] | signed notes | <https://c2sp.org/signed-note> |
//! | [`checkpoint`] | signed tree heads | <https://c2sp.org/tlog-checkpoint> |
//! | [`policy`] | which cosignatures make a checkpoint count | <https://c2sp.org/tlog-policy> |
//! | `policy_file` | its lines | <https://c2sp.org/tlog-policy> |
//! | [`policy_lint`] | what a policy amounts to | ours |
//! | [`witness`] | what a witness is asked and decides | <https://c2sp.org/tlog-witness> |
//! | [`witness_answer`] | how a log reads the answer | <https://c2sp.org/tlog-witness> |
//! | [`mod@observe`] | what a checkpoint means to somebody who holds an earlier one | ours, over the formats above |
//! | [`evidence`] | proof that a log showed two histories | ours, over the formats above |
//! | [`proof_file`] | the receipt file | <https://c2sp.org/tlog-proof> |

pub mod bundle;
pub mod checkpoint;
#[cfg(test)]
mod differential;
pub mod edge;
pub mod evidence;
pub mod hash;
pub mod memory;
pub mod note;
pub mod observe;
pub mod path;
pub mod policy;
mod policy_file;
pub mod policy_lint;
pub mod proof;
pub mod proof_file;
mod text;
pub mod tile;
pub mod tiled;
pub mod tree;
#[cfg(test)]
mod vectors;
pub mod verify_log;
pub mod vkey;
pub mod witness;
pub mod witness_answer;

pub use bundle::{BundleError, MAX_BUNDLE_BYTES, MAX_ENTRY_BYTES, decode_bundle, encode_bundle};
pub use checkpoint::{Checkpoint, CheckpointError, MAX_CHECKPOINT_BYTES};
pub use edge::{CompletedTile, Edge, EdgeError, MissingNode};
pub use evidence::{EvidenceError, Fork, ForkEvidence, MAX_EVIDENCE_BYTES, MAX_EVIDENCE_HASHES};
pub use hash::{EMPTY_ROOT, Hash, empty_root, leaf_hash, node_hash};
pub use memory::MemoryTree;
pub use note::{MAX_NOTE_BYTES, MAX_NOTE_SIGNATURES, Note, NoteError, NoteSignature, Verified};
pub use observe::{ObserveError, Observed, observe};
pub use path::{MAX_TILE_LEVEL, PathError, TileLevel, TilePath, TileWidth, paths_between, paths_of};
pub use policy::{
    MAX_POLICY_BYTES, MAX_POLICY_GROUPS, MAX_POLICY_LOGS, MAX_POLICY_WITNESSES, Policy, PolicyError, PolicyParty,
    Satisfied,
};
pub use policy_lint::Finding;
pub use proof::{
    NodeReader, PrefixRoots, ProofError, ProveError, consistency_proof, inclusion_proof, prefix_proof, prefix_roots,
    root_at, verify_consistency, verify_inclusion,
};
pub use proof_file::{MAX_PROOF_HASHES, MAX_TLOG_PROOF_BYTES, ProofFileError, TlogProof};
pub use tile::{TILE_HEIGHT, TILE_WIDTH, TileNode, node_in_tile, tile_of};
pub use tiled::{MAX_CACHED_TILES, TileSource, TiledError, TiledLog};
pub use tree::{Frontier, MAX_TREE_SIZE, TreeError, root_of};
pub use verify_log::{LogSummary, LogVerifier, VerifyLogError};
pub use vkey::{KeyError, KeyType, MAX_COSIGNATURE_TIME, MAX_KEY_NAME_BYTES, VerifierKey, is_valid_key_name};
pub use witness::{
    AddCheckpoint, Decision, Held, MAX_ADD_CHECKPOINT_BYTES, MAX_WITNESS_PROOF_HASHES, Refusal, WitnessError,
    cosign_line, decide, monitoring_id,
};
pub use witness_answer::{Answer, AnswerError, add_cosignatures, read_answer};
