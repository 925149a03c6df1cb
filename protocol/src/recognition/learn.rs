//! What a directory of signed documents says, taken over as far as it changed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::recogniser::{Recogniser, UpdateError};
use crate::document::{Card, Directory, DocumentKind, MemberStatus};
use crate::hash::Digest;
use crate::names::Slug;
use crate::time::Millis;

impl Recogniser {
    /// Takes over charter, keys on cards, revoked keys, agreements that recognise and suspensions as a directory has them. Members that
    /// a split keeps out count as suspended. What did not change is passed over, so it may be called after every new document.
    ///
    /// # Errors
    /// [`UpdateError::Order`], before anything is taken; [`UpdateError::Full`] for agreements beyond the bounds, all others taken.
    pub fn learn(&mut self, directory: &Directory, known_at: Millis) -> Result<(), UpdateError> {
        self.advance(known_at)?;
        let mut charter = directory.charter().clone();
        for member in &mut charter.members {
            if directory.active(&member.id).is_none() {
                member.status = MemberStatus::Suspended;
            }
        }
        if self.ground.newest_charter().is_none_or(|held| **held != charter) {
            self.ground.set_charter(Arc::new(charter), known_at);
        }
        for (key, _) in directory.all_revoked() {
            self.ground.revoke(*key, known_at);
        }
        for (whole, document) in directory.documents().filter(|(_, document)| document.kind == DocumentKind::Card) {
            let known = self.cards.get(&document.id) == Some(whole);
            let newest = || directory.card_of(&document.id) == Some((document.version, document.digest()));
            if known || !newest() {
                continue;
            }
            let card = Card::open(document).ok();
            if let Some(card) = card.filter(|card| !self.ground.has_keys(card)) {
                self.ground.set_card(&card, known_at);
            }
            self.cards.insert(document.id.clone(), *whole);
        }
        for member in &directory.charter().members {
            let suspended = directory.suspension(&member.id).map_or(&[][..], |(_, of)| &of.agreements);
            if self.ground.suspended_by(&member.id) != suspended {
                self.ground.suspend(&member.id, suspended.to_vec(), known_at);
            }
        }
        self.learn_agreements(directory, known_at)
    }

    fn learn_agreements(&mut self, directory: &Directory, known_at: Millis) -> Result<(), UpdateError> {
        let all = || directory.agreement_versions().iter();
        // Of an agreement none of whose versions recognises anything nothing follows; of others every version may supersede.
        let concerned: BTreeSet<&Slug> =
            all().filter(|(_, of)| of.iter().any(|(_, of)| !of.recognises.is_empty())).map(|(id, _)| id).collect();
        let documents = directory.documents().map(|(_, document)| document);
        let of_them = documents.filter(|of| of.kind == DocumentKind::Agreement && concerned.contains(&of.id));
        let numbers: BTreeMap<Digest, u64> = of_them.map(|of| (of.digest(), of.version)).collect();
        let there: BTreeSet<Digest> = all().flat_map(|(_, of)| of.iter().map(|(digest, _)| *digest)).collect();
        for digest in self.ground.digests().into_iter().filter(|digest| !there.contains(digest)) {
            self.ground.void(&digest, known_at);
        }
        let mut full = Ok(());
        for (digest, agreement) in all().filter(|(id, _)| concerned.contains(id)).flat_map(|(_, of)| of) {
            let Some(number) = numbers.get(digest) else { continue };
            if let Err(error) = self.ground.add(agreement, *number, *digest, known_at) {
                full = Err(error);
            }
        }
        full
    }
}
