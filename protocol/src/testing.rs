//! What the tests of several rooms share: arbitrary records, a network of three members, dispatches, logs.
//!
//! Nothing here is random but by proptest: keys and salts come from small numbers.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use proptest::prelude::*;
use zeroize::Zeroizing;

use crate::cbor::{Decode, Encode, Reader, Writer};
use crate::document::{Agreement, Card, CardNode, Charter, Directory, Document, KnownNode};
use crate::exchange::{AuditEntry, AuditPage, Channel, Dispatch, DispatchHeader, Lane, Opening, Skeleton, pack};
use crate::hash::Digest;
use crate::keys::{KeyUse, PublicKey, SecretKey};
use crate::names::{MemberId, NodeRef, Purpose, Slug};
use crate::record::{
    Batch, BatchHeader, Content, ContentError, DECLARATION, GroupSet, Kind, OPENING, Occurrences, RecordView, Scope,
    SealedRecord, TypeTable, Value, batch_root, tables,
};
use crate::time::{Day, Millis};
use crate::tlog::{Checkpoint, Edge, TlogProof, inclusion_proof, leaf_hash};

/// A point in time at which the network's agreements hold: 2026-11-23T10:00:00Z.
pub(crate) const NOW: Millis = Millis(1_795_428_000_000);

/// A path in the shared folder, or nothing and a note where the folder is absent.
pub(crate) fn shared(test: &str, path: &str) -> Option<std::path::PathBuf> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared");
    let folder = std::env::var_os("LUXOR_SHARED").map_or_else(|| default.into(), std::path::PathBuf::from);
    if folder.is_dir() {
        return Some(folder.join(path));
    }
    println!("skipped: {test}: {} absent", folder.display());
    None
}

/// splitmix64: a stream of numbers from one, so that a whole record shrinks to one number and two masks.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut n = self.0;
        n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        n ^ (n >> 31)
    }

    /// A number from 0 to `max`.
    pub(crate) fn up_to(&mut self, max: u64) -> u64 {
        match max.checked_add(1) {
            Some(count) => self.next() % count,
            None => self.next(),
        }
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.up_to(count - 1) == 0
    }

    fn text(&mut self, alphabet: &[char], min: usize, max: usize) -> String {
        // Mostly short, now and then as long as allowed.
        let top = if self.one_in(8) { max } else { max.min(min.max(12)) };
        let length = min + self.up_to((top - min) as u64) as usize;
        (0..length).map(|_| alphabet[self.up_to(alphabet.len() as u64 - 1) as usize]).collect()
    }
}

/// A valid value of this kind.
pub(crate) fn value_of(kind: Kind, numbers: &mut Numbers) -> Value {
    let letters: Vec<char> = ('A'..='Z').collect();
    let digits: Vec<char> = ('0'..='9').collect();
    match kind {
        Kind::Text(max) => {
            let alphabet: Vec<char> = "abcxyzABC019  \"\\/'<>&;,.{}[]éß漢字🛃\u{200b}".chars().collect();
            let text = numbers.text(&alphabet, 1, usize::from(max));
            let trimmed = text.trim();
            Value::Text(if trimmed.is_empty() { "x".into() } else { trimmed.into() })
        }
        Kind::Code(max) => {
            let alphabet: Vec<char> = letters.into_iter().chain(digits).chain("-/._".chars()).collect();
            Value::Text(numbers.text(&alphabet, 1, usize::from(max)))
        }
        Kind::Digits(min, max) => Value::Text(numbers.text(&digits, usize::from(min), usize::from(max))),
        Kind::Words(words) => Value::Text(words[numbers.up_to(words.len() as u64 - 1) as usize].into()),
        Kind::Decimal(most, scale) => {
            let scale = numbers.up_to(u64::from(scale)) as u8;
            let top = 10i64.pow(numbers.up_to(u64::from(most)) as u32) - 1;
            let mantissa = numbers.up_to(top as u64) as i64;
            Value::Decimal(crate::record::Decimal {
                mantissa: if numbers.one_in(4) { -mantissa } else { mantissa },
                scale,
            })
        }
        Kind::Uint(max) => Value::Uint(if numbers.one_in(8) { max } else { numbers.up_to(max) }),
        Kind::Edition(list) => Value::Uint(list.editions[numbers.up_to(list.editions.len() as u64 - 1) as usize].year),
        Kind::Bool => Value::Bool(numbers.one_in(2)),
        Kind::Day => Value::Day(Day(numbers.up_to(2_932_896 + 25_567) as i32 - 25_567)),
        Kind::Time => Value::Time(Millis(match numbers.up_to(7) {
            0 => Millis::MAX.0,
            _ => numbers.up_to(Millis::MAX.0),
        })),
        Kind::Territory => Value::Text(numbers.text(&letters, 2, 2)),
        Kind::Currency => Value::Text(numbers.text(&letters, 3, 3)),
        Kind::Token(max) => {
            let visible: Vec<char> = ('!'..='~').collect();
            Value::Text(numbers.text(&visible, 1, (max as usize).min(200)))
        }
        Kind::Bytes(min, max) => {
            let count = u64::from(min) + numbers.up_to(u64::from((max - min).min(40)));
            Value::Bytes((0..count).map(|_| numbers.up_to(255) as u8).collect())
        }
    }
}

