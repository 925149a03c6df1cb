//! `luxor taxii`: users of a node's TAXII listener. Not here: the listener (`luxord`).

use luxor_protocol::threats::shelf::{Reader, Readers, secret_digest};
use serde::Serialize;

use crate::args::{TaxiiCommand, TaxiiUserArgs};
use crate::exit::{Exit, RefusedError};
use crate::{files, found, ui};

/// Bytes of the file of users.
const MAX_FILE: usize = 4 * 1024 * 1024;

#[derive(Serialize)]
struct Made<'m> {
    name: &'m str,
    secret: &'m str,
    /// Where its digest stands.
    file: String,
}

pub(super) fn run(command: &TaxiiCommand) -> anyhow::Result<Exit> {
    match command {
        TaxiiCommand::User(args) => user(args),
    }
}

fn user(args: &TaxiiUserArgs) -> anyhow::Result<Exit> {
    let path = args.node.join(found::taxii_users(&args.node)?);
    let refused = |error: &dyn std::fmt::Display| RefusedError(format!("{}: {error}", path.display()));
    let mut readers = match files::read_text(&path, MAX_FILE) {
        Err(error) if error.is_not_found() => Readers::default(),
        other => Readers::parse(&other?).map_err(|error| refused(&error))?,
    };
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no random bytes: {error}"))?;
    let secret = luxor_protocol::hash::hex(&bytes);
    let agreements = Some(args.agreement.iter().cloned().collect()).filter(|_| !args.agreement.is_empty());
    let reader = Reader { name: args.name.clone(), secret: secret_digest(&secret), agreements };
    readers.add(reader).map_err(|error| refused(&error))?;
    files::write_private(&path, readers.to_toml().as_bytes())?;
    if args.json {
        ui::json(&Made { name: &args.name, secret: &secret, file: path.display().to_string() })?;
    } else {
        ui::say(&format!("{} in {}; its secret, which is nowhere else:", args.name, path.display()));
        ui::line(&secret)?;
    }
    Ok(Exit::Ok)
}
