//! The commands on logs made here, as a person would run them.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod export;
mod files;
mod forks;
mod http;
