//! Attached files on the disk: one file each in `data/attachments/`, named by the digest of what it holds, encrypted in ranges that are
//! read alone.
//!
//! A range of 1 MiB stands as nonce, encrypted bytes, tag (XChaCha20-Poly1305), under a random key that only the file's row has, for its
//! place and the file's size. Not an age file: its key would be wrapped for the node's seal key, which outlives every date, and what was
//! erased would open with it. A file grows range by range, in order; how far it is, its length tells.
//!
//! Not here: rows and keys (store), what is to be written or removed (driver). Everything here blocks.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use chacha20poly1305::aead::AeadInPlace as _;
use chacha20poly1305::{KeyInit as _, Tag, XChaCha20Poly1305, XNonce};
use luxor_protocol::exchange::{Outline, digest_of, range_len, range_value};
use luxor_protocol::hash::Digest;
use luxor_protocol::limits::ATTACHMENT_RANGE_BYTES;

use crate::entropy::{EntropyError, random};

const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;
/// What stands with each range.
const MORE_BYTES: u64 = (NONCE_BYTES + TAG_BYTES) as u64;

/// Why a file cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file system says so.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What happened.
        error: io::Error,
    },
    /// A range is not as it was written.
    #[error("{}: the range at byte {offset} does not open: damaged", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the range begins in what was attached.
        offset: u64,
    },
    /// No random bytes.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

/// What a file's row says of it.
#[derive(Clone, Copy)]
pub struct Named<'k> {
    /// Digest of what it holds.
    pub digest: Digest,
    /// Bytes of what it holds.
    pub size: u64,
    /// Its key.
    pub key: &'k [u8; 32],
}

/// The folder of attached files.
#[derive(Debug, Clone)]
pub struct AttachedFiles(PathBuf);

impl AttachedFiles {
    /// The folder below a node's data; it is made when the first file is.
    pub fn new(data: &Path) -> Self {
        Self(data.join("attachments"))
    }

