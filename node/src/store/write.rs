//! Writes as typed data, and how they become rows.

use std::collections::BTreeSet;
use std::sync::Arc;

use luxor_protocol::cbor::Encode;
use luxor_protocol::exchange::{Arrival, Channel, Envelope, Opening, Withdrawal};
use luxor_protocol::hash::Digest;
use luxor_protocol::reconciliation::{CosignedStatement, Difference};
use luxor_protocol::record::{Attachment, Names};
use luxor_protocol::time::{Day, Millis};
use luxor_protocol::tlog::{CompletedTile, Frontier, Hash};
use rocksdb::WriteBatch;

use super::columns::{
    DeletionTag, META_ATTACHED, META_PEERS, META_TOTALS, META_TREE, Tag, Under, WindowTag, cf, channel_meta_key,
    deletion_key, delivery_key, dispatch_key, document_meta_key, due_key, index_key, out_meta_key, place, receipt_key,
    settled_key, statement_key, submission_key, tile_key, under_key, window_key,
};
use super::deletions::DeletedRow;
use super::deposits::{GivenRow, KeptRow, WaitingDeposit};
use super::erase::Erasing;
use super::open::{Store, StoreError, tree_row};
use super::repairs::RepairKey;
use super::rows::{ChannelRow, ErasedTotals, OutRow, ReceiptRow, ReceivedRow, SentRow, SourceRow, Totals};
use super::stands::{ComparedRow, StandRow, StatementRow};
use crate::keyring::{DataKey, Sealed};

/// A record and what finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexedRecord {
    /// Its root.
    pub root: Digest,
    /// Its place in the dispatch or batch, from 0.
    pub place: usize,
    /// Index keys of the identifiers that lead to it.
    pub references: Vec<Digest>,
}

/// A record and the identifiers that lead to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedRecord {
    /// Its root.
    pub root: Digest,
    /// Its place in the dispatch or batch, from 0.
    pub place: usize,
    /// What leads to it; parties of own records only.
    pub names: Names,
    /// The files that it names.
    pub attachments: Vec<Attachment>,
}

impl NamedRecord {
    /// What finds it while the data key of its bucket lives.
    pub fn indexed(&self, key: &DataKey) -> IndexedRecord {
        let references = identifiers(true, key, &self.names, &self.attachments);
        IndexedRecord { root: self.root, place: self.place, references }
    }
}

/// The index keys of what leads to a record: also from the files that it names, and of own ones from parties.
pub fn identifiers(own: bool, key: &DataKey, names: &Names, attachments: &[Attachment]) -> Vec<Digest> {
    let files: BTreeSet<Digest> = attachments.iter().map(|attachment| attachment.digest).collect();
    let files = files.iter().map(|file| key.attachment(file));
    let references = names.references.iter().map(|reference| key.reference(reference));
    let parties = names.parties.iter().filter(|_| own).map(|party| key.party(party));
    let listed = names.listed.iter().map(|name| key.listed(name));
    references.chain(parties).chain(listed).chain(files).collect()
}

