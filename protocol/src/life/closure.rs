//! The closure of an item: every record that speaks of it, under all its numbers, with its order and payment and what it travels in.
//!
//! It is the same whatever order the records come in. It grows only through names: records of other items never join, be they in the
//! same order or the same bag.

use std::collections::{BTreeMap, BTreeSet};

use super::flag::{Finding, Flag, settle};
use super::held::{Held, for_purposes};
use super::key::{ItemId, ItemKey, Lives, Mention};
use super::links::{Alias, Kin, Node, Relation};
use super::names::{
    CARRIERS, Level, Name, UnitKey, contained, handlers, item_of, leads, orders, others, subjects, unit_of, within,
};
use super::paper::{Paper, Standing};
use crate::hash::Digest;
use crate::limits::{MAX_LIFE_NAMES, MAX_LIFE_RECORDS, MAX_LIFE_UNITS};
use crate::names::{MemberId, Purpose, words};
use crate::time::Day;

words!(
    /// Through what a record belongs to an item.
    Through, "way to an item", {
        /// It names the item.
        Item = "item";
        /// It links the item.
        Link = "link";
        /// It is about the item's order.
        Order = "order";
        /// It is about a unit of transport that the item is in.
        Unit = "unit";
        /// It quotes a record of the item.
        Reference = "reference";
        /// It tells of an outage of a member who filed for the item.
        Notice = "notice";
    }
);

/// A unit of transport that the item is or was in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nest {
    /// The unit.
    pub unit: UnitKey,
    /// The records that say what is in it, each with its issuer.
    pub by: Vec<(Digest, MemberId)>,
    /// Who built it or carries it: whom a referral on the item has to reach.
    pub holders: Vec<MemberId>,
}

/// A record of the item.
#[derive(Debug, Clone)]
pub struct Entry<'a> {
    /// The record.
    pub paper: Paper<'a>,
    /// Why it belongs here.
    pub through: Through,
}

/// Everything held here that belongs to one item.
#[derive(Debug, Clone)]
pub struct Closure<'a> {
    /// The item as asked for, with its posting day where it is known.
    pub key: ItemKey,
    /// The purposes whose views were joined.
    pub purposes: BTreeSet<Purpose>,
    /// Its numbers, the one asked for first.
    pub aliases: Vec<Alias>,
    /// Items that share goods with it.
    pub relations: Vec<Relation>,
    /// Other items that had or have its number.
    pub other_lives: Vec<ItemKey>,
    /// What it travels in, from the inside out.
    pub nests: Vec<Nest>,
    /// Its records, by when they were lodged.
    pub entries: Vec<Entry<'a>>,
    /// What was found while joining.
    pub flags: Vec<Flag>,
    /// Which limits were reached: beyond them records are not looked at.
    pub cut: Vec<String>,
    /// Names under which all of this is found.
    names: BTreeSet<Name>,
}

