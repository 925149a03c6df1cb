//! Trust policies: which logs and witnesses are known, and which cosignatures make a checkpoint count
//! (<https://c2sp.org/tlog-policy>).
//!
//! Not here: the file's lines (see `policy_file`), what a policy amounts to in words (see `policy_lint`), and which policy is in force.
//!
//! Limits: [`MAX_POLICY_BYTES`], [`MAX_POLICY_LOGS`], [`MAX_POLICY_WITNESSES`], [`MAX_POLICY_GROUPS`]. Only UTF-8 is
//! accepted, which the specification strongly recommends, and only key types that `vkey` knows.

use std::fmt;

use super::note::{Note, NoteError};
use super::policy_file::{NONE, Parts, read};
use super::vkey::{KeyError, VerifierKey};

/// Largest policy file accepted.
pub const MAX_POLICY_BYTES: usize = 128 * 1024;
/// Most logs in a policy; the specification asks for at least 32.
pub const MAX_POLICY_LOGS: usize = 256;
/// Most witnesses in a policy; the specification asks for at least 32.
pub const MAX_POLICY_WITNESSES: usize = 256;
/// Most groups in a policy; the specification asks for at least 32.
pub const MAX_POLICY_GROUPS: usize = 256;

/// Name of the group in a policy made by [`Policy::flat`].
const FLAT_GROUP: &str = "all-witnesses";

/// Why a policy was refused, or a note could not be judged by it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Larger than [`MAX_POLICY_BYTES`].
    #[error("policy: {got} bytes, at most {MAX_POLICY_BYTES} are accepted")]
    TooLarge {
        /// Bytes given.
        got: usize,
    },
    /// A line is wrong.
    #[error("policy, line {line}: {why}")]
    Malformed {
        /// Number of the line, from 1.
        line: usize,
        /// What is wrong.
        why: &'static str,
    },
    /// A name that is defined twice, not defined before, or a member twice.
    #[error("policy, line {line}: the name \"{name}\" {why}")]
    Name {
        /// Number of the line, from 1.
        line: usize,
        /// The start of the name.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A key was refused.
    #[error("policy, line {line}: {source}")]
    Key {
        /// Number of the line, from 1.
        line: usize,
        /// What is wrong with it.
        source: KeyError,
    },
    /// No quorum line.
    #[error("policy: no quorum line; hint: \"quorum none\" asks for no cosignatures")]
    NoQuorum,
    /// A flat policy cannot ask for that many.
    #[error("policy: {k} of {witnesses} witnesses cannot be asked for")]
    Threshold {
        /// Witnesses to be asked for.
        k: usize,
        /// Witnesses there are.
        witnesses: usize,
    },
    /// The note holds a wrong signature by a key of the policy, or the policy's keys cannot be told apart.
    #[error("judging a note by the policy: {0}")]
    Note(#[from] NoteError),
}

/// A log or witness of a policy. <https://c2sp.org/tlog-policy>.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyParty {
    /// Name within the policy: given for a witness, the key's for a log.
    pub name: String,
    /// The key, of type 0x01 for a log and 0x04 for a witness.
    pub key: VerifierKey,
    /// Where it is reached; the meaning is the application's.
    pub url: Option<String>,
}

/// A trust policy, with its text. <https://c2sp.org/tlog-policy>.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    text: String,
    logs: Vec<PolicyParty>,
    witnesses: Vec<PolicyParty>,
    /// Each has only members that stand before it, so that one pass in this order judges them all.
    pub(super) groups: Vec<Group>,
    /// `None` for `quorum none`.
    pub(super) quorum: Option<Member>,
}

/// A group: satisfied if at least `k` members are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) k: usize,
    pub(super) members: Vec<Member>,
}

/// A witness or group by its place in the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Member {
    Witness(usize),
    Group(usize),
}

