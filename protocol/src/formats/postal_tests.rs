//! Postal messages by the built-in tables, from segments and from CSV.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use proptest::prelude::*;

use super::postal::*;
use super::*;
use crate::record::{Value, content_from_json};

fn builtin(name: &str) -> Mapping {
    Mapping::parse(Mapping::builtin(name).unwrap()).unwrap()
}

fn read(mapping: &Mapping, input: &[u8]) -> Vec<Row> {
    messages(segment_lines(input, mapping), mapping).unwrap().map(Result::unwrap).collect()
}

fn shown(rows: &[Row]) -> Vec<String> {
    let show = |row: &Row| match row {
        Row::Record { content, source } => format!("{}+{} {}", source.line, source.rows, content.items()),
        Row::Refused(refusal) => refusal.to_string(),
    };
    rows.iter().map(show).collect()
}

const ITMATT: &str = "ITEM|ITEM_ID=RB123456785GB|POSTING_DT=2026-11-20|NATURE=gift|ORIG_CNTRYCD=GB|DEST_CNTRYCD=KR|GROSS_WT=0.75\n\
SENDER|SNDR_NAME=A \\| B|SNDR_CNTRYCD=GB\nADDRESSEE|RCPT_NAME=C|RCPT_CITY=Seoul|RCPT_CNTRYCD=KR\n\
CP|CP_DESC=wool scarf|CP_NOU=2|CP_HS=621420|CP_NETWT=0.3|CP_AMT=20.00|CP_CURRCD=GBP|CP_ORIGCNTRYCD=GB\n\
CP|CP_DESC=book|CP_NOU=1\nCHARGE|INSURED=12.00\n";

fn itmatt(extra: bool) -> Content {
    let mut json = serde_json::json!({
        "type": "declaration", "version": 3,
        "filing": {
            "own_reference": "RB123456785GB", "kind": "pre_advice", "data_set": "CN23", "capacity": "operator", "category_of_item": "gift",
        },
        "item": {"scheme": "s10", "id": "RB123456785GB", "posted_on": "2026-11-20"},
        "route": {"departure": "GB", "destination": "KR"},
        "mass": {"gross_kg": "0.75"},
        "sender": {"name": "A | B", "country": "GB"},
        "addressee": {"name": "C", "city": "Seoul", "country": "KR"},
        "goods": [
            {
                "content": {"description": "wool scarf", "units": 2}, "classification": {"hs": "621420"},
                "value": {"amount": "20.00", "currency": "GBP"}, "origin": {"country": "GB", "net_kg": "0.3"},
            },
            {"content": {"description": "book", "units": 1}},
        ],
    });
    if extra {
        json["extra"] =
            serde_json::json!({"scheme": "ITMATT", "content": crate::hash::hex(b"CHARGE.1.INSURED=12.00\n")});
    }
    content_from_json(&json).unwrap()
}

#[test]
fn an_item_with_its_content_pieces_is_a_pre_advice() {
    let source = Source { line: 1, rows: 2, charges: 0 };
    assert_eq!(read(&builtin("itmatt"), ITMATT.as_bytes()), [Row::Record { content: itmatt(true), source }]);
    // The same in CSV, whose columns have the fields' names.
    let mapping = builtin("itmatt");
    let mut writer = MappedWriter::new(Vec::new(), &mapping).unwrap();
    writer.write(&itmatt(false)).unwrap();
    let text = writer.finish().unwrap();
    let rows: Vec<_> = csv(text.as_slice(), &mapping).unwrap().map(Result::unwrap).collect();
    assert_eq!(rows, [Row::Record { content: itmatt(false), source: Source { line: 2, rows: 2, charges: 0 } }]);
    let header = String::from_utf8(text).unwrap();
    assert!(header.lines().next().unwrap().contains(",CP_DESC,CP_NOU,CP_HS,CP_NETWT,CP_ORIGCNTRYCD,CP_AMT,CP_CURRCD"));
}

