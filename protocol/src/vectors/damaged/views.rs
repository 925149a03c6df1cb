//! Views that do not lead to their root or to content, and paths that do not lead to a batch's.

use super::super::json::{Json, all_bytes, bytes, object};
use super::super::records::RECORDS;
use super::{Cases, cbor_word};
use crate::cbor::{Decode, Encode};
use crate::hash::Digest;
use crate::record::{BatchTree, DECLARATION, GroupView, Leaf, RecordView};
use crate::testing::set;

fn judge_view(bytes: &[u8], root: &Digest) -> String {
    let view = match RecordView::from_cbor(bytes) {
        Ok(view) => view,
        Err(error) => return cbor_word(&error),
    };
    if view.root() != *root {
        return "root".into();
    }
    view.check().map_or_else(|fault| format!("{} {}", fault.fault, fault.pointer), |()| "taken".into())
}

pub(super) fn view_cases() -> Vec<Json> {
    let (_, record) = &RECORDS[2];
    let view = record.view(set(&["route", "value"]));
    let at = |name: &str| DECLARATION.group(name).unwrap().0;
    let with = |change: &dyn Fn(&mut RecordView)| {
        let mut view = view.clone();
        change(&mut view);
        view.to_cbor()
    };
    fn shown(view: &mut RecordView, at: usize) -> &mut Vec<Leaf> {
        let GroupView::Shown(leaves) = &mut view.groups[at] else { panic!("shown") };
        leaves
    }
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("two leaves swapped", with(&|v| shown(v, at("value")).swap(0, 2))),
        ("a salt of another leaf", with(&|v| shown(v, at("value"))[1].salt = [0; 16])),
        ("a leaf changed", with(&|v| *shown(v, at("route"))[0].bytes.last_mut().unwrap() ^= 1)),
        ("a leaf taken away", with(&|v| shown(v, at("value")).truncate(2))),
        ("three leaves", with(&|v| shown(v, at("value")).truncate(3))),
        (
            "two leaves for a group of the record",
            with(&|v| {
                let leaf = shown(v, at("route"))[0].clone();
                shown(v, at("route")).push(leaf)
            }),
        ),
        ("a hidden digest changed", with(&|v| v.groups[at("sender")] = GroupView::Hidden(Digest([7; 32])))),
        ("two hidden digests swapped", with(&|v| v.groups.swap(at("sender"), at("addressee")))),
        ("the id of another record", with(&|v| v.header.id[0] ^= 1)),
        ("another issuer", with(&|v| v.header.issuer = "customs-kr".parse().unwrap())),
        ("a root that it supersedes", with(&|v| v.header.supersedes = Some(record.root()))),
        (
            "a group missing",
            with(&|v| {
                v.groups.pop();
            }),
        ),
    ];
    let root = record.root();
    let mut made = Cases::new("bad_view");
    assert_eq!(judge_view(&view.to_cbor(), &root), "taken");
    made.honest("view: two groups of three goods items", &view.to_cbor(), |case| case.with("root", bytes(root.0)));
    for (name, view) in cases {
        let refused = judge_view(&view, &root);
        assert_ne!(refused, "taken", "{name}");
        made.damaged(&format!("view: {name}"), &view, refused, |case| case.with("root", bytes(root.0)));
    }
    // What a dishonest issuer commits to: the root holds, the content does not.
    let lies: [(&str, &str, &[u8]); 3] = [
        ("a value that its field may not hold", "route", &[0xa1, 0x01, 0x62, b'k', b'r']),
        ("a mandatory group that is absent", "route", &[]),
        ("a byte after the leaf", "route", &[0xa1, 0x01, 0x62, b'K', b'R', 0]),
    ];
    for (name, group, leaf) in lies {
        let mut lie = view.clone();
        shown(&mut lie, at(group))[0].bytes = leaf.to_vec();
        let refused = judge_view(&lie.to_cbor(), &lie.root());
        assert!(refused.contains('/'), "{name}: {refused}");
        made.damaged(&format!("view: {name}"), &lie.to_cbor(), refused, |case| case.with("root", bytes(lie.root().0)));
    }
    made.cases
}

pub(super) fn paths() -> Vec<Json> {
    let roots: Vec<_> = (1..=5).map(|n| Digest([n; 32])).collect();
    let tree = BatchTree::new(&roots);
    let path = tree.path(2).unwrap();
    let cases: Vec<(&str, usize, usize, Vec<Digest>)> = vec![
        ("cut off", 5, 2, path[..path.len() - 1].to_vec()),
        ("too long", 5, 2, [&path[..], &[Digest::ZERO]].concat()),
        ("of another place", 5, 3, path.clone()),
        ("in a batch of another count", 4, 2, path.clone()),
        ("beyond the batch", 5, 5, path.clone()),
        ("in another order", 5, 2, path.iter().rev().copied().collect()),
    ];
    let cases = cases.into_iter().map(|(name, count, index, path)| {
        assert!(!BatchTree::verify(&tree.root(), count, index, &roots[2], &path), "{name}");
        object! {
            "name" => format!("path: {name}"), "kind" => "bad_path", "record" => bytes(roots[2].0), "count" => count,
            "index" => index, "path" => all_bytes(path.iter().map(|d| d.0)), "root" => bytes(tree.root().0),
        }
    });
    cases.collect()
}
