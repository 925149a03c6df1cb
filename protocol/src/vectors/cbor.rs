//! `cbor.json`: what the reader takes and what it refuses, with the byte and the class of the reason.

use super::json::{Json, bytes, file, object};
use crate::cbor::{CborError, Reader, Reason};
use crate::hash::hex;

/// The word for a reason, as SPEC.md section 1 lists them.
pub(super) fn word(reason: &Reason) -> &'static str {
    match reason {
        Reason::Truncated => "truncated",
        Reason::NotShortest => "not_shortest",
        Reason::Indefinite => "indefinite",
        Reason::Unsupported => "unsupported",
        Reason::KeyOrder => "key_order",
        Reason::Expected(_) => "expected",
        Reason::TooMany => "too_many",
        Reason::TooDeep => "too_deep",
        Reason::Utf8 => "utf8",
        Reason::Trailing => "trailing",
        Reason::UnknownType => "unknown_type",
        Reason::Value(_) => "value",
    }
}

/// Counts and lengths in these cases are limited to this.
const LIMIT: usize = 64;

/// Reads any one item and gives it in diagnostic notation (RFC 8949 section 8).
fn any(reader: &mut Reader<'_>) -> Result<String, CborError> {
    Ok(match reader.peek_major()? {
        0 => reader.uint()?.to_string(),
        1 => reader.int()?.to_string(),
        2 => format!("h'{}'", hex(reader.bytes(LIMIT)?)),
        3 => serde_json::to_string(reader.text(LIMIT)?).unwrap(),
        4 => {
            let items: Result<Vec<_>, _> = (0..reader.array(LIMIT)?).map(|_| any(reader)).collect();
            let items = items?;
            reader.leave();
            format!("[{}]", items.join(", "))
        }
        5 => {
            let (count, mut last, mut items) = (reader.map(LIMIT)?, None, Vec::new());
            for _ in 0..count {
                items.push(format!("{}: {}", reader.key(&mut last)?, any(reader)?));
            }
            reader.leave();
            format!("{{{}}}", items.join(", "))
        }
        _ if reader.null()? => "null".into(),
        _ => reader.bool()?.to_string(),
    })
}

fn read(kind: &str, input: &[u8]) -> Result<String, CborError> {
    let mut reader = Reader::new(input);
    let value = match kind {
        "any" => any(&mut reader)?,
        "uint" => reader.uint()?.to_string(),
        "int" => reader.int()?.to_string(),
        "bytes" => hex(reader.bytes(LIMIT)?),
        "digest" => hex(&reader.fixed::<32>()?),
        "text" => reader.text(LIMIT)?.to_owned(),
        "bool" => reader.bool()?.to_string(),
        _ => panic!("no such kind: {kind}"),
    };
    reader.finish()?;
    Ok(value)
}

fn case(name: &str, kind: &str, input: &[u8]) -> Json {
    let case = object! { "name" => name, "kind" => "cbor", "read" => kind, "bytes" => bytes(input) };
    match read(kind, input) {
        Ok(value) => case.with("value", value),
        Err(error) => case.with("refused", word(&error.reason)).with("offset", error.offset),
    }
}

