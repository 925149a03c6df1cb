//! DEC and `declaration` version 3: which element is which field, in the order of the schema.
//!
//! Where a declaration tells a thing in a place that is not the field's own, the field is read from there, so that recipients need not
//! know it; the field is written to its own place, and the difference stands in `extra`. So it is with the destination (of the first
//! goods item, or the responsible country of an import), the addressee (the importer, if it has an address) and the value (the item's
//! charge).

use super::documents::{OF_GOODS, WHOLE, read_documents, read_goods_documents, write_documents};
use super::names::{Name, name};
use super::part::Part::{Amount, Each, Fixed, In, Items, Kilograms, Leaf, Quantity, Role, Special, Time};
use super::part::{CURRENCY, Fits, Part, Place, leaf, leaf_text, read, read_number, write, write_leaf};
use super::tree::{Tree, TreeError};
use super::values::{At, Values, at, group_at};
use crate::record::{DECLARATION_3, TypeTable, Value};
use crate::reference::s10;
use Fits::{Chars, Digits};

const TABLE: &TypeTable = &DECLARATION_3;

pub(super) const ITEM: Name = name("GovernmentAgencyGoodsItem");
pub(super) const SHIPMENT: Name = name("GoodsShipment");
const FUNCTION: Name = name("FunctionCode");
const TYPE: Name = name("TypeCode");
const ID: Name = name("ID");
const CATEGORY: Name = name("CategoryCode");
const COUNTRY: Name = name("CountryCode");
const ADDRESS: Name = name("Address");
const LINE: Name = name("Line");
const COMMUNICATION: Name = name("Communication");
const PREVIOUS_DOCUMENT: Name = name("PreviousDocument");
const CLASSIFICATION: Name = name("Classification");
const LIST: Name = name("IdentificationTypeCode");
const COMMODITY: Name = name("Commodity");
const MEASURE: Name = name("GoodsMeasure");

const OWN_REFERENCE: At = at(TABLE, "filing", "own_reference");
const KIND: At = at(TABLE, "filing", "kind");
const PROCESS_TYPE: At = at(TABLE, "filing", "process_type");
const ACTION: At = at(TABLE, "filing", "action");
const DESTINATION: At = at(TABLE, "route", "destination");
const ITEM_ID: At = at(TABLE, "item", "id");
const ITEM_SCHEME: At = at(TABLE, "item", "scheme");
const DECLARANT_ROLE: At = at(TABLE, "declarant", "role");
const DECLARANT_ID: At = at(TABLE, "declarant", "id");
const DECLARANT_NAME: At = at(TABLE, "declarant", "name");
const DECLARANT_STATUS: At = at(TABLE, "declarant", "status");
const DECLARANT_COUNTRY: At = at(TABLE, "declarant", "country");
const HS: At = at(TABLE, "classification", "hs");
const NATIONAL: At = at(TABLE, "classification", "national");
const VALUE: At = at(TABLE, "value", "amount");
const VALUE_CURRENCY: At = at(TABLE, "value", "currency");
const ADDRESSEE: usize = group_at(TABLE, "addressee");

/// A person's name, id and address, and with `telephone` their number.
macro_rules! person {
    ($group:literal $(, $telephone:ident)?) => {
        &[
            Leaf(name("Name"), at(TABLE, $group, "name"), Chars(70)),
            Leaf(ID, at(TABLE, $group, "id"), Chars(17)),
            In(
                ADDRESS,
                &[
                    Leaf(name("CityName"), at(TABLE, $group, "city"), Chars(35)),
                    Leaf(COUNTRY, at(TABLE, $group, "country"), Chars(2)),
                    Leaf(name("CountrySubDivisionName"), at(TABLE, $group, "subdivision"), Chars(35)),
                    Special(
                        |tree, node, values, _| {
                            if let Some(line) = leaf_text(tree, node, LINE) {
                                values.read(const { at(TABLE, $group, "street") }, 0, 0, line);
                            }
                        },
                        |values, tree, _| {
                            let street = values.text(const { at(TABLE, $group, "street") }, 0, 0);
                            write_line(street, values.text(const { at(TABLE, $group, "number") }, 0, 0), tree)
                        },
                    ),
                    Leaf(name("PostcodeID"), at(TABLE, $group, "postcode"), Chars(9)),
                ],
            ),
            $(person!(@$telephone $group),)?
        ]
    };
    (@telephone $group:literal) => {
        Special(
            |tree, node, values, _| {
                let line = tree.child(node, COMMUNICATION);
                let telephone = line.filter(|line| leaf_text(tree, *line, TYPE) == Some(TELEPHONE));
                if let Some(number) = telephone.and_then(|line| leaf_text(tree, line, ID)) {
                    values.read(const { at(TABLE, $group, "phone") }, 0, 0, number);
                }
            },
            |values, tree, _| write_telephone(values.text(const { at(TABLE, $group, "phone") }, 0, 0), tree),
        )
    };
}

