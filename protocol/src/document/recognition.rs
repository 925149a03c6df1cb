//! Mutual recognition as rows of an agreement: whose attestations about traders which parties recognise, and what that gives.
//!
//! An arrangement of mutual recognition covers security status only (WCO SAFE Framework, pillar 2), so a row is about `aeo`, and
//! nothing else gives benefits. Not here: whether an attestation holds, and what follows for one trader ([`crate::recognition`]).

use serde::Deserialize;

use super::agreement::{MAX_WORDS, ascending, sorted};
use super::{MAX_WORD, check_line, is_word};
use crate::cbor::{CborError, Decode, Encode, Reader, Writer};
use crate::credential::CredentialType;
use crate::limits::{MAX_MEMBERS, MAX_RECOGNITION_CONDITIONS};
use crate::names::{MemberId, Purpose, Territory, word_enum};

word_enum!(
    /// What recognition gives a trader's goods.
    Benefit, "benefit", {
        /// Fewer controls of documents and goods.
        FewerControls = 1, "fewer_controls";
        /// First in the queue when it is controlled.
        Priority = 2, "priority";
        /// Fewer data in advance.
        SimplifiedData = 3, "simplified_data";
        /// Duty and tax later.
        DeferredPayment = 4, "deferred_payment";
        /// A lower guarantee.
        ReducedGuarantee = 5, "reduced_guarantee";
        /// First when trade begins again after a disruption.
        Resumption = 6, "resumption";
    }
);

/// Whose attestations a row is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IssuedBy {
    /// This party's.
    Member(MemberId),
    /// Those of every member of this customs territory, for which a party from there speaks.
    Territory(Territory),
}

/// One row: these parties recognise these attestations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recognition {
    /// Whose attestations.
    pub issued_by: IssuedBy,
    /// The programme, exactly as attestations name it.
    pub programme: String,
    /// Who recognises them. Ordered.
    pub by: Vec<MemberId>,
    /// What for. Ordered.
    pub purposes: Vec<Purpose>,
    /// What it gives. Ordered.
    pub benefits: Vec<Benefit>,
    /// It gives nothing for goods whose tariff code begins with one of these. Ordered.
    pub except_hs: Vec<String>,
    /// It gives something only where all of these data were given besides what is owed, by name of their group. Ordered.
    pub needs: Vec<String>,
}

impl Recognition {
    /// The type that a row is about: an arrangement recognises no other.
    pub const ATTESTATION: CredentialType = CredentialType::Aeo;

    /// What the row says, in plain words, one line each; `name` tells a member's.
    pub(super) fn in_words(&self, number: usize, name: impl Fn(&MemberId) -> String) -> Vec<String> {
        let whose = match &self.issued_by {
            IssuedBy::Member(member) => name(member),
            IssuedBy::Territory(territory) => format!("customs of {territory}"),
        };
        let by = self.by.iter().map(&name).collect::<Vec<_>>().join(", ");
        let mut lines = vec![
            format!("  recognition {number}: security status of {} by {whose}, recognised by {by}", self.programme),
            format!("    gives {}, for {}", list(&self.benefits), list(&self.purposes)),
        ];
        if !self.except_hs.is_empty() {
            lines.push(format!("    not for goods under {}", self.except_hs.join(", ")));
        }
        if !self.needs.is_empty() {
            lines.push(format!("    only where {} is given as well", self.needs.join(" and ")));
        }
        lines
    }

