//! Received records are held against the indicators.

use std::collections::HashMap;

use luxor_protocol::document::Benefit;
use luxor_protocol::exchange::DispatchHeader;
use luxor_protocol::names::Purpose;
use luxor_protocol::recognition::{Benefits, Question, Scheme};
use luxor_protocol::record::{RecordView, TypeTable, Value};
use luxor_protocol::threats::{About, DeskRow, Reading, Screener, Subject};
use luxor_protocol::time::Millis;

use crate::driver::Shared;
use crate::store::StoreError;

/// Schemes of numbers by which traders are recognised.
const SCHEMES: [Scheme; 3] = [Scheme::Eori, Scheme::Tin, Scheme::Seller];

/// How records of each type are read, made when the first comes.
#[derive(Default)]
pub(super) struct Readings {
    by_table: HashMap<(&'static str, u64), Reading>,
}

impl Readings {
    /// Whether what came under a header is screened.
    pub(super) fn wants(&self, shared: &Shared, header: &DispatchHeader) -> bool {
        let settings = &shared.screening.settings;
        settings.purposes.contains(&header.purpose)
            && settings.types.iter().any(|name| *name == header.batch.header.table.name)
    }

    /// How records of a type are read.
    pub(super) fn of(&mut self, table: &'static TypeTable) -> &Reading {
        self.by_table.entry((table.name, table.version)).or_insert_with(|| Reading::of(table))
    }

    /// Screens the records of an entry; of those that new indicators do not meet nothing more is asked. Gives what came of it, and how
    /// many there were.
    pub(super) fn screen(
        &mut self,
        shared: &Shared,
        entry: u64,
        header: &DispatchHeader,
        at: Millis,
        fresh: Option<&Screener>,
    ) -> Result<(Vec<DeskRow>, usize), StoreError> {
        let reading = self.of(header.batch.header.table);
        let views = shared.store.payload(entry)?;
        let desk = shared.screening.desk();
        let mut rows = Vec::new();
        for (place, root, view) in &views {
            let subject = reading.read(view);
            if fresh.is_some_and(|fresh| !fresh.meets(&subject, at)) {
                continue;
            }
            let (came, supersedes) = ((entry, *place), view.header.supersedes);
            let about = About { root: *root, came, supersedes, departs: departs(view) };
            rows.extend(desk.screen(&subject, about, || benefits(shared, &subject, header.purpose, at), at));
        }
        Ok((rows, views.len()))
    }
}

/// When the goods leave, as a record tells.
fn departs(view: &RecordView) -> Option<Millis> {
    match view.field("route", "departs_at") {
        Some(Value::Time(at)) => Some(at),
        _ => None,
    }
}

/// The benefits that agreements give to a trader that a record names, for those in whose name it is filed or sold.
pub(super) fn benefits(shared: &Shared, subject: &Subject<'_>, purpose: Purpose, at: Millis) -> Vec<Benefit> {
    let trust = shared.trust.read();
    if !trust.read {
        return Vec::new();
    }
    let (me, at) = (shared.me.member(), trust.now(at));
    let hs: Vec<&str> = subject.hs().collect();
    let mut all = Benefits::default();
    for number in subject.traders() {
        for scheme in SCHEMES {
            let question = Question { scheme, number, purpose, asking: &me, hs: &hs, given: &[], at };
            all = all.and(trust.recogniser.recognise(&question).benefits());
        }
    }
    all.iter().collect()
}