/// Telephone, of UN/EDIFACT 3155.
const TELEPHONE: &str = "TE";

const PARTY_NAME: Part = Leaf(name("Name"), DECLARANT_NAME, Chars(70));
const PARTY_ID: Part = Leaf(ID, DECLARANT_ID, Chars(17));
const PARTY_COUNTRY: Part = In(ADDRESS, &[Leaf(COUNTRY, DECLARANT_COUNTRY, Chars(2))]);
const PARTY: &[Part] = &[PARTY_NAME, PARTY_ID, PARTY_COUNTRY];
const AGENT: &[Part] = &[PARTY_NAME, PARTY_ID, Leaf(FUNCTION, DECLARANT_STATUS, Chars(3)), PARTY_COUNTRY];

/// All that is in a `Declaration`.
pub(super) static PARTS: &[Part] = &[
    Special(read_function, write_function),
    Leaf(name("FunctionalReferenceID"), OWN_REFERENCE, Chars(35)),
    Leaf(ID, at(TABLE, "filing", "registration"), Chars(70)),
    Time(name("IssueDateTime"), at(TABLE, "filing", "message_time")),
    Special(|_, _, _, _| {}, write_type),
    Special(|_, _, _, _| {}, write_count),
    Leaf(name("DeclarationOfficeID"), at(TABLE, "filing", "office"), Chars(17)),
    Amount(name("InvoiceAmount"), at(TABLE, "order", "price"), at(TABLE, "order", "currency")),
    Kilograms(name("TotalGrossMassMeasure"), at(TABLE, "mass", "gross_kg")),
    Leaf(name("TotalPackageQuantity"), at(TABLE, "mass", "packages"), Digits(8)),
    Leaf(name("SpecificCircumstancesCodeCode"), at(TABLE, "filing", "circumstance"), Chars(3)),
    Special(read_documents, |values, tree, _| write_documents(values, tree, &WHOLE, 0)),
    Role(name("Agent"), DECLARANT_ROLE, "representative", AGENT),
    In(name("BorderTransportMeans"), &[Leaf(name("ModeCode"), at(TABLE, "route", "border_mode"), Digits(1))]),
    In(name("Consignment"), &[Role(name("Carrier"), DECLARANT_ROLE, "courier", PARTY)]),
    Role(name("Declarant"), DECLARANT_ROLE, "declarant", PARTY),
    In(name("Exporter"), person!("sender", telephone)),
    In(SHIPMENT, SHIPMENT_PARTS),
];

const SHIPMENT_PARTS: &[Part] = &[
    Each(
        name("AEOMutualRecognitionParty"),
        group_at(TABLE, "actors"),
        &[
            Leaf(ID, at(TABLE, "actors", "id"), Chars(17)),
            Leaf(name("RoleCode"), at(TABLE, "actors", "role"), Chars(3)),
        ],
    ),
    In(name("Consignee"), ADDRESSEE_PARTS),
    In(
        name("Consignment"),
        &[
            In(name("ArrivalTransportMeans"), &[Leaf(name("ModeCode"), at(TABLE, "route", "mode"), Digits(1))]),
            In(name("GoodsLocation"), &[Leaf(name("Name"), at(TABLE, "route", "location"), Chars(256))]),
        ],
    ),
    In(
        name("CustomsValuation"),
        &[Amount(name("FreightChargeAmount"), at(TABLE, "postage", "amount"), at(TABLE, "postage", "currency"))],
    ),
    In(name("Destination"), &[Leaf(COUNTRY, DESTINATION, Chars(2))]),
    Each(
        name("DomesticDutyTaxParty"),
        group_at(TABLE, "fiscal"),
        &[
            Leaf(ID, at(TABLE, "fiscal", "id"), Chars(17)),
            Leaf(name("RoleCode"), at(TABLE, "fiscal", "role"), Chars(3)),
        ],
    ),
    In(name("ExportCountry"), &[Leaf(ID, at(TABLE, "route", "departure"), Chars(2))]),
    Items(ITEM, ITEM_PARTS),
    Role(name("Importer"), DECLARANT_ROLE, "importer", PARTY),
    Special(read_item, write_item),
    In(
        name("Seller"),
        &[
            Leaf(name("Name"), at(TABLE, "seller", "name"), Chars(70)),
            Leaf(ID, at(TABLE, "seller", "account"), Chars(17)),
            In(ADDRESS, &[Leaf(COUNTRY, at(TABLE, "seller", "country"), Chars(2))]),
        ],
    ),
    In(name("UCR"), &[Leaf(name("TraderAssignedReferenceID"), at(TABLE, "item", "ucr"), Chars(35))]),
];

