//! What may flow: agreements compiled to a table, asked once per dispatch. Deny by default; nothing that is not understood gives
//! anything; a local prohibition only takes away.
//!
//! A row of an agreement becomes one [`Rule`] for each version, sender and recipient. A rule holds between the day on which its
//! version begins and the one on which it ends or another version begins. Rules do not add up: each gives its groups for its purpose.
//!
//! Not here: which records a row is about (routing, in the node, with [`Rule::covers`]), what is signed ([`super::Agreement`]).

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use crate::document::agreement::{Agreement, Flow, Role};
use crate::document::{Directory, Prohibition, Prohibitions};
use crate::hash::Digest;
use crate::names::{MemberId, Purpose, Slug, Territory};
use crate::record::{GroupSet, TypeTable};
use crate::time::Day;

/// A question: may records of this type flow from here to there, for this purpose, on this day?
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// The record type.
    pub type_name: &'a str,
    /// Its version.
    pub version: u64,
    /// Who sends.
    pub from: &'a MemberId,
    /// Who receives.
    pub to: &'a MemberId,
    /// What for.
    pub purpose: Purpose,
    /// On which day.
    pub day: Day,
}

/// One version of one row for one sender and one recipient.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The agreement's id.
    pub agreement: Slug,
    /// Digest of the version.
    pub digest: Digest,
    /// The number of that version.
    pub agreement_version: u64,
    /// Its row, from 1.
    pub row: usize,
    /// The row.
    pub flow: Arc<Flow>,
    /// Who sends.
    pub from: MemberId,
    /// Who receives.
    pub to: MemberId,
    /// The version of the record type.
    pub type_version: u64,
    /// What is not understood of it; then it gives nothing.
    unknown: Option<Denial>,
    /// The table of the type version; none where it is not known here.
    table: Option<&'static TypeTable>,
    groups: GroupSet,
    begins: Day,
    ends: Day,
    /// The first day of the next version, if there is one.
    superseded: Option<Day>,
    /// Who has suspended it.
    suspended: Option<MemberId>,
    /// Prohibitions that concern it, with the groups that each takes away.
    forbidden: Vec<(Arc<Prohibition>, GroupSet)>,
}

/// What a rule gives on a day.
#[derive(Debug, Clone, Copy)]
pub struct Grant<'p> {
    /// The rule.
    pub rule: &'p Rule,
    /// The table of the type version.
    pub table: &'static TypeTable,
    /// The groups that are left to show.
    pub groups: GroupSet,
}

/// Why something is not given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denial {
    /// A member is not in the charter, or removed.
    NoMember(MemberId),
    /// A member is suspended in the charter.
    MemberSuspended(MemberId),
    /// No agreement has a row from one to the other.
    NoAgreement,
    /// Rows there are, but none for this type.
    NoType(String),
    /// None for this version of the type.
    NoVersion(u64),
    /// None for this purpose.
    NoPurpose(Purpose),
    /// The row has a term that is not known here.
    UnknownTerm(String),
    /// The type or version is not known here.
    UnknownType(String, u64),
    /// The version of the type does not have a group that the row names.
    UnknownGroup(String, u64),
    /// The agreement is not in force yet.
    NotYet(Day),
    /// The agreement has ended.
    Ended(Day),
    /// Another version of the agreement holds.
    Superseded(Day),
    /// A party has suspended it.
    Suspended(MemberId),
    /// The charter is stale, and the row says that nothing flows then.
    Stale(Day),
    /// The law of this node's country forbids all that the row gives.
    Prohibited(Slug),
    /// It is not the agreement that the dispatch names.
    OtherAgreement,
    /// More is shown than the row gives.
    TooMuch(GroupSet),
    /// It is to be kept longer than the row allows.
    TooLong(u64),
}

/// What the policy says to an [`Ask`], with every row that was looked at.
#[derive(Debug, Clone)]
pub struct Verdict<'p> {
    /// What is given, by each rule that gives something.
    pub grants: Vec<Grant<'p>>,
    /// Rules that give nothing, with the reason.
    pub denials: Vec<(&'p Rule, Denial)>,
    /// Why nothing is given; none where something is.
    pub denial: Option<Denial>,
}

/// Whether a member takes part, by the charter that the policy was made under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Active,
    Suspended,
    Stranger,
}

