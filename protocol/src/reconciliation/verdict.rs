//! What a dispute file proves: its documents make the network that the reader expects, every piece of evidence holds, and from
//! what is proven about each number follow a verdict and a class.
//!
//! Nothing is taken on trust but the network id. One piece that does not hold refuses the whole file, by name. What a file leaves
//! out it cannot be blamed for: a verdict is about what is in it.
//!
//! Not here: who is right where nothing is signed, and deadlines, which the reader gives.

use std::collections::BTreeMap;
use std::fmt;

use super::difference::Class;
use super::dispute::{Deposited, DisputeError, DisputeFile};
use super::statement::Statement;
use super::window::{Side, Span, Stand, Window, outcome_digest};
use crate::cbor::Decode;
use crate::document::{Directory, Document, DocumentError, KnownNode, Standing};
use crate::exchange::{Arrival, Channel, DispatchHeader, Outcome, Receipt, open_deposit, open_receipt, policies_of};
use crate::hash::Digest;
use crate::names::NodeRef;
use crate::time::Millis;
use crate::tlog::{Note, NoteSignature, TlogProof, leaf_hash, verify_inclusion};

/// What a dispute file proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Findings {
    /// What the charter calls the network.
    pub network_name: String,
    /// The channel.
    pub channel: Channel,
    /// Each number about which something is proven, ascending.
    pub numbers: Vec<Finding>,
    /// Sides that contradicted themselves about a window, with the numbers to which they gave two roots.
    pub lies: Vec<(Side, Window, Span)>,
    /// Statements that both nodes signed.
    pub statements: Vec<Statement>,
    /// The highest number up to which the recipient has everything, according to its receipts in the file.
    pub contiguous: Option<u64>,
}

/// What is proven about one number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The number.
    pub number: u64,
    /// What follows.
    pub verdict: Verdict,
    /// The class of the difference; none where the two sides do not differ as far as the file shows.
    pub class: Option<Class>,
    /// What it follows from.
    pub facts: Vec<Fact>,
}

/// Something that a signature or a log proves about a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// The sender signed a dispatch.
    Sent {
        /// The dispatch.
        dispatch: Digest,
        /// When, by its own clock.
        at: Millis,
        /// The key may have been in others' hands then.
        contested: bool,
    },
    /// The sender signed that it will not be sent (again).
    Withdrew {
        /// The dispatch.
        dispatch: Digest,
        /// When, by its own clock.
        at: Millis,
        /// As in [`Fact::Sent`].
        contested: bool,
    },
    /// The recipient's log has its verdict.
    Answered {
        /// The dispatch.
        dispatch: Digest,
        /// The verdict.
        outcome: Outcome,
        /// The log.
        log: String,
        /// The entry there.
        index: u64,
        /// When a quorum of witnesses had cosigned a checkpoint that covers it; none where the file's does not show one.
        witnessed: Option<Millis>,
    },
    /// A third member's log says that the sealed dispatch was deposited there for the recipient.
    Deposited {
        /// The dispatch.
        dispatch: Digest,
        /// The node of that member.
        with: NodeRef,
        /// The log.
        log: String,
        /// The entry there.
        index: u64,
        /// As in [`Fact::Answered`]: at the latest then it lay there.
        witnessed: Option<Millis>,
    },
    /// The recipient counted the dispatch among those that it has.
    Counted {
        /// The dispatch.
        dispatch: Digest,
        /// The log of the receipt that says so.
        log: String,
        /// The entry there.
        index: u64,
        /// The receipt's contiguous number.
        contiguous: u64,
    },
    /// A side answered what it has.
    Said {
        /// Which side.
        side: Side,
        /// What it has.
        stand: Stand,
        /// Its log.
        log: String,
        /// How many entries that had then.
        entries: u64,
    },
}

