//! A state machine that remembers its state and how long it has been in it.

use super::Lap;
use crate::Now;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A state and the time in it. The states are usually an enum made by [`words!`](crate::words),
/// so that they can be published and are saved by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Machine<S> {
    state: S,
    held: Duration,
    lap: Lap,
}

impl<S: Copy + PartialEq> Machine<S> {
    /// A machine in its first state.
    pub fn new(state: S) -> Self {
        Machine { state, held: Duration::ZERO, lap: Lap::default() }
    }

    /// Counts the time since the last call; call it once, at the beginning of every tick.
    pub fn step(&mut self, now: &Now) -> S {
        self.held += self.lap.step(now);
        self.state
    }

    /// The state.
    pub fn state(&self) -> S {
        self.state
    }

    /// Time in this state.
    pub fn held(&self) -> Duration {
        self.held
    }

    /// Goes to a state and says whether that is another one. Its time begins now.
    pub fn go(&mut self, state: S) -> bool {
        let changed = self.state != state;
        if changed {
            self.state = state;
            self.held = Duration::ZERO;
        }
        changed
    }
}