/// Content of a declaration with the groups of `mask`, so many goods items, the last of which is not empty, and values from `seed`.
pub(crate) fn content_from(seed: u64, mask: u32, items: usize) -> Content {
    content_of(&DECLARATION, seed, mask, items)
}

/// The same of any type; one without groups of goods items has no goods items.
pub(crate) fn content_of(table: &'static TypeTable, seed: u64, mask: u32, items: usize) -> Content {
    let mut numbers = Numbers(seed);
    let of_goods = table.groups.iter().any(|group| group.scope == Scope::Item);
    let items = if of_goods { items } else { 0 };
    let mut content = Content::empty(table, items);
    for (at, group) in table.groups.iter().enumerate() {
        let places = if group.scope == Scope::Record { 1 } else { items };
        for item in 0..places {
            let last = group.scope == Scope::Item && item + 1 == items && group.name == "value";
            let wanted =
                group.mandatory || mask & (1 << at) != 0 && (group.scope == Scope::Record || !numbers.one_in(3));
            if !wanted && !last {
                continue;
            }
            let count = if group.repeats { u64::from(group.mandatory) + numbers.up_to(3) } else { 1 };
            let occurrences: Occurrences = (0..count)
                .map(|_| {
                    let chosen =
                        group.fields.iter().filter(|f| f.mandatory || mask & 1 << 31 != 0 || numbers.one_in(2));
                    let chosen: Vec<_> = chosen.collect();
                    chosen.into_iter().map(|f| (f.number, value_of(f.kind, &mut numbers))).collect()
                })
                .collect();
            content.set(at, item, occurrences).unwrap();
        }
    }
    content
}

/// Any valid content of a declaration.
pub(crate) fn content() -> impl Strategy<Value = Content> {
    (any::<u64>(), any::<u32>(), 0usize..=9).prop_map(|(seed, mask, items)| content_from(seed, mask, items))
}

/// Any valid content of any type.
pub(crate) fn any_content() -> impl Strategy<Value = Content> {
    let types: Vec<&'static TypeTable> = tables().filter(|table| *table != &OPENING).collect();
    (proptest::sample::select(types), any::<u64>(), any::<u32>(), 0usize..=9)
        .prop_map(|(table, seed, mask, items)| content_of(table, seed, mask, items))
}

/// Any valid content of a declaration with at least one goods item.
pub(crate) fn content_with_goods() -> impl Strategy<Value = Content> {
    (any::<u64>(), any::<u32>(), 1usize..=9).prop_map(|(seed, mask, items)| content_from(seed, mask, items))
}

/// Only in tests: outside, a record with its seed is not for showing.
impl std::fmt::Debug for SealedRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("SealedRecord").field(self.header()).field(self.content()).finish()
    }
}

/// Content committed to by `post-de`.
pub(crate) fn record_of(content: Content, id: [u8; 16], seed: [u8; 32]) -> SealedRecord {
    SealedRecord::new("post-de".parse().unwrap(), content, None, id, Zeroizing::new(seed))
}

/// Any record of `post-de`, with its seed.
pub(crate) fn record() -> impl Strategy<Value = (SealedRecord, [u8; 32])> {
    (content(), any::<[u8; 16]>(), any::<[u8; 32]>(), proptest::option::of(any::<[u8; 32]>())).prop_map(
        |(content, id, seed, supersedes)| {
            let issuer = "post-de".parse().unwrap();
            (SealedRecord::new(issuer, content, supersedes.map(Digest), id, Zeroizing::new(seed)), seed)
        },
    )
}

/// Any set of groups of a declaration.
pub(crate) fn groups() -> impl Strategy<Value = GroupSet> {
    any::<u32>().prop_map(|bits| GroupSet(bits & DECLARATION.all_groups().0))
}

/// These groups of a declaration.
pub(crate) fn set(names: &[&str]) -> GroupSet {
    DECLARATION.set(names.iter().copied()).unwrap()
}

