//! What the program's handle, the connection's task and the uplink's own task work on together.

use crate::UplinkConfig;
use crate::cache_thread::Done;
use crate::command::{Incoming, ReplyTo, receive};
use crate::core::{Core, Note, Online};
use crate::ending::{Backoff, Closings, Ended, Why};
use crate::link::{Link, refusal};
use crate::message::{self, Alarm, Event};
use crate::metrics::{LinkTrouble, Rate, State, hours_left};
use crate::spill::Job;
use crate::{BATCH_BYTES_MAX, Boot, UplinkError, encode};
use bytes::Bytes;
use rumqttc::Outgoing;
use rumqttc::v5::mqttbytes::v5::{ConnAck, Packet, Publish, SubscribeReasonCode};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;
use wellhead_model::{Clock, DeviceId, Now, Point, Sample, Timestamp};
use wellhead_store::Stats;

/// Name of the stream that carries events.
pub(crate) const EVENTS: &str = "event";
/// Packet size assumed when the broker names none: MQTT's own largest.
const PACKET_MAX: usize = 268_435_455;
/// Publishes in flight that a broker takes when it names no number (MQTT 5 §3.2.2.3.3).
const RECEIVE_MAX: u16 = u16::MAX;
/// Samples of one message at most, so that a huge one is cut before and not after sealing.
const BATCH_SAMPLES_MAX: usize = 500;

pub(crate) struct Shared {
    pub(crate) config: UplinkConfig,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) started: Instant,
    /// When the program started, for `status`.
    pub(crate) since: Timestamp,
    pub(crate) inner: Mutex<Inner>,
    /// The program asked to stop.
    pub(crate) stop: Notify,
}

pub(crate) struct Inner {
    pub(crate) core: Core,
    catalogs: BTreeMap<DeviceId, Bytes>,
    /// By id; what is over is empty.
    alarms: BTreeMap<String, Bytes>,
    pub(crate) link: Option<Link>,
    /// Counts connections, so that a late word from a dead one is not taken for the living.
    pub(crate) connection: u64,
    pub(crate) connected_since: Option<Timestamp>,
    /// When it was made, as [`Shared::now`] has it.
    pub(crate) connected_at: Duration,
    pub(crate) backoff: Backoff,
    pub(crate) closings: Closings,
    /// Why there is no connection.
    pub(crate) link_error: Option<Ended>,
    jobs: mpsc::Sender<Job>,
    incoming: tokio::sync::mpsc::Sender<Incoming>,
    pub(crate) cache_stats: Option<Stats>,
    pub(crate) cache_closed: Option<Result<(), String>>,
    pub(crate) rate: Rate,
    pub(crate) devices: (u32, u32),
    pub(crate) stop_within: Option<Duration>,
    pub(crate) removals_unsynced: bool,
    pub(crate) refused_told: bool,
    /// Why the cache lies in memory and not on disk, if it does.
    memory_only: Option<String>,
    body: Vec<u8>,
}

