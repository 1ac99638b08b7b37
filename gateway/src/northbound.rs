//! Joins the hub to its uplinks: opens each one's cache, starts it, hands it samples and events,
//! and takes its commands to Control.

use crate::admin::{CacheView, UplinkView, Uplinks};
use crate::config::{self, Site, UplinkSettings};
use crate::control::{self, Command, Control};
use crate::hub::{Alarm, Event, Outlet};
use anyhow::Context;
use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::Receiver;
use tokio::task::JoinHandle;
use wellhead_control::Slot;
use wellhead_model::{Clock, DeviceId, Now, Point, Sample};
use wellhead_store::{
    BootCounter, BootId, Cache, CacheConfig, CacheError, Mark, MemoryCache, OpenReport, SledCache,
};
use wellhead_uplink::{
    Boot, Credentials, Incoming, Secret, Stream, TlsConfig, Uplink, UplinkConfig, UplinkHandle,
};

/// How long a command's value holds when it does not say.
const HOLD_DEFAULT: Duration = Duration::from_secs(600);
/// Commands that may be under way at a time.
const COMMANDS_MAX: usize = 64;

struct Link {
    name: String,
    handle: UplinkHandle,
    incoming: Option<Receiver<Incoming>>,
    task: JoinHandle<()>,
}

/// All uplinks of the site.
pub struct Northbound {
    links: Vec<Link>,
    clock: Arc<dyn Clock>,
}

impl Northbound {
    /// Opens the caches, takes a boot number and starts the uplinks. An unreachable broker is no
    /// error; a cache that another process has open is.
    pub fn start(site: &Site, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let data_dir = &site.gateway.data_dir;
        let mut opened = Vec::new();
        for settings in &site.uplinks {
            let dir = data_dir.join("cache").join(&settings.id);
            opened.push((settings, open_cache(&dir, site)?));
        }
        let known = opened.iter().flat_map(|(_, (cache, ..))| cache.marks());
        let known: Vec<Arc<str>> = known.map(|m| m.boot).collect();
        let boot = boot(data_dir, BootCounter::highest(known.iter().map(|b| &**b)));
        let mut links = Vec::new();
        for (settings, (cache, found, memory_only)) in opened {
            let config =
                uplink_config(site, settings).with_context(|| format!("uplink.{}", settings.id))?;
            let clock = Arc::clone(&clock);
            let gone = gone(site, &cache.marks());
            let start = Boot {
                id: boot.to_string(),
                clean: found.clean,
                incidents: found.incidents,
                memory_only,
            };
            let (handle, incoming, task) = Uplink::start(config, cache, clock, &start)
                .with_context(|| format!("uplink.{}", settings.id))?;
            // Their catalogs stay with the broker until somebody takes them back.
            gone.iter().for_each(|device| handle.set_device(device, None));
            let name = settings.id.clone();
            links.push(Link { name, handle, incoming: Some(incoming), task });
        }
        Ok(Self { links, clock })
    }

    /// One outlet an uplink, for the hub.
    pub fn outlets(&self) -> Vec<Box<dyn Outlet>> {
        let outlet = |l: &Link| {
            let handle = l.handle.clone();
            Box::new(ToUplink { handle, streams: Mutex::default() }) as Box<dyn Outlet>
        };
        self.links.iter().map(outlet).collect()
    }

    /// Starts taking commands.
    pub fn take_commands(&mut self, control: &Arc<Control>) {
        for link in &mut self.links {
            let Some(mut incoming) = link.incoming.take() else { continue };
            let (handle, source) = (link.handle.clone(), format!("mqtt:{}", link.name));
            let (control, clock) = (Arc::clone(control), Arc::clone(&self.clock));
            let places = Arc::new(Semaphore::new(COMMANDS_MAX));
            tokio::spawn(async move {
                while let Some(message) = incoming.recv().await {
                    // Never closed. Those that find no place wait in the uplink, which refuses
                    // what is too much.
                    let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
                    // Each on its own: a slow device must not hold up a command to another.
                    let (handle, source) = (handle.clone(), source.clone());
                    let (control, clock) = (Arc::clone(&control), Arc::clone(&clock));
                    tokio::spawn(async move {
                        let body =
                            execute(&control, message.command, message.retained, source, &*clock)
                                .await;
                        handle.reply(message.reply, &body);
                        drop(place);
                    });
                }
            });
        }
    }

