//! Properties of reading and writing, damaged documents, and the stream.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::{BufReader, Read};

use proptest::prelude::*;
use proptest::sample::Index;

use super::tree::Tree;
use super::*;
use crate::bench::xml::declarations;
use crate::cbor::Encode as _;
use crate::limits::*;
use crate::record::DECLARATION;
use crate::testing::{Numbers, content_of};

fn rows_of(bytes: &[u8]) -> Vec<Row> {
    wco(bytes).map(Result::unwrap).collect()
}

fn one(xml: &str) -> Content {
    match rows_of(xml.as_bytes()).remove(0) {
        Row::Record { content, .. } => content,
        Row::Refused(refusal) => panic!("{refusal}"),
    }
}

/// Line, way to the element, class and reason of each refusal.
fn refused(bytes: &[u8]) -> Vec<String> {
    let told = |row| match row {
        Row::Refused(refusal) => Some(format!("{}: {refusal}", refusal.fault)),
        Row::Record { .. } => None,
    };
    rows_of(bytes).into_iter().filter_map(told).collect()
}

const GOOD: &str = "<Declaration><FunctionCode>9</FunctionCode><FunctionalReferenceID>A1</FunctionalReferenceID>\
<GoodsShipment><Destination><CountryCode>GB</CountryCode></Destination></GoodsShipment></Declaration>";

/// A document of random elements: names that stand for fields and others, texts that fields take and others.
fn random(tree: &mut Tree, numbers: &mut Numbers, fuel: &mut u64) {
    const NAMES: [&str; 44] = [
        "GoodsShipment",
        "GovernmentAgencyGoodsItem",
        "Commodity",
        "Classification",
        "DutyTaxFee",
        "Payment",
        "Exporter",
        "Importer",
        "Consignee",
        "Address",
        "AdditionalDocument",
        "AdditionalInformation",
        "Origin",
        "Packaging",
        "ID",
        "TypeCode",
        "CategoryCode",
        "Name",
        "CountryCode",
        "CityName",
        "Line",
        "FunctionCode",
        "FunctionalReferenceID",
        "IssueDateTime",
        "DateTimeString",
        "CustomsValueAmount",
        "SequenceNumeric",
        "Description",
        "IdentificationTypeCode",
        "GoodsMeasure",
        "NetNetWeightMeasure",
        "GovernmentProcedure",
        "CurrentCode",
        "Destination",
        "Error",
        "Pointer",
        "DocumentSectionCode",
        "ValidationCode",
        "StatementDescription",
        "Declaration",
        "TagID",
        "Agent",
        "Odd",
        "odd-2.x",
    ];
    const TEXTS: [&str; 22] = [
        "",
        " ",
        "GB",
        "gb",
        "IM",
        "IMA",
        "9",
        "13",
        "61091000",
        "00",
        "1",
        "2",
        "10.50",
        "+7",
        "20191113172216Z",
        "20191113182216+01",
        " A ",
        "a\nb\tc\r",
        "<&>\"'",
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-LONGER",
        "TSP",
        "Straße 🛃",
    ];
    while *fuel > 0 && numbers.up_to(3) > 0 {
        *fuel -= 1;
        let name = NAMES[numbers.up_to(NAMES.len() as u64 - 1) as usize];
        if tree.open(name, 0).is_err() {
            return;
        }
        for (attribute, value) in [("currencyID", "GBP"), ("formatCode", "304"), ("odd", "\"<\n&>")] {
            if numbers.up_to(9) == 0 {
                tree.attribute_of(attribute, value).unwrap();
            }
        }
        if numbers.up_to(1) == 0 && tree.depth() + 2 < MAX_XML_DEPTH {
            random(tree, numbers, fuel);
        } else {
            tree.text_of(TEXTS[numbers.up_to(TEXTS.len() as u64 - 1) as usize]).unwrap();
        }
        tree.close();
    }
}

/// A message of random elements with what a record must have.
fn message(seed: u64, response: bool, bare: bool) -> Tree {
    let mut tree = Tree::default();
    let mut numbers = Numbers(seed);
    if !bare {
        tree.open_known(WRAPPER).unwrap();
        if numbers.up_to(1) == 0 {
            tree.leaf(name("ResponsibleCountryCode"), "GB").unwrap();
        }
    }
    tree.open_known(if response { RESPONSE } else { tree::DECLARATION }).unwrap();
    tree.leaf(name("FunctionCode"), if response { "03" } else { "9" }).unwrap();
    tree.leaf(name("FunctionalReferenceID"), "A1").unwrap();
    if !response {
        tree.open_known(name("GoodsShipment")).unwrap();
        tree.open_known(name("Destination")).unwrap();
        tree.leaf(name("CountryCode"), "GB").unwrap();
        tree.close();
        random(&mut tree, &mut numbers, &mut 60);
        tree.close();
    }
    random(&mut tree, &mut numbers, &mut 60);
    tree.close();
    if !bare {
        tree.close();
    }
    tree
}

