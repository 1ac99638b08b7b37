//! What Control is told once: outputs with their rules, inputs, interlocks.

use std::sync::Arc;
use std::time::Duration;
use wellhead_model::{Output, Point, Value};

/// Position of an output in [`Setup::outputs`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OutputId(pub u32);

/// Position of an input in [`Setup::inputs`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InputId(pub u32);

/// Position of an interlock in [`Setup::interlocks`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InterlockId(pub u32);

/// Everything Control judges by. Every id in it must be a position that exists; an interlock or
/// local contact on an input that does not never allows anything.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Setup {
    /// The points that may be written.
    pub outputs: Vec<OutputSetup>,
    /// How many inputs there are.
    pub inputs: u32,
    /// What must hold before outputs may leave their safe value.
    pub interlocks: Vec<Interlock>,
}

/// One output.
#[derive(Debug, Clone, PartialEq)]
pub struct OutputSetup {
    /// The point; a point without [`Point::output`] refuses every write.
    pub point: Point,
    /// What restrains it beyond its limits and rate.
    pub rules: Rules,
}

impl OutputSetup {
    /// Its whole name, `hp1/run`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.point.device, self.point.id)
    }

    pub(crate) fn output(&self) -> Option<&Output> {
        self.point.output.as_ref()
    }

    /// Whether a value is its safe one; then the output is off.
    pub(crate) fn is_safe(&self, value: &Value) -> bool {
        self.output().is_some_and(|o| same(value, &o.safe, 0.0))
    }

    /// Whether a target leaves the output off.
    pub(crate) fn rests(&self, target: &Target) -> bool {
        target.value().is_none_or(|value| self.is_safe(value))
    }

    /// Whether what the device shows is what was written, within the point's tolerance.
    pub fn agrees(&self, wrote: &Value, shows: &Value) -> bool {
        same(wrote, shows, self.output().map_or(0.0, |o| o.readback_tolerance))
    }
}

/// What should stand at a device.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Target {
    /// This value.
    Value(Value),
    /// Nothing of ours: the device decides.
    Relinquished,
}

impl Target {
    pub(crate) fn value(&self) -> Option<&Value> {
        match self {
            Target::Value(value) => Some(value),
            Target::Relinquished => None,
        }
    }
}

fn same(a: &Value, b: &Value, tolerance: f64) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(x), Some(y)) => (x - y).abs() <= tolerance + 1e-9 * x.abs().max(1.0),
        _ => a == b,
    }
}

/// What restrains an output beyond the limits and rate of its point. "On" is away from its safe
/// value.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rules {
    /// Once on, it stays on for at least this long.
    pub min_on: Duration,
    /// Once off, it stays off for at least this long.
    pub min_off: Duration,
    /// Most starts in any 60 minutes.
    pub starts_per_hour_max: Option<u32>,
    /// While it is on, the same value is written again this often, so that a device whose watchdog
    /// counts writes knows that somebody is there.
    pub refresh: Option<Duration>,
    /// Most writes in a calendar year (UTC), for registers in EEPROM. Warns at 80 %; at 100 %
    /// only the safe value is written.
    pub writes_per_year_max: Option<u32>,
    /// How long it stays off after the gateway started, or the device came back from a power cut.
    pub restart_delay: Duration,
    /// Adds 30 s each to `restart_delay`, so that machines do not start together.
    pub restart_index: u32,
    /// Where the device says that it is operated by hand.
    pub local: Option<Local>,
}

impl Rules {
    /// Time after a restart before the output may leave its safe value.
    pub(crate) fn restart_wait(&self) -> Duration {
        match self.restart_delay {
            Duration::ZERO => Duration::ZERO,
            delay => delay.saturating_add(STAGGER.saturating_mul(self.restart_index)),
        }
    }
}

/// Between the restarts of two machines.
const STAGGER: Duration = Duration::from_secs(30);

/// Where a device says that it is operated by hand.
#[derive(Debug, Clone, PartialEq)]
pub struct Local {
    /// The contact or state.
    pub input: InputId,
    /// What it shows then.
    pub when: Condition,
}

/// What must hold before some outputs may leave their safe value.
#[derive(Debug, Clone, PartialEq)]
pub struct Interlock {
    /// Its name in the site file.
    pub id: Arc<str>,
    /// Name for people, in English.
    pub title: Arc<str>,
    /// Name for people, in Chinese.
    pub title_zh: Arc<str>,
    /// The outputs it guards.
    pub outputs: Vec<OutputId>,
    /// Where it looks.
    pub input: InputId,
    /// What it wants to see there. A value that is not good is never what it wants.
    pub needs: Condition,
    /// How long that must have held before an output may leave its safe value.
    pub hold: Duration,
    /// The longest that it may be lost before outputs are written to their safe value.
    pub within: Duration,
}

/// A question to a value.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// Exactly this: a contact's `true`, a state's name.
    Is(Value),
    /// More than this, in the input's unit.
    Above(f64),
    /// Less than this, in the input's unit.
    Below(f64),
}

impl Condition {
    /// Whether it holds for a value.
    pub fn holds(&self, value: &Value) -> bool {
        match (self, value.as_f64()) {
            (Condition::Is(wanted), _) => same(wanted, value, 0.0),
            (Condition::Above(limit), Some(v)) => v > *limit,
            (Condition::Below(limit), Some(v)) => v < *limit,
            (Condition::Above(_) | Condition::Below(_), None) => false,
        }
    }
}
