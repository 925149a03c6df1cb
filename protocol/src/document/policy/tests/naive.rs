//! The rules of SPEC.md section 5 once more: loops over the documents, no table, no index. Random networks answer as it does.

use proptest::prelude::*;

use super::{Documents, agreement, groups, row};
use crate::document::policy::{Ask, Denial};
use crate::document::{Agreement, Directory, Flow, MemberStatus, Prohibition, Prohibitions, Term};
use crate::hash::Digest;
use crate::names::{MemberId, Purpose, Slug};
use crate::record::{GroupSet, table};
use crate::testing::{Numbers, slug};
use crate::time::Day;

const PURPOSES: [&str; 3] = ["saf", "rev", "del"];
const FIRST_DAY: i32 = 20_000;

/// What the documents say, as lists.
struct Said {
    /// Active or not, by member.
    members: Vec<(MemberId, bool)>,
    valid_until: Option<Day>,
    /// By id: the versions.
    agreements: Vec<(Slug, Vec<(Digest, Agreement)>)>,
    stopped: Vec<(MemberId, Vec<Slug>)>,
    laws: Prohibitions,
}

/// A row that is about a question.
struct Found<'s> {
    id: &'s Slug,
    number: usize,
    digest: Digest,
    agreement: &'s Agreement,
    flow: &'s Flow,
    superseded: Option<Day>,
}

impl Said {
    fn found<'s>(&'s self, ask: &Ask<'_>) -> Vec<Found<'s>> {
        let mut all = Vec::new();
        for (id, versions) in &self.agreements {
            for (number, (digest, agreement)) in versions.iter().enumerate() {
                let superseded = versions.iter().skip(number + 1).map(|(_, later)| later.valid_from).min();
                for flow in &agreement.flows {
                    let of_type = flow.type_name == ask.type_name && flow.type_versions.contains(&ask.version);
                    let between = flow.from.contains(ask.from) && flow.to.contains(ask.to);
                    if of_type && between && flow.purpose == ask.purpose {
                        all.push(Found { id, number, digest: *digest, agreement, flow, superseded });
                    }
                }
            }
        }
        all
    }

    fn shown(&self, flow: &Flow, ask: &Ask<'_>) -> Result<GroupSet, Denial> {
        for Term { name, value } in &flow.terms {
            let known = ["deletion_receipt yes", "evidence yes", "unlinkable yes", "when_stale stop"];
            if !known.contains(&format!("{name} {value}").as_str()) {
                return Err(Denial::UnknownTerm(format!("{name} = {value}")));
            }
        }
        let unknown = || Denial::UnknownType(ask.type_name.to_owned(), ask.version);
        let table = table(ask.type_name, ask.version).ok_or_else(unknown)?;
        let mut set = GroupSet::NONE;
        for name in &flow.groups {
            let at = table.groups.iter().position(|group| group.name == name);
            set = set.with(at.ok_or_else(|| Denial::UnknownGroup(ask.type_name.to_owned(), ask.version))?);
        }
        Ok(set)
    }

    fn give(&self, found: &Found<'_>, ask: &Ask<'_>) -> Result<GroupSet, Denial> {
        let mut left = self.shown(found.flow, ask)?;
        let Agreement { valid_from, valid_until, .. } = *found.agreement;
        if ask.day < valid_from {
            return Err(Denial::NotYet(valid_from));
        }
        if found.superseded.is_some_and(|day| day <= ask.day) {
            return Err(Denial::Superseded(found.superseded.unwrap()));
        }
        if ask.day > valid_until {
            return Err(Denial::Ended(valid_until));
        }
        for party in [ask.from, ask.to] {
            if self.stopped.iter().any(|(member, of)| member == party && of.contains(found.id)) {
                return Err(Denial::Suspended(party.clone()));
            }
        }
        if self.valid_until.is_some_and(|until| until < ask.day)
            && found.flow.terms.iter().any(|t| t.name == "when_stale")
        {
            return Err(Denial::Stale(self.valid_until.unwrap()));
        }
        for law in self.laws.all() {
            let before = left;
            if applies(law, ask) {
                let table = table(ask.type_name, ask.version).unwrap();
                for (at, group) in table.groups.iter().enumerate() {
                    if law.groups.is_empty() || law.groups.iter().any(|name| name == group.name) {
                        left = GroupSet(left.0 & !(1 << at));
                    }
                }
            }
            if left == GroupSet::NONE && before != left {
                return Err(Denial::Prohibited(law.id.clone()));
            }
        }
        Ok(left)
    }

