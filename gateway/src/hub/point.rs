//! One point between two readings: what was last read, what was last sent, and how old it is.

use super::{CounterTurn, Peek, UNREAD};
use std::sync::Arc;
use std::time::Duration;
use wellhead_driver::Outcome;
use wellhead_model::{
    Class, Mono, Now, Point, PointIndex, Quality, Reason, Reporting, Sample, Timestamp, Value,
};

/// What a point shows right now, for people and metrics.
#[derive(Debug, Clone)]
pub struct Latest {
    /// The point.
    pub point: Point,
    /// How good.
    pub quality: Quality,
    /// The value, if the quality allows one.
    pub value: Option<Value>,
    /// When that was read or found out.
    pub time: Option<Timestamp>,
    /// Since the last good reading; `None` if there was none.
    pub age: Option<Duration>,
}

/// What was last passed on.
#[derive(Debug, Clone)]
struct Sent {
    quality: Quality,
    value: Option<Value>,
    at: Mono,
}

/// What decides over a point's readings, out of its [`Point`]. A poll goes through all points of a
/// device whose like was last looked at a second ago, so what it must fetch from memory is most of
/// its cost: points with equal rules share one copy, and the wide [`Point`] is left alone.
#[derive(Debug, PartialEq)]
struct Rules {
    counter: bool,
    range: Option<(f64, f64)>,
    rollover: Option<f64>,
    reporting: Reporting,
}

impl Rules {
    fn of(point: &Point) -> Self {
        let Point { class, range, rollover, reporting, .. } = *point;
        Self { counter: class == Class::Counter, range, rollover, reporting }
    }
}

#[derive(Debug)]
pub(super) struct PointState {
    rules: Arc<Rules>,
    read: Option<Sample>,
    sent: Option<Sent>,
    last_good: Option<Mono>,
    /// For counters: the last good value, across bad readings.
    counted: Option<Value>,
}

/// The states of a device's points, before anything was read.
pub(super) fn states(points: &[Point]) -> Vec<PointState> {
    let mut known: Vec<Arc<Rules>> = Vec::new();
    let state = |point: &Point| {
        let rules = Rules::of(point);
        let shared = known.iter().find(|r| ***r == rules).cloned();
        let rules = shared.unwrap_or_else(|| {
            known.push(Arc::new(rules));
            known[known.len() - 1].clone()
        });
        PointState { rules, read: None, sent: None, last_good: None, counted: None }
    };
    points.iter().map(state).collect()
}

impl PointState {
    /// Takes a reading; returns the sample if it is to be sent on.
    pub(super) fn take(&mut self, index: PointIndex, outcome: Outcome, now: Now) -> Option<Sample> {
        let sample = judge(index, self.rules.range, outcome, now.utc);
        // A contact's edge and the level it led to, found in one reading, say the same once.
        if self.last_good == Some(now.mono) && self.read.as_ref() == Some(&sample) {
            return None;
        }
        // What somebody has set or switched off at the device is not its measurement, but what it
        // says of that is new with each reading.
        let by_hand = [Quality::Manual, Quality::Uncertain(Reason::OutOfService)];
        if sample.quality() == Quality::Good || by_hand.contains(&sample.quality()) {
            self.last_good = Some(now.mono);
            if self.rules.counter && sample.quality() == Quality::Good {
                self.counted = sample.value().cloned();
            }
        }
        if !self.due(&sample, now.mono) {
            self.read = Some(sample);
            return None;
        }
        self.note_sent(&sample, now.mono);
        self.read = Some(sample.clone());
        Some(sample)
    }

    /// Turns stale what was not read well for too long; returns the sample that says so, once.
    /// `start` is what counts for a point never read well.
    pub(super) fn age(&mut self, index: PointIndex, start: Mono, now: Now) -> Option<Sample> {
        if !self.can_age() || now.mono <= self.fresh_until(start) {
            return None;
        }
        let sample = match self.read {
            Some(_) => Sample::stale(index, now.utc, Reason::Aged),
            None => Sample::bad(index, now.utc, UNREAD),
        };
        self.note_sent(&sample, now.mono);
        self.read = Some(sample.clone());
        Some(sample)
    }

