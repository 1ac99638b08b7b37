//! The group control as a pure state machine: readings and elapsed time in, commands out.
//!
//! [`Staging::step`] goes through a tick in this order: what the units say, the calendar, what
//! stops everything, heating or cooling, the load, who is wanted ([`crate::choice`]), the phases of
//! the units ([`crate::sequence`]), the pumps.

use serde::{Deserialize, Serialize};

use crate::load::{Ladder, Mains};
use crate::reason::Reason;
use crate::season::{Calendar, Mode, Season, Wall};
use crate::settings::{LOAD_SECONDARY, PUMPS, STEPS, Settings, UNITS};
use crate::unit::{Contact, Phase, Unit, UnitInputs};

/// What is read in one tick.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Inputs {
    /// The wall clock.
    pub(crate) wall: Wall,
    /// Contacts that call, of those that the site has; none if it has none, and then the season
    /// alone calls.
    pub(crate) calls: Option<u8>,
    /// Mains.
    pub(crate) mains: Mains,
    /// Setpoint of the supply from elsewhere, °C.
    pub(crate) setpoint_c: Option<f64>,
    /// Emergency stop pressed.
    pub(crate) emergency: Contact,
    /// Power is there.
    pub(crate) power: Contact,
    /// A person resets faults.
    pub(crate) reset: bool,
    /// Changeover valves stand at heating.
    pub(crate) at_heating: Contact,
    /// Changeover valves stand at cooling.
    pub(crate) at_cooling: Contact,
    /// Units.
    pub(crate) units: [UnitInputs; UNITS],
    /// Proofs of pumps and valves, by step.
    pub(crate) proofs: [[Contact; PUMPS]; STEPS],
    /// Other plugins want a pump or valve, by step.
    pub(crate) requests: [[bool; PUMPS]; STEPS],
    /// Other plugins want a unit; see [`crate::settings::UnitSettings::request`].
    pub(crate) unit_requests: [bool; UNITS],
}

impl Inputs {
    /// Nothing fitted and nothing read.
    pub(crate) fn new(wall: Wall) -> Self {
        Self {
            wall,
            calls: None,
            mains: Mains::default(),
            setpoint_c: None,
            emergency: Contact::Absent,
            power: Contact::Absent,
            reset: false,
            at_heating: Contact::Absent,
            at_cooling: Contact::Absent,
            units: [UnitInputs::default(); UNITS],
            proofs: [[Contact::Absent; PUMPS]; STEPS],
            requests: [[false; PUMPS]; STEPS],
            unit_requests: [false; UNITS],
        }
    }
}

/// What the season asks for in this tick.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Plan {
    /// Row of the calendar.
    pub(crate) season: Season,
    /// Supply temperature wanted, °C.
    pub(crate) setpoint_c: f64,
    /// Contacts that call; 1 where the season alone calls.
    pub(crate) calls: usize,
}

/// The group control.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Staging {
    /// Units.
    #[serde(with = "wellhead_sdk::help::array")]
    pub(crate) units: [Unit; UNITS],
    /// Why the plant is in its state.
    pub(crate) reason: Reason,
    pub(crate) calendar: Calendar,
    pub(crate) mode: Option<Mode>,
    pub(crate) all_off_ms: u32,
    pub(crate) valve_ms: u32,
    pub(crate) up_ms: u32,
    pub(crate) down_ms: u32,
    pub(crate) unknown_ms: u32,
    pub(crate) fresh: bool,
    pub(crate) since_start_ms: u32,
    pub(crate) since_cold_ms: u32,
    /// How long the unit rests that was last stopped for a cold source.
    pub(crate) cold_rest_ms: u32,
    pub(crate) row: Option<u8>,
    /// Time since each pump or valve was commanded; none while it is not.
    pub(crate) pumps_ms: [[Option<u32>; PUMPS]; STEPS],
    pub(crate) ladder: Ladder,
    #[serde(skip)]
    pub(crate) load_kw: Option<f64>,
    #[serde(skip)]
    pub(crate) plan: Option<Plan>,
    #[serde(skip)]
    pub(crate) stranded: bool,
}

impl Staging {
    /// A plant at rest.
    pub(crate) fn new() -> Self {
        Self {
            units: [Unit::new(); UNITS],
            fresh: true,
            all_off_ms: u32::MAX,
            since_start_ms: u32::MAX,
            since_cold_ms: u32::MAX,
            ..Self::default()
        }
    }

    /// Takes up a saved state. After a swap of this plugin everything goes on, but for a unit that
    /// no longer runs, or that is none of the site's `units` any more. After anything else all is
    /// taken to be off, and each unit waits as long as `restart_ms` says, each a little longer than
    /// the one before.
    pub(crate) fn resume(
        &mut self,
        units: std::ops::Range<usize>,
        restart_ms: impl Fn(usize) -> u32,
        swapped: bool,
        inputs: &Inputs,
    ) {
        for (index, unit) in self.units.iter_mut().enumerate() {
            let stands = unit.is_on() && inputs.units[index].running != Contact::On;
            if swapped && !stands && units.contains(&index) {
                continue;
            }
            unit.drop_now(Reason::Restart);
            unit.call = Reason::Restart;
            unit.delay(restart_ms(index));
        }
        if !swapped {
            self.pumps_ms = [[None; PUMPS]; STEPS];
        }
    }

