//! One unit: its phase, its timers and counters, and what may be done with it.

use serde::{Deserialize, Serialize};

use crate::reason::Reason;
use crate::settings::{GROUND_LOOP, STARTS, STEPS, Settings, UnitSettings};

const HOUR_MS: u32 = 3_600_000;

/// A contact as it was last believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Contact {
    /// The site has none.
    #[default]
    Absent,
    /// It has one, which has not been believable for too long.
    Unknown,
    /// Open: not proven, not running, no fault.
    Off,
    /// Closed.
    On,
}

/// Who has the unit's enable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Hold {
    /// This plugin may.
    #[default]
    Free,
    /// The unit is in local mode.
    Local,
    /// An operator has it.
    Operator,
}

/// What is known of a unit in this tick.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct UnitInputs {
    /// Running proof.
    pub(crate) running: Contact,
    /// Fault contact.
    pub(crate) fault: Contact,
    /// Who has its enable.
    pub(crate) hold: Hold,
    /// It is not to be used.
    pub(crate) banned: bool,
    /// Heat or cold it says it gives, kW.
    pub(crate) output_kw: Option<f64>,
    /// Source side leaving temperature, °C.
    pub(crate) source_leaving_c: Option<f64>,
    /// Run hours by its own counter, h.
    pub(crate) hours: Option<f64>,
}

/// Where a unit stands between off and running. Steps count from the source pump, 0, to the ground
/// loop, 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) enum Phase {
    /// Off, and nothing runs for it.
    #[default]
    Off,
    /// The steps up to this one are commanded, this one is not proven yet; [`STEPS`] when all are.
    Pre(u8),
    /// Enabled, not proven running.
    Starting,
    /// Enabled.
    Run,
    /// No longer enabled, not proven stopped; everything runs on for it.
    Stopping,
    /// Stopped; everything runs on.
    RunOn,
    /// This step and the later ones are taken back.
    Withdraw(u8),
}

/// Whom a unit runs for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) enum Purpose {
    /// The load of this plant.
    #[default]
    Load,
    /// Another plugin that asked for it; pumps and valves beyond its own pump are the asker's.
    Request,
}

/// A unit.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Unit {
    /// Where it stands.
    pub(crate) phase: Phase,
    /// Whom it runs for, or ran last.
    pub(crate) purpose: Purpose,
    /// The load wants it on.
    pub(crate) wanted: bool,
    /// Another plugin wants it on.
    pub(crate) requested: bool,
    /// Why it is wanted, or no longer.
    pub(crate) call: Reason,
    /// Why it is in its phase.
    pub(crate) reason: Reason,
    /// Why it is out of service, until retried or reset.
    pub(crate) fault: Option<Reason>,
    /// Time in this phase.
    pub(crate) phase_ms: u32,
    /// Run time by own count.
    pub(crate) hours_ms: u64,
    since_off_ms: u32,
    since_run_ms: u32,
    idle_ms: u32,
    unbidden_ms: u32,
    #[serde(with = "wellhead_sdk::help::array")]
    start_ages_ms: [u32; STARTS],
    start_count: u8,
    fault_ms: u32,
    retried: bool,
    since_retry_ms: u32,
    delay_ms: u32,
    return_ms: u32,
    cold_ms: u32,
    counted: bool,
    was_running: bool,
    #[serde(skip)]
    input: UnitInputs,
}

impl Unit {
    /// A unit that has been off long enough to start.
    pub(crate) fn new() -> Self {
        Self { since_off_ms: u32::MAX, start_ages_ms: [u32::MAX; STARTS], ..Self::default() }
    }

    /// What was read of it in this tick.
    pub(crate) fn input(&self) -> &UnitInputs {
        &self.input
    }

