//! What packs and archives rest on and cannot prove themselves: whose network and log it is. It is compared with what is known from
//! elsewhere, and where nothing is given, that is said.

use std::path::Path;

use luxor_protocol::document::DocumentKind;
use luxor_protocol::hash::{Digest, unhex};
use luxor_protocol::tlog::{Policy, VerifierKey};

use super::args::AnchorArgs;
use crate::cmd::signatures;
use crate::log::{Report, read_policy, read_vkey};
use crate::ui;

/// What is known from elsewhere.
pub(super) struct Anchors {
    /// The network's digest, hexadecimal.
    network: Option<String>,
    vkey: Option<VerifierKey>,
    /// Which witnesses must have cosigned.
    pub(super) policy: Option<Policy>,
}

impl Anchors {
    /// Reads what the command line gives.
    pub(super) fn read(args: &AnchorArgs) -> anyhow::Result<Self> {
        Ok(Self {
            network: args.charter.as_deref().map(network).transpose()?.map(|network| network.hex()),
            vkey: args.vkey.as_deref().map(read_vkey).transpose()?,
            policy: args.policy.as_deref().map(read_policy).transpose()?,
        })
    }

    /// Compares and tells it. Without them the files only agree with themselves, and that is said where nobody overlooks it.
    pub(super) fn compare(&self, report: &mut Report, what: &str, network: &str, network_name: &str, log_key: &str) {
        let compared = |given: bool| if given { "as given" } else { "NOT COMPARED with anything" };
        let (given_network, given_key) = (self.network.as_deref(), self.vkey.as_ref().map(ToString::to_string));
        let words = format!("{network} \"{network_name}\", {}", compared(given_network.is_some()));
        report.told("network", network, words);
        report.told("network_compared", given_network.is_some(), "");
        report.told("log_key", log_key, format!("{log_key}, {}", compared(given_key.is_some())));
        report.told("log_key_compared", given_key.is_some(), "");
        if given_network.is_some_and(|given| given != network) {
            report.finding(format!("the {what} is of another network than the one given"));
        }
        if given_key.as_deref().is_some_and(|given| given != log_key) {
            report.finding("the log has another key than the one given");
        }
        if given_network.is_none() && given_key.is_none() {
            ui::say(&format!(
                "whose network and log it is the {what} does not say: compare network and log key with what you know from \
                 elsewhere, or give --charter or --vkey"
            ));
        }
    }
}

/// The network's digest, given or of a charter.
pub(in crate::cmd) fn network(text: &str) -> anyhow::Result<Digest> {
    // A digest first: a file may be named like one, by somebody who wants another network to be used.
    if let Some(digest) = unhex(text).and_then(|digest| digest.try_into().ok()) {
        return Ok(Digest(digest));
    }
    Ok(signatures::read_document(Path::new(text), DocumentKind::Charter)?.digest())
}
