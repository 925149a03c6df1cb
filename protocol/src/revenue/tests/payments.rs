//! What banks tell, against what is owed.

use super::*;
use crate::formats::{BankMapping, bank_csv, camt053};
use crate::recognition::Period;

fn due(reference: &str, period: &str, amount: &str) -> Due {
    let period: Period = period.parse().unwrap();
    Due { account: "QP-7".into(), period, reference: reference.into(), amount: money(amount) }
}

fn entry(place: u64, amount: &str, references: &[&str]) -> BankEntry {
    let references = references.iter().map(|one| (*one).to_owned()).collect();
    BankEntry { place, amount: money(amount), booked: day("2026-11-30"), references }
}

#[test]
fn a_lump_sum_that_is_short_is_told_as_such() {
    let dues = [
        due("S-2026-10", "2026-10", "90000.00 EUR"),
        due("S-2026-11", "2026-11", "1234.56 EUR"),
        due("S-2026-12", "2026-12", "5 EUR"),
    ];
    let entries = [entry(1, "91204.56 EUR", &["LUMP", "s-2026-10", "S-2026-11"]), entry(2, "17.00 EUR", &["rent"])];
    let matched = match_payments(&dues, &entries).unwrap();
    assert_eq!(matched.matches.len(), 1);
    let one = &matched.matches[0];
    assert_eq!((one.dues.as_slice(), one.entries.as_slice()), ([0, 1].as_slice(), [0].as_slice()));
    assert_eq!(one.sums, Some((money("91234.56 EUR"), money("91204.56 EUR"))));
    assert_eq!(one.outcome, Outcome::Short(money("30.00 EUR")));
    assert_eq!(one.outcome.to_string(), "short by 30.00 EUR");
    assert_eq!((matched.unpaid, matched.unknown), (vec![2], vec![1]));
}

#[test]
fn payments_in_parts_and_back_are_added_up() {
    let dues = [
        due("A", "2026-10", "100 EUR"),
        due("B", "2026-10", "100 EUR"),
        due("C", "2026-10", "1 EUR"),
        due("D", "2026-10", "1 EUR"),
    ];
    let entries = [
        entry(1, "60 EUR", &["A"]),
        entry(2, "50 EUR", &["A", "A"]),
        entry(3, "-10 EUR", &["A"]),
        entry(4, "100.01 EUR", &["B"]),
        entry(5, "1 GBP", &["C"]),
        entry(6, "1 EUR", &["D"]),
        entry(7, "1 EUR", &["D"]),
        entry(8, "-1 EUR", &[" d "]),
    ];
    let matched = match_payments(&dues, &entries).unwrap();
    let outcomes: Vec<_> = matched.matches.iter().map(|one| one.outcome).collect();
    assert_eq!(outcomes, [Outcome::Exact, Outcome::Over(money("0.01 EUR")), Outcome::Currencies, Outcome::Exact]);
    assert!(matched.unpaid.is_empty() && matched.unknown.is_empty());
}

/// An entry with this inside.
fn statement(entries: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\"><BkToCstmrStmt>\
         <GrpHdr><MsgId>M</MsgId></GrpHdr><Stmt><Id>1</Id><Acct><Id><IBAN>DE02120300000000202051</IBAN></Id></Acct>\
         <Bal><Amt Ccy=\"EUR\">1</Amt><CdtDbtInd>CRDT</CdtDbtInd></Bal>{entries}</Stmt></BkToCstmrStmt></Document>"
    )
}

fn xml_entry(amount: &str, direction: &str, status: &str, details: &str) -> String {
    format!(
        "<Ntry><Amt Ccy=\"EUR\">{amount}</Amt><CdtDbtInd>{direction}</CdtDbtInd><Sts>{status}</Sts><BookgDt><Dt>2026-11-30</Dt></BookgDt>\
         <AcctSvcrRef>BANK-1</AcctSvcrRef><NtryDtls>{details}</NtryDtls></Ntry>"
    )
}

const LUMP: &str = "<TxDtls><Refs><EndToEndId>NOTPROVIDED</EndToEndId></Refs><RmtInf><Ustrd>IOSS &#83;-2026-10, S-2026-11 &amp; more</Ustrd>\
    </RmtInf></TxDtls>";

