//! Declarations and notifications as HMRC publishes them, where they are at hand: in, out again, the same, and valid by the schemas.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::*;
use crate::cbor::Encode as _;
use crate::testing::content_of;

/// The folder, or nothing and a note where it is absent.
fn shared(test: &str) -> Option<PathBuf> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared");
    let folder = std::env::var_os("LUXOR_SHARED").map_or_else(|| default.into(), PathBuf::from);
    let folder = folder.join("data/hmrc_cds");
    match folder.is_dir() {
        true => Some(folder),
        false => {
            println!("skipped: {test}: {} absent", folder.display());
            None
        }
    }
}

/// Every XML file but the schemas, by name.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && path.file_name().unwrap() != "xsd" {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "xml") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// What an XML reader of another kind finds: names without prefixes, attributes, texts, order.
fn canonical(xml: &str) -> String {
    let mut reader = quick_xml::reader::Reader::from_str(xml);
    let mut out = String::new();
    let mut text = String::new();
    let flush = |text: &mut String, out: &mut String, leaf: bool| {
        let kept = if leaf { text.clone() } else { text.trim().to_owned() };
        out.push_str(&kept);
        text.clear();
    };
    let mut leaf = false;
    loop {
        use quick_xml::events::Event::*;
        let event = reader.read_event().unwrap();
        let empty = matches!(event, Empty(_));
        match event {
            Eof => return out,
            Start(tag) | Empty(tag) => {
                flush(&mut text, &mut out, false);
                out.push_str(&format!("\n<{}", tag.local_name().into_inner()));
                let mut attributes = BTreeSet::new();
                for attribute in tag.attributes().map(Result::unwrap) {
                    let key = attribute.key.into_inner();
                    if !key.starts_with("xmlns") && !key.ends_with(":schemaLocation") {
                        attributes.insert(format!(" {key}={:?}", attribute.value));
                    }
                }
                out.extend(attributes);
                out.push('>');
                leaf = true;
                if empty {
                    out.push_str("</>");
                    leaf = false;
                }
            }
            End(_) => {
                flush(&mut text, &mut out, leaf);
                leaf = false;
                out.push_str("</>");
            }
            Text(part) => text.push_str(&part.into_inner().replace("\r\n", "\n")),
            GeneralRef(part) => text.push_str(&format!("&{};", &*part)),
            CData(part) => text.push_str(&part.into_inner()),
            _ => {}
        }
    }
}

fn rows(bytes: &[u8]) -> (Vec<(Content, u64)>, Notes) {
    let mut input = wco(bytes);
    let rows = input.by_ref().map(|row| match row.unwrap() {
        Row::Record { content, source } => (content, source.line),
        Row::Refused(refusal) => panic!("{refusal}"),
    });
    (rows.collect(), input.notes().clone())
}

/// Records that came over a wire.
fn carried(content: &Content) -> Content {
    let bytes = content.to_cbor();
    let mut reader = crate::cbor::Reader::new(&bytes);
    let read = Content::decode(&mut reader).unwrap();
    assert_eq!(read, *content);
    read
}

#[test]
fn every_file_is_read_and_written_as_it_was() {
    let Some(folder) = shared("every_file_is_read_and_written_as_it_was") else { return };
    let files = files(&folder);
    assert_eq!(files.len(), 50);
    let (mut declarations, mut responses, mut codes, mut extra) = (0, 0, BTreeSet::new(), 0);
    for path in &files {
        let bytes = fs::read(path).unwrap();
        let text = String::from_utf8(bytes.clone()).unwrap();
        let (records, notes) = rows(&bytes);
        let end = text.rfind("MetaData>").unwrap() + "MetaData>".len();
        assert_eq!(notes.first.len(), usize::from(!text[end..].trim().is_empty()), "{}", path.display());
        assert!(notes.first.iter().all(|note| note.text.starts_with("headers=List(")), "{notes:?}");
        let mut written = String::new();
        for (content, _) in &records {
            let content = carried(content);
            let exported = export(&content).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            assert_eq!(exported.inexact, [""; 0], "{}", path.display());
            written = String::from_utf8(exported.xml).unwrap();
            let again = rows(written.as_bytes()).0;
            assert!(again.len() == 1 && again[0].0 == content, "{}", path.display());
            match content.table().name {
                "declaration" => declarations += 1,
                _ => {
                    responses += 1;
                    codes.insert(content.field("response", "source_code").unwrap().to_string());
                }
            }
            if let Some(Value::Bytes(bytes)) = content.field("extra", "content") {
                extra = extra.max(bytes.len());
            }
        }
        if records.len() == 1 {
            assert_eq!(canonical(&written), canonical(&text[..end]), "{}", path.display());
        }
    }
    let all = ["01", "02", "03", "05", "06", "07", "08", "09", "10", "11", "13", "14", "15", "16", "18"];
    assert_eq!(codes.into_iter().collect::<Vec<_>>(), all);
    assert_eq!((declarations, responses), (15, 37));
    assert!(extra < 4_096, "{extra}");
}

