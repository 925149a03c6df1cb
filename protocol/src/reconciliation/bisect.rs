//! The asking side of a comparison: one question at a time, from the root down to the numbers that differ.
//!
//! Every answer is held against what was said before: the roots of parts must lead to the root of the whole, what stands at a
//! number must be the leaf that was told. Whoever answers otherwise is named with both signed answers. If either side changes
//! meanwhile, the comparison begins again.
//!
//! Not here: sending, timeouts, and the signature of a reply, which the caller checks before it hands it in ([`Said::verify`]).
//!
//! Limits: [`MAX_WINDOW_ROUNDS`], [`MAX_WINDOW_BYTES`], [`MAX_DIFFERENCES`].

use std::collections::VecDeque;

use super::kept::Kept;
use super::question::{Answer, Lie, Question, Reply, Said, SaidError, Step};
use super::window::{Side, Span, Stand, Window};
use crate::cbor::Encode;
use crate::limits::{
    MAX_DIFFERENCES, MAX_WINDOW_ASKED, MAX_WINDOW_BITS, MAX_WINDOW_BYTES, MAX_WINDOW_ROOTS, MAX_WINDOW_ROUNDS,
    MAX_WINDOW_SPANS,
};
use crate::tlog::Hash;

/// Levels that one question goes down where nothing else is asked for: sixteen roots for each part, so that a million numbers
/// with a hundred differences take seven questions and half of the bytes that the budget allows.
pub const DEFAULT_BITS: u32 = 4;

/// A comparison of one window with the other side.
#[derive(Debug, Clone)]
pub struct Bisection {
    window: Window,
    /// Which side is asked.
    peer: Side,
    bits: u32,
    own: Hash,
    told: Option<Hash>,
    said: Vec<Said>,
    /// Parts of more than one number whose roots differ, ascending.
    open: VecDeque<Open>,
    /// Numbers whose leaves differ.
    leaves: VecDeque<Open>,
    found: Vec<Compared>,
    asked: Option<Asked>,
    rounds: usize,
    bytes: usize,
    done: bool,
}

/// What comes in.
#[derive(Debug, Clone)]
pub enum Input {
    /// Begin; the other side's root where it is known already.
    Start(Option<Hash>),
    /// The answer to the question that was asked last, its signature verified.
    Reply(Reply),
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Ask the other side; sending the same bytes again is harmless.
    Ask(Question),
    /// The comparison ended.
    Done(Found),
}

/// A number at which both sides differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compared {
    /// The number.
    pub number: u64,
    /// What the asking side has.
    pub own: Stand,
    /// What the other side has.
    pub peer: Stand,
}

/// How a comparison ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Both sides have this root.
    Equal(Hash),
    /// They differ exactly at these numbers, ascending.
    Different {
        /// The root of the asking side.
        own: Hash,
        /// The root of the other side.
        peer: Hash,
        /// The differences.
        differences: Vec<Compared>,
        /// What the other side said, for a dispute file.
        said: Vec<Said>,
    },
    /// The bounds were reached before the end.
    Stopped {
        /// Which one.
        bound: Bound,
        /// Up to this number all differences are among those found; 0 where nothing is complete.
        complete_to: u64,
        /// Those found so far, ascending.
        differences: Vec<Compared>,
    },
    /// The other side contradicted itself.
    Lied(Box<Lie>),
    /// The other side's answer is none to the question.
    Broken(SaidError),
}

/// What a comparison does not go beyond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// [`MAX_WINDOW_ROUNDS`].
    Rounds,
    /// [`MAX_WINDOW_BYTES`].
    Bytes,
    /// [`MAX_DIFFERENCES`].
    Differences,
}

/// A part whose root differs.
#[derive(Debug, Clone, Copy)]
struct Open {
    span: Span,
    /// The root that the other side told.
    told: Hash,
    /// Where in `said`; none where it was known at the start.
    by: Option<usize>,
}

/// The question that waits for its answer.
#[derive(Debug, Clone)]
struct Asked {
    question: Question,
    encoded: Vec<u8>,
    of: Vec<Open>,
}