impl Shared {
    pub(crate) fn new(
        config: UplinkConfig,
        clock: Arc<dyn Clock>,
        boot: &Boot,
        jobs: mpsc::Sender<Job>,
        incoming: tokio::sync::mpsc::Sender<Incoming>,
    ) -> Self {
        let core = Core::new(config.root.clone(), boot.id.as_str().into(), config.window_bytes);
        let inner = Inner {
            core,
            catalogs: BTreeMap::new(),
            alarms: BTreeMap::new(),
            link: None,
            connection: 0,
            connected_since: None,
            connected_at: Duration::ZERO,
            backoff: Backoff::default(),
            closings: Closings::default(),
            link_error: None,
            jobs,
            incoming,
            cache_stats: None,
            cache_closed: None,
            rate: Rate::default(),
            devices: (0, 0),
            stop_within: None,
            removals_unsynced: false,
            refused_told: false,
            memory_only: boot.memory_only.clone(),
            body: Vec::new(),
        };
        let since = clock.now().utc;
        let inner = Mutex::new(inner);
        Self { config, clock, started: Instant::now(), since, inner, stop: Notify::new() }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Real time since the start. Transport keeps to it even where the demo's clock is scaled.
    pub(crate) fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// Seals samples of one stream and sends them if the broker may have them now.
    pub(crate) fn publish(
        &self,
        stream: usize,
        samples: &[Sample],
        stamp: Now,
    ) -> Result<(), UplinkError> {
        let now = self.now();
        let mut guard = self.lock();
        let inner = &mut *guard;
        if inner.stop_within.is_some() {
            return Err(UplinkError::Stopped);
        }
        for samples in samples.chunks(BATCH_SAMPLES_MAX) {
            inner.seal_samples(now, stream, stamp.utc, stamp.synced, samples)?;
        }
        self.pump(inner, now);
        Ok(())
    }

    pub(crate) fn event(&self, event: &Event) {
        let now = self.now();
        let mut guard = self.lock();
        self.seal_event(&mut guard, now, event);
        self.pump(&mut guard, now);
    }

    pub(crate) fn seal_event(&self, inner: &mut Inner, now: Duration, event: &Event) {
        let stamp = self.clock.now();
        let stream = inner.core.stream(EVENTS);
        let seq = inner.core.streams[stream].seq_next;
        let body = &mut inner.body;
        body.clear();
        body.push(b'{');
        message::event(body, &inner.core.boot, seq, stamp.synced, stamp.utc, event);
        if body.len() > BATCH_BYTES_MAX {
            body.truncate(1);
            let short = event.shortened();
            message::event(body, &inner.core.boot, seq, stamp.synced, stamp.utc, &short);
        }
        let message = Bytes::copy_from_slice(body);
        inner.rate.add(now, message.len());
        inner.core.seal(now, stream, 1, stamp.utc.0, message);
    }

    /// Does all that can be done now: tells what must be told, sends, asks the cache.
    pub(crate) fn pump(&self, inner: &mut Inner, now: Duration) {
        for notice in inner.core.take_notices(now) {
            if let Some(event) = self.told(inner, notice) {
                self.seal_event(inner, now, &event);
            }
        }
        if let Some(link) = &mut inner.link {
            while let Some(out) = inner.core.next_send(now) {
                if !link.publish(out) {
                    break;
                }
            }
        }
        while let Some(job) = inner.core.next_job(now) {
            inner.ask(now, job);
        }
    }

    /// Takes a packet that went out or came in on a connection.
    pub(crate) fn on_event(&self, connection: u64, event: rumqttc::v5::Event) {
        use rumqttc::v5::Event::{Incoming, Outgoing as Out};
        let now = self.now();
        let mut guard = self.lock();
        let inner = &mut *guard;
        if inner.connection != connection {
            return;
        }
        match event {
            Out(Outgoing::Publish(pkid)) => {
                if let Some(link) = &mut inner.link {
                    link.numbered(pkid);
                }
                return;
            }
            Incoming(Packet::PubAck(ack)) => {
                let token = inner.link.as_mut().and_then(|l| l.acknowledged(ack.pkid));
                if let Some(token) = token {
                    inner.core.answered(now, token, refusal(ack.reason));
                    inner.backoff.reset();
                }
            }
            Incoming(Packet::ConnAck(ack)) => self.on_connected(inner, now, &ack),
            Incoming(Packet::SubAck(ack)) => {
                let refused =
                    |c: &&SubscribeReasonCode| !matches!(c, SubscribeReasonCode::Success(_));
                if let Some(code) = ack.return_codes.iter().find(refused) {
                    let reason = format!("{code:?}");
                    tracing::error!(uplink = %self.config.name, reason, "Broker refuses the command topic");
                    let text = "the broker does not let the gateway listen for commands";
                    let event = Event::new("subscribe_refused", text).with("reason", reason);
                    let event = event.zh("服务器不允许网关接收命令");
                    self.seal_event(inner, now, &event);
                }
            }
            Incoming(Packet::Publish(p)) => self.on_command(inner, &p),
            Incoming(_) | Out(_) => return,
        }
        self.pump(inner, now);
    }

    fn on_connected(&self, inner: &mut Inner, now: Duration, ack: &ConnAck) {
        let properties = ack.properties.as_ref();
        let receive_max = properties.and_then(|p| p.receive_max).unwrap_or(RECEIVE_MAX);
        // One packet id less than there are: the subscription takes one out of turn, and a
        // publish that then met its own predecessor would stop the line until that is answered.
        let quota = receive_max.min(self.config.inflight_max).saturating_sub(1).max(1);
        let packet_max = properties.and_then(|p| p.max_packet_size);
        let packet_max = packet_max.and_then(|m| usize::try_from(m).ok()).unwrap_or(PACKET_MAX);
        let online = Online { quota: quota.into(), packet_max };
        inner.core.connected(now, online);
        inner.connected_since = Some(self.clock.now().utc);
        inner.connected_at = now;
        inner.link_error = None;
        inner.refused_told = false;
        let (uplink, host) = (&*self.config.name, &*self.config.host);
        let port = self.config.port;
        match inner.closings.is_trouble() {
            false => tracing::info!(uplink, host, port, quota, "Connected"),
            true => tracing::debug!(uplink, host, port, quota, "Connected"),
        }
        if self.config.commands
            && let Some(link) = &inner.link
            && !link.subscribe(&format!("{}/cmd", self.config.root))
        {
            tracing::error!(uplink = %self.config.name, "Command topic not subscribed");
        }
        inner.core.note(self.status("online", None, &inner.core.boot), true);
        inner.note_catalogs(&self.config.root);
        inner.note_alarms(&self.config.root);
    }

    /// The `status` message.
    pub(crate) fn status(&self, state: &str, reason: Option<&str>, boot: &str) -> Note {
        Note {
            topic: format!("{}/status", self.config.root),
            payload: message::status(boot, self.since, &self.config.version, state, reason),
            retain: true,
            correlation: None,
            keep: false,
        }
    }

    fn on_command(&self, inner: &mut Inner, p: &Publish) {
        let properties = p.properties.as_ref();
        let reply = ReplyTo::new(
            &self.config.root,
            properties.and_then(|p| p.response_topic.as_deref()),
            properties.and_then(|p| p.correlation_data.clone()),
        );
        let incoming = Incoming { command: receive(&p.payload), retained: p.retain, reply };
        if let Err(refused) = inner.incoming.try_send(incoming) {
            let Incoming { command, reply, .. } = refused.into_inner();
            let id = match command {
                Ok(command) => Some(command.id.to_string()),
                Err(malformed) => malformed.id,
            };
            let body = serde_json::json!({
                "v": 1, "id": id, "ok": false, "code": "busy", "t": self.clock.now().utc.0,
                "text": "too many commands are waiting; send it again later",
            });
            inner.core.note(reply_note(reply, &body), true);
        }
    }

    /// Takes an answer of the cache's thread.
    pub(crate) fn on_cache(&self, done: Done) {
        let now = self.now();
        let mut guard = self.lock();
        let inner = &mut *guard;
        match done {
            Done::Appended(result) => inner.core.appended(now, result),
            Done::Read { generation, result } => {
                if let Err(error) = inner.core.backlog.read_done(now, generation, result) {
                    tracing::warn!(uplink = %self.config.name, error, "Cache not read");
                }
            }
            Done::Removed(result) => {
                inner.core.backlog.remove_done(now, result.is_ok());
                inner.removals_unsynced = true;
                if let Err(error) = result {
                    tracing::warn!(uplink = %self.config.name, error, "Delivered batches not removed from the cache");
                }
            }
            Done::Stats(stats) => inner.cache_stats = Some(stats),
            Done::Closed(result) => inner.cache_closed = Some(result),
            Done::Damaged(incidents) => {
                for event in incidents.iter().map(message::damaged) {
                    self.seal_event(inner, now, &event);
                }
            }
        }
        self.pump(inner, now);
    }

    pub(crate) fn state(&self, inner: &Inner) -> State {
        let core = &inner.core;
        if core.draining {
            State::Draining
        } else if !core.is_online() || core.is_late(self.now()) {
            State::Spilling
        } else if core.has_backlog() {
            State::CatchingUp
        } else {
            State::Live
        }
    }
}

impl Inner {
    fn seal_samples(
        &mut self,
        now: Duration,
        stream: usize,
        utc: Timestamp,
        synced: bool,
        samples: &[Sample],
    ) -> Result<(), UplinkError> {
        let s = self.core.streams.get(stream).ok_or(UplinkError::UnknownStream)?;
        let body = &mut self.body;
        body.clear();
        body.push(b'{');
        encode::batch(body, &s.beginnings, &self.core.boot, s.seq_next, synced, samples)
            .map_err(UplinkError::UnknownPoint)?;
        if body.len() > BATCH_BYTES_MAX && samples.len() > 1 {
            let (a, b) = samples.split_at(samples.len() / 2);
            self.seal_samples(now, stream, utc, synced, a)?;
            return self.seal_samples(now, stream, utc, synced, b);
        }
        if body.len() > BATCH_BYTES_MAX {
            return Err(UplinkError::TooLarge(body.len()));
        }
        let message = Bytes::copy_from_slice(body);
        self.rate.add(now, message.len());
        let count = u32::try_from(samples.len()).unwrap_or(u32::MAX);
        self.core.seal(now, stream, count, utc.0, message);
        Ok(())
    }

