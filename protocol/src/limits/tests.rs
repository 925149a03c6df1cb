//! The table of limits in SPEC.md, section 16, is this module: each constant with its value and its reason, and no other.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use super::*;

const SPECIFICATION: &str = include_str!("../../SPEC.md");
const SOURCE: &str = include_str!("../limits.rs");

/// The names of constants with their values.
macro_rules! values {
    ($($name:ident),+ $(,)?) => { [$((stringify!($name), u128::try_from($name).unwrap())),+] };
}

/// Every constant: the compiler gives the values, and the source tells whether one is forgotten here.
fn values() -> BTreeMap<&'static str, u128> {
    BTreeMap::from(values![
        MAX_RECORD_BYTES,
        MAX_BATCH_RECORDS,
        MAX_DISPATCH_OPENED_BYTES,
        MAX_EXPANSION,
        MAX_SEAL_OVERHEAD_BYTES,
        MAX_SEALED_BYTES,
        MAX_HEADER_BYTES,
        MAX_REQUEST_BYTES,
        MAX_ANSWER_BYTES,
        CHANNEL_WINDOW,
        MAX_OCCURRENCES,
        MAX_GOODS_ITEMS,
        MAX_ATTACHMENT_BYTES,
        ATTACHMENT_RANGE_BYTES,
        MAX_ATTACHMENT_RANGES,
        MAX_SEALED_RANGE_BYTES,
        MAX_GROUPS,
        MAX_TEXT_CHARS,
        MAX_DOCUMENT_BYTES,
        MAX_SIGNED_DOCUMENT_BYTES,
        MAX_DOCUMENTS_BYTES,
        MAX_SIGNATURES,
        MAX_MEMBERS,
        MAX_NODES,
        MAX_KEYS,
        MAX_ADDRESSES,
        MAX_FLOWS,
        MAX_TERMS,
        MAX_RECOGNITIONS,
        MAX_RECOGNITION_CONDITIONS,
        MAX_ATTESTATIONS,
        MAX_ATTESTATIONS_OF_ISSUER,
        MAX_PROGRAMMES_OF_ISSUER,
        MAX_PROGRAMMES_OF_NUMBER,
        MAX_STATUS_LISTS_OF_ISSUER,
        MAX_ATTESTATION_EVENTS,
        MAX_REMEMBERED_VERSIONS,
        MAX_REMEMBERED_LISTS,
        MAX_REASONS,
        MAX_CONFIRMATIONS,
        MAX_WAITING_CONFIRMATIONS,
        MAX_COLLECT_NUMBERS,
        MAX_CONFIRMATION_BYTES,
        MAX_ISSUER_ROWS,
        MAX_COORDINATORS,
        MAX_ATTEST_KEYS,
        MAX_ONWARD,
        MAX_SOURCE_BYTES,
        MAX_SOURCE_DOCUMENTS,
        MAX_ORIGINS,
        MAX_TRAVEL_DAYS,
        MAX_BATCH_PATH,
        MAX_SUSPENDED,
        MAX_REVOKED,
        MAX_PROHIBITIONS,
        MAX_DOCUMENTS,
        MAX_RETENTION_DAYS,
        MAX_SKELETON_BYTES,
        MAX_BODY_BYTES,
        MAX_NAMED_ENTRIES,
        MAX_AUDIT_PAGE_ENTRIES,
        MAX_AUDIT_PAGE_BYTES,
        MAX_SAMPLE,
        MAX_PACK_BYTES,
        MAX_PACK_ENTRIES,
        MAX_PACK_VALUES,
        MAX_PACK_DOCUMENTS,
        MAX_PACK_FORKS,
        MAX_ARCHIVE_PAGE_BYTES,
        MAX_ARCHIVE_DOCUMENTS,
        MAX_ARCHIVE_DOCUMENTS_BYTES,
        MAX_CHUNK_RECORDS,
        MAX_CHUNK_BYTES,
        MAX_LINE_BYTES,
        MAX_XML_BYTES,
        MAX_XML_ELEMENTS,
        MAX_XML_DEPTH,
        MAX_XML_ATTRIBUTES,
        MAX_XML_NAMESPACES,
        MAX_XML_NAME_BYTES,
        MAX_XML_TEXT_BYTES,
        MAX_XML_BESIDE,
        MAX_XML_COMPARISONS,
        MAX_XML_NOTES,
        MAX_ROWS_PER_RECORD,
        MAX_LOG_WITNESSES,
        MAX_DEPTH,
        MAX_SIZES_ASKED,
        MAX_UNPLACED_NOTES,
        MAX_HELD_NOTES,
        MAX_NOTE_TOLD_BYTES,
        ITEM_LEAD_DAYS,
        MAX_LIFE_HELD,
        MAX_LIFE_RECORDS,
        MAX_LIFE_KEYS,
        MAX_LIFE_LINKS,
        MAX_LIFE_FLAGS,
        MAX_LIFE_UNITS,
        MAX_LIFE_NAMES,
        MAX_LIFE_RULES,
        MAX_BOOK_ENTRIES,
        MAX_BOOK_BYTES,
        MAX_RECORD_FINDINGS,
        MAX_RECENT_KEYS,
        MAX_REPORT_SENDERS,
        MAX_SALES,
        MAX_SALES_OF_ARTICLE,
        MAX_TYPES_IN_FILE,
        MAX_RULES_BYTES,
        MAX_SANDBOX_RULES,
        MAX_SANDBOX_ACTIONS,
        MAX_SANDBOX_OPENINGS,
        MAX_SANDBOX_SECONDS,
        MAX_SANDBOX_LINES,
        MAX_SANDBOX_ITEMS,
        MAX_PRACTICE_RECEIPTS,
        MAX_PRACTICE_SECONDS,
        MAX_EDITS,
        MAX_EDIT_BYTES,
        MAX_REPAIRS,
        REPAIR_DAYS,
        MAX_REPAIR_PAGE,
        MAX_CREDENTIAL_BYTES,
        MAX_DISCLOSURES,
        MAX_CREDENTIAL_DIGESTS,
        MAX_CREDENTIAL_DEPTH,
        MAX_CLAIM_PATH,
        MAX_JOSE_HEADER_BYTES,
        CREDENTIAL_LEEWAY_SECONDS,
        MAX_CREDENTIAL_LIFE_SECONDS,
        MAX_STATUS_LIST_BYTES,
        MAX_STATUS_TOKEN_BYTES,
        MAX_CARRIED_STATUS_BYTES,
        MAX_JWK_BYTES,
        MAX_STATUS_TTL_SECONDS,
        MAX_URI_BYTES,
        MAX_ASSESSED_GOODS,
        MAX_TAX_LINES,
        MAX_LEDGER_STATEMENTS,
        MAX_LEDGER_CLAIMS,
        MAX_GUARANTEE_RECORDS,
        MAX_SUMMARY_ITEMS,
        MAX_ACCOUNT_PERIODS,
        MAX_SUMMARY_LIST_BYTES,
        MAX_BANK_FILE_BYTES,
        MAX_BANK_ENTRIES,
        MAX_BANK_REFERENCES,
        MAX_BANK_XML_DEPTH,
        MAX_STATISTICS_PARTIES,
        MAX_STATISTICS_GROUPS,
        MAX_STATISTICS_TABLES,
        MAX_STATISTICS_CELLS,
        MAX_STATISTICS_SUMMANDS,
        MAX_STATISTICS_UNKNOWNS,
        MAX_STATISTICS_SOLVED,
        MAX_STATISTICS_STEPS,
        MAX_STATISTICS_BYTES,
        MAX_CARRIED_STATISTICS_BYTES,
        MAX_STATISTICS_DOMINANCES,
        MAX_STATISTICS_THRESHOLDS,
        MAX_STATISTICS_REVIEWED,
        MAX_ACCOUNTED_RECORDS,
        MAX_ACCOUNTED_ITEMS,
        MAX_STATISTICS_REVIEW_STEPS,
        MAX_WINDOW_NUMBERS,
        MAX_WINDOW_BITS,
        MAX_WINDOW_SPANS,
        MAX_WINDOW_ROOTS,
        MAX_WINDOW_ASKED,
        MAX_QUESTION_BYTES,
        MAX_DIFFERENCES,
        MAX_WINDOW_ROUNDS,
        MAX_WINDOW_BYTES,
        MAX_PROPOSAL_BYTES,
        MAX_STATEMENT_AHEAD_MS,
        MAX_DISPUTE_BYTES,
        MAX_DISPUTE_ITEMS,
        MAX_DISPUTE_STATEMENTS,
        MAX_DISPUTE_DEPOSITS,
        DEPOSIT_RANGE_BYTES,
        MAX_DEPOSITS,
        MAX_DEPOSITED_BYTES,
        MAX_LIVE_INDICATORS,
        MAX_INDICATORS_OF_ISSUER,
        MAX_INDICATOR_DAYS,
        MAX_NAME_WORDS,
        MAX_PLAIN_NAME_CHARS,
        MAX_SCREENING_RULES,
        MAX_WARNING_ROWS,
        MAX_LIST_BYTES,
    ])
}

