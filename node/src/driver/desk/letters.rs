//! The records that are sent because of what officers order and inspections find: referrals, seizures, sightings.
//!
//! They go out as submissions under names that follow from their cause, so that doing it again after a crash sends nothing twice.

use luxor_protocol::api::{ChunkResult, RecordResult};
use luxor_protocol::exchange::Lane;
use luxor_protocol::hash::{Digest, Domain};
use luxor_protocol::limits::MAX_CHUNK_RECORDS;
use luxor_protocol::names::MemberId;
use luxor_protocol::record::{Content, ContentError, content_from_json, view_to_json};
use luxor_protocol::threats::{Advice, IndicatorId, Outcome, Proposal, addressed};
use luxor_protocol::time::Millis;
use serde_json::{Map, Value as Json, json};

use crate::driver::{Driver, Shared, Submission, SubmitError, now};
use crate::store::StoreError;

/// Records that are sent for one cause.
#[derive(Debug, Clone)]
pub(super) struct Letters {
    /// The submission's name.
    pub(super) name: String,
    records: Vec<Content>,
    /// Records that were meant to be sent and could not be made.
    lost: u64,
    why: Option<String>,
}

/// What is seen of an indicator.
pub(super) struct Seen {
    pub(super) issuer: MemberId,
    pub(super) id: IndicatorId,
    pub(super) outcome: Outcome,
    pub(super) count: u64,
}

/// What became of letters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Posted {
    pub(super) sent: u64,
    pub(super) unsent: u64,
    pub(super) why: Option<String>,
}

impl Letters {
    pub(super) fn new(name: String) -> Self {
        Self { name, records: Vec::new(), lost: 0, why: None }
    }

    /// Sightings for the issuers of indicators, as far as an agreement gives them to these.
    pub(super) fn sightings(shared: &Shared, name: String, seen: impl IntoIterator<Item = Seen>) -> Self {
        let mut letters = Self::new(name);
        for (at, one) in seen.into_iter().enumerate() {
            letters.sighting(shared, at, &one);
        }
        letters
    }

    /// A sighting.
    pub(super) fn sighting(&mut self, shared: &Shared, at: usize, seen: &Seen) {
        let directory = shared.directory();
        let (me, now) = (shared.me.member(), now());
        let mut grants = directory.policy().outgoing(&directory, &me, "sighting", now.day());
        if seen.issuer == me || !grants.any(|grant| grant.rule.to == seen.issuer) {
            return;
        }
        let kind = directory.charter().member(&seen.issuer).map(|member| member.kind);
        self.add(content_from_json(&json!({
            "type": "sighting",
            "reference": { "own_reference": format!("{}-{}", self.name, at + 1), "made_at": now.to_string() },
            "sighting": {
                "indicator": seen.id,
                "issuer": seen.issuer,
                "outcome": seen.outcome.word(),
                "count": seen.count,
                "last_at": now.to_string(),
            },
            "handling": { addressed(kind): seen.issuer },
        })));
    }

    /// The referral that a proposal asks for; nothing for what is done within the house.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) fn referral(
        &mut self,
        shared: &Shared,
        proposal: &Proposal,
        closed: Option<&str>,
    ) -> Result<(), StoreError> {
        let Some(kind) = referral_kind(proposal.propose) else { return Ok(()) };
        let Some(about) = About::of(shared, proposal)? else {
            self.lose("the record is erased");
            return Ok(());
        };
        let reference = referral_reference(&proposal.root);
        let mut referral = json!({ "kind": kind, "reference": reference, "state": "open" });
        if let Some(departs) = proposal.departs {
            referral["deadline"] = departs.to_string().into();
        }
        let mut own = reference;
        if let Some(outcome) = closed {
            referral["state"] = "closed".into();
            referral["outcome"] = outcome.into();
            own.push_str("-C");
        }
        let mut record = about.record("referral", &own, now());
        record.insert("referral".into(), referral);
        self.add(content_from_json(&Json::Object(record)));
        Ok(())
    }

    /// That goods are seized.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) fn seizure(&mut self, shared: &Shared, proposal: &Proposal) -> Result<(), StoreError> {
        let Some(about) = About::of(shared, proposal)? else {
            self.lose("the record is erased");
            return Ok(());
        };
        let mut response = json!({ "status": "seized", "at": now().to_string() });
        if let Some(reference) = &about.reference {
            response["about"] = reference.clone();
        }
        let mut record = about.record("customs_response", &format!("S-{}", short(&proposal.root)), now());
        record.remove("route");
        record.insert("response".into(), response);
        self.add(content_from_json(&Json::Object(record)));
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty() && self.lost == 0
    }

    fn add(&mut self, record: Result<Content, ContentError>) {
        match record {
            Ok(record) => self.records.push(record),
            Err(error) => self.lose(&error.to_string()),
        }
    }

    fn lose(&mut self, why: &str) {
        self.lost += 1;
        self.why.get_or_insert_with(|| why.to_owned());
    }
}