/// What follows from the facts about a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The sender signed two dispatches under it.
    SenderReused,
    /// The recipient's log has two dispatches, or two verdicts, under it.
    RecipientContradicts,
    /// The recipient answered that it has nothing, or something else, though its log had the dispatch before.
    RecipientDenies,
    /// The sender answered that it sent nothing, or something else, though it signed the dispatch.
    SenderDenies,
    /// The recipient received what the sender sent, and its verdict is proven.
    Settled,
    /// The recipient received it, and the file has no receipt for it.
    Received,
    /// The recipient received another dispatch than the one that the file has the sender's signature on.
    OtherDispatch,
    /// The recipient received something, and the file has no signature of the sender on it.
    NotSigned,
    /// The sender withdrew it.
    Withdrawn,
    /// The sender signed it, and it lay with a third member for the recipient, as witnesses of its log say; the file has no word of the
    /// recipient's log on it.
    Deposited,
    /// The sender signed it, and the file has no word of the recipient's log on it. That it was sent nothing proves.
    Unanswered,
    /// There are only the words of one or both sides.
    Words,
}

impl DisputeFile {
    /// Verifies a file from its documents upwards. `network` is what the reader knows from elsewhere; dispatches made at or before
    /// `due` had to be answered, so that what is missing is withheld and not pending.
    ///
    /// # Errors
    /// [`DisputeError`] with the first piece that does not hold.
    pub fn verify(bytes: &[u8], network: &Digest, due: Option<Millis>) -> Result<Findings, DisputeError> {
        let file = Self::read(bytes)?;
        let directory = directory(&file.documents)?;
        let found = directory.network();
        if found != *network {
            return Err(DisputeError::Network { expected: *network, found });
        }
        let known = |node: &NodeRef| directory.node(node).ok_or_else(|| DisputeError::NoCard(node.clone()));
        let (sender, recipient) = (known(&file.channel.sender)?, known(&file.channel.recipient)?);
        let mut case = Case { directory: &directory, file: &file, facts: BTreeMap::new() };
        let receipts = pieces("receipt", &file.receipts, |bytes| case.receipt(recipient, bytes))?;
        pieces("deposit receipt", &file.deposits, |deposited| case.deposited(deposited))?;
        pieces("dispatch or withdrawal", &file.arrivals, |arrival| case.arrival(sender, arrival))?;
        pieces("counted dispatch", &file.counted, |counted| {
            let receipt = receipts.get(counted.receipt).ok_or_else(|| "the file has no such receipt".to_owned())?;
            let body = &receipt.body;
            let (leaf, index) = (leaf_hash(&counted.dispatch.0), counted.number.wrapping_sub(1));
            verify_inclusion(&leaf, index, body.contiguous, &counted.path, &body.channel_root)
                .map_err(|error| error.to_string())?;
            let fact = Fact::Counted {
                dispatch: counted.dispatch,
                log: receipt.checkpoint.origin.clone(),
                index: receipt.index,
                contiguous: body.contiguous,
            };
            case.fact(counted.number, fact);
            Ok(())
        })?;
        pieces("answer", &file.said, |said| {
            let node = if said.reply.side == Side::Sender { sender } else { recipient };
            said.verify(network, &node.ever()).map_err(|error| error.to_string())?;
            let words = said.read().map_err(|error| error.to_string())?;
            case.same_channel(&words.question.window.channel)?;
            for (number, stand) in words.stands() {
                let (side, log, entries) = (said.reply.side, said.reply.log.clone(), said.reply.entries);
                case.fact(number, Fact::Said { side, stand, log, entries });
            }
            Ok(())
        })?;
        let lies = pieces("contradiction", &file.lies, |lie| {
            let signer = |window: &Window, side: Side| directory.node(side.of(&window.channel)).map(|node| node.ever());
            let (window, side) = lie.verify(network, signer).map_err(|error| error.to_string())?;
            case.same_channel(&window.channel)?;
            Ok((side, window, lie.span))
        })?;
        let statements = pieces("statement", &file.statements, |cosigned| {
            let statement = cosigned.verify(&directory).map_err(|error| error.to_string())?;
            case.same_channel(&statement.window().channel)?;
            Ok(statement)
        })?;
        let judged = |(number, facts): (u64, Vec<Fact>)| {
            let (verdict, class) = judge(&facts, due);
            Finding { number, verdict, class, facts }
        };
        Ok(Findings {
            network_name: directory.charter().name.clone(),
            channel: file.channel.clone(),
            numbers: case.facts.into_iter().map(judged).collect(),
            lies,
            statements,
            contiguous: receipts.iter().map(|receipt| receipt.body.contiguous).max(),
        })
    }
}

