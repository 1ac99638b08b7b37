//! One plugin of a site over its whole life.

use crate::effects::{Effects, KvChange, Publication};
use crate::fault::{Fault, FaultKind};
use crate::instance::{Instance, Saved, Seen, Setup};
use crate::lifecycle::{Lifecycle, Phase};
use crate::program::Program;
use std::time::Duration;
use wellhead_model::{Mono, Now};

/// A plugin that is kept going: started, called once a period, started again from its last saved
/// state after a fault, given up after too many, exchanged for another version.
///
/// The caller asks [`next`](Self::next) when [`run`](Self::run) is due, and carries out what it
/// returns.
#[derive(Debug)]
pub struct Plugin {
    program: Program,
    setup: Setup,
    instance: Option<Instance>,
    lifecycle: Lifecycle,
    next: Mono,
    metrics: Metrics,
}

/// What became of a call.
#[derive(Debug)]
pub enum Outcome {
    /// It ended well: carry this out.
    Done(Effects),
    /// It failed and asks for nothing. If the phase is [`Phase::Running`] it goes on with its next
    /// call, and its outputs lapse by their time to live; otherwise it is lost, and its outputs
    /// are to be released now.
    Failed(Fault, Phase),
    /// It was not called: it waits for its restart, is disabled, or doesn't want this call.
    Idle,
}

/// What a plugin has cost so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Metrics {
    /// Calls of any kind.
    pub calls: u64,
    /// CPU time of all calls; zero if the engine is one for tools.
    pub cost: Duration,
    /// CPU time of the longest call.
    pub cost_max: Duration,
    /// Calls that failed, in the order of [`FaultKind::ALL`].
    pub faults: [u64; FaultKind::ALL.len()],
    /// Times it was started.
    pub starts: u64,
    /// Log lines beyond what a call may write.
    pub lines_dropped: u64,
    /// Linear memory it has now, in bytes; 0 while it doesn't run.
    pub memory: usize,
}

impl Plugin {
    /// A plugin that is due at once. Nothing of it runs before [`run`](Self::run).
    pub fn new(program: Program, setup: Setup, now: Now) -> Self {
        Self {
            program,
            setup,
            instance: None,
            lifecycle: Lifecycle::default(),
            next: now.mono,
            metrics: Metrics::default(),
        }
    }

    /// What it is.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// How it is bound, and its state as of the last call that ended well: its store, and what it
    /// saved last.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// What it is at.
    pub fn phase(&self) -> Phase {
        self.lifecycle.phase()
    }

    /// Every value that it has published since it was started, as it stands. A plugin need not
    /// publish again what has not changed: it stands as long as its calls end well.
    pub fn shown(&self) -> impl Iterator<Item = &Publication> {
        self.instance.iter().flat_map(Instance::shown)
    }

    /// What it has cost so far.
    pub fn metrics(&self) -> Metrics {
        let memory = self.instance.as_ref().map_or(0, Instance::memory);
        Metrics { memory, ..self.metrics }
    }

    /// When [`run`](Self::run) is due; never while it is disabled.
    pub fn next(&self) -> Option<Mono> {
        match self.lifecycle.phase() {
            Phase::Running => Some(self.next),
            Phase::Waiting(until) => Some(until),
            Phase::Disabled => None,
        }
    }

    /// Makes the call that is due, one at a time: `init` after a start, then `tick` at once and
    /// every period.
    pub fn run(&mut self, seen: &mut Seen, now: Now) -> Outcome {
        if self.next().is_none_or(|next| now.mono < next) || !self.lifecycle.may_run(now.mono) {
            return Outcome::Idle;
        }
        let Some(instance) = &mut self.instance else { return self.start(seen, now) };
        let period = self.program.manifest.period;
        // A late call doesn't make the next one early.
        let regular = self.next + period;
        self.next = if regular > now.mono { regular } else { now.mono + period };
        let result = instance.tick(seen, now);
        let cost = instance.cost();
        self.called(result, cost, now.mono)
    }

    /// Tells it that points changed, if its manifest asks for that and it runs.
    pub fn changed(&mut self, bindings: &[u32], seen: &mut Seen, now: Now) -> Outcome {
        let wanted = self.program.manifest.on_change && self.phase() == Phase::Running;
        let Some(instance) = self.instance.as_mut().filter(|_| wanted) else {
            return Outcome::Idle;
        };
        let result = instance.changed(bindings, seen, now);
        let cost = instance.cost();
        self.called(result, cost, now.mono)
    }

