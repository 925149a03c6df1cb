//! VAT numbers of the EU's states, of Northern Ireland and of the United Kingdom: their form, and the check digit of those whose rule is
//! well known. That a number adds up does not tell that it was ever given to anybody.

/// What text looks like that should be a VAT number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vat {
    /// It has the form of its state, and adds up where that can be checked.
    Right,
    /// It has the form of its state, and does not add up.
    CheckDigit,
    /// It has not the form of its state.
    Form,
    /// It does not begin with the letters of a state whose numbers are known.
    IssuerUnknown,
}

/// Looks at a VAT number with its prefix: that of ISO 3166-1, but EL for Greece and XI for Northern Ireland.
pub fn vat(text: &str) -> Vat {
    let Some((state, rest)) = text.split_at_checked(2) else { return Vat::Form };
    let checked = match state {
        "AT" => rest.strip_prefix('U').and_then(digits::<8>).map(austria),
        "BE" => digits::<10>(rest).filter(|d| d[0] <= 1).map(|d| 97 - number(&d[..8]) % 97 == number(&d[8..])),
        "BG" => digits::<9>(rest).map(bulgaria).or_else(|| digits::<10>(rest).map(|_| true)),
        "CY" => with_letter::<8>(rest).map(|(d, letter)| cyprus(d) == letter),
        "CZ" => digits::<8>(rest)
            .map(czechia)
            .or_else(|| digits::<9>(rest).map(|_| true))
            .or_else(|| digits::<10>(rest).map(|_| true)),
        "DE" => digits::<9>(rest).filter(|d| d[0] != 0).map(|d| mod_11_10(&d)),
        "DK" => digits::<8>(rest).map(|d| weighted(&d, &[2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11)),
        "EE" => digits::<9>(rest).map(|d| weighted(&d, &[3, 7, 1, 3, 7, 1, 3, 7, 1]).is_multiple_of(10)),
        "EL" => digits::<9>(rest).map(|d| weighted(&d, &[256, 128, 64, 32, 16, 8, 4, 2]) % 11 % 10 == d[8]),
        "ES" => spain(rest),
        "FI" => digits::<8>(rest).map(|d| weighted(&d, &[7, 9, 10, 5, 8, 4, 2, 1]).is_multiple_of(11)),
        "FR" => france(rest),
        "GB" | "XI" => britain(rest),
        "HR" => digits::<11>(rest).map(|d| mod_11_10(&d)),
        "HU" => digits::<8>(rest).map(|d| weighted(&d, &[9, 7, 3, 1, 9, 7, 3, 1]).is_multiple_of(10)),
        "IE" => ireland(rest),
        "IT" => digits::<11>(rest).map(|d| luhn(&d)),
        "LT" => digits::<9>(rest).map(|d| lithuania(&d)).or_else(|| digits::<12>(rest).map(|d| lithuania(&d))),
        "LU" => digits::<8>(rest).map(|d| number(&d[..6]) % 89 == number(&d[6..])),
        // Numbers of persons begin with their birthday.
        "LV" => digits::<11>(rest).map(|d| d[0] <= 3 || weighted(&d, &[9, 1, 4, 8, 3, 10, 2, 5, 7, 6, 1]) % 11 == 3),
        "MT" => digits::<8>(rest).map(|d| weighted(&d, &[3, 4, 6, 7, 8, 9, 10, 1]).is_multiple_of(37)),
        "NL" => netherlands(rest),
        "PL" => digits::<10>(rest).map(|d| weighted(&d, &[6, 5, 7, 2, 3, 4, 5, 6, 7]) % 11 == d[9]),
        "PT" => digits::<9>(rest)
            .filter(|d| d[0] != 0)
            .map(|d| (11 - weighted(&d, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 11 % 10 == d[8]),
        "RO" => romania(rest),
        "SE" => digits::<12>(rest).map(|d| luhn(&d[..10])),
        "SI" => digits::<8>(rest).filter(|d| d[0] != 0).map(slovenia),
        "SK" => digits::<10>(rest).map(|d| number(&d).is_multiple_of(11)),
        _ => return Vat::IssuerUnknown,
    };
    match checked {
        None => Vat::Form,
        Some(true) => Vat::Right,
        Some(false) => Vat::CheckDigit,
    }
}

/// Exactly so many digits.
fn digits<const N: usize>(text: &str) -> Option<[u64; N]> {
    let bytes: &[u8; N] = text.as_bytes().try_into().ok()?;
    bytes.iter().all(u8::is_ascii_digit).then(|| bytes.map(|byte| u64::from(byte - b'0')))
}

/// So many digits and a capital letter.
fn with_letter<const N: usize>(text: &str) -> Option<([u64; N], u8)> {
    let letter = text.bytes().last().filter(u8::is_ascii_uppercase)?;
    Some((digits(text.get(..text.len() - 1)?)?, letter))
}

/// Digits, at most eighteen of them, as a number.
fn number(digits: &[u64]) -> u64 {
    digits.iter().fold(0, |sum, digit| sum * 10 + digit)
}

fn weighted(digits: &[u64], weights: &[u64]) -> u64 {
    digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum()
}

/// Every second digit from the right is doubled, its digits added.
fn luhn(digits: &[u64]) -> bool {
    let one = |(at, digit): (usize, &u64)| if at % 2 == 0 { *digit } else { digit * 2 / 10 + digit * 2 % 10 };
    digits.iter().rev().enumerate().map(one).sum::<u64>() % 10 == 0
}

/// ISO 7064, MOD 11,10.
fn mod_11_10(digits: &[u64]) -> bool {
    let Some((last, digits)) = digits.split_last() else { return false };
    let check = digits.iter().fold(10, |check, digit| match (check + digit) % 10 {
        0 => 20 % 11,
        rest => rest * 2 % 11,
    });
    (check + last) % 10 == 1
}

fn austria(d: [u64; 8]) -> bool {
    let doubled = |digit: u64| digit * 2 / 10 + digit * 2 % 10;
    let sum = d[0] + doubled(d[1]) + d[2] + doubled(d[3]) + d[4] + doubled(d[5]) + d[6];
    (96 - sum) % 10 == d[7]
}

fn bulgaria(d: [u64; 9]) -> bool {
    let check = match weighted(&d, &[1, 2, 3, 4, 5, 6, 7, 8]) % 11 {
        10 => weighted(&d, &[3, 4, 5, 6, 7, 8, 9, 10]) % 11 % 10,
        check => check,
    };
    check == d[8]
}

fn cyprus(d: [u64; 8]) -> u8 {
    const ODD: [u64; 10] = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21];
    let one = |(at, digit): (usize, &u64)| if at % 2 == 0 { ODD[(digit % 10) as usize] } else { *digit };
    b'A' + (d.iter().enumerate().map(one).sum::<u64>() % 26) as u8
}

fn czechia(d: [u64; 8]) -> bool {
    let check = 11 - weighted(&d, &[8, 7, 6, 5, 4, 3, 2]) % 11;
    d[0] != 9 && check % 10 == d[7] || check == 11 && d[7] == 1
}

fn slovenia(d: [u64; 8]) -> bool {
    match 11 - weighted(&d, &[8, 7, 6, 5, 4, 3, 2]) % 11 {
        10 => d[7] == 0,
        check => check == d[7],
    }
}

fn lithuania(d: &[u64]) -> bool {
    let Some((last, d)) = d.split_last() else { return false };
    let sum = |shift: u64| d.iter().zip(0u64..).map(|(digit, at)| digit * (1 + (at + shift) % 9)).sum::<u64>() % 11;
    let check = match sum(0) {
        10 => sum(2),
        check => check,
    };
    check % 10 == *last
}

/// A person's number with its letter, or a company's with a digit or a letter.
fn spain(rest: &str) -> Option<bool> {
    const PERSONS: &[u8; 23] = b"TRWAGMYFPDXBNJZSQVHLCKE";
    let letter = |number: u64| PERSONS[(number % 23) as usize];
    let (first, inner) = rest.split_at_checked(1)?;
    match first.bytes().next()? {
        b'0'..=b'9' => with_letter::<8>(rest).map(|(d, last)| letter(number(&d)) == last),
        nie @ b'X'..=b'Z' => {
            with_letter::<7>(inner).map(|(d, last)| letter(u64::from(nie - b'X') * 10_000_000 + number(&d)) == last)
        }
        b'K' | b'L' | b'M' => with_letter::<7>(inner).map(|(d, last)| letter(number(&d)) == last),
        b'A'..=b'H' | b'J' | b'N' | b'P'..=b'S' | b'U'..=b'W' => {
            let d = digits::<7>(inner.get(..7)?)?;
            let doubled = |digit: u64| digit * 2 / 10 + digit * 2 % 10;
            let sum = d[1] + d[3] + d[5] + doubled(d[0]) + doubled(d[2]) + doubled(d[4]) + doubled(d[6]);
            let check = (10 - sum % 10) % 10;
            match inner.as_bytes().get(7..)? {
                [last @ b'0'..=b'9'] => Some(u64::from(last - b'0') == check),
                [last @ b'A'..=b'J'] => Some(*last == b"JABCDEFGHI"[check as usize]),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Two digits or letters before the nine of the enterprise.
fn france(rest: &str) -> Option<bool> {
    let (key, siren) = rest.split_at_checked(2)?;
    let d = digits::<9>(siren)?;
    let form = key.bytes().all(|c| c.is_ascii_digit() || (c.is_ascii_uppercase() && c != b'I' && c != b'O'));
    // Numbers of Monaco, which begin with zeros, do not add up as French ones.
    let enterprise = d[..3] == [0, 0, 0] || luhn(&d);
    form.then(|| enterprise && key.parse::<u64>().map_or(true, |key| (number(&d) * 100 + 12) % 97 == key))
}

/// Nine digits, twelve with a branch, or those of government and health.
fn britain(rest: &str) -> Option<bool> {
    if let Some(office) = rest.strip_prefix("GD").or_else(|| rest.strip_prefix("HA")) {
        return digits::<3>(office).map(|d| (number(&d) < 500) == rest.starts_with("GD"));
    }
    let d = digits::<9>(rest).or_else(|| digits::<12>(rest).and_then(|_| digits::<9>(rest.get(..9)?)))?;
    // Numbers were given by the plain rule, and by one that adds 55, whichever way round.
    Some(matches!(weighted(&d, &[8, 7, 6, 5, 4, 3, 2, 10, 1]) % 97, 0 | 42 | 55))
}

/// Seven digits, a check letter, and since 2013 another letter; before, the second place could be a letter or sign.
fn ireland(rest: &str) -> Option<bool> {
    let bytes = rest.as_bytes();
    let letter = |sum: u64| b"WABCDEFGHIJKLMNOPQRSTUV"[(sum % 23) as usize];
    if let Some(d) = digits::<7>(rest.get(..7)?) {
        let sum = weighted(&d, &[8, 7, 6, 5, 4, 3, 2]);
        return match bytes.get(7..)? {
            [check @ b'A'..=b'W'] => Some(letter(sum) == *check),
            [check @ b'A'..=b'W', second @ b'A'..=b'I'] => {
                Some(letter(sum + 9 * u64::from(second - b'A' + 1)) == *check)
            }
            [check @ b'A'..=b'W', b'W'] => Some(letter(sum) == *check),
            _ => None,
        };
    }
    let (first, inner) = (digits::<1>(rest.get(..1)?)?, digits::<5>(rest.get(2..7)?)?);
    let sum = weighted(&inner, &[7, 6, 5, 4, 3]) + first[0] * 2;
    match bytes {
        [_, b'A'..=b'Z' | b'+' | b'*', .., check @ b'A'..=b'W'] if bytes.len() == 8 => Some(letter(sum) == *check),
        _ => None,
    }
}

/// Nine digits, B, two digits: the older ones by eleven, those of sole traders since 2020 by ninety-seven.
fn netherlands(rest: &str) -> Option<bool> {
    let (nine, two) = rest.split_once('B')?;
    let (d, branch) = (digits::<9>(nine)?, digits::<2>(two)?);
    let older = (weighted(&d, &[9, 8, 7, 6, 5, 4, 3, 2]) + 11 * 10 - d[8]).is_multiple_of(11);
    // ISO 7064, MOD 97-10, over the whole number with N as 23, L as 21 and B as 11.
    let newer = [&[2, 3, 2, 1], d.as_slice(), &[1, 1], &branch].concat();
    let newer = newer.iter().fold(0, |rest, digit| (rest * 10 + digit) % 97);
    Some(older || newer == 1)
}

/// Two to ten digits, aligned right.
fn romania(rest: &str) -> Option<bool> {
    if !(2..=10).contains(&rest.len()) || rest.starts_with('0') {
        return None;
    }
    let d = digits::<10>(&format!("{rest:0>10}"))?;
    Some(weighted(&d, &[7, 5, 3, 2, 1, 7, 5, 3, 2]) * 10 % 11 % 10 == d[9])
}
