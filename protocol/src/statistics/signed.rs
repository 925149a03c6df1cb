//! A publication with its publisher's signature: a file that anybody checks who knows the network, and the record that carries it.
//!
//! The file is `[domain, network, publisher, publication, key id, signature]`; the signature is by the publisher's identity key over the
//! publication's bytes (SPEC.md, section 3). In a record of the type `statistics` the file stands in full where it is small enough; else
//! the record names its digest, and the file goes with it as an attached one.
//!
//! Not here: which identity keys members have or had, and attached files.

use super::publication::Publication;
use crate::cbor::{CborError, Decode, Encode, Reader, Writer};
use crate::hash::{Digest, Domain};
use crate::keys::{KeyError, KeyId, PublicKey, SecretKey};
use crate::limits::{MAX_CARRIED_STATISTICS_BYTES, MAX_STATISTICS_BYTES};
use crate::names::MemberId;
use crate::record::{Content, STATISTICS, Value};

/// What a file with another domain is refused with.
const OTHER: &str = "does not begin with \"luxor/v1/statistics\"";

/// A publication as it was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedPublication {
    /// The network in which its publisher is known.
    pub network: Digest,
    /// Who publishes.
    pub publisher: MemberId,
    publication: Publication,
    bytes: Vec<u8>,
    key: KeyId,
    signature: [u8; 64],
}

