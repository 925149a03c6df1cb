//! How to look around in the running network: its nodes, and commands that can be pasted into another terminal.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::Serialize;
use serde_json::Value;

use super::members::{AUDITOR, CUSTOMS, PARTIAL, PLATFORM, ROLES};
use super::report::Summary;
use super::run::Course;
use crate::local::{Role, node};
use crate::ui::{self, Table};

/// A record that somebody who looks around may submit; the demo's agreements give it to three recipients.
const ONE_MORE: &str = r#"{"type":"declaration","version":1,"filing":{"own_reference":"MINE-1"},"item":{"id":"MINE-1-ITEM"},"route":{"departure":"CN","destination":"KR"}}"#;
/// Customs of the destination above.
const ONE_MORE_CUSTOMS: &str = CUSTOMS[1];
/// Who sees least.
const CARRIER: &str = PARTIAL[1];

/// Nodes and commands.
#[derive(Serialize)]
pub(super) struct Guide {
    nodes: Vec<GuideNode>,
    commands: Vec<GuideCommand>,
    /// Whether the folder stays when the nodes end.
    kept: bool,
}

/// The outcome together with the guide: the first line of `--watch --json`.
#[derive(Serialize)]
pub(super) struct WithSummary<'g> {
    #[serde(flatten)]
    summary: Summary,
    #[serde(flatten)]
    guide: &'g Guide,
}

#[derive(Serialize)]
struct GuideNode {
    /// Full name of the member.
    member: &'static str,
    /// Kind of member.
    role: &'static str,
    node: String,
    dir: PathBuf,
    /// Address of the local interface.
    api: String,
}

#[derive(Serialize)]
struct GuideCommand {
    /// What it does, for people.
    what: &'static str,
    /// For a POSIX shell.
    command: String,
}

impl Guide {
    /// Collects what there is to see.
    pub(super) fn new(course: &Course) -> Result<Self> {
        let known = |role: &Role<'static>| -> Result<GuideNode> {
            let client = course.clients.get(role.id).with_context(|| format!("no client for {}", role.id))?;
            Ok(GuideNode {
                member: role.name,
                role: role.kind,
                node: node(role.id)?.to_string(),
                dir: course.network.dir(role.id),
                api: client.url().to_owned(),
            })
        };
        Ok(Self {
            nodes: ROLES.iter().map(known).collect::<Result<_>>()?,
            commands: commands(course),
            kept: course.is_kept(),
        })
    }

    /// Together with the outcome.
    pub(super) fn with(&self, summary: Summary) -> WithSummary<'_> {
        WithSummary { summary, guide: self }
    }

    /// For people.
    pub(super) fn print(&self) -> io::Result<()> {
        ui::line("")?;
        ui::line("The nodes are running:")?;
        let mut table = Table::new(&["  node", "member", "role", "interface", "folder"], &[]);
        for node in &self.nodes {
            let (name, dir) = (format!("  {}", node.node), node.dir.display().to_string());
            table.row([name.as_str(), node.member, node.role, &node.api, &dir]);
        }
        table.print()?;
        ui::line("")?;
        ui::line("Look around from another terminal:")?;
        for GuideCommand { what, command } in &self.commands {
            ui::line(&format!("  # {what}"))?;
            ui::line(&format!("  {command}"))?;
        }
        let folder = if self.kept { "their folders stay" } else { "removes their folders; --keep DIR keeps them" };
        ui::line("")?;
        ui::line(&format!("Changes are shown here. Ctrl-C or Enter ends all nodes and {folder}."))
    }
}

fn commands(course: &Course) -> Vec<GuideCommand> {
    let luxor = quoted(&program());
    let dir = |member: &str| quoted(&course.network.dir(member).to_string_lossy());
    let mut commands = Vec::new();
    let mut add = |what, command: String| commands.push(GuideCommand { what, command });
    let (platform, customs) = (dir(PLATFORM), dir(ONE_MORE_CUSTOMS));
    add("the platform's node at a glance", format!("{luxor} status --node {platform}"));
    add("what Korean customs received", format!("{luxor} inbox --node {customs}"));
    // The parcel of the report: customs goes by its own reference, the carrier sees its item number only.
    let parcel = &course.outcome.sights.parcel;
    if let Some(seen) = parcel.first()
        && let Some(reference) = reference(&seen.record, "filing", "own_reference")
    {
        let (reference, by) = (quoted(&reference), dir(seen.member));
        add("one parcel as customs sees it", format!("{luxor} show --node {by} {reference}"));
        add("where the platform sent it, with the receipts", {
            format!("{luxor} show --node {platform} {reference} --receipt")
        });
    }
    if let Some(seen) = parcel.iter().find(|seen| seen.member == CARRIER)
        && let Some(item) = reference(&seen.record, "item", "id")
    {
        let (item, by) = (quoted(&item), dir(CARRIER));
        add("the same parcel as the carrier sees it", format!("{luxor} show --node {by} {item}"));
    }
    add("every log, verified by the auditor", format!("{luxor} audit --node {} --all", dir(AUDITOR)));
    add("one more record", format!("echo {} | {luxor} submit --node {platform} - --wait 60", quoted(ONE_MORE)));
    add("the one more record, once it is there", format!("{luxor} show --node {customs} MINE-1"));
    commands
}

/// A reference in a view that can stand on a command line as it is shown.
fn reference(view: &Value, group: &str, field: &str) -> Option<String> {
    let text = view.get(group)?.get(field)?.as_str()?;
    (!text.starts_with('-') && ui::clean(text) == text).then(|| text.to_owned())
}

/// How this program is called: by its name where a shell finds it under that name, else by its path.
fn program() -> String {
    let Ok(own) = std::env::current_exe().and_then(std::fs::canonicalize) else { return "luxor".to_owned() };
    let is_own = |folder: PathBuf| std::fs::canonicalize(folder.join("luxor")).is_ok_and(|found| found == own);
    let first = std::env::var_os("PATH").and_then(|path| {
        let there = |folder: &PathBuf| folder.is_absolute() && Path::is_file(&folder.join("luxor"));
        std::env::split_paths(&path).find(there)
    });
    if first.is_some_and(is_own) { "luxor".to_owned() } else { own.to_string_lossy().into_owned() }
}

/// One word for a POSIX shell.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%,".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use luxor_protocol::formats::{self, Row};
    use serde_json::json;

    #[test]
    fn words_are_quoted_where_a_shell_would_read_more_into_them() {
        assert_eq!(quoted("/tmp/luxor-demo-a1/platform"), "/tmp/luxor-demo-a1/platform");
        assert_eq!(quoted("/home/a b"), "'/home/a b'");
        assert_eq!(quoted("it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn references_that_look_like_options_or_steer_a_terminal_are_not_shown() {
        let view = |text: &str| json!({ "filing": { "own_reference": text } });
        let reference = |text: &str| reference(&view(text), "filing", "own_reference");
        assert_eq!(reference("DEMO-1").as_deref(), Some("DEMO-1"));
        assert_eq!((reference("--node"), reference("a\u{1b}[2J")), (None, None));
    }

    #[test]
    fn the_one_more_record_is_complete() {
        let row = formats::ndjson(ONE_MORE.as_bytes()).next().unwrap().unwrap();
        let Row::Record { content, .. } = row else { panic!("refused") };
        content.check_complete().unwrap();
        assert_eq!(content.destination().unwrap().to_string(), "KR");
    }
}
