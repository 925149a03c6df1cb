//! Who may issue attestations about traders: by kind of member always, narrowed to those that the charter lists for a type.
//!
//! Not here: with which key (the issuer's card), and who recognises what (the agreement).

use serde::Deserialize;

use super::{Charter, CharterMember, MemberStatus, is_word};
use crate::cbor::{CborError, Decode, Encode, Reader, Writer};
use crate::credential::CredentialType;
use crate::limits::MAX_MEMBERS;
use crate::names::{MemberId, MemberKind};

/// The members that alone may issue a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuers {
    /// The type, as a word; one that is not known stands here without harm.
    pub attestation: String,
    /// Who may issue it. Ordered, not empty.
    pub members: Vec<MemberId>,
}

/// Why a member may not issue a type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoRight {
    /// It is none.
    #[error("{0} is no member of the charter that holds")]
    NoMember(MemberId),
    /// It takes no part for now.
    #[error("the charter suspends {0}, which issues nothing until it is active again")]
    MemberSuspended(MemberId),
    /// Members of its kind issue none.
    #[error("{member} is a {kind}; '{attestation}' is issued by {} only", kinds(*attestation))]
    Kind {
        /// The member.
        member: MemberId,
        /// What it is.
        kind: MemberKind,
        /// The type.
        attestation: CredentialType,
    },
    /// The charter names others.
    #[error("the charter lists who issues '{attestation}', and {member} is not listed")]
    NotListed {
        /// The member.
        member: MemberId,
        /// The type.
        attestation: CredentialType,
    },
}

impl CredentialType {
    /// The kinds of members that may issue it.
    pub const fn issuing_kinds(self) -> &'static [MemberKind] {
        match self {
            Self::Aeo | Self::Collect => &[MemberKind::Customs],
            Self::VettedSeller => &[MemberKind::Platform, MemberKind::Post, MemberKind::Broker],
        }
    }
}

impl Charter {
    /// Whether a member may issue a type under this charter; the member as it stands there.
    ///
    /// # Errors
    /// [`NoRight`].
    pub fn may_issue(&self, member: &MemberId, attestation: CredentialType) -> Result<&CharterMember, NoRight> {
        let found = self.member(member).ok_or_else(|| NoRight::NoMember(member.clone()))?;
        if found.status != MemberStatus::Active {
            return Err(NoRight::MemberSuspended(member.clone()));
        }
        if !attestation.issuing_kinds().contains(&found.kind) {
            return Err(NoRight::Kind { member: member.clone(), kind: found.kind, attestation });
        }
        match self.issuers.iter().find(|row| row.attestation == attestation.word()) {
            Some(row) if row.members.binary_search(member).is_err() => {
                Err(NoRight::NotListed { member: member.clone(), attestation })
            }
            _ => Ok(found),
        }
    }

    pub(super) fn check_issuers(&self) -> Result<(), &'static str> {
        if !self.issuers.windows(2).all(|w| w[0].attestation < w[1].attestation) {
            return Err("types with issuers are not ordered, each once");
        }
        for row in &self.issuers {
            if !is_word(&row.attestation) {
                return Err("a type with issuers is no word of a to z, 0 to 9 and underscores");
            }
            if row.members.is_empty() || !row.members.windows(2).all(|w| w[0] < w[1]) {
                return Err("issuers of a type are missing, repeated or not ordered");
            }
            // A type that is not known here may be issued by any kind.
            let of = CredentialType::ALL.iter().find(|of| of.word() == row.attestation);
            let may = |m: &CharterMember| of.is_none_or(|of| of.issuing_kinds().contains(&m.kind));
            if !row.members.iter().all(|id| self.member(id).is_some_and(may)) {
                return Err("an issuer is no member, or of a kind that does not issue the type");
            }
        }
        Ok(())
    }
}

/// Issuers as people write them, in the charter's draft.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DraftIssuers {
    #[serde(rename = "type")]
    attestation: CredentialType,
    members: Vec<MemberId>,
}

impl DraftIssuers {
    pub(super) fn spell_out(drafts: Vec<Self>) -> Vec<Issuers> {
        let mut rows: Vec<Issuers> = drafts
            .into_iter()
            .map(|Self { attestation, mut members }| {
                members.sort();
                Issuers { attestation: attestation.word().to_owned(), members }
            })
            .collect();
        rows.sort_by(|a, b| a.attestation.cmp(&b.attestation));
        rows
    }
}

impl Encode for Issuers {
    fn encode(&self, writer: &mut Writer) {
        writer.array(2);
        writer.text(&self.attestation);
        writer.list(&self.members);
    }
}

impl Decode for Issuers {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.tuple(2)?;
        let attestation = reader.text(super::MAX_WORD)?.to_owned();
        let members = reader.list(MAX_MEMBERS, MemberId::decode)?;
        reader.leave();
        Ok(Self { attestation, members })
    }
}

fn kinds(attestation: CredentialType) -> String {
    attestation.issuing_kinds().iter().map(|kind| kind.word()).collect::<Vec<_>>().join(", ")
}
