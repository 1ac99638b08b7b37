//! The thread that plugins compute on.
//!
//! One for all of them: a plugin that computes for its whole deadline makes the next one late by a
//! tenth of a second, one that starts by up to five times that, and a package that is compiled for
//! the first time by seconds on a small box; but no poll and no acknowledgement at all.

use crate::bilingual::Bilingual;
use std::sync::mpsc;
use tokio::sync::oneshot;

type Job = Box<dyn FnOnce() + Send>;

/// A handle to the thread; it ends when the last one is dropped.
#[derive(Debug, Clone)]
pub(super) struct Worker(mpsc::Sender<Job>);

/// The job panicked, and what it worked on is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the call panicked; this is a mistake in the gateway")]
pub(super) struct Lost;

impl Lost {
    pub(super) fn told(self) -> Bilingual {
        Bilingual::new(self.to_string(), "调用崩溃；这是网关的错误")
    }
}

impl Worker {
    /// Starts the thread.
    pub(super) fn start() -> std::io::Result<Self> {
        let (sender, jobs) = mpsc::channel::<Job>();
        std::thread::Builder::new().name("plugins".into()).spawn(move || {
            for job in jobs {
                // The sender of the result is dropped inside, by which the one who waits knows.
                let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(job));
            }
        })?;
        Ok(Self(sender))
    }

    /// Runs a job there and waits for it without blocking.
    pub(super) async fn run<R: Send + 'static>(
        &self,
        job: impl FnOnce() -> R + Send + 'static,
    ) -> Result<R, Lost> {
        let (reply, result) = oneshot::channel();
        let job: Job = Box::new(move || {
            // Nobody waits any more while the gateway stops.
            let _ = reply.send(job());
        });
        self.0.send(job).map_err(|_| Lost)?;
        result.await.map_err(|_| Lost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_costs_its_own_job_only() {
        let worker = Worker::start().unwrap();
        assert_eq!(worker.run(|| 1 + 1).await, Ok(2));
        assert_eq!(worker.run(|| -> u8 { panic!("on purpose") }).await, Err(Lost));
        assert_eq!(worker.run(|| 3).await, Ok(3));
    }
}
