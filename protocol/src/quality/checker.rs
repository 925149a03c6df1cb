//! A checker: the rules of a book made ready for one type table. Fields are looked up by group and name once, here.

use std::sync::Arc;

use crate::record::{Content, Field, Group, Kind, Scope, Source, TypeTable};
use crate::reference::{Rule, RuleBook, Severity, StopWords};
use crate::time::Day;

use super::finding::Finding;
use super::obligations::Obligations;
use super::pass::Pass;

/// What a field means to the rules, whatever type it stands in: groups mean the same everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Nothing; only that it is there may count.
    None,
    /// A country or territory.
    Territory,
    /// `route.destination`.
    Destination,
    /// The currency of the amounts beside it.
    Currency,
    /// An amount in the currency beside it.
    Money,
    /// `value.amount`.
    Value,
    /// The scheme of an item's number.
    Scheme,
    /// An item's number.
    ItemId,
    /// `filing.kind`.
    Kind,
    /// `filing.data_set`.
    DataSet,
    /// `filing.category_of_item`.
    Category,
    /// `filing.transaction_type`.
    Transaction,
    /// `filing.action`.
    Action,
    /// `filing.filed_on`.
    FiledOn,
    /// `order.sold_at`.
    SoldAt,
    /// Another day or time that is past when it is told.
    Past,
    /// A departure.
    Departs,
    /// An arrival.
    Arrives,
    /// `mass.gross_kg`.
    Gross,
    /// `measure.gross_kg`, of a goods item.
    GoodsGross,
    /// `fiscal.id`.
    FiscalId,
    /// The role of a fiscal number or of a declarant.
    Capacity,
    /// `declarant.id`.
    DeclarantId,
    /// `dangerous_goods.flag`.
    Dangerous,
    /// `content.description`.
    Description,
    /// `content.units`.
    Units,
    /// `classification.hs`.
    Hs,
    /// `classification.edition`.
    Edition,
    /// `origin.net_kg`.
    Net,
    /// `product.gtin`.
    Gtin,
}

/// Fields that tell of something done, in any group.
const PAST: [&str; 9] =
    ["message_time", "posted_on", "paid_at", "made_at", "at", "built_at", "accepted_at", "loaded_at", "delivered_at"];

fn role(group: &Group, field: &Field) -> Role {
    let in_money = group.fields.iter().any(|field| field.kind == Kind::Currency);
    let has_scheme = group.fields.iter().any(|field| field.name == "scheme");
    match (group.name, field.name) {
        ("route", "destination") => Role::Destination,
        ("value", "amount") => Role::Value,
        ("filing", "kind") => Role::Kind,
        ("filing", "data_set") => Role::DataSet,
        ("filing", "category_of_item") => Role::Category,
        ("filing", "transaction_type") => Role::Transaction,
        ("filing" | "reference", "action") => Role::Action,
        ("filing", "filed_on") => Role::FiledOn,
        ("order", "sold_at") => Role::SoldAt,
        ("mass", "gross_kg") => Role::Gross,
        ("measure", "gross_kg") => Role::GoodsGross,
        ("fiscal", "id") => Role::FiscalId,
        ("fiscal" | "declarant", "role") => Role::Capacity,
        ("declarant", "id") => Role::DeclarantId,
        ("dangerous_goods", "flag") => Role::Dangerous,
        ("content", "description") => Role::Description,
        ("content", "units") => Role::Units,
        ("classification", "hs") => Role::Hs,
        ("classification", "edition") => Role::Edition,
        ("origin", "net_kg") => Role::Net,
        ("product", "gtin") => Role::Gtin,
        (_, "departs_at") => Role::Departs,
        (_, "arrives_at") => Role::Arrives,
        (_, "scheme") if matches!(field.kind, Kind::Words(_) | Kind::Code(_)) && group.field("id").is_some() => {
            Role::Scheme
        }
        (_, "id") if has_scheme => Role::ItemId,
        (_, name) if PAST.contains(&name) && matches!(field.kind, Kind::Day | Kind::Time) => Role::Past,
        _ => match field.kind {
            Kind::Territory => Role::Territory,
            Kind::Currency => Role::Currency,
            Kind::Decimal(_, 2) if in_money => Role::Money,
            _ => Role::None,
        },
    }
}

/// A group as the checker sees it.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) group: &'static Group,
    /// One for each field.
    pub(super) roles: Vec<Role>,
    /// Whether its fields must be looked at; of others it counts only whether they are there.
    pub(super) look: bool,
}

/// The rules of a book for one type table. It takes some 100 us to make, a record some 3 to check: make it once.
#[derive(Debug)]
pub struct Checker {
    pub(super) book: Arc<RuleBook>,
    pub(super) table: &'static TypeTable,
    pub(super) plans: Vec<Plan>,
    pub(super) obligations: Obligations,
    /// Position of the group of descriptions, where the type has one.
    pub(super) content: Option<usize>,
    severities: Vec<Option<Severity>>,
}

impl Checker {
    /// Makes ready for a type table. Groups and fields that rules speak of and the type does not have are passed over.
    pub fn new(table: &'static TypeTable, book: &Arc<RuleBook>) -> Self {
        let obligations = Obligations::new(table, book);
        let plan = |(at, group): (usize, &'static Group)| {
            let roles: Vec<Role> = group.fields.iter().map(|field| role(group, field)).collect();
            let look = roles.iter().any(|role| *role != Role::None) || obligations.needs_fields_of(at);
            Plan { group, roles, look }
        };
        let plans = table.groups.iter().enumerate().map(plan).collect();
        let content = table.group("content").filter(|(_, group)| group.scope == Scope::Item).map(|(at, _)| at);
        let severities = Rule::ALL.iter().map(|rule| book.severity(*rule)).collect();
        let book = Arc::clone(book);
        Self { book, table, plans, obligations, content, severities }
    }

    /// The type table it is for.
    pub fn table(&self) -> &'static TypeTable {
        self.table
    }

    /// What is wrong with a record, or with what a view shows of it, lodged on a day: at most
    /// [`crate::limits::MAX_RECORD_FINDINGS`]. A record of another type has no findings here.
    pub fn check(&self, source: &dyn Source, day: Day) -> Vec<Finding> {
        if source.table() != self.table {
            return Vec::new();
        }
        let mut pass = Pass::new(self, source, day);
        pass.read();
        pass.masses();
        pass.values();
        pass.parties();
        pass.goods();
        pass.dates();
        pass.obligations();
        pass.findings
    }

    /// How bad a rule is, `None` where it is off.
    pub(super) fn severity(&self, rule: Rule) -> Option<Severity> {
        // Rules stand in `ALL` in the order of their declaration.
        self.severities.get(rule as usize).copied().flatten()
    }

    /// The stop words of a day.
    pub(super) fn stop_words(&self, day: Day) -> Option<&StopWords> {
        self.book.stop_words(day)
    }
}

/// What is wrong with one record. Who checks many makes a [`Checker`] once.
pub fn check(content: &Content, book: &Arc<RuleBook>, day: Day) -> Vec<Finding> {
    Checker::new(content.table(), book).check(content, day)
}
