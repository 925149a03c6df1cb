//! A statement: what both sides of a channel agree on about a window. Signed by both nodes it stands in both logs.
//!
//! Both make it from what they have and compare digests; a node signs only one that it made itself.
//!
//! Limits: those of a [`Window`].

use super::difference::{Class, Difference};
use super::window::{Side, Window};
use crate::cbor::{CborError, Decode, Encode, Reader, Writer};
use crate::document::Directory;
use crate::exchange::{EntryKind, Outcome, Skeleton};
use crate::hash::{Digest, Domain};
use crate::keys::{KeyError, SecretKey};
use crate::limits::MAX_BATCH_RECORDS;
use crate::names::{NodeRef, word_enum};
use crate::time::{Day, Millis};
use crate::tlog::Hash;

/// Bytes of an encoded statement: names, roots, seven totals and seven classes are below one thousand.
pub const MAX_STATEMENT_BYTES: usize = 2 * 1024;

/// Verdicts on the numbers at which both sides have the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Dispatches accepted.
    pub accepted: u64,
    /// Dispatches accepted but for some records.
    pub partly: u64,
    /// Dispatches refused.
    pub refused: u64,
    /// Dispatches withdrawn.
    pub withdrawn: u64,
    /// Records accepted.
    pub records_accepted: u64,
    /// Records rejected, or of a dispatch that was refused.
    pub records_rejected: u64,
}

word_enum!(
    /// How a dispatch was settled.
    Ending, "ending", {
        /// All records accepted.
        Accepted = 1, "accepted";
        /// Some records rejected.
        Partly = 2, "partly";
        /// Refused as a whole.
        Refused = 3, "refused";
        /// Withdrawn by its sender before it came.
        Withdrawn = 4, "withdrawn";
    }
);

/// What one settled dispatch adds to [`Totals`]; each side keeps it beside what stands at the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    ending: Ending,
    accepted: u32,
    rejected: u32,
}

/// The differences of one class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClassTotal {
    /// The class.
    pub class: Class,
    /// How many; at least one.
    pub count: u64,
    /// [`Domain::Differences`] over each of them, ascending by number.
    pub digest: Digest,
}

/// What both sides agree on about a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    network: Digest,
    window: Window,
    sender_root: Hash,
    recipient_root: Hash,
    totals: Totals,
    differences: Vec<ClassTotal>,
    as_of: Millis,
}

/// A statement with the signatures of both nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CosignedStatement {
    /// The encoded [`Statement`].
    pub statement: Vec<u8>,
    /// By the sending node's `sign` key.
    pub sender: [u8; 64],
    /// By the receiving node's `sign` key.
    pub recipient: [u8; 64],
}

/// Body of a `statement` entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementBody {
    /// The statement.
    pub statement: Digest,
}

/// Why there is no such statement, or it does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// The verdicts and differences are not as many as the window's numbers.
    #[error("{verdicts} verdicts and {differences} differences for the {count} numbers of the window")]
    Count {
        /// Verdicts counted.
        verdicts: u64,
        /// Differences listed.
        differences: u64,
        /// Numbers of the window.
        count: u64,
    },
    /// Roots are equal exactly where nothing differs.
    #[error("the two roots are {}, and {differences} differences are listed", if *.equal { "equal" } else { "not equal" })]
    Roots {
        /// Whether they are equal.
        equal: bool,
        /// Differences listed.
        differences: u64,
    },
    /// A difference that is not of the window, or not after the one before it.
    #[error("the difference at number {0} is not of the window, or out of order")]
    Difference(u64),
    /// More accepted and rejected records than the dispatches can have.
    #[error("{0} records in the totals are more, or fewer, than these dispatches can have")]
    Records(u64),
    /// The bytes are no statement.
    #[error("the statement cannot be read: {0}")]
    Decode(#[from] CborError),
    /// It is of another network.
    #[error("the statement is of the network {0}, not of this one")]
    Network(Digest),
    /// No card names a node of the channel.
    #[error("no card names {0}")]
    NoCard(NodeRef),
    /// A signature does not hold.
    #[error("the {side}'s signature on the statement: {error}")]
    Signature {
        /// Whose.
        side: Side,
        /// Why not.
        error: KeyError,
    },
}

impl Tally {
    /// Of a dispatch of so many records, at most [`MAX_BATCH_RECORDS`], that was settled so.
    pub fn of(outcome: &Outcome, records: usize) -> Self {
        let ending = match outcome {
            Outcome::Taken(rejections) if rejections.is_empty() => Ending::Accepted,
            Outcome::Taken(_) => Ending::Partly,
            Outcome::Refused(_) => Ending::Refused,
            Outcome::Withdrawn => Ending::Withdrawn,
        };
        let (accepted, rejected) = outcome.counts(records.min(MAX_BATCH_RECORDS));
        // Both are at most ten thousand.
        Self { ending, accepted: accepted as u32, rejected: rejected as u32 }
    }
}

