//! One item: what differs, and when it has to be looked at again because a term ends.
//!
//! A pure function of the facts that links join, the rules and the time. Not here: how facts are found (`closure`), months of accounts
//! (`period`) and summaries (`owed`).

use std::collections::{BTreeMap, BTreeSet};

use super::class::{Class, Difference, Finding, Key, Side, Subject};
use super::closure::{Closure, Fact, Item};
use super::rules::{Rules, TermKind, ToleranceKind};
use super::said::{Claimed, Duty, Happening, Kind, Measured, Role, Said};
use crate::names::{CollectionModel, Currency, MemberId, Territory};
use crate::recognition::Period;
use crate::revenue::{
    Claim, ClaimState, Discrepancy, Exact, Ledger, LedgerError, Money, Procedure, RecordRef, Stage, Statement,
};
use crate::time::Millis;

/// What was found of one item.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Judged {
    pub(super) findings: Vec<Finding>,
    /// When a term ends first that runs.
    pub(super) due: Option<Millis>,
}

/// What a judgement is made by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bench<'r> {
    pub(super) rules: &'r Rules,
    /// Where this member is; arrivals are expected of what goes there. Everywhere without it.
    pub(super) home: Option<Territory>,
    pub(super) now: Millis,
}

/// Judges the item at a place of what is joined.
pub(super) fn judge(closure: &Closure, place: usize, bench: Bench<'_>) -> Judged {
    let item = &closure.items[place];
    let Some(first) = item.facts.first() else { return Judged::default() };
    let mut judge = Judge { bench, item, closure, first: first.said.at, judged: Judged::default() };
    judge.arrivals();
    judge.measures();
    judge.releases();
    judge.told();
    judge.money();
    let off = &bench.rules.off;
    judge.judged.findings.retain(|finding| !off.contains(&finding.key.class));
    judge.judged.findings.sort_by(|a, b| a.key.cmp(&b.key));
    judge.judged
}

struct Judge<'c> {
    bench: Bench<'c>,
    item: &'c Item,
    closure: &'c Closure,
    /// When the first of its records was lodged.
    first: Millis,
    judged: Judged,
}

/// A record's side with what it says.
pub(super) fn side(what: &'static str, says: impl Into<String>, said: &Said) -> Side {
    Side {
        what,
        says: says.into(),
        by: Some(said.by.clone()),
        table: said.table.word(),
        reference: said.reference.clone(),
        root: Some(said.root),
        at: Some(said.at),
    }
}

fn counting(item: &Item) -> impl Iterator<Item = &Said> {
    item.facts.iter().filter(|fact| fact.holds).map(|fact| &fact.said)
}

impl<'c> Judge<'c> {
    fn counting(&self) -> impl Iterator<Item = &'c Said> + use<'c> {
        counting(self.item)
    }

    fn family(&self) -> impl Iterator<Item = &'c Said> + use<'c> {
        let closure = self.closure;
        self.item.family.iter().flat_map(move |place| counting(&closure.items[*place]))
    }

    fn joined(&self) -> impl Iterator<Item = &'c Said> + use<'c> {
        let closure = self.closure;
        self.item.joined.iter().flat_map(move |place| counting(&closure.items[*place]))
    }

    fn find(
        &mut self,
        class: Class,
        about: &str,
        since: Millis,
        text: String,
        sides: Vec<Side>,
        difference: Option<Difference>,
    ) {
        let key = Key { class, subject: Subject::Item(self.item.key.clone()), about: about.to_owned() };
        let period = Period::of(self.first.day());
        self.judged.findings.push(Finding { key, period, since, text, sides, difference });
    }

    /// Whether a term that began is over; else it is looked at again when it is. Without a rule it never is.
    fn over(&mut self, what: TermKind, begins: Millis) -> bool {
        match self.bench.rules.ends(what, begins) {
            None => false,
            Some(end) if end <= self.bench.now => true,
            Some(end) => {
                self.judged.due = Some(self.judged.due.map_or(end, |due| due.min(end)));
                false
            }
        }
    }