/// All rules of a network, by what is asked. Made once for a set of documents.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    rules: Vec<Rule>,
    /// Members of the charter, and others that rules name.
    members: HashMap<MemberId, (u32, Standing)>,
    types: HashMap<String, u32>,
    index: HashMap<Key, Vec<u32>>,
    /// Rules of a sender for a type, in their order.
    outgoing: HashMap<(u32, u32), Vec<u32>>,
    /// What rules there are between two members, ever less exactly asked: the reason of a question about nothing is found as fast as
    /// a grant, so that a stranger's questions cost no more than a friend's.
    versions: HashSet<(u32, u32, u32, u64)>,
    of_type: HashSet<(u32, u32, u32)>,
    between: HashSet<(u32, u32)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    type_name: u32,
    version: u64,
    from: u32,
    to: u32,
    purpose: Purpose,
}

impl Policy {
    /// The rules of all agreements in a directory: what [`Directory::policy`] keeps.
    pub fn of(directory: &Directory) -> Self {
        let mut policy = Self::default();
        for member in &directory.charter().members {
            policy.number(directory, &member.id);
        }
        for versions in directory.agreement_versions().values() {
            for (at, (digest, agreement)) in versions.iter().enumerate() {
                let later = versions[at + 1..].iter().map(|(_, next)| next.valid_from).min();
                let number = at as u64 + 1;
                policy.add_agreement(directory, *digest, number, agreement, later, directory.prohibitions());
            }
        }
        policy
    }

    /// How many rules there are.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there is no rule.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// What a rule gives, looked up as for one dispatch: the first rule that gives something. `directory` is the one whose policy
    /// this is.
    ///
    /// # Errors
    /// Why nothing is given.
    pub fn decide(&self, directory: &Directory, ask: &Ask<'_>) -> Result<Grant<'_>, Denial> {
        let members = self.admit(ask)?;
        let stale = directory.stale(ask.day);
        let mut why = None;
        for rule in self.rules_for(members, ask) {
            match rule.give(ask.day, stale) {
                Ok(grant) => return Ok(grant),
                Err(denial) => why = Some(denial),
            }
        }
        Err(why.unwrap_or_else(|| self.why_none(members, ask)))
    }

    /// The same with every row that was looked at, for people.
    pub fn explain(&self, directory: &Directory, ask: &Ask<'_>) -> Verdict<'_> {
        let mut verdict = Verdict { grants: Vec::new(), denials: Vec::new(), denial: None };
        let members = match self.admit(ask) {
            Ok(members) => members,
            Err(denial) => return Verdict { denial: Some(denial), ..verdict },
        };
        let stale = directory.stale(ask.day);
        for rule in self.rules_for(members, ask) {
            match rule.give(ask.day, stale) {
                Ok(grant) => verdict.grants.push(grant),
                Err(denial) => verdict.denials.push((rule, denial)),
            }
        }
        if verdict.grants.is_empty() {
            let last = verdict.denials.last().map(|(_, denial)| denial.clone());
            verdict.denial = Some(last.unwrap_or_else(|| self.why_none(members, ask)));
        }
        verdict
    }

    /// Whether something may flow as a dispatch says: under the version of the agreement with this digest, showing these groups, kept
    /// so long. A version that another one took the place of still carries what both give, so nothing under way is lost when an
    /// agreement is renewed.
    ///
    /// # Errors
    /// Why not.
    pub fn permits(
        &self,
        directory: &Directory,
        ask: &Ask<'_>,
        digest: &Digest,
        view: GroupSet,
        retention_days: u64,
    ) -> Result<&Rule, Denial> {
        let members = self.admit(ask)?;
        let stale = directory.stale(ask.day);
        let rules = self.rules_for(members, ask);
        let gave = Self::gave(rules.clone(), digest, ask, view, retention_days);
        let mut why = None;
        for rule in rules {
            let later = gave.is_some_and(|gave| {
                gave.agreement == rule.agreement
                    && gave.agreement_version < rule.agreement_version
                    && rule.begins <= ask.day
            });
            if rule.digest != *digest && !later {
                why = why.or(Some(Denial::OtherAgreement));
                continue;
            }
            let fits = rule.give(ask.day, stale).and_then(|grant| grant.fits(view, retention_days));
            match fits {
                Ok(()) => return Ok(rule),
                Err(denial) => why = Some(denial),
            }
        }
        Err(why.unwrap_or_else(|| self.why_none(members, ask)))
    }

    /// What `from` gives of a type's records to anybody on a day, by rule; members that take no part are left out.
    pub fn outgoing<'p>(
        &'p self,
        directory: &'p Directory,
        from: &MemberId,
        type_name: &str,
        day: Day,
    ) -> impl Iterator<Item = Grant<'p>> {
        let stale = directory.stale(day);
        let key = self.types.get(type_name).zip(self.members.get(from));
        let active = key.filter(|(_, (_, standing))| *standing == Standing::Active);
        let rules = active.and_then(|(type_name, (from, _))| self.outgoing.get(&(*type_name, *from)));
        let rules = rules.map(Vec::as_slice).unwrap_or_default().iter().map(|at| &self.rules[*at as usize]);
        rules.filter(|rule| directory.active(&rule.to).is_some()).filter_map(move |rule| rule.give(day, stale).ok())
    }

