//! Where a submitted record goes, and in which version of its type: pure, from the directory's policy.
//!
//! A row that names several versions is served in the highest that the recipient's node reads and the record can be turned into, so
//! a new version of a type needs no common day of change. A row with the term `unlinkable` gets a record of its own, with its own id
//! and salts, so that its recipient cannot find out that others hold the same.

use std::cell::RefCell;
use std::collections::BTreeMap;

use luxor_protocol::document::{Directory, Grant, KnownNode, Role, Rule};
use luxor_protocol::hash::Digest;
use luxor_protocol::names::{MemberId, NodeRef, Territory};
use luxor_protocol::record::{Content, ContentError, Fault, TypeTable};
use luxor_protocol::time::Day;

/// Reasons named where nobody gets a record.
const MAX_REASONS: usize = 3;

/// A row that gives records to somebody, in the version that it is served in, and the node that gets them.
pub(super) struct Way<'d> {
    pub(super) grant: Grant<'d>,
    pub(super) node: NodeRef,
}

/// All ways from this node for records that are submitted in one version of a type.
pub(super) struct Ways<'d> {
    directory: &'d Directory,
    issuer: MemberId,
    table: &'static TypeTable,
    day: Day,
    ways: Vec<Way<'d>>,
}

/// Ways that one record takes in one version of its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cut {
    /// The version.
    pub(super) table: &'static TypeTable,
    /// Its ways, by their place.
    pub(super) ways: Vec<usize>,
}

impl<'d> Ways<'d> {
    /// The ways on a day. `is_up` tells whether a node is connected.
    pub(super) fn new(
        directory: &'d Directory,
        issuer: &MemberId,
        table: &'static TypeTable,
        day: Day,
        is_up: &dyn Fn(&KnownNode) -> bool,
    ) -> Self {
        let mut ways: Vec<Way<'d>> = Vec::new();
        for grant in directory.policy().outgoing(directory, issuer, table.name, day) {
            let version = grant.table.version;
            // A member without a node that reads it gets nothing until its card says that one does.
            let Some(node) = node_for(directory, &grant.rule.to, grant.table, is_up) else { continue };
            if version > table.version {
                continue;
            }
            let node = node.node.clone();
            let of_row = |way: &Way<'_>| row(&way.grant) == row(&grant);
            match ways.iter_mut().find(|way| of_row(way)) {
                Some(way) if way.grant.table.version < version => *way = Way { grant, node },
                Some(_) => {}
                None => ways.push(Way { grant, node }),
            }
        }
        Self { directory, issuer: issuer.clone(), table, day, ways }
    }

    /// A way by its place.
    pub(super) fn way(&self, at: usize) -> &Way<'d> {
        &self.ways[at]
    }

    /// The ways of a record, by version; the version in which it was submitted first.
    ///
    /// # Errors
    /// [`Fault::NoRecipient`] where no row in force gives it to anybody.
    pub(super) fn of(&self, content: &Content) -> Result<Vec<Cut>, ContentError> {
        let place = places(content);
        let covered = |way: &Way<'_>| way.grant.rule.covers(&place, |to| content.is_handled_by(to));
        let mut cuts: Vec<Cut> = Vec::new();
        for (at, way) in self.ways.iter().enumerate().filter(|(_, way)| covered(way)) {
            let table = way.grant.table;
            let alone = |at: usize| self.ways[at].grant.rule.flow.has_term("unlinkable");
            let shared = cuts.iter_mut().find(|cut| cut.table == table && !alone(cut.ways[0]));
            match shared.filter(|_| !alone(at)) {
                Some(cut) => cut.ways.push(at),
                None => cuts.push(Cut { table, ways: vec![at] }),
            }
        }
        if cuts.is_empty() {
            return Err(self.refuse(content));
        }
        cuts.sort_by_key(|cut| std::cmp::Reverse(cut.table.version));
        Ok(cuts)
    }

    fn refuse(&self, content: &Content) -> ContentError {
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
        let unread = self.directory.policy().outgoing(self.directory, &self.issuer, self.table.name, self.day);
        let unread = unread.filter(|grant| covered(grant.rule) && !self.serves(grant));
        for grant in unread.take(MAX_REASONS - reasons.len()) {
            let (rule, version) = (grant.rule, grant.table.version);
            reasons
                .push(format!("{} row {}: no node of {} reads version {version}", rule.agreement, rule.row, rule.to));
        }
        if !reasons.is_empty() {
            what = format!("{what}; {}", reasons.join("; "));
        }
        ContentError::new(Fault::NoRecipient, "/route/destination", what)
    }

    fn serves(&self, grant: &Grant<'_>) -> bool {
        self.ways.iter().any(|way| row(&way.grant) == row(grant))
    }
}

