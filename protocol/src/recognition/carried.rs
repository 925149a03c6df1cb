//! Tokens about traders in records of the types `attestation`, `status_list` and `collect_use`: what they must be, so that a node takes the
//! record, and what is learned from them. And the uses of numbers that declarations tell of.
//!
//! The same is asked of own records before they are sent and of others' when they arrive. Not here: what follows from all of them together
//! ([`super::Recogniser`], [`super::Confirmations`]), and signatures of records, which are looked at before.

use super::ground::together;
use super::{Attested, AttestedError, Confirmation, ConfirmationError, Scheme, Use, UseKey};
use crate::credential::jws::{Jws, JwsError};
use crate::credential::{
    AttestKeyError, AttestPublic, ClaimsError, Credential, CredentialType, KeyBinding, SdJwt, SdJwtError, StatusError,
    StatusToken, Vc, VcError, json,
};
use crate::document::{AttestCardKey, Directory, NoRight};
use crate::hash::{Digest, Domain};
use crate::keys::KeyId;
use crate::limits::{MAX_JWK_BYTES, MAX_STATUS_TOKEN_BYTES};
use crate::names::{MemberId, Territory};
use crate::record::{ATTESTATION, COLLECT_USE, ContentError, Fault, STATUS_LIST, TypeTable, Value};
use crate::reference::{Ioss, ioss};
use crate::time::Millis;

/// What a record does that stands for itself.
const ORIGINAL: &str = "original";
/// Values inside one another in a public key.
const JWK_DEPTH: usize = 3;

/// The tokens of a record, before anything of them is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tokens {
    /// Of an `attestation`.
    Attestation {
        /// What the record says that it attests.
        kind: String,
        /// The credential.
        token: String,
    },
    /// Of a `status_list`.
    StatusList {
        /// What the record says that it is called.
        uri: String,
        /// The signed list.
        token: String,
    },
    /// Of a `collect_use`.
    Use {
        /// What the consignment is called.
        item: String,
        /// The number.
        number: String,
        /// For which month its tax is returned.
        period: String,
        /// The key that signed, a JWK.
        key: String,
        /// The confirmation.
        token: String,
    },
}

/// Whether signatures are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// They are.
    Needed,
    /// They were, when the record was taken: it is read again from what was stored then.
    Given,
}

/// What a record tells.
#[derive(Debug, Clone, PartialEq)]
pub enum Carried {
    /// An attestation.
    Attestation {
        /// What of it decides.
        attested: Attested,
        /// The key of its holder.
        holder: AttestPublic,
    },
    /// A status list.
    Statuses {
        /// Whose.
        issuer: MemberId,
        /// The key that signed.
        key: KeyId,
        /// The list.
        token: StatusToken,
    },
    /// A confirmed use.
    Use {
        /// What the holder says.
        confirmation: Confirmation,
        /// The scheme of the number.
        scheme: Scheme,
        /// The key that signed.
        key: AttestPublic,
    },
}

