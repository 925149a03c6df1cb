//! Facts of records: what a node knows as declared, one row for each goods item.
//!
//! Of each record the version counts that holds among those known (the rule of [`crate::life`]): a correction takes the place of what it
//! corrects, what was taken back does not count. Numbers that links call one item are one item; of several declarations of it in the same
//! flow the one that was lodged first counts. Where a whole and its parts are both declared, the parts count if all of them are, else the
//! whole. Exports are filings of kind `export` and `reexport`, imports those of kind `import`; advance data is none of both.
//!
//! An item lies in the month of the day on which its declaration says that it was filed, else of its message, else of the day on which
//! it was lodged at this node. Its money is converted at the rate of that day. The origin of an import is that of the goods; of an export
//! it is where it leaves. Parties get numbers in the order in which they come: no name leaves this place. Whoever has one number, or
//! one name in one country, is one party. Duty and tax are those of the place of import, of an export those of where it leaves: what is assessed,
//! and what was collected of taxes that nobody assessed. Of several views of one record the one that shows most counts.
//!
//! What lacks something that a fact needs is counted by reason, never dropped unseen. Not here: how a node finds its records, and files.
//!
//! | file | what |
//! |---|---|
//! | `known` | a record as it is kept while others come, and which version of each counts |
//! | `items` | numbers in their lives, joined by links |
//! | `rows` | a declaration's rows: its money, its duty, what is lacking |
//! | `parties` | numbers in place of names |

mod items;
mod known;
mod parties;
mod rows;

use std::collections::{BTreeMap, BTreeSet};

use super::fact::{Flow, Month, Place};
use super::read::FactRow;
use crate::accounting::standing::Head;
use crate::hash::Digest;
use crate::life::{Held, Lodged, Paper, Shown, item_of};
use crate::names::{CollectionModel, Currency, MemberId, MemberKind};
use crate::record::{Content, GroupSet};
use crate::revenue::RevenueBook;
use crate::time::{Day, Millis};
use items::Items;
use known::{Known, What, holding, what};
use parties::number;
use rows::Work;

/// Records that are gathered at once, all versions of all types; a kilobyte each.
pub const MAX_GATHERED_RECORDS: usize = 1 << 21;
/// Types of records that facts are made of.
pub const GATHERED_TYPES: [&str; 3] = ["declaration", "duty", "link"];
/// Groups of them that are looked at.
pub const GATHERED_GROUPS: [&str; 20] = [
    "filing",
    "reference",
    "item",
    "route",
    "mass",
    "addressee",
    "sender",
    "seller",
    "declarant",
    "principal",
    "fiscal",
    "content",
    "classification",
    "value",
    "origin",
    "measure",
    "duty",
    "lines",
    "relation",
    "others",
];

/// Which facts are wanted.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Which way.
    pub flow: Flow,
    /// The first month.
    pub from: Month,
    /// The last month.
    pub to: Month,
    /// The currency of value and duty.
    pub currency: Currency,
    /// Who collects, where neither a record of duty nor the declaration says so; without it such goods are left out.
    pub model: Option<CollectionModel>,
    /// Whether an import whose goods name no origin counts as from where it leaves.
    pub departure_as_origin: bool,
}

/// A record as it is handed in.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// Its root.
    pub root: Digest,
    /// Who issued it.
    pub issuer: &'a MemberId,
    /// The root that its header names as corrected or cancelled.
    pub supersedes: Option<Digest>,
    /// When it was lodged.
    pub at: Millis,
    /// What is known of it.
    pub content: &'a Content,
}

/// Why gathering ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GatherError {
    /// There are too many.
    #[error("there are more than {MAX_GATHERED_RECORDS} records of declarations, duty and links")]
    Full,
    /// No money.
    #[error("{0} is no currency in use on {1}")]
    Currency(Currency, Day),
}

/// What is left out, or known with less.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counted {
    /// How many goods items, or declarations where it is about them.
    pub count: u64,
    /// Some of them: reference and issuer.
    pub examples: Vec<String>,
}

/// Facts, and what became of the rest.
#[derive(Debug, Clone, Default)]
pub struct Gathered {
    /// A row for each goods item.
    pub rows: Vec<FactRow>,
    /// Goods items and declarations that are left out, by reason.
    pub left_out: BTreeMap<String, Counted>,
    /// Goods items that are counted with less than could be known, by what that is.
    pub notes: BTreeMap<String, Counted>,
    /// Records that were looked at, all versions.
    pub records: u64,
}

