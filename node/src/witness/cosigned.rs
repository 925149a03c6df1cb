//! Cosignatures of this node's own checkpoints, gathered until they make the quorum. Pure: who asks, and where the result is
//! kept, is the driver's.
//!
//! Limits: [`MAX_GATHERING`].

use std::collections::BTreeMap;

use luxor_protocol::tlog::{AnswerError, Note, Policy, VerifierKey, add_cosignatures};

/// Checkpoints for which cosignatures are gathered at a time; older ones are given up, a larger one says more.
const MAX_GATHERING: usize = 8;

/// A checkpoint whose cosignatures make the quorum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CosignedCheckpoint {
    /// Entries it covers.
    pub size: u64,
    /// The signed note with its cosignatures.
    pub note: Vec<u8>,
    /// The quorum time: seconds since 1970.
    pub time: u64,
}

/// What a witness last did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WitnessState {
    /// The largest size that it cosigned for this process.
    pub size: u64,
    /// What keeps it from cosigning, for people; absent when nothing does.
    pub reason: Option<String>,
}

/// Cosignatures in the making.
pub struct Cosigned {
    policy: Policy,
    /// Of everybody who is asked: first the policy's witnesses, then others, whose cosignatures stand beside.
    keys: Vec<VerifierKey>,
    /// By size.
    gathering: BTreeMap<u64, Note>,
    best: Option<CosignedCheckpoint>,
    states: Vec<WitnessState>,
}

impl Cosigned {
    /// Nothing gathered yet; `kept` is what was cosigned before the process began. `keys` are those of everybody who is asked, in
    /// that order.
    pub fn new(policy: Policy, keys: Vec<VerifierKey>, kept: Option<(u64, Vec<u8>)>) -> Self {
        let states = vec![WitnessState::default(); keys.len()];
        let mut cosigned = Self { policy, keys, gathering: BTreeMap::new(), best: None, states };
        cosigned.best = kept.and_then(|(size, note)| cosigned.judge(size, &Note::parse(&note).ok()?));
        cosigned
    }

    /// The newest checkpoint with a quorum.
    pub fn best(&self) -> Option<&CosignedCheckpoint> {
        self.best.as_ref()
    }

    /// The quorum time of a checkpoint that was kept: seconds since 1970; `None` where the witnesses that there are today make no
    /// quorum on it.
    pub fn time_of(&self, note: &[u8]) -> Option<u64> {
        self.judge(0, &Note::parse(note).ok()?).map(|judged| judged.time)
    }

    /// The witnesses' states, in the order of their keys.
    pub fn states(&self) -> &[WitnessState] {
        &self.states
    }

    /// Goes on with another policy and other witnesses. What is gathered stays, and what had its quorum keeps it.
    pub fn follow(&mut self, policy: Policy, keys: Vec<VerifierKey>) {
        let state = |key: &VerifierKey| self.place(key).and_then(|place| self.states.get(place).cloned());
        let states = keys.iter().map(|key| state(key).unwrap_or_default()).collect();
        (self.policy, self.keys, self.states) = (policy, keys, states);
    }

    /// The place of a witness, as long as it is asked.
    pub fn place(&self, key: &VerifierKey) -> Option<usize> {
        self.keys.iter().position(|other| other == key)
    }

    /// The key of a witness, by its place.
    pub fn key(&self, witness: usize) -> Option<&VerifierKey> {
        self.keys.get(witness)
    }

    /// Begins to gather for a checkpoint, from its signed note. The same size again begins anew: later cosignatures say that
    /// it still holds.
    pub fn offer(&mut self, size: u64, note: &[u8]) {
        let Ok(note) = Note::parse(note) else { return };
        self.gathering.insert(size, note);
        while self.gathering.len() > MAX_GATHERING {
            self.gathering.pop_first();
        }
    }

