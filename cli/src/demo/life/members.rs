//! Who takes part in `luxor demo life` and what they agreed: data only. Every organisation and every instrument is invented.

use crate::demo::members::POST_GROUPS;
use crate::local::{Draft, Role, list, term};

/// Who sells; it holds the number under which tax is collected.
pub(super) const PLATFORM: &str = "platform";
/// The operator of origin.
pub(super) const POST_GB: &str = "post-gb";
/// Who flies.
pub(super) const CARRIER: &str = "carrier";
/// The operator of destination; it files the entry summary and collects what the platform does not.
pub(super) const POST_EU: &str = "post-eu";
/// Customs of export.
pub(super) const CUSTOMS_GB: &str = "customs-gb";
/// Customs of import, where the accounts are.
pub(super) const CUSTOMS_EU: &str = "customs-eu";
/// Safety of products.
pub(super) const AGENCY: &str = "agency";
/// Who verifies.
pub(super) const AUDITOR: &str = "auditor";

/// The network's name.
pub(super) const NAME: &str = "Luxor demo: the life of parcels";
/// Who governs it.
pub(super) const GOVERNORS: [&str; 2] = [CUSTOMS_EU, CUSTOMS_GB];

/// The members, in the order in which things flow.
pub(super) static ROLES: [Role<'static>; 8] = [
    Role::new(PLATFORM, "Demo Platform", "platform", "GB"),
    Role::new(POST_GB, "Demo Post of Great Britain", "post", "GB"),
    Role::new(CARRIER, "Demo Air Cargo", "carrier", "GB"),
    Role::new(POST_EU, "Demo Post of the European Union", "post", "EU"),
    Role::new(CUSTOMS_GB, "Demo Customs of Great Britain", "customs", "GB"),
    Role::new(CUSTOMS_EU, "Demo Customs of the European Union", "customs", "EU"),
    Role::new(AGENCY, "Demo Agency for the Safety of Products", "agency", "EU"),
    Role::new(AUDITOR, "Demo Audit Office", "auditor", "CH"),
];

/// What an agency needs of a declaration: which goods, from where, no value and no party.
const AGENCY_GROUPS: &[&str] = &["filing", "item", "route", "content", "classification", "origin", "product"];
/// What flying takes: units, where to, how heavy, whether they burn.
const CARRIER_GROUPS: &[&str] =
    &["reference", "unit", "within", "contains", "route", "mass", "dangerous_goods", "transport"];
const ALL: &[&str] = &["*"];

/// Records of a type from one member to another.
pub(super) struct Row {
    pub(super) type_name: &'static str,
    pub(super) purpose: &'static str,
    pub(super) groups: &'static [&'static str],
    /// Only those that name the recipient among who handles the item.
    handled: bool,
}

/// Rows between two members, in one agreement.
pub(super) struct Deal {
    pub(super) id: &'static str,
    title: &'static str,
    pub(super) from: &'static str,
    pub(super) to: &'static str,
    pub(super) rows: &'static [Row],
    retention_days: u32,
}

const fn row(type_name: &'static str, purpose: &'static str, groups: &'static [&'static str]) -> Row {
    Row { type_name, purpose, groups, handled: true }
}

/// For whoever is named nowhere in it.
const fn to_all(type_name: &'static str, purpose: &'static str) -> Row {
    Row { type_name, purpose, groups: ALL, handled: false }
}

