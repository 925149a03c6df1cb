//! What a record says that matters to reconciliation, as far as it is shown.
//!
//! Not here: what follows from it (`judge`), and which purposes a view may be looked at for, which is the caller's
//! ([`super::Rules::purposes`]).

use std::collections::BTreeSet;

use crate::hash::Digest;
use crate::life::{Action, Held, ItemId, LinkKind, Paper, Row, item_of, others};
use crate::limits::MAX_OCCURRENCES;
use crate::names::{Currency, MemberId, Territory, words};
use crate::recognition::Period;
use crate::record::Value;
use crate::revenue::{
    Capacity, ClaimState, ClaimedLine, Exact, LineRef, Mandate, Money, Procedure, RecordRef, Stage, StatedLine,
};
use crate::time::{Day, Millis};

words!(
    /// Types of records that are looked at.
    Type, "type of record", {
        /// A filing.
        Declaration = "declaration";
        /// A unit of transport; items of them here.
        Consignment = "consignment";
        /// Something that happened.
        Event = "event";
        /// What customs answered.
        CustomsResponse = "customs_response";
        /// Duty and tax.
        Duty = "duty";
        /// A claim.
        Return = "return";
        /// A link between items.
        Link = "link";
        /// A month of an account.
        Summary = "summary";
        /// A payment for an order.
        Payment = "payment";
    }
);

words!(
    /// Which filing a declaration is.
    Filing, "kind of filing", {
        /// Not told.
        Unknown = "unknown";
        /// An operator's own advice.
        PreAdvice = "pre_advice";
        /// Entry summary, before loading.
        EnsPreloading = "ens_preloading";
        /// Entry summary, before arrival.
        EnsPrearrival = "ens_prearrival";
        /// Of what leaves.
        Export = "export";
        /// What accounts for the goods.
        Import = "import";
        /// Of what leaves again.
        Reexport = "reexport";
        /// Of what passes.
        Transit = "transit";
    }
);

/// What a filing is for the comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Data in advance on what comes.
    Advance,
    /// What accounts for it.
    Import,
    /// Of what leaves or passes.
    Other,
}

impl Filing {
    pub(super) fn role(self) -> Role {
        match self {
            Self::Unknown | Self::PreAdvice | Self::EnsPreloading | Self::EnsPrearrival => Role::Advance,
            Self::Import => Role::Import,
            Self::Export | Self::Reexport | Self::Transit => Role::Other,
        }
    }
}

/// What was counted, weighed and valued; nothing of what is not shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Measured {
    /// Packages.
    pub packages: Option<u64>,
    /// Pieces, of all goods items.
    pub pieces: Option<u64>,
    /// Gross mass in kilograms.
    pub mass: Option<Exact>,
    /// Value of all goods items, by currency.
    pub value: Vec<Money>,
    /// Duty and tax that the declaration names, by currency.
    pub duty: Vec<Money>,
}

/// What a summary owes, as its record says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sum {
    pub(crate) account: String,
    pub(crate) period: Period,
    pub(crate) count: u64,
    pub(crate) root: Option<Digest>,
    pub(crate) payable: Option<Money>,
    pub(crate) payment_reference: Option<String>,
    pub(crate) due: Option<Day>,
    /// By tax, territory and currency; none where they are hidden.
    pub(crate) totals: Option<Vec<(String, Territory, Money)>>,
}

