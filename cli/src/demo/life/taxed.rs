//! Duty and tax of parcels: assessed, collected, remitted, claimed back, summed up, and paid through a bank.

use luxor_protocol::life::ItemId;
use luxor_protocol::names::{CollectionModel, MemberId};
use luxor_protocol::record::{Content, content_from_json, content_to_json};
use luxor_protocol::revenue::{
    Account, Assessment, Capacity, Claim, ClaimState, ClaimedLine, Consignment, Costs, Exact, Goods, Heading, LineRef,
    Mandate, Money, Procedure, Proof, RecordRef, RevenueBook, Stage, StatedLine, Statement, Summary, SummaryItem,
    TaxKind, assess, assessed,
};
use serde_json::{Value, json};

use anyhow::{Context as _, Result, bail};

use super::declared::{accounted_price, declared};
use super::fault::Fault;
use super::members::{CUSTOMS_EU, PLATFORM, POST_EU};
use super::moved::registration;
use super::parcel::{Back, Parcel, Times};
use super::world::{DEFERMENT, IOSS, World};

/// Rates beside the samples of the protocol.
pub(super) const RATES: &str = include_str!("rates.toml");
/// Days within which tax may be claimed back.
const CLAIM_DAYS: u64 = 365;
/// What is missing in the lump sum of the platform.
const SHORT: (i128, u8) = (3_000, 2);

/// Rules and rates.
pub(super) fn book() -> Result<RevenueBook> {
    Ok(RevenueBook::sample()?.with(RATES)?)
}

/// What is owed for a parcel, as its import declaration has it.
pub(super) fn owed(parcel: &Parcel, times: Times, book: &RevenueBook) -> Result<Assessment> {
    let currency = parcel.currency.parse()?;
    let money = |hundredths: u64| Ok::<_, anyhow::Error>(Money::new(Exact::new(hundredths.into(), 2)?, currency));
    let goods = (1..).zip(&parcel.lines).map(|(number, line)| {
        Ok(Goods {
            number,
            tariff: line.hs.clone(),
            origin: None,
            value: money(declared(line, accounted_price(parcel)))?,
            quantities: Vec::new(),
        })
    });
    let consignment = Consignment {
        destination: parcel.buyer.country.parse()?,
        goods: goods.collect::<Result<_>>()?,
        costs: Costs { freight: Some(money(parcel.postage)?), ..Costs::default() },
        model: model(parcel),
        number: parcel.ioss,
        category: Some("sale_of_goods".to_owned()),
    };
    let assessment = assess(&consignment, book, times.day()).with_context(|| format!("assessing {}", parcel.item))?;
    match assessment.open.first() {
        None => Ok(assessment),
        Some(open) => bail!("assessing {}: rule {} misses {}", parcel.item, open.rule, open.missing),
    }
}

/// What customs assesses.
pub(super) fn assessed_record(
    parcel: &Parcel,
    times: Times,
    assessment: &Assessment,
    book: &RevenueBook,
) -> Result<Content> {
    let heading = Heading {
        reference: assessed_reference(parcel),
        item: id(parcel),
        posted_on: Some(times.day()),
        model: model(parcel),
        territory: parcel.buyer.country.parse()?,
        day: times.day(),
        registration: Some(registration("DE", parcel)),
        account: None,
        period: None,
    };
    let handling = match parcel.collector() {
        POST_EU => json!({ "destination_operator": POST_EU }),
        _ => json!({ "platform": PLATFORM }),
    };
    handled(&assessed(&heading, assessment, book)?, handling)
}

/// What is collected or remitted of it.
pub(super) fn later(parcel: &Parcel, times: Times, stage: Stage, assessment: &Assessment) -> Result<Content> {
    let statement = statement(parcel, times, stage, assessment)?;
    let kind = |line: &StatedLine| {
        let of = assessment.lines.iter().find(|assessed| assessed.number == line.number);
        of.map_or(TaxKind::AdValorem, |assessed| assessed.kind)
    };
    to_customs(&statement.content(&id(parcel), Some(times.day()), kind)?)
}

/// The claim of a parcel that goes back, or of one whose money goes back without it.
pub(super) fn claim(parcel: &Parcel, times: Times, assessment: &Assessment) -> Result<Option<(&'static str, Content)>> {
    let how = match (parcel.back, parcel.fault) {
        (Some(back), _) => back,
        (None, Some(Fault::ClaimedTwice | Fault::RefundedNotReturned)) => Back::VendorCorrection,
        _ => return Ok(None),
    };
    let proven = !parcel.has(Fault::RefundedNotReturned);
    let (by, claim) = match how {
        Back::VendorCorrection => (PLATFORM, correction(parcel, times, assessment, proven)?),
        Back::Repayment => (POST_EU, repayment(parcel, times, assessment, "CLAIM", ClaimState::Paid)?),
    };
    Ok(Some((by, to_customs(&claim.content(&id(parcel), Some(times.day()))?)?)))
}

