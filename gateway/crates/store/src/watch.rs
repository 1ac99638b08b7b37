//! Wakes calls into sled that would wait for ever.
//!
//! A call that needs a write to be finished waits until it is told. When sled's own flusher sealed
//! a buffer in which another thread was still writing, and the write of that buffer then fails,
//! sled notes the failure and tells nobody (`Log::exit_reservation` of 0.34.7). Another flush sees
//! what was noted and wakes all that wait.

use std::io;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

/// How long a call takes until it is looked after, and then how often.
const EVERY: Duration = Duration::from_secs(1);

/// A thread that looks after the calls of another.
#[derive(Debug)]
pub(crate) struct Watch {
    calls: Sender<Call>,
    thread: Option<JoinHandle<()>>,
}

/// What becomes of a call.
#[derive(Debug, PartialEq, Eq)]
enum Call {
    Begins,
    Ends,
    /// Nothing more is looked after, not even a call that has not ended.
    Never,
}

/// A call being looked after, until this is dropped.
#[derive(Debug)]
pub(crate) struct Watched(Sender<Call>);

impl Watch {
    /// `wake` is called whenever a call takes long, each time on a thread of its own: it may have
    /// to wait itself.
    pub(crate) fn new(wake: impl Fn() + Clone + Send + 'static) -> io::Result<Self> {
        let (calls, heard) = channel();
        let look_after = move || {
            while heard.recv() == Ok(Call::Begins) {
                loop {
                    match heard.recv_timeout(EVERY) {
                        Err(RecvTimeoutError::Timeout) => {
                            tracing::debug!("Cache store takes long");
                            let _ = Builder::new().spawn(wake.clone()); // if not now, then later
                        }
                        Ok(Call::Ends) => break,
                        _ => return,
                    }
                }
            }
        };
        let thread = Builder::new().name("cache watch".into()).spawn(look_after)?;
        Ok(Self { calls, thread: Some(thread) })
    }

    /// Looks after one call; they do not overlap.
    pub(crate) fn call(&self) -> Watched {
        let _ = self.calls.send(Call::Begins);
        Watched(self.calls.clone())
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let _ = self.0.send(Call::Ends);
    }
}

impl Drop for Watch {
    /// Returns when the thread has let go of `wake`.
    fn drop(&mut self) {
        let _ = self.calls.send(Call::Never);
        self.thread.take().map(JoinHandle::join);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Condvar, Mutex};

    #[test]
    fn a_call_that_would_wait_for_ever_is_woken_until_it_ends() {
        let woken = Arc::new((Mutex::new(0), Condvar::new()));
        let wake = woken.clone();
        let watch = Watch::new(move || {
            *wake.0.lock().unwrap() += 1;
            wake.1.notify_all();
        });
        let watch = watch.unwrap();
        for until in [1, 3] {
            let _watched = watch.call();
            let count = woken.0.lock().unwrap();
            drop(woken.1.wait_while(count, |n| *n < until).unwrap());
        }
        drop(watch.call());
        let left_open = watch.call();
        drop(watch);
        // The last waking may still be about to end.
        let alone = (0..1_000).any(|_| {
            std::thread::sleep(Duration::from_millis(10));
            Arc::strong_count(&woken) == 1
        });
        assert!(alone, "nothing is left of it");
        drop(left_open);
    }
}