/// What is proven so far.
struct Case<'f> {
    directory: &'f Directory,
    file: &'f DisputeFile,
    facts: BTreeMap<u64, Vec<Fact>>,
}

impl Case<'_> {
    fn fact(&mut self, number: u64, fact: Fact) {
        let facts = self.facts.entry(number).or_default();
        if !facts.contains(&fact) {
            facts.push(fact);
        }
    }

    fn same_channel(&self, channel: &Channel) -> Result<(), String> {
        match *channel == self.file.channel {
            true => Ok(()),
            false => Err(format!("it is about the channel {channel}, not {}", self.file.channel)),
        }
    }

    fn receipt(&mut self, recipient: &KnownNode, bytes: &[u8]) -> Result<Receipt, String> {
        let receipt = open_receipt(recipient, bytes).map_err(|error| error.to_string())?;
        self.same_channel(&receipt.skeleton.channel)?;
        let witnessed = witnessed(self.directory, recipient, &receipt.checkpoint.origin, bytes)?;
        let fact = Fact::Answered {
            dispatch: receipt.body.dispatch,
            outcome: receipt.body.outcome.clone(),
            log: receipt.checkpoint.origin.clone(),
            index: receipt.index,
            witnessed,
        };
        self.fact(receipt.skeleton.number, fact);
        Ok(receipt)
    }

    /// A third member's receipt: of a node that is neither side, whose member an agreement of the file names as depositary.
    fn deposited(&mut self, deposited: &Deposited) -> Result<(), String> {
        let known = self.directory.node(&deposited.with);
        let known = known.ok_or_else(|| format!("no card in the file names {}", deposited.with))?;
        let receipt = open_deposit(known, &deposited.receipt).map_err(|error| error.to_string())?;
        let channel = &receipt.skeleton.channel;
        self.same_channel(channel)?;
        let (from, to) = (channel.sender.member(), channel.recipient.member());
        let agreement = self.directory.agreement(&receipt.skeleton.agreement).map(|agreement| &agreement.id);
        let versions = agreement.and_then(|id| self.directory.agreement_versions().get(id));
        let mut rows = versions.into_iter().flatten().flat_map(|(_, version)| &version.flows);
        let named = rows.any(|row| {
            row.from.contains(&from) && row.to.contains(&to) && row.depositary().as_ref() == Some(&known.member)
        });
        if !named {
            return Err(format!(
                "no row of the agreement {} in the file has anything of this channel deposited with {}",
                receipt.skeleton.agreement, known.member
            ));
        }
        let fact = Fact::Deposited {
            dispatch: receipt.dispatch,
            with: known.node.clone(),
            log: receipt.checkpoint.origin.clone(),
            index: receipt.index,
            witnessed: witnessed(self.directory, known, &receipt.checkpoint.origin, &deposited.receipt)?,
        };
        self.fact(receipt.skeleton.number, fact);
        Ok(())
    }

    fn arrival(&mut self, sender: &KnownNode, arrival: &Arrival) -> Result<(), String> {
        let (number, dispatch, at, agreement) = match arrival {
            Arrival::Dispatch(envelope) => {
                let header = DispatchHeader::from_cbor(&envelope.header).map_err(|error| error.to_string())?;
                self.same_network(&header.network)?;
                self.same_channel(&header.channel)?;
                (header.number, envelope.digest(), header.sent_at, Some(header.agreement_digest))
            }
            Arrival::Withdrawal(withdrawal) => {
                let header = withdrawal.read().map_err(|error| error.to_string())?;
                self.same_network(&header.network)?;
                self.same_channel(&header.channel)?;
                (header.number, header.dispatch, header.withdrawn_at, None)
            }
        };
        if let Some(agreement) = agreement.filter(|digest| self.directory.agreement(digest).is_none()) {
            return Err(format!("the agreement {agreement} that number {number} rests on is not in the file"));
        }
        // The time of its signature is that of the witnessed entry of the recipient or a depositary; without one it counts as made now.
        let facts = self.facts.get(&number).map_or(&[][..], Vec::as_slice);
        let made = facts.iter().filter_map(|fact| match fact {
            Fact::Answered { dispatch: named, witnessed, .. } | Fact::Deposited { dispatch: named, witnessed, .. }
                if *named == dispatch =>
            {
                *witnessed
            }
            _ => None,
        });
        let made = made.min();
        let standing = arrival.standing(self.directory, sender, made).map_err(|error| error.to_string())?;
        if let Some((what, _)) = standing.iter().find(|(_, standing)| *standing == Standing::Refused) {
            return Err(format!("the sender's signature on the {what} of number {number} does not hold"));
        }
        let contested = standing.iter().any(|(_, standing)| *standing == Standing::Contested);
        let fact = match arrival {
            Arrival::Dispatch(_) => Fact::Sent { dispatch, at, contested },
            Arrival::Withdrawal(_) => Fact::Withdrew { dispatch, at, contested },
        };
        self.fact(number, fact);
        Ok(())
    }

    fn same_network(&self, network: &Digest) -> Result<(), String> {
        match *network == self.directory.network() {
            true => Ok(()),
            false => Err(format!("it is of the network {network}")),
        }
    }
}