/// The second claim of what was claimed already.
pub(super) fn second_claim(parcel: &Parcel, times: Times, assessment: &Assessment) -> Result<Content> {
    let claim = repayment(parcel, times, assessment, "CLAIM2", ClaimState::Claimed)?;
    to_customs(&claim.content(&id(parcel), Some(times.day()))?)
}

/// The closed month of an account with its list.
pub(super) struct Month {
    pub(super) account: &'static str,
    /// Who owes it.
    pub(super) by: &'static str,
    pub(super) summary: Summary,
    /// Under which reference it is paid.
    pub(super) payment: String,
    pub(super) items: Vec<SummaryItem>,
}

/// The months of both accounts.
pub(super) fn months(world: &World, assessments: &[Assessment], book: &RevenueBook) -> Result<[Month; 2]> {
    Ok([month(world, assessments, book, IOSS, PLATFORM)?, month(world, assessments, book, DEFERMENT, POST_EU)?])
}

fn month(
    world: &World,
    assessments: &[Assessment],
    book: &RevenueBook,
    account: &'static str,
    by: &'static str,
) -> Result<Month> {
    let period = world.times.period();
    let mut items = Vec::new();
    for (parcel, assessment) in world.parcels.iter().zip(assessments) {
        let listed = collects(parcel) && !parcel.has(Fault::SummaryLacks);
        if listed && parcel.account_of_tax() == account {
            let statement = statement(parcel, world.times, Stage::Collected, assessment)?;
            items.push(SummaryItem::of(&statement, id(parcel)));
        }
    }
    for ghost in world.ghosts.iter().filter(|ghost| ghost.account_of_tax() == account) {
        let assessment = owed(ghost, world.times, book)?;
        items.push(SummaryItem::of(&statement(ghost, world.times, Stage::Collected, &assessment)?, id(ghost)));
    }
    let (mut closing, period) = (Account::new(account), period.parse()?);
    for item in &items {
        closing.add(period, item)?;
    }
    let summary = closing.close(period)?.clone();
    Ok(Month { account, by, summary, payment: format!("{account}-{period}"), items })
}

impl Month {
    /// Its record, due on the day before, so that what is paid can be compared at once.
    pub(super) fn record(&self, times: Times) -> Result<Content> {
        let content = self.summary.content(&format!("SUM-{}", self.payment), Some(&self.payment))?;
        let mut record = content_to_json(&content);
        record["summary"]["due"] = json!(times.day().minus(1).to_string());
        record["handling"] = json!({ "destination_customs": CUSTOMS_EU });
        Ok(content_from_json(&record)?)
    }

    /// Its list, which its root commits to, as JSON.
    pub(super) fn list(&self) -> Value {
        let line = |line: &StatedLine| {
            json!({
                "number": line.number, "tax": line.tax, "amount": line.amount.amount.with_places(2),
                "currency": line.amount.currency,
            })
        };
        let item = |item: &SummaryItem| {
            json!({
                "issuer": item.duty.issuer, "reference": item.duty.reference, "item": item.item, "territory": item.territory,
                "lines": item.lines.iter().map(line).collect::<Vec<_>>(),
            })
        };
        let items: Vec<Value> = self.items.iter().map(item).collect();
        json!({ "account": self.account, "period": self.summary.period.to_string(), "items": items })
    }

    /// What is paid: of the platform's month 30.00 less than is owed.
    fn paid(&self) -> Result<Money> {
        let owed = match self.summary.payable()?.as_slice() {
            [one] => *one,
            [] => Money::zero("EUR".parse()?),
            _ => bail!("account {} owes several currencies", self.account),
        };
        let short = match self.account {
            IOSS => Exact::new(SHORT.0, SHORT.1)?,
            _ => Exact::ZERO,
        };
        Ok(owed.minus(Money::new(short, owed.currency))?)
    }
}