#[test]
fn an_item_presented_to_customs_is_an_import() {
    let input = ITMATT.replace("|NATURE", "|RECPTCL_ID=GBLONAKRSELADUN60001001100123|OFFICE=KRSEL1|NATURE");
    let rows = read(&builtin("cusitm"), input.as_bytes());
    let [Row::Record { content, .. }] = &rows[..] else { panic!("{rows:?}") };
    let text = |group, field| content.field(group, field).map(|v| v.to_string());
    assert_eq!(text("filing", "kind").as_deref(), Some("import"));
    assert_eq!(text("item", "receptacle").as_deref(), Some("GBLONAKRSELADUN60001001100123"));
    assert_eq!((text("filing", "office").as_deref(), content.items()), (Some("KRSEL1"), 2));
}

#[test]
fn answers_keep_their_code_beside_the_word() {
    let line = |id: &str, code: &str| {
        format!("RSP|RSP_ID={id}|ITEM_ID=RB123456785GB|TREATMENT_CD={code}|DUTY_CD=A00|DUTY_AMT=3.00|DUTY_CURRCD=EUR\n")
    };
    let rows =
        read(&builtin("cusrsp"), [line("1", "5"), line("2", "4"), line("3", "77"), line("4", "")].concat().as_bytes());
    let told: Vec<_> = rows[..3]
        .iter()
        .map(|row| match row {
            Row::Record { content, .. } => {
                let text = |field| content.field("response", field).map(|v| v.to_string()).unwrap_or_default();
                assert_eq!(content.field("debt", "payable"), Some(Value::Decimal("3.00".parse().unwrap())));
                (text("status"), text("source_code"), text("source_system"), text("about"))
            }
            Row::Refused(refusal) => panic!("{refusal}"),
        })
        .collect();
    let of =
        |word: &str, code: &str| (word.to_owned(), code.to_owned(), "CUSRSP".to_owned(), "RB123456785GB".to_owned());
    assert_eq!(told, [of("held_exam", "5"), of("released", "4"), of("other", "77")]);
    assert!(matches!(&rows[3], Row::Refused(r) if r.pointer == "/response/status" && r.line == 4));
}

#[test]
fn events_have_one_word_for_every_system() {
    let line = |id: u8, code: &str| {
        format!("EVENT|EVENT_ID={id}|ITEM_ID=RB123456785GB|EVENT_CD={code}|EVENT_TIME=2026-11-20T10:00:00Z\n")
    };
    let input: String =
        (1..).zip(["EMA", "EXA", "EMC", "EDB", "EMI", "XYZ"]).map(|(id, code)| line(id, code)).collect();
    let told: Vec<_> = read(&builtin("emsevt"), input.as_bytes())
        .into_iter()
        .map(|row| match row {
            Row::Record { content, .. } => {
                ["code", "source_code"].map(|field| content.field("event", field).unwrap().to_string()).join(" ")
            }
            Row::Refused(refusal) => refusal.to_string(),
        })
        .collect();
    let words = [
        "posted EMA",
        "presented_to_export_customs EXA",
        "departed EMC",
        "presented_to_import_customs EDB",
        "delivered EMI",
        "other XYZ",
    ];
    assert_eq!(told, words);
}

#[test]
fn a_broken_message_goes_down_alone() {
    let good = "ITEM|ITEM_ID=A|DEST_CNTRYCD=KR\nCP|CP_DESC=x\n";
    let long = format!("CP|CP_DESC={}", "x".repeat(crate::limits::MAX_LINE_BYTES));
    let many = "CP|CP_NOU=1\n".repeat(crate::limits::MAX_ROWS_PER_RECORD + 1);
    let input = [
        b"CP|CP_DESC=x\n".as_slice(),
        good.as_bytes(),
        b"ITEM|ITEM_ID\n",
        b"CP|CP_DESC=x\n",
        good.as_bytes(),
        b"CP|CP_DESC=\xff\n",
        good.as_bytes(),
        b"CP|CP_DESC=a\\n\n",
        good.as_bytes(),
        long.as_bytes(),
        b"\n",
        good.as_bytes(),
        b"|X=1\n",
        good.as_bytes(),
        b"CP|CP_DESC=x\\\n",
        good.as_bytes(),
        b"ITEM2|ITEM_ID=B\n",
        good.as_bytes(),
        b"CP|CP_NOU=x\n",
        good.as_bytes(),
        many.as_bytes(),
        good.as_bytes(),
    ];
    let rows = read(&builtin("itmatt"), &input.concat());
    let found = shown(&rows);
    let starts = [
        "line 1: a segment before any 'ITEM', which begins a message",
        "2+1 1",
        "line 4: 'ITEM_ID' is not FIELD=value",
        "line 8: not UTF-8 at byte 12",
        "line 11: '\\n' means nothing",
        "line 14: the line is longer than 1048576 bytes",
        "line 17: the line names no segment",
        "line 20: the line ends within '\\'",
        "line 21, column 'ITEM2.ITEM_ID': the field stands twice in the message",
        "line 24, column 'CP_NOU': 'x' is not a whole number from 0 to 99999999 (2 rows refused)",
        "line 1028: a message of more than 1048576 bytes or 1000 segments",
        "1030+1 1",
    ];
    for (text, start) in found.iter().zip(starts) {
        assert!(text.starts_with(start), "{text} | {start}");
    }
    assert_eq!(found.len(), starts.len(), "{found:?}");
}