    /// One tick, `dt_ms` after the one before.
    pub(crate) fn step(&mut self, settings: &Settings, inputs: &Inputs, dt_ms: u32) {
        for index in settings.indices() {
            let unit = &mut self.units[index];
            unit.observe(settings, inputs.units[index], dt_ms);
            if inputs.reset {
                unit.clear_fault();
            }
            let request = settings.units[index].request.map(usize::from);
            let asked = request.is_some_and(|entry| inputs.unit_requests.get(entry) == Some(&true));
            unit.requested = asked && unit.unavailable().is_none();
        }
        self.since_start_ms = self.since_start_ms.saturating_add(dt_ms);
        self.since_cold_ms = self.since_cold_ms.saturating_add(dt_ms);
        self.calendar.step(&settings.seasons, inputs.wall, dt_ms);
        self.load_kw = self.measure(settings, inputs, dt_ms);
        if self.dropped(settings, inputs) {
            self.pumps_ms = [[None; PUMPS]; STEPS];
            self.plan = None;
            return;
        }
        self.plan = self.plan(settings, inputs, dt_ms);
        self.choose(settings, inputs, dt_ms);
        self.advance(settings, inputs);
        self.drive_pumps(settings, inputs, dt_ms);
    }

    /// Emergency stop or power gone: everything off at once.
    fn dropped(&mut self, settings: &Settings, inputs: &Inputs) -> bool {
        let reason = if inputs.emergency == Contact::On {
            Reason::EmergencyStop
        } else if inputs.power == Contact::Off {
            Reason::PowerLost
        } else {
            return false;
        };
        self.reason = reason;
        for index in settings.indices() {
            let unit = &mut self.units[index];
            unit.drop_now(reason);
            if reason == Reason::EmergencyStop {
                unit.want(false, reason);
            } else {
                unit.call = Reason::Restart;
            }
            unit.delay(settings.restart_ms(index));
        }
        self.fresh |= reason == Reason::EmergencyStop;
        true
    }

    /// What the season, the contacts and the changeover allow.
    fn plan(&mut self, settings: &Settings, inputs: &Inputs, dt_ms: u32) -> Option<Plan> {
        let off = settings.indices().all(|index| {
            let unit = &self.units[index];
            unit.phase == Phase::Off && !unit.runs()
        });
        self.all_off_ms = if off { self.all_off_ms.saturating_add(dt_ms) } else { 0 };
        self.valve_ms = self.valve_ms.saturating_add(dt_ms);
        let Some(season) = self.calendar.row().and_then(|row| settings.seasons.row(row)) else {
            self.reason = Reason::NoSeason;
            return None;
        };
        if self.mode != Some(season.mode) {
            // Never in a hurry: water of one season must not meet a machine set for the other.
            if self.mode.is_some() && self.all_off_ms < settings.changeover_ms {
                self.reason = Reason::Changeover;
                return None;
            }
            self.mode = Some(season.mode);
            self.valve_ms = 0;
        }
        if !matches!(self.changeover_proof(inputs), Contact::Absent | Contact::On) {
            self.reason = Reason::ValveNotProven;
            return None;
        }
        if inputs.emergency == Contact::Unknown {
            self.reason = Reason::EmergencyUnknown;
            return None;
        }
        let calls = usize::from(inputs.calls.unwrap_or(1));
        if calls == 0 {
            self.reason = Reason::NoCall;
            return None;
        }
        let setpoint_c = inputs.setpoint_c.unwrap_or(season.setpoint_c);
        Some(Plan { season, setpoint_c, calls })
    }

    fn changeover_proof(&self, inputs: &Inputs) -> Contact {
        match self.mode {
            Some(Mode::Heating) => inputs.at_heating,
            Some(Mode::Cooling) => inputs.at_cooling,
            None => Contact::Absent,
        }
    }

    fn measure(&mut self, settings: &Settings, inputs: &Inputs, dt_ms: u32) -> Option<f64> {
        if let Some(load_kw) = inputs.mains.load_kw() {
            self.ladder = Ladder::Mains;
            self.unknown_ms = 0;
            return Some(load_kw);
        }
        let mut serving = settings.indices().filter(|index| self.units[*index].serves_load());
        let said = serving.try_fold(None, |sum: Option<f64>, index| {
            Some(Some(sum.unwrap_or(0.0) + inputs.units[index].output_kw?))
        });
        let said = said.flatten();
        if said.is_some() {
            self.ladder = Ladder::Units;
            self.unknown_ms = 0;
            return said;
        }
        self.unknown_ms = self.unknown_ms.saturating_add(dt_ms);
        let over = self.unknown_ms > settings.hold_ms;
        self.ladder = if over { Ladder::Contacts } else { Ladder::Held };
        None
    }

