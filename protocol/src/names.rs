//! Names that stand in signed bytes: members, nodes, territories, kinds, purposes. Parsed once, valid ever after.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::cbor::{CborError, Decode, Encode, Reader, Writer};

/// Why a name was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{found}' is not a {what}: {rule}")]
pub struct NameError {
    pub(crate) what: &'static str,
    pub(crate) rule: &'static str,
    pub(crate) found: String,
}

const MAX_SLUG: usize = 40;

fn slug(text: &str) -> bool {
    let inner = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    (1..=MAX_SLUG).contains(&text.len()) && text.bytes().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}

macro_rules! text_name {
    ($name:ident, $what:literal, $rule:literal, $max:expr, $valid:expr) => {
        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                if $valid(text) {
                    Ok(Self(text.into()))
                } else {
                    Err(NameError { what: $what, rule: $rule, found: text.chars().take(80).collect() })
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                (*name.0).to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Encode for $name {
            fn encode(&self, writer: &mut Writer) {
                writer.text(&self.0);
            }
        }

        impl Decode for $name {
            fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
                let start = reader.position();
                reader.text($max)?.parse().map_err(|_| reader.refuse(start, concat!("not a ", $what)))
            }
        }
    };
}

/// A short lower-case name: members, documents.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Slug(std::sync::Arc<str>);
text_name!(Slug, "name", "1 to 40 lower-case letters, digits and inner hyphens", MAX_SLUG, slug);

/// The name of a network whose own name holds neither letter nor digit.
pub(crate) fn fallback_slug() -> Slug {
    Slug("network".into())
}

/// A member's name in the charter, for example `customs-kr`.
pub type MemberId = Slug;

/// A node: its member and its name there, for example `customs-kr/n1`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NodeRef(std::sync::Arc<str>);
text_name!(NodeRef, "node", "a member's name, '/', and the node's name there", 2 * MAX_SLUG + 1, |text: &str| text
    .split_once('/')
    .is_some_and(|(member, node)| slug(member) && slug(node)));

impl NodeRef {
    /// The node `name` of `member`.
    pub fn new(member: &MemberId, name: &Slug) -> Self {
        Self(format!("{member}/{name}").into())
    }

    /// The member that runs the node.
    pub fn member(&self) -> MemberId {
        // A NodeRef always holds a slash, see its rule.
        let member = self.0.split_once('/').map_or(&*self.0, |(member, _)| member);
        Slug(member.into())
    }
}

/// A customs territory: two capital letters. ISO 3166-1 codes and those that customs use beside them (EU, XI, EL, XK).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Territory([u8; 2]);

/// Member states of the European Union's customs territory, by ISO 3166-1 code; EL is Greece's code in VAT numbers.
const EU_STATES: [&[u8; 2]; 28] = [
    b"AT", b"BE", b"BG", b"CY", b"CZ", b"DE", b"DK", b"EE", b"EL", b"ES", b"FI", b"FR", b"GR", b"HR", b"HU", b"IE",
    b"IT", b"LT", b"LU", b"LV", b"MT", b"NL", b"PL", b"PT", b"RO", b"SE", b"SI", b"SK",
];

impl Territory {
    /// The two letters.
    pub fn as_str(&self) -> &str {
        // Two ASCII capitals by construction.
        std::str::from_utf8(&self.0).unwrap_or("??")
    }

    /// Whether `place` lies in this customs territory: the same code, or a state of the EU.
    pub fn contains(&self, place: Territory) -> bool {
        *self == place || (self.0 == *b"EU" && EU_STATES.contains(&&place.0))
    }

    /// Whether both are of one customs territory: the same code, or each the EU or a state of it.
    pub fn is_one_customs_territory_with(&self, other: Territory) -> bool {
        let union = Territory(*b"EU");
        *self == other || (union.contains(*self) && union.contains(other))
    }
}

impl FromStr for Territory {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        match *text.as_bytes() {
            [a, b] if a.is_ascii_uppercase() && b.is_ascii_uppercase() => Ok(Self([a, b])),
            _ => Err(NameError {
                what: "territory",
                rule: "two capital letters (ISO 3166-1, EU, XI, XK)",
                found: text.chars().take(20).collect(),
            }),
        }
    }
}

impl TryFrom<String> for Territory {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<Territory> for String {
    fn from(territory: Territory) -> String {
        territory.as_str().to_owned()
    }
}

impl fmt::Display for Territory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Territory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Encode for Territory {
    fn encode(&self, writer: &mut Writer) {
        writer.text(self.as_str());
    }
}

impl Decode for Territory {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        let start = reader.position();
        reader.text(2)?.parse().map_err(|_| reader.refuse(start, "not a territory"))
    }
}

/// A currency, by its three letters (ISO 4217). Whether it is one, and how many decimals it has, is data ([`crate::reference`], [`crate::revenue`]).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

impl Currency {
    /// The three letters.
    pub fn as_str(&self) -> &str {
        // Three ASCII capitals by construction.
        std::str::from_utf8(&self.0).unwrap_or("???")
    }
}

