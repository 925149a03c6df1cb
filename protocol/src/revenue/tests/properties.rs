//! What holds for all consignments, records and payments.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::ledger::{claim, statement};
use super::*;
use crate::life::{ItemId, Scheme};
use crate::names::Currency;
use crate::recognition::Period;
use crate::record::{Value, content_from_json, content_to_json};

/// As fine as a field of an amount is.
const PLACES: u8 = 4;

fn any_money() -> impl Strategy<Value = Money> {
    (-1_000_000i128..10_000_000, 0u8..=PLACES, prop::sample::select(vec!["EUR", "GBP", "JPY"])).prop_map(
        |(amount, places, currency)| Money::new(Exact::new(amount, places).unwrap(), currency.parse().unwrap()),
    )
}

fn any_record() -> impl Strategy<Value = RecordRef> {
    (prop::sample::select(vec!["customs-de", "post-de", "claims-ie"]), "[A-Z0-9]{1,12}")
        .prop_map(|(issuer, reference)| record(issuer, &reference))
}

fn any_item() -> impl Strategy<Value = (ItemId, Option<Day>)> {
    let items = vec![
        ItemId::new(Some("s10"), None, "RR473124829GB"),
        ItemId::new(Some("carrier"), Some("fast"), "1Z-9"),
        ItemId::new(None, None, "free"),
    ];
    (prop::sample::select(items), any_day())
}

fn any_day() -> impl Strategy<Value = Option<Day>> {
    prop::option::of((0u64..4_000).prop_map(|days| day("2022-01-01").plus(days)))
}

fn any_statement() -> impl Strategy<Value = Statement> {
    let lines = prop::collection::vec((1u32..=99, prop::sample::select(vec!["A00", "B00"]), any_money()), 0..6);
    let heads = (any_record(), 0u64..=9_999, any::<bool>(), prop::option::of(any_record()));
    let words = (0..Stage::ALL.len(), 0..CollectionModel::ALL.len(), prop::option::of("[A-Z0-9]{1,12}"), any_day());
    (heads, words, lines).prop_map(|((record, revision, cancelled, about), (stage, model, text, on), lines)| {
        Statement {
            record,
            revision,
            cancelled,
            stage: Stage::ALL[stage],
            model: CollectionModel::ALL[model],
            territory: "DE".parse().unwrap(),
            day: on.unwrap_or(day("2026-11-25")),
            about,
            account: text.clone(),
            period: on.map(|on| on.to_string()[..7].parse().unwrap()),
            payment_reference: text,
            lines: lines
                .into_iter()
                .map(|(number, tax, amount)| StatedLine { number, tax: tax.into(), amount })
                .collect(),
        }
    })
}

fn any_claim() -> impl Strategy<Value = Claim> {
    let line = (any_record(), 0u32..=99, any_money());
    let lines = prop::collection::vec(line, 0..6).prop_map(|lines| {
        let one = |(duty, line, amount)| ClaimedLine { line: LineRef { duty, line }, tax: "B00".into(), amount };
        lines.into_iter().map(one).collect::<Vec<_>>()
    });
    let kinds = prop::sample::select(vec!["export", "cancellation", "same_state"]);
    let proof = (kinds, any_day(), any_day());
    let proofs = prop::collection::vec(proof, 0..4).prop_map(|proofs| {
        let one = |(kind, due, given_on): (&str, _, _)| Proof { kind: kind.into(), due, given_on };
        proofs.into_iter().map(one).collect::<Vec<_>>()
    });
    let mandate = prop::option::of(("[A-Z0-9]{1,12}", any_day(), any_day()))
        .prop_map(|mandate| mandate.map(|(reference, from, until)| Mandate { reference, from, until }));
    let words = (0..Procedure::ALL.len(), 0..ClaimState::ALL.len(), 0..Capacity::ALL.len());
    let heads = (any_record(), 0u64..=9_999, any::<bool>(), any_day(), any_day());
    (heads, words, mandate, lines, proofs).prop_map(|(heads, (procedure, state, capacity), mandate, lines, proofs)| {
        let (record, revision, cancelled, claimed_on, until) = heads;
        Claim {
            record,
            revision,
            cancelled,
            procedure: Procedure::ALL[procedure],
            state: ClaimState::ALL[state],
            territory: "DE".parse().unwrap(),
            capacity: Capacity::ALL[capacity],
            mandate,
            claimed_on,
            until,
            lines,
            proofs,
        }
    })
}

