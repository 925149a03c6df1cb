//! The two files of data keys: `data.keys`, a list of keys encrypted under a wrapping key, and `wrap.key`, that key.
//!
//! Both are written whole: to a file beside, synced, renamed. The wrapping key changes in three steps, of which any may be the last before
//! a power loss: the new key is written beside the old one; the list is written under it; the old key is overwritten and the new one
//! takes its place. The list says which key it is under, so the next start knows what is left to be done.
//!
//! Overwriting reaches the blocks that the file system gave the file; a journal of data, a snapshot or a disk that moves blocks may keep an
//! older copy. So the wrapping key stands in a file of its own, which is small and never in a backup that is kept.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use chacha20poly1305::aead::Aead as _;
use chacha20poly1305::aead::Payload;
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};
use luxor_protocol::cbor::{CborError, Reader, Writer};
use zeroize::Zeroizing;

use super::{KeyringError, NONCE_BYTES};
use crate::entropy::random;

/// Name of the list's file.
pub const KEYS_FILE: &str = "data.keys";
/// Name of the wrapping key's file.
pub const WRAP_FILE: &str = "wrap.key";
const NEXT_WRAP_FILE: &str = "wrap.key.next";
const KEYS_FORMAT: &str = "luxor/v1/data-keys";
const WRAP_FORMAT: &str = "luxor/v1/wrapping-key";
const MAX_TEXT: usize = 300;
/// Bytes of the list: a million keys of at most 128 bytes, and what is around them.
const MAX_KEYS_BYTES: u64 = 128 * 1024 * 1024;
const MAX_WRAP_BYTES: u64 = 256;

/// A wrapping key with the name that the list knows it by.
#[derive(Clone)]
struct Wrap {
    id: [u8; 16],
    key: Zeroizing<[u8; 32]>,
}

/// The files, and the wrapping key in force; none before the first key was made.
#[derive(Default)]
pub(super) struct KeyFiles {
    folder: PathBuf,
    wrap: Option<Wrap>,
}

/// What the list holds, opened.
pub(super) type Content = Zeroizing<Vec<u8>>;

/// The list as it stands in its file.
struct Wrapped {
    wrap: [u8; 16],
    owner: String,
    nonce: [u8; NONCE_BYTES],
    sealed: Vec<u8>,
}

impl KeyFiles {
    /// Reads both files; gives what the list holds, or nothing where there are none yet. `finish` carries a change of the wrapping key that
    /// was broken off to its end.
    pub(super) fn open(folder: &Path, owner: &str, finish: bool) -> Result<(Self, Option<Content>), KeyringError> {
        let mut files = Self { folder: folder.to_owned(), wrap: None };
        let list = secret_file(&files.keys_path(), MAX_KEYS_BYTES)?;
        let wrap = secret_file(&files.path(WRAP_FILE), MAX_WRAP_BYTES)?;
        let next = secret_file(&files.path(NEXT_WRAP_FILE), MAX_WRAP_BYTES)?;
        let Some(list) = list else {
            if wrap.is_some() {
                return Err(KeyringError::Half { missing: files.keys_path(), found: files.path(WRAP_FILE) });
            }
            // The first wrapping key, whose list was never written, is under nothing.
            if finish && next.is_some() {
                overwrite(&files.path(NEXT_WRAP_FILE))?;
            }
            return Ok((files, None));
        };
        let wrapped = read_list(&list).map_err(|e| files.damaged(e.to_string()))?;
        if wrapped.owner != owner {
            let (found, expected) = (wrapped.owner, owner.to_owned());
            return Err(KeyringError::Foreign { path: files.keys_path(), found, expected });
        }
        // A key that is being overwritten is no key any more; the other one then is.
        let read = |bytes: &Option<Zeroizing<Vec<u8>>>| bytes.as_deref().and_then(|bytes| read_wrap(bytes).ok());
        let (in_place, beside) = (read(&wrap), read(&next));
        let fits = |key: &Wrap| key.id == wrapped.wrap;
        let (key, is_next) = match (in_place.filter(fits), beside.filter(fits)) {
            (Some(key), _) => (key, false),
            (None, Some(key)) => (key, true),
            (None, None) => return Err(files.no_wrap(wrap.as_deref().map(Vec::as_slice))),
        };
        let cipher = XChaCha20Poly1305::new(key.key.as_slice().into());
        let place = place(&wrapped.wrap, owner);
        let payload = Payload { msg: &wrapped.sealed, aad: &place };
        let content = cipher.decrypt(XNonce::from_slice(&wrapped.nonce), payload);
        let content = content.map_err(|_| files.damaged("it does not open under its wrapping key".into()))?;
        files.wrap = Some(key);
        if finish && is_next {
            files.take_over()?;
        } else if finish && next.is_some() {
            // Written, but the list was not: nothing is under it.
            overwrite(&files.path(NEXT_WRAP_FILE))?;
        }
        Ok((files, Some(Zeroizing::new(content))))
    }