impl Bisection {
    /// A comparison with the side `peer`, so many levels (1 to [`MAX_WINDOW_BITS`], else the nearest) at a time.
    pub fn new(window: Window, peer: Side, bits: u32) -> Self {
        Self {
            window,
            peer,
            bits: bits.clamp(1, MAX_WINDOW_BITS),
            own: [0; 32],
            told: None,
            said: Vec::new(),
            open: VecDeque::new(),
            leaves: VecDeque::new(),
            found: Vec::new(),
            asked: None,
            rounds: 0,
            bytes: 0,
            done: false,
        }
    }

    /// Questions asked so far.
    pub fn rounds(&self) -> usize {
        self.rounds
    }

    /// Bytes of the questions asked and the replies that came, as encoded.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes an input and tells what is to be done. `kept` is the asking side's own. A reply that nothing waits for is ignored.
    ///
    /// # Errors
    /// Whatever keeps the reader from telling.
    pub fn input<K: Kept + ?Sized>(&mut self, kept: &K, input: Input) -> Result<Vec<Effect>, K::Error> {
        let effects = match input {
            Input::Start(told) if self.rounds == 0 && self.asked.is_none() && !self.done => self.start(kept, told)?,
            Input::Reply(reply) => match self.asked.take() {
                Some(asked) => self.reply(kept, asked, reply)?,
                None => Vec::new(),
            },
            Input::Start(_) => Vec::new(),
        };
        self.done |= effects.iter().any(|effect| matches!(effect, Effect::Done(_)));
        Ok(effects)
    }

    fn start<K: Kept + ?Sized>(&mut self, kept: &K, told: Option<Hash>) -> Result<Vec<Effect>, K::Error> {
        match told {
            Some(root) => self.begin(kept, root, None),
            None => Ok(self.ask(Step::Root, Vec::new())),
        }
    }

    /// Begins, or begins again, from the other side's root.
    fn begin<K: Kept + ?Sized>(&mut self, kept: &K, told: Hash, by: Option<usize>) -> Result<Vec<Effect>, K::Error> {
        self.own = self.window.span().root(kept)?;
        self.told = Some(told);
        self.open.clear();
        self.leaves.clear();
        self.found.clear();
        if self.own == told {
            return Ok(vec![Effect::Done(Found::Equal(told))]);
        }
        self.differs(Open { span: self.window.span(), told, by });
        self.next(kept)
    }

    fn differs(&mut self, open: Open) {
        match open.span.count() {
            1 => self.leaves.push_back(open),
            _ => self.open.push_back(open),
        }
    }

    fn reply<K: Kept + ?Sized>(&mut self, kept: &K, asked: Asked, reply: Reply) -> Result<Vec<Effect>, K::Error> {
        self.bytes = self.bytes.saturating_add(reply.to_cbor().len());
        let (side, said) = (reply.side, Said { question: asked.encoded, reply });
        let words = match said.read() {
            Ok(words) if side == self.peer => words,
            Ok(_) => return Ok(vec![Effect::Done(Found::Broken(SaidError::Form("it is of the other side")))]),
            Err(error) => return Ok(vec![Effect::Done(Found::Broken(error))]),
        };
        let by = self.said.len();
        self.said.push(said);
        match (&asked.question.step, words.answer) {
            // Asked for, or the other side's root is another one meanwhile.
            (_, Answer::Root(root)) => return self.begin(kept, root, Some(by)),
            (Step::Parts { bits, .. }, Answer::Parts(parts)) => {
                let later = std::mem::take(&mut self.open);
                for (open, roots) in asked.of.iter().zip(parts) {
                    if open.span.fold(*bits, &roots) != Some(open.told) {
                        return Ok(self.lied(open, by));
                    }
                    for (span, told) in open.span.parts(*bits).into_iter().zip(roots) {
                        if span.root(kept)? != told {
                            self.differs(Open { span, told, by: Some(by) });
                        }
                    }
                }
                // What was asked about lies before everything that is still open.
                self.open.extend(later);
            }
            (Step::Stands { .. }, Answer::Stands(stands)) => {
                for (open, peer) in asked.of.iter().zip(stands) {
                    let number = open.span.from();
                    if peer.leaf(number) != open.told {
                        return Ok(self.lied(open, by));
                    }
                    let own = kept.stand(number)?;
                    if own != peer {
                        self.found.push(Compared { number, own, peer });
                    }
                }
            }
            // An answer of another form was refused above.
            _ => {}
        }
        self.next(kept)
    }