/// One thing to be written. `entry` is a position in the entries of the same commit; the sequencer makes an index of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    /// The answer to a submitted chunk.
    Submission {
        /// Name of the submission.
        submission: String,
        /// Number of the chunk.
        chunk: u64,
        /// The answer, a [`super::SubmissionRow`].
        row: Sealed,
    },
    /// Own records of one batch.
    Records {
        /// The first `sent` entry of the batch.
        entry: usize,
        /// What finds them.
        records: Vec<IndexedRecord>,
        /// A list of byte strings, each header, seed and content.
        stored: Sealed,
        /// The dispatches that carry them.
        dispatches: Vec<(Channel, u64)>,
        /// By which submission they came, for each dispatch as [`super::Store::seal_submitted`] gives it; nothing where nobody submitted them now.
        submitted: Vec<Vec<u8>>,
        /// Whether they are stored already, and go to another node of their recipient.
        again: bool,
    },
    /// Records of others that a dispatch passes on.
    PassedOn {
        /// Its `sent` entry.
        entry: usize,
        /// What finds them.
        records: Vec<IndexedRecord>,
        /// What is kept of them, as [`super::passed_on_row`] gives it.
        stored: Sealed,
    },
    /// A dispatch to be sent.
    Sent {
        /// Its channel.
        channel: Channel,
        /// Its number.
        number: u64,
        /// Its `sent` entry.
        entry: usize,
        /// Header and signature.
        envelope: Envelope,
        /// The request as it goes out.
        request: Arc<Vec<u8>>,
    },
    /// A receipt that settles a dispatch.
    Settled {
        /// Its channel.
        channel: Channel,
        /// Its number.
        number: u64,
        /// Its `receipt` entry.
        entry: usize,
        /// Index in the recipient's log.
        recipient_entry: u64,
        /// The tlog-proof.
        proof: Vec<u8>,
        /// The day on which it came.
        settled_on: Day,
        /// Origin of the recipient's log.
        origin: String,
        /// The highest contiguous number that receipts under it name.
        confirmed: u64,
        /// What stands at the number from then on.
        stand: StandRow,
    },
    /// A withdrawal takes the place of a dispatch.
    Withdrawn {
        /// Its channel.
        channel: Channel,
        /// Its number.
        number: u64,
        /// Index of its `sent` entry.
        sent_entry: u64,
        /// The dispatch's header and signature.
        envelope: Envelope,
        /// The withdrawal.
        withdrawal: Withdrawal,
        /// The request as it goes out now.
        request: Vec<u8>,
    },
    /// A settled dispatch waits for another receipt.
    Resent {
        /// Its channel.
        channel: Channel,
        /// Its number.
        number: u64,
        /// Bytes of its request.
        bytes: u64,
    },
    /// A dispatch that arrived.
    Received {
        /// Its channel.
        channel: Channel,
        /// Its number.
        number: u64,
        /// Its `received` entry.
        entry: usize,
        /// When it was taken, by this node's clock.
        at: Millis,
        /// The dispatch's header and signature, or its withdrawal.
        arrival: Arrival,
        /// The encoded receipt body.
        body: Vec<u8>,
        /// The accepted views; absent when refused.
        payload: Option<Sealed>,
        /// What finds the accepted records.
        records: Vec<IndexedRecord>,
        /// Roots of the others.
        rejected: Vec<Digest>,
        /// What came with records that were passed on.
        source: Option<Vec<u8>>,
        /// The channel's tree after it.
        tree: Frontier,
        /// The sender signed that it holds receipts up to this.
        held: u64,
        /// What stands at the number from then on.
        stand: StandRow,
    },
    /// Content is gone, or written anew under another key.
    Erased(Box<Erasing>),
    /// The sender in a channel is owed the word that something of it is erased.
    DeletionOwed {
        /// The channel.
        channel: Channel,
        /// Its `erased` entry.
        entry: usize,
    },
    /// It took that word.
    DeletionTold {
        /// The channel.
        channel: Channel,
        /// Index of the `erased` entry.
        entry: u64,
    },
    /// A recipient's word that something is erased there.
    Deleted {
        /// The channel.
        channel: Channel,
        /// Index of the `erased` entry in the recipient's log.
        entry: u64,
        /// The tlog-proof.
        proof: Vec<u8>,
        /// What it says of each dispatch, by number.
        dispatches: Vec<(u64, DeletedRow)>,
    },
    /// A hold begins.
    Hold {
        /// Its number.
        hold: u64,
        /// What is held and why, a [`super::HoldRow`].
        row: Sealed,
    },
    /// A hold ends.
    Released {
        /// Its number.
        hold: u64,
        /// The number of the key that its row is under.
        key: u64,
    },
    /// A refused record waits, or what became of it.
    Repair {
        /// Its row.
        key: RepairKey,
        /// A [`super::RepairRow`].
        row: Sealed,
        /// The row in whose place it comes.
        instead_of: Option<RepairKey>,
    },
    /// How far an attached file is.
    Attached {
        /// Its digest.
        digest: Digest,
        /// A [`super::AttachedRow`].
        row: Sealed,
        /// The number of the key under which its row stood.
        before: Option<u64>,
    },
    /// It was looked at up to this `received` entry whether files are to be fetched.
    FetchedUpTo(u64),
    /// Verdicts so far.
    Totals(Totals),
    /// What this node holds of others' logs was recorded.
    Peers {
        /// Its `peers` entry.
        entry: usize,
    },
    /// A statement about a window of a channel is to be proposed to its recipient.
    Proposed {
        /// The own channel.
        channel: Channel,
        /// The encoded proposal; nothing where it is given up.
        proposal: Option<Vec<u8>>,
    },
    /// A statement that both sides signed.
    Statement {
        /// The channel.
        channel: Channel,
        /// The last number of its window.
        number: u64,
        /// Its `statement` entry.
        entry: usize,
        /// The statement with both signatures.
        cosigned: CosignedStatement,
        /// Every difference.
        differences: Vec<Difference>,
    },
    /// What a comparison about a channel found.
    Compared {
        /// The channel.
        channel: Channel,
        /// What it found; nothing where both sides have the same.
        row: Option<Box<ComparedRow>>,
    },
    /// A dispatch between two others is deposited here.
    Kept {
        /// Its channel.
        channel: Channel,
        /// Its number.
        number: u64,
        /// Its `deposited` entry.
        entry: usize,
        /// Header and signature.
        envelope: Envelope,
        /// What is sealed to its recipient.
        sealed: Vec<u8>,
    },
    /// Recipients have these.
    KeptTaken(Vec<WaitingDeposit>),
    /// A third member's receipt for an own dispatch that was deposited with it.
    Given {
        /// Its channel.
        channel: Channel,
        /// Its number.
        number: u64,
        /// The receipt.
        row: GivenRow,
    },
    /// A document was admitted.
    Document {
        /// Its digest.
        document: Digest,
        /// Its `document` entry.
        entry: usize,
    },
}

