//! Where a submitted record goes, and in which version of its type: pure, from the directory's policy.
//!
//! A row that names several versions is served in the highest that the recipient's node reads and the record can be turned into, so
//! a new version of a type needs no common day of change. Goods classified by an edition of a code list go only to nodes that read it,
//! which is asked of each record; where none of a recipient does, the row is left out and the submitter is told. A row with the term
//! `unlinkable` gets a record of its own, with its own id and salts, so that its recipient cannot find out that others hold the same.

#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use luxor_protocol::api::LeftOut;
use luxor_protocol::document::{CardNode, Directory, Grant, KnownNode, Role, Rule};
use luxor_protocol::hash::Digest;
use luxor_protocol::names::{MemberId, NodeRef, Territory};
use luxor_protocol::record::{Content, ContentError, Fault, GroupSet, OfEdition, TypeTable};
use luxor_protocol::time::Day;

/// Reasons named where nobody gets a record.
const MAX_REASONS: usize = 3;
/// Rows named that give a record to somebody who cannot read it; the others are counted.
const MAX_LEFT_OUT: usize = 8;

/// A row that gives records to somebody, in a version that one of its nodes reads, and that node.
pub(super) struct Way<'d> {
    pub(super) grant: Grant<'d>,
    pub(super) node: NodeRef,
    card: &'d CardNode,
}

/// What a row gives to one recipient.
struct Row<'d> {
    /// The row, in the first version that gives something.
    rule: &'d Rule,
    /// The versions in which it gives something, those that come after the record's too.
    versions: Vec<u64>,
    /// What it shows in that version.
    groups: GroupSet,
    /// The ways by which it may be served, the highest version first.
    ways: Range<usize>,
}

/// All ways from this node for records that are submitted in one version of a type.
pub(super) struct Ways<'d> {
    directory: &'d Directory,
    issuer: MemberId,
    table: &'static TypeTable,
    day: Day,
    ways: Vec<Way<'d>>,
    rows: Vec<Row<'d>>,
}

/// Ways that one record takes in one version of its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cut {
    /// The version.
    pub(super) table: &'static TypeTable,
    /// Its ways, by their place.
    pub(super) ways: Vec<usize>,
}

/// Where one record goes.
#[derive(Debug)]
pub(super) struct Routed {
    /// By version; the version in which it was submitted first. There is at least one.
    pub(super) cuts: Vec<Cut>,
    /// Who does not get it although a row gives it, the first of them.
    pub(super) left_out: Vec<LeftOut>,
    /// How many more there are.
    pub(super) left_out_more: usize,
}

impl<'d> Ways<'d> {
    /// The ways on a day. Of several nodes of a member that serve as well, one that is connected gets it, as `is_up` tells.
    pub(super) fn new(
        directory: &'d Directory,
        issuer: &MemberId,
        table: &'static TypeTable,
        day: Day,
        is_up: &dyn Fn(&KnownNode) -> bool,
    ) -> Self {
        let mut found: Vec<(Row<'d>, Vec<Way<'d>>)> = Vec::new();
        for grant in directory.policy().outgoing(directory, issuer, table.name, day) {
            let (rule, version) = (grant.rule, grant.table.version);
            let at = found.iter().position(|(there, _)| row(there.rule) == row(rule)).unwrap_or_else(|| {
                found.push((Row { rule, versions: Vec::new(), groups: grant.groups, ways: 0..0 }, Vec::new()));
                found.len() - 1
            });
            let (there, ways) = &mut found[at];
            there.versions.push(version);
            if version > table.version {
                continue;
            }
            // A member without a node that reads it gets nothing until its card says that one does.
            let nodes = directory.nodes().filter(|node| node.member == rule.to);
            let (there, not_there): (Vec<_>, Vec<_>) =
                nodes.filter(|node| node.card.reads(table.name, version)).partition(|node| is_up(node));
            let way = |node: &'d Arc<KnownNode>| Way { grant, node: node.node.clone(), card: &node.card };
            ways.extend(there.into_iter().chain(not_there).map(way));
        }
        let (mut all, mut rows) = (Vec::new(), Vec::new());
        for (mut there, mut ways) in found {
            there.versions.sort_unstable();
            ways.sort_by_key(|way| std::cmp::Reverse(way.grant.table.version));
            there.ways = all.len()..all.len() + ways.len();
            all.append(&mut ways);
            rows.push(there);
        }
        Self { directory, issuer: issuer.clone(), table, day, ways: all, rows }
    }

