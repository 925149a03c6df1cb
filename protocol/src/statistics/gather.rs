//! Facts of records: what a node knows as declared, one row for each goods item.
//!
//! Of each record the version counts that holds among those known (the rule of [`crate::life`]): a correction takes the place of what it
//! corrects, what was taken back does not count. Numbers that links call one item are one item; of several declarations of it in the same
//! flow the one that was lodged first counts. Where a whole and its parts are both declared, the parts count if all of them are, else the
//! whole. Exports are filings of kind `export` and `reexport`, imports those of kind `import`; advance data is none of both.
//!
//! An item lies in the month of the day on which its declaration says that it was filed, else of its message, else of the day on which
//! it was lodged at this node. Its money is converted at the rate of that day. The origin of an import is that of the goods; of an export
//! it is where it leaves. Parties get numbers in the order in which they come: no name leaves this place. Whoever has one number or name
//! is one party, which may join two of one name, and so withholds more, never less.
//!
//! What lacks something that a fact needs is counted by reason, never dropped unseen. Not here: how a node finds its records, and files.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::fact::{Flow, Heading, Mode, Month, Place, Role};
use super::facts::Sums;
use super::read::FactRow;
use crate::accounting::standing::{Head, Holding};
use crate::hash::Digest;
use crate::life::{
    Action, Held, ItemId, LinkKind, Lodged, NumberLife, Paper, Row, Shown, item_of, lives_of, others, place_in,
};
use crate::names::{CollectionModel, Currency, MemberId, MemberKind, Territory};
use crate::record::{Content, Value};
use crate::revenue::{
    Declared, DeclaredGoods, Exact, Mode as RoundingMode, Money, RevenueBook, Rounding, Stage, spread,
};
use crate::time::{Day, Millis};

/// Records that are gathered at once, all versions of all types; a kilobyte each.
pub const MAX_GATHERED_RECORDS: usize = 1 << 21;
/// Records that are named as examples of a reason.
const EXAMPLES: usize = 3;
/// Types of records that facts are made of.
pub const GATHERED_TYPES: [&str; 3] = ["declaration", "duty", "link"];
/// Groups of them that are looked at.
pub const GATHERED_GROUPS: [&str; 20] = [
    "filing",
    "reference",
    "item",
    "route",
    "mass",
    "addressee",
    "sender",
    "seller",
    "declarant",
    "principal",
    "fiscal",
    "content",
    "classification",
    "value",
    "origin",
    "measure",
    "duty",
    "lines",
    "relation",
    "others",
];

/// Which facts are wanted.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Which way.
    pub flow: Flow,
    /// The first month.
    pub from: Month,
    /// The last month.
    pub to: Month,
    /// The currency of value and duty.
    pub currency: Currency,
    /// Who collects, where neither a record of duty nor the declaration says so; without it such goods are left out.
    pub model: Option<CollectionModel>,
    /// Whether an import whose goods name no origin counts as from where it leaves.
    pub departure_as_origin: bool,
}

/// A record as it is handed in.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// Its root.
    pub root: Digest,
    /// Who issued it.
    pub issuer: &'a MemberId,
    /// The root that its header names as corrected or cancelled.
    pub supersedes: Option<Digest>,
    /// When it was lodged.
    pub at: Millis,
    /// What is known of it.
    pub content: &'a Content,
}

/// Why gathering ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GatherError {
    /// There are too many.
    #[error("there are more than {MAX_GATHERED_RECORDS} records of declarations, duty and links")]
    Full,
    /// No money.
    #[error("{0} is no currency in use on {1}")]
    Currency(Currency, Day),
}

/// What is left out, or known with less.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counted {
    /// How many goods items, or declarations where it is about them.
    pub count: u64,
    /// Some of them: reference and issuer.
    pub examples: Vec<String>,
}

/// Facts, and what became of the rest.
#[derive(Debug, Clone, Default)]
pub struct Gathered {
    /// A row for each goods item.
    pub rows: Vec<FactRow>,
    /// Goods items and declarations that are left out, by reason.
    pub left_out: BTreeMap<String, Counted>,
    /// Goods items that are counted with less than could be known, by what that is.
    pub notes: BTreeMap<String, Counted>,
    /// Records that were looked at, all versions.
    pub records: u64,
}