fn any_step() -> impl Strategy<Value = GuaranteeStep> {
    let heads = (any_record(), 0u64..=9_999, any::<bool>(), "[A-Z0-9]{1,12}");
    let covers = prop::collection::vec(any_record(), 0..6);
    (heads, 0..GuaranteeState::ALL.len(), prop::option::of(any_money()), covers).prop_map(
        |((record, revision, cancelled, number), state, amount, covers)| GuaranteeStep {
            record,
            revision,
            cancelled,
            number,
            state: GuaranteeState::ALL[state],
            amount,
            covers,
        },
    )
}

const TARIFFS: &[&str] = &["610910", "610920", "851712", "490199", "240220", "420221"];
const DAYS: &[&str] = &["2026-06-30", "2026-07-01", "2027-01-01"];

fn any_consignment() -> impl Strategy<Value = Consignment> {
    let one = (0..TARIFFS.len(), 0i128..30_000, prop::bool::weighted(0.2));
    let cost = prop::option::of(0i128..5_000);
    (prop::collection::vec(one, 1..12), [cost.clone(), cost.clone(), cost], prop::sample::select(vec!["DE", "FR"]))
        .prop_map(|(list, costs, to)| {
            let cents =
                |amount: i128, currency: &str| Money::new(Exact::new(amount, 2).unwrap(), currency.parse().unwrap());
            let mut consignment = consignment(to, &[]);
            consignment.goods = list
                .into_iter()
                .enumerate()
                .map(|(at, (tariff, amount, pounds))| Goods {
                    number: at as u32 + 1,
                    tariff: TARIFFS[tariff].into(),
                    origin: None,
                    value: cents(amount, if pounds { "GBP" } else { "EUR" }),
                    quantities: Vec::new(),
                })
                .collect();
            let [inland, freight, insurance] = costs.map(|cost| cost.map(|cost| cents(cost, "EUR")));
            consignment.costs = Costs { inland, freight, insurance };
            consignment
        })
}

