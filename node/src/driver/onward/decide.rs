//! Whether what came by one dispatch may be passed on as wished, by the documents alone.

use luxor_protocol::document::{Directory, Flow, KnownNode, OnwardAsk, OnwardGrant};
use luxor_protocol::exchange::{DispatchHeader, Outcome};
use luxor_protocol::hash::Digest;
use luxor_protocol::names::{MemberId, NodeRef, Purpose, Slug};
use luxor_protocol::record::{GroupSet, OfEdition, RecordView, TypeTable};
use luxor_protocol::time::Day;

use super::Onward;

/// What of a wish belongs into one dispatch.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Sort {
    pub(super) recipient: NodeRef,
    pub(super) issuer: MemberId,
    table: (&'static str, u64),
    pub(super) agreement: (Slug, Digest),
    pub(super) view: u32,
    pub(super) retention_days: u64,
}

/// Whether a record went, or is on its way: with a receipt that says so, whether it was withdrawn or not, since it may have been too late.
pub(super) fn went(receipt: Option<&Outcome>, withdrawn: bool, place: usize) -> bool {
    match receipt {
        Some(Outcome::Taken(rejected)) => rejected.iter().all(|rejection| rejection.record != place),
        Some(Outcome::Refused(_) | Outcome::Withdrawn) => false,
        None => !withdrawn,
    }
}

/// What lets `me` pass on what came by this dispatch today: the digest of the version that holds, and its permissions; or why nothing does.
/// `covers` tells whether a row with places is about it.
pub(in crate::driver) fn grants<'d>(
    directory: &'d Directory,
    me: &MemberId,
    header: &DispatchHeader,
    to: &MemberId,
    purpose: Purpose,
    today: Day,
    covers: impl Fn(&Flow) -> bool,
) -> Result<(Digest, Vec<OnwardGrant<'d>>), String> {
    let issuer = header.channel.sender.member();
    if let Some(first) = &header.source {
        return Err(format!(
            "it came from {first} through {issuer} under agreement {}, onward for {}; what came so is not passed on again",
            header.agreement, header.purpose
        ));
    }
    let Some((digest, agreement)) = directory.agreement_on(&header.agreement, today) else {
        return Err(format!("agreement {} has not begun or is not known", header.agreement));
    };
    let ask = OnwardAsk {
        table: header.batch.header.table,
        source: &issuer,
        via: me,
        received_for: header.purpose,
        received_view: header.view,
        received_days: header.retention_days,
        to,
        purpose,
        day: today,
        before: false,
    };
    let grants = directory.onward((digest, agreement), &ask, covers).map_err(|denial| denial.to_string())?;
    Ok((*digest, grants))
}

/// What of a wish may go of what came by this dispatch, and under which row; or why nothing may. Without the record's view this is what may
/// go at most: rows with places are looked at, and what a node reads, when it is there.
pub(super) fn decide(
    directory: &Directory,
    me: &MemberId,
    wish: &Onward,
    header: &DispatchHeader,
    received: Option<&RecordView>,
    today: Day,
    is_up: &dyn Fn(&KnownNode) -> bool,
) -> Result<(Sort, usize), String> {
    if directory.node_of(&wish.to).is_none() {
        return Err(format!("no card names a node of {}", wish.to));
    }
    let covers = |flow: &Flow| received.is_none_or(|view| flow.covers_view(me, view));
    let (digest, grants) = grants(directory, me, header, &wish.to, wish.purpose, today, covers)?;
    let table = header.batch.header.table;
    let wanted = match wish.groups.as_slice() {
        [] => None,
        names => {
            let set = table.set(names.iter().map(String::as_str));
            Some(set.map_err(|name| format!("{} version {} has no group '{name}'", table.name, table.version))?)
        }
    };
    let fits = |view: GroupSet| wanted.is_none_or(|wanted| wanted.within(view));
    let of = |groups: GroupSet| GroupSet(groups.0 & header.view.0);
    let Some(grant) = grants.iter().find(|grant| fits(of(grant.groups)) && of(grant.groups) != GroupSet::NONE) else {
        let most = grants.iter().fold(GroupSet::NONE, |all, grant| all.union(of(grant.groups)));
        let row = grants.first().map_or(0, |grant| grant.row);
        return Err(format!(
            "agreement {} row {row} lets {me} pass no more than {} of what came on to {} for {}",
            header.agreement,
            most.names(table).join(", "),
            wish.to,
            wish.purpose
        ));
    };
    let view = wanted.unwrap_or_else(|| of(grant.groups));
    let editions = received.map(|received| received.cut(view).editions()).unwrap_or_default();
    let node = node_for(directory, &wish.to, table, &editions, is_up)?;
    let sort = Sort {
        recipient: node.node.clone(),
        issuer: header.channel.sender.member(),
        table: (table.name, table.version),
        agreement: (header.agreement.clone(), digest),
        view: view.0,
        retention_days: grant.onward.retention_days,
    };
    Ok((sort, grant.row))
}