/// Gathers records; the order in which they come does not matter.
#[derive(Debug)]
pub struct Gather {
    wanted: Wanted,
    all: BTreeMap<Digest, Known>,
}

#[derive(Debug)]
struct Known {
    issuer: MemberId,
    table: &'static str,
    reference: Option<String>,
    head: Head,
    item: Option<(ItemId, Option<Day>)>,
    what: What,
}

#[derive(Debug)]
enum What {
    Declared(Box<Declared>, [BTreeSet<String>; 3]),
    Duty { stage: Stage, model: Option<CollectionModel>, later: bool, lines: Vec<Line> },
    Links { kind: LinkKind, others: Vec<(ItemId, Option<Day>)> },
    Nothing,
}

#[derive(Debug, Clone)]
struct Line {
    goods: Option<u32>,
    tariff: Option<String>,
    amount: Money,
}

impl Gather {
    /// Nothing gathered yet.
    pub fn new(wanted: Wanted) -> Self {
        Self { wanted, all: BTreeMap::new() }
    }

    /// Takes a record; the same again changes nothing.
    ///
    /// # Errors
    /// [`GatherError::Full`].
    pub fn take(&mut self, seen: &Seen<'_>) -> Result<(), GatherError> {
        if let Some(known) = self.all.get_mut(&seen.root) {
            known.head.at = known.head.at.min(seen.at);
            // Another view may show more.
            if known.reference.is_some() && !matches!(known.what, What::Nothing) {
                return Ok(());
            }
        } else if self.all.len() >= MAX_GATHERED_RECORDS {
            return Err(GatherError::Full);
        }
        // Kind and territory of its issuer mean nothing to what is read here.
        let Ok(territory) = "EU".parse() else { return Ok(()) };
        let held = Held {
            root: seen.root,
            issuer: seen.issuer,
            kind: MemberKind::Customs,
            territory,
            lodged: Lodged { claimed: None, entered: seen.at, proven: None },
            lodged_with: &[],
            terms: None,
            mark: None,
            supersedes: seen.supersedes,
            shown: Shown::Own(seen.content),
        };
        let Some(paper) = Paper::one(&held) else { return Ok(()) };
        let head = Head {
            root: seen.root,
            revision: paper.revision,
            action: paper.action,
            supersedes: paper.supersedes,
            at: seen.at,
        };
        let item = item_of(&paper).map(|item| (item, paper.day("item", "posted_on")));
        let known = Known {
            issuer: seen.issuer.clone(),
            table: paper.table.name,
            reference: paper.reference.clone(),
            head,
            item,
            what: what(&paper, seen.content),
        };
        self.all.insert(seen.root, known);
        Ok(())
    }

    /// The facts, with money converted by a book's rates.
    ///
    /// # Errors
    /// [`GatherError::Currency`].
    pub fn finish(self, book: &RevenueBook) -> Result<Gathered, GatherError> {
        let Self { wanted, all } = self;
        let records = all.len() as u64;
        let holding = holding(all);
        let mut work = Work { wanted: &wanted, book, made: Gathered { records, ..Gathered::default() } };
        let items = Items::of(&holding);
        let counted = work.declarations(&holding, &items);
        let mut parties: Vec<(usize, [BTreeSet<String>; 3])> = Vec::new();
        for (at, roots) in counted {
            let first = work.made.rows.len();
            work.rows(&holding, &holding[at], &items, &roots)?;
            if let What::Declared(_, names) = &holding[at].what {
                parties.extend((first..work.made.rows.len()).map(|row| (row, names.clone())));
            }
        }
        number(&mut work.made.rows, &parties);
        Ok(work.made)
    }
}

