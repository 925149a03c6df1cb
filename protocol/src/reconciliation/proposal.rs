//! How both sides come to one statement: the sender concludes it from a comparison and proposes it, signed, with the differences; the recipient
//! makes the same statement from what it has itself, and signs that or says what it has otherwise.
//!
//! The sender's root is not taken on trust either: with the sender's stands put at the numbers that differ, the recipient's own tree must have it.
//!
//! Not here: the comparison ([`super::bisect`]), signatures of nodes and their keys, sending, and storing.
//!
//! Limits: [`MAX_PROPOSAL_BYTES`], [`MAX_DIFFERENCES`], [`MAX_STATEMENT_AHEAD_MS`].

use super::bisect::{Bound, Found};
use super::difference::Difference;
use super::kept::WindowTree;
use super::statement::{MAX_STATEMENT_BYTES, Statement, StatementError, Tally, Totals};
use super::window::{Side, Window};
use crate::cbor::{CborError, Decode, Encode, Reader, Writer};
use crate::hash::Digest;
use crate::keys::SecretKey;
use crate::limits::{MAX_DIFFERENCES, MAX_PROPOSAL_BYTES, MAX_STATEMENT_AHEAD_MS};
use crate::time::Millis;
use crate::tlog::MissingNode;

/// What a comparison leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Concluded {
    /// The statement.
    pub statement: Statement,
    /// Every difference, ascending by number.
    pub differences: Vec<Difference>,
}

/// A statement that the sender signed and the recipient is to sign too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The encoded [`Statement`].
    pub statement: Vec<u8>,
    /// By the sending node's `sign` key.
    pub signature: [u8; 64],
    /// Every difference, ascending by number.
    pub differences: Vec<Difference>,
}

/// Why a side comes to no statement, or to another one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProposalError {
    /// The bytes are no proposal, or none of a statement.
    #[error("the proposal cannot be read: {0}")]
    Decode(#[from] CborError),
    /// It is of another network.
    #[error("the proposal is of the network {0}, not of this one")]
    Network(Digest),
    /// It is about another window than the tree.
    #[error("what is kept is of another window than the statement")]
    Window,
    /// It was decided later than it is now.
    #[error(
        "the statement is as of {0}, which is later than now by this node's clock\nhint: compare the clocks of both nodes"
    )]
    Ahead(Millis),
    /// The recipient has something else than the proposal says.
    #[error("at number {0} there is something else here than the proposal says; compare the window again")]
    Moved(u64),
    /// Nothing is settled at a number at which nothing is said to differ.
    #[error("nothing is settled at number {0}, and the proposal lists no difference there; compare the window again")]
    Unsettled(u64),
    /// What the recipient makes of it is another statement.
    #[error("what follows from what this node has differs from the proposal: {0}")]
    Other(&'static str),
    /// Verdicts, differences and roots do not fit each other.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// The comparison did not come to an end.
    #[error("the comparison ended before everything was found: {}", match .0 {
        Bound::Rounds => "too many questions",
        Bound::Bytes => "too many bytes",
        Bound::Differences => "too many differences",
    })]
    Stopped(Bound),
    /// The other side contradicted itself, or answered something else.
    #[error("the other side's answers do not hold: {0}")]
    Broken(String),
    /// The tree has not the window's nodes.
    #[error("what is kept of the window has no node at level {}, index {}", .0.level, .0.index)]
    Node(MissingNode),
}

/// The statement that the sender's comparison with the recipient leads to. `own` is the tree that was compared, `tallies` has what settled
/// each of its numbers, `overdue` tells whether a number's receipt was due at `as_of`.
///
/// # Errors
/// [`ProposalError`] where the comparison found no end, or what is handed in does not fit together.
pub fn conclude(
    network: Digest,
    window: &Window,
    own: &WindowTree,
    tallies: &[Option<Tally>],
    found: &Found,
    overdue: impl Fn(u64) -> bool,
    as_of: Millis,
) -> Result<Concluded, ProposalError> {
    if own.span() != window.span() {
        return Err(ProposalError::Window);
    }
    let (roots, compared) = match found {
        Found::Equal(root) => ([*root; 2], [].as_slice()),
        Found::Different { own, peer, differences, .. } => ([*own, *peer], differences.as_slice()),
        Found::Stopped { bound, .. } => return Err(ProposalError::Stopped(*bound)),
        Found::Lied(_) => return Err(ProposalError::Broken("two of them contradict each other".into())),
        Found::Broken(error) => return Err(ProposalError::Broken(error.to_string())),
    };
    let of = |compared| Difference::compared(compared, Side::Recipient, overdue(compared.number));
    let differences: Vec<Difference> = compared.iter().filter_map(of).collect();
    let totals = totals(own, tallies, &differences)?;
    let statement = Statement::new(network, window.clone(), roots, totals, &differences, as_of)?;
    Ok(Concluded { statement, differences })
}

