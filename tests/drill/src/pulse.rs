//! Watches whether the machine keeps its side of the promise, which holds where an fsync takes no
//! more than half a second.

use std::fs::File;
use std::io::{Seek, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result};
use wellhead_bench::clock::wall_us;

const EVERY: Duration = Duration::from_millis(250);
/// A beat is a pause and an fsync.
const SLOW_MS: u64 = 250 + 500;
/// How long before a kill a slow beat may still have kept something from the disk, ms.
const MATTERS_MS: u64 = 4000;

/// Writes a little and waits for the disk, over and over, in a thread that ends when dropped.
#[derive(Debug)]
pub struct Pulse {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    ending: AtomicBool,
    beats: Mutex<Beats>,
}

#[derive(Debug, Default)]
struct Beats {
    /// Slow ones: start and end, ms since 1970 UTC.
    slow: Vec<(u64, u64)>,
    slowest_ms: u64,
    last_ms: u64,
}

impl Pulse {
    /// Starts on a file in `dir`, which is to be on the disk that matters.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn start(dir: &Path) -> Result<Self> {
        let path = dir.join("pulse");
        let file = File::create(&path).with_context(|| format!("create {}", path.display()))?;
        let shared = Arc::new(Shared::default());
        shared.lock().last_ms = now_ms();
        let of_thread = shared.clone();
        let thread = std::thread::spawn(move || of_thread.run(file));
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Whether the machine kept its side in the seconds before a kill at this time, now past.
    #[must_use]
    pub fn fair(&self, kill_ms: u64) -> bool {
        let beats = self.shared.lock();
        let from = kill_ms.saturating_sub(MATTERS_MS);
        let under_way = (beats.last_ms, now_ms());
        let slow = |(start, end): &(u64, u64)| end - start > SLOW_MS;
        !beats
            .slow
            .iter()
            .chain([under_way].iter().filter(|beat| slow(beat)))
            .any(|(start, end)| *start <= kill_ms && from <= *end)
    }

    /// The longest beat, the pause taken off, ms.
    #[must_use]
    pub fn slowest_ms(&self) -> u64 {
        let pause = u64::try_from(EVERY.as_millis()).unwrap_or(u64::MAX);
        self.shared.lock().slowest_ms.saturating_sub(pause)
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        self.shared.ending.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Beats> {
        self.beats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, mut file: File) {
        while !self.ending.load(Ordering::Acquire) {
            std::thread::sleep(EVERY);
            // What matters is how long it takes; a full disk is quick.
            let _ = file.rewind().and_then(|()| file.write_all(&[7; 4096]));
            let _ = file.sync_data();
            let now = now_ms();
            let mut beats = self.lock();
            let took = now.saturating_sub(beats.last_ms);
            if took > SLOW_MS {
                let start = beats.last_ms;
                beats.slow.push((start, now));
            }
            beats.slowest_ms = beats.slowest_ms.max(took);
            beats.last_ms = now;
        }
    }
}

/// Wall clock, ms since 1970 UTC, as the plant notes it.
#[must_use]
pub fn now_ms() -> u64 {
    wall_us() / 1000
}