/// Facts as CSV, as [`super::read_facts`] reads them.
pub fn facts_csv(rows: &[FactRow]) -> String {
    let mut text = "month,flow,hs,origin,destination,mode,model,value,mass,duty,importer,seller,filer\r\n".to_owned();
    for FactRow { flow, place, parties, sums, .. } in rows {
        let Place { month, origin, destination, heading, mode, model } = place;
        let hs = match heading.number() % 100 {
            0 => format!("{:02}", heading.chapter()),
            _ => heading.to_string(),
        };
        let [importer, seller, filer] = [0, 1, 2].map(|at| parties[at].as_deref().unwrap_or_default());
        // No field of these has a comma, a quote or the end of a line.
        text += &format!(
            "{month},{flow},{hs},{origin},{destination},{},{model},{},{},{},{importer},{seller},{filer}\r\n",
            mode.digit(),
            sums.value,
            sums.mass,
            sums.duty
        );
    }
    text
}

fn what(paper: &Paper<'_>, content: &Content) -> What {
    match paper.table.name {
        "declaration" => match Declared::of(Shown::Own(content)) {
            Ok(declared) => What::Declared(Box::new(declared), names(paper)),
            Err(_) => What::Nothing,
        },
        "duty" => {
            let Some(stage) = paper.word("duty", "stage") else { return What::Nothing };
            let lines = paper.rows("lines").iter().filter_map(line).collect();
            let later = paper.text("duty", "about").is_some();
            What::Duty { stage, model: paper.word("duty", "model"), later, lines }
        }
        "link" => match paper.word("relation", "kind") {
            Some(kind) => What::Links { kind, others: others(paper) },
            None => What::Nothing,
        },
        _ => What::Nothing,
    }
}

fn line(row: &Row) -> Option<Line> {
    let amount: Exact = match row.value("amount")? {
        Value::Decimal(decimal) => (*decimal).into(),
        _ => return None,
    };
    let goods = match row.value("goods_item") {
        Some(Value::Uint(number)) => u32::try_from(*number).ok(),
        _ => None,
    };
    let currency = row.text("currency")?.parse().ok()?;
    Some(Line { goods, tariff: row.text("tariff").map(str::to_owned), amount: Money::new(amount, currency) })
}

/// By what each party is known, in the order of [`Role::ALL`].
fn names(paper: &Paper<'_>) -> [BTreeSet<String>; 3] {
    let add = |of: &mut BTreeSet<String>, id: Option<&str>, name: Option<&str>, country: Option<&str>| {
        let text = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
        of.extend(id.map(|id| format!("id {}", text(id))));
        of.extend(name.map(|name| format!("name {} {}", country.unwrap_or_default(), text(name))));
    };
    let [mut importer, mut seller, mut filer] = [BTreeSet::new(), BTreeSet::new(), BTreeSet::new()];
    let rows = |group: &str| paper.rows(group);
    for row in rows("addressee") {
        add(&mut importer, row.text("id"), row.text("name"), row.text("country"));
    }
    for row in rows("seller") {
        let account = row.text("account").map(|id| format!("{} {id}", row.text("platform").unwrap_or_default()));
        add(&mut seller, account.as_deref(), row.text("name"), row.text("country"));
    }
    if seller.is_empty() {
        for row in rows("sender") {
            add(&mut seller, row.text("id"), row.text("name"), row.text("country"));
        }
    }
    for row in rows("declarant") {
        let of = match row.text("role") {
            Some("importer") => &mut importer,
            Some("exporter") => continue,
            _ => &mut filer,
        };
        add(of, row.text("id"), row.text("name"), row.text("country"));
    }
    if filer.is_empty() {
        for row in rows("principal") {
            add(&mut filer, row.text("id"), row.text("name"), row.text("country"));
        }
    }
    if filer.is_empty() {
        filer.insert(format!("member {}", paper.issuer));
    }
    [importer, seller, filer]
}