    fn arrivals(&mut self) {
        let comes = |said: &&Said| match &said.what.0 {
            Kind::Declared { filing, destination, .. } if filing.role() != Role::Other => {
                match (self.bench.home, destination) {
                    (Some(home), Some(to)) => home.contains(*to) || to.contains(home),
                    _ => true,
                }
            }
            _ => false,
        };
        let arrived = |said: &&Said| matches!(said.what.0, Kind::Happened(Happening::Arrived));
        let declared: Vec<&Said> = self.counting().filter(comes).collect();
        let came: Vec<&Said> = self.counting().filter(arrived).collect();
        let any = |said: &Said| matches!(said.what.0, Kind::Declared { .. });
        if let Some(first) = declared.first()
            && !self.family().any(|said| arrived(&said))
            && self.over(TermKind::Arrival, first.at)
        {
            let text = format!("declared by {} and not arrived", first.by);
            let sides = declared.iter().map(|said| side("declared", "to come", said)).collect();
            self.find(Class::NeverArrived, "", first.at, text, sides, None);
        }
        if let Some(first) = came.first()
            && !self.family().any(any)
            && self.over(TermKind::Declaration, first.at)
        {
            let text = format!("arrived, says {}, and not declared", first.by);
            let sides = came.iter().map(|said| side("arrived", "here", said)).collect();
            self.find(Class::NeverDeclared, "", first.at, text, sides, None);
        }
    }

