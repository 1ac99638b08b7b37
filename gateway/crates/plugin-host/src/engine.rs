//! The wasm engine and the watch that ends calls which take too long.

use rustix::time::{ClockId, clock_gettime};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use wasmtime::{Config, OptLevel};

/// How often the watch looks at a running call. A deadline is met to within twice of this.
const BEAT: Duration = Duration::from_millis(10);

/// How many beats without a call the watch waits before it goes to sleep for good, so that plugins
/// called one after another wake it once.
const IDLE_BEATS_MAX: u32 = 3;

/// Stack of a plugin in bytes. Wasmtime's default; what remains of a thread's 2 MiB is the host's.
const STACK_LEN_MAX: usize = 512 << 10;

/// Why there is no engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Wasmtime refuses this machine or configuration.
    #[error("plugins can't run on this machine: {0:#}")]
    Wasmtime(wasmtime::Error),
    /// The watch needs a thread.
    #[error("no thread for the watch over plugins: {0}")]
    Thread(std::io::Error),
}

/// Compiles and runs plugins. One for the whole program; a clone is the same engine.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    wasmtime: wasmtime::Engine,
    watch: Arc<Watch>,
    thread: Option<JoinHandle<()>>,
    metered: bool,
}

#[derive(Default)]
struct Watch {
    /// Calls that run at this moment.
    calls: AtomicU32,
    asleep: AtomicBool,
    over: AtomicBool,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Engine")
    }
}

impl Engine {
    /// Sets up wasmtime and starts the watch, a thread that runs only while a plugin does.
    pub fn new() -> Result<Self, EngineError> {
        Self::start(&config(), true)
    }

    /// For tools that call a few plugins millions of times on a machine with room: every memory
    /// takes 4 GiB of addresses, so that no access of a plugin needs a check, and no clock is read
    /// around a call. [`Metrics::cost`](crate::Metrics::cost) stays zero, and a call may compute
    /// for up to twice its deadline. What a plugin comes to is the same.
    pub fn for_tools() -> Result<Self, EngineError> {
        let mut config = config();
        config
            .memory_reservation(4 << 30)
            .memory_guard_size(32 << 20)
            .guard_before_linear_memory(true);
        Self::start(&config, false)
    }

    fn start(config: &Config, metered: bool) -> Result<Self, EngineError> {
        let wasmtime = wasmtime::Engine::new(config).map_err(EngineError::Wasmtime)?;
        let watch = Arc::new(Watch::default());
        let thread = std::thread::Builder::new()
            .name("plugin-watch".into())
            .stack_size(64 << 10)
            .spawn({
                let (watch, wasmtime) = (watch.clone(), wasmtime.clone());
                move || watch.run(&wasmtime)
            })
            .map_err(EngineError::Thread)?;
        Ok(Self(Arc::new(Inner { wasmtime, watch, thread: Some(thread), metered })))
    }

    pub(crate) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.0.wasmtime
    }

    /// When a call begins, by [`cpu_time`]; none if calls are not metered.
    pub(crate) fn begin(&self) -> Option<Duration> {
        self.0.metered.then(cpu_time)
    }

    /// Keeps the watch awake as long as the guard lives.
    pub(crate) fn watched(&self) -> Watched<'_> {
        let Inner { watch, thread, .. } = &*self.0;
        watch.calls.fetch_add(1, Ordering::SeqCst);
        if watch.asleep.load(Ordering::SeqCst)
            && let Some(thread) = thread
        {
            thread.thread().unpark();
        }
        Watched(watch)
    }

    /// How many beats to let pass before a call of this length is looked at.
    pub(crate) fn beats(length: Duration) -> u64 {
        // Begun ones count, and one more, since the next beat may come at once. Not by `as_millis`,
        // which divides 128 bits in each call.
        let ms =
            length.as_secs().saturating_mul(1000).saturating_add(length.subsec_millis().into());
        (ms / u64::from(BEAT.subsec_millis())).saturating_add(2)
    }
}

/// CPU time that this thread has used. A deadline counts what a plugin computed, so that a busy
/// machine doesn't make a fault of somebody else's load; and a plugin never waits for anything.
pub(crate) fn cpu_time() -> Duration {
    let t = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(t.tv_sec.unsigned_abs(), u32::try_from(t.tv_nsec).unwrap_or(0))
}

pub(crate) struct Watched<'e>(&'e Watch);

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        self.0.calls.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Watch {
    fn run(&self, engine: &wasmtime::Engine) {
        let mut idle = 0;
        while !self.over.load(Ordering::SeqCst) {
            if self.calls.load(Ordering::SeqCst) > 0 {
                idle = 0;
            } else {
                idle += 1;
            }
            if idle > IDLE_BEATS_MAX {
                self.sleep();
                idle = 0;
                continue;
            }
            std::thread::sleep(BEAT);
            engine.increment_epoch();
        }
    }

    /// Either this thread sees the call that begins now, or the call sees `asleep`: both sides
    /// write before they read, in one total order.
    fn sleep(&self) {
        self.asleep.store(true, Ordering::SeqCst);
        while self.calls.load(Ordering::SeqCst) == 0 && !self.over.load(Ordering::SeqCst) {
            std::thread::park();
        }
        self.asleep.store(false, Ordering::SeqCst);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.watch.over.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // It has nothing to say, and a panic in it could only come from wasmtime's counter.
            let _ = thread.join();
        }
    }
}

fn config() -> Config {
    let mut c = Config::new();
    c.epoch_interruption(true)
        .max_wasm_stack(STACK_LEN_MAX)
        .cranelift_opt_level(OptLevel::Speed)
        // Fifty plugins in wasmtime's defaults reserve 208 GB of addresses, which a Pi refuses.
        // No plugin gets more than 8 MiB, so that memories never move in these 16.
        .memory_reservation(16 << 20)
        .memory_guard_size(64 << 10)
        .memory_reservation_for_growth(0)
        // A plant simulated on a laptop and run on a Pi must come to the same numbers.
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true)
        .wasm_memory64(false)
        .concurrency_support(false);
    c
}
