//! Column families and key layouts. All numbers are big-endian, so RocksDB's order is theirs.

use luxor_protocol::exchange::{Channel, Lane};
use luxor_protocol::hash::Digest;
use luxor_protocol::names::NodeRef;
use luxor_protocol::time::Day;

/// Column families, by what they hold.
pub(super) mod cf {
    /// `tree`, `node`, `totals`, `erased`, `peers`, `attached`, `document/<digest>`, `channel/<key>` of received channels, `out/<key>` of own ones.
    pub(crate) const META: &str = "meta";
    /// Index -> 33 bytes.
    pub(crate) const ENTRIES: &str = "entries";
    /// Index -> opening.
    pub(crate) const OPENINGS: &str = "openings";
    /// Size -> signed checkpoint.
    pub(crate) const CHECKPOINTS: &str = "checkpoints";
    /// Tile level and index -> 256 hashes; full tiles of level 1 and above. Level 0 is hashed from the entries.
    pub(crate) const TILES: &str = "tiles";
    /// Channel and number -> [`super::super::SentRow`].
    pub(crate) const SENT: &str = "sent";
    /// Channel and number -> the request as it goes out.
    pub(crate) const SEALED: &str = "sealed";
    /// Channel and number -> length of the request, while it waits for its receipt.
    pub(crate) const OUTBOX: &str = "outbox";
    /// Channel, number and index of the `receipt` entry -> [`super::super::ReceiptRow`]; the last is the newest.
    pub(crate) const RECEIPTS: &str = "receipts";
    /// Day of a receipt, channel and number -> nothing: sealed bytes to be dropped some days later.
    pub(crate) const SETTLED: &str = "settled";
    /// Channel and number -> [`super::super::ReceivedRow`].
    pub(crate) const RECEIVED: &str = "received";
    /// Index of the `received` entry -> accepted views, under a data key.
    pub(crate) const PAYLOADS: &str = "payloads";
    /// Index of the first `sent` entry of a batch -> its own records with seeds, a list of byte strings, under a data
    /// key.
    pub(crate) const RECORDS: &str = "records";
    /// Index of the `received` entry -> [`super::super::SourceRow`], where the records were passed on.
    pub(crate) const SOURCES: &str = "sources";
    /// Index of a `sent` entry -> the records of others that its dispatch passes on ([`super::super::PassedRecord`]), under a data key.
    pub(crate) const PASSED_ON: &str = "passed-on";
    /// Tag and digest -> where to look.
    pub(crate) const INDEX: &str = "index";
    /// Submission and chunk -> [`super::super::SubmissionRow`], under a data key.
    pub(crate) const SUBMISSIONS: &str = "submissions";
    /// Size -> checkpoint of this log with a quorum of cosignatures; a few of those that had one.
    pub(crate) const COSIGNED: &str = "cosigned";
    /// Number of a data key, what kind of row, and the row's key -> nothing: what is under which key.
    pub(crate) const UNDER: &str = "under";
    /// Number of a hold -> [`super::super::HoldRow`], under a data key of its own.
    pub(crate) const HOLDS: &str = "holds";
    /// 1, channel and `erased` entry -> nothing: a word owed to the sender. 2, channel and `erased` entry of the recipient -> its word, a
    /// tlog-proof. 3, dispatch and that entry -> [`super::super::DeletedRow`].
    pub(crate) const DELETIONS: &str = "deletions";
    /// Day and index of an entry that is due then and not erased -> nothing.
    pub(crate) const DUE: &str = "due";
    /// [`super::super::LogFact`] and origin -> a signed note, or evidence of a fork.
    pub(crate) const LOGS: &str = "logs";
    /// Digest of an attached file -> [`super::super::AttachedRow`], under a data key.
    pub(crate) const ATTACHED: &str = "attached";
    /// [`super::super::RepairKey`] -> [`super::super::RepairRow`], under a data key.
    pub(crate) const REPAIRS: &str = "repairs";

    /// 1, origin, 0 and size -> [`super::super::WitnessedRow`]. 2 and an own channel -> the first number whose receipts are not looked through.
    pub(crate) const WITNESSED: &str = "witnessed";

    /// Channel and number -> [`super::super::StandRow`], of own and of received channels.
    pub(crate) const STANDS: &str = "stands";
    /// [`super::WindowTag`] and channel: statements about windows, the proposal under way, the last comparison.
    pub(crate) const WINDOWS: &str = "windows";

    /// Number, from 0 -> [`super::super::BooksRow`]: what people decided of differences, months that they closed, bank statements.
    pub(crate) const BOOKS: &str = "books";