/// Gathers records; the order in which they come does not matter.
#[derive(Debug)]
pub struct Gather {
    wanted: Wanted,
    all: BTreeMap<Digest, Known>,
}

impl Gather {
    /// Nothing gathered yet.
    pub fn new(wanted: Wanted) -> Self {
        Self { wanted, all: BTreeMap::new() }
    }

    /// Takes a record; the same again changes nothing.
    ///
    /// # Errors
    /// [`GatherError::Full`].
    pub fn take(&mut self, seen: &Seen<'_>) -> Result<(), GatherError> {
        let (shown, mut at) = (seen.content.present(), seen.at);
        if let Some(known) = self.all.get_mut(&seen.root) {
            at = at.min(known.head.at);
            known.head.at = at;
            // Of several views the one that shows most counts, whichever comes first.
            let rank = |shown: GroupSet| (shown.0.count_ones(), shown.0);
            if rank(known.shown) >= rank(shown) {
                return Ok(());
            }
        } else if self.all.len() >= MAX_GATHERED_RECORDS {
            return Err(GatherError::Full);
        }
        // Kind and territory of its issuer mean nothing to what is read here.
        let Ok(territory) = "EU".parse() else { return Ok(()) };
        let held = Held {
            root: seen.root,
            issuer: seen.issuer,
            kind: MemberKind::Customs,
            territory,
            lodged: Lodged { claimed: None, entered: seen.at, proven: None },
            lodged_with: &[],
            terms: None,
            mark: None,
            supersedes: seen.supersedes,
            shown: Shown::Own(seen.content),
        };
        let Some(paper) = Paper::one(&held) else { return Ok(()) };
        let head =
            Head { root: seen.root, revision: paper.revision, action: paper.action, supersedes: paper.supersedes, at };
        let item = item_of(&paper).map(|item| (item, paper.day("item", "posted_on")));
        let known = Known {
            issuer: seen.issuer.clone(),
            table: paper.table.name,
            reference: paper.reference.clone(),
            head,
            item,
            shown,
            what: what(&paper, seen.content),
        };
        self.all.insert(seen.root, known);
        Ok(())
    }

    /// The facts, with money converted by a book's rates.
    ///
    /// # Errors
    /// [`GatherError::Currency`].
    pub fn finish(self, book: &RevenueBook) -> Result<Gathered, GatherError> {
        let Self { wanted, all } = self;
        let records = all.len() as u64;
        let holding = holding(all);
        let mut work = Work { wanted: &wanted, book, made: Gathered { records, ..Gathered::default() } };
        let items = Items::of(&holding);
        let counted = work.declarations(&holding, &items);
        let mut parties: Vec<(usize, [BTreeSet<String>; 3])> = Vec::new();
        for (at, roots) in counted {
            let first = work.made.rows.len();
            work.rows(&holding, &holding[at], &items, &roots)?;
            if let What::Declared(_, names) = &holding[at].what {
                parties.extend((first..work.made.rows.len()).map(|row| (row, names.clone())));
            }
        }
        number(&mut work.made.rows, &parties);
        Ok(work.made)
    }
}

/// Facts as CSV, as [`super::read_facts`] reads them.
pub fn facts_csv(rows: &[FactRow]) -> String {
    let mut text = "month,flow,hs,origin,destination,mode,model,value,mass,duty,importer,seller,filer\r\n".to_owned();
    for FactRow { flow, place, parties, sums, .. } in rows {
        let Place { month, origin, destination, heading, mode, model } = place;
        let hs = match heading.number() % 100 {
            0 => format!("{:02}", heading.chapter()),
            _ => heading.to_string(),
        };
        let [importer, seller, filer] = [0, 1, 2].map(|at| parties[at].as_deref().unwrap_or_default());
        // No field of these has a comma, a quote or the end of a line.
        text += &format!(
            "{month},{flow},{hs},{origin},{destination},{},{model},{},{},{},{importer},{seller},{filer}\r\n",
            mode.digit(),
            sums.value,
            sums.mass,
            sums.duty
        );
    }
    text
}