/// The statement of the bank account of customs, camt.053: each month in one lump sum.
pub(super) fn bank_statement(months: &[Month], times: Times) -> Result<String> {
    let mut entries = String::new();
    for month in months {
        let (paid, day) = (month.paid()?, times.day());
        if paid.amount <= Exact::ZERO {
            continue;
        }
        entries += &format!(
            "    <Ntry><Amt Ccy=\"{}\">{}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{day}</Dt></BookgDt>\
             <AcctSvcrRef>BANK-{}</AcctSvcrRef><NtryDtls><TxDtls><Refs><EndToEndId>{}</EndToEndId></Refs></TxDtls></NtryDtls></Ntry>\n",
            paid.currency,
            paid.amount.with_places(2),
            month.account,
            month.payment,
        );
    }
    Ok(format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\">\n  <BkToCstmrStmt>\
         <Stmt>\n{entries}  </Stmt></BkToCstmrStmt>\n</Document>\n"
    ))
}

/// Whether duty and tax of it are collected.
pub(super) fn collects(parcel: &Parcel) -> bool {
    !parcel.has(Fault::NotCollected) && !parcel.has(Fault::NeverDeclared)
}

/// Whether what is collected is remitted.
pub(super) fn remits(parcel: &Parcel) -> bool {
    collects(parcel) && !parcel.has(Fault::NotRemitted)
}

fn model(parcel: &Parcel) -> CollectionModel {
    if parcel.ioss { CollectionModel::Vendor } else { CollectionModel::Consumer }
}

fn id(parcel: &Parcel) -> ItemId {
    ItemId::new(Some("s10"), None, &parcel.item)
}

fn assessed_reference(parcel: &Parcel) -> String {
    format!("DUTY-{}", parcel.item)
}

fn statement(parcel: &Parcel, times: Times, stage: Stage, assessment: &Assessment) -> Result<Statement> {
    let reference = match stage {
        Stage::Remitted => format!("REMITTED-{}", parcel.item),
        _ => format!("COLLECTED-{}", parcel.item),
    };
    let line = |line: &luxor_protocol::revenue::TaxLine| StatedLine {
        number: line.number,
        tax: line.tax.clone(),
        amount: line.amount,
    };
    Ok(Statement {
        record: RecordRef { issuer: parcel.collector().parse()?, reference },
        revision: 0,
        cancelled: false,
        stage,
        model: model(parcel),
        territory: parcel.buyer.country.parse()?,
        day: times.day(),
        about: Some(RecordRef { issuer: CUSTOMS_EU.parse()?, reference: assessed_reference(parcel) }),
        account: Some(parcel.account_of_tax().to_owned()),
        period: Some(times.period().parse()?),
        payment_reference: None,
        lines: assessment.lines.iter().map(line).collect(),
    })
}

/// The vendor's own correction of the tax that it collected.
fn correction(parcel: &Parcel, times: Times, assessment: &Assessment, proven: bool) -> Result<Claim> {
    let mut claim = draft(parcel, times, assessment, PLATFORM, "CLAIM", Procedure::VendorCorrection)?;
    claim.state = ClaimState::Accepted;
    if proven {
        claim.proofs = vec![Proof { kind: "cancellation".to_owned(), due: None, given_on: Some(times.day()) }];
    }
    Ok(claim)
}

/// A claim of an intermediary under a mandate.
fn repayment(parcel: &Parcel, times: Times, assessment: &Assessment, prefix: &str, state: ClaimState) -> Result<Claim> {
    let mut claim = draft(parcel, times, assessment, POST_EU, prefix, Procedure::Repayment)?;
    let (from, until) = (times.day().minus(CLAIM_DAYS), times.day().plus(CLAIM_DAYS));
    let reference = format!("MANDATE-{}", parcel.order);
    claim.capacity = Capacity::Intermediary;
    claim.mandate = Some(Mandate { reference, from: Some(from), until: Some(until) });
    claim.state = state;
    claim.proofs = vec![Proof { kind: "export".to_owned(), due: None, given_on: Some(times.day()) }];
    Ok(claim)
}

fn draft(
    parcel: &Parcel,
    times: Times,
    assessment: &Assessment,
    by: &str,
    prefix: &str,
    procedure: Procedure,
) -> Result<Claim> {
    let customs: MemberId = CUSTOMS_EU.parse()?;
    // Value added tax only; of no amount nothing is claimed.
    let taxed = assessment.lines.iter().filter(|line| line.tax == "B00" && line.amount.amount > Exact::ZERO);
    let lines = taxed.map(|line| {
        let duty = RecordRef { issuer: customs.clone(), reference: assessed_reference(parcel) };
        ClaimedLine { line: LineRef { duty, line: line.number }, tax: line.tax.clone(), amount: line.amount }
    });
    let lines: Vec<ClaimedLine> = match procedure {
        // One line is enough to be claimed twice.
        Procedure::Repayment if parcel.has(Fault::ClaimedTwice) => lines.take(1).collect(),
        _ => lines.collect(),
    };
    Ok(Claim {
        record: RecordRef { issuer: by.parse()?, reference: format!("{prefix}-{}", parcel.item) },
        revision: 0,
        cancelled: false,
        procedure,
        state: ClaimState::Claimed,
        territory: parcel.buyer.country.parse()?,
        capacity: Capacity::Vendor,
        mandate: None,
        claimed_on: Some(times.day()),
        until: Some(times.day().plus(CLAIM_DAYS)),
        lines,
        proofs: Vec::new(),
    })
}

