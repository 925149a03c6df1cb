//! The commands as people type them, at times that the tests choose.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod damage;
mod lifetime;
mod sending;
mod verifying;

use std::fs;
use std::path::PathBuf;

use clap::Parser as _;
use serde_json::{Value, json};

use super::{AttestCommand, run_at, verify};
use crate::args::{Cli, Command};
use crate::exit::Exit;

/// 2026-11-26T10:00:00Z.
const NOW: u64 = 1_795_687_200;
const DAY: u64 = 86_400;

/// An issuer, a holder, and what they write.
struct Place(tempfile::TempDir);

fn command(args: &[&str]) -> AttestCommand {
    match Cli::try_parse_from([&["luxor", "attest"], args].concat()).unwrap().command {
        Command::Attest(command) => command,
        other => panic!("{other:?}"),
    }
}

/// Runs a command at a time; gives its exit code, or that of its error and what it says.
fn at(now: u64, args: &[&str]) -> Result<Exit, (Exit, String)> {
    run_at(&command(args), now).map_err(|error| (Exit::of(&error), format!("{error:#}")))
}

/// It must be refused, with this in its words.
#[track_caller]
fn refused(now: u64, args: &[&str], exit: Exit, words: &str) {
    let (found, said) = at(now, args).unwrap_err();
    assert_eq!(found, exit, "{said}");
    assert!(said.contains(words), "{said}");
}

impl Place {
    fn new(more: &[&str]) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        let (dir, holder) = (place.text("issuer"), place.text("holder.key"));
        let made = ["keygen", "--dir", &dir, "--issuer", "https://customs.example/aeo", "--statuses", "1024"];
        assert_eq!(at(NOW, &[&made[..], more].concat()), Ok(Exit::Ok));
        assert_eq!(at(NOW, &["keygen", "--holder", &holder]), Ok(Exit::Ok));
        fs::write(
            place.path("aeo.toml"),
            r#"
type = "aeo"
programme = "EU AEO"
country = "DE"
national_type = "AEOF"
standing = "active"
standing_since = 2025-11-26
eori = "DE1234567"
legal_name = "Beispiel Großhandel GmbH"
consent = "consent/2025/4711"
roles = ["exporter", "importer"]
"#,
        )
        .unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// Issues what `aeo.toml` says, with more arguments.
    fn issue(&self, now: u64, out: &str, more: &[&str]) -> Result<Exit, (Exit, String)> {
        let (dir, claims, holder) = (self.text("issuer"), self.text("aeo.toml"), self.text("holder.key.jwk"));
        let out = self.text(out);
        let args = ["issue", "--dir", &dir, "--claims", &claims, "--holder", &holder, "-o", &out];
        at(now, &[&args[..], more].concat())
    }

    /// `revoke`, `suspend`, `reinstate` by the subject.
    fn change(&self, now: u64, what: &str) -> Result<Exit, (Exit, String)> {
        at(now, &[what, "--dir", &self.text("issuer"), "--subject", "DE1234567", "--reason", "a test"])
    }

    fn renew(&self, now: u64, index: u64, out: &str) -> Result<Exit, (Exit, String)> {
        at(now, &["renew", "--dir", &self.text("issuer"), "--index", &index.to_string(), "-o", &self.text(out)])
    }

    fn publish(&self, now: u64) {
        let (dir, www) = (self.text("issuer"), self.text("www"));
        assert_eq!(at(now, &["publish", "--dir", &dir, "--to", &www]), Ok(Exit::Ok));
    }

    fn present(&self, now: u64, file: &str, disclose: &str, nonce: &str, out: &str) -> Result<Exit, (Exit, String)> {
        let (file, key, out) = (self.text(file), self.text("holder.key"), self.text(out));
        let who = ["--aud", "shop.example", "--nonce", nonce, "-o", &out];
        let named: &[&str] = if disclose.is_empty() { &[] } else { &["--disclose", disclose] };
        at(now, &[&["present", &file, "--key", &key][..], &who[..], named].concat())
    }

    /// What `verify` finds by what is published, as JSON.
    fn verify(&self, now: u64, file: &str, more: &[&str]) -> Value {
        let (file, issuer) = (self.text(file), self.text("www/.well-known/jwt-vc-issuer/aeo"));
        let status = self.text("www/aeo/status/1");
        let own: &[&str] = if more.contains(&"--status") { &[] } else { &["--status", &status] };
        let args = [&["verify", &file, "--issuer", &issuer][..], own, more].concat();
        let AttestCommand::Verify(args) = command(&args) else { panic!() };
        verify::verify(&args, now).unwrap().object()
    }

    /// The register's lines.
    fn register(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.path("issuer/register.ndjson")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The numbers issued, in their order.
    fn indexes(&self) -> Vec<u64> {
        self.register().iter().filter_map(|line| line["issued"]["index"].as_u64()).collect()
    }
}

/// The checks that failed, by name.
fn failed(found: &Value) -> Vec<&str> {
    let checks = found["checks"].as_array().unwrap().iter();
    let failed: Vec<&str> = checks.filter(|c| c["outcome"] == "failed").map(|c| c["check"].as_str().unwrap()).collect();
    assert_eq!(found["ok"], json!(failed.is_empty()), "{found}");
    failed
}

/// What a check says.
fn detail<'a>(found: &'a Value, check: &str) -> &'a str {
    let all = found["checks"].as_array().unwrap();
    all.iter().find(|of| of["check"] == check).unwrap()["detail"].as_str().unwrap()
}
