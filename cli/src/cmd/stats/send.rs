//! Publications to others under an agreement, and those of others that came so.

use std::time::{Duration, Instant};

use luxor_protocol::api::{RecordInfo, RecordResult};
use luxor_protocol::cbor::Encode as _;
use luxor_protocol::document::Directory;
use luxor_protocol::exchange::Lane;
use luxor_protocol::hash::{Digest, hex};
use luxor_protocol::limits::MAX_CARRIED_STATISTICS_BYTES;
use luxor_protocol::names::{MemberId, NodeRef};
use luxor_protocol::record::{Content, STATISTICS, Value, content_from_json, read_json};
use luxor_protocol::statistics::{Publication, SignedPublication};
use serde_json::json;

use super::refused;
use super::shared::read_signed;
use crate::args::{StatsFetchArgs, StatsPublishArgs};
use crate::chunks::{Chunker, Place};
use crate::client::Client;
use crate::cmd::{attach, listed, now};
use crate::exit::{Exit, RefusedError};
use crate::{files, ui};

/// Pause between two looks at a delivery.
const LOOK: Duration = Duration::from_millis(50);

pub(super) fn publish(args: &StatsPublishArgs) -> anyhow::Result<Exit> {
    let client = Client::open(&args.node.node)?;
    let (signed, directory) = (read_signed(&args.file)?, client.documents()?);
    let me = client.status()?.node.parse::<NodeRef>().map_err(refused)?.member();
    signed.verify(&directory.network(), |id| directory.identities(id).to_vec()).map_err(refused)?;
    if signed.publisher != me {
        let what = format!("{}: published by {}, not by {me}", args.file.display(), signed.publisher);
        return Err(RefusedError(what).into());
    }
    check_row(&directory, args, &me)?;
    let file = signed.to_cbor();
    let name = name(&signed, &args.to);
    let mut record = signed.to_record(&name);
    // A row that gives records to who is addressed only gives this one to nobody else.
    record["handling"] = json!({ "destination_customs": args.to });
    if file.len() > MAX_CARRIED_STATISTICS_BYTES {
        let mut snippet = serde_json::to_value(attach::attach_one(&client, &args.file)?)?;
        snippet["kind"] = "STATISTICS".into();
        record["attachments"] = json!([snippet]);
    }
    submit(&client, &content_from_json(&record).map_err(refused)?, &name)?;
    let began = Instant::now();
    loop {
        let sent = client.records(&name)?;
        let deliveries = sent.iter().flat_map(|info| &info.deliveries);
        let under = args.agreement.to_string();
        let to = deliveries.clone().find(|one| one.recipient.member() == args.to && one.agreement == under);
        let Some(delivery) = to else {
            let others = listed(deliveries.map(|one| one.recipient.to_string()));
            let what = format!("{name} does not go to {} under {}; it goes to {others}", args.to, args.agreement);
            return Err(RefusedError(what).into());
        };
        let waits = delivery.state == "waiting";
        if waits && began.elapsed() < Duration::from_secs(args.wait) {
            std::thread::sleep(LOOK);
            continue;
        }
        if args.node.json {
            ui::json(&json!({ "reference": name, "digest": signed.digest().to_string(), "delivery": delivery }))?;
        } else {
            ui::line(&name)?;
        }
        let others = deliveries.filter(|one| one.recipient != delivery.recipient).map(|one| one.recipient.to_string());
        let others: Vec<String> = others.collect();
        ui::say(&format!("{} under {}: {}", delivery.recipient, args.agreement, delivery.state));
        if !others.is_empty() {
            ui::say(&format!("agreements give it to {} too", listed(others)));
        }
        return Ok(if delivery.state == "accepted" { Exit::Ok } else { Exit::Findings });
    }
}

/// Whether the agreement of that name is in force, and a row of it gives statistics to whom they are to go.
fn check_row(directory: &Directory, args: &StatsPublishArgs, me: &MemberId) -> anyhow::Result<()> {
    let today = now().day();
    let named = directory.agreements().find(|(_, agreement)| agreement.id == args.agreement);
    let Some((_, agreement)) = named.filter(|(_, agreement)| agreement.in_force(today)) else {
        return Err(RefusedError(format!("no agreement {} is in force", args.agreement)).into());
    };
    let row = agreement
        .flows
        .iter()
        .any(|flow| flow.type_name == STATISTICS.name && flow.from.contains(me) && flow.to.contains(&args.to));
    match row {
        true => Ok(()),
        false => {
            let what = format!("no row of agreement {} gives statistics of {me} to {}", args.agreement, args.to);
            Err(RefusedError(what).into())
        }
    }
}