/// Reads content that fills the bytes.
pub(crate) fn read_content(bytes: &[u8]) -> Result<Content, ContentError> {
    let mut reader = Reader::new(bytes);
    let content = Content::decode(&mut reader)?;
    reader.finish().map(|()| content).map_err(|e| ContentError::new(crate::record::Fault::Encoding, "", e.to_string()))
}

/// Bytes of this type are refused, or are the one form of the value read.
pub(crate) fn one_form<T: Decode + Encode>(bytes: &[u8]) -> bool {
    T::from_cbor(bytes).map_or(true, |value| value.to_cbor() == bytes)
}

/// A member with all keys of its only node, `n1`.
pub(crate) struct Party {
    pub(crate) id: MemberId,
    pub(crate) node: NodeRef,
    pub(crate) identity: SecretKey,
    pub(crate) sign: SecretKey,
    pub(crate) log: SecretKey,
    witness: SecretKey,
    transport: SecretKey,
}

impl Party {
    pub(crate) fn new(id: &str, number: u8) -> Self {
        let id: MemberId = id.parse().unwrap();
        let key = |purpose: KeyUse, nth: u8| SecretKey::from_seed(purpose, &[number * 8 + nth; 32]).unwrap();
        Self {
            node: NodeRef::new(&id, &"n1".parse().unwrap()),
            id,
            identity: key(KeyUse::Identity, 0),
            sign: key(KeyUse::Sign, 1),
            log: key(KeyUse::Log, 2),
            witness: key(KeyUse::Witness, 3),
            transport: key(KeyUse::Transport, 4),
        }
    }

    pub(crate) fn transport(&self) -> &PublicKey {
        self.transport.public()
    }

    pub(crate) fn witness_key(&self) -> &ed25519_dalek::SigningKey {
        self.witness.signing_key()
    }

    pub(crate) fn origin(&self) -> String {
        format!("log.example/{}", self.id)
    }

    pub(crate) fn card(&self) -> Card {
        let node = CardNode {
            name: "n1".parse().unwrap(),
            sign: (*self.sign.public()).into(),
            log: (*self.log.public()).into(),
            witness: (*self.witness.public()).into(),
            transport: (*self.transport.public()).into(),
            seal: vec![format!("age1{}", self.id)],
            origin: self.origin(),
            addresses: vec!["/ip4/192.0.2.1/tcp/4700".into()],
            epoch: 1,
            reads: vec![("declaration".into(), 1)],
        };
        Card { member: self.id.clone(), identity: *self.identity.public(), nodes: vec![node], attest: Vec::new() }
    }
}

/// A post, two customs administrations and an auditor, with their agreements.
pub(crate) struct Network {
    pub(crate) post: Party,
    pub(crate) customs: Party,
    pub(crate) other: Party,
    pub(crate) auditor: Party,
    pub(crate) charter: Document,
    pub(crate) cards: Vec<Document>,
    pub(crate) agreements: Vec<Document>,
    pub(crate) directory: Directory,
}

/// The groups that `post-de` gives `customs-kr` for safety and security.
pub(crate) const SHOWN: [&str; 8] =
    ["addressee", "classification", "content", "filing", "item", "mass", "route", "sender"];

const AGREEMENTS: [&str; 3] = [
    r#"
    id = "parcels"
    title = "Advance data"
    instrument = "Universal Postal Convention"
    article = "08"
    controller = "post-de"
    parties = ["post-de", "customs-kr"]
    valid_from = "2026-01-01"
    valid_until = "2027-12-31"
    [[flow]]
    type = "declaration"
    version = 1
    from = ["post-de"]
    to = ["customs-kr"]
    purpose = "safety_security"
    groups = ["addressee", "classification", "content", "filing", "item", "mass", "route", "sender"]
    retention_days = 30
    [[flow]]
    type = "declaration"
    version = 1
    from = ["post-de"]
    to = ["customs-kr"]
    purpose = "revenue"
    groups = ["filing", "route", "value"]
    destinations = ["KR"]
    retention_days = 365
    [[flow]]
    type = "declaration"
    version = 1
    from = ["customs-kr"]
    to = ["post-de"]
    purpose = "facilitation"
    groups = ["filing"]
    retention_days = 10
    "#,
    r#"
    id = "ended"
    title = "What was"
    instrument = "Memorandum"
    article = "1"
    controller = "post-de"
    parties = ["post-de", "customs-kr"]
    valid_from = "2025-01-01"
    valid_until = "2026-11-22"
    [[flow]]
    type = "declaration"
    version = 1
    from = ["post-de"]
    to = ["customs-kr"]
    purpose = "safety_security"
    groups = ["*"]
    retention_days = 3660
    "#,
    r#"
    id = "mandate"
    title = "Audit"
    instrument = "Memorandum"
    article = "2"
    controller = "auditor"
    parties = ["post-de", "customs-kr", "auditor"]
    valid_from = "2026-01-01"
    valid_until = "2027-12-31"
    [[flow]]
    type = "opening"
    version = 1
    from = ["post-de", "customs-kr"]
    to = ["auditor"]
    purpose = "audit"
    groups = ["*"]
    retention_days = 90
    "#,
];

