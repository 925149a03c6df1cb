//! A network of many members and agreements, and questions to its policy: some answered, some denied, each known before.
//!
//! Every agreement version has five rules, in four rows, between two members. One agreement in ten has a second version, one in
//! ten is suspended by a party, one in ten has a term that nobody knows; every agreement has a version of a type that nobody knows;
//! prohibitions take away all that some members would give for statistics; one member in fifty is suspended.

use super::numbers::Numbers;
use crate::document::{
    Agreement, Ask, Card, CardNode, Charter, CharterMember, Directory, DirectoryError, Document, DocumentError, Flow,
    MemberStatus, ProhibitionError, Prohibitions, Role, Suspension, Term,
};
use crate::hash::Digest;
use crate::keys::{KeyError, KeyUse, SecretKey};
use crate::names::{MemberId, MemberKind, NameError, Purpose, Slug, Territory};
use crate::record::{DECLARATION, GroupSet};
use crate::time::Day;

/// Rules of one version of an agreement.
pub const RULES_PER_VERSION: usize = 5;
/// The day on which questions are asked.
pub const TODAY: Day = Day(20_600);
/// Days that what is asked about is kept.
const RETENTION_DAYS: u64 = 30;
const GROUPS: [&str; 6] = ["addressee", "content", "filing", "item", "route", "sender"];

/// Why no network was made; a defect.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// A name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A document.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// Documents that do not fit each other.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// Prohibitions.
    #[error(transparent)]
    Prohibition(#[from] ProhibitionError),
    /// A group that the type does not have.
    #[error("a declaration has no group '{0}'")]
    Group(String),
}

/// Documents of a network, rightly signed.
pub struct SampleNetwork {
    /// Its documents: charter, cards, agreements, suspensions.
    pub documents: Vec<Document>,
    /// What its node's law forbids.
    pub prohibitions: Prohibitions,
    /// Agreements that are not among the documents, each new to them.
    pub further: Vec<Document>,
    members: Vec<Party>,
    versions: Vec<Version>,
    groups: GroupSet,
}

/// A question, and what a dispatch would say with it.
#[derive(Debug, Clone)]
pub struct Question {
    /// The record type.
    pub type_name: &'static str,
    /// Its version.
    pub version: u64,
    /// Who sends.
    pub from: MemberId,
    /// Who receives.
    pub to: MemberId,
    /// What for.
    pub purpose: Purpose,
    /// The agreement's version.
    pub digest: Digest,
    /// The groups that are shown.
    pub view: GroupSet,
    /// Days.
    pub retention_days: u64,
}

impl Question {
    /// As the policy takes it.
    pub fn ask(&self) -> Ask<'_> {
        let Self { type_name, version, from, to, purpose, .. } = self;
        Ask { type_name, version: *version, from, to, purpose: *purpose, day: TODAY }
    }
}

/// Questions, each kind by itself.
#[derive(Debug, Clone, Default)]
pub struct Questions {
    /// A rule gives what is asked, under the agreement named.
    pub given: Vec<Question>,
    /// Rules are about it and give nothing.
    pub denied: Vec<Question>,
    /// No rule is about it.
    pub nothing: Vec<Question>,
}

struct Party {
    id: MemberId,
    key: SecretKey,
}

struct Version {
    digest: Digest,
    from: MemberId,
    to: MemberId,
    flows: Vec<Flow>,
}

