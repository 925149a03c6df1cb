//! Public lists: their forms, and OFAC's entities and vessels found again under eight kinds of distortion.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;

use super::*;
use crate::testing::{Numbers, shared};

#[test]
fn the_three_forms_are_read_and_others_refused_by_line() {
    let sdn = "1,\"EXAMPLE LINE S.A.\",-0- ,\"PROG\",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,\"a.k.a. 'EXL'; a.k.a. 'EXLINE'.\"\n2,\"SEA BIRD\",\"vessel\",\"PROG\",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ";
    let entries = read_list(ListForm::Sdn, sdn.as_bytes()).unwrap();
    assert_eq!(entries[0].names, ["EXAMPLE LINE S.A.", "EXL", "EXLINE"]);
    assert_eq!((entries[1].listed, entries[1].number.as_deref()), (Listed::Vessel, Some("2")));
    let csl =
        "source,entity_number,type,programs,name,alt_names\nX,9,Entity,P,EXAMPLE LINE,\"EXL; EXAMPLE LINE LTD\"\n";
    let entries = read_list(ListForm::Csl, csl.as_bytes()).unwrap();
    // The same name with its legal form is no other name.
    assert_eq!(entries[0].names, ["EXAMPLE LINE", "EXL"]);
    let dpl = "\"Name\"\t\"City\"\n\"EXAMPLE\"\t\"A\"\n";
    assert_eq!(read_list(ListForm::Dpl, dpl.as_bytes()).unwrap()[0].names, ["EXAMPLE"]);
    let refused = read_list(ListForm::Sdn, "1,A,B\n".as_bytes()).unwrap_err().to_string();
    assert!(refused.starts_with("line 1: 3 columns, not 12\nhint: ofac-sdn is expected"), "{refused}");
    let refused = read_list(ListForm::Csl, "a,b\n1,2\n".as_bytes()).unwrap_err().to_string();
    assert!(refused.starts_with("line 1: no column 'entity_number'"), "{refused}");
}

#[test]
fn an_entry_is_the_same_indicator_whenever_it_is_read() {
    let entry = |name: &str| ListEntry {
        number: Some("7".into()),
        listed: Listed::Entity,
        names: vec![name.into()],
        programme: None,
        left_out: 0,
    };
    let issuer = issuer();
    let made = |name: &str, at: Millis| {
        let from = FromList {
            issuer: &issuer,
            list: "OFAC SDN",
            valid: (at, at.plus(DAY)),
            made_at: at,
            confidence: 90,
            advice: Advice::Inspect,
        };
        let record = content_from_json(&from.record(&entry(name))).unwrap();
        Indicator::read(&issuer, &record).unwrap()
    };
    assert_eq!(made("A B C D", NOW).id, made("A B C E", NOW.plus(DAY)).id);
    assert_eq!(made("Example", NOW).list, Some(("OFAC SDN".into(), Some("7".into()))));
}

/// Names of the entities and vessels of the SDN list and of the entities of the consolidated list, each once.
fn names() -> Option<BTreeSet<String>> {
    let folder = shared("ofac", "data/ofac")?;
    let read = |form, file| read_list(form, File::open(folder.join(file)).unwrap()).unwrap();
    let all = read(ListForm::Sdn, "sdn.csv").into_iter().chain(read(ListForm::Csl, "csl.csv"));
    let kept = all.filter(|entry| matches!(entry.listed, Listed::Entity | Listed::Vessel));
    Some(kept.flat_map(|entry| entry.names.into_iter().take(1)).collect())
}

