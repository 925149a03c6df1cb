//! The command line of `luxor attest`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use luxor_protocol::credential::CredentialType;
use luxor_protocol::recognition::Period;
use luxor_protocol::time::Millis;

use super::life::Seconds;
use super::publish::{LIFE, TTL};

/// `luxor attest`
#[derive(Debug, Subcommand)]
pub(crate) enum AttestCommand {
    /// Make an issuer's folder with its key, or a holder's key.
    Keygen(KeygenArgs),
    /// Issue a credential to a holder.
    Issue(IssueArgs),
    /// Issue a credential again with the same claims for the same holder, while it is valid.
    Renew(RenewArgs),
    /// Take credentials back for good. With --node partners' nodes get the list at once; else publish it afterwards.
    Revoke(StateArgs),
    /// Let credentials not hold for now. With --node partners' nodes get the list at once; else publish it afterwards.
    Suspend(StateArgs),
    /// End a suspension. With --node partners' nodes get the list at once; else publish it afterwards.
    Reinstate(StateArgs),
    /// Sign the status list: write the files that a web server serves, or have a node send it, or both.
    Publish(PublishArgs),
    /// Confirm, as the holder of a number for duty and tax (IOSS), that it is used for items; a use that is not confirmed before the item
    /// departs is flagged at customs.
    Confirm(ConfirmArgs),
    /// Present a credential to a verifier, as its holder, with only the claims that are named.
    Present(PresentArgs),
    /// Show what a credential says. Nothing of it is verified.
    Show(ShowArgs),
    /// Verify a credential or a presentation, with its status.
    Verify(VerifyArgs),
}

/// `luxor attest keygen`
#[derive(Debug, Args)]
pub(crate) struct KeygenArgs {
    /// The issuer's folder; must not exist, or be empty.
    #[arg(long, value_name = "DIR", requires = "issuer", required_unless_present = "holder")]
    pub(super) dir: Option<PathBuf>,
    /// The issuer, a URI such as https://customs.example. Verifiers find its keys below it.
    #[arg(long, value_name = "URI", requires = "dir")]
    pub(super) issuer: Option<String>,
    /// Where the status list will be served. Without it, the issuer's URI with /status/1 behind it.
    #[arg(long, value_name = "URI", requires = "dir")]
    pub(super) status_list: Option<String>,
    /// How many credentials the list has room for, all those of the years to come, renewed ones too.
    #[arg(long, value_name = "N", default_value_t = 1_048_576, conflicts_with = "holder")]
    pub(super) statuses: u64,
    /// Make a holder's key in place of an issuer: its secret half in this file, its public one (JWK) in the same with .jwk behind.
    #[arg(long, value_name = "FILE", conflicts_with = "dir")]
    pub(super) holder: Option<PathBuf>,
    /// Ed25519 (EdDSA) in place of P-256 (ES256), which every verifier has.
    #[arg(long)]
    pub(super) eddsa: bool,
}

/// `luxor attest issue`
#[derive(Debug, Args)]
pub(crate) struct IssueArgs {
    /// The issuer's folder.
    #[arg(long, value_name = "DIR")]
    pub(super) dir: PathBuf,
    /// aeo, vetted_seller or collect. May stand in the file of claims, as `type`.
    #[arg(long = "type", value_name = "TYPE")]
    pub(super) type_name: Option<CredentialType>,
    /// The claims, as TOML or JSON.
    #[arg(long, value_name = "FILE")]
    pub(super) claims: Option<PathBuf>,
    /// A claim, in place of the file's, such as legal_name="Example Ltd" or roles=exporter,importer. May be given several times.
    #[arg(long = "claim", value_name = "NAME=VALUE")]
    pub(super) claim: Vec<String>,
    /// The holder's public key, a JWK file. Who has its secret half can present the credential, and nobody else.
    #[arg(long, value_name = "FILE")]
    pub(super) holder: PathBuf,
    #[command(flatten)]
    pub(super) life: LifeArgs,
}