    /// Makes the file anew and empty; its name is on the disk when this returns.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn create(&self, digest: &Digest) -> Result<(), FileError> {
        if !self.0.is_dir() {
            let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.0);
            made.map_err(|error| FileError::Io { path: self.0.clone(), error })?;
            let parent = self.0.parent().unwrap_or(&self.0);
            sync(parent)?;
        }
        let path = self.path(digest);
        let made = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path);
        made.map_err(|error| FileError::Io { path, error })?;
        sync(&self.0)
    }

    /// Bytes of the attached file that are here, by the file's length: whole ranges from its beginning.
    ///
    /// # Errors
    /// [`FileError`]; a file that is not there has none.
    pub fn have(&self, file: Named<'_>) -> Result<u64, FileError> {
        let path = self.path(&file.digest);
        let length = match fs::metadata(&path) {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == ErrorKind::NotFound => 0,
            Err(error) => return Err(FileError::Io { path, error }),
        };
        let stored = |size: u64| size + size.div_ceil(ATTACHMENT_RANGE_BYTES) * MORE_BYTES;
        if length >= stored(file.size) {
            return Ok(file.size);
        }
        Ok(length / (ATTACHMENT_RANGE_BYTES + MORE_BYTES) * ATTACHMENT_RANGE_BYTES)
    }

    /// The same, by opening each range: what a loss of power left unwritten is not here. What follows is cut off.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn have_whole(&self, file: Named<'_>) -> Result<u64, FileError> {
        let (have, mut offset) = (self.have(file)?, 0);
        while offset < have {
            match self.read(file, offset) {
                Ok(bytes) => offset += bytes.len() as u64,
                Err(FileError::Damaged { .. }) => break,
                Err(error) => return Err(error),
            }
        }
        if offset < have {
            self.cut(&file.digest, offset)?;
        }
        Ok(offset)
    }

    /// Writes the range at `offset`, where the file ends; it is not synced. What stood behind it is cut off.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn append(&self, file: Named<'_>, offset: u64, bytes: Vec<u8>) -> Result<(), FileError> {
        let path = self.path(&file.digest);
        let io = |error| FileError::Io { path: path.clone(), error };
        let nonce: [u8; NONCE_BYTES] = random()?;
        let mut stored = bytes;
        let cipher = XChaCha20Poly1305::new(file.key.into());
        let place = place(file, offset);
        let sealed = cipher.encrypt_in_place_detached(XNonce::from_slice(&nonce), &place, &mut stored);
        let tag = sealed.map_err(|_| FileError::Damaged { path: path.clone(), offset })?;
        stored.splice(..0, nonce);
        stored.extend_from_slice(&tag);
        let out = OpenOptions::new().write(true).open(&path).map_err(io)?;
        let at = position(offset);
        out.write_all_at(&stored, at).map_err(io)?;
        out.set_len(at + stored.len() as u64).map_err(io)
    }

    /// The range at `offset`.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn read(&self, file: Named<'_>, offset: u64) -> Result<Vec<u8>, FileError> {
        let path = self.path(&file.digest);
        let damaged = || FileError::Damaged { path: path.clone(), offset };
        let length = range_len(file.size, offset) as usize; // at most 1 MiB
        let mut nonce = [0; NONCE_BYTES];
        let mut stored = vec![0; length + TAG_BYTES];
        let read = File::open(&path).and_then(|from| {
            from.read_exact_at(&mut nonce, position(offset))?;
            from.read_exact_at(&mut stored, position(offset) + NONCE_BYTES as u64)
        });
        match read {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Err(damaged()),
            Err(error) => return Err(FileError::Io { path, error }),
            Ok(()) => {}
        }
        let tag = *Tag::from_slice(&stored[length..]);
        stored.truncate(length);
        let cipher = XChaCha20Poly1305::new(file.key.into());
        let place = place(file, offset);
        let opened = cipher.decrypt_in_place_detached(XNonce::from_slice(&nonce), &place, &mut stored, &tag);
        opened.map_err(|_| damaged())?;
        Ok(stored)
    }

    /// Reads a whole file back, and syncs it: its outline where it holds what its name says, else `None`.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn finish(&self, file: Named<'_>) -> Result<Option<Outline>, FileError> {
        let path = self.path(&file.digest);
        let synced = File::open(&path).and_then(|file| file.sync_all());
        synced.map_err(|error| FileError::Io { path, error })?;
        self.outline(file)
    }

    /// The outline of a file that holds what its name says; `None` of another.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn outline(&self, file: Named<'_>) -> Result<Option<Outline>, FileError> {
        if file.size <= ATTACHMENT_RANGE_BYTES {
            let same = blake3::hash(&self.read(file, 0)?).as_bytes() == &file.digest.0;
            return Ok(same.then(Outline::new));
        }
        let mut outline = Outline::new();
        let mut offset = 0;
        while offset < file.size {
            let bytes = self.read(file, offset)?;
            outline.push(range_value(offset, &bytes));
            offset += bytes.len() as u64;
        }
        Ok((digest_of(file.size, &outline) == Some(file.digest)).then_some(outline))
    }

    /// Cuts a file off behind so many bytes of what was attached, which end a range.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn cut(&self, digest: &Digest, have: u64) -> Result<(), FileError> {
        let path = self.path(digest);
        let cut = OpenOptions::new().write(true).open(&path).and_then(|file| file.set_len(position(have)));
        cut.map_err(|error| FileError::Io { path, error })
    }

    /// Removes a file; one that is not there is no error.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn remove(&self, digest: &Digest) -> Result<(), FileError> {
        let path = self.path(digest);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(FileError::Io { path, error }),
            _ => Ok(()),
        }
    }

    /// The digests that files here are named by; files with other names are none of ours.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn all(&self) -> Result<Vec<Digest>, FileError> {
        let io = |error| FileError::Io { path: self.0.clone(), error };
        let entries = match fs::read_dir(&self.0) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(io)?,
        };
        let mut found = Vec::new();
        for entry in entries {
            let name = entry.map_err(io)?.file_name();
            found.extend(name.to_str().and_then(Digest::from_hex));
        }
        Ok(found)
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        self.0.join(digest.hex())
    }
}

/// Where the range at an offset of the attached file begins in ours.
fn position(offset: u64) -> u64 {
    offset + offset / ATTACHMENT_RANGE_BYTES * MORE_BYTES
}

/// What a range is encrypted for.
fn place(file: Named<'_>, offset: u64) -> Vec<u8> {
    [file.digest.0.as_slice(), &file.size.to_be_bytes(), &offset.to_be_bytes()].concat()
}

