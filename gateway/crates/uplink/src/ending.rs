//! How connections end, what that says, and how long to wait for the next.

use rumqttc::v5::mqttbytes::v5::{ConnectReturnCode, DisconnectReasonCode};
use rumqttc::v5::{ConnectionError, StateError};
use std::time::Duration;

/// Longest pause between two attempts to connect: short enough that an operator who mends the
/// link sees values while still looking, long enough that a broker's restart meets no storm.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
/// Longest pause where the broker ends each connection soon: two boxes with one id take the
/// session from each other this often at most.
const LONGEST_PAUSE_CLOSED: Duration = Duration::from_secs(60);
/// A connection that stood this long was not ended for having been made. More than the longest
/// pause, or the other of two boxes with one id would seem to have given up while it waits.
pub(crate) const SETTLED: Duration = Duration::from_secs(90);
/// So many connections in a row that end before they settled are no chance.
const CLOSED_TOLD: u32 = 3;

/// What ended a connection, or kept one from coming about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// The broker does not take username and password.
    LoginRefused,
    /// The broker says that another client came with the same id.
    TakenOver,
    /// The broker ended it and did not say why, or rumqttc could not read that: it takes no
    /// DISCONNECT whose properties are left out, which is how mosquitto says `TakenOver`.
    Closed,
    Other,
}

/// The end of a connection, in the words of whoever noticed.
#[derive(Debug, Clone)]
pub(crate) struct Ended {
    pub(crate) why: Why,
    pub(crate) error: String,
}

impl Ended {
    pub(crate) fn other(error: impl std::fmt::Display) -> Self {
        Self { why: Why::Other, error: error.to_string() }
    }
}

impl From<ConnectionError> for Ended {
    fn from(e: ConnectionError) -> Self {
        use ConnectReturnCode::{BadUserNamePassword, NotAuthorized};
        use DisconnectReasonCode::SessionTakenOver;
        use std::io::ErrorKind::{BrokenPipe, ConnectionReset};
        let why = match &e {
            ConnectionError::ConnectionRefused(BadUserNamePassword | NotAuthorized) => {
                Why::LoginRefused
            }
            ConnectionError::MqttState(StateError::ServerDisconnect {
                reason_code: SessionTakenOver,
                ..
            }) => Why::TakenOver,
            ConnectionError::MqttState(
                StateError::ConnectionAborted | StateError::ServerDisconnect { .. },
            ) => Why::Closed,
            ConnectionError::Io(e) | ConnectionError::MqttState(StateError::Io(e))
                if matches!(e.kind(), ConnectionReset | BrokenPipe) =>
            {
                Why::Closed
            }
            _ => Why::Other,
        };
        Self { why, error: e.to_string() }
    }
}

/// Connections in a row that the broker ended soon after it had taken them.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Closings {
    pub(crate) in_a_row: u32,
    /// The broker itself said that it is another client with the same id.
    pub(crate) taken_over: bool,
    told: bool,
}

impl Closings {
    /// A connection that stood for `stood` ended; of one that did not come about this says
    /// nothing. Returns whether it must be told now, which it is once.
    pub(crate) fn ended(&mut self, why: Why, stood: Duration) -> bool {
        match why {
            Why::TakenOver => self.taken_over = true,
            Why::Closed if stood < SETTLED => {}
            Why::Closed | Why::LoginRefused | Why::Other => {
                self.in_a_row = 0;
                return false;
            }
        }
        self.in_a_row = self.in_a_row.saturating_add(1);
        self.is_trouble() && !std::mem::replace(&mut self.told, true)
    }

    /// The connection has settled. Returns after how many that did not, if that was told.
    pub(crate) fn settled(&mut self) -> Option<u32> {
        let Self { in_a_row, told, .. } = std::mem::take(self);
        told.then_some(in_a_row)
    }

    /// Whether somebody must look at it.
    pub(crate) fn is_trouble(&self) -> bool {
        self.told || self.taken_over || self.in_a_row >= CLOSED_TOLD
    }

    /// The least pause before the next connection: doubling from 1 s to 60 s.
    fn pause(&self) -> Duration {
        match self.in_a_row {
            0 | 1 => Duration::ZERO,
            n => Duration::from_millis(250 << n.min(8)).min(LONGEST_PAUSE_CLOSED),
        }
    }
}

/// Pause before the next connection: doubling from 0.5 s to 8 s, less up to a half at random so
/// that a site's gateways do not knock together.
#[derive(Debug, Default)]
pub(crate) struct Backoff(u32);

impl Backoff {
    pub(crate) fn next(&mut self, closings: &Closings) -> Duration {
        let full = Duration::from_millis(500 << self.0.min(4)).min(LONGEST_PAUSE);
        self.0 = self.0.saturating_add(1);
        full.max(closings.pause()).mul_f64(0.5 + fastrand::f64() / 2.0)
    }

    /// The broker answered something useful: the next trouble is a new one.
    pub(crate) fn reset(&mut self) {
        self.0 = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    #[test]
    fn backoff_grows_to_its_longest_pause_and_starts_again() {
        let (mut b, none) = (Backoff::default(), Closings::default());
        let first = b.next(&none);
        assert!(first >= Duration::from_millis(250) && first <= Duration::from_millis(500));
        for _ in 0..100 {
            assert!(b.next(&none) <= LONGEST_PAUSE);
        }
        assert!(b.next(&none) >= LONGEST_PAUSE / 2);
        b.reset();
        assert!(b.next(&none) <= Duration::from_millis(500));
    }

    #[test]
    fn a_broker_that_closes_each_connection_is_told_once_and_left_in_peace_longer() {
        let (mut b, mut c) = (Backoff::default(), Closings::default());
        let told: Vec<bool> = (0..20).map(|_| c.ended(Why::Closed, S)).collect();
        assert_eq!(told.iter().filter(|t| **t).count(), 1);
        assert_eq!(told.iter().position(|t| *t), Some(2), "at the third");
        assert!(b.next(&c) >= LONGEST_PAUSE_CLOSED / 2);
        assert!(LONGEST_PAUSE_CLOSED < SETTLED, "or the other's pause would look like peace");
        assert_eq!(c.settled(), Some(20));
        assert!(!c.is_trouble());
        assert_eq!(c.settled(), None);
    }

    #[test]
    fn a_session_taken_over_in_the_brokers_own_words_is_told_at_the_first() {
        let mut c = Closings::default();
        assert!(c.ended(Why::TakenOver, 2 * SETTLED));
        assert!(c.taken_over);
    }

    #[test]
    fn a_broker_that_restarts_now_and_then_is_no_trouble() {
        let mut c = Closings::default();
        assert!((0..20).all(|_| !c.ended(Why::Closed, SETTLED)));
        for _ in 0..20 {
            assert!(!c.ended(Why::Closed, S) && !c.ended(Why::Closed, S));
            assert!(!c.ended(Why::Other, S), "a cable that was pulled");
        }
        assert!(!c.is_trouble());
    }
}
