//! The lines of a policy file (<https://c2sp.org/tlog-policy>, Policy file syntax and structure).
//!
//! Not here: what they mean (see `policy`, also for the errors, the limits and the tests).

use std::collections::HashMap;

use super::policy::{
    Group, MAX_POLICY_GROUPS, MAX_POLICY_LOGS, MAX_POLICY_WITNESSES, Member, PolicyError, PolicyParty,
};
use super::text::{excerpt, parse_decimal};
use super::vkey::{KeyType, VerifierKey};

/// The name that stands for no cosignatures in a quorum line.
pub(super) const NONE: &str = "none";

/// What a policy file defines.
pub(super) struct Parts {
    pub(super) logs: Vec<PolicyParty>,
    pub(super) witnesses: Vec<PolicyParty>,
    pub(super) groups: Vec<Group>,
    pub(super) quorum: Option<Member>,
}

/// Reads all lines; the caller has bounded the text.
pub(super) fn read(text: &str) -> Result<Parts, PolicyError> {
    let mut reader = Reader::default();
    let mut rest = text;
    let mut number = 0;
    while !rest.is_empty() {
        number += 1;
        let malformed = |why| PolicyError::Malformed { line: number, why };
        let (line, after) = rest.split_once('\n').ok_or_else(|| malformed("no line feed at the end"))?;
        if line.bytes().any(|byte| (byte < b' ' && byte != b'\t') || byte == 0x7f) {
            return Err(malformed("holds a control character other than the tab"));
        }
        reader.line(number, line)?;
        rest = after;
    }
    let Reader { logs, witnesses, groups, quorum, .. } = reader;
    Ok(Parts { logs, witnesses, groups, quorum: quorum.ok_or(PolicyError::NoQuorum)? })
}

/// What the lines so far define.
#[derive(Default)]
struct Reader {
    logs: Vec<PolicyParty>,
    witnesses: Vec<PolicyParty>,
    groups: Vec<Group>,
    /// `Some(None)` after `quorum none`.
    quorum: Option<Option<Member>>,
    /// Witnesses and groups by name, and whether a group has taken them as a member.
    names: HashMap<String, (Member, bool)>,
}

impl Reader {
    fn line(&mut self, line: usize, text: &str) -> Result<(), PolicyError> {
        let malformed = |why| PolicyError::Malformed { line, why };
        let mut items = text.split([' ', '\t']).filter(|item| !item.is_empty());
        let Some(kind) = items.next().filter(|first| !first.starts_with('#')) else { return Ok(()) };
        let items: Vec<&str> = items.collect();
        match (kind, items.as_slice()) {
            ("log", [vkey, url @ ..]) if url.len() <= 1 => {
                let key = read_key(line, vkey, KeyType::Ed25519, &self.logs)?;
                if self.logs.len() == MAX_POLICY_LOGS {
                    return Err(malformed("is one more than the 256 logs accepted"));
                }
                let name = key.name().to_owned();
                self.logs.push(PolicyParty { name, key, url: url.first().map(|url| (*url).to_owned()) });
            }
            ("witness", [name, vkey, url @ ..]) if url.len() <= 1 => {
                let key = read_key(line, vkey, KeyType::Cosignature, &self.witnesses)?;
                if self.witnesses.len() == MAX_POLICY_WITNESSES {
                    return Err(malformed("is one more than the 256 witnesses accepted"));
                }
                self.define(line, name, Member::Witness(self.witnesses.len()))?;
                let url = url.first().map(|url| (*url).to_owned());
                self.witnesses.push(PolicyParty { name: (*name).to_owned(), key, url });
            }
            ("group", [name, threshold, members @ ..]) if !members.is_empty() => {
                let k = match *threshold {
                    "any" => 1,
                    "all" => members.len(),
                    k => parse_decimal(k)
                        .and_then(|k| usize::try_from(k).ok())
                        .filter(|k| *k >= 1 && *k <= members.len())
                        .ok_or_else(|| {
                            malformed("the threshold is not \"any\", \"all\" or 1 to the number of members")
                        })?,
                };
                if self.groups.len() == MAX_POLICY_GROUPS {
                    return Err(malformed("is one more than the 256 groups accepted"));
                }
                let members = members.iter().map(|member| self.take(line, member)).collect::<Result<_, _>>()?;
                self.define(line, name, Member::Group(self.groups.len()))?;
                self.groups.push(Group { name: (*name).to_owned(), k, members });
            }
            ("quorum", [name]) => {
                if self.quorum.is_some() {
                    return Err(malformed("is a second quorum line"));
                }
                self.quorum = Some(if *name == NONE { None } else { Some(self.defined(line, name)?.0) });
            }
            ("log", _) => return Err(malformed("is not \"log <vkey> [<url>]\"")),
            ("witness", _) => return Err(malformed("is not \"witness <name> <vkey> [<url>]\"")),
            ("group", _) => return Err(malformed("is not \"group <name> all|any|<k> <member>...\"")),
            ("quorum", _) => return Err(malformed("is not \"quorum <name>\"")),
            _ => return Err(malformed("begins with none of log, witness, group, quorum and #")),
        }
        Ok(())
    }

    fn define(&mut self, line: usize, name: &str, member: Member) -> Result<(), PolicyError> {
        let refuse = |why| Err(PolicyError::Name { line, name: excerpt(name), why });
        if name == NONE {
            return refuse("is reserved for the quorum line");
        }
        if self.names.contains_key(name) {
            return refuse("is defined twice");
        }
        self.names.insert(name.to_owned(), (member, false));
        Ok(())
    }

    fn defined(&mut self, line: usize, name: &str) -> Result<&mut (Member, bool), PolicyError> {
        let why = "is not that of a witness or group on a line before this one";
        self.names.get_mut(name).ok_or_else(|| PolicyError::Name { line, name: excerpt(name), why })
    }

    /// Takes a name as a member; each name at most once, so that each witness counts in one way only.
    fn take(&mut self, line: usize, name: &str) -> Result<Member, PolicyError> {
        let (member, taken) = self.defined(line, name)?;
        if std::mem::replace(taken, true) {
            return Err(PolicyError::Name { line, name: excerpt(name), why: "is a group member already" });
        }
        Ok(*member)
    }
}

/// Reads a key of the right type that no party of the same kind has.
fn read_key(line: usize, vkey: &str, key_type: KeyType, others: &[PolicyParty]) -> Result<VerifierKey, PolicyError> {
    let key = VerifierKey::parse(vkey).map_err(|source| PolicyError::Key { line, source })?;
    let malformed = |why| Err(PolicyError::Malformed { line, why });
    if key.key_type() != key_type {
        return malformed("a log needs a key of type 0x01 (Ed25519), a witness one of type 0x04 (cosignature)");
    }
    // The same public key under another name is the same party.
    if others.iter().any(|other| other.key.public_key() == key.public_key()) {
        return malformed("has the public key of an earlier line");
    }
    Ok(key)
}
