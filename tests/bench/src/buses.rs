//! What the gateway costs with devices of the building's buses.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::broker::Broker;
use crate::clock::now;
use crate::metrics;
use crate::process::{self, Process};
use crate::wire::Wire;

/// All points are good by then, even on a busy machine.
const READY_WITHIN: Duration = Duration::from_secs(120);
/// The broker is told of every point first; CPU is of the steady state.
const WARM_UP: Duration = Duration::from_secs(15);

/// The BACnet devices, in a process of their own that ends with its input.
#[derive(Debug)]
pub struct BacnetFleet {
    child: Child,
    /// UDP ports; the last is of a slow device.
    pub ports: Vec<u16>,
}

impl BacnetFleet {
    /// Starts `program` (the example `fleet` of the BACnet crate) for so many devices.
    ///
    /// # Errors
    /// When it does not start or prints no ports.
    pub fn start(program: &Path, devices: usize) -> Result<Self> {
        let mut child = Command::new(program)
            .arg("devices")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("start {}", program.display()))?;
        let output = child.stdout.take().context("no output")?;
        let lines = BufReader::new(output).lines().take(devices);
        let ports = lines.map(|line| Ok(line?.trim().parse()?)).collect::<Result<Vec<u16>>>()?;
        ensure!(ports.len() == devices, "{} has {} devices", program.display(), ports.len());
        Ok(Self { child, ports })
    }
}

