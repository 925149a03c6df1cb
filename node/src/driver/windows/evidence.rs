//! The dispute file: everything that this node has about some numbers of a channel, so that it verifies elsewhere.

use std::collections::BTreeSet;
use std::time::Duration;

use luxor_protocol::cbor::{Decode as _, Encode as _};
use luxor_protocol::document::{DocumentKind, KnownNode};
use luxor_protocol::exchange::{Arrival, Channel, DispatchHeader, log_key, open_deposit, open_receipt, policy_of};
use luxor_protocol::hash::Digest;
use luxor_protocol::limits::{MAX_DISPUTE_DEPOSITS, MAX_DISPUTE_ITEMS, MAX_DISPUTE_STATEMENTS};
use luxor_protocol::reconciliation::{Counted, Deposited, DisputeFile, Side, Span, Stand};
use luxor_protocol::tlog::{MemoryTree, Note, TlogProof, VerifierKey, leaf_hash};

use super::{WindowError, own_side};
use crate::driver::{Driver, ReceiptWitnesses, Shared};
use crate::store::StoreError;

/// How long a recipient is asked for a witnessed checkpoint over its receipt; without an answer the receipt as it came is put in.
const ASK_WITNESSED: Duration = Duration::from_secs(5);
/// Receipts for which that is asked in one file.
const MAX_ASKED: usize = 32;
/// Numbers behind those in dispute up to which a receipt is looked for whose channel root covers them.
const LOOKED_THROUGH: u64 = 4_096;
/// Numbers that are looked through for it, the last ones.
const MAX_LOOKED_THROUGH: usize = 8_192;

impl Driver {
    /// The dispute file about these numbers of a channel to or from this node; about those that the last comparison found to differ
    /// where none is named.
    ///
    /// # Errors
    /// [`WindowError`].
    pub async fn dispute_file(&self, channel: Channel, numbers: Vec<u64>) -> Result<Vec<u8>, WindowError> {
        let shared = self.shared.clone();
        let side = own_side(&shared, &channel);
        let side = side.ok_or_else(|| WindowError::Own(format!("{channel} neither begins nor ends here")))?;
        let of = channel.clone();
        let compared = self.window_beside(move || shared.store.compared(&of)).await?;
        let differing = compared.iter().flat_map(|row| row.differences.iter().map(|difference| difference.number()));
        let numbers: BTreeSet<u64> =
            if numbers.is_empty() { differing.collect() } else { numbers.into_iter().collect() };
        if numbers.is_empty() && compared.as_ref().is_none_or(|row| row.lies.is_empty()) {
            let why =
                "no number is named, and no comparison found one that differs\nhint: `luxor window compare` first";
            return Err(WindowError::Own(why.into()));
        }
        let (shared, of, about) = (self.shared.clone(), channel.clone(), numbers.clone());
        let gathered = tokio::task::spawn_blocking(move || gather(&shared, &of, side, &about)).await;
        let mut file = gathered.map_err(|_| WindowError::Stopping)??;
        if let Some(row) = compared {
            (file.said, file.lies) = (row.said, row.lies);
        }
        if side == Side::Sender {
            self.with_witnesses(&channel, &mut file, &numbers).await?;
            self.with_witnessed_deposits(&mut file).await?;
        }
        Ok(file.to_bytes()?)
    }

    /// Puts witnessed receipts in the place of those that are only signed, as far as the recipient shows them.
    async fn with_witnesses(
        &self,
        channel: &Channel,
        file: &mut DisputeFile,
        numbers: &BTreeSet<u64>,
    ) -> Result<(), WindowError> {
        let Some(known) = self.shared.directory().node(&channel.recipient).cloned() else { return Ok(()) };
        let keys = signers(&self.shared, &known)?;
        for number in numbers.iter().take(MAX_ASKED) {
            let asked = tokio::time::timeout(ASK_WITNESSED, self.receipt_witnesses(channel, *number)).await;
            let Ok(Ok(ReceiptWitnesses::Witnessed { file: witnessed, .. })) = asked else { continue };
            let Ok(read) = TlogProof::parse(&witnessed) else { continue };
            for receipt in &mut file.receipts {
                if TlogProof::parse(receipt).is_ok_and(|there| there.extra == read.extra) {
                    *receipt = only_by(&keys, read.clone());
                }
            }
        }
        Ok(())
    }