/// What a record says. What is inside of it stands for this room only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct What(pub(crate) Kind);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing that is shown; it still takes the place of another version.
    Nothing,
    Declared {
        filing: Filing,
        destination: Option<Territory>,
        registration: Option<String>,
        measured: Measured,
    },
    Weighed(Measured),
    Happened(Happening),
    Answered {
        released: bool,
        about: Option<(MemberId, String)>,
        registration: Option<String>,
    },
    Duty(Duty),
    Claim(Claimed),
    Links {
        kind: LinkKind,
        others: Vec<(ItemId, Option<Day>)>,
    },
    Sum(Box<Sum>),
    Settled {
        refunded: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Happening {
    Arrived,
    Returned,
    Other,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Duty {
    pub(crate) stage: Stage,
    pub(crate) territory: Territory,
    pub(crate) day: Day,
    pub(crate) about: Option<RecordRef>,
    pub(crate) account: Option<String>,
    pub(crate) period: Option<Period>,
    pub(crate) lines: Vec<StatedLine>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claimed {
    pub(crate) procedure: Procedure,
    pub(crate) state: ClaimState,
    pub(crate) territory: Territory,
    pub(crate) capacity: Capacity,
    pub(crate) mandate: Option<Mandate>,
    pub(crate) claimed_on: Option<Day>,
    pub(crate) until: Option<Day>,
    pub(crate) lines: Vec<ClaimedLine>,
    /// Whether a proof is given that the goods went back, or never came.
    pub(crate) proven: bool,
}

/// One record, as far as one view shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Its root.
    pub root: Digest,
    /// Who issued it.
    pub by: MemberId,
    /// Its type.
    pub table: Type,
    /// Its issuer's reference; none where that is hidden.
    pub reference: Option<String>,
    /// Which revision it is.
    pub revision: u64,
    /// What it does to earlier ones.
    pub action: Action,
    /// The root that its header names as corrected or cancelled.
    pub supersedes: Option<Digest>,
    /// When it stood in this node's log; of an own one, when it was sent first.
    pub at: Millis,
    /// To whom an own record went.
    pub told: BTreeSet<MemberId>,
    /// The item that it names, with its posting day.
    pub item: Option<(ItemId, Option<Day>)>,
    /// What it says.
    pub what: What,
}

impl Said {
    /// What a record says, as one view or its own content shows it; nothing of types that do not matter here, and of records under a
    /// signature that binds nobody.
    pub fn of(held: &Held<'_>) -> Option<Self> {
        let paper = Paper::one(held)?;
        let table: Type = paper.table.name.parse().ok()?;
        if !paper.binds() {
            return None;
        }
        let item = item_of(&paper).map(|item| (item, paper.day("item", "posted_on")));
        let told = held.lodged_with.iter().map(|with| with.member.clone()).collect();
        let kind = match table {
            Type::Declaration => declared(&paper),
            Type::Consignment => Some(Kind::Weighed(measured(&paper))).filter(|_| item.is_some()),
            Type::Event => happened(&paper),
            Type::CustomsResponse => answered(&paper),
            Type::Duty => duty(&paper).map(Kind::Duty),
            Type::Return => claim(&paper).map(Kind::Claim),
            Type::Link => paper.word("relation", "kind").map(|kind| Kind::Links { kind, others: others(&paper) }),
            Type::Summary => sum(&paper).map(|sum| Kind::Sum(Box::new(sum))),
            Type::Payment => {
                let state = paper.text("settlement", "state");
                let refunded = |state: String| matches!(state.as_str(), "refunded" | "partly_refunded");
                state.map(|state| Kind::Settled { refunded: refunded(state) })
            }
        };
        Some(Self {
            root: paper.root,
            by: paper.issuer.clone(),
            table,
            reference: paper.reference.clone(),
            revision: paper.revision,
            action: paper.action,
            supersedes: paper.supersedes,
            at: paper.lodged.entered,
            told,
            item,
            what: What(kind.unwrap_or(Kind::Nothing)),
        })
    }

    /// Joins another view of the same record.
    pub(super) fn join(&mut self, other: &Self) {
        self.at = self.at.min(other.at);
        self.told.extend(other.told.iter().cloned());
        if self.reference.is_none() {
            self.reference.clone_from(&other.reference);
        }
        if self.item.is_none() {
            self.item.clone_from(&other.item);
        }
        // Where the reference is hidden, so are revision and action: what is shown is never less.
        self.revision = self.revision.max(other.revision);
        self.action = self.action.max(other.action);
        self.what.0.join(&other.what.0);
    }

    /// It, as others refer to it.
    pub(super) fn named(&self) -> RecordRef {
        let reference = self.reference.clone().unwrap_or_else(|| self.root.hex());
        RecordRef { issuer: self.by.clone(), reference }
    }
}

impl Kind {
    fn join(&mut self, other: &Kind) {
        match (&mut *self, other) {
            (_, Kind::Nothing) => {}
            (Kind::Nothing, _) => *self = other.clone(),
            (
                Kind::Declared { filing, destination, registration, measured },
                Kind::Declared { filing: theirs, destination: to, registration: number, measured: more },
            ) => {
                *filing = (*filing).max(*theirs);
                *destination = destination.or(*to);
                if registration.is_none() {
                    registration.clone_from(number);
                }
                measured.join(more);
            }
            (Kind::Weighed(measured), Kind::Weighed(more)) => measured.join(more),
            (
                Kind::Answered { released, about, registration },
                Kind::Answered { released: too, about: what, registration: number },
            ) => {
                *released |= *too;
                if about.is_none() {
                    about.clone_from(what);
                }
                if registration.is_none() {
                    registration.clone_from(number);
                }
            }
            (Kind::Duty(duty), Kind::Duty(more)) if duty.lines.len() < more.lines.len() => {
                duty.lines.clone_from(&more.lines)
            }
            (Kind::Claim(claim), Kind::Claim(more)) => {
                if claim.lines.len() < more.lines.len() {
                    claim.lines.clone_from(&more.lines);
                }
                claim.proven |= more.proven;
            }
            (Kind::Links { others, .. }, Kind::Links { others: more, .. }) if others.len() < more.len() => {
                others.clone_from(more);
            }
            (Kind::Sum(sum), Kind::Sum(more)) if sum.totals.is_none() => sum.totals.clone_from(&more.totals),
            _ => {}
        }
    }
}

impl Measured {
    fn join(&mut self, other: &Self) {
        self.packages = self.packages.or(other.packages);
        self.pieces = self.pieces.or(other.pieces);
        self.mass = self.mass.or(other.mass);
        for (mine, theirs) in [(&mut self.value, &other.value), (&mut self.duty, &other.duty)] {
            if mine.is_empty() {
                mine.clone_from(theirs);
            }
        }
    }
}

fn exact(row: &Row, field: &str) -> Option<Exact> {
    match row.value(field)? {
        Value::Decimal(decimal) => Some((*decimal).into()),
        _ => None,
    }
}

fn whole(row: &Row, field: &str) -> Option<u64> {
    match row.value(field)? {
        Value::Uint(number) => Some(*number),
        _ => None,
    }
}

fn money(row: &Row, field: &str) -> Option<Money> {
    Some(Money::new(exact(row, field)?, row.text("currency")?.parse().ok()?))
}

/// The sums by currency; a sum beyond all measure, or an amount without currency, is left out.
fn sums(all: impl Iterator<Item = Money>) -> Vec<Money> {
    let mut by_currency: std::collections::BTreeMap<Currency, Exact> = std::collections::BTreeMap::new();
    for money in all {
        let sum = by_currency.entry(money.currency).or_insert(Exact::ZERO);
        *sum = sum.plus(money.amount).unwrap_or(*sum);
    }
    by_currency.into_iter().map(|(currency, amount)| Money::new(amount, currency)).collect()
}

fn measured(paper: &Paper<'_>) -> Measured {
    let mass = paper.rows("mass");
    let pieces: Vec<u64> = paper.rows("content").iter().filter_map(|row| whole(row, "units")).collect();
    Measured {
        packages: mass.first().and_then(|row| whole(row, "packages")),
        pieces: (!pieces.is_empty()).then(|| pieces.iter().fold(0, |sum: u64, one| sum.saturating_add(*one))),
        mass: mass.first().and_then(|row| exact(row, "gross_kg")),
        value: sums(paper.rows("value").iter().filter_map(|row| money(row, "amount"))),
        duty: if paper.is("declaration") {
            sums(paper.rows("duty").iter().filter_map(|row| money(row, "amount")))
        } else {
            Vec::new()
        },
    }
}

fn declared(paper: &Paper<'_>) -> Option<Kind> {
    let filing = paper.word("filing", "kind").unwrap_or(Filing::Unknown);
    Some(Kind::Declared {
        filing,
        destination: paper.word("route", "destination"),
        registration: paper.text("filing", "registration"),
        measured: measured(paper),
    })
}

fn happened(paper: &Paper<'_>) -> Option<Kind> {
    Some(Kind::Happened(match paper.text("event", "code")?.as_str() {
        "arrived"
        | "presented_to_import_customs"
        | "held_by_import_customs"
        | "released_by_import_customs"
        | "left_office"
        | "delivery_attempted"
        | "delivered" => Happening::Arrived,
        "returned" => Happening::Returned,
        _ => Happening::Other,
    }))
}

fn answered(paper: &Paper<'_>) -> Option<Kind> {
    let filer: Option<MemberId> = paper.word("handling", "filer");
    Some(Kind::Answered {
        released: paper.text("response", "status")? == "released",
        about: filer.zip(paper.text("response", "about")),
        registration: paper.text("response", "registration"),
    })
}

fn duty(paper: &Paper<'_>) -> Option<Duty> {
    let about = paper.text("duty", "about").map(|reference| RecordRef {
        issuer: paper.word("duty", "about_issuer").unwrap_or_else(|| paper.issuer.clone()),
        reference,
    });
    let lines = paper.rows("lines");
    let lines = lines.iter().filter_map(|row| {
        // A line's number is at most 99.
        let number = whole(row, "number")? as u32;
        Some(StatedLine { number, tax: row.text("tax")?.to_owned(), amount: money(row, "amount")? })
    });
    Some(Duty {
        stage: paper.word("duty", "stage")?,
        territory: paper.word("duty", "territory")?,
        day: paper.day("duty", "day")?,
        about,
        account: paper.text("duty", "account"),
        period: paper.word("duty", "period"),
        lines: lines.take(MAX_OCCURRENCES).collect(),
    })
}

fn claim(paper: &Paper<'_>) -> Option<Claimed> {
    let lines = paper.rows("claimed");
    let lines = lines.iter().filter_map(|row| {
        let duty =
            RecordRef { issuer: row.text("issuer")?.parse().ok()?, reference: row.text("reference")?.to_owned() };
        // A line's number is at most 99.
        let line = LineRef { duty, line: whole(row, "line")? as u32 };
        Some(ClaimedLine { line, tax: row.text("tax")?.to_owned(), amount: money(row, "amount")? })
    });
    let given = |row: &Row| {
        let shows = !matches!(row.text("kind"), None | Some("refund" | "mandate" | "same_state"));
        shows && row.day("given_on").is_some()
    };
    let (from, until) = (paper.day("claimant", "mandate_from"), paper.day("claimant", "mandate_until"));
    let ground = paper.text("return", "ground");
    Some(Claimed {
        procedure: paper.word("return", "procedure")?,
        state: paper.word("return", "state")?,
        territory: paper.word("return", "territory")?,
        capacity: paper.word("claimant", "capacity").unwrap_or(Capacity::Declarant),
        mandate: paper.text("claimant", "mandate").map(|reference| Mandate { reference, from, until }),
        claimed_on: paper.day("return", "claimed_on"),
        until: paper.day("return", "until"),
        lines: lines.take(MAX_OCCURRENCES).collect(),
        proven: ground.as_deref() == Some("not_delivered") || paper.rows("proofs").iter().any(given),
    })
}

fn sum(paper: &Paper<'_>) -> Option<Sum> {
    let about = paper.rows("summary");
    let about = about.first()?;
    let totals = paper.rows("totals");
    let totals = totals.iter().filter_map(|row| {
        Some((row.text("tax")?.to_owned(), row.text("territory")?.parse().ok()?, money(row, "amount")?))
    });
    let root = match about.value("root") {
        Some(Value::Bytes(bytes)) => bytes.as_slice().try_into().ok().map(Digest),
        _ => None,
    };
    Some(Sum {
        account: about.text("account")?.to_owned(),
        period: about.text("period")?.parse().ok()?,
        count: whole(about, "count")?,
        root,
        payable: money(about, "payable"),
        payment_reference: about.text("payment_reference").map(str::to_owned),
        due: about.day("due"),
        totals: paper.shows("totals").then(|| totals.collect()),
    })
}
