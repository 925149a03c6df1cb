//! What a command found, for people as lines and for programs as one JSON object: `ok`, facts by name, `findings`.

use serde_json::{Map, Value};

use crate::exit::{Exit, FindingError, is_broken_pipe};
use crate::ui;

/// Findings that are listed; all are counted.
const MAX_FINDINGS: usize = 20;

/// Facts and findings.
#[derive(Default)]
pub(crate) struct Report {
    facts: Vec<(&'static str, Value, String)>,
    findings: Vec<String>,
    findings_count: u64,
}

impl Report {
    /// A fact whose words are its value.
    pub(crate) fn fact(&mut self, name: &'static str, value: impl Into<Value>) {
        let value = value.into();
        let words = match &value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.as_u64().map_or_else(|| number.to_string(), ui::count),
            other => other.to_string(),
        };
        self.told(name, value, words);
    }

    /// A fact with other words for people; none, and it is for programs only.
    pub(crate) fn told(&mut self, name: &'static str, value: impl Into<Value>, words: impl Into<String>) {
        self.facts.push((name, value.into(), words.into()));
    }

    /// Something that does not hold.
    pub(crate) fn finding(&mut self, what: impl Into<String>) {
        self.findings_count += 1;
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(what.into());
        }
    }

    /// Takes the findings of another.
    pub(super) fn take(&mut self, other: Self) {
        self.findings_count += other.findings_count;
        self.findings.extend(other.findings);
        self.findings.truncate(MAX_FINDINGS);
    }

    /// Whether nothing was found.
    pub(crate) fn ok(&self) -> bool {
        self.findings_count == 0
    }

    /// Prints all of it. A check that failed is a finding; other errors are passed on.
    pub(crate) fn conclude(mut self, json: bool, outcome: anyhow::Result<()>) -> anyhow::Result<Exit> {
        self.settle(outcome)?;
        let exit = if self.ok() { Exit::Ok } else { Exit::Findings };
        match self.print(json) {
            // Who reads no further still gets to know by the exit code.
            Err(error) if is_broken_pipe(&error) => Ok(exit),
            Err(error) => Err(error),
            Ok(()) => Ok(exit),
        }
    }

    fn print(&self, json: bool) -> anyhow::Result<()> {
        if json {
            ui::json(&self.object())?;
        } else {
            let mut table = ui::Table::plain();
            for (name, _, words) in self.facts.iter().filter(|(.., words)| !words.is_empty()) {
                table.row([&name.replace('_', " "), words]);
            }
            table.print()?;
            for finding in &self.findings {
                ui::line(&format!("finding: {finding}"))?;
            }
            let untold = self.findings_count - self.findings.len() as u64;
            if untold > 0 {
                ui::line(&format!("and {} more", ui::count(untold)))?;
            }
        }
        Ok(())
    }

    /// A check that failed becomes a finding; other errors are passed on.
    pub(crate) fn settle(&mut self, outcome: anyhow::Result<()>) -> anyhow::Result<()> {
        match outcome.map_err(|error| error.downcast::<FindingError>()) {
            Ok(()) => Ok(()),
            Err(Ok(FindingError(what))) => {
                self.finding(what);
                Ok(())
            }
            Err(Err(error)) => Err(error),
        }
    }

    pub(crate) fn object(&self) -> Value {
        let mut object = Map::new();
        object.insert("ok".into(), self.ok().into());
        for (name, value, _) in &self.facts {
            object.insert((*name).into(), value.clone());
        }
        object.insert("findings".into(), self.findings.clone().into());
        object.insert("findings_count".into(), self.findings_count.into());
        Value::Object(object)
    }
}

/// A hash as checkpoints write it.
pub(super) fn base64(hash: &[u8]) -> String {
    use ::base64::Engine as _;
    ::base64::engine::general_purpose::STANDARD.encode(hash)
}