    fn admit(&self, ask: &Ask<'_>) -> Result<(), Denial> {
        for member in [ask.from, ask.to] {
            match self.members.iter().find(|(id, _)| id == member) {
                None => return Err(Denial::NoMember(member.clone())),
                Some((_, false)) => return Err(Denial::MemberSuspended(member.clone())),
                Some((_, true)) => {}
            }
        }
        Ok(())
    }

    fn none(&self, ask: &Ask<'_>) -> Denial {
        let flows: Vec<&Flow> = self
            .agreements
            .iter()
            .flat_map(|(_, versions)| versions)
            .flat_map(|(_, agreement)| &agreement.flows)
            .filter(|flow| flow.from.contains(ask.from) && flow.to.contains(ask.to))
            .collect();
        let of_type: Vec<_> = flows.iter().filter(|flow| flow.type_name == ask.type_name).collect();
        if flows.is_empty() {
            Denial::NoAgreement
        } else if of_type.is_empty() {
            Denial::NoType(ask.type_name.to_owned())
        } else if !of_type.iter().any(|flow| flow.type_versions.contains(&ask.version)) {
            Denial::NoVersion(ask.version)
        } else {
            Denial::NoPurpose(ask.purpose)
        }
    }

    fn decide(&self, ask: &Ask<'_>) -> Result<GroupSet, Denial> {
        self.admit(ask)?;
        let mut why = self.none(ask);
        for found in self.found(ask) {
            match self.give(&found, ask) {
                Ok(groups) => return Ok(groups),
                Err(denial) => why = denial,
            }
        }
        Err(why)
    }

    fn permits(&self, ask: &Ask<'_>, digest: &Digest, view: GroupSet, days: u64) -> Result<(), Denial> {
        self.admit(ask)?;
        let (all, mut why) = (self.found(ask), None);
        for rests_on in &all {
            let named = all.iter().any(|named| {
                let same = named.digest == *digest && named.id == rests_on.id;
                let gave = || {
                    self.shown(named.flow, ask).is_ok_and(|shown| view.0 & !shown.0 == 0)
                        && named.agreement.valid_from <= ask.day
                        && days <= named.flow.retention_days
                };
                same && (named.number == rests_on.number
                    || (named.number < rests_on.number && rests_on.agreement.valid_from <= ask.day && gave()))
            });
            if !named {
                why = why.or(Some(Denial::OtherAgreement));
                continue;
            }
            let most = rests_on.flow.retention_days;
            why = Some(match self.give(rests_on, ask) {
                Err(denial) => denial,
                Ok(left) if view.0 & !left.0 != 0 => Denial::TooMuch(GroupSet(view.0 & !left.0)),
                Ok(_) if days > most => Denial::TooLong(most),
                Ok(_) => return Ok(()),
            });
        }
        Err(why.unwrap_or_else(|| self.none(ask)))
    }
}

fn applies(law: &Prohibition, ask: &Ask<'_>) -> bool {
    law.type_name.as_ref().is_none_or(|name| name == ask.type_name)
        && (law.from.is_empty() || law.from.contains(ask.from))
        && (law.to.is_empty() || law.to.contains(ask.to))
        && (law.purposes.is_empty() || law.purposes.contains(&ask.purpose))
        && law.since.is_none_or(|since| ask.day >= since)
        && law.until.is_none_or(|until| ask.day <= until)
}