impl Concluded {
    /// Proposes it, signed by the sending node.
    pub fn propose(self, key: &SecretKey) -> Proposal {
        let (statement, signature) = (self.statement.to_cbor(), self.statement.sign(key));
        Proposal { statement, signature, differences: self.differences }
    }
}

impl Proposal {
    /// Reads the statement that is proposed.
    ///
    /// # Errors
    /// [`ProposalError::Decode`].
    pub fn read(&self) -> Result<Statement, ProposalError> {
        Ok(Statement::from_cbor(&self.statement)?)
    }

    /// The recipient makes the statement from its own tree of the window and what settled each number there, and gives it if it is the one
    /// proposed. `now` is its clock.
    ///
    /// # Errors
    /// [`ProposalError`] with the first thing that it has otherwise.
    pub fn judge(
        &self,
        network: &Digest,
        mut own: WindowTree,
        tallies: &[Option<Tally>],
        now: Millis,
    ) -> Result<Statement, ProposalError> {
        let proposed = self.read()?;
        if proposed.network() != network {
            return Err(ProposalError::Network(*proposed.network()));
        }
        let window = proposed.window();
        if own.span() != window.span() {
            return Err(ProposalError::Window);
        }
        if proposed.as_of() > now.plus(MAX_STATEMENT_AHEAD_MS) {
            return Err(ProposalError::Ahead(proposed.as_of()));
        }
        let recipient_root = window.span().root(&own).map_err(ProposalError::Node)?;
        let totals = totals(&own, tallies, &self.differences)?;
        for difference in &self.differences {
            if own.set(difference.number(), difference.sender()) != Some(difference.recipient()) {
                return Err(ProposalError::Moved(difference.number()));
            }
        }
        let sender_root = window.span().root(&own).map_err(ProposalError::Node)?;
        let roots = [sender_root, recipient_root];
        let made = Statement::new(*network, window.clone(), roots, totals, &self.differences, proposed.as_of())?;
        if made == proposed {
            return Ok(made);
        }
        Err(ProposalError::Other(match () {
            () if made.root(Side::Recipient) != proposed.root(Side::Recipient) => "the recipient's root",
            () if made.root(Side::Sender) != proposed.root(Side::Sender) => "the sender's root",
            () if made.totals() != proposed.totals() => "the totals",
            () => "the differences",
        }))
    }
}

/// The verdicts on all numbers of a tree at which nothing differs.
fn totals(own: &WindowTree, tallies: &[Option<Tally>], differences: &[Difference]) -> Result<Totals, ProposalError> {
    let (mut totals, mut differing) = (Totals::default(), differences.iter().map(Difference::number).peekable());
    for (at, (number, _)) in own.stands().enumerate() {
        if differing.next_if_eq(&number).is_some() {
            continue;
        }
        let tally = tallies.get(at).copied().flatten();
        totals.add(tally.ok_or(ProposalError::Unsettled(number))?);
    }
    Ok(totals)
}

impl Encode for Proposal {
    fn encode(&self, writer: &mut Writer) {
        writer.array(3);
        writer.bytes(&self.statement);
        writer.bytes(&self.signature);
        writer.list(&self.differences);
    }
}

impl Decode for Proposal {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        let start = reader.position();
        reader.tuple(3)?;
        let proposal = Self {
            statement: reader.bytes(MAX_STATEMENT_BYTES)?.to_vec(),
            signature: reader.fixed()?,
            differences: reader.list(MAX_DIFFERENCES, Decode::decode)?,
        };
        reader.leave();
        match reader.since(start).len() <= MAX_PROPOSAL_BYTES {
            true => Ok(proposal),
            false => Err(reader.refuse(start, "a proposal of too many bytes")),
        }
    }
}