const ADDRESSEE_PARTS: &[Part] = person!("addressee");

const ITEM_PARTS: &[Part] = &[
    Amount(name("CustomsValueAmount"), VALUE, VALUE_CURRENCY),
    Special(
        |_, _, _, _| {},
        |_, tree, Place { item, .. }| write_leaf(name("SequenceNumeric"), &(item + 1).to_string(), Digits(5), tree),
    ),
    Special(read_goods_documents, |values, tree, Place { item, .. }| write_documents(values, tree, &OF_GOODS, item)),
    In(
        COMMODITY,
        &[
            Leaf(name("Description"), at(TABLE, "content", "description"), Chars(512)),
            Special(read_codes, write_codes),
            Each(
                name("DutyTaxFee"),
                group_at(TABLE, "duty"),
                &[
                    Leaf(name("TaxRateNumeric"), at(TABLE, "duty", "rate_percent"), Chars(18)),
                    Leaf(TYPE, at(TABLE, "duty", "kind"), Chars(3)),
                    In(
                        name("Payment"),
                        &[Amount(
                            name("TaxAssessedAmount"),
                            at(TABLE, "duty", "amount"),
                            at(TABLE, "duty", "currency"),
                        )],
                    ),
                ],
            ),
            In(
                MEASURE,
                &[
                    Kilograms(name("GrossMassMeasure"), at(TABLE, "measure", "gross_kg")),
                    Kilograms(name("NetNetWeightMeasure"), at(TABLE, "origin", "net_kg")),
                    Quantity(name("TariffQuantity"), at(TABLE, "measure", "quantity"), at(TABLE, "measure", "unit")),
                ],
            ),
        ],
    ),
    Each(
        name("GovernmentProcedure"),
        group_at(TABLE, "procedures"),
        &[
            Leaf(name("CurrentCode"), at(TABLE, "procedures", "code"), Chars(7)),
            Leaf(name("PreviousCode"), at(TABLE, "procedures", "previous"), Chars(7)),
        ],
    ),
    In(
        name("Origin"),
        &[
            Leaf(COUNTRY, at(TABLE, "origin", "country"), Chars(4)),
            Leaf(TYPE, at(TABLE, "origin", "indicator"), Chars(3)),
        ],
    ),
    In(
        name("Packaging"),
        &[
            Fixed(name("SequenceNumeric"), "1"),
            Leaf(name("QuantityQuantity"), at(TABLE, "content", "units"), Digits(8)),
        ],
    ),
];

/// Reads all that fields can hold of a declaration, which stands alone or in `around`.
pub(super) fn fields(tree: &Tree, around: Option<usize>, node: usize) -> Values {
    let shipment = tree.child(node, SHIPMENT);
    let mut values = Values::new(TABLE, shipment.map_or(0, |shipment| items(tree, shipment).count()));
    read(PARTS, tree, node, &mut values, Place::default());
    if let Some(shipment) = shipment {
        elsewhere(tree, shipment, &mut values);
    }
    let import = values.text(KIND, 0, 0) != Some("export");
    let responsible = around.and_then(|around| leaf_text(tree, around, name("ResponsibleCountryCode")));
    if let Some(country) = responsible.filter(|_| import && values.get(DESTINATION, 0, 0).is_none()) {
        values.read(DESTINATION, 0, 0, country);
    }
    values.settle_all();
    values
}

