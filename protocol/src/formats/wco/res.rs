//! RES and `customs_response` version 1: which element is which field, in the order of the schema.
//!
//! Not in: a declaration as customs changed it, bank, amendments, offices; they stand in `extra`.

use super::names::{Name, name};
use super::part::Part::{Amount, In, Leaf, Special, Time};
use super::part::{Fits, Part, Place, inside, leaf_text, read, time_of, write, write_leaf, write_time};
use super::tree::{DECLARATION, Tree, TreeError};
use super::values::{At, Values, at, group_at};
use crate::formats::codes::System;
use crate::limits::MAX_OCCURRENCES;
use crate::record::{CUSTOMS_RESPONSE, TypeTable, Value};
use Fits::{Chars, Digits};

const TABLE: &TypeTable = &CUSTOMS_RESPONSE;

const FUNCTION: Name = name("FunctionCode");
const INFORMATION: Name = name("AdditionalInformation");
const STATEMENT_CODE: Name = name("StatementCode");
const STATEMENT: Name = name("StatementDescription");
const LIMIT: Name = name("LimitDateTime");
const ERROR: Name = name("Error");
const VALIDATION: Name = name("ValidationCode");
const POINTER: Name = name("Pointer");
const SEQUENCE: Name = name("SequenceNumeric");
const SECTION: Name = name("DocumentSectionCode");
const TAG: Name = name("TagID");
const SHIPMENT: Name = name("GoodsShipment");
const ITEM: Name = name("GovernmentAgencyGoodsItem");
const COMMODITY: Name = name("Commodity");
const TAX: Name = name("DutyTaxFee");
const PAYMENT: Name = name("Payment");

const STATUS: At = at(TABLE, "response", "status");
const SOURCE_SYSTEM: At = at(TABLE, "response", "source_system");
const SOURCE_CODE: At = at(TABLE, "response", "source_code");
const TEXT: At = at(TABLE, "response", "text");
const DEADLINE: At = at(TABLE, "response", "deadline");
const TIME: At = at(TABLE, "response", "at");
const FAULTS: usize = group_at(TABLE, "faults");
const FAULT_CODE: At = at(TABLE, "faults", "code");
const FAULT_POINTER: At = at(TABLE, "faults", "pointer");
const FAULT_TEXT: At = at(TABLE, "faults", "text");
const WANTED: usize = group_at(TABLE, "wanted");
const WANTED_TYPE: At = at(TABLE, "wanted", "type");
const WANTED_TEXT: At = at(TABLE, "wanted", "text");
const WANTED_DEADLINE: At = at(TABLE, "wanted", "deadline");
const DEBT: usize = group_at(TABLE, "debt");
const DEBT_ITEM: At = at(TABLE, "debt", "goods_item");
const DEBT_CURRENCY: At = at(TABLE, "debt", "currency");

/// The system whose codes these are: the names of the schemas end in it.
pub(super) const SYSTEM: &str = "DMS";

/// What a function code says that is none of [`System::Hmrc`]'s.
const OTHER: &str = "other";

/// All that is in a `Response`.
pub(super) static PARTS: &[Part] = &[
    Special(read_status, write_status),
    Leaf(name("FunctionalReferenceID"), at(TABLE, "reference", "own_reference"), Chars(35)),
    Time(name("IssueDateTime"), at(TABLE, "reference", "made_at")),
    Special(read_information, write_information),
    In(name("AppealOffice"), &[Leaf(name("ID"), at(TABLE, "response", "office"), Chars(17))]),
    Special(read_faults, write_faults),
    In(
        name("Status"),
        &[Special(
            |tree, node, values, _| read_time(tree, node, values, EFFECTIVE),
            |values, tree, _| write_time_of(values, tree, EFFECTIVE),
        )],
    ),
    In(
        DECLARATION,
        &[
            Time(name("AcceptanceDateTime"), at(TABLE, "response", "accepted_at")),
            Special(
                |tree, node, values, _| read_time(tree, node, values, CANCELLATION),
                |values, tree, _| write_time_of(values, tree, CANCELLATION),
            ),
            Leaf(name("FunctionalReferenceID"), at(TABLE, "response", "about"), Chars(35)),
            Leaf(name("ID"), at(TABLE, "response", "registration"), Chars(70)),
            Special(
                |tree, node, values, _| read_time(tree, node, values, REJECTION),
                |values, tree, _| write_time_of(values, tree, REJECTION),
            ),
            Leaf(name("VersionID"), at(TABLE, "response", "version"), Chars(9)),
            Special(read_debt, write_debt),
        ],
    ),
];