/// The record's own reference: the same publication to the same member has the same.
fn name(signed: &SignedPublication, to: &MemberId) -> String {
    let digest = blake3::hash(format!("{} {to}", signed.digest()).as_bytes());
    let Publication { flow, from, to, .. } = signed.unverified();
    format!("statistics-{flow}-{from}-{to}-{}", hex(&digest.as_bytes()[..6]))
}

fn submit(client: &Client, content: &Content, name: &str) -> anyhow::Result<()> {
    let mut chunker = Chunker::default();
    let before = chunker.push(&content.to_cbor(), Place { line: 1, rows: 1 });
    // One record makes one chunk; its submission is named by its content, so that nothing is sent twice.
    for chunk in before.into_iter().chain(chunker.take()) {
        let id = hex(&blake3::hash(name.as_bytes()).as_bytes()[..16]);
        for record in client.put_encoded(&id, chunk.number, Lane::Ordinary, &chunk.bytes)?.records {
            match record {
                RecordResult::Accepted { left_out, .. } => {
                    for left in left_out {
                        ui::say(&format!("not sent to {}: {}", left.to, left.reason));
                    }
                }
                RecordResult::Refused { pointer, reason, .. } => {
                    return Err(RefusedError(format!("the node refuses the record: {pointer}: {reason}")).into());
                }
            }
        }
    }
    Ok(())
}

pub(super) fn fetch(args: &StatsFetchArgs) -> anyhow::Result<Exit> {
    let client = Client::open(&args.node.node)?;
    let received = |info: &RecordInfo| {
        info.received.is_some()
            && info.record["type"] == STATISTICS.name
            && args.from.as_ref().is_none_or(|from| *from == info.issuer)
    };
    let found: Vec<RecordInfo> = client.records(&args.reference)?.into_iter().filter(received).collect();
    let mut issuers: Vec<&MemberId> = found.iter().map(|info| &info.issuer).collect();
    issuers.sort();
    issuers.dedup();
    if issuers.len() > 1 {
        return Err(
            RefusedError(format!("{} is a reference of {}\nhint: --from", args.reference, listed(issuers))).into()
        );
    }
    // The same record comes once for each agreement.
    let Some(info) = found.first() else {
        ui::say(&format!("no statistics with the reference '{}' came here", args.reference));
        return Ok(Exit::Findings);
    };
    let mut record = info.record.clone();
    if let Some(groups) = record.as_object_mut() {
        groups.remove("withheld");
    }
    let content = read_json(&record).map_err(refused)?;
    let directory = client.documents()?;
    let attached = match content.field("publication", "file") {
        Some(_) => None,
        None => match bytes(&client, &content, args)? {
            Some(bytes) => Some(bytes),
            None => return Ok(Exit::Findings),
        },
    };
    let holds = SignedPublication::of_record(&content, attached.as_deref()).and_then(|signed| {
        signed.verify(&directory.network(), |id| directory.identities(id).to_vec())?;
        Ok(signed)
    });
    let signed = match holds {
        Ok(signed) if signed.publisher == info.issuer => signed,
        Ok(signed) => {
            ui::say(&format!("{} sent statistics that {} published", info.issuer, signed.publisher));
            return Ok(Exit::Findings);
        }
        Err(why) => {
            ui::say(&format!("statistics {} of {} do not hold: {why}", args.reference, info.issuer));
            return Ok(Exit::Findings);
        }
    };
    files::write(&args.output, &signed.to_cbor())?;
    let Publication { flow, from, to, .. } = signed.unverified();
    if args.node.json {
        ui::json(&json!({
            "publisher": signed.publisher, "flow": flow, "from": from.to_string(), "to": to.to_string(),
            "digest": signed.digest().to_string(), "root": info.root,
        }))?;
    }
    ui::say(&format!("{}: {flow} of {}, {from} to {to}: its signature holds", args.output.display(), signed.publisher));
    Ok(Exit::Ok)
}

/// The attached file, fetched where it is not here.
fn bytes(client: &Client, content: &Content, args: &StatsFetchArgs) -> anyhow::Result<Option<Vec<u8>>> {
    let digest = match content.field("attachments", "digest") {
        Some(Value::Bytes(bytes)) => bytes.as_slice().try_into().ok().map(Digest),
        _ => None,
    };
    let digest = digest.ok_or_else(|| refused("the record carries no publication and names no file"))?;
    let (info, came) = attach::fetch(client, &digest, Duration::from_secs(args.wait))?;
    if !came {
        ui::say(&format!("the file {} did not come\nhint: `luxor attachment show {}`", info.digest, info.digest));
        return Ok(None);
    }
    let mut bytes = Vec::new();
    client.attached(&digest, &mut bytes)?;
    Ok(Some(bytes))
}
