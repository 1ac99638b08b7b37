//! A clock, outputs and the devices behind them, for tests of Control.

#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, reason = "a test's own tools")]

use std::sync::Arc;
use std::time::Duration;
use wellhead_control::{
    Action, Condition, Control, Entry, InputId, Interlock, Local, Manner, OutputId, OutputSetup,
    Refusal, Request, Rules, Saved, Setup, Slot, What,
};
use wellhead_model::{
    Class, DeviceId, Mono, Now, Output, Point, PointId, Quality, Reason, Reporting, Shape,
    Timestamp, Value,
};

pub(crate) const S: Duration = Duration::from_secs(1);
pub(crate) const MIN: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(3600);
/// 1 July 2026.
pub(crate) const START: i64 = 1_782_864_000_000;

pub(crate) fn float(f: f64) -> Value {
    Value::float(f).unwrap()
}

pub(crate) fn slot(n: u64) -> Slot {
    Slot::new(n).unwrap()
}

fn point(id: &str, shape: Shape, output: Output) -> Point {
    Point {
        device: DeviceId::new("hp1").unwrap(),
        id: PointId::new(id).unwrap(),
        title: id.into(),
        title_zh: id.into(),
        unit: None,
        class: Class::Setpoint,
        shape,
        states: Arc::from([]),
        range: None,
        rollover: None,
        period: S,
        reporting: Reporting {
            deadband: None,
            interval_min: Duration::ZERO,
            interval_max: MIN,
            stale_after: MIN,
        },
        output: Some(output),
    }
}

/// A machine's enable: off is safe.
pub(crate) fn switch(id: &str, rules: Rules) -> OutputSetup {
    let output = Output {
        limits: None,
        rate_max: None,
        interval_min: Duration::ZERO,
        safe: Value::Bool(false),
        relinquish: false,
        readback_tolerance: 0.0,
        readback: true,
    };
    OutputSetup { point: point(id, Shape::Bool, output), rules }
}

/// A setpoint of 30 to 55, safe at 40.
pub(crate) fn setpoint(id: &str, change: impl FnOnce(&mut Output)) -> OutputSetup {
    let mut output = Output {
        limits: Some((30.0, 55.0)),
        rate_max: None,
        interval_min: Duration::ZERO,
        safe: float(40.0),
        relinquish: false,
        readback_tolerance: 0.05,
        readback: true,
    };
    change(&mut output);
    OutputSetup { point: point(id, Shape::Float, output), rules: Rules::default() }
}

pub(crate) fn interlock(
    outputs: &[u32],
    input: u32,
    hold: Duration,
    within: Duration,
) -> Interlock {
    Interlock {
        id: format!("lock{input}").into(),
        title: format!("proof {input}").into(),
        title_zh: format!("证明 {input}").into(),
        outputs: outputs.iter().copied().map(OutputId).collect(),
        input: InputId(input),
        needs: Condition::Is(Value::Bool(true)),
        hold,
        within,
    }
}

pub(crate) fn local(input: u32) -> Option<Local> {
    Some(Local { input: InputId(input), when: Condition::Is(Value::Bool(true)) })
}

/// How a device takes a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    Fine,
    /// Does not answer and does nothing.
    Silent,
    /// Does it, but the answer is lost.
    Mute,
    /// Answers and does nothing.
    Stuck,
}

#[derive(Debug, Clone)]
pub(crate) struct Device {
    pub(crate) value: Value,
    pub(crate) mood: Mood,
}

/// A write that reached its device.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Wrote {
    pub(crate) at: Duration,
    pub(crate) output: u32,
    pub(crate) value: Value,
}

pub(crate) struct Bench {
    pub(crate) control: Control,
    pub(crate) setup: Setup,
    pub(crate) now: Now,
    pub(crate) devices: Vec<Device>,
    pub(crate) wrote: Vec<Wrote>,
    /// No line has room for another write.
    pub(crate) full: bool,
    /// What each device's own programme shows when nobody commands it.
    pub(crate) own: Vec<Value>,
    /// How often outputs were given back.
    pub(crate) given_back: usize,
    pub(crate) trail: Vec<Entry>,
    pub(crate) alarms: Vec<String>,
    pub(crate) actions: Vec<Action>,
}

