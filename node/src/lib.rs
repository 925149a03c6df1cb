//! A Luxor node: the rooms of the daemon `luxord`.
//!
//! `protocol <- engine`; `protocol <- keyring <- store <- {sequencer, witness}`; `{engine, sequencer, witness} <- driver <- {net, api,
//! public, taxii}`; `sequencer <- logfiles <- {api, public}`; `serving <- {public, taxii}`. net, api, public and taxii never see each other; [`node`] builds
//! and supervises, nothing else.
//!
//! | room | duty |
//! |---|---|
//! | [`engine`] | every decision, without I/O |
//! | [`keyring`] | data keys, under which what is stored of goods is encrypted and with which it goes |
//! | [`store`] | RocksDB, the only place that knows keys and column families |
//! | [`witness`] | this node as a witness of others' logs, cosignatures of its own, evidence of forks |
//! | [`sequencer`] | the one commit thread: index, synced write, checkpoint, lock file, proofs |
//! | [`driver`] | mailbox, worker pool, timers; effects become commits and sends |
//! | [`waking`] | before anything is signed: what witnesses hold of this log |
//! | [`net`] | libp2p, the only place that knows it |
//! | [`api`] | the local HTTP interface |
//! | [`logfiles`] | the log's files for api and public, and how far the public copy is |
//! | [`public`] | the public log: C2SP tlog-tiles over HTTP, for anybody |
//! | [`taxii`] | TAXII 2.1 for threat platforms, read-only |
//! | [`serving`] | connections of listeners that outsiders reach |
//! | [`mod@bench`] | `luxord bench`: the log and the steps of an exchange, measured in one process |
//! | [`check`] | every stored value of a stopped node against the tree and the others, read-only |
//! | [`rules`] | dated rules that records are judged by |
//! | [`desk`] | proposals of screening, and officers |
//! | [`seal`], [`folder`], [`config`], [`entropy`] | age; key files and documents; `luxord.toml`; random bytes |

pub mod accounts;
pub mod api;
pub mod attached;
pub mod bench;
pub mod check;
pub mod config;
pub mod desk;
pub mod driver;
pub mod engine;
pub mod entropy;
pub mod folder;
pub mod keyring;
pub mod logfiles;
pub mod net;
pub mod node;
pub mod practice;
pub mod public;
pub mod rules;
pub mod seal;
pub mod sequencer;
pub mod serving;
pub mod store;
pub mod taxii;
#[cfg(test)]
mod testing;
pub mod trust;
pub mod waking;
pub mod witness;

pub use folder::Folder;
pub use node::{Node, NodeError, StartOptions};
