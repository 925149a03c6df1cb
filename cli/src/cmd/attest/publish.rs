//! `luxor attest publish`: the signed list, in the files that a web server serves, each written whole or not at all, and through a node.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use luxor_protocol::credential::StatusClaims;
use luxor_protocol::limits::{MAX_CREDENTIAL_LIFE_SECONDS, MAX_STATUS_TTL_SECONDS};
use serde_json::json;

use super::args::PublishArgs;
use super::folder::Folder;
use super::keys;
use super::life::{Seconds, text};
use super::outgoing::Outgoing;
use super::send::{self, Sent};
use crate::client::Client;
use crate::exit::{Exit, UsageError};
use crate::files::{self, FileError};
use crate::ui;

/// The path at which an issuer serves its keys, before its own.
const METADATA: &str = ".well-known/jwt-vc-issuer";

/// How long verifiers keep a list before they ask again, unless the command line says otherwise.
pub(super) const TTL: Seconds = Seconds(15 * 60);
/// How long a list holds, unless the command line says otherwise.
pub(super) const LIFE: Seconds = Seconds(24 * 3_600);

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
    let node = send::reach(args.places.node.as_ref())?;
    let mut folder = Folder::open(&args.dir)?;
    let (claims, token) = sign(&mut folder, args.ttl, args.life, now)?;
    let now = claims.issued_at;
    let served = args.places.to.as_deref().map(|to| serve(&folder, to, &token)).transpose()?.unwrap_or_default();
    let sent = node.map(|(client, node)| submit(&mut folder, &claims, &token, &client, node, "the list is signed"));
    let sent = sent.transpose()?;
    if args.json {
        let files: Vec<_> = served.iter().map(|(url, file)| json!({ "url": url, "file": file })).collect();
        let mut facts =
            json!({ "issued": text(now), "fresh_until": text(now + ttl), "expires": text(now + life), "files": files });
        if let Some((sent, _)) = &sent {
            facts["record"] = serde_json::to_value(sent)?;
        }
        ui::json(&facts)?;
    } else {
        let mut table = ui::Table::plain();
        served.iter().for_each(|(url, file)| table.row([url.clone(), file.display().to_string()]));
        table.print()?;
    }
    let (issuer, list) = (&folder.config.issuer, &folder.config.status_list);
    if !served.is_empty() {
        if issuer.origin() != list.origin() {
            ui::say(&format!("hint: the list is served at another host, {}; copy its file there", list.origin()));
        }
        ui::say("the web server's types: application/json, and application/statuslist+jwt for the list");
    }
    ui::say(&format!("the list holds until {}", text(now + life)));
    Ok(sent.map_or(Exit::Ok, |(_, exit)| exit))
}

/// Signs the list as it is.
pub(super) fn sign(
    folder: &mut Folder,
    ttl: Seconds,
    life: Seconds,
    now: u64,
) -> anyhow::Result<(StatusClaims, String)> {
    let now = folder.next_time(now)?;
    let claims = StatusClaims {
        uri: folder.config.status_list.to_string(),
        issued_at: now,
        expires: Some(now.saturating_add(life.0)),
        ttl: Some(ttl.0),
    };
    let token = folder.list.sign(&claims, &folder.key);
    Ok((claims, token))
}

/// Has a node send the signed list, and tells what became of it. `stands` is what was done before.
pub(super) fn submit(
    folder: &mut Folder,
    claims: &StatusClaims,
    token: &str,
    client: &Client,
    node: &str,
    stands: &str,
) -> anyhow::Result<(Sent, Exit)> {
    let dir = folder.dir.display().to_string();
    let kept = Outgoing::status_list(folder, claims, token).with_context(|| format!("{stands}, but not sent"))?;
    let sent = kept.send(client, node, stands)?;
    let otherwise = format!(
        "{stands}, and partners go by the list before; remove the cause, then `luxor attest publish --dir {dir} --node {node}`"
    );
    let exit = sent.tell(node, &otherwise);
    Ok((sent, exit))
}

/// Writes what a web server serves; gives each file with its URL.
fn serve(folder: &Folder, to: &Path, token: &str) -> anyhow::Result<Vec<(String, PathBuf)>> {
    let (issuer, list) = (&folder.config.issuer, &folder.config.status_list);
    let behind = if issuer.path().is_empty() { String::new() } else { format!("/{}", issuer.path()) };
    let metadata = format!("{METADATA}{behind}");
    // The keys first: a list whose key nobody can find says nothing.
    put(to, &metadata, keys::metadata(issuer.as_str(), folder.key.public()).as_bytes())?;
    put(to, list.path(), token.as_bytes())?;
    let url = format!("{}/{metadata}", issuer.origin());
    Ok(vec![(url, to.join(metadata)), (list.to_string(), to.join(list.path()))])
}

fn put(root: &Path, path: &str, bytes: &[u8]) -> anyhow::Result<()> {
    let file = root.join(path);
    let folder = files::parent(&file);
    fs::create_dir_all(&folder).map_err(FileError::at(&folder))?;
    Ok(files::write(&file, bytes)?)
}
