//! Everything from the beginning: all records are put together at once, each question is asked of all of them.
//!
//! What differs about one item is asked of the same function; which records are of one item, which count, what stands in months and which
//! corrections there are, is found here in another way.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::accounting::closure::{Closure, Fact, Item};
use crate::accounting::judge::{Bench, judge};
use crate::accounting::said::Kind;
use crate::life::{Action, ItemId, ItemKey, LinkKind, lives_of, place_in};
use crate::names::Currency;
use crate::recognition::Period;
use crate::revenue::Exact;
use crate::time::Day;

type Mentioned = (ItemId, Option<Day>, Millis);
type Node = (ItemId, usize);
type Totals = BTreeMap<(String, Period), BTreeMap<(String, Territory, Currency), Exact>>;

/// What everything comes to.
#[derive(Debug, PartialEq)]
pub(super) struct Whole {
    pub(super) findings: Vec<Finding>,
    pub(super) months: Totals,
    pub(super) corrections: BTreeSet<Correction>,
}

/// What names a record over its versions.
fn name(said: &Said) -> (Type, MemberId, String) {
    let reference = said.reference.clone().unwrap_or_else(|| format!("root {}", said.supersedes.unwrap_or(said.root)));
    (said.table, said.by.clone(), reference)
}

/// The versions that are live at a time, the one that holds first.
fn live<'s>(all: &[&'s Said], until: Millis) -> Vec<&'s Said> {
    let mut known: Vec<&Said> = all.iter().filter(|said| said.at <= until).copied().collect();
    known.sort_by_key(|said| (said.at, said.root));
    let others = known.clone();
    known.retain(|said| {
        !others.iter().any(|other| {
            other.revision > said.revision || (other.supersedes == Some(said.root) && other.revision >= said.revision)
        })
    });
    match known.first() {
        Some(first) if first.action != Action::Cancellation => known,
        _ => Vec::new(),
    }
}

fn mentions(said: &Said) -> Vec<Mentioned> {
    let others = match &said.what.0 {
        Kind::Links { others, .. } => others.clone(),
        _ => Vec::new(),
    };
    said.item.iter().cloned().chain(others).map(|(item, day)| (item, day, said.at)).collect()
}

