//! Control: the only way to an output.
//!
//! A command is checked (is it in time, has it run, may this point be written, is the value of
//! its kind and within its limits and rate), noted durably, written, read back, answered and
//! audited. What it wrote holds for the time it asked for; then, whatever became of its sender,
//! Control writes the point's safe value. Outputs still held when the gateway went are brought to
//! their safe value first when it starts again.
//!
//! Interlocks, priorities and minimum times join the checks here when plugins come.

mod ledger;

pub use ledger::{Hold, Ledger};

use crate::hub::{Event, Hub};
use crate::poll::Request;
use serde_json::{Value as Json, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use wellhead_driver::{DeviceError, Outcome, Readback, Write};
use wellhead_model::{DeviceId, Mono, Point, PointIndex, Timestamp, Value};

/// How long a write may take in all before its sender is told that nothing is known.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// Pause between two attempts to bring an output to its safe value.
const SAFE_RETRY: Duration = Duration::from_secs(5);
/// Longest time a value may be held by one command.
pub const HOLD_MAX: Duration = Duration::from_secs(24 * 3600);
/// A command may not be dated further ahead than this; its id must be remembered that long.
const EXPIRY_AHEAD_MAX_MS: i64 = 24 * 3600 * 1000;

/// A wish to write, from whomever.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    /// Its own id, by which it runs once.
    pub id: String,
    /// Who asks, for the audit trail.
    pub source: String,
    /// The point's whole name, `hp1/setpoint`.
    pub point: String,
    /// What to write.
    pub value: Value,
    /// Not to be run after this.
    pub expires: Timestamp,
    /// How long the value holds before the safe value returns.
    pub hold: Duration,
}

/// Why a command was not carried out, or not surely.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// The site does not take commands.
    #[error("commands are off; set `commands = true` in [gateway] to allow them")]
    Disabled,
    /// A command that a broker kept is of unknown age.
    #[error("a retained command is never run; publish it without the retain flag")]
    Retained,
    /// Its time is over.
    #[error("the command expired {} ms ago", .0)]
    Expired(i64),
    /// Its time lies too far ahead.
    #[error("the command's expiry is more than 24 h ahead")]
    ExpiryTooFar,
    /// Its hold is longer than allowed.
    #[error("a value can be held for 24 h at most")]
    HoldTooLong,
    /// It ran before.
    #[error("this command has run already")]
    Duplicate,
    /// There is no such point.
    #[error("there is no point `{0}`")]
    UnknownPoint(String),
    /// The point does not take this value.
    #[error(transparent)]
    Value(#[from] wellhead_model::WriteRefusal),
    /// It was written too short a time ago.
    #[error("the point was written less than {} s ago", .0.as_secs_f64())]
    TooSoon(Duration),
    /// The step is larger than the point's rate allows.
    #[error("a change from {from} to {to} is faster than {rate_max} per second")]
    TooFast {
        /// The last value.
        from: f64,
        /// The value asked for.
        to: f64,
        /// The limit, in the point's unit per second.
        rate_max: f64,
    },
    /// It is being brought to its safe value.
    #[error("the point is being brought to its safe value first")]
    Restoring,
    /// The line has too much to do.
    #[error("the line's queue is full")]
    Busy,
    /// The command could not be noted down; without that it might run twice.
    #[error("the ledger of commands can't be written: {0}")]
    Ledger(String),
    /// The device did not take it, or nobody knows.
    #[error("{0}")]
    Device(DeviceError),
    /// Nothing came back in time.
    #[error("no result within {} s; the value may have been written", .0.as_secs())]
    NoResult(Duration),
    /// The device acknowledged and shows another value.
    #[error("wrote {wrote}, but the device shows {shows}")]
    Mismatch {
        /// What was written.
        wrote: String,
        /// What was read back.
        shows: String,
    },
}

impl Refusal {
    /// Stable word for the reply.
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::Disabled => "disabled",
            Refusal::Retained => "retained",
            Refusal::Expired(_) => "expired",
            Refusal::ExpiryTooFar => "expiry_too_far",
            Refusal::HoldTooLong => "hold_too_long",
            Refusal::Duplicate => "duplicate",
            Refusal::UnknownPoint(_) => "unknown_point",
            Refusal::Value(_) => "value",
            Refusal::TooSoon(_) => "too_soon",
            Refusal::TooFast { .. } => "too_fast",
            Refusal::Restoring => "restoring",
            Refusal::Busy => "busy",
            Refusal::Ledger(_) => "ledger",
            Refusal::Device(e) => e.reason().code(),
            Refusal::NoResult(_) => "no_result",
            Refusal::Mismatch { .. } => "mismatch",
        }
    }
}