    /// The same of deposit receipts, as far as those who gave them show it.
    async fn with_witnessed_deposits(&self, file: &mut DisputeFile) -> Result<(), WindowError> {
        for deposited in file.deposits.iter_mut().take(MAX_ASKED) {
            let Some(known) = self.shared.directory().node(&deposited.with).cloned() else { continue };
            let Ok(signed) = TlogProof::parse(&deposited.receipt) else { continue };
            let asked = tokio::time::timeout(ASK_WITNESSED, self.first_proof(&known, &signed)).await;
            let Ok(Ok(Some((.., mut proof)))) = asked else { continue };
            proof.extra = signed.extra;
            deposited.receipt = only_by(&signers(&self.shared, &known)?, proof);
        }
        Ok(())
    }
}

/// The keys that may sign a checkpoint of a node's log: its own and its witnesses'.
fn signers(shared: &Shared, known: &KnownNode) -> Result<Vec<VerifierKey>, WindowError> {
    let own = |error: String| WindowError::Own(format!("the log of {}: {error}", known.node));
    let mut keys = vec![log_key(known).map_err(|error| own(error.to_string()))?];
    let policy = policy_of(&shared.directory(), known).map_err(|error| own(error.to_string()))?;
    keys.extend(policy.witnesses().iter().map(|witness| witness.key.clone()));
    Ok(keys)
}

/// A proof without signatures by others: what nobody can judge is left out.
fn only_by(keys: &[VerifierKey], mut proof: TlogProof) -> Vec<u8> {
    if let Ok(mut note) = Note::parse(&proof.checkpoint) {
        note.keep_signatures_by(keys);
        proof.checkpoint = note.to_bytes();
    }
    proof.to_bytes()
}

/// The same where it holds so. A log that was followed by another had other keys, and its receipt keeps all its lines: whoever reads it passes
/// over those that it does not know.
fn shown(keys: &[VerifierKey], proof: TlogProof, holds: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let whole = proof.to_bytes();
    let cut = only_by(keys, proof);
    if holds(&cut) { cut } else { whole }
}

/// What the store has.
fn gather(shared: &Shared, channel: &Channel, side: Side, numbers: &BTreeSet<u64>) -> Result<DisputeFile, WindowError> {
    let (store, directory) = (&shared.store, shared.directory());
    let mut file = DisputeFile::new(channel.clone(), Vec::new());
    let (mut agreements, mut uncounted) = (BTreeSet::new(), Vec::new());
    let recipient = directory.node(&channel.recipient).cloned();
    let recipient = recipient.ok_or_else(|| WindowError::Own(format!("no card names {}", channel.recipient)))?;
    let keys = signers(shared, &recipient)?;
    for number in numbers.iter().take(MAX_DISPUTE_ITEMS) {
        let (arrivals, receipt) = match side {
            Side::Sender => {
                let Some(row) = store.sent(channel, *number)? else { continue };
                let mut arrivals = vec![Arrival::Dispatch(row.envelope.clone())];
                arrivals.extend(row.withdrawal.map(Arrival::Withdrawal));
                (arrivals, store.receipt(channel, *number)?.map(|receipt| receipt.proof))
            }
            Side::Recipient => {
                let Some(row) = store.received(channel, *number)? else { continue };
                let proof = shared.sequencer.prove(row.entry).ok();
                (vec![row.arrival], proof)
            }
        };
        for arrival in arrivals {
            take(&mut file, &mut agreements, arrival)?;
        }
        if side == Side::Sender && file.deposits.len() < MAX_DISPUTE_DEPOSITS {
            deposited(shared, channel, *number, &mut file)?;
        }
        match receipt.and_then(|receipt| TlogProof::parse(&receipt).ok()) {
            Some(proof) => file.receipts.push(shown(&keys, proof, |cut| open_receipt(&recipient, cut).is_ok())),
            None => uncounted.push(*number),
        }
    }
    // The receipt that counts them is shown with the dispatch that it is for.
    if let Some(counted_by) = count(shared, channel, side, &recipient, &keys, &uncounted, &mut file)?
        && let Some(row) = store.sent(channel, counted_by)?.filter(|_| !numbers.contains(&counted_by))
    {
        take(&mut file, &mut agreements, Arrival::Dispatch(row.envelope))?;
    }
    let [first, last] = [numbers.first(), numbers.last()].map(|number| number.copied().unwrap_or(0));
    let statements = store.statements(channel, first..=u64::MAX, MAX_DISPUTE_STATEMENTS)?;
    file.statements = statements
        .into_iter()
        .filter(|row| row.read().is_ok_and(|statement| statement.window().span().from() <= last))
        .map(|row| row.cosigned)
        .collect();
    let ids: BTreeSet<_> = directory
        .documents()
        .filter(|(_, document)| agreements.contains(&document.digest()))
        .map(|(_, document)| document.id.clone())
        .collect();
    // A version proves nothing without those before it, a key nothing without its revocation; other agreements are nobody's business.
    let wanted = directory.documents().filter(|(_, document)| match document.kind {
        DocumentKind::Charter | DocumentKind::Card | DocumentKind::Revocation => true,
        DocumentKind::Agreement => ids.contains(&document.id),
        DocumentKind::Suspension | DocumentKind::Rejection => false,
    });
    file.documents = wanted.map(|(_, document)| document.to_cbor()).collect();
    Ok(file)
}