impl Network {
    pub(crate) fn new() -> Self {
        let [post, customs, other, auditor] =
            [("post-de", 1), ("customs-kr", 2), ("customs-jp", 3), ("auditor", 4)].map(|(id, n)| Party::new(id, n));
        let parties = [&post, &customs, &other, &auditor];
        let mut charter = charter(&parties, &["customs-kr", "post-de"]).to_document();
        for governor in [&post, &customs] {
            charter.sign(&governor.id, &governor.identity);
        }
        let network = charter.digest();
        let signed = |party: &&Party| {
            let mut card = party.card().to_document(network).unwrap();
            card.sign(&party.id, &party.identity);
            card
        };
        let cards: Vec<_> = parties.iter().map(signed).collect();
        let agreement = |draft: &str| {
            let agreement = Agreement::from_draft(draft).unwrap();
            let mut document = agreement.to_document(network);
            for party in parties.iter().filter(|p| agreement.parties.contains(&p.id)) {
                document.sign(&party.id, &party.identity);
            }
            document
        };
        let agreements: Vec<_> = AGREEMENTS.iter().map(|draft| agreement(draft)).collect();
        let directory = Directory::new(&charter, &cards, &agreements).unwrap();
        Self { post, customs, other, auditor, charter, cards, agreements, directory }
    }

    /// Digest of the network.
    pub(crate) fn id(&self) -> Digest {
        self.charter.digest()
    }

    pub(crate) fn known(&self, party: &Party) -> &KnownNode {
        self.directory.node(&party.node).unwrap()
    }

    pub(crate) fn agreement(&self, id: &str) -> Digest {
        self.agreements.iter().find(|d| d.id.as_str() == id).unwrap().digest()
    }

    pub(crate) fn channel(&self) -> Channel {
        let (sender, recipient) = (self.post.node.clone(), self.customs.node.clone());
        Channel { sender, recipient, epoch: 1, lane: Lane::Ordinary }
    }

    /// The header of an honest dispatch of these views.
    pub(crate) fn header(&self, views: &[RecordView], number: u64) -> DispatchHeader {
        let roots: Vec<_> = views.iter().map(RecordView::root).collect();
        let batch = BatchHeader {
            node: self.post.node.clone(),
            table: &DECLARATION,
            count: views.len(),
            root: batch_root(&roots),
            signed_at: NOW,
        };
        DispatchHeader {
            network: self.id(),
            channel: self.channel(),
            number,
            batch: Batch::sign(batch, &self.id(), &self.post.sign),
            agreement: "parcels".parse().unwrap(),
            agreement_digest: self.agreement("parcels"),
            purpose: Purpose::SafetySecurity,
            view: views.first().map_or(GroupSet::NONE, RecordView::shown),
            retention_days: 30,
            source: None,
            sent_at: NOW,
            receipts_held_up_to: number.saturating_sub(1),
        }
    }

    /// A dispatch by `post-de` with any header and content. The seal is none: the packed bytes themselves.
    pub(crate) fn dispatch(&self, header: &DispatchHeader, content: &[u8]) -> Dispatch {
        let header = header.to_cbor();
        let packed = pack(&DispatchHeader::digest(&header), content).unwrap();
        Dispatch::sign(&self.id(), header, packed, &self.post.sign)
    }
}

/// A charter of these members.
pub(crate) fn charter(parties: &[&Party], governors: &[&str]) -> Charter {
    let mut text = format!("name = \"Test network\"\ngovernors = {governors:?}\n");
    for party in parties {
        let kind = party.id.as_str().split('-').next().unwrap().to_owned();
        let identity = party.identity.public();
        text += &format!(
            "[[member]]\nid = \"{0}\"\nname = \"{0}\"\nkind = \"{kind}\"\nterritory = \"DE\"\nidentity = \"{identity}\"\n",
            party.id
        );
    }
    Charter::from_draft(&text).unwrap()
}

/// The sealed part's content: a list of views.
pub(crate) fn encode_views(views: &[RecordView]) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.array(views.len());
    views.iter().for_each(|view| view.encode(&mut writer));
    writer.into_bytes()
}

