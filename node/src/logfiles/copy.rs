//! How far the public copy of the log is: one checkpoint, which never goes back.
//!
//! Not here: when it advances, and who cosigned it.

use std::sync::{Arc, PoisonError, RwLock};

use crate::sequencer::Latest;

/// The checkpoint that the public sees. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub struct PublicLog(Arc<RwLock<Arc<Latest>>>);

impl PublicLog {
    /// A public copy that begins with this checkpoint.
    pub fn new(first: Latest) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(first))))
    }

    /// What is public now.
    pub fn latest(&self) -> Arc<Latest> {
        // The lock holds plain data that is replaced whole, so a poisoned one is still good.
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Makes a larger checkpoint public. The note of a size that is public already stays as it is, with whatever signatures
    /// it has by now. Returns whether something changed.
    pub fn advance(&self, newest: Latest) -> bool {
        self.replace(newest, |public, newest| newest.size > public.size)
    }

    /// Makes this note public: of a larger checkpoint, or of the same one with other signatures. Returns whether it did; a
    /// smaller checkpoint, or another root for the same size, changes nothing.
    pub fn publish(&self, note: Latest) -> bool {
        self.replace(note, |public, note| {
            note.size > public.size || (note.size == public.size && note.root == public.root)
        })
    }

    fn replace(&self, by: Latest, is_wanted: impl FnOnce(&Latest, &Latest) -> bool) -> bool {
        let mut public = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let wanted = is_wanted(&public, &by);
        if wanted {
            *public = Arc::new(by);
        }
        wanted
    }
}

/// Where the public copy is and how far: what the node tells of it to its own people.
#[derive(Debug, Clone)]
pub struct PublicSite {
    /// The listener, as `http://127.0.0.1:4790`.
    pub url: String,
    /// The copy.
    pub log: PublicLog,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn latest(size: u64, root: u8, note: &[u8]) -> Latest {
        Latest { size, root: [root; 32], note: note.to_vec() }
    }

    #[test]
    fn it_never_goes_back() {
        let public = PublicLog::new(latest(5, 5, b"5"));
        let clone = public.clone();
        assert!(!public.advance(latest(4, 4, b"4")) && !public.publish(latest(4, 4, b"4")));
        assert!(!public.publish(latest(5, 6, b"fork")), "another root for the same size");
        assert_eq!((clone.latest().size, clone.latest().note.as_slice()), (5, &b"5"[..]));

        assert!(public.publish(latest(5, 5, b"5 cosigned")));
        assert!(!public.advance(latest(5, 5, b"5")), "the next tick takes no cosignature away");
        assert_eq!(clone.latest().note, b"5 cosigned");

        assert!(public.advance(latest(7, 7, b"7")));
        assert!(!public.publish(latest(5, 5, b"5 cosigned twice")), "cosignatures that come too late");
        assert!(public.publish(latest(9, 9, b"9 cosigned")));
        assert_eq!((clone.latest().size, clone.latest().note.as_slice()), (9, &b"9 cosigned"[..]));
    }
}