impl Bench {
    pub(crate) fn new(outputs: Vec<OutputSetup>, interlocks: Vec<Interlock>) -> Self {
        Self::of(Setup { outputs, inputs: 8, interlocks }, None, true)
    }

    pub(crate) fn of(setup: Setup, saved: Option<&Saved>, synced: bool) -> Self {
        let now = Now { utc: Timestamp(START), mono: Mono(Duration::from_secs(5)), synced };
        let control = Control::new(setup.clone(), saved, now);
        let safe = |o: &OutputSetup| o.point.output.as_ref().unwrap().safe.clone();
        let device = |o| Device { value: safe(o), mood: Mood::Fine };
        let own = setup.outputs.iter().map(safe).collect();
        let devices = setup.outputs.iter().map(device).collect();
        let (wrote, given_back, trail, alarms, actions) = Default::default();
        Self {
            control,
            setup,
            now,
            devices,
            wrote,
            full: false,
            own,
            given_back,
            trail,
            alarms,
            actions,
        }
    }

    /// The gateway goes, `off` passes, and it starts again. The machine's monotonic time begins
    /// anew; the devices stay as they are.
    pub(crate) fn restart(&mut self, off: Duration, synced: bool) {
        let saved = serde_json::to_string(&self.control.save(self.now)).unwrap();
        let saved: Saved = serde_json::from_str(&saved).unwrap();
        self.now.utc.0 += i64::try_from(off.as_millis()).unwrap();
        self.now.mono = Mono(Duration::from_secs(5));
        self.now.synced = synced;
        self.control = Control::new(self.setup.clone(), Some(&saved), self.now);
        self.step();
    }

    pub(crate) fn standing(&self, output: u32, slot: u64, source: &str, value: Value) -> StandIn {
        let (source, why) = (source.to_owned(), format!("{source} says so"));
        StandIn { output, slot, source, why, value: Some(value), ttl: 10 * MIN }
    }

    pub(crate) fn ask(&mut self, r: &StandIn, manner: Manner) -> Result<(), Refusal> {
        let request = Request {
            output: OutputId(r.output),
            slot: slot(r.slot),
            source: &r.source,
            why: &r.why,
            value: r.value.as_ref(),
            ttl: r.ttl,
            manner,
        };
        let result = self.control.request(&request, self.now);
        self.step();
        result
    }

    /// A plugin's wish in slot 14.
    pub(crate) fn plugin(&mut self, output: u32, value: Value) {
        let r = self.standing(output, 14, "plugin", value);
        self.ask(&r, Manner::Standing).unwrap();
    }

