//! What witnesses and other members make of logs: the own cosigned checkpoint, forks seen.

use axum::Json;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use luxor_protocol::api::{Fork, WitnessInfo, WitnessedLog};
use luxor_protocol::tlog::ForkEvidence;

use super::Context;
use super::problem::Problem;
use crate::driver::Shared;
use crate::witness::WitnessState;

/// Forks shown; a network has few members, and each log forks once.
const MAX_FORKS: usize = 1_000;

/// How this node's log stands with its witnesses.
pub(super) fn witnessed(shared: &Shared) -> WitnessedLog {
    let known = shared.known();
    let cosigned = shared.cosigned();
    let best = cosigned.best();
    WitnessedLog {
        size: best.map_or(0, |best| best.size),
        time: best.map_or(0, |best| best.time),
        witnesses: known
            .witnesses
            .iter()
            .map(|witness| {
                let state = cosigned.place(&witness.key).and_then(|place| cosigned.states().get(place).cloned());
                let WitnessState { size, reason } = state.unwrap_or_default();
                WitnessInfo { witness: witness.name.clone(), size, reason }
            })
            .collect(),
    }
}

/// Logs of which there is evidence of a fork.
pub(super) fn forked(shared: &Shared) -> Result<Vec<String>, Problem> {
    Ok(shared.store.forks(MAX_FORKS)?.into_iter().map(|(origin, _)| origin).collect())
}

pub(super) async fn cosigned(State(context): State<Context>) -> Result<impl IntoResponse, Problem> {
    let best = context.driver.shared().cosigned().best().map(|best| best.note.clone());
    let note = best.ok_or_else(|| Problem::not_found("no checkpoint of this log has a quorum of cosignatures yet"))?;
    Ok(([(CONTENT_TYPE, "text/plain; charset=utf-8")], note))
}

pub(super) async fn forks(State(context): State<Context>) -> Result<Json<Vec<Fork>>, Problem> {
    let forks = context.driver.shared().store.forks(MAX_FORKS)?;
    let fork = |(origin, evidence): (String, Vec<u8>)| Fork {
        origin,
        what: match ForkEvidence::parse(&evidence).and_then(|evidence| evidence.verify()) {
            Ok(fork) => fork.to_string(),
            Err(error) => error.to_string(),
        },
        evidence: String::from_utf8_lossy(&evidence).into_owned(),
    };
    Ok(Json(forks.into_iter().map(fork).collect()))
}
