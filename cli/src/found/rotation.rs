//! Replacing the keys of a node, and its member's identity key, one card after another.
//!
//! Three cards: the first announces the next keys behind those in use, the second puts them first, the third leaves the former ones
//! out. Between them every node accepts both, so nothing that is under way is refused. The next keys stand in `keys/<use>-<id>.key`
//! until they take the place of `keys/<use>.key`; retired ones go to `keys/former/`, where nothing reads them. A retired seal key stays
//! in `keys/`: what was sealed to it may still be sent again for some days.

use std::fs;
use std::path::{Path, PathBuf};

use age::secrecy::ExposeSecret as _;
use luxor_protocol::document::{Card, CardNode, Document, Keys};
use luxor_protocol::keys::{KeyUse, PublicKey};
use zeroize::Zeroizing;

use super::config::NodeConfig;
use super::{FoundError, generate, identity, key_path};
use crate::files::{self, FileError};

/// What may be replaced: the keys of a node, and its member's identity key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Replaced {
    /// Signs batches and dispatches.
    Sign,
    /// Signs checkpoints.
    Log,
    /// Signs cosignatures.
    Witness,
    /// Authenticates connections.
    Transport,
    /// Opens what is sealed.
    Seal,
    /// Signs documents; replaced at once, by a card that both keys sign.
    Identity,
}

/// Makes the next keys and the card that announces them. `present` is the newest card.
///
/// # Errors
/// [`FoundError`]; nothing but unused key files is left then.
pub(crate) fn announce(dir: &Path, present: &Document, what: &[Replaced]) -> Result<Document, FoundError> {
    let (mut card, at) = card_of(dir, present)?;
    let node = &mut card.nodes[at];
    let wanted = |replaced| what.is_empty() || what.contains(&replaced);
    for keys in node.uses_mut() {
        let purpose = keys.current().purpose();
        if !replaced(purpose).is_some_and(wanted) {
            continue;
        }
        if keys.all().len() > 1 {
            return Err(FoundError::Rotation(format!("the {} key is being replaced already", purpose.name())));
        }
        let next = generate(purpose)?;
        files::write_secret(&next_path(dir, next.public()), &next.to_text())?;
        *keys = keys_or(vec![*keys.current(), *next.public()])?;
    }
    if wanted(Replaced::Seal) {
        if node.seal.len() > 1 {
            return Err(FoundError::Rotation("the seal key is being replaced already".into()));
        }
        let next = age::x25519::Identity::generate();
        let text = Zeroizing::new(format!("{}\n", next.to_string().expose_secret()));
        let recipient = next.to_public().to_string();
        files::write_secret(&seal_path(dir, &recipient), &text)?;
        node.seal.push(recipient);
    }
    let old = identity(dir)?;
    let next = if what.contains(&Replaced::Identity) { Some(generate(KeyUse::Identity)?) } else { None };
    if let Some(next) = &next {
        files::write_secret(&next_path(dir, next.public()), &next.to_text())?;
        card.identity = *next.public();
    }
    let mut successor = card.to_successor(present).map_err(FoundError::Card)?;
    successor.sign(&card.member, &old);
    if let Some(next) = next {
        successor.countersign(&card.member, &next);
    }
    Ok(successor)
}

/// The card in which the next keys take their place in front of the former ones.
///
/// # Errors
/// [`FoundError::Rotation`] when none is announced.
pub(crate) fn switch(dir: &Path, present: &Document) -> Result<Document, FoundError> {
    let (mut card, at) = card_of(dir, present)?;
    let node = &mut card.nodes[at];
    let mut switched = 0;
    for keys in node.uses_mut() {
        if is_announced(dir, keys)? {
            let mut all = keys.all().to_vec();
            all.rotate_right(1);
            *keys = keys_or(all)?;
            switched += 1;
        }
    }
    if is_seal_announced(dir, node)? {
        node.seal.rotate_right(1);
        switched += 1;
    }
    match switched {
        0 => Err(FoundError::Rotation("no next key is announced on the card".into())),
        _ => signed(dir, &card, present),
    }
}

/// The card that leaves the former keys out.
///
/// # Errors
/// [`FoundError::Rotation`] when there is none, or when the key that it would leave out is the next one.
pub(crate) fn finish(dir: &Path, present: &Document) -> Result<Document, FoundError> {
    let (mut card, at) = card_of(dir, present)?;
    let node = &mut card.nodes[at];
    if node.uses().into_iter().all(|keys| keys.all().len() == 1) && node.seal.len() == 1 {
        return Err(FoundError::Rotation("there is no former key on the card".into()));
    }
    for keys in node.uses() {
        if is_announced(dir, keys)? {
            return Err(not_switched(keys.current().purpose().name()));
        }
    }
    if is_seal_announced(dir, node)? {
        return Err(not_switched("seal"));
    }
    for keys in node.uses_mut() {
        *keys = (*keys.current()).into();
    }
    node.seal.truncate(1);
    signed(dir, &card, present)
}

