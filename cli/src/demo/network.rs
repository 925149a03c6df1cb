//! Founding: folders, keys, charter, cards and agreements of six members, made and signed as real members would.

use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use luxor_protocol::document::{Agreement, Charter, Document};
use luxor_protocol::names::{MemberId, NodeRef};
use luxor_protocol::time::{Day, Millis};

use super::members::{CUSTOMS, DEALS, Deal, NODE, ROLES, Role};
use crate::found::{self, InitOptions};

const EXCHANGE_PORT: u16 = 4700;
const API_PORT: u16 = 4780;
const RETRY_MIN_MS: u64 = 20;
const RETRY_MAX_MS: u64 = 500;
/// Tries to find addresses that nobody uses.
const ADDRESS_TRIES: usize = 50;
const NAME: &str = "Luxor demo";

/// The founded network.
pub(super) struct Network {
    root: PathBuf,
}

impl Network {
    /// Founds it in `root`, one folder for each member.
    pub(super) fn found(root: &Path) -> Result<Self> {
        let network = Self { root: root.to_owned() };
        let mut draft = format!("name = \"{NAME}\"\ngovernors = [\"{}\", \"{}\"]\n", CUSTOMS[0], CUSTOMS[1]);
        for (role, address) in ROLES.iter().zip(free_addresses()?) {
            let snippet = found::init(&network.dir(role.id), &options(role, address)?);
            draft.push('\n');
            draft.push_str(&snippet.with_context(|| format!("founding the node of {}", role.id))?);
        }
        let mut charter = Charter::from_draft(&draft)?.to_document();
        network.sign(&CUSTOMS, &mut charter)?;
        let mut documents = Vec::new();
        for role in &ROLES {
            let mut card = found::card(&network.dir(role.id), charter.digest())?;
            network.sign(&[role.id], &mut card)?;
            documents.push(card);
        }
        let today = today();
        for deal in &DEALS {
            let text = deal.draft(&Day(today.0 - 1).to_string(), &today.plus(365).to_string());
            let mut agreement = Agreement::from_draft(&text)?.to_document(charter.digest());
            network.sign(&parties(deal), &mut agreement)?;
            documents.push(agreement);
        }
        documents.push(charter);
        for role in &ROLES {
            for document in &documents {
                found::install(&network.dir(role.id), document)?;
            }
        }
        Ok(network)
    }

    /// The folder of a member's node.
    pub(super) fn dir(&self, member: &str) -> PathBuf {
        self.root.join(member)
    }

    fn sign(&self, members: &[&str], document: &mut Document) -> Result<()> {
        for member in members {
            found::sign(&self.dir(member), document)?;
        }
        Ok(())
    }
}

/// The node of a member of the demo.
pub(super) fn node(member: &str) -> Result<NodeRef> {
    let member: MemberId = member.parse()?;
    Ok(NodeRef::new(&member, &NODE.parse()?))
}

/// The day that this machine believes it is.
pub(super) fn today() -> Day {
    // A clock before 1970 counts as 1970, and no agreement is in force then.
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)).day()
}

fn parties(deal: &Deal) -> Vec<&'static str> {
    let mut parties = deal.from.to_vec();
    parties.push(deal.to);
    parties
}

fn options(role: &Role, address: Ipv4Addr) -> Result<InitOptions> {
    Ok(InitOptions {
        member: role.id.parse()?,
        node: NODE.parse()?,
        name: role.name.to_owned(),
        kind: role.kind.parse()?,
        territory: role.territory.parse()?,
        exchange: vec![format!("/ip4/{address}/tcp/{EXCHANGE_PORT}")],
        api: format!("{address}:{API_PORT}"),
        retry_min_ms: RETRY_MIN_MS,
        retry_max_ms: RETRY_MAX_MS,
        compression: true,
    })
}

