//! What a record says of its attached files: the group `attachments`, where a type has it.
//!
//! Not here: the files themselves, and how they travel ([`crate::exchange::AttachmentRange`]).

use super::arrived::ArrivedView;
use super::commit::RecordView;
use super::content::{Content, Occurrences, read_leaf};
use super::table::{Group, TypeTable};
use super::value::Value;
use crate::hash::Digest;

/// The group that names attached files.
pub const ATTACHMENTS_GROUP: &str = "attachments";

/// A file that a record names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Attachment {
    /// BLAKE3 of the file, without key or domain: what `b3sum` prints.
    pub digest: Digest,
    /// Its bytes.
    pub size: u64,
}

impl Content {
    /// The files that it names, in their order.
    pub fn attachments(&self) -> Vec<Attachment> {
        let leaf = |at: usize| self.leaves(at).get(0);
        group(self.table()).and_then(|(at, group)| read(group, leaf(at)?)).unwrap_or_default()
    }
}

impl RecordView {
    /// The files that it names, in their order; none where the group is hidden.
    pub fn attachments(&self) -> Vec<Attachment> {
        self.leaf(ATTACHMENTS_GROUP).and_then(|(group, leaf)| read(group, leaf)).unwrap_or_default()
    }
}

impl ArrivedView<'_> {
    /// The files that it names, in their order; none where the group is hidden.
    pub fn attachments(&self) -> Vec<Attachment> {
        let found = group(self.header.table).and_then(|(at, group)| Some((group, self.occurrences(at).ok()?)));
        found.map(|(group, occurrences)| of(group, &occurrences)).unwrap_or_default()
    }
}

fn group(table: &'static TypeTable) -> Option<(usize, &'static Group)> {
    table.group(ATTACHMENTS_GROUP)
}

/// What a leaf names; `None` where it is not what its type allows.
fn read(group: &Group, leaf: &[u8]) -> Option<Vec<Attachment>> {
    Some(of(group, &read_leaf(group, leaf).ok()?))
}

fn of(group: &Group, occurrences: &Occurrences) -> Vec<Attachment> {
    let value = |fields: &[(u8, Value)], name: &str| {
        let number = group.field(name)?.number;
        fields.iter().find(|(of, _)| *of == number).map(|(_, value)| value.clone())
    };
    let one = |fields: &Vec<(u8, Value)>| match (value(fields, "digest")?, value(fields, "size")?) {
        (Value::Bytes(digest), Value::Uint(size)) => Some(Attachment { digest: Digest(digest.try_into().ok()?), size }),
        _ => None,
    };
    occurrences.iter().filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::cbor::{Decode as _, Encode as _, Reader, Writer};
    use crate::record::{GroupSet, SealedRecord, content_from_json};
    use serde_json::json;

    #[test]
    fn what_a_record_names_is_the_same_in_content_view_and_arrival_and_hidden_with_its_group() {
        let [a, b] = [[0xa1; 32], [0xb2; 32]].map(Digest);
        let content = content_from_json(&json!({"type": "declaration", "version": 3,
            "filing": {"own_reference": "A"}, "route": {"destination": "KR"},
            "attachments": [{"digest": a.hex(), "size": 7, "name": "one.jpg"}, {"digest": b.hex(), "size": 268_435_456}]}))
        .unwrap();
        let named = vec![Attachment { digest: a, size: 7 }, Attachment { digest: b, size: 268_435_456 }];
        assert_eq!(content.attachments(), named);
        let table = content.table();
        let record = SealedRecord::new("sender".parse().unwrap(), content, None, [7; 16], [8; 32].into());
        for (groups, expected) in [(table.all_groups(), named), (table.set(["item", "route"]).unwrap(), Vec::new())] {
            let view = record.view(groups);
            assert_eq!(RecordView::from_cbor(&view.to_cbor()).unwrap().attachments(), expected);
            let mut bytes = Writer::new();
            record.encode_view(groups, &mut bytes);
            let bytes = bytes.into_bytes();
            assert_eq!(ArrivedView::read(&mut Reader::new(&bytes)).unwrap().attachments(), expected);
        }
        let without = content_from_json(&json!({"type": "declaration", "filing": {"own_reference": "A"},
            "route": {"destination": "KR"}}))
        .unwrap();
        assert_eq!(without.attachments(), Vec::new());
        assert_ne!(table.all_groups(), GroupSet::NONE);
    }
}