/// How a note stands under a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Satisfied<'p> {
    /// The log of the policy that signed the note and whose key has the name in the note's first line. `None` if no log of
    /// the policy did; a policy may list no logs, and then the caller must have verified the log's signature.
    pub log: Option<&'p PolicyParty>,
    /// The witnesses that cosigned, with the time of their cosignature in seconds since 1970, in the policy's order.
    pub witnesses: Vec<(&'p PolicyParty, u64)>,
    /// Whether they make up the quorum; always so for `quorum none`.
    pub quorum: bool,
    /// The quorum time: the smallest time such that the cosignatures up to it make up the quorum; for k of n witnesses the
    /// k-th smallest time. `None` without a quorum and for `quorum none`.
    pub time: Option<u64>,
}

impl Policy {
    /// Reads a policy file; the text is kept as it is.
    ///
    /// # Errors
    /// [`PolicyError`] saying which line is wrong.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        if text.len() > MAX_POLICY_BYTES {
            return Err(PolicyError::TooLarge { got: text.len() });
        }
        let Parts { logs, witnesses, groups, quorum } = read(text)?;
        Ok(Self { text: text.to_owned(), logs, witnesses, groups, quorum })
    }

    /// A policy in which any `k` of the witnesses make up the quorum; their key names are their names in the policy.
    ///
    /// Without `k` it is floor(2n/3) + 1 of n, so that two forks need more than a third of the witnesses dishonest; below
    /// four witnesses that is all of them, and `quorum none` if there are none.
    ///
    /// # Errors
    /// [`PolicyError::Threshold`] unless `1 <= k <= n`; others if keys are given twice, are of the wrong type or have
    /// names that cannot stand in a policy.
    pub fn flat(logs: &[VerifierKey], witnesses: &[VerifierKey], k: Option<usize>) -> Result<Self, PolicyError> {
        let witnesses: Vec<_> = witnesses.iter().map(|key| vec![key.clone()]).collect();
        Self::flat_of(logs, &witnesses, k)
    }

    /// The same of witnesses with several keys each, of one key name: the first is `NAME` in the policy, the others `NAME~2` and so on, and
    /// any of them counts as the witness (group `NAME~any`). A witness without keys is left out.
    ///
    /// # Errors
    /// As [`Policy::flat`].
    pub fn flat_of(
        logs: &[VerifierKey],
        witnesses: &[Vec<VerifierKey>],
        k: Option<usize>,
    ) -> Result<Self, PolicyError> {
        let witnesses: Vec<_> = witnesses.iter().filter(|keys| !keys.is_empty()).collect();
        let count = witnesses.len();
        let k = match k {
            None if count == 0 => 0,
            None => 2 * count / 3 + 1,
            Some(k) if k >= 1 && k <= count => k,
            Some(k) => return Err(PolicyError::Threshold { k, witnesses: count }),
        };
        let mut text = String::new();
        for key in logs {
            text.push_str(&format!("log {key}\n"));
        }
        let (mut groups, mut counted) = (String::new(), Vec::with_capacity(count));
        for keys in witnesses {
            let mut names = Vec::with_capacity(keys.len());
            for (at, key) in keys.iter().enumerate() {
                let name = if at == 0 { key.name().to_owned() } else { format!("{}~{}", key.name(), at + 1) };
                text.push_str(&format!("witness {name} {key}\n"));
                names.push(name);
            }
            if let [_, _, ..] = names.as_slice() {
                let any = format!("{}~any", keys[0].name());
                groups.push_str(&format!("group {any} any {}\n", names.join(" ")));
                names = vec![any];
            }
            counted.append(&mut names);
        }
        if k == 0 {
            text.push_str(&format!("quorum {NONE}\n"));
        } else {
            text.push_str(&format!("{groups}group {FLAT_GROUP} {k} {}\nquorum {FLAT_GROUP}\n", counted.join(" ")));
        }
        Self::parse(&text)
    }

    /// The file's text, verbatim.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The logs in the order of their lines.
    #[must_use]
    pub fn logs(&self) -> &[PolicyParty] {
        &self.logs
    }

    /// The witnesses in the order of their lines.
    #[must_use]
    pub fn witnesses(&self) -> &[PolicyParty] {
        &self.witnesses
    }

    /// Verifies the signatures by the policy's keys and says whether they make up the quorum.
    ///
    /// The note is valid under the policy if `quorum` holds and `log` is there. Of several cosignatures by one witness the
    /// latest counts.
    ///
    /// # Errors
    /// [`PolicyError::Note`] if any signature by a key of the policy does not verify.
    pub fn satisfied_by(&self, note: &Note) -> Result<Satisfied<'_>, PolicyError> {
        let keys: Vec<VerifierKey> = self.logs.iter().chain(&self.witnesses).map(|party| party.key.clone()).collect();
        let verified = note.verify(&keys)?;
        let signed = |party: &PolicyParty| verified.iter().find(|verified| *verified.key == party.key);
        let origin = note.text.lines().next().unwrap_or_default();
        let log = self.logs.iter().find(|log| log.key.name() == origin && signed(log).is_some());
        let times: Vec<Option<u64>> = self.witnesses.iter().map(|witness| signed(witness)?.time).collect();
        let time = self.quorum_time(&times);
        Ok(Satisfied {
            log,
            witnesses: self.witnesses.iter().zip(&times).filter_map(|(w, time)| Some((w, (*time)?))).collect(),
            quorum: self.quorum.is_none() || time.is_some(),
            time,
        })
    }

    /// The quorum time of cosignatures with these times, one place for each witness; `None` without a quorum.
    pub(super) fn quorum_time(&self, times: &[Option<u64>]) -> Option<u64> {
        // A group has cosigned at the k-th smallest of its members' times. As a name is a member once, no witness counts
        // twice, and the quorum's time is the smallest one up to which the cosignatures suffice.
        self.fold(
            |witness| times.get(witness).copied().flatten(),
            |group, members| {
                let mut times: Vec<u64> = members.into_iter().flatten().collect();
                times.sort_unstable();
                times.get(group.k - 1).copied()
            },
        )
        .flatten()
    }

    /// Computes a value for the quorum from those of its witnesses; `None` for `quorum none`.
    pub(super) fn fold<T: Clone>(
        &self,
        of_witness: impl Fn(usize) -> T,
        of_group: impl Fn(&Group, Vec<T>) -> T,
    ) -> Option<T> {
        let mut groups: Vec<T> = Vec::with_capacity(self.groups.len());
        let value = |member: &Member, groups: &[T]| match *member {
            Member::Witness(witness) => Some(of_witness(witness)),
            Member::Group(group) => groups.get(group).cloned(),
        };
        for group in &self.groups {
            // Members stand before their group, so none is missing.
            let members = group.members.iter().filter_map(|member| value(member, &groups)).collect();
            groups.push(of_group(group, members));
        }
        self.quorum.as_ref().and_then(|quorum| value(quorum, &groups))
    }
}

