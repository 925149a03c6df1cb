//! Sums done by hand, and those of notifications of debt as an administration sends them.

use super::*;
use crate::formats::{Row, wco::wco};
use crate::names::CollectionModel;
use crate::record::{Content, Value};

/// Rounding and converting: what, and what comes out.
#[test]
fn amounts_are_rounded_and_converted_as_by_hand() {
    let round = |amount: &str, decimals: u8, mode: Mode, to: Place| {
        Rounding { mode, to }.apply(exact(amount), decimals).to_string()
    };
    use {Mode::*, Place::*};
    for (amount, decimals, mode, to, wanted) in [
        ("0.125", 2, HalfUp, Cent, "0.13"),
        ("0.125", 2, HalfEven, Cent, "0.12"),
        ("0.135", 2, HalfEven, Cent, "0.14"),
        ("0.129", 2, Down, Cent, "0.12"),
        ("-0.125", 2, HalfUp, Cent, "-0.13"),
        ("-0.129", 2, Down, Cent, "-0.12"),
        ("0.1251", 2, HalfEven, Cent, "0.13"),
        ("2.5", 2, HalfUp, Unit, "3"),
        ("2.5", 2, HalfEven, Unit, "2"),
        ("1234.5678", 2, HalfUp, None, "1234.5678"),
        // The smallest unit of yen is a yen, of dinars a thousandth.
        ("1234.5", 0, HalfUp, Cent, "1235"),
        ("1.2345", 3, HalfUp, Cent, "1.235"),
    ] {
        assert_eq!(round(amount, decimals, mode, to), wanted, "{amount} {mode} {to}");
    }
    let book = book();
    let convert = |amount: &str, into: &str, on: &str| {
        let money = money(amount);
        let rate = book.exchange(money.currency, into.parse().unwrap(), day(on)).unwrap();
        rate.convert(money, Rounding::CENT, book.decimals(into.parse().unwrap(), day(on)).unwrap()).unwrap().to_string()
    };
    // 10.01 x 1.15 = 11.5115; 10.01 x 1.1478 = 11.489478; 12345 x 0.6113 / 100 = 75.464985; 100 / 1.3 = 76.923...
    assert_eq!(convert("10.01 GBP", "EUR", "2026-06-30"), "11.51 EUR");
    assert_eq!(convert("10.01 GBP", "EUR", "2026-07-01"), "11.49 EUR");
    assert_eq!(convert("12345 JPY", "EUR", "2026-06-30"), "75.46 EUR");
    assert_eq!(convert("100 USD", "GBP", "2026-06-30"), "76.92 GBP");
    let rate = book.exchange("USD".parse().unwrap(), "GBP".parse().unwrap(), day("2026-06-30")).unwrap();
    assert_eq!(rate.convert(money("100 USD"), Rounding::NONE, 2), Err(MoneyError::Inexact));
    assert_eq!(rate.convert(money("13 USD"), Rounding::NONE, 2), Ok(money("10 GBP")));
}

/// A line as `tax base rate amount`, with `-` where there is no base.
fn shown(assessment: &Assessment) -> Vec<String> {
    let line = |line: &TaxLine| {
        let base = line.base.map_or("-".to_owned(), |base| base.amount.with_places(2));
        format!("{} {base} {} {}", line.tax, line.rate, line.amount.amount.with_places(2))
    };
    assessment.lines.iter().map(line).collect()
}

struct Case {
    what: &'static str,
    on: &'static str,
    to: &'static str,
    goods: &'static [(&'static str, &'static str)],
    /// Inland, freight and insurance.
    costs: [Option<&'static str>; 3],
    lines: &'static [&'static str],
    /// Taxes that are left open.
    open: &'static [&'static str],
}

const NO_COSTS: [Option<&str>; 3] = [None; 3];