impl Totals {
    /// Counts a dispatch that both sides settled alike.
    pub fn add(&mut self, tally: Tally) {
        let count = match tally.ending {
            Ending::Accepted => &mut self.accepted,
            Ending::Partly => &mut self.partly,
            Ending::Refused => &mut self.refused,
            Ending::Withdrawn => &mut self.withdrawn,
        };
        *count = count.saturating_add(1);
        self.records_accepted = self.records_accepted.saturating_add(u64::from(tally.accepted));
        self.records_rejected = self.records_rejected.saturating_add(u64::from(tally.rejected));
    }

    /// How many dispatches.
    pub fn dispatches(&self) -> u64 {
        let taken = self.accepted.saturating_add(self.partly);
        taken.saturating_add(self.refused).saturating_add(self.withdrawn)
    }

    /// The records, where so many dispatches can have them: 1 to [`MAX_BATCH_RECORDS`] each that was not withdrawn.
    fn check(&self) -> Result<(), StatementError> {
        let records = self.records_accepted.saturating_add(self.records_rejected);
        let batches = self.dispatches().saturating_sub(self.withdrawn);
        let right = records >= batches && records <= batches.saturating_mul(MAX_BATCH_RECORDS as u64);
        if right { Ok(()) } else { Err(StatementError::Records(records)) }
    }
}

impl Statement {
    /// The statement about a window, from both roots, the verdicts on all numbers at which both have the same, and all differences,
    /// ascending by number. `as_of` is when it was decided what was overdue, by the sender's clock.
    ///
    /// # Errors
    /// [`StatementError`] when these do not fit each other.
    pub fn new(
        network: Digest,
        window: Window,
        [sender_root, recipient_root]: [Hash; 2],
        totals: Totals,
        differences: &[Difference],
        as_of: Millis,
    ) -> Result<Self, StatementError> {
        let mut last = window.span().from() - 1;
        for difference in differences {
            let number = difference.number();
            if number <= last || number > window.span().last() {
                return Err(StatementError::Difference(number));
            }
            last = number;
        }
        let of_class = |class: &Class| {
            let listed = differences.iter().filter(|difference| difference.class() == *class);
            let encoded: Vec<Vec<u8>> = listed.map(Encode::to_cbor).collect();
            let parts: Vec<&[u8]> = encoded.iter().map(Vec::as_slice).collect();
            let digest = Digest::of(Domain::Differences, &parts);
            (!parts.is_empty()).then_some(ClassTotal { class: *class, count: parts.len() as u64, digest })
        };
        let differences = Class::ALL.iter().filter_map(of_class).collect();
        Self { network, window, sender_root, recipient_root, totals, differences, as_of }.checked()
    }

    /// Its identity: what both signatures cover and both logs name.
    pub fn digest(&self) -> Digest {
        Digest::of(Domain::Statement, &[&self.to_cbor()])
    }

    /// A node's signature, by its `sign` key.
    pub fn sign(&self, key: &SecretKey) -> [u8; 64] {
        key.sign(Domain::Statement, &self.network, &self.digest().0)
    }

    /// The network.
    pub fn network(&self) -> &Digest {
        &self.network
    }

    /// The window.
    pub fn window(&self) -> &Window {
        &self.window
    }

    /// The root of a side.
    pub fn root(&self, side: Side) -> &Hash {
        match side {
            Side::Sender => &self.sender_root,
            Side::Recipient => &self.recipient_root,
        }
    }

    /// The verdicts on what both have.
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// The differences by class, in the order of their numbers in signed bytes.
    pub fn differences(&self) -> &[ClassTotal] {
        &self.differences
    }

    /// When it was decided what was overdue.
    pub fn as_of(&self) -> Millis {
        self.as_of
    }

    /// Whether both sides have the same throughout.
    pub fn is_equal(&self) -> bool {
        self.differences.is_empty()
    }

    /// The skeleton of its entry, the same in both logs but for the due day of each.
    pub fn skeleton(&self, due: Day) -> Skeleton {
        Skeleton {
            kind: EntryKind::Statement,
            agreement: Digest::ZERO,
            channel: self.window.channel.clone(),
            number: self.window.span().last(),
            due,
        }
    }

    fn checked(self) -> Result<Self, StatementError> {
        let differences = self.differences.iter().fold(0u64, |sum, of| sum.saturating_add(of.count));
        let (verdicts, count) = (self.totals.dispatches(), self.window.span().count());
        if verdicts.checked_add(differences) != Some(count) {
            return Err(StatementError::Count { verdicts, differences, count });
        }
        let equal = self.sender_root == self.recipient_root;
        if equal != (differences == 0) {
            return Err(StatementError::Roots { equal, differences });
        }
        self.totals.check()?;
        Ok(self)
    }
}