/// The text as it was read.
impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
pub(super) mod tests {
    use ed25519_dalek::SigningKey;
    use proptest::prelude::*;

    use super::super::checkpoint::Checkpoint;
    use super::super::vkey::KeyType;
    use super::*;

    pub(in super::super) fn secret(seed: u16) -> SigningKey {
        let mut bytes = [3; 32];
        bytes[..2].copy_from_slice(&seed.to_be_bytes());
        SigningKey::from_bytes(&bytes)
    }

    pub(in super::super) fn witness_key(number: u16) -> VerifierKey {
        let public = secret(number).verifying_key();
        VerifierKey::new(&format!("w{number}"), KeyType::Cosignature, &public).unwrap()
    }

    fn log_key(number: u16) -> VerifierKey {
        let public = secret(1_000 + number).verifying_key();
        VerifierKey::new(&format!("log.example/{number}"), KeyType::Ed25519, &public).unwrap()
    }

    /// Witnesses `w0`, `w1`, … for the policies of the tests.
    pub(in super::super) fn witnesses(count: u16) -> String {
        (0..count).map(|number| format!("witness w{number} {}\n", witness_key(number))).collect()
    }

    /// A random policy over six witnesses with up to three levels of groups, and the same rule as a function.
    pub(in super::super) fn any_policy() -> impl Strategy<Value = String> {
        let threshold =
            || prop_oneof![Just("any".to_owned()), Just("all".to_owned()), (1usize..=2).prop_map(|k| k.to_string())];
        (threshold(), threshold(), threshold(), 0usize..4).prop_map(|(a, b, c, shape)| {
            let groups = match shape {
                0 => format!("group top {a} w0 w1 w2 w3 w4 w5\n"),
                1 => format!("group a {a} w0 w1 w2\ngroup b {b} w3 w4 w5\ngroup top {c} a b\n"),
                2 => format!("group a {a} w1 w2\ngroup b {b} a w0 w3\ngroup top {c} w4 b\n"),
                _ => format!("group a {a} w0 w5\ngroup b {b} w1 w2\ngroup top {c} w3 a b w4\n"),
            };
            format!("{}{groups}quorum top\n", witnesses(6))
        })
    }

