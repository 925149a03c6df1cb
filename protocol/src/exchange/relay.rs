//! What the tests and vectors of onward use share: `customs-kr` passes on to `customs-jp` what `post-de` sent it, under an agreement
//! that `customs-jp` does not have.

use super::*;
use crate::cbor::{Encode, Writer};
use crate::document::{Agreement, Directory, Document};
use crate::hash::Digest;
use crate::names::Purpose;
use crate::record::{Batch, BatchHeader, BatchTree, DECLARATION, RecordView, batch_root};
use crate::testing::{Log, NOW, Network, Party, SHOWN, Told, encode_views, set, small_record};
use crate::time::Millis;
use crate::tlog::Note;

pub(crate) const RELAY: &str = r#"
    id = "relay"
    title = "Advance data, also for the neighbour"
    instrument = "Memorandum"
    article = "7"
    controller = "post-de"
    parties = ["post-de", "customs-kr"]
    valid_from = "2026-01-01"
    valid_until = "2027-12-31"
    [[flow]]
    type = "declaration"
    version = 1
    from = ["post-de"]
    to = ["customs-kr"]
    purpose = "safety_security"
    groups = ["addressee", "classification", "content", "filing", "item", "mass", "route", "sender"]
    retention_days = 30
    [[flow.onward]]
    to = ["customs-jp"]
    purpose = "agency_control"
    groups = ["filing", "item", "route"]
    retention_days = 10
    [[flow]]
    type = "declaration"
    version = 1
    from = ["post-de"]
    to = ["customs-kr"]
    purpose = "revenue"
    groups = ["filing", "item", "route"]
    retention_days = 30
    "#;

/// Records of the issuer's batch.
pub(crate) const SENT: u64 = 5;
/// Those that are passed on, by their places there.
pub(crate) const PASSED: [usize; 3] = [0, 2, 4];
/// The groups that are passed on.
pub(crate) const ONWARD: [&str; 3] = ["filing", "item", "route"];

/// Everything of one honest passing on, each piece to be changed.
#[derive(Clone)]
pub(crate) struct Relay<'n> {
    pub(crate) net: &'n Network,
    /// Versions of the agreement.
    pub(crate) agreement: Vec<Document>,
    /// The issuer's dispatch.
    pub(crate) sent: DispatchHeader,
    /// Its envelope.
    pub(crate) envelope: Envelope,
    /// The verdict on it.
    pub(crate) outcome: Outcome,
    /// The day by which the first recipient must have erased it.
    pub(crate) due: crate::time::Day,
    /// Who cosigned the receipt's checkpoint.
    pub(crate) witnesses: Vec<&'n Party>,
    /// The dispatch that passes on.
    pub(crate) header: DispatchHeader,
    pub(crate) views: Vec<RecordView>,
    pub(crate) records: Vec<Passed>,
    /// Further dispatches in which records came.
    pub(crate) more: Vec<Origin>,
    /// When it arrives at the last recipient.
    pub(crate) now: Millis,
}

pub(crate) fn signed(net: &Network, text: &str) -> Document {
    let agreement = Agreement::from_draft(text).unwrap();
    let mut document = agreement.to_document(net.id());
    countersign(net, &mut document, &agreement);
    document
}

pub(crate) fn countersign(net: &Network, document: &mut Document, agreement: &Agreement) {
    let parties = [&net.post, &net.customs, &net.other, &net.auditor];
    for party in parties.into_iter().filter(|party| agreement.parties.contains(&party.id)) {
        document.sign(&party.id, &party.identity);
    }
}

impl<'n> Relay<'n> {
    pub(crate) fn new(net: &'n Network) -> Self {
        let agreement = signed(net, RELAY);
        let all: Vec<_> = (1..=SENT).map(|number| small_record(number).view(set(&SHOWN))).collect();
        let mut sent = net.header(&all, 1);
        (sent.agreement, sent.agreement_digest) = (agreement.id.clone(), agreement.digest());
        let dispatch = net.dispatch(&sent, &encode_views(&all));
        let roots: Vec<_> = all.iter().map(RecordView::root).collect();
        let tree = BatchTree::new(&roots);
        let records = PASSED.iter().enumerate();
        let records = records.map(|(place, at)| Passed { place, index: *at, path: tree.path(*at).unwrap() }).collect();
        let views: Vec<_> = PASSED.iter().map(|at| all[*at].cut(set(&ONWARD))).collect();
        let channel = Channel {
            sender: net.customs.node.clone(),
            recipient: net.other.node.clone(),
            epoch: 1,
            lane: Lane::Ordinary,
        };
        let mut header = DispatchHeader {
            channel,
            purpose: Purpose::AgencyControl,
            view: set(&ONWARD),
            retention_days: 10,
            source: Some(net.post.id.clone()),
            ..sent.clone()
        };
        header.batch = batch(net, &views);
        Self {
            net,
            agreement: vec![agreement],
            envelope: dispatch.envelope(),
            outcome: Outcome::Taken(Vec::new()),
            due: NOW.day().plus(30),
            witnesses: vec![&net.post, &net.other, &net.auditor],
            sent,
            header,
            views,
            records,
            more: Vec::new(),
            now: NOW,
        }
    }