impl Drop for BacnetFleet {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// A running gateway, its broker, and where it tells of itself.
#[derive(Debug)]
struct Running {
    program: Process,
    port: u16,
    _broker: Broker,
}

impl Running {
    /// Starts the gateway in an empty `dir` on a site of these lines and devices, and waits until
    /// `points` points are good.
    fn start(wellhead: &Path, dir: &Path, parts: &str, points: usize) -> Result<Self> {
        let broker = Broker::start(dir, false)?;
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let site = format!(
            "[site]\nid = \"bench\"\ntimezone = \"Asia/Shanghai\"\n\n\
             [gateway]\nid = \"gw\"\ndata_dir = \"data\"\nprofiles = [\"profiles\"]\n\
             metrics = \"127.0.0.1:{port}\"\n\n\
             [uplink.broker]\nurl = \"mqtt://127.0.0.1:{}\"\n\n{parts}",
            broker.port
        );
        fs::write(dir.join("site.toml"), site)?;
        let mut command = Command::new(wellhead);
        command.arg("run").arg(dir.join("site.toml"));
        let program = Process::start(&mut command, &dir.join("program.log"))?;
        let mut running = Self { program, port, _broker: broker };
        let begun = now();
        while running.good().unwrap_or(0) < points {
            running.program.still_runs()?;
            if begun.elapsed() > READY_WITHIN {
                let good = running.good().unwrap_or(0);
                bail!(
                    "{good} of {points} points are good after {READY_WITHIN:?}; see {}",
                    dir.display()
                );
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        Ok(running)
    }

    fn good(&self) -> Result<usize> {
        let page = metrics::page(self.port)?;
        let good: f64 = metrics::samples(&page, "wellhead_device_points", "quality=\"good\"").sum();
        Ok(good as usize)
    }

    /// Good polls of all devices so far.
    fn polls(&self) -> Result<f64> {
        let page = metrics::page(self.port)?;
        Ok(metrics::samples(&page, "wellhead_device_polls_total", "result=\"answered\"").sum())
    }

    /// How long the last answer of the only device took, s.
    fn latency(&self) -> Result<f64> {
        let page = metrics::page(self.port)?;
        let one = metrics::samples(&page, "wellhead_device_latency_seconds", "").next();
        one.context("the gateway tells no latency")
    }

    /// The median of the device's latency over `length`, s.
    fn latencies(&mut self, length: Duration) -> Result<f64> {
        let (begun, mut all) = (now(), Vec::new());
        while begun.elapsed() < length {
            std::thread::sleep(Duration::from_secs(1));
            self.program.still_runs()?;
            all.push(self.latency()?);
        }
        all.sort_unstable_by(f64::total_cmp);
        all.get(all.len() / 2).copied().context("no time was measured")
    }
}

fn fresh(dir: &Path) -> Result<std::path::PathBuf> {
    if dir.exists() {
        fs::remove_dir_all(dir).with_context(|| format!("clear {}", dir.display()))?;
    }
    fs::create_dir_all(dir.join("profiles"))?;
    Ok(dir.canonicalize()?)
}

/// A BACnet line and one device per port, with a profile of `points` analog inputs.
fn bacnet(dir: &Path, ports: &[u16], points: usize, poll: &str) -> Result<String> {
    let mut profile = format!(
        "[profile]\nid = \"bench\"\ntitle = \"Device of the benchmark\"\ngeneric = true\n\n\
         [device]\nprotocol = \"bacnet\"\npoll = \"{poll}\"\nreport = \"every\"\n"
    );
    for n in 0..points {
        write!(profile, "\n[point.p{n}]\nobject = \"analog-input:{n}\"\n")?;
    }
    fs::write(dir.join("profiles/bench.toml"), profile)?;
    let mut site =
        String::from("[line.building]\nbacnet = \"127.0.0.1:0\"\nbroadcast = \"127.0.0.1\"\n");
    for (n, port) in ports.iter().enumerate() {
        write!(
            site,
            "\n[device.d{n:03}]\nline = \"building\"\ninstance = {n}\n\
             address = \"127.0.0.1:{port}\"\nprofile = \"bench\"\n"
        )?;
    }
    Ok(site)
}

/// 190 devices × 20 points every 10 s, every reading published.
///
/// # Errors
/// When a part does not start or not every point is good.
pub fn devices(
    wellhead: &Path,
    fleet: &BacnetFleet,
    dir: &Path,
    length: Duration,
) -> Result<String> {
    const DEVICES: usize = 190;
    const POINTS: usize = 20;
    let dir = fresh(dir)?;
    let site = bacnet(&dir, &fleet.ports[..DEVICES], POINTS, "10s")?;
    let mut running = Running::start(wellhead, &dir, &site, DEVICES * POINTS)?;
    std::thread::sleep(WARM_UP);
    let (before, polls, machine, begun) =
        (running.program.usage()?, running.polls()?, process::machine_cpu_s()?, now());
    std::thread::sleep(length);
    running.program.still_runs()?;
    let (after, seconds) = (running.program.usage()?, begun.elapsed().as_secs_f64());
    let polls = running.polls()? - polls;
    let good = running.good()?;
    let machine = process::machine_cpu_s()? - machine;
    ensure!(good == DEVICES * POINTS, "{good} points are good at the end");
    Ok(format!(
        "BACnet, {DEVICES} devices x {POINTS} points every 10 s: {polls:.0} polls in {seconds:.0} s, \
         all points good\n\
         {:48} {:9.1} MB   aim 30\n{:48} {:9.2} %    aim 3\n{:48} {:9.2}",
        "  RSS at the end",
        after.rss_kb as f64 * 1024.0 / 1e6,
        "  of one core",
        100.0 * (after.cpu_s - before.cpu_s) / seconds,
        "  cores used by the whole machine meanwhile",
        machine / seconds,
    ))
}

/// 600 properties of one device, from the request to the last value in the hub.
///
/// # Errors
/// When a part does not start or not every point is good.
pub fn properties(wellhead: &Path, fleet: &BacnetFleet, dir: &Path) -> Result<String> {
    let dir = fresh(dir)?;
    let site = bacnet(&dir, &fleet.ports[..1], 600, "2s")?;
    let mut running = Running::start(wellhead, &dir, &site, 600)?;
    let took = running.latencies(Duration::from_secs(20))?;
    Ok(format!("{:48} {:9.1} ms   aim 250", "BACnet, 600 points of one device", took * 1e3))
}

/// 32 thermometers on one 1-Wire bus, beside the bus's own time.
///
/// # Errors
/// When a part does not start or not every point is good.
pub fn thermometers(wellhead: &Path, dir: &Path) -> Result<String> {
    const SENSORS: usize = 32;
    let dir = fresh(dir)?;
    let wire = Wire::start(&dir, SENSORS)?;
    let mut site = format!(
        "[line.wires]\nsysfs = \"{}\"\n\n[device.bore]\nline = \"wires\"\n\
         protocol = \"onewire\"\nmaster = \"w1_bus_master1\"\npoll = \"3s\"\n",
        dir.display()
    );
    for (n, sensor) in wire.sensors.iter().enumerate() {
        write!(site, "\n[device.bore.point.t{n:02}]\nsensor = \"{sensor}\"\n")?;
    }
    let mut running = Running::start(wellhead, &dir, &site, SENSORS)?;
    let took = running.latencies(Duration::from_secs(30))?;
    let own = wire.own_time().as_secs_f64();
    Ok(format!(
        "{:48} {:9.0} ms   the bus itself {:.0} ms",
        format!("1-Wire, {SENSORS} thermometers"),
        took * 1e3,
        own * 1e3
    ))
}
