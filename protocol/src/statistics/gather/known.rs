//! A record as it is kept while others come, and which version of each counts.

use std::collections::{BTreeMap, BTreeSet};

use super::parties::names;
use crate::accounting::standing::{Head, Holding};
use crate::hash::Digest;
use crate::life::{Action, ItemId, LinkKind, Paper, Row, Shown, others};
use crate::names::{CollectionModel, MemberId, Territory};
use crate::record::{Content, GroupSet, Value};
use crate::revenue::{Declared, Exact, Money, Stage};
use crate::time::Day;

#[derive(Debug)]
pub(super) struct Known {
    pub(super) issuer: MemberId,
    pub(super) table: &'static str,
    pub(super) reference: Option<String>,
    pub(super) head: Head,
    pub(super) item: Option<(ItemId, Option<Day>)>,
    /// Which groups of it are seen.
    pub(super) shown: GroupSet,
    pub(super) what: What,
}

#[derive(Debug)]
pub(super) enum What {
    Declared(Box<Declared>, [BTreeSet<String>; 3]),
    Duty { stage: Stage, model: Option<CollectionModel>, territory: Option<Territory>, later: bool, lines: Vec<Line> },
    Links { kind: LinkKind, others: Vec<(ItemId, Option<Day>)> },
    Nothing,
}

#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) tax: Option<String>,
    pub(super) goods: Option<u32>,
    pub(super) tariff: Option<String>,
    pub(super) amount: Money,
}

pub(super) fn what(paper: &Paper<'_>, content: &Content) -> What {
    match paper.table.name {
        "declaration" => match Declared::of(Shown::Own(content)) {
            Ok(declared) => What::Declared(Box::new(declared), names(paper)),
            Err(_) => What::Nothing,
        },
        "duty" => {
            let Some(stage) = paper.word("duty", "stage") else { return What::Nothing };
            let lines = paper.rows("lines").iter().filter_map(line).collect();
            let later = paper.text("duty", "about").is_some();
            let (model, territory) = (paper.word("duty", "model"), paper.word("duty", "territory"));
            What::Duty { stage, model, territory, later, lines }
        }
        "link" => match paper.word("relation", "kind") {
            Some(kind) => What::Links { kind, others: others(paper) },
            None => What::Nothing,
        },
        _ => What::Nothing,
    }
}

fn line(row: &Row) -> Option<Line> {
    let amount: Exact = match row.value("amount")? {
        Value::Decimal(decimal) => (*decimal).into(),
        _ => return None,
    };
    let goods = match row.value("goods_item") {
        Some(Value::Uint(number)) => u32::try_from(*number).ok(),
        _ => None,
    };
    let currency = row.text("currency")?.parse().ok()?;
    let text = |field: &str| row.text(field).map(str::to_owned);
    Some(Line { tax: text("tax"), goods, tariff: text("tariff"), amount: Money::new(amount, currency) })
}

/// What all versions of a record have in common: who issued it, its type, its reference; where that is hidden, the root of the first.
type Mark = (MemberId, &'static str, Option<String>, Option<Digest>);

/// The version of each record that counts, by when it was lodged.
pub(super) fn holding(all: BTreeMap<Digest, Known>) -> Vec<Known> {
    let mut versions: BTreeMap<Mark, Vec<Head>> = BTreeMap::new();
    for known in all.values() {
        let unnamed = known.reference.is_none().then(|| known.head.supersedes.unwrap_or(known.head.root));
        let mark = (known.issuer.clone(), known.table, known.reference.clone(), unnamed);
        versions.entry(mark).or_default().push(known.head.clone());
    }
    let holds: BTreeSet<Digest> = versions.values().filter_map(|heads| Holding::of(heads.iter()).holds()).collect();
    let counts = |known: &Known| holds.contains(&known.head.root) && known.head.action != Action::Cancellation;
    let mut holding: Vec<Known> = all.into_values().filter(counts).collect();
    holding.sort_by_key(|known| (known.head.at, known.head.root));
    holding
}
