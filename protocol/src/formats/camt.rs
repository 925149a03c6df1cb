//! Statements of bank accounts as ISO 20022 `camt.053.001` (BankToCustomerStatement), any of its versions.
//!
//! Read: booked entries with amount, direction, booking date, references; an entry for several transactions is told as these,
//! where their amounts add up to it. Guarded as the reader of WCO XML is ([`super::wco`]): no DOCTYPE, no entities, bounds on depth, names,
//! attributes and texts. Elements beside these are passed over, and so are those of other namespaces. Not here: balances, and whether a
//! statement follows the one before.

use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use super::bank::{BankError, BankFile, BankRefusal};
use super::wco::{FlawKind, blank, characters, form, position, referenced, shown, value, xml_declaration};
use crate::limits::{
    MAX_BANK_ENTRIES, MAX_BANK_FILE_BYTES, MAX_BANK_REFERENCES, MAX_BANK_XML_DEPTH, MAX_XML_ATTRIBUTES,
    MAX_XML_TEXT_BYTES,
};
use crate::names::{Currency, NameError};
use crate::revenue::{BankEntry, Exact, Money, words_of};
use crate::time::Day;

const NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.";
/// The way to an entry.
const ENTRY: &str = "/Document/BkToCstmrStmt/Stmt/Ntry";

/// Reads a statement. An entry that is not booked, or cannot be read, is told and disturbs no other.
///
/// # Errors
/// [`BankError`] where it is no such document, with the byte at which it shows.
pub fn camt053(bytes: &[u8]) -> Result<BankFile, BankError> {
    if bytes.len() > MAX_BANK_FILE_BYTES {
        return Err(BankError::TooLarge);
    }
    let refuse = |place: usize, path: &str, what: FlawKind| {
        let path = if path.is_empty() { String::new() } else { format!(", {path}") };
        BankError::Xml { place, path, reason: what.to_string() }
    };
    let text = characters(bytes).map_err(|(place, what)| refuse(place, "", what))?;
    let mut reader = Reader::from_str(text);
    let mut state = State::default();
    loop {
        let from = position(reader.buffer_position());
        let event =
            reader.read_event().map_err(|error| refuse(position(reader.error_position()), &state.path, form(error)))?;
        if matches!(event, Event::Eof) {
            break;
        }
        state.take(event).map_err(|what| refuse(from, &state.path, what))?;
        if state.file.entries.len() + state.file.refused.len() > MAX_BANK_ENTRIES {
            return Err(BankError::TooLarge);
        }
    }
    match (state.seen, state.lengths.is_empty()) {
        (false, _) => Err(refuse(bytes.len(), "", FlawKind::NoRoot)),
        (true, false) => {
            let what = FlawKind::Form("the document ends before its elements are closed".into());
            Err(refuse(bytes.len(), &state.path, what))
        }
        (true, true) => Ok(state.file),
    }
}

#[derive(Default)]
struct State {
    /// The names of the elements that are open, `/` before each; one of another namespace has `:` before it.
    path: String,
    /// How long the path is around each of them.
    lengths: Vec<usize>,
    /// The prefix of the root.
    prefix: Option<String>,
    /// The namespace of the root.
    namespace: String,
    /// The text of the element that is open, and the currency in its attribute.
    text: String,
    currency: Option<String>,
    seen: bool,
    count: u64,
    entry: Draft,
    transaction: Transaction,
    file: BankFile,
}

/// An entry in the making.
#[derive(Default)]
struct Draft {
    amount: Option<(String, Option<String>)>,
    direction: String,
    status: String,
    booked: String,
    references: Vec<String>,
    transactions: Vec<Transaction>,
}

/// A transaction of an entry.
#[derive(Default)]
struct Transaction {
    amount: Option<(String, Option<String>)>,
    direction: Option<String>,
    references: Vec<String>,
}

impl State {
    fn take(&mut self, event: Event<'_>) -> Result<(), FlawKind> {
        match event {
            Event::Start(start) => self.start(&start),
            Event::Empty(start) => {
                self.start(&start)?;
                self.end()
            }
            Event::End(_) => self.end(),
            Event::Text(text) => self.add(&text.into_inner()),
            Event::CData(data) => self.add(&data.into_inner()),
            Event::GeneralRef(reference) => self.add(&referenced(&reference)?),
            Event::Decl(declaration) => xml_declaration(&declaration),
            Event::DocType(_) => Err(FlawKind::Doctype),
            Event::Comment(_) | Event::PI(_) | Event::Eof => Ok(()),
        }
    }

