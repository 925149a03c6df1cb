//! What stands at each number of a channel, on either side, and the statements that both sides signed about it.
//!
//! It outlives erasure: there are digests in it and counts, no content. So two members can still compare last year's channel when all that
//! it carried is gone.
//!
//! Not here: comparison and statements ([`luxor_protocol::reconciliation`]), and when a window is closed (driver).

use std::ops::RangeInclusive;

use luxor_protocol::cbor::{CborError, Decode, Encode, Reader, Writer};
use luxor_protocol::exchange::{Channel, Outcome};
use luxor_protocol::hash::Digest;
use luxor_protocol::limits::{MAX_DIFFERENCES, MAX_WINDOW_ROUNDS};
use luxor_protocol::reconciliation::{CosignedStatement, Difference, Lie, Said, Span, Stand, Statement, Tally};
use luxor_protocol::time::Millis;
use rocksdb::{Direction, IteratorMode};

use super::columns::{
    WindowTag, cf, channel_key, dispatch_key, read_dispatch_key, read_statement_key, statement_key, window_key,
};
use super::open::{Store, StoreError, decode};
use super::rows::{decode_checked, encode_checked};

/// What stands at a number, and what a dispatch that is settled adds to totals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StandRow {
    /// What stands there.
    pub stand: Stand,
    /// Of a settled one, how it ended.
    pub tally: Option<Tally>,
}

/// A statement that both sides signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementRow {
    /// Index of this node's `statement` entry.
    pub entry: u64,
    /// The statement with both signatures.
    pub cosigned: CosignedStatement,
    /// Every difference, ascending by number.
    pub differences: Vec<Difference>,
}

/// What a comparison with the other side of a channel found last, where it found differences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComparedRow {
    /// When.
    pub at: Millis,
    /// Its numbers.
    pub span: Span,
    /// Every difference, ascending by number.
    pub differences: Vec<Difference>,
    /// What the other side answered.
    pub said: Vec<Said>,
    /// Where it contradicted itself: at most once, since that ends a comparison.
    pub lies: Vec<Lie>,
}

/// What stands at the numbers of a span, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stands {
    /// What stands there.
    pub stands: Vec<Stand>,
    /// How settled ones ended.
    pub tallies: Vec<Option<Tally>>,
}

impl StandRow {
    /// A dispatch that waits for its receipt.
    pub fn pending(dispatch: Digest) -> Self {
        Self { stand: Stand::Pending(dispatch), tally: None }
    }

    /// A dispatch of so many records that was settled so.
    pub fn settled(dispatch: Digest, outcome: &Outcome, records: u64) -> Self {
        let records = usize::try_from(records).unwrap_or(usize::MAX);
        Self { stand: Stand::settled(dispatch, outcome), tally: Some(Tally::of(outcome, records)) }
    }

    /// A dispatch that its sender withdrew.
    pub fn withdrawn(dispatch: Digest) -> Self {
        Self::settled(dispatch, &Outcome::Withdrawn, 0)
    }
}

