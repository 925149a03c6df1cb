//! Keys across restarts, changes broken off at every step, and files that are missing, foreign, open to others or damaged.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::*;

const OWNER: &str = "a/n1 of network x";

fn bucket(day: i32) -> Bucket {
    Bucket { kind: Kind::Received, agreement: Digest([7; 32]), day: Day(day) }
}

struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn open(&self) -> Result<Keyring, KeyringError> {
        Keyring::open(self.0.path(), OWNER)
    }

    fn look(&self) -> Result<Keyring, KeyringError> {
        Keyring::look(self.0.path(), OWNER)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(self.0.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn copy(&self) -> Self {
        let copy = Self::new();
        for name in self.names() {
            fs::copy(self.path(&name), copy.path(&name)).unwrap();
        }
        copy
    }
}

#[test]
fn a_key_is_on_the_disk_before_it_is_given_and_opens_after_a_restart_at_its_place_only() {
    let files = Files::new();
    let ring = files.open().unwrap();
    assert!(files.names().is_empty(), "nothing is made before it is needed");
    let key = ring.current(&bucket(5)).unwrap();
    assert_eq!(files.names(), [KEYS_FILE, WRAP_FILE]);
    for name in files.names() {
        assert_eq!(fs::metadata(files.path(&name)).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
    }
    let sealed = key.seal(b"place", b"content").unwrap();
    assert_ne!(key.seal(b"place", b"content").unwrap(), sealed, "each time another nonce");
    assert_eq!(ring.current(&bucket(5)).unwrap(), key);
    assert_ne!(ring.current(&bucket(6)).unwrap().id(), key.id());
    for ring in [files.open().unwrap(), files.look().unwrap()] {
        assert_eq!(ring.unseal(b"place", &sealed.bytes).unwrap(), (key.clone(), b"content".to_vec()));
        assert!(matches!(ring.unseal(b"other", &sealed.bytes), Err(KeyringError::Opening(1))));
        assert_eq!(ring.keys()[0].reference("x"), key.reference("x"));
        for bit in 0..sealed.bytes.len() * 8 {
            let mut damaged = sealed.bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(ring.unseal(b"place", &damaged).is_err(), "bit {bit}");
        }
        assert!(ring.unseal(b"place", &sealed.bytes[..30]).is_err());
    }
    assert!(ring.knows(2) && !ring.knows(3) && !ring.knows(0));
}

#[test]
fn what_was_destroyed_opens_with_nothing_that_is_left_and_the_rest_opens_with_it() {
    let files = Files::new();
    let ring = files.open().unwrap();
    let keys = [5, 6].map(|day| ring.current(&bucket(day)).unwrap());
    let sealed = keys.each_ref().map(|key| key.seal(b"p", b"content").unwrap());
    let before = files.copy();
    ring.retire(&[1]).unwrap();
    let next = ring.current(&bucket(5)).unwrap();
    assert_eq!((next.id(), ring.retiring()), (3, vec![keys[0].clone()]));
    assert_eq!(files.open().unwrap().retiring().len(), 1, "it is known after a restart");
    ring.destroy(&[1]).unwrap();
    for ring in [ring, files.open().unwrap()] {
        assert!(matches!(ring.unseal(b"p", &sealed[0].bytes), Err(KeyringError::Erased(1))));
        assert_eq!(ring.unseal(b"p", &sealed[1].bytes).unwrap().1, b"content");
        assert_eq!(ring.current(&bucket(5)).unwrap().id(), 3, "a number is never given twice");
    }
    // The old list under the new wrapping key, and the new one under the old: neither opens.
    let old = before.copy();
    fs::copy(files.path(WRAP_FILE), old.path(WRAP_FILE)).unwrap();
    assert!(matches!(old.open(), Err(KeyringError::Apart { .. })));
    let new = files.copy();
    fs::copy(before.path(WRAP_FILE), new.path(WRAP_FILE)).unwrap();
    assert!(matches!(new.open(), Err(KeyringError::Apart { .. })));
    // Both old ones together are what an attacker must not find: the positive control.
    assert_eq!(before.open().unwrap().unseal(b"p", &sealed[0].bytes).unwrap().1, b"content");
    assert_eq!(files.names(), [KEYS_FILE, WRAP_FILE]);
}

/// A change of the wrapping key has three steps; after each the files must open, and the next start must finish it.
#[test]
fn a_change_of_the_wrapping_key_that_was_broken_off_is_finished() {
    let files = Files::new();
    let ring = files.open().unwrap();
    let key = ring.current(&bucket(5)).unwrap();
    ring.current(&bucket(6)).unwrap();
    let sealed = key.seal(b"p", b"content").unwrap();
    let before = files.copy();
    ring.destroy(&[2]).unwrap();
    drop(ring);
    let next = "wrap.key.next";
    let [old_list, old_wrap] = [KEYS_FILE, WRAP_FILE].map(|name| fs::read(before.path(name)).unwrap());
    let [new_list, new_wrap] = [KEYS_FILE, WRAP_FILE].map(|name| fs::read(files.path(name)).unwrap());
    let half: Vec<u8> = [&[0; 20], &old_wrap[20..]].concat();
    let zeros = vec![0; old_wrap.len()];
    let steps: [(&Vec<u8>, &Vec<u8>, u64); 4] =
        [(&old_list, &old_wrap, 2), (&new_list, &old_wrap, 1), (&new_list, &half, 1), (&new_list, &zeros, 1)];
    for (at, (list, wrap, keys)) in steps.into_iter().enumerate() {
        let files = Files::new();
        for (name, content) in [(KEYS_FILE, list), (WRAP_FILE, wrap), (next, &new_wrap)] {
            fs::write(files.path(name), content).unwrap();
            fs::set_permissions(files.path(name), fs::Permissions::from_mode(0o600)).unwrap();
        }
        let looked = files.look().unwrap();
        assert_eq!(looked.keys().len() as u64, keys, "step {at}");
        assert_eq!(files.names().len(), 3, "looking writes nothing");
        let opened = files.open().unwrap();
        assert_eq!(opened.unseal(b"p", &sealed.bytes).unwrap().1, b"content", "step {at}");
        assert_eq!(files.names(), [KEYS_FILE, WRAP_FILE], "step {at}");
        assert_eq!(fs::read(files.path(WRAP_FILE)).unwrap() == old_wrap, keys == 2, "step {at}");
        assert_eq!(files.open().unwrap().keys().len() as u64, keys, "step {at}");
    }
    // The very first key: its wrapping key is there, its list is not yet.
    let files = Files::new();
    fs::write(files.path(next), &new_wrap).unwrap();
    fs::set_permissions(files.path(next), fs::Permissions::from_mode(0o600)).unwrap();
    assert!(files.open().unwrap().keys().is_empty() && files.names().is_empty());
}

#[test]
fn files_that_are_missing_foreign_open_to_others_or_damaged_are_refused_by_name() {
    let files = Files::new();
    files.open().unwrap().current(&bucket(5)).unwrap();
    let refused = |change: &dyn Fn(&Files), words: &str| {
        let copy = files.copy();
        change(&copy);
        for error in [copy.open().err().unwrap(), copy.look().err().unwrap()] {
            let error = error.to_string();
            assert!(error.contains(words) && error.contains("hint:"), "{error}");
        }
    };
    refused(&|files| fs::remove_file(files.path(KEYS_FILE)).unwrap(), "data.keys: not there, though");
    refused(&|files| fs::remove_file(files.path(WRAP_FILE)).unwrap(), "wrap.key: not there, though");
    for name in [KEYS_FILE, WRAP_FILE] {
        let open = |files: &Files| fs::set_permissions(files.path(name), fs::Permissions::from_mode(0o640)).unwrap();
        refused(&open, "mode 640 lets others read");
        refused(&|files| fs::write(files.path(name), [7; 9]).unwrap(), &format!("{name}: damaged"));
    }
    let other = Keyring::open(files.0.path(), "b/n1 of network x").err().unwrap().to_string();
    assert!(other.contains("the data keys of a/n1 of network x, not of b/n1"), "{other}");
    let list = fs::read(files.path(KEYS_FILE)).unwrap();
    for bit in 0..list.len() * 8 {
        let copy = files.copy();
        let mut damaged = list.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        fs::write(copy.path(KEYS_FILE), damaged).unwrap();
        assert!(copy.open().is_err(), "bit {bit}");
    }
}