/// Why a record with tokens is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CarriedError {
    /// Its tokens are not shown.
    #[error("the group with the token is not shown, so the record says nothing; hint: the agreement has to give it")]
    Hidden,
    /// The credential.
    #[error(transparent)]
    SdJwt(#[from] SdJwtError),
    /// As a credential.
    #[error(transparent)]
    Vc(#[from] VcError),
    /// Its claims.
    #[error(transparent)]
    Claims(#[from] ClaimsError),
    /// Its number.
    #[error(transparent)]
    Attested(#[from] AttestedError),
    /// The status list.
    #[error(transparent)]
    Status(#[from] StatusError),
    /// The token.
    #[error(transparent)]
    Jws(#[from] JwsError),
    /// The confirmation.
    #[error(transparent)]
    Confirmation(#[from] ConfirmationError),
    /// The key beside it.
    #[error("the key of the confirmation: {0}")]
    Key(String),
    /// A field of the record says something else than the token.
    #[error("the record says '{record}' as {field}, the token '{token}'")]
    Differs {
        /// The field.
        field: &'static str,
        /// What the record says.
        record: String,
        /// What the token says.
        token: String,
    },
    /// No key on the issuer's card signed it.
    #[error(
        "no key on the card of {issuer} has the name '{kid}', so nothing shows that {issuer} signed it; hint: `luxor card attest-key add` puts it there"
    )]
    NoKey {
        /// The record's issuer.
        issuer: MemberId,
        /// The name of the key, shortened.
        kid: String,
    },
    /// The card has the key for other days.
    #[error("the card of {issuer} does not have the key '{kid}' for the day on which it signed")]
    KeyDay {
        /// The record's issuer.
        issuer: MemberId,
        /// The name of the key.
        kid: String,
    },
    /// The key is revoked.
    #[error("the key '{kid}' of {issuer} is revoked")]
    KeyRevoked {
        /// The record's issuer.
        issuer: MemberId,
        /// The name of the key.
        kid: String,
    },
    /// A correction or cancellation.
    #[error(
        "the record is a {0}; hint: issue another token, or take it back by its own means: a status list, or another confirmation"
    )]
    Action(String),
    /// The issuer may not issue it.
    #[error("{0}")]
    NoRight(#[from] NoRight),
    /// For another country.
    #[error("{issuer} is of {territory} and cannot attest for {country}")]
    Foreign {
        /// The issuer.
        issuer: MemberId,
        /// Its territory.
        territory: Territory,
        /// The other one.
        country: Territory,
    },
}

impl CarriedError {
    /// The reason in a word, as it stands behind `#` in a verdict (SPEC.md section 5, *Credentials in records*).
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Hidden => "hidden",
            Self::SdJwt(_) | Self::Jws(_) | Self::Status(StatusError::Jws(_)) => "token",
            Self::Vc(VcError::SdJwt(_)) | Self::Claims(ClaimsError::Vc(VcError::SdJwt(_))) => "token",
            Self::Vc(VcError::Time { .. }) | Self::Status(StatusError::Time { .. }) => "time",
            Self::Claims(ClaimsError::Vc(VcError::Time { .. })) => "time",
            Self::Confirmation(ConfirmationError::Future { .. }) => "time",
            Self::Vc(_) | Self::Claims(_) => "claims",
            Self::Attested(_) => "number",
            Self::Status(_) => "list",
            Self::Confirmation(_) => "confirmation",
            Self::Key(_) => "key",
            Self::Differs { .. } => "differs",
            Self::Action(_) => "action",
            Self::NoKey { .. } => "issuer_key",
            Self::KeyDay { .. } => "issuer_key_day",
            Self::KeyRevoked { .. } => "issuer_key_revoked",
            Self::NoRight(NoRight::NoMember(_) | NoRight::MemberSuspended(_)) => "right_member",
            Self::NoRight(NoRight::Kind { .. }) => "right_kind",
            Self::NoRight(NoRight::NotListed { .. }) => "right_not_listed",
            Self::Foreign { .. } => "right_country",
        }
    }
}

impl Tokens {
    /// Whether records of a type have tokens.
    pub fn are_in(table: &TypeTable) -> bool {
        [&ATTESTATION, &STATUS_LIST, &COLLECT_USE].contains(&table)
    }

    /// The tokens of a record whose type has them, by its fields as far as they are shown.
    ///
    /// # Errors
    /// [`CarriedError::Hidden`], [`CarriedError::Action`].
    pub fn of(
        table: &'static TypeTable,
        field: impl Fn(&str, &str) -> Option<Value>,
    ) -> Result<Option<Self>, CarriedError> {
        if !Self::are_in(table) {
            return Ok(None);
        }
        if let Some(Value::Text(action)) = field("reference", "action").filter(|of| *of != Value::Text(ORIGINAL.into()))
        {
            return Err(CarriedError::Action(action));
        }
        let text = |group: &str, name: &str| match field(group, name) {
            Some(Value::Text(text)) => Ok(text),
            _ => Err(CarriedError::Hidden),
        };
        Ok(Some(match table {
            table if *table == ATTESTATION => {
                Self::Attestation { kind: text("credential", "type")?, token: text("credential", "token")? }
            }
            table if *table == STATUS_LIST => {
                Self::StatusList { uri: text("list", "uri")?, token: text("list", "token")? }
            }
            _ => Self::Use {
                item: text("item", "id")?,
                number: text("use", "number")?,
                period: text("use", "period")?,
                key: text("use", "key")?,
                token: text("use", "token")?,
            },
        }))
    }

    /// Where the token stands in its record.
    pub fn place(&self) -> &'static str {
        match self {
            Self::Attestation { .. } => "/credential/token",
            Self::StatusList { .. } => "/list/token",
            Self::Use { .. } => "/use/token",
        }
    }

    /// What they tell, at `now` and by the documents that are known, in a record of this issuer.
    ///
    /// # Errors
    /// [`CarriedError`].
    pub fn read(
        &self,
        directory: &Directory,
        issuer: &MemberId,
        now: Millis,
        proof: Proof,
    ) -> Result<Carried, CarriedError> {
        let seconds = now.0 / 1_000;
        match self {
            Self::Attestation { kind, token } => attestation(directory, issuer, kind, token, seconds, proof),
            Self::StatusList { uri, token } => {
                let jws = Jws::parse(token, MAX_STATUS_TOKEN_BYTES, 6)?;
                let signed_at = jws.unverified().get("iat").and_then(serde_json::Value::as_u64);
                let kid = jws.header().kid.clone().unwrap_or_default();
                let row = key_of(directory, issuer, &kid, signed_at.unwrap_or(seconds), proof)?;
                may_issue_any(directory, issuer)?;
                let token = match proof {
                    Proof::Needed => StatusToken::verify(token, &row.key, seconds)?,
                    Proof::Given => StatusToken::read_again(token, seconds)?,
                };
                same("uri", uri, &token.claims.uri)?;
                Ok(Carried::Statuses { issuer: issuer.clone(), key: row.key.id(), token })
            }
            Self::Use { item, number, period, key, token } => {
                let key = public(key)?;
                let confirmation = match proof {
                    Proof::Needed => Confirmation::verify(token, &key, seconds)?,
                    Proof::Given => Confirmation::read_again(token, seconds)?,
                };
                same("number", number, &confirmation.number)?;
                same("item", item, &confirmation.item)?;
                same("period", period, &confirmation.period.to_string())?;
                Ok(Carried::Use { scheme: Scheme::of_registration(number), confirmation, key })
            }
        }
    }

    /// The same as a verdict on the record.
    ///
    /// # Errors
    /// [`ContentError`] with [`Fault::Credential`].
    pub fn judge(&self, directory: &Directory, issuer: &MemberId, now: Millis) -> Result<Carried, ContentError> {
        self.read(directory, issuer, now, Proof::Needed).map_err(|error| {
            ContentError::new(Fault::Credential, format!("{}#{}", self.place(), error.reason()), error.to_string())
        })
    }
}

