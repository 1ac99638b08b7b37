//! May this value stand at the device now? The one place where every rule is weighed against the
//! others; it changes nothing, so a wish can be judged before it is granted.

use crate::output::{HOUR, OutputState};
use crate::setup::Target;
use crate::watch::{Leave, Place, RETURN};
use crate::{Held, InterlockId, OutputSetup, Slot};
use std::time::Duration;
use wellhead_model::{Mono, Shape, Value};

/// A value that should stand at an output, and by whose word.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    /// `None` if nobody wants anything: then `value` is the safe one.
    pub(crate) slot: Option<Slot>,
    pub(crate) value: &'a Value,
    /// A command that is refused rather than ramped.
    pub(crate) once: bool,
}

/// The judgement.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Verdict {
    /// What should stand at the device; `None` leaves it as it is.
    pub(crate) go: Option<Target>,
    /// Why that is not what was wanted.
    pub(crate) held: Option<Held>,
    /// When time alone changes the judgement.
    pub(crate) until: Option<Mono>,
}

/// What a judgement is based on.
#[derive(Clone, Copy)]
pub(crate) struct Case<'a> {
    pub(crate) setup: &'a OutputSetup,
    pub(crate) state: &'a OutputState,
    /// The strictest interlock.
    pub(crate) leave: (Leave, Option<InterlockId>),
    pub(crate) now: Mono,
}

impl Verdict {
    fn go(target: Target) -> Self {
        Self { go: Some(target), held: None, until: None }
    }

    fn stay(held: Held, until: Option<Mono>) -> Self {
        Self { go: None, held: Some(held), until }
    }
}