const TAX_PARTS: &[Part] = &[
    Amount(name("AdValoremTaxBaseAmount"), at(TABLE, "debt", "base"), DEBT_CURRENCY),
    Amount(name("DeductAmount"), at(TABLE, "debt", "deducted"), DEBT_CURRENCY),
    Leaf(name("DutyRegimeCode"), at(TABLE, "debt", "regime"), Chars(3)),
    Leaf(name("SpecificTaxBaseQuantity"), at(TABLE, "debt", "quantity"), Chars(18)),
    Leaf(name("TaxRateNumeric"), at(TABLE, "debt", "rate"), Chars(18)),
    Leaf(name("TypeCode"), at(TABLE, "debt", "kind"), Chars(3)),
    In(PAYMENT, &[ASSESSED, PAYABLE]),
];

/// What is owed for the whole declaration names no tax.
const WHOLE_PARTS: &[Part] = &[In(
    PAYMENT,
    &[
        ASSESSED,
        Time(name("DueDateTime"), at(TABLE, "debt", "due_at")),
        PAYABLE,
        In(name("ObligationGuarantee"), &[Leaf(name("ReferenceID"), at(TABLE, "debt", "guarantee"), Chars(35))]),
    ],
)];

const ASSESSED: Part = Amount(name("TaxAssessedAmount"), at(TABLE, "debt", "assessed"), DEBT_CURRENCY);
const PAYABLE: Part = Amount(name("PaymentAmount"), at(TABLE, "debt", "payable"), DEBT_CURRENCY);

/// Reads all that fields can hold of a response.
pub(super) fn fields(tree: &Tree, node: usize) -> Values {
    let mut values = Values::new(TABLE, 0);
    read(PARTS, tree, node, &mut values, Place::default());
    values.settle_all();
    values
}

/// Writes a response with all that fields hold of it.
pub(super) fn element(values: &Values, tree: &mut Tree) -> Result<(), TreeError> {
    tree.open_known(name("Response"))?;
    write(PARTS, values, tree, Place::default())?;
    tree.close();
    Ok(())
}

/// The function code of a record, where there is one: its own, unless that says another thing than its status.
pub(super) fn function_code(values: &Values) -> Option<String> {
    let status = values.text(STATUS, 0, 0)?;
    let own = values.text(SOURCE_CODE, 0, 0).filter(|_| values.text(SOURCE_SYSTEM, 0, 0) == Some(SYSTEM));
    match own.filter(|code| status_of(code) == Some(status)) {
        Some(code) => Some(code.to_owned()),
        None => System::Hmrc.code(status).filter(|_| status != OTHER).map(str::to_owned),
    }
}

/// What a function code says.
fn status_of(code: &str) -> Option<&'static str> {
    let is_code = !code.is_empty() && Digits(2).takes(code);
    is_code.then(|| System::Hmrc.word(code).unwrap_or(OTHER))
}

fn read_status(tree: &Tree, node: usize, values: &mut Values, _: Place) {
    let code = leaf_text(tree, node, FUNCTION).unwrap_or_default();
    if let Some(status) = status_of(code) {
        values.put(STATUS, 0, 0, Value::Text(status.to_owned()));
        values.put(SOURCE_SYSTEM, 0, 0, Value::Text(SYSTEM.to_owned()));
        values.put(SOURCE_CODE, 0, 0, Value::Text(code.to_owned()));
    }
}

fn write_status(values: &Values, tree: &mut Tree, _: Place) -> Result<bool, TreeError> {
    match function_code(values) {
        Some(code) => write_leaf(FUNCTION, &code, Digits(2), tree),
        None => Ok(false),
    }
}

/// Where the time of what is told stands.
#[derive(Clone, Copy, PartialEq, Eq)]
struct When(Name);

const EFFECTIVE: When = When(name("EffectiveDateTime"));
const CANCELLATION: When = When(name("CancellationDateTime"));
const REJECTION: When = When(name("RejectionDateTime"));

impl When {
    fn of(values: &Values) -> Self {
        match values.text(STATUS, 0, 0) {
            Some("rejected") => REJECTION,
            Some("invalidated") => CANCELLATION,
            _ => EFFECTIVE,
        }
    }
}

fn read_time(tree: &Tree, node: usize, values: &mut Values, when: When) {
    let time = tree.child(node, when.0).and_then(|child| time_of(tree, child));
    if let Some(time) = time.filter(|_| When::of(values) == when) {
        values.put(TIME, 0, 0, Value::Time(time));
    }
}

fn write_time_of(values: &Values, tree: &mut Tree, when: When) -> Result<bool, TreeError> {
    match values.get(TIME, 0, 0) {
        Some(Value::Time(time)) if When::of(values) == when => write_time(when.0, *time, tree),
        _ => Ok(false),
    }
}