/// A folder that goes again.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Scratch {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("luxor-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

/// What xmllint finds wrong by the schemas of a message, each file by name; none where there is no xmllint.
fn faults(folder: &Path, message: &str, scratch: &Path, files: &[(String, Vec<u8>)]) -> Option<Vec<String>> {
    let (schemas, main) = match message {
        "DEC" => ("declaration", "WCO_DEC_2_DMS.xsd"),
        _ => ("notification", "WCO_RES_2_DMS.xsd"),
    };
    let schemas = folder.join("xsd").join(schemas);
    // The wrapper takes any message, so one schema must know both.
    let import = |space: tree::Space, file: &str| {
        let place = schemas.join(file);
        format!("<xs:import namespace=\"{}\" schemaLocation=\"file://{}\"/>", space.uri(), place.display())
    };
    let space = if message == "DEC" { tree::Space::Dec } else { tree::Space::Res };
    let schema = format!(
        "<xs:schema xmlns:xs=\"http://www.w3.org/2001/XMLSchema\">{}{}</xs:schema>",
        import(tree::Space::Meta, "DocumentMetaData_2_DMS.xsd"),
        import(space, main)
    );
    fs::write(scratch.join("all.xsd"), schema).unwrap();
    let mut command = Command::new("xmllint");
    command.current_dir(scratch).args(["--noout", "--nonet", "--schema", "all.xsd"]);
    for (name, bytes) in files {
        fs::write(scratch.join(name), bytes).unwrap();
        command.arg(name);
    }
    let told = String::from_utf8(command.output().ok()?.stderr).unwrap();
    assert!(!told.contains("failed to compile"), "{told}");
    let valid = told.lines().filter(|line| line.ends_with(" validates")).count();
    let told = told.lines().filter(|line| !line.contains("Schemas parser warning"));
    let wrong: Vec<String> = told.filter(|line| !line.ends_with(" validates")).map(str::to_owned).collect();
    assert_eq!(
        valid + wrong.iter().filter(|line| line.ends_with(" fails to validate")).count(),
        files.len(),
        "{wrong:?}"
    );
    Some(wrong)
}

#[test]
fn what_is_written_is_valid_by_the_schemas() {
    let test = "what_is_written_is_valid_by_the_schemas";
    let Some(folder) = shared(test) else { return };
    if Command::new("xmllint").arg("--version").output().is_err() {
        println!("skipped: {test}: no xmllint");
        return;
    }
    let (mut declarations, mut responses) = (Vec::new(), Vec::new());
    for (file, path) in files(&folder).iter().enumerate() {
        for (at, (content, _)) in rows(&fs::read(path).unwrap()).0.iter().enumerate() {
            let name =
                format!("{file}-{at}-{}.xml", path.file_stem().unwrap().to_str().unwrap().replace(['(', ')'], ""));
            let xml = export(content).unwrap().xml;
            // The same without what came with it: what a record of another source would give.
            let (extra, _) = content.table().group("extra").unwrap();
            let mut alone = content.clone();
            alone.set(extra, 0, Vec::new()).unwrap();
            let alone = (format!("alone-{name}"), export(&alone).unwrap().xml);
            match content.table().name {
                "declaration" => declarations.extend([(name, xml), alone]),
                _ => responses.extend([(name, xml), alone]),
            }
        }
    }
    // And records of any content.
    for seed in 0..300_u64 {
        let mask = seed.wrapping_mul(0x9e37_79b9).rotate_left(7) as u32 | 1 << 31;
        if let Ok(exported) = export(&content_of(&DECLARATION_3, seed, mask, seed as usize % 7)) {
            declarations.push((format!("any-{seed}.xml"), exported.xml));
        }
        if let Ok(exported) = export(&content_of(&CUSTOMS_RESPONSE, seed, mask, 0)) {
            responses.push((format!("any-{seed}.xml"), exported.xml));
        }
    }
    assert!(declarations.len() > 100 && responses.len() > 100, "{} {}", declarations.len(), responses.len());
    let scratch = Scratch::new("wco-dec");
    assert_eq!(faults(&folder, "DEC", &scratch.0, &declarations).unwrap(), [""; 0]);
    let scratch = Scratch::new("wco-res");
    let wrong = faults(&folder, "RES", &scratch.0, &responses).unwrap();
    // One sample is not valid as it comes: its date has no format.
    let of: BTreeSet<&str> = wrong.iter().filter_map(|line| line.split([':', ' ']).next()).collect();
    let [one] = of.into_iter().collect::<Vec<_>>()[..] else { panic!("{wrong:#?}") };
    assert!(one.ends_with("-16_DMSEOG.xml") && !one.starts_with("alone"), "{wrong:#?}");
}