    /// Rules by which `from` would give a type's records and gives nothing on a day, with the reason: for whoever asks why nobody got
    /// one. Versions that another took the place of are left out.
    pub fn withheld<'p>(
        &'p self,
        directory: &'p Directory,
        from: &MemberId,
        type_name: &str,
        day: Day,
    ) -> impl Iterator<Item = (&'p Rule, Denial)> {
        let key = self.types.get(type_name).zip(self.members.get(from));
        let rules = key.and_then(|(type_name, (from, _))| self.outgoing.get(&(*type_name, *from)));
        let rules = rules.map(Vec::as_slice).unwrap_or_default().iter().map(|at| &self.rules[*at as usize]);
        rules.filter_map(move |rule| {
            let ask = rule.ask(day);
            let denial = self.admit(&ask).and_then(|_| rule.give(day, directory.stale(day)).map(drop)).err()?;
            (!matches!(denial, Denial::Superseded(_))).then_some((rule, denial))
        })
    }

    /// The rules of an agreement's version, in the order of its rows.
    pub fn rules_of<'p>(&'p self, digest: &'p Digest) -> impl Iterator<Item = &'p Rule> {
        self.rules.iter().filter(move |rule| rule.digest == *digest)
    }

    /// What `auditor` may open of `audited`'s log on a day: the union of its mandates, or nothing. A mandate outlives the suspension of
    /// a member: what it did before is still to be looked at.
    pub(super) fn mandate(
        &self,
        directory: &Directory,
        audited: &MemberId,
        auditor: &MemberId,
        day: Day,
    ) -> Option<GroupSet> {
        directory.active(auditor)?;
        let ask = Ask { type_name: OPENING, version: 1, from: audited, to: auditor, purpose: Purpose::Audit, day };
        let members = self.numbers(&ask)?;
        let given =
            self.rules_for(members, &ask).filter_map(|rule| rule.give(day, None).ok().map(|grant| grant.groups));
        given.reduce(GroupSet::union)
    }

    /// Whether some agreement, in force or not, makes one member the auditor of another.
    pub(super) fn audits(&self, auditor: &MemberId, audited: &MemberId) -> bool {
        let day = Day(0);
        let ask = Ask { type_name: OPENING, version: 1, from: audited, to: auditor, purpose: Purpose::Audit, day };
        self.numbers(&ask).is_some_and(|members| self.rules_for(members, &ask).next().is_some())
    }

    fn add_agreement(
        &mut self,
        directory: &Directory,
        digest: Digest,
        agreement_version: u64,
        agreement: &Agreement,
        superseded: Option<Day>,
        prohibitions: &Prohibitions,
    ) {
        let suspends = |member: &MemberId| {
            directory.suspension(member).is_some_and(|(_, word)| word.agreements.contains(&agreement.id))
        };
        for (at, flow) in agreement.flows.iter().enumerate() {
            let shared = Arc::new(flow.clone());
            for (from, to) in flow.from.iter().flat_map(|from| flow.to.iter().map(move |to| (from, to))) {
                for version in &flow.type_versions {
                    let (table, set) = flow.view(*version).map_or((None, None), |(table, set)| (Some(table), set));
                    let unknown = match (flow.unknown_term(), table, set) {
                        (Some(term), _, _) => Some(Denial::UnknownTerm(format!("{} = {}", term.name, term.value))),
                        (None, None, _) => Some(Denial::UnknownType(flow.type_name.clone(), *version)),
                        (None, Some(_), None) => Some(Denial::UnknownGroup(flow.type_name.clone(), *version)),
                        (None, Some(_), Some(_)) => None,
                    };
                    let concerning = prohibitions
                        .all()
                        .iter()
                        .filter(|prohibition| prohibition.concerns(&flow.type_name, from, to, flow.purpose));
                    let takes = |p: &Prohibition| table.map_or(GroupSet::NONE, |table| p.takes(table));
                    let rule = Rule {
                        agreement: agreement.id.clone(),
                        digest,
                        agreement_version,
                        row: at + 1,
                        flow: shared.clone(),
                        from: from.clone(),
                        to: to.clone(),
                        type_version: *version,
                        unknown,
                        table,
                        groups: set.unwrap_or(GroupSet::NONE),
                        begins: agreement.valid_from,
                        ends: agreement.valid_until,
                        superseded,
                        suspended: [from, to].into_iter().find(|member| suspends(member)).cloned(),
                        forbidden: concerning.map(|p| (Arc::new(p.clone()), takes(p))).collect(),
                    };
                    self.add(directory, rule);
                }
            }
        }
    }

    fn add(&mut self, directory: &Directory, rule: Rule) {
        let (from, to) = (self.number(directory, &rule.from), self.number(directory, &rule.to));
        let next = self.types.len() as u32;
        let type_name = *self.types.entry(rule.flow.type_name.clone()).or_insert(next);
        let at = self.rules.len() as u32;
        let key = Key { type_name, version: rule.type_version, from, to, purpose: rule.flow.purpose };
        self.index.entry(key).or_default().push(at);
        self.outgoing.entry((type_name, from)).or_default().push(at);
        self.versions.insert((from, to, type_name, rule.type_version));
        self.of_type.insert((from, to, type_name));
        self.between.insert((from, to));
        self.rules.push(rule);
    }

    fn number(&mut self, directory: &Directory, member: &MemberId) -> u32 {
        if let Some((number, _)) = self.members.get(member) {
            return *number;
        }
        let standing = match (directory.active(member), directory.belongs(member)) {
            (Some(_), _) => Standing::Active,
            (None, true) => Standing::Suspended,
            (None, false) => Standing::Stranger,
        };
        let number = self.members.len() as u32;
        self.members.insert(member.clone(), (number, standing));
        number
    }

    /// The numbers of both members, whether they take part or not.
    fn numbers(&self, ask: &Ask<'_>) -> Option<[u32; 2]> {
        Some([self.members.get(ask.from)?.0, self.members.get(ask.to)?.0])
    }

    /// The numbers of both members, if they take part.
    fn admit(&self, ask: &Ask<'_>) -> Result<[u32; 2], Denial> {
        let admitted = |member: &MemberId| match self.members.get(member) {
            Some((number, Standing::Active)) => Ok(*number),
            Some((_, Standing::Suspended)) => Err(Denial::MemberSuspended(member.clone())),
            Some((_, Standing::Stranger)) | None => Err(Denial::NoMember(member.clone())),
        };
        Ok([admitted(ask.from)?, admitted(ask.to)?])
    }

    /// The rules about a question between two members.
    fn rules_for(&self, [from, to]: [u32; 2], ask: &Ask<'_>) -> impl Iterator<Item = &Rule> + Clone {
        let key = |type_name: &u32| {
            let (type_name, version, purpose) = (*type_name, ask.version, ask.purpose);
            Key { type_name, version, from, to, purpose }
        };
        let found = self.types.get(ask.type_name).and_then(|name| self.index.get(&key(name)));
        found.map(Vec::as_slice).unwrap_or_default().iter().map(|at| &self.rules[*at as usize])
    }

    /// A rule of the version with this digest that gave what is asked, whether it still does or not. A dispatch under that version may
    /// rest on rules of later versions of the same agreement.
    fn gave<'p>(
        mut rules: impl Iterator<Item = &'p Rule>,
        digest: &Digest,
        ask: &Ask<'_>,
        view: GroupSet,
        retention_days: u64,
    ) -> Option<&'p Rule> {
        rules.find(|named| {
            named.digest == *digest
                && named.unknown.is_none()
                && named.begins <= ask.day
                && view.within(named.groups)
                && retention_days <= named.flow.retention_days
        })
    }

    /// What is missing where no rule is about a question.
    fn why_none(&self, [from, to]: [u32; 2], ask: &Ask<'_>) -> Denial {
        if !self.between.contains(&(from, to)) {
            return Denial::NoAgreement;
        }
        match self.types.get(ask.type_name).filter(|of| self.of_type.contains(&(from, to, **of))) {
            None => Denial::NoType(ask.type_name.to_owned()),
            Some(of) if !self.versions.contains(&(from, to, *of, ask.version)) => Denial::NoVersion(ask.version),
            Some(_) => Denial::NoPurpose(ask.purpose),
        }
    }
}