impl CosignedStatement {
    /// Verifies both signatures, each by a key that the node has or had, and gives the statement. Keys that were revoked are the
    /// caller's to judge, by the time at which a log named it ([`Directory::standing`]).
    ///
    /// # Errors
    /// [`StatementError`] with the first reason.
    pub fn verify(&self, directory: &Directory) -> Result<Statement, StatementError> {
        let statement = Statement::from_cbor(&self.statement)?;
        if statement.network != directory.network() {
            return Err(StatementError::Network(statement.network));
        }
        let digest = statement.digest();
        for (side, signature) in [(Side::Sender, &self.sender), (Side::Recipient, &self.recipient)] {
            let node = side.of(&statement.window.channel);
            let known = directory.node(node).ok_or_else(|| StatementError::NoCard(node.clone()))?;
            let signer = known.signer(Domain::Statement, &statement.network, &digest.0, signature);
            signer.ok_or(StatementError::Signature { side, error: KeyError::Signature("sign") })?;
        }
        Ok(statement)
    }
}

impl Encode for Statement {
    fn encode(&self, writer: &mut Writer) {
        writer.array(7);
        self.network.encode(writer);
        self.window.encode(writer);
        writer.bytes(&self.sender_root);
        writer.bytes(&self.recipient_root);
        let Totals { accepted, partly, refused, withdrawn, records_accepted, records_rejected } = self.totals;
        writer.array(6);
        for total in [accepted, partly, refused, withdrawn, records_accepted, records_rejected] {
            writer.uint(total);
        }
        writer.array(self.differences.len());
        for ClassTotal { class, count, digest } in &self.differences {
            writer.array(3);
            class.encode(writer);
            writer.uint(*count);
            digest.encode(writer);
        }
        self.as_of.encode(writer);
    }
}

impl Decode for Statement {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        let start = reader.position();
        reader.tuple(7)?;
        let (network, window) = (Digest::decode(reader)?, Window::decode(reader)?);
        let (sender_root, recipient_root) = (reader.fixed()?, reader.fixed()?);
        reader.tuple(6)?;
        let totals = Totals {
            accepted: reader.uint()?,
            partly: reader.uint()?,
            refused: reader.uint()?,
            withdrawn: reader.uint()?,
            records_accepted: reader.uint()?,
            records_rejected: reader.uint()?,
        };
        reader.leave();
        let mut differences: Vec<ClassTotal> = Vec::new();
        for _ in 0..reader.array(Class::ALL.len())? {
            let start = reader.position();
            reader.tuple(3)?;
            let of =
                ClassTotal { class: Class::decode(reader)?, count: reader.uint()?, digest: Digest::decode(reader)? };
            reader.leave();
            if of.count == 0 || differences.last().is_some_and(|last| last.class >= of.class) {
                return Err(reader.refuse(start, "classes are not ascending, or one has no differences"));
            }
            differences.push(of);
        }
        reader.leave();
        let as_of = Millis::decode(reader)?;
        reader.leave();
        Self { network, window, sender_root, recipient_root, totals, differences, as_of }
            .checked()
            .map_err(|_| reader.refuse(start, "counts, roots and totals that contradict each other"))
    }
}

impl Encode for Tally {
    fn encode(&self, writer: &mut Writer) {
        writer.array(3);
        self.ending.encode(writer);
        writer.uint(u64::from(self.accepted));
        writer.uint(u64::from(self.rejected));
    }
}

impl Decode for Tally {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        let start = reader.position();
        reader.tuple(3)?;
        let ending = Ending::decode(reader)?;
        let mut records = || reader.uint_max(MAX_BATCH_RECORDS as u64).map(|count| count as u32); // at most ten thousand
        let (accepted, rejected) = (records()?, records()?);
        reader.leave();
        let fits = match ending {
            Ending::Accepted => accepted > 0 && rejected == 0,
            Ending::Partly => rejected > 0,
            Ending::Refused => accepted == 0 && rejected > 0,
            Ending::Withdrawn => accepted == 0 && rejected == 0,
        };
        match fits && accepted + rejected <= MAX_BATCH_RECORDS as u32 {
            true => Ok(Self { ending, accepted, rejected }),
            false => Err(reader.refuse(start, "counts that no dispatch settled so has")),
        }
    }
}

impl Encode for CosignedStatement {
    fn encode(&self, writer: &mut Writer) {
        writer.array(3);
        writer.bytes(&self.statement);
        writer.bytes(&self.sender);
        writer.bytes(&self.recipient);
    }
}

impl Decode for CosignedStatement {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.tuple(3)?;
        let cosigned = Self {
            statement: reader.bytes(MAX_STATEMENT_BYTES)?.to_vec(),
            sender: reader.fixed()?,
            recipient: reader.fixed()?,
        };
        reader.leave();
        Ok(cosigned)
    }
}

impl Encode for StatementBody {
    fn encode(&self, writer: &mut Writer) {
        writer.array(1);
        self.statement.encode(writer);
    }
}

impl Decode for StatementBody {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.tuple(1)?;
        let body = Self { statement: Digest::decode(reader)? };
        reader.leave();
        Ok(body)
    }
}
