//! The program that appends, from outside; and the judge of what it left behind.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use wellhead_store::conformance::entry;
use wellhead_store::{Cache, CacheConfig, SledCache};

pub(crate) fn config(dir: &Path) -> CacheConfig {
    CacheConfig { reserve_bytes: 0, ..CacheConfig::new(dir, 64 << 20) }
}

/// Held while a cache is open here that is opened elsewhere next, and while a process is started: one
/// that another test starts has the cache's lock too, from its fork until it is another program.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts a process.
pub(crate) fn spawn(command: &mut Command) -> std::io::Result<Child> {
    let _alone = alone();
    command.spawn()
}

/// What was promised: entries above `let_go` up to `held` are durable.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Promise {
    pub(crate) held: u64,
    pub(crate) let_go: u64,
}

pub(crate) struct Writer {
    child: Child,
    lines: BufReader<ChildStdout>,
    pub(crate) promise: Promise,
}

impl Writer {
    pub(crate) fn start(dir: &Path, durability: &str, drain: &str, promise: Promise) -> Self {
        let program = env!("CARGO_BIN_EXE_wellhead-store-faults");
        let mut command = Command::new(program);
        command.arg(dir).args([durability, drain]).stdout(Stdio::piped());
        let mut child = spawn(&mut command).unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines, promise }
    }

    /// Takes in what it says until it has said `held` so many times; false if it ended before.
    pub(crate) fn listen(&mut self, appends: usize) -> bool {
        let mut heard = 0;
        while heard < appends {
            let mut line = String::new();
            if self.lines.read_line(&mut line).unwrap() == 0 {
                return false;
            }
            heard += usize::from(line.starts_with("held"));
            self.note(&line);
        }
        true
    }

    fn note(&mut self, line: &str) {
        match line.trim_end().split_once(' ') {
            Some(("held", s)) => self.promise.held = s.parse().unwrap(),
            Some(("letting", s)) => self.promise.let_go = s.parse().unwrap(),
            _ => {}
        }
    }

    pub(crate) fn stop(&self) {
        self.signal(rustix::process::Signal::STOP);
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Kills it where it stands and takes in what it had still said.
    pub(crate) fn kill(mut self) -> Promise {
        self.signal(rustix::process::Signal::KILL);
        self.child.wait().unwrap();
        let mut line = String::new();
        while self.lines.read_line(&mut line).unwrap() > 0 {
            self.note(&line);
            line.clear();
        }
        self.promise
    }
}

/// Opens what was left and compares it with what was promised: how many entries are missing.
/// A wrong entry, or damage reported, fails at once.
pub(crate) fn missing(dir: &Path, promise: Promise) -> usize {
    let _alone = alone();
    let (mut cache, report) = SledCache::open(config(dir)).unwrap();
    assert_eq!(report.incidents, []);
    let read = cache.read(None, usize::MAX).unwrap();
    for (_, e) in &read {
        assert_eq!(*e, entry("1-00000000", "data/hp1", e.seq, 2_000));
    }
    let found: std::collections::BTreeSet<u64> = read.iter().map(|(_, e)| e.seq).collect();
    let lost = (promise.let_go + 1..=promise.held).filter(|seq| !found.contains(seq)).count();
    assert!(lost > 0 || cache.marks().iter().any(|m| m.seq >= promise.held) || promise.held == 0);
    lost
}