/// The type whose rows are mandates.
const OPENING: &str = "opening";

impl Rule {
    /// What it gives on a day; `stale` is the charter's last day, if that is over.
    fn give(&self, day: Day, stale: Option<Day>) -> Result<Grant<'_>, Denial> {
        if let Some(unknown) = &self.unknown {
            return Err(unknown.clone());
        }
        if day < self.begins {
            return Err(Denial::NotYet(self.begins));
        }
        if let Some(next) = self.superseded.filter(|next| day >= *next) {
            return Err(Denial::Superseded(next));
        }
        if day > self.ends {
            return Err(Denial::Ended(self.ends));
        }
        if let Some(member) = &self.suspended {
            return Err(Denial::Suspended(member.clone()));
        }
        if let Some(until) = stale.filter(|_| self.flow.has_term("when_stale")) {
            return Err(Denial::Stale(until));
        }
        let mut groups = self.groups;
        let mut last = None;
        for (prohibition, taken) in self.forbidden.iter().filter(|(prohibition, _)| prohibition.holds(day)) {
            let left = GroupSet(groups.0 & !taken.0);
            if left != groups {
                (groups, last) = (left, Some(&prohibition.id));
            }
        }
        match (self.table, last) {
            (_, Some(id)) if groups == GroupSet::NONE => Err(Denial::Prohibited(id.clone())),
            (Some(table), _) => Ok(Grant { rule: self, table, groups }),
            // A rule without a table has something unknown, above.
            (None, _) => Err(Denial::UnknownType(self.flow.type_name.clone(), self.type_version)),
        }
    }

    /// The question that it answers, on a day.
    fn ask(&self, day: Day) -> Ask<'_> {
        let (type_name, version, purpose) = (self.flow.type_name.as_str(), self.type_version, self.flow.purpose);
        Ask { type_name, version, from: &self.from, to: &self.to, purpose, day }
    }

    /// Local prohibitions that concern it on a day, with the groups that each takes away.
    pub fn prohibitions(&self, day: Day) -> impl Iterator<Item = (&Prohibition, GroupSet)> {
        let holding = self.forbidden.iter().filter(move |(prohibition, _)| prohibition.holds(day));
        holding.map(|(prohibition, taken)| (&**prohibition, GroupSet(taken.0 & self.groups.0)))
    }

    /// Whether the row is about a record with these places on its route, handled by these members.
    pub fn covers(&self, place: impl Fn(Role) -> Option<Territory>, handled_by: impl Fn(&MemberId) -> bool) -> bool {
        self.flow.covers(&self.to, place, handled_by)
    }
}

