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
pub(crate) mod told;

pub use command::{Command, Done, Refusal, from_json, reply, to_json};
pub use ledger::Ledger;
pub use wellhead_control::Slot;

use crate::config::Outputs;
use crate::hub::{Event, Hub, Outlet};
use crate::poll;
use serde_json::{Value as Json, json};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, mpsc, oneshot};
use wellhead_control::{
    Action, Count, Held, InputId, Manner, OutputId, OutputSetup, Request, Ticket,
};
use wellhead_driver::{DeviceError, Outcome, Readback, Write};
use wellhead_model::{
    Clock, DeviceId, Mono, Now, Point, PointIndex, Quality, Reason, Sample, Timestamp, Value,
    WriteRefusal,
};

/// How long a write may take in all before its sender is told that nothing is known.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest time a value may be held by one command.
pub const HOLD_MAX: Duration = Duration::from_secs(24 * 3600);
/// A command may not be dated further ahead than this; its id must be remembered that long.
const EXPIRY_AHEAD_MAX_MS: i64 = 24 * 3600 * 1000;
/// An expiry before this, some day of 1973, was meant in seconds.
const SECONDS_BEFORE: i64 = 100_000_000_000;
/// The judge is asked at least this often, should a reading come without waking it.
const LOOK: Duration = Duration::from_secs(1);
/// What changed without need to be kept at once is kept this soon.
const KEEP: Duration = Duration::from_secs(60);

