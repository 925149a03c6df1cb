//! Declarations as WCO XML, to measure how fast they are read: made up, like those of a post in form and length.
//!
//! The ceiling beside the figure is quick-xml alone telling tags and texts apart, of the same bytes, keeping nothing.

use std::io::{BufRead, Read};

use quick_xml::events::Event;
use quick_xml::reader::Reader;

use super::numbers::Numbers;
use crate::formats::wco::wco;
use crate::formats::{FormatError, Row};

/// Descriptions of goods, and what one piece weighs and costs at least.
const GOODS: [(&str, &str, u64, u64); 6] = [
    ("Cotton T-shirt, men's, short sleeve", "61091000", 180, 799),
    ("Wireless earphones with charging case", "85183000", 65, 2_499),
    ("Phone case, silicone", "39269097", 40, 349),
    ("Children's picture book, 32 pages", "49030000", 310, 599),
    ("Stainless steel water bottle & cup", "73239300", 420, 1_299),
    ("Watercolour brushes, set of 6", "96033010", 95, 450),
];
const CITIES: [(&str, &str, &str); 4] = [
    ("Shenzhen", "CN", "518000"),
    ("Osaka", "JP", "530-0001"),
    ("New York", "US", "10001"),
    ("Leipzig", "DE", "04109"),
];
const MAX_ITEMS: u64 = 9;

/// So many declarations one after the other, of 1 to 9 goods items each; the same seed gives the same.
pub fn declarations(count: u64, seed: u64) -> String {
    let mut numbers = Numbers(seed);
    let mut out = String::new();
    (0..count).for_each(|index| declaration(index, &mut numbers, &mut out));
    out
}

/// What was read of declarations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Imported {
    /// Records.
    pub records: u64,
    /// Documents that are none.
    pub refused: u64,
    /// Encoded bytes of all records, roughly.
    pub bytes: u64,
}

/// Reads all documents of a stream into records and drops them.
///
/// # Errors
/// [`FormatError::Io`].
pub fn import(input: impl BufRead) -> Result<Imported, FormatError> {
    let mut imported = Imported::default();
    for row in wco(input) {
        match row? {
            Row::Record { content, .. } => {
                imported.records += 1;
                imported.bytes += content.encoded_bytes() as u64;
            }
            Row::Refused(_) => imported.refused += 1,
        }
    }
    Ok(imported)
}

/// Counts tags and texts as quick-xml tells them apart.
///
/// # Errors
/// What quick-xml says.
pub fn tokens(text: &str) -> Result<u64, quick_xml::errors::Error> {
    let mut reader = Reader::from_str(text);
    let mut count = 0;
    loop {
        match reader.read_event()? {
            Event::Eof => return Ok(count),
            _ => count += 1,
        }
    }
}

/// The same bytes again and again, whole each time, until there are so many: a long stream that nobody has to store.
#[derive(Debug)]
pub struct Again<'b> {
    block: &'b [u8],
    at: usize,
    left: u64,
}

impl<'b> Again<'b> {
    /// At least `bytes` of them, none where there is nothing to repeat.
    pub fn new(block: &'b [u8], bytes: u64) -> Self {
        Self { block, at: 0, left: if block.is_empty() { 0 } else { bytes.div_ceil(block.len() as u64) } }
    }
}

impl Read for Again<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.left == 0 {
            return Ok(0);
        }
        let rest = &self.block[self.at..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.at += count;
        if self.at == self.block.len() {
            (self.at, self.left) = (0, self.left - 1);
        }
        Ok(count)
    }
}

