//! Data keys: what is stored of other people's goods is encrypted under the key of its bucket, and is gone when that key is.
//!
//! A bucket is (what, agreement, the day by which it must be gone). Its key lives in two files outside the database (`files`);
//! one bucket may have several keys one after the other, since erasing a part of it rewrites the rest under a new key and destroys
//! the old one. The keys of identifiers in the index follow from the data key, so they go with it.
//!
//! Not here: which rows there are under a key (store), and when a key goes (driver).

mod files;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use chacha20poly1305::aead::AeadInPlace as _;
use chacha20poly1305::{KeyInit as _, Tag, XChaCha20Poly1305, XNonce};
use luxor_protocol::cbor::{CborError, Decode, Encode, Reader, Writer};
use luxor_protocol::hash::{Digest, Domain, keyed};
use luxor_protocol::record::reference_name;
use luxor_protocol::time::Day;
use zeroize::Zeroizing;

use crate::entropy::{EntropyError, random};
use files::KeyFiles;
pub use files::{KEYS_FILE, WRAP_FILE};

/// Bytes before what is encrypted: the key's number and the nonce.
const HEAD_BYTES: usize = 8 + NONCE_BYTES;
const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;
/// Keys held at a time: ten years of days for some hundred agreements.
const MAX_KEYS: usize = 1_000_000;

/// What a bucket holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Accepted views.
    Received,
    /// Own records, under the latest day of their deliveries.
    Own,
    /// Answers to submitted chunks.
    Answers,
    /// What is held, and why.
    Holds,
    /// Attached files that no record names yet.
    Uploads,
    /// Refused records that wait for repair.
    Repairs,
}

/// What shares one data key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Bucket {
    /// What it holds.
    pub kind: Kind,
    /// Digest of the agreement under which it came; zero for what is not under one.
    pub agreement: Digest,
    /// The day by which it must be gone.
    pub day: Day,
}

/// A key and what it is for.
pub struct DataKey {
    id: u64,
    bucket: Bucket,
    secret: Zeroizing<[u8; 32]>,
    cipher: XChaCha20Poly1305,
    index: Zeroizing<[u8; 32]>,
}

/// Bytes under a data key, which stays while they are on their way to the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The key.
    pub key: Arc<DataKey>,
    /// Its number, a nonce, what is encrypted, a tag.
    pub bytes: Vec<u8>,
}

/// What was under a data key, with that key.
pub type Opened = (Arc<DataKey>, Vec<u8>);

/// Why a key or what is under it cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// The file system says so.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What happened.
        error: std::io::Error,
    },
    /// One of the two files is there and the other is not.
    #[error(
        "{}: not there, though {} is\nhint: put both back from the newest copy of the keys; without them nothing under them can be read",
        missing.display(), found.display()
    )]
    Half {
        /// The file that is not there.
        missing: PathBuf,
        /// The one that is.
        found: PathBuf,
    },
    /// Others may read a secret.
    #[error("{}: mode {mode:o} lets others read a secret key\nhint: chmod 600 {}", path.display(), path.display())]
    Mode {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// A file is not as it was written.
    #[error("{}: damaged: {what}\nhint: put both key files back from their newest copy", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The files belong to another node.
    #[error("{}: these are the data keys of {found}, not of {expected}\nhint: put this node's own key files there", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Whose they are.
        found: String,
        /// Whose they should be.
        expected: String,
    },
    /// The wrapping key is not the one that the data keys are under.
    #[error(
        "{}: it does not open {}: they are of different times\nhint: put back both files as they stood beside each other last",
        wrap.display(), keys.display()
    )]
    Apart {
        /// The wrapping key's file.
        wrap: PathBuf,
        /// The data keys' file.
        keys: PathBuf,
    },
    /// A row names a key that was never in this file.
    #[error(
        "rows of the database are under data key {id}, of which {} does not know\n\
         hint: put back the newest copy of both files in keys/; they are older than the database, or another node's",
        path.display()
    )]
    Unknown {
        /// The key's number.
        id: u64,
        /// The file.
        path: PathBuf,
    },
    /// The key was destroyed, and what was under it with it.
    #[error("it was erased: data key {0} is destroyed")]
    Erased(u64),
    /// It was changed, or belongs elsewhere.
    #[error("it does not open under data key {0}: damaged")]
    Opening(u64),
    /// Too many keys.
    #[error("more than {MAX_KEYS} data keys")]
    Full,
    /// More than the cipher takes at once.
    #[error("more bytes than can be encrypted at once")]
    TooLong,
    /// No random bytes.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