impl Scheme {
    /// The scheme of a number under which duty and tax are collected.
    pub fn of_registration(number: &str) -> Self {
        if ioss(number, &[]) == Ioss::Form { Self::Registration } else { Self::Ioss }
    }
}

/// A use of a number that a declaration tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// The number.
    pub number: String,
    /// What the consignment is called.
    pub item: String,
    /// What is matched.
    pub of: Use,
}

/// The uses that a record tells of, which became known at `at`: IOSS numbers among `fiscal`, given by `fiscal`, for the item in
/// `item.id`, which departs at `route.departs_at`. None where a group is hidden or the record is about no item.
pub fn declared(
    numbers: impl IntoIterator<Item = String>,
    field: impl Fn(&str, &str) -> Option<Value>,
    at: Millis,
) -> Vec<Declared> {
    let Some(Value::Text(item)) = field("item", "id") else { return Vec::new() };
    let departs = match field("route", "departs_at") {
        Some(Value::Time(departs)) => Some(departs),
        _ => None,
    };
    let of = |number: String| Declared {
        of: Use { key: UseKey::new(Scheme::of_registration(&number), &number, &item), declared_at: at, departs },
        item: item.clone(),
        number,
    };
    numbers.into_iter().map(of).collect()
}

fn attestation(
    directory: &Directory,
    issuer: &MemberId,
    kind: &str,
    token: &str,
    now: u64,
    proof: Proof,
) -> Result<Carried, CarriedError> {
    let presented = SdJwt::parse(token)?;
    let kid = presented.header()?.kid.unwrap_or_default();
    let issued_at = presented.unverified("iat")?.and_then(|at| at.as_u64()).unwrap_or(now);
    let row = key_of(directory, issuer, &kid, issued_at, proof)?;
    let verified = match proof {
        Proof::Needed => Credential::verify(&presented, &row.key, now, KeyBinding::None)?,
        Proof::Given => Credential::read(Vc::of(presented.unverified_claims()?)?)?,
    };
    let attestation = verified.shown.credential_type();
    same("type", kind, attestation.word())?;
    let signed = token.split('~').next().unwrap_or_default();
    let name = Digest::of(Domain::Index, &[b"credential", signed.as_bytes()]);
    let attested = Attested::new(name, issuer, &row.key, &verified)?;
    if proof == Proof::Needed {
        entitled(directory, &attested)?;
    }
    Ok(Carried::Attestation { attested, holder: verified.terms.holder })
}

