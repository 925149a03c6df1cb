//! Founding: folders, keys, charter, cards and agreements of a planned network, made and signed as real members would.

use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use luxor_protocol::document::{Agreement, Charter, Document};
use luxor_protocol::hash::Digest;
use luxor_protocol::names::{MemberId, NodeRef};
use luxor_protocol::time::{Day, Millis};

use crate::found::{self, InitOptions};

const EXCHANGE_PORT: u16 = 4700;
const API_PORT: u16 = 4780;
const RETRY_MIN_MS: u64 = 20;
const RETRY_MAX_MS: u64 = 500;
/// Tries to find addresses that nobody uses.
const ADDRESS_TRIES: usize = 50;
/// The one node that every member runs.
const NODE: &str = "n1";

/// What is founded.
pub(crate) struct Plan {
    /// The network's name.
    pub(crate) name: &'static str,
    /// Its members.
    pub(crate) roles: &'static [Role<'static>],
    /// Who governs it.
    pub(crate) governors: &'static [&'static str],
    /// What they agreed.
    pub(crate) deals: &'static [Deal],
}

/// A member, with one node.
pub(crate) struct Role<'a> {
    /// Short name, also the name of its folder.
    pub(crate) id: &'a str,
    /// Full name.
    pub(crate) name: &'a str,
    /// Kind of member, as in the charter.
    pub(crate) kind: &'a str,
    /// Customs territory.
    pub(crate) territory: &'a str,
}

impl Role<'static> {
    /// A member by its id, name, kind and territory.
    pub(crate) const fn new(id: &'static str, name: &'static str, kind: &'static str, territory: &'static str) -> Self {
        Self { id, name, kind, territory }
    }
}

/// An agreement as a draft in TOML, with those who sign it.
pub(crate) struct Draft {
    /// Who signs.
    pub(crate) parties: Vec<String>,
    /// The draft, as a person would write it for `luxor agreement`.
    pub(crate) text: String,
}

/// An agreement with one row.
pub(crate) struct Deal {
    /// Its id.
    pub(crate) id: &'static str,
    /// For people.
    pub(crate) title: &'static str,
    /// The legal ground: instrument, then article.
    pub(crate) ground: (&'static str, &'static str),
    /// Who answers for the data at law.
    pub(crate) controller: &'static str,
    /// The record type.
    pub(crate) type_name: &'static str,
    /// Who sends.
    pub(crate) from: &'static [&'static str],
    /// Who receives.
    pub(crate) to: &'static str,
    /// What for.
    pub(crate) purpose: &'static str,
    /// Groups shown; `*` for all.
    pub(crate) groups: &'static [&'static str],
    /// Destinations; none means all.
    pub(crate) destinations: &'static [&'static str],
    /// How long it may be kept.
    pub(crate) retention_days: u32,
}

/// The founded network.
pub(crate) struct Network {
    root: PathBuf,
    digest: Digest,
}

impl Network {
    /// Founds it in `root`, one folder for each member.
    pub(crate) fn found(root: &Path, plan: &Plan) -> Result<Self> {
        let (from, until) = term();
        let draft = |deal: &Deal| Draft {
            parties: parties(deal).into_iter().map(str::to_owned).collect(),
            text: deal.draft(&from, &until),
        };
        let drafts: Vec<Draft> = plan.deals.iter().map(draft).collect();
        Self::found_with(root, plan.name, plan.roles, plan.governors, &drafts)
    }

    /// The same of members and agreements that are known only now.
    pub(crate) fn found_with(
        root: &Path,
        name: &str,
        roles: &[Role<'_>],
        governors: &[&str],
        drafts: &[Draft],
    ) -> Result<Self> {
        let mut network = Self { root: root.to_owned(), digest: Digest::ZERO };
        let mut draft = format!("name = \"{name}\"\ngovernors = [{}]\n", list(governors));
        for (role, address) in roles.iter().zip(free_addresses(roles.len())?) {
            let snippet = found::init(&network.dir(role.id), &options(role, address)?);
            draft.push('\n');
            draft.push_str(&snippet.with_context(|| format!("founding the node of {}", role.id))?);
        }
        let mut charter = Charter::from_draft(&draft)?.to_document();
        network.sign(governors.iter().copied(), &mut charter)?;
        network.digest = charter.digest();
        let mut documents = Vec::new();
        for role in roles {
            let mut card = found::card(&network.dir(role.id), charter.digest())?;
            network.sign([role.id], &mut card)?;
            documents.push(card);
        }
        for Draft { parties, text } in drafts {
            let mut agreement = Agreement::from_draft(text)?.to_document(charter.digest());
            network.sign(parties.iter().map(String::as_str), &mut agreement)?;
            documents.push(agreement);
        }
        documents.push(charter);
        for role in roles {
            for document in &documents {
                found::install(&network.dir(role.id), document)?;
            }
        }
        Ok(network)
    }

    /// The folder of a member's node.
    pub(crate) fn dir(&self, member: &str) -> PathBuf {
        self.root.join(member)
    }

    /// The digest of its founding charter, which names it.
    pub(crate) fn digest(&self) -> Digest {
        self.digest
    }

    fn sign<'m>(&self, members: impl IntoIterator<Item = &'m str>, document: &mut Document) -> Result<()> {
        for member in members {
            found::sign(&self.dir(member), document)?;
        }
        Ok(())
    }
}

