//! What is asked of a directory.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Conflict, Directory, Equivocation, KnownNode, Proposal, Revoked, Split, Standing};
use crate::document::{
    Agreement, AttestCardKey, Charter, CharterMember, Document, MemberStatus, Policy, Prohibitions, Suspension,
};
use crate::hash::Digest;
use crate::keys::{KeyId, PublicKey};
use crate::names::{MemberId, NodeRef, Slug};
use crate::record::GroupSet;
use crate::time::{Day, Millis};

impl Directory {
    /// The founding charter's digest.
    pub fn network(&self) -> Digest {
        self.network
    }

    /// The membership.
    pub fn charter(&self) -> &Charter {
        // The chain begins with the founding charter.
        &self.chain[self.chain.len() - 1].1
    }

    /// The charters that held one after the other, from the founding one to the one that holds.
    pub fn charters(&self) -> impl DoubleEndedIterator<Item = &Charter> {
        self.chain.iter().map(|(_, charter)| charter)
    }

    /// The document of the charter that holds.
    pub fn charter_document(&self) -> &Arc<Document> {
        &self.charter
    }

    /// Digest of the charter that holds.
    pub fn charter_digest(&self) -> Digest {
        self.chain[self.chain.len() - 1].0
    }

    /// Two charters that contradict each other, if there are.
    pub fn split(&self) -> Option<&Split> {
        self.split.as_ref()
    }

    /// Proposals for the next charter.
    pub fn proposals(&self) -> &[Proposal] {
        &self.proposals
    }

    /// Governors who accept nothing in a round of the charter that holds, by round.
    pub fn rejections(&self) -> &BTreeMap<u64, Vec<MemberId>> {
        &self.rounds
    }

    /// Governors who broke their word.
    pub fn equivocations(&self) -> &[Equivocation] {
        &self.equivocations
    }

    /// Documents that contradict each other.
    pub fn conflicts(&self) -> &[Conflict] {
        &self.conflicts
    }

    /// The charter's last day, if it is over.
    pub fn stale(&self, today: Day) -> Option<Day> {
        self.charter().valid_until.filter(|until| today > *until)
    }

    /// The member of this name if it takes part: active in the charter, and not removed in one of two contradicting ones.
    pub fn active(&self, id: &MemberId) -> Option<&CharterMember> {
        let removed = self.split.as_ref().is_some_and(|split| split.removed.contains(id));
        self.charter().member(id).filter(|member| !removed && member.status == MemberStatus::Active)
    }

    /// The member of this name if it may connect: it may be suspended, but is not removed.
    pub(in crate::document) fn belongs(&self, id: &MemberId) -> bool {
        let removed = self.split.as_ref().is_some_and(|split| split.removed.contains(id));
        !removed && self.charter().member(id).is_some()
    }

    /// Identity keys that a member has and had; the last is today's.
    pub fn identities(&self, member: &MemberId) -> &[PublicKey] {
        self.identities.get(member).map(Vec::as_slice).unwrap_or_default()
    }

    /// Every node of a member, by name.
    pub fn nodes(&self) -> impl Iterator<Item = &Arc<KnownNode>> {
        self.nodes.values().filter(|node| node.belongs)
    }

    /// The node of this name, also of a member that was removed.
    pub fn node(&self, node: &NodeRef) -> Option<&Arc<KnownNode>> {
        self.nodes.get(node)
    }

    /// The node with this transport key.
    pub fn node_by_transport(&self, key: &[u8; 32]) -> Option<&Arc<KnownNode>> {
        self.by_transport.get(key)
    }

    /// Every node, also those that belong to nobody any more, by name.
    pub fn all_nodes(&self) -> impl Iterator<Item = &Arc<KnownNode>> {
        self.nodes.values()
    }

    /// The node whose card names this origin of its log.
    pub fn node_by_origin(&self, origin: &str) -> Option<&Arc<KnownNode>> {
        self.nodes.get(self.origins.get(origin)?).filter(|node| node.card.origin == origin)
    }

