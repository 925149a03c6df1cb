//! Declarations, and indicators that are known to hit so many of them. A pure function of the files or the seed, and of the time.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use luxor_protocol::formats::Row;
use luxor_protocol::record::{Content, content_from_json, content_to_json};
use luxor_protocol::time::Millis;
use serde_json::{Value, json};

use super::members::CARRIER;
use super::{Args, members};
use crate::demo::generate;
use crate::exit::RefusedError;
use crate::files::FileError;
use crate::input::Format;

/// Hits that the mistake has at least, where there are as many declarations.
const MISTAKE: usize = 4_000;
const DAY_MS: u64 = 86_400_000;
const HOUR_MS: u64 = 3_600_000;
/// Generated sellers.
const SELLERS: u64 = 40;

/// What of a declaration indicators are about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Known {
    /// Of each goods item.
    hs: Vec<String>,
    departure: Option<String>,
    seller: Option<String>,
}

/// What is declared, and what is sought.
pub(super) struct Plan {
    /// In words.
    pub(super) title: String,
    /// What the platform hands in.
    pub(super) declarations: Vec<Content>,
    known: Vec<Known>,
    begins: Millis,
}

/// An indicator, and how many declarations it hits.
pub(super) struct Planned {
    pub(super) id: String,
    pub(super) record: Value,
    pub(super) hits: usize,
}

impl Plan {
    pub(super) fn new(args: &Args, begins: Millis) -> Result<Self> {
        let files = files(args);
        let mut plan = Self { title: String::new(), declarations: Vec::new(), known: Vec::new(), begins };
        if files.is_empty() {
            plan.title = format!("generated declarations (seed {})", args.seed);
            for index in 0..args.records {
                let mut record = content_to_json(&generate::declaration(args.seed, index)?);
                record["seller"]["account"] = format!("S{:03}", index * 7 % SELLERS).into();
                plan.add(record)?;
            }
            return Ok(plan);
        }
        let names: Vec<String> = files.iter().map(|path| path.display().to_string()).collect();
        plan.title = names.join(", ");
        for path in &files {
            let format = Format::of(path, None, Some("bacuda"))?;
            let file = File::open(path).map_err(FileError::at(path))?;
            let refused = |error: &dyn std::fmt::Display| RefusedError(format!("{}: {error}", path.display()));
            for row in format.rows(BufReader::new(file)).map_err(|error| refused(&error))? {
                match row.map_err(|error| refused(&error))? {
                    Row::Record { content, .. } => plan.add(content_to_json(&content))?,
                    Row::Refused(row) => bail!("{}, line {}: {}", path.display(), row.line, row.reason),
                }
            }
        }
        Ok(plan)
    }

    /// Adds a declaration: the carrier handles it, and it leaves within the next day, each at its own time.
    fn add(&mut self, mut record: Value) -> Result<()> {
        let nth = self.declarations.len() as u64;
        record["version"] = 3.into();
        record["handling"] = json!({ "carrier": CARRIER });
        let leaves = self.begins.0 + HOUR_MS + nth * 7_919 % DAY_MS;
        record["route"]["departs_at"] = Millis(leaves).to_string().into();
        if record.get("item").is_none() {
            let id = record["filing"]["own_reference"].clone();
            record["item"] = json!({ "scheme": "platform", "issuer": members::PLATFORM, "id": id });
        }
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let goods = record["goods"].as_array().into_iter().flatten();
        self.known.push(Known {
            hs: goods.filter_map(|item| text(&item["classification"]["hs"])).collect(),
            departure: text(&record["route"]["departure"]),
            seller: text(&record["seller"]["account"]),
        });
        self.declarations.push(content_from_json(&record)?);
        Ok(())
    }

    /// The indicator that is right: what one seller sends of one heading on one way, where most is.
    pub(super) fn right(&self) -> Result<Planned> {
        let counted = self.counted(|known, hs| Some((begin(hs, 4), known.departure.clone()?, known.seller.clone()?)));
        let ((hs, departure, seller), hits) = most(counted).context("no declaration names goods, way and seller")?;
        let sought = json!({
            "goods_sought": [{ "hs": hs }],
            "routes_sought": [{ "departure": departure }],
            "parties_sought": [{ "role": "seller", "id": seller }],
        });
        Ok(self.indicator(1, "counterfeit", "inspect", 85, sought, hits))
    }

