//! The hub: the latest value of every point, and the decision what is worth sending on.
//!
//! Line tasks hand in what they read; the hub stamps it, judges it, keeps it and passes on to
//! every [`Outlet`] what its point's reporting rules ask for. Nothing here waits: a slow consumer
//! cannot slow a bus.

mod alarm;
mod point;
mod stats;

pub use alarm::{Alarm, AlarmFile, Severity};
pub use point::Latest;
use point::PointState;
pub use stats::DeviceStats;

use crate::clock::StepWatch;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use wellhead_driver::{DeviceError, Outcome, Readings};
use wellhead_model::{
    Clock, DeviceId, Mono, Now, Point, PointIndex, Quality, Reason, Sample, Unit, Value,
};

pub use wellhead_uplink::Event;

/// Where samples and events go: an uplink, plugins, servers, the list of alarms. Must not block.
pub trait Outlet: Send + Sync {
    /// Samples of one device, taken together, in the order of their points.
    fn samples(&self, device: &DeviceId, points: &[Point], samples: &[Sample], now: Now);
    /// An event.
    fn event(&self, event: &Event, now: Now);
    /// A device came, changed or went.
    fn catalog(&self, device: &DeviceId, points: Option<&[Point]>);
    /// An alarm is active since `since`, or is over. Those who only want values leave this out.
    fn alarm(&self, _id: &str, _alarm: Option<&Alarm>, _since: Now) {}
}

/// What is known of a point at one moment, without its description.
#[derive(Debug, Clone, PartialEq)]
pub struct Peek {
    /// How good.
    pub quality: Quality,
    /// The value, if the quality allows one.
    pub value: Option<Value>,
    /// When it was last read well.
    pub read: Option<Mono>,
}

struct DeviceState {
    points: Arc<[Point]>,
    states: Vec<PointState>,
    stats: DeviceStats,
    start: Mono,
    /// No point can turn stale before this, whatever is read meanwhile.
    fresh_until: Mono,
}

impl DeviceState {
    fn new(points: Arc<[Point]>, start: Mono) -> Self {
        let states = point::states(&points);
        Self { points, states, stats: DeviceStats::default(), start, fresh_until: start }
    }

    /// Takes units that the device told for points without one; whether any was new.
    fn learn_units(&mut self, units: impl Iterator<Item = (PointIndex, Unit)>) -> bool {
        let mut learned: Option<Vec<Point>> = None;
        for (index, unit) in units {
            let i = index.0 as usize;
            let known = learned.as_deref().unwrap_or(&self.points);
            if known.get(i).is_some_and(|p| p.unit != Some(unit)) {
                learned.get_or_insert_with(|| self.points.to_vec())[i].unit = Some(unit);
            }
        }
        match learned {
            Some(points) => {
                self.points = points.into();
                true
            }
            None => false,
        }
    }

    /// Adds to `outgoing` what has turned stale.
    fn age(&mut self, now: Now, outgoing: &mut Vec<Sample>) {
        if now.mono <= self.fresh_until {
            return;
        }
        for (i, s) in self.states.iter_mut().enumerate() {
            outgoing.extend(s.age(PointIndex(i as u32), self.start, now));
        }
        // Where one point can't say, which is the least, the next look is at the next tick.
        let until = self.states.iter().map(|s| s.ageless_until(self.start)).min();
        self.fresh_until = until.flatten().unwrap_or(now.mono);
    }
}

#[derive(Default)]
struct State {
    devices: HashMap<DeviceId, DeviceState>,
    steps: StepWatch,
    synced: Option<bool>,
    alarms: BTreeMap<String, (Alarm, Now)>,
    /// Reused between calls, so that passing samples on allocates nothing.
    outgoing: Vec<Sample>,
}

/// See the module.
pub struct Hub {
    clock: Arc<dyn Clock>,
    outlets: Vec<Box<dyn Outlet>>,
    state: Mutex<State>,
}

impl Hub {
    /// A hub without devices.
    pub fn new(clock: Arc<dyn Clock>, outlets: Vec<Box<dyn Outlet>>) -> Self {
        Self { clock, outlets, state: Mutex::default() }
    }

    /// The clock that everything of this site runs on.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Adds a device or replaces it; a replaced one starts anew.
    pub fn set_device(&self, device: &DeviceId, points: Arc<[Point]>) {
        let now = self.clock.now();
        for outlet in &self.outlets {
            outlet.catalog(device, Some(&points));
        }
        let entry = DeviceState::new(points, now.mono);
        self.lock().devices.insert(device.clone(), entry);
    }

