//! `luxor stats threshold`: what a de minimis threshold would change, collection models beside one another.

use std::collections::BTreeMap;

use luxor_protocol::names::CollectionModel;
use luxor_protocol::reference::{CurrencyState, RuleBook};
use luxor_protocol::revenue::Exact;
use luxor_protocol::statistics::{Cost, Month, Side, Thresholds};
use serde_json::json;

use super::{each_fact, refused};
use crate::args::{AmountArg, StatsThresholdArgs};
use crate::cmd::{some, today};
use crate::exit::{Exit, UsageError};
use crate::ui;

pub(super) fn run(args: &StatsThresholdArgs) -> anyhow::Result<Exit> {
    let book = RuleBook::builtin()?;
    let CurrencyState::Money(digits) = book.currencies.state(args.currency.as_str(), today()) else {
        return Err(UsageError(format!("{} is no currency in use", args.currency)).into());
    };
    let minor = |amount: &AmountArg| {
        let error = || {
            UsageError(format!(
                "an amount has more digits behind the point than {} has, {digits}, or is too large",
                args.currency
            ))
        };
        amount.minor(digits).ok_or_else(error)
    };
    let at: Vec<u64> = args.at.iter().map(minor).collect::<Result<_, _>>()?;
    let mut costs = BTreeMap::new();
    for cost in &args.cost {
        let one = Cost { per_item: minor(&cost.per_item)?, per_mille: cost.per_mille };
        if costs.insert(cost.model, one).is_some() {
            return Err(UsageError(format!("the cost of {} is named twice", cost.model)).into());
        }
    }
    let mut thresholds = Thresholds::new(&at, costs).map_err(|error| UsageError(error.to_string()))?;
    let months = |month: Month| args.from.is_none_or(|from| month >= from) && args.to.is_none_or(|to| month <= to);
    let (seen, taken) = each_fact(&args.facts, args.flow, months, |row| {
        let what = || {
            format!(
                "facts, line {}: {} items in one row\nhint: thresholds look at the value of each item; give each a row",
                row.line, row.sums.count
            )
        };
        thresholds.add(&row.item().ok_or_else(|| refused(what()))?);
        Ok(())
    })?;

    if args.json {
        ui::json(&figures(&thresholds, args))?;
    } else {
        print(&thresholds, digits)?;
    }
    ui::say(&format!("{} of {} counted", some(taken, "item"), ui::count(seen)));
    Ok(Exit::Ok)
}

const HEADING: [&str; 12] = [
    "threshold",
    "model",
    "items below",
    "value",
    "duty",
    "cost",
    "net",
    "items above",
    "value",
    "duty",
    "cost",
    "net",
];

fn print(thresholds: &Thresholds, digits: u8) -> anyhow::Result<()> {
    let mut table = ui::Table::new(&HEADING, &[0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    for row in thresholds.at() {
        let model = row.model.map_or("all", CollectionModel::word);
        let mut cells = vec![amount(row.threshold.into(), digits), model.to_owned()];
        cells.extend([row.below, row.above].iter().flat_map(|side| told(side, digits)));
        table.row(cells);
    }
    table.print()?;
    Ok(())
}

fn told(side: &Side, digits: u8) -> [String; 5] {
    let of = |figure: u128| amount(i128::try_from(figure).unwrap_or(i128::MAX), digits);
    [side.sums.count.to_string(), of(side.sums.value), of(side.sums.duty), of(side.cost), amount(side.net(), digits)]
}

/// Minor units as an amount, with all digits that its currency has.
fn amount(minor: i128, digits: u8) -> String {
    // A currency has four digits behind the point at most.
    Exact::new(minor, digits).map_or_else(|_| minor.to_string(), |amount| amount.with_places(digits))
}

fn figures(thresholds: &Thresholds, args: &StatsThresholdArgs) -> serde_json::Value {
    let side = |side: &Side| {
        json!({
            "count": side.sums.count.to_string(), "value": side.sums.value.to_string(), "mass": side.sums.mass.to_string(),
            "duty": side.sums.duty.to_string(), "cost": side.cost.to_string(), "net": side.net().to_string(),
        })
    };
    let rows = thresholds.at().into_iter().map(|row| {
        json!({
            "threshold": row.threshold.to_string(), "model": row.model.map(CollectionModel::word),
            "below": side(&row.below), "above": side(&row.above),
        })
    });
    let models = thresholds.models();
    let models = models.iter().map(|(model, all)| json!({ "model": model.word(), "all": side(all) }));
    json!({ "currency": args.currency.as_str(), "rows": rows.collect::<Vec<_>>(), "models": models.collect::<Vec<_>>() })
}