    /// Which pumps and valves are commanded from now on.
    fn drive_pumps(&mut self, settings: &Settings, inputs: &Inputs, dt_ms: u32) {
        let mut needed = [[false; PUMPS]; STEPS];
        for index in settings.indices() {
            for (step, pump) in settings.units[index].pumps.iter().enumerate() {
                let Some(pump) = pump else { continue };
                needed[step][usize::from(*pump)] |= self.units[index].needs(step);
            }
        }
        let circulate = settings.circulate && self.plan.is_some();
        for (step, (row, needed)) in self.pumps_ms.iter_mut().zip(needed).enumerate() {
            let fitted = row.iter_mut().zip(needed).take(settings.pumps[step]);
            for (pump, (on_ms, needed)) in fitted.enumerate() {
                // Standing water tells nothing of the load, so what once circulates goes on.
                let circulates = circulate && step == LOAD_SECONDARY && on_ms.is_some();
                let on = needed || inputs.requests[step][pump] || circulates;
                *on_ms = on.then(|| on_ms.map_or(0, |on_ms| on_ms.saturating_add(dt_ms)));
            }
        }
    }

    /// Is a pump or valve commanded?
    pub(crate) fn pump(&self, step: usize, pump: usize) -> bool {
        self.pumps_ms[step][pump].is_some()
    }

    /// Heating or cooling, once it is known.
    pub(crate) fn mode(&self) -> Option<Mode> {
        self.mode
    }

    /// What the season asks for; none when nobody calls.
    pub(crate) fn plan_now(&self) -> Option<Plan> {
        self.plan
    }

    /// The load, kW.
    pub(crate) fn load_kw(&self) -> Option<f64> {
        self.load_kw
    }

    /// How well the load is known.
    pub(crate) fn ladder(&self) -> Ladder {
        self.ladder
    }

    /// Rated output of the units that serve the load, kW.
    pub(crate) fn capacity_kw(&self, settings: &Settings) -> f64 {
        let serving = settings.indices().filter(|index| self.units[*index].serves_load());
        serving.fold(0.0, |sum, index| sum + settings.units[index].capacity_kw)
    }

    /// What a person has to look at, as a whole; units speak for themselves.
    pub(crate) fn complaint(&self, settings: &Settings) -> Option<Reason> {
        match self.reason {
            Reason::EmergencyStop | Reason::EmergencyUnknown | Reason::PowerLost => {
                Some(self.reason)
            }
            Reason::ValveNotProven if self.valve_ms > settings.valve_proof_ms => Some(self.reason),
            _ if self.plan.is_some() && self.ladder == Ladder::Contacts => {
                Some(Reason::LoadUnknown)
            }
            _ if self.stranded => Some(Reason::NoUnit),
            _ => None,
        }
    }

    /// The date cannot be trusted; the season stays what it was.
    pub(crate) fn calendar_lost(&self) -> bool {
        self.calendar.lost()
    }
}

impl Settings {
    /// How long a unit waits after power or gateway returns.
    pub(crate) fn restart_ms(&self, index: usize) -> u32 {
        let more = u32::try_from(index).unwrap_or(u32::MAX).saturating_mul(self.restart_step_ms);
        self.restart_delay_ms.saturating_add(more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unit::Purpose;
    use wellhead_sdk::MonthDay;

    fn inputs(running: Contact) -> Inputs {
        let day = MonthDay::new(1, 10).unwrap_or_else(|| unreachable!("10 January is a day"));
        let mut inputs = Inputs::new(Wall { utc_ms: 0, synced: true, day });
        inputs.units[0].running = running;
        inputs
    }

    fn interrupted() -> Staging {
        let mut staging = Staging::new();
        staging.units[0].want(true, Reason::LoadHigh);
        staging.units[0].begin(Purpose::Load);
        staging.units[0].enter(Phase::Run, Reason::LoadHigh);
        staging.pumps_ms[0][0] = Some(60_000);
        staging
    }

    #[test]
    fn unit_that_ran_through_a_swap_of_the_plugin_goes_on() {
        let mut staging = interrupted();
        staging.resume(0..2, |_| 60_000, true, &inputs(Contact::On));
        assert_eq!((staging.units[0].phase, staging.units[0].wanted), (Phase::Run, true));
        assert!(staging.pump(0, 0));
    }

    #[test]
    fn unit_found_standing_or_found_after_a_restart_is_off_but_still_wanted() {
        for (swapped, running) in
            [(true, Contact::Off), (true, Contact::Unknown), (false, Contact::On)]
        {
            let mut staging = interrupted();
            staging.resume(0..2, |_| 60_000, swapped, &inputs(running));
            let unit = &staging.units[0];
            assert_eq!((unit.phase, unit.wanted), (Phase::Off, true), "{swapped} {running:?}");
        }
    }
}
