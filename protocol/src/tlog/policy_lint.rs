//! What a trust policy amounts to, in words for those who adopt it: how many may fail, how many may lie, who could decide
//! alone (<https://c2sp.org/tlog-policy>).
//!
//! Not here: whether to accept a policy; a finding is no refusal.
//!
//! Limits: those of `policy`.

use std::collections::BTreeMap;
use std::fmt;

use super::note::MAX_NOTE_SIGNATURES;
use super::policy::Policy;
use super::text::excerpt;

/// Something that those who adopt a policy should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// `quorum none`.
    NoQuorum,
    /// The least number of witnesses that make up the quorum.
    Least {
        /// Witnesses that suffice, if they are the right ones.
        least: usize,
        /// Witnesses in the quorum's groups.
        witnesses: usize,
    },
    /// The quorum needs more cosignatures than a note can carry.
    TooManyForNote {
        /// Witnesses that are needed at least.
        least: usize,
        /// Signature lines a note can carry beside the log's.
        most: usize,
    },
    /// The least number of dishonest witnesses with which a log can have two forks cosigned, each by a quorum. Honest
    /// witnesses cosign one of the forks, and the log chooses which; dishonest ones cosign both.
    Forks {
        /// Dishonest witnesses needed; with 0 the log needs none.
        dishonest: usize,
        /// Witnesses in the quorum's groups.
        witnesses: usize,
    },
    /// Witnesses of one kind can make up the quorum without any other.
    KindAlone {
        /// The kind.
        kind: String,
    },
    /// Witnesses of one jurisdiction can make up the quorum without any other.
    JurisdictionAlone {
        /// The jurisdiction.
        jurisdiction: String,
    },
    /// Without this witness there is no quorum.
    StopsWithout {
        /// Name of the witness in the policy.
        witness: String,
    },
    /// This witness is in no group of the quorum: its cosignature changes nothing.
    NotCounted {
        /// Name of the witness in the policy.
        witness: String,
    },
    /// Kind and jurisdiction of this witness are not known.
    NotKnown {
        /// Name of the witness in the policy.
        witness: String,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoQuorum => f.write_str(
                "the quorum is \"none\": no cosignature is asked for, and a log can show two histories unseen; \
                 hint: name a group of witnesses",
            ),
            Self::Least { least, witnesses } => write!(
                f,
                "{least} of {witnesses} witnesses can make up the quorum; hint: more than two thirds should be needed"
            ),
            Self::TooManyForNote { least, most } => write!(
                f,
                "the quorum needs {least} cosignatures, but a checkpoint carries at most {most}, so it can never be \
                 reached; hint: name fewer witnesses"
            ),
            Self::Forks { dishonest: 0, witnesses } => write!(
                f,
                "a log can have two forks cosigned though all {witnesses} witnesses are honest; hint: ask for more than \
                 half of every group on the way to the quorum"
            ),
            Self::Forks { dishonest, witnesses } => write!(
                f,
                "{dishonest} of {witnesses} witnesses must be dishonest to have two forks cosigned; hint: more than a \
                 third is customary"
            ),
            Self::KindAlone { kind } => write!(
                f,
                "witnesses of the kind \"{}\" can make up the quorum alone; hint: group witnesses by kind and ask for \
                 more than one group",
                excerpt(kind)
            ),
            Self::JurisdictionAlone { jurisdiction } => write!(
                f,
                "witnesses of the jurisdiction \"{}\" can make up the quorum alone; hint: name witnesses of others",
                excerpt(jurisdiction)
            ),
            Self::StopsWithout { witness } => write!(
                f,
                "without the witness \"{}\" there is no quorum: one failure stops all; hint: ask for fewer than all",
                excerpt(witness)
            ),
            Self::NotCounted { witness } => write!(
                f,
                "the witness \"{}\" is in no group of the quorum, so it does not count; hint: add or remove it",
                excerpt(witness)
            ),
            Self::NotKnown { witness } => write!(
                f,
                "kind and jurisdiction of the witness \"{}\" are not known, so it is in no finding about them; \
                 hint: is it a member's witness?",
                excerpt(witness)
            ),
        }
    }
}

