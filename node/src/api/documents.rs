//! Documents: all that the node knows, and another for it.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use luxor_protocol::api::{AdmittedDocument, Documents, LoggedDocument, RefusedDocument};
use luxor_protocol::cbor::Encode;
use luxor_protocol::document::{Directory, DocumentKind};
use luxor_protocol::exchange::Skeleton;
use luxor_protocol::time::Day;

use super::Context;
use super::problem::Problem;
use crate::driver::{Admitted, Shared};

/// Days before a charter's last one from which on the operator is told.
const CHARTER_NOTICE_DAYS: u64 = 30;

pub(super) async fn all(State(context): State<Context>) -> Result<Json<Documents>, Problem> {
    let (shared, mut documents) = (context.driver.shared(), Documents::default());
    for (whole, document) in shared.directory().documents() {
        if let Some(entry) = shared.store.document_entry(whole)? {
            let skeleton = shared.store.opening(entry)?.and_then(|opening| opening.read_skeleton().ok());
            // The number of such an entry is its time.
            let logged = |skeleton: Skeleton| LoggedDocument { document: whole.hex(), entry, at: skeleton.number };
            documents.logged.extend(skeleton.map(logged));
        }
        let bytes = BASE64.encode(document.to_cbor());
        match (document.kind, document.version) {
            (DocumentKind::Charter, 1) => documents.charter = bytes,
            (DocumentKind::Card, _) => documents.cards.push(bytes),
            (DocumentKind::Agreement, _) => documents.agreements.push(bytes),
            _ => documents.others.push(bytes),
        }
    }
    Ok(Json(documents))
}

pub(super) async fn admit(State(context): State<Context>, body: Bytes) -> Result<Json<AdmittedDocument>, Problem> {
    let Admitted { kind, id, version, digest, new } = context.driver.admit(body.to_vec(), None).await?;
    Ok(Json(AdmittedDocument { kind: kind.to_string(), id: id.to_string(), version, digest: digest.hex(), new }))
}

/// Documents that were not admitted lately.
pub(super) fn refused(shared: &Shared) -> Vec<RefusedDocument> {
    let refused = shared.refused_documents().into_iter();
    let refused = refused.map(|refused| RefusedDocument {
        from: refused.from,
        document: refused.what,
        reason: refused.reason,
        times: refused.times,
    });
    refused.collect()
}

/// What of the documents waits for people.
pub(super) fn waiting(directory: &Directory, today: Day) -> Vec<String> {
    let (version, mut waiting) = (directory.charter_document().version, Vec::new());
    match directory.charter().valid_until {
        Some(until) if today > until => {
            waiting.push(format!(
                "charter version {version} is stale since {until}: nothing new is admitted until the next one"
            ));
        }
        Some(until) if today.plus(CHARTER_NOTICE_DAYS) > until => {
            waiting.push(format!("the last day of charter version {version} is {until}: adopt the next one in time"));
        }
        _ => {}
    }
    if let Some(split) = directory.split() {
        let removed = if split.removed.is_empty() { "" } else { ", without whoever either of them removes" };
        waiting.push(format!(
            "two charters of version {} have enough votes and neither holds; version {version} goes on{removed} (`luxor charter heal`)",
            split.version
        ));
    }
    let frozen = directory.conflicts().iter();
    waiting.extend(frozen.map(|two| {
        format!(
            "{} {} version {} is frozen: two of it contradict each other (`luxor charter status`)",
            two.kind, two.id, two.version
        )
    }));
    waiting
}