    /// Writes the list under the wrapping key in force; under a first one if there is none.
    pub(super) fn write(&mut self, owner: &str, content: &[u8]) -> Result<(), KeyringError> {
        match self.wrap {
            Some(_) => self.put_list(owner, content),
            None => self.rewrap(owner, content),
        }
    }

    /// Writes the list under a new wrapping key, and overwrites the old one.
    pub(super) fn rewrap(&mut self, owner: &str, content: &[u8]) -> Result<(), KeyringError> {
        let wrap = Wrap::new()?;
        self.put(NEXT_WRAP_FILE, &write_wrap(&wrap))?;
        self.wrap = Some(wrap);
        self.put_list(owner, content)?;
        self.take_over()
    }

    pub(super) fn keys_path(&self) -> PathBuf {
        self.path(KEYS_FILE)
    }

    pub(super) fn damaged(&self, what: String) -> KeyringError {
        KeyringError::Damaged { path: self.keys_path(), what }
    }

    /// The last step of a change: the old key is overwritten, and the new one takes its name.
    fn take_over(&self) -> Result<(), KeyringError> {
        let (old, new) = (self.path(WRAP_FILE), self.path(NEXT_WRAP_FILE));
        zero(&old)?;
        fs::rename(&new, &old).map_err(|error| KeyringError::Io { path: new, error })?;
        self.sync_folder()
    }

    fn no_wrap(&self, wrap: Option<&[u8]>) -> KeyringError {
        let path = self.path(WRAP_FILE);
        match wrap {
            None => KeyringError::Half { missing: path, found: self.keys_path() },
            Some(bytes) => match read_wrap(bytes) {
                Ok(_) => KeyringError::Apart { wrap: path, keys: self.keys_path() },
                Err(error) => KeyringError::Damaged { path, what: error.to_string() },
            },
        }
    }

    fn put_list(&self, owner: &str, content: &[u8]) -> Result<(), KeyringError> {
        let Some(wrap) = &self.wrap else { return Err(self.damaged("there is no wrapping key".into())) };
        let nonce: [u8; NONCE_BYTES] = random()?;
        let cipher = XChaCha20Poly1305::new(wrap.key.as_slice().into());
        let payload = Payload { msg: content, aad: &place(&wrap.id, owner) };
        let sealed = cipher.encrypt(XNonce::from_slice(&nonce), payload).map_err(|_| KeyringError::TooLong)?;
        let mut writer = Writer::with_capacity(sealed.len() + 512);
        writer.array(5);
        writer.text(KEYS_FORMAT);
        writer.bytes(&wrap.id);
        writer.text(owner);
        writer.bytes(&nonce);
        writer.bytes(&sealed);
        self.put(KEYS_FILE, writer.as_bytes())
    }