#[test]
fn cbor() {
    let taken: &[(&str, &[u8])] = &[
        ("zero", &[0x00]),
        ("23 in one byte", &[0x17]),
        ("24 in two bytes", &[0x18, 24]),
        ("256 in three bytes", &[0x19, 1, 0]),
        ("2^16 in five bytes", &[0x1a, 0, 1, 0, 0]),
        ("2^32 in nine bytes", &[0x1b, 0, 0, 0, 1, 0, 0, 0, 0]),
        ("2^64 - 1", &[0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        ("minus one", &[0x20]),
        ("-2^63", &[0x3b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        ("no bytes", &[0x40]),
        ("three bytes", &[0x43, 1, 2, 3]),
        ("no text", &[0x60]),
        ("text beyond ASCII", &[0x64, 0xc3, 0xa9, 0xc3, 0x9f]),
        ("false, true, null", &[0x83, 0xf4, 0xf5, 0xf6]),
        ("no items", &[0x80]),
        ("nested arrays", &[0x82, 0x81, 0x01, 0x80]),
        ("an empty map", &[0xa0]),
        ("ascending keys", &[0xa3, 0x01, 0x60, 0x02, 0xf6, 0x18, 0x18, 0x80]),
        (
            "16 arrays deep",
            &[0x81, 0x81, 0x81, 0x81, 0x81, 0x81, 0x81, 0x81, 0x81, 0x81, 0x81, 0x81, 0x81, 0x81, 0x81, 0x81, 0x00],
        ),
    ];
    let refused: &[(&str, &[u8])] = &[
        ("nothing", &[]),
        ("number longer than needed, one byte", &[0x18, 0x17]),
        ("number longer than needed, two bytes", &[0x19, 0x00, 0xff]),
        ("number longer than needed, four bytes", &[0x1a, 0x00, 0x00, 0xff, 0xff]),
        ("number longer than needed, eight bytes", &[0x1b, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]),
        ("negative number longer than needed", &[0x38, 0x00]),
        ("length longer than needed", &[0x58, 0x01, 0x00]),
        ("text length longer than needed", &[0x78, 0x01, 0x61]),
        ("count longer than needed", &[0x98, 0x01, 0x00]),
        ("map count longer than needed", &[0xb8, 0x01, 0x00, 0x00]),
        ("key longer than needed", &[0xa1, 0x18, 0x01, 0x00]),
        ("not shortest inside an array", &[0x82, 0x01, 0x19, 0x00, 0xff]),
        ("negative number below -2^63", &[0x3b, 0x80, 0, 0, 0, 0, 0, 0, 0]),
        ("bytes of indefinite length", &[0x5f, 0x41, 0x00, 0xff]),
        ("text of indefinite length", &[0x7f, 0x61, 0x61, 0xff]),
        ("array of indefinite length", &[0x9f, 0xff]),
        ("map of indefinite length", &[0xbf, 0xff]),
        ("reserved additional information", &[0x1c]),
        ("reserved additional information in an array", &[0x81, 0x5d]),
        ("a number of indefinite length", &[0x1f]),
        ("a tag", &[0xc0, 0x60]),
        ("half precision", &[0xf9, 0x00, 0x00]),
        ("double precision", &[0xfb, 0, 0, 0, 0, 0, 0, 0, 0]),
        ("undefined", &[0xf7]),
        ("another simple value", &[0xf8, 0xff]),
        ("false in two bytes", &[0xf8, 0x14]),
        ("a break alone", &[0xff]),
        ("keys descending", &[0xa2, 0x02, 0x01, 0x01, 0x01]),
        ("a key twice", &[0xa2, 0x01, 0x01, 0x01, 0x01]),
        ("a text as key", &[0xa1, 0x61, 0x61, 0x01]),
        ("a negative key", &[0xa1, 0x20, 0x01]),
        ("bytes after the end", &[0x01, 0x01]),
        ("an end inside a number", &[0x19, 0x01]),
        ("an end inside bytes", &[0x42, 0x61]),
        ("an end inside text", &[0x62, 0x61]),
        ("an end inside an array", &[0x82, 0x01]),
        ("an end inside a map", &[0xa1, 0x01]),
        ("text that is not UTF-8", &[0x61, 0xff]),
        ("text that is half a surrogate pair", &[0x63, 0xed, 0xa0, 0x80]),
        ("text that is an overlong zero", &[0x62, 0xc0, 0x80]),
        ("more items than allowed", &[0x98, 65]),
        ("more bytes than allowed, before their end is looked for", &[0x58, 65]),
        ("a count of 2^64 - 1", &[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        (
            "17 arrays deep",
            &[
                0x81, 0x81, 0x81, 0x81, 0x81, 0x81, 0x81, 0x81, 0x81, 0x81, 0x81, 0x81, 0x81, 0x81, 0x81, 0x81, 0x81,
                0x00,
            ],
        ),
    ];
    let typed: &[(&str, &str, &[u8])] = &[
        ("text where a number is needed", "uint", &[0x61, 0x61]),
        ("negative where unsigned is needed", "uint", &[0x20]),
        ("null where a number is needed", "uint", &[0xf6]),
        ("wrong kind before not shortest", "uint", &[0x58, 0x01, 0x00]),
        ("2^63 where a signed number is needed", "int", &[0x1b, 0x80, 0, 0, 0, 0, 0, 0, 0]),
        ("text where bytes are needed", "bytes", &[0x61, 0x61]),
        ("bytes where text is needed", "text", &[0x41, 0x61]),
        (
            "31 bytes where a digest is needed",
            "digest",
            &[0x58, 31, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        ),
        ("33 bytes where a digest is needed", "digest", &[0x58, 33, 0]),
        ("null where a truth value is needed", "bool", &[0xf6]),
        ("a number where a truth value is needed", "bool", &[0x01]),
    ];
    let any = taken.iter().chain(refused).map(|(name, input)| case(name, "any", input));
    let cases: Vec<_> = any.chain(typed.iter().map(|(name, kind, input)| case(name, kind, input))).collect();
    for (at, case) in cases.iter().enumerate() {
        let Json::Object(pairs) = case else { panic!() };
        assert_eq!(pairs.iter().any(|(key, _)| key == "value"), at < taken.len(), "{case:?}");
    }
    let about = "SPEC.md section 1. Each input is read as one item ('any' of the subset, or the item named), with lengths \
                 and counts up to 64. Taken: its value, of 'any' in diagnostic notation. Refused: the reason and the byte.";
    super::hold("cbor.json", &file(about, cases));
}