/// The constants of the source with their reasons, each on one line.
fn reasons() -> BTreeMap<&'static str, String> {
    let (mut found, mut reason) = (BTreeMap::new(), Vec::new());
    for line in SOURCE.lines() {
        if let Some(text) = line.strip_prefix("/// ") {
            reason.push(text);
        } else if let Some((name, _)) = line.strip_prefix("pub const ").and_then(|rest| rest.split_once(':')) {
            found.insert(name, std::mem::take(&mut reason).join(" "));
        }
    }
    found
}

#[test]
fn the_specification_has_every_limit_with_its_value_and_no_other() {
    let (values, reasons) = (values(), reasons());
    assert!(values.keys().eq(reasons.keys()), "list here every constant of limits.rs");
    let section = SPECIFICATION.split("\n## ").find(|section| section.starts_with("16 Limits\n")).unwrap();
    let rows: Vec<_> = section.lines().filter(|line| line.starts_with("| `")).collect();
    for (name, value) in &values {
        let row = format!("| `{name}` | {value} | {} |", reasons[name]);
        assert_eq!(rows.iter().filter(|found| **found == row).count(), 1, "section 16 of SPEC.md wants once: {row}");
    }
    assert_eq!(rows.len(), values.len(), "section 16 of SPEC.md has rows that are no constants");
}