    /// A way by its place.
    pub(super) fn way(&self, at: usize) -> &Way<'d> {
        &self.ways[at]
    }

    /// The ways of a record.
    ///
    /// # Errors
    /// [`Fault::NoRecipient`] where no row in force gives it to anybody who can read it.
    pub(super) fn of(&self, content: &Content) -> Result<Routed, ContentError> {
        let (place, turning) = (places(content), Turning::new(content));
        let mut cuts: Vec<Cut> = Vec::new();
        let mut unread: Vec<&Row<'d>> = Vec::new();
        for there in self.rows.iter().filter(|there| there.rule.covers(&place, |to| content.is_handled_by(to))) {
            let Some(at) = there.ways.clone().find(|at| self.ways[*at].lacks(&turning).is_none()) else {
                unread.push(there);
                continue;
            };
            let table = self.ways[at].grant.table;
            let alone = |at: usize| self.ways[at].grant.rule.flow.has_term("unlinkable");
            let shared = cuts.iter_mut().find(|cut| cut.table == table && !alone(cut.ways[0]));
            match shared.filter(|_| !alone(at)) {
                Some(cut) => cut.ways.push(at),
                None => cuts.push(Cut { table, ways: vec![at] }),
            }
        }
        if cuts.is_empty() {
            return Err(self.refuse(&turning, &unread));
        }
        cuts.sort_by_key(|cut| std::cmp::Reverse(cut.table.version));
        // Rows for a later version are for other records; and who gets as much by another row for the same purpose lacks nothing.
        unread.retain(|there| there.versions[0] <= self.table.version && !self.served(there, &cuts));
        let left_out = unread
            .iter()
            .take(MAX_LEFT_OUT)
            .map(|there| LeftOut { to: there.rule.to.clone(), reason: self.reason(there, &turning) });
        let left_out = left_out.collect();
        Ok(Routed { cuts, left_out, left_out_more: unread.len().saturating_sub(MAX_LEFT_OUT) })
    }

    /// Whether a row's recipient gets the record for the row's purpose all the same, with as many groups as its version has.
    fn served(&self, there: &Row<'d>, cuts: &[Cut]) -> bool {
        let mut taken = cuts.iter().flat_map(|cut| &cut.ways).map(|at| &self.ways[*at].grant);
        taken.any(|other| {
            let had = GroupSet(there.groups.0 & other.table.all_groups().0);
            let (rule, wanted) = (other.rule, there.rule);
            rule.to == wanted.to && rule.flow.purpose == wanted.flow.purpose && had.within(other.groups)
        })
    }

    /// Why a row gives a record to nobody.
    fn reason(&self, there: &Row<'d>, turning: &Turning<'_>) -> String {
        let (rule, name) = (there.rule, self.table.name);
        let (agreement, row, to) = (&rule.agreement, rule.row, &rule.to);
        let lacks = self.ways[there.ways.clone()].first().and_then(|way| way.lacks(turning));
        let why = match lacks {
            // Of the highest version: what is wrong there is wrong in the others too, unless another node reads more.
            Some(Lack::Edition(of)) => format!("no node of {to} reads {of}"),
            Some(Lack::Version(of)) => {
                let version = self.ways[there.ways.start].grant.table.version;
                format!("{name} version {version}, the last that {to} gets by it, cannot name {of}")
            }
            Some(Lack::Incomplete(error)) => {
                let version = self.ways[there.ways.start].grant.table.version;
                format!("in version {version} of {name} the record would not be complete: {error}")
            }
            None if there.versions[0] > self.table.version => {
                let versions = either(&there.versions);
                format!("it is for version {versions} of {name}, and the record is of version {}", self.table.version)
            }
            None => {
                let to_be_read = there.versions.iter().copied().filter(|version| *version <= self.table.version);
                format!("no node of {to} reads {name} version {}", either(&to_be_read.collect::<Vec<_>>()))
            }
        };
        format!("{agreement} row {row}: {why}")
    }

    fn refuse(&self, turning: &Turning<'_>, unread: &[&Row<'d>]) -> ContentError {
        let content = turning.content;
        let (destination, places) = (content.destination(), places(content));
        let place = destination.map_or_else(|| "no destination".to_owned(), |d| format!("destination {d}"));
        let mut what = format!("no agreement in force gives a record with {place} to anybody");
        let denied = self.directory.policy().withheld(self.directory, &self.issuer, self.table.name, self.day);
        let mut reasons: Vec<String> = Vec::new();
        let covered = |rule: &Rule| rule.covers(&places, |to| content.is_handled_by(to));
        for (rule, denial) in denied.filter(|(rule, _)| covered(rule)) {
            let reason = format!("{} row {} to {}: {denial}", rule.agreement, rule.row, rule.to);
            if reasons.len() < MAX_REASONS && !reasons.contains(&reason) {
                reasons.push(reason);
            }
        }
        let left = MAX_REASONS - reasons.len();
        reasons.extend(unread.iter().take(left).map(|there| self.reason(there, turning)));
        if !reasons.is_empty() {
            what = format!("{what}; {}", reasons.join("; "));
        }
        ContentError::new(Fault::NoRecipient, "/route/destination", what)
    }
}