/// What all versions of a record have in common: who issued it, its type, its reference; where that is hidden, the root of the first.
type Mark = (MemberId, &'static str, Option<String>, Option<Digest>);

/// The version of each record that counts, by when it was lodged.
fn holding(all: BTreeMap<Digest, Known>) -> Vec<Known> {
    let mut versions: BTreeMap<Mark, Vec<Head>> = BTreeMap::new();
    for known in all.values() {
        let unnamed = known.reference.is_none().then(|| known.head.supersedes.unwrap_or(known.head.root));
        let mark = (known.issuer.clone(), known.table, known.reference.clone(), unnamed);
        versions.entry(mark).or_default().push(known.head.clone());
    }
    let holds: BTreeSet<Digest> = versions.values().filter_map(|heads| Holding::of(heads.iter()).holds()).collect();
    let counts = |known: &Known| holds.contains(&known.head.root) && known.head.action != Action::Cancellation;
    let mut holding: Vec<Known> = all.into_values().filter(counts).collect();
    holding.sort_by_key(|known| (known.head.at, known.head.root));
    holding
}

/// Numbers in their lives, joined by links.
struct Items {
    lives: BTreeMap<ItemId, Vec<NumberLife>>,
    nodes: BTreeMap<(ItemId, usize), usize>,
    sets: Vec<usize>,
    /// A whole and its parts.
    families: Vec<(usize, Vec<usize>)>,
    /// By item: the places of its records of duty.
    duties: BTreeMap<usize, Vec<usize>>,
}

impl Items {
    fn of(holding: &[Known]) -> Self {
        let mut days: BTreeMap<&ItemId, (BTreeSet<Day>, BTreeSet<Day>)> = BTreeMap::new();
        for known in holding {
            let linked: &[_] = match &known.what {
                What::Links { others, .. } => others,
                _ => &[],
            };
            for (item, posted_on) in known.item.iter().chain(linked) {
                let (posted, lodged) = days.entry(item).or_default();
                match posted_on {
                    Some(day) => posted.insert(*day),
                    None => lodged.insert(known.head.at.day()),
                };
            }
        }
        let lives: BTreeMap<_, _> =
            days.into_iter().map(|(item, (posted, lodged))| (item.clone(), lives_of(posted, lodged))).collect();
        let mut nodes = BTreeMap::new();
        for (item, lives) in &lives {
            for life in 0..lives.len() {
                nodes.insert((item.clone(), life), nodes.len());
            }
        }
        let sets = (0..nodes.len()).collect();
        let mut items = Self { lives, sets, nodes, families: Vec::new(), duties: BTreeMap::new() };
        for known in holding {
            let What::Links { kind, others } = &known.what else { continue };
            let Some(from) = items.node(known.item.as_ref(), known.head.at) else { continue };
            let to: Vec<usize> = others
                .iter()
                .filter_map(|other| items.node(Some(other), known.head.at))
                .filter(|to| *to != from)
                .collect();
            match kind {
                LinkKind::SameAs | LinkKind::Relabelled => to.into_iter().for_each(|to| items.join(from, to)),
                LinkKind::SplitInto | LinkKind::MergedFrom => items.families.push((from, to)),
                // What travels back is another item.
                LinkKind::ReturnedAs => {}
            }
        }
        // Each points to a lower one, so that in ascending order all point to their first.
        for at in 0..items.sets.len() {
            items.sets[at] = items.sets[items.sets[at]];
        }
        for (at, known) in holding.iter().enumerate().filter(|(_, known)| matches!(known.what, What::Duty { .. })) {
            if let Some(item) = items.item(known) {
                items.duties.entry(item).or_default().push(at);
            }
        }
        items
    }

    fn node(&self, item: Option<&(ItemId, Option<Day>)>, at: Millis) -> Option<usize> {
        let (item, posted_on) = item?;
        let life = place_in(self.lives.get(item)?, *posted_on, at.day())?;
        self.nodes.get(&(item.clone(), life)).copied()
    }

    /// The item of a record: one number for all of its numbers.
    fn item(&self, known: &Known) -> Option<usize> {
        self.node(known.item.as_ref(), known.head.at).map(|node| self.root(node))
    }

    fn root(&self, mut at: usize) -> usize {
        while self.sets[at] != at {
            at = self.sets[at];
        }
        at
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.root(one), self.root(other));
        self.sets[one.max(other)] = one.min(other);
    }
}

struct Work<'a> {
    wanted: &'a Wanted,
    book: &'a RevenueBook,
    made: Gathered,
}

fn told(known: &Known) -> String {
    let reference = known.reference.clone().unwrap_or_else(|| known.head.root.hex().chars().take(16).collect());
    format!("{reference} of {}", known.issuer)
}