/// The tree, as text that only the same tree has.
fn shown(tree: &Tree) -> String {
    String::from_utf8(write::xml(tree)).unwrap()
}

proptest! {
    #[test]
    fn any_bytes_are_rows_or_refusals(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        rows_of(&bytes);
    }

    #[test]
    fn any_markup_is_rows_or_refusals(parts in proptest::collection::vec(
        proptest::sample::select(vec![
            "<", ">", "/", "</", "/>", "<?xml ", "?>", "<!--", "-->", "<![CDATA[", "]]>", "<!DOCTYPE ", "[", "]", "&", "#x0", ";",
            "&amp;", "MetaData", "Declaration", "Response", "<MetaData>", "</MetaData>", "<Declaration>", "</Declaration>", " ", "\n", "\"",
            "'", "=", "xmlns", "xmlns:a=\"b\"", "a:", "a", "\u{feff}", "é", "version=\"1.0\"", "encoding=\"x\"",
        ]), 0..40,
    )) {
        rows_of(parts.concat().as_bytes());
    }

    #[test]
    fn any_message_comes_out_as_it_went_in(seed: u64, response: bool, bare: bool) {
        let tree = message(seed, response, bare);
        let xml = shown(&tree);
        let rows = rows_of(xml.as_bytes());
        prop_assert_eq!(rows.len(), 1);
        // What a field demands may be hidden by what random elements say.
        if let Row::Record { content, .. } = &rows[0] {
            let exported = export(content).unwrap();
            prop_assert_eq!(String::from_utf8(exported.xml).unwrap(), xml);
            prop_assert_eq!(exported.inexact, Vec::<String>::new());
        }
    }

    #[test]
    fn trees_come_back_from_xml(seed: u64, response: bool, bare: bool) {
        let tree = message(seed, response, bare);
        let mut back = Tree::default();
        parse::parse(shown(&tree).as_bytes(), &mut back).unwrap();
        prop_assert_eq!(shown(&back), shown(&tree));
        prop_assert_eq!(back.count(), tree.count());
    }

    #[test]
    fn a_difference_leads_from_fields_to_any_document(one: u64, other: u64, content: u64, mask: u32) {
        let values = Values::of(&content_of(&DECLARATION_3, content, mask & !(1 << 27), 2));
        let (mut fields, mut made) = (Tree::default(), Tree::default());
        Message::Declaration.write(&values, one % 2 == 0, &mut fields).unwrap();
        // From fields to a random document, and to one that is nearly the same.
        let document = message(other, false, one % 2 == 0);
        let difference = patch::difference(&fields, &document, true).unwrap();
        patch::apply(&fields, &difference, &mut made).unwrap();
        prop_assert_eq!(shown(&made), shown(&document));
        prop_assert_eq!(patch::difference(&fields, &made, true).unwrap(), difference);
        prop_assert!(patch::difference(&fields, &fields, false).is_none());
    }

    #[test]
    fn any_record_is_written_and_read_again(seed: u64, mask: u32, items in 0usize..=6, response: bool, version in 1usize..=3) {
        let tables = [&DECLARATION, &crate::record::DECLARATION_2, &DECLARATION_3];
        let table = if response { &CUSTOMS_RESPONSE } else { tables[version - 1] };
        let content = content_of(table, seed, mask, items);
        let exported = match export(&content) {
            Ok(exported) => exported,
            Err(error) => {
                prop_assert!(matches!(error, ExportError::Status { .. } | ExportError::Reference { .. }), "{}", error);
                return Ok(());
            }
        };
        let back = one(std::str::from_utf8(&exported.xml).unwrap());
        let extra = back.field("extra", "content").map(|value| value.to_string());
        prop_assert_eq!(extra, None, "{}", String::from_utf8_lossy(&exported.xml));
        let again = export(&back).unwrap();
        prop_assert_eq!(again.inexact, Vec::<String>::new());
        prop_assert_eq!(&again.xml, &exported.xml);
        prop_assert!(one(std::str::from_utf8(&again.xml).unwrap()) == back);
    }

    #[test]
    fn a_document_cut_anywhere_is_refused(at: Index) {
        let xml = declarations(1, 3);
        let end = xml.trim_end().len();
        let rows = rows_of(&xml.as_bytes()[..at.index(end)]);
        prop_assert!(rows.iter().all(|row| matches!(row, Row::Refused(_))) && rows.len() <= 1);
        let all = [&xml.as_bytes()[..at.index(end)], xml.as_bytes()].concat();
        let rows = rows_of(&all);
        prop_assert!(matches!(rows.last(), Some(Row::Record { .. })), "{:?}", rows);
    }

    #[test]
    fn a_changed_byte_never_disturbs_the_next_document(at: Index, to: u8) {
        let [first, second] = [declarations(1, 3), declarations(1, 4)];
        let mut bytes = format!("<?xml version=\"1.0\"?>{first}<?xml version=\"1.0\"?>{second}").into_bytes();
        // An XML declaration that is not closed swallows all to the next one, as XML has it.
        let at = "<?xml version=\"1.0\"?>".len() + at.index(first.len());
        bytes[at] = to;
        let rows = rows_of(&bytes);
        // An open comment or value of an attribute swallows what follows.
        let swallowed = matches!(to, b'"' | b'\'' | b'<' | b'!' | b'?');
        let told: Vec<_> = rows.iter().map(|row| match row {
            Row::Record { source, .. } => format!("record at {}", source.line),
            Row::Refused(refusal) => refusal.to_string(),
        }).collect();
        let read = matches!(rows.last(), Some(Row::Record { .. }));
        prop_assert!(swallowed || read, "{} {:?} {:?}", at, &String::from_utf8_lossy(&bytes)[..200], told);
    }

    #[test]
    fn how_a_stream_arrives_changes_nothing(seed: u64, capacity in 1usize..200, between in "[ \n]{0,3}|log line\n") {
        let documents: Vec<String> = (0..4).map(|n| declarations(1, seed.wrapping_add(n))).collect();
        let stream = documents.join(&between);
        let mut slow = wco(BufReader::with_capacity(capacity, stream.as_bytes()));
        let rows: Vec<Row> = slow.by_ref().map(Result::unwrap).collect();
        prop_assert_eq!(&rows, &rows_of(stream.as_bytes()));
        prop_assert_eq!(rows.len(), 4);
        prop_assert_eq!(slow.notes().first.len(), if between.contains("log") { 3 } else { 0 });
        let lines: Vec<u64> = rows.iter().map(|row| match row {
            Row::Record { source, .. } => source.line,
            Row::Refused(refusal) => refusal.line,
        }).collect();
        let mut from = 0;
        for line in lines {
            let at = from + stream[from..].find("  <Declaration").unwrap();
            prop_assert_eq!(line, stream[..at].matches('\n').count() as u64 + 1);
            from = at + 1;
        }
    }

    #[test]
    fn a_changed_extra_is_refused_or_changes_nothing(seed: u64, at: Index, to: u8) {
        let content = one(&shown(&message(seed, false, false)));
        let Some(Value::Bytes(mut bytes)) = content.field("extra", "content") else { return Ok(()) };
        let at = at.index(bytes.len());
        prop_assume!(bytes[at] != to);
        bytes[at] = to;
        let mut changed = content.clone();
        let (extra, _) = changed.table().group("extra").unwrap();
        changed.set(extra, 0, vec![vec![(1, Value::Text("WCO-DEC-3.6".into())), (2, Value::Bytes(bytes))]]).unwrap();
        // Another document may have this record's fields, but it is then read as the very record that was written.
        match export(&changed) {
            Ok(exported) => prop_assert!(one(std::str::from_utf8(&exported.xml).unwrap()) == changed),
            Err(error) => prop_assert!(matches!(error, ExportError::Extra { .. }), "{}", error),
        }
    }
}

