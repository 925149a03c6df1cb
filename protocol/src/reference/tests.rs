//! Lists against the open data that they were compiled from, numbers against vectors, files of rules.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::LazyLock;

use super::*;
use crate::names::Territory;
use crate::record::Decimal;
use crate::time::Day;
use proptest::prelude::*;

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

fn territory(text: &str) -> Territory {
    text.parse().unwrap()
}

/// The text of a shared file, or nothing and a note where the shared folder is absent.
fn shared(test: &str, file: &str) -> Option<String> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared");
    let folder = std::env::var_os("LUXOR_SHARED").map_or_else(|| default.into(), PathBuf::from);
    let path = folder.join("data").join(file);
    if !folder.join("data").is_dir() {
        println!("skipped: {test}: {} absent", folder.display());
        return None;
    }
    Some(std::fs::read_to_string(path).unwrap())
}

/// The cells of a CSV file by column name.
fn rows(text: &str) -> Vec<std::collections::BTreeMap<String, String>> {
    let mut reader = ::csv::Reader::from_reader(text.as_bytes());
    let header: Vec<String> =
        reader.headers().unwrap().iter().map(|cell| cell.trim_start_matches('\u{feff}').into()).collect();
    let row = |row: ::csv::StringRecord| header.iter().cloned().zip(row.iter().map(Into::into)).collect();
    reader.records().map(|record| row(record.unwrap())).collect()
}

#[test]
fn the_tariff_has_the_codes_of_its_edition_and_no_others() {
    let Some(text) = shared("the_tariff_has_the_codes_of_its_edition_and_no_others", "codes/harmonized-system.csv")
    else {
        return;
    };
    let expected: BTreeSet<String> =
        rows(&text).into_iter().filter(|row| row["level"] == "6").map(|row| row["hscode"].clone()).collect();
    let tariff = Tariff::builtin();
    let all = (0..1_000_000).map(|number| format!("{number:06}"));
    let found: BTreeSet<String> = all.filter(|code| tariff.has(code)).collect();
    assert_eq!((found.len(), tariff.count()), (5_613, 5_613));
    assert_eq!(found, expected);
}

#[test]
fn territories_are_those_of_iso_and_three_beside() {
    let Some(text) = shared("territories_are_those_of_iso_and_three_beside", "codes/country-codes.csv") else { return };
    let mut expected: BTreeSet<String> = rows(&text).into_iter().map(|row| row["ISO3166-1-Alpha-2"].clone()).collect();
    expected.extend(["EU", "XI", "XK"].map(String::from));
    let letters = || (b'A'..=b'Z').map(char::from);
    let list = Territories::builtin();
    let all = letters().flat_map(|a| letters().map(move |b| String::from_iter([a, b])));
    let found: BTreeSet<String> = all.filter(|code| list.knows(code, day("2026-11-26"))).collect();
    assert_eq!(found, expected);
    assert!(["EL", "ZZ", "UK", "", "A", "ABC", "aa"].iter().all(|code| !list.knows(code, day("2026-11-26"))));
}

#[test]
fn currencies_are_those_of_iso_with_their_decimals() {
    let Some(text) = shared("currencies_are_those_of_iso_with_their_decimals", "codes/currency-codes.csv") else {
        return;
    };
    let (list, today) = (Currencies::builtin(), day("2026-11-26"));
    let rows = rows(&text);
    let active = |code: &str| rows.iter().any(|row| row["AlphabeticCode"] == code && row["WithdrawalDate"].is_empty());
    for row in rows.iter().filter(|row| !row["AlphabeticCode"].is_empty()) {
        let code = row["AlphabeticCode"].as_str();
        let state = list.state(code, today);
        match (active(code), row["MinorUnit"].as_str()) {
            (true, "-") => assert_eq!(state, CurrencyState::NoMoney, "{code}"),
            (true, _) if !row["WithdrawalDate"].is_empty() => {}
            (true, unit) => assert_eq!(state, CurrencyState::Money(unit.parse().unwrap()), "{code}"),
            (false, _) => assert!(matches!(state, CurrencyState::Withdrawn(_)), "{code}: {state:?}"),
        }
    }
    assert_eq!(list.state("ABC", today), CurrencyState::Unknown);
    // A currency is taken until the end of the month of its withdrawal.
    assert_eq!(list.state("BGN", day("2026-01-31")), CurrencyState::Money(Decimal::MAX_SCALE));
    assert_eq!(list.state("BGN", day("2026-02-01")), CurrencyState::Withdrawn(day("2026-01-31")));
    assert_eq!(["JPY", "EUR", "KWD"].map(|code| list.state(code, today)), [0, 2, 3].map(CurrencyState::Money));
}