#[test]
fn a_member_plugs_in_its_own_parser() {
    struct Own(Vec<Result<Message, Unreadable>>);
    impl MessageSource for Own {
        fn next_message(&mut self) -> Result<Option<Result<Message, Unreadable>>, FormatError> {
            Ok(self.0.pop())
        }
    }
    let pair = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let segment = |name: &str, fields: &[(&str, &str)]| Segment {
        name: name.into(),
        fields: fields.iter().copied().map(pair).collect(),
    };
    let item = segment("ITEM", &[("ITEM_ID", "A"), ("DEST_CNTRYCD", "KR"), ("UNKNOWN", "1"), ("EMPTY", "")]);
    let pieces = std::iter::repeat_with(|| segment("CP", &[("CP_DESC", "x")]));
    let message =
        |count| Message { line: 7, segments: std::iter::once(item.clone()).chain(pieces.take(count)).collect() };
    let own = |count| Own(vec![Ok(message(count)), Err(Unreadable { line: 3, reason: "no idea".into() })]);
    let itmatt = builtin("itmatt");
    let rows = |mapping, count| messages(own(count), mapping).unwrap().map(Result::unwrap).collect::<Vec<_>>();
    assert_eq!(shown(&rows(&itmatt, 0)), ["line 3: no idea", "7+1 0"]);
    assert_eq!(shown(&rows(&itmatt, 99))[1], "7+99 99");
    assert!(shown(&rows(&itmatt, 100))[1].contains("more than 99 goods items"));
    let strict = Mapping::builtin("itmatt").unwrap().replace("keep = true", "");
    let strict = Mapping::parse(&strict).unwrap();
    assert!(
        shown(&rows(&strict, 1))[1]
            .starts_with("line 7, column 'ITEM.UNKNOWN': mapping 'itmatt' has no place for this field")
    );
    let ignoring = Mapping::builtin("itmatt")
        .unwrap()
        .replace("keep = true", "")
        .replace("version = 3", "version = 3\nignore = ['UNKNOWN']");
    assert_eq!(shown(&rows(&Mapping::parse(&ignoring).unwrap(), 1))[1], "7+1 1");
    assert!(messages(own(1), &builtin("bacuda")).is_err());
    let big = Segment { name: "NOTE".into(), fields: vec![("TEXT".into(), "x".repeat(70_000))] };
    let mut large = message(1);
    large.segments.push(big);
    let rows: Vec<_> = messages(Own(vec![Ok(large)]), &itmatt).unwrap().map(Result::unwrap).collect();
    assert!(matches!(&rows[..], [Row::Refused(r)] if r.pointer.starts_with("/extra")), "{:?}", shown(&rows));
}

proptest! {
    #[test]
    fn random_text_is_messages_or_refusals(lines in proptest::collection::vec("(ITEM|CP|X|)(\\|(ITEM_ID|CP_NOU|DEST_CNTRYCD|Z)=[A-Z1\\\\=]{0,3}){0,3}|\\PC{0,12}", 0..30), bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        let mapping = builtin("itmatt");
        read(&mapping, &bytes);
        let input = lines.join("\n");
        let rows = read(&mapping, input.as_bytes());
        // Each begins at a line of its own, in order.
        let begun = input.lines().filter(|line| line.split('|').next() == Some("ITEM")).count();
        prop_assert!(rows.iter().map(Row::rows).sum::<u64>() <= lines.len().max(1) as u64 && rows.len() <= begun + 1);
        prop_assert!(rows.len() >= begun);
    }
}