    /// The first node of a member.
    pub fn node_of(&self, member: &MemberId) -> Option<&Arc<KnownNode>> {
        self.nodes().find(|n| n.member == *member)
    }

    /// The first node of a member that may have been removed.
    pub fn node_ever_of(&self, member: &MemberId) -> Option<&Arc<KnownNode>> {
        self.nodes.values().find(|n| n.member == *member)
    }

    /// Version and digest of a member's newest card.
    pub fn card_of(&self, member: &MemberId) -> Option<(u64, Digest)> {
        self.cards.get(member).copied()
    }

    /// The keys on a member's newest card that sign attestations and status lists.
    pub fn attest_keys(&self, member: &MemberId) -> &[AttestCardKey] {
        self.attest.get(member).and_then(|(newest, keys)| keys.get(..*newest)).unwrap_or_default()
    }

    /// The same with those that stood on earlier cards only: they sign nothing any more.
    pub fn attest_keys_ever(&self, member: &MemberId) -> &[AttestCardKey] {
        self.attest.get(member).map_or(&[], |(_, keys)| keys)
    }

    /// Members of the charter that no card names: they witness nothing here.
    pub fn without_card(&self) -> Vec<&MemberId> {
        self.charter().members.iter().map(|member| &member.id).filter(|id| !self.cards.contains_key(*id)).collect()
    }

    /// The newest version of each agreement, by id, with its digest.
    pub fn agreements(&self) -> impl Iterator<Item = &(Digest, Agreement)> {
        self.agreements.values().filter_map(|versions| versions.last())
    }

    /// Versions of each agreement, in their order.
    pub fn agreement_versions(&self) -> &BTreeMap<Slug, Vec<(Digest, Agreement)>> {
        &self.agreements
    }

    /// The version of an agreement with this digest, whether it holds today or not.
    pub fn agreement(&self, digest: &Digest) -> Option<&Agreement> {
        let (id, at) = self.by_digest.get(digest)?;
        self.agreements.get(id)?.get(*at).map(|(_, agreement)| agreement)
    }

    /// What a member has suspended, and the version of its word.
    pub fn suspension(&self, member: &MemberId) -> Option<&(u64, Suspension)> {
        self.suspensions.get(member)
    }

    /// What may flow.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// What this node's law forbids.
    pub fn prohibitions(&self) -> &Prohibitions {
        &self.prohibitions
    }

    /// What is known of a key, if it is revoked.
    pub fn revoked(&self, key: &KeyId) -> Option<&Revoked> {
        self.revoked.get(key)
    }

    /// Every revoked key.
    pub fn all_revoked(&self) -> impl Iterator<Item = (&KeyId, &Revoked)> {
        self.revoked.iter()
    }

    /// Whether a key of this member is revoked.
    pub fn has_revoked(&self, member: &MemberId) -> bool {
        self.revoked.values().any(|revoked| revoked.member == *member)
    }

    /// What a signature by this key is worth. `made` is its proven time: the quorum time of the first witnessed checkpoint that covers
    /// an entry naming it, in a log of another member than the signer; without one it counts as made now.
    pub fn standing(&self, key: &KeyId, made: Option<Millis>) -> Standing {
        match (self.revoked.get(key), made) {
            (None, _) => Standing::Good,
            (Some(_), None) => Standing::Refused,
            (Some(revoked), Some(made)) if made > revoked.at => Standing::Refused,
            (Some(revoked), Some(made)) => match revoked.compromised_since.is_some_and(|since| made >= since) {
                true => Standing::Contested,
                false => Standing::Good,
            },
        }
    }

    /// What `auditor` may open of `audited`'s log on `day`: the union of its mandates, or nothing.
    pub fn mandate(&self, audited: &MemberId, auditor: &MemberId, day: Day) -> Option<GroupSet> {
        self.policy.mandate(self, audited, auditor, day)
    }
}
