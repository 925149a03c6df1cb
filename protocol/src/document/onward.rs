//! Onward use: who may pass on what it received under an agreement, to whom, of it what, for which purpose and how long.
//!
//! The decision is one function of the agreement, so that the one who passes on (a party, by its own documents) and the one who
//! receives (no party, by the document that came with the records) cannot decide differently. Deny by default.
//!
//! Which row records came under is not told with them. So a row counts where it could have given what came: all of the view, for as
//! long; and where it is for some records only, by place or handling, whoever passes on asks that of the view too.
//!
//! Not here: what travels with the records and how it is checked ([`crate::exchange`]).

use std::fmt;

use super::agreement::{Agreement, Flow, Onward};
use super::{CharterMember, Denial, Directory};
use crate::hash::Digest;
use crate::names::{MemberId, Purpose, Slug};
use crate::record::{GroupSet, TypeTable};
use crate::time::Day;

/// A question: may `via`, who received records of `source` for one purpose, pass them on to `to` for another?
#[derive(Debug, Clone, Copy)]
pub struct OnwardAsk<'a> {
    /// The record type.
    pub table: &'static TypeTable,
    /// Who issued the records.
    pub source: &'a MemberId,
    /// Who received them and passes them on.
    pub via: &'a MemberId,
    /// What `via` received them for.
    pub received_for: Purpose,
    /// The groups that it was shown of them.
    pub received_view: GroupSet,
    /// The days for which it was to keep them.
    pub received_days: u64,
    /// Who is to get them.
    pub to: &'a MemberId,
    /// What for.
    pub purpose: Purpose,
    /// On which day.
    pub day: Day,
    /// They went before. Then who takes part and what is suspended is not asked: it is known of today only.
    pub before: bool,
}

/// What one permission of a row gives.
#[derive(Debug, Clone, Copy)]
pub struct OnwardGrant<'a> {
    /// The row, from 1.
    pub row: usize,
    /// The row's permission.
    pub onward: &'a Onward,
    /// The groups that are left to show.
    pub groups: GroupSet,
}

/// Why nothing may be passed on. Where a row is to blame, the row is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OnwardDenial {
    /// The agreement gives `via` nothing of this kind that it could pass on, or not now.
    Row {
        /// The agreement.
        agreement: Slug,
        /// The row, from 1; none where no row is about it.
        row: Option<usize>,
        /// Why it gives nothing.
        why: Denial,
    },
    /// Back to one of the two between whom the records went.
    Back {
        /// The agreement.
        agreement: Slug,
        /// To whom.
        to: MemberId,
    },
    /// The row is for some records only, and these are not shown to be among them.
    Elsewhere {
        /// The agreement.
        agreement: Slug,
        /// The row, from 1.
        row: usize,
    },
    /// The row does not let anything be passed on.
    Kept {
        /// The agreement.
        agreement: Slug,
        /// The row, from 1.
        row: usize,
        /// Who may not.
        via: MemberId,
    },
    /// It does, but not to this member for this purpose.
    Other {
        /// The agreement.
        agreement: Slug,
        /// The row, from 1.
        row: usize,
        /// What the row permits, in words.
        permits: String,
    },
}

impl std::error::Error for OnwardDenial {}

impl OnwardGrant<'_> {
    /// Whether a view and its retention lie within it.
    pub fn covers(&self, view: GroupSet, retention_days: u64) -> bool {
        view.within(self.groups) && retention_days <= self.onward.retention_days
    }
}

impl Directory {
    /// The version of an agreement that holds on a day, with its digest and what takes its place: the last one that has begun.
    /// `None` where none has.
    pub fn agreement_on(&self, id: &Slug, day: Day) -> Option<&(Digest, Agreement)> {
        self.agreement_versions().get(id)?.iter().rev().find(|(_, version)| version.valid_from <= day)
    }