fn count(all: &mut BTreeMap<String, Counted>, why: &str, known: &Known, by: u64) {
    let counted = all.entry(why.to_owned()).or_default();
    counted.count += by;
    if counted.examples.len() < EXAMPLES {
        counted.examples.push(told(known));
    }
}

impl Work<'_> {
    fn leave_out(&mut self, why: &str, known: &Known, by: u64) {
        count(&mut self.made.left_out, why, known, by);
    }

    /// The declarations that count in the flow and months, each with the items whose records of duty are its own.
    fn declarations(&mut self, holding: &[Known], items: &Items) -> Vec<(usize, Vec<usize>)> {
        let mut first: BTreeMap<usize, usize> = BTreeMap::new();
        let mut counted: Vec<(usize, Option<usize>)> = Vec::new();
        for (at, known) in holding.iter().enumerate() {
            let What::Declared(declared, _) = &known.what else { continue };
            let fits = match (self.wanted.flow, declared.filing.as_deref()) {
                (_, None) => {
                    self.leave_out("declarations that do not say which kind of filing they are", known, 1);
                    continue;
                }
                (Flow::Import, Some(kind)) => kind == "import",
                (Flow::Export, Some(kind)) => matches!(kind, "export" | "reexport"),
            };
            if !fits {
                continue;
            }
            let item = items.item(known);
            if let Some(item) = item {
                if first.contains_key(&item) {
                    self.leave_out("declarations of an item that another one declared before", known, 1);
                    continue;
                }
                first.insert(item, at);
            }
            counted.push((at, item));
        }
        let mut of_parts: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        let mut out: BTreeSet<usize> = BTreeSet::new();
        for (whole, parts) in &items.families {
            let whole = items.root(*whole);
            let Some(&declared) = first.get(&whole) else { continue };
            let parts: BTreeSet<usize> =
                parts.iter().map(|part| items.root(*part)).filter(|part| *part != whole).collect();
            if !parts.is_empty() && parts.iter().all(|part| first.contains_key(part)) {
                if out.insert(declared) {
                    self.leave_out("declarations of a whole whose parts are declared", &holding[declared], 1);
                }
                continue;
            }
            for part in parts {
                if let Some(&declared) = first.get(&part)
                    && out.insert(declared)
                {
                    self.leave_out("declarations of parts of a declared whole", &holding[declared], 1);
                }
                of_parts.entry(whole).or_default().push(part);
            }
        }
        counted.retain(|(at, _)| !out.contains(at));
        let with_items = |(at, item): (usize, Option<usize>)| {
            let parts = item.and_then(|item| of_parts.get(&item)).cloned().unwrap_or_default();
            (at, item.into_iter().chain(parts).collect())
        };
        counted.into_iter().map(with_items).collect()
    }

    /// The rows of one declaration.
    fn rows(&mut self, holding: &[Known], known: &Known, items: &Items, roots: &[usize]) -> Result<(), GatherError> {
        let What::Declared(declared, _) = &known.what else { return Ok(()) };
        let day = declared.filed_on.unwrap_or_else(|| known.head.at.day());
        // A day that a record can name lies in a month.
        let Ok(month) = day.to_string().get(..7).unwrap_or_default().parse::<Month>() else { return Ok(()) };
        if !(self.wanted.from..=self.wanted.to).contains(&month) {
            return Ok(());
        }
        if declared.filed_on.is_none() {
            let goods = declared.goods.len() as u64;
            count(&mut self.made.notes, "goods in the month in which their declaration was lodged here", known, goods);
        }
        let digits =
            self.book.decimals(self.wanted.currency, day).ok_or(GatherError::Currency(self.wanted.currency, day))?;
        if declared.goods.is_empty() {
            self.leave_out("declarations without goods items", known, 1);
            return Ok(());
        }
        let (duties, model) = duties(holding, items, roots);
        let model = model.or(declared.model()).or(self.wanted.model);
        let common = self.common(declared, model);
        let shares = match self.shares(declared, &duties, day, digits) {
            Ok(shares) => shares,
            Err(why) => {
                self.leave_out(&why, known, declared.goods.len() as u64);
                return Ok(());
            }
        };
        for (goods, duty) in declared.goods.iter().zip(shares) {
            let row = common.clone().and_then(|common| self.row(declared, goods, common, month, day, digits));
            match row {
                Err(why) => self.leave_out(&why, known, 1),
                Ok((place, value, mass)) => {
                    if duties.is_empty() {
                        count(&mut self.made.notes, "goods without a record of duty", known, 1);
                    }
                    if mass.is_none() {
                        count(&mut self.made.notes, "goods without mass", known, 1);
                    } else if goods.net_kg.is_none() {
                        count(&mut self.made.notes, "goods whose gross mass counts, since none is net", known, 1);
                    }
                    let sums =
                        Sums { count: 1, value: value.into(), mass: mass.unwrap_or(0).into(), duty: duty.into() };
                    let (line, flow) = (self.made.rows.len() as u64 + 2, self.wanted.flow);
                    self.made.rows.push(FactRow { line, flow, place, parties: [None, None, None], sums });
                }
            }
        }
        Ok(())
    }

    /// What all goods of a declaration have in common: destination, mode, who collects.
    fn common(
        &self,
        declared: &Declared,
        model: Option<CollectionModel>,
    ) -> Result<(Territory, Mode, CollectionModel), String> {
        let destination = declared.destination.ok_or("goods without destination")?;
        let code = declared.mode.as_deref().ok_or("goods without mode of transport")?;
        let digits = code.bytes().all(|c| c.is_ascii_digit());
        let mode = code.get(..1).filter(|_| digits).and_then(|digit| digit.parse().ok());
        let mode = mode.ok_or("goods whose mode of transport is none of UNECE Recommendation 19")?;
        let model = model.ok_or("goods of which nothing says who collects")?;
        Ok((destination, mode, model))
    }

    fn row(
        &self,
        declared: &Declared,
        goods: &DeclaredGoods,
        (destination, mode, model): (Territory, Mode, CollectionModel),
        month: Month,
        day: Day,
        digits: u8,
    ) -> Result<(Place, u64, Option<u64>), String> {
        let origin = match self.wanted.flow {
            Flow::Export => declared.departure.ok_or("goods that do not say where they leave")?,
            Flow::Import => {
                let departure = declared.departure.filter(|_| self.wanted.departure_as_origin);
                goods.origin.or(departure).ok_or("goods without origin")?
            }
        };
        let tariff = goods.tariff.as_deref().ok_or("goods without tariff code")?;
        let heading: Heading = tariff
            .get(..4)
            .and_then(|heading| heading.parse().ok())
            .ok_or("goods whose tariff code is none of the Harmonized System")?;
        let (amount, currency) = goods.value.ok_or("goods without value")?;
        let currency = currency.ok_or("goods whose value has no currency")?;
        let value = minor(self.converted(Money::new(amount, currency), day, digits)?, digits)
            .ok_or("goods whose value is below zero or beyond all measure")?;
        let mass = match goods.net_kg.or(goods.gross_kg) {
            None => None,
            Some(mass) => Some(minor(mass, 3).ok_or("goods whose mass is below zero or beyond all measure")?),
        };
        Ok((Place { month, origin, destination, heading, mode, model }, value, mass))
    }

    fn converted(&self, money: Money, day: Day, digits: u8) -> Result<Exact, String> {
        let into = self.wanted.currency;
        if money.currency == into {
            return Ok(money.amount);
        }
        let exchange = self.book.exchange(money.currency, into, day);
        let exchange = exchange.ok_or_else(|| {
            format!("goods without a rate of exchange from {} into {into} in {}", money.currency, month_of(day))
        })?;
        let converted = exchange.convert(money, Rounding::CENT, digits);
        converted.map(|money| money.amount).map_err(|error| format!("goods that cannot be converted: {error}"))
    }

    /// Duty and tax of each goods item, in minor units: that of its own lines, and its share of those for several.
    fn shares(&self, declared: &Declared, duties: &[Line], day: Day, digits: u8) -> Result<Vec<u64>, String> {
        let goods = &declared.goods;
        let mut sums = vec![Exact::ZERO; goods.len()];
        let beyond = |error: crate::revenue::MoneyError| format!("goods whose duty cannot be added up: {error}");
        for line in duties {
            let amount = self.converted(line.amount, day, digits)?;
            let own = |one: &DeclaredGoods| match (line.goods, &line.tariff) {
                (Some(number), _) => one.number == number,
                (None, Some(tariff)) => one.tariff.as_ref() == Some(tariff),
                (None, None) => true,
            };
            let mut places: Vec<usize> = (0..goods.len()).filter(|at| own(&goods[*at])).collect();
            if places.is_empty() {
                // It is of this item, whatever it names.
                places = (0..goods.len()).collect();
            }
            // By value in one currency; what cannot be converted is left out with its goods.
            let weight = |at: &usize| match goods[*at].value {
                Some((amount, Some(currency))) => {
                    self.converted(Money::new(amount, currency), day, digits).unwrap_or(Exact::ZERO)
                }
                _ => Exact::ZERO,
            };
            let weights: Vec<Exact> = places.iter().map(weight).collect();
            let parts = spread(amount, &weights, digits).map_err(beyond)?;
            for (at, part) in places.into_iter().zip(parts) {
                sums[at] = sums[at].plus(part).map_err(beyond)?;
            }
        }
        let below = || "goods whose duty is below zero or beyond all measure".to_owned();
        sums.into_iter().map(|sum| minor(sum, digits).ok_or_else(below)).collect()
    }
}