fn declaration(index: u64, numbers: &mut Numbers, out: &mut String) {
    let items = 1 + numbers.up_to(MAX_ITEMS - 1);
    let (city, country, postcode) = CITIES[numbers.up_to(CITIES.len() as u64 - 1) as usize];
    let (day, number) = (1 + numbers.up_to(27), numbers.up_to(99_999_999));
    out.push_str(&format!(
        "<md:MetaData xmlns:md=\"urn:wco:datamodel:WCO:DocumentMetaData-DMS:2\" \
         xmlns=\"urn:wco:datamodel:WCO:DEC-DMS:2\">\n\
         \x20 <md:WCODataModelVersionCode>3.6</md:WCODataModelVersionCode>\n\
         \x20 <md:WCOTypeName>DEC</md:WCOTypeName>\n\
         \x20 <md:ResponsibleCountryCode>GB</md:ResponsibleCountryCode>\n\
         \x20 <md:ResponsibleAgencyName>HMRC</md:ResponsibleAgencyName>\n\
         \x20 <md:AgencyAssignedCustomizationVersionCode>v2.1</md:AgencyAssignedCustomizationVersionCode>\n\
         \x20 <Declaration xmlns:p1=\"urn:wco:datamodel:WCO:Declaration_DS:DMS:2\">\n\
         \x20   <AcceptanceDateTime>\n\
         \x20     <p1:DateTimeString formatCode=\"304\">202611{day:02}112200+01</p1:DateTimeString>\n\
         \x20   </AcceptanceDateTime>\n\
         \x20   <FunctionCode>9</FunctionCode>\n\
         \x20   <FunctionalReferenceID>BENCH-{index:012}</FunctionalReferenceID>\n\
         \x20   <IssueDateTime>\n\
         \x20     <p1:DateTimeString formatCode=\"304\">202611{day:02}093030Z</p1:DateTimeString>\n\
         \x20   </IssueDateTime>\n\
         \x20   <TypeCode>IMA</TypeCode>\n\
         \x20   <GoodsItemQuantity>{items}</GoodsItemQuantity>\n\
         \x20   <TotalPackageQuantity>1</TotalPackageQuantity>\n\
         \x20   <AuthorisationHolder>\n\
         \x20     <ID>GB603202734852</ID>\n\
         \x20     <CategoryCode>AEOC</CategoryCode>\n\
         \x20   </AuthorisationHolder>\n\
         \x20   <BorderTransportMeans>\n\
         \x20     <RegistrationNationalityCode>{country}</RegistrationNationalityCode>\n\
         \x20     <ModeCode>5</ModeCode>\n\
         \x20   </BorderTransportMeans>\n\
         \x20   <Declarant>\n\
         \x20     <ID>GB553202734852</ID>\n\
         \x20   </Declarant>\n\
         \x20   <Exporter>\n\
         \x20     <Name>Sender &amp; Daughters {number}</Name>\n\
         \x20     <Address>\n\
         \x20       <CityName>{city}</CityName>\n\
         \x20       <CountryCode>{country}</CountryCode>\n\
         \x20       <Line>{day} Harbour Street</Line>\n\
         \x20       <PostcodeID>{postcode}</PostcodeID>\n\
         \x20     </Address>\n\
         \x20   </Exporter>\n\
         \x20   <GoodsShipment>\n\
         \x20     <Consignment>\n\
         \x20       <GoodsLocation>\n\
         \x20         <Name>BELBFSBEL</Name>\n\
         \x20         <TypeCode>A</TypeCode>\n\
         \x20         <Address>\n\
         \x20           <TypeCode>U</TypeCode>\n\
         \x20           <CountryCode>GB</CountryCode>\n\
         \x20         </Address>\n\
         \x20       </GoodsLocation>\n\
         \x20     </Consignment>\n\
         \x20     <CustomsValuation>\n\
         \x20       <FreightChargeAmount currencyID=\"GBP\">{}.{:02}</FreightChargeAmount>\n\
         \x20     </CustomsValuation>\n\
         \x20     <DomesticDutyTaxParty>\n\
         \x20       <ID>IM5532027340</ID>\n\
         \x20       <RoleCode>FR5</RoleCode>\n\
         \x20     </DomesticDutyTaxParty>\n",
        numbers.up_to(12),
        numbers.up_to(99),
    ));
    (1..=items).for_each(|item| goods_item(item, country, numbers, out));
    out.push_str(&format!(
        "      <Importer>\n\
         \x20       <ID>GB553202734852</ID>\n\
         \x20     </Importer>\n\
         \x20     <PreviousDocument>\n\
         \x20       <CategoryCode>Z</CategoryCode>\n\
         \x20       <ID>CP{number:08}1{country}</ID>\n\
         \x20       <TypeCode>750</TypeCode>\n\
         \x20     </PreviousDocument>\n\
         \x20   </GoodsShipment>\n\
         \x20 </Declaration>\n\
         </md:MetaData>\n"
    ));
}