    /// Asks the cache's thread. When it is gone, so is every answer: writes count as failed.
    pub(crate) fn ask(&mut self, now: Duration, job: Job) {
        if let Err(mpsc::SendError(job)) = self.jobs.send(job) {
            const GONE: &str = "the cache's thread has ended";
            match job {
                Job::Append(_) => self.core.appended(now, Err(GONE.into())),
                Job::Read(r) => {
                    let failed = Err(GONE.into());
                    // The failed write beside it is what gets told.
                    let _ = self.core.backlog.read_done(now, r.generation, failed);
                }
                Job::Remove(_) => self.core.backlog.remove_done(now, false),
                Job::Close { .. } => self.cache_closed = Some(Err(GONE.into())),
                Job::Marks(_) | Job::Stats => {}
            }
        }
    }

    pub(crate) fn hours_left(&mut self, now: Duration) -> Option<f64> {
        let rate = self.rate.get(now);
        if self.cache_error().is_some() {
            return None;
        }
        let stats = self.cache_stats.as_ref()?;
        hours_left(stats, rate, self.core.spill.written_bytes)
    }

    /// What somebody must look at before there is a lasting connection.
    pub(crate) fn trouble(&self) -> Option<LinkTrouble> {
        match &self.link_error {
            _ if self.closings.is_trouble() => Some(LinkTrouble::IdContested),
            Some(Ended { why: Why::LoginRefused, .. }) => Some(LinkTrouble::LoginRefused),
            _ => None,
        }
    }