const CASES: &[Case] = &[
    Case {
        what: "the sample of an administration: duty on 10000.00, tax on that and the duty",
        on: "2021-02-13",
        to: "GB",
        goods: &[("9503004100", "10000.00 GBP")],
        costs: NO_COSTS,
        lines: &["A00 10000.00 2.7 270.00", "B00 10270.00 20 2054.00"],
        open: &[],
    },
    Case {
        what: "relieved of duty at 150.00 on the last day: 150 x 19 % = 28.50",
        on: "2026-06-30",
        to: "DE",
        goods: &[("610910", "150.00 EUR")],
        costs: NO_COSTS,
        lines: &["A00 150.00 0 0.00", "B00 150.00 19 28.50"],
        open: &[],
    },
    Case {
        what: "EUR 3 on the day after: 153 x 19 % = 29.07",
        on: "2026-07-01",
        to: "DE",
        goods: &[("610910", "150.00 EUR")],
        costs: NO_COSTS,
        lines: &["A00 - 3 3.00", "B00 153.00 19 29.07"],
        open: &[],
    },
    Case {
        what: "a cent above the threshold: 150.01 x 12 % = 18.0012; 168.01 x 19 % = 31.9219",
        on: "2026-06-30",
        to: "DE",
        goods: &[("610910", "150.01 EUR")],
        costs: NO_COSTS,
        lines: &["A00 150.01 12 18.00", "B00 168.01 19 31.92"],
        open: &[],
    },
    Case {
        what: "a cent above after the change is of the tariff as well",
        on: "2026-07-01",
        to: "DE",
        goods: &[("610910", "150.01 EUR")],
        costs: NO_COSTS,
        lines: &["A00 150.01 12 18.00", "B00 168.01 19 31.92"],
        open: &[],
    },
    Case {
        what: "EUR 3 for the last time on 2028-06-30",
        on: "2028-06-30",
        to: "DE",
        goods: &[("610910", "1.00 EUR")],
        costs: NO_COSTS,
        lines: &["A00 - 3 3.00", "B00 4.00 19 0.76"],
        open: &[],
    },
    Case {
        what: "no duty is known after 2028-06-30; tax is still computed",
        on: "2028-07-01",
        to: "DE",
        goods: &[("610910", "1.00 EUR")],
        costs: NO_COSTS,
        lines: &["B00 1.00 19 0.19"],
        open: &[],
    },
    Case {
        what: "three pieces of two tariff lines are two items: 30 + 3 = 33 x 19 % = 6.27; 10 + 3 = 13 x 19 % = 2.47",
        on: "2026-07-01",
        to: "DE",
        goods: &[("610910", "10.00 EUR"), ("851712", "10.00 EUR"), ("610910", "20.00 EUR")],
        costs: NO_COSTS,
        lines: &["A00 - 3 3.00", "A00 - 3 3.00", "B00 33.00 19 6.27", "B00 13.00 19 2.47"],
        open: &[],
    },
    Case {
        what: "the threshold is of the consignment: 100 + 60 is above, so each has its tariff's rate",
        on: "2026-07-01",
        to: "DE",
        goods: &[("610910", "100.00 EUR"), ("851712", "60.00 EUR")],
        costs: NO_COSTS,
        lines: &["A00 100.00 12 12.00", "A00 60.00 0 0.00", "B00 112.00 19 21.28", "B00 60.00 19 11.40"],
        open: &[],
    },
    Case {
        what: "freight is no part of the threshold but of the base of tax: (150 + 25 + 3) x 19 % = 33.82",
        on: "2026-07-01",
        to: "DE",
        goods: &[("610910", "150.00 EUR")],
        costs: [None, Some("25.00 EUR"), None],
        lines: &["A00 - 3 3.00", "B00 178.00 19 33.82"],
        open: &[],
    },
    Case {
        what: "CIF is value, inland, freight and insurance: 200 + 10 + 30 + 5 = 245; 12 % = 29.40; 274.40 x 19 % = 52.136",
        on: "2026-07-01",
        to: "DE",
        goods: &[("610910", "200.00 EUR")],
        costs: [Some("10.00 EUR"), Some("30.00 EUR"), Some("5.00 EUR")],
        lines: &["A00 245.00 12 29.40", "B00 274.40 19 52.14"],
        open: &[],
    },
    Case {
        what: "FOB is value and inland, without freight: (200 + 10) x 16.5 % = 34.65",
        on: "2025-08-29",
        to: "US",
        goods: &[("610910", "200.00 USD")],
        costs: [Some("10.00 USD"), Some("30.00 USD"), Some("5.00 USD")],
        lines: &["DUTY 210.00 16.5 34.65"],
        open: &[],
    },
    Case {
        what: "the day before, up to USD 800",
        on: "2025-08-28",
        to: "US",
        goods: &[("610910", "800.00 USD")],
        costs: NO_COSTS,
        lines: &["DUTY 800.00 0 0.00"],
        open: &[],
    },
    Case {
        what: "the day before, above USD 800: 800.01 x 16.5 % = 132.00165",
        on: "2025-08-28",
        to: "US",
        goods: &[("610910", "800.01 USD")],
        costs: NO_COSTS,
        lines: &["DUTY 800.01 16.5 132.00"],
        open: &[],
    },
    Case {
        what: "a reduced rate for its tariff line only: 13 x 7 % = 0.91, 23 x 19 % = 4.37",
        on: "2026-07-01",
        to: "DE",
        goods: &[("490199", "10.00 EUR"), ("610910", "20.00 EUR")],
        costs: NO_COSTS,
        lines: &["A00 - 3 3.00", "A00 - 3 3.00", "B00 13.00 7 0.91", "B00 23.00 19 4.37"],
        open: &[],
    },
    Case {
        what: "converted first: 130 x 1.1478 = 149.214 is 149.21, below; 152.21 x 19 % = 28.9199",
        on: "2026-07-01",
        to: "DE",
        goods: &[("610910", "130.00 GBP")],
        costs: NO_COSTS,
        lines: &["A00 - 3 3.00", "B00 152.21 19 28.92"],
        open: &[],
    },
    Case {
        what: "the rate of the day decides: 130.50 x 1.15 = 150.075 is 150.08 in June, above; 12 % = 18.0096; 168.09 x 19 % = 31.9371",
        on: "2026-06-30",
        to: "DE",
        goods: &[("610910", "130.50 GBP")],
        costs: NO_COSTS,
        lines: &["A00 150.08 12 18.01", "B00 168.09 19 31.94"],
        open: &[],
    },
    Case {
        what: "and in July 130.50 x 1.1478 = 149.7879 is 149.79, below; 152.79 x 19 % = 29.0301",
        on: "2026-07-01",
        to: "DE",
        goods: &[("610910", "130.50 GBP")],
        costs: NO_COSTS,
        lines: &["A00 - 3 3.00", "B00 152.79 19 29.03"],
        open: &[],
    },
    Case {
        what: "freight in another currency than the goods: 100 + 11.48 + 3 = 114.48 x 19 % = 21.7512",
        on: "2026-07-01",
        to: "DE",
        goods: &[("610910", "100.00 EUR")],
        costs: [None, Some("10.00 GBP"), None],
        lines: &["A00 - 3 3.00", "B00 114.48 19 21.75"],
        open: &[],
    },
    Case {
        what: "freight is spread to the cent: 10.00 over three of one value is 3.34, 3.33, 3.33; each (60 + part) x 12 % and 19 % on all",
        on: "2026-07-01",
        to: "DE",
        goods: &[("610910", "60.00 EUR"), ("610920", "60.00 EUR"), ("610930", "60.00 EUR")],
        costs: [None, Some("10.00 EUR"), None],
        lines: &[
            "A00 63.34 12 7.60",
            "A00 63.33 12 7.60",
            "A00 63.33 12 7.60",
            "B00 70.94 19 13.48",
            "B00 70.93 19 13.48",
            "B00 70.93 19 13.48",
        ],
        open: &[],
    },
    Case {
        what: "tobacco has no relief of low value: 20 x 57.6 % = 11.52; 31.52 x 19 % = 5.9888",
        on: "2026-06-30",
        to: "DE",
        goods: &[("240220", "20.00 EUR")],
        costs: NO_COSTS,
        lines: &["A00 20.00 57.6 11.52", "B00 31.52 19 5.99"],
        open: &[],
    },
    Case {
        what: "no rate of the tariff: nothing is guessed, and tax that rests on it is open too",
        on: "2026-07-01",
        to: "DE",
        goods: &[("420221", "500.00 EUR")],
        costs: NO_COSTS,
        lines: &[],
        open: &["A00", "B00"],
    },
    Case {
        what: "no rate of tax for a state: the duty is there, the tax open",
        on: "2026-07-01",
        to: "FR",
        goods: &[("610910", "10.00 EUR")],
        costs: NO_COSTS,
        lines: &["A00 - 3 3.00"],
        open: &["B00"],
    },
    Case {
        what: "one of two goods items without a rate leaves the other's lines complete: 100 x 12 %, 112 x 19 %",
        on: "2026-07-01",
        to: "DE",
        goods: &[("610910", "100.00 EUR"), ("420221", "500.00 EUR")],
        costs: NO_COSTS,
        lines: &["A00 100.00 12 12.00", "B00 112.00 19 21.28"],
        open: &["A00", "B00"],
    },
    Case {
        what: "exactly GBP 135 has no duty: 135 x 20 % = 27",
        on: "2026-07-01",
        to: "GB",
        goods: &[("950300", "135.00 GBP")],
        costs: NO_COSTS,
        lines: &["A00 135.00 0 0.00", "B00 135.00 20 27.00"],
        open: &[],
    },
    Case {
        what: "a penny above has: 135.01 x 2.7 % = 3.64527; 138.66 x 20 % = 27.732",
        on: "2026-07-01",
        to: "GB",
        goods: &[("950300", "135.01 GBP")],
        costs: NO_COSTS,
        lines: &["A00 135.01 2.7 3.65", "B00 138.66 20 27.73"],
        open: &[],
    },
    Case {
        what: "dollars to pounds divide: 100 / 1.3 = 76.923 is 76.92; x 20 % = 15.384",
        on: "2026-07-01",
        to: "GB",
        goods: &[("950300", "100.00 USD")],
        costs: NO_COSTS,
        lines: &["A00 76.92 0 0.00", "B00 76.92 20 15.38"],
        open: &[],
    },
    Case {
        what: "goods without value still are an item",
        on: "2026-07-01",
        to: "DE",
        goods: &[("610910", "0.00 EUR")],
        costs: NO_COSTS,
        lines: &["A00 - 3 3.00", "B00 3.00 19 0.57"],
        open: &[],
    },
    Case {
        what: "0.10 x 19 % = 0.019 is 2 cents; before July there is no duty in it",
        on: "2026-06-30",
        to: "DE",
        goods: &[("610910", "0.10 EUR")],
        costs: NO_COSTS,
        lines: &["A00 0.10 0 0.00", "B00 0.10 19 0.02"],
        open: &[],
    },
    Case {
        what: "before 2021-07-01 no rule of tax is in the sample",
        on: "2021-06-30",
        to: "DE",
        goods: &[("610910", "10.00 EUR")],
        costs: NO_COSTS,
        lines: &["A00 10.00 0 0.00"],
        open: &[],
    },
    Case {
        what: "nothing is known of a destination without rules",
        on: "2026-07-01",
        to: "KR",
        goods: &[("610910", "10.00 EUR")],
        costs: NO_COSTS,
        lines: &[],
        open: &[],
    },
];