    /// Forgets a device.
    pub fn remove_device(&self, device: &DeviceId) {
        self.lock().devices.remove(device);
        for outlet in &self.outlets {
            outlet.catalog(device, None);
        }
    }

    /// A group was read, into `readings`, which is empty afterwards. `latency` is how long the
    /// device took, `now` is when it was done, by this hub's clock.
    pub fn polled(&self, device: &DeviceId, readings: &mut Readings, latency: Duration, now: Now) {
        self.take(device, readings, Some(latency), now);
    }

    /// A device said something unasked; `readings` is empty afterwards.
    pub fn said(&self, device: &DeviceId, readings: &mut Readings) {
        self.take(device, readings, None, self.clock.now());
    }

    fn take(
        &self,
        device: &DeviceId,
        readings: &mut Readings,
        latency: Option<Duration>,
        now: Now,
    ) {
        let mut state = self.lock();
        let State { devices, outgoing, .. } = &mut *state;
        let Some(d) = devices.get_mut(device) else { return readings.clear() };
        if let Some(latency) = latency {
            d.stats.answered(now.mono, latency);
        }
        if d.learn_units(readings.units.drain(..)) {
            for outlet in &self.outlets {
                outlet.catalog(device, Some(&d.points));
            }
        }
        let mut events = Vec::new();
        outgoing.clear();
        for (index, outcome) in readings.outcomes.drain(..) {
            let i = index.0 as usize;
            let Some(s) = d.states.get_mut(i) else { continue };
            if let Some(turn) = s.counter_turn(&outcome) {
                events.push(turn.event(&d.points[i]));
            }
            outgoing.extend(s.take(index, outcome, now));
        }
        self.send(device, d, outgoing, now);
        drop(state);
        for notice in readings.notices.drain(..) {
            self.event(Event::new("notice", notice.text).device(device).with("code", notice.code));
        }
        for event in events {
            self.event(event);
        }
    }

    /// A poll failed. `points` carry its reason; all of the device's if `None`.
    pub fn failed(&self, device: &DeviceId, points: Option<&[PointIndex]>, error: &DeviceError) {
        let now = self.clock.now();
        let mut state = self.lock();
        let State { devices, outgoing, .. } = &mut *state;
        let Some(d) = devices.get_mut(device) else { return };
        d.stats.failed(error);
        outgoing.clear();
        let why = error.reason();
        let mut take = |index: PointIndex| {
            let Some(s) = d.states.get_mut(index.0 as usize) else { return };
            outgoing.extend(s.take(index, Outcome::Bad(why), now));
        };
        match points {
            Some(points) => points.iter().copied().for_each(&mut take),
            None => (0..d.points.len() as u32).map(PointIndex).for_each(&mut take),
        }
        self.send(device, d, outgoing, now);
    }

    /// A point was read back after a write: as good as a poll of that point.
    pub fn read_back(&self, device: &DeviceId, index: PointIndex, outcome: &Outcome) {
        let now = self.clock.now();
        let mut state = self.lock();
        let State { devices, outgoing, .. } = &mut *state;
        let Some(d) = devices.get_mut(device) else { return };
        let Some(s) = d.states.get_mut(index.0 as usize) else { return };
        outgoing.clear();
        outgoing.extend(s.take(index, outcome.clone(), now));
        self.send(device, d, outgoing, now);
    }

    /// To be called once a second: points nobody reads grow stale, and the clock is watched.
    pub fn tick(&self) {
        let now = self.clock.now();
        let mut state = self.lock();
        let State { devices, outgoing, .. } = &mut *state;
        for (id, d) in devices.iter_mut() {
            outgoing.clear();
            d.age(now, outgoing);
            self.send(id, d, outgoing, now);
        }
        let step = state.steps.look(now, self.clock.wall_pace());
        let synced = state.synced.replace(now.synced);
        drop(state);
        self.tell_clock(step, synced, now);
    }