impl Grant<'_> {
    /// Whether a view and its retention lie within it.
    fn fits(&self, view: GroupSet, retention_days: u64) -> Result<(), Denial> {
        if !view.within(self.groups) {
            return Err(Denial::TooMuch(GroupSet(view.0 & !self.groups.0)));
        }
        match retention_days <= self.rule.flow.retention_days {
            true => Ok(()),
            false => Err(Denial::TooLong(self.rule.flow.retention_days)),
        }
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Denial::NoMember(id) => write!(f, "{id} is not a member"),
            Denial::MemberSuspended(id) => write!(f, "{id} is suspended in the charter"),
            Denial::NoAgreement => f.write_str("no agreement has a row from one to the other"),
            Denial::NoType(name) => write!(f, "no row between them is for {name}"),
            Denial::NoVersion(version) => write!(f, "no row between them is for version {version} of this type"),
            Denial::NoPurpose(purpose) => write!(f, "no row between them is for the purpose {purpose}"),
            Denial::UnknownTerm(term) => write!(f, "the row has the term '{term}', which is not known here"),
            Denial::UnknownType(name, version) => write!(f, "{name} version {version} is not known here"),
            Denial::UnknownGroup(name, version) => {
                write!(f, "{name} version {version} does not have every group that the row names")
            }
            Denial::NotYet(day) => write!(f, "the agreement begins on {day}"),
            Denial::Ended(day) => write!(f, "the agreement ended on {day}"),
            Denial::Superseded(day) => write!(f, "another version of the agreement holds since {day}"),
            Denial::Suspended(id) => write!(f, "{id} has suspended the agreement"),
            Denial::Stale(day) => write!(f, "the charter expired on {day}, and the row stops then"),
            Denial::Prohibited(id) => write!(f, "the local prohibition '{id}' takes away all that the row gives"),
            Denial::OtherAgreement => f.write_str("it is not the agreement that the dispatch names"),
            Denial::TooMuch(_) => f.write_str("more groups are shown than are given"),
            Denial::TooLong(days) => write!(f, "it may be kept {days} days at most"),
        }
    }
}

#[cfg(test)]
mod tests;