pub(super) fn whole(records: &[Said], closes: &[Closed], rules: &Rules, home: Option<Territory>, now: Millis) -> Whole {
    let mut by_root: BTreeMap<Digest, Said> = BTreeMap::new();
    for said in records {
        match by_root.get_mut(&said.root) {
            Some(known) => known.join(said),
            None => drop(by_root.insert(said.root, said.clone())),
        }
    }
    let all: Vec<&Said> = by_root.values().collect();
    let mut versions: BTreeMap<_, Vec<&Said>> = BTreeMap::new();
    all.iter().for_each(|said| versions.entry(name(said)).or_default().push(said));
    let state = |said: &Said| {
        let live = live(&versions[&name(said)], Millis::MAX);
        (live.iter().any(|other| other.root == said.root), live.first().is_some_and(|first| first.root == said.root))
    };
    let mentioned: Vec<Mentioned> = all.iter().flat_map(|said| mentions(said)).collect();
    let lives = |item: &ItemId| {
        let of = |mention: &&Mentioned| mention.0 == *item;
        let posted = mentioned.iter().filter(of).filter_map(|(_, day, _)| *day).collect();
        lives_of(posted, mentioned.iter().filter(of).filter(|of| of.1.is_none()).map(|(.., at)| at.day()).collect())
    };
    let node = |(item, day): &(ItemId, Option<Day>), at: Millis| -> Option<Node> {
        Some((item.clone(), place_in(&lives(item), *day, at.day())?))
    };
    let numbers: BTreeSet<ItemId> = mentioned.iter().map(|(item, ..)| item.clone()).collect();
    let nodes: Vec<Node> =
        numbers.iter().flat_map(|item| (0..lives(item).len()).map(|life| (item.clone(), life))).collect();
    let mut edges: Vec<(Node, Node, LinkKind, &Said)> = Vec::new();
    for said in all.iter().filter(|said| state(said).1) {
        let Kind::Links { kind, others } = &said.what.0 else { continue };
        let Some(from) = said.item.as_ref().and_then(|item| node(item, said.at)) else { continue };
        let to = others.iter().filter_map(|item| node(item, said.at)).filter(|to| *to != from);
        edges.extend(to.map(|to| (from.clone(), to, *kind, *said)));
    }
    let same = |kind: LinkKind| matches!(kind, LinkKind::SameAs | LinkKind::Relabelled);
    let one = groups(&nodes, edges.iter().filter(|edge| same(edge.2)).map(|edge| (&edge.0, &edge.1)));
    let kin = edges.iter().filter(|edge| edge.2 != LinkKind::ReturnedAs);
    let family = groups(&nodes, kin.map(|edge| (&edge.0, &edge.1)));
    let joined = groups(&nodes, edges.iter().map(|edge| (&edge.0, &edge.1)));
    let mut closure = Closure::default();
    let firsts: Vec<Node> = one.values().cloned().collect::<BTreeSet<_>>().into_iter().collect();
    let place = |node: &Node| firsts.iter().position(|first| *first == one[node]).unwrap();
    let fact = |said: &Said| {
        let (live, holds) = state(said);
        Fact { said: said.clone(), live, holds }
    };
    for first in &firsts {
        let of: Vec<&Node> = nodes.iter().filter(|node| one[*node] == *first).collect();
        let mut keys: Vec<ItemKey> = of
            .iter()
            .map(|(item, life)| {
                let all = lives(item);
                let posted_on = all[*life].posted_on().or((all.len() > 1).then_some(all[*life].first));
                ItemKey { item: item.clone(), posted_on }
            })
            .collect();
        keys.sort();
        let named = |said: &Said| {
            let link = matches!(said.what.0, Kind::Links { .. });
            let node = said.item.as_ref().and_then(|item| node(item, said.at));
            !link && node.is_some_and(|node| one[&node] == *first)
        };
        let mut facts: Vec<Fact> = all.iter().filter(|said| named(said)).map(|said| fact(said)).collect();
        let declared: Vec<(MemberId, Option<String>, Option<String>)> = facts
            .iter()
            .filter_map(|fact| match &fact.said.what.0 {
                Kind::Declared { registration, .. } => {
                    Some((fact.said.by.clone(), fact.said.reference.clone(), registration.clone()))
                }
                _ => None,
            })
            .collect();
        for said in all.iter().filter(|said| said.item.is_none()) {
            let Kind::Answered { about, registration, .. } = &said.what.0 else { continue };
            let quotes = declared.iter().any(|(by, reference, registered)| {
                let by_reference =
                    about.as_ref().is_some_and(|(filer, about)| filer == by && Some(about) == reference.as_ref());
                by_reference || (registration.is_some() && registration == registered)
            });
            if quotes {
                facts.push(fact(said));
            }
        }
        facts.sort_by_key(|fact| (fact.said.at, fact.said.root));
        let back = edges.iter().filter(|edge| edge.2 == LinkKind::ReturnedAs && one[&edge.0] != one[&edge.1]);
        let mut sent_back: Vec<Said> =
            back.clone().filter(|edge| one[&edge.0] == *first).map(|edge| edge.3.clone()).collect();
        sent_back.sort_by_key(|said| (said.at, said.root));
        closure.items.push(Item {
            key: keys.remove(0),
            aliases: keys,
            rows: BTreeSet::new(),
            facts,
            family: firsts.iter().filter(|other| family[*other] == family[first]).map(place).collect(),
            joined: firsts.iter().filter(|other| joined[*other] == joined[first]).map(place).collect(),
            sent_back,
            is_return: back.clone().any(|edge| one[&edge.1] == *first),
        });
    }
    let bench = Bench { rules, home, now };
    let mut findings: Vec<Finding> =
        (0..closure.items.len()).flat_map(|place| judge(&closure, place, bench).findings).collect();
    findings.sort_by(|a, b| a.key.cmp(&b.key));
    let (mut months, mut corrections) = (Totals::new(), BTreeSet::new());
    for versions in versions.values() {
        account(versions, closes, rules, &mut months, &mut corrections);
    }
    months.retain(|_, totals| {
        totals.retain(|_, amount| !amount.is_zero());
        !totals.is_empty()
    });
    Whole { findings, months, corrections }
}