    /// What the admin socket and metrics show.
    pub fn views(&self) -> Uplinks {
        let links: Vec<(String, UplinkHandle)> =
            self.links.iter().map(|l| (l.name.clone(), l.handle.clone())).collect();
        Arc::new(move || links.iter().map(|(name, handle)| view(name, handle)).collect())
    }

    /// How many devices there are and how many answer, for `health`.
    pub fn tell_devices(&self, total: usize, up: usize) {
        let count = |n| u32::try_from(n).unwrap_or(u32::MAX);
        for link in &self.links {
            link.handle.set_devices(count(total), count(up));
        }
    }

    /// Drains and closes all uplinks, within about `within`.
    pub async fn stop(self, within: Duration) {
        for link in &self.links {
            link.handle.shutdown(within);
        }
        for link in self.links {
            match tokio::time::timeout(within, link.task).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::error!(uplink = link.name, %error, "Uplink failed"),
                Err(_) => tracing::warn!(uplink = link.name, "Uplink did not end in time"),
            }
        }
    }
}

/// A cache, what was found on opening it, and why it is one in memory if it is.
type Opened = (Box<dyn Cache>, OpenReport, Option<String>);

fn open_cache(dir: &Path, site: &Site) -> anyhow::Result<Opened> {
    let mut config = CacheConfig::new(dir, site.cache.size_max);
    config.reserve_bytes = site.cache.reserve;
    match SledCache::open(config) {
        Ok((cache, report)) => {
            for incident in &report.incidents {
                tracing::error!(?incident, "The cache was damaged");
            }
            Ok((Box::new(cache), report, None))
        }
        Err(e @ (CacheError::Locked { .. } | CacheError::Setting { .. })) => Err(e.into()),
        Err(error) => {
            // Polling and publishing matter more than surviving the next outage.
            tracing::error!(dir = %dir.display(), %error, "No cache on disk; an outage is kept in memory only");
            let report = OpenReport { incidents: Vec::new(), clean: None, entries: 0 };
            let cache = Box::new(MemoryCache::new(MEMORY_CACHE_BYTES));
            Ok((cache, report, Some(error.to_string())))
        }
    }
}

/// Devices of earlier runs, as far as the cache knows, that the site has no more.
fn gone(site: &Site, marks: &[Mark]) -> BTreeSet<DeviceId> {
    let devices = site.devices.iter().map(|d| &d.id).chain(site.plugins.iter().map(|p| &p.id));
    let here: BTreeSet<&DeviceId> = devices.collect();
    let known = marks.iter().filter_map(|m| DeviceId::new(m.stream.strip_prefix("data/")?).ok());
    known.filter(|d| !here.contains(d)).collect()
}

/// Room of the cache in memory that stands in for one that can't be opened.
const MEMORY_CACHE_BYTES: u64 = 16 << 20;

/// The number of this run. Without a writable disk the random part alone keeps it unique.
fn boot(data_dir: &Path, seen: u64) -> BootId {
    let mut random = fastrand::Rng::new();
    BootCounter::next_boot(data_dir, &mut random, seen).unwrap_or_else(|error| {
        tracing::error!(%error, "The boot number can't be kept");
        BootId { counter: seen.saturating_add(1), random: random.u32(..) }
    })
}