/// A small record with a number in its reference.
pub(crate) fn small_record(number: u64) -> SealedRecord {
    let mut content = Content::empty(&DECLARATION, 1);
    let mut put = |group: &str, field: u8, value: &str| {
        let at = DECLARATION.group(group).unwrap().0;
        content.set(at, 0, vec![vec![(field, Value::Text(value.into()))]]).unwrap();
    };
    put("filing", 1, &format!("PARCEL-{number}"));
    put("item", 3, "RR123456785DE");
    put("route", 1, "KR");
    put("content", 1, "gift");
    put("classification", 1, "851712");
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&number.to_be_bytes());
    record_of(content, [number as u8; 16], seed)
}

/// What a log tells: an entry's skeleton, body and evidence.
#[derive(Clone)]
pub(crate) struct Told {
    pub(crate) skeleton: Skeleton,
    pub(crate) body: Vec<u8>,
    pub(crate) evidence: Option<Vec<u8>>,
}

/// A log in memory.
pub(crate) struct Log {
    origin: String,
    key: SecretKey,
    edge: Edge,
    pub(crate) entries: Vec<AuditEntry>,
    /// Signed checkpoints by size.
    pub(crate) notes: Vec<(u64, Vec<u8>)>,
}

impl Log {
    pub(crate) fn new(party: &Party) -> Self {
        Self::under(&party.origin(), &party.log)
    }

    /// A log of any origin and key.
    pub(crate) fn under(origin: &str, key: &SecretKey) -> Self {
        Self { origin: origin.to_owned(), key: key.clone(), edge: Edge::new(), entries: Vec::new(), notes: Vec::new() }
    }

    /// A log of these entries with a checkpoint after every third and at the end.
    pub(crate) fn of(party: &Party, told: &[Told]) -> Self {
        let mut log = Self::new(party);
        for (at, told) in told.iter().enumerate() {
            log.append(told);
            if at % 3 == 2 {
                log.sign();
            }
        }
        log.sign();
        log
    }

    pub(crate) fn append(&mut self, told: &Told) {
        let salt = [self.entries.len() as u8; 16];
        let opening = Opening::new(&told.skeleton, told.body.clone(), salt, [!salt[0]; 16]);
        self.edge.push(leaf_hash(&opening.entry()), &mut Vec::new());
        self.entries.push(AuditEntry {
            entry: opening.entry(),
            salt,
            skeleton: opening.skeleton.clone(),
            body_hash: opening.body_hash(),
            body: Some((opening.body_salt, opening.body)),
            evidence: told.evidence.clone(),
        });
    }

    pub(crate) fn sign(&mut self) {
        let (size, root) = (self.edge.size(), self.edge.root());
        if self.notes.last().is_none_or(|(signed, _)| *signed < size) {
            self.notes.push((size, self.checkpoint(size, root)));
        }
    }

    /// Its tree.
    pub(crate) fn edge(&self) -> &Edge {
        &self.edge
    }

    /// A checkpoint of any size and root, signed by this log.
    pub(crate) fn checkpoint(&self, size: u64, root: [u8; 32]) -> Vec<u8> {
        Checkpoint::new(self.origin.clone(), size, root).sign(self.key.signing_key()).unwrap().to_bytes()
    }

    /// The receipt of an entry, under the newest checkpoint.
    pub(crate) fn receipt(&self, index: usize) -> Vec<u8> {
        let entry = &self.entries[index];
        let (body_salt, body) = entry.body.clone().unwrap();
        let opening = Opening { salt: entry.salt, skeleton: entry.skeleton.clone(), body_salt, body };
        let (size, checkpoint) = self.notes.last().unwrap().clone();
        let hashes = inclusion_proof(&self.edge, index as u64, size).unwrap();
        TlogProof { extra: Some(opening.to_cbor()), index: index as u64, hashes, checkpoint }.to_bytes()
    }

    /// The page from an index.
    pub(crate) fn page(&self, from: u64, count: usize) -> AuditPage {
        let entries: Vec<_> = self.entries.iter().skip(from as usize).take(count).cloned().collect();
        let end = from + entries.len() as u64;
        let (newest, earlier) = self.notes.split_last().unwrap();
        let within = earlier.iter().filter(|(size, _)| (from + 1..=end).contains(size));
        AuditPage { checkpoint: newest.1.clone(), entries, checkpoints: within.map(|(_, note)| note.clone()).collect() }
    }
}

/// A name of a document or member.
pub(crate) fn slug(text: &str) -> Slug {
    text.parse().unwrap()
}