impl<'a> Closure<'a> {
    /// Joins what is held on one item, of views that came for these purposes and of own records. Records that have nothing to do with
    /// it change nothing.
    pub fn of(asked: &ItemKey, held: &[Held<'a>], purposes: &BTreeSet<Purpose>) -> Self {
        let mut flags = Vec::new();
        let mut cut = Vec::new();
        let papers = Paper::all(&for_purposes(held, purposes), &mut flags, &mut cut);
        let mentions: Vec<Mention> = papers.iter().flat_map(mentions).collect();
        let lives = Lives::of(&mentions);
        // Nobody speaks of it: no life of its number is the one.
        let start = (asked.item.clone(), lives.meant(asked).unwrap_or(usize::MAX));
        let kin = Kin::of(&start, &papers, &lives, &mut flags, &mut cut);
        let mut search = Search { papers: &papers, lives: &lives, kin: &kin, through: vec![None; papers.len()] };
        search.items();
        search.orders();
        let nests = search.units(&mut flags, &mut cut);
        search.quoted();
        let mut names = search.names(asked, &nests);
        if names.len() > MAX_LIFE_NAMES {
            cut.push(format!("{} names to look up, of which {MAX_LIFE_NAMES} are", names.len()));
            names = names.into_iter().take(MAX_LIFE_NAMES).collect();
        }
        let through = search.through;
        used_again(&kin, &papers, &lives, &mut flags);
        let all = lives.all(&asked.item).iter().enumerate().filter(|(at, _)| *at != start.1);
        let other_lives =
            all.map(|(_, life)| ItemKey { item: asked.item.clone(), posted_on: life.posted_on().or(Some(life.first)) });
        let other_lives = other_lives.collect();
        let posted_on = lives.all(&asked.item).get(start.1).and_then(super::key::NumberLife::posted_on);
        let entries = papers.into_iter().zip(through);
        let mut entries: Vec<Entry<'a>> =
            entries.filter_map(|(paper, through)| Some(Entry { paper, through: through? })).collect();
        if entries.len() > MAX_LIFE_RECORDS {
            cut.push(format!("{} records of it, of which the first {MAX_LIFE_RECORDS} are looked at", entries.len()));
            entries.truncate(MAX_LIFE_RECORDS);
        }
        let ours: BTreeSet<Digest> = entries.iter().map(|entry| entry.paper.root).collect();
        flags.retain(|flag| flag.records.iter().any(|root| ours.contains(root)));
        settle(&mut flags);
        Self {
            key: ItemKey { item: asked.item.clone(), posted_on: posted_on.or(asked.posted_on) },
            purposes: purposes.clone(),
            aliases: kin.aliases,
            relations: kin.relations,
            other_lives,
            nests,
            entries,
            flags,
            cut,
            names,
        }
    }

    /// The names that still have to be looked up: of all that belongs to the item, those not in `looked_up`. When none is left, the
    /// closure is complete.
    pub fn missing(&self, looked_up: &BTreeSet<Name>) -> BTreeSet<Name> {
        self.names.difference(looked_up).cloned().collect()
    }

    /// Records of one type.
    pub fn papers<'s>(&'s self, table: &'s str) -> impl Iterator<Item = &'s Paper<'a>> + Clone {
        self.entries.iter().map(|entry| &entry.paper).filter(move |paper| paper.is(table))
    }

    /// Records of one type that count: the current versions whose signature binds.
    pub fn counting<'s>(&'s self, table: &'s str) -> impl Iterator<Item = &'s Paper<'a>> + Clone {
        self.papers(table).filter(|paper| paper.counts())
    }

    /// Everybody who holds a unit that the item is in.
    pub fn holders(&self) -> BTreeSet<MemberId> {
        self.nests.iter().flat_map(|nest| nest.holders.iter().cloned()).collect()
    }
}

/// What a paper says of items.
fn mentions(paper: &Paper<'_>) -> Vec<Mention> {
    let at = paper.at();
    let mention = |(item, posted_on)| Mention { item, posted_on, at };
    let mut mentions: Vec<Mention> =
        item_of(paper).map(|item| mention((item, paper.day("item", "posted_on")))).into_iter().collect();
    if paper.is("link") {
        mentions.extend(others(paper).into_iter().map(mention));
    }
    if paper.is("consignment") {
        let items = contained(paper).into_iter().filter_map(|(day, name)| match name {
            Name::Item(item) => Some((item, day)),
            _ => None,
        });
        mentions.extend(items.map(mention));
    }
    mentions
}

/// A consignment with the units and items that it names.
struct Consignment<'s, 'a> {
    paper: &'s Paper<'a>,
    unit: Option<UnitKey>,
    within: Option<UnitKey>,
    items: Vec<(ItemId, Option<Day>)>,
    units: BTreeSet<UnitKey>,
}

impl<'s, 'a> Consignment<'s, 'a> {
    fn of(paper: &'s Paper<'a>) -> Self {
        let (mut items, mut units) = (Vec::new(), BTreeSet::new());
        for (day, name) in contained(paper) {
            match name {
                Name::Item(item) => items.push((item, day)),
                Name::Unit(unit) => drop(units.insert(unit)),
                _ => {}
            }
        }
        Self { paper, unit: unit_of(paper), within: within(paper), items, units }
    }
}

/// What is worked on while a closure grows.
struct Search<'s, 'a> {
    papers: &'s [Paper<'a>],
    lives: &'s Lives,
    kin: &'s Kin,
    through: Vec<Option<Through>>,
}

