//! A device as it answers: its map over the plant, the faults of its sensors, and its ledger of
//! answers.

use std::collections::VecDeque;

use crate::devices::Device;
use crate::devices::map::{Register, Source, WORDS_MAX};
use crate::fault::{ActiveFault, Fault};
use crate::plant::Plant;
use crate::presets::Preset;

/// Answers of which the wall time is kept.
pub const LEDGER_MAX: usize = 200_000;

/// One answered poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answered {
    /// The count the answer showed.
    pub poll: u32,
    /// Wall time at which it was handed to the line, ms since 1970 UTC.
    pub wall_ms: u64,
}

/// A device and its answers.
#[derive(Debug)]
pub struct Unit {
    /// The device.
    pub device: Device,
    /// Requests that came for it.
    pub requests: u64,
    /// Requests answered in good order, exceptions included.
    pub answered: u64,
    /// Of these, exceptions.
    pub exceptions: u64,
    polls: u32,
    ledger: VecDeque<Answered>,
    pub(crate) sensor_faults: Vec<ActiveFault>,
}

impl std::fmt::Debug for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (unit {})", self.name, self.unit)
    }
}

/// The numeric register of a name in the map of a unit of a room.
#[must_use]
pub fn find(preset: Preset, unit: u8, point: &str) -> Option<&'static Register> {
    let device = preset.devices().iter().find(|device| device.unit == unit)?;
    let mut map = device.model.map.iter();
    map.find(|register| register.name == point && matches!(register.source, Source::Number(_)))
}

impl Unit {
    /// A unit that has answered nothing yet.
    #[must_use]
    pub fn new(device: Device) -> Self {
        Self {
            device,
            requests: 0,
            answered: 0,
            exceptions: 0,
            polls: 0,
            ledger: VecDeque::new(),
            sensor_faults: Vec::new(),
        }
    }

    /// Answered reads that covered the poll counter.
    #[must_use]
    pub fn polls(&self) -> u32 {
        self.polls
    }

    /// The count the next covering answer shows.
    #[must_use]
    pub fn next_poll(&self) -> u32 {
        self.polls.wrapping_add(1)
    }

    /// The last answered polls, oldest first.
    #[must_use]
    pub fn ledger(&self) -> &VecDeque<Answered> {
        &self.ledger
    }

    /// A count has been given out; [`Unit::sent`] follows when the answer has left.
    pub(crate) fn take_poll(&mut self, poll: u32) {
        self.polls = poll;
    }

    pub(crate) fn sent(&mut self, poll: u32, wall_ms: u64) {
        if self.ledger.len() == LEDGER_MAX {
            self.ledger.pop_front();
        }
        self.ledger.push_back(Answered { poll, wall_ms });
    }

    /// The value a register shows, sensor faults included; NaN is "no sensor".
    #[must_use]
    pub fn reading(&self, plant: &Plant, register: &Register) -> f64 {
        let mut value = match register.source {
            Source::Number(read) => read(plant, self.device.index),
            Source::PollCounter => return f64::from(self.next_poll()),
            Source::Text(_) => return f64::NAN,
        };
        value += crate::access::noise(plant, self.device.unit, register);
        for active in &self.sensor_faults {
            if active.fault.point() == Some(register.name) {
                value = match active.fault {
                    Fault::Stuck { .. } => active.onset.0,
                    Fault::Drift { per_day, .. } => {
                        value + per_day * (plant.time_s() - active.onset.1) / 86_400.0
                    }
                    Fault::Scale { factor, .. } => value * factor,
                    _ => f64::NAN,
                };
            }
        }
        value
    }

    /// The words a register shows.
    #[must_use]
    pub fn words(&self, plant: &Plant, register: &Register) -> [u16; WORDS_MAX] {
        register.layout(register.raw(self.reading(plant, register)))
    }
}
