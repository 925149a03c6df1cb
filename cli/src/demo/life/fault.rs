//! The kinds of faults that are planted, how many of each, and what is to be found of them: data only.

use serde::Serialize;

use super::members::{CUSTOMS_EU, PLATFORM};

/// A kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Fault {
    /// Declared, and it never arrives.
    NeverArrives,
    /// It arrives, and nobody declared it.
    NeverDeclared,
    /// Fewer pieces in the import declaration than in the advance data, or two packages where one is declared.
    Quantity,
    /// It weighs more than is declared.
    Mass,
    /// The import declaration has a lower value than the advance data.
    Value,
    /// The import declaration names less duty than is assessed.
    Duty,
    /// Released twice.
    ReleasedTwice,
    /// Assessed, and not collected.
    NotCollected,
    /// Collected, and not remitted.
    NotRemitted,
    /// It goes back, and nothing is given back.
    ReturnedNotRefunded,
    /// Money is given back, and it does not go back.
    RefundedNotReturned,
    /// It goes back, and one tax line is claimed twice.
    ClaimedTwice,
    /// The two posts are told of it differently by the platform.
    ToldDifferently,
    /// Collected, and not in the list of the summary.
    SummaryLacks,
    /// In the list of the summary, and nobody knows it.
    SummaryUnknown,
    /// The platform's month is paid 30.00 short.
    SummaryShort,
    /// The IOSS number is used, and its holder does not confirm it.
    Unconfirmed,
    /// Filed when it was loaded already, with an earlier time in it.
    BackDated,
}

/// How a planted fault is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finder {
    /// By business reconciliation, in this class.
    Reconciliation(&'static str),
    /// By the watch over uses of numbers.
    Uses,
    /// By deadlines of filings held against proven times.
    Timeliness,
}

impl Fault {
    /// All of them, with how many there are in ten thousand parcels; together 200.
    pub(super) const SHARES: [(Self, u64); 18] = [
        (Self::NeverArrives, 20),
        (Self::NeverDeclared, 16),
        (Self::Quantity, 12),
        (Self::Mass, 18),
        (Self::Value, 14),
        (Self::Duty, 12),
        (Self::ReleasedTwice, 10),
        (Self::NotCollected, 10),
        (Self::NotRemitted, 16),
        (Self::ReturnedNotRefunded, 10),
        (Self::RefundedNotReturned, 8),
        (Self::ClaimedTwice, 6),
        (Self::ToldDifferently, 8),
        (Self::SummaryLacks, 6),
        (Self::SummaryUnknown, 3),
        (Self::SummaryShort, 1),
        (Self::Unconfirmed, 20),
        (Self::BackDated, 10),
    ];

    /// How many are planted in so many parcels: in proportion, at least one, and never more than one month paid short.
    pub(super) fn count(self, parcels: u64) -> u64 {
        let share = Self::SHARES.iter().find(|(fault, _)| *fault == self).map_or(0, |(_, share)| *share);
        match self {
            Self::SummaryShort => share,
            _ => (share * parcels / PER).max(1),
        }
    }

    /// At whose node it is found.
    pub(super) fn found_at(self) -> &'static str {
        match self {
            // Only who told two stories holds both of them.
            Self::ToldDifferently => PLATFORM,
            _ => CUSTOMS_EU,
        }
    }

    /// How it is found.
    pub(super) fn finder(self) -> Finder {
        Finder::Reconciliation(match self {
            Self::NeverArrives => "never_arrived",
            Self::NeverDeclared => "never_declared",
            Self::Quantity => "quantity_differs",
            Self::Mass => "mass_differs",
            Self::Value => "value_differs",
            Self::Duty => "duty_differs",
            Self::ReleasedTwice => "released_twice",
            Self::NotCollected => "not_collected",
            Self::NotRemitted => "collected_not_remitted",
            Self::ReturnedNotRefunded => "returned_not_refunded",
            Self::RefundedNotReturned => "refunded_not_returned",
            Self::ClaimedTwice => "given_back_twice",
            Self::ToldDifferently => "told_differently",
            Self::SummaryLacks => "summary_lacks_item",
            Self::SummaryUnknown => "summary_unknown_item",
            Self::SummaryShort => "summary_short",
            Self::Unconfirmed => return Finder::Uses,
            Self::BackDated => return Finder::Timeliness,
        })
    }

    /// In words.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::NeverArrives => "declared, never arrived",
            Self::NeverDeclared => "arrived, never declared",
            Self::Quantity => "other quantity accounted than declared",
            Self::Mass => "weighs more than declared",
            Self::Value => "lower value accounted than declared",
            Self::Duty => "other duty assessed than declared",
            Self::ReleasedTwice => "released twice",
            Self::NotCollected => "assessed, not collected",
            Self::NotRemitted => "collected, not remitted",
            Self::ReturnedNotRefunded => "returned, nothing given back",
            Self::RefundedNotReturned => "given back, not returned",
            Self::ClaimedTwice => "one tax line claimed twice",
            Self::ToldDifferently => "two posts told differently",
            Self::SummaryLacks => "collected, not in the summary",
            Self::SummaryUnknown => "in the summary, known to nobody",
            Self::SummaryShort => "month paid 30.00 short",
            Self::Unconfirmed => "IOSS number used unconfirmed",
            Self::BackDated => "filed late with an earlier time",
        }
    }

    /// Whether a parcel carries it; else it is about an account.
    pub(super) fn of_parcel(self) -> bool {
        !matches!(self, Self::SummaryUnknown | Self::SummaryShort)
    }

    /// Whether nothing of the item reaches customs before it arrives.
    pub(super) fn undeclared(self) -> bool {
        self == Self::NeverDeclared
    }

    /// Whether the goods travel back.
    pub(super) fn goes_back(self) -> bool {
        matches!(self, Self::ReturnedNotRefunded | Self::ClaimedTwice)
    }
}

/// Parcels that the shares are of.
const PER: u64 = 10_000;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn two_hundred_faults_of_eighteen_kinds_in_ten_thousand_parcels() {
        let kinds: BTreeSet<_> = Fault::SHARES.iter().map(|(fault, _)| *fault).collect();
        assert_eq!(kinds.len(), 18);
        assert_eq!(Fault::SHARES.iter().map(|(fault, _)| fault.count(PER)).sum::<u64>(), 200);
        for (fault, _) in Fault::SHARES {
            assert!(fault.count(200) >= 1 && fault.count(200) <= fault.count(PER), "{fault:?}");
        }
    }

    #[test]
    fn every_class_of_reconciliation_stands_for_one_kind() {
        let classes = Fault::SHARES.iter().filter_map(|(fault, _)| match fault.finder() {
            Finder::Reconciliation(class) => Some(class),
            _ => None,
        });
        let classes: Vec<_> = classes.collect();
        assert_eq!(classes.iter().collect::<BTreeSet<_>>().len(), classes.len());
    }
}
