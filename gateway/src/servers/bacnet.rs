//! Joins the hub and Control to the BACnet device: points to its objects, its commands to slots.
//!
//! An object shows what the hub sends on, so its value follows the point's own deadband and
//! interval. Everybody who commands over BACnet is one source, as it is the priority that counts
//! there and not the sender; a slot that another source holds is refused to it.

use crate::config::BacnetServer;
use crate::control::{Control, Refusal, Slot};
use crate::hub::{Event, Hub, Outlet};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use wellhead_bacnet::server::{Command, CommandRefused, Server, ServerConfig, Slots};
use wellhead_control::Refusal as Judged;
use wellhead_model::{
    DeviceId, Now, Point, PointIndex, Quality, Reason, Sample, Value, WriteRefusal,
};

/// Who commands over BACnet, for the slots and the audit trail.
const SOURCE: &str = "bacnet";
/// How long until a port that can't be had is tried again.
const AGAIN: Duration = Duration::from_secs(10);

/// The device's points as the hub shows them. An outlet of the hub; without a device it does
/// nothing.
#[derive(Clone, Default)]
pub struct Shown(Arc<Inner>);

#[derive(Default)]
struct Inner {
    server: OnceLock<Server>,
    /// Names of the points, in the order of the objects.
    points: Vec<String>,
    places: Mutex<HashMap<DeviceId, Vec<(PointIndex, usize)>>>,
}

impl Inner {
    fn places(&self) -> MutexGuard<'_, HashMap<DeviceId, Vec<(PointIndex, usize)>>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shown {
    /// The points of this device.
    pub fn new(settings: Option<&BacnetServer>) -> Self {
        let points = settings.map(|s| s.points.clone()).unwrap_or_default();
        Self(Arc::new(Inner { points, ..Inner::default() }))
    }

    /// Opens the device, again and again until its port is free, and takes its commands.
    pub fn start(&self, settings: &BacnetServer, hub: &Arc<Hub>, control: &Arc<Control>) {
        let (shown, settings) = (self.clone(), settings.clone());
        let (hub, control) = (Arc::clone(hub), Arc::clone(control));
        tokio::spawn(async move {
            let commands = shown.open(&settings, &hub, &control).await;
            shown.judge(commands, &settings, &control).await;
        });
    }