impl Driver {
    /// Sends letters, urgently. Those under a name that was used before are sent already.
    ///
    /// # Errors
    /// [`SubmitError`]; the rest is sent when the same letters are sent again.
    pub(super) async fn post(&self, letters: &Letters) -> Result<Posted, SubmitError> {
        let mut posted = Posted { sent: 0, unsent: letters.lost, why: letters.why.clone() };
        for (chunk, records) in letters.records.chunks(MAX_CHUNK_RECORDS).enumerate() {
            let chunk = chunk as u64;
            let submission = Submission {
                lane: Lane::Urgent,
                name: letters.name.clone(),
                chunk,
                digest: Digest::of(Domain::Chunk, &[letters.name.as_bytes(), &chunk.to_be_bytes()]),
                records: records.iter().cloned().map(Ok).collect(),
                faults: Default::default(),
                repairing: Vec::new(),
            };
            let answer = self.submit(submission).await?;
            let result: ChunkResult = serde_json::from_slice(&answer)
                .map_err(|e| StoreError::Damaged { what: "an answer".into(), error: e.to_string() })?;
            for record in result.records {
                match record {
                    RecordResult::Accepted { .. } => posted.sent += 1,
                    RecordResult::Refused { reason, .. } => {
                        posted.unsent += 1;
                        posted.why.get_or_insert(reason);
                    }
                }
            }
        }
        self.shared().screening.told().unsent += posted.unsent;
        Ok(posted)
    }
}

/// What of a record goes into records about it.
struct About {
    groups: Map<String, Json>,
    reference: Option<Json>,
}

impl About {
    /// None where it is erased.
    fn of(shared: &Shared, proposal: &Proposal) -> Result<Option<Self>, StoreError> {
        let Some((_, view)) = shared.store.view(proposal.entry, proposal.place)? else { return Ok(None) };
        let shown = view_to_json(view.header.table, &view);
        let mut groups = Map::new();
        for name in ["item", "route"] {
            if let Some(group) = shown.get(name).filter(|group| group.is_object()) {
                groups.insert(name.into(), group.clone());
            }
        }
        // Whoever filed it is asked first.
        let mut handling = shown.get("handling").and_then(Json::as_object).cloned().unwrap_or_default();
        handling.entry("filer").or_insert_with(|| view.header.issuer.as_str().into());
        groups.insert("handling".into(), handling.into());
        let reference = shown.get("filing").and_then(|filing| filing.get("own_reference")).cloned();
        Ok(Some(Self { groups, reference }))
    }

    fn record(&self, name: &str, own_reference: &str, at: Millis) -> Map<String, Json> {
        let mut record = self.groups.clone();
        record.insert("type".into(), name.into());
        record.insert("reference".into(), json!({ "own_reference": own_reference, "made_at": at.to_string() }));
        record
    }
}

/// The kind of referral that asks for something (ICS2: request for information, request for screening, do not load).
fn referral_kind(advice: Advice) -> Option<&'static str> {
    match advice {
        Advice::Inform => Some("rfi"),
        Advice::Screen => Some("rfs"),
        Advice::DoNotLoad => Some("dnl"),
        Advice::Watch | Advice::Inspect => None,
    }
}

/// The reference of the referral about a record; nothing where nobody else is asked.
pub(super) fn referral_of(proposal: &Proposal) -> Option<String> {
    let is_sent = proposal.is_carried_out() && referral_kind(proposal.propose).is_some();
    is_sent.then(|| referral_reference(&proposal.root))
}

fn referral_reference(root: &Digest) -> String {
    format!("R-{}", short(root))
}

fn short(root: &Digest) -> String {
    root.hex()[..16].to_owned()
}