fn month_of(day: Day) -> String {
    day.to_string().chars().take(7).collect()
}

/// What is assessed of an item; what is collected where nothing is assessed. And who collects, as these say.
fn duties(holding: &[Known], items: &Items, roots: &[usize]) -> (Vec<Line>, Option<CollectionModel>) {
    let mut by_stage: BTreeMap<bool, (Vec<Line>, Option<CollectionModel>)> = BTreeMap::new();
    let places = roots.iter().filter_map(|root| items.duties.get(root)).flatten();
    for at in places {
        let What::Duty { stage, model, later, lines } = &holding[*at].what else { continue };
        let assessed = *stage == Stage::Assessed;
        if assessed || (*stage == Stage::Collected && !later) {
            let (all, who) = by_stage.entry(assessed).or_default();
            all.extend(lines.iter().cloned());
            *who = who.or(*model);
        }
    }
    by_stage.remove(&true).or_else(|| by_stage.remove(&false)).unwrap_or_default()
}

/// As a whole number of the smallest unit, rounded once.
fn minor(amount: Exact, digits: u8) -> Option<u64> {
    let times = Exact::whole(10_i64.checked_pow(digits.into())?);
    amount.rounded(digits, RoundingMode::HalfUp).times(times).ok()?.to_string().parse().ok()
}