impl Write {
    /// Roughly how many bytes it adds to its commit.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Records { stored, records, .. } | Self::PassedOn { stored, records, .. } => {
                stored.bytes.len() + 200 + records.len() * 150
            }
            Self::Sent { request, .. } => request.len() + 1_000,
            Self::Settled { proof, .. } => proof.len() + 200,
            Self::Received { payload, records, source, .. } => {
                let payload = payload.as_ref().map_or(0, |payload| payload.bytes.len());
                payload + source.as_ref().map_or(0, Vec::len) + 1_100 + records.len() * 150
            }
            Self::Submission { row, .. } | Self::Attached { row, .. } | Self::Repair { row, .. } => {
                row.bytes.len() + 200
            }
            Self::Withdrawn { request, .. } => request.len() + 2_000,
            Self::Resent { .. } => 200,
            Self::Erased(erasing) => erasing.bytes(),
            Self::Hold { row, .. } => row.bytes.len() + 200,
            Self::Released { .. } | Self::DeletionOwed { .. } | Self::DeletionTold { .. } => 200,
            Self::Deleted { proof, dispatches, .. } => proof.len() + dispatches.len() * 200,
            Self::Proposed { proposal, .. } => proposal.as_ref().map_or(0, Vec::len) + 200,
            Self::Statement { differences, .. } => 4_000 + differences.len() * 160,
            Self::Compared { row, .. } => row.as_ref().map_or(0, |row| row.bytes()) + 200,
            Self::Kept { sealed, .. } => sealed.len() + 1_500,
            Self::KeptTaken(taken) => taken.len() * 400,
            Self::Given { row, .. } => row.proof.len() + 300,
            Self::Totals(_) | Self::Peers { .. } | Self::Document { .. } | Self::FetchedUpTo(_) => 100,
        }
    }
}

impl Store {
    /// An empty batch with room for so many bytes.
    pub(crate) fn batch(bytes: usize) -> WriteBatch {
        WriteBatch::with_capacity_bytes(bytes)
    }

