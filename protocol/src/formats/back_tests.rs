//! Mappings in reverse: exact or refused.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use proptest::prelude::*;

use super::plan::Column;
use super::*;
use crate::record::{DECLARATION_3, content_from_json, table, tables};
use crate::testing::{Numbers, content_of, value_of};

const TWO_WAY: [&str; 7] = ["bacuda", "asycuda", "asycuda-response", "itmatt", "cusitm", "cusrsp", "emsevt"];

fn builtin(name: &str) -> Mapping {
    Mapping::parse(Mapping::builtin(name).unwrap()).unwrap()
}

fn written(mapping: &Mapping, contents: &[Content]) -> Result<Vec<u8>, BackError> {
    let mut writer = MappedWriter::new(Vec::new(), mapping)?;
    contents.iter().try_for_each(|content| writer.write(content))?;
    writer.finish()
}

fn records(mapping: &Mapping, input: &[u8]) -> Vec<Content> {
    let content = |row: Result<Row, _>| match row.unwrap() {
        Row::Record { content, .. } => Some(content),
        Row::Refused(_) => None,
    };
    csv(input, mapping).unwrap().filter_map(content).collect()
}

/// Rows of a parcel as somebody else may write them: every cell is one that its column reads, or empty.
fn rows(mapping: &Mapping, numbers: &mut Numbers, items: usize) -> Vec<u8> {
    let columns = || mapping.record.columns.iter().chain(&mapping.goods.columns);
    let mut header: Vec<&str> = Vec::new();
    columns().for_each(|c| {
        if !header.contains(&&*c.name) {
            header.push(&c.name)
        }
    });
    let mut text = ::csv::WriterBuilder::new().delimiter(mapping.delimiter).from_writer(Vec::new());
    text.write_record(&header).unwrap();
    let mut first: Vec<String> = Vec::new();
    for item in 0..items {
        let mut cells = vec![String::new(); header.len()];
        let mut fill = |column: &Column| {
            let value = value_of(column.cell.kind, numbers);
            let chosen = column.target.field.mandatory || numbers.up_to(3) > 0;
            let cell = if chosen { column.cell.write(Some(&value)).unwrap_or_default() } else { String::new() };
            let at = header.iter().position(|name| **name == column.name).unwrap();
            // The last of several fields of a column decides, so that one may refuse it.
            cells[at] = if mapping.apostrophe { guard::guarded(&value, &cell).into_owned() } else { cell };
        };
        columns().for_each(&mut fill);
        if item == 0 {
            first.clone_from(&cells);
        }
        for column in &mapping.record.columns {
            let at = header.iter().position(|name| **name == column.name).unwrap();
            cells[at].clone_from(&first[at]);
        }
        text.write_record(&cells).unwrap();
    }
    text.into_inner().unwrap()
}

proptest! {
    /// A mapping that loses nothing: what it reads it writes, and reads again the same.
    #[test]
    fn whatever_was_read_is_written_and_read_back(seed in any::<u64>(), items in 1usize..5, which in 0..TWO_WAY.len()) {
        let mapping = builtin(TWO_WAY[which]);
        let items = if mapping.groups_rows() { items } else { 1 };
        let read = records(&mapping, &rows(&mapping, &mut Numbers(seed), items));
        let written = written(&mapping, &read);
        prop_assert!(written.is_ok(), "{}: {}", mapping.name(), written.unwrap_err());
        prop_assert_eq!(records(&mapping, &written.unwrap()), read);
    }

    /// Any record at all: written exactly, or refused with its place and without a trace.
    #[test]
    fn no_record_is_written_as_another(seed in any::<u64>(), mask in any::<u32>(), items in 0usize..4, which in 0..TWO_WAY.len()) {
        let mapping = builtin(TWO_WAY[which]);
        let content = content_of(mapping.table(), seed, mask, items);
        let mut writer = MappedWriter::new(Vec::new(), &mapping).unwrap();
        match writer.write(&content) {
            Ok(()) => {
                let back = records(&mapping, &writer.finish().unwrap());
                let [back] = &back[..] else { panic!("{} records", back.len()) };
                for (at, group) in content.table().groups.iter().enumerate() {
                    let kept = !mapping.leave_out.contains(group.name);
                    let same = back.leaves(at).iter().eq(content.leaves(at).iter());
                    prop_assert!(if kept { same } else { back.leaves(at).absent() }, "{}", group.name);
                }
            }
            Err(error) => {
                let BackError::Record { pointer, what, .. } = error else { panic!("{error}") };
                prop_assert!(!what.is_empty() && (pointer.is_empty() || pointer.starts_with('/')), "{pointer} {what}");
                prop_assert!(records(&mapping, &writer.finish().unwrap()).is_empty());
            }
        }
    }
}

#[test]
fn rows_of_the_generator_are_mostly_records() {
    for name in TWO_WAY {
        let mapping = builtin(name);
        let read =
            (0..200).filter(|seed| !records(&mapping, &rows(&mapping, &mut Numbers(*seed), 1)).is_empty()).count();
        assert!(read > 20, "{name}: {read} of 200");
    }
}

fn declaration(change: impl FnOnce(&mut serde_json::Value)) -> Content {
    let mut json = serde_json::json!({
        "type": "declaration", "version": 3,
        "filing": {"own_reference": "A", "kind": "import", "filed_on": "2026-11-26"},
        "route": {"destination": "KR"},
        "declarant": [{"role": "declarant", "id": "1"}, {"role": "importer", "name": "=cmd"}],
        "goods": [{"value": {"amount": "1.50", "currency": "EUR"}}, {"content": {"description": "hat; cap"}}],
    });
    change(&mut json);
    content_from_json(&json).unwrap()
}

