//! The audit of one log through a node: pages are fetched and judged here, see [`luxor_protocol::audit`].

use luxor_protocol::audit::{Audit, AuditReport};
use luxor_protocol::document::Directory;
use luxor_protocol::limits::MAX_AUDIT_PAGE_ENTRIES;
use luxor_protocol::names::NodeRef;

use crate::client::Client;
use crate::exit::RefusedError;
use crate::ui;

/// Audits one log, page by page.
pub(crate) fn audit(client: &Client, directory: &Directory, node: &NodeRef) -> anyhow::Result<AuditReport> {
    let known = directory.node(node).ok_or_else(|| {
        let names: Vec<_> = directory.nodes().map(|n| n.node.to_string()).collect();
        RefusedError(format!("no card names the node {node}\nhint: known are {}", names.join(", ")))
    })?;
    let count = MAX_AUDIT_PAGE_ENTRIES as u64;
    let mut page = client.audit_page(node, 0, count)?;
    let begun = Audit::begin(directory, known, &page);
    let mut audit = begun.map_err(|error| RefusedError(error.to_string()))?;
    let mut progress = ui::Progress::new();
    loop {
        let brought = audit.page(&page);
        let Some(from) = audit.wants().filter(|_| brought > 0) else { break };
        let total = audit.total();
        progress.show(|| format!("{node}: {} of {} entries", ui::count(from), ui::count(total)));
        page = client.audit_page(node, from, count)?;
    }
    progress.clear();
    Ok(audit.finish())
}
