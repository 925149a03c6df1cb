//! What one side asks about a window, what the other answers and signs, and what follows when two answers contradict each other.
//!
//! A question names the root that it is about. Whoever has another root by now (a receipt came meanwhile) answers with that one
//! instead, so honest change is never taken for a contradiction. An answer says how long the answering node's log was: what the
//! log had before that, the answer had to know.
//!
//! Not here: in which order one asks ([`super::bisect`]).
//!
//! Limits: [`MAX_WINDOW_SPANS`], [`MAX_WINDOW_BITS`], [`MAX_WINDOW_ROOTS`], [`MAX_WINDOW_ASKED`].

use super::kept::Kept;
use super::window::{Side, Span, Stand, Window};
use crate::cbor::{CborError, Decode, Encode, Reader, Writer};
use crate::hash::{Digest, Domain};
use crate::keys::{KeyError, SecretKey, SignatureCheck};
use crate::limits::{
    MAX_ANSWER_BYTES, MAX_QUESTION_BYTES, MAX_WINDOW_ASKED, MAX_WINDOW_BITS, MAX_WINDOW_ROOTS, MAX_WINDOW_SPANS,
};
use crate::tlog::{Hash, MAX_KEY_NAME_BYTES};

/// A question about a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The window.
    pub window: Window,
    /// What is asked.
    pub step: Step,
}

/// What is asked about a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Which root does your side have?
    Root,
    /// Which roots have the parts of these parts?
    Parts {
        /// The answering side's root.
        root: Hash,
        /// So many levels further down, 1 to [`MAX_WINDOW_BITS`].
        bits: u32,
        /// Of these, ascending, none in another.
        spans: Vec<Span>,
    },
    /// What stands at these numbers?
    Stands {
        /// The answering side's root.
        root: Hash,
        /// Ascending.
        numbers: Vec<u64>,
    },
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The root: asked for, or another one than the question is about.
    Root(Hash),
    /// The roots of the parts of each span asked about.
    Parts(Vec<Vec<Hash>>),
    /// What stands at each number asked about.
    Stands(Vec<Stand>),
}

/// An answer as it travels: with the signature of the node that gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Which side answers.
    pub side: Side,
    /// The origin of its log.
    pub log: String,
    /// How many entries that had.
    pub entries: u64,
    /// The encoded [`Answer`].
    pub answer: Vec<u8>,
    /// By the node's `sign` key.
    pub signature: [u8; 64],
}

/// A question with its answer: what a node said, provable to others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The encoded [`Question`].
    pub question: Vec<u8>,
    /// What was answered.
    pub reply: Reply,
}

/// What a node said, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// What it was asked.
    pub question: Question,
    /// What it answered; of the form that the question asks for.
    pub answer: Answer,
}

/// Two signed answers about one root that contradict each other. They may be one and the same: it then contradicts the root that
/// it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lie {
    /// What was said first.
    pub earlier: Said,
    /// What was said then.
    pub later: Said,
    /// The numbers that they give two roots.
    pub span: Span,
}

