//! Commands about traders: what a node is asked about them, and the keys with which a member attests them.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use luxor_protocol::names::{MemberId, Purpose};
use luxor_protocol::recognition::Scheme;
use luxor_protocol::time::{Day, Millis};

use super::{KnownArgs, NodeArgs, WordArgs};

/// `luxor recognise`
#[derive(Debug, Args)]
pub(crate) struct RecogniseArgs {
    /// The trader's number, exactly as its credential has it.
    pub(crate) number: String,
    /// tin, eori, ioss, registration or seller. Without it the number tells, where it is plain: IM and ten digits is an IOSS number;
    /// two letters and at most 15 letters and digits an EORI, with more of them, to 35 in all, a TIN.
    #[arg(long)]
    pub(crate) scheme: Option<Scheme>,
    /// What for.
    #[arg(long)]
    pub(crate) purpose: Purpose,
    /// Tariff codes of the goods: a benefit may not hold for some. May be given several times.
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    pub(crate) hs: Vec<String>,
    /// Groups of data that are given besides what is owed: a benefit may depend on them. May be given several times.
    #[arg(long, value_name = "GROUP", value_delimiter = ',')]
    pub(crate) given: Vec<String>,
    /// As of this moment (RFC 3339), by what was known then; else now.
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<Millis>,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// `luxor uses`
#[derive(Debug, Args)]
pub(crate) struct UsesArgs {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// `luxor card attest-key`
#[derive(Debug, Subcommand)]
pub(crate) enum AttestKeyCommand {
    /// Put a key on the card.
    Add(AttestKeyAddArgs),
    /// Say until when a key signs. It stays on the card: what it signed until then counts.
    End(AttestKeyEndArgs),
    /// List a member's keys.
    List(AttestKeyListArgs),
}

/// `luxor card attest-key add`
#[derive(Debug, Args)]
pub(crate) struct AttestKeyAddArgs {
    #[command(flatten)]
    pub(crate) which: AttestKeyFrom,
    /// The first day on which it signs; else today.
    #[arg(long, value_name = "DAY")]
    pub(crate) from: Option<Day>,
    #[command(flatten)]
    pub(crate) word: WordArgs,
}

/// Where the key is.
#[derive(Debug, Args)]
#[group(id = "attest_key_from", required = true, multiple = false)]
pub(crate) struct AttestKeyFrom {
    /// The issuer's folder, as `luxor attest keygen --dir` made it. Only the public half is read.
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// The public key, a JWK file.
    #[arg(long, value_name = "FILE")]
    pub(crate) jwk: Option<PathBuf>,
}

/// `luxor card attest-key end`
#[derive(Debug, Args)]
pub(crate) struct AttestKeyEndArgs {
    /// The key, by the beginning of its kid or id, as `list` tells them.
    // One in 64 begins with a hyphen (base64url).
    #[arg(long, value_name = "KID", allow_hyphen_values = true)]
    pub(crate) kid: String,
    /// The last day on which it signs.
    #[arg(long, value_name = "DAY")]
    pub(crate) until: Day,
    #[command(flatten)]
    pub(crate) word: WordArgs,
}

/// `luxor card attest-key list`
#[derive(Debug, Args)]
pub(crate) struct AttestKeyListArgs {
    #[command(flatten)]
    pub(crate) known: KnownArgs,
    /// Another member's.
    #[arg(long, value_name = "ID")]
    pub(crate) member: Option<MemberId>,
}