    /// The rule as the specification says it, by recursion over the text.
    pub(in super::super) fn by_text(policy: &str, name: &str, cosigned: &dyn Fn(&str) -> bool) -> bool {
        for line in policy.lines() {
            let items: Vec<&str> = line.split_whitespace().collect();
            if items.len() > 1 && items[0] == "group" && items[1] == name {
                let members = &items[3..];
                let k = match items[2] {
                    "any" => 1,
                    "all" => members.len(),
                    k => k.parse().unwrap(),
                };
                return members.iter().filter(|member| by_text(policy, member, cosigned)).count() >= k;
            }
        }
        cosigned(name)
    }

    fn signed_note() -> Note {
        Checkpoint::new("log.example/0", 7, [3; 32]).sign(&secret(1_000)).unwrap()
    }

    proptest! {
        /// The quorum time against its definition, over every time that occurs.
        #[test]
        fn the_quorum_time_is_the_smallest_that_suffices(
            text in any_policy(), times in prop::collection::vec(prop::option::of(1u64..5), 6),
        ) {
            let policy = Policy::parse(&text).unwrap();
            let suffices = |t: u64| by_text(&text, "top", &|name| {
                let witness: usize = name[1..].parse().unwrap();
                times[witness].is_some_and(|time| time <= t)
            });
            let smallest = (1..5).find(|t| suffices(*t));
            prop_assert_eq!(policy.quorum_time(&times), smallest);

            let mut note = signed_note();
            for (number, time) in (0u16..).zip(&times) {
                if let Some(time) = time {
                    note.cosign(&format!("w{number}"), &secret(number), *time).unwrap();
                }
            }
            let satisfied = policy.satisfied_by(&note).unwrap();
            prop_assert_eq!((satisfied.time, satisfied.quorum), (smallest, smallest.is_some()));
            let counted: Vec<u64> = satisfied.witnesses.iter().map(|(_, time)| *time).collect();
            prop_assert_eq!(counted, times.iter().copied().flatten().collect::<Vec<u64>>());
        }

        #[test]
        fn any_text_is_refused_or_kept(
            random in "[ -~\t\n#é]{0,80}",
            near in "((log|witness|group|quorum|#|x)[ \t](none|any|all|a|b|1|2)( (a|b|none|x))?\n){0,6}",
            text in any_policy(), at: prop::sample::Index, put: char,
        ) {
            let mut changed: Vec<char> = text.chars().collect();
            *at.get_mut(&mut changed) = put;
            let changed: String = changed.into_iter().collect();
            for text in [random, near, changed] {
                if let Ok(policy) = Policy::parse(&text) {
                    prop_assert_eq!(policy.to_string(), text);
                    let _ = policy.satisfied_by(&signed_note());
                }
            }
        }
    }