#[test]
fn stop_words_are_those_of_the_shared_part_but_one() {
    let Some(text) = shared("stop_words_are_those_of_the_shared_part_but_one", "codes/ics2_stopwords_partial_A-G.txt")
    else {
        return;
    };
    let words = StopWords::builtin();
    let terms: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(terms.len(), 92);
    let absent: Vec<&&str> = terms.iter().filter(|term| !matches!(words.find(term), Some(Vague::Alone(_)))).collect();
    assert_eq!(absent, [&"Fish"]);
}

#[test]
fn s10_numbers_are_told_apart() {
    for right in ["RB123456785GB", "EB000717595HK", "RR473124829GB", "EE471108151FR", "RB123456785US", "RB123456785CV"]
    {
        assert!(s10(right).is_ok_and(|number| number.service_is_known()), "{right}");
    }
    for wrong in ["RB123456786US", "EB000717594HK", "CP001020301BR"] {
        assert!(matches!(s10(wrong), Err(S10Error::CheckDigit { .. })), "{wrong}");
    }
    for form in
        ["", "RB123456785G", "RB12345678GB", "rb123456785gb", "RB12345678XGB", "RB1234567855GB", "ÄB123456785GB"]
    {
        assert_eq!(s10(form), Err(S10Error::Form), "{form}");
    }
    // Right but for the operator, whom there is nowhere.
    let nowhere = s10("RB123456785XX").unwrap();
    let (territories, operators) = (Territories::builtin(), Operators::builtin());
    assert!(!territories.knows(nowhere.operator.as_str(), day("2026-11-26")) && !operators.knows(nowhere.operator));
    assert!(operators.knows(territory("GB")) && !operators.knows(territory("TW")));
    assert!(!s10("AA123456785GB").unwrap().service_is_known() && !s10("QZ123456785GB").unwrap().service_is_known());
}

#[test]
fn traders_numbers_are_told_apart() {
    assert_eq!(["IM0400000014", "IM3720000224"].map(|number| ioss(number, &[])), [Ioss::Right; 2]);
    assert_eq!((ioss("IM5532027340", &[]), ioss("IM5532027340", &[553])), (Ioss::IssuerUnknown, Ioss::Right));
    for form in ["", "IM", "IM372000022", "IM37200002245", "IN3720000224", "IM372000O224", "im3720000224"] {
        assert_eq!(ioss(form, &[]), Ioss::Form, "{form}");
    }
    for right in
        ["GB553202734852", "XI603202734852", "DE123456789012345", "FR12345678901234", "GR1", "GB553202734852000"]
    {
        assert_eq!(eori(right), Eori::Right, "{right}");
    }
    for form in ["", "GB", "GB55320273485", "GB55320273485X", "D1", "DE", "DE1234567890123456", "DEab", "DE 12", "ÄÖ12"]
    {
        assert_eq!(eori(form), Eori::Form, "{form}");
    }
    assert_eq!(["CN1234", "EL123", "EU123"].map(eori), [Eori::IssuerUnknown; 3]);
    // GS1's own examples of a GTIN-13 and an SSCC.
    assert_eq!((gs1("6291041500213"), gs1("106141412345678908")), (Some('3'), Some('8')));
    assert_eq!((gs1(""), gs1("12a4"), gs1("123a")), (None, None, None));
}

const VAT_RIGHT: &str = "ATU39099603 ATU08246281 BE0848819878 BE0319328453 BG349046796 BG629185923 CY36838941V CY66531816Z \
    CZ09683445 CZ66294410 DE495416222 DE794730236 DK52492971 DK66106314 EE961466107 EE410908682 EL635774989 EL334961683 \
    ESZ9353283Q ESR5995533F FI42495654 FI45940194 FR14185337060 FR73728847609 GB730151916 GB437052269 XI730151916 \
    HR69902454759 HR96124646231 HU51472434 HU02057352 IE7X19352A IE8075498NF IT44603981216 IT25953450571 LT021380448510 \
    LT397704412713 LU78353265 LU41613459 LV99855287351 LV52850855462 MT91085368 MT86247789 NL696078983B34 NL243049687B86 \
    PL2693403638 PL4861664749 PT569766745 PT839535252 RO7661 RO290265977 SE817427248701 SE173902019401 SI28184688 SI99845733 \
    SK7244413297 SK7734374967";
const VAT_WRONG: &str = "ATU52601815 BE0392265613 BG882529646 CY84273837Z CZ07690237 DE364605195 DK29189697 EE321744307 \
    EL270457194 ESS9927907H FI55240649 FR63308232158 GB701932497 XI701932497 HR26875634902 HU22471943 IE6152439B IT92477590494 \
    LT554493711 LU27190046 LV82255424648 MT71585694 NL002328118B65 PL1627290377 PT159284387 RO6524872 SE480449655301 SI60078007 \
    SK5523045265";

