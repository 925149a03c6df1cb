//! Orders: drawn up, signed by officers, carried out. What is to be sent is sent first; then it counts as done, so that a crash in between
//! sends the same again, which is known by its name.

use luxor_protocol::api::{DrawRequest, SignedReport};
use luxor_protocol::exchange::Lane;
use luxor_protocol::hash::Digest;
use luxor_protocol::threats::{Act, DeskRow, Drawn, Order, OrderError, Outcome, Source, State};

use super::letters::{Letters, Posted, Seen};
use super::told::{answers, order_line};
use crate::driver::{Driver, Shared, SubmitError, now};
use crate::store::StoreError;

/// Why nothing is ordered.
#[derive(Debug, thiserror::Error)]
pub enum DeskOrderError {
    /// The order or the signature.
    #[error(transparent)]
    Order(#[from] OrderError),
    /// Nobody may decide.
    #[error(
        "this node has no officers\nhint: `luxor officer` makes a key; name it in a file, and the file as `officers` under [screening] in luxord.toml"
    )]
    NoOfficers,
    /// Somebody else.
    #[error("'{0}' is no officer of this node\nhint: `luxor queue status` names them")]
    NoOfficer(String),
    /// Records and something to undo, or neither.
    #[error("an order is about records; one to undo names an indicator or a rule instead")]
    About,
    /// It could not be sent.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Driver {
    /// Draws up an order, which then waits for signatures.
    ///
    /// # Errors
    /// [`DeskOrderError`]; nothing is changed then.
    pub async fn draw_order(&self, request: DrawRequest) -> Result<Drawn, DeskOrderError> {
        let shared = self.shared.clone();
        self.at_desk(move || {
            if shared.screening.settings.officers.is_empty() {
                return Err(DeskOrderError::NoOfficers);
            }
            let DrawRequest { act, roots, indicator, rule, why } = request;
            let source = match (indicator, rule) {
                (None, None) => None,
                (Some(name), None) => Some(Source::Indicator(name.issuer, name.id)),
                (None, Some(rule)) => Some(Source::Rule(rule)),
                (Some(_), Some(_)) => return Err(DeskOrderError::About),
            };
            let mut writing = shared.screening.writing();
            let drawn = match (act, source) {
                (Act::Undo, Some(source)) if roots.is_empty() => {
                    shared.screening.desk().draw_undo(&shared.me, source, why, now())?
                }
                (Act::Confirm | Act::Seize | Act::Dismiss, None) => {
                    shared.screening.desk().draw(&shared.me, act, roots, why, now())?
                }
                _ => return Err(DeskOrderError::About),
            };
            writing.keep(&shared.store, vec![drawn.row.clone()], None)?;
            Ok(drawn)
        })
        .await
    }

    /// An officer signs an order; it is carried out once enough did.
    ///
    /// # Errors
    /// [`DeskOrderError`]. Where it cannot be sent now the signature stays, and it is tried again.
    pub async fn sign_order(
        &self,
        digest: Digest,
        officer: String,
        signature: String,
    ) -> Result<SignedReport, DeskOrderError> {
        let shared = self.shared.clone();
        let is_signed = self
            .at_desk(move || {
                let known =
                    shared.screening.officer(&officer).ok_or_else(|| DeskOrderError::NoOfficer(officer.clone()))?;
                let network = shared.directory().network();
                let mut writing = shared.screening.writing();
                let key = (known.name.as_str(), &known.key);
                let row = shared.screening.desk().sign(&digest, key, &network, &signature, now())?;
                writing.keep(&shared.store, vec![row], None)?;
                Ok(shared.screening.desk().order(&digest)?.is_signed())
            })
            .await?;
        match is_signed {
            true => self.carry_out(digest).await,
            false => {
                let desk = self.shared.screening.desk();
                let order = order_line(&digest, desk.order(&digest)?);
                Ok(SignedReport { order, settled: 0, lowered: 0, sent: 0, unsent: 0, unsent_why: None })
            }
        }
    }

    /// Carries out orders that were signed before something kept them from being carried out.
    pub(super) async fn carry_out_signed(&self) {
        let waiting: Vec<Digest> = {
            let desk = self.shared.screening.desk();
            let orders = desk.orders().into_iter();
            orders.filter(|(_, order)| order.is_signed() && order.done.is_none()).map(|(digest, _)| *digest).collect()
        };
        for digest in waiting {
            if let Err(error) = self.carry_out(digest).await {
                tracing::warn!(%error, order = digest.hex(), "an order is not carried out yet");
            }
        }
    }

    async fn carry_out(&self, digest: Digest) -> Result<SignedReport, DeskOrderError> {
        let _one = self.shared.screening.carrying.lock().await;
        let shared = self.shared.clone();
        let (rows, letters) = self.at_desk(move || prepared(&shared, &digest)).await?;
        let mut posted = Posted::default();
        for letters in letters.iter().filter(|letters| !letters.is_empty()) {
            let one = self.post(letters).await?;
            posted.sent += one.sent;
            posted.unsent += one.unsent;
            posted.why = posted.why.or(one.why);
        }
        let settled = rows.iter().filter(|row| matches!(row, DeskRow::Settled { .. })).count() as u64;
        let lowered = rows.iter().filter(|row| matches!(row, DeskRow::Proposed(_))).count() as u64;
        let shared = self.shared.clone();
        self.at_desk(move || {
            shared.screening.writing().keep(&shared.store, rows, None)?;
            let desk = shared.screening.desk();
            let order = order_line(&digest, desk.order(&digest)?);
            let Posted { sent, unsent, why } = posted;
            Ok(SignedReport { order, settled, lowered, sent, unsent, unsent_why: why })
        })
        .await
    }

    async fn at_desk<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> Result<T, DeskOrderError> + Send + 'static,
    ) -> Result<T, DeskOrderError> {
        self.work(Lane::Urgent, job).await.unwrap_or(Err(DeskOrderError::Submit(SubmitError::Stopping)))
    }
}

