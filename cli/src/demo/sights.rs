//! One parcel as customs, post and carrier see it, read from their inboxes; and the check that nobody sees more than the
//! agreement gives.

use anyhow::{Context as _, Result};
use luxor_protocol::api::{InboxDispatch, ViewedRecord};
use luxor_protocol::record::DECLARATION;
use serde_json::Value;

use super::members::DEALS;
use crate::client::Client;

/// Dispatches asked for at once.
const PAGE: u64 = 100;

/// What one recipient sees of the parcel.
pub(super) struct Sight {
    /// Who.
    pub(super) member: &'static str,
    /// The native form, with `withheld`.
    pub(super) record: Value,
}

/// What was looked at.
#[derive(Default)]
pub(super) struct Sights {
    /// The same parcel, customs first; empty when nothing was delivered.
    pub(super) parcel: Vec<Sight>,
    /// Records in which every group was checked.
    pub(super) checked: usize,
    /// Groups seen that no agreement gives, or not listed as withheld.
    pub(super) findings: Vec<String>,
}

/// Picks a parcel from the inbox of the first customs that has one, finds it with the others, and checks the dispatches
/// that hold it. Both lists hold members with their nodes.
pub(super) fn look(customs: &[(&'static str, Client)], partial: &[(&'static str, Client)]) -> Result<Sights> {
    let mut sights = Sights::default();
    for (member, client) in customs {
        let picked = find(client, |_| true)?;
        let Some(dispatch) = picked else { continue };
        sights.check(member, &dispatch);
        // The one of the dispatch that says most shows most.
        let fullest = dispatch.records.into_iter().max_by_key(|record| record.record.to_string().len());
        let Some(parcel) = fullest else { continue };
        sights.parcel.push(Sight { member, record: parcel.record });
        for (member, client) in partial {
            let dispatch = find(client, |record| record.root == parcel.root)?
                .with_context(|| format!("{member} does not have the record {} that customs has", parcel.root))?;
            sights.check(member, &dispatch);
            let record = dispatch.records.into_iter().find(|record| record.root == parcel.root);
            sights.parcel.extend(record.map(|found| Sight { member, record: found.record }));
        }
        return Ok(sights);
    }
    Ok(sights)
}

impl Sights {
    fn check(&mut self, member: &str, dispatch: &InboxDispatch) {
        for record in &dispatch.records {
            self.checked += 1;
            if let Err(what) = check(&record.record, &given(member)) {
                self.findings.push(format!("{member}, record {}: {what}", record.root));
            }
        }
    }
}

/// The groups that the demo's agreements give to a member.
fn given(member: &str) -> Vec<&'static str> {
    let all = || DECLARATION.groups.iter().map(|group| group.name).collect();
    match DEALS.iter().find(|deal| deal.to == member && deal.type_name == DECLARATION.name) {
        None => Vec::new(),
        Some(deal) if deal.groups == ["*"] => all(),
        Some(deal) => deal.groups.to_vec(),
    }
}

/// Whether a view shows only groups that are given, and says of all others that they are withheld.
fn check(view: &Value, given: &[&str]) -> Result<(), String> {
    let top = view.as_object().ok_or("the view is no JSON object")?;
    let words = |name: &str| view[name].as_array().into_iter().flatten();
    let in_goods = words("goods").filter_map(Value::as_object).flat_map(|item| item.keys());
    let in_record = top.keys().filter(|key| !matches!(key.as_str(), "type" | "version" | "goods" | "withheld"));
    if let Some(shown) = in_record.chain(in_goods).find(|key| !given.contains(&key.as_str())) {
        return Err(format!("group {shown} is shown, and no agreement gives it"));
    }
    let withheld: Vec<_> = words("withheld").filter_map(Value::as_str).collect();
    let expected: Vec<_> = DECLARATION.groups.iter().map(|g| g.name).filter(|name| !given.contains(name)).collect();
    if withheld != expected {
        return Err(format!("withheld are {}, expected {}", withheld.join(" "), expected.join(" ")));
    }
    Ok(())
}

/// The first dispatch of the inbox with a record like that.
fn find(client: &Client, wanted: impl Fn(&ViewedRecord) -> bool) -> Result<Option<InboxDispatch>> {
    let mut after = None;
    loop {
        let page = client.inbox(after, PAGE)?;
        for item in page.items.iter().filter(|item| item.accepted > 0) {
            let dispatch = client.inbox_dispatch(item.index)?;
            if dispatch.records.iter().any(&wanted) {
                return Ok(Some(dispatch));
            }
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_given_groups_pass() {
        let given = given("carrier");
        let withheld: Vec<_> = DECLARATION.groups.iter().map(|g| g.name).filter(|n| !given.contains(n)).collect();
        let view = json!({ "type": "declaration", "version": 1, "mass": {}, "withheld": withheld });
        assert_eq!(check(&view, &given), Ok(()));
        let mut more = view.clone();
        more["sender"] = json!({});
        assert!(check(&more, &given).is_err());
        let mut goods = view.clone();
        goods["goods"] = json!([{ "value": {} }]);
        assert!(check(&goods, &given).is_err());
        let mut silent = view;
        silent["withheld"] = json!([]);
        assert!(check(&silent, &given).is_err());
    }

    #[test]
    fn customs_may_see_everything() {
        assert_eq!(given("customs-kr").len(), DECLARATION.groups.len());
        assert!(given("auditor").is_empty());
    }
}