    /// Adds a commit's rows to a batch. `first` is the index of its first entry.
    pub(crate) fn stage(&self, batch: &mut WriteBatch, writes: Vec<Write>, first: u64) {
        let index = |entry: usize| first + entry as u64;
        for write in writes {
            match write {
                Write::Submission { submission, chunk, row } => {
                    self.stage_under(batch, Under::Answer, &submission_key(&submission, chunk), &row);
                }
                Write::Records { entry, records, stored, dispatches, submitted, again } => {
                    let entry = index(entry);
                    if again {
                        let answered = records.len() as u64;
                        self.stage_totals(batch, &ErasedTotals { answered, ..ErasedTotals::default() });
                    }
                    self.stage_under(batch, Under::Records, &entry.to_be_bytes(), &stored);
                    self.stage_index(batch, Tag::OwnRoot, Tag::OwnReference, entry, &records);
                    for (at, (channel, number)) in dispatches.iter().enumerate() {
                        let key = delivery_key(entry, &dispatch_key(channel, *number));
                        let submitted = submitted.get(at).map(Vec::as_slice).unwrap_or_default();
                        batch.put_cf(self.cf(cf::INDEX), key, submitted);
                    }
                }
                Write::PassedOn { entry, records, stored } => {
                    let entry = index(entry);
                    self.stage_under(batch, Under::PassedOn, &entry.to_be_bytes(), &stored);
                    self.stage_index(batch, Tag::PassedOn, Tag::PassedReference, entry, &records);
                }
                Write::Sent { channel, number, entry, envelope, request } => {
                    let key = dispatch_key(&channel, number);
                    batch.put_cf(self.cf(cf::OUTBOX), &key, (request.len() as u64).to_be_bytes());
                    batch.put_cf(self.cf(cf::SEALED), &key, request.as_slice());
                    batch.put_cf(self.cf(cf::STANDS), &key, StandRow::pending(envelope.digest()).to_cbor());
                    batch.put_cf(
                        self.cf(cf::SENT),
                        &key,
                        SentRow { entry: index(entry), envelope, withdrawal: None }.to_cbor(),
                    );
                }
                Write::Settled {
                    channel,
                    number,
                    entry,
                    recipient_entry,
                    proof,
                    settled_on,
                    origin,
                    confirmed,
                    stand,
                } => {
                    let key = dispatch_key(&channel, number);
                    batch.put_cf(self.cf(cf::STANDS), &key, stand.to_cbor());
                    let entry = index(entry);
                    let row = ReceiptRow { entry, settled_on, recipient_entry, proof };
                    batch.put_cf(self.cf(cf::RECEIPTS), receipt_key(&channel, number, entry), row.to_cbor());
                    batch.delete_cf(self.cf(cf::OUTBOX), &key);
                    batch.put_cf(self.cf(cf::SETTLED), settled_key(settled_on, &key), []);
                    batch.put_cf(self.cf(cf::META), out_meta_key(&channel), OutRow { origin, confirmed }.to_cbor());
                }
                Write::Withdrawn { channel, number, sent_entry, envelope, withdrawal, request } => {
                    let key = dispatch_key(&channel, number);
                    batch.put_cf(self.cf(cf::STANDS), &key, StandRow::withdrawn(envelope.digest()).to_cbor());
                    let row = SentRow { entry: sent_entry, envelope, withdrawal: Some(withdrawal) };
                    batch.put_cf(self.cf(cf::SENT), &key, row.to_cbor());
                    batch.put_cf(self.cf(cf::OUTBOX), &key, (request.len() as u64).to_be_bytes());
                    batch.put_cf(self.cf(cf::SEALED), &key, request.as_slice());
                }
                Write::Resent { channel, number, bytes } => {
                    batch.put_cf(self.cf(cf::OUTBOX), dispatch_key(&channel, number), bytes.to_be_bytes());
                }
                Write::Received {
                    channel,
                    number,
                    entry,
                    at,
                    arrival,
                    body,
                    payload,
                    records,
                    rejected,
                    source,
                    tree,
                    held,
                    stand,
                } => {
                    let entry = index(entry);
                    batch.put_cf(self.cf(cf::STANDS), dispatch_key(&channel, number), stand.to_cbor());
                    let row = ReceivedRow { entry, at, arrival, body, rejected, erased: Vec::new() };
                    batch.put_cf(self.cf(cf::RECEIVED), dispatch_key(&channel, number), row.to_cbor());
                    if let Some(source) = source {
                        batch.put_cf(self.cf(cf::SOURCES), entry.to_be_bytes(), SourceRow(source).to_cbor());
                    }
                    if let Some(payload) = payload {
                        self.stage_under(batch, Under::Payload, &entry.to_be_bytes(), &payload);
                    }
                    self.stage_index(batch, Tag::ReceivedRoot, Tag::ReceivedReference, entry, &records);
                    let row = ChannelRow { contiguous: tree.size(), hashes: tree.hashes().to_vec(), held };
                    batch.put_cf(self.cf(cf::META), channel_meta_key(&channel), row.to_cbor());
                }
                Write::Peers { entry } => {
                    batch.put_cf(self.cf(cf::META), META_PEERS, index(entry).to_be_bytes());
                }
                Write::Document { document, entry } => {
                    batch.put_cf(self.cf(cf::META), document_meta_key(&document), index(entry).to_be_bytes());
                }
                Write::Erased(erasing) => self.stage_erasing(batch, &erasing),
                Write::DeletionOwed { channel, entry } => {
                    let key = deletion_key(DeletionTag::Owed, &channel, 0, index(entry));
                    batch.put_cf(self.cf(cf::DELETIONS), key, []);
                }
                Write::DeletionTold { channel, entry } => {
                    batch.delete_cf(self.cf(cf::DELETIONS), deletion_key(DeletionTag::Owed, &channel, 0, entry));
                }
                Write::Deleted { channel, entry, proof, dispatches } => {
                    let family = self.cf(cf::DELETIONS);
                    batch.put_cf(family, deletion_key(DeletionTag::Word, &channel, 0, entry), proof);
                    for (number, row) in dispatches {
                        let key = deletion_key(DeletionTag::Dispatch, &channel, number, entry);
                        batch.put_cf(family, key, row.to_cbor());
                    }
                }
                Write::Hold { hold, row } => self.stage_under(batch, Under::Hold, &hold.to_be_bytes(), &row),
                Write::Released { hold, key } => {
                    let row = hold.to_be_bytes();
                    batch.delete_cf(self.cf(cf::HOLDS), row);
                    batch.delete_cf(self.cf(cf::UNDER), under_key(key, Under::Hold, &row));
                }
                Write::Attached { digest, row, before } => {
                    if let Some(before) = before {
                        batch.delete_cf(self.cf(cf::UNDER), under_key(before, Under::Attached, &digest.0));
                    }
                    self.stage_under(batch, Under::Attached, &digest.0, &row);
                }
                Write::Repair { key, row, instead_of } => {
                    self.stage_repair(batch, &key, &row, instead_of.as_ref());
                }
                Write::FetchedUpTo(entry) => batch.put_cf(self.cf(cf::META), META_ATTACHED, entry.to_be_bytes()),
                Write::Proposed { channel, proposal } => {
                    let (key, family) = (window_key(WindowTag::Proposed, &channel), self.cf(cf::WINDOWS));
                    match proposal {
                        Some(proposal) => batch.put_cf(family, key, proposal),
                        None => batch.delete_cf(family, key),
                    }
                }
                Write::Statement { channel, number, entry, cosigned, differences } => {
                    let (entry, family) = (index(entry), self.cf(cf::WINDOWS));
                    let row = StatementRow { entry, cosigned, differences };
                    batch.put_cf(family, statement_key(&channel, number, entry), row.to_cbor());
                    batch.delete_cf(family, window_key(WindowTag::Proposed, &channel));
                }
                Write::Compared { channel, row } => {
                    let (key, family) = (window_key(WindowTag::Compared, &channel), self.cf(cf::WINDOWS));
                    match row {
                        Some(row) => batch.put_cf(family, key, row.to_cbor()),
                        None => batch.delete_cf(family, key),
                    }
                }
                Write::Kept { channel, number, entry, envelope, sealed } => {
                    let row = KeptRow { entry: index(entry), envelope };
                    self.stage_deposit(batch, &channel, number, &row, &sealed);
                }
                Write::KeptTaken(taken) => taken.iter().for_each(|gone| self.stage_deposit_gone(batch, gone)),
                Write::Given { channel, number, row } => self.stage_given(batch, &channel, number, &row),
                Write::Totals(totals) => batch.put_cf(self.cf(cf::META), META_TOTALS, totals.to_cbor()),
            }
        }
    }