/// Why a signed publication does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignedError {
    /// It is too large.
    #[error("published statistics have {0} bytes, at most {MAX_STATISTICS_BYTES} are allowed")]
    Large(usize),
    /// Its bytes.
    #[error("published statistics cannot be read: {0}")]
    Decode(#[from] CborError),
    /// It was signed in another network.
    #[error("these statistics were published in network {found}, not in {expected}")]
    Network {
        /// This network.
        expected: Digest,
        /// The one that they name.
        found: Digest,
    },
    /// Whoever signed it is not a member.
    #[error("{0} signed these statistics and is no member of this network")]
    Member(MemberId),
    /// The signature.
    #[error("statistics of {publisher}: {error}")]
    Key {
        /// Who should have signed.
        publisher: MemberId,
        /// What is wrong.
        error: KeyError,
    },
    /// The facts are another member's.
    #[error("{publisher} signed statistics that are not its own\nhint: hand in the statistics that each member signed")]
    Source {
        /// Who signed.
        publisher: MemberId,
    },
    /// A record says something else than what it carries.
    #[error("a record of statistics says another {0} than the publication in it, or lacks it")]
    Record(&'static str),
}

impl SignedPublication {
    /// Signs for the publisher, with its identity key.
    ///
    /// # Errors
    /// [`SignedError::Large`].
    pub fn sign(
        network: Digest,
        publisher: &MemberId,
        publication: Publication,
        identity: &SecretKey,
    ) -> Result<Self, SignedError> {
        let bytes = publication.to_cbor();
        if bytes.len() > MAX_STATISTICS_BYTES {
            return Err(SignedError::Large(bytes.len()));
        }
        let signature = identity.sign(Domain::Statistics, &network, &bytes);
        Ok(Self { network, publisher: publisher.clone(), publication, bytes, key: identity.public().id(), signature })
    }

    /// Reads a file; nothing of it is believed yet.
    ///
    /// # Errors
    /// [`SignedError::Large`] and [`SignedError::Decode`].
    pub fn read(bytes: &[u8]) -> Result<Self, SignedError> {
        // Names, key and signature are below 512 bytes.
        if bytes.len() > MAX_STATISTICS_BYTES + 512 {
            return Err(SignedError::Large(bytes.len()));
        }
        Ok(Self::from_cbor(bytes)?)
    }

    /// The digest that a record names it by.
    pub fn digest(&self) -> Digest {
        Digest::of(Domain::Statistics, &[&self.bytes])
    }

    /// What is in it, whether it holds or not.
    pub fn unverified(&self) -> &Publication {
        &self.publication
    }

    /// The publication, if it was signed in this network by one of the identity keys that its publisher has or had.
    ///
    /// # Errors
    /// [`SignedError`].
    pub fn verify(
        &self,
        network: &Digest,
        identities: impl FnOnce(&MemberId) -> Vec<PublicKey>,
    ) -> Result<&Publication, SignedError> {
        if self.network != *network {
            return Err(SignedError::Network { expected: *network, found: self.network });
        }
        let keys = identities(&self.publisher);
        let Some(last) = keys.last() else { return Err(SignedError::Member(self.publisher.clone())) };
        let refused = |error| SignedError::Key { publisher: self.publisher.clone(), error };
        let Some(key) = keys.iter().find(|key| key.id() == self.key) else {
            let error = KeyError::OtherKey { use_name: "identity", expected: last.id(), found: self.key };
            return Err(refused(error));
        };
        key.verify(Domain::Statistics, network, &self.bytes, &self.signature).map_err(refused)?;
        Ok(&self.publication)
    }

    /// The same of a publication that counts the publisher's own facts and nobody else's: what several members' tables are made of.
    ///
    /// # Errors
    /// [`SignedError`].
    pub fn verify_own(
        &self,
        network: &Digest,
        identities: impl FnOnce(&MemberId) -> Vec<PublicKey>,
    ) -> Result<&Publication, SignedError> {
        let publication = self.verify(network, identities)?;
        match publication.sources.as_slice() {
            [source] if source.member == self.publisher => Ok(publication),
            _ => Err(SignedError::Source { publisher: self.publisher.clone() }),
        }
    }

    /// The row that carries it, for `luxor submit`: JSON of a record of the type `statistics`.
    pub fn to_record(&self, own_reference: &str) -> serde_json::Value {
        let Publication { flow, currency, from, to, tables, .. } = &self.publication;
        let cells: usize = tables.iter().map(|(_, cells)| cells.len()).sum();
        let file = self.to_cbor();
        let mut group = serde_json::json!({
            "publisher": self.publisher.as_str(), "from": from.to_string(), "to": to.to_string(),
            "flow": flow.word(), "currency": currency.as_str(), "cells": cells, "digest": self.digest().to_string(),
        });
        if let Some(group) = group.as_object_mut().filter(|_| file.len() <= MAX_CARRIED_STATISTICS_BYTES) {
            group.insert("file".to_owned(), crate::hash::hex(&file).into());
        }
        serde_json::json!({ "type": STATISTICS.name, "reference": { "own_reference": own_reference }, "publication": group })
    }

    /// What a record carries, or what the file attached to it is, where the record says of it what it is. Nothing of it is believed yet.
    ///
    /// # Errors
    /// [`SignedError`].
    pub fn of_record(content: &Content, attached: Option<&[u8]>) -> Result<Self, SignedError> {
        let value = |field: &str| content.field("publication", field);
        let signed = match (value("file"), attached) {
            (Some(Value::Bytes(file)), _) => Self::read(&file)?,
            (_, Some(file)) => Self::read(file)?,
            _ => return Err(SignedError::Record("file")),
        };
        let Publication { flow, currency, from, to, tables, .. } = &signed.publication;
        let text = |text: String| Some(Value::Text(text));
        let cells = tables.iter().map(|(_, cells)| cells.len() as u64).sum();
        for (field, expected) in [
            ("publisher", text(signed.publisher.to_string())),
            ("flow", text(flow.to_string())),
            ("from", text(from.to_string())),
            ("to", text(to.to_string())),
            ("currency", text(currency.to_string())),
            ("cells", Some(Value::Uint(cells))),
            ("digest", Some(Value::Bytes(signed.digest().0.to_vec()))),
        ] {
            if value(field) != expected {
                return Err(SignedError::Record(field));
            }
        }
        Ok(signed)
    }
}

impl Encode for SignedPublication {
    fn encode(&self, w: &mut Writer) {
        w.array(6);
        w.text(Domain::Statistics.text());
        self.network.encode(w);
        self.publisher.encode(w);
        w.bytes(&self.bytes);
        self.key.encode(w);
        w.bytes(&self.signature);
    }
}

impl Decode for SignedPublication {
    fn decode(r: &mut Reader<'_>) -> Result<Self, CborError> {
        r.tuple(6)?;
        let start = r.position();
        if r.text(64)? != Domain::Statistics.text() {
            return Err(r.refuse(start, OTHER));
        }
        let (network, publisher) = (Digest::decode(r)?, MemberId::decode(r)?);
        let bytes = r.bytes(MAX_STATISTICS_BYTES)?.to_vec();
        let (key, signature) = (KeyId::decode(r)?, r.fixed()?);
        r.leave();
        Ok(Self { network, publisher, publication: Publication::from_cbor(&bytes)?, bytes, key, signature })
    }
}
