//! The life of one item, and the queue of referrals, from what this node holds: own records, and views of others'.
//!
//! Reading only: records are looked up under the names that belong to the item until none is left. What they mean together is
//! [`luxor_protocol::life`]'s. Views of different purposes are joined only for whoever names these purposes.

use std::collections::{BTreeMap, BTreeSet};

use luxor_protocol::api::{AlarmLine, LifeReport, QueuedReferral, SignatureMark, UseLine};
use luxor_protocol::exchange::Outcome;
use luxor_protocol::hash::Digest;
use luxor_protocol::life::{Closure, Held, ItemKey, Life, Lodged, LodgedWith, Name, Shown, Terms, names_of};
use luxor_protocol::limits::MAX_LIFE_HELD;
use luxor_protocol::names::{MemberId, MemberKind, Purpose, Territory};
use luxor_protocol::record::{Content, RecordView, reference_name};
use luxor_protocol::time::Millis;

use super::Shared;
use super::logs::{mark, witnessed_at};
use crate::store::{Found, StoreError, StoredDelivery};

/// Items that one look at the queue of referrals judges.
const MAX_QUEUED: usize = 1_000;

/// Why no life is told.
#[derive(Debug, thiserror::Error)]
pub enum LifeError {
    /// Nothing here names the item.
    #[error("no record here names '{0}'\nhint: what is erased, or was never shown to this member, is not found")]
    Unknown(String),
    /// The number is that of several items.
    #[error("'{id}' is the number of several items: {}\nhint: name its scheme, issuer or posting day", items.join(", "))]
    Several {
        /// The number.
        id: String,
        /// The items.
        items: Vec<String>,
    },
    /// Views of different purposes, and nobody said which may be joined.
    #[error(
        "what is held of it came for {}\nhint: name the purposes whose views may be looked at together",
        purposes.iter().map(|purpose| purpose.word()).collect::<Vec<_>>().join(", ")
    )]
    Purposes {
        /// All of them.
        purposes: BTreeSet<Purpose>,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The life of an item, as views for these purposes and own records tell it; without any purpose, all views, if they came for one.
///
/// # Errors
/// [`LifeError`].
pub fn life(
    shared: &Shared,
    asked: &ItemKey,
    purposes: &BTreeSet<Purpose>,
    now: Millis,
) -> Result<LifeReport, LifeError> {
    let mut holdings = Holdings::new(shared);
    holdings.look(&Name::Item(asked.item.clone()))?;
    let key = holdings.item(asked)?;
    let report = holdings.life(&key, purposes, now)?;
    Ok(report)
}

/// Referrals that are not closed, issued or received here, the one with the nearest deadline first, each with the alarms of its item.
///
/// # Errors
/// [`LifeError`].
pub fn referrals(shared: &Shared, purposes: &BTreeSet<Purpose>, now: Millis) -> Result<Vec<QueuedReferral>, LifeError> {
    let mut all = Holdings::new(shared);
    let found = shared.store.listed("referral")?;
    all.take(&found)?;
    // Without any purpose, that for which the referrals came: what waits is then seen as they see it.
    let purposes = &all.may_join(purposes)?;
    let mut items: BTreeSet<ItemKey> = BTreeSet::new();
    for held in all.held() {
        let named = names_of(&held).into_iter().filter_map(|name| match name {
            Name::Item(item) => Some(ItemKey { item, posted_on: None }),
            _ => None,
        });
        items.extend(named);
    }
    let mut queue: Vec<QueuedReferral> = Vec::new();
    for item in items.into_iter().take(MAX_QUEUED) {
        let mut holdings = Holdings::new(shared);
        let report = holdings.life(&item, purposes, now)?;
        for referral in report.referrals {
            let of_it = |alarm: &&AlarmLine| alarm.records.first() == Some(&referral.by.root);
            let alarms: Vec<_> = report.alarms.iter().filter(of_it).cloned().collect();
            if referral.state.waits() || !alarms.is_empty() {
                queue.push(QueuedReferral { item: item.item.to_string(), referral, alarms });
            }
        }
    }
    queue.sort_by(|a, b| {
        let key = |queued: &QueuedReferral| (queued.referral.deadline.is_none(), queued.referral.deadline.clone());
        key(a).cmp(&key(b)).then_with(|| a.item.cmp(&b.item))
    });
    Ok(queue)
}

/// A record that was loaded.
struct Loaded {
    root: Digest,
    issuer: MemberId,
    kind: MemberKind,
    territory: Territory,
    lodged: Lodged,
    /// To whom an own record went.
    lodged_with: Vec<LodgedWith>,
    terms: Option<(String, Purpose)>,
    mark: Option<SignatureMark>,
    supersedes: Option<Digest>,
    what: What,
}

enum What {
    Own(Content),
    View(RecordView),
}

/// Records by the place where they stand, loaded once each.
struct Holdings<'s> {
    shared: &'s Shared,
    own: BTreeMap<(u64, usize), Option<Loaded>>,
    received: BTreeMap<(u64, usize), Option<Loaded>>,
    /// What was left out, for people.
    cut: BTreeSet<String>,
}

