//! Status lists by issuer and URI, with the times of those that came before.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Refusal;
use super::history::History;
use super::recogniser::UpdateError;
use crate::credential::{Status, StatusList, StatusToken};
use crate::limits::{CREDENTIAL_LEEWAY_SECONDS, MAX_REMEMBERED_LISTS, MAX_STATUS_LISTS_OF_ISSUER};
use crate::names::MemberId;
use crate::time::Millis;

/// When a list was issued and until when it holds, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Issue {
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
    /// Places of attestations that name it; some may name another by now.
    named_by: Vec<u32>,
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
        if self.places.keys().filter(|(of, _)| of == issuer).count() >= MAX_STATUS_LISTS_OF_ISSUER {
            return Err(UpdateError::Full("status lists of one issuer", MAX_STATUS_LISTS_OF_ISSUER));
        }
        let place = u32::try_from(self.lists.len());
        let place = place.map_err(|_| UpdateError::Full("status lists", u32::MAX as usize))?;
        let (uri, issues) = (key.1.clone(), History::default());
        self.lists.push(List { uri, current: None, issues, named_by: Vec::new() });
        self.places.insert(key, place);
        Ok(place)
    }

    /// Takes a list unless it is older; whether it is another than before.
    pub(super) fn take(&mut self, place: u32, token: StatusToken, known_at: Millis) -> Result<bool, UpdateError> {
        let Some(list) = self.lists.get_mut(place as usize) else { return Ok(false) };
        let issue = Issue { issued_at: token.claims.issued_at, expires: token.claims.expires };
        if let Some(newest) = list.issues.newest() {
            let same = list.current.as_ref() == Some(&token.list);
            match issue.issued_at.cmp(&newest.issued_at) {
                std::cmp::Ordering::Less => {
                    let (found, held) = (issue.issued_at, newest.issued_at);
                    return Err(UpdateError::OlderList { uri: list.uri.to_string(), found, held });
                }
                std::cmp::Ordering::Equal if same && issue == *newest => return Ok(false),
                std::cmp::Ordering::Equal => {
                    return Err(UpdateError::TwoLists { uri: list.uri.to_string(), issued_at: issue.issued_at });
                }
                std::cmp::Ordering::Greater => {}
            }
        }
        list.issues.push(known_at, issue, MAX_REMEMBERED_LISTS);
        list.current = Some(token.list);
        Ok(true)
    }

    /// The status that the newest list has for a number.
    pub(super) fn status(&self, place: u32, index: u64) -> Option<Status> {
        self.lists.get(place as usize)?.current.as_ref()?.get(index).ok()
    }

    pub(super) fn name(&mut self, place: u32, line: u32) {
        if let Some(list) = self.lists.get_mut(place as usize) {
            list.named_by.push(line);
        }
    }

    /// The places of attestations that name it, those for which `still` is false dropped.
    pub(super) fn named_by(&mut self, place: u32, still: impl FnMut(&u32) -> bool) -> Vec<u32> {
        let Some(list) = self.lists.get_mut(place as usize) else { return Vec::new() };
        list.named_by.sort_unstable();
        list.named_by.dedup();
        list.named_by.retain(still);
        list.named_by.clone()
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