#[test]
fn consignments_are_assessed_as_by_hand() {
    let book = book();
    assert!(CASES.len() > 30);
    for case in CASES {
        let mut consignment = consignment(case.to, case.goods);
        let [inland, freight, insurance] = case.costs.map(|cost| cost.map(money));
        consignment.costs = Costs { inland, freight, insurance };
        let assessment = assess(&consignment, &book, day(case.on)).unwrap();
        assert_eq!(shown(&assessment), case.lines, "{}", case.what);
        let open: Vec<_> = assessment.open.iter().map(|open| open.tax.as_str()).collect();
        assert_eq!(open, case.open, "{}: {:?}", case.what, assessment.open);
        assert!(
            assessment.lines.iter().all(|line| !line.reason.is_empty() && line.edition.source.starts_with("sample: "))
        );
    }
}

/// Rules of an operator: per unit, fees, rounding to units, half even, scopes.
#[test]
fn an_operators_rules_are_computed_as_by_hand() {
    let rule = |more: &str| {
        format!("[[tax]]\norder=1\ndestinations=['KR']\nbasis='intrinsic'\nreason='r'\nsource='s'\n{more}\n")
    };
    let book = |rules: &[&str]| {
        let file = format!("name='kr'\nversion='1'\n{}", rules.iter().map(|one| rule(one)).collect::<String>());
        RevenueBook::empty().with(&file).unwrap()
    };
    let mut parcel = consignment("KR", &[("220830", "10000 KRW"), ("220830", "5000 KRW")]);
    parcel.goods[0].quantities = vec![(exact("0.7"), "LTR".into()), (exact("1.2"), "KGM".into())];
    parcel.goods[1].quantities = vec![(exact("0.35"), "LTR".into())];
    let owed = |book: &RevenueBook, parcel: &Consignment| {
        let assessment = assess(parcel, book, day("2026-07-01")).unwrap();
        assert!(assessment.open.is_empty());
        shown(&assessment)
    };
    let per_unit = "id='a'\ntax='X'\nkind='per_unit'\nper='consignment'\namount='2500'\nunit='LTR'\ncurrency='KRW'";
    // 1.05 litres at 2500 are 2625; for each 10 litres 262.5, of which won have no half: 263.
    assert_eq!(owed(&book(&[per_unit]), &parcel), ["X - 2500 2625.00"]);
    assert_eq!(owed(&book(&[&format!("{per_unit}\nunits='10'")]), &parcel), ["X - 2500 263.00"]);
    let half_even = format!("{per_unit}\nunits='10'\nrounding={{mode='half_even', to='cent'}}");
    assert_eq!(owed(&book(&[&half_even]), &parcel), ["X - 2500 262.00"]);
    // A third does not end.
    let inexact = format!("{per_unit}\nunits='3.6'\nrounding={{mode='down', to='none'}}");
    let error = assess(&parcel, &book(&[&inexact]), day("2026-07-01")).unwrap_err();
    assert!(matches!(error, AssessError::Money { error: MoneyError::Inexact, .. }), "{error}");
    // Per goods item, and without the unit in one of them: that one is open.
    let each = per_unit.replace("consignment", "goods").replace("LTR", "KGM");
    let assessment = assess(&parcel, &book(&[&each]), day("2026-07-01")).unwrap();
    assert_eq!((shown(&assessment), assessment.open.len()), (vec!["X - 2500 3000.00".to_owned()], 1));
    // One fee for all, and a tax on value and fee: (15000 + 700) x 10 % = 1570.
    let fee = "id='b'\ntax='FEE'\nkind='fee'\nper='consignment'\namount='700'\ncurrency='KRW'";
    let tax =
        "id='c'\ntax='B00'\nkind='ad_valorem'\nper='consignment'\nrate='10'\nadds=['FEE']\ncurrency='KRW'".to_owned();
    assert_eq!(owed(&book(&[fee, &tax]), &parcel), ["FEE - 700 700.00", "B00 15700.00 10 1570.00"]);
    // A fee for all cannot stand in the base of one: nobody says which part.
    let narrow = tax.replace("consignment", "goods");
    let error = assess(&parcel, &book(&[fee, &narrow]), day("2026-07-01")).unwrap_err();
    assert!(matches!(error, AssessError::Wider { line: 1, .. }), "{error}");
    // A base cut to whole hundreds is the operator's: 15700.5 down to the unit, then 10 % down to the unit.
    let mut odd = parcel.clone();
    odd.goods[0].value = money("10000.5 KRW");
    let down = format!("{tax}\nbase_rounding={{mode='down', to='unit'}}\nrounding={{mode='down', to='unit'}}");
    assert_eq!(owed(&book(&[fee, &down]), &odd), ["FEE - 700 700.00", "B00 15700.00 10 1570.00"]);
    // Per item for the consignment counts tariff lines.
    let items = "id='d'\ntax='A00'\nkind='per_item'\nper='consignment'\namount='3'\ncurrency='KRW'";
    let mut three = consignment("KR", &[("220830", "1 KRW"), ("610910", "1 KRW"), ("220830", "1 KRW")]);
    assert_eq!(owed(&book(&[items]), &three), ["A00 - 3 6.00"]);
    three.model = CollectionModel::Vendor;
    let only = format!("{items}\nmodels=['consumer']");
    assert!(owed(&book(&[&only]), &three).is_empty());
}

