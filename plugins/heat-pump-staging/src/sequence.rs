//! The order of starting and stopping: source pump, load secondary pump, load primary pump, ground
//! loop, unit; and back, the unit first.

use crate::reason::Reason;
use crate::settings::{STEPS, Settings};
use crate::staging::{Inputs, Staging};
use crate::unit::{Contact, Phase, Purpose, Unit};

const DAY_MS: u32 = 86_400_000;

impl Staging {
    /// Moves every unit on by at most one command.
    pub(crate) fn advance(&mut self, settings: &Settings, inputs: &Inputs) {
        for index in settings.indices() {
            let mut unit = self.units[index];
            if !unit.held() {
                self.guard(settings, inputs, index, &mut unit);
            }
            match unit.phase {
                Phase::Off => {}
                Phase::Pre(step) => self.prepare(settings, inputs, index, &mut unit, step),
                Phase::Starting => start(settings, &mut unit),
                Phase::Run => self.run(settings, inputs, &mut unit),
                Phase::Stopping => stop(&mut unit),
                Phase::RunOn => {
                    if unit.phase_ms >= settings.run_on_ms && !unit.runs() {
                        unit.enter(Phase::Withdraw(unit.last_step()), Reason::RunOnOver);
                    }
                }
                Phase::Withdraw(step) => self.withdraw(settings, inputs, index, &mut unit, step),
            }
            self.units[index] = unit;
        }
        self.begin(settings);
    }

    /// Stops a unit that has lost what it needs.
    fn guard(&mut self, settings: &Settings, inputs: &Inputs, index: usize, unit: &mut Unit) {
        for step in 0..unit.proven_steps() {
            if let Some(pump) = settings.units[index].pumps[step]
                && !matches!(inputs.proofs[step][usize::from(pump)], Contact::Absent | Contact::On)
            {
                unit.fail(Reason::step(step));
                return;
            }
        }
        let leaving_c = unit.input().source_leaving_c;
        if unit.lost() && (unit.is_on() || matches!(unit.phase, Phase::Pre(_))) {
            unit.stop(Reason::Lost);
        } else if unit.is_on()
            && leaving_c.is_some_and(|leaving_c| leaving_c < settings.source_leaving_min_c)
            && self.since_cold_ms >= settings.start_step_ms
        {
            // One at a time: what is left of the units shares the flow, which is often enough.
            unit.stop_for_cold(self.rest_for_cold(settings));
        }
    }

    /// How long a unit rests that is stopped now. A source that is too cold again within a day of
    /// a rest does not bear all units: each rest is then twice as long as the one before.
    fn rest_for_cold(&mut self, settings: &Settings) -> u32 {
        let again = self.since_cold_ms < self.cold_rest_ms.saturating_add(DAY_MS);
        let least_ms = settings.source_cold_pause_ms;
        self.cold_rest_ms = match again {
            true => self.cold_rest_ms.saturating_mul(2).clamp(least_ms, least_ms.max(DAY_MS)),
            false => least_ms,
        };
        self.since_cold_ms = 0;
        self.cold_rest_ms
    }

    fn prepare(
        &mut self,
        settings: &Settings,
        inputs: &Inputs,
        index: usize,
        unit: &mut Unit,
        step: u8,
    ) {
        if unit.called() != Some(unit.purpose) {
            unit.stop(unit.call);
            return;
        }
        let mut step = usize::from(step);
        while step < STEPS {
            match self.passed(settings, inputs, index, step) {
                Some(true) => {}
                Some(false) if unit.phase_ms >= settings.proof_ms(step) => {
                    unit.fail(Reason::step(step));
                    return;
                }
                _ => break,
            }
            step = unit.step_after(step);
            unit.enter(Phase::Pre(step as u8), Reason::Proven);
            let Some(pump) = settings.units[index].pumps.get(step).copied().flatten() else {
                continue;
            };
            if self.pumps_ms[step][usize::from(pump)].is_none() {
                // Commanded from this tick on; to be proven in a later one.
                break;
            }
        }
        if step >= STEPS && self.since_start_ms >= settings.start_step_ms {
            self.since_start_ms = 0;
            unit.enter(Phase::Starting, unit.call);
        }
    }

