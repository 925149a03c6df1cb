//! Indicators from public lists of sanctioned parties: OFAC's SDN list, the Consolidated Screening List, the Denied Persons List.
//!
//! In: the columns of these files, as their publishers give them. Not in: fetching them, and any list's licence or force in law.

use std::collections::BTreeSet;
use std::io::Read;

use serde_json::{Map, Value as Json, json};

use super::indicator::{Advice, IndicatorId, Threat, Tlp};
use super::plain::PlainName;
use crate::limits::{MAX_LIST_BYTES, MAX_OCCURRENCES};
use crate::names::{MemberId, words};
use crate::time::Millis;

words!(
    /// A public list, by its form.
    ListForm, "list", {
        /// OFAC Specially Designated Nationals, `sdn.csv`: no header, twelve columns, `-0-` where nothing is told.
        Sdn = "ofac-sdn";
        /// Consolidated Screening List, `consolidated.csv`: a header, alternative names divided by `;`.
        Csl = "us-csl";
        /// BIS Denied Persons List, `dpl.txt`: a header, columns divided by tabs.
        Dpl = "us-dpl";
    }
);

words!(
    /// What an entry is about.
    Listed, "kind of entry", {
        /// A person.
        Individual = "individual";
        /// A vessel.
        Vessel = "vessel";
        /// An aircraft.
        Aircraft = "aircraft";
        /// An organisation, or not told.
        Entity = "entity";
    }
);

/// One entry of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListEntry {
    /// Its number there, where it has one.
    pub number: Option<String>,
    /// What it is about.
    pub listed: Listed,
    /// Its name, and other names of it.
    pub names: Vec<String>,
    /// The programme under which it is listed.
    pub programme: Option<String>,
    /// Names beyond those that an indicator holds, which are left out.
    pub left_out: usize,
}

/// Why a list was refused.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// It could not be read.
    #[error("line {line}: {error}")]
    Read {
        /// Where.
        line: u64,
        /// Why.
        error: String,
    },
    /// It has other columns.
    #[error("line {line}: {what}\nhint: {form} is expected; --format names another")]
    Form {
        /// Where.
        line: u64,
        /// What is missing.
        what: String,
        /// The form.
        form: ListForm,
    },
    /// It is too large.
    #[error("more than {MAX_LIST_BYTES} bytes")]
    Large,
}

/// Reads a list.
///
/// # Errors
/// [`ListError`] with the line.
pub fn read_list(form: ListForm, file: impl Read) -> Result<Vec<ListEntry>, ListError> {
    let mut limited = file.take(MAX_LIST_BYTES as u64 + 1);
    let mut builder = csv::ReaderBuilder::new();
    builder.flexible(true).has_headers(form != ListForm::Sdn);
    if form == ListForm::Dpl {
        builder.delimiter(b'\t');
    }
    let mut reader = builder.from_reader(&mut limited);
    let read = |error: csv::Error| ListError::Read {
        line: error.position().map_or(0, csv::Position::line),
        error: error.to_string(),
    };
    let header: Vec<String> = match form {
        ListForm::Sdn => Vec::new(),
        _ => reader.headers().map_err(read)?.iter().map(|name| name.trim().to_ascii_lowercase()).collect(),
    };
    let column = |name: &str| {
        let found = header.iter().position(|column| column == name);
        found.ok_or_else(|| ListError::Form { line: 1, what: format!("no column '{name}'"), form })
    };
    let columns = match form {
        ListForm::Sdn => {
            Columns { number: Some(0), name: 1, kind: Some(2), programme: Some(3), others: None, remarks: Some(11) }
        }
        ListForm::Csl => Columns {
            number: Some(column("entity_number")?),
            name: column("name")?,
            kind: Some(column("type")?),
            programme: Some(column("programs")?),
            others: Some(column("alt_names")?),
            remarks: None,
        },
        ListForm::Dpl => {
            Columns { number: None, name: column("name")?, kind: None, programme: None, others: None, remarks: None }
        }
    };
    let mut entries = Vec::new();
    for row in reader.records() {
        let row = row.map_err(read)?;
        let line = row.position().map_or(0, csv::Position::line);
        // An empty line at the end, or the sign that ends old files.
        if row.iter().all(|cell| cell.trim().trim_matches('\u{1a}').is_empty()) {
            continue;
        }
        if form == ListForm::Sdn && row.len() != 12 {
            return Err(ListError::Form { line, what: format!("{} columns, not 12", row.len()), form });
        }
        entries.extend(columns.entry(&row));
    }
    drop(reader);
    match limited.limit() {
        0 => Err(ListError::Large),
        _ => Ok(entries),
    }
}

