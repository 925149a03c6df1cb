//! How far a sum of unknowns can be moved while every equation holds and nothing falls below its floor: the simplex method from a point
//! that is known to be possible, in exact fractions.
//!
//! What it returns is a point of whole numbers that is possible; so it is proof of an interval whatever the method did on its way.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::fraction::{Fraction, gcd};
use super::system::{Sum, add};

/// Unknowns that follow from others, and how far each one is above its floor.
#[derive(Debug, Clone)]
pub(crate) struct Program<'a> {
    /// By unknown: its change as a sum of changes of those that have no row.
    rows: Cow<'a, BTreeMap<u32, Sum>>,
    /// By unknown: how far above its floor.
    room: Vec<Fraction>,
}

impl Program<'_> {
    /// A program of unknowns that are so far above their floors.
    pub(crate) fn new(rows: BTreeMap<u32, Sum>, room: &[i128]) -> Self {
        Self { rows: Cow::Owned(rows), room: room.iter().map(|room| Fraction::whole(*room)).collect() }
    }

    /// Moves the sum `goal` of unknowns without a row up by `enough`, or as far as it goes. Returns how far each unknown is above its
    /// floor afterwards: a point of whole numbers, or nothing where there is none beside the first, or numbers do not fit 128 bits.
    pub(crate) fn raise(&self, goal: Sum, enough: i128) -> Option<Vec<i128>> {
        Program { rows: Cow::Borrowed(&*self.rows), room: self.room.clone() }.go_up(goal, enough)
    }

    fn go_up(mut self, mut goal: Sum, enough: i128) -> Option<Vec<i128>> {
        let first = self.room.clone();
        let mut wanted = Fraction::whole(enough);
        // Most often single unknowns have room enough, and no row has to be exchanged.
        for (unknown, factor) in &goal {
            if wanted.above() > 0 && self.is_open(*unknown, *factor) {
                self.step(*unknown, *factor, &mut wanted)?;
            }
        }
        // Each unknown enters and leaves some times; the rule of least numbers ends without it, so this bound is never met.
        let mut steps = 64 * (self.room.len() + 1);
        while wanted.above() > 0 && steps > 0 {
            steps -= 1;
            let Some((unknown, factor)) = self.entering(&goal) else { break };
            if let Some(row) = self.step(unknown, factor, &mut wanted)? {
                self.exchange(row, unknown, &mut goal)?;
            }
        }
        self.whole_point(&first)
    }

    /// Moves one unknown as far as is wanted or possible; returns the row that stops it.
    fn step(&mut self, unknown: u32, factor: Fraction, wanted: &mut Fraction) -> Option<Option<u32>> {
        let up = !factor.is_negative();
        let (limit, blocked) = self.limit(unknown, up)?;
        let each = if up { factor } else { factor.negative()? };
        // Whole steps keep points whole where factors are.
        let whole = Fraction::whole(wanted.over(each)?.ceiling()?);
        let step = match limit {
            Some(limit) if limit.compare(whole)? == Ordering::Less => limit,
            _ => whole,
        };
        self.go(unknown, if up { step } else { step.negative()? })?;
        *wanted = wanted.plus(each.times(step)?.negative()?)?;
        Some(blocked.filter(|_| limit == Some(step)))
    }

    /// The first unknown whose change in a direction that is open to it raises the goal.
    fn entering(&self, goal: &Sum) -> Option<(u32, Fraction)> {
        let mut open = goal.iter().filter(|(unknown, factor)| self.is_open(**unknown, **factor));
        open.next().map(|(unknown, factor)| (*unknown, *factor))
    }

    fn is_open(&self, unknown: u32, factor: Fraction) -> bool {
        !factor.is_negative() || !self.room_of(unknown).is_zero()
    }

    /// How far an unknown can go, and the row that stops it.
    fn limit(&self, unknown: u32, up: bool) -> Option<(Option<Fraction>, Option<u32>)> {
        let mut limit = (!up).then(|| self.room_of(unknown));
        let mut blocked = None;
        for (row, sum) in self.rows.iter() {
            let Some(factor) = sum.get(&unknown) else { continue };
            if factor.is_negative() != up {
                continue;
            }
            let each = if up { factor.negative()? } else { *factor };
            let far = self.room_of(*row).over(each)?;
            if limit.is_none_or(|limit| far.compare(limit) == Some(Ordering::Less)) {
                (limit, blocked) = (Some(far), Some(*row));
            }
        }
        Some((limit, blocked))
    }

    fn go(&mut self, unknown: u32, step: Fraction) -> Option<()> {
        let moved = self.room.get_mut(unknown as usize)?;
        *moved = moved.plus(step)?;
        for (row, sum) in self.rows.iter() {
            if let Some(factor) = sum.get(&unknown) {
                let moved = self.room.get_mut(*row as usize)?;
                *moved = moved.plus(factor.times(step)?)?;
            }
        }
        Some(())
    }

    /// Gives `unknown` the row of `row`, which from now on is free.
    fn exchange(&mut self, row: u32, unknown: u32, goal: &mut Sum) -> Option<()> {
        let rows = self.rows.to_mut();
        let mut sum = rows.remove(&row)?;
        let factor = sum.remove(&unknown)?;
        for value in sum.values_mut() {
            *value = value.over(factor)?.negative()?;
        }
        sum.insert(row, Fraction::ONE.over(factor)?);
        for other in rows.values_mut().chain(std::iter::once(goal)) {
            if let Some(factor) = other.remove(&unknown) {
                add(other, &sum, factor)?;
            }
        }
        rows.insert(unknown, sum);
        Some(())
    }

    /// The farthest point of whole numbers between `first` and here, beginning at `first`.
    fn whole_point(&self, first: &[Fraction]) -> Option<Vec<i128>> {
        let ways: Vec<_> =
            self.room.iter().zip(first).map(|(to, from)| to.plus(from.negative()?)).collect::<Option<_>>()?;
        let mut below = 1_i128;
        for way in &ways {
            below = below.checked_div(gcd(below, way.below())?)?.checked_mul(way.below())?;
        }
        let steps: Vec<_> =
            ways.iter().map(|way| way.above().checked_mul(below.checked_div(way.below())?)).collect::<Option<_>>()?;
        let common =
            steps.iter().try_fold(0, |common, step| if *step == 0 { Some(common) } else { gcd(common, *step) })?;
        if common == 0 {
            return None;
        }
        let times = common.checked_div(below)?;
        let point = first
            .iter()
            .zip(&steps)
            .map(|(from, step)| from.above().checked_add(step.checked_div(common)?.checked_mul(times)?));
        if times == 0 { None } else { point.collect() }
    }

    fn room_of(&self, unknown: u32) -> Fraction {
        self.room.get(unknown as usize).copied().unwrap_or(Fraction::ZERO)
    }
}
