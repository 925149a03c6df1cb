//! Signed publications of others: verified, and added up.

use std::path::Path;

use luxor_protocol::cbor::Encode as _;
use luxor_protocol::document::Directory;
use luxor_protocol::limits::MAX_STATISTICS_BYTES;
use luxor_protocol::statistics::{Figure, Publication, SignedPublication};
use serde_json::json;

use super::{refused, write_forms};
use crate::args::{StatsCombineArgs, StatsVerifyArgs};
use crate::cmd::{listed, now, some};
use crate::exit::{Exit, UsageError};
use crate::found::documents_in;
use crate::{files, ui};

/// Bytes of a signed file around its publication.
const AROUND: usize = 512;

pub(super) fn read_signed(path: &Path) -> anyhow::Result<SignedPublication> {
    let bytes = files::read(path, MAX_STATISTICS_BYTES + AROUND)?;
    Ok(SignedPublication::read(&bytes).map_err(|error| refused(format!("{}: {error}", path.display())))?)
}

pub(super) fn verify(args: &StatsVerifyArgs) -> anyhow::Result<Exit> {
    let directory = Directory::gathered(documents_in(&args.documents)?)?;
    let signed = read_signed(&args.file)?;
    let publication = match signed.verify(&directory.network(), |id| directory.identities(id).to_vec()) {
        Ok(publication) => publication,
        Err(why) => {
            ui::say(&format!("{}: {why}", args.file.display()));
            return Ok(Exit::Findings);
        }
    };
    write_forms(publication, &args.forms)?;
    let Publication { sources, at, flow, currency, from, to, tables } = publication;
    let members: Vec<_> = sources.iter().map(|source| source.member.to_string()).collect();
    let shown: Vec<_> =
        tables.iter().map(|(table, cells)| (table.name().to_string(), cells.len(), withheld(cells.values()))).collect();
    if args.json {
        let tables: Vec<_> = shown
            .iter()
            .map(|(name, cells, withheld)| json!({ "name": name, "cells": cells, "withheld": withheld }))
            .collect();
        ui::json(&json!({
            "publisher": signed.publisher.as_str(), "sources": members, "published_at": at.to_string(), "flow": flow.word(),
            "currency": currency.as_str(),
            "from": from.to_string(), "to": to.to_string(), "digest": signed.digest().to_string(),
            "bytes": signed.to_cbor().len(), "tables": tables,
        }))?;
    } else if args.forms.csv.is_none() && args.forms.sdmx.is_none() {
        ui::line(&format!(
            "{} published at {at}: {flow} of {}, {from} to {to}, in {currency}",
            signed.publisher,
            listed(members)
        ))?;
        for (name, cells, withheld) in shown {
            ui::line(&format!("  {name}: {}, {} of them withheld", some(cells as u64, "cell"), ui::count(withheld)))?;
        }
    }
    Ok(Exit::Ok)
}

pub(super) fn combine(args: &StatsCombineArgs) -> anyhow::Result<Exit> {
    if args.forms.csv.is_none() && args.forms.sdmx.is_none() {
        return Err(UsageError("nothing is to be written\nhint: --csv FILE or --sdmx FILE; - is stdout".into()).into());
    }
    let directory = Directory::gathered(documents_in(&args.documents)?)?;
    let mut all = Vec::new();
    for path in &args.files {
        let signed = read_signed(path)?;
        let own = signed.verify_own(&directory.network(), |id| directory.identities(id).to_vec());
        match own {
            Ok(publication) => all.push(publication.clone()),
            Err(why) => {
                ui::say(&format!("{}: {why}", path.display()));
                return Ok(Exit::Findings);
            }
        }
    }
    let combined = Publication::combine(&all, now()).map_err(refused)?;
    write_forms(&combined, &args.forms)?;
    let members = listed(combined.sources.iter().map(|source| source.member.to_string()));
    let figures = || combined.tables.iter().flat_map(|(_, cells)| cells.values());
    ui::say(&format!(
        "items of {members}: {}, {} withheld",
        some(figures().count() as u64, "cell"),
        ui::count(withheld(figures()))
    ));
    Ok(Exit::Ok)
}

fn withheld<'a>(figures: impl Iterator<Item = &'a Figure>) -> u64 {
    figures.filter(|figure| matches!(figure, Figure::Withheld(_))).count() as u64
}
