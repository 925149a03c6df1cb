//! The log is followed, from where it was left to the newest entry. A new indicator is held against what came before, days back.
//!
//! How far the log is followed is kept together with what came of it, so after a crash some entries are looked at again and come to the
//! same. Limits: [`ENTRIES_AT_ONCE`], [`RECORDS_AT_ONCE`], [`EXPIRE_EVERY`], [`FORGET_EVERY`].

use std::time::{Duration, Instant};

use luxor_protocol::exchange::{EntryKind, Lane, Skeleton};
use luxor_protocol::names::MemberId;
use luxor_protocol::threats::{DeskRow, Screener};

use super::letters::Letters;
use super::records::Readings;
use super::take::{self, Taking};
use crate::driver::beside::LOOK;
use crate::driver::trust::first_since;
use crate::driver::{Driver, Shared, SubmitError, now};
use crate::store::StoreError;

/// Entries looked at in one go.
const ENTRIES_AT_ONCE: usize = 64;
/// Records after which a go ends.
const RECORDS_AT_ONCE: usize = 20_000;
/// How often indicators are looked for that hold no more, and orders that were signed and not carried out.
const EXPIRE_EVERY: Duration = Duration::from_secs(60);

/// How often what is over is forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(24 * 3_600);

/// How far.
struct Followed {
    /// The next entry.
    next: u64,
    /// What new indicators are still held against.
    back: Option<Back>,
    readings: Readings,
    expired: Option<Instant>,
    forgot: Option<Instant>,
    /// What is to be sent before `waiting` counts.
    letters: Vec<Letters>,
    /// By whose word indicators are merged and graded.
    coordinators: Vec<MemberId>,
    /// Rows about what was inspected, and how far the log is followed with them.
    waiting: Option<(Vec<DeskRow>, u64)>,
}

/// Entries before new indicators.
struct Back {
    next: u64,
    until: u64,
    /// The new ones alone: nearly no record is met by one, and those that are not need no second look at all others.
    fresh: Screener,
}

impl Back {
    /// What new indicators are to be held against, if there are any.
    fn begin(shared: &Shared, taking: &mut Taking, until: u64) -> Result<Option<Self>, StoreError> {
        let Some(fresh) = taking.fresh() else { return Ok(None) };
        let since = now().minus_days(shared.screening.settings.look_back_days);
        Ok(Some(Self { next: first_since(shared, until, since)?, until, fresh }))
    }
}

/// What is over goes from the desk, then from the store.
fn forget(shared: &Shared) -> Result<(), StoreError> {
    let before = now().minus_days(shared.screening.settings.keep_days);
    let forgotten = shared.screening.desk_mut().forget(before);
    if forgotten > 0 {
        let rows = shared.store.thin_desk(|row| shared.screening.desk().tells(row))?;
        tracing::info!(forgotten, rows, %before, "proposals and orders that are over are forgotten");
    }
    Ok(())
}

impl Driver {
    /// Reads the indicators that are stored, then follows the log until the node stops.
    pub(in crate::driver) async fn follow_desk(self) {
        if !self.shared.screening.settings.on {
            return;
        }
        let read = self.read_at_length(|shared| {
            let coordinators = shared.directory().charter().coordinators.clone();
            let begins = shared.screening.begins.unwrap_or(0);
            take::stored(shared, begins).map(|()| (begins, coordinators))
        });
        let Some((next, coordinators)) = read.await else { return };
        let mut followed = Followed {
            next,
            back: None,
            readings: Readings::default(),
            expired: None,
            forgot: None,
            letters: Vec::new(),
            coordinators,
            waiting: None,
        };
        loop {
            if followed.forgot.is_none_or(|last| last.elapsed() >= FORGET_EVERY) {
                followed.forgot = Some(Instant::now());
                if self.read_at_length(forget).await.is_none() {
                    return;
                }
            }
            if followed.expired.is_none_or(|last| last.elapsed() >= EXPIRE_EVERY) {
                followed.expired = Some(Instant::now());
                self.carry_out_signed().await;
                self.shared.screening.desk_mut().expire(now());
            }
            let Some((went, more)) = self.step(Lane::Ordinary, followed, Followed::go).await else { return };
            followed = went;
            if !more || !self.post_all(&mut followed).await {
                tokio::time::sleep(LOOK).await;
            }
        }
    }

    /// Sends what is to be sent before what caused it counts; whether it could be.
    async fn post_all(&self, followed: &mut Followed) -> bool {
        while let Some(letters) = followed.letters.last() {
            match self.post(letters).await {
                Ok(_) => {}
                // It was sent before a crash.
                Err(SubmitError::NameUsed { .. }) => {}
                Err(error) => {
                    tracing::info!(%error, name = letters.name, "sightings wait");
                    return false;
                }
            }
            followed.letters.pop();
        }
        true
    }
}

