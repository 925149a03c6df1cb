//! `luxor`: founds nodes, signs documents, submits and shows records, audits logs.
//!
//! Data goes to stdout, messages and progress to stderr; `luxor --help` lists the exit codes.

mod args;
mod auditing;
mod bench;
mod chunks;
mod client;
mod cmd;
mod demo;
mod exit;
mod files;
mod found;
mod input;
mod local;
mod log;
mod mapping;
mod refusals;
mod rules;
mod sandbox;
mod ui;

use std::process::ExitCode;

use clap::Parser as _;

use args::Cli;
use exit::Exit;

/// The allocator of the node: books, statistics and imports make and drop many small things as well, and what `bench` measures is what a
/// node would take.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let exit = match cmd::run(Cli::parse().command) {
        Ok(exit) => exit,
        Err(error) if exit::is_broken_pipe(&error) => Exit::Ok,
        Err(error) => {
            ui::error(&error);
            Exit::of(&error)
        }
    };
    exit.into()
}