impl Policy {
    /// Tells what the policy amounts to. `kind_of` gives kind and jurisdiction of the witness with this name in the policy,
    /// `None` if they are not known.
    ///
    /// [`Finding::Least`] and [`Finding::Forks`] are always told, but for `quorum none`; the others where they hold.
    pub fn lint(&self, kind_of: impl Fn(&str) -> Option<(String, String)>) -> Vec<Finding> {
        let mut findings = Vec::new();
        let counted = self.counted();
        match (self.least(), self.dishonest_for_two_forks()) {
            (Some(least), Some(dishonest)) => {
                let (witnesses, most) = (counted.len(), MAX_NOTE_SIGNATURES - 1);
                findings.push(Finding::Least { least, witnesses });
                if least > most {
                    findings.push(Finding::TooManyForNote { least, most });
                }
                findings.push(Finding::Forks { dishonest, witnesses });
            }
            _ => findings.push(Finding::NoQuorum),
        }
        let (mut kinds, mut jurisdictions) = (BTreeMap::new(), BTreeMap::new());
        for (at, witness) in self.witnesses().iter().enumerate().filter(|(at, _)| counted.contains(at)) {
            match kind_of(&witness.name) {
                Some((kind, jurisdiction)) => {
                    kinds.entry(kind).or_insert_with(Vec::new).push(at);
                    jurisdictions.entry(jurisdiction).or_insert_with(Vec::new).push(at);
                }
                None => findings.push(Finding::NotKnown { witness: witness.name.clone() }),
            }
        }
        let alone = |group: &(String, Vec<usize>)| self.suffices(|witness| group.1.contains(&witness));
        let kinds = kinds.into_iter().filter(alone);
        findings.extend(kinds.map(|(kind, _)| Finding::KindAlone { kind }));
        let jurisdictions = jurisdictions.into_iter().filter(alone);
        findings.extend(jurisdictions.map(|(jurisdiction, _)| Finding::JurisdictionAlone { jurisdiction }));
        for (at, witness) in self.witnesses().iter().enumerate() {
            let witness = witness.name.clone();
            if !counted.contains(&at) {
                findings.push(Finding::NotCounted { witness });
            } else if !self.suffices(|other| other != at) {
                findings.push(Finding::StopsWithout { witness });
            }
        }
        findings
    }

    /// Places of the witnesses in the quorum's groups.
    fn counted(&self) -> Vec<usize> {
        self.fold(|witness| vec![witness], |_, members| members.concat()).unwrap_or_default()
    }

    /// Whether these witnesses make up the quorum; not to be asked for `quorum none`.
    fn suffices(&self, cosigns: impl Fn(usize) -> bool) -> bool {
        let times: Vec<Option<u64>> = (0..self.witnesses().len()).map(|at| cosigns(at).then_some(0)).collect();
        self.quorum_time(&times).is_some()
    }

    /// The cheapest way to satisfy a group is by its `k` cheapest members, as no witness stands below two members.
    fn least(&self) -> Option<usize> {
        self.fold(|_| 1, |group, members| cheapest(members, group.k))
    }

    /// To satisfy a group of n in both forks, b members must be satisfied in both and the others, shared out between the
    /// forks, in one: 2b + (n - b) >= 2k. A member is satisfied in one fork by honest witnesses.
    fn dishonest_for_two_forks(&self) -> Option<usize> {
        self.fold(
            |_| 1,
            |group, members| {
                let both = (2 * group.k).saturating_sub(members.len());
                cheapest(members, both)
            },
        )
    }
}