    /// A command of a person in slot 8.
    pub(crate) fn operator(&mut self, output: u32, value: Value) -> Result<(), &'static str> {
        let r = self.standing(output, 8, "operator", value);
        self.ask(&r, Manner::Once).map_err(|e| e.code())?;
        self.conclude(&r, Ok(()));
        Ok(())
    }

    /// A command ends.
    pub(crate) fn conclude(&mut self, r: &StandIn, result: Result<(), &str>) {
        let request = Request {
            output: OutputId(r.output),
            slot: slot(r.slot),
            source: &r.source,
            why: &r.why,
            value: r.value.as_ref(),
            ttl: r.ttl,
            manner: Manner::Once,
        };
        self.control.conclude(&request, result);
        self.step();
    }

    pub(crate) fn give_back(&mut self, output: u32, slot: u64) {
        let mut r = self.standing(output, slot, "plugin", Value::Int(0));
        r.value = None;
        self.ask(&r, Manner::Standing).unwrap();
    }

    pub(crate) fn input(&mut self, input: u32, value: Option<bool>) {
        let quality = match value {
            Some(_) => Quality::Good,
            None => Quality::Bad(Reason::NoReply),
        };
        let value = value.map(Value::Bool);
        self.control.input(InputId(input), quality, value.as_ref(), self.now);
        self.step();
    }

    /// All outputs are read.
    pub(crate) fn poll(&mut self) {
        for (i, d) in (0u32..).zip(&self.devices) {
            let shows = (d.mood != Mood::Silent).then_some(&d.value);
            self.control.shown(OutputId(i), shows, self.now);
        }
        self.step();
    }

    /// Lets time pass; whatever falls due on the way is done at its time.
    pub(crate) fn pass(&mut self, d: Duration) {
        let end = self.now.mono + d;
        loop {
            let next = self.control.next(self.now).filter(|next| *next < end);
            let to = next.unwrap_or(end).max(self.now.mono);
            let passed = to.since(self.now.mono);
            self.now.mono = to;
            self.now.utc.0 += i64::try_from(passed.as_millis()).unwrap();
            self.step();
            if to == end {
                return;
            }
        }
    }

    pub(crate) fn step(&mut self) {
        loop {
            let mut actions = Vec::new();
            self.control.step(self.now, &mut actions);
            if actions.is_empty() {
                return;
            }
            for action in &actions {
                self.take(action);
            }
            self.actions.append(&mut actions);
        }
    }

    fn take(&mut self, action: &Action) {
        match action {
            Action::Write { ticket, .. } if self.full => self.control.put_off(*ticket, self.now),
            Action::Write { ticket, value } => {
                let device = &mut self.devices[ticket.output.0 as usize];
                if matches!(device.mood, Mood::Fine | Mood::Mute) {
                    device.value = value.clone();
                }
                let (at, output) = (self.now.mono.0, ticket.output.0);
                self.wrote.push(Wrote { at, output, value: value.clone() });
                match device.mood {
                    Mood::Fine | Mood::Stuck => {
                        self.control.written(*ticket, Ok(Some(&device.value)), self.now);
                    }
                    Mood::Silent | Mood::Mute => {
                        self.control.doubtful(*ticket, "no reply", self.now);
                    }
                }
            }
            Action::Relinquish { ticket } => {
                let device = &mut self.devices[ticket.output.0 as usize];
                if matches!(device.mood, Mood::Fine | Mood::Mute) {
                    device.value = self.own[ticket.output.0 as usize].clone();
                }
                self.given_back += 1;
                match device.mood {
                    Mood::Fine => self.control.written(*ticket, Ok(None), self.now),
                    Mood::Stuck => self.control.written(*ticket, Ok(Some(&device.value)), self.now),
                    Mood::Silent | Mood::Mute => {
                        self.control.doubtful(*ticket, "no reply", self.now);
                    }
                }
            }
            Action::Audit(entry) => self.trail.push(entry.clone()),
            Action::Raise(alarm) => self.alarms.push(format!("+ {}", alarm.text)),
            Action::Clear(id) => self.alarms.push(format!("- {id:?}")),
        }
    }

    /// What was written since the last call.
    pub(crate) fn writes(&mut self) -> Vec<Value> {
        self.wrote.drain(..).map(|w| w.value).collect()
    }

    /// Words of the audit trail since the last call.
    pub(crate) fn told(&mut self) -> Vec<String> {
        let word = |e: Entry| match e.what {
            What::Held(held) | What::Shadow(Some(held)) => {
                format!("{} {}: {}", e.source, e.what.code(), held.code())
            }
            What::Refused(code) => format!("{} refused: {code}", e.source),
            _ => format!("{} {}", e.source, e.what.code()),
        };
        self.trail.drain(..).map(word).collect()
    }

    pub(crate) fn alarms(&mut self) -> Vec<String> {
        std::mem::take(&mut self.alarms)
    }
}

/// A request whose texts live on their own.
#[derive(Debug, Clone)]
pub(crate) struct StandIn {
    pub(crate) output: u32,
    pub(crate) slot: u64,
    pub(crate) source: String,
    pub(crate) why: String,
    pub(crate) value: Option<Value>,
    pub(crate) ttl: Duration,
}

pub(crate) const ON: Value = Value::Bool(true);
pub(crate) const OFF: Value = Value::Bool(false);

/// One switch under these rules.
pub(crate) fn run(rules: Rules) -> Bench {
    Bench::new(vec![switch("run", rules)], Vec::new())
}
