//! Attached files: each row opens, and a file that is here holds what its name says. A file without a row is none of ours: the next start
//! removes it.

use luxor_protocol::hash::Digest;

use super::Check;
use super::report::RESTORE;
use crate::attached::{AttachedFiles, FileError, Named};
use crate::store::{Family, FileState, Under};

impl Check<'_> {
    /// Reads every row, and every whole file.
    pub(super) fn attached(&mut self, files: &AttachedFiles) {
        self.notes.kinds(&["attached files"]);
        let store = self.store.clone();
        let mut rows = store.scan::<Digest>(Family::Attached);
        for (digest, bytes) in rows.by_ref() {
            let what = attached(&digest);
            let opened = store.open_attached(&digest, &bytes);
            let row = opened.as_ref().ok().map(|(_, row)| row.clone());
            let opened = opened.map(|(key, _)| (key, Vec::new()));
            if self.take_unsealed(&what, Under::Attached, &digest.0, &bytes, opened).is_none() {
                continue;
            }
            let Some(row) = row else { continue };
            let file = Named { digest, size: row.size, key: &row.key };
            let found = match row.state {
                // What of it is here is looked at by the next start.
                FileState::Uploading | FileState::Fetching => files.have(file).map(|_| None),
                FileState::Here => files.outline(file).map(Some),
            };
            match found {
                Ok(None) => self.notes.checked("attached files"),
                Ok(Some(Some(outline))) if outline == row.outline => self.notes.checked("attached files"),
                Ok(Some(Some(_))) => self.notes.finding(what, "its row has another outline than it", RESTORE),
                Ok(Some(None)) => self.notes.finding(what, "it holds something else than its name says", RESTORE),
                Err(error @ (FileError::Io { .. } | FileError::Damaged { .. } | FileError::Entropy(_))) => {
                    self.notes.finding(what, error, RESTORE);
                }
            }
        }
        self.notes.faults(Family::Attached, &mut rows);
    }
}

/// A file in words.
pub(super) fn attached(digest: &Digest) -> String {
    format!("attached file {digest}")
}