/// The node of a member that gets what is of this type with codes of these editions: one that is connected, of those that read it.
fn node_for<'d>(
    directory: &'d Directory,
    member: &MemberId,
    table: &TypeTable,
    editions: &[OfEdition],
    is_up: &dyn Fn(&KnownNode) -> bool,
) -> Result<&'d KnownNode, String> {
    let of_version = |node: &&KnownNode| node.member == *member && node.card.reads(table.name, table.version);
    let readers: Vec<&KnownNode> = directory.nodes().map(AsRef::as_ref).filter(of_version).collect();
    if readers.is_empty() {
        return Err(format!("no node of {member} reads {} version {}", table.name, table.version));
    }
    let lacks = |node: &KnownNode| editions.iter().find(|of| !node.card.reads_edition(**of));
    let mut able = readers.iter().filter(|node| lacks(node).is_none());
    let first = able.clone().next();
    able.find(|node| is_up(node)).or(first).copied().ok_or_else(|| {
        // As for own records: it would reject what its card does not name, or read it as something else.
        let lacking = readers.iter().find_map(|node| lacks(node));
        lacking.map_or_else(String::new, |edition| {
            format!("no node of {member} reads {edition}; without the group {} it may go", edition.list.group)
        })
    })
}

#[cfg(test)]
mod tests {
    use luxor_protocol::exchange::{Channel, Lane, RefusalCode, Rejection};
    use luxor_protocol::keys::KeyUse;
    use luxor_protocol::record::{Batch, BatchHeader, DECLARATION_2, Fault};
    use luxor_protocol::time::Millis;

    use super::*;
    use crate::testing::{key, network_of};

    #[test]
    fn only_a_node_that_reads_the_version_gets_it() {
        let row = "[[flow]]\ntype = \"declaration\"\nversions = [1, 2]\nfrom = [\"a\"]\nto = [\"b\"]\npurpose = \"delivery\"\n\
                   groups = [\"filing\", \"item\"]\nretention_days = 30\n[[flow.onward]]\nto = [\"c\", \"d\"]\n\
                   purpose = \"agency_control\"\ngroups = [\"filing\", \"item\"]\nretention_days = 7\n";
        let draft = format!(
            "id = \"m\"\ntitle = \"T\"\ninstrument = \"I\"\narticle = \"1\"\ncontroller = \"a\"\nparties = [\"a\", \"b\"]\n\
             valid_from = \"2020-01-01\"\nvalid_until = \"2099-12-31\"\n{row}"
        );
        let directory = network_of(&["a", "b", "c", "d"], &[draft], &[2, 2, 1, 2]);
        let (digest, agreement) = directory.agreements().next().unwrap();
        let [sender, recipient] = ["a/n1", "b/n1"].map(|node| node.parse::<NodeRef>().unwrap());
        let (table, network) = (&DECLARATION_2, directory.network());
        let (node, root, signed_at) = (sender.clone(), Digest::ZERO, Millis(1_700_000_000_000));
        let batch = BatchHeader { node, table, count: 1, root, signed_at };
        let header = DispatchHeader {
            network,
            channel: Channel { sender, recipient, epoch: 1, lane: Lane::Ordinary },
            number: 1,
            batch: Batch::sign(batch, &network, &key(KeyUse::Sign, 1)),
            agreement: agreement.id.clone(),
            agreement_digest: *digest,
            purpose: Purpose::Delivery,
            view: table.set(["filing", "item"]).unwrap(),
            retention_days: 30,
            source: None,
            sent_at: signed_at,
            receipts_held_up_to: 0,
        };
        let decided = |to: &str| {
            let (to, lane) = (to.parse().unwrap(), Lane::Ordinary);
            let wish = Onward { roots: Vec::new(), to, purpose: Purpose::AgencyControl, groups: Vec::new(), lane };
            decide(&directory, &"b".parse().unwrap(), &wish, &header, None, Day(20_780), &|_| true)
        };
        let (sort, row) = decided("d").unwrap();
        assert_eq!((sort.recipient.as_str(), sort.retention_days, row), ("d/n1", 7, 1));
        assert_eq!(decided("c").unwrap_err(), "no node of c reads declaration version 2");
    }

    #[test]
    fn a_receipt_says_whether_a_record_went_whatever_was_withdrawn_since() {
        let rejection = Rejection { record: 1, fault: Fault::NoRecipient, pointer: "/item".into() };
        let (taken, partly) = (Outcome::Taken(Vec::new()), Outcome::Taken(vec![rejection]));
        // Withdrawn too late: it is there.
        assert!(went(Some(&taken), true, 0) && went(Some(&taken), false, 0));
        assert!(went(Some(&partly), true, 0) && !went(Some(&partly), false, 1));
        assert!(!went(Some(&Outcome::Withdrawn), true, 0));
        assert!(!went(Some(&Outcome::Refused(RefusalCode::NotPermitted)), false, 0));
        assert!(went(None, false, 0) && !went(None, true, 0));
    }
}