    /// Lets time pass and takes in what was read.
    pub(crate) fn observe(&mut self, settings: &Settings, input: UnitInputs, dt_ms: u32) {
        self.input = input;
        self.count(settings, dt_ms);
        self.phase_ms = self.phase_ms.saturating_add(dt_ms);
        self.delay_ms = self.delay_ms.saturating_sub(dt_ms);
        if !self.counted {
            // The machine's own counter gives the start, so that an old machine is not run for
            // years to catch up with. From then on only our own count goes on: a replaced
            // controller begins at zero.
            if let Some(hours) = input.hours.filter(|hours| *hours >= 0.0) {
                self.hours_ms = (hours * f64::from(HOUR_MS)) as u64;
                self.counted = true;
            } else {
                self.counted = self.hours_ms > u64::from(HOUR_MS);
            }
        }
        self.watch_fault(settings, dt_ms);
        // Below the hysteresis the pause does not begin to run out. Without a reading it does: the
        // machine has its own protection.
        let warm_c = settings.source_leaving_min_c + settings.source_leaving_hysteresis_k;
        if input.source_leaving_c.is_none_or(|leaving_c| leaving_c >= warm_c) {
            self.cold_ms = self.cold_ms.saturating_sub(dt_ms);
        }
        self.watch_hold(settings, dt_ms);
    }

    fn count(&mut self, settings: &Settings, dt_ms: u32) {
        let running = match self.input.running {
            Contact::Absent => self.phase == Phase::Run,
            contact => contact == Contact::On,
        };
        for age in &mut self.start_ages_ms {
            *age = age.saturating_add(dt_ms);
        }
        if running && !self.was_running {
            self.start_ages_ms.rotate_right(1);
            self.start_ages_ms[0] = 0;
        }
        let within = self.start_ages_ms[..settings.starts_max].iter().filter(|age| **age < HOUR_MS);
        self.start_count = u8::try_from(within.count()).unwrap_or(u8::MAX);
        if running && self.was_running {
            self.hours_ms = self.hours_ms.saturating_add(u64::from(dt_ms));
        }
        self.was_running = running;
        let on = matches!(self.phase, Phase::Starting | Phase::Run) || running;
        self.since_off_ms = if on { 0 } else { self.since_off_ms.saturating_add(dt_ms) };
        self.since_run_ms =
            if self.phase == Phase::Run { self.since_run_ms.saturating_add(dt_ms) } else { 0 };
        let idle = self.phase == Phase::Run && !running;
        self.idle_ms = if idle { self.idle_ms.saturating_add(dt_ms) } else { 0 };
        let unbidden = running && !self.is_on() && self.input.hold == Hold::Free;
        self.unbidden_ms = if unbidden { self.unbidden_ms.saturating_add(dt_ms) } else { 0 };
    }

    fn watch_fault(&mut self, settings: &Settings, dt_ms: u32) {
        self.fault_ms = self.fault_ms.saturating_add(dt_ms);
        self.since_retry_ms = self.since_retry_ms.saturating_add(dt_ms);
        if self.input.fault == Contact::On && self.fault.is_none() {
            self.fail(Reason::DeviceFault);
        }
        if self.retried && self.fault.is_none() && self.since_retry_ms >= settings.retry_again_ms {
            self.retried = false;
        }
        let again = self.fault.is_some() && !self.retried && self.fault_ms >= settings.retry_ms;
        if again && self.input.fault != Contact::On {
            self.fault = None;
            self.retried = true;
            self.since_retry_ms = 0;
        }
    }

    /// Follows a unit that somebody else has, and takes it over as it stands.
    fn watch_hold(&mut self, settings: &Settings, dt_ms: u32) {
        if self.input.hold == Hold::Free {
            self.return_ms = self.return_ms.saturating_sub(dt_ms);
            if self.return_ms > 0 {
                self.follow(Reason::RemoteReturn);
            }
            return;
        }
        if self.return_ms == 0 && self.input.hold == Hold::Local {
            // Who goes to the panel has seen what is wrong.
            self.clear_fault();
        }
        self.return_ms = settings.remote_return_ms;
        let local = self.input.hold == Hold::Local;
        self.follow(if local { Reason::Local } else { Reason::Operator });
    }

