//! The decision: every attestation of a number is looked at in a fixed order, and of each every row that could give something.

use std::sync::Arc;

use super::ground::{RowAsk, together};
use super::held::{Facts, Line, State};
use super::lists::Issue;
use super::{Answer, Evidence, Given, Grounds, NumberKey, Question, Recognised, Recogniser, Refusal, Verdict};
use crate::credential::claims::{AeoStanding, Coverage, Mandate};
use crate::credential::{CredentialType, Status};
use crate::document::{Charter, CharterMember, MemberStatus, NoRight};
use crate::limits::{CREDENTIAL_LEEWAY_SECONDS, MAX_REASONS};
use crate::names::{MemberId, Purpose};
use crate::time::Millis;

impl Recogniser {
    /// Whether a trader is recognised, under what, with which benefits, and why; as it was known and held at the moment asked about.
    /// Of several attestations the first in order of type, issuer and programme counts that agreements give benefits to, else the first
    /// that is recognised.
    pub fn recognise(&self, question: &Question<'_>) -> Answer<'_> {
        let mut reasons = Reasons::default();
        let recognised = self.look(question, &mut reasons).unwrap_or_else(|refusal| {
            reasons.add(refusal);
            None
        });
        let Reasons { refusals, more, nearest } = reasons;
        let verdict = match (recognised, nearest) {
            (Some(recognised), _) => Verdict::Recognised(recognised),
            (None, Some(refusal)) => Verdict::Refused(refusal),
            (None, None) => Verdict::Refused(Refusal::Unknown { at: question.at }),
        };
        Answer { verdict, refusals, more }
    }

    /// Whether an attestation gives its own issuer what it says, for revenue.
    pub(super) fn holds_for_issuer(&self, line: &Line, issuer: &MemberId, at: Millis) -> bool {
        let Ok(Some((since, charter))) = self.ground.charter(at) else { return false };
        let Ok(asking) = asking(charter, issuer) else { return false };
        let (scheme, purpose) = (super::Scheme::Registration, Purpose::Revenue);
        let question = Question { scheme, number: "", purpose, asking: issuer, hs: &[], given: &[], at };
        let look = Look { of: self, question: &question, charter, since: *since, asking };
        matches!(look.line(line, &mut Reasons::default()), Ok(Some(_)))
    }

    fn look(&self, question: &Question<'_>, reasons: &mut Reasons) -> Result<Option<Recognised<'_>>, Refusal> {
        let at = question.at;
        if at < self.forgotten {
            return Err(Refusal::HistoryCut { before: self.forgotten });
        }
        let (since, charter) = self.ground.charter(at)?.ok_or(Refusal::NoCharter { at })?;
        let asking = asking(charter, question.asking).map_err(Refusal::Asking)?;
        let mut lines: Vec<&Line> =
            self.lines.of(NumberKey::new(question.scheme, question.number)).map(|(_, line)| line).collect();
        if lines.len() > 1 {
            lines.sort_by(|a, b| a.name.order(self).cmp(&b.name.order(self)));
        }
        let look = Look { of: self, question, charter, since: *since, asking };
        let mut best: Option<Recognised<'_>> = None;
        for line in lines {
            match look.line(line, reasons) {
                Err(refusal) => reasons.add(refusal),
                Ok(Some(found)) if !found.benefits().is_empty() => return Ok(Some(found)),
                Ok(Some(found)) if best.is_none() => best = Some(found),
                Ok(_) => {}
            }
        }
        Ok(best)
    }
}

/// Reasons, some of them kept, and the one furthest on.
#[derive(Default)]
struct Reasons {
    refusals: Vec<Refusal>,
    more: usize,
    nearest: Option<Refusal>,
}

impl Reasons {
    fn add(&mut self, refusal: Refusal) {
        if self.nearest.as_ref().is_none_or(|nearest| nearest.stage() < refusal.stage()) {
            self.nearest = Some(refusal.clone());
        }
        if self.refusals.len() < MAX_REASONS {
            self.refusals.push(refusal);
        } else {
            self.more += 1;
        }
    }
}

/// One question, with what is the same for every attestation.
struct Look<'r, 'q> {
    of: &'r Recogniser,
    question: &'q Question<'q>,
    charter: &'r Arc<Charter>,
    since: Millis,
    asking: &'r CharterMember,
}

impl<'r> Look<'r, '_> {
    /// What an attestation gives; `None` where it was not known yet or only rows refuse, whose reasons are added.
    fn line(&self, line: &'r Line, reasons: &mut Reasons) -> Result<Option<Recognised<'r>>, Refusal> {
        let (at, attestation) = (self.question.at, line.name.attestation);
        let Some(state) = line.at(at)? else { return Ok(None) };
        let Some(issuer_id) = self.of.issuer(line.name.issuer) else { return Ok(None) };
        let held = state.held;
        self.check_life(issuer_id, &state)?;
        let issuer = self.charter.may_issue(issuer_id, attestation).map_err(Refusal::NoRight)?;
        if let Some(country) = held.facts.country().filter(|country| !together(*country, issuer.territory)) {
            let (issuer, territory) = (issuer_id.clone(), issuer.territory);
            return Err(Refusal::ForeignProgramme { issuer, territory, country });
        }
        self.of.ground.check_key(issuer_id, held.key, held.issued_at, at)?;
        let (status, list) = self.check_status(issuer_id, &state)?;
        let evidence = Evidence {
            issuer: issuer_id,
            kind: issuer.kind,
            territory: issuer.territory,
            charter: (self.charter.round, self.since),
            listed: self.charter.issuers.iter().any(|row| row.attestation == attestation.word()),
            key: held.key,
            credential: held.credential,
            attestation,
            programme: (attestation == CredentialType::Aeo).then(|| self.of.ground.programme_name(line.name.programme)),
            coverage: None,
            life: (held.issued_at, held.expires),
            status,
            list: self.of.lists.uri(held.list),
            list_key: list.key,
            list_issued_at: list.issued_at,
            status_age: (at.0 / 1000).saturating_sub(list.issued_at),
        };
        match &held.facts {
            Facts::Seller => Err(Refusal::SellerOnly { issuer: issuer_id.clone() }),
            Facts::Collect(mandate) => {
                self.check_mandate(mandate)?;
                let grounds = Grounds::Mandate { territory: mandate.territory, levy: mandate.levy };
                Ok(Some(Recognised { grounds, evidence }))
            }
            Facts::Aeo { coverage, standing, since, .. } => {
                if *standing != AeoStanding::Active {
                    let (issuer, standing, since) = (issuer_id.clone(), *standing, *since);
                    return Err(Refusal::Standing { issuer, standing, since });
                }
                // The day is one of the issuer's calendar, which may be ahead of ours.
                let (since, day) = (*since, at.day());
                if day.plus(1) < since {
                    return Err(Refusal::NotActiveYet { issuer: issuer_id.clone(), since, day });
                }
                let evidence = Evidence { coverage: Some(*coverage), ..evidence };
                Ok(self.authorised(line, issuer, *coverage, reasons)?.map(|grounds| Recognised { grounds, evidence }))
            }
        }
    }

    /// An active authorisation: one's own, or by what rows give.
    fn authorised(
        &self,
        line: &Line,
        issuer: &'r CharterMember,
        coverage: Coverage,
        reasons: &mut Reasons,
    ) -> Result<Option<Grounds<'r>>, Refusal> {
        let Question { purpose, hs, given, at, .. } = *self.question;
        if issuer.territory.is_one_customs_territory_with(self.asking.territory) {
            return Ok(Some(Grounds::Own));
        }
        if !coverage.security() {
            return Err(Refusal::SimplificationOnly { issuer: issuer.id.clone() });
        }
        let ground = &self.of.ground;
        let ask = RowAsk { charter: self.charter, asking: &self.asking.id, issuer, purpose, hs, given, at };
        let (mut rows, mut any) = (Vec::new(), false);
        for row in ground.rows(&self.asking.id, issuer, at) {
            any = true;
            let Some(held) = ground.version(row) else { continue };
            let checked = if row.programme == line.name.programme {
                ground.check_row(row, &ask)
            } else {
                let (agreement, programme) = (held.id.clone(), ground.programme_name(row.programme).to_owned());
                Err(Refusal::Programme { agreement, row: row.number, programme })
            };
            match checked {
                Err(refusal) => reasons.add(refusal),
                Ok(()) => rows.push(Given {
                    agreement: &held.id,
                    version: held.version,
                    digest: held.digest,
                    row: row.number,
                    benefits: row.benefits,
                }),
            }
        }
        match (rows.is_empty(), any) {
            (false, _) => Ok(Some(Grounds::Agreements(rows))),
            (true, true) => Ok(None),
            (true, false) => Err(Refusal::NoAgreement { asking: self.asking.id.clone(), issuer: issuer.id.clone() }),
        }
    }

    fn check_life(&self, issuer: &MemberId, state: &State<'_>) -> Result<(), Refusal> {
        let (issuer, seconds) = (|| issuer.clone(), self.question.at.0 / 1000);
        let (issued_at, expires) = (state.held.issued_at, state.held.expires);
        if let Some(at) = state.removed {
            return Err(Refusal::Removed { issuer: issuer(), at });
        }
        if seconds.saturating_add(CREDENTIAL_LEEWAY_SECONDS) < issued_at {
            return Err(Refusal::NotYet { issuer: issuer(), issued_at });
        }
        if expires.saturating_add(CREDENTIAL_LEEWAY_SECONDS) <= seconds {
            return Err(Refusal::Expired { issuer: issuer(), expires });
        }
        Ok(())
    }

    /// The status, which is valid, and the list that says so.
    fn check_status(&self, issuer: &MemberId, state: &State<'_>) -> Result<(Status, Issue), Refusal> {
        let (at, list, since) = (self.question.at, state.held.list, state.since);
        let none = || Refusal::NoStatus { issuer: issuer.clone(), uri: self.of.lists.uri(list).to_owned() };
        let issue = self.of.lists.issue(list, at)?.ok_or_else(none)?;
        self.of.ground.check_key(issuer, issue.key, issue.issued_at, at).map_err(|why| match why {
            cut @ Refusal::HistoryCut { .. } => cut,
            why => Refusal::ListKey { uri: self.of.lists.uri(list).to_owned(), why: Box::new(why) },
        })?;
        let issuer = || issuer.clone();
        match state.status {
            None => Err(none()),
            Some(Status::Suspended) => Err(Refusal::Suspended { issuer: issuer(), since }),
            Some(Status::Invalid) => Err(Refusal::Revoked { issuer: issuer(), since }),
            Some(Status::Other(status)) => Err(Refusal::OtherStatus { issuer: issuer(), status }),
            Some(Status::Valid) if !issue.holds(at.0 / 1000) => {
                Err(Refusal::StatusExpired { issuer: issuer(), expires: issue.expires.unwrap_or(u64::MAX) })
            }
            Some(Status::Valid) => Ok((Status::Valid, issue)),
        }
    }

    fn check_mandate(&self, mandate: &Mandate) -> Result<(), Refusal> {
        let (purpose, day, asking) = (self.question.purpose, self.question.at.day(), self.asking.territory);
        let Mandate { territory, from, until, .. } = *mandate;
        if purpose != Purpose::Revenue {
            return Err(Refusal::MandatePurpose { purpose });
        }
        if !together(territory, asking) {
            return Err(Refusal::MandateTerritory { territory, asking });
        }
        if day < from || until.is_some_and(|until| until < day) {
            return Err(Refusal::MandateDays { from, until, day });
        }
        Ok(())
    }
}

fn asking<'c>(charter: &'c Charter, member: &MemberId) -> Result<&'c CharterMember, NoRight> {
    match charter.member(member) {
        None => Err(NoRight::NoMember(member.clone())),
        Some(found) if found.status != MemberStatus::Active => Err(NoRight::MemberSuspended(member.clone())),
        Some(found) => Ok(found),
    }
}
