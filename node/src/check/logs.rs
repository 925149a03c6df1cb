//! What the node keeps of logs from their checkpoints: notes and evidence, each under the key of its log.

use luxor_protocol::document::Directory;
use luxor_protocol::exchange::{log_key, policy_of};
use luxor_protocol::tlog::{Checkpoint, ForkEvidence, KeyType, Note, NoteSignature, VerifierKey};

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
                Ok(()) => self.notes.checked(kind),
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

fn judge(directory: &Directory, key: &LogKey, value: &[u8], keys: &[VerifierKey]) -> Result<(), String> {
    if key.fact == LogFact::Fork {
        let evidence = ForkEvidence::parse(value).map_err(|e| e.to_string())?;
        if !keys.contains(&evidence.log_key) {
            return Err("it is about another key than the log's".into());
        }
        return evidence.verify().map(|_| ()).map_err(|e| e.to_string());
    }
    let note = Note::parse(value).map_err(|e| e.to_string())?;
    let mut known = keys.to_vec();
    // A former log has no witnesses any more that could be named.
    if let Some(policy) = directory.node_by_origin(&key.origin).and_then(|node| policy_of(directory, node).ok()) {
        known.extend(policy.witnesses().iter().map(|witness| witness.key.clone()));
        if key.fact == LogFact::Cosigned {
            let satisfied = policy.satisfied_by(&note).map_err(|e| e.to_string())?;
            satisfied.time.ok_or("its cosignatures make no quorum")?;
        }
        let by_known = |line: &NoteSignature| known.iter().any(|k| k.name() == line.name && k.key_id() == line.key_id);
        if let Some(line) = note.signatures.iter().find(|line| !by_known(line)) {
            return Err(format!("a signature by {}, which is kept of nobody", line.name));
        }
    }
    let mut error = String::new();
    for key in keys {
        match Checkpoint::from_note(&note, key) {
            Ok(_) => return Ok(()),
            Err(refused) => error = refused.to_string(),
        }
    }
    Err(error)
}