/// What a command came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Done {
    /// What was written, in the point's own kind.
    pub wrote: Value,
    /// What the device showed afterwards, if it was read.
    pub shows: Option<Value>,
}

#[derive(Debug, Default)]
struct OutputState {
    written: Option<(Value, Mono)>,
    writes: u64,
    /// Grows with each command; a fallback whose number is not the latest was overtaken.
    turn: u64,
    /// Held by an earlier run of the gateway; its safe value comes first.
    restoring: bool,
}

type Output = Arc<tokio::sync::Mutex<OutputState>>;

/// See the module.
pub struct Control {
    hub: Arc<Hub>,
    enabled: bool,
    started: Mono,
    ledger: Mutex<Ledger>,
    lines: Mutex<HashMap<DeviceId, mpsc::Sender<Request>>>,
    outputs: Mutex<HashMap<String, Output>>,
}

impl Control {
    /// Control over the outputs of `hub`'s devices. `enabled` is the site's word on commands.
    pub fn new(hub: Arc<Hub>, ledger: Ledger, enabled: bool) -> Arc<Self> {
        let started = hub.clock().now().mono;
        Arc::new(Self {
            hub,
            enabled,
            started,
            ledger: Mutex::new(ledger),
            lines: Mutex::default(),
            outputs: Mutex::default(),
        })
    }

    /// Says which line a device is on; `None` if it is gone.
    pub fn route(&self, device: &DeviceId, line: Option<mpsc::Sender<Request>>) {
        match line {
            Some(line) => lock(&self.lines).insert(device.clone(), line),
            None => lock(&self.lines).remove(device),
        };
    }

    /// Brings everything that was held when the gateway went back to its safe value. To be called
    /// once all lines are routed, before commands are taken.
    pub fn restore(self: &Arc<Self>) {
        let held: Vec<(String, Hold)> =
            lock(&self.ledger).holds().iter().map(|(p, h)| (p.clone(), h.clone())).collect();
        for (name, hold) in held {
            tracing::warn!(point = %name, source = %hold.source, "Output was held; writing its safe value");
            let output = self.output(&name);
            if let Ok(mut state) = output.try_lock() {
                state.restoring = true;
            }
            let control = Arc::clone(self);
            tokio::spawn(async move { control.make_safe(&name, 0, "restart").await });
        }
    }

    /// Runs one command to its end.
    pub async fn command(self: &Arc<Self>, c: &Command, retained: bool) -> Result<Done, Refusal> {
        let result = self.run(c, retained).await;
        self.audit(c, &result);
        result
    }

    /// Answers what was no command at all, and audits it.
    pub fn malformed(&self, source: &str, why: &str) -> Json {
        tracing::info!(source, why, "Malformed command");
        let event = Event::new("audit", format!("{source} sent no command: {why}"));
        let event = event.with("source", source).with("ok", false).with("code", "malformed");
        self.hub.event(event);
        let t = self.hub.clock().now().utc.0;
        json!({ "v": 1, "id": null, "ok": false, "code": "malformed", "t": t, "text": why })
    }

    async fn run(self: &Arc<Self>, c: &Command, retained: bool) -> Result<Done, Refusal> {
        self.admissible(c, retained)?;
        let unknown = || Refusal::UnknownPoint(c.point.clone());
        let (device_name, point_name) = c.point.split_once('/').ok_or_else(unknown)?;
        let (device, index, point) = self.hub.find(device_name, point_name).ok_or_else(unknown)?;
        let value = point.accept(&c.value)?;
        let output = self.output(&c.point);
        let mut state = output.lock().await;
        self.in_rate(&state, &device, index, &point, &value)?;
        // Again, now that nobody else can be in between.
        if lock(&self.ledger).has_run(&c.id) {
            return Err(Refusal::Duplicate);
        }
        let hold = Hold { source: c.source.clone(), command: c.id.clone() };
        let now = self.hub.clock().now();
        lock(&self.ledger)
            .begin(&c.point, hold, c.expires, now.utc)
            .map_err(|e| Refusal::Ledger(e.to_string()))?;
        state.turn += 1;
        state.written = Some((value.clone(), now.mono));
        state.writes += 1;
        self.fall_back_later(&c.point, state.turn, c.hold);
        let result = self.write(&device, index, &point, value).await;
        drop(state);
        result
    }

