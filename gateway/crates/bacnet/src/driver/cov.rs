//! One point's subscription to changes. Pure: time comes in as an argument.
//!
//! A subscription counts as working only once a notification has come: a device may acknowledge it
//! and its notifications may still never arrive. Until then, and whenever it fails, the point is
//! polled.

use crate::Cov;
use std::time::Duration;
use tokio::time::Instant;
use wellhead_driver::Outcome;

/// How long a device that refused is left alone, or one whose notifications never came.
const RETRY: Duration = Duration::from_secs(3600);
/// How long the first notification may take.
const FIRST: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Not subscribed.
    Off,
    /// Subscribed; no notification has come yet.
    Asked(Instant),
    /// Notifications come.
    On,
    /// Left alone until then.
    Refused(Instant),
}

/// One point's subscription.
#[derive(Debug)]
pub(super) struct Subscription {
    pub(super) cov: Cov,
    state: State,
    renew: Instant,
    ends: Instant,
    /// Asked for the object's own increment, since the device knows no other.
    pub(super) plain: bool,
    read: Option<Instant>,
    notified: Option<Outcome>,
}

/// What a subscription needs before its point is polled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// Nothing.
    Nothing,
    /// To be asked for, or renewed.
    Subscribe,
    /// No notification has come: polling takes its place. To be told.
    Silent,
}

impl Subscription {
    pub(super) fn new(cov: Cov, now: Instant) -> Self {
        Self {
            cov,
            state: State::Off,
            renew: now,
            ends: now,
            plain: false,
            read: None,
            notified: None,
        }
    }

    /// What it needs now.
    pub(super) fn need(&mut self, now: Instant) -> Need {
        match self.state {
            State::Refused(until) if now < until => Need::Nothing,
            State::Off | State::Refused(_) => Need::Subscribe,
            State::Asked(since) if now >= since + FIRST => {
                self.state = State::Refused(now + RETRY);
                Need::Silent
            }
            State::Asked(_) => Need::Nothing,
            State::On if now >= self.ends => {
                self.state = State::Off;
                Need::Subscribe
            }
            State::On if now >= self.renew => Need::Subscribe,
            State::On => Need::Nothing,
        }
    }

    /// The device acknowledged it.
    pub(super) fn subscribed(&mut self, now: Instant) {
        self.renew = now + self.cov.lifetime / 2;
        self.ends = now + self.cov.lifetime;
        if self.state != State::On {
            self.state = State::Asked(now);
        }
    }

    /// The device refused it.
    pub(super) fn refused(&mut self, now: Instant) {
        self.state = State::Refused(now + RETRY);
    }

    /// The device went silent: it may have been restarted and know nothing of it.
    pub(super) fn reset(&mut self) {
        if !matches!(self.state, State::Refused(_)) {
            self.state = State::Off;
        }
    }

    /// A notification came.
    pub(super) fn notified(&mut self, outcome: &Outcome, now: Instant) {
        if now < self.ends {
            self.state = State::On;
        }
        self.notified = Some(outcome.clone());
    }

    /// Whether the point must be read although it has a subscription.
    pub(super) fn must_read(&self, now: Instant) -> bool {
        self.state != State::On || self.read.is_none_or(|at| now >= at + self.cov.check)
    }

    /// The point was read. Returns whether a notification must have been lost.
    pub(super) fn was_read(&mut self, outcome: &Outcome, now: Instant) -> bool {
        self.read = Some(now);
        let (State::On, Some(notified)) = (self.state, &self.notified) else { return false };
        if notified == outcome {
            return false;
        }
        // The next subscription brings a notification with it, or shows that none comes.
        self.state = State::Off;
        match (number(notified), number(outcome), self.cov.increment) {
            (Some(a), Some(b), Some(increment)) if !self.plain => (a - b).abs() > increment,
            // How far the object's own increment lets it drift is not known.
            (Some(_), Some(_), _) => false,
            _ => true,
        }
    }
}

/// A measured number; a whole one counts states and never drifts.
fn number(outcome: &Outcome) -> Option<f64> {
    match outcome {
        Outcome::Good(v) | Outcome::Uncertain(v, _) | Outcome::Manual(v) => match v {
            wellhead_model::Value::Float(f) => Some(f.get()),
            _ => None,
        },
        Outcome::Bad(_) => None,
    }
}