/// An address of its own for each node, from 127.1.0.1 on, so that two demos do not meet and a restarted node is found
/// again where its card says.
fn free_addresses() -> Result<Vec<Ipv4Addr>> {
    for _ in 0..ADDRESS_TRIES {
        let mut random = [0; 3];
        getrandom::fill(&mut random).context("no random bytes from the operating system")?;
        let [a, b, c] = random;
        // 1 to 254, and room for six behind the last.
        let (a, c) = (1 + a % 254, 1 + c % 240);
        let addresses: Vec<_> = (c..).zip(&ROLES).map(|(c, _)| Ipv4Addr::new(127, a, b, c)).collect();
        let free = |address: &Ipv4Addr| {
            [EXCHANGE_PORT, API_PORT].into_iter().all(|p| TcpListener::bind(SocketAddrV4::new(*address, p)).is_ok())
        };
        if addresses.iter().all(free) {
            return Ok(addresses);
        }
    }
    bail!(
        "no free addresses found on loopback (127.0.0.0/8, ports {EXCHANGE_PORT} and {API_PORT})\n\
         hint: the demo needs a system where all of 127.0.0.0/8 is loopback, as on Linux"
    )
}

#[cfg(test)]
mod tests {
    use super::super::members::{AUDITOR, CARRIER_GROUPS, PLATFORM, POST_GROUPS};
    use super::*;
    use luxor_protocol::names::Purpose;
    use luxor_protocol::record::{DECLARATION, table};

    #[test]
    fn documents_give_exactly_the_intended_groups() {
        let root = tempfile::tempdir().unwrap();
        let network = Network::found(root.path()).unwrap();
        for role in &ROLES {
            let directory = found::directory(&network.dir(role.id)).unwrap();
            assert_eq!(directory.nodes().count(), ROLES.len());
            assert_eq!(directory.agreements().count(), DEALS.len());
        }
        let directory = found::directory(&network.dir(PLATFORM)).unwrap();
        let day = today();
        let flows = directory.flows_from(&PLATFORM.parse().unwrap(), &DECLARATION, day);
        let mut seen: Vec<_> = flows
            .iter()
            .map(|flow| {
                let covers = |place: &str| flow.covers(Some(place.parse().unwrap()));
                let places: Vec<_> = ["KR", "DE", "GR", "JP", "US"].into_iter().filter(|p| covers(p)).collect();
                (flow.to.to_string(), flow.purpose, flow.groups, places)
            })
            .collect();
        seen.sort_by(|a, b| a.0.cmp(&b.0));
        let all = DECLARATION.all_groups();
        let set = |names: &[&str]| DECLARATION.set(names.iter().copied()).unwrap();
        let both = vec!["KR", "DE", "GR"];
        let expected = vec![
            ("carrier".to_owned(), Purpose::Delivery, set(CARRIER_GROUPS), both.clone()),
            ("customs-eu".to_owned(), Purpose::SafetySecurity, all, vec!["DE", "GR"]),
            ("customs-kr".to_owned(), Purpose::SafetySecurity, all, vec!["KR"]),
            ("post".to_owned(), Purpose::Delivery, set(POST_GROUPS), both),
        ];
        assert_eq!(seen, expected);
        for role in ROLES.iter().filter(|role| role.id != PLATFORM) {
            assert!(directory.flows_from(&role.id.parse().unwrap(), &DECLARATION, day).is_empty(), "{}", role.id);
        }
        let opening = table("opening", 1).unwrap();
        for role in &ROLES {
            let mandate = directory.mandate(&role.id.parse().unwrap(), &AUDITOR.parse().unwrap(), day);
            assert_eq!(mandate, (role.id != AUDITOR).then(|| opening.all_groups()), "{}", role.id);
        }
    }

    #[test]
    fn what_the_post_must_not_see_is_not_in_its_agreement() {
        for hidden in
            ["order", "payment", "seller", "documents", "fiscal", "filing", "declarant", "actors", "product", "duty"]
        {
            assert!(!POST_GROUPS.contains(&hidden) && !CARRIER_GROUPS.contains(&hidden), "{hidden}");
        }
    }
}