/// What flows.
pub(super) static DEALS: [Deal; 16] = [
    Deal {
        id: "revenue",
        title: "Sales, declarations and what is collected, from the platform to customs of import",
        from: PLATFORM,
        to: CUSTOMS_EU,
        rows: &[
            row("order", "revenue", ALL),
            row("payment", "revenue", ALL),
            row("declaration", "revenue", ALL),
            to_all("collect_use", "revenue"),
            row("duty", "revenue", ALL),
            row("summary", "revenue", ALL),
            row("return", "revenue", ALL),
        ],
        retention_days: 1_095,
    },
    Deal {
        id: "export-data",
        title: "Export declarations",
        from: PLATFORM,
        to: CUSTOMS_GB,
        rows: &[row("declaration", "safety_security", ALL)],
        retention_days: 1_095,
    },
    Deal {
        id: "posting",
        title: "Item data for postal carriage (what CN 23 and ITMATT carry)",
        from: PLATFORM,
        to: POST_GB,
        rows: &[row("declaration", "delivery", POST_GROUPS)],
        retention_days: 540,
    },
    Deal {
        id: "arrival-data",
        title: "Item data for the operator of destination (what CN 23 and ITMATT carry)",
        from: PLATFORM,
        to: POST_EU,
        rows: &[row("declaration", "delivery", POST_GROUPS)],
        retention_days: 540,
    },
    Deal {
        id: "controlled-goods",
        title: "Goods under control of product safety",
        from: PLATFORM,
        to: AGENCY,
        rows: &[row("declaration", "agency_control", AGENCY_GROUPS)],
        retention_days: 365,
    },
    Deal {
        id: "despatches",
        title: "Items, receptacles and despatches, between operators",
        from: POST_GB,
        to: POST_EU,
        rows: &[row("consignment", "delivery", ALL), row("event", "delivery", ALL)],
        retention_days: 540,
    },
    Deal {
        id: "load",
        title: "Load data for carriage by air",
        from: POST_GB,
        to: CARRIER,
        rows: &[row("consignment", "delivery", CARRIER_GROUPS)],
        retention_days: 90,
    },
    Deal {
        id: "transport-data",
        title: "Items, receptacles and despatches, to customs of import",
        from: POST_GB,
        to: CUSTOMS_EU,
        rows: &[row("consignment", "safety_security", ALL), row("event", "safety_security", ALL)],
        retention_days: 365,
    },
    Deal {
        id: "flights",
        title: "Flights: what is loaded, when it departs and arrives",
        from: CARRIER,
        to: CUSTOMS_EU,
        rows: &[row("consignment", "safety_security", ALL), row("event", "safety_security", ALL)],
        retention_days: 365,
    },
    Deal {
        id: "entry-data",
        title: "Entry summaries, arrivals and what the operator of destination collects",
        from: POST_EU,
        to: CUSTOMS_EU,
        rows: &[
            row("declaration", "safety_security", ALL),
            row("event", "revenue", ALL),
            row("duty", "revenue", ALL),
            row("summary", "revenue", ALL),
            row("return", "revenue", ALL),
        ],
        retention_days: 1_095,
    },
    Deal {
        id: "delivery-reports",
        title: "Arrival, delivery and return, to the platform",
        from: POST_EU,
        to: PLATFORM,
        rows: &[row("event", "service_quality", ALL)],
        retention_days: 180,
    },
    Deal {
        id: "export-answers",
        title: "Answers to export declarations",
        from: CUSTOMS_GB,
        to: PLATFORM,
        rows: &[row("customs_response", "facilitation", ALL)],
        retention_days: 365,
    },
    Deal {
        id: "import-answers",
        title: "Answers to import declarations, what is owed, who may collect",
        from: CUSTOMS_EU,
        to: PLATFORM,
        rows: &[
            row("customs_response", "facilitation", ALL),
            row("duty", "revenue", ALL),
            to_all("attestation", "revenue"),
            to_all("status_list", "revenue"),
        ],
        retention_days: 1_095,
    },
    Deal {
        id: "release-answers",
        title: "Answers and what is owed, to the operator of destination",
        from: CUSTOMS_EU,
        to: POST_EU,
        rows: &[row("customs_response", "facilitation", ALL), row("duty", "revenue", ALL)],
        retention_days: 365,
    },
    Deal {
        id: "controls",
        title: "Decisions on goods under control",
        from: AGENCY,
        to: CUSTOMS_EU,
        rows: &[row("agency_decision", "agency_control", ALL)],
        retention_days: 365,
    },
    Deal {
        id: "audit-mandate",
        title: "Mandate to verify the logs of the network's members",
        from: "",
        to: AUDITOR,
        rows: &[Row {
            type_name: "opening",
            purpose: "audit",
            groups: &["skeleton", "body", "evidence"],
            handled: false,
        }],
        retention_days: 365,
    },
];

impl Deal {
    /// Who sends: everybody but the auditor where nobody is named.
    fn senders(&self) -> Vec<&'static str> {
        match self.from {
            "" => ROLES.iter().map(|role| role.id).filter(|id| *id != self.to).collect(),
            one => vec![one],
        }
    }

    /// The draft in TOML, as a person would write it for `luxor agreement`.
    fn draft(&self) -> Draft {
        let (from, until) = term();
        let senders = self.senders();
        let mut parties = senders.clone();
        parties.push(self.to);
        let mut text = format!(
            "id = \"{}\"\ntitle = \"{}\"\ninstrument = \"Demo memorandum of understanding 2026 (invented for this demo)\"\n\
             article = \"Annex {}\"\ncontroller = \"each party\"\nparties = [{}]\nvalid_from = \"{from}\"\nvalid_until = \"{until}\"\n",
            self.id,
            self.title,
            self.id,
            list(&parties),
        );
        for row in self.rows {
            // Who handles it is named in the last version only.
            let version = if row.type_name == "declaration" { 3 } else { 1 };
            text += &format!(
                "\n[[flow]]\ntype = \"{}\"\nversion = {version}\nfrom = [{}]\nto = [\"{}\"]\npurpose = \"{}\"\ngroups = [{}]\n\
                 handling = {}\nretention_days = {}\n",
                row.type_name,
                list(&senders),
                self.to,
                row.purpose,
                list(row.groups),
                row.handled,
                self.retention_days,
            );
        }
        Draft { parties: parties.into_iter().map(str::to_owned).collect(), text }
    }
}

/// All agreements.
pub(super) fn drafts() -> Vec<Draft> {
    DEALS.iter().map(Deal::draft).collect()
}

#[cfg(test)]
mod tests {
    use luxor_protocol::document::Agreement;

    use super::*;

    #[test]
    fn drafts_are_agreements_between_members() {
        for (deal, draft) in DEALS.iter().zip(drafts()) {
            let agreement = Agreement::from_draft(&draft.text).unwrap();
            assert_eq!(agreement.flows.len(), deal.rows.len(), "{}", deal.id);
            assert!(draft.parties.iter().all(|party| ROLES.iter().any(|role| role.id == party)));
        }
    }

    #[test]
    fn what_a_member_must_not_see_is_not_in_its_agreements() {
        let seen = |to: &'static str| DEALS.iter().filter(move |deal| deal.to == to).flat_map(|deal| deal.rows);
        for hidden in ["value", "sender", "addressee", "order", "payment", "seller", "content"] {
            assert!(seen(CARRIER).all(|row| !row.groups.contains(&hidden) && row.groups != ALL), "{hidden}");
        }
        for hidden in ["value", "sender", "addressee", "order", "payment", "seller"] {
            assert!(seen(AGENCY).all(|row| !row.groups.contains(&hidden) && row.groups != ALL), "{hidden}");
        }
        assert!(seen(AUDITOR).all(|row| row.type_name == "opening"));
    }
}