impl Search<'_, '_> {
    /// Takes each paper that `fits` and was not taken.
    fn take(&mut self, through: Through, fits: impl Fn(&Paper<'_>) -> bool) {
        for (paper, taken) in self.papers.iter().zip(&mut self.through) {
            if taken.is_none() && fits(paper) {
                *taken = Some(through);
            }
        }
    }

    /// Those that were taken and bind, and whose say was not taken back.
    fn taken(&self, wanted: &[Through]) -> impl Iterator<Item = &Paper<'_>> {
        let all = self.papers.iter().zip(&self.through);
        let fits = |through: &Option<Through>| through.is_some_and(|through| wanted.contains(&through));
        let found =
            all.filter(move |(paper, through)| fits(through) && paper.binds() && paper.standing != Standing::Cancelled);
        found.map(|(paper, _)| paper)
    }

    fn node(&self, paper: &Paper<'_>) -> Option<Node> {
        let item = item_of(paper)?;
        let mention = Mention { item, posted_on: paper.day("item", "posted_on"), at: paper.at() };
        let life = self.lives.place(&mention)?;
        Some((mention.item, life))
    }

    /// Papers that name the item, and links.
    fn items(&mut self) {
        let ours: Vec<bool> =
            self.papers.iter().map(|paper| self.node(paper).is_some_and(|node| self.kin.own.contains(&node))).collect();
        for ((paper, ours), taken) in self.papers.iter().zip(ours).zip(&mut self.through) {
            *taken = match () {
                () if paper.is("link") && self.kin.links.contains(&paper.root) => Some(Through::Link),
                () if ours => Some(Through::Item),
                () => None,
            };
        }
    }