    /// Number, from 0 -> [`super::super::DeskKept`]: proposals of screening and what officers ordered; at the largest number how far the log is
    /// screened.
    pub(crate) const DESK: &str = "desk";

    /// [`super::DepositTag`] and what it says: what is kept for others, and receipts for what others keep.
    pub(crate) const DEPOSITS: &str = "deposits";

    /// All of them.
    pub(crate) const ALL: [&str; 31] = [
        META,
        ENTRIES,
        OPENINGS,
        CHECKPOINTS,
        TILES,
        SENT,
        SEALED,
        OUTBOX,
        RECEIPTS,
        SETTLED,
        RECEIVED,
        PAYLOADS,
        SOURCES,
        RECORDS,
        PASSED_ON,
        INDEX,
        SUBMISSIONS,
        COSIGNED,
        LOGS,
        UNDER,
        DUE,
        HOLDS,
        DELETIONS,
        ATTACHED,
        WITNESSED,
        REPAIRS,
        STANDS,
        WINDOWS,
        BOOKS,
        DESK,
        DEPOSITS,
    ];
}

pub(super) const META_TREE: &[u8] = b"tree";
pub(super) const META_NODE: &[u8] = b"node";
pub(super) const META_TOTALS: &[u8] = b"totals";
pub(super) const META_ERASED: &[u8] = b"erased";
pub(super) const META_PEERS: &[u8] = b"peers";
pub(super) const META_ATTACHED: &[u8] = b"attached";
const META_DOCUMENT: &[u8] = b"document/";
const META_CHANNEL: &[u8] = b"channel/";
const META_OUT: &[u8] = b"out/";

/// The byte before what [`submitted_for`] gives; no [`Under`] has it.
const SUBMITTED: u8 = 0x40;

/// A kind of row that stands under a data key. The number is the byte in keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Under {
    /// Accepted views.
    Payload = 1,
    /// Own records.
    Records = 2,
    /// The answer to a chunk.
    Answer = 3,
    /// What is held.
    Hold = 4,
    /// Records of others that a dispatch passes on.
    PassedOn = 5,
    /// What is kept of attached files beside their bytes.
    Attached = 6,
    /// Refused records that wait for repair, and what became of them.
    Repair = 7,
}

impl Under {
    /// All of them.
    pub(super) const ALL: [Self; 7] =
        [Self::Payload, Self::Records, Self::Answer, Self::Hold, Self::PassedOn, Self::Attached, Self::Repair];

    /// The column family of such rows.
    pub(super) fn family(self) -> &'static str {
        match self {
            Under::Payload => cf::PAYLOADS,
            Under::Records => cf::RECORDS,
            Under::Answer => cf::SUBMISSIONS,
            Under::Hold => cf::HOLDS,
            Under::PassedOn => cf::PASSED_ON,
            Under::Attached => cf::ATTACHED,
            Under::Repair => cf::REPAIRS,
        }
    }

    /// The place before the first row of this kind.
    pub fn before_all(self) -> Vec<u8> {
        vec![self as u8]
    }

    /// The place behind a row, for going on from it.
    pub fn row_after(self, row: &[u8]) -> Vec<u8> {
        [&[self as u8], row, &[0]].concat()
    }

    fn of(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|under| *under as u8 == byte)
    }
}

/// What bytes of a kind are sealed for: payloads and what is passed on for their dispatch, own records for the first dispatch of their batch, answers for
/// their chunk, holds for their number, rows of attached files for their digest. All are known before a row has its index.
pub(super) fn sealed_for(under: Under, what: &[u8]) -> Vec<u8> {
    [&[under as u8], what].concat()
}

/// What is sealed for: by which submission the records of a dispatch came.
pub(super) fn submitted_for(dispatch: &[u8]) -> Vec<u8> {
    [&[SUBMITTED], dispatch].concat()
}

/// Number of the data key, kind, key of the row.
pub(super) fn under_key(id: u64, under: Under, row: &[u8]) -> Vec<u8> {
    [&id.to_be_bytes(), [under as u8].as_slice(), row].concat()
}

/// What [`under_key`] made.
pub(super) fn read_under_key(key: &[u8]) -> Option<(u64, Under, &[u8])> {
    let (id, rest) = key.split_at_checked(8)?;
    let (under, row) = rest.split_first()?;
    Some((u64::from_be_bytes(id.try_into().ok()?), Under::of(*under)?, row))
}