impl Deal {
    /// The draft in TOML, as a person would write it for `luxor agreement`.
    fn draft(&self, valid_from: &str, valid_until: &str) -> String {
        let mut parties = self.from.to_vec();
        parties.push(self.to);
        let (instrument, article) = self.ground;
        let lines = [
            format!("id = \"{}\"", self.id),
            format!("title = \"{}\"", self.title),
            format!("instrument = \"{instrument}\""),
            format!("article = \"{article}\""),
            format!("controller = \"{}\"", self.controller),
            format!("parties = [{}]", list(&parties)),
            format!("valid_from = \"{valid_from}\""),
            format!("valid_until = \"{valid_until}\""),
            String::new(),
            "[[flow]]".to_owned(),
            format!("type = \"{}\"", self.type_name),
            "version = 1".to_owned(),
            format!("from = [{}]", list(self.from)),
            format!("to = [{}]", list(&[self.to])),
            format!("purpose = \"{}\"", self.purpose),
            format!("groups = [{}]", list(self.groups)),
            format!("destinations = [{}]", list(self.destinations)),
            format!("retention_days = {}", self.retention_days),
        ];
        lines.join("\n") + "\n"
    }
}

/// The node of a member of such a network.
pub(crate) fn node(member: &str) -> Result<NodeRef> {
    let member: MemberId = member.parse()?;
    Ok(NodeRef::new(&member, &NODE.parse()?))
}

/// The time that this machine believes it is.
pub(crate) fn now() -> Millis {
    // A clock before 1970 counts as 1970, and no agreement is in force then.
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
}

/// The day that this machine believes it is.
pub(crate) fn today() -> Day {
    now().day()
}

/// First and last day of an agreement that is made now: from yesterday on, so that no time zone matters, for a year.
pub(crate) fn term() -> (String, String) {
    let today = today();
    (today.minus(1).to_string(), today.plus(365).to_string())
}

fn parties(deal: &Deal) -> Vec<&'static str> {
    let mut parties = deal.from.to_vec();
    parties.push(deal.to);
    parties
}

fn options(role: &Role<'_>, address: Ipv4Addr) -> Result<InitOptions> {
    Ok(InitOptions {
        member: role.id.parse()?,
        node: NODE.parse()?,
        name: role.name.to_owned(),
        kind: role.kind.parse()?,
        territory: role.territory.parse()?,
        exchange: vec![format!("/ip4/{address}/tcp/{EXCHANGE_PORT}")],
        api: format!("{address}:{API_PORT}"),
        log: None,
        retry_min_ms: RETRY_MIN_MS,
        retry_max_ms: RETRY_MAX_MS,
        compression: true,
        further: false,
    })
}

/// An address of its own for each node, from 127.1.0.1 on, so that two networks do not meet and a restarted node is found
/// again where its card says.
fn free_addresses(count: usize) -> Result<Vec<Ipv4Addr>> {
    for _ in 0..ADDRESS_TRIES {
        let mut random = [0; 3];
        getrandom::fill(&mut random).context("no random bytes from the operating system")?;
        let [a, b, c] = random;
        // 1 to 254, and room for a dozen behind the last.
        let (a, c) = (1 + a % 254, 1 + c % 240);
        let addresses: Vec<_> = (c..).take(count).map(|c| Ipv4Addr::new(127, a, b, c)).collect();
        let free = |address: &Ipv4Addr| {
            [EXCHANGE_PORT, API_PORT].into_iter().all(|p| TcpListener::bind(SocketAddrV4::new(*address, p)).is_ok())
        };
        if addresses.iter().all(free) {
            return Ok(addresses);
        }
    }
    bail!(
        "no free addresses found on loopback (127.0.0.0/8, ports {EXCHANGE_PORT} and {API_PORT})\n\
         hint: this needs a system where all of 127.0.0.0/8 is loopback, as on Linux"
    )
}

/// Names as a TOML list has them, without its brackets.
pub(crate) fn list(items: &[&str]) -> String {
    // No name in a plan holds a quote or a backslash.
    items.iter().map(|item| format!("\"{item}\"")).collect::<Vec<_>>().join(", ")
}