#[test]
fn vat_numbers_are_told_apart() {
    VAT_RIGHT.split_whitespace().for_each(|number| assert_eq!(vat(number), Vat::Right, "{number}"));
    VAT_WRONG.split_whitespace().for_each(|number| assert_eq!(vat(number), Vat::CheckDigit, "{number}"));
    let forms = "AT12345678 ATU1234567 BE2123456789 DE012345678 DE12345678 EL12345678 ES12345678 FRIO123456789 GB12345678 GBGD12 \
        IE12345 NL123456789X12 RO1 RO0123 SE12345678901";
    forms.split_whitespace().for_each(|number| assert_eq!(vat(number), Vat::Form, "{number}"));
    assert_eq!(["GR123456789", "US1", "CHE123456789", "12"].map(vat), [Vat::IssuerUnknown; 4]);
    assert_eq!(["", "D", "ÄÖ"].map(vat), [Vat::Form, Vat::Form, Vat::IssuerUnknown]);
}

static WORDS: LazyLock<StopWords> = LazyLock::new(StopWords::builtin);
static LIST: LazyLock<Currencies> = LazyLock::new(Currencies::builtin);

proptest! {
    #[test]
    fn no_text_is_too_strange(text in "\\PC{0,24}", prefix in "(ATU|BE|CY|DE|ES|FR|GB|IE|LT|NL|RO|IM|)", digits in "[0-9A-Z]{0,18}") {
        for text in [&text, &format!("{prefix}{digits}"), &format!("{prefix}{text}")] {
            let _ = (vat(text), eori(text), ioss(text, &[]), s10(text), gs1(text));
            let _ = (WORDS.find(text), too_short(text), LIST.state(text, Day(20_000)));
        }
    }

    #[test]
    fn each_s10_number_has_one_check_digit(serial in 0u32..100_000_000) {
        let right: Vec<u32> = (0..10).filter(|check| s10(&format!("RA{serial:08}{check}DE")).is_ok()).collect();
        prop_assert_eq!(right.len(), 1);
        let wrong = s10(&format!("RA{serial:08}{}DE", (right[0] + 1) % 10));
        prop_assert_eq!(wrong, Err(S10Error::CheckDigit { expected: char::from_digit(right[0], 10).unwrap() }));
    }

    /// A term is found alone and among other words, whatever its case and what stands between its words.
    #[test]
    fn terms_are_found_whole_and_not_inside_words(at in 0usize..3, gap in "[ ,;/-]{1,3}", other in "zq[a-z]{3,8}") {
        let (words, term) = (&*WORDS, ["Spare Parts", "GIFT", "freight all kinds"][at]);
        let spaced = term.replace(' ', &gap);
        let form = term.to_lowercase();
        prop_assert_eq!(words.find(&spaced), Some(Vague::Alone(form.clone())));
        prop_assert_eq!(words.find(&format!("{other} {spaced}")), Some(Vague::Inside(form.clone())));
        prop_assert_eq!(words.find(&format!("{spaced}, {other}")), Some(Vague::Inside(form)));
        prop_assert_eq!(words.find(&format!("{}{other}", term.replace(' ', ""))), None);
    }
}

#[test]
fn descriptions_have_letters() {
    assert!(["ab", "a1", "12345", "--", "X", "1 kg"].iter().all(|text| too_short(text)));
    assert!(!["cup", "T恤", "帽", "a b c"].iter().any(|text| too_short(text)));
}

#[test]
fn rules_have_stable_ids_in_order() {
    let ids: Vec<&str> = Rule::ALL.iter().map(|rule| rule.id()).collect();
    assert!(ids.windows(2).all(|two| two[0] < two[1]), "{ids:?}");
    for (at, rule) in Rule::ALL.iter().enumerate() {
        assert_eq!((rule.id().parse(), *rule as usize), (Ok(*rule), at));
        assert!(rule.id().bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || b"._".contains(&c)));
    }
    assert!("hs.unknwon".parse::<Rule>().unwrap_err().contains("hint:"));
}

/// The example in the documentation of the book.
fn example() -> String {
    let lines = include_str!("book.rs").lines().skip_while(|line| *line != "/// ```toml").skip(1);
    let lines: Vec<_> = lines.map_while(|line| line.strip_prefix("///")).take_while(|line| *line != " ```").collect();
    lines.join("\n")
}