    /// What a version of an agreement, by its digest, lets pass on: what any one permission of any one row gives; they do not add
    /// up. It may be one that is not among the documents here. `covers` says whether a row is about the records, by their places and
    /// who handles them: only who passes on is shown enough to tell.
    ///
    /// # Errors
    /// [`OnwardDenial`] where no permission gives anything.
    pub fn onward<'a>(
        &self,
        (digest, agreement): (&Digest, &'a Agreement),
        ask: &OnwardAsk<'_>,
        covers: impl Fn(&Flow) -> bool,
    ) -> Result<Vec<OnwardGrant<'a>>, OnwardDenial> {
        let OnwardAsk { table, source, via, received_for, to, .. } = *ask;
        let denied = |row, why| Err(OnwardDenial::Row { agreement: agreement.id.clone(), row, why });
        if [source, via].contains(&to) {
            return Err(OnwardDenial::Back { agreement: agreement.id.clone(), to: to.clone() });
        }
        for member in [source, via, to] {
            if self.took_part(member, ask.before).is_none() {
                let why = match self.belongs(member) {
                    true => Denial::MemberSuspended(member.clone()),
                    false => Denial::NoMember(member.clone()),
                };
                return denied(None, why);
            }
        }
        let (mut grants, mut why) = (Vec::new(), None);
        let about = |flow: &Flow| flow.type_name == table.name && flow.from.contains(source) && flow.to.contains(via);
        for (at, flow) in agreement.flows.iter().enumerate().filter(|(_, flow)| about(flow)) {
            if !flow.type_versions.contains(&table.version) || flow.purpose != received_for {
                continue;
            }
            match self.row_onward((digest, agreement), at + 1, flow, ask, &covers) {
                Ok(mut given) => grants.append(&mut given),
                Err(denial) => why = why.or(Some(denial)),
            }
        }
        match (grants.is_empty(), why) {
            (false, _) => Ok(grants),
            (true, Some(denial)) => Err(denial),
            (true, None) => denied(None, Denial::NoPurpose(received_for)),
        }
    }

    /// The member of this name if it takes part; of `before`, as the last charter that names it says.
    fn took_part(&self, id: &MemberId, before: bool) -> Option<&CharterMember> {
        match before {
            false => self.active(id),
            true => self.charters().rev().find_map(|charter| charter.member(id)),
        }
    }

    /// What one row lets pass on.
    fn row_onward<'a>(
        &self,
        (digest, agreement): (&Digest, &'a Agreement),
        row: usize,
        flow: &'a Flow,
        ask: &OnwardAsk<'_>,
        covers: &impl Fn(&Flow) -> bool,
    ) -> Result<Vec<OnwardGrant<'a>>, OnwardDenial> {
        let OnwardAsk { table, source, via, to, purpose, day, .. } = *ask;
        let id = || agreement.id.clone();
        let denied = |why| OnwardDenial::Row { agreement: id(), row: Some(row), why };
        if let Some(term) = flow.unknown_term() {
            return Err(denied(Denial::UnknownTerm(format!("{} = {}", term.name, term.value))));
        }
        let Some((_, Some(shown))) = flow.view(table.version) else {
            return Err(denied(Denial::UnknownGroup(table.name.to_owned(), table.version)));
        };
        if day < agreement.valid_from {
            return Err(denied(Denial::NotYet(agreement.valid_from)));
        }
        // A later version that is known here and has begun; who is no party to the agreement knows none. By digest, since a later
        // version may say again what this one says.
        let known = self.agreement_versions().get(&agreement.id).map(Vec::as_slice).unwrap_or_default();
        let this = known.iter().position(|(version, _)| version == digest);
        if let Some(next) = this.and_then(|at| known[at + 1..].iter().map(|(_, next)| next.valid_from).min())
            && day >= next
        {
            return Err(denied(Denial::Superseded(next)));
        }
        if day > agreement.valid_until {
            return Err(denied(Denial::Ended(agreement.valid_until)));
        }
        let suspends = |member: &&&MemberId| {
            self.suspension(member).is_some_and(|(_, word)| word.agreements.contains(&agreement.id))
        };
        if let Some(member) = [source, via].iter().find(suspends).filter(|_| !ask.before) {
            return Err(denied(Denial::Suspended((*member).clone())));
        }
        if let Some(until) = self.stale(day).filter(|_| flow.has_term("when_stale")) {
            return Err(denied(Denial::Stale(until)));
        }
        // Another row gave what came.
        if !ask.received_view.within(shown) {
            return Err(denied(Denial::TooMuch(GroupSet(ask.received_view.0 & !shown.0))));
        }
        if ask.received_days > flow.retention_days {
            return Err(denied(Denial::TooLong(flow.retention_days)));
        }
        if !covers(flow) {
            return Err(OnwardDenial::Elsewhere { agreement: id(), row });
        }
        if flow.onward.is_empty() {
            return Err(OnwardDenial::Kept { agreement: id(), row, via: via.clone() });
        }
        // The caller found it.
        let Some(recipient) = self.took_part(to, ask.before) else { return Err(denied(Denial::NoMember(to.clone()))) };
        let fits = |onward: &&Onward| onward.purpose == purpose && onward.to.include(recipient);
        let permitted: Vec<_> = flow.onward.iter().filter(fits).collect();
        if permitted.is_empty() {
            let words = |onward: &Onward| {
                let (groups, to) = (onward.groups.join(", "), onward.to.in_words(ToString::to_string));
                format!("lets {via} pass {groups} on to {to} for {} only", onward.purpose)
            };
            let permits: Vec<_> = flow.onward.iter().map(words).collect();
            return Err(OnwardDenial::Other { agreement: id(), row, permits: permits.join("; ") });
        }
        let mut taken = GroupSet::NONE;
        let mut last = None;
        for prohibition in self.prohibitions().all().iter().filter(|prohibition| prohibition.holds(day)) {
            let concerns = |from| prohibition.concerns(table.name, from, to, purpose);
            if concerns(source) || concerns(via) {
                taken = taken.union(prohibition.takes(table));
                last = Some(prohibition.id.clone());
            }
        }
        let mut grants = Vec::with_capacity(permitted.len());
        for onward in permitted {
            let Ok(set) = table.set(onward.groups.iter().map(String::as_str)) else { continue };
            let groups = GroupSet(set.0 & !taken.0);
            if groups != GroupSet::NONE {
                grants.push(OnwardGrant { row, onward, groups });
            }
        }
        match (grants.is_empty(), last) {
            (false, _) => Ok(grants),
            (true, Some(id)) => Err(denied(Denial::Prohibited(id))),
            (true, None) => Err(denied(Denial::UnknownGroup(table.name.to_owned(), table.version))),
        }
    }
}

impl fmt::Display for OnwardDenial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OnwardDenial::Row { agreement, row: Some(row), why } => write!(f, "agreement {agreement} row {row}: {why}"),
            OnwardDenial::Row { agreement, row: None, why } => write!(f, "agreement {agreement}: {why}"),
            OnwardDenial::Back { agreement, to } => {
                write!(f, "agreement {agreement}: {to} is one of the two between whom the records went")
            }
            OnwardDenial::Elsewhere { agreement, row } => {
                write!(
                    f,
                    "agreement {agreement} row {row} is for some records only, and what came does not show that it is for these"
                )
            }
            OnwardDenial::Kept { agreement, row, via } => {
                write!(f, "agreement {agreement} row {row} does not let {via} pass anything on")
            }
            OnwardDenial::Other { agreement, row, permits } => write!(f, "agreement {agreement} row {row} {permits}"),
        }
    }
}
