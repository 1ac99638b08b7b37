//! One point between two readings: what was last read, what was last sent, and how old it is.

use super::{CounterTurn, Peek, UNREAD};
use std::time::Duration;
use wellhead_driver::Outcome;
use wellhead_model::{
    Class, Mono, Now, Point, PointIndex, Quality, Reason, Sample, Timestamp, Value,
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

#[derive(Debug)]
pub(super) struct PointState {
    read: Option<Sample>,
    sent: Option<Sent>,
    last_good: Option<Mono>,
    /// Staleness counts from the last good reading, or from the start.
    since: Mono,
    /// For counters: the last good value, across bad readings.
    counted: Option<Value>,
}

impl PointState {
    pub(super) fn new(start: Mono) -> Self {
        Self { read: None, sent: None, last_good: None, since: start, counted: None }
    }

    /// Takes a reading; returns the sample if it is to be sent on.
    pub(super) fn take(
        &mut self,
        index: PointIndex,
        point: &Point,
        outcome: &Outcome,
        now: Now,
    ) -> Option<Sample> {
        let sample = judge(index, point, outcome, now.utc);
        if sample.quality() == Quality::Good {
            self.last_good = Some(now.mono);
            self.since = now.mono;
            if point.class == Class::Counter {
                self.counted = sample.value().cloned();
            }
        }
        let due = self.due(point, &sample, now.mono);
        if due {
            self.note_sent(point, &sample, now.mono);
            self.read = Some(sample.clone());
            return Some(sample);
        }
        self.read = Some(sample);
        None
    }

    /// Turns stale what was not read well for too long; returns the sample that says so, once.
    pub(super) fn age(&mut self, index: PointIndex, point: &Point, now: Now) -> Option<Sample> {
        let quality = self.read.as_ref().map_or(Quality::Bad(UNREAD), Sample::quality);
        let overdue = now.mono.since(self.since) > point.reporting.stale_after;
        // What is bad already says more than that it is old.
        if !overdue || (self.read.is_some() && !quality.has_value()) {
            return None;
        }
        let sample = match self.read {
            Some(_) => Sample::stale(index, now.utc, Reason::Aged),
            None => Sample::bad(index, now.utc, UNREAD),
        };
        self.note_sent(point, &sample, now.mono);
        self.read = Some(sample.clone());
        Some(sample)
    }

    /// Whether a counter turned back between the last good value and this one.
    pub(super) fn counter_turn(&self, point: &Point, outcome: &Outcome) -> Option<CounterTurn> {
        if point.class != Class::Counter {
            return None;
        }
        let Outcome::Good(to) = outcome else { return None };
        let from = self.counted.as_ref()?;
        let (a, b) = (from.as_f64()?, to.as_f64()?);
        if b >= a {
            return None;
        }
        // The way over the top must be shorter than the way back, or it was a reset.
        let rolled_over = point.rollover.is_some_and(|top| a < top && top - a + b < a - b);
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

    fn due(&self, point: &Point, sample: &Sample, now: Mono) -> bool {
        let Some(sent) = &self.sent else { return true };
        if sent.quality != sample.quality() {
            return true;
        }
        let waited = now.since(sent.at);
        let rules = &point.reporting;
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

    fn note_sent(&mut self, point: &Point, sample: &Sample, at: Mono) {
        // Only a deadband asks for it; without one every reading goes, and that is the busy case.
        let value = point.reporting.deadband.and_then(|_| sample.value().cloned());
        self.sent = Some(Sent { quality: sample.quality(), value, at });
    }
}

fn judge(index: PointIndex, point: &Point, outcome: &Outcome, time: Timestamp) -> Sample {
    let out_of_range = |value: &Value| {
        let (Some((min, max)), Some(x)) = (point.range, value.as_f64()) else { return false };
        !(min..=max).contains(&x)
    };
    match outcome {
        Outcome::Bad(why) => Sample::bad(index, time, *why),
        Outcome::Good(v) | Outcome::Uncertain(v, _) if out_of_range(v) => {
            Sample::bad(index, time, Reason::OutOfRange)
        }
        Outcome::Good(v) => Sample::good(index, time, v.clone()),
        Outcome::Uncertain(v, why) => Sample::uncertain(index, time, v.clone(), *why),
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
