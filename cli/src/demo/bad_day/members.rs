//! Who takes part in `luxor demo bad-day` and what they agreed: data only. Every organisation and every instrument is invented.

use crate::local::{Draft, Role, list, term};

/// Who issues indicators.
pub(super) const CUSTOMS_A: &str = "customs-a";
/// Who holds the declarations.
pub(super) const CUSTOMS_B: &str = "customs-b";
/// Who agreed with A on other things.
pub(super) const CUSTOMS_C: &str = "customs-c";
/// Who sells.
pub(super) const PLATFORM: &str = "platform";
/// Who flies.
pub(super) const CARRIER: &str = "carrier";
/// Whose log forks.
pub(super) const POST: &str = "post";

/// The network's name.
pub(super) const NAME: &str = "Luxor demo: a bad day";
/// Who governs it.
pub(super) const GOVERNORS: [&str; 2] = [CUSTOMS_A, CUSTOMS_B];

/// The members.
pub(super) static ROLES: [Role<'static>; 6] = [
    Role::new(CUSTOMS_A, "Demo Customs A", "customs", "KR"),
    Role::new(CUSTOMS_B, "Demo Customs B", "customs", "EU"),
    Role::new(CUSTOMS_C, "Demo Customs C", "customs", "JP"),
    Role::new(PLATFORM, "Demo Platform", "platform", "KR"),
    Role::new(CARRIER, "Demo Air Cargo", "carrier", "KR"),
    Role::new(POST, "Demo Post", "post", "KR"),
];

/// One row of an agreement.
struct Row {
    type_name: &'static str,
    purpose: &'static str,
    from: &'static str,
    to: &'static str,
    /// Only what names the recipient among those who handle it or are addressed.
    handled: bool,
}

const fn row(type_name: &'static str, purpose: &'static str, from: &'static str, to: &'static str) -> Row {
    Row { type_name, purpose, from, to, handled: false }
}

const fn addressed(type_name: &'static str, purpose: &'static str, from: &'static str, to: &'static str) -> Row {
    Row { type_name, purpose, from, to, handled: true }
}

/// Agreements: id, title, rows.
const DEALS: [(&str, &str, &[Row]); 5] = [
    (
        "risk-a-b",
        "Indicators between the administrations A and B, and what they saw of them; not to be passed on",
        &[
            row("indicator", "safety_security", CUSTOMS_A, CUSTOMS_B),
            addressed("sighting", "safety_security", CUSTOMS_B, CUSTOMS_A),
        ],
    ),
    (
        "risk-a-c",
        "Indicators that name C, between the administrations A and C",
        &[addressed("indicator", "safety_security", CUSTOMS_A, CUSTOMS_C)],
    ),
    (
        "sellers",
        "Indicators of sellers and sites, and what the platform did",
        &[
            addressed("indicator", "enforcement", CUSTOMS_A, PLATFORM),
            addressed("action", "enforcement", PLATFORM, CUSTOMS_A),
        ],
    ),
    (
        "advance-data",
        "Advance declarations and referrals about them",
        &[
            row("declaration", "safety_security", PLATFORM, CUSTOMS_B),
            addressed("referral", "safety_security", CUSTOMS_B, CARRIER),
            addressed("referral_answer", "safety_security", CARRIER, CUSTOMS_B),
        ],
    ),
    (
        "posted",
        "Declarations of the post",
        &[
            row("declaration", "safety_security", POST, CUSTOMS_B),
            row("declaration", "safety_security", POST, CUSTOMS_A),
        ],
    ),
];

/// All agreements.
pub(super) fn drafts() -> Vec<Draft> {
    let (from, until) = term();
    let draft = |(id, title, rows): &(&str, &str, &[Row])| {
        let mut parties: Vec<&str> = rows.iter().flat_map(|row| [row.from, row.to]).collect();
        parties.sort_unstable();
        parties.dedup();
        let mut text = format!(
            "id = \"{id}\"\ntitle = \"{title}\"\ninstrument = \"Demo memorandum of understanding 2026 (invented for this demo)\"\n\
             article = \"Annex {id}\"\ncontroller = \"each party\"\nparties = [{}]\nvalid_from = \"{from}\"\nvalid_until = \"{until}\"\n",
            list(&parties),
        );
        for row in *rows {
            let version = if row.type_name == "declaration" { 3 } else { 1 };
            text += &format!(
                "\n[[flow]]\ntype = \"{}\"\nversion = {version}\nfrom = [\"{}\"]\nto = [\"{}\"]\npurpose = \"{}\"\ngroups = [\"*\"]\n\
                 handling = {}\nretention_days = 365\n",
                row.type_name, row.from, row.to, row.purpose, row.handled,
            );
        }
        Draft { parties: parties.into_iter().map(str::to_owned).collect(), text }
    };
    DEALS.iter().map(draft).collect()
}
