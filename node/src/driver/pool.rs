//! Worker threads for cryptography: as many as there are cores, two queues, the urgent one first.
//!
//! The queues have no bound of their own: each job belongs to a request, submission or dispatch whose number is bounded
//! before it starts. Dropping the pool waits for what its threads are working on: they hold the database, which may not be
//! closed while the process takes down its C++ statics.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;

use luxor_protocol::exchange::Lane;
use tokio::sync::oneshot;

type Job = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Queues {
    urgent: VecDeque<Job>,
    ordinary: VecDeque<Job>,
    closed: bool,
}

#[derive(Default)]
struct Inner {
    queues: Mutex<Queues>,
    work: Condvar,
}

/// Worker threads.
pub(super) struct Pool {
    inner: Arc<Inner>,
    threads: Vec<JoinHandle<()>>,
}

/// A job that panicked, which is a defect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Panicked;

impl Pool {
    /// A pool of so many threads.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(super) fn new(threads: usize) -> std::io::Result<Self> {
        let mut pool = Self { inner: Arc::default(), threads: Vec::with_capacity(threads) };
        for number in 0..threads {
            let inner = pool.inner.clone();
            let thread = std::thread::Builder::new().name(format!("worker-{number}")).spawn(move || inner.run())?;
            pool.threads.push(thread);
        }
        Ok(pool)
    }

    /// Runs a job on a worker thread.
    ///
    /// # Errors
    /// [`Panicked`].
    pub(super) async fn run<T: Send + 'static>(
        &self,
        lane: Lane,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Panicked> {
        let (done, outcome) = oneshot::channel();
        let job: Job = Box::new(move || {
            // Whoever asked may have gone.
            let _ = done.send(job());
        });
        self.queue(lane, job);
        // The sender is dropped unsent only by a panic, or with the pool, when nobody waits any more.
        outcome.await.map_err(|_| Panicked)
    }
}

impl Pool {
    fn queue(&self, lane: Lane, job: Job) {
        let mut queues = self.inner.queues.lock().unwrap_or_else(PoisonError::into_inner);
        match lane {
            Lane::Urgent => queues.urgent.push_back(job),
            Lane::Ordinary => queues.ordinary.push_back(job),
        }
        drop(queues);
        self.inner.work.notify_one();
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.inner.queues.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.inner.work.notify_all();
        for thread in self.threads.drain(..) {
            // A job may have held the last handle, so that its own thread is the one that ends the pool.
            if thread.thread().id() != std::thread::current().id() {
                // Panics were caught in the thread.
                let _ = thread.join();
            }
        }
    }
}

impl Inner {
    fn run(&self) {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if queues.closed {
                return;
            }
            let Some(job) = queues.urgent.pop_front().or_else(|| queues.ordinary.pop_front()) else {
                queues = self.work.wait(queues).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            drop(queues);
            // A panic drops the job's sender, which tells whoever waits; the thread goes on for the others.
            let _ = catch_unwind(AssertUnwindSafe(job));
            queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[tokio::test]
    async fn urgent_jobs_go_first_and_a_panic_ends_only_its_job() {
        let pool = Arc::new(Pool::new(1).unwrap());
        let (release, blocked) = mpsc::channel::<()>();
        let (started, running) = oneshot::channel();
        let first = tokio::spawn({
            let pool = pool.clone();
            async move {
                let job = move || {
                    let _ = started.send(());
                    blocked.recv()
                };
                pool.run(Lane::Ordinary, job).await
            }
        });
        running.await.unwrap();
        let order = Arc::new(Mutex::new(Vec::new()));
        let note = |word: &'static str| {
            let order = order.clone();
            move || order.lock().unwrap().push(word)
        };
        // Queued in this order while the only thread is busy; polled once each, so they stand in the queues.
        let mut ordinary = Box::pin(pool.run(Lane::Ordinary, note("ordinary")));
        let mut panics = Box::pin(pool.run(Lane::Ordinary, || panic!("on purpose")));
        let mut urgent = Box::pin(pool.run(Lane::Urgent, note("urgent")));
        assert!(futures::poll!(&mut ordinary).is_pending());
        assert!(futures::poll!(&mut panics).is_pending());
        assert!(futures::poll!(&mut urgent).is_pending());
        release.send(()).unwrap();
        assert_eq!(first.await.unwrap(), Ok(Ok(())));
        assert_eq!(urgent.await, Ok(()));
        assert_eq!(ordinary.await, Ok(()));
        let panicked: Result<(), Panicked> = panics.await;
        assert_eq!(panicked, Err(Panicked));
        assert_eq!(*order.lock().unwrap(), ["urgent", "ordinary"]);
        assert_eq!(pool.run(Lane::Ordinary, || 7).await, Ok(7));
    }
}
