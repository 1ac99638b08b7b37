//! Starts, changes and stops lines and devices as the configuration says, and nothing else does.

use crate::config::Site;
use crate::control::Control;
use crate::hub::{Event, Hub};
use crate::poll::{self, REQUESTS_MAX, Request, Station};
use crate::registry::{DeviceSpec, LineSetup, Port};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use wellhead_driver::{Backoff, Line};
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
    pub lines: BTreeMap<String, LineSetup>,
    /// Devices by id.
    pub devices: BTreeMap<DeviceId, DeviceSetup>,
}

impl Setup {
    /// What a site asks for.
    pub fn of(site: &Site) -> Self {
        let lines: BTreeMap<_, _> =
            site.lines.iter().map(|l| (l.id.clone(), l.setup.clone())).collect();
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

/// A task that polls.
struct Poller {
    requests: mpsc::Sender<Request>,
    task: JoinHandle<()>,
}

/// What runs for a line.
enum LineEntry {
    /// Its devices are polled in turn, by one task.
    Shared(Poller),
    /// Each device has a task and its own way; what they share is the port.
    Each(Port, BTreeMap<DeviceId, Poller>),
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
                self.start_line(id, line);
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

    fn start_line(&mut self, id: &str, setup: &LineSetup) {
        let entry = match (setup, setup.open()) {
            (_, Some(port)) => LineEntry::Each(port, BTreeMap::new()),
            (LineSetup::Stream(config), None) => {
                LineEntry::Shared(self.poller(id, Line::new(config.clone()), Vec::new()))
            }
            (_, None) => LineEntry::Each(Port::None, BTreeMap::new()),
        };
        self.lines.insert(id.to_owned(), entry);
    }

    /// Starts a task that polls; `name` is for people.
    fn poller(&self, name: &str, line: Line, stations: Vec<Station>) -> Poller {
        let (requests, receiver) = mpsc::channel(REQUESTS_MAX);
        let task = tokio::spawn(poll::run(line, stations, Arc::clone(&self.hub), receiver));
        let (hub, name) = (Arc::clone(&self.hub), name.to_owned());
        let task = tokio::spawn(async move {
            // A panic costs this line alone, and is told; the others never notice.
            if let Err(error) = task.await {
                tracing::error!(line = name, %error, "Line task ended; restart the gateway");
                let event = Event::new("line_failed", format!("line {name} ended: {error}"));
                hub.event(event.zh(format!("线路 {name} 已停止：{error}；请重启网关")));
            }
        });
        Poller { requests, task }
    }

    async fn stop_line(&mut self, id: &str) {
        let Some(entry) = self.lines.remove(id) else { return };
        for device in self.setup.devices.values().filter(|d| d.line == id) {
            self.control.route(&device.id, None);
        }
        let pollers: Vec<Poller> = match entry {
            LineEntry::Shared(poller) => vec![poller],
            LineEntry::Each(_, devices) => devices.into_values().collect(),
        };
        // All are told before any is waited for.
        let tasks: Vec<_> = pollers.into_iter().map(|p| p.task).collect();
        for task in tasks {
            wait(id, task).await;
        }
    }

    async fn start_device(&mut self, device: &DeviceSetup, position: usize, of: usize) {
        let (own_way, port) = match self.lines.get(&device.line) {
            Some(LineEntry::Shared(_)) => (false, Port::None),
            Some(LineEntry::Each(port, _)) => (true, port.clone()),
            None => return,
        };
        let again = device.spec.again();
        let driver = match device.spec.clone().driver(&port) {
            Ok(driver) => driver,
            Err(problems) => {
                // The configuration's own check asks the same, so this can't come from a file.
                tracing::error!(device = %device.id, ?problems, "Device can't be planned");
                return;
            }
        };
        self.hub.set_device(&device.id, Arc::clone(&device.points));
        let period = device.points.iter().map(|p| p.period).min().unwrap_or(SPREAD);
        let phase = period.min(SPREAD).mul_f64(position as f64 / of.max(1) as f64);
        let station = Station {
            device: device.id.clone(),
            driver,
            backoff: device.backoff,
            start: self.hub.clock().now().mono + phase,
            again,
        };
        let requests = if own_way {
            let name = format!("{} of {}", device.id, device.line);
            let poller = self.poller(&name, Line::none(), vec![station]);
            let requests = poller.requests.clone();
            if let Some(LineEntry::Each(_, devices)) = self.lines.get_mut(&device.line) {
                devices.insert(device.id.clone(), poller);
            }
            requests
        } else {
            let Some(LineEntry::Shared(poller)) = self.lines.get(&device.line) else { return };
            // Fails only if the line task is gone, which its guard has told.
            let _ = poller.requests.send(Request::Add(Box::new(station))).await;
            poller.requests.clone()
        };
        self.control.route(&device.id, Some(requests));
    }

    async fn stop_device(&mut self, device: &DeviceSetup, next: &Setup) {
        self.control.route(&device.id, None);
        match self.lines.get_mut(&device.line) {
            Some(LineEntry::Shared(poller)) => {
                let _ = poller.requests.send(Request::Remove(device.id.clone())).await;
            }
            Some(LineEntry::Each(_, devices)) => {
                if let Some(poller) = devices.remove(&device.id) {
                    drop(poller.requests);
                    wait(&device.line, poller.task).await;
                }
            }
            None => {}
        }
        if !next.devices.contains_key(&device.id) {
            self.hub.remove_device(&device.id);
        }
    }
}

async fn wait(line: &str, task: JoinHandle<()>) {
    if let Err(error) = task.await {
        tracing::warn!(line, %error, "Line did not end cleanly");
    }
}

#[cfg(test)]
mod tests;