    fn stage_index(&self, batch: &mut WriteBatch, root: Tag, reference: Tag, entry: u64, records: &[IndexedRecord]) {
        let mut keys = Vec::with_capacity(records.len() * 3);
        for record in records {
            let place = place(entry, record.place);
            keys.push(index_key(root, &record.root, &place));
            keys.extend(record.references.iter().map(|digest| index_key(reference, digest, &place)));
        }
        // In their order, so that each is found from the one before: the memtable goes on from its last place.
        keys.sort_unstable();
        let family = self.cf(cf::INDEX);
        keys.iter().for_each(|key| batch.put_cf(family, key, []));
    }

    /// Adds a commit's entries to a batch.
    pub(crate) fn stage_entries(&self, batch: &mut WriteBatch, openings: &[Opening], first: u64) {
        for (at, opening) in openings.iter().enumerate() {
            let index = (first + at as u64).to_be_bytes();
            batch.put_cf(self.cf(cf::ENTRIES), index, opening.entry());
            batch.put_cf(self.cf(cf::OPENINGS), index, opening.to_cbor());
            // Whoever made it made its skeleton; one that cannot be read is told by the check.
            if let Ok(skeleton) = opening.read_skeleton() {
                batch.put_cf(self.cf(cf::DUE), due_key(skeleton.due, first + at as u64), []);
            }
        }
    }

    /// Writes a batch with the tree's new state, synced: after it returns, everything in it survives a power loss.
    ///
    /// # Errors
    /// [`StoreError`]; what is on disk is then unknown, and the process must end.
    pub(crate) fn write(
        &self,
        mut batch: WriteBatch,
        tiles: &[CompletedTile],
        size: u64,
        root: &Hash,
        signed: Option<(u64, &[u8])>,
    ) -> Result<(), StoreError> {
        for tile in tiles.iter().filter(|tile| tile.level > 0) {
            batch.put_cf(self.cf(cf::TILES), tile_key(tile.level, tile.index), tile.hashes.concat());
        }
        if let Some((size, note)) = signed {
            batch.put_cf(self.cf(cf::CHECKPOINTS), size.to_be_bytes(), note);
        }
        batch.put_cf(self.cf(cf::META), META_TREE, tree_row(size, root));
        self.write_synced(batch)
    }
}
