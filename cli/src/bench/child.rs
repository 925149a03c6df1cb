//! `luxord bench`: what is measured inside one process of the daemon's binary.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use luxor_protocol::bench::{LogReport, PrimitivesReport};
use serde::de::DeserializeOwned;

use super::{LogArgs, ShapeArgs};

/// Measures a log in `folder`.
pub(super) fn log(luxord: &Path, folder: &Path, args: &LogArgs) -> Result<LogReport> {
    let mut options = vec![("--entries", args.entries), ("--in-flight", args.in_flight)];
    options.extend(args.size.map(|size| ("--size", size)));
    run(luxord, "log", folder, &options)
}

/// Measures the steps of an exchange; writes go to `folder`.
pub(super) fn primitives(luxord: &Path, folder: &Path, shape: &ShapeArgs) -> Result<PrimitivesReport> {
    run(luxord, "primitives", folder, &[("--size", shape.size), ("--batch", shape.batch)])
}

fn run<T: DeserializeOwned>(luxord: &Path, what: &str, folder: &Path, options: &[(&str, u64)]) -> Result<T> {
    let mut command = Command::new(luxord);
    command.args([OsStr::new("bench"), OsStr::new(what), OsStr::new("--folder"), folder.as_os_str()]);
    for (name, value) in options {
        command.arg(name).arg(value.to_string());
    }
    // Its messages are this command's messages.
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let output = command.output().with_context(|| format!("{}: cannot be started", luxord.display()))?;
    if !output.status.success() {
        bail!("luxord bench {what} ended with {}; what it said is above", output.status);
    }
    serde_json::from_slice(&output.stdout).with_context(|| {
        format!("what luxord bench {what} printed is not understood\nhint: are luxor and luxord of one version?")
    })
}
