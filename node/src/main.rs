//! `luxord`: one node, from its folder.

use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use luxor_node::bench::{self, BenchCommand};
use luxor_node::{Folder, Node, NodeError, StartOptions, check};
use tokio::signal::unix::{SignalKind, signal};

/// Many small leaves and some large buffers are made and dropped by several threads for each dispatch, here and in RocksDB,
/// which uses it too. What the system's allocator gives back to the kernel comes back zeroed page by page. Against an allocator
/// for the Rust side alone an exchange takes an eighth less processor time, and a fifth less memory.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// How long work on the way may take at the end.
const SHUTDOWN: std::time::Duration = std::time::Duration::from_secs(5);
/// The same when the node never came to run.
const NOTHING_BEGAN: std::time::Duration = std::time::Duration::from_millis(200);

/// A Luxor node. Its folder is made with `luxor init`.
#[derive(Parser)]
#[command(version)]
struct Args {
    /// The node's folder.
    #[arg(long, default_value = ".", global = true)]
    dir: PathBuf,
    /// Sign at once, without asking the witnesses what they hold of this log. Only for a folder that is surely the newest, when
    /// they cannot be had: from an older copy this forks the log.
    #[arg(long)]
    without_witnesses: bool,
    /// End when standard input closes, so that a child never outlives its parent.
    #[arg(long)]
    with_stdin: bool,
    /// Log lines as JSON. What is logged is set by LUXOR_LOG (default: info).
    #[arg(long)]
    log_json: bool,
    /// Set the node's clock ahead, to rehearse a later day on copies of all nodes.
    #[arg(long, hide = true, value_name = "DAYS", default_value_t = 0)]
    clock_ahead_days: u64,
    #[command(subcommand)]
    command: Option<Command>,
}

/// What to do instead of running the node.
#[derive(Subcommand)]
enum Command {
    /// Measure this machine; `luxor bench` runs it.
    #[command(subcommand, hide = true)]
    Bench(BenchCommand),
    /// Check every stored value of a stopped node, without writing anything. Exit code 1 means findings.
    Check(CheckArgs),
}

#[derive(clap::Args)]
struct CheckArgs {
    /// One JSON object on one line.
    #[arg(long)]
    json: bool,
}

/// Exit code for damage found.
const FINDINGS: u8 = 1;
/// Exit code when nothing could be checked.
const FAILURE: u8 = 5;

fn main() -> ExitCode {
    let args = Args::parse();
    let filter = tracing_subscriber::EnvFilter::try_from_env("LUXOR_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if args.log_json {
        logs.json().init()
    } else {
        logs.init()
    }
    let outcome = match &args.command {
        None => run(args),
        Some(Command::Bench(command)) => measure(command),
        Some(Command::Check(check)) => return run_check(&args.dir, check),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("luxord: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run_check(dir: &std::path::Path, args: &CheckArgs) -> ExitCode {
    let outcome = check::check(&Folder::new(dir), &mut |told| eprintln!("luxord check: {told}"));
    let report = match outcome {
        Ok(report) => report,
        Err(error) => {
            eprintln!("luxord check: {error}");
            return ExitCode::from(FAILURE);
        }
    };
    let text = match args.json {
        true => serde_json::to_string(&report).map_err(|e| e.to_string()),
        false => Ok(in_words(&report)),
    };
    let printed = text.and_then(|text| {
        use std::io::Write as _;
        writeln!(std::io::stdout(), "{text}").map_err(|e| e.to_string())
    });
    match printed {
        Err(error) => {
            eprintln!("luxord check: {error}");
            ExitCode::from(FAILURE)
        }
        Ok(()) if report.whole() => ExitCode::SUCCESS,
        Ok(()) => ExitCode::from(FINDINGS),
    }
}

fn in_words(report: &check::Report) -> String {
    let mut text = String::new();
    for finding in &report.findings {
        text += &format!("{}: {}\n  hint: {}\n", finding.what, finding.why, finding.hint);
    }
    let more = report.findings_count - report.findings.len() as u64;
    if more > 0 {
        text += &format!("and {more} more findings\n");
    }
    for what in &report.not_checked {
        text += &format!("not checked: {what}\n");
    }
    text + &report.summary()
}

fn run(args: Args) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ended = runtime.block_on(supervise(args));
    // Tasks that end with the runtime hold the database.
    runtime.shutdown_timeout(if matches!(ended, Ok(Some(_))) { SHUTDOWN } else { NOTHING_BEGAN });
    let Some((outcome, thread)) = ended? else { return Ok(()) };
    if thread.join().is_err() {
        tracing::error!("the sequencer's thread panicked");
    }
    Ok(outcome?)
}

fn measure(command: &BenchCommand) -> anyhow::Result<()> {
    println!("{}", bench::run(command)?);
    Ok(())
}

/// What ended a node, and the thread to be joined.
type Ended = (Result<(), NodeError>, std::thread::JoinHandle<()>);

/// Runs a node to its end; nothing when it was told to end before it was ready.
async fn supervise(args: Args) -> anyhow::Result<Option<Ended>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let options = StartOptions { ask_witnesses: !args.without_witnesses };
    if args.without_witnesses {
        tracing::warn!("witnesses are not asked: if this folder is an older copy, the log forks now");
    }
    if args.clock_ahead_days > 0 {
        tracing::warn!(
            days = args.clock_ahead_days,
            "the clock is set ahead: what is due by that day is erased for good"
        );
        luxor_node::driver::set_clock_ahead(args.clock_ahead_days);
    }
    let mut stop = Box::pin(async move {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
            () = stdin_closed(), if args.with_stdin => {}
        }
        tracing::info!("stopping");
    });
    match Node::start(Folder::new(args.dir), options, &mut stop).await? {
        Some(node) => Ok(Some(node.run(stop).await)),
        None => Ok(None),
    }
}

async fn stdin_closed() {
    let (closed, told) = tokio::sync::oneshot::channel();
    // In a thread of its own, which the end of the process does not wait for: one of the runtime's, in a read that does not
    // return, would keep a node that failed from ending.
    std::thread::spawn(move || {
        let mut ignored = [0; 256];
        loop {
            match std::io::stdin().read(&mut ignored) {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        // Nobody listens any more when the node is ending for another reason.
        let _ = closed.send(());
    });
    // A thread that cannot be had ends the wait as a closed input does.
    let _ = told.await;
}
