//! What is measured beside SD-JWT: records of 40 fields in one batch, of which ten fields, three groups, are shown to one recipient.
//!
//! The bytes are those of a dispatch before it is compressed and sealed, checked as a recipient checks them. At the end both sides
//! hold the values that were shown.

use serde_json::Value as Json;
use zeroize::Zeroizing;

use crate::cbor::{CborError, Decode as _, Encode as _, Writer};
use crate::exchange::read_views;
use crate::hash::{Digest, Domain, keyed};
use crate::keys::{KeyError, PublicKey, SecretKey};
use crate::names::{MemberId, NodeRef};
use crate::record::{
    Batch, BatchHeader, Content, ContentError, DECLARATION, Fault, GroupSet, Occurrences, SealedRecord, batch_root,
};
use crate::time::Millis;

/// Fields of a record.
pub const FIELDS: usize = TEMPLATE.len();
/// Fields that are shown: the first ones.
pub const DISCLOSED: usize = 10;

/// Group, field, claim, and the value, in which `~` stands for any letter and `#` for any digit.
type Template = (&'static str, &'static str, &'static str, &'static str);

const TEMPLATE: [Template; 40] = [
    ("item", "scheme", "item.scheme", "s10"),
    ("item", "id", "item.id", "~~#########CN"),
    ("item", "ucr", "item.ucr", "#CN#########-##########"),
    ("route", "destination", "route.destination", "KR"),
    ("route", "departure", "route.departure", "CN"),
    ("route", "first_entry", "route.first_entry", "KR"),
    ("route", "mode", "route.mode", "4"),
    ("route", "location", "route.location", "~~~~~~~~~~~~"),
    ("mass", "gross_kg", "mass.gross_kg", "#.###"),
    ("mass", "packages", "mass.packages", "1"),
    ("filing", "own_reference", "filing.own_reference", "~~~~~~~~~~~~############"),
    ("filing", "kind", "filing.kind", "ens_preloading"),
    ("filing", "data_set", "filing.data_set", "F43"),
    ("filing", "capacity", "filing.capacity", "declarant"),
    ("filing", "filed_on", "filing.filed_on", "2026-06-1#"),
    ("filing", "office", "filing.office", "KR######"),
    ("sender", "name", "sender.name", "~~~~~~~~ ~~~~~~~~~~~~"),
    ("sender", "street", "sender.street", "~~~~~~~~~~~~~~~~ ~~~~"),
    ("sender", "number", "sender.number", "##"),
    ("sender", "city", "sender.city", "~~~~~~~~~~"),
    ("sender", "postcode", "sender.postcode", "######"),
    ("sender", "country", "sender.country", "CN"),
    ("sender", "phone", "sender.phone", "+86##########"),
    ("sender", "email", "sender.email", "~~~~~~~~~~@example.com"),
    ("addressee", "name", "addressee.name", "~~~~~~~~ ~~~~~~~~~~~~"),
    ("addressee", "street", "addressee.street", "~~~~~~~~~~~~~~~~ ~~~~"),
    ("addressee", "number", "addressee.number", "##"),
    ("addressee", "city", "addressee.city", "~~~~~~~~~~"),
    ("addressee", "postcode", "addressee.postcode", "#####"),
    ("addressee", "country", "addressee.country", "KR"),
    ("addressee", "phone", "addressee.phone", "+82##########"),
    ("addressee", "email", "addressee.email", "~~~~~~~~~~@example.com"),
    ("order", "reference", "order.reference", "~~~~########"),
    ("order", "platform_reference", "order.platform_reference", "################"),
    ("order", "price", "order.price", "1#.##"),
    ("order", "currency", "order.currency", "USD"),
    ("postage", "amount", "postage.amount", "1.##"),
    ("postage", "currency", "postage.currency", "CNY"),
    ("content", "description", "content.description", "~~~~~~~ ~~~~~~~~~~ ~~~~~~~~ ~~~~"),
    ("content", "units", "content.units", "2"),
];