fn sync(folder: &Path) -> Result<(), FileError> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|error| FileError::Io { path: folder.to_owned(), error })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const RANGE: usize = ATTACHMENT_RANGE_BYTES as usize;

    fn content(length: usize) -> Vec<u8> {
        (0..length).map(|at| (at % 253) as u8).collect()
    }

    #[test]
    fn a_file_comes_back_range_by_range_and_only_whole_under_its_key_size_and_place() {
        for length in [1, RANGE - 1, RANGE, RANGE + 1, 3 * RANGE, 3 * RANGE + 77] {
            let folder = tempfile::tempdir().unwrap();
            let files = AttachedFiles::new(folder.path());
            let plain = content(length);
            let (digest, key) = (Digest(*blake3::hash(&plain).as_bytes()), [7; 32]);
            let file = Named { digest, size: length as u64, key: &key };
            assert_eq!((files.have(file).unwrap(), files.all().unwrap()), (0, Vec::new()));
            files.create(&digest).unwrap();
            for (at, range) in plain.chunks(RANGE).enumerate() {
                let offset = (at * RANGE) as u64;
                assert_eq!(files.have(file).unwrap(), offset);
                assert!(files.outline(file).is_err(), "not whole yet");
                files.append(file, offset, range.to_vec()).unwrap();
            }
            assert_eq!((files.have(file).unwrap(), files.have_whole(file).unwrap()), (file.size, file.size));
            let outline = files.finish(file).unwrap().unwrap();
            assert_eq!(outline.len(), if length > RANGE { length.div_ceil(RANGE) } else { 0 });
            for (at, range) in plain.chunks(RANGE).enumerate() {
                let offset = (at * RANGE) as u64;
                assert_eq!(files.read(file, offset).unwrap(), range);
                for other in [Named { key: &[8; 32], ..file }, Named { size: file.size + 1, ..file }] {
                    assert!(matches!(files.read(other, offset), Err(FileError::Damaged { .. })));
                }
            }
            // No piece of it stands there as it is.
            let stored = fs::read(folder.path().join("attachments").join(digest.hex())).unwrap();
            assert!(length < 64 || !stored.windows(32).any(|window| window == &plain[..32]));
            assert_eq!(files.all().unwrap(), [digest]);
            files.remove(&digest).unwrap();
            files.remove(&digest).unwrap();
            assert_eq!((files.have(file).unwrap(), files.all().unwrap()), (0, Vec::new()));
        }
    }

    #[test]
    fn what_a_loss_of_power_left_is_cut_off_where_it_is_damaged_and_other_content_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let files = AttachedFiles::new(folder.path());
        let plain = content(3 * RANGE + 5);
        let (digest, key) = (Digest(*blake3::hash(&plain).as_bytes()), [7; 32]);
        let file = Named { digest, size: plain.len() as u64, key: &key };
        let path = folder.path().join("attachments").join(digest.hex());
        files.create(&digest).unwrap();
        for (at, range) in plain.chunks(RANGE).enumerate() {
            files.append(file, (at * RANGE) as u64, range.to_vec()).unwrap();
        }
        // The length came to the disk, the second range did not.
        let out = OpenOptions::new().write(true).open(&path).unwrap();
        out.write_all_at(&[0; 4096], position(RANGE as u64) + 100).unwrap();
        assert_eq!(files.have(file).unwrap(), file.size);
        assert!(matches!(files.outline(file), Err(FileError::Damaged { offset, .. }) if offset == RANGE as u64));
        assert_eq!(files.have_whole(file).unwrap(), RANGE as u64);
        assert_eq!(files.have(file).unwrap(), RANGE as u64);
        // A torn range does not count.
        out.set_len(position(RANGE as u64) + 5_000).unwrap();
        assert_eq!(files.have(file).unwrap(), RANGE as u64);
        let mut other = plain.clone();
        other[RANGE + 9] ^= 1;
        for (at, range) in other.chunks(RANGE).enumerate().skip(1) {
            files.append(file, (at * RANGE) as u64, range.to_vec()).unwrap();
        }
        assert_eq!(files.finish(file).unwrap(), None);
        files.cut(&digest, 0).unwrap();
        assert_eq!(files.have(file).unwrap(), 0);
    }
}
