//! The running uplink: its handle for the program, and its task.

use crate::cache_thread::{self, Done};
use crate::command::{Incoming, ReplyTo};
use crate::config::{ConfigError, UplinkConfig};
use crate::encode::Beginnings;
use crate::ending::{Ended, SETTLED, Why};
use crate::link::Dialer;
use crate::message::{self, Alarm, Event, millis};
use crate::metrics::{Metrics, State};
use crate::pace::PACE;
use crate::shared::{Inner, Shared, reply_note};
use crate::spill::Job;
use rumqttc::v5::EventLoop;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{Receiver, UnboundedReceiver, channel};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until};
use wellhead_model::{Clock, DeviceId, Now, Point, PointIndex, Sample};
use wellhead_store::{Cache, Incident};

/// Commands waiting for the program; beyond, the requester is told that the gateway is busy.
const COMMANDS_MAX: usize = 64;
/// How often lateness is looked for.
const TICK: Duration = Duration::from_millis(100);
const HEALTH_EVERY: Duration = Duration::from_secs(30);
/// Soon after a start, so that nobody has to wait to see the box is well.
const HEALTH_FIRST: Duration = Duration::from_secs(2);
/// Delivered numbers are noted this seldom, to be quiet on flash.
const MARKS_EVERY: Duration = Duration::from_secs(60);
/// While the backlog goes out, removals are made durable this often: what a kill undoes of them is
/// repeated.
const SYNC_AFTER_REMOVAL: Duration = Duration::from_secs(5);
const STATS_EVERY: Duration = Duration::from_secs(10);

/// Names a device's stream of this uplink; see [`UplinkHandle::stream`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stream(usize);

/// What can go wrong at the handle.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message is its own description")]
pub enum UplinkError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("can't start the cache's thread: {0}")]
    Thread(#[from] std::io::Error),
    #[error("the uplink is stopping and takes nothing more")]
    Stopped,
    #[error("the stream belongs to another uplink")]
    UnknownStream,
    #[error("a message of {0} bytes is too large; one sample has at most {max}", max = crate::BATCH_BYTES_MAX)]
    TooLarge(usize),
    #[error("sample of a point that is not in the table: {0:?}")]
    UnknownPoint(PointIndex),
}

/// What is known when the gateway starts, from `wellhead_store::BootCounter` and from opening
/// the cache.
#[derive(Debug, Clone, Default)]
pub struct Boot {
    /// Names this start; never used before: `12-9f3a61c2`.
    pub id: String,
    /// Whether the run before ended cleanly, if anyone knows.
    pub clean: Option<bool>,
    /// Damage met on opening the cache; told as events.
    pub incidents: Vec<Incident>,
    /// Why the cache lies in memory and not on disk, if it does; told by event and in `health`.
    pub memory_only: Option<String>,
}

/// Starts uplinks.
#[derive(Debug)]
pub struct Uplink;

impl Uplink {
    /// Starts one uplink on the current runtime. It runs until [`UplinkHandle::shutdown`]; the
    /// join handle then ends.
    pub fn start(
        config: UplinkConfig,
        cache: Box<dyn Cache>,
        clock: Arc<dyn Clock>,
        boot: &Boot,
    ) -> Result<(UplinkHandle, Receiver<Incoming>, JoinHandle<()>), UplinkError> {
        config.check()?;
        let mut first = message::restarts(&cache.marks(), boot.clean);
        first.extend(boot.incidents.iter().map(message::damaged));
        first.extend(boot.memory_only.as_deref().map(message::memory_only));
        let (jobs, done) = cache_thread::start(cache)?;
        let (commands, incoming) = channel(COMMANDS_MAX);
        let shared = Arc::new(Shared::new(config, clock, boot, jobs, commands));
        let will = shared.status("offline", None, &boot.id).payload;
        let dialer = Dialer::new(&shared.config, will)?;
        for event in &first {
            shared.event(event);
        }
        let runner = Runner::new(shared.clone(), dialer, done);
        let task = tokio::spawn(runner.run());
        Ok((UplinkHandle { shared }, incoming, task))
    }
}

/// The program's side of an uplink. Cheap to clone; nothing here waits.
#[derive(Clone)]
pub struct UplinkHandle {
    shared: Arc<Shared>,
}