    /// Until when [`Self::age`] finds nothing, whatever is read meanwhile. `None` for a point that
    /// shows no value: a doubtful one may come next, and be too old at once.
    pub(super) fn ageless_until(&self, start: Mono) -> Option<Mono> {
        self.can_age().then(|| self.fresh_until(start))
    }

    /// What is bad already says more than that it is old.
    fn can_age(&self) -> bool {
        self.read.as_ref().is_none_or(|sample| sample.quality().has_value())
    }

    fn fresh_until(&self, start: Mono) -> Mono {
        self.last_good.unwrap_or(start) + self.rules.reporting.stale_after
    }

    /// Whether a counter turned back between the last good value and this one.
    pub(super) fn counter_turn(&self, outcome: &Outcome) -> Option<CounterTurn> {
        if !self.rules.counter {
            return None;
        }
        let Outcome::Good(to) = outcome else { return None };
        let from = self.counted.as_ref()?;
        let (a, b) = (from.as_f64()?, to.as_f64()?);
        if b >= a {
            return None;
        }
        // The way over the top must be shorter than the way back, or it was a reset.
        let rolled_over = self.rules.rollover.is_some_and(|top| a < top && top - a + b < a - b);
        Some(CounterTurn { rolled_over, from: from.clone(), to: to.clone() })
    }

    pub(super) fn peek(&self) -> Peek {
        Peek {
            quality: self.read.as_ref().map_or(Quality::Bad(UNREAD), Sample::quality),
            value: self.read.as_ref().and_then(Sample::value).cloned(),
            read: self.last_good,
        }
    }

    pub(super) fn latest(&self, point: &Point, now: Now) -> Latest {
        Latest {
            point: point.clone(),
            quality: self.read.as_ref().map_or(Quality::Bad(UNREAD), Sample::quality),
            value: self.read.as_ref().and_then(Sample::value).cloned(),
            time: self.read.as_ref().map(Sample::time),
            age: self.last_good.map(|at| now.mono.since(at)),
        }
    }

    fn due(&self, sample: &Sample, now: Mono) -> bool {
        let Some(sent) = &self.sent else { return true };
        if sent.quality != sample.quality() {
            return true;
        }
        let waited = now.since(sent.at);
        let rules = &self.rules.reporting;
        if waited >= rules.interval_max {
            return true;
        }
        waited >= rules.interval_min
            && match rules.deadband {
                // Every reading; but a missing one has nothing new to say.
                None => sample.value().is_some(),
                Some(band) => changed(sent.value.as_ref(), sample.value(), band),
            }
    }

    fn note_sent(&mut self, sample: &Sample, at: Mono) {
        // Only a deadband asks for it; without one every reading goes, and that is the busy case.
        let value = self.rules.reporting.deadband.and_then(|_| sample.value().cloned());
        self.sent = Some(Sent { quality: sample.quality(), value, at });
    }
}

fn judge(
    index: PointIndex,
    range: Option<(f64, f64)>,
    outcome: Outcome,
    time: Timestamp,
) -> Sample {
    let out_of_range = |value: &Value| {
        let (Some((min, max)), Some(x)) = (range, value.as_f64()) else { return false };
        !(min..=max).contains(&x)
    };
    match outcome {
        Outcome::Bad(why) => Sample::bad(index, time, why),
        Outcome::Good(v) | Outcome::Uncertain(v, _) | Outcome::Manual(v) if out_of_range(&v) => {
            Sample::bad(index, time, Reason::OutOfRange)
        }
        Outcome::Good(v) => Sample::good(index, time, v),
        Outcome::Uncertain(v, why) => Sample::uncertain(index, time, v, why),
        Outcome::Manual(v) => Sample::manual(index, time, v),
    }
}

fn changed(sent: Option<&Value>, new: Option<&Value>, band: f64) -> bool {
    match (sent, new) {
        (Some(a), Some(b)) => match (a.as_f64(), b.as_f64()) {
            (Some(x), Some(y)) if band > 0.0 => (x - y).abs() >= band,
            _ => a != b,
        },
        _ => sent.is_some() != new.is_some(),
    }
}
