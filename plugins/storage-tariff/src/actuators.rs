//! Valve before pump, one side shut before the other opens.

use crate::settings::Settings;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A side that is wanted and not ready for so long is in trouble.
const STUCK: Duration = Duration::from_secs(300);

/// A contact: not there, or what it says. One that is not believed says neither open nor shut.
pub type Contact = Option<bool>;

/// End switches of one side, as far as there are any.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Proof {
    /// The site has a valve here.
    pub valve: bool,
    /// Open.
    pub open: Contact,
    /// Shut.
    pub shut: Contact,
}

#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Side {
    valve: bool,
    pump: bool,
    /// Time since the valve was sent where it is. Not saved: after a restart it has to travel anew.
    #[serde(skip)]
    moved: Duration,
}

impl Side {
    fn send(&mut self, open: bool) {
        if self.valve != open {
            (self.valve, self.moved) = (open, Duration::ZERO);
        }
    }

    /// The end switch, or else the time of travel, shows the valve where it was sent.
    fn arrived(&self, travel: Duration, proof: &Proof, open: bool) -> bool {
        if !proof.valve {
            return self.valve == open || !open;
        }
        let contact = if open { proof.open } else { proof.shut };
        self.valve == open && contact.unwrap_or(self.moved >= travel)
    }
}

/// Which side is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Neither.
    None,
    /// Fill.
    Charge,
    /// Empty.
    Discharge,
}

/// Both sides: charge, discharge.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Actuators {
    sides: [Side; 2],
    waiting: Duration,
}

impl Actuators {
    /// Moves valves and pumps a step towards what is wanted.
    pub fn step(&mut self, settings: &Settings, wanted: Wanted, proofs: &[Proof; 2], dt: Duration) {
        self.sides.iter_mut().for_each(|side| side.moved = side.moved.saturating_add(dt));
        let travel = settings.valve_travel;
        let want = match wanted {
            Wanted::None => None,
            Wanted::Charge => Some(0),
            Wanted::Discharge => Some(1),
        };
        for at in (0..2).filter(|at| Some(*at) != want) {
            self.sides[at].pump = false;
            self.sides[at].send(false);
        }
        let Some(at) = want else {
            self.waiting = Duration::ZERO;
            return;
        };
        let other_shut = self.sides[1 - at].arrived(travel, &proofs[1 - at], false);
        let side = &mut self.sides[at];
        side.send(other_shut);
        side.pump = other_shut && side.arrived(travel, &proofs[at], true);
        self.waiting = if side.pump { Duration::ZERO } else { self.waiting + dt };
    }

    /// What valve and pump of a side are told.
    pub fn told(&self, side: usize) -> (bool, bool) {
        (self.sides[side].valve, self.sides[side].pump)
    }

    /// The pump of this side is told to run.
    pub fn runs(&self, wanted: Wanted) -> bool {
        match wanted {
            Wanted::None => !self.sides[0].pump && !self.sides[1].pump,
            Wanted::Charge => self.sides[0].pump,
            Wanted::Discharge => self.sides[1].pump,
        }
    }

    /// A valve does not get where it should.
    pub fn stuck(&self, settings: &Settings) -> bool {
        self.waiting > STUCK + 2 * settings.valve_travel
    }
}
