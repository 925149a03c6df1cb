//! The policy of a generated network against a plain search through its rules.

use super::super::*;
use crate::bench::{Question, SampleNetwork, TODAY};
use proptest::prelude::*;
use std::sync::LazyLock;

static SAMPLE: LazyLock<(SampleNetwork, Directory)> = LazyLock::new(|| {
    let sample = SampleNetwork::new(30, 150, 0).unwrap();
    let directory = sample.directory().unwrap();
    (sample, directory)
});

/// The same answer, found by looking at every rule.
fn plainly(directory: &Directory, question: &Question, permits: bool) -> Result<(), Denial> {
    let (ask, rules) = (question.ask(), &directory.policy().rules);
    for member in [ask.from, ask.to] {
        if directory.active(member).is_none() {
            return Err(match directory.belongs(member) {
                true => Denial::MemberSuspended(member.clone()),
                false => Denial::NoMember(member.clone()),
            });
        }
    }
    let between = || rules.iter().filter(|rule| rule.from == *ask.from && rule.to == *ask.to);
    let of_type = || between().filter(|rule| rule.flow.type_name == ask.type_name);
    let of_version = || of_type().filter(|rule| rule.type_version == ask.version);
    let about = || of_version().filter(|rule| rule.flow.purpose == ask.purpose);
    let carries = |rule: &Rule| {
        let gave = |named: &Rule| {
            named.digest == question.digest
                && named.agreement == rule.agreement
                && named.agreement_version < rule.agreement_version
                && rule.begins <= ask.day
                && named.unknown.is_none()
                && named.begins <= ask.day
                && question.view.within(named.groups)
                && question.retention_days <= named.flow.retention_days
        };
        rule.digest == question.digest || about().any(gave)
    };
    let mut why = None;
    for rule in about() {
        if permits && !carries(rule) {
            why = why.or(Some(Denial::OtherAgreement));
            continue;
        }
        let given = rule.give(ask.day, None);
        match given.and_then(|grant| if permits { grant.fits(question.view, question.retention_days) } else { Ok(()) })
        {
            Ok(()) => return Ok(()),
            Err(denial) => why = Some(denial),
        }
    }
    Err(why.unwrap_or_else(|| match (between().next(), of_type().next(), of_version().next()) {
        (None, _, _) => Denial::NoAgreement,
        (_, None, _) => Denial::NoType(ask.type_name.to_owned()),
        (_, _, None) => Denial::NoVersion(ask.version),
        _ => Denial::NoPurpose(ask.purpose),
    }))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn answers_are_those_of_every_rule_looked_at(seed: u64, another: u64, days in 0u64..60) {
        let (sample, directory) = &*SAMPLE;
        let (questions, others) = (sample.questions(directory, 40, seed), sample.questions(directory, 40, another));
        let all = |questions: crate::bench::Questions| [questions.given, questions.denied, questions.nothing].concat();
        for (mut question, other) in all(questions).into_iter().zip(all(others)) {
            let policy = directory.policy();
            let plain = plainly(directory, &question, false);
            prop_assert_eq!(policy.decide(directory, &question.ask()).map(drop), plain.clone(), "{:?}", question);
            prop_assert_eq!(policy.explain(directory, &question.ask()).denial, plain.err());
            let permits = |question: &Question| {
                let Question { digest, view, retention_days, .. } = question;
                let found = policy.permits(directory, &question.ask(), digest, *view, *retention_days);
                (found.map(drop), plainly(directory, question, true))
            };
            let (found, plain) = permits(&question);
            prop_assert_eq!(found, plain, "{:?}", question);
            (question.digest, question.retention_days) = (other.digest, days);
            let (found, plain) = permits(&question);
            prop_assert_eq!(found, plain, "{:?}", question);
            let named = directory.agreement(&question.digest);
            prop_assert!(named.is_some_and(|named| named.valid_until >= TODAY));
        }
    }
}