impl SampleNetwork {
    /// A network of so many members (at least 4), with agreements of so many versions in all, and some `further` ones. The same
    /// numbers give the same network.
    ///
    /// # Errors
    /// [`NetworkError`], which is a defect.
    pub fn new(members: usize, versions: usize, further: usize) -> Result<Self, NetworkError> {
        let groups = DECLARATION.set(GROUPS).map_err(NetworkError::Group)?;
        let parties = (0..members.max(4)).map(Party::new).collect::<Result<Vec<_>, _>>()?;
        let governors = &parties[..1];
        let charter = Charter {
            name: "Measured network".into(),
            members: parties.iter().enumerate().map(charter_member).collect::<Result<_, _>>()?,
            governors: governors.iter().map(|party| party.id.clone()).collect(),
            threshold: 1,
            policy: None,
            valid_until: None,
            round: 1,
            merges: None,
            issuers: Vec::new(),
            coordinators: Vec::new(),
        };
        let mut charter = charter.to_document();
        governors.iter().for_each(|party| charter.sign(&party.id, &party.key));
        let network = charter.digest();
        let mut made = Self {
            documents: vec![charter],
            prohibitions: prohibitions(&parties)?,
            further: Vec::new(),
            versions: Vec::with_capacity(versions),
            groups,
            members: parties,
        };
        for (number, party) in made.members.iter().enumerate() {
            let mut card = party.card(number)?.to_document(network)?;
            card.sign(&party.id, &party.key);
            made.documents.push(card);
        }
        let mut numbers = Numbers(1);
        let mut suspended: Vec<Vec<Slug>> = vec![Vec::new(); made.members.len()];
        let mut at = 0;
        while made.versions.len() < versions {
            let (from, to) = numbers.pair(made.members.len());
            let (a, b) = (&made.members[from], &made.members[to]);
            let agreement = agreement(&format!("agreement-{at}"), a, b, at % 10 == 2)?;
            let document = signed(agreement.to_document(network), a, b);
            let mut versions_of = vec![(document, agreement.clone())];
            if at % 10 == 0 && made.versions.len() + 1 < versions {
                // Every other of them holds already.
                let valid_from = if at % 20 == 0 { TODAY.minus(30) } else { TODAY.plus(30) };
                let next = Agreement { valid_from, ..agreement.clone() };
                let document = signed(next.to_successor(&versions_of[0].0), a, b);
                versions_of.push((document, next));
            }
            if at % 10 == 1 {
                suspended[from].push(agreement.id.clone());
            }
            for (document, Agreement { flows, .. }) in versions_of {
                let (digest, from, to) = (document.digest(), a.id.clone(), b.id.clone());
                made.versions.push(Version { digest, from, to, flows });
                made.documents.push(document);
            }
            at += 1;
        }
        for (party, mut agreements) in made.members.iter().zip(suspended).filter(|(_, list)| !list.is_empty()) {
            agreements.sort();
            let reason = "to be clarified".into();
            let word = Suspension { member: party.id.clone(), agreements, reason };
            let mut document = word.to_document(network, None)?;
            document.sign(&party.id, &party.key);
            made.documents.push(document);
        }
        for at in 0..further {
            let (from, to) = numbers.pair(made.members.len());
            let (a, b) = (&made.members[from], &made.members[to]);
            let agreement = agreement(&format!("further-{at}"), a, b, false)?;
            made.further.push(signed(agreement.to_document(network), a, b));
        }
        Ok(made)
    }

    /// The directory of these documents, every signature checked.
    ///
    /// # Errors
    /// [`NetworkError`], which is a defect.
    pub fn directory(&self) -> Result<Directory, NetworkError> {
        let directory = Directory::strict(self.documents.iter().cloned())?;
        Ok(directory.under(std::sync::Arc::new(self.prohibitions.clone())))
    }

    /// How many members.
    pub fn members(&self) -> usize {
        self.members.len()
    }

    /// At most `count` questions of each kind, at random. The same seed gives the same ones.
    pub fn questions(&self, directory: &Directory, count: usize, seed: u64) -> Questions {
        let mut numbers = Numbers(seed);
        let mut questions = Questions::default();
        if self.versions.is_empty() {
            return questions;
        }
        // Most rows give something, so enough of each kind turn up in a few times as many.
        for _ in 0..count.saturating_mul(16) {
            if questions.given.len() >= count && questions.denied.len() >= count {
                break;
            }
            let question = self.about_a_row(&mut numbers);
            let (policy, ask) = (directory.policy(), question.ask());
            let Question { digest, view, retention_days, .. } = &question;
            let list = match policy.decide(directory, &ask) {
                Err(_) => &mut questions.denied,
                Ok(_) if policy.permits(directory, &ask, digest, *view, *retention_days).is_ok() => {
                    &mut questions.given
                }
                // Another agreement gives it than the one that it names.
                Ok(_) => continue,
            };
            if list.len() < count {
                list.push(question);
            }
        }
        questions.nothing = (0..count).map(|at| self.about_nothing(at, &mut numbers)).collect();
        questions
    }