    /// Takes a witness's answer to a checkpoint of this size. Gives the checkpoint to be kept when the answer completed its
    /// quorum.
    ///
    /// # Errors
    /// [`AnswerError`] when the answer holds no good cosignature by this witness.
    pub fn add(&mut self, witness: usize, size: u64, body: &[u8]) -> Result<Option<CosignedCheckpoint>, AnswerError> {
        let Some(key) = self.key(witness).cloned() else { return Ok(None) };
        let Some(note) = self.gathering.get_mut(&size) else { return Ok(None) };
        add_cosignatures(note, body, &[key])?;
        if let Some(state) = self.states.get_mut(witness) {
            *state = WitnessState { size: state.size.max(size), reason: None };
        }
        let note = note.clone();
        let Some(judged) = self.judge(size, &note) else { return Ok(None) };
        let newer = self.best.as_ref().is_none_or(|best| (judged.size, judged.time) > (best.size, best.time));
        if newer {
            self.best = Some(judged.clone());
        }
        Ok(newer.then_some(judged))
    }

    /// Remembers why a witness does not cosign.
    pub fn failed(&mut self, witness: usize, reason: impl Into<String>) {
        if let Some(state) = self.states.get_mut(witness) {
            state.reason = Some(reason.into());
        }
    }

    fn judge(&self, size: u64, note: &Note) -> Option<CosignedCheckpoint> {
        let satisfied = self.policy.satisfied_by(note).ok()?;
        let time = satisfied.time.filter(|_| satisfied.quorum && satisfied.log.is_some())?;
        Some(CosignedCheckpoint { size, note: note.to_bytes(), time })
    }
}

#[cfg(test)]
mod tests {
    use luxor_protocol::keys::{KeyUse, SecretKey};
    use luxor_protocol::tlog::{Checkpoint, KeyType, cosign_line};

    use super::*;

    const ORIGIN: &str = "log.example/1";

    fn key(number: u8) -> SecretKey {
        SecretKey::from_seed(KeyUse::Witness, &[number; 32]).unwrap()
    }

    fn name(witness: u8) -> String {
        format!("w{witness}.example/witness")
    }

    fn gathering(witnesses: u8) -> Cosigned {
        let log = VerifierKey::new(ORIGIN, KeyType::Ed25519, key(100).public().verifying_key()).unwrap();
        let keys: Vec<_> = (0..witnesses)
            .map(|w| VerifierKey::new(&name(w), KeyType::Cosignature, key(w + 1).public().verifying_key()).unwrap())
            .collect();
        Cosigned::new(Policy::flat(&[log], &keys, None).unwrap(), keys, None)
    }

    fn signed(size: u64) -> Vec<u8> {
        Checkpoint::new(ORIGIN, size, [size as u8; 32]).sign(key(100).signing_key()).unwrap().to_bytes()
    }

    fn line(witness: u8, size: u64, time: u64) -> Vec<u8> {
        let text = Note::parse(&signed(size)).unwrap().text;
        cosign_line(&text, &name(witness), key(witness + 1).signing_key(), time).unwrap().into_bytes()
    }

    #[test]
    fn a_quorum_makes_a_checkpoint_count_and_the_largest_is_kept() {
        // Three of four.
        let mut cosigned = gathering(4);
        cosigned.offer(5, &signed(5));
        assert_eq!(cosigned.add(0, 5, &line(0, 5, 100)), Ok(None));
        assert_eq!(cosigned.add(0, 5, &line(0, 5, 101)), Ok(None), "one witness counts once");
        assert_eq!(cosigned.add(1, 5, &line(1, 5, 90)), Ok(None));
        assert!(cosigned.add(2, 5, &line(3, 5, 90)).is_err(), "another witness's line");
        let made = cosigned.add(3, 5, &line(3, 5, 95)).unwrap().unwrap();
        assert_eq!((made.size, made.time), (5, 100), "the third smallest time");
        cosigned.offer(9, &signed(9));
        assert_eq!(cosigned.best(), Some(&made), "the next has none yet");
        for witness in 0..3 {
            cosigned.add(witness, 9, &line(witness as u8, 9, 200)).unwrap();
        }
        assert_eq!(cosigned.best().unwrap().size, 9);
        // What comes late for a smaller one changes nothing.
        assert_eq!(cosigned.add(2, 5, &line(2, 5, 300)), Ok(None));
        assert_eq!(cosigned.best().unwrap().size, 9);
        let kept = (9, cosigned.best().unwrap().note.clone());
        let Cosigned { policy, keys, .. } = gathering(4);
        assert_eq!(Cosigned::new(policy.clone(), keys.clone(), Some(kept)).best(), cosigned.best());
        assert_eq!(Cosigned::new(policy, keys, Some((9, signed(9)))).best(), None, "kept without a quorum");
        assert_eq!(cosigned.states()[0], WitnessState { size: 9, reason: None });
    }

