//! Control: the only way to an output.
//!
//! What may stand at an output is judged by `wellhead-control`, which knows no bus and no file.
//! This is the rest: it shows the judge what points read, keeps in the [`Ledger`] what must
//! survive a power cut before anything acts on it, takes writes to the lines and their results
//! back, and tells the hub every decision and alarm.
//!
//! A [`Command`] (MQTT, `wellhead write`) runs once, acts at once or is refused, and is answered
//! with what the device showed. One that fails leaves nothing behind: what stood in its slot before
//! returns. A plugin's [`Control::request`] stands in its slot until its time is over.

mod command;
mod ledger;
mod look;
mod run;
pub(crate) mod told;

pub use command::{Command, Done, Refusal, from_json, reply, to_json};
pub use ledger::Ledger;
pub use look::Holder;
pub use wellhead_control::Slot;

use crate::config::Outputs;
use crate::hub::{Event, Hub, Outlet};
use crate::poll;
use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, mpsc, oneshot};
use wellhead_control::{Action, InputId, Manner, OutputId, OutputSetup, Request, Ticket};
use wellhead_driver::{DeviceError, Outcome, Readback, Write};
use wellhead_model::{
    Clock, DeviceId, Mono, Now, Point, PointIndex, Quality, Reason, Sample, Timestamp, Value,
    WriteRefusal,
};

/// How long a write may take in all before its sender is told that nothing is known.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest time a value may be held by one command.
pub const HOLD_MAX: Duration = Duration::from_secs(24 * 3600);
/// The judge is asked at least this often, should a reading come without waking it.
const LOOK: Duration = Duration::from_secs(1);
/// What changed without need to be kept at once is kept this soon.
const KEEP: Duration = Duration::from_secs(60);
/// A ledger that could not be written is tried again this soon, if nobody waits for it.
const KEEP_AGAIN: Duration = Duration::from_secs(1);

type Place = (DeviceId, PointIndex);
type Answer = oneshot::Receiver<Result<Readback, DeviceError>>;

/// A place on a line's queue.
type Room = mpsc::OwnedPermit<poll::Request>;

/// A command that is to be noted down, and its place on the line, taken before it displaced
/// anything.
struct Own<'a> {
    id: &'a str,
    expires: Timestamp,
    output: OutputId,
    room: Room,
}

/// A write that was handed to its line, or could not be.
struct Sent {
    ticket: Ticket,
    /// The output's name: a reload may move it before the device answers.
    point: String,
    /// `None` gives the output back to its device.
    value: Option<Value>,
    answer: Result<Answer, Refusal>,
}

/// The judge and where its points are.
struct Core {
    judge: wellhead_control::Control,
    outputs: Vec<Place>,
    inputs: Vec<Place>,
    /// The reading of each output that the judge saw last.
    seen: Vec<Option<Mono>>,
    /// Held and on, as the ledger has it.
    kept: Vec<(bool, bool)>,
    kept_at: Mono,
    /// Times in a row that the ledger could not be written.
    unkept: u32,
    /// Something happened since.
    changed: bool,
    actions: Vec<Action>,
}

/// Wakes Control when a point that it looks at was read. An outlet of the hub.
#[derive(Clone, Default)]
pub struct Wake {
    notify: Arc<Notify>,
    devices: Arc<Mutex<BTreeSet<DeviceId>>>,
}

impl Outlet for Wake {
    fn samples(&self, device: &DeviceId, _: &[Point], _: &[Sample], _: Now) {
        if lock(&self.devices).contains(device) {
            self.notify.notify_one();
        }
    }
    fn event(&self, _: &Event, _: Now) {}
    fn catalog(&self, _: &DeviceId, _: Option<&[Point]>) {}
}

/// See the module.
pub struct Control {
    hub: Arc<Hub>,
    /// The plant's own time, where a simulated one lives faster than its lines.
    clock: Arc<dyn Clock>,
    enabled: bool,
    core: Mutex<Core>,
    ledger: Mutex<Ledger>,
    lines: Mutex<HashMap<DeviceId, mpsc::Sender<poll::Request>>>,
    /// Nothing is written: what the outputs' places mean is about to change.
    reloading: AtomicBool,
    wake: Wake,
}