    /// Puts a file there whole or not at all; it survives a power loss once this returns.
    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), KeyringError> {
        let temporary = self.path(&format!(".{name}.new"));
        let io = |path: &Path| {
            let path = path.to_owned();
            move |error| KeyringError::Io { path, error }
        };
        let mut options = OpenOptions::new();
        let mut file =
            options.write(true).create(true).truncate(true).mode(0o600).open(&temporary).map_err(io(&temporary))?;
        file.write_all(bytes).and_then(|()| file.sync_all()).map_err(io(&temporary))?;
        let path = self.path(name);
        fs::rename(&temporary, &path).map_err(io(&path))?;
        self.sync_folder()
    }

    fn sync_folder(&self) -> Result<(), KeyringError> {
        let synced = File::open(&self.folder).and_then(|folder| folder.sync_all());
        synced.map_err(|error| KeyringError::Io { path: self.folder.clone(), error })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

impl Wrap {
    fn new() -> Result<Self, KeyringError> {
        Ok(Self { id: random()?, key: Zeroizing::new(random()?) })
    }
}

/// What the list is bound to.
fn place(wrap: &[u8; 16], owner: &str) -> Vec<u8> {
    [KEYS_FORMAT.as_bytes(), wrap, owner.as_bytes()].concat()
}

fn write_wrap(wrap: &Wrap) -> Zeroizing<Vec<u8>> {
    let mut writer = Writer::with_capacity(MAX_WRAP_BYTES as usize); // 256
    writer.array(3);
    writer.text(WRAP_FORMAT);
    writer.bytes(&wrap.id);
    writer.bytes(wrap.key.as_slice());
    Zeroizing::new(writer.into_bytes())
}

fn read_wrap(bytes: &[u8]) -> Result<Wrap, CborError> {
    let mut reader = Reader::new(bytes);
    reader.tuple(3)?;
    format(&mut reader, WRAP_FORMAT)?;
    let wrap = Wrap { id: reader.fixed()?, key: Zeroizing::new(reader.fixed()?) };
    reader.leave();
    reader.finish()?;
    Ok(wrap)
}

fn read_list(bytes: &[u8]) -> Result<Wrapped, CborError> {
    let mut reader = Reader::new(bytes);
    reader.tuple(5)?;
    format(&mut reader, KEYS_FORMAT)?;
    let wrapped = Wrapped {
        wrap: reader.fixed()?,
        owner: reader.text(MAX_TEXT)?.to_owned(),
        nonce: reader.fixed()?,
        sealed: reader.bytes(bytes.len())?.to_vec(),
    };
    reader.leave();
    reader.finish()?;
    Ok(wrapped)
}

fn format(reader: &mut Reader<'_>, expected: &str) -> Result<(), CborError> {
    let start = reader.position();
    match reader.text(MAX_TEXT)? == expected {
        true => Ok(()),
        false => Err(reader.refuse(start, "another format")),
    }
}

/// A file that only its owner may read; `None` where there is none.
fn secret_file(path: &Path, most: u64) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringError> {
    let io = |error| KeyringError::Io { path: path.to_owned(), error };
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io(error)),
    };
    let found = file.metadata().map_err(io)?;
    let mode = found.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyringError::Mode { path: path.to_owned(), mode });
    }
    if found.len() > most {
        let what = format!("{} bytes; it has at most {most}", found.len());
        return Err(KeyringError::Damaged { path: path.to_owned(), what });
    }
    // Room for all at once, so that no copy is left behind by growing.
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(found.len()).unwrap_or(0) + 1));
    file.read_to_end(&mut bytes).map_err(io)?;
    Ok(Some(bytes))
}

/// Overwrites a file and removes it.
fn overwrite(path: &Path) -> Result<(), KeyringError> {
    zero(path)?;
    fs::remove_file(path).map_err(|error| KeyringError::Io { path: path.to_owned(), error })
}

/// Overwrites a file with zeros, on the disk; nothing where there is none.
fn zero(path: &Path) -> Result<(), KeyringError> {
    let io = |error| KeyringError::Io { path: path.to_owned(), error };
    let mut file = match OpenOptions::new().write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(io(error)),
    };
    let length = usize::try_from(file.metadata().map_err(io)?.len()).unwrap_or(0);
    file.rewind().map_err(io)?;
    file.write_all(&vec![0; length]).and_then(|()| file.sync_all()).map_err(io)
}
