//! Who takes part in the demo and what they agreed: data only. Every organisation and every instrument is invented.

use crate::local::{Deal, Plan, Role};

/// Who submits.
pub(super) const PLATFORM: &str = "platform";
/// Who verifies.
pub(super) const AUDITOR: &str = "auditor";
/// The two administrations; together they govern the network, and each parcel goes to one of them.
pub(super) const CUSTOMS: [&str; 2] = ["customs-eu", "customs-kr"];
/// Recipients that see a part only.
pub(super) const PARTIAL: [&str; 2] = ["post", "carrier"];

/// The network to be founded.
pub(super) static PLAN: Plan = Plan { name: "Luxor demo", roles: &ROLES, governors: &CUSTOMS, deals: &DEALS };

/// The members, in the order in which things flow.
pub(super) static ROLES: [Role<'static>; 6] = [
    Role::new(PLATFORM, "Demo Platform", "platform", "CN"),
    Role::new("post", "Demo Post", "post", "CN"),
    Role::new("carrier", "Demo Air Cargo", "carrier", "CN"),
    Role::new("customs-kr", "Demo Customs of Korea", "customs", "KR"),
    Role::new("customs-eu", "Demo Customs of the European Union", "customs", "EU"),
    Role::new(AUDITOR, "Demo Audit Office", "auditor", "CH"),
];

/// What CN 23 and ITMATT carry: the parties, the content, its value and postage; no order, payment, seller account.
pub(super) const POST_GROUPS: &[&str] = &[
    "item",
    "route",
    "mass",
    "dangerous_goods",
    "sender",
    "addressee",
    "postage",
    "content",
    "classification",
    "value",
    "origin",
];

/// What flying a box takes: which box, where to, how heavy, whether it burns.
pub(super) const CARRIER_GROUPS: &[&str] = &["item", "route", "mass", "dangerous_goods"];

/// The agreements, each signed by everyone it names.
pub(super) static DEALS: [Deal; 5] = [
    Deal {
        id: "advance-data-kr",
        title: "Advance electronic data on e-commerce parcels to Korea",
        ground: (
            "Demo memorandum of understanding 2026/1 (invented for this demo)",
            "Article 4, pre-arrival information",
        ),
        controller: "Demo Customs of Korea",
        type_name: "declaration",
        from: &[PLATFORM],
        to: "customs-kr",
        purpose: "safety_security",
        groups: &["*"],
        destinations: &["KR"],
        retention_days: 1_095,
    },
    Deal {
        id: "advance-data-eu",
        title: "Advance electronic data on e-commerce parcels to the European Union",
        ground: (
            "Demo memorandum of understanding 2026/2 (invented for this demo)",
            "Article 4, pre-arrival information",
        ),
        controller: "Demo Customs of the European Union",
        type_name: "declaration",
        from: &[PLATFORM],
        to: "customs-eu",
        purpose: "safety_security",
        groups: &["*"],
        destinations: &["EU"],
        retention_days: 1_095,
    },
    Deal {
        id: "posting",
        title: "Item data for postal carriage (what CN 23 and ITMATT carry)",
        ground: ("Demo data sharing agreement 2026/3 (invented for this demo)", "Article 2, item attributes"),
        controller: "Demo Post",
        type_name: "declaration",
        from: &[PLATFORM],
        to: "post",
        purpose: "delivery",
        groups: POST_GROUPS,
        destinations: &["EU", "KR"],
        retention_days: 540,
    },
    Deal {
        id: "carriage",
        title: "Load data for carriage by air",
        ground: ("Demo carriage contract 2026/4 (invented for this demo)", "Annex 1, load data"),
        controller: "Demo Air Cargo",
        type_name: "declaration",
        from: &[PLATFORM],
        to: "carrier",
        purpose: "delivery",
        groups: CARRIER_GROUPS,
        destinations: &["EU", "KR"],
        retention_days: 90,
    },
    Deal {
        id: "audit-mandate",
        title: "Mandate to verify the logs of the network's members",
        ground: ("Demo audit mandate 2026/5 (invented for this demo)", "Article 1, verification without personal data"),
        controller: "each member for its own log",
        type_name: "opening",
        from: &[PLATFORM, "post", "carrier", "customs-kr", "customs-eu"],
        to: AUDITOR,
        purpose: "audit",
        groups: &["skeleton", "body", "evidence"],
        destinations: &[],
        retention_days: 365,
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::found;
    use crate::local::{Network, today};
    use luxor_protocol::names::Purpose;
    use luxor_protocol::record::{DECLARATION, table};

    #[test]
    fn documents_give_exactly_the_intended_groups() {
        let root = tempfile::tempdir().unwrap();
        let network = Network::found(root.path(), &PLAN).unwrap();
        for role in &ROLES {
            let directory = found::directory(&network.dir(role.id)).unwrap();
            assert_eq!(directory.nodes().count(), ROLES.len());
            assert_eq!(directory.agreements().count(), DEALS.len());
        }
        let directory = found::directory(&network.dir(PLATFORM)).unwrap();
        let day = today();
        let mut seen: Vec<_> = directory
            .policy()
            .outgoing(&directory, &PLATFORM.parse().unwrap(), "declaration", day)
            .map(|grant| {
                let covers = |place: &&str| grant.rule.covers(|_| Some(place.parse().unwrap()), |_| false);
                let places: Vec<_> = ["KR", "DE", "GR", "JP", "US"].into_iter().filter(covers).collect();
                (grant.rule.to.to_string(), grant.rule.flow.purpose, grant.groups, places)
            })
            .collect();
        seen.sort_by(|a, b| a.0.cmp(&b.0));
        let all = DECLARATION.all_groups();
        let set = |names: &[&str]| DECLARATION.set(names.iter().copied()).unwrap();
        let both = vec!["KR", "DE", "GR"];
        let expected = vec![
            ("carrier".to_owned(), Purpose::Delivery, set(CARRIER_GROUPS), both.clone()),
            ("customs-eu".to_owned(), Purpose::SafetySecurity, all, vec!["DE", "GR"]),
            ("customs-kr".to_owned(), Purpose::SafetySecurity, all, vec!["KR"]),
            ("post".to_owned(), Purpose::Delivery, set(POST_GROUPS), both),
        ];
        assert_eq!(seen, expected);
        for role in ROLES.iter().filter(|role| role.id != PLATFORM) {
            let member = role.id.parse().unwrap();
            assert!(directory.policy().outgoing(&directory, &member, "declaration", day).next().is_none(), "{member}");
        }
        let opening = table("opening", 1).unwrap();
        for role in &ROLES {
            let mandate = directory.mandate(&role.id.parse().unwrap(), &AUDITOR.parse().unwrap(), day);
            assert_eq!(mandate, (role.id != AUDITOR).then(|| opening.all_groups()), "{}", role.id);
        }
    }

    #[test]
    fn what_the_post_must_not_see_is_not_in_its_agreement() {
        for hidden in
            ["order", "payment", "seller", "documents", "fiscal", "filing", "declarant", "actors", "product", "duty"]
        {
            assert!(!POST_GROUPS.contains(&hidden) && !CARRIER_GROUPS.contains(&hidden), "{hidden}");
        }
    }
}