/// The goods items of a shipment.
pub(super) fn items(tree: &Tree, shipment: usize) -> impl Iterator<Item = usize> {
    tree.children(shipment).filter(|child| tree.is(*child, ITEM))
}

/// What is told in another place than the field's own.
fn elsewhere(tree: &Tree, shipment: usize, values: &mut Values) {
    for (item, node) in items(tree, shipment).enumerate() {
        if item == 0 && values.get(DESTINATION, 0, 0).is_none() {
            let destination = tree.child(node, name("Destination"));
            if let Some(country) = destination.and_then(|inside| leaf_text(tree, inside, COUNTRY)) {
                values.read(DESTINATION, 0, 0, country);
            }
        }
        let commodity = tree.child(node, COMMODITY);
        if values.get(VALUE, item, 0).is_none() {
            let line = commodity.and_then(|commodity| tree.child(commodity, name("InvoiceLine")));
            let charge = line.and_then(|line| leaf(tree, line, name("ItemChargeAmount")));
            values.forget(VALUE_CURRENCY, item, 0);
            read_number(tree, charge, CURRENCY, values, [VALUE, VALUE_CURRENCY], Place { item, occurrence: 0 });
        }
    }
    let importer = tree.child(shipment, name("Importer")).filter(|_| values.count(ADDRESSEE, 0) == 0);
    // Number, name and country tell a declarant, not where a parcel goes.
    let address = importer.and_then(|importer| tree.child(importer, ADDRESS));
    let whole = address.is_some_and(|address| tree.children(address).any(|child| !tree.is(child, COUNTRY)));
    if let Some(importer) = importer.filter(|_| whole) {
        read(ADDRESSEE_PARTS, tree, importer, values, Place::default());
    }
}

/// What a message does, and of which kind its declaration is: codes 9 (original) and 13 (request) with the type.
fn read_function(tree: &Tree, node: usize, values: &mut Values, _: Place) {
    let kind = leaf_text(tree, node, TYPE);
    let action = match (leaf_text(tree, node, FUNCTION), kind) {
        (Some("9"), _) => Some("original"),
        (Some("13"), Some("COR")) => Some("correction"),
        (Some("13"), Some("INV")) => Some("cancellation"),
        _ => None,
    };
    if let Some(action) = action {
        values.put(ACTION, 0, 0, Value::Text(action.to_owned()));
    }
    let Some(kind) = kind.filter(|kind| !matches!(*kind, "COR" | "INV")) else { return };
    let (word, process) = match (kind.get(..2), kind.get(2..)) {
        (Some("IM"), Some(process)) => (Some("import"), process),
        (Some("EX"), Some(process)) => (Some("export"), process),
        _ => (None, kind),
    };
    if let Some(word) = word {
        values.put(KIND, 0, 0, Value::Text(word.to_owned()));
    }
    values.read(PROCESS_TYPE, 0, 0, process);
}

fn write_function(values: &Values, tree: &mut Tree, _: Place) -> Result<bool, TreeError> {
    let code = match values.text(ACTION, 0, 0) {
        Some("correction" | "cancellation") => "13",
        _ => "9",
    };
    write_leaf(FUNCTION, code, Digits(2), tree)
}

fn write_type(values: &Values, tree: &mut Tree, _: Place) -> Result<bool, TreeError> {
    let process = values.text(PROCESS_TYPE, 0, 0).unwrap_or_default();
    let text = match (values.text(ACTION, 0, 0), values.text(KIND, 0, 0)) {
        (Some("correction"), _) => "COR".to_owned(),
        (Some("cancellation"), _) => "INV".to_owned(),
        (_, Some("import")) => format!("IM{process}"),
        (_, Some("export")) => format!("EX{process}"),
        (_, None) if !process.is_empty() => process.to_owned(),
        _ => return Ok(false),
    };
    write_leaf(TYPE, &text, Chars(3), tree)
}

fn write_count(values: &Values, tree: &mut Tree, _: Place) -> Result<bool, TreeError> {
    match values.items() {
        0 => Ok(false),
        items => write_leaf(name("GoodsItemQuantity"), &items.to_string(), Digits(5), tree),
    }
}

