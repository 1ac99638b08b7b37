//! Who is told of which changes (clause 13.1).

use super::Peer;
use super::device::{APDU_RETRIES, APDU_TIMEOUT};
use super::object::Live;
use crate::wire::service::property as p;
use crate::wire::tag;
use crate::{ObjectId, Property, wire};
use std::time::Duration;
use tokio::time::Instant;
use wellhead_model::Value as PointValue;

/// Most subscriptions at a time, whoever holds them.
pub(super) const MAX: usize = 512;
/// Notifications in a row that a subscriber may leave unanswered before it is forgotten.
const MISSES_MAX: u32 = 3;

/// What a subscriber was told last.
#[derive(Debug, Clone, PartialEq)]
struct Told {
    value: Option<PointValue>,
    flags: [bool; 4],
}

/// A confirmed notification under way.
pub(super) struct Flight {
    pub(super) invoke: u8,
    pub(super) deadline: Instant,
    tries: u32,
    pub(super) bytes: Vec<u8>,
}

/// One subscription.
pub(super) struct Subscription {
    pub(super) peer: Peer,
    pub(super) process: u32,
    /// Place of the object.
    pub(super) index: usize,
    /// The one property that is wanted; `None` wants value and flags.
    pub(super) property: Option<Property>,
    pub(super) confirmed: bool,
    /// When it ends; `None` is never.
    pub(super) until: Option<Instant>,
    /// Smallest change, where the subscriber wants another than the object's.
    pub(super) increment: Option<f64>,
    told: Option<Told>,
    pub(super) flight: Option<Flight>,
    misses: u32,
}

impl Subscription {
    /// Seconds until it ends; 0 is never, so a rest of a second counts as one.
    pub(super) fn remaining(&self, now: Instant) -> u32 {
        let Some(until) = self.until else { return 0 };
        let rest = until.saturating_duration_since(now);
        u32::try_from(rest.as_millis().div_ceil(1000)).unwrap_or(u32::MAX).max(1)
    }

    /// Whether what the object shows is to be told now.
    fn due(&self, live: &Live, increment: f64) -> bool {
        if self.flight.is_some() {
            return false;
        }
        let Some(told) = &self.told else { return true };
        if told.flags != live.flags() {
            return true;
        }
        if self.property.is_some_and(|property| property.id == p::STATUS_FLAGS) {
            return false;
        }
        let number = |value: &Option<PointValue>| value.as_ref().and_then(PointValue::as_f64);
        match (number(&told.value), number(&live.value)) {
            (Some(old), Some(new)) if increment > 0.0 => (new - old).abs() >= increment,
            _ => told.value != live.value,
        }
    }
}

/// All subscriptions.
#[derive(Default)]
pub(super) struct Subscriptions {
    all: Vec<Subscription>,
    invoke: u8,
}

/// What makes a subscription the same as another.
pub(super) type Key = (Peer, u32, usize, Option<Property>);

impl Subscriptions {
    fn key(s: &Subscription) -> Key {
        (s.peer, s.process, s.index, s.property)
    }

    /// Ends a subscription; one that is not there is ended already.
    pub(super) fn cancel(&mut self, key: Key) {
        self.all.retain(|s| Self::key(s) != key);
    }

