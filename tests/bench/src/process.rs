//! A child process and what the kernel says it costs.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Resource, Signal, getrlimit, kill_process, setrlimit};

use crate::clock::now;

/// A child that is ended when dropped.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    pid: Pid,
}

impl Process {
    /// Starts `command` with its output going to `log`.
    ///
    /// # Errors
    /// When the program or the log file cannot be opened.
    pub fn start(command: &mut Command, log: &Path) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let out = File::create(log).with_context(|| format!("create {}", log.display()))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out)
            .spawn()
            .with_context(|| format!("start {name}"))?;
        let pid = Pid::from_child(&child);
        Ok(Self { name, child, pid })
    }

    /// Sends a signal.
    ///
    /// # Errors
    /// When the process is gone.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        kill_process(self.pid, signal).with_context(|| format!("signal {}", self.name))
    }

    /// Asks the process to end and waits for it, for `guard` at the longest.
    ///
    /// # Errors
    /// When it does not end.
    pub fn end(&mut self, guard: Duration) -> Result<()> {
        self.signal(Signal::TERM)?;
        let start = now();
        while self.child.try_wait()?.is_none() {
            if start.elapsed() > guard {
                bail!("{} does not end on SIGTERM within {guard:?}", self.name);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Complains when the process has ended by itself.
    ///
    /// # Errors
    /// When it has.
    pub fn still_runs(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            Some(status) => bail!("{} has ended: {status}; see its log", self.name),
            None => Ok(()),
        }
    }

    /// What it has used so far.
    ///
    /// # Errors
    /// When /proc does not tell.
    pub fn usage(&self) -> Result<Usage> {
        let of = |file: &str| {
            let path = format!("/proc/{}/{file}", self.child.id());
            fs::read_to_string(&path).with_context(|| path)
        };
        let (status, io) = (of("status")?, of("io")?);
        Ok(Usage {
            rss_kb: field(&status, "VmRSS:")?,
            rss_max_kb: field(&status, "VmHWM:")?,
            written: field(&io, "write_bytes:")?,
            cpu_s: cpu_ticks(&of("stat")?)? as f64 / rustix::param::clock_ticks_per_second() as f64,
        })
    }
}

/// How often, at intervals of [`PAUSE`], it is looked whether a program has ended by itself.
const LOOKS: u32 = 500;
const PAUSE: Duration = Duration::from_millis(20);

impl Drop for Process {
    /// Ends it as a system does, so that it can write what it keeps until its end; kills what does
    /// not end in ten seconds.
    fn drop(&mut self) {
        let over = |child: &mut Child| !matches!(child.try_wait(), Ok(None));
        if !over(&mut self.child) {
            // It may have been stopped, for an outage.
            let _ = [Signal::TERM, Signal::CONT].map(|signal| kill_process(self.pid, signal));
        }
        for _ in 0..LOOKS {
            if over(&mut self.child) {
                return;
            }
            std::thread::sleep(PAUSE);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a process has used since its start.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    /// Resident memory now, KiB.
    pub rss_kb: u64,
    /// Most resident memory so far, KiB.
    pub rss_max_kb: u64,
    /// Bytes given to the storage layer.
    pub written: u64,
    /// User and system time of all threads, s.
    pub cpu_s: f64,
}

/// CPU time used by the whole machine since boot, s.
///
/// # Errors
/// When /proc does not tell.
pub fn machine_cpu_s() -> Result<f64> {
    let stat = fs::read_to_string("/proc/stat").context("/proc/stat")?;
    let ticks = busy_ticks(&stat).context("/proc/stat has no cpu line")?;
    Ok(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

/// CPU time used by this process, s.
///
/// # Errors
/// When /proc does not tell.
pub fn own_cpu_s() -> Result<f64> {
    let ticks = cpu_ticks(&fs::read_to_string("/proc/self/stat").context("/proc/self/stat")?)?;
    Ok(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

/// Lets this process and its children open as many files as the system allows it to.
///
/// # Errors
/// When even the hard limit is below what the job needs.
pub fn raise_file_limit(needed: u64) -> Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).context("raise the limit of open files")?;
    if limit.maximum.is_some_and(|max| max < needed) {
        bail!(
            "the job needs {needed} open files, the hard limit is {:?} (ulimit -Hn)",
            limit.maximum
        );
    }
    Ok(())
}

/// The number after `key` in a `/proc` file of lines.
fn field(text: &str, key: &str) -> Result<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(key));
    let number = line.and_then(|rest| rest.split_whitespace().next());
    number.and_then(|n| n.parse().ok()).with_context(|| format!("no {key} in /proc"))
}

/// utime + stime of a `/proc/PID/stat`. The name before them may hold spaces and brackets.
fn cpu_ticks(stat: &str) -> Result<u64> {
    let (_, after_name) = stat.rsplit_once(')').context("/proc/PID/stat without a name")?;
    let mut times = after_name.split_whitespace().skip(11).map(str::parse::<u64>);
    match (times.next(), times.next()) {
        (Some(Ok(user)), Some(Ok(system))) => Ok(user + system),
        _ => bail!("/proc/PID/stat without times"),
    }
}

/// All but idle and waiting for disks, of the first line of `/proc/stat`. Guest time, the last two
/// columns, is already in the user column.
fn busy_ticks(stat: &str) -> Option<u64> {
    let columns: Vec<u64> =
        stat.lines().next()?.split_whitespace().skip(1).map_while(|n| n.parse().ok()).collect();
    let all: u64 = columns.iter().take(8).sum();
    Some(all - columns.get(3)? - columns.get(4)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_ticks_survive_a_name_with_brackets() {
        let stat = "42 (a) b) S 1 42 42 0 -1 4194304 1 2 3 4 150 25 7 8 20 0 1 0 99 5 6";
        assert_eq!(cpu_ticks(stat).unwrap(), 175);
    }

    #[test]
    fn busy_excludes_idle_and_waiting() {
        assert_eq!(busy_ticks("cpu  10 1 20 500 70 3 4 5 6 0\ncpu0 1 1 1 1"), Some(43));
    }

    #[test]
    fn field_is_found_by_its_whole_key() {
        let status = "VmPeak:\t 9 kB\nVmHWM:\t  2100 kB\nVmRSS:\t  2048 kB\n";
        assert_eq!(field(status, "VmRSS:").unwrap(), 2048);
        assert!(field(status, "VmSwap:").is_err());
    }
}