impl Control {
    /// Control over `outputs`, on the plant's `clock`. `enabled` is the site's word on commands.
    /// What the ledger says was held is brought to safe once [`Control::start`] is called.
    pub fn new(
        hub: Arc<Hub>,
        clock: Arc<dyn Clock>,
        ledger: Ledger,
        enabled: bool,
        outputs: &Outputs,
        wake: Wake,
    ) -> Arc<Self> {
        let now = clock.now();
        let saved = ledger.saved();
        let judge = wellhead_control::Control::new(outputs.setup.clone(), Some(saved), now);
        let known = |name: &String| outputs.setup.outputs.iter().any(|o| o.name() == *name);
        for (name, kept) in &saved.outputs {
            if kept.held_by.is_some() && !known(name) {
                told::gone(&hub, name);
            }
        }
        let core = Core {
            judge,
            outputs: Vec::new(),
            inputs: Vec::new(),
            seen: Vec::new(),
            kept: Vec::new(),
            kept_at: now.mono,
            unkept: 0,
            changed: false,
            actions: Vec::new(),
        };
        let control = Self {
            hub,
            clock,
            enabled,
            core: Mutex::new(core),
            ledger: Mutex::new(ledger),
            lines: Mutex::default(),
            reloading: AtomicBool::new(false),
            wake,
        };
        control.place(&mut lock(&control.core), outputs);
        Arc::new(control)
    }

    /// Lets nothing be written until [`apply`](Self::apply): the places that outputs have in their
    /// devices are about to change.
    pub fn hold_writes(&self) {
        self.reloading.store(true, Ordering::Relaxed);
    }

    /// Takes changed rules. Outputs that stay keep what holds them.
    pub fn apply(&self, outputs: &Outputs) {
        let mut core = lock(&self.core);
        self.reloading.store(false, Ordering::Relaxed);
        let stood = told::active(&core.judge);
        for name in core.judge.reload(outputs.setup.clone(), self.clock.now()) {
            told::gone(&self.hub, &name);
        }
        // Alarms of what is gone end with it.
        stood.difference(&told::active(&core.judge)).for_each(|id| self.hub.clear(id));
        self.place(&mut core, outputs);
        drop(core);
        self.wake.notify.notify_one();
    }

    fn place(&self, core: &mut Core, outputs: &Outputs) {
        core.outputs.clone_from(&outputs.outputs);
        core.inputs.clone_from(&outputs.inputs);
        core.seen = vec![None; outputs.outputs.len()];
        core.kept = vec![(false, false); outputs.outputs.len()];
        let all = outputs.outputs.iter().chain(&outputs.inputs);
        *lock(&self.wake.devices) = all.map(|(device, _)| device.clone()).collect();
    }

    /// Says which line a device is on; `None` if it is gone.
    pub fn route(&self, device: &DeviceId, line: Option<mpsc::Sender<poll::Request>>) {
        match line {
            Some(line) => lock(&self.lines).insert(device.clone(), line),
            None => lock(&self.lines).remove(device),
        };
    }

    /// Brings everything that was held when the gateway went back to its safe value, and begins to
    /// watch. To be called once all lines are routed, before commands are taken.
    pub fn start(self: &Arc<Self>) {
        // The safe values go out before anything else can.
        self.advance();
        let control = Arc::downgrade(self);
        let notify = Arc::clone(&self.wake.notify);
        tokio::spawn(async move {
            loop {
                let Some(control) = control.upgrade() else { return };
                let wait = control.advance();
                drop(control);
                // Woken or not, there may be something to do.
                let _ = tokio::time::timeout(wait, notify.notified()).await;
            }
        });
    }