/// What carrying out an order comes to: rows, and what is sent before they count.
fn prepared(shared: &Shared, digest: &Digest) -> Result<(Vec<DeskRow>, Vec<Letters>), DeskOrderError> {
    let (order, rows) = {
        let desk = shared.screening.desk();
        (desk.order(digest)?.order.clone(), desk.carry_out(digest, now()))
    };
    let name = format!("order-{}", &digest.hex()[..32]);
    let mut letters = Letters::new(name.clone());
    let settled = rows.iter().filter_map(|row| match row {
        DeskRow::Settled { root, .. } => Some(*root),
        _ => None,
    });
    let proposals: Vec<_> = {
        let desk = shared.screening.desk();
        settled.filter_map(|root| desk.proposal(&root).cloned()).collect()
    };
    match order.act {
        Act::Confirm => {
            for proposal in &proposals {
                letters.referral(shared, proposal, None)?;
            }
        }
        Act::Seize => {
            for proposal in &proposals {
                letters.seizure(shared, proposal)?;
            }
        }
        Act::Dismiss => {}
        Act::Undo => return undone(shared, &order, rows, letters, name),
    }
    Ok((rows, vec![letters]))
}

/// Referrals that rest on what is undone and that nobody answered are closed; issuers of indicators are told.
fn undone(
    shared: &Shared,
    order: &Order,
    rows: Vec<DeskRow>,
    mut letters: Letters,
    name: String,
) -> Result<(Vec<DeskRow>, Vec<Letters>), DeskOrderError> {
    let Some(source) = &order.source else { return Ok((rows, vec![letters])) };
    let carried_out: Vec<_> = {
        let desk = shared.screening.desk();
        let carried_out = desk.resting(source).carried_out.into_iter();
        carried_out.filter(|proposal| proposal.state() == State::Confirmed).cloned().collect()
    };
    for proposal in &carried_out {
        if answers(shared, proposal)?.is_empty() {
            letters.referral(shared, proposal, Some("withdrawn: what it rested on was undone"))?;
        }
    }
    let count = (order.roots.len() + carried_out.len()) as u64;
    let seen = match source {
        Source::Indicator(issuer, id) if count > 0 => {
            Some(Seen { issuer: issuer.clone(), id: id.clone(), outcome: Outcome::FalsePositive, count })
        }
        // By a rule that was wrong nothing is said of indicators.
        Source::Indicator(..) | Source::Rule(_) => None,
    };
    let sightings = Letters::sightings(shared, format!("{name}-sightings"), seen);
    Ok((rows, vec![letters, sightings]))
}
