//! The foreign broker: a mosquitto of our own on a free loopback port.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::clock::now;
use crate::process::Process;

const READY_WITHIN: Duration = Duration::from_secs(10);
/// It saves the sessions it holds before it ends.
const ENDED_WITHIN: Duration = Duration::from_secs(30);

/// A running mosquitto; it ends when dropped.
#[derive(Debug)]
pub struct Broker {
    /// Its port on 127.0.0.1.
    pub port: u16,
    dir: PathBuf,
    process: Process,
}

impl Broker {
    /// Starts a mosquitto whose files are in `dir`. `persistent`: it keeps sessions and messages
    /// over a restart; otherwise it writes nothing.
    ///
    /// # Errors
    /// When mosquitto is not installed or does not listen.
    pub fn start(dir: &Path, persistent: bool) -> Result<Self> {
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        // Debian's mosquitto drops to its own user when started by root, who owns `dir`.
        // autosave_interval 0: saved when it ends, so that a run is not disturbed.
        let config = format!(
            "listener {port} 127.0.0.1\nallow_anonymous true\nuser root\nlog_type error\n\
             log_type warning\nset_tcp_nodelay true\nmax_inflight_messages 1000\n\
             max_queued_messages 0\npersistence {persistent}\nautosave_interval 0\n\
             persistence_location {}/\n",
            dir.display()
        );
        fs::write(dir.join("mosquitto.conf"), config)?;
        let process = start(dir, port)?;
        Ok(Self { port, dir: dir.to_owned(), process })
    }

    /// The process, to be measured or stopped.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Ends the broker.
    ///
    /// # Errors
    /// When it does not end.
    pub fn leave(&mut self) -> Result<()> {
        self.process.end(ENDED_WITHIN)
    }

    /// Starts it again on the same port.
    ///
    /// # Errors
    /// When it does not listen.
    pub fn come_back(&mut self) -> Result<()> {
        self.process = start(&self.dir, self.port)?;
        Ok(())
    }
}

fn start(dir: &Path, port: u16) -> Result<Process> {
    // Not on every user's PATH in Debian.
    let program = ["/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto"]
        .into_iter()
        .find(|path| Path::new(path).exists())
        .unwrap_or("mosquitto");
    let mut command = Command::new(program);
    command.arg("-c").arg(dir.join("mosquitto.conf"));
    let mut process = Process::start(&mut command, &dir.join("mosquitto.log"))
        .context("the benchmark needs mosquitto: apt-get install mosquitto")?;
    let start = now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        process.still_runs()?;
        if start.elapsed() > READY_WITHIN {
            bail!("mosquitto does not listen on port {port}");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(process)
}