/// How long a credential lives, and where it goes.
#[derive(Debug, Args)]
pub(crate) struct LifeArgs {
    /// How long it lives, such as 7d, 12h, 30m, 90s; at most 7 days, and renewed then.
    #[arg(long, value_name = "TIME", default_value = "7d")]
    pub(super) life: Seconds,
    /// Where to write it, instead of stdout.
    #[arg(short, long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,
    /// Have this node send it, as a record, to whom agreements give it: its folder, or its URL (with LUXOR_TOKEN set).
    #[arg(long, value_name = "DIR|URL")]
    pub(super) node: Option<String>,
    /// One JSON document on stdout.
    #[arg(long, requires = "out")]
    pub(super) json: bool,
}

/// `luxor attest renew`
#[derive(Debug, Args)]
pub(crate) struct RenewArgs {
    /// The issuer's folder.
    #[arg(long, value_name = "DIR")]
    pub(super) dir: PathBuf,
    /// The number of one of its credentials in the status list.
    #[arg(long, value_name = "N")]
    pub(super) index: u64,
    #[command(flatten)]
    pub(super) life: LifeArgs,
}

/// `luxor attest revoke`, `suspend` and `reinstate`
#[derive(Debug, Args)]
pub(crate) struct StateArgs {
    /// The issuer's folder.
    #[arg(long, value_name = "DIR")]
    pub(super) dir: PathBuf,
    #[command(flatten)]
    pub(super) which: WhichArgs,
    /// Why, in words, for the register.
    #[arg(long, value_name = "TEXT")]
    pub(super) reason: Option<String>,
    /// Sign the list at once and have this node send it, past everything that waits: its folder, or its URL (with LUXOR_TOKEN set).
    /// Also where nothing changes any more.
    #[arg(long, value_name = "DIR|URL")]
    pub(super) node: Option<String>,
    /// One JSON document on stdout.
    #[arg(long)]
    pub(super) json: bool,
}

/// Which credentials.
#[derive(Debug, Args)]
#[group(id = "attest_which", required = true, multiple = false)]
pub(crate) struct WhichArgs {
    /// The number of a credential in the status list; those that renewed it, or that it renewed, go with it.
    #[arg(long, value_name = "N")]
    pub(super) index: Option<u64>,
    /// Every credential of this subject: its TIN or EORI, registration, or name with the issuer.
    #[arg(long, value_name = "NUMBER")]
    pub(super) subject: Option<String>,
}

/// `luxor attest publish`
#[derive(Debug, Args)]
pub(crate) struct PublishArgs {
    /// The issuer's folder.
    #[arg(long, value_name = "DIR")]
    pub(super) dir: PathBuf,
    #[command(flatten)]
    pub(super) places: PublishPlaces,
    /// How long verifiers may keep the list before they ask again; at most 1d.
    #[arg(long, value_name = "TIME", default_value_t = TTL)]
    pub(super) ttl: Seconds,
    /// From when on the list holds no longer; publish again before. At most 7d.
    #[arg(long, value_name = "TIME", default_value_t = LIFE)]
    pub(super) life: Seconds,
    /// One JSON document on stdout.
    #[arg(long)]
    pub(super) json: bool,
}

/// Where a signed list goes.
#[derive(Debug, Args)]
#[group(id = "attest_places", required = true, multiple = true)]
pub(crate) struct PublishPlaces {
    /// The folder that a web server serves at the root of the issuer's host; made if it is not there.
    #[arg(long, value_name = "DIR")]
    pub(super) to: Option<PathBuf>,
    /// Have this node send it, past everything that waits: its folder, or its URL (with LUXOR_TOKEN set).
    #[arg(long, value_name = "DIR|URL")]
    pub(super) node: Option<String>,
}

/// `luxor attest confirm`
#[derive(Debug, Args)]
pub(crate) struct ConfirmArgs {
    /// The key file of the holder to whom the `collect` credential was issued.
    #[arg(long, value_name = "FILE")]
    pub(super) key: PathBuf,
    /// The number, such as IM0401234567.
    #[arg(long, value_name = "NUMBER")]
    pub(super) number: String,
    /// The month for which the tax is returned.
    #[arg(long, value_name = "YYYY-MM")]
    pub(super) period: Period,
    #[command(flatten)]
    pub(super) which: ItemsArgs,
    /// The scheme of the items: s10, sscc, carrier or platform. Without it an S10 number whose check digit is right has s10, and others
    /// none.
    #[arg(long, value_name = "SCHEME", value_parser = ["s10", "sscc", "carrier", "platform"])]
    pub(super) scheme: Option<String>,
    #[command(flatten)]
    pub(super) to: ConfirmTo,
    /// When it was signed, such as 2026-11-26T10:00:00Z, in place of now: to go on with what was broken off, so that nothing is sent twice.
    #[arg(long, value_name = "TIME")]
    pub(super) signed_at: Option<Millis>,
    /// One JSON document on stdout.
    #[arg(long)]
    pub(super) json: bool,
}