    fn about_a_row(&self, numbers: &mut Numbers) -> Question {
        let Version { digest, from, to, flows } = &self.versions[numbers.below(self.versions.len())];
        let flow = &flows[numbers.below(flows.len())];
        let version = flow.type_versions[numbers.below(flow.type_versions.len())];
        let (from, to) = if flow.from.contains(from) { (from, to) } else { (to, from) };
        Question {
            type_name: DECLARATION.name,
            version,
            from: from.clone(),
            to: to.clone(),
            purpose: flow.purpose,
            digest: *digest,
            view: self.groups,
            retention_days: RETENTION_DAYS,
        }
    }

    /// A stranger, a pair without an agreement, and another type, version or purpose than a pair's agreements have.
    fn about_nothing(&self, at: usize, numbers: &mut Numbers) -> Question {
        let mut question = self.about_a_row(numbers);
        match at % 5 {
            0 => question.from = "stranger".parse().unwrap_or(question.from),
            1 => {
                let (from, to) = numbers.pair(self.members.len());
                (question.from, question.to) = (self.members[from].id.clone(), self.members[to].id.clone());
                question.purpose = Purpose::Delivery;
            }
            2 => question.type_name = "manifest",
            3 => question.version = 9,
            _ => question.purpose = Purpose::Delivery,
        }
        question
    }
}

impl Party {
    fn new(number: usize) -> Result<Self, NetworkError> {
        Ok(Self { id: format!("member-{number:04}").parse()?, key: key(KeyUse::Identity, number)? })
    }

    fn card(&self, number: usize) -> Result<Card, NetworkError> {
        let public = |purpose| Ok::<_, KeyError>((*key(purpose, number)?.public()).into());
        let node = CardNode {
            name: "n1".parse()?,
            sign: public(KeyUse::Sign)?,
            log: public(KeyUse::Log)?,
            witness: public(KeyUse::Witness)?,
            transport: public(KeyUse::Transport)?,
            seal: vec![format!("age1{}", self.id)],
            origin: format!("log.example/{}", self.id),
            addresses: vec!["/ip4/192.0.2.1/tcp/4700".into()],
            epoch: 1,
            reads: vec![(DECLARATION.name.into(), DECLARATION.version)],
        };
        Ok(Card { member: self.id.clone(), identity: *self.key.public(), nodes: vec![node], attest: Vec::new() })
    }
}

/// Keys of a measurement: from numbers, worth nothing.
fn key(purpose: KeyUse, number: usize) -> Result<SecretKey, KeyError> {
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&(number as u64 + 1).to_be_bytes());
    seed[8..8 + purpose.name().len()].copy_from_slice(purpose.name().as_bytes());
    SecretKey::from_seed(purpose, &seed)
}

fn charter_member((number, party): (usize, &Party)) -> Result<CharterMember, NetworkError> {
    let kinds = MemberKind::ALL;
    Ok(CharterMember {
        id: party.id.clone(),
        name: party.id.to_string(),
        kind: kinds[number % kinds.len()],
        territory: "DE".parse::<Territory>()?,
        identity: *party.key.public(),
        status: if number % 50 == 49 { MemberStatus::Suspended } else { MemberStatus::Active },
    })
}