#[test]
fn what_does_not_go_back_is_named() {
    let asycuda = builtin("asycuda");
    let refused = |content: &Content| written(&asycuda, std::slice::from_ref(content)).unwrap_err().to_string();
    let alone = declaration(|json| json["declarant"] = serde_json::json!([{"role": "importer", "id": "1"}]));
    let text = String::from_utf8(written(&asycuda, std::slice::from_ref(&alone)).unwrap()).unwrap();
    assert_eq!(records(&asycuda, text.as_bytes()), [alone]);
    let role = declaration(|json| json["declarant"] = serde_json::json!([{"role": "courier", "id": "1"}]));
    assert!(refused(&role).contains("/declarant/1/role: no column has it, or not this occurrence of it"));
    let constant = "[constants]\n\"filing.procedure\" = \"40\"";
    let constant = Mapping::builtin("asycuda").unwrap().replace("[constants]", constant);
    let constant = Mapping::parse(&constant).unwrap();
    let other = declaration(|json| json["filing"]["procedure"] = "71".into());
    let error = written(&constant, &[other]).unwrap_err().to_string();
    assert!(error.contains("/filing/procedure: it is '71', read back it would be '40'"), "{error}");
    let third =
        declaration(|json| json["declarant"].as_array_mut().unwrap().push(serde_json::json!({"role": "courier"})));
    assert!(refused(&third).contains("/declarant/3/role: no column has it"), "{}", refused(&third));
    let weight = declaration(|json| json["payment"] = serde_json::json!({"amount": "1"}));
    assert!(refused(&weight).contains("/payment/amount: no column has it"));
    let kind = declaration(|json| json["filing"]["kind"] = "transit".into());
    assert!(written(&asycuda, &[kind]).is_ok());
    let kind = declaration(|json| json["filing"]["kind"] = "pre_advice".into());
    assert!(refused(&kind).contains("/filing/kind: column 'Type': no cell reads as 'pre_advice' here"));
    let bare = declaration(|json| _ = json.as_object_mut().unwrap().remove("goods"));
    assert!(refused(&bare).contains("/goods: it has 0 goods items, read back it would have 1"));
    let twice = [declaration(|_| {}), declaration(|_| {})];
    let error = written(&asycuda, &twice).unwrap_err().to_string();
    assert!(error.contains("the record before has the same 'Reference'"), "{error}");
    let other = content_of(table("event", 1).unwrap(), 1, 0, 0);
    assert!(refused(&other).contains("writes declaration version 3, the record is a event version 1"));
    assert!(tables().any(|table| *table == DECLARATION_3));
    let single = builtin("bacuda");
    let two = content_of(single.table(), 1, 0, 2);
    assert!(
        written(&single, &[two])
            .unwrap_err()
            .to_string()
            .contains("it has 2 goods items, a row of the mapping has one")
    );
}

#[test]
fn what_is_left_out_is_said_in_the_mapping_and_formulas_are_guarded() {
    let content = declaration(|json| json["handling"] = serde_json::json!({"carrier": "carrier-a"}));
    let text = String::from_utf8(written(&builtin("asycuda"), std::slice::from_ref(&content)).unwrap()).unwrap();
    let row = text.lines().nth(1).unwrap();
    assert!(row.starts_with("A;IM;;;26/11/2026;1;;;'=cmd;"), "{row}");
    assert!(text.lines().nth(2).unwrap().contains(";\"hat; cap\";"), "{text}");
    let back = records(&builtin("asycuda"), text.as_bytes());
    assert_eq!(back, [declaration(|_| {})]);
}

#[test]
fn mappings_without_a_way_back_say_why() {
    let retail = builtin("retail");
    let error = written(&retail, &[]).unwrap_err().to_string();
    assert!(error.contains("'retail' reads but does not write: 'Quantity' times 'UnitPrice' is one number"), "{error}");
    let base = "name = 'm'\ntype = 'declaration'\nversion = 3\n[constants]\n'filing.own_reference' = 'A'\n\
                'route.destination' = 'KR'\n[[column]]\nfrom = 'x'\nto = 'goods.value.amount'\n[group]\nby = ['g']\n";
    let grouped = Mapping::parse(base).unwrap();
    assert!(written(&grouped, &[]).unwrap_err().to_string().contains("grouped by 'g', which is no field"));
    let charge = "[[charge]]\ncolumn = 'x'\nvalues = ['P']\nfrom = 'y'\nto = 'postage.amount'\n";
    let charged = Mapping::parse(&format!("{}{charge}", base.replace("'g'", "'x'"))).unwrap();
    assert!(written(&charged, &[]).unwrap_err().to_string().contains("charges by 'x' are added up"));
    // One column for two fields: they must agree.
    let two = "name = 'm'\ntype = 'declaration'\nversion = 3\n[[column]]\nfrom = 'a'\nto = 'filing.own_reference'\n\
               [[column]]\nfrom = 'a'\nto = 'item.id'\n[constants]\n'route.destination' = 'KR'\n";
    let two = Mapping::parse(two).unwrap();
    let content = |id: &str| {
        let json = serde_json::json!({
            "type": "declaration", "version": 3, "filing": {"own_reference": "A"}, "item": {"id": id}, "route": {"destination": "KR"},
        });
        content_from_json(&json).unwrap()
    };
    assert!(written(&two, &[content("A")]).is_ok());
    let error = written(&two, &[content("B")]).unwrap_err().to_string();
    assert!(error.contains("/item/id: column 'a': no cell gives it and the other field of the column too"), "{error}");
}