    /// Asks on, or ends.
    fn next<K: Kept + ?Sized>(&mut self, kept: &K) -> Result<Vec<Effect>, K::Error> {
        let bound = match () {
            () if self.found.len() > MAX_DIFFERENCES => Some(Bound::Differences),
            () if self.rounds >= MAX_WINDOW_ROUNDS => Some(Bound::Rounds),
            () if self.bytes >= MAX_WINDOW_BYTES => Some(Bound::Bytes),
            () => None,
        };
        let left = !self.open.is_empty() || !self.leaves.is_empty();
        if let Some(bound) = bound.filter(|bound| left || *bound == Bound::Differences) {
            return Ok(vec![Effect::Done(self.stopped(bound))]);
        }
        let root = self.told.unwrap_or_default();
        if self.leaves.len() >= MAX_WINDOW_ASKED || (self.open.is_empty() && left) {
            let mut of: Vec<Open> = self.leaves.drain(..self.leaves.len().min(MAX_WINDOW_ASKED)).collect();
            of.sort_by_key(|open| open.span);
            let numbers = of.iter().map(|open| open.span.from()).collect();
            return Ok(self.ask(Step::Stands { root, numbers }, of));
        }
        if left {
            let most = MAX_WINDOW_SPANS.min(MAX_WINDOW_ROOTS >> self.bits);
            let of: Vec<Open> = self.open.drain(..self.open.len().min(most)).collect();
            let spans = of.iter().map(|open| open.span).collect();
            return Ok(self.ask(Step::Parts { root, bits: self.bits, spans }, of));
        }
        // A verdict or receipt may have come meanwhile.
        if self.window.span().root(kept)? != self.own {
            return self.begin(kept, root, None);
        }
        self.found.sort_by_key(|compared| compared.number);
        let (differences, said) = (std::mem::take(&mut self.found), std::mem::take(&mut self.said));
        Ok(vec![Effect::Done(Found::Different { own: self.own, peer: root, differences, said })])
    }

    fn ask(&mut self, step: Step, of: Vec<Open>) -> Vec<Effect> {
        let question = Question { window: self.window.clone(), step };
        let encoded = question.to_cbor();
        self.rounds += 1;
        self.bytes = self.bytes.saturating_add(encoded.len());
        self.asked = Some(Asked { question: question.clone(), encoded, of });
        vec![Effect::Ask(question)]
    }

    fn stopped(&mut self, bound: Bound) -> Found {
        let mut differences = std::mem::take(&mut self.found);
        differences.sort_by_key(|compared| compared.number);
        let first_open = self.open.iter().chain(&self.leaves).map(|open| open.span.from()).min();
        let complete_to = first_open.map_or(self.window.span().last(), |first| first - 1);
        let complete_to = if complete_to < self.window.span().from() { 0 } else { complete_to };
        Found::Stopped { bound, complete_to, differences }
    }

    /// The answer at `by` contradicts what was told of this part.
    fn lied(&self, open: &Open, by: usize) -> Vec<Effect> {
        let later = self.said.get(by);
        let earlier = open.by.map_or(later, |earlier| self.said.get(earlier));
        let lie = earlier.zip(later).map(|(earlier, later)| Lie {
            earlier: earlier.clone(),
            later: later.clone(),
            span: open.span,
        });
        lie.map(|lie| Effect::Done(Found::Lied(Box::new(lie)))).into_iter().collect()
    }
}