#[test]
fn fields_are_read_where_they_stand() {
    let content = one(&declarations(1, 1));
    let field = |group, field| content.field(group, field).map(|value| value.to_string()).unwrap_or_default();
    assert_eq!((content.table().name, content.table().version, content.items() > 0), ("declaration", 3, true));
    for (group, name, value) in [
        ("filing", "own_reference", "BENCH-000000000000"),
        ("filing", "kind", "import"),
        ("filing", "process_type", "A"),
        ("filing", "action", "original"),
        ("route", "destination", "GB"),
        ("route", "border_mode", "5"),
        ("route", "location", "BELBFSBEL"),
        ("postage", "currency", "GBP"),
        ("fiscal", "id", "IM5532027340"),
        ("fiscal", "role", "FR5"),
        ("mass", "packages", "1"),
        ("extra", "scheme", "WCO-DEC-3.6"),
    ] {
        assert_eq!(field(group, name), value, "{group}.{name}");
    }
    assert!(field("sender", "name").starts_with("Sender & Daughters "));
    assert!(field("filing", "message_time").ends_with("T09:30:30.000Z"));
    let (documents, _) = content.table().group("goods_documents").unwrap();
    assert_eq!(content.occurrences(documents, 0).len(), 2);
    // What no field holds is little: responsible agency and the like, acceptance, authorisation, nationality, location.
    let Some(Value::Bytes(extra)) = content.field("extra", "content") else { panic!() };
    assert!((100..260).contains(&extra.len()), "{}", extra.len());
}