#[test]
fn all_entities_and_vessels_are_found_again_under_distortion() {
    let Some(names) = names() else { return };
    let names: Vec<String> = names.into_iter().collect();
    let screener =
        screener((0..).zip(&names).map(|(at, name)| indicator(at, json!({ "parties_sought": [{ "name": name }] }))));
    let mut numbers = Numbers(9);
    let mut missed: BTreeMap<&str, Vec<(String, String)>> = BTreeMap::new();
    let mut asked: BTreeMap<&str, usize> = BTreeMap::new();
    for (kind, distort) in DISTORTIONS {
        for (at, name) in (0..).zip(&names) {
            let Some(told) = distort(name, &mut numbers) else { continue };
            *asked.entry(kind).or_default() += 1;
            let content =
                declaration(json!({ "sender": { "name": told.chars().take(70).collect::<String>().trim() } }));
            if told.chars().count() <= 70 && !hits(&screener, &content, NOW).contains(&id(at)) {
                missed.entry(kind).or_default().push((name.clone(), told));
            }
        }
    }
    for (kind, count) in &asked {
        let missed = missed.get(kind).map_or(&[][..], Vec::as_slice);
        println!("{kind}: {} of {count} found; missed {:?}", count - missed.len(), &missed[..missed.len().min(12)]);
    }
    assert!(missed.is_empty());

    // Nobody in these files is listed: what goods are called, and random tokens for importers and sellers.
    let mut counted: BTreeMap<&str, (usize, BTreeSet<String>)> = BTreeMap::new();
    for (files, columns) in
        [("retail", &["Description"][..]), ("bacuda", &["Declarant ID", "Importer ID", "Seller ID", "Courier ID"])]
    {
        let told: BTreeSet<String> = cells(files, columns);
        let hit = told.iter().filter(|name| {
            let name: String = name.chars().take(70).collect();
            !hits(&screener, &declaration(json!({ "sender": { "name": name.trim() } })), NOW).is_empty()
        });
        counted.insert(files, (told.len(), hit.cloned().collect()));
    }
    for (files, (told, hit)) in &counted {
        println!(
            "{files}: {} of {told} names hit though nobody is meant: {:?}",
            hit.len(),
            hit.iter().take(12).collect::<Vec<_>>()
        );
        assert!(hit.len() * 100 <= *told, "more than one in a hundred");
    }
}

/// The different cells of columns in all files of a folder.
fn cells(folder: &str, columns: &[&str]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for file in std::fs::read_dir(shared("cells", "data").unwrap().join(folder)).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|end| end != "csv") {
            continue;
        }
        let mut reader = csv::Reader::from_path(path).unwrap();
        let header = reader.headers().unwrap().clone();
        let places: Vec<usize> = (0..header.len()).filter(|at| columns.contains(&&header[*at])).collect();
        for row in reader.records() {
            let row = row.unwrap();
            found.extend(places.iter().map(|at| row[*at].trim().to_owned()).filter(|cell| !cell.is_empty()));
        }
    }
    found
}

type Distort = fn(&str, &mut Numbers) -> Option<String>;

const DISTORTIONS: [(&str, Distort); 8] = [
    ("accents", accents),
    ("case", |name, _| Some(name.to_lowercase())),
    ("initials", initials),
    ("legal form", legal_form),
    ("punctuation", punctuation),
    ("transliteration", |name, _| Some(cyrillic(name))),
    ("typo", typo),
    ("word order", word_order),
];

fn accents(name: &str, _: &mut Numbers) -> Option<String> {
    let accent = |c: char| {
        "AÁEÉIÏOÔUÜCÇNÑSŠZŽ"
            .chars()
            .collect::<Vec<_>>()
            .chunks(2)
            .find(|pair| pair[0] == c.to_ascii_uppercase())
            .map_or(c, |pair| pair[1])
    };
    Some(name.chars().map(accent).collect())
}

/// One word, of those that are less than half of the name, is written by its initial.
fn initials(name: &str, numbers: &mut Numbers) -> Option<String> {
    let plain = PlainName::of(name)?;
    let is_light = |word: &&&str| {
        let is_word = word.len() > 1 && word.chars().all(|c| c.is_ascii_alphabetic());
        let one = PlainName::of(word).filter(|_| is_word);
        one.is_some_and(|one| plain.words.contains(&one.words[0]) && 2 * one.weight < plain.weight)
    };
    let words: Vec<&str> = name.split(' ').collect();
    let light: Vec<&&str> = words.iter().filter(is_light).collect();
    let chosen = *light.get(numbers.up_to(light.len().checked_sub(1)? as u64) as usize)?;
    let told = |word: &&str| if std::ptr::eq(*word, *chosen) { format!("{}.", &word[..1]) } else { (*word).to_owned() };
    Some(words.iter().map(told).collect::<Vec<_>>().join(" "))
}

/// Legal forms are left out, as far as a name is left.
fn legal_form(name: &str, _: &mut Numbers) -> Option<String> {
    const FORMS: [&str; 14] = [
        "LTD.",
        "LTD",
        "LIMITED",
        "S.A.",
        "CO.",
        "CO",
        "COMPANY",
        "INC.",
        "GMBH",
        "LLC",
        "L.L.C.",
        "C.V.",
        "CORPORATION",
        "CORP.",
    ];
    let words: Vec<&str> = name.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    let kept: Vec<&str> =
        words.iter().copied().filter(|word| !FORMS.contains(&word.to_ascii_uppercase().as_str())).collect();
    (!kept.is_empty() && kept.len() < words.len()).then(|| kept.join(" "))
}