/// Whether the next key is on the card and not in front: the file that bears the use's name alone is the former key's until the last step.
fn is_announced(dir: &Path, keys: &Keys) -> Result<bool, FoundError> {
    Ok(keys.all().len() > 1 && super::secret(dir, keys.current().purpose())?.public() == keys.current())
}

fn is_seal_announced(dir: &Path, node: &CardNode) -> Result<bool, FoundError> {
    Ok(node.seal.len() > 1 && super::seal_recipient(dir)? == node.seal_to())
}

fn not_switched(what: &str) -> FoundError {
    FoundError::Rotation(format!("the next {what} key is announced and not yet in use"))
}

/// Puts the files of keys where their place is after a card holds: the key in use bears its use's name alone.
///
/// # Errors
/// [`FoundError::File`].
pub(crate) fn settle(dir: &Path, holds: &Document) -> Result<(), FoundError> {
    let (card, at) = card_of(dir, holds)?;
    let node = &card.nodes[at];
    let identity = next_path(dir, &card.identity);
    if identity.exists() {
        retire(dir, KeyUse::Identity, &identity)?;
    }
    for keys in node.uses() {
        let next = next_path(dir, keys.current());
        // While both count, the node finds each by its name.
        if keys.all().len() == 1 && next.exists() {
            retire(dir, keys.current().purpose(), &next)?;
        }
    }
    let next = seal_path(dir, node.seal_to());
    if node.seal.len() == 1 && next.exists() {
        let plain = key_path(dir, "seal");
        let before: String = super::seal_recipient(dir)?;
        let aside = seal_path(dir, &before);
        fs::rename(&plain, &aside).map_err(FileError::at(&plain))?;
        fs::rename(&next, &plain).map_err(FileError::at(&next))?;
    }
    Ok(())
}

/// Puts the key of a use aside and the next one into its place.
fn retire(dir: &Path, purpose: KeyUse, next: &Path) -> Result<(), FoundError> {
    let plain = key_path(dir, purpose.name());
    let former = dir.join("keys/former");
    fs::create_dir_all(&former).map_err(FileError::at(&former))?;
    let public = super::secret(dir, purpose)?;
    let aside = former.join(format!("{}-{}.key", purpose.name(), short(public.public())));
    fs::rename(&plain, &aside).map_err(FileError::at(&plain))?;
    fs::rename(next, &plain).map_err(FileError::at(next))?;
    Ok(())
}

/// The newest card's content, and the place of this folder's node on it.
fn card_of(dir: &Path, present: &Document) -> Result<(Card, usize), FoundError> {
    let config = NodeConfig::load(dir)?;
    let card = Card::open(present).map_err(FoundError::Card)?;
    let at = card.nodes.iter().position(|node| node.name == config.node.name);
    match at.filter(|_| card.member == config.node.member) {
        Some(at) => Ok((card, at)),
        None => Err(FoundError::NoCard { dir: dir.to_owned(), member: config.node.member }),
    }
}

fn signed(dir: &Path, card: &Card, present: &Document) -> Result<Document, FoundError> {
    let mut successor = card.to_successor(present).map_err(FoundError::Card)?;
    successor.sign(&card.member, &identity(dir)?);
    Ok(successor)
}

/// None of a key that stands on no card.
fn replaced(purpose: KeyUse) -> Option<Replaced> {
    match purpose {
        KeyUse::Identity => Some(Replaced::Identity),
        KeyUse::Sign => Some(Replaced::Sign),
        KeyUse::Log => Some(Replaced::Log),
        KeyUse::Witness => Some(Replaced::Witness),
        KeyUse::Transport => Some(Replaced::Transport),
        KeyUse::Officer => None,
    }
}

fn keys_or(keys: Vec<PublicKey>) -> Result<Keys, FoundError> {
    Keys::new(keys).ok_or_else(|| FoundError::Rotation("a card has no room for another key of one use".into()))
}

fn short(key: &PublicKey) -> String {
    key.id().to_string()[..16].to_owned()
}

fn next_path(dir: &Path, key: &PublicKey) -> PathBuf {
    dir.join("keys").join(format!("{}-{}.key", key.purpose().name(), short(key)))
}

fn seal_path(dir: &Path, recipient: &str) -> PathBuf {
    // The last characters of an age recipient tell it from others as well as any.
    let tail: String = recipient.chars().rev().take(16).collect::<Vec<_>>().into_iter().rev().collect();
    dir.join("keys").join(format!("seal-{tail}.key"))
}