    pub(super) fn check(&self, parties: &[MemberId]) -> Result<(), &'static str> {
        let party = |id: &MemberId| parties.binary_search(id).is_ok();
        let wrong = |member: &MemberId| !party(member) || self.by.contains(member);
        if matches!(&self.issued_by, IssuedBy::Member(member) if wrong(member)) {
            return Err("a row recognises a member that is no party, or its own");
        }
        if check_line(&self.programme, MAX_WORDS).is_err() {
            return Err("a programme is a line of 1 to 400 bytes");
        }
        if self.by.is_empty() || !ascending(&self.by) || !self.by.iter().all(party) {
            return Err("a row names the parties that recognise, ordered, each once");
        }
        if self.purposes.is_empty() || !ascending(&self.purposes) || self.purposes.contains(&Purpose::Audit) {
            return Err("a row that recognises names its purposes, ordered, each once, and audit is none");
        }
        if self.benefits.is_empty() || !ascending(&self.benefits) {
            return Err("a row that recognises gives at least one benefit, ordered, each once");
        }
        let prefix = |text: &String| (2..=10).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_digit());
        if !ascending(&self.except_hs) || !self.except_hs.iter().all(prefix) {
            return Err("goods are excepted by 2 to 10 digits of their tariff code, ordered, each once");
        }
        if self.except_hs.len() > MAX_RECOGNITION_CONDITIONS || self.needs.len() > MAX_RECOGNITION_CONDITIONS {
            return Err("a row excepts at most 256 prefixes and needs at most 256 data");
        }
        if !ascending(&self.needs) || !self.needs.iter().all(|name| is_word(name)) {
            return Err("data that a row needs are words of a to z, 0 to 9 and underscores, ordered, each once");
        }
        Ok(())
    }
}

/// A row as people write it, in TOML.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DraftRecognition {
    member: Option<MemberId>,
    territory: Option<Territory>,
    attestation: CredentialType,
    programme: String,
    by: Vec<MemberId>,
    purposes: Vec<Purpose>,
    benefits: Vec<Benefit>,
    #[serde(default)]
    except_hs: Vec<String>,
    #[serde(default)]
    needs: Vec<String>,
}

impl DraftRecognition {
    pub(super) fn spell_out(self) -> Result<Recognition, String> {
        if self.attestation != Recognition::ATTESTATION {
            let what = self.attestation;
            return Err(format!("'{what}' gives no benefit under an agreement\nhint: recognition is of 'aeo' only"));
        }
        let issued_by = match (self.member, self.territory) {
            (Some(member), None) => IssuedBy::Member(member),
            (None, Some(territory)) => IssuedBy::Territory(territory),
            _ => return Err("a row recognises the attestations of a 'member' or of a 'territory'".into()),
        };
        Ok(Recognition {
            issued_by,
            programme: self.programme,
            by: sorted(self.by),
            purposes: sorted(self.purposes),
            benefits: sorted(self.benefits),
            except_hs: sorted(self.except_hs),
            needs: sorted(self.needs),
        })
    }
}

impl Encode for Recognition {
    fn encode(&self, writer: &mut Writer) {
        writer.array(8);
        match &self.issued_by {
            IssuedBy::Member(member) => {
                writer.array(2);
                writer.uint(1);
                member.encode(writer);
            }
            IssuedBy::Territory(territory) => {
                writer.array(2);
                writer.uint(2);
                territory.encode(writer);
            }
        }
        writer.text(Self::ATTESTATION.word());
        writer.text(&self.programme);
        writer.list(&self.by);
        writer.list(&self.purposes);
        writer.list(&self.benefits);
        for words in [&self.except_hs, &self.needs] {
            writer.array(words.len());
            words.iter().for_each(|word| writer.text(word));
        }
    }
}

impl Decode for Recognition {
    fn decode(r: &mut Reader<'_>) -> Result<Self, CborError> {
        r.tuple(8)?;
        let start = r.position();
        r.tuple(2)?;
        let issued_by = match r.uint()? {
            1 => IssuedBy::Member(MemberId::decode(r)?),
            2 => IssuedBy::Territory(Territory::decode(r)?),
            _ => return Err(r.refuse(start, "attestations are recognised by member or by territory")),
        };
        r.leave();
        let start = r.position();
        if r.text(MAX_WORD)? != Self::ATTESTATION.word() {
            return Err(r.refuse(start, "only 'aeo' gives benefits under an agreement"));
        }
        let words = |r: &mut Reader<'_>| r.text(MAX_WORD).map(str::to_owned);
        let row = Self {
            issued_by,
            programme: r.text(MAX_WORDS)?.to_owned(),
            by: r.list(MAX_MEMBERS, MemberId::decode)?,
            purposes: r.list(Purpose::ALL.len(), Purpose::decode)?,
            benefits: r.list(Benefit::ALL.len(), Benefit::decode)?,
            except_hs: r.list(MAX_RECOGNITION_CONDITIONS, words)?,
            needs: r.list(MAX_RECOGNITION_CONDITIONS, words)?,
        };
        r.leave();
        Ok(row)
    }
}

fn list<T: ToString>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