impl Case<'_> {
    pub(crate) fn judge(&self, wanted: Wanted<'_>) -> Verdict {
        let mut verdict = self.weigh(wanted);
        // Whatever else is waited for, the end of a grace comes first.
        if let (Leave::Grace(end), _) = self.leave {
            verdict.until = Some(verdict.until.map_or(end, |until| until.min(end)));
        }
        verdict
    }

    fn weigh(&self, wanted: Wanted<'_>) -> Verdict {
        let Some(output) = self.setup.output() else { return Verdict::stay(Held::Local, None) };
        let away = !self.setup.is_safe(wanted.value);
        let state = self.state;
        if state.place == Place::Local {
            return Verdict::stay(Held::Local, None);
        }
        // Where somebody wants something that may not be, the device is not left to itself.
        let rest = match wanted.slot {
            None if output.relinquish => Target::Relinquished,
            _ => Target::Value(output.safe.clone()),
        };
        let forced = |held, rest| Verdict { held: away.then_some(held), ..Verdict::go(rest) };
        if state.restoring {
            return forced(Held::Restoring, rest);
        }
        match self.leave {
            (Leave::Lost, Some(lock)) => return forced(Held::Interlock(lock), rest),
            (Leave::Recovering(until), Some(lock)) => {
                return Verdict { until: Some(until), ..forced(Held::Interlock(lock), rest) };
            }
            _ => {}
        }
        if !away {
            return self.rest_or_later(wanted, rest);
        }
        if let Some(verdict) = self.held_back(rest) {
            return verdict;
        }
        if let Some(until) = self.interval() {
            return Verdict::stay(Held::Interval, Some(until));
        }
        self.ramp(wanted).unwrap_or_else(|| Verdict::go(Target::Value(wanted.value.clone())))
    }

    fn rest_or_later(&self, wanted: Wanted<'_>, rest: Target) -> Verdict {
        let on_until = self.state.drive.since + self.setup.rules.min_on;
        let bound = self.state.drive.on && !wanted.slot.is_some_and(Slot::protects);
        if bound && self.now < on_until {
            return Verdict::stay(Held::MinimumOn, Some(on_until));
        }
        Verdict::go(rest)
    }

    /// What keeps an output from a value other than safe, if anything does.
    fn held_back(&self, rest: Target) -> Option<Verdict> {
        let (held, until) = self.hindrance()?;
        // What is off is kept off, which matters where the last write to safe is not confirmed.
        let known = self.state.drive.value.is_some() || matches!(held, Held::Interlock(_));
        let go = (!self.state.drive.on && known).then_some(rest);
        Some(Verdict { go, held: Some(held), until })
    }

    fn hindrance(&self) -> Option<(Held, Option<Mono>)> {
        let (state, rules) = (self.state, &self.setup.rules);
        let starting = !state.drive.on;
        // A start that the device has not followed yet is tried again as a start.
        let running = state.drive.on && state.drive.confirmed;
        match self.leave {
            (Leave::Grace(until), Some(lock)) => return Some((Held::Interlock(lock), Some(until))),
            (Leave::NotYet(until), Some(lock)) if !running => {
                return Some((Held::Interlock(lock), Some(until)));
            }
            _ => {}
        }
        match state.place {
            Place::Remote => {}
            Place::Returning(since, _) => return Some((Held::Returning, Some(since + RETURN))),
            Place::Unknown | Place::Lost | Place::Local => return Some((Held::LocalUnknown, None)),
        }
        if starting {
            if self.now < state.not_before {
                return Some((Held::RestartDelay, Some(state.not_before)));
            }
            let off_until = state.drive.since + rules.min_off;
            if self.now < off_until {
                return Some((Held::MinimumOff, Some(off_until)));
            }
            if let Some(until) = self.starts_spent() {
                return Some((Held::StartsPerHour, until));
            }
        }
        let spent = rules.writes_per_year_max.is_some_and(|max| state.budget.spent(max));
        spent.then_some((Held::Budget, None))
    }

    /// When the next start may be, if there were too many.
    fn starts_spent(&self) -> Option<Option<Mono>> {
        let max = self.setup.rules.starts_per_hour_max? as usize;
        let recent = self.state.starts.iter().filter(|at| self.now < **at + HOUR);
        let n = recent.clone().count();
        if n < max {
            return None;
        }
        // The start whose leaving makes room; none ever does if none is allowed.
        Some(recent.copied().nth(n - max).map(|at| at + HOUR).filter(|_| max > 0))
    }

    fn interval(&self) -> Option<Mono> {
        let interval = self.setup.output()?.interval_min;
        let until = self.state.drive.sent? + interval;
        (self.now < until).then_some(until)
    }

    /// The next step towards the wanted value, if it can't be reached in one.
    fn ramp(&self, wanted: Wanted<'_>) -> Option<Verdict> {
        let output = self.setup.output()?;
        let rate = output.rate_max?;
        if !matches!(self.setup.point.shape, Shape::Float | Shape::Int) {
            return None;
        }
        let drive = &self.state.drive;
        // What it moves from is not known before anything was read or written.
        let (from, to) = (drive.value.as_ref()?.as_f64()?, wanted.value.as_f64()?);
        let step = ramp_step(rate, output.interval_min, self.setup.point.shape);
        let passed = match drive.sent {
            _ if wanted.once => self.now.since(drive.sent.unwrap_or(self.state.started)),
            Some(sent) if self.state.ramping => self.now.since(sent),
            Some(sent) => self.now.since(sent).min(step),
            None => step,
        };
        let reach = rate * passed.as_secs_f64();
        if (to - from).abs() <= reach * (1.0 + 1e-9) {
            return None;
        }
        let due = drive.sent.map(|sent| sent + step).filter(|due| self.now < *due);
        if let Some(due) = due {
            return Some(Verdict::stay(Held::Ramp, Some(due)));
        }
        let again = Some(self.now + step);
        let mut next = if to > from { from + reach } else { from - reach };
        if self.setup.point.shape == Shape::Int {
            // The time that one takes is no whole number of nanoseconds: what it falls short by
            // must not cost the step.
            let short = reach * 1e-9;
            next = if to > from { (next + short).floor() } else { (next - short).ceil() };
        }
        if let Some((min, max)) = output.limits {
            next = next.clamp(min, max);
        }
        let value = Value::float(next).and_then(|v| self.setup.point.accept(&v).ok());
        match value.filter(|_| next != from) {
            Some(v) => {
                Some(Verdict { go: Some(Target::Value(v)), held: Some(Held::Ramp), until: again })
            }
            None => Some(Verdict::stay(Held::Ramp, again)),
        }
    }
}

/// Between two writes of a ramp: not too often for the bus, and long enough that a whole number
/// moves at all.
fn ramp_step(rate: f64, interval_min: Duration, shape: Shape) -> Duration {
    let one = match shape {
        Shape::Int => Duration::try_from_secs_f64(1.0 / rate).unwrap_or(HOUR),
        _ => Duration::ZERO,
    };
    RAMP_STEP.max(interval_min).max(one)
}

const RAMP_STEP: Duration = Duration::from_secs(5);