fn uplink_config(site: &Site, s: &UplinkSettings) -> anyhow::Result<UplinkConfig> {
    let mut config = UplinkConfig::new(&s.host, s.port, &site.id, &site.gateway.id, &s.id);
    if let Some(tls) = &s.tls {
        let ca_file = tls.ca.clone().context("mqtts:// needs `ca`, the authority to trust")?;
        config.tls = Some(TlsConfig { ca_file, client: tls.client.clone() });
    }
    if let Some(username) = &s.username {
        let password = match &s.password {
            Some(secret) => {
                // One that can't be had at the start is a mistake that somebody is there to see.
                let text = secret.read()?;
                match secret {
                    config::Secret::File(path) => Secret::in_file(path),
                    config::Secret::Env(_) => Secret::new(text),
                }
            }
            None => Secret::new(""),
        };
        config.credentials = Some(Credentials { username: username.clone(), password });
    }
    config.keep_alive = s.keep_alive;
    config.window_bytes = usize::try_from(s.window).unwrap_or(usize::MAX);
    config.inflight_max = s.inflight_max;
    config.commands = site.gateway.commands;
    config.version = env!("CARGO_PKG_VERSION").into();
    Ok(config)
}

async fn execute(
    control: &Arc<Control>,
    command: Result<wellhead_uplink::Command, wellhead_uplink::Malformed>,
    retained: bool,
    source: String,
    clock: &dyn Clock,
) -> serde_json::Value {
    match command {
        Ok(c) => {
            let command = Command {
                id: c.id.to_string(),
                source,
                point: c.point.to_string(),
                value: c.value,
                expires: c.expires,
                hold: c.hold.unwrap_or(HOLD_DEFAULT),
                slot: Slot::REMOTE,
            };
            let result = control.command(&command, retained).await;
            control::reply(Some(&c.id), &result, clock.now().utc)
        }
        Err(wrong) => control.malformed(&source, wrong.id.as_deref(), &wrong.error.to_string()),
    }
}

fn view(name: &str, handle: &UplinkHandle) -> UplinkView {
    let m = handle.metrics();
    let cache = m.cache.clone().unwrap_or_default();
    UplinkView {
        uplink: name.to_owned(),
        connected: m.connected_since.is_some(),
        state: m.state.word().into(),
        error: m.link_error,
        client_id: handle.client_id().to_owned(),
        trouble: m.trouble.map(|t| t.word().to_owned()),
        waiting: m.window_batches as u64,
        delivered: m.counts.delivered,
        refused: m.counts.refused,
        dropped: m.counts.dropped,
        cache: CacheView {
            batches: cache.entries,
            samples: cache.samples,
            bytes: cache.bytes_on_disk,
            bytes_max: cache.bytes_max,
            oldest_ms: cache.oldest_ms,
            hours_left: m.hours_left,
            error: m.cache_error.map(|e| format!("memory only: {e}")),
        },
    }
}

/// Hands one uplink what the hub sends on.
struct ToUplink {
    handle: UplinkHandle,
    streams: Mutex<HashMap<DeviceId, Stream>>,
}

impl ToUplink {
    fn streams(&self) -> MutexGuard<'_, HashMap<DeviceId, Stream>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Outlet for ToUplink {
    fn samples(&self, device: &DeviceId, _: &[Point], samples: &[Sample], now: Now) {
        // The hub tells of a device before it passes on its samples.
        let Some(stream) = self.streams().get(device).copied() else { return };
        if let Err(error) = self.handle.publish(stream, samples, now) {
            tracing::error!(%device, %error, "Samples could not be sealed");
        }
    }

    fn event(&self, event: &Event, _: Now) {
        self.handle.event(event);
    }

    fn catalog(&self, device: &DeviceId, points: Option<&[Point]>) {
        self.handle.set_device(device, points);
        match points {
            Some(p) => self.streams().insert(device.clone(), self.handle.stream(device, p)),
            None => self.streams().remove(device),
        };
    }

    fn alarm(&self, id: &str, alarm: Option<&Alarm>, since: Now) {
        self.handle.set_alarm(id, alarm, since);
    }
}
