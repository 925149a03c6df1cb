//! Who asks: users of a file, who say their secret by Basic (RFC 7617), `Token` or `Bearer`.
//!
//! The file is read again when it changes, so a user is added and taken out without a restart. While it cannot be read, nobody is let in.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use luxor_protocol::threats::shelf::{Reader, Readers, ReadersError, secret_digest};
use subtle::{Choice, ConstantTimeEq as _};

/// Bytes of the file.
const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;

/// Why nobody is let in.
#[derive(Debug, thiserror::Error)]
enum UsersError {
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("mode {0:o} lets others read it\nhint: chmod 600")]
    Mode(u32),
    #[error("larger than {MAX_FILE_BYTES} bytes")]
    Large,
    #[error("{0}")]
    Readers(#[from] ReadersError),
}

/// By which a file is known to be the same: change in seconds and nanoseconds, node, length, mode.
type Stamp = (i64, i64, u64, u64, u32);

/// The users of a file.
pub(super) struct Users {
    file: PathBuf,
    /// As which it was read last, if it was there, once it was looked for.
    known: Mutex<(Option<Option<Stamp>>, Arc<Readers>)>,
}

impl Users {
    pub(super) fn new(file: PathBuf) -> Self {
        Self { file, known: Mutex::default() }
    }

    /// All of them now.
    pub(super) fn all(&self) -> Arc<Readers> {
        // Whoever panicked left whole users behind.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let stamp = fs::metadata(&self.file)
            .ok()
            .map(|file| (file.ctime(), file.ctime_nsec(), file.ino(), file.len(), file.mode()));
        if known.0 != Some(stamp) {
            let readers = self.read().unwrap_or_else(|error| {
                tracing::error!(%error, file = %self.file.display(), "users of TAXII cannot be read: nobody is let in");
                Readers::default()
            });
            *known = (Some(stamp), Arc::new(readers));
        }
        known.1.clone()
    }

    fn read(&self) -> Result<Readers, UsersError> {
        let about = fs::metadata(&self.file)?;
        match about.mode() & 0o777 {
            mode if mode & 0o077 != 0 => return Err(UsersError::Mode(mode)),
            _ if about.len() > MAX_FILE_BYTES => return Err(UsersError::Large),
            _ => {}
        }
        Ok(Readers::parse(&fs::read_to_string(&self.file)?)?)
    }
}

/// The user of an `Authorization` header; every user's digest is compared, and whole.
pub(super) fn authorised<'r>(readers: &'r Readers, header: &str) -> Option<&'r Reader> {
    let (scheme, given) = header.split_once(' ')?;
    let given = given.trim();
    let (name, secret) = match scheme.to_ascii_lowercase().as_str() {
        "basic" => {
            let text = String::from_utf8(STANDARD.decode(given).ok()?).ok()?;
            let (name, secret) = text.split_once(':')?;
            (Some(name.to_owned()), secret.to_owned())
        }
        "token" | "bearer" => (None, given.to_owned()),
        _ => return None,
    };
    let digest = secret_digest(&secret);
    let mut found = None;
    for reader in readers.all() {
        let named = Choice::from(u8::from(name.as_ref().is_none_or(|name| *name == reader.name)));
        if bool::from(digest.0.ct_eq(&reader.secret.0) & named) {
            found = Some(reader);
        }
    }
    found
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn readers() -> Readers {
        let mut readers = Readers::default();
        for name in ["one", "two"] {
            let secret = secret_digest(&format!("secret of {name}"));
            readers.add(Reader { name: name.into(), secret, agreements: None }).unwrap();
        }
        readers
    }

    #[test]
    fn each_way_leads_to_the_user_whose_secret_it_is_and_nothing_else_to_any() {
        let readers = readers();
        let who = |header: &str| authorised(&readers, header).map(|reader| reader.name.clone());
        let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
        for header in [basic("two:secret of two"), "Token secret of two".into(), "bearer secret of two".into()] {
            assert_eq!(who(&header).as_deref(), Some("two"), "{header}");
        }
        for wrong in ["", "Token", "Token ", "Bearer secret", "Digest secret of two", "Basic !", "secret of two"] {
            assert_eq!(who(wrong), None, "{wrong}");
        }
        for wrong in ["one:secret of two", ":secret of two", "two", "two:", "two:secret of two "] {
            assert_eq!(who(&basic(wrong)), None, "{wrong}");
        }
    }

    #[test]
    fn a_file_that_changes_counts_at_once_and_one_that_others_may_read_lets_nobody_in() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("taxii.toml");
        let users = Users::new(file.clone());
        assert!(users.all().all().is_empty());
        let write = |text: &str, mode: u32| {
            fs::write(&file, text).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        };
        write(&readers().to_toml(), 0o600);
        assert_eq!(users.all().all().len(), 2);
        write(&readers().to_toml(), 0o640);
        assert!(users.all().all().is_empty());
        write("[[user]]\n", 0o600);
        assert!(users.all().all().is_empty());
    }
}