#[test]
fn a_statement_is_read_and_matched() {
    let two = "<TxDtls><Refs><EndToEndId>E-1</EndToEndId></Refs><Amt Ccy=\"EUR\">1.50</Amt><CdtDbtInd>CRDT</CdtDbtInd></TxDtls>\
        <TxDtls><Refs><EndToEndId>E-2</EndToEndId></Refs><AmtDtls><TxAmt><Amt Ccy=\"EUR\">0.50</Amt></TxAmt></AmtDtls>\
        <RmtInf><Strd><CdtrRefInf><Ref>RF18539007547034</Ref></CdtrRefInf></Strd></RmtInf></TxDtls>";
    let xml = statement(
        &[
            xml_entry("91204.56", "CRDT", "<Cd>BOOK</Cd>", LUMP),
            xml_entry("2.00", "CRDT", "BOOK", two),
            xml_entry("7.00", "DBIT", "BOOK", ""),
            xml_entry("8.00", "CRDT", "<Cd>PDNG</Cd>", ""),
            // The parts do not add up to the whole: it stays one.
            xml_entry("2.01", "CRDT", "BOOK", two),
        ]
        .concat(),
    );
    let file = camt053(xml.as_bytes()).unwrap();
    let amounts: Vec<_> = file.entries.iter().map(|one| (one.place, one.amount.to_string())).collect();
    let wanted = [(1, "91204.56 EUR"), (2, "1.50 EUR"), (2, "0.50 EUR"), (3, "-7.00 EUR"), (5, "2.01 EUR")];
    assert_eq!(amounts, wanted.map(|(place, amount)| (place, amount.to_owned())));
    assert_eq!(file.entries[0].references, ["BANK-1", "IOSS", "S-2026-10", "S-2026-11", "more"]);
    assert_eq!(file.entries[2].references, ["BANK-1", "E-2", "RF18539007547034"]);
    assert_eq!(file.entries[4].references, ["BANK-1", "E-1", "E-2", "RF18539007547034"]);
    assert_eq!((file.refused.len(), file.refused[0].place), (1, 4));
    assert!(file.refused[0].reason.contains("PDNG"));
    let dues = [due("S-2026-10", "2026-10", "90000.00 EUR"), due("S-2026-11", "2026-11", "1234.56 EUR")];
    let matched = match_payments(&dues, &file.entries).unwrap();
    assert_eq!(matched.matches[0].outcome, Outcome::Short(money("30 EUR")));
    // The same under a prefix, which is another spelling only.
    let prefixed = xml.replace("</", "</c:").replace("<c:?", "<?");
    let prefixed = regex_free_prefix(&prefixed).replace("xmlns=", "xmlns:c=");
    assert_eq!(camt053(prefixed.as_bytes()).unwrap(), file);
}

/// `c:` before the name of every start tag.
fn regex_free_prefix(xml: &str) -> String {
    let mut out = String::new();
    let mut rest = xml.chars().peekable();
    while let Some(c) = rest.next() {
        out.push(c);
        if c == '<' && rest.peek().is_some_and(|next| next.is_ascii_alphabetic()) {
            out.push_str("c:");
        }
    }
    out
}

#[test]
fn elements_of_other_namespaces_and_places_are_passed_over() {
    let plain = statement(&xml_entry("1.00", "CRDT", "BOOK", ""));
    let wanted = camt053(plain.as_bytes()).unwrap();
    let strange = plain
        .replace("<CdtDbtInd>CRDT</CdtDbtInd><Sts>", "<CdtDbtInd>CRDT</CdtDbtInd><Amt xmlns=\"urn:x\" Ccy=\"EUR\">9</Amt><x:Amt xmlns:x=\"urn:y\" Ccy=\"EUR\">8</x:Amt><Sts>")
        .replace("</NtryDtls>", "</NtryDtls><SplmtryData><Envlp><Ntry><Amt Ccy=\"EUR\">5</Amt></Ntry></Envlp></SplmtryData>");
    assert_ne!(strange, plain);
    assert_eq!(camt053(strange.as_bytes()).unwrap(), wanted);
}

#[test]
fn documents_that_do_harm_are_refused() {
    let good = statement(&xml_entry("1.00", "CRDT", "BOOK", ""));
    let deep = format!("{}{}", "<x>".repeat(40), "</x>".repeat(40));
    for (bad, told) in [
        (good.replace("<Document", "<!DOCTYPE d [<!ENTITY a \"aaaa\">]><Document"), "DOCTYPE"),
        (good.replace("BANK-1", "&a;"), "'&a;'"),
        (good.replace("BANK-1", "&#0;"), "&#0;"),
        (good.replace("camt.053.001.08", "camt.052.001.08"), "camt.053.001"),
        (good.replace("</Stmt>", "</Stmd>"), "</Stmd>"),
        (good.replace("BANK-1", &deep), "inside one another"),
        (good.replace("BANK-1", &"x".repeat(20_000)), "longer than"),
        (good.replace("UTF-8", "UTF-16"), "UTF-16"),
        (good.replace("</Document>", "</Document><Document/>"), "second root"),
        (good.replace("</BkToCstmrStmt></Document>", ""), "ends before"),
        (good.replace("BANK-1", "\u{1}"), "character"),
        (String::new(), "no root"),
    ] {
        let error = camt053(bad.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(told), "{told}: {error}");
    }
    for (from, to, told) in [
        ("1.00", "1,00", "not an amount"),
        ("<Amt Ccy=\"EUR\">1.00", "<Amt Ccy=\"EUR\">-1.00", "below zero"),
        ("<Amt Ccy=\"EUR\">1.00", "<Amt>1.00", "currency"),
        ("CRDT</CdtDbtInd><Sts", "X</CdtDbtInd><Sts", "neither"),
        ("<Dt>2026-11-30", "<Dt>2026-11-31", "booking date"),
    ] {
        let file = camt053(good.replace(from, to).as_bytes()).unwrap();
        assert!(file.entries.is_empty() && file.refused[0].reason.contains(told), "{told}: {:?}", file.refused);
    }
}

#[test]
fn csv_and_xml_of_one_payment_are_one_entry() {
    let mapping =
        "name='b'\ncurrency='EUR'\n[columns]\namount='amount'\nbooked='day'\nreferences=['ref']\ntexts=['text']\n";
    let mapping = BankMapping::parse(mapping).unwrap();
    let csv = "day,amount,ref,text\n2026-11-30,91204.56,BANK-1,\"IOSS S-2026-10, S-2026-11 & more\"\n";
    let from_csv = bank_csv(csv.as_bytes(), &mapping).unwrap().entries.remove(0);
    let from_xml =
        camt053(statement(&xml_entry("91204.56", "CRDT", "BOOK", LUMP)).as_bytes()).unwrap().entries.remove(0);
    assert_eq!(BankEntry { place: 1, ..from_csv }, from_xml);
}
