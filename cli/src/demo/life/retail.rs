//! Sales of the retail data as parcels: read by the built-in mapping, orders that leave for the European Union only.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use anyhow::Result;
use luxor_protocol::formats::{Arguments, FormatError, Row};
use luxor_protocol::record::content_to_json;
use serde_json::Value;

use super::parcel::Line;
use crate::exit::RefusedError;
use crate::files::FileError;
use crate::input::Format;

/// Grams of one piece: the data has no weights.
const GRAMS: u64 = 60;
const BUFFER_BYTES: usize = 256 * 1024;

/// A parcel of the data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sale {
    /// The invoice; of one that was split, with the number of the part.
    pub(super) invoice: String,
    pub(super) customer: Option<String>,
    pub(super) country: String,
    pub(super) lines: Vec<Line>,
    /// In pence.
    pub(super) postage: u64,
}

/// What the file gave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Sales {
    pub(super) sales: Vec<Sale>,
    /// Rows that are in no parcel, by the reason's class.
    pub(super) left_out: BTreeMap<String, u64>,
}

/// Reads a day of the retail data.
///
/// # Errors
/// [`FileError`], or [`RefusedError`] of a file that is none.
pub(super) fn read(path: &Path) -> Result<Sales> {
    let file = File::open(path).map_err(FileError::at(path))?;
    let format = Format::named("retail", path, &Arguments::default())?;
    let refused = |error: FormatError| RefusedError(format!("{}: {error}", path.display()));
    let mut sales = Sales::default();
    for row in format.rows(BufReader::with_capacity(BUFFER_BYTES, file)).map_err(refused)? {
        match row.map_err(refused)? {
            Row::Record { content, source } => {
                let record = content_to_json(&content);
                match sale(&record) {
                    Some(sale) => sales.sales.push(sale),
                    // A link from a split order to its parts, which are parcels of their own here.
                    None if record["type"] != "declaration" => {}
                    None => *sales.left_out.entry("no goods of value".to_owned()).or_default() += source.rows,
                }
            }
            Row::Refused(row) => {
                let why = row.reason.lines().next().unwrap_or_default().to_owned();
                *sales.left_out.entry(why).or_default() += row.rows;
            }
        }
    }
    Ok(sales)
}

/// The day that is taken where none is named, if it is there.
pub(super) fn usual() -> Option<PathBuf> {
    let shared = std::env::var_os("LUXOR_SHARED")?;
    Some(PathBuf::from(shared).join("data/retail/2011-11-17.csv")).filter(|path| path.is_file())
}

fn sale(record: &Value) -> Option<Sale> {
    if record["type"] != "declaration" {
        return None;
    }
    let lines: Vec<Line> = record["goods"].as_array()?.iter().filter_map(line).collect();
    let invoice = record["filing"]["own_reference"].as_str()?.to_owned();
    (!lines.is_empty()).then(|| Sale {
        invoice,
        customer: record["addressee"]["id"].as_str().map(str::to_owned),
        country: record["route"]["destination"].as_str().unwrap_or_default().to_owned(),
        lines,
        postage: record["postage"]["amount"].as_str().and_then(hundredths).unwrap_or(0),
    })
}

fn line(goods: &Value) -> Option<Line> {
    let description = goods["content"]["description"].as_str()?.to_owned();
    let units = goods["content"]["units"].as_u64()?;
    let cents = goods["value"]["amount"].as_str().and_then(hundredths)?;
    Some(Line {
        hs: tariff(&description).to_owned(),
        sku: goods["product"]["merchant_id"].as_str().unwrap_or("unknown").to_owned(),
        description,
        units,
        cents,
        grams: GRAMS * units,
        un: None,
    })
}

/// `12.5` in hundredths; nothing of what is negative or finer.
fn hundredths(text: &str) -> Option<u64> {
    let (whole, behind) = text.split_once('.').unwrap_or((text, ""));
    let behind = format!("{behind:0<2}");
    (behind.len() == 2).then_some(())?;
    whole.parse::<u64>().ok()?.checked_mul(100)?.checked_add(behind.parse().ok()?)
}

/// Words of descriptions and the subheadings that they lead to; the first that fits counts.
const TARIFF: [(&str, &str); 24] = [
    ("BAG", "420292"),
    ("PURSE", "420232"),
    ("T-LIGHT", "340600"),
    ("CANDLE", "340600"),
    ("CARD", "490900"),
    ("BOOK", "490199"),
    ("WRAP", "481910"),
    ("TISSUE", "481820"),
    ("NAPKIN", "481830"),
    ("MUG", "691200"),
    ("CUP", "691200"),
    ("PLATE", "691200"),
    ("BOWL", "691200"),
    ("TEA", "691200"),
    ("GLASS", "701337"),
    ("CUSHION", "940490"),
    ("CLOCK", "910521"),
    ("SIGN", "831000"),
    ("LIGHT", "940542"),
    ("DOLL", "950300"),
    ("TOY", "950300"),
    ("CHRISTMAS", "950510"),
    ("TIN", "732690"),
    ("WOOD", "442019"),
];
/// What no word leads to: ornaments of plastics.
const OTHER: &str = "392640";

fn tariff(description: &str) -> &'static str {
    let upper = description.to_uppercase();
    TARIFF.iter().find(|(word, _)| upper.contains(word)).map_or(OTHER, |(_, hs)| hs)
}

#[cfg(test)]
mod tests {
    use luxor_protocol::revenue::Exact;

    use super::*;

    #[test]
    fn prices_are_read_to_the_hundredth() {
        for (text, wanted) in
            [("20.80", Some(2_080)), ("3", Some(300)), ("0.5", Some(50)), ("-1.00", None), ("0.125", None)]
        {
            assert_eq!(hundredths(text), wanted, "{text}");
            assert!(text.parse::<Exact>().is_ok());
        }
    }

    #[test]
    fn descriptions_lead_to_subheadings_of_six_digits() {
        assert!(TARIFF.iter().all(|(_, hs)| hs.len() == 6 && hs.bytes().all(|c| c.is_ascii_digit())));
        assert_eq!(tariff("Jumbo bag vintage christmas"), "420292");
        assert_eq!(tariff("BREAD BIN DINER STYLE IVORY"), OTHER);
    }
}