/// A record that may have to be turned into other versions of its type, each of them once for all rows.
struct Turning<'c> {
    content: &'c Content,
    editions: Vec<OfEdition>,
    /// By version, what a complete record has and it would not have there.
    loses: RefCell<BTreeMap<u64, Option<ContentError>>>,
}

impl<'c> Turning<'c> {
    fn new(content: &'c Content) -> Self {
        Self { content, editions: content.editions(), loses: RefCell::default() }
    }

    /// What a complete record has and this one would lose in a version: a cancellation, say, must not become an original where a version
    /// knows no cancellations.
    fn loses(&self, table: &'static TypeTable) -> Option<ContentError> {
        if table == self.content.table() {
            return None;
        }
        let turned = || self.content.to_version(table).0.check_complete().err();
        self.loses.borrow_mut().entry(table.version).or_insert_with(turned).clone()
    }
}

/// Why a record cannot take a way.
enum Lack {
    /// The node does not read this edition.
    Edition(OfEdition),
    /// The version of the type cannot name it.
    Version(OfEdition),
    /// In the version of the type something is lost that a complete record has.
    Incomplete(ContentError),
}

impl Way<'_> {
    /// What keeps a record with codes of these editions from this way: of lists whose codes it does not show, nothing does.
    fn lacks(&self, turning: &Turning<'_>) -> Option<Lack> {
        let table = self.grant.table;
        let shown = |of: &&OfEdition| of.list.group(table).is_some_and(|(at, _)| self.grant.groups.has(at));
        let of_edition = turning.editions.iter().filter(shown).find_map(|of| {
            match (self.card.reads_edition(*of), of.list.fits(table, of.year)) {
                (false, _) => Some(Lack::Edition(*of)),
                (true, false) => Some(Lack::Version(*of)),
                (true, true) => None,
            }
        });
        of_edition.or_else(|| turning.loses(table).map(Lack::Incomplete))
    }
}

fn either(versions: &[u64]) -> String {
    versions.iter().map(u64::to_string).collect::<Vec<_>>().join(" or ")
}

/// What tells a row for one recipient from every other.
fn row(rule: &Rule) -> (&Digest, usize, &MemberId) {
    (&rule.digest, rule.row, &rule.to)
}

/// The places of a record's route, each read once, if a row asks for it.
fn places(content: &Content) -> impl Fn(Role) -> Option<Territory> + '_ {
    let read: RefCell<BTreeMap<Role, Option<Territory>>> = RefCell::default();
    // The names of roles are those of the route's fields.
    move |role| *read.borrow_mut().entry(role).or_insert_with(|| content.place(role.word()))
}