fn cheapest(mut costs: Vec<usize>, count: usize) -> usize {
    costs.sort_unstable();
    costs.into_iter().take(count).sum()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use proptest::prelude::*;

    use super::super::policy::tests::{any_policy, by_text, witness_key, witnesses};
    use super::*;

    fn place(name: &str) -> u32 {
        name[1..].parse().unwrap()
    }

    /// `w0` and `w1` are customs of A, `w2` and `w3` posts of A, the others platforms of B.
    fn kind_of(name: &str) -> Option<(String, String)> {
        let (kind, jurisdiction) = match place(name) {
            0 | 1 => ("customs", "A"),
            2 | 3 => ("post", "A"),
            _ => ("platform", "B"),
        };
        Some((kind.into(), jurisdiction.into()))
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

        /// Every finding against trying all subsets, and all ways to share six witnesses out between two forks.
        #[test]
        fn findings_agree_with_trying_everything(text in any_policy()) {
            let policy = Policy::parse(&text).unwrap();
            let table: Vec<bool> = (0..64u32)
                .map(|set| by_text(&text, "top", &|name| set >> place(name) & 1 == 1))
                .collect();
            let satisfied = |set: u32| table[set as usize];
            let least = (0..64u32).filter(|set| satisfied(*set)).map(u32::count_ones).min().unwrap();
            let mut dishonest = 6;
            for one in 0..64u32 {
                for other in 0..64u32 {
                    if satisfied(one) && satisfied(other) {
                        dishonest = dishonest.min((one & other).count_ones());
                    }
                }
            }
            let mut expected = vec![
                Finding::Least { least: least as usize, witnesses: 6 },
                Finding::Forks { dishonest: dishonest as usize, witnesses: 6 },
            ];
            // In an order of their names, as they are told.
            for (kind, set) in [("customs", 0b11), ("platform", 0b11_0000), ("post", 0b1100)] {
                if satisfied(set) {
                    expected.push(Finding::KindAlone { kind: kind.into() });
                }
            }
            for (jurisdiction, set) in [("A", 0b1111), ("B", 0b11_0000)] {
                if satisfied(set) {
                    expected.push(Finding::JurisdictionAlone { jurisdiction: jurisdiction.into() });
                }
            }
            for at in 0..6 {
                if !satisfied(0b11_1111 & !(1 << at)) {
                    expected.push(Finding::StopsWithout { witness: format!("w{at}") });
                }
            }
            // Not every shape has all witnesses in its groups.
            let uncounted: Vec<u32> = (0..6).filter(|at| !policy.counted().contains(&(*at as usize))).collect();
            let found = policy.lint(kind_of);
            if uncounted.is_empty() {
                prop_assert_eq!(&found, &expected);
            }
            for at in uncounted {
                let missing = Finding::NotCounted { witness: format!("w{at}") };
                prop_assert!(found.contains(&missing));
            }
            for finding in found {
                prop_assert!(finding.to_string().contains("hint: "));
            }
        }
    }

    #[test]
    fn the_default_stands_a_third_of_liars_and_of_failures() {
        for count in 1..=60u16 {
            let keys: Vec<_> = (0..count).map(witness_key).collect();
            let policy = Policy::flat(&[], &keys, None).unwrap();
            let (n, k) = (usize::from(count), 2 * usize::from(count) / 3 + 1);
            let found = policy.lint(|_| None);
            assert_eq!(
                found[..2],
                [Finding::Least { least: k, witnesses: n }, Finding::Forks { dishonest: 2 * k - n, witnesses: n }]
            );
            assert!(3 * (2 * k - n) > n);
            let stops = found.iter().any(|finding| matches!(finding, Finding::StopsWithout { .. }));
            assert_eq!(stops, count < 4);
            assert!(found.contains(&Finding::NotKnown { witness: "w0".into() }));
        }
    }

    #[test]
    fn what_can_never_work_is_told() {
        let none = Policy::parse(&format!("{}quorum none\n", witnesses(1))).unwrap();
        assert_eq!(none.lint(kind_of), [Finding::NoQuorum, Finding::NotCounted { witness: "w0".into() }]);
        let keys: Vec<_> = (0..95).map(witness_key).collect();
        let most = Policy::flat(&[], &keys[..93], None).unwrap().lint(kind_of);
        assert_eq!(most[0], Finding::Least { least: 63, witnesses: 93 });
        assert!(!most.iter().any(|finding| matches!(finding, Finding::TooManyForNote { .. })));
        let above = Policy::flat(&[], &keys, None).unwrap().lint(kind_of);
        assert_eq!(above[1], Finding::TooManyForNote { least: 64, most: 63 });
        let one = Policy::parse(&format!("{}quorum w0\n", witnesses(2))).unwrap();
        assert_eq!(
            one.lint(kind_of),
            [
                Finding::Least { least: 1, witnesses: 1 },
                Finding::Forks { dishonest: 1, witnesses: 1 },
                Finding::KindAlone { kind: "customs".into() },
                Finding::JurisdictionAlone { jurisdiction: "A".into() },
                Finding::StopsWithout { witness: "w0".into() },
                Finding::NotCounted { witness: "w1".into() },
            ]
        );
    }
}