/// What an index row leads from.
#[derive(Clone, Copy)]
pub(super) enum Tag {
    /// Reference -> place of an own record in its batch.
    OwnReference = 1,
    /// Batch -> dispatch that carries it.
    Delivery = 2,
    /// Reference -> place in a received dispatch.
    ReceivedReference = 3,
    /// Record root -> place in a received dispatch.
    ReceivedRoot = 4,
    /// Record root -> place of an own record in its batch.
    OwnRoot = 5,
    /// Record root -> place in a dispatch that passes it on.
    PassedOn = 6,
    /// Reference -> the same place.
    PassedReference = 7,
}

/// `sender 0 recipient 0 epoch lane`.
pub(super) fn channel_key(channel: &Channel) -> Vec<u8> {
    let mut key = Vec::with_capacity(100);
    key.extend_from_slice(channel.sender.as_str().as_bytes());
    key.push(0);
    key.extend_from_slice(channel.recipient.as_str().as_bytes());
    key.push(0);
    key.extend_from_slice(&channel.epoch.to_be_bytes());
    key.push(match channel.lane {
        Lane::Ordinary => 1,
        Lane::Urgent => 2,
    });
    key
}

/// [`channel_key`] and the number.
pub(super) fn dispatch_key(channel: &Channel, number: u64) -> Vec<u8> {
    let mut key = channel_key(channel);
    key.extend_from_slice(&number.to_be_bytes());
    key
}

/// What [`dispatch_key`] made.
pub(super) fn read_dispatch_key(key: &[u8]) -> Option<(Channel, u64)> {
    let mut parts = key.splitn(3, |byte| *byte == 0);
    let mut node = || std::str::from_utf8(parts.next()?).ok()?.parse().ok();
    let (sender, recipient) = (node()?, node()?);
    let (epoch, rest) = parts.next()?.split_at_checked(8)?;
    let epoch = u64::from_be_bytes(epoch.try_into().ok()?);
    let (lane, number) = rest.split_first()?;
    let lane = match lane {
        1 => Lane::Ordinary,
        2 => Lane::Urgent,
        _ => return None,
    };
    Some((Channel { sender, recipient, epoch, lane }, u64::from_be_bytes(number.try_into().ok()?)))
}

pub(super) fn document_meta_key(document: &Digest) -> Vec<u8> {
    [META_DOCUMENT, &document.0].concat()
}

/// What [`document_meta_key`] made.
pub(super) fn read_document_meta_key(key: &[u8]) -> Option<Digest> {
    Some(Digest(key.strip_prefix(META_DOCUMENT)?.try_into().ok()?))
}

pub(super) fn channel_meta_key(channel: &Channel) -> Vec<u8> {
    [META_CHANNEL, &channel_key(channel)].concat()
}

pub(super) fn out_meta_key(channel: &Channel) -> Vec<u8> {
    [META_OUT, &channel_key(channel)].concat()
}

/// [`dispatch_key`] and the index of the `receipt` entry.
pub(super) fn receipt_key(channel: &Channel, number: u64, entry: u64) -> Vec<u8> {
    let mut key = dispatch_key(channel, number);
    key.extend_from_slice(&entry.to_be_bytes());
    key
}

/// Day and [`dispatch_key`]; days before 1970 do not occur.
pub(super) fn settled_key(day: Day, dispatch: &[u8]) -> Vec<u8> {
    [&u32::try_from(day.0).unwrap_or(0).to_be_bytes(), dispatch].concat()
}

/// What [`settled_key`] made: the day and the dispatch's key.
pub(super) fn read_settled_key(key: &[u8]) -> Option<(Day, &[u8])> {
    let (day, dispatch) = key.split_at_checked(4)?;
    Some((Day(i32::try_from(u32::from_be_bytes(day.try_into().ok()?)).ok()?), dispatch))
}

/// What a row about deletions is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum DeletionTag {
    /// A word owed.
    Owed = 1,
    /// A word given.
    Word = 2,
    /// What it says of one dispatch.
    Dispatch = 3,
}

/// Tag, channel and number (0 but for [`DeletionTag::Dispatch`]), and the `erased` entry.
pub(super) fn deletion_key(tag: DeletionTag, channel: &Channel, number: u64, entry: u64) -> Vec<u8> {
    [&[tag as u8], dispatch_key(channel, number).as_slice(), &entry.to_be_bytes()].concat()
}