    fn measures(&mut self) {
        let declared = |wanted: Role| -> Vec<(&Said, &Measured)> {
            let fits = |said: &'c Said| match &said.what.0 {
                Kind::Declared { filing, measured, .. } if filing.role() == wanted => Some((said, measured)),
                _ => None,
            };
            self.counting().filter_map(fits).collect()
        };
        let (advance, import) = (declared(Role::Advance), declared(Role::Import));
        let weighed: Vec<(&Said, &Measured)> = self
            .counting()
            .filter_map(|said| match &said.what.0 {
                Kind::Weighed(measured) => Some((said, measured)),
                _ => None,
            })
            .collect();
        let packages = |of: &Measured| of.packages.map(whole).into_iter().map(|n| (n, "packages".to_owned())).collect();
        let pieces = |of: &Measured| of.pieces.map(whole).into_iter().map(|n| (n, "pieces".to_owned())).collect();
        let mass = |of: &Measured| of.mass.into_iter().map(|n| (n, "kg".to_owned())).collect();
        let value = |of: &Measured| of.value.iter().map(|money| (money.amount, money.currency.to_string())).collect();
        type Read<'r> = &'r dyn Fn(&Measured) -> Vec<(Exact, String)>;
        let kinds: [(Class, ToleranceKind, Read<'_>, bool); 4] = [
            (Class::QuantityDiffers, ToleranceKind::Packages, &packages, true),
            (Class::QuantityDiffers, ToleranceKind::Pieces, &pieces, false),
            (Class::MassDiffers, ToleranceKind::Mass, &mass, true),
            (Class::ValueDiffers, ToleranceKind::Value, &value, false),
        ];
        for (class, what, read, by_weighing) in kinds {
            let mut pairs: Vec<Pair<'_>> = Vec::new();
            let mut compare = |one: &[(&'c Said, &Measured)],
                               name: &'static str,
                               other: &[(&'c Said, &Measured)],
                               found: &'static str| {
                for ((declared, from), (accounted, to)) in
                    one.iter().flat_map(|one| other.iter().map(move |other| (*one, *other)))
                {
                    // Whoever weighs what it declared itself says nothing new.
                    if declared.by == accounted.by && found == "weighed" {
                        continue;
                    }
                    for (amount, unit) in read(from) {
                        for (theirs, _) in read(to).into_iter().filter(|(_, theirs)| *theirs == unit) {
                            let day = declared.at.day();
                            if !self.bench.rules.agree(what, amount, theirs, day) {
                                pairs.push(Pair {
                                    declared,
                                    name,
                                    amount,
                                    accounted,
                                    found,
                                    theirs,
                                    unit: unit.clone(),
                                });
                            }
                        }
                    }
                }
            };
            compare(&advance, "declared", &import, "accounted");
            if by_weighing {
                compare(&advance, "declared", &weighed, "weighed");
                compare(&import, "accounted", &weighed, "weighed");
            }
            self.differ(class, what.word(), pairs);
        }
        self.duties(&advance, &import);
    }

    /// Duty that declarations name against what is assessed, by currency.
    fn duties(&mut self, advance: &[(&'c Said, &Measured)], import: &[(&'c Said, &Measured)]) {
        let mut assessed: BTreeMap<Currency, (Exact, Vec<&Said>)> = BTreeMap::new();
        for said in self.counting() {
            let Kind::Duty(Duty { stage: Stage::Assessed, lines, .. }) = &said.what.0 else { continue };
            for line in lines {
                let (sum, by) = assessed.entry(line.amount.currency).or_insert((Exact::ZERO, Vec::new()));
                *sum = sum.plus(line.amount.amount).unwrap_or(*sum);
                if by.last().is_none_or(|last| last.root != said.root) {
                    by.push(said);
                }
            }
        }
        let mut pairs: Vec<Pair<'_>> = Vec::new();
        for (declared, measured) in advance.iter().chain(import) {
            for money in &measured.duty {
                let Some((sum, by)) = assessed.get(&money.currency) else { continue };
                if !self.bench.rules.agree(ToleranceKind::Duty, money.amount, *sum, declared.at.day()) {
                    pairs.extend(by.iter().map(|accounted| Pair {
                        declared,
                        name: "declared",
                        amount: money.amount,
                        accounted,
                        found: "assessed",
                        theirs: *sum,
                        unit: money.currency.to_string(),
                    }));
                }
            }
        }
        self.differ(Class::DutyDiffers, "", pairs);
    }

    fn differ(&mut self, class: Class, about: &str, pairs: Vec<Pair<'_>>) {
        let by = |pair: &Pair<'_>| pair.theirs.minus(pair.amount).unwrap_or(Exact::ZERO);
        let size = |pair: &Pair<'_>| {
            let by = by(pair);
            if by.is_negative() { by.negative().unwrap_or(by) } else { by }
        };
        // The largest difference stands in the sentence; of equal ones the first.
        let Some(largest) = pairs.iter().max_by(|a, b| size(a).cmp(&size(b)).then_with(|| b.order().cmp(&a.order())))
        else {
            return;
        };
        let text = format!(
            "{} by {} as {} {unit}, {} by {} as {} {unit}",
            largest.name,
            largest.declared.by,
            largest.amount,
            largest.found,
            largest.accounted.by,
            largest.theirs,
            unit = largest.unit
        );
        let difference = Some(Difference { amount: by(largest), unit: largest.unit.clone() });
        let since = largest.declared.at.max(largest.accounted.at);
        let both = pairs.iter().flat_map(|pair| {
            [
                side(pair.name, format!("{} {}", pair.amount, pair.unit), pair.declared),
                side(pair.found, format!("{} {}", pair.theirs, pair.unit), pair.accounted),
            ]
        });
        let sides: BTreeSet<Side> = both.collect();
        self.find(class, about, since, text, sides.into_iter().collect(), difference);
    }

    fn releases(&mut self) {
        let mut by_issuer: BTreeMap<&MemberId, Vec<&Said>> = BTreeMap::new();
        for said in self.counting() {
            if matches!(said.what.0, Kind::Answered { released: true, .. }) {
                by_issuer.entry(&said.by).or_default().push(said);
            }
        }
        for (issuer, all) in by_issuer {
            let [_, second, ..] = all.as_slice() else { continue };
            let text = format!("released {} times by {issuer}", all.len());
            let sides = all.iter().map(|said| side("released", "released", said)).collect();
            self.find(Class::ReleasedTwice, issuer.as_str(), second.at, text, sides, None);
        }
    }

    /// Records of one issuer and filing that went to different recipients.
    fn told(&mut self) {
        let mut groups: BTreeMap<(&MemberId, &str, &str), Vec<&Said>> = BTreeMap::new();
        for Fact { said, .. } in self.item.facts.iter().filter(|fact| fact.live) {
            let name = match &said.what.0 {
                Kind::Declared { filing, .. } => filing.word(),
                _ => said.reference.as_deref().unwrap_or_default(),
            };
            if !said.told.is_empty() && !name.is_empty() {
                groups.entry((&said.by, said.table.word(), name)).or_default().push(said);
            }
        }
        for ((by, table, name), all) in groups {
            let Some(other) = all.iter().find(|said| said.told != all[0].told) else { continue };
            let to = |said: &Said| said.told.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let text =
                format!("{by} told {} of one {} and {} of another", to(all[0]), table.replace('_', " "), to(other));
            let since = all.iter().map(|said| said.at).max().unwrap_or_default();
            let sides = all.iter().map(|said| side("told", format!("to {}", to(said)), said)).collect();
            self.find(Class::ToldDifferently, &format!("{table} {name} of {by}"), since, text, sides, None);
        }
    }

    /// Duty and tax of the item, with claims wherever they stand in what is joined.
    fn money(&mut self) {
        let (mut ledger, mut of_line) = (Ledger::default(), BTreeMap::new());
        let own: BTreeSet<_> = self.counting().map(|said| said.root).collect();
        let mut statements: Vec<&Said> = self.joined().filter(|said| matches!(said.what.0, Kind::Duty(_))).collect();
        statements.sort_by_key(|said| (said.at, said.root));
        for &said in &statements {
            let Kind::Duty(duty) = &said.what.0 else { continue };
            if let Err(error) = ledger.state(statement(said, duty))
                && own.contains(&said.root)
            {
                let sides = vec![side(duty.stage.word(), total(duty), said)];
                self.find(Class::DutyDiffers, &said.named().to_string(), said.at, sentence(&error), sides, None);
            }
            let of = duty.about.clone().unwrap_or_else(|| said.named());
            of_line.entry(of).or_insert_with(Vec::new).push((said, duty));
        }
        let mut claims: Vec<&Said> = self.joined().filter(|said| matches!(said.what.0, Kind::Claim(_))).collect();
        claims.sort_by_key(|said| (said.at, said.root));
        for &said in &claims {
            let Kind::Claim(claimed) = &said.what.0 else { continue };
            let Err(error) = ledger.claim(claim(said, claimed)) else { continue };
            if !own.contains(&said.root) {
                continue;
            }
            let amount = claimed.lines.first().map(|line| line.amount.to_string()).unwrap_or_default();
            let mut sides = vec![side("claimed", amount, said)];
            let class = match &error {
                LedgerError::GivenBack { first, .. } => {
                    let earlier = claims.iter().find(|other| other.named() == *first);
                    sides.extend(earlier.map(|other| side("claimed before", first.to_string(), other)));
                    Class::GivenBackTwice
                }
                _ => Class::ClaimInvalid,
            };
            self.find(class, &said.named().to_string(), said.at, sentence(&error), sides, None);
        }
        self.stages(&ledger, &of_line, &own);
        self.refunds(&ledger, &of_line, &own, &claims);
    }

    /// What is collected against what is assessed, and what is remitted against what is collected, by record of duty.
    fn stages(&mut self, ledger: &Ledger, of_line: &OfLine<'_>, own: &BTreeSet<crate::hash::Digest>) {
        let mut by_duty: BTreeMap<(Class, &RecordRef), Vec<Option<Money>>> = BTreeMap::new();
        let discrepancies = ledger.discrepancies();
        for one in &discrepancies {
            let (class, line, by) = match one {
                Discrepancy::NotAssessed(line) => (Class::NotAssessed, line, None),
                Discrepancy::Collected(line, by) if by.amount.is_negative() => (Class::NotCollected, line, Some(*by)),
                Discrepancy::Collected(line, by) => (Class::CollectedOver, line, Some(*by)),
                Discrepancy::Remitted(line, by) if by.amount.is_negative() => {
                    (Class::CollectedNotRemitted, line, Some(*by))
                }
                Discrepancy::Remitted(line, by) => (Class::RemittedNotCollected, line, Some(*by)),
                // A claim that does not fit any more is told where it stands.
                Discrepancy::ClaimWithoutLine(..) | Discrepancy::ClaimTooMuch(..) => continue,
            };
            by_duty.entry((class, &line.duty)).or_default().push(by);
        }
        for ((class, duty), by) in by_duty {
            let Some(all) = of_line.get(duty) else { continue };
            // Of several items that are joined it is told at the one where the record stands that began it.
            let Some((first, _)) = all.first().filter(|(said, _)| own.contains(&said.root)) else { continue };
            let at = |stage: Stage| all.iter().filter(|(_, duty)| duty.stage == stage).map(|(said, _)| said.at).min();
            let begins = match class {
                Class::NotCollected => Some((TermKind::Collection, at(Stage::Assessed).unwrap_or(first.at))),
                Class::CollectedNotRemitted => Some((TermKind::Remittance, at(Stage::Collected).unwrap_or(first.at))),
                // Lines that name no assessment stand for themselves.
                Class::NotAssessed if all.iter().all(|(_, duty)| duty.about.is_none()) => continue,
                _ => None,
            };
            if let Some((term, begins)) = begins
                && !self.over(term, begins)
            {
                continue;
            }
            let since = begins.map_or_else(|| all.iter().map(|(said, _)| said.at).max(), |(_, begins)| Some(begins));
            let difference = one_sum(by.iter().flatten());
            let words = match class {
                Class::NotCollected => "is assessed and not all of it collected",
                Class::CollectedOver => "is collected beyond what is assessed",
                Class::CollectedNotRemitted => "is collected and not all of it remitted",
                Class::RemittedNotCollected => "is remitted beyond what is collected",
                _ => "is not known, and is collected or remitted",
            };
            let amount = difference.as_ref().map(|one| format!(" ({} {})", one.amount, one.unit)).unwrap_or_default();
            let sides = all.iter().map(|(said, duty)| side(duty.stage.word(), total(duty), said)).collect();
            let text = format!("duty {duty} {words}{amount}");
            self.find(class, &duty.to_string(), since.unwrap_or(first.at), text, sides, difference);
        }
    }

    fn refunds(
        &mut self,
        ledger: &Ledger,
        of_line: &OfLine<'_>,
        own: &BTreeSet<crate::hash::Digest>,
        claims: &[&'c Said],
    ) {
        let returned = |said: &&Said| matches!(said.what.0, Kind::Happened(Happening::Returned));
        let events: Vec<&Said> = self.counting().filter(returned).collect();
        let mut back: Vec<&Said> = events.iter().copied().chain(&self.item.sent_back).collect();
        back.sort_by_key(|said| (said.at, said.root));
        let lines = ledger.lines();
        let ours = |duty: &RecordRef| {
            of_line.get(duty).is_some_and(|all| all.iter().any(|(said, _)| own.contains(&said.root)))
        };
        let ours: Vec<_> = lines.iter().filter(|line| ours(&line.line.duty)).collect();
        let taxed: Vec<Money> =
            ours.iter().map(|line| line.collected).filter(|money| money.amount > Exact::ZERO).collect();
        let refunded =
            ours.iter().any(|line| line.given_back.as_ref().is_some_and(|back| is_refund(back.procedure, back.state)));
        if let Some(first) = back.first()
            && !taxed.is_empty()
            && !refunded
            && self.over(TermKind::Refund, first.at)
        {
            let text = format!("went back, says {}, and nothing of its tax was given back", first.by);
            let mut sides: Vec<Side> = back.iter().map(|said| side("returned", "went back", said)).collect();
            for (said, duty) in of_line.values().flatten() {
                if own.contains(&said.root) && duty.stage == Stage::Collected {
                    sides.push(side("collected", total(duty), said));
                }
            }
            let difference = one_sum(taxed.iter());
            self.find(Class::ReturnedNotRefunded, "", first.at, text, sides, difference);
        }
        let goes_back =
            |item: &Item| item.is_return || !item.sent_back.is_empty() || counting(item).any(|said| returned(&said));
        let refunds: Vec<&Said> = self
            .counting()
            .filter(|said| match &said.what.0 {
                Kind::Claim(claim) => is_refund(claim.procedure, claim.state) && !claim.proven,
                Kind::Settled { refunded } => *refunded,
                _ => false,
            })
            .collect();
        let proven = claims.iter().any(|said| matches!(&said.what.0, Kind::Claim(claim) if claim.proven));
        if let Some(first) = refunds.first()
            && !proven
            && !self.item.joined.iter().any(|place| goes_back(&self.closure.items[*place]))
            && self.over(TermKind::Return, first.at)
        {
            let text = format!("given back, says {}, and nothing shows that the goods went back", first.by);
            let sides = refunds.iter().map(|said| side("given back", refund_of(said), said)).collect();
            self.find(Class::RefundedNotReturned, "", first.at, text, sides, None);
        }
    }
}

type OfLine<'c> = BTreeMap<RecordRef, Vec<(&'c Said, &'c Duty)>>;

struct Pair<'c> {
    declared: &'c Said,
    name: &'static str,
    amount: Exact,
    accounted: &'c Said,
    found: &'static str,
    theirs: Exact,
    unit: String,
}

impl Pair<'_> {
    fn order(&self) -> (Millis, crate::hash::Digest, Millis, crate::hash::Digest, &str) {
        (self.declared.at, self.declared.root, self.accounted.at, self.accounted.root, &self.unit)
    }
}

fn whole(number: u64) -> Exact {
    Exact::whole(i64::try_from(number).unwrap_or(i64::MAX))
}

/// Whether money came back by a claim, or none had to.
fn is_refund(procedure: Procedure, state: ClaimState) -> bool {
    match procedure {
        Procedure::Repayment | Procedure::Drawback => state == ClaimState::Paid,
        _ => matches!(state, ClaimState::Accepted | ClaimState::Paid),
    }
}

fn refund_of(said: &Said) -> String {
    match &said.what.0 {
        Kind::Claim(claim) => format!("{} {}", claim.procedure, claim.state),
        _ => "refunded".to_owned(),
    }
}

/// The sum, where all are of one currency.
fn one_sum<'m>(all: impl Iterator<Item = &'m Money>) -> Option<Difference> {
    let mut all = all.peekable();
    let currency = all.peek()?.currency;
    let sum = Money::sum(currency, all.copied()).ok()?;
    Some(Difference { amount: sum.amount, unit: currency.to_string() })
}

