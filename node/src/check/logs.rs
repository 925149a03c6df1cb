//! What the node keeps of logs from their checkpoints: notes and evidence, each under the key of its log.

use luxor_protocol::document::Directory;
use luxor_protocol::exchange::{log_key, policy_of, witness_name};
use luxor_protocol::tlog::{Checkpoint, ForkEvidence, KeyType, Note, NoteSignature, Policy, VerifierKey};

use super::Check;
use super::report::KEEP;
use crate::store::{Family, LogFact, LogKey};

impl Check<'_> {
    /// Checkpoints held of other logs, cosigned ones, evidence.
    pub(super) fn logs(&mut self) {
        self.notes.kinds(&["checkpoints of logs", "fork evidence"]);
        if !self.documents_whole {
            self.notes.not_checked("checkpoints of logs: a document is damaged".into());
            return;
        }
        let store = self.store.clone();
        let mut rows = store.scan::<LogKey>(Family::Logs);
        for (key, value) in rows.by_ref() {
            let (kind, name) = match key.fact {
                LogFact::Held => ("checkpoints of logs", "checkpoint held"),
                LogFact::Cosigned => ("checkpoints of logs", "cosigned checkpoint"),
                LogFact::Fork => ("fork evidence", "fork evidence"),
            };
            let what = format!("{name} of {}", key.origin);
            let Some(directory) = &self.directory else {
                self.notes.not_checked(format!("{what}: the cards are not in documents/"));
                continue;
            };
            let verdict = match log_keys(directory, &key.origin) {
                keys if keys.is_empty() => Err("no card names this log".to_owned()),
                keys => judge(directory, &key, &value, &keys),
            };
            match verdict {
                Ok(Whole::All) => self.notes.checked(kind),
                Ok(Whole::ButFormerWitnesses) => {
                    self.notes.checked(kind);
                    self.notes.not_checked(format!("{what}: cosignatures by keys that witnesses no longer have"));
                }
                Err(why) => self.notes.finding(what, why, KEEP),
            }
        }
        self.notes.faults(Family::Logs, &mut rows);
    }
}

/// Keys of the log of this origin, on a card or a former one.
fn log_keys(directory: &Directory, origin: &str) -> Vec<VerifierKey> {
    let mut keys = Vec::new();
    for node in directory.nodes() {
        if node.card.origin == origin {
            keys.extend(log_key(node));
        }
        for former in node.former_logs.iter().filter(|former| former.origin == origin) {
            keys.extend(VerifierKey::new(origin, KeyType::Ed25519, former.log.verifying_key()));
        }
    }
    keys
}

/// How much of a value was checked.
enum Whole {
    All,
    /// Cosignatures are left whose keys are on no card any more.
    ButFormerWitnesses,
}

fn judge(directory: &Directory, key: &LogKey, value: &[u8], keys: &[VerifierKey]) -> Result<Whole, String> {
    if key.fact == LogFact::Fork {
        let evidence = ForkEvidence::parse(value).map_err(|e| e.to_string())?;
        if !keys.contains(&evidence.log_key) {
            return Err("it is about another key than the log's".into());
        }
        return evidence.verify().map(|_| Whole::All).map_err(|e| e.to_string());
    }
    let note = Note::parse(value).map_err(|e| e.to_string())?;
    let signed = |known: &VerifierKey| Checkpoint::from_note(&note, known).map_err(|e| e.to_string());
    keys.iter().map(signed).reduce(Result::or).unwrap_or(Err("no key".into()))?;
    let mut known = keys.to_vec();
    let policy = directory.node_by_origin(&key.origin).and_then(|node| policy_of(directory, node).ok());
    known.extend(policy.iter().flat_map(Policy::witnesses).map(|witness| witness.key.clone()));
    note.verify(&known).map_err(|e| e.to_string())?;
    let by_known = |line: &&NoteSignature| known.iter().any(|k| k.name() == line.name && k.key_id() == line.key_id);
    let mut former = false;
    for line in note.signatures.iter().filter(|line| !by_known(line)) {
        if !was_witness(directory, &line.name) {
            return Err(format!("a signature by {}, which is kept of nobody", line.name));
        }
        former = true;
    }
    let Some(policy) = policy.filter(|_| !former && key.fact == LogFact::Cosigned) else {
        return Ok(if former { Whole::ButFormerWitnesses } else { Whole::All });
    };
    let satisfied = policy.satisfied_by(&note).map_err(|e| e.to_string())?;
    satisfied.time.map(|_| Whole::All).ok_or_else(|| "its cosignatures make no quorum".into())
}

/// Whether a node cosigned under this name before it began a new log.
fn was_witness(directory: &Directory, name: &str) -> bool {
    let mut former = directory.nodes().flat_map(|node| &node.former_logs);
    former.any(|log| witness_name(&log.origin) == name)
}
