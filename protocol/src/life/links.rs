//! Links between items: which numbers are one item, and which items are parts of it or its way back.
//!
//! Whose word a link is stays with it. Links that contradict each other or run in a circle are followed all the same, and told: whoever
//! looks has to see both.

use std::collections::{BTreeMap, BTreeSet};

use super::flag::{Finding, Flag};
use super::key::{ItemId, ItemKey, Lives, Mention, NumberLife};
use super::names::{item_of, others};
use super::paper::Paper;
use crate::hash::Digest;
use crate::limits::{MAX_LIFE_KEYS, MAX_LIFE_LINKS};
use crate::names::{MemberId, words};

words!(
    /// What a link says of its item and another.
    LinkKind, "kind of link", {
        /// They are one, under two numbers.
        SameAs = "same_as";
        /// The item got the other number.
        Relabelled = "relabelled";
        /// The other is a part of what the item was.
        SplitInto = "split_into";
        /// The other is a part of what the item is.
        MergedFrom = "merged_from";
        /// The goods travel back as the other.
        ReturnedAs = "returned_as";
    }
);

words!(
    /// What another item is to the one that is looked at.
    RelationKind, "relation", {
        /// It holds a part of its goods.
        Part = "part";
        /// It held these goods and others, or holds them now.
        Whole = "whole";
        /// Its goods travel back as this.
        ReturnedAs = "returned_as";
        /// It travels back what this was.
        ReturnOf = "return_of";
    }
);

/// A number that the item has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias {
    /// The number with its posting day.
    pub key: ItemKey,
    /// The links that say so, none for the number asked for; each with its issuer.
    pub by: Vec<(Digest, MemberId)>,
}

/// An item that is not this one but shares goods with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    /// The other item.
    pub key: ItemKey,
    /// What it is to the item that leads to it.
    pub kind: RelationKind,
    /// How many links lead to it.
    pub steps: usize,
    /// The links that say so, each with its issuer.
    pub by: Vec<(Digest, MemberId)>,
}

/// A number in one of its lives.
pub(super) type Node = (ItemId, usize);

/// One pair that links name.
struct Edge {
    from: usize,
    to: usize,
    kind: LinkKind,
    by: BTreeSet<(Digest, MemberId)>,
}

/// All pairs that counting links name, and which numbers are one item.
struct Graph {
    nodes: Vec<Node>,
    edges: Vec<Edge>,
    /// For each node the first one of its item.
    item: Vec<usize>,
}

/// What the links say of one item.
#[derive(Debug, Clone, Default)]
pub(super) struct Kin {
    /// The numbers that it has.
    pub(super) own: BTreeSet<Node>,
    /// The same, told.
    pub(super) aliases: Vec<Alias>,
    /// The items that share goods with it.
    pub(super) relations: Vec<Relation>,
    /// All of these, with all their numbers.
    pub(super) met: BTreeSet<Node>,
    /// Roots of the links that were used.
    pub(super) links: BTreeSet<Digest>,
}

impl Kin {
    /// Follows every link that counts from one number on.
    pub(super) fn of(
        start: &Node,
        papers: &[Paper<'_>],
        lives: &Lives,
        flags: &mut Vec<Flag>,
        cut: &mut Vec<String>,
    ) -> Self {
        let graph = Graph::of(start, papers, lives, flags, cut);
        let Ok(first) = graph.nodes.binary_search(start) else { return Self::default() };
        let mut own = graph.numbers(graph.item[first]);
        // The number asked for stays, whatever is cut.
        own.sort_by_key(|node| *node != first);
        let mut met: BTreeSet<usize> = BTreeSet::new();
        let mut full = !add(&own, &mut met);
        let mut kin = Self::default();
        for &node in own.iter().filter(|node| met.contains(node)) {
            kin.own.insert(graph.nodes[node].clone());
            let identity = |edge: &&Edge| edge.kind.identity() && (edge.from == node || edge.to == node);
            let by = if node == first { BTreeSet::new() } else { told(graph.edges.iter().filter(identity)) };
            kin.aliases.push(Alias { key: key_of(&graph.nodes[node], lives), by: by.into_iter().collect() });
        }
        let mut frontier = BTreeSet::from([graph.item[first]]);
        let mut seen = frontier.clone();
        for steps in 1.. {
            let mut next = BTreeSet::new();
            for ((node, kind), by) in graph.further(&frontier, &seen) {
                full |= !add(&graph.numbers(graph.item[node]), &mut met);
                if met.contains(&node) {
                    let key = key_of(&graph.nodes[node], lives);
                    kin.relations.push(Relation { key, kind, steps, by: by.into_iter().collect() });
                    next.insert(graph.item[node]);
                }
            }
            if next.is_empty() {
                break;
            }
            seen.extend(next.iter().copied());
            frontier = next;
        }
        if full {
            cut.push(format!("numbers that it has or is linked to: more than {MAX_LIFE_KEYS}"));
        }
        let used: Vec<&Edge> =
            graph.edges.iter().filter(|edge| met.contains(&edge.from) && met.contains(&edge.to)).collect();
        kin.links = used.iter().flat_map(|edge| edge.by.iter().map(|(root, _)| *root)).collect();
        graph.circles(&used, flags);
        graph.contradictions(&used, flags);
        kin.met = met.into_iter().map(|node| graph.nodes[node].clone()).collect();
        kin
    }
}

/// Adds numbers up to the limit; whether there was room for all.
fn add(nodes: &[usize], met: &mut BTreeSet<usize>) -> bool {
    for node in nodes {
        if met.len() >= MAX_LIFE_KEYS && !met.contains(node) {
            return false;
        }
        met.insert(*node);
    }
    true
}

impl LinkKind {
    /// Whether both are one item.
    fn identity(self) -> bool {
        matches!(self, LinkKind::SameAs | LinkKind::Relabelled)
    }

