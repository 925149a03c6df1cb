//! What signing and checking have in common for charter, card and agreement.

use std::io::IsTerminal as _;
use std::path::Path;

use luxor_protocol::cbor::{Decode, Encode as _};
use luxor_protocol::document::{Charter, Directory, Document, DocumentError, DocumentKind};
use luxor_protocol::keys::PublicKey;
use luxor_protocol::limits::MAX_DOCUMENT_BYTES;
use luxor_protocol::names::MemberId;
use serde::Serialize;

use super::place;
use crate::args::SignerArgs;
use crate::exit::{Exit, RefusedError, UsageError};
use crate::found::{self, FoundError};
use crate::{files, ui};

/// What a file holds, told apart by content.
pub(super) enum Input {
    /// TOML, to become a document.
    Draft(String),
    /// A document with or without signatures.
    Document(Document),
}

/// Reads a draft or a document of a kind.
pub(super) fn read_input(path: &Path, kind: DocumentKind) -> anyhow::Result<Input> {
    // A document is a CBOR array of seven, a byte that never begins UTF-8 text.
    if files::read(path, 2 * MAX_DOCUMENT_BYTES)?.first() == Some(&0x87) {
        return Ok(Input::Document(read_document(path, kind)?));
    }
    Ok(Input::Draft(files::read_text(path, MAX_DOCUMENT_BYTES)?))
}

/// Reads a document of a kind.
pub(super) fn read_document(path: &Path, kind: DocumentKind) -> anyhow::Result<Document> {
    let document = found::read_document(path)?;
    if document.kind == kind {
        return Ok(document);
    }
    let source = DocumentError::Kind { expected: kind, found: document.kind };
    Err(FoundError::Document { path: path.to_owned(), source }.into())
}

/// Members that must sign, with the identity keys that each may sign with; the last is today's.
pub(super) type Required<'d> = Vec<(&'d MemberId, &'d [PublicKey])>;

/// Reads a founding charter and checks it with its signatures.
pub(super) fn read_network(path: &Path) -> anyhow::Result<Directory> {
    let document = read_document(path, DocumentKind::Charter)?;
    Charter::open(&document).map_err(|source| FoundError::Document { path: path.to_owned(), source })?;
    Ok(Directory::gathered([document])?)
}

/// The network as the node knows it, else as this founding charter founds it.
pub(super) fn network(charter: Option<&Path>, node: Option<&Path>) -> anyhow::Result<Directory> {
    let founded = charter.map(read_network).transpose()?;
    let known = node.map(place::network_at).transpose()?.flatten();
    match (founded, known) {
        // A node may belong to another network than the one that this is about.
        (Some(founded), Some(known)) if founded.network() != known.network() => Ok(founded),
        (_, Some(known)) => Ok(known),
        (Some(founded), None) => Ok(founded),
        (None, None) => {
            let what =
                "no network is known: name the founding charter with --charter, or a node that has it with --node";
            Err(UsageError(what.into()).into())
        }
    }
}

/// Refuses a document of another network.
pub(super) fn same_network(network: &Directory, document: &Document) -> Result<(), DocumentError> {
    if document.network == network.network() {
        return Ok(());
    }
    let (kind, id) = (document.kind, document.id.clone());
    Err(DocumentError::Network { kind, id, expected: network.network(), found: document.network })
}

/// Members that must sign a founding charter, with the keys that it pins.
pub(super) fn founders(charter: &Charter) -> Required<'_> {
    let pinned = |id: &MemberId| charter.member(id).map(|m| (&m.id, std::slice::from_ref(&m.identity)));
    charter.governors.iter().filter_map(pinned).collect()
}

/// The members that must sign, with their identity keys.
pub(super) fn signers<'d>(network: &'d Directory, members: &'d [MemberId]) -> Result<Required<'d>, RefusedError> {
    let known = |id: &'d MemberId| match network.identities(id) {
        [] => Err(RefusedError(format!("{id} is not a member of {}", network.charter().name))),
        keys => Ok((id, keys)),
    };
    members.iter().map(known).collect()
}

/// Adds the signature of the member whose node stands in `dir`, if it is one of those that must sign.
pub(super) fn add_signature(
    dir: &Path,
    document: &mut Document,
    required: &[(&MemberId, &[PublicKey])],
) -> anyhow::Result<()> {
    let (kind, id, member) = (document.kind, document.id.clone(), found::member(dir)?);
    let Some((_, keys)) = required.iter().find(|(name, _)| **name == member) else {
        let names: Vec<_> = required.iter().map(|(name, _)| name.as_str()).collect();
        let what = format!("{member} is no party to {kind} '{id}'\nhint: it is signed by {}", names.join(", "));
        return Err(RefusedError(what).into());
    };
    let identity = found::identity(dir)?;
    if keys.last() != Some(identity.public()) {
        let what = format!("the network knows another identity key for {member} than the one in {}", dir.display());
        return Err(RefusedError(what).into());
    }
    document.sign(&member, &identity);
    Ok(())
}