    fn follow(&mut self, reason: Reason) {
        match (self.input.running, self.phase) {
            (Contact::On, Phase::Run) => self.reason = reason,
            (Contact::On, _) => {
                self.purpose = Purpose::Load;
                self.enter(Phase::Run, reason);
            }
            (_, Phase::Pre(step)) => self.enter(Phase::Withdraw(step), reason),
            (_, Phase::Starting | Phase::Run) => self.enter(Phase::Stopping, reason),
            _ => {}
        }
    }

    /// Goes to another phase.
    pub(crate) fn enter(&mut self, phase: Phase, reason: Reason) {
        self.phase = phase;
        self.phase_ms = 0;
        self.reason = reason;
    }

    /// Puts the unit out of service and stops it.
    pub(crate) fn fail(&mut self, reason: Reason) {
        self.fault = Some(reason);
        self.fault_ms = 0;
        self.stop(reason);
    }

    /// Stops the unit, whatever its minimum times say.
    pub(crate) fn stop(&mut self, reason: Reason) {
        match self.phase {
            // A step that is not proven is not left running.
            Phase::Pre(step) => self.enter(Phase::Withdraw(step.min(self.last_step())), reason),
            Phase::Starting | Phase::Run => self.enter(Phase::Stopping, reason),
            _ => {}
        }
    }

    /// Drops everything at once: power is gone, or somebody pressed the emergency stop.
    pub(crate) fn drop_now(&mut self, reason: Reason) {
        if self.phase != Phase::Off {
            self.enter(Phase::Off, reason);
            self.since_off_ms = 0;
        }
    }

    /// Not before so long.
    pub(crate) fn delay(&mut self, delay_ms: u32) {
        self.delay_ms = delay_ms;
    }

    /// A person has seen to it.
    pub(crate) fn clear_fault(&mut self) {
        if self.input.fault != Contact::On {
            self.fault = None;
        }
        self.retried = false;
    }

    /// The running proof is on.
    pub(crate) fn runs(&self) -> bool {
        self.was_running
    }

    /// Somebody else has it, or had it a moment ago.
    pub(crate) fn held(&self) -> bool {
        self.input.hold != Hold::Free || self.return_ms > 0
    }

    /// Nothing is known of it.
    pub(crate) fn lost(&self) -> bool {
        self.input.running == Contact::Unknown
    }

    /// Could it be used, were its times over? If not, why.
    pub(crate) fn unavailable(&self) -> Option<Reason> {
        if self.input.hold == Hold::Local {
            Some(Reason::Local)
        } else if self.input.hold == Hold::Operator {
            Some(Reason::Operator)
        } else if self.return_ms > 0 {
            Some(Reason::RemoteReturn)
        } else if self.lost() {
            Some(Reason::Lost)
        } else if self.fault.is_some() {
            self.fault
        } else if self.input.banned {
            Some(Reason::Banned)
        } else if self.cold_ms > 0 {
            Some(Reason::SourceCold)
        } else {
            None
        }
    }

    /// May it start now?
    pub(crate) fn ready(&self, settings: &Settings) -> bool {
        self.unavailable().is_none()
            && self.at_rest()
            && !self.runs()
            && self.delay_ms == 0
            && self.since_off_ms >= settings.min_off_ms
            && usize::from(self.start_count) < settings.starts_max
    }

    /// Stopped, with nothing running for it but what another start for the same purpose needs.
    fn at_rest(&self) -> bool {
        match self.phase {
            Phase::Off => true,
            Phase::RunOn | Phase::Withdraw(_) => self.called() == Some(self.purpose),
            _ => false,
        }
    }

    /// Begins to start, from wherever the last stop has come to.
    pub(crate) fn begin(&mut self, purpose: Purpose) {
        let step = match self.phase {
            Phase::RunOn => STEPS as u8,
            Phase::Withdraw(step) => step,
            _ => 0,
        };
        if purpose == Purpose::Request {
            self.call = Reason::Requested;
        }
        self.purpose = purpose;
        self.enter(Phase::Pre(step), self.call);
    }