#[test]
fn what_fields_hold_in_full_leaves_no_extra() {
    let content = one(GOOD);
    // Bare, and so it comes out.
    assert_eq!(content.field("extra", "content").map(|value| value.to_string()).as_deref(), Some("840106f580"));
    let wrapped = format!(
        "<MetaData><WCODataModelVersionCode>3.6</WCODataModelVersionCode><WCOTypeName>DEC</WCOTypeName>{GOOD}</MetaData>"
    );
    assert!(one(&wrapped).field("extra", "content").is_none());
}

#[test]
fn prefixes_and_namespaces_are_free_and_checked() {
    let plain = one(GOOD);
    let uri = tree::Space::Dec.uri();
    let prefixed = GOOD.replace("</", "</x:").replace('<', "<x:").replace("<x:/x:", "</x:");
    let prefixed = prefixed.replacen("<x:Declaration", &format!("<x:Declaration xmlns:x='{uri}'"), 1);
    assert!(one(&prefixed) == plain);
    let default = GOOD.replacen("<Declaration", &format!("<Declaration xmlns='{uri}' xmlns:udt='urn:other'"), 1);
    assert!(one(&default) == plain);
    let hint = "xsi:schemaLocation='a b' xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'";
    assert!(one(&GOOD.replacen("<Declaration", &format!("<Declaration {hint}"), 1)) == plain);
    let wrong = default.replace(uri, "urn:wco:datamodel:WCO:DEC:1");
    let told = &refused(wrong.as_bytes())[0];
    assert!(
        told.contains("'Declaration' stands in the namespace 'urn:wco:datamodel:WCO:DEC:1'; here belongs"),
        "{told}"
    );
    let undeclared = GOOD.replace("Destination>", "q:Destination>");
    let told = &refused(undeclared.as_bytes())[0];
    assert_eq!(told, "encoding: line 1, /Declaration/GoodsShipment: the prefix 'q' is declared nowhere");
    let foreign = GOOD.replacen("<GoodsShipment", "<GoodsShipment a:b='c' xmlns:a='urn:a'", 1);
    assert!(refused(foreign.as_bytes())[0].contains("the attribute 'a:b' is of another namespace"));
}

#[test]
fn values_that_a_field_may_not_hold_are_kept_as_they_stand() {
    let long = "X".repeat(80);
    let xml = GOOD
        .replace("<GoodsShipment>", &format!("<Exporter><Name>{long}</Name><ID> gb1 </ID></Exporter><GoodsShipment>"))
        .replace(
            "<Destination>",
            "<CustomsValuation><FreightChargeAmount currencyID='gbp'>1.234</FreightChargeAmount>\
             </CustomsValuation><Destination>",
        );
    let content = one(&xml);
    assert_eq!((content.field("sender", "name"), content.field("postage", "amount")), (None, None));
    let written = String::from_utf8(export(&content).unwrap().xml).unwrap();
    for kept in [&*format!("<Name>{long}</Name>"), "<ID> gb1 </ID>", "currencyID=\"gbp\">1.234<"] {
        assert!(written.contains(kept), "{written}");
    }
    // A time in another zone is a field, and comes out in its own.
    let dated = GOOD.replace(
        "<GoodsShipment>",
        "<IssueDateTime><DateTimeString formatCode='304'>20191113182216+01</DateTimeString>\
         </IssueDateTime><GoodsShipment>",
    );
    let content = one(&dated);
    assert_eq!(content.field("filing", "message_time").unwrap().to_string(), "2019-11-13T17:22:16.000Z");
    assert!(String::from_utf8(export(&content).unwrap().xml).unwrap().contains(">20191113182216+01<"));
}

#[test]
fn what_a_record_must_have_is_asked_for() {
    let without = |part: &str| refused(GOOD.replace(part, "").as_bytes()).concat();
    assert_eq!(
        without("<FunctionalReferenceID>A1</FunctionalReferenceID>"),
        "missing: line 1, /Declaration: /filing/own_reference: the group is there without its mandatory field\n\
         hint: it is read from Declaration/FunctionalReferenceID"
    );
    assert!(
        without("<CountryCode>GB</CountryCode>").starts_with("missing: line 1, /Declaration: /route/destination: ")
    );
    let response = "<MetaData>\n<Response><FunctionalReferenceID>R</FunctionalReferenceID></Response></MetaData>";
    let told = refused(response.as_bytes()).concat();
    assert!(told.starts_with("missing: line 2, /MetaData/Response: /response/status: "), "{told}");
    assert!(told.ends_with("hint: it is read from Response/FunctionCode, one or two digits"), "{told}");
    assert_eq!(refused(b"<MetaData/>"), ["missing: line 1: MetaData holds neither a Declaration nor a Response"]);
}

