//! Rules and the stage.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::record::content_from_json;

#[test]
fn the_built_in_rules_are_read_and_cover_every_action() {
    let rules = Rules::builtin().unwrap();
    let text = Rules::builtin_text();
    for action in ["respond =", "refer =", "ask =", "decide =", "notify =", "answer =", "send =", "stop ="] {
        assert!(text.lines().any(|line| !line.starts_with('#') && line.contains(action)), "{action}");
    }
    for kind in ["rfi", "rfs", "dnl"] {
        assert!(text.contains(&format!("refer = \"{kind}\"")), "{kind}");
    }
    let last = rules.rules.last().unwrap();
    assert!(last.when.is_empty() && last.type_name.is_none(), "the last rule takes everything");
}

#[test]
fn a_wrong_file_is_refused_by_rule_and_reason() {
    let refused = |text: &str, says: &str| {
        let error = Rules::parse(text).unwrap_err().to_string();
        assert!(error.contains(says), "{text}: {error}");
    };
    let rule = |body: &str| format!("[[rule]]\nname = \"r\"\n{body}\n");
    refused("x = 1", "unknown field");
    refused(&rule("type = \"declaration\""), "missing field `do`");
    refused(&rule("type = \"parcel\"\ndo = []"), "rule 'r': there is no record type 'parcel'");
    refused(&rule("type = \"opening\"\ndo = []"), "no record type 'opening'");
    refused(&rule("when = { \"filing.kind\" = \"x\" }\ndo = []"), "names its type");
    refused(&rule("type = \"declaration\"\nwhen = { \"filing.sort\" = \"x\" }\ndo = []"), "has no field 'sort'");
    refused(&rule("type = \"declaration\"\nwhen = { \"filing\" = \"x\" }\ndo = []"), "not GROUP.FIELD");
    refused(&rule("type = \"declaration\"\nwhen = { \"filing.kind\" = {} }\ndo = []"), "empty condition");
    refused(&rule("type = \"declaration\"\nwhen = { \"filing.kind\" = { ends = \"x\" } }\ndo = []"), "unknown field");
    refused(&rule("type = \"declaration\"\nwhen = { \"filing.kind\" = 1.5 }\ndo = []"), "but float");
    refused(&rule("every = 0\ndo = []"), "every is 0");
    refused(&rule("do = [{}]"), "exactly one of");
    refused(&rule("do = [{ respond = \"released\", stop = 1 }]"), "exactly one of");
    refused(&rule("do = [{ respond = \"maybe\" }]"), "'maybe' is no status of a customs_response");
    refused(
        &rule("partner = \"post\"\ndo = [{ respond = \"released\" }]"),
        "a partner of kind post does no such thing",
    );
    refused(&rule("do = [{ refer = \"rfi\", within = 999999999 }]"), "within is 999999999 seconds");
    refused(&rule("do = [{ respond = \"released\", within = 3 }]"), "belong to refer and ask only");
    refused(
        &rule("do = [{ respond = \"released\", set = { response = { text = \"{who}\" } } }]"),
        "{who} is not known",
    );
    refused(
        &rule("do = [{ respond = \"released\", set = { response = { text = \"{me\" } } }]"),
        "a brace is not closed",
    );
    refused(&rule("do = [{ respond = \"released\", set = { duty = { text = \"x\" } } }]"), "no group 'duty'");
    refused(&rule("do = [{ respond = \"released\", set = { debt = [{ payable = 1.5 }] } }]"), "a decimal in quotes");
    refused(&rule("do = [{ answer = \"not_loaded\" }]"), "only a referral or a data_request is answered");
    refused(&rule("type = \"referral\"\ndo = [{ answer = \"perhaps\" }]"), "/answer/outcome");
    refused(&rule("do = [{ send = \"event\" }]"), "event");
    refused(&format!("{}{}", rule("do = []"), rule("do = []")), "two rules have this name");
    refused("[[open]]\nname = \"o\"\ntimes = 0\ndo = []\n", "times is 0");
    refused(&" ".repeat(crate::limits::MAX_RULES_BYTES + 1), "more than");
    let deep = format!(
        "[[rule]]\nname = \"r\"\ndo = {}{}",
        "[{ refer = \"rfi\", then = ".repeat(500),
        "[]".to_owned() + &"}]".repeat(500)
    );
    assert!(Rules::parse(&deep).is_err());
}

