//! The IOSS number: customs of import entitles the platform to collect under it, and the platform confirms its uses. Done with the commands
//! that everybody has.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use super::members::{CUSTOMS_EU, PLATFORM};
use super::stage::Script;
use super::tool;
use super::world::IOSS;
use crate::client::Client;
use crate::files;
use crate::local::{Children, Network};

/// How long other nodes may take to hear of a card.
const HEARD: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);

/// The holder's key, and where it is.
pub(super) struct Holder {
    key: PathBuf,
}

/// Gives customs a key for attestations, and the platform the right to collect.
pub(super) fn entitle(root: &Path, network: &Network, platform: &Client, children: &mut Children) -> Result<Holder> {
    let key = root.join("holder");
    let (issuer, credential) = (root.join("issuer"), root.join("collect.credential"));
    let customs = network.dir(CUSTOMS_EU);
    let path = |path: &Path| path.display().to_string();
    let (holder, issuer, node, credential) = (path(&key), path(&issuer), path(&customs), path(&credential));
    tool::done(&["attest", "keygen", "--holder", &holder])?;
    let keygen = ["attest", "keygen", "--dir", &issuer, "--issuer", "https://customs-eu.example", "--statuses", "4096"];
    tool::done(&keygen)?;
    tool::done(&["card", "attest-key", "add", "--dir", &issuer, "--node", &node])?;
    let customs: luxor_protocol::names::MemberId = CUSTOMS_EU.parse()?;
    let began = Instant::now();
    // A record under a key that a node does not know yet is refused there.
    while platform.documents()?.attest_keys(&customs).is_empty() {
        if began.elapsed() > HEARD {
            bail!("{PLATFORM} did not hear of the key of {CUSTOMS_EU} within {} s", HEARD.as_secs());
        }
        children.check()?;
        std::thread::sleep(POLL);
    }
    let number = format!("ioss={IOSS}");
    let public = format!("{holder}.jwk");
    let mut issue = vec!["attest", "issue", "--dir", &issuer, "--type", "collect", "--holder", &public];
    for claim in [&number, "territory=EU", "collects=tax", "from=2026-01-01", "legal_name=Demo Platform"] {
        issue.extend(["--claim", claim]);
    }
    issue.extend(["--out", &credential, "--node", &node]);
    tool::done(&issue)?;
    tool::done(&["attest", "publish", "--dir", &issuer, "--node", &node])?;
    Ok(Holder { key })
}

/// What confirming says of itself, as far as it is needed here.
#[derive(Deserialize)]
struct Confirmed {
    /// Uses that the node took.
    accepted: u64,
}

/// Confirms the uses of the script. Returns how many were confirmed.
pub(super) fn confirm(holder: &Holder, root: &Path, network: &Network, script: &Script) -> Result<u64> {
    let items: Vec<&str> = script.confirmed().collect();
    let list = root.join("confirmed.items");
    files::write(&list, items.join("\n").as_bytes())?;
    let path = |path: &Path| path.display().to_string();
    let period = script.world.times.period();
    let told = tool::done(&[
        "attest",
        "confirm",
        "--json",
        "--key",
        &path(&holder.key),
        "--number",
        IOSS,
        "--period",
        &period,
        "--scheme",
        "s10",
        "--items",
        &path(&list),
        "--node",
        &path(&network.dir(PLATFORM)),
    ])
    .context("confirming the uses of the IOSS number")?;
    let told: Confirmed = serde_json::from_slice(&told).context("what confirming uses printed")?;
    Ok(told.accepted)
}
