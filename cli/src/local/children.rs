//! The node processes: started, waited for, ended. Whatever happens, none outlives the command: each ends when its standard
//! input does, and the operating system closes that even when the command is killed.

use std::fs::{self, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::ui;

const READY_DEADLINE: Duration = Duration::from_secs(60);
const END_DEADLINE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(20);
const LOG: &str = "luxord.log";
const TAIL_LINES: usize = 15;

/// Running nodes. Dropping it ends them.
#[derive(Default)]
pub(crate) struct Children {
    running: Vec<Running>,
}

struct Running {
    dir: PathBuf,
    child: Child,
}

/// The daemon: as given, else beside this executable.
pub(crate) fn luxord(given: Option<&Path>) -> Result<PathBuf> {
    let path = match given {
        Some(path) => path.to_owned(),
        None => {
            let own = std::env::current_exe().context("this executable's own path is not known")?;
            own.with_file_name(format!("luxord{}", std::env::consts::EXE_SUFFIX))
        }
    };
    // An absolute path, so that it stays the same file if a child's folder ever becomes its working directory.
    match fs::canonicalize(&path) {
        Ok(path) if path.is_file() => Ok(path),
        _ => bail!(
            "{}: the node's daemon is not there\nhint: build it with `cargo build --release`, or name it with --luxord",
            path.display()
        ),
    }
}

impl Children {
    /// Starts the node in `dir` and returns its process id.
    pub(crate) fn start(&mut self, luxord: &Path, dir: &Path) -> Result<u32> {
        // What an earlier process said of itself is no word of this one.
        for name in ["ready.json", "api.json"] {
            let path = dir.join("run").join(name);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(error).with_context(|| format!("{}: cannot be removed", path.display()));
                }
                _ => {}
            }
        }
        let path = dir.join(LOG);
        let log = OpenOptions::new().create(true).append(true).open(&path);
        let log = log.with_context(|| format!("{}: cannot be written", path.display()))?;
        let errors = log.try_clone().with_context(|| format!("{}: cannot be written", path.display()))?;
        let child = Command::new(luxord)
            .arg("--dir")
            .arg(dir)
            .arg("--with-stdin")
            .env("NO_COLOR", "1") // its log goes to a file
            .stdin(Stdio::piped())
            .stdout(log)
            .stderr(errors)
            .process_group(0) // Ctrl-C is for this command; its nodes end with it
            .spawn()
            .with_context(|| format!("{}: cannot be started", luxord.display()))?;
        let id = child.id();
        self.running.push(Running { dir: dir.to_owned(), child });
        Ok(id)
    }

    /// Waits until every node says that it is ready.
    pub(crate) fn wait_ready(&mut self) -> Result<()> {
        let deadline = Instant::now() + READY_DEADLINE;
        for node in &mut self.running {
            let ready = node.dir.join("run").join("ready.json");
            while !ready.is_file() {
                node.check()?;
                if Instant::now() > deadline {
                    node.show_log();
                    bail!("{} was not ready within {} s", node.name(), READY_DEADLINE.as_secs());
                }
                std::thread::sleep(POLL);
            }
        }
        Ok(())
    }

    /// Ends the node in `dir` and waits for it.
    pub(crate) fn end_one(&mut self, dir: &Path) -> Result<()> {
        let Some(at) = self.running.iter().position(|node| node.dir == dir) else { return Ok(()) };
        let mut node = self.running.swap_remove(at);
        drop(node.child.stdin.take());
        let status = node.wait(Instant::now() + END_DEADLINE).with_context(|| node.name())?;
        if status.success() {
            return Ok(());
        }
        node.show_log();
        bail!("{} ended with {status}", node.name())
    }

    /// Fails when a node has ended, with the end of its log.
    pub(crate) fn check(&mut self) -> Result<()> {
        self.running.iter_mut().try_for_each(Running::check)
    }

    /// Ends every node in order and waits for it; one that does not end in time is killed.
    pub(crate) fn end(&mut self) -> Result<()> {
        let mut problems = Vec::new();
        for (node, ended) in self.stop() {
            match ended {
                Ok(status) if status.success() => {}
                Ok(status) => {
                    node.show_log();
                    problems.push(format!("{} ended with {status}", node.name()));
                }
                Err(error) => problems.push(format!("{}: {error:#}", node.name())),
            }
        }
        if problems.is_empty() { Ok(()) } else { bail!(problems.join("; ")) }
    }

    /// Tells all of them first, so that they end side by side.
    fn stop(&mut self) -> Vec<(Running, Result<ExitStatus>)> {
        self.running.iter_mut().for_each(|node| drop(node.child.stdin.take()));
        let deadline = Instant::now() + END_DEADLINE;
        let wait = |mut node: Running| {
            let ended = node.wait(deadline);
            (node, ended)
        };
        self.running.drain(..).map(wait).collect()
    }
}

impl Drop for Children {
    fn drop(&mut self) {
        // Reached with running nodes only while another error is on its way up, and that one is told.
        self.stop();
    }
}

impl Running {
    fn name(&self) -> String {
        format!("node {} (process {})", self.dir.display(), self.child.id())
    }

    fn check(&mut self) -> Result<()> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => {
                self.show_log();
                bail!("{} ended by itself with {status}", self.name())
            }
            Err(error) => Err(error).with_context(|| self.name()),
        }
    }

    fn wait(&mut self, deadline: Instant) -> Result<ExitStatus> {
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            if Instant::now() > deadline {
                self.child.kill()?;
                self.child.wait()?;
                bail!("did not end within {} s after its input was closed, and was killed", END_DEADLINE.as_secs());
            }
            std::thread::sleep(POLL);
        }
    }

    /// Shows the end of the node's log.
    fn show_log(&self) {
        let path = self.dir.join(LOG);
        let text = fs::read(&path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        ui::say(&format!("the end of {}:", path.display()));
        lines[lines.len().saturating_sub(TAIL_LINES)..].iter().for_each(|line| ui::say(&format!("  | {line}")));
        if lines.is_empty() {
            ui::say("  (empty)");
        }
    }
}