/// Whether the issuer may issue any type: others' lists are of no use to anybody, and would take room.
fn may_issue_any(directory: &Directory, issuer: &MemberId) -> Result<(), CarriedError> {
    let mut last = Ok(());
    for of in CredentialType::ALL {
        match directory.charter().may_issue(issuer, *of) {
            Ok(_) => return Ok(()),
            Err(error) => last = Err(error.into()),
        }
    }
    last
}

/// Whether the issuer may attest it, by the charter that holds.
fn entitled(directory: &Directory, attested: &Attested) -> Result<(), CarriedError> {
    let issuer = directory.charter().may_issue(&attested.issuer, attested.claims.credential_type())?;
    if directory.active(&issuer.id).is_none() {
        return Err(NoRight::MemberSuspended(issuer.id.clone()).into());
    }
    match attested.claims.country().filter(|country| !together(*country, issuer.territory)) {
        Some(country) => Err(CarriedError::Foreign { issuer: issuer.id.clone(), territory: issuer.territory, country }),
        None => Ok(()),
    }
}

/// The key on the issuer's card that a token names, for the second in which it was signed.
fn key_of<'d>(
    directory: &'d Directory,
    issuer: &MemberId,
    kid: &str,
    signed_at: u64,
    proof: Proof,
) -> Result<&'d AttestCardKey, CarriedError> {
    let kid_told = || kid.chars().take(80).collect::<String>();
    let keys = match proof {
        Proof::Needed => directory.attest_keys(issuer),
        Proof::Given => directory.attest_keys_ever(issuer),
    };
    let found = keys.iter().find(|row| row.key.thumbprint() == kid);
    let row = found.ok_or_else(|| CarriedError::NoKey { issuer: issuer.clone(), kid: kid_told() })?;
    if proof == Proof::Given {
        return Ok(row);
    }
    if !row.signs_at(signed_at) {
        return Err(CarriedError::KeyDay { issuer: issuer.clone(), kid: kid_told() });
    }
    if directory.revoked(&row.key.id()).is_some() {
        return Err(CarriedError::KeyRevoked { issuer: issuer.clone(), kid: kid_told() });
    }
    Ok(row)
}

fn public(jwk: &str) -> Result<AttestPublic, CarriedError> {
    if jwk.len() > MAX_JWK_BYTES {
        return Err(CarriedError::Key(format!("{} bytes; at most {MAX_JWK_BYTES} are read", jwk.len())));
    }
    let jwk = json::object("it", jwk.as_bytes(), JWK_DEPTH).map_err(|error| CarriedError::Key(error.to_string()))?;
    AttestPublic::from_jwk(&jwk).map_err(|error: AttestKeyError| CarriedError::Key(error.to_string()))
}

fn same(field: &'static str, record: &str, token: &str) -> Result<(), CarriedError> {
    match record == token {
        true => Ok(()),
        false => Err(CarriedError::Differs { field, record: record.to_owned(), token: token.to_owned() }),
    }
}
