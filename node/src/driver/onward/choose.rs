//! Finds what of a wish may be passed on where it came, and takes it out of there.

use std::collections::{BTreeMap, VecDeque};

use luxor_protocol::api::OnwardOutcome;
use luxor_protocol::cbor::{Decode, Encode};
use luxor_protocol::document::{Directory, KnownNode};
use luxor_protocol::exchange::{Arrival, DispatchHeader, EntryKind, Envelope};
use luxor_protocol::hash::Digest;
use luxor_protocol::names::NodeRef;
use luxor_protocol::record::{BatchTree, GroupSet, RecordView, TypeTable, batch_root};
use luxor_protocol::time::Day;

use super::super::logs::witnessed_proof;
use super::super::{DriverError, Shared};
use super::Onward;
use super::decide::{Sort, decide, went};
use crate::net::TransportKey;
use crate::store::{PassedRecord, StoreError};

/// Dispatches looked at for one wish, over all its records.
const MAX_LOOKED_AT: usize = 1_024;

/// A record that may be passed on, as it goes.
pub(super) struct Chosen {
    pub(super) root: Digest,
    pub(super) table: &'static TypeTable,
    /// Its view, encoded.
    pub(super) view: Vec<u8>,
    pub(super) kept: PassedRecord,
    /// Its path in its issuer's batch.
    pub(super) path: Vec<Digest>,
    row: usize,
}

/// A record that is wanted, and where it came that was not looked at yet.
pub(super) struct Wanted {
    root: Digest,
    arrivals: VecDeque<(u64, usize)>,
    why: OnwardOutcome,
}

/// A dispatch that arrived, as far as records of it are passed on.
pub(super) struct Came {
    pub(super) header: DispatchHeader,
    pub(super) envelope: Envelope,
    due: Day,
    /// This node's receipt under a checkpoint with a quorum, once there is one.
    pub(super) receipt: Option<Vec<u8>>,
}

/// Where a wish is decided.
pub(super) struct Choosing<'a> {
    pub(super) shared: &'a Shared,
    pub(super) directory: &'a Directory,
    pub(super) wish: &'a Onward,
    today: Day,
    /// Nodes that are there.
    connected: Vec<TransportKey>,
    /// By `received` entry; none where it was withdrawn.
    came: BTreeMap<u64, Option<Came>>,
}

type Chosens = BTreeMap<Sort, Vec<(Chosen, Wanted)>>;

/// A record whose arrival was decided on: who wants it, and its place there.
type Picked = (Wanted, usize);

impl Wanted {
    /// It does not go from there. That no quorum covers a receipt yet outweighs other reasons, since it changes.
    pub(super) fn denied(&mut self, why: OnwardOutcome) {
        if !matches!(self.why, OnwardOutcome::Unwitnessed { .. }) {
            self.why = why;
        }
    }
}

impl Chosen {
    pub(super) fn outcome(&self, sort: &Sort) -> OnwardOutcome {
        let groups = GroupSet(sort.view).names(self.table).into_iter().map(str::to_owned).collect();
        let agreement = sort.agreement.0.to_string();
        OnwardOutcome::Passed { from: sort.issuer.clone(), agreement, row: self.row, groups }
    }
}

impl<'a> Choosing<'a> {
    pub(super) fn new(shared: &'a Shared, directory: &'a Directory, wish: &'a Onward, today: Day) -> Self {
        Self { shared, directory, wish, today, connected: shared.net.connected(), came: BTreeMap::new() }
    }

    /// Each record of the wish with where it came.
    pub(super) fn wanted(&self) -> Result<Vec<Wanted>, StoreError> {
        let wanted = |root: &Digest| {
            let why = OnwardOutcome::Refused { reason: "this node did not receive it".into() };
            Ok(Wanted { root: *root, arrivals: self.shared.store.arrivals(root)?.into(), why })
        };
        self.wish.roots.iter().map(wanted).collect()
    }

    /// The newest of the dispatches from which the wish would be served first.
    pub(super) fn newest(&mut self) -> Result<Option<u64>, DriverError> {
        let mut newest = None;
        for mut wanted in self.wanted()? {
            while let Some((entry, _)) = wanted.arrivals.pop_front() {
                if self.decide(entry)?.is_ok() {
                    newest = newest.max(Some(entry));
                    break;
                }
            }
        }
        Ok(newest)
    }

