//! Files read with a bound and written whole or not at all.

use std::fs::{self, File, Permissions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempDir};

/// Why a file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    /// The operating system refused.
    #[error("{}", path.display())]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is larger than anything it may hold.
    #[error("{}: larger than {max} bytes", path.display())]
    TooLarge {
        /// Which file.
        path: PathBuf,
        /// The bound.
        max: usize,
    },
    /// Not text.
    #[error("{}: not UTF-8 text", path.display())]
    Text {
        /// Which file.
        path: PathBuf,
    },
}

impl FileError {
    /// Names the file in an I/O error: `map_err(FileError::at(path))`.
    pub(crate) fn at(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }

    /// Whether something else than a file of the expected kind is at its place: nothing, a folder, more bytes than it may have.
    pub(crate) fn is_of_content(&self) -> bool {
        use std::io::ErrorKind::{InvalidInput, IsADirectory, NotADirectory, NotFound};
        match self {
            Self::Io { source, .. } => matches!(source.kind(), InvalidInput | IsADirectory | NotADirectory | NotFound),
            Self::TooLarge { .. } | Self::Text { .. } => true,
        }
    }

    /// Whether there is no such file.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound)
    }
}

/// Reads a whole file of at most `max` bytes.
pub(crate) fn read(path: &Path, max: usize) -> Result<Vec<u8>, FileError> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(FileError::at(path))?;
    file.take(max as u64 + 1).read_to_end(&mut bytes).map_err(FileError::at(path))?;
    match bytes.len() > max {
        true => Err(FileError::TooLarge { path: path.to_owned(), max }),
        false => Ok(bytes),
    }
}

/// As [`read`], but of a regular file only: for what somebody else put into a folder, where opening a pipe would wait for ever.
pub(crate) fn read_regular(path: &Path, max: usize) -> Result<Vec<u8>, FileError> {
    if !path.metadata().map_err(FileError::at(path))?.is_file() {
        let error = std::io::Error::new(std::io::ErrorKind::InvalidInput, "is no regular file");
        return Err(FileError::at(path)(error));
    }
    read(path, max)
}

/// Reads a whole text file of at most `max` bytes.
pub(crate) fn read_text(path: &Path, max: usize) -> Result<String, FileError> {
    String::from_utf8(read(path, max)?).map_err(|_| FileError::Text { path: path.to_owned() })
}

/// Writes a file beside its place and renames it there, so that nobody ever reads half of it.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    write_as(path, bytes, 0o666) // less the umask
}

/// As [`write()`], for what only its owner may read.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    write_as(path, bytes, 0o600)
}

fn write_as(path: &Path, bytes: &[u8], mode: u32) -> Result<(), FileError> {
    complete(beside(path, bytes, mode)?, path)
}

/// As [`write()`], but it may be lost or cut short by a power loss until the file and its folder were given to [`sync`]: for
/// many files that count together.
pub(crate) fn place(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    rename(beside(path, bytes, 0o666)?, path)
}

/// A file that is written piece by piece and is nowhere until [`complete`] puts it in its place.
pub(crate) fn begin(path: &Path) -> Result<NamedTempFile, FileError> {
    beside(path, &[], 0o666)
}

/// Puts a file in its place, on the disk.
pub(crate) fn complete(file: NamedTempFile, path: &Path) -> Result<(), FileError> {
    file.as_file().sync_all().map_err(FileError::at(path))?;
    rename(file, path)?;
    // The renaming itself is on the disk once the folder is.
    sync(&parent(path))
}

fn beside(path: &Path, bytes: &[u8], mode: u32) -> Result<NamedTempFile, FileError> {
    let mut builder = tempfile::Builder::new();
    let builder = builder.prefix(".luxor-").permissions(Permissions::from_mode(mode));
    let mut file = builder.tempfile_in(parent(path)).map_err(FileError::at(path))?;
    file.write_all(bytes).map_err(FileError::at(path))?;
    Ok(file)
}

fn rename(file: NamedTempFile, path: &Path) -> Result<(), FileError> {
    file.persist(path).map_err(|error| FileError::Io { path: path.to_owned(), source: error.error })?;
    Ok(())
}

/// Puts a file's bytes, or the names in a folder, on the disk.
pub(crate) fn sync(path: &Path) -> Result<(), FileError> {
    File::open(path).and_then(|file| file.sync_all()).map_err(FileError::at(path))
}

/// Makes a new file that only its owner may read.
pub(crate) fn write_secret(path: &Path, text: &str) -> Result<(), FileError> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .map_err(FileError::at(path))
}

/// A folder beside `dir`, to make there what [`settle`] puts in its place: so a failure leaves nothing half-made. None if something
/// is in `dir` already.
pub(crate) fn stage(dir: &Path, prefix: &str) -> Result<Option<TempDir>, FileError> {
    match fs::read_dir(dir).map(|entries| entries.count()) {
        Ok(0) => {}
        Ok(_) => return Ok(None),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(FileError::at(dir)(error)),
    }
    let around = parent(dir);
    fs::create_dir_all(&around).map_err(FileError::at(&around))?;
    let stage = tempfile::Builder::new().prefix(prefix).tempdir_in(&around).map_err(FileError::at(&around))?;
    Ok(Some(stage))
}

/// Puts a folder from [`stage`] in its place, for its owner only; the renaming is on the disk then. If it fails, the folder goes.
pub(crate) fn settle(stage: TempDir, dir: &Path) -> Result<(), FileError> {
    fs::set_permissions(stage.path(), Permissions::from_mode(0o700)).map_err(FileError::at(stage.path()))?;
    fs::rename(stage.path(), dir).map_err(FileError::at(dir))?;
    // There is nothing of its name any more that could be taken away.
    let _ = stage.keep();
    sync(&parent(dir))
}

/// The folder that a path stands in.
pub(crate) fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_folder_is_made_whole_or_not_at_all() {
        let place = tempfile::tempdir().unwrap();
        let dir = place.path().join("around/made");
        let beside = || fs::read_dir(parent(&dir)).unwrap().count();
        let staged = |content: &str| {
            let stage = stage(&dir, ".luxor-test-").unwrap().unwrap();
            fs::write(stage.path().join("content"), content).unwrap();
            stage
        };
        drop(staged("given up"));
        assert_eq!(beside(), 0);
        let late = staged("late");
        fs::create_dir(&dir).unwrap();
        settle(staged("whole"), &dir).unwrap();
        assert_eq!(fs::metadata(&dir).unwrap().permissions().mode() & 0o777, 0o700);
        // Something is there now: nothing more is begun, and what was begun before does not get there.
        assert!(stage(&dir, ".luxor-test-").unwrap().is_none());
        assert!(matches!(settle(late, &dir), Err(FileError::Io { path, .. }) if path == dir));
        assert_eq!((fs::read_to_string(dir.join("content")).unwrap().as_str(), beside()), ("whole", 1));
    }
}
