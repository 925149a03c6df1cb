//! Rules about several values: masses against each other, the value of all goods against thresholds, goods items against each other.

use super::pass::{At, Goods, Pass};
use crate::record::{Decimal, Scope};
use crate::reference::{Rule, ThresholdKind, millionths};

impl Pass<'_, '_> {
    /// Net and gross masses.
    pub(super) fn masses(&mut self) {
        if let Some((gross, at)) = self.facts.gross {
            self.gross(gross, at, self.facts.postal);
        }
        let (mut sum, mut above) = (0i128, false);
        let gross = self.facts.gross.filter(|(gross, _)| gross.mantissa > 0);
        for nth in 0..self.facts.goods.len() {
            let Goods { net, gross: own_gross, units, .. } = self.facts.goods[nth];
            if let Some((gross, at)) = own_gross {
                self.gross(gross, at, false);
            }
            let Some((net, at)) = net else { continue };
            sum += millionths(net);
            match net.mantissa {
                ..0 => self.find(Rule::MassNetNegative, at, None, || format!("the net mass {net} kg is below zero")),
                0 => self.find(Rule::MassNetZero, at, None, || "the net mass is zero".into()),
                _ => self.piece(net, at, units),
            }
            // Its own gross mass, and that of everything.
            let bounds = [own_gross.filter(|(gross, _)| gross.mantissa > 0), gross];
            let passed = bounds.into_iter().flatten().find(|(gross, _)| millionths(net) > millionths(*gross));
            if let Some((gross, _)) = passed {
                above = true;
                self.find(Rule::MassNetAboveGross, at, None, || format!("net {net} kg is more than gross {gross} kg"));
            }
        }
        if let Some((gross, at)) = gross.filter(|(gross, _)| !above && sum > millionths(*gross)) {
            self.find(Rule::MassNetSum, at, None, || {
                format!("the net masses are {} kg together, more than gross {gross} kg", in_words(sum))
            });
        }
    }

    fn gross(&mut self, gross: Decimal, at: At, postal: bool) {
        let bounds = &self.checker.book.plausible;
        match gross.mantissa {
            ..0 => self.find(Rule::MassGrossNegative, at, None, || format!("the gross mass {gross} kg is below zero")),
            0 => self.find(Rule::MassGrossZero, at, None, || "the gross mass is zero".into()),
            _ if postal && millionths(gross) > millionths(bounds.postal_most_kg) => {
                let most = bounds.postal_most_kg;
                self.find(Rule::MassPostal, at, Some(&bounds.listed), || {
                    format!("{gross} kg; a postal item has at most {most} kg")
                });
            }
            _ => {}
        }
    }

    fn piece(&mut self, net: Decimal, at: At, units: Option<u64>) {
        let bounds = &self.checker.book.plausible;
        let units = i128::from(units.unwrap_or(1));
        if units == 0 {
            return;
        }
        let net_of_all = millionths(net);
        let least = millionths(bounds.piece_least_kg).saturating_mul(units);
        let most = millionths(bounds.piece_most_kg).saturating_mul(units);
        if net_of_all < least || net_of_all > most {
            self.find(Rule::MassPiece, at, Some(&bounds.listed), || {
                format!("{net} kg for {units} is not believed of a piece")
            });
        }
    }

    /// The value of all goods against the thresholds of the destination; one IOSS number for all.
    pub(super) fn values(&mut self) {
        if let Some(at) = self.facts.ioss_other {
            self.find(Rule::IossSeveral, at, Some(&self.checker.book.ioss), || {
                "another IOSS number than the first; a consignment has one".into()
            });
        }
        let Some(destination) = self.facts.destination else { return };
        let (book, day) = (&self.checker.book, self.day);
        if let Some((_, at)) = self.facts.ioss {
            for threshold in book.thresholds(ThresholdKind::Ioss, destination, day) {
                let value = self.value_in(&threshold.currency);
                if let Some(value) = value.filter(|value| *value > millionths(threshold.most)) {
                    let (most, currency) = (threshold.most, &threshold.currency);
                    self.find(Rule::IossThreshold, at, Some(&threshold.listed), || {
                        format!("goods of {currency} {}; IOSS is for at most {currency} {most}", in_words(value))
                    });
                }
            }
        }
        if let Some((set, at)) = self.facts.data_set {
            for threshold in book.thresholds(ThresholdKind::Simplified, destination, day) {
                if !threshold.data_sets.iter().any(|one| one == set) {
                    continue;
                }
                let value = self.value_in(&threshold.currency);
                if let Some(value) = value.filter(|value| *value > millionths(threshold.most)) {
                    let (most, currency) = (threshold.most, &threshold.currency);
                    self.find(Rule::SimplifiedThreshold, at, Some(&threshold.listed), || {
                        format!("goods of {currency} {}; {set} is for at most {currency} {most}", in_words(value))
                    });
                }
            }
        }
    }

    /// The value of all goods in a currency, in millionths. `None` where one has no value or currency, or there is no rate.
    pub(super) fn value_in(&self, currency: &str) -> Option<i128> {
        let goods = &self.facts.goods;
        let one = |goods: &Goods<'_>| {
            let (amount, _) = goods.amount?;
            self.checker.book.in_millionths(millionths(amount), goods.currency?, currency, self.day)
        };
        if goods.is_empty() { None } else { goods.iter().try_fold(0i128, |sum, goods| sum.checked_add(one(goods)?)) }
    }

    /// Goods items without a description, and those that are there twice.
    pub(super) fn goods(&mut self) {
        let of_goods = self.checker.plans.iter().enumerate().filter(|(_, plan)| plan.group.scope == Scope::Item);
        let groups: Vec<usize> = of_goods.map(|(at, _)| at).filter(|at| self.source.shows(*at)).collect();
        if groups.is_empty() || self.facts.cancelled {
            return;
        }
        let source = self.source;
        for nth in 0..self.facts.goods.len() {
            let leaves = |item: usize| groups.iter().map(move |group| source.leaf(*group, item));
            let Some(first) = groups.iter().copied().find(|group| !source.leaf(*group, nth).is_empty()) else {
                continue;
            };
            if let Some(same) = (0..nth).find(|before| leaves(*before).eq(leaves(nth))) {
                let at = At::of(first, nth, 0);
                self.find(Rule::GoodsDuplicate, at, None, || format!("the same as goods item {}", same + 1));
            }
            let Some(content) = self.checker.content.filter(|content| self.source.shows(*content)) else { continue };
            let field = self.checker.plans[content].group.fields.iter().position(|field| field.name == "description");
            if field.is_some() && self.has(content, field, Some(nth)) == Some(false) {
                let at = At::of(content, nth, field.unwrap_or(0));
                self.find(Rule::DescriptionMissing, at, None, || "nothing says what the goods are".into());
            }
        }
    }
}

/// Millionths as a decimal, without zeros at its end.
pub(super) fn in_words(millionths: i128) -> String {
    let sign = if millionths < 0 { "-" } else { "" };
    let digits = format!("{:07}", millionths.unsigned_abs());
    let (whole, fraction) = digits.split_at(digits.len() - 6);
    match fraction.trim_end_matches('0') {
        "" => format!("{sign}{whole}"),
        fraction => format!("{sign}{whole}.{fraction}"),
    }
}