    /// What the other is to the item, and the item to the other.
    fn relation(self) -> Option<(RelationKind, RelationKind)> {
        match self {
            LinkKind::SameAs | LinkKind::Relabelled => None,
            LinkKind::SplitInto | LinkKind::MergedFrom => Some((RelationKind::Part, RelationKind::Whole)),
            LinkKind::ReturnedAs => Some((RelationKind::ReturnedAs, RelationKind::ReturnOf)),
        }
    }
}

fn key_of(node: &Node, lives: &Lives) -> ItemKey {
    let life = lives.all(&node.0).get(node.1);
    ItemKey { item: node.0.clone(), posted_on: life.and_then(NumberLife::posted_on) }
}

fn told<'e>(edges: impl Iterator<Item = &'e Edge>) -> BTreeSet<(Digest, MemberId)> {
    edges.flat_map(|edge| edge.by.iter().cloned()).collect()
}

impl Graph {
    fn of(start: &Node, papers: &[Paper<'_>], lives: &Lives, flags: &mut Vec<Flag>, cut: &mut Vec<String>) -> Self {
        let pairs = pairs(papers, lives, flags, cut);
        let ends = pairs.keys().flat_map(|(from, to, _)| [from.clone(), to.clone()]);
        let nodes: BTreeSet<Node> = ends.chain([start.clone()]).collect();
        let nodes: Vec<Node> = nodes.into_iter().collect();
        let place = |node: &Node| nodes.binary_search(node).ok();
        let edges = pairs
            .into_iter()
            .filter_map(|((from, to, kind), by)| Some(Edge { from: place(&from)?, to: place(&to)?, kind, by }));
        let edges: Vec<Edge> = edges.collect();
        let item = items(nodes.len(), edges.iter().filter(|edge| edge.kind.identity()));
        Self { item, nodes, edges }
    }

    /// The numbers of the item whose first is given.
    fn numbers(&self, item: usize) -> Vec<usize> {
        (0..self.nodes.len()).filter(|node| self.item[*node] == item).collect()
    }

    /// Numbers one link further than these items, that are of items not seen yet.
    fn further(
        &self,
        frontier: &BTreeSet<usize>,
        seen: &BTreeSet<usize>,
    ) -> BTreeMap<(usize, RelationKind), BTreeSet<(Digest, MemberId)>> {
        let mut found: BTreeMap<(usize, RelationKind), BTreeSet<(Digest, MemberId)>> = BTreeMap::new();
        for edge in &self.edges {
            let Some((forth, back)) = edge.kind.relation() else { continue };
            for (here, there, kind) in [(edge.from, edge.to, forth), (edge.to, edge.from, back)] {
                if frontier.contains(&self.item[here]) && !seen.contains(&self.item[there]) {
                    found.entry((there, kind)).or_default().extend(edge.by.iter().cloned());
                }
            }
        }
        found
    }

    /// Flags links that lead back to where they began: what is left when every number without a way in or without a way out is taken
    /// away.
    fn circles(&self, edges: &[&Edge], flags: &mut Vec<Flag>) {
        let ends = |edge: &Edge| match edge.kind {
            LinkKind::MergedFrom => (edge.to, edge.from),
            _ => (edge.from, edge.to),
        };
        let mut left: Vec<&Edge> = edges.iter().copied().filter(|edge| edge.kind != LinkKind::SameAs).collect();
        loop {
            let sources: BTreeSet<usize> = left.iter().map(|edge| ends(edge).0).collect();
            let targets: BTreeSet<usize> = left.iter().map(|edge| ends(edge).1).collect();
            let before = left.len();
            left.retain(|edge| targets.contains(&ends(edge).0) && sources.contains(&ends(edge).1));
            if left.len() == before {
                break;
            }
        }
        if let Some(first) = left.iter().map(|edge| &self.nodes[edge.from]).min() {
            let text = format!("links lead from {} back to it", first.0);
            flags.push(Flag::on(Finding::LinkCycle, &first.0.id, roots(&left), text));
        }
    }

    /// Flags links that cannot both be true: one item under two new labels, two under one, and what is the same and a part at once.
    fn contradictions(&self, edges: &[&Edge], flags: &mut Vec<Flag>) {
        let labels = || edges.iter().copied().filter(|edge| edge.kind == LinkKind::Relabelled);
        let shared: BTreeSet<usize> = labels().flat_map(|edge| [edge.from, edge.to]).collect();
        for node in shared {
            // Other labels are one if they are linked without this one.
            let without = || edges.iter().copied().filter(|edge| edge.from != node && edge.to != node);
            let mut item = None;
            for (outwards, what) in [(true, "is relabelled as"), (false, "is the new label of")] {
                let others = labels().filter(|edge| if outwards { edge.from == node } else { edge.to == node });
                let others: Vec<(usize, &Edge)> =
                    others.map(|edge| (if outwards { edge.to } else { edge.from }, edge)).collect();
                if others.len() < 2 {
                    continue;
                }
                let identity = || items(self.nodes.len(), without().filter(|edge| edge.kind.identity()));
                let item = item.get_or_insert_with(identity);
                let apart: BTreeSet<usize> = others.iter().map(|(other, _)| item[*other]).collect();
                if apart.len() > 1 {
                    let names: Vec<String> = others.iter().map(|(other, _)| self.nodes[*other].0.to_string()).collect();
                    let (name, by): (_, Vec<&Edge>) =
                        (&self.nodes[node].0, others.iter().map(|(_, edge)| *edge).collect());
                    let text = format!("{name} {what} {}, which are not linked as one", names.join(" and "));
                    flags.push(Flag::on(
                        Finding::LinkContradicts,
                        &format!("{}/{outwards}", name.id),
                        roots(&by),
                        text,
                    ));
                }
            }
        }
        let mut pairs: BTreeMap<(usize, usize), Vec<&Edge>> = BTreeMap::new();
        for edge in edges {
            pairs.entry((edge.from.min(edge.to), edge.from.max(edge.to))).or_default().push(edge);
        }
        for ((one, other), both) in pairs {
            if both.iter().any(|edge| edge.kind.identity()) && both.iter().any(|edge| !edge.kind.identity()) {
                let (one, other) = (&self.nodes[one].0, &self.nodes[other].0);
                let kinds: Vec<&str> = both.iter().map(|edge| edge.kind.word()).collect();
                let text = format!("{one} and {other} are linked as {}", kinds.join(" and as "));
                let name = format!("{}/{}", one.id, other.id);
                flags.push(Flag::on(Finding::LinkContradicts, &name, roots(&both), text));
            }
        }
    }
}

fn roots(edges: &[&Edge]) -> BTreeSet<Digest> {
    edges.iter().flat_map(|edge| edge.by.iter().map(|(root, _)| *root)).collect()
}

/// Every pair that a counting link names, with whose word it is.
fn pairs(
    papers: &[Paper<'_>],
    lives: &Lives,
    flags: &mut Vec<Flag>,
    cut: &mut Vec<String>,
) -> BTreeMap<(Node, Node, LinkKind), BTreeSet<(Digest, MemberId)>> {
    let mut pairs: BTreeMap<_, BTreeSet<(Digest, MemberId)>> = BTreeMap::new();
    for paper in papers.iter().filter(|paper| paper.is("link") && paper.counts()) {
        let (Some(item), Some(kind)) = (item_of(paper), paper.word::<LinkKind>("relation", "kind")) else { continue };
        let node = |item: ItemId, posted_on| {
            let mention = Mention { item, posted_on, at: paper.at() };
            lives.place(&mention).map(|life| (mention.item, life))
        };
        let Some(from) = node(item, paper.day("item", "posted_on")) else { continue };
        for (item, posted_on) in others(paper) {
            let Some(to) = node(item, posted_on) else { continue };
            // A part or a return may keep the number.
            if from == to {
                if kind.identity() {
                    let text = format!("{}: {} is linked to itself as {kind}", paper.called(), from.0);
                    flags.push(Flag::new(Finding::LinkToItself, [paper.root], text).at("/others"));
                }
                continue;
            }
            let pair = (from.clone(), to, kind);
            if pairs.len() >= MAX_LIFE_LINKS && !pairs.contains_key(&pair) {
                cut.push(format!("pairs of numbers that links name: more than {MAX_LIFE_LINKS}"));
                return pairs;
            }
            pairs.entry(pair).or_default().insert((paper.root, paper.issuer.clone()));
        }
    }
    pairs
}

/// For each of so many nodes the first one that it is linked with, directly or through others.
fn items<'e>(count: usize, edges: impl Iterator<Item = &'e Edge>) -> Vec<usize> {
    let mut parent: Vec<usize> = (0..count).collect();
    fn find(parent: &mut [usize], mut node: usize) -> usize {
        while parent[node] != node {
            parent[node] = parent[parent[node]];
            node = parent[node];
        }
        node
    }
    for edge in edges {
        let (one, other) = (find(&mut parent, edge.from), find(&mut parent, edge.to));
        parent[one.max(other)] = one.min(other);
    }
    (0..count).map(|node| find(&mut parent, node)).collect()
}