fn goods_item(item: u64, country: &str, numbers: &mut Numbers, out: &mut String) {
    let (description, code, grams, cents) = GOODS[numbers.up_to(GOODS.len() as u64 - 1) as usize];
    let pieces = 1 + numbers.up_to(3);
    let (grams, cents) = (pieces * grams + numbers.up_to(20), pieces * cents + numbers.up_to(200));
    let gross = grams + 15;
    out.push_str(&format!(
        "      <GovernmentAgencyGoodsItem>\n\
         \x20       <CustomsValueAmount currencyID=\"GBP\">{}.{:02}</CustomsValueAmount>\n\
         \x20       <SequenceNumeric>{item}</SequenceNumeric>\n\
         \x20       <AdditionalDocument>\n\
         \x20         <CategoryCode>N</CategoryCode>\n\
         \x20         <ID>INV-{:08}</ID>\n\
         \x20         <TypeCode>935</TypeCode>\n\
         \x20         <LPCOExemptionCode>AC</LPCOExemptionCode>\n\
         \x20       </AdditionalDocument>\n\
         \x20       <AdditionalInformation>\n\
         \x20         <StatementCode>NIIMP</StatementCode>\n\
         \x20       </AdditionalInformation>\n\
         \x20       <Commodity>\n\
         \x20         <Description>{}</Description>\n\
         \x20         <Classification>\n\
         \x20           <ID>{code}</ID>\n\
         \x20           <IdentificationTypeCode>TSP</IdentificationTypeCode>\n\
         \x20         </Classification>\n\
         \x20         <GoodsMeasure>\n\
         \x20           <GrossMassMeasure>{}.{:03}</GrossMassMeasure>\n\
         \x20           <NetNetWeightMeasure>{}.{:03}</NetNetWeightMeasure>\n\
         \x20         </GoodsMeasure>\n\
         \x20       </Commodity>\n\
         \x20       <GovernmentProcedure>\n\
         \x20         <CurrentCode>40</CurrentCode>\n\
         \x20         <PreviousCode>00</PreviousCode>\n\
         \x20       </GovernmentProcedure>\n\
         \x20       <GovernmentProcedure>\n\
         \x20         <CurrentCode>1H7</CurrentCode>\n\
         \x20       </GovernmentProcedure>\n\
         \x20       <Origin>\n\
         \x20         <CountryCode>{country}</CountryCode>\n\
         \x20         <TypeCode>1</TypeCode>\n\
         \x20       </Origin>\n\
         \x20     </GovernmentAgencyGoodsItem>\n",
        cents / 100,
        cents % 100,
        numbers.up_to(99_999_999),
        description.replace('&', "&amp;"),
        gross / 1_000,
        gross % 1_000,
        grams / 1_000,
        grams % 1_000,
    ));
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::io::BufReader;

    #[test]
    fn what_is_measured_is_read_whole() {
        let text = declarations(50, 7);
        assert_eq!(text, declarations(50, 7));
        let imported = import(text.as_bytes()).unwrap();
        assert_eq!((imported.records, imported.refused), (50, 0));
        let again = Again::new(text.as_bytes(), 3 * text.len() as u64 - 1);
        let imported = import(BufReader::with_capacity(1_000, again)).unwrap();
        assert_eq!((imported.records, imported.refused), (150, 0));
        assert_eq!(import(BufReader::new(Again::new(b"", 9))).unwrap(), Imported::default());
        // Start, text, end: three for each element at least.
        assert!(tokens(&text).unwrap() > 150 * 50);
    }
}
