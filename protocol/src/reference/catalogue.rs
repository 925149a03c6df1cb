//! Every rule that a finding can name. An id is stable: repair queues, reports and operators' files name rules by it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth a look.
    Notice,
    /// Probably wrong.
    Warning,
    /// Wrong: a record with it waits for repair.
    Error,
}

impl Severity {
    /// From the mildest on.
    pub const ALL: [Severity; 3] = [Severity::Notice, Severity::Warning, Severity::Error];

    /// The word in files and messages.
    pub const fn word(self) -> &'static str {
        match self {
            Severity::Notice => "notice",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

macro_rules! rules {
    ($($rule:ident = $id:literal, $severity:ident, $title:literal;)+) => {
        /// A rule that a finding can name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule {
            $(#[doc = $title] $rule,)+
        }

        impl Rule {
            /// Every rule.
            pub const ALL: &'static [Rule] = &[$(Rule::$rule),+];

            /// Its stable id.
            pub const fn id(self) -> &'static str {
                match self { $(Rule::$rule => $id,)+ }
            }

            /// How bad it is, unless a rule book says otherwise.
            pub const fn severity(self) -> Severity {
                match self { $(Rule::$rule => Severity::$severity,)+ }
            }

            /// What it finds, in words.
            pub const fn title(self) -> &'static str {
                match self { $(Rule::$rule => $title,)+ }
            }
        }
    };
}

rules! {
    CurrencyMinorUnits = "currency.minor_units", Warning, "an amount has more decimals than its currency";
    CurrencyMissing = "currency.missing", Warning, "an amount without a currency";
    CurrencyNoMoney = "currency.no_money", Error, "a code that names no money, such as gold or a test";
    CurrencyUnknown = "currency.unknown", Error, "no such currency";
    CurrencyWithdrawn = "currency.withdrawn", Error, "a currency that was withdrawn";
    DateFiledBeforeSale = "date.filed_before_sale", Warning, "filed on a day before the sale";
    DateFuture = "date.future", Warning, "a day or time that is still to come";
    DateOrder = "date.order", Error, "an arrival before its departure";
    DescriptionMissing = "description.missing", Warning, "goods without a description";
    DescriptionShort = "description.short", Error, "a description with fewer than three letters";
    DescriptionStopWord = "description.stop_word", Notice, "a description with a vague term among other words";
    DescriptionVague = "description.vague", Error, "a description that is nothing but a vague term";
    DuplicateItem = "duplicate.item", Warning, "another record about the same item for the same posting day";
    DuplicateReference = "duplicate.reference", Error, "the same own reference in the same revision once more";
    EoriForm = "eori.form", Error, "not the form of an EORI number";
    EoriIssuer = "eori.issuer", Notice, "an EORI number of the right form from nobody who is known to give them";
    GoodsDuplicate = "goods.duplicate", Warning, "two goods items that are the same in everything";
    GtinCheckDigit = "gtin.check_digit", Error, "a GTIN that does not add up or has no length of one";
    HsEditionDay = "hs.edition_day", Warning, "a tariff edition that is not in force yet, or no more";
    HsEditionUnlisted = "hs.edition_unlisted", Notice, "a tariff edition of which no list of codes is at hand";
    HsUnknown = "hs.unknown", Error, "a tariff code that the named edition does not have";
    IossForm = "ioss.form", Error, "not the form of an IOSS number";
    IossIssuer = "ioss.issuer", Notice, "an IOSS number of the right form from a state that is not known to give them";
    IossSeveral = "ioss.several", Error, "several IOSS numbers in one consignment";
    IossThreshold = "ioss.threshold", Error, "an IOSS number for goods above the threshold";
    MassGrossNegative = "mass.gross.negative", Error, "a gross mass below zero";
    MassGrossZero = "mass.gross.zero", Error, "a gross mass of zero";
    MassNetAboveGross = "mass.net.above_gross", Error, "a net mass above the gross mass";
    MassNetNegative = "mass.net.negative", Error, "a net mass below zero";
    MassNetSum = "mass.net.sum", Error, "net masses that are together above the gross mass";
    MassNetZero = "mass.net.zero", Error, "a net mass of zero";
    MassPiece = "mass.piece", Warning, "an implausible net mass of one piece";
    MassPostal = "mass.postal", Warning, "a gross mass above what postal items may have";
    ObligationCondition = "obligation.condition", Notice, "not there; needed under a condition that the record does not decide";
    ObligationConditional = "obligation.conditional", Error, "not there although its condition holds at the destination";
    ObligationRequired = "obligation.required", Error, "not there although the destination requires it";
    S10CheckDigit = "s10.check_digit", Error, "an S10 number that does not add up";
    S10Form = "s10.form", Error, "not the form of an S10 number";
    S10Operator = "s10.operator", Error, "an S10 number of an operator in no territory";
    S10OperatorUnlisted = "s10.operator_unlisted", Notice, "an S10 number of an operator that is not listed";
    S10Reused = "s10.reused", Warning, "an S10 number used again within twelve months";
    S10Service = "s10.service", Warning, "an S10 number with service letters of no meaning";
    SimplifiedThreshold = "simplified.threshold", Error, "a simplified data set for goods above its threshold";
    SsccCheckDigit = "sscc.check_digit", Error, "an SSCC that does not add up or has no eighteen digits";
    TerritoryUnknown = "territory.unknown", Error, "no such country or customs territory";
    ValueImplausible = "value.implausible", Warning, "an implausibly high value";
    ValueNegative = "value.negative", Error, "a value below zero";
    ValueZero = "value.zero", Warning, "a value of zero";
    VatCheckDigit = "vat.check_digit", Error, "a VAT number that does not add up";
    VatForm = "vat.form", Error, "not the form of a VAT number of its state";
    VatIssuer = "vat.issuer", Notice, "a VAT number of a state whose form is not known";
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

impl FromStr for Rule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Rule::ALL.iter().find(|rule| rule.id() == text).copied();
        found.ok_or_else(|| format!("no rule is named '{text}'\nhint: `luxor check --list-rules` lists them"))
    }
}

impl Serialize for Rule {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}

impl<'de> Deserialize<'de> for Rule {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