impl Followed {
    /// A little further; whether there is more.
    fn go(&mut self, shared: &Shared) -> Result<bool, StoreError> {
        // While something waits to be sent, nothing counts.
        if !self.letters.is_empty() {
            return Ok(true);
        }
        if let Some((rows, next)) = self.waiting.take() {
            shared.screening.writing().keep(&shared.store, rows, Some(next))?;
        }
        self.coordinate(shared)?;
        let size = shared.sequencer.latest().size;
        let more = match self.back.take() {
            Some(back) => {
                self.back = self.look_back(shared, back)?;
                true
            }
            None => self.go_on(shared, size)?,
        };
        let mut told = shared.screening.told();
        told.followed = Some(self.next);
        told.looking_back = self.back.as_ref().map_or(0, |back| back.until - back.next);
        Ok(more)
    }

    /// Where another charter names other coordinators, what they merge and grade is judged anew.
    fn coordinate(&mut self, shared: &Shared) -> Result<(), StoreError> {
        let directory = shared.directory();
        let named = &directory.charter().coordinators;
        // First what is new already is held against all that came before.
        if *named != self.coordinators && self.back.is_none() {
            let mut taking = take::coordinate(shared, named);
            self.back = Back::begin(shared, &mut taking, self.next)?;
            self.coordinators.clone_from(named);
        }
        Ok(())
    }

    fn go_on(&mut self, shared: &Shared, size: u64) -> Result<bool, StoreError> {
        let begun = self.next;
        if begun >= size {
            return Ok(false);
        }
        let (found, next) = shared.store.dispatches(begun, size, ENTRIES_AT_ONCE)?;
        let (mut taking, mut records, mut end, mut inspected) = (Taking::default(), 0, next, Vec::new());
        for (entry, skeleton) in found {
            if records >= RECORDS_AT_ONCE {
                end = entry;
                break;
            }
            let rows = match skeleton.kind {
                EntryKind::Received => {
                    let (rows, screened) = self.received(shared, &mut taking, entry, &skeleton)?;
                    records += screened;
                    rows
                }
                EntryKind::Sent => {
                    inspected = taking.sent(shared, entry, &skeleton)?;
                    if !inspected.is_empty() {
                        end = entry + 1;
                        break;
                    }
                    Vec::new()
                }
                _ => Vec::new(),
            };
            // What is proposed counts for the next dispatch: a record may have come twice.
            if !rows.is_empty() {
                shared.screening.writing().keep(&shared.store, rows, None)?;
            }
        }
        self.next = end;
        shared.screening.told().screened += records as u64;
        self.back = Back::begin(shared, &mut taking, end)?;
        self.letters = taking.letters;
        match (inspected.is_empty(), self.back.is_some()) {
            (false, _) => self.waiting = Some((inspected, end)),
            // It counts once they were held against what came before.
            (true, true) => {}
            (true, false) => shared.screening.writing().keep(&shared.store, Vec::new(), Some(end))?,
        }
        Ok(true)
    }

    fn received(
        &mut self,
        shared: &Shared,
        taking: &mut Taking,
        entry: u64,
        skeleton: &Skeleton,
    ) -> Result<(Vec<DeskRow>, usize), StoreError> {
        let Some((header, at)) = shared.store.arrived(&skeleton.channel, skeleton.number)? else {
            return Ok((Vec::new(), 0));
        };
        if taking.received(shared, entry, header.batch.header.table.name)? {
            return Ok((Vec::new(), 0));
        }
        let none = shared.screening.desk().screener().is_empty();
        if none || !self.readings.wants(shared, &header) {
            return Ok((Vec::new(), 0));
        }
        self.readings.screen(shared, entry, &header, at, None)
    }

    /// New indicators are held against some of what came before; what is left then.
    fn look_back(&mut self, shared: &Shared, mut back: Back) -> Result<Option<Back>, StoreError> {
        let mut records = 0;
        let (found, next) = shared.store.dispatches(back.next, back.until, ENTRIES_AT_ONCE)?;
        let mut end = next;
        for (entry, skeleton) in found {
            if records >= RECORDS_AT_ONCE {
                end = entry;
                break;
            }
            if skeleton.kind != EntryKind::Received {
                continue;
            }
            let Some((header, _)) = shared.store.arrived(&skeleton.channel, skeleton.number)? else { continue };
            if !self.readings.wants(shared, &header) {
                continue;
            }
            let (rows, screened) = self.readings.screen(shared, entry, &header, now(), Some(&back.fresh))?;
            records += screened;
            if !rows.is_empty() {
                shared.screening.writing().keep(&shared.store, rows, None)?;
            }
        }
        shared.screening.told().screened += records as u64;
        // Nothing is left where no entry was looked at.
        if end >= back.until || end == back.next {
            shared.screening.writing().keep(&shared.store, Vec::new(), Some(self.next))?;
            return Ok(None);
        }
        back.next = end;
        Ok(Some(back))
    }
}