/// Other signs, or none: hyphens and commas go, change or become spaces, quotation marks go, brackets become spaces.
fn punctuation(name: &str, numbers: &mut Numbers) -> Option<String> {
    let sign = ["", "-", "/", " "][numbers.up_to(3) as usize];
    let told = |c: char| match c {
        '-' | ',' | ';' => sign.to_owned(),
        '\'' | '`' | '"' => String::new(),
        c if c.is_alphanumeric() || matches!(c, ' ' | '.') => c.to_string(),
        _ => " ".to_owned(),
    };
    Some(name.chars().map(told).collect())
}

/// One letter is changed, left out, added, or two change places: in a word of at least four that is no legal form.
fn typo(name: &str, numbers: &mut Numbers) -> Option<String> {
    let plain = PlainName::of(name)?;
    let mut chars: Vec<char> = name.chars().collect();
    let word = |at: usize| {
        let is = |at: &usize| chars[*at].is_ascii_alphabetic();
        let start = (0..=at).rev().take_while(is).last().unwrap_or(at);
        let end = (at..chars.len()).take_while(is).last().unwrap_or(at);
        chars[start..=end].iter().collect::<String>().to_ascii_lowercase()
    };
    let counts = |at: &usize| {
        let word = word(*at);
        chars[*at].is_ascii_alphabetic() && word.len() >= 4 && plain.words.iter().any(|one| *one.spelt == *word)
    };
    let places: Vec<usize> = (0..chars.len()).filter(counts).collect();
    let at = *places.get(numbers.up_to(places.len().checked_sub(1)? as u64) as usize)?;
    let other = char::from(b'A' + numbers.up_to(25) as u8);
    match numbers.up_to(3) {
        0 => chars[at] = other,
        1 => drop(chars.remove(at)),
        2 => chars.insert(at, other),
        _ if at + 1 < chars.len() && chars[at + 1].is_ascii_alphabetic() => chars.swap(at, at + 1),
        _ => chars[at] = other,
    }
    let told: String = chars.into_iter().collect();
    // A word that has become a legal form is gone: another letter.
    match PlainName::of(&told).is_some_and(|told| told.words.len() < plain.words.len()) {
        true => typo(name, numbers),
        false => Some(told),
    }
}

fn word_order(name: &str, numbers: &mut Numbers) -> Option<String> {
    let mut words: Vec<&str> = name.split(' ').collect();
    let by = numbers.up_to(words.len() as u64 - 1) as usize;
    words.rotate_left(by);
    Some(words.join(" "))
}

/// As a Russian office would write a Latin name.
fn cyrillic(name: &str) -> String {
    const PAIRS: [(&str, &str); 12] = [
        ("SHCH", "Щ"),
        ("SCH", "Ш"),
        ("SH", "Ш"),
        ("CH", "Ч"),
        ("ZH", "Ж"),
        ("KH", "Х"),
        ("TS", "Ц"),
        ("YA", "Я"),
        ("YU", "Ю"),
        ("PH", "Ф"),
        ("CK", "К"),
        ("TH", "Т"),
    ];
    let name = name.to_ascii_uppercase();
    let mut rest = name.as_str();
    let mut told = String::new();
    while let Some(c) = rest.chars().next() {
        if let Some((pair, letter)) = PAIRS.iter().find(|(pair, _)| rest.starts_with(pair)) {
            told.push_str(letter);
            rest = &rest[pair.len()..];
            continue;
        }
        let letter = match c {
            'A' => "А",
            'B' => "Б",
            'C' => "К",
            'D' => "Д",
            'E' => "Е",
            'F' => "Ф",
            'G' => "Г",
            'H' => "Х",
            'I' => "И",
            'J' => "ДЖ",
            'K' => "К",
            'L' => "Л",
            'M' => "М",
            'N' => "Н",
            'O' => "О",
            'P' => "П",
            'Q' => "К",
            'R' => "Р",
            'S' => "С",
            'T' => "Т",
            'U' => "У",
            'V' => "В",
            'W' => "В",
            'X' => "КС",
            'Y' => "Й",
            'Z' => "З",
            other => {
                told.push(other);
                ""
            }
        };
        told.push_str(letter);
        rest = &rest[c.len_utf8()..];
    }
    told
}