    /// Is a step proven? None while its pump has yet to run up, for want of a proof.
    fn passed(
        &self,
        settings: &Settings,
        inputs: &Inputs,
        index: usize,
        step: usize,
    ) -> Option<bool> {
        let Some(pump) = settings.units[index].pumps[step].map(usize::from) else {
            return Some(true);
        };
        match (self.pumps_ms[step][pump], inputs.proofs[step][pump]) {
            (Some(_), Contact::On) => Some(true),
            (Some(on_ms), Contact::Absent) => (on_ms >= settings.proof_ms(step)).then_some(true),
            (Some(_), _) => Some(false),
            (None, _) => None,
        }
    }

    fn run(&self, settings: &Settings, inputs: &Inputs, unit: &mut Unit) {
        if unit.held() {
            return;
        }
        if unit.input().running == Contact::Off {
            let missed = self.plan.is_some_and(|plan| {
                let error = inputs.mains.error_k(plan.season.mode, plan.setpoint_c);
                error.is_some_and(|error| error > settings.up_error_k)
            });
            let due = unit.purpose == Purpose::Load && missed;
            if !settings.unit_cycles || (due && unit.idle_ms() >= settings.hold_ms) {
                unit.fail(Reason::StoppedByItself);
                return;
            }
        }
        match (unit.purpose, unit.called()) {
            // Whoever asked for it has its own reasons, and may have lost the flow.
            (Purpose::Request, None) => unit.stop(Reason::RequestEnded),
            (Purpose::Request, Some(Purpose::Load)) => unit.stop(Reason::LoadFirst),
            (Purpose::Load, None | Some(Purpose::Request)) if unit.ran_enough(settings) => {
                unit.stop(unit.call);
            }
            _ => {}
        }
    }

    /// Takes back a step, and the one before it in a later tick, once this one has gone down.
    fn withdraw(
        &self,
        settings: &Settings,
        inputs: &Inputs,
        index: usize,
        unit: &mut Unit,
        step: u8,
    ) {
        if unit.phase_ms == 0 {
            return;
        }
        let number = usize::from(step);
        let down = settings.units[index].pumps[number].map(usize::from).is_none_or(|pump| {
            self.pumps_ms[number][pump].is_some()
                || inputs.proofs[number][pump] != Contact::On
                || unit.phase_ms >= settings.proof_ms(number)
        });
        if down {
            match step.checked_sub(1) {
                Some(before) => unit.enter(Phase::Withdraw(before), unit.reason),
                None => unit.enter(Phase::Off, unit.reason),
            }
        }
    }

    /// Lets the next unit begin, when no other is on its way.
    fn begin(&mut self, settings: &Settings) {
        let busy = |unit: &Unit| matches!(unit.phase, Phase::Pre(_) | Phase::Starting);
        if self.units.iter().any(busy) {
            return;
        }
        let next = settings.indices().filter_map(|index| {
            let unit = &self.units[index];
            let purpose = unit.called()?;
            let key = (purpose == Purpose::Request, unit.hours_ms, index);
            unit.ready(settings).then_some((key, purpose, index))
        });
        if let Some((_, purpose, index)) = next.min_by_key(|(key, ..)| *key) {
            self.units[index].begin(purpose);
        }
    }
}

fn start(settings: &Settings, unit: &mut Unit) {
    match unit.called() {
        Some(purpose) if purpose == unit.purpose => {}
        // Enabled but not running yet: nothing is lost by turning back.
        _ => return unit.stop(unit.call),
    }
    if unit.runs() {
        unit.enter(Phase::Run, unit.call);
    } else if unit.phase_ms >= settings.unit_proof_ms {
        if settings.unit_cycles {
            // Its thermostat is content; the flow of the load will call it.
            unit.enter(Phase::Run, unit.call);
        } else {
            unit.fail(Reason::NotStarted);
        }
    }
}

fn stop(unit: &mut Unit) {
    // Without an answer it may still run: its pumps go on until it is known to stand.
    if unit.phase_ms > 0 && !unit.runs() && !unit.lost() {
        unit.enter(Phase::RunOn, unit.reason);
    }
}