fn directory(documents: &[Vec<u8>]) -> Result<Directory, DisputeError> {
    let read = |bytes: &Vec<u8>| Document::from_cbor(bytes).map_err(|error| DocumentError::Decode(error).into());
    let documents = documents.iter().map(read).collect::<Result<Vec<_>, _>>().map_err(DisputeError::Documents)?;
    Ok(Directory::strict(documents)?)
}

/// Takes every piece of one kind; the first that does not hold is named.
fn pieces<T, R>(
    what: &'static str,
    all: &[T],
    mut take: impl FnMut(&T) -> Result<R, String>,
) -> Result<Vec<R>, DisputeError> {
    let taken = all.iter().enumerate();
    taken.map(|(at, piece)| take(piece).map_err(|why| DisputeError::Piece { what, at, why })).collect()
}

/// The quorum time of a receipt's checkpoint. Too few cosignatures are none; a wrong one, or a line by a key that no policy of the log has,
/// refuses the receipt: nobody can take a cosignature away unseen by spoiling it.
fn witnessed(directory: &Directory, node: &KnownNode, origin: &str, bytes: &[u8]) -> Result<Option<Millis>, String> {
    let proof = TlogProof::parse(bytes).map_err(|error| error.to_string())?;
    let note = Note::parse(&proof.checkpoint).map_err(|error| error.to_string())?;
    let policies = policies_of(directory, node, origin, true);
    let policies = policies.collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())?;
    let known = |line: &NoteSignature| {
        let mut parties = policies.iter().flat_map(|policy| policy.logs().iter().chain(policy.witnesses()));
        parties.any(|party| party.key.name() == line.name && party.key.key_id() == line.key_id)
    };
    if let Some(line) = note.signatures.iter().find(|line| !known(line)) {
        return Err(format!(
            "its checkpoint has a signature by {}, with a key that is no witness's of this log",
            line.name
        ));
    }
    for policy in &policies {
        let satisfied = policy.satisfied_by(&note).map_err(|error| error.to_string())?;
        if satisfied.quorum && satisfied.log.is_some() {
            return Ok(satisfied.time.map(|seconds| Millis(seconds.saturating_mul(1_000))));
        }
    }
    Ok(None)
}

/// What the recipient's log has.
struct Logged<'f> {
    dispatch: Digest,
    outcome: Option<Digest>,
    log: &'f str,
    index: u64,
}