    #[test]
    fn the_example_of_the_specification() {
        let names = ["X1", "X2", "X3", "Y1", "Y2", "Y3"];
        let mut text = format!("# example\n\t \nlog {} https://log.example/\n", log_key(0));
        for (number, name) in (0..).zip(names) {
            text.push_str(&format!("  witness\t{name}  {} \t\n", witness_key(number)));
        }
        text.push_str("group X-witnesses 2 X1 X2 X3\ngroup Y-witnesses any Y1 Y2 Y3\n");
        text.push_str("group X-and-Y all X-witnesses Y-witnesses\n # done\nquorum X-and-Y\n");
        let policy = Policy::parse(&text).unwrap();
        assert_eq!(policy.text(), text);
        assert_eq!(policy.logs()[0].url.as_deref(), Some("https://log.example/"));
        let quorum = |numbers: &[u16]| {
            let mut note = signed_note();
            for number in numbers {
                note.cosign(&format!("w{number}"), &secret(*number), 100 + u64::from(*number)).unwrap();
            }
            let satisfied = policy.satisfied_by(&note).unwrap();
            assert_eq!(satisfied.log.map(|log| log.name.as_str()), Some("log.example/0"));
            satisfied.time
        };
        assert_eq!(quorum(&[0, 1, 2]), None);
        assert_eq!(quorum(&[0, 3, 4, 5]), None);
        assert_eq!(quorum(&[0, 2, 3]), Some(103));
        assert_eq!(quorum(&[5, 4, 2, 1]), Some(104));
    }

    #[test]
    fn only_signatures_by_the_policys_keys_count() {
        let policy = Policy::flat(&[log_key(0), log_key(1)], &[witness_key(0), witness_key(1)], Some(1)).unwrap();
        let mut note = signed_note();
        note.cosign("w7", &secret(7), 100).unwrap();
        let satisfied = policy.satisfied_by(&note).unwrap();
        assert!(!satisfied.quorum && satisfied.witnesses.is_empty() && satisfied.log.is_some());
        note.cosign("w1", &secret(1), 100).unwrap();
        assert!(policy.satisfied_by(&note).unwrap().quorum);
        // A log that signs another log's checkpoint does not vouch for it.
        let mut foreign = Note::new(Checkpoint::new("log.example/0", 7, [3; 32]).to_text()).unwrap();
        foreign.sign_ed25519("log.example/1", &secret(1_001)).unwrap();
        assert_eq!(policy.satisfied_by(&foreign).unwrap().log, None);
        note.signatures[2].signature[70] ^= 1;
        assert!(matches!(policy.satisfied_by(&note), Err(PolicyError::Note(_))));

        let none = Policy::parse("quorum none\n").unwrap();
        let satisfied = none.satisfied_by(&signed_note()).unwrap();
        assert_eq!((satisfied.quorum, satisfied.time, satisfied.log), (true, None, None));
    }

    #[test]
    fn flat_policies_ask_for_more_than_two_thirds() {
        for (count, k) in [(1, 1), (2, 2), (3, 3), (4, 3), (5, 4), (6, 5), (7, 5), (8, 6), (9, 7), (10, 7), (200, 134)]
        {
            let keys: Vec<VerifierKey> = (0..count).map(witness_key).collect();
            let policy = Policy::flat(&[log_key(0)], &keys, None).unwrap();
            assert_eq!(policy.groups[0].k, k, "{count}");
            assert_eq!(Policy::parse(policy.text()).unwrap(), policy);
        }
        let two = [witness_key(0), witness_key(1)];
        assert_eq!(Policy::flat(&[], &[], None).unwrap().text(), "quorum none\n");
        assert_eq!(Policy::flat(&[], &two, Some(3)), Err(PolicyError::Threshold { k: 3, witnesses: 2 }));
        assert_eq!(Policy::flat(&[], &two, Some(0)), Err(PolicyError::Threshold { k: 0, witnesses: 2 }));
        assert!(Policy::flat(&[], &[witness_key(0), witness_key(0)], None).is_err());
        assert!(Policy::flat(&[witness_key(0)], &two, None).is_err());
        assert!(Policy::flat(&[], &[log_key(0)], None).is_err());
    }

