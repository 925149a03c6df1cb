//! Documents and statements in a declaration: of the whole, and of each goods item.

use super::names::{Name, name};
use super::part::{Fits, Place, UNIT, inside, leaf, leaf_text, read_number, write_leaf, write_number};
use super::tree::{Tree, TreeError};
use super::values::{At, Values, at, group_at};
use crate::limits::MAX_OCCURRENCES;
use crate::record::{DECLARATION_3, TypeTable, Value};
use Fits::Chars;

const TABLE: &TypeTable = &DECLARATION_3;

const TYPE: Name = name("TypeCode");
const ID: Name = name("ID");
const CATEGORY: Name = name("CategoryCode");
const DOCUMENT: Name = name("AdditionalDocument");
const DOCUMENT_NAME: Name = name("Name");
const EXEMPTION: Name = name("LPCOExemptionCode");
const WRITE_OFF: Name = name("WriteOff");
const QUANTITY: Name = name("QuantityQuantity");
const STATEMENT: Name = name("AdditionalInformation");
const STATEMENT_CODE: Name = name("StatementCode");
const STATEMENT_TEXT: Name = name("StatementDescription");

/// Documents of the whole declaration, then statements.
pub(super) fn read_documents(tree: &Tree, node: usize, values: &mut Values, _: Place) {
    for (wanted, read) in
        [(DOCUMENT, read_document as fn(&Tree, usize, &mut Values, &Holder, Place)), (STATEMENT, read_statement)]
    {
        read_each(tree, node, values, &WHOLE, 0, wanted, read);
    }
}

/// The same of a goods item.
pub(super) fn read_goods_documents(tree: &Tree, node: usize, values: &mut Values, Place { item, .. }: Place) {
    for (wanted, read) in
        [(DOCUMENT, read_document as fn(&Tree, usize, &mut Values, &Holder, Place)), (STATEMENT, read_statement)]
    {
        read_each(tree, node, values, &OF_GOODS, item, wanted, read);
    }
}

/// Where documents and statements are held.
pub(super) struct Holder {
    group: usize,
    kind: At,
    reference: At,
    code: At,
    statement: At,
    /// What only documents of goods items have: name, status, quantity and its unit.
    more: Option<[At; 4]>,
}

/// Those of the whole declaration.
pub(super) const WHOLE: Holder = Holder {
    group: group_at(TABLE, "documents"),
    kind: at(TABLE, "documents", "type"),
    reference: at(TABLE, "documents", "reference"),
    code: at(TABLE, "documents", "statement_code"),
    statement: at(TABLE, "documents", "statement"),
    more: None,
};

/// Those of a goods item.
pub(super) const OF_GOODS: Holder = Holder {
    group: group_at(TABLE, "goods_documents"),
    kind: at(TABLE, "goods_documents", "type"),
    reference: at(TABLE, "goods_documents", "reference"),
    code: at(TABLE, "goods_documents", "statement_code"),
    statement: at(TABLE, "goods_documents", "statement"),
    more: Some([
        at(TABLE, "goods_documents", "name"),
        at(TABLE, "goods_documents", "status"),
        at(TABLE, "goods_documents", "quantity"),
        at(TABLE, "goods_documents", "unit"),
    ]),
};

fn read_each(
    tree: &Tree,
    node: usize,
    values: &mut Values,
    holder: &Holder,
    item: usize,
    wanted: Name,
    read: fn(&Tree, usize, &mut Values, &Holder, Place),
) {
    for child in tree.children(node).filter(|child| tree.is(*child, wanted)) {
        let occurrence = values.count(holder.group, item);
        if occurrence == MAX_OCCURRENCES {
            return;
        }
        read(tree, child, values, holder, Place { item, occurrence });
    }
}

/// A document: its type is the one letter or digit of the category, and up to three of the type.
fn read_document(tree: &Tree, node: usize, values: &mut Values, holder: &Holder, place: Place) {
    let Place { item, occurrence } = place;
    let category = leaf_text(tree, node, CATEGORY).filter(|category| category.len() == 1);
    let kind = leaf_text(tree, node, TYPE).filter(|kind| !kind.is_empty());
    if let (Some(category), Some(kind)) = (category, kind) {
        values.read(holder.kind, item, occurrence, &format!("{category}{kind}"));
    }
    let mut text = |element, at| {
        if let Some(text) = leaf_text(tree, node, element) {
            values.read(at, item, occurrence, text);
        }
    };
    text(ID, holder.reference);
    if let Some([name, status, quantity, unit]) = holder.more {
        text(DOCUMENT_NAME, name);
        text(EXEMPTION, status);
        let written_off = tree.child(node, WRITE_OFF).and_then(|write_off| leaf(tree, write_off, QUANTITY));
        read_number(tree, written_off, UNIT, values, [quantity, unit], place);
    }
}

fn read_statement(tree: &Tree, node: usize, values: &mut Values, holder: &Holder, Place { item, occurrence }: Place) {
    for (element, at) in [(STATEMENT_CODE, holder.code), (STATEMENT_TEXT, holder.statement)] {
        if let Some(text) = leaf_text(tree, node, element) {
            values.read(at, item, occurrence, text);
        }
    }
}

pub(super) fn write_documents(
    values: &Values,
    tree: &mut Tree,
    holder: &Holder,
    item: usize,
) -> Result<bool, TreeError> {
    let mut any = false;
    let text = |at: At, occurrence| values.text(at, item, occurrence);
    for occurrence in 0..values.count(holder.group, item) {
        let kind = text(holder.kind, occurrence).and_then(|kind| kind.split_at_checked(1));
        let kind = kind.filter(|(_, kind)| !kind.is_empty());
        let more = |which: usize| holder.more.and_then(|more| text(more[which], occurrence));
        any |= inside(DOCUMENT, tree, |tree| {
            let mut any = false;
            for (name, text, fits) in [
                (CATEGORY, kind.map(|(category, _)| category), Chars(1)),
                (ID, text(holder.reference, occurrence), Chars(70)),
                (DOCUMENT_NAME, more(0), Chars(35)),
                (TYPE, kind.map(|(_, kind)| kind), Chars(3)),
                (EXEMPTION, more(1), Chars(3)),
            ] {
                any |= write_some(name, text, fits, tree)?;
            }
            if let Some([.., quantity, unit]) = holder.more {
                let quantity = values.get(quantity, item, occurrence).map(Value::to_string);
                any |= inside(WRITE_OFF, tree, |tree| {
                    write_number(QUANTITY, quantity.as_deref(), UNIT, text(unit, occurrence), tree)
                })?;
            }
            Ok(any)
        })?;
    }
    for occurrence in 0..values.count(holder.group, item) {
        any |= inside(STATEMENT, tree, |tree| {
            let code = write_some(STATEMENT_CODE, text(holder.code, occurrence), Chars(17), tree)?;
            Ok(code | write_some(STATEMENT_TEXT, text(holder.statement, occurrence), Chars(512), tree)?)
        })?;
    }
    Ok(any)
}

fn write_some(name: Name, text: Option<&str>, fits: Fits, tree: &mut Tree) -> Result<bool, TreeError> {
    text.map_or(Ok(false), |text| write_leaf(name, text, fits, tree))
}