/// What [`deletion_key`] made.
pub(super) fn read_deletion_key(key: &[u8]) -> Option<(DeletionTag, Channel, u64, u64)> {
    let (tag, rest) = key.split_first()?;
    let all = [DeletionTag::Owed, DeletionTag::Word, DeletionTag::Dispatch];
    let tag = all.into_iter().find(|known| *known as u8 == *tag)?;
    let (dispatch, entry) = rest.split_at_checked(rest.len().checked_sub(8)?)?;
    let (channel, number) = read_dispatch_key(dispatch)?;
    let entry = u64::from_be_bytes(entry.try_into().ok()?);
    (tag == DeletionTag::Dispatch || number == 0).then_some((tag, channel, number, entry))
}

/// What a row about deposits is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DepositTag {
    /// Channel and number of a dispatch between others that was deposited here -> [`super::KeptRow`].
    Kept = 1,
    /// The same -> its sealed bytes, while it waits for its recipient.
    Sealed = 2,
    /// The same -> how many bytes those are: what a sender has here.
    Waiting = 3,
    /// Recipient, 0 and index of the `deposited` entry -> channel and number.
    For = 4,
    /// Channel and number of an own dispatch -> [`super::GivenRow`].
    Given = 5,
}

/// Tag and [`dispatch_key`].
pub(super) fn deposit_key(tag: DepositTag, channel: &Channel, number: u64) -> Vec<u8> {
    [&[tag as u8], dispatch_key(channel, number).as_slice()].concat()
}

/// Everything of a sender that waits: a prefix of [`deposit_key`].
pub(super) fn deposits_of_key(sender: &NodeRef) -> Vec<u8> {
    [&[DepositTag::Waiting as u8], sender.as_str().as_bytes(), &[0]].concat()
}

/// What waits for a recipient, by entry.
pub(super) fn deposit_for_key(recipient: &NodeRef, entry: u64) -> Vec<u8> {
    [&[DepositTag::For as u8], recipient.as_str().as_bytes(), &[0], &entry.to_be_bytes()].concat()
}

/// What [`deposit_for_key`] made.
pub(super) fn read_deposit_for_key(key: &[u8]) -> Option<(NodeRef, u64)> {
    let (node, entry) = key.strip_prefix(&[DepositTag::For as u8])?.split_last_chunk::<8>()?;
    let node = std::str::from_utf8(node.strip_suffix(&[0])?).ok()?.parse().ok()?;
    Some((node, u64::from_be_bytes(*entry)))
}

/// What [`deposit_key`] made.
pub(super) fn read_deposit_key(key: &[u8]) -> Option<(DepositTag, Channel, u64)> {
    let (tag, rest) = key.split_first()?;
    let all = [DepositTag::Kept, DepositTag::Sealed, DepositTag::Waiting, DepositTag::Given];
    let tag = all.into_iter().find(|known| *known as u8 == *tag)?;
    let (channel, number) = read_dispatch_key(rest)?;
    Some((tag, channel, number))
}

/// Day and index of an entry.
pub(super) fn due_key(day: Day, entry: u64) -> [u8; 12] {
    let mut key = [0; 12];
    key[..4].copy_from_slice(&u32::try_from(day.0).unwrap_or(0).to_be_bytes());
    key[4..].copy_from_slice(&entry.to_be_bytes());
    key
}

/// What [`due_key`] made.
pub(super) fn read_due_key(key: &[u8]) -> Option<(Day, u64)> {
    let (day, entry) = key.split_at_checked(4)?;
    let day = i32::try_from(u32::from_be_bytes(day.try_into().ok()?)).ok()?;
    Some((Day(day), u64::from_be_bytes(entry.try_into().ok()?)))
}

/// What [`channel_meta_key`] made.
pub(super) fn read_channel_meta_key(key: &[u8]) -> Option<Channel> {
    read_channel_key(key.strip_prefix(META_CHANNEL)?)
}

/// What [`out_meta_key`] made.
pub(super) fn read_out_meta_key(key: &[u8]) -> Option<Channel> {
    read_channel_key(key.strip_prefix(META_OUT)?)
}

/// What [`channel_key`] made: a dispatch's key without the number behind it.
fn read_channel_key(key: &[u8]) -> Option<Channel> {
    read_dispatch_key(&[key, &[0; 8]].concat()).map(|(channel, _)| channel)
}

/// Checkpoints of a log that prove receipts: 1, origin, 0 and size.
pub(super) fn witnessed_key(origin: &str, size: u64) -> Vec<u8> {
    [&[1], submission_key(origin, size).as_slice()].concat()
}

/// What [`witnessed_key`] made.
pub(super) fn read_witnessed_key(key: &[u8]) -> Option<(String, u64)> {
    read_submission_key(key.strip_prefix(&[1])?)
}