/// The node of a member that gets what is of this type: the first, by name, of those that read it and are connected, or else of those
/// that read it.
pub(super) fn node_for<'d>(
    directory: &'d Directory,
    member: &MemberId,
    table: &TypeTable,
    is_up: &dyn Fn(&KnownNode) -> bool,
) -> Option<&'d KnownNode> {
    let reads = |node: &&KnownNode| node.member == *member && node.card.reads(table.name, table.version);
    let mut nodes = directory.nodes().map(AsRef::as_ref).filter(reads);
    let first = nodes.next()?;
    Some(if is_up(first) { first } else { nodes.find(|node| is_up(node)).unwrap_or(first) })
}

/// What tells a row for one recipient from every other.
fn row<'g>(grant: &Grant<'g>) -> (&'g Digest, usize, &'g MemberId) {
    (&grant.rule.digest, grant.rule.row, &grant.rule.to)
}

/// The places of a record's route, each read once, if a row asks for it.
fn places(content: &Content) -> impl Fn(Role) -> Option<Territory> + '_ {
    let read: RefCell<BTreeMap<Role, Option<Territory>>> = RefCell::default();
    // The names of roles are those of the route's fields.
    move |role| *read.borrow_mut().entry(role).or_insert_with(|| content.place(role.word()))
}

#[cfg(test)]
mod tests {
    use luxor_protocol::record::{DECLARATION, DECLARATION_2, content_from_json};

    use super::*;
    use crate::testing::network_of;

    const DAY: Day = Day(20_780);

