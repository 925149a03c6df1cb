//! What a destination asks for, made ready for one type table and looked up by destination.

use super::pass::{At, Pass};
use crate::limits::MAX_GROUPS;
use crate::names::Territory;
use crate::record::{Group, Scope, TypeTable};
use crate::reference::{Level, Obligation, Path, Rule, RuleBook, reaches};

/// A group, or a field of it by its place there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub(super) group: usize,
    pub(super) field: Option<usize>,
    pub(super) scope: Scope,
    /// Where a finding points: the field, or the first that the group must have.
    shown: usize,
}

impl Wanted {
    /// The place of a path in a type; `None` where the type does not have it.
    pub(super) fn of(path: &Path, table: &TypeTable) -> Option<Self> {
        let (group, definition, field) = path.find(table)?;
        Some(Self { group, field, scope: definition.scope, shown: field.unwrap_or(first_field(definition)) })
    }
}

fn first_field(group: &Group) -> usize {
    group.fields.iter().position(|field| field.mandatory).unwrap_or(0)
}

#[derive(Debug)]
struct Ready {
    /// Its place in the book.
    rule: usize,
    any_of: Vec<Wanted>,
    present: Option<Wanted>,
    absent: Option<Wanted>,
}

/// The obligations of a book for one type.
#[derive(Debug)]
pub(super) struct Obligations {
    ready: Vec<Ready>,
    /// Which of them reach a destination, by the number of its two letters.
    by_destination: Vec<Vec<usize>>,
    /// Groups of which some field is asked for.
    fields_of: [bool; MAX_GROUPS],
}

impl Obligations {
    /// Those that a record of this type can meet; a version that has no place for something is not held to it.
    pub(super) fn new(table: &TypeTable, book: &RuleBook) -> Self {
        let of_declarations = table.name == "declaration";
        let rules = book.obligations.iter().enumerate().filter(|_| of_declarations);
        let ready: Vec<Ready> = rules.filter_map(|(at, rule)| ready(at, rule, table)).collect();
        let mut fields_of = [false; MAX_GROUPS];
        for one in &ready {
            for wanted in
                one.any_of.iter().chain(&one.present).chain(&one.absent).filter(|wanted| wanted.field.is_some())
            {
                fields_of[wanted.group] = true;
            }
        }
        let reached = |destination: Territory| {
            ready
                .iter()
                .enumerate()
                .filter(|(_, one)| reaches(&book.obligations[one.rule].destinations, destination))
                .map(|(at, _)| at)
                .collect()
        };
        let by_destination = if ready.is_empty() { Vec::new() } else { every_territory().map(reached).collect() };
        Self { ready, by_destination, fields_of }
    }

    /// Whether it counts which fields of a group are there.
    pub(super) fn needs_fields_of(&self, group: usize) -> bool {
        self.fields_of.get(group).copied().unwrap_or(false)
    }

    fn at(&self, destination: Territory) -> &[usize] {
        let number = match destination.as_str().as_bytes() {
            [a, b] => usize::from(a - b'A') * 26 + usize::from(b - b'A'),
            _ => return &[],
        };
        self.by_destination.get(number).map_or(&[], Vec::as_slice)
    }
}

/// Every two capital letters.
fn every_territory() -> impl Iterator<Item = Territory> {
    let letters = || (b'A'..=b'Z').map(char::from);
    letters().flat_map(move |a| letters().filter_map(move |b| String::from_iter([a, b]).parse().ok()))
}

fn ready(at: usize, rule: &Obligation, table: &TypeTable) -> Option<Ready> {
    let any_of: Vec<Wanted> = rule.any_of.iter().filter_map(|path| Wanted::of(path, table)).collect();
    let condition = |path: &Option<Path>| match path {
        None => Some(None),
        Some(path) => Wanted::of(path, table).map(Some),
    };
    let (present, absent) = (condition(&rule.when.present)?, condition(&rule.when.absent)?);
    (!any_of.is_empty() && rule.level != Level::Voluntary).then_some(Ready { rule: at, any_of, present, absent })
}

impl Pass<'_, '_> {
    /// What the destination asks for and is not there, as far as it is shown.
    pub(super) fn obligations(&mut self) {
        let Some(destination) = self.facts.destination.filter(|_| !self.facts.cancelled) else { return };
        let checker = self.checker;
        for at in checker.obligations.at(destination) {
            let one = &checker.obligations.ready[*at];
            let rule = &checker.book.obligations[one.rule];
            let named = |names: &[String], value: Option<&str>| {
                names.is_empty() || value.is_some_and(|value| names.iter().any(|name| name == value))
            };
            let applies = rule.span.holds(self.day)
                && named(&rule.kinds, self.facts.kind)
                && named(&rule.data_sets, self.facts.data_set.map(|(set, _)| set));
            if applies && self.condition_holds(rule, one) {
                self.obligation(rule, one, destination);
            }
        }
    }

    /// Whether a conditional obligation's condition holds, or may.
    fn condition_holds(&self, rule: &Obligation, one: &Ready) -> bool {
        let when = &rule.when;
        let listed = |names: &[String], value: Option<&str>| {
            names.is_empty() || value.is_some_and(|value| names.iter().any(|name| name == value))
        };
        listed(&when.categories, self.facts.category)
            && listed(&when.transactions, self.facts.transaction)
            && one.present.is_none_or(|wanted| self.anywhere(wanted) == Some(true))
            && one.absent.is_none_or(|wanted| self.anywhere(wanted) == Some(false))
    }

    /// Whether something is there, in the record or in any goods item; `None` where it is hidden.
    fn anywhere(&self, wanted: Wanted) -> Option<bool> {
        match wanted.scope {
            Scope::Record => self.has(wanted.group, wanted.field, None),
            Scope::Item => {
                let mut goods =
                    (0..self.facts.goods.len()).map(|item| self.has(wanted.group, wanted.field, Some(item)));
                if self.source.shows(wanted.group) { Some(goods.any(|has| has == Some(true))) } else { None }
            }
        }
    }

    fn obligation(&mut self, asked: &Obligation, one: &Ready, destination: Territory) {
        let hidden_or_there = |has: Option<bool>| has != Some(false);
        let of_record = one.any_of.iter().filter(|wanted| wanted.scope == Scope::Record);
        if of_record.into_iter().any(|wanted| hidden_or_there(self.has(wanted.group, wanted.field, None))) {
            return;
        }
        let of_goods = one.any_of.iter().find(|wanted| wanted.scope == Scope::Item);
        let Some(first) = of_goods.or(one.any_of.first()).copied() else { return };
        let places = match of_goods {
            None => 1,
            Some(_) => self.facts.goods.len().max(1),
        };
        for item in 0..places {
            let mut in_goods = one.any_of.iter().filter(|wanted| wanted.scope == Scope::Item);
            if in_goods.any(|wanted| hidden_or_there(self.has(wanted.group, wanted.field, Some(item)))) {
                continue;
            }
            let rule = match asked.level {
                Level::Required => Rule::ObligationRequired,
                Level::Conditional if asked.when.is_empty() => Rule::ObligationCondition,
                Level::Conditional => Rule::ObligationConditional,
                Level::Voluntary => continue,
            };
            let at = At::of(first.group, item, first.shown);
            self.find(rule, at, Some(&asked.listed), || {
                let names: Vec<String> = asked.any_of.iter().map(ToString::to_string).collect();
                let condition =
                    if asked.condition.is_empty() { String::new() } else { format!(" ({})", asked.condition) };
                format!("{destination} asks for {}{condition}", names.join(" or "))
            });
        }
    }
}