#[cfg(test)]
impl Sealed {
    /// Nothing under a key of no ring, for tests that look at no content.
    pub(crate) fn empty() -> Self {
        let bucket = Bucket { kind: Kind::Answers, agreement: Digest::ZERO, day: Day(0) };
        Self { key: Arc::new(DataKey::new(1, bucket, Zeroizing::new([0; 32]))), bytes: Vec::new() }
    }
}

struct Held {
    key: Arc<DataKey>,
    /// Nothing new goes under it, and what is there is on its way to another.
    retiring: bool,
}

#[derive(Default)]
struct State {
    files: KeyFiles,
    /// The number of the next key; a lower one that is not held was destroyed.
    next: u64,
    held: BTreeMap<u64, Held>,
    current: HashMap<Bucket, u64>,
}

/// The data keys of a node.
pub struct Keyring {
    owner: String,
    state: RwLock<State>,
}

impl Keyring {
    /// Opens the key files in `folder`, and finishes a change of the wrapping key that was broken off. Where there are none, they are
    /// made with the first key. `owner` names node and network.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub fn open(folder: &Path, owner: &str) -> Result<Self, KeyringError> {
        Self::read(folder, owner, true)
    }

    /// The same without writing anything, for looking at a stopped node or a copy.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub fn look(folder: &Path, owner: &str) -> Result<Self, KeyringError> {
        Self::read(folder, owner, false)
    }

    /// A ring without keys, where theirs cannot be read.
    pub fn none() -> Self {
        Self { owner: String::new(), state: RwLock::new(State { next: 1, ..State::default() }) }
    }

    fn read(folder: &Path, owner: &str, finish: bool) -> Result<Self, KeyringError> {
        let (files, content) = KeyFiles::open(folder, owner, finish)?;
        let mut state = State { files, next: 1, ..State::default() };
        if let Some(content) = content {
            let damaged = |e: CborError| state.files.damaged(e.to_string());
            let (next, keys) = read_keys(&content).map_err(damaged)?;
            state.next = next;
            for (key, retiring) in keys {
                let key = Arc::new(key);
                if !retiring {
                    state.current.insert(key.bucket.clone(), key.id);
                }
                state.held.insert(key.id, Held { key, retiring });
            }
        }
        Ok(Self { owner: owner.to_owned(), state: RwLock::new(state) })
    }

    /// The key under which new rows of a bucket go. A new one is on the disk when this returns.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub fn current(&self, bucket: &Bucket) -> Result<Arc<DataKey>, KeyringError> {
        if let Some(held) = self.shared(|state| Some(state.held.get(state.current.get(bucket)?)?.key.clone())) {
            return Ok(held);
        }
        self.change(|state| {
            // Another may have made it meanwhile.
            if let Some(held) = state.current.get(bucket).and_then(|id| state.held.get(id)) {
                return Ok((held.key.clone(), false));
            }
            if state.held.len() >= MAX_KEYS {
                return Err(KeyringError::Full);
            }
            let key = Arc::new(DataKey::new(state.next, bucket.clone(), Zeroizing::new(random()?)));
            state.next += 1;
            state.current.insert(bucket.clone(), key.id);
            state.held.insert(key.id, Held { key: key.clone(), retiring: false });
            Ok((key, true))
        })
    }

    /// Every key held, in the order in which they were made.
    pub fn keys(&self) -> Vec<Arc<DataKey>> {
        self.shared(|state| state.held.values().map(|held| held.key.clone()).collect())
    }

    /// Keys that nothing new goes under.
    pub fn retiring(&self) -> Vec<Arc<DataKey>> {
        let retiring =
            |state: &State| state.held.values().filter(|held| held.retiring).map(|held| held.key.clone()).collect();
        self.shared(retiring)
    }

    /// Whether nothing new goes under this key.
    pub fn is_retiring(&self, id: u64) -> bool {
        self.shared(|state| state.held.get(&id).is_some_and(|held| held.retiring))
    }

    /// From now on new rows of these keys' buckets go under new ones. Durable when this returns.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub fn retire(&self, ids: &[u64]) -> Result<(), KeyringError> {
        self.change(|state| {
            let mut changed = false;
            for id in ids {
                let Some(held) = state.held.get_mut(id).filter(|held| !held.retiring) else { continue };
                held.retiring = true;
                state.current.remove(&held.key.bucket);
                changed = true;
            }
            Ok(((), changed))
        })
    }

    /// Destroys keys: they are taken out of the file, which is written under a new wrapping key, and the old one is overwritten. No
    /// older copy of the files opens what is there now, and nothing that is there now opens what was under them.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub fn destroy(&self, ids: &[u64]) -> Result<(), KeyringError> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if !ids.iter().any(|id| state.held.contains_key(id)) {
            return Ok(());
        }
        for id in ids {
            if let Some(held) = state.held.remove(id)
                && state.current.get(&held.key.bucket) == Some(id)
            {
                state.current.remove(&held.key.bucket);
            }
        }
        let content = write_keys(&state);
        state.files.rewrap(&self.owner, &content)
    }

    /// Whether anything still uses this key beside the ring itself and the one that asks.
    pub fn in_use(&self, key: &Arc<DataKey>) -> bool {
        Arc::strong_count(key) > 2
    }

    /// Whether a row may be under this key: it is held, or was and is destroyed.
    pub fn knows(&self, id: u64) -> bool {
        self.shared(|state| id > 0 && id < state.next)
    }

    /// What a row under an unknown key is refused with.
    pub fn unknown(&self, id: u64) -> KeyringError {
        KeyringError::Unknown { id, path: self.shared(|state| state.files.keys_path()) }
    }

    /// Opens what was sealed for `place`.
    ///
    /// # Errors
    /// [`KeyringError::Erased`], [`KeyringError::Unknown`], [`KeyringError::Opening`].
    pub fn unseal(&self, place: &[u8], bytes: &[u8]) -> Result<Opened, KeyringError> {
        let Some(id) = key_of(bytes) else { return Err(KeyringError::Opening(0)) };
        let Some(key) = self.shared(|state| state.held.get(&id).map(|held| held.key.clone())) else {
            return Err(if self.knows(id) { KeyringError::Erased(id) } else { self.unknown(id) });
        };
        let opened = key.open(place, bytes).ok_or(KeyringError::Opening(id))?;
        Ok((key, opened))
    }

    fn shared<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        // What is changed under the lock is whole, or the process ends.
        look(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the keys, and writes the file if so told.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> Result<(T, bool), KeyringError>) -> Result<T, KeyringError> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let (value, write) = change(&mut state)?;
        if write {
            let content = write_keys(&state);
            state.files.write(&self.owner, &content)?;
        }
        Ok(value)
    }
}