#[test]
fn the_newest_edition_of_a_rule_counts_and_its_name_stands_in_the_line() {
    let later = "name='office'\nversion='2027'\n[[tax]]\nid='eu-duty-per-item'\norder=10\ndestinations=['EU']\ntax='A00'\nkind='per_item'\n\
        per='tariff_line'\nbasis='intrinsic'\namount='4'\ncurrency='EUR'\nfrom='2027-01-01'\nmost='150'\nreason='r'\nsource='sample: s'\n";
    let book = book().with(later).unwrap();
    let parcel = consignment("DE", &[("610910", "10.00 EUR")]);
    let line = |on: &str| {
        let line = assess(&parcel, &book, day(on)).unwrap().lines.remove(0);
        (line.amount.to_string(), line.edition.name.clone(), line.edition.version.clone())
    };
    assert_eq!(line("2026-12-31"), ("3.00 EUR".into(), "built-in".into(), "2026-11-26".into()));
    assert_eq!(line("2027-01-01"), ("4.00 EUR".into(), "office".into(), "2027".into()));
}

#[test]
fn origin_of_the_goods_gives_a_preference() {
    let mut parcel = consignment("DE", &[("610910", "200.00 EUR")]);
    parcel.goods[0].origin = Some("TR".parse().unwrap());
    assert_eq!(shown(&assess(&parcel, &book(), day("2026-07-01")).unwrap())[0], "A00 200.00 0 0.00");
}