/// Puts in what the sender signed, and remembers the agreement that it rests on.
fn take(file: &mut DisputeFile, agreements: &mut BTreeSet<Digest>, arrival: Arrival) -> Result<(), WindowError> {
    if let Arrival::Dispatch(envelope) = &arrival {
        let header = DispatchHeader::from_cbor(&envelope.header);
        let header = header.map_err(|error| StoreError::damaged("a dispatch header", error))?;
        agreements.insert(header.agreement_digest);
    }
    file.arrivals.push(arrival);
    Ok(())
}

/// Puts in the receipt of a third member with which a dispatch was deposited.
fn deposited(shared: &Shared, channel: &Channel, number: u64, file: &mut DisputeFile) -> Result<(), WindowError> {
    let Some(row) = shared.store.given(channel, number)? else { return Ok(()) };
    let Some(known) = shared.directory().node(&row.with).cloned() else { return Ok(()) };
    if let Ok(proof) = TlogProof::parse(&row.proof) {
        let receipt = shown(&signers(shared, &known)?, proof, |cut| open_deposit(&known, cut).is_ok());
        file.deposits.push(Deposited { with: row.with, receipt });
    }
    Ok(())
}

/// Proves of numbers without a receipt that the recipient has them, where a receipt for another number says so; gives that number.
fn count(
    shared: &Shared,
    channel: &Channel,
    side: Side,
    recipient: &KnownNode,
    keys: &[VerifierKey],
    uncounted: &[u64],
    file: &mut DisputeFile,
) -> Result<Option<u64>, WindowError> {
    let (Some(first), Some(last), Side::Sender) = (uncounted.first(), uncounted.last(), side) else { return Ok(None) };
    let store = &shared.store;
    let given = store.last_stand(channel)?;
    // The receipt with the highest contiguous number that is known: those behind the gaps say the most.
    let mut best: Option<(u64, u64, TlogProof, [u8; 32])> = None;
    let behind = (*first..=given.min(last.saturating_add(LOOKED_THROUGH))).rev();
    for number in behind.take(MAX_LOOKED_THROUGH) {
        let Some(row) = store.receipt(channel, number)? else { continue };
        let Ok(receipt) = open_receipt(recipient, &row.proof) else { continue };
        let contiguous = receipt.body.contiguous;
        if best.as_ref().is_none_or(|(best, ..)| contiguous > *best)
            && let Ok(proof) = TlogProof::parse(&row.proof)
        {
            best = Some((contiguous, number, proof, receipt.body.channel_root));
        }
    }
    let Some((contiguous, by, proof, root)) = best else { return Ok(None) };
    let Some(span) = Span::new(1, contiguous) else { return Ok(None) };
    let mut tree = MemoryTree::new();
    let stands = store.stands(channel, span)?.stands;
    let dispatch = |stand: &Stand| stand.dispatch().unwrap_or(Digest::ZERO);
    stands.iter().for_each(|stand| tree.push(leaf_hash(&dispatch(stand).0)));
    // Where the recipient counted something else than what was sent, that is another dispute than this proof settles.
    if tree.root_at(contiguous) != Some(root) {
        return Ok(None);
    }
    let place = file.receipts.len();
    let below = (1..).zip(&stands).filter(|(number, _)| uncounted.binary_search(number).is_ok());
    let proven =
        below.filter_map(|(number, stand)| Counted::prove(&tree, place, contiguous, number, dispatch(stand)).ok());
    let counted: Vec<_> = proven.collect();
    if counted.is_empty() {
        return Ok(None);
    }
    file.receipts.push(only_by(keys, proof));
    file.counted = counted;
    Ok(Some(by))
}