/// A record's content, and the same values as claims, those that are shown first.
#[derive(Debug, Clone)]
pub struct Filing {
    /// As a record has it.
    pub content: Content,
    /// As a JWT has it.
    pub claims: Vec<(&'static str, Json)>,
}

/// Issued records and the signature over them.
pub struct Issued {
    records: Vec<SealedRecord>,
    batch: Batch,
}

/// What one recipient gets of them.
pub struct Disclosed {
    /// The batch's header and signature.
    pub batch: Vec<u8>,
    /// The views.
    pub views: Vec<u8>,
}

/// Why what arrived is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unverified {
    /// It has not the form of a batch with its views.
    #[error(transparent)]
    Form(#[from] CborError),
    /// The signature does not hold.
    #[error(transparent)]
    Signature(#[from] KeyError),
    /// A record of another type or issuer, or other groups than promised.
    #[error("a record of another type or issuer, or showing other groups")]
    Other,
    /// The views do not lead to the signed root.
    #[error("the views do not lead to the root that was signed")]
    Root,
    /// Content that the type does not allow.
    #[error(transparent)]
    Content(#[from] ContentError),
}

/// Different records; the same seed gives the same ones.
///
/// # Errors
/// [`ContentError`], which is a defect.
pub fn filings(count: usize, seed: u64) -> Result<Vec<Filing>, ContentError> {
    (0..count as u64).map(|index| filing(seed, index)).collect()
}

/// The groups that are shown.
pub fn shown() -> GroupSet {
    groups().filter(|(_, of)| of.iter().all(|at| *at < DISCLOSED)).fold(GroupSet::NONE, |set, (at, _)| set.with(at))
}

/// Commits to records and signs them as one batch. `entropy` gives each its id and its seed.
pub fn issue(
    node: &NodeRef,
    contents: Vec<Content>,
    entropy: &[[u8; 48]],
    network: &Digest,
    key: &SecretKey,
) -> Issued {
    let issuer = node.member();
    let commit = |(content, entropy): (Content, &[u8; 48])| {
        let (mut id, mut seed) = ([0; 16], Zeroizing::new([0; 32]));
        id.copy_from_slice(&entropy[..16]);
        seed.copy_from_slice(&entropy[16..]);
        SealedRecord::new(issuer.clone(), content, None, id, seed)
    };
    let records: Vec<_> = contents.into_iter().zip(entropy).map(commit).collect();
    let roots: Vec<Digest> = records.iter().map(SealedRecord::root).collect();
    let (node, table, root) = (node.clone(), &DECLARATION, batch_root(&roots));
    let header = BatchHeader { node, table, count: records.len(), root, signed_at: Millis(1_795_428_000_000) };
    Issued { records, batch: Batch::sign(header, network, key) }
}

/// Cuts every record to these groups for one recipient.
pub fn disclose(issued: &Issued, groups: GroupSet) -> Disclosed {
    let mut writer = Writer::with_capacity(issued.records.len() * 1_024);
    writer.array(issued.records.len());
    issued.records.iter().for_each(|record| record.encode_view(groups, &mut writer));
    Disclosed { batch: issued.batch.to_cbor(), views: writer.into_bytes() }
}

/// Checks what arrived as the recipient of a dispatch does, and gives the values of each group shown, record by record.
///
/// # Errors
/// [`Unverified`].
pub fn verify(
    disclosed: &Disclosed,
    issuer: &MemberId,
    groups: GroupSet,
    network: &Digest,
    key: &PublicKey,
) -> Result<Vec<Vec<Occurrences>>, Unverified> {
    let batch = Batch::from_cbor(&disclosed.batch)?;
    batch.verify(network, key)?;
    let views = read_views(&disclosed.views, batch.header.count)?;
    let other = |header: &crate::record::RecordHeader| header.table != batch.header.table || header.issuer != *issuer;
    if views.iter().any(|view| other(&view.header) || view.shown != groups) {
        return Err(Unverified::Other);
    }
    let roots: Vec<Digest> = views.iter().map(|view| view.root).collect();
    if batch_root(&roots) != batch.header.root {
        return Err(Unverified::Root);
    }
    let shown: Vec<usize> = (0..batch.header.table.groups.len()).filter(|at| groups.has(*at)).collect();
    let mut all = Vec::with_capacity(views.len());
    for view in views {
        if let Some(fault) = view.fault {
            return Err(fault.into());
        }
        let mut values = Vec::with_capacity(shown.len());
        for at in &shown {
            values.push(view.occurrences(*at)?);
        }
        all.push(values);
    }
    Ok(all)
}

/// Each group of the type that has fields in the template, with their positions there.
fn groups() -> impl Iterator<Item = (usize, Vec<usize>)> {
    DECLARATION.groups.iter().enumerate().filter_map(|(at, group)| {
        let of = TEMPLATE.iter().enumerate().filter(|(_, (name, ..))| *name == group.name);
        let of: Vec<usize> = of.map(|(at, _)| at).collect();
        (!of.is_empty()).then_some((at, of))
    })
}

fn filing(seed: u64, index: u64) -> Result<Filing, ContentError> {
    let mut content = Content::empty(&DECLARATION, 1);
    let mut claims = vec![("", Json::Null); FIELDS];
    for (group, of) in groups() {
        let mut fields = Vec::with_capacity(of.len());
        for at in of {
            let (_, name, claim, template) = TEMPLATE[at];
            let missing = || ContentError::new(Fault::Unknown, claim, "no such field");
            let field = DECLARATION.groups[group].field(name).ok_or_else(missing)?;
            let random = keyed(&[0; 32], Domain::Sample, &[&seed.to_be_bytes(), &index.to_be_bytes(), &[at as u8]]);
            let fill = |(letter, byte): (char, &u8)| match letter {
                '~' => char::from(b'A' + byte % 26),
                '#' => char::from(b'0' + byte % 10),
                other => other,
            };
            let text: String = template.chars().zip(random.0.iter().cycle()).map(fill).collect();
            let wrong = |error: crate::record::ValueError| ContentError::new(Fault::Value, claim, error.to_string());
            let value = field.kind.parse(&text).map_err(wrong)?;
            claims[at] = (claim, value.to_json());
            fields.push((field.number, value));
        }
        content.set(group, 0, vec![fields])?;
    }
    content.check_complete()?;
    Ok(Filing { content, claims })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::bench::sdjwt;
    use crate::keys::KeyUse;
    use proptest::prelude::*;
    use proptest::sample::Index;

    fn issued(count: usize) -> (Issued, MemberId, SecretKey) {
        let node: NodeRef = "sender/n1".parse().unwrap();
        let contents = filings(count, 1).unwrap().into_iter().map(|filing| filing.content).collect();
        let entropy: Vec<[u8; 48]> = (0..count as u8).map(|n| [n; 48]).collect();
        let key = SecretKey::from_seed(KeyUse::Sign, &[3; 32]).unwrap();
        (issue(&node, contents, &entropy, &Digest::ZERO, &key), node.member(), key)
    }

    #[test]
    fn both_sides_show_the_same_quarter() {
        let (issued, issuer, key) = issued(3);
        assert_eq!((FIELDS, FIELDS / 4), (40, DISCLOSED));
        let shown_fields: usize = groups().filter(|(at, _)| shown().has(*at)).map(|(_, of)| of.len()).sum();
        assert_eq!(shown_fields, DISCLOSED);
        let values = verify(&disclose(&issued, shown()), &issuer, shown(), &Digest::ZERO, key.public()).unwrap();
        for (filing, values) in filings(3, 1).unwrap().iter().zip(values) {
            let mut ours: Vec<_> =
                values.iter().flatten().flatten().map(|(_, value)| value.to_json().to_string()).collect();
            let mut claims: Vec<_> = filing.claims[..DISCLOSED].iter().map(|(_, value)| value.to_string()).collect();
            ours.sort();
            claims.sort();
            assert_eq!(ours, claims);
        }
        // Not the views of other groups, another issuer, network or key.
        let (disclosed, other) = (disclose(&issued, shown()), SecretKey::from_seed(KeyUse::Sign, &[4; 32]).unwrap());
        let check = |issuer: &str, groups, network, key: &SecretKey| {
            verify(&disclosed, &issuer.parse().unwrap(), groups, &network, key.public()).is_ok()
        };
        assert!(check("sender", shown(), Digest::ZERO, &key));
        assert!(!check("other", shown(), Digest::ZERO, &key));
        assert!(!check("sender", GroupSet::NONE, Digest::ZERO, &key));
        assert!(!check("sender", shown(), Digest([1; 32]), &key));
        assert!(!check("sender", shown(), Digest::ZERO, &other));
    }

    /// The places in `bytes` where any of these texts stands.
    fn places(bytes: &[u8], texts: &[String]) -> Vec<std::ops::Range<usize>> {
        let of = |text: &String| {
            let found = bytes.windows(text.len()).position(|window| window == text.as_bytes());
            found.map(|start| start..start + text.len())
        };
        texts.iter().filter_map(of).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]

        #[test]
        fn a_changed_byte_of_a_shown_field_is_refused_on_both_sides(record in 0usize..3, field: Index, at: Index, to: u8) {
            let (issued, issuer, key) = issued(3);
            let filings = filings(3, 1).unwrap();
            let texts = |record: &Filing| {
                let texts = record.claims[..DISCLOSED].iter().filter_map(|(_, value)| value.as_str());
                texts.filter(|text| text.len() > 8 && !text.contains('.')).map(str::to_owned).collect::<Vec<_>>()
            };
            let texts = texts(&filings[record]);
            let text = std::slice::from_ref(field.get(&texts));
            // Ours: the value's byte, as it stands in the view.
            let mut disclosed = disclose(&issued, shown());
            let place = places(&disclosed.views, text).remove(0);
            let byte = &mut disclosed.views[place.start + at.index(place.len())];
            prop_assume!(*byte != to);
            *byte = to;
            prop_assert!(verify(&disclosed, &issuer, shown(), &Digest::ZERO, key.public()).is_err());
            // SD-JWT: the same byte of the value, in its disclosure.
            let salts = [[7; 16]; FIELDS];
            let signing = key.signing_key();
            let jwt = sdjwt::issue("sender", &filings[record].claims, &salts, signing).unwrap();
            let all: Vec<usize> = (0..DISCLOSED).collect();
            prop_assert!(sdjwt::verify(&sdjwt::present(&jwt, &all), "sender", &signing.verifying_key()).is_ok());
            let claim = filings[record].claims.iter().position(|(_, value)| value.as_str() == Some(&text[0])).unwrap();
            let mut changed = filings[record].claims.clone();
            let mut value = text[0].clone().into_bytes();
            let place = at.index(value.len());
            value[place] = if value[place] == b'x' { b'y' } else { b'x' };
            changed[claim].1 = Json::from(String::from_utf8(value).unwrap());
            let mut forged = jwt.clone();
            forged.disclosures[claim] =
                sdjwt::issue("sender", &changed, &salts, signing).unwrap().disclosures[claim].clone();
            prop_assert!(forged.disclosures[claim] != jwt.disclosures[claim]);
            let presented = sdjwt::present(&forged, &all);
            prop_assert!(sdjwt::verify(&presented, "sender", &signing.verifying_key()).is_err());
        }

        #[test]
        fn any_changed_bit_is_refused(at: Index, bit in 0u8..8, in_batch: bool) {
            let (issued, issuer, key) = issued(3);
            let mut disclosed = disclose(&issued, shown());
            let bytes = if in_batch { &mut disclosed.batch } else { &mut disclosed.views };
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            prop_assert!(verify(&disclosed, &issuer, shown(), &Digest::ZERO, key.public()).is_err());
        }
    }
}