/// Three members may give nothing for statistics.
fn prohibitions(parties: &[Party]) -> Result<Prohibitions, NetworkError> {
    let mut text = String::new();
    for (at, party) in parties.iter().skip(1).step_by(8).take(16).enumerate() {
        text += &format!(
            "[[forbid]]\nid = \"law-{at}\"\nground = \"A law\"\nfrom = [\"{}\"]\npurposes = [\"statistics\"]\n",
            party.id
        );
    }
    Ok(Prohibitions::parse(&text)?)
}

fn signed(mut document: Document, a: &Party, b: &Party) -> Document {
    [a, b].into_iter().for_each(|party| document.sign(&party.id, &party.key));
    document
}

fn agreement(id: &str, a: &Party, b: &Party, unknown: bool) -> Result<Agreement, NetworkError> {
    let flow = |from: &Party, to: &Party, purpose, type_versions: &[u64], term: Option<&str>| Flow {
        type_name: DECLARATION.name.into(),
        type_versions: type_versions.to_vec(),
        from: vec![from.id.clone()],
        to: vec![to.id.clone()],
        purpose,
        groups: GROUPS.iter().map(|name| (*name).to_owned()).collect(),
        territories: Vec::new(),
        roles: vec![Role::Destination],
        handling: false,
        retention_days: RETENTION_DAYS,
        onward: Vec::new(),
        terms: term.map(|name| Term { name: name.into(), value: "yes".into() }).into_iter().collect(),
    };
    let mut parties = vec![a.id.clone(), b.id.clone()];
    parties.sort();
    Ok(Agreement {
        id: id.parse()?,
        title: "Advance data".into(),
        instrument: "Memorandum".into(),
        article: "1".into(),
        controller: a.id.to_string(),
        document: None,
        parties,
        valid_from: TODAY.minus(300),
        valid_until: TODAY.plus(300),
        flows: vec![
            flow(a, b, Purpose::SafetySecurity, &[1], unknown.then_some("unheard_of")),
            flow(a, b, Purpose::Revenue, &[1], Some("evidence")),
            flow(b, a, Purpose::Facilitation, &[1], None),
            flow(a, b, Purpose::Statistics, &[1, 7], None),
        ],
        recognises: Vec::new(),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::document::Denial;

    #[test]
    fn rules_are_of_every_kind_and_questions_of_the_kind_said() {
        let sample = SampleNetwork::new(60, 200, 2).unwrap();
        let directory = sample.directory().unwrap();
        assert_eq!(directory.policy().len(), 200 * RULES_PER_VERSION);
        let questions = sample.questions(&directory, 400, 7);
        let counts = [&questions.given, &questions.denied, &questions.nothing].map(Vec::len);
        assert_eq!(counts, [400; 3]);
        let decide = |question: &Question| directory.policy().decide(&directory, &question.ask());
        assert!(questions.given.iter().all(|question| decide(question).is_ok()));
        let denials: Vec<_> =
            questions.denied.iter().chain(&questions.nothing).map(|question| decide(question).unwrap_err()).collect();
        type Is = fn(&Denial) -> bool;
        let wanted: [(&str, Is); 10] = [
            ("suspended", |d| matches!(d, Denial::Suspended(_))),
            ("member suspended", |d| matches!(d, Denial::MemberSuspended(_))),
            ("prohibited", |d| matches!(d, Denial::Prohibited(_))),
            ("term", |d| matches!(d, Denial::UnknownTerm(_))),
            ("type", |d| matches!(d, Denial::UnknownType(..))),
            ("stranger", |d| matches!(d, Denial::NoMember(_))),
            ("no agreement", |d| matches!(d, Denial::NoAgreement)),
            ("no type", |d| matches!(d, Denial::NoType(_))),
            ("no version", |d| matches!(d, Denial::NoVersion(_))),
            ("no purpose", |d| matches!(d, Denial::NoPurpose(_))),
        ];
        for (name, is) in wanted {
            assert!(denials.iter().any(is), "{name}");
        }
        // A further agreement is new, and makes more rules.
        let more = directory.with(&sample.further[0], TODAY).unwrap().unwrap();
        assert_eq!(more.policy().len(), 201 * RULES_PER_VERSION);
    }
}