#[test]
fn goods_beyond_the_bound_are_refused_with_their_number() {
    let item = "<GovernmentAgencyGoodsItem><SequenceNumeric>1</SequenceNumeric></GovernmentAgencyGoodsItem>";
    let goods = |count| GOOD.replace("</Destination>", &format!("</Destination>{}", item.repeat(count)));
    assert_eq!(one(&goods(99)).items(), 99);
    assert_eq!(
        refused(goods(131).as_bytes()),
        ["limit: line 1, /Declaration: 131 goods items; a record has at most 99\n\
          hint: declare them in parts and link the parts"]
    );
}

#[test]
fn what_does_not_fit_beside_the_fields_is_refused() {
    let line = format!("<Odd>{}</Odd>", "x".repeat(8_000));
    let with = |count| GOOD.replace("<GoodsShipment>", &format!("{}<GoodsShipment>", line.repeat(count)));
    assert!(export(&one(&with(8))).is_ok());
    let told = refused(with(9).as_bytes()).concat();
    assert!(told.contains("/extra/content: what no field holds takes 72"), "{told}");
    assert!(told.contains("more than the 65536 that there are"), "{told}");
}

#[test]
fn damaged_documents_are_refused_exactly() {
    let declared = |text: &str| format!("<?xml version=\"1.0\" encoding=\"{text}\"?>{GOOD}");
    let bomb = "<!DOCTYPE d [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\">]>";
    let deep = format!("<Declaration>\n{}{}", "<A>".repeat(40), "</A>".repeat(40) + "</Declaration>");
    let many = GOOD.replace("<GoodsShipment>", &format!("{}<GoodsShipment>", "<A/>".repeat(MAX_XML_ELEMENTS)));
    let attributes: String = (0..40).map(|n| format!(" a{n}=''")).collect();
    let spaces: String = (0..30).map(|n| format!(" xmlns:a{n}='u'")).collect();
    let nested = format!("<Declaration{spaces}><A{spaces}><B{spaces}/></A></Declaration>");
    let long = GOOD.replace("A1", &"A".repeat(MAX_XML_TEXT_BYTES + 1));
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (
            declared("ISO-8859-1").into(),
            "encoding: line 1: the document says that its encoding is 'ISO-8859-1'; UTF-8 is read",
        ),
        (declared("UTF-16").into(), "encoding: line 1: the document says that its encoding is 'UTF-16'"),
        (GOOD.replace("A1", "caf\u{e9}").chars().map(|c| c as u8).collect(), "encoding: line 1: not UTF-8"),
        (
            [b"\xff\xfe".to_vec(), GOOD.encode_utf16().flat_map(u16::to_le_bytes).collect()].concat(),
            "encoding: line 1: the input is UTF-16, little end first; UTF-8 is read",
        ),
        (
            [b"\xfe\xff".to_vec(), GOOD.encode_utf16().flat_map(u16::to_be_bytes).collect()].concat(),
            "encoding: line 1: the input is UTF-16, big end first",
        ),
        (
            GOOD.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            "encoding: line 1: the input is UTF-16, little end first",
        ),
        (
            format!("\n{bomb}{}", GOOD.replace("A1", "&b;")).into(),
            "encoding: line 2: a DOCTYPE; documents with one are refused",
        ),
        (
            GOOD.replace("A1", "&b;").into(),
            "encoding: line 1, /Declaration/FunctionalReferenceID: the entity '&b;' is not defined",
        ),
        (GOOD.replace("A1", "&#0;").into(), "'&#0;' is not a character that XML 1.0 allows"),
        (GOOD.replace("A1", "&#x110000;").into(), "'&#x110000;' is not a character"),
        (GOOD.replace("A1", "a\u{1}").into(), "encoding: line 1: a character that XML 1.0 does not allow"),
        (GOOD.replace("A1", "\n\u{ffff}").into(), "encoding: line 2: a character that XML 1.0 does not allow"),
        (deep.into(), "limit: line 2, /Declaration/A/A/A/A/A/A/A/A/A/A/A: more than 12 elements inside one another"),
        (many.into(), "limit: line 1, /Declaration: more than 32768 elements"),
        (
            long.into(),
            "limit: line 1, /Declaration/FunctionalReferenceID: the text of an element or the value of an attribute is longer than 16384 bytes",
        ),
        (
            GOOD.replacen("<GoodsShipment", &format!("<GoodsShipment{attributes}"), 1).into(),
            "limit: line 1, /Declaration: more than 32",
        ),
        (nested.into(), "limit: line 1, /Declaration/A: more than 64 namespaces declared around one element"),
        (
            GOOD.replacen("<GoodsShipment", "<GoodsShipment a='1' a='2'", 1).into(),
            "line 1, /Declaration: not well-formed: ",
        ),
        (GOOD.replacen("<GoodsShipment", "<GoodsShipment a=1", 1).into(), "line 1, /Declaration: not well-formed: "),
        (GOOD.replacen("<GoodsShipment", "<GoodsShipment a='<'", 1).into(), "'<' in the value of the attribute 'a'"),
        (
            GOOD.replacen("</Destination>", "", 1).into(),
            "encoding: line 1: the document ends before its elements are closed",
        ),
        (
            GOOD.replacen("</Destination>", "</Destinaton>", 1).into(),
            "line 1, /Declaration/GoodsShipment/Destination: not well-formed: '</Destinaton>' where '</Destination>' belongs",
        ),
        (format!("{GOOD}</Declaration>").into(), "encoding: line 1: an end tag where a document should begin"),
        (
            GOOD.replacen("<GoodsShipment>", "<GoodsShipment>loose", 1).into(),
            "/Declaration/GoodsShipment: text and elements side by side",
        ),
        (GOOD.replacen("<FunctionCode>", "<Funktion\u{e4}l/><FunctionCode>", 1).into(), "the name holds characters"),
        (b"id;name\n1;hat\n".to_vec(), "encoding: line 1: text where an XML document should begin"),
        (
            b"<html></html>".to_vec(),
            "unknown: line 1: the root element 'html' is none of MetaData, Declaration, Response",
        ),
        (b"<?xml version=\"1.1\"?><MetaData/>".to_vec(), "encoding: line 1: the document says that it is XML 1.1"),
        (b"<".to_vec(), "the document ends before"),
        (b"<!-- never closed".to_vec(), "the document ends before"),
    ];
    for (bytes, expected) in cases {
        let told = refused(&bytes);
        assert!(told.len() == 1 && told[0].contains(expected), "{told:?}\nexpected {expected}");
        // What follows is read all the same, where the encoding is known.
        let next = [&bytes[..], format!("\n<?xml version=\"1.0\"?>\n{GOOD}").as_bytes()].concat();
        let unknown = expected.contains("the input is UTF-16") || expected.contains("text where an XML");
        let open = expected.contains("the document ends before") && bytes.starts_with(b"<!--");
        assert!(unknown || open || matches!(rows_of(&next).last(), Some(Row::Record { .. })), "{expected}");
    }
    assert!(rows_of(b"").is_empty() && rows_of(b" \n<!-- nothing -->\n").is_empty());
}

