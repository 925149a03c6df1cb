//! The reading of one log through a node: pages are fetched and judged here, see [`luxor_protocol::audit`].

use luxor_protocol::audit::pack::LogCopy;
use luxor_protocol::audit::{Audit, AuditReport};
use luxor_protocol::document::{Directory, KnownNode};
use luxor_protocol::exchange::{AuditEntry, keys_of_log};
use luxor_protocol::limits::{MAX_AUDIT_PAGE_ENTRIES, MAX_PACK_ENTRIES};
use luxor_protocol::names::NodeRef;
use luxor_protocol::tlog::{Checkpoint, MemoryTree, VerifierKey, leaf_hash};

use crate::client::Client;
use crate::exit::{FindingError, RefusedError};
use crate::ui;

/// Entries asked for at a time.
const COUNT: u64 = MAX_AUDIT_PAGE_ENTRIES as u64;

/// Audits one log, page by page.
pub(crate) fn audit(client: &Client, directory: &Directory, node: &NodeRef) -> anyhow::Result<AuditReport> {
    read(client, directory, node, None, |_, _| {}).map(|(report, _)| report)
}

/// Audits one log up to a signed checkpoint, or its newest, and gives each entry with its index as it comes. Returns the
/// checkpoint too.
pub(crate) fn read(
    client: &Client,
    directory: &Directory,
    node: &NodeRef,
    checkpoint: Option<&[u8]>,
    mut take: impl FnMut(u64, &AuditEntry),
) -> anyhow::Result<(AuditReport, Vec<u8>)> {
    let known = known(directory, node)?;
    let mut page = client.audit_page(node, 0, COUNT)?;
    if let Some(checkpoint) = checkpoint {
        page.checkpoint = checkpoint.to_vec();
    }
    let note = page.checkpoint.clone();
    let begun = Audit::begin(directory, known, &page);
    let mut audit = begun.map_err(|error| RefusedError(error.to_string()))?;
    let (mut progress, mut index) = (ui::Progress::new(), 0);
    loop {
        let brought = audit.page(&page);
        for entry in &page.entries[..usize::try_from(brought).unwrap_or(0).min(page.entries.len())] {
            take(index, entry);
            index += 1;
        }
        let Some(from) = audit.wants().filter(|_| brought > 0) else { break };
        let total = audit.total();
        progress.show(|| format!("{node}: {} of {} entries", ui::count(from), ui::count(total)));
        page = client.audit_page(node, from, COUNT)?;
    }
    progress.clear();
    Ok((audit.finish(), note))
}

/// Audits one log up to a signed checkpoint and keeps what a sample or a pack needs of it.
pub(crate) fn copy(
    client: &Client,
    directory: &Directory,
    node: &NodeRef,
    checkpoint: &[u8],
    with_dispatches: bool,
) -> anyhow::Result<LogCopy> {
    let wrong =
        |error: String| RefusedError(format!("the checkpoint of {node}: {error}\nhint: is it of this node's log?"));
    let opened = Checkpoint::open_any(checkpoint, &keys(directory, node)?).map_err(|error| wrong(error.to_string()))?;
    if opened.size > MAX_PACK_ENTRIES as u64 {
        let (size, most) = (ui::count(opened.size), ui::count(MAX_PACK_ENTRIES as u64));
        let what = format!("the log of {node} has {size} entries, samples and packs go up to {most}");
        return Err(RefusedError(format!("{what}\nhint: give an earlier --checkpoint")).into());
    }
    let mut copy = LogCopy::new(opened);
    let (report, _) = read(client, directory, node, Some(checkpoint), |_, entry| copy.take(entry, with_dispatches))?;
    copy.report = report;
    Ok(copy)
}

/// Reads a log on from where its tree ends, up to the checkpoint that it shows now, which is returned. Entries are hashed, not
/// audited.
pub(crate) fn extend(
    client: &Client,
    directory: &Directory,
    node: &NodeRef,
    tree: &mut MemoryTree,
) -> anyhow::Result<Vec<u8>> {
    let keys = keys(directory, node)?;
    let first = client.audit_page(node, tree.size(), COUNT)?;
    let opened = Checkpoint::open_any(&first.checkpoint, &keys);
    let target = opened.map_err(|error| FindingError(format!("{node}: the newest checkpoint: {error}")))?;
    let mut page = first.clone();
    while tree.size() < target.size && !page.entries.is_empty() {
        let wanted = usize::try_from(target.size - tree.size()).unwrap_or(usize::MAX);
        page.entries.iter().take(wanted).for_each(|entry| tree.push(leaf_hash(&entry.entry)));
        page = client.audit_page(node, tree.size(), COUNT)?;
    }
    if tree.root_at(target.size) != Some(target.root) {
        let size = ui::count(target.size);
        return Err(FindingError(format!("{node}: its entries do not lead to the checkpoint of {size} entries")).into());
    }
    Ok(first.checkpoint)
}

/// The keys of a node's log, now and before.
fn keys(directory: &Directory, node: &NodeRef) -> Result<Vec<VerifierKey>, RefusedError> {
    let known = known(directory, node)?;
    Ok(keys_of_log(known, &known.card.origin))
}

fn known<'d>(directory: &'d Directory, node: &NodeRef) -> Result<&'d KnownNode, RefusedError> {
    directory.node(node).map(AsRef::as_ref).ok_or_else(|| {
        let names: Vec<_> = directory.nodes().map(|n| n.node.to_string()).collect();
        RefusedError(format!("no card names the node {node}\nhint: known are {}", names.join(", ")))
    })
}
