//! Every bound of the protocol, in one place, each with its reason.
//!
//! Not here: windows and time-outs that an operator may set; those are configuration of the node.

#[cfg(test)]
mod tests;

/// Bytes of one encoded record (99 goods items with documents pass 100 KB).
pub const MAX_RECORD_BYTES: usize = 256 * 1024;
/// Records of one batch.
pub const MAX_BATCH_RECORDS: usize = 10_000;
/// Bytes of a dispatch's opened (decompressed) content.
pub const MAX_DISPATCH_OPENED_BYTES: usize = 8 * 1024 * 1024;
/// Opened bytes may be at most this many times the compressed bytes; the sender stores more redundant content raw.
pub const MAX_EXPANSION: usize = 20;
/// Bytes that sealing may add: the age header and sixteen bytes for each 64 KiB chunk.
pub const MAX_SEAL_OVERHEAD_BYTES: usize = 8 * 1024;
/// Bytes of the sealed part. Padding adds at most 12 %, see `exchange::sealed`.
pub const MAX_SEALED_BYTES: usize = MAX_DISPATCH_OPENED_BYTES + MAX_DISPATCH_OPENED_BYTES / 8 + MAX_SEAL_OVERHEAD_BYTES;
/// Bytes of a dispatch's clear header.
pub const MAX_HEADER_BYTES: usize = 4 * 1024;
/// Bytes of one request between nodes: a dispatch with its framing.
pub const MAX_REQUEST_BYTES: usize = MAX_SEALED_BYTES + MAX_HEADER_BYTES + 256;
/// Bytes of one answer between nodes: a receipt for a whole batch of rejected records, or one page of a log.
pub const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;
/// Sealed bytes of a deposit in one answer: half of one, so that the largest dispatch takes five.
pub const DEPOSIT_RANGE_BYTES: usize = 2 * 1024 * 1024;
/// Dispatches of one sending node that wait at a depositary for their recipients: as many as one channel may have out of order.
pub const MAX_DEPOSITS: usize = 1_024;
/// Sealed bytes of one sending node that wait at a depositary: a dozen of the largest dispatches, or a thousand usual ones.
pub const MAX_DEPOSITED_BYTES: u64 = 128 * 1024 * 1024;
/// Deposit receipts in a dispute file.
pub const MAX_DISPUTE_DEPOSITS: usize = MAX_DEPOSITS;
/// Numbers above the highest contiguous one that a recipient takes out of order.
pub const CHANNEL_WINDOW: u64 = 1_024;
/// Occurrences of a repeated group, and goods items of a record (WCO Data Model: 1..99).
pub const MAX_OCCURRENCES: usize = 99;
/// Goods items of one record.
pub const MAX_GOODS_ITEMS: usize = 99;
/// Bytes of an attached file; what is larger is named by reference and digest.
pub const MAX_ATTACHMENT_BYTES: u64 = 256 * 1024 * 1024;
/// Bytes of an attached file that travel at a time, and that stand encrypted together; a subtree of BLAKE3, so a power of two.
pub const ATTACHMENT_RANGE_BYTES: u64 = 1024 * 1024;
/// Ranges of the largest attached file.
pub const MAX_ATTACHMENT_RANGES: usize = (MAX_ATTACHMENT_BYTES / ATTACHMENT_RANGE_BYTES) as usize;
/// Bytes of a sealed range: with the outline of its file, and framing.
pub const MAX_SEALED_RANGE_BYTES: usize =
    ATTACHMENT_RANGE_BYTES as usize + MAX_ATTACHMENT_RANGES * 34 + 64 + MAX_SEAL_OVERHEAD_BYTES;
