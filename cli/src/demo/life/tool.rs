//! This command itself, run as a person would run it from a terminal: issuing, confirming, reconciling, sampling are done by the same
//! commands that everybody has.

use std::ffi::OsStr;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde::de::DeserializeOwned;

/// What a command ended with and printed.
pub(in crate::demo) struct Ran {
    /// 0, or 1 where it found something.
    pub(in crate::demo) found: bool,
    pub(in crate::demo) stdout: Vec<u8>,
}

/// Runs `luxor` with these arguments. Code 1, findings, is an answer.
///
/// # Errors
/// What it said where it ended with anything else.
pub(in crate::demo) fn luxor<A: AsRef<OsStr>>(arguments: &[A]) -> Result<Ran> {
    let own = std::env::current_exe().context("this executable's own path is not known")?;
    let shown = || arguments.iter().map(|one| one.as_ref().to_string_lossy()).collect::<Vec<_>>().join(" ");
    let output = Command::new(own)
        .args(arguments)
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("luxor {}: cannot be started", shown()))?;
    match output.status.code() {
        Some(0) => Ok(Ran { found: false, stdout: output.stdout }),
        Some(1) => Ok(Ran { found: true, stdout: output.stdout }),
        code => {
            let code = code.map_or_else(|| "a signal".to_owned(), |code| format!("code {code}"));
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("`luxor {}` ended with {code}:\n{}", shown(), said.trim_end())
        }
    }
}

/// The same where nothing may be found.
///
/// # Errors
/// As [`luxor`], and of findings.
pub(in crate::demo) fn done<A: AsRef<OsStr>>(arguments: &[A]) -> Result<Vec<u8>> {
    let ran = luxor(arguments)?;
    if ran.found {
        let shown = arguments.iter().map(|one| one.as_ref().to_string_lossy()).collect::<Vec<_>>().join(" ");
        bail!("`luxor {shown}` found something:\n{}", String::from_utf8_lossy(&ran.stdout).trim_end());
    }
    Ok(ran.stdout)
}

/// What it printed, which is one JSON document.
///
/// # Errors
/// As [`luxor`], or of something else than the JSON expected.
pub(in crate::demo) fn json<T: DeserializeOwned, A: AsRef<OsStr>>(arguments: &[A]) -> Result<T> {
    let ran = luxor(arguments)?;
    serde_json::from_slice(&ran.stdout).with_context(|| {
        let shown = arguments.iter().map(|one| one.as_ref().to_string_lossy()).collect::<Vec<_>>().join(" ");
        format!("`luxor {shown}` printed no such JSON")
    })
}