fn judge(facts: &[Fact], due: Option<Millis>) -> (Verdict, Option<Class>) {
    let logged: Vec<Logged<'_>> = facts.iter().filter_map(Fact::logged).collect();
    let signed: Vec<(Digest, Millis)> = facts.iter().filter_map(Fact::signed).collect();
    let withdrawn = facts.iter().any(|fact| matches!(fact, Fact::Withdrew { .. }));
    if signed.iter().any(|(dispatch, _)| signed.iter().any(|(other, _)| other != dispatch)) {
        return (Verdict::SenderReused, Some(Class::ContentDiffers));
    }
    if let Some(class) = contradiction(&logged) {
        return (Verdict::RecipientContradicts, Some(class));
    }
    if let Some(class) = facts.iter().find_map(|fact| denied(fact, &logged)) {
        return (Verdict::RecipientDenies, Some(class));
    }
    let sent = signed.first();
    let unsaid = |fact: &Fact| match (fact, sent) {
        (Fact::Said { side: Side::Sender, stand, .. }, Some((dispatch, _))) if stand.dispatch() != Some(*dispatch) => {
            let absent = *stand == Stand::Absent;
            Some(if absent { Class::ReceivedNotSent } else { Class::ContentDiffers })
        }
        _ => None,
    };
    if let Some(class) = facts.iter().find_map(unsaid) {
        return (Verdict::SenderDenies, Some(class));
    }
    let Some((dispatch, at)) = sent else {
        return match logged.is_empty() {
            true => (Verdict::Words, words(facts, due)),
            false => (Verdict::NotSigned, Some(Class::ReceivedNotSent)),
        };
    };
    let waits = if due.is_some_and(|due| *at <= due) { Class::Withheld } else { Class::Pending };
    if logged.iter().any(|logged| logged.dispatch != *dispatch) {
        return (Verdict::OtherDispatch, Some(Class::ContentDiffers));
    }
    match logged.iter().find_map(|logged| logged.outcome) {
        Some(outcome) => {
            // The sender says that the verdict was another one.
            let other = |fact: &Fact| matches!(fact, Fact::Said { side: Side::Sender, stand: Stand::Settled { outcome: said, .. }, .. } if *said != outcome);
            (Verdict::Settled, facts.iter().any(other).then_some(Class::OutcomeDiffers))
        }
        None if !logged.is_empty() => (Verdict::Received, Some(waits)),
        None if withdrawn => (Verdict::Withdrawn, Some(Class::Withdrawn)),
        None => {
            // Signed only, the third member's word may be made later, for whoever asks it.
            let lay = |fact: &Fact| matches!(fact, Fact::Deposited { dispatch: lay, witnessed: Some(_), .. } if lay == dispatch);
            let verdict = if facts.iter().any(lay) { Verdict::Deposited } else { Verdict::Unanswered };
            (verdict, Some(waits))
        }
    }
}