#[test]
fn conditions_read_goods_and_occurrences() {
    let holds = |condition: &str| {
        let text = format!("[[rule]]\nname = \"r\"\ntype = \"declaration\"\nwhen = {{ {condition} }}\ndo = []\n");
        let rules = Rules::parse(&text).unwrap();
        rules.rules[0].fits(&cast().partners[0], MemberKind::Carrier, &json!({
            "type": "declaration", "filing": {"own_reference": "A-1", "revision": 2}, "route": {"destination": "KR"},
            "fiscal": [{"id": "IM1"}, {"id": "IM2"}],
            "goods": [{"classification": {"hs": "010101"}}, {"classification": {"hs": "950300"}}],
        }))
    };
    for yes in [
        "\"filing.own_reference\" = \"A-1\"",
        "\"filing.own_reference\" = { begins = \"A\", contains = \"-\" }",
        "\"filing.revision\" = 2",
        "\"fiscal.id\" = \"IM2\"",
        "\"classification.hs\" = { begins = \"95\" }",
        "\"route.destination\" = { in = [\"JP\", \"KR\"] }",
        "\"filing.kind\" = { present = false }",
        "\"filing.revision\" = { present = true }",
    ] {
        assert!(holds(yes), "{yes}");
    }
    for no in [
        "\"filing.own_reference\" = \"A\"",
        "\"filing.own_reference\" = { begins = \"A\", contains = \"x\" }",
        "\"classification.hs\" = { begins = \"03\" }",
        "\"filing.kind\" = \"import\"",
        "\"filing.kind\" = { present = true }",
        "\"filing.revision\" = { present = false }",
        "\"route.destination\" = \"KR\", \"filing.kind\" = \"import\"",
    ] {
        assert!(!holds(no), "{no}");
    }
}

#[test]
fn a_question_is_insufficient_once_and_closed_then() {
    let mut stage = Stage::new(Rules::builtin().unwrap(), cast(), 7, Millis(0));
    assert_eq!(stage.arrived(0, &declaration("T-RFI-AGAIN-1"), Millis(0)).as_deref(), Some("ask twice"));
    let first = sent(&mut stage, 0);
    assert_eq!(
        first.iter().map(|record| record["type"].as_str().unwrap()).collect::<Vec<_>>(),
        ["customs_response", "referral"]
    );
    let referral = &first[1];
    assert_eq!(field(referral, "referral", "deadline"), Millis(30_000).to_string());
    assert_eq!(
        (field(referral, "handling", "filer"), field(referral, "handling", "destination_customs")),
        ("flyer".into(), "customs-kr".into())
    );
    let reference = field(referral, "referral", "reference");
    // What is no answer to this kind does not do, and does not count as the first one either.
    for (at, outcome) in [(10_000, "not_loaded"), (20_000, "information_given")] {
        stage.arrived(0, &answer(&reference, "rfi", outcome), Millis(at));
        let told = sent(&mut stage, at);
        assert_eq!(told.len(), 1);
        assert_eq!(
            (field(&told[0], "referral", "state"), field(&told[0], "referral", "reference")),
            ("insufficient".into(), reference.clone())
        );
    }
    stage.arrived(0, &answer(&reference, "rfi", "no_information"), Millis(25_000));
    let told = sent(&mut stage, 25_000);
    assert_eq!(
        (field(&told[0], "referral", "state"), field(&told[0], "reference", "revision")),
        ("closed".into(), "3".into())
    );
    assert_eq!(field(&told[1], "response", "status"), "assessment_complete");
    assert_eq!(field(&sent(&mut stage, 26_000)[0], "response", "status"), "released");
    assert!(!stage.is_waiting());
}

