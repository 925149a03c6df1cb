//! Luxor's protocol: types, bytes, signatures and the mathematics of the log.
//!
//! In scope: everything whose bytes two nodes or an auditor must agree on, and the pure functions that make and check it.
//! Out of scope: I/O, clocks, randomness and async; time, entropy and keys are arguments, sealing is the caller's.
//!
//! | room | what |
//! |---|---|
//! | [`cbor`], [`hash`], [`keys`], [`limits`], [`names`], [`time`] | the ground everything stands on, each in one place |
//! | [`document`] | charter, card, agreement, and the directory that answers who may see what |
//! | [`record`] | type tables, content, commitments, views, batches |
//! | [`exchange`] | dispatch, sealed part, answers, openings, receipts |
//! | [`tlog`] | RFC 6962 tree and the C2SP formats: note, checkpoint, proof file |
//! | [`life`] | the records of one item as its life: identity, order, referrals, release, timeliness |
//! | [`audit`] | what an auditor checks, offline |
//! | [`credential`] | attestations about traders that any library verifies: JOSE keys, SD-JWT VC, token status lists |
//! | [`recognition`] | who is a trusted trader for whom, under which agreement, with which benefits; confirmed use of `collect` numbers |
//! | [`revenue`] | duty and tax: exact amounts, dated rules, what is assessed, collected, remitted, given back, summed up and paid |
//! | [`accounting`] | business reconciliation per item, incremental: what differs from advance report to account and return |
//! | [`reconciliation`] | what two nodes find when they compare a channel: windows, differences, statements, dispute files |
//! | [`reference`] | lists of codes and dated rules: territories, currencies, tariff, numbers, obligations, immediate release |
//! | [`quality`] | what is wrong with a record, and how quickly it can be released |
//! | [`statistics`] | aggregates of items, what of them may be published, thresholds compared |
//! | [`threats`] | indicators across borders, which of them a record meets, and what is proposed then |
//! | [`formats`] | NDJSON and CSV into content |
//! | [`sandbox`] | a practice partner that plays by rules, and what an integrator did right and wrong |
//! | [`api`] | requests and answers of a node's local HTTP interface |
//! | [`mod@bench`] | records, reports and the ceiling of the measurements |

pub mod accounting;
pub mod api;
pub mod audit;
pub mod bench;
pub mod cbor;
pub mod credential;
pub mod document;
pub mod exchange;
pub mod formats;
mod framed;
pub mod hash;
pub mod keys;
pub mod life;
pub mod limits;
mod mtree;
pub mod names;
pub mod quality;
pub mod recognition;
pub mod reconciliation;
pub mod record;
pub mod reference;
pub mod revenue;
pub mod sandbox;
mod sets;
pub mod statistics;
#[cfg(test)]
mod testing;
pub mod threats;
pub mod time;
pub mod tlog;
#[cfg(test)]
mod vectors;
