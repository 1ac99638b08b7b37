//! `wellhead run`: the gateway itself.

use super::{Lang, Outcome, shipped};
use crate::admin::{self, Desk};
use crate::clock::{SPEED_MAX, Scale, ScaledClock, SystemClock};
use crate::config::{self, LogFormat, Outputs, Site};
use crate::control::{Control, Ledger, Wake};
use crate::hub::{AlarmFile, Event, Hub};
use crate::metrics;
use crate::northbound::Northbound;
use crate::plugins::{Changes, Plugins, Sources, Surroundings};
use crate::servers::bacnet::Shown;
use crate::servers::modbus::Modbus;
use crate::supervise::{Setup, Supervisor};
use anyhow::Context;
use clap::Args;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, MissedTickBehavior};
use wellhead_model::{Clock, Timestamp};

/// Runs the gateway until SIGTERM or Ctrl-C; SIGHUP reads the configuration again.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  wellhead run site.toml")]
pub(super) struct Run {
    /// The site file, or a folder of *.toml
    #[arg(default_value = "/etc/wellhead/site.toml")]
    site: PathBuf,
    /// For a simulated plant that lives faster: seconds of the plant in one real second, up to 60
    #[arg(long, value_name = "N", value_parser = speed, requires = "start")]
    speed: Option<f64>,
    /// With --speed: the plant's local time at the start, as in 2026-07-01T08:00
    #[arg(long, value_name = "TIME", requires = "speed")]
    start: Option<jiff::civil::DateTime>,
    /// Run plugins that nobody signed, for development on a plant that can't be harmed
    #[arg(long)]
    development: bool,
}

/// Plugins get this long to save their state.
const PLUGINS_STOP: Duration = Duration::from_millis(500);
/// Lines get this long to finish a poll under way; the uplinks get the rest of the five seconds
/// that a stop may take.
const LINES_STOP: Duration = Duration::from_millis(1500);
const UPLINKS_STOP: Duration = Duration::from_millis(3000);

impl Run {
    /// Runs until told to stop.
    pub(super) async fn run(self, lang: Lang) -> anyhow::Result<Outcome> {
        let site = match config::load(&self.site, &shipped()) {
            Ok((site, report)) => {
                err!("{}", report.render(lang));
                site
            }
            Err(report) => {
                err!("{}", report.render(lang));
                return Ok(Outcome::Wrong);
            }
        };
        start_log(&site);
        let clocks = match (self.speed, self.start) {
            (Some(speed), Some(start)) => Clocks::scaled(speed, start, &site.timezone)?,
            _ => Clocks::system(),
        };
        let mut program = Program::start(self.site, site, clocks, self.development).await?;
        program.until_stopped().await?;
        program.stop().await;
        Ok(Outcome::Done)
    }
}

fn speed(text: &str) -> Result<f64, String> {
    let speed = text.parse().ok().filter(|s| (1.0..=SPEED_MAX).contains(s));
    speed.ok_or_else(|| format!("a number from 1 to {SPEED_MAX}"))
}

/// The clocks of one run.
struct Clocks {
    system: Arc<SystemClock>,
    /// What lines and uplinks run on.
    lines: Arc<dyn Clock>,
    /// What control and plugins run on.
    plant: Arc<dyn Clock>,
}

impl Clocks {
    fn system() -> Self {
        let system = Arc::new(SystemClock::new());
        Self { lines: system.clone(), plant: system.clone(), system }
    }

    fn scaled(speed: f64, start: jiff::civil::DateTime, zone: &str) -> anyhow::Result<Self> {
        let start = start.in_tz(zone).with_context(|| format!("time zone {zone}"))?;
        let start = Timestamp(start.timestamp().as_millisecond());
        let (lines, plant) = ScaledClock::pair(Scale { start, speed });
        let system = Arc::new(SystemClock::new());
        Ok(Self { system, lines: Arc::new(lines), plant: Arc::new(plant) })
    }
}

/// Answers the tools on this box, and whoever collects metrics.
fn serve(desk: Desk, listener: tokio::net::UnixListener, metrics: Option<std::net::SocketAddr>) {
    tokio::spawn(admin::serve(listener, desk.clone()));
    let Some(address) = metrics else { return };
    tokio::spawn(async move {
        if let Err(error) = metrics::serve(address, desk).await {
            tracing::error!(%address, %error, "No metrics page");
        }
    });
}

fn start_log(site: &Site) {
    use std::io::IsTerminal;
    use tracing_subscriber::EnvFilter;
    let level = format!("{:?}", site.gateway.log).to_lowercase();
    // RUST_LOG overrides, for the one who looks for a fault. rumqttc logs what we handle.
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new(format!("{level},rumqttc=off,sled=warn")));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // It would be told on standard error itself, and panic there: a gateway must not die because
        // its log's reader went away.
        .log_internal_errors(false)
        .with_ansi(std::io::stderr().is_terminal());
    // A second subscriber can only come from a test in this process; the first one stays.
    let _ = match site.gateway.log_format {
        LogFormat::Json => log.json().try_init(),
        LogFormat::Text => log.with_target(false).try_init(),
    };
}