/// For each node the first of those that edges lead to.
fn groups<'e>(nodes: &[Node], edges: impl Iterator<Item = (&'e Node, &'e Node)>) -> BTreeMap<Node, Node> {
    let mut first: BTreeMap<Node, Node> = nodes.iter().map(|node| (node.clone(), node.clone())).collect();
    for (one, other) in edges {
        let (one, other) = (first[one].clone(), first[other].clone());
        let (low, high) = (one.clone().min(other.clone()), one.max(other));
        first.values_mut().filter(|group| **group == high).for_each(|group| *group = low.clone());
    }
    first
}

type Lines = BTreeMap<(String, Territory, Currency), Exact>;

fn account(
    versions: &[&Said],
    closes: &[Closed],
    rules: &Rules,
    months: &mut Totals,
    corrections: &mut BTreeSet<Correction>,
) {
    let at = |time: Millis| -> Option<((String, Period), Lines, &Said)> {
        let said = *live(versions, time).first()?;
        let Kind::Duty(duty) = &said.what.0 else { return None };
        let month = (duty.account.clone()?, duty.period?);
        let mut lines = Lines::new();
        for line in &duty.lines {
            let sum = lines.entry((line.tax.clone(), duty.territory, line.amount.currency)).or_insert(Exact::ZERO);
            *sum = sum.plus(line.amount.amount).unwrap();
        }
        (duty.stage == rules.summary_stage).then_some((month, lines, said))
    };
    let times: BTreeSet<Millis> = versions.iter().map(|said| said.at).collect();
    let touched: BTreeSet<(String, Period)> =
        times.iter().filter_map(|time| at(*time)).map(|(month, ..)| month).collect();
    for month in touched {
        let lines = |time: Millis| {
            at(time).filter(|(known, ..)| *known == month).map(|(_, lines, _)| lines).unwrap_or_default()
        };
        let closed = |period: Period, time: Millis| {
            closes.iter().any(|close| close.account == month.0 && close.period == period && close.at < time)
        };
        let last = times.iter().rev().find(|time| !closed(month.1, **time));
        for (key, amount) in last.map(|time| lines(*time)).unwrap_or_default() {
            let sum = months.entry(month.clone()).or_default().entry(key).or_insert(Exact::ZERO);
            *sum = sum.plus(amount).unwrap();
        }
        for time in times.iter().filter(|time| closed(month.1, **time)) {
            let before = times.range(..*time).next_back().map(|time| lines(*time)).unwrap_or_default();
            let after = lines(*time);
            let mut stands = month.1.next();
            while closed(stands, *time) {
                stands = stands.next();
            }
            let keys: BTreeSet<_> = before.keys().chain(after.keys()).collect();
            for key in keys {
                let of = |lines: &Lines| lines.get(key).copied().unwrap_or(Exact::ZERO);
                let amount = of(&after).minus(of(&before)).unwrap();
                if amount.is_zero() {
                    continue;
                }
                let by = at(*time).map(|(.., said)| said).unwrap_or_else(|| {
                    let then = versions.iter().filter(|said| said.at == *time).max_by_key(|said| said.root);
                    then.copied().unwrap()
                });
                corrections.insert(Correction {
                    account: month.0.clone(),
                    mends: month.1,
                    period: stands,
                    record: by.root,
                    tax: key.0.clone(),
                    territory: key.1,
                    currency: key.2,
                    amount,
                    reference: by.reference.clone(),
                    by: by.by.clone(),
                    why: match (before.is_empty(), after.is_empty()) {
                        (true, _) => Late::Late,
                        (_, true) => Late::Cancelled,
                        _ => Late::Corrected,
                    },
                });
            }
        }
    }
}