struct Columns {
    number: Option<usize>,
    name: usize,
    kind: Option<usize>,
    programme: Option<usize>,
    others: Option<usize>,
    remarks: Option<usize>,
}

impl Columns {
    /// An entry; none where no name is left of it.
    fn entry(&self, row: &csv::StringRecord) -> Option<ListEntry> {
        let cell = |at: Option<usize>| {
            let text = row.get(at?)?.trim();
            (!text.is_empty() && text != "-0-").then_some(text)
        };
        let mut names: Vec<String> = Vec::new();
        let mut seen = BTreeSet::new();
        let mut add = |name: &str| {
            // Some publishers' quotation marks come as control characters.
            let name: String = name.chars().filter(|c| !c.is_control()).collect();
            let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
            let plain = PlainName::of(&name).filter(|_| name.chars().count() <= MAX_NAME_CHARS);
            if plain.is_some_and(|plain| seen.insert(plain.joined.text)) {
                names.push(name);
            }
        };
        add(cell(Some(self.name))?);
        cell(self.others).into_iter().flat_map(|others| others.split(';')).for_each(&mut add);
        cell(self.remarks).map(quoted).unwrap_or_default().into_iter().for_each(&mut add);
        let left_out = names.len().saturating_sub(MAX_OCCURRENCES);
        names.truncate(MAX_OCCURRENCES);
        let kind = cell(self.kind).map(str::to_ascii_lowercase);
        let listed = kind.and_then(|kind| kind.parse().ok()).unwrap_or(Listed::Entity);
        let number = cell(self.number).map(str::to_owned);
        (!names.is_empty()).then(|| ListEntry {
            number,
            listed,
            names,
            programme: cell(self.programme).map(str::to_owned),
            left_out,
        })
    }
}

/// Characters of a name that is sought.
const MAX_NAME_CHARS: usize = 256;

/// Names that remarks give as `a.k.a. 'NAME'`.
fn quoted(remarks: &str) -> Vec<&str> {
    remarks.split(".k.a. '").skip(1).filter_map(|rest| rest.split_once('\'').map(|(name, _)| name)).collect()
}

/// With what the indicators of a list are made.
#[derive(Debug, Clone)]
pub struct FromList<'a> {
    /// Whose indicators they are.
    pub issuer: &'a MemberId,
    /// What the list is called.
    pub list: &'a str,
    /// From when until when they hold.
    pub valid: (Millis, Millis),
    /// When they are made.
    pub made_at: Millis,
    /// How sure the issuer is, in hundredths.
    pub confidence: u8,
    /// What it advises.
    pub advice: Advice,
}

impl FromList<'_> {
    /// The record of an entry, in the native JSON form. The same entry of the same list is the same indicator, whenever it is read.
    pub fn record(&self, entry: &ListEntry) -> Json {
        let own = entry.number.as_deref().or(entry.names.first().map(String::as_str)).unwrap_or_default();
        let parties: Vec<Json> = entry.names.iter().map(|name| json!({ "name": name })).collect();
        let mut main = Map::new();
        let id = IndicatorId::derived(&["indicator", self.issuer.as_str(), self.list, own]);
        main.insert("id".into(), id.as_str().into());
        main.insert("valid_from".into(), self.valid.0.to_string().into());
        main.insert("valid_until".into(), self.valid.1.to_string().into());
        main.insert("threat".into(), Threat::Sanctions.word().into());
        main.insert("confidence".into(), self.confidence.into());
        main.insert("tlp".into(), Tlp::Clear.word().into());
        main.insert("advice".into(), self.advice.word().into());
        main.insert("list".into(), self.list.into());
        if let Some(number) = entry.number.as_ref().filter(|number| number.chars().count() <= 70) {
            main.insert("list_id".into(), number.as_str().into());
        }
        if let Some(programme) = &entry.programme {
            let text = format!("{}, {programme}", entry.listed);
            main.insert("text".into(), text.chars().take(512).collect::<String>().trim().into());
        }
        json!({
            "type": "indicator",
            "version": 1,
            "reference": { "own_reference": id.as_str(), "made_at": self.made_at.to_string() },
            "indicator": main,
            "parties_sought": parties,
        })
    }
}