    #[test]
    fn malformed_policies_are_refused_with_their_line() {
        let three = witnesses(3);
        let (log, w0) = (log_key(0), witness_key(0));
        let renamed = VerifierKey::new("other", KeyType::Cosignature, &secret(0).verifying_key()).unwrap();
        for (bad, line) in [
            (format!("{three}quorum w0"), 4),
            (format!("{three}quorum w0\nquorum w0\n"), 5),
            (format!("{three}quorum w3\n"), 4),
            (format!("{three}quorum W0\n"), 4),
            (format!("{three}quorum w0 w1\n"), 4),
            (format!("{three}quorum\n"), 4),
            (format!("quorum w0\n{three}"), 1),
            (format!("{three}group g any\nquorum g\n"), 4),
            (format!("{three}group g 0 w0\nquorum g\n"), 4),
            (format!("{three}group g 2 w0\nquorum g\n"), 4),
            (format!("{three}group g 01 w0\nquorum g\n"), 4),
            (format!("{three}group g some w0\nquorum g\n"), 4),
            (format!("{three}group g any w0 w0\nquorum g\n"), 4),
            (format!("{three}group g any w0 none\nquorum g\n"), 4),
            (format!("{three}group g any g\nquorum g\n"), 4),
            (format!("{three}group g any h\ngroup h any g\nquorum g\n"), 4),
            (format!("{three}group g any w0\ngroup h any w0 w1\nquorum h\n"), 5),
            (format!("{three}group g any w0\ngroup g any w1\nquorum g\n"), 5),
            (format!("{three}group w0 any w1\nquorum w0\n"), 4),
            (format!("{three}group none any w1\nquorum none\n"), 4),
            (format!("witness none {w0}\nquorum none\n"), 1),
            (format!("witness a {w0}\nwitness a {}\nquorum a\n", witness_key(1)), 2),
            (format!("witness a {w0}\nwitness b {renamed}\nquorum a\n"), 2),
            (format!("witness a {w0} url more\nquorum a\n"), 1),
            (format!("witness a {log}\nquorum a\n"), 1),
            (format!("witness {w0}\nquorum none\n"), 1),
            (format!("log {w0}\nquorum none\n"), 1),
            (format!("log {log}\nlog {log}\nquorum none\n"), 2),
            (format!("log {log} url more\nquorum none\n"), 1),
            ("log x\nquorum none\n".into(), 1),
            ("log\nquorum none\n".into(), 1),
            ("logs\nquorum none\n".into(), 1),
            ("quorum none\r\n".into(), 1),
            ("quorum none # words\n".into(), 1),
            ("# \u{7f}\nquorum none\n".into(), 1),
            ("quorum\u{a0}none\n".into(), 1),
        ] {
            let refused = Policy::parse(&bad).unwrap_err();
            let at = match refused {
                PolicyError::Malformed { line, .. }
                | PolicyError::Name { line, .. }
                | PolicyError::Key { line, .. } => line,
                ref other => panic!("{bad}: {other}"),
            };
            assert_eq!(at, line, "{bad}: {refused}");
        }
        for text in ["", "# words\n"] {
            assert_eq!(Policy::parse(text), Err(PolicyError::NoQuorum));
        }
    }

    #[test]
    fn limits_hold() {
        let many = witnesses(256);
        let groups: String = (0..256).map(|number| format!("group g{number} any w{number}\n")).collect();
        assert!(Policy::parse(&format!("{many}{groups}quorum g255\n")).is_ok());
        let one_more = format!("{many}witness more {}\n", witness_key(256));
        assert!(matches!(Policy::parse(&one_more), Err(PolicyError::Malformed { line: 257, .. })));
        let nested: String = (1..257).map(|number| format!("group g{number} any g{}\n", number - 1)).collect();
        let one_more = format!("{}group g0 any w0\n{nested}quorum g0\n", witnesses(1));
        assert!(matches!(Policy::parse(&one_more), Err(PolicyError::Malformed { line: 258, .. })));
        let logs: String = (0..257).map(|number| format!("log {}\n", log_key(number))).collect();
        assert!(matches!(Policy::parse(&logs), Err(PolicyError::Malformed { line: 257, .. })));
        let large = format!("#{}\nquorum none\n", " ".repeat(MAX_POLICY_BYTES));
        assert!(matches!(Policy::parse(&large), Err(PolicyError::TooLarge { .. })));
    }
}