    /// Why the disk does not take what the cache should keep, if so.
    pub(crate) fn cache_error(&self) -> Option<&str> {
        self.core.spill.error().or(self.memory_only.as_deref())
    }

    /// The cache's part of `health`.
    pub(crate) fn cache_health(&mut self, now: Duration) -> serde_json::Value {
        let hours_left = self.hours_left(now);
        let failed = self.cache_error().is_some();
        match &self.cache_stats {
            None => serde_json::json!({"failed": failed}),
            Some(s) => serde_json::json!({
                "failed": failed,
                "batches": s.entries,
                "samples": s.samples,
                "oldest": s.oldest_ms,
                "bytes_on_disk": s.bytes_on_disk,
                "bytes_max": s.bytes_max,
                "hours_left": hours_left,
            }),
        }
    }

    /// Publishes a device's catalog, or removes the retained one of a device that is gone.
    pub(crate) fn set_device(&mut self, root: &str, device: &DeviceId, points: Option<&[Point]>) {
        // An empty catalog stays listed, so that the retained one is also removed by a broker that
        // is away just now.
        let body = points.map_or_else(Bytes::new, |points| message::catalog(device, points));
        self.catalogs.insert(device.clone(), body.clone());
        if self.core.is_online() {
            self.core.note(catalog_note(root, device, body), false);
        }
    }

    /// Publishes an alarm, or removes the retained one that is over.
    pub(crate) fn set_alarm(&mut self, root: &str, id: &str, alarm: Option<(&Alarm, Now)>) {
        let body = alarm.map_or_else(Bytes::new, |(a, now)| message::alarm(a, now.utc, now.synced));
        // What is over stays listed, as with catalogs.
        self.alarms.insert(id.to_owned(), body.clone());
        if self.core.is_online() {
            self.core.note(retained(format!("{root}/alarm/{id}"), body), false);
        }
    }

    fn note_alarms(&mut self, root: &str) {
        for (id, body) in &self.alarms {
            self.core.note(retained(format!("{root}/alarm/{id}"), body.clone()), false);
        }
    }

    fn note_catalogs(&mut self, root: &str) {
        for (device, body) in &self.catalogs {
            self.core.note(catalog_note(root, device, body.clone()), false);
        }
    }
}

fn catalog_note(root: &str, device: &DeviceId, payload: Bytes) -> Note {
    retained(format!("{root}/catalog/{device}"), payload)
}

fn retained(topic: String, payload: Bytes) -> Note {
    Note { topic, payload, retain: true, correlation: None, keep: false }
}

pub(crate) fn reply_note(to: ReplyTo, body: &serde_json::Value) -> Note {
    let payload = body.to_string().into();
    Note { topic: to.topic, payload, retain: false, correlation: to.correlation, keep: true }
}