    /// Does what is due; returns how long nothing will be unless something happens.
    fn advance(self: &Arc<Self>) -> Duration {
        let mut core = lock(&self.core);
        let now = self.clock.now();
        let (sent, _) = self.turn(&mut core, None, now);
        let next = core.judge.next(now).map_or(LOOK, |next| next.since(now.mono));
        drop(core);
        sent.into_iter().for_each(|sent| self.follow(sent));
        self.clock.real(next.min(LOOK)).max(Duration::from_millis(1))
    }

    /// Shows the judge what is new, does what it decides, and hands its writes to the lines: all of
    /// them if what must be kept could be, else only those to safe. Each that was handed over is
    /// returned and must be waited for, or its output waits for ever.
    fn turn(
        &self,
        core: &mut Core,
        command: Option<Own<'_>>,
        now: Now,
    ) -> (Vec<Sent>, std::io::Result<()>) {
        core.look(&self.hub, now);
        let mut actions = std::mem::take(&mut core.actions);
        core.judge.step(now, &mut actions);
        core.changed |= !actions.is_empty();
        let noted = command.as_ref().map(|own| (own.id, own.expires));
        let kept = self.keep(core, &actions, noted, now);
        let mut room = command.map(|own| (own.output, own.room));
        let mut sent = Vec::new();
        for action in actions.drain(..) {
            match action {
                // What is on its way to safe goes there, kept or not.
                Action::Write { ticket, value } => match &kept {
                    Err(error) if !core.is_safe(ticket.output, &value) => {
                        let why = format!("the ledger can't be written: {error}");
                        core.judge.unsent(ticket, &why, now);
                    }
                    _ => {
                        let room = room.take_if(|(output, _)| *output == ticket.output);
                        sent.push(self.send(core, ticket, Some(value), room.map(|(_, room)| room)));
                    }
                },
                Action::Relinquish { ticket } => sent.push(self.send(core, ticket, None, None)),
                Action::Audit(entry) => {
                    told::audit(&core.judge, &entry).into_iter().for_each(|e| self.hub.event(e));
                }
                Action::Raise(alarm) => self.hub.raise(told::alarm(&core.judge, &alarm)),
                Action::Clear(id) => self.hub.clear(&told::alarm_id(&core.judge, id)),
            }
        }
        core.actions = actions;
        (sent, kept)
    }

    /// Keeps what the next run must know, before the writes among `actions` go out.
    fn keep(
        &self,
        core: &mut Core,
        actions: &[Action],
        command: Option<(&str, Timestamp)>,
        now: Now,
    ) -> std::io::Result<()> {
        let saved = || core.judge.save(now);
        let fresh: Vec<(bool, bool)> = (0u32..)
            .zip(&core.kept)
            .map(|(i, _)| (core.judge.is_held(OutputId(i)), core.judge.is_on(OutputId(i))))
            .collect();
        let at_once = command.is_some() || fresh != core.kept;
        let late = core.changed && now.mono.since(core.kept_at) >= KEEP;
        if !at_once && !late {
            return Ok(());
        }
        let moves = |a: &Action| match a {
            Action::Write { ticket, value } => !core.is_safe(ticket.output, value),
            _ => false,
        };
        let needed = command.is_some() || actions.iter().any(moves);
        // A full disk is not asked again with every reading.
        if !needed && core.unkept > 0 && now.mono.since(core.kept_at) < KEEP_AGAIN {
            return Ok(());
        }
        let result = lock(&self.ledger).keep(saved(), command, now.utc);
        match &result {
            Ok(()) => {
                core.kept = fresh;
                core.changed = false;
                told::kept(&self.hub, std::mem::take(&mut core.unkept));
            }
            Err(error) => {
                told::unkept(&self.hub, core.unkept, error);
                core.unkept = core.unkept.saturating_add(1);
            }
        }
        core.kept_at = now.mono;
        if needed { result } else { Ok(()) }
    }

