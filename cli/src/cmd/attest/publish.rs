//! `luxor attest publish`: the files that a web server serves, each written whole or not at all.

use std::fs;
use std::path::Path;

use luxor_protocol::credential::StatusClaims;
use luxor_protocol::limits::{MAX_CREDENTIAL_LIFE_SECONDS, MAX_STATUS_TTL_SECONDS};
use serde_json::json;

use super::args::PublishArgs;
use super::folder::Folder;
use super::keys;
use super::life::text;
use crate::exit::{Exit, UsageError};
use crate::files::{self, FileError};
use crate::ui;

/// The path at which an issuer serves its keys, before its own.
const METADATA: &str = ".well-known/jwt-vc-issuer";

/// `luxor attest publish`
pub(super) fn publish(args: &PublishArgs, now: u64) -> anyhow::Result<Exit> {
    let (ttl, life) = (args.ttl.0, args.life.0);
    if ttl > MAX_STATUS_TTL_SECONDS || life > MAX_CREDENTIAL_LIFE_SECONDS || ttl > life {
        return Err(UsageError(format!(
            "--ttl {} --life {}: a list is kept for 1d and holds for 7d at most, and is not kept longer than it holds",
            args.ttl, args.life
        ))
        .into());
    }
    let mut folder = Folder::open(&args.dir)?;
    let (issuer, list) = (folder.config.issuer.clone(), folder.config.status_list.clone());
    let claims =
        StatusClaims { uri: list.to_string(), issued_at: now, expires: Some(now.saturating_add(life)), ttl: Some(ttl) };
    let token = folder.list.sign(&claims, &folder.key);
    let behind = if issuer.path().is_empty() { String::new() } else { format!("/{}", issuer.path()) };
    let metadata = format!("{METADATA}{behind}");
    // The keys first: a list whose key nobody can find says nothing.
    put(&args.to, &metadata, keys::metadata(issuer.as_str(), folder.key.public()).as_bytes())?;
    put(&args.to, list.path(), token.as_bytes())?;
    let places = [(format!("{}/{metadata}", issuer.origin()), metadata), (list.to_string(), list.path().to_owned())];
    if args.json {
        let files: Vec<_> =
            places.iter().map(|(url, file)| json!({ "url": url, "file": args.to.join(file) })).collect();
        ui::json(
            &json!({ "issued": text(now), "fresh_until": text(now + ttl), "expires": text(now + life), "files": files }),
        )?;
    } else {
        let mut table = ui::Table::plain();
        places.iter().for_each(|(url, file)| table.row([url.clone(), args.to.join(file).display().to_string()]));
        table.print()?;
    }
    if issuer.origin() != list.origin() {
        ui::say(&format!("hint: the list is served at another host, {}; copy its file there", list.origin()));
    }
    let types = "the web server's types: application/json, and application/statuslist+jwt for the list";
    ui::say(&format!("the list holds until {}; {types}", text(now + life)));
    Ok(Exit::Ok)
}

fn put(root: &Path, path: &str, bytes: &[u8]) -> anyhow::Result<()> {
    let file = root.join(path);
    let folder = files::parent(&file);
    fs::create_dir_all(&folder).map_err(FileError::at(&folder))?;
    Ok(files::write(&file, bytes)?)
}