#[test]
fn a_document_above_the_bound_is_passed_over() {
    struct Endless(u64);
    impl Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let count = buffer.len().min(usize::try_from(self.0).unwrap());
            buffer[..count].fill(b'x');
            self.0 -= count as u64;
            Ok(count)
        }
    }
    for (before, after) in [
        ("<Declaration><A>", "</A></Declaration>"),
        ("<Declaration><A b='", "'/></Declaration>"),
        ("<Declaration><!--", "--></Declaration>"),
        ("<Declaration", "></Declaration>"),
        ("<?pi ", "?><Declaration/>"),
    ] {
        let length = 3 * MAX_XML_BYTES as u64;
        let next = format!("{after}\n<?xml version=\"1.0\"?>{GOOD}{GOOD}");
        let input = before.as_bytes().chain(Endless(length)).chain(next.as_bytes());
        let mut input = wco(BufReader::with_capacity(64 * 1024, input));
        let rows: Vec<Row> = input.by_ref().map(Result::unwrap).collect();
        let Row::Refused(refusal) = &rows[0] else { panic!("{before}") };
        assert!(refusal.fault == Fault::Limit && refusal.reason.contains("longer than 4194304 bytes"), "{refusal}");
        assert!(rows.len() == 3 && matches!(rows[1..], [Row::Record { .. }, Row::Record { .. }]), "{before}: {rows:?}");
        assert!(input.documents.held() <= 2 * MAX_XML_BYTES + 1024 * 1024, "{before}");
    }
}

#[test]
fn a_document_that_is_cut_off_ends_where_the_next_begins() {
    let half = &GOOD[..GOOD.len() - 30];
    let wrapped = format!("<MetaData>{GOOD}</MetaData>");
    for next in [format!("<?xml version=\"1.0\"?>{GOOD}"), wrapped] {
        let rows = rows_of(format!("{half}\n{next}").as_bytes());
        assert!(
            matches!(&rows[..], [Row::Refused(r), Row::Record { source, .. }] if r.line == 1 && source.line == 2),
            "{rows:?}"
        );
    }
}

#[test]
fn several_responses_are_several_records() {
    let response = |code| {
        format!(
            "<Response><FunctionCode>{code}</FunctionCode><FunctionalReferenceID>R{code}</FunctionalReferenceID>\
             <Declaration><ID>18GBJCUDH7A1RGWD50</ID></Declaration></Response>"
        )
    };
    let xml = format!("<MetaData><WCOTypeName>RES</WCOTypeName>\n{}\n{}</MetaData>", response("01"), response("9x"));
    let rows = rows_of(xml.as_bytes());
    assert!(
        matches!(&rows[..], [Row::Record { source, .. }, Row::Refused(r)] if source.line == 2 && r.line == 3),
        "{rows:?}"
    );
    let Row::Record { content, .. } = &rows[0] else { panic!() };
    let written = String::from_utf8(export(content).unwrap().xml).unwrap();
    assert!(written.contains("<FunctionalReferenceID>R01<") && !written.contains("R9x"), "{written}");
}