/// Groups of one record type.
pub const MAX_GROUPS: usize = 32;
/// Characters of a free text field (descriptionOfGoods and additionalInformation are an..512).
pub const MAX_TEXT_CHARS: usize = 512;
/// Bytes of a signed document (charter, card, agreement).
pub const MAX_DOCUMENT_BYTES: usize = 1024 * 1024;
/// Bytes of a document with all its signatures around it, each below 200 bytes.
pub const MAX_SIGNED_DOCUMENT_BYTES: usize = MAX_DOCUMENT_BYTES + 256 * 1024;
/// Bytes of documents in one request or answer: one of the largest always fits, and the rest of an answer beside it.
pub const MAX_DOCUMENTS_BYTES: usize = MAX_ANSWER_BYTES / 2;
/// Signatures on one document: one of each member, since three quarters of them may have to vote.
pub const MAX_SIGNATURES: usize = MAX_MEMBERS;
/// Members of a charter.
pub const MAX_MEMBERS: usize = 1_024;
/// Nodes of a member.
pub const MAX_NODES: usize = 16;
/// Keys of one use of a node: the one in use, the next and former ones.
pub const MAX_KEYS: usize = 4;
/// Addresses of a node.
pub const MAX_ADDRESSES: usize = 8;
/// Flows of an agreement.
pub const MAX_FLOWS: usize = 256;
/// Terms of a row beside those that have a place of their own.
pub const MAX_TERMS: usize = 32;
/// Rows of an agreement that recognise attestations.
pub const MAX_RECOGNITIONS: usize = 256;
/// Prefixes of tariff codes, or words of voluntary data, of one such row.
pub const MAX_RECOGNITION_CONDITIONS: usize = 256;
/// Attestations that a recogniser holds, by issuer, type, programme and number.
pub const MAX_ATTESTATIONS: usize = 4_000_000;
/// Attestations of one issuer among them, so that none leaves the others without room.
pub const MAX_ATTESTATIONS_OF_ISSUER: usize = 1_000_000;
/// Programmes that one issuer's attestations name in a recogniser's life; administrations have a handful.
pub const MAX_PROGRAMMES_OF_ISSUER: usize = 64;
/// Programmes of one issuer under which one number is attested.
pub const MAX_PROGRAMMES_OF_NUMBER: usize = 8;
/// Status lists of one issuer that a recogniser holds.
pub const MAX_STATUS_LISTS_OF_ISSUER: usize = 64;
/// Changes of one attestation (issued, renewed, status) that are remembered: a year of weekly renewals with some changes of status.
pub const MAX_ATTESTATION_EVENTS: usize = 64;
/// Versions of the charter, of a card, of what a member suspends, and of an agreement, that a recogniser remembers.
pub const MAX_REMEMBERED_VERSIONS: usize = 256;
/// Issues of a status list whose times are remembered: sixteen weeks at one every five minutes, in two megabytes.
pub const MAX_REMEMBERED_LISTS: usize = 32_768;
/// Reasons that one answer of a recogniser gives; of those beyond only the number.
pub const MAX_REASONS: usize = 32;
/// Uses of `collect` numbers whose declarations and confirmations are matched at a time; a month of a large platform.
pub const MAX_CONFIRMATIONS: usize = 4_000_000;
/// Confirmations among them whose use is not declared yet, so that holders leave declarations their room.
pub const MAX_WAITING_CONFIRMATIONS: usize = 2_000_000;
/// `collect` numbers whose holders are known at a time.
pub const MAX_COLLECT_NUMBERS: usize = 262_144;
/// Bytes of a signed confirmation of use.
pub const MAX_CONFIRMATION_BYTES: usize = 4 * 1024;
/// Types of attestations whose issuers a charter lists.
pub const MAX_ISSUER_ROWS: usize = 32;
/// Members that a charter names to merge and grade others' indicators.
pub const MAX_COORDINATORS: usize = 8;
/// Keys on a card that sign attestations: those in use, the next and former ones.
pub const MAX_ATTEST_KEYS: usize = 16;
/// Onward permissions of a row.
pub const MAX_ONWARD: usize = 32;
/// Bytes of what comes with records that are passed on; half a dispatch, so that the records fit beside it.
pub const MAX_SOURCE_BYTES: usize = MAX_DISPATCH_OPENED_BYTES / 2;
/// Versions of the agreement in it, from the first on.
pub const MAX_SOURCE_DOCUMENTS: usize = 64;
/// Dispatches in it in which its records came; each costs signatures and a quorum of cosignatures to verify.
pub const MAX_ORIGINS: usize = 64;
/// Days for which a dispatch may be under way: so much later than its last day, and no more, what it carries is taken by whom it is
/// passed on to. Its sender keeps it so long at least for a recipient that lost its data.
pub const MAX_TRAVEL_DAYS: u64 = 7;
/// Digests of a record's path in its batch: the tree over `MAX_BATCH_RECORDS` is fourteen high.
pub const MAX_BATCH_PATH: usize = 14;
/// Agreements that one member has suspended.
pub const MAX_SUSPENDED: usize = 1_024;
/// Keys that one revocation names: a member's nodes with every key.
pub const MAX_REVOKED: usize = 64;
/// Prohibitions of one node.
pub const MAX_PROHIBITIONS: usize = 1_024;
/// Documents of one network that a node holds: a member's cards through some years of rotation, and its agreements.
pub const MAX_DOCUMENTS: usize = 64 * 1024;
/// Retention that an agreement may ask for, in days (ten years, the longest customs limitation period in use).
pub const MAX_RETENTION_DAYS: u64 = 3_660;
/// Bytes of an opening's skeleton; it stays for the log's life, so it is small.
pub const MAX_SKELETON_BYTES: usize = 512;
/// Bytes of an opening's body: the verdicts of a full batch.
pub const MAX_BODY_BYTES: usize = 2 * 1024 * 1024;
/// Entries that one `erased` or `hold` entry names; with some places each they fit its body.
pub const MAX_NAMED_ENTRIES: usize = 10_000;
/// Entries on one page of a log that an auditor reads.
pub const MAX_AUDIT_PAGE_ENTRIES: usize = 512;
/// Bytes of content on one page of a log, checked after each entry.
pub const MAX_AUDIT_PAGE_BYTES: usize = 1024 * 1024;
/// Entries or records that one sample asks for; more is no sample.
pub const MAX_SAMPLE: u64 = 10_000;
/// Bytes of an audit pack, which is read into memory.
pub const MAX_PACK_BYTES: usize = 256 * 1024 * 1024;
/// Entries of the log in an audit pack: at some 160 bytes each they fill two thirds of it.
pub const MAX_PACK_ENTRIES: usize = 1024 * 1024;
/// Values listed in an audit pack, four for each entry.
pub const MAX_PACK_VALUES: usize = 4 * 1024 * 1024;
/// Documents in an audit pack: two cards for each member, and as many agreements.
pub const MAX_PACK_DOCUMENTS: usize = 4 * MAX_MEMBERS;
/// Fork evidence in an audit pack; a network has few members, and each log forks once.
pub const MAX_PACK_FORKS: usize = 64;
/// Bytes of a page in an archive: its content passes 1 MiB with an entry of at most 6 MiB, and each entry may have a checkpoint.
pub const MAX_ARCHIVE_PAGE_BYTES: usize = 16 * 1024 * 1024;
/// Documents in an archive: as many as in an audit pack, some of them of former logs.
pub const MAX_ARCHIVE_DOCUMENTS: usize = MAX_PACK_DOCUMENTS;
/// Bytes of all documents in an archive, which are read into memory; real ones have some kilobytes each.
pub const MAX_ARCHIVE_DOCUMENTS_BYTES: usize = 64 * 1024 * 1024;
/// Records of one submitted chunk.
pub const MAX_CHUNK_RECORDS: usize = 1_000;
/// Bytes of one submitted chunk.
pub const MAX_CHUNK_BYTES: usize = 1024 * 1024;
/// Characters of one line of an input file (a native record of 99 items in JSON).
pub const MAX_LINE_BYTES: usize = 1024 * 1024;
/// Bytes of one XML document: a declaration of 99 goods items takes some hundred kilobytes, with comments more.
pub const MAX_XML_BYTES: usize = 4 * 1024 * 1024;
/// Elements of one XML document; a declaration of 99 goods items has some ten thousand.
pub const MAX_XML_ELEMENTS: usize = 32 * 1024;
/// Elements inside one another; the schemas of the WCO Data Model go to ten.
pub const MAX_XML_DEPTH: usize = 12;
/// Attributes of one element, namespace declarations counted; the schemas have nine at most.
pub const MAX_XML_ATTRIBUTES: usize = 32;
/// Namespace declarations that hold at one place of an XML document.
pub const MAX_XML_NAMESPACES: usize = 64;
/// Bytes of a name in an XML document that its schemas do not have.
pub const MAX_XML_NAME_BYTES: usize = 64;
/// Bytes of the text of one element; the longest field has 512 characters.
pub const MAX_XML_TEXT_BYTES: usize = 16 * 1024;
/// Elements beside several messages of one XML document, each of which is kept with every message; the schema has six.
pub const MAX_XML_BESIDE: usize = 64;
/// Comparisons of elements when a record's fields are looked for in their document. Beyond it elements are no longer recognised: what
/// is kept beside the fields is then larger, and right all the same.
pub const MAX_XML_COMPARISONS: usize = 1_000_000;
/// Texts between XML documents that are told one by one.
pub const MAX_XML_NOTES: usize = 100;
/// Input rows that a mapping may group into one record.
pub const MAX_ROWS_PER_RECORD: usize = 1_000;
/// Witnesses of one log: with the log's own signature they must fit the signatures of one note.
pub const MAX_LOG_WITNESSES: usize = 60;
/// Nesting of encoded values; the deepest that exists is eight.
pub const MAX_DEPTH: usize = 16;
/// Sizes of one log that a node asks to be led from in one question: what it holds, and checkpoints not yet placed.
pub const MAX_SIZES_ASKED: usize = 20;
/// Checkpoints not yet placed that a node keeps of one log, beside those of this moment; with more it takes nothing from it.
pub const MAX_UNPLACED_NOTES: usize = 17;
/// Checkpoints of logs in one answer or one entry; more than a network of `MAX_MEMBERS` has witnesses.
pub const MAX_HELD_NOTES: usize = 4_096;
/// Bytes of one of them: the longest checkpoint with its log's signature.
pub const MAX_NOTE_TOLD_BYTES: usize = 5 * 1024;
/// Evidence of forked logs in one answer; such logs are few.
pub const MAX_FORKS_TOLD: usize = 16;
/// Bytes of one piece of it: two checkpoints with all their cosignatures, and what leads from one to the other.
pub const MAX_FORK_TOLD_BYTES: usize = 64 * 1024;
/// Days before its posting from which on a record that names no posting day may speak of an item: orders come weeks earlier.
pub const ITEM_LEAD_DAYS: u64 = 60;
/// Records that are handed in for one item: all that name what it names, the other items of its bag among them.
pub const MAX_LIFE_HELD: usize = 16_384;
/// Records of one item; one with parts, returns and corrections has some dozens.
pub const MAX_LIFE_RECORDS: usize = 1_024;
/// Numbers that one item has or is linked to: parts of parts, labels of every carrier.
pub const MAX_LIFE_KEYS: usize = 256;
/// Pairs of numbers that links name, of all that is looked at for one item.
pub const MAX_LIFE_LINKS: usize = 2_048;
/// Flags that are told of one item.
pub const MAX_LIFE_FLAGS: usize = 1_024;
/// Units of transport that one item travels in: four levels, packed again some times.
pub const MAX_LIFE_UNITS: usize = 64;
/// Names under which records are looked up for one item.
pub const MAX_LIFE_NAMES: usize = 1_024;
/// Deadlines, and controls of agencies, of one set of rules.
pub const MAX_LIFE_RULES: usize = 4_096;
/// Entries of one section of an operator's file of rules; the largest, a tariff edition, is one entry.
pub const MAX_BOOK_ENTRIES: usize = 10_000;
/// Bytes of an operator's file of rules: a tariff edition with its codes in quotes has a hundred thousand.
pub const MAX_BOOK_BYTES: usize = 4 * 1024 * 1024;
/// Findings of one record; a record of 99 goods items with a fault in each of a dozen fields has a thousand.
pub const MAX_RECORD_FINDINGS: usize = 2_000;
/// Keys that a memory of recent records holds at most, at some hundred bytes each.
pub const MAX_RECENT_KEYS: usize = 4 * 1024 * 1024;
/// Senders that a quality report counts apart: the members of a network.
pub const MAX_REPORT_SENDERS: usize = MAX_MEMBERS;
/// Sales that are remembered so that cancellations can be matched to them, some 100 bytes each.
pub const MAX_SALES: usize = 256 * 1024;
/// Sales of one article to one customer among them, which a cancellation looks through.
pub const MAX_SALES_OF_ARTICLE: usize = 64;
/// Record types of one CSV file whose columns a reader keeps in mind at once.
pub const MAX_TYPES_IN_FILE: usize = 32;
/// Bytes of a file of rules for practice partners.
pub const MAX_RULES_BYTES: usize = 256 * 1024;
/// Rules of one such file; the built-in ones are some forty.
pub const MAX_SANDBOX_RULES: usize = 512;
/// Actions of all its rules.
pub const MAX_SANDBOX_ACTIONS: usize = 4_096;
/// How often a partner does something by itself at the beginning.
pub const MAX_SANDBOX_OPENINGS: u64 = 1_000;
/// Seconds of a pause, an outage or a deadline of a practice partner: a week.
pub const MAX_SANDBOX_SECONDS: u64 = 7 * 86_400;
/// Lines that are kept of one rehearsal; beyond them nothing is played, and the report says so.
pub const MAX_SANDBOX_LINES: usize = 100_000;
/// Items whose lives one report looks at.
pub const MAX_SANDBOX_ITEMS: usize = 1_000;
/// Dispatches whose receipts a practice partner's node plays with in one run, and rules by which it does; others are receipted as ever.
pub const MAX_PRACTICE_RECEIPTS: usize = 1_000;
/// Seconds for which it answers one of them wrongly, or puts its answer off: less than others wait for one.
pub const MAX_PRACTICE_SECONDS: u64 = 30;
/// Edits of one mass fix of records that wait for repair.
pub const MAX_EDITS: usize = 64;
/// Bytes of one of them, pointer and values together.
pub const MAX_EDIT_BYTES: usize = 4 * 1024;
/// Refused records of a node that wait for repair; beyond it none is kept, and its answer and the node's status say so. A chunk that is being
/// taken may go beyond it by its own records.
pub const MAX_REPAIRS: u64 = 50_000;
/// Days for which a refused record waits for repair, and for which it is told what became of one that was resent or given up.
pub const REPAIR_DAYS: u64 = 30;
/// Entries of the repair queue on a page, and of a mass fix that are told one by one.
pub const MAX_REPAIR_PAGE: usize = 1_000;
/// Bytes of a credential with its disclosures and key binding; those of trusted traders have some four thousand.
pub const MAX_CREDENTIAL_BYTES: usize = 64 * 1024;
/// Disclosures of one credential.
pub const MAX_DISCLOSURES: usize = 256;
/// Digests in one credential, decoys and digests inside of disclosures among them.
pub const MAX_CREDENTIAL_DIGESTS: usize = 1_024;
/// Objects and arrays inside one another in a credential, as it is after disclosing.
pub const MAX_CREDENTIAL_DEPTH: usize = 12;
/// Steps of one path to a claim.
pub const MAX_CLAIM_PATH: usize = MAX_CREDENTIAL_DEPTH;
/// Bytes of the header of a signed JSON token: a kind, a key's name, perhaps certificates that nobody here follows.
pub const MAX_JOSE_HEADER_BYTES: usize = 16 * 1024;
/// Seconds by which the clocks of an issuer, a holder and a verifier may differ.
pub const CREDENTIAL_LEEWAY_SECONDS: u64 = 60;
/// Seconds that a credential about a trader lives: a week, since verifiers may skip its status.
pub const MAX_CREDENTIAL_LIFE_SECONDS: u64 = 7 * 86_400;
/// Bytes of an opened status list: a million statuses of eight bits, eight million of two.
pub const MAX_STATUS_LIST_BYTES: usize = 2 * 1024 * 1024;
/// Bytes of a signed status list: the largest one that cannot be compressed, in base64 twice, with its other claims.
pub const MAX_STATUS_TOKEN_BYTES: usize = MAX_STATUS_LIST_BYTES / 9 * 16 + 64 * 1024;
/// Seconds for which a signed status list may be kept without asking again.
pub const MAX_STATUS_TTL_SECONDS: u64 = 86_400;
/// Bytes of a signed status list that travels as a record, which has room for its other groups beside it: a million statuses of which some
/// ten thousand are not the usual one. Larger lists are served only, or split.
pub const MAX_CARRIED_STATUS_BYTES: usize = 250 * 1024;
/// Bytes of a public key as JWK.
pub const MAX_JWK_BYTES: usize = 512;
/// Bytes of the URI of a status list or of an issuer.
pub const MAX_URI_BYTES: usize = 512;
/// Goods items that are assessed together: a consignment may have more than one record holds, in parts.
pub const MAX_ASSESSED_GOODS: usize = 999;
/// Tax lines of one assessment, with those that are left open: some for each goods item.
pub const MAX_TAX_LINES: usize = 8_192;
/// Records of duty of one item: assessed, collected and remitted, with corrections of others.
pub const MAX_LEDGER_STATEMENTS: usize = 256;
/// Claims for one item.
pub const MAX_LEDGER_CLAIMS: usize = 64;
/// Records of one guarantee: drawn and released for each item of some years of a large account.
pub const MAX_GUARANTEE_RECORDS: usize = 10_000_000;
/// Records in the list of one summary; a month of a large platform in one account.
pub const MAX_SUMMARY_ITEMS: usize = 10_000_000;
/// Periods of one account: ten years of months, the longest limitation period in use, and some.
pub const MAX_ACCOUNT_PERIODS: usize = 128;
/// Bytes of the list of a summary as it is handed in: a hundred thousand records in JSON.
pub const MAX_SUMMARY_LIST_BYTES: usize = 64 * 1024 * 1024;
/// Bytes of a bank statement: some hundred thousand entries in XML.
pub const MAX_BANK_FILE_BYTES: usize = 256 * 1024 * 1024;
/// Entries of a bank statement that are read.
pub const MAX_BANK_ENTRIES: usize = 1_000_000;
/// References of one bank entry: of one transaction a handful, of a lump sum one for each summary it pays.
pub const MAX_BANK_REFERENCES: usize = 1_024;
/// Elements inside one another in a bank statement; the schema of camt.053 goes to some fifteen.
pub const MAX_BANK_XML_DEPTH: usize = 32;
/// Parties behind the items that are counted together, at some hundred bytes each.
pub const MAX_STATISTICS_PARTIES: usize = 1 << 22;
/// Combinations of place and parties that are counted apart, at some two hundred bytes each.
pub const MAX_STATISTICS_GROUPS: usize = 1 << 22;
/// Tables of one publication.
pub const MAX_STATISTICS_TABLES: usize = 32;
/// Cells of one publication, and of everything that is proven safe together.
pub const MAX_STATISTICS_CELLS: usize = 200_000;
/// Summands of all these cells, four bytes each.
pub const MAX_STATISTICS_SUMMANDS: usize = 10_000_000;
/// Unknown figures that hang together in one linear system that is solved; solving takes some of their third power.
pub const MAX_STATISTICS_UNKNOWNS: usize = 512;
/// Such systems that are solved for one publication.
pub const MAX_STATISTICS_SOLVED: usize = 4_096;
/// Steps of the search for what must be withheld, for one publication; each looks at one combination of codes, in some tens of nanoseconds.
pub const MAX_STATISTICS_STEPS: u64 = 1 << 31;
/// Bytes of one publication.
pub const MAX_STATISTICS_BYTES: usize = 16 * 1024 * 1024;
/// Bytes of a signed publication that stands in a record, which has room for its other groups beside it: some eight thousand cells. Larger ones are
/// attached.
pub const MAX_CARRIED_STATISTICS_BYTES: usize = 240 * 1024;
/// Rules of dominance, and of closeness, of one publication.
pub const MAX_STATISTICS_DOMINANCES: usize = 8;
/// Thresholds that are compared at once.
pub const MAX_STATISTICS_THRESHOLDS: usize = 64;
/// Pieces of evidence that change a cell withheld for others' sake, for which it is tried to show it after all; each is looked for again.
pub const MAX_STATISTICS_REVIEWED: usize = 64;
/// Steps after which no more cells are tried.
pub const MAX_STATISTICS_REVIEW_STEPS: u64 = 1 << 25;
/// Numbers of one window, at 136 bytes each in memory while it is compared; a channel that gave more is compared in several.
pub const MAX_WINDOW_NUMBERS: u64 = 1024 * 1024;
/// Records of one number of an item that its account looks at; beyond them records are left out, and counted.
pub const MAX_ACCOUNTED_RECORDS: usize = 512;
/// Items that one declaration or registration is about, and versions of one record, in business reconciliation.
pub const MAX_ACCOUNTED_ITEMS: usize = 4_096;
/// Levels of a window's tree that one answer goes down: 64 roots for each one asked about.
pub const MAX_WINDOW_BITS: u32 = 6;
/// Parts of a window that one question asks about.
pub const MAX_WINDOW_SPANS: usize = 1_024;
/// Roots in one answer about a window, 34 bytes each.
pub const MAX_WINDOW_ROOTS: usize = 16 * 1024;
/// Numbers of a window about which one question asks what stands there, at most 69 bytes each in the answer.
pub const MAX_WINDOW_ASKED: usize = 4_096;
/// Bytes of a question about a window: a channel, and spans of at most 21 bytes each.
pub const MAX_QUESTION_BYTES: usize = 64 * 1024;
/// Differences of one window that are listed; a channel with more has another trouble than its numbers.
pub const MAX_DIFFERENCES: usize = 10_000;
/// Questions about one window; ten thousand scattered differences of the largest window take some thirty.
pub const MAX_WINDOW_ROUNDS: usize = 512;
/// Bytes of questions and answers about one window; ten thousand scattered differences of the largest window take some fourteen millions.
pub const MAX_WINDOW_BYTES: usize = 32 * 1024 * 1024;
/// Bytes of a proposed statement: [`MAX_DIFFERENCES`] of at most 160 bytes.
pub const MAX_PROPOSAL_BYTES: usize = 2 * 1024 * 1024;
/// Milliseconds by which a statement may be dated ahead of its recipient's clock: five minutes.
pub const MAX_STATEMENT_AHEAD_MS: u64 = 300_000;
/// Bytes of a dispute file, which is read into memory.
pub const MAX_DISPUTE_BYTES: usize = 64 * 1024 * 1024;
/// Pieces of evidence of one kind in a dispute file: one for each difference of a window.
pub const MAX_DISPUTE_ITEMS: usize = MAX_DIFFERENCES;
/// Statements in a dispute file.
pub const MAX_DISPUTE_STATEMENTS: usize = 64;
/// Indicators that a node screens by; those of all administrations that share any.
pub const MAX_LIVE_INDICATORS: usize = 1_000_000;
/// Indicators of one issuer among them, so that none leaves the others without room.
pub const MAX_INDICATORS_OF_ISSUER: usize = 250_000;
/// Days for which an indicator holds at most; what is true for longer is renewed by somebody who looked at it again.
pub const MAX_INDICATOR_DAYS: u64 = 730;
/// Versions of objects that threat platforms may read of a node by TAXII; each takes some two hundred bytes of its memory.
pub const MAX_SHELF_VERSIONS: usize = 1_000_000;
/// Objects on a page of TAXII, whatever is asked for.
pub const MAX_TAXII_PAGE: usize = 1_000;
/// Objects on a page of TAXII where none are asked for.
pub const TAXII_PAGE: usize = 250;
/// Values of one filter of TAXII.
pub const MAX_TAXII_MATCHES: usize = 256;
/// Users of TAXII.
pub const MAX_TAXII_USERS: usize = 1_000;
/// Words of a name that are compared.
pub const MAX_NAME_WORDS: usize = 32;
/// Characters of a name that are compared.
pub const MAX_PLAIN_NAME_CHARS: usize = 256;
/// Rows of a file of screening rules.
pub const MAX_SCREENING_RULES: usize = 4_096;
/// Names, numbers and words of a file of warning lists.
pub const MAX_WARNING_ROWS: usize = 100_000;
/// Bytes of a public list of sanctioned parties that is read; the largest have some ten millions.
pub const MAX_LIST_BYTES: usize = 64 * 1024 * 1024;
/// Proposals of screening that a node keeps at hand, at some 400 bytes each.
pub const MAX_PROPOSALS: usize = 500_000;
/// Indicators that one proposal names; one that more hit rests on none of them alone.
pub const MAX_GROUNDS: usize = 16;
/// Records that one order of officers is about: a day's mistake of a large administration.
pub const MAX_ORDER_RECORDS: usize = 50_000;
/// Characters of the reason of an order.
pub const MAX_ORDER_CHARS: usize = 500;
/// Orders that wait for signatures; beyond them the oldest goes.
pub const MAX_WAITING_ORDERS: usize = 64;
/// Officers of one node.
pub const MAX_OFFICERS: usize = 256;