    #[test]
    fn a_checkpoint_offered_again_is_cosigned_anew() {
        let mut cosigned = gathering(1);
        cosigned.offer(5, &signed(5));
        assert_eq!(cosigned.add(0, 5, &line(0, 5, 100)).unwrap().unwrap().time, 100);
        cosigned.offer(5, &signed(5));
        assert_eq!(cosigned.add(0, 5, &line(0, 5, 700)).unwrap().unwrap().time, 700);
        cosigned.failed(0, "away");
        assert_eq!(cosigned.states()[0], WitnessState { size: 5, reason: Some("away".into()) });
        for size in 10..30 {
            cosigned.offer(size, &signed(size));
        }
        assert_eq!(cosigned.gathering.len(), MAX_GATHERING);
        assert_eq!(cosigned.add(0, 5, &line(0, 5, 800)), Ok(None), "given up");
        assert_eq!(cosigned.add(7, 29, b""), Ok(None), "no such witness");
    }

    #[test]
    fn other_witnesses_go_on_with_what_was_gathered() {
        let mut cosigned = gathering(1);
        cosigned.offer(5, &signed(5));
        let made = cosigned.add(0, 5, &line(0, 5, 100)).unwrap();
        assert!(made.is_some());
        let Cosigned { policy, mut keys, .. } = gathering(2);
        keys.reverse();
        cosigned.follow(policy, keys.clone());
        assert_eq!(cosigned.best(), made.as_ref(), "it had its quorum");
        assert_eq!([cosigned.states()[0].size, cosigned.states()[1].size], [0, 5]);
        assert_eq!(cosigned.place(&keys[1]), Some(1));
        cosigned.offer(9, &signed(9));
        assert_eq!(cosigned.add(1, 9, &line(0, 9, 200)), Ok(None), "two are needed now");
        assert_eq!(cosigned.add(0, 9, &line(1, 9, 210)).unwrap().unwrap().size, 9);
        let Cosigned { policy, keys: fewer, .. } = gathering(1);
        cosigned.follow(policy, fewer);
        assert_eq!(cosigned.place(&keys[0]), None, "it is asked no longer");
    }

    #[test]
    fn who_is_beside_the_policy_is_gathered_and_counts_for_nothing() {
        let Cosigned { policy, mut keys, .. } = gathering(2);
        keys.push(VerifierKey::new(&name(7), KeyType::Cosignature, key(8).public().verifying_key()).unwrap());
        let mut cosigned = Cosigned::new(policy, keys, None);
        cosigned.offer(5, &signed(5));
        assert_eq!(cosigned.add(2, 5, &line(7, 5, 100)), Ok(None));
        assert_eq!(cosigned.add(0, 5, &line(0, 5, 200)), Ok(None), "both of the policy's are asked for");
        let made = cosigned.add(1, 5, &line(1, 5, 150)).unwrap().unwrap();
        assert_eq!((made.time, Note::parse(&made.note).unwrap().signatures.len()), (200, 4));
    }

    #[test]
    fn without_witnesses_nothing_is_ever_witnessed() {
        let mut cosigned = gathering(0);
        cosigned.offer(5, &signed(5));
        assert_eq!(cosigned.add(0, 5, b""), Ok(None));
        assert_eq!(cosigned.best(), None);
    }
}