    fn send(&self, core: &Core, ticket: Ticket, value: Option<Value>, room: Option<Room>) -> Sent {
        let i = ticket.output.0 as usize;
        let output = core.judge.setup().outputs.get(i);
        let point = output.map(OutputSetup::name).unwrap_or_default();
        let answer = match (core.outputs.get(i), output) {
            (Some(place), Some(output)) => {
                let room = room.map_or_else(|| self.room(&place.0), Ok);
                room.map(|room| enqueue(room, place, &output.point, value.as_ref()))
            }
            _ => Err(Refusal::UnknownPoint(point.clone())),
        };
        Sent { ticket, point, value, answer }
    }

    fn room(&self, device: &DeviceId) -> Result<Room, Refusal> {
        if self.reloading.load(Ordering::Relaxed) {
            return Err(Refusal::Busy);
        }
        let line = lock(&self.lines).get(device).cloned();
        let line = line.ok_or_else(|| Refusal::UnknownPoint(device.to_string()))?;
        line.try_reserve_owned().map_err(|_| Refusal::Busy)
    }

    /// Waits for a standing write's result, for whom nobody else waits.
    fn follow(self: &Arc<Self>, sent: Sent) {
        let control = Arc::clone(self);
        tokio::spawn(async move {
            let _ = control.finish(sent).await;
            control.wake.notify.notify_one();
        });
    }

    /// Waits for a write's result and shows it to the judge; returns what the device shows.
    async fn finish(&self, sent: Sent) -> Result<Option<Value>, Refusal> {
        let Sent { ticket, point, value, answer } = sent;
        let wrote = || value.as_ref().map_or_else(|| "nothing".to_owned(), Value::to_string);
        let result = match answer {
            Ok(answer) => match tokio::time::timeout(WRITE_TIMEOUT, answer).await {
                Ok(Ok(result)) => result.map_err(Refusal::Device),
                _ => Err(Refusal::NoResult(WRITE_TIMEOUT)),
            },
            Err(refusal) => Err(refusal),
        };
        let shows = match result {
            Ok(Readback::Acknowledged | Readback::Sent) => Ok(None),
            Ok(Readback::Read(
                Outcome::Good(v) | Outcome::Uncertain(v, _) | Outcome::Manual(v),
            )) => Ok(Some(v)),
            Ok(Readback::Read(Outcome::Bad(why))) => {
                Err(Refusal::Mismatch { wrote: wrote(), shows: format!("nothing ({why})") })
            }
            Err(refusal) => Err(refusal),
        };
        let mut core = lock(&self.core);
        let now = self.clock.now();
        match &shows {
            Err(Refusal::Busy) => core.judge.put_off(ticket, now),
            Ok(shows) => core.judge.written(ticket, Ok(shows.as_ref()), now),
            Err(e @ Refusal::Mismatch { .. }) => {
                core.judge.written(ticket, Err(&e.to_string()), now);
            }
            Err(e @ (Refusal::UnknownPoint(_) | Refusal::Device(DeviceError::Unencodable(_)))) => {
                core.judge.unsent(ticket, &e.to_string(), now);
            }
            Err(e) => core.judge.doubtful(ticket, &e.to_string(), now),
        }
        let output = core.judge.setup().outputs.iter().find(|o| o.name() == point);
        match (shows?, &value, output) {
            (Some(shows), Some(value), Some(output)) if !output.agrees(value, &shows) => {
                Err(Refusal::Mismatch { wrote: wrote(), shows: shows.to_string() })
            }
            (shows, ..) => Ok(shows),
        }
    }

    /// Gives a slot back by command: the next slot's value returns, or the safe one.
    ///
    /// # Errors
    /// If commands are off, there is no such output, or nobody can have been given this slot.
    pub fn release(&self, source: &str, point: &str, slot: Slot) -> Result<(), Refusal> {
        if !self.enabled {
            return Err(Refusal::Disabled);
        }
        let mut core = lock(&self.core);
        let output = self.output(&core, point)?;
        let (why, manner, ttl) = ("released by command", Manner::Standing, Duration::ZERO);
        let request = Request { output, slot, source, why, value: None, ttl, manner };
        core.judge.request(&request, self.clock.now())?;
        drop(core);
        self.wake.notify.notify_one();
        Ok(())
    }