impl std::fmt::Debug for UplinkHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UplinkHandle").field("uplink", &self.shared.config.name).finish()
    }
}

impl UplinkHandle {
    /// The stream of a device, to publish on. Its samples point into `points`, until this is
    /// called again with others.
    pub fn stream(&self, device: &DeviceId, points: &[Point]) -> Stream {
        let core = &mut self.shared.lock().core;
        let stream = core.stream(&format!("data/{device}"));
        core.streams[stream].beginnings = Beginnings::of(points);
        Stream(stream)
    }

    /// Seals samples into a numbered batch, which from here on is delivered or its loss told.
    /// All must be of the stream's device; `now` is when they are sealed. Never waits.
    pub fn publish(&self, stream: Stream, samples: &[Sample], now: Now) -> Result<(), UplinkError> {
        self.shared.publish(stream.0, samples, now)
    }

    /// Tells an event; it travels like samples.
    pub fn event(&self, event: &Event) {
        self.shared.event(event);
    }

    /// Answers a command. Kept over a lost connection, but not over a restart.
    pub fn reply(&self, to: ReplyTo, body: &serde_json::Value) {
        let now = self.shared.now();
        let mut inner = self.shared.lock();
        inner.core.note(reply_note(to, body), true);
        self.shared.pump(&mut inner, now);
    }

    /// Publishes the catalog of a device; `None` removes that of one that is gone.
    pub fn set_device(&self, device: &DeviceId, points: Option<&[Point]>) {
        let now = self.shared.now();
        let mut inner = self.shared.lock();
        inner.set_device(&self.shared.config.root, device, points);
        self.shared.pump(&mut inner, now);
    }

    /// Publishes an alarm that became active at `now`, retained, or clears it.
    pub fn set_alarm(&self, id: &str, alarm: Option<&Alarm>, since: Now) {
        let now = self.shared.now();
        let mut inner = self.shared.lock();
        inner.set_alarm(&self.shared.config.root, id, alarm.map(|a| (a, since)));
        self.shared.pump(&mut inner, now);
    }

    /// Its name to the broker, which no other client of that broker may have.
    pub fn client_id(&self) -> &str {
        &self.shared.config.client_id
    }

    /// How many devices there are and how many answer, for `health`.
    pub fn set_devices(&self, total: u32, up: u32) {
        self.shared.lock().devices = (total, up);
    }

    /// A snapshot of state and counts.
    pub fn metrics(&self) -> Metrics {
        let now = self.shared.now();
        let mut inner = self.shared.lock();
        let state = self.shared.state(&inner);
        let bytes_per_second = inner.rate.get(now);
        let hours_left = inner.hours_left(now);
        let core = &inner.core;
        Metrics {
            state,
            connected_since: inner.connected_since,
            connections: inner.connection,
            window_batches: core.window_batches(),
            window_bytes: core.window_bytes(),
            in_flight: core.flights.len(),
            parked: core.backlog.parked_len(),
            counts: core.counts,
            ack_latency: core.ack_latency,
            bytes_per_second,
            cache: inner.cache_stats.clone(),
            cache_error: inner.cache_error().map(str::to_owned),
            link_error: inner.link_error.as_ref().map(|e| e.error.clone()),
            closed_early: inner.closings.in_a_row,
            trouble: inner.trouble(),
            hours_left,
        }
    }

    /// Stops: nothing more is taken, acknowledgements are awaited for up to three fifths of
    /// `within`, the rest goes to the cache, `status` says offline, the cache is closed. Await
    /// the join handle for the end, which comes within `within` if the disk answers.
    pub fn shutdown(&self, within: Duration) {
        let mut inner = self.shared.lock();
        inner.stop_within = Some(within);
        inner.core.draining = true;
        drop(inner);
        self.shared.stop.notify_one();
    }
}

/// The task behind the handle: makes connections and remakes them, looks for lateness, and stops.
struct Runner {
    shared: Arc<Shared>,
    dialer: Dialer,
    done: UnboundedReceiver<Done>,
    connection: Option<JoinHandle<Ended>>,
    dial_at: Instant,
    /// A connection that ends now is not made again: the broker would see the gateway come back
    /// and then vanish, and the will would take the place of the orderly goodbye.
    stopping: bool,
    failures: u64,
    /// What was told last of why there is no connection.
    told: Option<Why>,
    tick: tokio::time::Interval,
    health_at: Instant,
    synced_at: Instant,
    stats_at: Instant,
}

