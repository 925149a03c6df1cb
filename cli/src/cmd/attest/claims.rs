//! Claims as people write them: TOML, JSON or the command line, with the names that they have in the credential.

use std::collections::BTreeSet;
use std::path::Path;

use luxor_protocol::credential::claims::{
    Aeo, AeoRole, AeoStanding, Authorisation, Collect, Coverage, IossNumber, Levy, Line, Mandate, NationalType,
    Registration, SellerCheck, SellerLevel, TraderNumber, TraderScheme, VettedSeller, Vetting,
};
use luxor_protocol::credential::{Attestation, CredentialType, json};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::refused;
use crate::exit::{RefusedError, UsageError};
use crate::files;

/// Bytes of a file of claims.
const MAX_CLAIMS_BYTES: usize = 64 * 1024;
/// Objects and arrays inside one another in it.
const DEPTH: usize = 4;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AeoForm {
    programme: String,
    country: String,
    national_type: String,
    covers_security: Option<bool>,
    covers_simplification: Option<bool>,
    standing: AeoStanding,
    standing_since: String,
    tin: Option<String>,
    eori: Option<String>,
    legal_name: String,
    consent: String,
    #[serde(default)]
    roles: Vec<AeoRole>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SellerForm {
    checks: Vec<SellerCheck>,
    level: SellerLevel,
    since: String,
    incidents: u32,
    seller: String,
    legal_name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CollectForm {
    territory: String,
    collects: Levy,
    from: String,
    until: Option<String>,
    ioss: Option<String>,
    registration: Option<String>,
    legal_name: String,
}

/// Reads the claims of a file, with those of the command line in their place.
pub(super) fn read(
    type_name: Option<CredentialType>,
    file: Option<&Path>,
    more: &[String],
) -> anyhow::Result<(Attestation, Map<String, Value>)> {
    let mut claims = file.map(from_file).transpose()?.unwrap_or_default();
    let written = claims.remove("type");
    let said = written.as_ref().map(|of| of.as_str().unwrap_or_default().parse::<CredentialType>()).transpose();
    let said = said.map_err(|error| RefusedError(format!("the claim 'type': {error}")))?;
    let of = match (type_name, said) {
        (Some(of), Some(said)) if of != said => {
            return Err(UsageError(format!("--type {of}: the file's claims are of type {said}")).into());
        }
        (Some(of), _) | (None, Some(of)) => of,
        (None, None) => {
            return Err(UsageError(
                "no type\nhint: --type aeo, vetted_seller or collect, or `type` in the file".into(),
            )
            .into());
        }
    };
    for text in more {
        let (name, value) =
            text.split_once('=').ok_or_else(|| UsageError(format!("--claim {text}: not NAME=VALUE")))?;
        claims.insert(name.to_owned(), typed(name, value));
    }
    Ok((attestation(of, &claims)?, claims))
}

/// What claims attest.
pub(super) fn attestation(of: CredentialType, claims: &Map<String, Value>) -> Result<Attestation, RefusedError> {
    match of {
        CredentialType::Aeo => aeo(form(of, claims)?).map(Attestation::Aeo),
        CredentialType::VettedSeller => seller(form(of, claims)?).map(Attestation::VettedSeller),
        CredentialType::Collect => collect(form(of, claims)?).map(Attestation::Collect),
    }
}

/// The number of whom it is about.
pub(super) fn subject(of: &Attestation) -> &str {
    match of {
        Attestation::Aeo(of) => of.number.as_str(),
        Attestation::VettedSeller(of) => of.seller.as_str(),
        Attestation::Collect(of) => of.registration.as_str(),
    }
}

fn aeo(form: AeoForm) -> Result<Aeo, RefusedError> {
    let coverage = match (form.covers_security, form.covers_simplification) {
        (None, None) => NationalType::of_eu(&form.national_type).map(|of| of.coverage()),
        (Some(security), Some(simplification)) => Coverage::of(security, simplification),
        _ => None,
    };
    let coverage = coverage.ok_or_else(|| {
        let hint = "both are needed but for AEOC, AEOS and AEOF, and one of them is true";
        claim("covers_security")(format!("it does not tell what is covered, with covers_simplification\nhint: {hint}"))
    })?;
    let number = match (form.tin, form.eori) {
        (Some(tin), None) => TraderNumber::new(TraderScheme::Tin, &tin).map_err(claim("tin"))?,
        (None, Some(eori)) => TraderNumber::new(TraderScheme::Eori, &eori).map_err(claim("eori"))?,
        _ => return Err(claim("eori")("one of tin and eori is needed, and not both")),
    };
    Ok(Aeo {
        authorisation: Authorisation {
            programme: line("programme", &form.programme)?,
            country: form.country.parse().map_err(claim("country"))?,
            national_type: NationalType::new(&form.national_type, coverage).map_err(claim("national_type"))?,
            standing: form.standing,
            since: form.standing_since.parse().map_err(claim("standing_since"))?,
        },
        number,
        legal_name: line("legal_name", &form.legal_name)?,
        consent: line("consent", &form.consent)?,
        roles: once("roles", form.roles)?,
    })
}

fn seller(form: SellerForm) -> Result<VettedSeller, RefusedError> {
    Ok(VettedSeller {
        vetting: Vetting {
            checks: once("checks", form.checks)?,
            level: form.level,
            since: form.since.parse().map_err(claim("since"))?,
            incidents: form.incidents,
        },
        seller: line("seller", &form.seller)?,
        legal_name: line("legal_name", &form.legal_name)?,
    })
}

fn collect(form: CollectForm) -> Result<Collect, RefusedError> {
    Ok(Collect {
        mandate: Mandate {
            territory: form.territory.parse().map_err(claim("territory"))?,
            levy: form.collects,
            from: form.from.parse().map_err(claim("from"))?,
            until: form.until.map(|day| day.parse()).transpose().map_err(claim("until"))?,
        },
        registration: match (form.ioss, form.registration) {
            (Some(number), None) => Registration::Ioss(IossNumber::new(&number).map_err(claim("ioss"))?),
            (None, Some(number)) => Registration::Other(line("registration", &number)?),
            _ => return Err(claim("ioss")("one of ioss and registration is needed, and not both")),
        },
        legal_name: line("legal_name", &form.legal_name)?,
    })
}

fn from_file(path: &Path) -> anyhow::Result<Map<String, Value>> {
    let text = files::read_text(path, MAX_CLAIMS_BYTES)?;
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json")) {
        return Ok(json::object("the file", text.as_bytes(), DEPTH).map_err(|error| refused(path, error))?);
    }
    let table: toml::Table = toml::from_str(&text).map_err(|error| refused(path, error))?;
    let value = |(name, value): (String, toml::Value)| {
        let what = "is no text, number, flag or list";
        let value = from_toml(value).ok_or_else(|| refused(path, format!("the claim '{name}' {what}")))?;
        Ok((name, value))
    };
    Ok(table.into_iter().map(value).collect::<Result<_, RefusedError>>()?)
}

/// A day without quotes is text, as it is in a credential. There are no tables in claims, and no fractions.
fn from_toml(value: toml::Value) -> Option<Value> {
    match value {
        toml::Value::String(text) => Some(Value::from(text)),
        toml::Value::Integer(number) => Some(Value::from(number)),
        toml::Value::Boolean(flag) => Some(Value::from(flag)),
        toml::Value::Datetime(day) => Some(Value::from(day.to_string())),
        toml::Value::Array(all) => all.into_iter().map(from_toml).collect::<Option<_>>().map(Value::Array),
        toml::Value::Float(_) | toml::Value::Table(_) => None,
    }
}

/// A value of the command line, of the kind that its claim has. What is none of that kind stays text and is refused as such.
fn typed(name: &str, value: &str) -> Value {
    match name {
        "roles" | "checks" => value.split(',').filter(|word| !word.is_empty()).map(Value::from).collect(),
        "covers_security" | "covers_simplification" => {
            value.parse::<bool>().map_or_else(|_| Value::from(value), Value::from)
        }
        "incidents" => value.parse::<u32>().map_or_else(|_| Value::from(value), Value::from),
        _ => Value::from(value),
    }
}

fn form<T: DeserializeOwned>(of: CredentialType, claims: &Map<String, Value>) -> Result<T, RefusedError> {
    T::deserialize(&Value::Object(claims.clone())).map_err(|error| RefusedError(format!("the claims of {of}: {error}")))
}

fn line(name: &'static str, text: &str) -> Result<Line, RefusedError> {
    Line::new(text).map_err(claim(name))
}

fn once<T: Ord>(name: &'static str, all: Vec<T>) -> Result<BTreeSet<T>, RefusedError> {
    let count = all.len();
    let set: BTreeSet<T> = all.into_iter().collect();
    if set.len() == count { Ok(set) } else { Err(claim(name)("a word stands there twice")) }
}

fn claim<E: std::fmt::Display>(name: &'static str) -> impl Fn(E) -> RefusedError {
    move |why| RefusedError(format!("the claim '{name}': {why}"))
}
