//! A window of a channel to measure reconciliation with: both sides' trees, and differences of every kind at numbers that are the same
//! each time.

use std::collections::BTreeSet;

use super::numbers::Numbers;
use crate::cbor::{Decode, Encode};
use crate::exchange::{Channel, Lane, Outcome};
use crate::hash::{Digest, Domain};
use crate::keys::{KeyUse, SecretKey};
use crate::reconciliation::{
    Bisection, Effect, Found, Input, Question, Reply, Side, Stand, Window, WindowTree, answer, outcome_digest,
};

/// Numbers of the window that the issue asks for.
pub const WINDOW_NUMBERS: u64 = 1_000_000;
/// Differences in it.
pub const DIFFERENCES: u64 = 100;

/// Both sides of a window.
#[derive(Debug)]
pub struct SampleWindow {
    window: Window,
    sender: WindowTree,
    recipient: WindowTree,
    differing: BTreeSet<u64>,
    key: SecretKey,
}

/// What one comparison took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowRun {
    /// Questions, each with its answer.
    pub rounds: usize,
    /// Bytes of all questions and answers.
    pub bytes: usize,
    /// Differences found.
    pub found: usize,
}

impl SampleWindow {
    /// So many numbers with so many differences.
    ///
    /// # Errors
    /// When there is no such window.
    pub fn new(numbers: u64, differences: u64) -> Result<Self, Box<dyn std::error::Error>> {
        let channel = Channel {
            sender: "post-de/n1".parse()?,
            recipient: "customs-kr/n1".parse()?,
            epoch: 1,
            lane: Lane::Ordinary,
        };
        let window = Window::new(channel, 1, numbers)?;
        let mut random = Numbers(1);
        let mut differing = BTreeSet::new();
        while differing.len() < usize::try_from(differences.min(numbers))? {
            differing.insert(random.up_to(numbers - 1) + 1);
        }
        let accepted = outcome_digest(&Outcome::Taken(Vec::new()));
        let (mut sender, mut recipient) = (Vec::new(), Vec::new());
        for number in 1..=numbers {
            let dispatch = Digest::of(Domain::Dispatch, &[&number.to_be_bytes()]);
            let settled = Stand::Settled { dispatch, outcome: accepted };
            sender.push(settled);
            recipient.push(match (differing.contains(&number), number % 3) {
                (false, _) => settled,
                (true, 0) => Stand::Absent,
                (true, 1) => Stand::withdrawn(dispatch),
                (true, _) => Stand::Settled { dispatch: Digest::of(Domain::Dispatch, &[&[0]]), outcome: accepted },
            });
        }
        let tree = |stands| WindowTree::new(window.span(), stands).ok_or("there is a stand for each number");
        let (sender, recipient) = (tree(sender)?, tree(recipient)?);
        let key = SecretKey::from_seed(KeyUse::Sign, &[7; 32])?;
        Ok(Self { window, sender, recipient, differing, key })
    }

    /// Makes both sides alike.
    pub fn settle(&mut self) {
        self.recipient = self.sender.clone();
        self.differing.clear();
    }

    /// The sender compares its side with the recipient's, so many levels at a time: every question and reply is encoded, decoded,
    /// signed and verified as between nodes.
    ///
    /// # Errors
    /// When the differences found are others than there are.
    pub fn run(&self, bits: u32) -> Result<WindowRun, Box<dyn std::error::Error>> {
        let mut bisection = Bisection::new(self.window.clone(), Side::Recipient, bits);
        let mut effects = bisection.input(&self.sender, Input::Start(None))?;
        loop {
            let found = match effects.pop() {
                Some(Effect::Ask(question)) => {
                    let reply = self.reply(&question.to_cbor())?;
                    effects = bisection.input(&self.sender, Input::Reply(reply))?;
                    continue;
                }
                Some(Effect::Done(Found::Equal(_))) => BTreeSet::new(),
                Some(Effect::Done(Found::Different { differences, .. })) => {
                    differences.iter().map(|compared| compared.number).collect()
                }
                other => return Err(format!("the comparison ended with {other:?}").into()),
            };
            if found != self.differing {
                return Err("other differences were found than there are".into());
            }
            return Ok(WindowRun { rounds: bisection.rounds(), bytes: bisection.bytes(), found: found.len() });
        }
    }

    fn reply(&self, question: &[u8]) -> Result<Reply, Box<dyn std::error::Error>> {
        let network = Digest::ZERO;
        let answered = answer(&self.recipient, &Question::from_cbor(question)?)?;
        let log = ("log.example/customs-kr", 1);
        let reply = Reply::sign(&network, question, Side::Recipient, log, &answered, &self.key);
        let reply = Reply::from_cbor(&reply.to_cbor())?;
        let said = crate::reconciliation::Said { question: question.to_vec(), reply };
        said.verify(&network, self.key.public())?;
        Ok(said.reply)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::time::Instant;

    use super::*;

    /// `cargo test --release -p luxor-protocol -- --ignored --nocapture a_window_of_a_million`.
    #[test]
    #[ignore = "a measurement of some seconds"]
    fn a_window_of_a_million_numbers() {
        let begun = Instant::now();
        let mut sample = SampleWindow::new(WINDOW_NUMBERS, DIFFERENCES).unwrap();
        println!("both trees of {WINDOW_NUMBERS} numbers: {:?}", begun.elapsed());
        for bits in 1..=6 {
            let begun = Instant::now();
            let run = sample.run(bits).unwrap();
            let took = begun.elapsed();
            println!("fan-out {}: {run:?} in {took:?}", 1 << bits);
            assert!(bits > 5 || run.bytes < 400_000 && took.as_secs() < 2, "the budget is 400 KB and 2 s");
        }
        sample.settle();
        let begun = Instant::now();
        println!("equal: {:?} in {:?}", sample.run(4).unwrap(), begun.elapsed());
    }

    #[test]
    fn a_small_window_takes_few_questions_and_an_equal_one_takes_one() {
        let mut sample = SampleWindow::new(5_000, 7).unwrap();
        let run = sample.run(4).unwrap();
        assert_eq!(run.found, 7);
        assert!(run.rounds <= 6, "{run:?}");
        sample.settle();
        let run = sample.run(4).unwrap();
        assert_eq!((run.rounds, run.found), (1, 0));
        assert!(run.bytes < 300, "one root, its signature and the names: {run:?}");
    }
}