    /// Puts a wish of a plugin or of a server's client into a slot, keeps it there for `ttl`, or
    /// gives the slot back (`None`). In shadow it is only judged and told.
    ///
    /// # Errors
    /// If there is no such output, or it never takes this value; that is told, once.
    #[expect(clippy::too_many_arguments, reason = "each is a part of one wish")]
    pub fn request(
        &self,
        source: &str,
        slot: Slot,
        point: &str,
        value: Option<&Value>,
        ttl: Duration,
        why: &str,
        shadow: bool,
    ) -> Result<(), Refusal> {
        let mut core = lock(&self.core);
        let output = self.output(&core, point)?;
        let manner = if shadow { Manner::Shadow } else { Manner::Standing };
        let request = Request { output, slot, source, why, value, ttl, manner };
        core.judge.request(&request, self.clock.now())?;
        drop(core);
        self.wake.notify.notify_one();
        Ok(())
    }

    /// Empties every slot of a source at once.
    pub fn release_source(&self, source: &str, why: &str) {
        lock(&self.core).judge.release_source(source, why, self.clock.now());
        self.wake.notify.notify_one();
    }

    fn output(&self, core: &Core, point: &str) -> Result<OutputId, Refusal> {
        let outputs = &core.judge.setup().outputs;
        let named = |o: &OutputSetup| {
            point.strip_prefix(o.point.device.as_str()).and_then(|p| p.strip_prefix('/'))
                == Some(o.point.id.as_str())
        };
        if let Some(i) = outputs.iter().position(named) {
            return Ok(OutputId(u32::try_from(i).unwrap_or(u32::MAX)));
        }
        let known = point.split_once('/').and_then(|(d, p)| self.hub.find(d, p));
        Err(match known {
            Some(_) => wellhead_control::Refusal::from(WriteRefusal::NotWritable).into(),
            None => Refusal::UnknownPoint(point.to_owned()),
        })
    }
}

impl Core {
    fn is_safe(&self, output: OutputId, value: &Value) -> bool {
        let output = self.judge.setup().outputs.get(output.0 as usize);
        output.and_then(|o| o.point.output.as_ref()).is_some_and(|o| o.safe == *value)
    }

    /// Shows the judge what its points read.
    fn look(&mut self, hub: &Hub, now: Now) {
        for (i, (device, index)) in (0u32..).zip(&self.inputs) {
            let (quality, value) = match hub.peek(device, *index) {
                Some(peek) => (peek.quality, peek.value),
                None => (Quality::Bad(Reason::NotPolled), None),
            };
            self.judge.input(InputId(i), quality, value.as_ref(), now);
        }
        for (i, (device, index)) in (0u32..).zip(&self.outputs) {
            let Some(seen) = self.seen.get_mut(i as usize) else { continue };
            match hub.peek(device, *index) {
                Some(peek) if matches!(peek.quality, Quality::Good | Quality::Manual) => {
                    // A reading shows once; what is older says nothing new.
                    if peek.read > *seen {
                        *seen = peek.read;
                        self.judge.shown(OutputId(i), peek.value.as_ref(), now);
                    }
                }
                _ => self.judge.shown(OutputId(i), None, now),
            }
        }
    }
}

fn enqueue(room: Room, place: &Place, point: &Point, value: Option<&Value>) -> Answer {
    let readback = point.output.as_ref().is_none_or(|o| o.readback);
    let (reply, answer) = oneshot::channel();
    let (device, point) = (place.0.clone(), place.1);
    room.send(match value.cloned() {
        Some(value) => poll::Request::Write(device, Write { point, value, readback }, reply),
        None => poll::Request::Relinquish(device, point, readback, reply),
    });
    answer
}

fn lock<T>(m: &Mutex<T>) -> MutexGuard<'_, T> {
    m.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