fn total(duty: &Duty) -> String {
    let mut sums: BTreeMap<Currency, Exact> = BTreeMap::new();
    for line in &duty.lines {
        let sum = sums.entry(line.amount.currency).or_insert(Exact::ZERO);
        *sum = sum.plus(line.amount.amount).unwrap_or(*sum);
    }
    let all: Vec<String> =
        sums.into_iter().map(|(currency, amount)| Money::new(amount, currency).to_string()).collect();
    all.join(", ")
}

/// Without the hint, which is for whoever hands the record in.
fn sentence(error: &LedgerError) -> String {
    let text = error.to_string();
    text.split("\nhint").next().unwrap_or_default().to_owned()
}

fn statement(said: &Said, duty: &Duty) -> Statement {
    Statement {
        record: said.named(),
        revision: said.revision,
        cancelled: false,
        stage: duty.stage,
        // The account of an item does not depend on who collects.
        model: CollectionModel::Consumer,
        territory: duty.territory,
        day: duty.day,
        about: duty.about.clone(),
        account: duty.account.clone(),
        period: duty.period,
        payment_reference: None,
        lines: duty.lines.clone(),
    }
}

fn claim(said: &Said, claimed: &Claimed) -> Claim {
    Claim {
        record: said.named(),
        revision: said.revision,
        cancelled: false,
        procedure: claimed.procedure,
        state: claimed.state,
        territory: claimed.territory,
        capacity: claimed.capacity,
        mandate: claimed.mandate.clone(),
        claimed_on: claimed.claimed_on,
        until: claimed.until,
        lines: claimed.lines.clone(),
        proofs: Vec::new(),
    }
}
