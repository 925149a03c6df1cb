//! Quality of records: own ones before they are sent, others' when they arrive, and figures over what arrived.
//!
//! Not here: the rules ([`luxor_protocol::quality`]), and which of them are in force (the operator's files, [`crate::rules`]).

use std::collections::BTreeMap;
use std::sync::Arc;

use luxor_protocol::api::{QualityExample, QualityPage};
use luxor_protocol::cbor::Decode as _;
use luxor_protocol::names::MemberId;
use luxor_protocol::quality::{Checker, Finding, Handed, Report, Rule, Severity};
use luxor_protocol::record::{ArrivedView, Content, Fault, RecordView, TypeTable};
use luxor_protocol::time::Day;

use super::Shared;
use crate::config::OnError;
use crate::rules::Rules;
use crate::store::StoreError;

/// Received dispatches that one page of figures looks at.
const PAGE: usize = 200;

/// The rules as of one day. Records that are judged together are mostly of one type, so its checker stays at hand.
pub(super) struct Judges<'r> {
    rules: &'r Rules,
    day: Day,
    last: Option<Arc<Checker>>,
}

impl<'r> Judges<'r> {
    pub(super) fn new(rules: &'r Rules, day: Day) -> Self {
        Self { rules, day, last: None }
    }

    fn of(&mut self, table: &'static TypeTable) -> &Checker {
        let known = self.last.take().filter(|last| last.table() == table);
        self.last.insert(known.unwrap_or_else(|| self.rules.checker(table)))
    }
}

/// What is found in an own record; an error refuses it where the operator wants that.
///
/// # Errors
/// The findings, of which one at least is an error.
pub(super) fn own(
    shared: &Shared,
    judges: &mut Judges<'_>,
    content: &Content,
    handed: Handed,
) -> Result<Vec<Finding>, Vec<Finding>> {
    if shared.rules.own == OnError::Off {
        return Ok(Vec::new());
    }
    let day = judges.day;
    let mut findings = judges.of(content.table()).check(content, day);
    let refused = |findings: &[Finding]| shared.rules.own == OnError::Refuse && first_error(findings).is_some();
    // What is refused anyway was not filed: its repaired form repeats nothing.
    if !refused(&findings) {
        findings.extend(shared.rules.repeated(content, day, handed));
    }
    if refused(&findings) { Err(findings) } else { Ok(findings) }
}

/// The verdict on another's record, as far as it is shown, where the operator rejects what has an error.
///
/// # Errors
/// The fault and its place, with the rule behind it.
pub(super) fn verdict(shared: &Shared, judges: &mut Judges<'_>, view: &ArrivedView<'_>) -> Result<(), (Fault, String)> {
    if shared.rules.others != OnError::Refuse {
        return Ok(());
    }
    // It was read before: it is a view.
    let Ok(read) = RecordView::from_cbor(view.encoded) else { return Ok(()) };
    let day = judges.day;
    let findings = judges.of(view.header.table).check(&read, day);
    match first_error(&findings) {
        Some(error) => Err((Fault::Quality, place(error))),
        None => Ok(()),
    }
}

/// The first error of a record.
pub(super) fn first_error(findings: &[Finding]) -> Option<&Finding> {
    findings.iter().find(|finding| finding.severity == Severity::Error)
}

/// `/goods/1/classification/hs#hs.unknown`
pub(super) fn place(finding: &Finding) -> String {
    format!("{}#{}", finding.pointer, finding.rule)
}

/// Figures over what arrived behind a place of the inbox, by the member that issued it, as of the day on which it came; of one member
/// only, where one is named, and from a day on.
///
/// # Errors
/// [`StoreError`].
pub fn report(
    shared: &Shared,
    after: Option<u64>,
    of: Option<&MemberId>,
    since: Option<Day>,
) -> Result<QualityPage, StoreError> {
    let store = &shared.store;
    let found = store.inbox(after.map_or(0, |after| after.saturating_add(1)), PAGE)?;
    let next = found.last().map(|(index, _)| *index).filter(|_| found.len() == PAGE);
    let mut report = Report::default();
    let mut examples: BTreeMap<MemberId, BTreeMap<Rule, QualityExample>> = BTreeMap::new();
    let mut judges = Judges::new(&shared.rules, Day(0));
    for (index, skeleton) in found {
        let Some(row) = store.received(&skeleton.channel, skeleton.number)? else { continue };
        let day = row.at.day();
        if since.is_some_and(|since| day < since) {
            continue;
        }
        for (_, root, view) in store.payload(index)? {
            let issuer = &view.header.issuer;
            if of.is_some_and(|of| of != issuer) {
                continue;
            }
            let findings = judges.of(view.header.table).check(&view, day);
            report.add(issuer.as_str(), &findings);
            if findings.is_empty() || !(report.senders.contains_key(issuer.as_str())) {
                continue;
            }
            let known = examples.entry(issuer.clone()).or_default();
            for finding in findings {
                known.entry(finding.rule).or_insert_with(|| QualityExample { root: root.hex(), finding });
            }
        }
    }
    Ok(QualityPage { report, examples, next })
}