/// Which items.
#[derive(Debug, Args)]
#[group(id = "attest_items", required = true, multiple = false)]
pub(crate) struct ItemsArgs {
    /// An item, as its declaration names it. May be given several times.
    #[arg(long, value_name = "ID")]
    pub(super) item: Vec<String>,
    /// Items, one a line; `-` reads stdin.
    #[arg(long, value_name = "FILE")]
    pub(super) items: Option<PathBuf>,
}

/// Where confirmations go.
#[derive(Debug, Args)]
#[group(id = "attest_confirm_to", required = true, multiple = false)]
pub(crate) struct ConfirmTo {
    /// Write them there as records (NDJSON), for `luxor submit`.
    #[arg(short, long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,
    /// Have this node send them: its folder, or its URL (with LUXOR_TOKEN set).
    #[arg(long, value_name = "DIR|URL")]
    pub(super) node: Option<String>,
}

/// `luxor attest present`
#[derive(Debug, Args)]
pub(crate) struct PresentArgs {
    /// The credential, as its issuer gave it.
    pub(super) file: PathBuf,
    /// The holder's key file.
    #[arg(long, value_name = "FILE")]
    pub(super) key: PathBuf,
    /// A claim to disclose, such as legal_name, roles (all of them) or roles[0]. What stands in clear is seen always.
    #[arg(long, value_delimiter = ',', value_name = "NAME,NAME")]
    pub(super) disclose: Vec<String>,
    /// For whom: what the verifier calls itself.
    #[arg(long, value_name = "TEXT")]
    pub(super) aud: String,
    /// What the verifier asked with, used once.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(super) nonce: String,
    /// Where to write it, instead of stdout.
    #[arg(short, long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,
}

/// `luxor attest show`
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// A credential or a presentation. `-` reads stdin.
    pub(super) file: PathBuf,
    /// One JSON document on stdout.
    #[arg(long)]
    pub(super) json: bool,
}

/// `luxor attest verify`
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// A credential or a presentation. `-` reads stdin.
    pub(super) file: PathBuf,
    /// The issuer's keys: a JWK, or its JWT VC Issuer Metadata with the name that the credential must have.
    #[arg(long, value_name = "FILE")]
    pub(super) issuer: PathBuf,
    #[command(flatten)]
    pub(super) list: ListArgs,
    /// Demand a presentation for this verifier.
    #[arg(long, value_name = "TEXT", requires = "nonce")]
    pub(super) aud: Option<String>,
    /// What the verifier asked with. That it is asked with once is the verifier's to see to.
    #[arg(long, value_name = "TEXT", requires = "aud", allow_hyphen_values = true)]
    pub(super) nonce: Option<String>,
    /// How long ago the holder may have signed.
    #[arg(long, value_name = "TIME", default_value = "5m", requires = "aud")]
    pub(super) max_age: Seconds,
    /// As of this time (RFC 3339), in place of now.
    #[arg(long, value_name = "TIME")]
    pub(super) at: Option<Millis>,
    /// One JSON document on stdout.
    #[arg(long)]
    pub(super) json: bool,
}

/// Where the status is looked up.
#[derive(Debug, Args)]
#[group(id = "attest_status", required = true, multiple = false)]
pub(crate) struct ListArgs {
    /// The signed status list: a file, or the http:// URL where it is served. TLS is not spoken here: fetch it with another program.
    #[arg(long, value_name = "FILE|URL")]
    pub(super) status: Option<String>,
    /// Do not look at the status. A credential that was revoked passes then.
    #[arg(long)]
    pub(super) no_status: bool,
}
