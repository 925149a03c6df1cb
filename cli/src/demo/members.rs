//! Who takes part in the demo and what they agreed: data only. Every organisation and every instrument is invented.

/// A member of the demo's network.
pub(super) struct Role {
    /// Short name, also the name of its folder.
    pub(super) id: &'static str,
    /// Full name.
    pub(super) name: &'static str,
    /// Kind of member, as in the charter.
    pub(super) kind: &'static str,
    /// Customs territory.
    pub(super) territory: &'static str,
}

const fn role(id: &'static str, name: &'static str, kind: &'static str, territory: &'static str) -> Role {
    Role { id, name, kind, territory }
}

/// Who submits.
pub(super) const PLATFORM: &str = "platform";
/// Who verifies.
pub(super) const AUDITOR: &str = "auditor";
/// The two administrations; together they govern the network, and each parcel goes to one of them.
pub(super) const CUSTOMS: [&str; 2] = ["customs-eu", "customs-kr"];
/// Recipients that see a part only.
pub(super) const PARTIAL: [&str; 2] = ["post", "carrier"];
/// The one node that every member runs.
pub(super) const NODE: &str = "n1";

/// The members, in the order in which things flow.
pub(super) static ROLES: [Role; 6] = [
    role(PLATFORM, "Demo Platform", "platform", "CN"),
    role("post", "Demo Post", "post", "CN"),
    role("carrier", "Demo Air Cargo", "carrier", "CN"),
    role("customs-kr", "Demo Customs of Korea", "customs", "KR"),
    role("customs-eu", "Demo Customs of the European Union", "customs", "EU"),
    role(AUDITOR, "Demo Audit Office", "auditor", "CH"),
];

/// An agreement of the demo.
pub(super) struct Deal {
    /// Its id.
    pub(super) id: &'static str,
    /// For people.
    pub(super) title: &'static str,
    /// The legal ground: instrument, then article.
    pub(super) ground: (&'static str, &'static str),
    /// Who answers for the data at law.
    pub(super) controller: &'static str,
    /// The record type.
    pub(super) type_name: &'static str,
    /// Who sends.
    pub(super) from: &'static [&'static str],
    /// Who receives.
    pub(super) to: &'static str,
    /// What for.
    pub(super) purpose: &'static str,
    /// Groups shown; `*` for all.
    pub(super) groups: &'static [&'static str],
    /// Destinations; none means all.
    pub(super) destinations: &'static [&'static str],
    /// How long it may be kept.
    pub(super) retention_days: u32,
}

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

impl Deal {
    /// The draft in TOML, as a person would write it for `luxor agreement`.
    pub(super) fn draft(&self, valid_from: &str, valid_until: &str) -> String {
        let list = |items: &[&str]| {
            // None of the names holds a quote or a backslash.
            items.iter().map(|item| format!("\"{item}\"")).collect::<Vec<_>>().join(", ")
        };
        let mut parties = self.from.to_vec();
        parties.push(self.to);
        let (instrument, article) = self.ground;
        let lines = [
            format!("id = \"{}\"", self.id),
            format!("title = \"{}\"", self.title),
            format!("instrument = \"{instrument}\""),
            format!("article = \"{article}\""),
            format!("controller = \"{}\"", self.controller),
            format!("parties = [{}]", list(&parties)),
            format!("valid_from = \"{valid_from}\""),
            format!("valid_until = \"{valid_until}\""),
            String::new(),
            "[[flow]]".to_owned(),
            format!("type = \"{}\"", self.type_name),
            "version = 1".to_owned(),
            format!("from = [{}]", list(self.from)),
            format!("to = [{}]", list(&[self.to])),
            format!("purpose = \"{}\"", self.purpose),
            format!("groups = [{}]", list(self.groups)),
            format!("destinations = [{}]", list(self.destinations)),
            format!("retention_days = {}", self.retention_days),
        ];
        lines.join("\n") + "\n"
    }
}