#[test]
fn a_response_is_read_field_by_field() {
    let date =
        |name: &str, text: &str| format!("<{name}><DateTimeString formatCode='304'>{text}</DateTimeString></{name}>");
    let head = |code: &str| {
        format!(
            "<FunctionCode>{code}</FunctionCode><FunctionalReferenceID>R1</FunctionalReferenceID>{}",
            date("IssueDateTime", "20200213111155Z")
        )
    };
    let about = "<FunctionalReferenceID>LRN-1</FunctionalReferenceID><ID>20GB1Q3RTK463FGVR4</ID>";
    let response = |head: &str, rest: &str| one(&format!("<Response>{head}{rest}</Response>"));
    let field = |content: &Content, group: &str, field: &str| {
        content.field(group, field).map(|value| value.to_string()).unwrap_or_default()
    };

    let rejected = response(
        &head("03"),
        &format!(
            "<Error><ValidationCode>CDS12005</ValidationCode>\
             <Pointer><DocumentSectionCode>42A</DocumentSectionCode></Pointer>\
             <Pointer><SequenceNumeric>3</SequenceNumeric><DocumentSectionCode>68A</DocumentSectionCode><TagID>006</TagID></Pointer>\
             </Error><Declaration>{about}{}<VersionID>2</VersionID></Declaration>",
            date("RejectionDateTime", "20200211114212Z")
        ),
    );
    for (group, name, value) in [
        ("reference", "own_reference", "R1"),
        ("reference", "made_at", "2020-02-13T11:11:55.000Z"),
        ("response", "status", "rejected"),
        ("response", "source_system", "DMS"),
        ("response", "source_code", "03"),
        ("response", "about", "LRN-1"),
        ("response", "registration", "20GB1Q3RTK463FGVR4"),
        ("response", "version", "2"),
        ("response", "at", "2020-02-11T11:42:12.000Z"),
        ("faults", "code", "CDS12005"),
        ("faults", "pointer", "42A/68A[3].006"),
    ] {
        assert_eq!(field(&rejected, group, name), value, "{group}.{name}");
    }

    let wanted = response(
        &head("06"),
        &format!(
            "<AdditionalInformation><StatementCode>ACA</StatementCode><StatementDescription>Invoice</StatementDescription>{}\
             <StatementTypeCode>ACA</StatementTypeCode></AdditionalInformation><Declaration>{about}</Declaration>",
            date("LimitDateTime", "20260911163345Z")
        ),
    );
    let all = [("status", "held_docs"), ("deadline", "2026-09-11T16:33:45.000Z")];
    all.into_iter().for_each(|(name, value)| assert_eq!(field(&wanted, "response", name), value));
    assert_eq!((field(&wanted, "wanted", "type"), field(&wanted, "wanted", "text")), ("ACA".into(), "Invoice".into()));

    let tax = "<DutyTaxFee><AdValoremTaxBaseAmount currencyID='GBP'>10000.00</AdValoremTaxBaseAmount>\
               <DutyRegimeCode>100</DutyRegimeCode><TaxRateNumeric>2.70</TaxRateNumeric><TypeCode>A00</TypeCode>\
               <Payment><TaxAssessedAmount currencyID='GBP'>270.00</TaxAssessedAmount>\
               <PaymentAmount currencyID='GBP'>270.00</PaymentAmount></Payment></DutyTaxFee>";
    let short = "<DutyTaxFee><Payment><PaymentAmount currencyID='GBP'>226.40</PaymentAmount>\
                 <ObligationGuarantee><ReferenceID>1909241</ReferenceID></ObligationGuarantee></Payment></DutyTaxFee>";
    let debt = response(
        &head("13"),
        &format!(
            "<Declaration>{about}{short}<GoodsShipment><GovernmentAgencyGoodsItem><SequenceNumeric>7</SequenceNumeric>\
             <Commodity>{tax}{tax}</Commodity></GovernmentAgencyGoodsItem></GoodsShipment></Declaration>"
        ),
    );
    let (group, definition) = debt.table().group("debt").unwrap();
    let lines: Vec<Vec<String>> = debt
        .occurrences(group, 0)
        .iter()
        .map(|fields| {
            let name = |number: u8| definition.field_number(u64::from(number)).unwrap().name;
            fields.iter().map(|(number, value)| format!("{}={value}", name(*number))).collect()
        })
        .collect();
    let line = [
        "kind=A00",
        "goods_item=7",
        "regime=100",
        "base=10000.00",
        "rate=2.70",
        "assessed=270.00",
        "payable=270.00",
        "currency=GBP",
    ];
    assert_eq!(lines, [vec!["payable=226.40", "currency=GBP", "guarantee=1909241"], line.to_vec(), line.to_vec()]);
    for content in [&rejected, &wanted, &debt] {
        assert_eq!(export(content).unwrap().inexact, [""; 0]);
    }
    // A code that is none of these is kept, and one that a record of another source has not is made from its status.
    let reminder = response(&head("18"), &format!("<Declaration>{about}</Declaration>"));
    assert_eq!(
        (field(&reminder, "response", "status"), field(&reminder, "response", "source_code")),
        ("other".into(), "18".into())
    );
    let mut own = reminder.clone();
    let (response, _) = own.table().group("response").unwrap();
    let mut with = |status: &str| {
        own.set(response, 0, vec![vec![(1, Value::Text(status.into()))]]).unwrap();
        own.set(own.table().group("extra").unwrap().0, 0, Vec::new()).unwrap();
        export(&own).map(|exported| String::from_utf8(exported.xml).unwrap())
    };
    assert!(with("cleared").unwrap().contains("<FunctionCode>09</FunctionCode>"));
    assert_eq!(with("seized"), Err(ExportError::Status { status: "seized".into() }));
}