struct Program {
    path: PathBuf,
    /// The site, but for what a reload changes.
    site: Site,
    clock: Arc<SystemClock>,
    hub: Arc<Hub>,
    control: Arc<Control>,
    supervisor: Supervisor,
    northbound: Northbound,
    plugins: Arc<Plugins>,
    modbus: Modbus,
    socket: PathBuf,
}

impl Program {
    async fn start(
        path: PathBuf,
        site: Site,
        clocks: Clocks,
        development: bool,
    ) -> anyhow::Result<Self> {
        let data_dir = &site.gateway.data_dir;
        std::fs::create_dir_all(data_dir)
            .with_context(|| format!("can't make the data folder {}", data_dir.display()))?;
        // The socket is also the lock: a second gateway on the same folder ends here.
        let socket = admin::socket_path(data_dir);
        let listener = admin::listen(&socket).await?;
        let setup = Setup::of(&site);
        let mut northbound = Northbound::start(&site, Arc::clone(&clocks.lines))?;
        let (alarms, left) = AlarmFile::open(data_dir.join("alarms.json"));
        let wake = Wake::default();
        let changes = Changes::default();
        let mut outlets = northbound.outlets();
        outlets.push(Box::new(alarms));
        outlets.push(Box::new(wake.clone()));
        outlets.push(Box::new(changes.clone()));
        let shown = Shown::new(site.bacnet.as_ref());
        outlets.push(Box::new(shown.clone()));
        let hub = Arc::new(Hub::new(Arc::clone(&clocks.lines), outlets));
        let (ledger, damage) = Ledger::open(data_dir.join("outputs.json"));
        let (plant, commands) = (Arc::clone(&clocks.plant), site.gateway.commands);
        let control = Control::new(Arc::clone(&hub), plant, ledger, commands, &site.control, wake);
        let mut supervisor = Supervisor::new(Arc::clone(&hub), Arc::clone(&control));
        supervisor.apply(setup).await;
        if let Some(damage) = damage {
            tracing::error!(%damage, "The ledger of outputs is lost; what was held is unknown");
            hub.event(Event::new("ledger_damaged", damage));
        }
        control.start();
        hub.forget_alarms(left);
        northbound.take_commands(&control);
        if let Some(settings) = &site.bacnet {
            shown.start(settings, &hub, &control);
        }
        let mut modbus = Modbus::new(Arc::clone(&hub), Arc::clone(&control));
        modbus.apply(site.modbus.clone()).await;
        let around = Surroundings {
            hub: Arc::clone(&hub),
            control: Arc::clone(&control),
            clock: Arc::clone(&clocks.plant),
            changes,
            sources: Sources::open(data_dir, development)?,
            zone: jiff::tz::TimeZone::get(&site.timezone)?,
            states: data_dir.join("plugin-state"),
        };
        let plugins = Arc::new(Plugins::new(around)?);
        start_plugins(&plugins, site.plugins.clone());
        let desk = Desk {
            name: format!("{}/{}", site.id, site.gateway.id),
            timezone: site.timezone.clone(),
            hub: Arc::clone(&hub),
            control: Arc::clone(&control),
            uplinks: northbound.views(),
            plugins: Arc::clone(&plugins),
        };
        serve(desk, listener, site.gateway.metrics);
        tracing::info!(
            site = site.id,
            gateway = site.gateway.id,
            devices = site.devices.len(),
            version = env!("CARGO_PKG_VERSION"),
            "Running"
        );
        let (site, clock) = (fixed_part(site), clocks.system);
        give_back_memory();
        Ok(Self {
            path,
            site,
            clock,
            hub,
            control,
            supervisor,
            northbound,
            plugins,
            modbus,
            socket,
        })
    }

    async fn until_stopped(&mut self) -> anyhow::Result<()> {
        let mut hangup = signal(SignalKind::hangup())?;
        let mut end = Ends::new()?;
        let mut second = tokio::time::interval(Duration::from_secs(1));
        second.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let watchdog = sd_notify::watchdog_enabled();
        notify(&[sd_notify::NotifyState::Ready]);
        let mut fed = Instant::now();
        loop {
            tokio::select! {
                () = end.recv() => return Ok(()),
                _ = hangup.recv() => self.reload().await,
                _ = second.tick() => {
                    self.clock.refresh();
                    self.hub.tick();
                    let (total, up) = self.hub.census();
                    self.northbound.tell_devices(total, up);
                    // Fed only from here: if this loop or the hub hangs, systemd restarts us.
                    if watchdog.is_some_and(|w| fed.elapsed() >= w / 3) {
                        notify(&[sd_notify::NotifyState::Watchdog]);
                        fed = Instant::now();
                    }
                }
            }
        }
    }

    async fn reload(&mut self) {
        let reloading = sd_notify::NotifyState::monotonic_usec_now();
        if let Ok(now) = reloading {
            notify(&[sd_notify::NotifyState::Reloading, now]);
        }
        self.read_again().await;
        notify(&[sd_notify::NotifyState::Ready]);
    }

