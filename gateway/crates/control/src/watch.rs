//! Interlocks and local contacts as time goes by.

use crate::{Interlock, InterlockId, Local};
use std::time::Duration;
use wellhead_model::{Mono, Value};

/// What an interlock says to its outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leave {
    /// They may leave their safe value.
    Granted,
    /// It holds, but not for long enough: they may stay on, not start, until then.
    NotYet(Mono),
    /// It is lost, and they may stay as they are until then.
    Grace(Mono),
    /// It holds again, but not for long enough since they had to go to safe: until then they go on
    /// to, also one that has not followed yet.
    Recovering(Mono),
    /// It is lost: they go to safe.
    Lost,
}

/// An interlock's condition, and since when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Guard {
    pub(crate) holds: bool,
    /// `None` until the input was seen for the first time.
    pub(crate) since: Option<Mono>,
    /// It was lost for so long that its outputs had to go to safe, and was not granted since.
    tripped: bool,
    /// It stopped an output, and its alarm is active.
    pub(crate) alarmed: bool,
}

impl Guard {
    /// Nothing is known: it does not hold, and there is nothing to wait for.
    pub(crate) fn new() -> Self {
        Self { holds: false, since: None, tripped: false, alarmed: false }
    }

    /// Takes what the input shows; says whether that changed anything.
    pub(crate) fn see(&mut self, lock: &Interlock, value: Option<&Value>, now: Mono) -> bool {
        let holds = value.is_some_and(|v| lock.needs.holds(v));
        let changed = holds != self.holds;
        if changed {
            let lost = matches!(self.leave(lock, now), Leave::Lost | Leave::Recovering(_));
            self.tripped = lost && self.since.is_some();
            (self.holds, self.since) = (holds, Some(now));
        }
        changed
    }

    pub(crate) fn leave(&self, lock: &Interlock, now: Mono) -> Leave {
        let Some(since) = self.since else { return Leave::Lost };
        let until = since + if self.holds { lock.hold } else { lock.within };
        match (self.holds, now >= until) {
            (true, true) => Leave::Granted,
            (true, false) if self.tripped => Leave::Recovering(until),
            (true, false) => Leave::NotYet(until),
            (false, false) if !self.tripped => Leave::Grace(until),
            (false, _) => Leave::Lost,
        }
    }
}

/// The strictest of several interlocks, and which it is. Of two that wait, the one that waits
/// longest.
pub(crate) fn strictest(
    locks: &[Interlock],
    guards: &[Guard],
    of: &[u32],
    now: Mono,
) -> (Leave, Option<InterlockId>) {
    let mut worst = (Leave::Granted, None);
    for &i in of {
        let (Some(lock), Some(guard)) = (locks.get(i as usize), guards.get(i as usize)) else {
            continue;
        };
        let leave = guard.leave(lock, now);
        if rank(leave) > rank(worst.0) {
            worst = (leave, Some(InterlockId(i)));
        }
    }
    worst
}

fn rank(leave: Leave) -> (u8, Duration) {
    match leave {
        Leave::Granted => (0, Duration::ZERO),
        Leave::NotYet(until) => (1, until.0),
        // The earliest end counts, not the latest.
        Leave::Grace(until) => (2, Duration::MAX.saturating_sub(until.0)),
        Leave::Recovering(until) => (3, until.0),
        Leave::Lost => (4, Duration::ZERO),
    }
}

/// How long a device must be back from local operation before it is written again.
pub(crate) const RETURN: Duration = Duration::from_secs(60);

/// Who operates a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// The gateway.
    Remote,
    /// Not known since the start.
    Unknown,
    /// Not known any more.
    Lost,
    /// A person at the device.
    Local,
    /// The gateway soon: since when, and whether the output was read since.
    Returning(Mono, bool),
}

impl Place {
    pub(crate) fn new(local: Option<&Local>) -> Self {
        if local.is_some() { Place::Unknown } else { Place::Remote }
    }

    /// Takes what the contact shows; says whether that changed anything.
    pub(crate) fn see(&mut self, local: &Local, value: Option<&Value>, now: Mono) -> bool {
        let next = match (value.map(|v| local.when.holds(v)), *self) {
            (Some(true), _) => Place::Local,
            (Some(false), Place::Unknown) => Place::Remote,
            (Some(false), Place::Lost | Place::Local) => Place::Returning(now, false),
            (None, Place::Remote | Place::Local | Place::Returning(..)) => Place::Lost,
            (Some(false), stays @ (Place::Remote | Place::Returning(..)))
            | (None, stays @ (Place::Unknown | Place::Lost)) => stays,
        };
        std::mem::replace(self, next) != next
    }

    /// Whether the gateway may move the output as it likes.
    pub(crate) fn is_remote(self) -> bool {
        self == Place::Remote
    }
}
