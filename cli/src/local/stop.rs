//! What ends a command that runs until told.

use std::io::{self, IsTerminal as _, Read as _};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// What ends a command that runs until told: a signal, Enter on a terminal, or the end of standard input.
pub(crate) struct Stop {
    stopped: Receiver<()>,
}

impl Stop {
    /// Begins to listen. From now on a signal no longer ends the process by itself.
    pub(crate) fn install() -> Result<Self> {
        Self::listen(true)
    }

    /// The same for signals only, where the command ends by itself: its standard input may be anything.
    pub(crate) fn by_signal() -> Result<Self> {
        Self::listen(false)
    }

    fn listen(input: bool) -> Result<Self> {
        let (sender, stopped) = sync_channel(1);
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).context("signals cannot be listened to")?;
        let by_signal = sender.clone();
        // Both threads end with the process; a second reason to stop changes nothing.
        thread::spawn(move || signals.forever().for_each(|_| tell(&by_signal)));
        if input {
            thread::spawn(move || {
                wait_for_input();
                tell(&sender);
            });
        }
        Ok(Self { stopped })
    }

    /// Waits at most so long; whether it is time to stop.
    pub(crate) fn within(&self, time: Duration) -> bool {
        !matches!(self.stopped.recv_timeout(time), Err(RecvTimeoutError::Timeout))
    }
}

fn tell(stop: &SyncSender<()>) {
    // Full: it was told already. Closed: nobody waits any more.
    let _ = stop.try_send(());
}

/// Returns at Enter on a terminal, else when standard input ends or cannot be read.
fn wait_for_input() {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        let _ = stdin.read_line(&mut String::new());
        return;
    }
    let (mut stdin, mut ignored) = (stdin.lock(), [0; 256]);
    loop {
        match stdin.read(&mut ignored) {
            Ok(0) => return,
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return,
            _ => {}
        }
    }
}