impl Runner {
    fn new(shared: Arc<Shared>, dialer: Dialer, done: UnboundedReceiver<Done>) -> Self {
        let now = Instant::now();
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            shared,
            dialer,
            done,
            connection: None,
            dial_at: now,
            stopping: false,
            failures: 0,
            told: None,
            tick,
            health_at: now + HEALTH_FIRST,
            synced_at: now,
            stats_at: now,
        }
    }

    async fn run(mut self) {
        let shared = self.shared.clone();
        let within = loop {
            if let Some(within) = shared.lock().stop_within {
                break within;
            }
            self.step().await;
        };
        self.stop(within).await;
    }

    /// Waits for one thing to happen and deals with it.
    async fn step(&mut self) {
        let shared = self.shared.clone();
        let paced = shared.lock().core.is_paced();
        tokio::select! {
            ended = ended(&mut self.connection) => self.lost(ended),
            () = sleep_until(self.dial_at), if self.connection.is_none() && !self.stopping => {
                self.dial();
            }
            Some(done) = self.done.recv() => shared.on_cache(done),
            _ = self.tick.tick() => self.ticked(),
            () = sleep(PACE), if paced => self.pump(),
            () = shared.stop.notified() => {}
        }
    }

    fn dial(&mut self) {
        let (link, events) = match self.dialer.dial() {
            Ok(dialled) => dialled,
            Err(error) => return self.lost(Ended::other(error)),
        };
        let mut inner = self.shared.lock();
        inner.connection += 1;
        inner.link = Some(link);
        let connection = inner.connection;
        drop(inner);
        // A task of its own, so that a panic inside rumqttc is one more lost connection.
        self.connection = Some(tokio::spawn(drive(self.shared.clone(), connection, events)));
    }

    fn lost(&mut self, ended: Ended) {
        self.connection = None;
        let now = self.shared.now();
        let mut guard = self.shared.lock();
        let inner = &mut *guard;
        let was_up = inner.connected_since.take().is_some();
        inner.link = None;
        inner.link_error = Some(ended.clone());
        inner.core.disconnected();
        let stood = now.saturating_sub(inner.connected_at);
        let contested = was_up && !self.stopping && inner.closings.ended(ended.why, stood);
        if contested {
            self.shared.tell_contested(inner, now);
        }
        let quiet = inner.closings.is_trouble();
        let pause = inner.backoff.next(&inner.closings);
        drop(guard);
        self.dial_at = Instant::now() + pause;
        self.failures = if was_up { 1 } else { self.failures + 1 };
        let new = (was_up && !quiet) || self.told != Some(ended.why);
        self.told = Some(ended.why);
        match self.stopping {
            true => tracing::debug!(uplink = self.shared.config.name, "Connection ended"),
            false => self.shared.tell_lost(&ended, new, self.failures),
        }
    }

    fn ticked(&mut self) {
        let (now, instant) = (self.shared.now(), Instant::now());
        let mut guard = self.shared.lock();
        let inner = &mut *guard;
        if inner.core.is_stalled(now)
            && let Some(task) = &self.connection
        {
            task.abort();
        }
        if instant >= self.stats_at {
            self.stats_at = instant + STATS_EVERY;
            inner.ask(now, Job::Stats);
        }
        let removed = inner.removals_unsynced && instant >= self.synced_at + SYNC_AFTER_REMOVAL;
        if removed || instant >= self.synced_at + MARKS_EVERY {
            self.synced_at = instant;
            note_marks(inner, now);
        }
        if inner.core.is_online() {
            if now.saturating_sub(inner.connected_at) >= SETTLED {
                self.shared.tell_settled(inner, now);
            }
            if instant >= self.health_at {
                self.health_at = instant + HEALTH_EVERY;
                let note = self.health(inner, now);
                inner.core.note(note, false);
            }
        }
        self.shared.pump(inner, now);
    }

    fn health(&self, inner: &mut Inner, now: Duration) -> crate::core::Note {
        let c = inner.core.counts;
        let (total, up) = inner.devices;
        let state: State = self.shared.state(inner);
        let body = serde_json::json!({
            "v": 1,
            "t": self.shared.clock.now().utc.0,
            "boot": &*inner.core.boot,
            "uptime_s": now.as_secs(),
            "devices": {"total": total, "up": up},
            "uplink": {
                "state": state.word(),
                "connections": inner.connection,
                "closed_early": inner.closings.in_a_row,
                "in_flight": inner.core.flights.len(),
                "window_bytes": inner.core.window_bytes(),
                "ack_ms": millis(inner.core.ack_latency),
                "sealed": c.sealed, "delivered": c.delivered, "spilled": c.spilled,
                "refused": c.refused, "dropped": c.dropped,
            },
            "cache": inner.cache_health(now),
        });
        crate::core::Note {
            topic: format!("{}/health", self.shared.config.root),
            payload: body.to_string().into(),
            retain: false,
            correlation: None,
            keep: false,
        }
    }

    /// Goes on until `finished` or `until`.
    async fn go_on(&mut self, until: Instant, finished: impl Fn(&Inner) -> bool) {
        let shared = self.shared.clone();
        while !finished(&shared.lock()) {
            tokio::select! {
                () = self.step() => {}
                () = sleep_until(until) => return,
            }
        }
    }

    async fn stop(mut self, within: Duration) {
        let shared = self.shared.clone();
        let start = Instant::now();
        self.stopping = true;
        // Offline there is nothing to wait for.
        self.go_on(start + within * 3 / 5, |i| !i.core.is_online() || !i.core.awaits_broker())
            .await;
        shared.lock().core.spill.all = true;
        self.pump();
        self.go_on(start + within * 4 / 5, |i| i.core.is_safe()).await;
        if self.say_offline() {
            self.go_on(start + within * 9 / 10, |i| !i.core.awaits_broker()).await;
            self.disconnect();
            self.go_on(start + within * 9 / 10, |i| i.link.is_none()).await;
        }
        self.close_cache();
        self.go_on(start + within, |i| i.cache_closed.is_some()).await;
        if let Some(task) = &self.connection {
            task.abort();
        }
        let inner = shared.lock();
        match &inner.cache_closed {
            Some(Ok(())) => {}
            Some(Err(error)) => {
                tracing::error!(uplink = %shared.config.name, error, "Cache not closed")
            }
            None => tracing::error!(uplink = %shared.config.name, "Cache not closed in time"),
        }
    }

    /// Queues the last `status`; `false` if there is no connection to send it on.
    fn say_offline(&self) -> bool {
        let mut inner = self.shared.lock();
        if !inner.core.is_online() {
            return false;
        }
        let note = self.shared.status("offline", Some("stopped"), &inner.core.boot);
        inner.core.note(note, true);
        let now = self.shared.now();
        self.shared.pump(&mut inner, now);
        true
    }

    fn disconnect(&self) {
        if let Some(link) = &self.shared.lock().link
            && !link.disconnect()
        {
            tracing::debug!(uplink = %self.shared.config.name, "No goodbye said; the will speaks");
        }
    }

    fn close_cache(&self) {
        let now = self.shared.now();
        let mut inner = self.shared.lock();
        note_marks(&mut inner, now);
        let clean = inner.core.is_safe() && !inner.core.spill.is_failed();
        inner.ask(now, Job::Close { clean });
    }

    fn pump(&self) {
        let now = self.shared.now();
        self.shared.pump(&mut self.shared.lock(), now);
    }
}

fn note_marks(inner: &mut Inner, now: Duration) {
    let marks = inner.core.take_marks();
    if !marks.is_empty() || std::mem::take(&mut inner.removals_unsynced) {
        inner.ask(now, Job::Marks(marks));
    }
}

async fn ended(connection: &mut Option<JoinHandle<Ended>>) -> Ended {
    match connection {
        Some(task) => {
            task.await.unwrap_or_else(|e| Ended::other(format!("the connection's task ended: {e}")))
        }
        None => std::future::pending().await,
    }
}

/// Polls one connection until it ends; returns why.
async fn drive(shared: Arc<Shared>, connection: u64, mut events: EventLoop) -> Ended {
    loop {
        match events.poll().await {
            Ok(event) => shared.on_event(connection, event),
            Err(error) => return error.into(),
        }
    }
}