    /// The one that is wrong: all of some chapter, of other goods than those that the right one is about. What is carried out before it is
    /// undone is more than what is undone.
    pub(super) fn mistake(&self, right: &Planned, carried_out: usize) -> Result<Planned> {
        let other = right.record["goods_sought"][0]["hs"].as_str().and_then(|hs| hs.get(..2)).unwrap_or_default();
        let mut counted = self.counted(|_, hs| Some(begin(hs, 2)));
        counted.remove(other);
        let enough =
            counted.iter().filter(|(_, count)| **count >= MISTAKE + carried_out).min_by_key(|(_, count)| **count);
        let enough = enough.map(|(hs, count)| (hs.clone(), *count));
        let (hs, hits) = enough.or_else(|| most(counted)).context("no declaration names its goods")?;
        Ok(self.indicator(2, "weapons", "do_not_load", 90, json!({ "goods_sought": [{ "hs": hs }] }), hits))
    }

    /// One of a seller and a site, for the platform.
    pub(super) fn of_seller(&self) -> Planned {
        let sought = json!({
            "parties_sought": [{ "role": "seller", "id": "S-UNKNOWN-ELSEWHERE", "platform": members::PLATFORM }],
            "sites": [{ "url": "https://shop.example/counterfeits" }],
            "handling": { "platform": members::PLATFORM },
        });
        self.indicator(3, "counterfeit", "watch", 95, sought, 0)
    }

    /// One that names C: what is found there shows that the search finds something.
    pub(super) fn of_outsider(&self) -> Planned {
        let sought = json!({
            "goods_sought": [{ "hs": "010121" }],
            "parties_sought": [{ "id": "NOBODY-HERE" }],
            "handling": { "destination_customs": members::CUSTOMS_C },
        });
        self.indicator(4, "wildlife", "watch", 10, sought, 0)
    }

    /// Declarations by what is true of any of their goods items, where they tell it.
    fn counted<K: Ord>(&self, key: impl Fn(&Known, &str) -> Option<K>) -> BTreeMap<K, usize> {
        let mut counted = BTreeMap::new();
        for known in &self.known {
            let keys: BTreeSet<K> = known.hs.iter().filter_map(|hs| key(known, hs)).collect();
            keys.into_iter().for_each(|key| *counted.entry(key).or_default() += 1);
        }
        counted
    }

    fn indicator(&self, nth: u8, threat: &str, advice: &str, confidence: u8, sought: Value, hits: usize) -> Planned {
        let id = format!("indicator--00000000-0000-8000-8000-0000000000{nth:02}");
        let mut record = json!({
            "type": "indicator",
            "reference": { "own_reference": format!("A-{nth}"), "made_at": self.begins.to_string(), "revision": 1 },
            "indicator": {
                "id": id,
                "valid_from": Millis(self.begins.0 - DAY_MS).to_string(),
                "valid_until": self.begins.plus_days(14).to_string(),
                "threat": threat,
                "confidence": confidence,
                "tlp": "amber",
                "advice": advice,
            },
        });
        for (group, rows) in sought.as_object().into_iter().flatten() {
            record[group] = rows.clone();
        }
        Planned { id, record, hits }
    }
}

impl Planned {
    /// Its issuer takes it back.
    pub(super) fn withdrawn(&self) -> Value {
        let mut record = self.record.clone();
        record["reference"]["revision"] = 2.into();
        record["reference"]["action"] = "cancellation".into();
        record["reference"]["reason"] = "it was a mistake".into();
        record
    }
}

/// How a tariff code begins.
fn begin(hs: &str, digits: usize) -> String {
    hs.get(..digits).unwrap_or(hs).to_owned()
}

fn most<K: Ord>(counted: BTreeMap<K, usize>) -> Option<(K, usize)> {
    counted.into_iter().max_by_key(|(_, count)| *count)
}

fn files(args: &Args) -> Vec<PathBuf> {
    if args.generated || !args.declarations.is_empty() {
        return args.declarations.clone();
    }
    let Some(shared) = std::env::var_os("LUXOR_SHARED") else { return Vec::new() };
    let folder = PathBuf::from(shared).join("data/bacuda");
    let both = ["df_syn_train_eng.csv", "df_syn_valid_eng.csv"].map(|name| folder.join(name));
    if both.iter().all(|path| path.is_file()) { both.into() } else { Vec::new() }
}
