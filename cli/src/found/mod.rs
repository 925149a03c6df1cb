//! A node's folder: founding it, its keys, its card, its documents.
//!
//! Layout: `luxord.toml`, `keys/*.key`, `documents/*.luxor`, `member.toml`; `data/` and `run/` belong to `luxord`.

mod config;
mod documents;
mod rotation;
mod succession;

#[cfg(test)]
mod tests;

use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use age::secrecy::ExposeSecret as _;
use luxor_protocol::document::{Card, CardNode, DirectoryError, Document, DocumentError, ProhibitionError};
use luxor_protocol::hash::Digest;
use luxor_protocol::keys::{KeyError, KeyUse, PublicKey, SecretKey};
use luxor_protocol::names::{MemberId, MemberKind, Slug, Territory};
use luxor_protocol::record::{OPENING, code_lists, tables};
use zeroize::Zeroizing;

use crate::files::{self, FileError};
use config::NodeConfig;
pub(crate) use documents::{
    MAX_DOCUMENT_FILE, all_documents, directory, documents_in, install, known, prohibitions, read_document, replaces,
};
pub(crate) use rotation::{Replaced, announce, finish, settle, switch};
pub(crate) use succession::succeed;

const MAX_TEXT_FILE: usize = 64 * 1024;

/// Why a node's folder could not be made, read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FoundError {
    /// Something is there already.
    #[error("{} is not empty\nhint: choose a new folder; init never overwrites keys", .0.display())]
    NotEmpty(PathBuf),
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// There is no node in this folder.
    #[error("{} holds no luxord.toml\nhint: found a node there with `luxor init`", .0.display())]
    NoNode(PathBuf),
    /// The configuration is wrong.
    #[error("{}: {what}", path.display())]
    Config {
        /// Which file.
        path: PathBuf,
        /// What is wrong in it.
        what: String,
    },
    /// A key file is wrong.
    #[error("{}", path.display())]
    Key {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        source: KeyError,
    },
    /// Keys cannot be replaced now.
    #[error(
        "{0}\nhint: `luxor card rotate` announces next keys, --switch puts them into use, --finish leaves the former ones out"
    )]
    Rotation(String),
    /// The seal key file is wrong.
    #[error("{}: not an age identity (AGE-SECRET-KEY-1…): {what}", path.display())]
    Seal {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A document file is wrong.
    #[error("{}", path.display())]
    Document {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        source: DocumentError,
    },
    /// The card contradicts itself.
    #[error(transparent)]
    Card(DocumentError),
    /// No charter, or more than one.
    #[error("{} holds {count} charters; a node has exactly one\nhint: `luxor install --node DIR CHARTER`", folder.display())]
    Charters {
        /// The folder of documents.
        folder: PathBuf,
        /// How many there are.
        count: usize,
    },
    /// The documents do not make a network.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The prohibition file is refused.
    #[error("{}", path.display())]
    Prohibitions {
        /// Which file.
        path: PathBuf,
        /// What is wrong in it.
        source: ProhibitionError,
    },
    /// The operating system gave no random bytes.
    #[error("no random bytes from the operating system")]
    Random(#[source] getrandom::Error),
    /// The node runs.
    #[error("{} is a running node, process {pid}\nhint: stop it first", dir.display())]
    Running {
        /// Its folder.
        dir: PathBuf,
        /// Its process.
        pid: u32,
    },
    /// The own card is not there.
    #[error("{} holds no card of {member}\nhint: `luxor card sign`, then `luxor install`", dir.display())]
    NoCard {
        /// The node's folder.
        dir: PathBuf,
        /// The member.
        member: MemberId,
    },
    /// An option that no node could run with.
    #[error("{0}")]
    Option(String),
}

/// What a new node is to be.
#[derive(Debug, Clone)]
pub(crate) struct InitOptions {
    /// The member that runs it.
    pub(crate) member: MemberId,
    /// The node's name within the member.
    pub(crate) node: Slug,
    /// The member's full name, for people.
    pub(crate) name: String,
    /// What kind of organisation the member is.
    pub(crate) kind: MemberKind,
    /// Its customs territory.
    pub(crate) territory: Territory,
    /// Where the node listens for other nodes, as multiaddr.
    pub(crate) exchange: Vec<String>,
    /// Where its local interface listens, as `127.0.0.1:4780`.
    pub(crate) api: String,
    /// Where anybody reads its public log, as `127.0.0.1:4790`, if anybody may.
    pub(crate) log: Option<String>,
    /// First pause before a dispatch is tried again.
    pub(crate) retry_min_ms: u64,
    /// Longest pause.
    pub(crate) retry_max_ms: u64,
    /// Whether the store compresses.
    pub(crate) compression: bool,
    /// Whether the member has a node already: then it has its identity key too, and this one gets none.
    pub(crate) further: bool,
}

/// Founds a node: makes its folder with configuration and keys. Returns the `[[member]]` table for a charter draft, which
/// also stands in `DIR/member.toml`; nothing for a further node of a member.
///
/// # Errors
/// [`FoundError`]; the folder is then as it was.
pub(crate) fn init(dir: &Path, options: &InitOptions) -> Result<String, FoundError> {
    config::check(options).map_err(FoundError::Option)?;
    let stage = files::stage(dir, ".luxor-init-")?.ok_or_else(|| FoundError::NotEmpty(dir.to_owned()))?;
    let at = |name: &str| stage.path().join(name);
    fs::DirBuilder::new().mode(0o700).create(at("keys")).map_err(FileError::at(&at("keys")))?;
    fs::create_dir(at("documents")).map_err(FileError::at(&at("documents")))?;
    let mut identity = None;
    for purpose in KeyUse::ALL.into_iter().filter(|purpose| !options.further || *purpose != KeyUse::Identity) {
        let key = generate(purpose)?;
        files::write_secret(&key_path(stage.path(), purpose.name()), &key.to_text())?;
        if purpose == KeyUse::Identity {
            identity = Some(*key.public());
        }
    }
    let seal = Zeroizing::new(format!("{}\n", age::x25519::Identity::generate().to_string().expose_secret()));
    files::write_secret(&key_path(stage.path(), "seal"), &seal)?;
    let member = identity.map(|identity| config::member_toml(options, &identity)).unwrap_or_default();
    if !options.further {
        files::write(&at("member.toml"), member.as_bytes())?;
    }
    files::write(&at("luxord.toml"), NodeConfig::new(options).to_text().as_bytes())?;
    files::settle(stage, dir)?;
    Ok(member)
}

/// The identity key of the member whose node this is.
///
/// # Errors
/// [`FoundError`] when the key file cannot be read.
pub(crate) fn identity(dir: &Path) -> Result<SecretKey, FoundError> {
    secret(dir, KeyUse::Identity)
}

/// Whether the member's identity key is in the folder.
pub(crate) fn has_identity(dir: &Path) -> bool {
    key_path(dir, KeyUse::Identity.name()).exists()
}

/// The member whose node this is.
///
/// # Errors
/// [`FoundError`] when `luxord.toml` cannot be read.
pub(crate) fn member(dir: &Path) -> Result<MemberId, FoundError> {
    NodeConfig::load(dir).map(|config| config.node.member)
}

/// Signs a document for the member whose node this is.
///
/// # Errors
/// [`FoundError`] when configuration or key cannot be read.
pub(crate) fn sign(dir: &Path, document: &mut Document) -> Result<(), FoundError> {
    document.sign(&member(dir)?, &identity(dir)?);
    Ok(())
}

/// The card of the member with this node alone, not yet signed, from keys and `luxord.toml`.
///
/// # Errors
/// [`FoundError`] when one of them cannot be read or the card contradicts itself.
pub(crate) fn card(dir: &Path, network: Digest) -> Result<Document, FoundError> {
    card_under(dir, network, *identity(dir)?.public())
}

/// The file of a node's TAXII users, in its folder.
///
/// # Errors
/// [`FoundError`] where its configuration cannot be read.
pub(crate) fn taxii_users(dir: &Path) -> Result<PathBuf, FoundError> {
    Ok(NodeConfig::load(dir)?.taxii.users.unwrap_or_else(|| "taxii.toml".into()))
}

/// The same under this identity key, which need not be here.
///
/// # Errors
/// As [`card`].
pub(crate) fn card_under(dir: &Path, network: Digest, identity: PublicKey) -> Result<Document, FoundError> {
    let NodeConfig { node, listen, .. } = NodeConfig::load(dir)?;
    let (member, name) = (node.member, node.name);
    let public = |purpose| -> Result<PublicKey, FoundError> { Ok(*secret(dir, purpose)?.public()) };
    let node = CardNode {
        sign: public(KeyUse::Sign)?.into(),
        log: public(KeyUse::Log)?.into(),
        witness: public(KeyUse::Witness)?.into(),
        transport: public(KeyUse::Transport)?.into(),
        seal: vec![seal_recipient(dir)?],
        origin: format!("luxor.{}/{member}/{name}", &network.hex()[..16]),
        addresses: listen.exchange,
        epoch: 1,
        reads: reads(),
        name,
    };
    Card { member, identity, nodes: vec![node], attest: Vec::new() }.to_document(network).map_err(FoundError::Card)
}

/// What a card says that this program reads: record types with their versions, code lists with their editions.
fn reads() -> Vec<(String, u64)> {
    let types = tables().filter(|t| t.name != OPENING.name).map(|t| (t.name, t.version));
    let editions = code_lists().into_iter().flat_map(|list| list.editions.iter().map(|of| (list.name, of.year)));
    types.chain(editions).map(|(name, number)| (name.to_owned(), number)).collect()
}

/// A new key.
///
/// # Errors
/// [`FoundError`] without random bytes.
pub(crate) fn generate(purpose: KeyUse) -> Result<SecretKey, FoundError> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(seed.as_mut_slice()).map_err(FoundError::Random)?;
    let path = PathBuf::from(purpose.name());
    SecretKey::from_seed(purpose, &seed).map_err(|source| FoundError::Key { path, source })
}

fn key_path(dir: &Path, name: &str) -> PathBuf {
    dir.join("keys").join(format!("{name}.key"))
}

fn secret(dir: &Path, purpose: KeyUse) -> Result<SecretKey, FoundError> {
    let path = key_path(dir, purpose.name());
    let text = Zeroizing::new(files::read_text(&path, MAX_TEXT_FILE)?);
    SecretKey::parse(purpose, &text).map_err(|source| FoundError::Key { path, source })
}

fn seal_recipient(dir: &Path) -> Result<String, FoundError> {
    let path = key_path(dir, "seal");
    let text = Zeroizing::new(files::read_text(&path, MAX_TEXT_FILE)?);
    let identity: Result<age::x25519::Identity, _> = text.trim_end().parse();
    identity.map(|i| i.to_public().to_string()).map_err(|what| FoundError::Seal { path, what })
}