#[test]
fn the_example_in_the_documentation_works() {
    let before = RuleBook::builtin().unwrap();
    let book = before.clone().with(&example()).unwrap();
    assert_eq!(book.severity(Rule::DescriptionStopWord), None);
    assert_eq!(book.severity(Rule::HsUnknown), Some(Severity::Error));
    let find = |text: &str, on: &str| book.stop_words(day(on)).unwrap().find(text);
    assert_eq!((find("glass", "2026-05-03"), find("fuel", "2026-05-03").is_some()), (None, true));
    assert_eq!((find("glass", "2026-05-04").is_some(), find("fuel", "2026-05-04")), (true, None));
    assert!(
        book.tariff(2028).unwrap().has("010121")
            && book.tariff(2022).unwrap().has("851712") == before.tariff(2022).unwrap().has("851712")
    );
    assert!(book.territories.knows("AN", day("2011-09-30")) && !book.territories.knows("AN", day("2011-10-01")));
    assert_eq!(book.currencies.state("BGN", day("2026-01-31")), CurrencyState::Money(2));
    assert!(book.operators.knows(territory("TW")) && book.ioss_states == [532]);
    // 100 JPY are 0.61 EUR, from the day of the rate on.
    assert_eq!(book.in_millionths(10_000_000_000, "JPY", "EUR", day("2026-12-01")), Some(61_000_000));
    assert_eq!(book.in_millionths(10_000_000_000, "JPY", "EUR", day("2026-11-30")), None);
    assert_eq!(book.in_millionths(5, "EUR", "EUR", day("2026-11-30")), Some(5));
    // The section that it replaces has its rule only.
    assert_eq!(
        (book.release.len(), before.release.len() > 5, book.exclusions.len()),
        (1, true, before.exclusions.len() + 1)
    );
    assert_eq!(book.obligations(territory("KR"), day("2026-12-01")).count(), 1);
    assert_eq!(book.obligations(territory("KR"), day("2026-11-30")).count(), 0);
    assert!(book.lists().iter().any(|list| list.version == "2026-12-01" && list.source == "notice 2026-81"));
}

#[test]
fn product_identifiers_are_asked_for_from_their_day_on() {
    let book = RuleBook::builtin().unwrap();
    let products = |on: &str| {
        let of_day = book.obligations(territory("FR"), day(on));
        of_day.filter(|one| one.any_of.iter().any(|path| path.group == "product")).count()
    };
    assert_eq!((products("2026-10-31"), products("2026-11-01")), (0, 2));
    assert_eq!(book.thresholds(ThresholdKind::Ioss, territory("XI"), day("2026-11-26")).count(), 1);
    assert_eq!(book.thresholds(ThresholdKind::Ioss, territory("CH"), day("2026-11-26")).count(), 0);
}

#[test]
fn faulty_files_name_the_entry() {
    let head = "name = 'x'\nversion = '1'\n";
    let cases = [
        (
            "[[obligation]]\ndestinations = ['KR']\nlevel = 'required'\nall_of = ['goods.colour']\nsource = ''",
            "[[obligation]] 1",
        ),
        ("[[obligation]]\ndestinations = ['KR']\nlevel = 'required'\nsource = ''", "name nothing"),
        ("[[rate]]\ncurrency = 'JPY'\ninto = 'EUR'\nrate = '0'\nfrom = '2026-01-01'\nsource = ''", "above zero"),
        (
            "[[rate]]\ncurrency = 'JPY'\ninto = 'EUR'\nrate = '1.1234567'\nfrom = '2026-01-01'\nsource = ''",
            "six digits",
        ),
        (
            "[[threshold]]\nkind = 'ioss'\ndestinations = ['EU']\nfrom = '2026-02-01'\nuntil = '2026-01-01'\nmost = '1'\ncurrency = 'EUR'\nsource = ''",
            "before from",
        ),
        ("[[hs]]\nedition = 2017\ncodes = ['010121']\nsource = ''", "cannot name an edition 2017"),
        ("[[hs]]\nedition = 2028\ncodes = ['01012']\nsource = ''", "'01012'"),
        ("[severity]\n'hs.unknwon' = 'off'", "hs.unknwon"),
        ("[[exclusion]]\nhs = ['9a']\nreason = ''\nsource = ''", "'9a'"),
        ("[[currency]]\ncode = 'euro'", "euro"),
        (
            "[[release]]\ndestinations = ['KR']\ncategory = 'three'\nmost = '150'\nreason = ''\nsource = ''",
            "go together",
        ),
        ("[[release]]\ndestinations = ['KR']\ncategory = 'five'\nreason = ''\nsource = ''", "five"),
        ("[plausible]\nvalue_most = 'much'", "[plausible]"),
        ("colour = 1", "colour"),
    ];
    for (entry, expected) in cases {
        let error = RuleBook::builtin().unwrap().with(&format!("{head}{entry}")).unwrap_err().to_string();
        assert!(error.contains(expected), "{entry}: {error}");
    }
    let words = "[[stop_words]]\nfrom = '2026-02-01'\nsource = ''\n[[stop_words]]\nfrom = '2026-01-01'\nsource = ''";
    assert!(
        RuleBook::builtin()
            .unwrap()
            .with(&format!("{head}{words}"))
            .unwrap_err()
            .to_string()
            .contains("[[stop_words]] 2")
    );
}
