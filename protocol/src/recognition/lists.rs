//! Status lists by issuer and URI, with the times of those that came before.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Refusal;
use super::history::History;
use super::recogniser::UpdateError;
use crate::credential::{Status, StatusError, StatusList, StatusToken};
use crate::keys::KeyId;
use crate::limits::{CREDENTIAL_LEEWAY_SECONDS, MAX_REMEMBERED_LISTS, MAX_STATUS_LISTS_OF_ISSUER};
use crate::names::MemberId;
use crate::time::Millis;

/// By which key and when a list was issued and until when it holds, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Issue {
    pub(super) key: KeyId,
    pub(super) issued_at: u64,
    pub(super) expires: Option<u64>,
}

impl Issue {
    pub(super) fn holds(&self, seconds: u64) -> bool {
        self.expires.is_none_or(|expires| seconds < expires.saturating_add(CREDENTIAL_LEEWAY_SECONDS))
    }
}

#[derive(Debug)]
struct List {
    uri: Arc<str>,
    current: Option<StatusList>,
    issues: History<Issue>,
    /// Places of attestations whose status stands in it.
    named_by: BTreeSet<u32>,
}

/// All lists. An issuer's list is its own, whatever URI another one signs.
#[derive(Debug, Default)]
pub(super) struct Lists {
    places: BTreeMap<(MemberId, Arc<str>), u32>,
    lists: Vec<List>,
}

impl Lists {
    pub(super) fn place(&mut self, issuer: &MemberId, uri: &str) -> Result<u32, UpdateError> {
        let uri: Arc<str> = uri.into();
        let key = (issuer.clone(), uri);
        if let Some(place) = self.places.get(&key) {
            return Ok(*place);
        }
        // So that no issuer leaves the others without room.
        let of_issuer = self.places.range((issuer.clone(), "".into())..).take_while(|((of, _), _)| of == issuer);
        if of_issuer.count() >= MAX_STATUS_LISTS_OF_ISSUER {
            return Err(UpdateError::Full("status lists of one issuer", MAX_STATUS_LISTS_OF_ISSUER));
        }
        let place = u32::try_from(self.lists.len());
        let place = place.map_err(|_| UpdateError::Full("status lists", u32::MAX as usize))?;
        let (uri, issues) = (key.1.clone(), History::default());
        self.lists.push(List { uri, current: None, issues, named_by: BTreeSet::new() });
        self.places.insert(key, place);
        Ok(place)
    }

    /// Takes a list that this key signed, unless it is older; whether it is another than before. Of two issued in one second nobody
    /// knows which is newer: valid is then what is so in both.
    pub(super) fn take(
        &mut self,
        place: u32,
        token: StatusToken,
        key: KeyId,
        known_at: Millis,
    ) -> Result<bool, UpdateError> {
        let Some(list) = self.lists.get_mut(place as usize) else { return Ok(false) };
        let mut issue = Issue { key, issued_at: token.claims.issued_at, expires: token.claims.expires };
        let mut statuses = Some(token.list);
        if let Some((newest, current)) = list.issues.newest().zip(list.current.as_ref()) {
            if issue.issued_at < newest.issued_at {
                let (found, held) = (issue.issued_at, newest.issued_at);
                return Err(UpdateError::OlderList { uri: list.uri.to_string(), found, held });
            }
            if issue.issued_at == newest.issued_at {
                issue.key = newest.key;
                issue.expires = issue.expires.into_iter().chain(newest.expires).min();
                statuses = statuses.and_then(|of| valid_in_both(current, of).ok());
                if issue == *newest && statuses.as_ref() == Some(current) {
                    return Ok(false);
                }
            }
        }
        list.issues.push(known_at, issue, MAX_REMEMBERED_LISTS);
        list.current = statuses;
        Ok(true)
    }

    /// The status that the newest list has for a number.
    pub(super) fn status(&self, place: u32, index: u64) -> Option<Status> {
        self.lists.get(place as usize)?.current.as_ref()?.get(index).ok()
    }

    pub(super) fn name(&mut self, place: u32, line: u32) {
        if let Some(list) = self.lists.get_mut(place as usize) {
            list.named_by.insert(line);
        }
    }

    pub(super) fn unname(&mut self, place: u32, line: u32) {
        if let Some(list) = self.lists.get_mut(place as usize) {
            list.named_by.remove(&line);
        }
    }

    /// The places of attestations that name it.
    pub(super) fn named_by(&self, place: u32) -> impl Iterator<Item = u32> {
        self.lists.get(place as usize).into_iter().flat_map(|list| &list.named_by).copied()
    }

    pub(super) fn uri(&self, place: u32) -> &str {
        self.lists.get(place as usize).map_or("", |list| &list.uri)
    }

    /// The list that was the newest at a time.
    pub(super) fn issue(&self, place: u32, at: Millis) -> Result<Option<Issue>, Refusal> {
        match self.lists.get(place as usize) {
            None => Ok(None),
            Some(list) => Ok(list.issues.at(at)?.map(|(_, issue)| *issue)),
        }
    }
}

/// What two lists say together: of a number that is not valid in the first, its status there. As long as the shorter one.
fn valid_in_both(first: &StatusList, second: StatusList) -> Result<StatusList, StatusError> {
    if *first == second {
        return Ok(second);
    }
    let bits = if first.bits().count() < second.bits().count() { second.bits() } else { first.bits() };
    let entries = first.entries().min(second.entries());
    let mut both = StatusList::new(bits, entries)?;
    for index in 0..entries {
        let (one, other) = (first.get(index)?, second.get(index)?);
        both.set(index, if one == Status::Valid { other } else { one })?;
    }
    Ok(both)
}