/// What was said proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SaidError {
    /// A question or answer is none.
    #[error("the {0} cannot be read: {1}")]
    Decode(&'static str, CborError),
    /// An answer to something else.
    #[error("the answer has another form than the question asks for: {0}")]
    Form(&'static str),
    /// The signature does not hold.
    #[error(transparent)]
    Signature(#[from] KeyError),
    /// Two answers that do not contradict each other.
    #[error("the two answers do not contradict each other: {0}")]
    NoLie(&'static str),
}

/// Answers a question from what this side keeps. The window must be one that this side has: of its channel, of numbers that it has nodes for.
///
/// # Errors
/// Whatever keeps the reader from telling.
pub fn answer<K: Kept + ?Sized>(kept: &K, question: &Question) -> Result<Answer, K::Error> {
    let own = question.window.span().root(kept)?;
    match &question.step {
        Step::Parts { root, bits, spans } if *root == own => {
            let parts = |span: &Span| span.parts(*bits).iter().map(|part| part.root(kept)).collect();
            spans.iter().map(parts).collect::<Result<_, _>>().map(Answer::Parts)
        }
        Step::Stands { root, numbers } if *root == own => {
            numbers.iter().map(|number| kept.stand(*number)).collect::<Result<_, _>>().map(Answer::Stands)
        }
        _ => Ok(Answer::Root(own)),
    }
}

impl Reply {
    /// Signs an answer to a question. `log` is the answering node's log: its origin, of at most [`MAX_KEY_NAME_BYTES`], and its size.
    pub fn sign(
        network: &Digest,
        question: &[u8],
        side: Side,
        log: (&str, u64),
        answer: &Answer,
        key: &SecretKey,
    ) -> Self {
        let (origin, entries) = (log.0.to_owned(), log.1);
        let mut reply = Self { side, log: origin, entries, answer: answer.to_cbor(), signature: [0; 64] };
        reply.signature = key.sign(Domain::WindowAnswer, network, &reply.digest(question).0);
        reply
    }

    fn digest(&self, question: &[u8]) -> Digest {
        let mut writer = Writer::with_capacity(self.answer.len() + 32);
        writer.array(4);
        self.encode_words(&mut writer);
        Digest::of(Domain::WindowAnswer, &[question, writer.as_bytes()])
    }

    fn encode_words(&self, writer: &mut Writer) {
        self.side.encode(writer);
        writer.text(&self.log);
        writer.uint(self.entries);
        writer.bytes(&self.answer);
    }
}

impl Said {
    /// Checks the signature of the node that answered.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn verify(&self, network: &Digest, signer: &impl SignatureCheck) -> Result<(), KeyError> {
        let digest = self.reply.digest(&self.question);
        signer.check(Domain::WindowAnswer, network, &digest.0, &self.reply.signature)
    }

    /// Reads question and answer.
    ///
    /// # Errors
    /// [`SaidError::Decode`], [`SaidError::Form`].
    pub fn read(&self) -> Result<Words, SaidError> {
        let question = Question::from_cbor(&self.question).map_err(|error| SaidError::Decode("question", error))?;
        let answer = Answer::from_cbor(&self.reply.answer).map_err(|error| SaidError::Decode("answer", error))?;
        Words::new(question, answer)
    }
}

impl Words {
    /// Puts an answer to its question.
    ///
    /// # Errors
    /// [`SaidError::Form`].
    pub fn new(question: Question, answer: Answer) -> Result<Self, SaidError> {
        let right = match (&question.step, &answer) {
            (Step::Root, Answer::Root(_)) => Ok(()),
            (Step::Root, _) => Err("no root"),
            (Step::Parts { root, .. } | Step::Stands { root, .. }, Answer::Root(found)) if root == found => {
                Err("the root that the question names")
            }
            (_, Answer::Root(_)) => Ok(()),
            (Step::Parts { bits, spans, .. }, Answer::Parts(parts)) => {
                let fits = |(span, roots): (&Span, &Vec<Hash>)| span.fold(*bits, roots).is_some();
                let right = spans.len() == parts.len() && spans.iter().zip(parts).all(fits);
                if right { Ok(()) } else { Err("another number of roots") }
            }
            (Step::Stands { numbers, .. }, Answer::Stands(stands)) if numbers.len() == stands.len() => Ok(()),
            (Step::Stands { .. }, Answer::Stands(_)) => Err("another number of entries"),
            (Step::Parts { .. }, Answer::Stands(_)) => Err("no roots"),
            (Step::Stands { .. }, Answer::Parts(_)) => Err("no entries"),
        };
        right.map(|()| Self { question, answer }).map_err(SaidError::Form)
    }

    /// The root of the whole window that is spoken of.
    pub fn root(&self) -> Hash {
        match (&self.answer, &self.question.step) {
            (Answer::Root(root), _) | (_, Step::Parts { root, .. } | Step::Stands { root, .. }) => *root,
            // A question for the root has no other answer.
            (_, Step::Root) => [0; 32],
        }
    }

    /// What stands at which number, as far as this was asked.
    pub fn stands(&self) -> impl Iterator<Item = (u64, Stand)> {
        let numbers = match &self.question.step {
            Step::Stands { numbers, .. } => numbers.as_slice(),
            Step::Root | Step::Parts { .. } => &[],
        };
        let stands = match &self.answer {
            Answer::Stands(stands) => stands.as_slice(),
            Answer::Root(_) | Answer::Parts(_) => &[],
        };
        numbers.iter().copied().zip(stands.iter().copied())
    }

    /// Every root that is given for these numbers.
    pub fn roots_of(&self, span: &Span) -> Vec<Hash> {
        let mut found = Vec::new();
        if self.question.window.span() == *span {
            found.push(self.root());
        }
        if let (Step::Parts { bits, spans, .. }, Answer::Parts(parts)) = (&self.question.step, &self.answer) {
            for (asked, roots) in spans.iter().zip(parts).filter(|(asked, _)| asked.has(span)) {
                found.extend(asked.fold(*bits, roots).filter(|_| asked == span));
                let of = asked.parts(*bits).into_iter().zip(roots).filter(|(part, _)| part == span && part != asked);
                found.extend(of.map(|(_, root)| *root));
            }
        }
        let leaves = self.stands().filter(|(number, _)| span.count() == 1 && *number == span.from());
        found.extend(leaves.map(|(number, stand)| stand.leaf(number)));
        found
    }
}

impl Lie {
    /// Verifies that both were said by the same side, are about one root, and contradict each other; gives that side.
    ///
    /// # Errors
    /// [`SaidError`].
    pub fn verify<S: SignatureCheck>(
        &self,
        network: &Digest,
        signer: impl Fn(&Window, Side) -> Option<S>,
    ) -> Result<(Window, Side), SaidError> {
        let (earlier, later) = (self.earlier.read()?, self.later.read()?);
        let (window, side) = (earlier.question.window.clone(), self.earlier.reply.side);
        if window != later.question.window || side != self.later.reply.side {
            return Err(SaidError::NoLie("they are of two windows or sides"));
        }
        if earlier.root() != later.root() {
            return Err(SaidError::NoLie("they are about two roots: what is there changed between them"));
        }
        let signer = signer(&window, side).ok_or(SaidError::NoLie("no card names the node that answered"))?;
        self.earlier.verify(network, &signer)?;
        self.later.verify(network, &signer)?;
        let mut roots = earlier.roots_of(&self.span);
        roots.extend(later.roots_of(&self.span));
        match roots.first() {
            Some(first) if roots.iter().any(|root| root != first) => Ok((window, side)),
            _ => Err(SaidError::NoLie("they give these numbers one root")),
        }
    }
}

impl Encode for Question {
    fn encode(&self, writer: &mut Writer) {
        match &self.step {
            Step::Root => {
                writer.array(2);
                self.window.encode(writer);
                writer.uint(0);
            }
            Step::Parts { root, bits, spans } => {
                writer.array(5);
                self.window.encode(writer);
                writer.uint(1);
                writer.bytes(root);
                writer.uint(u64::from(*bits));
                writer.array(spans.len());
                spans.iter().for_each(|span| span.encode(writer));
            }
            Step::Stands { root, numbers } => {
                writer.array(4);
                self.window.encode(writer);
                writer.uint(2);
                writer.bytes(root);
                writer.array(numbers.len());
                numbers.iter().for_each(|number| writer.uint(*number));
            }
        }
    }
}

impl Decode for Question {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        let start = reader.position();
        let length = reader.array(5)?;
        let window = Window::decode(reader)?;
        let step = match (reader.uint()?, length) {
            (0, 2) => Step::Root,
            (1, 5) => decode_parts(reader, &window)?,
            (2, 4) => {
                let root = reader.fixed()?;
                let (mut numbers, mut last) = (Vec::new(), None);
                for _ in 0..reader.array(MAX_WINDOW_ASKED)? {
                    let at = reader.position();
                    let number = reader.key(&mut last)?;
                    if !Span::new(number, 1).is_some_and(|one| window.span().has(&one)) {
                        return Err(reader.refuse(at, "a number that is not in the window"));
                    }
                    numbers.push(number);
                }
                reader.leave();
                Step::Stands { root, numbers }
            }
            _ => return Err(reader.refuse(start, "no question about a window")),
        };
        reader.leave();
        Ok(Self { window, step })
    }
}

fn decode_parts(reader: &mut Reader<'_>, window: &Window) -> Result<Step, CborError> {
    let root = reader.fixed()?;
    let start = reader.position();
    let bits = reader.uint_max(u64::from(MAX_WINDOW_BITS))? as u32; // at most six
    if bits == 0 {
        return Err(reader.refuse(start, "no level further down"));
    }
    let mut spans: Vec<Span> = Vec::new();
    for _ in 0..reader.array(MAX_WINDOW_SPANS.min(MAX_WINDOW_ROOTS >> bits))? {
        let at = reader.position();
        let span = Span::decode(reader)?;
        if !window.span().has(&span) {
            return Err(reader.refuse(at, "numbers that are not in the window"));
        }
        if spans.last().is_some_and(|last| last.last() >= span.from()) {
            return Err(reader.refuse(at, "parts that are not ascending"));
        }
        spans.push(span);
    }
    reader.leave();
    Ok(Step::Parts { root, bits, spans })
}

impl Encode for Answer {
    fn encode(&self, writer: &mut Writer) {
        writer.array(2);
        match self {
            Answer::Root(root) => {
                writer.uint(0);
                writer.bytes(root);
            }
            Answer::Parts(parts) => {
                writer.uint(1);
                writer.array(parts.len());
                for roots in parts {
                    writer.array(roots.len());
                    roots.iter().for_each(|root| writer.bytes(root));
                }
            }
            Answer::Stands(stands) => {
                writer.uint(2);
                writer.array(stands.len());
                stands.iter().for_each(|stand| stand.encode(writer));
            }
        }
    }
}

impl Decode for Answer {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        let start = reader.position();
        reader.tuple(2)?;
        let answer = match reader.uint()? {
            0 => Answer::Root(reader.fixed()?),
            1 => {
                let part = |r: &mut Reader<'_>| r.list(1 << MAX_WINDOW_BITS, Reader::fixed);
                let parts = reader.list(MAX_WINDOW_SPANS, part)?;
                Answer::Parts(parts)
            }
            2 => {
                let stands = reader.list(MAX_WINDOW_ASKED, Stand::decode)?;
                Answer::Stands(stands)
            }
            _ => return Err(reader.refuse(start, "no answer about a window")),
        };
        reader.leave();
        Ok(answer)
    }
}

