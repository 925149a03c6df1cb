//! What the node keeps of logs from their checkpoints: notes and evidence, each under the key of its log.

use luxor_protocol::document::Directory;
use luxor_protocol::exchange::{log_keys, policy_of, witness_name};
use luxor_protocol::tlog::{Checkpoint, ForkEvidence, Held, Note, NoteSignature, Policy, VerifierKey};

use super::Check;
use super::report::KEEP;
use crate::store::{Family, LogFact, LogKey, read_unplaced};

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
                LogFact::Unplaced => ("checkpoints of logs", "unplaced checkpoints"),
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

/// Whether a checkpoint of the own log has a quorum of cosignatures, as far as their keys are known.
///
/// # Errors
/// What is wrong with it.
pub(super) fn cosigned(directory: &Directory, origin: &str, note: &[u8]) -> Result<(), String> {
    let key = LogKey::new(LogFact::Cosigned, origin);
    judge(directory, &key, note, &log_keys(directory, origin)).map(drop)
}

/// How much of a value was checked.
enum Whole {
    All,
    /// Cosignatures are left whose keys are on no card any more.
    ButFormerWitnesses,
}

fn judge(directory: &Directory, key: &LogKey, value: &[u8], keys: &[VerifierKey]) -> Result<Whole, String> {
    if key.fact == LogFact::Unplaced {
        let signed = |held: &Held| keys.iter().any(|key| Checkpoint::open(&held.note_bytes, key).is_ok());
        return match read_unplaced(value)?.iter().all(signed) {
            true => Ok(Whole::All),
            false => Err("one of them is not signed by the log".into()),
        };
    }
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