impl<'s> Holdings<'s> {
    fn new(shared: &'s Shared) -> Self {
        Self { shared, own: BTreeMap::new(), received: BTreeMap::new(), cut: BTreeSet::new() }
    }

    /// Loads the records under a name.
    fn look(&mut self, name: &Name) -> Result<(), StoreError> {
        let store = &self.shared.store;
        let found = match name {
            Name::Item(item) => store.find(&item.id)?,
            Name::Unit(unit) => store.find(&unit.id)?,
            Name::Order(_, number) => store.find(number)?,
            Name::Payment(reference)
            | Name::Referral(reference)
            | Name::Registration(reference)
            | Name::Declaration(_, reference) => store.find(reference)?,
            // There are few of them, and their issuer is no name in them.
            Name::Outages(_) => store.listed("notice")?,
        };
        self.take(&found)
    }

    fn take(&mut self, found: &Found) -> Result<(), StoreError> {
        for at in &found.own {
            if self.room() && !self.own.contains_key(at) {
                let loaded = self.load_own(*at)?;
                self.own.insert(*at, loaded);
            }
        }
        for at in &found.received {
            if self.room() && !self.received.contains_key(at) {
                let loaded = self.load_received(*at)?;
                self.received.insert(*at, loaded);
            }
        }
        Ok(())
    }

    fn room(&mut self) -> bool {
        let room = self.own.len() + self.received.len() < MAX_LIFE_HELD;
        if !room {
            self.cut.insert(format!("records: more than {MAX_LIFE_HELD}"));
        }
        room
    }

    fn load_own(&mut self, (batch, place): (u64, usize)) -> Result<Option<Loaded>, StoreError> {
        let store = &self.shared.store;
        let Some(record) = store.record(batch, place)? else { return Ok(None) };
        // The first dispatch that carries it tells when it left; only its recipient's log proves when it came there.
        let deliveries = store.deliveries(batch)?;
        let sent = deliveries.iter().map(|delivery| delivery.header.sent_at).min().unwrap_or(Millis(0));
        let lodged_with = self.lodged_with(&deliveries, place)?;
        let issuer = record.header().issuer.clone();
        let Some((kind, territory)) = self.member(&issuer) else { return Ok(None) };
        Ok(Some(Loaded {
            root: record.root(),
            issuer,
            kind,
            territory,
            lodged: Lodged {
                claimed: Some(sent),
                entered: sent,
                proven: lodged_with.iter().filter_map(|with| with.proven).min(),
            },
            lodged_with,
            terms: None,
            mark: None,
            supersedes: record.header().supersedes,
            what: What::Own(record.content().clone()),
        }))
    }

    /// To whom a record of a batch went, each with the time that its witnessed receipt proves. Who rejected it, or was told that it is
    /// withdrawn, does not have it.
    fn lodged_with(&mut self, deliveries: &[StoredDelivery], place: usize) -> Result<Vec<LodgedWith>, StoreError> {
        let mut with = Vec::with_capacity(deliveries.len());
        for StoredDelivery { header, receipt } in deliveries {
            let (channel, number) = (&header.channel, header.number);
            let member = channel.recipient.member();
            let Some((kind, territory)) = self.member(&member) else { continue };
            let taken = match receipt {
                Some((_, body)) => match &body.outcome {
                    Outcome::Taken(rejected) => rejected.iter().all(|rejection| rejection.record != place),
                    Outcome::Refused(_) | Outcome::Withdrawn => false,
                },
                None => false,
            };
            let seconds = if taken { self.shared.store.witnessed_dispatch(channel, number)? } else { None };
            let proven = seconds.map(|seconds| Millis(seconds.saturating_mul(1_000)));
            with.push(LodgedWith { member, kind, territory, proven });
        }
        Ok(with)
    }

    fn load_received(&mut self, (entry, place): (u64, usize)) -> Result<Option<Loaded>, StoreError> {
        let shared = self.shared;
        let Some((root, view)) = shared.store.view(entry, place)? else { return Ok(None) };
        let damaged = |error: &dyn std::fmt::Display| StoreError::Damaged {
            what: format!("the received row of entry {entry}"),
            error: error.to_string(),
        };
        let skeleton = shared.store.skeleton(entry)?.ok_or_else(|| damaged(&"not there"))?;
        let (channel, number) = (&skeleton.channel, skeleton.number);
        let row = shared.store.received(channel, number)?.ok_or_else(|| damaged(&"not there"))?;
        let Some(header) = row.header()? else { return Ok(None) };
        let issuer = view.header.issuer.clone();
        let Some((kind, territory)) = self.member(&issuer) else { return Ok(None) };
        Ok(Some(Loaded {
            root,
            issuer,
            kind,
            territory,
            lodged: Lodged { claimed: Some(header.sent_at), entered: row.at, proven: witnessed_at(shared, entry)? },
            lodged_with: Vec::new(),
            terms: Some((header.agreement.to_string(), header.purpose)),
            mark: mark(shared, entry, &channel.sender, &row.arrival)?,
            supersedes: view.header.supersedes,
            what: What::View(view),
        }))
    }