/// What a row about windows of a channel is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WindowTag {
    /// A statement: behind the channel, the last number of the window and the `statement` entry.
    Statement = 1,
    /// What is proposed to the recipient and not signed by it yet.
    Proposed = 2,
    /// What the last comparison found.
    Compared = 3,
}

/// Tag and [`channel_key`].
pub(super) fn window_key(tag: WindowTag, channel: &Channel) -> Vec<u8> {
    [&[tag as u8], channel_key(channel).as_slice()].concat()
}

/// What [`window_key`] made of a proposal or comparison.
pub(super) fn read_window_key(key: &[u8]) -> Option<(WindowTag, Channel)> {
    let (tag, rest) = key.split_first()?;
    let all = [WindowTag::Proposed, WindowTag::Compared];
    Some((all.into_iter().find(|known| *known as u8 == *tag)?, read_channel_key(rest)?))
}

/// The same of a statement, with the last number of its window and its entry.
pub(super) fn statement_key(channel: &Channel, number: u64, entry: u64) -> Vec<u8> {
    [[WindowTag::Statement as u8].as_slice(), &receipt_key(channel, number, entry)].concat()
}

/// What [`statement_key`] made.
pub(super) fn read_statement_key(key: &[u8]) -> Option<(Channel, u64, u64)> {
    let rest = key.strip_prefix(&[WindowTag::Statement as u8])?;
    let (dispatch, entry) = rest.split_at_checked(rest.len().checked_sub(8)?)?;
    let (channel, number) = read_dispatch_key(dispatch)?;
    Some((channel, number, u64::from_be_bytes(entry.try_into().ok()?)))
}

/// How far the receipts of an own channel were looked through: 2 and the channel.
pub(super) fn looked_key(channel: &Channel) -> Vec<u8> {
    [&[2], channel_key(channel).as_slice()].concat()
}

/// What [`looked_key`] made.
pub(super) fn read_looked_key(key: &[u8]) -> Option<Channel> {
    read_channel_key(key.strip_prefix(&[2])?)
}

pub(super) fn tile_key(level: u8, index: u64) -> [u8; 9] {
    let mut key = [level; 9];
    key[1..].copy_from_slice(&index.to_be_bytes());
    key
}

pub(super) fn submission_key(submission: &str, chunk: u64) -> Vec<u8> {
    let mut key = submission.as_bytes().to_vec();
    key.push(0);
    key.extend_from_slice(&chunk.to_be_bytes());
    key
}

/// What [`submission_key`] made.
pub(super) fn read_submission_key(key: &[u8]) -> Option<(String, u64)> {
    let (name, chunk) = key.split_at_checked(key.len().checked_sub(9)?)?;
    let chunk = chunk.strip_prefix(&[0])?;
    Some((String::from_utf8(name.to_vec()).ok()?, u64::from_be_bytes(chunk.try_into().ok()?)))
}

/// Tag, digest, and what tells rows of one digest apart.
pub(super) fn index_key(tag: Tag, digest: &Digest, suffix: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(33 + suffix.len());
    key.push(tag as u8);
    key.extend_from_slice(&digest.0);
    key.extend_from_slice(suffix);
    key
}

/// [`Tag::Delivery`], the batch's first entry, and the dispatch's key.
pub(super) fn delivery_key(batch: u64, dispatch: &[u8]) -> Vec<u8> {
    [[Tag::Delivery as u8].as_slice(), &batch.to_be_bytes(), dispatch].concat()
}

/// Index of an entry and place in its dispatch or batch.
pub(super) fn place(entry: u64, record: usize) -> [u8; 16] {
    let mut place = [0; 16];
    place[..8].copy_from_slice(&entry.to_be_bytes());
    place[8..].copy_from_slice(&(record as u64).to_be_bytes());
    place
}

pub(super) fn read_place(bytes: &[u8]) -> Option<(u64, usize)> {
    let (entry, record) = bytes.split_at_checked(8)?;
    let record = u64::from_be_bytes(record.try_into().ok()?);
    Some((u64::from_be_bytes(entry.try_into().ok()?), usize::try_from(record).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dispatch_keys_are_read_back_and_ordered() {
        let (sender, recipient) = ("a/n".parse().unwrap(), "b/n".parse().unwrap());
        let channel = Channel { sender, recipient, epoch: 1, lane: Lane::Urgent };
        let key = dispatch_key(&channel, 258);
        assert_eq!(read_dispatch_key(&key), Some((channel.clone(), 258)));
        assert_eq!(read_settled_key(&settled_key(Day(20_780), &key)), Some((Day(20_780), key.as_slice())));
        assert!(dispatch_key(&channel, 257) < key && key < dispatch_key(&channel, 65_536));
    }
}