    fn start(&mut self, start: &BytesStart<'_>) -> Result<(), FlawKind> {
        if self.lengths.len() >= MAX_BANK_XML_DEPTH {
            return Err(FlawKind::Form(format!("more than {MAX_BANK_XML_DEPTH} elements inside one another")));
        }
        let (local, prefix) = start.name().decompose();
        let (name, prefix) = (local.into_inner(), prefix.map(|prefix| prefix.into_inner()));
        let mut declared = None;
        let mut currency = None;
        for (at, attribute) in start.attributes().enumerate() {
            if at == MAX_XML_ATTRIBUTES {
                return Err(FlawKind::AttributeLimit);
            }
            let attribute = attribute.map_err(|error| FlawKind::Form(error.to_string()))?;
            let key = attribute.key.into_inner();
            let text = value(&attribute)?;
            if text.len() > MAX_XML_TEXT_BYTES {
                return Err(FlawKind::TextLimit);
            }
            let binds = match key.strip_prefix("xmlns") {
                Some("") => Some(None),
                Some(rest) => rest.strip_prefix(':').map(Some),
                None => None,
            };
            if binds == Some(prefix) {
                declared = Some(text.clone().into_owned());
            }
            if key == "Ccy" {
                currency = Some(text.into_owned());
            }
        }
        if self.lengths.is_empty() {
            self.root(name, prefix, declared.clone())?;
        }
        let foreign = prefix != self.prefix.as_deref() || declared.is_some_and(|uri| uri != self.namespace);
        self.lengths.push(self.path.len());
        self.path.push_str(if foreign && !self.path.is_empty() { "/:" } else { "/" });
        self.path.push_str(name);
        self.text.clear();
        self.currency = currency;
        match self.path.strip_prefix(ENTRY) {
            Some("") => {
                self.count += 1;
                self.entry = Draft::default();
            }
            Some("/NtryDtls/TxDtls") => self.transaction = Transaction::default(),
            _ => {}
        }
        Ok(())
    }

    fn root(&mut self, name: &str, prefix: Option<&str>, declared: Option<String>) -> Result<(), FlawKind> {
        if self.seen {
            return Err(FlawKind::Second);
        }
        self.seen = true;
        let namespace = declared.unwrap_or_default();
        if name != "Document" || !namespace.starts_with(NAMESPACE) {
            let found = format!("{} of '{}'", shown(name), shown(&namespace));
            return Err(FlawKind::Form(format!("the root is {found}; a statement is Document of '{NAMESPACE}NN'")));
        }
        self.prefix = prefix.map(str::to_owned);
        self.namespace = namespace;
        Ok(())
    }

    fn add(&mut self, text: &str) -> Result<(), FlawKind> {
        if self.lengths.is_empty() {
            return if blank(text.trim_start_matches('\u{feff}')) { Ok(()) } else { Err(FlawKind::Outside) };
        }
        if self.text.len() + text.len() > MAX_XML_TEXT_BYTES {
            return Err(FlawKind::TextLimit);
        }
        self.text.push_str(text);
        Ok(())
    }

    fn end(&mut self) -> Result<(), FlawKind> {
        if let Some(inside) = self.path.strip_prefix(ENTRY) {
            let text = self.text.trim();
            match inside {
                "" => self.finish(),
                "/Amt" => self.entry.amount = amount_of(text, self.currency.take()),
                "/CdtDbtInd" => self.entry.direction = text.to_owned(),
                // A code inside of the status from version 8 on, a word before.
                "/Sts/Cd" => self.entry.status = text.to_owned(),
                "/Sts" if !text.is_empty() => self.entry.status = text.to_owned(),
                "/BookgDt/Dt" | "/BookgDt/DtTm" => self.entry.booked = text.chars().take(10).collect(),
                "/NtryRef" | "/AcctSvcrRef" => push(&mut self.entry.references, [text.to_owned()])?,
                "/AddtlNtryInf" => push(&mut self.entry.references, words_of(text))?,
                "/NtryDtls/TxDtls" => {
                    let transaction = std::mem::take(&mut self.transaction);
                    if self.entry.transactions.len() >= MAX_BANK_ENTRIES {
                        return Err(FlawKind::Form(format!("an entry of more than {MAX_BANK_ENTRIES} transactions")));
                    }
                    self.entry.transactions.push(transaction);
                }
                "/NtryDtls/TxDtls/Amt" => self.transaction.amount = amount_of(text, self.currency.take()),
                "/NtryDtls/TxDtls/AmtDtls/TxAmt/Amt" if self.transaction.amount.is_none() => {
                    self.transaction.amount = amount_of(text, self.currency.take());
                }
                "/NtryDtls/TxDtls/CdtDbtInd" => self.transaction.direction = Some(text.to_owned()),
                "/NtryDtls/TxDtls/Refs/EndToEndId" if text == "NOTPROVIDED" => {}
                "/NtryDtls/TxDtls/Refs/EndToEndId" | "/NtryDtls/TxDtls/RmtInf/Strd/CdtrRefInf/Ref" => {
                    push(&mut self.transaction.references, [text.to_owned()])?;
                }
                "/NtryDtls/TxDtls/RmtInf/Ustrd" => push(&mut self.transaction.references, words_of(text))?,
                _ => {}
            }
        }
        self.text.clear();
        if let Some(length) = self.lengths.pop() {
            self.path.truncate(length);
        }
        Ok(())
    }

