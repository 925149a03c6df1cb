//! Publications for people and for other statisticians: CSV, and SDMX-CSV 2.0 (data message, SDMX 3.0).
//!
//! SDMX-CSV begins each row with `STRUCTURE`, `STRUCTURE_ID` (`AGENCY:ID(VERSION)`) and `ACTION`; then come dimensions, measures and
//! attributes under the ids that the structure gives them. Measures of a withheld cell are empty; `CONF_STATUS` says why, by the code
//! list of that name: F free, C confidential, D withheld for others' sake by the sender, N not for publication (a member withholds it).

use super::cell::{Dimension, Key};
use super::fact::{Flow, Month};
use super::publication::{Figure, Publication, Withheld};
use super::rules::Measure;

/// The structure that SDMX-CSV rows name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Structure {
    agency: String,
    id: String,
    version: String,
}

/// Why a name of a structure was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{found}' is not {expected}")]
pub struct StructureError {
    found: String,
    expected: &'static str,
}

impl Structure {
    /// The dataflow `id` of `agency` in `version`, for example `KCS`, `CROSS_BORDER_PARCELS`, `1.0.0`.
    ///
    /// # Errors
    /// [`StructureError`] where one of them is not such a name.
    pub fn new(agency: &str, id: &str, version: &str) -> Result<Self, StructureError> {
        let is_name = |text: &str, more: &[u8]| {
            (1..=64).contains(&text.len())
                && text.starts_with(|first: char| first.is_ascii_alphabetic())
                && text.bytes().all(|c| c.is_ascii_alphanumeric() || more.contains(&c))
        };
        let is_version = |text: &str| {
            (1..=20).contains(&text.len())
                && text.split('.').all(|part| !part.is_empty() && part.bytes().all(|c| c.is_ascii_digit()))
        };
        for (found, holds, expected) in [
            (agency, is_name(agency, b"_-."), "an agency: a letter, then letters, digits, '_', '-' and '.'"),
            (id, is_name(id, b"_-"), "an id: a letter, then letters, digits, '_' and '-'"),
            (version, is_version(version), "a version: numbers with '.' between them"),
        ] {
            if !holds {
                return Err(StructureError { found: found.chars().take(80).collect(), expected });
            }
        }
        Ok(Self { agency: agency.to_owned(), id: id.to_owned(), version: version.to_owned() })
    }
}

impl Publication {
    /// The publication as CSV: a row for each cell, `_T` for a total, figures empty where they are withheld.
    pub fn to_csv(&self) -> String {
        let mut text =
            "table,flow,time,origin,destination,product,mode,model,status,count,value,mass,duty,currency\r\n"
                .to_owned();
        for (table, cells) in &self.tables {
            for (key, figure) in cells {
                let status = match figure {
                    Figure::Published(_) => "published",
                    Figure::Withheld(class) => class.word(),
                };
                row(&mut text, table.name().as_str());
                row(&mut text, &format!(",{}", self.flow));
                Dimension::ALL.iter().for_each(|dimension| row(&mut text, &format!(",{}", key.code(*dimension))));
                row(&mut text, &format!(",{status}"));
                figures(&mut text, figure);
                row(&mut text, &format!(",{}\r\n", self.currency));
            }
        }
        text
    }

    /// The publication as an SDMX-CSV 2.0 data message of one dataflow. `FLOW` is M for imports, X for exports (SDMX for international
    /// merchandise trade); `FREQ` is A for years, M for months, `_Z` for a total over all
    /// months, whose `TIME_PERIOD` is the first day with the number of months.
    pub fn to_sdmx_csv(&self, structure: &Structure) -> String {
        let mut text =
            "STRUCTURE,STRUCTURE_ID,ACTION,TABLE,FLOW,FREQ,ORIGIN,DESTINATION,PRODUCT,MODE,MODEL,TIME_PERIOD,\
                        COUNT,VALUE,MASS,DUTY,CURRENCY,CONF_STATUS\r\n"
                .to_owned();
        let flow = match self.flow {
            Flow::Import => "M",
            Flow::Export => "X",
        };
        for (table, cells) in &self.tables {
            for (key, figure) in cells {
                let frequency = match key.level(Dimension::Time) {
                    0 => "_Z",
                    1 => "A",
                    _ => "M",
                };
                let Structure { agency, id, version } = structure;
                row(&mut text, &format!("dataflow,{agency}:{id}({version}),I,{},{flow},{frequency}", table.name()));
                let others = Dimension::ALL.iter().filter(|dimension| **dimension != Dimension::Time);
                others.for_each(|dimension| row(&mut text, &format!(",{}", key.code(*dimension))));
                row(&mut text, &format!(",{}", self.period(key)));
                figures(&mut text, figure);
                let status = match figure {
                    Figure::Published(_) => "F",
                    Figure::Withheld(Withheld::Primary) => "C",
                    Figure::Withheld(Withheld::Secondary) => "D",
                    Figure::Withheld(Withheld::Member) => "N",
                };
                row(&mut text, &format!(",{},{status}\r\n", self.currency));
            }
        }
        text
    }

    /// A year of which only some months are covered is a range of months too.
    fn period(&self, key: &Key) -> String {
        let range = |from: Month, to: Month| format!("{from}-01/P{}M", to.index() - from.index() + 1);
        let code = key.code(Dimension::Time);
        match key.level(Dimension::Time) {
            0 => range(self.from, self.to),
            1 => {
                let month = |text: String, other: Month| text.parse::<Month>().unwrap_or(other);
                let first = month(format!("{code}-01"), self.from);
                let last = month(format!("{code}-12"), self.to);
                if (self.from..=self.to).contains(&first) && (self.from..=self.to).contains(&last) {
                    return code;
                }
                range(first.max(self.from), last.min(self.to))
            }
            _ => code,
        }
    }
}

fn figures(text: &mut String, figure: &Figure) {
    for measure in Measure::ALL {
        match figure {
            Figure::Published(figures) => row(text, &format!(",{}", figures.of(*measure))),
            Figure::Withheld(_) => text.push(','),
        }
    }
}

/// No field of ours has a comma, a quote or the end of a line: names, codes and numbers.
fn row(text: &mut String, field: &str) {
    text.push_str(field);
}
