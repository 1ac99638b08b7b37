//! Starts, changes and stops lines and devices as the configuration says, and nothing else does.

use crate::config::Site;
use crate::control::Control;
use crate::hub::{Event, Hub};
use crate::poll::{self, REQUESTS_MAX, Request, Station};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use wellhead_driver::{Backoff, Line, LineConfig};
use wellhead_modbus::{DeviceSpec, Framing, ModbusDriver};
use wellhead_model::{DeviceId, Point};

/// First polls are spread over this long, however many devices there are.
const SPREAD: Duration = Duration::from_secs(1);

/// A device as the configuration has it.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceSetup {
    /// Its id.
    pub id: DeviceId,
    /// The line it is on.
    pub line: String,
    /// How it speaks.
    pub spec: DeviceSpec,
    /// How it is left alone.
    pub backoff: Backoff,
    /// What it has.
    pub points: Arc<[Point]>,
}

/// All lines and devices of a site.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Setup {
    /// Lines by id.
    pub lines: BTreeMap<String, LineConfig>,
    /// Devices by id.
    pub devices: BTreeMap<DeviceId, DeviceSetup>,
}

impl Setup {
    /// What a site asks for.
    pub fn of(site: &Site) -> Self {
        let lines: BTreeMap<_, _> =
            site.lines.iter().map(|l| (l.id.clone(), l.config.clone())).collect();
        let mut devices = BTreeMap::new();
        for d in &site.devices {
            let line = site.lines.get(d.line).map(|l| l.id.clone()).unwrap_or_default();
            let device = DeviceSetup {
                id: d.id.clone(),
                line,
                spec: d.spec.clone(),
                backoff: d.backoff,
                points: d.points.clone(),
            };
            devices.insert(d.id.clone(), device);
        }
        Self { lines, devices }
    }
}

struct LineEntry {
    requests: mpsc::Sender<Request>,
    task: JoinHandle<()>,
}

/// What changed with a new configuration.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// New devices.
    pub added: Vec<String>,
    /// Devices that were replaced.
    pub changed: Vec<String>,
    /// Devices that went.
    pub removed: Vec<String>,
}

/// See the module.
pub struct Supervisor {
    hub: Arc<Hub>,
    control: Arc<Control>,
    setup: Setup,
    lines: BTreeMap<String, LineEntry>,
}

impl Supervisor {
    /// Nothing runs yet.
    pub fn new(hub: Arc<Hub>, control: Arc<Control>) -> Self {
        Self { hub, control, setup: Setup::default(), lines: BTreeMap::new() }
    }

    /// Makes what runs agree with `setup`. Lines and devices that did not change are not touched.
    pub async fn apply(&mut self, setup: Setup) -> Changes {
        let mut changes = Changes::default();
        let broken: Vec<String> = self
            .setup
            .lines
            .iter()
            .filter(|(id, line)| setup.lines.get(*id) != Some(line))
            .map(|(id, _)| id.clone())
            .collect();
        let stays =
            |d: &DeviceSetup| setup.devices.get(&d.id) == Some(d) && !broken.contains(&d.line);
        let leaving: Vec<DeviceSetup> =
            self.setup.devices.values().filter(|d| !stays(d)).cloned().collect();
        for device in &leaving {
            self.stop_device(device, &setup).await;
            match setup.devices.contains_key(&device.id) {
                true => changes.changed.push(device.id.to_string()),
                false => changes.removed.push(device.id.to_string()),
            }
        }
        for id in &broken {
            self.stop_line(id).await;
        }
        for (id, line) in &setup.lines {
            if !self.lines.contains_key(id) {
                self.start_line(id, line.clone());
            }
        }
        let coming: Vec<&DeviceSetup> = setup
            .devices
            .values()
            .filter(|d| self.setup.devices.get(&d.id) != Some(*d) || broken.contains(&d.line))
            .collect();
        for (i, device) in coming.iter().enumerate() {
            if !self.setup.devices.contains_key(&device.id) {
                changes.added.push(device.id.to_string());
            }
            self.start_device(device, i, coming.len()).await;
        }
        self.setup = setup;
        changes
    }

    /// Ends all polling. A poll under way is finished first, within its own time-out.
    pub async fn stop(&mut self) {
        let ids: Vec<String> = self.lines.keys().cloned().collect();
        for id in ids {
            self.stop_line(&id).await;
        }
    }

    fn start_line(&mut self, id: &str, config: LineConfig) {
        let (requests, receiver) = mpsc::channel(REQUESTS_MAX);
        let (hub, line) = (Arc::clone(&self.hub), Line::new(config));
        let task = tokio::spawn(poll::run(line, Vec::new(), hub, receiver));
        let (hub, name) = (Arc::clone(&self.hub), id.to_owned());
        let task = tokio::spawn(async move {
            // A panic costs this line alone, and is told; the others never notice.
            if let Err(error) = task.await {
                tracing::error!(line = name, %error, "Line task ended; restart the gateway");
                hub.event(Event::new("line_failed", format!("line {name} ended: {error}")));
            }
        });
        self.lines.insert(id.to_owned(), LineEntry { requests, task });
    }

    async fn stop_line(&mut self, id: &str) {
        let Some(entry) = self.lines.remove(id) else { return };
        for device in self.setup.devices.values().filter(|d| d.line == id) {
            self.control.route(&device.id, None);
        }
        drop(entry.requests);
        if let Err(error) = entry.task.await {
            tracing::warn!(line = id, %error, "Line did not end cleanly");
        }
    }

    async fn start_device(&self, device: &DeviceSetup, position: usize, of: usize) {
        let Some(line) = self.lines.get(&device.line) else { return };
        let plan = match wellhead_modbus::plan(device.spec.clone()) {
            Ok(plan) => plan,
            Err(errors) => {
                // The configuration's own check plans too, so this can't be reached from a file.
                tracing::error!(device = %device.id, ?errors, "Device can't be planned");
                return;
            }
        };
        self.hub.set_device(&device.id, Arc::clone(&device.points));
        self.control.route(&device.id, Some(line.requests.clone()));
        let period = device.spec.points.iter().map(|p| p.period).min().unwrap_or(SPREAD);
        let phase = period.min(SPREAD).mul_f64(position as f64 / of.max(1) as f64);
        let station = Station {
            device: device.id.clone(),
            driver: Box::new(ModbusDriver::new(plan)),
            backoff: device.backoff,
            start: self.hub.clock().now().mono + phase,
            // Transaction numbers tell a late reply on TCP; in RTU only time can.
            again: match device.spec.framing {
                Framing::Tcp => Duration::ZERO,
                Framing::Rtu => device.spec.timing.late_window,
            },
        };
        // Fails only if the line task is gone, which its guard has told.
        let _ = line.requests.send(Request::Add(Box::new(station))).await;
    }

    async fn stop_device(&self, device: &DeviceSetup, next: &Setup) {
        self.control.route(&device.id, None);
        if let Some(line) = self.lines.get(&device.line) {
            let _ = line.requests.send(Request::Remove(device.id.clone())).await;
        }
        if !next.devices.contains_key(&device.id) {
            self.hub.remove_device(&device.id);
        }
    }
}