    /// For each wanted record the next view that may be passed on. What was passed on before, and what goes from nowhere, has its outcome.
    pub(super) fn choose(
        &mut self,
        wanted: &mut Vec<Wanted>,
        outcomes: &mut BTreeMap<Digest, OnwardOutcome>,
    ) -> Result<Chosens, DriverError> {
        let mut chosen = Chosens::new();
        while !wanted.is_empty() {
            let mut picked: BTreeMap<u64, Vec<Picked>> = BTreeMap::new();
            for wanted in wanted.drain(..) {
                self.pick(wanted, &mut picked, outcomes)?;
            }
            // The content of one dispatch at a time, of which only what goes is kept.
            for (entry, picked) in picked {
                self.read(entry, picked, &mut chosen, wanted, outcomes)?;
            }
        }
        Ok(chosen)
    }

    /// The next arrival of a record from which it may go.
    fn pick(
        &mut self,
        mut wanted: Wanted,
        picked: &mut BTreeMap<u64, Vec<Picked>>,
        outcomes: &mut BTreeMap<Digest, OnwardOutcome>,
    ) -> Result<(), DriverError> {
        let root = wanted.root;
        while let Some((entry, place)) = wanted.arrivals.pop_front() {
            let sort = match self.decide(entry)? {
                Ok((sort, _)) => sort,
                Err(reason) => {
                    wanted.denied(OnwardOutcome::Refused { reason });
                    continue;
                }
            };
            if let Some((recipient, number)) = self.passed_before(&root, GroupSet(sort.view))? {
                outcomes.insert(root, OnwardOutcome::Already { recipient, number });
                return Ok(());
            }
            if let Some(reason) = self.unwitnessed(entry)? {
                wanted.denied(OnwardOutcome::Unwitnessed { reason });
                continue;
            }
            picked.entry(entry).or_default().push((wanted, place));
            return Ok(());
        }
        outcomes.insert(root, wanted.why);
        Ok(())
    }

    /// Takes what was picked out of the content of its dispatch; what is not there any more is wanted again.
    fn read(
        &self,
        entry: u64,
        picked: Vec<Picked>,
        chosen: &mut Chosens,
        again: &mut Vec<Wanted>,
        outcomes: &mut BTreeMap<Digest, OnwardOutcome>,
    ) -> Result<(), DriverError> {
        let Some(Some(came)) = self.came.get(&entry) else { return Ok(()) };
        let views = self.shared.store.payload(entry)?;
        let tree = self.tree(entry, &views)?;
        let views: BTreeMap<usize, &RecordView> = views.iter().map(|(place, _, view)| (*place, view)).collect();
        for (mut wanted, place) in picked {
            let root = wanted.root;
            let view = views.get(&place).ok_or("its content is no longer here");
            let found = view.and_then(|view| {
                let tree = tree.as_ref().ok_or("the roots of its batch are not all here, so its place is not shown")?;
                Ok((*view, tree.path(place).ok_or("it is not in its batch")?))
            });
            // What it shows may leave less.
            let found = found.map_err(str::to_owned).and_then(|(view, path)| {
                let (sort, row) = self.decide_on(&came.header, Some(view))?;
                Ok((view, path, sort, row))
            });
            match found {
                Ok((view, path, sort, row)) => {
                    if let Some((recipient, number)) = self.passed_before(&root, GroupSet(sort.view))? {
                        outcomes.insert(root, OnwardOutcome::Already { recipient, number });
                        continue;
                    }
                    let kept = PassedRecord::new(root, (entry, place), view);
                    let table = view.header.table;
                    let view = view.cut(GroupSet(sort.view)).to_cbor();
                    let record = Chosen { root, table, view, kept, path, row };
                    chosen.entry(sort).or_default().push((record, wanted));
                }
                Err(why) => {
                    wanted.denied(OnwardOutcome::Refused { reason: why });
                    again.push(wanted);
                }
            }
        }
        Ok(())
    }

    /// The batch in which a dispatch came; `None` where the roots here do not lead to its root.
    fn tree(&self, entry: u64, views: &[(usize, Digest, RecordView)]) -> Result<Option<BatchTree>, DriverError> {
        let Some(Some(came)) = self.came.get(&entry) else { return Ok(None) };
        let Some(row) = self.shared.store.received(&came.header.channel, came.header.number)? else { return Ok(None) };
        let mut all = row.absent().map_err(|e| damaged(entry, &e))?;
        all.extend(views.iter().map(|(place, root, _)| (*place, *root)));
        let (roots, batch): (Vec<Digest>, _) = (all.into_values().collect(), &came.header.batch.header);
        let whole = roots.len() == batch.count && batch_root(&roots) == batch.root;
        Ok(whole.then(|| BatchTree::new(&roots)))
    }

