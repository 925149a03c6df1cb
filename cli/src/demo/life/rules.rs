//! Rules that the demo's nodes reconcile by: terms end at once, since a month runs in minutes here. Data, and the files in the nodes' folders.

use anyhow::Result;

use super::members::{CUSTOMS_EU, PLATFORM};
use crate::files;
use crate::local::Network;

/// Bytes of a node's configuration.
const MAX_CONFIG_BYTES: usize = 64 * 1024;
const FILE: &str = "accounting.toml";
const SECTION: &str = "\n[rules]\naccounting = \"accounting.toml\"\n";

/// Everything that the demo plants at customs of import.
const AT_CUSTOMS: &str = r#"purposes = ["revenue", "safety_security"]
summary_stage = "collected"
"#;

/// The platform knows what it told whom; it sees neither arrivals nor what others collect.
const AT_PLATFORM: &str = r#"purposes = ["revenue"]
summary_stage = "collected"
off = [
    "never_arrived", "never_declared", "quantity_differs", "mass_differs", "value_differs", "duty_differs", "released_twice",
    "not_collected", "collected_over", "collected_not_remitted", "remitted_not_collected", "not_assessed", "returned_not_refunded",
    "refunded_not_returned", "given_back_twice", "claim_invalid", "summary_lacks_item", "summary_unknown_item", "summary_differs",
    "summary_unpaid", "summary_short", "summary_over", "summary_paid_twice", "payment_unknown",
]
"#;

/// Terms of no days, and tolerances of scales and rounding.
const TERMS: [&str; 7] = ["arrival", "declaration", "collection", "remittance", "refund", "return", "payment"];
const TOLERANCES: &str = r#"
[[tolerance]]
what = "mass"
most = "0.050"
percent = "2"
from = "2020-01-01"
source = "demo"

[[tolerance]]
what = "value"
most = "0.01"
from = "2020-01-01"
source = "demo"

[[tolerance]]
what = "duty"
most = "0.01"
from = "2020-01-01"
source = "demo"
"#;

/// Writes the rules of those who reconcile, before their nodes start.
pub(super) fn write(network: &Network) -> Result<()> {
    for member in [CUSTOMS_EU, PLATFORM] {
        let Some(text) = of(member) else { continue };
        let dir = network.dir(member);
        files::write(&dir.join(FILE), text.as_bytes())?;
        let path = dir.join("luxord.toml");
        let config = files::read_text(&path, MAX_CONFIG_BYTES)?;
        files::write(&path, format!("{config}{SECTION}").as_bytes())?;
    }
    Ok(())
}

/// The rules of a member that reconciles.
pub(super) fn of(member: &str) -> Option<String> {
    match member {
        CUSTOMS_EU => Some(rules(AT_CUSTOMS)),
        PLATFORM => Some(rules(AT_PLATFORM)),
        _ => None,
    }
}

fn rules(head: &str) -> String {
    let term = |what| format!("\n[[term]]\nwhat = \"{what}\"\ndays = 0\nfrom = \"2020-01-01\"\nsource = \"demo\"\n");
    let terms: String = TERMS.iter().map(term).collect();
    format!("{head}{terms}{TOLERANCES}")
}