    fn content(version: u64, rest: &str) -> Content {
        let json = format!(r#"{{"type":"declaration","version":{version},"filing":{{"own_reference":"A"}},{rest}}}"#);
        content_from_json(&serde_json::from_str(&json).unwrap()).unwrap()
    }

    /// A row from `a` with these lines.
    fn flow(to: &str, lines: &str) -> String {
        format!(
            "[[flow]]\ntype = \"declaration\"\nfrom = [\"a\"]\nto = [{to}]\npurpose = \"delivery\"\ngroups = [\"filing\"]\n\
             retention_days = 30\n{lines}\n"
        )
    }

    fn agreement(flows: &[String]) -> String {
        format!(
            "id = \"m\"\ntitle = \"T\"\ninstrument = \"I\"\narticle = \"1\"\ncontroller = \"a\"\n\
             parties = [\"a\", \"b\", \"c\", \"d\"]\nvalid_from = \"2020-01-01\"\nvalid_until = \"2099-12-31\"\n{}",
            flows.concat()
        )
    }

    /// To whom, in which version.
    fn routed(ways: &Ways<'_>, content: &Content) -> Vec<(u64, Vec<String>)> {
        let cuts = ways.of(content).unwrap();
        let names = |cut: &Cut| cut.ways.iter().map(|at| ways.way(*at).grant.rule.to.to_string()).collect();
        cuts.iter().map(|cut| (cut.table.version, names(cut))).collect()
    }

    #[test]
    fn a_record_goes_where_a_row_says_by_destination_first_entry_transit_and_who_handles_it() {
        let rows = [
            flow("\"b\"", "version = 2\ndestinations = [\"KR\"]"),
            flow(
                "\"c\"",
                "version = 2\nterritories = [\"EU\"]\nroles = [\"destination\", \"first_entry\", \"transit\"]",
            ),
            flow("\"b\", \"d\"", "version = 2\nhandling = true"),
        ];
        let directory = network_of(&["a", "b", "c", "d"], &[agreement(&rows)], &[2, 2, 2, 2]);
        let ways = Ways::new(&directory, &"a".parse().unwrap(), &DECLARATION_2, DAY, &|_| true);
        let to = |rest: &str| match ways.of(&content(2, rest)) {
            Ok(_) => {
                let mut all: Vec<_> = routed(&ways, &content(2, rest)).into_iter().flat_map(|(_, to)| to).collect();
                all.sort();
                all
            }
            Err(error) => vec![format!("{}", error.fault)],
        };
        assert_eq!(to(r#""route":{"destination":"KR"}"#), ["b"]);
        assert_eq!(to(r#""route":{"destination":"FR"}"#), ["c"]);
        assert_eq!(to(r#""route":{"destination":"KR","transit":"DE"}"#), ["b", "c"]);
        assert_eq!(to(r#""route":{"destination":"US","first_entry":"NL"}"#), ["c"]);
        assert_eq!(to(r#""route":{"destination":"US","departure":"NL"}"#), ["no_recipient"]);
        assert_eq!(to(r#""route":{"destination":"US"},"handling":{"destination_operator":"d"}"#), ["d"]);
        assert_eq!(to(r#""route":{"destination":"KR"},"handling":{"carrier":"b"}"#), ["b", "b"]);
        assert_eq!(to(r#""route":{"destination":"US"},"handling":{"carrier":"c"}"#), ["no_recipient"]);
    }

    #[test]
    fn each_recipient_gets_the_highest_version_that_it_reads() {
        let rows = [flow("\"b\", \"c\", \"d\"", "versions = [1, 2]")];
        // b reads both versions, c only the first, d none.
        let directory = network_of(&["a", "b", "c", "d"], &[agreement(&rows)], &[2, 2, 1, 0]);
        let a: MemberId = "a".parse().unwrap();
        let ways = Ways::new(&directory, &a, &DECLARATION_2, DAY, &|_| true);
        let newer = content(2, r#""route":{"destination":"KR"}"#);
        assert_eq!(routed(&ways, &newer), [(2, vec!["b".into()]), (1, vec!["c".into()])]);
        // What was submitted in the first version goes in it, since nothing can be made up for the second.
        let ways = Ways::new(&directory, &a, &DECLARATION, DAY, &|_| true);
        let older = content(1, r#""route":{"destination":"KR"}"#);
        assert_eq!(routed(&ways, &older), [(1, vec!["b".into(), "c".into()])]);
        let rows = [flow("\"d\"", "versions = [1, 2]")];
        let directory = network_of(&["a", "b", "c", "d"], &[agreement(&rows)], &[2, 2, 1, 0]);
        let refused = Ways::new(&directory, &a, &DECLARATION_2, DAY, &|_| true).of(&newer).unwrap_err();
        assert!(
            refused.what.ends_with("m row 1: no node of d reads version 1; m row 1: no node of d reads version 2"),
            "{refused}"
        );
    }

    #[test]
    fn an_unlinkable_row_has_a_record_of_its_own() {
        let rows = [
            flow("\"b\"", "version = 1\nterms = { unlinkable = \"yes\" }"),
            flow("\"c\"", "version = 1"),
            flow("\"d\"", "version = 1"),
            flow("\"d\"", "version = 1\nterms = { unlinkable = \"yes\" }"),
        ];
        let directory = network_of(&["a", "b", "c", "d"], &[agreement(&rows)], &[1, 1, 1, 1]);
        let ways = Ways::new(&directory, &"a".parse().unwrap(), &DECLARATION, DAY, &|_| true);
        let mut cuts = routed(&ways, &content(1, r#""route":{"destination":"KR"}"#));
        cuts.sort();
        let words = |list: &[&str]| (1, list.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        assert_eq!(cuts, [words(&["b"]), words(&["c", "d"]), words(&["d"])]);
    }
}