impl Store {
    /// What stands at these numbers of a channel; nothing at those of which there is no row.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn stands(&self, channel: &Channel, span: Span) -> Result<Stands, StoreError> {
        let start = dispatch_key(channel, span.from());
        let rows = self.db.iterator_cf(self.cf(cf::STANDS), IteratorMode::From(&start, Direction::Forward));
        let prefix = channel_key(channel);
        let mut found = Stands::default();
        let absent_to = |found: &mut Stands, number: u64| {
            while span.from() + (found.stands.len() as u64) < number {
                found.stands.push(Stand::Absent);
                found.tallies.push(None);
            }
        };
        for item in rows {
            let (key, value) = item?;
            let Some(number) = number_in(&key, &prefix) else { break };
            if number > span.last() {
                break;
            }
            absent_to(&mut found, number);
            let row: StandRow = decode("what stands at a number", &value)?;
            found.stands.push(row.stand);
            found.tallies.push(row.tally);
        }
        absent_to(&mut found, span.last() + 1);
        Ok(found)
    }

    /// What stands at a number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn stand(&self, channel: &Channel, number: u64) -> Result<Option<StandRow>, StoreError> {
        self.row(cf::STANDS, &dispatch_key(channel, number), "what stands at a number")
    }

    /// The last number of a channel at which something stands; 0 where there is none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn last_stand(&self, channel: &Channel) -> Result<u64, StoreError> {
        let (last, prefix) = (dispatch_key(channel, u64::MAX), channel_key(channel));
        let mode = IteratorMode::From(&last, Direction::Reverse);
        let row = self.db.iterator_cf(self.cf(cf::STANDS), mode).next().transpose()?;
        Ok(row.and_then(|(key, _)| number_in(&key, &prefix)).unwrap_or(0))
    }

    /// Every channel in which something stands, sent or received.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn channels(&self) -> Result<Vec<Channel>, StoreError> {
        let (mut channels, mut start) = (Vec::new(), Vec::new());
        loop {
            let mode = IteratorMode::From(&start, Direction::Forward);
            let Some((key, _)) = self.db.iterator_cf(self.cf(cf::STANDS), mode).next().transpose()? else {
                return Ok(channels);
            };
            let damaged = || StoreError::damaged("what stands at a number", "unreadable key");
            let (channel, _) = read_dispatch_key(&key).ok_or_else(damaged)?;
            start = dispatch_key(&channel, u64::MAX);
            channels.push(channel);
        }
    }

    /// The statements about windows of a channel that end with one of these numbers, by that and in the order in which they were made, at most
    /// `limit`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn statements(
        &self,
        channel: &Channel,
        ends: RangeInclusive<u64>,
        limit: usize,
    ) -> Result<Vec<StatementRow>, StoreError> {
        let (start, end) = (statement_key(channel, *ends.start(), 0), statement_key(channel, *ends.end(), u64::MAX));
        let mut found = Vec::new();
        for item in
            self.db.iterator_cf(self.cf(cf::WINDOWS), IteratorMode::From(&start, Direction::Forward)).take(limit)
        {
            let (key, value) = item?;
            if *key > *end {
                break;
            }
            found.push(decode("a statement", &value)?);
        }
        Ok(found)
    }

    /// The last number of a channel that a statement covers; 0 where there is none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn covered(&self, channel: &Channel) -> Result<u64, StoreError> {
        let Some(row) = self.last_statement(channel)? else { return Ok(0) };
        let statement = row.read().map_err(|error| StoreError::damaged("a statement", error))?;
        Ok(statement.window().span().last())
    }

    /// The newest statement about the last numbers of a channel about which there is one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn last_statement(&self, channel: &Channel) -> Result<Option<StatementRow>, StoreError> {
        let last = statement_key(channel, u64::MAX, u64::MAX);
        let mode = IteratorMode::From(&last, Direction::Reverse);
        match self.db.iterator_cf(self.cf(cf::WINDOWS), mode).next().transpose()? {
            Some((key, value)) if key.starts_with(&window_key(WindowTag::Statement, channel)) => {
                Ok(Some(decode("a statement", &value)?))
            }
            _ => Ok(None),
        }
    }

    /// The newest statement about each of the last windows of a channel, the last one first; windows are told apart by their ends. At most
    /// `limit` statements are looked at.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn newest_statements(&self, channel: &Channel, limit: usize) -> Result<Vec<StatementRow>, StoreError> {
        let last = statement_key(channel, u64::MAX, u64::MAX);
        let (mut found, mut end) = (Vec::new(), None);
        for item in self.db.iterator_cf(self.cf(cf::WINDOWS), IteratorMode::From(&last, Direction::Reverse)).take(limit)
        {
            let (key, value) = item?;
            let Some((_, number, _)) = read_statement_key(&key).filter(|(of, ..)| of == channel) else { break };
            if end != Some(number) {
                end = Some(number);
                found.push(decode("a statement", &value)?);
            }
        }
        Ok(found)
    }

    /// The statement behind a `statement` entry: about a window of this channel that ends with this number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn statement_of(&self, channel: &Channel, number: u64, entry: u64) -> Result<Option<StatementRow>, StoreError> {
        self.row(cf::WINDOWS, &statement_key(channel, number, entry), "a statement")
    }

    /// The proposal in an own channel that the recipient did not sign yet, encoded.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn proposed(&self, channel: &Channel) -> Result<Option<Vec<u8>>, StoreError> {
        self.get(cf::WINDOWS, &window_key(WindowTag::Proposed, channel))
    }

    /// What the last comparison about a channel found, where it found differences.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn compared(&self, channel: &Channel) -> Result<Option<ComparedRow>, StoreError> {
        self.row(cf::WINDOWS, &window_key(WindowTag::Compared, channel), "a comparison")
    }
}

/// The number in a key that begins with a channel's.
fn number_in(key: &[u8], channel: &[u8]) -> Option<u64> {
    key.strip_prefix(channel)?.try_into().ok().map(u64::from_be_bytes)
}

impl StatementRow {
    /// Reads the statement.
    ///
    /// # Errors
    /// [`CborError`].
    pub fn read(&self) -> Result<Statement, CborError> {
        Statement::from_cbor(&self.cosigned.statement)
    }
}

impl ComparedRow {
    /// Roughly how many bytes it takes.
    pub(super) fn bytes(&self) -> usize {
        let lies = self.lies.iter().flat_map(|lie| [&lie.earlier, &lie.later]);
        let said = self.said.iter().chain(lies);
        let said = said.map(|said| said.question.len() + said.reply.answer.len() + 200).sum::<usize>();
        said + self.differences.len() * 160
    }
}