    fn tell_clock(&self, step: Option<i64>, before: Option<bool>, now: Now) {
        if let Some(ms) = step {
            tracing::warn!(step_ms = ms, "The wall clock was set");
            let text = format!("The wall clock was set by {:.1} s", ms as f64 / 1000.0);
            let zh = format!("系统时钟被调整了 {:.1} 秒", ms as f64 / 1000.0);
            self.event(Event::new("clock_step", text).zh(zh).with("step_ms", ms));
        }
        match (before, now.synced) {
            (Some(false), true) => {
                tracing::info!("The wall clock is synchronised");
                let event = Event::new("clock_synced", "The wall clock is synchronised");
                self.event(event.zh("系统时钟已同步"));
            }
            (None | Some(true), false) => {
                tracing::warn!("The wall clock is not synchronised; samples are marked");
                let event = Event::new("clock_unsynced", "The wall clock is not synchronised");
                self.event(event.zh("系统时钟未同步"));
            }
            _ => {}
        }
    }

    /// Tells all outlets of an event.
    pub fn event(&self, event: Event) {
        let now = self.clock.now();
        for outlet in &self.outlets {
            outlet.event(&event, now);
        }
    }

    /// How many devices there are, and how many of them answer.
    pub fn census(&self) -> (usize, usize) {
        let state = self.lock();
        let up = state.devices.values().filter(|d| d.stats.is_up()).count();
        (state.devices.len(), up)
    }

    /// Finds a point by name: its place, and what it is.
    pub fn find(&self, device: &str, point: &str) -> Option<(DeviceId, PointIndex, Point)> {
        let state = self.lock();
        let (id, d) = state.devices.iter().find(|(id, _)| id.as_str() == device)?;
        let i = d.points.iter().position(|p| p.id.as_str() == point)?;
        Some((id.clone(), PointIndex(i as u32), d.points[i].clone()))
    }

    /// The latest of a point by name.
    pub fn latest_named(&self, device: &str, point: &str) -> Option<Latest> {
        let now = self.clock.now();
        let state = self.lock();
        let (_, d) = state.devices.iter().find(|(id, _)| id.as_str() == device)?;
        let i = d.points.iter().position(|p| p.id.as_str() == point)?;
        Some(d.states.get(i)?.latest(d.points.get(i)?, now))
    }

    /// The latest of one point.
    pub fn latest(&self, device: &DeviceId, index: PointIndex) -> Option<Latest> {
        let now = self.clock.now();
        let state = self.lock();
        let d = state.devices.get(device)?;
        let i = index.0 as usize;
        Some(d.states.get(i)?.latest(d.points.get(i)?, now))
    }

    /// The same in short, for those who look often.
    pub fn peek(&self, device: &DeviceId, index: PointIndex) -> Option<Peek> {
        let state = self.lock();
        Some(state.devices.get(device)?.states.get(index.0 as usize)?.peek())
    }

    /// The latest of every point of every device, sorted by device.
    pub fn snapshot(&self) -> Vec<(DeviceId, DeviceStats, Vec<Latest>)> {
        let now = self.clock.now();
        let state = self.lock();
        let one = |(id, d): (&DeviceId, &DeviceState)| {
            let latest = d.points.iter().zip(&d.states).map(|(p, s)| s.latest(p, now)).collect();
            (id.clone(), d.stats.clone(), latest)
        };
        let mut all: Vec<_> = state.devices.iter().map(one).collect();
        all.sort_unstable_by(|(a, ..), (b, ..)| a.cmp(b));
        all
    }

    fn send(&self, device: &DeviceId, d: &DeviceState, samples: &[Sample], now: Now) {
        if samples.is_empty() {
            return;
        }
        for outlet in &self.outlets {
            outlet.samples(device, &d.points, samples, now);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a counter went backwards.
#[derive(Debug, Clone, PartialEq)]
struct CounterTurn {
    rolled_over: bool,
    from: Value,
    to: Value,
}

impl CounterTurn {
    fn event(&self, point: &Point) -> Event {
        let (kind, what, zh) = match self.rolled_over {
            true => ("counter_rolled_over", "rolled over", "累计值翻转"),
            false => (
                "counter_reset",
                "went backwards: reset, or another meter",
                "累计值倒退：被清零或已换表",
            ),
        };
        let text = format!("{}/{} {what}: {} to {}", point.device, point.id, self.from, self.to);
        let zh = format!("{}/{} {zh}：{} → {}", point.device, point.id, self.from, self.to);
        Event::new(kind, text)
            .zh(zh)
            .device(&point.device)
            .with("point", point.id.as_str())
            .with("from", self.from.as_f64())
            .with("to", self.to.as_f64())
    }
}

#[cfg(test)]
mod tests;

/// The reason that a point has before anything was read.
const UNREAD: Reason = Reason::NotPolled;
