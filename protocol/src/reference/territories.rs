//! Countries and customs territories: which two letters name one.

use std::sync::Arc;

use super::listed::{Listed, Span};
use crate::names::Territory;
use crate::time::Day;

/// ISO 3166-1.
const ISO_3166: &str = "\
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ \
    CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO \
    FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE \
    JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO \
    MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW \
    PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM \
    TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW";

/// Customs territories that schemes name beside ISO 3166-1: the European Union, Northern Ireland where EU rules apply to it, Kosovo.
/// EL stands in Greek VAT numbers only.
const BESIDE: [[u8; 2]; 3] = [*b"EU", *b"XI", *b"XK"];

/// Which territories are known.
#[derive(Debug, Clone)]
pub struct Territories {
    /// Name, version and source.
    pub listed: Arc<Listed>,
    known: Letters,
    /// Codes that an operator's file adds for some days, or takes away by an earlier last day.
    dated: Vec<([u8; 2], Span)>,
}

/// A set of two-letter codes: a bit for each of 26 times 26.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Letters([u64; 11]);

impl Letters {
    /// Those that stand in a text, apart by spaces.
    pub(super) fn of(text: &str) -> Self {
        let mut set = Self::default();
        text.split(' ').for_each(|code| set.add(code));
        set
    }

    /// Adds a code of two capital letters; anything else changes nothing.
    pub(super) fn add(&mut self, code: &str) {
        if let Some(at) = place(code.as_bytes()) {
            self.0[at / 64] |= 1 << (at % 64);
        }
    }

    /// Whether a code is in it.
    pub(super) fn has(&self, code: &[u8]) -> bool {
        place(code).is_some_and(|at| self.0[at / 64] & 1 << (at % 64) != 0)
    }
}

fn place(code: &[u8]) -> Option<usize> {
    match code {
        [a @ b'A'..=b'Z', b @ b'A'..=b'Z'] => Some(usize::from(a - b'A') * 26 + usize::from(b - b'A')),
        _ => None,
    }
}

impl Territories {
    /// The built-in list.
    pub(super) fn builtin() -> Self {
        let mut known = Letters::of(ISO_3166);
        BESIDE.iter().filter_map(|code| std::str::from_utf8(code).ok()).for_each(|code| known.add(code));
        let source = "ISO 3166-1, 249 codes, and EU, XI, XK as customs use them";
        Self { listed: Listed::new("territories", "2026-11-23", source), known, dated: Vec::new() }
    }

    /// Adds a code, or gives one other days.
    pub(super) fn set(&mut self, code: Territory, span: Span) {
        let code = match code.as_str().as_bytes() {
            [a, b] => [*a, *b],
            _ => return,
        };
        self.dated.retain(|(known, _)| *known != code);
        self.dated.push((code, span));
    }

    /// Whether these two letters name a territory on a day.
    pub fn knows(&self, code: &str, day: Day) -> bool {
        let dated = self.dated.iter().find(|(known, _)| known == code.as_bytes());
        dated.map_or_else(|| self.known.has(code.as_bytes()), |(_, span)| span.holds(day))
    }
}
