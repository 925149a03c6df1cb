//! What the claims of Luxor's own credentials mean, in words, and whether they speak for the subject on a day.

use luxor_protocol::credential::Shown;
use luxor_protocol::credential::claims::{AeoShown, AeoStanding, CollectShown, Coverage, Levy, VettedSellerShown};
use luxor_protocol::time::Day;

use crate::ui;

/// What every verifier sees, in a sentence.
pub(super) fn summary(shown: &Shown) -> String {
    match shown {
        Shown::Aeo(AeoShown { authorisation: of, .. }) => {
            let covers = match of.national_type.coverage() {
                Coverage::Simplification => "simplifications only",
                Coverage::Security => "security only",
                Coverage::Both => "security and simplifications",
            };
            let (name, standing, since) = (of.national_type.name(), of.standing, of.since);
            format!("{name} of {} ({}), covers {covers}; {standing} since {since}", of.programme, of.country)
        }
        Shown::VettedSeller(VettedSellerShown { vetting: of, .. }) => {
            let checks: Vec<_> = of.checks.iter().map(|check| check.word()).collect();
            let incidents = ui::count(u64::from(of.incidents));
            format!("a seller, {} on {} since {}; incidents since: {incidents}", of.level, checks.join(", "), of.since)
        }
        Shown::Collect(CollectShown { mandate: of, .. }) => {
            let levy = match of.levy {
                Levy::Duty => "duty",
                Levy::Tax => "tax",
                Levy::DutyAndTax => "duty and tax",
            };
            let until = of.until.map(|day| format!(" until {day}")).unwrap_or_default();
            format!("may collect {levy} on goods into {} from {}{until}", of.territory, of.from)
        }
    }
}

/// What the holder discloses or keeps back, by name.
pub(super) fn disclosed(shown: &Shown) -> Vec<(&'static str, Option<String>)> {
    let text = |line: &Option<luxor_protocol::credential::claims::Line>| line.as_ref().map(ToString::to_string);
    match shown {
        Shown::Aeo(of) => {
            let roles: Vec<_> = of.roles.iter().map(|role| role.word()).collect();
            let scheme = of.number.as_ref().map_or("tin or eori", |number| number.scheme().word());
            vec![
                (scheme, of.number.as_ref().map(|number| number.as_str().to_owned())),
                ("legal_name", text(&of.legal_name)),
                ("consent", text(&of.consent)),
                ("roles", (!roles.is_empty()).then(|| roles.join(", "))),
            ]
        }
        Shown::VettedSeller(of) => vec![("seller", text(&of.seller)), ("legal_name", text(&of.legal_name))],
        Shown::Collect(of) => {
            let claim = of.registration.as_ref().map_or("ioss or registration", |number| number.claim());
            vec![
                (claim, of.registration.as_ref().map(|number| number.as_str().to_owned())),
                ("legal_name", text(&of.legal_name)),
            ]
        }
    }
}

/// Why the claims do not speak for their subject on a day, although the credential holds.
pub(super) fn objection(shown: &Shown, day: Day) -> Option<String> {
    match shown {
        Shown::Aeo(AeoShown { authorisation: of, .. }) => (of.standing != AeoStanding::Active)
            .then(|| format!("the authorisation is {} since {}", of.standing, of.since)),
        Shown::VettedSeller(_) => None,
        Shown::Collect(CollectShown { mandate: of, .. }) => match of.until {
            _ if day < of.from => Some(format!("the mandate begins on {} only", of.from)),
            Some(until) if day > until => Some(format!("the mandate ended on {until}")),
            _ => None,
        },
    }
}

/// What must not be read into it.
pub(super) fn limits(shown: &Shown) -> Option<&'static str> {
    match shown {
        Shown::Aeo(of) if !of.authorisation.national_type.coverage().security() => {
            Some("it covers no security, so no arrangement of mutual recognition gives a benefit for it")
        }
        Shown::VettedSeller(_) => Some("no arrangement of mutual recognition gives a benefit for it"),
        Shown::Aeo(_) | Shown::Collect(_) => None,
    }
}
