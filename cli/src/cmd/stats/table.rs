//! `luxor stats table`: facts into tables of which nobody behind a small cell is found out, signed.

use luxor_protocol::cbor::Encode as _;
use luxor_protocol::document::Directory;
use luxor_protocol::limits::MAX_CARRIED_STATISTICS_BYTES;
use luxor_protocol::statistics::{
    Disclosure, Edition, Facts, Figure, Publication, Sensitive, SignedPublication, Withheld, WithheldCell, disclose,
};
use serde_json::json;

use super::shared::read_signed;
use super::{each_fact, refused, write_forms};
use crate::args::StatsTableArgs;
use crate::cmd::{now, some};
use crate::exit::{Exit, RefusedError, UsageError};
use crate::{files, found, ui};

pub(super) fn run(args: &StatsTableArgs) -> anyhow::Result<Exit> {
    let (member, directory) = (found::member(&args.node)?, found::known(&args.node)?.directory);
    let identity = found::identity(&args.node)?;
    if directory.identities(&member).last() != Some(identity.public()) {
        let what = format!("the network does not know the identity key in {} as {member}'s", args.node.display());
        return Err(RefusedError(what).into());
    }
    let earlier = args.earlier.iter().map(|path| {
        let signed = read_signed(path)?;
        let publication =
            signed.verify_own(&directory.network(), |id| directory.identities(id).to_vec()).map_err(refused)?;
        match signed.publisher == member {
            true => Ok(publication.clone()),
            false => {
                Err(refused(format!("{}: published by {}, not by {member}", path.display(), signed.publisher)).into())
            }
        }
    });
    let earlier: Vec<_> = earlier.collect::<anyhow::Result<_>>()?;

    let rules = args.rules.rules();
    rules.check().map_err(|error| UsageError(error.to_string()))?;
    // Months that were published before stand in sums of theirs and of ours.
    let from = earlier.iter().map(|publication| publication.from).fold(args.from, Ord::min);
    let to = earlier.iter().map(|publication| publication.to).fold(args.to, Ord::max);
    let mut facts = Facts::new();
    let counted = each_fact(
        &args.facts,
        args.flow,
        |month| (from..=to).contains(&month),
        |row| facts.add_sums(&row.place, &row.parties, row.sums).map_err(|error| refused(error).into()),
    )?;
    let tables = args.tables.iter().map(|table| table.0.clone()).collect();
    let edition = Edition {
        publisher: member,
        at: now(),
        flow: args.flow,
        currency: args.currency,
        from: args.from,
        to: args.to,
        tables,
    };
    let disclosure = disclose(&facts, &edition, &rules, &earlier).map_err(refused)?;
    finish(args, &directory, disclosure, &identity, counted)
}

fn finish(
    args: &StatsTableArgs,
    directory: &Directory,
    disclosure: Disclosure,
    identity: &luxor_protocol::keys::SecretKey,
    (seen, taken): (u64, u64),
) -> anyhow::Result<Exit> {
    let Disclosure { publication, withheld } = disclosure;
    let publisher = found::member(&args.node)?;
    let signed =
        SignedPublication::sign(directory.network(), &publisher, publication.clone(), identity).map_err(refused)?;
    let file = signed.to_cbor();
    files::write(&args.output, &file)?;
    if let Some(path) = &args.record {
        let reference = format!("statistics-{}-{}-{}", args.flow, args.from, args.to);
        files::write(path, format!("{}\n", signed.to_record(&reference)).as_bytes())?;
        if file.len() > MAX_CARRIED_STATISTICS_BYTES {
            let hint = "hand it in with `luxor attach` and put what that prints into the record's attachments";
            ui::say(&format!("{} has no room in a record\nhint: {hint}", args.output.display()));
        }
    }
    write_forms(&publication, &args.forms)?;
    if args.json {
        ui::json(&json!({
            "rows": seen, "counted": taken, "digest": signed.digest().to_string(),
            "withheld": withheld.iter().map(line).collect::<Vec<_>>(),
        }))?;
    }
    let [all, primary, secondary] = classes(&publication);
    let what = format!("{} of {} counted", some(taken, "row"), ui::count(seen));
    ui::say(&format!(
        "{what}: {}, of which {} sensitive and {} withheld for others' sake",
        some(all, "cell"),
        ui::count(primary),
        ui::count(secondary)
    ));
    Ok(Exit::Ok)
}

fn classes(publication: &Publication) -> [u64; 3] {
    let figures = || publication.tables.iter().flat_map(|(_, cells)| cells.values());
    let of = |class| figures().filter(|figure| **figure == Figure::Withheld(class)).count() as u64;
    [figures().count() as u64, of(Withheld::Primary), of(Withheld::Secondary)]
}

/// A withheld cell as its owner sees it.
fn line(cell: &WithheldCell) -> serde_json::Value {
    let why = cell.sensitive.map(|sensitive| match sensitive {
        Sensitive::Count { found } => format!("{found} items"),
        Sensitive::Contributors { role, found } => format!("{found} parties as {role}"),
        Sensitive::Dominance { role, rule } => format!("dominance rule {} as {role}", rule + 1),
        Sensitive::Closeness { role, rule } => format!("closeness rule {} as {role}", rule + 1),
    });
    let interval =
        |at: usize| cell.intervals.get(at).map(|interval| [interval.least.to_string(), interval.most.to_string()]);
    json!({
        "table": cell.table.as_str(), "cell": cell.key.to_string(), "sensitive": why,
        "count": interval(0), "value": interval(1), "mass": interval(2), "duty": interval(3),
    })
}