fn to_customs(content: &Content) -> Result<Content> {
    handled(content, json!({ "destination_customs": CUSTOMS_EU }))
}

/// The same record with who is addressed, which agreements go by.
fn handled(content: &Content, handling: Value) -> Result<Content> {
    let mut record = content_to_json(content);
    record["handling"] = handling;
    Ok(content_from_json(&record)?)
}

#[cfg(test)]
mod tests {
    use luxor_protocol::formats::camt053;
    use luxor_protocol::revenue::{Due, Ledger, LedgerError, Outcome, match_payments};

    use super::*;

    fn world() -> (World, RevenueBook, Vec<Assessment>) {
        let times = Times { begins: "2026-11-26T10:00:00Z".parse().unwrap() };
        let (world, book) = (World::plan(7, 600, &[], times), book().unwrap());
        let owed = world.parcels.iter().map(|parcel| owed(parcel, times, &book).unwrap()).collect();
        (world, book, owed)
    }

    #[test]
    fn the_platform_pays_thirty_euro_less_than_it_owes_and_nobody_else_does() {
        let (world, book, owed) = world();
        let months = months(&world, &owed, &book).unwrap();
        let file = camt053(bank_statement(&months, world.times).unwrap().as_bytes()).unwrap();
        assert_eq!((file.entries.len(), file.refused.len()), (2, 0));
        let dues = months.iter().map(|month| Due {
            account: month.account.into(),
            period: month.summary.period,
            reference: month.payment.clone(),
            amount: month.summary.payable().unwrap()[0],
        });
        let matched = match_payments(&dues.collect::<Vec<_>>(), &file.entries).unwrap();
        let short = Money::new(Exact::whole(30), "EUR".parse().unwrap());
        let outcomes: Vec<_> = matched.matches.iter().map(|one| one.outcome).collect();
        assert_eq!(outcomes, [Outcome::Short(short), Outcome::Exact]);
        assert_eq!((matched.unpaid.len(), matched.unknown.len()), (0, 0));
    }

    #[test]
    fn summaries_have_what_is_collected_but_for_planted_faults() {
        let (world, book, owed) = world();
        let listed: usize = months(&world, &owed, &book).unwrap().iter().map(|month| month.items.len()).sum();
        let lacking = world.parcels.iter().filter(|parcel| parcel.has(Fault::SummaryLacks)).count();
        let collected = world.parcels.iter().filter(|parcel| collects(parcel)).count();
        assert!(lacking > 0 && !world.ghosts.is_empty());
        assert_eq!(listed, collected - lacking + world.ghosts.len());
    }

    #[test]
    fn every_first_claim_is_taken_and_every_second_one_is_refused_with_the_first() {
        let (world, book, owed) = world();
        let (mut first, mut second) = (0, 0);
        for (parcel, assessment) in world.parcels.iter().zip(&owed) {
            let Some((by, content)) = claim(parcel, world.times, assessment).unwrap() else { continue };
            let mut ledger = Ledger::default();
            let duty = assessed_record(parcel, world.times, assessment, &book).unwrap();
            ledger.state(Statement::of(&duty, &CUSTOMS_EU.parse().unwrap()).unwrap()).unwrap();
            let collected = later(parcel, world.times, Stage::Collected, assessment).unwrap();
            ledger.state(Statement::of(&collected, &parcel.collector().parse().unwrap()).unwrap()).unwrap();
            assert_eq!(ledger.discrepancies().len(), assessment.lines.len(), "only what is not remitted yet");
            let claimed = Claim::of(&content, &by.parse().unwrap()).unwrap();
            assert!(!claimed.lines.is_empty());
            ledger.claim(claimed).unwrap();
            first += 1;
            if parcel.has(Fault::ClaimedTwice) {
                let again = second_claim(parcel, world.times, assessment).unwrap();
                let error = ledger.claim(Claim::of(&again, &POST_EU.parse().unwrap()).unwrap()).unwrap_err();
                let LedgerError::GivenBack { first, .. } = error else { panic!("{error}") };
                assert_eq!(first.reference, format!("CLAIM-{}", parcel.item));
                second += 1;
            }
        }
        assert!(first > 3 && second > 0, "{first} {second}");
    }
}