impl Encode for StandRow {
    fn encode(&self, writer: &mut Writer) {
        encode_checked(writer, 2, |writer| {
            self.stand.encode(writer);
            match &self.tally {
                Some(tally) => tally.encode(writer),
                None => writer.null(),
            }
        });
    }
}

impl Decode for StandRow {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        decode_checked(reader, 2, |reader| {
            let stand = Stand::decode(reader)?;
            let tally = if reader.null()? { None } else { Some(Tally::decode(reader)?) };
            Ok(Self { stand, tally })
        })
    }
}

impl Encode for StatementRow {
    fn encode(&self, writer: &mut Writer) {
        encode_checked(writer, 3, |writer| {
            writer.uint(self.entry);
            self.cosigned.encode(writer);
            writer.list(&self.differences);
        });
    }
}

impl Decode for StatementRow {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        decode_checked(reader, 3, |reader| {
            let (entry, cosigned) = (reader.uint()?, CosignedStatement::decode(reader)?);
            Ok(Self { entry, cosigned, differences: reader.list(MAX_DIFFERENCES, Decode::decode)? })
        })
    }
}

impl Encode for ComparedRow {
    fn encode(&self, writer: &mut Writer) {
        encode_checked(writer, 5, |writer| {
            self.at.encode(writer);
            self.span.encode(writer);
            writer.list(&self.differences);
            writer.list(&self.said);
            writer.list(&self.lies);
        });
    }
}

impl Decode for ComparedRow {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        decode_checked(reader, 5, |reader| {
            Ok(Self {
                at: Millis::decode(reader)?,
                span: Span::decode(reader)?,
                differences: reader.list(MAX_DIFFERENCES, Decode::decode)?,
                said: reader.list(MAX_WINDOW_ROUNDS, Decode::decode)?,
                lies: reader.list(1, Decode::decode)?,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use luxor_protocol::exchange::{Envelope, Lane};

    use super::*;
    use crate::store::{StoreConfig, Write};

    fn store(folder: &std::path::Path) -> Store {
        Store::open(folder, StoreConfig::default(), &Digest::ZERO, &"a/n1".parse().unwrap(), folder).unwrap()
    }

    fn channel(recipient: &str, lane: Lane) -> Channel {
        Channel { sender: "a/n1".parse().unwrap(), recipient: recipient.parse().unwrap(), epoch: 1, lane }
    }

    fn sent(store: &Store, channel: &Channel, number: u64) -> Digest {
        let envelope = Envelope { header: number.to_be_bytes().to_vec(), sealed: Digest::ZERO, signature: [0; 64] };
        let digest = envelope.digest();
        let mut batch = Store::batch(1_024);
        let request = vec![1].into();
        let write = Write::Sent { channel: channel.clone(), number, entry: 0, envelope, request };
        store.stage(&mut batch, vec![write], number);
        store.write_synced(batch).unwrap();
        digest
    }

    #[test]
    fn what_stands_is_read_by_span_and_channel() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path());
        assert_eq!(store.channels().unwrap(), []);
        let all = [channel("b/n1", Lane::Ordinary), channel("b/n1", Lane::Urgent), channel("b/n10", Lane::Ordinary)];
        let mut digests = Vec::new();
        for (at, channel) in all.iter().enumerate() {
            for number in 1..=4 + at as u64 {
                let digest = sent(&store, channel, number);
                if at == 1 {
                    digests.push(digest);
                }
            }
        }
        assert_eq!(store.channels().unwrap().len(), 3);
        let last: Vec<_> = all.iter().map(|channel| store.last_stand(channel).unwrap()).collect();
        assert_eq!(last, [4, 5, 6]);
        assert_eq!(store.last_stand(&channel("b/n2", Lane::Ordinary)).unwrap(), 0);
        let found = store.stands(&all[1], Span::new(4, 4).unwrap()).unwrap();
        let pending = |at: usize| Stand::Pending(digests[at]);
        assert_eq!(found.stands, [pending(3), pending(4), Stand::Absent, Stand::Absent]);
        assert_eq!(found.tallies, [None; 4]);
    }

    #[test]
    fn rows_have_one_form_and_tell_damage() {
        let rows = [
            StandRow::pending(Digest([1; 32])),
            StandRow::withdrawn(Digest([2; 32])),
            StandRow::settled(Digest([3; 32]), &Outcome::Taken(Vec::new()), 7),
        ];
        for row in rows {
            let bytes = row.to_cbor();
            assert_eq!(StandRow::from_cbor(&bytes), Ok(row));
            for at in 0..bytes.len() {
                let mut damaged = bytes.clone();
                damaged[at] ^= 1;
                assert_ne!(StandRow::from_cbor(&damaged), Ok(row));
            }
        }
    }
}