/// Whether what is told beside the status is what customs wants to have or to see.
fn wants(values: &Values) -> bool {
    matches!(values.text(STATUS, 0, 0), Some("held_exam" | "held_docs"))
}

/// What is wanted, one by one; for other responses one text and one limit.
fn read_information(tree: &Tree, node: usize, values: &mut Values, _: Place) {
    let wants = wants(values);
    for child in tree.children(node).filter(|child| tree.is(*child, INFORMATION)) {
        let limit = tree.child(child, LIMIT).and_then(|limit| time_of(tree, limit)).map(Value::Time);
        if let Some(limit) = &limit {
            values.put(DEADLINE, 0, 0, limit.clone());
        }
        if !wants {
            if let Some(text) = leaf_text(tree, child, STATEMENT) {
                values.read(TEXT, 0, 0, text);
            }
            return;
        }
        let next = values.count(WANTED, 0);
        if next == MAX_OCCURRENCES {
            return;
        }
        if let Some(code) = leaf_text(tree, child, STATEMENT_CODE) {
            values.read(WANTED_TYPE, 0, next, code);
        }
        if let Some(text) = leaf_text(tree, child, STATEMENT) {
            values.read(WANTED_TEXT, 0, next, text);
        }
        if let Some(limit) = limit {
            values.put(WANTED_DEADLINE, 0, next, limit);
        }
    }
}

fn write_information(values: &Values, tree: &mut Tree, _: Place) -> Result<bool, TreeError> {
    let time = |at, occurrence| match values.get(at, 0, occurrence) {
        Some(Value::Time(time)) => Some(*time),
        _ => None,
    };
    let one = |tree: &mut Tree, code: Option<&str>, text: Option<&str>, limit| {
        inside(INFORMATION, tree, |tree| {
            let mut any = false;
            if let Some(code) = code {
                any |= write_leaf(STATEMENT_CODE, code, Chars(17), tree)?;
            }
            if let Some(text) = text {
                any |= write_leaf(STATEMENT, text, Chars(512), tree)?;
            }
            if let Some(limit) = limit {
                any |= write_time(LIMIT, limit, tree)?;
            }
            Ok(any)
        })
    };
    let mut any = false;
    if !wants(values) {
        any |= one(tree, None, values.text(TEXT, 0, 0), time(DEADLINE, 0))?;
    } else {
        for occurrence in 0..values.count(WANTED, 0) {
            let (code, text) = (values.text(WANTED_TYPE, 0, occurrence), values.text(WANTED_TEXT, 0, occurrence));
            any |= one(tree, code, text, time(WANTED_DEADLINE, occurrence))?;
        }
        if values.count(WANTED, 0) == 0 {
            any |= one(tree, None, None, time(DEADLINE, 0))?;
        }
    }
    Ok(any)
}

fn read_faults(tree: &Tree, node: usize, values: &mut Values, _: Place) {
    for child in tree.children(node).filter(|child| tree.is(*child, ERROR)) {
        let next = values.count(FAULTS, 0);
        if next == MAX_OCCURRENCES {
            return;
        }
        if let Some(text) = leaf_text(tree, child, name("Description")) {
            values.read(FAULT_TEXT, 0, next, text);
        }
        if let Some(code) = leaf_text(tree, child, VALIDATION) {
            values.read(FAULT_CODE, 0, next, code);
        }
        if let Some(pointer) = pointer(tree, child) {
            values.read(FAULT_POINTER, 0, next, &pointer);
        }
        values.settle(FAULTS, 0, next);
    }
}

fn write_faults(values: &Values, tree: &mut Tree, _: Place) -> Result<bool, TreeError> {
    let mut any = false;
    // Without its code a fault would not be read again.
    let coded = |occurrence: &usize| values.text(FAULT_CODE, 0, *occurrence).is_some_and(|code| Chars(8).takes(code));
    for occurrence in (0..values.count(FAULTS, 0)).filter(coded) {
        any |= inside(ERROR, tree, |tree| {
            let mut any = false;
            if let Some(text) = values.text(FAULT_TEXT, 0, occurrence) {
                any |= write_leaf(name("Description"), text, Chars(512), tree)?;
            }
            if let Some(code) = values.text(FAULT_CODE, 0, occurrence) {
                any |= write_leaf(VALIDATION, code, Chars(8), tree)?;
            }
            if let Some(steps) = values.text(FAULT_POINTER, 0, occurrence).and_then(steps) {
                for Step { section, number, tag } in steps {
                    tree.open_known(POINTER)?;
                    for (name, text) in [(SEQUENCE, number), (SECTION, Some(section)), (TAG, tag)] {
                        if let Some(text) = text {
                            tree.leaf(name, text)?;
                        }
                    }
                    tree.close();
                }
                any = true;
            }
            Ok(any)
        })?;
    }
    Ok(any)
}