/// A random network, and what it says.
fn random(seed: u64) -> (Directory, Said) {
    let mut numbers = Numbers(seed);
    let mut up_to = |max: u64| numbers.up_to(max);
    let count = 3 + up_to(3);
    let ids: Vec<_> = (0..count).map(|at| format!("m{at}")).collect();
    let active: Vec<bool> = (0..count).map(|at| at == 0 || up_to(7) > 0).collect();
    let status = |active: bool| if active { "active" } else { "suspended" };
    let lines: Vec<_> =
        ids.iter().zip(&active).map(|(id, active)| format!("{id} customs DE {}", status(*active))).collect();
    let mut documents = Documents::found(&lines);
    let valid_until = (up_to(1) == 0).then(|| Day(FIRST_DAY + up_to(12) as i32));
    documents.next_charter(|charter| charter.valid_until = valid_until);
    // Half of the letters, and now and then a group that nobody knows.
    let letters = |up_to: &mut dyn FnMut(u64) -> u64| {
        let mut found: String = "fisv".chars().filter(|_| up_to(1) == 0).collect();
        if found.is_empty() || up_to(15) == 0 {
            found.push(if found.is_empty() { 'f' } else { 'x' });
        }
        found
    };
    let mut agreements = Vec::new();
    for number in 0..1 + up_to(3) {
        let mut versions = Vec::new();
        for _ in 0..1 + up_to(2) {
            let mut flows = Vec::new();
            for _ in 0..1 + up_to(3) {
                let (from, way) = (up_to(count - 1), 1 + up_to(count - 2));
                let mut to = vec![(from + way) % count];
                // Sometimes one recipient more.
                let more = (from + 1 + up_to(count - 2)) % count;
                if up_to(2) == 0 && more != to[0] {
                    to.push(more);
                    to.sort();
                }
                let to: Vec<_> = to.iter().map(|at| ids[*at as usize].clone()).collect();
                let types = ["d1", "d1", "d1,2", "d2", "p1"][up_to(4) as usize];
                let term = ["", "", "", "", "when_stale=stop", "evidence=yes", "watermark=yes"][up_to(6) as usize];
                let purpose = PURPOSES[up_to(2) as usize];
                let (shown, days) = (letters(&mut up_to), 1 + up_to(4));
                flows.push(row(&format!("{types} m{from}>{} {purpose} {shown} {days} {term}", to.join(","))));
            }
            let from = Day(FIRST_DAY + up_to(8) as i32);
            versions.push(agreement(&format!("a{number}"), (from, from.plus(up_to(8))), flows));
        }
        // Every party of all versions signs each.
        let mut parties: Vec<_> = versions.iter().flat_map(|version| version.parties.clone()).collect();
        parties.sort();
        parties.dedup();
        versions.iter_mut().for_each(|version| version.parties.clone_from(&parties));
        let digests = documents.agree(&versions);
        agreements.push((slug(&format!("a{number}")), digests.into_iter().zip(versions).collect()));
    }
    let mut stopped = Vec::new();
    for id in &ids {
        let some = |up_to: &mut dyn FnMut(u64) -> u64| -> Vec<Slug> {
            (0..4).filter(|_| up_to(3) == 0).map(|at| slug(&format!("a{at}"))).collect()
        };
        if up_to(2) == 0 {
            let (before, now) = (some(&mut up_to), some(&mut up_to));
            documents.suspend(id, &[&before, &now]);
            stopped.push((slug(id), now));
        }
    }
    let mut laws = String::new();
    for at in 0..up_to(3) {
        let mut law = format!("[[forbid]]\nid = \"l{at}\"\nground = \"Act\"\n");
        let day = |up_to: &mut dyn FnMut(u64) -> u64| Day(FIRST_DAY + up_to(16) as i32).to_string();
        let mut when: Vec<_> = vec![day(&mut up_to), day(&mut up_to)];
        when.sort();
        let member = |up_to: &mut dyn FnMut(u64) -> u64| ids[up_to(count - 1) as usize].clone();
        let options = [
            "type = \"declaration\"".to_owned(),
            format!("from = [\"{}\"]", member(&mut up_to)),
            format!("to = [\"{}\"]", member(&mut up_to)),
            "purposes = [\"revenue\", \"delivery\"]".to_owned(),
            format!("groups = {:?}", groups(&letters(&mut up_to).replace('x', ""))),
            format!("since = \"{}\"", when[0]),
            format!("until = \"{}\"", when[1]),
        ];
        for option in options {
            if up_to(2) > 0 {
                law += &format!("{option}\n");
            }
        }
        laws += &law;
    }
    let members = ids.iter().map(|id| slug(id)).zip(active).collect();
    let said = Said { members, valid_until, agreements, stopped, laws: Prohibitions::parse(&laws).unwrap() };
    (documents.directory(&laws), said)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_policy_says_what_loops_over_the_documents_say(seed: u64) {
        let (directory, said) = random(seed);
        assert!(directory.charter().members.iter().any(|member| member.status == MemberStatus::Active));
        let mut numbers = Numbers(!seed);
        let mut members: Vec<_> = said.members.iter().map(|(id, _)| id.clone()).collect();
        members.push(slug("xx"));
        let digests: Vec<_> = said.agreements.iter().flat_map(|(_, of)| of).map(|(digest, _)| *digest).collect();
        for (from, to) in members.iter().flat_map(|from| members.iter().map(move |to| (from, to))) {
            for (type_name, version) in [("declaration", 1), ("declaration", 2), ("parcel", 1), ("opening", 1)] {
                for purpose in [Purpose::SafetySecurity, Purpose::Revenue, Purpose::Delivery] {
                    let day = Day(FIRST_DAY - 1 + numbers.up_to(18) as i32);
                    let ask = Ask { type_name, version, from, to, purpose, day };
                    let found = directory.policy().decide(&directory, &ask);
                    prop_assert_eq!(found.map(|grant| grant.groups), said.decide(&ask), "{:?}", ask);
                    let digest = digests[numbers.up_to(digests.len() as u64 - 1) as usize];
                    let view = GroupSet((numbers.next() & 0x2_0023) as u32);
                    let days = numbers.up_to(5);
                    let found = directory.policy().permits(&directory, &ask, &digest, view, days);
                    prop_assert_eq!(found.map(drop), said.permits(&ask, &digest, view, days), "{:?}", ask);
                }
            }
        }
        // What goes out is what every question by itself is given.
        for (from, is_active) in &said.members {
            let day = Day(FIRST_DAY + numbers.up_to(16) as i32);
            let found: Vec<_> = directory.policy().outgoing(&directory, from, "declaration", day)
                .map(|grant| (grant.rule.digest, grant.rule.row, grant.rule.to.clone(), grant.rule.type_version, grant.groups))
                .collect();
            let mut expected = Vec::new();
            for (id, versions) in &said.agreements {
                for (number, (digest, agreement)) in versions.iter().enumerate() {
                    for (at, flow) in agreement.flows.iter().enumerate() {
                        for (to, _) in said.members.iter().filter(|(to, active)| *active && *is_active && flow.to.contains(to)) {
                            for version in flow.type_versions.iter().filter(|_| flow.from.contains(from)) {
                                let superseded = versions[number + 1..].iter().map(|(_, later)| later.valid_from).min();
                                let (purpose, digest) = (flow.purpose, *digest);
                                let ask = Ask { type_name: &flow.type_name, version: *version, from, to, purpose, day };
                                let found = Found { id, number, digest, agreement, flow, superseded };
                                if let Ok(groups) = said.give(&found, &ask) {
                                    expected.push((digest, at + 1, to.clone(), *version, groups));
                                }
                            }
                        }
                    }
                }
            }
            prop_assert_eq!(found, expected);
        }
    }
}