/// The number of the key that bytes are under; `None` where they are under none.
pub fn key_of(bytes: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(bytes.get(..8)?.try_into().ok()?)).filter(|_| bytes.len() >= HEAD_BYTES + TAG_BYTES)
}

impl DataKey {
    fn new(id: u64, bucket: Bucket, secret: Zeroizing<[u8; 32]>) -> Self {
        let cipher = XChaCha20Poly1305::new(secret.as_slice().into());
        let index = Zeroizing::new(keyed(&secret, Domain::Index, &[]).0);
        Self { id, bucket, secret, cipher, index }
    }

    /// Its number.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// What it is for.
    pub fn bucket(&self) -> &Bucket {
        &self.bucket
    }

    /// The index key of an identifier: it says nothing about guessed identifiers without this key, nor after it.
    pub fn reference(&self, reference: &str) -> Digest {
        keyed(&self.index, Domain::Index, &[reference_name(reference).as_bytes()])
    }

    /// The index key of a party's name or number.
    pub fn party(&self, party: &str) -> Digest {
        keyed(&self.index, Domain::Index, &[b"party", party.as_bytes()])
    }

    /// The index key of all records of a type.
    pub fn listed(&self, type_name: &str) -> Digest {
        keyed(&self.index, Domain::Index, &[b"type", type_name.as_bytes()])
    }