    /// Begins or renews one; false when there is no room.
    pub(super) fn subscribe(
        &mut self,
        key: Key,
        confirmed: bool,
        until: Option<Instant>,
        increment: Option<f64>,
    ) -> bool {
        if !self.all.iter().any(|s| Self::key(s) == key) && self.all.len() >= MAX {
            return false;
        }
        self.cancel(key);
        let (peer, process, index, property) = key;
        // Without `told`, the state of now is the first that is told.
        let (told, flight, misses) = (None, None, 0);
        self.all.push(Subscription {
            peer,
            process,
            index,
            property,
            confirmed,
            until,
            increment,
            told,
            flight,
            misses,
        });
        true
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// Drops what is over.
    pub(super) fn expire(&mut self, now: Instant) {
        self.all.retain(|s| s.until.is_none_or(|until| now < until));
    }

    /// Positions of the subscriptions that have something to be told; `live` and `increment` are
    /// those of the object at a place.
    pub(super) fn due<'a>(&self, live: impl Fn(usize) -> (&'a Live, f64)) -> Vec<usize> {
        let due = |s: &Subscription| {
            let (live, increment) = live(s.index);
            s.due(live, s.increment.unwrap_or(increment))
        };
        self.all.iter().enumerate().filter(|(_, s)| due(s)).map(|(at, _)| at).collect()
    }

    /// The subscription at a position, to be told.
    pub(super) fn at(&self, at: usize) -> Option<&Subscription> {
        self.all.get(at)
    }

    /// Notes that the one at a position was told what its object shows; of a confirmed one `bytes`
    /// is the notification, for which an invoke id is returned.
    pub(super) fn told(&mut self, at: usize, live: &Live) {
        if let Some(s) = self.all.get_mut(at) {
            s.told = Some(Told { value: live.value.clone(), flags: live.flags() });
        }
    }

    /// A number for a confirmed notification that no other one to this peer has under way.
    pub(super) fn invoke(&mut self, peer: Peer) -> Option<u8> {
        let busy = |id: u8| {
            let same = |s: &Subscription| s.flight.as_ref().is_some_and(|f| f.invoke == id);
            self.all.iter().any(|s| s.peer == peer && same(s))
        };
        let next = (1..=255u8).map(|step| self.invoke.wrapping_add(step));
        let free = next.into_iter().find(|id| !busy(*id))?;
        self.invoke = free;
        Some(free)
    }

    /// Puts a confirmed notification under way.
    pub(super) fn fly(&mut self, at: usize, invoke: u8, bytes: Vec<u8>, now: Instant) {
        if let Some(s) = self.all.get_mut(at) {
            let deadline = now + APDU_TIMEOUT;
            s.flight = Some(Flight { invoke, deadline, tries: 0, bytes });
        }
    }

    /// A peer answered a confirmed notification, for better or worse. One that has been refused is
    /// not sent again: the subscriber has seen it.
    pub(super) fn answered(&mut self, peer: Peer, invoke: u8) {
        for s in &mut self.all {
            if s.peer == peer && s.flight.as_ref().is_some_and(|f| f.invoke == invoke) {
                s.flight = None;
                s.misses = 0;
            }
        }
    }

    /// Sends again what nobody answered; forgets subscribers that answer nothing at all.
    pub(super) fn overdue(&mut self, now: Instant, mut again: impl FnMut(Peer, &[u8])) {
        self.all.retain_mut(|s| {
            let Some(flight) = &mut s.flight else { return true };
            if flight.deadline > now {
                return true;
            }
            if flight.tries < APDU_RETRIES {
                flight.tries += 1;
                flight.deadline = now + APDU_TIMEOUT;
                again(s.peer, &flight.bytes);
                return true;
            }
            s.flight = None;
            s.misses += 1;
            let forget = s.misses >= MISSES_MAX;
            if forget {
                let peer = s.peer.address;
                tracing::warn!(%peer, process = s.process, "BACnet subscriber answers no more");
            } else {
                // What it missed is told anew.
                s.told = None;
            }
            !forget
        });
    }

    /// When something is due next.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let one = |s: &Subscription| {
            let flight = s.flight.as_ref().map(|f| f.deadline);
            [flight, s.until].into_iter().flatten().min()
        };
        self.all.iter().filter_map(one).min()
    }

    /// Active_COV_Subscriptions: a list of BACnetCOVSubscription.
    pub(super) fn encode(&self, objects: &[ObjectId], now: Instant) -> Vec<u8> {
        let mut out = Vec::new();
        for s in &self.all {
            let Some(object) = objects.get(s.index) else { continue };
            tag::opening(&mut out, 0);
            tag::opening(&mut out, 0);
            tag::opening(&mut out, 1);
            s.peer.write(&mut out);
            tag::closing(&mut out, 1);
            tag::closing(&mut out, 0);
            tag::context_unsigned(&mut out, 1, u64::from(s.process));
            tag::closing(&mut out, 0);
            tag::opening(&mut out, 1);
            tag::context(&mut out, 0, &wire::object_bits(*object).to_be_bytes());
            let property = s.property.map_or(p::PRESENT_VALUE, |property| property.id);
            tag::context_unsigned(&mut out, 1, u64::from(property));
            tag::closing(&mut out, 1);
            tag::context(&mut out, 2, &[u8::from(s.confirmed)]);
            tag::context_unsigned(&mut out, 3, u64::from(s.remaining(now)));
            if let Some(increment) = s.increment {
                #[expect(clippy::cast_possible_truncation, reason = "it came as a REAL")]
                tag::context(&mut out, 4, &(increment as f32).to_be_bytes());
            }
        }
        out
    }
}

/// How long a subscription of so many seconds lasts; 0 is for ever.
pub(super) fn until(lifetime: u32, now: Instant) -> Option<Instant> {
    (lifetime > 0).then(|| now + Duration::from_secs(u64::from(lifetime)))
}
