//! `GET /v1/metrics`: figures of the node in the text format 0.0.4 of Prometheus, behind the token as all else.
//!
//! They are what the node knows already; asking makes it keep up what it holds of indicators. Times are in whole seconds.

use std::fmt::{Display, Write as _};

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;

use super::Context;

/// The format.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Lines of the format.
#[derive(Default)]
struct Lines(String);

impl Lines {
    /// A figure with its values, each with its label's value where it has one.
    fn add<V: Display>(
        &mut self,
        (name, kind, help): (&str, &str, &str),
        label: &str,
        values: impl IntoIterator<Item = (String, V)>,
    ) {
        // Writing to text never fails.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (of, value) in values {
            // Names of this node's own: nothing in them is to be escaped.
            let _ = match label {
                "" => writeln!(self.0, "{name} {value}"),
                label => writeln!(self.0, "{name}{{{label}=\"{of}\"}} {value}"),
            };
        }
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: u64) {
        self.add((name, kind, help), "", [(String::new(), value)]);
    }
}

pub(super) async fn metrics(State(context): State<Context>) -> impl IntoResponse {
    let (shared, state) = (context.driver.shared(), context.driver.state());
    let entries = shared.sequencer.latest().size;
    let mut lines = Lines::default();
    lines.one("luxor_log_entries", "gauge", "Entries of the log.", entries);
    lines.one("luxor_outbox_pending", "gauge", "Dispatches without receipt.", state.outbox.pending);
    let received = &state.totals.received;
    let verdicts = [("accepted", received.accepted), ("rejected", received.rejected)];
    let verdicts = verdicts.map(|(verdict, count)| (verdict.to_owned(), count));
    lines.add(("luxor_received_records_total", "counter", "Records received, by verdict."), "verdict", verdicts);
    shared.shelf.want();
    if let Some(followed) = shared.shelf.followed() {
        let lag = entries.saturating_sub(followed);
        lines.one("luxor_indicators_lag_entries", "gauge", "Entries not yet looked through for indicators.", lag);
    }
    let now = crate::driver::now();
    let issuers: Vec<_> = {
        let kept = shared.shelf.kept();
        kept.issuers()
            .filter(|of| of.indicators > 0)
            .map(|of| (of.issuer.to_string(), of.indicators, of.newest))
            .collect()
    };
    let held = issuers.iter().map(|(issuer, count, _)| (issuer.clone(), *count));
    lines.add(("luxor_indicators", "gauge", "Indicators in collections, by issuer."), "issuer", held);
    let ages = issuers.iter().map(|(issuer, _, newest)| (issuer.clone(), now.0.saturating_sub(newest.0) / 1_000));
    let age = ("luxor_indicator_age_seconds", "gauge", "Seconds since the newest indicator of an issuer came.");
    lines.add(age, "issuer", ages);
    let left = shared.shelf.kept().left_out();
    let left = [("full", left.full), ("others", left.others), ("old", left.old)];
    let left = left.map(|(why, count)| (why.to_owned(), count));
    lines.add(("luxor_indicators_left_out_total", "counter", "Versions in no collection, by reason."), "reason", left);
    let asked = shared.taxii.answers().map(|(class, count)| (class.to_owned(), count));
    lines.add(("luxor_taxii_answers_total", "counter", "Answers by TAXII, by class of status."), "class", asked);
    let refused = shared.taxii.refused();
    lines.one("luxor_taxii_refused_total", "counter", "Requests by TAXII without a right secret.", refused);
    ([(CONTENT_TYPE, TEXT)], lines.0)
}
