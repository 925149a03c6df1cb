//! What is held against what was given: values, salts, and what a coalition can guess.

use std::collections::{BTreeMap, BTreeSet};

use luxor_protocol::hash::Digest;
use luxor_protocol::record::{GroupSet, GroupView, Leaf, RecordView, Salt, SealedRecord, Seed, TypeTable, leaf_salt};

use super::PassedOn;
use super::holdings::{Holdings, Needles};
use super::model::{self, Groups, MEMBERS, Record, World, decimal};

/// Added to the version of a form that one recipient alone gets.
const ALONE: u64 = 100;

/// What stands under the number of a needle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sought {
    /// A value of a record.
    Value { record: usize, group: &'static str },
    /// A salt of one of its forms.
    Salt { form: usize, group: &'static str },
    /// The seed of one of its forms.
    Seed { form: usize },
}

/// A form in which its issuer keeps a record: one for each version, and for each recipient that must not link it.
pub(super) struct Form {
    record: usize,
    sealed: SealedRecord,
    seed: Seed,
}

/// The forms of all records, from the disks of their issuers.
pub(super) fn forms(all: &[Holdings], roots: &BTreeMap<String, usize>) -> Vec<Form> {
    let own = all.iter().flat_map(|holdings| &holdings.records);
    let forms: Vec<Form> = own
        .map(|(sealed, seed)| Form { record: roots[&sealed.root().hex()], sealed: sealed.clone(), seed: seed.clone() })
        .collect();
    assert_eq!(forms.len(), roots.len());
    forms
}

/// All leaves of a group of a record, with their salts.
fn leaves(form: &Form, group: usize) -> Vec<Leaf> {
    let table = form.sealed.header().table;
    let GroupView::Shown(leaves) = form.sealed.view(table.all_groups()).groups.swap_remove(group) else { panic!() };
    // What is sought is what the specification derives.
    assert!(leaves.iter().enumerate().all(|(item, leaf)| leaf.salt == leaf_salt(&form.seed, table, group, item)));
    leaves
}

pub(super) fn needles(records: &[Record], forms: &[Form]) -> (Needles, Vec<Sought>) {
    let (mut needles, mut sought) = (Needles::new(), Vec::new());
    for (at, record) in records.iter().enumerate() {
        for (group, text) in &record.texts {
            let small = text.to_lowercase();
            // Either half, so that a part of it is found too.
            needles.add([text, &small].into_iter().flat_map(|text| text.as_bytes().chunks_exact(8)));
            sought.push(Sought::Value { record: at, group });
        }
        for (group, number, scale) in &record.numbers {
            let text = decimal(*number, *scale);
            needles.add([number.to_be_bytes().as_slice(), text.as_bytes(), number.to_string().as_bytes()]);
            sought.push(Sought::Value { record: at, group });
        }
    }
    for (at, form) in forms.iter().enumerate() {
        for (group, definition) in form.sealed.header().table.groups.iter().enumerate() {
            for leaf in leaves(form, group) {
                needles.add(leaf.salt.chunks_exact(8));
                sought.push(Sought::Salt { form: at, group: definition.name });
            }
        }
        needles.add(form.seed.chunks_exact(8));
        sought.push(Sought::Seed { form: at });
    }
    (needles, sought)
}

pub(super) fn values_are_those_given(
    id: &str,
    world: &World,
    records: &[Record],
    roots: &BTreeMap<String, usize>,
    passed: &PassedOn,
    sought: &[Sought],
    found: &BTreeMap<usize, String>,
) {
    let mut given: Vec<Groups> = Vec::new();
    for (at, record) in records.iter().enumerate() {
        let ways = world.ways(record);
        let direct = ways.iter().filter(|way| way.to == id).flat_map(|way| &way.groups).copied();
        let onward = passed.iter().filter(|(root, _)| roots[*root] == at).filter_map(|(_, to)| to.get(id)).flatten();
        given.push(direct.chain(onward.copied()).collect());
    }
    for (number, what) in sought.iter().enumerate() {
        let Sought::Value { record, group } = *what else { continue };
        let own = records[record].issuer == id;
        match found.get(&number) {
            Some(place) => assert!(own || given[record].contains(group), "{id} holds {what:?} in {place}"),
            // What no form of it has, its issuer does not keep either.
            None => {
                let ways = world.ways(&records[record]);
                let kept = own && ways.iter().any(|way| model::declaration(way.version).group(group).is_some());
                assert!(!kept && !given[record].contains(group), "the search does not find {what:?} at {id}");
            }
        }
    }
}

/// Of each form of each record everybody holds the salts of just the groups that it was given of that form; its seed, and every
/// salt, only the issuer.
pub(super) fn salts_are_those_given(
    world: &World,
    records: &[Record],
    forms: &[Form],
    passed: &PassedOn,
    sought: &[Sought],
    found: &[BTreeMap<usize, String>],
) {
    let mut held: Vec<BTreeMap<&str, Groups>> = vec![BTreeMap::new(); forms.len()];
    for ((id, _, _), found) in MEMBERS.iter().zip(found) {
        for (number, what) in sought.iter().enumerate() {
            let (form, group) = match *what {
                Sought::Value { .. } => continue,
                Sought::Seed { form } => (form, None),
                Sought::Salt { form, group } => (form, Some(group)),
            };
            if records[forms[form].record].issuer == *id {
                // The salts follow from the seed, which is in the issuer's rows alone.
                assert!(group.is_some() || found.contains_key(&number), "the search does not find {what:?} at {id}");
            } else if let Some(place) = found.get(&number) {
                let group = group.unwrap_or_else(|| panic!("{id} holds {what:?} in {place}"));
                held[form].entry(id).or_default().insert(group);
            }
        }
    }
    for (at, record) in records.iter().enumerate() {
        let mut wanted: Vec<(u64, BTreeMap<&str, Groups>)> = Vec::new();
        for way in world.ways(record) {
            let shared = wanted.iter_mut().find(|(version, _)| *version == way.version && !way.unlinkable);
            match shared {
                Some((_, to)) => to.entry(way.to).or_default().extend(way.groups),
                // One that nobody else gets never takes another in.
                None => {
                    let version = if way.unlinkable { way.version + ALONE } else { way.version };
                    wanted.push((version, [(way.to, way.groups)].into()));
                }
            }
        }
        let mut of: Vec<usize> = (0..forms.len()).filter(|form| forms[*form].record == at).collect();
        assert_eq!(of.len(), wanted.len(), "forms of {}", record.json);
        // Those that were not passed on leave no doubt about which they are.
        of.sort_by_key(|form| passed.contains_key(&forms[*form].sealed.root().hex()));
        for form in of {
            let onward = passed.get(&forms[form].sealed.root().hex());
            let fits = |(version, to): &(u64, BTreeMap<&str, Groups>)| {
                let mut to = to.clone();
                for (member, groups) in onward.into_iter().flatten() {
                    to.entry(member).or_default().extend(groups);
                }
                to.retain(|_, groups| !groups.is_empty());
                version % ALONE == forms[form].sealed.header().table.version && to == held[form]
            };
            let place = wanted.iter().position(fits);
            let place = place.unwrap_or_else(|| panic!("salts held: {:?}; given: {wanted:?}, {onward:?}", held[form]));
            wanted.swap_remove(place);
        }
    }
}

/// For each group that somebody does not open, all that do not open it pool what they hold of the record, in all of its forms, and guess
/// right what it says: they cannot tell. No other coalition has to be tried, since each that does not open it is a part of this one and
/// has less. One salt of its own and the guess is told. Gives how many guesses were tried.
pub(super) fn no_coalition_opens_more(records: &[Record], forms: &[Form], all: &[Holdings]) -> usize {
    let mut by_root: BTreeMap<Digest, Vec<(usize, &RecordView)>> = BTreeMap::new();
    for (member, holdings) in all.iter().enumerate() {
        for view in &holdings.views {
            by_root.entry(view.root()).or_default().push((member, view));
        }
    }
    let mut guesses = 0;
    for form in forms {
        let header = form.sealed.header();
        let whole = form.sealed.view(GroupSet::NONE);
        let pools: Vec<_> = forms.iter().filter(|other| other.record == form.record).collect();
        for (group, digest) in whole.groups.iter().enumerate() {
            let hides = |(_, view): &&(usize, &RecordView)| matches!(view.groups[group], GroupView::Hidden(_));
            let seen = by_root.get(&form.sealed.root()).map(Vec::as_slice).unwrap_or_default();
            let open: BTreeSet<usize> = seen.iter().filter(|seen| !hides(seen)).map(|(member, _)| *member).collect();
            let issuer = MEMBERS.iter().position(|(id, _, _)| *id == records[form.record].issuer).unwrap();
            let apart = |member: &usize| *member != issuer && !open.contains(member);
            let views = pools.iter().filter_map(|other| by_root.get(&other.sealed.root())).flatten();
            let views: Vec<&RecordView> = views.filter(|(member, _)| apart(member)).map(|(_, view)| *view).collect();
            let truth = leaves(form, group);
            for salts in salts(header.table, group, truth.len(), &views) {
                guesses += 1;
                let guess = truth.iter().zip(salts).map(|(leaf, salt)| Leaf { salt, bytes: leaf.bytes.clone() });
                assert_ne!(
                    digest_of(&whole, group, guess.collect()),
                    *digest,
                    "{:?} is opened",
                    header.table.groups[group]
                );
            }
            assert_eq!(digest_of(&whole, group, truth), *digest);
        }
    }
    guesses
}

/// What somebody who knows these views tries as salts of a group: every salt and every name in them, and what follows from roots
/// and digests as from a seed; of another form all salts of the same group.
fn salts(table: &TypeTable, group: usize, count: usize, views: &[&RecordView]) -> Vec<Vec<Salt>> {
    let mut tried = Vec::new();
    let derived =
        |digest: &Digest| (0..count).map(|item| leaf_salt(&Seed::new(digest.0), table, group, item)).collect();
    for view in views {
        tried.extend([vec![view.header.id; count], derived(&view.root())]);
        for (at, shown) in view.groups.iter().enumerate() {
            match shown {
                GroupView::Hidden(digest) => tried.push(derived(digest)),
                GroupView::Shown(leaves) => {
                    tried.extend(leaves.iter().map(|leaf| vec![leaf.salt; count]));
                    if at == group && leaves.len() == count {
                        tried.push(leaves.iter().map(|leaf| leaf.salt).collect());
                    }
                }
            }
        }
    }
    tried
}

/// The digest of a group with these leaves.
fn digest_of(view: &RecordView, group: usize, leaves: Vec<Leaf>) -> GroupView {
    let mut guessed =
        RecordView { header: view.header.clone(), groups: vec![GroupView::Hidden(Digest::ZERO); group + 1] };
    guessed.groups[group] = GroupView::Shown(leaves);
    guessed.cut(GroupSet::NONE).groups.swap_remove(group)
}