    /// What records that came so would go as, and under which row; or why they may not.
    fn decide(&mut self, entry: u64) -> Result<Result<(Sort, usize), String>, DriverError> {
        if !self.came.contains_key(&entry) {
            if self.came.len() >= MAX_LOOKED_AT {
                return Ok(Err(format!(
                    "the records came in more than {MAX_LOOKED_AT} dispatches\nhint: pass fewer on at once"
                )));
            }
            let read = self.read_row(entry)?;
            self.came.insert(entry, read);
        }
        let Some(Some(came)) = self.came.get(&entry) else { return Ok(Err("what came with it was withdrawn".into())) };
        let (header, due) = (&came.header, came.due);
        if self.today > due {
            let issuer = header.channel.sender.member();
            return Ok(Err(format!("what came as number {} of {issuer} was to be erased by {due}", header.number)));
        }
        Ok(self.decide_on(header, None))
    }

    fn decide_on(&self, header: &DispatchHeader, view: Option<&RecordView>) -> Result<(Sort, usize), String> {
        let is_up = |node: &KnownNode| self.connected.contains(&self.shared.net.way_to(node));
        decide(self.directory, &self.shared.me.member(), self.wish, header, view, self.today, &is_up)
    }

    /// The dispatch that has this `received` entry; `None` where it was withdrawn.
    fn read_row(&self, entry: u64) -> Result<Option<Came>, StoreError> {
        let store = &self.shared.store;
        let skeleton = store.skeleton(entry)?.filter(|skeleton| skeleton.kind == EntryKind::Received);
        let skeleton = skeleton.ok_or_else(|| damaged(entry, &"it is no received dispatch"))?;
        let row = store.received(&skeleton.channel, skeleton.number)?;
        let row = row.ok_or_else(|| damaged(entry, &"its row is not there"))?;
        let Arrival::Dispatch(envelope) = row.arrival else { return Ok(None) };
        let header = DispatchHeader::from_cbor(&envelope.header).map_err(|e| damaged(entry, &e))?;
        Ok(Some(Came { header, envelope, due: skeleton.due, receipt: None }))
    }

    /// Why what came so cannot be proven yet. Keeps the proof where it can.
    fn unwitnessed(&mut self, entry: u64) -> Result<Option<String>, DriverError> {
        let Some(Some(came)) = self.came.get_mut(&entry) else { return Ok(None) };
        if came.receipt.is_none() {
            let Some(mut proof) = witnessed_proof(self.shared, entry)? else {
                return Ok(Some(format!(
                    "no quorum has cosigned this node's receipt for number {} of {} yet; ask again later",
                    came.header.number, came.header.channel.sender
                )));
            };
            proof.extra = self.shared.store.opening(entry)?.map(|opening| opening.to_cbor());
            came.receipt = Some(proof.to_bytes());
        }
        Ok(None)
    }

    /// Where a chosen record came.
    pub(super) fn origin(&self, record: &Chosen) -> Option<&Came> {
        self.came.get(&record.kept.came.0)?.as_ref()
    }

    /// The dispatch by which a record went to this member for this purpose before, showing as much.
    fn passed_before(&self, root: &Digest, view: GroupSet) -> Result<Option<(NodeRef, u64)>, StoreError> {
        let before = self.shared.store.passed_on(root)?.into_iter().find(|passed| {
            let header = &passed.delivery.header;
            let outcome = passed.delivery.receipt.as_ref().map(|(_, body)| &body.outcome);
            header.channel.recipient.member() == self.wish.to
                && header.purpose == self.wish.purpose
                && view.within(header.view)
                && went(outcome, passed.withdrawn, passed.place)
        });
        Ok(before.map(|passed| (passed.delivery.header.channel.recipient, passed.delivery.header.number)))
    }
}

fn damaged(entry: u64, error: &dyn std::fmt::Display) -> StoreError {
    StoreError::Damaged { what: format!("the dispatch of entry {entry}"), error: error.to_string() }
}
