//! Codes of other systems for what our records say in words: answers of customs, events of an item.
//!
//! One table for every format that brings them. The source's system and code are kept beside the word in the record
//! (`source_system`, `source_code`), so nothing is lost where several codes mean one word. Not in: what a word means for
//! the item, that is the life cycle's.

/// Whose codes they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum System {
    /// WCO RES `FunctionCode` as HMRC uses it: `customs_response` status.
    Hmrc,
    /// UN/EDIFACT 7365 processing indicator (CUSRES GIS): `customs_response` status.
    Edifact7365,
    /// Names of ICS2 messages, `IE3N03`: `customs_response` status. Its referrals (IE3Q01 to IE3Q03) are records of their own.
    Ics2,
    /// UPU EMSEVT: `event` code.
    Emsevt,
}

impl System {
    /// Every one.
    pub const ALL: [System; 4] = [System::Hmrc, System::Edifact7365, System::Ics2, System::Emsevt];

    /// Its name in mappings and in `source_system`.
    pub const fn name(self) -> &'static str {
        match self {
            System::Hmrc => "HMRC",
            System::Edifact7365 => "EDIFACT-7365",
            System::Ics2 => "ICS2",
            System::Emsevt => "EMSEVT",
        }
    }

    /// The system of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|system| system.name() == name)
    }

    /// Code and word of each; of several codes for one word the first is the one to write.
    pub const fn codes(self) -> &'static [(&'static str, &'static str)] {
        match self {
            System::Hmrc => HMRC,
            System::Edifact7365 => EDIFACT_7365,
            System::Ics2 => ICS2,
            System::Emsevt => EMSEVT,
        }
    }

    /// The word for a code, as the record's field takes it. Zeros in front of a number do not matter.
    pub fn word(self, code: &str) -> Option<&'static str> {
        let plain = code.trim_start_matches('0');
        let same = |known: &str| known == code || known.trim_start_matches('0') == plain;
        self.codes().iter().find(|(known, _)| same(known)).map(|(_, word)| *word)
    }

    /// The code to write for a word, where there is one.
    pub fn code(self, word: &str) -> Option<&'static str> {
        self.codes().iter().find(|(_, known)| *known == word).map(|(code, _)| *code)
    }
}

const HMRC: &[(&str, &str)] = &[
    ("01", "accepted"),
    ("02", "registered"),
    ("03", "rejected"),
    ("05", "held_exam"),
    ("06", "held_docs"),
    ("07", "corrected"),
    ("08", "released"),
    ("09", "cleared"),
    ("10", "invalidated"),
    ("11", "request_answered"),
    ("13", "duty_due"),
    ("14", "payment_short"),
    ("15", "payment_reminder"),
    ("16", "exited"),
    ("18", "other"),
];

/// 7 (detained) and 25 (prohibited or restricted) are the nearest that there is to a seizure and an ordered return.
const EDIFACT_7365: &[(&str, &str)] = &[
    ("1", "accepted"),
    ("2", "rejected"),
    ("3", "rejected"),
    ("4", "released"),
    ("5", "held_exam"),
    ("6", "held_docs"),
    ("7", "seized"),
    ("9", "accepted"),
    ("14", "rejected"),
    ("17", "registered"),
    ("25", "return_ordered"),
    ("33", "rejected"),
];

const ICS2: &[(&str, &str)] = &[
    ("IE3R01", "registered"),
    ("IE3N99", "rejected"),
    ("IE3N01", "rejected"),
    ("IE3N02", "not_complete"),
    ("IE3N11", "pending"),
    ("IE3N03", "assessment_complete"),
    ("IE3N08", "control_announced"),
    ("IE3N09", "control_announced"),
    ("IE3R07", "invalidated"),
];

const EMSEVT: &[(&str, &str)] = &[
    ("EMA", "posted"),
    ("EXA", "presented_to_export_customs"),
    ("EXB", "held_by_export_customs"),
    ("EXC", "released_by_export_customs"),
    ("EMC", "departed"),
    ("EMJ", "transit_arrived"),
    ("EMK", "transit_departed"),
    ("EMD", "arrived"),
    ("EDB", "presented_to_import_customs"),
    ("EME", "held_by_import_customs"),
    ("EDC", "released_by_import_customs"),
    ("EMF", "left_office"),
    ("EMH", "delivery_attempted"),
    ("EMI", "delivered"),
];

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::record::{Kind, table};

    /// The field of a record that takes a system's words.
    fn words(system: System) -> &'static [&'static str] {
        let (name, group, field) = match system {
            System::Emsevt => ("event", "event", "code"),
            _ => ("customs_response", "response", "status"),
        };
        let (_, group) = table(name, 1).unwrap().group(group).unwrap();
        match group.field(field).unwrap().kind {
            Kind::Words(words) => words,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_code_stands_once_for_a_word_that_the_record_takes() {
        for system in System::ALL {
            assert_eq!(System::named(system.name()), Some(system));
            let codes: BTreeSet<_> = system.codes().iter().map(|(code, _)| code.trim_start_matches('0')).collect();
            assert_eq!(codes.len(), system.codes().len(), "{}", system.name());
            for (code, word) in system.codes() {
                assert!(words(system).contains(word), "{code} {word}");
                assert_eq!(system.word(code), Some(*word));
                // The code that is written for the word means the word again.
                assert_eq!(system.code(word).and_then(|code| system.word(code)), Some(*word));
            }
        }
    }

    #[test]
    fn numbers_are_found_with_and_without_zeros_and_others_are_not() {
        assert_eq!((System::Hmrc.word("1"), System::Hmrc.word("01")), (Some("accepted"), Some("accepted")));
        assert_eq!(
            (System::Edifact7365.word("04"), System::Edifact7365.code("rejected")),
            (Some("released"), Some("2"))
        );
        for system in System::ALL {
            for code in ["", "0", "99", "em", "EMA ", "é"] {
                assert_eq!(system.word(code), None, "{} {code}", system.name());
            }
            assert_eq!(system.code("nothing"), None);
        }
        assert_eq!(System::named("hmrc"), None);
    }
}
