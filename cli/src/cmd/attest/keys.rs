//! Key files: secret ones, JWKs, and the metadata of an issuer (draft-ietf-oauth-sd-jwt-vc, JWT VC Issuer Metadata).

use std::path::{Path, PathBuf};

use luxor_protocol::credential::jws::Header;
use luxor_protocol::credential::{Algorithm, AttestKey, AttestPublic, json};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::args::KeygenArgs;
use super::folder::{self, Config};
use super::refused;
use crate::exit::{Exit, UsageError};
use crate::files;
use crate::ui;

/// Bytes of a key file, and of metadata.
const MAX_KEY_BYTES: usize = 64 * 1024;
/// Keys of one issuer.
const MAX_KEYS: usize = 64;
/// Objects and arrays inside one another in such a file.
const DEPTH: usize = 8;

/// `luxor attest keygen`
pub(super) fn keygen(args: &KeygenArgs) -> anyhow::Result<Exit> {
    let algorithm = if args.eddsa { Algorithm::EdDsa } else { Algorithm::Es256 };
    match (&args.dir, &args.issuer, &args.holder) {
        (Some(dir), Some(issuer), None) => {
            let config = Config::new(issuer, args.status_list.as_deref(), args.statuses)?;
            let key = folder::make(dir, &config, algorithm)?;
            ui::line(&key.public().thumbprint())?;
            let (room, list) = (ui::count(config.statuses), &config.status_list);
            ui::say(&format!(
                "{}: an issuer, {}, room for {room} credentials, list {list}",
                dir.display(),
                config.issuer
            ));
            ui::say(
                "hint: keep attest.key and register.ndjson where they cannot get lost; `luxor attest publish` shows the keys",
            );
            Ok(Exit::Ok)
        }
        (None, None, Some(file)) => {
            let key = generate(algorithm)?;
            files::write_secret(file, &key.to_text())?;
            let jwk = with_jwk(file);
            files::write(&jwk, jwk_text(key.public()).as_bytes())?;
            ui::line(&key.public().thumbprint())?;
            ui::say(&format!("hint: the issuer gets {}; {} stays here", jwk.display(), file.display()));
            Ok(Exit::Ok)
        }
        // The command line's rules leave no such case.
        _ => Err(UsageError("either --dir with --issuer, or --holder".into()).into()),
    }
}

/// A new key.
pub(super) fn generate(algorithm: Algorithm) -> anyhow::Result<AttestKey> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(seed.as_mut_slice()).map_err(|error| anyhow::anyhow!("no random bytes: {error}"))?;
    Ok(AttestKey::from_seed(algorithm, &seed)?)
}

/// Reads a secret key file.
pub(super) fn secret(path: &Path) -> anyhow::Result<AttestKey> {
    let text = Zeroizing::new(files::read_text(path, MAX_KEY_BYTES)?);
    Ok(AttestKey::parse(&text).map_err(|_| {
        let hint = "`luxor attest keygen` makes such files; a JWK is the public half";
        refused(path, format!("no secret key of attestations\nhint: {hint}"))
    })?)
}

/// Reads a public key, a JWK.
pub(super) fn public(path: &Path) -> anyhow::Result<AttestPublic> {
    Ok(AttestPublic::from_jwk(&object(path)?).map_err(|error| refused(path, error))?)
}

/// What a JWK file holds.
pub(super) fn jwk_text(key: &AttestPublic) -> String {
    format!("{}\n", Value::Object(shown(key)))
}

/// The metadata that an issuer serves.
pub(super) fn metadata(issuer: &str, key: &AttestPublic) -> String {
    format!("{}\n", json!({ "issuer": issuer, "jwks": { "keys": [shown(key)] } }))
}

/// An issuer's keys, and its name where the file tells.
pub(super) struct IssuerKeys {
    pub(super) issuer: Option<String>,
    keys: Vec<(Option<String>, AttestPublic)>,
}

impl IssuerKeys {
    /// Reads a JWK or metadata.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let of = object(path)?;
        let kid = |jwk: &Map<String, Value>| jwk.get("kid").and_then(Value::as_str).map(str::to_owned);
        let Some(jwks) = of.get("jwks") else {
            if of.contains_key("jwks_uri") {
                let hint = "fetch what jwks_uri names, and put it into the file as jwks";
                return Err(refused(path, format!("the metadata names its keys by jwks_uri only\nhint: {hint}")).into());
            }
            let key = AttestPublic::from_jwk(&of).map_err(|error| refused(path, error))?;
            return Ok(Self { issuer: None, keys: vec![(kid(&of), key)] });
        };
        let issuer = of.get("issuer").and_then(Value::as_str).ok_or_else(|| refused(path, "it names no issuer"))?;
        let all = jwks.get("keys").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        if all.len() > MAX_KEYS {
            return Err(refused(path, format!("{} keys; at most {MAX_KEYS} are read", all.len())).into());
        }
        // Keys of other kinds may stand beside those that sign credentials.
        let known = |jwk: &Value| {
            let jwk = jwk.as_object()?;
            Some((kid(jwk), AttestPublic::from_jwk(jwk).ok()?))
        };
        let keys: Vec<_> = all.iter().filter_map(known).collect();
        match keys.is_empty() {
            true => Err(refused(path, "none of its keys is EC on P-256 or OKP on Ed25519").into()),
            false => Ok(Self { issuer: Some(issuer.to_owned()), keys }),
        }
    }

    /// The key that a header names; the only one, whatever it is named.
    pub(super) fn of(&self, header: &Header) -> Result<&AttestPublic, String> {
        if let [(_, only)] = self.keys.as_slice() {
            return Ok(only);
        }
        let Some(kid) = header.kid.as_deref() else { return Err("it names no key, and the issuer has several".into()) };
        let named =
            |(name, key): &&(Option<String>, AttestPublic)| name.as_deref() == Some(kid) || key.thumbprint() == kid;
        let found = self.keys.iter().find(named).map(|(_, key)| key);
        found.ok_or_else(|| format!("the issuer has no key '{}'", kid.chars().take(80).collect::<String>()))
    }
}

fn shown(key: &AttestPublic) -> Map<String, Value> {
    let mut jwk = key.jwk();
    jwk.insert("alg".into(), key.algorithm().name().into());
    jwk.insert("kid".into(), key.thumbprint().into());
    jwk.insert("use".into(), "sig".into());
    jwk
}

fn object(path: &Path) -> anyhow::Result<Map<String, Value>> {
    let bytes = files::read(path, MAX_KEY_BYTES)?;
    Ok(json::object("the file", &bytes, DEPTH).map_err(|error| refused(path, error))?)
}

fn with_jwk(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".jwk");
    PathBuf::from(name)
}
