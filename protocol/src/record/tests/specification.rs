//! The text of SPEC.md, section 6, that follows from the type tables: groups of each type, fields of each group.
//!
//! Fields that several versions or types have under one name are listed once: of a group that others have fewer fields of, the longest
//! stands there, and the others say how many of them they have. Names with several meanings are told apart by the first type with each.

use std::fmt::Write as _;
use std::path::PathBuf;

use crate::record::{Field, Group, Kind, Scope, TypeTable, tables};

/// What stands before the two texts, and what comes after the second.
const TITLES: [&str; 3] = ["\n### Groups of each type\n", "\n### Fields of each group\n", "\n### Code lists\n"];

/// Compares SPEC.md with the tables; with `LUXOR_WRITE_VECTORS` it is written anew.
pub(super) fn hold() {
    let mut spec = text();
    overview(&spec);
    let definitions = definitions();
    for (titles, expected) in TITLES.windows(2).zip([types_text(&definitions), fields_text(&definitions)]) {
        // Behind each title a paragraph says how the tables are to be read.
        let title = spec.find(titles[0]).unwrap_or_else(|| panic!("SPEC.md lacks{}", titles[0])) + titles[0].len();
        let until = spec.find(titles[1]).unwrap_or_else(|| panic!("SPEC.md lacks{}", titles[1]));
        let from = title + spec[title..until].find("**`").unwrap_or(until - title);
        if std::env::var_os("LUXOR_WRITE_VECTORS").is_some() {
            spec.replace_range(from..until, &expected);
            std::fs::write(path(), &spec).unwrap();
        } else if spec[from..until] != expected {
            let lines = spec[from..until].lines().zip(expected.lines());
            let differs = lines.clone().find(|(found, wanted)| found != wanted);
            panic!("SPEC.md differs{}first at {differs:?}; it is to have this:\n\n{expected}", titles[0]);
        }
        assert!(!spec[title..from].contains("| "), "a table of another form stands under{}", titles[0]);
    }
}

fn path() -> PathBuf {
    PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap()).join("SPEC.md")
}

/// SPEC.md as it was when this was built: a test that reads nothing while it runs holds wherever it runs.
pub(in crate::record) fn text() -> String {
    include_str!("../../../SPEC.md").to_owned()
}

/// What each type is for stands in a table of its own: each type once, in order, with its versions.
fn overview(spec: &str) {
    let mut expected: Vec<(&str, String)> = Vec::new();
    for table in tables() {
        match expected.last_mut().filter(|(name, _)| *name == table.name) {
            Some((_, versions)) => write!(versions, ", {}", table.version).unwrap(),
            None => expected.push((table.name, table.version.to_string())),
        }
    }
    let from = spec.find("\n### Types\n").expect("SPEC.md lacks the types");
    let until = spec.find(TITLES[0]).expect("SPEC.md lacks the groups");
    let rows = spec[from..until].lines().filter_map(|line| line.strip_prefix("| `"));
    let found: Vec<(&str, String)> = rows
        .map(|row| {
            let (name, rest) = row.split_once("` | ").unwrap();
            (name, rest.split(" | ").next().unwrap().to_owned())
        })
        .collect();
    assert_eq!(found, expected, "what the types are for");
}

/// The fields of a group, and the first type that has them.
struct Definition {
    name: &'static str,
    of: &'static str,
    fields: &'static [Field],
}

fn same(a: &Field, b: &Field) -> bool {
    (a.number, a.name, a.wco, a.kind, a.mandatory) == (b.number, b.name, b.wco, b.kind, b.mandatory)
}

/// Whether one has the first fields of the other.
fn alike(a: &[Field], b: &[Field]) -> bool {
    a.iter().zip(b).all(|(a, b)| same(a, b))
}

fn definitions() -> Vec<Definition> {
    let mut all: Vec<Definition> = Vec::new();
    for (table, group) in tables().flat_map(|table| table.groups.iter().map(move |group| (table, group))) {
        let known = all.iter_mut().find(|known| known.name == group.name && alike(known.fields, group.fields));
        match known {
            Some(known) if known.fields.len() < group.fields.len() => known.fields = group.fields,
            Some(_) => {}
            None if group.fields.is_empty() => {}
            None => all.push(Definition { name: group.name, of: table.name, fields: group.fields }),
        }
    }
    all
}

/// How a definition is called: by its group's name, and the first type where the name has several.
fn label(definition: &Definition, all: &[Definition]) -> String {
    let of = |other: &&Definition| other.name == definition.name;
    if all.iter().filter(of).count() == 1 {
        return format!("`{}`", definition.name);
    }
    assert_eq!(all.iter().filter(of).filter(|other| other.of == definition.of).count(), 1, "{}", definition.name);
    format!("`{}` of `{}`", definition.name, definition.of)
}

fn fields_of(group: &Group, all: &[Definition]) -> String {
    let Some(definition) = all
        .iter()
        .find(|known| known.name == group.name && !group.fields.is_empty() && alike(known.fields, group.fields))
    else {
        return "–".to_owned();
    };
    match group.fields.len() {
        all_of_them if all_of_them == definition.fields.len() => label(definition, all),
        some => format!("{}, 1 to {some}", label(definition, all)),
    }
}

fn types_text(all: &[Definition]) -> String {
    let one = |table: &TypeTable| {
        let mut text = format!("**`{}` version {}**\n\n", table.name, table.version);
        text.push_str("| no. | group | stands in | fields | what it tells |\n|---|---|---|---|---|\n");
        for (at, group) in table.groups.iter().enumerate() {
            let scope = if group.scope == Scope::Record { "record" } else { "goods item" };
            let repeats = if group.repeats { ", repeats" } else { "" };
            let mandatory = if group.mandatory { ", mandatory" } else { "" };
            let (name, title, fields) = (group.name, group.title, fields_of(group, all));
            writeln!(text, "| {} | `{name}` | {scope}{repeats}{mandatory} | {fields} | {title} |", at + 1).unwrap();
        }
        text
    };
    tables().map(one).collect::<Vec<_>>().join("\n")
}

fn fields_text(all: &[Definition]) -> String {
    let one = |definition: &Definition| {
        let mut text =
            format!("**{}**\n\n| no. | field | kind | WCO | |\n|---|---|---|---|---|\n", label(definition, all));
        for field in definition.fields {
            let kind = match field.kind {
                Kind::Words(words) => format!("Words: `{}`", words.join("`, `")),
                Kind::Edition(list) => format!("Edition(`{}`)", list.name),
                kind => format!("{kind:?}"),
            };
            let wco = if field.wco.is_empty() { "–" } else { field.wco };
            let mandatory = if field.mandatory { "mandatory " } else { "" };
            writeln!(text, "| {} | `{}` | {kind} | {wco} | {mandatory}|", field.number, field.name).unwrap();
        }
        text
    };
    all.iter().map(one).collect::<Vec<_>>().join("\n")
}