impl Encode for Reply {
    fn encode(&self, writer: &mut Writer) {
        writer.array(5);
        self.encode_words(writer);
        writer.bytes(&self.signature);
    }
}

impl Decode for Reply {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.tuple(5)?;
        let reply = Self {
            side: Side::decode(reader)?,
            log: reader.text(MAX_KEY_NAME_BYTES)?.to_owned(),
            entries: reader.uint()?,
            answer: reader.bytes(MAX_ANSWER_BYTES)?.to_vec(),
            signature: reader.fixed()?,
        };
        reader.leave();
        Ok(reply)
    }
}

impl Encode for Said {
    fn encode(&self, writer: &mut Writer) {
        writer.array(2);
        writer.bytes(&self.question);
        self.reply.encode(writer);
    }
}

impl Decode for Said {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.tuple(2)?;
        let said = Self { question: reader.bytes(MAX_QUESTION_BYTES)?.to_vec(), reply: Reply::decode(reader)? };
        reader.leave();
        Ok(said)
    }
}

impl Encode for Lie {
    fn encode(&self, writer: &mut Writer) {
        writer.array(3);
        self.earlier.encode(writer);
        self.later.encode(writer);
        self.span.encode(writer);
    }
}

impl Decode for Lie {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.tuple(3)?;
        let lie = Self { earlier: Said::decode(reader)?, later: Said::decode(reader)?, span: Span::decode(reader)? };
        reader.leave();
        Ok(lie)
    }
}