    /// The agreement has these versions instead; the issuer sent under the first, and it goes on under the last.
    pub(crate) fn rest_on(&mut self, texts: &[&str]) {
        self.agreement.clear();
        for text in texts {
            let document = match self.agreement.last() {
                None => signed(self.net, text),
                Some(before) => {
                    let agreement = Agreement::from_draft(text).unwrap();
                    let mut document = agreement.to_successor(before);
                    countersign(self.net, &mut document, &agreement);
                    document
                }
            };
            self.agreement.push(document);
        }
        let first = self.agreement[0].digest();
        self.header.agreement_digest = self.agreement.last().unwrap().digest();
        self.resend(|header| header.agreement_digest = first);
    }

    /// Records of a second dispatch of the issuer, under the last version, stand before and after those of the first.
    pub(crate) fn with_second_origin(&mut self) {
        let all: Vec<_> = (SENT + 1..=SENT + 3).map(|number| small_record(number).view(set(&SHOWN))).collect();
        let mut second = self.clone();
        let last = self.header.agreement_digest;
        second.resend(|header| {
            (header.number, header.agreement_digest) = (2, last);
            header.batch = self.net.header(&all, 2).batch;
        });
        let tree = BatchTree::new(&all.iter().map(RecordView::root).collect::<Vec<_>>());
        self.records.iter_mut().for_each(|record| record.place += 1);
        self.views.insert(0, all[0].cut(set(&ONWARD)));
        self.views.push(all[2].cut(set(&ONWARD)));
        let end = self.views.len() - 1;
        let records = [(0, 0), (end, 2)];
        let records = records.map(|(place, index)| Passed { place, index, path: tree.path(index).unwrap() }).to_vec();
        self.more.push(Origin { envelope: second.envelope.clone(), receipt: second.receipt(), records });
        self.header.batch = batch(self.net, &self.views);
    }

    /// The issuer signs its dispatch and batch anew, after a change of its header.
    pub(crate) fn resend(&mut self, change: impl FnOnce(&mut DispatchHeader)) {
        change(&mut self.sent);
        let (network, post) = (self.net.id(), &self.net.post);
        self.sent.batch = Batch::sign(self.sent.batch.header.clone(), &network, &post.sign);
        self.envelope = Dispatch::sign(&network, self.sent.to_cbor(), vec![7; 64], &post.sign).envelope();
    }

    /// The skeleton of the entry about the issuer's dispatch.
    pub(crate) fn skeleton(&self) -> Skeleton {
        Skeleton {
            kind: EntryKind::Received,
            agreement: self.sent.agreement_digest,
            channel: self.sent.channel.clone(),
            number: self.sent.number,
            due: self.due,
        }
    }

    /// The receipt in the log of `customs-kr`, cosigned.
    pub(crate) fn receipt(&self) -> Vec<u8> {
        let body = ReceiptBody {
            dispatch: self.envelope.digest(),
            outcome: self.outcome.clone(),
            contiguous: 1,
            channel_root: [7; 32],
        };
        let mut log = Log::new(&self.net.customs);
        for _ in 0..3 {
            log.append(&Told { skeleton: self.skeleton(), body: body.to_cbor(), evidence: None });
        }
        log.sign();
        let (_, note) = log.notes.last_mut().unwrap();
        let mut cosigned = Note::parse(note).unwrap();
        for (at, party) in self.witnesses.iter().enumerate() {
            let time = NOW.0 / 1_000 + at as u64;
            let origin = &self.net.known(party).card.origin;
            cosigned.cosign(&witness_name(origin), party.witness_key(), time).unwrap();
        }
        *note = cosigned.to_bytes();
        log.receipt(1)
    }

    pub(crate) fn source(&self) -> Source {
        let agreement = self.agreement.iter().map(Encode::to_cbor).collect();
        let first = Origin { envelope: self.envelope.clone(), receipt: self.receipt(), records: self.records.clone() };
        Source { agreement, origins: [vec![first], self.more.clone()].concat() }
    }

    /// The content of the sealed part.
    pub(crate) fn content(&self, source: &Source) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.array(2);
        writer.raw(&encode_views(&self.views));
        source.encode(&mut writer);
        writer.into_bytes()
    }

    /// The dispatch with any content; the seal is none.
    pub(crate) fn dispatch(&self, content: &[u8]) -> Dispatch {
        let header = self.header.to_cbor();
        let packed = pack(&DispatchHeader::digest(&header), content).unwrap();
        Dispatch::sign(&self.net.id(), header, packed, &self.net.customs.sign)
    }

    /// What `customs-jp` says of a dispatch by its `directory`.
    pub(crate) fn judge(&self, directory: &Directory, dispatch: &Dispatch) -> Result<Checked<()>, Answer> {
        let peer = directory.node(&self.net.customs.node).unwrap();
        let me = &self.header.channel.recipient;
        check_dispatch(directory, me, peer, dispatch, self.now, |sealed| Some(sealed.to_vec()), |_| Ok(()))
    }
}

/// A batch of `customs-kr` over these views.
pub(crate) fn batch(net: &Network, views: &[RecordView]) -> Batch {
    let roots: Vec<Digest> = views.iter().map(RecordView::root).collect();
    let header = BatchHeader {
        node: net.customs.node.clone(),
        table: &DECLARATION,
        count: views.len(),
        root: batch_root(&roots),
        signed_at: NOW,
    };
    Batch::sign(header, &net.id(), &net.customs.sign)
}