    async fn read_again(&mut self) {
        let refuse = |hub: &Hub, why: String, zh: String| {
            tracing::error!(%why, "New configuration refused; the old one stays");
            hub.event(Event::new("config_refused", why).zh(zh));
        };
        let site = match config::load(&self.path, &shipped()) {
            Ok((site, _)) => site,
            Err(report) => {
                let n = report.errors();
                let first = report.render(Lang::En);
                return refuse(
                    &self.hub,
                    format!(
                        "{n} mistake{}; `wellhead check` shows all: {first}",
                        if n == 1 { "" } else { "s" }
                    ),
                    format!("{n} 个错误；`wellhead check` 列出全部：{}", report.render(Lang::Zh)),
                );
            }
        };
        let (setup, plugins) = (Setup::of(&site), site.plugins.clone());
        let (outputs, modbus) = (site.control.clone(), site.modbus.clone());
        let changed = fixed_changes(&self.site, &site);
        if !changed.is_empty() {
            let why = format!("{} changed, which takes a restart", changed.join(", "));
            let zh = format!("{} 有改动，须重启网关才能生效", changed.join("、"));
            return refuse(&self.hub, why, zh);
        }
        self.control.hold_writes();
        let c = self.supervisor.apply(setup).await;
        self.control.apply(&outputs);
        self.modbus.apply(modbus).await;
        start_plugins(&self.plugins, plugins);
        give_back_memory();
        tracing::info!(added = ?c.added, changed = ?c.changed, removed = ?c.removed, "Configuration read again");
        let text = format!(
            "configuration read again: {} added, {} changed, {} removed",
            c.added.len(),
            c.changed.len(),
            c.removed.len()
        );
        let zh = format!(
            "已重新读取配置：新增 {}，改动 {}，删除 {}",
            c.added.len(),
            c.changed.len(),
            c.removed.len()
        );
        let event = Event::new("config_reloaded", text).zh(zh);
        let event = event.with("added", c.added).with("changed", c.changed);
        self.hub.event(event.with("removed", c.removed));
    }

    async fn stop(mut self) {
        notify(&[sd_notify::NotifyState::Stopping]);
        tracing::info!("Stopping");
        self.modbus.apply(None).await;
        // First: what they hold is to be back at its safe value while lines still write.
        if tokio::time::timeout(PLUGINS_STOP, self.plugins.stop()).await.is_err() {
            tracing::warn!("A plugin did not stop in time");
        }
        if tokio::time::timeout(LINES_STOP, self.supervisor.stop()).await.is_err() {
            tracing::warn!("A line did not finish its poll in time");
        }
        self.northbound.stop(UPLINKS_STOP).await;
        let _ = std::fs::remove_file(&self.socket);
        tracing::info!("Stopped");
    }
}

/// All of a site but its lines, devices, points, interlocks, plugins and Modbus server: what a
/// reload can't change.
fn fixed_part(site: Site) -> Site {
    let control = Outputs::default();
    Site {
        lines: Vec::new(),
        devices: Vec::new(),
        plugins: Vec::new(),
        control,
        modbus: None,
        ..site
    }
}

/// Sections of the site file that a reload can't change and that differ.
fn fixed_changes(old: &Site, new: &Site) -> Vec<&'static str> {
    let head = |s: &Site| [&s.id, &s.title, &s.title_zh, &s.timezone].map(String::clone);
    let sections = [
        ("[site]", head(old) != head(new)),
        ("[gateway]", old.gateway != new.gateway),
        ("[cache]", old.cache != new.cache),
        ("[uplink]", old.uplinks != new.uplinks),
        ("[server.bacnet]", old.bacnet != new.bacnet),
    ];
    sections.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
}

/// Starts, exchanges and stops plugins beside the rest: compiling one may take seconds.
fn start_plugins(plugins: &Arc<Plugins>, wanted: Vec<crate::config::Plugin>) {
    let plugins = Arc::clone(plugins);
    tokio::spawn(async move { plugins.apply(&wanted).await });
}

/// Reading a large site takes many times the memory that running it does; what was freed since
/// is given back to the system.
fn give_back_memory() {
    #[cfg(target_env = "gnu")]
    // SAFETY: takes no pointer and may be called at any time from any thread.
    #[expect(unsafe_code, reason = "the allocator's own call; there is no wrapper")]
    unsafe {
        libc::malloc_trim(0);
    }
}

fn notify(state: &[sd_notify::NotifyState<'_>]) {
    // Without systemd there is nobody to tell.
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!(%error, "systemd could not be told");
    }
}

/// SIGTERM and SIGINT.
struct Ends {
    term: Signal,
    int: Signal,
}

impl Ends {
    fn new() -> std::io::Result<Self> {
        Ok(Self { term: signal(SignalKind::terminate())?, int: signal(SignalKind::interrupt())? })
    }

    async fn recv(&mut self) {
        tokio::select! {
            _ = self.term.recv() => {}
            _ = self.int.recv() => {}
        }
    }
}