impl FromStr for Currency {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        match <[u8; 3]>::try_from(text.as_bytes()) {
            Ok(letters) if letters.iter().all(u8::is_ascii_uppercase) => Ok(Self(letters)),
            _ => Err(NameError {
                what: "currency",
                rule: "three capital letters (ISO 4217)",
                found: text.chars().take(20).collect(),
            }),
        }
    }
}

impl TryFrom<String> for Currency {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> String {
        currency.as_str().to_owned()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Encode for Currency {
    fn encode(&self, writer: &mut Writer) {
        writer.text(self.as_str());
    }
}

impl Decode for Currency {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        let start = reader.position();
        reader.text(3)?.parse().map_err(|_| reader.refuse(start, "not a currency"))
    }
}

/// Defines an enumeration of words, in files, JSON and messages: `ALL`, `word`, `Display`, `FromStr`, serde by word. None of them stands in
/// signed bytes by a number of its own; those are [`word_enum`]'s.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $what:literal, { $($(#[$vdoc:meta])* $variant:ident = $word:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The word in files, JSON and messages.
            pub const fn word(self) -> &'static str {
                match self { $($name::$variant => $word,)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.word())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::names::NameError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($word => Ok($name::$variant),)+
                    _ => Err($crate::names::NameError {
                        what: $what,
                        rule: concat!("one of", $(" ", $word),+),
                        found: text.chars().take(80).collect(),
                    }),
                }
            }
        }
    };
}
pub(crate) use words;

/// The same with the number of each in signed bytes.
macro_rules! word_enum {
    ($(#[$doc:meta])* $name:ident, $what:literal, { $($(#[$vdoc:meta])* $variant:ident = $number:literal, $word:literal;)+ }) => {
        $crate::names::words!($(#[$doc])* $name, $what, { $($(#[$vdoc])* $variant = $word;)+ });

        impl Encode for $name {
            fn encode(&self, writer: &mut Writer) {
                writer.uint(match self { $($name::$variant => $number,)+ });
            }
        }

        impl Decode for $name {
            fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
                let start = reader.position();
                match reader.uint()? {
                    $($number => Ok($name::$variant),)+
                    _ => Err(reader.refuse(start, concat!("not a ", $what))),
                }
            }
        }
    };
}
pub(crate) use word_enum;

word_enum!(
    /// What kind of organisation a member is.
    MemberKind, "kind of member", {
        /// A customs administration.
        Customs = 1, "customs";
        /// A designated postal operator.
        Post = 2, "post";
        /// An e-commerce platform.
        Platform = 3, "platform";
        /// A carrier.
        Carrier = 4, "carrier";
        /// A payment provider.
        Payment = 5, "payment";
        /// A customs broker.
        Broker = 6, "broker";
        /// Another border agency.
        Agency = 7, "agency";
        /// An auditor.
        Auditor = 8, "auditor";
    }
);

word_enum!(
    /// What disclosed data may be used for (DESIGN 1; the ground stands in the agreement).
    Purpose, "purpose", {
        /// Safety and security.
        SafetySecurity = 1, "safety_security";
        /// Duties and taxes.
        Revenue = 2, "revenue";
        /// Faster release.
        Facilitation = 3, "facilitation";
        /// Controls of other agencies.
        AgencyControl = 4, "agency_control";
        /// Investigation and prosecution.
        Enforcement = 5, "enforcement";
        /// Control after release.
        PostClearanceAudit = 6, "post_clearance_audit";
        /// Statistics.
        Statistics = 7, "statistics";
        /// Carriage and delivery.
        Delivery = 8, "delivery";
        /// Quality of service.
        ServiceQuality = 9, "service_quality";
        /// Verification of a log.
        Audit = 10, "audit";
    }
);

words!(
    /// Who collects duty and tax.
    CollectionModel, "collection model", {
        /// Who sells, at the sale.
        Vendor = "vendor";
        /// An intermediary on the vendor's behalf.
        Intermediary = "intermediary";
        /// A carrier or another party that is admitted to collect and remits monthly.
        QualifiedParty = "qualified_party";
        /// Who receives the goods, at import.
        Consumer = "consumer";
    }
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parse_strictly() {
        assert!("customs-kr".parse::<MemberId>().is_ok());
        for bad in ["", "-a", "a-", "A", "a b", "a/b", "ä", &"a".repeat(41)] {
            assert!(bad.parse::<MemberId>().is_err(), "{bad}");
        }
        let node: NodeRef = "customs-kr/n1".parse().unwrap();
        assert_eq!(node.member().as_str(), "customs-kr");
        for bad in ["customs-kr", "a/b/c", "/b", "a/"] {
            assert!(bad.parse::<NodeRef>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_eu_holds_its_states() {
        let eu: Territory = "EU".parse().unwrap();
        assert!(eu.contains("FR".parse().unwrap()) && eu.contains(eu));
        assert!(!eu.contains("GB".parse().unwrap()) && !eu.contains("XI".parse().unwrap()));
        assert!("kr".parse::<Territory>().is_err());
    }
}
