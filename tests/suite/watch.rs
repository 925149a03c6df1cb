//! `luxor demo --watch`: what it shows works as shown, and nothing is left when it ends.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use luxor_tests::{PATIENCE, program};
use serde_json::Value as Json;

/// A demo that watches.
struct Demo {
    child: Child,
    lines: Receiver<String>,
}

impl Demo {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(program("luxor"))
            .args(["demo", "--watch", "--records", "300"])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { child, lines }
    }

    fn line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("the demo shows another line")
    }

    /// Its exit code; fails when it does not end.
    fn ended(mut self) -> Option<i32> {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(began.elapsed() < PATIENCE, "the demo does not end");
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // Only a failed test leaves it running.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a line as somebody does who pastes it.
fn shell(line: &str) -> String {
    let output = Command::new("sh").args(["-c", line]).stdin(Stdio::null()).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{line}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// The processes of the nodes in these folders.
fn processes(dirs: &[PathBuf]) -> Vec<PathBuf> {
    let process = |dir: &PathBuf| {
        let ready: Json = serde_json::from_slice(&std::fs::read(dir.join("run/ready.json")).unwrap()).unwrap();
        Path::new("/proc").join(ready["pid"].to_string())
    };
    dirs.iter().map(process).collect()
}

#[test]
fn every_command_shown_works_and_closing_stdin_ends_everything() {
    let mut demo = Demo::start(&[]);
    let mut shown = Vec::new();
    while !shown.last().is_some_and(|line: &String| line.starts_with("Changes are shown here")) {
        shown.push(demo.line());
    }
    let after = |heading: &'static str| shown.iter().skip_while(move |line| *line != heading).skip(1);
    let nodes = after("The nodes are running:").skip(1).take_while(|line| !line.is_empty());
    let dirs: Vec<PathBuf> = nodes.map(|line| line.rsplit("  ").next().unwrap().into()).collect();
    let processes = processes(&dirs);
    assert_eq!(processes.len(), 6, "{shown:?}");
    assert!(processes.iter().all(|process| process.exists()));

    let commands = after("Look around from another terminal:").take_while(|line| !line.is_empty());
    let commands: Vec<&String> = commands.filter(|line| !line.starts_with("  #")).collect();
    let outputs: Vec<String> = commands.iter().map(|line| shell(line)).collect();
    let output = |part: &str| {
        let at = commands.iter().position(|line| line.contains(part)).unwrap_or_else(|| panic!("no {part}: {shown:?}"));
        &outputs[at]
    };
    assert!(output(" status ").contains("platform/n1"));
    assert!(output(" inbox ").contains("advance-data-kr"));
    assert!(output(" --receipt").contains("c2sp.org/tlog-proof"));
    assert!(output("/carrier ").contains("\"withheld\""));
    assert_eq!(output(" audit ").matches("everything holds").count(), 6);
    assert!(output(" submit ").contains("all there"));
    assert!(output(" MINE-1").contains("received from platform/n1"));
    // The one more record shows.
    while !demo.line().starts_with("customs-kr: received 1 dispatch (records: 1 accepted, 0 rejected)") {}

    drop(demo.child.stdin.take());
    assert_eq!(demo.ended(), Some(0));
    assert!(!processes.iter().any(|process| process.exists()), "nodes are left: {processes:?}");
    assert!(!dirs.iter().any(|dir| dir.parent().unwrap().exists()), "folders are left: {dirs:?}");
}

#[test]
fn a_signal_ends_everything_and_keeps_what_is_to_be_kept() {
    let kept = tempfile::tempdir().unwrap();
    let demo = Demo::start(&["--json", "--keep", kept.path().to_str().unwrap()]);
    let first: Json = serde_json::from_str(&demo.line()).unwrap();
    assert_eq!((&first["audit"], &first["rows"], &first["kept"]), (&"ok".into(), &300.into(), &true.into()));
    let nodes = first["nodes"].as_array().unwrap();
    let dirs: Vec<PathBuf> = nodes.iter().map(|node| node["dir"].as_str().unwrap().into()).collect();
    let processes = processes(&dirs);
    assert!(processes.iter().all(|process| process.exists()));
    let commands = first["commands"].as_array().unwrap().iter().map(|command| command["command"].as_str().unwrap());
    shell(commands.clone().find(|line| line.contains(" submit ")).unwrap());
    let change = |node: &str| loop {
        let line: Json = serde_json::from_str(&demo.line()).unwrap();
        if line["node"] == node {
            return line;
        }
    };
    assert!(change("customs-kr/n1")["received"]["accepted"].as_u64().unwrap() > 0);

    shell(&format!("kill -TERM {}", demo.child.id()));
    assert_eq!(demo.ended(), Some(0));
    assert!(!processes.iter().any(|process| process.exists()), "nodes are left: {processes:?}");
    assert!(dirs.iter().all(|dir| dir.join("luxord.toml").is_file()), "{dirs:?}");
}