#[test]
fn a_deadline_that_passes_is_acted_on_once_and_a_late_answer_closes() {
    let mut stage = Stage::new(Rules::builtin().unwrap(), cast(), 1, Millis(0));
    stage.arrived(0, &declaration("T-RFI-1"), Millis(0));
    let reference = field(&sent(&mut stage, 0)[1], "referral", "reference");
    assert!(sent(&mut stage, 30_000).is_empty() && stage.is_waiting());
    assert_eq!(field(&sent(&mut stage, 30_001)[0], "response", "status"), "held_docs");
    assert!(sent(&mut stage, 90_000).is_empty() && !stage.is_waiting());
    stage.arrived(0, &answer(&reference, "rfi", "information_given"), Millis(90_000));
    assert_eq!(field(&sent(&mut stage, 90_000)[0], "referral", "state"), "closed");
}

const WORDS: [&str; 14] = [
    "RFI",
    "RFI-AGAIN",
    "RFS",
    "DNL",
    "REJECT",
    "DUTY",
    "SILENT",
    "DOWN",
    "ASK",
    "TWICE",
    "EXAM",
    "SEIZE",
    "SLOW",
    "PLAIN",
];

proptest! {
    /// Whatever arrives when: every record that is sent is a whole one of its type, what is due comes in time and once, the same arrivals
    /// give the same deeds, and in the end nothing waits.
    #[test]
    fn what_is_played_is_whole_and_repeats(
        arrivals in proptest::collection::vec((0usize..WORDS.len(), 0u64..120_000, "[A-Z0-9-]{0,40}"), 0..20),
    ) {
        let mut sorted = arrivals;
        sorted.sort_by_key(|arrival| arrival.1);
        let play = || {
            let mut stage = Stage::new(Rules::builtin().unwrap(), cast(), 1, Millis(0));
            let mut all = Vec::new();
            for (word, at, tail) in &sorted {
                all.extend(stage.due(Millis(*at)));
                stage.arrived(0, &declaration(&format!("{}{tail}", WORDS[*word])), Millis(*at));
            }
            // Deadlines lead to further questions, each of which is seen in its own time.
            for step in 0..20u64 {
                all.extend(stage.due(Millis(200_000 + step * 100_000)));
            }
            (all, stage.is_waiting())
        };
        let (deeds, waiting) = play();
        prop_assert!(!waiting);
        prop_assert_eq!(&play().0, &deeds);
        let mut references = std::collections::BTreeSet::new();
        for deed in &deeds {
            match &deed.done {
                Done::Send { record, urgent, .. } => {
                    content_from_json(record).map_err(|error| TestCaseError::fail(format!("{error}: {record}")))?;
                    prop_assert_eq!(*urgent, field(record, "referral", "kind") == "dnl");
                    prop_assert!(references.insert(own_reference(record)), "{record}");
                }
                Done::Stop(millis) => prop_assert_eq!(*millis, 10_000),
                Done::Wrong(what) => return Err(TestCaseError::fail(what.clone())),
            }
        }
        let silent = sorted.iter().all(|(word, ..)| WORDS[*word] == "SILENT");
        prop_assert_eq!(deeds.is_empty(), silent || sorted.is_empty());
    }

    /// Of n that fit, every so-manieth is played.
    #[test]
    fn every_so_manieth(every in 1u64..9, count in 0u64..40) {
        let text = format!("[[rule]]\nname = \"r\"\nevery = {every}\ndo = [{{ respond = \"pending\" }}]\n");
        let mut stage = Stage::new(Rules::parse(&text).unwrap(), cast(), 1, Millis(0));
        let played = (0..count).filter(|n| stage.arrived(0, &declaration(&format!("X{n}")), Millis(*n)).is_some()).count();
        prop_assert_eq!(played as u64, count / every);
        prop_assert_eq!(sent(&mut stage, 1_000).len() as u64, count / every);
    }

    /// No text makes the reader of rules panic.
    #[test]
    fn any_text_is_read_or_refused(text in ".{0,200}") {
        let _ = Rules::parse(&text);
        let _ = Rules::parse(&format!("[[rule]]\nname = \"r\"\ndo = [{{ respond = \"released\", set = {{ response = {{ text = {text:?} }} }} }}]"));
    }
}