#[test]
fn quotes_around_tags_cost_no_more_than_their_length() {
    // A value of a million '>' is one attribute; a million elements in a response are refused by their number.
    let value = ">".repeat(1_000_000);
    let told = refused(GOOD.replacen("<GoodsShipment", &format!("<GoodsShipment a='{value}'"), 1).as_bytes()).concat();
    assert!(
        told.contains("/Declaration/GoodsShipment: the text of an element or the value of an attribute is longer"),
        "{told}"
    );
    let many = format!("<MetaData>{}{}{}</MetaData>", "<A/>".repeat(65), "<Response/>", "<Response/>");
    assert_eq!(refused(many.as_bytes()), ["limit: line 1: 65 elements beside several messages, more than 64"]);
}

#[test]
fn a_failing_reader_ends_the_stream() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("gone"))
        }
    }
    let mut rows = wco(BufReader::new(GOOD.as_bytes().chain(Failing)));
    assert!(matches!(rows.next(), Some(Err(FormatError::Io { .. }))));
    assert!(rows.next().is_none());
}

#[test]
fn what_has_no_message_is_not_written() {
    let order = content_of(&crate::record::ORDER, 1, 0, 0);
    assert!(matches!(export(&order), Err(ExportError::Type { name: "order", version: 1 })));
    let mut content = one(GOOD);
    let (extra, _) = content.table().group("extra").unwrap();
    let mut set = |scheme: &str, bytes: &[u8]| {
        content.set(extra, 0, vec![vec![(1, Value::Text(scheme.into())), (2, Value::Bytes(bytes.to_vec()))]]).unwrap();
        export(&content)
    };
    assert_eq!(set("ITMATT", b"x").unwrap().inexact, ["/extra"]);
    for wrong in [&b"x"[..], &[0x84, 2, 6, 0xf4, 0x80], &[0x84, 1, 7, 0xf4, 0x80], &[0x84, 1, 6, 0xf5, 0x80, 0]] {
        assert!(matches!(set("WCO-DEC-3.6", wrong), Err(ExportError::Extra { .. })), "{wrong:?}");
    }
    // An element that would cut the stream: the name with the number of MetaData.
    let content = one(&GOOD.replace("<GoodsShipment>", "<Odd/><GoodsShipment>"));
    let Some(Value::Bytes(bytes)) = content.field("extra", "content") else { panic!() };
    let odd: Vec<u8> = [0x63].into_iter().chain(*b"Odd").collect();
    let at = bytes.windows(4).position(|window| window == odd).unwrap();
    let number = WRAPPER.number();
    let wrapper = [&bytes[..at], &[0x18, number as u8], &bytes[at + 4..]].concat();
    let mut changed = content.clone();
    changed.set(extra, 0, vec![vec![(1, Value::Text("WCO-DEC-3.6".into())), (2, Value::Bytes(wrapper))]]).unwrap();
    let error = export(&changed).unwrap_err().to_string();
    assert!(error.contains("a MetaData inside another element"), "{error}");
    // A record of which a field was taken away, or another put in, is not the one that it was made for.
    let content = one(&declarations(1, 1));
    let mut other = content.clone();
    let (sender, _) = other.table().group("sender").unwrap();
    other.set(sender, 0, Vec::new()).unwrap();
    assert!(matches!(export(&other), Err(ExportError::Extra { .. })));
    other.set(other.table().group("extra").unwrap().0, 0, Vec::new()).unwrap();
    assert!(export(&other).is_ok() && content.to_cbor() != other.to_cbor());
}