#[test]
fn what_cannot_be_assessed_is_told() {
    let book = book();
    let on = day("2026-07-01");
    let told = |parcel: &Consignment| assess(parcel, &book, on).unwrap_err().to_string();
    let good = consignment("DE", &[("610910", "10.00 EUR"), ("610910", "10.00 EUR")]);
    let with = |change: &dyn Fn(&mut Consignment)| {
        let mut parcel = good.clone();
        change(&mut parcel);
        told(&parcel)
    };
    assert!(with(&|parcel| parcel.goods.clear()).contains("0 goods items"));
    assert!(with(&|parcel| parcel.goods[1].number = 1).contains("number 1"));
    assert!(with(&|parcel| parcel.goods[1].tariff = "61x".into()).contains("'61x'"));
    assert!(with(&|parcel| parcel.goods[1].value = money("-1 EUR")).contains("below zero"));
    assert!(with(&|parcel| parcel.goods[1].value = money("1 CHF")).contains("from CHF into EUR on 2026-07-01"));
    assert!(with(&|parcel| parcel.costs.freight = Some(money("-1 EUR"))).contains("below zero"));
    let huge = Exact::new(i128::MAX, 0).unwrap();
    assert!(with(&|parcel| parcel.goods[1].value.amount = huge).contains("more digits"));
    for (bad, told) in [
        ("id='a'\nkind='ad_valorem'\ncurrency='EUR'\n", "either rate or rates"),
        ("id='a'\nkind='fee'\nrate='1'\ncurrency='EUR'\n", "have an amount"),
        ("id='a'\nkind='per_unit'\namount='1'\ncurrency='EUR'\n", "has a unit"),
        ("id='a'\nkind='per_unit'\namount='1'\nunit='KGM'\nunits='0'\ncurrency='EUR'\n", "above zero"),
        ("id='a'\nkind='fee'\namount='-1'\ncurrency='EUR'\n", "below zero"),
        ("id='a'\nkind='fee'\namount='1,5'\ncurrency='EUR'\n", "not a decimal"),
        ("id='a'\nkind='fee'\namount='1'\ncurrency='Euro'\n", "not a currency"),
        ("id='a'\nkind='fee'\namount='1'\ncurrency='EUR'\ncolour=1\n", "colour"),
        ("id='a'\nkind='ad_valorem'\nrate='1'\nadds=['X']\ncurrency='EUR'\n", "its own base"),
        ("id='a'\nkind='fee'\namount='1'\ncurrency='EUR'\nfrom='2026-02-01'\nuntil='2026-01-01'\n", "before from"),
        ("id='a'\nkind='fee'\namount='1'\ncurrency='EUR'\ntariffs=['61x']\n", "tariff code"),
    ] {
        let file = format!(
            "name='n'\nversion='v'\n[[tax]]\norder=1\ndestinations=['EU']\ntax='X'\nper='goods'\nbasis='fob'\nreason='r'\nsource='s'\n{bad}"
        );
        let error = RevenueBook::empty().with(&file).unwrap_err().to_string();
        assert!(error.contains(told), "{told}: {error}");
    }
    let exchange = |more: &str| {
        let file =
            format!("name='n'\nversion='v'\n[[exchange]]\ncurrency='GBP'\nfrom='2026-01-01'\nsource='s'\n{more}");
        RevenueBook::empty().with(&file).unwrap_err().to_string()
    };
    assert!(exchange("into='EUR'\nrate='0'").contains("above zero"));
    assert!(exchange("into='EUR'\nrate='1'\nper=12").contains("12"));
    assert!(exchange("into='GBP'\nrate='1'").contains("itself"));
}