    /// Kind and territory of a member; who has left the network since is told as left out.
    fn member(&mut self, id: &MemberId) -> Option<(MemberKind, Territory)> {
        let directory = self.shared.directory();
        let member = directory.charter().member(id).map(|member| (member.kind, member.territory));
        if member.is_none() {
            self.cut.insert(format!("records of {id}, who is no member any more"));
        }
        member
    }

    fn held(&self) -> Vec<Held<'_>> {
        let loaded = self.own.values().chain(self.received.values()).flatten();
        let held = loaded.map(|loaded| Held {
            root: loaded.root,
            issuer: &loaded.issuer,
            kind: loaded.kind,
            territory: loaded.territory,
            lodged: loaded.lodged,
            lodged_with: &loaded.lodged_with,
            terms: loaded.terms.as_ref().map(|(agreement, purpose)| Terms { agreement, purpose: *purpose }),
            mark: loaded.mark,
            supersedes: loaded.supersedes,
            shown: match &loaded.what {
                What::Own(content) => Shown::Own(content),
                What::View(view) => Shown::View(view),
            },
        });
        held.collect()
    }

    /// The item that is asked for, with scheme and issuer where only one item has the number.
    fn item(&self, asked: &ItemKey) -> Result<ItemKey, LifeError> {
        let wanted = reference_name(&asked.item.id);
        let mut items = BTreeSet::new();
        for held in self.held() {
            items.extend(names_of(&held).into_iter().filter_map(|name| match name {
                Name::Item(item) if reference_name(&item.id) == wanted => Some(item),
                _ => None,
            }));
        }
        let mut found: Vec<_> = items.into_iter().collect();
        if let Some(at) = found.iter().position(|item| *item == asked.item) {
            return Ok(ItemKey { item: found.swap_remove(at), posted_on: asked.posted_on });
        }
        match (found.pop(), found.is_empty()) {
            (Some(item), true) => Ok(ItemKey { item, posted_on: asked.posted_on }),
            (None, _) => Err(LifeError::Unknown(asked.item.id.clone())),
            (Some(last), false) => {
                found.push(last);
                Err(LifeError::Several {
                    id: asked.item.id.clone(),
                    items: found.iter().map(ToString::to_string).collect(),
                })
            }
        }
    }

    /// Those purposes if any is named, else the only one of what is loaded.
    fn may_join(&self, purposes: &BTreeSet<Purpose>) -> Result<BTreeSet<Purpose>, LifeError> {
        if !purposes.is_empty() {
            return Ok(purposes.clone());
        }
        let all = self.received.values().flatten().filter_map(|loaded| loaded.terms.as_ref());
        let all: BTreeSet<Purpose> = all.map(|(_, purpose)| *purpose).collect();
        if all.len() > 1 { Err(LifeError::Purposes { purposes: all }) } else { Ok(all) }
    }

    /// How the uses of numbers stand that received declarations of the item tell of.
    fn uses(&self, key: &ItemKey, now: Millis) -> Vec<UseLine> {
        let wanted = reference_name(&key.item.id);
        let views = self.received.iter().filter_map(|((entry, _), loaded)| match loaded.as_ref()? {
            Loaded { root, lodged, what: What::View(view), .. } => {
                Some(super::trust::uses_in(self.shared, view, *root, (*entry, lodged.entered), now))
            }
            Loaded { what: What::Own(_), .. } => None,
        });
        views.flatten().filter(|line| reference_name(&line.item) == wanted).collect()
    }

    fn life(&mut self, key: &ItemKey, purposes: &BTreeSet<Purpose>, now: Millis) -> Result<LifeReport, LifeError> {
        let mut looked: BTreeSet<Name> = BTreeSet::new();
        let mut missing = BTreeSet::from([Name::Item(key.item.clone())]);
        // Each round looks up something new, of which there is a limited number.
        while !missing.is_empty() {
            for name in missing {
                self.look(&name)?;
                looked.insert(name);
            }
            let joined = self.may_join(purposes)?;
            missing = Closure::of(key, &self.held(), &joined).missing(&looked);
        }
        let joined = self.may_join(purposes)?;
        let held = self.held();
        let life = Life::of(Closure::of(key, &held, &joined), now, &self.shared.rules.life);
        let immediate = life.immediate(|table| self.shared.rules.checker(table));
        let uses = self.uses(key, now);
        let mut report = LifeReport { immediate, uses, ..life.report() };
        report.cut.extend(self.cut.iter().cloned());
        Ok(report)
    }
}
