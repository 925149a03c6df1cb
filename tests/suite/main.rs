//! Whole-system tests, one binary. Modules are named after capabilities: `cargo test --release -p luxor-tests exchange::`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod agreements;
mod archive;
mod attachments;
mod audit_pack;
mod bench;
mod check;
mod codelists;
mod documents;
mod erasure;
mod exchange;
mod faults;
mod flow;
mod governance;
mod hostile;
mod nodes;
mod onward;
mod public_log;
mod reader;
mod restore;
mod rotation;
mod site;
mod views;
mod volume;
mod watch;
mod witness;
