//! Processes that end with the test that started them.

use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

/// A TCP port that was free a moment ago.
pub fn free_port() -> u16 {
    let bound = std::net::TcpListener::bind(("127.0.0.1", 0)).and_then(|l| l.local_addr());
    match bound {
        Ok(address) => address.port(),
        Err(e) => panic!("no free port: {e}"),
    }
}

/// A process with its output collected line by line.
pub struct Child {
    name: String,
    process: std::process::Child,
    stdin: Option<ChildStdin>,
    lines: Arc<Mutex<Vec<String>>>,
    status: Option<ExitStatus>,
}

impl Child {
    /// Starts it.
    pub fn start(name: &str, mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = match command.spawn() {
            Ok(process) => process,
            Err(e) => panic!("{name}: {command:?}: {e}"),
        };
        let lines: Arc<Mutex<Vec<String>>> = Arc::default();
        let outputs: [Option<Box<dyn std::io::Read + Send>>; 2] = [
            process.stdout.take().map(|o| Box::new(o) as _),
            process.stderr.take().map(|o| Box::new(o) as _),
        ];
        for output in outputs.into_iter().flatten() {
            let lines = Arc::clone(&lines);
            std::thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
                }
            });
        }
        let stdin = process.stdin.take();
        Self { name: name.into(), process, stdin, lines, status: None }
    }

    /// What it printed so far, on both outputs.
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits for a line with `text` in it.
    #[track_caller]
    pub fn wait_for(&mut self, text: &str) -> String {
        let name = self.name.clone();
        crate::eventually(
            &format!("{name} prints `{text}`; it printed {:#?}", self.lines()),
            || {
                if let Some(line) = self.lines().into_iter().find(|l| l.contains(text)) {
                    return Some(line);
                }
                if let Some(status) = self.ended() {
                    // Its last words may still be on their way through the pipe.
                    std::thread::sleep(std::time::Duration::from_millis(200));
                    panic!("{name} ended with {status}: {:#?}", self.lines());
                }
                None
            },
        )
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Sends it a line.
    pub fn tell(&mut self, line: &str) {
        let Some(stdin) = &mut self.stdin else { panic!("{}: no input", self.name) };
        if let Err(e) = writeln!(stdin, "{line}").and_then(|()| stdin.flush()) {
            panic!("{}: {e}: {:#?}", self.name, self.lines());
        }
    }

    /// Sends it a signal: `TERM`, `HUP`, `STOP`, `CONT`, `KILL`.
    pub fn signal(&self, signal: &str) {
        let mut kill = Command::new("kill");
        let sent = kill.arg(format!("-{signal}")).arg(self.process.id().to_string()).status();
        assert!(sent.is_ok_and(|s| s.success()), "can't send {signal} to {}", self.name);
    }

    /// Waits for its end.
    #[track_caller]
    pub fn wait(&mut self) -> ExitStatus {
        let name = self.name.clone();
        crate::eventually(&format!("{name} ends"), || self.ended())
    }

    /// Kills it without warning, and waits until it is gone.
    pub fn kill(&mut self) {
        if self.ended().is_none() {
            self.signal("KILL");
            self.wait();
        }
    }

    fn ended(&mut self) -> Option<ExitStatus> {
        if self.status.is_none() {
            self.status = self.process.try_wait().ok().flatten();
        }
        self.status
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // A stopped process still takes KILL; one that has ended already does not matter.
        let _ = self.process.kill();
        let _ = self.process.wait();
        if std::thread::panicking() {
            eprintln!("---- {} printed:\n{}", self.name, self.lines().join("\n"));
        }
    }
}