    /// The index key of an attached file that a record names.
    pub fn attachment(&self, digest: &Digest) -> Digest {
        keyed(&self.index, Domain::Index, &[b"attachment", &digest.0])
    }

    /// Encrypts bytes for one place in the database; they open at no other.
    ///
    /// # Errors
    /// [`KeyringError::Entropy`], and [`KeyringError::TooLong`] above 256 GiB.
    pub fn seal(self: &Arc<Self>, place: &[u8], plain: &[u8]) -> Result<Sealed, KeyringError> {
        let nonce: [u8; NONCE_BYTES] = random()?;
        let mut bytes = Vec::with_capacity(HEAD_BYTES + plain.len() + TAG_BYTES);
        bytes.extend_from_slice(&self.id.to_be_bytes());
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(plain);
        let body = &mut bytes[HEAD_BYTES..];
        let sealed = self.cipher.encrypt_in_place_detached(XNonce::from_slice(&nonce), place, body);
        let tag = sealed.map_err(|_| KeyringError::TooLong)?;
        bytes.extend_from_slice(&tag);
        Ok(Sealed { key: self.clone(), bytes })
    }

    /// Opens what was sealed for `place` under this key, whatever key the bytes name; `None` where it was not, or was changed.
    pub fn open(&self, place: &[u8], bytes: &[u8]) -> Option<Vec<u8>> {
        let (head, rest) = bytes.split_at_checked(HEAD_BYTES)?;
        let (body, tag) = rest.split_at_checked(rest.len().checked_sub(TAG_BYTES)?)?;
        let (nonce, tag) = (XNonce::from_slice(&head[8..]), Tag::from_slice(tag));
        let mut opened = body.to_vec();
        self.cipher.decrypt_in_place_detached(nonce, place, &mut opened, tag).ok()?;
        Some(opened)
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DataKey({}, {:?})", self.id, self.bucket)
    }
}

impl PartialEq for DataKey {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id && self.bucket == other.bucket
    }
}

impl Eq for DataKey {}

fn write_keys(state: &State) -> Zeroizing<Vec<u8>> {
    // Room for all at once, so that no copy is left behind by growing.
    let mut writer = Writer::with_capacity(64 + state.held.len() * 128);
    writer.array(2);
    writer.uint(state.next);
    writer.array(state.held.len());
    for held in state.held.values() {
        let Bucket { kind, agreement, day } = &held.key.bucket;
        writer.array(6);
        writer.uint(held.key.id);
        writer.uint(kind.number());
        agreement.encode(&mut writer);
        day.encode(&mut writer);
        writer.bool(held.retiring);
        writer.bytes(held.key.secret.as_slice());
    }
    Zeroizing::new(writer.into_bytes())
}

fn read_keys(content: &[u8]) -> Result<(u64, Vec<(DataKey, bool)>), CborError> {
    let mut reader = Reader::new(content);
    reader.tuple(2)?;
    let next = reader.uint()?;
    let mut keys = Vec::new();
    for _ in 0..reader.array(MAX_KEYS)? {
        let start = reader.position();
        reader.tuple(6)?;
        let id = reader.uint()?;
        let kind = Kind::of(reader.uint()?).ok_or_else(|| reader.refuse(start, "a bucket of an unknown kind"))?;
        let (agreement, day) = (Digest::decode(&mut reader)?, Day::decode(&mut reader)?);
        let (retiring, secret) = (reader.bool()?, Zeroizing::new(reader.fixed()?));
        reader.leave();
        if id == 0 || id >= next {
            return Err(reader.refuse(start, "a key's number is not below the next"));
        }
        keys.push((DataKey::new(id, Bucket { kind, agreement, day }, secret), retiring));
    }
    reader.leave();
    reader.leave();
    reader.finish()?;
    Ok((next, keys))
}

impl Kind {
    const ALL: [Kind; 6] = [Kind::Received, Kind::Own, Kind::Answers, Kind::Holds, Kind::Uploads, Kind::Repairs];

    fn number(self) -> u64 {
        self as u64 + 1
    }

    fn of(number: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }
}

#[cfg(test)]
mod tests;