    /// May it stop now?
    pub(crate) fn ran_enough(&self, settings: &Settings) -> bool {
        self.since_run_ms >= settings.min_run_ms
    }

    /// How long it has been in [`Phase::Run`].
    pub(crate) fn since_run_ms(&self) -> u32 {
        self.since_run_ms
    }

    /// How long it has been enabled without running.
    pub(crate) fn idle_ms(&self) -> u32 {
        self.idle_ms
    }

    /// How long it has been running without being enabled.
    pub(crate) fn unbidden_ms(&self) -> u32 {
        self.unbidden_ms
    }

    /// The load wants it, or no longer does.
    pub(crate) fn want(&mut self, wanted: bool, why: Reason) {
        if self.wanted != wanted {
            self.wanted = wanted;
            self.call = why;
        }
    }

    /// Stops the unit because the source leaves it too cold, and keeps it off for a while.
    pub(crate) fn stop_for_cold(&mut self, rest_ms: u32) {
        self.cold_ms = rest_ms;
        self.stop(Reason::SourceCold);
    }

    /// It rests because the source left it too cold.
    pub(crate) fn cold(&self) -> bool {
        self.cold_ms > 0
    }

    /// Enabled.
    pub(crate) fn is_on(&self) -> bool {
        matches!(self.phase, Phase::Starting | Phase::Run)
    }

    /// Gives its output to the load.
    pub(crate) fn serves_load(&self) -> bool {
        self.phase == Phase::Run && self.purpose == Purpose::Load
    }

    /// Whom it is wanted for; the load goes before a request.
    pub(crate) fn called(&self) -> Option<Purpose> {
        if self.wanted {
            Some(Purpose::Load)
        } else if self.requested {
            Some(Purpose::Request)
        } else {
            None
        }
    }

    /// Does it need the pump or valve of a step?
    pub(crate) fn needs(&self, step: usize) -> bool {
        if self.purpose == Purpose::Request && step > 0 && self.phase != Phase::Off {
            return false;
        }
        match self.phase {
            // Never takes the water from a machine that runs.
            Phase::Off => self.runs(),
            Phase::Pre(reached) => step <= usize::from(reached),
            Phase::Starting | Phase::Run | Phase::Stopping | Phase::RunOn => true,
            Phase::Withdraw(from) => step < usize::from(from) || self.runs(),
        }
    }

    /// The steps that must be proven for the unit as it stands.
    pub(crate) fn proven_steps(&self) -> usize {
        match (self.phase, self.purpose) {
            (Phase::Pre(step), Purpose::Load) => usize::from(step),
            (Phase::Pre(step), Purpose::Request) => usize::from(step).min(1),
            (Phase::Starting | Phase::Run, Purpose::Load) => STEPS,
            (Phase::Starting | Phase::Run, Purpose::Request) => 1,
            _ => 0,
        }
    }

    /// The step after one, [`STEPS`] when there is none.
    pub(crate) fn step_after(&self, step: usize) -> usize {
        if self.purpose == Purpose::Request { STEPS } else { step + 1 }
    }

    /// The last step, with which a stop begins.
    pub(crate) fn last_step(&self) -> u8 {
        if self.purpose == Purpose::Request { 0 } else { GROUND_LOOP as u8 }
    }

    /// What its enable should be; none while somebody at the unit has it. Under an operator the
    /// slot follows the unit, so that nothing changes when the operator lets go.
    pub(crate) fn enable(&self) -> Option<bool> {
        match self.input.hold {
            Hold::Local => None,
            Hold::Operator => Some(self.runs()),
            Hold::Free => Some(self.is_on()),
        }
    }

    /// Whether two units wear alike.
    pub(crate) fn equal(a: &UnitSettings, b: &UnitSettings) -> bool {
        a.kind == b.kind && a.capacity_kw == b.capacity_kw
    }
}