proptest! {
    #[test]
    fn the_order_of_goods_means_nothing(parcel in any_consignment(), on in prop::sample::select(DAYS.to_vec()), shuffle in any::<u64>()) {
        let book = book();
        let mut shuffled = parcel.clone();
        let count = shuffled.goods.len() as u64;
        for at in 0..count {
            shuffled.goods.swap(at as usize, ((shuffle.rotate_left(at as u32 * 5)) % count) as usize);
        }
        prop_assert_eq!(assess(&parcel, &book, day(on)), assess(&shuffled, &book, day(on)));
    }

    #[test]
    fn lines_add_up(parcel in any_consignment(), on in prop::sample::select(DAYS.to_vec())) {
        let book = book();
        let assessment = assess(&parcel, &book, day(on)).unwrap();
        let euro: Currency = "EUR".parse().unwrap();
        for (at, line) in assessment.lines.iter().enumerate() {
            prop_assert_eq!(line.number as usize, at + 1);
            prop_assert!(!line.amount.amount.is_negative());
            // Every line is its rate of its base, or of its count, rounded once.
            let wanted = match (line.base, line.count) {
                (Some(base), None) => percent_of(base.amount, line.rate, line.rounding, 2).unwrap(),
                (None, Some(count)) => line.rate.times(Exact::whole(i64::from(count))).unwrap(),
                other => panic!("{other:?}"),
            };
            prop_assert_eq!(line.amount.amount, wanted);
            prop_assert!(line.includes.iter().all(|earlier| *earlier < line.number));
        }
        let each: Vec<Money> = assessment.lines.iter().filter(|line| line.tax == "B00").map(|line| line.amount).collect();
        prop_assert_eq!(assessment.total("B00", euro).unwrap(), Money::sum(euro, each).unwrap());
        if assessment.open.is_empty() {
            // Bases of value added tax hold the value, every cost and every duty once.
            let bases = Money::sum(euro, assessment.lines.iter().filter(|line| line.tax == "B00").filter_map(|line| line.base)).unwrap();
            let converted = |money: Money| match book.exchange(money.currency, euro, day(on)) {
                Some(rate) => rate.convert(money, Rounding::CENT, 2).unwrap(),
                None => money,
            };
            let costs = [parcel.costs.inland, parcel.costs.freight, parcel.costs.insurance];
            let values = parcel.goods.iter().map(|goods| goods.value).chain(costs.into_iter().flatten()).map(converted);
            let whole = Money::sum(euro, values).unwrap().plus(assessment.total("A00", euro).unwrap()).unwrap();
            prop_assert_eq!(bases, whole);
        }
        // Every goods item is in one line of each tax, or open.
        for tax in ["A00", "B00"] {
            let lines = assessment.lines.iter().filter(|line| line.tax == tax).flat_map(|line| line.goods.iter());
            let open = assessment.open.iter().filter(|open| open.tax == tax).flat_map(|open| open.goods.iter());
            let mut all: Vec<u32> = lines.chain(open).copied().collect();
            all.sort_unstable();
            let wanted: Vec<u32> = (1..=parcel.goods.len() as u32).collect();
            prop_assert_eq!(all, wanted);
        }
    }

    #[test]
    fn costs_are_spread_without_a_rest(amount in 0i128..1_000_000, scale in 0u8..4, weights in prop::collection::vec(0i128..1_000_000, 1..40)) {
        let (amount, weights) = (Exact::new(amount, scale).unwrap(), weights.into_iter().map(|weight| Exact::new(weight, 2).unwrap()).collect::<Vec<_>>());
        let parts = spread(amount, &weights, 2).unwrap();
        prop_assert_eq!(parts.iter().try_fold(Exact::ZERO, |sum, part| sum.plus(*part)).unwrap(), amount);
        prop_assert!(parts.iter().all(|part| !part.is_negative()));
    }

    #[test]
    fn an_assessment_is_read_back_from_its_record(parcel in any_consignment(), on in prop::sample::select(DAYS.to_vec())) {
        let book = book();
        let assessment = assess(&parcel, &book, day(on)).unwrap();
        let heading = Heading {
            reference: "D-1".into(),
            item: ItemId { scheme: Scheme::S10, issuer: None, id: "RR123456785GB".into() },
            posted_on: Some(day("2026-06-01")),
            model: parcel.model,
            territory: parcel.destination,
            day: day(on),
            registration: None,
            account: Some("QP-7".into()),
            period: Some("2026-07".parse::<Period>().unwrap()),
        };
        let content = assessed(&heading, &assessment, &book).unwrap();
        prop_assert_eq!(&content_from_json(&content_to_json(&content)).unwrap(), &content);
        let stated = Statement::of(&content, &member("customs-de")).unwrap();
        let lines: Vec<_> = assessment.lines.iter().map(|line| StatedLine { number: line.number, tax: line.tax.clone(), amount: line.amount }).collect();
        prop_assert_eq!(stated.lines, lines);
        prop_assert_eq!((stated.stage, stated.day, stated.period), (Stage::Assessed, heading.day, heading.period));
    }

    #[test]
    fn a_statement_of_any_stage_is_read_back_from_its_record(one in any_statement(), (item, posted) in any_item(), kind in 0..TaxKind::ALL.len()) {
        let content = one.content(&item, posted, |_| TaxKind::ALL[kind]).unwrap();
        content.check_complete().unwrap();
        prop_assert_eq!(&content_from_json(&content_to_json(&content)).unwrap(), &content);
        prop_assert_eq!(Statement::of(&content, &one.record.issuer).unwrap(), one);
        prop_assert_eq!(content.field("item", "id"), Some(Value::Text(item.id)));
        prop_assert_eq!(content.field("item", "posted_on"), posted.map(Value::Day));
    }

    #[test]
    fn a_claim_is_read_back_from_its_record(one in any_claim(), (item, posted) in any_item()) {
        let content = one.content(&item, posted).unwrap();
        content.check_complete().unwrap();
        prop_assert_eq!(&content_from_json(&content_to_json(&content)).unwrap(), &content);
        prop_assert_eq!(Claim::of(&content, &one.record.issuer).unwrap(), one);
    }

    #[test]
    fn a_step_of_a_guarantee_is_read_back_from_its_record(one in any_step()) {
        let content = one.content().unwrap();
        content.check_complete().unwrap();
        prop_assert_eq!(&content_from_json(&content_to_json(&content)).unwrap(), &content);
        prop_assert_eq!(GuaranteeStep::of(&content, &one.record.issuer).unwrap(), one);
    }

    #[test]
    fn records_of_duty_give_one_account_in_any_order(
        records in prop::collection::vec((0usize..3, 0u64..3), 1..12),
        swaps in prop::collection::vec((0usize..12, 0usize..12), 0..20),
    ) {
        let about = || Some(record("customs-de", "D-1"));
        let one = |(stage, revision): (usize, u64)| {
            let stage = Stage::ALL[stage];
            let mut one = statement("post-de", &format!("{stage}-{}", revision / 2), stage, about(), &[]);
            one.revision = revision;
            // Of one revision there is one content.
            let amount = Money::new(Exact::whole(revision as i64 + 1), "EUR".parse().unwrap());
            one.lines = vec![StatedLine { number: 1, tax: "A00".into(), amount }];
            one
        };
        let statements: Vec<Statement> = records.into_iter().map(one).collect();
        let mut shuffled = statements.clone();
        for (one, other) in swaps {
            let count = shuffled.len();
            shuffled.swap(one % count, other % count);
        }
        let (mut first, mut second) = (Ledger::default(), Ledger::default());
        statements.into_iter().for_each(|one| _ = first.state(one).unwrap());
        shuffled.into_iter().for_each(|one| _ = second.state(one).unwrap());
        prop_assert_eq!(first.lines(), second.lines());
        prop_assert_eq!(first, second);
    }

    #[test]
    fn no_line_is_ever_given_back_twice(moves in prop::collection::vec((0usize..5, 0u64..4, 0usize..5, 0usize..6, 1u32..4, any::<bool>()), 1..60)) {
        let mut ledger = Ledger::default();
        let list = [(1, "A00", "3.00 EUR"), (2, "B00", "8.37 EUR"), (3, "FEE", "1 EUR")];
        ledger.state(statement("customs-de", "D-1", Stage::Assessed, None, &list)).unwrap();
        ledger.state(statement("post-de", "C-1", Stage::Collected, Some(record("customs-de", "D-1")), &list)).unwrap();
        for (claimant, revision, state, procedure, line, both) in moves {
            let (_, tax, _) = list[line as usize - 1];
            let mut one = claim("claims-ie", &format!("R-{claimant}"), Procedure::ALL[procedure], line, tax, "1 EUR");
            (one.revision, one.state) = (revision, ClaimState::ALL[state]);
            if both {
                let (other, tax, _) = list[line as usize % 3];
                let line = LineRef { duty: record("customs-de", "D-1"), line: other };
                one.lines.push(ClaimedLine { line, tax: tax.into(), amount: money("1 EUR") });
            }
            let before = ledger.clone();
            if ledger.claim(one).is_err() {
                prop_assert_eq!(&ledger, &before);
            }
            let mut taken = BTreeSet::new();
            for claim in ledger.claims().filter(|claim| claim.stands()) {
                for line in &claim.lines {
                    prop_assert!(taken.insert(line.line.clone()), "{} is given back twice", line.line);
                }
            }
            let given: BTreeSet<_> = ledger.lines().into_iter().filter(|line| line.given_back.is_some()).map(|line| line.line).collect();
            prop_assert_eq!(given, taken);
        }
    }

    #[test]
    fn a_summary_is_the_same_in_any_order_and_proves_all(count in 1usize..40, first in 0usize..40) {
        let month: Period = "2026-11".parse().unwrap();
        let build = |from: usize| {
            let mut account = Account::new("QP-7");
            (0..count).for_each(|at| account.add(month, &summary::item((at + from) % count, "0.01 EUR")).unwrap());
            account.close(month).unwrap();
            account
        };
        let (one, other) = (build(0), build(first));
        prop_assert_eq!(one.summary(month), other.summary(month));
        let summary = one.summary(month).unwrap();
        for at in 0..count {
            let item = summary::item(at, "0.01 EUR");
            let mut proof = other.prove(month, &item).unwrap();
            prop_assert!(proof.verify(summary, &item));
            proof.path.push(crate::hash::Digest::ZERO);
            prop_assert!(!proof.verify(summary, &item));
        }
    }

    #[test]
    fn every_entry_and_due_is_told_once(
        dues in prop::collection::vec(0i128..1_000, 1..8),
        entries in prop::collection::vec((-1_000i128..1_000, prop::collection::vec(0usize..10, 0..3)), 0..12),
    ) {
        let euro = |cents: i128| Money::new(Exact::new(cents, 2).unwrap(), "EUR".parse().unwrap());
        let due = |(at, amount): (usize, &i128)| Due { account: "a".into(), period: "2026-11".parse().unwrap(), reference: format!("REF {at}"), amount: euro(*amount) };
        let dues: Vec<Due> = dues.iter().enumerate().map(due).collect();
        let entry = |(at, (amount, names)): (usize, &(i128, Vec<usize>))| BankEntry {
            place: at as u64,
            amount: euro(*amount),
            booked: day("2026-11-30"),
            references: names.iter().map(|name| format!("ref{name}")).collect(),
        };
        let entries: Vec<BankEntry> = entries.iter().enumerate().map(entry).collect();
        let matched = match_payments(&dues, &entries).unwrap();
        let mut of_dues: Vec<usize> = matched.matches.iter().flat_map(|one| one.dues.clone()).chain(matched.unpaid.clone()).collect();
        let mut of_entries: Vec<usize> = matched.matches.iter().flat_map(|one| one.entries.clone()).chain(matched.unknown.clone()).collect();
        of_dues.sort_unstable();
        of_entries.sort_unstable();
        prop_assert!(of_dues.into_iter().eq(0..dues.len()) && of_entries.into_iter().eq(0..entries.len()));
        // What came in is what is matched and what is unknown.
        let sum = |places: &[usize]| Money::sum("EUR".parse().unwrap(), places.iter().map(|at| entries[*at].amount)).unwrap();
        for one in &matched.matches {
            let (owed, came) = one.sums.unwrap();
            prop_assert_eq!(came, sum(&one.entries));
            let difference = came.minus(owed).unwrap();
            let told = match one.outcome {
                Outcome::Exact => Exact::ZERO,
                Outcome::Short(money) => money.amount.negative().unwrap(),
                Outcome::Over(money) => money.amount,
                Outcome::Currencies => panic!("one currency"),
            };
            prop_assert_eq!(difference.amount, told);
        }
    }

    #[test]
    fn no_bytes_make_the_readers_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), cut in 0usize..600) {
        let _ = crate::formats::camt053(&bytes);
        let whole = "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.02\"><BkToCstmrStmt><Stmt><Ntry><Amt Ccy=\"EUR\">1</Amt>\
            <CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><DtTm>2026-11-30T10:00:00</DtTm></BookgDt></Ntry></Stmt></BkToCstmrStmt></Document>";
        prop_assert_eq!(crate::formats::camt053(whole.as_bytes()).unwrap().entries.len(), 1);
        if cut < whole.len() {
            prop_assert!(crate::formats::camt053(&whole.as_bytes()[..cut]).is_err());
        }
    }
}