/// Lists of commodity codes: combined nomenclature, and the digits that TARIC adds.
const NOMENCLATURE: &str = "TSP";
const TARIC: &str = "TRC";

fn read_codes(tree: &Tree, node: usize, values: &mut Values, Place { item, .. }: Place) {
    let code = |wanted| {
        let of = tree.children(node).filter(|child| tree.is(*child, CLASSIFICATION));
        let mut of = of.filter(|child| leaf_text(tree, *child, LIST) == Some(wanted));
        of.next().and_then(|child| leaf_text(tree, child, ID)).filter(|code| code.bytes().all(|b| b.is_ascii_digit()))
    };
    let Some((hs, national)) = code(NOMENCLATURE).and_then(|code| code.split_at_checked(6)) else { return };
    values.read(HS, item, 0, hs);
    let added = code(TARIC).filter(|added| national.len() == 2 && added.len() == 2).unwrap_or_default();
    if !national.is_empty() {
        values.read(NATIONAL, item, 0, &format!("{national}{added}"));
    }
}

fn write_codes(values: &Values, tree: &mut Tree, Place { item, .. }: Place) -> Result<bool, TreeError> {
    let Some(hs) = values.text(HS, item, 0) else { return Ok(false) };
    let national = values.text(NATIONAL, item, 0).unwrap_or_default();
    let (national, added) = if national.len() == 4 { national.split_at(2) } else { (national, "") };
    for (code, list) in [(format!("{hs}{national}"), NOMENCLATURE), (added.to_owned(), TARIC)] {
        if !code.is_empty() {
            tree.open_known(CLASSIFICATION)?;
            tree.leaf(ID, &code)?;
            tree.leaf(LIST, list)?;
            tree.close();
        }
    }
    Ok(true)
}

/// Despatch note for post parcels, of UN/EDIFACT 1001: the document whose number is the item's.
const POST_PARCEL: &str = "750";
const PREVIOUS: &str = "Z";

fn read_item(tree: &Tree, node: usize, values: &mut Values, _: Place) {
    let mut of = tree.children(node).filter(|child| tree.is(*child, PREVIOUS_DOCUMENT));
    let Some(note) = of.find(|note| leaf_text(tree, *note, TYPE) == Some(POST_PARCEL)) else { return };
    let Some(id) = leaf_text(tree, note, ID).filter(|id| values.read(ITEM_ID, 0, 0, id)) else { return };
    if s10(id).is_ok() {
        values.put(ITEM_SCHEME, 0, 0, Value::Text("s10".to_owned()));
    }
}

fn write_item(values: &Values, tree: &mut Tree, _: Place) -> Result<bool, TreeError> {
    let Some(id) = values.text(ITEM_ID, 0, 0).filter(|id| Chars(70).takes(id)) else { return Ok(false) };
    tree.open_known(PREVIOUS_DOCUMENT)?;
    tree.leaf(CATEGORY, PREVIOUS)?;
    tree.leaf(ID, id)?;
    tree.leaf(TYPE, POST_PARCEL)?;
    tree.close();
    Ok(true)
}

fn write_line(street: Option<&str>, number: Option<&str>, tree: &mut Tree) -> Result<bool, TreeError> {
    match (street, number) {
        (None, None) => Ok(false),
        (Some(line), None) | (None, Some(line)) => write_leaf(LINE, line, Chars(70), tree),
        (Some(street), Some(number)) => {
            let both = format!("{street} {number}");
            write_leaf(LINE, if Chars(70).takes(&both) { &both } else { street }, Chars(70), tree)
        }
    }
}

fn write_telephone(number: Option<&str>, tree: &mut Tree) -> Result<bool, TreeError> {
    let Some(number) = number.filter(|number| Chars(50).takes(number)) else { return Ok(false) };
    tree.open_known(COMMUNICATION)?;
    tree.leaf(ID, number)?;
    tree.leaf(TYPE, TELEPHONE)?;
    tree.close();
    Ok(true)
}

/// Writes a declaration with all that fields hold of it.
pub(super) fn element(values: &Values, tree: &mut Tree) -> Result<(), TreeError> {
    tree.open_known(name("Declaration"))?;
    write(PARTS, values, tree, Place::default())?;
    tree.close();
    Ok(())
}