fn root(sets: &mut [usize], mut at: usize) -> usize {
    while sets[at] != at {
        sets[at] = sets[sets[at]];
        at = sets[at];
    }
    at
}

/// Gives parties numbers: all names that stand together once are one party.
fn number(rows: &mut [FactRow], parties: &[(usize, [BTreeSet<String>; 3])]) {
    for (role, letter) in (0..Role::ALL.len()).zip(["i", "s", "f"]) {
        let mut places: BTreeMap<&str, usize> = BTreeMap::new();
        let mut sets: Vec<usize> = Vec::new();
        for (_, names) in parties {
            let mut first: Option<usize> = None;
            for name in &names[role] {
                let at = *places.entry(name).or_insert_with(|| {
                    sets.push(sets.len());
                    sets.len() - 1
                });
                if let Some(first) = first {
                    let (one, other) = (root(&mut sets, first), root(&mut sets, at));
                    sets[one.max(other)] = one.min(other);
                }
                first = first.or(Some(at));
            }
        }
        let mut numbers: BTreeMap<usize, Arc<str>> = BTreeMap::new();
        for (row, names) in parties {
            let Some(at) = names[role].first().and_then(|name| places.get(name.as_str())) else { continue };
            let next = numbers.len() + 1;
            let party = numbers.entry(root(&mut sets, *at)).or_insert_with(|| format!("{letter}{next}").into());
            if let Some(party_of) = rows.get_mut(*row).and_then(|row| row.parties.get_mut(role)) {
                *party_of = Some(party.clone());
            }
        }
    }
}