    /// Asks for its state and keeps it for the next start. None if it doesn't run. A failure is
    /// one like any other; the state before remains.
    pub fn save(&mut self, now: Now) -> Result<Option<&Saved>, (Fault, Phase)> {
        let Some(instance) = &mut self.instance else { return Ok(None) };
        let result = instance.save();
        self.metrics.count(instance.cost());
        match result {
            Ok(saved) => Ok(Some(self.setup.saved.insert(saved))),
            Err(fault) => {
                let phase = self.failed(&fault, now.mono);
                Err((fault, phase))
            }
        }
    }

    /// Exchanges it for another version, or the same with other settings, between two calls. The
    /// new one is initialised with the state and store of the old; if that fails the old one
    /// stays as it is. `setup.saved` and `setup.kv` are not used.
    pub fn replace(
        &mut self,
        program: Program,
        setup: Setup,
        seen: &mut Seen,
        now: Now,
    ) -> Result<Effects, Fault> {
        // If the old one can't save, what it saved before has to do, as after any fault.
        let _ = self.save(now);
        let saved = self.setup.saved.clone();
        let mut setup = Setup { saved, kv: self.setup.kv.clone(), ..setup };
        let (instance, effects) = Instance::new(&program, &setup, seen, now)?;
        self.metrics.started(&instance, &effects);
        keep(&mut setup, &effects);
        *self = Self {
            program,
            setup,
            instance: Some(instance),
            lifecycle: Lifecycle::default(),
            next: now.mono,
            metrics: self.metrics,
        };
        Ok(effects)
    }

    /// A person starts it again.
    pub fn enable(&mut self, now: Now) {
        self.lifecycle.enable();
        self.next = now.mono;
    }

    /// A person stops it. What it has not saved is lost.
    pub fn disable(&mut self) {
        self.instance = None;
        self.lifecycle.disable();
    }

    fn start(&mut self, seen: &mut Seen, now: Now) -> Outcome {
        match Instance::new(&self.program, &self.setup, seen, now) {
            Ok((instance, effects)) => {
                self.metrics.started(&instance, &effects);
                self.instance = Some(instance);
                self.next = now.mono;
                keep(&mut self.setup, &effects);
                Outcome::Done(effects)
            }
            Err(fault) => {
                let phase = self.failed(&fault, now.mono);
                Outcome::Failed(fault, phase)
            }
        }
    }

    fn called(&mut self, result: Result<Effects, Fault>, cost: Duration, now: Mono) -> Outcome {
        self.metrics.count(cost);
        match result {
            Ok(effects) => {
                self.metrics.lines_dropped += u64::from(effects.logs.dropped);
                keep(&mut self.setup, &effects);
                Outcome::Done(effects)
            }
            Err(fault) => {
                let phase = self.failed(&fault, now);
                Outcome::Failed(fault, phase)
            }
        }
    }

    /// Counts a fault; one that costs the instance goes through the lifecycle. So does an error of
    /// `init`, after which there is no instance either.
    fn failed(&mut self, fault: &Fault, now: Mono) -> Phase {
        if let Some(at) = FaultKind::ALL.iter().position(|k| *k == fault.kind) {
            self.metrics.faults[at] += 1;
        }
        self.metrics.lines_dropped += u64::from(fault.logs.dropped);
        if fault.kind.is_fatal() {
            self.instance = None;
        }
        if self.instance.is_none() {
            self.lifecycle.fault(now);
        }
        self.lifecycle.phase()
    }
}

/// The store as of a call that ended well, for the next start.
fn keep(setup: &mut Setup, effects: &Effects) {
    for KvChange { key, value } in &effects.kv {
        match value {
            Some(value) => setup.kv.insert(key.clone(), value.clone()),
            None => setup.kv.remove(key),
        };
    }
}

impl Metrics {
    fn count(&mut self, cost: Duration) {
        self.calls += 1;
        self.cost += cost;
        self.cost_max = self.cost_max.max(cost);
    }

    fn started(&mut self, instance: &Instance, effects: &Effects) {
        self.starts += 1;
        self.lines_dropped += u64::from(effects.logs.dropped);
        self.count(instance.cost());
    }
}
