//! Numbers of traders and articles: EORI, IOSS, and the check digit of GS1 (GTIN, SSCC). VAT numbers are in [`mod@super::vat`].

use crate::names::Territory;

/// What text looks like that should be an EORI number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Eori {
    /// It has the form, and its first two letters name a territory that gives such numbers.
    Right,
    /// It has the form; who gave it is not known.
    IssuerUnknown,
    /// It has not the form: two letters, then 1 to 15 letters and digits.
    Form,
}

/// Looks at an EORI number (an..17, Commission Delegated Regulation 2015/2446, Annex B). Those of Great Britain and Northern Ireland have
/// twelve or fifteen digits.
pub fn eori(text: &str) -> Eori {
    let Some((country, rest)) = text.split_at_checked(2) else { return Eori::Form };
    let Ok(issuer) = country.parse::<Territory>() else { return Eori::Form };
    let fits = (1..=15).contains(&rest.len()) && rest.bytes().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    match country {
        _ if !fits => Eori::Form,
        "GB" | "XI" if !matches!(rest.len(), 12 | 15) || !rest.bytes().all(|c| c.is_ascii_digit()) => Eori::Form,
        "GB" | "XI" => Eori::Right,
        // Greek numbers begin with GR here, with EL only as VAT numbers.
        "EL" => Eori::IssuerUnknown,
        _ if is_eu_state(issuer) => Eori::Right,
        _ => Eori::IssuerUnknown,
    }
}

fn is_eu_state(territory: Territory) -> bool {
    let eu: Result<Territory, _> = "EU".parse();
    eu.is_ok_and(|eu| eu != territory && eu.contains(territory))
}

/// What text looks like that should be an IOSS number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ioss {
    /// It has the form, and its three digits name a state that gives such numbers.
    Right,
    /// It has the form; the state is not one that is known to give such numbers.
    IssuerUnknown,
    /// It has not the form: IM and ten digits.
    Form,
}

/// States of identification by their ISO 3166-1 numbers, Northern Ireland as 900.
const IOSS_STATES: [u16; 28] = [
    40, 56, 100, 191, 196, 203, 208, 233, 246, 250, 276, 300, 348, 372, 380, 428, 440, 442, 470, 528, 616, 620, 642,
    703, 705, 724, 752, 900,
];

/// Looks at an IOSS number: IM, the state of identification in three digits, seven more. `more` are further states that are known.
/// How its last digit checks the others is not published.
pub fn ioss(text: &str, more: &[u16]) -> Ioss {
    let digits = text.strip_prefix("IM").unwrap_or_default();
    if digits.len() != 10 || !digits.bytes().all(|c| c.is_ascii_digit()) {
        return Ioss::Form;
    }
    let state = digits.get(..3).and_then(|state| state.parse().ok()).unwrap_or(0);
    if IOSS_STATES.contains(&state) || more.contains(&state) { Ioss::Right } else { Ioss::IssuerUnknown }
}

/// The check digit that a GTIN or an SSCC should end with (GS1 General Specifications 7.9): threes and ones from the right; `None` where
/// the text is not of digits.
pub fn gs1(text: &str) -> Option<char> {
    let (last, digits) = text.as_bytes().split_last()?;
    if !last.is_ascii_digit() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let sum: usize = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| usize::from(digit - b'0') * if at % 2 == 0 { 3 } else { 1 })
        .sum();
    char::from_digit(((10 - sum % 10) % 10) as u32, 10)
}