    async fn open(
        &self,
        settings: &BacnetServer,
        hub: &Arc<Hub>,
        control: &Arc<Control>,
    ) -> mpsc::Receiver<Command> {
        let slots = Outputs { control: Arc::clone(control), points: self.0.points.clone() };
        let slots: Arc<dyn Slots> = Arc::new(slots);
        let mut told = false;
        loop {
            let config = ServerConfig {
                bind: settings.bind,
                broadcast: settings.broadcast,
                device: settings.device.clone(),
                charset: settings.charset,
                objects: settings.objects.clone(),
            };
            match Server::start(config, Arc::clone(&slots)).await {
                Ok((server, commands)) => {
                    let address = server.address();
                    tracing::info!(%address, objects = self.0.points.len(), "BACnet device");
                    for (index, name) in self.0.points.iter().enumerate() {
                        let Some((device, point)) = name.split_once('/') else { continue };
                        if let Some(latest) = hub.latest_named(device, point) {
                            server.update(index, latest.value.as_ref(), latest.quality);
                        }
                    }
                    // Set once, as nobody else starts it.
                    let _ = self.0.server.set(server);
                    return commands;
                }
                Err(error) => {
                    if !std::mem::replace(&mut told, true) {
                        tracing::error!(%error, "No BACnet device");
                        let zh = format!("BACnet 服务未启动：{error}");
                        hub.event(Event::new("bacnet_server", error.to_string()).zh(zh));
                    }
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
    }

    async fn judge(
        &self,
        mut commands: mpsc::Receiver<Command>,
        settings: &BacnetServer,
        control: &Control,
    ) {
        while let Some(command) = commands.recv().await {
            let result = self.request(&command, settings, control);
            // Whoever asked may be gone.
            let _ = command.reply.send(result);
        }
    }

    fn request(
        &self,
        command: &Command,
        settings: &BacnetServer,
        control: &Control,
    ) -> Result<(), CommandRefused> {
        let point = self.0.points.get(command.index).ok_or(CommandRefused::Failed)?;
        let priority = command.priority;
        if priority < settings.priority_first {
            return Err(CommandRefused::Denied);
        }
        let slot = Slot::new(u64::from(priority)).map_err(|_| CommandRefused::Denied)?;
        let slots = control.slots(point);
        if let Some((source, _)) = &slots[usize::from(priority) - 1]
            && **source != *SOURCE
        {
            return Err(CommandRefused::Denied);
        }
        let why = format!("written by {} at priority {priority}", command.from);
        let value = command.value.as_ref();
        control.request(SOURCE, slot, point, value, settings.hold, &why, false).map_err(refused)
    }
}

fn refused(refusal: Refusal) -> CommandRefused {
    match refusal {
        Refusal::Judged(Judged::Value(WriteRefusal::NotWritable) | Judged::SlotReserved) => {
            CommandRefused::Denied
        }
        Refusal::Judged(Judged::Value(_)) => CommandRefused::OutOfRange,
        Refusal::Busy => CommandRefused::Busy,
        Refusal::Disabled => CommandRefused::Denied,
        _ => CommandRefused::Failed,
    }
}

impl Outlet for Shown {
    fn samples(&self, device: &DeviceId, _: &[Point], samples: &[Sample], _: Now) {
        let Some(server) = self.0.server.get() else { return };
        let places = self.0.places();
        let Some(places) = places.get(device) else { return };
        for sample in samples {
            if let Some((_, place)) = places.iter().find(|(index, _)| *index == sample.point()) {
                server.update(*place, sample.value(), sample.quality());
            }
        }
    }

    fn event(&self, _: &Event, _: Now) {}

    fn catalog(&self, device: &DeviceId, points: Option<&[Point]>) {
        let place = |name: String| self.0.points.iter().position(|known| *known == name);
        let known = |(i, point): (usize, &Point)| {
            let index = PointIndex(u32::try_from(i).ok()?);
            Some((index, place(format!("{device}/{}", point.id))?))
        };
        let found: Vec<_> = points.into_iter().flatten().enumerate().filter_map(known).collect();
        let before = self.0.places().insert(device.clone(), found.clone()).unwrap_or_default();
        // Of a point that is gone, nothing is known any more.
        let Some(server) = self.0.server.get() else { return };
        for (_, place) in before {
            if found.iter().all(|(_, now)| *now != place) {
                server.update(place, None, Quality::Bad(Reason::NotPolled));
            }
        }
    }
}

/// What Control holds, for Priority_Array.
struct Outputs {
    control: Arc<Control>,
    points: Vec<String>,
}

impl Slots for Outputs {
    fn slots(&self, index: usize) -> [Option<Value>; 16] {
        match self.points.get(index) {
            Some(point) => self.control.slots(point).map(|held| held.map(|(_, value)| value)),
            None => [const { None }; 16],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Shipped, Site, load};
    use crate::control::{Ledger, Wake};
    use tokio::sync::oneshot;
    use wellhead_model::{ManualClock, Timestamp};

    const SITE: &str = r#"
[site]
id = "renze"
timezone = "Asia/Shanghai"
[gateway]
id = "box"
commands = true
[line.field]
tcp = "127.0.0.1:1502"
[device.hp1]
line = "field"
unit = 1
[device.hp1.point.setpoint]
holding = 10
type = "i16"
scale = 0.1
unit = "°C"
[device.hp1.point.setpoint.output]
limits = [30, 55]
safe = 40
watchdog = "communication time-out 60 s"
[server.bacnet]
instance = 1234
points = ["hp1/setpoint"]
commands = ["hp1/setpoint"]
"#;

    fn site(dir: &std::path::Path) -> Site {
        let path = dir.join("site.toml");
        std::fs::write(&path, SITE).unwrap();
        load(&path, &Shipped::default()).map_err(|r| r.render(crate::config::Lang::En)).unwrap().0
    }

    #[tokio::test(start_paused = true)]
    async fn commands_stand_in_their_slot_unless_it_is_forbidden_or_taken() {
        let dir = tempfile::tempdir().unwrap();
        let site = site(dir.path());
        let settings = site.bacnet.as_ref().unwrap();
        assert_eq!(settings.objects[0].id().to_string(), "analog-output:1");
        let clock = Arc::new(ManualClock::new(Timestamp(1_000_000)));
        let hub = Arc::new(Hub::new(clock.clone(), Vec::new()));
        hub.set_device(&site.devices[0].id, site.devices[0].points.clone());
        let ledger = Ledger::open(dir.path().join("outputs.json")).0;
        let control =
            Control::new(Arc::clone(&hub), clock, ledger, true, &site.control, Wake::default());
        let shown = Shown::new(Some(settings));
        let wish = |priority: u8, value: Option<f64>| {
            let (reply, _) = oneshot::channel();
            let from = "10.0.0.5:47808".parse().unwrap();
            let value = value.and_then(Value::float);
            let command = Command { index: 0, value, priority, from, reply };
            shown.request(&command, settings, &control)
        };
        let slots = || {
            let outputs = Outputs { control: Arc::clone(&control), points: shown.0.points.clone() };
            let all = outputs.slots(0);
            let held = |(i, v): (usize, Option<Value>)| Some((i + 1, v?.as_f64()?));
            all.into_iter().enumerate().filter_map(held).collect::<Vec<_>>()
        };
        assert_eq!(wish(9, Some(45.0)), Ok(()));
        assert_eq!(wish(16, Some(42.0)), Ok(()));
        assert_eq!(slots(), [(9, 45.0), (16, 42.0)]);
        assert_eq!(wish(9, None), Ok(()));
        assert_eq!(slots(), [(16, 42.0)]);
        assert_eq!(wish(7, Some(45.0)), Err(CommandRefused::Denied), "before the first priority");
        assert_eq!(wish(9, Some(60.0)), Err(CommandRefused::OutOfRange));
        let plugin = Value::float(50.0);
        let ttl = Duration::from_secs(60);
        control
            .request("plugin", Slot::PLUGIN, "hp1/setpoint", plugin.as_ref(), ttl, "", false)
            .unwrap();
        assert_eq!(wish(14, Some(45.0)), Err(CommandRefused::Denied), "another's slot");
        assert_eq!(wish(14, None), Err(CommandRefused::Denied));
        assert_eq!(slots(), [(14, 50.0), (16, 42.0)]);
    }
}