    fn admissible(&self, c: &Command, retained: bool) -> Result<(), Refusal> {
        if !self.enabled {
            return Err(Refusal::Disabled);
        }
        if retained {
            return Err(Refusal::Retained);
        }
        if lock(&self.ledger).has_run(&c.id) {
            return Err(Refusal::Duplicate);
        }
        let late = self.hub.clock().now().utc.0.saturating_sub(c.expires.0);
        if late > 0 {
            return Err(Refusal::Expired(late));
        }
        if late < -EXPIRY_AHEAD_MAX_MS {
            return Err(Refusal::ExpiryTooFar);
        }
        if c.hold > HOLD_MAX {
            return Err(Refusal::HoldTooLong);
        }
        Ok(())
    }

    fn in_rate(
        &self,
        state: &OutputState,
        device: &DeviceId,
        index: PointIndex,
        point: &Point,
        value: &Value,
    ) -> Result<(), Refusal> {
        if state.restoring {
            return Err(Refusal::Restoring);
        }
        let Some(output) = &point.output else { return Ok(()) };
        let now = self.hub.clock().now().mono;
        if let Some((_, at)) = &state.written
            && now.since(*at) < output.interval_min
        {
            return Err(Refusal::TooSoon(output.interval_min));
        }
        let Some(rate_max) = output.rate_max else { return Ok(()) };
        // Before the first write of this run, what the device shows is what it moves from.
        let (from, at) = match &state.written {
            Some((v, at)) => (v.as_f64(), *at),
            None => {
                let latest = self.hub.latest(device, index);
                (latest.and_then(|l| l.value?.as_f64()), self.started)
            }
        };
        match (from, value.as_f64()) {
            (Some(from), Some(to))
                if (to - from).abs() > rate_max * now.since(at).as_secs_f64() =>
            {
                Err(Refusal::TooFast { from, to, rate_max })
            }
            _ => Ok(()),
        }
    }

    async fn write(
        &self,
        device: &DeviceId,
        index: PointIndex,
        point: &Point,
        value: Value,
    ) -> Result<Done, Refusal> {
        let readback = point.output.as_ref().is_none_or(|o| o.readback);
        let line = lock(&self.lines).get(device).cloned();
        let line = line.ok_or_else(|| Refusal::UnknownPoint(device.to_string()))?;
        let (reply, answer) = oneshot::channel();
        let write = Write { point: index, value: value.clone(), readback };
        let request = Request::Write(device.clone(), write, reply);
        line.try_send(request).map_err(|_| Refusal::Busy)?;
        let answer = tokio::time::timeout(WRITE_TIMEOUT, answer).await;
        let Ok(Ok(result)) = answer else { return Err(Refusal::NoResult(WRITE_TIMEOUT)) };
        match result.map_err(Refusal::Device)? {
            Readback::Acknowledged | Readback::Sent => Ok(Done { wrote: value, shows: None }),
            Readback::Read(Outcome::Good(shows) | Outcome::Uncertain(shows, _)) => {
                if agrees(point, &value, &shows) {
                    return Ok(Done { wrote: value, shows: Some(shows) });
                }
                let wrote = value.to_string();
                Err(Refusal::Mismatch { wrote, shows: shows.to_string() })
            }
            Readback::Read(Outcome::Bad(why)) => Err(Refusal::Mismatch {
                wrote: value.to_string(),
                shows: format!("nothing ({why})"),
            }),
        }
    }

    fn fall_back_later(self: &Arc<Self>, name: &str, turn: u64, hold: Duration) {
        let (control, name) = (Arc::clone(self), name.to_owned());
        tokio::spawn(async move {
            tokio::time::sleep(hold).await;
            control.make_safe(&name, turn, "hold ended").await;
        });
    }

    /// Writes the safe value until it is there, or a newer command has taken over.
    async fn make_safe(self: &Arc<Self>, name: &str, turn: u64, why: &'static str) {
        let mut failures = 0u32;
        loop {
            let output = self.output(name);
            let mut state = output.lock().await;
            if state.turn != turn {
                return;
            }
            let found = name.split_once('/').and_then(|(d, p)| self.hub.find(d, p));
            let Some((device, index, point)) = found else {
                self.tell_safe(name, why, &Err(Refusal::UnknownPoint(name.to_owned())));
                return;
            };
            let Some(safe) = point.output.as_ref().map(|o| o.safe.clone()) else { return };
            let result = self.write(&device, index, &point, safe.clone()).await;
            if failures == 0 || result.is_ok() {
                self.tell_safe(name, why, &result);
            }
            if result.is_ok() {
                state.written = Some((safe, self.hub.clock().now().mono));
                state.writes += 1;
                state.restoring = false;
                if let Err(error) = lock(&self.ledger).release(name) {
                    tracing::error!(point = name, %error, "Can't note that the output is safe");
                }
                return;
            }
            failures += 1;
            drop(state);
            tokio::time::sleep(SAFE_RETRY).await;
        }
    }