/// A step of a pointer into a declaration: class, number and field, by their WCO ids.
struct Step<'t> {
    section: &'t str,
    number: Option<&'t str>,
    tag: Option<&'t str>,
}

/// `42A/67A[1]/68A[3].006`: the pointers of an error as one text, if each has nothing but class, number and field.
fn pointer(tree: &Tree, node: usize) -> Option<String> {
    let mut steps = Vec::new();
    for child in tree.children(node).filter(|child| tree.is(*child, POINTER)) {
        let mut step = leaf_text(tree, child, SECTION)?.to_owned();
        if let Some(number) = leaf_text(tree, child, SEQUENCE) {
            step.push_str(&format!("[{number}]"));
        }
        if let Some(tag) = leaf_text(tree, child, TAG) {
            step.push_str(&format!(".{tag}"));
        }
        steps.push(step);
    }
    let text = steps.join("/");
    // Only what is read back as the same.
    self::steps(&text).is_some().then_some(text)
}

/// The steps of such a text.
fn steps(text: &str) -> Option<Vec<Step<'_>>> {
    let word = |text: &str, most: usize| {
        (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let step = |text| {
        let (head, tag) = split(text, '.');
        let (section, number) = match head.strip_suffix(']') {
            Some(head) => head.split_once('[').map(|(section, number)| (section, Some(number)))?,
            None => (head, None),
        };
        let plain = word(section, 3)
            && tag.is_none_or(|tag| word(tag, 4))
            && number.is_none_or(|number| !number.is_empty() && Digits(5).takes(number));
        plain.then_some(Step { section, number, tag })
    };
    text.split('/').map(step).collect()
}

fn split(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at).map_or((text, None), |(head, tail)| (head, Some(tail)))
}

/// What is owed for the whole declaration, then duties of every goods item, line by line.
fn read_debt(tree: &Tree, node: usize, values: &mut Values, _: Place) {
    read_taxes(tree, node, None, WHOLE_PARTS, values);
    let Some(shipment) = tree.child(node, SHIPMENT) else { return };
    for item in tree.children(shipment).filter(|child| tree.is(*child, ITEM)) {
        if let (Some(commodity), Some(number)) = (tree.child(item, COMMODITY), leaf_text(tree, item, SEQUENCE)) {
            read_taxes(tree, commodity, Some(number), TAX_PARTS, values);
        }
    }
}

fn read_taxes(tree: &Tree, node: usize, item: Option<&str>, parts: &[Part], values: &mut Values) {
    for tax in tree.children(node).filter(|child| tree.is(*child, TAX)) {
        let next = values.count(DEBT, 0);
        if next == MAX_OCCURRENCES {
            return;
        }
        read(parts, tree, tax, values, Place { item: 0, occurrence: next });
        // A number alone is no debt, and a line without its number would be one of the whole declaration.
        let any = values.count(DEBT, 0) > next;
        if let Some(item) = item.filter(|_| any)
            && !values.read(DEBT_ITEM, 0, next, item)
        {
            values.drop_last(DEBT, 0);
        }
    }
}

fn write_debt(values: &Values, tree: &mut Tree, _: Place) -> Result<bool, TreeError> {
    let count = values.count(DEBT, 0);
    let number = |occurrence| match values.get(DEBT_ITEM, 0, occurrence) {
        Some(Value::Uint(number)) => Some(*number),
        _ => None,
    };
    let line = |tree: &mut Tree, parts, occurrence| {
        inside(TAX, tree, |tree| write(parts, values, tree, Place { item: 0, occurrence }))
    };
    let mut any = false;
    for occurrence in (0..count).filter(|occurrence| number(*occurrence).is_none()) {
        any |= line(tree, WHOLE_PARTS, occurrence)?;
    }
    any |= inside(SHIPMENT, tree, |tree| {
        let numbered: Vec<usize> = (0..count).filter(|occurrence| number(*occurrence).is_some()).collect();
        let mut any = false;
        for lines in numbered.chunk_by(|one, other| number(*one) == number(*other)) {
            let Some(item) = lines.first().and_then(|first| number(*first)) else { continue };
            any |= inside(ITEM, tree, |tree| {
                tree.leaf(SEQUENCE, &item.to_string())?;
                inside(COMMODITY, tree, |tree| {
                    lines.iter().try_fold(false, |any, occurrence| Ok(any | line(tree, TAX_PARTS, *occurrence)?))
                })
            })?;
        }
        Ok(any)
    })?;
    Ok(any)
}
