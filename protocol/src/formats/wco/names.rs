//! Names of elements and attributes, as small numbers.
//!
//! In: every name that the schemas of DEC, RES and MetaData have. Not in: which may stand where, that is [`super::dec`]'s and
//! [`super::res`]'s as far as fields stand there, and the schemas' for the rest.

/// A name of the schemas, by its place in the table. The numbers stand in the group `extra` of records
/// ([`super::patch`]): another table needs another form number there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Name(u16);

impl Name {
    /// The name of this text, where the schemas have it.
    pub(super) fn find(text: &str) -> Option<Self> {
        let mut slot = place(text.as_bytes());
        loop {
            match SLOTS[slot] {
                0 => return None,
                number if NAMES[usize::from(number) - 1] == text => return Some(Self(number - 1)),
                _ => slot = (slot + 1) % SLOTS.len(),
            }
        }
    }

    /// The name of this number.
    pub(super) fn numbered(number: u64) -> Option<Self> {
        u16::try_from(number).ok().filter(|number| usize::from(*number) < NAMES.len()).map(Self)
    }

    /// Its number.
    pub(super) fn number(self) -> u64 {
        u64::from(self.0)
    }

    /// Its text.
    pub(super) fn text(self) -> &'static str {
        NAMES[usize::from(self.0)]
    }
}

/// A name that is known when this is compiled, or it does not compile.
pub(super) const fn name(text: &str) -> Name {
    let mut at = 0;
    while at < NAMES.len() {
        if same(NAMES[at], text) {
            return Name(at as u16);
        }
        at += 1;
    }
    panic!("no such name in the schemas")
}