/// Says who signed, and who still must, and writes the document.
pub(super) fn finish(
    document: &Document,
    required: &[(&MemberId, &[PublicKey])],
    signer: &SignerArgs,
) -> anyhow::Result<Exit> {
    let states = states(document, required);
    say(document, &states);
    write_output(signer.output.as_deref(), &document.to_cbor(), true)?;
    let missing: Vec<_> = states.iter().filter(|s| s.state == "missing").map(|s| s.member.as_str()).collect();
    if !missing.is_empty() {
        ui::say(&format!("hint: pass the file on to be signed by {}", missing.join(", ")));
    }
    Ok(Exit::Ok)
}

/// Writes a document to its file, else to stdout unless that is a terminal.
pub(super) fn write(document: &Document, output: Option<&Path>) -> anyhow::Result<()> {
    write_output(output, &document.to_cbor(), true)
}

/// One signature of a document, or its absence.
#[derive(Debug, Serialize)]
pub(super) struct SignatureState {
    pub(super) member: MemberId,
    /// `valid`, `missing`, `wrong` or `stranger`.
    pub(super) state: &'static str,
    /// What is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) why: Option<String>,
}

/// The state of every signature, those that must be there first.
pub(super) fn states(document: &Document, required: &[(&MemberId, &[PublicKey])]) -> Vec<SignatureState> {
    let signed = |member: &MemberId| document.signatures.iter().find(|s| s.member == *member);
    let mut states: Vec<_> = required
        .iter()
        .map(|&(member, keys)| {
            let (state, why) = match signed(member) {
                None => ("missing", None),
                Some(signature) => {
                    // The document with this signature alone, so that each signature is judged by the one rule.
                    let alone = Document { signatures: vec![signature.clone()], ..document.clone() };
                    match alone.check_any(&[(member, keys)]) {
                        Ok(()) => ("valid", None),
                        Err(DocumentError::Signature { error, .. }) => ("wrong", Some(error.to_string())),
                        Err(other) => ("wrong", Some(other.to_string())),
                    }
                }
            };
            SignatureState { member: member.clone(), state, why }
        })
        .collect();
    let strangers = document.signatures.iter().filter(|s| !required.iter().any(|(name, _)| **name == s.member));
    states.extend(strangers.map(|s| SignatureState { member: s.member.clone(), state: "stranger", why: None }));
    states
}

/// What a check found.
#[derive(Debug, Serialize)]
pub(super) struct CheckReport {
    pub(super) kind: DocumentKind,
    pub(super) id: String,
    pub(super) version: u64,
    pub(super) digest: String,
    pub(super) ok: bool,
    pub(super) signatures: Vec<SignatureState>,
}

/// Reports every signature; exit code 1 unless all are there and valid.
pub(super) fn report(document: &Document, required: &[(&MemberId, &[PublicKey])], json: bool) -> anyhow::Result<Exit> {
    let signatures = states(document, required);
    let ok = document.check_any(required).is_ok();
    if json {
        let (kind, version, digest) = (document.kind, document.version, document.digest().hex());
        ui::json(&CheckReport { kind, id: document.id.to_string(), version, digest, ok, signatures })?;
    } else {
        let (kind, id, version) = (document.kind, &document.id, document.version);
        ui::line(&format!("{kind} '{id}' version {version}, digest {}", document.digest()))?;
        let mut table = ui::Table::plain();
        signatures
            .iter()
            .for_each(|s| table.row(["  signature of", s.member.as_str(), s.state, s.why.as_deref().unwrap_or("")]));
        table.print()?;
        let missing: Vec<_> = signatures.iter().filter(|s| s.state == "missing").map(|s| s.member.as_str()).collect();
        match (ok, missing.is_empty()) {
            (true, _) => ui::line("ok: everyone signed, and every signature holds")?,
            (false, true) => ui::line("not ok")?,
            (false, false) => ui::line(&format!("not ok: not signed by {}", missing.join(", ")))?,
        }
    }
    Ok(if ok { Exit::Ok } else { Exit::Findings })
}

fn say(document: &Document, states: &[SignatureState]) {
    let with = |state: &str| states.iter().filter(|s| s.state == state).map(|s| s.member.as_str()).collect::<Vec<_>>();
    let valid = with("valid");
    let by = if valid.is_empty() { "nobody yet".into() } else { valid.join(", ") };
    ui::say(&format!("{} '{}', digest {}: signed by {by}", document.kind, document.id, document.digest()));
    for s in states.iter().filter(|s| matches!(s.state, "wrong" | "stranger")) {
        ui::say(&format!("warning: signature of {}: {} {}", s.member, s.state, s.why.as_deref().unwrap_or("")));
    }
}

/// Writes a command's result to a file, or to stdout when none is named; never binary to a terminal.
pub(super) fn write_output(output: Option<&Path>, bytes: &[u8], binary: bool) -> anyhow::Result<()> {
    match output {
        Some(path) if path != Path::new("-") => Ok(files::write(path, bytes)?),
        None if binary && std::io::stdout().is_terminal() => {
            Err(UsageError("the document is binary; name a file with --output".into()).into())
        }
        _ => Ok(ui::raw(bytes)?),
    }
}

/// Reads the body of a document as what it must be.
pub(super) fn body<T: Decode>(document: &Document) -> Result<T, DocumentError> {
    Ok(T::from_cbor(&document.body)?)
}