    /// Orders and payments by the order's number at its platform, payments also by reference where the amount agrees.
    fn orders(&mut self) {
        let numbers: BTreeSet<Name> = self.taken(&[Through::Item]).flat_map(orders).collect();
        let paid = |paper: &Paper<'_>| {
            let field = |field| paper.field("payment", field);
            Some((
                paper.text("payment", "reference")?,
                field("amount")?.to_string(),
                paper.text("payment", "currency")?,
            ))
        };
        let payments: BTreeSet<_> =
            self.taken(&[Through::Item]).filter(|paper| paper.is("declaration")).filter_map(paid).collect();
        self.take(Through::Order, |paper| {
            let known = orders(paper);
            let by_payment = || paper.is("payment") && paid(paper).is_some_and(|paid| payments.contains(&paid));
            let trade = paper.is("order") || paper.is("payment");
            trade && (known.iter().any(|name| numbers.contains(name)) || by_payment())
        });
    }

    /// What the item travels in, level by level, and the papers about it.
    fn units(&mut self, flags: &mut Vec<Flag>, cut: &mut Vec<String>) -> Vec<Nest> {
        let mut found: BTreeMap<UnitKey, BTreeSet<(Digest, MemberId)>> = BTreeMap::new();
        let own = |item: &ItemId, day, at| {
            let mention = Mention { item: item.clone(), posted_on: day, at };
            self.lives.place(&mention).is_some_and(|life| self.kin.own.contains(&(mention.item, life)))
        };
        let current = |paper: &&Paper<'_>| paper.counts();
        let mut add = |unit: UnitKey, paper: &Paper<'_>, flags: &mut Vec<Flag>, inner: Level| {
            if unit.level <= inner {
                let text = format!("{} puts a {inner} into {unit}, which is not larger", paper.called());
                flags.push(Flag::new(Finding::Nesting, [paper.root], text).at("/within"));
                return false;
            }
            if found.len() >= MAX_LIFE_UNITS && !found.contains_key(&unit) {
                cut.push(format!("units of transport: more than {MAX_LIFE_UNITS}"));
                return false;
            }
            let new = !found.contains_key(&unit);
            found.entry(unit).or_default().insert((paper.root, paper.issuer.clone()));
            new
        };
        let mut open: Vec<UnitKey> = Vec::new();
        for paper in self.taken(&[Through::Item]).filter(current) {
            if let Some(unit) = within(paper).filter(|unit| add(unit.clone(), paper, flags, Level::Item)) {
                open.push(unit);
            }
        }
        let consignments = self.papers.iter().filter(|paper| paper.is("consignment")).filter(current);
        let consignments: Vec<Consignment<'_, '_>> = consignments.map(Consignment::of).collect();
        for Consignment { paper, unit, items, .. } in &consignments {
            if !items.iter().any(|(item, day)| own(item, *day, paper.at())) {
                continue;
            }
            if let Some(unit) = unit.clone().filter(|unit| add(unit.clone(), paper, flags, Level::Item)) {
                open.push(unit);
            }
        }
        while let Some(inner) = open.pop() {
            for Consignment { paper, unit, within, units, .. } in &consignments {
                let outer = match unit {
                    Some(unit) if *unit == inner => within.clone(),
                    unit => unit.clone().filter(|_| units.contains(&inner)),
                };
                if let Some(unit) = outer.filter(|unit| add(unit.clone(), paper, flags, inner.level)) {
                    open.push(unit);
                }
            }
        }
        cut.dedup();
        let holders = |unit: &UnitKey| {
            let built = consignments.iter().filter(|built| built.unit.as_ref() == Some(unit));
            let members = built.flat_map(|Consignment { paper, .. }| {
                let mut members = handlers(paper, CARRIERS);
                members.insert(paper.issuer.clone());
                members
            });
            members.collect::<BTreeSet<MemberId>>().into_iter().collect()
        };
        let nests: Vec<Nest> = found
            .into_iter()
            .map(|(unit, by)| Nest { holders: holders(&unit), by: by.into_iter().collect(), unit })
            .collect();
        let units: BTreeSet<UnitKey> = nests.iter().map(|nest| nest.unit.clone()).collect();
        // One whose item is hidden may be about another item of the unit.
        self.take(Through::Unit, |paper| {
            let of_unit = paper.shows("item") && item_of(paper).is_none();
            of_unit && unit_of(paper).is_some_and(|unit| units.contains(&unit))
        });
        nests
    }

    /// Papers that name no item and no unit but quote one of ours, and notices of outages.
    fn quoted(&mut self) {
        for _ in 0..2 {
            let names: BTreeSet<Name> =
                self.taken(&[Through::Item, Through::Unit, Through::Reference]).flat_map(leads).collect();
            let bare = |paper: &Paper<'_>| {
                let shown = paper.shows("item") && paper.shows("unit");
                shown && item_of(paper).is_none() && unit_of(paper).is_none()
            };
            let quotes = |paper: &Paper<'_>| subjects(paper).iter().any(|name| names.contains(name));
            let kinds = ["referral", "referral_answer", "customs_response"];
            self.take(Through::Reference, |paper| kinds.contains(&paper.table.name) && bare(paper) && quotes(paper));
            self.take(Through::Notice, |paper| paper.is("notice") && quotes(paper));
        }
    }

    /// Every name under which what belongs to the item is found.
    fn names(&self, asked: &ItemKey, nests: &[Nest]) -> BTreeSet<Name> {
        let mut names = BTreeSet::from([Name::Item(asked.item.clone())]);
        names.extend(self.kin.met.iter().map(|(item, _)| Name::Item(item.clone())));
        names.extend(nests.iter().map(|nest| Name::Unit(nest.unit.clone())));
        names.extend(self.taken(&[Through::Item, Through::Unit, Through::Reference]).flat_map(leads));
        names
    }
}

/// Flags numbers that were used again within twelve months.
fn used_again(kin: &Kin, papers: &[Paper<'_>], lives: &Lives, flags: &mut Vec<Flag>) {
    for (item, life) in &kin.own {
        let Some(days) = lives.all(item).get(*life).map(|life| &life.days).filter(|days| days.len() > 1) else {
            continue;
        };
        let says = |paper: &&Paper<'_>| {
            let day = paper.day("item", "posted_on");
            item_of(paper).as_ref() == Some(item) && day.is_some_and(|day| days.contains(&day))
        };
        let roots = papers.iter().filter(says).map(|paper| paper.root);
        let list: Vec<String> = days.iter().map(ToString::to_string).collect();
        let text = format!("{item} has several posting days within twelve months: {}", list.join(", "));
        flags.push(Flag::on(Finding::UsedAgainEarly, &item.id, roots, text).at("/item/posted_on"));
    }
}