fn decimal(content: &Content, field: &str, at: usize) -> Option<Exact> {
    let (group, table) = content.table().group("debt").unwrap();
    let number = table.field(field).unwrap().number;
    let found = content.occurrences(group, 0);
    found.get(at)?.iter().find(|(of, _)| *of == number).and_then(|(_, value)| match value {
        Value::Decimal(decimal) => Some((*decimal).into()),
        _ => None,
    })
}

/// Every notification of debt in the samples of an administration, its sums done again.
#[test]
fn notifications_of_debt_add_up() {
    let Some(folder) = crate::testing::shared("notifications_of_debt_add_up", "data/hmrc_cds") else { return };
    let mut files: Vec<std::path::PathBuf> = Vec::new();
    let mut folders = vec![folder];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                folders.push(path);
            } else if name.contains("DMSTAX") {
                files.push(path);
            }
        }
    }
    let (mut lines, mut seen) = (0, Vec::new());
    for file in &files {
        let bytes = std::fs::read(file).unwrap();
        for row in wco(bytes.as_slice()) {
            let Row::Record { content, .. } = row.unwrap() else { panic!("{}", file.display()) };
            let count = (0..).take_while(|at| decimal(&content, "assessed", *at).is_some()).count();
            for at in 0..count {
                let assessed = decimal(&content, "assessed", at).unwrap();
                let (Some(base), Some(rate)) = (decimal(&content, "base", at), decimal(&content, "rate", at)) else {
                    continue;
                };
                // What is relieved is deducted: 2 % of 135.00 are 2.70, of which 2.70 are not owed.
                let deducted = decimal(&content, "deducted", at).unwrap_or(Exact::ZERO);
                let owed = percent_of(base, rate, Rounding::CENT, 2).unwrap().minus(deducted).unwrap();
                assert_eq!(owed, assessed, "{} line {}", file.display(), at + 1);
                lines += 1;
                seen.push((base.with_places(2), rate.with_places(2), assessed.with_places(2)));
            }
            if count > 0 {
                let statement = Statement::of_debt(
                    &content,
                    &member("customs-gb"),
                    "GB".parse().unwrap(),
                    CollectionModel::Consumer,
                    day("2020-02-13"),
                );
                assert_eq!(statement.unwrap().lines.len(), count);
            }
        }
    }
    let line = |base: &str, rate: &str, assessed: &str| (base.to_owned(), rate.to_owned(), assessed.to_owned());
    assert!(seen.contains(&line("10000.00", "2.70", "270.00")) && seen.contains(&line("10270.00", "20.00", "2054.00")));
    println!("{lines} lines in {} files", files.len());
    assert!(lines >= 12, "{lines}");
}
