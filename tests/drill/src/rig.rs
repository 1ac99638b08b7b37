//! The parts of a drill: plant, broker, subscriber and gateway, each of which can be taken away.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::Signal;
use tokio::sync::oneshot;
use wellhead_bench::broker::Broker;
use wellhead_bench::process::Process;
use wellhead_plant::plant::{Config, Plant};
use wellhead_plant::serve::{Options, Server};

use crate::judge::{Answer, Evidence, Kill, judge};
use crate::message::{self, COUNTER, Delivery};
use crate::pulse::{Pulse, now_ms};

const ROOT: &str = "wellhead/v1/drill/box";
/// Devices of the site: id, unit and the points beside the poll counter.
const DEVICES: [(&str, u8, &str); 5] = [
    (
        "room",
        43,
        r#"temperature = { input = 2, type = "u16", scale = 0.1, offset = -40, unit = "°C" }"#,
    ),
    ("weather", 42, r#"outdoor = { input = 2, type = "i16", scale = 0.1, unit = "°C" }"#),
    ("ground", 41, r#"at_1_m = { input = 2, type = "i16", scale = 0.01, unit = "°C" }"#),
    ("ground-meter", 21, r#"flow = { input = 2, type = "f32", unit = "m³/h" }"#),
    ("load-meter", 22, r#"flow = { input = 2, type = "f32", unit = "m³/h" }"#),
];
/// Nothing more has come for this long: the end.
const QUIET_MS: u64 = 1500;
/// Longest wait for the gateway to come back to the broker: it dials again after half a minute at
/// the latest.
const BACK_WITHIN_MS: u64 = 60_000;
/// What is missing when no backlog has come for this long does not come any more.
const STUCK_MS: u64 = 15_000;
const ENDED_WITHIN: Duration = Duration::from_secs(20);

/// The simulated plant, in a thread of its own.
#[derive(Debug)]
struct Ground {
    server: Arc<Server>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Ground {
    fn start() -> Result<Self> {
        let (ready, started) = std::sync::mpsc::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            let serve = async {
                let plant = Plant::new(Config::default(), 1);
                let options = Options { speed: 1.0, ..Options::tcp() };
                // Only fails when the drill has given up already.
                let _ = ready.send(Server::start(plant, options).await.map(Arc::new));
                let _ = stopped.await;
            };
            match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime.block_on(serve),
                Err(error) => eprintln!("drill: no runtime for the plant: {error}"),
            }
        });
        let server = started.recv().context("the plant did not start")??;
        Ok(Self { server, stop: Some(stop), thread: Some(thread) })
    }

    fn answered(&self) -> BTreeMap<String, Vec<Answer>> {
        let room = self.server.room();
        let of = |(device, unit, _): &(&str, u8, &str)| {
            let ledger = room.unit(*unit).into_iter().flat_map(|unit| unit.ledger());
            let answers = ledger.map(|a| Answer { count: a.poll, wall_ms: a.wall_ms }).collect();
            (format!("data/{device}"), answers)
        };
        DEVICES.iter().map(of).collect()
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// All parts, in one folder.
#[derive(Debug)]
pub struct Rig {
    dir: PathBuf,
    program: PathBuf,
    pulse: Arc<Pulse>,
    ground: Ground,
    broker: Broker,
    _subscriber: Process,
    gateway: Option<Process>,
    starts: u32,
    kills: Vec<Kill>,
    returns_ms: Vec<u64>,
}

impl Rig {
    /// Starts everything but the gateway, which will keep its data in `data_dir`.
    ///
    /// # Errors
    /// When a part does not start.
    pub fn start(dir: &Path, data_dir: &Path, program: &Path, pulse: &Arc<Pulse>) -> Result<Self> {
        let ground = Ground::start()?;
        let broker = Broker::start(dir, true)?;
        let subscriber = subscribe(dir, broker.port)?;
        let plant = ground.server.modbus_tcp().context("the plant has no port")?;
        fs::write(dir.join("site.toml"), site(data_dir, broker.port, &plant.to_string()))?;
        Ok(Self {
            dir: dir.to_owned(),
            program: program.to_owned(),
            pulse: pulse.clone(),
            ground,
            broker,
            _subscriber: subscriber,
            gateway: None,
            starts: 0,
            kills: Vec::new(),
            returns_ms: Vec::new(),
        })
    }

    /// Starts the gateway; the time it was away ends here.
    ///
    /// # Errors
    /// When the program cannot be run.
    pub fn start_gateway(&mut self) -> Result<()> {
        self.starts += 1;
        let log = self.dir.join(format!("wellhead-{}.log", self.starts));
        let mut command = Command::new(&self.program);
        command.arg("run").arg(self.dir.join("site.toml")).env("LANG", "C");
        if let Some(kill) = self.kills.last_mut() {
            kill.back_ms = now_ms();
        }
        self.gateway = Some(Process::start(&mut command, &log)?);
        Ok(())
    }

    /// kill -9.
    ///
    /// # Errors
    /// When it has ended by itself before, which it must not.
    pub fn kill_gateway(&mut self) -> Result<()> {
        self.stop_gateway()?;
        self.end_stopped_gateway();
        Ok(())
    }

    /// Kills the gateway that was stopped, and waits until it is gone.
    pub fn end_stopped_gateway(&mut self) {
        self.gateway = None;
    }

    /// Stops the gateway where it stands, never to go on: the moment at which the power fails.
    ///
    /// # Errors
    /// When it has ended by itself before, which it must not.
    pub fn stop_gateway(&mut self) -> Result<()> {
        let gateway = self.gateway.as_mut().context("no gateway runs")?;
        gateway.still_runs()?;
        let at_ms = now_ms();
        gateway.signal(Signal::STOP)?;
        let fair = self.pulse.fair(at_ms);
        self.kills.push(Kill { at_ms, back_ms: u64::MAX, fair });
        Ok(())
    }

    /// Ends the broker; it keeps what it owes the subscriber.
    ///
    /// # Errors
    /// When it does not end.
    pub fn broker_leaves(&mut self) -> Result<()> {
        self.broker.leave()
    }

    /// Starts the broker again. With `backlog`, the gateway owes one.
    ///
    /// # Errors
    /// When it does not listen.
    pub fn broker_returns(&mut self, backlog: bool) -> Result<()> {
        if backlog {
            self.returns_ms.push(now_ms());
        }
        self.broker.come_back()
    }

    /// Stops the broker with its connections open, or lets it go on.
    ///
    /// # Errors
    /// When it is gone.
    pub fn stall_broker(&mut self, stalled: bool) -> Result<()> {
        let signal = if stalled { Signal::STOP } else { Signal::CONT };
        self.broker.process().signal(signal)
    }

    /// Waits until something has arrived after `at_ms`, for so long at most.
    ///
    /// # Errors
    /// When what arrived cannot be read.
    pub fn arrival_after(&self, at_ms: u64, guard: Duration) -> Result<bool> {
        let end = now_ms() + guard.as_millis() as u64;
        while now_ms() < end {
            if self.deliveries()?.last().is_some_and(|d| d.at_ms >= at_ms) {
                return Ok(true);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(false)
    }

    /// Waits until everything owed has arrived, or nothing has for too long; ends the gateway in
    /// good order, which may lose nothing; and tells what was seen.
    ///
    /// # Errors
    /// When a part does not end, or what arrived cannot be read.
    pub fn settle(mut self) -> Result<Evidence> {
        let (begun, seen) = (now_ms(), self.ground.answered());
        loop {
            std::thread::sleep(Duration::from_millis(200));
            let deliveries = self.deliveries()?;
            let back = deliveries.last().is_some_and(|d| d.at_ms > begun);
            let backlog_ms = deliveries.iter().rfind(|d| d.hist).map_or(begun, |d| d.at_ms);
            let idle_ms = now_ms().saturating_sub(backlog_ms.max(begun));
            let judgement =
                judge(&Evidence { answered: seen.clone(), deliveries, ..self.evidence() });
            let complete = judgement.rows.iter().all(|row| row.lost == 0);
            let enough_ms = if complete { QUIET_MS } else { STUCK_MS };
            if back && idle_ms > enough_ms || now_ms() - begun > BACK_WITHIN_MS {
                break;
            }
        }
        let mut gateway = self.gateway.take().context("no gateway runs")?;
        gateway.still_runs()?;
        gateway.end(ENDED_WITHIN)?;
        let mut count = usize::MAX;
        loop {
            let deliveries = self.deliveries()?;
            if deliveries.len() == count {
                let answered = self.ground.answered();
                return Ok(Evidence { answered, deliveries, ..self.evidence() });
            }
            count = deliveries.len();
            std::thread::sleep(Duration::from_millis(QUIET_MS));
        }
    }

    fn evidence(&self) -> Evidence {
        let (kills, returns_ms) = (self.kills.clone(), self.returns_ms.clone());
        Evidence { kills, returns_ms, ..Evidence::default() }
    }

    fn deliveries(&self) -> Result<Vec<Delivery>> {
        let text = fs::read_to_string(self.dir.join(ARRIVED))?;
        // The last line may still be on its way.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(|line| message::read(line, ROOT)).collect()
    }
}

const ARRIVED: &str = "arrived";

/// A session that the broker keeps, so that nothing passes the subscriber by.
fn subscribe(dir: &Path, port: u16) -> Result<Process> {
    let arguments = |command: &mut Command| {
        command.args(["-h", "127.0.0.1", "-p", &port.to_string(), "-V", "mqttv5", "-q", "1"]);
        command.args(["-c", "-i", "drill", "-x", "86400"]);
        command.args(["-t", &format!("{ROOT}/data/#"), "-t", &format!("{ROOT}/event")]);
    };
    // Once only to subscribe: then nothing can be published before.
    let mut once = Command::new("mosquitto_sub");
    arguments(&mut once);
    let missing = "the drill needs mosquitto_sub: apt-get install mosquitto-clients";
    let status = once.arg("-E").status().context(missing)?;
    if !status.success() {
        bail!("the broker grants no subscription: {status}");
    }
    let mut lasting = Command::new("mosquitto_sub");
    arguments(&mut lasting);
    lasting.args(["-F", message::LINE_FORMAT]);
    Process::start(&mut lasting, &dir.join(ARRIVED)).context(missing)
}

fn site(data_dir: &Path, broker: u16, plant: &str) -> String {
    let mut text = format!(
        r#"[site]
id = "drill"
timezone = "Asia/Shanghai"
[gateway]
id = "box"
data_dir = {:?}
[cache]
size_max = "32MiB"
reserve = "1MiB"
[uplink.broker]
url = "mqtt://127.0.0.1:{broker}"
[line.plant]
tcp = "{plant}"
"#,
        data_dir.display().to_string()
    );
    for (device, unit, point) in DEVICES {
        // A long time-out: an answer that the gateway no longer waited for would count as lost.
        text += &format!(
            r#"[device.{device}]
line = "plant"
unit = {unit}
poll = "200ms"
response_timeout = "20s"
[device.{device}.point]
{COUNTER} = {{ input = 0, type = "u32", unit = "count", class = "counter", report = "every" }}
{point}
"#
        );
    }
    text
}