/// Who decides an output at present.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// Nobody: it is at its safe value, or was never touched.
    Nobody,
    /// A writer.
    Writer {
        /// Its slot.
        slot: Slot,
        /// Its name.
        source: String,
    },
    /// A person at the device.
    Local,
    /// An interlock, by its name.
    Interlock(String),
    /// Another rule, by its word: `minimum_off`, `restart_delay` …
    Rule(&'static str),
}

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
                tell_gone(&hub, name);
            }
        }
        let core = Core {
            judge,
            outputs: Vec::new(),
            inputs: Vec::new(),
            seen: Vec::new(),
            kept: Vec::new(),
            kept_at: now.mono,
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
            wake,
        };
        control.place(&mut lock(&control.core), outputs);
        Arc::new(control)
    }

    /// Takes changed rules. Outputs that stay keep what holds them.
    pub fn apply(&self, outputs: &Outputs) {
        let mut core = lock(&self.core);
        for name in core.judge.reload(outputs.setup.clone(), self.clock.now()) {
            tell_gone(&self.hub, &name);
        }
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
        let sent = self.turn(&mut core, None, now).unwrap_or_default();
        let next = core.judge.next(now).map_or(LOOK, |next| next.since(now.mono));
        drop(core);
        sent.into_iter().for_each(|sent| self.follow(sent));
        self.clock.real(next.min(LOOK)).max(Duration::from_millis(1))
    }

    /// Shows the judge what is new, does what it decides, and hands its writes to the lines. With
    /// `command` only if that could be noted down; a standing write that can't be kept fails.
    fn turn(
        &self,
        core: &mut Core,
        command: Option<Own<'_>>,
        now: Now,
    ) -> Result<Vec<Sent>, std::io::Error> {
        core.look(&self.hub, now);
        let mut actions = std::mem::take(&mut core.actions);
        core.judge.step(now, &mut actions);
        core.changed |= !actions.is_empty();
        let noted = command.as_ref().map(|own| (own.id, own.expires));
        let kept = self.keep(core, &actions, noted, now);
        let by_command = noted.is_some();
        let mut room = command.map(|own| (own.output, own.room));
        let mut sent = Vec::new();
        for action in actions.drain(..) {
            match action {
                // What is on its way to safe goes there, kept or not.
                Action::Write { ticket, value } => match &kept {
                    Err(error) if !core.is_safe(ticket.output, &value) => {
                        let why = format!("the ledger can't be written: {error}");
                        core.judge.written(ticket, Err(&why), now);
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
        match kept {
            Err(error) if by_command => Err(error),
            _ => Ok(sent),
        }
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
        let result = lock(&self.ledger).keep(saved(), command, now.utc);
        match &result {
            Ok(()) => {
                core.kept = fresh;
                core.changed = false;
            }
            Err(error) => tracing::error!(%error, "Can't keep who holds which output"),
        }
        core.kept_at = now.mono;
        let moves = |a: &Action| match a {
            Action::Write { ticket, value } => !core.is_safe(ticket.output, value),
            _ => false,
        };
        if command.is_some() || actions.iter().any(moves) { result } else { Ok(()) }
    }

    fn send(&self, core: &Core, ticket: Ticket, value: Option<Value>, room: Option<Room>) -> Sent {
        let i = ticket.output.0 as usize;
        let answer = match (core.outputs.get(i), core.judge.setup().outputs.get(i)) {
            (Some(place), Some(output)) => {
                let room = room.map_or_else(|| self.room(&place.0), Ok);
                room.map(|room| enqueue(room, place, &output.point, value.as_ref()))
            }
            _ => Err(Refusal::UnknownPoint(String::new())),
        };
        Sent { ticket, value, answer }
    }

    fn room(&self, device: &DeviceId) -> Result<Room, Refusal> {
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
        let Sent { ticket, value, answer } = sent;
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
            Err(refusal) => core.judge.written(ticket, Err(&refusal.to_string()), now),
        }
        let output = core.judge.setup().outputs.get(ticket.output.0 as usize);
        match (shows?, &value, output) {
            (Some(shows), Some(value), Some(output)) if !output.agrees(value, &shows) => {
                Err(Refusal::Mismatch { wrote: wrote(), shows: shows.to_string() })
            }
            (shows, ..) => Ok(shows),
        }
    }

    /// Runs one command to its end.
    pub async fn command(self: &Arc<Self>, c: &Command, retained: bool) -> Result<Done, Refusal> {
        let result = self.run(c, retained).await;
        self.audit(c, &result);
        result
    }

    async fn run(self: &Arc<Self>, c: &Command, retained: bool) -> Result<Done, Refusal> {
        self.admissible(c, retained)?;
        let (output, wrote, own) = self.place_command(c)?;
        let result = self.finish(own).await.map(|shows| Done { wrote, shows });
        // The sender of one that failed was told so; it must not come true later.
        let ended = result.as_ref().map(|_| ()).map_err(|_| FAILED);
        lock(&self.core).judge.conclude(&request(c, output, &why(c)), ended);
        self.wake.notify.notify_one();
        result
    }

    /// Puts a command's value into its slot and sends it off, or refuses it; nothing in between.
    fn place_command(self: &Arc<Self>, c: &Command) -> Result<(OutputId, Value, Sent), Refusal> {
        let mut core = lock(&self.core);
        let now = self.clock.now();
        let output = self.output(&core, &c.point)?;
        // Again, now that nobody else can be in between.
        if lock(&self.ledger).has_run(&c.id) {
            return Err(Refusal::Duplicate);
        }
        let place = core.outputs.get(output.0 as usize);
        let (device, _) = place.ok_or_else(|| Refusal::UnknownPoint(c.point.clone()))?;
        let room = self.room(device)?;
        core.look(&self.hub, now);
        let why = why(c);
        let request = request(c, output, &why);
        core.judge.request(&request, now)?;
        let own = Own { id: &c.id, expires: c.expires, output, room };
        let sent = match self.turn(&mut core, Some(own), now) {
            Ok(sent) => sent,
            Err(error) => {
                core.judge.conclude(&request, Err(FAILED));
                return Err(Refusal::Ledger(error.to_string()));
            }
        };
        drop(core);
        let mut own = None;
        for sent in sent {
            match &sent.value {
                Some(wrote) if sent.ticket.output == output && own.is_none() => {
                    own = Some((output, wrote.clone(), sent));
                }
                _ => self.follow(sent),
            }
        }
        if own.is_none() {
            lock(&self.core).judge.conclude(&request, Err(FAILED));
        }
        own.ok_or(Refusal::NoResult(Duration::ZERO))
    }

    fn give_back(&self, core: &mut Core, output: OutputId, slot: Slot, source: &str, why: &str) {
        let manner = Manner::Standing;
        let ttl = Duration::ZERO;
        let request = Request { output, slot, source, why, value: None, ttl, manner };
        // Only slot 6 is refused, which nobody can have been given.
        let _ = core.judge.request(&request, self.clock.now());
    }

    /// Gives a slot back by command: the next slot's value returns, or the safe one.
    ///
    /// # Errors
    /// If commands are off or there is no such output.
    pub fn release(&self, source: &str, point: &str, slot: Slot) -> Result<(), Refusal> {
        if !self.enabled {
            return Err(Refusal::Disabled);
        }
        let mut core = lock(&self.core);
        let output = self.output(&core, point)?;
        self.give_back(&mut core, output, slot, source, "released by command");
        drop(core);
        self.wake.notify.notify_one();
        Ok(())
    }

    /// Puts a plugin's wish into a slot, keeps it there for `ttl`, or gives the slot back
    /// (`None`). In shadow it is only judged and told.
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

    /// What stands in the sixteen slots of an output, and whose it is; nothing where there is no
    /// such output.
    pub fn slots(&self, point: &str) -> [Option<(Arc<str>, Value)>; 16] {
        let core = lock(&self.core);
        let mut slots = [const { None }; 16];
        let Ok(output) = self.output(&core, point) else { return slots };
        for (slot, source, value) in core.judge.claims(output) {
            if let Some(place) = slots.get_mut(usize::from(slot.number()) - 1) {
                *place = Some((Arc::from(source), value.clone()));
            }
        }
        slots
    }

    /// Empties every slot of a source at once.
    pub fn release_source(&self, source: &str, why: &str) {
        lock(&self.core).judge.release_source(source, why, self.clock.now());
        self.wake.notify.notify_one();
    }

    /// Who decides an output, as the plugin `me` is to see it; `None` if it is no output.
    pub fn seen_by(&self, point: &str, me: &str) -> Option<wellhead_plugin_host::Holder> {
        let core = lock(&self.core);
        let output = self.output(&core, point).ok()?;
        Some(crate::plugins::holder(&core.judge, output, me))
    }

    /// Who decides an output at present; `None` if it is no output.
    pub fn holder(&self, point: &str) -> Option<Holder> {
        let core = lock(&self.core);
        let output = self.output(&core, point).ok()?;
        Some(match core.judge.holder(output) {
            wellhead_control::Holder::Nobody => Holder::Nobody,
            wellhead_control::Holder::Writer { slot, source } => {
                Holder::Writer { slot, source: source.to_owned() }
            }
            wellhead_control::Holder::Held(Held::Local) => Holder::Local,
            wellhead_control::Holder::Held(Held::Interlock(id)) => {
                Holder::Interlock(core.judge.interlock_name(id).to_string())
            }
            wellhead_control::Holder::Held(held) => Holder::Rule(held.code()),
        })
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
        let late = self.clock.now().utc.0.saturating_sub(c.expires.0);
        if late > 0 {
            return Err(Refusal::Expired { late_ms: late, seconds: c.expires.0 < SECONDS_BEFORE });
        }
        if late < -EXPIRY_AHEAD_MAX_MS {
            return Err(Refusal::ExpiryTooFar);
        }
        if c.hold > HOLD_MAX {
            return Err(Refusal::HoldTooLong);
        }
        Ok(())
    }

    /// Answers what was no command at all, and audits it.
    pub fn malformed(&self, source: &str, id: Option<&str>, why: &str) -> Json {
        tracing::info!(source, why, "Malformed command");
        let event = Event::new("audit", format!("{source} sent no command: {why}"));
        let event = event.with("source", source).with("ok", false).with("code", "malformed");
        self.hub.event(event);
        let t = self.clock.now().utc.0;
        json!({ "v": 1, "id": id, "ok": false, "code": "malformed", "t": t, "text": why })
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
            .with("slot", c.slot.number())
            .with("ok", ok)
            .with("code", code);
        self.hub.event(event);
    }

    /// What each output had since the start, by name.
    pub fn counts(&self) -> Vec<(String, Count)> {
        let core = lock(&self.core);
        let count = |(i, o): (u32, &OutputSetup)| (o.name(), core.judge.count(OutputId(i)));
        (0u32..).zip(&core.judge.setup().outputs).map(count).collect()
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

/// Why a failed command's value is withdrawn.
const FAILED: &str = "the command failed";

/// A command's name to the judge. Ids run once, so it is the only one of that name.
fn why(c: &Command) -> String {
    format!("command {}", c.id)
}

fn request<'a>(c: &'a Command, output: OutputId, why: &'a str) -> Request<'a> {
    let (slot, source, value) = (c.slot, &*c.source, Some(&c.value));
    Request { output, slot, source, why, value, ttl: c.hold, manner: Manner::Once }
}

fn tell_gone(hub: &Hub, name: &str) {
    let text = format!("{name} was held and is no output any more; its safe value is not written");
    tracing::error!(point = name, "Output was held and is gone from the configuration");
    let event = Event::new("audit", text).with("point", name).with("source", "control");
    hub.event(event.with("ok", false).with("code", "gone"));
}

fn lock<T>(m: &Mutex<T>) -> MutexGuard<'_, T> {
    m.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