    fn tell_safe(&self, name: &str, why: &str, result: &Result<Done, Refusal>) {
        let (ok, text) = match result {
            Ok(done) => (true, format!("{name} is back at its safe value {}: {why}", done.wrote)),
            Err(e) => (false, format!("{name} can't be brought to its safe value yet: {e}")),
        };
        match ok {
            true => tracing::info!(point = name, why, "Output is back at its safe value"),
            false => tracing::error!(point = name, why, %text, "Output is not at its safe value"),
        }
        let event = Event::new("audit", text).with("point", name).with("source", "control");
        self.hub.event(event.with("why", why).with("ok", ok));
    }

    fn audit(&self, c: &Command, result: &Result<Done, Refusal>) {
        let (ok, code, text) = match result {
            Ok(done) => (true, "done", format!("{} wrote {} to {}", c.source, done.wrote, c.point)),
            Err(e) => {
                let text = format!("{} could not write {} to {}: {e}", c.source, c.value, c.point);
                (false, e.code(), text)
            }
        };
        tracing::info!(point = %c.point, source = %c.source, command = %c.id, code, "Command");
        let event = Event::new("audit", text)
            .with("point", &*c.point)
            .with("source", &*c.source)
            .with("command", &*c.id)
            .with("ok", ok)
            .with("code", code);
        self.hub.event(event);
    }

    /// Writes counted per point, since the start.
    pub fn writes(&self) -> Vec<(String, u64)> {
        let outputs = lock(&self.outputs);
        let count = |(n, o): (&String, &Output)| Some((n.clone(), o.try_lock().ok()?.writes));
        outputs.iter().filter_map(count).collect()
    }

    fn output(&self, name: &str) -> Output {
        Arc::clone(lock(&self.outputs).entry(name.to_owned()).or_default())
    }
}

/// The reply to a command, as it stands on the wire.
pub fn reply(id: Option<&str>, result: &Result<Done, Refusal>, now: Timestamp) -> Json {
    match result {
        Ok(done) => json!({
            "v": 1, "id": id, "ok": true, "code": "done", "t": now.0,
            "text": format!("wrote {}", done.wrote),
            "value": to_json(&done.wrote),
            "readback": done.shows.as_ref().map(to_json),
        }),
        Err(e) => json!({
            "v": 1, "id": id, "ok": false, "code": e.code(), "t": now.0, "text": e.to_string(),
        }),
    }
}

/// A value as JSON: whole numbers beyond 2^53 as text, since most readers would round them.
pub fn to_json(v: &Value) -> Json {
    const EXACT: u64 = 1 << 53;
    match v {
        Value::Bool(b) => json!(b),
        Value::Int(i) if i.unsigned_abs() <= EXACT => json!(i),
        Value::Float(f) => json!(f.get()),
        other => json!(other.to_string()),
    }
}

/// A value out of JSON; `None` for null, lists and objects.
pub fn from_json(v: &Json) -> Option<Value> {
    match v {
        Json::Bool(b) => Some(Value::Bool(*b)),
        Json::String(s) => Some(Value::Text(s.as_str().into())),
        Json::Number(n) => match (n.as_i64(), n.as_u64()) {
            (Some(i), _) => Some(Value::Int(i)),
            (None, Some(u)) => Some(Value::unsigned(u)),
            (None, None) => n.as_f64().and_then(Value::float),
        },
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

fn agrees(point: &Point, wrote: &Value, shows: &Value) -> bool {
    let tolerance = point.output.as_ref().map_or(0.0, |o| o.readback_tolerance);
    match (wrote.as_f64(), shows.as_f64()) {
        (Some(a), Some(b)) => (a - b).abs() <= tolerance + 1e-9 * a.abs().max(1.0),
        _ => wrote == shows,
    }
}

fn lock<T>(m: &Mutex<T>) -> MutexGuard<'_, T> {
    m.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