/// Two things that one log has under one number.
fn contradiction(logged: &[Logged<'_>]) -> Option<Class> {
    let pairs = logged.iter().enumerate().flat_map(|(at, a)| logged[at + 1..].iter().map(move |b| (a, b)));
    let mut of_one_log = pairs.filter(|(a, b)| a.log == b.log);
    of_one_log.find_map(|(a, b)| {
        let outcomes = a.outcome.zip(b.outcome).is_some_and(|(a, b)| a != b);
        match a.dispatch != b.dispatch {
            true => Some(Class::ContentDiffers),
            false => outcomes.then_some(Class::OutcomeDiffers),
        }
    })
}

/// What the recipient said against what its log had by then.
fn denied(fact: &Fact, logged: &[Logged<'_>]) -> Option<Class> {
    let Fact::Said { side: Side::Recipient, stand, log, entries } = fact else { return None };
    let mut before = logged.iter().filter(|logged| logged.log == log && logged.index < *entries);
    before.find_map(|logged| match stand {
        Stand::Absent => Some(Class::SentNotReceived),
        _ if stand.dispatch() != Some(logged.dispatch) => Some(Class::ContentDiffers),
        Stand::Pending(_) => logged.outcome.map(|_| Class::OutcomeDiffers),
        Stand::Settled { outcome, .. } => {
            logged.outcome.filter(|logged| logged != outcome).map(|_| Class::OutcomeDiffers)
        }
    })
}

/// The class of what both sides say last.
fn words(facts: &[Fact], due: Option<Millis>) -> Option<Class> {
    let said = |of: Side| {
        facts.iter().rev().find_map(|fact| match fact {
            Fact::Said { side, stand, .. } if *side == of => Some(*stand),
            _ => None,
        })
    };
    // When it was sent nobody signed here.
    said(Side::Sender)
        .zip(said(Side::Recipient))
        .and_then(|(sender, recipient)| Class::of(sender, recipient, due.is_some()))
}

impl Fact {
    fn logged(&self) -> Option<Logged<'_>> {
        match self {
            Fact::Answered { dispatch, outcome, log, index, .. } => {
                Some(Logged { dispatch: *dispatch, outcome: Some(outcome_digest(outcome)), log, index: *index })
            }
            Fact::Counted { dispatch, log, index, .. } => {
                Some(Logged { dispatch: *dispatch, outcome: None, log, index: *index })
            }
            Fact::Sent { .. } | Fact::Withdrew { .. } | Fact::Said { .. } | Fact::Deposited { .. } => None,
        }
    }

    /// The dispatch that the sender signed under the number, and when.
    fn signed(&self) -> Option<(Digest, Millis)> {
        match self {
            Fact::Sent { dispatch, at, .. } | Fact::Withdrew { dispatch, at, .. } => Some((*dispatch, *at)),
            Fact::Answered { .. } | Fact::Counted { .. } | Fact::Said { .. } | Fact::Deposited { .. } => None,
        }
    }
}

fn witnessed_in_words(witnessed: &Option<Millis>) -> String {
    match witnessed {
        Some(time) => format!("; witnessed at {time}"),
        None => "; not witnessed in this file".into(),
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SenderReused => "the sender signed two dispatches under this number",
            Self::RecipientContradicts => "the recipient's log has two dispatches or verdicts under this number",
            Self::RecipientDenies => "the recipient denies what its log had before it answered",
            Self::SenderDenies => "the sender denies what it signed",
            Self::Settled => "received, and the verdict is proven",
            Self::Received => "received, and no receipt for it is shown",
            Self::OtherDispatch => "the recipient received another dispatch than the one shown",
            Self::NotSigned => "received, and no signature of the sender on it is shown",
            Self::Withdrawn => "withdrawn by the sender",
            Self::Deposited => {
                "signed by the sender and deposited with a third member for the recipient; no word of the recipient's log on it is shown"
            }
            Self::Unanswered => "signed by the sender; no word of the recipient's log on it is shown",
            Self::Words => "only words: nothing that the sender signed or the recipient's log has is shown",
        })
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let marked = |contested: bool| if contested { ", with a key that others may have had" } else { "" };
        match self {
            Self::Sent { dispatch, at, contested } => {
                write!(f, "the sender signed the dispatch {dispatch} at {at}{}", marked(*contested))
            }
            Self::Withdrew { dispatch, at, contested } => {
                write!(f, "the sender withdrew the dispatch {dispatch} at {at}{}", marked(*contested))
            }
            Self::Answered { dispatch, outcome, log, index, witnessed } => {
                write!(f, "entry {index} of {log} answers the dispatch {dispatch}: {outcome}")?;
                f.write_str(&witnessed_in_words(witnessed))
            }
            Self::Deposited { dispatch, with, log, index, witnessed } => {
                write!(
                    f,
                    "entry {index} of {log} says that the dispatch {dispatch} lay sealed with {with} for the recipient"
                )?;
                f.write_str(&witnessed_in_words(witnessed))
            }
            Self::Counted { dispatch, log, index, contiguous } => write!(
                f,
                "entry {index} of {log} says that everything up to {contiguous} is there, the dispatch {dispatch} among it"
            ),
            Self::Said { side, stand, log, entries } => {
                write!(f, "the {side} said, when {log} had {entries} entries: ")?;
                match stand {
                    Stand::Absent => f.write_str("nothing is there"),
                    Stand::Pending(dispatch) => write!(f, "the dispatch {dispatch}, without a verdict"),
                    Stand::Settled { dispatch, outcome } => {
                        write!(f, "the dispatch {dispatch} with the verdict of digest {outcome}")
                    }
                }
            }
        }
    }
}
