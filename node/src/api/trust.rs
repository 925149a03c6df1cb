//! Trusted traders: recognition, and uses of numbers that are not confirmed.

use axum::Json;
use axum::extract::{Query, State};
use luxor_protocol::api::{RecognitionReport, UsesReport};
use luxor_protocol::names::Purpose;
use luxor_protocol::recognition::{Question, Scheme};
use luxor_protocol::time::Millis;
use serde::Deserialize;

use super::problem::Problem;
use super::{Context, blocking};
use crate::driver::{now, recognise, uses};

/// Tariff codes, or names of data, in one question.
const MAX_LISTED: usize = 256;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RecognitionQuery {
    number: String,
    scheme: Scheme,
    purpose: Purpose,
    #[serde(default)]
    hs: String,
    #[serde(default)]
    given: String,
    at: Option<String>,
}

pub(super) async fn recognition(
    State(context): State<Context>,
    Query(query): Query<RecognitionQuery>,
) -> Result<Json<RecognitionReport>, Problem> {
    let at =
        query.at.map(|at| at.parse::<Millis>().map_err(|e| Problem::bad_request(format!("at: {e}")))).transpose()?;
    let (hs, given) = (listed("hs", &query.hs)?, listed("given", &query.given)?);
    if let Some(code) = hs.iter().find(|code| !code.bytes().all(|c| c.is_ascii_digit())) {
        return Err(Problem::bad_request(format!("hs: '{code}' is no tariff code: digits only")));
    }
    let shared = context.driver.shared();
    let me = shared.me.member();
    let question = Question {
        scheme: query.scheme,
        number: &query.number,
        purpose: query.purpose,
        asking: &me,
        hs: &hs,
        given: &given,
        at: at.unwrap_or_else(|| shared.trust.read().now(now())),
    };
    Ok(Json(recognise(shared, &question)?))
}

pub(super) async fn unconfirmed(State(context): State<Context>) -> Result<Json<UsesReport>, Problem> {
    let shared = context.driver.shared().clone();
    Ok(Json(blocking(move || uses(&shared, now())).await?))
}

fn listed<'t>(name: &str, text: &'t str) -> Result<Vec<&'t str>, Problem> {
    let words: Vec<&str> = text.split(',').filter(|word| !word.is_empty()).collect();
    match words.len() > MAX_LISTED {
        true => Err(Problem::bad_request(format!("{name}: {} words; at most {MAX_LISTED} are looked at", words.len()))),
        false => Ok(words),
    }
}