/// Whether two texts are the same, when this is compiled.
pub(super) const fn same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return false;
    }
    let mut at = 0;
    while at < one.len() {
        if one[at] != other[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// By length, then by bytes.
const NAMES: [&str; 189] = [
    "ID",
    "UCR",
    "Bank",
    "Line",
    "Name",
    "Seal",
    "name",
    "Agent",
    "Buyer",
    "Error",
    "Payer",
    "TagID",
    "Origin",
    "Seller",
    "Status",
    "Surety",
    "UNDGID",
    "listID",
    "Address",
    "Carrier",
    "Contact",
    "Freight",
    "Invoice",
    "Payment",
    "Pointer",
    "listURI",
    "CityName",
    "Exporter",
    "Importer",
    "MetaData",
    "ModeCode",
    "NameCode",
    "RegionID",
    "Response",
    "RoleCode",
    "TypeCode",
    "WriteOff",
    "listName",
    "schemeID",
    "unitCode",
    "Amendment",
    "Commodity",
    "Consignee",
    "Consignor",
    "Declarant",
    "Itinerary",
    "Packaging",
    "Submitter",
    "VersionID",
    "Warehouse",
    "schemeURI",
    "AccessCode",
    "DutyTaxFee",
    "ExitOffice",
    "LocationID",
    "MethodCode",
    "PostcodeID",
    "TradeTerms",
    "currencyID",
    "formatCode",
    "languageID",
    "schemeName",
    "Consignment",
    "CountryCode",
    "CurrentCode",
    "Declaration",
    "Description",
    "Destination",
    "DueDateTime",
    "InvoiceLine",
    "LineNumeric",
    "RateNumeric",
    "ReferenceID",
    "WCOTypeName",
    "AdditionCode",
    "AmountAmount",
    "AppealOffice",
    "CategoryCode",
    "DeductAmount",
    "ExitDateTime",
    "FunctionCode",
    "GoodsMeasure",
    "LocationName",
    "PreviousCode",
    "QuotaOrderID",
    "WidthMeasure",
    "listAgencyID",
    "Authenticator",
    "Communication",
    "ConditionCode",
    "ContactOffice",
    "ContainerCode",
    "ExportCountry",
    "GoodsLocation",
    "GoodsShipment",
    "HeightMeasure",
    "InvoiceAmount",
    "IssueDateTime",
    "LengthMeasure",
    "LimitDateTime",
    "PaymentAmount",
    "StatementCode",
    "VolumeMeasure",
    "listSchemeURI",
    "listVersionID",
    "schemeDataURI",
    "Authentication",
    "Classification",
    "DangerousGoods",
    "DateTimeString",
    "DutyRegimeCode",
    "MarksNumbersID",
    "TariffQuantity",
    "TaxRateNumeric",
    "ValidationCode",
    "listAgencyName",
    "schemeAgencyID",
    "ChargeDeduction",
    "ChargesTypeCode",
    "ConsignmentItem",
    "GuaranteeOffice",
    "IssueLocationID",
    "LoadingLocation",
    "ReleaseDateTime",
    "SequenceNumeric",
    "schemeVersionID",
    "ChangeReasonCode",
    "CurrencyExchange",
    "CurrencyTypeCode",
    "CustomsValuation",
    "GrossMassMeasure",
    "ItemChargeAmount",
    "PreviousDocument",
    "QuantityQuantity",
    "schemeAgencyName",
    "EffectiveDateTime",
    "GoodsItemQuantity",
    "LPCOExemptionCode",
    "PaymentMethodCode",
    "RejectionDateTime",
    "StatementTypeCode",
    "SupervisingOffice",
    "TaxAssessedAmount",
    "AcceptanceDateTime",
    "AdditionalDocument",
    "CustomsValueAmount",
    "PresentationOffice",
    "RoutingCountryCode",
    "TransportEquipment",
    "AuthorisationHolder",
    "DeclarationOfficeID",
    "DocumentSectionCode",
    "FreightChargeAmount",
    "GovernmentProcedure",
    "LoadingListQuantity",
    "NetNetWeightMeasure",
    "ObligationGuarantee",
    "SecurityDetailsCode",
    "ValuationAdjustment",
    "BorderTransportMeans",
    "CancellationDateTime",
    "DomesticDutyTaxParty",
    "StatementDescription",
    "TotalPackageQuantity",
    "AdditionalInformation",
    "ArrivalTransportMeans",
    "FunctionalReferenceID",
    "ResponsibleAgencyName",
    "TotalGrossMassMeasure",
    "TransactionNatureCode",
    "AdValoremTaxBaseAmount",
    "CountrySubDivisionCode",
    "CountrySubDivisionName",
    "IdentificationTypeCode",
    "ResponsibleCountryCode",
    "StatisticalValueAmount",
    "CountryRelationshipCode",
    "DepartureTransportMeans",
    "SpecificTaxBaseQuantity",
    "WCODataModelVersionCode",
    "AEOMutualRecognitionParty",
    "GovernmentAgencyGoodsItem",
    "TraderAssignedReferenceID",
    "OtherChargeDeductionAmount",
    "PackingMaterialDescription",
    "RegistrationNationalityCode",
    "SpecificCircumstancesCodeCode",
    "AgencyAssignedCustomizationCode",
    "AgencyAssignedCustomizationVersionCode",
];

/// The numbers of the names plus one, each at its place or the next free one behind it.
static SLOTS: [u16; 1024] = {
    let mut slots = [0; 1024];
    let mut at = 0;
    while at < NAMES.len() {
        let mut slot = place(NAMES[at].as_bytes());
        while slots[slot] != 0 {
            slot = (slot + 1) % slots.len();
        }
        slots[slot] = at as u16 + 1;
        at += 1;
    }
    slots
};

/// Where a name is looked for: four of its bytes and its length, mixed.
const fn place(text: &[u8]) -> usize {
    let length = text.len();
    if length == 0 {
        return 0;
    }
    let [first, third, middle, last] = [text[0], text[length / 3], text[length / 2], text[length - 1]];
    let four = u32::from_le_bytes([first, third, middle, last]) ^ (length as u32) << 3;
    (four.wrapping_mul(0x9e37_79b1) >> 22) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_and_no_other() {
        for (at, text) in NAMES.iter().enumerate() {
            let found = Name::find(text).unwrap();
            assert_eq!((found.number(), found.text(), Name::numbered(at as u64)), (at as u64, *text, Some(found)));
            assert!(Name::find(&text[1..]).is_none_or(|other| other != found));
        }
        assert!(NAMES.windows(2).all(|two| (two[0].len(), two[0]) < (two[1].len(), two[1])));
        assert!(Name::find("").is_none() && Name::find(&"x".repeat(99)).is_none() && Name::numbered(189).is_none());
        assert_eq!(name("GoodsShipment").text(), "GoodsShipment");
    }
}