    /// Takes the entry that ends.
    fn finish(&mut self) {
        let entry = std::mem::take(&mut self.entry);
        match entry.read(self.count) {
            Ok(entries) => self.file.entries.extend(entries),
            Err(reason) => self.file.refused.push(BankRefusal { place: self.count, reason }),
        }
    }
}

fn amount_of(text: &str, currency: Option<String>) -> Option<(String, Option<String>)> {
    Some((text.to_owned(), currency))
}

fn push(references: &mut Vec<String>, more: impl IntoIterator<Item = String>) -> Result<(), FlawKind> {
    references.extend(more.into_iter().filter(|one| !one.is_empty()));
    match references.len() <= MAX_BANK_REFERENCES {
        true => Ok(()),
        false => Err(FlawKind::Form(format!("more than {MAX_BANK_REFERENCES} references of one payment"))),
    }
}

impl Draft {
    fn read(self, place: u64) -> Result<Vec<BankEntry>, String> {
        if self.status != "BOOK" {
            return Err(format!("status '{}' is not booked", shown(&self.status)));
        }
        let booked: Day = self.booked.parse().map_err(|_| format!("no booking date: '{}'", shown(&self.booked)))?;
        let whole = money(self.amount.as_ref(), &self.direction)?;
        let references = |own: Vec<String>| self.references.iter().cloned().chain(own).collect::<Vec<_>>();
        let of =
            |one: &Transaction| money(one.amount.as_ref(), one.direction.as_deref().unwrap_or(&self.direction)).ok();
        let amounts: Option<Vec<Money>> = self.transactions.iter().map(of).collect();
        let parts =
            amounts.filter(|parts| parts.len() > 1 && Money::sum(whole.currency, parts.iter().copied()) == Ok(whole));
        if let Some(parts) = parts {
            let transactions = parts.into_iter().zip(&self.transactions);
            let entry = |(amount, one): (Money, &Transaction)| BankEntry {
                place,
                amount,
                booked,
                references: references(one.references.clone()),
            };
            return Ok(transactions.map(entry).collect());
        }
        let own: Vec<String> = self.transactions.iter().flat_map(|one| one.references.iter().cloned()).collect();
        let references = references(own);
        if references.len() > MAX_BANK_REFERENCES {
            return Err(format!("more than {MAX_BANK_REFERENCES} references of one payment"));
        }
        Ok(vec![BankEntry { place, amount: whole, booked, references }])
    }
}

/// An amount, above zero where it comes in. A reversal (`RvslInd`) changes nothing: its direction is that of the money, too.
fn money(amount: Option<&(String, Option<String>)>, direction: &str) -> Result<Money, String> {
    let Some((text, Some(currency))) = amount else { return Err("no amount with its currency".into()) };
    let amount: Exact = text.parse().map_err(|_| format!("'{}' is not an amount", shown(text)))?;
    let currency: Currency = currency.parse().map_err(|error: NameError| error.to_string())?;
    if amount.is_negative() {
        return Err("an amount below zero, where the direction stands beside it".into());
    }
    let amount = match direction {
        "CRDT" => amount,
        "DBIT" => amount.negative().map_err(|error| error.to_string())?,
        other => return Err(format!("direction '{}' is neither CRDT nor DBIT", shown(other))),
    };
    Ok(Money::new(amount, currency))
}
