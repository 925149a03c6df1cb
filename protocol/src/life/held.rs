//! What a caller hands in: each record that it holds, as far as it may see it, with when it was lodged and by which agreement.
//!
//! Not here: how a node finds the records ([`super::names_of`] says under which names), and what they mean together.

use std::collections::BTreeSet;

use crate::api::SignatureMark;
use crate::hash::Digest;
use crate::names::{MemberId, MemberKind, Purpose, Territory};
use crate::record::{Content, Occurrences, RecordView, TypeTable, Value};
use crate::time::Millis;

/// What is shown of a record: all of an own one, some groups of another's.
#[derive(Debug, Clone, Copy)]
pub enum Shown<'a> {
    /// An own record.
    Own(&'a Content),
    /// A view of another's, or of an own one.
    View(&'a RecordView),
}

/// When a record was lodged at its recipient: here for one that was received, at who received it for an own one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lodged {
    /// When its sender says that it sent it.
    pub claimed: Option<Millis>,
    /// When it was entered in this node's log, by this node's clock.
    pub entered: Millis,
    /// The quorum time of the first cosigned checkpoint of the recipient that covers it, where that is known here. Only this proves.
    pub proven: Option<Millis>,
}

/// A member to whom an own record went, and when its log is proven to have had it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LodgedWith {
    /// The member.
    pub member: MemberId,
    /// What kind of member it is.
    pub kind: MemberKind,
    /// Its customs territory.
    pub territory: Territory,
    /// The quorum time of the first cosigned checkpoint of its log that covers the receipt's entry, as far as one is known here.
    pub proven: Option<Millis>,
}

/// By which terms a view came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms<'a> {
    /// The agreement's name.
    pub agreement: &'a str,
    /// What the view may be used for.
    pub purpose: Purpose,
}

/// One record as held here under one agreement and purpose. A record that came under several is handed in once for each.
#[derive(Debug, Clone, Copy)]
pub struct Held<'a> {
    /// Its root, which is its identity.
    pub root: Digest,
    /// Who issued it.
    pub issuer: &'a MemberId,
    /// What kind of member its issuer is.
    pub kind: MemberKind,
    /// The issuer's customs territory.
    pub territory: Territory,
    /// When it was lodged.
    pub lodged: Lodged,
    /// To whom it went, for own records; none for received ones, which were lodged here.
    pub lodged_with: &'a [LodgedWith],
    /// By which terms it came; none for own records.
    pub terms: Option<Terms<'a>>,
    /// Set where a key that signed it is revoked since.
    pub mark: Option<SignatureMark>,
    /// The root that its header names as corrected or cancelled by it.
    pub supersedes: Option<Digest>,
    /// What is shown of it.
    pub shown: Shown<'a>,
}

impl<'a> Shown<'a> {
    /// The record's type.
    pub fn table(self) -> &'static TypeTable {
        match self {
            Shown::Own(content) => content.table(),
            Shown::View(view) => view.header.table,
        }
    }

    /// One field of the first occurrence of a record's group; `None` where it is hidden or absent.
    pub fn field(self, group: &str, field: &str) -> Option<Value> {
        match self {
            Shown::Own(content) => content.field(group, field),
            Shown::View(view) => view.field(group, field),
        }
    }

    /// The occurrences in each leaf of a group; `None` where it is hidden or the type has no such group. A leaf that its type does
    /// not allow cannot be held, so it reads as absent.
    pub fn occurrences(self, group: &str) -> Option<Vec<Occurrences>> {
        match self {
            Shown::Own(content) => {
                let (at, _) = content.table().group(group)?;
                Some((0..content.leaves(at).count()).map(|item| content.occurrences(at, item)).collect())
            }
            Shown::View(view) => view.occurrences(group).ok().flatten(),
        }
    }

    /// Whether the group at a position of the type is shown, be it present or absent.
    pub fn shows(self, group: usize) -> bool {
        match self {
            Shown::Own(content) => group < content.table().groups.len(),
            Shown::View(view) => view.shown().has(group),
        }
    }
}

/// Those that may be looked at together for these purposes: own records, and views that came for one of them. Whoever joins what came
/// for different purposes has to name them all.
pub fn for_purposes<'a>(held: &[Held<'a>], purposes: &BTreeSet<Purpose>) -> Vec<Held<'a>> {
    let fits = |held: &&Held<'_>| held.terms.is_none_or(|terms| purposes.contains(&terms.purpose));
    held.iter().filter(fits).copied().collect()
}
